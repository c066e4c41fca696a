/* SPDX-License-Identifier: MIT */
/*
 * debug.h - what the simulated machine tells a debugger (arch/debug.h), as tests set it.
 */
#ifndef HOST_DEBUG_H
#define HOST_DEBUG_H

#include "arch/debug.h"

#define HOST_KERNEL_START     0x80800000u
#define HOST_KERNEL_END       0x80810000u

#define HOST_BUGCHECK_REBOOT  0xF0000010u /* KdReboot, which does not return */
#define HOST_BUGCHECK_POWER   0xF0000011u /* KdShutdown */

#define HOST_DESCRIPTORS      3u /* in the table of segments */
#define HOST_GATE_CONNECTED   0xD1u
#define HOST_GATE_TASK        0x08u
#define HOST_GATE_NOT_PRESENT 0xFFu

typedef struct _HOST_SYMBOL {
    ULONG_PTR Address;
    const char *Name;
} HOST_SYMBOL;

/* Everything as it was at power-on: no symbols, no script, registers 0. */
void HostDebugReset(void);

/* => Sorted by address; the array stays. */
void HostSetSymbols(const HOST_SYMBOL *Symbols, ULONG Count);

/* What KdCaptureRegisters says. */
extern KD_REGISTERS HostRegisters;

/* The text of monitor.txt; NULL: there is none. */
void HostSetScript(const char *Text);

/* Lines that KdReport was given. */
extern ULONG HostReportsPassed;
extern ULONG HostReportsFailed;

#endif

/* SPDX-License-Identifier: MIT */
/*
 * stack_trace.h - who called whom, from the registers and the stack.
 */
#ifndef X86_STACK_TRACE_H
#define X86_STACK_TRACE_H

#include "nt/types.h"

typedef struct _KI_STACK_STATE {
    ULONG Eip;
    ULONG Esp;
    ULONG Ebp;
    BOOLEAN InCall; /* Eip is where a call returns to, not an instruction that runs */
} KI_STACK_STATE, *PKI_STACK_STATE;

/* One line of WinDbg's k. */
typedef struct _KI_STACK_FRAME {
    ULONG ChildEbp; /* the frame's base, or where it would be in a function without one */
    ULONG RetAddr;
    ULONG Eip;
    BOOLEAN InCall;
} KI_STACK_FRAME, *PKI_STACK_FRAME;

/* Copy Bytes from Va.  => FALSE, and *Buffer unchanged, where not all of them can be read. */
typedef BOOLEAN KI_READ_MEMORY(ULONG Va, PVOID Buffer, ULONG Bytes);

/*
 * The frames from State outwards, across traps, at most Limit.
 *
 * => KiInitializeSymbols was called: where functions begin is known from there.
 * => Returns their number; a chain that leaves readable memory or does not climb ends it.
 */
ULONG KiTraceStack(const KI_STACK_STATE *State, KI_READ_MEMORY *Read, PKI_STACK_FRAME Frames,
                   ULONG Limit);

/* Print the trace of State, a line a frame.  => Any state: reads only what the page tables map. */
void KiPrintStackTrace(const KI_STACK_STATE *State);

/* KiTraceStack's Read for the running machine. */
KI_READ_MEMORY KiReadMappedMemory;

#endif

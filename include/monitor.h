/* SPDX-License-Identifier: MIT */
/*
 * monitor.h - the monitor: a prompt for those who want to look at the running kernel.
 */
#ifndef MONITOR_H
#define MONITOR_H

#include "nt/types.h"

/*
 * Read commands from the console and carry them out, for ever.
 *
 * => PASSIVE_LEVEL, one at a time.
 */
NT_NORETURN void MiRunMonitor(void);

/*
 * Carry out the script that is on the disk, line by line, each echoed behind a prompt.  Every
 * command that fails, or is none, is a failed line of the boot's report; a last line sums up.
 *
 * => PASSIVE_LEVEL.  FALSE: something failed, or there is no script.
 */
BOOLEAN MiRunDiskScript(void);

/* Read a line from the console, with editing but without a history.  => Bytes <= 256. */
void MiReadConsoleLine(char *Line, SIZE_T Bytes);

/* Back to the system's process, from where .process has gone.  => The monitor's thread. */
void MiLookHome(void);

#endif

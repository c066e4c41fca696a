/* SPDX-License-Identifier: MIT */
/*
 * bench_idle.h - measuring what waits for the disk: waiting does not count, whatever anybody does
 * meanwhile does (the caller, workers, interrupts), in whichever thread.
 */
#ifndef MM_INSPECT_BENCH_IDLE_H
#define MM_INSPECT_BENCH_IDLE_H

#include "nt/status.h"
#include "nt/types.h"

/* Begin to tell idle time from work, and end it.  => One at a time.  Failure: no thread. */
NT_MUST_CHECK NTSTATUS MiStartIdleWatch(void);
void MiStopIdleWatch(void);

/* => Cycles that somebody worked, from any beginning: differences count.  While it is watched. */
ULONG64 MiBusyCycles(void);

#endif

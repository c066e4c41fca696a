/* SPDX-License-Identifier: MIT */
/*
 * report_threads.h - the dispatcher's lines of the boot's report, on stacks of the caller's kind.
 */
#ifndef MM_INSPECT_REPORT_THREADS_H
#define MM_INSPECT_REPORT_THREADS_H

#include "nt/types.h"

/* Where stacks come from; the host bench needs larger ones. */
typedef struct _MI_STACK_SOURCE {
    PVOID (*Create)(void); /* => Returns the stack's end; NULL: there is none. */
    void (*Delete)(PVOID StackBase);
    SIZE_T Bytes;
} MI_STACK_SOURCE;

/* => PASSIVE_LEVEL; the clock runs, worker threads serve DelayedWorkQueue. */
void MiReportThreadsOn(const MI_STACK_SOURCE *Stacks);

#endif

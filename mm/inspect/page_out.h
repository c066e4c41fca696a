/* SPDX-License-Identifier: MIT */
/*
 * page_out.h - sending a process' pages to the paging file on purpose: for the report and the rows.
 */
#ifndef MM_INSPECT_PAGE_OUT_H
#define MM_INSPECT_PAGE_OUT_H

#include "nt/status.h"
#include "nt/types.h"

/*
 * Empty the running process' working set, and write every modified page there is.
 *
 * => PASSIVE_LEVEL, attached.  Locked pages stay.
 * => A status of MiFlushModifiedPages.
 */
NT_MUST_CHECK NTSTATUS MiWriteProcess(void);

/* Take every frame on standby for something else, as when memory is short.  => How many. */
ULONG MiReuseStandbyFrames(void);

/* Both: what the process touches next comes from the paging file. */
NT_MUST_CHECK NTSTATUS MiPageOutProcess(PULONG Reused);

#endif

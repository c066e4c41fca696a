/* SPDX-License-Identifier: MIT */
/*
 * mapped_writer.h - the mapped page writer: modified pages of files go there, and become standby
 * pages.
 */
#ifndef MM_SECTION_MAPPED_WRITER_H
#define MM_SECTION_MAPPED_WRITER_H

#include "mm/pfn/pfn.h"
#include "nt/status.h"

/* => Once a machine, before the first page of a file is modified. */
void MiInitializeMappedWriter(void);

/* Start its thread.  => STATUS_INSUFFICIENT_RESOURCES. */
NT_MUST_CHECK NTSTATUS MiStartMappedWriter(void);

/* It ends, if there is one; waits for that.  => PASSIVE_LEVEL. */
void MiStopMappedWriter(void);

/* There may be something to do.  => Any locks but the dispatcher's; IRQL <= DISPATCH_LEVEL. */
void MiWakeMappedWriter(void);

/*
 * Where it waits because writes failed, it tries again now: somebody waits for memory, or the disk
 * has taken something.
 *
 * => As MiWakeMappedWriter.
 */
void MiRetryMappedWriter(void);

/*
 * One write: the page that was modified first, and its neighbours.
 *
 * => PASSIVE_LEVEL or APC_LEVEL.  STATUS_NO_MORE_ENTRIES: there is none.  Else what the disk said;
 *    the pages are behind all others then.
 */
NT_MUST_CHECK NTSTATUS MiWriteMappedPages(void) NT_NOT_HOLDING(MiPfnLock);

/* Until none is left.  => The first failure. */
NT_MUST_CHECK NTSTATUS MiFlushMappedPages(void) NT_NOT_HOLDING(MiPfnLock);

#endif

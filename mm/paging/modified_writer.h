/* SPDX-License-Identifier: MIT */
/*
 * modified_writer.h - the modified page writer: modified pages go to a paging file, and become
 * standby pages.
 *
 * Pages whose contents come from a file of their own go there, through a writer of its own
 * (mm/section/mapped_writer.h); when either writes is writer_thread.h's.
 */
#ifndef MM_PAGING_MODIFIED_WRITER_H
#define MM_PAGING_MODIFIED_WRITER_H

#include "mm/paging/slots.h"

#define MI_MODIFIED_WRITE_PAGES 64u /* of a write, at most */
#define MI_WRITER_PRIORITY      17  /* the documented one */

/* What the writer did since the start; for reading.  Written by whoever holds the writer's lock. */
typedef struct _MI_WRITER_FIGURES {
    ULONG Writes;        /* requests */
    ULONG PagesWritten;  /* and now in a slot */
    ULONG TablesWritten; /* of them, page tables */
    ULONG PagesDropped;  /* written, but deleted or changed meanwhile: the slot is free again */
    ULONG FailedWrites;  /* requests */
    ULONG FailedPages;   /* that stayed modified */
    ULONG BadSlots;      /* retired */
    ULONG NoSlots;       /* there was no free slot for a modified page */
    ULONG Reclaimed;     /* slots taken back from pages that are in memory */
    ULONG BackOffs;      /* times that it waited as nothing could be written */
    NTSTATUS LastStatus; /* of the last write that failed: P4 of bug check 0x4D */
} MI_WRITER_FIGURES, *PMI_WRITER_FIGURES;

extern MI_WRITER_FIGURES MiWriterFigures;

/* => Once a machine, before the first page is modified. */
void MiInitializeModifiedWriter(void);

/* Start its thread.  => STATUS_INSUFFICIENT_RESOURCES. */
NT_MUST_CHECK NTSTATUS MiStartModifiedWriter(void);

/* It writes no more and its thread, if there is one, ends; waits for that.  => PASSIVE_LEVEL. */
void MiStopModifiedWriter(void);

/*
 * There may be something to do: write until few modified pages are left, many of them available.
 *
 * => Any locks but the dispatcher's; IRQL <= DISPATCH_LEVEL.
 */
void MiWakeModifiedWriter(void);

/*
 * Write until no modified page is left, or nothing more can be written.
 *
 * => PASSIVE_LEVEL or APC_LEVEL, no working set's mutex.  STATUS_SUCCESS: none is left.
 *    STATUS_DISK_FULL: no slot is free.  Else what the disk said.
 */
NT_MUST_CHECK NTSTATUS MiFlushModifiedPages(void) NT_NOT_HOLDING(MiPfnLock);

/* ---- one write: write_pages.c ---- */

/* => Once a machine. */
void MiInitializePageWriting(void);

/*
 * Write up to MI_MODIFIED_WRITE_PAGES from the front of the modified list.
 *
 * => One caller at a time; PASSIVE_LEVEL or APC_LEVEL.
 * => STATUS_SUCCESS: at least one page is in its slot now, or its owner gave it up.
 *    STATUS_NO_MORE_ENTRIES: there was none.  STATUS_DISK_FULL: no slot is free.
 *    Otherwise no page could be written; all of them are modified again.
 */
NT_MUST_CHECK NTSTATUS MiWriteModifiedPages(void) NT_NOT_HOLDING(MiPfnLock);

/* The slots that are being written just now.  => Count 0: none. */
MI_SLOTS MiQuerySlotsInWriting(void) NT_HOLDS(MiPfnLock);

/* ---- when slots run out: reclaim_slots.c ---- */

/*
 * Take slots from pages that are in use and need none there: they are modified from then on.
 *
 * => One caller at a time.  Returns how many, at most Slots.
 */
ULONG MiReclaimSlots(ULONG Slots) NT_NOT_HOLDING(MiPfnLock);

#endif

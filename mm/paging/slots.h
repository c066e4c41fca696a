/* SPDX-License-Identifier: MIT */
/*
 * slots.h - the slots of paging files: which are free, whose contents have which checksum.
 */
#ifndef MM_PAGING_SLOTS_H
#define MM_PAGING_SLOTS_H

#include "mm/paging/paging_file.h"
#include "mm/pfn/pfn.h"

/* Tie mm/pfn, which frees slots with their pages, to this.  => Once a machine. */
void MiInitializeSlots(void);

/*
 * Memory for the slots of a File whose Size and MaximumSize are known; all but slot 0 are free.
 *
 * => PASSIVE_LEVEL; nobody else knows File.  STATUS_INSUFFICIENT_RESOURCES: it has none.
 */
NT_MUST_CHECK NTSTATUS MiCreateSlots(PMMPAGING_FILE File);

/* => No slot is in use. */
void MiDeleteSlots(PMMPAGING_FILE File);

/*
 * Slots from Size on: memory for them, and, when nothing can fail any more, they are free, and the
 * commit limit is higher.
 *
 * => PASSIVE_LEVEL; one caller at a time.  NewSize is at most MaximumSize.
 * => STATUS_INSUFFICIENT_RESOURCES: the memory that there was stays.
 */
NT_MUST_CHECK NTSTATUS MiPrepareMoreSlots(PMMPAGING_FILE File, PFN_NUMBER NewSize)
    NT_NOT_HOLDING(MiPfnLock);
void MiAddSlots(PMMPAGING_FILE File, PFN_NUMBER NewSize) NT_NOT_HOLDING(MiPfnLock);

/* Consecutive slots of a paging file. */
typedef struct _MI_SLOTS {
    ULONG File;
    ULONG First;
    ULONG Count; /* 0: none */
} MI_SLOTS, *PMI_SLOTS;

/*
 * Take up to Most consecutive slots of the file that has most of them free: the next Most behind
 * the last taken ones, and where there are none near, the longest run that was seen.
 *
 * => IRQL <= DISPATCH_LEVEL; one caller at a time.  Takes the lock for MI_SLOT_WINDOW slots at a
 *    time.
 */
MI_SLOTS MiAllocateSlots(ULONG Most) NT_NOT_HOLDING(MiPfnLock);

#define MI_SLOT_WINDOW 2048u

/* They are free again. */
void MiReleaseSlots(ULONG File, ULONG First, ULONG Count) NT_HOLDS(MiPfnLock);

/*
 * Event is set as soon as slots are free, at once if some are.  NULL: nobody waits any more.
 *
 * => One that waits at a time.
 */
void MiAwaitSlots(PKEVENT Event) NT_NOT_HOLDING(MiPfnLock);

/* They could not be written: nobody gets them again. */
void MiRetireSlots(ULONG File, ULONG First, ULONG Count) NT_HOLDS(MiPfnLock);

/* => Whether the slot is taken (by a page, a writer, or for good). */
BOOLEAN MiIsSlotTaken(ULONG File, ULONG Slot) NT_HOLDS(MiPfnLock);

/* S1 to S5, of slots.c and slots_verify.c.  => The page-frame database and hyperspace are there. */
void MiVerifyPagingFiles(void) NT_NOT_HOLDING(MiPfnLock);

/* ---- checksums: CRC32C ---- */

/* => IRQL <= DISPATCH_LEVEL; somebody holds the frame. */
ULONG MiPageChecksum(PFN_NUMBER Frame) NT_NOT_HOLDING(MiPfnLock);

/* => Of any bytes; Crc is 0 or the result for what came before. */
ULONG MiChecksum(ULONG Crc, const void *Data, SIZE_T Bytes);

/* => The slot is taken; any IRQL: nobody but its owner reads or writes the checksum. */
void MiSetSlotChecksum(ULONG File, ULONG Slot, ULONG Checksum);
ULONG MiSlotChecksum(ULONG File, ULONG Slot);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * slots.c - which slots of the paging files are taken.
 *
 *     free      bit clear
 *     taken     bit set: one PTE or OriginalPte names it, or a write to it is under way
 *     bad       bit set, and in BadSlots: a write to it failed
 *
 * Free slots are looked for from where the last ones were taken (Hint), so that what is written
 * together lies together and the disk's head moves on; a window of MI_SLOT_WINDOW slots at a time,
 * as the lock is one that everybody needs.
 *
 * Invariants (MiVerifyPagingFiles):
 *   S1  FreeSpace is the number of clear bits; FreeSpace + CurrentUsage + BadSpace = Size - 1
 *   S2  the bits of slot 0 and of slots from Size on are set
 *   S3  a bad slot's bit is set in both maps, and BadSpace counts them
 *
 * Locking: MiPfnLock.
 */
#include "mm/paging/slots.h"

#include "mm/paging/slot_memory.h"
#include "mm/pfn/commit.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/sysva/pte_make.h"
#include "rtl.h"

#define MIP_WINDOWS 8u /* looked at for a run of the length that is wanted, before a shorter one */

static PKEVENT MipAwaiting NT_GUARDED_BY(MiPfnLock); /* set when slots are free; NULL: no need */

static void MipReleaseSlot(MMPTE Software) NT_HOLDS(MiPfnLock)
{
    MiReleaseSlots(MiPteFile(Software), MiPteSlot(Software), 1);
}

void MiInitializeSlots(void) NT_NO_LOCK_ANALYSIS /* nobody else runs yet */
{
    MipAwaiting = NULL;
    MiForgetPagingFiles();
    MiInitializeChecksums();
    MiSetReleaseSlotRoutine(MipReleaseSlot);
}

/* ---- finding ---- */

/* => The file with most free slots; NULL: there is no slot. */
static PMMPAGING_FILE MipFindFile(void) NT_HOLDS(MiPfnLock)
{
    PMMPAGING_FILE Best = NULL;
    PFN_NUMBER Most = 0;
    ULONG i;

    for (i = 0; i < MmNumberOfPagingFiles; i++) {
        if (MmPagingFile[i]->FreeSpace > Most) {
            Best = MmPagingFile[i];
            Most = Best->FreeSpace;
        }
    }
    return Best;
}

/* In [From, End): the first run of Most, or the longest if it is longer than *Run. */
static void MipFindRun(const MMPAGING_FILE *File, ULONG From, ULONG End, ULONG Most, PMI_SLOTS Run)
    NT_HOLDS(MiPfnLock)
{
    const RTL_BITMAP Window = {.SizeOfBitMap = End, .Buffer = File->Bitmap.Buffer};
    ULONG First = 0;
    ULONG Count;

    while (Run->Count < Most) {
        Count = RtlFindNextForwardRunClear(&Window, From, &First);
        if (Count == 0) {
            return;
        }
        if (Count > Run->Count) {
            Run->First = First;
            Run->Count = Count < Most ? Count : Most;
        }
        From = First + Count;
    }
}

static void MipTake(PMMPAGING_FILE File, const MI_SLOTS *Run) NT_HOLDS(MiPfnLock)
{
    MI_ASSERT(RtlAreBitsClear(&File->Bitmap, Run->First, Run->Count));
    RtlSetBits(&File->Bitmap, Run->First, Run->Count);
    File->FreeSpace -= Run->Count;
    File->CurrentUsage += Run->Count; /* S1 holds again */
    if (File->PeakUsage < File->CurrentUsage) {
        File->PeakUsage = File->CurrentUsage;
    }
    File->Hint = Run->First + Run->Count;
}

/* Look at one window.  => Where the next one begins. */
static ULONG MipLook(PMMPAGING_FILE File, ULONG From, ULONG Most, PMI_SLOTS Run, BOOLEAN MayTake)
    NT_HOLDS(MiPfnLock)
{
    ULONG Size = (ULONG)File->Size;
    ULONG End = Size - From < MI_SLOT_WINDOW ? Size : From + MI_SLOT_WINDOW;

    MipFindRun(File, From, End, Most, Run);
    if (Run->Count == Most || (MayTake && Run->Count != 0)) {
        MipTake(File, Run);
        return 0;
    }
    return End < Size ? End : 1;
}

MI_SLOTS MiAllocateSlots(ULONG Most)
{
    MI_SLOTS Run = {0};
    PMMPAGING_FILE File;
    ULONG Windows;
    ULONG From;
    KIRQL OldIrql = MiLockPfn();

    File = MipFindFile();
    if (File == NULL || Most == 0) {
        MiUnlockPfn(OldIrql);
        return Run;
    }
    Run.File = File->PageFileNumber;
    From = File->Hint < File->Size ? File->Hint : 1;
    for (Windows = 1; From != 0; Windows++) {
        From = MipLook(File, From, Most, &Run, Windows >= MIP_WINDOWS);
        MiUnlockPfn(OldIrql); /* others may free slots, but nobody takes any */
        OldIrql = MiLockPfn();
    }
    MiUnlockPfn(OldIrql);
    return Run;
}

/* ---- giving back ---- */

static PMMPAGING_FILE MipCheckTaken(ULONG File, ULONG First, ULONG Count) NT_HOLDS(MiPfnLock)
{
    PMMPAGING_FILE Paging = MmPagingFile[File];

    MI_ASSERT(File < MmNumberOfPagingFiles && First != 0 && First + Count <= Paging->Size);
    MI_ASSERT(RtlAreBitsSet(&Paging->Bitmap, First, Count));
    MI_ASSERT(RtlAreBitsClear(&Paging->BadSlots, First, Count));
    MI_ASSERT(Paging->CurrentUsage >= Count);
    return Paging;
}

static void MipTellOfSlots(void) NT_HOLDS(MiPfnLock)
{
    if (MipAwaiting != NULL) {
        (void)KeSetEvent(MipAwaiting, IO_NO_INCREMENT, FALSE);
    }
}

void MiAwaitSlots(PKEVENT Event)
{
    KIRQL OldIrql = MiLockPfn();
    ULONG i;

    MipAwaiting = Event;
    for (i = 0; i < MmNumberOfPagingFiles; i++) {
        if (MmPagingFile[i]->FreeSpace != 0) {
            MipTellOfSlots();
        }
    }
    MiUnlockPfn(OldIrql);
}

void MiReleaseSlots(ULONG File, ULONG First, ULONG Count)
{
    PMMPAGING_FILE Paging = MipCheckTaken(File, First, Count);

    RtlClearBits(&Paging->Bitmap, First, Count);
    Paging->CurrentUsage -= Count;
    Paging->FreeSpace += Count; /* S1 holds again */
    MipTellOfSlots();
}

void MiRetireSlots(ULONG File, ULONG First, ULONG Count)
{
    PMMPAGING_FILE Paging = MipCheckTaken(File, First, Count);

    RtlSetBits(&Paging->BadSlots, First, Count);
    Paging->CurrentUsage -= Count;
    Paging->BadSpace += Count; /* S1, S3 hold again */
    Paging->Unbacked += Count;
    Paging->Unbacked -= MiLowerCommitLimit(Paging->Unbacked);
}

BOOLEAN MiIsSlotTaken(ULONG File, ULONG Slot)
{
    return RtlTestBit(&MmPagingFile[File]->Bitmap, Slot);
}

void MiAddSlots(PMMPAGING_FILE File, PFN_NUMBER NewSize)
{
    KIRQL OldIrql = MiLockPfn();
    ULONG More = (ULONG)(NewSize - File->Size);

    MI_ASSERT(NewSize >= File->Size && MiChecksumPages(NewSize) <= File->ChecksumPages);
    RtlClearBits(&File->Bitmap, (ULONG)File->Size, More);
    File->FreeSpace += More;
    File->Size = NewSize;    /* S1, S2 hold again */
    MiGrowCommitLimit(More); /* S5 too */
    MipTellOfSlots();
    MiUnlockPfn(OldIrql);
}

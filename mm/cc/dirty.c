/* SPDX-License-Identifier: MIT */
/*
 * dirty.c - dirty pages: setting them, writing them, forgetting them.
 *
 * A slot has a bit for each of its pages.  To write a run of them their bits move from Dirty to
 * Writing; when the section is on the disk they go, when it failed they go back to Dirty.  A page
 * that is dirtied while it is being written has both, and is written again: who flushes a range
 * waits for both kinds, so that what was in the cache when he came is on the disk when he goes.
 *
 * Two writes of one page do not overlap: a run ends before a page that is being written.
 *
 * That a page was written to stands in the PTE of the view that it was written through, until
 * somebody moves it to the frame, which the section looks at: before a run is written its view is
 * told to (MmSetAddressRangeModified), and views that are just being unmapped are waited for.
 *
 * Files have sections also where no cache manager runs: flushing and purging such a file is the
 * section's alone.
 *
 * Locking: CcMasterLock; the disk is waited for without it.
 */
#include "mm/cc/dirty.h"

#include "mm/cc/lazy_writer.h"
#include "mm/cc/vacb.h"
#include "mm/cc/view_index.h"
#include "mm/section/section.h"

#define CCP_FOREVER     0x7FFFFFFFFFFFFFFFll
#define CCP_MOST_PURGED 0x40000000ll /* bytes at once */

CC_DIRTY_COUNTERS CcDirtyCounters;
ULONG CcTotalDirtyPages;
ULONG CcDirtyPageThreshold;

void CciInitializeDirty(ULONG RamPages)
{
    CcDirtyCounters = (CC_DIRTY_COUNTERS){.Dirtied = 0};
    CcTotalDirtyPages = 0;
    CcDirtyPageThreshold = RamPages / 2;
}

void CcSetSystemDirtyPageThreshold(ULONG Pages)
{
    KIRQL OldIrql = CciLock();

    CcDirtyPageThreshold = Pages;
    CciUnlock(OldIrql);
}

/* ---- bits ---- */

static ULONG CcipCount(ULONG64 Pages)
{
    return (ULONG)__builtin_popcountll(Pages);
}

/* Bits of the pages of slot Number that [Offset, End) touches. */
static ULONG64 CcipMask(ULONG64 Number, LONGLONG Offset, LONGLONG End)
{
    LONGLONG Start = (LONGLONG)(Number << VACB_OFFSET_SHIFT);
    LONGLONG First = Offset <= Start ? 0 : (Offset - Start) >> PAGE_SHIFT;
    LONGLONG Last = End - Start >= VACB_MAPPING_GRANULARITY
                        ? MM_CACHE_VIEW_PAGES
                        : (End - Start + PAGE_SIZE - 1) >> PAGE_SHIFT;

    if (Last <= First) {
        return 0;
    }
    return (~0ull >> (MM_CACHE_VIEW_PAGES - (Last - First))) << First;
}

/* => Pages were not dirty before. */
static void CcipAdd(PSHARED_CACHE_MAP Map, ULONG64 Number, PCC_SLOT Slot, ULONG64 Pages)
    NT_HOLDS(CcMasterLock)
{
    ULONG Count = CcipCount(Pages);

    if (Count == 0) {
        return;
    }
    MI_ASSERT((Slot->Dirty & Pages) == 0);
    if (Map->DirtyPages == 0) {
        InsertTailList(&CcDirtyMaps, &Map->DirtyLinks);
    }
    Slot->Dirty |= Pages;
    Map->DirtyPages += Count;
    CcTotalDirtyPages += Count;
    CciSlotChanged(Map, Number);
}

/* => All of Pages are dirty; the slot may be gone afterwards. */
static void CcipRemove(PSHARED_CACHE_MAP Map, ULONG64 Number, PCC_SLOT Slot, ULONG64 Pages)
    NT_HOLDS(CcMasterLock)
{
    ULONG Count = CcipCount(Pages);

    if (Count == 0) {
        return;
    }
    MI_ASSERT((Slot->Dirty & Pages) == Pages && Map->DirtyPages >= Count);
    Slot->Dirty &= ~Pages;
    Map->DirtyPages -= Count;
    CcTotalDirtyPages -= Count;
    if (Map->DirtyPages == 0) {
        RemoveEntryList(&Map->DirtyLinks);
    }
    CciSlotChanged(Map, Number);
}

void CciSetDirty(PSHARED_CACHE_MAP Map, LONGLONG Offset, ULONG Bytes)
{
    ULONG64 Number = (ULONG64)Offset >> VACB_OFFSET_SHIFT;
    KIRQL OldIrql = CciLock();
    PCC_SLOT Slot = CciFindSlot(Map, Number);
    ULONG64 New;

    MI_ASSERT(Slot != NULL && Slot->Vacb != NULL && Slot->Vacb->ActiveCount != 0);
    New = CcipMask(Number, Offset, Offset + Bytes) & ~Slot->Dirty;
    CcDirtyCounters.Dirtied += CcipCount(New);
    CcipAdd(Map, Number, Slot, New);
    CciUnlock(OldIrql);
}

/* ---- writing ---- */

/* Less is dirty: perhaps writers that are held back may go on. */
static void CcipWakeWriters(void) NT_HOLDS(CcMasterLock)
{
    if (CciAreWritersDeferred()) {
        CciWakeLazyWriter();
    }
}

/* Pages that lie side by side in one slot. */
typedef struct _CC_RUN {
    ULONG64 Number; /* the slot's */
    ULONG64 Pages;  /* bits */
    ULONG Count;
    LONGLONG Offset;
    PVACB Vacb; /* its view, in use; NULL: it has none */
} CC_RUN;

/* The lowest pages of Wanted that lie side by side, Most at most.  => Wanted is not 0. */
static CC_RUN CcipFirstRun(ULONG64 Number, ULONG64 Wanted, ULONG Most)
{
    ULONG First = (ULONG)__builtin_ctzll(Wanted);
    ULONG64 Rest = ~(Wanted >> First);
    ULONG Count = Rest == 0 ? MM_CACHE_VIEW_PAGES : (ULONG)__builtin_ctzll(Rest);

    Count = Count < Most ? Count : Most;
    return (CC_RUN){.Number = Number,
                    .Pages = (~0ull >> (MM_CACHE_VIEW_PAGES - Count)) << First,
                    .Count = Count,
                    .Offset =
                        (LONGLONG)(Number << VACB_OFFSET_SHIFT) + (LONGLONG)First * PAGE_SIZE};
}

/*
 * The next run from slot *Number on: its pages are being written now.
 *
 * => FALSE: no dirty page of the range is left that may be written now.
 */
static BOOLEAN CcipTakeRun(PSHARED_CACHE_MAP Map, const CC_WRITE *Write, PULONG64 Number,
                           CC_RUN *Run) NT_HOLDS(CcMasterLock)
{
    while (CciNextSlot(Map, CcSlotDirty, Number) &&
           (LONGLONG)(*Number << VACB_OFFSET_SHIFT) < Write->End) {
        PCC_SLOT Slot = CciFindSlot(Map, *Number);
        ULONG64 Wanted =
            Slot->Dirty & ~Slot->Writing & CcipMask(*Number, Write->Offset, Write->End);

        if (Write->PassPinned) {
            Wanted &= ~CciPinnedPages(Map, *Number);
        }
        if (Wanted != 0) {
            *Run = CcipFirstRun(*Number, Wanted, Write->MostPages - Write->Pages);
            Slot->Writing |= Run->Pages;
            Map->WritingPages += Run->Count;
            if (Slot->Vacb != NULL && !Slot->Vacb->Busy) { /* one that is being mapped is clean */
                Run->Vacb = Slot->Vacb;
                CciReferenceView(Run->Vacb);
            }
            CcipRemove(Map, *Number, Slot, Run->Pages);
            return TRUE;
        }
        ++*Number;
    }
    return FALSE;
}

static void CcipEndRun(PSHARED_CACHE_MAP Map, const CC_RUN *Run, NTSTATUS Status)
    NT_HOLDS(CcMasterLock)
{
    PCC_SLOT Slot = CciFindSlot(Map, Run->Number);

    MI_ASSERT(Slot != NULL && (Slot->Writing & Run->Pages) == Run->Pages);
    Slot->Writing &= ~Run->Pages;
    Map->WritingPages -= Run->Count;
    CcDirtyCounters.Writes++;
    if (NT_SUCCESS(Status)) {
        CcDirtyCounters.Written += Run->Count;
        CciSlotChanged(Map, Run->Number);
    } else {
        CcDirtyCounters.FailedWrites++;
        Map->FailedWrites++;
        Map->Status = Status;
        CcipAdd(Map, Run->Number, Slot, Run->Pages & ~Slot->Dirty);
        CciSlotChanged(Map, Run->Number);
    }
    CcipWakeWriters();
    CciSignalChange();
}

static NTSTATUS CcipWriteRun(PSHARED_CACHE_MAP Map, const CC_RUN *Run)
{
    LARGE_INTEGER Offset = {.QuadPart = Run->Offset};
    IO_STATUS_BLOCK IoStatus = {.Information = 0};
    ULONG Bytes = Run->Count * PAGE_SIZE;

    if (Run->Vacb != NULL) {
        (void)CciCalls->MmSetAddressRangeModified(CciViewAddress(Run->Vacb, Run->Offset), Bytes);
        CciReleaseView(Run->Vacb);
    }
    return CciCalls->MmFlushSection(Map->Pointers, &Offset, Bytes, &IoStatus);
}

/* => Somebody writes pages of the range just now. */
static BOOLEAN CcipIsBeingWritten(PSHARED_CACHE_MAP Map, LONGLONG Offset, LONGLONG End)
    NT_HOLDS(CcMasterLock)
{
    ULONG64 Number = (ULONG64)Offset >> VACB_OFFSET_SHIFT;

    while (Map->WritingPages != 0 && CciNextSlot(Map, CcSlotUsed, &Number) &&
           (LONGLONG)(Number << VACB_OFFSET_SHIFT) < End) {
        if ((CciFindSlot(Map, Number)->Writing & CcipMask(Number, Offset, End)) != 0) {
            return TRUE;
        }
        Number++;
    }
    return FALSE;
}

NTSTATUS CciWriteDirty(PSHARED_CACHE_MAP Map, PCC_WRITE Write)
{
    ULONG64 Number = (ULONG64)Write->Offset >> VACB_OFFSET_SHIFT;
    NTSTATUS Status = STATUS_SUCCESS;
    KIRQL OldIrql = CciLock();
    CC_RUN Run;

    Write->Pages = 0;
    while (NT_SUCCESS(Status) && Write->Pages < Write->MostPages) {
        if (Map->LeavingViews != 0) {
            CciWaitForChange(&OldIrql);
        } else if (CcipTakeRun(Map, Write, &Number, &Run)) {
            CciUnlock(OldIrql);
            Status = CcipWriteRun(Map, &Run);
            OldIrql = CciLock();
            CcipEndRun(Map, &Run, Status);
            Write->Pages += NT_SUCCESS(Status) ? Run.Count : 0;
            Write->LastFrom = Run.Offset;
        } else if (!Write->PassPinned && CcipIsBeingWritten(Map, Write->Offset, Write->End)) {
            CciWaitForChange(&OldIrql);
            Number = (ULONG64)Write->Offset >> VACB_OFFSET_SHIFT; /* it may have failed */
        } else {
            break;
        }
    }
    CciUnlock(OldIrql);
    return Status;
}

/* What only users' views modified is found by the section alone. */
static NTSTATUS CcipFlushSection(PSECTION_OBJECT_POINTERS Pointers, PLARGE_INTEGER FileOffset,
                                 ULONG Length)
{
    IO_STATUS_BLOCK IoStatus = {.Information = 0};

    return CciCalls != NULL ? CciCalls->MmFlushSection(Pointers, FileOffset, Length, &IoStatus)
                            : MmFlushSection(Pointers, FileOffset, Length, &IoStatus);
}

void NTAPI CcFlushCache(PSECTION_OBJECT_POINTERS SectionObjectPointer, PLARGE_INTEGER FileOffset,
                        ULONG Length, PIO_STATUS_BLOCK IoStatus)
{
    PSHARED_CACHE_MAP Map = CciReferenceMap(SectionObjectPointer);
    CC_WRITE Write = {.Offset = FileOffset == NULL ? 0 : FileOffset->QuadPart,
                      .MostPages = 0xFFFFFFFFu};
    NTSTATUS Status = STATUS_SUCCESS;

    Write.End = FileOffset == NULL ? CCP_FOREVER : Write.Offset + Length;
    if (Map != NULL) {
        Status = CciWriteDirty(Map, &Write);
    }
    if (NT_SUCCESS(Status) && (FileOffset == NULL || Length != 0)) {
        Status = CcipFlushSection(SectionObjectPointer, FileOffset, Length);
    }
    if (Map != NULL) {
        CciDereferenceMap(Map);
    }
    if (IoStatus != NULL) {
        IoStatus->Status = Status;
        IoStatus->Information = NT_SUCCESS(Status) ? Write.Pages * PAGE_SIZE : 0;
    }
}

/* ---- forgetting ---- */

/* => The view's slot and the range have pages of a BCB in common. */
static BOOLEAN CcipIsPinned(PSHARED_CACHE_MAP Map, LONGLONG Offset, LONGLONG End)
    NT_HOLDS(CcMasterLock)
{
    ULONG64 Number = (ULONG64)Offset >> VACB_OFFSET_SHIFT;

    for (; CciNextSlot(Map, CcSlotUsed, &Number) && (LONGLONG)(Number << VACB_OFFSET_SHIFT) < End;
         Number++) {
        if ((CciPinnedPages(Map, Number) & CcipMask(Number, Offset, End)) != 0) {
            return TRUE;
        }
    }
    return FALSE;
}

/* Until no view of the range is in use and nobody writes it.  => FALSE: something is pinned. */
static BOOLEAN CcipUnmapRange(PSHARED_CACHE_MAP Map, LONGLONG Offset, LONGLONG End, PKIRQL OldIrql)
    NT_HOLDS(CcMasterLock)
{
    ULONG64 First = (ULONG64)Offset >> VACB_OFFSET_SHIFT;
    ULONG64 Last = (ULONG64)(End - 1) >> VACB_OFFSET_SHIFT;

    for (;;) {
        if (CcipIsPinned(Map, Offset, End)) {
            return FALSE;
        }
        if (CciUnmapViews(Map, First, Last + 1, OldIrql) && Map->LeavingViews == 0 &&
            !CcipIsBeingWritten(Map, Offset, End)) {
            return TRUE;
        }
        if (!CcipIsPinned(Map, Offset, End)) {
            CciWaitForChange(OldIrql);
        }
    }
}

/*
 * Move the range's dirty bits away and, when Back, to where they were: the section refused.  Dirty
 * pages that are to be forgotten are parked in Writing, where no one else takes them.
 */
static void CcipParkDirty(PSHARED_CACHE_MAP Map, LONGLONG Offset, LONGLONG End)
    NT_HOLDS(CcMasterLock)
{
    ULONG64 Number = (ULONG64)Offset >> VACB_OFFSET_SHIFT;

    for (; CciNextSlot(Map, CcSlotDirty, &Number) && (LONGLONG)(Number << VACB_OFFSET_SHIFT) < End;
         Number++) {
        PCC_SLOT Slot = CciFindSlot(Map, Number);
        ULONG64 Pages = Slot->Dirty & CcipMask(Number, Offset, End);

        Slot->Writing |= Pages;
        Map->WritingPages += CcipCount(Pages);
        CcipRemove(Map, Number, Slot, Pages);
    }
}

static void CcipUnparkDirty(PSHARED_CACHE_MAP Map, LONGLONG Offset, LONGLONG End, BOOLEAN Back)
    NT_HOLDS(CcMasterLock)
{
    ULONG64 Number = (ULONG64)Offset >> VACB_OFFSET_SHIFT;

    for (; CciNextSlot(Map, CcSlotUsed, &Number) && (LONGLONG)(Number << VACB_OFFSET_SHIFT) < End;
         Number++) {
        PCC_SLOT Slot = CciFindSlot(Map, Number);
        ULONG64 Pages = Slot->Writing & CcipMask(Number, Offset, End);

        Slot->Writing &= ~Pages;
        Map->WritingPages -= CcipCount(Pages);
        CcipAdd(Map, Number, Slot, Back ? Pages & ~Slot->Dirty : 0);
        CciSlotChanged(Map, Number);
    }
    CcipWakeWriters();
    CciSignalChange();
}

/* In pieces whose length is 32 bits; 0 means all to the end. */
static BOOLEAN CcipPurgeSection(PSECTION_OBJECT_POINTERS Pointers, LONGLONG Offset, LONGLONG End)
{
    BOOLEAN Done = TRUE;

    while (Done && Offset < End) {
        LARGE_INTEGER Start = {.QuadPart = Offset};
        LONGLONG Rest = End - Offset < CCP_MOST_PURGED ? End - Offset : CCP_MOST_PURGED;

        Rest = End == CCP_FOREVER ? 0 : Rest;
        Done = CciCalls != NULL ? CciCalls->MmPurgeSection(Pointers, &Start, (ULONG)Rest)
                                : MmPurgeSection(Pointers, &Start, (ULONG)Rest);
        Offset = Rest == 0 ? End : Offset + Rest;
    }
    return Done;
}

BOOLEAN CciPurge(PSHARED_CACHE_MAP Map, LONGLONG Offset, LONGLONG End)
{
    KIRQL OldIrql = CciLock();
    BOOLEAN Done;

    if (!CcipUnmapRange(Map, Offset, End, &OldIrql)) {
        CciUnlock(OldIrql);
        return FALSE;
    }
    CcipParkDirty(Map, Offset, End);
    CciUnlock(OldIrql);
    Done = CcipPurgeSection(Map->Pointers, Offset, End);
    OldIrql = CciLock();
    CcipUnparkDirty(Map, Offset, End, !Done);
    CciUnlock(OldIrql);
    return Done;
}

BOOLEAN CciForgetBehind(PSHARED_CACHE_MAP Map, LONGLONG Size)
{
    return CciPurge(Map, (Size + PAGE_SIZE - 1) & ~(LONGLONG)(PAGE_SIZE - 1), CCP_FOREVER);
}

/* => Whole pages, perhaps none.  Map NULL: the file is not cached. */
static BOOLEAN CcipPurgeRange(PSECTION_OBJECT_POINTERS Pointers, PSHARED_CACHE_MAP Map,
                              LONGLONG Offset, LONGLONG End)
{
    if (End <= Offset) {
        return TRUE;
    }
    return Map == NULL ? CcipPurgeSection(Pointers, Offset, End) : CciPurge(Map, Offset, End);
}

BOOLEAN NTAPI CcPurgeCacheSection(PSECTION_OBJECT_POINTERS SectionObjectPointer,
                                  PLARGE_INTEGER FileOffset, ULONG Length,
                                  BOOLEAN UninitializeCacheMaps)
{
    LONGLONG Offset = FileOffset == NULL ? 0 : FileOffset->QuadPart;
    LONGLONG End = FileOffset == NULL || Length == 0 ? CCP_FOREVER : Offset + Length;
    PSHARED_CACHE_MAP Map = CciReferenceMap(SectionObjectPointer);
    BOOLEAN Done;

    Offset = (Offset + PAGE_SIZE - 1) & ~(LONGLONG)(PAGE_SIZE - 1);
    End = End == CCP_FOREVER ? End : (End + PAGE_SIZE - 1) & ~(LONGLONG)(PAGE_SIZE - 1);
    if (Map != NULL && UninitializeCacheMaps) {
        CciUninitializeFileObjects(Map);
    }
    Done = CcipPurgeRange(SectionObjectPointer, Map, Offset, End);
    if (Map != NULL) {
        CciDereferenceMap(Map);
    }
    return Done;
}

/* SPDX-License-Identifier: MIT */
/*
 * spare_bcb.c - what most pins and unpins are: nobody has the range pinned, its view is there and
 * its pages are in memory; nobody waits for who unpins it.
 *
 * A map keeps a few BCBs whose last pin is gone.  The next pin takes one, with its lock, and needs
 * no pool; each of the two is one hold of CcMasterLock.  All other pins are pin.c's.
 *
 * Locking: CcMasterLock; below it that of a BCB's resource.
 */
#include "mm/cc/bcb.h"
#include "mm/ke/resource_free.h"

/* ---- pinning ---- */

/*
 * A spare BCB, with its lock, for the pages of a range in the view, which is in use then.
 *
 * => NULL: a BCB covers one of them, or there is no spare one.
 */
static inline __attribute__((always_inline)) PBCB CcipPinSpare(PSHARED_CACHE_MAP Map, PVACB Vacb,
                                                               const LARGE_INTEGER *Offset,
                                                               ULONG Length, ULONG Flags,
                                                               KIRQL OldIrql) NT_HOLDS(CcMasterLock)
{
    PLIST_ENTRY Next = &Map->BcbList;
    ULONG Spares = Map->SpareBcbs;
    BOOLEAN Taken;
    PBCB New;

    if (!CC_LIKELY(Spares != 0)) {
        return NULL;
    }
    if (!CC_LIKELY(IsListEmpty(Next))) {
        Next = CciFindBcbGap(Map, Offset, Length);
        if (Next == NULL) {
            return NULL;
        }
    }
    Map->SpareBcbs = --Spares;
    New = Map->SpareBcb[Spares];
    New->Public.MappedLength = ROUND_UP(BYTE_OFFSET(Offset->LowPart) + Length, PAGE_SIZE);
    New->Public.MappedFileOffset.LowPart = Offset->LowPart & ~(PAGE_SIZE - 1);
    New->Public.MappedFileOffset.HighPart = Offset->HighPart;
    New->PinCount = 1;
    New->Vacb = Vacb;
    InsertTailList(Next, &New->BcbLinks);
    CciReferenceView(Vacb);
    Taken = ExpTakeFreeResource(&New->Resource, (Flags & PIN_EXCLUSIVE) != 0, OldIrql);
    MI_ASSERT(Taken); /* P3 */
    return New;
}

/* => FALSE: it is not the short way, and nothing changed. */
static inline __attribute__((always_inline)) BOOLEAN CcipPinReady(PSHARED_CACHE_MAP Map,
                                                                  const LARGE_INTEGER *Offset,
                                                                  ULONG Length, ULONG Flags,
                                                                  PVOID *Bcb, PVOID *Buffer)
{
    ULONG InView = Offset->LowPart & (VACB_MAPPING_GRANULARITY - 1);
    PBCB Pinned = NULL;
    KIRQL OldIrql;
    PVACB Vacb;
    PUCHAR Va;

    if (Length - 1 >= VACB_MAPPING_GRANULARITY - InView || (Flags & PIN_IF_BCB) != 0) {
        return FALSE;
    }
    OldIrql = CciLock();
    Vacb = CciFindReadyView(Map, Offset->QuadPart);
    if (Vacb != NULL) {
        Pinned = CcipPinSpare(Map, Vacb, Offset, Length, Flags, OldIrql);
    }
    CciUnlock(OldIrql);
    if (Pinned == NULL) {
        return FALSE;
    }
    Va = (PUCHAR)Vacb->BaseAddress + InView;
    if ((Flags & PIN_NO_READ) == 0 && !CciCalls->MmIsRangeResident(Va, Length)) {
        CciUnlockAndUnpinBcb(Pinned, ExGetCurrentResourceThread());
        return FALSE;
    }
    *Bcb = Pinned;
    *Buffer = Va;
    return TRUE;
}

NTSTATUS CcTryPinRead(PFILE_OBJECT FileObject, LONGLONG FileOffset, ULONG Length, ULONG Flags,
                      PVOID *Bcb, PVOID *Buffer)
{
    const LARGE_INTEGER Offset = {.QuadPart = FileOffset};

    if (CcipPinReady(CciMapOf(FileObject), &Offset, Length, Flags, Bcb, Buffer)) {
        return STATUS_SUCCESS;
    }
    return CciPinRead(FileObject, FileOffset, Length, Flags, Bcb, Buffer);
}

BOOLEAN NTAPI CcPinRead(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length,
                        ULONG Flags, PVOID *Bcb, PVOID *Buffer)
{
    return CcipPinReady(CciMapOf(FileObject), FileOffset, Length, Flags, Bcb, Buffer) ||
           CciAnswer(CciPinRead(FileObject, FileOffset->QuadPart, Length, Flags, Bcb, Buffer));
}

/* ---- unpinning ---- */

/* One pin less; with the last one the view is not in use, and its map may end. */
static inline __attribute__((always_inline)) void CcipUnpin(PBCB Bcb, KIRQL OldIrql)
    NT_RELEASES(CcMasterLock)
{
    PSHARED_CACHE_MAP Map = Bcb->Map;

    if (!CC_LIKELY(Bcb->PinCount == 1)) {
        MI_ASSERT(Bcb->PinCount != 0);
        Bcb->PinCount--;
        CciUnlock(OldIrql);
        return;
    }
    Bcb->PinCount = 0;
    RemoveEntryList(&Bcb->BcbLinks);
    (void)CciDropView(Bcb->Vacb);
    CciSignalChange();
    if (Map->SpareBcbs == CC_SPARE_BCBS) {
        (void)CciUnlockMap(Map, OldIrql);
        CciFreeBcb(Bcb);
        return;
    }
    Map->SpareBcb[Map->SpareBcbs++] = Bcb;
    (void)CciUnlockMap(Map, OldIrql);
}

void __attribute__((noinline)) CciUnpinBcb(PBCB Bcb)
{
    CcipUnpin(Bcb, CciLock());
}

static inline __attribute__((always_inline)) void CcipUnlockAndUnpin(PBCB Bcb,
                                                                     ERESOURCE_THREAD Thread)
{
    KIRQL OldIrql = CciLock();

    if (ExpGiveFreeResource(&Bcb->Resource, Thread)) {
        CcipUnpin(Bcb, OldIrql);
        return;
    }
    CciUnlock(OldIrql);
    ExReleaseResourceForThreadLite(&Bcb->Resource, Thread);
    CciUnpinBcb(Bcb);
}

void CciUnlockAndUnpinBcb(PBCB Bcb, ERESOURCE_THREAD Thread)
{
    CcipUnlockAndUnpin(Bcb, Thread);
}

void NTAPI CcUnpinData(PVOID Bcb)
{
    ERESOURCE_THREAD Thread = (ERESOURCE_THREAD)KiCurrentThread;

    if (((ULONG_PTR)Bcb & CC_MAPPED_ONLY) == 0 &&
        ((PPUBLIC_BCB)Bcb)->NodeTypeCode == CACHE_NTC_BCB) {
        CcipUnlockAndUnpin(Bcb, Thread);
    } else {
        CcUnpinDataForThread(Bcb, Thread);
    }
}

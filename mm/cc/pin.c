/* SPDX-License-Identifier: MIT */
/*
 * pin.c - CcMapData, CcPinRead and what belongs to them.
 *
 * A pin of a range that is partly pinned already takes the BCBs that are there and makes new ones
 * for the gaps; when that are several the caller gets an OBCB for all of them.  Their locks are
 * taken in the order of their offsets, so that two who pin the same pages do not wait for each
 * other.
 *
 * What most pins and unpins are is spare_bcb.c's.
 *
 * Locking: the BCBs' resources; CcMasterLock below them.
 */
#include "mm/cc/bcb.h"

#include "arch/cpu.h"
#include "ex.h"
#include "mm/cc/copy.h"
#include "mm/cc/dirty.h"
#include "rtl.h"

/* ---- the pages ---- */

/* => Whether the range is one that can be mapped at once. */
static BOOLEAN CcipIsInOneView(const SHARED_CACHE_MAP *Map, LONGLONG Offset, ULONG Length)
{
    return Offset >= 0 && Length != 0 && Offset < Map->SectionSize &&
           CciBytesInView(Offset, Length) == Length;
}

static NTSTATUS CcipZero(PUCHAR Va, ULONG Length)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Done = 0;

    while (NT_SUCCESS(Status) && Done < Length) {
        ULONG Rest = PAGE_SIZE - BYTE_OFFSET(Va + Done);
        ULONG Chunk = Length - Done < Rest ? Length - Done : Rest;

        Status = KiGuardedCopy(Va + Done, CciZeroPage, Chunk);
        Done += Chunk;
    }
    return Status;
}

/* ---- mapping ---- */

NTSTATUS CcTryMapData(PFILE_OBJECT FileObject, LONGLONG FileOffset, ULONG Length, ULONG Flags,
                      PVOID *Bcb, PVOID *Buffer)
{
    BOOLEAN Wait = (Flags & MAP_WAIT) != 0;
    PSHARED_CACHE_MAP Map = CciMapOf(FileObject);
    NTSTATUS Status;
    PUCHAR Va;
    PVACB Vacb;

    if (!CcipIsInOneView(Map, FileOffset, Length)) {
        return STATUS_INVALID_PARAMETER;
    }
    Status = CciUseView(Map, FileOffset, Wait, &Vacb);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Va = CciViewAddress(Vacb, FileOffset);
    Status = (Flags & MAP_NO_READ) != 0 ? STATUS_SUCCESS : CciBringIn(Va, Length, Wait);
    if (!NT_SUCCESS(Status)) {
        CciReleaseView(Vacb);
        return Status;
    }
    *Bcb = (PVOID)((ULONG_PTR)Vacb | CC_MAPPED_ONLY);
    *Buffer = Va;
    return STATUS_SUCCESS;
}

/* ---- pinning ---- */

static BOOLEAN CcipLock(PBCB Bcb, ULONG Flags)
{
    BOOLEAN Wait = (Flags & PIN_WAIT) != 0;

    return (Flags & PIN_EXCLUSIVE) != 0 ? ExAcquireResourceExclusiveLite(&Bcb->Resource, Wait)
                                        : ExAcquireResourceSharedLite(&Bcb->Resource, Wait);
}

static void CcipUnlockAndUnpin(PBCB *Bcbs, ULONG Count)
{
    while (Count != 0) {
        Count--;
        CciUnlockAndUnpinBcb(Bcbs[Count], ExGetCurrentResourceThread());
    }
}

/* => The BCBs of [Offset, End), pinned and locked: *Count of them.  Failure: none. */
static NTSTATUS CcipPinPieces(PVACB Vacb, LONGLONG Offset, LONGLONG End, ULONG Flags, PBCB *Bcbs,
                              PULONG Count)
{
    NTSTATUS Status = STATUS_SUCCESS;

    *Count = 0;
    while (NT_SUCCESS(Status) && Offset < End) {
        PBCB Bcb = NULL;

        Status = CciPinBcb(Vacb, Offset, End, (Flags & PIN_IF_BCB) != 0, &Bcb);
        if (NT_SUCCESS(Status) && !CcipLock(Bcb, Flags)) {
            CciUnpinBcb(Bcb);
            Status = STATUS_CANT_WAIT;
        }
        if (NT_SUCCESS(Status)) {
            MI_ASSERT(*Count < CC_MOST_BCBS);
            Bcbs[(*Count)++] = Bcb;
            Offset = CciBcbEnd(Bcb);
        }
    }
    if (!NT_SUCCESS(Status)) {
        CcipUnlockAndUnpin(Bcbs, *Count);
    }
    return Status == STATUS_NOT_FOUND ? STATUS_CANT_WAIT : Status;
}

/* => What the caller gets for the BCBs; NULL: no pool. */
static PVOID CcipMakeHandle(PBCB *Bcbs, ULONG Count)
{
    POBCB Obcb;
    SIZE_T Bytes = sizeof(*Obcb) + Count * sizeof(PBCB);

    if (Count == 1) {
        return Bcbs[0];
    }
    Obcb = ExAllocatePoolWithTag(NonPagedPool, Bytes, CC_TAG_BCB);
    if (Obcb != NULL) {
        Obcb->Public.NodeTypeCode = CACHE_NTC_OBCB;
        Obcb->Public.NodeByteSize = (CSHORT)Bytes;
        Obcb->Public.MappedFileOffset = Bcbs[0]->Public.MappedFileOffset;
        Obcb->Public.MappedLength = (ULONG)(CciBcbEnd(Bcbs[Count - 1]) - CciBcbStart(Bcbs[0]));
        Obcb->Count = Count;
        memcpy(Obcb->Bcbs, Bcbs, Count * sizeof(PBCB));
    }
    return Obcb;
}

static NTSTATUS CcipPinView(PVACB Vacb, LONGLONG Offset, ULONG Length, ULONG Flags, PVOID *Bcb)
{
    LONGLONG Mask = PAGE_SIZE - 1;
    PBCB Bcbs[CC_MOST_BCBS];
    ULONG Count;
    NTSTATUS Status =
        CcipPinPieces(Vacb, Offset & ~Mask, (Offset + Length + Mask) & ~Mask, Flags, Bcbs, &Count);
    PVOID Handle;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Handle = CcipMakeHandle(Bcbs, Count);
    if (Handle == NULL) {
        CcipUnlockAndUnpin(Bcbs, Count);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *Bcb = Handle;
    return STATUS_SUCCESS;
}

NTSTATUS CcTryPinMappedData(PFILE_OBJECT FileObject, LONGLONG FileOffset, ULONG Length, ULONG Flags,
                            PVOID *Bcb)
{
    ULONG_PTR Mapped = (ULONG_PTR)*Bcb;
    PVACB Vacb = (PVACB)(Mapped & ~(ULONG_PTR)CC_MAPPED_ONLY);
    NTSTATUS Status;

    if ((Mapped & CC_MAPPED_ONLY) == 0) {
        return STATUS_SUCCESS;
    }
    if (!CcipIsInOneView(CciMapOf(FileObject), FileOffset, Length) ||
        FileOffset >> VACB_OFFSET_SHIFT != Vacb->FileOffset >> VACB_OFFSET_SHIFT) {
        return STATUS_INVALID_PARAMETER;
    }
    Status = CcipPinView(Vacb, FileOffset, Length, Flags, Bcb);
    if (NT_SUCCESS(Status)) {
        CciReleaseView(Vacb); /* the BCBs use it */
    }
    return Status;
}

NTSTATUS CciPinRead(PFILE_OBJECT FileObject, LONGLONG FileOffset, ULONG Length, ULONG Flags,
                    PVOID *Bcb, PVOID *Buffer)
{
    ULONG MapFlags =
        ((Flags & PIN_WAIT) != 0 ? MAP_WAIT : 0) | ((Flags & PIN_NO_READ) != 0 ? MAP_NO_READ : 0);
    PVOID Mapped;
    PVOID Va;
    NTSTATUS Status = CcTryMapData(FileObject, FileOffset, Length, MapFlags, &Mapped, &Va);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = CcTryPinMappedData(FileObject, FileOffset, Length, Flags, &Mapped);
    if (!NT_SUCCESS(Status)) {
        CcUnpinData(Mapped);
        return Status;
    }
    *Bcb = Mapped;
    *Buffer = Va;
    return STATUS_SUCCESS;
}

NTSTATUS CcTryPreparePinWrite(PFILE_OBJECT FileObject, LONGLONG FileOffset, ULONG Length,
                              BOOLEAN Zero, ULONG Flags, PVOID *Bcb, PVOID *Buffer)
{
    PVOID Pinned;
    PVOID Va;
    NTSTATUS Status =
        CcTryPinRead(FileObject, FileOffset, Length, Flags | PIN_NO_READ, &Pinned, &Va);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = Zero ? CciMakeWholePages(Va, Length)
                  : CciMakeEmptyPages(CciMapOf(FileObject), FileOffset, Va, Length);
    if (NT_SUCCESS(Status)) {
        Status = CciBringIn(Va, Length, (Flags & PIN_WAIT) != 0);
    }
    if (NT_SUCCESS(Status) && Zero) {
        Status = CcipZero(Va, Length);
    }
    CcSetDirtyPinnedData(Pinned, NULL); /* pages may have been made before a failure too */
    if (!NT_SUCCESS(Status)) {
        CcUnpinData(Pinned);
        return Status;
    }
    *Bcb = Pinned;
    *Buffer = Va;
    return STATUS_SUCCESS;
}

/* ---- what is pinned ---- */

/* The BCBs behind what a caller holds.  => Their number. */
static ULONG CcipBcbsOf(PVOID Handle, PBCB *Single, PBCB **Bcbs)
{
    POBCB Obcb = Handle;

    if (Obcb->Public.NodeTypeCode == CACHE_NTC_OBCB) {
        *Bcbs = Obcb->Bcbs;
        return Obcb->Count;
    }
    MI_ASSERT(Obcb->Public.NodeTypeCode == CACHE_NTC_BCB);
    *Single = Handle;
    *Bcbs = Single;
    return 1;
}

static void CcipFreeHandle(PVOID Handle, ULONG Count)
{
    if (Count > 1) {
        ExFreePoolWithTag(Handle, CC_TAG_BCB);
    }
}

void NTAPI CcSetDirtyPinnedData(PVOID BcbVoid, PLARGE_INTEGER Lsn)
{
    PBCB Single;
    PBCB *Bcbs;
    ULONG Count = CcipBcbsOf(BcbVoid, &Single, &Bcbs);
    ULONG i;

    (void)Lsn;
    for (i = 0; i < Count; i++) {
        PSHARED_CACHE_MAP Map = Bcbs[i]->Map;
        LONGLONG End = CciBcbEnd(Bcbs[i]);

        CciSetDirty(Map, CciBcbStart(Bcbs[i]), Bcbs[i]->Public.MappedLength);
        CciNoteWritten(Map, End < Map->FileSize ? End : Map->FileSize);
    }
}

void NTAPI CcUnpinDataForThread(PVOID Bcb, ULONG_PTR ResourceThreadId)
{
    PBCB Single;
    PBCB *Bcbs;
    ULONG Count;
    ULONG i;

    if (((ULONG_PTR)Bcb & CC_MAPPED_ONLY) != 0) {
        CciReleaseView((PVACB)((ULONG_PTR)Bcb & ~(ULONG_PTR)CC_MAPPED_ONLY));
        return;
    }
    Count = CcipBcbsOf(Bcb, &Single, &Bcbs);
    for (i = 0; i < Count; i++) {
        CciUnlockAndUnpinBcb(Bcbs[i], ResourceThreadId);
    }
    CcipFreeHandle(Bcb, Count);
}

void NTAPI CcRepinBcb(PVOID Bcb)
{
    KIRQL OldIrql = CciLock();

    MI_ASSERT(((PBCB)Bcb)->Public.NodeTypeCode == CACHE_NTC_BCB && ((PBCB)Bcb)->PinCount != 0);
    ((PBCB)Bcb)->PinCount++;
    CciUnlock(OldIrql);
}

void NTAPI CcUnpinRepinnedBcb(PVOID Bcb, BOOLEAN WriteThrough, PIO_STATUS_BLOCK IoStatus)
{
    PBCB Pinned = Bcb;
    CC_WRITE Write = {
        .Offset = CciBcbStart(Pinned), .End = CciBcbEnd(Pinned), .MostPages = 0xFFFFFFFFu};

    IoStatus->Status = WriteThrough ? CciWriteDirty(Pinned->Map, &Write) : STATUS_SUCCESS;
    IoStatus->Information = Write.Pages * PAGE_SIZE;
    CciUnpinBcb(Pinned);
}

PFILE_OBJECT NTAPI CcGetFileObjectFromBcb(PVOID Bcb)
{
    PBCB Single;
    PBCB *Bcbs;

    if (((ULONG_PTR)Bcb & CC_MAPPED_ONLY) != 0) {
        return ((PVACB)((ULONG_PTR)Bcb & ~(ULONG_PTR)CC_MAPPED_ONLY))->SharedCacheMap->FileObject;
    }
    (void)CcipBcbsOf(Bcb, &Single, &Bcbs);
    return Bcbs[0]->Map->FileObject;
}

/* ---- the documented calls ---- */

BOOLEAN NTAPI CcMapData(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length,
                        ULONG Flags, PVOID *Bcb, PVOID *Buffer)
{
    return CciAnswer(CcTryMapData(FileObject, FileOffset->QuadPart, Length, Flags, Bcb, Buffer));
}

BOOLEAN NTAPI CcPinMappedData(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length,
                              ULONG Flags, PVOID *Bcb)
{
    return CciAnswer(CcTryPinMappedData(FileObject, FileOffset->QuadPart, Length, Flags, Bcb));
}

BOOLEAN NTAPI CcPreparePinWrite(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length,
                                BOOLEAN Zero, ULONG Flags, PVOID *Bcb, PVOID *Buffer)
{
    return CciAnswer(
        CcTryPreparePinWrite(FileObject, FileOffset->QuadPart, Length, Zero, Flags, Bcb, Buffer));
}

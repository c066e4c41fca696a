/* SPDX-License-Identifier: MIT */
/*
 * read_ahead.c - what a file object will read next, read before it asks.
 *
 * A file object's last two reads and the new one make a pattern:
 *
 *     in sequence   it begins where the last one ended, and that one did the same (a read of the
 *                   file's first byte counts as begun so): read on to the end of the next granule
 *     in strides    it is as far from the last one as that from the one before, forward or
 *                   backward: read as much once more one stride on
 *
 * Whole granules are read, so that most reads find the next granule under way already and schedule
 * nothing.  One work item a file object: what is asked for while it is busy replaces what waits.
 *
 * The worker touches the pages; it takes the file system's lock only if nobody has to be waited
 * for, and holds the map, so that closing the file meanwhile does no harm.
 *
 * Locking: CcMasterLock.
 */
#include "mm/cc/read_ahead.h"

#include "arch/cpu.h"
#include "ex.h"
#include "mm/cc/vacb.h"

CC_READ_AHEAD_COUNTERS CcReadAheadCounters;

/* ---- the pattern ---- */

static LONGLONG CcipRoundUp(LONGLONG Offset, LONGLONG Granule)
{
    return (Offset + Granule - 1) & ~(Granule - 1);
}

static BOOLEAN CcipIsSequential(const PRIVATE_CACHE_MAP *Private, LONGLONG Offset)
{
    return Offset == Private->BeyondLastByte2 && Offset != 0 &&
           (Private->FileOffset2 == Private->BeyondLastByte1 || Private->FileOffset2 == 0);
}

/* => The stride; 0: none. */
static LONGLONG CcipStride(const PRIVATE_CACHE_MAP *Private, LONGLONG Offset)
{
    LONGLONG Stride = Offset - Private->FileOffset2;

    return Private->BeyondLastByte1 != 0 && Stride == Private->FileOffset2 - Private->FileOffset1
               ? Stride
               : 0;
}

/* Let [Offset, End) be read, as far as the file goes.  => Something of it is there. */
static BOOLEAN CcipWant(PPRIVATE_CACHE_MAP Private, LONGLONG Offset, LONGLONG End)
    NT_HOLDS(CcMasterLock)
{
    LONGLONG FileSize = Private->Map->FileSize;

    End = End < FileSize ? End : FileSize;
    if (Offset < 0 || Offset >= End) {
        return FALSE;
    }
    Private->ReadAheadOffset = Offset;
    Private->ReadAheadLength = (ULONG)(End - Offset);
    return TRUE;
}

static BOOLEAN CcipWantNextGranule(PPRIVATE_CACHE_MAP Private, LONGLONG Beyond)
    NT_HOLDS(CcMasterLock)
{
    LONGLONG Granule = (LONGLONG)Private->ReadAheadMask + 1;
    LONGLONG From;
    LONGLONG End;

    if ((Private->FileObject->Flags & FO_SEQUENTIAL_ONLY) != 0) {
        Granule *= 2;
    }
    From = Beyond > Private->ReadAheadBeyond ? Beyond : Private->ReadAheadBeyond;
    End = CcipRoundUp(Beyond, Granule) + Granule;
    if (From >= End) {
        return FALSE;
    }
    Private->ReadAheadBeyond = End;
    Private->ReadAheadQuiet =
        End - Granule < Private->Map->FileSize ? End - Granule : Private->Map->FileSize;
    return CcipWant(Private, From, End);
}

static BOOLEAN CcipPredict(PPRIVATE_CACHE_MAP Private, LONGLONG Offset, ULONG Length)
    NT_HOLDS(CcMasterLock)
{
    LONGLONG Stride;

    if (CcipIsSequential(Private, Offset)) {
        return CcipWantNextGranule(Private, Offset + Length);
    }
    Private->ReadAheadBeyond = 0;
    Private->ReadAheadQuiet = 0;
    Stride = CcipStride(Private, Offset);
    return Stride != 0 && CcipWant(Private, Offset + Stride, Offset + Stride + Length);
}

static inline void CcipRemember(PPRIVATE_CACHE_MAP Private, LONGLONG Offset, ULONG Length)
    NT_HOLDS(CcMasterLock)
{
    Private->FileOffset1 = Private->FileOffset2;
    Private->BeyondLastByte1 = Private->BeyondLastByte2;
    Private->FileOffset2 = Offset;
    Private->BeyondLastByte2 = Offset + Length;
}

/* ---- the worker ---- */

/* => How many pages of the range are in memory now; less than all: why. */
static NTSTATUS CcipBringPages(PUCHAR Va, ULONG Length, PULONG Pages)
{
    NTSTATUS Status = STATUS_SUCCESS;
    PUCHAR End = Va + Length;
    UCHAR Byte;

    for (; Va < End; Va = (PUCHAR)PAGE_ALIGN(Va) + PAGE_SIZE) {
        if (!CciCalls->MmIsRangeResident(Va, 1)) {
            Status = KiGuardedCopy(&Byte, Va, sizeof(Byte)); /* its neighbours come along */
        }
        if (!NT_SUCCESS(Status)) {
            break;
        }
        ++*Pages;
    }
    return Status;
}

/* => The same, of what one view shows. */
static NTSTATUS CcipBringView(PSHARED_CACHE_MAP Map, LONGLONG Offset, ULONG Length, PULONG Pages)
{
    PVACB Vacb;
    NTSTATUS Status = CciUseView(Map, Offset, FALSE, &Vacb);

    if (NT_SUCCESS(Status)) {
        Status = CcipBringPages(CciViewAddress(Vacb, Offset), Length, Pages);
        CciReleaseView(Vacb);
    }
    return Status;
}

/* The file may have become shorter since that was wanted.  => The file system's lock is held. */
static NTSTATUS CcipBringRange(PSHARED_CACHE_MAP Map, LONGLONG Offset, LONGLONG End, PULONG Pages)
{
    NTSTATUS Status = STATUS_SUCCESS;

    End = End < Map->FileSize ? End : Map->FileSize;
    while (NT_SUCCESS(Status) && Offset < End) {
        ULONG Here = CciBytesInView(Offset, End - Offset);

        Status = CcipBringView(Map, Offset, Here, Pages);
        Offset += Here;
    }
    return Status;
}

static void CcipReadAhead(PSHARED_CACHE_MAP Map, LONGLONG Offset, ULONG Length)
{
    PCACHE_MANAGER_CALLBACKS Callbacks = Map->Callbacks;
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Pages = 0;
    BOOLEAN Locked = Callbacks->AcquireForReadAhead(Map->LazyWriteContext, FALSE);
    KIRQL OldIrql;

    if (Locked) {
        Status = CcipBringRange(Map, Offset, Offset + Length, &Pages);
        Callbacks->ReleaseFromReadAhead(Map->LazyWriteContext);
    }
    OldIrql = CciLock();
    CcReadAheadCounters.Pages += Pages;
    CcReadAheadCounters.Failed += !NT_SUCCESS(Status);
    CcReadAheadCounters.Refused += !Locked;
    CciUnlock(OldIrql);
}

static void NTAPI CcipReadAheadWorker(PVOID Context)
{
    PPRIVATE_CACHE_MAP Private = Context;
    PSHARED_CACHE_MAP Map = Private->Map;
    KIRQL OldIrql = CciLock();
    BOOLEAN Orphan;

    while (Private->ReadAheadLength != 0 && !Private->Orphan) {
        LONGLONG Offset = Private->ReadAheadOffset;
        ULONG Length = Private->ReadAheadLength;

        Private->ReadAheadLength = 0;
        CciUnlock(OldIrql);
        CcipReadAhead(Map, Offset, Length);
        OldIrql = CciLock();
    }
    Private->ReadAheadActive = FALSE;
    Orphan = Private->Orphan;
    CciSignalChange();
    CciUnlock(OldIrql);
    if (Orphan) {
        ExFreePoolWithTag(Private, CC_TAG_PRIVATE);
    }
    CciDereferenceMap(Map);
}

/* ---- the calls ---- */

BOOLEAN CciNoteReadHeld(PFILE_OBJECT FileObject, LONGLONG Offset, ULONG Length)
{
    PPRIVATE_CACHE_MAP Private = FileObject->PrivateCacheMap;
    BOOLEAN Queue;

    Queue = (FileObject->Flags & FO_RANDOM_ACCESS) == 0 && !Private->Map->DisableReadAhead &&
            CcipPredict(Private, Offset, Length) && !Private->ReadAheadActive;
    CcipRemember(Private, Offset, Length);
    if (Queue) {
        Private->ReadAheadActive = TRUE;
        Private->Map->OpenCount++;
        CcReadAheadCounters.Scheduled++;
    }
    return Queue;
}

void CciStartReadAhead(PFILE_OBJECT FileObject)
{
    PPRIVATE_CACHE_MAP Private = FileObject->PrivateCacheMap;

    ExInitializeWorkItem(&Private->Item, CcipReadAheadWorker, Private);
    ExQueueWorkItem(&Private->Item, DelayedWorkQueue);
}

void CciNoteRead(PFILE_OBJECT FileObject, LONGLONG Offset, ULONG Length)
{
    KIRQL OldIrql = CciLock();
    BOOLEAN Queue = CciNoteReadHeld(FileObject, Offset, Length);

    CciUnlock(OldIrql);
    if (Queue) {
        CciStartReadAhead(FileObject);
    }
}

void NTAPI CcScheduleReadAhead(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length)
{
    CciNoteRead(FileObject, FileOffset->QuadPart, Length);
}

void NTAPI CcSetReadAheadGranularity(PFILE_OBJECT FileObject, ULONG Granularity)
{
    PPRIVATE_CACHE_MAP Private = FileObject->PrivateCacheMap;

    MI_ASSERT(Granularity >= PAGE_SIZE && (Granularity & (Granularity - 1)) == 0);
    Private->ReadAheadMask = Granularity - 1;
    Private->ReadAheadQuiet = 0;
}

void NTAPI CcSetAdditionalCacheAttributes(PFILE_OBJECT FileObject, BOOLEAN DisableReadAhead,
                                          BOOLEAN DisableWriteBehind)
{
    KIRQL OldIrql = CciLock();
    PSHARED_CACHE_MAP Map = CciMapOf(FileObject);

    Map->DisableReadAhead = DisableReadAhead;
    Map->DisableWriteBehind = DisableWriteBehind;
    CciUnlock(OldIrql);
}

/* SPDX-License-Identifier: MIT */
/*
 * write_list.c - which sectors of a disk may be written, and the end of who writes others.
 *
 * A bug in a file system, a wrong run of a paging file or a request that somebody damaged would
 * overwrite what belongs to others, on a user's disk.  So whoever owns sectors says so before they
 * are written: a file its clusters as long as it is open for writing, the file system the sectors
 * of its tables while it changes them.  DiskSubmit compares each write with that.
 *
 * The list is an array of pieces in nonpaged memory, in the order of sectors.  A call of
 * DiskPermitWritesFor adds a piece for each part of its range that the owner does not have yet.
 * Pieces are not joined: what a call permitted is taken back from its ends, so that a piece shrinks
 * or goes and never becomes two, which is why forbidding needs no memory.
 *
 * A disk of a driver that has no list takes no writes: it came after the others got theirs, or
 * there was no memory.
 *
 * Invariants (checked by each change, where it happens):
 *   W1  Start < End, and End is no more than the next piece's Start
 *   W2  Count <= Room
 *
 * Locking: the list's lock, at DISPATCH_LEVEL; DISK_DEVICE.Writes is set once, before the disk's
 * first request that could matter.
 */
#include "disk/volume/partition.h"
#include "ex.h"
#include "ke.h"
#include "mi_assert.h"
#include "nt/bugcodes.h"
#include "report.h"
#include "rtl.h"
#include "spinlock.h"

#define DISKP_FIRST_ROOM 32u

/* Sectors of one owner.  (L) the list's lock. */
typedef struct _DISKP_PIECE {
    ULONG64 Start; /* (L) */
    ULONG64 End;   /* (L) the sector behind the last one */
    const void *Owner;
} DISKP_PIECE, *PDISKP_PIECE;

struct _DISK_WRITE_LIST {
    KSPIN_LOCK Lock;
    ULONG Count;         /* (L) of Pieces */
    ULONG Room;          /* (L) how many Pieces could hold */
    ULONG Recent;        /* (L) index of the piece that a write was in last; perhaps none */
    PDISKP_PIECE Pieces; /* (L) nonpaged pool */
};

/* What a caller means, in sectors of the disk. */
typedef struct _DISKP_RANGE {
    PDISK_DEVICE Disk;
    ULONG64 Start;
    ULONG64 End;
} DISKP_RANGE;

static DISKP_RANGE DiskpTranslate(PDISK_DEVICE Device, ULONG64 Sector, ULONG64 Sectors)
{
    PDISK_PARTITION Partition = DiskPartitionOf(Device);
    DISKP_RANGE Range = {Device, Sector, Sector + Sectors};

    MI_ASSERT(Sector <= Device->Sectors && Sectors <= Device->Sectors - Sector);
    if (Partition != NULL) {
        Range.Disk = Partition->Parent;
        Range.Start += Partition->Start;
        Range.End += Partition->Start;
    }
    return Range;
}

/* The index of the first piece that ends behind Sector; Count when there is none. */
static inline ULONG DiskpFindPiece(const DISK_WRITE_LIST *List, ULONG64 Sector)
{
    const DISKP_PIECE *Piece = List->Pieces;
    ULONG Left = List->Count;

    while (Left != 0) {
        ULONG Half = Left / 2;

        if (Piece[Half].End <= Sector) {
            Piece += Half + 1;
            Left -= Half + 1;
        } else {
            Left = Half;
        }
    }
    return (ULONG)(Piece - List->Pieces);
}

/* ---- the check ---- */

static NT_NORETURN void DiskpStrayWrite(PDISK_DEVICE Disk, ULONG64 Sector, ULONG64 First,
                                        ULONG Sectors)
{
    KiPrint("\n*** %s: a write of %u sectors at %llu was not permitted: nobody may write sector "
            "%llu\n",
            Disk->Name, Sectors, (unsigned long long)First, (unsigned long long)Sector);
    KeBugCheckEx(FAT_FILE_SYSTEM, (ULONG_PTR)Disk, (ULONG_PTR)Sector, (ULONG_PTR)(Sector >> 32),
                 Sectors);
}

/* => How far from At on sectors may be written, at least up to End if all of them may. */
static ULONG64 DiskpWalkPieces(PDISK_WRITE_LIST List, ULONG64 At, ULONG64 End)
{
    ULONG Index = DiskpFindPiece(List, At);

    List->Recent = Index;
    while (At < End && Index < List->Count && List->Pieces[Index].Start <= At) {
        At = List->Pieces[Index].End;
        Index++;
    }
    return At;
}

void DiskVerifyWrite(PDISK_DEVICE Disk, ULONG64 Sector, ULONG Sectors)
{
    PDISK_WRITE_LIST List = Disk->Writes;
    KIRQL OldIrql = KfAcquireSpinLock(&List->Lock);
    const DISKP_PIECE *Piece = &List->Pieces[List->Recent];
    ULONG64 End = Sector + Sectors;
    ULONG64 Permitted = End;

    if (List->Recent >= List->Count || Sector < Piece->Start || End > Piece->End) {
        Permitted = DiskpWalkPieces(List, Sector, End);
    }
    KfReleaseSpinLock(&List->Lock, OldIrql);
    if (Permitted < End) {
        DiskpStrayWrite(Disk, Permitted, Sector, Sectors);
    }
}

/* ---- permitting ---- */

/* How many pieces a range will add.  => STATUS_SHARING_VIOLATION: it has another owner. */
static NTSTATUS DiskpCountGaps(const DISK_WRITE_LIST *List, const DISKP_RANGE *Range,
                               const void *Owner, PULONG Gaps)
{
    ULONG64 At = Range->Start;
    ULONG Index = DiskpFindPiece(List, At);

    *Gaps = 0;
    for (; Index < List->Count && List->Pieces[Index].Start < Range->End; Index++) {
        if (List->Pieces[Index].Owner != Owner) {
            return STATUS_SHARING_VIOLATION;
        }
        *Gaps += List->Pieces[Index].Start > At;
        At = List->Pieces[Index].End;
    }
    *Gaps += At < Range->End;
    return STATUS_SUCCESS;
}

/* => There is room: nothing can fail. */
static void DiskpFillGaps(PDISK_WRITE_LIST List, const DISKP_RANGE *Range, const void *Owner)
{
    ULONG64 At = Range->Start;
    ULONG Index = DiskpFindPiece(List, At);

    while (At < Range->End) {
        ULONG64 End = Range->End;

        if (Index < List->Count && List->Pieces[Index].Start < End) {
            End = List->Pieces[Index].Start;
        }
        if (At < End) {
            MI_ASSERT(List->Count < List->Room); /* W2 */
            memmove(&List->Pieces[Index + 1], &List->Pieces[Index],
                    (List->Count - Index) * sizeof(DISKP_PIECE));
            List->Pieces[Index] = (DISKP_PIECE){At, End, Owner};
            List->Count++;
        }
        At = List->Pieces[Index].End;
        Index++;
    }
}

/* Room for Need pieces, unless somebody else was faster.  => The lock is not held. */
static NTSTATUS DiskpMakeRoom(PDISK_WRITE_LIST List, ULONG Need)
{
    ULONG Room = Need + Need / 2 + DISKP_FIRST_ROOM;
    PDISKP_PIECE New =
        ExAllocatePoolWithTag(NonPagedPool, Room * sizeof(DISKP_PIECE), DISK_WRITE_LIST_TAG);
    PDISKP_PIECE Old = New;
    KIRQL OldIrql;

    if (New == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    OldIrql = KfAcquireSpinLock(&List->Lock);
    if (List->Room < Room) {
        Old = List->Pieces;
        if (List->Count != 0) {
            memcpy(New, Old, List->Count * sizeof(DISKP_PIECE));
        }
        List->Pieces = New;
        List->Room = Room;
    }
    KfReleaseSpinLock(&List->Lock, OldIrql);
    if (Old != NULL) {
        ExFreePoolWithTag(Old, DISK_WRITE_LIST_TAG);
    }
    return STATUS_SUCCESS;
}

NTSTATUS DiskPermitWritesFor(PDISK_DEVICE Device, const void *Owner, ULONG64 Sector,
                             ULONG64 Sectors)
{
    DISKP_RANGE Range = DiskpTranslate(Device, Sector, Sectors);
    PDISK_WRITE_LIST List = Range.Disk->Writes;
    NTSTATUS Status;

    if (List == NULL) {
        return Range.Disk->Restricted ? STATUS_MEDIA_WRITE_PROTECTED : STATUS_SUCCESS;
    }
    for (;;) {
        KIRQL OldIrql = KfAcquireSpinLock(&List->Lock);
        ULONG Gaps;
        ULONG Need;

        Status = DiskpCountGaps(List, &Range, Owner, &Gaps);
        Need = List->Count + Gaps;
        if (NT_SUCCESS(Status) && Need <= List->Room) {
            DiskpFillGaps(List, &Range, Owner);
        }
        KfReleaseSpinLock(&List->Lock, OldIrql);
        if (!NT_SUCCESS(Status) || Need <= List->Room) {
            return Status;
        }
        Status = DiskpMakeRoom(List, Need);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
    }
}

/* ---- forbidding ---- */

/* What is left of a piece.  => Start == End: nothing. */
static DISKP_PIECE DiskpCutPiece(DISKP_PIECE Piece, const DISKP_RANGE *Range)
{
    if (Range->Start <= Piece.Start) {
        Piece.Start = Range->End < Piece.End ? Range->End : Piece.End;
    } else {
        MI_ASSERT(Range->End >= Piece.End); /* its middle cannot be taken back */
        Piece.End = Range->Start;
    }
    return Piece;
}

void DiskForbidWritesFor(PDISK_DEVICE Device, const void *Owner, ULONG64 Sector, ULONG64 Sectors)
{
    DISKP_RANGE Range = DiskpTranslate(Device, Sector, Sectors);
    PDISK_WRITE_LIST List = Range.Disk->Writes;
    KIRQL OldIrql;
    ULONG Index;
    ULONG Kept;

    if (List == NULL || Sectors == 0) {
        return;
    }
    OldIrql = KfAcquireSpinLock(&List->Lock);
    Kept = DiskpFindPiece(List, Range.Start);
    for (Index = Kept; Index < List->Count; Index++) {
        DISKP_PIECE Piece = List->Pieces[Index];

        if (Piece.Owner == Owner && Piece.Start < Range.End) {
            Piece = DiskpCutPiece(Piece, &Range);
        }
        if (Piece.Start < Piece.End) {
            List->Pieces[Kept] = Piece;
            Kept++;
        }
    }
    List->Count = Kept;
    KfReleaseSpinLock(&List->Lock, OldIrql);
}

void DiskHandOverWrites(PDISK_DEVICE Device, const void *From, const void *To)
{
    PDISK_WRITE_LIST List = DiskpTranslate(Device, 0, 0).Disk->Writes;
    KIRQL OldIrql;
    ULONG Index;

    if (List == NULL) {
        return;
    }
    OldIrql = KfAcquireSpinLock(&List->Lock);
    for (Index = 0; Index < List->Count; Index++) {
        if (List->Pieces[Index].Owner == From) {
            List->Pieces[Index].Owner = To;
        }
    }
    KfReleaseSpinLock(&List->Lock, OldIrql);
}

/* ---- lists come and go ---- */

NTSTATUS DiskRestrictWrites(PDISK_DEVICE Disk)
{
    PDISK_WRITE_LIST List;

    MI_ASSERT(DiskPartitionOf(Disk) == NULL);
    if (Disk->Writes != NULL) {
        return STATUS_SUCCESS;
    }
    List = ExAllocatePoolWithTag(NonPagedPool, sizeof(*List), DISK_WRITE_LIST_TAG);
    if (List == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(List, 0, sizeof(*List));
    KeInitializeSpinLock(&List->Lock);
    Disk->Writes = List;
    return STATUS_SUCCESS;
}

void DiskDeleteWriteList(PDISK_DEVICE Disk)
{
    PDISK_WRITE_LIST List = Disk->Writes;

    Disk->Writes = NULL;
    if (List != NULL) {
        if (List->Pieces != NULL) {
            ExFreePoolWithTag(List->Pieces, DISK_WRITE_LIST_TAG);
        }
        ExFreePoolWithTag(List, DISK_WRITE_LIST_TAG);
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * fsd_paging.c - a paging file's runs, and the pages that go by them.
 *
 * The runs are resolved once, while the file is opened: its clusters stay, because nothing that
 * would move them (a new size, deletion, a rename, another opening) is allowed while it is open.
 * From then on a page request needs no FAT, no lock of the volume's, no pool and no thread: it is
 * cut by the volume's disk queue and completed by the disk's DPC.
 *
 * Invariant: Runs cover the positions 0 to RunBytes without a hole, RunBytes is whole sectors.
 */
#include "disk/fat/fsd_i.h"

/* fat.h's runs in the disk queue's form; neighbours become one. */
static void FatpFillRuns(const FAT_RUN *From, ULONG Count, PIO_RUNS To)
{
    ULONG64 Position = 0;
    ULONG Index;

    To->Count = 0;
    for (Index = 0; Index < Count; Index++) {
        To->Run[To->Count++] = (IO_RUN){Position, From[Index].Sector, From[Index].Sectors};
        Position += From[Index].Sectors;
    }
}

/* Resolve into a list that is large enough.  => *List is the caller's to free. */
static NTSTATUS FatpResolve(PFAT_FILE File, PFAT_RUN *List, PULONG Count)
{
    FAT_RUN One;
    ULONG Room;
    NTSTATUS Status = FatResolveRuns(File, &One, 1, &Room);

    if (!NT_SUCCESS(Status) && Status != STATUS_BUFFER_OVERFLOW) {
        return Status;
    }
    *List = ExAllocatePoolWithTag(NonPagedPool, (Room + 1) * sizeof(FAT_RUN), FAT_FSD_TAG);
    if (*List == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = FatResolveRuns(File, *List, Room, Count);
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(*List, FAT_FSD_TAG);
    }
    return Status;
}

NTSTATUS FatPinRuns(PFAT_FCB Fcb)
{
    ULONG SectorBytes = Fcb->File.Volume->SectorBytes;
    PFAT_RUN List;
    ULONG Count;
    PIO_RUNS Runs;
    NTSTATUS Status = FatPermitFile(&Fcb->File);

    if (NT_SUCCESS(Status)) {
        Status = FatpResolve(&Fcb->File, &List, &Count);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Runs = ExAllocatePoolWithTag(NonPagedPool, sizeof(IO_RUNS) + (Count + 1) * sizeof(IO_RUN),
                                 FAT_FSD_TAG);
    if (Runs != NULL) {
        FatpFillRuns(List, Count, Runs);
        Fcb->RunBytes = ROUND_UP((ULONG64)Fcb->File.Bytes, (ULONG64)SectorBytes);
        Fcb->Runs = Runs;
    }
    ExFreePoolWithTag(List, FAT_FSD_TAG);
    return Runs != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS FatpCheckPages(const FAT_FCB *Fcb, const DISK_DEVICE *Disk, const IRP *Irp,
                               const IO_STACK_LOCATION *Stack)
{
    LONGLONG Offset = Stack->Parameters.Read.ByteOffset.QuadPart;
    ULONG Length = Stack->Parameters.Read.Length;

    if (Offset < 0 || Offset % Disk->SectorBytes != 0 || Length == 0 ||
        Length % Disk->SectorBytes != 0 || Irp->MdlAddress == NULL ||
        Irp->MdlAddress->ByteCount < Length) {
        return STATUS_INVALID_PARAMETER;
    }
    if ((ULONG64)Offset > Fcb->RunBytes || Length > Fcb->RunBytes - (ULONG64)Offset) {
        return STATUS_END_OF_FILE;
    }
    return Disk->ReadOnly && Stack->MajorFunction == IRP_MJ_WRITE ? STATUS_MEDIA_WRITE_PROTECTED
                                                                  : STATUS_SUCCESS;
}

NTSTATUS FatPageIo(PFAT_VCB Vcb, PFAT_FCB Fcb, PIRP Irp)
{
    NTSTATUS Status = FatpCheckPages(Fcb, Vcb->Disk, Irp, IoGetCurrentIrpStackLocation(Irp));

    if (!NT_SUCCESS(Status)) {
        Irp->IoStatus.Status = Status;
        Irp->IoStatus.Information = 0;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return Status;
    }
    return IoQueueDiskRequest(Vcb->Paging, Irp, Fcb->Runs);
}

/* SPDX-License-Identifier: MIT */
/*
 * fsd_paging.c - a paging file's runs, and the pages that go by them.
 *
 * The runs are resolved while the file is opened: its clusters stay, because nothing that would
 * take one away (a smaller size, deletion, a rename, another opening) is allowed while it is open.
 * When it becomes longer (fsd_extend.c) its runs are replaced: they begin with the same sectors.
 *
 * Its pages go as those of any file do (fsd_pages.c), but none is ever cut or held: Pages.Whole.
 *
 * Invariant: Runs cover the positions 0 to Pages.Bytes without a hole, which is whole sectors.
 */
#include "disk/fat/fsd_i.h"

#define FATP_FEW_RUNS 16u

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

/*
 * Resolve into a list with room for so many runs.
 *
 * => *List is the caller's to free.  STATUS_BUFFER_OVERFLOW: *Count are needed.
 */
static NTSTATUS FatpResolveUpTo(PFAT_FILE File, ULONG Room, PFAT_RUN *List, PULONG Count)
{
    NTSTATUS Status;

    *List = ExAllocatePoolWithTag(NonPagedPool, Room * sizeof(FAT_RUN), FAT_FSD_TAG);
    if (*List == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = FatResolveRuns(File, *List, Room, Count);
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(*List, FAT_FSD_TAG);
    }
    return Status;
}

/* Resolve into a list that is large enough; most files have few runs and are gone over once. */
static NTSTATUS FatpResolve(PFAT_FILE File, PFAT_RUN *List, PULONG Count)
{
    NTSTATUS Status = FatpResolveUpTo(File, FATP_FEW_RUNS, List, Count);

    return Status == STATUS_BUFFER_OVERFLOW ? FatpResolveUpTo(File, *Count, List, Count) : Status;
}

NTSTATUS FatMakeRuns(PFAT_FILE File, PIO_RUNS *Made)
{
    PFAT_RUN List;
    ULONG Count;
    PIO_RUNS Runs;
    NTSTATUS Status = FatpResolve(File, &List, &Count);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Runs = ExAllocatePoolWithTag(NonPagedPool, sizeof(IO_RUNS) + (Count + 1) * sizeof(IO_RUN),
                                 FAT_FSD_TAG);
    if (Runs != NULL) {
        FatpFillRuns(List, Count, Runs);
        *Made = Runs;
    }
    ExFreePoolWithTag(List, FAT_FSD_TAG);
    return Runs != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS FatPinRuns(PFAT_FCB Fcb)
{
    ULONG SectorBytes = Fcb->File.Volume->SectorBytes;
    NTSTATUS Status = FatPermitFile(&Fcb->File);

    if (NT_SUCCESS(Status)) {
        Status = FatMakeRuns(&Fcb->File, &Fcb->Pages.Map.Runs);
    }
    if (NT_SUCCESS(Status)) {
        Fcb->Paging = TRUE;
        Fcb->Pages.Whole = TRUE;
        FatPermitPages(Fcb, STATUS_SUCCESS);
        FatEndPages(Fcb, ROUND_UP((ULONG64)Fcb->File.Bytes, (ULONG64)SectorBytes),
                    STATUS_END_OF_FILE);
    }
    return Status;
}

static NTSTATUS FatpQueryRuns(PFAT_REQUEST Request)
{
    const IO_RUNS *Runs = Request->Fcb->Pages.Map.Runs;
    PFILE_PAGING_RUNS Answer = Request->Irp->AssociatedIrp.SystemBuffer;

    if (Request->Stack->Parameters.FileSystemControl.OutputBufferLength < sizeof(*Answer)) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    Answer->Runs = Runs->Count;
    Answer->FirstSector = Runs->Count != 0 ? Runs->Run[0].Sector : 0;
    Request->Information = sizeof(*Answer);
    return STATUS_SUCCESS;
}

NTSTATUS FatFsdControl(PFAT_REQUEST Request)
{
    PIO_STACK_LOCATION Stack = Request->Stack;
    ULONG Code = Stack->Parameters.FileSystemControl.FsControlCode;

    if (Stack->MinorFunction != IRP_MN_USER_FS_REQUEST ||
        (Code != FSCTL_QUERY_PAGING_RUNS && Code != FSCTL_EXTEND_PAGING_FILE)) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if (!Request->Fcb->Paging) {
        return STATUS_INVALID_PARAMETER;
    }
    return Code == FSCTL_QUERY_PAGING_RUNS ? FatpQueryRuns(Request) : FatFsdExtend(Request);
}

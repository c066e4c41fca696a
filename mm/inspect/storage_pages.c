/* SPDX-License-Identifier: MIT */
/*
 * storage_pages.c - pages of an ordinary file, between frames that nobody has mapped for it and the
 * disk, beside the same file's bytes by IoReadFile and IoWriteFile.
 *
 * Locking: none; one thread.
 */
#include "mm/inspect/storage_pages.h"

#include "ex.h"
#include "mm.h"
#include "report.h"
#include "rtl.h"

#define MIP_TAG   0x67705353u /* 'SSpg' */
#define MIP_PATH  "\\pages of a file.tmp"
#define MIP_CHUNK 0x10000u /* of a request, and of a call */
#define MIP_BYTES 1049810u /* of the file: 1 MB and a part of a page, its last sector not whole */
#define MIP_CUT   500001u

typedef struct _MIP_PAGES_RUN {
    PDEVICE_OBJECT Volume;
    PFILE_OBJECT File;
    PMDL Mdl;      /* MIP_CHUNK of frames, */
    PUCHAR Frames; /* where we look at them */
    PUCHAR Bytes;  /* MIP_CHUNK for the calls with bytes */
    ULONG Read;    /* pages, by frames */
    ULONG Written;
    ULONG Wrong; /* bytes, and sizes or statuses that are not what they have to be */
    NTSTATUS Status;
} MIP_PAGES_RUN, *PMIP_PAGES_RUN;

static UCHAR MipByte(ULONG Offset, ULONG Version)
{
    return (UCHAR)(Offset * 31 + Offset / 256 * 7 + Offset / PAGE_SIZE + Version * 101);
}

static void MipFill(PUCHAR At, ULONG Offset, ULONG Version)
{
    ULONG i;

    for (i = 0; i < MIP_CHUNK; i++) {
        At[i] = MipByte(Offset + i, Version);
    }
}

/* The file has End bytes; behind them there have to be zeros. */
static ULONG MipCountWrong(const UCHAR *At, ULONG Offset, ULONG Bytes, ULONG End, ULONG Version)
{
    ULONG Wrong = 0;
    ULONG i;

    for (i = 0; i < Bytes; i++) {
        Wrong += At[i] != (Offset + i < End ? MipByte(Offset + i, Version) : 0);
    }
    return Wrong;
}

static ULONG MipInFile(ULONG Offset)
{
    return MIP_BYTES - Offset < MIP_CHUNK ? MIP_BYTES - Offset : MIP_CHUNK;
}

/* ---- by bytes ---- */

static NTSTATUS MipWriteBytes(PMIP_PAGES_RUN Run, ULONG Version)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Offset;

    for (Offset = 0; Offset < MIP_BYTES && NT_SUCCESS(Status); Offset += MIP_CHUNK) {
        MipFill(Run->Bytes, Offset, Version);
        Status = IoWriteFile(Run->File, Offset, Run->Bytes, MipInFile(Offset));
    }
    return Status;
}

static NTSTATUS MipReadBytes(PMIP_PAGES_RUN Run, ULONG Version)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG64 Size = 0;
    ULONG Offset;

    for (Offset = 0; Offset < MIP_BYTES && NT_SUCCESS(Status); Offset += MIP_CHUNK) {
        ULONG Done = 0;

        Status = IoReadFile(Run->File, Offset, Run->Bytes, MIP_CHUNK, &Done);
        Run->Wrong += Done != MipInFile(Offset);
        Run->Wrong += MipCountWrong(Run->Bytes, Offset, Done, MIP_BYTES, Version);
    }
    if (NT_SUCCESS(Status)) {
        Status = IoQueryFileSize(Run->File, &Size);
        Run->Wrong += Size != MIP_BYTES; /* pages do not make a file longer */
    }
    return Status;
}

/* ---- by frames ---- */

static NTSTATUS MipMove(PMIP_PAGES_RUN Run, ULONG Offset, BOOLEAN Writes, PULONG_PTR Moved)
{
    LARGE_INTEGER Start = {.QuadPart = Offset};
    IO_STATUS_BLOCK Iosb;
    KEVENT Done;

    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    (void)(Writes ? IoSynchronousPageWrite(Run->File, Run->Mdl, &Start, &Done, &Iosb)
                  : IoPageRead(Run->File, Run->Mdl, &Start, &Done, &Iosb));
    (void)KeWaitForSingleObject(&Done, WrPageIn, KernelMode, FALSE, NULL);
    *Moved = Iosb.Information;
    return Iosb.Status;
}

static NTSTATUS MipWritePages(PMIP_PAGES_RUN Run, ULONG Version)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG_PTR Moved;
    ULONG Offset;

    for (Offset = 0; Offset < MIP_BYTES && NT_SUCCESS(Status); Offset += MIP_CHUNK) {
        MipFill(Run->Frames, Offset, Version);
        Status = MipMove(Run, Offset, TRUE, &Moved);
        Run->Wrong += NT_SUCCESS(Status) && Moved != MipInFile(Offset);
        Run->Written += BYTES_TO_PAGES(Moved);
    }
    return Status;
}

static NTSTATUS MipReadPages(PMIP_PAGES_RUN Run, ULONG Version)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG_PTR Moved;
    ULONG Offset;

    for (Offset = 0; Offset < MIP_BYTES && NT_SUCCESS(Status); Offset += MIP_CHUNK) {
        memset(Run->Frames, 0xEE, MIP_CHUNK);
        Status = MipMove(Run, Offset, FALSE, &Moved);
        if (NT_SUCCESS(Status)) {
            Run->Wrong += Moved != MipInFile(Offset);
            Run->Wrong += MipCountWrong(Run->Frames, Offset, MIP_CHUNK, MIP_BYTES, Version);
            Run->Read += BYTES_TO_PAGES(Moved);
        }
    }
    return Status;
}

/* Behind the new end there is nothing to read or write any more. */
static NTSTATUS MipCut(PMIP_PAGES_RUN Run)
{
    NTSTATUS Status = IoSetFileSize(Run->File, MIP_CUT);
    ULONG_PTR Moved;

    if (NT_SUCCESS(Status)) {
        ULONG Behind = ROUND_UP(MIP_CUT, PAGE_SIZE);

        Run->Wrong += MipMove(Run, Behind, FALSE, &Moved) != STATUS_END_OF_FILE;
        Run->Wrong += MipMove(Run, Behind, TRUE, &Moved) != STATUS_END_OF_FILE;
        Status = MipMove(Run, ROUND_DOWN(MIP_CUT, PAGE_SIZE), FALSE, &Moved);
        Run->Wrong += Moved != MIP_CUT % PAGE_SIZE;
    }
    return Status;
}

/* ---- all of it ---- */

static NT_PAGED NTSTATUS MipWork(PMIP_PAGES_RUN Run)
{
    NTSTATUS Status = MipWriteBytes(Run, 1);

    PAGED_CODE();
    if (NT_SUCCESS(Status)) {
        Status = MipReadPages(Run, 1);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipWritePages(Run, 2);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipReadBytes(Run, 2);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipReadPages(Run, 2);
    }
    return NT_SUCCESS(Status) ? MipCut(Run) : Status;
}

static NT_PAGED NTSTATUS MipWorkWithFile(PMIP_PAGES_RUN Run)
{
    NTSTATUS Deleted;
    NTSTATUS Status =
        IoOpenFile(Run->Volume, MIP_PATH, FILE_GENERIC_READ | FILE_GENERIC_WRITE, FILE_CREATE,
                   FILE_NON_DIRECTORY_FILE | FILE_NO_INTERMEDIATE_BUFFERING, &Run->File);

    PAGED_CODE();
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MipWork(Run);
    IoCloseFile(Run->File);
    Deleted = IoDeleteFile(Run->Volume, MIP_PATH);
    return NT_SUCCESS(Status) ? Deleted : Status;
}

static NT_PAGED NTSTATUS MipWorkWithFrames(PMIP_PAGES_RUN Run)
{
    const PHYSICAL_ADDRESS Any = {.QuadPart = 0xFFFFFFFF};
    const PHYSICAL_ADDRESS None = {.QuadPart = 0};
    NTSTATUS Status = STATUS_INSUFFICIENT_RESOURCES;

    PAGED_CODE();
    Run->Mdl = MmAllocatePagesForMdl(None, Any, None, MIP_CHUNK);
    if (Run->Mdl == NULL) {
        return Status;
    }
    if (MmGetMdlByteCount(Run->Mdl) == MIP_CHUNK) {
        Run->Frames = MmMapLockedPagesSpecifyCache(Run->Mdl, KernelMode, MmCached, NULL, FALSE,
                                                   NormalPagePriority);
    }
    if (Run->Frames != NULL) {
        Status = MipWorkWithFile(Run);
        MmUnmapLockedPages(Run->Frames, Run->Mdl);
    }
    MmFreePagesFromMdl(Run->Mdl);
    ExFreePool(Run->Mdl);
    return Status;
}

void MiRunStoragePages(PDEVICE_OBJECT Volume)
{
    MIP_PAGES_RUN Run = {.Volume = Volume, .Status = STATUS_INSUFFICIENT_RESOURCES};

    Run.Bytes = ExAllocatePoolWithTag(NonPagedPool, MIP_CHUNK, MIP_TAG);
    if (Run.Bytes != NULL) {
        Run.Status = MipWorkWithFrames(&Run);
        ExFreePoolWithTag(Run.Bytes, MIP_TAG);
    }
    KiReport(NT_SUCCESS(Run.Status) && Run.Wrong == 0 && Run.Read != 0 && Run.Written != 0,
             "storage: pages of a file of %u bytes: %u read into frames and %u written from them, "
             "%u bytes wrong; status %08x",
             MIP_BYTES, Run.Read, Run.Written, Run.Wrong, (ULONG)Run.Status);
}

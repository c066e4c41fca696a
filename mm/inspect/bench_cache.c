/* SPDX-License-Identifier: MIT */
/*
 * bench_cache.c - what the system cache costs: to copy from it and to pin in it while the pages are
 * in memory, and to read through it what is on the disk only.
 *
 * A file of MIP_PAGES pages is made on C: and deleted at the end.
 */
#include "cc.h"
#include "ex.h"
#include "io_services.h"
#include "mi_assert.h"
#include "mm/inspect/bench_faults.h"
#include "mm/inspect/bench_idle.h"
#include "mm/ob/object.h"
#include "rtl.h"

#define MIP_NAME           u"\\??\\C:\\bench.tmp"
#define MIP_PAGES          1024u /* 4 MB, of the sequential reads */
#define MIP_RESIDENT_PAGES 64u   /* of them, that stay in memory */
#define MIP_RUNS           16u
#define MIP_WRITE_PAGES    16u         /* at once */
#define MIP_TAG            0x6342424Du /* 'MBBc' */

typedef struct _MIP_CACHE_BENCH {
    HANDLE File;
    PFILE_OBJECT Object; /* of File; referenced */
    PUCHAR Buffer;       /* MIP_WRITE_PAGES; whole pages */
    ULONG Next;          /* the page that is read next of those that stay */
} MIP_CACHE_BENCH, *PMIP_CACHE_BENCH;

/* ---- the file ---- */

static NTSTATUS MipOpen(PMIP_CACHE_BENCH Bench)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(MIP_NAME);
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK Iosb;
    PVOID Object;
    NTSTATUS Status;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    Status = NtCreateFile(&Bench->File, FILE_READ_DATA | FILE_WRITE_DATA | DELETE | SYNCHRONIZE,
                          &Attributes, &Iosb, NULL, FILE_ATTRIBUTE_NORMAL, 0, FILE_OVERWRITE_IF,
                          FILE_SYNCHRONOUS_IO_NONALERT | FILE_DELETE_ON_CLOSE, NULL, 0);
    if (NT_SUCCESS(Status)) {
        Status = ObReferenceObjectByHandle(Bench->File, FILE_READ_DATA, IoFileObjectType,
                                           KernelMode, &Object, NULL);
        Bench->Object = NT_SUCCESS(Status) ? Object : NULL;
    }
    return Status;
}

/* Written out at once: the lazy writer does not run while the clock is stopped. */
static NTSTATUS MipFill(const MIP_CACHE_BENCH *Bench)
{
    NTSTATUS Status = STATUS_SUCCESS;
    IO_STATUS_BLOCK Iosb;
    ULONG Page;

    memset(Bench->Buffer, 0x5A, MIP_WRITE_PAGES * PAGE_SIZE);
    for (Page = 0; NT_SUCCESS(Status) && Page < MIP_PAGES; Page += MIP_WRITE_PAGES) {
        Status = NtWriteFile(Bench->File, NULL, NULL, NULL, &Iosb, Bench->Buffer,
                             MIP_WRITE_PAGES * PAGE_SIZE, NULL, NULL);
        if (NT_SUCCESS(Status)) {
            Status = NtFlushBuffersFile(Bench->File, &Iosb);
        }
    }
    return Status;
}

static NTSTATUS MipBegin(PMIP_CACHE_BENCH Bench)
{
    NTSTATUS Status = MipOpen(Bench);

    if (NT_SUCCESS(Status)) {
        Bench->Buffer = ExAllocatePoolWithTag(NonPagedPool, MIP_WRITE_PAGES * PAGE_SIZE, MIP_TAG);
        Status = Bench->Buffer == NULL ? STATUS_INSUFFICIENT_RESOURCES : MipFill(Bench);
    }
    return Status;
}

static void MipEnd(PMIP_CACHE_BENCH Bench)
{
    if (Bench->Buffer != NULL) {
        ExFreePoolWithTag(Bench->Buffer, MIP_TAG);
    }
    if (Bench->Object != NULL) {
        ObDereferenceObject(Bench->Object);
    }
    if (Bench->File != NULL) {
        NTSTATUS Status = NtClose(Bench->File);

        MI_ASSERT(NT_SUCCESS(Status));
    }
}

/* ---- pages that are in memory ---- */

static void MipCopyNext(PVOID Context)
{
    PMIP_CACHE_BENCH Bench = Context;
    LARGE_INTEGER Offset = {.QuadPart = (LONGLONG)Bench->Next * PAGE_SIZE};
    IO_STATUS_BLOCK Iosb;

    if (!CcCopyRead(Bench->Object, &Offset, PAGE_SIZE, TRUE, Bench->Buffer, &Iosb)) {
        MI_ASSERT(FALSE);
    }
    Bench->Next = (Bench->Next + 1) % MIP_RESIDENT_PAGES;
}

static void MipPin(PVOID Context)
{
    const MIP_CACHE_BENCH *Bench = Context;
    LARGE_INTEGER Offset = {.QuadPart = PAGE_SIZE};
    PVOID Bcb;
    PVOID Va;

    if (!CcPinRead(Bench->Object, &Offset, PAGE_SIZE, PIN_WAIT, &Bcb, &Va)) {
        MI_ASSERT(FALSE);
    }
    CcUnpinData(Bcb);
}

static ULONG MipMeasureResident(MI_BENCH_PRINT *Print, PMIP_CACHE_BENCH Bench)
{
    MI_BENCH_FIGURES Copy;
    MI_BENCH_FIGURES Figures;

    if (!MiMeasurePageCopy(&Copy)) {
        return 0;
    }
    MiMeasure(MipCopyNext, Bench, &Figures);
    MiSubtractFigures(&Figures, Copy.Median);
    Print("cc.read4k", &Figures);
    KeEnterCriticalRegion();
    MiMeasure(MipPin, Bench, &Figures);
    KeLeaveCriticalRegion();
    Print("cc.pin", &Figures);
    return 2;
}

/* ---- pages that are not ---- */

static NTSTATUS MipReadAll(const MIP_CACHE_BENCH *Bench)
{
    LARGE_INTEGER Offset = {.QuadPart = 0};
    NTSTATUS Status = STATUS_SUCCESS;
    IO_STATUS_BLOCK Iosb;

    for (; NT_SUCCESS(Status) && Offset.QuadPart < (LONGLONG)MIP_PAGES * PAGE_SIZE;
         Offset.QuadPart += PAGE_SIZE) {
        Status = NtReadFile(Bench->File, NULL, NULL, NULL, &Iosb, Bench->Buffer, PAGE_SIZE, &Offset,
                            NULL);
    }
    return Status;
}

/* A sample is the mean over the file's pages. */
static ULONG MipMeasureSequential(MI_BENCH_PRINT *Print, const MIP_CACHE_BENCH *Bench)
{
    ULONG Samples[MIP_RUNS];
    MI_BENCH_FIGURES Figures;
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Run;

    for (Run = 0; Run < MIP_RUNS && NT_SUCCESS(Status); Run++) {
        ULONG64 Start;

        if (!CcPurgeCacheSection(Bench->Object->SectionObjectPointer, NULL, 0, FALSE)) {
            return 0;
        }
        Start = MiBusyCycles();
        Status = MipReadAll(Bench);
        Samples[Run] = (ULONG)((MiBusyCycles() - Start) / MIP_PAGES);
    }
    if (!NT_SUCCESS(Status)) {
        return 0;
    }
    MiSummarizeSamples(Samples, MIP_RUNS, &Figures);
    Print("cc.sequential", &Figures);
    return 1;
}

static ULONG MipMeasureReads(MI_BENCH_PRINT *Print, PMIP_CACHE_BENCH Bench)
{
    ULONG Rows = MipMeasureResident(Print, Bench);

    if (NT_SUCCESS(MiStartIdleWatch())) {
        Rows += MipMeasureSequential(Print, Bench);
        MiStopIdleWatch();
    }
    return Rows;
}

ULONG MiMeasureCache(MI_BENCH_PRINT *Print)
{
    MIP_CACHE_BENCH Bench = {.File = NULL};
    ULONG Rows = 0;

    if (CcIsRunning() && NT_SUCCESS(MipBegin(&Bench))) {
        Rows = MipMeasureReads(Print, &Bench);
    }
    MipEnd(&Bench);
    return Rows;
}

/* SPDX-License-Identifier: MIT */
/*
 * bench_section.c - what views of a file cost while its pages are in memory.
 *
 * A file of MIP_PAGES pages is made on C: and deleted at the end.  A second view in the same
 * process keeps its pages in memory.
 */
#include "io_services.h"
#include "mi_assert.h"
#include "mm/inspect/bench_faults.h"
#include "mm/ob/object.h"
#include "mm/space/process.h"
#include "mm_section.h"
#include "rtl.h"

#define MIP_NAME  u"\\??\\C:\\bench.tmp"
#define MIP_PAGES 64u
#define MIP_UNIT  MM_ALLOCATION_GRANULARITY

typedef struct _MIP_SECTION_BENCH {
    HANDLE File;
    HANDLE Section;
    ULONG_PTR Kept; /* a view of all of it, whose pages were touched */
    ULONG_PTR View; /* the one that is measured; 0: not mapped */
    SIZE_T Bytes;   /* of that */
} MIP_SECTION_BENCH, *PMIP_SECTION_BENCH;

/* ---- the file and its section ---- */

static NTSTATUS MipMakeFile(PMIP_SECTION_BENCH Bench)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(MIP_NAME);
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK Iosb;

    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    return NtCreateFile(&Bench->File, FILE_READ_DATA | FILE_WRITE_DATA | DELETE | SYNCHRONIZE,
                        &Attributes, &Iosb, NULL, FILE_ATTRIBUTE_NORMAL, 0, FILE_OVERWRITE_IF,
                        FILE_SYNCHRONOUS_IO_NONALERT | FILE_DELETE_ON_CLOSE, NULL, 0);
}

static NTSTATUS MipMakeSection(PMIP_SECTION_BENCH Bench)
{
    LARGE_INTEGER Size = {.QuadPart = MIP_PAGES * PAGE_SIZE};
    NTSTATUS Status = MipMakeFile(Bench);

    if (NT_SUCCESS(Status)) {
        Status = NtCreateSection(&Bench->Section, SECTION_ALL_ACCESS, NULL, &Size, PAGE_READWRITE,
                                 SEC_COMMIT, Bench->File);
    }
    return Status;
}

static ULONG_PTR MipMap(const MIP_SECTION_BENCH *Bench, SIZE_T Bytes)
{
    PVOID Base = NULL;
    NTSTATUS Status = NtMapViewOfSection(Bench->Section, NtCurrentProcess(), &Base, 0, 0, NULL,
                                         &Bytes, ViewUnmap, 0, PAGE_READWRITE);

    MI_ASSERT(NT_SUCCESS(Status));
    return (ULONG_PTR)Base;
}

static void MipUnmap(ULONG_PTR View)
{
    NTSTATUS Status = NtUnmapViewOfSection(NtCurrentProcess(), (PVOID)View);

    MI_ASSERT(NT_SUCCESS(Status));
}

static void MipEnd(PMIP_SECTION_BENCH Bench)
{
    NTSTATUS Status = STATUS_SUCCESS;

    if (Bench->View != 0) {
        MipUnmap(Bench->View);
    }
    if (Bench->Kept != 0) {
        MipUnmap(Bench->Kept);
    }
    if (Bench->Section != NULL) {
        Status = NtClose(Bench->Section);
    }
    if (Bench->File != NULL && NT_SUCCESS(Status)) {
        Status = NtClose(Bench->File);
    }
    MI_ASSERT(NT_SUCCESS(Status));
}

/* ---- operations ---- */

/* Untouched. */
static void MipMapAgain(PVOID Context)
{
    PMIP_SECTION_BENCH Bench = Context;

    if (Bench->View != 0) {
        MipUnmap(Bench->View);
    }
    Bench->View = MipMap(Bench, Bench->Bytes);
}

static void MipTouchAll(PVOID Context)
{
    const MIP_SECTION_BENCH *Bench = Context;

    MiTouchAllForBench(Bench->View, (ULONG)(Bench->Bytes / PAGE_SIZE));
}

static void MipMapAndUnmap(PVOID Context)
{
    MipUnmap(MipMap(Context, MIP_UNIT));
}

/* ---- rows ---- */

static void MipMeasureTouch(PMIP_SECTION_BENCH Bench, const char *Row, SIZE_T Bytes,
                            MI_BENCH_PRINT *Print)
{
    MI_BENCH_FIGURES Figures;

    if (Bench->View != 0) {
        MipUnmap(Bench->View);
        Bench->View = 0;
    }
    Bench->Bytes = Bytes;
    MiMeasurePrepared(MipMapAgain, MipTouchAll, Bench, &Figures);
    MiDivideFigures(&Figures, (ULONG)(Bytes / PAGE_SIZE));
    Print(Row, &Figures);
}

static ULONG MipMeasure(MI_BENCH_PRINT *Print)
{
    MIP_SECTION_BENCH Bench = {.File = NULL};
    MI_BENCH_FIGURES Figures;
    ULONG Rows = 0;

    if (NT_SUCCESS(MipMakeSection(&Bench))) {
        Bench.Kept = MipMap(&Bench, 0);
        MiTouchAllForBench(Bench.Kept, MIP_PAGES);
        MipMeasureTouch(&Bench, "section.soft", PAGE_SIZE, Print);
        MipMeasureTouch(&Bench, "section.cluster", MIP_PAGES * PAGE_SIZE, Print);
        MiMeasure(MipMapAndUnmap, &Bench, &Figures);
        Print("section.view64k", &Figures);
        Rows = 3;
    }
    MipEnd(&Bench);
    return Rows;
}

ULONG MiMeasureSections(MI_BENCH_PRINT *Print)
{
    return MiMeasureInProcess(MipMeasure, Print);
}

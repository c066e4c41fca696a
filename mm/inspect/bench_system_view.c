/* SPDX-License-Identifier: MIT */
/*
 * bench_system_view.c - what views in the system half cost: to map and unmap them, and to touch
 * pages that have frames already.
 *
 * The section is over the paging files; another such view keeps the frames.
 */
#include "arch/cpu.h"
#include "bench.h"
#include "mi_assert.h"
#include "mm/section/cache_calls.h"
#include "mm/section/system_view.h"
#include "mm/space/process.h"

#define MIP_UNIT       MM_ALLOCATION_GRANULARITY
#define MIP_UNIT_PAGES (MIP_UNIT / PAGE_SIZE)
#define MIP_PAGES      MM_CACHE_VIEW_PAGES

/* What is mapped and unmapped. */
typedef struct _MIP_VIEW {
    PVOID Section;
    PVOID Kept;   /* the view that stays */
    PVOID Va;     /* of the view that is measured */
    SIZE_T Bytes; /* of that */
    ULONG Touch;  /* where in it the next access is: every other time in the second 64 KB */
} MIP_VIEW, *PMIP_VIEW;

/* ---- operations ---- */

static void MipMap(PVOID Context)
{
    PMIP_VIEW View = Context;
    NTSTATUS Status = MmMapViewInSystemSpace(View->Section, &View->Va, &View->Bytes);

    MI_ASSERT(NT_SUCCESS(Status));
}

static void MipUnmap(PVOID Context)
{
    const MIP_VIEW *View = Context;
    NTSTATUS Status = MmUnmapViewInSystemSpace(View->Va);

    MI_ASSERT(NT_SUCCESS(Status));
}

static void MipMapAndUnmap(PVOID Context)
{
    MipMap(Context);
    MipUnmap(Context);
}

static void MipMapAnew(PVOID Context)
{
    ((PMIP_VIEW)Context)->Touch ^= MIP_UNIT;
    MipUnmap(Context);
    MipMap(Context);
}

static void MipMapAndUnmapInCache(PVOID Context)
{
    const MIP_VIEW *View = Context;
    LARGE_INTEGER Offset = {.QuadPart = 0};
    NTSTATUS Status = MmMapViewInSystemCache(View->Section, View->Va, Offset, MM_CACHE_VIEW_BYTES);

    MI_ASSERT(NT_SUCCESS(Status));
    MmUnmapViewInSystemCache(View->Va, MM_CACHE_VIEW_BYTES);
}

static void MipTouch(PVOID Context)
{
    const MIP_VIEW *View = Context;
    NTSTATUS Status = KiGuardedTouch((PUCHAR)View->Va + View->Touch);

    MI_ASSERT(NT_SUCCESS(Status));
}

static void MipTouchUnit(PVOID Context)
{
    const MIP_VIEW *View = Context;
    ULONG Page;

    for (Page = 0; Page < MIP_UNIT_PAGES; Page++) {
        NTSTATUS Status = KiGuardedTouch((PUCHAR)View->Va + View->Touch + Page * PAGE_SIZE);

        MI_ASSERT(NT_SUCCESS(Status));
    }
}

/* ---- rows ---- */

static ULONG MipPrint(MI_BENCH_PRINT *Print, const char *Row, PMI_BENCH_FIGURES Figures, ULONG By)
{
    MiDivideFigures(Figures, By);
    Print(Row, Figures);
    return 1;
}

/* The last page of 64 KB: no other comes along. */
static ULONG MipMeasureTouch(MI_BENCH_PRINT *Print, PMIP_VIEW View)
{
    MI_BENCH_FIGURES Figures;
    ULONG Rows = 0;

    View->Bytes = 2 * MIP_UNIT;
    View->Touch = MIP_UNIT - PAGE_SIZE;
    MipMap(View);
    MiMeasurePrepared(MipMapAnew, MipTouch, View, &Figures);
    Rows += MipPrint(Print, "section.soft.system", &Figures, 1);
    View->Touch = 0;
    MiMeasurePrepared(MipMapAnew, MipTouchUnit, View, &Figures);
    Rows += MipPrint(Print, "section.cluster.system", &Figures, MIP_UNIT_PAGES);
    MipUnmap(View);
    return Rows;
}

/* At the last view that shows nothing: nobody else maps one meanwhile. */
static ULONG MipMeasureCache(MI_BENCH_PRINT *Print, PMIP_VIEW View)
{
    const MI_RANGE *Cache = &MiLayout.Region[MiRegionSystemCache];
    ULONG_PTR Va = Cache->Start + Cache->Bytes - MM_CACHE_VIEW_BYTES;
    MI_BENCH_FIGURES Figures;

    while (Va > Cache->Start && MiQuerySystemView(Va).ControlArea != NULL) {
        Va -= MM_CACHE_VIEW_BYTES;
    }
    View->Va = (PVOID)Va;
    MiMeasure(MipMapAndUnmapInCache, View, &Figures);
    return MipPrint(Print, "cc.view256k", &Figures, 1);
}

static ULONG MipMeasureAll(MI_BENCH_PRINT *Print, PMIP_VIEW View)
{
    MI_BENCH_FIGURES Figures;
    ULONG Rows = 0;

    View->Bytes = MIP_UNIT;
    MiMeasure(MipMapAndUnmap, View, &Figures);
    Rows += MipPrint(Print, "section.view64k.system", &Figures, 1);
    Rows += MipMeasureTouch(Print, View);
    Rows += MipMeasureCache(Print, View);
    return Rows;
}

/* => All pages have frames. */
static NTSTATUS MipKeep(PMIP_VIEW View)
{
    SIZE_T Bytes = 0;
    NTSTATUS Status = MmMapViewInSystemSpace(View->Section, &View->Kept, &Bytes);
    ULONG Page;

    for (Page = 0; NT_SUCCESS(Status) && Page < MIP_PAGES; Page++) {
        *((volatile UCHAR *)View->Kept + Page * PAGE_SIZE) = 1;
    }
    return Status;
}

ULONG MiMeasureSystemViews(MI_BENCH_PRINT *Print)
{
    LARGE_INTEGER Size = {.QuadPart = MIP_PAGES * PAGE_SIZE};
    MIP_VIEW View = {.Touch = 0};
    ULONG Rows = 0;

    if (!NT_SUCCESS(MmCreateSection(&View.Section, SECTION_ALL_ACCESS, NULL, &Size, PAGE_READWRITE,
                                    SEC_COMMIT, NULL, NULL))) {
        return 0;
    }
    if (NT_SUCCESS(MipKeep(&View))) {
        NTSTATUS Status;

        Rows = MipMeasureAll(Print, &View);
        Status = MmUnmapViewInSystemSpace(View.Kept);
        MI_ASSERT(NT_SUCCESS(Status));
    }
    ObDereferenceObject(View.Section);
    return Rows;
}

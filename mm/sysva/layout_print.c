/* SPDX-License-Identifier: MIT */
/*
 * layout_print.c - the layout for people, and its check.
 */
#include "arch/mmu.h"
#include "mi_assert.h"
#include "mm/sysva/layout.h"

#define MIP_KB 1024u
#define MIP_MB (1024u * 1024u)

typedef struct _MIP_REGION_RULE {
    const char *Name;
    ULONG_PTR FixedStart; /* 0: computed */
    ULONG_PTR HighStart;  /* the same with /3GB */
    BOOLEAN OwnTables;    /* Y3 */
    BOOLEAN Required;     /* Y5 */
} MIP_REGION_RULE;

static const MIP_REGION_RULE MipRules[MiRegions] = {
    [MiRegionKernel] = {"kernel", LOADER_WINDOW_BASE, LOADER_HIGH_BASE, TRUE, TRUE},
    [MiRegionPfnDatabase] = {"page-frame database", 0x81000000u, 0xD1000000u, FALSE, TRUE},
    [MiRegionInitialPool] = {"nonpaged pool, initial", 0, 0, FALSE, TRUE},
    [MiRegionDrivers] = {"drivers", 0, 0, TRUE, TRUE},
    [MiRegionSystemViews] = {"views of sections", 0, 0, TRUE, TRUE}, /* MipVerifyViews */
    [MiRegionCacheExtension] = {"system cache, extension", 0xA2000000u, 0, TRUE, FALSE},
    [MiRegionSession] = {"session space", 0xBE000000u, 0, TRUE, TRUE},
    [MiRegionPageTables] = {"page tables", 0xC0000000u, 0xC0000000u, TRUE, TRUE},
    [MiRegionHyperspace] = {"hyperspace", 0xC0400000u, 0xC0400000u, TRUE, TRUE},
    [MiRegionSystemWorkingSet] = {"system working-set lists", 0xC0C00000u, 0xC0C00000u, TRUE, TRUE},
    [MiRegionSystemCache] = {"system cache", 0xC1000000u, 0xC1000000u, TRUE, TRUE},
    [MiRegionPagedPool] = {"paged pool", 0xE1000000u, 0xE1000000u, TRUE, TRUE},
    [MiRegionSystemPtes] = {"system PTEs", 0, 0, TRUE, TRUE},
    [MiRegionPoolExpansion] = {"nonpaged pool, expansion", 0, 0, FALSE, TRUE},
    [MiRegionFramebuffer] = {"framebuffer", 0, 0, TRUE, FALSE},
    [MiRegionCrashDump] = {"crash dump", 0xFFBE0000u, 0xFFBE0000u, FALSE, TRUE},
    [MiRegionHal] = {"HAL", 0xFFC00000u, 0xFFC00000u, TRUE, TRUE},
};

const char *MiRegionName(MI_REGION Region)
{
    return MipRules[Region].Name;
}

MI_REGION MiFindRegion(ULONG_PTR Va)
{
    MI_REGION i;

    for (i = 0; i < MiRegions; i++) {
        if (Va - MiLayout.Region[i].Start < MiLayout.Region[i].Bytes) {
            return i;
        }
    }
    return MiRegions;
}

/* The last byte: the HAL's region ends with the address space. */
static ULONG_PTR MipLast(const MI_RANGE *Range)
{
    return Range->Start + (Range->Bytes - 1);
}

/* => The region with the lowest start at or above From that exists; MiRegions: none. */
static MI_REGION MipNextRegion(const MI_LAYOUT *Layout, ULONG_PTR From)
{
    MI_REGION Best = MiRegions;
    MI_REGION i;

    for (i = 0; i < MiRegions; i++) {
        const MI_RANGE *Range = &Layout->Region[i];

        if (Range->Bytes != 0 && Range->Start >= From &&
            (Best == MiRegions || Range->Start < Layout->Region[Best].Start)) {
            Best = i;
        }
    }
    return Best;
}

static void MipPrintSize(RTL_PRINT_SINK *Sink, PVOID Context, ULONG Bytes)
{
    if (Bytes % MIP_MB == 0) {
        RtlFormat(Sink, Context, "%6u MB", Bytes / MIP_MB);
    } else {
        RtlFormat(Sink, Context, "%6u KB", Bytes / MIP_KB);
    }
}

void MiPrintLayout(const MI_LAYOUT *Layout, RTL_PRINT_SINK *Sink, PVOID Context)
{
    ULONG_PTR From = 0;
    MI_REGION i;

    for (i = MipNextRegion(Layout, From); i < MiRegions; i = MipNextRegion(Layout, From)) {
        const MI_RANGE *Range = &Layout->Region[i];

        RtlFormat(Sink, Context, "%08X - %08X  ", (ULONG)Range->Start, (ULONG)MipLast(Range));
        MipPrintSize(Sink, Context, Range->Bytes);
        RtlFormat(Sink, Context, "  %s\n", MiRegionName(i));
        From = Range->Start + 1;
    }
}

static void MipVerifyRegion(const MI_LAYOUT *Layout, MI_REGION Region)
{
    const MIP_REGION_RULE *Rule = &MipRules[Region];
    const MI_RANGE *Range = &Layout->Region[Region];
    BOOLEAN High = Layout->Region[MiRegionKernel].Start == LOADER_HIGH_BASE;
    ULONG_PTR Fixed = High ? Rule->HighStart : Rule->FixedStart;

    MI_ASSERT(!Rule->Required || Range->Bytes != 0); /* Y5 */
    if (Range->Bytes == 0) {
        return;
    }
    MI_ASSERT(Range->Start % PAGE_SIZE == 0 && Range->Bytes % PAGE_SIZE == 0);         /* Y1 */
    MI_ASSERT(Range->Start >= Layout->RangeStart && MipLast(Range) >= Range->Start);   /* Y1 */
    MI_ASSERT(Fixed == 0 || Range->Start == Fixed);                                    /* Y2 */
    MI_ASSERT(!Rule->OwnTables || (Range->Start | Range->Bytes) % MM_LARGE_PAGE == 0); /* Y3 */
}

/* Y2: where they begin SystemViewSize says. */
static void MipVerifyViews(const MI_LAYOUT *Layout)
{
    BOOLEAN High = Layout->Region[MiRegionKernel].Start == LOADER_HIGH_BASE;

    MI_ASSERT(MipLast(&Layout->Region[MiRegionSystemViews]) + 1 ==
              (High ? 0xDF000000u : 0xA2000000u));
}

/* Y1: by address, each begins behind the end of the one before. */
static void MipVerifyOrder(const MI_LAYOUT *Layout)
{
    MI_REGION Region = MipNextRegion(Layout, 0);
    ULONG Seen = 0;
    ULONG Present = 0;
    MI_REGION i;

    for (i = 0; i < MiRegions; i++) {
        Present += Layout->Region[i].Bytes != 0;
    }
    while (Region < MiRegions) {
        MI_REGION Next = MipNextRegion(Layout, Layout->Region[Region].Start + 1);

        MI_ASSERT(Next == MiRegions ||
                  Layout->Region[Next].Start > MipLast(&Layout->Region[Region]));
        Seen++;
        Region = Next;
    }
    MI_ASSERT(Seen == Present); /* two that begin at one address: only the first was seen */
}

void MiVerifyLayout(const MI_LAYOUT *Layout)
{
    const MI_RANGE *Region = Layout->Region;
    MI_REGION i;

    for (i = 0; i < MiRegions; i++) {
        MipVerifyRegion(Layout, i);
    }
    MipVerifyViews(Layout);
    MipVerifyOrder(Layout);
    MI_ASSERT(Region[MiRegionInitialPool].Bytes + Region[MiRegionPoolExpansion].Bytes ==
              Layout->MaximumNonPagedPoolBytes);                               /* Y4 */
    MI_ASSERT(Region[MiRegionPoolExpansion].Bytes >= 16 * PAGE_SIZE);          /* Y4 */
    MI_ASSERT(Layout->SessionViewBytes != 0 && Layout->SessionPoolBytes != 0); /* Y5 */
    MI_ASSERT(Layout->SessionViewBytes + Layout->SessionPoolBytes <=
              Region[MiRegionSession].Bytes); /* Y5 */
}

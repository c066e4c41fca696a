/* SPDX-License-Identifier: MIT */
/*
 * paging_stamp.c - see paging_stamp.h.
 */
#include "mm/inspect/paging_stamp.h"

#include "report.h"

#define MIP_HEAD     4u /* words before the numbers */
#define MIP_CHECKSUM 3u

/* Numbers of the linear congruential generator of "Numerical Recipes", as good as any here. */
static ULONG MipNext(ULONG Number)
{
    return Number * 1664525u + 1013904223u;
}

static ULONG MipFirst(MI_STAMP Stamp)
{
    return (ULONG)Stamp.Va * 0x9E3779B1u ^ Stamp.Version * 0x85EBCA6Bu ^ Stamp.Seed;
}

/* Depends on each word and on its place. */
static ULONG MipAdd(ULONG Sum, ULONG Word)
{
    return (Sum << 5 | Sum >> 27) + Word;
}

static ULONG MipChecksum(const ULONG *Page)
{
    ULONG Sum = 0;
    ULONG i;

    for (i = 0; i < MI_STAMP_WORDS; i++) {
        Sum = i == MIP_CHECKSUM ? Sum : MipAdd(Sum, Page[i]);
    }
    return Sum;
}

void MiStampPage(PULONG Page, MI_STAMP Stamp)
{
    ULONG Number = MipFirst(Stamp);
    ULONG i;

    Page[0] = (ULONG)Stamp.Va;
    Page[1] = Stamp.Version;
    Page[2] = Stamp.Seed;
    for (i = MIP_HEAD; i < MI_STAMP_WORDS; i++) {
        Number = MipNext(Number);
        Page[i] = Number;
    }
    Page[MIP_CHECKSUM] = MipChecksum(Page);
}

static BOOLEAN MipIsZero(const ULONG *Page)
{
    ULONG i;

    for (i = 0; i < MI_STAMP_WORDS && Page[i] == 0; i++) {
        continue;
    }
    return i == MI_STAMP_WORDS;
}

BOOLEAN MiIsPageStamped(const ULONG *Page, MI_STAMP Stamp)
{
    ULONG Number = MipFirst(Stamp);
    ULONG Sum = 0;
    ULONG i;

    if (Stamp.Version == 0) {
        return MipIsZero(Page);
    }
    if (Page[0] != (ULONG)Stamp.Va || Page[1] != Stamp.Version || Page[2] != Stamp.Seed) {
        return FALSE;
    }
    Sum = MipAdd(MipAdd(MipAdd(Sum, Page[0]), Page[1]), Page[2]);
    for (i = MIP_HEAD; i < MI_STAMP_WORDS; i++) {
        Number = MipNext(Number);
        if (Page[i] != Number) {
            return FALSE;
        }
        Sum = MipAdd(Sum, Page[i]);
    }
    return Page[MIP_CHECKSUM] == Sum;
}

void MiDescribeWrongPage(const char *Title, const ULONG *Page, MI_STAMP Stamp)
{
    const MI_STAMP Found = {Page[0], Page[1], Page[2]};
    const char *What = "no page of the run, or a torn one";

    if (MipIsZero(Page)) {
        What = "zeroes";
    } else if (Found.Version != 0 && MiIsPageStamped(Page, Found)) {
        What = "a whole page";
    }
    KiPrint("# %s: page %08x version %u of seed %08x is wrong: found %08x version %u of seed %08x, "
            "checksum %08x of %08x: %s\n",
            Title, (ULONG)Stamp.Va, Stamp.Version, Stamp.Seed, Page[0], Page[1], Page[2],
            Page[MIP_CHECKSUM], MipChecksum(Page), What);
}

/* SPDX-License-Identifier: MIT */
/*
 * user_summary.c - !address -summary: how much of the user half is what, in WinDbg's blocks.
 *
 * With filters only those regions are in the rows; percentages are of all regions.
 */
#include "mm/inspect/commands.h"
#include "mm/inspect/user_regions.h"
#include "rtl.h"

#define MIP_PROTECTIONS 33u /* the 32 codes of a PTE, and a row for what is none of them */
#define MIP_OTHERS      (MIP_PROTECTIONS - 1)

typedef struct _MIP_ROW {
    ULONG Bits; /* what it counts */
    ULONG Regions;
    ULONG Pages;
    ULONG LargestPages;
    ULONG_PTR LargestVa;
} MIP_ROW, *PMIP_ROW;

typedef struct _MIP_SUMS {
    MIP_ROW Usages[MiUsages];
    MIP_ROW Types[3];
    MIP_ROW States[3];
    MIP_ROW Protections[MIP_PROTECTIONS]; /* of committed regions, as they are met */
    ULONG Total;                          /* pages of all regions */
    ULONG Busy;                           /* of those that are not free */
} MIP_SUMS, *PMIP_SUMS;

static void MipCount(PMIP_ROW Row, const MI_USER_REGION *Region)
{
    ULONG Pages = (ULONG)(Region->RegionSize >> PAGE_SHIFT);

    Row->Regions++;
    Row->Pages += Pages;
    if (Pages > Row->LargestPages) {
        Row->LargestPages = Pages;
        Row->LargestVa = (ULONG_PTR)Region->BaseAddress;
    }
}

static void MipCountBits(PMIP_ROW Rows, ULONG Count, ULONG Bits, const MI_USER_REGION *Region)
{
    ULONG i;

    for (i = 0; i < Count; i++) {
        if (Rows[i].Bits == Bits) {
            MipCount(&Rows[i], Region);
        }
    }
}

/* => The row of a protection, which may be new. */
static PMIP_ROW MipProtectionRow(PMIP_SUMS Sums, ULONG Protect)
{
    ULONG i = 0;

    while (i < MIP_OTHERS && Sums->Protections[i].Regions != 0 &&
           Sums->Protections[i].Bits != Protect) {
        i++;
    }
    Sums->Protections[i].Bits = i < MIP_OTHERS ? Protect : 0;
    return &Sums->Protections[i];
}

static void MipCountRegion(PMIP_SUMS Sums, const MI_USER_REGION *Region)
{
    MipCount(&Sums->Usages[MiRegionUsage(Region)], Region);
    MipCountBits(Sums->Types, RTL_NUMBER_OF(Sums->Types), Region->Type, Region);
    MipCountBits(Sums->States, RTL_NUMBER_OF(Sums->States), Region->State, Region);
    if (Region->State == MEM_COMMIT) {
        MipCount(MipProtectionRow(Sums, Region->Protect), Region);
    }
}

static void MipGather(const MI_REGION_FILTER *Filter, PMIP_SUMS Sums)
{
    MI_USER_REGION Region;
    ULONG_PTR Va = 0;

    while (!MiStopRequested() && MiNextUserRegion(&Va, &Region)) {
        ULONG Pages = (ULONG)(Region.RegionSize >> PAGE_SHIFT);

        Sums->Total += Pages;
        Sums->Busy += Region.State == MEM_FREE ? 0 : Pages;
        if (MiMatchRegion(Filter, &Region)) {
            MipCountRegion(Sums, &Region);
        }
    }
}

/* ---- print ---- */

/* In two steps, as 786432 pages times 10000 are more than 32 bits. */
static void MipPrintPercent(ULONG Pages, ULONG Of)
{
    ULONG Tenths = Of == 0 ? 0 : Pages * 1000 / Of;
    ULONG Last = Of == 0 ? 0 : Pages * 1000 % Of * 10 / Of;

    MiPrint("  %3u.%u%u%%", Tenths / 10, Tenths % 10, Last);
}

void MiPrintPageBytes(ULONG Pages)
{
    ULONG Kb = Pages * (PAGE_SIZE / 1024);

    if (Kb < 1024) {
        MiPrint("(%4u.000 kB)", Kb);
    } else if (Kb < 1024 * 1024) {
        MiPrint("(%4u.%03u MB)", Kb / 1024, Kb % 1024 * 1000 / 1024);
    } else {
        MiPrint("(%4u.%03u GB)", Kb >> 20, (Kb & 0xFFFFF) / 1024 * 1000 / 1024);
    }
}

static void MipPrintBytes(ULONG Pages)
{
    MiPrint("%9x ", Pages << PAGE_SHIFT);
    MiPrintPageBytes(Pages);
}

static void MipPrintRow(const MIP_SUMS *Sums, const MIP_ROW *Row, const char *Name,
                        const char *Modifier, BOOLEAN Busy)
{
    if (Row->Regions == 0) {
        return;
    }
    MiPrint("%-22s%s%-18s %6u  ", Name, *Modifier != 0 ? "|" : " ", Modifier, Row->Regions);
    MipPrintBytes(Row->Pages);
    if (Busy) {
        MipPrintPercent(Row->Pages, Sums->Busy);
    } else {
        MiPrint("         ");
    }
    MipPrintPercent(Row->Pages, Sums->Total);
    MiPrint("\n");
}

static void MipPrintHead(const char *Name)
{
    MiPrint("\n--- %-16s ------------------ RgnCount ------- Total Size  %%ofBusy %%ofTotal\n",
            Name);
}

static void MipPrintUsages(const MIP_SUMS *Sums)
{
    ULONG i;

    MipPrintHead("Usage Summary");
    for (i = 0; i < MiUsages; i++) {
        MipPrintRow(Sums, &Sums->Usages[i], MiRegionUsageName((MI_REGION_USAGE)i), "",
                    i != MiUsageFree);
    }
}

static void MipPrintBits(const MIP_SUMS *Sums, const char *Head, const MIP_ROW *Rows, ULONG Count)
{
    ULONG i;

    MipPrintHead(Head);
    for (i = 0; i < Count; i++) {
        MipPrintRow(Sums, &Rows[i], MiRegionBitName(Rows[i].Bits), "", Rows[i].Bits != MEM_FREE);
    }
}

static void MipPrintProtections(const MIP_SUMS *Sums)
{
    ULONG i;

    MipPrintHead("Protect Summary");
    for (i = 0; i < MIP_PROTECTIONS; i++) {
        ULONG Bits = Sums->Protections[i].Bits;
        const char *Name = MiProtectBitName(Bits & 0xFFu);

        MipPrintRow(Sums, &Sums->Protections[i], *Name != 0 ? Name : "<other>",
                    MiProtectBitName(Bits & ~0xFFu), TRUE);
    }
}

static void MipPrintLargest(const MIP_SUMS *Sums)
{
    ULONG i;

    MiPrint("\n--- Largest Region by Usage ------ Base Address -------- Region Size\n");
    for (i = 0; i < MiUsages; i++) {
        if (Sums->Usages[i].Regions != 0) {
            MiPrint("%-38s %8x ", MiRegionUsageName((MI_REGION_USAGE)i),
                    (ULONG)Sums->Usages[i].LargestVa);
            MipPrintBytes(Sums->Usages[i].LargestPages);
            MiPrint("\n");
        }
    }
}

void MiPrintUserSummary(const MI_REGION_FILTER *Filter)
{
    MIP_SUMS Sums = {
        .Types = {{.Bits = MEM_IMAGE}, {.Bits = MEM_MAPPED}, {.Bits = MEM_PRIVATE}},
        .States = {{.Bits = MEM_FREE}, {.Bits = MEM_RESERVE}, {.Bits = MEM_COMMIT}},
    };

    MipGather(Filter, &Sums);
    MipPrintUsages(&Sums);
    MipPrintBits(&Sums, "Type Summary", Sums.Types, RTL_NUMBER_OF(Sums.Types));
    MipPrintBits(&Sums, "State Summary", Sums.States, RTL_NUMBER_OF(Sums.States));
    MipPrintProtections(&Sums);
    MipPrintLargest(&Sums);
}

/* SPDX-License-Identifier: MIT */
/*
 * lookaside_command.c - !lookaside: the look-aside lists and how often they could serve.
 */
#include "mm/inspect/commands.h"

#include "mm/pool/lookaside.h"
#include "mm/pool/pool.h"

typedef struct _MIP_LOOKASIDES {
    ULONG_PTR Wanted; /* 0: all */
    ULONG Printed;
} MIP_LOOKASIDES;

/* => Returns the percentage of Total that were no Misses; nothing happened: 0. */
static ULONG MipHitRate(ULONG Total, ULONG Misses)
{
    return Total == 0 || Misses > Total ? 0 : (ULONG)((ULONG64)(Total - Misses) * 100 / Total);
}

static void MipPrintLookaside(PVOID Context, const GENERAL_LOOKASIDE *L)
{
    MIP_LOOKASIDES *Lookasides = Context;

    if (Lookasides->Wanted != 0 && Lookasides->Wanted != (ULONG_PTR)L) {
        return;
    }
    MiPrint("Lookaside @ %08X  \"%s\"\n", (ULONG)(ULONG_PTR)L, MiPoolTagText(L->Tag).Text);
    MiPrint("    Type     =     %04x %s\n", L->Type,
            (L->Type & PagedPool) != 0 ? "PagedPool" : "NonPagedPool");
    MiPrint("    Current Depth  = %8u   Max Depth  = %8u\n", L->ListHead.Depth, L->Depth);
    MiPrint("    Size           = %8u   Max Alloc  = %8u\n", L->Size, L->Size * L->Depth);
    MiPrint("    AllocateMisses = %8u   FreeMisses = %8u\n", L->AllocateMisses, L->FreeMisses);
    MiPrint("    TotalAllocates = %8u   TotalFrees = %8u\n", L->TotalAllocates, L->TotalFrees);
    MiPrint("    Hit Rate       = %7u%%   Hit Rate   = %7u%%\n",
            MipHitRate(L->TotalAllocates, L->AllocateMisses),
            MipHitRate(L->TotalFrees, L->FreeMisses));
    Lookasides->Printed++;
}

void MiCommandLookaside(const char *Arguments)
{
    MIP_LOOKASIDES Lookasides = {0, 0};

    if (!MiTakeOptional(&Arguments, 0, &Lookasides.Wanted)) {
        return;
    }
    MiForEachLookaside(NonPagedPool, MipPrintLookaside, &Lookasides);
    MiForEachLookaside(PagedPool, MipPrintLookaside, &Lookasides);
    if (Lookasides.Printed == 0 && Lookasides.Wanted == 0) {
        MiPrint("There are no look-aside lists\n");
    } else if (Lookasides.Printed == 0) {
        MiFail("%08X is no look-aside list.", (ULONG)Lookasides.Wanted);
    }
}

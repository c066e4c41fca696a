/* SPDX-License-Identifier: MIT */
/*
 * pool_used_command.c - !poolused: what each tag allocated and freed.
 *
 * The counts are copied first: each line and the total are of one moment, Diff is Allocs - Frees,
 * and the total is the sum of the lines that are shown.
 */
#include "mm/inspect/commands.h"

#include "mm/pool/pool.h"
#include "rtl.h"

#define MIP_VERBOSE     1u
#define MIP_BY_NONPAGED 2u
#define MIP_BY_PAGED    4u
#define MIP_SESSION     8u
#define MIP_ALL_FLAGS   0xFu

/* One command at a time: the monitor has one thread. */
static MI_POOL_TAG MipTags[MI_POOL_TAGS];

typedef struct _MIP_SELECTION {
    MI_TAG_PATTERN Pattern;
    ULONG Flags;
    ULONG Count;
} MIP_SELECTION;

static BOOLEAN MipSelect(PVOID Context, const MI_POOL_TAG *Tag)
{
    MIP_SELECTION *Selection = Context;

    if (MiTagMatches(&Selection->Pattern, Tag->Tag)) {
        MipTags[Selection->Count++] = *Tag;
    }
    return TRUE;
}

/* => Returns whether A comes in front of B: the larger use, else the smaller tag as text. */
static BOOLEAN MipPrecedes(const MI_POOL_TAG *A, const MI_POOL_TAG *B, ULONG Flags)
{
    POOL_TYPE By = (Flags & MIP_BY_PAGED) != 0 ? PagedPool : NonPagedPool;

    if ((Flags & (MIP_BY_PAGED | MIP_BY_NONPAGED)) != 0 && A->Use[By].Bytes != B->Use[By].Bytes) {
        return A->Use[By].Bytes > B->Use[By].Bytes;
    }
    return memcmp(&A->Tag, &B->Tag, sizeof(A->Tag)) < 0;
}

static void MipSort(const MIP_SELECTION *Selection)
{
    ULONG Index;

    for (Index = 1; Index < Selection->Count; Index++) {
        MI_POOL_TAG Tag = MipTags[Index];
        ULONG Place = Index;

        while (Place > 0 && MipPrecedes(&Tag, &MipTags[Place - 1], Selection->Flags)) {
            MipTags[Place] = MipTags[Place - 1];
            Place--;
        }
        MipTags[Place] = Tag;
    }
}

static void MipPrintUse(const MI_POOL_USE *Use, ULONG Flags)
{
    if ((Flags & MIP_VERBOSE) != 0) {
        MiPrint(" %8u %8u %6u %9u", Use->Allocs, Use->Frees, Use->Allocs - Use->Frees,
                (ULONG)Use->Bytes);
    } else {
        MiPrint(" %9u %10u", Use->Allocs, (ULONG)Use->Bytes);
    }
}

static void MipPrintTag(const char *Name, const MI_POOL_TAG *Tag, const char *Owner, ULONG Flags)
{
    MiPrint(" %-5s", Name);
    MipPrintUse(&Tag->Use[NonPagedPool], Flags);
    MipPrintUse(&Tag->Use[PagedPool], Flags);
    MiPrint("%s%s\n", Owner[0] != 0 ? "  " : "", Owner);
}

static void MipPrintHeading(ULONG Flags)
{
    if ((Flags & (MIP_BY_PAGED | MIP_BY_NONPAGED)) != 0) {
        MiPrint("   Sorting by %s Pool Consumed\n",
                (Flags & MIP_BY_PAGED) != 0 ? "Paged" : "NonPaged");
    }
    if ((Flags & MIP_VERBOSE) != 0) {
        MiPrint("       %-35s %s\n", "NonPaged", "Paged");
        MiPrint(" Tag     Allocs    Frees   Diff      Used   Allocs    Frees   Diff      Used\n");
    } else {
        MiPrint("       %-20s %s\n", "NonPaged", "Paged");
        MiPrint(" Tag      Allocs       Used    Allocs       Used\n");
    }
}

static void MipAdd(MI_POOL_USE *Sum, const MI_POOL_USE *Use)
{
    Sum->Allocs += Use->Allocs;
    Sum->Frees += Use->Frees;
    Sum->Bytes += Use->Bytes;
}

static void MipPrintAll(const MIP_SELECTION *Selection)
{
    MI_POOL_TAG Total = {0};
    ULONG Index;

    MipPrintHeading(Selection->Flags);
    for (Index = 0; Index < Selection->Count; Index++) {
        const MI_POOL_TAG *Tag = &MipTags[Index];

        MipPrintTag(MiPoolTagText(Tag->Tag).Text, Tag, MiPoolTagOwner(Tag->Tag), Selection->Flags);
        MipAdd(&Total.Use[NonPagedPool], &Tag->Use[NonPagedPool]);
        MipAdd(&Total.Use[PagedPool], &Tag->Use[PagedPool]);
    }
    MipPrintTag("TOTAL", &Total, "", Selection->Flags);
}

void MiCommandPoolUsed(const char *Arguments)
{
    MIP_SELECTION Selection = {.Count = 0};
    ULONG_PTR Flags;

    if (!MiCommandNeedsPools() || !MiTakeOptional(&Arguments, 0, &Flags)) {
        return;
    }
    if ((Flags & ~(ULONG_PTR)MIP_ALL_FLAGS) != 0 ||
        (Flags & (MIP_BY_NONPAGED | MIP_BY_PAGED)) == (MIP_BY_NONPAGED | MIP_BY_PAGED)) {
        MiFail("Flags: 1 verbose, 2 sort by nonpaged or 4 by paged use, 8 session pool.");
        return;
    }
    if ((Flags & MIP_SESSION) != 0) {
        MiFail("Session pool is not listed by tag: !sprocess has its sums.");
        return;
    }
    if (!MiTakeTag(&Arguments, &Selection.Pattern)) {
        return;
    }
    Selection.Flags = (ULONG)Flags;
    MiForEachPoolTag(MipSelect, &Selection);
    MipSort(&Selection);
    MipPrintAll(&Selection);
}

/* SPDX-License-Identifier: MIT */
/*
 * ws_verify.c - MiVerifyWorkingSet: a list, checked without the help of those who keep it.
 */
#include "arch/mmu.h"
#include "mm/ws/list_memory.h"

typedef struct _MIP_COUNTS {
    ULONG Valid;
    ULONG Locked;
    ULONG Hashed;
} MIP_COUNTS, *PMIP_COUNTS;

/* W2 */
static void MipVerifyEntry(const MMWSL *List, ULONG Index, PMIP_COUNTS Counts)
{
    MMWSLE Entry = List->Wsle[Index];
    ULONG_PTR Va = Entry.Long & MI_WSLE_VPN;
    MMPTE Pte = {.Long = 0};
    BOOLEAN Found = FALSE;

    if (MiReadPte(MiGetPdeAddress(Va)).Hard.Valid) {
        Pte = MiReadPte(MiGetPteAddress(Va));
    }
    if (Pte.Hard.Valid && MiIsRamFrame(Pte.Hard.PageFrameNumber)) {
        Found = Entry.e1.Hashed ? MiFindHashedWsle(List, Va) == Index
                                : MI_PFN(Pte.Hard.PageFrameNumber)->u1.WsIndex == Index;
    }
    if (!Found || Entry.e1.Hashed == Entry.e1.Direct || Index > List->LastEntry) {
        MiBadWsle(List, Index);
    }
    Counts->Valid++;
    Counts->Locked += (Entry.Long & MI_WSLE_LOCKED) != 0;
    Counts->Hashed += Entry.e1.Hashed;
}

/* W1: a chain that ends has no entry twice. */
static void MipVerifyFree(const MMWSL *List, ULONG Free)
{
    ULONG Index = List->FirstFree;
    ULONG Seen;

    for (Seen = 0; Index != MI_NO_WSLE; Seen++) {
        if (Index > List->LastInitializedWsle || List->Wsle[Index].e1.Valid || Seen == Free) {
            MiBadWsle(List, Index);
        }
        Index = List->Wsle[Index].Long >> MI_WSLE_NEXT_SHIFT;
    }
    MI_ASSERT(Seen == Free);
}

void MiVerifyWorkingSet(const MMSUPPORT *WorkingSet)
{
    const MMWSL *List = WorkingSet->VmWorkingSetList;
    MIP_COUNTS Counts = {0};
    ULONG Index;

    MI_ASSERT(List->LastInitializedWsle <= List->HighestPermittedWsle &&
              List->LastEntry <= List->LastInitializedWsle);
    for (Index = 0; Index <= List->LastInitializedWsle; Index++) {
        if (List->Wsle[Index].e1.Valid) {
            MipVerifyEntry(List, Index, &Counts);
        }
    }
    MI_ASSERT(Counts.Valid == WorkingSet->WorkingSetSize &&
              Counts.Valid <= WorkingSet->PeakWorkingSetSize);
    MI_ASSERT(Counts.Locked == WorkingSet->LockedPages); /* W3 */
    MipVerifyFree(List, List->LastInitializedWsle + 1 - Counts.Valid);
    MiVerifyWsleHash(List, Counts.Hashed);
}

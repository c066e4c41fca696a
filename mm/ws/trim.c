/* SPDX-License-Identifier: MIT */
/*
 * trim.c - walks over a working set: ageing, and taking pages out.
 *
 * Both go on where they stopped, so that each page's turn comes, and look at an entry once a call
 * at most, so that no call is longer than the list.
 *
 * Locking: the working set's mutex; MiPfnLock for each change of a PTE, so that the processor does
 * not set Dirty in between.
 */
#include "arch/mmu.h"
#include "mm/ws/wsle.h"

/* => Slot; or, behind the last entry, the first one: then what is unused at the end is cut off. */
static ULONG MipWrap(PMMWSL List, ULONG Slot)
{
    if (Slot <= List->LastEntry) {
        return Slot;
    }
    while (List->LastEntry != 0 && !List->Wsle[List->LastEntry].e1.Valid) {
        List->LastEntry--;
    }
    return List->FirstDynamic;
}

/* ---- trim ---- */

static ULONG_PTR MipVaOf(MMWSLE Entry)
{
    return Entry.Long & MI_WSLE_VPN;
}

static BOOLEAN MipMayGo(MMWSLE Entry, ULONG LeastAge)
{
    if ((Entry.Long & (MI_WSLE_VALID | MI_WSLE_LOCKED)) != MI_WSLE_VALID) {
        return FALSE;
    }
    return LeastAge == 0 ||
           (Entry.e1.Age >= LeastAge && !MiReadPte(MiGetPteAddress(MipVaOf(Entry))).Hard.Accessed);
}

ULONG MiTrimWorkingSet(PMMSUPPORT WorkingSet, ULONG Pages, ULONG LeastAge)
{
    PMMWSL List = WorkingSet->VmWorkingSetList;
    ULONG Entries = List->LastEntry + 1;
    ULONG Left = 0;
    ULONG Seen;

    for (Seen = 0; Seen < Entries && Left < Pages; Seen++) {
        ULONG Slot = MipWrap(List, List->NextSlot);
        MMWSLE Entry = List->Wsle[Slot];

        List->NextSlot = Slot + 1;
        if (MipMayGo(Entry, LeastAge)) {
            Left += WorkingSet->TrimPage(WorkingSet, MipVaOf(Entry));
        }
    }
    return Left;
}

/* ---- age ---- */

/* => Whether the page had been accessed; it counts as not accessed from now on. */
static BOOLEAN MipTakeAccessed(ULONG_PTR Va)
{
    PMMPTE Pte = MiGetPteAddress(Va);
    MMPTE Entry;
    KIRQL OldIrql;

    if (!MiReadPte(Pte).Hard.Accessed) {
        return FALSE;
    }
    OldIrql = MiLockPfn();
    Entry = MiReadPte(Pte);
    Entry.Hard.Accessed = 0;
    MiWritePte(Pte, Entry);
    KeFlushSingleTb(Va);
    MiUnlockPfn(OldIrql);
    return TRUE;
}

/* => Whether it is a page that had not been accessed. */
static BOOLEAN MipAge(PMMWSLE Entry)
{
    if (!Entry->e1.Valid) {
        return FALSE;
    }
    if (MipTakeAccessed(MipVaOf(*Entry))) {
        Entry->e1.Age = 0;
        return FALSE;
    }
    if (Entry->e1.Age < MI_OLDEST) {
        Entry->e1.Age++;
    }
    return TRUE;
}

ULONG MiAgeWorkingSet(PMMSUPPORT WorkingSet, ULONG Entries)
{
    PMMWSL List = WorkingSet->VmWorkingSetList;
    ULONG Most = List->LastEntry + 1;
    ULONG Unused = 0;
    ULONG Seen;

    for (Seen = 0; Seen < Entries && Seen < Most; Seen++) {
        ULONG Slot = MipWrap(List, WorkingSet->NextAgingSlot);

        WorkingSet->NextAgingSlot = Slot + 1;
        Unused += MipAge(List->Wsle + Slot);
    }
    return Unused;
}

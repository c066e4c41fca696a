/* SPDX-License-Identifier: MIT */
/*
 * walk.c - the page walk of a 32-bit x86 processor (Intel SDM volume 3, 4.3 and 4.6-4.8).
 *
 * CR0.WP, CR4.PSE and CR4.PGE are on.  The processor keeps no directory entries of its own: a
 * stale directory entry is only seen through the translations that were made from it.
 */
#include "tests/host/machine_i.h"

/* What the two levels say about an address. */
typedef struct _HOST_WALK {
    PMMPTE Pde;    /* host aliases */
    PMMPTE Pte;    /* NULL: a large page */
    BOOLEAN Write; /* the rights that both levels grant */
    BOOLEAN Owner;
    HOST_WALK_RESULT Result;
    ULONG FaultBits; /* HOST_FAULT_PRESENT, HOST_FAULT_RESERVED */
} HOST_WALK;

static HOST_WALK Fail(HOST_WALK Walk, HOST_WALK_RESULT Result, ULONG FaultBits)
{
    Walk.Result = Result;
    Walk.FaultBits = FaultBits;
    return Walk;
}

static HOST_WALK Grant(HOST_WALK Walk, BOOLEAN Write, BOOLEAN Owner)
{
    Walk.Write = Write;
    Walk.Owner = Owner;
    Walk.Result = HostWalkTranslated;
    return Walk;
}

/* Follows the tables without a trace in them. */
static HOST_WALK WalkTables(ULONG_PTR Va)
{
    HOST_WALK Walk = {0};
    MMPTE Pde;
    MMPTE Pte;

    Walk.Pde = (PMMPTE)HostFrame(KiCurrentDirectoryFrame()) + (Va >> PDI_SHIFT);
    Pde = MiReadPte(Walk.Pde);
    if (!Pde.Hard.Valid) {
        return Fail(Walk, HostWalkFault, 0);
    }
    if (Pde.Hard.LargePage) {
        if (Pde.Large.Zero || Pde.Large.FrameHigh != 0) { /* no memory above 4 GB: reserved */
            return Fail(Walk, HostWalkFault, HOST_FAULT_PRESENT | HOST_FAULT_RESERVED);
        }
        return Grant(Walk, Pde.Hard.Write, Pde.Hard.Owner);
    }
    if (Pde.Hard.PageFrameNumber >= HostpFrameCount()) {
        return Fail(Walk, HostWalkMachineCheck, 0);
    }
    Walk.Pte = (PMMPTE)HostFrame(Pde.Hard.PageFrameNumber) + ((Va >> PTI_SHIFT) % PTE_PER_PAGE);
    Pte = MiReadPte(Walk.Pte);
    if (!Pte.Hard.Valid) {
        return Fail(Walk, HostWalkFault, 0);
    }
    return Grant(Walk, Pde.Hard.Write && Pte.Hard.Write, Pde.Hard.Owner && Pte.Hard.Owner);
}

/* The entry whose Dirty and Global bits count. */
static PMMPTE LeafEntry(const HOST_WALK *Walk)
{
    return Walk->Pte == NULL ? Walk->Pde : Walk->Pte;
}

static PFN_NUMBER LeafFrame(const HOST_WALK *Walk, ULONG_PTR Va)
{
    MMPTE Leaf = MiReadPte(LeafEntry(Walk));

    if (Walk->Pte == NULL) {
        return ROUND_DOWN(Leaf.Hard.PageFrameNumber, PTE_PER_PAGE) +
               (Va >> PTI_SHIFT) % PTE_PER_PAGE;
    }
    return Leaf.Hard.PageFrameNumber;
}

static void SetAccessedAndDirty(const HOST_WALK *Walk, BOOLEAN Write)
{
    MMPTE Entry = MiReadPte(Walk->Pde);

    Entry.Hard.Accessed = 1;
    MiWritePte(Walk->Pde, Entry);
    Entry = MiReadPte(LeafEntry(Walk)); /* on the self-map it may be the same entry */
    Entry.Hard.Accessed = 1;
    if (Write) {
        Entry.Hard.Dirty = 1;
    }
    MiWritePte(LeafEntry(Walk), Entry);
}

static void CacheTranslation(const HOST_WALK *Walk, ULONG_PTR Va, PFN_NUMBER Frame)
{
    MMPTE Leaf = MiReadPte(LeafEntry(Walk));
    HOST_TRANSLATION Translation;

    Translation.Va = ROUND_DOWN(Va, PAGE_SIZE);
    Translation.Frame = Frame;
    Translation.Write = Walk->Write && Leaf.Hard.Dirty;
    Translation.Owner = Walk->Owner;
    Translation.Global = Leaf.Hard.Global;
    Translation.Large = Walk->Pte == NULL;
    HostpTlbInsert(&Translation);
}

HOST_WALK_RESULT HostpFillTlb(ULONG_PTR Va, PULONG ErrorCode)
{
    BOOLEAN Write = (*ErrorCode & HOST_FAULT_WRITE) != 0;
    HOST_WALK Walk = WalkTables(Va);
    PFN_NUMBER Frame;

    if (Walk.Result == HostWalkTranslated &&
        ((Write && !Walk.Write) || ((*ErrorCode & HOST_FAULT_USER) != 0 && !Walk.Owner))) {
        Walk = Fail(Walk, HostWalkFault, HOST_FAULT_PRESENT);
    }
    if (Walk.Result != HostWalkTranslated) {
        HostpTlbDrop(Va); /* as the processor does on a page fault */
        *ErrorCode |= Walk.FaultBits;
        return Walk.Result;
    }
    Frame = LeafFrame(&Walk, Va);
    if (Frame >= HostpFrameCount() || !HostpIsMappable(Va)) {
        return HostWalkMachineCheck;
    }
    SetAccessedAndDirty(&Walk, Write);
    CacheTranslation(&Walk, Va, Frame);
    return HostWalkTranslated;
}

BOOLEAN HostpIsTranslationCurrent(const HOST_TRANSLATION *Translation)
{
    HOST_WALK Walk = WalkTables(Translation->Va);
    MMPTE Leaf;

    if (Walk.Result != HostWalkTranslated) {
        return FALSE;
    }
    Leaf = MiReadPte(LeafEntry(&Walk));
    return LeafFrame(&Walk, Translation->Va) == Translation->Frame && Leaf.Hard.Accessed &&
           (!Translation->Write || (Walk.Write && Leaf.Hard.Dirty)) &&
           (!Translation->Owner || Walk.Owner);
}

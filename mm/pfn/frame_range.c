/* SPDX-License-Identifier: MIT */
/*
 * frame_range.c - frames that must lie somewhere: contiguous, or in a range of addresses.
 *
 * These walk the database and the lists under the lock.  That is long; but they are rare, drivers
 * are told to call them early, and the lists of free frames need no links backwards for them.
 */
#include "mm/pfn/frame.h"

#include "mm/pfn/pfn_list.h"

static BOOLEAN MipIsAvailable(PFN_NUMBER Frame)
{
    return MI_PFN(Frame)->u3.e1.PageLocation <= StandbyPageList;
}

/* => Returns the highest frame of [First, Last] that cannot be had; MI_NO_FRAME: all can. */
static PFN_NUMBER MipFindBlocker(PFN_NUMBER First, PFN_NUMBER Last)
{
    PFN_NUMBER Frame;

    for (Frame = Last + 1; Frame-- > First;) {
        if (!MipIsAvailable(Frame)) {
            return Frame;
        }
    }
    return MI_NO_FRAME;
}

/* => Pages >= 1.  Returns the first frame of the highest run that will do, or MI_NO_FRAME. */
static PFN_NUMBER MipFindRun(ULONG Pages, PFN_NUMBER Lowest, PFN_NUMBER Last, ULONG BoundaryPages)
{
    while (Last >= Lowest && Last - Lowest >= Pages - 1) {
        PFN_NUMBER First = Last - (Pages - 1);
        PFN_NUMBER Blocker;

        if (BoundaryPages != 0 && First / BoundaryPages != Last / BoundaryPages) {
            Last = ROUND_DOWN(Last, BoundaryPages) - 1;
            continue;
        }
        Blocker = MipFindBlocker(First, Last);
        if (Blocker == MI_NO_FRAME) {
            return First;
        }
        if (Blocker == 0) {
            break;
        }
        Last = Blocker - 1;
    }
    return MI_NO_FRAME;
}

/* => All frames are available: L5. */
static void MipTakeRun(PFN_NUMBER First, ULONG Pages) NT_HOLDS(MiPfnLock)
{
    ULONG Taken = 0;
    ULONG List;

    for (List = ZeroedPageList; List <= StandbyPageList; List++) {
        Taken +=
            MiRemoveFramesInRange((MMLISTS)List, First, First + (Pages - 1), Pages - Taken, NULL);
    }
    MI_ASSERT(Taken == Pages);
}

NTSTATUS MiAllocateContiguousFrames(ULONG Pages, PFN_NUMBER Lowest, PFN_NUMBER Highest,
                                    ULONG BoundaryPages, PPFN_NUMBER First)
{
    PFN_NUMBER Run;
    KIRQL OldIrql;

    if (Pages == 0 || Lowest > Highest || (BoundaryPages & (BoundaryPages - 1)) != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if (MiInjectFrameFailure() || (BoundaryPages != 0 && Pages > BoundaryPages)) {
        return STATUS_NO_MEMORY;
    }
    OldIrql = MiLockPfn();
    Run = MipFindRun(Pages, Lowest, Highest < MiHighestFrame ? Highest : MiHighestFrame,
                     BoundaryPages);
    if (Run != MI_NO_FRAME) {
        MipTakeRun(Run, Pages);
    }
    MiUnlockPfn(OldIrql);
    if (Run == MI_NO_FRAME) {
        return STATUS_NO_MEMORY;
    }
    *First = Run;
    return STATUS_SUCCESS;
}

void MiFreeContiguousFrames(PFN_NUMBER First, ULONG Pages)
{
    ULONG Page;

    for (Page = 0; Page < Pages; Page++) {
        MiFreeFrame(First + Page);
    }
}

NTSTATUS MiAllocateFramesInRange(MI_FRAME_WANTED Wanted, PFN_NUMBER Lowest, PFN_NUMBER Highest,
                                 ULONG Pages, PPFN_NUMBER Frames, PULONG Allocated)
{
    MMLISTS Wished = (MMLISTS)Wanted;
    MMLISTS Other = Wanted == MiFrameZeroed ? FreePageList : ZeroedPageList;
    ULONG AsWanted;
    ULONG Taken;
    KIRQL OldIrql;
    ULONG Index;

    if (Pages == 0 || Lowest > Highest) {
        return STATUS_INVALID_PARAMETER;
    }
    if (MiInjectFrameFailure()) {
        return STATUS_NO_MEMORY;
    }
    OldIrql = MiLockPfn();
    AsWanted = MiRemoveFramesInRange(Wished, Lowest, Highest, Pages, Frames);
    Taken = AsWanted;
    Taken += MiRemoveFramesInRange(Other, Lowest, Highest, Pages - Taken, Frames + Taken);
    Taken += MiRemoveFramesInRange(StandbyPageList, Lowest, Highest, Pages - Taken, Frames + Taken);
    MiUnlockPfn(OldIrql);
    for (Index = AsWanted; Wanted == MiFrameZeroed && Index < Taken; Index++) {
        MiZeroFrameRoutine(Frames[Index]);
    }
    if (Taken == 0) {
        return STATUS_NO_MEMORY;
    }
    *Allocated = Taken;
    return STATUS_SUCCESS;
}

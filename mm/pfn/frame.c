/* SPDX-License-Identifier: MIT */
/*
 * frame.c - one frame from the lists, and back: the kernel's most frequent need of memory.
 */
#include "mm/pfn/frame.h"

#include "mm/pfn/free_list.h"

ULONG MiFailFrameAllocation;

/*
 * The colour that was wanted is used up: any colour of the list, then the other list, then standby.
 *
 * => Releases MiPfnLock, to OldIrql.
 */
static __attribute__((noinline)) NTSTATUS MipAllocateElsewhere(MMLISTS Wanted, ULONG Color,
                                                               PPFN_NUMBER Frame, KIRQL OldIrql)
    NT_RELEASES(MiPfnLock)
{
    MMLISTS Other = Wanted == ZeroedPageList ? FreePageList : ZeroedPageList;
    PFN_NUMBER Taken = MiRemoveFreeFrame(Wanted, Color);
    BOOLEAN Zero = FALSE;

    if (Taken == MI_NO_FRAME) {
        Taken = MiRemoveFreeFrame(Other, Color);
        Zero = Wanted == ZeroedPageList;
    }
    if (Taken == MI_NO_FRAME) {
        Taken = MiRemoveStandbyFrame();
    }
    MiUnlockPfn(OldIrql);
    if (Taken == MI_NO_FRAME) {
        return STATUS_NO_MEMORY;
    }
    if (Zero) {
        MiZeroFrameRoutine(Taken);
    }
    *Frame = Taken;
    return STATUS_SUCCESS;
}

NTSTATUS FASTCALL MiAllocateFrame(MI_FRAME_WANTED Wanted, ULONG Color, PPFN_NUMBER Frame)
{
    PPFN_NUMBER Head;
    PFN_NUMBER Taken;
    KIRQL OldIrql;

    if (MiInjectFrameFailure()) {
        return STATUS_NO_MEMORY;
    }
    OldIrql = MiLockPfn();
    Head = MiFreeListHead((MMLISTS)Wanted, Color);
    Taken = *Head;
    if (Taken > MiHighestFrame) { /* the end, or damage: the rare cases in one test */
        return MipAllocateElsewhere((MMLISTS)Wanted, Color, Frame, OldIrql);
    }
    MiPopFreeFrame((MMLISTS)Wanted, Head, Taken);
    MiUnlockPfn(OldIrql);
    *Frame = Taken;
    return STATUS_SUCCESS;
}

void FASTCALL MiFreeFrame(PFN_NUMBER Frame)
{
    KIRQL OldIrql = MiLockPfn();

    MiPushFreeFrame(FreePageList, Frame);
    MiUnlockPfn(OldIrql);
}

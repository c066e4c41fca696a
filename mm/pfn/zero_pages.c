/* SPDX-License-Identifier: MIT */
/*
 * zero_pages.c - moving free frames to the zeroed list.
 *
 * While a frame is being zeroed it is Active: nobody else can get it, and the lock is free.
 */
#include "mm/pfn/zero_pages.h"

#include "mm/pfn/pfn_list.h"

ULONG MiFramesBeingZeroed;

/* => Returns FALSE when no frame is free. */
static BOOLEAN MipZeroOneFrame(void) NT_NOT_HOLDING(MiPfnLock)
{
    KIRQL OldIrql = MiLockPfn();
    PFN_NUMBER Frame = MiRemoveFreeFrame(FreePageList, MiNextPageColor());

    MiFramesBeingZeroed += Frame != MI_NO_FRAME;
    MiUnlockPfn(OldIrql);
    if (Frame == MI_NO_FRAME) {
        return FALSE;
    }
    MiZeroFrameRoutine(Frame);
    OldIrql = MiLockPfn();
    MiInsertFreeFrame(ZeroedPageList, Frame);
    MiFramesBeingZeroed--;
    MiUnlockPfn(OldIrql);
    return TRUE;
}

ULONG MiZeroFreePages(ULONG Most)
{
    ULONG Zeroed = 0;

    while (Zeroed < Most && MipZeroOneFrame()) {
        Zeroed++;
    }
    return Zeroed;
}

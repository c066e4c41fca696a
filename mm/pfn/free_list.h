/* SPDX-License-Identifier: MIT */
/*
 * free_list.h - the inline half of pfn_list.c: one frame off its stack, and back.
 *
 * This is what MiAllocateFrame and MiFreeFrame cost.  Everything unusual is out of line.
 */
#ifndef MM_PFN_FREE_LIST_H
#define MM_PFN_FREE_LIST_H

#include "mm/pfn/memory_events.h"
#include "mm/pfn/pfn_list.h"

#define MI_PFN_STATE(List) ((ULONG)(List) << MI_PFN_LOCATION_SHIFT)
#define MI_PFN_IN_PROGRESS (MI_PFN_READ_IN_PROGRESS | MI_PFN_WRITE_IN_PROGRESS)

/* What no change of owner changes. */
#define MI_PFN_KEPT (MI_PFN_PAGE_COLOR | MI_PFN_REMOVAL_REQUESTED)

/* The part of u3 that must be MI_PFN_UNUSED in a frame that is freed without further ado. */
#define MI_PFN_USE                                                                                 \
    (MI_PFN_REFERENCES | MI_PFN_PAGE_LOCATION | MI_PFN_REMOVAL_REQUESTED | MI_PFN_IN_PROGRESS)
#define MI_PFN_UNUSED (MI_PFN_STATE(ActiveAndValid) | MI_PFN_ONE_REFERENCE)

/* 0x4E, 2. */
NT_NORETURN void MiBadListEntry(PFN_NUMBER Frame);

/*
 * A frame that is not simply the caller's: it remembers a PTE, comes from Transition, its removal
 * was requested, or it must not be freed at all (bug check).
 *
 * => Returns FALSE when Frame went to the bad list; else it remembers no PTE and has one share.
 */
BOOLEAN MiPrepareFree(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock);

/* => The entry of a frame that is in State, held by nobody; else 0x4E, 2. */
static inline PMMPFN MiFindUnheldEntry(PFN_NUMBER Frame, MMLISTS State)
{
    PMMPFN Pfn = MI_PFN(Frame);

    if (Frame > MiHighestFrame ||
        (Pfn->u3.Long & (MI_PFN_REFERENCES | MI_PFN_PAGE_LOCATION)) != MI_PFN_STATE(State)) {
        MiBadListEntry(Frame);
    }
    return Pfn;
}

static inline void MiSetPageState(PMMPFN Pfn, MMLISTS State)
{
    Pfn->u3.Long = (Pfn->u3.Long & ~MI_PFN_PAGE_LOCATION) | MI_PFN_STATE(State);
}

/* What an allocated frame looks like.  => It remembers no PTE. */
static inline void MiMakeFrameActive(PMMPFN Pfn)
{
    Pfn->u3.Long = (Pfn->u3.Long & MI_PFN_KEPT) | MI_PFN_UNUSED;
    Pfn->u2.ShareCount = 1;
}

static inline void MiCountAvailable(MMLISTS State) NT_HOLDS(MiPfnLock)
{
    MiPageCounts[State]++;
    MiAvailablePages++;
    if (MiAvailablePages >= MiMemoryWatch.UpperBorder) {
        MiCrossMemoryBorder();
    }
}

static inline void MiCountUnavailable(MMLISTS State) NT_HOLDS(MiPfnLock)
{
    MiPageCounts[State]--;
    MiAvailablePages--;
    if (MiAvailablePages < MiMemoryWatch.LowerBorder) {
        MiCrossMemoryBorder();
    }
}

static inline PPFN_NUMBER MiFreeListHead(MMLISTS List, ULONG Color) NT_HOLDS(MiPfnLock)
{
    return &MiFreeListHeads[List][Color & MiColorMask];
}

/* Frame is the first of its stack and becomes Active: colour and share are there already (L3). */
static inline void MiPopFreeFrame(MMLISTS List, PPFN_NUMBER Head, PFN_NUMBER Frame)
    NT_HOLDS(MiPfnLock)
{
    PMMPFN Pfn = MI_PFN(Frame);
    ULONG Flags = Pfn->u3.Long - MI_PFN_STATE(List);

    if ((Flags & ~MI_PFN_PAGE_COLOR) != 0) { /* L2, L3 */
        MiBadListEntry(Frame);
    }
    *Head = Pfn->u1.Flink;
    Pfn->u3.Long = Flags + MI_PFN_UNUSED;
    MiCountUnavailable(List);
}

/* => As MiInsertFreeFrame. */
static inline void MiPushFreeFrame(MMLISTS List, PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    PPFN_NUMBER Head = MiFreeListHead(List, Frame);
    PMMPFN Pfn = MI_PFN(Frame);

    if (Frame > MiHighestFrame) {
        MiBadListEntry(Frame);
    }
    if ((Pfn->u3.Long & MI_PFN_USE) != MI_PFN_UNUSED || Pfn->u2.ShareCount != 1 ||
        Pfn->u4.EntireFrame != MI_PFN_NO_PTE) {
        if (!MiPrepareFree(Frame)) {
            return;
        }
    }
    Pfn->u1.Flink = *Head;
    *Head = Frame;
    Pfn->PteAddress = NULL;
    Pfn->OriginalPte.Long = 0;
    Pfn->u3.Long = (Pfn->u3.Long & MI_PFN_PAGE_COLOR) | MI_PFN_STATE(List);
    MiCountAvailable(List);
}

#endif

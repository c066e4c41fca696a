/* SPDX-License-Identifier: MIT */
/*
 * pfn_verify.c - L1 to L8 of pfn_list.c, checked without their help.
 *
 * The lists are walked first: each frame on them is in the list's state, and so many are there as
 * the counters say.  Then the database is walked: as many entries are in each state.  Together:
 * every frame is on exactly one list, or held.
 */
#include "mm/pfn/pfn_inspect.h"

#include "nt/bugcodes.h"
#include "mm/pfn/pfn_database.h"

static NT_NORETURN void MipBadHead(const void *Head) NT_HOLDS(MiPfnLock)
{
    KeBugCheckEx(PFN_LIST_CORRUPT, 1, (ULONG_PTR)Head, MiAvailablePages, 0);
}

static NT_NORETURN void MipBadEntry(PFN_NUMBER Frame)
{
    ULONG References = Frame <= MiHighestFrame ? MI_PFN(Frame)->u3.e2.ReferenceCount : 0;

    KeBugCheckEx(PFN_LIST_CORRUPT, 2, Frame, MiHighestFrame, References);
}

/* L2 */
static const MMPFN *MipVerifyEntry(MMLISTS State, PFN_NUMBER Frame)
{
    const MMPFN *Pfn = MI_PFN(Frame);

    if (!MiIsRamFrame(Frame) || Pfn->u3.e1.PageLocation != State ||
        Pfn->u3.e2.ReferenceCount != 0 || Pfn->u3.e1.ReadInProgress || Pfn->u3.e1.WriteInProgress) {
        MipBadEntry(Frame);
    }
    return Pfn;
}

/* L3.  => Returns the length; more than MiHighestFrame frames are a circle. */
static ULONG MipVerifyColor(MMLISTS State, ULONG Color) NT_HOLDS(MiPfnLock)
{
    PFN_NUMBER Frame = MiFreeListHeads[State][Color];
    ULONG Count = 0;

    while (Frame != MI_NO_FRAME) {
        const MMPFN *Pfn;

        if (Frame > MiHighestFrame || Count > MiHighestFrame) {
            MipBadHead(&MiFreeListHeads[State][Color]);
        }
        Pfn = MipVerifyEntry(State, Frame);
        if (MI_FRAME_COLOR(Frame) != Color || Pfn->PteAddress != NULL ||
            Pfn->OriginalPte.Long != 0 || Pfn->u4.EntireFrame != MI_PFN_NO_PTE ||
            Pfn->u2.ShareCount != 1 ||
            (Pfn->u3.Long & ~(MI_PFN_PAGE_COLOR | MI_PFN_PAGE_LOCATION)) != 0) {
            MipBadEntry(Frame);
        }
        Frame = Pfn->u1.Flink;
        Count++;
    }
    return Count;
}

static ULONG MipVerifyColors(MMLISTS State) NT_HOLDS(MiPfnLock)
{
    ULONG Count = 0;
    ULONG Color;

    for (Color = 0; Color < MI_MAXIMUM_COLORS; Color++) {
        Count += MipVerifyColor(State, Color);
    }
    return Count;
}

/* L1 and L4.  => Returns the length. */
static ULONG MipVerifyList(const MMPFNLIST *List, ULONG Priority) NT_HOLDS(MiPfnLock)
{
    BOOLEAN Clean = List->ListName == StandbyPageList;
    PFN_NUMBER Before = MI_NO_FRAME;
    PFN_NUMBER Frame = List->Flink;
    ULONG Count = 0;

    while (Frame != MI_NO_FRAME) {
        const MMPFN *Pfn;

        if (Frame > MiHighestFrame || Count == List->Total) {
            MipBadHead(List);
        }
        Pfn = MipVerifyEntry(List->ListName, Frame);
        if (Pfn->u2.Blink != Before) {
            MipBadEntry(Frame);
        }
        if (List->ListName == ModifiedPageList &&
            MiIsFilePage(Pfn) != (List == &MiMappedModifiedList)) { /* L9 */
            MipBadEntry(Frame);
        }
        if ((Clean && Pfn->u4.Priority != Priority) || Pfn->u3.e1.Modified == Clean ||
            Pfn->PteAddress == NULL) {
            if (List->ListName != BadPageList) {
                MipBadEntry(Frame);
            }
        }
        Before = Frame;
        Frame = Pfn->u1.Flink;
        Count++;
    }
    if (Count != List->Total || List->Blink != Before) {
        MipBadHead(List);
    }
    return Count;
}

static void MipVerifyCount(MMLISTS State, ULONG Count) NT_HOLDS(MiPfnLock)
{
    if (Count != MiPageCounts[State]) {
        MipBadHead(&MiPageCounts[State]);
    }
}

static void MipVerifyLists(void) NT_HOLDS(MiPfnLock)
{
    ULONG Standby = 0;
    ULONG Priority;

    MipVerifyCount(ZeroedPageList, MipVerifyColors(ZeroedPageList));
    MipVerifyCount(FreePageList, MipVerifyColors(FreePageList));
    for (Priority = 0; Priority < MI_PRIORITIES; Priority++) {
        Standby += MipVerifyList(&MiStandbyLists[Priority], Priority);
    }
    MipVerifyCount(StandbyPageList, Standby);
    MipVerifyCount(ModifiedPageList,
                   MipVerifyList(&MiModifiedList, 0) + MipVerifyList(&MiMappedModifiedList, 0));
    MipVerifyCount(ModifiedNoWritePageList, MipVerifyList(&MiModifiedNoWriteList, 0));
    MipVerifyCount(BadPageList, MipVerifyList(&MiBadList, 0));
    if (MiAvailablePages != MiPageCounts[ZeroedPageList] + MiPageCounts[FreePageList] + Standby) {
        MipBadHead(&MiAvailablePages);
    }
}

/* L6 */
static BOOLEAN MipIsSoundHeldFrame(const MMPFN *Pfn)
{
    if (Pfn->u4.PteFrame == MI_PTE_FRAME_NOT_RAM) {
        return Pfn->u3.Long == (ULONG)ActiveAndValid << MI_PFN_LOCATION_SHIFT;
    }
    switch ((MMLISTS)Pfn->u3.e1.PageLocation) {
    case ActiveAndValid:
        return Pfn->u3.e2.ReferenceCount != 0 && Pfn->u2.ShareCount != 0;
    case TransitionPage:
        return Pfn->u3.e2.ReferenceCount != 0 && Pfn->u2.ShareCount == 0;
    case ZeroedPageList:
    case FreePageList:
    case StandbyPageList:
    case ModifiedPageList:
    case ModifiedNoWritePageList:
    case BadPageList:
        break; /* L2 was checked */
    }
    return TRUE;
}

/* L5 to L7 */
static void MipVerifyDatabase(void) NT_HOLDS(MiPfnLock)
{
    ULONG Counts[MI_PAGE_STATES] = {0};
    ULONG Ram = 0;
    PFN_NUMBER Frame;
    ULONG State;

    for (Frame = 0; Frame <= MiHighestFrame; Frame++) {
        const MMPFN *Pfn = MI_PFN(Frame);

        if (!MipIsSoundHeldFrame(Pfn)) {
            KeBugCheckEx(PFN_LIST_CORRUPT, 0x99, Frame, Pfn->u3.e1.PageLocation, 0);
        }
        Counts[Pfn->u3.e1.PageLocation]++;
        Ram += MiIsRamFrame(Frame);
    }
    for (State = 0; State < MI_PAGE_STATES; State++) {
        MipVerifyCount((MMLISTS)State, State == ActiveAndValid ? 0 : Counts[State]);
    }
    if (Ram != MiPhysicalPages) {
        MipBadHead(&MiPhysicalPages);
    }
}

/* L8 */
static void MipVerifyConditions(void) NT_HOLDS(MiPfnLock)
{
    ULONG Index;

    if (MiAvailablePages < MiMemoryWatch.LowerBorder ||
        MiAvailablePages >= MiMemoryWatch.UpperBorder) {
        MipBadHead(&MiMemoryWatch);
    }
    for (Index = 0; Index < MiMemoryConditions; Index++) {
        BOOLEAN Reached = MiAvailablePages >= MiMemoryWatch.Threshold[Index];

        if (MiMemoryWatch.Holds[Index] !=
            (MiIsShortage((MI_MEMORY_CONDITION)Index) ? !Reached : Reached)) {
            MipBadHead(&MiMemoryWatch.Holds[Index]);
        }
    }
}

void MiVerifyPageLists(void)
{
    KIRQL OldIrql = MiLockPfn();

    MipVerifyLists();
    MipVerifyDatabase();
    MipVerifyConditions();
    MiUnlockPfn(OldIrql);
}

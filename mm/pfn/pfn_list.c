/* SPDX-License-Identifier: MIT */
/*
 * pfn_list.c - the page lists and every legal change of a page's state.
 *
 * A frame is either held by somebody (Active, Transition) or on exactly one list.  This file, with
 * its inline half free_list.h, is the only writer of PageLocation, so the table below is the whole
 * truth; any other change is bug check
 * 0x4E, 99:
 *
 *     from              to                 by                      precondition
 *     (new entry)       Active, Free, Bad  MiInsertNewFrame
 *     Zeroed, Free      Active             MiRemoveFreeFrame, MiRemoveFramesInRange
 *     Standby           Active             MiRemoveStandbyFrame, MiRemoveFramesInRange
 *     Active            Zeroed, Free, Bad  MiInsertFreeFrame       one share, one reference, no I/O
 *     Transition        Free, Bad          MiInsertFreeFrame       no reference
 *     Transition        Standby, Modified, MiInsertPageInList      no reference
 *                       ModifiedNoWrite
 *     Standby, Modified, Transition        MiUnlinkPage
 *     ModifiedNoWrite
 *     Modified          ModifiedNoWrite    MiSetNoWrite, and back
 *     Active            Transition         MiBeginTransition       no share
 *     Transition        Active             MiEndTransition         no share yet
 *
 * A frame whose removal was requested goes to Bad instead of Free; Bad is final.
 *
 * Invariants (checked by MiVerifyPageLists whenever the lock is free):
 *   L1  walking Flink from a head visits Total frames and ends at Blink; every frame's Blink is the
 *       one before it.  Zeroed and free lists are stacks: no Total, no Blink
 *   L2  a frame on a list has the list's PageLocation, no reference and no I/O in progress
 *   L3  a zeroed or free frame is of its list's colour, has no other flag, remembers no PTE, and
 *       has the one share that its next owner finds
 *   L4  a standby frame is of its list's priority; it and a modified one remember a PTE
 *   L5  MiPageCounts is exact for every state but Active, MiAvailablePages for zeroed + free +
 *       standby: with L2, each frame is on one list only
 *   L6  an Active frame has a share and a reference, one in transition no share and a reference;
 *       a frame that is not RAM has none and is in no other state than Active
 *   L7  all frames that are RAM are MiPhysicalPages
 *   L8  MiAvailablePages lies within the borders of MiMemoryWatch, and its conditions are right
 *   L9  a modified frame is on MiMappedModifiedList if its page is a file's, else on MiModifiedList
 *
 * Locking: everything here runs under MiPfnLock, at DISPATCH_LEVEL.
 */
#include "mm/pfn/pfn_list.h"

#include "nt/bugcodes.h"
#include "mm/pfn/free_list.h"
#include "mm/pfn/memory_events.h"
#include "mm/pfn/pfn_database.h"
#include "mm/pfn/pfn_reference.h"

PMMPFN MiPfnDatabase;
PFN_NUMBER MiHighestFrame;
KSPIN_LOCK MiPfnLock;

PFN_NUMBER MiFreeListHeads[2][MI_MAXIMUM_COLORS];
MMPFNLIST MiStandbyLists[MI_PRIORITIES];
MMPFNLIST MiModifiedList;
MMPFNLIST MiMappedModifiedList;
MMPFNLIST MiModifiedNoWriteList;
MMPFNLIST MiBadList;
ULONG MiPageCounts[MI_PAGE_STATES];
ULONG MiAvailablePages;
ULONG MiRepurposedPages;

/* Who is told, by MI_MODIFIED_KIND. */
static MI_MANY_MODIFIED *MipManyModified[MiModifiedKinds];
static ULONG MipModifiedThreshold[MiModifiedKinds];
static MI_RESTORE_PTE *MipRestorePte; /* (I) */

/* ---- initialisation ---- */

static void MipInitializeList(PMMPFNLIST List, MMLISTS Name)
{
    List->Total = 0;
    List->ListName = Name;
    List->Flink = MI_NO_FRAME;
    List->Blink = MI_NO_FRAME;
}

void MiInitializePageLists(void)
{
    ULONG Index;

    for (Index = 0; Index < MI_MAXIMUM_COLORS; Index++) {
        MiFreeListHeads[ZeroedPageList][Index] = MI_NO_FRAME;
        MiFreeListHeads[FreePageList][Index] = MI_NO_FRAME;
    }
    for (Index = 0; Index < MI_PRIORITIES; Index++) {
        MipInitializeList(&MiStandbyLists[Index], StandbyPageList);
    }
    MipInitializeList(&MiModifiedList, ModifiedPageList);
    MipInitializeList(&MiMappedModifiedList, ModifiedPageList);
    MipInitializeList(&MiModifiedNoWriteList, ModifiedNoWritePageList);
    MipInitializeList(&MiBadList, BadPageList);
    for (Index = 0; Index < MI_PAGE_STATES; Index++) {
        MiPageCounts[Index] = 0;
    }
    MiAvailablePages = 0;
    MiRepurposedPages = 0;
    MipRestorePte = NULL;
    for (Index = 0; Index < MiModifiedKinds; Index++) {
        MipManyModified[Index] = NULL;
    }
}

void MiSetModifiedThreshold(MI_MODIFIED_KIND Kind, ULONG Threshold, MI_MANY_MODIFIED *Routine)
{
    MipModifiedThreshold[Kind] = Threshold;
    MipManyModified[Kind] = Routine;
}

ULONG MiQueryModifiedThreshold(MI_MODIFIED_KIND Kind)
{
    return __atomic_load_n(&MipModifiedThreshold[Kind], __ATOMIC_RELAXED);
}

/* => It has just grown. */
static void MipTellOfModified(const MMPFNLIST *List) NT_HOLDS(MiPfnLock)
{
    MI_MODIFIED_KIND Kind = List == &MiModifiedList ? MiModifiedPrivate : MiModifiedMapped;

    if (List->Total == MipModifiedThreshold[Kind] && MipManyModified[Kind] != NULL) {
        MipManyModified[Kind]();
    }
}

void MiSetRestorePteRoutine(MI_RESTORE_PTE *Routine)
{
    MipRestorePte = Routine;
}

/* ---- what is wrong ---- */

void MiBadListEntry(PFN_NUMBER Frame)
{
    ULONG References = Frame <= MiHighestFrame ? MI_PFN(Frame)->u3.e2.ReferenceCount : 0;

    KeBugCheckEx(PFN_LIST_CORRUPT, 2, Frame, MiHighestFrame, References);
}

static NT_NORETURN void MipBadState(PFN_NUMBER Frame)
{
    KeBugCheckEx(PFN_LIST_CORRUPT, 0x99, Frame, MI_PFN(Frame)->u3.e1.PageLocation, 0);
}

static PMMPFN MipFindEntry(PFN_NUMBER Frame)
{
    if (Frame > MiHighestFrame) {
        MiBadListEntry(Frame);
    }
    return MI_PFN(Frame);
}

/* ---- the state itself ---- */

/* ---- lists with two ends: first in, first out ---- */

static PMMPFNLIST MipListOf(const MMPFN *Pfn, MMLISTS State) NT_HOLDS(MiPfnLock)
{
    switch (State) {
    case StandbyPageList:
        return &MiStandbyLists[Pfn->u4.Priority];
    case ModifiedPageList:
        return MiIsFilePage(Pfn) ? &MiMappedModifiedList : &MiModifiedList; /* L9 */
    case ModifiedNoWritePageList:
        return &MiModifiedNoWriteList;
    case BadPageList:
        return &MiBadList;
    case ZeroedPageList:
    case FreePageList:
    case ActiveAndValid:
    case TransitionPage:
        break;
    }
    MipBadState(MI_PFN_FRAME(Pfn));
}

/* => Frame is held by nobody.  Says nothing about memory conditions.  Returns the list. */
static PMMPFNLIST MipAppend(MMLISTS State, PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    PMMPFN Pfn = MI_PFN(Frame);
    PMMPFNLIST List = MipListOf(Pfn, State);

    MiSetPageState(Pfn, State);
    Pfn->u1.Flink = MI_NO_FRAME;
    Pfn->u2.Blink = List->Blink;
    if (List->Blink == MI_NO_FRAME) {
        List->Flink = Frame;
    } else {
        MiFindUnheldEntry(List->Blink, State)->u1.Flink = Frame;
    }
    List->Blink = Frame;
    List->Total++; /* L1 holds again */
    return List;
}

/* Where a neighbour (or the head, beyond the end) keeps its link to a frame of List. */
static PPFN_NUMBER MipLinkTo(PMMPFNLIST List, PFN_NUMBER Neighbour, BOOLEAN Forward)
{
    PMMPFN Pfn;

    if (Neighbour == MI_NO_FRAME) {
        return Forward ? &List->Flink : &List->Blink;
    }
    Pfn = MiFindUnheldEntry(Neighbour, List->ListName);
    return Forward ? &Pfn->u1.Flink : &Pfn->u2.Blink;
}

/* => The frame stays in its state; its links are dead.  Says nothing about memory conditions. */
static void MipUnlink(MMLISTS State, PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    PMMPFN Pfn = MiFindUnheldEntry(Frame, State);
    PMMPFNLIST List = MipListOf(Pfn, State);
    PPFN_NUMBER FromBefore = MipLinkTo(List, Pfn->u2.Blink, TRUE);
    PPFN_NUMBER FromBehind = MipLinkTo(List, Pfn->u1.Flink, FALSE);

    if (*FromBefore != Frame || *FromBehind != Frame) {
        MiBadListEntry(Frame);
    }
    *FromBefore = Pfn->u1.Flink;
    *FromBehind = Pfn->u2.Blink;
    List->Total--; /* L1 holds again */
}

/* ---- zeroed and free frames: a stack of each colour ---- */

/* => Returns the nearest colour above Color that has a frame; Color when none has. */
static ULONG MipFindOtherColor(MMLISTS List, ULONG Color) NT_HOLDS(MiPfnLock)
{
    ULONG Step;

    if (MiPageCounts[List] == 0) {
        return Color;
    }
    for (Step = 1; Step <= MiColorMask; Step++) {
        if (MiFreeListHeads[List][(Color + Step) & MiColorMask] != MI_NO_FRAME) {
            return Color + Step;
        }
    }
    KeBugCheckEx(PFN_LIST_CORRUPT, 1, (ULONG_PTR)MiFreeListHeads[List], MiPageCounts[List], 0);
}

PFN_NUMBER MiRemoveFreeFrame(MMLISTS List, ULONG Color)
{
    PPFN_NUMBER Head = MiFreeListHead(List, Color);
    PFN_NUMBER Frame = *Head;

    if (Frame == MI_NO_FRAME) {
        Head = MiFreeListHead(List, MipFindOtherColor(List, Color));
        Frame = *Head;
    }
    if (Frame == MI_NO_FRAME) {
        return MI_NO_FRAME;
    }
    if (Frame > MiHighestFrame) {
        MiBadListEntry(Frame);
    }
    MiPopFreeFrame(List, Head, Frame);
    return Frame;
}

/* Walk one stack from Link on.  => As MiRemoveFramesInRange. */
static ULONG MipSweepStack(MMLISTS List, PPFN_NUMBER Link, PFN_NUMBER Lowest, PFN_NUMBER Highest,
                           ULONG Most, PPFN_NUMBER Frames) NT_HOLDS(MiPfnLock)
{
    ULONG Taken = 0;

    while (Taken < Most && *Link != MI_NO_FRAME) {
        PFN_NUMBER Frame = *Link;
        PMMPFN Pfn = MiFindUnheldEntry(Frame, List);

        if (Frame < Lowest || Frame > Highest) {
            Link = &Pfn->u1.Flink;
            continue;
        }
        MiPopFreeFrame(List, Link, Frame);
        if (Frames != NULL) {
            Frames[Taken] = Frame;
        }
        Taken++;
    }
    return Taken;
}

static ULONG MipSweepStacks(MMLISTS List, PFN_NUMBER Lowest, PFN_NUMBER Highest, ULONG Most,
                            PPFN_NUMBER Frames) NT_HOLDS(MiPfnLock)
{
    ULONG Colors = Highest - Lowest < MiColorMask ? Highest - Lowest + 1 : MiColorMask + 1;
    ULONG Taken = 0;
    ULONG Step;

    for (Step = 0; Step < Colors && Taken < Most; Step++) {
        Taken += MipSweepStack(List, MiFreeListHead(List, Lowest + Step), Lowest, Highest,
                               Most - Taken, Frames == NULL ? NULL : Frames + Taken);
    }
    return Taken;
}

/* => Returns when Frame may be freed: held by the caller alone, or by nobody. */
static void MipCheckUnused(PFN_NUMBER Frame)
{
    PMMPFN Pfn = MI_PFN(Frame);
    ULONG State = Pfn->u3.e1.PageLocation;
    ULONG References = Pfn->u3.e2.ReferenceCount;
    ULONG Expected = State == ActiveAndValid ? 1 : 0;

    if ((State != ActiveAndValid && State != TransitionPage) || References < Expected) {
        MipBadState(Frame);
    }
    if (References > Expected || (Pfn->u3.Long & MI_PFN_IN_PROGRESS) != 0) {
        KeBugCheckEx(PFN_LIST_CORRUPT, 0x9A, Frame, State, References);
    }
    if (Pfn->u2.ShareCount > Expected) {
        MipBadState(Frame);
    }
}

BOOLEAN MiPrepareFree(PFN_NUMBER Frame)
{
    PMMPFN Pfn = MI_PFN(Frame);

    MipCheckUnused(Frame);
    MiClearFramePte(Frame);
    if (Pfn->u3.e1.PageLocation == TransitionPage) {
        MiPageCounts[TransitionPage]--;
    }
    Pfn->u2.ShareCount = 1; /* as its next owner expects it */
    if (!Pfn->u3.e1.RemovalRequested) {
        return TRUE;
    }
    Pfn->u3.Long &= MI_PFN_KEPT;
    (void)MipAppend(BadPageList, Frame);
    MiPageCounts[BadPageList]++;
    return FALSE;
}

void MiInsertFreeFrame(MMLISTS List, PFN_NUMBER Frame)
{
    MiPushFreeFrame(List, Frame);
}

/* ---- pages that remember a PTE ---- */

void MiForgetPage(PFN_NUMBER Frame)
{
    MI_ASSERT(MipRestorePte != NULL && MI_PFN(Frame)->PteAddress != NULL);
    MipRestorePte(Frame);
    MI_PFN(Frame)->OriginalPte.Long = 0; /* a slot that it named is the PTE's now */
    MiClearFramePte(Frame);
}

/* Standby -> Active: the PTE forgets the page. */
static void MipRepurpose(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    MipUnlink(StandbyPageList, Frame);
    MiMakeFrameActive(MI_PFN(Frame));
    MiForgetPage(Frame);
    MiRepurposedPages++;
    MiCountUnavailable(StandbyPageList);
}

PFN_NUMBER MiRemoveStandbyFrame(void)
{
    ULONG Priority;

    for (Priority = 0; Priority < MI_PRIORITIES; Priority++) {
        PFN_NUMBER Frame = MiStandbyLists[Priority].Flink;

        if (Frame != MI_NO_FRAME) {
            MipRepurpose(Frame);
            return Frame;
        }
    }
    return MI_NO_FRAME;
}

ULONG MiRemoveFramesInRange(MMLISTS List, PFN_NUMBER Lowest, PFN_NUMBER Highest, ULONG Most,
                            PPFN_NUMBER Frames)
{
    PFN_NUMBER Frame = (Highest < MiHighestFrame ? Highest : MiHighestFrame) + 1;
    ULONG Taken = 0;

    if (List != StandbyPageList) {
        return MipSweepStacks(List, Lowest, Highest, Most, Frames);
    }
    while (Taken < Most && Frame > Lowest) {
        if (MI_PFN(--Frame)->u3.e1.PageLocation != StandbyPageList) {
            continue;
        }
        MipRepurpose(Frame);
        if (Frames != NULL) {
            Frames[Taken] = Frame;
        }
        Taken++;
    }
    return Taken;
}

void MiUnlinkPage(PFN_NUMBER Frame)
{
    PMMPFN Pfn = MipFindEntry(Frame);
    MMLISTS State = (MMLISTS)Pfn->u3.e1.PageLocation;

    if (State != StandbyPageList && State != ModifiedPageList && State != ModifiedNoWritePageList) {
        MipBadState(Frame);
    }
    MipUnlink(State, Frame);
    MiSetPageState(Pfn, TransitionPage);
    Pfn->u1.Event = NULL;
    Pfn->u2.ShareCount = 0;
    MiPageCounts[TransitionPage]++;
    if (State == StandbyPageList) {
        MiCountUnavailable(State);
    } else {
        MiPageCounts[State]--;
    }
}

void MiInsertPageInList(PFN_NUMBER Frame)
{
    PMMPFN Pfn = MiFindUnheldEntry(Frame, TransitionPage);

    if (Pfn->PteAddress == NULL) {
        MiInsertFreeFrame(FreePageList, Frame);
        return;
    }
    MI_ASSERT((Pfn->u3.Long & MI_PFN_IN_PROGRESS) == 0);
    MiPageCounts[TransitionPage]--;
    if (Pfn->u3.e1.Modified) {
        MMLISTS List = Pfn->u3.e1.NoWrite ? ModifiedNoWritePageList : ModifiedPageList;
        const MMPFNLIST *Grown = MipAppend(List, Frame);

        MiPageCounts[List]++;
        if (List == ModifiedPageList) {
            MipTellOfModified(Grown);
        }
    } else {
        (void)MipAppend(StandbyPageList, Frame);
        MiCountAvailable(StandbyPageList);
    }
}

void MiSetNoWrite(PFN_NUMBER Frame, BOOLEAN NoWrite)
{
    PMMPFN Pfn = MipFindEntry(Frame);
    MMLISTS State = (MMLISTS)Pfn->u3.e1.PageLocation;
    MMLISTS Other = NoWrite ? ModifiedNoWritePageList : ModifiedPageList;

    if ((State == ModifiedPageList || State == ModifiedNoWritePageList) && State != Other) {
        MipUnlink(State, Frame);
        MiPageCounts[State]--;
        (void)MipAppend(Other, Frame);
        MiPageCounts[Other]++;
    }
    Pfn->u3.e1.NoWrite = NoWrite != FALSE;
}

void MiBeginTransition(PFN_NUMBER Frame)
{
    PMMPFN Pfn = MipFindEntry(Frame);

    if (Pfn->u3.e1.PageLocation != ActiveAndValid || Pfn->u2.ShareCount != 0) {
        MipBadState(Frame);
    }
    MiSetPageState(Pfn, TransitionPage);
    MiPageCounts[TransitionPage]++;
}

void MiEndTransition(PFN_NUMBER Frame)
{
    PMMPFN Pfn = MipFindEntry(Frame);

    if (Pfn->u3.e1.PageLocation != TransitionPage) {
        MipBadState(Frame);
    }
    MiSetPageState(Pfn, ActiveAndValid);
    MiPageCounts[TransitionPage]--;
}

void MiInsertNewFrame(PFN_NUMBER Frame, MMLISTS State)
{
    PMMPFN Pfn = MipFindEntry(Frame);

    Pfn->u3.Long = (MI_FRAME_COLOR(Frame) << MI_PFN_COLOR_SHIFT) & MI_PFN_PAGE_COLOR;
    Pfn->u4.EntireFrame = MI_PFN_NO_PTE;
    Pfn->PteAddress = NULL;
    Pfn->OriginalPte.Long = 0;
    MiMakeFrameActive(Pfn);
    MiPhysicalPages++;
    Pfn->u3.e1.RemovalRequested = State == BadPageList;
    if (State != ActiveAndValid) {
        MiInsertFreeFrame(FreePageList, Frame);
    }
}

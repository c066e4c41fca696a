/* SPDX-License-Identifier: MIT */
/*
 * pfn_list.h - the page lists; every change of a page's state goes through these calls.
 *
 * Zeroed and free frames are kept by colour, standby frames by priority.  The states and who may
 * change them stand in pfn_list.c.
 */
#ifndef MM_PFN_PFN_LIST_H
#define MM_PFN_PFN_LIST_H

#include "mm/pfn/page_color.h"
#include "mm/pfn/pfn.h"

#define MI_PRIORITIES 8

/* The documented list head; both ends are MI_NO_FRAME when it is empty. */
typedef struct _MMPFNLIST {
    ULONG Total;
    MMLISTS ListName;
    PFN_NUMBER Flink; /* the first frame */
    PFN_NUMBER Blink; /* the last one */
} MMPFNLIST, *PMMPFNLIST;

/* The first frame of each colour's zeroed and free list; last in, first out, so no last one. */
extern PFN_NUMBER MiFreeListHeads[2][MI_MAXIMUM_COLORS] NT_GUARDED_BY(MiPfnLock);
extern MMPFNLIST MiStandbyLists[MI_PRIORITIES] NT_GUARDED_BY(MiPfnLock);
extern MMPFNLIST MiModifiedList NT_GUARDED_BY(MiPfnLock);       /* for paging files */
extern MMPFNLIST MiMappedModifiedList NT_GUARDED_BY(MiPfnLock); /* for the files that they are of */
extern MMPFNLIST MiModifiedNoWriteList NT_GUARDED_BY(MiPfnLock);
extern MMPFNLIST MiBadList NT_GUARDED_BY(MiPfnLock);

/* Frames in each state; Active ones are not counted: they are the rest of MiPhysicalPages. */
extern ULONG MiPageCounts[MI_PAGE_STATES] NT_GUARDED_BY(MiPfnLock);
extern ULONG MiRepurposedPages NT_GUARDED_BY(MiPfnLock); /* standby frames reused since boot */
extern ULONG MiAvailablePages NT_GUARDED_BY(MiPfnLock);  /* zeroed + free + standby */

/* => Before the first frame: all lists empty. */
void MiInitializePageLists(void) NT_HOLDS(MiPfnLock);

/*
 * Take a frame off List (zeroed or free), of Color if there is one, else of the nearest colour
 * above; it becomes Active.
 *
 * => Returns MI_NO_FRAME when the list is empty.
 */
PFN_NUMBER MiRemoveFreeFrame(MMLISTS List, ULONG Color) NT_HOLDS(MiPfnLock);

/*
 * Take the frame that was longest on the standby list of the lowest priority, make its PTE forget
 * it (MiSetRestorePteRoutine); it becomes Active, contents stale.
 *
 * => Returns MI_NO_FRAME when there is no standby frame.
 */
PFN_NUMBER MiRemoveStandbyFrame(void) NT_HOLDS(MiPfnLock);

/*
 * Take up to Most frames of [Lowest, Highest] off List (zeroed, free or standby) as the two calls
 * above do.  Costs a walk over the lists concerned; for standby, over the database.
 *
 * => Frames: where they are written; NULL: nowhere.  Returns how many.
 */
ULONG MiRemoveFramesInRange(MMLISTS List, PFN_NUMBER Lowest, PFN_NUMBER Highest, ULONG Most,
                            PPFN_NUMBER Frames) NT_HOLDS(MiPfnLock);

/*
 * Put an unused Frame on List: zeroed or free, or bad when its removal was requested.
 *
 * => Active with its last share and reference, or Transition without references; no I/O runs.
 *    Otherwise bug check 0x4E.
 */
void MiInsertFreeFrame(MMLISTS List, PFN_NUMBER Frame) NT_HOLDS(MiPfnLock);

/*
 * Put a Frame that lost its last reference on the list that fits: free without a PTE, modified or
 * modified-no-write, else standby of its priority.
 *
 * => Transition, no reference.
 */
void MiInsertPageInList(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock);

/* => Whether the frame's page is a file's: what MiIsSubsectionPte says of OriginalPte. */
static inline BOOLEAN MiIsFilePage(const MMPFN *Pfn)
{
    return Pfn->OriginalPte.Hard.Prototype && !Pfn->OriginalPte.Hard.Valid;
}

typedef enum _MI_MODIFIED_KIND {
    MiModifiedPrivate, /* MiModifiedList */
    MiModifiedMapped,  /* MiMappedModifiedList */
    MiModifiedKinds
} MI_MODIFIED_KIND;

/*
 * Who is told when a modified list has Threshold pages, each time that it grows to that.
 *
 * => Routine: under MiPfnLock, may set events.  NULL: nobody.
 */
typedef void MI_MANY_MODIFIED(void);
void MiSetModifiedThreshold(MI_MODIFIED_KIND Kind, ULONG Threshold, MI_MANY_MODIFIED *Routine)
    NT_HOLDS(MiPfnLock);
ULONG MiQueryModifiedThreshold(MI_MODIFIED_KIND Kind);

/* Take Frame off its standby or modified list into Transition.  => Contents and PTE are kept. */
void MiUnlinkPage(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock);

/*
 * Frame does not have the contents of its page after all: the PTE is OriginalPte again, and the
 * frame remembers no PTE.
 *
 * => Active or in transition, no share but one that is about to go.
 */
void MiForgetPage(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock);

/* Active, last share gone -> Transition, and back.  => ShareCount 0. */
void MiBeginTransition(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock);
void MiEndTransition(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock);

/* Forbid or allow writing; a page on one of the two modified lists moves to the other. */
void MiSetNoWrite(PFN_NUMBER Frame, BOOLEAN NoWrite) NT_HOLDS(MiPfnLock);

/*
 * A frame whose entry is new: nothing but its colour is set.
 *
 * => State: ActiveAndValid (one share, one reference), FreePageList or BadPageList.
 */
void MiInsertNewFrame(PFN_NUMBER Frame, MMLISTS State) NT_HOLDS(MiPfnLock);

/*
 * Who writes OriginalPte back to PteAddress when a standby frame is reused.  The frame is off its
 * list and its fields are intact; the share of the page table is given back afterwards.
 *
 * => Runs under MiPfnLock.  Registered once, before the first page with a PTE is on standby.
 */
typedef void MI_RESTORE_PTE(PFN_NUMBER Frame);
void MiSetRestorePteRoutine(MI_RESTORE_PTE *Routine);

#endif

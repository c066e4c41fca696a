/* SPDX-License-Identifier: MIT */
/*
 * system_view.h - views of sections in the system half: those of the system cache, and those that
 * MmMapViewInSystemSpace makes.
 *
 * Who is responsible for the addresses (mm/cc; system_space.c) allots them in units: 256 KB of the
 * cache, 64 KB of MiRegionSystemViews.  A view is one unit or several in a row.
 *
 * A session has its own views, in session space: what is said here of the system's working set
 * holds for the session's then, and its address space runs.
 *
 * Letters: (W) the mutex of the working set that the pages belong to: MiSystemWorkingSetMutex, or
 * the session's.  Where a contract says so, the caller holds it.
 */
#ifndef MM_SECTION_SYSTEM_VIEW_H
#define MM_SECTION_SYSTEM_VIEW_H

#include "mm/section/section.h"
#include "mm/space/space_verify.h"
#include "mm/sysva/layout.h"
#include "mm/ws/wsle.h"

/* A unit. */
typedef struct _MI_SYSTEM_VIEW {
    PCONTROL_AREA ControlArea; /* (W) NULL: nothing is mapped there */
    ULONG FirstPage : 31;      /* (W) of the section */
    ULONG ReadOnly : 1;        /* (W) its pages are mapped so */
} MI_SYSTEM_VIEW, *PMI_SYSTEM_VIEW;

typedef struct _MI_SYSTEM_VIEW_COUNTERS {
    ULONG Views;         /* (W) of MmMapViewInSystemSpace, that are mapped */
    ULONG CacheViews;    /* (W) of the system cache */
    ULONG Resident;      /* (W) valid pages of both */
    ULONG PeakResident;  /* (W) */
    ULONG Changes;       /* (W) views mapped or unmapped, pages that became valid or ceased to be */
    ULONG Trims;         /* (W) pages taken out of the working set */
    ULONG CopiedToCache; /* (W) pages that MmCopyToCachedPage made */
    ULONG NotedModified; /* (W) pages whose Dirty MmSetAddressRangeModified moved */
} MI_SYSTEM_VIEW_COUNTERS;

extern MI_SYSTEM_VIEW_COUNTERS MiSystemViewCounters;

/* A range of addresses for views: a region of the system half, or a session's part. */
typedef struct _MI_VIEW_SPACE {
    ULONG_PTR Start;                   /* (I) */
    ULONG Bytes;                       /* (I) */
    ULONG Shift;                       /* (I) of a unit's bytes */
    BOOLEAN Cache;                     /* (I) of the system cache */
    PMI_SYSTEM_VIEW Units;             /* (W) by address */
    PMMSUPPORT WorkingSet;             /* (I) of the pages; its mutex is the (W) of all this */
    MI_SYSTEM_VIEW_COUNTERS *Counters; /* (I) */
    PMM_SESSION_SPACE Session;         /* (I) NULL: in all address spaces */
    LIST_ENTRY Links;                  /* (P) of those of sessions */
} MI_VIEW_SPACE, *PMI_VIEW_SPACE;

/*
 * The space that Va lies in; in session space that of the session that runs.
 *
 * => MiIsAnySystemViewVa.
 */
PMI_VIEW_SPACE MiFindViewSpace(ULONG_PTR Va);

static inline ULONG MiViewSpaceUnits(const MI_VIEW_SPACE *Space)
{
    return Space->Bytes >> Space->Shift;
}

/* A session's space is there, without views, from now on; and it goes.  => All (I) are set. */
void MiInsertViewSpace(PMI_VIEW_SPACE Space) NT_NOT_HOLDING(MiPfnLock);
void MiRemoveViewSpace(PMI_VIEW_SPACE Space) NT_NOT_HOLDING(MiPfnLock);

/* In units of 64 KB: what MmMapViewInSystemSpace and its like work on. */
#define MI_SYSTEM_VIEW_SHIFT 16
PMI_VIEW_SPACE MiSystemViewSpace(void);

/*
 * Map *ViewSize bytes of the section in the first free units that are enough, and the reverse.
 *
 * => As MmMapViewInSystemSpace and MmUnmapViewInSystemSpace, which are these in
 *    MiSystemViewSpace().  A session's space: the session runs.
 */
NT_MUST_CHECK NTSTATUS MiMapViewInSpace(PMI_VIEW_SPACE Space, PVOID Section, PVOID *MappedBase,
                                        PSIZE_T ViewSize);
NTSTATUS MiUnmapViewInSpace(PMI_VIEW_SPACE Space, PVOID MappedBase);

/*
 * Make the table of units; nothing is mapped.
 *
 * => Once a machine, after the pools.  STATUS_INSUFFICIENT_RESOURCES.
 */
NT_MUST_CHECK NTSTATUS MiInitializeSystemViews(void);

static inline BOOLEAN MiIsInRegion(MI_REGION Region, ULONG_PTR Va)
{
    return Va - MiLayout.Region[Region].Start < MiLayout.Region[Region].Bytes;
}

/* => Whether views may be mapped there. */
static inline BOOLEAN MiIsSystemViewVa(ULONG_PTR Va)
{
    return MiIsInRegion(MiRegionSystemCache, Va) || MiIsInRegion(MiRegionSystemViews, Va) ||
           MiIsInRegion(MiRegionCacheExtension, Va);
}

/* The same, or those of the session that runs, if one does. */
static inline BOOLEAN MiIsAnySystemViewVa(ULONG_PTR Va)
{
    return MiIsSystemViewVa(Va) ||
           (MiIsInSessionPart(MiSessionViews, Va) && MiCurrentSession() != NULL);
}

/* => MiIsAnySystemViewVa.  The unit that Va lies in. */
PMI_SYSTEM_VIEW MiFindSystemView(ULONG_PTR Va);

/* => As above.  What it shows at Va: FirstPage is the number of the page there. */
MI_SYSTEM_VIEW MiQuerySystemView(ULONG_PTR Va);

/* ---- mapping ---- */

/*
 * Show Pages pages of the section, from Unit.FirstPage on, at Va.
 *
 * => (W).  The pages are the section's; page tables and a reference are there, the units are free.
 */
void MiMapSystemPages(MI_SYSTEM_VIEW Unit, ULONG_PTR Va, ULONG Pages) NT_NOT_HOLDING(MiPfnLock);

/*
 * Nothing is mapped in [Va, Va + Bytes) any more.
 *
 * => (W).  Whole units of one view; its reference is the caller's again.
 */
void MiUnmapSystemPages(ULONG_PTR Va, ULONG Bytes) NT_NOT_HOLDING(MiPfnLock);

/* ---- pages ---- */

/* => (W), or the view stays.  Va lies in a view.  The page's prototype PTE; NULL: behind the end */
PMMPTE MiSystemViewPrototype(ULONG_PTR Va);

/* => (W).  Whether the section's page is committed. */
BOOLEAN MiIsSystemViewCommitted(ULONG_PTR Va);

/*
 * Map the frame of the page's prototype PTE.
 *
 * => (W).  Proto, which *Pte names, is pinned.
 * => STATUS_SUCCESS also when there is no frame any more: the access will fault again.
 * => STATUS_INSUFFICIENT_RESOURCES: it is referenced too often.  STATUS_NO_MEMORY: the working set
 *    has no room.
 */
NT_MUST_CHECK NTSTATUS MiMapSystemViewPage(PMMPTE Pte, PMMPTE Proto) NT_NOT_HOLDING(MiPfnLock);

/*
 * The same, in one step, where the page of the prototype PTE is there; and of the pages behind, up
 * to the first that has no frame or is mapped: these are not accessed yet.
 *
 * => (W).  No pin.  The working set has room for Most shared pages; these lie in one unit, and
 *    their prototype PTEs in one page.
 * => *Behind: how many came along.  STATUS_NOT_FOUND: the page of Proto is out, or the page has no
 *    frame, or is being read.  STATUS_INSUFFICIENT_RESOURCES: it is referenced too often.
 */
NT_MUST_CHECK NTSTATUS MiMapResidentSystemPages(PMMPTE Pte, PMMPTE Proto, ULONG Most, PULONG Behind)
    NT_NOT_HOLDING(MiPfnLock);

/*
 * Frame, the caller's, becomes that of the prototype PTE's page, which has none, and is mapped.
 * Modified: the frame's contents are new; else it is zeroed, and so was the page.
 *
 * => As MiMapSystemViewPage; if Modified, under MiCloneReadMutex.
 * => STATUS_ALREADY_COMMITTED: the page has a frame.  On failure Frame is the caller's.
 */
NT_MUST_CHECK NTSTATUS MiInsertSystemViewPage(PMMPTE Pte, PMMPTE Proto, PFN_NUMBER Frame,
                                              BOOLEAN Modified) NT_NOT_HOLDING(MiPfnLock);

/* ---- what was written ---- */

/*
 * What a PTE of a view knows of writes is told to the frame, and not known to the PTE any more.
 *
 * => Whether the page was written to.
 */
BOOLEAN MiMoveSystemPageDirty(PMMPTE Pte) NT_HOLDS(MiPfnLock);

/* The same of pages of the section, in all views of it but the cache's: also in all sessions. */
void MiMoveSystemViewDirty(const CONTROL_AREA *Area, ULONG First, ULONG Count) NT_HOLDS(MiPfnLock);

/* ---- verify: system_view_verify.c ---- */

typedef void MI_VISIT_UNIT(const MI_SYSTEM_VIEW *Unit, ULONG_PTR Va, ULONG Pages, PVOID Context);

/* All units that have a page table; the others never showed anything.  => (W). */
void MiVisitSystemUnits(MI_VISIT_UNIT *Visit, PVOID Context);
void MiVisitUnits(const MI_VIEW_SPACE *Space, MI_VISIT_UNIT *Visit, PVOID Context);

/* Check K1 and K2 of system_view.c.  => (W).  Stops the machine when one does not hold. */
void MiVerifySystemViews(void) NT_NOT_HOLDING(MiPfnLock);

/* The same for a session's views.  => (W); all of the session's page tables are entered. */
void MiVerifySessionViews(const MI_VIEW_SPACE *Space) NT_NOT_HOLDING(MiPfnLock);

/* What the views add to the sums that MiVerifySections compares.  => Takes (W). */
void MiAddSystemViews(PMI_VIEW_SUMS Sums) NT_NOT_HOLDING(MiPfnLock);

#endif

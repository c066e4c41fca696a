/* SPDX-License-Identifier: MIT */
/*
 * vad.h - virtual address descriptors: what each range of the user half was reserved for.
 *
 * Everything here runs under the process' AddressCreationLock, attached to the process.
 */
#ifndef MM_SPACE_VAD_H
#define MM_SPACE_VAD_H

#include "mm/space/process.h"
#include "mm/space/protection.h"

#define MI_VAD_TAG       0x53646156u /* 'VadS', as on NT */
#define MI_WATCH_TAG     0x57646156u /* 'VadW': the bits of a write watch */

#define MI_MAXIMUM_PAGES 0x7FFFFu /* that CommitCharge can count: more than lie between two ends */

/* The documented flags. */
typedef struct _MMVAD_FLAGS {
    ULONG CommitCharge : 19;   /* pages that are committed */
    ULONG MemCommit : 1;       /* a page whose PTE is zero is committed, with Protection */
    ULONG PrivateMemory : 1;   /* 0: a view of a section, MMVAD_VIEW */
    ULONG WriteWatch : 1;      /* WatchBits is there */
    ULONG Inherit : 1;         /* of a view: a clone has it, too */
    ULONG NoChange : 1;        /* of a view: its pages keep Protection (SEC_NO_CHANGE) */
    ULONG ImageMap : 1;        /* of a view: an image's; its parts say how pages are protected */
    ULONG PhysicalMapping : 1; /* of a view: \Device\PhysicalMemory's (physical_view.h) */
    ULONG Extendable : 1;      /* of a view: MEM_RESERVE, it may lead out of the section */
    ULONG Protection : 5;      /* as it was reserved: a code of protection.h */
} MMVAD_FLAGS;

typedef struct _MMVAD {
    RTL_BALANCED_NODE Node; /* must be first */
    ULONG StartingVpn;      /* its first page; a multiple of 16 */
    ULONG EndingVpn;        /* its last page */
    union {
        ULONG LongFlags;
        MMVAD_FLAGS VadFlags;
    } u;
    PULONG WatchBits; /* a bit for each page that was written; or NULL */
} MMVAD, *PMMVAD;

NT_C_ASSERT(sizeof(MMVAD_FLAGS) == sizeof(ULONG));

/*
 * A view of a section.  CommitCharge: pages that the process has alone, or gets when it writes.
 *
 * The section (mm/section) keeps what is pointed to while there are views of it.
 */
typedef struct _MMVAD_VIEW {
    MMVAD Core;                        /* must be first */
    struct _CONTROL_AREA *ControlArea; /* (I) the fields of NT's MMVAD */
    PMMPTE FirstPrototypePte;          /* (I) of the first page */
    PMMPTE LastContiguousPte;          /* (I) of the last page that lies behind it without a gap */
    const RTL_BITMAP *Committed;       /* (I) of the section's pages; NULL: all are committed */
    ULONG FirstPage;                   /* (I) of the section; of a physical view: the frame */
    ULONG Delta;                       /* (I) of an image: how far from its preferred base */
    ULONG Present;                     /* (P) pages that the section has; Extendable: may grow */
    PEPROCESS Process;                 /* (I) whose view it is */
    LIST_ENTRY Link;                   /* (P) among the control area's */
} MMVAD_VIEW, *PMMVAD_VIEW;

static inline BOOLEAN MiIsView(const MMVAD *Vad)
{
    return !Vad->u.VadFlags.PrivateMemory;
}

/* => Whether it shows frames by their numbers: it has no prototype PTEs. */
static inline BOOLEAN MiIsPhysicalView(const MMVAD *Vad)
{
    return Vad->u.VadFlags.PhysicalMapping;
}

/* => Vad is one. */
static inline const MMVAD_VIEW *MiViewOf(const MMVAD *Vad)
{
    return (const MMVAD_VIEW *)(const void *)Vad;
}

static inline ULONG MiVadPages(const MMVAD *Vad)
{
    return Vad->EndingVpn - Vad->StartingVpn + 1;
}

static inline ULONG_PTR MiVadStart(const MMVAD *Vad)
{
    return (ULONG_PTR)Vad->StartingVpn << PAGE_SHIFT;
}

static inline PMMVAD MiVadOf(PRTL_BALANCED_NODE Node)
{
    return (PMMVAD)(PVOID)Node;
}

/* Does [Start, End] touch KUSER_SHARED_DATA's 64 KB?  Nobody may have them. */
static inline BOOLEAN MiTouchesSharedData(ULONG_PTR Start, ULONG_PTR End)
{
    return Start < MM_SHARED_USER_DATA_VA + MM_ALLOCATION_GRANULARITY &&
           End >= MM_SHARED_USER_DATA_VA;
}

/* => Of a view, any lock: the pages of it that its section has. */
static inline ULONG MiPresentPages(const MMVAD_VIEW *View)
{
    return __atomic_load_n(&View->Present, __ATOMIC_RELAXED);
}

/* => All pages that have no PTE of their own are committed, with the descriptor's protection. */
static inline BOOLEAN MiIsPlainView(const MMVAD *Vad)
{
    return !Vad->u.VadFlags.ImageMap && !Vad->u.VadFlags.Extendable &&
           MiViewOf(Vad)->Committed == NULL;
}

/* MiFindVad where it is not the one that was found or made last. */
PMMVAD MiSearchVad(PEPROCESS Process, ULONG Vpn);

/* => The VAD that holds the page; NULL: none. */
static inline PMMVAD MiFindVad(PEPROCESS Process, ULONG Vpn)
{
    PMMVAD Vad = Process->VadHint;

    return Vad != NULL && Vpn >= Vad->StartingVpn && Vpn <= Vad->EndingVpn
               ? Vad
               : MiSearchVad(Process, Vpn);
}

/* => The first VAD that ends at or behind the page; NULL: none. */
PMMVAD MiFindVadFrom(PEPROCESS Process, ULONG Vpn);

static inline PMMVAD MiNextVad(const MMVAD *Vad)
{
    return MiVadOf(RtlAvlNextNode(&Vad->Node));
}

static inline PMMVAD MiPreviousVad(const MMVAD *Vad)
{
    return MiVadOf(RtlAvlPreviousNode(&Vad->Node));
}

/*
 * Find Pages free pages from a multiple of 64 KB on, below End; the lowest ones, or the highest.
 *
 * => STATUS_NO_MEMORY: there are none.
 */
NT_MUST_CHECK NTSTATUS MiFindFreeRange(PEPROCESS Process, ULONG Pages, ULONG_PTR End,
                                       BOOLEAN TopDown, PULONG_PTR Va);

/*
 * Make a descriptor and charge for it and for the page tables that its pages may need.
 *
 * => The range is free.  A view's own fields are the caller's to fill.
 * => STATUS_INSUFFICIENT_RESOURCES, STATUS_QUOTA_EXCEEDED, STATUS_PAGEFILE_QUOTA,
 *    STATUS_COMMITMENT_LIMIT: nothing changed.
 */
NT_MUST_CHECK NTSTATUS MiCreateVad(PEPROCESS Process, ULONG_PTR Va, ULONG Pages, MMVAD_FLAGS Flags,
                                   PMMVAD *Vad);

/* The reverse.  => Its pages have no PTEs and no charge any more. */
void MiDeleteVad(PEPROCESS Process, PMMVAD Vad);

/*
 * There is one view of the section more, or less; all fields but Link are set.  Implemented above,
 * mm/section/segment.c.
 *
 * => Under any lock above MiPfnLock.  A section that nobody uses any more waits for
 *    MiDeleteUnusedSegments, which has to follow when no lock is held.
 */
NT_WEAK void MiReferenceView(PMMVAD_VIEW View) NT_NOT_HOLDING(MiPfnLock);
NT_WEAK void MiReleaseView(PMMVAD_VIEW View) NT_NOT_HOLDING(MiPfnLock);

/* A view of a file that has grown: the prototype PTE of its page Page.  Implemented there. */
NT_WEAK PMMPTE MiFarViewPrototype(const MMVAD_VIEW *View, ULONG Page);
NT_WEAK void MiDeleteUnusedSegments(void) NT_NOT_HOLDING(MiPfnLock);

/*
 * Of an image's view, its page Page: the protection that the image gives it (MI_NO_PROTECTION: it
 * is of no part of the image); whether it has relocations; and to relocate its contents.
 *
 * => Any IRQL, any locks.  The second and third: Delta is not 0.  Implemented above, in
 *    mm/section/image_segment.c and image_move.c.
 */
NT_WEAK ULONG MiImagePageProtection(const MMVAD_VIEW *View, ULONG Page);
NT_WEAK BOOLEAN MiIsImagePageMoved(const MMVAD_VIEW *View, ULONG Page);
NT_WEAK void MiMoveImagePage(const MMVAD_VIEW *View, ULONG Page, PVOID Contents);

/* A page was written, and the PTE that knows so is about to forget it. */
static inline void MiNoteWrite(PMMVAD Vad, ULONG Vpn)
{
    ULONG Page = Vpn - Vad->StartingVpn;

    if (Vad->WatchBits != NULL) {
        Vad->WatchBits[Page / 32] |= 1u << Page % 32;
    }
}

#endif

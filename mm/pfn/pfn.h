/* SPDX-License-Identifier: MIT */
/*
 * pfn.h - the page-frame database: one MMPFN for each frame up to MiHighestFrame.
 *
 * Field names, list numbers and flag bits are the documented ones of NT 5.2 without PAE (24 bytes).
 * PteFrame also says what a frame is that no page table contains: see MI_PTE_FRAME_*.
 *
 * Locks: (P) MiPfnLock; (O) the frame's owner, who holds a share or a reference; (I) fixed after
 * initialisation.
 */
#ifndef MM_PFN_PFN_H
#define MM_PFN_PFN_H

#include "arch/pte_x86.h"
#include "loader.h"
#include "mi_assert.h"
#include "nt/annotations.h"
#include "nt/types.h"
#include "spinlock.h"

/* Where a frame is: the documented list numbers. */
typedef enum _MMLISTS {
    ZeroedPageList,          /* nobody's, contents zero */
    FreePageList,            /* nobody's, contents anything */
    StandbyPageList,         /* contents kept for its PTE, clean */
    ModifiedPageList,        /* contents kept for its PTE, to be written first */
    ModifiedNoWritePageList, /* the same, but its owner forbids writing for now */
    BadPageList,             /* RAM with errors, or asked to be removed */
    ActiveAndValid,          /* in use */
    TransitionPage           /* no PTE maps it any more; references (I/O) remain */
} MMLISTS;

#define MI_PAGE_STATES 8

/* u3, low half. */
typedef struct _MMPFNENTRY {
    USHORT Modified : 1;       /* (P) contents differ from what is on disk */
    USHORT ReadInProgress : 1; /* (P) u1.Event is valid */
    USHORT WriteInProgress : 1;
    USHORT PrototypePte : 1;     /* (P) PteAddress is that of a prototype PTE */
    USHORT PageColor : 3;        /* (I) the lowest bits of the colour; all of it: MI_FRAME_COLOR */
    USHORT NoWrite : 1;          /* (P) ours: modified means modified-no-write */
    USHORT PageLocation : 3;     /* (P) MMLISTS; pfn_list.c is the only writer */
    USHORT RemovalRequested : 1; /* (P) goes to the bad list when it is freed */
    USHORT CacheAttribute : 2;   /* (O) 0: unknown */
    USHORT Rom : 1;
    USHORT LockCharged : 1; /* (P) */
} MMPFNENTRY;

typedef struct _MMPFN {
    union {
        PFN_NUMBER Flink;    /* (P) on a list: the next frame */
        ULONG WsIndex;       /* (O) Active: index in the working-set list */
        PVOID Event;         /* (P) ReadInProgress: a KEVENT to wait on */
        NTSTATUS ReadStatus; /* (P) u4.InPageError: why the read failed */
        ULONG LoaderType;    /* (I) PteFrame is MI_PTE_FRAME_LOADER or _NOT_RAM: see there */
    } u1;
    PMMPTE PteAddress; /* (O,P) the PTE that maps or remembers the frame; NULL: none does */
    union {
        PFN_NUMBER Blink; /* (P) on a list with two ends: the previous frame */
        ULONG ShareCount; /* (P) else: how many valid PTEs (or other owners) there are */
    } u2;
    union {
        MMPFNENTRY e1;
        struct {
            USHORT ShortFlags;
            USHORT ReferenceCount; /* (P) one for all shares together, one for each I/O */
        } e2;
        ULONG Long;
    } u3;
    union {
        MMPTE OriginalPte;      /* (O,P) what PteAddress holds again when the frame is reused */
        LONG AweReferenceCount; /* (P) u4.AweAllocation */
    };
    union {
        struct {
            ULONG PteFrame : 25;   /* (O,P) frame of the page table that PteAddress lies in */
            ULONG InPageError : 1; /* (P) */
            ULONG VerifierAllocation : 1;
            ULONG AweAllocation : 1;
            ULONG Priority : 3; /* (P) which standby list; changes off the lists only */
            ULONG MustBeCached : 1;
        };
        ULONG EntireFrame;
    } u4;
} MMPFN, *PMMPFN;

NT_C_ASSERT(sizeof(PVOID) != 4 || sizeof(MMPFN) == 24);

/* u4.PteFrame of frames that no page table contains; above every frame number. */
#define MI_PTE_FRAME_NONE    0x1FFFFFFu
#define MI_PTE_FRAME_LOADER  0x1FFFFFEu          /* the loader's; u1.LoaderType says what for */
#define MI_PTE_FRAME_NOT_RAM 0x1FFFFFDu          /* not ours; u1.LoaderType: why */
#define MI_ABSENT_FRAME      LOADER_MEMORY_TYPES /* u1.LoaderType of a hole in the loader's map */

/* The same bits of u3 and u4 as masks, for testing and composing them at once. */
#define MI_PFN_READ_IN_PROGRESS  0x00000002u
#define MI_PFN_WRITE_IN_PROGRESS 0x00000004u
#define MI_PFN_PAGE_COLOR        0x00000070u
#define MI_PFN_PAGE_LOCATION     0x00000700u
#define MI_PFN_REMOVAL_REQUESTED 0x00000800u
#define MI_PFN_REFERENCES        0xFFFF0000u
#define MI_PFN_COLOR_SHIFT       4
#define MI_PFN_LOCATION_SHIFT    8
#define MI_PFN_ONE_REFERENCE     0x00010000u
#define MI_PFN_PRIORITY_SHIFT    28
#define MI_MAXIMUM_REFERENCES    0xFFFFu

#define MI_DEFAULT_PRIORITY      5 /* of the 8 standby priorities: the documented normal one */

/* u4 of a frame without a PTE. */
#define MI_PFN_NO_PTE (MI_PTE_FRAME_NONE | (ULONG)MI_DEFAULT_PRIORITY << MI_PFN_PRIORITY_SHIFT)

extern PMMPFN MiPfnDatabase;      /* (I) indexed by frame number */
extern PFN_NUMBER MiHighestFrame; /* (I) the last one that has an entry */
extern KSPIN_LOCK MiPfnLock;

/* => Frame <= MiHighestFrame. */
static inline PMMPFN MI_PFN(PFN_NUMBER Frame)
{
    return MiPfnDatabase + Frame;
}

static inline PFN_NUMBER MI_PFN_FRAME(const MMPFN *Pfn)
{
    return (PFN_NUMBER)(Pfn - MiPfnDatabase);
}

/* => Any frame number.  Returns whether the frame is RAM that the memory manager knows. */
static inline BOOLEAN MiIsRamFrame(PFN_NUMBER Frame)
{
    return Frame <= MiHighestFrame && MI_PFN(Frame)->u4.PteFrame != MI_PTE_FRAME_NOT_RAM;
}

/* => IRQL <= DISPATCH_LEVEL; raises to it.  Returns the old IRQL. */
static inline KIRQL MiLockPfn(void) NT_ACQUIRES(MiPfnLock) NT_NO_LOCK_ANALYSIS
{
    KIRQL OldIrql = KeRaiseIrqlToDpcLevel();

    KiTakeSpinLock(&MiPfnLock, (ULONG_PTR)&MiPfnLock);
    return OldIrql;
}

static inline void MiUnlockPfn(KIRQL OldIrql) NT_RELEASES(MiPfnLock) NT_NO_LOCK_ANALYSIS
{
    KiGiveSpinLock(&MiPfnLock, 0);
    KiLowerIrqlFromDpcLevel(OldIrql);
}

/*
 * Fill Frame with zeroes.  Implemented by the layer above, mm/sysva/hyperspace.c, over a mapping of
 * its own; weak, so that this layer links without it.
 *
 * => IRQL <= DISPATCH_LEVEL, MiPfnLock not held.  Nobody else uses Frame.
 */
typedef void MI_ZERO_FRAME(PFN_NUMBER Frame);
NT_WEAK void MiZeroFrame(PFN_NUMBER Frame) NT_NOT_HOLDING(MiPfnLock);

/* What allocation and MiZeroFreePages zero with: MiZeroFrame, until a test puts its own here. */
extern MI_ZERO_FRAME *MiZeroFrameRoutine; /* (I) set by MiInitializePfnDatabase */

#endif

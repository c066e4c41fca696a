/* SPDX-License-Identifier: MIT */
/*
 * system_pte_state.h - the system PTEs' state, shared by the files that change and inspect it.
 *
 * Locks: (S) MiSystemPteLock; (I) fixed after MiCreateSystemPtes.
 */
#ifndef MM_SYSVA_SYSTEM_PTE_STATE_H
#define MM_SYSVA_SYSTEM_PTE_STATE_H

#include "mm/sysva/pte_make.h"
#include "mm/sysva/system_ptes.h"

#define MI_LARGEST_CLASS 23u
#define MI_NO_CLASS      MI_SYSTEM_PTE_CLASSES

/* A reserved PTE's place in its run; a run of one is all three. */
#define MI_RUN_NONE     0u /* not reserved */
#define MI_RUN_RESERVED 1u
#define MI_RUN_FIRST    2u
#define MI_RUN_LAST     4u
#define MI_RUN_SINGLE   (MI_RUN_RESERVED | MI_RUN_FIRST | MI_RUN_LAST)

/* Free runs of one size: a queue through the PTEs themselves, oldest release first. */
typedef struct _MI_PTE_CLASS {
    ULONG Size;   /* (I) PTEs in a run */
    ULONG Head;   /* (S) index of the first run, or MI_PTE_LIST_END */
    ULONG Tail;   /* (S) undefined while the queue is empty */
    ULONG Length; /* (S) runs */
} MI_PTE_CLASS, *PMI_PTE_CLASS;

typedef struct _MI_SYSTEM_PTES {
    PMMPTE Base;        /* (I) NULL: not created.  An index counts from here */
    ULONG Total;        /* (I) PTEs, those of the bitmaps included */
    ULONG OwnPages;     /* (I) PTEs that map the bitmaps */
    RTL_BITMAP Taken;   /* (S) set: not in the general pool (reserved, queued, pending, ours) */
    PUCHAR Runs;        /* (S) for each PTE: MI_RUN_* */
    ULONG Hint;         /* (S) where the general pool was last cut */
    ULONG Epoch;        /* (S) flushes so far */
    ULONG PendingHead;  /* (S) long runs that wait for a flush; MI_PTE_LIST_END: none */
    ULONG PendingPtes;  /* (S) */
    ULONG Free;         /* (S) */
    ULONG Slack;        /* (S) */
    ULONG LowestFree;   /* (S) */
    ULONG Reservations; /* (S) */
    ULONG Releases;     /* (S) */
    ULONG Refusals;     /* (S) */
    MI_PTE_CLASS Class[MI_SYSTEM_PTE_CLASSES];
} MI_SYSTEM_PTES, *PMI_SYSTEM_PTES;

extern MI_SYSTEM_PTES MiSystemPtes NT_GUARDED_BY(MiSystemPteLock);

static inline KIRQL MiLockSystemPtes(void) NT_ACQUIRES(MiSystemPteLock) NT_NO_LOCK_ANALYSIS
{
    KIRQL OldIrql = KeRaiseIrqlToDpcLevel();

    KiTakeSpinLock(&MiSystemPteLock, (ULONG_PTR)&MiSystemPteLock);
    return OldIrql;
}

static inline void MiUnlockSystemPtes(KIRQL OldIrql)
    NT_RELEASES(MiSystemPteLock) NT_NO_LOCK_ANALYSIS
{
    KiGiveSpinLock(&MiSystemPteLock, 0);
    KfLowerIrql(OldIrql);
}

/* The smallest class for runs of Count; MI_NO_CLASS: longer than all. */
extern const UCHAR MiPteClassOf[MI_LARGEST_CLASS + 1];

/* What a run of Count takes from the free PTEs. */
ULONG MiSystemPteRunSize(ULONG Count) NT_HOLDS(MiSystemPteLock);

#endif

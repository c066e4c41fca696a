/* SPDX-License-Identifier: MIT */
/*
 * ex.h - the executive's pools, with NT's documented names, prototypes and layouts.
 *
 * Follows learn.microsoft.com/windows-hardware/drivers/ddi/wdm (ExAllocatePoolWithTag and its
 * neighbours).  Common to all calls below:
 *
 *   IRQL      paged pool: <= APC_LEVEL; nonpaged pool: <= DISPATCH_LEVEL.  Else bug check 0xC2,
 *             P1 8 (allocation) or 9 (free).
 *   alignment up to 0xFF0 bytes: 8 bytes, and no block crosses a page; above: a page.
 *   contents  not zeroed.
 *   failure   NULL.  Out of pool is never a bug check, except where a line says so.
 *   tags      1 to 4 characters; 0 is bug check 0xC2/9B, "BIG" 0xC2/9C, one without a letter or a
 *             digit 0xC2/9D.
 *   0 bytes   get the smallest block.  (Documented as an error under Driver Verifier only.)
 */
#ifndef EX_H
#define EX_H

#include "nt/list.h"
#include "nt/slist.h"
#include "nt/types.h"

typedef enum _POOL_TYPE {
    NonPagedPool = 0,
    PagedPool = 1,
    NonPagedPoolMustSucceed = 2, /* bug check 0xC2/9A, as documented from XP on */
    DontUseThisType = 3,
    NonPagedPoolCacheAligned = 4, /* 64-byte alignment */
    PagedPoolCacheAligned = 5,
    NonPagedPoolCacheAlignedMustS = 6,
    MaxPoolType = 7,
    NonPagedPoolSession = 32, /* nonpaged pool, whoever runs */
    PagedPoolSession = 33,    /* of the session that runs; NULL: none does */
    NonPagedPoolMustSucceedSession = 34,
    DontUseThisTypeSession = 35,
    NonPagedPoolCacheAlignedSession = 36,
    PagedPoolCacheAlignedSession = 37,
    NonPagedPoolCacheAlignedMustSSession = 38
} POOL_TYPE;

/* May be added to a POOL_TYPE. */
#define POOL_QUOTA_FAIL_INSTEAD_OF_RAISE 8
#define POOL_RAISE_IF_ALLOCATION_FAILURE 16
#define POOL_COLD_ALLOCATION             256

/* May be added to a tag: the block can then be freed by ExFreePoolWithTag with that tag only. */
#define PROTECTED_POOL 0x80000000u

typedef enum _EX_POOL_PRIORITY {
    LowPoolPriority = 0,
    LowPoolPrioritySpecialPoolOverrun = 8,
    LowPoolPrioritySpecialPoolUnderrun = 9,
    NormalPoolPriority = 16,
    NormalPoolPrioritySpecialPoolOverrun = 24,
    NormalPoolPrioritySpecialPoolUnderrun = 25,
    HighPoolPriority = 32,
    HighPoolPrioritySpecialPoolOverrun = 40,
    HighPoolPrioritySpecialPoolUnderrun = 41
} EX_POOL_PRIORITY;

/* ---- pool ---- */

/* The tag is 'None'. */
PVOID NTAPI ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes);

PVOID NTAPI ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag);

/*
 * Allocate unless the pool is nearly used up.
 *
 * => Low fails when the allocation would leave less than an eighth of the pool's maximum in free
 *    pages, Normal less than a thirty-second; High fails only when there is nothing left.  Free
 *    room inside pages in use does not count.
 * => The SpecialPool values ask for special pool, where it is on; else they are Low, Normal, High.
 */
PVOID NTAPI ExAllocatePoolWithTagPriority(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag,
                                          EX_POOL_PRIORITY Priority);

/*
 * Allocate and charge the current process for what the block takes, until it is freed: header
 * included, or whole pages.  The system's process is not charged, nor are special and session pool.
 *
 * => On failure it raises STATUS_INSUFFICIENT_RESOURCES, or STATUS_QUOTA_EXCEEDED; or it returns
 *    NULL with POOL_QUOTA_FAIL_INSTEAD_OF_RAISE.  Nobody can catch an exception yet, so that
 *    raising is what an unhandled one becomes: bug check 0x1E with the status as P1.
 */
PVOID NTAPI ExAllocatePoolWithQuotaTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag);

/* The same with the tag 'None'. */
PVOID NTAPI ExAllocatePoolWithQuota(POOL_TYPE PoolType, SIZE_T NumberOfBytes);

/*
 * => P is the start of a block in use, and its pool's structures next to it are whole.  Else bug
 *    check 0x19 or 0xC2; mm/pool/README.md lists them.
 */
void NTAPI ExFreePool(PVOID P);

/* => Tag is the one that the block was allocated with, else 0xC2/A; 0: as ExFreePool. */
void NTAPI ExFreePoolWithTag(PVOID P, ULONG Tag);

/* => Returns the bytes that the caller may use; *QuotaCharged is FALSE until there are quotas. */
SIZE_T NTAPI ExQueryPoolBlockSize(PVOID PoolBlock, PBOOLEAN QuotaCharged);

/* ---- look-aside lists ---- */

typedef PVOID(NTAPI *PALLOCATE_FUNCTION)(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag);
typedef void(NTAPI *PFREE_FUNCTION)(PVOID Buffer);

/* Drivers' inline code reaches into this: every offset is pinned. */
typedef struct _GENERAL_LOOKASIDE {
    SLIST_HEADER ListHead; /* (A) free entries */
    USHORT Depth;          /* (K) to write: entries that the list keeps at most */
    USHORT MaximumDepth;   /* (I) */
    ULONG TotalAllocates;  /* statistics: increments may be lost to an interrupt */
    union {
        ULONG AllocateMisses; /* allocations that went to Allocate */
        ULONG AllocateHits;
    };
    ULONG TotalFrees;
    union {
        ULONG FreeMisses; /* frees that went to Free */
        ULONG FreeHits;
    };
    POOL_TYPE Type;              /* (I) */
    ULONG Tag;                   /* (I) */
    ULONG Size;                  /* (I) bytes of an entry */
    PALLOCATE_FUNCTION Allocate; /* (I) */
    PFREE_FUNCTION Free;         /* (I) */
    LIST_ENTRY ListEntry;        /* (K) MiLookasideLock: among all lists of the kind */
    ULONG LastTotalAllocates;    /* for the balance set manager */
    union {
        ULONG LastAllocateMisses;
        ULONG LastAllocateHits;
    };
    ULONG Future[2]; /* ours: [0] (A) an entry in front of the list, or 0; [1] last FreeMisses */
} GENERAL_LOOKASIDE, *PGENERAL_LOOKASIDE;

typedef struct _NPAGED_LOOKASIDE_LIST {
    GENERAL_LOOKASIDE L;
    ULONG_PTR Lock__ObsoleteButDoNotDelete;
} NPAGED_LOOKASIDE_LIST, *PNPAGED_LOOKASIDE_LIST;

typedef struct _PAGED_LOOKASIDE_LIST {
    GENERAL_LOOKASIDE L;
    ULONG Lock__ObsoleteButDoNotDelete[8]; /* a FAST_MUTEX */
} PAGED_LOOKASIDE_LIST, *PPAGED_LOOKASIDE_LIST;

#if defined(__i386__)
NT_C_ASSERT(FIELD_OFFSET(GENERAL_LOOKASIDE, Depth) == 8);
NT_C_ASSERT(FIELD_OFFSET(GENERAL_LOOKASIDE, Type) == 28);
NT_C_ASSERT(FIELD_OFFSET(GENERAL_LOOKASIDE, Allocate) == 40);
NT_C_ASSERT(FIELD_OFFSET(GENERAL_LOOKASIDE, ListEntry) == 48);
NT_C_ASSERT(FIELD_OFFSET(GENERAL_LOOKASIDE, Future) == 64);
NT_C_ASSERT(sizeof(GENERAL_LOOKASIDE) == 72);
NT_C_ASSERT(sizeof(NPAGED_LOOKASIDE_LIST) == 80);
NT_C_ASSERT(sizeof(PAGED_LOOKASIDE_LIST) == 104);
#endif

/*
 * Make a list of entries of Size bytes, which come from Allocate and go back to Free.
 *
 * => Allocate and Free are NULL: ExAllocatePoolWithTag and ExFreePool.  Flags is 0 or
 *    POOL_RAISE_IF_ALLOCATION_FAILURE; Depth is reserved, 0.
 * => Size is at least that of a SLIST_ENTRY, which is what an unused entry begins with; smaller
 *    ones get that.
 */
void NTAPI ExInitializeNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside,
                                           PALLOCATE_FUNCTION Allocate, PFREE_FUNCTION Free,
                                           ULONG Flags, SIZE_T Size, ULONG Tag, USHORT Depth);
void NTAPI ExInitializePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside,
                                          PALLOCATE_FUNCTION Allocate, PFREE_FUNCTION Free,
                                          ULONG Flags, SIZE_T Size, ULONG Tag, USHORT Depth);

/* => All entries were given back, or will be freed by other means. */
void NTAPI ExDeleteNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside);
void NTAPI ExDeletePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside);

/* What the inline calls below do when the list cannot serve them. */
PVOID ExpAllocateBehindLookaside(PGENERAL_LOOKASIDE Lookaside);
void ExpFreeBehindLookaside(PGENERAL_LOOKASIDE Lookaside, PVOID Entry);
void ExpReturnToLookaside(PGENERAL_LOOKASIDE Lookaside, PSLIST_ENTRY Rest, USHORT Depth);

/*
 * The entry that was freed last waits in front of the list, where one exchange gets it whatever the
 * list holds.  Code that knows only ListHead misses that one entry and is otherwise none the wiser.
 */
static inline PVOID ExpAllocateFromLookaside(PGENERAL_LOOKASIDE Lookaside)
{
    PVOID First = (PVOID)(ULONG_PTR)__atomic_exchange_n(&Lookaside->Future[0], 0, __ATOMIC_ACQUIRE);
    SLIST_HEADER Taken;

    Lookaside->TotalAllocates++;
    if (First != NULL) {
        return First;
    }
    Taken = ExpTakeSList(&Lookaside->ListHead);
    if (Taken.First == NULL) {
        return ExpAllocateBehindLookaside(Lookaside);
    }
    if (Taken.First->Next != NULL) {
        ExpReturnToLookaside(Lookaside, Taken.First->Next, Taken.Depth - 1);
    }
    return Taken.First;
}

static inline void ExpFreeToLookaside(PGENERAL_LOOKASIDE Lookaside, PVOID Entry)
{
    ULONG Empty = 0;

    Lookaside->TotalFrees++;
    if (__atomic_compare_exchange_n(&Lookaside->Future[0], &Empty, (ULONG)(ULONG_PTR)Entry, FALSE,
                                    __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
        return;
    }
    if (Lookaside->ListHead.Depth >= Lookaside->Depth) {
        ExpFreeBehindLookaside(Lookaside, Entry);
    } else {
        ExpPushSListEntry(&Lookaside->ListHead, Entry);
    }
}

static inline PVOID ExAllocateFromNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside)
{
    return ExpAllocateFromLookaside(&Lookaside->L);
}

static inline void ExFreeToNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside, PVOID Entry)
{
    ExpFreeToLookaside(&Lookaside->L, Entry);
}

/* Exported functions, not inline, as on NT for x86. */
PVOID NTAPI ExAllocateFromPagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside);
void NTAPI ExFreeToPagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside, PVOID Entry);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * working_set.h - working sets: which pages an owner may touch without a fault.
 *
 * A working set has an entry (WSLE) for each of its valid pages that can be taken away from it; a
 * process' has one for each page table of the user half, too, whose address is in the self-map.
 * Owners are the processes (mm/space) and the system (paged pool, views of the system cache).  Here
 * are the lists: insert, remove, find, age, and the walk of a trim.  What a page's PTE becomes is
 * the owner's affair (TrimPage); when to trim, and whom, is mm/balance's.
 *
 * Entry layout and field names are those that NT 5.2's debugger shows (!wsle, dt nt!_MMWSL).
 *
 * Letters: (W) the working set's mutex, (E) MmExpansionLock, (P) MiPfnLock, (I) fixed.
 */
#ifndef MM_WS_WORKING_SET_H
#define MM_WS_WORKING_SET_H

#include "ke.h"
#include "mm/pfn/pfn.h"
#include "nt/status.h"

typedef struct _MMWSLENTRY {
    ULONG Valid : 1;
    ULONG LockedInWs : 1;     /* never trimmed: NtLockVirtualMemory, MAP_PROCESS */
    ULONG LockedInMemory : 1; /* the same, MAP_SYSTEM */
    ULONG Protection : 5;
    ULONG Hashed : 1; /* its frame's u1.WsIndex names another entry: found by the hash table */
    ULONG Direct : 1; /* its frame's u1.WsIndex names it */
    ULONG Age : 2;    /* scans since the page was last accessed, at most MI_OLDEST */
    ULONG VirtualPageNumber : 20;
} MMWSLENTRY;

typedef union _MMWSLE {
    ULONG Long; /* free: Valid is 0, and from bit 4 on the next free entry's index */
    MMWSLENTRY e1;
} MMWSLE, *PMMWSLE;

NT_C_ASSERT(sizeof(MMWSLE) == 4);

/* The same bits as masks. */
#define MI_WSLE_VALID      0x001u
#define MI_WSLE_LOCKED     0x006u
#define MI_WSLE_HASHED     0x100u
#define MI_WSLE_DIRECT     0x200u
#define MI_WSLE_VPN        0xFFFFF000u
#define MI_WSLE_NEXT_SHIFT 4

#define MI_WSLES_PER_PAGE  (PAGE_SIZE / sizeof(MMWSLE))

#define MI_OLDEST          3u
#define MI_NO_WSLE         0xFFFFFFFu /* no entry has this index */

/* Room for a user half of 3 GB. */
#define MI_MOST_USER_PAGE_TABLES 768u

typedef struct _MMWSLE_HASH {
    ULONG Key;   /* the page's address and 1; 0: empty */
    ULONG Index; /* of the entry */
} MMWSLE_HASH, *PMMWSLE_HASH;

/* A working-set list: the page before its entries.  Process' own is at MI_WORKING_SET_LIST_VA. */
typedef struct _MMWSL {
    ULONG FirstFree;            /* (W) MI_NO_WSLE: none */
    ULONG FirstDynamic;         /* (I) 0: locked pages keep their entries, and walks pass them by */
    ULONG LastEntry;            /* (W) no entry above is in use */
    ULONG NextSlot;             /* (W) where the next trim goes on */
    PMMWSLE Wsle;               /* (I) the entries */
    ULONG LastInitializedWsle;  /* (W) entries up to here have memory */
    ULONG HighestPermittedWsle; /* (I) the last one that there is an address for */
    ULONG NonDirectCount;       /* (W) entries that are Hashed */
    PMMWSLE_HASH HashTable;     /* (I) */
    ULONG HashTableSize;        /* (W) places with memory; 0: no shared page so far */
    ULONG HighestPermittedHash; /* (I) places that there are addresses for */
    USHORT UsedPageTableEntries[MI_MOST_USER_PAGE_TABLES];    /* (W) entries that are not zero */
    ULONG CommittedPageTables[MI_MOST_USER_PAGE_TABLES / 32]; /* (W) bits: D3 of vad.c */
} MMWSL, *PMMWSL;

NT_C_ASSERT(sizeof(MMWSL) <= PAGE_SIZE);

typedef struct _MMSUPPORT MMSUPPORT, *PMMSUPPORT;

/*
 * Take a page out of its working set: its PTE becomes a transition PTE, flushed, Dirty goes to the
 * frame, the frame loses the share.  MiRemoveWsle is called by this routine.
 *
 * => Under the working set's mutex, in its address space.
 * => FALSE: the page must stay; nothing changed.
 */
typedef BOOLEAN MI_TRIM_PAGE(PMMSUPPORT WorkingSet, ULONG_PTR Va);

struct _MMSUPPORT {
    LIST_ENTRY WorkingSetExpansionLinks; /* (E) Flink NULL: not in the list */
    PKEVENT TrimEnded;                   /* (E) of who waits for BeingTrimmed to end; or NULL */
    ULONG LastPass;                      /* (E) the last walk that it came in */
    PFAST_MUTEX Mutex;                   /* (I) a process' is its AddressCreationLock */
    MI_TRIM_PAGE *TrimPage;              /* (I) */
    PMMWSL VmWorkingSetList;             /* (I) */
    ULONG WorkingSetSize;                /* (W) valid entries */
    ULONG PeakWorkingSetSize;            /* (W) */
    ULONG MinimumWorkingSetSize;         /* (W) pages */
    ULONG MaximumWorkingSetSize;         /* (W) */
    ULONG PageFaultCount;                /* (W) */
    ULONG LockedPages;                   /* (W) entries that are LockedInWs or LockedInMemory */
    ULONG ListPages;                     /* (W) frames that the list has grown by */
    ULONG GrowthSinceLastEstimate;       /* (W) entries inserted since then */
    ULONG NextAgingSlot;                 /* (W) where ageing goes on */
    ULONG NextEstimationSlot;            /* (W) */
    ULONG EstimatedAvailable;            /* (W) entries that were old at the last scan */
    ULONG Claim;                         /* (W) pages that it could give without missing them */
    ULONG64 LastTrimTime;                /* (W) interrupt time */
    UCHAR MemoryPriority;                /* (W) of its pages on standby: 0 to 7 */
    BOOLEAN SessionSpace;                /* (I) */
    BOOLEAN MaximumWorkingSetHard;       /* (W) */
    BOOLEAN MinimumWorkingSetHard;       /* (W) */
    BOOLEAN BeingTrimmed;                /* (E) */
    BOOLEAN TablesStay;                  /* (W) a page makes room for another: page tables do not */
    BOOLEAN SystemSpace;                 /* (I) the system's */
};

#define MI_WORKING_SET_LIST_VA 0xC0503000u /* where a debugger's user looks for it */
#define MI_VAD_BITMAP_VA       0xC0504000u /* the bits of VadBitMap: two pages */
#define MI_WSLE_START          0xC0506000u /* a process' entries ... */
#define MI_WSLE_END            0xC0700000u
#define MI_WSLE_HASH_START     0xC0700000u /* ... and what finds those of shared pages */
#define MI_WSLE_HASH_END       0xC07F0000u
#define MmWorkingSetList       ((PMMWSL)(ULONG_PTR)MI_WORKING_SET_LIST_VA)

#endif

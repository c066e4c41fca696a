/* SPDX-License-Identifier: MIT */
/*
 * resource.h - ERESOURCE: a lock that many threads have shared, or one has exclusive.
 *
 * Names, prototypes and layout as documented for x86 NT 5.2:
 * learn.microsoft.com/windows-hardware/drivers/kernel/introduction-to-eresource-routines and
 * .../ddi/wdm/nf-wdm-exacquireresourcesharedlite and its neighbours.  The structure is opaque to
 * who uses it; it lies in nonpaged memory.
 *
 *     the caller asks for       while others have it shared    and somebody waits for it exclusive
 *     shared                    gets it                        waits
 *     shared, wait for excl.    gets it                        waits
 *     shared, starve exclusive  gets it                        gets it
 *     exclusive                 waits                          waits
 *
 * Who has it already gets it again, as he has it, whoever waits; each time is released for itself.
 * Who has it shared must not wait for it exclusive: that would last for ever, and is an assertion.
 *
 * When an exclusive owner is done all shared waiters get it, else the exclusive waiter who came
 * first; when the last shared owner is done, the exclusive waiter who came first.  So neither kind
 * starves the other, but for the callers of "starve exclusive".
 *
 * Common to the calls: normal kernel APCs are disabled (KeEnterCriticalRegion, a guarded region or
 * APC_LEVEL) from before the acquisition until after the release, an assertion; acquiring is
 * IRQL <= APC_LEVEL, everything else IRQL <= DISPATCH_LEVEL.
 */
#ifndef RESOURCE_H
#define RESOURCE_H

#include "ke.h"
#include "spinlock.h"

typedef ULONG_PTR ERESOURCE_THREAD, *PERESOURCE_THREAD;

/* Letters: (R) the resource's SpinLock, (L) the lock of the list of all resources. */
typedef struct _OWNER_ENTRY {
    ERESOURCE_THREAD OwnerThread; /* (R) 0: nobody */
    union {
        LONG OwnerCount; /* (R) how often he has it */
        ULONG TableSize; /* (R) of OwnerTable[0]: entries with this one */
    };
} OWNER_ENTRY, *POWNER_ENTRY;

typedef struct _ERESOURCE {
    LIST_ENTRY SystemResourcesList;             /* (L) among all */
    POWNER_ENTRY OwnerTable;                    /* (R) further shared owners, from [1]; or NULL */
    SHORT ActiveCount;                          /* (R) owners */
    USHORT Flag;                                /* (R) ResourceOwnedExclusive or 0 */
    struct _EX_RESOURCE_WAIT *SharedWaiters;    /* (R) the last of a ring of them, or NULL */
    struct _EX_RESOURCE_WAIT *ExclusiveWaiters; /* (R) the same */
    OWNER_ENTRY OwnerThreads[2];                /* (R) [0] the exclusive owner, [1] a shared one */
    ULONG ContentionCount;                      /* (R) acquisitions that had to wait */
    USHORT NumberOfSharedWaiters;               /* (R) */
    USHORT NumberOfExclusiveWaiters;            /* (R) */
    union {
        PVOID Address;
        ULONG_PTR CreatorBackTraceIndex;
    };
    KSPIN_LOCK SpinLock;
} ERESOURCE, *PERESOURCE;

#define ResourceOwnedExclusive 0x80

#if defined(__i386__)
NT_C_ASSERT(sizeof(OWNER_ENTRY) == 0x08);
NT_C_ASSERT(sizeof(ERESOURCE) == 0x38);
NT_C_ASSERT(offsetof(ERESOURCE, OwnerTable) == 0x08);
NT_C_ASSERT(offsetof(ERESOURCE, ActiveCount) == 0x0C);
NT_C_ASSERT(offsetof(ERESOURCE, SharedWaiters) == 0x10);
NT_C_ASSERT(offsetof(ERESOURCE, OwnerThreads) == 0x18);
NT_C_ASSERT(offsetof(ERESOURCE, ContentionCount) == 0x28);
NT_C_ASSERT(offsetof(ERESOURCE, NumberOfSharedWaiters) == 0x2C);
NT_C_ASSERT(offsetof(ERESOURCE, Address) == 0x30);
NT_C_ASSERT(offsetof(ERESOURCE, SpinLock) == 0x34);
#endif

/* => STATUS_SUCCESS, always: what waiting and many owners need is made when they come. */
NTSTATUS NTAPI ExInitializeResourceLite(PERESOURCE Resource);

/* As new, keeping the memory.  => Nobody has it or waits for it. */
NTSTATUS NTAPI ExReinitializeResourceLite(PERESOURCE Resource);

/* => Nobody has it or waits for it; its memory is the caller's again. */
NTSTATUS NTAPI ExDeleteResourceLite(PERESOURCE Resource);

/*
 * => FALSE: not now, and Wait was FALSE.  That includes: the third shared owner and those behind
 *    him need nonpaged pool, and there was none; with Wait that is tried again until there is.
 */
BOOLEAN NTAPI ExAcquireResourceSharedLite(PERESOURCE Resource, BOOLEAN Wait);
BOOLEAN NTAPI ExAcquireSharedWaitForExclusive(PERESOURCE Resource, BOOLEAN Wait);
BOOLEAN NTAPI ExAcquireSharedStarveExclusive(PERESOURCE Resource, BOOLEAN Wait);
BOOLEAN NTAPI ExAcquireResourceExclusiveLite(PERESOURCE Resource, BOOLEAN Wait);
BOOLEAN FASTCALL ExTryToAcquireResourceExclusiveLite(PERESOURCE Resource);

/* => The caller, or that thread, has it; else bug check 0xE3: resource, thread, owners' table. */
void FASTCALL ExReleaseResourceLite(PERESOURCE Resource);
void NTAPI ExReleaseResourceForThreadLite(PERESOURCE Resource, ERESOURCE_THREAD ResourceThreadId);

/* What the caller has exclusive he has shared, as often; shared waiters get it too. => As above. */
void NTAPI ExConvertExclusiveToSharedLite(PERESOURCE Resource);

/* => Whether the caller has it exclusive; how often he has it, shared or exclusive. */
BOOLEAN NTAPI ExIsResourceAcquiredExclusiveLite(PERESOURCE Resource);
ULONG NTAPI ExIsResourceAcquiredSharedLite(PERESOURCE Resource);

ULONG NTAPI ExGetSharedWaiterCount(PERESOURCE Resource);
ULONG NTAPI ExGetExclusiveWaiterCount(PERESOURCE Resource);

static inline ERESOURCE_THREAD ExGetCurrentResourceThread(void)
{
    return (ERESOURCE_THREAD)KeGetCurrentThread();
}

/* ---- for the kernel itself (own) ---- */

/* Forget all resources.  => Once a machine, before the first. */
void ExpInitializeResources(void);

/* Check mm/ke/resource.c's invariants for each resource.  => IRQL <= DISPATCH_LEVEL. */
void ExpVerifyResources(void);

/* => How many there are. */
ULONG ExpCountResources(void);

#endif

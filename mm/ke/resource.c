/* SPDX-License-Identifier: MIT */
/*
 * resource.c - ERESOURCE: shared and exclusive owners, and those who wait.
 *
 *     it is       owners                                    waiters that there may be
 *     free        none                                      none
 *     shared      in OwnerThreads[1] and OwnerTable[1...]   exclusive, and shared behind them
 *     exclusive   OwnerThreads[0]                           any
 *
 * Whoever releases it last hands it over: he makes the waiters owners, then wakes them, so that it
 * is never free while somebody waits.  A waiter's block is on its stack.
 *
 * Who is alone with it, or shares it with one, goes by resource_free.h: nothing is looked through.
 *
 * Invariants (ExpVerifyResources):
 *   E1  ActiveCount is the number of entries that name a thread, each with a count above 0, no
 *       thread twice; the count of all others is 0
 *   E2  Flag is ResourceOwnedExclusive exactly when OwnerThreads[0] names somebody; ActiveCount is
 *       1 then
 *   E3  the rings have NumberOfSharedWaiters and NumberOfExclusiveWaiters blocks; nobody waits
 *       while it is free, and nobody shared while it is shared and no exclusive waiter is there
 *   E4  there are entries for all owners and shared waiters as shared owners, so that handing over
 *       and converting cannot fail
 *
 * Locking: each resource's lock; ExpResourceListLock, above them, for the list.
 */
#include "resource.h"

#include "ex.h"
#include "mi_assert.h"
#include "mm/ke/dispatcher.h"
#include "mm/ke/resource_free.h"
#include "nt/bugcodes.h"

#define RESOURCE_TAG 0x54657352u /* 'RseT' */
#define TABLE_STEP   8u
#define MEMORY_PAUSE 100000ll /* 10 ms between two tries to get an owner's entry */
#define OWNER_LIMIT  0x7FFF   /* ActiveCount is 16 bits */

/* Pool is the layer above; without it a resource has two owners at most. */
extern NT_WEAK __typeof__(ExAllocatePoolWithTag) ExAllocatePoolWithTag;
extern NT_WEAK __typeof__(ExFreePoolWithTag) ExFreePoolWithTag;

/* A thread that waits, on its stack. */
typedef struct _EX_RESOURCE_WAIT {
    struct _EX_RESOURCE_WAIT *Next; /* (R) the one behind it; the last one's is the first */
    ERESOURCE_THREAD Thread;
    KEVENT Granted;
} RESOURCE_WAIT, *PRESOURCE_WAIT;

/* What became of a request. */
typedef enum _OUTCOME {
    Granted,
    Waits,
    Refused,
    NeedsEntry /* the table is too small */
} OUTCOME;

static KSPIN_LOCK ExpResourceListLock;
static LIST_ENTRY ExpResourceList; /* (L) of ERESOURCE.SystemResourcesList */

/* ---- owners ---- */

static ULONG TableSize(const ERESOURCE *Resource)
{
    return Resource->OwnerTable != NULL ? Resource->OwnerTable[0].TableSize : 1;
}

/* The entry that names Thread; 0: a free one for a shared owner.  => NULL: there is none. */
static POWNER_ENTRY FindEntry(PERESOURCE Resource, ERESOURCE_THREAD Thread)
{
    ULONG i;

    if (Thread != 0 && Resource->OwnerThreads[0].OwnerThread == Thread) {
        return &Resource->OwnerThreads[0];
    }
    if (Resource->OwnerThreads[1].OwnerThread == Thread) {
        return &Resource->OwnerThreads[1];
    }
    for (i = 1; i < TableSize(Resource); i++) {
        if (Resource->OwnerTable[i].OwnerThread == Thread) {
            return &Resource->OwnerTable[i];
        }
    }
    return NULL;
}

static BOOLEAN IsExclusive(const ERESOURCE *Resource)
{
    return (Resource->Flag & ResourceOwnedExclusive) != 0;
}

/* E4 with one more. */
static BOOLEAN HasRoom(const ERESOURCE *Resource)
{
    return (ULONG)Resource->ActiveCount + Resource->NumberOfSharedWaiters < TableSize(Resource);
}

static void AddSharedOwner(PERESOURCE Resource, ERESOURCE_THREAD Thread)
{
    POWNER_ENTRY Entry = FindEntry(Resource, 0);

    MI_ASSERT(Entry != NULL && Resource->ActiveCount < OWNER_LIMIT); /* E4 */
    Entry->OwnerThread = Thread;
    Entry->OwnerCount = 1;
    Resource->ActiveCount++;
}

static void SetExclusiveOwner(PERESOURCE Resource, ERESOURCE_THREAD Thread)
{
    MI_ASSERT(Resource->ActiveCount == 0);
    Resource->OwnerThreads[0].OwnerThread = Thread;
    Resource->OwnerThreads[0].OwnerCount = 1;
    Resource->ActiveCount = 1;
    Resource->Flag |= ResourceOwnedExclusive; /* E2 */
}

/* A larger table, unless somebody else made one.  => FALSE: no pool. */
static BOOLEAN GrowTable(PERESOURCE Resource, ULONG OldSize)
{
    ULONG Size = OldSize + TABLE_STEP;
    SIZE_T Bytes = Size * sizeof(OWNER_ENTRY);
    POWNER_ENTRY New = ExAllocatePoolWithTag == NULL
                           ? NULL
                           : ExAllocatePoolWithTag(NonPagedPool, Bytes, RESOURCE_TAG);
    POWNER_ENTRY Old = New;
    KIRQL OldIrql;

    if (New == NULL) {
        return FALSE;
    }
    memset(New, 0, Bytes);
    OldIrql = KfAcquireSpinLock(&Resource->SpinLock);
    if (TableSize(Resource) == OldSize) {
        Old = Resource->OwnerTable;
        if (Old != NULL) {
            memcpy(New, Old, OldSize * sizeof(OWNER_ENTRY));
        }
        New[0].TableSize = Size;
        Resource->OwnerTable = New;
    }
    KfReleaseSpinLock(&Resource->SpinLock, OldIrql);
    if (Old != NULL) {
        ExFreePoolWithTag(Old, RESOURCE_TAG);
    }
    return TRUE;
}

/* ---- waiters ---- */

static void AddWaiter(PRESOURCE_WAIT *Last, PRESOURCE_WAIT Wait)
{
    Wait->Next = Wait;
    if (*Last != NULL) {
        Wait->Next = (*Last)->Next;
        (*Last)->Next = Wait;
    }
    *Last = Wait;
}

/* => There is one. */
static PRESOURCE_WAIT TakeFirstWaiter(PRESOURCE_WAIT *Last)
{
    PRESOURCE_WAIT First = (*Last)->Next;

    if (First == *Last) {
        *Last = NULL;
    } else {
        (*Last)->Next = First->Next;
    }
    return First;
}

static void GrantSharedWaiters(PERESOURCE Resource)
{
    while (Resource->SharedWaiters != NULL) {
        PRESOURCE_WAIT Wait = TakeFirstWaiter(&Resource->SharedWaiters);

        Resource->NumberOfSharedWaiters--;
        AddSharedOwner(Resource, Wait->Thread);
        KeSetEvent(&Wait->Granted, EVENT_INCREMENT, FALSE); /* its block may go from here on */
    }
}

static void GrantExclusiveWaiter(PERESOURCE Resource)
{
    PRESOURCE_WAIT Wait = TakeFirstWaiter(&Resource->ExclusiveWaiters);

    Resource->NumberOfExclusiveWaiters--;
    SetExclusiveOwner(Resource, Wait->Thread);
    KeSetEvent(&Wait->Granted, EVENT_INCREMENT, FALSE);
}

/* The last owner is gone. */
static void HandOver(PERESOURCE Resource, BOOLEAN WasExclusive)
{
    if (Resource->SharedWaiters != NULL && (WasExclusive || Resource->ExclusiveWaiters == NULL)) {
        GrantSharedWaiters(Resource);
    } else if (Resource->ExclusiveWaiters != NULL) {
        GrantExclusiveWaiter(Resource);
    }
}

/* ---- acquiring ---- */

static void RequireNoApcs(void)
{
    MI_ASSERT(KiCurrentThread->KernelApcDisable < 0 || KiCurrentThread->SpecialApcDisable < 0 ||
              KeGetCurrentIrql() >= APC_LEVEL);
}

static void BeginWait(PERESOURCE Resource, PRESOURCE_WAIT *Last, PRESOURCE_WAIT Wait)
{
    Wait->Thread = ExGetCurrentResourceThread();
    KeInitializeEvent(&Wait->Granted, SynchronizationEvent, FALSE);
    AddWaiter(Last, Wait);
    Resource->ContentionCount++;
}

/* => Wait NULL: the caller does not want to. */
static OUTCOME AskShared(PERESOURCE Resource, BOOLEAN Starve, PRESOURCE_WAIT Wait)
{
    ERESOURCE_THREAD Thread = ExGetCurrentResourceThread();
    POWNER_ENTRY Mine = FindEntry(Resource, Thread);

    if (Mine != NULL) {
        Mine->OwnerCount++;
        return Granted;
    }
    if (!HasRoom(Resource)) {
        return NeedsEntry;
    }
    if (!IsExclusive(Resource) && (Starve || Resource->NumberOfExclusiveWaiters == 0)) {
        AddSharedOwner(Resource, Thread);
        return Granted;
    }
    if (Wait == NULL) {
        return Refused;
    }
    BeginWait(Resource, &Resource->SharedWaiters, Wait);
    Resource->NumberOfSharedWaiters++;
    return Waits;
}

static OUTCOME AskExclusive(PERESOURCE Resource, PRESOURCE_WAIT Wait)
{
    ERESOURCE_THREAD Thread = ExGetCurrentResourceThread();

    if (Resource->ActiveCount == 0) {
        SetExclusiveOwner(Resource, Thread);
        return Granted;
    }
    if (Resource->OwnerThreads[0].OwnerThread == Thread) {
        Resource->OwnerThreads[0].OwnerCount++;
        return Granted;
    }
    if (Wait == NULL) {
        return Refused;
    }
    MI_ASSERT(FindEntry(Resource, Thread) == NULL); /* he would wait for himself */
    BeginWait(Resource, &Resource->ExclusiveWaiters, Wait);
    Resource->NumberOfExclusiveWaiters++;
    return Waits;
}

/* The way of most calls: who asks for it is alone.  => FALSE: the other way must be tried. */
static inline BOOLEAN TryFree(PERESOURCE Resource, BOOLEAN Exclusive)
{
    KIRQL OldIrql = KeRaiseIrqlToDpcLevel();
    BOOLEAN Taken = ExpTakeFreeResource(Resource, Exclusive, OldIrql) ||
                    (!Exclusive && ExpTakeSecondShare(Resource));

    KiLowerIrqlFromDpcLevel(OldIrql);
    return Taken;
}

static void WaitForGrant(PRESOURCE_WAIT Wait)
{
    (void)KeWaitForSingleObject(&Wait->Granted, WrResource, KernelMode, FALSE, NULL);
}

/* One more entry, at once or after some time.  => FALSE: no pool, and Wait is FALSE. */
static BOOLEAN GetEntry(PERESOURCE Resource, ULONG OldSize, BOOLEAN Wait)
{
    LARGE_INTEGER Pause = {.QuadPart = -MEMORY_PAUSE};
    BOOLEAN Grown = GrowTable(Resource, OldSize);

    if (!Grown && Wait) {
        (void)KeDelayExecutionThread(KernelMode, FALSE, &Pause);
    }
    return Grown || Wait;
}

static BOOLEAN AcquireSharedOwned(PERESOURCE Resource, BOOLEAN Wait, BOOLEAN Starve)
{
    RESOURCE_WAIT Block;
    OUTCOME Outcome;
    ULONG Size;

    do {
        KIRQL OldIrql = KfAcquireSpinLock(&Resource->SpinLock);

        Size = TableSize(Resource);
        Outcome = AskShared(Resource, Starve, Wait ? &Block : NULL);
        KfReleaseSpinLock(&Resource->SpinLock, OldIrql);
    } while (Outcome == NeedsEntry && GetEntry(Resource, Size, Wait));
    if (Outcome == Waits) {
        WaitForGrant(&Block);
    }
    return Outcome == Granted || Outcome == Waits;
}

static inline BOOLEAN AcquireShared(PERESOURCE Resource, BOOLEAN Wait, BOOLEAN Starve)
{
    return TryFree(Resource, FALSE) || AcquireSharedOwned(Resource, Wait, Starve);
}

BOOLEAN NTAPI ExAcquireResourceSharedLite(PERESOURCE Resource, BOOLEAN Wait)
{
    return AcquireShared(Resource, Wait, FALSE);
}

BOOLEAN NTAPI ExAcquireSharedWaitForExclusive(PERESOURCE Resource, BOOLEAN Wait)
{
    return AcquireShared(Resource, Wait, FALSE);
}

BOOLEAN NTAPI ExAcquireSharedStarveExclusive(PERESOURCE Resource, BOOLEAN Wait)
{
    return AcquireShared(Resource, Wait, TRUE);
}

BOOLEAN NTAPI ExAcquireResourceExclusiveLite(PERESOURCE Resource, BOOLEAN Wait)
{
    RESOURCE_WAIT Block;
    OUTCOME Outcome;
    KIRQL OldIrql;

    if (TryFree(Resource, TRUE)) {
        return TRUE;
    }
    OldIrql = KfAcquireSpinLock(&Resource->SpinLock);
    Outcome = AskExclusive(Resource, Wait ? &Block : NULL);
    KfReleaseSpinLock(&Resource->SpinLock, OldIrql);
    if (Outcome == Waits) {
        WaitForGrant(&Block);
    }
    return Outcome != Refused;
}

BOOLEAN FASTCALL ExTryToAcquireResourceExclusiveLite(PERESOURCE Resource)
{
    return ExAcquireResourceExclusiveLite(Resource, FALSE);
}

/* ---- releasing ---- */

static NT_NORETURN void NotOwned(PERESOURCE Resource, ERESOURCE_THREAD Thread)
{
    KeBugCheckEx(RESOURCE_NOT_OWNED, (ULONG_PTR)Resource, Thread, (ULONG_PTR)Resource->OwnerTable,
                 0);
}

/* He is not the only one, or not for the last time, or not an owner at all. */
static void ReleaseOwned(PERESOURCE Resource, ERESOURCE_THREAD ResourceThreadId)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Resource->SpinLock);
    POWNER_ENTRY Entry = ResourceThreadId == 0 ? NULL : FindEntry(Resource, ResourceThreadId);
    BOOLEAN WasExclusive = IsExclusive(Resource);

    if (Entry == NULL) {
        KfReleaseSpinLock(&Resource->SpinLock, OldIrql);
        NotOwned(Resource, ResourceThreadId);
    }
    if (--Entry->OwnerCount == 0) {
        Entry->OwnerThread = 0;
        Resource->Flag &= (USHORT)~ResourceOwnedExclusive;
        Resource->ActiveCount--;
        if (Resource->ActiveCount == 0) {
            HandOver(Resource, WasExclusive);
        }
    }
    KfReleaseSpinLock(&Resource->SpinLock, OldIrql);
}

void NTAPI ExReleaseResourceForThreadLite(PERESOURCE Resource, ERESOURCE_THREAD ResourceThreadId)
{
    KIRQL OldIrql = KeRaiseIrqlToDpcLevel();
    BOOLEAN Given = ExpGiveFreeResource(Resource, ResourceThreadId) ||
                    ExpGiveSecondShare(Resource, ResourceThreadId);

    KiLowerIrqlFromDpcLevel(OldIrql);
    if (!Given) {
        ReleaseOwned(Resource, ResourceThreadId);
    }
}

void FASTCALL ExReleaseResourceLite(PERESOURCE Resource)
{
    RequireNoApcs();
    ExReleaseResourceForThreadLite(Resource, ExGetCurrentResourceThread());
}

void NTAPI ExConvertExclusiveToSharedLite(PERESOURCE Resource)
{
    ERESOURCE_THREAD Thread = ExGetCurrentResourceThread();
    KIRQL OldIrql = KfAcquireSpinLock(&Resource->SpinLock);

    if (Resource->OwnerThreads[0].OwnerThread != Thread) {
        KfReleaseSpinLock(&Resource->SpinLock, OldIrql);
        NotOwned(Resource, Thread);
    }
    Resource->OwnerThreads[1] = Resource->OwnerThreads[0]; /* free: E2 */
    Resource->OwnerThreads[0] = (OWNER_ENTRY){0};
    Resource->Flag &= (USHORT)~ResourceOwnedExclusive;
    GrantSharedWaiters(Resource);
    KfReleaseSpinLock(&Resource->SpinLock, OldIrql);
}

/* ---- looking at it ---- */

BOOLEAN NTAPI ExIsResourceAcquiredExclusiveLite(PERESOURCE Resource)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Resource->SpinLock);
    BOOLEAN Mine = Resource->OwnerThreads[0].OwnerThread == ExGetCurrentResourceThread();

    KfReleaseSpinLock(&Resource->SpinLock, OldIrql);
    return Mine;
}

ULONG NTAPI ExIsResourceAcquiredSharedLite(PERESOURCE Resource)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Resource->SpinLock);
    POWNER_ENTRY Mine = FindEntry(Resource, ExGetCurrentResourceThread());
    ULONG Times = Mine != NULL ? (ULONG)Mine->OwnerCount : 0;

    KfReleaseSpinLock(&Resource->SpinLock, OldIrql);
    return Times;
}

ULONG NTAPI ExGetSharedWaiterCount(PERESOURCE Resource)
{
    return __atomic_load_n(&Resource->NumberOfSharedWaiters, __ATOMIC_RELAXED);
}

ULONG NTAPI ExGetExclusiveWaiterCount(PERESOURCE Resource)
{
    return __atomic_load_n(&Resource->NumberOfExclusiveWaiters, __ATOMIC_RELAXED);
}

/* ---- they come and go ---- */

NTSTATUS NTAPI ExInitializeResourceLite(PERESOURCE Resource)
{
    KIRQL OldIrql;

    memset(Resource, 0, sizeof(*Resource));
    KeInitializeSpinLock(&Resource->SpinLock);
    OldIrql = KfAcquireSpinLock(&ExpResourceListLock);
    InsertTailList(&ExpResourceList, &Resource->SystemResourcesList);
    KfReleaseSpinLock(&ExpResourceListLock, OldIrql);
    return STATUS_SUCCESS;
}

static void RequireUnused(const ERESOURCE *Resource)
{
    MI_ASSERT(Resource->ActiveCount == 0 && Resource->SharedWaiters == NULL &&
              Resource->ExclusiveWaiters == NULL);
}

NTSTATUS NTAPI ExReinitializeResourceLite(PERESOURCE Resource)
{
    RequireUnused(Resource);
    Resource->ContentionCount = 0;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI ExDeleteResourceLite(PERESOURCE Resource)
{
    KIRQL OldIrql;

    RequireUnused(Resource);
    OldIrql = KfAcquireSpinLock(&ExpResourceListLock);
    RemoveEntryList(&Resource->SystemResourcesList);
    KfReleaseSpinLock(&ExpResourceListLock, OldIrql);
    if (Resource->OwnerTable != NULL) {
        ExFreePoolWithTag(Resource->OwnerTable, RESOURCE_TAG);
        Resource->OwnerTable = NULL;
    }
    return STATUS_SUCCESS;
}

void ExpInitializeResources(void)
{
    KeInitializeSpinLock(&ExpResourceListLock);
    InitializeListHead(&ExpResourceList);
}

/* ---- verify ---- */

/* E1 for one entry.  => Returns whether it names somebody. */
static ULONG VerifyEntry(PERESOURCE Resource, const OWNER_ENTRY *Entry)
{
    if (Entry->OwnerThread == 0) {
        MI_ASSERT(Entry->OwnerCount == 0);
        return 0;
    }
    MI_ASSERT(Entry->OwnerCount > 0 && FindEntry(Resource, Entry->OwnerThread) == Entry);
    return 1;
}

/* => How many are in a ring. */
static ULONG CountWaiters(const RESOURCE_WAIT *Last)
{
    const RESOURCE_WAIT *Wait = Last;
    ULONG Count = 0;

    while (Wait != NULL) {
        MI_ASSERT(++Count <= OWNER_LIMIT);
        Wait = Wait->Next == Last ? NULL : Wait->Next;
    }
    return Count;
}

static void VerifyResource(PERESOURCE Resource)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Resource->SpinLock);
    ULONG Owners = 0;
    ULONG i;

    for (i = 0; i < 2; i++) {
        Owners += VerifyEntry(Resource, &Resource->OwnerThreads[i]);
    }
    for (i = 1; i < TableSize(Resource); i++) {
        Owners += VerifyEntry(Resource, &Resource->OwnerTable[i]);
    }
    MI_ASSERT(Owners == (ULONG)Resource->ActiveCount);                                /* E1 */
    MI_ASSERT(IsExclusive(Resource) == (Resource->OwnerThreads[0].OwnerThread != 0)); /* E2 */
    MI_ASSERT(!IsExclusive(Resource) || Owners == 1);
    MI_ASSERT(CountWaiters(Resource->SharedWaiters) == Resource->NumberOfSharedWaiters); /* E3 */
    MI_ASSERT(CountWaiters(Resource->ExclusiveWaiters) == Resource->NumberOfExclusiveWaiters);
    MI_ASSERT(Owners != 0 || Resource->NumberOfExclusiveWaiters == 0);
    MI_ASSERT(IsExclusive(Resource) || Resource->NumberOfSharedWaiters == 0 ||
              Resource->NumberOfExclusiveWaiters != 0);
    MI_ASSERT(Owners + Resource->NumberOfSharedWaiters <= TableSize(Resource)); /* E4 */
    KfReleaseSpinLock(&Resource->SpinLock, OldIrql);
}

void ExpVerifyResources(void)
{
    KIRQL OldIrql = KfAcquireSpinLock(&ExpResourceListLock);
    PLIST_ENTRY Link;

    for (Link = ExpResourceList.Flink; Link != &ExpResourceList; Link = Link->Flink) {
        MI_ASSERT(Link->Flink->Blink == Link);
        VerifyResource(CONTAINING_RECORD(Link, ERESOURCE, SystemResourcesList));
    }
    KfReleaseSpinLock(&ExpResourceListLock, OldIrql);
}

ULONG ExpCountResources(void)
{
    KIRQL OldIrql = KfAcquireSpinLock(&ExpResourceListLock);
    PLIST_ENTRY Link;
    ULONG Count = 0;

    for (Link = ExpResourceList.Flink; Link != &ExpResourceList; Link = Link->Flink) {
        Count++;
    }
    KfReleaseSpinLock(&ExpResourceListLock, OldIrql);
    return Count;
}

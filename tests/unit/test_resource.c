/* SPDX-License-Identifier: MIT */
/*
 * test_resource.c - mm/ke/resource.c: who gets an ERESOURCE, in which order, and who not.
 */
#include "mm/pool/pool_inject.h"
#include "nt/bugcodes.h"
#include "resource.h"
#include "tests/unit/ke_bench.h"
#include "tests/unit/mm_world.h"

static ERESOURCE Resource;

static void Start(void)
{
    MmWorldStart(512);
    HostStartClock();
    KiChoice = NULL;
    BenchClearLog();
    CHECK_EQUAL(STATUS_SUCCESS, ExInitializeResourceLite(&Resource));
    KeEnterCriticalRegion();
}

static void Finish(void)
{
    ExpVerifyResources();
    CHECK_EQUAL(STATUS_SUCCESS, ExDeleteResourceLite(&Resource));
    KeLeaveCriticalRegion();
    HostRunThreads();
    MmWorldFinish();
}

/* ---- what threads of the tests do: get it, say so, wait a little, release ---- */

typedef BOOLEAN NTAPI ACQUIRE(PERESOURCE Resource, BOOLEAN Wait);

typedef struct _USER {
    ACQUIRE *Acquire;
    char Letter; /* logged when it has it; the capital when it has released it */
    LONG Milliseconds;
} USER;

static void Use(PVOID Context)
{
    const USER *User = Context;

    KeEnterCriticalRegion();
    CHECK(User->Acquire(&Resource, TRUE));
    BenchLog(User->Letter);
    ExpVerifyResources();
    if (User->Milliseconds != 0) {
        BenchSleep(User->Milliseconds);
    }
    BenchLog((char)(User->Letter - 32));
    ExReleaseResourceLite(&Resource);
    ExpVerifyResources();
    KeLeaveCriticalRegion();
}

static void Begin(const USER *User)
{
    BenchThread(12, Use, (PVOID)(ULONG_PTR)User);
}

#define SHARED    ExAcquireResourceSharedLite
#define POLITE    ExAcquireSharedWaitForExclusive
#define STARVE    ExAcquireSharedStarveExclusive
#define EXCLUSIVE ExAcquireResourceExclusiveLite

/* ---- one thread ---- */

TEST(Resource_is_counted_for_its_owner)
{
    Start();
    CHECK(SHARED(&Resource, FALSE));
    CHECK(STARVE(&Resource, FALSE));
    CHECK(POLITE(&Resource, TRUE));
    CHECK_EQUAL(3, ExIsResourceAcquiredSharedLite(&Resource));
    CHECK(!ExIsResourceAcquiredExclusiveLite(&Resource));
    CHECK(!EXCLUSIVE(&Resource, FALSE)); /* shared does not become exclusive */
    ExReleaseResourceLite(&Resource);
    ExReleaseResourceLite(&Resource);
    ExReleaseResourceForThreadLite(&Resource, ExGetCurrentResourceThread());
    CHECK_EQUAL(0, ExIsResourceAcquiredSharedLite(&Resource));
    CHECK(EXCLUSIVE(&Resource, FALSE));
    CHECK(SHARED(&Resource, FALSE)); /* again, and still exclusive */
    CHECK(ExTryToAcquireResourceExclusiveLite(&Resource));
    CHECK_EQUAL(3, ExIsResourceAcquiredSharedLite(&Resource));
    CHECK(ExIsResourceAcquiredExclusiveLite(&Resource));
    CHECK_EQUAL(1, Resource.ActiveCount);
    ExReleaseResourceLite(&Resource);
    ExReleaseResourceLite(&Resource);
    CHECK(ExIsResourceAcquiredExclusiveLite(&Resource));
    ExReleaseResourceLite(&Resource);
    CHECK_EQUAL(0, Resource.ActiveCount);
    CHECK_EQUAL(0, Resource.ContentionCount);
    CHECK_EQUAL(STATUS_SUCCESS, ExReinitializeResourceLite(&Resource));
    Finish();
}

TEST(Resource_in_a_guarded_region_or_at_APC_LEVEL_will_do)
{
    KIRQL OldIrql;

    Start();
    KeLeaveCriticalRegion();
    KeEnterGuardedRegion();
    CHECK(SHARED(&Resource, TRUE));
    ExReleaseResourceLite(&Resource);
    KeLeaveGuardedRegion();
    OldIrql = KfRaiseIrql(APC_LEVEL);
    CHECK(EXCLUSIVE(&Resource, TRUE));
    ExReleaseResourceLite(&Resource);
    KfLowerIrql(OldIrql);
    KeEnterCriticalRegion();
    Finish();
}

/* ---- who waits for whom ---- */

TEST(Resource_shared_owners_are_there_together_and_exclusive_is_alone)
{
    const USER Shared = {SHARED, 'a', 20};
    const USER AndShared = {SHARED, 'b', 40};
    const USER Exclusive = {EXCLUSIVE, 'x', 20};

    Start();
    Begin(&Shared);
    Begin(&AndShared);
    Begin(&Exclusive);
    CHECK_TEXT("ab", BenchText());
    CHECK_EQUAL(2, Resource.ActiveCount);
    CHECK_EQUAL(1, ExGetExclusiveWaiterCount(&Resource));
    CHECK(!EXCLUSIVE(&Resource, FALSE));
    CHECK(EXCLUSIVE(&Resource, TRUE)); /* behind x */
    CHECK_TEXT("abABxX", BenchText());
    CHECK(Resource.ContentionCount == 2);
    ExReleaseResourceLite(&Resource);
    Finish();
}

/* The table of resource.h, its last column. */
TEST(Resource_shared_requests_heed_an_exclusive_waiter_but_for_one_kind)
{
    const USER Exclusive = {EXCLUSIVE, 'x', 20};
    const USER Shared = {SHARED, 'a', 0};
    const USER Polite = {POLITE, 'b', 0};
    const USER Starves = {STARVE, 'c', 0};

    Start();
    CHECK(SHARED(&Resource, TRUE));
    Begin(&Exclusive);
    Begin(&Shared);
    Begin(&Polite);
    Begin(&Starves);
    CHECK_TEXT("cC", BenchText());
    CHECK_EQUAL(2, ExGetSharedWaiterCount(&Resource));
    CHECK(SHARED(&Resource, TRUE)); /* again: or it would wait for ever */
    CHECK(POLITE(&Resource, TRUE));
    ExReleaseResourceLite(&Resource);
    ExReleaseResourceLite(&Resource);
    CHECK_TEXT("cC", BenchText());
    ExReleaseResourceLite(&Resource);
    CHECK(EXCLUSIVE(&Resource, TRUE));
    CHECK_TEXT("cCxXaAbB", BenchText());
    ExReleaseResourceLite(&Resource);
    Finish();
}

static void AskInVain(PVOID Context)
{
    (void)Context;
    KeEnterCriticalRegion();
    CHECK(!SHARED(&Resource, FALSE));
    CHECK(!POLITE(&Resource, FALSE));
    CHECK(!STARVE(&Resource, FALSE));
    CHECK(!EXCLUSIVE(&Resource, FALSE));
    CHECK_EQUAL(0, ExIsResourceAcquiredSharedLite(&Resource));
    KeLeaveCriticalRegion();
    BenchLog('n');
}

TEST(Resource_request_that_may_not_wait_fails_without_a_trace)
{
    Start();
    CHECK(EXCLUSIVE(&Resource, TRUE));
    BenchThread(9, AskInVain, NULL);
    CHECK_TEXT("n", BenchText());
    CHECK_EQUAL(0, Resource.ContentionCount);
    CHECK_EQUAL(0, ExGetSharedWaiterCount(&Resource) + ExGetExclusiveWaiterCount(&Resource));
    ExReleaseResourceLite(&Resource);
    Finish();
}

/* Neither kind starves the other: who asks later does not get it earlier twice. */
TEST(Resource_goes_to_the_shared_waiters_then_to_an_exclusive_one)
{
    const USER First = {EXCLUSIVE, 'x', 20};
    const USER Second = {EXCLUSIVE, 'y', 20};
    const USER Shared = {SHARED, 'a', 20};
    const USER AndShared = {SHARED, 'b', 20};

    Start();
    CHECK(EXCLUSIVE(&Resource, TRUE));
    Begin(&First);
    Begin(&Shared);
    Begin(&Second);
    Begin(&AndShared);
    CHECK_EQUAL(2, ExGetSharedWaiterCount(&Resource));
    CHECK_EQUAL(2, ExGetExclusiveWaiterCount(&Resource));
    ExReleaseResourceLite(&Resource);
    CHECK(!SHARED(&Resource, FALSE)); /* x is next */
    BenchSleep(200);
    CHECK_TEXT("abABxXyY", BenchText());
    Finish();
}

TEST(Resource_conversion_lets_shared_waiters_in)
{
    const USER Exclusive = {EXCLUSIVE, 'x', 0};
    const USER Shared = {SHARED, 'a', 0};

    Start();
    CHECK(EXCLUSIVE(&Resource, TRUE));
    CHECK(EXCLUSIVE(&Resource, TRUE));
    Begin(&Exclusive);
    Begin(&Shared);
    CHECK_TEXT("", BenchText());
    ExConvertExclusiveToSharedLite(&Resource);
    CHECK_TEXT("aA", BenchText());
    CHECK_EQUAL(2, ExIsResourceAcquiredSharedLite(&Resource));
    CHECK(!ExIsResourceAcquiredExclusiveLite(&Resource));
    ExReleaseResourceLite(&Resource);
    CHECK_TEXT("aA", BenchText());
    ExReleaseResourceLite(&Resource);
    CHECK_TEXT("aAxX", BenchText());
    Finish();
}

/* ---- many owners, and no memory for them ---- */

#define MANY 14u

TEST(Resource_has_room_for_many_owners)
{
    static USER Users[MANY];
    ULONG i;

    Start();
    for (i = 0; i < MANY; i++) {
        Users[i] = (USER){SHARED, 'a', 50};
        Begin(&Users[i]);
    }
    CHECK_EQUAL(MANY, Resource.ActiveCount);
    ExpVerifyResources();
    CHECK(EXCLUSIVE(&Resource, TRUE));
    for (i = 0; i < MANY; i++) {
        Begin(&Users[i]);
    }
    CHECK_EQUAL(MANY, ExGetSharedWaiterCount(&Resource));
    ExReleaseResourceLite(&Resource);
    CHECK_EQUAL(MANY, Resource.ActiveCount);
    BenchSleep(100);
    CHECK_EQUAL(0, Resource.ActiveCount);
    Finish();
}

static void ShareLater(PVOID Context)
{
    ULONG Before = BenchNow();

    (void)Context;
    KeEnterCriticalRegion();
    MiFailPoolAllocation(1);
    CHECK(!SHARED(&Resource, FALSE));
    CHECK(MiPoolFailureHappened());
    BenchLog('n');
    MiFailPoolAllocation(1);
    CHECK(SHARED(&Resource, TRUE));
    CHECK(MiPoolFailureHappened());
    MiFailPoolAllocation(0);
    CHECK(BenchNow() > Before);
    BenchLog('g');
    ExReleaseResourceLite(&Resource);
    KeLeaveCriticalRegion();
}

TEST(Resource_request_without_memory_for_its_owner_is_tried_again)
{
    Start();
    CHECK(SHARED(&Resource, TRUE));
    BenchThread(12, ShareLater, NULL);
    CHECK_TEXT("n", BenchText());
    BenchSleep(50);
    CHECK_TEXT("ng", BenchText());
    ExReleaseResourceLite(&Resource);
    Finish();
}

/* ---- misuse ---- */

static void ReleaseIt(PVOID Context)
{
    (void)Context;
    ExReleaseResourceLite(&Resource);
}

static void ReleaseForNobody(PVOID Context)
{
    (void)Context;
    ExReleaseResourceForThreadLite(&Resource, 0);
}

static void ConvertIt(PVOID Context)
{
    (void)Context;
    ExConvertExclusiveToSharedLite(&Resource);
}

static void WaitForMyself(PVOID Context)
{
    (void)Context;
    (void)EXCLUSIVE(&Resource, TRUE);
}

static void DeleteIt(PVOID Context)
{
    (void)Context;
    (void)ExDeleteResourceLite(&Resource);
}

static void ShareWithApcs(PVOID Context)
{
    (void)Context;
    KeLeaveCriticalRegion();
    (void)SHARED(&Resource, FALSE);
}

TEST(Resource_misuse_stops_the_machine)
{
    Start();
    HostExpectBugCheck(RESOURCE_NOT_OWNED, ReleaseIt, NULL);
    HostExpectBugCheck(RESOURCE_NOT_OWNED, ReleaseForNobody, NULL);
    CHECK(SHARED(&Resource, TRUE));
    HostExpectBugCheck(RESOURCE_NOT_OWNED, ConvertIt, NULL);
    HostExpectBugCheck(MEMORY_MANAGEMENT, DeleteIt, NULL);
    HostExpectBugCheck(MEMORY_MANAGEMENT, WaitForMyself, NULL);
    HostMachineDelete();
    Start();
    HostExpectBugCheck(MEMORY_MANAGEMENT, ShareWithApcs, NULL);
    HostMachineDelete();
}

static void Verify(PVOID Context)
{
    (void)Context;
    ExpVerifyResources();
}

TEST(Resource_that_was_damaged_is_found)
{
    Start();
    CHECK_EQUAL(1, ExpCountResources());
    Resource.ActiveCount = 1; /* E1 */
    HostExpectBugCheck(MEMORY_MANAGEMENT, Verify, NULL);
    HostMachineDelete();
    Start();
    Resource.Flag = ResourceOwnedExclusive; /* E2 */
    HostExpectBugCheck(MEMORY_MANAGEMENT, Verify, NULL);
    HostMachineDelete();
    Start();
    Resource.NumberOfSharedWaiters = 1; /* E3 */
    HostExpectBugCheck(MEMORY_MANAGEMENT, Verify, NULL);
    HostMachineDelete();
}

/* ---- chance: threads that are preempted anywhere ---- */

#define THREADS 6u
#define STEPS   150u

static ULONG Sharing; /* by the threads' own account */
static ULONG Excluding;
static ULONG Had[2];
static ULONG Left;
static uint64_t Random;

static void Enter(BOOLEAN Exclusive)
{
    KIRQL OldIrql = KfRaiseIrql(DISPATCH_LEVEL);

    CHECK_EQUAL(0, Excluding);
    CHECK(!Exclusive || Sharing == 0);
    *(Exclusive ? &Excluding : &Sharing) += 1;
    Had[Exclusive]++;
    KfLowerIrql(OldIrql);
}

static void Leave(BOOLEAN Exclusive)
{
    KIRQL OldIrql = KfRaiseIrql(DISPATCH_LEVEL);

    *(Exclusive ? &Excluding : &Sharing) -= 1;
    KfLowerIrql(OldIrql);
}

static void Hold(BOOLEAN Exclusive)
{
    ULONG Times = TestRandom(&Random) % 3;
    ULONG i;

    Enter(Exclusive);
    for (i = 0; i < Times; i++) {
        CHECK(SHARED(&Resource, TRUE));
    }
    CHECK_EQUAL(Times + 1, ExIsResourceAcquiredSharedLite(&Resource));
    CHECK_EQUAL(Exclusive, ExIsResourceAcquiredExclusiveLite(&Resource));
    if (TestRandom(&Random) % 4 == 0) {
        BenchSleep((LONG)(TestRandom(&Random) % 30));
    }
    if (Exclusive && TestRandom(&Random) % 3 == 0) {
        Leave(TRUE);
        Enter(FALSE); /* before anybody is let in */
        ExConvertExclusiveToSharedLite(&Resource);
        Exclusive = FALSE;
    }
    for (i = 0; i < Times; i++) {
        ExReleaseResourceLite(&Resource);
    }
    Leave(Exclusive);
    ExReleaseResourceLite(&Resource);
}

static void RunThread(PVOID Context)
{
    static ACQUIRE *const Kinds[] = {SHARED, POLITE, STARVE, EXCLUSIVE};
    ULONG Step;

    (void)Context;
    for (Step = 0; Step < STEPS; Step++) {
        ULONG Kind = TestRandom(&Random) % 4;

        KeEnterCriticalRegion();
        if (Kinds[Kind](&Resource, TestRandom(&Random) % 4 != 0)) {
            Hold(Kind == 3);
        }
        KeLeaveCriticalRegion();
        ExpVerifyResources();
    }
    Left--;
}

/* A deadlock is bug check HOST_BUGCHECK_DEADLOCK. */
static void RunSeed(uint64_t Seed)
{
    ULONG i;

    MmWorldStart(512);
    HostStartClock();
    HostSetPreemption(20);
    Random = Seed | 1;
    Left = THREADS;
    Had[0] = Had[1] = 0;
    CHECK_EQUAL(STATUS_SUCCESS, ExInitializeResourceLite(&Resource));
    for (i = 0; i < THREADS; i++) {
        HostThreadCreate(RunThread, NULL);
    }
    while (Left != 0) {
        BenchSleep(20);
    }
    HostSetPreemption(0);
    CHECK(Had[0] > STEPS && Had[1] > STEPS / 2);
    CHECK(Resource.ContentionCount > STEPS / 4);
    CHECK_EQUAL(0, Resource.ActiveCount);
    CHECK_EQUAL(STATUS_SUCCESS, ExDeleteResourceLite(&Resource));
    HostRunThreads();
    MmWorldFinish();
}

TEST(Prop_resource_is_never_exclusive_and_shared_and_nobody_waits_for_ever)
{
    uint64_t Rounds = TestRounds(60);
    uint64_t Round;

    for (Round = 0; Round < Rounds; Round++) {
        RunSeed(TestSeed() + Round * 2);
    }
    TestCountOperations(Rounds * THREADS * STEPS, Rounds);
}

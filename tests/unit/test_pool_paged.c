/* SPDX-License-Identifier: MIT */
/*
 * test_pool_paged.c - paged pool whose memory is not there until it is touched, and goes again.
 *
 * While IRQL rises to DISPATCH_LEVEL, hence wherever a spin lock is held, all of paged pool is
 * taken away; touching it there is bug check 0x0A.  So each path that these tests run keeps the
 * rule.
 */
#include "mm/pool/lookaside.h"
#include "mm/pool/pool_block.h"
#include "mm/pool/pool_front.h"
#include "nt/bugcodes.h"
#include "tests/unit/ke_bench.h"
#include "tests/unit/pool_world.h"
#include "tests/unit/test.h"

#define BLOCKS 60u

static PVOID Blocks[BLOCKS];
static uint64_t State;

static ULONG Below(ULONG Limit)
{
    return TestRandom(&State) % Limit;
}

static void Start(BOOLEAN Poison)
{
    const POOL_WORLD World = {8, 8, 40, Poison, FALSE};

    State = TestSeed();
    memset(Blocks, 0, sizeof(Blocks));
    PoolWorldCreate(&World);
}

static void Discard(PVOID Context, const char *Piece, SIZE_T Bytes)
{
    (void)Context;
    (void)Piece;
    (void)Bytes;
}

/* One operation of any kind on a block of either pool. */
static void Act(PVOID *Block)
{
    static const ULONG Sizes[] = {8, 40, 100, 500, 1024, 2000, 0xFF0, PAGE_SIZE, 2 * PAGE_SIZE};
    BOOLEAN QuotaCharged;

    if (*Block == NULL) {
        *Block = ExAllocatePoolWithTag(Below(8) == 0 ? NonPagedPool : PagedPool,
                                       Sizes[Below(RTL_NUMBER_OF(Sizes))], TAG_A);
    } else if (Below(8) == 0) {
        MiDumpPoolPage(Discard, NULL, *Block, 0);
        CHECK(ExQueryPoolBlockSize(*Block, &QuotaCharged) != 0);
    } else {
        ExFreePoolWithTag(*Block, TAG_A);
        *Block = NULL;
    }
}

static void FreeAll(void)
{
    ULONG Index;

    for (Index = 0; Index < BLOCKS; Index++) {
        if (Blocks[Index] != NULL) {
            ExFreePool(Blocks[Index]);
        }
    }
}

static void RunTrimmed(BOOLEAN Poison)
{
    ULONG Round;

    Start(Poison);
    KiSetRaiseRoutine(PoolWorldTrimPaged);
    for (Round = 0; Round < TestRounds(6000); Round++) {
        Act(&Blocks[Below(BLOCKS)]);
        if (Round % 500 == 0) {
            PoolWorldVerify();
        }
    }
    FreeAll();
    CHECK(PoolPagedFaults > 1000);
    PoolWorldCheckEmpty();
    HostMachineDelete();
}

TEST(Paged_pool_is_never_touched_at_DISPATCH_LEVEL)
{
    RunTrimmed(FALSE);
}

TEST(Poisoned_paged_pool_is_never_touched_at_DISPATCH_LEVEL)
{
    RunTrimmed(TRUE);
}

TEST(Paged_lookaside_entries_are_never_touched_at_DISPATCH_LEVEL)
{
    PAGED_LOOKASIDE_LIST List;
    ULONG Round;

    Start(FALSE);
    KiSetRaiseRoutine(PoolWorldTrimPaged);
    ExInitializePagedLookasideList(&List, NULL, NULL, 0, 100, TAG_A, 0);
    for (Round = 0; Round < 500; Round++) {
        PVOID *Block = &Blocks[Below(BLOCKS)];

        if (*Block == NULL) {
            *Block = ExAllocateFromPagedLookasideList(&List);
        } else {
            ExFreeToPagedLookasideList(&List, *Block);
            *Block = NULL;
        }
    }
    FreeAll();
    ExDeletePagedLookasideList(&List);
    PoolWorldCheckEmpty();
    HostMachineDelete();
}

TEST(Paged_pages_come_when_they_are_touched_and_not_before)
{
    PUCHAR P;

    Start(FALSE);
    P = ExAllocatePoolWithTag(PagedPool, 4 * PAGE_SIZE, TAG_A);
    CHECK_EQUAL(0, PoolPagedFaults);
    P[2 * PAGE_SIZE] = 1;
    CHECK_EQUAL(1, PoolPagedFaults);
    PoolWorldTrimPaged();
    CHECK_EQUAL(1, P[2 * PAGE_SIZE]);
    CHECK_EQUAL(2, PoolPagedFaults);
    ExFreePool(P);
    PoolWorldCheckEmpty();
    HostMachineDelete();
}

TEST(Free_of_paged_pool_that_is_not_there_at_DISPATCH_LEVEL_is_C2_9)
{
    PUCHAR P;
    KIRQL Old;

    Start(FALSE);
    P = ExAllocatePoolWithTag(PagedPool, 100, TAG_A);
    PoolWorldTrimPaged();
    Old = KfRaiseIrql(DISPATCH_LEVEL);
    PoolExpectFreeStops(
        (POOL_STOP){BAD_POOL_CALLER, {0x9, DISPATCH_LEVEL, PagedPool, (ULONG_PTR)P}}, P, TAG_A);
    KfLowerIrql(Old);
    ExFreePool(P);
    PoolWorldCheckEmpty();
    HostMachineDelete();
}

/* ---- several pools ---- */

static KEVENT Held;
static KEVENT Release;

/* Keep pool Context locked until Release. */
static void HoldPool(PVOID Context) NT_NO_LOCK_ANALYSIS
{
    PMI_POOL Pool = MiFindPool(PagedPool, *(PULONG)Context);
    KIRQL OldIrql = MiLockPool(Pool);

    KeSetEvent(&Held, IO_NO_INCREMENT, FALSE);
    BenchWait(&Release);
    MiUnlockPool(Pool, OldIrql);
}

static void LockPoolElsewhere(PULONG Index)
{
    KeInitializeEvent(&Held, NotificationEvent, FALSE);
    KeInitializeEvent(&Release, NotificationEvent, FALSE);
    HostThreadCreate(HoldPool, Index);
    BenchWait(&Held);
}

TEST(Paged_allocation_passes_a_pool_whose_lock_is_held)
{
    ULONG Locked = 1;
    ULONG Seen = 0;
    ULONG Index;

    Start(FALSE);
    LockPoolElsewhere(&Locked);
    for (Index = 0; Index < 9; Index++) {
        Blocks[Index] = ExAllocatePoolWithTag(PagedPool, 100, TAG_A);
        Seen |= 1u << MiPoolHeaderOf(Blocks[Index])->PoolIndex;
    }
    CHECK_EQUAL(5, Seen);
    KeSetEvent(&Release, IO_NO_INCREMENT, FALSE);
    HostRunThreads();
    FreeAll();
    PoolWorldCheckEmpty();
    HostMachineDelete();
}

static void AllocateOne(PVOID Context)
{
    Blocks[0] = ExAllocatePoolWithTag(PagedPool, 100, TAG_A);
    (void)Context;
}

TEST(Paged_allocation_waits_when_the_only_pool_is_locked)
{
    ULONG Locked = 0;

    MiSetNumberOfPagedPools(1);
    Start(FALSE);
    HostStartClock();
    LockPoolElsewhere(&Locked);
    HostThreadCreate(AllocateOne, NULL);
    BenchSleep(100);
    CHECK(Blocks[0] == NULL);
    KeSetEvent(&Release, IO_NO_INCREMENT, FALSE);
    HostRunThreads();
    CHECK(Blocks[0] != NULL);
    FreeAll();
    PoolWorldCheckEmpty();
    MiSetNumberOfPagedPools(MI_USUAL_PAGED_POOLS);
    HostMachineDelete();
}

/* ---- threads ---- */

#define THREADS 4u

/* A quarter of the blocks is this thread's. */
static void ActForAWhile(PVOID Context)
{
    PVOID *Own = Context;
    ULONG Round;

    for (Round = 0; Round < TestRounds(1000); Round++) {
        Act(&Own[Below(BLOCKS / THREADS)]);
    }
}

/* Paging I/O: others run meanwhile. */
static void WaitAWhile(void)
{
    if (Below(4) == 0) {
        HostYield();
    }
}

static void RunThreads(ULONG Pools)
{
    ULONG Thread;

    MiSetNumberOfPagedPools(Pools);
    Start(FALSE);
    HostStartClock();
    HostSetPreemption(5);
    KiSetRaiseRoutine(PoolWorldTrimPaged);
    PoolSetPagedFaultRoutine(WaitAWhile);
    for (Thread = 0; Thread < THREADS; Thread++) {
        HostThreadCreate(ActForAWhile, &Blocks[Thread * (BLOCKS / THREADS)]);
    }
    HostRunThreads();
    HostSetPreemption(0);
    PoolSetPagedFaultRoutine(NULL);
    KiSetRaiseRoutine(NULL);
    PoolWorldVerify();
    FreeAll();
    PoolWorldCheckEmpty();
    MiSetNumberOfPagedPools(MI_USUAL_PAGED_POOLS);
    HostMachineDelete();
}

TEST(Threads_share_one_paged_pool_whose_faults_wait)
{
    RunThreads(1);
}

TEST(Threads_share_five_paged_pools_whose_faults_wait)
{
    RunThreads(5);
}

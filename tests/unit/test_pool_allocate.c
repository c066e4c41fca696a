/* SPDX-License-Identifier: MIT */
/*
 * test_pool_allocate.c - sizes, types, tags, IRQL, priorities, and running out.
 */
#include "mm/pool/pool_block.h"
#include "nt/bugcodes.h"
#include "tests/unit/pool_world.h"
#include "tests/unit/test.h"

static void Start(void)
{
    PoolWorldCreate(&PoolWorldPlain);
}

static void End(void)
{
    PoolWorldCheckEmpty();
    HostMachineDelete();
}

static SIZE_T SizeOf(PVOID P)
{
    BOOLEAN QuotaCharged = TRUE;
    SIZE_T Bytes = ExQueryPoolBlockSize(P, &QuotaCharged);

    CHECK_EQUAL(FALSE, QuotaCharged);
    return Bytes;
}

/* ---- sizes ---- */

TEST(Pool_sizes_round_up_to_eight_bytes)
{
    static const ULONG Asked[] = {0, 1, 8, 9, 16, 17, 0xFE9, 0xFF0, 0xFF1, 0x1000, 0x1001};
    static const ULONG Given[] = {8, 8, 8, 16, 16, 24, 0xFF0, 0xFF0, 0x1000, 0x1000, 0x2000};
    ULONG Index;

    Start();
    for (Index = 0; Index < RTL_NUMBER_OF(Asked); Index++) {
        PVOID P = ExAllocatePoolWithTag(NonPagedPool, Asked[Index], TAG_A);

        CHECK_EQUAL(Given[Index], SizeOf(P));
        CHECK_EQUAL(Asked[Index] > 0xFF0, BYTE_OFFSET(P) == 0);
        ExFreePool(P);
    }
    End();
}

TEST(Pool_header_has_the_documented_fields)
{
    PPOOL_HEADER Header;
    PVOID P;

    Start();
    P = ExAllocatePoolWithTag(PagedPool, 0x38, TAG_A);
    Header = MiPoolHeaderOf(P);
    CHECK_EQUAL(TAG_A, ((PULONG)P)[-1]);
    CHECK_EQUAL(0x40 / 8, Header->BlockSize);
    CHECK_EQUAL(0, Header->PreviousSize);
    /* Bits 0-8, 9-15, 16-24, 25-31 of the first word. */
    CHECK_EQUAL(Header->PoolIndex << 9 | 8 << 16 | 6u << 25, ((PULONG)P)[-2]);
    ExFreePool(P);
    End();
}

TEST(CacheAligned_data_begins_at_64_bytes)
{
    static const ULONG Sizes[] = {1, 64, 100, 1000, 4031, 4032, 4033};
    PVOID Blocks[RTL_NUMBER_OF(Sizes)];
    ULONG Index;

    Start();
    for (Index = 0; Index < RTL_NUMBER_OF(Sizes); Index++) {
        Blocks[Index] = ExAllocatePoolWithTag(NonPagedPoolCacheAligned, Sizes[Index], TAG_A);
        CHECK(Blocks[Index] != NULL);
        CHECK_EQUAL(0, (ULONG_PTR)Blocks[Index] % 64);
        CHECK(SizeOf(Blocks[Index]) >= Sizes[Index]);
        MiVerifyPool();
    }
    for (Index = 0; Index < RTL_NUMBER_OF(Sizes); Index++) {
        ExFreePool(Blocks[Index]);
    }
    End();
}

TEST(Pool_refuses_sizes_that_no_pool_could_hold)
{
    Start();
    CHECK(ExAllocatePoolWithTag(NonPagedPool, 0x7FFFF000u, TAG_A) == NULL);
    CHECK(ExAllocatePoolWithTag(NonPagedPool, 0xFFFFFFF0u, TAG_A) == NULL);
    CHECK(ExAllocatePoolWithTag(PagedPool, 0xFFFFFFFFu, TAG_A) == NULL);
    CHECK(ExAllocatePoolWithTag(PagedPool, 0xFFFFF000u, TAG_A) == NULL);
    End();
}

/* ---- types ---- */

TEST(MustSucceed_types_are_C2_9A)
{
    Start();
    PoolExpectAllocateStops((POOL_STOP){BAD_POOL_CALLER, {0x9A, 2, 100, TAG_A}},
                            NonPagedPoolMustSucceed, 100, TAG_A);
    PoolExpectAllocateStops((POOL_STOP){BAD_POOL_CALLER, {0x9A, 6, 100, TAG_A}},
                            NonPagedPoolCacheAlignedMustS, 100, TAG_A);
    PoolExpectAllocateStops((POOL_STOP){BAD_POOL_CALLER, {0x9A, 34, 100, TAG_A}},
                            NonPagedPoolMustSucceedSession, 100, TAG_A);
    HostMachineDelete();
}

TEST(Types_that_do_not_exist_get_NULL)
{
    static const ULONG Types[] = {3, 7, 33, 35, 39, 64, 512, 0x80000000u};
    ULONG Index;

    Start();
    for (Index = 0; Index < RTL_NUMBER_OF(Types); Index++) {
        CHECK(ExAllocatePoolWithTag((POOL_TYPE)Types[Index], 100, TAG_A) == NULL);
    }
    End();
}

TEST(Paged_pools_take_turns)
{
    PVOID Blocks[3];
    ULONG Seen = 0;
    ULONG Index;

    Start();
    for (Index = 0; Index < 3; Index++) {
        Blocks[Index] = ExAllocatePoolWithTag(PagedPool, 100, TAG_A);
        Seen |= 1u << MiPoolHeaderOf(Blocks[Index])->PoolIndex;
    }
    CHECK_EQUAL(7, Seen);
    for (Index = 0; Index < 3; Index++) {
        ExFreePool(Blocks[Index]);
    }
    End();
}

/* ---- tags ---- */

TEST(Tags_that_say_nothing_are_C2_9B_9C_9D)
{
    Start();
    PoolExpectAllocateStops((POOL_STOP){BAD_POOL_CALLER, {0x9B, PagedPool, 100, POOL_ANY}},
                            PagedPool, 100, 0);
    PoolExpectAllocateStops((POOL_STOP){BAD_POOL_CALLER, {0x9B, 0, 100, POOL_ANY}}, NonPagedPool,
                            100, PROTECTED_POOL);
    PoolExpectAllocateStops((POOL_STOP){BAD_POOL_CALLER, {0x9C, PagedPool, 200, POOL_ANY}},
                            PagedPool, 200, 0x00474942);
    PoolExpectAllocateStops((POOL_STOP){BAD_POOL_CALLER, {0x9C, 0, 200, POOL_ANY}}, NonPagedPool,
                            200, 0x20474942);
    PoolExpectAllocateStops((POOL_STOP){BAD_POOL_CALLER, {0x9D, 0x2A2A2A2A, PagedPool, POOL_ANY}},
                            PagedPool, 300, 0x2A2A2A2A);
    PoolExpectAllocateStops((POOL_STOP){BAD_POOL_CALLER, {0x9D, 0x00000001, 0, POOL_ANY}},
                            NonPagedPool, 300, 1);
    HostMachineDelete();
}

TEST(Tags_with_one_letter_or_digit_are_good)
{
    static const ULONG Tags[] = {'a', 'Z' << 24, '0', 0x2A2A392A, 0x47494258, 0x58474942};
    ULONG Index;

    Start();
    for (Index = 0; Index < RTL_NUMBER_OF(Tags); Index++) {
        ExFreePoolWithTag(ExAllocatePoolWithTag(NonPagedPool, 10, Tags[Index]), Tags[Index]);
    }
    End();
}

TEST(ExAllocatePool_counts_as_None)
{
    Start();
    ExFreePool(ExAllocatePool(PagedPool, 100));
    CHECK_EQUAL(1, MiFindPoolTag(0x656E6F4E)->Use[PagedPool].Frees);
    End();
}

TEST(Tags_count_blocks_and_bytes_with_their_headers)
{
    const MI_POOL_USE *Use;
    PVOID Small;
    PVOID Big;

    Start();
    Use = MiFindPoolTag(TAG_A)->Use;
    Small = ExAllocatePoolWithTag(NonPagedPool, 100, TAG_A);
    Big = ExAllocatePoolWithTag(PagedPool, 5000, TAG_A);
    ExFreePool(ExAllocatePoolWithTag(NonPagedPool, 100, TAG_A));
    CHECK_EQUAL(2, Use[NonPagedPool].Allocs);
    CHECK_EQUAL(1, Use[NonPagedPool].Frees);
    CHECK_EQUAL(112, Use[NonPagedPool].Bytes);
    CHECK_EQUAL(8192, Use[PagedPool].Bytes);
    ExFreePool(Small);
    ExFreePool(Big);
    CHECK_EQUAL(0, Use[NonPagedPool].Bytes);
    CHECK_EQUAL(1, Use[PagedPool].Frees);
    End();
}

/* ---- IRQL ---- */

TEST(Allocation_at_a_high_IRQL_is_C2_8)
{
    PVOID P;

    Start();
    ExFreePool(ExAllocatePoolWithTag(PagedPool, 100, TAG_A)); /* the front end could serve it */
    ExFreePool(ExAllocatePoolWithTag(NonPagedPool, 100, TAG_A));
    KfRaiseIrql(DISPATCH_LEVEL);
    P = ExAllocatePoolWithTag(NonPagedPool, 100, TAG_A);
    PoolExpectAllocateStops((POOL_STOP){BAD_POOL_CALLER, {0x8, DISPATCH_LEVEL, PagedPool, 100}},
                            PagedPool, 100, TAG_A);
    PoolExpectAllocateStops((POOL_STOP){BAD_POOL_CALLER, {0x8, DISPATCH_LEVEL, PagedPool, 9000}},
                            PagedPool, 9000, TAG_A);
    ExFreePool(P);
    KfRaiseIrql(HIGH_LEVEL);
    PoolExpectAllocateStops((POOL_STOP){BAD_POOL_CALLER, {0x8, HIGH_LEVEL, NonPagedPool, 100}},
                            NonPagedPool, 100, TAG_A);
    KfLowerIrql(PASSIVE_LEVEL);
    End();
}

/* ---- running out ---- */

TEST(Pool_that_ran_out_gives_NULL_and_recovers)
{
    static PVOID Blocks[2000];
    ULONG Count = 0;

    Start();
    while ((Blocks[Count] = ExAllocatePoolWithTag(PagedPool, 0x400, TAG_A)) != NULL) {
        Count++;
    }
    CHECK_EQUAL(32 * 3, Count); /* 408 hexadecimal with the header: three fit a page */
    CHECK(ExAllocatePoolWithTag(PagedPool, PAGE_SIZE, TAG_A) == NULL);
    while (Count-- != 0) {
        ExFreePool(Blocks[Count]);
    }
    End();
}

TEST(Pool_gives_NULL_when_memory_cannot_be_committed)
{
    PVOID P;

    Start();
    PoolCommitLimit = PoolCommittedPages + 1;
    P = ExAllocatePoolWithTag(PagedPool, 100, TAG_A);
    CHECK(P != NULL);
    CHECK(ExAllocatePoolWithTag(PagedPool, PAGE_SIZE, TAG_A) == NULL);
    CHECK_EQUAL(1, MiPoolRegion(MiPaged)->CommitFailures);
    PoolWorldVerify();
    ExFreePool(P);
    End();
}

/* A block that waits in the front end keeps its page; when pages run out, it goes back. */
TEST(Pool_takes_back_its_front_end_before_it_refuses)
{
    static const POOL_WORLD OnePage = {1, 0, 0, FALSE, FALSE};
    PVOID P;

    PoolWorldCreate(&OnePage);
    ExFreePool(ExAllocatePoolWithTag(NonPagedPool, 100, TAG_A));
    P = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, TAG_A);
    CHECK(P != NULL);
    ExFreePool(P);
    ExFreePool(ExAllocatePoolWithTag(NonPagedPool, 100, TAG_A));
    P = ExAllocatePoolWithTag(NonPagedPool, 0xFF0, TAG_A);
    CHECK(P != NULL);
    ExFreePool(P);
    End();
}

static void AllocateRaising(PVOID Context)
{
    (void)ExAllocatePoolWithTag((POOL_TYPE)(PagedPool | POOL_RAISE_IF_ALLOCATION_FAILURE),
                                *(PULONG)Context, TAG_A);
}

static void AllocateWithQuota(PVOID Context)
{
    (void)ExAllocatePoolWithQuotaTag(PagedPool, *(PULONG)Context, TAG_A);
}

static void AllocateWithQuotaAndNoTag(PVOID Context)
{
    (void)ExAllocatePoolWithQuota(PagedPool, *(PULONG)Context);
}

TEST(Failure_that_must_raise_is_1E_without_a_handler)
{
    POOL_STOP Stop = {KMODE_EXCEPTION_NOT_HANDLED, {0xC000009A, POOL_ANY, 0, 0}};
    ULONG TooMuch = 33 * PAGE_SIZE;
    ULONG Little = 100;

    Start();
    PoolExpectStop(Stop, AllocateRaising, &TooMuch);
    PoolExpectStop(Stop, AllocateWithQuota, &TooMuch);
    PoolExpectStop(Stop, AllocateWithQuotaAndNoTag, &TooMuch);
    CHECK(ExAllocatePoolWithQuotaTag((POOL_TYPE)(PagedPool | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE),
                                     TooMuch, TAG_A) == NULL);
    PoolWorldVerify();
    ExFreePool(ExAllocatePoolWithQuotaTag(PagedPool, Little, TAG_A));
    ExFreePool(ExAllocatePoolWithQuota(PagedPool, Little));
    CHECK_EQUAL(1, MiFindPoolTag(MI_POOL_TAG_NONE)->Use[PagedPool].Allocs);
    End();
}

/* ---- priorities ---- */

static PVOID AllocatePage(EX_POOL_PRIORITY Priority)
{
    return ExAllocatePoolWithTagPriority(PagedPool, PAGE_SIZE, TAG_A, Priority);
}

/* Of 64 pages, Low leaves 8 alone, Normal 2, High none. */
TEST(Priorities_leave_an_eighth_a_thirty_second_and_nothing)
{
    static const POOL_WORLD World = {4, 0, 64, FALSE, FALSE};
    static PVOID Blocks[65];
    ULONG Count = 0;

    PoolWorldCreate(&World);
    while ((Blocks[Count] = AllocatePage(LowPoolPriority)) != NULL) {
        Count++;
    }
    CHECK_EQUAL(56, Count);
    CHECK(AllocatePage(LowPoolPrioritySpecialPoolUnderrun) == NULL);
    while ((Blocks[Count] = AllocatePage(NormalPoolPriority)) != NULL) {
        Count++;
    }
    CHECK_EQUAL(62, Count);
    CHECK(AllocatePage(NormalPoolPrioritySpecialPoolOverrun) == NULL);
    while ((Blocks[Count] = AllocatePage(HighPoolPriority)) != NULL) {
        Count++;
    }
    CHECK_EQUAL(64, Count);
    /* The fallback: what was refused to Low is given again as soon as others let go. */
    while (Count > 55) {
        ExFreePool(Blocks[--Count]);
    }
    Blocks[Count] = AllocatePage(LowPoolPriority);
    CHECK(Blocks[Count] != NULL);
    do {
        ExFreePool(Blocks[Count]);
    } while (Count-- != 0);
    End();
}

TEST(ExAllocatePoolWithTag_leaves_nothing_alone)
{
    static const POOL_WORLD World = {4, 0, 64, FALSE, FALSE};
    PVOID P;

    PoolWorldCreate(&World);
    P = ExAllocatePoolWithTag(PagedPool, 64 * PAGE_SIZE, TAG_A);
    CHECK(P != NULL);
    ExFreePool(P);
    CHECK(ExAllocatePoolWithTagPriority(PagedPool, 57 * PAGE_SIZE, TAG_A, LowPoolPriority) == NULL);
    CHECK(ExAllocatePoolWithTagPriority(PagedPool, 0xFFFFFFFFu, TAG_A, LowPoolPriority) == NULL);
    End();
}

/* SPDX-License-Identifier: MIT */
/*
 * test_pool_quota.c - blocks that a process pays for: how much, until when, and who.
 */
#include "tests/unit/space_world.h"

#include "mm/pool/pool_block.h"
#include "mm/pool/special_pool.h"
#include "mm/space/address_space.h"
#include "ob.h"

#define TAG    0x746F7551u /* 'Quot' */
#define GENTLY POOL_QUOTA_FAIL_INSTEAD_OF_RAISE

static PVOID Allocate(POOL_TYPE Type, SIZE_T Bytes)
{
    return ExAllocatePoolWithQuotaTag((POOL_TYPE)(Type | GENTLY), Bytes, TAG);
}

static ULONG Usage(PEPROCESS Process, POOL_TYPE Type)
{
    return Process->QuotaUsage[Type == PagedPool ? PsPagedPool : PsNonPagedPool];
}

/* What a block of Bytes costs, and that its free gives it back. */
static ULONG CostOf(POOL_TYPE Type, SIZE_T Bytes)
{
    ULONG Before = Usage(SpaceCurrent(), Type);
    PVOID P = Allocate(Type, Bytes);
    BOOLEAN Charged = FALSE;
    ULONG Cost = Usage(SpaceCurrent(), Type) - Before;

    CHECK(P != NULL);
    memset(P, 0x5A, Bytes);
    CHECK(ExQueryPoolBlockSize(P, &Charged) >= Bytes);
    CHECK(Charged);
    ExFreePoolWithTag(P, TAG);
    CHECK_EQUAL(Before, Usage(SpaceCurrent(), Type));
    return Cost;
}

TEST(PoolQuota_charges_what_a_block_takes)
{
    static const POOL_TYPE Types[] = {NonPagedPool, PagedPool};
    ULONG i;

    SpaceStart();
    for (i = 0; i < RTL_NUMBER_OF(Types); i++) {
        CHECK_EQUAL(0x70, CostOf(Types[i], 0x64));
        CHECK_EQUAL(0x68, CostOf(Types[i], 0x5C)); /* header and pointer: nothing is left over */
        CHECK_EQUAL(PAGE_SIZE, CostOf(Types[i], 0xFED)); /* the pointer does not fit any more */
        CHECK_EQUAL(PAGE_SIZE, CostOf(Types[i], PAGE_SIZE - 4));
        CHECK_EQUAL(2 * PAGE_SIZE, CostOf(Types[i], PAGE_SIZE));
        CHECK_EQUAL(6 * PAGE_SIZE, CostOf(Types[i], 5 * PAGE_SIZE + 1));
        CHECK((CostOf((POOL_TYPE)(Types[i] | NonPagedPoolCacheAligned), 64) & 7) == 0);
    }
    MiVerifyAll();
    SpaceFinish();
}

TEST(PoolQuota_is_the_payers_whoever_frees)
{
    PEPROCESS Payer, Other;
    PVOID Small, Big;
    ULONG Before;

    SpaceStart();
    Payer = SpaceCurrent();
    Other = SpaceProcess();
    Before = Usage(Payer, NonPagedPool);
    Small = Allocate(NonPagedPool, 40);
    Big = Allocate(NonPagedPool, 3 * PAGE_SIZE);
    CHECK_EQUAL(Before + 0x38 + 4 * PAGE_SIZE, Usage(Payer, NonPagedPool));
    SpaceEnter(Other);
    Before = Usage(Other, NonPagedPool);
    ExFreePool(Small);
    ExFreePoolWithTag(Big, TAG);
    CHECK_EQUAL(Before, Usage(Other, NonPagedPool));
    SpaceEnter(Payer);
    CHECK(Payer->QuotaPeak[PsNonPagedPool] >= 0x38 + 4 * PAGE_SIZE);
    SpaceFinish();
}

TEST(PoolQuota_is_returned_at_DISPATCH_LEVEL)
{
    ULONG Before;
    PVOID P;
    KIRQL OldIrql;

    SpaceStart();
    Before = Usage(SpaceCurrent(), NonPagedPool);
    OldIrql = KeRaiseIrqlToDpcLevel();
    P = Allocate(NonPagedPool, 200);
    CHECK(P != NULL);
    CHECK(Usage(SpaceCurrent(), NonPagedPool) > Before);
    ExFreePoolWithTag(P, TAG);
    KeLowerIrql(OldIrql);
    CHECK_EQUAL(Before, Usage(SpaceCurrent(), NonPagedPool));
    SpaceFinish();
}

static void AllocateOrRaise(PVOID Context)
{
    (void)ExAllocatePoolWithQuotaTag(PagedPool, *(PULONG)Context, TAG);
}

TEST(PoolQuota_refuses_what_is_beyond_the_limit)
{
    ULONG Bytes = 2 * PAGE_SIZE;
    HOST_BUGCHECK Stop;
    PVOID P;

    SpaceStart();
    SpaceCurrent()->QuotaLimit[PsPagedPool] = Usage(SpaceCurrent(), PagedPool) + 2 * PAGE_SIZE;
    CHECK(Allocate(PagedPool, Bytes) == NULL); /* three pages with the pointer */
    P = Allocate(PagedPool, PAGE_SIZE);
    CHECK(P != NULL);
    CHECK(Allocate(PagedPool, 16) == NULL);
    CHECK(ExAllocatePoolWithTag(PagedPool, 16, TAG) != NULL); /* nobody pays for that */
    ExFreePool(P);
    MiVerifyAll();
    CHECK(HostCatchBugCheck(AllocateOrRaise, &Bytes, &Stop));
    CHECK_EQUAL(KMODE_EXCEPTION_NOT_HANDLED, Stop.Code);
    CHECK_EQUAL((ULONG)STATUS_QUOTA_EXCEEDED, Stop.Parameter[0]);
}

TEST(PoolQuota_keeps_the_payer_until_the_last_block_is_free)
{
    PEPROCESS Payer, First;
    ULONG References;
    PVOID P;

    SpaceStart();
    First = SpaceCurrent();
    Payer = SpaceProcess();
    References = (ULONG)OBJECT_TO_OBJECT_HEADER(Payer)->PointerCount;
    SpaceEnter(Payer);
    P = Allocate(PagedPool, 100);
    SpaceEnter(First);
    CHECK_EQUAL(References + 1, OBJECT_TO_OBJECT_HEADER(Payer)->PointerCount);
    ExFreePool(P);
    CHECK_EQUAL(References, OBJECT_TO_OBJECT_HEADER(Payer)->PointerCount);
    SpaceFinish();
}

static void FreeIt(PVOID P)
{
    ExFreePool(P);
}

/* An overrun by one word: the payer. */
TEST(PoolQuota_of_a_damaged_block_is_C2_D)
{
    HOST_BUGCHECK Stop;
    PULONG P;

    SpaceStart();
    P = Allocate(NonPagedPool, 44); /* 8 + 44 + 4: the pointer is the next word */
    P[11] = 0x00414141;
    CHECK(HostCatchBugCheck(FreeIt, P, &Stop));
    CHECK_EQUAL(BAD_POOL_CALLER, Stop.Code);
    CHECK_EQUAL(0xD, Stop.Parameter[0]);
    CHECK_EQUAL((ULONG_PTR)P, Stop.Parameter[1]);
    CHECK_EQUAL(0x00414141, Stop.Parameter[3]);
}

TEST(PoolQuota_of_the_systems_process_is_not_charged)
{
    BOOLEAN Charged = TRUE;
    PEPROCESS First;
    PVOID P;

    SpaceStart();
    First = SpaceCurrent();
    SpaceEnter(PsInitialSystemProcess);
    P = Allocate(NonPagedPool, 100);
    CHECK(ExQueryPoolBlockSize(P, &Charged) >= 100);
    CHECK(!Charged);
    CHECK_EQUAL(0, Usage(PsInitialSystemProcess, NonPagedPool));
    ExFreePool(P);
    SpaceEnter(First);
    SpaceFinish();
}

TEST(PoolQuota_settings_limit_processes_that_are_made_later)
{
    PEPROCESS Process;

    SpaceStart();
    MiSetPoolQuotas(1 << 20, 2 << 20);
    Process = SpaceProcess();
    CHECK_EQUAL(1 << 20, Process->QuotaLimit[PsNonPagedPool]);
    CHECK_EQUAL(2 << 20, Process->QuotaLimit[PsPagedPool]);
    MiSetPoolQuotas(0, 0);
    SpaceFinish();
}

/* SPDX-License-Identifier: MIT */
/*
 * test_lock_order.c - the checker of R13 finds what it is for.
 */
#include "ex.h"
#include "mm.h"
#include "nt/bugcodes.h"
#include "spinlock.h"
#include "tests/unit/mm_world.h"

#include <string.h>

#define TAG 0x6B636F4Cu

static KSPIN_LOCK A;
static KSPIN_LOCK B;
static KSPIN_LOCK C;

static void TakeBoth(PKSPIN_LOCK First, PKSPIN_LOCK Second) NT_NO_LOCK_ANALYSIS
{
    KIRQL OldIrql = KfAcquireSpinLock(First);

    KefAcquireSpinLockAtDpcLevel(Second);
    KefReleaseSpinLockFromDpcLevel(Second);
    KfReleaseSpinLock(First, OldIrql);
}

TEST(LockOrder_that_is_kept_is_no_finding)
{
    ULONG Before = HostLocksTaken();

    HostMachineCreate(16, TestSeed());
    TakeBoth(&A, &B);
    TakeBoth(&B, &C);
    TakeBoth(&A, &C);
    CHECK_EQUAL(Before + 6, HostLocksTaken());
    HostMachineDelete();
}

TEST(LockOrder_of_one_machine_is_forgotten_by_the_next)
{
    HostMachineCreate(16, TestSeed());
    TakeBoth(&A, &B);
    HostMachineCreate(16, TestSeed());
    TakeBoth(&B, &A);
    HostMachineDelete();
}

TEST(LockOrder_is_broken_by_the_other_way_round_even_over_a_third_lock)
{
    HostMachineCreate(16, TestSeed());
    TakeBoth(&A, &B);
    TakeBoth(&B, &C);
    CHECK(!HostIsLockOrderBroken(&A, &C));
    CHECK(HostIsLockOrderBroken(&C, &A));
    CHECK(HostIsLockOrderBroken(&B, &A));
    HostMachineDelete();
}

/* ---- pageable memory ---- */

static void TouchRaised(PVOID Va)
{
    KIRQL OldIrql = KfRaiseIrql(DISPATCH_LEVEL);

    *(volatile UCHAR *)Va = 1;
    KfLowerIrql(OldIrql);
}

TEST(Pageable_memory_that_is_resident_is_a_finding_at_raised_IRQL)
{
    PVOID Paged;

    MmWorldStart(4096);
    Paged = ExAllocatePoolWithTag(PagedPool, PAGE_SIZE, TAG);
    *(volatile UCHAR *)Paged = 1;
    HostExpectBugCheck(IRQL_NOT_LESS_OR_EQUAL, TouchRaised, Paged);
    HostMachineDelete();
}

TEST(Pageable_memory_that_is_locked_may_be_touched_at_raised_IRQL)
{
    PVOID Paged;
    PMDL Mdl;

    MmWorldStart(4096);
    Paged = ExAllocatePoolWithTag(PagedPool, PAGE_SIZE, TAG);
    Mdl = IoAllocateMdl(Paged, PAGE_SIZE, FALSE, FALSE, NULL);
    MmProbeAndLockPages(Mdl, KernelMode, IoWriteAccess);
    TouchRaised(Paged);
    MmUnlockPages(Mdl);
    IoFreeMdl(Mdl);
    ExFreePoolWithTag(Paged, TAG);
    MmWorldFinish();
}

/* SPDX-License-Identifier: MIT */
/*
 * test_system_fault.c - paged pool that comes back from the paging file, or cannot.
 */
#include "ex.h"
#include "mm/fault/system_fault.h"
#include "mm/paging/slots.h"
#include "mm/pool/paged_page.h"
#include "mm/pool/pool.h"
#include "nt/bugcodes.h"
#include "tests/unit/ke_bench.h"
#include "tests/unit/paged_world.h"
#include "verify.h"

#include <string.h>

#define TAG   0x74736554u
#define PAGES 20u

static PUCHAR Block;

static ULONG_PTR VaOf(ULONG Page)
{
    return (ULONG_PTR)Block + Page * PAGE_SIZE;
}

static void Fill(ULONG Pages)
{
    ULONG Page;
    ULONG At;

    for (Page = 0; Page < Pages; Page++) {
        for (At = 0; At < PAGE_SIZE; At += 512) {
            *(volatile ULONG *)(VaOf(Page) + At) = PagedWord(VaOf(Page) + At);
        }
    }
}

static BOOLEAN IsWhole(ULONG Page)
{
    ULONG At;

    for (At = 0; At < PAGE_SIZE; At += 512) {
        if (*(volatile ULONG *)(VaOf(Page) + At) != PagedWord(VaOf(Page) + At)) {
            return FALSE;
        }
    }
    return TRUE;
}

static BOOLEAN AreWhole(ULONG First, ULONG Pages)
{
    ULONG Page;

    for (Page = First; Page < First + Pages; Page++) {
        if (!IsWhole(Page)) {
            return FALSE;
        }
    }
    return TRUE;
}

/* A block of Pages pages, all of them in the paging file. */
static void Start(ULONG Pages)
{
    PagedBegin(0);
    Block = ExAllocatePoolWithTag(PagedPool, Pages * PAGE_SIZE, TAG);
    CHECK(Block != NULL);
    Fill(Pages);
    PagedOut(VaOf(0), Pages);
}

static void Finish(void)
{
    ExFreePoolWithTag(Block, TAG);
    PagedEnd();
}

TEST(System_fault_reads_a_page_and_its_neighbours_back)
{
    MI_FAULT_COUNTERS Before;
    ULONG Used;

    Start(PAGES);
    Used = MmPagingFile[0]->CurrentUsage;
    CHECK(IsWhole(3));
    Before = MiFaultCounters;
    CHECK(IsWhole(4)); /* 4 to 11 */
    CHECK_EQUAL(MiPteValid, PagedKind(VaOf(4)));
    CHECK_EQUAL(MiPteTransition, PagedKind(VaOf(11)));
    CHECK_EQUAL(MiPtePagefile, PagedKind(VaOf(12)));
    CHECK_EQUAL(Before.PagesRead + 8, MiFaultCounters.PagesRead);
    CHECK_EQUAL(Before.Transition, MiFaultCounters.Transition);
    CHECK_EQUAL(Used, MmPagingFile[0]->CurrentUsage); /* they are clean */
    MiVerifyAll();
    CHECK(AreWhole(0, PAGES));
    Finish();
}

TEST(System_fault_reads_at_APC_LEVEL_too)
{
    KIRQL OldIrql;

    Start(4);
    OldIrql = KfRaiseIrql(APC_LEVEL);
    CHECK(AreWhole(0, 4));
    KfLowerIrql(OldIrql);
    Finish();
}

static void Touch(PVOID Va)
{
    (void)*(volatile UCHAR *)Va;
}

static void TouchAtDispatch(PVOID Va)
{
    KfRaiseIrql(DISPATCH_LEVEL);
    Touch(Va);
}

TEST(System_fault_at_DISPATCH_LEVEL_is_0A_wherever_the_page_is)
{
    Start(2);
    HostExpectBugCheck(IRQL_NOT_LESS_OR_EQUAL, TouchAtDispatch, Block);
    KfLowerIrql(PASSIVE_LEVEL);
    CHECK(AreWhole(0, 2));
    CHECK(MmTrimAllSystemPageableMemory(FALSE));
    HostExpectBugCheck(IRQL_NOT_LESS_OR_EQUAL, TouchAtDispatch, Block);
    KfLowerIrql(PASSIVE_LEVEL);
    Finish();
}

TEST(System_fault_on_pool_that_was_freed_while_it_was_out_is_50)
{
    Start(2);
    ExFreePoolWithTag(Block, TAG);
    MiTrimPools();
    HostExpectBugCheck(PAGE_FAULT_IN_NONPAGED_AREA, Touch, Block);
    PagedEnd();
}

TEST(System_fault_that_the_disk_fails_is_7A_with_its_four_parameters)
{
    HOST_BUGCHECK Stop;
    MMPTE Pte;

    Start(1);
    Pte = PagedPte(VaOf(0));
    IoDisk.FailAt[DiskRead] = 1;
    CHECK(HostCatchBugCheck(Touch, (PVOID)(VaOf(0) + 12), &Stop));
    CHECK_EQUAL(KERNEL_DATA_INPAGE_ERROR, Stop.Code);
    CHECK_EQUAL((ULONG_PTR)MiGetPteAddress(VaOf(0)), Stop.Parameter[0]);
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, (NTSTATUS)Stop.Parameter[1]);
    CHECK_EQUAL(Pte.Long, Stop.Parameter[2]);
    CHECK_EQUAL(VaOf(0) + 12, Stop.Parameter[3]);
    CHECK_EQUAL(Pte.Long, PagedPte(VaOf(0)).Long);
    MiVerifyAll();
    CHECK(IsWhole(0)); /* the disk is well again */
    Finish();
}

TEST(System_fault_never_gives_a_page_that_came_back_different)
{
    HOST_BUGCHECK Stop;
    PUCHAR Place;

    Start(1);
    Place = PagedPlace(VaOf(0));
    Place[100] ^= 1;
    CHECK(HostCatchBugCheck(Touch, Block, &Stop));
    CHECK_EQUAL(KERNEL_DATA_INPAGE_ERROR, Stop.Code);
    CHECK_EQUAL(STATUS_CRC_ERROR, (NTSTATUS)Stop.Parameter[1]);
    Place[100] ^= 1;
    CHECK(IsWhole(0));
    Finish();
}

TEST(System_fault_survives_each_single_failure_on_its_way)
{
    ULONG What;
    ULONG Nth;

    for (What = 0; What < 4; What++) {
        for (Nth = 1; Nth <= 12; Nth++) {
            Start(8);
            CHECK(IsWhole(2));
            PagedArm(What, Nth);
            CHECK(IsWhole(3)); /* a read of several pages that failed is tried for one */
            PagedArm(0, 0);
            MiVerifyAll();
            CHECK(AreWhole(0, 8));
            Finish();
        }
    }
}

/* ---- several threads ---- */

static ULONG Whole; /* pages that threads found whole */

static void ReadAll(PVOID Context)
{
    (void)Context;
    Whole += AreWhole(0, 8);
}

TEST(System_faults_on_one_page_share_one_read)
{
    ULONG Reads;
    ULONG Collided;
    PVOID Allocated;

    PagedBegin(7); /* a disk that takes its time */
    Allocated = ExAllocatePoolWithTag(PagedPool, 9 * PAGE_SIZE, TAG);
    Block = (PUCHAR)Allocated + PAGE_SIZE;
    Fill(8);
    PagedOut(VaOf(0), 8);
    *(volatile UCHAR *)Allocated = 1; /* a neighbour in memory: all 8 are worth a read */
    Whole = 0;
    Reads = MiFaultCounters.PagingFileReads;
    Collided = MiFaultCounters.Collided;
    HostThreadCreate(ReadAll, NULL);
    HostThreadCreate(ReadAll, NULL);
    HostThreadCreate(ReadAll, NULL);
    HostRunThreads();
    CHECK_EQUAL(3, Whole);
    CHECK_EQUAL(Reads + 1, MiFaultCounters.PagingFileReads);
    CHECK(MiFaultCounters.Collided >= Collided + 2);
    Block = Allocated;
    Finish();
}

static void FreeAll(PVOID Context)
{
    (void)Context;
    ExFreePoolWithTag(Block, TAG);
    Block = NULL;
}

TEST(System_fault_whose_neighbours_are_freed_meanwhile_leaves_nothing)
{
    PUCHAR Page;

    PagedBegin(7);
    Block = ExAllocatePoolWithTag(PagedPool, 6 * PAGE_SIZE, TAG);
    Fill(6);
    Page = ExAllocatePoolWithTag(PagedPool, PAGE_SIZE, TAG);
    CHECK_EQUAL(VaOf(6), (ULONG_PTR)Page);
    *(volatile UCHAR *)Page = 9;
    PagedOut(VaOf(0), 7);
    HostThreadCreate(Touch, Page);
    HostThreadCreate(FreeAll, NULL);
    HostRunThreads();
    CHECK(Block == NULL);
    MiVerifyAll();
    CHECK_EQUAL(9, *(volatile UCHAR *)Page);
    ExFreePoolWithTag(Page, TAG);
    PagedEnd();
}

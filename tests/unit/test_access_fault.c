/* SPDX-License-Identifier: MIT */
/*
 * test_access_fault.c - what MmAccessFault resolves, and the bug check that each other access
 * deserves.
 */
#include "ex.h"
#include "mm.h"
#include "mm/fault/system_fault.h"
#include "mm/pfn/frame.h"
#include "mm/pfn/pfn_inspect.h"
#include "mm/pool/pool.h"
#include "mm/pool/paged_page.h"
#include "mm/sysva/layout.h"
#include "mm/sysva/pte_make.h"
#include "nt/bugcodes.h"
#include "tests/unit/mm_world.h"

#define FRAMES 4096u
#define TAG    0x74736554u
#define EIP    0x80812345u

static void ExpectStop(MM_FAULT Fault, ULONG Code, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3,
                       ULONG_PTR P4)
{
    MM_STOP Stop = {0};

    Fault.Eip = EIP;
    CHECK(!MmAccessFault(&Fault, &Stop));
    CHECK_EQUAL(Code, Stop.Code);
    CHECK_EQUAL(P1, Stop.Parameter[0]);
    CHECK_EQUAL(P2, Stop.Parameter[1]);
    CHECK_EQUAL(P3, Stop.Parameter[2]);
    CHECK_EQUAL(P4, Stop.Parameter[3]);
}

TEST(AccessFault_names_an_access_at_raised_IRQL_0A)
{
    ULONG_PTR Paged;

    MmWorldStart(FRAMES);
    Paged = (ULONG_PTR)ExAllocatePoolWithTag(PagedPool, PAGE_SIZE, TAG);
    ExpectStop((MM_FAULT){.Va = Paged, .Irql = DISPATCH_LEVEL}, IRQL_NOT_LESS_OR_EQUAL, Paged,
               DISPATCH_LEVEL, 0, EIP);
    ExpectStop((MM_FAULT){.Va = Paged, .Irql = 5, .Write = TRUE}, IRQL_NOT_LESS_OR_EQUAL, Paged, 5,
               1, EIP);
    ExpectStop((MM_FAULT){.Va = Paged, .Irql = 5, .Fetch = TRUE}, IRQL_NOT_LESS_OR_EQUAL, Paged, 5,
               8, EIP);
    MmWorldFinish();
}

TEST(AccessFault_names_a_write_to_a_read_only_page_BE_with_its_PTE)
{
    const MI_RANGE *Database;
    ULONG_PTR Va;

    MmWorldStart(FRAMES);
    Database = &MiLayout.Region[MiRegionPfnDatabase];
    Va = Database->Start;
    ExpectStop((MM_FAULT){.Va = Va, .Write = TRUE, .Present = TRUE, .Irql = DISPATCH_LEVEL},
               IRQL_NOT_LESS_OR_EQUAL, Va, DISPATCH_LEVEL, 1, EIP);
    MiGetPteAddress(Va)->Hard.Write = 0;
    ExpectStop((MM_FAULT){.Va = Va, .Write = TRUE, .Present = TRUE},
               ATTEMPTED_WRITE_TO_READONLY_MEMORY, Va, MiReadPte(MiGetPteAddress(Va)).Long, 0, 0);
    MiGetPteAddress(Va)->Hard.Write = 1;
    MmWorldFinish();
}

TEST(AccessFault_names_what_is_nowhere_1E_below_and_50_above_the_border)
{
    MmWorldStart(FRAMES);
    ExpectStop((MM_FAULT){.Va = 0x10, .Write = TRUE}, KMODE_EXCEPTION_NOT_HANDLED, 0xC0000005, EIP,
               1, 0x10);
    ExpectStop((MM_FAULT){.Va = 0x9FFFF000}, PAGE_FAULT_IN_NONPAGED_AREA, 0x9FFFF000, 0, EIP, 2);
    ExpectStop((MM_FAULT){.Va = 0x9FFFF000, .Write = TRUE}, PAGE_FAULT_IN_NONPAGED_AREA, 0x9FFFF000,
               1, EIP, 2);
    MmWorldFinish();
}

TEST(AccessFault_says_in_50_whether_a_PTE_is_free_or_has_no_page_table)
{
    ULONG_PTR Va;

    MmWorldStart(FRAMES);
    Va = MiLayout.Region[MiRegionPfnDatabase].Start;
    while (MiReadPte(MiGetPdeAddress(Va)).Hard.Valid && MiReadPte(MiGetPteAddress(Va)).Long != 0) {
        Va += PAGE_SIZE;
    }
    CHECK(MiReadPte(MiGetPdeAddress(Va)).Hard.Valid);
    ExpectStop((MM_FAULT){.Va = Va}, PAGE_FAULT_IN_NONPAGED_AREA, Va, 0, EIP, 0);
    MmWorldFinish();
}

TEST(AccessFault_lets_an_access_go_on_that_another_thread_made_possible)
{
    ULONG Before;
    MM_STOP Stop;

    MmWorldStart(FRAMES);
    Before = MiFaultCounters.Spurious;
    CHECK(MmAccessFault(&(MM_FAULT){.Va = MiLayout.Region[MiRegionPfnDatabase].Start}, &Stop));
    CHECK_EQUAL(Before + 1, MiFaultCounters.Spurious);
    MmWorldFinish();
}

TEST(AccessFault_gives_paged_pool_a_zeroed_page_at_the_first_touch_only)
{
    MI_PFN_COUNTERS Before;
    MI_PFN_COUNTERS After;
    ULONG Resident;
    volatile UCHAR *Paged;
    ULONG i;

    MmWorldNextUnforced();
    MmWorldStart(FRAMES);
    Paged = ExAllocatePoolWithTag(PagedPool, 8 * PAGE_SIZE, TAG);
    MiQueryPfnCounters(&Before);
    Resident = MiResidentPagedPool;
    for (i = 0; i < 8 * PAGE_SIZE; i++) {
        CHECK_EQUAL(0, Paged[i]);
    }
    MiQueryPfnCounters(&After);
    CHECK_EQUAL(Resident + 8, MiResidentPagedPool);
    CHECK_EQUAL(Before.AvailablePages - 8, After.AvailablePages);
    CHECK_EQUAL(Before.Commit.Committed, After.Commit.Committed); /* charged when allocated */
    ExFreePoolWithTag((PVOID)Paged, TAG);
    CHECK_EQUAL(Resident, MiResidentPagedPool);
    MmWorldFinish();
}

static void TouchFreed(PVOID Va)
{
    (void)*(volatile UCHAR *)Va;
}

TEST(AccessFault_does_not_bring_freed_paged_pool_back)
{
    PVOID Paged;

    MmWorldStart(FRAMES);
    Paged = ExAllocatePoolWithTag(PagedPool, 2 * PAGE_SIZE, TAG);
    *(volatile UCHAR *)Paged = 1;
    ExFreePoolWithTag(Paged, TAG);
    HostExpectBugCheck(PAGE_FAULT_IN_NONPAGED_AREA, TouchFreed, Paged);
    MmWorldFinish();
}

/* ---- memory runs out under a fault ---- */

static PFN_NUMBER Hoard[FRAMES];
static ULONG Hoarded;

static void TakeAllFrames(void)
{
    for (Hoarded = 0;
         Hoarded < FRAMES && NT_SUCCESS(MiAllocateFrame(MiFrameAny, 0, &Hoard[Hoarded]));
         Hoarded++) {
        continue;
    }
}

static void GiveFramesLater(PVOID Context)
{
    LARGE_INTEGER Delay = {.QuadPart = -10000000};

    (void)Context;
    KeDelayExecutionThread(KernelMode, FALSE, &Delay);
    while (Hoarded != 0) {
        MiFreeFrame(Hoard[--Hoarded]);
    }
}

TEST(AccessFault_waits_for_memory_and_goes_on_when_pages_come_free)
{
    volatile UCHAR *Paged;
    ULONG Waits;

    MmWorldStart(FRAMES);
    HostStartClock();
    Paged = ExAllocatePoolWithTag(PagedPool, PAGE_SIZE, TAG);
    TakeAllFrames();
    Waits = MiFaultCounters.MemoryWaits;
    HostThreadCreate(GiveFramesLater, NULL);
    Paged[5] = 7;
    CHECK_EQUAL(7, Paged[5]);
    CHECK(MiFaultCounters.MemoryWaits > Waits);
    ExFreePoolWithTag((PVOID)Paged, TAG);
    HostRunThreads();
    MmWorldFinish();
}

TEST(AccessFault_stops_with_4D_when_no_page_comes_free)
{
    PVOID Paged;

    MmWorldStart(FRAMES);
    HostStartClock();
    Paged = ExAllocatePoolWithTag(PagedPool, PAGE_SIZE, TAG);
    TakeAllFrames();
    HostExpectBugCheck(NO_PAGES_AVAILABLE, TouchFreed, Paged);
    HostMachineDelete();
}

TEST(AccessFault_does_not_try_again_when_an_entry_is_damaged)
{
    ULONG_PTR Va;

    MmWorldStart(FRAMES);
    Va = MiLayout.Region[MiRegionPfnDatabase].Start;
    ExpectStop((MM_FAULT){.Va = Va, .Present = TRUE, .Damaged = TRUE}, PAGE_FAULT_IN_NONPAGED_AREA,
               Va, 0, EIP, 0);
    MmWorldFinish();
}

TEST(AccessFault_makes_no_page_behind_pool_that_was_freed_meanwhile)
{
    MI_PFN_COUNTERS Before;
    MI_PFN_COUNTERS After;
    MI_SYSTEM_FAULT Found;
    PVOID Paged;

    MmWorldStart(FRAMES);
    Paged = ExAllocatePoolWithTag(PagedPool, PAGE_SIZE, TAG);
    ExFreePoolWithTag(Paged, TAG);
    MiTrimPools();
    MiQueryPfnCounters(&Before);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION,
                MiSystemFault(&(MM_FAULT){.Va = (ULONG_PTR)Paged}, &Found));
    MiQueryPfnCounters(&After);
    CHECK(!MmIsAddressValid(Paged));
    CHECK_EQUAL(Before.AvailablePages, After.AvailablePages);
    MmWorldFinish();
}

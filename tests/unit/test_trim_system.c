/* SPDX-License-Identifier: MIT */
/*
 * test_trim_system.c - taking all pageable system memory away, on request and before each raise.
 */
#include "mm/pool/trim_system.h"

#include "ex.h"
#include "mm.h"
#include "mm/fault/fault.h"
#include "mm/pfn/pfn_list.h"
#include "mm/pool/paged_page.h"
#include "mm/pool/pool.h"
#include "nt/bugcodes.h"
#include "tests/unit/mm_world.h"
#include "verify.h"

#define FRAMES 4096u
#define PAGES  20u
#define TAG    0x74736554u

static PUCHAR Block;

static void Start(void)
{
    MmWorldStart(FRAMES);
    Block = ExAllocatePoolWithTag(PagedPool, PAGES * PAGE_SIZE, TAG);
}

static void Finish(void)
{
    MiSetForcedTrims(FALSE);
    ExFreePoolWithTag(Block, TAG);
    MmWorldFinish();
}

static void Fill(UCHAR Value)
{
    memset(Block, Value, PAGES * PAGE_SIZE);
}

static void Check(UCHAR Value)
{
    ULONG i;

    for (i = 0; i < PAGES * PAGE_SIZE; i++) {
        CHECK_EQUAL(Value, Block[i]);
    }
}

/* ---- on request ---- */

TEST(TrimAllSystemPageableMemory_takes_all_pages_and_they_come_back)
{
    Start();
    Fill(3);
    CHECK(MmTrimAllSystemPageableMemory(FALSE));
    CHECK_EQUAL(0, MiResidentPagedPool);
    CHECK(MiPageCounts[ModifiedPageList] >= PAGES);
    Check(3);
    CHECK(MiResidentPagedPool >= PAGES);
    Finish();
}

TEST(TrimAllSystemPageableMemory_purges_what_is_on_standby)
{
    ULONG i;

    Start();
    for (i = 0; i < PAGES; i++) {
        CHECK_EQUAL(0, *(volatile UCHAR *)(Block + i * PAGE_SIZE));
    }
    CHECK(MmTrimAllSystemPageableMemory(FALSE));
    CHECK(MiPageCounts[StandbyPageList] >= PAGES);
    CHECK(MmTrimAllSystemPageableMemory(TRUE));
    CHECK_EQUAL(0, MiPageCounts[StandbyPageList]);
    Check(0);
    Finish();
}

TEST(TrimAllSystemPageableMemory_refuses_at_raised_irql_and_while_the_set_is_in_use)
{
    KIRQL OldIrql;

    MmWorldNextUnforced();
    Start();
    Fill(3);
    OldIrql = KfRaiseIrql(DISPATCH_LEVEL);
    CHECK(!MmTrimAllSystemPageableMemory(FALSE));
    KfLowerIrql(OldIrql);
    ExAcquireFastMutex(&MiSystemWorkingSetMutex);
    CHECK(!MmTrimAllSystemPageableMemory(TRUE));
    ExReleaseFastMutex(&MiSystemWorkingSetMutex);
    CHECK(MiResidentPagedPool >= PAGES);
    Finish();
}

/* ---- before each raise ---- */

TEST(Forced_trims_leave_no_page_of_paged_pool_wherever_irql_is_raised)
{
    KIRQL OldIrql;

    Start();
    MiSetForcedTrims(TRUE);
    Fill(3);
    OldIrql = KfRaiseIrql(DISPATCH_LEVEL);
    CHECK_EQUAL(0, MiResidentPagedPool);
    CHECK(MiForcedTrims.Trims >= 1 && MiForcedTrims.Pages >= PAGES);
    KfLowerIrql(OldIrql);
    Check(3);
    Finish();
}

static void TouchAtDispatch(PVOID Va)
{
    *(volatile UCHAR *)Va = 1;
    KfRaiseIrql(DISPATCH_LEVEL);
    *(volatile UCHAR *)Va = 2;
}

TEST(Forced_trims_find_who_touches_at_dispatch_what_he_touched_just_before)
{
    Start();
    MiSetForcedTrims(TRUE);
    HostExpectBugCheck(IRQL_NOT_LESS_OR_EQUAL, TouchAtDispatch, Block);
    HostMachineDelete();
}

TEST(Forced_trims_count_raises_that_come_without)
{
    MI_FORCED_TRIMS Before;
    BOOLEAN Enabled;
    KIRQL OldIrql;

    Start();
    MiSetForcedTrims(TRUE);
    ExAcquireFastMutex(&MiSystemWorkingSetMutex);
    Before = MiForcedTrims;
    OldIrql = KfRaiseIrql(DISPATCH_LEVEL);
    CHECK_EQUAL(Before.Raises + 1, MiForcedTrims.Raises);
    CHECK_EQUAL(Before.Busy + 1, MiForcedTrims.Busy);
    CHECK_EQUAL(Before.Trims, MiForcedTrims.Trims);
    KfLowerIrql(OldIrql);
    ExReleaseFastMutex(&MiSystemWorkingSetMutex);
    Enabled = KeDisableInterrupts();
    Before = MiForcedTrims;
    OldIrql = KfRaiseIrql(DISPATCH_LEVEL);
    CHECK_EQUAL(Before.Interrupts + 1, MiForcedTrims.Interrupts);
    CHECK_EQUAL(Before.Trims, MiForcedTrims.Trims);
    KfLowerIrql(OldIrql);
    KeRestoreInterrupts(Enabled);
    Finish();
}

TEST(VerifyDriverLevel_2_forces_trims_from_the_start)
{
    const MM_VALUE Level = {"VerifyDriverLevel", 2};

    MmWorldStartWith(FRAMES, &Level, 1);
    Block = ExAllocatePoolWithTag(PagedPool, PAGES * PAGE_SIZE, TAG);
    Fill(3);
    CHECK(MiForcedTrims.Trims != 0);
    MiTrimPools();
    CHECK_EQUAL(0, MiResidentPagedPool);
    Finish();
}

/* SPDX-License-Identifier: MIT */
/*
 * test_wsle.c - entries of a working set: made, found, reused; memory for them; locks.
 */
#include "tests/unit/space_world.h"

#include "mm/ws/wsle.h"

#define RW PAGE_READWRITE

static PMMSUPPORT WorkingSet(void)
{
    return &SpaceCurrent()->Vm;
}

static PFN_NUMBER FrameOf(ULONG_PTR Va)
{
    return MiReadPte(MiGetPteAddress(Va)).Hard.PageFrameNumber;
}

static ULONG IndexOf(ULONG_PTR Va)
{
    return MiFindWsle(WorkingSet(), Va, FrameOf(Va));
}

/* Page tables that the working set has. */
static ULONG WorkingSetTables(void)
{
    return SpaceCurrent()->PageTables;
}

TEST(Wsle_of_a_page_is_named_by_its_frame_and_has_its_number)
{
    ULONG_PTR Va;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    SpaceWrite(Va, 1);
    SpaceWrite(Va + PAGE_SIZE, 2);
    CHECK_EQUAL(PTE_BASE >> PAGE_SHIFT, MmWorkingSetList->Wsle[0].e1.VirtualPageNumber);
    CHECK_EQUAL(1, MI_PFN(FrameOf(Va))->u1.WsIndex);
    CHECK_EQUAL(2, MI_PFN(FrameOf(Va + PAGE_SIZE))->u1.WsIndex);
    CHECK_EQUAL(Va >> PAGE_SHIFT, MmWorkingSetList->Wsle[1].e1.VirtualPageNumber);
    CHECK(MmWorkingSetList->Wsle[1].e1.Direct && MmWorkingSetList->Wsle[1].e1.Valid);
    CHECK_EQUAL(2, MmWorkingSetList->LastEntry);
    CHECK_EQUAL(3, WorkingSet()->WorkingSetSize);
    CHECK_EQUAL(3, WorkingSet()->GrowthSinceLastEstimate);
    SpaceFinish();
}

TEST(Wsle_that_was_freed_is_the_next_to_be_used)
{
    ULONG_PTR Va;
    ULONG i;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    for (i = 0; i < 4; i++) {
        SpaceWrite(Va + i * PAGE_SIZE, i);
    }
    SpaceFree(Va + PAGE_SIZE, PAGE_SIZE, MEM_DECOMMIT);
    CHECK_EQUAL(2, MmWorkingSetList->FirstFree);
    SpaceWrite(Va + 9 * PAGE_SIZE, 9);
    CHECK_EQUAL(2, IndexOf(Va + 9 * PAGE_SIZE));
    SpaceFree(Va + 3 * PAGE_SIZE, PAGE_SIZE, MEM_DECOMMIT);
    CHECK_EQUAL(3, MmWorkingSetList->LastEntry);
    CHECK_EQUAL(5, WorkingSet()->PeakWorkingSetSize);
    SpaceFinish();
}

TEST(Wsle_list_grows_by_pages_that_go_with_the_process)
{
    const ULONG Pages = 2 * MI_WSLES_PER_PAGE + 1;
    ULONG_PTR Va;
    ULONG i;

    SpaceStart();
    Va = SpaceAllocate(0, Pages * PAGE_SIZE, MEM_COMMIT, RW);
    for (i = 0; i < Pages; i++) {
        SpaceWrite(Va + i * PAGE_SIZE, i);
    }
    CHECK_EQUAL(2, WorkingSet()->ListPages);
    CHECK_EQUAL(3 * MI_WSLES_PER_PAGE - 1, MmWorkingSetList->LastInitializedWsle);
    CHECK_EQUAL(Pages - 1 + WorkingSetTables(), IndexOf(Va + (Pages - 1) * PAGE_SIZE));
    SpaceFinish(); /* the balance */
}

/* ---- no memory for entries ---- */

TEST(Wsle_that_has_no_memory_takes_the_place_of_another_page)
{
    const ULONG Pages = MI_WSLES_PER_PAGE - 2; /* and two page tables */
    ULONG_PTR Va;
    ULONG i;

    SpaceStart();
    Va = SpaceAllocate(0x10000, (Pages + 1) * PAGE_SIZE, MEM_COMMIT | MEM_RESERVE, RW);
    for (i = 0; i < Pages; i++) {
        SpaceWrite(Va + i * PAGE_SIZE, i);
    }
    CHECK_EQUAL(MI_NO_WSLE, MmWorkingSetList->FirstFree);
    MiFailFrameAllocation = 1;
    CHECK_EQUAL(STATUS_SUCCESS, MiReserveWsle(WorkingSet()));
    CHECK_EQUAL(1, MmWorkingSetList->FirstFree);
    CHECK_EQUAL(2, WorkingSetTables());
    CHECK_EQUAL(Pages - 1 + 2, WorkingSet()->WorkingSetSize);
    CHECK_EQUAL(MiPteTransition, MiPteKind(MiReadPte(MiGetPteAddress(Va))));
    SpaceWrite(Va + Pages * PAGE_SIZE, Pages);
    for (i = 0; i <= Pages; i++) {
        CHECK_EQUAL(i, SpaceRead(Va + i * PAGE_SIZE));
    }
    CHECK_EQUAL(1, WorkingSet()->ListPages);
    SpaceFinish();
}

TEST(Wsle_reservation_that_fails_fails_the_fault_and_nothing_is_lost)
{
    ULONG_PTR Va;
    ULONG Nth;
    MM_STOP Stop;

    SpaceStart();
    HostStartClock();
    Va = SpaceAllocate(0, 2 * KB64, MEM_COMMIT, RW);
    for (Nth = 1; Nth <= 16; Nth++) {
        ULONG Waits = MiFaultCounters.MemoryWaits;
        ULONG_PTR Page = Va + Nth * PAGE_SIZE;

        MiFailWsleReservation = Nth;
        while (MiFailWsleReservation != 0) {
            CHECK(MmAccessFault(&(MM_FAULT){.Va = Page, .Write = TRUE}, &Stop));
            CHECK_EQUAL(MiFailWsleReservation != 0,
                        MiHasPageTable(Page) && MiReadPte(MiGetPteAddress(Page)).Hard.Valid);
            if (MiFailWsleReservation != 0) {
                SpaceFree(Page, PAGE_SIZE, MEM_DECOMMIT);
                SpaceAllocate(Page, PAGE_SIZE, MEM_COMMIT, RW);
            }
        }
        CHECK_EQUAL(Waits + 1, MiFaultCounters.MemoryWaits);
        MiVerifyAll();
    }
    SpaceFinish();
}

TEST(Wsle_reservation_that_fails_leaves_a_transition_page_as_it_is)
{
    ULONG_PTR Va;
    PFN_NUMBER Frame;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    SpaceWrite(Va, 0x55);
    Frame = FrameOf(Va);
    CHECK_EQUAL(1, MiTrimWorkingSet(WorkingSet(), 1, 0));
    MiFailWsleReservation = 1;
    CHECK_EQUAL(STATUS_NO_MEMORY, MiRestoreUserPage(SpaceCurrent(), MiGetPteAddress(Va)));
    CHECK_EQUAL(1, WorkingSet()->WorkingSetSize); /* the page table */
    CHECK_EQUAL(0x55, SpaceRead(Va));
    CHECK_EQUAL(Frame, FrameOf(Va));
    SpaceFinish();
}

/* ---- locks ---- */

TEST(Wsle_is_locked_in_two_ways_and_counted_once)
{
    PMMSUPPORT Set;
    ULONG_PTR Va;
    PFN_NUMBER Frame;

    SpaceStart();
    Set = WorkingSet();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    SpaceWrite(Va, 1);
    Frame = FrameOf(Va);
    CHECK(!MiLockWsle(Set, Va, Frame, MI_LOCK_IN_WORKING_SET));
    CHECK(MiLockWsle(Set, Va, Frame, MI_LOCK_IN_MEMORY));
    CHECK_EQUAL(1, Set->LockedPages);
    CHECK_EQUAL(MI_LOCK_IN_WORKING_SET | MI_LOCK_IN_MEMORY, MiQueryWsleLocks(Set, Va, Frame));
    CHECK_EQUAL(0, MiTrimWorkingSet(Set, 1, 0));
    CHECK(MiUnlockWsle(Set, Va, Frame, MI_LOCK_IN_WORKING_SET));
    CHECK_EQUAL(1, Set->LockedPages);
    CHECK(!MiUnlockWsle(Set, Va, Frame, MI_LOCK_IN_MEMORY));
    CHECK_EQUAL(0, Set->LockedPages);
    SpaceFinish();
}

/* ---- damage ---- */

static void RemoveTwice(PVOID Va)
{
    PFN_NUMBER Frame = FrameOf((ULONG_PTR)Va);

    MiRemoveWsle(WorkingSet(), (ULONG_PTR)Va, Frame);
    MiRemoveWsle(WorkingSet(), (ULONG_PTR)Va, Frame);
}

TEST(Wsle_that_is_not_there_cannot_be_removed)
{
    HOST_BUGCHECK Stop;
    ULONG_PTR Va;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    SpaceWrite(Va, 1);
    CHECK(HostCatchBugCheck(RemoveTwice, (PVOID)Va, &Stop));
    CHECK_EQUAL(MEMORY_MANAGEMENT, Stop.Code);
    CHECK_EQUAL(0x41284, Stop.Parameter[0]);
    HostMachineDelete();
}

static void DamageFreeChain(void)
{
    MmWorkingSetList->Wsle[MmWorkingSetList->FirstFree].Long = 5 << MI_WSLE_NEXT_SHIFT;
}

static void DamageNumber(void)
{
    MmWorkingSetList->Wsle[0].e1.VirtualPageNumber++;
}

static void DamageSize(void)
{
    SpaceCurrent()->Vm.WorkingSetSize++;
}

static void DamageLast(void)
{
    MmWorkingSetList->LastEntry = 0;
}

static void DamageDirect(void)
{
    MmWorkingSetList->Wsle[0].e1.Direct = 0;
}

static void DamageLock(void)
{
    MmWorkingSetList->Wsle[0].e1.LockedInWs = 1;
}

static void DamageHash(void)
{
    MmWorkingSetList->NonDirectCount++;
}

static void DamagePte(void)
{
    MiGetPteAddress((ULONG_PTR)MmWorkingSetList->Wsle[1].e1.VirtualPageNumber << PAGE_SHIFT)->Long =
        0;
}

static void Verify(PVOID Damage)
{
    ((void (*)(void))Damage)();
    MiVerifyWorkingSet(&SpaceCurrent()->Vm);
}

TEST(Wsle_verify_finds_each_kind_of_damage)
{
    static void (*const Damages[])(void) = {DamageFreeChain, DamageNumber, DamageSize, DamageLast,
                                            DamageDirect,    DamageLock,   DamageHash, DamagePte};
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Damages); i++) {
        HOST_BUGCHECK Stop;
        ULONG_PTR Va;

        SpaceStart();
        Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
        SpaceWrite(Va, 1);
        SpaceWrite(Va + PAGE_SIZE, 1);
        MiVerifyWorkingSet(&SpaceCurrent()->Vm);
        if (!HostCatchBugCheck(Verify, (PVOID)Damages[i], &Stop)) {
            TestFail(__FILE__, __LINE__, "damage %u was not found", (unsigned)i);
        }
        HostMachineDelete();
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * test_address_space.c - page directories: apart below, alike above.
 */
#include "mm/space/address_space.h"
#include "mm/sysva/system_pages.h"
#include "mm/ws/expansion.h"
#include "mm/ws/wsle.h"
#include "tests/unit/space_world.h"

#define RW PAGE_READWRITE

TEST(Address_spaces_have_the_same_address_for_themselves)
{
    PEPROCESS First;
    PEPROCESS Second;
    ULONG_PTR Va;

    SpaceStart();
    First = SpaceCurrent();
    Second = SpaceProcess();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    SpaceWrite(Va, 0x11111111);
    SpaceEnter(Second);
    CHECK_EQUAL(MEM_FREE, SpaceQuery(Va).State);
    CHECK_EQUAL(Va, SpaceAllocate(Va, KB64, MEM_COMMIT | MEM_RESERVE, RW));
    CHECK_EQUAL(0, SpaceRead(Va));
    SpaceWrite(Va, 0x22222222);
    SpaceEnter(First);
    CHECK_EQUAL(0x11111111, SpaceRead(Va));
    SpaceEnter(Second);
    CHECK_EQUAL(0x22222222, SpaceRead(Va));
    SpaceFinish();
}

/* A place of the system half that has no page table yet, and gets one. */
#define EMPTY 0xA8000000u

TEST(Address_spaces_get_page_tables_of_the_system_half_that_come_later)
{
    PEPROCESS Second;
    MMPTE Mine;

    SpaceStart();
    Second = SpaceProcess();
    CHECK(!MiReadPte(MiGetPdeAddress(EMPTY)).Hard.Valid);
    CHECK_EQUAL(STATUS_SUCCESS, MiCreateSystemPageTables(EMPTY, PAGE_SIZE));
    Mine = MiReadPte(MiGetPdeAddress(EMPTY));
    CHECK(Mine.Hard.Valid);
    SpaceEnter(Second);
    CHECK_EQUAL(Mine.Long, MiReadPte(MiGetPdeAddress(EMPTY)).Long);
    SpaceEnter(PsInitialSystemProcess);
    CHECK_EQUAL(Mine.Long, MiReadPte(MiGetPdeAddress(EMPTY)).Long);
    SpaceEnter(SpaceProcess()); /* and one that is made after it */
    CHECK_EQUAL(Mine.Long, MiReadPte(MiGetPdeAddress(EMPTY)).Long);
    SpaceFinish();
}

TEST(Address_space_shows_its_own_tables_through_the_self_map)
{
    PFN_NUMBER Directory;

    SpaceStart();
    Directory = KiCurrentDirectoryFrame();
    CHECK_EQUAL(Directory << PAGE_SHIFT, SpaceCurrent()->Pcb.DirectoryTableBase[0]);
    CHECK_EQUAL(Directory, MiTableFrame(MiGetPdeAddress(0)));
    CHECK(MI_PFN(Directory)->PteAddress == MiGetPdeAddress(PTE_BASE));
    CHECK_EQUAL(Directory, MI_PFN(Directory)->u4.PteFrame);
    SpaceFinish();
}

static ULONG Visited;

static BOOLEAN CountDirectory(PEPROCESS Process, const MMPTE *Directory, PVOID Context)
{
    (void)Process;
    (void)Context;
    Visited++;
    return !Directory[MM_SYSTEM_RANGE_START >> PDI_SHIFT].Hard.LargePage && Visited < 2;
}

TEST(Address_spaces_are_walked_until_the_visitor_has_enough)
{
    SpaceStart();
    SpaceProcess();
    Visited = 0;
    MiWalkDirectories(CountDirectory, NULL);
    CHECK_EQUAL(2, Visited);
    SpaceFinish();
}

static void Trample(PVOID Context)
{
    PMMPTE Pde = HostFindPde((PFN_NUMBER)(ULONG_PTR)Context, 0x80000000);

    Pde->Hard.Write ^= 1;
    MiVerifyAll();
}

TEST(Address_space_that_differs_in_the_system_half_is_found)
{
    SpaceStart();
    HostExpectBugCheck(MEMORY_MANAGEMENT, Trample,
                       (PVOID)(SpaceProcess()->Pcb.DirectoryTableBase[0] >> PAGE_SHIFT));
    HostMachineDelete();
}

static ULONG RankSystem(const MMSUPPORT *Set, PVOID Context)
{
    (void)Context;
    return Set->SystemSpace ? 0 : MI_NOT_NOW;
}

TEST(AdoptAddressSpace_lets_the_system_s_working_set_be_trimmed_too)
{
    PMMSUPPORT Set;

    SpaceStart();
    Set = MiTakeWorkingSet(MiBeginExpansionPass(), RankSystem, NULL);
    CHECK(Set == &MiSystemCacheWorkingSet);
    MiReleaseWorkingSet(Set);
    MiVerifyExpansion();
}

TEST(AddressSpace_that_no_resident_pages_can_be_promised_costs_nothing)
{
    PEPROCESS Process = NULL;
    ULONG Committed;
    ULONG Resident;

    MmWorldStart(2048);
    Committed = MiCommit.Committed;
    Resident = MiCommit.ResidentAvailable;
    MiCommit.ResidentAvailable = 10;
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, PsCreateProcess("none", &Process));
    CHECK(Process == NULL);
    CHECK_EQUAL(10, MiCommit.ResidentAvailable);
    CHECK_EQUAL(Committed, MiCommit.Committed);
    MiCommit.ResidentAvailable = Resident;
    MmWorldFinish();
}

/* SPDX-License-Identifier: MIT */
/*
 * test_large_address.c - processes under /3GB: who gets the third gigabyte, and what its ends are.
 */
#include "mm/space/address_space.h"
#include "mm/space/space_verify.h"
#include "tests/unit/mm_world.h"
#include "tests/unit/space_world.h"

#define RW   PAGE_READWRITE
#define KB64 0x10000u

static PEPROCESS Large;
static KAPC_STATE Home;

/* The system half begins at Border; attached to a large-address-aware process. */
static void Start(ULONG_PTR Border)
{
    MmWorldNextRangeStart(Border);
    SpaceStart();
    CHECK_EQUAL(STATUS_SUCCESS, PsCreateProcessEx("large", PS_LARGE_ADDRESS_AWARE, &Large));
    KeStackAttachProcess(&Large->Pcb, &Home);
}

static void Finish(void)
{
    MiVerifyAddressSpaces();
    KeUnstackDetachProcess(&Home);
    PsTerminateProcess(Large);
    PsDereferenceProcess(Large);
    SpaceFinish();
}

TEST(LargeAddress_aware_process_has_memory_up_to_the_border)
{
    Start(0xC0000000);
    CHECK_EQUAL(0xBFFE0000, SpaceAllocate(0, KB64, MEM_RESERVE | MEM_COMMIT | MEM_TOP_DOWN, RW));
    SpaceWrite(0xBFFEFFFC, 0x12345678);
    CHECK_EQUAL(0x12345678, SpaceRead(0xBFFEFFFC));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryWrite(0xBFFF0000, 1));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_2, SpaceTryAllocate(0xBFFF0000, 1, MEM_RESERVE, RW));
    SpaceAllocate(0x80000000, 0x3FFE0000, MEM_RESERVE, RW);
    SpaceAllocate(0x80000000, 1, MEM_COMMIT, RW);
    SpaceAllocate(0xA0001000, 1, MEM_COMMIT, RW);
    SpaceWrite(0x80000000, 1);
    SpaceWrite(0xA0001000, 2);
    CHECK_EQUAL(2, SpaceRead(0xA0001000));
    CHECK_EQUAL(KB64, SpaceQuery(0xBFFE0000).RegionSize);
    SpaceFree(0x80000000, 0, MEM_RELEASE);
    Finish();
}

TEST(LargeAddress_shared_user_data_stays_nobodys)
{
    Start(0xC0000000);
    CHECK_EQUAL(STATUS_CONFLICTING_ADDRESSES, SpaceTryAllocate(0x7FFE0000, 1, MEM_RESERVE, RW));
    CHECK_EQUAL(STATUS_CONFLICTING_ADDRESSES,
                SpaceTryAllocate(0x7FFD0000, 2 * KB64, MEM_RESERVE, RW));
    CHECK_EQUAL(STATUS_NO_MEMORY, SpaceTryAllocate(0, 0x7FFE0000, MEM_RESERVE, RW));
    CHECK_EQUAL(0x10000, SpaceAllocate(0, 0x7FFD0000, MEM_RESERVE, RW));    /* all that is below */
    CHECK_EQUAL(0x7FFF0000, SpaceAllocate(0, 0x40000000, MEM_RESERVE, RW)); /* and above */
    CHECK_EQUAL(STATUS_NO_MEMORY, SpaceTryAllocate(0, 1, MEM_RESERVE, RW));
    Finish();
}

TEST(LargeAddress_unaware_process_keeps_2_GB)
{
    PVOID Va = (PVOID)0x80000000;
    SIZE_T Bytes = KB64;
    MEMORY_BASIC_INFORMATION Information;

    MmWorldNextRangeStart(0xC0000000);
    SpaceStart();
    CHECK_EQUAL(0x7FFD0000, SpaceAllocate(0, 1, MEM_RESERVE | MEM_TOP_DOWN, RW));
    CHECK_EQUAL(STATUS_CONFLICTING_ADDRESSES,
                NtAllocateVirtualMemory(NtCurrentProcess(), &Va, 0, &Bytes, MEM_RESERVE, RW));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                NtQueryVirtualMemory(NtCurrentProcess(), Va, MemoryBasicInformation, &Information,
                                     sizeof(Information), NULL));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryWrite(0x80000000, 1));
    SpaceFinish();
}

TEST(LargeAddress_border_of_USERVA_is_obeyed)
{
    PVOID Va = NULL;
    SIZE_T Bytes = 1;

    Start(0xA0400000);
    CHECK_EQUAL(0xA03E0000, SpaceAllocate(0, 1, MEM_RESERVE | MEM_COMMIT | MEM_TOP_DOWN, RW));
    SpaceWrite(0xA03E0000, 7);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_2, SpaceTryAllocate(0xA0400000, 1, MEM_RESERVE, RW));
    CHECK_EQUAL(STATUS_SUCCESS, NtAllocateVirtualMemory(NtCurrentProcess(), &Va, 1, &Bytes,
                                                        MEM_RESERVE | MEM_TOP_DOWN, RW));
    CHECK_EQUAL(0x7FFF0000, (ULONG_PTR)Va); /* one zero bit: below 2 GB */
    Finish();
}

TEST(LargeAddress_awareness_changes_nothing_without_3GB)
{
    Start(MI_USUAL_RANGE_START);
    CHECK_EQUAL(SpaceProcess()->StructurePages, Large->StructurePages);
    CHECK_EQUAL(0x7FFD0000, SpaceAllocate(0, 1, MEM_RESERVE | MEM_TOP_DOWN, RW));
    Finish();
}

/* SPDX-License-Identifier: MIT */
/*
 * test_physical_memory.c - RAM that appears at run time, in bytes, as its giver counts it.
 */
#include "mm.h"
#include "tests/unit/pfn_machine.h"

static NTSTATUS Add(LONGLONG Start, LONGLONG Bytes)
{
    PHYSICAL_ADDRESS Address = {.QuadPart = Start};
    LARGE_INTEGER Length = {.QuadPart = Bytes};
    NTSTATUS Status = MmAddPhysicalMemory(&Address, &Length);

    CHECK_EQUAL(Start, Address.QuadPart);
    CHECK_EQUAL(Bytes, Length.QuadPart); /* all of it, or nothing happened */
    return Status;
}

static void Start(void)
{
    static const LOADER_MEMORY_RUN Runs[] = {{1, 19, LoaderFree, 0}, {60, 4, LoaderFree, 0}};

    PfnPowerOn(64, PFN_RUNS(Runs));
    PfnBuildDatabase();
}

TEST(AddPhysicalMemory_makes_free_pages_and_raises_the_commit_limit)
{
    PFN_NUMBER Frame;
    ULONG Limit;

    Start();
    Limit = MiCommit.Limit;
    CHECK_EQUAL(STATUS_SUCCESS, Add(0x20000, 0x10000)); /* frames 32 to 47 */
    CHECK_EQUAL(Limit + 16, MiCommit.Limit);
    CHECK_EQUAL(FreePageList, PfnState(32));
    CHECK_EQUAL(FreePageList, PfnState(47));
    CHECK_EQUAL(STATUS_SUCCESS, MiAllocateContiguousFrames(16, 32, 47, 0, &Frame));
    CHECK_EQUAL(32, Frame);
    MiFreeContiguousFrames(Frame, 16);
    PfnFinish();
}

TEST(AddPhysicalMemory_refuses_what_is_no_range_of_pages)
{
    Start();
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Add(0x20000, 0));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Add(0x20001, 0x1000));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Add(0x20000, 0xFFF));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Add(-0x1000, 0x1000));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Add(0x20000, -0x1000));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Add(INT64_MAX - 0xFFF, 0x1000));
    PfnFinish();
}

TEST(AddPhysicalMemory_refuses_what_is_known_or_out_of_reach)
{
    ULONG Limit;

    Start();
    Limit = MiCommit.Limit;
    CHECK_EQUAL(STATUS_CONFLICTING_ADDRESSES, Add(0x10000, 0x8000));  /* begins in RAM */
    CHECK_EQUAL(STATUS_CONFLICTING_ADDRESSES, Add(0x30000, 0x10000)); /* ends there */
    CHECK_EQUAL(STATUS_CONFLICTING_ADDRESSES, Add(0, 0x1000));
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, Add(0x40000, 0x1000)); /* no entry */
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, Add(0xFFFFF000, 0x2000));
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, Add(0x100000000, 0x1000)); /* not frame 0 */
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, Add(0x100020000, 0x100001000));
    CHECK_EQUAL(Limit, MiCommit.Limit);
    CHECK_EQUAL(STATUS_SUCCESS, Add(0x20000, 0x1000));
    CHECK_EQUAL(STATUS_CONFLICTING_ADDRESSES, Add(0x20000, 0x1000));
    PfnFinish();
}

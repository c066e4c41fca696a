/* SPDX-License-Identifier: MIT */
/*
 * test_slot_memory.c - mm/paging/slot_memory.c: 4 bytes and 2 bits a slot; allocations that fail.
 */
#include "ex.h"
#include "mm/paging/slot_memory.h"
#include "mm/paging/slots.h"
#include "mm/pool/pool_inject.h"
#include "tests/unit/paging_world.h"

#include <string.h>

TEST(Slots_take_two_bits_each_and_four_bytes_of_those_that_are_there)
{
    MMPAGING_FILE File = {.Size = 8 * 1024, .MaximumSize = 64 * 1024};
    ULONG Before;

    PagingWorldStart(0);
    Before = IoWorldPoolBytes();
    CHECK_EQUAL(STATUS_SUCCESS, MiCreateSlots(&File));
    CHECK_EQUAL(8, File.ChecksumPages);
    CHECK(IoWorldPoolBytes() - Before >= 8 * PAGE_SIZE + 2 * 8192 + 256);
    CHECK(IoWorldPoolBytes() - Before <= 8 * PAGE_SIZE + 2 * 8192 + PAGE_SIZE);
    MiDeleteSlots(&File);
    CHECK_EQUAL(Before, IoWorldPoolBytes());
    PagingWorldFinish();
}

TEST(Each_failing_allocation_of_slots_leaves_nothing)
{
    MMPAGING_FILE File;
    ULONG Nth = 0;
    ULONG Before;
    NTSTATUS Status;

    PagingWorldStart(0);
    Before = IoWorldPoolBytes();
    do {
        memset(&File, 0, sizeof(File));
        File.Size = 4 * 1024;
        File.MaximumSize = 9 * 1024;
        MiFailPoolAllocation(++Nth);
        Status = MiCreateSlots(&File);
        MiFailPoolAllocation(0);
        if (NT_SUCCESS(Status)) {
            MiDeleteSlots(&File);
        }
        CHECK_EQUAL(Before, IoWorldPoolBytes());
    } while (Status == STATUS_INSUFFICIENT_RESOURCES && Nth < 20);
    CHECK_EQUAL(STATUS_SUCCESS, Status);
    CHECK(Nth >= 8); /* two bitmaps, the directory, four pages */
    PagingWorldFinish();
}

TEST(Each_failing_allocation_of_more_slots_keeps_those_that_are_there)
{
    PMMPAGING_FILE File;
    ULONG Nth = 0;
    NTSTATUS Status;

    PagingWorldStartWith(0, 1, 16);
    File = MmPagingFile[0];
    do {
        MiFailPoolAllocation(++Nth);
        Status = MiPrepareMoreSlots(File, 4 * 1024);
        MiFailPoolAllocation(0);
        CHECK_EQUAL(MI_PAGES_IN_MB, File->Size);
        CHECK_EQUAL(MI_PAGES_IN_MB - 1, File->FreeSpace);
    } while (!NT_SUCCESS(Status) && Nth < 20);
    CHECK_EQUAL(2, Nth); /* the second attempt goes on where the first one stopped */
    CHECK_EQUAL(4, File->ChecksumPages);
    PagingWorldFinish();
}

/* SPDX-License-Identifier: MIT */
/*
 * test_virtual_memory.c - reading what is mapped and no more; writing only what may be written.
 */
#include "tests/unit/monitor_bench.h"

#include <string.h>

static UCHAR Buffer[0x4000];

static BOOLEAN Refuse(ULONG_PTR Va, ULONG ErrorCode)
{
    TestFail(__FILE__, __LINE__, "page fault at %#lx, code %u", (unsigned long)Va, ErrorCode);
}

static void Start(void)
{
    MonitorStart();
    HostSetFaultHandler(Refuse);
    memset(Buffer, 0xEE, sizeof(Buffer));
}

TEST(ReadVirtual_reads_across_pages_up_to_the_first_that_is_not_valid)
{
    Start();
    CHECK_EQUAL(0x100, MiReadVirtual(MONITOR_KERNEL + 0xF80, Buffer, 0x100));
    CHECK_EQUAL(0x80, Buffer[0]);
    CHECK_EQUAL(0x00, Buffer[0x80]);
    CHECK_EQUAL(0x7F, Buffer[0xFF]);
    CHECK_EQUAL(0xEE, Buffer[0x100]);
    CHECK_EQUAL(0x10, MiReadVirtual(MONITOR_KERNEL + 0x1FF0, Buffer, 0x100));
    CHECK_EQUAL(0, MiReadVirtual(MONITOR_KERNEL + 0x2000, Buffer, 1));
    CHECK_EQUAL(0, MiReadVirtual(MONITOR_KERNEL, Buffer, 0));
}

TEST(ReadVirtual_finds_nothing_where_there_is_not_even_a_page_table)
{
    Start();
    CHECK_EQUAL(0, MiReadVirtual(0, Buffer, 16));
    CHECK_EQUAL(0, MiReadVirtual(0xE1000000, Buffer, 16));
    CHECK_EQUAL(0, MiReadVirtual(0xFFFFFFFF, Buffer, 16));
}

/* What stands in an entry that is not valid means nothing to the processor. */
TEST(ReadVirtual_leaves_pages_alone_whose_entries_are_not_valid_but_not_empty)
{
    MMPTE Junk = {.Long = 0xFFFFFFFE};

    Start();
    HostMapPage(HOST_DIRECTORY_FRAME, MONITOR_DATA + 0x5000, 0xFFFFF, Junk.Long % PAGE_SIZE);
    CHECK_EQUAL(0, MiReadVirtual(MONITOR_DATA + 0x5000, Buffer, 4));
    MiWritePte(HostFindPde(HOST_DIRECTORY_FRAME, 0xA0000000), Junk);
    CHECK_EQUAL(0, MiReadVirtual(0xA0000000, Buffer, 4));
    CHECK_EQUAL(0, MiReadVirtual(PTE_BASE + 4 * (0xA0000000 >> PTI_SHIFT), Buffer, 4));
}

TEST(ReadVirtual_reads_large_pages_and_page_tables)
{
    Start();
    *(volatile ULONG *)(MONITOR_LARGE + 0x234560) = 0x12345678;
    CHECK_EQUAL(4, MiReadVirtual(MONITOR_LARGE + 0x234560, Buffer, 4));
    CHECK(memcmp(Buffer, "\x78\x56\x34\x12", 4) == 0);
    CHECK_EQUAL(4, MiReadVirtual(PDE_BASE + 4 * (MONITOR_LARGE >> PDI_SHIFT), Buffer, 4));
    CHECK_EQUAL(0x83, Buffer[0] & ~(MM_PTE_BITS_ACCESSED | MM_PTE_BITS_DIRTY));
    CHECK_EQUAL(0, MiReadVirtual(PTE_BASE + 4 * (MONITOR_LARGE >> PTI_SHIFT), Buffer, 0));
}

TEST(ReadVirtual_reads_every_part_of_a_device_page)
{
    ULONG Offset;
    ULONG Bytes;

    Start();
    for (Offset = 0; Offset < 9; Offset++) {
        for (Bytes = 1; Bytes < 20; Bytes++) {
            CHECK_EQUAL(Bytes, MiReadVirtual(MONITOR_DEVICE + Offset, Buffer, Bytes));
            CHECK_EQUAL(Offset, Buffer[0]);
            CHECK_EQUAL(Offset + Bytes - 1, Buffer[Bytes - 1]);
        }
    }
    CHECK_EQUAL(1, MiReadVirtual(MONITOR_DEVICE + 0xFFF, Buffer, 8));
}

TEST(WriteVirtual_writes_across_pages)
{
    ULONG_PTR Obstacle = 7;

    Start();
    CHECK(MiWriteVirtual(MONITOR_DATA + 0xFFE, "abcd", 4, &Obstacle));
    CHECK_EQUAL(7, Obstacle);
    CHECK_EQUAL(4, MiReadVirtual(MONITOR_DATA + 0xFFE, Buffer, 4));
    CHECK(memcmp(Buffer, "abcd", 4) == 0);
    CHECK(MiWriteVirtual(MONITOR_LARGE + 1, "x", 1, &Obstacle));
    CHECK_EQUAL('x', *(volatile UCHAR *)(MONITOR_LARGE + 1));
}

TEST(WriteVirtual_changes_nothing_when_a_page_is_in_the_way)
{
    ULONG_PTR Obstacle = 0;

    Start();
    CHECK(!MiWriteVirtual(MONITOR_DATA + 0x1FFE, "abcd", 4, &Obstacle));
    CHECK_EQUAL(MONITOR_DATA + 0x2000, Obstacle);
    CHECK_EQUAL(2, MiReadVirtual(MONITOR_DATA + 0x1FFE, Buffer, 4));
    CHECK_EQUAL(0, Buffer[0] | Buffer[1]);
    CHECK(!MiWriteVirtual(MONITOR_KERNEL + 5, "a", 1, &Obstacle));
    CHECK_EQUAL(MONITOR_KERNEL + 5, Obstacle);
    CHECK(!MiWriteVirtual(0xFFFFFFFE, "abcd", 4, &Obstacle));
    CHECK_EQUAL(0xFFFFFFFE, Obstacle);
}

TEST(WriteVirtual_does_not_go_on_at_the_start_of_the_address_space)
{
    ULONG Bits = MM_PTE_BITS_VALID | MM_PTE_BITS_WRITE;
    ULONG_PTR Obstacle = 7;

    Start();
    HostMapPage(HOST_DIRECTORY_FRAME, 0xFFFFF000, MONITOR_KERNEL_FRAME + 2, Bits);
    HostMapPage(HOST_DIRECTORY_FRAME, 0, MONITOR_KERNEL_FRAME + 3, Bits);
    CHECK(!MiWriteVirtual(0xFFFFFFFE, "abcd", 4, &Obstacle));
    CHECK_EQUAL(0, Obstacle);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_ram_disk.c - a disk made of RAM keeps what is written to it, and takes only what it may.
 */
#include "disk/volume/ram_disk.h"

#include "ex.h"
#include "ke.h"
#include "mm/pfn/pfn_inspect.h"
#include "mm/pool/pool_inject.h"
#include "mm/sysva/system_ptes.h"
#include "tests/unit/disk_bench.h"
#include "tests/unit/mm_world.h"

#include <string.h>

#define TAG   0x74736554u /* 'Test' */
#define BYTES 0x800000u   /* two parts */

static PDISK_DEVICE Disk;

static void Start(void)
{
    MmWorldStart(8192);
    CHECK_EQUAL(STATUS_SUCCESS, DiskCreateRamDisk(BYTES, &Disk));
}

static void Finish(void)
{
    DiskDeleteRamDisk(Disk);
    MmWorldFinish();
}

TEST(A_ram_disk_has_an_eighth_of_the_memory_from_8_to_64_MB)
{
    const ULONG Mb = 256; /* pages */

    CHECK_EQUAL(8u << 20, DiskRamDiskBytes(0));
    CHECK_EQUAL(8u << 20, DiskRamDiskBytes(71 * Mb));
    CHECK_EQUAL(9u << 20, DiskRamDiskBytes(72 * Mb));
    CHECK_EQUAL(32u << 20, DiskRamDiskBytes(256 * Mb));
    CHECK_EQUAL(64u << 20, DiskRamDiskBytes(512 * Mb));
    CHECK_EQUAL(64u << 20, DiskRamDiskBytes(4096 * Mb));
}

TEST(A_ram_disk_begins_with_zeros_and_keeps_what_is_written)
{
    const ULONG Sectors = 96; /* across pages, from within one */
    ULONG64 Places[] = {0, 3, 8191 - 40, BYTES / 512 - 96};
    PUCHAR Data;
    PUCHAR Back;
    ULONG i;

    Start();
    Data = ExAllocatePoolWithTag(NonPagedPool, Sectors * 512, TAG);
    Back = ExAllocatePoolWithTag(NonPagedPool, Sectors * 512, TAG);
    for (i = 0; i < 4; i++) {
        memset(Back, 0xEE, Sectors * 512);
        CHECK_EQUAL(STATUS_SUCCESS, DiskTransfer(Disk, DiskRead, Places[i], Sectors, Back));
        CHECK(i == 1 || (Back[0] == 0 && Back[Sectors * 512 - 1] == 0));
        memset(Data, 0x10 + (int)i, Sectors * 512);
        Data[7] = 0x55;
        CHECK_EQUAL(STATUS_SUCCESS, DiskTransfer(Disk, DiskWrite, Places[i], Sectors, Data));
        CHECK_EQUAL(STATUS_SUCCESS, DiskTransfer(Disk, DiskRead, Places[i], Sectors, Back));
        CHECK(memcmp(Data, Back, Sectors * 512) == 0);
    }
    CHECK_EQUAL(STATUS_SUCCESS, DiskTransfer(Disk, DiskRead, 2, 1, Back));
    CHECK(Back[0] == 0x10 && Back[7] == 0x10); /* a neighbour was not touched */
    ExFreePoolWithTag(Data, TAG);
    ExFreePoolWithTag(Back, TAG);
    Finish();
}

TEST(A_ram_disk_takes_data_at_any_place_of_a_page)
{
    UCHAR Data[3 * 512];
    UCHAR Back[3 * 512];

    Start();
    memset(Data, 0x3C, sizeof(Data));
    Data[0] = 1;
    Data[sizeof(Data) - 1] = 2;
    /* the bench's buffers begin 512 bytes into a page: medium and data cross pages elsewhere */
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(Disk, DiskWrite, 6, 3, Data));
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(Disk, DiskRead, 6, 3, Back));
    CHECK(memcmp(Data, Back, sizeof(Data)) == 0);
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(Disk, DiskFlush, 0, 0, NULL));
    Finish();
}

/* ---- a completion routine that goes on ---- */

#define CHAIN 3000u

static ULONG Done;
static ULONG Depth;
static ULONG Deepest;

static void GoOn(PDISK_REQUEST Request)
{
    Deepest = ++Depth > Deepest ? Depth : Deepest;
    CHECK(KeGetCurrentIrql() <= DISPATCH_LEVEL);
    CHECK_EQUAL(STATUS_SUCCESS, Request->Status);
    if (++Done < CHAIN) {
        Request->Sector = Done;
        DiskSubmit(Disk, Request);
    }
    Depth--;
}

TEST(Requests_from_a_completion_routine_do_not_pile_up_on_the_stack)
{
    DISK_REQUEST Request = {.Operation = DiskRead, .Sectors = 1, .Completion = GoOn};
    PUCHAR Buffer;

    Start();
    Done = Depth = Deepest = 0;
    Buffer = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, TAG);
    Request.Mdl = IoAllocateMdl(Buffer, PAGE_SIZE, FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(Request.Mdl);
    DiskSubmit(Disk, &Request);
    CHECK_EQUAL(CHAIN, Done);
    CHECK_EQUAL(1, Deepest);
    CHECK_EQUAL(CHAIN, Disk->RequestCounts[DiskRead]);
    IoFreeMdl(Request.Mdl);
    ExFreePoolWithTag(Buffer, TAG);
    Finish();
}

TEST(A_request_to_a_ram_disk_takes_no_memory)
{
    MI_PFN_COUNTERS Before;
    MI_PFN_COUNTERS After;
    PUCHAR Buffer;

    Start();
    Buffer = ExAllocatePoolWithTag(NonPagedPool, 16 * PAGE_SIZE, TAG);
    MiFailPoolAllocation(1);
    MiQueryPfnCounters(&Before);
    CHECK_EQUAL(STATUS_SUCCESS, DiskTransfer(Disk, DiskWrite, 100, 128, Buffer));
    MiQueryPfnCounters(&After);
    CHECK(!MiPoolFailureHappened()); /* nothing was asked for */
    MiFailPoolAllocation(0);
    CHECK_EQUAL(Before.AvailablePages, After.AvailablePages);
    ExFreePoolWithTag(Buffer, TAG);
    Finish();
}

TEST(A_ram_disk_without_enough_memory_leaves_nothing)
{
    MI_PFN_COUNTERS Before;
    MI_PFN_COUNTERS After;

    MmWorldStart(2048);
    MiQueryPfnCounters(&Before);
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, DiskCreateRamDisk(BYTES, &Disk));
    MiFlushSystemPtes();
    MiQueryPfnCounters(&After);
    CHECK_EQUAL(Before.Commit.Committed, After.Commit.Committed);
    MmWorldFinish();
}

/* SPDX-License-Identifier: MIT */
/*
 * test_zero_on_disk.c - zeroes of a file object that is not cached, past the cache.
 */
#include "ex.h"
#include "mm/pool/pool_inject.h"
#include "nt/bugcodes.h"
#include "mm/sysva/system_ptes.h"
#include "tests/unit/cc_world.h"
#include "tests/unit/file_cache_world.h"

#include <string.h>

#define MB  0x100000u
#define TAG 0x657A7354u /* 'Tsze' */

/* A page that is taken from the pool next held something. */
static void SpoilPool(void)
{
    PVOID Blocks[8];
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Blocks); i++) {
        Blocks[i] = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, TAG);
        CHECK(Blocks[i] != NULL);
        memset(Blocks[i], 0x66, PAGE_SIZE);
    }
    for (i = 0; i < RTL_NUMBER_OF(Blocks); i++) {
        ExFreePoolWithTag(Blocks[i], TAG);
    }
}

/* A file with bytes that are not zero, cached for nobody. */
static CC_WORLD_FILE *Start(void)
{
    CC_WORLD_FILE *File;

    CcWorldStart();
    SpoilPool();
    File = CcWorldOpen(0, MB);
    CcWorldClose(File, 0);
    memset(File->Disk, 0x55, MB);
    return File;
}

static ULONG FreeSystemPtes(void)
{
    MI_SYSTEM_PTE_COUNTERS Counters;

    MiQuerySystemPtes(&Counters);
    return Counters.Free;
}

static NTSTATUS Zero(CC_WORLD_FILE *File, LONGLONG From, LONGLONG To)
{
    return CcTryZeroData(File->Object[0], From, To, TRUE);
}

TEST(Zeroes_of_a_file_that_is_not_cached_are_on_the_disk)
{
    LARGE_INTEGER From = {.QuadPart = CC_WORLD_SECTOR};
    LARGE_INTEGER To = {.QuadPart = 3 * CC_WORLD_SECTOR + 0x20000};
    CC_WORLD_FILE *File = Start();
    ULONG Free = FreeSystemPtes();

    CHECK(CcZeroData(File->Object[0], &From, &To, TRUE));
    CHECK(CcWorldDiskIs(File, 0, CC_WORLD_SECTOR, 0x55));
    CHECK(CcWorldDiskIs(File, CC_WORLD_SECTOR, 2 * CC_WORLD_SECTOR + 0x20000, 0));
    CHECK(CcWorldDiskIs(File, (ULONG)To.QuadPart, MB - (ULONG)To.QuadPart, 0x55));
    CHECK_EQUAL(3, CcWorldCounts[CcWorldPageWrite]); /* 64 KB each */
    CHECK_EQUAL(Free, FreeSystemPtes());             /* the driver's mappings are gone */
    CHECK_EQUAL(0, CcTotalDirtyPages);
    CHECK_EQUAL(0, CcWorldPagesInMemory(File));
    CHECK_EQUAL(STATUS_SUCCESS, Zero(File, MB, MB)); /* nothing */
    CHECK_EQUAL(3, CcWorldCounts[CcWorldPageWrite]);
    CcWorldFinish();
}

TEST(Zeroes_past_the_cache_are_whole_sectors_and_wait)
{
    LARGE_INTEGER From = {.QuadPart = 0};
    LARGE_INTEGER To = {.QuadPart = CC_WORLD_SECTOR};
    CC_WORLD_FILE *File = Start();

    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Zero(File, 1, CC_WORLD_SECTOR));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Zero(File, 0, CC_WORLD_SECTOR + 1));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Zero(File, CC_WORLD_SECTOR, 0));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Zero(File, -(LONGLONG)CC_WORLD_SECTOR, 0));
    CHECK(!CcZeroData(File->Object[0], &From, &To, FALSE));
    CHECK_EQUAL(0, CcWorldCounts[CcWorldPageWrite]);
    CHECK(CcWorldDiskIs(File, 0, MB, 0x55));
    CcWorldFinish();
}

TEST(Zeroes_that_the_disk_refuses_end_with_what_it_said)
{
    CC_WORLD_FILE *File = Start();

    CcWorldFail[CcWorldPageWrite] = (CC_WORLD_FAILURE){2, 1};
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, Zero(File, 0, 0x30000));
    CHECK_EQUAL(2, CcWorldCounts[CcWorldPageWrite]); /* it ends there */
    CHECK(CcWorldDiskIs(File, 0, 0x10000, 0));
    CHECK(CcWorldDiskIs(File, 0x10000, MB - 0x10000, 0x55));
    MiVerifyAll();
    CHECK_EQUAL(STATUS_SUCCESS, Zero(File, 0, 0x30000));
    CHECK(CcWorldDiskIs(File, 0, 0x30000, 0));
    CcWorldFinish();
}

TEST(Zeroes_past_the_cache_without_memory_write_nothing)
{
    CC_WORLD_FILE *File = Start();

    MiFailPoolAllocation(1);
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, Zero(File, 0, PAGE_SIZE));
    CHECK(MiPoolFailureHappened());
    CHECK_EQUAL(0, CcWorldCounts[CcWorldPageWrite]);
    CHECK(CcWorldDiskIs(File, 0, MB, 0x55));
    CcWorldFinish();
}

static void RaiseZero(PVOID Context)
{
    LARGE_INTEGER From = {.QuadPart = 0};
    LARGE_INTEGER To = {.QuadPart = CC_WORLD_SECTOR};
    CC_WORLD_FILE *File = Context;

    (void)CcZeroData(File->Object[0], &From, &To, TRUE);
}

TEST(The_documented_call_raises_what_the_disk_says)
{
    CC_WORLD_FILE *File = Start();

    CcWorldFail[CcWorldPageWrite] = (CC_WORLD_FAILURE){1, 1};
    HostExpectBugCheck(KMODE_EXCEPTION_NOT_HANDLED, RaiseZero, File);
    HostMachineDelete();
}

TEST(Zeroes_past_the_cache_reach_a_file_of_a_FAT_volume)
{
    PFILE_OBJECT File;
    ULONG Done = 0;
    ULONG i;

    FcWorldStart(&IoWorldFat16, TestSeed());
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", FALSE, &File));
    memset(IoBuffer, 0x55, 20480);
    CHECK_EQUAL(STATUS_SUCCESS, IoWriteFile(File, 0, IoBuffer, 20480));
    CHECK_EQUAL(STATUS_SUCCESS, CcTryZeroData(File, 512, 5632, TRUE));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, CcTryZeroData(File, 511, 1024, TRUE));
    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(File, 0, IoBuffer, 20480, &Done));
    CHECK_EQUAL(20480, Done);
    for (i = 0; i < Done; i++) {
        CHECK_EQUAL(i >= 512 && i < 5632 ? 0 : 0x55, IoBuffer[i]);
    }
    IoCloseFile(File);
    FcWorldFinish();
}

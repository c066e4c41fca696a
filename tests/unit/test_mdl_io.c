/* SPDX-License-Identifier: MIT */
/*
 * test_mdl_io.c - the file's pages are lent out, locked, and come back, dirty if they were written.
 */
#include "mm/pool/pool_inject.h"
#include "tests/unit/cc_world.h"

#include <string.h>

#define MB 0x100000u

static CC_WORLD_FILE *File;

static void Start(void)
{
    CcWorldStart();
    File = CcWorldOpen(0, MB);
}

static void Finish(void)
{
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CcWorldClose(File, 0);
    CcWorldFinish();
}

static PUCHAR Map(PMDL Mdl)
{
    return MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
}

TEST(An_mdl_read_is_a_chain_with_an_mdl_for_each_view)
{
    LARGE_INTEGER Offset = {.QuadPart = VACB_MAPPING_GRANULARITY - 100};
    IO_STATUS_BLOCK IoStatus;
    PMDL Chain;

    Start();
    CcMdlRead(File->Object[0], &Offset, 300, &Chain, &IoStatus);
    CHECK_EQUAL(STATUS_SUCCESS, IoStatus.Status);
    CHECK_EQUAL(300, IoStatus.Information);
    CHECK_EQUAL(100, MmGetMdlByteCount(Chain));
    CHECK_EQUAL(200, MmGetMdlByteCount(Chain->Next));
    CHECK(Chain->Next->Next == NULL);
    CHECK_EQUAL(CcViewCounters.Total, CcViewCounters.Free + CcViewCounters.Unused);
    CcWorldTrim(File); /* the frames are locked */
    CHECK_EQUAL(2, CcWorldPagesInMemory(File));
    CHECK_EQUAL(CcWorldByte(VACB_MAPPING_GRANULARITY + 7), Map(Chain->Next)[7]);
    CcMdlReadComplete(File->Object[0], Chain);
    CcWorldTrim(File);
    CHECK_EQUAL(0, CcWorldPagesInMemory(File));
    CHECK_EQUAL(0, CcTotalDirtyPages);
    Offset.QuadPart = MB;
    CcMdlRead(File->Object[0], &Offset, 1, &Chain, &IoStatus);
    CHECK_EQUAL(STATUS_END_OF_FILE, IoStatus.Status);
    CHECK(Chain == NULL);
    Finish();
}

TEST(An_mdl_write_reads_valid_data_and_is_dirty_at_its_end)
{
    LARGE_INTEGER Offset = {.QuadPart = VACB_MAPPING_GRANULARITY - 100};
    IO_STATUS_BLOCK IoStatus;
    PMDL Chain;

    Start();
    CcPrepareMdlWrite(File->Object[0], &Offset, 100 + PAGE_SIZE, &Chain, &IoStatus);
    CHECK_EQUAL(100 + PAGE_SIZE, IoStatus.Information);
    CHECK_EQUAL(2, CcWorldCounts[CcWorldRead]);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File)); /* too early: nothing was written yet */
    memset(Map(Chain), 0x44, 100);
    memset(Map(Chain->Next), 0x55, PAGE_SIZE);
    MiVerifyAll();
    CcMdlWriteComplete(File->Object[0], &Offset, Chain);
    CHECK_EQUAL(2, CcTotalDirtyPages);
    CHECK_EQUAL(CcViewCounters.Total, CcViewCounters.Free + CcViewCounters.Unused);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CHECK(CcWorldDiskIs(File, VACB_MAPPING_GRANULARITY - 100, 100, 0x44));
    CHECK(CcWorldDiskIs(File, VACB_MAPPING_GRANULARITY, PAGE_SIZE, 0x55));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, CcTryPrepareMdlWrite(File->Object[0], MB, 1, &Chain));
    Finish();
}

TEST(An_mdl_write_through_is_on_the_disk_or_says_why_not)
{
    PMDL Chain;

    Start();
    File->Object[0]->Flags |= FO_WRITE_THROUGH;
    CHECK_EQUAL(STATUS_SUCCESS,
                CcTryPrepareMdlWrite(File->Object[0], PAGE_SIZE, PAGE_SIZE, &Chain));
    memset(Map(Chain), 0x66, PAGE_SIZE);
    CcWorldFail[CcWorldFlush] = (CC_WORLD_FAILURE){1, 1};
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, CcTryMdlWriteComplete(File->Object[0], PAGE_SIZE, Chain));
    CHECK_EQUAL(1, CcTotalDirtyPages);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CHECK(CcWorldDiskIs(File, PAGE_SIZE, PAGE_SIZE, 0x66));
    Finish();
}

TEST(A_chain_that_cannot_be_made_locks_nothing)
{
    PMDL Chain;
    ULONG Bytes;
    ULONG Nth;

    Start();
    CcWorldFail[CcWorldRead] = (CC_WORLD_FAILURE){2, 1};
    CHECK_EQUAL(STATUS_IN_PAGE_ERROR,
                CcTryMdlRead(File->Object[0], VACB_MAPPING_GRANULARITY - 1, 2, &Chain, &Bytes));
    CHECK(Chain == NULL);
    for (Nth = 1; Nth <= 2; Nth++) {
        CHECK_EQUAL(STATUS_SUCCESS,
                    CcTryMdlRead(File->Object[0], VACB_MAPPING_GRANULARITY - 1, 2, &Chain, &Bytes));
        CcMdlReadComplete(File->Object[0], Chain);
        MiFailPoolAllocation(Nth);
        CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES,
                    CcTryPrepareMdlWrite(File->Object[0], VACB_MAPPING_GRANULARITY - 1, 2, &Chain));
        CHECK(MiPoolFailureHappened() && Chain == NULL);
        CHECK_EQUAL(CcViewCounters.Total, CcViewCounters.Free + CcViewCounters.Unused);
    }
    MiVerifyAll();
    CcWorldTrim(File);
    CHECK_EQUAL(0, CcWorldPagesInMemory(File));
    Finish();
}

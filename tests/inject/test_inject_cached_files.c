/* SPDX-License-Identifier: MIT */
/*
 * test_inject_cached_files.c - every n-th pool allocation fails while a file is read and written by
 * the cache, cut, and made longer: it is of the old bytes or of the new ones, and no way to read it
 * differs from another.
 */
#include "mm/cc/cc_verify.h"
#include "mm/cc/lazy_writer.h"
#include "mm/pool/pool_inject.h"
#include "tests/unit/file_cache_world.h"

#include <string.h>

/* => IoBuffer has what the opening reads. */
static ULONG ReadAll(PFILE_OBJECT Object)
{
    ULONG64 Bytes = 0;
    ULONG Done = 0;

    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileSize(Object, &Bytes));
    if (Bytes != 0) {
        CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(Object, 0, IoBuffer, IO_WORLD_BYTES, &Done));
    }
    CHECK_EQUAL(Bytes, Done);
    return Done;
}

/* => Whether all of it was done. */
static BOOLEAN OneScenario(UCHAR Value)
{
    PFILE_OBJECT Object;
    NTSTATUS Status = FcWorldOpen("\\file", TRUE, &Object);
    ULONG Done;

    if (!NT_SUCCESS(Status)) {
        return FALSE;
    }
    memset(IoBuffer, Value, 9000);
    Status = IoWriteFile(Object, 100, IoBuffer, 9000);
    if (NT_SUCCESS(Status)) {
        Status = IoReadFile(Object, 100, IoBuffer, 9000, &Done);
    }
    if (NT_SUCCESS(Status)) {
        Status = IoSetFileSize(Object, 5000);
    }
    if (NT_SUCCESS(Status)) {
        Status = IoSetFileSize(Object, 7000);
    }
    IoCloseFile(Object);
    return NT_SUCCESS(Status);
}

/* The file is of Old, or of New, or of both; and the same past the cache. */
static void CheckFile(UCHAR Old, UCHAR New)
{
    static UCHAR Cached[9200];
    PFILE_OBJECT Object;
    ULONG Bytes;
    ULONG i;

    if (!NT_SUCCESS(IoWorldOpen("\\file", FILE_OPEN, 0, &Object))) {
        return; /* it was not made */
    }
    Bytes = ReadAll(Object);
    CHECK(Bytes <= sizeof(Cached));
    memcpy(Cached, IoBuffer, Bytes);
    IoCloseFile(Object);
    for (i = 0; i < Bytes; i++) {
        CHECK(Cached[i] == Old || Cached[i] == New || Cached[i] == 0);
    }
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", FALSE, &Object));
    CHECK_EQUAL(Bytes, ReadAll(Object));
    CHECK(memcmp(Cached, IoBuffer, Bytes) == 0);
    IoCloseFile(Object);
}

TEST(Cached_files_survive_each_allocation_that_fails)
{
    ULONG Nth = 1;
    BOOLEAN Done = FALSE;

    FcWorldStart(&IoWorldFat16, 0);
    for (; !Done; Nth++) {
        CHECK(Nth < 2000);
        MiFailPoolAllocation(Nth);
        (void)OneScenario((UCHAR)Nth);
        (void)CciLazyWriteRound();
        Done = !MiPoolFailureHappened();
        MiFailPoolAllocation(0);
        CciVerifyCache();
        CheckFile((UCHAR)(Nth - 1), (UCHAR)Nth);
        FcWorldTrim();
        CHECK(OneScenario((UCHAR)Nth)); /* when nothing fails it is done */
    }
    CHECK(Nth > 20);
    FcWorldFinish();
}

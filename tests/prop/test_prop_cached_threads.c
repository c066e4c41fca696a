/* SPDX-License-Identifier: MIT */
/*
 * test_prop_cached_threads.c - threads that share a file, each with a part of its own, one of them
 * past the cache, one that makes it longer and shorter; beside the lazy writer and read-ahead.
 */
#include "ex.h"
#include "fast_io.h"
#include "mm/cc/dirty.h"
#include "tests/unit/file_cache_world.h"

#include <string.h>

#define WORKERS 5u
#define RANGE   3333u /* of one, so that they share pages */

typedef struct _WORKER {
    ULONG Number;
    PFILE_OBJECT Object;
    PUCHAR Buffer; /* nonpaged: what it wrote last, and what it reads */
    ULONG Rounds;
    uint64_t Random;
    BOOLEAN Ended;
} WORKER;

static WORKER Workers[WORKERS];

/* In every way that there is. */
static void Put(WORKER *W, ULONG Offset, ULONG Bytes)
{
    LARGE_INTEGER Start = {.QuadPart = W->Number * RANGE + Offset};
    IO_STATUS_BLOCK Result;

    if (TestRandom(&W->Random) % 2 == 0 && W->Object->PrivateCacheMap != NULL &&
        FsRtlCopyWrite(W->Object, &Start, Bytes, TestRandom(&W->Random) % 2 == 0, 0,
                       W->Buffer + Offset, &Result, IoGetRelatedDeviceObject(W->Object))) {
        CHECK_EQUAL(STATUS_SUCCESS, Result.Status);
        CHECK_EQUAL(Bytes, Result.Information);
        return;
    }
    CHECK_EQUAL(STATUS_SUCCESS,
                IoWriteFile(W->Object, (ULONG64)Start.QuadPart, W->Buffer + Offset, Bytes));
}

/* Writes and reads its own part of the file; the last one makes it longer and shorter. */
static void Work(PVOID Context)
{
    WORKER *W = Context;
    ULONG Start = W->Number * RANGE;
    ULONG Round;

    for (Round = 0; Round < W->Rounds; Round++) {
        ULONG Offset = TestRandom(&W->Random) % RANGE;
        ULONG Bytes = 1 + TestRandom(&W->Random) % (RANGE - Offset);
        ULONG Done = 0;

        if (W->Number == WORKERS - 1 && TestRandom(&W->Random) % 4 == 0) {
            CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(W->Object, Start));
            memset(W->Buffer, 0, RANGE);
            CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(W->Object, Start + RANGE));
        }
        memset(W->Buffer + Offset, (UCHAR)TestRandom(&W->Random), Bytes);
        Put(W, Offset, Bytes);
        CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(W->Object, Start, W->Buffer + RANGE, RANGE, &Done));
        CHECK_EQUAL(RANGE, Done);
        CHECK(memcmp(W->Buffer, W->Buffer + RANGE, RANGE) == 0);
        if (TestRandom(&W->Random) % 16 == 0) {
            CHECK_EQUAL(STATUS_SUCCESS, IoFlushFile(W->Object));
        }
    }
    W->Ended = TRUE;
}

/* Cached, but for one. */
static void StartWorker(ULONG Number, ULONG Rounds)
{
    WORKER *W = &Workers[Number];

    *W = (WORKER){.Number = Number, .Rounds = Rounds, .Random = TestSeedNumber(200 + Number) | 1};
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\shared", Number != 1, &W->Object));
    W->Buffer = ExAllocatePoolWithTag(NonPagedPool, 2 * RANGE, IO_WORLD_TAG);
    CHECK(W->Buffer != NULL);
    memset(W->Buffer, 0, 2 * RANGE);
    (void)HostThreadCreate(Work, W);
}

static void WaitForWorkers(void)
{
    LARGE_INTEGER Moment = {.QuadPart = -100000};
    ULONG i;

    for (i = 0; i < WORKERS; i++) {
        while (!Workers[i].Ended) {
            KeDelayExecutionThread(KernelMode, FALSE, &Moment);
        }
        IoCloseFile(Workers[i].Object);
        ExFreePoolWithTag(Workers[i].Buffer, IO_WORLD_TAG);
    }
}

TEST(Prop_threads_share_a_cached_file_with_the_lazy_writer)
{
    const ULONG Rounds = (ULONG)TestRounds(60);
    const ULONG Fast = FsRtlFastCounters.FastWrites;
    PFILE_OBJECT Object;
    ULONG i;

    FcWorldStart(&IoWorldFat16, TestSeedNumber(99) | 1);
    CHECK_EQUAL(STATUS_SUCCESS, CcStartLazyWriter());
    CcSetSystemDirtyPageThreshold(2); /* writers have to wait now and then */
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\shared", TRUE, &Object));
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(Object, WORKERS * RANGE));
    IoCloseFile(Object);
    HostSetPreemption(20);
    for (i = 0; i < WORKERS; i++) {
        StartWorker(i, Rounds);
    }
    WaitForWorkers();
    HostSetPreemption(0);
    CHECK(CcDirtyCounters.LazyPages != 0);
    CHECK(FsRtlFastCounters.FastWrites != Fast);
    CcStopLazyWriter();
    FcWorldFinish();
    TestCountOperations((uint64_t)Rounds * WORKERS, 1);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_prop_shared_file_threads.c - threads that write to one file, each to strips of its own that
 * lie in the same pages: two through the cache, one past it, one through a view; beside one that
 * takes pages out of memory and flushes, the lazy writer, read-ahead and the mapped page writer.
 *
 * Nobody's bytes may ever be lost, whoever writes a page, reads it, or forgets it.  A write past
 * the cache may be refused because a view is in the way: then nothing is written.
 */
#include "ex.h"
#include "mm/section/mapped_writer.h"
#include "tests/unit/file_cache_world.h"

#include <stdio.h>
#include <string.h>

#define WRITERS 4u
#define STRIP   100u /* bytes; writer n has every WRITERS-th, from the n-th on */
#define STRIPS  120u /* of a writer */
#define DIRECT  2u
#define VIEW    3u

typedef struct _WRITER {
    ULONG Number;
    PFILE_OBJECT Object;
    PUCHAR Buffer;       /* nonpaged: a strip */
    UCHAR Value[STRIPS]; /* what each strip of its own is full of */
    ULONG Rounds;
    ULONG Written;
    ULONG Refused;
    uint64_t Random;
    BOOLEAN Ended;
} WRITER;

static WRITER Writers[WRITERS];
static ULONG Running;

static ULONG StripStart(const WRITER *W, ULONG Strip)
{
    return (Strip * WRITERS + W->Number) * STRIP;
}

/* ---- one strip ---- */

static NTSTATUS PokeStrip(PFILE_OBJECT File, ULONG Start, UCHAR Value)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG i;

    for (i = 0; i < STRIP && NT_SUCCESS(Status); i++) {
        Status = FcWorldPoke(File, Start + i, Value);
    }
    return Status;
}

static void WriteStrip(WRITER *W, ULONG Strip)
{
    ULONG Start = StripStart(W, Strip);
    UCHAR Value = (UCHAR)TestRandom(&W->Random);
    NTSTATUS Status;

    if (W->Number == VIEW) {
        Status = PokeStrip(W->Object, Start, Value);
    } else {
        memset(W->Buffer, Value, STRIP);
        Status = IoWriteFile(W->Object, Start, W->Buffer, STRIP);
    }
    if (W->Number == DIRECT && Status == STATUS_USER_MAPPED_FILE) {
        W->Refused++;
        return;
    }
    CHECK_EQUAL(STATUS_SUCCESS, Status);
    W->Value[Strip] = Value;
    W->Written++;
}

static void ReadStrip(WRITER *W, ULONG Strip)
{
    ULONG Start = StripStart(W, Strip);
    ULONG Done = STRIP;
    ULONG i;

    if (W->Number != VIEW) {
        CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(W->Object, Start, W->Buffer, STRIP, &Done));
        CHECK_EQUAL(STRIP, Done);
    }
    for (i = 0; i < STRIP; i++) {
        UCHAR Byte = W->Buffer[i];

        if (W->Number == VIEW) {
            CHECK_EQUAL(STATUS_SUCCESS, FcWorldPeek(W->Object, Start + i, &Byte));
        }
        if (Byte != W->Value[Strip]) {
            TestFail(__FILE__, __LINE__, "writer %u: byte %u is %02x, not %02x", W->Number,
                     Start + i, Byte, W->Value[Strip]);
        }
    }
}

/* ---- threads ---- */

static void Work(PVOID Context)
{
    WRITER *W = Context;
    ULONG Round;

    for (Round = 0; Round < W->Rounds; Round++) {
        WriteStrip(W, TestRandom(&W->Random) % STRIPS);
        ReadStrip(W, TestRandom(&W->Random) % STRIPS);
    }
    W->Ended = TRUE;
    Running--;
}

/* Until the writers have ended. */
static void Disturb(PFILE_OBJECT File)
{
    uint64_t Random = TestSeedNumber(300) | 1;

    while (Running != 0) {
        LARGE_INTEGER Moment = {.QuadPart = -(LONGLONG)(TestRandom(&Random) % 20000)};

        switch (TestRandom(&Random) % 3) {
        case 0:
            CHECK_EQUAL(STATUS_SUCCESS, IoFlushFile(File));
            break;
        default:
            FcWorldTrim();
            break;
        }
        KeDelayExecutionThread(KernelMode, FALSE, &Moment);
    }
}

static void StartWriter(ULONG Number, ULONG Rounds)
{
    WRITER *W = &Writers[Number];

    *W = (WRITER){.Number = Number, .Rounds = Rounds, .Random = TestSeedNumber(310 + Number) | 1};
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\shared", Number < DIRECT, &W->Object));
    W->Buffer = ExAllocatePoolWithTag(NonPagedPool, STRIP, IO_WORLD_TAG);
    CHECK(W->Buffer != NULL);
    if (Number == VIEW) {
        FcWorldMap(W->Object);
    }
    Running++;
    (void)HostThreadCreate(Work, W);
}

static void EndWriter(WRITER *W)
{
    if (W->Number == VIEW) {
        FcWorldUnmap(W->Object);
    }
    IoCloseFile(W->Object);
    ExFreePoolWithTag(W->Buffer, IO_WORLD_TAG);
}

/* ---- the run ---- */

/* What is on the disk. */
static void CheckAll(PFILE_OBJECT File)
{
    ULONG Strip;
    ULONG i;

    for (i = 0; i < WRITERS; i++) {
        WRITER W = Writers[i];

        W.Number = i;
        W.Object = File;
        for (Strip = 0; Strip < STRIPS; Strip++) {
            ULONG Done;

            CHECK_EQUAL(STATUS_SUCCESS,
                        IoReadFile(File, StripStart(&W, Strip), IoBuffer, STRIP, &Done));
            CHECK_EQUAL(W.Value[Strip], IoBuffer[0]);
            CHECK(memcmp(IoBuffer, IoBuffer + 1, STRIP - 1) == 0);
        }
    }
}

TEST(Prop_threads_write_to_strips_of_the_same_pages_in_every_way)
{
    const ULONG Rounds = (ULONG)TestRounds(150);
    PFILE_OBJECT File;
    ULONG i;

    FcWorldStart(&IoWorldFat16, TestSeedNumber(299) | 1);
    CHECK_EQUAL(STATUS_SUCCESS, CcStartLazyWriter());
    CHECK_EQUAL(STATUS_SUCCESS, MiStartMappedWriter());
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\shared", FALSE, &File));
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, WRITERS * STRIPS * STRIP));
    Running = 0;
    HostSetPreemption(20);
    for (i = 0; i < WRITERS; i++) {
        StartWriter(i, Rounds);
    }
    Disturb(File);
    HostSetPreemption(0);
    for (i = 0; i < WRITERS; i++) {
        EndWriter(&Writers[i]);
    }
    CcStopLazyWriter();
    MiStopMappedWriter();
    CheckAll(File);
    IoCloseFile(File);
    CHECK(Writers[DIRECT].Written > Rounds / 20);
    printf("# past the cache: %u written, %u refused\n", Writers[DIRECT].Written,
           Writers[DIRECT].Refused);
    FcWorldFinish();
    TestCountOperations((uint64_t)Rounds * WRITERS, 1);
}

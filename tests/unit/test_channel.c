/* SPDX-License-Identifier: MIT */
/*
 * test_channel.c - slots, time limits, retries and the end, over a controller of a few lines.
 */
#include "disk/driver/channel.h"
#include "tests/unit/disk_bench.h"
#include "tests/unit/mm_world.h"

#include <string.h>

#define SLOTS 3u

static DISK_CHANNEL Channel;
static PDISK_REQUEST Started[64];
static ULONG StartCount;
static ULONG Finish;     /* slots that the next Poll finishes */
static NTSTATUS Answer;  /* with which it does */
static BOOLEAN Retry;    /* it asks for another try */
static BOOLEAN Rules;    /* Poll keeps to them */
static BOOLEAN CanReset; /* Reset works */
static BOOLEAN Present;
static BENCH_REQUEST Requests[8];

static void Start(PDISK_CHANNEL C, ULONG Slot, PDISK_REQUEST Request)
{
    CHECK(C == &Channel && Slot < SLOTS && StartCount < RTL_NUMBER_OF(Started));
    CHECK_EQUAL(DISPATCH_LEVEL, KeGetCurrentIrql());
    Started[StartCount++] = Request;
}

static BOOLEAN Poll(PDISK_CHANNEL C) NT_NO_LOCK_ANALYSIS
{
    ULONG Slot;

    for (Slot = 0; Slot < SLOTS; Slot++) {
        if (Finish & (1u << Slot)) {
            CHECK(Retry ? ChannelRetry(C, Slot, Answer) : ChannelFinish(C, Slot, Answer));
        }
    }
    Finish = 0;
    return Rules;
}

static BOOLEAN Reset(PDISK_CHANNEL C)
{
    (void)C;
    return CanReset;
}

static BOOLEAN IsPresent(PDISK_CHANNEL C)
{
    (void)C;
    return Present;
}

static void Arrange(void)
{
    static const CHANNEL_OPERATIONS Operations = {Start, Poll, Reset, IsPresent};

    DiskBenchStart();
    memset(&Channel, 0, sizeof(Channel));
    memset(Requests, 0, sizeof(Requests));
    Channel.Operations = &Operations;
    Channel.SlotCount = SLOTS;
    Channel.Device.SectorBytes = 512;
    ChannelInitialize(&Channel);
    StartCount = Finish = Retry = 0;
    Answer = STATUS_SUCCESS;
    Rules = CanReset = Present = TRUE;
}

static void Submit(ULONG Index, DISK_OPERATION Operation)
{
    DiskBenchSubmit(&Channel.Device, &Requests[Index], Operation, Index, Operation != DiskFlush);
}

static void FinishSlots(ULONG Slots)
{
    Finish = Slots;
    ChannelInterrupt(&Channel);
}

/* Every request has ended, and once. */
static void Close(ULONG Count)
{
    ULONG i;

    for (i = 0; i < Count; i++) {
        CHECK_EQUAL(1, Requests[i].Completions);
        DiskBenchFree(&Requests[i]);
    }
    CHECK_EQUAL(0, Channel.Busy);
    DiskBenchFinish();
}

static void Sleep(LONG Milliseconds)
{
    LARGE_INTEGER Interval = {.QuadPart = -(LONGLONG)Milliseconds * 10000};

    KeDelayExecutionThread(KernelMode, FALSE, &Interval);
}

TEST(Channel_starts_as_many_as_there_are_slots_and_the_next_when_one_is_free)
{
    ULONG i;

    Arrange();
    for (i = 0; i < 5; i++) {
        Submit(i, DiskRead);
    }
    CHECK_EQUAL(SLOTS, StartCount);
    FinishSlots(2);
    CHECK_EQUAL(1, Requests[1].Completions);
    CHECK_EQUAL(0, Requests[0].Completions);
    CHECK_EQUAL(SLOTS + 1, StartCount);
    CHECK(Started[SLOTS] == &Requests[3].Request);
    FinishSlots(7);
    FinishSlots(1);
    Close(5);
}

TEST(Channel_does_not_finish_a_slot_that_is_free_or_absent)
{
    KIRQL OldIrql;

    Arrange();
    OldIrql = KfAcquireSpinLock(&Channel.Lock);
    CHECK(!ChannelFinish(&Channel, 0, STATUS_SUCCESS));
    CHECK(!ChannelFinish(&Channel, SLOTS, STATUS_SUCCESS));
    CHECK(!ChannelFinish(&Channel, 0xFFFFFFFF, STATUS_SUCCESS));
    CHECK(!ChannelRetry(&Channel, 0, STATUS_SUCCESS));
    CHECK(!ChannelRetry(&Channel, SLOTS, STATUS_SUCCESS));
    KfReleaseSpinLock(&Channel.Lock, OldIrql);
    Close(0);
}

TEST(Channel_flush_is_alone)
{
    Arrange();
    Submit(0, DiskWrite);
    Submit(1, DiskFlush);
    Submit(2, DiskWrite);
    CHECK_EQUAL(1, StartCount);
    FinishSlots(1);
    CHECK_EQUAL(2, StartCount);
    CHECK(Started[1] == &Requests[1].Request);
    FinishSlots(1);
    CHECK(Started[2] == &Requests[2].Request);
    FinishSlots(1);
    Close(3);
}

TEST(Channel_reset_starts_the_others_again_in_their_order)
{
    Arrange();
    Submit(0, DiskRead);
    Submit(1, DiskRead);
    Submit(2, DiskRead);
    Submit(3, DiskRead);
    Rules = FALSE;
    FinishSlots(2);
    Rules = TRUE;
    CHECK_EQUAL(1, Channel.Resets);
    CHECK_EQUAL(1, Channel.Violations);
    CHECK_EQUAL(SLOTS + 3, StartCount);
    CHECK(Started[3] == &Requests[0].Request && Started[4] == &Requests[2].Request);
    CHECK(Started[5] == &Requests[3].Request);
    FinishSlots(7);
    Close(4);
}

TEST(Channel_request_is_tried_twice)
{
    Arrange();
    Submit(0, DiskRead);
    Rules = FALSE;
    ChannelInterrupt(&Channel);
    CHECK_EQUAL(0, Requests[0].Completions);
    ChannelInterrupt(&Channel);
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, DiskBenchWait(&Requests[0]));
    CHECK_EQUAL(CHANNEL_TRIES, StartCount);
    Close(1);
}

TEST(Channel_retry_comes_before_those_that_wait_and_ends)
{
    ULONG i;

    Arrange();
    for (i = 0; i < SLOTS + 1; i++) {
        Submit(i, DiskRead);
    }
    Retry = TRUE;
    Answer = STATUS_IO_DEVICE_ERROR;
    FinishSlots(2);
    CHECK_EQUAL(0, Requests[1].Completions);
    CHECK(Started[SLOTS] == &Requests[1].Request);
    FinishSlots(2);
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, DiskBenchWait(&Requests[1]));
    CHECK(Started[SLOTS + 1] == &Requests[SLOTS].Request);
    Retry = FALSE;
    FinishSlots(7);
    CHECK_EQUAL(0, Channel.Resets);
    Close(SLOTS + 1);
}

TEST(Channel_flush_that_is_tried_again_is_alone_again)
{
    Arrange();
    Submit(0, DiskFlush);
    Submit(1, DiskWrite);
    Retry = TRUE;
    FinishSlots(1);
    CHECK_EQUAL(2, StartCount);
    CHECK(Started[1] == &Requests[0].Request);
    Retry = FALSE;
    FinishSlots(1);
    FinishSlots(1);
    Close(2);
}

TEST(Channel_time_runs_for_each_request_alone)
{
    Arrange();
    Submit(0, DiskRead);
    Sleep(CHANNEL_LIMIT_MS - 1000);
    Submit(1, DiskRead);
    FinishSlots(1);
    Sleep(5000);
    CHECK_EQUAL(0, Channel.Resets);
    Sleep(6000);
    CHECK_EQUAL(1, Channel.Resets);
    FinishSlots(1);
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchWait(&Requests[1]));
    Close(2);
}

TEST(Channel_asks_when_an_interrupt_was_lost)
{
    Arrange();
    Submit(0, DiskRead);
    Submit(1, DiskRead);
    Finish = 1; /* and no interrupt */
    Sleep(CHANNEL_ASK_MS - CHANNEL_CHECK_MS);
    CHECK_EQUAL(0, Requests[0].Completions);
    Sleep(2 * CHANNEL_CHECK_MS);
    CHECK_EQUAL(1, Requests[0].Completions);
    CHECK_EQUAL(1, Channel.Device.Unannounced);
    Sleep(CHANNEL_ASK_MS);
    FinishSlots(2);
    CHECK_EQUAL(1, Channel.Device.Unannounced);
    CHECK_EQUAL(0, Channel.Resets);
    Close(2);
}

TEST(Channel_blames_no_interrupt_for_a_controller_that_breaks_the_rules)
{
    Arrange();
    Submit(0, DiskRead);
    Rules = FALSE;
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, DiskBenchWait(&Requests[0]));
    CHECK_EQUAL(CHANNEL_TRIES, Channel.Resets);
    CHECK_EQUAL(0, Channel.Device.Unannounced);
    Close(1);
}

TEST(Channel_flush_has_more_time)
{
    Arrange();
    Submit(0, DiskFlush);
    Sleep(CHANNEL_LIMIT_MS + 2000);
    CHECK_EQUAL(0, Channel.Resets);
    Sleep(CHANNEL_FLUSH_LIMIT - CHANNEL_LIMIT_MS);
    CHECK_EQUAL(1, Channel.Resets);
    FinishSlots(1);
    Close(1);
}

TEST(Channel_without_limits_leaves_time_to_the_driver)
{
    Arrange();
    Channel.Unlimited = TRUE;
    Submit(0, DiskRead);
    CHECK(!Channel.Ticking);
    Sleep(2 * CHANNEL_LIMIT_MS);
    CHECK_EQUAL(0, Channel.Resets);
    FinishSlots(1);
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchWait(&Requests[0]));
    Close(1);
}

TEST(Channel_is_quiet_when_it_has_nothing_to_do)
{
    Arrange();
    Submit(0, DiskRead);
    FinishSlots(1);
    Sleep(1000);
    CHECK(!Channel.Ticking);
    Close(1);
}

TEST(Channel_that_cannot_be_reset_fails_what_waits_too)
{
    ULONG i;

    Arrange();
    for (i = 0; i < 6; i++) {
        Submit(i, DiskRead);
    }
    Rules = CanReset = FALSE;
    ChannelInterrupt(&Channel);
    for (i = 0; i < 6; i++) {
        CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchWait(&Requests[i]));
    }
    Submit(6, DiskWrite);
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchWait(&Requests[6]));
    CHECK_EQUAL(SLOTS, StartCount);
    Close(7);
}

TEST(Channel_notices_within_half_a_second_that_the_controller_is_gone)
{
    Arrange();
    Submit(0, DiskRead);
    Present = FALSE;
    Sleep(2 * CHANNEL_CHECK_MS);
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchWait(&Requests[0]));
    Close(1);
}

/* ---- pieces ---- */

static ULONG Split(ULONG Offset, ULONG Bytes, ULONG Limit, ULONG Room, CHANNEL_PIECE *Pieces)
{
    struct {
        MDL Mdl;
        PFN_NUMBER Frames[4];
    } M = {.Mdl = {.ByteOffset = 0x800, .ByteCount = 0x3000}, .Frames = {0x10, 0x11, 0x80, 0x20}};
    DISK_REQUEST Request = {.Mdl = &M.Mdl, .Offset = Offset};

    return ChannelSplit(&Request, Bytes, Limit, Pieces, Room);
}

TEST(ChannelSplit_joins_neighbours_and_parts_others)
{
    CHANNEL_PIECE P[4];

    CHECK_EQUAL(3, Split(0, 0x3000, 0x10000, 4, P));
    CHECK(P[0].Physical == 0x10800 && P[0].Bytes == 0x1800);
    CHECK(P[1].Physical == 0x80000 && P[1].Bytes == 0x1000);
    CHECK(P[2].Physical == 0x20000 && P[2].Bytes == 0x800);
    CHECK_EQUAL(1, Split(0xA00, 0x600, 0x10000, 4, P));
    CHECK(P[0].Physical == 0x11200 && P[0].Bytes == 0x600);
}

TEST(ChannelSplit_keeps_to_the_limit_and_to_the_room)
{
    CHANNEL_PIECE P[4];

    CHECK_EQUAL(4, Split(0, 0x3000, 0x1000, 4, P));
    CHECK(P[0].Bytes == 0x800 && P[1].Bytes == 0x1000);
    P[2].Bytes = 0xA5A5;
    CHECK_EQUAL(4, Split(0, 0x3000, 0x1000, 2, P));
    CHECK_EQUAL(0xA5A5, P[2].Bytes);
}

TEST(ChannelSplit_refuses_what_lies_behind_the_MDL)
{
    CHANNEL_PIECE P[4];

    CHECK_EQUAL(0, Split(0x2C00, 0x600, 0x10000, 4, P));
    CHECK_EQUAL(0, Split(0x3200, 0x200, 0x10000, 4, P));
}

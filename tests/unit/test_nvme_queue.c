/* SPDX-License-Identifier: MIT */
/*
 * test_nvme_queue.c - a queue in memory: what is new, what is nonsense, going round.
 */
#include "disk/driver/nvme.h"
#include "tests/unit/test.h"

#include <string.h>

#define ENTRIES 4u

static NVME_COMMAND Commands[ENTRIES];
static NVME_COMPLETION Completions[ENTRIES];
static ULONG Doorbells[2];

static NVME_QUEUE Arrange(void)
{
    NVME_QUEUE Queue = {
        .Id = 3,
        .Entries = ENTRIES,
        .Commands = Commands,
        .Completions = Completions,
        .TailDoorbell = &Doorbells[0],
        .HeadDoorbell = &Doorbells[1],
    };

    memset(Completions, 0xFF, sizeof(Completions));
    NvmeEmptyQueue(&Queue);
    return Queue;
}

static void Complete(ULONG Index, ULONG Head, ULONG Queue, ULONG Status)
{
    Completions[Index] =
        (NVME_COMPLETION){0, 0, (USHORT)Head, (USHORT)Queue, (USHORT)(70 + Index), (USHORT)Status};
}

TEST(NvmeQueue_is_empty_at_first)
{
    NVME_QUEUE Queue = Arrange();
    NVME_COMPLETION Answer = {.Id = 5};

    CHECK_EQUAL(NvmeNothing, NvmeTake(&Queue, &Answer));
    CHECK_EQUAL(5, Answer.Id);
}

TEST(NvmeQueue_commands_and_completions_go_round)
{
    NVME_QUEUE Queue = Arrange();
    NVME_COMPLETION Answer;
    ULONG i;

    for (i = 0; i < 3 * ENTRIES; i++) {
        const NVME_COMMAND Command = {.Id = (USHORT)i};
        ULONG Phase = i / ENTRIES % 2 == 0;

        NvmeSubmit(&Queue, &Command);
        CHECK_EQUAL(i, Commands[i % ENTRIES].Id);
        CHECK_EQUAL((i + 1) % ENTRIES, Doorbells[0]);
        CHECK_EQUAL(NvmeNothing, NvmeTake(&Queue, &Answer));
        Complete(i % ENTRIES, (i + 1) % ENTRIES, 3, Phase);
        CHECK_EQUAL(NvmeAnswer, NvmeTake(&Queue, &Answer));
        CHECK_EQUAL(70 + i % ENTRIES, Answer.Id);
        NvmeAcknowledge(&Queue);
        CHECK_EQUAL((i + 1) % ENTRIES, Doorbells[1]);
        CHECK_EQUAL(NvmeNothing, NvmeTake(&Queue, &Answer)); /* the old phase */
    }
}

TEST(NvmeQueue_completions_of_another_queue_are_nonsense)
{
    NVME_QUEUE Queue = Arrange();
    const NVME_COMMAND Command = {0};
    NVME_COMPLETION Answer;

    NvmeSubmit(&Queue, &Command);
    Complete(0, 1, 4, 1);
    CHECK_EQUAL(NvmeNonsense, NvmeTake(&Queue, &Answer));
}

TEST(NvmeQueue_heads_beyond_what_was_sent_are_nonsense)
{
    static const ULONG Heads[] = {2, 3, ENTRIES, 0xFFFF};
    const NVME_COMMAND Command = {0};
    NVME_COMPLETION Answer;
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Heads); i++) {
        NVME_QUEUE Queue = Arrange();

        NvmeSubmit(&Queue, &Command);
        Complete(0, Heads[i], 3, 1);
        CHECK_EQUAL(NvmeNonsense, NvmeTake(&Queue, &Answer));
    }
}

TEST(NvmeQueue_head_does_not_go_back)
{
    NVME_QUEUE Queue = Arrange();
    const NVME_COMMAND Command = {0};
    NVME_COMPLETION Answer;

    NvmeSubmit(&Queue, &Command);
    NvmeSubmit(&Queue, &Command);
    Complete(0, 2, 3, 1);
    CHECK_EQUAL(NvmeAnswer, NvmeTake(&Queue, &Answer));
    Complete(1, 1, 3, 1);
    CHECK_EQUAL(NvmeNonsense, NvmeTake(&Queue, &Answer));
}

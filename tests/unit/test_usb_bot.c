/* SPDX-License-Identifier: MIT */
/*
 * test_usb_bot.c - what is made of a command's end: every status block, every place to stop.
 */
#include "disk/driver/usb_bot.h"
#include "tests/unit/test.h"

#include <string.h>

static UCHAR Memory[USB_BUFFER_BYTES];
static BOT Bot;

/* A command of 512 bytes whose status block came: as it should be. */
static void Arrange(void)
{
    static const ULONG Block[] = {0x53425355, 77, 0};

    memset(&Bot, 0, sizeof(Bot));
    memset(Memory, 0, sizeof(Memory));
    memcpy(Memory + 0x40, Block, sizeof(Block));
    Bot.Buffer.Memory = Memory;
    Bot.Tag = 77;
    Bot.Phase = BotEnded;
    Bot.Command.Bytes = 512;
    Bot.DataDone = 512;
    Bot.Transfer.Done = 13;
}

static void PutLong(ULONG At, ULONG Value)
{
    memcpy(Memory + 0x40 + At, &Value, sizeof(Value));
}

TEST(BotJudge_passes_a_command_whose_status_fits)
{
    Arrange();
    CHECK_EQUAL(BotPassed, BotJudge(&Bot));
    CHECK_EQUAL(512, Bot.Moved);
}

TEST(BotJudge_believes_the_smaller_of_residue_and_data)
{
    Arrange();
    PutLong(8, 100);
    CHECK_EQUAL(BotPassed, BotJudge(&Bot));
    CHECK_EQUAL(412, Bot.Moved);
    Bot.DataDone = 200;
    CHECK_EQUAL(BotPassed, BotJudge(&Bot));
    CHECK_EQUAL(200, Bot.Moved);
    PutLong(8, 512);
    CHECK_EQUAL(BotPassed, BotJudge(&Bot));
    CHECK_EQUAL(0, Bot.Moved);
}

TEST(BotJudge_takes_status_1_for_a_refusal)
{
    Arrange();
    Memory[0x4C] = 1;
    CHECK_EQUAL(BotRefused, BotJudge(&Bot));
    CHECK_EQUAL(0, Bot.Moved);
}

TEST(BotJudge_does_not_believe_a_status_that_does_not_fit)
{
    Arrange();
    PutLong(0, 0x53425354);
    CHECK_EQUAL(BotBroken, BotJudge(&Bot));
    Arrange();
    PutLong(4, 76);
    CHECK_EQUAL(BotBroken, BotJudge(&Bot));
    Arrange();
    PutLong(8, 513);
    CHECK_EQUAL(BotBroken, BotJudge(&Bot));
    Arrange();
    Memory[0x4C] = 2;
    CHECK_EQUAL(BotBroken, BotJudge(&Bot));
    Arrange();
    Memory[0x4C] = 0xFF;
    CHECK_EQUAL(BotBroken, BotJudge(&Bot));
    Arrange();
    Bot.Transfer.Done = 12;
    CHECK_EQUAL(BotBroken, BotJudge(&Bot));
}

TEST(BotJudge_tells_stalls_from_breaks_and_from_the_end)
{
    static const struct {
        BOT_PHASE Phase;
        NTSTATUS Status;
        BOT_VERDICT Verdict;
    } Cases[] = {
        {BotSending, STATUS_DEVICE_PROTOCOL_ERROR, BotBroken},
        {BotSending, STATUS_IO_DEVICE_ERROR, BotBroken},
        {BotSending, STATUS_NO_SUCH_DEVICE, BotGone},
        {BotData, STATUS_DEVICE_PROTOCOL_ERROR, BotStalled},
        {BotData, STATUS_IO_TIMEOUT, BotBroken},
        {BotData, STATUS_DATA_OVERRUN, BotBroken},
        {BotData, STATUS_INVALID_PARAMETER, BotBroken},
        {BotData, STATUS_NO_SUCH_DEVICE, BotGone},
        {BotStatus, STATUS_DEVICE_PROTOCOL_ERROR, BotStalled},
        {BotStatus, STATUS_CANCELLED, BotBroken},
        {BotStatus, STATUS_NO_SUCH_DEVICE, BotGone},
    };
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Cases); i++) {
        Arrange();
        Bot.Phase = Cases[i].Phase;
        Bot.Status = Cases[i].Status;
        CHECK_EQUAL(Cases[i].Verdict, BotJudge(&Bot));
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * usb_bot.c - bulk-only transport: one SCSI command at a time over two bulk endpoints.
 *
 *     Phase    transfer                     then
 *     Sending  31 bytes out                 Data, or Status when there is none
 *     Data     the request's own memory     Status
 *     Status   13 bytes in                  Ended
 *
 * Each transfer's completion submits the next; a command that goes well needs no thread.  Whatever
 * else happens stops where it is, with Phase and Status telling what, and the bus's thread decides:
 * a stall in Data or Status is cleared and the status read (again); all else is for reset recovery.
 *
 * The device is input: signature, tag, status and residue are checked before anything is believed.
 *
 * Source: Universal Serial Bus Mass Storage Class, Bulk-Only Transport 1.0.
 *
 * Locking: the transport belongs to one command at a time (usb_bot.h).
 */
#include "disk/driver/usb_bot.h"

#include "rtl.h"

#define BOTP_COMMAND_SIGNATURE 0x43425355u /* 'USBC' */
#define BOTP_STATUS_SIGNATURE  0x53425355u /* 'USBS' */
#define BOTP_COMMAND_BYTES     31u
#define BOTP_STATUS_BYTES      13u
#define BOTP_STATUS_AT         0x40u /* in BOT.Buffer; the command block is at 0 */

#define BOTP_CLASS_RESET       0xFFu
#define BOTP_GET_MAXIMUM_LUN   0xFEu
#define BOTP_CLASS_OUT         0x21u
#define BOTP_CLASS_IN          0xA1u
#define BOTP_LUNS              15u

#define BOTP_STALLS            3u /* in one command; the device has two endpoints */
#define BOTP_RESET_TRIES       3u
#define BOTP_SETTLE_MS         50u

typedef struct NT_PACKED _BOTP_COMMAND_BLOCK {
    ULONG Signature;
    ULONG Tag;
    ULONG Bytes;
    UCHAR Flags; /* bit 7: to the host */
    UCHAR Lun;
    UCHAR CdbBytes;
    UCHAR Cdb[BOT_CDB_BYTES];
} BOTP_COMMAND_BLOCK;

typedef struct NT_PACKED _BOTP_STATUS_BLOCK {
    ULONG Signature;
    ULONG Tag;
    ULONG Residue;
    UCHAR Status; /* 0: passed, 1: failed, 2: phase error */
} BOTP_STATUS_BLOCK;

NT_C_ASSERT(sizeof(BOTP_COMMAND_BLOCK) == BOTP_COMMAND_BYTES);
NT_C_ASSERT(sizeof(BOTP_STATUS_BLOCK) == BOTP_STATUS_BYTES);

static void BotpSubmitStatus(PBOT Bot, ULONG LimitMs);

/* ---- one command ---- */

static void BotpSubmit(PBOT Bot, BOT_PHASE Phase, UCHAR Endpoint, PMDL Mdl, ULONG Offset,
                       ULONG Bytes, ULONG LimitMs, USB_COMPLETION *Completion)
{
    Bot->Phase = Phase;
    Bot->Transfer = (USB_TRANSFER){
        .Device = Bot->Device,
        .Endpoint = Endpoint,
        .Mdl = Mdl,
        .Offset = Offset,
        .Bytes = Bytes,
        .LimitMs = LimitMs,
        .Completion = Completion,
        .Context = Bot,
    };
    Bot->Device->Host->Operations->Submit(&Bot->Transfer);
}

static void BotpStatusDone(PUSB_TRANSFER Transfer)
{
    PBOT Bot = Transfer->Context;

    Bot->Status = Transfer->Status;
    if (NT_SUCCESS(Transfer->Status)) {
        Bot->Phase = BotEnded;
    }
    Bot->Ended(Bot);
}

static void BotpDataDone(PUSB_TRANSFER Transfer)
{
    PBOT Bot = Transfer->Context;

    Bot->DataDone = Transfer->Done < Bot->Command.Bytes ? Transfer->Done : Bot->Command.Bytes;
    Bot->Status = Transfer->Status;
    if (NT_SUCCESS(Transfer->Status)) {
        BotpSubmitStatus(Bot, Bot->Command.LimitMs);
    } else {
        Bot->Ended(Bot);
    }
}

static void BotpCommandDone(PUSB_TRANSFER Transfer)
{
    PBOT Bot = Transfer->Context;
    const BOT_COMMAND *Command = &Bot->Command;

    Bot->Status = Transfer->Status;
    if (NT_SUCCESS(Transfer->Status) && Transfer->Done != BOTP_COMMAND_BYTES) {
        Bot->Status = STATUS_IO_DEVICE_ERROR;
    }
    if (!NT_SUCCESS(Bot->Status)) {
        Bot->Ended(Bot);
    } else if (Command->Bytes == 0) {
        BotpSubmitStatus(Bot, Command->LimitMs);
    } else {
        BotpSubmit(Bot, BotData, Command->ToHost ? Bot->In : Bot->Out, Command->Mdl,
                   Command->Offset, Command->Bytes, Command->LimitMs, BotpDataDone);
    }
}

static void BotpSubmitStatus(PBOT Bot, ULONG LimitMs)
{
    memset(Bot->Buffer.Memory + BOTP_STATUS_AT, 0, BOTP_STATUS_BYTES);
    BotpSubmit(Bot, BotStatus, Bot->In, &Bot->Buffer.Pages.Mdl, BOTP_STATUS_AT, BOTP_STATUS_BYTES,
               LimitMs, BotpStatusDone);
}

void BotStart(PBOT Bot, void (*Ended)(PBOT Bot))
{
    const BOT_COMMAND *Command = &Bot->Command;
    BOTP_COMMAND_BLOCK Block = {
        .Signature = BOTP_COMMAND_SIGNATURE,
        .Tag = ++Bot->Tag,
        .Bytes = Command->Bytes,
        .Flags = Command->ToHost ? USB_TO_HOST : 0,
        .Lun = Bot->Lun,
        .CdbBytes = (UCHAR)Command->CdbBytes,
    };

    memcpy(Block.Cdb, Command->Cdb, Command->CdbBytes);
    memcpy(Bot->Buffer.Memory, &Block, sizeof(Block));
    Bot->Ended = Ended;
    Bot->DataDone = Bot->Moved = 0;
    BotpSubmit(Bot, BotSending, Bot->Out, &Bot->Buffer.Pages.Mdl, 0, BOTP_COMMAND_BYTES,
               BOT_COMMAND_MS, BotpCommandDone);
}

/* ---- what became of it ---- */

static BOT_VERDICT BotpJudgeStatus(PBOT Bot)
{
    BOTP_STATUS_BLOCK Block;
    ULONG Bytes = Bot->Command.Bytes;

    memcpy(&Block, Bot->Buffer.Memory + BOTP_STATUS_AT, sizeof(Block));
    if (Bot->Transfer.Done != BOTP_STATUS_BYTES || Block.Signature != BOTP_STATUS_SIGNATURE ||
        Block.Tag != Bot->Tag || Block.Status > 1 || Block.Residue > Bytes) {
        return BotBroken;
    }
    if (Block.Status == 1) {
        return BotRefused;
    }
    Bot->Moved = Bot->DataDone < Bytes - Block.Residue ? Bot->DataDone : Bytes - Block.Residue;
    return BotPassed;
}

BOT_VERDICT BotJudge(PBOT Bot)
{
    if (Bot->Status == STATUS_NO_SUCH_DEVICE) {
        return BotGone;
    }
    if (Bot->Phase == BotEnded) {
        return BotpJudgeStatus(Bot);
    }
    return Bot->Status == STATUS_DEVICE_PROTOCOL_ERROR && Bot->Phase != BotSending ? BotStalled
                                                                                   : BotBroken;
}

static void BotpWake(PBOT Bot)
{
    KeSetEvent(&Bot->Event, IO_NO_INCREMENT, FALSE);
}

static void BotpWait(PBOT Bot)
{
    (void)KeWaitForSingleObject(&Bot->Event, Executive, KernelMode, FALSE, NULL);
}

BOT_VERDICT BotConclude(PBOT Bot)
{
    BOT_VERDICT Verdict = BotJudge(Bot);
    ULONG Stalls;

    for (Stalls = 0; Verdict == BotStalled && Stalls < BOTP_STALLS; Stalls++) {
        UCHAR Endpoint = Bot->Transfer.Endpoint;
        NTSTATUS Status = UsbClearHalt(Bot->Device, Endpoint);

        if (!NT_SUCCESS(Status)) {
            return Status == STATUS_NO_SUCH_DEVICE ? BotGone : BotBroken;
        }
        Bot->Ended = BotpWake;
        KeClearEvent(&Bot->Event);
        BotpSubmitStatus(Bot, BOT_COMMAND_MS);
        BotpWait(Bot);
        Verdict = BotJudge(Bot);
    }
    return Verdict == BotStalled ? BotBroken : Verdict;
}

BOT_VERDICT BotRun(PBOT Bot)
{
    KeClearEvent(&Bot->Event);
    BotStart(Bot, BotpWake);
    BotpWait(Bot);
    return BotConclude(Bot);
}

/* ---- the transport itself ---- */

NTSTATUS BotReset(PBOT Bot)
{
    NTSTATUS Status = STATUS_NO_SUCH_DEVICE;
    ULONG Try;

    for (Try = 0; Try < BOTP_RESET_TRIES; Try++) {
        if (!UsbIsConnected(Bot->Device)) {
            return STATUS_NO_SUCH_DEVICE;
        }
        Status =
            UsbControlRequest(Bot->Device, BOTP_CLASS_OUT, BOTP_CLASS_RESET, 0, Bot->Interface);
        if (NT_SUCCESS(Status)) {
            UsbSleep(BOTP_SETTLE_MS);
            Status = UsbClearHalt(Bot->Device, Bot->In);
        }
        if (NT_SUCCESS(Status)) {
            Status = UsbClearHalt(Bot->Device, Bot->Out);
        }
        if (NT_SUCCESS(Status) || Status == STATUS_NO_SUCH_DEVICE) {
            break;
        }
    }
    return Status;
}

ULONG BotMaximumLun(PBOT Bot)
{
    const USB_SETUP Setup = {BOTP_CLASS_IN, BOTP_GET_MAXIMUM_LUN, 0, Bot->Interface, 1};
    UCHAR Lun = 0;
    ULONG Done = 0;

    if (!NT_SUCCESS(UsbControlTransfer(Bot->Device, Setup, &Lun, &Done)) || Done != 1 ||
        Lun > BOTP_LUNS) {
        return 0; /* a stall says that there is one unit */
    }
    return Lun;
}

BOOLEAN BotInitialize(PBOT Bot)
{
    KeInitializeEvent(&Bot->Event, NotificationEvent, FALSE);
    return UsbAllocateBuffer(&Bot->Buffer);
}

void BotDelete(PBOT Bot)
{
    UsbFreeBuffer(&Bot->Buffer);
}

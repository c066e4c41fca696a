/* SPDX-License-Identifier: MIT */
/*
 * usb_storage.c - USB mass storage as disks.
 *
 * A request is a command on the bulk-only transport, one at a time; the channel keeps the others
 * in line.  A command that goes well ends in the transfers' completions; all else is settled by the
 * bus's thread, which allocates nothing there, so that paging can depend on it:
 *
 *     verdict  then
 *     Passed   done; data that is missing is asked for again
 *     Refused  REQUEST SENSE; attention and "becoming ready" are tried again for STORAGEP_READY_MS,
 *              "aborted" STORAGEP_ABORTS times
 *     Broken   reset recovery, and the command again; at most STORAGEP_RESETS times
 *     Gone     nothing works any more
 *
 * A disk whose medium was taken out, or may be another now, or whose device was unplugged, or
 * cannot be recovered, stays as a disk whose requests fail with STATUS_NO_SUCH_DEVICE: what comes
 * into the same slot later is another disk.
 *
 * Of a device with several units (a card reader) the first that has a medium is driven.
 *
 * Locking: (C) the channel's lock; (X) whoever has the command: the transport's completions, then
 * the thread, and after ChannelInterrupt StoragepPoll; (T) the bus's thread; (I) fixed.
 */
#include "disk/driver/channel.h"
#include "disk/driver/drivers.h"
#include "disk/driver/usb_scsi.h"

#include "ex.h"
#include "report.h"
#include "rtl.h"

#define STORAGEP_DISKS     64u /* since the start; the memory of one that is gone stays */
#define STORAGEP_RESETS    3u
#define STORAGEP_ABORTS    3u
#define STORAGEP_READY_MS  10000u
#define STORAGEP_PAUSE_MS  100u
#define STORAGEP_BYTES     0x10000u /* of a command */
#define STORAGEP_BULK_ONLY 0x50u
#define STORAGEP_SCSI      6u /* subclass: transparent SCSI commands */

typedef struct _STORAGEP_DISK {
    DISK_CHANNEL Channel;
    PUSB_HOST Host; /* (I) */
    BOT Bot;
    USB_WORK Work;    /* the command that runs needs the thread */
    BOOLEAN Gone;     /* (C) start nothing any more */
    BOOLEAN Left;     /* (C) and no transfer is under way: the channel may close */
    BOOLEAN Answered; /* (X) slot 0 is finished, with Result */
    NTSTATUS Result;  /* (X) */
    BOOLEAN Works;    /* (T) it is a disk already: its medium must stay */
    BOOLEAN WasReset; /* (X) by us, and it has not carried out or refused a command since:
                       * attention is to be expected */
    char Name[DRIVER_NAME_BYTES];
} STORAGEP_DISK, *PSTORAGEP_DISK;

/* How a command is settled. */
typedef struct _STORAGEP_SETTLING {
    BOT_COMMAND Command; /* to be tried again */
    BOOLEAN MayBeShort;  /* less data than asked for is an answer */
    BOOLEAN Again;
    ULONG Resets;
    ULONG Aborts;
    ULONG64 Deadline; /* interrupt time until which attention is tried again */
} STORAGEP_SETTLING, *PSTORAGEP_SETTLING;

static PSTORAGEP_DISK StoragepDisk(PDISK_CHANNEL Channel)
{
    return CONTAINING_RECORD(Channel, STORAGEP_DISK, Channel);
}

/* ---- settling: the bus's thread ---- */

/* The disk is of no use any more, although its device may still be there. */
static NTSTATUS StoragepGiveUp(PSTORAGEP_DISK Disk)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Disk->Channel.Lock);

    Disk->Gone = TRUE;
    Disk->Left = TRUE;
    KfReleaseSpinLock(&Disk->Channel.Lock, OldIrql);
    return STATUS_NO_SUCH_DEVICE;
}

static NTSTATUS StoragepBroken(PSTORAGEP_DISK Disk, PSTORAGEP_SETTLING Settling)
{
    NTSTATUS Why =
        Disk->Bot.Status == STATUS_IO_TIMEOUT ? STATUS_IO_TIMEOUT : STATUS_IO_DEVICE_ERROR;
    NTSTATUS Status = BotReset(&Disk->Bot);

    Disk->WasReset = TRUE;
    if (!NT_SUCCESS(Status)) {
        Settling->Again = FALSE;
        return StoragepGiveUp(Disk);
    }
    Settling->Again = ++Settling->Resets < STORAGEP_RESETS;
    return Why;
}

static NTSTATUS StoragepPause(PSTORAGEP_SETTLING Settling)
{
    Settling->Again = KeQueryInterruptTime() < Settling->Deadline;
    if (Settling->Again) {
        UsbSleep(STORAGEP_PAUSE_MS);
    }
    return STATUS_IO_DEVICE_ERROR;
}

static NTSTATUS StoragepNewMedium(PSTORAGEP_DISK Disk, PSTORAGEP_SETTLING Settling,
                                  SCSI_SENSE Sense)
{
    if (Sense == ScsiNewMedium && (!Disk->Works || Disk->WasReset)) {
        return StoragepPause(Settling);
    }
    return Disk->Works ? StoragepGiveUp(Disk) : STATUS_NO_SUCH_DEVICE;
}

/* => DataDone is that of the command that was refused. */
static NTSTATUS StoragepRefused(PSTORAGEP_DISK Disk, PSTORAGEP_SETTLING Settling)
{
    BOOLEAN Complete = Disk->Bot.DataDone == Settling->Command.Bytes;
    SCSI_SENSE Sense;
    BOT_VERDICT Verdict;

    ScsiRequestSense(&Disk->Bot.Command);
    Disk->Bot.Command.Mdl = &Disk->Bot.Buffer.Pages.Mdl;
    Disk->Bot.Command.Offset = BOT_SCRATCH_AT;
    Verdict = BotRun(&Disk->Bot);
    if (Verdict == BotGone) {
        return STATUS_NO_SUCH_DEVICE;
    }
    if (Verdict == BotBroken) {
        return StoragepBroken(Disk, Settling);
    }
    Sense = ScsiParseSense(Disk->Bot.Buffer.Memory + BOT_SCRATCH_AT, Disk->Bot.Moved);
    if (Sense != ScsiTryAgain && Sense != ScsiAborted && Sense != ScsiNewMedium) {
        Disk->WasReset = FALSE; /* attention comes before all else */
    }
    switch (Sense) {
    case ScsiGood:
        return Complete ? STATUS_SUCCESS : STATUS_IO_DEVICE_ERROR;
    case ScsiTryAgain:
        return StoragepPause(Settling);
    case ScsiAborted:
        return Settling->Aborts++ < STORAGEP_ABORTS ? StoragepPause(Settling)
                                                    : STATUS_IO_DEVICE_ERROR;
    case ScsiNoMedium:
    case ScsiNewMedium:
        return StoragepNewMedium(Disk, Settling, Sense);
    case ScsiUnsupported:
        return STATUS_NOT_SUPPORTED;
    case ScsiProtected:
        return STATUS_MEDIA_WRITE_PROTECTED;
    case ScsiFailed:
        break;
    }
    return STATUS_IO_DEVICE_ERROR;
}

static NTSTATUS StoragepJudge(PSTORAGEP_DISK Disk, PSTORAGEP_SETTLING Settling, BOT_VERDICT Verdict)
{
    switch (Verdict) {
    case BotPassed:
        if (Disk->Bot.Moved == Settling->Command.Bytes || Settling->MayBeShort) {
            Disk->WasReset = FALSE;
            return STATUS_SUCCESS;
        }
        return StoragepPause(Settling);
    case BotRefused:
        return StoragepRefused(Disk, Settling);
    case BotStalled:
    case BotBroken:
        return StoragepBroken(Disk, Settling);
    case BotGone:
        break;
    }
    return STATUS_NO_SUCH_DEVICE;
}

/* => Bot.Command ended with Verdict. */
static NTSTATUS StoragepSettle(PSTORAGEP_DISK Disk, BOT_VERDICT Verdict, BOOLEAN MayBeShort)
{
    STORAGEP_SETTLING Settling = {
        .Command = Disk->Bot.Command,
        .MayBeShort = MayBeShort,
        .Deadline = KeQueryInterruptTime() + (ULONG64)STORAGEP_READY_MS * USB_100NS_IN_MS,
    };
    NTSTATUS Status;

    for (;;) {
        Settling.Again = FALSE;
        Status = StoragepJudge(Disk, &Settling, Verdict);
        if (!Settling.Again) {
            return Status;
        }
        Disk->Bot.Command = Settling.Command;
        Verdict = BotRun(&Disk->Bot);
    }
}

static void StoragepAnswer(PSTORAGEP_DISK Disk, NTSTATUS Status)
{
    Disk->Result = Status;
    Disk->Answered = TRUE;
    ChannelInterrupt(&Disk->Channel);
}

static void StoragepWork(PUSB_WORK Work)
{
    PSTORAGEP_DISK Disk = CONTAINING_RECORD(Work, STORAGEP_DISK, Work);
    NTSTATUS Status = StoragepSettle(Disk, BotConclude(&Disk->Bot), FALSE);

    if (Status == STATUS_NOT_SUPPORTED) { /* without a cache there is nothing to flush */
        Status = Disk->Channel.Flush ? STATUS_SUCCESS : STATUS_IO_DEVICE_ERROR;
    }
    StoragepAnswer(Disk, Status);
}

/* ---- requests ---- */

static void StoragepEnded(PBOT Bot)
{
    PSTORAGEP_DISK Disk = CONTAINING_RECORD(Bot, STORAGEP_DISK, Bot);

    if (BotJudge(Bot) == BotPassed && Bot->Moved == Bot->Command.Bytes) {
        Disk->WasReset = FALSE;
        StoragepAnswer(Disk, STATUS_SUCCESS);
    } else {
        UsbQueueWork(Disk->Host, &Disk->Work);
    }
}

static void StoragepStart(PDISK_CHANNEL Channel, ULONG Slot, PDISK_REQUEST Request)
    NT_HOLDS(Channel->Lock)
{
    PSTORAGEP_DISK Disk = StoragepDisk(Channel);
    BOT_COMMAND *Command = &Disk->Bot.Command;
    ULONG Bytes = Request->Sectors * Channel->Device.SectorBytes;

    if (Disk->Gone) {
        (void)ChannelFinish(Channel, Slot, STATUS_NO_SUCH_DEVICE);
        return;
    }
    if (Request->Operation == DiskFlush) {
        ScsiSynchronizeCache(Command);
        Command->Mdl = NULL;
    } else if (Request->Offset > Request->Mdl->ByteCount ||
               Bytes > Request->Mdl->ByteCount - Request->Offset) {
        (void)ChannelFinish(Channel, Slot, STATUS_INVALID_PARAMETER);
        return;
    } else {
        ScsiTransfer(Command, Request->Operation == DiskWrite, Request->Sector, Request->Sectors,
                     Channel->Device.SectorBytes);
        Command->Mdl = Request->Mdl;
        Command->Offset = Request->Offset;
    }
    BotStart(&Disk->Bot, StoragepEnded);
}

static BOOLEAN StoragepPoll(PDISK_CHANNEL Channel) NT_HOLDS(Channel->Lock)
{
    PSTORAGEP_DISK Disk = StoragepDisk(Channel);

    if (Disk->Answered) {
        Disk->Answered = FALSE;
        (void)ChannelFinish(Channel, 0, Disk->Result);
    }
    return !Disk->Left;
}

/* The channel asks only after Left. */
static BOOLEAN StoragepReset(PDISK_CHANNEL Channel)
{
    (void)Channel;
    return FALSE;
}

static BOOLEAN StoragepIsPresent(PDISK_CHANNEL Channel)
{
    return !StoragepDisk(Channel)->Left;
}

/* ---- what it is ---- */

/* Run Bot.Command with its answer in the scratch memory.  => *Bytes (or NULL: all of it must come):
 * how long that is. */
static NTSTATUS StoragepAsk(PSTORAGEP_DISK Disk, PULONG Bytes)
{
    NTSTATUS Status;

    Disk->Bot.Command.Mdl = &Disk->Bot.Buffer.Pages.Mdl;
    Disk->Bot.Command.Offset = BOT_SCRATCH_AT;
    Status = StoragepSettle(Disk, BotRun(&Disk->Bot), Bytes != NULL);
    if (Bytes != NULL) {
        *Bytes = Disk->Bot.Moved;
    }
    return Status;
}

static NTSTATUS StoragepReadCapacity(PSTORAGEP_DISK Disk)
{
    PDISK_DEVICE Device = &Disk->Channel.Device;
    const UCHAR *Answer = Disk->Bot.Buffer.Memory + BOT_SCRATCH_AT;
    NTSTATUS Status;

    ScsiReadCapacity(&Disk->Bot.Command);
    Status = StoragepAsk(Disk, NULL);
    if (NT_SUCCESS(Status)) {
        Status =
            ScsiParseCapacity(Answer, SCSI_CAPACITY_BYTES, &Device->Sectors, &Device->SectorBytes);
    }
    if (NT_SUCCESS(Status) && Device->Sectors == 0) {
        ScsiReadLongCapacity(&Disk->Bot.Command);
        Status = StoragepAsk(Disk, NULL);
        if (NT_SUCCESS(Status)) {
            Status = ScsiParseLongCapacity(Answer, SCSI_LONG_BYTES, &Device->Sectors,
                                           &Device->SectorBytes);
        }
    }
    if (NT_SUCCESS(Status)) {
        Device->MaximumSectors = STORAGEP_BYTES / Device->SectorBytes;
    }
    return Status;
}

/* => STATUS_NO_SUCH_DEVICE: no disk, or no medium in it. */
static NTSTATUS StoragepOpenUnit(PSTORAGEP_DISK Disk, SCSI_INQUIRY *Inquiry)
{
    const UCHAR *Answer = Disk->Bot.Buffer.Memory + BOT_SCRATCH_AT;
    ULONG Bytes;
    NTSTATUS Status;

    ScsiInquiry(&Disk->Bot.Command);
    Status = StoragepAsk(Disk, &Bytes);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    ScsiParseInquiry(Answer, Bytes, Inquiry);
    if (!Inquiry->IsDisk) {
        return STATUS_NO_SUCH_DEVICE;
    }
    ScsiTestUnitReady(&Disk->Bot.Command);
    Status = StoragepAsk(Disk, NULL);
    if (NT_SUCCESS(Status)) {
        Status = StoragepReadCapacity(Disk);
    }
    if (NT_SUCCESS(Status)) {
        ScsiModeSense(&Disk->Bot.Command);
        Disk->Channel.Device.ReadOnly =
            NT_SUCCESS(StoragepAsk(Disk, &Bytes)) && ScsiParseProtection(Answer, Bytes);
        Status = Disk->Left ? STATUS_NO_SUCH_DEVICE : STATUS_SUCCESS;
    }
    return Status;
}

/* The first unit that has a medium. */
static NTSTATUS StoragepOpen(PSTORAGEP_DISK Disk, SCSI_INQUIRY *Inquiry)
{
    ULONG Last = BotMaximumLun(&Disk->Bot);
    NTSTATUS Status = STATUS_NO_SUCH_DEVICE;
    ULONG Lun;

    for (Lun = 0; Lun <= Last && !Disk->Left; Lun++) {
        Disk->Bot.Lun = (UCHAR)Lun;
        Status = StoragepOpenUnit(Disk, Inquiry);
        if (NT_SUCCESS(Status)) {
            break;
        }
    }
    return Status;
}

/* ---- start and end ---- */

/* => Returns how many there are and were: each stays in the list of all disks. */
static ULONG StoragepCount(void)
{
    PDISK_DEVICE Disk = NULL;
    ULONG Count = 0;

    while ((Disk = DiskNextDevice(Disk)) != NULL) {
        Count += Disk->Driver == &UsbStorageClass;
    }
    return Count;
}

static PSTORAGEP_DISK StoragepCreate(PUSB_FUNCTION Function, UCHAR In, UCHAR Out)
{
    static const CHANNEL_OPERATIONS Operations = {
        .Start = StoragepStart,
        .Poll = StoragepPoll,
        .Reset = StoragepReset,
        .IsPresent = StoragepIsPresent,
    };
    PSTORAGEP_DISK Disk = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Disk), USB_TAG);

    if (Disk == NULL) {
        return NULL;
    }
    memset(Disk, 0, sizeof(*Disk));
    Disk->Host = Function->Device->Host;
    Disk->Work.Routine = StoragepWork;
    Disk->Channel.Operations = &Operations;
    Disk->Channel.SlotCount = 1;
    Disk->Channel.Unlimited = TRUE;
    Disk->Channel.Device.Name = Disk->Name;
    ChannelInitialize(&Disk->Channel);
    Disk->Bot.Device = Function->Device;
    Disk->Bot.Interface = Function->Interface.Number;
    Disk->Bot.In = In;
    Disk->Bot.Out = Out;
    if (!BotInitialize(&Disk->Bot)) {
        ExFreePoolWithTag(Disk, USB_TAG);
        return NULL;
    }
    return Disk;
}

static void StoragepAddDisk(PSTORAGEP_DISK Disk, const SCSI_INQUIRY *Inquiry)
{
    PDISK_DEVICE Device = &Disk->Channel.Device;
    char Text[USB_PLACE_BYTES];

    (void)RtlStringCbPrintfA(Disk->Name, sizeof(Disk->Name), "usb%u", StoragepCount());
    Device->Driver = (PVOID)&UsbStorageClass;
    Disk->Works = TRUE;
    DriverAddDisk(Device);
    KiPrint("USB        %s: %s\n", UsbDeviceName(Disk->Bot.Device, Text),
            Inquiry->Name[0] != 0 ? Inquiry->Name : "mass storage");
    DriverPrintDisk(Device);
}

static NTSTATUS StoragepStartFunction(PUSB_FUNCTION Function)
{
    const USB_ENDPOINT *In = UsbFindEndpoint(&Function->Interface, UsbBulk, USB_TO_HOST);
    const USB_ENDPOINT *Out = UsbFindEndpoint(&Function->Interface, UsbBulk, 0);
    SCSI_INQUIRY Inquiry;
    PSTORAGEP_DISK Disk;
    NTSTATUS Status;

    if (In == NULL || Out == NULL || StoragepCount() >= STORAGEP_DISKS) {
        return STATUS_NOT_SUPPORTED;
    }
    Disk = StoragepCreate(Function, In->Address, Out->Address);
    if (Disk == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = StoragepOpen(Disk, &Inquiry);
    if (!NT_SUCCESS(Status)) {
        BotDelete(&Disk->Bot);
        ExFreePoolWithTag(Disk, USB_TAG);
        return Status;
    }
    Function->Context = Disk;
    StoragepAddDisk(Disk, &Inquiry);
    return STATUS_SUCCESS;
}

static void StoragepUnplug(PUSB_FUNCTION Function)
{
    PSTORAGEP_DISK Disk = Function->Context;
    KIRQL OldIrql = KfAcquireSpinLock(&Disk->Channel.Lock);

    Disk->Gone = TRUE;
    KfReleaseSpinLock(&Disk->Channel.Lock, OldIrql);
}

/* The disk stays: somebody may have it. */
static void StoragepDelete(PUSB_FUNCTION Function)
{
    PSTORAGEP_DISK Disk = Function->Context;

    UsbCancelWork(Disk->Host, &Disk->Work);
    BotDelete(&Disk->Bot);
    Disk->Bot.Device = NULL;
    (void)StoragepGiveUp(Disk);
    ChannelInterrupt(&Disk->Channel);
    Function->Context = NULL;
}

const USB_CLASS UsbStorageClass = {
    .Name = "mass storage",
    .Class = UsbClassStorage,
    .SubClass = STORAGEP_SCSI,
    .Protocol = STORAGEP_BULK_ONLY,
    .Start = StoragepStartFunction,
    .Unplug = StoragepUnplug,
    .Delete = StoragepDelete,
};

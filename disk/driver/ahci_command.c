/* SPDX-License-Identifier: MIT */
/*
 * ahci_command.c - commands to a SATA disk: many queued, or one at a time; their errors.
 *
 *     queued     reads and writes, where device and controller can; up to 32, in any order
 *     alone      flush, always; everything where they cannot, and for a while after an error
 *
 * A queued command that fails takes all others with it, and which one it was is told by a log that
 * not every device keeps.  So the device is reset, and those that were on their way are tried again
 * one at a time: then an error is that one's.  Who fails too often is never given a queue again.
 *
 * The controller would take several commands that are not queued, too, and run them one after the
 * other; which of them failed is told differently by different controllers.
 *
 * Locking: the channel's.
 */
#include "disk/driver/ahci.h"

#include "arch/port.h"
#include "rtl.h"

#define CMDP_PIECES_AT    0x80u /* in a table */
#define CMDP_PIECE_BYTES  0x10000u
#define CMDP_QUEUE_ERRORS 8u /* after which it is not used any more */

/* The first word of a command header. */
#define CMDP_FIS_WORDS    5u
#define CMDP_HEADER_WRITE 0x40u
#define CMDP_PIECE_SHIFT  16

/* Commands. */
#define CMDP_READ         0x25u
#define CMDP_WRITE        0x35u
#define CMDP_READ_QUEUED  0x60u
#define CMDP_WRITE_QUEUED 0x61u
#define CMDP_FLUSH        0xEAu
#define CMDP_IDENTIFY     0xECu

#define CMDP_WAIT         100u   /* us */
#define CMDP_FIRST_TRIES  50000u /* 5 s for IDENTIFY DEVICE: a disk may be spinning up */

typedef struct _CMDP_HEADER {
    ULONG Flags;
    volatile ULONG Bytes; /* transferred */
    ULONG TableLow;
    ULONG TableHigh;
    ULONG Reserved[4];
} CMDP_HEADER;

typedef struct _CMDP_PIECE {
    ULONG AddressLow;
    ULONG AddressHigh;
    ULONG Reserved;
    ULONG Bytes; /* less one */
} CMDP_PIECE;

NT_C_ASSERT(sizeof(CMDP_HEADER) == 32);
NT_C_ASSERT(sizeof(CMDP_PIECE) == 16);
NT_C_ASSERT(CMDP_PIECES_AT + AHCI_PIECES * sizeof(CMDP_PIECE) <= AHCI_TABLE_BYTES);

typedef struct _CMDP_COMMAND {
    UCHAR Code;
    BOOLEAN Queued;
    BOOLEAN Write;
    ULONG64 Sector;
    ULONG Sectors;
    ULONG Pieces;
} CMDP_COMMAND;

static PAHCI_PORT CmdpPort(PDISK_CHANNEL Channel)
{
    return CONTAINING_RECORD(Channel, AHCI_PORT, Channel);
}

static ULONG CmdpTable(ULONG Slot)
{
    return AHCI_TABLES_AT + Slot * AHCI_TABLE_BYTES;
}

static CMDP_HEADER *CmdpHeader(const AHCI_PORT *Port, ULONG Slot)
{
    return (CMDP_HEADER *)(PVOID)Port->Memory + Slot;
}

/* ---- to the device ---- */

/* A queued command has its count where others have features, and its slot where they have it. */
static void CmdpFillFis(PUCHAR Fis, ULONG Slot, const CMDP_COMMAND *Command)
{
    ULONG Count = Command->Queued ? Slot << 3 : Command->Sectors;
    ULONG Features = Command->Queued ? Command->Sectors : 0;
    ULONG i;

    memset(Fis, 0, CMDP_FIS_WORDS * sizeof(ULONG));
    Fis[0] = 0x27; /* from host to device */
    Fis[1] = 0x80; /* it is a command */
    Fis[2] = Command->Code;
    Fis[3] = (UCHAR)Features;
    Fis[7] = 0x40; /* sectors are numbered */
    for (i = 0; i < 3; i++) {
        Fis[4 + i] = (UCHAR)(Command->Sector >> (8 * i));
        Fis[8 + i] = (UCHAR)(Command->Sector >> (24 + 8 * i));
    }
    Fis[11] = (UCHAR)(Features >> 8);
    Fis[12] = (UCHAR)Count;
    Fis[13] = (UCHAR)(Count >> 8);
}

static void CmdpIssue(const AHCI_PORT *Port, ULONG Slot, const CMDP_COMMAND *Command)
{
    CMDP_HEADER *Header = CmdpHeader(Port, Slot);

    CmdpFillFis(Port->Memory + CmdpTable(Slot), Slot, Command);
    Header->Flags = CMDP_FIS_WORDS | (Command->Write ? CMDP_HEADER_WRITE : 0) |
                    Command->Pieces << CMDP_PIECE_SHIFT;
    Header->Bytes = 0;
    Header->TableLow = AhciPortPhysical(Port, CmdpTable(Slot));
    Header->TableHigh = 0;
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the command before the bits that issue it */
    if (Command->Queued) {
        AhciWritePort(Port, PortActive, 1u << Slot);
    }
    AhciWritePort(Port, PortIssue, 1u << Slot);
}

static void CmdpDescribe(const AHCI_PORT *Port, ULONG Slot, ULONG Index, ULONG64 Physical,
                         ULONG Bytes)
{
    CMDP_PIECE *Pieces = (PVOID)(Port->Memory + CmdpTable(Slot) + CMDP_PIECES_AT);

    Pieces[Index] = (CMDP_PIECE){(ULONG)Physical, (ULONG)(Physical >> 32), 0, Bytes - 1};
}

/* => Returns the number of pieces; 0: the controller cannot reach them. */
static ULONG CmdpDescribeData(const AHCI_PORT *Port, ULONG Slot, const DISK_REQUEST *Request)
{
    ULONG Bytes = Request->Sectors * Port->Channel.Device.SectorBytes;
    CHANNEL_PIECE Pieces[AHCI_PIECES];
    ULONG Count = ChannelSplit(Request, Bytes, CMDP_PIECE_BYTES, Pieces, AHCI_PIECES);
    ULONG i;

    for (i = 0; i < Count && Count <= AHCI_PIECES; i++) {
        if ((Pieces[i].Physical & 1) != 0 || (Pieces[i].Bytes & 1) != 0) {
            return 0; /* it moves words */
        }
        CmdpDescribe(Port, Slot, i, Pieces[i].Physical, Pieces[i].Bytes);
    }
    return Count <= AHCI_PIECES ? Count : 0;
}

/* => The answer stays the same while the request is on its way. */
static BOOLEAN CmdpIsQueued(const AHCI_PORT *Port, const DISK_REQUEST *Request)
{
    return Port->CanQueue && Port->Unqueued == 0 && Request->Operation != DiskFlush;
}

static void CmdpStart(PDISK_CHANNEL Channel, ULONG Slot, PDISK_REQUEST Request)
    NT_HOLDS(Channel->Lock)
{
    static const UCHAR Codes[2][3] = {
        {[DiskRead] = CMDP_READ, [DiskWrite] = CMDP_WRITE, [DiskFlush] = CMDP_FLUSH},
        {[DiskRead] = CMDP_READ_QUEUED, [DiskWrite] = CMDP_WRITE_QUEUED},
    };
    const AHCI_PORT *Port = CmdpPort(Channel);
    CMDP_COMMAND Command = {
        .Queued = CmdpIsQueued(Port, Request),
        .Write = Request->Operation == DiskWrite,
    };

    if (Port->Changed) {
        (void)ChannelFinish(Channel, Slot, STATUS_NO_SUCH_DEVICE);
        ChannelInterrupt(Channel); /* the interrupt that told of it may be lost: CmdpPoll leaves */
        return;
    }
    Command.Code = Codes[Command.Queued][Request->Operation];
    if (Request->Operation != DiskFlush) {
        Command.Sector = Request->Sector;
        Command.Sectors = Request->Sectors;
        Command.Pieces = CmdpDescribeData(Port, Slot, Request);
        if (Command.Pieces == 0) {
            (void)ChannelFinish(Channel, Slot, STATUS_INVALID_PARAMETER);
            return;
        }
    }
    CmdpIssue(Port, Slot, &Command);
}

/* ---- from the device ---- */

/*
 * Whether all that the command in Slot asked for was moved.  Controllers count what they write to
 * memory, of commands that are not queued.
 */
static BOOLEAN CmdpIsWhole(const AHCI_PORT *Port, ULONG Slot)
{
    const DISK_REQUEST *Request = Port->Channel.Slots[Slot].Request;

    return Request->Operation != DiskRead || CmdpIsQueued(Port, Request) ||
           CmdpHeader(Port, Slot)->Bytes == Request->Sectors * Port->Channel.Device.SectorBytes;
}

/* One of those that had to go alone has ended. */
static void CmdpCountUnqueued(PDISK_CHANNEL Channel) NT_HOLDS(Channel->Lock)
{
    PAHCI_PORT Port = CmdpPort(Channel);

    if (Port->Unqueued != 0 && --Port->Unqueued == 0) {
        Channel->Alone = !Port->CanQueue;
    }
}

/* Queued commands are on their way, or would be. */
static BOOLEAN CmdpHasQueue(PDISK_CHANNEL Channel) NT_HOLDS(Channel->Lock)
{
    const AHCI_PORT *Port = CmdpPort(Channel);

    return Port->CanQueue && Port->Unqueued == 0 && !Channel->Flush;
}

/* Something on its way failed.  If it was queued, all there are go one at a time from now on. */
static void CmdpUnqueue(PDISK_CHANNEL Channel) NT_HOLDS(Channel->Lock)
{
    PAHCI_PORT Port = CmdpPort(Channel);

    if (Channel->Busy == 0) {
        return;
    }
    if (!CmdpHasQueue(Channel)) {
        CmdpCountUnqueued(Channel);
        return;
    }
    Port->QueueErrors++;
    Port->CanQueue = Port->QueueErrors < CMDP_QUEUE_ERRORS;
    Port->Unqueued = (ULONG)__builtin_popcount(Channel->Busy);
    Channel->Alone = TRUE;
}

/* => TRUE: the slots of Done are finished, unless an error was found. */
static BOOLEAN CmdpFinish(PDISK_CHANNEL Channel, ULONG Done) NT_HOLDS(Channel->Lock)
{
    while (Done != 0) {
        ULONG Slot = (ULONG)__builtin_ctz(Done);

        if (!CmdpIsWhole(CmdpPort(Channel), Slot)) {
            return FALSE;
        }
        (void)ChannelFinish(Channel, Slot, STATUS_SUCCESS);
        CmdpCountUnqueued(Channel);
        Done &= Done - 1;
    }
    return TRUE;
}

/* An error has stopped the port, with all that it had.  => As Poll. */
static BOOLEAN CmdpRecover(PDISK_CHANNEL Channel) NT_HOLDS(Channel->Lock)
{
    PAHCI_PORT Port = CmdpPort(Channel);
    BOOLEAN Queued = CmdpHasQueue(Channel);
    ULONG Slot;

    CmdpUnqueue(Channel);
    for (Slot = Channel->SlotCount; Slot-- != 0;) {
        (void)ChannelRetry(Channel, Slot, STATUS_IO_DEVICE_ERROR);
    }
    if (!AhciRestartPort(Port, Queued)) {
        return FALSE;
    }
    Port->Events = 0; /* what came of the error while the port was stopped */
    return TRUE;
}

/*
 * The task's status is that of the newest command that the device has taken: while one is still on
 * its way to it, an old error may stand there.
 */
static BOOLEAN CmdpPoll(PDISK_CHANNEL Channel) NT_HOLDS(Channel->Lock)
{
    PAHCI_PORT Port = CmdpPort(Channel);
    ULONG Events = __atomic_exchange_n(&Port->Events, 0, __ATOMIC_SEQ_CST);
    BOOLEAN Error = (Events & PORT_EVENT_ERROR) != 0;
    BOOLEAN Queued = CmdpHasQueue(Channel);
    ULONG Issued;
    ULONG Done;

    if (Port->Changed) {
        return FALSE; /* whatever the new one answered is not what was asked for */
    }
    if (Channel->Busy == 0) {
        return TRUE; /* an interrupt too many */
    }
    Issued = AhciReadPort(Port, PortIssue);
    Done = Channel->Busy & ~Issued;
    if (Done != 0) {
        Error = Error || (AhciReadPort(Port, PortTask) & PORT_TASK_ERROR) != 0;
    }
    if (Queued) {
        Done &= ~AhciReadPort(Port, PortActive);
    } else if (Error) {
        Done = 0; /* the one that there is has failed */
    }
    if (!CmdpFinish(Channel, Done)) {
        Error = TRUE;
    }
    return Error && Channel->Busy != 0 ? CmdpRecover(Channel) : TRUE;
}

/* ---- the rest ---- */

static BOOLEAN CmdpReset(PDISK_CHANNEL Channel) NT_HOLDS(Channel->Lock)
{
    PAHCI_PORT Port = CmdpPort(Channel);

    CmdpUnqueue(Channel);
    if (!Port->Changed && AhciRestartPort(Port, TRUE)) {
        Port->Events = 0;
        return TRUE;
    }
    if (!AhciSilence(Port)) {
        PciReleaseFunction(Port->Controller->F); /* and with it the other ports */
    }
    return FALSE;
}

static BOOLEAN CmdpIsPresent(PDISK_CHANNEL Channel)
{
    return AhciHasDevice(CmdpPort(Channel));
}

const CHANNEL_OPERATIONS AhciOperations = {
    .Start = CmdpStart,
    .Poll = CmdpPoll,
    .Reset = CmdpReset,
    .IsPresent = CmdpIsPresent,
};

NTSTATUS AhciIdentify(const AHCI_PORT *Port)
{
    const CMDP_COMMAND Command = {.Code = CMDP_IDENTIFY, .Pieces = 1};
    ULONG Tries;

    CmdpDescribe(Port, 0, 0, AhciPortPhysical(Port, AHCI_IDENTIFY_AT),
                 AHCI_TABLES_AT - AHCI_IDENTIFY_AT);
    CmdpIssue(Port, 0, &Command);
    for (Tries = CMDP_FIRST_TRIES; AhciReadPort(Port, PortIssue) != 0; Tries--) {
        if (Tries == 0 || (AhciReadPort(Port, PortInterrupts) & PORT_EVENT_ERROR) != 0) {
            return Tries == 0 ? STATUS_IO_TIMEOUT : STATUS_IO_DEVICE_ERROR;
        }
        KeStallExecutionProcessor(CMDP_WAIT);
    }
    return (AhciReadPort(Port, PortTask) & PORT_TASK_ERROR) != 0 ? STATUS_IO_DEVICE_ERROR
                                                                 : STATUS_SUCCESS;
}

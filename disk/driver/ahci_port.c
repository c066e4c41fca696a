/* SPDX-License-Identifier: MIT */
/*
 * ahci_port.c - a port with a disk: one command at a time, its errors, starting again.
 *
 * The controller would take 32 commands and run them one after the other; which of them failed is
 * told differently by different controllers, so it is given one, and an error is that one's.
 *
 * The port's memory, below 4 GB:
 *
 *     0     command list: one header of 32 bytes is used (1 KB aligned)
 *     400   received FISes (256 bytes, so aligned)
 *     600   what IDENTIFY DEVICE returns (512 bytes)
 *     800   the command table: the command, then its pieces (128 bytes aligned)
 *
 * Locking: the channel's.
 */
#include "disk/driver/ahci.h"

#include "arch/port.h"
#include "ex.h"
#include "rtl.h"

#define PORTP_FIS_AT       0x400u
#define PORTP_IDENTIFY_AT  0x600u
#define PORTP_TABLE_AT     0x800u
#define PORTP_PIECES_AT    0x80u /* in the table */
#define PORTP_PIECES       17u   /* 64 KB that do not begin at a page */
#define PORTP_MEMORY_BYTES PAGE_SIZE
#define PORTP_PIECE_BYTES  0x10000u
#define PORTP_SECTOR_BYTES 512u

/* PortCommand. */
#define PORTP_START    0x0001u
#define PORTP_SPIN_UP  0x0006u /* and power */
#define PORTP_RECEIVE  0x0010u
#define PORTP_RECEIVES 0x4000u
#define PORTP_RUNS     0x8000u

/* PortTask. */
#define PORTP_ERROR   0x21u /* error, device fault */
#define PORTP_REQUEST 0x08u
#define PORTP_BUSY    0x80u

/* PortLink, PortLinkControl. */
#define PORTP_LINK_MASK    0xF0Fu
#define PORTP_LINK_UP      0x103u /* a device, and the interface is active */
#define PORTP_LINK_RESET   0x001u
#define PORTP_LINK_AWAKE   0x300u /* PortLinkControl: no power saving */
#define PORTP_DETECT_MASK  0xFu   /* PortLink: what is there, whether it saves power or not */
#define PORTP_DETECTED     0x3u
#define PORTP_SAVE_POWER   0x0C000000u /* PortCommand: aggressively, which firmware may have set */
#define PORTP_LINK_CHANGES 0x04010000u /* PortLinkError: what makes PORT_EVENT_LINK */
#define PORTP_DISK         0x00000101u /* PortSignature */

/* The first word of a command header. */
#define PORTP_FIS_WORDS    5u
#define PORTP_HEADER_WRITE 0x40u
#define PORTP_PIECE_SHIFT  16

/* Commands. */
#define PORTP_READ     0x25u
#define PORTP_WRITE    0x35u
#define PORTP_FLUSH    0xEAu
#define PORTP_IDENTIFY 0xECu

/* Words of what IDENTIFY DEVICE returns. */
enum {
    IdentifySets = 83,
    IdentifySectors = 100, /* four words */
    IdentifySectorSize = 106,
    IdentifySectorWords = 117 /* two words */
};
#define PORTP_HAS_LBA48   0x0400u
#define PORTP_HAS_FLUSH   0x2000u
#define PORTP_SIZE_VALID  0xC000u
#define PORTP_SIZE_RIGHT  0x4000u
#define PORTP_SIZE_LARGE  0x1000u

#define PORTP_WAIT        100u   /* us */
#define PORTP_STOP_TRIES  5000u  /* 500 ms */
#define PORTP_LINK_TRIES  10000u /* 1 s, also for the device to get ready */
#define PORTP_FIRST_TRIES 50000u /* 5 s for IDENTIFY DEVICE: a disk may be spinning up */
#define PORTP_RESET_WAIT  1000u

typedef struct _PORTP_HEADER {
    ULONG Flags;
    volatile ULONG Bytes; /* transferred */
    ULONG TableLow;
    ULONG TableHigh;
    ULONG Reserved[4];
} PORTP_HEADER;

typedef struct _PORTP_PIECE {
    ULONG AddressLow;
    ULONG AddressHigh;
    ULONG Reserved;
    ULONG Bytes; /* less one */
} PORTP_PIECE;

NT_C_ASSERT(sizeof(PORTP_HEADER) == 32);
NT_C_ASSERT(sizeof(PORTP_PIECE) == 16);
NT_C_ASSERT(PORTP_TABLE_AT + PORTP_PIECES_AT + PORTP_PIECES * 16 <= PORTP_MEMORY_BYTES);

static ULONG PortpRead(const AHCI_PORT *Port, ULONG Offset)
{
    return READ_REGISTER_ULONG((volatile ULONG *)(Port->Registers + Offset));
}

static void PortpWrite(const AHCI_PORT *Port, ULONG Offset, ULONG Value)
{
    WRITE_REGISTER_ULONG((volatile ULONG *)(Port->Registers + Offset), Value);
}

/* Wait until the bits of Mask are Value.  => FALSE: they are not after Tries * PORTP_WAIT us. */
static BOOLEAN PortpWait(const AHCI_PORT *Port, ULONG Offset, ULONG Mask, ULONG Value, ULONG Tries)
{
    for (; Tries != 0; Tries--) {
        if ((PortpRead(Port, Offset) & Mask) == Value) {
            return TRUE;
        }
        KeStallExecutionProcessor(PORTP_WAIT);
    }
    return FALSE;
}

static ULONG PortpPhysical(const AHCI_PORT *Port, ULONG Offset)
{
    return MmGetPhysicalAddress(Port->Memory).LowPart + Offset;
}

/* ---- stopping and starting ---- */

/* => FALSE: the controller goes on processing commands. */
static BOOLEAN PortpStop(const AHCI_PORT *Port)
{
    PortpWrite(Port, PortCommand, PortpRead(Port, PortCommand) & ~PORTP_START);
    return PortpWait(Port, PortCommand, PORTP_RUNS, 0, PORTP_STOP_TRIES);
}

/* => FALSE: the controller may go on writing to memory. */
static BOOLEAN PortpSilence(const AHCI_PORT *Port)
{
    BOOLEAN Stopped = PortpStop(Port);

    PortpWrite(Port, PortEnable, 0);
    PortpWrite(Port, PortCommand, PortpRead(Port, PortCommand) & ~PORTP_RECEIVE);
    return PortpWait(Port, PortCommand, PORTP_RECEIVES, 0, PORTP_STOP_TRIES) && Stopped;
}

static void PortpClear(const AHCI_PORT *Port)
{
    PortpWrite(Port, PortLinkError, 0xFFFFFFFFu);
    PortpWrite(Port, PortInterrupts, 0xFFFFFFFFu);
}

/* => The port is stopped.  FALSE: no device, or it does not get ready. */
static BOOLEAN PortpResetLink(const AHCI_PORT *Port)
{
    ULONG Control = PortpRead(Port, PortLinkControl) & ~0xFu;

    PortpWrite(Port, PortLinkControl, Control | PORTP_LINK_RESET);
    KeStallExecutionProcessor(PORTP_RESET_WAIT);
    PortpWrite(Port, PortLinkControl, Control);
    if (!PortpWait(Port, PortLink, PORTP_LINK_MASK, PORTP_LINK_UP, PORTP_LINK_TRIES)) {
        return FALSE;
    }
    PortpClear(Port);
    return PortpWait(Port, PortTask, PORTP_BUSY | PORTP_REQUEST, 0, PORTP_LINK_TRIES);
}

/* => The port is stopped, and receives.  FALSE: the device cannot be made ready. */
static BOOLEAN PortpStart(const AHCI_PORT *Port)
{
    PortpClear(Port);
    if ((PortpRead(Port, PortTask) & (PORTP_BUSY | PORTP_REQUEST)) != 0 && !PortpResetLink(Port)) {
        return FALSE;
    }
    PortpWrite(Port, PortCommand, PortpRead(Port, PortCommand) | PORTP_START);
    return TRUE;
}

/* ---- commands ---- */

static void PortpIssue(const AHCI_PORT *Port, UCHAR Command, ULONG64 Sector, ULONG Sectors,
                       ULONG Pieces)
{
    PORTP_HEADER *Header = (PVOID)Port->Memory;
    PUCHAR Fis = Port->Memory + PORTP_TABLE_AT;
    ULONG i;

    memset(Fis, 0, PORTP_FIS_WORDS * sizeof(ULONG));
    Fis[0] = 0x27; /* from host to device */
    Fis[1] = 0x80; /* it is a command */
    Fis[2] = Command;
    Fis[7] = 0x40; /* sectors are numbered */
    for (i = 0; i < 3; i++) {
        Fis[4 + i] = (UCHAR)(Sector >> (8 * i));
        Fis[8 + i] = (UCHAR)(Sector >> (24 + 8 * i));
    }
    Fis[12] = (UCHAR)Sectors;
    Fis[13] = (UCHAR)(Sectors >> 8);
    Header->Flags = PORTP_FIS_WORDS | (Command == PORTP_WRITE ? PORTP_HEADER_WRITE : 0) |
                    Pieces << PORTP_PIECE_SHIFT;
    Header->Bytes = 0;
    Header->TableLow = PortpPhysical(Port, PORTP_TABLE_AT);
    Header->TableHigh = 0;
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the command before the bit that issues it */
    PortpWrite(Port, PortIssue, 1);
}

static void PortpDescribe(const AHCI_PORT *Port, ULONG Index, ULONG64 Physical, ULONG Bytes)
{
    PORTP_PIECE *Pieces = (PVOID)(Port->Memory + PORTP_TABLE_AT + PORTP_PIECES_AT);

    Pieces[Index] = (PORTP_PIECE){(ULONG)Physical, (ULONG)(Physical >> 32), 0, Bytes - 1};
}

static PAHCI_PORT PortpOf(PDISK_CHANNEL Channel)
{
    return CONTAINING_RECORD(Channel, AHCI_PORT, Channel);
}

/* => Returns the number of pieces; 0: the controller cannot reach them. */
static ULONG PortpDescribeData(const AHCI_PORT *Port, const DISK_REQUEST *Request)
{
    ULONG Bytes = Request->Sectors * Port->Channel.Device.SectorBytes;
    CHANNEL_PIECE Pieces[PORTP_PIECES];
    ULONG Count = ChannelSplit(Request, Bytes, PORTP_PIECE_BYTES, Pieces, PORTP_PIECES);
    ULONG i;

    for (i = 0; i < Count && Count <= PORTP_PIECES; i++) {
        if ((Pieces[i].Physical & 1) != 0 || (Pieces[i].Bytes & 1) != 0) {
            return 0; /* it moves words */
        }
        PortpDescribe(Port, i, Pieces[i].Physical, Pieces[i].Bytes);
    }
    return Count <= PORTP_PIECES ? Count : 0;
}

static void PortpStartRequest(PDISK_CHANNEL Channel, ULONG Slot, PDISK_REQUEST Request)
    NT_HOLDS(Channel->Lock)
{
    const AHCI_PORT *Port = PortpOf(Channel);
    ULONG Count = 0;

    if (Request->Operation == DiskFlush) {
        PortpIssue(Port, PORTP_FLUSH, 0, 0, 0);
        return;
    }
    Count = PortpDescribeData(Port, Request);
    if (Count == 0) {
        (void)ChannelFinish(Channel, Slot, STATUS_INVALID_PARAMETER);
        return;
    }
    PortpIssue(Port, Request->Operation == DiskWrite ? PORTP_WRITE : PORTP_READ, Request->Sector,
               Request->Sectors, Count);
}

/* => Whether all that the command in slot 0 asked for was moved. */
static BOOLEAN PortpIsWhole(const AHCI_PORT *Port)
{
    const DISK_REQUEST *Request = Port->Channel.Slots[0].Request;
    const PORTP_HEADER *Header = (PVOID)Port->Memory;

    return Header->Bytes == Request->Sectors * Port->Channel.Device.SectorBytes;
}

/* An error stops the port; what it was about is the one command that it had. */
static BOOLEAN PortpPoll(PDISK_CHANNEL Channel) NT_HOLDS(Channel->Lock)
{
    PAHCI_PORT Port = PortpOf(Channel);
    ULONG Events = __atomic_exchange_n(&Port->Events, 0, __ATOMIC_SEQ_CST);
    BOOLEAN Error = (Events & PORT_EVENT_ERROR) != 0;

    if (Channel->Busy == 0) {
        return TRUE; /* an interrupt too many */
    }
    if (!Error && PortpRead(Port, PortIssue) != 0) {
        return TRUE; /* under way */
    }
    Error = Error || (PortpRead(Port, PortTask) & PORTP_ERROR) != 0 || !PortpIsWhole(Port);
    (void)ChannelFinish(Channel, 0, Error ? STATUS_IO_DEVICE_ERROR : STATUS_SUCCESS);
    if (Error && !(PortpStop(Port) && PortpStart(Port))) {
        return FALSE;
    }
    if (Error) {
        Port->Events = 0; /* what came of the error while the port was stopped */
    }
    return TRUE;
}

static BOOLEAN PortpReset(PDISK_CHANNEL Channel)
{
    PAHCI_PORT Port = PortpOf(Channel);

    if (PortpStop(Port) && PortpResetLink(Port)) {
        Port->Events = 0;
        return PortpStart(Port);
    }
    if (!PortpSilence(Port)) {
        PciReleaseFunction(Port->Controller->F); /* and with it the other ports */
    }
    return FALSE;
}

/* A link that saves power is there all the same: only the device's detection counts. */
static BOOLEAN PortpHasDevice(const AHCI_PORT *Port)
{
    return (PortpRead(Port, PortLink) & PORTP_DETECT_MASK) == PORTP_DETECTED;
}

static BOOLEAN PortpIsPresent(PDISK_CHANNEL Channel)
{
    return PortpHasDevice(PortpOf(Channel));
}

void AhciPortInterrupt(PAHCI_PORT Port)
{
    ULONG Events = PortpRead(Port, PortInterrupts);

    if ((Events & PORT_EVENT_LINK) != 0) {
        PortpWrite(Port, PortLinkError, PORTP_LINK_CHANGES); /* only this clears the event */
    }
    PortpWrite(Port, PortInterrupts, Events);
    __atomic_fetch_or(&Port->Events, Events, __ATOMIC_SEQ_CST);
    ChannelInterrupt(&Port->Channel);
}

/* ---- the start ---- */

static ULONG PortpWord(const AHCI_PORT *Port, ULONG Word)
{
    return *(volatile USHORT *)(Port->Memory + PORTP_IDENTIFY_AT + 2 * Word);
}

/* => STATUS_NOT_SUPPORTED: a disk older than 48-bit sector numbers, or figures without sense. */
static NTSTATUS PortpReadGeometry(PAHCI_PORT Port)
{
    PDISK_DEVICE Device = &Port->Channel.Device;
    const ULONG Needed = PORTP_HAS_LBA48 | PORTP_HAS_FLUSH;
    ULONG Size = PortpWord(Port, IdentifySectorSize);
    ULONG i;

    Device->SectorBytes = PORTP_SECTOR_BYTES;
    if ((Size & PORTP_SIZE_VALID) == PORTP_SIZE_RIGHT && (Size & PORTP_SIZE_LARGE) != 0) {
        Device->SectorBytes = 2 * (PortpWord(Port, IdentifySectorWords) |
                                   PortpWord(Port, IdentifySectorWords + 1) << 16);
    }
    for (i = 0; i < 4; i++) {
        Device->Sectors |= (ULONG64)PortpWord(Port, IdentifySectors + i) << (16 * i);
    }
    if ((PortpWord(Port, IdentifySets) & Needed) != Needed || Device->Sectors == 0 ||
        Device->SectorBytes < PORTP_SECTOR_BYTES || Device->SectorBytes > PAGE_SIZE ||
        (Device->SectorBytes & (Device->SectorBytes - 1)) != 0) {
        return STATUS_NOT_SUPPORTED;
    }
    Device->MaximumSectors = (PORTP_PIECES - 1) * PAGE_SIZE / Device->SectorBytes;
    return STATUS_SUCCESS;
}

/* => The port runs.  By polling: it does not interrupt yet. */
static NTSTATUS PortpIdentify(PAHCI_PORT Port)
{
    ULONG Tries;

    PortpDescribe(Port, 0, PortpPhysical(Port, PORTP_IDENTIFY_AT), PORTP_SECTOR_BYTES);
    PortpIssue(Port, PORTP_IDENTIFY, 0, 0, 1);
    for (Tries = PORTP_FIRST_TRIES; PortpRead(Port, PortIssue) != 0; Tries--) {
        if (Tries == 0 || (PortpRead(Port, PortInterrupts) & PORT_EVENT_ERROR) != 0) {
            return Tries == 0 ? STATUS_IO_TIMEOUT : STATUS_IO_DEVICE_ERROR;
        }
        KeStallExecutionProcessor(PORTP_WAIT);
    }
    if ((PortpRead(Port, PortTask) & PORTP_ERROR) != 0) {
        return STATUS_IO_DEVICE_ERROR;
    }
    return PortpReadGeometry(Port);
}

/* Give it its memory, let it receive.  => STATUS_NO_SUCH_DEVICE: there is no disk. */
static NTSTATUS PortpTakeOver(PAHCI_PORT Port)
{
    ULONG Command;

    if (!PortpSilence(Port)) {
        return STATUS_IO_TIMEOUT;
    }
    PortpWrite(Port, PortList, PortpPhysical(Port, 0));
    PortpWrite(Port, PortList + 4, 0);
    PortpWrite(Port, PortFis, PortpPhysical(Port, PORTP_FIS_AT));
    PortpWrite(Port, PortFis + 4, 0);
    Command = (PortpRead(Port, PortCommand) & ~PORTP_SAVE_POWER) | PORTP_SPIN_UP;
    PortpWrite(Port, PortCommand, Command);
    PortpWrite(Port, PortCommand, Command | PORTP_RECEIVE);
    PortpWrite(Port, PortLinkControl, PortpRead(Port, PortLinkControl) | PORTP_LINK_AWAKE);
    if (!PortpHasDevice(Port) || PortpRead(Port, PortSignature) != PORTP_DISK ||
        !PortpStart(Port)) {
        return STATUS_NO_SUCH_DEVICE;
    }
    return PortpIdentify(Port);
}

BOOLEAN AhciSilencePort(PAHCI_CONTROLLER Controller, ULONG Index)
{
    const AHCI_PORT Port = {.Controller = Controller,
                            .Registers = Controller->Registers + AhciPorts + Index * AhciPortBytes};

    return PortpSilence(&Port);
}

NTSTATUS AhciCreatePort(PAHCI_CONTROLLER Controller, ULONG Index, ULONG Number, PAHCI_PORT *Result)
{
    static const CHANNEL_OPERATIONS Operations = {
        .Start = PortpStartRequest,
        .Poll = PortpPoll,
        .Reset = PortpReset,
        .IsPresent = PortpIsPresent,
    };
    const PHYSICAL_ADDRESS Highest = {.QuadPart = 0xFFFFFFFF};
    PAHCI_PORT Port = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Port), AHCI_TAG);
    NTSTATUS Status = STATUS_INSUFFICIENT_RESOURCES;

    if (Port == NULL) {
        return Status;
    }
    memset(Port, 0, sizeof(*Port));
    Port->Controller = Controller;
    Port->Registers = Controller->Registers + AhciPorts + Index * AhciPortBytes;
    Port->Channel.Device.Name = Port->Name;
    Port->Channel.Operations = &Operations;
    Port->Channel.SlotCount = 1;
    (void)RtlStringCbPrintfA(Port->Name, sizeof(Port->Name), "ahci%u.%u", Number, Index);
    Port->Memory = MmAllocateContiguousMemory(PORTP_MEMORY_BYTES, Highest);
    if (Port->Memory != NULL) {
        memset(Port->Memory, 0, PORTP_MEMORY_BYTES);
        ChannelInitialize(&Port->Channel);
        Status = PortpTakeOver(Port);
    }
    if (!NT_SUCCESS(Status)) {
        AhciDeletePort(Port);
        return Status;
    }
    *Result = Port;
    return STATUS_SUCCESS;
}

/* Memory that the controller may still write to is lost rather than given to somebody else. */
void AhciDeletePort(PAHCI_PORT Port)
{
    BOOLEAN Silent = PortpSilence(Port);

    if (Port->Memory != NULL && Silent) {
        MmFreeContiguousMemory(Port->Memory);
    }
    ExFreePoolWithTag(Port, AHCI_TAG);
}

void AhciEnablePort(PAHCI_PORT Port)
{
    PortpClear(Port);
    PortpWrite(Port, PortEnable, PORT_EVENT_DONE | PORT_EVENT_LINK | PORT_EVENT_ERROR);
}

/* SPDX-License-Identifier: MIT */
/*
 * ahci_port.c - a port with a disk: finding it, starting, stopping, resetting; ahci_command.c has
 * the commands.
 *
 * Where firmware spins disks up one after the other, a port that it did not get to is told to do
 * it here, and its disk is waited for.
 *
 * A device that was plugged in says so, even if nobody saw the one before it go; a device whose
 * link was reset says the same.  So whoever says it without a reset of ours may be another disk,
 * for which no request was meant.
 *
 * Locking: the channel's.
 */
#include "disk/driver/ahci.h"

#include "arch/port.h"
#include "ex.h"
#include "rtl.h"

#define PORTP_MEMORY_BYTES (AHCI_TABLES_AT + CHANNEL_SLOTS * AHCI_TABLE_BYTES)
#define PORTP_SECTOR_BYTES 512u

/* PortCommand. */
#define PORTP_START    0x0001u
#define PORTP_SPIN_UP  0x0002u
#define PORTP_POWER    0x0004u
#define PORTP_RECEIVE  0x0010u
#define PORTP_RECEIVES 0x4000u
#define PORTP_RUNS     0x8000u

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

/* Words of what IDENTIFY DEVICE returns. */
enum {
    IdentifyDepth = 75,
    IdentifySerial = 76,
    IdentifySets = 83,
    IdentifySectors = 100, /* four words */
    IdentifySectorSize = 106,
    IdentifySectorWords = 117 /* two words */
};
#define PORTP_DEPTH_MASK  0x001Fu /* less one */
#define PORTP_HAS_QUEUE   0x0100u /* in IdentifySerial */
#define PORTP_NO_SERIAL   0xFFFFu
#define PORTP_HAS_LBA48   0x0400u
#define PORTP_HAS_FLUSH   0x2000u
#define PORTP_SIZE_VALID  0xC000u
#define PORTP_SIZE_RIGHT  0x4000u
#define PORTP_SIZE_LARGE  0x1000u

#define PORTP_WAIT        100u    /* us */
#define PORTP_STOP_TRIES  5000u   /* 500 ms */
#define PORTP_LINK_TRIES  10000u  /* 1 s, also for the device to get ready */
#define PORTP_FOUND_TRIES 1000u   /* 100 ms for a device to appear that was told to spin up ... */
#define PORTP_SPIN_TRIES  100000u /* ... and 10 s to do so */
#define PORTP_RESET_WAIT  1000u

ULONG AhciReadPort(const AHCI_PORT *Port, ULONG Offset)
{
    return READ_REGISTER_ULONG((volatile ULONG *)(Port->Registers + Offset));
}

void AhciWritePort(const AHCI_PORT *Port, ULONG Offset, ULONG Value)
{
    WRITE_REGISTER_ULONG((volatile ULONG *)(Port->Registers + Offset), Value);
}

/* Wait until the bits of Mask are Value.  => FALSE: they are not after Tries * PORTP_WAIT us. */
static BOOLEAN PortpWait(const AHCI_PORT *Port, ULONG Offset, ULONG Mask, ULONG Value, ULONG Tries)
{
    for (; Tries != 0; Tries--) {
        if ((AhciReadPort(Port, Offset) & Mask) == Value) {
            return TRUE;
        }
        KeStallExecutionProcessor(PORTP_WAIT);
    }
    return FALSE;
}

ULONG AhciPortPhysical(const AHCI_PORT *Port, ULONG Offset)
{
    return MmGetPhysicalAddress(Port->Memory).LowPart + Offset;
}

/* ---- stopping and starting ---- */

/* => FALSE: the controller goes on processing commands. */
static BOOLEAN PortpStop(const AHCI_PORT *Port)
{
    AhciWritePort(Port, PortCommand, AhciReadPort(Port, PortCommand) & ~PORTP_START);
    return PortpWait(Port, PortCommand, PORTP_RUNS, 0, PORTP_STOP_TRIES);
}

BOOLEAN AhciSilence(const AHCI_PORT *Port)
{
    BOOLEAN Stopped = PortpStop(Port);

    AhciWritePort(Port, PortEnable, 0);
    AhciWritePort(Port, PortCommand, AhciReadPort(Port, PortCommand) & ~PORTP_RECEIVE);
    return PortpWait(Port, PortCommand, PORTP_RECEIVES, 0, PORTP_STOP_TRIES) && Stopped;
}

static void PortpClear(const AHCI_PORT *Port)
{
    AhciWritePort(Port, PortLinkError, 0xFFFFFFFFu);
    AhciWritePort(Port, PortInterrupts, 0xFFFFFFFFu);
}

static void PortpNotice(PAHCI_PORT Port, ULONG Events)
{
    if ((Events & PORT_EVENT_CONNECT) != 0 && !Port->Resetting) {
        Port->Changed = TRUE;
    }
}

static BOOLEAN PortpCycleLink(const AHCI_PORT *Port)
{
    ULONG Control = AhciReadPort(Port, PortLinkControl) & ~0xFu;

    AhciWritePort(Port, PortLinkControl, Control | PORTP_LINK_RESET);
    KeStallExecutionProcessor(PORTP_RESET_WAIT);
    AhciWritePort(Port, PortLinkControl, Control);
    if (!PortpWait(Port, PortLink, PORTP_LINK_MASK, PORTP_LINK_UP, PORTP_LINK_TRIES)) {
        return FALSE;
    }
    PortpClear(Port);
    return PortpWait(Port, PortTask, PORT_TASK_BUSY | PORT_TASK_REQUEST, 0, PORTP_LINK_TRIES);
}

/* => The port is stopped.  FALSE: no device, or it does not get ready. */
static BOOLEAN PortpResetLink(PAHCI_PORT Port)
{
    BOOLEAN Ready;

    PortpNotice(Port, AhciReadPort(Port, PortInterrupts));
    Port->Resetting = TRUE;
    Ready = PortpCycleLink(Port);
    PortpClear(Port);
    Port->Resetting = FALSE;
    return Ready;
}

/* => The port is stopped, and receives.  FALSE: the device cannot be made ready. */
static BOOLEAN PortpStart(PAHCI_PORT Port)
{
    PortpNotice(Port, AhciReadPort(Port, PortInterrupts));
    PortpClear(Port);
    if ((AhciReadPort(Port, PortTask) & (PORT_TASK_BUSY | PORT_TASK_REQUEST)) != 0 &&
        !PortpResetLink(Port)) {
        return FALSE;
    }
    AhciWritePort(Port, PortCommand, AhciReadPort(Port, PortCommand) | PORTP_START);
    return TRUE;
}

BOOLEAN AhciRestartPort(PAHCI_PORT Port, BOOLEAN ResetLink)
{
    return PortpStop(Port) && (!ResetLink || PortpResetLink(Port)) && PortpStart(Port) &&
           !Port->Changed;
}

/* A link that saves power is there all the same: only the device's detection counts. */
BOOLEAN AhciHasDevice(const AHCI_PORT *Port)
{
    return (AhciReadPort(Port, PortLink) & PORTP_DETECT_MASK) == PORTP_DETECTED;
}

void AhciPortInterrupt(PAHCI_PORT Port)
{
    ULONG Events = AhciReadPort(Port, PortInterrupts);

    if ((Events & PORT_EVENT_LINK) != 0) {
        AhciWritePort(Port, PortLinkError, PORTP_LINK_CHANGES); /* only this clears the event */
    }
    AhciWritePort(Port, PortInterrupts, Events);
    PortpNotice(Port, Events);
    __atomic_fetch_or(&Port->Events, Events, __ATOMIC_SEQ_CST);
    ChannelInterrupt(&Port->Channel);
}

/* ---- the start ---- */

static ULONG PortpWord(const AHCI_PORT *Port, ULONG Word)
{
    return *(volatile USHORT *)(Port->Memory + AHCI_IDENTIFY_AT + 2 * Word);
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
    Device->MaximumSectors = (AHCI_PIECES - 1) * PAGE_SIZE / Device->SectorBytes;
    return STATUS_SUCCESS;
}

/* => How many requests the disk takes at once; it is told so by the kind of its commands. */
static void PortpReadQueue(PAHCI_PORT Port)
{
    ULONG Serial = PortpWord(Port, IdentifySerial);
    ULONG Depth = (PortpWord(Port, IdentifyDepth) & PORTP_DEPTH_MASK) + 1;
    ULONG Slots = Port->Controller->QueueSlots < Depth ? Port->Controller->QueueSlots : Depth;

    if (Serial != PORTP_NO_SERIAL && (Serial & PORTP_HAS_QUEUE) != 0 && Slots > 1) {
        Port->CanQueue = TRUE;
        Port->Channel.SlotCount = Slots;
    }
}

/* => FALSE: there is nothing, or it does not spin up. */
static BOOLEAN PortpAwaitDevice(const AHCI_PORT *Port, BOOLEAN WasSpinning)
{
    if (WasSpinning) {
        return AhciHasDevice(Port);
    }
    if (!PortpWait(Port, PortLink, PORTP_DETECT_MASK, PORTP_DETECTED, PORTP_FOUND_TRIES)) {
        return FALSE;
    }
    PortpClear(Port); /* until then the port does not take what the device says of itself */
    return PortpWait(Port, PortTask, PORT_TASK_BUSY | PORT_TASK_REQUEST, 0, PORTP_SPIN_TRIES);
}

/* Give it its memory, let it receive.  => STATUS_NO_SUCH_DEVICE: there is no disk. */
static NTSTATUS PortpTakeOver(PAHCI_PORT Port)
{
    BOOLEAN WasSpinning = (AhciReadPort(Port, PortCommand) & PORTP_SPIN_UP) != 0;
    NTSTATUS Status;
    ULONG Command;

    if (!AhciSilence(Port)) {
        return STATUS_IO_TIMEOUT;
    }
    AhciWritePort(Port, PortList, AhciPortPhysical(Port, 0));
    AhciWritePort(Port, PortList + 4, 0);
    AhciWritePort(Port, PortFis, AhciPortPhysical(Port, AHCI_FIS_AT));
    AhciWritePort(Port, PortFis + 4, 0);
    PortpClear(Port);
    Command = AhciReadPort(Port, PortCommand) & ~PORTP_SAVE_POWER;
    AhciWritePort(Port, PortCommand, Command | PORTP_POWER | PORTP_RECEIVE);
    AhciWritePort(Port, PortCommand, Command | PORTP_POWER | PORTP_RECEIVE | PORTP_SPIN_UP);
    AhciWritePort(Port, PortLinkControl, AhciReadPort(Port, PortLinkControl) | PORTP_LINK_AWAKE);
    if (!PortpAwaitDevice(Port, WasSpinning) || AhciReadPort(Port, PortSignature) != PORTP_DISK ||
        !PortpStart(Port)) {
        return STATUS_NO_SUCH_DEVICE;
    }
    Port->Changed = FALSE; /* what was there before that is nobody's */
    Status = AhciIdentify(Port);
    if (NT_SUCCESS(Status)) {
        Status = PortpReadGeometry(Port);
    }
    if (NT_SUCCESS(Status)) {
        PortpReadQueue(Port);
    }
    return Status;
}

BOOLEAN AhciSilencePort(PAHCI_CONTROLLER Controller, ULONG Index)
{
    const AHCI_PORT Port = {.Controller = Controller,
                            .Registers = Controller->Registers + AhciPorts + Index * AhciPortBytes};

    return AhciSilence(&Port);
}

NTSTATUS AhciCreatePort(PAHCI_CONTROLLER Controller, ULONG Index, ULONG Number, PAHCI_PORT *Result)
{
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
    Port->Channel.Operations = &AhciOperations;
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
    BOOLEAN Silent = AhciSilence(Port);

    if (Port->Memory != NULL && Silent) {
        MmFreeContiguousMemory(Port->Memory);
    }
    ExFreePoolWithTag(Port, AHCI_TAG);
}

void AhciEnablePort(PAHCI_PORT Port)
{
    PortpNotice(Port, AhciReadPort(Port, PortInterrupts));
    PortpClear(Port);
    AhciWritePort(Port, PortEnable, PORT_EVENT_DONE | PORT_EVENT_LINK | PORT_EVENT_ERROR);
}

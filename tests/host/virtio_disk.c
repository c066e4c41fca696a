/* SPDX-License-Identifier: MIT */
/*
 * virtio_disk.c - a virtio block device, written against the specification and not the driver.
 */
#include "tests/host/virtio_disk.h"

#include "pci.h"
#include "tests/host/machine.h"
#include "tests/host/ports.h"
#include "tests/unit/test.h"

#include <string.h>

#define BASE            0xE000000000ull
#define RANGE_BYTES     0x4000u
#define TABLE_BASE      0x90000000ull
#define CONFIG_AT       0x1000u
#define NOTIFY_AT       0x2000u
#define NOTIFY_STEP     4u
#define UNIT            512u
#define PORT_COUNT      0x80u
#define RUNNING         0x0Fu /* status: acknowledged, driver, features, running */
#define LEGACY_RUNNING  0x07u
#define DESCRIPTOR_NEXT 1u
#define DESCRIPTOR_IN   2u /* the device writes */

typedef struct _DESCRIPTOR {
    ULONG64 Address;
    ULONG Length;
    USHORT Flags;
    USHORT Next;
} DESCRIPTOR;

static ULONG64 QueueAddress(const VIRTIO_DISK *Disk, ULONG Which)
{
    return (ULONG64)Disk->Memory[2 * Which + 1] << 32 | Disk->Memory[2 * Which];
}

static void Forget(VIRTIO_DISK *Disk)
{
    Disk->Resets++;
    Disk->Status = 0;
    Disk->QueueEnabled = 0;
    Disk->Seen = Disk->UsedIndex = 0;
    Disk->QueueSize = Disk->QueueMaximum;
    Disk->QueueMessage = 0xFFFF;
}

/* ---- the queue ---- */

static DESCRIPTOR ReadDescriptor(const VIRTIO_DISK *Disk, ULONG Index)
{
    DESCRIPTOR D;

    CHECK(Index < Disk->QueueSize);
    PciMockRead(Disk->Pci, QueueAddress(Disk, 0) + 16 * Index, &D, sizeof(D));
    return D;
}

static void Finish(VIRTIO_DISK *Disk, ULONG Chain, ULONG Bytes)
{
    const ULONG Element[2] = {Chain, Bytes};
    ULONG64 Used = QueueAddress(Disk, 2);

    PciMockWrite(Disk->Pci, Used + 4 + 8 * (Disk->UsedIndex % Disk->QueueSize), Element, 8);
    Disk->UsedIndex++;
    PciMockWrite(Disk->Pci, Used + 2, &Disk->UsedIndex, 2);
}

static void Move(VIRTIO_DISK *Disk, const DESCRIPTOR *D, ULONG Type, ULONG64 At)
{
    CHECK(D->Length != 0 && At + D->Length <= sizeof(Disk->Medium));
    CHECK_EQUAL(Type == 0 ? DESCRIPTOR_IN : 0, D->Flags & DESCRIPTOR_IN);
    if (Type == 0) {
        PciMockWrite(Disk->Pci, D->Address, Disk->Medium + At, D->Length);
    } else {
        PciMockRead(Disk->Pci, D->Address, Disk->Medium + At, D->Length);
    }
}

/* header -> data -> status */
static void Execute(VIRTIO_DISK *Disk, ULONG Chain, UCHAR Answer)
{
    DESCRIPTOR D = ReadDescriptor(Disk, Chain);
    struct {
        ULONG Type, Reserved;
        ULONG64 Sector;
    } Header;
    ULONG64 At;
    ULONG Segments = 0;

    CHECK(D.Length == 16 && D.Flags == DESCRIPTOR_NEXT);
    PciMockRead(Disk->Pci, D.Address, &Header, sizeof(Header));
    CHECK(Header.Type == 0 || Header.Type == 1 || Header.Type == 4);
    At = Header.Sector * UNIT;
    Disk->Requests[Header.Type]++;
    for (D = ReadDescriptor(Disk, D.Next); D.Flags & DESCRIPTOR_NEXT;
         D = ReadDescriptor(Disk, D.Next)) {
        CHECK(++Segments <= Disk->SegmentMaximum);
        if (Answer == 0) {
            Move(Disk, &D, Header.Type, At);
        }
        At += D.Length;
    }
    CHECK(D.Length == 1 && D.Flags == DESCRIPTOR_IN);
    CHECK_EQUAL(Header.Type == 4, Segments == 0);
    PciMockWrite(Disk->Pci, D.Address, &Answer, 1);
    Finish(Disk, Chain, 1);
}

static void Answer(VIRTIO_DISK *Disk, ULONG Chain)
{
    VIRTIO_ANSWER How = Disk->Misbehaves != 0 ? Disk->Answer : VirtioAnswers;

    Disk->Misbehaves -= Disk->Misbehaves != 0;
    if (How == VirtioSilent) {
        return;
    }
    if (How == VirtioUnknownChain) {
        Finish(Disk, Chain + 1, 0);
    } else if (How == VirtioJumps) {
        Disk->UsedIndex += 100;
        Finish(Disk, Chain, 0);
    } else {
        Execute(Disk, Chain, How == VirtioFails);
    }
    if (How == VirtioTwice) {
        Finish(Disk, Chain, 0);
    }
    if (How != VirtioNoInterrupt && Disk->QueueMessage == 0) {
        PciMockInterrupt(Disk->Pci);
    }
}

static void Work(PVOID Context)
{
    VIRTIO_DISK *Disk = Context;
    USHORT Index = 0;
    USHORT Chain = 0;

    if (Disk->Pci->Gone || !Disk->QueueEnabled) {
        return;
    }
    PciMockRead(Disk->Pci, QueueAddress(Disk, 1) + 2, &Index, 2);
    if ((USHORT)(Index - Disk->Seen) > Disk->MostAtOnce) {
        Disk->MostAtOnce = (USHORT)(Index - Disk->Seen);
    }
    while (Disk->QueueEnabled && Disk->Seen != Index) {
        PciMockRead(Disk->Pci, QueueAddress(Disk, 1) + 4 + 2 * (Disk->Seen % Disk->QueueSize),
                    &Chain, 2);
        Disk->Seen++;
        Answer(Disk, Chain);
    }
}

/* ---- registers ---- */

static ULONG ReadCommon(const VIRTIO_DISK *Disk, ULONG Offset)
{
    switch (Offset) {
    case 4:
        return Disk->DeviceSelect < 2 ? (ULONG)(Disk->Features >> (32 * Disk->DeviceSelect)) : 0;
    case 18: /* queues */
        return 1;
    case 20:
        return Disk->Status;
    case 24:
        return Disk->QueueSize;
    case 26:
        return Disk->QueueMessage;
    default: /* the generation, the doorbell's number, and what is of no interest */
        return 0;
    }
}

static ULONG ReadConfig(const VIRTIO_DISK *Disk, ULONG Offset)
{
    const ULONG Config[6] = {VIRTIO_DISK_SECTORS, 0, 0, Disk->SegmentMaximum, 0, Disk->BlockBytes};

    CHECK(Offset % 4 == 0);
    return Offset < sizeof(Config) ? Config[Offset / 4] : 0;
}

static ULONG Read(void *Device, ULONG Offset, ULONG Width)
{
    VIRTIO_DISK *Disk = Device;

    if (Disk->Pci->Gone) {
        return 0xFFFFFFFFu >> (32 - 8 * Width);
    }
    CHECK(Disk->Pci->Space[PCI_COMMAND] & PCI_COMMAND_MEMORY);
    return Offset >= CONFIG_AT ? ReadConfig(Disk, Offset - CONFIG_AT) : ReadCommon(Disk, Offset);
}

static void WriteStatus(VIRTIO_DISK *Disk, UCHAR Value)
{
    if (Value == 0 && !Disk->NeverResets) {
        Forget(Disk);
    } else if (Value != 0) {
        Disk->Status = Disk->Refuses ? Value & ~0x08 : Value;
    }
}

static void WriteCommon(VIRTIO_DISK *Disk, ULONG Offset, ULONG Value)
{
    switch (Offset) {
    case 0:
        Disk->DeviceSelect = Value;
        break;
    case 8:
        Disk->DriverSelect = Value;
        break;
    case 12:
        CHECK_EQUAL(0, Value & ~(ULONG)(Disk->Features >> (32 * Disk->DriverSelect)));
        break;
    case 20:
        WriteStatus(Disk, (UCHAR)Value);
        break;
    case 24:
        CHECK(Value != 0 && (Value & (Value - 1)) == 0 && Value <= Disk->QueueMaximum);
        Disk->QueueSize = Value;
        break;
    case 26:
        Disk->QueueMessage = Value;
        break;
    case 28:
        CHECK_EQUAL(0x0B, Disk->Status); /* acknowledged, driver, features, not yet running */
        Disk->QueueEnabled = Value;
        break;
    default:
        if (Offset >= 32 && Offset < 56) {
            CHECK(!Disk->QueueEnabled);
            Disk->Memory[(Offset - 32) / 4] = Value;
        }
        break;
    }
}

static void Write(void *Device, ULONG Offset, ULONG Width, ULONG Value)
{
    VIRTIO_DISK *Disk = Device;

    if (Disk->Pci->Gone) {
        return;
    }
    if (Offset == NOTIFY_AT) {
        CHECK(Width == 2 && Value == 0);
        CHECK_EQUAL(RUNNING, Disk->Status);
        HostRaiseInterruptAt(HostCycles() + Disk->DelayCycles, HIGH_LEVEL, Work, Disk);
    } else {
        CHECK(Offset < CONFIG_AT);
        WriteCommon(Disk, Offset, Value);
    }
}

/* ---- ports ---- */

static BOOLEAN HasMessages(const VIRTIO_DISK *Disk)
{
    return (Disk->Pci->Space[Disk->Pci->Space[PCI_CAPABILITIES] + 3] & 0x80) != 0;
}

static ULONG ReadPort(void *Device, USHORT Offset, ULONG Width)
{
    const VIRTIO_DISK *Disk = Device;
    ULONG Config = HasMessages(Disk) ? 24 : 20;

    if (Disk->Pci->Gone || !(Disk->Pci->Space[PCI_COMMAND] & PCI_COMMAND_IO)) {
        return 0xFFFFFFFFu >> (32 - 8 * Width);
    }
    if (Offset >= Config) {
        return ReadConfig(Disk, Offset - Config);
    }
    switch (Offset) {
    case 0:
        return (ULONG)Disk->Features;
    case 12:
        return Disk->QueueSize;
    case 18:
        return Disk->Status;
    case 22:
        return Disk->QueueMessage;
    default:
        return 0;
    }
}

/* One piece: descriptors, what is available, and at the next page what was used. */
static void PlaceQueue(VIRTIO_DISK *Disk, ULONG Page)
{
    ULONG Available = Page * 4096 + 16 * Disk->QueueSize;

    CHECK_EQUAL(0x03, Disk->Status); /* acknowledged, driver, not yet running */
    Disk->QueueEnabled = Page != 0;
    Disk->Memory[0] = Page * 4096;
    Disk->Memory[2] = Available;
    Disk->Memory[4] = (Available + 6 + 2 * Disk->QueueSize + 4095) & ~4095u;
}

static void WritePort(void *Device, USHORT Offset, ULONG Width, ULONG Value)
{
    VIRTIO_DISK *Disk = Device;

    if (Disk->Pci->Gone) {
        return;
    }
    switch (Offset) {
    case 4:
        CHECK_EQUAL(0, Value & ~(ULONG)Disk->Features);
        break;
    case 8:
        PlaceQueue(Disk, Value);
        break;
    case 16:
        CHECK(Width == 2 && Value == 0);
        CHECK_EQUAL(LEGACY_RUNNING, Disk->Status);
        HostRaiseInterruptAt(HostCycles() + Disk->DelayCycles, HIGH_LEVEL, Work, Disk);
        break;
    case 18:
        WriteStatus(Disk, (UCHAR)Value);
        break;
    case 22:
        CHECK(HasMessages(Disk));
        Disk->QueueMessage = Value;
        break;
    default:
        CHECK(Offset == 14 || (Offset == 20 && HasMessages(Disk)));
        break;
    }
}

/* ---- attaching ---- */

static void AddCapability(PCI_MOCK *Pci, UCHAR Type, ULONG Offset, ULONG Bytes)
{
    ULONG Where = PciMockCapability(Pci, PCI_CAP_VENDOR, 20);

    Pci->Space[Where + 2] = 20;
    Pci->Space[Where + 3] = Type;
    Pci->Space[Where + 4] = 4;
    PciMockSetLong(Pci, Where + 8, Offset);
    PciMockSetLong(Pci, Where + 12, Bytes);
    PciMockSetLong(Pci, Where + 16, NOTIFY_STEP);
}

static void Prepare(VIRTIO_DISK *Disk)
{
    ULONG i;

    memset(Disk, 0, sizeof(*Disk));
    Disk->Features = 1 << 2 | 1 << 6 | 1 << 9;
    Disk->QueueMaximum = Disk->QueueSize = VIRTIO_DISK_QUEUE;
    Disk->SegmentMaximum = VIRTIO_DISK_QUEUE - 2;
    Disk->BlockBytes = UNIT;
    Disk->DelayCycles = HOST_CYCLE_FREQUENCY / 10000;
    for (i = 0; i < sizeof(Disk->Medium); i++) {
        Disk->Medium[i] = (UCHAR)(i / UNIT * 7 + i);
    }
}

void VirtioDiskAttach(VIRTIO_DISK *Disk)
{
    Prepare(Disk);
    Disk->Features |= 1ull << 32;
    Disk->Pci = PciMockAdd(0, 2, 0, 0x10421AF4, 0x010000);
    PciMockRange(Disk->Pci, 4, BASE, RANGE_BYTES, TRUE);
    RegistersClaim(BASE, RANGE_BYTES, Read, Write, Disk);
    PciMockMsix(Disk->Pci, 1, TABLE_BASE);
    AddCapability(Disk->Pci, 1, 0, 0x38);
    AddCapability(Disk->Pci, 4, CONFIG_AT, 0x18);
    AddCapability(Disk->Pci, 2, NOTIFY_AT, 0x1000);
}

void VirtioDiskAttachLegacy(VIRTIO_DISK *Disk)
{
    Prepare(Disk);
    Disk->Pci = PciMockAdd(0, 2, 0, 0x10011AF4, 0x010000);
    PciMockRange(Disk->Pci, 0, VIRTIO_DISK_PORT | 1, PORT_COUNT, FALSE);
    PciMockMsix(Disk->Pci, 1, TABLE_BASE);
    PortsClaim(VIRTIO_DISK_PORT, PORT_COUNT, ReadPort, WritePort, Disk);
}

void VirtioDiskRemove(VIRTIO_DISK *Disk)
{
    Disk->Pci->Gone = TRUE;
}

/* SPDX-License-Identifier: MIT */
/*
 * ahci_disk.c - an AHCI controller, written against the specification and not the driver.
 */
#include "tests/host/ahci_disk.h"

#include "pci.h"
#include "tests/host/machine.h"
#include "tests/unit/test.h"

#include <string.h>

#define BASE        0xC1010000ull
#define RANGE_BYTES 0x1000u
#define PORT_AT     0x100u
#define PORT_BYTES  0x80u
#define SECTOR      512u

#define CMD_START   0x0001u
#define CMD_RECEIVE 0x0010u
#define CMD_FR      0x4000u
#define CMD_CR      0x8000u
#define TASK_BUSY   0x80u
#define TASK_READY  0x50u
#define TASK_ERROR  0x51u
#define EVENT_DONE  0x00000001u
#define EVENT_ERROR 0x40000000u
#define EVENT_LINK  0x00400000u
#define DIAG_LINK   0x00010000u

enum {
    RegisterList = 0x00 / 4,
    RegisterFis = 0x08 / 4,
    RegisterEvents = 0x10 / 4,
    RegisterEnable = 0x14 / 4,
    RegisterCommand = 0x18 / 4,
    RegisterTask = 0x20 / 4,
    RegisterSignature = 0x24 / 4,
    RegisterLink = 0x28 / 4,
    RegisterControl = 0x2C / 4,
    RegisterError = 0x30 / 4,
    RegisterIssue = 0x38 / 4
};

static ULONG *Registers(AHCI_DISK *Disk)
{
    return Disk->Ports[AHCI_DISK_PORT].Registers;
}

static void Signal(AHCI_DISK *Disk, ULONG Events)
{
    ULONG *R = Registers(Disk);

    R[RegisterEvents] |= Events;
    if ((R[RegisterEvents] & R[RegisterEnable]) != 0 && (Disk->Control & 2) != 0) {
        Disk->Interrupts |= 1u << AHCI_DISK_PORT;
        PciMockInterrupt(Disk->Pci);
    }
}

/* ---- commands ---- */

typedef struct _COMMAND {
    ULONG Header[8];
    UCHAR Fis[20];
    ULONG64 Table;
    ULONG64 Sector;
} COMMAND;

static COMMAND Fetch(AHCI_DISK *Disk)
{
    COMMAND C;
    ULONG64 List = (ULONG64)Registers(Disk)[RegisterList + 1] << 32 | Registers(Disk)[RegisterList];
    ULONG i;

    CHECK(List % 1024 == 0 && Registers(Disk)[RegisterFis] % 256 == 0);
    PciMockRead(Disk->Pci, List, C.Header, sizeof(C.Header));
    C.Table = (ULONG64)C.Header[3] << 32 | C.Header[2];
    CHECK(C.Table % 128 == 0 && (C.Header[0] & 0x1F) == 5);
    PciMockRead(Disk->Pci, C.Table, C.Fis, sizeof(C.Fis));
    CHECK(C.Fis[0] == 0x27 && C.Fis[1] == 0x80);
    C.Sector = 0;
    for (i = 0; i < 3; i++) {
        C.Sector |= (ULONG64)C.Fis[4 + i] << (8 * i) | (ULONG64)C.Fis[8 + i] << (24 + 8 * i);
    }
    return C;
}

/* Move Bytes between the medium's Data and the command's pieces. */
static void Move(AHCI_DISK *Disk, COMMAND *C, PUCHAR Data, ULONG Bytes, BOOLEAN Write)
{
    ULONG Pieces = C->Header[0] >> 16;
    ULONG Moved = 0;
    ULONG i;

    CHECK_EQUAL(Write, (C->Header[0] & 0x40) != 0);
    for (i = 0; i < Pieces && Moved < Bytes; i++) {
        ULONG Piece[4];
        ULONG Now;
        ULONG64 Physical;

        PciMockRead(Disk->Pci, C->Table + 0x80 + 16 * i, Piece, sizeof(Piece));
        Physical = (ULONG64)Piece[1] << 32 | Piece[0];
        Now = (Piece[3] & 0x3FFFFF) + 1;
        CHECK(Physical % 2 == 0 && Now % 2 == 0);
        Now = Now < Bytes - Moved ? Now : Bytes - Moved;
        if (Write) {
            PciMockRead(Disk->Pci, Physical, Data + Moved, Now);
        } else {
            PciMockWrite(Disk->Pci, Physical, Data + Moved, Now);
        }
        Moved += Now;
    }
    CHECK_EQUAL(Bytes, Moved);
    PciMockWrite(Disk->Pci, Registers(Disk)[RegisterList] + 4, &Moved, 4);
}

static void Execute(AHCI_DISK *Disk, ULONG Divisor)
{
    COMMAND C = Fetch(Disk);
    ULONG Bytes = (C.Fis[12] | (ULONG)C.Fis[13] << 8) * SECTOR;

    Disk->Commands[C.Fis[2]]++;
    switch (C.Fis[2]) {
    case 0xEC:
        Move(Disk, &C, (PUCHAR)Disk->Identify, SECTOR, FALSE);
        break;
    case 0x25:
    case 0x35:
        CHECK(Bytes != 0 && C.Sector * SECTOR + Bytes <= sizeof(Disk->Medium));
        CHECK_EQUAL(0x40, C.Fis[7]);
        Move(Disk, &C, Disk->Medium + C.Sector * SECTOR, Bytes / Divisor, C.Fis[2] == 0x35);
        break;
    default:
        CHECK_EQUAL(0xEA, C.Fis[2]);
        CHECK_EQUAL(0, C.Header[0] >> 16);
        break;
    }
}

static void Fail(AHCI_DISK *Disk, ULONG Task)
{
    Registers(Disk)[RegisterTask] = Task;
    Signal(Disk, EVENT_ERROR); /* the command stays issued until the port is stopped */
}

static void Work(PVOID Context)
{
    AHCI_DISK *Disk = Context;
    AHCI_ANSWER How = Disk->Misbehaves != 0 ? Disk->Answer : AhciAnswers;
    ULONG *R = Registers(Disk);

    if (Disk->Pci->Gone || Disk->NoLink || !(R[RegisterCommand] & CMD_START) ||
        R[RegisterIssue] == 0) {
        return;
    }
    CHECK_EQUAL(1, R[RegisterIssue]);
    Disk->Misbehaves -= Disk->Misbehaves != 0;
    if (How == AhciSilent) {
        return;
    }
    if (How == AhciFails || How == AhciFailsBusy) {
        Fail(Disk, TASK_ERROR | (How == AhciFailsBusy ? TASK_BUSY : 0));
        return;
    }
    Execute(Disk, How == AhciStops ? 2 : 1);
    R[RegisterIssue] = 0;
    R[RegisterTask] = TASK_READY;
    if (How != AhciNoInterrupt) {
        Signal(Disk, EVENT_DONE);
    }
    if (How == AhciTwice) {
        Signal(Disk, EVENT_DONE);
    }
}

/* ---- registers ---- */

static void WriteCommand(AHCI_DISK *Disk, ULONG *R, ULONG Value)
{
    BOOLEAN Stuck = Disk->NeverStops && (R[RegisterCommand] & CMD_CR) != 0;
    ULONG Shown = (Value & CMD_START || Stuck ? CMD_CR : 0) | (Value & CMD_RECEIVE ? CMD_FR : 0);

    if ((Value & CMD_START) != 0 && !(R[RegisterCommand] & CMD_START)) {
        CHECK(Value & CMD_RECEIVE);
        CHECK(!(R[RegisterTask] & (TASK_BUSY | 8)));
    }
    if (!(Value & CMD_START)) {
        R[RegisterIssue] = 0;
    }
    R[RegisterCommand] = (Value & ~(CMD_CR | CMD_FR)) | Shown;
}

static void WriteControl(AHCI_DISK *Disk, ULONG *R, ULONG Value)
{
    if ((Value & 0xF) == 1) {
        CHECK(!(R[RegisterCommand] & CMD_START));
        Disk->LinkResets++;
        R[RegisterTask] = TASK_READY;
    }
    R[RegisterControl] = Value;
}

static void WritePort(AHCI_DISK *Disk, ULONG Port, ULONG Register, ULONG Value)
{
    ULONG *R = Disk->Ports[Port].Registers;

    switch (Register) {
    case RegisterEvents:
        R[Register] &= ~Value | (R[RegisterError] & DIAG_LINK ? EVENT_LINK : 0);
        break;
    case RegisterError:
        R[Register] &= ~Value;
        break;
    case RegisterCommand:
        WriteCommand(Disk, R, Value);
        break;
    case RegisterControl:
        WriteControl(Disk, R, Value);
        break;
    case RegisterIssue:
        CHECK(R[RegisterCommand] & CMD_START);
        R[Register] |= Value;
        HostRaiseInterruptAt(HostCycles() + Disk->DelayCycles, HIGH_LEVEL, Work, Disk);
        break;
    default:
        R[Register] = Value;
        break;
    }
}

static ULONG ReadPort(const AHCI_DISK *Disk, ULONG Port, ULONG Register)
{
    BOOLEAN There = Port == AHCI_DISK_PORT && !Disk->NoLink;

    switch (Register) {
    case RegisterLink:
        return There ? 0x123 : 0;
    case RegisterSignature:
        return There ? Disk->Signature : 0xFFFFFFFF;
    default:
        return Disk->Ports[Port].Registers[Register];
    }
}

static BOOLEAN IsImplemented(AHCI_DISK *Disk, ULONG Port)
{
    Disk->TouchedOthers = Disk->TouchedOthers || (Port != 0 && Port != AHCI_DISK_PORT);
    return Port == 0 || Port == AHCI_DISK_PORT;
}

static ULONG Read(void *Device, ULONG Offset, ULONG Width)
{
    AHCI_DISK *Disk = Device;

    CHECK_EQUAL(4, Width);
    if (Disk->Pci->Gone) {
        return 0xFFFFFFFFu;
    }
    if (Offset >= PORT_AT) {
        ULONG Port = (Offset - PORT_AT) / PORT_BYTES;

        return IsImplemented(Disk, Port) ? ReadPort(Disk, Port, Offset % PORT_BYTES / 4) : 0;
    }
    switch (Offset) {
    case 0x04:
        return Disk->Control;
    case 0x08:
        return Disk->Interrupts;
    case 0x0C:
        return 1u | 1u << AHCI_DISK_PORT;
    case 0x24:
        return Disk->FirmwareOwns;
    case 0x28:
        return Disk->HandOff;
    default:
        return 0;
    }
}

static void Write(void *Device, ULONG Offset, ULONG Width, ULONG Value)
{
    AHCI_DISK *Disk = Device;
    ULONG Port = (Offset - PORT_AT) / PORT_BYTES;

    CHECK_EQUAL(4, Width);
    if (Disk->Pci->Gone) {
        return;
    }
    if (Offset >= PORT_AT && IsImplemented(Disk, Port)) {
        WritePort(Disk, Port, Offset % PORT_BYTES / 4, Value);
    } else if (Offset == 0x04) {
        Disk->Control = Value;
    } else if (Offset == 0x08) {
        ULONG *R = Registers(Disk);

        Disk->Interrupts &= ~Value;
        Disk->Interrupts |= (R[RegisterEvents] & R[RegisterEnable]) != 0 ? 1u << AHCI_DISK_PORT : 0;
    } else if (Offset == 0x28) {
        Disk->HandOff =
            (Value & 2) | (Disk->FirmwareYields ? 0 : 1) | (Disk->FirmwareBusy ? 0x10 : 0);
    }
}

/* ---- attaching ---- */

void AhciDiskAttach(AHCI_DISK *Disk)
{
    ULONG i;

    memset(Disk, 0, sizeof(*Disk));
    for (i = 0; i < sizeof(Disk->Medium); i++) {
        Disk->Medium[i] = (UCHAR)(i / SECTOR * 11 + i);
    }
    Disk->Signature = 0x101;
    Disk->Identify[83] = 0x7400;
    Disk->Identify[100] = AHCI_DISK_SECTORS;
    Disk->HandOff = 1;
    Disk->DelayCycles = HOST_CYCLE_FREQUENCY / 10000;
    for (i = 0; i < 3; i++) { /* as firmware leaves it: running */
        Disk->Ports[i].Registers[RegisterTask] = i == AHCI_DISK_PORT ? TASK_READY : 0x7F;
        Disk->Ports[i].Registers[RegisterCommand] = CMD_START | CMD_RECEIVE | CMD_CR | CMD_FR;
    }
    Disk->Pci = PciMockAdd(0, 31, 0, 0x29228086, 0x010601);
    PciMockRange(Disk->Pci, 5, BASE, RANGE_BYTES, FALSE);
    RegistersClaim(BASE, RANGE_BYTES, Read, Write, Disk);
    PciMockCapability(Disk->Pci, PCI_CAP_MSI, 16);
}

void AhciDiskUnplug(AHCI_DISK *Disk)
{
    Disk->NoLink = TRUE;
    Registers(Disk)[RegisterError] |= DIAG_LINK;
    Signal(Disk, EVENT_LINK);
}

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
#define CMD_SPIN_UP 0x0002u
#define CMD_RECEIVE 0x0010u
#define CMD_FR      0x4000u
#define CMD_CR      0x8000u
#define TASK_BUSY   0x80u
#define TASK_READY  0x50u
#define TASK_ERROR  0x51u
#define EVENT_DONE  0x00000001u
#define EVENT_QUEUE 0x00000008u
#define EVENT_ERROR 0x40000000u
#define EVENT_LINK  0x00400000u
#define EVENT_NEW   0x00000040u
#define DIAG_LINK   0x00010000u
#define DIAG_NEW    0x04000000u

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
    RegisterActive = 0x34 / 4,
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

/* The device says that it is new: after it was plugged in, and after its link was reset. */
static void Appear(AHCI_DISK *Disk)
{
    Registers(Disk)[RegisterError] |= DIAG_LINK | DIAG_NEW;
    Signal(Disk, EVENT_LINK | EVENT_NEW);
}

/* ---- commands ---- */

typedef struct _COMMAND {
    ULONG Header[8];
    UCHAR Fis[20];
    ULONG64 HeaderAt;
    ULONG64 Table;
    ULONG64 Sector;
    ULONG Bytes;
    BOOLEAN Queued;
} COMMAND;

static COMMAND Fetch(AHCI_DISK *Disk, ULONG Slot)
{
    const ULONG *R = Registers(Disk);
    COMMAND C = {.HeaderAt = ((ULONG64)R[RegisterList + 1] << 32 | R[RegisterList]) + 32 * Slot};
    ULONG i;

    CHECK(R[RegisterList] % 1024 == 0 && R[RegisterFis] % 256 == 0);
    PciMockRead(Disk->Pci, C.HeaderAt, C.Header, sizeof(C.Header));
    C.Table = (ULONG64)C.Header[3] << 32 | C.Header[2];
    CHECK(C.Table % 128 == 0 && (C.Header[0] & 0x1F) == 5);
    PciMockRead(Disk->Pci, C.Table, C.Fis, sizeof(C.Fis));
    CHECK(C.Fis[0] == 0x27 && C.Fis[1] == 0x80);
    for (i = 0; i < 3; i++) {
        C.Sector |= (ULONG64)C.Fis[4 + i] << (8 * i) | (ULONG64)C.Fis[8 + i] << (24 + 8 * i);
    }
    C.Queued = C.Fis[2] == 0x60 || C.Fis[2] == 0x61;
    if (C.Queued) {
        CHECK(Disk->Queues);
        CHECK(C.Fis[12] == Slot << 3 && C.Fis[13] == 0);
        C.Bytes = (C.Fis[3] | (ULONG)C.Fis[11] << 8) * SECTOR;
    } else {
        C.Bytes = (C.Fis[12] | (ULONG)C.Fis[13] << 8) * SECTOR;
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
    Moved = C->Queued || Write ? 0xDEAD : Moved; /* of those nothing is promised */
    PciMockWrite(Disk->Pci, C->HeaderAt + 4, &Moved, 4);
}

static void Execute(AHCI_DISK *Disk, COMMAND *C, ULONG Divisor)
{
    Disk->Commands[C->Fis[2]]++;
    switch (C->Fis[2]) {
    case 0xEC:
        Move(Disk, C, (PUCHAR)Disk->Identify, SECTOR, FALSE);
        break;
    case 0x25:
    case 0x35:
    case 0x60:
    case 0x61:
        CHECK(C->Bytes != 0 && C->Sector * SECTOR + C->Bytes <= sizeof(Disk->Medium));
        CHECK_EQUAL(0x40, C->Fis[7]);
        Move(Disk, C, Disk->Medium + C->Sector * SECTOR, C->Bytes / Divisor,
             C->Fis[2] == 0x35 || C->Fis[2] == 0x61);
        break;
    default:
        CHECK_EQUAL(0xEA, C->Fis[2]);
        CHECK_EQUAL(0, C->Header[0] >> 16);
        break;
    }
}

/* A queued command leaves the list as soon as the device has it. */
static void Fail(AHCI_DISK *Disk, AHCI_ANSWER How, ULONG Slot, BOOLEAN Queued)
{
    ULONG *R = Registers(Disk);

    R[RegisterTask] = TASK_ERROR | (How == AhciFailsBusy ? TASK_BUSY : 0);
    if (Queued || How == AhciFailsMildly) {
        R[RegisterIssue] &= ~(1u << Slot);
    }
    Disk->Refuses = Disk->Refuses || Queued;
    Signal(Disk, How != AhciFailsMildly ? EVENT_ERROR : Queued ? EVENT_QUEUE : EVENT_DONE);
}

static void Answer(AHCI_DISK *Disk, ULONG Slot)
{
    AHCI_ANSWER How = Disk->Misbehaves != 0 ? Disk->Answer : AhciAnswers;
    ULONG *R = Registers(Disk);
    COMMAND C = Fetch(Disk, Slot);

    CHECK_EQUAL(C.Queued, (R[RegisterActive] >> Slot) & 1);
    CHECK(C.Queued || (R[RegisterIssue] == 1u << Slot && R[RegisterActive] == 0));
    if (Disk->Refuses) {
        Fail(Disk, AhciFails, Slot, C.Queued);
        return;
    }
    Disk->Misbehaves -= Disk->Misbehaves != 0;
    if (How == AhciFails || How == AhciFailsBusy || How == AhciFailsMildly) {
        Fail(Disk, How, Slot, C.Queued);
        return;
    }
    if (How == AhciSilent) {
        R[RegisterIssue] &= C.Queued ? ~(1u << Slot) : 0xFFFFFFFFu;
        return;
    }
    Execute(Disk, &C, How == AhciStops ? 2 : 1);
    R[RegisterIssue] &= ~(1u << Slot);
    R[RegisterActive] &= ~(1u << Slot);
    R[RegisterTask] = TASK_READY;
    if (How != AhciNoInterrupt) {
        Signal(Disk, C.Queued ? EVENT_QUEUE : EVENT_DONE);
    }
    if (How == AhciTwice) {
        Signal(Disk, EVENT_DONE);
    }
}

/* The newest first: queued commands may end in any order. */
static void Work(PVOID Context)
{
    AHCI_DISK *Disk = Context;
    ULONG *R = Registers(Disk);
    ULONG Many = (ULONG)__builtin_popcount(R[RegisterActive]);
    ULONG Slot;

    Disk->MostAtOnce = Many > Disk->MostAtOnce ? Many : Disk->MostAtOnce;
    for (Slot = 32; Slot-- != 0;) {
        if (Disk->Pci->Gone || Disk->NoLink || !(R[RegisterCommand] & CMD_START)) {
            return;
        }
        if ((R[RegisterIssue] & (1u << Slot)) != 0) {
            Answer(Disk, Slot);
        }
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
        R[RegisterIssue] = R[RegisterActive] = 0;
    }
    if ((Value & CMD_SPIN_UP) != 0 && !(R[RegisterCommand] & CMD_SPIN_UP)) {
        Disk->SpunAt = HostCycles();
    }
    R[RegisterCommand] = (Value & ~(CMD_CR | CMD_FR)) | Shown;
}

static void WriteControl(AHCI_DISK *Disk, ULONG *R, ULONG Value)
{
    if ((Value & 0xF) == 1) {
        CHECK(!(R[RegisterCommand] & CMD_START));
        Disk->LinkResets++;
        Disk->Refuses = FALSE;
        R[RegisterTask] = TASK_READY;
    }
    if ((R[RegisterControl] & 0xF) == 1 && (Value & 0xF) == 0 && !Disk->NoLink) {
        Appear(Disk);
    }
    R[RegisterControl] = Value;
}

static void WritePort(AHCI_DISK *Disk, ULONG Port, ULONG Register, ULONG Value)
{
    ULONG *R = Disk->Ports[Port].Registers;

    switch (Register) {
    case RegisterEvents:
        R[Register] &= ~Value | (R[RegisterError] & DIAG_LINK ? EVENT_LINK : 0) |
                       (R[RegisterError] & DIAG_NEW ? EVENT_NEW : 0);
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
    case RegisterActive:
        CHECK(R[RegisterCommand] & CMD_START);
        R[Register] |= Value;
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

static BOOLEAN IsSpinning(const AHCI_DISK *Disk, ULONG64 After)
{
    return !Disk->Staggered || (Disk->SpunAt != 0 && HostCycles() >= Disk->SpunAt + After);
}

static ULONG ReadPort(const AHCI_DISK *Disk, ULONG Port, ULONG Register)
{
    BOOLEAN There = Port == AHCI_DISK_PORT && !Disk->NoLink && IsSpinning(Disk, Disk->FoundCycles);
    BOOLEAN Ready = IsSpinning(Disk, Disk->SpinCycles);

    switch (Register) {
    case RegisterLink:
        return There ? 0x123 : 0;
    case RegisterSignature:
        return There && Ready ? Disk->Signature : 0xFFFFFFFF;
    case RegisterTask:
        return Ready ? Disk->Ports[Port].Registers[Register] : TASK_BUSY;
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
    Disk->EnabledTooLate = Disk->EnabledTooLate || (Offset > 4 && Disk->Control == 0);
    if (Offset >= PORT_AT) {
        ULONG Port = (Offset - PORT_AT) / PORT_BYTES;

        return IsImplemented(Disk, Port) ? ReadPort(Disk, Port, Offset % PORT_BYTES / 4) : 0;
    }
    switch (Offset) {
    case 0x00:
        return 31u << 8 | (Disk->Queues ? 0x40000000u : 0);
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
        Disk->Ports[i].Registers[RegisterCommand] =
            CMD_START | CMD_SPIN_UP | CMD_RECEIVE | CMD_CR | CMD_FR;
    }
    Disk->Pci = PciMockAdd(0, 31, 0, 0x29228086, 0x010601);
    PciMockRange(Disk->Pci, 5, BASE, RANGE_BYTES, FALSE);
    RegistersClaim(BASE, RANGE_BYTES, Read, Write, Disk);
    PciMockCapability(Disk->Pci, PCI_CAP_MSI, 16);
}

void AhciDiskQueue(AHCI_DISK *Disk, ULONG Depth)
{
    Disk->Queues = TRUE;
    Disk->Identify[75] = (USHORT)(Depth - 1);
    Disk->Identify[76] = 0x0102;
}

void AhciDiskStagger(AHCI_DISK *Disk, ULONG64 FoundCycles, ULONG64 SpinCycles)
{
    Disk->Staggered = TRUE;
    Disk->FoundCycles = FoundCycles;
    Disk->SpinCycles = SpinCycles;
    Registers(Disk)[RegisterCommand] = 0;
}

void AhciDiskUnplug(AHCI_DISK *Disk)
{
    Disk->NoLink = TRUE;
    Registers(Disk)[RegisterError] |= DIAG_LINK;
    Signal(Disk, EVENT_LINK);
}

void AhciDiskSwap(AHCI_DISK *Disk)
{
    AhciDiskUnplug(Disk);
    Disk->NoLink = FALSE;
    memset(Disk->Medium, 0xAA, sizeof(Disk->Medium));
    Registers(Disk)[RegisterIssue] = Registers(Disk)[RegisterActive] = 0;
    Appear(Disk);
}

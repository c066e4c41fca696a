/* SPDX-License-Identifier: MIT */
/*
 * xhci_mock.c - an xHCI controller's registers, root ports and event ring, written against the
 * specification and not the driver.
 */
#include "tests/host/xhci_mock.h"

#include "pci.h"
#include "tests/host/machine.h"
#include "tests/unit/test.h"

#include <string.h>

#define BASE        0xE000100000ull
#define BASE_STEP   0x10000u
#define RANGE_BYTES 0x4000u
#define TABLE_BASE  0x90010000ull
#define TABLE_STEP  0x1000u
#define OPERATIONAL 0x40u
#define PORTS       (OPERATIONAL + 0x400)
#define EXTENDED    0x800u
#define LEGACY      0x7C0u
#define RUNTIME     0x1000u
#define DOORBELLS   0x2000u
#define TRBS        256u

#define RUN         0x1u
#define RESET       0x2u
#define INTERRUPT   0x4u
#define HALTED      0x1u
#define EVENT       0x8u
#define PORT_EVENT  0x10u
#define NOT_READY   0x800u
#define CLEARS      0x41Cu /* of the status: written ones clear */

#define CCS         0x1u
#define PED         0x2u
#define PR          0x10u
#define PP          0x200u
#define CSC         0x20000u
#define WRC         0x80000u
#define PRC         0x200000u
#define CHANGES     0xFE0000u
#define LINK(State) ((ULONG)(State) << 5)
#define LINKS       LINK(15)
#define SPEED_SHIFT 10
#define WPR         0x80000000u
#define POLLING     7u
#define DETECT      5u

static ULONG Steps;

/* ---- events ---- */

static BOOLEAN IsRunning(const XHCI_MOCK *Mock)
{
    return (Mock->Command & RUN) != 0 && !(Mock->Status & HALTED) && !Mock->Pci->Gone;
}

static void Interrupt(XHCI_MOCK *Mock)
{
    BOOLEAN Busy = (Mock->Dequeue & 8) != 0;

    Mock->Status |= EVENT;
    Mock->Interrupter |= 1;
    Mock->Dequeue |= 8;
    if (!Busy && (Mock->Interrupter & 2) != 0 && (Mock->Command & INTERRUPT) != 0) {
        Mock->Interrupts++;
        Mock->Interrupter &= ~1u; /* a message clears it */
        PciMockInterrupt(Mock->Pci);
    }
}

static BOOLEAN IsFull(const XHCI_MOCK *Mock)
{
    ULONG64 Next = Mock->EventRing + 16 * ((Mock->EventIndex + 1) % Mock->EventCount);

    return Next == (Mock->Dequeue & ~15ull);
}

void XhciMockpEvent(XHCI_MOCK *Mock, const ULONG Trb[4], BOOLEAN Valid, BOOLEAN Interrupts)
{
    ULONG Copy[4];

    CHECK(IsRunning(Mock) && !IsFull(Mock));
    memcpy(Copy, Trb, sizeof(Copy));
    Copy[3] = (Copy[3] & ~1u) | (Valid ? Mock->EventCycle : Mock->EventCycle ^ 1);
    PciMockWrite(Mock->Pci, Mock->EventRing + 16 * Mock->EventIndex, Copy, sizeof(Copy));
    if (!Valid) {
        Interrupt(Mock);
        return;
    }
    Mock->EventIndex++;
    if (Mock->EventIndex == Mock->EventCount) {
        Mock->EventIndex = 0;
        Mock->EventCycle ^= 1;
    }
    if (Interrupts) {
        Interrupt(Mock);
    }
}

BOOLEAN XhciMockEvent(XHCI_MOCK *Mock, const ULONG Trb[4])
{
    if (!IsRunning(Mock) || IsFull(Mock)) {
        return FALSE;
    }
    XhciMockpEvent(Mock, Trb, TRUE, TRUE);
    return TRUE;
}

void XhciMockpReadTrb(const XHCI_MOCK *Mock, ULONG64 Physical, ULONG Trb[4])
{
    CHECK(Physical % 16 == 0);
    PciMockRead(Mock->Pci, Physical, Trb, 16);
}

/* ---- working, a little later ---- */

static void Work(PVOID Context)
{
    XHCI_MOCK *Mock = Context;

    Mock->Working = FALSE;
    if (IsRunning(Mock)) {
        XhciMockpCommands(Mock);
    }
    if (IsRunning(Mock)) {
        XhciMockpTransfers(Mock);
    }
}

void XhciMockpSchedule(XHCI_MOCK *Mock)
{
    if (!Mock->Working) {
        Mock->Working = TRUE;
        HostRaiseInterruptAt(HostCycles() + Mock->DelayCycles, HIGH_LEVEL, Work, Mock);
    }
}

void XhciMockWake(XHCI_MOCK *Mock)
{
    XhciMockpSchedule(Mock);
}

/* ---- root ports ---- */

/* An event comes when the first of a port's change bits is set. */
void XhciMockChangePort(XHCI_MOCK *Mock, ULONG Port, ULONG Clear, ULONG Set)
{
    ULONG *P = &Mock->PortStatus[Port - 1];
    BOOLEAN Told = (*P & CHANGES) != 0;
    const ULONG Trb[4] = {Port << 24, 0, XHCI_MOCK_SUCCESS << 24, 34u << 10};

    *P = (*P & ~Clear) | Set;
    if (!Told && (*P & CHANGES) != 0 && IsRunning(Mock)) {
        Mock->Status |= PORT_EVENT;
        (void)XhciMockEvent(Mock, Trb);
    }
}

static ULONG SpeedId(const XHCI_MOCK *Mock, USB_SPEED Speed)
{
    return Mock->SpeedTables && Speed == UsbSpeedSuper ? 6u : (ULONG)Speed;
}

XHCI_MOCK_DEVICE *XhciMockpFind(const XHCI_MOCK *Mock, ULONG Port, ULONG Route)
{
    ULONG i;

    for (i = 0; i < XHCI_MOCK_DEVICES; i++) {
        if (Mock->Places[i].Device != NULL && Mock->Places[i].Port == Port &&
            Mock->Places[i].Route == Route) {
            return Mock->Places[i].Device;
        }
    }
    return NULL;
}

static void ShowDevice(XHCI_MOCK *Mock, ULONG Port, const XHCI_MOCK_DEVICE *Device)
{
    BOOLEAN Super = Port > XHCI_MOCK_USB2;
    BOOLEAN Hangs = (Mock->WarmPorts & 1u << Port) != 0;

    CHECK_EQUAL(Super, Device->Speed == UsbSpeedSuper);
    XhciMockChangePort(
        Mock, Port, LINKS | 0xFu << SPEED_SHIFT,
        CCS | CSC | LINK(Super && !Hangs ? 0 : POLLING) |
            (Super && !Hangs ? PED | SpeedId(Mock, Device->Speed) << SPEED_SHIFT : 0));
}

void XhciMockPlug(XHCI_MOCK *Mock, ULONG Port, ULONG Route, XHCI_MOCK_DEVICE *Device)
{
    ULONG i;

    for (i = 0; i < XHCI_MOCK_DEVICES && Mock->Places[i].Device != NULL; i++) {
    }
    CHECK(i < XHCI_MOCK_DEVICES && XhciMockpFind(Mock, Port, Route) == NULL);
    Mock->Places[i].Port = Port;
    Mock->Places[i].Route = Route;
    Mock->Places[i].Device = Device;
    Device->Slot = 0;
    if (Route == 0) {
        ShowDevice(Mock, Port, Device);
    }
}

void XhciMockUnplug(XHCI_MOCK *Mock, XHCI_MOCK_DEVICE *Device)
{
    ULONG i;

    for (i = 0; i < XHCI_MOCK_DEVICES && Mock->Places[i].Device != Device; i++) {
    }
    CHECK(i < XHCI_MOCK_DEVICES);
    Mock->Places[i].Device = NULL;
    if (Device->Slot != 0) {
        Mock->Slots[Device->Slot].Device = NULL;
        Device->Slot = 0;
    }
    if (Mock->Places[i].Route == 0) {
        XhciMockChangePort(Mock, Mock->Places[i].Port, CCS | PED | LINKS | 0xFu << SPEED_SHIFT,
                           CSC | LINK(DETECT));
    }
    XhciMockpSchedule(Mock);
}

static void ResetPort(XHCI_MOCK *Mock, ULONG Port, BOOLEAN Warm)
{
    const XHCI_MOCK_DEVICE *Device = XhciMockpFind(Mock, Port, 0);
    BOOLEAN Fails = Device == NULL || (Mock->DisabledPorts & 1u << Port) != 0 ||
                    ((Mock->WarmPorts & 1u << Port) != 0 && !Warm);

    Mock->PortResets += !Warm;
    Mock->WarmResets += Warm;
    if (Mock->NoResetPorts & 1u << Port) {
        Mock->PortStatus[Port - 1] |= PR;
        return;
    }
    if (Warm) {
        Mock->WarmPorts &= ~(1u << Port);
    }
    XhciMockChangePort(
        Mock, Port, PED | PR | LINKS | 0xFu << SPEED_SHIFT,
        PRC | (Warm ? WRC : 0) |
            (Fails ? LINK(POLLING) : PED | SpeedId(Mock, Device->Speed) << SPEED_SHIFT));
}

static void WritePort(XHCI_MOCK *Mock, ULONG Port, ULONG Value)
{
    ULONG *P = &Mock->PortStatus[Port - 1];

    CHECK(!(Value & PED));               /* it would disable the port */
    CHECK_EQUAL(0, Value & 0x71003C0Du); /* read only and reserved: never written as ones */
    CHECK_EQUAL(0, Value & 0x10000u);    /* the link's state is not ours to write */
    CHECK(!(Value & WPR) || Port > XHCI_MOCK_USB2);
    *P &= ~(Value & CHANGES);
    *P = (*P & ~PP) | (Value & PP);
    CHECK(*P & PP);
    if (Value & (PR | WPR)) {
        ResetPort(Mock, Port, (Value & WPR) != 0);
    }
}

/* ---- registers ---- */

/* Full, low and high speed; SuperSpeed. */
static const ULONG SpeedTable[2][4] = {
    {0x000C0021, 0x05DC0012, 0x01E00023, 0},
    {0x00050136, 0, 0, 0},
};

static ULONG ReadExtended(const XHCI_MOCK *Mock, ULONG Offset)
{
    ULONG Speeds[2] = {Mock->SpeedTables ? 3u : 0, Mock->SpeedTables ? 1u : 0};
    ULONG Second = Offset >= 0x40;
    ULONG Word = Offset % 0x40 / 4;

    switch (Word) {
    case 0:
        return (Second ? 0x03000000u : 0x02000000u) | (Second ? 0 : 0x10u) << 8 | 2;
    case 1:
        return 0x20425355u;
    case 2:
        return (Second ? XHCI_MOCK_USB2 + 1 : 1) | 4u << 8 | Speeds[Second] << 28;
    case 3:
        return 0;
    default:
        return Word < 8 ? SpeedTable[Second][Word - 4] : 0;
    }
}

static ULONG ReadCapability(const XHCI_MOCK *Mock, ULONG Offset)
{
    ULONG First = Mock->HasFirmware ? LEGACY : EXTENDED;

    switch (Offset) {
    case 0x00:
        return Mock->Version << 16 | OPERATIONAL;
    case 0x04:
        return XHCI_MOCK_PORTS << 24 | 1u << 8 | Mock->SlotsOffered;
    case 0x08:
        return (Mock->Scratchpads & 0x1F) << 27 | (Mock->Scratchpads >> 5) << 21;
    case 0x10:
        return First / 4 << 16 | (Mock->PowerSwitched ? 8u : 0) |
               (Mock->ContextBytes == 64 ? 4u : 0) | 1;
    case 0x14:
        return DOORBELLS;
    case 0x18:
        return RUNTIME;
    default:
        return 0;
    }
}

static ULONG ReadOperational(const XHCI_MOCK *Mock, ULONG Offset)
{
    switch (Offset) {
    case 0x00:
        return Mock->Command;
    case 0x04:
        return Mock->Status;
    case 0x08:
        return 1; /* pages of 4 KB */
    case 0x18:
        return Mock->CommandRuns ? 8u : 0;
    case 0x38:
        return Mock->Configure;
    default:
        return 0;
    }
}

static void NoteUse(XHCI_MOCK *Mock)
{
    Mock->Used = Mock->Used != 0 ? Mock->Used : ++Steps;
}

static ULONG Read(void *Device, ULONG Offset, ULONG Width)
{
    XHCI_MOCK *Mock = Device;

    CHECK_EQUAL(4, Width);
    if (Mock->Pci->Gone) {
        return 0xFFFFFFFFu;
    }
    CHECK(Mock->Pci->Space[PCI_COMMAND] & PCI_COMMAND_MEMORY);
    if (Offset < OPERATIONAL) {
        return ReadCapability(Mock, Offset);
    }
    if (Offset >= LEGACY && Offset < LEGACY + 8) {
        return Offset != LEGACY ? Mock->LegacyControl
                                : 1u | (EXTENDED - LEGACY) / 4 << 8 |
                                      (Mock->FirmwareYields && Mock->SystemOwns ? 0 : 1u << 16) |
                                      Mock->SystemOwns << 24;
    }
    if (Offset >= EXTENDED && Offset < RUNTIME) {
        return ReadExtended(Mock, (Offset - EXTENDED) % 0x100);
    }
    NoteUse(Mock);
    if (Offset >= PORTS && Offset < PORTS + 16 * XHCI_MOCK_PORTS) {
        return Offset % 16 == 0 ? Mock->PortStatus[(Offset - PORTS) / 16] : 0;
    }
    if (Offset < PORTS) {
        return ReadOperational(Mock, Offset - OPERATIONAL);
    }
    return Offset == RUNTIME + 0x20 ? Mock->Interrupter : 0;
}

static void Reset(XHCI_MOCK *Mock)
{
    ULONG i;

    Mock->Resets++;
    Mock->Command = Mock->NeverResets ? RESET : 0;
    Mock->Status = HALTED | (Mock->NeverReady ? NOT_READY : 0);
    Mock->CommandRing = Mock->Contexts = Mock->SegmentTable = Mock->Dequeue = 0;
    Mock->Configure = Mock->Interrupter = Mock->Segments = 0;
    Mock->CommandRung = Mock->CommandRuns = Mock->CommandStuck = FALSE;
    memset(Mock->Slots, 0, sizeof(Mock->Slots));
    for (i = 0; i < XHCI_MOCK_PORTS; i++) {
        const XHCI_MOCK_DEVICE *Device = XhciMockpFind(Mock, i + 1, 0);

        Mock->PortStatus[i] = (Mock->PowerSwitched ? 0 : PP) | LINK(DETECT);
        if (Device != NULL) {
            ShowDevice(Mock, i + 1, Device);
        }
    }
}

/* What a driver must have told it before it runs. */
static void Start(XHCI_MOCK *Mock)
{
    ULONG Segment[4];
    ULONG Entry[2];

    CHECK(Mock->Status & HALTED);
    CHECK(Mock->Configure != 0 && Mock->Configure <= Mock->SlotsOffered);
    CHECK(Mock->Contexts != 0 && Mock->Contexts % 64 == 0);
    CHECK(Mock->CommandRing != 0 && Mock->CommandRing % 64 == 0);
    CHECK(Mock->SegmentTable != 0 && Mock->SegmentTable % 64 == 0 && Mock->Segments == 1);
    PciMockRead(Mock->Pci, Mock->SegmentTable, Segment, sizeof(Segment));
    CHECK(Segment[0] % 64 == 0 && Segment[1] == 0 && Segment[2] >= 16 && Segment[2] <= 4096);
    CHECK_EQUAL(0, Segment[3]);
    Mock->EventRing = Segment[0];
    Mock->EventCount = Segment[2];
    Mock->EventIndex = 0;
    Mock->EventCycle = 1;
    CHECK_EQUAL(Mock->EventRing, Mock->Dequeue & ~15ull);
    PciMockRead(Mock->Pci, Mock->Contexts, Entry, sizeof(Entry));
    Mock->ScratchpadTable = Entry[0];
    CHECK_EQUAL(Mock->Scratchpads != 0, Entry[0] != 0);
    if (!Mock->NeverRuns) {
        Mock->Status &= ~HALTED;
    }
}

static void WriteCommand(XHCI_MOCK *Mock, ULONG Value)
{
    if (Mock->Status & NOT_READY) {
        CHECK_EQUAL(0, Value & RUN);
    }
    if (Value & RESET) {
        CHECK(Mock->Status & HALTED);
        Reset(Mock);
        return;
    }
    if ((Value & RUN) != 0 && !(Mock->Command & RUN)) {
        Start(Mock);
    }
    Mock->Command = Value | (Mock->Command & RESET);
    if (!(Value & RUN) && !Mock->NeverHalts) {
        Mock->Status |= HALTED;
    }
}

static void WriteCommandRing(XHCI_MOCK *Mock, ULONG64 Value)
{
    static const ULONG Trb[4] = {0, 0, 24u << 24, 33u << 10};
    ULONG Stopped[4];

    if (!Mock->CommandRuns) {
        Mock->CommandRing = Value & ~63ull;
        Mock->CommandCycle = Value & 1;
        return;
    }
    if (!(Value & 4)) {
        return; /* the pointer cannot be changed while it runs */
    }
    if (Mock->CommandStuck && Mock->CommandAnswer == XhciMockDeaf) {
        return;
    }
    if (Mock->CommandStuck) {
        const ULONG Aborted[4] = {(ULONG)Mock->CommandRing, 0, 25u << 24, 33u << 10};

        XhciMockpEvent(Mock, Aborted, TRUE, TRUE);
    }
    Mock->CommandRuns = Mock->CommandStuck = Mock->CommandRung = FALSE;
    memcpy(Stopped, Trb, sizeof(Stopped));
    Stopped[0] = (ULONG)Mock->CommandRing;
    XhciMockpEvent(Mock, Stopped, TRUE, TRUE);
}

static void WriteDequeue(XHCI_MOCK *Mock, ULONG64 Value)
{
    ULONG64 Busy = Value & 8 ? 0 : Mock->Dequeue & 8;

    if (Mock->EventRing != 0 && !(Mock->Status & HALTED)) {
        CHECK((Value & ~15ull) >= Mock->EventRing &&
              (Value & ~15ull) < Mock->EventRing + 16 * Mock->EventCount);
    }
    Mock->Dequeue = (Value & ~15ull) | Busy;
    if ((Value & 8) != 0 && IsRunning(Mock) &&
        (Value & ~15ull) != Mock->EventRing + 16 * Mock->EventIndex) {
        Interrupt(Mock); /* there are events that the driver has not seen */
    }
}

/* => Returns FALSE when it was no register of 64 bits. */
static BOOLEAN WriteLong(XHCI_MOCK *Mock, ULONG Offset, ULONG Value)
{
    static const ULONG Longs[] = {OPERATIONAL + 0x18, OPERATIONAL + 0x30, RUNTIME + 0x30,
                                  RUNTIME + 0x38};
    ULONG i;

    for (i = 0; i < 4 && Offset != Longs[i] && Offset != Longs[i] + 4; i++) {
    }
    if (i == 4) {
        CHECK_EQUAL(0, Mock->HalfOffset); /* the other half comes at once */
        return FALSE;
    }
    if (Offset == Longs[i]) {
        CHECK_EQUAL(0, Mock->HalfOffset);
        Mock->Half = Value;
        Mock->HalfOffset = Offset + 4;
        return TRUE;
    }
    CHECK_EQUAL(Mock->HalfOffset, Offset); /* low first */
    Mock->HalfOffset = 0;
    switch (i) {
    case 0:
        WriteCommandRing(Mock, (ULONG64)Value << 32 | Mock->Half);
        break;
    case 1:
        Mock->Contexts = (ULONG64)Value << 32 | Mock->Half;
        break;
    case 2:
        Mock->SegmentTable = (ULONG64)Value << 32 | Mock->Half;
        break;
    default:
        WriteDequeue(Mock, (ULONG64)Value << 32 | Mock->Half);
        break;
    }
    return TRUE;
}

static void RingDoorbell(XHCI_MOCK *Mock, ULONG Slot, ULONG Target)
{
    if (Slot == 0) {
        CHECK_EQUAL(0, Target);
        Mock->CommandRung = Mock->CommandRuns = TRUE;
    } else {
        CHECK(Slot <= XHCI_MOCK_SLOTS && Target >= 1 && Target < 32);
        CHECK(Mock->Slots[Slot].Endpoints[Target].There);
        Mock->Slots[Slot].Endpoints[Target].Rung = TRUE;
        if (Mock->Slots[Slot].Endpoints[Target].State == 3) {
            XhciMockpSetState(Mock, Slot, Target, 1);
        }
    }
    XhciMockpSchedule(Mock);
}

static void WriteOther(XHCI_MOCK *Mock, ULONG Offset, ULONG Value)
{
    switch (Offset) {
    case OPERATIONAL + 0x00:
        WriteCommand(Mock, Value);
        break;
    case OPERATIONAL + 0x04:
        Mock->Status &= ~(Value & CLEARS);
        break;
    case OPERATIONAL + 0x38:
        Mock->Configure = Value;
        break;
    case RUNTIME + 0x20:
        Mock->Interrupter = (Mock->Interrupter & ~Value & 1) | (Value & 2);
        break;
    case RUNTIME + 0x24:
        Mock->Moderation = Value;
        break;
    case RUNTIME + 0x28:
        Mock->Segments = Value;
        break;
    default:
        TestFail(__FILE__, __LINE__, "register %x is not to be written", (unsigned)Offset);
    }
}

static void Write(void *Device, ULONG Offset, ULONG Width, ULONG Value)
{
    XHCI_MOCK *Mock = Device;

    if (Mock->Pci->Gone) {
        return;
    }
    if (Offset == LEGACY + 3) { /* the only one that is not 32 bits wide */
        CHECK_EQUAL(1, Width);
        Mock->SystemOwns = Value & 1;
        Mock->Claimed = ++Steps;
        return;
    }
    CHECK_EQUAL(4, Width);
    CHECK(Offset != LEGACY);
    if (Offset == LEGACY + 4) {
        Mock->LegacyControl = (Value & 0x1FFFFFFF) & ~(Value & 0xE0000000);
        return;
    }
    NoteUse(Mock);
    if (WriteLong(Mock, Offset, Value)) {
        return;
    }
    if (Offset >= DOORBELLS) {
        RingDoorbell(Mock, (Offset - DOORBELLS) / 4, Value);
    } else if (Offset >= PORTS && Offset < PORTS + 16 * XHCI_MOCK_PORTS && Offset % 16 == 0) {
        WritePort(Mock, (Offset - PORTS) / 16 + 1, Value);
    } else {
        WriteOther(Mock, Offset, Value);
    }
}

/* ---- from outside ---- */

void XhciMockRemove(XHCI_MOCK *Mock)
{
    Mock->Pci->Gone = TRUE;
}

void XhciMockBreak(XHCI_MOCK *Mock, ULONG Status)
{
    Mock->Status |= Status;
    Interrupt(Mock);
}

ULONG64 XhciMockRingPlace(const XHCI_MOCK *Mock, ULONG Slot, ULONG Endpoint, ULONG Nth)
{
    ULONG64 Place = Slot == 0 ? Mock->CommandRing : Mock->Slots[Slot].Endpoints[Endpoint].Dequeue;
    ULONG64 Ring = Place & ~(ULONG64)(PAGE_SIZE - 1);

    return Ring + (Place - Ring + 16 * Nth) % PAGE_SIZE;
}

void XhciMockAttachAt(XHCI_MOCK *Mock, ULONG Device)
{
    ULONG64 Base = BASE + Device * BASE_STEP;
    ULONG i;

    memset(Mock, 0, sizeof(*Mock));
    Mock->ContextBytes = 32;
    Mock->Version = 0x0100;
    Mock->SlotsOffered = XHCI_MOCK_SLOTS;
    Mock->DelayCycles = HOST_CYCLE_FREQUENCY / 10000;
    Mock->LegacyControl = 0xE011; /* every SMI */
    for (i = 0; i < XHCI_MOCK_PORTS; i++) {
        Mock->PortStatus[i] = PP | LINK(DETECT);
    }
    Mock->Command = RUN; /* as firmware leaves it */
    Mock->Pci = PciMockAdd(0, Device, 0, 0x000D1B36, 0x0C0330);
    PciMockRange(Mock->Pci, 0, Base, RANGE_BYTES, TRUE);
    RegistersClaim(Base, RANGE_BYTES, Read, Write, Mock);
    PciMockMsix(Mock->Pci, 2, TABLE_BASE + Device * TABLE_STEP);
}

void XhciMockAttach(XHCI_MOCK *Mock)
{
    XhciMockAttachAt(Mock, XhciMockFunction.Device);
}

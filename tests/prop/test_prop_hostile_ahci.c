/* SPDX-License-Identifier: MIT */
/*
 * test_prop_hostile_ahci.c - an AHCI controller whose registers say what they like (figure R7).
 *
 * One port, with a disk; in every second world both know queued commands.
 */
#include "tests/unit/hostile_disk.h"
#include "tests/unit/test.h"

#include <string.h>

#define BASE        0xC1010000ull
#define RANGE_BYTES 0x1000u
#define PORT_AT     0x100u
#define NOT_THERE   0xFFFFFFFFu

#define CMD_START   0x0001u
#define CMD_RECEIVE 0x0010u
#define CMD_FR      0x4000u
#define CMD_CR      0x8000u
#define TASK_READY  0x50u
#define TASK_ERROR  0x51u
#define EVENT_DONE  0x00000001u
#define EVENT_QUEUE 0x00000008u
#define EVENT_ERROR 0x40000000u

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
    RegisterActive = 0x34 / 4,
    RegisterIssue = 0x38 / 4
};

static PCI_MOCK *Pci;
static ULONG R[32];
static ULONG Control;
static ULONG Waiting; /* the controller's interrupt register */
static BOOLEAN Queues;
static ULONG Asleep; /* until its link was reset so often */
static ULONG Worlds;

/* ---- commands ---- */

typedef struct _COMMAND {
    ULONG64 HeaderAt;
    ULONG64 PieceAt;
    UCHAR Fis[20];
} COMMAND;

static COMMAND Fetch(ULONG Slot)
{
    COMMAND C = {.HeaderAt = (ULONG64)R[RegisterList] + 32 * Slot};
    ULONG Header[8];

    HostileRead(C.HeaderAt, Header, sizeof(Header));
    HostileRead(Header[2], C.Fis, sizeof(C.Fis));
    HostileRead(Header[2] + 0x80, &C.PieceAt, sizeof(C.PieceAt));
    return C;
}

static void Identify(ULONG64 At)
{
    USHORT Words[256] = {0};
    ULONG i;

    Words[75] = 31;
    Words[76] = Queues ? 0x0102 : 2;
    Words[83] = 0x7400;
    Words[100] = 1024;
    if (HostileChance(3)) {
        for (i = 60; i < 120; i += 1 + HostileBelow(8)) {
            Words[i] = (USHORT)HostileWord();
        }
        HostileCount();
    }
    HostileWrite(At, Words, sizeof(Words));
}

static void Complete(ULONG Slot)
{
    COMMAND C = Fetch(Slot);
    ULONG Bytes = (C.Fis[12] | (ULONG)C.Fis[13] << 8) * 512;

    HostileWrite(C.HeaderAt + 4, &Bytes, 4);
    R[RegisterTask] = TASK_READY;
    R[RegisterIssue] &= ~(1u << Slot);
    R[RegisterEvents] |= R[RegisterActive] & (1u << Slot) ? EVENT_QUEUE : EVENT_DONE;
    R[RegisterActive] &= ~(1u << Slot);
}

static void CompleteAny(void)
{
    ULONG Some = R[RegisterIssue] | R[RegisterActive];
    ULONG Skip = HostileBelow(32);

    if (Some != 0) {
        ULONG Rest = Some >> Skip << Skip;

        Complete((ULONG)__builtin_ctz(Rest != 0 ? Rest : Some));
    }
}

/* What is not for a request is done at once. */
static void Issue(ULONG Value)
{
    COMMAND C = Fetch(0);

    CHECK(R[RegisterCommand] & CMD_START);
    R[RegisterIssue] |= Value;
    if (Value == 1 && C.Fis[2] == 0xEC) {
        Identify(C.PieceAt);
        if (HostileChance(6)) {
            HostileCount();
            R[RegisterTask] = TASK_ERROR;
            R[RegisterEvents] |= HostileBelow(2) == 0 ? EVENT_ERROR : 0;
        } else {
            Complete(0);
        }
    }
}

/* ---- registers ---- */

static void WritePort(ULONG Register, ULONG Value)
{
    switch (Register) {
    case RegisterEvents:
        R[Register] &= ~Value;
        break;
    case RegisterCommand:
        if (!(Value & CMD_START)) {
            R[RegisterIssue] = R[RegisterActive] = 0;
        }
        R[Register] = (Value & ~(CMD_CR | CMD_FR)) | (Value & CMD_START ? CMD_CR : 0) |
                      (Value & CMD_RECEIVE ? CMD_FR : 0);
        break;
    case RegisterControl:
        if ((Value & 0xF) == 1) {
            Asleep -= Asleep != 0;
            R[RegisterTask] = TASK_READY;
        }
        R[Register] = Value;
        break;
    case RegisterActive:
        R[Register] |= Value;
        break;
    case RegisterIssue:
        Issue(Value);
        break;
    default:
        R[Register] = Value;
        break;
    }
}

static ULONG ReadPort(ULONG Register)
{
    if (HostileChance(200)) {
        HostileCount();
        switch (Register) {
        case RegisterTask:
        case RegisterIssue:
        case RegisterActive:
        case RegisterEvents:
        case RegisterSignature:
            return HostileWord();
        case RegisterCommand:
            return R[Register] ^ (1u << HostileBelow(16) & (CMD_CR | CMD_FR));
        case RegisterLink:
            return HostileBelow(20) == 0 ? HostileWord() : R[Register];
        default:
            break;
        }
    }
    return R[Register];
}

static ULONG Read(void *Device, ULONG Offset, ULONG Width)
{
    (void)Device;
    CHECK_EQUAL(4, Width);
    if (Pci->Gone) {
        return NOT_THERE;
    }
    switch (Offset) {
    case 0x00:
        return 31u << 8 | (Queues ? 0x40000000u : 0);
    case 0x04:
        return Control;
    case 0x08:
        return HostileChance(100) ? HostileWord() : Waiting;
    case 0x0C:
        return 1;
    case 0x24:
        return HostileChance(2);
    case 0x28:
        return HostileBelow(0x20);
    default:
        return Offset >= PORT_AT && Offset < PORT_AT + 0x80 ? ReadPort(Offset % 0x80 / 4) : 0;
    }
}

static void Write(void *Device, ULONG Offset, ULONG Width, ULONG Value)
{
    (void)Device;
    CHECK_EQUAL(4, Width);
    if (Offset >= PORT_AT) {
        CHECK(Offset < PORT_AT + 0x80); /* the only port */
        WritePort(Offset % 0x80 / 4, Value);
    } else if (Offset == 0x04) {
        Control = Value;
    } else if (Offset == 0x08) {
        Waiting &= ~Value;
    }
}

static PCI_MOCK *Attach(void)
{
    memset(R, 0, sizeof(R));
    Control = Waiting = Asleep = 0;
    Queues = ++Worlds % 2 != 0;
    R[RegisterTask] = TASK_READY;
    R[RegisterSignature] = 0x101;
    R[RegisterLink] = 0x123;
    R[RegisterCommand] = 6;
    Pci = PciMockAdd(0, 4, 0, 0x29228086, 0x010601);
    PciMockRange(Pci, 5, BASE, RANGE_BYTES, FALSE);
    RegistersClaim(BASE, RANGE_BYTES, Read, Write, NULL);
    PciMockCapability(Pci, PCI_CAP_MSI, 16);
    return Pci;
}

/* ---- deeds ---- */

static void Scribble(ULONG64 At, ULONG Bytes)
{
    UCHAR Byte = (UCHAR)HostileBelow(256);

    HostileWrite(At + HostileBelow(Bytes), &Byte, 1);
}

static void Fail(void)
{
    R[RegisterTask] = TASK_ERROR | (HostileBelow(3) == 0 ? 0x80 : 0);
    R[RegisterEvents] |= HostileBelow(2) == 0 ? EVENT_ERROR : EVENT_QUEUE;
}

static BOOLEAN Act(void)
{
    ULONG Deed = HostileBelow(36);

    if (Asleep != 0) {
        return FALSE;
    }
    switch (Deed) {
    case 0:
        Fail();
        break;
    case 1:
        R[RegisterEvents] |= HostileWord() & HostileWord() & HostileWord();
        break;
    case 2:
        Scribble((ULONG64)R[RegisterList] + 32 * HostileBelow(32) + 4, 4);
        break;
    case 3:
        R[RegisterIssue] &= HostileWord();
        break;
    case 4:
        R[RegisterActive] &= HostileWord();
        break;
    case 5:
        R[RegisterActive] |= 1u << HostileBelow(32);
        break;
    case 6:
        R[RegisterIssue] |= 1u << HostileBelow(32);
        break;
    case 7:
        R[RegisterTask] = HostileWord();
        break;
    case 8:
        Scribble(R[RegisterFis], 256);
        break;
    case 9:
        R[RegisterIssue] = R[RegisterActive] = 0;
        break;
    case 10:
        Pci->Gone = HostileBelow(300) == 0;
        break;
    case 11:
        R[RegisterLink] = HostileBelow(300) == 0 ? 0 : R[RegisterLink];
        break;
    case 12:
        Asleep = HostileBelow(50) == 0 ? 1 + HostileBelow(3) : 0;
        break;
    case 13:
        break; /* an interrupt for nothing */
    default:
        CompleteAny();
        break;
    }
    Waiting |= 1;
    HostileInterrupt();
    return Deed <= 13;
}

TEST(Hostile_AHCI_controllers_end_in_statuses)
{
    static const HOSTILE_KIND Kind = {AhciAddDevice, Attach, Act};

    Worlds = 0;
    HostileRun(&Kind);
}

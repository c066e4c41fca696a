/* SPDX-License-Identifier: MIT */
/*
 * test_prop_hostile_virtio.c - a virtio block device that uses what it likes (figure R7).
 */
#include "tests/unit/hostile_disk.h"
#include "tests/unit/test.h"

#include <string.h>

#define BASE        0xE000000000ull
#define TABLE_BASE  0x90000000ull
#define RANGE_BYTES 0x4000u
#define CONFIG_AT   0x1000u
#define NOTIFY_AT   0x2000u
#define QUEUE       256u
#define NOT_THERE   0xFFFFFFFFu

static PCI_MOCK *Pci;
static ULONG Select;
static ULONG QueueSize;
static ULONG Message;
static ULONG Memory[6]; /* descriptors, available, used: low and high halves */
static UCHAR Status;
static USHORT Seen;  /* of what is available */
static USHORT Index; /* of what was used */
static USHORT Pending[QUEUE];
static ULONG PendingCount;
static ULONG Asleep; /* until it was reset so often */
static ULONG Stuck;  /* reads of the status that do not show the reset */

static void Forget(void)
{
    Status = 0;
    Seen = Index = 0;
    PendingCount = 0;
    QueueSize = QUEUE;
    memset(Memory, 0, sizeof(Memory));
}

/* ---- the queue ---- */

static void Use(ULONG Chain, ULONG Bytes)
{
    const ULONG Element[2] = {Chain, Bytes};

    HostileWrite((ULONG64)Memory[4] + 4 + 8 * (Index % QueueSize), Element, 8);
    Index++;
    HostileWrite((ULONG64)Memory[4] + 2, &Index, 2);
}

/* Where the chain's status byte is.  => Chains are followed for as long as the queue is. */
static ULONG64 FindStatus(ULONG Chain)
{
    ULONG Left;
    struct {
        ULONG64 Address;
        ULONG Length;
        USHORT Flags;
        USHORT Next;
    } D = {.Next = (USHORT)Chain, .Flags = 1};

    for (Left = QUEUE; Left != 0 && (D.Flags & 1) != 0; Left--) {
        HostileRead((ULONG64)Memory[0] + 16 * (D.Next % QUEUE), &D, sizeof(D));
    }
    return D.Address;
}

static void UsePending(UCHAR Answer)
{
    if (PendingCount != 0) {
        ULONG Which = HostileBelow(PendingCount);
        USHORT Chain = Pending[Which];

        Pending[Which] = Pending[--PendingCount];
        HostileWrite(FindStatus(Chain), &Answer, 1);
        Use(Chain, 1);
    }
}

static void Take(void)
{
    USHORT Available = 0;

    HostileRead((ULONG64)Memory[2] + 2, &Available, 2);
    while (Seen != Available && PendingCount < QUEUE) {
        HostileRead((ULONG64)Memory[2] + 4 + 2 * (Seen % QueueSize), &Pending[PendingCount++], 2);
        Seen++;
    }
}

/* ---- registers ---- */

static ULONG ReadStatus(void)
{
    if (Stuck == 0 && HostileChance(2000)) {
        Stuck = HostileBelow(5) == 0 ? 2000 : 5;
    }
    if (Stuck != 0) {
        Stuck--;
        HostileCount();
        return Status | 0x40;
    }
    return Status;
}

static ULONG ReadCommon(ULONG Offset)
{
    if (HostileChance(400) && Offset != 20) {
        HostileCount();
        return HostileWord();
    }
    switch (Offset) {
    case 4:
        return Select == 0 ? 1u << 2 | 1u << 6 | 1u << 9 : Select == 1;
    case 20:
        return ReadStatus();
    case 24:
        return QueueSize;
    case 26:
        return Message;
    default:
        return 0;
    }
}

static ULONG Read(void *Device, ULONG Offset, ULONG Width)
{
    static const ULONG Config[6] = {1024, 0, 0, QUEUE - 2, 0, 512};
    ULONG Mask = NOT_THERE >> (32 - 8 * Width);

    (void)Device;
    if (Pci->Gone) {
        return Mask;
    }
    if (Offset < CONFIG_AT) {
        return ReadCommon(Offset) & Mask;
    }
    if (HostileChance(10)) {
        HostileCount();
        return HostileWord();
    }
    return Offset - CONFIG_AT < sizeof(Config) ? Config[(Offset - CONFIG_AT) / 4] : 0;
}

static void Write(void *Device, ULONG Offset, ULONG Width, ULONG Value)
{
    (void)Device;
    (void)Width;
    if (Pci->Gone) {
        return;
    }
    switch (Offset) {
    case 0:
        Select = Value;
        break;
    case 20:
        Status = (UCHAR)Value;
        if (Value == 0) {
            Asleep -= Asleep != 0;
            Forget();
        }
        break;
    case 24:
        QueueSize = Value != 0 && Value <= QUEUE ? Value : QUEUE;
        break;
    case 26:
        Message = Value;
        break;
    case NOTIFY_AT:
        Take();
        break;
    default:
        if (Offset >= 32 && Offset < 56) {
            Memory[(Offset - 32) / 4] = Value;
        }
        break;
    }
}

static void AddCapability(UCHAR Type, ULONG Offset, ULONG Bytes)
{
    ULONG Where = PciMockCapability(Pci, PCI_CAP_VENDOR, 20);

    Pci->Space[Where + 2] = 20;
    Pci->Space[Where + 3] = Type;
    Pci->Space[Where + 4] = 4;
    PciMockSetLong(Pci, Where + 8, Offset);
    PciMockSetLong(Pci, Where + 12, Bytes);
}

static PCI_MOCK *Attach(void)
{
    Forget();
    Asleep = Stuck = 0;
    Message = 0xFFFF;
    Pci = PciMockAdd(0, 4, 0, 0x10421AF4, 0x010000);
    PciMockRange(Pci, 4, BASE, RANGE_BYTES, TRUE);
    RegistersClaim(BASE, RANGE_BYTES, Read, Write, NULL);
    PciMockMsix(Pci, 1, TABLE_BASE);
    AddCapability(1, 0, 0x38);
    AddCapability(4, CONFIG_AT, 0x18);
    AddCapability(2, NOTIFY_AT, 0x1000);
    return Pci;
}

/* ---- deeds ---- */

static void Scribble(ULONG64 At, ULONG Bytes)
{
    UCHAR Byte = (UCHAR)HostileBelow(256);

    HostileWrite(At + HostileBelow(Bytes), &Byte, 1);
}

static BOOLEAN Act(void)
{
    ULONG Deed = HostileBelow(30);
    ULONG i;

    if (Asleep != 0) {
        return FALSE;
    }
    switch (Deed) {
    case 0:
        Use(HostileWord(), HostileWord());
        break;
    case 1:
        Use(HostileBelow(QUEUE), 0);
        break;
    case 2:
        Index = (USHORT)(Index + HostileBelow(300));
        Use(0, 0);
        break;
    case 3:
        Index = (USHORT)HostileWord();
        break;
    case 4:
        UsePending((UCHAR)HostileBelow(256));
        break;
    case 5:
        UsePending(1);
        break;
    case 6:
        for (i = HostileBelow(40); i != 0; i--) {
            Use(19 * (i % 16), 0);
        }
        break;
    case 7:
        PendingCount = 0;
        break;
    case 8:
        Scribble(Memory[4], 4 + 8 * QUEUE);
        break;
    case 9:
        Status |= HostileBelow(2) == 0 ? 0x40 : 0x80;
        break;
    case 10:
        Pci->Gone = HostileBelow(400) == 0;
        break;
    case 11:
        Asleep = HostileBelow(50) == 0 ? 1 + HostileBelow(3) : 0;
        break;
    case 12:
        break; /* an interrupt for nothing */
    default:
        UsePending(0);
        break;
    }
    HostileInterrupt();
    return Deed <= 12;
}

TEST(Hostile_virtio_devices_end_in_statuses)
{
    static const HOSTILE_KIND Kind = {VirtioBlkAddDevice, Attach, Act};

    HostileRun(&Kind);
}

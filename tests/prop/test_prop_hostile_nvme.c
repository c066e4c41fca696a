/* SPDX-License-Identifier: MIT */
/*
 * test_prop_hostile_nvme.c - an NVMe controller that completes what it likes (figure R7).
 *
 * It keeps track of the commands that it was sent, so that it can also do right: only then does the
 * driver get to where the next wrong is.
 */
#include "tests/unit/hostile_disk.h"
#include "tests/unit/test.h"

#include <string.h>

#define BASE        0xE000000000ull
#define TABLE_BASE  0x90000000ull
#define RANGE_BYTES 0x4000u
#define PHASE       0x10000u
#define QUEUES      4u
#define PENDING     64u
#define NOT_THERE   0xFFFFFFFFu

typedef struct _QUEUE {
    ULONG64 CommandsAt;
    ULONG64 CompletionsAt;
    ULONG Entries;
    ULONG Tail;
    ULONG Head;
    ULONG Next;
    ULONG Phase;
    USHORT Pending[PENDING]; /* identifiers of commands that were read */
    ULONG PendingCount;
} QUEUE;

static PCI_MOCK *Pci;
static ULONG Control;
static ULONG AdminRegisters[5];
static QUEUE Queues[QUEUES];
static BOOLEAN Fatal;
static ULONG Lies; /* reads of the status that will be wrong */

static void Reset(void)
{
    memset(Queues, 0, sizeof(Queues));
    Fatal = FALSE;
}

/* ---- completions ---- */

static void Put(QUEUE *Q, const ULONG Entry[4])
{
    if (Q->Entries == 0) {
        return;
    }
    HostileWrite(Q->CompletionsAt + 16 * Q->Next, Entry, 16);
    Q->Next++;
    if (Q->Next == Q->Entries) {
        Q->Next = 0;
        Q->Phase ^= PHASE;
    }
}

static void Complete(QUEUE *Q, ULONG Id, ULONG Status, ULONG Result)
{
    const ULONG Entry[4] = {Result, 0, (ULONG)(Q - Queues) << 16 | Q->Head, Status | Q->Phase | Id};

    Put(Q, Entry);
}

static void CompletePending(QUEUE *Q, ULONG Status)
{
    if (Q->PendingCount != 0) {
        ULONG Index = HostileBelow(Q->PendingCount);
        USHORT Id = Q->Pending[Index];

        Q->Pending[Index] = Q->Pending[--Q->PendingCount];
        Complete(Q, Id, Status, 0);
    }
}

static void PutRandom(QUEUE *Q, ULONG Phase)
{
    ULONG Entry[4];
    ULONG i;

    for (i = 0; i < 4; i++) {
        Entry[i] = HostileWord();
    }
    if (HostileBelow(2) == 0) {
        Entry[2] = (ULONG)(Q - Queues) << 16 | Q->Head;
        Entry[3] = (Entry[3] & 0xFFFE0000) | HostileBelow(40);
    }
    Entry[3] = (Entry[3] & ~PHASE) | Phase;
    Put(Q, Entry);
}

/* ---- admin commands ---- */

static void Identify(const ULONG Command[16])
{
    UCHAR Page[4096] = {0};
    ULONG i;

    switch (Command[10]) {
    case 0:
        Page[1] = 4; /* 1024 sectors */
        Page[128 + 2] = 9;
        break;
    case 1:
        Page[525] = 1;
        Page[516] = 1;
        break;
    default:
        Page[0] = 1;
        break;
    }
    if (HostileChance(4)) {
        for (i = 0; i < sizeof(Page); i += 1 + HostileBelow(64)) {
            Page[i] = (UCHAR)HostileBelow(256);
        }
        HostileCount();
    }
    HostileWrite((ULONG64)Command[7] << 32 | Command[6], Page, sizeof(Page));
}

static void CreateQueue(const ULONG Command[16])
{
    QUEUE *New = &Queues[(Command[10] & 0xFFFF) % QUEUES];
    ULONG64 At = (ULONG64)Command[7] << 32 | Command[6];

    New->Entries = (Command[10] >> 16) + 1;
    if ((Command[0] & 0xFF) == 5) {
        New->CompletionsAt = At;
        New->Phase = PHASE;
    } else {
        New->CommandsAt = At;
    }
}

static void Administer(QUEUE *Q, const ULONG Command[16])
{
    ULONG Id = Command[0] >> 16;

    switch (Command[0] & 0xFF) {
    case 1:
    case 5:
        CreateQueue(Command);
        break;
    case 6:
        Identify(Command);
        break;
    default:
        break;
    }
    if (!HostileChance(60)) {
        Complete(Q, Id, 0, 0);
        return;
    }
    HostileCount();
    switch (HostileBelow(4)) {
    case 0:
        Complete(Q, Id, HostileBelow(0x7FFF) << 17, 0);
        break;
    case 1:
        PutRandom(Q, Q->Phase);
        break;
    case 2:
        Complete(Q, Id, 0, 0xFFFFFFFF);
        break;
    default:
        break; /* never */
    }
}

/* ---- registers ---- */

static void Ring(ULONG Doorbell, ULONG Value)
{
    QUEUE *Q = &Queues[Doorbell / 2 % QUEUES];

    if (Doorbell % 2 != 0 || Q->Entries == 0) {
        return;
    }
    CHECK(Value < Q->Entries);
    Q->Tail = Value;
    while (Q->Head != Q->Tail) {
        ULONG Command[16];

        HostileRead(Q->CommandsAt + 64 * Q->Head, Command, sizeof(Command));
        Q->Head = (Q->Head + 1) % Q->Entries;
        if (Q == &Queues[0]) {
            Administer(Q, Command);
        } else if (Q->PendingCount < PENDING) {
            Q->Pending[Q->PendingCount++] = (USHORT)(Command[0] >> 16);
        }
    }
}

static void Enable(void)
{
    Reset();
    Queues[0].Entries = (AdminRegisters[0] & 0xFFF) + 1;
    Queues[0].CommandsAt = AdminRegisters[1];
    Queues[0].CompletionsAt = AdminRegisters[3];
    Queues[0].Phase = PHASE;
}

static ULONG ReadStatus(void)
{
    static const ULONG Wrong[] = {0, 1, 2, 3, 0x0C, 0xFFFFFFFE, 0x80000001};

    if (Lies == 0 && HostileChance(3000)) {
        Lies = 1 + HostileBelow(3);
    }
    if (Lies != 0) {
        Lies--;
        HostileCount();
        return HostileBelow(40) == 0 ? NOT_THERE : Wrong[HostileBelow(RTL_NUMBER_OF(Wrong))];
    }
    return (Control & 1) | (Fatal ? 2 : 0);
}

static ULONG Read(void *Device, ULONG Offset, ULONG Width)
{
    static const ULONG Capabilities[2] = {0x000107FF, 0x00000020};

    (void)Device;
    CHECK_EQUAL(4, Width);
    if (Pci->Gone) {
        return NOT_THERE;
    }
    switch (Offset) {
    case 0x00:
    case 0x04:
        if (HostileChance(8)) {
            HostileCount();
            return HostileWord() & 0x00FFFFFF; /* it asks for no more than it may have */
        }
        return Capabilities[Offset / 4];
    case 0x14:
        return Control;
    case 0x1C:
        return ReadStatus();
    default:
        return HostileWord();
    }
}

static void Write(void *Device, ULONG Offset, ULONG Width, ULONG Value)
{
    (void)Device;
    CHECK_EQUAL(4, Width);
    if (Pci->Gone) {
        return;
    }
    if (Offset >= 0x1000) {
        Ring((Offset - 0x1000) / 4, Value);
    } else if (Offset == 0x14) {
        BOOLEAN Enabled = (Value & 1) != 0 && !(Control & 1);

        Control = Value;
        if (Enabled) {
            Enable();
        } else if (!(Value & 1)) {
            Reset();
        }
    } else if (Offset >= 0x24 && Offset < 0x38) {
        AdminRegisters[(Offset - 0x24) / 4] = Value;
    }
}

static PCI_MOCK *Attach(void)
{
    Control = Lies = 0;
    Reset();
    Pci = PciMockAdd(0, 4, 0, 0x00101B36, 0x010802);
    PciMockRange(Pci, 0, BASE, RANGE_BYTES, TRUE);
    RegistersClaim(BASE, RANGE_BYTES, Read, Write, NULL);
    PciMockMsix(Pci, 2, TABLE_BASE);
    return Pci;
}

/* ---- deeds ---- */

static void Corrupt(QUEUE *Q)
{
    UCHAR Byte = (UCHAR)HostileBelow(256);

    if (Q->Entries != 0) {
        HostileWrite(Q->CompletionsAt + HostileBelow(16 * Q->Entries), &Byte, 1);
    }
}

static BOOLEAN Act(void)
{
    QUEUE *Q = &Queues[1];
    ULONG Deed = HostileBelow(30);
    ULONG i;

    switch (Deed) {
    case 0:
        Complete(Q, HostileBelow(40), 0, 0); /* a twin, or one that is not there */
        break;
    case 1:
        PutRandom(Q, Q->Phase);
        break;
    case 2:
        PutRandom(Q, Q->Phase ^ PHASE);
        break;
    case 3:
        Corrupt(Q);
        break;
    case 4:
        CompletePending(Q, HostileBelow(0x7FFF) << 17);
        break;
    case 5:
        for (i = HostileBelow(80); i != 0; i--) {
            Complete(Q, i % 40, 0, 0);
        }
        break;
    case 6:
        Fatal = HostileBelow(8) == 0;
        break;
    case 7:
        Q->PendingCount = 0; /* those it forgets */
        break;
    case 8:
        Q->Head = HostileBelow(70);
        CompletePending(Q, 0);
        Q->Head = Q->Tail;
        break;
    case 9:
        Pci->Gone = HostileBelow(400) == 0;
        break;
    case 10:
        break; /* an interrupt for nothing */
    default:
        CompletePending(Q, 0);
        break;
    }
    HostileInterrupt();
    return Deed <= 10;
}

TEST(Hostile_NVMe_controllers_end_in_statuses)
{
    static const HOSTILE_KIND Kind = {NvmeAddDevice, Attach, Act};

    HostileRun(&Kind);
}

/* SPDX-License-Identifier: MIT */
/*
 * nvme_disk.c - an NVMe controller, written against the specification and not the driver.
 */
#include "tests/host/nvme_disk.h"

#include "pci.h"
#include "tests/host/machine.h"
#include "tests/unit/test.h"

#include <string.h>

#define BASE         0xE000010000ull
#define RANGE_BYTES  0x4000u
#define TABLE_BASE   0x90010000ull
#define DOORBELLS_AT 0x1000u
#define PAGE         4096u

#define LONGEST_WAIT (30ull * HOST_CYCLE_FREQUENCY) /* for which nobody may give up */
#define ENABLE       0x1u
#define READY        0x1u
#define FATAL        0x2u
#define SHUT_DOWN    0x8u
#define PHASE        0x10000u
#define FAILED       0x00060000u /* internal error */
#define NOT_AGAIN    0x80000000u
#define PROTECTED    0x80400000u
#define BAD_FIELD    0x80040000u

typedef struct _COMMAND {
    UCHAR Operation;
    UCHAR Flags;
    USHORT Id;
    ULONG Namespace;
    ULONG Reserved[2];
    ULONG64 Metadata;
    ULONG64 Data[2];
    ULONG Words[6];
} COMMAND;

static BOOLEAN IsReady(const NVME_MOCK *Mock)
{
    return (Mock->Control & ENABLE) != 0 && !Mock->NeverReady && !Mock->FailsToStart &&
           HostCycles() >= Mock->ReadyAt;
}

/* ---- completions ---- */

void NvmeMockComplete(NVME_MOCK *Mock, ULONG Queue, const ULONG Entry[4])
{
    NVME_MOCK_QUEUE *Q = &Mock->Queues[Queue];

    PciMockWrite(Mock->Pci, Q->CompletionsAt + 16 * Q->Next, Entry, 16);
    Q->Next++;
    if (Q->Next == Q->Entries) {
        Q->Next = 0;
        Q->Phase ^= PHASE;
    }
}

/* => Queue: the one that is named; 0: the right one. */
static void CompleteAs(NVME_MOCK_QUEUE *Q, ULONG Phase, ULONG Id, ULONG Result, ULONG Queue)
{
    ULONG Own = (ULONG)(Q - Q->Mock->Queues);
    const ULONG Entry[4] = {Result, 0, (Queue != 0 ? Queue : Own) << 16 | Q->Head, Phase | Id};

    NvmeMockComplete(Q->Mock, Own, Entry);
}

/* => Status is without phase and identifier. */
static void Complete(NVME_MOCK_QUEUE *Q, ULONG Id, ULONG Status, ULONG Result)
{
    CompleteAs(Q, Status | Q->Phase, Id, Result, 0);
}

/* ---- data ---- */

/* The n-th page of a command's data.  => Its address; *Bytes are what is left of that page. */
static ULONG64 FindPage(const NVME_MOCK *Mock, const COMMAND *C, ULONG Index, ULONG Total,
                        ULONG *Bytes)
{
    ULONG Offset = (ULONG)(C->Data[0] % PAGE);
    ULONG Pages = (Offset + Total + PAGE - 1) / PAGE;
    ULONG64 Physical = C->Data[1];

    CHECK_EQUAL(0, Offset % 4);
    *Bytes = Index == 0 ? PAGE - Offset : PAGE;
    if (Index == 0) {
        return C->Data[0];
    }
    if (Pages > 2) {
        CHECK(C->Data[1] % 8 == 0 && C->Data[1] % PAGE + 8 * (Pages - 1) <= PAGE);
        PciMockRead(Mock->Pci, C->Data[1] + 8 * (Index - 1), &Physical, 8);
    }
    CHECK_EQUAL(0, Physical % PAGE);
    return Physical;
}

static void Move(NVME_MOCK *Mock, const COMMAND *C, PUCHAR Data, ULONG Total, BOOLEAN FromMemory)
{
    ULONG Moved = 0;
    ULONG Index;

    CHECK_EQUAL(0, C->Flags);
    for (Index = 0; Moved < Total; Index++) {
        ULONG Now;
        ULONG64 Physical = FindPage(Mock, C, Index, Total, &Now);

        Now = Now < Total - Moved ? Now : Total - Moved;
        if (FromMemory) {
            PciMockRead(Mock->Pci, Physical, Data + Moved, Now);
        } else {
            PciMockWrite(Mock->Pci, Physical, Data + Moved, Now);
        }
        Moved += Now;
    }
    Mock->MostBytes = Total > Mock->MostBytes ? Total : Mock->MostBytes;
}

/* ---- commands to a namespace ---- */

static void Execute(NVME_MOCK *Mock, const COMMAND *C)
{
    ULONG64 Sector = (ULONG64)C->Words[1] << 32 | C->Words[0];
    ULONG Bytes = ((C->Words[2] & 0xFFFF) + 1) << Mock->SectorShift;

    CHECK(C->Operation <= 2);
    CHECK(C->Namespace >= 1 && C->Namespace <= Mock->Namespaces);
    Mock->Commands[C->Operation]++;
    if (C->Operation != 0) {
        CHECK((Sector << Mock->SectorShift) + Bytes <= NVME_MOCK_BYTES);
        CHECK(Mock->Transfer == 0 || Bytes <= PAGE << Mock->Transfer);
        Move(Mock, C, Mock->Medium[C->Namespace - 1] + (Sector << Mock->SectorShift), Bytes,
             C->Operation == 1);
    }
}

static void Misbehave(NVME_MOCK_QUEUE *Q, const COMMAND *C)
{
    ULONG Head = Q->Head;

    switch (Q->Mock->Answer) {
    case NvmeMockSilent:
        break;
    case NvmeMockTwice:
        Execute(Q->Mock, C);
        Complete(Q, C->Id, 0, 0);
        Complete(Q, C->Id, 0, 0);
        break;
    case NvmeMockOldPhase:
        CompleteAs(Q, Q->Phase ^ PHASE, C->Id, 0, 0);
        break;
    case NvmeMockUnknownId:
        Complete(Q, 0x7777, 0, 0);
        break;
    case NvmeMockOtherQueue:
        CompleteAs(Q, Q->Phase, C->Id, 0, 7);
        break;
    case NvmeMockWrongHead:
        Q->Head = (Q->Tail + 1) % Q->Entries;
        Complete(Q, C->Id, 0, 0);
        Q->Head = Head;
        break;
    case NvmeMockFails:
        Complete(Q, C->Id, FAILED | NOT_AGAIN, 0);
        break;
    case NvmeMockFailsForNow:
        Complete(Q, C->Id, FAILED, 0);
        break;
    case NvmeMockProtected:
        Complete(Q, C->Id, PROTECTED, 0);
        break;
    case NvmeMockBreaks:
        Q->Mock->Broken = TRUE;
        break;
    default:
        Execute(Q->Mock, C);
        Complete(Q, C->Id, 0, 0);
        break;
    }
}

/* ---- admin commands ---- */

static void IdentifyController(const NVME_MOCK *Mock, PUCHAR Page)
{
    Page[77] = Mock->Transfer;
    memcpy(Page + 516, &Mock->Namespaces, 4);
    Page[525] = !Mock->NoCache;
}

static void IdentifyNamespace(const NVME_MOCK *Mock, ULONG Namespace, PUCHAR Page)
{
    ULONG64 Sectors = NVME_MOCK_BYTES >> Mock->SectorShift;

    if (Namespace < 1 || Namespace > Mock->Namespaces) {
        return; /* a number that is not in use: zeros */
    }
    memcpy(Page, &Sectors, 8);
    Page[25] = 2;
    Page[26] = 1; /* the second format; the first would be wrong */
    Page[29] = Mock->Protection;
    Page[99] = Mock->ReadOnly;
    Page[128 + 2] = 5;
    memcpy(Page + 132, &Mock->Metadata, 2);
    Page[132 + 2] = (UCHAR)Mock->SectorShift;
}

static void Identify(NVME_MOCK_QUEUE *Q, const COMMAND *C)
{
    NVME_MOCK *Mock = Q->Mock;
    UCHAR Page[PAGE] = {0};
    ULONG i;

    switch (C->Words[0]) {
    case 0:
        IdentifyNamespace(Mock, C->Namespace, Page);
        break;
    case 1:
        IdentifyController(Mock, Page);
        break;
    default:
        CHECK_EQUAL(2, C->Words[0]);
        if (Mock->NoList) {
            Complete(Q, C->Id, BAD_FIELD, 0);
            return;
        }
        for (i = 0; i < Mock->Namespaces; i++) {
            Page[4 * i] = (UCHAR)(i + 1);
        }
        break;
    }
    Move(Mock, C, Page, PAGE, FALSE);
    Complete(Q, C->Id, 0, 0);
}

static void CreateQueue(NVME_MOCK_QUEUE *Q, const COMMAND *C)
{
    NVME_MOCK *Mock = Q->Mock;
    ULONG Id = C->Words[0] & 0xFFFF;
    ULONG Entries = (C->Words[0] >> 16) + 1;
    NVME_MOCK_QUEUE *New = &Mock->Queues[Id];

    CHECK(Id >= 1 && Id <= Mock->QueuesAllowed && Id < NVME_MOCK_QUEUES);
    CHECK(Entries >= 2 && Entries <= (Mock->CapabilitiesLow & 0xFFFF) + 1);
    CHECK(C->Data[0] % PAGE == 0 && (C->Words[1] & 1) != 0);
    New->Entries = Entries;
    if (C->Operation == 5) {
        CHECK(!New->Completions);
        CHECK_EQUAL(3, C->Words[1]); /* contiguous, interrupts by the first message */
        New->Completions = TRUE;
        New->CompletionsAt = C->Data[0];
        New->Next = 0;
        New->Phase = PHASE;
    } else {
        CHECK(New->Completions && !New->Commands);
        CHECK_EQUAL(Id, C->Words[1] >> 16);
        New->Commands = TRUE;
        New->CommandsAt = C->Data[0];
        New->Head = New->Tail = 0;
    }
    Complete(Q, C->Id, 0, 0);
}

static void Administer(NVME_MOCK_QUEUE *Q, const COMMAND *C)
{
    NVME_MOCK *Mock = Q->Mock;

    if (Mock->AdminSilent) {
        return;
    }
    if (C->Operation == Mock->AdminFails && C->Operation != 0) {
        Complete(Q, C->Id, FAILED | NOT_AGAIN, 0);
        return;
    }
    switch (C->Operation) {
    case 1:
    case 5:
        CreateQueue(Q, C);
        break;
    case 6:
        Identify(Q, C);
        break;
    default:
        CHECK_EQUAL(9, C->Operation);
        CHECK_EQUAL(7, C->Words[0]);
        Complete(Q, C->Id, 0, (Mock->QueuesAllowed - 1) << 16 | (Mock->QueuesAllowed - 1));
        break;
    }
}

/* ---- queues ---- */

static void Handle(NVME_MOCK_QUEUE *Q, const COMMAND *C)
{
    NVME_MOCK *Mock = Q->Mock;
    BOOLEAN Quiet = FALSE;

    if (Q == &Mock->Queues[0]) {
        Administer(Q, C);
    } else if (Mock->Misbehaves != 0) {
        Mock->Misbehaves--;
        Quiet = Mock->Answer == NvmeMockNoInterrupt;
        Misbehave(Q, C);
    } else {
        Execute(Mock, C);
        Complete(Q, C->Id, 0, 0);
    }
    if (!Quiet) {
        PciMockInterrupt(Mock->Pci);
    }
}

static void Work(PVOID Context)
{
    NVME_MOCK_QUEUE *Q = Context;
    ULONG Waiting = (Q->Tail + Q->Entries - Q->Head) % (Q->Entries != 0 ? Q->Entries : 1);

    Q->Scheduled = FALSE;
    if (Q != &Q->Mock->Queues[0] && Waiting > Q->Mock->MostAtOnce) {
        Q->Mock->MostAtOnce = Waiting;
    }
    while (!Q->Mock->Pci->Gone && !Q->Mock->Broken && IsReady(Q->Mock) && Q->Commands &&
           Q->Head != Q->Tail) {
        COMMAND C;

        PciMockRead(Q->Mock->Pci, Q->CommandsAt + 64 * Q->Head, &C, sizeof(C));
        Q->Head = (Q->Head + 1) % Q->Entries;
        Handle(Q, &C);
    }
}

static void Ring(NVME_MOCK *Mock, ULONG Doorbell, ULONG Value)
{
    NVME_MOCK_QUEUE *Q = &Mock->Queues[Doorbell / 2];

    CHECK(Doorbell / 2 < NVME_MOCK_QUEUES && IsReady(Mock));
    CHECK(Q->Commands && Value < Q->Entries);
    if (Doorbell % 2 != 0) {
        Q->Taken = Value;
        return;
    }
    Q->Tail = Value;
    if (!Q->Scheduled) {
        Q->Scheduled = TRUE;
        HostRaiseInterruptAt(HostCycles() + Mock->DelayCycles, HIGH_LEVEL, Work, Q);
    }
}

/* ---- registers ---- */

static void Enable(NVME_MOCK *Mock)
{
    NVME_MOCK_QUEUE *Admin = &Mock->Queues[0];
    const ULONG *R = Mock->AdminRegisters;

    Mock->Enables++;
    Mock->EnabledAt = HostCycles();
    Mock->ReadyAt = Mock->EnabledAt + Mock->ReadyCycles;
    CHECK_EQUAL(R[0] >> 16, R[0] & 0xFFF);
    Admin->Entries = (R[0] & 0xFFF) + 1;
    Admin->CommandsAt = (ULONG64)R[2] << 32 | R[1];
    Admin->CompletionsAt = (ULONG64)R[4] << 32 | R[3];
    CHECK(Admin->CommandsAt % PAGE == 0 && Admin->CompletionsAt % PAGE == 0);
    Admin->Head = Admin->Tail = Admin->Next = 0;
    Admin->Phase = PHASE;
    Admin->Commands = Admin->Completions = TRUE;
}

static void Disable(NVME_MOCK *Mock)
{
    ULONG i;

    CHECK(IsReady(Mock) || Mock->NeverReady || Mock->FailsToStart || Mock->Broken ||
          HostCycles() >= Mock->EnabledAt + LONGEST_WAIT);
    Mock->Broken = FALSE;
    for (i = 0; i < NVME_MOCK_QUEUES; i++) {
        Mock->Queues[i].Commands = Mock->Queues[i].Completions = FALSE;
        Mock->Queues[i].Tail = Mock->Queues[i].Head = 0;
    }
}

static void WriteControl(NVME_MOCK *Mock, ULONG Value)
{
    ULONG Old = Mock->Control;

    if ((Value & ENABLE) != 0) {
        CHECK_EQUAL(0x00460000, Value & 0x00FF07F0); /* sizes of entries, pages, commands */
    }
    Mock->ShutDown = (Value & 0xC000) == 0x4000;
    Mock->Control = Value;
    if ((Value & ENABLE) != 0 && !(Old & ENABLE)) {
        CHECK(!Mock->NeverStops);
        Enable(Mock);
    } else if (!(Value & ENABLE) && (Old & ENABLE) != 0) {
        Mock->Control = Old;
        Disable(Mock);
        Mock->Control = Mock->NeverStops ? Old : Value;
    }
}

static ULONG Read(void *Device, ULONG Offset, ULONG Width)
{
    NVME_MOCK *Mock = Device;

    CHECK_EQUAL(4, Width);
    if (Mock->Pci->Gone) {
        return 0xFFFFFFFFu;
    }
    CHECK(Mock->Pci->Space[PCI_COMMAND] & PCI_COMMAND_MEMORY);
    switch (Offset) {
    case 0x00:
        return Mock->CapabilitiesLow;
    case 0x04:
        return Mock->CapabilitiesHigh;
    case 0x14:
        return Mock->Control;
    case 0x1C:
        return (IsReady(Mock) ? READY : 0) |
               (Mock->ShutDown && !Mock->NeverShutsDown ? SHUT_DOWN : 0) |
               (Mock->Broken || (Mock->FailsToStart && (Mock->Control & ENABLE) != 0) ? FATAL : 0);
    default:
        CHECK(Offset < DOORBELLS_AT);
        return 0;
    }
}

static void Write(void *Device, ULONG Offset, ULONG Width, ULONG Value)
{
    NVME_MOCK *Mock = Device;
    ULONG Stride = 4u << (Mock->CapabilitiesHigh & 0xF);

    CHECK_EQUAL(4, Width);
    if (Mock->Pci->Gone) {
        return;
    }
    if (Offset >= DOORBELLS_AT) {
        CHECK_EQUAL(0, (Offset - DOORBELLS_AT) % Stride);
        Ring(Mock, (Offset - DOORBELLS_AT) / Stride, Value);
    } else if (Offset == 0x14) {
        WriteControl(Mock, Value);
    } else {
        CHECK(Offset >= 0x24 && Offset < 0x38);
        CHECK(!(Mock->Control & ENABLE));
        Mock->AdminRegisters[(Offset - 0x24) / 4] = Value;
    }
}

/* ---- attaching ---- */

void NvmeMockAttach(NVME_MOCK *Mock)
{
    ULONG i;
    ULONG n;

    memset(Mock, 0, sizeof(*Mock));
    Mock->CapabilitiesLow = 0x0F0107FF; /* 7.5 s, 2048 entries */
    Mock->CapabilitiesHigh = 0x00400020;
    Mock->SectorShift = 9;
    Mock->Namespaces = 1;
    Mock->QueuesAllowed = 4;
    Mock->Control = 0x00460001; /* as firmware leaves it */
    Mock->ReadyCycles = HOST_CYCLE_FREQUENCY / 1000;
    Mock->DelayCycles = HOST_CYCLE_FREQUENCY / 10000;
    for (n = 0; n < NVME_MOCK_NAMESPACES; n++) {
        for (i = 0; i < NVME_MOCK_BYTES; i++) {
            Mock->Medium[n][i] = (UCHAR)(i / 512 * 7 + i + 101 * n);
        }
    }
    for (i = 0; i < NVME_MOCK_QUEUES; i++) {
        Mock->Queues[i].Mock = Mock;
    }
    Mock->Pci = PciMockAdd(0, 4, 0, 0x00101B36, 0x010802);
    PciMockRange(Mock->Pci, 0, BASE, RANGE_BYTES, TRUE);
    RegistersClaim(BASE, RANGE_BYTES, Read, Write, Mock);
    PciMockMsix(Mock->Pci, 2, TABLE_BASE);
}

void NvmeMockRemove(NVME_MOCK *Mock)
{
    Mock->Pci->Gone = TRUE;
}

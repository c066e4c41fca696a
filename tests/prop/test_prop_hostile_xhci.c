/* SPDX-License-Identifier: MIT */
/*
 * test_prop_hostile_xhci.c - whatever events an xHCI controller writes, every transfer and every
 * command ends once, in bounded time, and nothing is touched that is not the driver's (figure R7).
 *
 * The mock executes commands and nothing else; this test plays the rest of the controller and
 * lies: most events point near something that is under way, with random codes, lengths, flags,
 * slots and endpoints.  They come at any time, also while commands are waited for.  Meanwhile
 * transfers are submitted, endpoints reset, configurations changed, devices removed and added,
 * ports changed.  A controller that died is replaced by a new machine.
 */
#include "rtl.h"
#include "tests/unit/xhci_bench.h"

#include <stdio.h>
#include <string.h>

#define PORT      2u
#define BENCHES   12u
#define EVENTS    2000u /* of one machine, at most */
#define SCHEDULED 20u
#define NONE      0x100u
#define BACKSTAGE 6u /* events that come while the driver waits */

static XHCI_BENCH_TRANSFER Benches[BENCHES];
static BOOLEAN Busy[BENCHES];
static ULONG Broken;    /* an endpoint on which something failed; NONE */
static ULONG Scheduled; /* events that come later */
static uint64_t State;
static uint64_t Injected;
static uint64_t Ended[2]; /* transfers: with success, without */
static uint64_t Deaths;
static uint64_t Violations;

static ULONG Pick(ULONG Limit)
{
    return TestRandom(&State) % Limit;
}

/* ---- events ---- */

/* Near what is under way on one of the rings, or anywhere. */
static ULONG PickPointer(ULONG Slot, ULONG Index)
{
    const XHCI_SLOT *S = XhciBenchController->SlotTable[Slot];
    const XHCI_ENDPOINT *Endpoint = S != NULL ? S->Endpoints[Index] : NULL;

    if (Endpoint != NULL && !IsListEmpty(&Endpoint->Transfers) && Pick(8) != 0) {
        const USB_TRANSFER *T = CONTAINING_RECORD(Endpoint->Transfers.Flink, USB_TRANSFER, Link);
        ULONG At = (ULONG)T->Private[0] + (Pick(4) != 0 ? (ULONG)T->Private[1] - 1 : Pick(4));

        return XhciTrbPhysical(&Endpoint->Ring, At % (XHCI_RING_TRBS - 1));
    }
    if (Endpoint != NULL && Pick(4) != 0) {
        return XhciTrbPhysical(&Endpoint->Ring, Pick(XHCI_RING_TRBS)) + (Pick(8) == 0 ? 4 : 0);
    }
    return Pick(2) != 0 ? TestRandom(&State) : XhciBenchController->Physical;
}

static void MakeTransferEvent(ULONG Trb[4])
{
    static const ULONG Lengths[] = {0, 1, 8, 64, 512, 4096, 0xFFFF, 0x10000, 0xFFFFFF};
    ULONG Slot = Pick(16) != 0 ? 1 + Pick(2) : Pick(256);
    ULONG Index = Pick(16) != 0 ? (const ULONG[]){1, 3, 4, 7}[Pick(4)] : Pick(32);

    Trb[0] = PickPointer(Slot, Index);
    Trb[1] = Pick(32) == 0 ? TestRandom(&State) : 0;
    Trb[2] = (Pick(8) != 0 ? 1 : Pick(40)) << 24 | Lengths[Pick(RTL_NUMBER_OF(Lengths))];
    Trb[3] = Slot << 24 | Index << 16 | 32u << 10 | (Pick(4) != 0 ? 4 : 0);
}

static void MakeCommandEvent(ULONG Trb[4])
{
    const XHCI_RING *Ring = &XhciBenchController->CommandRing;

    Trb[0] = XhciTrbPhysical(Ring, Pick(2) != 0 ? XhciBenchController->CommandIndex
                                                : Pick(XHCI_RING_TRBS));
    Trb[1] = Pick(32) == 0;
    Trb[2] = (Pick(2) != 0 ? 1 : Pick(40)) << 24;
    Trb[3] = Pick(4) << 24 | 33u << 10;
}

/* => Whether one could be written. */
static BOOLEAN Inject(void)
{
    ULONG Trb[4];

    switch (Pick(64)) {
    case 0: /* rarely: a lie about a command ends the controller soon */
        MakeCommandEvent(Trb);
        break;
    case 1:
    case 2:
    case 4:
    case 5:
        Trb[0] = Pick(XHCI_MOCK_PORTS + 3) << 24;
        Trb[1] = Trb[2] = TestRandom(&State);
        Trb[3] = 34u << 10;
        break;
    case 3:
        Trb[0] = TestRandom(&State);
        Trb[1] = TestRandom(&State);
        Trb[2] = TestRandom(&State);
        Trb[3] = TestRandom(&State);
        break;
    default:
        MakeTransferEvent(Trb);
        break;
    }
    if (XhciBenchMock.Pci->Gone || !XhciMockEvent(&XhciBenchMock, Trb)) {
        return FALSE;
    }
    Injected++;
    return TRUE;
}

static void InjectLater(PVOID Context)
{
    (void)Context;
    Scheduled--;
    (void)Inject();
}

/* Events for the time in which the driver waits. */
static void Backstage(void)
{
    ULONG Count = Pick(BACKSTAGE);

    while (Count-- != 0 && Scheduled < SCHEDULED) {
        Scheduled++;
        HostRaiseInterruptAt(HostCycles() + Pick(HOST_CYCLE_FREQUENCY / 2000), HIGH_LEVEL,
                             InjectLater, NULL);
    }
}

/* ---- the driver's user ---- */

static void Submit(ULONG i)
{
    static const UCHAR Addresses[] = {0, XHCI_BENCH_IN, XHCI_BENCH_OUT, XHCI_BENCH_KEYS, 0x87};
    UCHAR Address = Addresses[Pick(RTL_NUMBER_OF(Addresses))];

    Busy[i] = TRUE;
    if (Address == 0) {
        XhciBenchSubmitControl(&Benches[i], Pick(2) != 0 ? 0x80 : 0, 6, 0, Pick(3) * 20);
        return;
    }
    XhciBenchSubmit(&Benches[i], Address, Pick(600), Pick(2) != 0 ? Pick(0x10001) : Pick(600),
                    Pick(4) != 0 ? 1 + Pick(2000) : 0);
}

/* What has ended may be used again. */
static void Harvest(void)
{
    ULONG i;

    for (i = 0; i < BENCHES; i++) {
        const USB_TRANSFER *T = &Benches[i].Transfer;

        CHECK(Benches[i].Completions <= 1);
        if (Busy[i] && Benches[i].Completions == 1) {
            CHECK(T->Done <= T->Bytes && (NT_SUCCESS(T->Status) || T->Done == 0));
            CHECK(T->Status != STATUS_PENDING);
            Ended[!NT_SUCCESS(T->Status)]++;
            Busy[i] = FALSE;
            Broken = NT_SUCCESS(T->Status) ? Broken : T->Endpoint;
        }
    }
}

static void Operate(void)
{
    static const UCHAR Addresses[] = {0, XHCI_BENCH_IN, XHCI_BENCH_OUT, XHCI_BENCH_KEYS};
    USB_PORT_STATUS Port;

    Backstage();
    switch (Pick(24)) {
    case 0:
        (void)XhciBenchOpen();
        break;
    case 1:
        XhciRemoveDevice(&XhciBenchDevice);
        break;
    case 2:
        (void)XhciResetPort(&XhciBenchController->Host, 1 + Pick(XHCI_MOCK_PORTS));
        break;
    case 3:
        XhciMockChangePort(&XhciBenchMock, 1 + Pick(XHCI_MOCK_PORTS), Pick(2),
                           TestRandom(&State) & 0x00FE01E1);
        break;
    case 4:
        (void)XhciReadPort(&XhciBenchController->Host, 1 + Pick(XHCI_MOCK_PORTS), &Port);
        break;
    case 5:
        XhciBenchSleep(1 + Pick(300));
        break;
    default:
        (void)XhciResetEndpoint(&XhciBenchDevice, Addresses[Pick(4)]);
        break;
    }
    if (XhciBenchDevice.HostPart == NULL && NT_SUCCESS(XhciAddUsbDevice(&XhciBenchDevice))) {
        (void)XhciBenchOpen();
    }
}

static void Lie(void)
{
    static const XHCI_MOCK_ANSWER Answers[] = {
        XhciMockTwice,      XhciMockWrongPointer, XhciMockWildPointer, XhciMockWrongSlot,
        XhciMockWrongCycle, XhciMockNoInterrupt,  XhciMockCode};

    XhciBenchMock.CommandType = Pick(2) != 0 ? 0 : 9 + Pick(8);
    XhciBenchMock.CommandAnswer = Answers[Pick(RTL_NUMBER_OF(Answers))];
    XhciBenchMock.CommandMisbehaves = Pick(4) == 0;
    XhciBenchMock.Code = Pick(40);
    XhciBenchMock.CommandSlot = Pick(16) == 0 ? Pick(256) : 0;
}

/* ---- one machine ---- */

static void End(void)
{
    ULONG i;

    XhciRemoveDevice(&XhciBenchDevice);
    XhciBenchSleep(1); /* what was scheduled backstage */
    Harvest();
    for (i = 0; i < BENCHES; i++) {
        CHECK(!Busy[i]);
        XhciBenchFree(&Benches[i]);
    }
    Deaths += XhciBenchController->Host.Gone;
    Violations += XhciBenchController->Violations;
    XhciBenchFinish();
}

static void RunMachine(uint64_t Limit)
{
    uint64_t Last = Injected + EVENTS < Limit ? Injected + EVENTS : Limit;

    XhciBenchStartStick(PORT);
    XhciBenchMock.Hostile = TRUE;
    Broken = NONE;
    Scheduled = 0;
    while (Injected < Last && !XhciBenchController->Host.Gone) {
        ULONG i = Pick(BENCHES);

        if (!Busy[i] && Pick(2) != 0) {
            Submit(i);
        }
        (void)Inject();
        Harvest();
        if (Broken != NONE && Pick(2) != 0) {
            Backstage();
            (void)XhciResetEndpoint(&XhciBenchDevice, (UCHAR)Broken);
            Broken = NONE;
        }
        if (Pick(12) == 0) {
            Lie();
            Operate();
        }
        if (Pick(4000) == 0) {
            XhciMockBreak(&XhciBenchMock, Pick(2) != 0 ? 4 : 0x1000);
        }
    }
    End();
}

TEST(Hostile_xHCI_events_end_every_transfer_once_and_touch_nothing_else)
{
    uint64_t Rounds = TestRounds(100000);

    State = TestSeed();
    Injected = Ended[0] = Ended[1] = Deaths = Violations = 0;
    while (Injected < Rounds) {
        RunMachine(Rounds);
    }
    CHECK(Ended[0] > Rounds / 100 && Ended[1] > Rounds / 100);
    CHECK(Deaths != 0 && Violations > Rounds / 10);
    printf("# %u transfers ended well, %u not; %u controllers died\n", (unsigned)Ended[0],
           (unsigned)Ended[1], (unsigned)Deaths);
    printf("# figure R7 %u 0\n", (unsigned)Injected);
}

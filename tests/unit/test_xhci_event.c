/* SPDX-License-Identifier: MIT */
/*
 * test_xhci_event.c - events, time, and how a controller dies.
 */
#include "tests/unit/xhci_bench.h"

#include <string.h>

#define PORT 3u

static XHCI_BENCH_TRANSFER One, Two, Three;

static void Finish(void)
{
    XhciBenchFree(&One);
    XhciBenchFree(&Two);
    XhciBenchFree(&Three);
    XhciRemoveDevice(&XhciBenchDevice);
    XhciBenchFinish();
}

TEST(Events_go_around_their_ring_many_times)
{
    ULONG i;

    XhciBenchStartStick(PORT);
    for (i = 0; i < 700; i++) {
        XhciBenchSubmit(&One, XHCI_BENCH_OUT, 0, 8, 1000);
        CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&One));
    }
    CHECK(XhciBenchController->Interrupts >= 700);
    CHECK_EQUAL(0, XhciBenchController->Violations);
    Finish();
}

TEST(Events_that_name_nothing_are_counted_and_forgotten)
{
    ULONG Nothing[][4] = {
        {0x1000, 0, 1u << 24, 0xFFu << 24 | 1u << 16 | 32u << 10}, /* no such slot */
        {0x1000, 0, 1u << 24, 1u << 24 | 0u << 16 | 32u << 10},    /* endpoint 0 of a context */
        {0x1000, 0, 1u << 24, 1u << 24 | 9u << 16 | 32u << 10},    /* no such endpoint */
        {0x1000, 0, 1u << 24, 1u << 24 | 3u << 16 | 32u << 10},    /* no transfer there */
        {0xFFFFFFFF, 0xFFFFFFFF, 1u << 24, 1u << 24 | 33u << 10},  /* no command under way */
    };
    ULONG i;

    XhciBenchStartStick(PORT);
    CHECK_EQUAL(1, XhciBenchStick.Slot);
    for (i = 0; i < RTL_NUMBER_OF(Nothing); i++) {
        CHECK(XhciMockEvent(&XhciBenchMock, Nothing[i]));
        CHECK_EQUAL(i + 1, XhciBenchController->Violations);
    }
    XhciBenchSubmit(&One, XHCI_BENCH_OUT, 0, 8, 1000);
    CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&One));
    Finish();
}

TEST(Events_of_a_kind_that_is_not_known_are_ignored)
{
    const ULONG Strange[4] = {1, 2, 3u << 24, 39u << 10}; /* MFINDEX wrap */

    XhciBenchStartStick(PORT);
    CHECK(XhciMockEvent(&XhciBenchMock, Strange));
    CHECK_EQUAL(0, XhciBenchController->Violations);
    Finish();
}

/* Transfers of each kind are under way. */
static void Busy(void)
{
    XhciBenchStartStick(PORT);
    XhciBenchInSays = XhciBenchControlSays = XHCI_MOCK_NAK;
    XhciBenchSubmit(&One, XHCI_BENCH_KEYS, 0, 8, 0);
    XhciBenchSubmit(&Two, XHCI_BENCH_IN, 0, 512, 30000);
    XhciBenchSubmitControl(&Three, 0x80, 6, 0, 18);
}

static void ExpectDeath(void)
{
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, XhciBenchWait(&One));
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, XhciBenchWait(&Two));
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, XhciBenchWait(&Three));
    CHECK(XhciBenchController->Host.Gone);
    CHECK_EQUAL(0, XhciBenchController->Transfers);
    CHECK_EQUAL(1, XhciBenchController->Notices[0] & 1); /* the core is to be told */
    XhciBenchSubmit(&One, XHCI_BENCH_IN, 0, 512, 0);
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, XhciBenchWait(&One));
    Finish();
}

TEST(Controller_that_reports_an_error_of_its_own_is_dead)
{
    static const ULONG Bits[] = {1, 4, 0x1000};
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Bits); i++) {
        Busy();
        XhciMockBreak(&XhciBenchMock, Bits[i]);
        CHECK(XhciBenchController->Host.Gone);
        CHECK_EQUAL(0, XhciBenchMock.Pci->Space[PCI_COMMAND] & PCI_COMMAND_MASTER);
        ExpectDeath();
    }
}

TEST(Controller_that_was_taken_away_is_dead_at_the_next_tick)
{
    Busy();
    XhciMockRemove(&XhciBenchMock);
    XhciBenchSleep(2 * XHCI_TICK_MS);
    ExpectDeath();
}

TEST(Controller_that_dies_during_a_command_ends_it)
{
    static const XHCI_TRB Enable = {.Control = 9u << XHCI_TRB_TYPE_SHIFT};

    XhciBenchStart();
    XhciBenchCreate();
    XhciMockRemove(&XhciBenchMock);
    CHECK_EQUAL(XhciCodeGone, XhciExecute(XhciBenchController, Enable, NULL));
    XhciBenchFinish();
}

TEST(Timer_rests_when_nothing_is_under_way)
{
    XhciBenchStartStick(PORT);
    XhciBenchSleep(3 * XHCI_TICK_MS);
    CHECK(!XhciBenchController->Ticking);
    XhciBenchSubmit(&One, XHCI_BENCH_KEYS, 0, 8, 0);
    CHECK(XhciBenchController->Ticking);
    XhciBenchSleep(3 * XHCI_TICK_MS);
    CHECK(XhciBenchController->Ticking);
    CHECK_EQUAL(STATUS_SUCCESS, XhciResetEndpoint(&XhciBenchDevice, XHCI_BENCH_KEYS));
    XhciBenchSleep(3 * XHCI_TICK_MS);
    CHECK(!XhciBenchController->Ticking);
    Finish();
}

TEST(Full_ring_of_events_is_taken_in_more_than_one_go)
{
    const ULONG Strange[4] = {1, 2, 3u << 24, 39u << 10};
    KIRQL OldIrql;
    ULONG Count = 0;

    XhciBenchStartStick(PORT);
    OldIrql = KfRaiseIrql(HIGH_LEVEL);
    while (XhciMockEvent(&XhciBenchMock, Strange)) {
        Count++;
    }
    KfLowerIrql(OldIrql);
    CHECK_EQUAL(255, Count);
    CHECK(XhciMockEvent(&XhciBenchMock, Strange)); /* there is room again */
    XhciBenchSubmit(&One, XHCI_BENCH_OUT, 0, 8, 1000);
    CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&One));
    Finish();
}

/* SPDX-License-Identifier: MIT */
/*
 * test_xhci_command.c - commands end once, in bounded time, whatever the controller says.
 */
#include "tests/unit/xhci_bench.h"

#define ENABLE  9u
#define DISABLE 10u

static const XHCI_TRB Enable = {.Control = ENABLE << XHCI_TRB_TYPE_SHIFT};

/* Enable a slot and disable it again.  => Returns the first command's code. */
static ULONG TryEnable(void)
{
    ULONG Slot;
    ULONG Code = XhciExecute(XhciBenchController, Enable, &Slot);

    if (Code == XhciCodeSuccess) {
        const XHCI_TRB Disable = {.Control = DISABLE << XHCI_TRB_TYPE_SHIFT | Slot << 24};

        CHECK_EQUAL(1, Slot);
        CHECK_EQUAL(XhciCodeSuccess, XhciExecute(XhciBenchController, Disable, NULL));
    }
    return Code;
}

static void Arrange(XHCI_MOCK_ANSWER Answer, ULONG Misbehaves)
{
    XhciBenchStart();
    XhciBenchCreate();
    XhciBenchMock.CommandType = ENABLE;
    XhciBenchMock.CommandAnswer = Answer;
    XhciBenchMock.CommandMisbehaves = Misbehaves;
}

TEST(Xhci_commands_go_around_their_ring_many_times)
{
    ULONG i;

    Arrange(XhciMockAnswers, 0);
    for (i = 0; i < 600; i++) {
        CHECK_EQUAL(XhciCodeSuccess, TryEnable());
    }
    CHECK_EQUAL(600, XhciBenchMock.Commands[ENABLE]);
    CHECK_EQUAL(0, XhciBenchController->Violations);
    XhciBenchFinish();
}

TEST(Xhci_command_that_is_not_answered_is_aborted_after_5_s)
{
    ULONG Before;
    ULONG Passed;

    Arrange(XhciMockSilent, 1);
    Before = XhciNow();
    CHECK_EQUAL(XhciCodeAborted, TryEnable());
    Passed = XhciNow() - Before;
    CHECK(Passed >= XHCI_COMMAND_MS && Passed < XHCI_COMMAND_MS + 300);
    CHECK_EQUAL(XhciCodeSuccess, TryEnable()); /* the ring works again */
    CHECK_EQUAL(XhciCodeSuccess, TryEnable());
    CHECK_EQUAL(0, XhciBenchController->Violations);
    CHECK(!XhciBenchController->Host.Gone);
    XhciBenchFinish();
}

TEST(Xhci_that_does_not_abort_a_command_is_dead)
{
    ULONG Before;

    Arrange(XhciMockDeaf, 1);
    Before = XhciNow();
    CHECK_EQUAL(XhciCodeGone, TryEnable());
    CHECK(XhciNow() - Before < 2 * XHCI_COMMAND_MS + 300);
    CHECK(XhciBenchController->Host.Gone);
    CHECK_EQUAL(1, XhciBenchController->Notices[0] & 1);
    CHECK_EQUAL(0, XhciBenchMock.Pci->Space[PCI_COMMAND] & PCI_COMMAND_MASTER);
    CHECK_EQUAL(XhciCodeGone, TryEnable()); /* at once */
    XhciBenchFinish();
}

TEST(Xhci_command_ends_once_whatever_else_the_controller_says)
{
    static const XHCI_MOCK_ANSWER Answers[] = {XhciMockTwice, XhciMockWrongPointer,
                                               XhciMockWildPointer};
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Answers); i++) {
        Arrange(Answers[i], 1);
        CHECK_EQUAL(XhciCodeSuccess, TryEnable());
        CHECK_EQUAL(XhciCodeSuccess, TryEnable());
        CHECK_EQUAL(1, XhciBenchController->Violations);
        XhciBenchFinish();
    }
}

TEST(Xhci_event_with_the_wrong_cycle_is_none)
{
    Arrange(XhciMockWrongCycle, 1);
    CHECK_EQUAL(XhciCodeSuccess, TryEnable());
    CHECK_EQUAL(0, XhciBenchController->Violations);
    XhciBenchFinish();
}

TEST(Xhci_command_whose_interrupt_is_lost_is_found_by_the_timer)
{
    ULONG Before;

    Arrange(XhciMockNoInterrupt, 1);
    Before = XhciNow();
    CHECK_EQUAL(XhciCodeSuccess, TryEnable());
    CHECK(XhciNow() - Before <= 2 * XHCI_TICK_MS);
    XhciBenchFinish();
}

TEST(Xhci_ring_that_stops_by_itself_is_a_violation)
{
    static const ULONG Stopped[4] = {0, 0, 24u << 24, 33u << 10};

    Arrange(XhciMockAnswers, 0);
    CHECK(XhciMockEvent(&XhciBenchMock, Stopped));
    CHECK_EQUAL(XhciCodeSuccess, TryEnable());
    CHECK_EQUAL(1, XhciBenchController->Violations);
    XhciBenchFinish();
}

TEST(CommandStatus_tells_resources_timeouts_and_death_from_errors)
{
    CHECK_EQUAL(STATUS_SUCCESS, XhciCommandStatus(XhciCodeSuccess));
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, XhciCommandStatus(XhciCodeNoSlots));
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, XhciCommandStatus(XhciCodeBandwidth));
    CHECK_EQUAL(STATUS_IO_TIMEOUT, XhciCommandStatus(XhciCodeAborted));
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, XhciCommandStatus(XhciCodeGone));
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, XhciCommandStatus(0));
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, XhciCommandStatus(5));
}

/* SPDX-License-Identifier: MIT */
/*
 * test_xhci_endpoint.c - time limits, stopped and halted endpoints, and how they work again.
 */
#include "tests/unit/xhci_bench.h"

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

static const XHCI_MOCK_ENDPOINT *EndpointOf(ULONG Index)
{
    return &XhciBenchMock.Slots[XhciBenchStick.Slot].Endpoints[Index];
}

static void ExpectWorks(UCHAR Endpoint)
{
    XhciBenchSubmit(&Three, Endpoint, 0, 64, 1000);
    CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&Three));
}

TEST(Transfer_that_is_late_ends_when_its_endpoint_was_stopped)
{
    ULONG Before;
    ULONG Passed;

    XhciBenchStartStick(PORT);
    ExpectWorks(XHCI_BENCH_OUT);
    XhciBenchInSays = XHCI_MOCK_NAK;
    Before = XhciNow();
    XhciBenchSubmit(&One, XHCI_BENCH_IN, 0, 64, 500);
    XhciBenchSubmit(&Two, XHCI_BENCH_IN, 0, 64, 60000);
    CHECK_EQUAL(STATUS_IO_TIMEOUT, XhciBenchWait(&One));
    Passed = XhciNow() - Before;
    CHECK(Passed >= 500 && Passed <= 500 + 2 * XHCI_TICK_MS);
    CHECK_EQUAL(STATUS_CANCELLED, XhciBenchWait(&Two)); /* it was not late, but it was behind */
    CHECK_EQUAL(3, EndpointOf(3)->State);
    CHECK_EQUAL(1, XhciBenchMock.Commands[15]);
    XhciBenchInSays = 0;
    CHECK_EQUAL(STATUS_SUCCESS, XhciResetEndpoint(&XhciBenchDevice, XHCI_BENCH_IN));
    ExpectWorks(XHCI_BENCH_IN);
    Finish();
}

TEST(Transfer_that_comes_while_its_endpoint_is_stopped_is_no_failure)
{
    XhciBenchStartStick(PORT);
    XhciBenchMock.CommandType = 15;
    XhciBenchMock.CommandAnswer = XhciMockSilent; /* held back for 5 s, then aborted */
    XhciBenchMock.CommandMisbehaves = 1;
    XhciBenchSubmit(&One, XHCI_BENCH_KEYS, 0, 8, 500);
    XhciBenchSleep(2000);
    XhciBenchKey = 9;
    XhciMockWake(&XhciBenchMock);
    CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&One));
    XhciBenchSleep(6000);
    CHECK(XhciBenchController->Host.Gone); /* a controller that cannot stop an endpoint */
    Finish();
}

TEST(Endpoint_goes_on_when_what_was_late_came_before_it_stopped)
{
    XhciBenchStartStick(PORT);
    XhciBenchMock.DelayCycles = 300ull * HOST_CYCLE_FREQUENCY / 1000; /* slower than the tick */
    XhciBenchMock.TransfersFirst = TRUE;
    XhciBenchKey = 5;
    XhciBenchSubmit(&One, XHCI_BENCH_KEYS, 0, 8, 150);
    XhciBenchSubmit(&Two, XHCI_BENCH_KEYS, 0, 8, 60000);
    CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&One));
    XhciBenchSleep(1000);
    CHECK_EQUAL(1, XhciBenchMock.Commands[15]);
    CHECK_EQUAL(0, Two.Completions);
    XhciBenchKey = 6;
    XhciMockWake(&XhciBenchMock);
    CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&Two));
    CHECK_EQUAL(6, Two.Buffer[0]);
    Finish();
}

TEST(ResetEndpoint_gives_a_halted_endpoint_a_toggle_of_0_and_an_empty_ring)
{
    ULONG Resets;

    XhciBenchStartStick(PORT);
    Resets = EndpointOf(3)->Resets;
    XhciBenchInSays = XHCI_MOCK_STALL;
    XhciBenchSubmit(&One, XHCI_BENCH_IN, 0, 64, 1000);
    CHECK_EQUAL(STATUS_DEVICE_PROTOCOL_ERROR, XhciBenchWait(&One));
    CHECK_EQUAL(2, EndpointOf(3)->State);
    XhciBenchInSays = 0;
    ExpectWorks(XHCI_BENCH_OUT);
    CHECK_EQUAL(STATUS_SUCCESS, XhciResetEndpoint(&XhciBenchDevice, XHCI_BENCH_IN));
    CHECK_EQUAL(1, XhciBenchMock.Commands[14]);
    CHECK_EQUAL(1, XhciBenchMock.Commands[16]);
    CHECK_EQUAL(Resets + 1, EndpointOf(3)->Resets);
    ExpectWorks(XHCI_BENCH_IN);
    Finish();
}

TEST(ResetEndpoint_gives_a_stopped_endpoint_a_toggle_of_0_too)
{
    ULONG Resets;

    XhciBenchStartStick(PORT);
    ExpectWorks(XHCI_BENCH_OUT);
    Resets = EndpointOf(3)->Resets;
    XhciBenchInSays = XHCI_MOCK_NAK;
    XhciBenchSubmit(&One, XHCI_BENCH_IN, 0, 64, 0);
    XhciBenchSleep(50);
    CHECK_EQUAL(STATUS_SUCCESS, XhciResetEndpoint(&XhciBenchDevice, XHCI_BENCH_IN));
    CHECK_EQUAL(1, One.Completions); /* before it returned */
    CHECK_EQUAL(STATUS_CANCELLED, XhciBenchWait(&One));
    CHECK_EQUAL(Resets + 1, EndpointOf(3)->Resets);
    CHECK_EQUAL(0, XhciBenchMock.Commands[14]);
    XhciBenchInSays = 0;
    ExpectWorks(XHCI_BENCH_IN);
    Finish();
}

TEST(ResetEndpoint_of_an_idle_endpoint_and_of_endpoint_0)
{
    XhciBenchStartStick(PORT);
    CHECK_EQUAL(STATUS_SUCCESS, XhciResetEndpoint(&XhciBenchDevice, XHCI_BENCH_OUT));
    CHECK_EQUAL(STATUS_SUCCESS, XhciResetEndpoint(&XhciBenchDevice, XHCI_BENCH_OUT));
    ExpectWorks(XHCI_BENCH_OUT);
    CHECK_EQUAL(STATUS_SUCCESS, XhciResetEndpoint(&XhciBenchDevice, 0));
    XhciBenchSubmitControl(&One, 0x80, 6, 0, 18);
    CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&One));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, XhciResetEndpoint(&XhciBenchDevice, 0x8A));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, XhciResetEndpoint(&XhciBenchDevice, 0x80));
    Finish();
}

TEST(ResetEndpoint_says_when_the_controller_refuses)
{
    XhciBenchStartStick(PORT);
    XhciBenchMock.CommandType = 12;
    XhciBenchMock.CommandAnswer = XhciMockCode;
    XhciBenchMock.CommandMisbehaves = 1;
    XhciBenchMock.Code = 7;
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, XhciResetEndpoint(&XhciBenchDevice, XHCI_BENCH_OUT));
    XhciBenchSubmit(&One, XHCI_BENCH_OUT, 0, 64, 1000);
    CHECK_EQUAL(STATUS_CANCELLED, XhciBenchWait(&One));
    CHECK_EQUAL(STATUS_SUCCESS, XhciResetEndpoint(&XhciBenchDevice, XHCI_BENCH_OUT));
    ExpectWorks(XHCI_BENCH_OUT);
    Finish();
}

TEST(Controller_that_cannot_stop_an_endpoint_is_dead)
{
    XhciBenchStartStick(PORT);
    XhciBenchInSays = XHCI_MOCK_NAK;
    XhciBenchMock.CommandType = 15;
    XhciBenchMock.CommandAnswer = XhciMockDeaf;
    XhciBenchMock.CommandMisbehaves = 1;
    XhciBenchSubmit(&One, XHCI_BENCH_IN, 0, 64, 500);
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, XhciBenchWait(&One));
    CHECK(XhciBenchController->Host.Gone);
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, XhciResetEndpoint(&XhciBenchDevice, XHCI_BENCH_IN));
    Finish();
}

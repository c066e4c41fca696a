/* SPDX-License-Identifier: MIT */
/*
 * test_xhci.c - an xHCI controller is taken over, brought up, or refused.
 */
#include "disk_drivers.h"
#include "mm/pfn/frame.h"
#include "mm/pool/pool.h"
#include "tests/unit/disk_bench.h"
#include "tests/unit/xhci_bench.h"

#include <string.h>

static void ExpectRefused(NTSTATUS Expected)
{
    CHECK_EQUAL(Expected, XhciCreateController(XhciMockFunction, 0, &XhciBenchController));
    XhciBenchController = NULL;
    XhciBenchFinish();
}

/* => Returns how many milliseconds of a stalling processor it took. */
static ULONG Claim(void)
{
    ULONG64 Start = HostCycles();

    XhciTakeFromFirmware(XhciMockFunction);
    return (ULONG)((HostCycles() - Start) / (HOST_CYCLE_FREQUENCY / 1000));
}

TEST(Xhci_runs_with_memory_interrupt_and_the_right_to_access_memory)
{
    XhciBenchStart();
    XhciBenchCreate();
    CHECK_EQUAL(1, XhciBenchMock.Resets);
    CHECK_EQUAL(0, XhciBenchMock.Status & 1);
    CHECK_EQUAL(5, XhciBenchMock.Command & 5); /* runs, interrupts */
    CHECK_EQUAL(2, XhciBenchMock.Interrupter & 2);
    CHECK_EQUAL(XHCI_MOCK_SLOTS, XhciBenchMock.Configure);
    CHECK_TEXT("xhci0", XhciBenchController->Host.Name);
    CHECK_EQUAL(XHCI_MOCK_PORTS, XhciBenchController->Host.Ports);
    CHECK_EQUAL(0, XhciBenchController->Violations);
    XhciBenchFinish();
}

TEST(Xhci_is_handed_over_by_firmware_that_agrees_and_causes_no_more_SMIs)
{
    XhciBenchStart();
    XhciBenchMock.HasFirmware = XhciBenchMock.FirmwareYields = TRUE;
    CHECK(Claim() < 5);
    CHECK_EQUAL(1, XhciBenchMock.SystemOwns);
    CHECK_EQUAL(0, XhciBenchMock.LegacyControl);
    XhciBenchCreate();
    XhciBenchFinish();
}

TEST(Xhci_is_taken_after_1_s_from_firmware_that_never_lets_go)
{
    ULONG Passed;

    XhciBenchStart();
    XhciBenchMock.HasFirmware = TRUE;
    Passed = Claim();
    CHECK(Passed >= 1000 && Passed < 1100);
    CHECK_EQUAL(1, XhciBenchMock.SystemOwns);
    CHECK_EQUAL(0, XhciBenchMock.LegacyControl);
    XhciBenchCreate();
    XhciBenchFinish();
}

TEST(Xhci_controllers_are_all_taken_from_the_firmware_before_one_is_used)
{
    static XHCI_MOCK Second;

    XhciBenchStart();
    XhciMockAttachAt(&Second, 6);
    XhciBenchMock.HasFirmware = Second.HasFirmware = TRUE;
    XhciBenchMock.FirmwareYields = Second.FirmwareYields = TRUE;
    XhciBenchMock.NeverHalts = Second.NeverHalts = TRUE; /* the core is not called */
    DiskStartDrivers();
    CHECK(XhciBenchMock.Claimed != 0 && Second.Claimed != 0);
    CHECK(XhciBenchMock.Used > Second.Claimed && Second.Used > XhciBenchMock.Claimed);
    CHECK(strstr(HostConsoleText(), "cannot be used, status c00000b5") != NULL);
    XhciBenchFinish();
}

TEST(Xhci_gets_as_many_scratchpads_as_it_asks_for)
{
    static const ULONG Counts[] = {1, 31, 32, 33, 1023};
    ULONG i;
    ULONG j;

    for (i = 0; i < RTL_NUMBER_OF(Counts); i++) {
        XhciBenchStart();
        XhciBenchMock.Scratchpads = Counts[i];
        XhciBenchCreate();
        CHECK(XhciBenchMock.ScratchpadTable != 0 && XhciBenchMock.ScratchpadTable % 64 == 0);
        for (j = 0; j < Counts[i]; j++) {
            static UCHAR Page[PAGE_SIZE];
            static const UCHAR Zero[PAGE_SIZE];
            ULONG64 Entry;

            PciMockRead(XhciBenchMock.Pci, XhciBenchMock.ScratchpadTable + 8 * j, &Entry, 8);
            CHECK(Entry != 0 && Entry % PAGE_SIZE == 0);
            PciMockRead(XhciBenchMock.Pci, Entry, Page, sizeof(Page));
            CHECK_EQUAL(0, memcmp(Page, Zero, sizeof(Page)));
        }
        XhciBenchFinish();
    }
}

TEST(Xhci_without_memory_for_its_scratchpads_is_refused)
{
    PUCHAR Taken;
    const PHYSICAL_ADDRESS Highest = {.QuadPart = -1};

    XhciBenchStart();
    XhciBenchMock.Scratchpads = 1023;
    Taken = MmAllocateContiguousMemory(1000 * PAGE_SIZE, Highest);
    CHECK(Taken != NULL);
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES,
                XhciCreateController(XhciMockFunction, 0, &XhciBenchController));
    MmFreeContiguousMemory(Taken);
    XhciBenchController = NULL;
    XhciBenchFinish();
}

TEST(Xhci_that_does_not_halt_reset_or_run_in_bounded_time_is_refused)
{
    ULONG i;

    for (i = 0; i < 4; i++) {
        ULONG64 Start;

        XhciBenchStart();
        XhciBenchMock.NeverHalts = i == 0;
        XhciBenchMock.NeverResets = i == 1;
        XhciBenchMock.NeverReady = i == 2;
        XhciBenchMock.NeverRuns = i == 3;
        Start = HostCycles();
        CHECK_EQUAL(STATUS_IO_TIMEOUT,
                    XhciCreateController(XhciMockFunction, 0, &XhciBenchController));
        CHECK(HostCycles() - Start < 21ull * HOST_CYCLE_FREQUENCY);
        XhciBenchController = NULL;
        XhciBenchFinish();
    }
}

TEST(Xhci_with_figures_that_make_no_sense_is_refused)
{
    XhciBenchStart();
    XhciBenchMock.SlotsOffered = 0;
    ExpectRefused(STATUS_NOT_SUPPORTED);
}

TEST(Xhci_out_of_reach_is_refused)
{
    XhciBenchStart();
    RegistersOutOfReach(TRUE);
    XhciTakeFromFirmware(XhciMockFunction);
    ExpectRefused(STATUS_DEVICE_UNREACHABLE);
}

TEST(Xhci_without_interrupts_is_refused)
{
    XhciBenchStart();
    MessagesFail(1);
    ExpectRefused(STATUS_INSUFFICIENT_RESOURCES);
}

TEST(Xhci_that_may_not_access_memory_is_refused)
{
    XhciBenchStart();
    XhciBenchMock.Pci->NoMaster = TRUE;
    ExpectRefused(STATUS_NO_SUCH_DEVICE);
}

TEST(Xhci_is_refused_without_a_leak_whatever_memory_is_missing)
{
    ULONG Failures = 0;
    ULONG Nth;
    BOOLEAN Happened = TRUE;

    for (Nth = 1; Happened; Nth++) {
        NTSTATUS Status;

        XhciBenchStart();
        XhciBenchMock.Scratchpads = 3;
        MiFailFrameAllocation = Nth;
        Status = XhciCreateController(XhciMockFunction, 0, &XhciBenchController);
        Happened = MiFailFrameAllocation == 0;
        MiFailFrameAllocation = 0;
        CHECK(Happened || NT_SUCCESS(Status));
        Failures += !NT_SUCCESS(Status);
        if (!NT_SUCCESS(Status)) {
            CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, Status);
            XhciBenchController = NULL;
        }
        XhciBenchFinish();
    }
    CHECK(Failures >= 4);
    for (Nth = 1, Happened = TRUE; Happened; Nth++) {
        NTSTATUS Status;

        XhciBenchStart();
        XhciBenchMock.Scratchpads = 3;
        MiFailPoolAllocation(Nth);
        Status = XhciCreateController(XhciMockFunction, 0, &XhciBenchController);
        Happened = MiPoolFailureHappened();
        MiFailPoolAllocation(0);
        CHECK_EQUAL(Happened ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS, Status);
        if (!NT_SUCCESS(Status)) {
            XhciBenchController = NULL;
        }
        XhciBenchFinish();
    }
}

TEST(Xhci_switches_its_ports_power_on)
{
    ULONG i;

    XhciBenchStart();
    XhciBenchMock.PowerSwitched = TRUE;
    XhciBenchCreate();
    for (i = 0; i < XHCI_MOCK_PORTS; i++) {
        CHECK(XhciBenchMock.PortStatus[i] & 0x200);
    }
    XhciBenchFinish();
}

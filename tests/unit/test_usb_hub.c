/* SPDX-License-Identifier: MIT */
/*
 * test_usb_hub.c - hubs, what hangs on them, what comes and goes there.
 */
#include "disk/driver/usb_core.h"
#include "tests/unit/usb_bench.h"

#include <string.h>

#define HUBS 6u

static USB_MOCK_HUB Hubs[HUBS];
static USB_STICK Stick;
static USB_MOCK_KEYBOARD Keyboard;

static void Arrange(USB_SPEED Speed)
{
    ULONG i;

    UsbBenchStart();
    UsbStickCreate(&Stick);
    UsbMockKeyboardCreate(&Keyboard);
    for (i = 0; i < HUBS; i++) {
        UsbMockHubCreate(&Hubs[i], Speed);
    }
}

TEST(UsbHub_powers_its_ports_and_finds_what_hangs_there)
{
    PDISK_DEVICE Disk;

    Arrange(UsbSpeedHigh);
    UsbMockPlug(&Mock, 2, &Hubs[0].Device);
    UsbMockHubPlug(&Hubs[0], 3, &Stick.Device);
    UsbMockHubPlug(&Hubs[0], 4, &Keyboard.Device);
    Disk = UsbBenchStartHost();
    CHECK(Disk != NULL);
    CHECK_EQUAL(0x1E, Hubs[0].Power);
    CHECK_EQUAL(4, Mock.HubPorts);
    CHECK_EQUAL(0xFF, Hubs[0].Depth);
    CHECK(UsbBenchSaid("mock0 port 2: hub with 4 ports\n"));
    CHECK(UsbBenchSaid("mock0 port 2.3: Mock Virtual stick\n"));
    CHECK(UsbBenchSaid("mock0 port 2.4: keyboard\n"));
    CHECK_EQUAL(STATUS_SUCCESS, UsbBenchRoundTrip(Disk, 3, 8));
    CHECK_EQUAL(0, Hubs[0].Disabled);
    UsbBenchFinish();
}

TEST(UsbHub_of_super_speed_is_told_its_depth)
{
    Arrange(UsbSpeedSuper);
    UsbMockPlug(&Mock, 1, &Hubs[0].Device);
    UsbMockHubPlug(&Hubs[0], 1, &Hubs[1].Device);
    (void)UsbBenchStartHost();
    CHECK_EQUAL(0, Hubs[0].Depth);
    CHECK_EQUAL(1, Hubs[1].Depth);
    UsbBenchFinish();
}

TEST(UsbHub_five_in_a_row_work_and_a_sixth_does_not)
{
    PDISK_DEVICE Disk;
    ULONG i;

    Arrange(UsbSpeedHigh);
    UsbMockPlug(&Mock, 8, &Hubs[0].Device);
    for (i = 1; i < HUBS; i++) {
        UsbMockHubPlug(&Hubs[i - 1], i % 4 + 1, &Hubs[i].Device);
    }
    UsbMockHubPlug(&Hubs[4], 3, &Stick.Device);
    UsbMockHubPlug(&Hubs[5], 1, &Keyboard.Device);
    Disk = UsbBenchStartHost();
    UsbBenchSleep(2000);
    Disk = Disk != NULL ? Disk : UsbBenchDisk(NULL);
    CHECK(Disk != NULL);
    CHECK(UsbBenchSaid("mock0 port 8.2.3.4.1.3: Mock Virtual stick\n"));
    CHECK(UsbBenchSaid("mock0 port 8.2.3.4.1.2: hub 0409:55a0 cannot be used, status c00000bb"));
    CHECK_EQUAL(0, Keyboard.Device.Added);
    CHECK_EQUAL(STATUS_SUCCESS, UsbBenchRoundTrip(Disk, 3, 8));
    UsbBenchFinish();
}

TEST(UsbHub_notices_what_is_plugged_in_and_pulled_out)
{
    PDISK_DEVICE Disk;
    UCHAR Sector[512];
    ULONG Round;

    Arrange(UsbSpeedHigh);
    UsbMockPlug(&Mock, 1, &Hubs[0].Device);
    CHECK(UsbBenchStartHost() == NULL);
    for (Round = 0; Round < 3; Round++) {
        UsbMockHubPlug(&Hubs[0], 2, &Stick.Device);
        UsbBenchSleep(500);
        for (Disk = NULL; UsbBenchDisk(Disk) != NULL;) {
            Disk = UsbBenchDisk(Disk);
        }
        CHECK(Disk != NULL);
        CHECK_EQUAL(STATUS_SUCCESS, UsbBenchRoundTrip(Disk, 1, 1));
        UsbMockHubUnplug(&Hubs[0], 2);
        UsbBenchSleep(500);
        CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchTransfer(Disk, DiskRead, 0, 1, Sector));
        CHECK_EQUAL(Round + 1, Mock.Removed);
    }
    UsbBenchFinish();
}

TEST(UsbHub_that_is_pulled_out_takes_everything_behind_it_along)
{
    PDISK_DEVICE Disk;
    UCHAR Sector[512];

    Arrange(UsbSpeedHigh);
    UsbMockPlug(&Mock, 1, &Hubs[0].Device);
    UsbMockHubPlug(&Hubs[0], 1, &Hubs[1].Device);
    UsbMockHubPlug(&Hubs[1], 1, &Stick.Device);
    UsbMockHubPlug(&Hubs[1], 2, &Keyboard.Device);
    Disk = UsbBenchStartHost();
    CHECK(Disk != NULL);
    UsbBenchSleep(500);
    UsbMockUnplug(&Hubs[0].Device);
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchTransfer(Disk, DiskRead, 0, 1, Sector));
    UsbBenchSleep(100);
    CHECK_EQUAL(4, Mock.Removed);
    UsbBenchFinish();
}

TEST(UsbHub_goes_on_after_its_endpoint_stalled)
{
    Arrange(UsbSpeedHigh);
    UsbMockPlug(&Mock, 1, &Hubs[0].Device);
    CHECK(UsbBenchStartHost() == NULL);
    Hubs[0].FailStatus = 3;
    UsbMockHubPlug(&Hubs[0], 2, &Stick.Device);
    UsbBenchSleep(1000);
    CHECK(UsbBenchDisk(NULL) != NULL);
    CHECK_EQUAL(3, Hubs[0].Device.ClearedHalt);
    UsbBenchFinish();
}

TEST(UsbHub_whose_endpoint_only_stalls_is_asked_no_more)
{
    Arrange(UsbSpeedHigh);
    UsbMockPlug(&Mock, 1, &Hubs[0].Device);
    CHECK(UsbBenchStartHost() == NULL);
    Hubs[0].FailStatus = 1000;
    UsbMockHubPlug(&Hubs[0], 2, &Stick.Device);
    UsbBenchSleep(2000);
    CHECK_EQUAL(995, Hubs[0].FailStatus);
    CHECK(UsbBenchSaid("mock0 port 1: the hub does not tell any more what changes\n"));
    UsbMockUnplug(&Hubs[0].Device);
    UsbBenchFinish();
}

TEST(UsbHub_that_always_has_news_leaves_time_for_others)
{
    PDISK_DEVICE Disk;
    ULONG Before;

    Arrange(UsbSpeedHigh);
    UsbMockPlug(&Mock, 1, &Hubs[0].Device);
    UsbMockPlug(&Mock, 2, &Stick.Device);
    Disk = UsbBenchStartHost();
    UsbBenchSleep(500);
    Before = Mock.Submitted;
    Hubs[0].AlwaysNews = TRUE;
    UsbMockPoke(&Hubs[0].Device);
    UsbBenchSleep(1000);
    CHECK(Mock.Submitted - Before < 1000);
    CHECK_EQUAL(STATUS_SUCCESS, UsbBenchRoundTrip(Disk, 0, 1));
    UsbMockUnplug(&Hubs[0].Device);
    UsbBenchFinish();
}

TEST(UsbHub_a_slow_device_is_split_by_the_nearest_hub_of_high_speed)
{
    Arrange(UsbSpeedHigh);
    UsbMockHubCreate(&Hubs[1], UsbSpeedFull);
    UsbMockPlug(&Mock, 1, &Hubs[0].Device);
    UsbMockHubPlug(&Hubs[0], 2, &Hubs[1].Device);
    UsbMockHubPlug(&Hubs[1], 3, &Keyboard.Device); /* the mock checks the splitter */
    (void)UsbBenchStartHost();
    CHECK(UsbBenchSaid("mock0 port 1.2.3: keyboard\n"));
    CHECK(Keyboard.Device.Device->Splitter == Hubs[0].Device.Device);
    CHECK_EQUAL(2, Keyboard.Device.Device->SplitterPort);
    UsbBenchFinish();
}

TEST(UsbHub_with_a_stick_that_vanishes_during_a_read_ends_the_read)
{
    PDISK_DEVICE Disk;
    UCHAR Sector[512];

    Arrange(UsbSpeedHigh);
    UsbMockPlug(&Mock, 1, &Hubs[0].Device);
    UsbMockHubPlug(&Hubs[0], 2, &Stick.Device);
    Disk = UsbBenchStartHost();
    CHECK(Disk != NULL);
    UsbBenchSleep(300);
    Stick.Fault = StickSilentData;
    Stick.FaultTimes = 1;
    UsbMockHubUnplug(&Hubs[0], 2);
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchTransfer(Disk, DiskRead, 0, 1, Sector));
    UsbBenchFinish();
}

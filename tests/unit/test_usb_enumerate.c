/* SPDX-License-Identifier: MIT */
/*
 * test_usb_enumerate.c - from a port to a device with drivers, whatever the device does.
 */
#include "disk/driver/usb_core.h"
#include "tests/unit/usb_bench.h"

#include <string.h>

static USB_STICK Stick;
static USB_STICK Second;
static USB_MOCK_KEYBOARD Keyboard;

static void Arrange(void)
{
    UsbBenchStart();
    UsbStickCreate(&Stick);
    UsbStickCreate(&Second);
    UsbMockKeyboardCreate(&Keyboard);
}

TEST(UsbEnumerate_finds_several_devices_and_names_each)
{
    Arrange();
    UsbMockPlug(&Mock, 1, &Stick.Device);
    UsbMockPlug(&Mock, 2, &Keyboard.Device);
    UsbMockPlug(&Mock, 8, &Second.Device);
    CHECK(UsbBenchStartHost() != NULL);
    CHECK(UsbBenchDisk(UsbBenchDisk(NULL)) != NULL);
    CHECK(UsbBenchSaid("mock0 port 1: Mock Virtual stick\n           usb0: "));
    CHECK(UsbBenchSaid("mock0 port 2: keyboard\n"));
    CHECK(UsbBenchSaid("mock0 port 8: Mock Virtual stick\n           usb1: "));
    CHECK_EQUAL(64, Stick.Device.ControlPacket);
    CHECK_EQUAL(8, Keyboard.Device.ControlPacket);
    UsbBenchFinish();
}

TEST(UsbEnumerate_names_a_device_without_driver_and_leaves_it_alone)
{
    Arrange();
    Stick.Device.Configuration[16] = 0x62; /* UAS */
    UsbMockPlug(&Mock, 1, &Stick.Device);
    CHECK(UsbBenchStartHost() == NULL);
    CHECK(UsbBenchSaid("mock0 port 1: 46f4:0001, class 08/06/62: no driver for it\n"));
    CHECK_EQUAL(0, Stick.Device.Configured);
    CHECK_EQUAL(1, Stick.Device.Added);
    UsbMockUnplug(&Stick.Device);
    UsbBenchSleep(100);
    CHECK_EQUAL(1, Mock.Removed);
    UsbBenchFinish();
}

TEST(UsbEnumerate_gives_up_after_three_tries_until_the_port_was_empty)
{
    Arrange();
    Stick.Device.DeviceDescriptor[7] = 65;
    UsbMockPlug(&Mock, 1, &Stick.Device);
    CHECK(UsbBenchStartHost() == NULL);
    CHECK_EQUAL(3, Stick.Device.Added);
    CHECK_EQUAL(3, Mock.Removed);
    CHECK(UsbBenchSaid("mock0 port 1: a device that does not answer as it should"));
    UsbPortChanged(&Mock.Host, 1);
    UsbBenchSleep(500);
    CHECK_EQUAL(3, Stick.Device.Added);
    UsbMockUnplug(&Stick.Device);
    UsbBenchSleep(100);
    Stick.Device.DeviceDescriptor[7] = 64;
    UsbMockPlug(&Mock, 1, &Stick.Device);
    UsbBenchSleep(500);
    CHECK(UsbBenchDisk(NULL) != NULL);
    UsbBenchFinish();
}

TEST(UsbEnumerate_tries_again_when_a_device_does_not_take_an_address_or_a_port_no_reset)
{
    Arrange();
    Stick.Device.RefuseAddress = 2;
    UsbMockPlug(&Mock, 1, &Stick.Device);
    CHECK(UsbBenchStartHost() != NULL);
    CHECK_EQUAL(3, Stick.Device.Resets);
    UsbBenchFinish();
    Arrange();
    Mock.FailReset = 2;
    UsbMockPlug(&Mock, 1, &Stick.Device);
    CHECK(UsbBenchStartHost() != NULL);
    CHECK_EQUAL(1, Stick.Device.Resets);
    UsbBenchFinish();
}

TEST(UsbEnumerate_a_change_of_a_port_that_changes_nothing_disturbs_nobody)
{
    PDISK_DEVICE Disk;
    ULONG i;

    Arrange();
    UsbMockPlug(&Mock, 1, &Stick.Device);
    Disk = UsbBenchStartHost();
    for (i = 1; i <= USB_MOCK_PORTS; i++) {
        UsbPortChanged(&Mock.Host, i);
    }
    CHECK_EQUAL(STATUS_SUCCESS, UsbBenchRoundTrip(Disk, 0, 8));
    UsbBenchSleep(300);
    CHECK_EQUAL(1, Stick.Device.Added);
    CHECK_EQUAL(0, Mock.Removed);
    UsbBenchFinish();
}

TEST(UsbEnumerate_notices_another_device_that_was_swapped_in_quickly)
{
    PDISK_DEVICE Disk;
    UCHAR Sector[512];

    Arrange();
    UsbMockPlug(&Mock, 1, &Stick.Device);
    Disk = UsbBenchStartHost();
    UsbMockUnplug(&Stick.Device);
    UsbMockPlug(&Mock, 1, &Second.Device);
    Mock.Enabled[1] = TRUE; /* SuperSpeed ports need no reset */
    UsbBenchSleep(500);
    CHECK_EQUAL(1, Mock.Removed);
    CHECK_EQUAL(1, Second.Device.Added);
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchTransfer(Disk, DiskRead, 0, 1, Sector));
    CHECK_EQUAL(STATUS_SUCCESS, UsbBenchRoundTrip(UsbBenchDisk(Disk), 0, 1));
    UsbBenchFinish();
}

TEST(UsbEnumerate_takes_the_configuration_that_has_a_driver)
{
    Arrange();
    /* The first configuration, of which the mock has one only, is asked for twice. */
    Stick.Device.DeviceDescriptor[17] = 2;
    Stick.Device.Configuration[14] = 0xFF;
    UsbMockPlug(&Mock, 1, &Stick.Device);
    CHECK(UsbBenchStartHost() == NULL);
    CHECK(UsbBenchSaid("class ff/06/50: no driver for it"));
    UsbBenchFinish();
}

static NTSTATUS FailControl; /* what control transfers end with */
static ULONG FailFrom;       /* from the n-th control transfer on; 1: all */
static ULONG FailCount;      /* so many */

static NTSTATUS Fail(USB_MOCK *M, USB_MOCK_DEVICE *Device, PUSB_TRANSFER Transfer)
{
    (void)M;
    (void)Device;
    if (Transfer->Endpoint != 0 || (FailFrom != 0 && --FailFrom != 0) || FailCount == 0) {
        return STATUS_SUCCESS;
    }
    FailCount--;
    return FailControl;
}

TEST(UsbEnumerate_survives_each_control_transfer_that_fails_once)
{
    static const NTSTATUS Ways[] = {STATUS_DEVICE_PROTOCOL_ERROR, STATUS_IO_DEVICE_ERROR,
                                    STATUS_PENDING, STATUS_DATA_OVERRUN};
    ULONG At;
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Ways); i++) {
        for (At = 1; At <= 6; At++) {
            Arrange();
            Mock.Interfere = Fail;
            FailControl = Ways[i];
            FailFrom = At;
            FailCount = 1;
            UsbMockPlug(&Mock, 1, &Stick.Device);
            CHECK(UsbBenchStartHost() != NULL);
            CHECK_EQUAL(0, FailCount);
            UsbBenchFinish();
        }
    }
}

TEST(UsbEnumerate_of_a_device_that_never_answers_ends_in_bounded_time)
{
    ULONG64 Before;

    Arrange();
    Mock.Interfere = Fail;
    FailControl = STATUS_PENDING;
    FailFrom = 1;
    FailCount = 1000000;
    UsbMockPlug(&Mock, 1, &Stick.Device);
    Before = HostCycles();
    CHECK(UsbBenchStartHost() == NULL);
    CHECK(HostCycles() - Before < 6000000000ull);
    FailCount = 0;
    UsbBenchFinish();
}

TEST(UsbPortName_shows_the_way_from_the_root)
{
    USB_HOST Host = {.Name = "xhci0"};
    USB_DEVICE First = {.Host = &Host, .RootPort = 7};
    USB_DEVICE Hub = {
        .Host = &Host, .Hub = &First, .RootPort = 7, .HubPort = 2, .Tier = 1, .Route = 0x2};
    USB_DEVICE Device = {
        .Host = &Host, .Hub = &Hub, .RootPort = 7, .HubPort = 15, .Tier = 2, .Route = 0xF2};
    USB_PORT Port = {&Host, &Device, 4};
    char Text[USB_PLACE_BYTES];

    CHECK_TEXT("xhci0 port 7", UsbDeviceName(&First, Text));
    CHECK_TEXT("xhci0 port 7.2", UsbDeviceName(&Hub, Text));
    CHECK_TEXT("xhci0 port 7.2.15", UsbDeviceName(&Device, Text));
    CHECK_TEXT("xhci0 port 7.2.15.4", UsbPortName(&Port, Text));
    Port.Hub = NULL;
    CHECK_TEXT("xhci0 port 4", UsbPortName(&Port, Text));
}

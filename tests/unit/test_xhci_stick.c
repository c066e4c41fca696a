/* SPDX-License-Identifier: MIT */
/*
 * test_xhci_stick.c - a stick over all of it: the disk, the core, the xHCI driver, the mock.
 *
 * The stick is the USB mock's; here its transfers come through the mock controller's rings, so
 * that a controller may lie to a disk that is in use.
 */
#include "disk/driver/drivers.h"
#include "tests/unit/disk_bench.h"
#include "tests/unit/usb_bench.h"
#include "tests/unit/xhci_bench.h"

#include <string.h>

#define PORT 2u

static USB_STICK Stick;
static USB_STICK Second;

/* ---- the USB mock's stick as a device of the xHCI mock ---- */

static ULONG EndpointBit(ULONG Address)
{
    return 1u << ((Address & 0xF) + (Address & 0x80 ? 16 : 0));
}

static LONG Result(USB_MOCK_DEVICE *Device, UCHAR Endpoint, NTSTATUS Status, ULONG Bytes)
{
    switch (Status) {
    case STATUS_SUCCESS:
        return (LONG)Bytes;
    case STATUS_PENDING:
        return XHCI_MOCK_NAK;
    case STATUS_DEVICE_PROTOCOL_ERROR:
        Device->Halted |= Endpoint != 0 ? EndpointBit(Endpoint) : 0;
        return XHCI_MOCK_STALL;
    case STATUS_DATA_OVERRUN:
        return XHCI_MOCK_BABBLE;
    default:
        return XHCI_MOCK_ERROR;
    }
}

static LONG Standard(USB_MOCK_DEVICE *Device, const USB_SETUP *Setup, PUCHAR Data)
{
    ULONG Type = Setup->Value >> 8;
    const UCHAR *From = Type == 1 ? Device->DeviceDescriptor : Device->Configuration;
    ULONG Have = Type == 1 ? Device->DeviceBytes : Device->ConfigurationBytes;

    if (Setup->RequestType == 0x80 && Setup->Request == 6 && (Type == 1 || Type == 2)) {
        Have = Have < Setup->Length ? Have : Setup->Length;
        memcpy(Data, From, Have);
        return (LONG)Have;
    }
    if (Setup->RequestType == 0 && Setup->Request == 9) {
        Device->Configured = Setup->Value;
        return 0;
    }
    if (Setup->RequestType == 2 && Setup->Request == 1 && Setup->Value == 0) {
        Device->Halted &= ~EndpointBit(Setup->Index);
        return 0;
    }
    return XHCI_MOCK_STALL;
}

static LONG Control(XHCI_MOCK_DEVICE *Mocked, const USB_SETUP *Setup, PUCHAR Data)
{
    USB_MOCK_DEVICE *Device = Mocked->Context;
    ULONG Bytes = Setup->Length;

    if ((Setup->RequestType & 0x60) == 0) {
        return Standard(Device, Setup, Data);
    }
    return Result(Device, 0, Device->Control(Device, Setup, Data, &Bytes), Bytes);
}

static LONG Transfer(XHCI_MOCK_DEVICE *Mocked, UCHAR Endpoint, PUCHAR Data, ULONG Bytes)
{
    USB_MOCK_DEVICE *Device = Mocked->Context;

    CHECK(Device->Configured != 0);
    if (Device->Halted & EndpointBit(Endpoint)) {
        return XHCI_MOCK_STALL;
    }
    return Result(Device, Endpoint, Device->Transfer(Device, Endpoint, Data, &Bytes), Bytes);
}

static XHCI_MOCK_DEVICE First = {.Control = Control, .Transfer = Transfer, .Context = &Stick};
static XHCI_MOCK_DEVICE Next = {.Control = Control, .Transfer = Transfer, .Context = &Second};

/* ---- the machine ---- */

/* => Returns the disk that the stick has become. */
static PDISK_DEVICE Start(void)
{
    DiskBenchStart();
    XhciMockAttach(&XhciBenchMock);
    UsbStickCreate(&Stick);
    UsbStickCreate(&Second);
    Stick.OutOfStep = Second.OutOfStep = TRUE;
    First.Speed = Next.Speed = UsbSpeedHigh;
    XhciMockPlug(&XhciBenchMock, PORT, 0, &First);
    CHECK_EQUAL(STATUS_SUCCESS, XhciAddDevice(XhciMockFunction, 0));
    return DiskNextDevice(NULL);
}

static void Finish(void)
{
    DriverForgetDisks();
    DiskBenchFinish();
}

TEST(Xhci_stick_becomes_a_disk_that_keeps_what_is_written)
{
    PDISK_DEVICE Disk = Start();
    ULONG i;

    CHECK(Disk != NULL && Disk->Sectors == 1024 && Disk->SectorBytes == 512);
    for (i = 1; i <= 128; i += 13) {
        CHECK_EQUAL(STATUS_SUCCESS, UsbBenchRoundTrip(Disk, i, i));
    }
    CHECK_EQUAL(STATUS_SUCCESS, DiskBenchTransfer(Disk, DiskFlush, 0, 0, NULL));
    Finish();
}

TEST(Xhci_stick_works_on_every_controller)
{
    ULONG i;

    First.Speed = UsbSpeedHigh;
    for (i = 0; i < 8; i++) {
        DiskBenchStart();
        XhciMockAttach(&XhciBenchMock);
        XhciBenchMock.ContextBytes = i & 1 ? 64 : 32;
        XhciBenchMock.Scratchpads = i & 2 ? 33 : 0;
        XhciBenchMock.SpeedTables = XhciBenchMock.PowerSwitched = i & 4 ? TRUE : FALSE;
        UsbStickCreate(&Stick);
        XhciMockPlug(&XhciBenchMock, PORT, 0, &First);
        CHECK_EQUAL(STATUS_SUCCESS, XhciAddDevice(XhciMockFunction, 0));
        CHECK(DiskNextDevice(NULL) != NULL);
        CHECK_EQUAL(STATUS_SUCCESS, UsbBenchRoundTrip(DiskNextDevice(NULL), 7, 128));
        Finish();
    }
}

TEST(Xhci_stick_survives_a_controller_that_lies_about_its_transfers)
{
    static const XHCI_MOCK_ANSWER Answers[] = {
        XhciMockTwice,      XhciMockWrongPointer, XhciMockWildPointer, XhciMockWrongSlot,
        XhciMockWrongCycle, XhciMockTooLong,      XhciMockNoInterrupt, XhciMockSilent};
    PDISK_DEVICE Disk = Start();
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Answers); i++) {
        XhciBenchMock.TransferAnswer = Answers[i];
        XhciBenchMock.TransferMisbehaves = 1;
        (void)UsbBenchRoundTrip(Disk, 8 * i, 8); /* a request may fail, but it ends */
        XhciBenchMock.TransferMisbehaves = 0;
        CHECK_EQUAL(STATUS_SUCCESS, UsbBenchRoundTrip(Disk, 8 * i, 8));
    }
    Finish();
}

TEST(Xhci_stick_stalls_and_recovers)
{
    static const USB_STICK_FAULT Faults[] = {
        StickStallData,   StickStallShort,   StickStallStatus, StickSilentData,  StickBabble,
        StickTransaction, StickSilentStatus, StickPhaseError,  StickShortStatus, StickStallCommand};
    PDISK_DEVICE Disk = Start();
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Faults); i++) {
        Stick.Fault = Faults[i];
        Stick.FaultOn = 0x28; /* READ(10) */
        Stick.FaultTimes = 1;
        (void)UsbBenchRoundTrip(Disk, 16 * i, 16);
        Stick.FaultTimes = 0;
        CHECK_EQUAL(STATUS_SUCCESS, UsbBenchRoundTrip(Disk, 16 * i, 16));
    }
    Finish();
}

TEST(Xhci_stick_that_is_pulled_out_is_gone_and_another_one_is_found)
{
    PDISK_DEVICE Disk = Start();
    PDISK_DEVICE Other;
    UCHAR Sector[512];

    XhciMockUnplug(&XhciBenchMock, &First);
    UsbBenchSleep(1000);
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchTransfer(Disk, DiskRead, 0, 1, Sector));
    XhciMockPlug(&XhciBenchMock, PORT, 0, &Next);
    UsbBenchSleep(3000);
    Other = DiskNextDevice(Disk);
    CHECK(Other != NULL && DiskNextDevice(Other) == NULL);
    CHECK_EQUAL(STATUS_SUCCESS, UsbBenchRoundTrip(Other, 5, 9));
    Finish();
}

TEST(Xhci_stick_is_gone_when_its_controller_is)
{
    ULONG i;

    for (i = 0; i < 2; i++) {
        PDISK_DEVICE Disk = Start();
        UCHAR Sector[512];

        if (i == 0) {
            XhciMockRemove(&XhciBenchMock);
        } else {
            XhciMockBreak(&XhciBenchMock, 4);
        }
        CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchTransfer(Disk, DiskRead, 0, 1, Sector));
        UsbBenchSleep(1000);
        CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, DiskBenchTransfer(Disk, DiskWrite, 0, 1, Sector));
        Finish();
    }
}

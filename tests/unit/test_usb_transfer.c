/* SPDX-License-Identifier: MIT */
/*
 * test_usb_transfer.c - control transfers: data both ways, what is short, what fails, buffers.
 */
#include "disk/driver/usb_core.h"
#include "tests/unit/usb_bench.h"

#include <string.h>

static USB_MOCK_DEVICE Device;
static UCHAR Got[64];
static ULONG GotBytes;
static NTSTATUS Answer;
static ULONG AnswerBytes;

static NTSTATUS Control(USB_MOCK_DEVICE *D, const USB_SETUP *Setup, PUCHAR Data, PULONG Bytes)
{
    (void)D;
    if (Setup->RequestType & 0x80) {
        memset(Data, 0x5A, AnswerBytes);
        *Bytes = AnswerBytes;
    } else {
        GotBytes = *Bytes;
        memcpy(Got, Data, *Bytes);
    }
    return Answer;
}

/* A device without drivers stays addressed.  => The core's. */
static PUSB_DEVICE Arrange(void)
{
    static const UCHAR Descriptor[] = {18,   1,    0x00, 0x02, 0, 0, 0, 64, 0x34,
                                       0x12, 0x78, 0x56, 0,    1, 0, 0, 0,  1};
    static const UCHAR Configuration[] = {9, 2, 9, 0, 0, 1, 0, 0x80, 50};

    UsbBenchStart();
    memset(&Device, 0, sizeof(Device));
    Device.Speed = UsbSpeedHigh;
    memcpy(Device.DeviceDescriptor, Descriptor, sizeof(Descriptor));
    Device.DeviceBytes = sizeof(Descriptor);
    memcpy(Device.Configuration, Configuration, sizeof(Configuration));
    Device.ConfigurationBytes = sizeof(Configuration);
    Device.Control = Control;
    UsbMockPlug(&Mock, 1, &Device);
    CHECK(UsbBenchStartHost() == NULL);
    CHECK(UsbBenchSaid("mock0 port 1: 1234:5678: no driver for it\n"));
    Answer = STATUS_SUCCESS;
    AnswerBytes = 0;
    return Device.Device;
}

/* The bus's thread sleeps: its transfer can be ours for once. */
static NTSTATUS In(PUSB_DEVICE D, ULONG Bytes, PUCHAR Buffer, PULONG Done)
{
    const USB_SETUP Setup = {0xC0, 1, 0, 0, (USHORT)Bytes};

    return UsbControlTransfer(D, Setup, Buffer, Done);
}

TEST(UsbControlTransfer_moves_data_to_the_host_and_says_how_much)
{
    PUSB_DEVICE D = Arrange();
    UCHAR Buffer[9] = {0};
    ULONG Done = 99;

    AnswerBytes = 8;
    CHECK_EQUAL(STATUS_SUCCESS, In(D, 8, Buffer, &Done));
    CHECK(Done == 8 && Buffer[7] == 0x5A && Buffer[8] == 0);
    AnswerBytes = 3;
    memset(Buffer, 0, sizeof(Buffer));
    CHECK_EQUAL(STATUS_SUCCESS, In(D, 8, Buffer, &Done));
    CHECK(Done == 3 && Buffer[2] == 0x5A && Buffer[3] == 0);
    UsbBenchFinish();
}

TEST(UsbControlTransfer_moves_data_to_the_device)
{
    const USB_SETUP Setup = {0x40, 1, 0, 0, 5};
    PUSB_DEVICE D = Arrange();

    CHECK_EQUAL(STATUS_SUCCESS, UsbControlTransfer(D, Setup, (PVOID) "hello", NULL));
    CHECK(GotBytes == 5 && memcmp(Got, "hello", 5) == 0);
    CHECK_EQUAL(STATUS_SUCCESS, UsbControlRequest(D, 0x40, 2, 3, 4));
    CHECK_EQUAL(0, GotBytes);
    UsbBenchFinish();
}

TEST(UsbControlTransfer_works_again_after_each_way_to_fail)
{
    static const NTSTATUS Ways[] = {STATUS_DEVICE_PROTOCOL_ERROR, STATUS_IO_DEVICE_ERROR,
                                    STATUS_PENDING};
    static const NTSTATUS Ends[] = {STATUS_DEVICE_PROTOCOL_ERROR, STATUS_IO_DEVICE_ERROR,
                                    STATUS_IO_TIMEOUT};
    PUSB_DEVICE D = Arrange();
    UCHAR Buffer[8];
    ULONG Done = 99;
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Ways); i++) {
        Answer = Ways[i];
        CHECK_EQUAL(Ends[i], In(D, 8, Buffer, &Done));
        CHECK_EQUAL(99, Done);
        Answer = STATUS_SUCCESS;
        CHECK_EQUAL(STATUS_SUCCESS, UsbControlRequest(D, 0x40, 2, 3, 4));
    }
    UsbBenchFinish();
}

TEST(UsbControlTransfer_of_more_than_its_buffer_is_refused)
{
    PUSB_DEVICE D = Arrange();
    ULONG Before = Mock.Submitted;
    UCHAR Byte;

    CHECK_EQUAL(STATUS_INVALID_PARAMETER, In(D, USB_BUFFER_BYTES + 1, &Byte, NULL));
    CHECK_EQUAL(Before, Mock.Submitted);
    UsbBenchFinish();
}

TEST(UsbControlTransfer_to_a_device_that_is_gone_is_not_even_tried)
{
    PUSB_DEVICE D = Arrange();
    ULONG Before = Mock.Submitted;
    USB_DEVICE Copy = *D;
    UCHAR Byte;

    Copy.Gone = TRUE;
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, In(&Copy, 1, &Byte, NULL));
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, UsbClearHalt(&Copy, 0x81));
    CHECK_EQUAL(Before, Mock.Submitted);
    UsbBenchFinish();
}

TEST(UsbAllocateBuffer_describes_one_page_of_zeroes)
{
    USB_BUFFER Buffer;

    UsbBenchStart();
    CHECK(UsbAllocateBuffer(&Buffer));
    CHECK_EQUAL(0, Buffer.Memory[0] | Buffer.Memory[PAGE_SIZE - 1]);
    CHECK_EQUAL(PAGE_SIZE, MmGetMdlByteCount(&Buffer.Pages.Mdl));
    CHECK_EQUAL((ULONG)(MmGetPhysicalAddress(Buffer.Memory).QuadPart >> PAGE_SHIFT),
                MmGetMdlPfnArray(&Buffer.Pages.Mdl)[0]);
    UsbFreeBuffer(&Buffer);
    UsbFreeBuffer(&Buffer); /* nothing twice */
    UsbBenchFinish();
}

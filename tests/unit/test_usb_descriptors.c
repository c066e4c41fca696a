/* SPDX-License-Identifier: MIT */
/*
 * test_usb_descriptors.c - descriptors as they should be, and as they should not.
 */
#include "disk/driver/usb_descriptors.h"
#include "tests/unit/hazard.h"
#include "tests/unit/test.h"

#include <string.h>

static const UCHAR Device[18] = {18,   1,    0x00, 0x02, 0, 0, 0, 64, 0xF4,
                                 0x46, 0x01, 0x20, 0,    1, 0, 0, 0,  1};

static const UCHAR Composite[] = {
    9, 2,    66,   0,    3, 7, 0,    0xA0, 50, /* configuration 7 */
    9, 4,    0,    0,    1, 3, 1,    1,    0,  /* interface 0: boot keyboard */
    9, 0x21, 0x11, 0x01, 0, 1, 0x22, 63,   0,  /* something else in between */
    7, 5,    0x81, 3,    8, 0, 10,             /* interrupt */
    9, 4,    1,    0,    2, 8, 6,    0x50, 0,  /* interface 1: storage */
    7, 5,    0x82, 2,    0, 2, 0,              /* bulk */
    7, 5,    0x03, 2,    0, 2, 0,              /* bulk */
    9, 4,    1,    1,    0, 8, 6,    0x62, 0,  /* another setting of it */
};

static USB_CONFIGURATION C;

static NTSTATUS ParseWith(ULONG At, UCHAR Value, USB_SPEED Speed)
{
    UCHAR Bytes[sizeof(Composite)];

    memcpy(Bytes, Composite, sizeof(Bytes));
    Bytes[At] = Value;
    return UsbParseConfiguration(Bytes, sizeof(Bytes), Speed, &C);
}

TEST(UsbParseControlPacket_takes_what_the_speed_allows_and_nothing_else)
{
    static const struct {
        USB_SPEED Speed;
        UCHAR Said;
        ULONG Bytes; /* 0: refused */
    } Cases[] = {
        {UsbSpeedLow, 8, 8},    {UsbSpeedLow, 64, 0},    {UsbSpeedFull, 8, 8},
        {UsbSpeedFull, 16, 16}, {UsbSpeedFull, 32, 32},  {UsbSpeedFull, 64, 64},
        {UsbSpeedFull, 9, 0},   {UsbSpeedFull, 0, 0},    {UsbSpeedHigh, 64, 64},
        {UsbSpeedHigh, 8, 0},   {UsbSpeedSuper, 9, 512}, {UsbSpeedSuper, 64, 0},
        {UsbSpeedNone, 64, 0},
    };
    UCHAR Bytes[8];
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Cases); i++) {
        ULONG Packet = 0;
        NTSTATUS Status;

        memcpy(Bytes, Device, sizeof(Bytes));
        Bytes[7] = Cases[i].Said;
        Status = UsbParseControlPacket(Bytes, sizeof(Bytes), Cases[i].Speed, &Packet);
        CHECK_EQUAL(Cases[i].Bytes, Packet);
        CHECK(NT_SUCCESS(Status) == (Cases[i].Bytes != 0));
    }
}

TEST(UsbParseControlPacket_refuses_what_is_short_or_something_else)
{
    UCHAR Bytes[8];
    ULONG Packet;

    memcpy(Bytes, Device, sizeof(Bytes));
    CHECK(!NT_SUCCESS(UsbParseControlPacket(Bytes, 7, UsbSpeedHigh, &Packet)));
    Bytes[1] = 2;
    CHECK(!NT_SUCCESS(UsbParseControlPacket(Bytes, 8, UsbSpeedHigh, &Packet)));
    Bytes[1] = 1;
    Bytes[0] = 17;
    CHECK(!NT_SUCCESS(UsbParseControlPacket(Bytes, 8, UsbSpeedHigh, &Packet)));
}

TEST(UsbParseDevice_reads_who_it_is)
{
    UCHAR Bytes[18];
    USB_DEVICE_FACTS Facts;

    memcpy(Bytes, Device, sizeof(Bytes));
    CHECK_EQUAL(STATUS_SUCCESS, UsbParseDevice(Bytes, 18, UsbSpeedHigh, &Facts));
    CHECK_EQUAL(0x46F4, Facts.Vendor);
    CHECK_EQUAL(0x2001, Facts.Product);
    CHECK_EQUAL(64, Facts.ControlPacket);
    CHECK_EQUAL(1, Facts.Configurations);
    CHECK(!NT_SUCCESS(UsbParseDevice(Bytes, 17, UsbSpeedHigh, &Facts)));
    Bytes[17] = 0;
    CHECK(!NT_SUCCESS(UsbParseDevice(Bytes, 18, UsbSpeedHigh, &Facts)));
}

TEST(UsbParseConfiguration_finds_interfaces_with_their_endpoints)
{
    const USB_ENDPOINT *Endpoint;

    CHECK_EQUAL(STATUS_SUCCESS,
                UsbParseConfiguration(Composite, sizeof(Composite), UsbSpeedHigh, &C));
    CHECK_EQUAL(7, C.Value);
    CHECK_EQUAL(2, C.InterfaceCount);
    CHECK(C.Interfaces[0].Class == 3 && C.Interfaces[0].SubClass == 1);
    CHECK_EQUAL(1, C.Interfaces[0].EndpointCount);
    CHECK_EQUAL(0x50, C.Interfaces[1].Protocol);
    CHECK_EQUAL(2, C.Interfaces[1].EndpointCount);
    Endpoint = UsbFindEndpoint(&C.Interfaces[1], UsbBulk, 0x80);
    CHECK(Endpoint != NULL && Endpoint->Address == 0x82 && Endpoint->MaximumPacket == 512);
    Endpoint = UsbFindEndpoint(&C.Interfaces[1], UsbBulk, 0);
    CHECK(Endpoint != NULL && Endpoint->Address == 0x03);
    CHECK(UsbFindEndpoint(&C.Interfaces[1], UsbInterrupt, 0x80) == NULL);
    Endpoint = UsbFindEndpoint(&C.Interfaces[0], UsbInterrupt, 0x80);
    CHECK(Endpoint != NULL && Endpoint->Interval == 10);
}

TEST(UsbParseConfiguration_leaves_out_endpoints_that_make_no_sense)
{
    /* offsets of the first bulk endpoint (at 43) and of the interrupt endpoint (at 27) */
    static const struct {
        ULONG At;
        UCHAR Value;
        ULONG Interface;
        ULONG Left;
    } Cases[] = {
        {45, 0x80, 1, 1}, /* number 0 */
        {45, 0x92, 1, 1}, /* reserved bits */
        {45, 0x81, 1, 1}, /* the keyboard's */
        {45, 0x03, 1, 1}, /* the next one's: that goes */
        {46, 1, 1, 1},    /* isochronous: nobody drives it */
        {48, 1, 1, 1},    /* 256 bytes */
        {47, 1, 1, 1},    /* 513 bytes */
        {33, 0, 0, 0},    /* no interval */
        {31, 0, 0, 0},    /* no packet */
    };
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Cases); i++) {
        CHECK_EQUAL(STATUS_SUCCESS, ParseWith(Cases[i].At, Cases[i].Value, UsbSpeedHigh));
        CHECK_EQUAL(Cases[i].Left, C.Interfaces[Cases[i].Interface].EndpointCount);
    }
}

TEST(UsbParseConfiguration_knows_what_each_speed_allows)
{
    CHECK_EQUAL(STATUS_SUCCESS, ParseWith(0, 9, UsbSpeedFull)); /* bulk of 512 at full speed */
    CHECK_EQUAL(0, C.Interfaces[1].EndpointCount);
    CHECK_EQUAL(STATUS_SUCCESS, ParseWith(0, 9, UsbSpeedLow)); /* no bulk at low speed */
    CHECK_EQUAL(0, C.Interfaces[1].EndpointCount);
    CHECK_EQUAL(1, C.Interfaces[0].EndpointCount);
    CHECK_EQUAL(STATUS_SUCCESS, ParseWith(31, 9, UsbSpeedLow)); /* 9 bytes */
    CHECK_EQUAL(0, C.Interfaces[0].EndpointCount);
}

TEST(UsbParseConfiguration_takes_the_burst_from_the_companion)
{
    UCHAR Bytes[] = {
        9, 2, 44,   0, 1, 1, 0, 0x80, 50,                /* configuration */
        9, 4, 0,    0, 2, 8, 6, 0x50, 0,                 /* interface */
        7, 5, 0x81, 2, 0, 4, 0, 6,    0x30, 7,  0, 0, 0, /* bulk, burst 7 */
        7, 5, 0x02, 2, 0, 4, 0, 6,    0x30, 99, 0, 0, 0  /* bulk, a burst that there is not */
    };

    CHECK_EQUAL(STATUS_SUCCESS, UsbParseConfiguration(Bytes, sizeof(Bytes), UsbSpeedSuper, &C));
    CHECK_EQUAL(7, C.Interfaces[0].Endpoints[0].Burst);
    CHECK_EQUAL(0, C.Interfaces[0].Endpoints[1].Burst);
}

TEST(UsbParseConfiguration_ends_where_the_bytes_end)
{
    ULONG Count;

    for (Count = 0; Count <= sizeof(Composite); Count++) {
        PUCHAR Bytes = TestFencedBytes(Count);
        NTSTATUS Status;

        memcpy(Bytes, Composite, Count);
        Status = UsbParseConfiguration(Bytes, Count, UsbSpeedHigh, &C);
        CHECK(NT_SUCCESS(Status) == (Count >= 9));
        CHECK(Count < sizeof(Composite) || C.InterfaceCount == 2);
    }
}

TEST(UsbParseConfiguration_does_not_stand_still)
{
    CHECK_EQUAL(STATUS_SUCCESS, ParseWith(9, 0, UsbSpeedHigh)); /* a length of 0 */
    CHECK_EQUAL(0, C.InterfaceCount);
    CHECK_EQUAL(STATUS_SUCCESS, ParseWith(9, 1, UsbSpeedHigh));
    CHECK_EQUAL(0, C.InterfaceCount);
    CHECK_EQUAL(STATUS_SUCCESS, ParseWith(34, 0xFF, UsbSpeedHigh)); /* behind the end */
    CHECK_EQUAL(1, C.InterfaceCount);
}

TEST(UsbParseConfiguration_takes_no_more_than_it_has_room_for)
{
    UCHAR Bytes[9 + 20 * 9 + 8 * 7] = {9, 2, sizeof(Bytes), 0, 20, 1, 0, 0x80, 50};
    PUCHAR At = Bytes + 9;
    ULONG i;

    for (i = 0; i < 8; i++, At += 7) {
        if (i == 0) {
            memcpy(At, "\x09\x04\x00\x00\x08\x08\x06\x50\x00", 9);
            At += 9;
        }
        memcpy(At, "\x07\x05\x81\x02\x00\x02\x00", 7);
        At[2] = (UCHAR)(0x81 + i);
    }
    for (i = 1; i < 20; i++, At += 9) {
        memcpy(At, "\x09\x04\x00\x00\x00\xFF\x00\x00\x00", 9);
        At[2] = (UCHAR)i;
    }
    CHECK(At == Bytes + sizeof(Bytes));
    CHECK_EQUAL(STATUS_SUCCESS, UsbParseConfiguration(Bytes, sizeof(Bytes), UsbSpeedHigh, &C));
    CHECK_EQUAL(USB_INTERFACES, C.InterfaceCount);
    CHECK_EQUAL(USB_INTERFACE_ENDPOINTS, C.Interfaces[0].EndpointCount);
}

TEST(UsbParseHub_reads_ports_and_times)
{
    UCHAR Bytes[] = {9, 0x29, 4, 0xE9, 0, 50, 100};
    USB_HUB_FACTS Facts;

    CHECK_EQUAL(STATUS_SUCCESS, UsbParseHub(Bytes, sizeof(Bytes), UsbSpeedHigh, &Facts));
    CHECK_EQUAL(4, Facts.Ports);
    CHECK_EQUAL(100, Facts.PowerMs);
    CHECK_EQUAL(3, Facts.ThinkTime);
    CHECK(!NT_SUCCESS(UsbParseHub(Bytes, sizeof(Bytes), UsbSpeedSuper, &Facts)));
    CHECK(!NT_SUCCESS(UsbParseHub(Bytes, 6, UsbSpeedHigh, &Facts)));
    Bytes[2] = 200;
    CHECK_EQUAL(STATUS_SUCCESS, UsbParseHub(Bytes, sizeof(Bytes), UsbSpeedHigh, &Facts));
    CHECK_EQUAL(USB_HUB_PORTS, Facts.Ports);
    Bytes[2] = 0;
    CHECK(!NT_SUCCESS(UsbParseHub(Bytes, sizeof(Bytes), UsbSpeedHigh, &Facts)));
}

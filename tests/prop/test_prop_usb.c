/* SPDX-License-Identifier: MIT */
/*
 * test_prop_usb.c - hostile USB devices (figure R7): descriptors of rubbish, answers that lie, and
 * devices that vanish.
 *
 * Nothing is expected of what such a device is good for, but: everything ends in bounded time, each
 * request once and with a status that it may have, what was read without an error is what a device
 * sent, no rule of usb.h is broken (the mock host checks), and no memory is lost.
 *
 * An event is one thing that a device did wrong: a descriptor that was damaged, a transfer that did
 * not end as it should.
 */
#include "disk/driver/usb_descriptors.h"
#include "disk/driver/usb_scsi.h"
#include "tests/unit/hazard.h"
#include "tests/unit/usb_bench.h"

#include <stdio.h>
#include <string.h>

#define EVENTS 400u /* of a machine, then it behaves */
#define PARSES 80000u
#define WANTED 100000u

static USB_STICK Stick;
static USB_MOCK_HUB Hub;
static USB_MOCK_KEYBOARD Keyboard;
static uint64_t Random;
static uint64_t Events;
static ULONG Left; /* events of this machine */

static ULONG Below(ULONG Limit)
{
    return TestRandom(&Random) % Limit;
}

/* ---- descriptors alone ---- */

/* Change a few bytes, mostly to those at which something happens. */
static void Damage(PUCHAR Bytes, ULONG Count)
{
    static const UCHAR Edges[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 0x0F, 0x30, 0x7F, 0x80, 0x81, 0xFF};
    ULONG Changes = 1 + Below(5);

    while (Changes-- != 0 && Count != 0) {
        Bytes[Below(Count)] =
            Below(3) == 0 ? (UCHAR)TestRandom(&Random) : Edges[Below(sizeof(Edges))];
        Events++;
    }
}

static void CheckInterface(const USB_INTERFACE *Interface, PULONG Addresses)
{
    ULONG i;

    CHECK(Interface->EndpointCount <= USB_INTERFACE_ENDPOINTS);
    for (i = 0; i < Interface->EndpointCount; i++) {
        const USB_ENDPOINT *E = &Interface->Endpoints[i];
        ULONG Bit = 1u << ((E->Address & 15) + (E->Address & 0x80 ? 16 : 0));

        CHECK((E->Address & 0x70) == 0 && (E->Address & 15) != 0);
        CHECK((*Addresses & Bit) == 0);
        CHECK(E->MaximumPacket != 0 && E->MaximumPacket <= 1024 && E->Burst <= 15);
        CHECK(E->Type == UsbBulk || (E->Type == UsbInterrupt && E->Interval != 0));
        *Addresses |= Bit;
    }
}

static void CheckConfiguration(const UCHAR *Bytes, ULONG Count, USB_SPEED Speed)
{
    USB_CONFIGURATION C;
    ULONG Addresses = 0;
    ULONG i;

    memset(&C, 0xCC, sizeof(C));
    if (!NT_SUCCESS(UsbParseConfiguration(Bytes, Count, Speed, &C))) {
        return;
    }
    CHECK(C.InterfaceCount <= USB_INTERFACES);
    for (i = 0; i < C.InterfaceCount; i++) {
        CheckInterface(&C.Interfaces[i], &Addresses);
    }
}

static void CheckOthers(const UCHAR *Bytes, ULONG Count, USB_SPEED Speed)
{
    USB_DEVICE_FACTS Facts;
    USB_HUB_FACTS HubFacts;
    SCSI_INQUIRY Inquiry;
    ULONG64 Sectors = 1;
    ULONG SectorBytes = 512;

    if (NT_SUCCESS(UsbParseDevice(Bytes, Count, Speed, &Facts))) {
        CHECK(Facts.ControlPacket >= 8 && Facts.ControlPacket <= 512 && Facts.Configurations != 0);
    }
    if (NT_SUCCESS(UsbParseHub(Bytes, Count, Speed, &HubFacts))) {
        CHECK(HubFacts.Ports >= 1 && HubFacts.Ports <= 15 && HubFacts.PowerMs <= 510);
        CHECK(HubFacts.ThinkTime <= 3);
    }
    ScsiParseInquiry(Bytes, Count, &Inquiry);
    CHECK(strlen(Inquiry.Name) < SCSI_NAME_BYTES);
    CHECK(ScsiParseSense(Bytes, Count) <= ScsiFailed);
    (void)ScsiParseProtection(Bytes, Count);
    if (NT_SUCCESS(ScsiParseCapacity(Bytes, Count, &Sectors, &SectorBytes)) && Sectors != 0) {
        CHECK(SectorBytes >= 512 && SectorBytes <= 4096);
    }
    if (NT_SUCCESS(ScsiParseLongCapacity(Bytes, Count, &Sectors, &SectorBytes))) {
        CHECK(Sectors != 0 && Sectors * SectorBytes / SectorBytes == Sectors);
    }
}

/* => Every copy ends at memory that cannot be touched. */
static void ParseRubbish(uint64_t Rounds)
{
    while (Rounds-- != 0) {
        const USB_MOCK_DEVICE *From = Below(2) ? &Keyboard.Device : &Stick.Device;
        BOOLEAN Whole = Below(2);
        ULONG Count = Whole ? From->ConfigurationBytes : From->DeviceBytes;
        USB_SPEED Speed = Below(5);
        PUCHAR Bytes;

        Count = Below(4) == 0 ? Below(Count + 1) : Count;
        Bytes = TestFencedBytes(Count);
        memcpy(Bytes, Whole ? From->Configuration : From->DeviceDescriptor, Count);
        Damage(Bytes, Count);
        CheckConfiguration(Bytes, Count, Speed);
        CheckOthers(Bytes, Count, Speed);
    }
}

/* ---- devices ---- */

static NTSTATUS SomeError(void)
{
    static const NTSTATUS Ways[] = {STATUS_DEVICE_PROTOCOL_ERROR, STATUS_DEVICE_PROTOCOL_ERROR,
                                    STATUS_IO_DEVICE_ERROR, STATUS_DATA_OVERRUN, STATUS_PENDING};

    return Ways[Below(RTL_NUMBER_OF(Ways))];
}

/* One transfer in OneIn does not end as it should. */
static ULONG OneIn;

static NTSTATUS Interfere(USB_MOCK *M, USB_MOCK_DEVICE *Device, PUSB_TRANSFER Transfer)
{
    (void)M;
    if (Left == 0 || Below(OneIn) != 0 || Device->Mock == NULL ||
        (Transfer->LimitMs == 0 && Below(8) != 0)) {
        return STATUS_SUCCESS;
    }
    Left--;
    Events++;
    if (Below(200) == 0 && Device == &Stick.Device && Device->Hub == NULL) {
        UsbMockUnplug(Device);
        return STATUS_IO_DEVICE_ERROR;
    }
    return SomeError();
}

/* Whatever is not the medium's contents may lie. */
static void Garble(PUSB_TRANSFER Transfer, PUCHAR Data, PULONG Bytes)
{
    if (Left == 0 || *Bytes == 0 || *Bytes >= 512 || Below(OneIn) != 0 ||
        (Transfer->LimitMs == 0 && Below(8) != 0)) {
        return;
    }
    Left--;
    if (Below(3) == 0) {
        *Bytes = Below(*Bytes);
        Events++;
    } else {
        Damage(Data, *Bytes);
    }
}

static void Spoil(void)
{
    Events -= Stick.FaultTimes; /* that did not come to pass */
    Stick.Fault = StickStallCommand + Below(StickRefuse - StickStallCommand + 1);
    Stick.FaultOn = USB_STICK_ANY;
    Stick.FaultTimes = Below(4);
    Stick.Sense[0] = (UCHAR)Below(16);
    Stick.Sense[1] = (UCHAR)(Below(2) ? 0x20 + Below(16) : Below(256));
    Stick.Sense[2] = (UCHAR)Below(4);
    Stick.FailClassReset = Below(20) == 0 ? Below(4) : 0;
    Stick.Attention = Below(10) == 0 ? Below(3) : 0;
    Events += Stick.FaultTimes;
    Left -= Stick.FaultTimes < Left ? Stick.FaultTimes : Left;
}

static void CheckStatus(NTSTATUS Status)
{
    CHECK(Status == STATUS_SUCCESS || Status == STATUS_IO_DEVICE_ERROR ||
          Status == STATUS_IO_TIMEOUT || Status == STATUS_NO_SUCH_DEVICE ||
          Status == STATUS_MEDIA_WRITE_PROTECTED);
}

/* A read that says success brought what is on the medium. */
static void ReadSome(PDISK_DEVICE Disk)
{
    static UCHAR Buffer[16 * 512];
    ULONG Sector = Below(1000);
    ULONG Sectors = 1 + Below(16);
    NTSTATUS Status;

    memset(Buffer, 0xA5, sizeof(Buffer));
    Status = DiskBenchTransfer(Disk, DiskRead, Sector, Sectors, Buffer);
    CheckStatus(Status);
    CHECK(!NT_SUCCESS(Status) || memcmp(Buffer, Stick.Medium + Sector * 512, Sectors * 512) == 0);
}

static void WriteSome(PDISK_DEVICE Disk)
{
    static UCHAR Buffer[16 * 512];
    ULONG Sector = Below(1000);
    ULONG Sectors = 1 + Below(16);
    NTSTATUS Status;

    memset(Buffer, (int)Below(256), sizeof(Buffer));
    Status = DiskBenchTransfer(Disk, DiskWrite, Sector, Sectors, Buffer);
    CheckStatus(Status);
    CHECK(!NT_SUCCESS(Status) || memcmp(Buffer, Stick.Medium + Sector * 512, Sectors * 512) == 0);
}

static void UseDisk(PDISK_DEVICE Disk)
{
    ULONG Round;

    for (Round = 0; Round < EVENTS && Left != 0; Round++) {
        Spoil();
        switch (Below(5)) {
        case 0:
            CheckStatus(DiskBenchTransfer(Disk, DiskFlush, 0, 0, NULL));
            break;
        case 1:
            WriteSome(Disk);
            break;
        default:
            ReadSome(Disk);
        }
        if (Disk->Driver != NULL && Stick.Device.Mock == NULL) {
            break;
        }
    }
}

static void CreateDevices(void)
{
    UsbStickCreate(&Stick);
    UsbMockHubCreate(&Hub, UsbSpeedHigh);
    UsbMockKeyboardCreate(&Keyboard);
}

/* The stick is good when it is plugged in, and then no more. */
static void RunHostileStick(void)
{
    PDISK_DEVICE Disk;

    UsbBenchStart();
    CreateDevices();
    UsbMockPlug(&Mock, 1, &Stick.Device);
    Disk = UsbBenchStartHost();
    CHECK(Disk != NULL);
    Left = EVENTS;
    UseDisk(Disk);
    Left = 0;
    Mock.Interfere = NULL;
    UsbBenchFinish();
}

/* Everything is damaged from the start, behind a hub that is too. */
static void RunHostileBus(void)
{
    UsbBenchStart();
    CreateDevices();
    Stick.OutOfStep = TRUE;
    OneIn = 2 + Below(20);
    Left = EVENTS;
    if (Below(2)) {
        Damage(Stick.Device.Configuration, Stick.Device.ConfigurationBytes);
        Damage(Keyboard.Device.Configuration, Keyboard.Device.ConfigurationBytes);
        Damage(Stick.Device.DeviceDescriptor, Stick.Device.DeviceBytes);
    }
    Mock.Interfere = Interfere;
    Mock.Garble = Below(2) ? Garble : NULL;
    Mock.Synchronous = Below(4) == 0;
    Hub.AlwaysNews = Below(4) == 0;
    UsbMockPlug(&Mock, 1, &Hub.Device);
    UsbMockHubPlug(&Hub, 1, &Keyboard.Device);
    UsbMockPlug(&Mock, 2, &Stick.Device);
    if (UsbBenchStartHost() != NULL && Mock.Garble == NULL) { /* else its size may be a lie */
        ReadSome(UsbBenchDisk(NULL));
    }
    UsbBenchSleep(30000);
    Left = 0;
    UsbBenchFinish();
}

TEST(Hostile_USB_devices_cost_bounded_work_and_lose_nothing)
{
    uint64_t Wanted = TestRounds(WANTED);
    uint64_t Machines = 0;

    Random = TestSeed();
    Events = 0;
    CreateDevices();
    ParseRubbish(TestRounds(PARSES) / 4);
    while (Events < Wanted) {
        RunHostileStick();
        RunHostileBus();
        Machines += 2;
    }
    printf("# %llu machines\n# figure R7 %llu 0\n", (unsigned long long)Machines,
           (unsigned long long)Events);
    TestCountOperations(Events, Machines);
}

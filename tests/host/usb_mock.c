/* SPDX-License-Identifier: MIT */
/*
 * usb_mock.c - a USB host controller with virtual devices, written against usb.h.
 */
#include "tests/host/usb_mock.h"

#include "disk/driver/usb_core.h"
#include "tests/host/machine.h"
#include "tests/unit/test.h"

#include <string.h>

#define NANOSECONDS_OF_MS 1000000ull

static USB_MOCK *MockOf(PUSB_HOST Host)
{
    return CONTAINING_RECORD(Host, USB_MOCK, Host);
}

static ULONG EndpointBit(UCHAR Endpoint)
{
    ULONG Number = Endpoint & 15u;

    return 1u << (Number + (Endpoint & 0x80u && Number != 0 ? 16 : 0));
}

/* ---- transfers ---- */

/* Between the device's bytes and the frames of the MDL. */
static void Move(PUSB_TRANSFER Transfer, PUCHAR Data, ULONG Bytes, BOOLEAN ToHost)
{
    PMDL Mdl = Transfer->Mdl;
    ULONG At = Mdl != NULL ? Mdl->ByteOffset + Transfer->Offset : 0;
    ULONG i;

    CHECK(Bytes == 0 || (Mdl != NULL && Transfer->Offset + Bytes <= Mdl->ByteCount));
    for (i = 0; i < Bytes;) {
        ULONG Now = PAGE_SIZE - BYTE_OFFSET(At + i);
        PUCHAR Frame = HostFrame(MmGetMdlPfnArray(Mdl)[(At + i) >> PAGE_SHIFT]);

        Now = Now < Bytes - i ? Now : Bytes - i;
        if (ToHost) {
            memcpy(Frame + BYTE_OFFSET(At + i), Data + i, Now);
        } else {
            memcpy(Data + i, Frame + BYTE_OFFSET(At + i), Now);
        }
        i += Now;
    }
}

static void Complete(USB_MOCK_SLOT *Slot, NTSTATUS Status, ULONG Done)
{
    PUSB_TRANSFER Transfer = Slot->Transfer;

    Slot->Transfer = NULL;
    Slot->Mock->Completed++;
    Transfer->Status = Status;
    Transfer->Done = Done;
    Transfer->Completion(Transfer);
}

static NTSTATUS Standard(USB_MOCK_DEVICE *Device, const USB_SETUP *Setup, PUCHAR Data, PULONG Bytes)
{
    ULONG Type = Setup->Value >> 8;

    if (Setup->RequestType == 0x80 && Setup->Request == 6 && (Type == 1 || Type == 2)) {
        const UCHAR *From = Type == 1 ? Device->DeviceDescriptor : Device->Configuration;
        ULONG Have = Type == 1 ? Device->DeviceBytes : Device->ConfigurationBytes;

        *Bytes = Have < *Bytes ? Have : *Bytes;
        memcpy(Data, From, *Bytes);
        return STATUS_SUCCESS;
    }
    *Bytes = 0;
    if (Setup->RequestType == 0 && Setup->Request == 9) {
        Device->Configured = Setup->Value;
        return STATUS_SUCCESS;
    }
    if (Setup->RequestType == 2 && Setup->Request == 1 && Setup->Value == 0) {
        Device->Halted &= ~EndpointBit((UCHAR)Setup->Index);
        Device->ClearedHalt++;
        return STATUS_SUCCESS;
    }
    return STATUS_DEVICE_PROTOCOL_ERROR;
}

static NTSTATUS CarryOutControl(USB_MOCK_DEVICE *Device, PUSB_TRANSFER Transfer, PUCHAR Data,
                                PULONG Bytes)
{
    ULONG Room = *Bytes;
    NTSTATUS Status = Standard(Device, &Transfer->Setup, Data, Bytes);

    if (Status == STATUS_DEVICE_PROTOCOL_ERROR && Device->Control != NULL) {
        *Bytes = Room;
        Status = Device->Control(Device, &Transfer->Setup, Data, Bytes);
    }
    return Status;
}

static NTSTATUS CarryOut(USB_MOCK *Mock, USB_MOCK_DEVICE *Device, PUSB_TRANSFER Transfer,
                         PULONG Bytes)
{
    BOOLEAN ToHost = Transfer->Endpoint == 0 ? (Transfer->Setup.RequestType & 0x80) != 0
                                             : (Transfer->Endpoint & 0x80) != 0;
    NTSTATUS Status =
        Mock->Interfere != NULL ? Mock->Interfere(Mock, Device, Transfer) : STATUS_SUCCESS;

    *Bytes = 0;
    if (Status != STATUS_SUCCESS) {
        return Status;
    }
    if (Device->Mock == NULL) {
        return STATUS_IO_DEVICE_ERROR; /* nobody answers */
    }
    if (Device->Halted & EndpointBit(Transfer->Endpoint)) {
        return STATUS_DEVICE_PROTOCOL_ERROR;
    }
    *Bytes = Transfer->Bytes;
    if (!ToHost) {
        Move(Transfer, Mock->Data, Transfer->Bytes, FALSE);
    }
    if (Transfer->Endpoint == 0) {
        Status = CarryOutControl(Device, Transfer, Mock->Data, Bytes);
    } else {
        CHECK(Device->Configured != 0 && Device->Transfer != NULL);
        Status = Device->Transfer(Device, Transfer->Endpoint, Mock->Data, Bytes);
    }
    if (*Bytes > Transfer->Bytes) {
        *Bytes = Transfer->Bytes;
        Status = STATUS_DATA_OVERRUN;
    }
    if (ToHost && (NT_SUCCESS(Status) || Status == STATUS_DATA_OVERRUN) &&
        Status != STATUS_PENDING) {
        Move(Transfer, Mock->Data, *Bytes, TRUE);
    }
    return Status;
}

static void Arm(USB_MOCK_SLOT *Slot, ULONG64 Cycles);

static void Attempt(USB_MOCK_SLOT *Slot)
{
    PUSB_TRANSFER Transfer = Slot->Transfer;
    USB_MOCK_DEVICE *Device = Transfer->Device->HostPart;
    ULONG Bytes = 0;
    NTSTATUS Status = Slot->Late || Transfer->Device->Gone || Slot->Mock->Host.Gone
                          ? STATUS_IO_TIMEOUT
                          : CarryOut(Slot->Mock, Device, Transfer, &Bytes);

    if (Slot->Mock->Host.Gone || Transfer->Device->Gone) {
        Complete(Slot, STATUS_NO_SUCH_DEVICE, 0);
        return;
    }
    if (Status == STATUS_PENDING) {
        Slot->Waits = TRUE;
        if (Transfer->LimitMs != 0 && !Slot->Armed) {
            Slot->Late = TRUE;
            Arm(Slot, Transfer->LimitMs * NANOSECONDS_OF_MS);
        }
        return;
    }
    if (Status == STATUS_DEVICE_PROTOCOL_ERROR && Transfer->Endpoint != 0) {
        Device->Halted |= EndpointBit(Transfer->Endpoint);
    }
    if (!NT_SUCCESS(Status)) {
        Device->HostHalted |= EndpointBit(Transfer->Endpoint);
    }
    Complete(Slot, Status, Bytes);
}

static void Interrupt(PVOID Context)
{
    USB_MOCK_SLOT *Slot = Context;

    Slot->Armed = FALSE;
    if (Slot->Transfer != NULL) {
        Attempt(Slot);
    }
}

static void Arm(USB_MOCK_SLOT *Slot, ULONG64 Cycles)
{
    Slot->Armed = TRUE;
    HostRaiseInterruptAt(HostCycles() + Cycles, DISPATCH_LEVEL, Interrupt, Slot);
}

static USB_MOCK_SLOT *FreeSlot(USB_MOCK *Mock)
{
    ULONG i;

    for (i = 0; i < USB_MOCK_TRANSFERS; i++) {
        if (Mock->Slots[i].Transfer == NULL && !Mock->Slots[i].Armed) {
            return &Mock->Slots[i];
        }
    }
    TestFail(__FILE__, __LINE__, "too many transfers at once");
}

static void CheckTransfer(USB_MOCK *Mock, PUSB_TRANSFER Transfer)
{
    USB_MOCK_DEVICE *Device = Transfer->Device->HostPart;
    ULONG i;

    CHECK(KeGetCurrentIrql() <= DISPATCH_LEVEL);
    CHECK(Device != NULL && Device->Device == Transfer->Device);
    CHECK(Transfer->Completion != NULL && Transfer->Bytes <= USB_MOCK_BYTES);
    CHECK((Transfer->Bytes == 0) == (Transfer->Mdl == NULL) || Transfer->Mdl != NULL);
    CHECK((Device->Open & EndpointBit(Transfer->Endpoint)) != 0);
    CHECK((Device->HostHalted & EndpointBit(Transfer->Endpoint)) == 0);
    for (i = 0; i < USB_MOCK_TRANSFERS; i++) {
        CHECK(Mock->Slots[i].Transfer != Transfer);
    }
}

static void Submit(PUSB_TRANSFER Transfer)
{
    USB_MOCK *Mock = MockOf(Transfer->Device->Host);
    USB_MOCK_SLOT *Slot;

    CheckTransfer(Mock, Transfer);
    Slot = FreeSlot(Mock);
    *Slot = (USB_MOCK_SLOT){.Mock = Mock, .Transfer = Transfer};
    Mock->Submitted++;
    if (Mock->Synchronous) {
        Attempt(Slot);
    } else {
        Arm(Slot, Mock->DelayCycles);
    }
}

void UsbMockPoke(USB_MOCK_DEVICE *Device)
{
    ULONG i;

    for (i = 0; Device->Mock != NULL && i < USB_MOCK_TRANSFERS; i++) {
        USB_MOCK_SLOT *Slot = &Device->Mock->Slots[i];

        if (Slot->Transfer != NULL && Slot->Waits && !Slot->Armed &&
            Slot->Transfer->Device == Device->Device) {
            Slot->Waits = FALSE;
            Arm(Slot, Device->Mock->DelayCycles);
        }
    }
}

/* End those of a device; of one endpoint (ALL: of all). */
#define ALL 0xFFu

static void EndTransfers(USB_MOCK *Mock, PUSB_DEVICE Device, UCHAR Endpoint, NTSTATUS Status)
{
    ULONG i;

    for (i = 0; i < USB_MOCK_TRANSFERS; i++) {
        USB_MOCK_SLOT *Slot = &Mock->Slots[i];

        if (Slot->Transfer != NULL && Slot->Transfer->Device == Device &&
            (Endpoint == ALL || Slot->Transfer->Endpoint == Endpoint)) {
            Complete(Slot, Status, 0);
        }
    }
}

/* ---- ports ---- */

static NTSTATUS ReadPort(PUSB_HOST Host, ULONG Port, USB_PORT_STATUS *Status)
{
    USB_MOCK *Mock = MockOf(Host);

    CHECK(Port >= 1 && Port <= Host->Ports);
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    if (Host->Gone) {
        return STATUS_NO_SUCH_DEVICE;
    }
    *Status = (USB_PORT_STATUS){
        .Connected = Mock->Ports[Port] != NULL,
        .Enabled = Mock->Ports[Port] != NULL && Mock->Enabled[Port],
        .Speed = Mock->Ports[Port] != NULL ? Mock->Ports[Port]->Speed : UsbSpeedNone,
    };
    return STATUS_SUCCESS;
}

static void ResetDevice(USB_MOCK_DEVICE *Device)
{
    Device->Resets++;
    Device->WasReset = TRUE;
    Device->Configured = 0;
    Device->Halted = 0;
    if (Device->Reset != NULL) {
        Device->Reset(Device);
    }
}

/* A controller tells that a reset has ended, too. */
static NTSTATUS ResetPort(PUSB_HOST Host, ULONG Port)
{
    USB_MOCK *Mock = MockOf(Host);

    CHECK(Port >= 1 && Port <= Host->Ports);
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    if (Host->Gone || Mock->Ports[Port] == NULL) {
        return STATUS_NO_SUCH_DEVICE;
    }
    if (Mock->FailReset != 0) {
        Mock->FailReset--;
        return STATUS_IO_TIMEOUT;
    }
    CHECK(Mock->Ports[Port]->Device == NULL); /* no device loses its address under its drivers */
    Mock->Enabled[Port] = TRUE;
    ResetDevice(Mock->Ports[Port]);
    UsbPortChanged(Host, Port);
    return STATUS_SUCCESS;
}

void UsbMockHubReset(USB_MOCK_DEVICE *Hub, ULONG Port)
{
    if (Hub->Hanging[Port] != NULL) {
        CHECK(Hub->Hanging[Port]->Device == NULL);
        ResetDevice(Hub->Hanging[Port]);
    }
}

/* ---- devices ---- */

static USB_MOCK_DEVICE *FindDevice(USB_MOCK *Mock, PUSB_DEVICE Device)
{
    USB_MOCK_DEVICE *Hub;

    if (Device->Hub == NULL) {
        CHECK_EQUAL(0, Device->Tier + Device->Route + Device->HubPort);
        return Mock->Ports[Device->RootPort];
    }
    Hub = Device->Hub->HostPart;
    CHECK(Hub != NULL && Device->HubPort >= 1 && Device->HubPort <= 15);
    CHECK_EQUAL(Device->Hub->Tier + 1, Device->Tier);
    CHECK_EQUAL(Device->Hub->RootPort, Device->RootPort);
    CHECK_EQUAL(Device->Hub->Route | Device->HubPort << (4 * Device->Hub->Tier), Device->Route);
    CHECK(Device->Tier <= USB_HUB_TIERS);
    return Hub->Hanging[Device->HubPort];
}

static void CheckSplitter(PUSB_DEVICE Device)
{
    PUSB_DEVICE Hub = Device->Hub;

    if (Hub == NULL || Device->Speed >= UsbSpeedHigh) {
        CHECK(Device->Splitter == NULL);
    } else if (Hub->Speed == UsbSpeedHigh) {
        CHECK(Device->Splitter == Hub && Device->SplitterPort == Device->HubPort);
    } else {
        CHECK(Device->Splitter == Hub->Splitter && Device->SplitterPort == Hub->SplitterPort);
    }
}

static NTSTATUS AddDevice(PUSB_DEVICE Device)
{
    USB_MOCK *Mock = MockOf(Device->Host);
    USB_MOCK_DEVICE *Found = FindDevice(Mock, Device);

    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    CHECK(Device->HostPart == NULL && !Device->Gone);
    if (Device->Host->Gone || Found == NULL) {
        return STATUS_NO_SUCH_DEVICE;
    }
    CHECK(Found->WasReset && Found->Device == NULL);
    CHECK_EQUAL(Found->Speed, Device->Speed);
    CheckSplitter(Device);
    Found->WasReset = FALSE;
    if (Found->RefuseAddress != 0) {
        Found->RefuseAddress--;
        return STATUS_IO_TIMEOUT;
    }
    Found->Added++;
    Found->Device = Device;
    Found->Open = 1;
    Found->HostHalted = Found->Halted = 0;
    Found->ControlPacket = Device->Speed >= UsbSpeedSuper  ? 512
                           : Device->Speed == UsbSpeedHigh ? 64
                                                           : 8;
    Device->HostPart = Found;
    return STATUS_SUCCESS;
}

static NTSTATUS SetControlPacket(PUSB_DEVICE Device, ULONG MaximumPacket)
{
    USB_MOCK_DEVICE *Found = Device->HostPart;

    CHECK(MaximumPacket == 8 || MaximumPacket == 16 || MaximumPacket == 32 || MaximumPacket == 64 ||
          MaximumPacket == 512);
    Found->ControlPacket = MaximumPacket;
    return STATUS_SUCCESS;
}

static NTSTATUS OpenEndpoints(PUSB_DEVICE Device, const USB_ENDPOINT *Endpoints, ULONG Count)
{
    USB_MOCK_DEVICE *Found = Device->HostPart;
    ULONG i;

    CHECK_EQUAL(0, Found->Configured);
    for (i = 0; i < Count; i++) {
        CHECK((Found->Open & EndpointBit(Endpoints[i].Address)) == 0);
        CHECK((Endpoints[i].Address & 0x70) == 0 && (Endpoints[i].Address & 15) != 0);
        CHECK(Endpoints[i].MaximumPacket != 0 && Endpoints[i].MaximumPacket <= 1024);
        CHECK(Endpoints[i].Type == UsbBulk || Endpoints[i].Interval != 0);
        Found->Open |= EndpointBit(Endpoints[i].Address);
    }
    return STATUS_SUCCESS;
}

static NTSTATUS DescribeHub(PUSB_DEVICE Device, ULONG Ports, ULONG ThinkTime, BOOLEAN MultiTt)
{
    CHECK(Ports >= 1 && Ports <= 15 && ThinkTime <= 3 && !MultiTt);
    MockOf(Device->Host)->HubPorts = Ports;
    return STATUS_SUCCESS;
}

static NTSTATUS ResetEndpoint(PUSB_DEVICE Device, UCHAR Endpoint)
{
    USB_MOCK_DEVICE *Found = Device->HostPart;

    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    CHECK(Found != NULL && (Found->Open & EndpointBit(Endpoint)) != 0);
    EndTransfers(MockOf(Device->Host), Device, Endpoint, STATUS_CANCELLED);
    Found->HostHalted &= ~EndpointBit(Endpoint);
    return Device->Host->Gone ? STATUS_NO_SUCH_DEVICE : STATUS_SUCCESS;
}

static void RemoveDevice(PUSB_DEVICE Device)
{
    USB_MOCK_DEVICE *Found = Device->HostPart;
    ULONG i;

    CHECK(Device->Gone && Found != NULL && Found->Device == Device);
    for (i = 0; i < RTL_NUMBER_OF(Found->Hanging); i++) {
        CHECK(Found->Hanging[i] == NULL || Found->Hanging[i]->Device == NULL);
    }
    EndTransfers(MockOf(Device->Host), Device, ALL, STATUS_NO_SUCH_DEVICE);
    MockOf(Device->Host)->Removed++;
    Found->Device = NULL;
    Found->Open = 0;
    Device->HostPart = NULL;
}

/* ---- the test's ---- */

void UsbMockCreate(USB_MOCK *Mock)
{
    static const USB_HOST_OPERATIONS Operations = {
        .ReadPort = ReadPort,
        .ResetPort = ResetPort,
        .AddDevice = AddDevice,
        .SetControlPacket = SetControlPacket,
        .OpenEndpoints = OpenEndpoints,
        .DescribeHub = DescribeHub,
        .Submit = Submit,
        .ResetEndpoint = ResetEndpoint,
        .RemoveDevice = RemoveDevice,
    };

    memset(Mock, 0, sizeof(*Mock));
    Mock->Host.Name = "mock0";
    Mock->Host.Ports = USB_MOCK_PORTS;
    Mock->Host.Operations = &Operations;
    Mock->DelayCycles = 20000;
}

static void PlugIn(USB_MOCK *Mock, USB_MOCK_DEVICE *Device)
{
    CHECK(Device->Mock == NULL && Device->Device == NULL);
    Device->Mock = Mock;
    Device->WasReset = FALSE;
    Device->Configured = 0;
}

void UsbMockPlug(USB_MOCK *Mock, ULONG Port, USB_MOCK_DEVICE *Device)
{
    CHECK(Mock->Ports[Port] == NULL);
    PlugIn(Mock, Device);
    Device->Port = Port;
    Mock->Ports[Port] = Device;
    Mock->Enabled[Port] = FALSE;
    UsbPortChanged(&Mock->Host, Port);
}

void UsbMockPlugHub(USB_MOCK_DEVICE *Hub, ULONG Port, USB_MOCK_DEVICE *Device)
{
    CHECK(Hub->Hanging[Port] == NULL);
    PlugIn(Hub->Mock, Device);
    Device->Hub = Hub;
    Device->Port = Port;
    Hub->Hanging[Port] = Device;
}

static void TakeOut(USB_MOCK_DEVICE *Device)
{
    ULONG i;

    Device->Mock = NULL;
    for (i = 0; i < RTL_NUMBER_OF(Device->Hanging); i++) {
        if (Device->Hanging[i] != NULL) {
            TakeOut(Device->Hanging[i]);
        }
    }
}

void UsbMockUnplug(USB_MOCK_DEVICE *Device)
{
    USB_MOCK *Mock = Device->Mock;

    TakeOut(Device);
    if (Device->Hub != NULL) {
        Device->Hub->Hanging[Device->Port] = NULL;
        Device->Hub = NULL;
    } else {
        Mock->Ports[Device->Port] = NULL;
        Mock->Enabled[Device->Port] = FALSE;
        UsbPortChanged(&Mock->Host, Device->Port);
    }
}

void UsbMockDie(USB_MOCK *Mock)
{
    Mock->Host.Gone = TRUE;
    UsbPortChanged(&Mock->Host, 0);
}

void UsbMockVerify(USB_MOCK *Mock)
{
    ULONG Waiting = 0;
    ULONG i;

    for (i = 0; i < USB_MOCK_TRANSFERS; i++) {
        Waiting += Mock->Slots[i].Transfer != NULL;
    }
    CHECK_EQUAL(Mock->Submitted, Mock->Completed + Waiting);
}

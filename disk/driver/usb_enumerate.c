/* SPDX-License-Identifier: MIT */
/*
 * usb_enumerate.c - from a connected port to a device with drivers, and back.
 *
 *     port                          device there    what is done
 *     empty                         yes             it and all behind it are removed
 *     connected, enabled            yes, answers    nothing
 *     connected, enabled or not     yes, does not   removed; then as a new one
 *     connected                     no              enumerated, USBP_TRIES times; then left alone
 *                                                   until the port is empty
 *
 * A device: reset its port, give it an address, read how large its packets are, read what it is,
 * find drivers for its interfaces, open their endpoints, set the configuration, start the drivers.
 *
 * Invariant: in USB_BUS.Devices a hub stands before what hangs on it.
 *
 * Source: USB 2.0, 9.1.2.
 *
 * Locking: the bus's thread alone.
 */
#include "disk/driver/usb_core.h"

#include "ex.h"
#include "report.h"
#include "rtl.h"

#define USBP_TRIES             3u
#define USBP_CONFIGURATIONS    4u /* of a device that are looked at */
#define USBP_HEAD_BYTES        8u /* of a device descriptor, which any endpoint 0 can send */
#define USBP_ENDPOINTS         (USB_FUNCTIONS * USB_INTERFACE_ENDPOINTS)

#define USBP_GET_DESCRIPTOR    6u
#define USBP_SET_CONFIGURATION 9u

static const USB_CLASS *const UsbpClasses[] = {&UsbStorageClass, &UsbHubClass, &UsbKeyboardClass};

/* ---- names ---- */

const char *UsbPortName(const USB_PORT *Port, char Text[USB_PLACE_BYTES])
{
    ULONG Root = Port->Hub != NULL ? Port->Hub->RootPort : Port->Number;
    ULONG Route = Port->Hub != NULL ? Port->Hub->Route : 0;
    ULONG Tier = Port->Hub != NULL ? Port->Hub->Tier : 0;
    ULONG i;

    (void)RtlStringCbPrintfA(Text, USB_PLACE_BYTES, "%s port %u", Port->Host->Name, Root);
    for (i = 0; i < Tier + (Port->Hub != NULL); i++) {
        SIZE_T Used = strlen(Text);

        (void)RtlStringCbPrintfA(Text + Used, USB_PLACE_BYTES - Used, ".%u",
                                 i < Tier ? Route >> (4 * i) & 15u : Port->Number);
    }
    return Text;
}

static USB_PORT UsbpPortOf(PUSB_DEVICE Device)
{
    return (USB_PORT){Device->Host, Device->Hub,
                      Device->Hub != NULL ? Device->HubPort : Device->RootPort};
}

const char *UsbDeviceName(PUSB_DEVICE Device, char Text[USB_PLACE_BYTES])
{
    const USB_PORT Port = UsbpPortOf(Device);

    return UsbPortName(&Port, Text);
}

/* ---- ports ---- */

NTSTATUS UsbReadPort(const USB_PORT *Port, USB_PORT_STATUS *Status)
{
    return Port->Hub != NULL ? UsbHubReadPort(Port->Hub, Port->Number, Status)
                             : Port->Host->Operations->ReadPort(Port->Host, Port->Number, Status);
}

static NTSTATUS UsbpResetPort(const USB_PORT *Port)
{
    return Port->Hub != NULL ? UsbHubResetPort(Port->Hub, Port->Number)
                             : Port->Host->Operations->ResetPort(Port->Host, Port->Number);
}

/* => Returns the device on the port, or NULL. */
static PUSB_NODE UsbpFindDevice(const USB_PORT *Port)
{
    PUSB_BUS Bus = USB_BUS_OF(Port->Host);
    PLIST_ENTRY Entry;

    for (Entry = Bus->Devices.Flink; Entry != &Bus->Devices; Entry = Entry->Flink) {
        PUSB_NODE Node = CONTAINING_RECORD(Entry, USB_NODE, Link);
        const USB_PORT Own = UsbpPortOf(&Node->Device);

        if (Own.Hub == Port->Hub && Own.Number == Port->Number) {
            return Node;
        }
    }
    return NULL;
}

/* The bit that says that a port is left alone, and its word. */
static PULONG UsbpFailedBit(const USB_PORT *Port, PULONG Bit)
{
    *Bit = 1u << Port->Number % 32;
    return Port->Hub != NULL ? &USB_NODE_OF(Port->Hub)->FailedPorts
                             : &USB_BUS_OF(Port->Host)->Failed[Port->Number / 32];
}

BOOLEAN UsbIsPortNew(const USB_PORT *Port)
{
    USB_PORT_STATUS Status;
    ULONG Bit;

    return (*UsbpFailedBit(Port, &Bit) & Bit) == 0 && UsbpFindDevice(Port) == NULL &&
           NT_SUCCESS(UsbReadPort(Port, &Status)) && Status.Connected;
}

BOOLEAN UsbIsConnected(PUSB_DEVICE Device)
{
    const USB_PORT Port = UsbpPortOf(Device);
    USB_PORT_STATUS Status;

    return !Device->Gone && !Device->Host->Gone && NT_SUCCESS(UsbReadPort(&Port, &Status)) &&
           Status.Connected && Status.Enabled;
}

/* ---- what a device says of itself ---- */

static NTSTATUS UsbpGetDescriptor(PUSB_DEVICE Device, ULONG Type, ULONG Index, PVOID Buffer,
                                  ULONG Bytes, PULONG Done)
{
    const USB_SETUP Setup = {USB_TO_HOST, USBP_GET_DESCRIPTOR, (USHORT)(Type << 8 | Index), 0,
                             (USHORT)Bytes};

    return UsbControlTransfer(Device, Setup, Buffer, Done);
}

/* => Facts as the device tells them now. */
static NTSTATUS UsbpReadFacts(PUSB_NODE Node, USB_DEVICE_FACTS *Facts)
{
    UCHAR Bytes[USB_DEVICE_DESCRIPTOR_BYTES];
    ULONG Done;
    NTSTATUS Status =
        UsbpGetDescriptor(&Node->Device, UsbDeviceDescriptor, 0, Bytes, sizeof(Bytes), &Done);

    return NT_SUCCESS(Status) ? UsbParseDevice(Bytes, Done, Node->Device.Speed, Facts) : Status;
}

static NTSTATUS UsbpReadDevice(PUSB_NODE Node)
{
    PUSB_DEVICE Device = &Node->Device;
    UCHAR Bytes[USBP_HEAD_BYTES];
    ULONG Packet = 0;
    ULONG Done;
    NTSTATUS Status =
        UsbpGetDescriptor(Device, UsbDeviceDescriptor, 0, Bytes, sizeof(Bytes), &Done);

    if (NT_SUCCESS(Status)) {
        Status = UsbParseControlPacket(Bytes, Done, Device->Speed, &Packet);
    }
    if (NT_SUCCESS(Status)) {
        Status = Device->Host->Operations->SetControlPacket(Device, Packet);
    }
    return NT_SUCCESS(Status) ? UsbpReadFacts(Node, &Node->Facts) : Status;
}

static NTSTATUS UsbpReadConfiguration(PUSB_NODE Node, ULONG Index, PUSB_CONFIGURATION Configuration)
{
    PUCHAR Bytes = USB_BUS_OF(Node->Device.Host)->Descriptors;
    ULONG Total;
    ULONG Done;
    NTSTATUS Status = UsbpGetDescriptor(&Node->Device, UsbConfigurationDescriptor, Index, Bytes,
                                        USB_CONFIGURATION_BYTES, &Done);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Total = UsbConfigurationLength(Bytes, Done);
    Total = Total < USB_BUFFER_BYTES ? Total : USB_BUFFER_BYTES;
    Status =
        UsbpGetDescriptor(&Node->Device, UsbConfigurationDescriptor, Index, Bytes, Total, &Done);
    return NT_SUCCESS(Status)
               ? UsbParseConfiguration(Bytes, Done, Node->Device.Speed, Configuration)
               : Status;
}

/* ---- drivers ---- */

static const USB_CLASS *UsbpFindClass(const USB_INTERFACE *Interface)
{
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(UsbpClasses); i++) {
        const USB_CLASS *Class = UsbpClasses[i];

        if (Class->Class == Interface->Class && Class->SubClass == Interface->SubClass &&
            (Class->AnyProtocol || Class->Protocol == Interface->Protocol)) {
            return Class;
        }
    }
    return NULL;
}

/* => Node->Functions are the interfaces that have a driver. */
static void UsbpFindFunctions(PUSB_NODE Node, const USB_CONFIGURATION *Configuration)
{
    ULONG i;

    Node->FunctionCount = 0;
    for (i = 0; i < Configuration->InterfaceCount && Node->FunctionCount < USB_FUNCTIONS; i++) {
        const USB_CLASS *Class = UsbpFindClass(&Configuration->Interfaces[i]);

        if (Class != NULL) {
            Node->Functions[Node->FunctionCount++] = (USB_FUNCTION){
                .Device = &Node->Device, .Interface = Configuration->Interfaces[i], .Class = Class};
        }
    }
}

/* The first configuration with an interface that has a driver.  => FunctionCount 0: none. */
static NTSTATUS UsbpChooseConfiguration(PUSB_NODE Node, PUSB_CONFIGURATION Configuration)
{
    ULONG Index;

    for (Index = 0; Index < Node->Facts.Configurations && Index < USBP_CONFIGURATIONS; Index++) {
        NTSTATUS Status = UsbpReadConfiguration(Node, Index, Configuration);

        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        UsbpFindFunctions(Node, Configuration);
        if (Node->FunctionCount != 0) {
            break;
        }
    }
    return STATUS_SUCCESS;
}

static NTSTATUS UsbpConfigure(PUSB_NODE Node, const USB_CONFIGURATION *Configuration)
{
    USB_ENDPOINT Endpoints[USBP_ENDPOINTS];
    ULONG Count = 0;
    ULONG i;
    NTSTATUS Status;

    for (i = 0; i < Node->FunctionCount; i++) {
        const USB_INTERFACE *Interface = &Node->Functions[i].Interface;

        memcpy(Endpoints + Count, Interface->Endpoints,
               Interface->EndpointCount * sizeof(*Endpoints));
        Count += Interface->EndpointCount;
    }
    Status = Node->Device.Host->Operations->OpenEndpoints(&Node->Device, Endpoints, Count);
    return NT_SUCCESS(Status) ? UsbControlRequest(&Node->Device, 0, USBP_SET_CONFIGURATION,
                                                  Configuration->Value, 0)
                              : Status;
}

static void UsbpNoDriver(PUSB_NODE Node, const USB_CONFIGURATION *Configuration)
{
    const USB_INTERFACE *First = &Configuration->Interfaces[0];
    char Text[USB_PLACE_BYTES];

    KiPrint("USB        %s: %04x:%04x", UsbDeviceName(&Node->Device, Text), Node->Facts.Vendor,
            Node->Facts.Product);
    if (Configuration->InterfaceCount != 0) {
        KiPrint(", class %02x/%02x/%02x", First->Class, First->SubClass, First->Protocol);
    }
    KiPrint(": no driver for it\n");
}

/* Those whose driver does not start are dropped; the others stay where they are. */
static void UsbpStartFunctions(PUSB_NODE Node)
{
    char Text[USB_PLACE_BYTES];
    ULONG i;

    for (i = 0; i < Node->FunctionCount; i++) {
        PUSB_FUNCTION Function = &Node->Functions[i];
        NTSTATUS Status = Function->Class->Start(Function);

        if (!NT_SUCCESS(Status)) {
            KiPrint("USB        %s: %s %04x:%04x cannot be used, status %08x\n",
                    UsbDeviceName(&Node->Device, Text), Function->Class->Name, Node->Facts.Vendor,
                    Node->Facts.Product, (ULONG)Status);
            Function->Class = NULL;
        }
    }
}

/* ---- there, and gone ---- */

/* => Returns NULL, and nothing is left, when the device cannot be addressed. */
static PUSB_NODE UsbpAddDevice(const USB_PORT *Port, USB_SPEED Speed)
{
    PUSB_NODE Node = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Node), USB_TAG);
    PUSB_DEVICE Hub = Port->Hub;
    PUSB_DEVICE Device;

    if (Node == NULL) {
        return NULL;
    }
    memset(Node, 0, sizeof(*Node));
    Device = &Node->Device;
    *Device =
        (USB_DEVICE){.Host = Port->Host, .Hub = Hub, .RootPort = Port->Number, .Speed = Speed};
    if (Hub != NULL) {
        Device->RootPort = Hub->RootPort;
        Device->HubPort = Port->Number;
        Device->Tier = Hub->Tier + 1;
        Device->Route = Hub->Route | Port->Number << (4 * Hub->Tier);
    }
    if (Hub != NULL && (Speed == UsbSpeedLow || Speed == UsbSpeedFull)) {
        Device->Splitter = Hub->Speed == UsbSpeedHigh ? Hub : Hub->Splitter;
        Device->SplitterPort = Hub->Speed == UsbSpeedHigh ? Port->Number : Hub->SplitterPort;
    }
    if (!NT_SUCCESS(Port->Host->Operations->AddDevice(Device))) {
        ExFreePoolWithTag(Node, USB_TAG);
        return NULL;
    }
    InsertTailList(&USB_BUS_OF(Port->Host)->Devices, &Node->Link);
    return Node;
}

static void UsbpDeleteNode(PUSB_NODE Node)
{
    ULONG i;

    for (i = 0; i < Node->FunctionCount; i++) {
        if (Node->Functions[i].Class != NULL && Node->Functions[i].Context != NULL) {
            Node->Functions[i].Class->Unplug(&Node->Functions[i]);
        }
    }
    Node->Device.Host->Operations->RemoveDevice(&Node->Device);
    for (i = 0; i < Node->FunctionCount; i++) {
        if (Node->Functions[i].Class != NULL && Node->Functions[i].Context != NULL) {
            Node->Functions[i].Class->Delete(&Node->Functions[i]);
        }
    }
    RemoveEntryList(&Node->Link);
    ExFreePoolWithTag(Node, USB_TAG);
}

/* From the end of the list: what hangs on a hub goes before it. */
static void UsbpSweep(PUSB_BUS Bus)
{
    PLIST_ENTRY Entry = Bus->Devices.Blink;

    while (Entry != &Bus->Devices) {
        PUSB_NODE Node = CONTAINING_RECORD(Entry, USB_NODE, Link);

        Entry = Entry->Blink;
        if (Node->Device.Gone) {
            UsbpDeleteNode(Node);
        }
    }
}

void UsbRemoveDevice(PUSB_NODE Gone)
{
    PUSB_BUS Bus = USB_BUS_OF(Gone->Device.Host);
    PLIST_ENTRY Entry;

    Gone->Device.Gone = TRUE;
    for (Entry = Bus->Devices.Flink; Entry != &Bus->Devices; Entry = Entry->Flink) {
        PUSB_NODE Node = CONTAINING_RECORD(Entry, USB_NODE, Link);

        if (Node->Device.Hub != NULL && Node->Device.Hub->Gone) {
            Node->Device.Gone = TRUE;
        }
    }
    UsbpSweep(Bus);
}

void UsbRemoveAllDevices(PUSB_BUS Bus)
{
    PLIST_ENTRY Entry;

    for (Entry = Bus->Devices.Flink; Entry != &Bus->Devices; Entry = Entry->Flink) {
        CONTAINING_RECORD(Entry, USB_NODE, Link)->Device.Gone = TRUE;
    }
    UsbpSweep(Bus);
}

/* => An error: nothing is left of the device, if there was one. */
static NTSTATUS UsbpTryDevice(const USB_PORT *Port)
{
    USB_CONFIGURATION Configuration = {0};
    USB_PORT_STATUS PortStatus;
    PUSB_NODE Node;
    NTSTATUS Status = UsbpResetPort(Port);

    if (NT_SUCCESS(Status)) {
        UsbSleep(USB_RECOVERY_MS);
        Status = UsbReadPort(Port, &PortStatus);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (!PortStatus.Connected || !PortStatus.Enabled) {
        return STATUS_DEVICE_NOT_CONNECTED;
    }
    Node = UsbpAddDevice(Port, PortStatus.Speed);
    if (Node == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = UsbpReadDevice(Node);
    if (NT_SUCCESS(Status)) {
        Status = UsbpChooseConfiguration(Node, &Configuration);
    }
    if (NT_SUCCESS(Status) && Node->FunctionCount != 0) {
        Status = UsbpConfigure(Node, &Configuration);
    }
    if (!NT_SUCCESS(Status)) {
        Node->FunctionCount = 0; /* none was started */
        UsbRemoveDevice(Node);
        return Status;
    }
    if (Node->FunctionCount == 0) {
        UsbpNoDriver(Node, &Configuration);
    }
    UsbpStartFunctions(Node);
    return STATUS_SUCCESS;
}

static void UsbpEnumerate(const USB_PORT *Port)
{
    NTSTATUS Status = STATUS_SUCCESS;
    char Text[USB_PLACE_BYTES];
    USB_PORT_STATUS PortStatus;
    PULONG Failed;
    ULONG Bit;
    ULONG Try;

    for (Try = 0; Try < USBP_TRIES; Try++) {
        Status = UsbpTryDevice(Port);
        if (NT_SUCCESS(Status)) {
            return;
        }
        if (Port->Host->Gone || !NT_SUCCESS(UsbReadPort(Port, &PortStatus)) ||
            !PortStatus.Connected) {
            return;
        }
    }
    KiPrint("USB        %s: a device that does not answer as it should, status %08x\n",
            UsbPortName(Port, Text), (ULONG)Status);
    Failed = UsbpFailedBit(Port, &Bit);
    *Failed |= Bit;
}

/* => FALSE: another device than the one that was found, or none. */
static BOOLEAN UsbpIsSameDevice(PUSB_NODE Node)
{
    USB_DEVICE_FACTS Facts;
    ULONG Try;

    for (Try = 0; Try < USBP_TRIES; Try++) {
        if (NT_SUCCESS(UsbpReadFacts(Node, &Facts))) {
            return Facts.Vendor == Node->Facts.Vendor && Facts.Product == Node->Facts.Product;
        }
    }
    return FALSE;
}

void UsbServicePort(const USB_PORT *Port)
{
    PUSB_NODE Node = UsbpFindDevice(Port);
    char Text[USB_PLACE_BYTES];
    USB_PORT_STATUS Status;
    PULONG Failed;
    ULONG Bit;

    if (!NT_SUCCESS(UsbReadPort(Port, &Status))) {
        return; /* its hub, or the controller, is gone: others will tell */
    }
    Failed = UsbpFailedBit(Port, &Bit);
    if (!Status.Connected) {
        *Failed &= ~Bit;
    }
    if (Node != NULL) {
        if (Status.Connected && Status.Enabled && UsbpIsSameDevice(Node)) {
            return;
        }
        KiPrint("USB        %s: %04x:%04x is gone\n", UsbPortName(Port, Text), Node->Facts.Vendor,
                Node->Facts.Product);
        UsbRemoveDevice(Node);
    }
    if (Status.Connected && (*Failed & Bit) == 0) {
        UsbpEnumerate(Port);
    }
}

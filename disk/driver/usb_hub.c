/* SPDX-License-Identifier: MIT */
/*
 * usb_hub.c - hubs: power, reset and state of their ports, and who is told when one changes.
 *
 * A hub's status-change endpoint answers when a port has changed.  The answer becomes work for the
 * bus's thread, which acknowledges each change, looks at the ports, and only then asks again:
 *
 *     state     left when                      by
 *     Waiting   the transfer completes         UsbpHubChanged queues the work
 *     Working   all changed ports were seen    UsbpHubWork submits the transfer
 *     Lost      (never)                        USBP_FAILURES errors in a row: no more news
 *
 * Ports are never disabled: hubs that firmware imitates take that ill.
 *
 * Sources: USB 2.0, 11.24; USB 3.1, 10.16.
 *
 * Locking: the bus's thread; the transfer's completion only queues.
 */
#include "disk/driver/usb_core.h"

#include "ex.h"
#include "report.h"
#include "rtl.h"

#define USBP_FAILURES     5u
#define USBP_RESET_MS     800u /* a port's reset; 10 to 20 ms are usual */
#define USBP_POLL_MS      10u
#define USBP_PACE_MS      10u /* between two looks at a hub that always has news */
#define USBP_POWER_MS     100u
#define USBP_CHANGE_BYTES 8u /* of the status-change endpoint's answer; 15 ports need two */

#define USBP_ALL_PORTS    0xFFFFu

/* Requests: of the hub, of its ports. */
#define USBP_HUB_IN         0xA0u
#define USBP_HUB_OUT        0x20u
#define USBP_PORT_IN        0xA3u
#define USBP_PORT_OUT       0x23u
#define USBP_GET_STATUS     0u
#define USBP_CLEAR_FEATURE  1u
#define USBP_SET_FEATURE    3u
#define USBP_GET_DESCRIPTOR 6u
#define USBP_SET_HUB_DEPTH  12u

/* Features. */
#define USBP_PORT_RESET          4u
#define USBP_PORT_POWER          8u
#define USBP_C_PORT_CONNECTION   16u
#define USBP_C_PORT_RESET        20u
#define USBP_C_PORT_LINK_STATE   25u
#define USBP_C_PORT_CONFIG_ERROR 26u
#define USBP_BH_PORT_RESET       28u
#define USBP_C_BH_PORT_RESET     29u

/* A port's status, and behind it its changes. */
#define USBP_CONNECTED           0x0001u
#define USBP_ENABLED             0x0002u
#define USBP_IN_RESET            0x0010u
#define USBP_LOW_SPEED           0x0200u /* USB 2 */
#define USBP_HIGH_SPEED          0x0400u /* USB 2 */
#define USBP_LINK_STATE(S)       ((S) >> 5 & 15u)
#define USBP_LINK_INACTIVE       6u
#define USBP_LINK_COMPLIANCE     10u
#define USBP_CHANGED_OVERCURRENT 0x0008u
#define USBP_CHANGED_RESET       0x0010u
#define USBP_CHANGED_BH_RESET    0x0020u
#define USBP_CHANGED_LINK        0x0040u
#define USBP_CHANGED_CONFIG      0x0080u

typedef struct _USBP_HUB {
    PUSB_FUNCTION Function; /* (I) */
    USB_HUB_FACTS Facts;    /* (I) */
    UCHAR Endpoint;         /* (I) */
    USB_WORK Work;
    USB_TRANSFER Transfer; /* the host's while Waiting */
    USB_BUFFER Buffer;     /* what changed; bit 0: the hub itself, n: port n */
    BOOLEAN Fresh;         /* (T) the ports were powered and not yet looked at */
    ULONG Failures;        /* (T) errors of the endpoint in a row */
} USBP_HUB, *PUSBP_HUB;

typedef struct _USBP_PORT_BITS {
    ULONG Status;
    ULONG Changes;
} USBP_PORT_BITS;

/* ---- ports ---- */

static NTSTATUS UsbpPortFeature(PUSB_DEVICE Hub, ULONG Port, UCHAR Request, ULONG Feature)
{
    return UsbControlRequest(Hub, USBP_PORT_OUT, Request, Feature, Port);
}

static NTSTATUS UsbpReadBits(PUSB_DEVICE Hub, UCHAR RequestType, ULONG Port, USBP_PORT_BITS *Bits)
{
    const USB_SETUP Setup = {RequestType, USBP_GET_STATUS, 0, (USHORT)Port, 4};
    UCHAR Bytes[4];
    ULONG Done = 0;
    NTSTATUS Status = UsbControlTransfer(Hub, Setup, Bytes, &Done);

    if (NT_SUCCESS(Status) && Done != sizeof(Bytes)) {
        Status = STATUS_DEVICE_PROTOCOL_ERROR;
    }
    if (NT_SUCCESS(Status)) {
        Bits->Status = Bytes[0] | (ULONG)Bytes[1] << 8;
        Bits->Changes = Bytes[2] | (ULONG)Bytes[3] << 8;
    }
    return Status;
}

static USB_SPEED UsbpPortSpeed(PUSB_DEVICE Hub, ULONG Status)
{
    if (Hub->Speed == UsbSpeedSuper) {
        return UsbSpeedSuper;
    }
    if (Status & USBP_LOW_SPEED) {
        return UsbSpeedLow;
    }
    return Status & USBP_HIGH_SPEED && Hub->Speed == UsbSpeedHigh ? UsbSpeedHigh : UsbSpeedFull;
}

NTSTATUS UsbHubReadPort(PUSB_DEVICE Hub, ULONG Port, USB_PORT_STATUS *Status)
{
    USBP_PORT_BITS Bits;
    NTSTATUS Result = UsbpReadBits(Hub, USBP_PORT_IN, Port, &Bits);

    if (NT_SUCCESS(Result)) {
        *Status = (USB_PORT_STATUS){
            .Connected = (Bits.Status & USBP_CONNECTED) != 0,
            .Enabled = (Bits.Status & USBP_ENABLED) != 0,
            .Speed = UsbpPortSpeed(Hub, Bits.Status),
        };
    }
    return Result;
}

/* Acknowledge what Changes says, so that the hub does not tell it again. */
static void UsbpAcknowledge(PUSB_DEVICE Hub, ULONG Port, ULONG Changes)
{
    BOOLEAN Super = Hub->Speed == UsbSpeedSuper;
    ULONG i;

    for (i = 0; i <= 4; i++) {
        if (Changes & 1u << i) {
            (void)!UsbpPortFeature(Hub, Port, USBP_CLEAR_FEATURE, USBP_C_PORT_CONNECTION + i);
        }
    }
    if (Super && (Changes & USBP_CHANGED_BH_RESET)) {
        (void)!UsbpPortFeature(Hub, Port, USBP_CLEAR_FEATURE, USBP_C_BH_PORT_RESET);
    }
    if (Super && (Changes & USBP_CHANGED_LINK)) {
        (void)!UsbpPortFeature(Hub, Port, USBP_CLEAR_FEATURE, USBP_C_PORT_LINK_STATE);
    }
    if (Super && (Changes & USBP_CHANGED_CONFIG)) {
        (void)!UsbpPortFeature(Hub, Port, USBP_CLEAR_FEATURE, USBP_C_PORT_CONFIG_ERROR);
    }
    if (Changes & USBP_CHANGED_OVERCURRENT) {
        (void)!UsbpPortFeature(Hub, Port, USBP_SET_FEATURE, USBP_PORT_POWER);
    }
}

NTSTATUS UsbHubResetPort(PUSB_DEVICE Hub, ULONG Port)
{
    USBP_PORT_BITS Bits;
    ULONG Waited;
    ULONG Link;
    NTSTATUS Status = UsbpReadBits(Hub, USBP_PORT_IN, Port, &Bits);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Link = Hub->Speed == UsbSpeedSuper ? USBP_LINK_STATE(Bits.Status) : 0;
    Status = UsbpPortFeature(Hub, Port, USBP_SET_FEATURE,
                             Link == USBP_LINK_INACTIVE || Link == USBP_LINK_COMPLIANCE
                                 ? USBP_BH_PORT_RESET
                                 : USBP_PORT_RESET);
    for (Waited = 0; NT_SUCCESS(Status) && Waited < USBP_RESET_MS; Waited += USBP_POLL_MS) {
        UsbSleep(USBP_POLL_MS);
        Status = UsbpReadBits(Hub, USBP_PORT_IN, Port, &Bits);
        if (NT_SUCCESS(Status) && !(Bits.Status & USBP_IN_RESET) &&
            Bits.Changes & (USBP_CHANGED_RESET | USBP_CHANGED_BH_RESET)) {
            UsbpAcknowledge(Hub, Port, Bits.Changes & (USBP_CHANGED_RESET | USBP_CHANGED_BH_RESET));
            return STATUS_SUCCESS;
        }
    }
    return NT_SUCCESS(Status) ? STATUS_IO_TIMEOUT : Status;
}

/* ---- changes ---- */

static void UsbpHubChanged(PUSB_TRANSFER Transfer)
{
    PUSBP_HUB Hub = Transfer->Context;

    if (Transfer->Status != STATUS_NO_SUCH_DEVICE && Transfer->Status != STATUS_CANCELLED) {
        UsbQueueWork(Transfer->Device->Host, &Hub->Work);
    }
}

static void UsbpAskForChanges(PUSBP_HUB Hub)
{
    PUSB_DEVICE Device = Hub->Function->Device;

    Hub->Transfer = (USB_TRANSFER){
        .Device = Device,
        .Endpoint = Hub->Endpoint,
        .Mdl = &Hub->Buffer.Pages.Mdl,
        .Bytes = USBP_CHANGE_BYTES,
        .Completion = UsbpHubChanged,
        .Context = Hub,
    };
    Device->Host->Operations->Submit(&Hub->Transfer);
}

/* => Returns which ports are to be looked at; bit 0: the hub itself. */
static ULONG UsbpWhatChanged(PUSBP_HUB Hub)
{
    ULONG Changed = 0;

    if (Hub->Fresh) {
        Hub->Fresh = FALSE;
        UsbSleep(Hub->Facts.PowerMs > USBP_POWER_MS ? Hub->Facts.PowerMs : USBP_POWER_MS);
        return USBP_ALL_PORTS;
    }
    if (!NT_SUCCESS(Hub->Transfer.Status)) {
        Hub->Failures++;
        (void)!UsbClearHalt(Hub->Function->Device, Hub->Endpoint);
        return USBP_ALL_PORTS;
    }
    Hub->Failures = 0;
    memcpy(&Changed, Hub->Buffer.Memory,
           Hub->Transfer.Done < sizeof(Changed) ? Hub->Transfer.Done : sizeof(Changed));
    return Changed & USBP_ALL_PORTS;
}

/* Power and over-current of the whole hub: acknowledged, else it would tell it for ever. */
static void UsbpAcknowledgeHub(PUSB_DEVICE Device)
{
    USBP_PORT_BITS Bits;
    ULONG i;

    if (!NT_SUCCESS(UsbpReadBits(Device, USBP_HUB_IN, 0, &Bits))) {
        return;
    }
    for (i = 0; i < 2; i++) {
        if (Bits.Changes & 1u << i) {
            (void)!UsbControlRequest(Device, USBP_HUB_OUT, USBP_CLEAR_FEATURE, i, 0);
        }
    }
}

static void UsbpServiceHubPorts(PUSBP_HUB Hub, ULONG Changed)
{
    PUSB_DEVICE Device = Hub->Function->Device;
    BOOLEAN AnyNew = FALSE;
    USBP_PORT_BITS Bits;
    ULONG i;

    for (i = 1; i <= Hub->Facts.Ports; i++) {
        const USB_PORT Port = {Device->Host, Device, i};

        if (Changed & 1u << i && NT_SUCCESS(UsbpReadBits(Device, USBP_PORT_IN, i, &Bits))) {
            UsbpAcknowledge(Device, i, Bits.Changes);
            AnyNew = AnyNew || UsbIsPortNew(&Port);
        }
    }
    UsbSleep(AnyNew ? USB_STABLE_MS : USBP_PACE_MS);
    for (i = 1; i <= Hub->Facts.Ports; i++) {
        const USB_PORT Port = {Device->Host, Device, i};

        if (Changed & 1u << i) {
            UsbServicePort(&Port);
        }
    }
}

static void UsbpHubWork(PUSB_WORK Work)
{
    PUSBP_HUB Hub = CONTAINING_RECORD(Work, USBP_HUB, Work);
    PUSB_DEVICE Device = Hub->Function->Device;
    ULONG Changed = UsbpWhatChanged(Hub);
    char Text[USB_PLACE_BYTES];

    if (Changed & 1u) {
        UsbpAcknowledgeHub(Device);
    }
    UsbpServiceHubPorts(Hub, Changed);
    if (Hub->Failures < USBP_FAILURES) {
        UsbpAskForChanges(Hub);
        return;
    }
    KiPrint("USB        %s: the hub does not tell any more what changes\n",
            UsbDeviceName(Device, Text));
}

/* ---- start and end ---- */

static NTSTATUS UsbpReadHub(PUSBP_HUB Hub)
{
    PUSB_DEVICE Device = Hub->Function->Device;
    ULONG Type = Device->Speed == UsbSpeedSuper ? UsbSuperHubDescriptor : UsbHubDescriptor;
    USB_SETUP Setup = {USBP_HUB_IN, USBP_GET_DESCRIPTOR, (USHORT)(Type << 8), 0,
                       USB_HUB_DESCRIPTOR_BYTES};
    UCHAR Bytes[USB_HUB_DESCRIPTOR_BYTES];
    ULONG Done = 0;
    NTSTATUS Status = STATUS_SUCCESS;

    if (Device->Speed == UsbSpeedSuper) {
        Status = UsbControlRequest(Device, USBP_HUB_OUT, USBP_SET_HUB_DEPTH, Device->Tier, 0);
    }
    if (NT_SUCCESS(Status)) {
        Status = UsbControlTransfer(Device, Setup, Bytes, &Done);
    }
    if (NT_SUCCESS(Status)) {
        Status = UsbParseHub(Bytes, Done, Device->Speed, &Hub->Facts);
    }
    return NT_SUCCESS(Status) ? Device->Host->Operations->DescribeHub(Device, Hub->Facts.Ports,
                                                                      Hub->Facts.ThinkTime, FALSE)
                              : Status;
}

static NTSTATUS UsbpPowerPorts(PUSBP_HUB Hub)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG i;

    for (i = 1; i <= Hub->Facts.Ports && NT_SUCCESS(Status); i++) {
        Status = UsbpPortFeature(Hub->Function->Device, i, USBP_SET_FEATURE, USBP_PORT_POWER);
    }
    return Status;
}

static void UsbpHubDelete(PUSB_FUNCTION Function)
{
    PUSBP_HUB Hub = Function->Context;

    UsbCancelWork(Function->Device->Host, &Hub->Work);
    UsbFreeBuffer(&Hub->Buffer);
    ExFreePoolWithTag(Hub, USB_TAG);
    Function->Context = NULL;
}

static void UsbpHubUnplug(PUSB_FUNCTION Function)
{
    PUSBP_HUB Hub = Function->Context;

    UsbCancelWork(Function->Device->Host, &Hub->Work);
}

static NTSTATUS UsbpHubStart(PUSB_FUNCTION Function)
{
    const USB_ENDPOINT *Endpoint = UsbFindEndpoint(&Function->Interface, UsbInterrupt, USB_TO_HOST);
    PUSBP_HUB Hub;
    char Text[USB_PLACE_BYTES];
    NTSTATUS Status;

    if (Endpoint == NULL || Function->Device->Tier >= USB_HUB_TIERS) {
        return STATUS_NOT_SUPPORTED;
    }
    Hub = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Hub), USB_TAG);
    if (Hub == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Hub, 0, sizeof(*Hub));
    Function->Context = Hub;
    Hub->Function = Function;
    Hub->Endpoint = Endpoint->Address;
    Hub->Work.Routine = UsbpHubWork;
    Hub->Fresh = TRUE;
    Status = UsbAllocateBuffer(&Hub->Buffer) ? UsbpReadHub(Hub) : STATUS_INSUFFICIENT_RESOURCES;
    if (NT_SUCCESS(Status)) {
        Status = UsbpPowerPorts(Hub);
    }
    if (!NT_SUCCESS(Status)) {
        UsbpHubDelete(Function);
        return Status;
    }
    KiPrint("USB        %s: hub with %u ports\n", UsbDeviceName(Function->Device, Text),
            Hub->Facts.Ports);
    UsbQueueWork(Function->Device->Host, &Hub->Work);
    return STATUS_SUCCESS;
}

const USB_CLASS UsbHubClass = {
    .Name = "hub",
    .Class = UsbClassHub,
    .AnyProtocol = TRUE,
    .Start = UsbpHubStart,
    .Unplug = UsbpHubUnplug,
    .Delete = UsbpHubDelete,
};

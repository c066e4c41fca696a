/* SPDX-License-Identifier: MIT */
/*
 * xhci_device.c - devices: a slot and an address, endpoints, hubs, and the end of it.
 *
 * What a slot has may be given back only when the controller has let go of it: a controller that
 * does not disable a slot is dead, and then it cannot access memory either.
 *
 * Locking: the host's thread; SlotTable and a slot's Endpoints change under the lock.
 */
#include "disk/driver/xhci.h"

#include "ex.h"
#include "rtl.h"

#define DEVICEP_CONTEXT_BYTES (2 * PAGE_SIZE)

static PXHCI_CONTROLLER DevicepController(const USB_DEVICE *Device)
{
    return CONTAINING_RECORD(Device->Host, XHCI_CONTROLLER, Host);
}

/* ---- slots ---- */

/* => NULL: no memory. */
static PXHCI_SLOT DevicepCreateSlot(PUSB_DEVICE Device)
{
    PXHCI_SLOT Slot = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Slot), XHCI_TAG);
    const USB_ENDPOINT Control = {.Type = UsbControl,
                                  .MaximumPacket = Device->Speed == UsbSpeedSuper  ? 512
                                                   : Device->Speed == UsbSpeedHigh ? 64
                                                                                   : 8};

    if (Slot == NULL) {
        return NULL;
    }
    memset(Slot, 0, sizeof(*Slot));
    Slot->Controller = DevicepController(Device);
    Slot->Device = Device;
    Slot->Speed = Device->Hub == NULL ? XhciReadSpeedId(Slot->Controller, Device->RootPort)
                                      : (ULONG)Device->Speed;
    Slot->Contexts = XhciAllocate(DEVICEP_CONTEXT_BYTES, &Slot->Physical);
    if (Slot->Contexts != NULL) {
        Slot->Endpoints[1] = XhciCreateEndpoint(Slot, &Control);
    }
    if (Slot->Endpoints[1] == NULL) {
        if (Slot->Contexts != NULL) {
            MmFreeContiguousMemory(Slot->Contexts);
        }
        ExFreePoolWithTag(Slot, XHCI_TAG);
        return NULL;
    }
    return Slot;
}

/* => The controller has let go of it, and nobody finds it. */
static void DevicepDeleteSlot(PXHCI_SLOT Slot)
{
    ULONG Index;

    for (Index = 1; Index < XHCI_CONTEXTS; Index++) {
        if (Slot->Endpoints[Index] != NULL) {
            XhciDeleteEndpoint(Slot->Endpoints[Index]);
        }
    }
    MmFreeContiguousMemory(Slot->Contexts);
    ExFreePoolWithTag(Slot, XHCI_TAG);
}

static void DevicepSetContexts(const XHCI_SLOT *Slot, ULONG Physical)
{
    volatile ULONG64 *Table = (volatile ULONG64 *)Slot->Controller->Memory;

    Table[Slot->Number] = Physical;
}

static void DevicepPublish(PXHCI_SLOT Slot)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Slot->Controller->Lock);

    DevicepSetContexts(Slot, Slot->Physical);
    Slot->Controller->SlotTable[Slot->Number] = Slot;
    Slot->Device->HostPart = Slot;
    XhciUnlock(Slot->Controller, OldIrql);
}

/* => The controller has let go of the slot's memory. */
static void DevicepDisable(const XHCI_SLOT *Slot)
{
    const XHCI_TRB Trb = {.Control = XhciTrbDisableSlot << XHCI_TRB_TYPE_SHIFT |
                                     Slot->Number << XHCI_TRB_SLOT_SHIFT};
    PXHCI_CONTROLLER Controller = Slot->Controller;
    ULONG Code = XhciExecute(Controller, Trb, NULL);
    KIRQL OldIrql;

    if (Code != XhciCodeSuccess && Code != XhciCodeSlotNotEnabled) {
        OldIrql = KfAcquireSpinLock(&Controller->Lock);
        XhciDie(Controller);
        XhciUnlock(Controller, OldIrql);
    }
}

/* Nobody finds the slot any more, and its transfers have ended. */
static void DevicepHide(PXHCI_SLOT Slot)
{
    PXHCI_CONTROLLER Controller = Slot->Controller;
    KIRQL OldIrql = KfAcquireSpinLock(&Controller->Lock);
    ULONG Index;

    Slot->Device->HostPart = NULL;
    Controller->SlotTable[Slot->Number] = NULL;
    DevicepSetContexts(Slot, 0);
    for (Index = 1; Index < XHCI_CONTEXTS; Index++) {
        if (Slot->Endpoints[Index] != NULL) {
            XhciEndTransfers(Controller, Slot->Endpoints[Index], STATUS_NO_SUCH_DEVICE, FALSE);
        }
    }
    XhciUnlock(Controller, OldIrql);
}

/* ---- adding and removing ---- */

/* => STATUS_IO_DEVICE_ERROR: it names a slot that it does not have, or that is in use. */
static NTSTATUS DevicepEnable(PXHCI_CONTROLLER Controller, ULONG Port, PULONG Number)
{
    const XHCI_TRB Trb = {.Control = XhciTrbEnableSlot << XHCI_TRB_TYPE_SHIFT |
                                     Controller->Ports[Port - 1].SlotType << XHCI_TRB_INDEX_SHIFT};
    NTSTATUS Status = XhciCommandStatus(XhciExecute(Controller, Trb, Number));

    if (NT_SUCCESS(Status) &&
        (*Number == 0 || *Number > Controller->Slots || Controller->SlotTable[*Number] != NULL)) {
        Controller->Violations++;
        return STATUS_IO_DEVICE_ERROR;
    }
    return Status;
}

static ULONG DevicepAddress(PXHCI_SLOT Slot, ULONG Flags)
{
    XhciBeginInput(Slot, XHCI_ADD_SLOT | 1u << 1, 0);
    XhciFillSlot(Slot, 1);
    XhciFillEndpoint(Slot, Slot->Endpoints[1]);
    return XhciExecuteInput(Slot, XhciTrbAddressDevice, Flags);
}

/* A device that does not take its address at once gets a second chance, from the default state. */
static NTSTATUS DevicepGiveAddress(PXHCI_SLOT Slot)
{
    ULONG Code = DevicepAddress(Slot, 0);

    if (Code == XhciCodeTransaction || Code == XhciCodeStall) {
        (void)DevicepAddress(Slot, XHCI_TRB_NO_ADDRESS);
        Code = DevicepAddress(Slot, 0);
    }
    return XhciCommandStatus(Code);
}

NTSTATUS XhciAddUsbDevice(PUSB_DEVICE Device)
{
    PXHCI_CONTROLLER Controller = DevicepController(Device);
    PXHCI_SLOT Slot;
    NTSTATUS Status;

    if (Device->RootPort == 0 || Device->RootPort > Device->Host->Ports ||
        Device->HostPart != NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    Slot = DevicepCreateSlot(Device);
    if (Slot == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = DevicepEnable(Controller, Device->RootPort, &Slot->Number);
    if (!NT_SUCCESS(Status)) {
        DevicepDeleteSlot(Slot);
        return Status;
    }
    DevicepPublish(Slot);
    Status = DevicepGiveAddress(Slot);
    if (!NT_SUCCESS(Status)) {
        XhciRemoveDevice(Device);
    }
    return Status;
}

void XhciRemoveDevice(PUSB_DEVICE Device)
{
    PXHCI_SLOT Slot = Device->HostPart;
    BOOLEAN Halted;
    ULONG Index;

    if (Slot == NULL) {
        return;
    }
    for (Index = 1; Index < XHCI_CONTEXTS; Index++) {
        if (Slot->Endpoints[Index] != NULL && !IsListEmpty(&Slot->Endpoints[Index]->Transfers)) {
            (void)XhciStopEndpoint(Slot->Endpoints[Index], &Halted); /* or the controller is dead */
        }
    }
    DevicepDisable(Slot);
    DevicepHide(Slot);
    DevicepDeleteSlot(Slot);
}

/* ---- what is learnt of a device later ---- */

NTSTATUS XhciSetControlPacket(PUSB_DEVICE Device, ULONG MaximumPacket)
{
    PXHCI_SLOT Slot = Device->HostPart;

    if (Slot == NULL) {
        return STATUS_NO_SUCH_DEVICE;
    }
    if (MaximumPacket < 8 || MaximumPacket > 512 || (MaximumPacket & (MaximumPacket - 1)) != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    Slot->Endpoints[1]->Description.MaximumPacket = (USHORT)MaximumPacket;
    XhciBeginInput(Slot, 1u << 1, 0);
    XhciFillEndpoint(Slot, Slot->Endpoints[1]);
    return XhciCommandStatus(XhciExecuteInput(Slot, XhciTrbEvaluateContext, 0));
}

NTSTATUS XhciDescribeHub(PUSB_DEVICE Device, ULONG Ports, ULONG ThinkTime, BOOLEAN MultiTt)
{
    PXHCI_SLOT Slot = Device->HostPart;

    if (Slot == NULL) {
        return STATUS_NO_SUCH_DEVICE;
    }
    if (Ports == 0 || Ports > 255 || ThinkTime > 3) {
        return STATUS_INVALID_PARAMETER;
    }
    Slot->HubPorts = Ports;
    Slot->ThinkTime = Device->Speed == UsbSpeedHigh ? ThinkTime : 0;
    Slot->MultiTt = Device->Speed == UsbSpeedHigh && MultiTt;
    XhciBeginInput(Slot, XHCI_ADD_SLOT, 0);
    XhciFillSlot(Slot, XhciEntries(Slot));
    return XhciCommandStatus(XhciExecuteInput(Slot, XhciTrbConfigureEndpoint, 0));
}

/* ---- a configuration's endpoints ---- */

typedef struct _DEVICEP_SET {
    PXHCI_ENDPOINT Endpoints[XHCI_CONTEXTS]; /* by index; 0 and 1 are not used */
} DEVICEP_SET;

static void DevicepDeleteSet(DEVICEP_SET *Set)
{
    ULONG Index;

    for (Index = 2; Index < XHCI_CONTEXTS; Index++) {
        if (Set->Endpoints[Index] != NULL) {
            XhciDeleteEndpoint(Set->Endpoints[Index]);
        }
    }
}

static BOOLEAN DevicepIsGood(const USB_ENDPOINT *Endpoint)
{
    return XhciIsAddress(Endpoint->Address) && Endpoint->Address != 0 &&
           (Endpoint->Type == UsbBulk || Endpoint->Type == UsbInterrupt) &&
           (Endpoint->MaximumPacket & 0x7FF) != 0 && Endpoint->Burst < 16;
}

/* => On failure the set is empty. */
static NTSTATUS DevicepCreateSet(PXHCI_SLOT Slot, const USB_ENDPOINT *Endpoints, ULONG Count,
                                 DEVICEP_SET *Set)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG i;

    memset(Set, 0, sizeof(*Set));
    for (i = 0; i < Count && NT_SUCCESS(Status); i++) {
        PXHCI_ENDPOINT *To = &Set->Endpoints[XhciIndexOf(Endpoints[i].Address) % XHCI_CONTEXTS];

        if (!DevicepIsGood(&Endpoints[i]) || *To != NULL) {
            Status = STATUS_INVALID_PARAMETER;
        } else {
            *To = XhciCreateEndpoint(Slot, &Endpoints[i]);
            Status = *To != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
        }
    }
    if (!NT_SUCCESS(Status)) {
        DevicepDeleteSet(Set);
    }
    return Status;
}

/* Tell the controller of the new endpoints, and to forget the old ones. */
static NTSTATUS DevicepConfigure(PXHCI_SLOT Slot, const DEVICEP_SET *Set)
{
    ULONG Add = XHCI_ADD_SLOT;
    ULONG Drop = 0;
    ULONG Entries = 1;
    ULONG Index;

    for (Index = 2; Index < XHCI_CONTEXTS; Index++) {
        if (Set->Endpoints[Index] != NULL) {
            Add |= 1u << Index;
            Entries = Index;
        }
        Drop |= Slot->Endpoints[Index] != NULL ? 1u << Index : 0;
    }
    XhciBeginInput(Slot, Add, Drop);
    XhciFillSlot(Slot, Entries);
    for (Index = 2; Index < XHCI_CONTEXTS; Index++) {
        if (Set->Endpoints[Index] != NULL) {
            XhciFillEndpoint(Slot, Set->Endpoints[Index]);
        }
    }
    return XhciCommandStatus(XhciExecuteInput(Slot, XhciTrbConfigureEndpoint, 0));
}

/* The old endpoints' transfers end before their rings may go. */
static NTSTATUS DevicepStopAll(PXHCI_SLOT Slot)
{
    PXHCI_CONTROLLER Controller = Slot->Controller;
    NTSTATUS Status = STATUS_SUCCESS;
    BOOLEAN Halted;
    ULONG Index;
    KIRQL OldIrql;

    for (Index = 2; Index < XHCI_CONTEXTS && NT_SUCCESS(Status); Index++) {
        if (Slot->Endpoints[Index] != NULL) {
            Status = XhciStopEndpoint(Slot->Endpoints[Index], &Halted);
            OldIrql = KfAcquireSpinLock(&Controller->Lock);
            XhciEndTransfers(Controller, Slot->Endpoints[Index], STATUS_CANCELLED, FALSE);
            XhciUnlock(Controller, OldIrql);
        }
    }
    return Status;
}

static void DevicepSwap(PXHCI_SLOT Slot, DEVICEP_SET *Set)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Slot->Controller->Lock);
    ULONG Index;

    for (Index = 2; Index < XHCI_CONTEXTS; Index++) {
        PXHCI_ENDPOINT Old = Slot->Endpoints[Index];

        Slot->Endpoints[Index] = Set->Endpoints[Index];
        Set->Endpoints[Index] = Old;
    }
    XhciUnlock(Slot->Controller, OldIrql);
}

NTSTATUS XhciOpenEndpoints(PUSB_DEVICE Device, const USB_ENDPOINT *Endpoints, ULONG Count)
{
    PXHCI_SLOT Slot = Device->HostPart;
    DEVICEP_SET Set;
    NTSTATUS Status;

    if (Slot == NULL) {
        return STATUS_NO_SUCH_DEVICE;
    }
    Status = DevicepCreateSet(Slot, Endpoints, Count, &Set);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = DevicepStopAll(Slot);
    if (NT_SUCCESS(Status)) {
        Status = DevicepConfigure(Slot, &Set);
    }
    if (NT_SUCCESS(Status)) {
        DevicepSwap(Slot, &Set);
    }
    DevicepDeleteSet(&Set);
    return Status;
}

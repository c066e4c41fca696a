/* SPDX-License-Identifier: MIT */
/*
 * usb_core.c - a bus: a host controller's thread, and what it is asked to do.
 *
 *     who                                    asks by           the thread then
 *     a class driver (recovery, hub status)  UsbQueueWork      runs the work
 *     the controller (root port n changed)   UsbPortChanged    looks at the port
 *     the controller (it died)               UsbPortChanged 0  removes all devices
 *
 * Work goes before ports: a disk that recovers is what others wait for.  All that the thread does
 * ends in bounded time, and what a device can make it do again is limited by the device's own pace
 * (a status-change endpoint's interval, 100 ms of a stable connection).
 *
 * At the start the thread looks at what is plugged in; UsbStartHost waits for that, since the boot
 * disk may be among it, but not for ever.  It may be slower than other disks: a stick that was
 * reset with its controller shows itself again when a card reader has long been looked at.
 *
 * Locking: USB_BUS.Lock for the questions; the rest is the thread's.
 */
#include "disk/driver/usb_core.h"

#include "ex.h"
#include "ps.h"
#include "report.h"
#include "rtl.h"

#define USBP_PRIORITY    17     /* above all that waits for disks, and for others' timers */
#define USBP_CONNECT_MS  100u   /* after power: devices show themselves */
#define USBP_PATIENCE_MS 1000u  /* so long disks may take to show themselves */
#define USBP_SETTLE_MS   15000u /* the longest that a start waits */
#define USBP_BOUNCES     10u    /* times USB_STABLE_MS that a port may go on changing */

/* ---- questions ---- */

void UsbQueueWork(PUSB_HOST Host, PUSB_WORK Work)
{
    PUSB_BUS Bus = USB_BUS_OF(Host);
    KIRQL OldIrql = KfAcquireSpinLock(&Bus->Lock);

    if (!Work->Queued) {
        Work->Queued = TRUE;
        InsertTailList(&Bus->Work, &Work->Link);
    }
    KfReleaseSpinLock(&Bus->Lock, OldIrql);
    KeSetEvent(&Bus->Wake, IO_NO_INCREMENT, FALSE);
}

void UsbCancelWork(PUSB_HOST Host, PUSB_WORK Work)
{
    PUSB_BUS Bus = USB_BUS_OF(Host);
    KIRQL OldIrql = KfAcquireSpinLock(&Bus->Lock);

    if (Work->Queued) {
        Work->Queued = FALSE;
        RemoveEntryList(&Work->Link);
    }
    KfReleaseSpinLock(&Bus->Lock, OldIrql);
}

void UsbPortChanged(PUSB_HOST Host, ULONG Port)
{
    PUSB_BUS Bus = USB_BUS_OF(Host);
    KIRQL OldIrql;

    if (Bus == NULL || Port > USB_ROOT_PORTS) {
        return; /* before the start: all ports are looked at then */
    }
    OldIrql = KfAcquireSpinLock(&Bus->Lock);
    Bus->Changed[Port / 32] |= 1u << Port % 32;
    KfReleaseSpinLock(&Bus->Lock, OldIrql);
    KeSetEvent(&Bus->Wake, IO_NO_INCREMENT, FALSE);
}

/* ---- the thread ---- */

/* => FALSE: there was none. */
static BOOLEAN UsbpRunWork(PUSB_BUS Bus)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Bus->Lock);
    PUSB_WORK Work = NULL;

    if (!IsListEmpty(&Bus->Work)) {
        Work = CONTAINING_RECORD(RemoveHeadList(&Bus->Work), USB_WORK, Link);
        Work->Queued = FALSE;
    }
    KfReleaseSpinLock(&Bus->Lock, OldIrql);
    if (Work != NULL) {
        Work->Routine(Work);
    }
    return Work != NULL;
}

/* Add what changed to Ports.  => FALSE: nothing did. */
static BOOLEAN UsbpTakeChanges(PUSB_BUS Bus, ULONG Ports[USB_PORT_WORDS])
{
    KIRQL OldIrql = KfAcquireSpinLock(&Bus->Lock);
    BOOLEAN Any = FALSE;
    ULONG i;

    for (i = 0; i < USB_PORT_WORDS; i++) {
        Any = Any || Bus->Changed[i] != 0;
        Ports[i] |= Bus->Changed[i];
        Bus->Changed[i] = 0;
    }
    KfReleaseSpinLock(&Bus->Lock, OldIrql);
    return Any;
}

static BOOLEAN UsbpIsAnyNew(PUSB_BUS Bus, const ULONG Ports[USB_PORT_WORDS])
{
    ULONG i;

    for (i = 1; i <= Bus->Host->Ports; i++) {
        const USB_PORT Port = {Bus->Host, NULL, i};

        if ((Ports[i / 32] & 1u << i % 32) != 0 && UsbIsPortNew(&Port)) {
            return TRUE;
        }
    }
    return FALSE;
}

/* => FALSE: no port changed. */
static BOOLEAN UsbpServicePorts(PUSB_BUS Bus)
{
    ULONG Ports[USB_PORT_WORDS] = {0};
    ULONG Bounces = 0;
    ULONG i;

    if (!UsbpTakeChanges(Bus, Ports)) {
        return FALSE;
    }
    if (Bus->Host->Gone) {
        UsbRemoveAllDevices(Bus);
        return TRUE;
    }
    while (UsbpIsAnyNew(Bus, Ports) && Bounces++ < USBP_BOUNCES) {
        UsbSleep(USB_STABLE_MS);
        if (!UsbpTakeChanges(Bus, Ports)) {
            break;
        }
    }
    for (i = 1; i <= Bus->Host->Ports; i++) {
        const USB_PORT Port = {Bus->Host, NULL, i};

        if ((Ports[i / 32] & 1u << i % 32) != 0 && !Bus->Host->Gone) {
            UsbServicePort(&Port);
        }
    }
    return TRUE;
}

/* Until somebody asks; at the start not longer than disks are waited for. */
static void UsbpWait(PUSB_BUS Bus)
{
    ULONG64 Now = KeQueryInterruptTime();
    ULONG64 Patience = Bus->Started + (ULONG64)USBP_PATIENCE_MS * USB_100NS_IN_MS;
    LARGE_INTEGER Left;

    if (KeReadStateEvent(&Bus->Settled) == 0 && Now >= Patience) {
        KeSetEvent(&Bus->Settled, IO_NO_INCREMENT, FALSE);
    }
    Left.QuadPart = -(LONGLONG)(Patience - Now);
    (void)KeWaitForSingleObject(&Bus->Wake, Executive, KernelMode, FALSE,
                                KeReadStateEvent(&Bus->Settled) != 0 ? NULL : &Left);
}

static void NTAPI UsbpThread(PVOID Context)
{
    PUSB_BUS Bus = Context;
    ULONG i;

    UsbSleep(USBP_CONNECT_MS);
    for (i = 1; i <= Bus->Host->Ports; i++) {
        UsbPortChanged(Bus->Host, i);
    }
    for (;;) {
        if (!UsbpRunWork(Bus) && !UsbpServicePorts(Bus)) {
            UsbpWait(Bus);
        }
    }
}

/* ---- the start ---- */

static void UsbpDeleteBus(PUSB_BUS Bus)
{
    Bus->Host->CorePart = NULL;
    UsbFreeBuffer(&Bus->Buffer);
    if (Bus->Descriptors != NULL) {
        ExFreePoolWithTag(Bus->Descriptors, USB_TAG);
    }
    ExFreePoolWithTag(Bus, USB_TAG);
}

static PUSB_BUS UsbpCreateBus(PUSB_HOST Host)
{
    PUSB_BUS Bus = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Bus), USB_TAG);

    if (Bus == NULL) {
        return NULL;
    }
    memset(Bus, 0, sizeof(*Bus));
    Bus->Host = Host;
    Bus->Started = KeQueryInterruptTime();
    KeInitializeSpinLock(&Bus->Lock);
    KeInitializeEvent(&Bus->Wake, SynchronizationEvent, FALSE);
    KeInitializeEvent(&Bus->Settled, NotificationEvent, FALSE);
    KeInitializeEvent(&Bus->Done, NotificationEvent, FALSE);
    InitializeListHead(&Bus->Work);
    InitializeListHead(&Bus->Devices);
    Bus->Descriptors = ExAllocatePoolWithTag(NonPagedPool, USB_BUFFER_BYTES, USB_TAG);
    if (Bus->Descriptors == NULL || !UsbAllocateBuffer(&Bus->Buffer)) {
        UsbpDeleteBus(Bus);
        return NULL;
    }
    Host->CorePart = Bus;
    return Bus;
}

NTSTATUS UsbStartHost(PUSB_HOST Host)
{
    LARGE_INTEGER Limit = {.QuadPart = -(LONGLONG)USBP_SETTLE_MS * USB_100NS_IN_MS};
    PUSB_BUS Bus = UsbpCreateBus(Host);
    NTSTATUS Status;

    if (Bus == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = PsStartSystemThread(UsbpThread, Bus, USBP_PRIORITY, Host->Name);
    if (!NT_SUCCESS(Status)) {
        UsbpDeleteBus(Bus);
        return Status;
    }
    if (KeWaitForSingleObject(&Bus->Settled, Executive, KernelMode, FALSE, &Limit) ==
        STATUS_TIMEOUT) {
        KiPrint("USB        %s: devices are still being looked at\n", Host->Name);
    }
    return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/*
 * usb_transfer.c - transfers that the bus's thread waits for, and memory for them.
 *
 * Control transfers go through the bus's one buffer, one after the other.  The host ends each of
 * them, so that waiting is bounded.
 *
 * Source: USB 2.0, chapter 9.
 *
 * Locking: the bus's thread alone.
 */
#include "disk/driver/usb_core.h"

#include "rtl.h"

#define USBP_CLEAR_FEATURE 1u
#define USBP_TO_ENDPOINT   0x02u
#define USBP_ENDPOINT_HALT 0u

static void UsbpTransferDone(PUSB_TRANSFER Transfer)
{
    KeSetEvent(Transfer->Context, IO_NO_INCREMENT, FALSE);
}

static void UsbpRunControl(PUSB_BUS Bus, PUSB_DEVICE Device, USB_SETUP Setup)
{
    Bus->Transfer = (USB_TRANSFER){
        .Device = Device,
        .Setup = Setup,
        .Mdl = Setup.Length != 0 ? &Bus->Buffer.Pages.Mdl : NULL,
        .Bytes = Setup.Length,
        .LimitMs = USB_CONTROL_MS,
        .Completion = UsbpTransferDone,
        .Context = &Bus->Done,
    };
    KeClearEvent(&Bus->Done);
    Device->Host->Operations->Submit(&Bus->Transfer);
    (void)KeWaitForSingleObject(&Bus->Done, Executive, KernelMode, FALSE, NULL);
}

NTSTATUS UsbControlTransfer(PUSB_DEVICE Device, USB_SETUP Setup, PVOID Buffer, PULONG Done)
{
    PUSB_BUS Bus = USB_BUS_OF(Device->Host);
    BOOLEAN ToHost = (Setup.RequestType & USB_TO_HOST) != 0;
    ULONG Moved;

    if (Device->Gone) {
        return STATUS_NO_SUCH_DEVICE;
    }
    if (Setup.Length > USB_BUFFER_BYTES) {
        return STATUS_INVALID_PARAMETER;
    }
    if (!ToHost && Setup.Length != 0) {
        memcpy(Bus->Buffer.Memory, Buffer, Setup.Length);
    }
    UsbpRunControl(Bus, Device, Setup);
    if (!NT_SUCCESS(Bus->Transfer.Status)) {
        if (Bus->Transfer.Status != STATUS_NO_SUCH_DEVICE) {
            (void)Device->Host->Operations->ResetEndpoint(Device, 0);
        }
        return Bus->Transfer.Status;
    }
    Moved = Bus->Transfer.Done < Setup.Length ? Bus->Transfer.Done : Setup.Length;
    if (ToHost && Moved != 0) {
        memcpy(Buffer, Bus->Buffer.Memory, Moved);
    }
    if (Done != NULL) {
        *Done = Moved;
    }
    return STATUS_SUCCESS;
}

NTSTATUS UsbControlRequest(PUSB_DEVICE Device, UCHAR RequestType, UCHAR Request, ULONG Value,
                           ULONG Index)
{
    const USB_SETUP Setup = {RequestType, Request, (USHORT)Value, (USHORT)Index, 0};

    return UsbControlTransfer(Device, Setup, NULL, NULL);
}

NTSTATUS UsbClearHalt(PUSB_DEVICE Device, UCHAR Endpoint)
{
    NTSTATUS Status;

    if (Device->Gone) {
        return STATUS_NO_SUCH_DEVICE;
    }
    Status = Device->Host->Operations->ResetEndpoint(Device, Endpoint);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    return UsbControlRequest(Device, USBP_TO_ENDPOINT, USBP_CLEAR_FEATURE, USBP_ENDPOINT_HALT,
                             Endpoint);
}

void UsbSleep(ULONG Milliseconds)
{
    LARGE_INTEGER Interval = {.QuadPart = -(LONGLONG)Milliseconds * USB_100NS_IN_MS};

    (void)KeDelayExecutionThread(KernelMode, FALSE, &Interval);
}

BOOLEAN UsbAllocateBuffer(PUSB_BUFFER Buffer)
{
    const PHYSICAL_ADDRESS Highest = {.QuadPart = 0xFFFFFFFF};

    Buffer->Memory = MmAllocateContiguousMemory(USB_BUFFER_BYTES, Highest);
    if (Buffer->Memory == NULL) {
        return FALSE;
    }
    memset(Buffer->Memory, 0, USB_BUFFER_BYTES);
    MmInitializeMdl(&Buffer->Pages.Mdl, Buffer->Memory, USB_BUFFER_BYTES);
    MmBuildMdlForNonPagedPool(&Buffer->Pages.Mdl);
    return TRUE;
}

void UsbFreeBuffer(PUSB_BUFFER Buffer)
{
    if (Buffer->Memory != NULL) {
        MmFreeContiguousMemory(Buffer->Memory);
        Buffer->Memory = NULL;
    }
}

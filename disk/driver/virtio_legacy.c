/* SPDX-License-Identifier: MIT */
/*
 * virtio_legacy.c - virtio devices on PCI as they were before version 1.0: ports.
 *
 * The queue is one piece of memory, of which the device is told the page; how many descriptors it
 * has is the device's choice.  The device's own configuration follows the common ports, of which
 * there are two more while messages (MSI-X) are on.
 *
 * Source: VIRTIO 1.0, 2.4.2 and 4.1.4.8.
 *
 * Locking: the driver's.
 */
#include "disk/driver/virtio.h"

#include "arch/port.h"
#include "rtl.h"

enum {
    LegacyDeviceFeatures = 0,
    LegacyDriverFeatures = 4,
    LegacyQueuePage = 8,
    LegacyQueueSize = 12,
    LegacyQueueSelect = 14,
    LegacyNotify = 16,
    LegacyStatus = 18,
    LegacyConfig = 20,
    LegacyConfigMessage = 20, /* while messages are on, as the next */
    LegacyQueueMessage = 22,
    LegacyConfigBehind = 24
};

#define VIRTIOP_PORT_RANGE  0u
#define VIRTIOP_LEAST_PORTS (LegacyConfigBehind + 8u)
#define VIRTIOP_NO_MESSAGE  0xFFFFu
#define VIRTIOP_MSIX_ON     0x8000u /* in the second word of its capability */

static USHORT VirtiopPort(const VIRTIO_DEVICE *Device, ULONG Offset)
{
    return (USHORT)(Device->Port + Offset);
}

static UCHAR VirtiopReadStatus(const VIRTIO_DEVICE *Device)
{
    return READ_PORT_UCHAR(VirtiopPort(Device, LegacyStatus));
}

static void VirtiopWriteStatus(const VIRTIO_DEVICE *Device, UCHAR Status)
{
    WRITE_PORT_UCHAR(VirtiopPort(Device, LegacyStatus), Status);
}

/* There is nothing to agree on but the features; nobody can refuse. */
static NTSTATUS VirtiopNegotiate(const VIRTIO_DEVICE *Device, ULONG64 Wanted, ULONG64 *Agreed)
{
    ULONG Offered;

    VirtioAddStatus(Device, VIRTIO_ACKNOWLEDGE);
    VirtioAddStatus(Device, VIRTIO_DRIVER);
    Offered = READ_PORT_ULONG(VirtiopPort(Device, LegacyDeviceFeatures)) & (ULONG)Wanted;
    WRITE_PORT_ULONG(VirtiopPort(Device, LegacyDriverFeatures), Offered);
    *Agreed = Offered;
    return STATUS_SUCCESS;
}

static ULONG VirtiopQueueSize(const VIRTIO_DEVICE *Device)
{
    WRITE_PORT_USHORT(VirtiopPort(Device, LegacyQueueSelect), 0);
    return READ_PORT_USHORT(VirtiopPort(Device, LegacyQueueSize));
}

static NTSTATUS VirtiopStartQueue(PVIRTIO_DEVICE Device, ULONG Size,
                                  const VIRTIO_QUEUE_MEMORY *Memory)
{
    if (VirtiopQueueSize(Device) != Size) {
        return STATUS_NOT_SUPPORTED;
    }
    WRITE_PORT_USHORT(VirtiopPort(Device, LegacyConfigMessage), VIRTIOP_NO_MESSAGE);
    WRITE_PORT_USHORT(VirtiopPort(Device, LegacyQueueMessage), 0);
    if (READ_PORT_USHORT(VirtiopPort(Device, LegacyQueueMessage)) != 0) {
        return STATUS_NOT_SUPPORTED;
    }
    WRITE_PORT_ULONG(VirtiopPort(Device, LegacyQueuePage),
                     (ULONG)(Memory->Descriptors >> PAGE_SHIFT));
    VirtioAddStatus(Device, VIRTIO_DRIVER_OK);
    return STATUS_SUCCESS;
}

static void VirtiopNotify(const VIRTIO_DEVICE *Device)
{
    WRITE_PORT_USHORT(VirtiopPort(Device, LegacyNotify), 0);
}

static BOOLEAN VirtiopHasMessages(HAL_PCI_FUNCTION F)
{
    ULONG Capability = PciFindCapability(F, PCI_CAP_MSIX, 0);

    return Capability != 0 && (PciReadWord(F, Capability + 2) & VIRTIOP_MSIX_ON) != 0;
}

static void VirtiopReadConfig(const VIRTIO_DEVICE *Device, PVOID Buffer, ULONG Bytes)
{
    ULONG Config = VirtiopHasMessages(Device->F) ? LegacyConfigBehind : LegacyConfig;
    PULONG Words = Buffer;
    ULONG i;

    for (i = 0; i < Bytes / sizeof(ULONG); i++) {
        ULONG Offset = Config + i * (ULONG)sizeof(ULONG);

        Words[i] = Offset + sizeof(ULONG) <= Device->PortCount
                       ? READ_PORT_ULONG(VirtiopPort(Device, Offset))
                       : 0;
    }
}

NTSTATUS VirtioMapLegacy(PVIRTIO_DEVICE Device)
{
    static const VIRTIO_REGISTER_KIND Legacy = {
        .ReadStatus = VirtiopReadStatus,
        .WriteStatus = VirtiopWriteStatus,
        .Negotiate = VirtiopNegotiate,
        .QueueSize = VirtiopQueueSize,
        .StartQueue = VirtiopStartQueue,
        .Notify = VirtiopNotify,
        .ReadConfig = VirtiopReadConfig,
        .FixedSize = TRUE,
        .UsedAlignment = PAGE_SIZE,
    };
    PCI_RANGE Range;

    if (!NT_SUCCESS(PciQueryRange(Device->F, VIRTIOP_PORT_RANGE, &Range)) || !Range.Io ||
        Range.Bytes < VIRTIOP_LEAST_PORTS || Range.Base + Range.Bytes > 0x10000) {
        return STATUS_NOT_SUPPORTED;
    }
    PciWriteWord(Device->F, PCI_COMMAND, PciReadWord(Device->F, PCI_COMMAND) | PCI_COMMAND_IO);
    Device->Port = (USHORT)Range.Base;
    Device->PortCount = (ULONG)Range.Bytes;
    Device->Kind = &Legacy;
    return STATUS_SUCCESS;
}

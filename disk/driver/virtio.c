/* SPDX-License-Identifier: MIT */
/*
 * virtio.c - virtio devices on PCI with modern registers: finding them, features, one queue.
 *
 * Registers of 64 bits are written as two of 32, the low one first.
 *
 * Locking: the driver's.
 */
#include "disk/driver/virtio.h"

#include "arch/port.h"
#include "mi_assert.h"
#include "rtl.h"

/* Vendor capability: offsets, and which registers it is about. */
enum {
    CapLength = 2,
    CapType = 3,
    CapRange = 4,
    CapOffset = 8,
    CapBytes = 12,
    CapMultiplier = 16
};
enum {
    TypeCommon = 1,
    TypeNotify = 2,
    TypeConfig = 4
};

/* The common registers. */
enum {
    CommonDeviceSelect = 0,
    CommonDeviceFeature = 4,
    CommonDriverSelect = 8,
    CommonDriverFeature = 12,
    CommonConfigMessage = 16,
    CommonStatus = 20,
    CommonGeneration = 21,
    CommonQueueSelect = 22,
    CommonQueueSize = 24,
    CommonQueueMessage = 26,
    CommonQueueEnable = 28,
    CommonQueueNotify = 30,
    CommonQueueDescriptors = 32,
    CommonQueueAvailable = 40,
    CommonQueueUsed = 48,
    CommonBytes = 56
};

#define VIRTIOP_NO_MESSAGE  0xFFFFu
#define VIRTIOP_MAP_LIMIT   0x10000u /* of one kind of registers: more is not used */
#define VIRTIOP_RESET_TRIES 1000u
#define VIRTIOP_RESET_WAIT  100u /* us */
#define VIRTIOP_TRIES       10u  /* of reading a configuration that changes meanwhile */

static const VIRTIO_REGISTER_KIND VirtiopModern;

static ULONG VirtiopRead4(const VIRTIO_DEVICE *Device, ULONG Offset)
{
    return READ_REGISTER_ULONG((volatile ULONG *)(Device->Common.Base + Offset));
}

static USHORT VirtiopRead2(const VIRTIO_DEVICE *Device, ULONG Offset)
{
    return READ_REGISTER_USHORT((volatile USHORT *)(Device->Common.Base + Offset));
}

static void VirtiopWrite4(const VIRTIO_DEVICE *Device, ULONG Offset, ULONG Value)
{
    WRITE_REGISTER_ULONG((volatile ULONG *)(Device->Common.Base + Offset), Value);
}

static void VirtiopWrite2(const VIRTIO_DEVICE *Device, ULONG Offset, ULONG Value)
{
    WRITE_REGISTER_USHORT((volatile USHORT *)(Device->Common.Base + Offset), (USHORT)Value);
}

static void VirtiopWrite8(const VIRTIO_DEVICE *Device, ULONG Offset, ULONG64 Value)
{
    VirtiopWrite4(Device, Offset, (ULONG)Value);
    VirtiopWrite4(Device, Offset + 4, (ULONG)(Value >> 32));
}

/* ---- registers ---- */

/* => Leaves *Registers empty when the capability makes no sense or is out of reach. */
static void VirtiopMapOne(PVIRTIO_DEVICE Device, ULONG Capability, VIRTIO_REGISTERS *Registers)
{
    HAL_PCI_FUNCTION F = Device->F;
    ULONG Offset = PciReadLong(F, Capability + CapOffset);
    ULONG Bytes = PciReadLong(F, Capability + CapBytes);
    PCI_RANGE Range;

    if (Registers->Base != NULL ||
        !NT_SUCCESS(PciQueryRange(F, PciReadByte(F, Capability + CapRange), &Range)) || Range.Io ||
        Bytes == 0 || Offset % 4 != 0 || Offset > Range.Bytes || Bytes > Range.Bytes - Offset) {
        return;
    }
    Bytes = Bytes < VIRTIOP_MAP_LIMIT ? Bytes : VIRTIOP_MAP_LIMIT;
    Registers->Base = PciMapRegisters(F, PciReadByte(F, Capability + CapRange), Offset, Bytes);
    Registers->Bytes = Bytes;
    Device->OutOfReach = Device->OutOfReach || Registers->Base == NULL;
}

NTSTATUS VirtioMap(PVIRTIO_DEVICE Device)
{
    HAL_PCI_FUNCTION F = Device->F;
    ULONG Capability = 0;
    ULONG Left = 32; /* a list that runs in a circle ends too */

    while (Left-- != 0 && (Capability = PciFindCapability(F, PCI_CAP_VENDOR, Capability)) != 0) {
        switch (PciReadByte(F, Capability + CapType)) {
        case TypeCommon:
            VirtiopMapOne(Device, Capability, &Device->Common);
            break;
        case TypeNotify:
            if (Device->Notify.Base == NULL) { /* the first that can be mapped, as the others */
                VirtiopMapOne(Device, Capability, &Device->Notify);
                Device->NotifyMultiplier = PciReadLong(F, Capability + CapMultiplier);
            }
            break;
        case TypeConfig:
            VirtiopMapOne(Device, Capability, &Device->Config);
            break;
        default:
            break;
        }
    }
    if (Device->Common.Base == NULL || Device->Common.Bytes < CommonBytes ||
        Device->Notify.Base == NULL || Device->Config.Base == NULL) {
        NTSTATUS Status;

        VirtioUnmap(Device);
        Status = VirtioMapLegacy(Device);
        return !NT_SUCCESS(Status) && Device->OutOfReach ? STATUS_DEVICE_UNREACHABLE : Status;
    }
    Device->Kind = &VirtiopModern;
    return STATUS_SUCCESS;
}

static void VirtiopUnmapOne(VIRTIO_REGISTERS *Registers)
{
    if (Registers->Base != NULL) {
        HalUnmapRegisters((PVOID)Registers->Base, Registers->Bytes);
        Registers->Base = NULL;
    }
}

void VirtioUnmap(PVIRTIO_DEVICE Device)
{
    VirtiopUnmapOne(&Device->Common);
    VirtiopUnmapOne(&Device->Notify);
    VirtiopUnmapOne(&Device->Config);
    Device->Kind = NULL;
}

/* ---- status and features ---- */

static UCHAR VirtiopReadStatus(const VIRTIO_DEVICE *Device)
{
    return READ_REGISTER_UCHAR(Device->Common.Base + CommonStatus);
}

static void VirtiopWriteStatus(const VIRTIO_DEVICE *Device, UCHAR Status)
{
    WRITE_REGISTER_UCHAR(Device->Common.Base + CommonStatus, Status);
}

UCHAR VirtioReadStatus(const VIRTIO_DEVICE *Device)
{
    return Device->Kind->ReadStatus(Device);
}

void VirtioAddStatus(const VIRTIO_DEVICE *Device, UCHAR Bits)
{
    Device->Kind->WriteStatus(Device, VirtioReadStatus(Device) | Bits);
}

BOOLEAN VirtioReset(const VIRTIO_DEVICE *Device)
{
    ULONG Left;

    Device->Kind->WriteStatus(Device, 0);
    for (Left = VIRTIOP_RESET_TRIES; Left != 0; Left--) {
        if (VirtioReadStatus(Device) == 0) {
            return TRUE;
        }
        KeStallExecutionProcessor(VIRTIOP_RESET_WAIT);
    }
    return FALSE;
}

static NTSTATUS VirtiopNegotiate(const VIRTIO_DEVICE *Device, ULONG64 Wanted, ULONG64 *Agreed)
{
    ULONG64 Offered;

    VirtioAddStatus(Device, VIRTIO_ACKNOWLEDGE);
    VirtioAddStatus(Device, VIRTIO_DRIVER);
    VirtiopWrite4(Device, CommonDeviceSelect, 0);
    Offered = VirtiopRead4(Device, CommonDeviceFeature);
    VirtiopWrite4(Device, CommonDeviceSelect, 1);
    Offered |= (ULONG64)VirtiopRead4(Device, CommonDeviceFeature) << 32;
    if (!(Offered & VIRTIO_FEATURE_VERSION)) {
        return STATUS_NOT_SUPPORTED;
    }
    Offered &= Wanted | VIRTIO_FEATURE_VERSION;
    VirtiopWrite4(Device, CommonDriverSelect, 0);
    VirtiopWrite4(Device, CommonDriverFeature, (ULONG)Offered);
    VirtiopWrite4(Device, CommonDriverSelect, 1);
    VirtiopWrite4(Device, CommonDriverFeature, (ULONG)(Offered >> 32));
    VirtioAddStatus(Device, VIRTIO_FEATURES_OK);
    if (!(VirtioReadStatus(Device) & VIRTIO_FEATURES_OK)) {
        return STATUS_NOT_SUPPORTED;
    }
    *Agreed = Offered;
    return STATUS_SUCCESS;
}

/* ---- the queue ---- */

static ULONG VirtiopQueueSize(const VIRTIO_DEVICE *Device)
{
    VirtiopWrite2(Device, CommonQueueSelect, 0);
    return VirtiopRead2(Device, CommonQueueSize);
}

static NTSTATUS VirtiopStartQueue(PVIRTIO_DEVICE Device, ULONG Size,
                                  const VIRTIO_QUEUE_MEMORY *Memory)
{
    ULONG64 Doorbell;

    VirtiopWrite2(Device, CommonConfigMessage, VIRTIOP_NO_MESSAGE);
    VirtiopWrite2(Device, CommonQueueSelect, 0);
    VirtiopWrite2(Device, CommonQueueSize, Size);
    VirtiopWrite2(Device, CommonQueueMessage, 0);
    Doorbell = (ULONG64)VirtiopRead2(Device, CommonQueueNotify) * Device->NotifyMultiplier;
    if (VirtiopRead2(Device, CommonQueueMessage) != 0 || Doorbell % 2 != 0 ||
        Doorbell + sizeof(USHORT) > Device->Notify.Bytes) {
        return STATUS_NOT_SUPPORTED;
    }
    Device->Doorbell = (volatile USHORT *)(Device->Notify.Base + (ULONG)Doorbell);
    VirtiopWrite8(Device, CommonQueueDescriptors, Memory->Descriptors);
    VirtiopWrite8(Device, CommonQueueAvailable, Memory->Available);
    VirtiopWrite8(Device, CommonQueueUsed, Memory->Used);
    VirtiopWrite2(Device, CommonQueueEnable, 1);
    VirtioAddStatus(Device, VIRTIO_DRIVER_OK);
    return STATUS_SUCCESS;
}

static void VirtiopNotify(const VIRTIO_DEVICE *Device)
{
    WRITE_REGISTER_USHORT(Device->Doorbell, 0);
}

/* ---- configuration ---- */

static void VirtiopReadConfig(const VIRTIO_DEVICE *Device, PVOID Buffer, ULONG Bytes)
{
    volatile UCHAR *Generation = Device->Common.Base + CommonGeneration;
    PULONG Words = Buffer;
    ULONG Tries = VIRTIOP_TRIES;
    UCHAR Before;
    ULONG i;

    MI_ASSERT(Bytes % sizeof(ULONG) == 0);
    do {
        Before = READ_REGISTER_UCHAR(Generation);
        for (i = 0; i < Bytes / sizeof(ULONG); i++) {
            Words[i] = (i + 1) * sizeof(ULONG) <= Device->Config.Bytes
                           ? READ_REGISTER_ULONG((volatile ULONG *)Device->Config.Base + i)
                           : 0;
        }
    } while (READ_REGISTER_UCHAR(Generation) != Before && --Tries != 0);
}

/* ---- either kind ---- */

static const VIRTIO_REGISTER_KIND VirtiopModern = {
    .ReadStatus = VirtiopReadStatus,
    .WriteStatus = VirtiopWriteStatus,
    .Negotiate = VirtiopNegotiate,
    .QueueSize = VirtiopQueueSize,
    .StartQueue = VirtiopStartQueue,
    .Notify = VirtiopNotify,
    .ReadConfig = VirtiopReadConfig,
    .UsedAlignment = 16, /* 4 would do */
};

NTSTATUS VirtioNegotiate(const VIRTIO_DEVICE *Device, ULONG64 Wanted, ULONG64 *Agreed)
{
    return Device->Kind->Negotiate(Device, Wanted, Agreed);
}

ULONG VirtioQueueSize(const VIRTIO_DEVICE *Device)
{
    return Device->Kind->QueueSize(Device);
}

NTSTATUS VirtioStartQueue(PVIRTIO_DEVICE Device, ULONG Size, const VIRTIO_QUEUE_MEMORY *Memory)
{
    return Device->Kind->StartQueue(Device, Size, Memory);
}

void VirtioNotify(const VIRTIO_DEVICE *Device)
{
    Device->Kind->Notify(Device);
}

void VirtioReadConfig(const VIRTIO_DEVICE *Device, PVOID Buffer, ULONG Bytes)
{
    Device->Kind->ReadConfig(Device, Buffer, Bytes);
}

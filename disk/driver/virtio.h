/* SPDX-License-Identifier: MIT */
/*
 * virtio.h - virtio devices on PCI: finding their registers, features, one queue.
 *
 *     modern   registers in memory, which capabilities name     virtio.c
 *     legacy   ports, as before version 1.0                     virtio_legacy.c
 *
 * Source: Virtual I/O Device (VIRTIO) Version 1.0, OASIS: 2 (basics, with 2.4 split queues)
 * and 4.1 (PCI, with 4.1.4.8 for legacy).  A transitional device is driven as modern where its
 * modern registers can be reached.
 */
#ifndef DISK_DRIVER_VIRTIO_H
#define DISK_DRIVER_VIRTIO_H

#include "pci.h"

#define VIRTIO_VENDOR          0x1AF4u

#define VIRTIO_FEATURE_VERSION (1ull << 32)

/* Device status. */
#define VIRTIO_ACKNOWLEDGE 0x01u
#define VIRTIO_DRIVER      0x02u
#define VIRTIO_DRIVER_OK   0x04u
#define VIRTIO_FEATURES_OK 0x08u
#define VIRTIO_NEEDS_RESET 0x40u
#define VIRTIO_FAILED      0x80u
#define VIRTIO_NOT_THERE   0xFFu /* what nobody answers */

/* ---- the queue, as in memory ---- */

typedef struct _VIRTIO_DESCRIPTOR {
    ULONG64 Address;
    ULONG Length;
    USHORT Flags; /* VIRTIO_NEXT, VIRTIO_WRITE */
    USHORT Next;
} VIRTIO_DESCRIPTOR;

#define VIRTIO_NEXT  1u /* Next is valid */
#define VIRTIO_WRITE 2u /* the device writes */

typedef struct _VIRTIO_AVAILABLE {
    USHORT Flags;
    USHORT Index;
    USHORT Ring[]; /* first descriptors of chains */
} VIRTIO_AVAILABLE;

typedef struct _VIRTIO_USED_ELEMENT {
    ULONG Id; /* first descriptor of the chain */
    ULONG Length;
} VIRTIO_USED_ELEMENT;

typedef struct _VIRTIO_USED {
    USHORT Flags;
    USHORT Index;
    VIRTIO_USED_ELEMENT Ring[];
} VIRTIO_USED;

NT_C_ASSERT(sizeof(VIRTIO_DESCRIPTOR) == 16);
NT_C_ASSERT(sizeof(VIRTIO_USED_ELEMENT) == 8);

/* ---- a device ---- */

typedef struct _VIRTIO_REGISTERS {
    volatile UCHAR *Base; /* NULL: not there */
    ULONG Bytes;
} VIRTIO_REGISTERS;

typedef struct _VIRTIO_DEVICE VIRTIO_DEVICE, *PVIRTIO_DEVICE;
typedef struct _VIRTIO_QUEUE_MEMORY VIRTIO_QUEUE_MEMORY;

/* What the two kinds of registers do differently; as the functions below. */
typedef struct _VIRTIO_REGISTER_KIND {
    UCHAR (*ReadStatus)(const VIRTIO_DEVICE *Device);
    void (*WriteStatus)(const VIRTIO_DEVICE *Device, UCHAR Status);
    NTSTATUS (*Negotiate)(const VIRTIO_DEVICE *Device, ULONG64 Wanted, ULONG64 *Agreed);
    ULONG (*QueueSize)(const VIRTIO_DEVICE *Device);
    NTSTATUS (*StartQueue)(PVIRTIO_DEVICE Device, ULONG Size, const VIRTIO_QUEUE_MEMORY *Memory);
    void (*Notify)(const VIRTIO_DEVICE *Device);
    void (*ReadConfig)(const VIRTIO_DEVICE *Device, PVOID Buffer, ULONG Bytes);
    BOOLEAN FixedSize;   /* of the queue: what the device says, and no less */
    ULONG UsedAlignment; /* of the queue's used part, which begins behind the others */
} VIRTIO_REGISTER_KIND;

struct _VIRTIO_DEVICE {
    HAL_PCI_FUNCTION F;
    BOOLEAN OutOfReach;               /* some registers could not be mapped */
    const VIRTIO_REGISTER_KIND *Kind; /* NULL: not mapped */
    VIRTIO_REGISTERS Common;
    VIRTIO_REGISTERS Notify;
    VIRTIO_REGISTERS Config; /* what the kind of device defines */
    ULONG NotifyMultiplier;
    volatile USHORT *Doorbell; /* of queue 0 */
    USHORT Port;               /* legacy: the first */
    ULONG PortCount;
};

/* Where queue 0 lies. */
struct _VIRTIO_QUEUE_MEMORY {
    ULONG64 Descriptors;
    ULONG64 Available;
    ULONG64 Used;
};

/*
 * Find and map the registers: modern ones, else ports.
 *
 * => PASSIVE_LEVEL; Device->F is set, the rest zero.
 * => STATUS_NOT_SUPPORTED: neither; STATUS_DEVICE_UNREACHABLE: out of reach.
 *    VirtioUnmap undoes what was done.
 */
NT_MUST_CHECK NTSTATUS VirtioMap(PVIRTIO_DEVICE Device);
void VirtioUnmap(PVIRTIO_DEVICE Device);

/* => STATUS_NOT_SUPPORTED: the device has no ports.  Else Device->Kind is set. */
NT_MUST_CHECK NTSTATUS VirtioMapLegacy(PVIRTIO_DEVICE Device);

UCHAR VirtioReadStatus(const VIRTIO_DEVICE *Device);
void VirtioAddStatus(const VIRTIO_DEVICE *Device, UCHAR Bits);

/*
 * => IRQL <= DISPATCH_LEVEL; takes 100 ms at most.
 * => FALSE: the device did not get there.
 */
BOOLEAN VirtioReset(const VIRTIO_DEVICE *Device);

/*
 * After a reset: agree on those of Wanted that the device offers.
 *
 * => STATUS_NOT_SUPPORTED: it has modern registers and is not modern, or refuses.
 */
NT_MUST_CHECK NTSTATUS VirtioNegotiate(const VIRTIO_DEVICE *Device, ULONG64 Wanted,
                                       ULONG64 *Agreed);

/* => Returns the descriptors that queue 0 may have; 0: there is none. */
ULONG VirtioQueueSize(const VIRTIO_DEVICE *Device);

/*
 * Queue 0 lives in Memory, with Size descriptors, and interrupts by the function's first message.
 *
 * => STATUS_NOT_SUPPORTED: no interrupt, or its doorbell is out of range.
 */
NT_MUST_CHECK NTSTATUS VirtioStartQueue(PVIRTIO_DEVICE Device, ULONG Size,
                                        const VIRTIO_QUEUE_MEMORY *Memory);

/* Tell the device that there is something new in queue 0. */
void VirtioNotify(const VIRTIO_DEVICE *Device);

/* => Returns a consistent copy of Bytes of the device's configuration, zero where it ends. */
void VirtioReadConfig(const VIRTIO_DEVICE *Device, PVOID Buffer, ULONG Bytes);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * virtio_blk.c - the virtio block device: requests as chains of descriptors.
 *
 * Slot n of the channel owns descriptors [n * PerSlot, (n + 1) * PerSlot), a header and a status
 * byte, so that nothing is allocated and a finished chain's number tells its slot:
 *
 *     header (device reads) -> pieces of the data -> status (device writes)
 *
 * The device is input too: an index that ran ahead, a chain that nobody sent, or one that was
 * finished before, is a reset.
 *
 * Source: VIRTIO 1.0, 5.2.
 *
 * Locking: the channel's.
 */
#include "disk/driver/drivers.h"

#include "disk/driver/channel.h"
#include "disk/driver/virtio.h"
#include "ex.h"
#include "rtl.h"

#define VBLKP_TAG              0x6B6C4256u /* 'VBlk' */

#define VBLKP_SEGMENT_LIMIT    (1u << 2) /* SegmentMaximum is valid */
#define VBLKP_READ_ONLY        (1u << 5)
#define VBLKP_BLOCK_SIZE       (1u << 6)
#define VBLKP_FLUSH            (1u << 9)

#define VBLKP_QUEUE_LIMIT      256u
#define VBLKP_PIECES           17u /* 64 KB that do not begin at a page */
#define VBLKP_LEAST_PIECES     2u
#define VBLKP_BESIDE           2u /* header and status */
#define VBLKP_PER_SLOT(Pieces) ((Pieces) + VBLKP_BESIDE)
#define VBLKP_PIECE_BYTES      0x10000u
#define VBLKP_UNIT             512u /* of Header.Sector and Config.Capacity, always */

enum {
    TypeRead = 0,
    TypeWrite = 1,
    TypeFlush = 4
};

typedef struct _VBLKP_CONFIG {
    ULONG CapacityLow;
    ULONG CapacityHigh;
    ULONG PieceMaximum;
    ULONG SegmentMaximum;
    ULONG Geometry;
    ULONG BlockBytes;
} VBLKP_CONFIG;

NT_C_ASSERT(sizeof(VBLKP_CONFIG) == 24);

typedef struct _VBLKP_HEADER {
    ULONG Type;
    ULONG Reserved;
    ULONG64 Sector;
} VBLKP_HEADER;

/* What the device reads and writes for a slot. */
typedef struct _VBLKP_SLOT {
    VBLKP_HEADER Header;
    volatile UCHAR Status;
    UCHAR Reserved[15];
} VBLKP_SLOT;

#define VBLKP_STATUS_OK   0u
#define VBLKP_STATUS_FAIL 1u    /* the request failed; others: it cannot be done at all */
#define VBLKP_STATUS_NONE 0xFFu /* not written yet */

typedef struct _VBLKP_DISK {
    DISK_CHANNEL Channel;
    VIRTIO_DEVICE Device;
    PCI_MESSAGE Message;
    char Name[DRIVER_NAME_BYTES];
    ULONG64 Features;
    ULONG QueueSize;
    ULONG Pieces; /* that a request can have */
    PUCHAR Memory;
    ULONG MemoryBytes;
    VIRTIO_DESCRIPTOR *Descriptors;
    volatile VIRTIO_AVAILABLE *Available;
    volatile VIRTIO_USED *Used;
    VBLKP_SLOT *Slots;
    VIRTIO_QUEUE_MEMORY Physical;
    USHORT Seen; /* the used index up to which answers were taken */
} VBLKP_DISK, *PVBLKP_DISK;

static PVBLKP_DISK VblkpDisk(PDISK_CHANNEL Channel)
{
    return CONTAINING_RECORD(Channel, VBLKP_DISK, Channel);
}

static ULONG64 VblkpPhysical(PVBLKP_DISK Disk, const volatile void *Va)
{
    return (ULONG64)MmGetPhysicalAddress(Disk->Memory).QuadPart +
           (ULONG)((const volatile UCHAR *)Va - Disk->Memory);
}

/* ---- to the device ---- */

static void VblkpDescribe(VIRTIO_DESCRIPTOR *D, ULONG64 Address, ULONG Bytes, ULONG Flags,
                          ULONG Next)
{
    D->Address = Address;
    D->Length = Bytes;
    D->Flags = (USHORT)Flags;
    D->Next = (USHORT)Next;
}

static void VblkpOffer(PVBLKP_DISK Disk, ULONG First)
{
    volatile VIRTIO_AVAILABLE *Available = Disk->Available;

    Available->Ring[Available->Index % Disk->QueueSize] = (USHORT)First;
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the entry before the index that reveals it */
    Available->Index = (USHORT)(Available->Index + 1);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    VirtioNotify(&Disk->Device);
}

static void VblkpStart(PDISK_CHANNEL Channel, ULONG Slot, PDISK_REQUEST Request)
    NT_HOLDS(Channel->Lock)
{
    static const ULONG Types[] = {
        [DiskRead] = TypeRead, [DiskWrite] = TypeWrite, [DiskFlush] = TypeFlush};
    PVBLKP_DISK Disk = VblkpDisk(Channel);
    ULONG Bytes = Request->Sectors * Channel->Device.SectorBytes;
    ULONG Each = VBLKP_PER_SLOT(Disk->Pieces) * Slot;
    VBLKP_SLOT *Own = &Disk->Slots[Slot];
    CHANNEL_PIECE Pieces[VBLKP_PIECES];
    ULONG First = Each;
    ULONG Count = 0;
    ULONG i;

    if (Request->Operation == DiskFlush && !(Disk->Features & VBLKP_FLUSH)) {
        (void)ChannelFinish(Channel, Slot, STATUS_SUCCESS); /* the device writes through */
        return;
    }
    if (Request->Operation != DiskFlush) {
        Count = ChannelSplit(Request, Bytes, VBLKP_PIECE_BYTES, Pieces, Disk->Pieces);
        if (Count == 0 || Count > Disk->Pieces) {
            (void)ChannelFinish(Channel, Slot, STATUS_INVALID_PARAMETER);
            return;
        }
    }
    Own->Header = (VBLKP_HEADER){
        Types[Request->Operation], 0,
        Count != 0 ? Request->Sector * (Channel->Device.SectorBytes / VBLKP_UNIT) : 0};
    Own->Status = VBLKP_STATUS_NONE;
    VblkpDescribe(&Disk->Descriptors[Each], VblkpPhysical(Disk, &Own->Header), sizeof(Own->Header),
                  VIRTIO_NEXT, Each + 1);
    for (i = 0; i < Count; i++) {
        Each++;
        VblkpDescribe(&Disk->Descriptors[Each], Pieces[i].Physical, Pieces[i].Bytes,
                      VIRTIO_NEXT | (Request->Operation == DiskRead ? VIRTIO_WRITE : 0), Each + 1);
    }
    VblkpDescribe(&Disk->Descriptors[Each + 1], VblkpPhysical(Disk, &Own->Status), 1, VIRTIO_WRITE,
                  0);
    VblkpOffer(Disk, First);
}

/* ---- from the device ---- */

static BOOLEAN VblkpTake(PDISK_CHANNEL Channel) NT_HOLDS(Channel->Lock)
{
    PVBLKP_DISK Disk = VblkpDisk(Channel);
    const volatile VIRTIO_USED_ELEMENT *Element = &Disk->Used->Ring[Disk->Seen % Disk->QueueSize];
    ULONG PerSlot = VBLKP_PER_SLOT(Disk->Pieces);
    ULONG Id = Element->Id;
    UCHAR Answer;

    Disk->Seen++;
    if (Id % PerSlot != 0 || Id / PerSlot >= Channel->SlotCount) {
        return FALSE;
    }
    Answer = Disk->Slots[Id / PerSlot].Status;
    if (Answer == VBLKP_STATUS_FAIL) {
        return ChannelRetry(Channel, Id / PerSlot, STATUS_IO_DEVICE_ERROR);
    }
    return ChannelFinish(Channel, Id / PerSlot,
                         Answer == VBLKP_STATUS_OK ? STATUS_SUCCESS : STATUS_IO_DEVICE_ERROR);
}

static BOOLEAN VblkpPoll(PDISK_CHANNEL Channel) NT_HOLDS(Channel->Lock)
{
    PVBLKP_DISK Disk = VblkpDisk(Channel);
    USHORT Index = Disk->Used->Index;

    if ((USHORT)(Index - Disk->Seen) > (ULONG)__builtin_popcount(Channel->Busy)) {
        return FALSE;
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the index before what it reveals */
    while (Disk->Seen != Index) {
        if (!VblkpTake(Channel)) {
            return FALSE;
        }
    }
    return TRUE;
}

/* ---- start, reset, end ---- */

/* => The device was reset. */
static NTSTATUS VblkpNegotiate(PVBLKP_DISK Disk)
{
    const ULONG64 Wanted = VBLKP_SEGMENT_LIMIT | VBLKP_READ_ONLY | VBLKP_BLOCK_SIZE | VBLKP_FLUSH;
    ULONG64 Agreed = 0;
    NTSTATUS Status = VirtioNegotiate(&Disk->Device, Wanted, &Agreed);

    Disk->Features = Agreed;
    return Status;
}

static NTSTATUS VblkpStartQueue(PVBLKP_DISK Disk)
{
    memset(Disk->Memory, 0, Disk->MemoryBytes);
    Disk->Seen = 0;
    return VirtioStartQueue(&Disk->Device, Disk->QueueSize, &Disk->Physical);
}

static BOOLEAN VblkpReset(PDISK_CHANNEL Channel)
{
    PVBLKP_DISK Disk = VblkpDisk(Channel);

    if (VirtioReset(&Disk->Device) && NT_SUCCESS(VblkpNegotiate(Disk)) &&
        VirtioQueueSize(&Disk->Device) >= Disk->QueueSize && NT_SUCCESS(VblkpStartQueue(Disk))) {
        return TRUE;
    }
    PciReleaseFunction(Disk->Device.F);
    return FALSE;
}

static BOOLEAN VblkpIsPresent(PDISK_CHANNEL Channel)
{
    return VirtioReadStatus(&VblkpDisk(Channel)->Device) != VIRTIO_NOT_THERE;
}

static void VblkpInterrupt(PVOID Context)
{
    PVBLKP_DISK Disk = Context;

    ChannelInterrupt(&Disk->Channel);
}

/* The largest power of two that the device and we can do. */
static ULONG VblkpQueueSize(ULONG Offered)
{
    ULONG Size = VBLKP_QUEUE_LIMIT;

    while (Size > Offered) {
        Size /= 2;
    }
    return Size;
}

/* => STATUS_NOT_SUPPORTED: the device's figures leave no room for a request. */
static NTSTATUS VblkpReadGeometry(PVBLKP_DISK Disk)
{
    PDISK_DEVICE Device = &Disk->Channel.Device;
    ULONG Segments = VBLKP_PIECES;
    VBLKP_CONFIG Config;

    VirtioReadConfig(&Disk->Device, &Config, sizeof(Config));
    Device->SectorBytes = Disk->Features & VBLKP_BLOCK_SIZE ? Config.BlockBytes : VBLKP_UNIT;
    if (Disk->Features & VBLKP_SEGMENT_LIMIT) {
        Segments = Config.SegmentMaximum;
    }
    if (Device->SectorBytes < VBLKP_UNIT || Device->SectorBytes > PAGE_SIZE ||
        (Device->SectorBytes & (Device->SectorBytes - 1)) != 0) {
        return STATUS_NOT_SUPPORTED;
    }
    Disk->QueueSize = VblkpQueueSize(VirtioQueueSize(&Disk->Device));
    Disk->Pieces = Segments < VBLKP_PIECES ? Segments : VBLKP_PIECES;
    if (Disk->Pieces + VBLKP_BESIDE > Disk->QueueSize) {
        Disk->Pieces = Disk->QueueSize - VBLKP_BESIDE;
    }
    if (Disk->QueueSize < VBLKP_LEAST_PIECES + VBLKP_BESIDE || Disk->Pieces < VBLKP_LEAST_PIECES) {
        return STATUS_NOT_SUPPORTED;
    }
    Disk->Channel.SlotCount = Disk->QueueSize / VBLKP_PER_SLOT(Disk->Pieces);
    if (Disk->Channel.SlotCount > CHANNEL_SLOTS) {
        Disk->Channel.SlotCount = CHANNEL_SLOTS;
    }
    Device->Sectors = ((ULONG64)Config.CapacityHigh << 32 | Config.CapacityLow) /
                      (Device->SectorBytes / VBLKP_UNIT);
    Device->MaximumSectors = (Disk->Pieces - 1) * PAGE_SIZE / Device->SectorBytes;
    Device->ReadOnly = (Disk->Features & VBLKP_READ_ONLY) != 0;
    return STATUS_SUCCESS;
}

/* Descriptors, what is available, what was used, the slots: one block below 4 GB. */
static NTSTATUS VblkpAllocate(PVBLKP_DISK Disk)
{
    const PHYSICAL_ADDRESS Highest = {.QuadPart = 0xFFFFFFFF};
    ULONG Available = Disk->QueueSize * (ULONG)sizeof(VIRTIO_DESCRIPTOR);
    ULONG Used =
        Available + ROUND_UP((ULONG)sizeof(VIRTIO_AVAILABLE) + 2 * Disk->QueueSize + 2, 16);
    ULONG Slots = Used + ROUND_UP((ULONG)sizeof(VIRTIO_USED) +
                                      Disk->QueueSize * (ULONG)sizeof(VIRTIO_USED_ELEMENT) + 2,
                                  16);

    Disk->MemoryBytes = Slots + Disk->Channel.SlotCount * (ULONG)sizeof(VBLKP_SLOT);
    Disk->Memory = MmAllocateContiguousMemory(Disk->MemoryBytes, Highest);
    if (Disk->Memory == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Disk->Descriptors = (PVOID)Disk->Memory;
    Disk->Available = (PVOID)(Disk->Memory + Available);
    Disk->Used = (PVOID)(Disk->Memory + Used);
    Disk->Slots = (PVOID)(Disk->Memory + Slots);
    Disk->Physical.Descriptors = VblkpPhysical(Disk, Disk->Memory);
    Disk->Physical.Available = VblkpPhysical(Disk, Disk->Available);
    Disk->Physical.Used = VblkpPhysical(Disk, Disk->Used);
    return STATUS_SUCCESS;
}

/* => The registers are mapped, the function is taken. */
static NTSTATUS VblkpBringUp(PVBLKP_DISK Disk)
{
    static const CHANNEL_OPERATIONS Operations = {
        .Start = VblkpStart,
        .Poll = VblkpPoll,
        .Reset = VblkpReset,
        .IsPresent = VblkpIsPresent,
    };
    NTSTATUS Status;

    if (!VirtioReset(&Disk->Device)) {
        return STATUS_IO_TIMEOUT;
    }
    Status = PciEnableMaster(Disk->Device.F);
    if (NT_SUCCESS(Status)) {
        Status = VblkpNegotiate(Disk);
    }
    if (NT_SUCCESS(Status)) {
        Status = VblkpReadGeometry(Disk);
    }
    if (NT_SUCCESS(Status)) {
        Status = VblkpAllocate(Disk);
    }
    if (NT_SUCCESS(Status)) {
        Disk->Channel.Operations = &Operations;
        ChannelInitialize(&Disk->Channel);
        Status = PciConnectMessage(Disk->Device.F, VblkpInterrupt, Disk, &Disk->Message);
    }
    if (NT_SUCCESS(Status) && !Disk->Message.Extended) {
        Status = STATUS_NOT_SUPPORTED; /* virtio knows MSI-X and no MSI */
    }
    return NT_SUCCESS(Status) ? VblkpStartQueue(Disk) : Status;
}

static void VblkpDelete(PVBLKP_DISK Disk)
{
    if (Disk->Device.Common.Base != NULL) {
        (void)VirtioReset(&Disk->Device);
    }
    PciDisconnectMessage(Disk->Device.F, &Disk->Message);
    PciReleaseFunction(Disk->Device.F);
    VirtioUnmap(&Disk->Device);
    if (Disk->Memory != NULL) {
        MmFreeContiguousMemory(Disk->Memory);
    }
    ExFreePoolWithTag(Disk, VBLKP_TAG);
}

NTSTATUS VirtioBlkAddDevice(HAL_PCI_FUNCTION F, ULONG Number)
{
    PVBLKP_DISK Disk = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Disk), VBLKP_TAG);
    NTSTATUS Status;

    if (Disk == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Disk, 0, sizeof(*Disk));
    Disk->Device.F = F;
    Disk->Channel.Device.Name = Disk->Name;
    (void)RtlStringCbPrintfA(Disk->Name, sizeof(Disk->Name), "virtio%u", Number);
    Status = PciTakeFunction(F);
    if (NT_SUCCESS(Status)) {
        Status = VirtioMap(&Disk->Device);
    }
    if (NT_SUCCESS(Status)) {
        Status = VblkpBringUp(Disk);
    }
    if (!NT_SUCCESS(Status)) {
        VblkpDelete(Disk);
        return Status;
    }
    DriverAddDisk(&Disk->Channel.Device);
    return STATUS_SUCCESS;
}

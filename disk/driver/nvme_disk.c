/* SPDX-License-Identifier: MIT */
/*
 * nvme_disk.c - a namespace of an NVMe controller: requests as commands of its queue.
 *
 * Slot n of the channel is command identifier n and owns a list of pages, so that nothing is
 * allocated for a request.  The disk's memory, below 4 GB:
 *
 *     page 0   commands
 *     page 1   completions
 *     page 2   for each slot, the pages of its data but the first
 *
 * A timeout, or an answer that breaks the rules, resets the controller (nvme.c); so does a
 * controller that says it has failed, which is looked for while requests are on their way.
 *
 * Locking: the channel's, and the controller's lock under it for a reset.
 */
#include "disk/driver/nvme.h"

#include "ex.h"
#include "rtl.h"

#define NVMEP_MEMORY_BYTES (3 * PAGE_SIZE)
#define NVMEP_LISTS_AT     (2 * PAGE_SIZE)
#define NVMEP_LIST_PAGES   (PAGE_SIZE / CHANNEL_SLOTS / (ULONG)sizeof(ULONG64))

/* Commands of the NVM command set, and admin commands that make a queue. */
#define NVMEP_FLUSH              0x00u
#define NVMEP_WRITE              0x01u
#define NVMEP_READ               0x02u
#define NVMEP_CREATE_COMMANDS    0x01u
#define NVMEP_CREATE_COMPLETIONS 0x05u
#define NVMEP_CONTIGUOUS         0x1u
#define NVMEP_INTERRUPTS         0x2u

#define NVMEP_PROTECTED          0x0040u /* status code 20h: the namespace is write protected */

/* What NVME_ABOUT_NAMESPACE returns. */
enum {
    NamespaceSectors = 0, /* 64 bits */
    NamespaceFormats = 25,
    NamespaceFormat = 26,
    NamespaceProtection = 29,
    NamespaceAttributes = 99,
    NamespaceFormatList = 128 /* 4 bytes each: of metadata (2), log2 of a sector's bytes */
};
#define NVMEP_FORMAT_MASK  0x0Fu
#define NVMEP_INFORMATION  0x07u /* in NamespaceProtection: sectors carry more than data */
#define NVMEP_LEAST_SECTOR 9u
#define NVMEP_MOST_SECTOR  12u

NT_C_ASSERT(PAGE_SIZE + (NVMEP_LIST_PAGES - 1) * PAGE_SIZE >= 0x10000u);

static PNVME_DISK NvmepDisk(PDISK_CHANNEL Channel)
{
    return CONTAINING_RECORD(Channel, NVME_DISK, Channel);
}

static ULONG NvmepPhysical(const NVME_DISK *Disk, ULONG Offset)
{
    return MmGetPhysicalAddress(Disk->Memory).LowPart + Offset;
}

/* ---- to the controller ---- */

/* => FALSE: the pages cannot be described. */
static BOOLEAN NvmepDescribe(const NVME_DISK *Disk, ULONG Slot, const DISK_REQUEST *Request,
                             NVME_COMMAND *Command)
{
    const MDL *Mdl = Request->Mdl;
    ULONG Bytes = Request->Sectors * Disk->Channel.Device.SectorBytes;
    ULONG Offset = Mdl->ByteOffset + Request->Offset;
    const PFN_NUMBER *Frames = MmGetMdlPfnArray(Mdl) + (Offset >> PAGE_SHIFT);
    ULONG Pages = (BYTE_OFFSET(Offset) + Bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
    ULONG ListAt = NVMEP_LISTS_AT + Slot * NVMEP_LIST_PAGES * (ULONG)sizeof(ULONG64);
    ULONG64 *List = (PVOID)(Disk->Memory + ListAt);
    ULONG i;

    if (Request->Offset > Mdl->ByteCount || Bytes > Mdl->ByteCount - Request->Offset ||
        Bytes == 0 || Offset % sizeof(ULONG) != 0 || Pages - 1 > NVMEP_LIST_PAGES) {
        return FALSE;
    }
    Command->Data[0] = ((ULONG64)Frames[0] << PAGE_SHIFT) + BYTE_OFFSET(Offset);
    for (i = 1; i < Pages; i++) {
        List[i - 1] = (ULONG64)Frames[i] << PAGE_SHIFT;
    }
    if (Pages > 1) {
        Command->Data[1] = Pages == 2 ? List[0] : NvmepPhysical(Disk, ListAt);
    }
    return TRUE;
}

static void NvmepStart(PDISK_CHANNEL Channel, ULONG Slot, PDISK_REQUEST Request)
    NT_HOLDS(Channel->Lock)
{
    static const USHORT Operations[] = {
        [DiskRead] = NVMEP_READ, [DiskWrite] = NVMEP_WRITE, [DiskFlush] = NVMEP_FLUSH};
    PNVME_DISK Disk = NvmepDisk(Channel);
    NVME_COMMAND Command = {
        .Operation = Operations[Request->Operation],
        .Id = (USHORT)Slot,
        .Namespace = Disk->Namespace,
    };

    if (Disk->Generation != Disk->Controller->Generation) {
        ChannelInterrupt(Channel); /* the queue is gone; NvmepPoll asks for a new one */
        return;
    }
    if (Request->Operation == DiskFlush && !Disk->Controller->HasCache) {
        (void)ChannelFinish(Channel, Slot, STATUS_SUCCESS); /* it writes through */
        return;
    }
    if (Request->Operation != DiskFlush) {
        if (!NvmepDescribe(Disk, Slot, Request, &Command)) {
            (void)ChannelFinish(Channel, Slot, STATUS_INVALID_PARAMETER);
            return;
        }
        Command.Words[0] = (ULONG)Request->Sector;
        Command.Words[1] = (ULONG)(Request->Sector >> 32);
        Command.Words[2] = Request->Sectors - 1;
    }
    NvmeSubmit(&Disk->Queue, &Command);
}

/* ---- from the controller ---- */

static BOOLEAN NvmepFinish(PDISK_CHANNEL Channel, const NVME_COMPLETION *Answer)
    NT_HOLDS(Channel->Lock)
{
    ULONG Code = Answer->Status & NVME_STATUS_CODE;

    if (Code == 0) {
        return ChannelFinish(Channel, Answer->Id, STATUS_SUCCESS);
    }
    if (Code == NVMEP_PROTECTED) {
        return ChannelFinish(Channel, Answer->Id, STATUS_MEDIA_WRITE_PROTECTED);
    }
    if (Answer->Status & NVME_DO_NOT_RETRY) {
        return ChannelFinish(Channel, Answer->Id, STATUS_IO_DEVICE_ERROR);
    }
    return ChannelRetry(Channel, Answer->Id, STATUS_IO_DEVICE_ERROR);
}

/* No more than are on their way: who finishes one twice is found out by ChannelFinish. */
static BOOLEAN NvmepPoll(PDISK_CHANNEL Channel) NT_HOLDS(Channel->Lock)
{
    PNVME_DISK Disk = NvmepDisk(Channel);
    BOOLEAN Taken = FALSE;
    NVME_COMPLETION Answer;
    NVME_FOUND Found;

    if (Disk->Broken || Disk->Generation != Disk->Controller->Generation) {
        return FALSE;
    }
    while ((Found = NvmeTake(&Disk->Queue, &Answer)) == NvmeAnswer) {
        Taken = TRUE;
        if (!NvmepFinish(Channel, &Answer)) {
            return FALSE;
        }
    }
    if (Taken) {
        NvmeAcknowledge(&Disk->Queue);
    }
    return Found == NvmeNothing;
}

/* ---- the queue ---- */

static NTSTATUS NvmepCreateHalf(PNVME_DISK Disk, ULONG Operation, ULONG Offset, ULONG Flags)
{
    const NVME_COMMAND Command = {
        .Operation = (USHORT)Operation,
        .Data = {NvmepPhysical(Disk, Offset)},
        .Words = {(Disk->Queue.Entries - 1) << 16 | Disk->Queue.Id, Flags},
    };

    return NvmeAdmin(Disk->Controller, &Command, NULL);
}

/* => The controller has no such queue.  Controller->Lock held, or nobody else knows it. */
static NTSTATUS NvmepCreateQueue(PNVME_DISK Disk)
{
    NTSTATUS Status;

    NvmeEmptyQueue(&Disk->Queue);
    Disk->Generation = Disk->Controller->Generation;
    Disk->Broken = FALSE;
    Status = NvmepCreateHalf(Disk, NVMEP_CREATE_COMPLETIONS, PAGE_SIZE,
                             NVMEP_CONTIGUOUS | NVMEP_INTERRUPTS);
    return NT_SUCCESS(Status) ? NvmepCreateHalf(Disk, NVMEP_CREATE_COMMANDS, 0,
                                                Disk->Queue.Id << 16 | NVMEP_CONTIGUOUS)
                              : Status;
}

/* The other disks have lost their queues, and their requests: they are to look. */
static void NvmepTellOthers(const NVME_DISK *Disk)
{
    const NVME_CONTROLLER *Controller = Disk->Controller;
    ULONG i;

    for (i = 0; i < Controller->DiskCount; i++) {
        if (Controller->Disks[i] != Disk) {
            ChannelInterrupt(&Controller->Disks[i]->Channel);
        }
    }
}

static BOOLEAN NvmepReset(PDISK_CHANNEL Channel)
{
    PNVME_DISK Disk = NvmepDisk(Channel);
    PNVME_CONTROLLER Controller = Disk->Controller;
    NTSTATUS Status = STATUS_SUCCESS;
    BOOLEAN Alive;

    KefAcquireSpinLockAtDpcLevel(&Controller->Lock);
    if (!Controller->Dead && Disk->Generation == Controller->Generation) {
        Status = NvmeRestart(Controller);
        NvmepTellOthers(Disk);
    }
    if (!Controller->Dead && NT_SUCCESS(Status)) {
        Status = NvmepCreateQueue(Disk);
    }
    if (!Controller->Dead && !NT_SUCCESS(Status)) {
        Controller->Dead = TRUE;
        Controller->Generation++;
        PciReleaseFunction(Controller->F);
    }
    Alive = !Controller->Dead;
    KefReleaseSpinLockFromDpcLevel(&Controller->Lock);
    return Alive;
}

static BOOLEAN NvmepIsPresent(PDISK_CHANNEL Channel)
{
    PNVME_DISK Disk = NvmepDisk(Channel);
    ULONG Status = NvmeRead(Disk->Controller, NvmeStatus);

    if (Status != NVME_NOT_THERE && (Status & NVME_STATUS_FATAL) != 0) {
        Disk->Broken = TRUE;
        ChannelInterrupt(Channel);
    }
    return Status != NVME_NOT_THERE;
}

/* ---- the start ---- */

/* => STATUS_NOT_SUPPORTED: sectors that carry more than data, or are too small or too large. */
static NTSTATUS NvmepReadGeometry(PNVME_DISK Disk)
{
    const UCHAR *Page = Disk->Controller->Memory + NVME_IDENTIFY_AT;
    PDISK_DEVICE Device = &Disk->Channel.Device;
    NTSTATUS Status = NvmeIdentify(Disk->Controller, NVME_ABOUT_NAMESPACE, Disk->Namespace);
    ULONG Index = Page[NamespaceFormat] & NVMEP_FORMAT_MASK;
    const UCHAR *Format = Page + NamespaceFormatList + 4 * Index;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    memcpy(&Device->Sectors, Page + NamespaceSectors, sizeof(Device->Sectors));
    if (Device->Sectors == 0) {
        return STATUS_NO_SUCH_DEVICE; /* a number that is not in use */
    }
    if (Index > Page[NamespaceFormats] || (Page[NamespaceProtection] & NVMEP_INFORMATION) != 0 ||
        Format[0] != 0 || Format[1] != 0 || Format[2] < NVMEP_LEAST_SECTOR ||
        Format[2] > NVMEP_MOST_SECTOR) {
        return STATUS_NOT_SUPPORTED;
    }
    Device->SectorBytes = 1u << Format[2];
    Device->MaximumSectors = Disk->Controller->TransferBytes / Device->SectorBytes;
    Device->ReadOnly = (Page[NamespaceAttributes] & 1) != 0;
    return STATUS_SUCCESS;
}

static NTSTATUS NvmepAllocate(PNVME_DISK Disk)
{
    const PHYSICAL_ADDRESS Highest = {.QuadPart = 0xFFFFFFFF};

    Disk->Memory = MmAllocateContiguousMemory(NVMEP_MEMORY_BYTES, Highest);
    if (Disk->Memory == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Disk->Memory, 0, NVMEP_MEMORY_BYTES);
    Disk->Queue.Commands = (PVOID)Disk->Memory;
    Disk->Queue.Completions = (PVOID)(Disk->Memory + PAGE_SIZE);
    return STATUS_SUCCESS;
}

static NTSTATUS NvmepPrepare(PNVME_DISK Disk)
{
    PNVME_CONTROLLER Controller = Disk->Controller;
    ULONG Slots = Controller->QueueEntries - 1;
    NTSTATUS Status = NvmepReadGeometry(Disk);

    Disk->Queue.Id = Controller->DiskCount + 1;
    Disk->Queue.Entries = Controller->QueueEntries;
    Disk->Generation = Controller->Generation;
    Disk->Channel.SlotCount = Slots < CHANNEL_SLOTS ? Slots : CHANNEL_SLOTS;
    if (NT_SUCCESS(Status) && !NvmeFindDoorbells(Controller, &Disk->Queue)) {
        Status = STATUS_NOT_SUPPORTED;
    }
    if (NT_SUCCESS(Status)) {
        Status = NvmepAllocate(Disk);
    }
    if (NT_SUCCESS(Status)) {
        NvmeEmptyQueue(&Disk->Queue);
        ChannelInitialize(&Disk->Channel);
    }
    return Status;
}

NTSTATUS NvmeCreateDisk(PNVME_CONTROLLER Controller, ULONG Number, ULONG Namespace)
{
    static const CHANNEL_OPERATIONS Operations = {
        .Start = NvmepStart,
        .Poll = NvmepPoll,
        .Reset = NvmepReset,
        .IsPresent = NvmepIsPresent,
    };
    PNVME_DISK Disk = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Disk), NVME_TAG);
    NTSTATUS Status;

    if (Disk == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Disk, 0, sizeof(*Disk));
    Disk->Controller = Controller;
    Disk->Namespace = Namespace;
    Disk->Channel.Device.Name = Disk->Name;
    Disk->Channel.Operations = &Operations;
    (void)RtlStringCbPrintfA(Disk->Name, sizeof(Disk->Name), "nvme%u.%u", Number, Namespace);
    Status = NvmepPrepare(Disk);
    if (!NT_SUCCESS(Status)) {
        NvmeDeleteDisk(Disk);
        return Status;
    }
    Controller->Disks[Controller->DiskCount] = Disk;
    Controller->DiskCount++; /* it may interrupt from here on */
    return NvmepCreateQueue(Disk);
}

void NvmeDeleteDisk(PNVME_DISK Disk)
{
    if (Disk->Memory != NULL) {
        MmFreeContiguousMemory(Disk->Memory);
    }
    ExFreePoolWithTag(Disk, NVME_TAG);
}

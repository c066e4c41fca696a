/* SPDX-License-Identifier: MIT */
/*
 * disk.c - the way of every request: checked, counted, given to the device.
 *
 * A request passes through a partition to its disk without a second request: the partition moves
 * Sector, and DiskpCompleted moves it back.  Between DiskSubmit and the caller's completion routine
 * Completion is DiskpCompleted and the caller's stands in CallerCompletion.
 *
 * Invariants:
 *   D1  the driver sees only requests that lie inside its device and inside the partition
 *   D2  when the caller's routine runs, all that the caller had filled in is as it was
 *   D3  the driver sees only writes that the disk's write list permits; none when a disk that must
 *       have a list has none
 *
 * Locking: the counters change at DISPATCH_LEVEL; otherwise none, requests are their owners'.
 */
#include "disk/volume/partition.h"
#include "ex.h"
#include "ke.h"
#include "rtl.h"

#define DISKP_TAG 0x70636244u /* 'Dbcp' */

/* DiskTransfer's largest request: its MDL lies on the stack. */
#define DISKP_TRANSFER_PAGES 16u

static void DiskpCount(PDISK_DEVICE Device, const DISK_REQUEST *Request)
{
    KIRQL OldIrql = KeRaiseIrqlToDpcLevel();

    Device->RequestCounts[Request->Operation]++;
    Device->Failures += !NT_SUCCESS(Request->Status);
    KfLowerIrql(OldIrql);
}

static void DiskpCompleted(PDISK_REQUEST Request)
{
    PDISK_DEVICE Device = Request->Device;
    PDISK_PARTITION Partition = DiskPartitionOf(Device);

    DiskpCount(Device, Request);
    if (Partition != NULL) {
        Request->Sector -= Partition->Start;
        DiskpCount(Partition->Parent, Request);
    }
    Request->Completion = Request->CallerCompletion;
    Request->Completion(Request);
}

static NTSTATUS DiskpCheckWrite(PDISK_DEVICE Device, const DISK_REQUEST *Request)
{
    PDISK_PARTITION Partition = DiskPartitionOf(Device);
    PDISK_DEVICE Disk = Partition != NULL ? Partition->Parent : Device;

    if (Device->ReadOnly) {
        return STATUS_MEDIA_WRITE_PROTECTED;
    }
    if (Disk->Writes != NULL) {
        DiskVerifyWrite(Disk, Request->Sector + (Partition != NULL ? Partition->Start : 0),
                        Request->Sectors);
        return STATUS_SUCCESS;
    }
    return Disk->Restricted ? STATUS_MEDIA_WRITE_PROTECTED : STATUS_SUCCESS;
}

static NTSTATUS DiskpCheckRequest(PDISK_DEVICE Device, const DISK_REQUEST *Request)
{
    ULONG64 Bytes = (ULONG64)Request->Sectors * Device->SectorBytes;

    if (Request->Operation == DiskFlush) {
        return Request->Sectors == 0 && Request->Mdl == NULL ? STATUS_SUCCESS
                                                             : STATUS_INVALID_PARAMETER;
    }
    if (Request->Operation != DiskRead && Request->Operation != DiskWrite) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Request->Sectors == 0 || Request->Sectors > Device->MaximumSectors ||
        Request->Sector >= Device->Sectors ||
        Request->Sectors > Device->Sectors - Request->Sector || Request->Mdl == NULL ||
        Request->Offset > Request->Mdl->ByteCount ||
        Bytes > Request->Mdl->ByteCount - Request->Offset ||
        (Request->Mdl->ByteOffset + Request->Offset) % DISK_ALIGNMENT != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    return Request->Operation == DiskWrite ? DiskpCheckWrite(Device, Request) : STATUS_SUCCESS;
}

void DiskSubmit(PDISK_DEVICE Device, PDISK_REQUEST Request)
{
    NTSTATUS Status = DiskpCheckRequest(Device, Request);

    if (!NT_SUCCESS(Status)) {
        KIRQL OldIrql = KeRaiseIrqlToDpcLevel();

        Device->Failures++;
        KfLowerIrql(OldIrql);
        Request->Status = Status;
        Request->Completion(Request);
        return;
    }
    Request->Device = Device;
    Request->CallerCompletion = Request->Completion;
    Request->Completion = DiskpCompleted;
    Device->Submit(Device, Request);
}

/* ---- the synchronous call ---- */

typedef struct _DISKP_MDL {
    MDL Mdl;
    PFN_NUMBER Frames[DISKP_TRANSFER_PAGES + 1];
} DISKP_MDL;

static void DiskpWake(PDISK_REQUEST Request)
{
    KeSetEvent(Request->Context, IO_DISK_INCREMENT, FALSE);
}

/* One request, waited for.  => Sectors is no more than DiskpMostSectors, or 0 to flush. */
static NTSTATUS DiskpTransferPart(PDISK_DEVICE Device, DISK_OPERATION Operation, ULONG64 Sector,
                                  ULONG Sectors, PVOID Buffer)
{
    DISK_REQUEST Request = {.Operation = Operation, .Sector = Sector, .Sectors = Sectors};
    DISKP_MDL Mdl;
    KEVENT Done;

    if (Operation != DiskFlush) {
        MmInitializeMdl(&Mdl.Mdl, Buffer, Sectors * Device->SectorBytes);
        MmBuildMdlForNonPagedPool(&Mdl.Mdl);
        Request.Mdl = &Mdl.Mdl;
    }
    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    Request.Completion = DiskpWake;
    Request.Context = &Done;
    DiskSubmit(Device, &Request);
    KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    return Request.Status;
}

static ULONG DiskpMostSectors(const DISK_DEVICE *Device)
{
    ULONG Most = DISKP_TRANSFER_PAGES * PAGE_SIZE / Device->SectorBytes;

    return Most < Device->MaximumSectors ? Most : Device->MaximumSectors;
}

/* All of it from or to an aligned buffer. */
static NTSTATUS DiskpTransferAligned(PDISK_DEVICE Device, DISK_OPERATION Operation, ULONG64 Sector,
                                     ULONG Sectors, PVOID Buffer)
{
    NTSTATUS Status = STATUS_SUCCESS;
    PUCHAR At = Buffer;

    while (Sectors != 0 && NT_SUCCESS(Status)) {
        ULONG Part = DiskpMostSectors(Device);

        Part = Part < Sectors ? Part : Sectors;
        Status = DiskpTransferPart(Device, Operation, Sector, Part, At);
        Sector += Part;
        Sectors -= Part;
        At += (SIZE_T)Part * Device->SectorBytes;
    }
    return Status;
}

/* By way of an aligned buffer, part by part. */
static NTSTATUS DiskpTransferCopied(PDISK_DEVICE Device, DISK_OPERATION Operation, ULONG64 Sector,
                                    ULONG Sectors, PUCHAR Buffer)
{
    ULONG Most = DiskpMostSectors(Device) < Sectors ? DiskpMostSectors(Device) : Sectors;
    PUCHAR Copy = ExAllocatePoolWithTag(NonPagedPool, Most * Device->SectorBytes, DISKP_TAG);
    NTSTATUS Status = Copy != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;

    while (Sectors != 0 && NT_SUCCESS(Status)) {
        ULONG Part = Most < Sectors ? Most : Sectors;
        SIZE_T Bytes = (SIZE_T)Part * Device->SectorBytes;

        if (Operation == DiskWrite) {
            memcpy(Copy, Buffer, Bytes);
        }
        Status = DiskpTransferPart(Device, Operation, Sector, Part, Copy);
        if (Operation == DiskRead && NT_SUCCESS(Status)) {
            memcpy(Buffer, Copy, Bytes);
        }
        Sector += Part;
        Sectors -= Part;
        Buffer += Bytes;
    }
    if (Copy != NULL) {
        ExFreePoolWithTag(Copy, DISKP_TAG);
    }
    return Status;
}

NTSTATUS DiskTransfer(PDISK_DEVICE Device, DISK_OPERATION Operation, ULONG64 Sector, ULONG Sectors,
                      PVOID Buffer)
{
    if (Operation == DiskFlush) {
        return DiskpTransferPart(Device, DiskFlush, 0, 0, NULL);
    }
    if (Sectors == 0 || Sector >= Device->Sectors || Sectors > Device->Sectors - Sector) {
        return STATUS_INVALID_PARAMETER;
    }
    if ((ULONG_PTR)Buffer % DISK_ALIGNMENT != 0) {
        return DiskpTransferCopied(Device, Operation, Sector, Sectors, Buffer);
    }
    return DiskpTransferAligned(Device, Operation, Sector, Sectors, Buffer);
}

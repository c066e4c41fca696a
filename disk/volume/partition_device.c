/* SPDX-License-Identifier: MIT */
/*
 * partition_device.c - a partition as a device: the disk's requests, moved by where it starts.
 *
 * The request was checked against the partition's size (D1 of disk.c), and the partition lies
 * inside its disk: the disk's own check would repeat both, so that the disk's driver is called at
 * once.  disk.c moves the sector back and counts for both.
 */
#include "disk/volume/partition.h"
#include "mi_assert.h"
#include "rtl.h"

static void DiskpSubmitToPartition(PDISK_DEVICE Device, PDISK_REQUEST Request)
{
    PDISK_PARTITION Partition = Device->Driver;

    Request->Sector += Partition->Start;
    Partition->Parent->Submit(Partition->Parent, Request);
}

PDISK_PARTITION DiskPartitionOf(PDISK_DEVICE Device)
{
    return Device->Submit == DiskpSubmitToPartition ? Device->Driver : NULL;
}

void DiskInitializePartition(PDISK_PARTITION Partition, PDISK_DEVICE Parent, ULONG64 Start,
                             ULONG64 Sectors, ULONG Number)
{
    MI_ASSERT(DiskPartitionOf(Parent) == NULL);
    MI_ASSERT(Sectors != 0 && Start < Parent->Sectors && Sectors <= Parent->Sectors - Start);
    memset(Partition, 0, sizeof(*Partition));
    if (Number == 0) {
        RtlStringCbPrintfA(Partition->Name, DISK_NAME_BYTES, "%s", Parent->Name);
    } else {
        RtlStringCbPrintfA(Partition->Name, DISK_NAME_BYTES, "partition %u of %s", Number,
                           Parent->Name);
    }
    Partition->Parent = Parent;
    Partition->Start = Start;
    Partition->Device = (DISK_DEVICE){
        .Name = Partition->Name,
        .SectorBytes = Parent->SectorBytes,
        .Sectors = Sectors,
        .MaximumSectors = Parent->MaximumSectors,
        .ReadOnly = Parent->ReadOnly,
        .Submit = DiskpSubmitToPartition,
        .Driver = Partition,
    };
    InitializeListHead(&Partition->Device.ListEntry);
}

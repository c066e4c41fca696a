/* SPDX-License-Identifier: MIT */
/*
 * volume.c - taking a volume into use, and out of it.
 */
#include "disk/fat/fat_i.h"
#include "ex.h"

static NTSTATUS FatpAllocateMemory(PFAT_VOLUME Volume)
{
    ULONG Index;

    Volume->Zeros = ExAllocatePoolWithTag(NonPagedPool, FAT_ZERO_BYTES, FAT_TAG);
    if (Volume->Zeros == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Volume->Zeros, 0, FAT_ZERO_BYTES);
    for (Index = 0; Index < FAT_BLOCKS; Index++) {
        Volume->Blocks[Index].Data = ExAllocatePoolWithTag(NonPagedPool, FAT_BLOCK_BYTES, FAT_TAG);
        if (Volume->Blocks[Index].Data == NULL) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
    }
    FatForgetSectors(Volume);
    return STATUS_SUCCESS;
}

static NTSTATUS FatpMountHere(PFAT_VOLUME Volume)
{
    BOOLEAN Clean;
    BOOLEAN Finished;
    NTSTATUS Status = FatpAllocateMemory(Volume);

    if (NT_SUCCESS(Status)) {
        Status = DiskTransfer(Volume->Device, DiskRead, 0, 1, Volume->Blocks[0].Data);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatDecodeBootSector(Volume, Volume->Blocks[0].Data);
    }
    if (NT_SUCCESS(Status)) {
        Status = FatReadCleanBit(Volume, &Clean);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Volume->WasDirty = !Clean;
    return (Volume->WasDirty || Volume->Kind == 12) && !Volume->Device->ReadOnly
               ? FatRecoverRename(Volume, &Finished)
               : STATUS_SUCCESS;
}

NTSTATUS FatMount(PDISK_DEVICE Device, PFAT_VOLUME *Mounted)
{
    PFAT_VOLUME Volume = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Volume), FAT_TAG);
    NTSTATUS Status;

    if (Volume == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Volume, 0, sizeof(*Volume));
    Volume->Device = Device;
    Status = FatpMountHere(Volume);
    if (!NT_SUCCESS(Status)) {
        FatDismount(Volume);
        return Status;
    }
    *Mounted = Volume;
    return STATUS_SUCCESS;
}

void FatDismount(PFAT_VOLUME Volume)
{
    ULONG Index;

    for (Index = 0; Index < FAT_BLOCKS; Index++) {
        if (Volume->Blocks[Index].Data != NULL) {
            ExFreePoolWithTag(Volume->Blocks[Index].Data, FAT_TAG);
        }
    }
    if (Volume->Zeros != NULL) {
        ExFreePoolWithTag(Volume->Zeros, FAT_TAG);
    }
    FatForgetBitmap(Volume);
    ExFreePoolWithTag(Volume, FAT_TAG);
}

NTSTATUS FatQueryVolume(PFAT_VOLUME Volume, PFAT_FIGURES Figures)
{
    NTSTATUS Status = Volume->Used.Buffer != NULL ? STATUS_SUCCESS : FatLoadBitmap(Volume);

    if (NT_SUCCESS(Status)) {
        *Figures = (FAT_FIGURES){
            .Kind = Volume->Kind,
            .SectorBytes = Volume->SectorBytes,
            .ClusterBytes = Volume->ClusterBytes,
            .Clusters = Volume->Clusters,
            .FreeClusters = Volume->FreeClusters,
            .Serial = Volume->Serial,
            .WasDirty = Volume->WasDirty,
            .CrossLinked = Volume->CrossLinked,
        };
    }
    return Status;
}

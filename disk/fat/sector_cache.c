/* SPDX-License-Identifier: MIT */
/*
 * sector_cache.c - FAT and directory sectors in memory, in blocks of 16 KB.
 *
 * A block is read whole; its changed sectors are written one run after the other.  A block that
 * gives way to another is written first: changes between two commits may reach the disk in any
 * order, and commit.c says why that is safe.  A changed sector of the FAT goes to each copy.
 *
 * File data passes the cache by, save sectors of which only a part is changed; FatWriteThrough
 * keeps what is cached equal to the disk.
 *
 * Invariant: a block without Dirty bits equals the disk, save sectors of files that pages were
 * written to; who reads such a file here forgets the clean blocks first (fsd_pages.c).
 */
#include "disk/fat/fat_i.h"
#include "mi_assert.h"

NT_C_ASSERT(FAT_BLOCK_SECTORS <= 8 * sizeof(((PFAT_BLOCK)0)->Dirty));

static ULONG FatpBlockSectors(const FAT_VOLUME *Volume)
{
    return FAT_BLOCK_BYTES / Volume->SectorBytes;
}

/* A run of changed sectors, and its copies when it lies in the FAT that is read. */
static NTSTATUS FatpWriteRun(PFAT_VOLUME Volume, ULONG64 Sector, ULONG Sectors, PUCHAR Data)
{
    ULONG64 Fat = Volume->ReservedSectors + (ULONG64)Volume->ActiveFat * Volume->FatSectors;
    NTSTATUS Status = DiskTransfer(Volume->Device, DiskWrite, Sector, Sectors, Data);

    if (!NT_SUCCESS(Status) || !Volume->Mirrored || Volume->Fats == 1) {
        return Status;
    }
    /* A block may also hold sectors before and behind the FAT. */
    for (; Sectors != 0 && Sector < Fat; Sectors--, Sector++) {
        Data += Volume->SectorBytes;
    }
    if (Sectors == 0 || Sector >= Fat + Volume->FatSectors) {
        return STATUS_SUCCESS;
    }
    if (Sectors > Fat + Volume->FatSectors - Sector) {
        Sectors = (ULONG)(Fat + Volume->FatSectors - Sector);
    }
    return FatWriteThrough(Volume, Sector + Volume->FatSectors, Sectors, Data);
}

static NTSTATUS FatpWriteBlock(PFAT_VOLUME Volume, PFAT_BLOCK Block)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG First;
    ULONG End;

    for (First = 0; NT_SUCCESS(Status) && First < FAT_BLOCK_SECTORS; First = End) {
        End = First + 1;
        if ((Block->Dirty >> First & 1) == 0) {
            continue;
        }
        while (End < FAT_BLOCK_SECTORS && (Block->Dirty >> End & 1) != 0) {
            End++;
        }
        Status = FatpWriteRun(Volume, Block->Sector + First, End - First,
                              Block->Data + First * Volume->SectorBytes);
    }
    if (NT_SUCCESS(Status)) {
        Block->Dirty = 0;
    }
    return Status;
}

/* The block that holds the sector, or the one that was used longest ago. */
static PFAT_BLOCK FatpFindBlock(PFAT_VOLUME Volume, ULONG64 Sector)
{
    PFAT_BLOCK Oldest = &Volume->Blocks[0];
    ULONG Index;

    if (Volume->Blocks[Volume->Recent].Sector == Sector) {
        return &Volume->Blocks[Volume->Recent];
    }
    for (Index = 0; Index < FAT_BLOCKS; Index++) {
        PFAT_BLOCK Block = &Volume->Blocks[Index];

        if (Block->Sector == Sector) {
            Volume->Recent = Index;
            return Block;
        }
        if (Block->Used < Oldest->Used) {
            Oldest = Block;
        }
    }
    return Oldest;
}

static NTSTATUS FatpFillBlock(PFAT_VOLUME Volume, PFAT_BLOCK Block, ULONG64 Sector)
{
    ULONG64 Left = Volume->Device->Sectors - Sector;
    NTSTATUS Status = FatpWriteBlock(Volume, Block);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Block->Sector = FAT_NO_BLOCK;
    Block->Sectors = FatpBlockSectors(Volume);
    if (Block->Sectors > Left) {
        Block->Sectors = (ULONG)Left;
    }
    Status = DiskTransfer(Volume->Device, DiskRead, Sector, Block->Sectors, Block->Data);
    if (NT_SUCCESS(Status)) {
        Block->Sector = Sector;
    }
    return Status;
}

NTSTATUS FatReadSector(PFAT_VOLUME Volume, ULONG64 Sector, PUCHAR *Data)
{
    ULONG64 First = Sector & ~(ULONG64)(FatpBlockSectors(Volume) - 1);
    PFAT_BLOCK Block = FatpFindBlock(Volume, First);

    MI_ASSERT(Sector < Volume->Device->Sectors);
    if (Block->Sector != First) {
        NTSTATUS Status = FatpFillBlock(Volume, Block, First);

        if (!NT_SUCCESS(Status)) {
            return Status;
        }
    }
    Block->Used = ++Volume->Clock;
    *Data = Block->Data + (ULONG)(Sector - First) * Volume->SectorBytes;
    return STATUS_SUCCESS;
}

void FatMarkSector(PFAT_VOLUME Volume, ULONG64 Sector)
{
    ULONG64 First = Sector & ~(ULONG64)(FatpBlockSectors(Volume) - 1);
    PFAT_BLOCK Block = FatpFindBlock(Volume, First);

    MI_ASSERT(Block->Sector == First);
    Block->Dirty |= 1u << (ULONG)(Sector - First);
}

NTSTATUS FatWriteBack(PFAT_VOLUME Volume)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Index;

    for (Index = 0; Index < FAT_BLOCKS && NT_SUCCESS(Status); Index++) {
        Status = FatpWriteBlock(Volume, &Volume->Blocks[Index]);
    }
    return Status;
}

static void FatpForgetBlock(PFAT_BLOCK Block)
{
    Block->Sector = FAT_NO_BLOCK;
    Block->Dirty = 0;
    Block->Used = 0;
}

void FatForgetClean(PFAT_VOLUME Volume)
{
    ULONG Index;

    for (Index = 0; Index < FAT_BLOCKS; Index++) {
        if (Volume->Blocks[Index].Dirty == 0) {
            FatpForgetBlock(&Volume->Blocks[Index]);
        }
    }
}

void FatForgetSectors(PFAT_VOLUME Volume)
{
    ULONG Index;

    for (Index = 0; Index < FAT_BLOCKS; Index++) {
        FatpForgetBlock(&Volume->Blocks[Index]);
    }
}

/* The sectors that Block shares with the range become those of Buffer. */
static void FatpUpdateBlock(PFAT_VOLUME Volume, PFAT_BLOCK Block, ULONG64 Sector, ULONG Sectors,
                            const UCHAR *Buffer)
{
    ULONG Index;

    for (Index = 0; Index < Block->Sectors; Index++) {
        ULONG64 At = Block->Sector + Index;

        if (At >= Sector && At - Sector < Sectors) {
            memcpy(Block->Data + Index * Volume->SectorBytes,
                   Buffer + (SIZE_T)(At - Sector) * Volume->SectorBytes, Volume->SectorBytes);
            Block->Dirty &= ~(1u << Index);
        }
    }
}

NTSTATUS FatWriteThrough(PFAT_VOLUME Volume, ULONG64 Sector, ULONG Sectors, const void *Buffer)
{
    NTSTATUS Status =
        DiskTransfer(Volume->Device, DiskWrite, Sector, Sectors, (PVOID)(ULONG_PTR)Buffer);
    ULONG Index;

    for (Index = 0; Index < FAT_BLOCKS && NT_SUCCESS(Status); Index++) {
        PFAT_BLOCK Block = &Volume->Blocks[Index];

        if (Block->Sector != FAT_NO_BLOCK && Block->Sector < Sector + Sectors &&
            Sector < Block->Sector + Block->Sectors) {
            FatpUpdateBlock(Volume, Block, Sector, Sectors, Buffer);
        }
    }
    return Status;
}

/* SPDX-License-Identifier: MIT */
/*
 * allocate.c - which clusters are free, taking them and giving them back.
 *
 * A bitmap, made from the whole FAT before the first change, says what is free.  It is dropped when
 * a change fails, as the disk may then hold any part of it.
 *
 * While it is made, each cluster is also looked at as somebody's successor: two chains that lead to
 * one cluster are crossed.  Freeing either would damage the other, so that nothing is freed on such
 * a volume.
 */
#include "disk/fat/fat_i.h"
#include "ex.h"

void FatForgetBitmap(PFAT_VOLUME Volume)
{
    if (Volume->Used.Buffer != NULL) {
        ExFreePoolWithTag(Volume->Used.Buffer, FAT_TAG);
        Volume->Used.Buffer = NULL;
    }
}

static BOOLEAN FatpTestAndSet(PRTL_BITMAP Map, ULONG Bit)
{
    BOOLEAN Was = RtlTestBit(Map, Bit);

    RtlSetBits(Map, Bit, 1);
    return Was;
}

static NTSTATUS FatpScan(PFAT_VOLUME Volume, PRTL_BITMAP Used, PRTL_BITMAP Successors)
{
    ULONG Bit;
    ULONG Next;

    Volume->CrossLinked = FALSE;
    for (Bit = 0; Bit < Volume->Clusters; Bit++) {
        NTSTATUS Status = FatGetEntry(Volume, Bit + FAT_FIRST_CLUSTER, &Next);

        if (Status == STATUS_FILE_CORRUPT_ERROR) {
            Next = FAT_BAD; /* its owner finds out; it is not free */
        } else if (!NT_SUCCESS(Status)) {
            return Status;
        }
        if (Next != FAT_FREE) {
            RtlSetBits(Used, Bit, 1);
        }
        if (FatIsCluster(Volume, Next) && FatpTestAndSet(Successors, Next - FAT_FIRST_CLUSTER)) {
            Volume->CrossLinked = TRUE;
        }
    }
    return STATUS_SUCCESS;
}

NTSTATUS FatLoadBitmap(PFAT_VOLUME Volume)
{
    ULONG Bytes = (Volume->Clusters + 31) / 32 * sizeof(ULONG);
    PULONG Used = ExAllocatePoolWithTag(PagedPool, Bytes, FAT_TAG);
    PULONG Successors = ExAllocatePoolWithTag(PagedPool, Bytes, FAT_TAG);
    NTSTATUS Status = STATUS_INSUFFICIENT_RESOURCES;
    RTL_BITMAP UsedMap;
    RTL_BITMAP SuccessorMap;

    FatForgetBitmap(Volume);
    if (Used != NULL && Successors != NULL) {
        RtlInitializeBitMap(&UsedMap, Used, Volume->Clusters);
        RtlInitializeBitMap(&SuccessorMap, Successors, Volume->Clusters);
        RtlClearAllBits(&UsedMap);
        RtlClearAllBits(&SuccessorMap);
        Status = FatpScan(Volume, &UsedMap, &SuccessorMap);
    }
    if (Successors != NULL) {
        ExFreePoolWithTag(Successors, FAT_TAG);
    }
    if (NT_SUCCESS(Status)) {
        Volume->Used = UsedMap;
        Volume->FreeClusters = RtlNumberOfClearBits(&UsedMap);
    } else if (Used != NULL) {
        ExFreePoolWithTag(Used, FAT_TAG);
    }
    return Status;
}

/* ---- taking ---- */

/* Where Count clusters can be had: *Start, and how many of them from there on. */
static ULONG FatpFindRun(PFAT_VOLUME Volume, ULONG Count, ULONG After, PULONG Start)
{
    ULONG Hint = After != 0 ? After - FAT_FIRST_CLUSTER + 1 : Volume->NextFree;
    ULONG Length;

    *Start = RtlFindClearBits(&Volume->Used, Count, Hint < Volume->Clusters ? Hint : 0);
    if (*Start != RTL_NO_BIT) {
        return Count;
    }
    Length = RtlFindNextForwardRunClear(&Volume->Used, Hint < Volume->Clusters ? Hint : 0, Start);
    if (Length == 0) {
        Length = RtlFindNextForwardRunClear(&Volume->Used, 0, Start);
    }
    return Length < Count ? Length : Count;
}

/* Chain a run, and the cluster before it to its first. */
static NTSTATUS FatpChainRun(PFAT_VOLUME Volume, ULONG Before, ULONG First, ULONG Count)
{
    NTSTATUS Status = FatPermitEntries(Volume, First, Count);
    ULONG Cluster;

    if (NT_SUCCESS(Status) && Before != 0) {
        Status = FatSetEntry(Volume, Before, First);
    }
    for (Cluster = First; Cluster < First + Count && NT_SUCCESS(Status); Cluster++) {
        Status =
            FatSetEntry(Volume, Cluster, Cluster + 1 == First + Count ? FAT_END | 7 : Cluster + 1);
    }
    return Status;
}

NTSTATUS FatAllocateChain(PFAT_VOLUME Volume, ULONG Count, ULONG After, PULONG First)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Last = 0;

    if (Count > Volume->FreeClusters) {
        return STATUS_DISK_FULL;
    }
    while (Count != 0 && NT_SUCCESS(Status)) {
        ULONG Start;
        ULONG Length = FatpFindRun(Volume, Count, Last != 0 ? Last : After, &Start);

        RtlSetBits(&Volume->Used, Start, Length);
        Volume->FreeClusters -= Length;
        Volume->NextFree = Start + Length;
        Status = FatpChainRun(Volume, Last, Start + FAT_FIRST_CLUSTER, Length);
        if (Last == 0) {
            *First = Start + FAT_FIRST_CLUSTER;
        }
        Last = Start + Length - 1 + FAT_FIRST_CLUSTER;
        Count -= Length;
    }
    return Status;
}

/* ---- giving back ---- */

/* Which part of the FAT is written at once, as a number. */
static ULONG FatpBlockOf(const FAT_VOLUME *Volume, ULONG Cluster)
{
    return (ULONG)((ULONG64)Cluster * Volume->Kind / 8 / Volume->SectorBytes);
}

NTSTATUS FatFreeChain(PFAT_VOLUME Volume, ULONG First)
{
    ULONG Left = Volume->Clusters;
    ULONG Cluster = First;
    NTSTATUS Status = Volume->CrossLinked ? STATUS_DISK_CORRUPT_ERROR : STATUS_SUCCESS;

    while (NT_SUCCESS(Status) && FatIsCluster(Volume, Cluster)) {
        ULONG Next;

        Status = FatGetEntry(Volume, Cluster, &Next);
        if (NT_SUCCESS(Status) && (Left-- == 0 || Next == FAT_FREE || Next == FAT_BAD)) {
            Status = STATUS_FILE_CORRUPT_ERROR;
        }
        if (NT_SUCCESS(Status)) {
            Status = FatPermitEntries(Volume, Cluster, 1);
        }
        if (NT_SUCCESS(Status)) {
            Status = FatSetEntry(Volume, Cluster, FAT_FREE);
        }
        /* what follows goes to another place: what came before must be on the disk */
        if (NT_SUCCESS(Status) && FatIsCluster(Volume, Next) &&
            (Next < Cluster || FatpBlockOf(Volume, Next) != FatpBlockOf(Volume, Cluster))) {
            Status = FatWriteBack(Volume);
        }
        if (NT_SUCCESS(Status)) {
            RtlClearBits(&Volume->Used, Cluster - FAT_FIRST_CLUSTER, 1);
            Volume->FreeClusters++;
            Cluster = Next;
        }
    }
    return Status;
}

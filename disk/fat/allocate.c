/* SPDX-License-Identifier: MIT */
/*
 * allocate.c - which clusters are free, taking them and giving them back.
 *
 * A bitmap, made from the whole FAT before the first change, says what is free.  It is dropped when
 * a change fails, as the disk may then hold any part of it.
 *
 * The first time all directories are read too (census.c): where two files share a cluster freeing
 * either would damage the other, so that nothing is freed on such a volume, and only what was empty
 * is written (permit.c).  What we change ourselves shares nothing, so that this is not asked again.
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

/*
 * An entry of FAT12 that lies in two sectors could be torn by a power cut, and then lead anywhere:
 * its cluster is left alone, two of a thousand.
 */
static BOOLEAN FatpMayBeTorn(const FAT_VOLUME *Volume, ULONG Cluster)
{
    return Volume->Kind == 12 &&
           (Cluster + Cluster / 2) % Volume->SectorBytes == Volume->SectorBytes - 1;
}

static void FatpAvoidTornEntries(PFAT_VOLUME Volume)
{
    ULONG Bit;

    for (Bit = 0; Volume->Kind == 12 && Bit < Volume->Clusters; Bit++) {
        if (FatpMayBeTorn(Volume, Bit + FAT_FIRST_CLUSTER)) {
            RtlSetBits(&Volume->Used, Bit, 1);
        }
    }
}

static NTSTATUS FatpCopyUsed(PFAT_VOLUME Volume, const FAT_CENSUS *Census)
{
    ULONG Bytes = (Volume->Clusters + 31) / 32 * sizeof(ULONG);
    PULONG Used = ExAllocatePoolWithTag(PagedPool, Bytes, FAT_TAG);

    if (Used == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memcpy(Used, Census->Used.Buffer, Bytes);
    RtlInitializeBitMap(&Volume->Used, Used, Volume->Clusters);
    FatpAvoidTornEntries(Volume);
    Volume->FreeClusters = RtlNumberOfClearBits(&Volume->Used);
    return STATUS_SUCCESS;
}

NTSTATUS FatLoadBitmap(PFAT_VOLUME Volume)
{
    FAT_CENSUS Census;
    NTSTATUS Status = FatTakeCensus(Volume, !Volume->EntriesKnown, &Census);

    FatForgetBitmap(Volume);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = FatpCopyUsed(Volume, &Census);
    Volume->CrossLinked |= Census.Shared;
    Volume->EntriesKnown = TRUE;
    FatForgetCensus(&Census);
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

    if (NT_SUCCESS(Status) && Before != 0) {
        Status = FatSetEntry(Volume, Before, First);
    }
    return NT_SUCCESS(Status) ? FatSetRun(Volume, First, Count, FAT_END | 7) : Status;
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

static void FatpReturn(PFAT_VOLUME Volume, ULONG Cluster)
{
    if (!FatpMayBeTorn(Volume, Cluster)) {
        RtlClearBits(&Volume->Used, Cluster - FAT_FIRST_CLUSTER, 1);
        Volume->FreeClusters++;
    }
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
            FatpReturn(Volume, Cluster);
            Cluster = Next;
        }
    }
    return Status;
}

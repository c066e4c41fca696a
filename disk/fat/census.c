/* SPDX-License-Identifier: MIT */
/*
 * census.c - who has which cluster: the whole FAT, then every entry of every directory.
 *
 * A cluster belongs to two chains when, going along both, there is a first one that they share.  It
 * is then the successor of two clusters, or the first of two entries, or one's successor and
 * another's first.  Four bitmaps find all of that in one pass over the FAT and one over the
 * directories, and bound both: a directory is visited once, and as long as nothing is shared no two
 * directories have a sector in common.
 *
 * Where something is shared the census ends early: what it knows is that.  Otherwise a cluster that
 * some chain or entry leads to and that is free all the same makes it dangling.
 */
#include "disk/fat/fat_i.h"
#include "ex.h"

/* ---- the FAT ---- */

#define FATP_AT_ONCE 128u

/* => The map's buffer is long enough; inline, as it is asked for every cluster of the volume. */
static inline BOOLEAN FatpMark(PRTL_BITMAP Map, ULONG Bit)
{
    ULONG Mask = 1u << Bit % 32;
    BOOLEAN Was = (Map->Buffer[Bit / 32] & Mask) != 0;

    Map->Buffer[Bit / 32] |= Mask;
    return Was;
}

static NTSTATUS FatpCountTable(PFAT_VOLUME Volume, PFAT_CENSUS Census)
{
    ULONG Values[FATP_AT_ONCE];
    ULONG Bit = 0;
    ULONG Count;
    ULONG i;

    while (Bit < Volume->Clusters) {
        NTSTATUS Status = FatSkipFree(Volume, Bit + FAT_FIRST_CLUSTER, &Count);

        if (NT_SUCCESS(Status) && Count != 0) {
            Bit += Count;
            continue;
        }
        if (NT_SUCCESS(Status)) {
            Status = FatGetEntries(Volume, Bit + FAT_FIRST_CLUSTER, Values, FATP_AT_ONCE, &Count);
        }
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        for (i = 0; i < Count; i++, Bit++) {
            if (Values[i] == FAT_FREE) {
                continue;
            }
            (void)FatpMark(&Census->Used, Bit); /* whatever is wrong with it, its owner finds out */
            if (FatIsCluster(Volume, Values[i]) &&
                FatpMark(&Census->Successors, Values[i] - FAT_FIRST_CLUSTER)) {
                Census->Shared = TRUE;
            }
        }
    }
    return STATUS_SUCCESS;
}

/* ---- the directories ---- */

/* An entry, or the root, begins at Cluster. */
static void FatpCountFirst(PFAT_VOLUME Volume, PFAT_CENSUS Census, ULONG Cluster, BOOLEAN Directory)
{
    ULONG Bit = Cluster - FAT_FIRST_CLUSTER;

    if (!FatIsCluster(Volume, Cluster)) {
        Census->Damaged |= Cluster != 0; /* whoever opens it finds out */
        return;
    }
    if (FatpMark(&Census->Firsts, Bit) || RtlTestBit(&Census->Successors, Bit)) {
        Census->Shared = TRUE;
    }
    if (Directory) {
        RtlSetBits(&Census->Directories, Bit, 1);
        RtlSetBits(&Census->Unvisited, Bit, 1);
    }
}

static NTSTATUS FatpCountDirectory(PFAT_VOLUME Volume, PFAT_CENSUS Census, ULONG Cluster)
{
    FAT_FILE Directory;
    FAT_ENTRY Entry;
    ULONG Position = 0;
    NTSTATUS Status = STATUS_SUCCESS;

    FatOpenDirectory(Volume, Cluster, &Directory);
    while (NT_SUCCESS(Status) && !Census->Shared) {
        Status = FatEnumerate(&Directory, &Position, &Entry);
        if (NT_SUCCESS(Status)) {
            FatpCountFirst(Volume, Census, Entry.FirstCluster,
                           (Entry.Attributes & FAT_ATTRIBUTE_DIRECTORY) != 0);
        }
    }
    if (Status == STATUS_DISK_CORRUPT_ERROR || Status == STATUS_FILE_CORRUPT_ERROR) {
        Census->Damaged = TRUE; /* what lies behind the damage nobody can open either */
        return STATUS_SUCCESS;
    }
    return Status == STATUS_NO_MORE_FILES ? STATUS_SUCCESS : Status;
}

static NTSTATUS FatpCountDirectories(PFAT_VOLUME Volume, PFAT_CENSUS Census)
{
    ULONG Bit = 0;
    NTSTATUS Status;

    if (Volume->Kind == 32) {
        FatpCountFirst(Volume, Census, Volume->RootCluster, FALSE);
    }
    Status = FatpCountDirectory(Volume, Census, 0);
    while (NT_SUCCESS(Status) && !Census->Shared) {
        Bit = RtlFindSetBitsAndClear(&Census->Unvisited, 1, Bit);
        if (Bit == RTL_NO_BIT) {
            break;
        }
        Status = FatpCountDirectory(Volume, Census, Bit + FAT_FIRST_CLUSTER);
    }
    return Status;
}

/* ---- the whole ---- */

static void FatpFindDangling(PFAT_CENSUS Census, ULONG Words)
{
    ULONG Index;

    for (Index = 0; Index < Words; Index++) {
        ULONG Wanted = Census->Successors.Buffer[Index] | Census->Firsts.Buffer[Index];

        Census->Dangling |= (Wanted & ~Census->Used.Buffer[Index]) != 0;
    }
}

void FatForgetCensus(PFAT_CENSUS Census)
{
    if (Census->Memory != NULL) {
        ExFreePoolWithTag(Census->Memory, FAT_TAG);
        Census->Memory = NULL;
    }
}

NTSTATUS FatTakeCensus(PFAT_VOLUME Volume, BOOLEAN Entries, PFAT_CENSUS Census)
{
    PRTL_BITMAP Maps[] = {&Census->Used, &Census->Successors, &Census->Firsts, &Census->Directories,
                          &Census->Unvisited};
    ULONG Words = (Volume->Clusters + 31) / 32;
    ULONG Index;
    NTSTATUS Status;

    Census->Shared = FALSE;
    Census->Dangling = FALSE;
    Census->Damaged = FALSE;
    Census->Memory =
        ExAllocatePoolWithTag(PagedPool, RTL_NUMBER_OF(Maps) * Words * sizeof(ULONG), FAT_TAG);
    if (Census->Memory == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    for (Index = 0; Index < RTL_NUMBER_OF(Maps); Index++) {
        RtlInitializeBitMap(Maps[Index], Census->Memory + Index * Words, Volume->Clusters);
        RtlClearAllBits(Maps[Index]);
    }
    Status = FatpCountTable(Volume, Census);
    if (NT_SUCCESS(Status) && Entries && !Census->Shared) {
        Status = FatpCountDirectories(Volume, Census);
    }
    if (NT_SUCCESS(Status)) {
        FatpFindDangling(Census, Words);
    } else {
        FatForgetCensus(Census);
    }
    return Status;
}

/* SPDX-License-Identifier: MIT */
/*
 * judge_volume.c - may the boot volume be changed?
 *
 *     what it is                              what is done
 *     not FAT                                 said; whoever mounts it finds out
 *     FAT12                                   read-only: it has no mark that tells whether it is in
 *                                             order
 *     FAT16 or FAT32, its clean bit off       looked through (census.c): read-only when a file
 *                                             shares a cluster, lacks one or cannot be reached
 *     the device takes no writes              read-only
 *     else                                    may be changed
 *
 * A power cut while we changed the volume leaves lost clusters at worst, so that the next start
 * can use it again.  Somebody else's damage must not become worse: a cluster that looks free may be
 * a file's, and such a volume is left alone until chkdsk or fsck.fat has seen it.  The clean bit
 * stays off in both cases, as lost clusters stay lost.
 *
 * Nothing is written before that is decided.  On a volume that may be changed after all a rename
 * that a power cut interrupted is then finished (rename_record.c), and said.
 */
#include "boot_volume.h"

#include "disk/fat/fat_i.h"
#include "report.h"

/* => Returns what is wrong with a volume that was not left in order, or NULL. */
static const char *FatpFindDamage(PFAT_VOLUME Volume)
{
    FAT_CENSUS Census;
    const char *Damage;

    if (!NT_SUCCESS(FatTakeCensus(Volume, TRUE, &Census))) {
        return "it was not left in order, and could not be looked through";
    }
    Damage = Census.Shared     ? "it was not left in order: two files share a cluster; "
                                 "check it with chkdsk or fsck.fat"
             : Census.Dangling ? "it was not left in order: a file has a cluster that is free; "
                                 "check it with chkdsk or fsck.fat"
             : Census.Damaged  ? "it was not left in order: a directory is damaged; "
                                 "check it with chkdsk or fsck.fat"
                               : NULL;
    FatForgetCensus(&Census);
    return Damage;
}

/* => Returns why the volume must not be changed, or NULL. */
static const char *FatpWhyReadOnly(PFAT_VOLUME Volume)
{
    if (Volume->Kind == 12) {
        return "FAT12 does not tell whether it is in order";
    }
    if (Volume->Device->ReadOnly) {
        return "the device takes no writes";
    }
    return Volume->WasDirty ? FatpFindDamage(Volume) : NULL;
}

/* As FatMount, but nothing is written. */
static NTSTATUS FatpMountUnchanged(PDISK_DEVICE Device, PFAT_VOLUME *Volume)
{
    BOOLEAN ReadOnly = Device->ReadOnly;
    NTSTATUS Status;

    Device->ReadOnly = TRUE;
    Status = FatMount(Device, Volume);
    Device->ReadOnly = ReadOnly;
    return Status;
}

/* => Returns why the volume must not be changed even so, or NULL. */
static const char *FatpFinishRename(PFAT_VOLUME Volume, PBOOLEAN Finished)
{
    return NT_SUCCESS(FatRecoverRename(Volume, Finished))
               ? NULL
               : "a rename was interrupted and could not be finished";
}

void FatJudgeBootVolume(void)
{
    PDISK_DEVICE Device = DiskBootVolume();
    BOOLEAN Finished = FALSE;
    const char *Reason;
    PFAT_VOLUME Volume;
    NTSTATUS Status;

    if (Device == NULL) {
        return;
    }
    Status = FatpMountUnchanged(Device, &Volume);
    if (!NT_SUCCESS(Status)) {
        KiPrint("File sys.  %s holds no FAT volume that can be used: status %08x\n", Device->Name,
                (ULONG)Status);
        return;
    }
    Reason = FatpWhyReadOnly(Volume);
    if (Reason == NULL && Volume->WasDirty) {
        Reason = FatpFinishRename(Volume, &Finished);
    }
    KiPrint("File sys.  FAT%u, %u clusters of %u bytes, serial %04X-%04X%s\n", Volume->Kind,
            Volume->Clusters, Volume->ClusterBytes, Volume->Serial >> 16, Volume->Serial & 0xFFFF,
            Reason != NULL     ? ""
            : Volume->WasDirty ? ", not left in order: looked through, all files are whole"
                               : ", in order");
    if (Reason != NULL) {
        KiPrint("           read-only: %s\n", Reason);
        Device->ReadOnly = TRUE;
    }
    if (Finished) {
        KiPrint("           a rename that had been interrupted was finished\n");
    }
    FatDismount(Volume);
}

/* SPDX-License-Identifier: MIT */
/*
 * judge_volume.c - may the boot volume be changed?
 *
 *     what it is                              what is done
 *     not FAT                                 said; whoever mounts it finds out
 *     FAT12                                   read-only: it has no mark that tells whether it is in
 *                                             order
 *     FAT16 or FAT32, its clean bit off       read-only: a cluster that looks free may be a file's
 *     the device takes no writes              read-only
 *     else                                    may be changed
 *
 * We have no check of file systems, and somebody else's damage must not become worse: a volume that
 * was not left in order is left alone until chkdsk or fsck.fat has seen it.
 */
#include "boot_volume.h"

#include "disk/fat/fat_i.h"
#include "report.h"

/* => Returns why the volume must not be changed, or NULL. */
static const char *FatpWhyReadOnly(const FAT_VOLUME *Volume)
{
    if (Volume->Kind == 12) {
        return "FAT12 does not tell whether it is in order";
    }
    if (Volume->WasDirty) {
        return "it was not left in order (its clean bit is off); check it with chkdsk or fsck.fat";
    }
    return Volume->Device->ReadOnly ? "the device takes no writes" : NULL;
}

void FatJudgeBootVolume(void)
{
    PDISK_DEVICE Device = DiskBootVolume();
    const char *Reason;
    PFAT_VOLUME Volume;
    NTSTATUS Status;

    if (Device == NULL) {
        return;
    }
    Status = FatMount(Device, &Volume);
    if (!NT_SUCCESS(Status)) {
        KiPrint("File sys.  %s holds no FAT volume that can be used: status %08x\n", Device->Name,
                (ULONG)Status);
        return;
    }
    Reason = FatpWhyReadOnly(Volume);
    KiPrint("File sys.  FAT%u, %u clusters of %u bytes, serial %04X-%04X%s\n", Volume->Kind,
            Volume->Clusters, Volume->ClusterBytes, Volume->Serial >> 16, Volume->Serial & 0xFFFF,
            Reason == NULL ? ", in order" : "");
    if (Reason != NULL) {
        KiPrint("           read-only: %s\n", Reason);
        Device->ReadOnly = TRUE;
    }
    FatDismount(Volume);
}

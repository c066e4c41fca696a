/* SPDX-License-Identifier: MIT */
/*
 * system_volume.c - the boot volume is mounted: from here on there is a C:.
 *
 * Nothing of this can stop the machine: without the volume there are no files and nothing can be
 * paged out, which is said.
 */
#include "system_volume.h"

#include "boot_volume.h"
#include "mm_machine.h"
#include "report.h"

#define IOP_SYSTEM_VOLUME "\\Device\\HarddiskVolume1"

static PDEVICE_OBJECT IopSystemVolume; /* (I) after IoMountSystemVolume */
static BOOLEAN IopStarted;             /* (I) the I/O manager runs */

PDEVICE_OBJECT IoSystemVolume(void)
{
    return IopSystemVolume;
}

/* => Returns which part could not be started, or NULL. */
static const char *IopStart(NTSTATUS *Status)
{
    static UNICODE_STRING Name = NT_CONSTANT_STRING(u"\\FileSystem\\Fastfat");

    *Status = IoInitializeSystem();
    if (!NT_SUCCESS(*Status)) {
        return "the I/O manager cannot start";
    }
    IopStarted = TRUE;
    *Status = IoCreateDriver(&Name, FatDriverEntry);
    return NT_SUCCESS(*Status) ? NULL : "the FAT driver cannot start";
}

void IoMountSystemVolume(void)
{
    PDISK_DEVICE Disk = DiskBootVolume();
    const char *Problem;
    NTSTATUS Status;

    IopSystemVolume = NULL;
    Problem = IopStart(&Status);
    if (Problem == NULL && Disk != NULL) {
        Status = IoMountVolume(Disk, IOP_SYSTEM_VOLUME, &IopSystemVolume);
        Problem = NT_SUCCESS(Status) ? NULL : "the boot volume cannot be mounted";
    }
    if (Problem != NULL) {
        KiPrint("Volume C:  none: %s, status %08x\n", Problem, (ULONG)Status);
    } else if (Disk == NULL) {
        KiPrint("Volume C:  none\n");
    } else {
        KiPrint("Volume C:  %s, %s%s\n", IOP_SYSTEM_VOLUME, Disk->Name,
                Disk->ReadOnly ? ", read-only" : "");
    }
}

void IoShutdownVolumes(void)
{
    NTSTATUS Status = STATUS_SUCCESS;

    if (IopStarted) {
        MmShutdownPaging();
        Status = IoShutdownSystem();
    }
    if (!NT_SUCCESS(Status)) {
        KiPrint("Volume C: was not brought to order, status %08x\n", (ULONG)Status);
    }
}

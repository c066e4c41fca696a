/* SPDX-License-Identifier: MIT */
/*
 * system_volume.c - the boot volume is mounted: from here on there is a C:.
 *
 * Nothing of this can stop the machine: without the volume there are no files and nothing can be
 * paged out, which is said.
 */
#include "system_volume.h"

#include "boot_volume.h"
#include "cc.h"
#include "mm/section/mapped_writer.h"
#include "mm/section/section.h"
#include "mm_machine.h"
#include "report.h"

#define IOP_SYSTEM_VOLUME      "\\Device\\HarddiskVolume1"
#define IOP_SYSTEM_VOLUME_NAME u"\\Device\\HarddiskVolume1"

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

/* => Returns which part failed, or NULL: the volume is mounted, and \??\C: leads to it. */
static const char *IopMountBootVolume(PDISK_DEVICE Disk, NTSTATUS *Status)
{
    UNICODE_STRING Link = NT_CONSTANT_STRING(u"\\??\\C:");
    UNICODE_STRING Device = NT_CONSTANT_STRING(IOP_SYSTEM_VOLUME_NAME);

    *Status = IoMountVolume(Disk, IOP_SYSTEM_VOLUME, &IopSystemVolume);
    if (!NT_SUCCESS(*Status)) {
        return "the boot volume cannot be mounted";
    }
    *Status = IoCreateSymbolicLink(&Link, &Device);
    return NT_SUCCESS(*Status) ? NULL : "it has no name C:";
}

void IoMountSystemVolume(void)
{
    PDISK_DEVICE Disk = DiskBootVolume();
    const char *Problem;
    NTSTATUS Status;

    IopSystemVolume = NULL;
    Problem = IopStart(&Status);
    if (Problem == NULL && Disk != NULL) {
        Problem = IopMountBootVolume(Disk, &Status);
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
        CcStopLazyWriter();
        Status = IoFlushFileSystems(); /* while paging works: pages of the cache may need it */
        if (!NT_SUCCESS(Status)) {
            KiPrint("Volume C: not all files could be written, status %08x\n", (ULONG)Status);
        }
        MiReleaseFiles(NULL);
        MiStopMappedWriter();
        MmShutdownPaging();
        Status = IoShutdownSystem();
    }
    if (!NT_SUCCESS(Status)) {
        KiPrint("Volume C: was not brought to order, status %08x\n", (ULONG)Status);
    }
}

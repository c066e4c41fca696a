/* SPDX-License-Identifier: MIT */
/*
 * volume_commands.c - !volumes: what is on the disks, and what was asked of them.
 *
 * WinDbg has no command for disks that tells all this; the name is ours.
 */
#include "mm/inspect/commands.h"

#include "boot_volume.h"
#include "disk_drivers.h"

static void MipPrintRequests(const DISK_DEVICE *Disk)
{
    MiPrint("  %-26s %8llu reads %8llu writes %6llu flushes %6llu failed\n", Disk->Name,
            (unsigned long long)Disk->RequestCounts[DiskRead],
            (unsigned long long)Disk->RequestCounts[DiskWrite],
            (unsigned long long)Disk->RequestCounts[DiskFlush], (unsigned long long)Disk->Failures);
    if (Disk->Unannounced != 0) {
        MiPrint("  %26s %8u ended without an interrupt\n", "", Disk->Unannounced);
    }
}

void MiCommandVolumes(const char *Arguments)
{
    PDISK_DEVICE Disk = NULL;

    if (*Arguments != 0) {
        MiFail("!volumes takes no arguments.");
        return;
    }
    DiskPrintVolumes(KiConsoleSink, NULL);
    MiPrint("Requests\n");
    while ((Disk = DiskNextDevice(Disk)) != NULL) {
        MipPrintRequests(Disk);
    }
    if (DiskBootVolume() != NULL) {
        MipPrintRequests(DiskBootVolume());
    }
}

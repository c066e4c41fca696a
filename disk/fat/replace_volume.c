/* SPDX-License-Identifier: MIT */
/*
 * replace_volume.c - a RAM volume where the boot volume should be.
 *
 * Files can be made there and paged to, so that everything works as usual; but paging to RAM saves
 * none, and nothing outlives the machine.  That must not pass for a disk: it is said so that it
 * cannot be missed, here, in the boot's report and in !vm.
 */
#include "boot_volume.h"

#include "disk/fat/fat.h"
#include "disk/volume/boot_volume_i.h"
#include "disk/volume/ram_disk.h"
#include "report.h"

#define FATP_RAM_SERIAL 0x52414D30u /* "RAM0" */

static NTSTATUS FatpMakeRamVolume(ULONG Bytes)
{
    PDISK_DEVICE Disk;
    NTSTATUS Status = DiskCreateRamDisk(Bytes, &Disk);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = FatFormat(Disk, FATP_RAM_SERIAL, "RAM VOLUME ");
    if (!NT_SUCCESS(Status)) {
        DiskDeleteRamDisk(Disk);
        return Status;
    }
    DiskSetBootVolume(Disk);
    return STATUS_SUCCESS;
}

static void FatpPrintRule(void)
{
    KiPrint("*******************************************************************************\n");
}

void FatReplaceBootVolume(ULONG RamPages)
{
    ULONG Bytes = DiskRamDiskBytes(RamPages);
    NTSTATUS Status;

    if (DiskBootVolume() != NULL) {
        return;
    }
    Status = FatpMakeRamVolume(Bytes);
    FatpPrintRule();
    KiPrint("*** NO BOOT VOLUME: %s\n", DiskBootVolumeReason());
    if (NT_SUCCESS(Status)) {
        KiPrint("*** %u MB of RAM stand in for it.  Paging there saves no memory, and what is\n"
                "*** written there is lost when the machine stops.  No disk is written to.\n",
                Bytes >> 20);
    } else {
        KiPrint("*** There is no memory for a RAM volume either (%u MB, status %08x): nothing can\n"
                "*** be paged out.  No disk is written to.\n",
                Bytes >> 20, (ULONG)Status);
    }
    FatpPrintRule();
}

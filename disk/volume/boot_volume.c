/* SPDX-License-Identifier: MIT */
/*
 * boot_volume.c - the volume that the loader came from, found again without the firmware.
 *
 *     the loader's GUID or signature, range and serial number    the boot volume
 *     agree with one volume                                      that one
 *     agree with none                                            none, and the reason
 *     agree with several (a copied disk is plugged in too)       none: copies are not told apart
 *
 * Every disk is restricted first: nobody writes a sector of it that its owner did not permit.  Where
 * there is no memory for that, there is no boot volume either.
 *
 * A serial number of 0 means that the loader could not read it; then the rest has to do.
 *
 * Locking: everything here is written at the start only.
 */
#include "boot_volume.h"

#include "disk/volume/boot_volume_i.h"
#include "disk/volume/disk_contents.h"
#include "disk_drivers.h"
#include "ex.h"
#include "mi_assert.h"
#include "report.h"

#define DISKP_TAG          0x74736944u /* 'Dist' */
#define DISKP_REASON_BYTES 160u

/* Where a FAT boot sector has its volume serial number; a FAT32 one has no 16-bit FAT size. */
#define DISKP_FAT_SIZE_16  22u
#define DISKP_SERIAL_FAT16 39u
#define DISKP_SERIAL_FAT32 67u

static struct {
    PDISK_DEVICE Volume;      /* what DiskBootVolume returns */
    DISK_PARTITION Partition; /* the real one */
    PDISK_DEVICE Disk;        /* that it is on; NULL: not found */
    ULONG Number;             /* of the partition; 0: the whole disk */
    char Reason[DISKP_REASON_BYTES];
} DiskpBoot;

/* One volume that the loader may mean. */
typedef struct _DISKP_SEARCH {
    const LOADER_BOOT_PARTITION *Boot;
    PUCHAR Sector; /* a page */
    ULONG Matches;
    ULONG64 Start; /* of the first match */
    ULONG64 Sectors;
    ULONG Number;
    PDISK_DEVICE Disk;
    PDISK_DEVICE Last; /* the disk of the last match */
} DISKP_SEARCH, *PDISKP_SEARCH;

static void DiskpSetReason(const char *Format, ...) NT_PRINTF(1, 2);
static void DiskpSetReason(const char *Format, ...)
{
    va_list Arguments;

    va_start(Arguments, Format);
    (void)RtlStringCbVPrintfA(DiskpBoot.Reason, DISKP_REASON_BYTES, Format, Arguments);
    va_end(Arguments);
}

/* => The serial number of the volume whose first sector this is, as the loader reads it. */
static ULONG DiskpSerial(const UCHAR *Sector)
{
    BOOLEAN Fat32 = Sector[DISKP_FAT_SIZE_16] == 0 && Sector[DISKP_FAT_SIZE_16 + 1] == 0;

    return DiskGet32(Sector + (Fat32 ? DISKP_SERIAL_FAT32 : DISKP_SERIAL_FAT16));
}

/* => TRUE: the volume that begins in Start is the one that the loader saw there. */
static BOOLEAN DiskpHasSerial(PDISKP_SEARCH Search, PDISK_DEVICE Disk, ULONG64 Start)
{
    NTSTATUS Status = DiskTransfer(Disk, DiskRead, Start, 1, Search->Sector);

    if (!NT_SUCCESS(Status)) {
        DiskpSetReason("its first sector, %llu of %s, cannot be read: status %08x",
                       (unsigned long long)Start, Disk->Name, (ULONG)Status);
        return FALSE;
    }
    if (Search->Boot->VolumeSerial != 0 &&
        DiskpSerial(Search->Sector) != Search->Boot->VolumeSerial) {
        DiskpSetReason("at its place on %s is a volume with the serial number %08x, not %08x",
                       Disk->Name, DiskpSerial(Search->Sector), Search->Boot->VolumeSerial);
        return FALSE;
    }
    return TRUE;
}

static void DiskpTryDisk(PDISKP_SEARCH Search, const DISK_CONTENTS *Contents)
{
    ULONG64 Start;
    ULONG64 Sectors;
    ULONG Number;

    if (!NT_SUCCESS(Contents->Status) ||
        !DiskFindBootPartition(Contents->Disk, &Contents->Table, Search->Boot, &Start, &Sectors,
                               &Number) ||
        !DiskpHasSerial(Search, Contents->Disk, Start)) {
        return;
    }
    if (Search->Matches++ == 0) {
        Search->Disk = Contents->Disk;
        Search->Start = Start;
        Search->Sectors = Sectors;
        Search->Number = Number;
    }
    Search->Last = Contents->Disk;
}

static void DiskpSearch(PDISKP_SEARCH Search)
{
    const DISK_CONTENTS *Contents = NULL;

    DiskpSetReason(DiskNextContents(NULL) == NULL
                       ? "no controller with a driver has a disk"
                       : "it is on none of the disks whose controllers have a driver");
    while ((Contents = DiskNextContents(Contents)) != NULL) {
        DiskpTryDisk(Search, Contents);
    }
    if (Search->Matches > 1) {
        DiskpSetReason("it is there %u times, on %s and on %s: copies cannot be told apart",
                       Search->Matches, Search->Disk->Name, Search->Last->Name);
    }
    if (Search->Matches != 1) {
        return;
    }
    DiskInitializePartition(&DiskpBoot.Partition, Search->Disk, Search->Start, Search->Sectors,
                            Search->Number);
    DiskpBoot.Volume = &DiskpBoot.Partition.Device;
    DiskpBoot.Disk = Search->Disk;
    DiskpBoot.Number = Search->Number;
    DiskpBoot.Reason[0] = 0;
}

/* ---- what others ask ---- */

PDISK_DEVICE DiskBootVolume(void)
{
    return DiskpBoot.Volume;
}

const char *DiskBootVolumeReason(void)
{
    return DiskpBoot.Reason[0] != 0 ? DiskpBoot.Reason : NULL;
}

void DiskSetBootVolume(PDISK_DEVICE Device)
{
    MI_ASSERT(DiskpBoot.Volume == NULL && DiskpBoot.Reason[0] != 0);
    DiskpBoot.Volume = Device;
}

void DiskForgetBootVolume(void)
{
    DiskForgetContents();
    memset(&DiskpBoot, 0, sizeof(DiskpBoot));
}

void DiskPrintVolumes(RTL_PRINT_SINK *Sink, PVOID Context)
{
    const DISK_CONTENTS *Contents = NULL;

    while ((Contents = DiskNextContents(Contents)) != NULL) {
        BOOLEAN Marked = Contents->Disk == DiskpBoot.Disk;

        DiskPrintContents(Sink, Context, Contents, Marked ? DiskpBoot.Number : 0,
                          Marked ? ": the boot volume" : "");
    }
    if (DiskpBoot.Reason[0] != 0) {
        RtlFormat(Sink, Context, "Volumes    boot volume not found: %s\n", DiskpBoot.Reason);
    }
    if (DiskpBoot.Volume != NULL && DiskpBoot.Disk == NULL) {
        RtlFormat(
            Sink, Context, "           %s, %llu MB of RAM, stands in for it\n",
            DiskpBoot.Volume->Name,
            (unsigned long long)(DiskpBoot.Volume->Sectors * DiskpBoot.Volume->SectorBytes >> 20));
    }
}

/* From here on only permitted sectors of any disk are written.  => FALSE: no memory for that. */
static BOOLEAN DiskpRestrictAll(void)
{
    PDISK_DEVICE Disk = NULL;
    BOOLEAN Done = TRUE;

    while ((Disk = DiskNextDevice(Disk)) != NULL) {
        Done = NT_SUCCESS(DiskRestrictWrites(Disk)) && Done;
    }
    return Done;
}

void DiskFindBootVolume(const LOADER_BOOT_PARTITION *Boot)
{
    DISKP_SEARCH Search = {
        .Boot = Boot,
        .Sector = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, DISKP_TAG),
    };
    ULONG Lost = DiskReadContents();

    if (!DiskpRestrictAll() || Search.Sector == NULL || Lost != 0) {
        DiskpSetReason("there is no memory to look for it");
    } else {
        DiskpSearch(&Search);
    }
    if (Search.Sector != NULL) {
        ExFreePoolWithTag(Search.Sector, DISKP_TAG);
    }
    DiskPrintVolumes(KiConsoleSink, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * disk_report.c - the drivers' lines of the boot's report: the boot disk is read, never written.
 *
 * The boot disk is the one that has, where the loader found its partition, a FAT boot sector with
 * the serial number that the loader saw.  Alone and many at a time, the same sectors must be the
 * same.
 */
#include "disk/driver/channel.h"
#include "disk/driver/drivers.h"
#include "ex.h"
#include "report.h"
#include "rtl.h"

#define DRIVERP_TAG       0x74705244u /* 'DRpt' */
#define DRIVERP_AT_ONCE   8u
#define DRIVERP_GPT       1u /* the sector of its header */
#define DRIVERP_BOOT_MARK 0xAA55u
#define DRIVERP_MARK_AT   510u

/* Where a FAT boot sector has its volume serial number, behind 0x28 or 0x29. */
#define DRIVERP_SERIAL_FAT16 39u
#define DRIVERP_SERIAL_FAT32 67u

typedef struct _DRIVERP_READ {
    DISK_REQUEST Request;
    KEVENT Done;
    PUCHAR Buffer; /* a page */
    MDL Mdl;
    PFN_NUMBER Frames[2];
} DRIVERP_READ, *PDRIVERP_READ;

static void DriverpDone(PDISK_REQUEST Request)
{
    KeSetEvent(Request->Context, IO_DISK_INCREMENT, FALSE);
}

/* => Bytes of sectors in a page. */
static void DriverpStartRead(PDISK_DEVICE Disk, PDRIVERP_READ Read, ULONG64 Sector, ULONG Sectors)
{
    MmInitializeMdl(&Read->Mdl, Read->Buffer, Sectors * Disk->SectorBytes);
    MmBuildMdlForNonPagedPool(&Read->Mdl);
    Read->Request = (DISK_REQUEST){
        .Operation = DiskRead,
        .Sector = Sector,
        .Sectors = Sectors,
        .Mdl = &Read->Mdl,
        .Completion = DriverpDone,
        .Context = &Read->Done,
    };
    KeInitializeEvent(&Read->Done, NotificationEvent, FALSE);
    DiskSubmit(Disk, &Read->Request);
}

static NTSTATUS DriverpWait(PDRIVERP_READ Read)
{
    (void)KeWaitForSingleObject(&Read->Done, Executive, KernelMode, FALSE, NULL);
    return Read->Request.Status;
}

static NTSTATUS DriverpRead(PDISK_DEVICE Disk, PDRIVERP_READ Read, ULONG64 Sector, ULONG Sectors)
{
    DriverpStartRead(Disk, Read, Sector, Sectors);
    return DriverpWait(Read);
}

static ULONG DriverpUlong(const UCHAR *At)
{
    return At[0] | (ULONG)At[1] << 8 | (ULONG)At[2] << 16 | (ULONG)At[3] << 24;
}

/* => Boot is this disk's: a FAT boot sector stands there, with the serial number. */
static BOOLEAN DriverpIsBootDisk(PDISK_DEVICE Disk, PDRIVERP_READ Read,
                                 const LOADER_BOOT_PARTITION *Boot)
{
    const UCHAR *Sector = Read->Buffer;

    if (Disk->SectorBytes != Boot->BlockBytes || Boot->StartBlock >= Disk->Sectors ||
        !NT_SUCCESS(DriverpRead(Disk, Read, Boot->StartBlock, 1))) {
        return FALSE;
    }
    return (DriverpUlong(Sector + DRIVERP_MARK_AT) & 0xFFFFu) == DRIVERP_BOOT_MARK &&
           (DriverpUlong(Sector + DRIVERP_SERIAL_FAT16) == Boot->VolumeSerial ||
            DriverpUlong(Sector + DRIVERP_SERIAL_FAT32) == Boot->VolumeSerial);
}

static void DriverpReportTable(PDISK_DEVICE Disk, PDRIVERP_READ Read,
                               const LOADER_BOOT_PARTITION *Boot)
{
    static const char Signature[] = "EFI PART";
    ULONG64 Sector = Boot->Style == LoaderPartitionGpt ? DRIVERP_GPT : 0;
    NTSTATUS Status = DriverpRead(Disk, Read, Sector, 1);
    BOOLEAN Good;

    if (Boot->Style == LoaderPartitionGpt) {
        Good = memcmp(Read->Buffer, Signature, sizeof(Signature) - 1) == 0;
    } else {
        Good = (DriverpUlong(Read->Buffer + DRIVERP_MARK_AT) & 0xFFFFu) == DRIVERP_BOOT_MARK;
    }
    KiReport(NT_SUCCESS(Status) && Good, "disk %s: the %s in sector %u was read, status %08x",
             Disk->Name,
             Boot->Style == LoaderPartitionGpt   ? "header of a GPT"
             : Boot->Style == LoaderPartitionMbr ? "MBR"
                                                 : "boot sector",
             (ULONG)Sector, (ULONG)Status);
}

/* The same sectors all at once, then one after the other. */
static void DriverpReportMany(PDISK_DEVICE Disk, PDRIVERP_READ Reads, ULONG64 From)
{
    PDISK_CHANNEL Channel = CONTAINING_RECORD(Disk, DISK_CHANNEL, Device);
    ULONG Each = PAGE_SIZE / Disk->SectorBytes;
    ULONG Interrupts = Channel->Interrupts;
    ULONG64 Start = KeReadCycleCounter();
    ULONG Cycles;
    ULONG Failed = 0;
    ULONG Same = 0;
    ULONG i;

    for (i = 0; i < DRIVERP_AT_ONCE; i++) {
        DriverpStartRead(Disk, &Reads[i], From + i * Each, Each);
    }
    for (i = 0; i < DRIVERP_AT_ONCE; i++) {
        Failed += !NT_SUCCESS(DriverpWait(&Reads[i]));
    }
    Cycles = (ULONG)(KeReadCycleCounter() - Start);
    for (i = 0; i < DRIVERP_AT_ONCE; i++) {
        Failed += !NT_SUCCESS(DriverpRead(Disk, &Reads[DRIVERP_AT_ONCE], From + i * Each, Each));
        Same += memcmp(Reads[i].Buffer, Reads[DRIVERP_AT_ONCE].Buffer, PAGE_SIZE) == 0;
    }
    KiReport(
        Failed == 0 && Same == DRIVERP_AT_ONCE && Channel->Interrupts != Interrupts &&
            Channel->Resets == 0,
        "disk %s: %u reads of %u bytes at once in %u cycles, by interrupt; the same again one by "
        "one; %u resets",
        Disk->Name, DRIVERP_AT_ONCE, PAGE_SIZE, Cycles, Channel->Resets);
}

static void DriverpReportBootDisk(PDRIVERP_READ Reads, const LOADER_BOOT_PARTITION *Boot)
{
    PDISK_DEVICE Disk = NULL;

    while ((Disk = DiskNextDevice(Disk)) != NULL) {
        if (DriverpIsBootDisk(Disk, &Reads[0], Boot)) {
            break;
        }
    }
    if (Disk == NULL) {
        KiPrint("# disk: the boot volume is on none of the disks that have a driver\n");
        return;
    }
    KiReport(TRUE, "disk %s: the boot volume, serial %08x, begins in sector %llu", Disk->Name,
             Boot->VolumeSerial, (unsigned long long)Boot->StartBlock);
    DriverpReportTable(Disk, &Reads[0], Boot);
    DriverpReportMany(Disk, Reads, Boot->StartBlock);
}

void DiskReport(const LOADER_BOOT_PARTITION *Boot)
{
    const ULONG Count = DRIVERP_AT_ONCE + 1;
    PDRIVERP_READ Reads;
    PUCHAR Pages;
    ULONG i;

    if (DiskNextDevice(NULL) == NULL) {
        KiPrint("# disk: no controller with a driver\n");
        return;
    }
    Reads = ExAllocatePoolWithTag(NonPagedPool, Count * sizeof(*Reads), DRIVERP_TAG);
    Pages = ExAllocatePoolWithTag(NonPagedPool, Count * PAGE_SIZE, DRIVERP_TAG);
    if (Reads != NULL && Pages != NULL) {
        for (i = 0; i < Count; i++) {
            Reads[i].Buffer = Pages + i * PAGE_SIZE;
        }
        DriverpReportBootDisk(Reads, Boot);
    } else {
        KiReport(FALSE, "disk: no memory for the report");
    }
    if (Reads != NULL) {
        ExFreePoolWithTag(Reads, DRIVERP_TAG);
    }
    if (Pages != NULL) {
        ExFreePoolWithTag(Pages, DRIVERP_TAG);
    }
}

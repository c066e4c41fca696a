/* SPDX-License-Identifier: MIT */
/*
 * disk_report.c - the drivers' lines of the boot's report: the boot disk is read, never written.
 *
 * Alone and many at a time, the same sectors must be the same.
 */
#include "disk/driver/channel.h"
#include "boot_volume.h"
#include "disk/volume/partition.h"
#include "disk_drivers.h"
#include "ex.h"
#include "report.h"
#include "rtl.h"

#define DISKP_TAG       0x74705244u /* 'DRpt' */
#define DISKP_AT_ONCE   8u
#define DISKP_GPT       1u /* the sector of its header */
#define DISKP_BOOT_MARK 0xAA55u
#define DISKP_MARK_AT   510u

typedef struct _DISKP_READ {
    DISK_REQUEST Request;
    KEVENT Done;
    PUCHAR Buffer; /* a page */
    MDL Mdl;
    PFN_NUMBER Frames[2];
} DISKP_READ, *PDISKP_READ;

static void DiskpDone(PDISK_REQUEST Request)
{
    KeSetEvent(Request->Context, IO_DISK_INCREMENT, FALSE);
}

/* => Bytes of sectors in a page. */
static void DiskpStartRead(PDISK_DEVICE Disk, PDISKP_READ Read, ULONG64 Sector, ULONG Sectors)
{
    MmInitializeMdl(&Read->Mdl, Read->Buffer, Sectors * Disk->SectorBytes);
    MmBuildMdlForNonPagedPool(&Read->Mdl);
    Read->Request = (DISK_REQUEST){
        .Operation = DiskRead,
        .Sector = Sector,
        .Sectors = Sectors,
        .Mdl = &Read->Mdl,
        .Completion = DiskpDone,
        .Context = &Read->Done,
    };
    KeInitializeEvent(&Read->Done, NotificationEvent, FALSE);
    DiskSubmit(Disk, &Read->Request);
}

static NTSTATUS DiskpWait(PDISKP_READ Read)
{
    (void)KeWaitForSingleObject(&Read->Done, Executive, KernelMode, FALSE, NULL);
    return Read->Request.Status;
}

static NTSTATUS DiskpRead(PDISK_DEVICE Disk, PDISKP_READ Read, ULONG64 Sector, ULONG Sectors)
{
    DiskpStartRead(Disk, Read, Sector, Sectors);
    return DiskpWait(Read);
}

static void DiskpReportTable(PDISK_DEVICE Disk, PDISKP_READ Read, const LOADER_BOOT_PARTITION *Boot)
{
    static const char Signature[] = "EFI PART";
    ULONG64 Sector = Boot->Style == LoaderPartitionGpt ? DISKP_GPT : 0;
    NTSTATUS Status = DiskpRead(Disk, Read, Sector, 1);
    BOOLEAN Good;

    if (Boot->Style == LoaderPartitionGpt) {
        Good = memcmp(Read->Buffer, Signature, sizeof(Signature) - 1) == 0;
    } else {
        Good = (DiskGet32(Read->Buffer + DISKP_MARK_AT) & 0xFFFFu) == DISKP_BOOT_MARK;
    }
    KiReport(NT_SUCCESS(Status) && Good, "disk %s: the %s in sector %u was read, status %08x",
             Disk->Name,
             Boot->Style == LoaderPartitionGpt   ? "header of a GPT"
             : Boot->Style == LoaderPartitionMbr ? "MBR"
                                                 : "boot sector",
             (ULONG)Sector, (ULONG)Status);
}

/* The same sectors all at once, then one after the other. */
static void DiskpReportMany(PDISK_DEVICE Disk, PDISKP_READ Reads, ULONG64 From)
{
    PDISK_CHANNEL Channel = CONTAINING_RECORD(Disk, DISK_CHANNEL, Device);
    ULONG Each = PAGE_SIZE / Disk->SectorBytes;
    ULONG Interrupts = Channel->Interrupts;
    ULONG64 Start = KeReadCycleCounter();
    ULONG Cycles;
    ULONG Failed = 0;
    ULONG Same = 0;
    ULONG i;

    for (i = 0; i < DISKP_AT_ONCE; i++) {
        DiskpStartRead(Disk, &Reads[i], From + i * Each, Each);
    }
    for (i = 0; i < DISKP_AT_ONCE; i++) {
        Failed += !NT_SUCCESS(DiskpWait(&Reads[i]));
    }
    Cycles = (ULONG)(KeReadCycleCounter() - Start);
    for (i = 0; i < DISKP_AT_ONCE; i++) {
        Failed += !NT_SUCCESS(DiskpRead(Disk, &Reads[DISKP_AT_ONCE], From + i * Each, Each));
        Same += memcmp(Reads[i].Buffer, Reads[DISKP_AT_ONCE].Buffer, PAGE_SIZE) == 0;
    }
    KiReport(
        Failed == 0 && Same == DISKP_AT_ONCE && Channel->Interrupts != Interrupts &&
            Channel->Resets == 0,
        "disk %s: %u reads of %u bytes at once in %u cycles, by interrupt; the same again one by "
        "one; %u resets",
        Disk->Name, DISKP_AT_ONCE, PAGE_SIZE, Cycles, Channel->Resets);
}

static void DiskpReportBootDisk(const DISK_PARTITION *Volume, PDISKP_READ Reads,
                                const LOADER_BOOT_PARTITION *Boot)
{
    PDISK_DEVICE Disk = Volume->Parent;

    if (DiskpRead(Disk, &Reads[0], Volume->Start, 1) == STATUS_NO_SUCH_DEVICE) {
        KiPrint("# disk: the boot volume is on none of the disks: %s is gone\n", Disk->Name);
        return;
    }
    KiReport(TRUE, "disk %s: the boot volume, serial %04X-%04X, begins in sector %llu", Disk->Name,
             Boot->VolumeSerial >> 16, Boot->VolumeSerial & 0xFFFF,
             (unsigned long long)Volume->Start);
    DiskpReportTable(Disk, &Reads[0], Boot);
    DiskpReportMany(Disk, Reads, Volume->Start);
}

void DiskReport(const LOADER_BOOT_PARTITION *Boot)
{
    const ULONG Count = DISKP_AT_ONCE + 1;
    PDISKP_READ Reads;
    PUCHAR Pages;
    ULONG i;

    if (DiskBootVolumeReason() != NULL) {
        KiPrint("# disk: boot volume not found: %s\n", DiskBootVolumeReason());
        return;
    }
    Reads = ExAllocatePoolWithTag(NonPagedPool, Count * sizeof(*Reads), DISKP_TAG);
    Pages = ExAllocatePoolWithTag(NonPagedPool, Count * PAGE_SIZE, DISKP_TAG);
    if (Reads != NULL && Pages != NULL) {
        for (i = 0; i < Count; i++) {
            Reads[i].Buffer = Pages + i * PAGE_SIZE;
        }
        DiskpReportBootDisk(DiskPartitionOf(DiskBootVolume()), Reads, Boot);
    } else {
        KiReport(FALSE, "disk: no memory for the report");
    }
    if (Reads != NULL) {
        ExFreePoolWithTag(Reads, DISKP_TAG);
    }
    if (Pages != NULL) {
        ExFreePoolWithTag(Pages, DISKP_TAG);
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * probe.c - which controllers there are, who drives them, and which disks were found.
 *
 * A controller without a driver is named: what is on it cannot be reached.  Firmware may drive USB
 * controllers until it is told otherwise, so all of them are taken before anything is started.
 *
 * Locking: the list of disks only grows, by whole entries at its end, so that readers need no lock;
 * those who add to it (a USB bus may at any time) hold DriverpDisksLock.
 */
#include "disk/driver/drivers.h"

#include "report.h"
#include "spinlock.h"

/* Class, subclass and interface; in Mask 0 where any will do. */
typedef struct _DRIVERP_KIND {
    ULONG Id;        /* device and vendor; 0: any */
    ULONG Class;     /* as the upper three bytes of PCI_CLASS_REVISION */
    ULONG ClassMask; /* 0: any */
    const char *Name;
    const char *Advice;           /* without a driver: what the user can do */
    DRIVER_ADD_DEVICE *AddDevice; /* NULL: there is no driver */
} DRIVERP_KIND;

#define DRIVERP_ID(Vendor, Device) ((ULONG)(Device) << 16 | (Vendor))

static const DRIVERP_KIND DriverpKinds[] = {
    {DRIVERP_ID(0x1AF4, 0x1001), 0, 0, "virtio-blk (transitional)", "", VirtioBlkAddDevice},
    {DRIVERP_ID(0x1AF4, 0x1042), 0, 0, "virtio-blk", "", VirtioBlkAddDevice},
    {0, 0x010601, 0xFFFFFF, "AHCI", "", AhciAddDevice},
    {0, 0x010802, 0xFFFFFF, "NVMe", "", NvmeAddDevice},
    {0, 0x0C0330, 0xFFFFFF, "xHCI (USB)", "", XhciAddDevice},
    {0, 0x010400, 0xFFFF00, "RAID", ": switch it to AHCI or NVMe in the firmware's setup", NULL},
    {0, 0x010100, 0xFFFF00, "IDE", ": switch it to AHCI in the firmware's setup", NULL},
    {0, 0x010000, 0xFF0000, "mass storage", "", NULL}, /* any other */
    {0, 0x0C0320, 0xFFFFFF, "EHCI (USB 2)", ": use a port of an xHCI controller", NULL},
};

#define DRIVERP_KINDS RTL_NUMBER_OF(DriverpKinds)

/* Who is told of the end. */
typedef struct _DRIVERP_STOP {
    DRIVER_STOP *Routine;
    PVOID Context;
} DRIVERP_STOP;

static DRIVERP_STOP DriverpStops[PCI_DRIVEN_FUNCTIONS];
static ULONG DriverpStopCount;
static LIST_ENTRY DriverpDisks = {&DriverpDisks, &DriverpDisks}; /* of DISK_DEVICE.ListEntry */

static KSPIN_LOCK DriverpDisksLock;

void DriverAddDisk(PDISK_DEVICE Disk)
{
    KIRQL OldIrql;

    Disk->Restricted = TRUE; /* whether somebody gives it a list or not */
    OldIrql = KfAcquireSpinLock(&DriverpDisksLock);
    Disk->ListEntry.Flink = &DriverpDisks;
    Disk->ListEntry.Blink = DriverpDisks.Blink;
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the entry before what leads to it */
    DriverpDisks.Blink->Flink = &Disk->ListEntry;
    DriverpDisks.Blink = &Disk->ListEntry;
    KfReleaseSpinLock(&DriverpDisksLock, OldIrql);
}

void DriverAddStop(DRIVER_STOP *Stop, PVOID Context)
{
    if (DriverpStopCount < RTL_NUMBER_OF(DriverpStops)) {
        DriverpStops[DriverpStopCount] = (DRIVERP_STOP){Stop, Context};
        DriverpStopCount++;
    }
}

void DiskStopDrivers(void)
{
    for (; DriverpStopCount != 0; DriverpStopCount--) {
        DRIVERP_STOP Last = DriverpStops[DriverpStopCount - 1];

        Last.Routine(Last.Context);
    }
}

void DriverForgetDisks(void)
{
    DriverpStopCount = 0;
    InitializeListHead(&DriverpDisks);
    KeInitializeSpinLock(&DriverpDisksLock);
}

PDISK_DEVICE DiskNextDevice(PDISK_DEVICE After)
{
    PLIST_ENTRY Next = After != NULL ? After->ListEntry.Flink : DriverpDisks.Flink;

    return Next != &DriverpDisks ? CONTAINING_RECORD(Next, DISK_DEVICE, ListEntry) : NULL;
}

static const DRIVERP_KIND *DriverpFindKind(HAL_PCI_FUNCTION F)
{
    ULONG Id = PciReadLong(F, PCI_VENDOR_ID);
    ULONG Class = PciReadLong(F, PCI_CLASS_REVISION) >> 8;
    ULONG i;

    for (i = 0; i < DRIVERP_KINDS; i++) {
        const DRIVERP_KIND *Kind = &DriverpKinds[i];

        if (Kind->Id != 0 ? Kind->Id == Id : (Class & Kind->ClassMask) == Kind->Class) {
            return Kind;
        }
    }
    return NULL;
}

void DriverPrintDisk(PDISK_DEVICE Disk)
{
    KiPrint("           %s: %llu sectors of %u bytes (%llu MB)%s\n", Disk->Name,
            (unsigned long long)Disk->Sectors, Disk->SectorBytes,
            (unsigned long long)(Disk->Sectors * Disk->SectorBytes >> 20),
            Disk->ReadOnly ? ", read-only" : "");
}

static void DriverpPrintDisks(PDISK_DEVICE Last)
{
    PDISK_DEVICE Disk = Last;

    while ((Disk = DiskNextDevice(Disk)) != NULL) {
        DriverPrintDisk(Disk);
    }
}

static PDISK_DEVICE DriverpLastDisk(void)
{
    return DriverpDisks.Blink != &DriverpDisks
               ? CONTAINING_RECORD(DriverpDisks.Blink, DISK_DEVICE, ListEntry)
               : NULL;
}

/* Devices come and go on it: its driver tells itself what is there. */
static BOOLEAN DriverpIsBus(const DRIVERP_KIND *Kind)
{
    return Kind->AddDevice == XhciAddDevice;
}

static void DriverpName(const DRIVERP_KIND *Kind, HAL_PCI_FUNCTION F)
{
    KiPrint("Disks      %s controller at %02x:%02x.%u", Kind->Name, F.Bus, F.Device, F.Function);
}

/* How it went, behind the controller's name. */
static void DriverpTell(NTSTATUS Status, PDISK_DEVICE Last)
{
    if (Status == STATUS_NO_SUCH_DEVICE) {
        KiPrint(": no disk on it\n");
    } else if (Status == STATUS_DEVICE_UNREACHABLE) {
        KiPrint(": its registers are out of reach\n");
    } else if (!NT_SUCCESS(Status)) {
        KiPrint(": cannot be used, status %08x\n", (ULONG)Status);
    } else {
        KiPrint("\n");
        DriverpPrintDisks(Last);
    }
}

static void DriverpStartBus(const DRIVERP_KIND *Kind, HAL_PCI_FUNCTION F, ULONG Number)
{
    NTSTATUS Status;

    KiPrint("\n");
    Status = Kind->AddDevice(F, Number);
    if (!NT_SUCCESS(Status)) {
        DriverpName(Kind, F);
        DriverpTell(Status, NULL);
    }
}

static void DriverpVisit(HAL_PCI_FUNCTION F, PVOID Context)
{
    const DRIVERP_KIND *Kind = DriverpFindKind(F);
    PDISK_DEVICE Last = DriverpLastDisk();
    PULONG Counts = Context; /* by kind */
    NTSTATUS Status;

    if (Kind == NULL) {
        return;
    }
    if (Kind->AddDevice == NULL) {
        DriverpName(Kind, F);
        KiPrint(": no driver for it yet%s\n", Kind->Advice);
    } else if (DriverpIsBus(Kind)) {
        DriverpName(Kind, F);
        DriverpStartBus(Kind, F, Counts[Kind - DriverpKinds]++);
    } else {
        Status = Kind->AddDevice(F, Counts[Kind - DriverpKinds]++); /* may print lines of its own */
        DriverpName(Kind, F);
        DriverpTell(Status, Last);
    }
}

static void DriverpTakeFromFirmware(HAL_PCI_FUNCTION F, PVOID Context)
{
    const DRIVERP_KIND *Kind = DriverpFindKind(F);

    (void)Context;
    if (Kind != NULL && DriverpIsBus(Kind)) {
        XhciTakeFromFirmware(F);
    }
}

void DiskStartDrivers(void)
{
    ULONG Counts[DRIVERP_KINDS] = {0};

    PciEnumerate(DriverpTakeFromFirmware, NULL);
    PciEnumerate(DriverpVisit, Counts);
}

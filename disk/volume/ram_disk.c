/* SPDX-License-Identifier: MIT */
/*
 * ram_disk.c - a disk made of RAM.
 *
 * The medium is page frames that are mapped nowhere.  A request is carried out page by page, each
 * through two windows, addresses that were reserved when the disk was made: one shows a page of the
 * medium, the other the request's.  Mapping there cannot fail and takes no memory, so that paging
 * to this disk is as safe as to a real one.
 *
 * Requests that arrive while one is carried out, from its completion routine above all, queue
 * behind it: the stack does not grow with their number.
 *
 * Locking: (L) the disk's lock.  Whoever set Busy has the windows to itself, at DISPATCH_LEVEL.
 */
#include "disk/volume/ram_disk.h"

#include "ex.h"
#include "mi_assert.h"
#include "rtl.h"
#include "spinlock.h"

#define DISKP_TAG           0x446D6152u /* 'RamD' */
#define DISKP_SECTOR_BYTES  512u
#define DISKP_REQUEST_BYTES 0x10000u /* what one request holds the processor for */
#define DISKP_PART_BYTES    0x400000u
#define DISKP_PARTS         (DISK_RAM_MOST_BYTES / DISKP_PART_BYTES)
#define DISKP_PART_PAGES    (DISKP_PART_BYTES / PAGE_SIZE)
#define DISKP_EIGHTH        8u
#define DISKP_PAGES_IN_MB   (0x100000u / PAGE_SIZE)

/* An address, and an MDL of the one page that it shows. */
typedef struct _DISKP_WINDOW {
    PVOID Va; /* (I) */
    MDL Mdl;
    PFN_NUMBER Frame;
} DISKP_WINDOW, *PDISKP_WINDOW;

NT_C_ASSERT(FIELD_OFFSET(DISKP_WINDOW, Frame) == FIELD_OFFSET(DISKP_WINDOW, Mdl) + sizeof(MDL));

typedef struct _DISK_RAM {
    DISK_DEVICE Device;
    KSPIN_LOCK Lock;
    LIST_ENTRY Queue;       /* (L) */
    BOOLEAN Busy;           /* (L) */
    DISKP_WINDOW Medium;    /* Busy's */
    DISKP_WINDOW Data;      /* Busy's */
    ULONG Parts;            /* (I) */
    PMDL Part[DISKP_PARTS]; /* (I) DISKP_PART_BYTES each, the last perhaps less */
} DISK_RAM, *PDISK_RAM;

ULONG DiskRamDiskBytes(ULONG RamPages)
{
    ULONG Megabytes = RamPages / DISKP_PAGES_IN_MB / DISKP_EIGHTH;
    ULONG Least = DISK_RAM_LEAST_BYTES >> 20;
    ULONG Most = DISK_RAM_MOST_BYTES >> 20;

    Megabytes = Megabytes < Least ? Least : Megabytes;
    return (Megabytes < Most ? Megabytes : Most) << 20;
}

/* ---- carrying requests out ---- */

static PUCHAR DiskpShow(PDISKP_WINDOW Window, PFN_NUMBER Frame)
{
    PVOID Va;

    Window->Frame = Frame;
    Va = MmMapLockedPagesWithReservedMapping(Window->Va, DISKP_TAG, &Window->Mdl, MmCached);
    MI_ASSERT(Va == Window->Va);
    return Va;
}

static void DiskpHide(PDISKP_WINDOW Window)
{
    MmUnmapReservedMapping(Window->Va, DISKP_TAG, &Window->Mdl);
}

static PFN_NUMBER DiskpMediumFrame(const DISK_RAM *Disk, ULONG Page)
{
    return MmGetMdlPfnArray(Disk->Part[Page / DISKP_PART_PAGES])[Page % DISKP_PART_PAGES];
}

/* Move what neither crosses a page of the medium nor one of the data. */
static void DiskpMovePart(PDISK_RAM Disk, const DISK_REQUEST *Request, ULONG At, ULONG Offset,
                          ULONG Bytes)
{
    PUCHAR Medium = DiskpShow(&Disk->Medium, DiskpMediumFrame(Disk, At / PAGE_SIZE));
    PUCHAR Data = DiskpShow(&Disk->Data, MmGetMdlPfnArray(Request->Mdl)[Offset / PAGE_SIZE]);

    Medium += At % PAGE_SIZE;
    Data += Offset % PAGE_SIZE;
    if (Request->Operation == DiskRead) {
        memcpy(Data, Medium, Bytes);
    } else {
        memcpy(Medium, Data, Bytes);
    }
    DiskpHide(&Disk->Data);
    DiskpHide(&Disk->Medium);
}

static void DiskpCarry(PDISK_RAM Disk, PDISK_REQUEST Request)
{
    ULONG Left = Request->Sectors * DISKP_SECTOR_BYTES; /* DiskFlush: 0 */
    ULONG At = (ULONG)Request->Sector * DISKP_SECTOR_BYTES;
    ULONG Offset = Left != 0 ? Request->Mdl->ByteOffset + Request->Offset : 0;

    while (Left != 0) {
        ULONG Part = PAGE_SIZE - At % PAGE_SIZE;

        Part = PAGE_SIZE - Offset % PAGE_SIZE < Part ? PAGE_SIZE - Offset % PAGE_SIZE : Part;
        Part = Left < Part ? Left : Part;
        DiskpMovePart(Disk, Request, At, Offset, Part);
        At += Part;
        Offset += Part;
        Left -= Part;
    }
    Request->Status = STATUS_SUCCESS;
}

static void DiskpSubmitToRam(PDISK_DEVICE Device, PDISK_REQUEST Request)
{
    PDISK_RAM Disk = Device->Driver;
    KIRQL OldIrql = KfAcquireSpinLock(&Disk->Lock);
    BOOLEAN Mine = !Disk->Busy;

    InsertTailList(&Disk->Queue, &Request->Link);
    Disk->Busy = TRUE;
    while (Mine && !IsListEmpty(&Disk->Queue)) {
        Request = CONTAINING_RECORD(RemoveHeadList(&Disk->Queue), DISK_REQUEST, Link);
        KefReleaseSpinLockFromDpcLevel(&Disk->Lock);
        DiskpCarry(Disk, Request);
        Request->Completion(Request);
        KefAcquireSpinLockAtDpcLevel(&Disk->Lock);
    }
    if (Mine) {
        Disk->Busy = FALSE;
    }
    KfReleaseSpinLock(&Disk->Lock, OldIrql);
}

/* ---- making one ---- */

/* => FALSE: no system PTEs. */
static BOOLEAN DiskpMakeWindow(PDISKP_WINDOW Window)
{
    MmInitializeMdl(&Window->Mdl, NULL, PAGE_SIZE);
    Window->Mdl.MdlFlags = MDL_PAGES_LOCKED; /* whoever lends a frame has locked it */
    Window->Va = MmAllocateMappingAddress(PAGE_SIZE, DISKP_TAG);
    return Window->Va != NULL;
}

static void DiskpDeleteWindow(PDISKP_WINDOW Window)
{
    if (Window->Va != NULL) {
        MmFreeMappingAddress(Window->Va, DISKP_TAG);
    }
}

/* => FALSE: not so much memory. */
static BOOLEAN DiskpAllocateParts(PDISK_RAM Disk, ULONG Bytes)
{
    const PHYSICAL_ADDRESS Anywhere = {.QuadPart = 0};
    const PHYSICAL_ADDRESS Last = {.QuadPart = 0xFFFFFFFF};

    while (Bytes != 0) {
        ULONG Part = Bytes < DISKP_PART_BYTES ? Bytes : DISKP_PART_BYTES;
        PMDL Mdl = MmAllocatePagesForMdl(Anywhere, Last, Anywhere, Part);

        if (Mdl == NULL) {
            return FALSE;
        }
        Disk->Part[Disk->Parts++] = Mdl;
        if (Mdl->ByteCount != Part) {
            return FALSE;
        }
        Bytes -= Part;
    }
    return TRUE;
}

NTSTATUS DiskCreateRamDisk(ULONG Bytes, PDISK_DEVICE *Device)
{
    PDISK_RAM Disk = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Disk), DISKP_TAG);

    MI_ASSERT(Bytes != 0 && Bytes <= DISK_RAM_MOST_BYTES && Bytes % PAGE_SIZE == 0);
    if (Disk == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Disk, 0, sizeof(*Disk));
    Disk->Device = (DISK_DEVICE){
        .Name = "ram0",
        .SectorBytes = DISKP_SECTOR_BYTES,
        .Sectors = Bytes / DISKP_SECTOR_BYTES,
        .MaximumSectors = DISKP_REQUEST_BYTES / DISKP_SECTOR_BYTES,
        .Submit = DiskpSubmitToRam,
        .Driver = Disk,
    };
    InitializeListHead(&Disk->Device.ListEntry);
    InitializeListHead(&Disk->Queue);
    KeInitializeSpinLock(&Disk->Lock);
    if (!DiskpMakeWindow(&Disk->Medium) || !DiskpMakeWindow(&Disk->Data) ||
        !DiskpAllocateParts(Disk, Bytes)) {
        DiskDeleteRamDisk(&Disk->Device);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *Device = &Disk->Device;
    return STATUS_SUCCESS;
}

void DiskDeleteRamDisk(PDISK_DEVICE Device)
{
    PDISK_RAM Disk = Device->Driver;

    while (Disk->Parts != 0) {
        PMDL Mdl = Disk->Part[--Disk->Parts];

        MmFreePagesFromMdl(Mdl);
        ExFreePool(Mdl);
    }
    DiskpDeleteWindow(&Disk->Medium);
    DiskpDeleteWindow(&Disk->Data);
    ExFreePoolWithTag(Disk, DISKP_TAG);
}

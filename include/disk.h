/* SPDX-License-Identifier: MIT */
/*
 * disk.h - block devices: what drivers, partitions and file systems offer those above them.
 *
 * A request is the caller's memory, nonpaged, and the device's from DiskSubmit until its completion
 * routine runs.  Submitting never waits, allocates nothing and takes no page fault: paging depends
 * on it.
 */
#ifndef DISK_H
#define DISK_H

#include "mm.h"
#include "nt/annotations.h"
#include "nt/list.h"
#include "nt/status.h"
#include "nt/types.h"

#define DISK_ALIGNMENT 4u /* in memory, of what is read and written: controllers ask for it */

typedef enum _DISK_OPERATION {
    DiskRead,
    DiskWrite,
    DiskFlush /* what was completed before is on the medium when this completes */
} DISK_OPERATION;

typedef struct _DISK_REQUEST DISK_REQUEST, *PDISK_REQUEST;
typedef struct _DISK_DEVICE DISK_DEVICE, *PDISK_DEVICE;
typedef struct _DISK_WRITE_LIST DISK_WRITE_LIST, *PDISK_WRITE_LIST;

/* => DISPATCH_LEVEL or below.  The request is the caller's again; Status says how it went. */
typedef void DISK_COMPLETION(PDISK_REQUEST Request);

struct _DISK_REQUEST {
    DISK_OPERATION Operation;
    ULONG64 Sector; /* first one, of the device's SectorBytes each */
    ULONG Sectors;  /* 1 to the device's MaximumSectors; 0 for DiskFlush */
    PMDL Mdl;       /* locked pages; NULL for DiskFlush */
    ULONG Offset;   /* of the data in what Mdl describes; it is aligned */
    DISK_COMPLETION *Completion;
    PVOID Context;   /* the caller's */
    NTSTATUS Status; /* STATUS_SUCCESS, or why not: see DiskSubmit */
    LIST_ENTRY Link; /* the device's, as Private */
    ULONG_PTR Private[6];
    PDISK_DEVICE Device;               /* DiskSubmit's: whom it was submitted to */
    DISK_COMPLETION *CallerCompletion; /* DiskSubmit's, until Completion is the caller's again */
};

struct _DISK_DEVICE {
    const char *Name;     /* "virtio0", "ahci0.2", "partition 2 of ahci0.2" */
    ULONG SectorBytes;    /* 512 to 4096, a power of two */
    ULONG64 Sectors;      /* of the device */
    ULONG MaximumSectors; /* that one request may have */
    BOOLEAN ReadOnly;
    BOOLEAN Restricted; /* only what Writes permits may be written: nothing while that is NULL */
    /* => As DiskSubmit; the request was checked against the fields above. */
    void (*Submit)(PDISK_DEVICE Device, PDISK_REQUEST Request);
    PVOID Driver;             /* the implementation's */
    PDISK_WRITE_LIST Writes;  /* DiskRestrictWrites'; NULL: as Restricted says */
    LIST_ENTRY ListEntry;     /* among all devices */
    ULONG64 RequestCounts[3]; /* by DISK_OPERATION, completed */
    ULONG64 Failures;
    ULONG Unannounced; /* requests that the driver found ended, but no interrupt said so */
};

/*
 * Start a request.
 *
 * => IRQL <= DISPATCH_LEVEL; Request and everything in it is nonpaged.
 * => Completion runs exactly once, perhaps before this returns, with Status:
 *        STATUS_INVALID_PARAMETER       sectors beyond the end, too many, or none; not aligned
 *        STATUS_MEDIA_WRITE_PROTECTED   a write to a read-only device, or to one without a list of
 *                                       what may be written that must have one
 *        STATUS_IO_DEVICE_ERROR         the device says so
 *        STATUS_IO_TIMEOUT              no answer in bounded time, retries included
 *        STATUS_NO_SUCH_DEVICE          the device is gone
 */
void DiskSubmit(PDISK_DEVICE Device, PDISK_REQUEST Request);

/*
 * Read or write Buffer, and wait; as many requests as it takes.  DiskFlush: Buffer is NULL.
 *
 * => PASSIVE_LEVEL or APC_LEVEL.  Buffer is nonpaged, and may lie anywhere.
 * => STATUS_INSUFFICIENT_RESOURCES: it is not aligned, and there was no memory for one that is.
 */
NT_MUST_CHECK NTSTATUS DiskTransfer(PDISK_DEVICE Device, DISK_OPERATION Operation, ULONG64 Sector,
                                    ULONG Sectors, PVOID Buffer);

/* ---- which sectors may be written ---- */

#define DISK_WRITE_LIST_TAG 0x576B7344u /* 'DskW': of the lists' memory */

/*
 * A disk of a driver is Restricted from the start, whenever it comes: nothing may be written before
 * this call.  Other devices (RAM) permit everything until then.
 *
 * From now on a write to Disk, or to a partition of it, is a bug check unless each of its sectors
 * was permitted: FAT_FILE_SYSTEM with the disk's DISK_DEVICE, the first such sector (low and high
 * half, of the disk's) and the request's sectors.  The console says it in words before.
 *
 * => PASSIVE_LEVEL or APC_LEVEL.  Disk is no partition.  A second call changes nothing.
 */
NT_MUST_CHECK NTSTATUS DiskRestrictWrites(PDISK_DEVICE Disk);

/*
 * Owner may write these sectors; the address only says who it is.  Device may be a partition.
 *
 * => PASSIVE_LEVEL or APC_LEVEL.  The range lies inside Device.
 * => STATUS_SHARING_VIOLATION: another owner has one of them; STATUS_INSUFFICIENT_RESOURCES;
 *    STATUS_MEDIA_WRITE_PROTECTED: the disk is Restricted and has no list.
 *    Nothing has changed then.
 * => A device without restrictions permits everything, and keeps no account of owners.
 */
NT_MUST_CHECK NTSTATUS DiskPermitWritesFor(PDISK_DEVICE Device, const void *Owner, ULONG64 Sector,
                                           ULONG64 Sectors);

/*
 * Take back what Owner has in the range, if anything.
 *
 * => IRQL <= DISPATCH_LEVEL.  Cannot fail: of what one call permitted this is the beginning, the
 *    end or the whole, never the middle, so that no memory is needed.
 */
void DiskForbidWritesFor(PDISK_DEVICE Device, const void *Owner, ULONG64 Sector, ULONG64 Sectors);

/* What From has is To's.  => IRQL <= DISPATCH_LEVEL; cannot fail. */
void DiskHandOverWrites(PDISK_DEVICE Device, const void *From, const void *To);

/* The same when Device itself is the owner. */
NT_MUST_CHECK static inline NTSTATUS DiskPermitWrites(PDISK_DEVICE Device, ULONG64 Sector,
                                                      ULONG64 Sectors)
{
    return DiskPermitWritesFor(Device, Device, Sector, Sectors);
}

static inline void DiskForbidWrites(PDISK_DEVICE Device, ULONG64 Sector, ULONG64 Sectors)
{
    DiskForbidWritesFor(Device, Device, Sector, Sectors);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * io_i.h - what the files of mm/io share.
 *
 * (I) fixed after creation, (S) IopSystemLock, (A) atomic, (R) the reserve's lock.
 */
#ifndef MM_IO_IO_I_H
#define MM_IO_IO_I_H

#include "ex.h"
#include "io.h"
#include "mi_assert.h"
#include "rtl.h"

#define IOP_IRP_TAG    0x20707249u /* 'Irp ' */
#define IOP_DEVICE_TAG 0x69766544u /* 'Devi' */
#define IOP_DRIVER_TAG 0x76697244u /* 'Driv' */
#define IOP_FILE_TAG   0x656C6946u /* 'File' */
#define IOP_VPB_TAG    0x20627056u /* 'Vpb ' */
#define IOP_BUFFER_TAG 0x42206F49u /* 'Io B' */

/* ---- irp.c, page_io.c: where requests come from ---- */

/* AllocationFlags of a request from a reserve: IoFreeIrp returns it there. */
#define IOP_IRP_RESERVED 0x80u

/* Requests made in advance, so that paging needs no pool. */
typedef struct _IOP_RESERVE {
    KSEMAPHORE Free; /* counts List */
    KSPIN_LOCK Lock;
    LIST_ENTRY List; /* (R) of IOP_RESERVED_IRP.Link: not in use */
    CCHAR StackSize; /* (I) of each */
    ULONG Exhausted; /* how often somebody found none; increments may be lost */
} IOP_RESERVE, *PIOP_RESERVE;

#define IOP_RESERVE_REQUESTS 16u

/* => PASSIVE_LEVEL.  STATUS_INSUFFICIENT_RESOURCES. */
NT_MUST_CHECK NTSTATUS IopCreateReserve(CCHAR StackSize, PIOP_RESERVE *Reserve);
/* => All its requests are back. */
void IopDeleteReserve(PIOP_RESERVE Reserve);

/* => IRQL <= APC_LEVEL: waits until there is one. */
PIRP IopTakeReservedIrp(PIOP_RESERVE Reserve);
void IopReturnReservedIrp(PIRP Irp);

/* The reserve of files that have none of their own, and of those who cannot fail. */
extern PIOP_RESERVE IopSystemReserve;
#define IOP_SYSTEM_STACK_SIZE 16

/* => IRQL <= APC_LEVEL: waits when there is no pool. */
PIRP IopAllocateIrpMustSucceed(CCHAR StackSize);

/* ---- call.c ---- */

/*
 * Send a request to the device whose stack location is filled in, and wait.  It is gone then.
 *
 * => IRQL <= APC_LEVEL.  Returns its status; *Information, unless NULL, is its information.
 */
NT_MUST_CHECK NTSTATUS IopCallAndWait(PDEVICE_OBJECT Device, PIRP Irp, PULONG_PTR Information);

/* ---- device.c ---- */

/* DEVICE_OBJECT.DeviceObjectExtension. */
typedef struct _IOP_DEVICE_EXTENSION {
    PDEVICE_OBJECT AttachedTo; /* (S) the one below, or NULL */
    UNICODE_STRING Name;       /* (I) behind this structure */
} IOP_DEVICE_EXTENSION, *PIOP_DEVICE_EXTENSION;

static inline PIOP_DEVICE_EXTENSION IopDeviceExtension(PDEVICE_OBJECT Device)
{
    return Device->DeviceObjectExtension;
}

/* Guards the lists of drivers, devices and file systems, and who is attached to whom. */
extern KSPIN_LOCK IopSystemLock;

void IopInitializeDevices(void);

/* ---- mount.c ---- */

/* Guards VPBs. */
extern KSPIN_LOCK IopVpbLock;

NT_MUST_CHECK NTSTATUS IopCreateVpb(PDEVICE_OBJECT Device);
void IopInitializeMounts(void);

/* A file is opened on a device's volume.  => STATUS_DEVICE_NOT_READY: it is not mounted. */
NT_MUST_CHECK NTSTATUS IopReferenceVpb(PFILE_OBJECT File);
void IopDereferenceVpb(PFILE_OBJECT File);

/* ---- disk_device.c ---- */

/* => A disk device over Disk, not mounted. */
NT_MUST_CHECK NTSTATUS IopCreateDiskDevice(PDISK_DEVICE Disk, PCSTR Name, PDEVICE_OBJECT *Device);
void IopDeleteDiskDevice(PDEVICE_OBJECT Device);
NT_MUST_CHECK NTSTATUS IopInitializeDiskDriver(void);

/* ---- file.c ---- */

/* What stands before a FILE_OBJECT. */
typedef struct _IOP_FILE {
    LONG References;      /* (A) */
    PIOP_RESERVE Reserve; /* (I) of a paging file; else NULL */
    FILE_OBJECT Object;
} IOP_FILE, *PIOP_FILE;

static inline PIOP_FILE IopFileOf(PFILE_OBJECT File)
{
    return CONTAINING_RECORD(File, IOP_FILE, Object);
}

/* IoCloseFile.  => Returns how IRP_MJ_CLEANUP went: whether a file was deleted. */
NTSTATUS IopCloseFile(PFILE_OBJECT File);

/* => A request to the file's device with its major function, or NULL. */
PIRP IopBuildFileRequest(PFILE_OBJECT File, UCHAR MajorFunction);

#endif

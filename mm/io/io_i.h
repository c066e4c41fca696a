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
#include "io_services.h"
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

/* The reserve of those who cannot fail, and that of pages of files that have none of their own. */
extern PIOP_RESERVE IopSystemReserve;
extern PIOP_RESERVE IopPageReserve;
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

/* ---- object_types.c ---- */

NT_MUST_CHECK NTSTATUS IopCreateObjectTypes(void);

/* ---- device.c ---- */

/* DEVICE_OBJECT.DeviceObjectExtension. */
typedef struct _IOP_DEVICE_EXTENSION {
    PDEVICE_OBJECT AttachedTo; /* (S) the one below, or NULL */
    BOOLEAN Deleting;          /* (S) no file can be opened on it any more */
    UNICODE_STRING Name;       /* (I) behind this structure */
} IOP_DEVICE_EXTENSION, *PIOP_DEVICE_EXTENSION;

static inline PIOP_DEVICE_EXTENSION IopDeviceExtension(PDEVICE_OBJECT Device)
{
    return Device->DeviceObjectExtension;
}

/* Guards the lists of drivers, devices and file systems, and who is attached to whom. */
extern KSPIN_LOCK IopSystemLock;

void IopInitializeDevices(void);
OB_DELETE_PROCEDURE IopDeleteDevice;

/* A file is opened on the device, and stays.  => STATUS_NO_SUCH_DEVICE, STATUS_ACCESS_DENIED. */
NT_MUST_CHECK NTSTATUS IopReferenceDevice(PDEVICE_OBJECT Device);
void IopDereferenceDevice(PDEVICE_OBJECT Device);

/* Nothing will be opened on it any more.  => FALSE: something is open, nothing changed. */
BOOLEAN IopShutDevice(PDEVICE_OBJECT Device);

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

/* The body of a file object. */
typedef struct _IOP_FILE {
    FILE_OBJECT Object;
    PIOP_RESERVE Reserve;   /* (I) of a paging file; else NULL */
    BOOLEAN Opened;         /* (I) IRP_MJ_CREATE succeeded: the file system knows it */
    LONG CleanedUp;         /* (A) IRP_MJ_CLEANUP was sent */
    NTSTATUS CleanupStatus; /* what came of it: whether a file was deleted */
} IOP_FILE, *PIOP_FILE;

static inline PIOP_FILE IopFileOf(PFILE_OBJECT File)
{
    return CONTAINING_RECORD(File, IOP_FILE, Object);
}

OB_OPEN_PROCEDURE IopOpenHandle;
OB_CLOSE_PROCEDURE IopCloseHandle;
OB_DELETE_PROCEDURE IopDeleteFile;

/* How a file is to be opened, and what came of it; the context of IopParseDevice and -File. */
typedef struct _IOP_OPEN_PACKET {
    ULONG Tag;                 /* IOP_OPEN_TAG: it is one of these */
    ACCESS_MASK DesiredAccess; /* no generic rights */
    ULONG Disposition;
    ULONG Options;
    ULONG ShareAccess;
    ULONG FileAttributes;
    ULONG64 AllocationSize;
    UCHAR Flags;          /* SL_* of IRP_MJ_CREATE */
    PFILE_OBJECT Related; /* the name is relative to it; or NULL */
    PFILE_OBJECT File;    /* out: what was opened; whoever has a reference may use it */
    ULONG Information;    /* out: FILE_OPENED and so on */
    NTSTATUS Status;      /* out: the driver's, a success: it may say more than STATUS_SUCCESS */
} IOP_OPEN_PACKET, *PIOP_OPEN_PACKET;

#define IOP_OPEN_TAG 0x6E65704Fu /* 'Open' */

/*
 * Open a file of Device's volume, or the device itself.  Name is copied.
 *
 * => On success Packet->File, with one reference.
 */
NT_MUST_CHECK NTSTATUS IopOpen(PDEVICE_OBJECT Device, PCUNICODE_STRING Name,
                               PIOP_OPEN_PACKET Packet);

/* Options and disposition that fit each other.  => STATUS_INVALID_PARAMETER. */
NT_MUST_CHECK NTSTATUS IopCheckOptions(ULONG Disposition, ULONG Options, ACCESS_MASK Access);

/* IoCloseFile.  => Returns how IRP_MJ_CLEANUP went: whether a file was deleted. */
NTSTATUS IopCloseFile(PFILE_OBJECT File);

/* => A request to the file's device with its major function, or NULL. */
PIRP IopBuildFileRequest(PFILE_OBJECT File, UCHAR MajorFunction);

/* ---- file_calls.c ---- */

/*
 * One request to read or write, whoever may.  Mode: whose Buffer is.
 *
 * => *Done: how many bytes.
 */
NT_MUST_CHECK NTSTATUS IopTransferFile(PFILE_OBJECT File, ULONG MajorFunction, KPROCESSOR_MODE Mode,
                                       ULONG64 Offset, ULONG Key, PVOID Buffer, ULONG Bytes,
                                       PULONG_PTR Done);

/*
 * One request for information, or to set it, whoever may.  Information is the system's; of a query
 * *Returned bytes of it are filled in, also when it is STATUS_BUFFER_OVERFLOW.
 * Target: of a rename, the directory that a new name is in, opened for it; else NULL.
 */
NT_MUST_CHECK NTSTATUS IopQuery(PFILE_OBJECT File, UCHAR MajorFunction, ULONG Class, ULONG Length,
                                PVOID Information, PULONG Returned);
NT_MUST_CHECK NTSTATUS IopSet(PFILE_OBJECT File, FILE_INFORMATION_CLASS Class, ULONG Length,
                              const void *Information, PFILE_OBJECT Target);

/*
 * A user's buffer for a request, which gets an MDL of it, locked; the end of the request frees it.
 *
 * => On failure IopAbandonRequest.  STATUS_ACCESS_VIOLATION.
 */
NT_MUST_CHECK NTSTATUS IopLockUserBuffer(PIRP Irp, PVOID Buffer, ULONG Bytes,
                                         LOCK_OPERATION Operation);

/* A request that is not sent after all.  => Its MDL is not locked. */
void IopAbandonRequest(PIRP Irp);

/* Close a handle that a call made for itself.  A user who was quicker has closed it: so be it. */
static inline void IopDropHandle(HANDLE Handle)
{
    NTSTATUS Status = NtClose(Handle);

    (void)Status;
}

/* ---- parse.c ---- */

/* A name in a file system.  => STATUS_OBJECT_NAME_INVALID: / or a zero in it. */
NT_MUST_CHECK NTSTATUS IopCheckName(PCUNICODE_STRING Name);

OB_PARSE_PROCEDURE IopParseDevice, IopParseFile;

/*
 * Open by name, with a handle for the caller.  AccessMode: whose.
 *
 * => Packet->DesiredAccess may have generic rights, and has none then.  On failure all is closed.
 */
NT_MUST_CHECK NTSTATUS IopOpenByName(PCOBJECT_ATTRIBUTES Attributes, KPROCESSOR_MODE AccessMode,
                                     PIOP_OPEN_PACKET Packet, PHANDLE Handle);

/* ---- service.c ---- */

/* A service on a handle to a file. */
typedef struct _IOP_SERVICE {
    PFILE_OBJECT File;    /* referenced */
    PKEVENT Event;        /* the caller's, referenced; or NULL */
    ACCESS_MASK Granted;  /* to the handle */
    KPROCESSOR_MODE Mode; /* of the caller */
    BOOLEAN Fast;         /* done without a request: the file's event and FinalStatus stay */
} IOP_SERVICE, *PIOP_SERVICE;

/*
 * Begin: find the file; a synchronous one serves one at a time.  Access: all of it is needed.
 *
 * => STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH; STATUS_ACCESS_DENIED: UserMode, and it
 *    was not granted.
 */
NT_MUST_CHECK NTSTATUS IopEnterService(HANDLE Handle, ACCESS_MASK Access, PIOP_SERVICE Service);

/* The same; the file's event is not reset: that is the caller's, if it makes a request. */
NT_MUST_CHECK NTSTATUS IopEnterFile(HANDLE Handle, ACCESS_MASK Access, PIOP_SERVICE Service);

/* End: Status is how it went; with Iosb not NULL, and no error, it and Information go there. */
NTSTATUS IopLeaveService(PIOP_SERVICE Service, NTSTATUS Status, ULONG_PTR Information,
                         PIO_STATUS_BLOCK Iosb);

/* UserMode needs one of the rights of Access.  => STATUS_ACCESS_DENIED. */
NT_MUST_CHECK NTSTATUS IopNeedAny(const IOP_SERVICE *Service, ACCESS_MASK Access);

/*
 * What the caller wants done when it is over: Event (NULL: none) is set, unless it ends with an
 * error; until then it is not signalled.
 *
 * => STATUS_NOT_SUPPORTED: an APC; those of ObReferenceObjectByHandle with EVENT_MODIFY_STATE.
 */
NT_MUST_CHECK NTSTATUS IopTakeEvent(PIOP_SERVICE Service, HANDLE Event, PIO_APC_ROUTINE ApcRoutine);

/* Nonpaged pool of the system for a caller's buffer; it is all zero, or holds its first Bytes. */
NT_MUST_CHECK NTSTATUS IopCaptureBuffer(KPROCESSOR_MODE Mode, const void *From, ULONG Length,
                                        ULONG Bytes, PVOID *Captured);
/* Copy back and free it.  => STATUS_ACCESS_VIOLATION and others of MmCopyToUser. */
NT_MUST_CHECK NTSTATUS IopReturnBuffer(KPROCESSOR_MODE Mode, PVOID To, PVOID Captured, ULONG Bytes);

#endif

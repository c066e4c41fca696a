/* SPDX-License-Identifier: MIT */
/*
 * io.h - the I/O manager's calls: requests (IRPs), devices, drivers, volumes, files, paging I/O.
 *
 * Names, prototypes and behaviour are those of wdm.h and ntifs.h for x86 NT 5.2; source:
 * learn.microsoft.com/windows-hardware/drivers/ddi/wdm and .../ntifs, a page for each call.  Calls
 * that NT does not have are marked (own).  Objects are in io_objects.h, what requests carry in
 * io_files.h.
 *
 * Where this kernel differs: there are no APCs.  NT finishes most requests in the issuing thread,
 * by a special kernel APC; here IoCompleteRequest itself does it, at the IRQL of the one who
 * completes: it copies a buffered request's output, fills in the caller's IO_STATUS_BLOCK, sets the
 * event, frees the request.  So what these point to is nonpaged, as paging I/O has it on NT too.
 * Threads have no list of their requests: a thread that ends cancels none.
 *
 * Drivers, devices and files are objects (ob.h); what callers do with handles to them is in
 * io_services.h.
 */
#ifndef IO_H
#define IO_H

#include "disk.h"
#include "io_objects.h"
#include "nt/annotations.h"
#include "ob.h"

/* The types of objects: "Driver", "Device", "File".  => After IoInitializeSystem. */
extern POBJECT_TYPE IoDriverObjectType;
extern POBJECT_TYPE IoDeviceObjectType;
extern POBJECT_TYPE IoFileObjectType;

/* ---- the start (own) ---- */

/*
 * Make the types, the directories \Driver and \FileSystem, \DosDevices for \??, the reserve.
 *
 * => Once a machine, after ObInitSystem; PASSIVE_LEVEL.
 */
NT_MUST_CHECK NTSTATUS IoInitializeSystem(void);

/* (own) Have every file system write what the cache has of its files: IRP_MJ_FLUSH_BUFFERS. */
NTSTATUS IoFlushFileSystems(void);

/*
 * Send IRP_MJ_SHUTDOWN to every registered file system, newest first: volumes are brought to order.
 *
 * => PASSIVE_LEVEL.  Returns the first failure.
 */
NTSTATUS IoShutdownSystem(void);

/* ---- requests ---- */

#define IoSizeOfIrp(StackSize)                                                                     \
    ((USHORT)(sizeof(IRP) + (SIZE_T)(StackSize) * sizeof(IO_STACK_LOCATION)))

/*
 * Allocate a request with StackSize locations and initialise it.
 *
 * => IRQL <= DISPATCH_LEVEL; StackSize 1 to IO_MAXIMUM_STACK_SIZE.  ChargeQuota has no effect.
 * => NULL: no nonpaged pool.
 */
PIRP NTAPI IoAllocateIrp(CCHAR StackSize, BOOLEAN ChargeQuota);
#define IO_MAXIMUM_STACK_SIZE 120

/* => IRQL <= DISPATCH_LEVEL.  MULTIPLE_IRP_COMPLETE_REQUESTS (0x44) when it was freed before. */
void NTAPI IoFreeIrp(PIRP Irp);

/* Initialise a request in the caller's own memory.  => PacketSize >= IoSizeOfIrp(StackSize). */
void NTAPI IoInitializeIrp(PIRP Irp, USHORT PacketSize, CCHAR StackSize);

/* Make a request from IoAllocateIrp as new, with this status.  => It is with its maker. */
void NTAPI IoReuseIrp(PIRP Irp, NTSTATUS Status);

/*
 * Allocate a request that is a part of Irp: when all its parts are completed, Irp is.  The caller
 * sets Irp->AssociatedIrp.IrpCount before it sends the first one.
 *
 * => IRQL <= DISPATCH_LEVEL.  NULL: no nonpaged pool.
 */
PIRP NTAPI IoMakeAssociatedIrp(PIRP Irp, CCHAR StackSize);

static inline PIO_STACK_LOCATION IoGetCurrentIrpStackLocation(PIRP Irp)
{
    return Irp->Tail.Overlay.CurrentStackLocation;
}

static inline PIO_STACK_LOCATION IoGetNextIrpStackLocation(PIRP Irp)
{
    return Irp->Tail.Overlay.CurrentStackLocation - 1;
}

static inline void IoSetNextIrpStackLocation(PIRP Irp)
{
    Irp->CurrentLocation--;
    Irp->Tail.Overlay.CurrentStackLocation--;
}

/* The driver below sees this driver's parameters, and this driver is not told of completion. */
static inline void IoSkipCurrentIrpStackLocation(PIRP Irp)
{
    Irp->CurrentLocation++;
    Irp->Tail.Overlay.CurrentStackLocation++;
}

/* All but the completion routine, which is the driver's own. */
static inline void IoCopyCurrentIrpStackLocationToNext(PIRP Irp)
{
    PIO_STACK_LOCATION Current = IoGetCurrentIrpStackLocation(Irp);
    PIO_STACK_LOCATION Next = IoGetNextIrpStackLocation(Irp);

    *Next = *Current;
    Next->CompletionRoutine = NULL;
    Next->Context = NULL;
    Next->Control = 0;
}

/*
 * Have Routine called when the driver below has completed the request, for the named outcomes.
 * STATUS_MORE_PROCESSING_REQUIRED from it takes the request back: completion stops there.
 * Otherwise it calls IoMarkIrpPending when Irp->PendingReturned is TRUE.
 */
static inline void IoSetCompletionRoutine(PIRP Irp, PIO_COMPLETION_ROUTINE Routine, PVOID Context,
                                          BOOLEAN InvokeOnSuccess, BOOLEAN InvokeOnError,
                                          BOOLEAN InvokeOnCancel)
{
    PIO_STACK_LOCATION Next = IoGetNextIrpStackLocation(Irp);

    Next->CompletionRoutine = Routine;
    Next->Context = Context;
    Next->Control = (UCHAR)((InvokeOnSuccess ? SL_INVOKE_ON_SUCCESS : 0) |
                            (InvokeOnError ? SL_INVOKE_ON_ERROR : 0) |
                            (InvokeOnCancel ? SL_INVOKE_ON_CANCEL : 0));
}

/* The dispatch routine will return STATUS_PENDING, and somebody complete the request later. */
static inline void IoMarkIrpPending(PIRP Irp)
{
    IoGetCurrentIrpStackLocation(Irp)->Control |= SL_PENDING_RETURNED;
}

/*
 * Give the request to a driver, which finds its parameters in the next stack location.
 *
 * => The IRQL that the dispatch routine documents.  Returns what it returned.
 * => NO_MORE_IRP_STACK_LOCATIONS (0x35), P1 the request: there is no next location.
 */
NTSTATUS FASTCALL IofCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp);
#define IoCallDriver(DeviceObject, Irp) IofCallDriver((DeviceObject), (Irp))

/*
 * The request is done: IoStatus says how.  Runs the completion routines from the bottom up, then
 * finishes it for its maker (see above).
 *
 * => IRQL <= DISPATCH_LEVEL.  PriorityBoost goes to the thread that waits.
 * => MULTIPLE_IRP_COMPLETE_REQUESTS (0x44), P1 the request: it was completed before.
 */
void FASTCALL IofCompleteRequest(PIRP Irp, CCHAR PriorityBoost);
#define IoCompleteRequest(Irp, PriorityBoost) IofCompleteRequest((Irp), (PriorityBoost))

/* ---- requests ready to be sent ---- */

/*
 * Build IRP_MJ_READ, WRITE, FLUSH_BUFFERS or SHUTDOWN for the top of DeviceObject's stack.  The
 * buffer is locked (DO_DIRECT_IO), copied (DO_BUFFERED_IO), or goes as UserBuffer.
 *
 * => IRQL <= APC_LEVEL (documented: PASSIVE_LEVEL).  Buffer is NULL for the last two.
 *    IoStatusBlock and Event are nonpaged, and so is Buffer of a buffered device.
 * => When it is completed *IoStatusBlock is filled in, Event is set, Irp is gone.
 * => NULL: no nonpaged pool.
 */
PIRP NTAPI IoBuildSynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject,
                                        PVOID Buffer, ULONG Length, PLARGE_INTEGER StartingOffset,
                                        PKEVENT Event, PIO_STATUS_BLOCK IoStatusBlock);

/*
 * The same, but the caller's completion routine gets it back, unlocks and frees the MDLs that it
 * has, and frees it.
 *
 * => IRQL <= APC_LEVEL, or DISPATCH_LEVEL with a nonpaged Buffer.
 */
PIRP NTAPI IoBuildAsynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject,
                                         PVOID Buffer, ULONG Length, PLARGE_INTEGER StartingOffset,
                                         PIO_STATUS_BLOCK IoStatusBlock);

/*
 * Build IRP_MJ_DEVICE_CONTROL, or IRP_MJ_INTERNAL_DEVICE_CONTROL.
 *
 * => As IoBuildSynchronousFsdRequest; OutputBuffer of METHOD_BUFFERED is nonpaged.
 */
PIRP NTAPI IoBuildDeviceIoControlRequest(ULONG IoControlCode, PDEVICE_OBJECT DeviceObject,
                                         PVOID InputBuffer, ULONG InputBufferLength,
                                         PVOID OutputBuffer, ULONG OutputBufferLength,
                                         BOOLEAN InternalDeviceIoControl, PKEVENT Event,
                                         PIO_STATUS_BLOCK IoStatusBlock);

/* ---- cancelling ---- */

/* => IRQL <= DISPATCH_LEVEL. */
void NTAPI IoAcquireCancelSpinLock(PKIRQL Irql);
void NTAPI IoReleaseCancelSpinLock(KIRQL Irql);

/* => Returns the routine of before; NULL: there was none, or IoCancelIrp is about to call it. */
static inline PDRIVER_CANCEL IoSetCancelRoutine(PIRP Irp, PDRIVER_CANCEL CancelRoutine)
{
    return __atomic_exchange_n(&Irp->CancelRoutine, CancelRoutine, __ATOMIC_SEQ_CST);
}

/*
 * Ask for the request to end early.  Its cancel routine is called with the cancel spin lock held
 * and releases it, to Irp->CancelIrql.
 *
 * => IRQL <= DISPATCH_LEVEL; the caller knows that Irp still exists.
 * => Returns whether there was a routine.
 */
BOOLEAN NTAPI IoCancelIrp(PIRP Irp);

/* ---- drivers and devices ---- */

/*
 * Make a driver object, let InitializationFunction fill it in.  MajorFunction begins with routines
 * that fail with STATUS_INVALID_DEVICE_REQUEST.
 *
 * => PASSIVE_LEVEL.  DriverName, "\Driver\Disk" for example, may be NULL.
 * => STATUS_INSUFFICIENT_RESOURCES, STATUS_OBJECT_NAME_COLLISION and others of ObInsertObject, or
 *    what the function returned: there is no driver then.
 */
NT_MUST_CHECK NTSTATUS NTAPI IoCreateDriver(PUNICODE_STRING DriverName,
                                            PDRIVER_INITIALIZE InitializationFunction);

/* => PASSIVE_LEVEL; its devices are deleted. */
void NTAPI IoDeleteDriver(PDRIVER_OBJECT DriverObject);

/* (own) => The driver of that name, which nobody deletes meanwhile; or NULL. */
PDRIVER_OBJECT IoFindDriver(PCUNICODE_STRING DriverName);

/*
 * Make a device object with DeviceExtensionSize zeroed bytes behind it, and a VPB if it is a disk.
 * DO_DEVICE_INITIALIZING is set: nobody can open it, until the driver clears it (for devices that
 * DriverEntry makes, IoCreateDriver does).  Exclusive: one file at a time is open on it.
 *
 * => PASSIVE_LEVEL or APC_LEVEL.
 * => STATUS_INSUFFICIENT_RESOURCES; STATUS_OBJECT_NAME_COLLISION: there is something of that name;
 *    others of ObInsertObject for DeviceName.
 */
NT_MUST_CHECK NTSTATUS NTAPI IoCreateDevice(PDRIVER_OBJECT DriverObject, ULONG DeviceExtensionSize,
                                            PUNICODE_STRING DeviceName, DEVICE_TYPE DeviceType,
                                            ULONG DeviceCharacteristics, BOOLEAN Exclusive,
                                            PDEVICE_OBJECT *DeviceObject);

/*
 * => Nothing is attached to it and no file is open on it; IRQL <= APC_LEVEL.  The name goes at
 *    once, the memory with the last reference.
 */
void NTAPI IoDeleteDevice(PDEVICE_OBJECT DeviceObject);

/* => Returns what SourceDevice is attached to now: the former top of the stack.  NULL: too deep. */
PDEVICE_OBJECT NTAPI IoAttachDeviceToDeviceStack(PDEVICE_OBJECT SourceDevice,
                                                 PDEVICE_OBJECT TargetDevice);

/* => TargetDevice is what IoAttachDeviceToDeviceStack returned. */
void NTAPI IoDetachDevice(PDEVICE_OBJECT TargetDevice);

/* => The top of the stack. */
PDEVICE_OBJECT NTAPI IoGetAttachedDevice(PDEVICE_OBJECT DeviceObject);

/* => The top of the stack that requests for a file go to: the file system's, or the device's. */
PDEVICE_OBJECT NTAPI IoGetRelatedDeviceObject(PFILE_OBJECT FileObject);

/* => The same without what is attached above the file system. */
PDEVICE_OBJECT NTAPI IoGetBaseFileSystemDeviceObject(PFILE_OBJECT FileObject);

/* => The device's name; an empty one: it has none. (own) */
PCUNICODE_STRING IoQueryDeviceName(PDEVICE_OBJECT DeviceObject);

/*
 * A name that stands for another: "\??\C:" for "\Device\HarddiskVolume1".  It is permanent.
 *
 * => PASSIVE_LEVEL.  As NtCreateSymbolicLinkObject.
 */
NT_MUST_CHECK NTSTATUS NTAPI IoCreateSymbolicLink(PUNICODE_STRING SymbolicLinkName,
                                                  PUNICODE_STRING DeviceName);
NT_MUST_CHECK NTSTATUS NTAPI IoDeleteSymbolicLink(PUNICODE_STRING SymbolicLinkName);

/*
 * Open a device by name.
 *
 * => PASSIVE_LEVEL.  *FileObject is referenced, *DeviceObject is the top of its stack and stays as
 *    long as that reference.  As NtOpenFile.
 */
NT_MUST_CHECK NTSTATUS NTAPI IoGetDeviceObjectPointer(PUNICODE_STRING ObjectName,
                                                      ACCESS_MASK DesiredAccess,
                                                      PFILE_OBJECT *FileObject,
                                                      PDEVICE_OBJECT *DeviceObject);

/* ---- disk transfers without pool: for file system drivers and disk drivers (own) ---- */

/* Consecutive sectors of a device. */
typedef struct _IO_RUN {
    ULONG64 Position; /* its first sector, counted in the file; a file's runs follow one another */
    ULONG64 Sector;   /* the same on the device */
    ULONG64 Sectors;
} IO_RUN, *PIO_RUN;

/* Where a file lies, or a whole disk: nonpaged. */
typedef struct _IO_RUNS {
    ULONG Count;
    IO_RUN Run[];
} IO_RUNS, *PIO_RUNS;

/*
 * Where requests go, and who wants to know when one is done: nonpaged.
 *
 * => Done, unless NULL: once for each request, at IRQL <= DISPATCH_LEVEL.  Its IoStatus is there
 *    and may be changed; it is completed next.
 */
typedef struct _IO_RUN_MAP {
    PIO_RUNS Runs; /* the queue's lock, to change: the three calls below */
    void (*Done)(struct _IO_RUN_MAP *Map, PIRP Irp);
} IO_RUN_MAP, *PIO_RUN_MAP;

typedef struct _IO_DISK_QUEUE IO_DISK_QUEUE, *PIO_DISK_QUEUE;

/* Make a queue with Requests disk requests, which is how many are under way at most. */
NT_MUST_CHECK NTSTATUS IoCreateDiskQueue(PDISK_DEVICE Device, ULONG Requests,
                                         PIO_DISK_QUEUE *Queue);

/* => No request is in it. */
void IoDeleteDiskQueue(PIO_DISK_QUEUE Queue);

/*
 * Carry out an IRP_MJ_READ, WRITE or FLUSH_BUFFERS: as many disk requests as it takes, several at
 * once; when none is left it waits for its turn.  Allocates nothing, waits for nothing; marks the
 * request pending and completes it from the disk's DPC.
 *
 * => IRQL <= DISPATCH_LEVEL.  The range is that of the current stack location, in bytes of the
 *    runs: whole sectors, at least one, inside; MdlAddress is locked and as long.  Map stays until
 *    then, and what its runs say of the range.
 * => Returns STATUS_PENDING.  IoStatus: all of the bytes, or 0 and why one part failed.
 */
NTSTATUS IoQueueDiskRequest(PIO_DISK_QUEUE Queue, PIRP Irp, PIO_RUN_MAP Map);

/*
 * The runs become others, which hold the old ones' sectors at the same positions, and more.
 *
 * => IRQL <= DISPATCH_LEVEL; requests may be in the queue.  Returns the old ones: nobody uses them.
 */
PIO_RUNS IoReplaceRuns(PIO_DISK_QUEUE Queue, PIO_RUN_MAP Map, PIO_RUNS New);

/* The last run goes on for so many sectors.  => As above; there is one. */
void IoLengthenRuns(PIO_DISK_QUEUE Queue, PIO_RUN_MAP Map, ULONG64 Sectors);

/* Keep the first Sectors.  => As above; no request in the queue goes beyond. */
void IoCutRuns(PIO_DISK_QUEUE Queue, PIO_RUN_MAP Map, ULONG64 Sectors);

/*
 * Zero what a locked MDL describes, from Offset to its end.
 *
 * => IRQL <= DISPATCH_LEVEL; nobody needs to have it mapped.
 */
void IoZeroMdl(PMDL Mdl, ULONG Offset);

/* ---- file systems and volumes ---- */

/*
 * Offer the file system behind this device every volume to come; the newest is asked first.
 *
 * => PASSIVE_LEVEL.  DeviceType is FILE_DEVICE_DISK_FILE_SYSTEM.
 */
void NTAPI IoRegisterFileSystem(PDEVICE_OBJECT DeviceObject);
void NTAPI IoUnregisterFileSystem(PDEVICE_OBJECT DeviceObject);

/* The driver of disk/fat.  => For IoCreateDriver. (own) */
DRIVER_INITIALIZE FatDriverEntry;

/*
 * (own) Make a disk device, "\Device\HarddiskVolume1" for example, over a DISK_DEVICE, and offer
 * it with IRP_MN_MOUNT_VOLUME to each registered file system until one mounts it.
 *
 * => PASSIVE_LEVEL.  The DISK_DEVICE stays until IoDismountVolume.
 * => STATUS_UNRECOGNIZED_VOLUME: none knew it, and nobody mounts it raw.  Or what a file system
 *    failed with, STATUS_INSUFFICIENT_RESOURCES.  Then there is no device.
 */
NT_MUST_CHECK NTSTATUS IoMountVolume(PDISK_DEVICE Volume, PCSTR DeviceName, PDEVICE_OBJECT *Device);

/*
 * (own) Flush, let the file system forget the volume (FSCTL_DISMOUNT_VOLUME), delete the device.
 *
 * => PASSIVE_LEVEL.  STATUS_ACCESS_DENIED: files are open; or why what the cache has of closed ones
 *    could not be written: nothing changed.  Otherwise it is gone, and the status says whether the
 *    flush worked.
 */
NTSTATUS IoDismountVolume(PDEVICE_OBJECT Device);

/* (own) => The block device below a disk device of ours, or NULL. */
PDISK_DEVICE IoGetDiskDevice(PDEVICE_OBJECT DeviceObject);

/*
 * May a file be opened so, given how it is open already?  With Update it is, if it may.
 *
 * => Under the file system's lock.  STATUS_SHARING_VIOLATION.
 */
NT_MUST_CHECK NTSTATUS NTAPI IoCheckShareAccess(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess,
                                                PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess,
                                                BOOLEAN Update);
void NTAPI IoSetShareAccess(ACCESS_MASK DesiredAccess, ULONG DesiredShareAccess,
                            PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess);
void NTAPI IoUpdateShareAccess(PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess);
void NTAPI IoRemoveShareAccess(PFILE_OBJECT FileObject, PSHARE_ACCESS ShareAccess);

/* ---- files, synchronously: each call is a request to the file system ---- */

/* How to open a file. (own) */
typedef struct _IO_OPEN {
    PCSTR Path;                /* UTF-8, from the root, / or \ between names */
    ACCESS_MASK DesiredAccess; /* FILE_READ_DATA and so on, DELETE */
    ULONG Disposition;         /* FILE_OPEN and so on */
    ULONG Options;             /* FILE_DIRECTORY_FILE and so on */
    ULONG ShareAccess;         /* FILE_SHARE_* */
    ULONG FileAttributes;      /* of a new file */
    ULONG64 AllocationSize;    /* of a new or a paging file */
    UCHAR Flags;               /* SL_OPEN_PAGING_FILE or 0 */
} IO_OPEN, *PIO_OPEN;

/*
 * (own) Open a file or directory on a volume from IoMountVolume.
 *
 * Common to the calls down to IoFlushFile: PASSIVE_LEVEL or APC_LEVEL; buffers are the system's,
 * paged or not.  Besides what a call names, each returns what the disk and the file system say
 * (fat.h), STATUS_INSUFFICIENT_RESOURCES, STATUS_ACCESS_DENIED (not opened for that) and
 * STATUS_FILE_CLOSED.
 *
 * => STATUS_OBJECT_NAME_NOT_FOUND, STATUS_OBJECT_PATH_NOT_FOUND, STATUS_OBJECT_NAME_INVALID,
 *    STATUS_OBJECT_NAME_COLLISION (FILE_CREATE), STATUS_FILE_IS_A_DIRECTORY,
 *    STATUS_NOT_A_DIRECTORY, STATUS_SHARING_VIOLATION, STATUS_DELETE_PENDING,
 *    STATUS_INVALID_PARAMETER.
 */
NT_MUST_CHECK NTSTATUS IoOpenFileEx(PDEVICE_OBJECT Volume, const IO_OPEN *Open, PFILE_OBJECT *File);

/* (own) The same; shared for reading, and for writing and deleting by none. */
NT_MUST_CHECK NTSTATUS IoOpenFile(PDEVICE_OBJECT Volume, PCSTR Path, ACCESS_MASK DesiredAccess,
                                  ULONG Disposition, ULONG Options, PFILE_OBJECT *File);

/*
 * (own) Open or create a paging file and make it at least Bytes long, contents undefined.  Its
 * sectors are resolved and pinned: it keeps them until it is closed, it cannot be deleted, renamed
 * or opened again, and IoExtendPagingFile alone changes its size.
 *
 * => STATUS_DISK_FULL; STATUS_FILE_CORRUPT_ERROR.
 */
NT_MUST_CHECK NTSTATUS IoOpenPagingFile(PDEVICE_OBJECT Volume, PCSTR Path, ULONG64 Bytes,
                                        PFILE_OBJECT *File);

/*
 * (own) Make a paging file longer: Bytes, contents of what is new undefined.  Its pages can be read
 * and written meanwhile.
 *
 * => PASSIVE_LEVEL.  *Runs: in how many pieces it may be, and then is.
 * => STATUS_DISK_FULL; STATUS_FILE_CORRUPT_ERROR: it would be in more pieces;
 *    STATUS_INVALID_PARAMETER: no paging file, it is longer already, or no whole sectors.  Then it
 *    is as it was: to paging in any case, and on the disk where the disk does what it is told.
 */
NT_MUST_CHECK NTSTATUS IoExtendPagingFile(PFILE_OBJECT File, ULONG64 Bytes, PULONG Runs);

/* (own) Where a paging file lies.  => STATUS_INVALID_PARAMETER: it is none. */
NT_MUST_CHECK NTSTATUS IoQueryPagingRuns(PFILE_OBJECT File, PFILE_PAGING_RUNS Runs);

/*
 * (own) The user of a file from one of these calls is done, and gives his reference back:
 * IRP_MJ_CLEANUP, and IRP_MJ_CLOSE when no reference is left (above PASSIVE_LEVEL a worker thread
 * sends it).
 */
void IoCloseFile(PFILE_OBJECT File);

/* (own) Keep the object after IoCloseFile.  => As ObReferenceObject. */
static inline void IoReferenceFile(PFILE_OBJECT File)
{
    (void)ObReferenceObject(File);
}

static inline void IoDereferenceFile(PFILE_OBJECT File)
{
    (void)ObDereferenceObject(File);
}

/*
 * (own) Read up to Bytes.
 *
 * => *Done is how many.  STATUS_END_OF_FILE: Offset is at or behind the end.
 */
NT_MUST_CHECK NTSTATUS IoReadFile(PFILE_OBJECT File, ULONG64 Offset, PVOID Buffer, ULONG Bytes,
                                  PULONG Done);

/* (own) Write all of it; the file grows.  => STATUS_DISK_FULL, STATUS_MEDIA_WRITE_PROTECTED. */
NT_MUST_CHECK NTSTATUS IoWriteFile(PFILE_OBJECT File, ULONG64 Offset, const void *Buffer,
                                   ULONG Bytes);

/* => STATUS_INVALID_INFO_CLASS, STATUS_INFO_LENGTH_MISMATCH, STATUS_BUFFER_OVERFLOW. */
NT_MUST_CHECK NTSTATUS NTAPI IoQueryFileInformation(PFILE_OBJECT FileObject,
                                                    FILE_INFORMATION_CLASS FileInformationClass,
                                                    ULONG Length, PVOID FileInformation,
                                                    PULONG ReturnedLength);
NT_MUST_CHECK NTSTATUS NTAPI IoSetInformation(PFILE_OBJECT FileObject,
                                              FILE_INFORMATION_CLASS FileInformationClass,
                                              ULONG Length, PVOID FileInformation);
NT_MUST_CHECK NTSTATUS NTAPI IoQueryVolumeInformation(PFILE_OBJECT FileObject,
                                                      FS_INFORMATION_CLASS FsInformationClass,
                                                      ULONG Length, PVOID FsInformation,
                                                      PULONG ReturnedLength);

/* (own) The information classes that everybody needs, as calls. */
NT_MUST_CHECK NTSTATUS IoQueryFileSize(PFILE_OBJECT File, PULONG64 Bytes);
NT_MUST_CHECK NTSTATUS IoSetFileSize(PFILE_OBJECT File, ULONG64 Bytes);

/* (own) => NewPath from the root.  File is open for DELETE.  STATUS_OBJECT_NAME_COLLISION. */
NT_MUST_CHECK NTSTATUS IoRenameFile(PFILE_OBJECT File, PCSTR NewPath, BOOLEAN ReplaceIfExists);

/*
 * (own) Delete a file or an empty directory.
 *
 * => STATUS_DIRECTORY_NOT_EMPTY; STATUS_CANNOT_DELETE: read-only, or the root.
 */
NT_MUST_CHECK NTSTATUS IoDeleteFile(PDEVICE_OBJECT Volume, PCSTR Path);

/* (own) An entry of a directory. */
typedef struct _IO_DIRECTORY_ENTRY {
    char Name[768];       /* UTF-8 */
    ULONG64 Bytes;        /* of a file */
    ULONG FileAttributes; /* FILE_ATTRIBUTE_* */
} IO_DIRECTORY_ENTRY, *PIO_DIRECTORY_ENTRY;

/* (own) The first or next entry of a directory, not "." and "..".  => STATUS_NO_MORE_FILES. */
NT_MUST_CHECK NTSTATUS IoNextDirectoryEntry(PFILE_OBJECT Directory, BOOLEAN Restart,
                                            PIO_DIRECTORY_ENTRY Entry);

/* (own) What was written so far is on the medium, with the file system's own structures. */
NT_MUST_CHECK NTSTATUS IoFlushFile(PFILE_OBJECT File);

/* (own) The size of a volume and the bytes that are free. */
NT_MUST_CHECK NTSTATUS IoQueryVolumeSize(PDEVICE_OBJECT Volume, PULONG64 Bytes, PULONG64 FreeBytes);

/* ---- paging I/O ---- */

/*
 * Read pages of a file into the frames of MemoryDescriptorList, or write them.  Takes no page fault
 * and allocates no pool: the request comes from a reserve (a paging file has its own), whose users
 * wait for one another when it is used up.  The caller may hold any lock of the file system; he
 * waits while the same pages are written past him, by IoWriteFile or because the file becomes
 * longer.
 *
 * => IRQL <= APC_LEVEL.  Offset and length are multiples of the device's sectors.  Event and
 *    IoStatusBlock are nonpaged.  FileObject is referenced until the end, and some opening of the
 *    file was for data; to write, for writing.
 * => STATUS_PENDING or what is in *IoStatusBlock; the event is set in both cases once the frames
 *    are the caller's again.  Information: the bytes of the file that were moved; what a read has
 *    no bytes for, at the end of the file, is zero, and a write never makes the file longer.
 * => STATUS_END_OF_FILE: nothing of it is in the file.  STATUS_FILE_DELETED.
 *    STATUS_INVALID_PARAMETER; to write, STATUS_ACCESS_DENIED, STATUS_MEDIA_WRITE_PROTECTED,
 *    STATUS_DISK_CORRUPT_ERROR (the volume's files cannot be told apart).  The disk's; and those
 *    of a change of the file that failed, for pages that nobody can find until it is looked at
 *    again: STATUS_INSUFFICIENT_RESOURCES too.
 */
NTSTATUS NTAPI IoPageRead(PFILE_OBJECT FileObject, PMDL MemoryDescriptorList,
                          PLARGE_INTEGER StartingOffset, PKEVENT Event,
                          PIO_STATUS_BLOCK IoStatusBlock);
NTSTATUS NTAPI IoSynchronousPageWrite(PFILE_OBJECT FileObject, PMDL MemoryDescriptorList,
                                      PLARGE_INTEGER StartingOffset, PKEVENT Event,
                                      PIO_STATUS_BLOCK IoStatusBlock);

/*
 * The same, and Routine(Context, IoStatusBlock, 0) instead of an event.  NT calls it as an APC of
 * the thread that asked; here, without APCs, it runs where the request is completed.
 *
 * => Routine: IRQL <= DISPATCH_LEVEL, once, perhaps before this returns.
 */
NTSTATUS NTAPI IoAsynchronousPageWrite(PFILE_OBJECT FileObject, PMDL MemoryDescriptorList,
                                       PLARGE_INTEGER StartingOffset, PIO_APC_ROUTINE Routine,
                                       PVOID Context, PIO_STATUS_BLOCK IoStatusBlock);

#endif

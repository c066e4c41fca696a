/* SPDX-License-Identifier: MIT */
/*
 * io_objects.h - the objects of the I/O manager: requests, devices, drivers, files, volumes.
 *
 * Layouts, names and values are those documented for drivers of x86 NT 5.2 (wdm.h, ntifs.h;
 * learn.microsoft.com/windows-hardware/drivers/ddi/wdm); the assertions at the end pin them.  The
 * calls are in io.h.
 *
 * In the structures: (I) fixed after creation, (V) IopVpbLock, (S) IopSystemLock, (C) the cancel
 * spin lock, (A) atomic, (D) the driver that owns the object, (F) the file system's lock, (R) the
 * driver that the request is at.
 */
#ifndef IO_OBJECTS_H
#define IO_OBJECTS_H

#include "io_files.h"
#include "ke.h"
#include "mm.h"
#include "spinlock.h"

typedef struct _DEVICE_OBJECT *PDEVICE_OBJECT;
typedef struct _DRIVER_OBJECT *PDRIVER_OBJECT;
typedef struct _FILE_OBJECT *PFILE_OBJECT;
typedef struct _KTHREAD *PETHREAD; /* as far as there are threads */

/* Type of every object here. */
#define IO_TYPE_DEVICE       3
#define IO_TYPE_DRIVER       4
#define IO_TYPE_FILE         5
#define IO_TYPE_IRP          6
#define IO_TYPE_VPB          10
#define IO_TYPE_DEVICE_QUEUE 20

/* ---- requests ---- */

typedef struct _IO_STATUS_BLOCK {
    union {
        NTSTATUS Status;
        PVOID Pointer;
    };
    ULONG_PTR Information; /* bytes, or what the request documents */
} IO_STATUS_BLOCK, *PIO_STATUS_BLOCK;

typedef void NTAPI IO_APC_ROUTINE(PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock, ULONG Reserved);
typedef IO_APC_ROUTINE *PIO_APC_ROUTINE;
typedef void NTAPI DRIVER_CANCEL(PDEVICE_OBJECT DeviceObject, PIRP Irp);
typedef DRIVER_CANCEL *PDRIVER_CANCEL;
typedef NTSTATUS NTAPI IO_COMPLETION_ROUTINE(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context);
typedef IO_COMPLETION_ROUTINE *PIO_COMPLETION_ROUTINE;
typedef NTSTATUS NTAPI DRIVER_DISPATCH(PDEVICE_OBJECT DeviceObject, PIRP Irp);
typedef DRIVER_DISPATCH *PDRIVER_DISPATCH;
typedef NTSTATUS NTAPI DRIVER_INITIALIZE(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath);
typedef DRIVER_INITIALIZE *PDRIVER_INITIALIZE;
typedef void NTAPI DRIVER_STARTIO(PDEVICE_OBJECT DeviceObject, PIRP Irp);
typedef DRIVER_STARTIO *PDRIVER_STARTIO;
typedef void NTAPI DRIVER_UNLOAD(PDRIVER_OBJECT DriverObject);
typedef DRIVER_UNLOAD *PDRIVER_UNLOAD;
typedef NTSTATUS NTAPI DRIVER_ADD_DEVICE(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT Physical);
typedef DRIVER_ADD_DEVICE *PDRIVER_ADD_DEVICE;

/* An entry of a KDEVICE_QUEUE. */
typedef struct _KDEVICE_QUEUE_ENTRY {
    LIST_ENTRY DeviceListEntry;
    ULONG SortKey;
    BOOLEAN Inserted;
} KDEVICE_QUEUE_ENTRY, *PKDEVICE_QUEUE_ENTRY;

typedef struct _KDEVICE_QUEUE {
    CSHORT Type; /* IO_TYPE_DEVICE_QUEUE */
    CSHORT Size;
    LIST_ENTRY DeviceListHead;
    KSPIN_LOCK Lock;
    BOOLEAN Busy;
} KDEVICE_QUEUE, *PKDEVICE_QUEUE;

/* There are no APCs yet: only the room that one takes in a request. */
typedef struct _KAPC {
    CSHORT Type;
    CSHORT Size;
    ULONG Spare0;
    PKTHREAD Thread;
    LIST_ENTRY ApcListEntry;
    PVOID KernelRoutine;
    PVOID RundownRoutine;
    PVOID NormalRoutine;
    PVOID NormalContext;
    PVOID SystemArgument1;
    PVOID SystemArgument2;
    CCHAR ApcStateIndex;
    KPROCESSOR_MODE ApcMode;
    BOOLEAN Inserted;
} KAPC, *PKAPC;

struct _IRP {
    CSHORT Type;     /* IO_TYPE_IRP */
    USHORT Size;     /* of all, stack locations too */
    PMDL MdlAddress; /* the buffer of a direct request, locked */
    ULONG Flags;     /* IRP_* */
    union {
        PIRP MasterIrp;         /* of an associated request */
        volatile LONG IrpCount; /* (A) of a master: associated requests that are not completed */
        PVOID SystemBuffer;     /* of a buffered request */
    } AssociatedIrp;
    LIST_ENTRY ThreadListEntry;    /* of the issuing thread; this kernel keeps no such list */
    IO_STATUS_BLOCK IoStatus;      /* the result, from IoCompleteRequest on */
    KPROCESSOR_MODE RequestorMode; /* (I) */
    BOOLEAN PendingReturned;       /* the driver below had marked it pending */
    CCHAR StackCount;              /* (I) locations behind this structure */
    CCHAR CurrentLocation;         /* 1 to StackCount; StackCount + 1: with its maker */
    BOOLEAN Cancel;                /* (C) somebody wants it to end */
    KIRQL CancelIrql;              /* (C) to be restored by who releases the cancel spin lock */
    CCHAR ApcEnvironment;
    UCHAR AllocationFlags; /* (I) where its memory is from */
    PIO_STATUS_BLOCK UserIosb;
    PKEVENT UserEvent;
    union {
        struct {
            union {
                PIO_APC_ROUTINE UserApcRoutine;
                PVOID IssuingProcess;
            };
            PVOID UserApcContext;
        } AsynchronousParameters;
        LARGE_INTEGER AllocationSize; /* of IRP_MJ_CREATE */
    } Overlay;
    PDRIVER_CANCEL volatile CancelRoutine; /* (A) NULL: cannot be cancelled now */
    PVOID UserBuffer;                      /* of a request that is neither direct nor buffered */
    union {
        struct {
            union {
                KDEVICE_QUEUE_ENTRY DeviceQueueEntry;
                PVOID DriverContext[4]; /* (R) */
            };
            PETHREAD Thread;
            PCHAR AuxiliaryBuffer;
            struct {
                LIST_ENTRY ListEntry; /* (R) */
                union {
                    struct _IO_STACK_LOCATION *CurrentStackLocation;
                    ULONG PacketType;
                };
            };
            PFILE_OBJECT OriginalFileObject;
        } Overlay;
        KAPC Apc;
        PVOID CompletionKey;
    } Tail;
};
typedef struct _IRP IRP;

#define IRP_NOCACHE               0x00000001u
#define IRP_PAGING_IO             0x00000002u
#define IRP_MOUNT_COMPLETION      0x00000002u
#define IRP_SYNCHRONOUS_API       0x00000004u
#define IRP_ASSOCIATED_IRP        0x00000008u
#define IRP_BUFFERED_IO           0x00000010u
#define IRP_DEALLOCATE_BUFFER     0x00000020u
#define IRP_INPUT_OPERATION       0x00000040u
#define IRP_SYNCHRONOUS_PAGING_IO 0x00000040u
#define IRP_CREATE_OPERATION      0x00000080u
#define IRP_READ_OPERATION        0x00000100u
#define IRP_WRITE_OPERATION       0x00000200u
#define IRP_CLOSE_OPERATION       0x00000400u
#define IRP_DEFER_IO_COMPLETION   0x00000800u

/* AllocationFlags. */
#define IRP_QUOTA_CHARGED        0x01
#define IRP_ALLOCATED_FIXED_SIZE 0x04
#define IRP_LOOKASIDE_ALLOCATION 0x08

/* Who opens a file, and how. */
typedef struct _IO_SECURITY_CONTEXT {
    PVOID SecurityQos; /* NULL: there is no security yet */
    PVOID AccessState; /* NULL */
    ACCESS_MASK DesiredAccess;
    ULONG FullCreateOptions; /* as the caller gave them */
} IO_SECURITY_CONTEXT, *PIO_SECURITY_CONTEXT;

#define IRP_MJ_CREATE                   0x00
#define IRP_MJ_CREATE_NAMED_PIPE        0x01
#define IRP_MJ_CLOSE                    0x02
#define IRP_MJ_READ                     0x03
#define IRP_MJ_WRITE                    0x04
#define IRP_MJ_QUERY_INFORMATION        0x05
#define IRP_MJ_SET_INFORMATION          0x06
#define IRP_MJ_QUERY_EA                 0x07
#define IRP_MJ_SET_EA                   0x08
#define IRP_MJ_FLUSH_BUFFERS            0x09
#define IRP_MJ_QUERY_VOLUME_INFORMATION 0x0A
#define IRP_MJ_SET_VOLUME_INFORMATION   0x0B
#define IRP_MJ_DIRECTORY_CONTROL        0x0C
#define IRP_MJ_FILE_SYSTEM_CONTROL      0x0D
#define IRP_MJ_DEVICE_CONTROL           0x0E
#define IRP_MJ_INTERNAL_DEVICE_CONTROL  0x0F
#define IRP_MJ_SHUTDOWN                 0x10
#define IRP_MJ_LOCK_CONTROL             0x11
#define IRP_MJ_CLEANUP                  0x12
#define IRP_MJ_CREATE_MAILSLOT          0x13
#define IRP_MJ_QUERY_SECURITY           0x14
#define IRP_MJ_SET_SECURITY             0x15
#define IRP_MJ_POWER                    0x16
#define IRP_MJ_SYSTEM_CONTROL           0x17
#define IRP_MJ_DEVICE_CHANGE            0x18
#define IRP_MJ_QUERY_QUOTA              0x19
#define IRP_MJ_SET_QUOTA                0x1A
#define IRP_MJ_PNP                      0x1B
#define IRP_MJ_MAXIMUM_FUNCTION         0x1B

#define IRP_MN_NORMAL                   0x00
#define IRP_MN_QUERY_DIRECTORY          0x01
#define IRP_MN_NOTIFY_CHANGE_DIRECTORY  0x02
#define IRP_MN_USER_FS_REQUEST          0x00
#define IRP_MN_MOUNT_VOLUME             0x01
#define IRP_MN_VERIFY_VOLUME            0x02
#define IRP_MN_LOAD_FILE_SYSTEM         0x03
#define IRP_MN_MDL                      0x02 /* IRP_MJ_READ and WRITE */
#define IRP_MN_COMPLETE                 0x04
#define IRP_MN_COMPLETE_MDL             (IRP_MN_COMPLETE | IRP_MN_MDL)

/* IO_STACK_LOCATION.Flags, by major function. */
#define SL_FORCE_ACCESS_CHECK     0x01 /* create */
#define SL_OPEN_PAGING_FILE       0x02
#define SL_OPEN_TARGET_DIRECTORY  0x04
#define SL_CASE_SENSITIVE         0x80
#define SL_KEY_SPECIFIED          0x01 /* read and write */
#define SL_OVERRIDE_VERIFY_VOLUME 0x02
#define SL_WRITE_THROUGH          0x04
#define SL_FT_SEQUENTIAL_WRITE    0x08
#define SL_RESTART_SCAN           0x01 /* query directory */
#define SL_RETURN_SINGLE_ENTRY    0x02
#define SL_INDEX_SPECIFIED        0x04
#define SL_ALLOW_RAW_MOUNT        0x01 /* mount */

/* What a completion routine returns unless it takes the request back. */
#define STATUS_CONTINUE_COMPLETION STATUS_SUCCESS

/* IO_STACK_LOCATION.Control. */
#define SL_PENDING_RETURNED  0x01
#define SL_ERROR_RETURNED    0x02
#define SL_INVOKE_ON_CANCEL  0x20
#define SL_INVOKE_ON_SUCCESS 0x40
#define SL_INVOKE_ON_ERROR   0x80

/* A LARGE_INTEGER where the documented layout packs structures to 4 bytes. */
typedef LARGE_INTEGER NT_ALIGNED(4) IOP_LARGE_INTEGER;

/* What one driver of a stack is asked for; the lowest driver's comes first in memory. */
typedef struct _IO_STACK_LOCATION {
    UCHAR MajorFunction; /* IRP_MJ_* */
    UCHAR MinorFunction; /* IRP_MN_* */
    UCHAR Flags;         /* SL_*, of the function */
    UCHAR Control;       /* SL_PENDING_RETURNED, SL_INVOKE_ON_* */
    union {
        struct {
            PIO_SECURITY_CONTEXT SecurityContext;
            ULONG Options; /* FILE_*, with the disposition in the top byte */
            USHORT NT_ALIGNED(4) FileAttributes;
            USHORT ShareAccess;
            ULONG EaLength;
        } Create;
        struct {
            ULONG Length;
            ULONG Key;
            IOP_LARGE_INTEGER ByteOffset;
        } Read;
        struct {
            ULONG Length;
            ULONG Key;
            IOP_LARGE_INTEGER ByteOffset;
        } Write;
        struct {
            ULONG Length;
            PUNICODE_STRING FileName; /* NULL or a pattern */
            FILE_INFORMATION_CLASS FileInformationClass;
            ULONG FileIndex;
        } QueryDirectory;
        struct {
            ULONG Length;
            FILE_INFORMATION_CLASS FileInformationClass;
        } QueryFile;
        struct {
            ULONG Length;
            FILE_INFORMATION_CLASS FileInformationClass;
            PFILE_OBJECT FileObject; /* of the new name's directory, or NULL */
            union {
                struct {
                    BOOLEAN ReplaceIfExists;
                    BOOLEAN AdvanceOnly;
                };
                ULONG ClusterCount;
                HANDLE DeleteHandle;
            };
        } SetFile;
        struct {
            ULONG Length;
            FS_INFORMATION_CLASS FsInformationClass;
        } QueryVolume;
        struct {
            ULONG Length;
            FS_INFORMATION_CLASS FsInformationClass;
        } SetVolume;
        struct {
            ULONG OutputBufferLength;
            ULONG InputBufferLength;
            ULONG FsControlCode;
            PVOID Type3InputBuffer;
        } FileSystemControl;
        struct {
            ULONG OutputBufferLength;
            ULONG InputBufferLength;
            ULONG IoControlCode;
            PVOID Type3InputBuffer; /* of METHOD_NEITHER */
        } DeviceIoControl;
        struct {
            struct _VPB *Vpb;
            PDEVICE_OBJECT DeviceObject; /* the top of the real device's stack */
        } MountVolume;
        struct {
            struct _VPB *Vpb;
            PDEVICE_OBJECT DeviceObject;
        } VerifyVolume;
        struct {
            PVOID Argument1;
            PVOID Argument2;
            PVOID Argument3;
            PVOID Argument4;
        } Others;
    } Parameters;
    PDEVICE_OBJECT DeviceObject;              /* whom IoCallDriver called */
    PFILE_OBJECT FileObject;                  /* or NULL */
    PIO_COMPLETION_ROUTINE CompletionRoutine; /* of the driver above: see IoSetCompletionRoutine */
    PVOID Context;
} IO_STACK_LOCATION, *PIO_STACK_LOCATION;

/* ---- volumes: what connects a device with the file system that mounted it ---- */

#define MAXIMUM_VOLUME_LABEL_LENGTH (32 * sizeof(WCHAR))

typedef struct _VPB {
    CSHORT Type; /* IO_TYPE_VPB */
    CSHORT Size;
    USHORT Flags;                /* (V) VPB_* */
    USHORT VolumeLabelLength;    /* (F) in bytes */
    PDEVICE_OBJECT DeviceObject; /* (V) the file system's; NULL: not mounted */
    PDEVICE_OBJECT RealDevice;   /* (I) */
    ULONG SerialNumber;          /* (F) */
    ULONG ReferenceCount;        /* (V) open files */
    WCHAR VolumeLabel[MAXIMUM_VOLUME_LABEL_LENGTH / sizeof(WCHAR)]; /* (F) */
} VPB, *PVPB;

#define VPB_MOUNTED        0x0001
#define VPB_LOCKED         0x0002
#define VPB_PERSISTENT     0x0004
#define VPB_REMOVE_PENDING 0x0008
#define VPB_RAW_MOUNT      0x0010

/* ---- devices ---- */

typedef struct _WAIT_CONTEXT_BLOCK {
    KDEVICE_QUEUE_ENTRY WaitQueueEntry;
    PVOID DeviceRoutine;
    PVOID DeviceContext;
    ULONG NumberOfMapRegisters;
    PVOID DeviceObject;
    PVOID CurrentIrp;
    PKDPC BufferChainingDpc;
} WAIT_CONTEXT_BLOCK, *PWAIT_CONTEXT_BLOCK;

typedef struct _DEVICE_OBJECT {
    CSHORT Type;                   /* IO_TYPE_DEVICE */
    USHORT Size;                   /* with the driver's extension */
    LONG ReferenceCount;           /* (S) open files */
    PDRIVER_OBJECT DriverObject;   /* (I) */
    PDEVICE_OBJECT NextDevice;     /* (S) of the same driver */
    PDEVICE_OBJECT AttachedDevice; /* (S) the one above in its stack, or NULL */
    PIRP CurrentIrp;               /* (D) */
    PVOID Timer;
    ULONG Flags;            /* (D) DO_* */
    ULONG Characteristics;  /* (I) FILE_REMOVABLE_MEDIA and so on */
    PVPB volatile Vpb;      /* (I) of a disk; or NULL */
    PVOID DeviceExtension;  /* (I) the driver's memory behind this structure; or NULL */
    DEVICE_TYPE DeviceType; /* (I) FILE_DEVICE_* */
    CCHAR StackSize;        /* (S) stack locations that a request to it needs */
    union {
        LIST_ENTRY ListEntry; /* (S) among the registered file systems */
        WAIT_CONTEXT_BLOCK Wcb;
    } Queue;
    ULONG AlignmentRequirement; /* (D) */
    KDEVICE_QUEUE DeviceQueue;
    KDPC Dpc;
    ULONG ActiveThreadCount;
    PVOID SecurityDescriptor; /* NULL: there is no security yet */
    KEVENT DeviceLock;
    USHORT SectorSize; /* (D) */
    USHORT Spare1;
    PVOID DeviceObjectExtension; /* (I) the I/O manager's part, mm/io/io_i.h */
    PVOID Reserved;
} DEVICE_OBJECT;

#define DO_VERIFY_VOLUME       0x00000002u
#define DO_BUFFERED_IO         0x00000004u
#define DO_EXCLUSIVE           0x00000008u
#define DO_DIRECT_IO           0x00000010u
#define DO_MAP_IO_BUFFER       0x00000020u
#define DO_DEVICE_HAS_NAME     0x00000040u
#define DO_DEVICE_INITIALIZING 0x00000080u
#define DO_SHUTDOWN_REGISTERED 0x00000800u

/* ---- drivers ---- */

typedef struct _DRIVER_EXTENSION {
    PDRIVER_OBJECT DriverObject; /* (I) */
    PDRIVER_ADD_DEVICE AddDevice;
    ULONG Count;
    UNICODE_STRING ServiceKeyName;
} DRIVER_EXTENSION, *PDRIVER_EXTENSION;

typedef struct _DRIVER_OBJECT {
    CSHORT Type; /* IO_TYPE_DRIVER */
    CSHORT Size;
    PDEVICE_OBJECT DeviceObject; /* (S) its newest device; NextDevice leads on */
    ULONG Flags;                 /* DRVO_* */
    PVOID DriverStart;           /* its image; NULL: part of the kernel */
    ULONG DriverSize;
    PVOID DriverSection;
    PDRIVER_EXTENSION DriverExtension; /* (I) */
    UNICODE_STRING DriverName;         /* (I) */
    PUNICODE_STRING HardwareDatabase;
    struct _FAST_IO_DISPATCH *FastIoDispatch; /* (I) fast_io.h; or NULL */
    PDRIVER_INITIALIZE DriverInit;            /* (I) */
    PDRIVER_STARTIO DriverStartIo;
    PDRIVER_UNLOAD DriverUnload;
    PDRIVER_DISPATCH MajorFunction[IRP_MJ_MAXIMUM_FUNCTION + 1]; /* never NULL */
} DRIVER_OBJECT;

#define DRVO_UNLOAD_INVOKED 0x00000001u
#define DRVO_LEGACY_DRIVER  0x00000002u
#define DRVO_BUILTIN_DRIVER 0x00000004u

/* ---- files ---- */

/* Where the section and cache managers will find a file; the file system has one for each file. */
typedef struct _SECTION_OBJECT_POINTERS {
    PVOID DataSectionObject;
    PVOID SharedCacheMap;
    PVOID ImageSectionObject;
} SECTION_OBJECT_POINTERS, *PSECTION_OBJECT_POINTERS;

typedef struct _FILE_OBJECT {
    CSHORT Type; /* IO_TYPE_FILE */
    CSHORT Size;
    PDEVICE_OBJECT DeviceObject;                   /* (I) the real device */
    PVPB Vpb;                                      /* (I) its, while mounted */
    PVOID FsContext;                               /* (F) what the file system knows of the file */
    PVOID FsContext2;                              /* (F) and of this opening of it */
    PSECTION_OBJECT_POINTERS SectionObjectPointer; /* (F) */
    PVOID PrivateCacheMap;
    NTSTATUS FinalStatus;
    PFILE_OBJECT RelatedFileObject; /* while it is being opened: FileName is relative to that */
    BOOLEAN LockOperation;
    BOOLEAN DeletePending; /* (F) */
    BOOLEAN ReadAccess;    /* (F) these six: IoSetShareAccess */
    BOOLEAN WriteAccess;
    BOOLEAN DeleteAccess;
    BOOLEAN SharedRead;
    BOOLEAN SharedWrite;
    BOOLEAN SharedDelete;
    ULONG Flags; /* FO_* */
    UNICODE_STRING FileName;
    LARGE_INTEGER CurrentByteOffset; /* of a synchronous file: where it was left off */
    volatile ULONG Waiters;
    volatile ULONG Busy;
    PVOID LastLock;
    KEVENT Lock;
    KEVENT Event;
    PVOID volatile CompletionContext;
} FILE_OBJECT;

#define FO_FILE_OPEN                 0x00000001u
#define FO_SYNCHRONOUS_IO            0x00000002u
#define FO_ALERTABLE_IO              0x00000004u
#define FO_NO_INTERMEDIATE_BUFFERING 0x00000008u
#define FO_WRITE_THROUGH             0x00000010u
#define FO_SEQUENTIAL_ONLY           0x00000020u
#define FO_CACHE_SUPPORTED           0x00000040u
#define FO_DIRECT_DEVICE_OPEN        0x00000800u
#define FO_FILE_MODIFIED             0x00001000u
#define FO_FILE_SIZE_CHANGED         0x00002000u
#define FO_TEMPORARY_FILE            0x00008000u
#define FO_CLEANUP_COMPLETE          0x00004000u
#define FO_DELETE_ON_CLOSE           0x00010000u
#define FO_HANDLE_CREATED            0x00040000u
#define FO_RANDOM_ACCESS             0x00100000u
#define FO_VOLUME_OPEN               0x00400000u

/* How a file is open just now: IoCheckShareAccess. */
typedef struct _SHARE_ACCESS {
    ULONG OpenCount; /* with read, write or delete access */
    ULONG Readers;
    ULONG Writers;
    ULONG Deleters;
    ULONG SharedRead;
    ULONG SharedWrite;
    ULONG SharedDelete;
} SHARE_ACCESS, *PSHARE_ACCESS;

#if defined(__i386__) /* x86 NT 5.2's layouts */
NT_C_ASSERT(sizeof(KDEVICE_QUEUE_ENTRY) == 0x10 && sizeof(KDEVICE_QUEUE) == 0x14);
NT_C_ASSERT(offsetof(KDEVICE_QUEUE, Busy) == 0x10 && sizeof(WAIT_CONTEXT_BLOCK) == 0x28);
NT_C_ASSERT(sizeof(KAPC) == 0x30 && offsetof(KAPC, ApcStateIndex) == 0x2C);
NT_C_ASSERT(sizeof(IO_STATUS_BLOCK) == 8);

NT_C_ASSERT(sizeof(IRP) == 0x70);
NT_C_ASSERT(offsetof(IRP, MdlAddress) == 0x04 && offsetof(IRP, Flags) == 0x08);
NT_C_ASSERT(offsetof(IRP, AssociatedIrp) == 0x0C && offsetof(IRP, ThreadListEntry) == 0x10);
NT_C_ASSERT(offsetof(IRP, IoStatus) == 0x18 && offsetof(IRP, RequestorMode) == 0x20);
NT_C_ASSERT(offsetof(IRP, PendingReturned) == 0x21 && offsetof(IRP, StackCount) == 0x22);
NT_C_ASSERT(offsetof(IRP, CurrentLocation) == 0x23 && offsetof(IRP, Cancel) == 0x24);
NT_C_ASSERT(offsetof(IRP, CancelIrql) == 0x25 && offsetof(IRP, AllocationFlags) == 0x27);
NT_C_ASSERT(offsetof(IRP, UserIosb) == 0x28 && offsetof(IRP, UserEvent) == 0x2C);
NT_C_ASSERT(offsetof(IRP, Overlay) == 0x30 && offsetof(IRP, CancelRoutine) == 0x38);
NT_C_ASSERT(offsetof(IRP, UserBuffer) == 0x3C && offsetof(IRP, Tail) == 0x40);
NT_C_ASSERT(offsetof(IRP, Tail.Overlay.Thread) == 0x50);
NT_C_ASSERT(offsetof(IRP, Tail.Overlay.ListEntry) == 0x58);
NT_C_ASSERT(offsetof(IRP, Tail.Overlay.CurrentStackLocation) == 0x60);
NT_C_ASSERT(offsetof(IRP, Tail.Overlay.OriginalFileObject) == 0x64);

NT_C_ASSERT(sizeof(IO_STACK_LOCATION) == 0x24);
NT_C_ASSERT(offsetof(IO_STACK_LOCATION, Parameters) == 0x04);
NT_C_ASSERT(offsetof(IO_STACK_LOCATION, Parameters.Create.FileAttributes) == 0x0C);
NT_C_ASSERT(offsetof(IO_STACK_LOCATION, Parameters.Create.ShareAccess) == 0x0E);
NT_C_ASSERT(offsetof(IO_STACK_LOCATION, Parameters.Read.ByteOffset) == 0x0C);
NT_C_ASSERT(offsetof(IO_STACK_LOCATION, Parameters.QueryDirectory.FileIndex) == 0x10);
NT_C_ASSERT(offsetof(IO_STACK_LOCATION, Parameters.SetFile.ReplaceIfExists) == 0x10);
NT_C_ASSERT(offsetof(IO_STACK_LOCATION, Parameters.DeviceIoControl.IoControlCode) == 0x0C);
NT_C_ASSERT(offsetof(IO_STACK_LOCATION, DeviceObject) == 0x14);
NT_C_ASSERT(offsetof(IO_STACK_LOCATION, CompletionRoutine) == 0x1C);

NT_C_ASSERT(sizeof(VPB) == 0x58);
NT_C_ASSERT(offsetof(VPB, DeviceObject) == 0x08 && offsetof(VPB, SerialNumber) == 0x10);
NT_C_ASSERT(offsetof(VPB, VolumeLabel) == 0x18);

NT_C_ASSERT(sizeof(DEVICE_OBJECT) == 0xB8);
NT_C_ASSERT(offsetof(DEVICE_OBJECT, DriverObject) == 0x08);
NT_C_ASSERT(offsetof(DEVICE_OBJECT, AttachedDevice) == 0x10);
NT_C_ASSERT(offsetof(DEVICE_OBJECT, Flags) == 0x1C && offsetof(DEVICE_OBJECT, Vpb) == 0x24);
NT_C_ASSERT(offsetof(DEVICE_OBJECT, DeviceExtension) == 0x28);
NT_C_ASSERT(offsetof(DEVICE_OBJECT, StackSize) == 0x30 && offsetof(DEVICE_OBJECT, Queue) == 0x34);
NT_C_ASSERT(offsetof(DEVICE_OBJECT, AlignmentRequirement) == 0x5C);
NT_C_ASSERT(offsetof(DEVICE_OBJECT, DeviceQueue) == 0x60 && offsetof(DEVICE_OBJECT, Dpc) == 0x74);
NT_C_ASSERT(offsetof(DEVICE_OBJECT, DeviceLock) == 0x9C);
NT_C_ASSERT(offsetof(DEVICE_OBJECT, SectorSize) == 0xAC);
NT_C_ASSERT(offsetof(DEVICE_OBJECT, DeviceObjectExtension) == 0xB0);

NT_C_ASSERT(sizeof(DRIVER_EXTENSION) == 0x14 && offsetof(DRIVER_EXTENSION, AddDevice) == 0x04);
NT_C_ASSERT(sizeof(DRIVER_OBJECT) == 0xA8);
NT_C_ASSERT(offsetof(DRIVER_OBJECT, DriverExtension) == 0x18);
NT_C_ASSERT(offsetof(DRIVER_OBJECT, DriverName) == 0x1C);
NT_C_ASSERT(offsetof(DRIVER_OBJECT, DriverUnload) == 0x34);
NT_C_ASSERT(offsetof(DRIVER_OBJECT, MajorFunction) == 0x38);

NT_C_ASSERT(sizeof(FILE_OBJECT) == 0x70);
NT_C_ASSERT(offsetof(FILE_OBJECT, FsContext) == 0x0C);
NT_C_ASSERT(offsetof(FILE_OBJECT, RelatedFileObject) == 0x20);
NT_C_ASSERT(offsetof(FILE_OBJECT, ReadAccess) == 0x26 && offsetof(FILE_OBJECT, Flags) == 0x2C);
NT_C_ASSERT(offsetof(FILE_OBJECT, FileName) == 0x30);
NT_C_ASSERT(offsetof(FILE_OBJECT, CurrentByteOffset) == 0x38);
NT_C_ASSERT(offsetof(FILE_OBJECT, Lock) == 0x4C && offsetof(FILE_OBJECT, Event) == 0x5C);
NT_C_ASSERT(offsetof(FILE_OBJECT, CompletionContext) == 0x6C);
NT_C_ASSERT(sizeof(SHARE_ACCESS) == 0x1C);
#endif

#endif

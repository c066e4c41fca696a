/* SPDX-License-Identifier: MIT */
/*
 * io_files.h - what requests to files and disks carry: access, dispositions, options, information.
 *
 * Names, values and layouts are those of ntifs.h, wdm.h and ntdddisk.h for x86 NT 5.2
 * (learn.microsoft.com/windows-hardware/drivers/ddi/ntifs); the calls are in io.h.
 */
#ifndef IO_FILES_H
#define IO_FILES_H

#include "nt/access.h"
#include "nt/unicode.h"

typedef ULONG DEVICE_TYPE;

/* ---- opening ---- */

#define FILE_READ_DATA        0x0001u
#define FILE_LIST_DIRECTORY   0x0001u
#define FILE_WRITE_DATA       0x0002u
#define FILE_ADD_FILE         0x0002u
#define FILE_APPEND_DATA      0x0004u
#define FILE_READ_EA          0x0008u
#define FILE_WRITE_EA         0x0010u
#define FILE_EXECUTE          0x0020u
#define FILE_TRAVERSE         0x0020u
#define FILE_DELETE_CHILD     0x0040u
#define FILE_READ_ATTRIBUTES  0x0080u
#define FILE_WRITE_ATTRIBUTES 0x0100u
#define FILE_ALL_ACCESS       (STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 0x1FFu)
#define FILE_GENERIC_READ                                                                          \
    (READ_CONTROL | SYNCHRONIZE | FILE_READ_DATA | FILE_READ_ATTRIBUTES | FILE_READ_EA)
#define FILE_GENERIC_WRITE                                                                         \
    (READ_CONTROL | SYNCHRONIZE | FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_WRITE_ATTRIBUTES |     \
     FILE_WRITE_EA)
#define FILE_GENERIC_EXECUTE   (READ_CONTROL | SYNCHRONIZE | FILE_EXECUTE | FILE_READ_ATTRIBUTES)

#define FILE_SHARE_READ        0x1u
#define FILE_SHARE_WRITE       0x2u
#define FILE_SHARE_DELETE      0x4u
#define FILE_SHARE_VALID_FLAGS 0x7u

/* Dispositions. */
#define FILE_SUPERSEDE           0u
#define FILE_OPEN                1u
#define FILE_CREATE              2u
#define FILE_OPEN_IF             3u
#define FILE_OVERWRITE           4u
#define FILE_OVERWRITE_IF        5u
#define FILE_MAXIMUM_DISPOSITION 5u

/* What IRP_MJ_CREATE did: IoStatus.Information. */
#define FILE_SUPERSEDED     0u
#define FILE_OPENED         1u
#define FILE_CREATED        2u
#define FILE_OVERWRITTEN    3u
#define FILE_EXISTS         4u
#define FILE_DOES_NOT_EXIST 5u

/* Options; in Parameters.Create.Options, with the disposition in the top byte. */
#define FILE_DIRECTORY_FILE            0x00000001u
#define FILE_WRITE_THROUGH             0x00000002u
#define FILE_SEQUENTIAL_ONLY           0x00000004u
#define FILE_NO_INTERMEDIATE_BUFFERING 0x00000008u
#define FILE_SYNCHRONOUS_IO_ALERT      0x00000010u
#define FILE_SYNCHRONOUS_IO_NONALERT   0x00000020u
#define FILE_NON_DIRECTORY_FILE        0x00000040u
#define FILE_COMPLETE_IF_OPLOCKED      0x00000100u
#define FILE_NO_EA_KNOWLEDGE           0x00000200u
#define FILE_RANDOM_ACCESS             0x00000800u
#define FILE_DELETE_ON_CLOSE           0x00001000u
#define FILE_OPEN_BY_FILE_ID           0x00002000u
#define FILE_OPEN_FOR_BACKUP_INTENT    0x00004000u
#define FILE_RESERVE_OPFILTER          0x00100000u
#define FILE_OPEN_REPARSE_POINT        0x00200000u
#define FILE_VALID_OPTION_FLAGS        0x00FFFFFFu

#define FILE_ATTRIBUTE_READONLY        0x01u
#define FILE_ATTRIBUTE_HIDDEN          0x02u
#define FILE_ATTRIBUTE_SYSTEM          0x04u
#define FILE_ATTRIBUTE_DIRECTORY       0x10u
#define FILE_ATTRIBUTE_ARCHIVE         0x20u
#define FILE_ATTRIBUTE_NORMAL          0x80u
#define FILE_ATTRIBUTE_TEMPORARY       0x100u
#define FILE_ATTRIBUTE_VALID_FLAGS     0x7FB7u

/* A write's ByteOffset with HighPart -1 and this LowPart. */
#define FILE_WRITE_TO_END_OF_FILE      0xFFFFFFFFu
#define FILE_USE_FILE_POINTER_POSITION 0xFFFFFFFEu

/* ---- information about files ---- */

typedef enum _FILE_INFORMATION_CLASS {
    FileDirectoryInformation = 1,
    FileFullDirectoryInformation = 2,
    FileBothDirectoryInformation = 3,
    FileBasicInformation = 4,
    FileStandardInformation = 5,
    FileInternalInformation = 6,
    FileEaInformation = 7,
    FileAccessInformation = 8,
    FileNameInformation = 9,
    FileRenameInformation = 10,
    FileNamesInformation = 12,
    FileDispositionInformation = 13,
    FilePositionInformation = 14,
    FileModeInformation = 16,
    FileAlignmentInformation = 17,
    FileAllInformation = 18,
    FileAllocationInformation = 19,
    FileEndOfFileInformation = 20,
    FileNetworkOpenInformation = 34,
    FileValidDataLengthInformation = 39
} FILE_INFORMATION_CLASS;

/* Times as KeQuerySystemTime's.  Setting: 0 leaves a time, or the attributes, as they are. */
typedef struct _FILE_BASIC_INFORMATION {
    LARGE_INTEGER CreationTime;
    LARGE_INTEGER LastAccessTime;
    LARGE_INTEGER LastWriteTime;
    LARGE_INTEGER ChangeTime;
    ULONG FileAttributes;
} FILE_BASIC_INFORMATION, *PFILE_BASIC_INFORMATION;

typedef struct _FILE_STANDARD_INFORMATION {
    LARGE_INTEGER AllocationSize; /* on disk */
    LARGE_INTEGER EndOfFile;
    ULONG NumberOfLinks;
    BOOLEAN DeletePending;
    BOOLEAN Directory;
} FILE_STANDARD_INFORMATION, *PFILE_STANDARD_INFORMATION;

typedef struct _FILE_INTERNAL_INFORMATION {
    LARGE_INTEGER IndexNumber; /* what the file is, on its volume */
} FILE_INTERNAL_INFORMATION, *PFILE_INTERNAL_INFORMATION;

typedef struct _FILE_EA_INFORMATION {
    ULONG EaSize;
} FILE_EA_INFORMATION, *PFILE_EA_INFORMATION;

typedef struct _FILE_ACCESS_INFORMATION {
    ACCESS_MASK AccessFlags; /* that the handle was granted */
} FILE_ACCESS_INFORMATION, *PFILE_ACCESS_INFORMATION;

/* Of FILE_WRITE_THROUGH, SEQUENTIAL_ONLY, NO_INTERMEDIATE_BUFFERING, SYNCHRONOUS_IO_*. */
typedef struct _FILE_MODE_INFORMATION {
    ULONG Mode;
} FILE_MODE_INFORMATION, *PFILE_MODE_INFORMATION;

typedef struct _FILE_ALIGNMENT_INFORMATION {
    ULONG AlignmentRequirement; /* of buffers: a mask of the bits that are 0 */
} FILE_ALIGNMENT_INFORMATION, *PFILE_ALIGNMENT_INFORMATION;

typedef struct _FILE_NAME_INFORMATION {
    ULONG FileNameLength; /* in bytes */
    WCHAR FileName[1];    /* from the volume's root, \ before each name */
} FILE_NAME_INFORMATION, *PFILE_NAME_INFORMATION;

typedef struct _FILE_POSITION_INFORMATION {
    LARGE_INTEGER CurrentByteOffset;
} FILE_POSITION_INFORMATION, *PFILE_POSITION_INFORMATION;

typedef struct _FILE_END_OF_FILE_INFORMATION {
    LARGE_INTEGER EndOfFile;
} FILE_END_OF_FILE_INFORMATION, *PFILE_END_OF_FILE_INFORMATION;

typedef struct _FILE_VALID_DATA_LENGTH_INFORMATION {
    LARGE_INTEGER ValidDataLength;
} FILE_VALID_DATA_LENGTH_INFORMATION, *PFILE_VALID_DATA_LENGTH_INFORMATION;

typedef struct _FILE_ALLOCATION_INFORMATION {
    LARGE_INTEGER AllocationSize;
} FILE_ALLOCATION_INFORMATION, *PFILE_ALLOCATION_INFORMATION;

typedef struct _FILE_DISPOSITION_INFORMATION {
    BOOLEAN DeleteFile; /* when the last handle is closed */
} FILE_DISPOSITION_INFORMATION, *PFILE_DISPOSITION_INFORMATION;

typedef struct _FILE_RENAME_INFORMATION {
    BOOLEAN ReplaceIfExists;
    HANDLE RootDirectory; /* NULL: FileName is a path from the root, or a name in the same folder */
    ULONG FileNameLength; /* in bytes */
    WCHAR FileName[1];
} FILE_RENAME_INFORMATION, *PFILE_RENAME_INFORMATION;

typedef struct _FILE_ALL_INFORMATION {
    FILE_BASIC_INFORMATION BasicInformation;
    FILE_STANDARD_INFORMATION StandardInformation;
    FILE_INTERNAL_INFORMATION InternalInformation;
    FILE_EA_INFORMATION EaInformation;
    FILE_ACCESS_INFORMATION AccessInformation;
    FILE_POSITION_INFORMATION PositionInformation;
    FILE_MODE_INFORMATION ModeInformation;
    FILE_ALIGNMENT_INFORMATION AlignmentInformation;
    FILE_NAME_INFORMATION NameInformation;
} FILE_ALL_INFORMATION, *PFILE_ALL_INFORMATION;

typedef struct _FILE_NETWORK_OPEN_INFORMATION {
    LARGE_INTEGER CreationTime;
    LARGE_INTEGER LastAccessTime;
    LARGE_INTEGER LastWriteTime;
    LARGE_INTEGER ChangeTime;
    LARGE_INTEGER AllocationSize;
    LARGE_INTEGER EndOfFile;
    ULONG FileAttributes;
} FILE_NETWORK_OPEN_INFORMATION, *PFILE_NETWORK_OPEN_INFORMATION;

/* ---- entries of directories: 8-byte aligned in the buffer ---- */

typedef struct _FILE_DIRECTORY_INFORMATION {
    ULONG NextEntryOffset; /* from this entry; 0: the last one */
    ULONG FileIndex;
    LARGE_INTEGER CreationTime;
    LARGE_INTEGER LastAccessTime;
    LARGE_INTEGER LastWriteTime;
    LARGE_INTEGER ChangeTime;
    LARGE_INTEGER EndOfFile;
    LARGE_INTEGER AllocationSize;
    ULONG FileAttributes;
    ULONG FileNameLength; /* in bytes */
    WCHAR FileName[1];
} FILE_DIRECTORY_INFORMATION, *PFILE_DIRECTORY_INFORMATION;

typedef struct _FILE_BOTH_DIR_INFORMATION {
    ULONG NextEntryOffset;
    ULONG FileIndex;
    LARGE_INTEGER CreationTime;
    LARGE_INTEGER LastAccessTime;
    LARGE_INTEGER LastWriteTime;
    LARGE_INTEGER ChangeTime;
    LARGE_INTEGER EndOfFile;
    LARGE_INTEGER AllocationSize;
    ULONG FileAttributes;
    ULONG FileNameLength;
    ULONG EaSize;
    CCHAR ShortNameLength; /* in bytes */
    WCHAR ShortName[12];
    WCHAR FileName[1];
} FILE_BOTH_DIR_INFORMATION, *PFILE_BOTH_DIR_INFORMATION;

typedef struct _FILE_NAMES_INFORMATION {
    ULONG NextEntryOffset;
    ULONG FileIndex;
    ULONG FileNameLength;
    WCHAR FileName[1];
} FILE_NAMES_INFORMATION, *PFILE_NAMES_INFORMATION;

/* ---- information about volumes ---- */

typedef enum _FSINFOCLASS {
    FileFsVolumeInformation = 1,
    FileFsLabelInformation,
    FileFsSizeInformation,
    FileFsDeviceInformation,
    FileFsAttributeInformation,
    FileFsControlInformation,
    FileFsFullSizeInformation
} FS_INFORMATION_CLASS;

typedef struct _FILE_FS_VOLUME_INFORMATION {
    LARGE_INTEGER VolumeCreationTime;
    ULONG VolumeSerialNumber;
    ULONG VolumeLabelLength; /* in bytes */
    BOOLEAN SupportsObjects;
    WCHAR VolumeLabel[1];
} FILE_FS_VOLUME_INFORMATION, *PFILE_FS_VOLUME_INFORMATION;

/* An allocation unit is a cluster. */
typedef struct _FILE_FS_SIZE_INFORMATION {
    LARGE_INTEGER TotalAllocationUnits;
    LARGE_INTEGER AvailableAllocationUnits;
    ULONG SectorsPerAllocationUnit;
    ULONG BytesPerSector;
} FILE_FS_SIZE_INFORMATION, *PFILE_FS_SIZE_INFORMATION;

typedef struct _FILE_FS_FULL_SIZE_INFORMATION {
    LARGE_INTEGER TotalAllocationUnits;
    LARGE_INTEGER CallerAvailableAllocationUnits;
    LARGE_INTEGER ActualAvailableAllocationUnits;
    ULONG SectorsPerAllocationUnit;
    ULONG BytesPerSector;
} FILE_FS_FULL_SIZE_INFORMATION, *PFILE_FS_FULL_SIZE_INFORMATION;

typedef struct _FILE_FS_DEVICE_INFORMATION {
    DEVICE_TYPE DeviceType;
    ULONG Characteristics;
} FILE_FS_DEVICE_INFORMATION, *PFILE_FS_DEVICE_INFORMATION;

#define FILE_CASE_PRESERVED_NAMES 0x2u
#define FILE_UNICODE_ON_DISK      0x4u

typedef struct _FILE_FS_ATTRIBUTE_INFORMATION {
    ULONG FileSystemAttributes;
    LONG MaximumComponentNameLength;
    ULONG FileSystemNameLength; /* in bytes */
    WCHAR FileSystemName[1];
} FILE_FS_ATTRIBUTE_INFORMATION, *PFILE_FS_ATTRIBUTE_INFORMATION;

/* ---- control codes ---- */

#define FILE_DEVICE_DISK             0x07u
#define FILE_DEVICE_DISK_FILE_SYSTEM 0x08u
#define FILE_DEVICE_FILE_SYSTEM      0x09u
#define FILE_DEVICE_UNKNOWN          0x22u
#define FILE_DEVICE_MASS_STORAGE     0x2Du

#define FILE_REMOVABLE_MEDIA         0x001u
#define FILE_READ_ONLY_DEVICE        0x002u
#define FILE_DEVICE_IS_MOUNTED       0x020u

#define METHOD_BUFFERED              0u
#define METHOD_IN_DIRECT             1u
#define METHOD_OUT_DIRECT            2u
#define METHOD_NEITHER               3u
#define FILE_ANY_ACCESS              0u
#define FILE_READ_ACCESS             1u
#define FILE_WRITE_ACCESS            2u

#define CTL_CODE(DeviceType, Function, Method, Access)                                             \
    (((DeviceType) << 16) | ((Access) << 14) | ((Function) << 2) | (Method))
#define METHOD_FROM_CTL_CODE(Code) ((Code)&3u)
#define ACCESS_FROM_CTL_CODE(Code) ((Code) >> 14 & 3u)

/* Without a file: what nobody has open is written and closed.  STATUS_ACCESS_DENIED: more is. */
#define FSCTL_LOCK_VOLUME CTL_CODE(FILE_DEVICE_FILE_SYSTEM, 6u, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define FSCTL_DISMOUNT_VOLUME                                                                      \
    CTL_CODE(FILE_DEVICE_FILE_SYSTEM, 8u, METHOD_BUFFERED, FILE_ANY_ACCESS)

/* (own) Where a paging file lies: a FILE_PAGING_RUNS. */
#define FSCTL_QUERY_PAGING_RUNS                                                                    \
    CTL_CODE(FILE_DEVICE_FILE_SYSTEM, 0x800u, METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef struct _FILE_PAGING_RUNS {
    ULONG64 FirstSector; /* of the volume; void without runs */
    ULONG Runs;          /* pieces that it is in */
} FILE_PAGING_RUNS, *PFILE_PAGING_RUNS;

/* (own) Make a paging file longer: a FILE_EXTEND_PAGING, both ways. */
#define FSCTL_EXTEND_PAGING_FILE                                                                   \
    CTL_CODE(FILE_DEVICE_FILE_SYSTEM, 0x801u, METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef struct _FILE_EXTEND_PAGING {
    ULONG64 Bytes; /* that it is to have */
    ULONG Runs;    /* pieces: at most so many; then, how many it is in */
} FILE_EXTEND_PAGING, *PFILE_EXTEND_PAGING;

#define IOCTL_DISK_GET_DRIVE_GEOMETRY                                                              \
    CTL_CODE(FILE_DEVICE_DISK, 0x0u, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_DISK_IS_WRITABLE CTL_CODE(FILE_DEVICE_DISK, 0x9u, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_DISK_GET_LENGTH_INFO                                                                 \
    CTL_CODE(FILE_DEVICE_DISK, 0x17u, METHOD_BUFFERED, FILE_READ_ACCESS)
#define IOCTL_DISK_CHECK_VERIFY                                                                    \
    CTL_CODE(FILE_DEVICE_DISK, 0x200u, METHOD_BUFFERED, FILE_READ_ACCESS)
#define IOCTL_STORAGE_CHECK_VERIFY                                                                 \
    CTL_CODE(FILE_DEVICE_MASS_STORAGE, 0x200u, METHOD_BUFFERED, FILE_READ_ACCESS)

typedef enum _MEDIA_TYPE {
    Unknown = 0,
    RemovableMedia = 11,
    FixedMedia = 12
} MEDIA_TYPE;

typedef struct _DISK_GEOMETRY {
    LARGE_INTEGER Cylinders;
    MEDIA_TYPE MediaType;
    ULONG TracksPerCylinder;
    ULONG SectorsPerTrack;
    ULONG BytesPerSector;
} DISK_GEOMETRY, *PDISK_GEOMETRY;

typedef struct _GET_LENGTH_INFORMATION {
    LARGE_INTEGER Length; /* in bytes */
} GET_LENGTH_INFORMATION, *PGET_LENGTH_INFORMATION;

NT_C_ASSERT(sizeof(FILE_BASIC_INFORMATION) == 0x28);
NT_C_ASSERT(sizeof(FILE_STANDARD_INFORMATION) == 0x18);
NT_C_ASSERT(offsetof(FILE_DIRECTORY_INFORMATION, FileName) == 0x40);
NT_C_ASSERT(offsetof(FILE_BOTH_DIR_INFORMATION, ShortName) == 0x46);
NT_C_ASSERT(offsetof(FILE_BOTH_DIR_INFORMATION, FileName) == 0x5E);
NT_C_ASSERT(offsetof(FILE_NAMES_INFORMATION, FileName) == 0x0C);
NT_C_ASSERT(offsetof(FILE_FS_VOLUME_INFORMATION, VolumeLabel) == 0x12);
NT_C_ASSERT(sizeof(FILE_FS_SIZE_INFORMATION) == 0x18);
NT_C_ASSERT(sizeof(FILE_FS_FULL_SIZE_INFORMATION) == 0x20);
NT_C_ASSERT(offsetof(FILE_FS_ATTRIBUTE_INFORMATION, FileSystemName) == 0x0C);
NT_C_ASSERT(sizeof(DISK_GEOMETRY) == 0x18);
NT_C_ASSERT(IOCTL_DISK_GET_DRIVE_GEOMETRY == 0x70000u);
NT_C_ASSERT(IOCTL_DISK_GET_LENGTH_INFO == 0x7405Cu);
NT_C_ASSERT(IOCTL_DISK_CHECK_VERIFY == 0x74800u);
NT_C_ASSERT(IOCTL_STORAGE_CHECK_VERIFY == 0x2D4800u);
NT_C_ASSERT(FSCTL_LOCK_VOLUME == 0x90018u);
NT_C_ASSERT(FSCTL_DISMOUNT_VOLUME == 0x90020u);
#if defined(__i386__)
NT_C_ASSERT(sizeof(FILE_ALL_INFORMATION) == 0x68);
NT_C_ASSERT(offsetof(FILE_ALL_INFORMATION, NameInformation) == 0x60);
NT_C_ASSERT(offsetof(FILE_RENAME_INFORMATION, FileName) == 0x0C);
#endif

#endif

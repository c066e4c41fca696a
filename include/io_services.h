/* SPDX-License-Identifier: MIT */
/*
 * io_services.h - what callers do with files, by handles.
 *
 * Names, prototypes and behaviour are those of ntifs.h for x86 NT 5.2 (learn.microsoft.com
 * /windows-hardware/drivers/ddi/ntifs, the pages of ZwCreateFile and so on).
 *
 * Whose rules hold: ExGetPreviousMode.  UserMode needs the access that each call names, granted to
 * the handle (else STATUS_ACCESS_DENIED), and its buffers are probed (STATUS_ACCESS_VIOLATION);
 * KernelMode's buffers are the system's, paged or not.  Attributes, names, handles, offsets and
 * status blocks are trusted in both modes, as in ob.h.
 *
 * Event (events.h; may be NULL) is reset at the start, and set at the end unless that is an error;
 * it needs EVENT_MODIFY_STATE.
 *
 * Where this kernel differs: there are no APCs (ApcRoutine: STATUS_NOT_SUPPORTED).  Every request
 * is done when the call returns; of a file that was not opened FILE_SYNCHRONOUS_IO_*, too, which
 * NT allows.  Of synchronous files one request is served at a time.
 *
 * => PASSIVE_LEVEL.  *IoStatusBlock is written unless the call returns an error.  Each returns
 *    also STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH (no file), STATUS_FILE_CLOSED,
 *    STATUS_INSUFFICIENT_RESOURCES, and what the file system and the disk say.
 */
#ifndef IO_SERVICES_H
#define IO_SERVICES_H

#include "io.h"

/* ---- opening ---- */

/*
 * Open or create.  *IoStatusBlock: Information is FILE_OPENED, FILE_CREATED and so on.
 *
 * STATUS_INVALID_PARAMETER: values that there are not, and what does not go together:
 *
 *     FILE_SYNCHRONOUS_IO_ALERT, _NONALERT    both; either without SYNCHRONIZE
 *     FILE_DELETE_ON_CLOSE                    without DELETE
 *     FILE_DIRECTORY_FILE                     with FILE_NON_DIRECTORY_FILE, options of data, or a
 *                                             disposition that empties
 *     FILE_NO_INTERMEDIATE_BUFFERING          with FILE_APPEND_DATA
 *     FILE_COMPLETE_IF_OPLOCKED               with FILE_RESERVE_OPFILTER
 *     *AllocationSize                         negative
 *
 * => STATUS_EAS_NOT_SUPPORTED: there is an EaBuffer; and those of ObOpenObjectByName, IoOpenFileEx.
 *    The name of a device alone, without a backslash, means the device where no more is wanted
 *    than attributes; else its volume.
 */
NT_MUST_CHECK NTSTATUS NTAPI NtCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                                          PCOBJECT_ATTRIBUTES ObjectAttributes,
                                          PIO_STATUS_BLOCK IoStatusBlock,
                                          PLARGE_INTEGER AllocationSize, ULONG FileAttributes,
                                          ULONG ShareAccess, ULONG CreateDisposition,
                                          ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength);

/* The same with FILE_OPEN. */
NT_MUST_CHECK NTSTATUS NTAPI NtOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                                        PCOBJECT_ATTRIBUTES ObjectAttributes,
                                        PIO_STATUS_BLOCK IoStatusBlock, ULONG ShareAccess,
                                        ULONG OpenOptions);

/*
 * Delete by name, when the last handle is gone.
 * => STATUS_DIRECTORY_NOT_EMPTY; STATUS_CANNOT_DELETE: read-only, or the root.
 */
NT_MUST_CHECK NTSTATUS NTAPI NtDeleteFile(PCOBJECT_ATTRIBUTES ObjectAttributes);

/* Attributes by name. */
NT_MUST_CHECK NTSTATUS NTAPI NtQueryAttributesFile(PCOBJECT_ATTRIBUTES ObjectAttributes,
                                                   PFILE_BASIC_INFORMATION FileInformation);
NT_MUST_CHECK NTSTATUS NTAPI NtQueryFullAttributesFile(
    PCOBJECT_ATTRIBUTES ObjectAttributes, PFILE_NETWORK_OPEN_INFORMATION FileInformation);

/* ---- data ---- */

/*
 * Read up to Length bytes; Information is how many.  Needs FILE_READ_DATA.
 *
 *     ByteOffset                                    synchronous file        others
 *     NULL, or {FILE_USE_FILE_POINTER_POSITION, -1} from where it was left  INVALID_PARAMETER
 *     a position                                    from there              from there
 *
 * A synchronous file's position is behind what was read.
 *
 * => STATUS_END_OF_FILE: nothing is there.  STATUS_INVALID_PARAMETER: a negative position; of a
 *    file opened FILE_NO_INTERMEDIATE_BUFFERING, no whole sectors, or a Buffer that is not aligned
 *    as FileAlignmentInformation says.
 */
NT_MUST_CHECK NTSTATUS NTAPI NtReadFile(HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine,
                                        PVOID ApcContext, PIO_STATUS_BLOCK IoStatusBlock,
                                        PVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset,
                                        PULONG Key);

/*
 * Write; the file grows.  Needs FILE_WRITE_DATA, or FILE_APPEND_DATA: a handle without the first
 * writes at the end, whatever ByteOffset is.  {FILE_WRITE_TO_END_OF_FILE, -1} means the end.
 */
NT_MUST_CHECK NTSTATUS NTAPI NtWriteFile(HANDLE FileHandle, HANDLE Event,
                                         PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                                         PIO_STATUS_BLOCK IoStatusBlock, const void *Buffer,
                                         ULONG Length, PLARGE_INTEGER ByteOffset, PULONG Key);

/* What was written is on the medium.  Needs FILE_WRITE_DATA or FILE_APPEND_DATA. */
NT_MUST_CHECK NTSTATUS NTAPI NtFlushBuffersFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock);

/* ---- information ---- */

/*
 * Information: how many bytes.
 *
 *     FileBasicInformation, FileNetworkOpenInformation, FileAllInformation    FILE_READ_ATTRIBUTES
 *     FilePositionInformation, of a synchronous file    FILE_READ_DATA or FILE_WRITE_DATA
 *     FileStandard-, Internal-, Ea-, Access-, Name-, Mode-, AlignmentInformation    nothing
 *
 * => STATUS_INVALID_INFO_CLASS; STATUS_INFO_LENGTH_MISMATCH: Length is too little;
 *    STATUS_BUFFER_OVERFLOW (a warning): the name is cut.
 */
NT_MUST_CHECK NTSTATUS NTAPI NtQueryInformationFile(HANDLE FileHandle,
                                                    PIO_STATUS_BLOCK IoStatusBlock,
                                                    PVOID FileInformation, ULONG Length,
                                                    FILE_INFORMATION_CLASS FileInformationClass);

/*
 *     FileBasicInformation                           FILE_WRITE_ATTRIBUTES
 *     FileRenameInformation, -DispositionInformation DELETE
 *     FileEndOfFileInformation, -AllocationInf...    FILE_WRITE_DATA
 *     FileValidDataLengthInformation                 FILE_WRITE_DATA; FAT files have none:
 *                                                    STATUS_INVALID_PARAMETER
 *     FilePositionInformation                        FILE_READ_DATA or FILE_WRITE_DATA
 *     FileModeInformation                            nothing
 *
 * A new name is a full one ("\??\C:\dir\name"), one relative to RootDirectory, or, without a
 * backslash at its start, one in the same directory.
 *
 * => As NtQueryInformationFile.  STATUS_INVALID_PARAMETER: a value, a mode that cannot be set, or a
 *    position that FILE_NO_INTERMEDIATE_BUFFERING cannot have.  STATUS_NOT_SAME_DEVICE: the new
 *    name is on another volume.
 */
NT_MUST_CHECK NTSTATUS NTAPI NtSetInformationFile(HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock,
                                                  PVOID FileInformation, ULONG Length,
                                                  FILE_INFORMATION_CLASS FileInformationClass);

/*
 * Entries of a directory, as many as fit; FileName, a pattern, counts on the first call.  Needs
 * FILE_LIST_DIRECTORY.
 *
 * => STATUS_NO_SUCH_FILE: nothing matches; STATUS_NO_MORE_FILES; STATUS_INFO_LENGTH_MISMATCH;
 *    STATUS_BUFFER_OVERFLOW; STATUS_INVALID_INFO_CLASS; STATUS_INVALID_PARAMETER: no directory.
 */
NT_MUST_CHECK NTSTATUS NTAPI NtQueryDirectoryFile(HANDLE FileHandle, HANDLE Event,
                                                  PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                                                  PIO_STATUS_BLOCK IoStatusBlock,
                                                  PVOID FileInformation, ULONG Length,
                                                  FILE_INFORMATION_CLASS FileInformationClass,
                                                  BOOLEAN ReturnSingleEntry,
                                                  PUNICODE_STRING FileName, BOOLEAN RestartScan);

/* => As NtQueryInformationFile; it needs no right. */
NT_MUST_CHECK NTSTATUS NTAPI NtQueryVolumeInformationFile(HANDLE FileHandle,
                                                          PIO_STATUS_BLOCK IoStatusBlock,
                                                          PVOID FsInformation, ULONG Length,
                                                          FS_INFORMATION_CLASS FsInformationClass);

/* ---- control ---- */

/*
 * A control code's access, FILE_READ_ACCESS or FILE_WRITE_ACCESS, means FILE_READ_DATA and
 * FILE_WRITE_DATA.  Buffers of a METHOD_BUFFERED code are at most 1 MB each.
 *
 * => STATUS_INVALID_DEVICE_REQUEST: nobody knows the code; STATUS_NOT_SUPPORTED: UserMode, and the
 *    code's buffers are not copied.
 */
NT_MUST_CHECK NTSTATUS NTAPI NtDeviceIoControlFile(HANDLE FileHandle, HANDLE Event,
                                                   PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                                                   PIO_STATUS_BLOCK IoStatusBlock,
                                                   ULONG IoControlCode, PVOID InputBuffer,
                                                   ULONG InputBufferLength, PVOID OutputBuffer,
                                                   ULONG OutputBufferLength);
NT_MUST_CHECK NTSTATUS NTAPI NtFsControlFile(HANDLE FileHandle, HANDLE Event,
                                             PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                                             PIO_STATUS_BLOCK IoStatusBlock, ULONG FsControlCode,
                                             PVOID InputBuffer, ULONG InputBufferLength,
                                             PVOID OutputBuffer, ULONG OutputBufferLength);

#endif

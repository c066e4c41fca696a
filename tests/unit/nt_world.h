/* SPDX-License-Identifier: MIT */
/*
 * nt_world.h - the world of io_world.h as callers of services see it: two processes, C:, handles.
 *
 * NtWorldStart attaches to process 0; services are called as KernelMode until a test says
 * KeSetPreviousMode.  NtWorldFinish ends the processes, and checks that no file and no handle to
 * one is left.
 */
#ifndef TESTS_UNIT_NT_WORLD_H
#define TESTS_UNIT_NT_WORLD_H

#include "io_services.h"
#include "tests/unit/io_world.h"

#define NT_WORLD_BYTES 0x10000u /* at NtUser */

extern PUCHAR NtUser;        /* committed memory of process 0's user half */
extern IO_STATUS_BLOCK Iosb; /* of the services that NtWorld* call */

void NtWorldStart(void);
void NtWorldFinish(void);

/* The same with another volume; and the first half of the end: the processes' alone. */
void NtWorldStartOn(const SEED_FAT *Fat);
void NtWorldEndProcesses(void);

/* Run in process 0 or 1. */
void NtWorldEnter(ULONG Index);
/* Run in the system's process, until NtWorldEnter. */
void NtWorldLeave(void);

/* Open so, synchronously; shared with everybody unless Share says something else. */
typedef struct _NT_OPEN {
    PCWSTR Path;
    ACCESS_MASK Access;
    ULONG Disposition;
    ULONG Options; /* FILE_SYNCHRONOUS_IO_NONALERT is added, unless Asynchronous */
    ULONG Attributes;
    ULONG Refuse; /* FILE_SHARE_* that are not shared */
    HANDLE Root;
    BOOLEAN Asynchronous;
} NT_OPEN;
NTSTATUS NtWorldTry(const NT_OPEN *Open, PHANDLE Handle);
NTSTATUS NtWorldTryOpen(PCWSTR Path, ACCESS_MASK Access, ULONG Disposition, ULONG Options,
                        PHANDLE Handle);
/* The same, and it succeeds. */
HANDLE NtWorldOpen(PCWSTR Path, ACCESS_MASK Access, ULONG Disposition, ULONG Options);

/* NtClose succeeds. */
void NtWorldClose(HANDLE Handle);

/* At Offset, or (-1) where the file was left; with IoBuffer. */
NTSTATUS NtWorldRead(HANDLE Handle, LONGLONG Offset, ULONG Bytes);
NTSTATUS NtWorldWrite(HANDLE Handle, LONGLONG Offset, const void *Data, ULONG Bytes);

/* => The one class of information, which is there. */
LONGLONG NtWorldPosition(HANDLE Handle);
LONGLONG NtWorldSize(HANDLE Handle);

/* A new name.  Root may be NULL. */
NTSTATUS NtWorldRename(HANDLE Handle, HANDLE Root, PCWSTR Name, BOOLEAN Replace);

NTSTATUS NtWorldDispose(HANDLE Handle, BOOLEAN Delete);

/* The file object behind a handle; not referenced. */
PFILE_OBJECT NtWorldFile(HANDLE Handle);

/* Files and handles to them that there are. */
ULONG NtWorldFiles(void);
ULONG NtWorldHandles(void);

#endif

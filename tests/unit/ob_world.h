/* SPDX-License-Identifier: MIT */
/*
 * ob_world.h - a machine with two processes and a type of objects that says what happens to them.
 *
 * ObWorldStart makes the machine (mm_world.h), the type "Thing" and the processes, and attaches to
 * the first; ObWorldFinish ends them, and checks that all objects, handles and pool are back.
 */
#ifndef TESTS_UNIT_OB_WORLD_H
#define TESTS_UNIT_OB_WORLD_H

#include "mm/ob/directory.h"
#include "mm/ob/handle.h"
#include "mm/ob/ob_verify.h"
#include "mm/space/process.h"
#include "nt/bugcodes.h"
#include "tests/unit/mm_world.h"
#include "verify.h"
#include "vm.h"

#define THING_READ  0x0001u
#define THING_WRITE 0x0002u
#define THING_ALL   (STANDARD_RIGHTS_REQUIRED | 3u)

typedef struct _THING_LOG {
    ULONG Opens;
    ULONG Closes;
    ULONG Deletes;
    ULONG LastCount;       /* what the last Close was told */
    OB_OPEN_REASON Reason; /* and the last Open */
    NTSTATUS OpenStatus;   /* what Open says */
    BOOLEAN Keep;          /* OkayToClose says no */
    HANDLE CloseInOpen;    /* Open closes this handle, once: another thread could */
} THING_LOG;

extern POBJECT_TYPE ThingType;
extern THING_LOG ThingLog; /* all zero at the start */

void ObWorldStart(void);
void ObWorldFinish(void);

/* Process 0 or 1; run in it from now on. */
PEPROCESS ObWorldProcess(ULONG Index);
void ObWorldEnter(ULONG Index);

/* A new thing with a name (NULL: none), and a handle to it. */
NTSTATUS ThingTry(PCWSTR Name, ULONG Attributes, ACCESS_MASK Access, PHANDLE Handle);
HANDLE Thing(PCWSTR Name, ULONG Attributes);

/* Open one by name. */
NTSTATUS ThingTryOpen(PCWSTR Name, ULONG Attributes, ACCESS_MASK Access, PHANDLE Handle);

/* A new directory, and a handle to it; the status alone; open one. */
HANDLE Directory(PCWSTR Name, ULONG Attributes);
NTSTATUS DirectoryTry(PCWSTR Name, ULONG Attributes, PHANDLE Handle);
NTSTATUS DirectoryTryOpen(PCWSTR Name, ULONG Attributes, PHANDLE Handle);

/* A new link, and a handle to it. */
HANDLE Link(PCWSTR Name, PCWSTR Target);
NTSTATUS LinkTryOpen(PCWSTR Name, ULONG Attributes, PHANDLE Handle);

/* NtClose succeeds, or the test fails. */
void Close(HANDLE Handle);

/* The body behind a handle of the running process; not referenced. */
PVOID Body(HANDLE Handle);
LONG Pointers(PVOID Object);
LONG Handles(PVOID Object);

/* Describe a name for the services. */
POBJECT_ATTRIBUTES Named(PCWSTR Name, ULONG Attributes, HANDLE Root);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * report_objects.c - the boot's report about objects: names, handles, and that all of them go.
 */
#include "mm/inspect/report_objects.h"

#include "mm/ob/handle.h"
#include "mm/ob/ob_verify.h"
#include "mm/space/process.h"
#include "report.h"
#include "rtl.h"
#include "vm.h"

#define MIP_HANDLES 600u /* more than a page of a table holds */

typedef struct _MIP_COUNTS {
    ULONG Types;
    ULONG Objects;
    ULONG Handles;
} MIP_COUNTS;

static MIP_COUNTS MipCount(void)
{
    MIP_COUNTS Counts = {0, 0, 0};
    PLIST_ENTRY Entry;

    ObpAcquire(&ObpTypeMutex);
    for (Entry = ObpAllTypes.Flink; Entry != &ObpAllTypes; Entry = Entry->Flink) {
        POBJECT_TYPE Type = CONTAINING_RECORD(Entry, OBJECT_TYPE, AllTypes);

        Counts.Types++;
        Counts.Objects += Type->TotalNumberOfObjects;
        Counts.Handles += Type->TotalNumberOfHandles;
    }
    ObpRelease(&ObpTypeMutex);
    return Counts;
}

static NTSTATUS MipCreateDirectory(PCWSTR Path, PHANDLE Handle)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Name;

    RtlInitUnicodeString(&Name, Path);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    return NtCreateDirectoryObject(Handle, DIRECTORY_ALL_ACCESS, &Attributes);
}

static NTSTATUS MipCreateLink(PCWSTR Path, PCWSTR To, PHANDLE Handle)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Name;
    UNICODE_STRING Target;

    RtlInitUnicodeString(&Name, Path);
    RtlInitUnicodeString(&Target, To);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL,
                               NULL);
    return NtCreateSymbolicLinkObject(Handle, SYMBOLIC_LINK_ALL_ACCESS, &Attributes, &Target);
}

/* => How many handles the process got to what is called Path. */
static ULONG MipOpenOften(PEPROCESS Process, PCWSTR Path, ULONG Times)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Name;
    KAPC_STATE State;
    HANDLE Handle;
    ULONG Opened = 0;

    RtlInitUnicodeString(&Name, Path);
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    KeStackAttachProcess(&Process->Pcb, &State);
    while (Opened < Times &&
           NT_SUCCESS(NtOpenDirectoryObject(&Handle, DIRECTORY_QUERY, &Attributes))) {
        Opened++;
    }
    KeUnstackDetachProcess(&State);
    return Opened;
}

/* => How many handles were closed: NULL is none. */
static ULONG MipClose(HANDLE Handle)
{
    return Handle != NULL && NT_SUCCESS(NtClose(Handle));
}

void MiReportObjects(void)
{
    MIP_COUNTS Before = MipCount();
    MIP_COUNTS During;
    MIP_COUNTS After;
    HANDLE Directory = NULL;
    HANDLE Link = NULL;
    PEPROCESS Process = NULL;
    ULONG Opened = 0;
    ULONG Closed;
    NTSTATUS Status = MipCreateDirectory(u"\\BaseNamedObjects\\Report", &Directory);

    if (NT_SUCCESS(Status)) {
        Status = MipCreateLink(u"\\??\\Report", u"\\BaseNamedObjects\\Report", &Link);
    }
    if (NT_SUCCESS(Status)) {
        Status = PsCreateProcess("handles", &Process);
    }
    if (NT_SUCCESS(Status)) {
        Opened = MipOpenOften(Process, u"\\??\\report", MIP_HANDLES);
    }
    ObpVerify();
    During = MipCount();
    if (Process != NULL) {
        PsTerminateProcess(Process);
        PsDereferenceProcess(Process);
    }
    Closed = MipClose(Link);
    Closed += MipClose(Directory);
    After = MipCount();
    KiReport(NT_SUCCESS(Status) && Closed == 2 && Opened == MIP_HANDLES &&
                 During.Objects == Before.Objects + 3 &&
                 During.Handles == Before.Handles + MIP_HANDLES + 2 &&
                 After.Objects == Before.Objects && After.Handles == Before.Handles,
             "objects: %u of %u types; a process opened %u handles through a link: %u objects, %u "
             "handles; when it had ended %u, %u",
             Before.Objects, Before.Types, Opened, During.Objects, During.Handles, After.Objects,
             After.Handles);
}

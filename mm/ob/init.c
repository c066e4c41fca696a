/* SPDX-License-Identifier: MIT */
/*
 * init.c - the start of the object manager: its types, the first directories, the system's table.
 */
#include "mm/ob/directory.h"
#include "mm/ob/handle.h"
#include "mm/ob/types.h"
#include "rtl.h"

void ObForgetObjects(void)
{
    ObpForgetObjects();
    ObpSetProcesses(NULL, NULL);
    InitializeListHead(&ObpHandleTables);
    ObpKernelHandleTable = NULL;
    ObpRootDirectoryObject = NULL;
}

/* The root has no name: it is where names begin. */
static NTSTATUS ObpCreateRoot(void)
{
    PVOID Root = NULL;
    NTSTATUS Status = ObCreateObject(KernelMode, ObpDirectoryObjectType, NULL, KernelMode, NULL,
                                     sizeof(OBJECT_DIRECTORY), 0, 0, &Root);

    if (NT_SUCCESS(Status)) {
        Status = ObInsertObject(Root, NULL, 0, 0, NULL, NULL);
    }
    if (NT_SUCCESS(Status)) {
        ObpRootDirectoryObject = Root; /* with its creator's reference, for good */
    }
    return Status;
}

static NTSTATUS ObpCreateFirstDirectory(PCWSTR Name)
{
    OBJECT_ATTRIBUTES Attributes;
    UNICODE_STRING Path;
    HANDLE Handle = NULL;
    NTSTATUS Status;

    RtlInitUnicodeString(&Path, Name);
    InitializeObjectAttributes(
        &Attributes, &Path, OBJ_CASE_INSENSITIVE | OBJ_PERMANENT | OBJ_KERNEL_HANDLE, NULL, NULL);
    Status = NtCreateDirectoryObject(&Handle, DIRECTORY_ALL_ACCESS, &Attributes);
    return NT_SUCCESS(Status) ? NtClose(Handle) : Status;
}

static NTSTATUS ObpCreateDirectories(void)
{
    static const PCWSTR Names[] = {u"\\ObjectTypes", u"\\Device", u"\\??", u"\\KernelObjects",
                                   u"\\BaseNamedObjects"};
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Index;

    for (Index = 0; NT_SUCCESS(Status) && Index < RTL_NUMBER_OF(Names); Index++) {
        Status = ObpCreateFirstDirectory(Names[Index]);
    }
    return Status;
}

/* What is made before a failure stays: the machine does not start then. */
NTSTATUS ObInitSystem(void)
{
    NTSTATUS Status;

    ObForgetObjects();
    Status = ObpCreateTypeType();
    if (NT_SUCCESS(Status)) {
        Status = ObpCreateDirectoryType();
    }
    if (NT_SUCCESS(Status)) {
        Status = ObpCreateSymbolicLinkType();
    }
    if (NT_SUCCESS(Status)) {
        Status = ObpCreateEventType();
    }
    if (NT_SUCCESS(Status)) {
        ObpKernelHandleTable = ObpCreateHandleTable(NULL);
        Status = ObpKernelHandleTable == NULL ? STATUS_INSUFFICIENT_RESOURCES : ObpCreateRoot();
    }
    if (NT_SUCCESS(Status)) {
        Status = ObpCreateDirectories();
    }
    return NT_SUCCESS(Status) ? ObpNameTypes() : Status;
}

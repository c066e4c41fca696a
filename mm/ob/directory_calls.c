/* SPDX-License-Identifier: MIT */
/*
 * directory_calls.c - the services on directories.
 *
 * A query counts what fits, then writes: the structures first, their names behind them.  It finds
 * entries by number, so that a name that comes or goes between two queries may be missed or seen
 * twice, as documented.
 */
#include "mm/ob/directory.h"
#include "rtl.h"

NTSTATUS NTAPI NtCreateDirectoryObject(PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
                                       PCOBJECT_ATTRIBUTES ObjectAttributes)
{
    PVOID Directory = NULL;
    NTSTATUS Status =
        ObCreateObject(ExGetPreviousMode(), ObpDirectoryObjectType, ObjectAttributes,
                       ExGetPreviousMode(), NULL, sizeof(OBJECT_DIRECTORY), 0, 0, &Directory);

    return NT_SUCCESS(Status)
               ? ObInsertObject(Directory, NULL, DesiredAccess, 0, NULL, DirectoryHandle)
               : Status;
}

NTSTATUS NTAPI NtOpenDirectoryObject(PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
                                     PCOBJECT_ATTRIBUTES ObjectAttributes)
{
    return ObOpenObjectByName(ObjectAttributes, ObpDirectoryObjectType, ExGetPreviousMode(), NULL,
                              DesiredAccess, NULL, DirectoryHandle);
}

/* ---- NtQueryDirectoryObject ---- */

static ULONG ObpTextBytes(PCUNICODE_STRING Text)
{
    return Text->Length + (ULONG)sizeof(WCHAR);
}

static PUCHAR ObpPutText(PUCHAR At, PCUNICODE_STRING From, PUNICODE_STRING To)
{
    memcpy(At, From->Buffer, From->Length);
    *(PWCHAR)(PVOID)(At + From->Length) = 0;
    *To = (UNICODE_STRING){From->Length, (USHORT)ObpTextBytes(From), (PWCHAR)(PVOID)At};
    return At + ObpTextBytes(From);
}

static PCUNICODE_STRING ObpNameOfEntry(PVOID Object)
{
    return &ObpNameInfo(OBJECT_TO_OBJECT_HEADER(Object))->Name;
}

/*
 * How many entries from First on fit into Length, Most at most.
 *
 * => *Needed: the bytes of these; of the first alone, when not even that fits; 0: there is none.
 */
static ULONG ObpCountFitting(const OBJECT_DIRECTORY *Directory, ULONG First, ULONG Length,
                             ULONG Most, PULONG Needed) NT_HOLDS(ObpNamespaceMutex)
{
    ULONG Bytes = sizeof(OBJECT_DIRECTORY_INFORMATION); /* the all-zero entry */
    ULONG Count;

    *Needed = 0;
    for (Count = 0; Count < Most; Count++) {
        PVOID Object = ObpEntryNumber(Directory, First + Count);

        if (Object == NULL) {
            break;
        }
        Bytes += sizeof(OBJECT_DIRECTORY_INFORMATION) + ObpTextBytes(ObpNameOfEntry(Object)) +
                 ObpTextBytes(&ObGetType(Object)->Name);
        if (Count == 0 || Bytes <= Length) {
            *Needed = Bytes;
        }
        if (Bytes > Length) {
            break;
        }
    }
    return Count;
}

static void ObpPutEntries(const OBJECT_DIRECTORY *Directory, ULONG First, ULONG Count,
                          POBJECT_DIRECTORY_INFORMATION To) NT_HOLDS(ObpNamespaceMutex)
{
    PUCHAR At = (PUCHAR)(To + Count + 1);
    ULONG Index;

    for (Index = 0; Index < Count; Index++) {
        PVOID Object = ObpEntryNumber(Directory, First + Index);

        At = ObpPutText(At, ObpNameOfEntry(Object), &To[Index].Name);
        At = ObpPutText(At, &ObGetType(Object)->Name, &To[Index].TypeName);
    }
    memset(&To[Count], 0, sizeof(To[Count]));
}

static NTSTATUS ObpQueryDirectory(const OBJECT_DIRECTORY *Directory, PVOID Buffer, ULONG Length,
                                  ULONG Most, PULONG Context, PULONG Needed)
    NT_HOLDS(ObpNamespaceMutex)
{
    ULONG First = *Context;
    ULONG Count = ObpCountFitting(Directory, First, Length, Most, Needed);

    if (*Needed == 0) {
        return STATUS_NO_MORE_ENTRIES;
    }
    if (Count == 0) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    ObpPutEntries(Directory, First, Count, Buffer);
    *Context = First + Count;
    return Most != 1 && First + Count < Directory->NumberOfEntries ? STATUS_MORE_ENTRIES
                                                                   : STATUS_SUCCESS;
}

NTSTATUS NTAPI NtQueryDirectoryObject(HANDLE DirectoryHandle, PVOID Buffer, ULONG Length,
                                      BOOLEAN ReturnSingleEntry, BOOLEAN RestartScan,
                                      PULONG Context, PULONG ReturnLength)
{
    ULONG Next = RestartScan ? 0 : *Context;
    ULONG Needed = 0;
    PVOID Directory = NULL;
    NTSTATUS Status =
        ObReferenceObjectByHandle(DirectoryHandle, DIRECTORY_QUERY, ObpDirectoryObjectType,
                                  ExGetPreviousMode(), &Directory, NULL);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    ObpAcquire(&ObpNamespaceMutex);
    Status = ObpQueryDirectory(Directory, Buffer, Length, ReturnSingleEntry ? 1 : 0xFFFFFFFFu,
                               &Next, &Needed);
    ObpRelease(&ObpNamespaceMutex);
    ObfDereferenceObject(Directory);
    if (NT_SUCCESS(Status)) {
        *Context = Next;
    }
    if (ReturnLength != NULL && Status != STATUS_NO_MORE_ENTRIES) {
        *ReturnLength = Needed;
    }
    return Status;
}

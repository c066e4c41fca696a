/* SPDX-License-Identifier: MIT */
/*
 * ob_commands.c - !object and !handle.
 *
 *     !object [path]              an object by name, \ without one; a directory with its entries
 *     !object <addr>              one by the address of its body or of its header
 *     !handle [n [flags [proc]]]  a handle, or all (0), of the process that the monitor looks at;
 *                                 flags: 1 the entry (always), 2 the object too
 *
 * The object manager's mutexes are held while it is looked at, so that it stands still; pages of it
 * that are out come back.
 */
#include "mm/inspect/commands.h"

#include "mm/ob/directory.h"
#include "mm/ob/handle.h"
#include "mm/ob/types.h"
#include "mm/space/process.h"
#include "rtl.h"

#define MIP_TEXT_BYTES 96u

/* What a line shows of a name. */
typedef struct _MIP_TEXT {
    char Bytes[MIP_TEXT_BYTES + 1];
} MIP_TEXT;

static const char *MipText(PCUNICODE_STRING Name, MIP_TEXT *Text)
{
    ULONG Length = 0;

    if (Name != NULL && Name->Length != 0) {
        (void)RtlUnicodeToUTF8N(Text->Bytes, MIP_TEXT_BYTES, &Length, Name->Buffer, Name->Length);
    }
    Text->Bytes[Length] = 0;
    return Text->Bytes;
}

static BOOLEAN MipCanLook(void)
{
    if (ObpRootDirectoryObject == NULL) {
        MiFail("There are no objects yet.");
        return FALSE;
    }
    if (!ObpCanAcquire()) {
        MiFail("Objects cannot be looked at from here: IRQL %u, or their mutexes are held.",
               KeGetCurrentIrql());
        return FALSE;
    }
    return TRUE;
}

/* ---- !object ---- */

static void MipPrintEntries(const OBJECT_DIRECTORY *Directory) NT_HOLDS(ObpNamespaceMutex)
{
    ULONG Bucket;

    MiPrint("\n    Hash Address  Type                 Name\n    ---- -------  ----                 "
            "----\n");
    for (Bucket = 0; Bucket < OB_DIRECTORY_BUCKETS; Bucket++) {
        const OBJECT_DIRECTORY_ENTRY *Entry = Directory->HashBuckets[Bucket];

        for (; Entry != NULL && !MiStopRequested(); Entry = Entry->ChainLink) {
            MIP_TEXT Type;
            MIP_TEXT Name;

            MiPrint("     %02u  %08x %-20s %.60s\n", Bucket, (ULONG)(ULONG_PTR)Entry->Object,
                    MipText(&ObGetType(Entry->Object)->Name, &Type),
                    MipText(&ObpNameInfo(OBJECT_TO_OBJECT_HEADER(Entry->Object))->Name, &Name));
        }
    }
}

static void MipPrintLink(PVOID Object)
{
    UNICODE_STRING Target = ObpLinkTarget(Object);
    MIP_TEXT Text;

    MiPrint("    Target String is '%.70s'\n", MipText(&Target, &Text));
}

/* The lines that both commands show of an object. */
static void MipPrintObject(PVOID Object) NT_HOLDS(ObpNamespaceMutex)
{
    POBJECT_HEADER Header = OBJECT_TO_OBJECT_HEADER(Object);
    const OBJECT_HEADER_NAME_INFO *NameInfo = ObpNameInfo(Header);
    MIP_TEXT Text;

    MiPrint("Object: %08x  Type: (%08x) %s\n", (ULONG)(ULONG_PTR)Object,
            (ULONG)(ULONG_PTR)Header->Type, MipText(&Header->Type->Name, &Text));
    MiPrint("    ObjectHeader: %08x\n", (ULONG)(ULONG_PTR)Header);
    MiPrint("    HandleCount: %u  PointerCount: %u%s%s\n", (ULONG)Header->HandleCount,
            (ULONG)Header->PointerCount,
            (Header->Flags & OB_FLAG_PERMANENT) != 0 ? "  Permanent" : "",
            (Header->Flags & OB_FLAG_EXCLUSIVE) != 0 ? "  Exclusive" : "");
    if (NameInfo != NULL) {
        MiPrint("    Directory Object: %08x  Name: %.60s\n", (ULONG)(ULONG_PTR)NameInfo->Directory,
                MipText(&NameInfo->Name, &Text));
    }
}

static void MipShowObject(PVOID Object)
{
    ObpAcquire(&ObpNamespaceMutex);
    MipPrintObject(Object);
    if (ObGetType(Object) == ObpDirectoryObjectType) {
        MipPrintEntries(Object);
    } else if (ObGetType(Object) == ObpSymbolicLinkObjectType) {
        MipPrintLink(Object);
    }
    ObpRelease(&ObpNamespaceMutex);
}

static PVOID MipFindInType(POBJECT_TYPE Type, ULONG_PTR Address) NT_HOLDS(ObpTypeMutex)
{
    PLIST_ENTRY Entry;

    for (Entry = Type->TypeList.Flink; Entry != &Type->TypeList; Entry = Entry->Flink) {
        POBJECT_HEADER Header =
            (POBJECT_HEADER)(PVOID)(CONTAINING_RECORD(Entry, OBJECT_HEADER_CREATOR_INFO, TypeList) +
                                    1);

        if (((ULONG_PTR)Header == Address || (ULONG_PTR)&Header->Body == Address) &&
            ObpTryReferenceObject(&Header->Body)) {
            return &Header->Body;
        }
    }
    return NULL;
}

/* => Referenced; NULL: there is no such object. */
static PVOID MipFindByAddress(ULONG_PTR Address)
{
    PVOID Found = NULL;
    PLIST_ENTRY Entry;

    ObpAcquire(&ObpTypeMutex);
    for (Entry = ObpAllTypes.Flink; Found == NULL && Entry != &ObpAllTypes; Entry = Entry->Flink) {
        Found = MipFindInType(CONTAINING_RECORD(Entry, OBJECT_TYPE, AllTypes), Address);
    }
    ObpRelease(&ObpTypeMutex);
    if (Found == NULL) {
        MiFail("%08X is not the address of an object.", (ULONG)Address);
    }
    return Found;
}

static PVOID MipFindByName(const char *Path)
{
    WCHAR Buffer[MIP_TEXT_BYTES];
    UNICODE_STRING Name = {0, sizeof(Buffer), Buffer};
    PVOID Found = NULL;
    ULONG Bytes = 0;
    NTSTATUS Status = RtlUTF8ToUnicodeN(Buffer, sizeof(Buffer), &Bytes, Path, (ULONG)strlen(Path));

    if (NT_SUCCESS(Status)) {
        Name.Length = (USHORT)Bytes;
        Status = ObReferenceObjectByName(&Name, OBJ_CASE_INSENSITIVE | OBJ_OPENLINK, NULL, 0, NULL,
                                         KernelMode, NULL, &Found);
    }
    if (!NT_SUCCESS(Status)) {
        MiFail("%s: status %08x.", Path, (ULONG)Status);
        return NULL;
    }
    return Found;
}

ULONG_PTR MiFindNamedObject(const char *Path)
{
    PVOID Object = MipCanLook() ? MipFindByName(Path) : NULL;

    if (Object != NULL) {
        ObDereferenceObject(Object);
    }
    return (ULONG_PTR)Object;
}

void MiCommandObject(const char *Arguments)
{
    PVOID Object = NULL;
    ULONG_PTR Address;

    if (!MipCanLook()) {
        return;
    }
    if (Arguments[0] == 0 || Arguments[0] == '\\') {
        Object = MipFindByName(Arguments[0] == 0 ? "\\" : Arguments);
    } else if (MiTakeOptional(&Arguments, 0, &Address)) {
        Object = MipFindByAddress(Address);
    }
    if (Object != NULL) {
        MipShowObject(Object);
        ObDereferenceObject(Object);
    }
}

/* ---- !handle ---- */

typedef struct _MIP_HANDLES {
    ULONG_PTR Only; /* this handle; 0: all */
    ULONG_PTR Flags;
    ULONG Shown;
} MIP_HANDLES;

static void MipShowEntry(PVOID Context, ULONG Number, PHANDLE_TABLE_ENTRY Entry) NT_NO_LOCK_ANALYSIS
{
    MIP_HANDLES *Handles = Context;

    if ((Handles->Only != 0 && Number != Handles->Only / 4) || MiStopRequested()) {
        return;
    }
    MiPrint("%04x: Object: %08x  GrantedAccess: %08x%s%s Entry: %08x\n", Number * 4,
            (ULONG)(ULONG_PTR)&ObpEntryObject(Entry)->Body, Entry->GrantedAccess,
            (Entry->Value & OB_ENTRY_PROTECTED) != 0 ? " (Protected)" : "",
            (Entry->Value & OB_ENTRY_INHERIT) != 0 ? " (Inherit)" : "", (ULONG)(ULONG_PTR)Entry);
    if ((Handles->Flags & 2) != 0) {
        MipPrintObject(&ObpEntryObject(Entry)->Body);
        MiPrint("\n");
    }
    Handles->Shown++;
}

static void MipShowHandles(PEPROCESS Process, MIP_HANDLES *Handles)
{
    PHANDLE_TABLE Table = Process->ObjectTable;

    ObpAcquire(&ObpNamespaceMutex);
    ObpAcquire(&ObpHandleMutex);
    MiPrint("PROCESS %08X  Cid: %04x  Image: %s\n", (ULONG)(ULONG_PTR)Process,
            (ULONG)(ULONG_PTR)Process->UniqueProcessId, Process->ImageFileName);
    MiPrint("%s at %08x with %u entries in use\n\n",
            Table == ObpKernelHandleTable ? "Kernel handle table" : "Handle table",
            (ULONG)(ULONG_PTR)Table, Table->HandleCount);
    ObpVisitEntries(Table, MipShowEntry, Handles);
    ObpRelease(&ObpHandleMutex);
    ObpRelease(&ObpNamespaceMutex);
    if (Handles->Only != 0 && Handles->Shown == 0) {
        MiFail("%04x is no handle of it.", (ULONG)Handles->Only);
    }
}

void MiCommandHandle(const char *Arguments)
{
    MIP_HANDLES Handles = {.Only = 0};
    PEPROCESS Process;
    ULONG_PTR Address;

    if (!MiCommandNeedsProcesses() || !MipCanLook() ||
        !MiTakeOptional(&Arguments, 0, &Handles.Only) ||
        !MiTakeOptional(&Arguments, Handles.Only == 0 ? 1 : 3, &Handles.Flags) ||
        !MiTakeOptional(&Arguments, 0, &Address)) {
        return;
    }
    Handles.Only &= ~(ULONG_PTR)OB_KERNEL_HANDLE_BIT;
    Process = Address == 0 ? PsGetCurrentProcess() : MiFindProcess(Address);
    if (Process != NULL) {
        MipShowHandles(Process, &Handles);
    }
}

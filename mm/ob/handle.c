/* SPDX-License-Identifier: MIT */
/*
 * handle.c - making, using and closing handles.
 *
 * A handle is made in three steps: its entry is reserved, the type's Open agrees, the entry is put
 * to use.  Only the first two can fail, so that no handle is seen that is taken back.  Whoever ends
 * the process between the steps finds a reserved entry, and the third step finds Closing.
 *
 * Invariants (checked by ObpVerify):
 *   N1  an object's HandleCount is the number of entries that name it; each is a reference
 *   N2  TotalNumberOfHandles of a type is the sum over its objects
 *
 * Locking: ObpHandleMutex; no procedure of a type is called under it.
 */
#include "mm/ob/handle.h"

#include "mi_assert.h"
#include "nt/bugcodes.h"
#include "vm.h"

POBJECT_TYPE ObpProcessType;

static OB_TABLE_OF *ObpTableOfProcess;

void ObpSetProcesses(POBJECT_TYPE Type, OB_TABLE_OF *TableOf)
{
    ObpProcessType = Type;
    ObpTableOfProcess = TableOf;
}

/* ---- which table ---- */

static PEPROCESS ObpCurrentProcess(void)
{
    return ObpProcessType == NULL ? NULL : PsGetCurrentProcess();
}

static PHANDLE_TABLE ObpTableOf(PEPROCESS Process)
{
    return Process == NULL ? ObpKernelHandleTable : ObpTableOfProcess(Process);
}

static BOOLEAN ObpIsKernelHandle(HANDLE Handle, KPROCESSOR_MODE Mode)
{
    return ((ULONG_PTR)Handle & OB_KERNEL_HANDLE_BIT) != 0 && Mode == KernelMode;
}

/* => *Process: whose table it is, for the procedures of types. */
static PHANDLE_TABLE ObpTableOfHandle(PEPROCESS *Process, PHANDLE Handle, KPROCESSOR_MODE Mode)
{
    if (ObpIsKernelHandle(*Handle, Mode)) {
        *Handle = (HANDLE)((ULONG_PTR)*Handle & ~(ULONG_PTR)OB_KERNEL_HANDLE_BIT);
        *Process = PsInitialSystemProcess;
        return ObpKernelHandleTable;
    }
    return ObpTableOf(*Process);
}

/* ---- counts ---- */

/* A handle more: with its reference. */
static void ObpCountHandle(POBJECT_HEADER Header, PHANDLE_TABLE Table) NT_HOLDS(ObpHandleMutex)
{
    POBJECT_TYPE Type = Header->Type;

    ObfReferenceObject(&Header->Body);
    Header->HandleCount++;
    Type->TotalNumberOfHandles++;
    if (Type->TotalNumberOfHandles > Type->HighWaterNumberOfHandles) {
        Type->HighWaterNumberOfHandles = Type->TotalNumberOfHandles;
    }
    if (ObpQuotaInfo(Header) != NULL) {
        ObpQuotaInfo(Header)->ExclusiveProcess = Table;
    }
}

/* A handle less; its reference is the caller's now.  => How many there were. */
static ULONG ObpUncountHandle(POBJECT_HEADER Header) NT_HOLDS(ObpHandleMutex)
{
    LONG Before = Header->HandleCount;

    MI_ASSERT(Before > 0 && Header->Type->TotalNumberOfHandles != 0);
    Header->HandleCount = Before - 1;
    Header->Type->TotalNumberOfHandles--;
    if (ObpQuotaInfo(Header) != NULL && Before == 1) {
        ObpQuotaInfo(Header)->ExclusiveProcess = NULL;
    }
    return (ULONG)Before;
}

/* What follows when a handle has left its table. */
static void ObpAfterClose(PEPROCESS Process, POBJECT_HEADER Header, ACCESS_MASK Granted,
                          ULONG HandlesBefore)
{
    PVOID Object = &Header->Body;

    if (Header->Type->TypeInfo.Close != NULL) {
        Header->Type->TypeInfo.Close(Process, Object, Granted, HandlesBefore);
    }
    if (HandlesBefore == 1) {
        ObpDeleteUnusedName(Object);
    }
    ObfDereferenceObject(Object);
}

/* ---- making handles ---- */

static NTSTATUS ObpCheckExclusive(POBJECT_HEADER Header, PHANDLE_TABLE Table, ULONG Attributes)
    NT_HOLDS(ObpHandleMutex)
{
    POBJECT_HEADER_QUOTA_INFO Quota = ObpQuotaInfo(Header);

    if (Quota == NULL) {
        return (Attributes & OBJ_EXCLUSIVE) != 0 ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
    }
    return Quota->ExclusiveProcess != NULL && Quota->ExclusiveProcess != Table
               ? STATUS_ACCESS_DENIED
               : STATUS_SUCCESS;
}

static NTSTATUS ObpReserveHandle(POBJECT_HEADER Header, PHANDLE_TABLE Table, ULONG Attributes,
                                 PULONG Number)
{
    NTSTATUS Status;

    ObpAcquire(&ObpHandleMutex);
    Status = ObpCheckExclusive(Header, Table, Attributes);
    if (Table->Closing) {
        Status = STATUS_PROCESS_IS_TERMINATING;
    }
    if (NT_SUCCESS(Status)) {
        *Number = ObpReserveEntry(Table);
        Status = *Number == 0 ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
    }
    ObpRelease(&ObpHandleMutex);
    return Status;
}

static NTSTATUS ObpUseHandle(POBJECT_HEADER Header, PHANDLE_TABLE Table, ULONG Number,
                             ACCESS_MASK Granted, ULONG Attributes)
{
    ULONG_PTR Value = (ULONG_PTR)Header;
    NTSTATUS Status;

    Value |= (Attributes & OBJ_INHERIT) != 0 ? OB_ENTRY_INHERIT : 0;
    Value |= (Attributes & OBJ_PROTECT_CLOSE) != 0 ? OB_ENTRY_PROTECTED : 0;
    ObpAcquire(&ObpHandleMutex);
    Status = ObpCheckExclusive(Header, Table, Attributes);
    if (Table->Closing) {
        Status = STATUS_PROCESS_IS_TERMINATING;
    }
    if (NT_SUCCESS(Status)) {
        ObpUseEntry(Table, Number, Value, Granted);
        ObpCountHandle(Header, Table);
    } else {
        ObpReleaseEntry(Table, Number);
    }
    ObpRelease(&ObpHandleMutex);
    return Status;
}

static void ObpCancelReserve(PHANDLE_TABLE Table, ULONG Number)
{
    ObpAcquire(&ObpHandleMutex);
    ObpReleaseEntry(Table, Number);
    ObpRelease(&ObpHandleMutex);
}

NTSTATUS ObpCreateHandle(OB_OPEN_REASON Reason, PVOID Object, ACCESS_MASK GrantedAccess,
                         ULONG Attributes, PEPROCESS Process, PHANDLE Handle)
{
    POBJECT_HEADER Header = OBJECT_TO_OBJECT_HEADER(Object);
    const OB_TYPE_DESCRIPTION *Type = &Header->Type->TypeInfo;
    ULONG KernelBit = (Attributes & OBJ_KERNEL_HANDLE) != 0 ? OB_KERNEL_HANDLE_BIT : 0;
    PHANDLE_TABLE Table;
    ULONG Number = 0;
    NTSTATUS Status;

    Process = Process == NULL ? ObpCurrentProcess() : Process;
    Process = KernelBit != 0 ? PsInitialSystemProcess : Process;
    Table = KernelBit != 0 ? ObpKernelHandleTable : ObpTableOf(Process);
    Status = ObpReserveHandle(Header, Table, Attributes, &Number);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (Type->Open != NULL) {
        Status = Type->Open(Reason, Process, Object, GrantedAccess);
        if (!NT_SUCCESS(Status)) {
            ObpCancelReserve(Table, Number);
            return Status;
        }
    }
    Status = ObpUseHandle(Header, Table, Number, GrantedAccess, Attributes);
    if (NT_SUCCESS(Status)) {
        *Handle = (HANDLE)((ULONG_PTR)ObpNumberToHandle(Number) | KernelBit);
    } else if (Type->Close != NULL) {
        Type->Close(Process, Object, GrantedAccess, (ULONG)Header->HandleCount + 1);
    }
    return Status;
}

NTSTATUS NTAPI ObOpenObjectByPointer(PVOID Object, ULONG HandleAttributes,
                                     PACCESS_STATE PassedAccessState, ACCESS_MASK DesiredAccess,
                                     POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                     PHANDLE Handle)
{
    POBJECT_TYPE Type = ObGetType(Object);
    ACCESS_MASK Granted = 0;
    NTSTATUS Status;

    (void)PassedAccessState;
    if ((HandleAttributes & ~OBJ_VALID_ATTRIBUTES) != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if (ObjectType != Type && (ObjectType != NULL || AccessMode != KernelMode)) {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    Status =
        ObpGrantAccess(Type, DesiredAccess, ObpAccessMode(AccessMode, HandleAttributes), &Granted);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    return ObpCreateHandle(ObOpenHandle, Object, Granted,
                           ObpHandleAttributes(AccessMode, HandleAttributes), NULL, Handle);
}

/* ---- using handles ---- */

static NTSTATUS ObpReferenceProcessItself(PEPROCESS Process, POBJECT_TYPE Type, PVOID *Object,
                                          POBJECT_HANDLE_INFORMATION Information)
{
    if (Process == NULL) {
        return STATUS_INVALID_HANDLE;
    }
    if (Type != NULL && Type != ObpProcessType) {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    ObfReferenceObject(Process);
    *Object = Process;
    if (Information != NULL) {
        Information->HandleAttributes = 0;
        Information->GrantedAccess = ObpProcessType->TypeInfo.ValidAccessMask;
    }
    return STATUS_SUCCESS;
}

static NTSTATUS ObpReferenceEntry(const HANDLE_TABLE_ENTRY *Entry, ACCESS_MASK DesiredAccess,
                                  POBJECT_TYPE Type, KPROCESSOR_MODE AccessMode, PVOID *Object,
                                  POBJECT_HANDLE_INFORMATION Information) NT_HOLDS(ObpHandleMutex)
{
    POBJECT_HEADER Header;

    if (Entry == NULL) {
        return STATUS_INVALID_HANDLE;
    }
    Header = ObpEntryObject(Entry);
    if (Type != NULL && Header->Type != Type) {
        return STATUS_OBJECT_TYPE_MISMATCH;
    }
    if (AccessMode != KernelMode && (DesiredAccess & ~Entry->GrantedAccess) != 0) {
        return STATUS_ACCESS_DENIED;
    }
    ObfReferenceObject(&Header->Body);
    *Object = &Header->Body;
    if (Information != NULL) {
        Information->HandleAttributes = Entry->Value & OB_ENTRY_FLAGS;
        Information->GrantedAccess = Entry->GrantedAccess;
    }
    return STATUS_SUCCESS;
}

NTSTATUS ObpReferenceByHandle(PEPROCESS Process, HANDLE Handle, ACCESS_MASK DesiredAccess,
                              POBJECT_TYPE Type, KPROCESSOR_MODE AccessMode, PVOID *Object,
                              POBJECT_HANDLE_INFORMATION Information)
{
    PHANDLE_TABLE Table;
    NTSTATUS Status;

    if (Handle == NtCurrentProcess()) {
        return ObpReferenceProcessItself(Process, Type, Object, Information);
    }
    Table = ObpTableOfHandle(&Process, &Handle, AccessMode);
    ObpAcquire(&ObpHandleMutex);
    Status = ObpReferenceEntry(ObpLookupEntry(Table, Handle), DesiredAccess, Type, AccessMode,
                               Object, Information);
    ObpRelease(&ObpHandleMutex);
    return Status;
}

NTSTATUS NTAPI ObReferenceObjectByHandle(HANDLE Handle, ACCESS_MASK DesiredAccess,
                                         POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                         PVOID *Object,
                                         POBJECT_HANDLE_INFORMATION HandleInformation)
{
    return ObpReferenceByHandle(ObpCurrentProcess(), Handle, DesiredAccess, ObjectType, AccessMode,
                                Object, HandleInformation);
}

NTSTATUS ObpSetEntryFlags(HANDLE Handle, KPROCESSOR_MODE Mode, ULONG Flags)
{
    PEPROCESS Process = ObpCurrentProcess();
    PHANDLE_TABLE Table = ObpTableOfHandle(&Process, &Handle, Mode);
    PHANDLE_TABLE_ENTRY Entry;

    ObpAcquire(&ObpHandleMutex);
    Entry = ObpLookupEntry(Table, Handle);
    if (Entry != NULL) {
        Entry->Value = (Entry->Value & ~(ULONG_PTR)OB_ENTRY_FLAGS) | Flags;
    }
    ObpRelease(&ObpHandleMutex);
    return Entry != NULL ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
}

/* ---- closing handles ---- */

/* What OkayToClose of the handle's type says.  => *Object is referenced; NULL: no such handle. */
static BOOLEAN ObpMayClose(PEPROCESS Process, PHANDLE_TABLE Table, HANDLE Handle, PVOID *Object)
{
    const HANDLE_TABLE_ENTRY *Entry;
    OB_OKAY_TO_CLOSE_PROCEDURE *OkayToClose = NULL;

    *Object = NULL;
    ObpAcquire(&ObpHandleMutex);
    Entry = ObpLookupEntry(Table, Handle);
    if (Entry != NULL) {
        *Object = &ObpEntryObject(Entry)->Body;
        OkayToClose = ObpEntryObject(Entry)->Type->TypeInfo.OkayToClose;
        ObfReferenceObject(*Object);
    }
    ObpRelease(&ObpHandleMutex);
    return OkayToClose == NULL || OkayToClose(Process, *Object, Handle);
}

/* => The handle may name another object than the one that was asked: then it is none of ours. */
static NTSTATUS ObpTakeHandle(PHANDLE_TABLE Table, HANDLE Handle, PVOID Object,
                              PACCESS_MASK Granted, PULONG HandlesBefore)
{
    PHANDLE_TABLE_ENTRY Entry;
    NTSTATUS Status = STATUS_INVALID_HANDLE;

    ObpAcquire(&ObpHandleMutex);
    Entry = ObpLookupEntry(Table, Handle);
    if (Entry != NULL && &ObpEntryObject(Entry)->Body == Object) {
        Status =
            (Entry->Value & OB_ENTRY_PROTECTED) != 0 ? STATUS_HANDLE_NOT_CLOSABLE : STATUS_SUCCESS;
    }
    if (NT_SUCCESS(Status)) {
        *Granted = Entry->GrantedAccess;
        *HandlesBefore = ObpUncountHandle(ObpEntryObject(Entry));
        ObpFreeEntry(Table, (ULONG)(ULONG_PTR)Handle / 4);
    }
    ObpRelease(&ObpHandleMutex);
    return Status;
}

static NTSTATUS ObpCloseInTable(PEPROCESS Process, PHANDLE_TABLE Table, HANDLE Handle)
{
    ACCESS_MASK Granted = 0;
    ULONG HandlesBefore = 0;
    NTSTATUS Status = STATUS_HANDLE_NOT_CLOSABLE;
    PVOID Object;

    if (ObpMayClose(Process, Table, Handle, &Object)) {
        Status = Object == NULL ? STATUS_INVALID_HANDLE
                                : ObpTakeHandle(Table, Handle, Object, &Granted, &HandlesBefore);
    }
    if (NT_SUCCESS(Status)) {
        ObpAfterClose(Process, OBJECT_TO_OBJECT_HEADER(Object), Granted, HandlesBefore);
    }
    if (Object != NULL) {
        ObfDereferenceObject(Object);
    }
    return Status;
}

NTSTATUS ObpCloseHandle(PEPROCESS Process, HANDLE Handle, KPROCESSOR_MODE Mode)
{
    HANDLE Given = Handle;
    PHANDLE_TABLE Table;
    NTSTATUS Status;

    if (Handle == NtCurrentProcess()) {
        return STATUS_SUCCESS;
    }
    Table = ObpTableOfHandle(&Process, &Handle, Mode);
    Status = ObpCloseInTable(Process, Table, Handle);
    if (!NT_SUCCESS(Status) && ObpIsKernelHandle(Given, Mode)) {
        KeBugCheckEx(INVALID_KERNEL_HANDLE, (ULONG_PTR)Given, Status == STATUS_INVALID_HANDLE, 0,
                     0);
    }
    return Status;
}

NTSTATUS NTAPI ObCloseHandle(HANDLE Handle, KPROCESSOR_MODE PreviousMode)
{
    return ObpCloseHandle(ObpCurrentProcess(), Handle, PreviousMode);
}

NTSTATUS NTAPI NtClose(HANDLE Handle)
{
    return ObCloseHandle(Handle, ExGetPreviousMode());
}

/* ---- handles of processes ---- */

/* The first entry in use from *Number on leaves the table.  => NULL: there is none. */
static POBJECT_HEADER ObpTakeNext(PHANDLE_TABLE Table, PULONG Number, PACCESS_MASK Granted,
                                  PULONG HandlesBefore)
{
    POBJECT_HEADER Header = NULL;

    ObpAcquire(&ObpHandleMutex);
    Table->Closing = TRUE;
    for (; Header == NULL && *Number < Table->Entries; ++*Number) {
        PHANDLE_TABLE_ENTRY Entry = ObpTableEntry(Table, *Number);

        if (Entry->Value != 0) {
            Header = ObpEntryObject(Entry);
            *Granted = Entry->GrantedAccess;
            *HandlesBefore = ObpUncountHandle(Header);
            ObpFreeEntry(Table, *Number);
        }
    }
    ObpRelease(&ObpHandleMutex);
    return Header;
}

void ObpCloseAllHandles(PHANDLE_TABLE Table, PEPROCESS Process)
{
    POBJECT_HEADER Header;
    ACCESS_MASK Granted = 0;
    ULONG Before = 0;
    ULONG Number = 0;

    while ((Header = ObpTakeNext(Table, &Number, &Granted, &Before)) != NULL) {
        ObpAfterClose(Process, Header, Granted, Before);
    }
}

static void ObpCountInherited(PVOID Context, ULONG Number, PHANDLE_TABLE_ENTRY Entry)
    NT_HOLDS(ObpHandleMutex)
{
    PHANDLE_TABLE Child = Context;

    (void)Number;
    ObpCountHandle(ObpEntryObject(Entry), Child);
}

/* Ask the types of Child's handles; those that are refused go. */
static void ObpAskInherited(PHANDLE_TABLE Child, PEPROCESS Process)
{
    ULONG Number;

    for (Number = 0; Number < Child->Entries; Number++) {
        PHANDLE_TABLE_ENTRY Entry = ObpTableEntry(Child, Number);
        POBJECT_HEADER Header = ObpEntryObject(Entry);
        ULONG Before;

        if (Header == NULL || Header->Type->TypeInfo.Open == NULL ||
            NT_SUCCESS(Header->Type->TypeInfo.Open(ObInheritHandle, Process, &Header->Body,
                                                   Entry->GrantedAccess))) {
            continue;
        }
        ObpAcquire(&ObpHandleMutex);
        Before = ObpUncountHandle(Header);
        ObpFreeEntry(Child, Number);
        ObpRelease(&ObpHandleMutex);
        if (Before == 1) {
            ObpDeleteUnusedName(&Header->Body);
        }
        ObfDereferenceObject(&Header->Body);
    }
}

NTSTATUS ObpInheritHandles(PHANDLE_TABLE Parent, PHANDLE_TABLE Child, PEPROCESS ChildProcess)
{
    BOOLEAN Done;

    ObpAcquire(&ObpHandleMutex);
    Done = ObpInheritEntries(Parent, Child);
    if (Done) {
        ObpVisitEntries(Child, ObpCountInherited, Child);
    }
    ObpRelease(&ObpHandleMutex);
    if (!Done) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ObpAskInherited(Child, ChildProcess);
    return STATUS_SUCCESS;
}

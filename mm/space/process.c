/* SPDX-License-Identifier: MIT */
/*
 * process.c - processes from creation to the last reference, and who a service's handle means.
 *
 *     state     by                      references   user half
 *     alive     PsCreateProcess,        2: its own, and its creator's
 *               PsCloneProcess
 *     ended     PsTerminateProcess      its own is gone          empty for good
 *     deleted   ObfDereferenceObject   none
 *
 * Locking: PspActiveProcessMutex for the list, in which a process stays until it is deleted; who
 * finds it there takes a reference only if there is still one.
 */
#include "mm/space/process.h"
#include "nt/bugcodes.h"

#include "ex.h"
#include "mi_assert.h"
#include "mm/pfn/commit_growth.h"
#include "mm/space/address_space.h"
#include "mm/space/clone.h"
#include "mm/space/clone_table.h"
#include "mm/space/vad.h"
#include "mm/space/working_set_size.h"
#include "mm/sysva/session_space.h"

PEPROCESS PsInitialSystemProcess;
POBJECT_TYPE PsProcessType;
LIST_ENTRY PsActiveProcessHead;
FAST_MUTEX PspActiveProcessMutex;

static ULONG_PTR MipLastProcessId; /* under PspActiveProcessMutex */

PEPROCESS NTAPI IoGetCurrentProcess(void)
{
    return CONTAINING_RECORD(KeGetCurrentProcess(), EPROCESS, Pcb);
}

HANDLE NTAPI PsGetProcessId(PEPROCESS Process)
{
    return Process->UniqueProcessId;
}

static PHANDLE_TABLE MipTableOf(PEPROCESS Process)
{
    return Process->ObjectTable;
}

/* ---- references ---- */

void PsReferenceProcess(PEPROCESS Process)
{
    ObfReferenceObject(Process);
}

void PsDereferenceProcess(PEPROCESS Process)
{
    ObfDereferenceObject(Process);
}

/* What there is of it: it may never have got as far as an address space, or into the list. */
static void MipDeleteProcess(PVOID Object)
{
    PEPROCESS Process = Object;

    if (Process->UniqueProcessId != NULL) {
        ExAcquireFastMutex(&PspActiveProcessMutex);
        RemoveEntryList(&Process->ActiveProcessLinks);
        ExReleaseFastMutex(&PspActiveProcessMutex);
        MI_ASSERT(Process->VmDeleted);
    }
    if (Process->Pcb.DirectoryTableBase[0] != 0) {
        MmDeleteProcessAddressSpace(Process);
        MiTrimCloneTable();
    }
    if (Process->ObjectTable != NULL) {
        ObpCloseAllHandles(Process->ObjectTable, Process); /* a clone's that did not become one */
        ObpDeleteHandleTable(Process->ObjectTable);
    }
    if (!Process->SessionLeader) {
        MiDereferenceSession(Process->Pcb.Session); /* which may be its end */
    }
}

NTSTATUS NTAPI PsLookupProcessByProcessId(HANDLE ProcessId, PEPROCESS *Found)
{
    NTSTATUS Status = STATUS_INVALID_PARAMETER;
    PLIST_ENTRY Entry;

    ExAcquireFastMutex(&PspActiveProcessMutex);
    for (Entry = PsActiveProcessHead.Flink; Entry != &PsActiveProcessHead; Entry = Entry->Flink) {
        PEPROCESS Process = CONTAINING_RECORD(Entry, EPROCESS, ActiveProcessLinks);

        if (Process->UniqueProcessId == ProcessId && ObpTryReferenceObject(Process)) {
            *Found = Process;
            Status = STATUS_SUCCESS;
            break;
        }
    }
    ExReleaseFastMutex(&PspActiveProcessMutex);
    return Status;
}

/* ---- creation and end ---- */

static void MipName(PEPROCESS Process, const char *Name)
{
    PCHAR To = Process->ImageFileName;

    while (*Name != 0 && To < Process->ImageFileName + MI_PROCESS_NAME_BYTES - 1) {
        *To++ = *Name++;
    }
}

static void MipInsertProcess(PEPROCESS Process)
{
    ExAcquireFastMutex(&PspActiveProcessMutex);
    MipLastProcessId += 4;
    Process->UniqueProcessId = (HANDLE)MipLastProcessId;
    InsertTailList(&PsActiveProcessHead, &Process->ActiveProcessLinks);
    ExReleaseFastMutex(&PspActiveProcessMutex);
}

/* The object alone. */
static NTSTATUS MipCreateObject(const char *Name, PEPROCESS *New)
{
    PVOID Object = NULL;
    NTSTATUS Status = ObCreateObject(KernelMode, PsProcessType, NULL, KernelMode, NULL,
                                     sizeof(EPROCESS), 0, 0, &Object);

    if (NT_SUCCESS(Status)) {
        *New = Object;
        MipName(Object, Name);
    }
    return Status;
}

static ULONG_PTR MipHighest(const PS_NEW_PROCESS *Wanted)
{
    return (Wanted->Flags & PS_LARGE_ADDRESS_AWARE) != 0 ? MM_HIGHEST_USER_ADDRESS
                                                         : MI_USUAL_HIGHEST_USER_ADDRESS;
}

/* A process that nobody can find so far.  => On success one reference. */
static NTSTATUS MipAllocateProcess(const PS_NEW_PROCESS *Wanted, PEPROCESS *New)
{
    PEPROCESS Process = NULL;
    NTSTATUS Status = MipCreateObject(Wanted->Name, &Process);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Process->HighestUserAddress = MipHighest(Wanted);
    Process->SessionLeader = Wanted->SessionLeader;
    Process->Pcb.Session = Wanted->Session;
    if (!Wanted->SessionLeader) {
        MiReferenceSession(Wanted->Session);
    }
    Process->ObjectTable = ObpCreateHandleTable(Process);
    Status = Process->ObjectTable == NULL ? STATUS_INSUFFICIENT_RESOURCES
                                          : MmCreateProcessAddressSpace(Process);
    if (!NT_SUCCESS(Status)) {
        ObfDereferenceObject(Process);
        return Status;
    }
    KeInitializeProcess(&Process->Pcb);
    *New = Process;
    return STATUS_SUCCESS;
}

/* It can be found from now on.  => One reference more: its own, while it did not end. */
static NTSTATUS MipPublishProcess(PEPROCESS Process)
{
    NTSTATUS Status = ObInsertObject(Process, NULL, 0, 1, NULL, NULL);

    if (NT_SUCCESS(Status)) {
        MipInsertProcess(Process);
    }
    return Status;
}

NTSTATUS PspCreateProcess(const PS_NEW_PROCESS *Wanted, PEPROCESS *New)
{
    PEPROCESS Process = NULL;
    NTSTATUS Status = MipAllocateProcess(Wanted, &Process);

    if (NT_SUCCESS(Status)) {
        Status = MipPublishProcess(Process);
    }
    if (NT_SUCCESS(Status)) {
        *New = Process;
    }
    return Status;
}

NTSTATUS PsCreateProcess(const char *Name, PEPROCESS *New)
{
    return PsCreateProcessEx(Name, 0, New);
}

/* The creator's process has a reference to its session. */
NTSTATUS PsCreateProcessEx(const char *Name, ULONG Flags, PEPROCESS *New)
{
    const PS_NEW_PROCESS Wanted = {Name, Flags, MiCurrentSession(), FALSE};

    return PspCreateProcess(&Wanted, New);
}

/* As its parent. */
static PS_NEW_PROCESS MipWantClone(const char *Name, PEPROCESS Parent)
{
    ULONG Flags =
        Parent->HighestUserAddress > MI_USUAL_HIGHEST_USER_ADDRESS ? PS_LARGE_ADDRESS_AWARE : 0;

    return (PS_NEW_PROCESS){Name, Flags, Parent->Pcb.Session, FALSE};
}

/* => *Limit: what the commit limit should have been. */
static NTSTATUS MipClone(const char *Name, PEPROCESS Parent, PEPROCESS *New, PULONG Limit)
{
    const PS_NEW_PROCESS Wanted = MipWantClone(Name, Parent);
    PEPROCESS Process = NULL;
    NTSTATUS Status = MipAllocateProcess(&Wanted, &Process);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ObpInheritHandles(Parent->ObjectTable, Process->ObjectTable, Process);
    if (NT_SUCCESS(Status)) {
        Status = MmCloneProcessAddressSpace(Parent, Process);
    }
    if (!NT_SUCCESS(Status)) {
        *Limit = Process->CommitLimitNeeded;
        ObfDereferenceObject(Process);
        return Status;
    }
    Status = MipPublishProcess(Process);
    if (NT_SUCCESS(Status)) {
        *New = Process;
    }
    return Status;
}

NTSTATUS PsCloneProcess(const char *Name, PEPROCESS Parent, PEPROCESS *New)
{
    ULONG Limit = 0;
    ULONG Rises;
    NTSTATUS Status;

    do {
        Rises = MiQueryCommitRises();
        Status = MipClone(Name, Parent, New, &Limit);
    } while (Status == STATUS_COMMITMENT_LIMIT && MiWaitForCommitment(Limit, Rises));
    return Status;
}

void PsTerminateProcess(PEPROCESS Process)
{
    KAPC_STATE ApcState;

    MI_ASSERT(Process != PsInitialSystemProcess);
    ObpCloseAllHandles(Process->ObjectTable, Process);
    KeStackAttachProcess(&Process->Pcb, &ApcState);
    MiLockAddressSpace(Process);
    MI_ASSERT(!Process->VmDeleted);
    if (Process->NumberOfLockedPages != 0) {
        KeBugCheckEx(PROCESS_HAS_LOCKED_PAGES, 0, (ULONG_PTR)Process, Process->NumberOfLockedPages,
                     0);
    }
    Process->VmDeleted = TRUE;
    MiCleanProcessAddressSpace(Process);
    MiUnlockAddressSpace(Process);
    KeUnstackDetachProcess(&ApcState);
    MiDeleteUnusedSegments();
    KeSignalProcess(&Process->Pcb);
    PsDereferenceProcess(Process);
}

void MiForgetProcesses(void)
{
    PsInitialSystemProcess = NULL;
    InitializeListHead(&PsActiveProcessHead);
    ExInitializeFastMutex(&PspActiveProcessMutex);
    MiForgetAddressSpaces();
    MiForgetCloneTable();
}

static NTSTATUS MipCreateProcessType(void)
{
    static const OB_TYPE_DESCRIPTION Description = {
        .Name = u"Process",
        .PoolType = NonPagedPool,
        .Tag = MI_PROCESS_TAG,
        .InvalidAttributes = OBJ_PERMANENT | OBJ_EXCLUSIVE | OBJ_OPENIF,
        .ValidAccessMask = PROCESS_ALL_ACCESS,
        .GenericMapping = {STANDARD_RIGHTS_READ | PROCESS_VM_READ | PROCESS_QUERY_INFORMATION,
                           STANDARD_RIGHTS_WRITE | PROCESS_CREATE_PROCESS | PROCESS_CREATE_THREAD |
                               PROCESS_VM_OPERATION | PROCESS_VM_WRITE | PROCESS_DUP_HANDLE |
                               PROCESS_TERMINATE | PROCESS_SET_QUOTA | PROCESS_SET_INFORMATION,
                           STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE, PROCESS_ALL_ACCESS},
        .Delete = MipDeleteProcess,
        .Waitable = TRUE,
    };

    return ObCreateType(&Description, &PsProcessType);
}

static NTSTATUS MipCreateSystemProcess(void)
{
    PEPROCESS System = NULL;
    NTSTATUS Status = MipCreateObject("System", &System);

    if (NT_SUCCESS(Status)) {
        Status = ObInsertObject(System, NULL, 0, 0, NULL, NULL);
    }
    if (NT_SUCCESS(Status)) {
        Status = MiAdoptAddressSpace(System);
    }
    if (NT_SUCCESS(Status)) {
        KeInitializeProcess(&System->Pcb);
        MipInsertProcess(System);
        KeInitializeProcesses(&System->Pcb);
        PsInitialSystemProcess = System;
        System->ObjectTable = ObpKernelHandleTable;
        ObpSetProcesses(PsProcessType, MipTableOf);
    }
    return Status;
}

NTSTATUS MiInitializeProcesses(void)
{
    NTSTATUS Status;

    MiForgetProcesses();
    MiInitializeWorkingSetLimits();
    MipLastProcessId = 0;
    Status = MipCreateProcessType();
    return NT_SUCCESS(Status) ? MipCreateSystemProcess() : Status;
}

/* ---- whom a service works on ---- */

NTSTATUS MiReferenceTarget(HANDLE ProcessHandle, ACCESS_MASK Access, PEPROCESS *Process)
{
    PVOID Object = NULL;
    NTSTATUS Status;

    if (ProcessHandle == NtCurrentProcess()) { /* as below: it has all access to itself */
        *Process = PsGetCurrentProcess();
        ObReferenceObject(*Process);
        return STATUS_SUCCESS;
    }
    Status = ObReferenceObjectByHandle(ProcessHandle, Access, PsProcessType, ExGetPreviousMode(),
                                       &Object, NULL);
    if (NT_SUCCESS(Status)) {
        *Process = Object;
    }
    return Status;
}

static NTSTATUS MipOpenByClientId(const CLIENT_ID *ClientId, ULONG Attributes,
                                  ACCESS_MASK DesiredAccess, PHANDLE ProcessHandle)
{
    PEPROCESS Process = NULL;
    NTSTATUS Status;

    if (ClientId->UniqueThread != NULL ||
        !NT_SUCCESS(PsLookupProcessByProcessId(ClientId->UniqueProcess, &Process))) {
        return STATUS_INVALID_CID;
    }
    Status = ObOpenObjectByPointer(Process, Attributes, NULL, DesiredAccess, PsProcessType,
                                   ExGetPreviousMode(), ProcessHandle);
    PsDereferenceProcess(Process);
    return Status;
}

NTSTATUS NTAPI NtOpenProcess(PHANDLE ProcessHandle, ACCESS_MASK DesiredAccess,
                             const OBJECT_ATTRIBUTES *ObjectAttributes, PCLIENT_ID ClientId)
{
    BOOLEAN Named = ObjectAttributes != NULL && ObjectAttributes->ObjectName != NULL;

    if (Named == (ClientId != NULL)) {
        return STATUS_INVALID_PARAMETER_MIX;
    }
    if (Named) {
        return ObOpenObjectByName(ObjectAttributes, PsProcessType, ExGetPreviousMode(), NULL,
                                  DesiredAccess, NULL, ProcessHandle);
    }
    return MipOpenByClientId(ClientId, ObjectAttributes == NULL ? 0 : ObjectAttributes->Attributes,
                             DesiredAccess, ProcessHandle);
}

NTSTATUS MiEnterTarget(HANDLE ProcessHandle, ACCESS_MASK Access, PMI_TARGET Target)
{
    NTSTATUS Status = MiReferenceTarget(ProcessHandle, Access, &Target->Process);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KeStackAttachProcess(&Target->Process->Pcb, &Target->ApcState);
    MiLockAddressSpace(Target->Process);
    if (Target->Process->VmDeleted) {
        MiLeaveTarget(Target);
        return STATUS_PROCESS_IS_TERMINATING;
    }
    return STATUS_SUCCESS;
}

void MiLeaveTarget(PMI_TARGET Target)
{
    MiUnlockAddressSpace(Target->Process);
    KeUnstackDetachProcess(&Target->ApcState);
    PsDereferenceProcess(Target->Process);
}

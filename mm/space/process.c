/* SPDX-License-Identifier: MIT */
/*
 * process.c - processes from creation to the last reference, and who a service's handle means.
 *
 *     state     by                      references   user half
 *     alive     PsCreateProcess,        2: its own, and its creator's
 *               PsCloneProcess
 *     ended     PsTerminateProcess      its own is gone          empty for good
 *     deleted   PsDereferenceProcess    none
 *
 * Locking: PspActiveProcessMutex for the list; PointerCount is atomic.  A process is found under
 * the mutex only while its own reference is there, so that it cannot be deleted meanwhile.
 */
#include "mm/space/process.h"
#include "nt/bugcodes.h"

#include "ex.h"
#include "mi_assert.h"
#include "mm/pfn/commit_growth.h"
#include "mm/space/address_space.h"
#include "mm/space/clone.h"
#include "mm/space/clone_table.h"
#include "mm/space/working_set_size.h"

PEPROCESS PsInitialSystemProcess;
LIST_ENTRY PsActiveProcessHead;
FAST_MUTEX PspActiveProcessMutex;

static EPROCESS MipSystemProcess;
static ULONG_PTR MipLastProcessId; /* under PspActiveProcessMutex */

PEPROCESS NTAPI IoGetCurrentProcess(void)
{
    return CONTAINING_RECORD(KeGetCurrentProcess(), EPROCESS, Pcb);
}

HANDLE NTAPI PsGetProcessId(PEPROCESS Process)
{
    return Process->UniqueProcessId;
}

/* ---- references ---- */

void PsReferenceProcess(PEPROCESS Process)
{
    LONG Count = __atomic_add_fetch(&Process->PointerCount, 1, __ATOMIC_RELAXED);

    MI_ASSERT(Count > 1);
}

/* => Its user half is empty, and it is in no list. */
static void MipFreeProcess(PEPROCESS Process)
{
    MmDeleteProcessAddressSpace(Process);
    ExFreePoolWithTag(Process, MI_PROCESS_TAG);
}

static void MipDeleteProcess(PEPROCESS Process)
{
    ExAcquireFastMutex(&PspActiveProcessMutex);
    RemoveEntryList(&Process->ActiveProcessLinks);
    ExReleaseFastMutex(&PspActiveProcessMutex);
    MI_ASSERT(Process->VmDeleted);
    MipFreeProcess(Process);
    MiTrimCloneTable();
}

void PsDereferenceProcess(PEPROCESS Process)
{
    LONG Count = __atomic_sub_fetch(&Process->PointerCount, 1, __ATOMIC_ACQ_REL);

    MI_ASSERT(Count >= 0);
    if (Count == 0) {
        MipDeleteProcess(Process);
    }
}

/* => FALSE: it is being deleted. */
static BOOLEAN MipTryReference(PEPROCESS Process)
{
    LONG Count = __atomic_load_n(&Process->PointerCount, __ATOMIC_RELAXED);

    while (Count != 0) {
        if (__atomic_compare_exchange_n(&Process->PointerCount, &Count, Count + 1, FALSE,
                                        __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
            return TRUE;
        }
    }
    return FALSE;
}

NTSTATUS NTAPI PsLookupProcessByProcessId(HANDLE ProcessId, PEPROCESS *Found)
{
    NTSTATUS Status = STATUS_INVALID_PARAMETER;
    PLIST_ENTRY Entry;

    ExAcquireFastMutex(&PspActiveProcessMutex);
    for (Entry = PsActiveProcessHead.Flink; Entry != &PsActiveProcessHead; Entry = Entry->Flink) {
        PEPROCESS Process = CONTAINING_RECORD(Entry, EPROCESS, ActiveProcessLinks);

        if (Process->UniqueProcessId == ProcessId && MipTryReference(Process)) {
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

/* A process that nobody can find so far. */
static NTSTATUS MipAllocateProcess(const char *Name, ULONG_PTR HighestUserAddress, PEPROCESS *New)
{
    PEPROCESS Process = ExAllocatePoolWithTag(NonPagedPool, sizeof(EPROCESS), MI_PROCESS_TAG);
    NTSTATUS Status;

    if (Process == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Process, 0, sizeof(*Process));
    Process->HighestUserAddress = HighestUserAddress;
    Status = MmCreateProcessAddressSpace(Process);
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(Process, MI_PROCESS_TAG);
        return Status;
    }
    KeInitializeProcess(&Process->Pcb);
    MipName(Process, Name);
    Process->PointerCount = 2;
    *New = Process;
    return STATUS_SUCCESS;
}

NTSTATUS PsCreateProcess(const char *Name, PEPROCESS *New)
{
    return PsCreateProcessEx(Name, 0, New);
}

NTSTATUS PsCreateProcessEx(const char *Name, ULONG Flags, PEPROCESS *New)
{
    ULONG_PTR Highest = (Flags & PS_LARGE_ADDRESS_AWARE) != 0 ? MM_HIGHEST_USER_ADDRESS
                                                              : MI_USUAL_HIGHEST_USER_ADDRESS;
    NTSTATUS Status = MipAllocateProcess(Name, Highest, New);

    if (NT_SUCCESS(Status)) {
        MipInsertProcess(*New);
    }
    return Status;
}

/* => *Limit: what the commit limit should have been. */
static NTSTATUS MipClone(const char *Name, PEPROCESS Parent, PEPROCESS *New, PULONG Limit)
{
    PEPROCESS Process;
    NTSTATUS Status = MipAllocateProcess(Name, Parent->HighestUserAddress, &Process);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MmCloneProcessAddressSpace(Parent, Process);
    if (!NT_SUCCESS(Status)) {
        *Limit = Process->CommitLimitNeeded;
        MipFreeProcess(Process);
        return Status;
    }
    MipInsertProcess(Process);
    *New = Process;
    return STATUS_SUCCESS;
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

NTSTATUS MiInitializeProcesses(void)
{
    PEPROCESS System = &MipSystemProcess;
    NTSTATUS Status;

    MiForgetProcesses();
    MiInitializeWorkingSetLimits();
    memset(System, 0, sizeof(*System));
    MipLastProcessId = 0;
    Status = MiAdoptAddressSpace(System);
    if (NT_SUCCESS(Status)) {
        KeInitializeProcess(&System->Pcb);
        MipName(System, "System");
        System->PointerCount = 1;
        MipInsertProcess(System);
        KeInitializeProcesses(&System->Pcb);
        PsInitialSystemProcess = System;
    }
    return Status;
}

/* ---- whom a service works on ---- */

NTSTATUS MiReferenceTarget(HANDLE ProcessHandle, PEPROCESS *Process)
{
    if (ProcessHandle == NtCurrentProcess()) {
        *Process = PsGetCurrentProcess();
        PsReferenceProcess(*Process);
        return STATUS_SUCCESS;
    }
    return NT_SUCCESS(PsLookupProcessByProcessId(ProcessHandle, Process)) ? STATUS_SUCCESS
                                                                          : STATUS_INVALID_HANDLE;
}

NTSTATUS MiEnterTarget(HANDLE ProcessHandle, PMI_TARGET Target)
{
    NTSTATUS Status = MiReferenceTarget(ProcessHandle, &Target->Process);

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

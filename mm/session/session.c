/* SPDX-License-Identifier: MIT */
/*
 * session.c - sessions from their creation to their end.
 *
 *     state     by                 references                         in the list
 *     alive     MmSessionCreate    the creator's, each process'       yes
 *     deleted   MmSessionDelete    each process'                      yes
 *     ended     the last process   none                               no
 *
 * A session has a process of its own, the leader, in which no thread lives: its address space is
 * where the session's pages are trimmed and, at the end, given back, whoever else has gone; and its
 * page directory is what the session's page tables belong to.  (NT borrows the directory of
 * whoever does it.)  The leader has no reference to its session.
 *
 * Locking: MiSessionMutex for the list; what is found there stays while it is held.  A session is
 * taken apart under PspActiveProcessMutex, so that nobody looks at the leader meanwhile.
 */
#include "mm/session/session.h"

#include "ex.h"
#include "mi_assert.h"
#include "mm/ws/expansion.h"
#include "nt/bugcodes.h"

#define MIP_SESSION_TAG 0x7365534Du /* 'MSes' */
#define MIP_UNITS_TAG   0x7653694Du /* 'MiSv' */

LIST_ENTRY MiSessions;
FAST_MUTEX MiSessionMutex;
MI_SESSION_COUNTERS MiSessionCounters;

/* ---- the list ---- */

static PMI_SESSION_POOL MipFindPool(void)
{
    PMM_SESSION_SPACE Session = MiCurrentSession();

    return Session != NULL ? Session->Pool : NULL;
}

void MiInitializeSessions(void)
{
    InitializeListHead(&MiSessions);
    ExInitializeFastMutex(&MiSessionMutex);
    MiSessionCounters = (MI_SESSION_COUNTERS){.Created = 0};
    MiSetSessionPoolRoutine(MipFindPool);
}

PMI_SESSION MiFindSession(ULONG SessionId)
{
    PLIST_ENTRY Entry;

    for (Entry = MiSessions.Flink; Entry != &MiSessions; Entry = Entry->Flink) {
        PMI_SESSION Session = CONTAINING_RECORD(Entry, MI_SESSION, Links);

        if (Session->Space.SessionId == SessionId) {
            return Session;
        }
    }
    return NULL;
}

/* => One reference.  NULL: there is none, or it was deleted. */
static PMI_SESSION MipReference(ULONG SessionId)
{
    PMI_SESSION Session;

    ExAcquireFastMutex(&MiSessionMutex);
    Session = MiFindSession(SessionId);
    if (Session != NULL && (Session->Deleted || !MiTryReferenceSession(&Session->Space))) {
        Session = NULL;
    }
    ExReleaseFastMutex(&MiSessionMutex);
    return Session;
}

/* In front of the first that does not have the number which would be its own in a row. */
static void MipPublish(PMI_SESSION Session)
{
    PLIST_ENTRY Entry;
    ULONG SessionId = 0;

    ExAcquireFastMutex(&MiSessionMutex);
    for (Entry = MiSessions.Flink; Entry != &MiSessions; Entry = Entry->Flink) {
        if (CONTAINING_RECORD(Entry, MI_SESSION, Links)->Space.SessionId != SessionId) {
            break;
        }
        SessionId++;
    }
    Session->Space.SessionId = SessionId;
    InsertTailList(Entry, &Session->Links);
    MiSessionCounters.Created++;
    ExReleaseFastMutex(&MiSessionMutex);
}

/* ---- its parts ---- */

static NTSTATUS MipCreateViews(PMI_SESSION Session)
{
    const MI_RANGE Range = MiSessionRange(MiSessionViews);
    ULONG Bytes = (Range.Bytes >> MI_SYSTEM_VIEW_SHIFT) * (ULONG)sizeof(MI_SYSTEM_VIEW);

    Session->Views = (MI_VIEW_SPACE){.Start = Range.Start,
                                     .Bytes = Range.Bytes,
                                     .Shift = MI_SYSTEM_VIEW_SHIFT,
                                     .WorkingSet = &Session->Vm,
                                     .Counters = &Session->ViewCounters,
                                     .Session = &Session->Space};
    Session->Views.Units = ExAllocatePoolWithTag(NonPagedPool, Bytes, MIP_UNITS_TAG);
    if (Session->Views.Units == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Session->Views.Units, 0, Bytes);
    return STATUS_SUCCESS;
}

static NTSTATUS MipCreatePool(PMI_SESSION Session)
{
    const MI_RANGE Range = MiSessionRange(MiSessionPool);

    Session->Space.Pool = MiCreateSessionPool(Range.Start, Range.Bytes >> PAGE_SHIFT,
                                              MiCommitSessionPool, MiDecommitSessionPool);
    return Session->Space.Pool != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS MipCreateLeader(PMI_SESSION Session)
{
    const PS_NEW_PROCESS Wanted = {"session", 0, &Session->Space, TRUE};
    PEPROCESS Leader = NULL;
    NTSTATUS Status = PspCreateProcess(&Wanted, &Leader);

    if (NT_SUCCESS(Status)) {
        Session->Space.Leader = &Leader->Pcb;
        Session->Space.Directory = (PFN_NUMBER)(Leader->Pcb.DirectoryTableBase[0] >> PAGE_SHIFT);
    }
    return Status;
}

/* => Its session has no page tables any more. */
static void MipEndLeader(PMI_SESSION Session)
{
    PEPROCESS Leader = CONTAINING_RECORD(Session->Space.Leader, EPROCESS, Pcb);

    ExAcquireFastMutex(&PspActiveProcessMutex);
    Leader->Pcb.Session = NULL; /* who else has a reference to it finds an ordinary process */
    ExReleaseFastMutex(&PspActiveProcessMutex);
    PsTerminateProcess(Leader);
    PsDereferenceProcess(Leader);
}

static NTSTATUS MipCreateStructures(PMI_SESSION Session)
{
    KAPC_STATE ApcState;
    NTSTATUS Status;

    KeStackAttachProcess(Session->Space.Leader, &ApcState);
    Status = MiCreateSessionStructures(Session);
    if (!NT_SUCCESS(Status)) {
        MiDeleteSessionPageTables(&Session->Space);
    }
    KeUnstackDetachProcess(&ApcState);
    return Status;
}

static void MipFree(PMI_SESSION Session)
{
    if (Session->Space.Pool != NULL) {
        MiDeleteSessionPool(Session->Space.Pool);
    }
    if (Session->Views.Units != NULL) {
        ExFreePoolWithTag(Session->Views.Units, MIP_UNITS_TAG);
    }
    ExFreePoolWithTag(Session, MIP_SESSION_TAG);
}

/* ---- the end ---- */

/* => The leader's address space runs. */
static void MipCheckEmpty(PMI_SESSION Session)
{
    MI_SESSION_POOL_FIGURES Pool;

    if (Session->ViewCounters.Views != 0) {
        KeBugCheckEx(SESSION_HAS_VALID_VIEWS_ON_EXIT, Session->Space.SessionId,
                     Session->ViewCounters.Views, (ULONG_PTR)Session->Views.Units,
                     MiViewSpaceUnits(&Session->Views) * sizeof(MI_SYSTEM_VIEW));
    }
    MiQuerySessionPool(Session->Space.Pool, &Pool);
    if (Pool.Allocations != 0) {
        KeBugCheckEx(SESSION_HAS_VALID_POOL_ON_EXIT, Session->Space.SessionId, Pool.Bytes, 0,
                     Pool.Allocations);
    }
}

static void MipTakeApart(PMI_SESSION Session)
{
    KAPC_STATE ApcState;

    ExAcquireFastMutex(&PspActiveProcessMutex);
    KeStackAttachProcess(Session->Space.Leader, &ApcState);
    MiRemoveExpansion(&Session->Vm);
    MiRemoveViewSpace(&Session->Views);
    MiTrimSessionPool(Session->Space.Pool);
    MI_ASSERT(Session->Vm.WorkingSetSize == 0 && Session->Space.CommittedPages == 0);
    Session->Space.Views = NULL;
    MiDeleteSessionStructures(Session);
    MiDeleteSessionPageTables(&Session->Space);
    MI_ASSERT(Session->Space.NonPageablePages == 0);
    KeUnstackDetachProcess(&ApcState);
    ExReleaseFastMutex(&PspActiveProcessMutex);
}

/* Nobody runs in it any more, nobody can find it. */
static void MipEnd(PMM_SESSION_SPACE Space)
{
    PMI_SESSION Session = MiSessionOf(Space);

    ExAcquireFastMutex(&MiSessionMutex);
    RemoveEntryList(&Session->Links);
    MiSessionCounters.Ended++;
    ExReleaseFastMutex(&MiSessionMutex);
    MipCheckEmpty(Session);
    MipTakeApart(Session);
    MipEndLeader(Session);
    MipFree(Session);
}

/* ---- the calls ---- */

static void MipStart(PMI_SESSION Session)
{
    Session->Space.ReferenceCount = 1;
    Session->Space.End = MipEnd;
    Session->Space.GlobalVirtualAddress = &Session->Space;
    Session->Space.WorkingSet = &Session->Vm;
    Session->Space.Views = &Session->Views;
    MiInsertViewSpace(&Session->Views);
    MiInsertExpansion(&Session->Vm);
    MipPublish(Session);
}

NTSTATUS MmSessionCreate(PULONG SessionId)
{
    PMI_SESSION Session = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, MIP_SESSION_TAG);
    NTSTATUS Status;

    if (Session == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Session, 0, PAGE_SIZE);
    Status = MipCreateViews(Session);
    if (NT_SUCCESS(Status)) {
        Status = MipCreatePool(Session);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipCreateLeader(Session);
    }
    if (!NT_SUCCESS(Status)) {
        goto Free;
    }
    Status = MipCreateStructures(Session);
    if (!NT_SUCCESS(Status)) {
        goto EndLeader;
    }
    MipStart(Session);
    *SessionId = Session->Space.SessionId;
    return STATUS_SUCCESS;

EndLeader:
    MipEndLeader(Session);
Free:
    MipFree(Session);
    return Status;
}

NTSTATUS MmSessionDelete(ULONG SessionId)
{
    PMI_SESSION Session;

    ExAcquireFastMutex(&MiSessionMutex);
    Session = MiFindSession(SessionId);
    if (Session != NULL && Session->Deleted) {
        Session = NULL;
    }
    if (Session != NULL) {
        Session->Deleted = TRUE;
    }
    ExReleaseFastMutex(&MiSessionMutex);
    if (Session == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    MiDereferenceSession(&Session->Space);
    return STATUS_SUCCESS;
}

NTSTATUS PsCreateSessionProcess(const char *Name, ULONG Flags, ULONG SessionId, PEPROCESS *Process)
{
    PMI_SESSION Session = MipReference(SessionId);
    PS_NEW_PROCESS Wanted = {Name, Flags, NULL, FALSE};
    NTSTATUS Status;

    if (Session == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    Wanted.Session = &Session->Space;
    Status = PspCreateProcess(&Wanted, Process);
    MiDereferenceSession(&Session->Space);
    return Status;
}

ULONG NTAPI PsGetProcessSessionId(PEPROCESS Process)
{
    return Process->Pcb.Session != NULL ? Process->Pcb.Session->SessionId : MM_NO_SESSION;
}

NTSTATUS NTAPI MmMapViewInSessionSpace(PVOID Section, PVOID *MappedBase, PSIZE_T ViewSize)
{
    PMM_SESSION_SPACE Session = MiCurrentSession();

    return Session != NULL ? MiMapViewInSpace(Session->Views, Section, MappedBase, ViewSize)
                           : STATUS_NOT_MAPPED_VIEW;
}

NTSTATUS NTAPI MmUnmapViewInSessionSpace(PVOID MappedBase)
{
    PMM_SESSION_SPACE Session = MiCurrentSession();

    return Session != NULL ? MiUnmapViewInSpace(Session->Views, MappedBase)
                           : STATUS_NOT_MAPPED_VIEW;
}

/* => The session has a reference. */
static NTSTATUS MipTrim(PMI_SESSION Session)
{
    NTSTATUS Status = STATUS_UNSUCCESSFUL;
    KAPC_STATE ApcState;

    KeStackAttachProcess(Session->Space.Leader, &ApcState);
    if (ExTryToAcquireFastMutex(&Session->WorkingSetMutex)) {
        (void)MiTrimWorkingSet(&Session->Vm, Session->Vm.WorkingSetSize, 0);
        ExReleaseFastMutex(&Session->WorkingSetMutex);
        Status = STATUS_SUCCESS;
    }
    KeUnstackDetachProcess(&ApcState);
    return Status;
}

NTSTATUS MmTrimSessionMemory(ULONG SessionId)
{
    PMI_SESSION Session = MipReference(SessionId);
    NTSTATUS Status = STATUS_INVALID_PARAMETER;

    if (Session != NULL) {
        Status = MipTrim(Session);
        MiDereferenceSession(&Session->Space);
    }
    return Status;
}

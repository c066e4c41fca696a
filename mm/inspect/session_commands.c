/* SPDX-License-Identifier: MIT */
/*
 * session_commands.c - !session and !sprocess, and the sessions of !vm.
 *
 *     !session              which sessions there are, and which one is looked at
 *     !session -s <n>       look at session n; -1: that of the address space that runs, again
 *     !sprocess [n [flags]] the processes of a session, as !process; -1 (or none): of the one that
 *                           is looked at, -4: of all
 */
#include "mm/inspect/commands.h"

#include "mm/session/session.h"

#define MIP_CURRENT     0xFFFFFFFFu
#define MIP_ALL         0xFFFFFFFCu
#define MIP_KB_PER_PAGE (PAGE_SIZE / 1024u)

static ULONG MipSelected = MIP_CURRENT;

/* => MM_NO_SESSION: the address space that runs has none. */
static ULONG MipCurrent(void)
{
    return MipSelected == MIP_CURRENT ? PsGetProcessSessionId(PsGetCurrentProcess()) : MipSelected;
}

/* => FALSE: a sentence said that there is no such session. */
static BOOLEAN MipExists(ULONG SessionId)
{
    BOOLEAN Found;

    ExAcquireFastMutex(&MiSessionMutex);
    Found = MiFindSession(SessionId) != NULL;
    ExReleaseFastMutex(&MiSessionMutex);
    if (!Found && SessionId == MM_NO_SESSION) {
        MiFail("The address space that runs belongs to no session; !session lists them.");
    } else if (!Found) {
        MiFail("There is no session %u; !session lists them.", SessionId);
    }
    return Found;
}

/* ---- !session ---- */

static void MipPrintList(void)
{
    ULONG Count = 0;
    PLIST_ENTRY Entry;

    ExAcquireFastMutex(&MiSessionMutex);
    for (Entry = MiSessions.Flink; Entry != &MiSessions; Entry = Entry->Flink) {
        Count++;
    }
    MiPrint("Sessions on machine: %u\nValid Sessions:", Count);
    for (Entry = MiSessions.Flink; Entry != &MiSessions; Entry = Entry->Flink) {
        MiPrint(" %u", CONTAINING_RECORD(Entry, MI_SESSION, Links)->Space.SessionId);
    }
    MiPrint("\n");
    ExReleaseFastMutex(&MiSessionMutex);
}

static void MipPrintCurrent(const char *Title)
{
    ULONG SessionId = MipCurrent();

    if (SessionId == MM_NO_SESSION) {
        MiPrint("%s none\n", Title);
    } else {
        MiPrint("%s %u\n", Title, SessionId);
    }
}

void MiCommandSession(const char *Arguments)
{
    ULONG_PTR SessionId;

    if (!MiCommandNeedsProcesses()) {
        return;
    }
    if (Arguments[0] == 0) {
        MipPrintList();
        MipPrintCurrent("Current Session");
        return;
    }
    if (Arguments[0] != '-' || Arguments[1] != 's' || Arguments[2] != ' ') {
        MiFail("!session, or !session -s <number>; -1 is the session that runs.");
        return;
    }
    Arguments += 3;
    if (!MiTakeOptional(&Arguments, MIP_CURRENT, &SessionId) ||
        (SessionId != MIP_CURRENT && !MipExists((ULONG)SessionId))) {
        return;
    }
    MipSelected = (ULONG)SessionId;
    MipPrintList();
    MipPrintCurrent("Using session");
}

/* ---- !sprocess ---- */

static void MipPrintMembers(ULONG SessionId, ULONG_PTR Flags)
{
    PLIST_ENTRY Entry;

    ExAcquireFastMutex(&PspActiveProcessMutex);
    for (Entry = PsActiveProcessHead.Flink; Entry != &PsActiveProcessHead; Entry = Entry->Flink) {
        PEPROCESS Process = CONTAINING_RECORD(Entry, EPROCESS, ActiveProcessLinks);

        if (PsGetProcessSessionId(Process) == SessionId) {
            MiPrintProcess(Process, Flags);
        }
    }
    ExReleaseFastMutex(&PspActiveProcessMutex);
}

static void MipPrintSession(const MI_SESSION *Session, ULONG_PTR Flags)
{
    MI_SESSION_POOL_FIGURES Pool;

    MiQuerySessionPool(Session->Space.Pool, &Pool);
    MiPrint("Dumping Session %u\n\n_MM_SESSION_SPACE %08X\n", Session->Space.SessionId,
            (ULONG)(ULONG_PTR)&Session->Space);
    MiPrint("    ReferenceCount %u  CommittedPages %u  NonPageablePages %u  Views %u\n",
            Session->Space.ReferenceCount, Session->Space.CommittedPages,
            Session->Space.NonPageablePages + Session->Vm.ListPages, Session->ViewCounters.Views);
    MiPrint("    PagedPool %u allocations, %u bytes; %u of %u pages, %u resident, peak %u\n",
            Pool.Allocations, (ULONG)Pool.Bytes, Pool.UsedPages, Pool.MaximumPages,
            Session->Space.ResidentPool, Session->Space.PeakResidentPool);
    MiPrint("    Working Set Size %u, peak %u; PageFaultCount %u\n\n", Session->Vm.WorkingSetSize,
            Session->Vm.PeakWorkingSetSize, Session->Vm.PageFaultCount);
    MipPrintMembers(Session->Space.SessionId, Flags);
}

void MiCommandSessionProcess(const char *Arguments)
{
    ULONG_PTR Wanted;
    ULONG_PTR Flags;
    PLIST_ENTRY Entry;

    if (!MiCommandNeedsProcesses() || !MiTakeOptional(&Arguments, MIP_CURRENT, &Wanted) ||
        !MiTakeOptional(&Arguments, 0, &Flags)) {
        return;
    }
    if (Wanted == MIP_CURRENT) {
        Wanted = MipCurrent();
    }
    if (Wanted != MIP_ALL && !MipExists((ULONG)Wanted)) {
        return;
    }
    ExAcquireFastMutex(&MiSessionMutex);
    if (IsListEmpty(&MiSessions)) {
        MiPrint("There are no sessions.\n");
    }
    for (Entry = MiSessions.Flink; Entry != &MiSessions; Entry = Entry->Flink) {
        const MI_SESSION *Session = CONTAINING_RECORD(Entry, MI_SESSION, Links);

        if (Wanted == MIP_ALL || Session->Space.SessionId == Wanted) {
            MipPrintSession(Session, Flags);
        }
    }
    ExReleaseFastMutex(&MiSessionMutex);
}

/* ---- !vm 4 ---- */

void MiPrintSessionUsage(void)
{
    PLIST_ENTRY Entry;

    if (PsInitialSystemProcess == NULL || KeGetCurrentIrql() > APC_LEVEL ||
        IsListEmpty(&MiSessions)) {
        MiPrint("  Terminal Server Memory Usage By Session: there are no sessions\n");
        return;
    }
    MiPrint("  Terminal Server Memory Usage By Session:\n\n"
            "  Session Paged Pool Maximum is %uK\n  Session View Space Maximum is %uK\n",
            MiLayout.SessionPoolBytes / 1024, MiLayout.SessionViewBytes / 1024);
    ExAcquireFastMutex(&MiSessionMutex);
    for (Entry = MiSessions.Flink; Entry != &MiSessions; Entry = Entry->Flink) {
        const MI_SESSION *Session = CONTAINING_RECORD(Entry, MI_SESSION, Links);
        ULONG Fixed = Session->Space.NonPageablePages + Session->Vm.ListPages;

        MiPrint(
            "\n  Session ID %u @ %08x:\n  Paged Pool Usage:   %8uK\n  Commit Usage:       %8uK\n",
            Session->Space.SessionId, (ULONG)(ULONG_PTR)&Session->Space,
            Session->Space.CommittedPages * MIP_KB_PER_PAGE,
            (Session->Space.CommittedPages + Fixed) * MIP_KB_PER_PAGE);
    }
    ExReleaseFastMutex(&MiSessionMutex);
}

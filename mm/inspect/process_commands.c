/* SPDX-License-Identifier: MIT */
/*
 * process_commands.c - !process and .process.
 *
 *     !process              the process whose address space the monitor looks at
 *     !process 0 [flags]    all of them; flag 1: with figures, 4: with their threads, 2: and with
 *                           what these wait for
 *     !process <addr> [..]  one; without flags with figures
 *     .process              which one the monitor looks at
 *     .process <addr>       look at another one: its addresses in !pte, !vad, d* and e*
 *     .process 0            back to where the monitor runs
 *
 * To look at a process is to attach to it, so .process counts for one thread: the monitor's.  Lines
 * for what does not exist yet (token, times) are not printed.
 */
#include "mm/inspect/commands.h"

#include "mm/ke/thread.h"
#include "mm/space/process.h"
#include "mm_session.h"
#include "monitor.h"

static PEPROCESS MipImplicit; /* attached to and referenced; or NULL */
static PKTHREAD MipThread;    /* who did */
static KAPC_STATE MipHome;

BOOLEAN MiCommandNeedsProcesses(void)
{
    if (PsInitialSystemProcess == NULL) {
        MiFail("There are no processes yet.");
        return FALSE;
    }
    if (KeGetCurrentIrql() > APC_LEVEL) {
        MiFail("At IRQL %u nobody can look at another address space.", KeGetCurrentIrql());
        return FALSE;
    }
    return TRUE;
}

PEPROCESS MiFindProcess(ULONG_PTR Address)
{
    PEPROCESS Found = NULL;
    PLIST_ENTRY Entry;

    ExAcquireFastMutex(&PspActiveProcessMutex);
    for (Entry = PsActiveProcessHead.Flink; Entry != &PsActiveProcessHead; Entry = Entry->Flink) {
        PEPROCESS Process = CONTAINING_RECORD(Entry, EPROCESS, ActiveProcessLinks);

        if ((ULONG_PTR)Process == Address) {
            Found = Process;
        }
    }
    ExReleaseFastMutex(&PspActiveProcessMutex);
    if (Found == NULL) {
        MiFail("%08X is not the address of a process; !process 0 0 lists them.", (ULONG)Address);
    }
    return Found;
}

/* ---- !process ---- */

static void MipPrintFigures(const EPROCESS *Process)
{
    MiPrint("    VadRoot %08X Vads %u Private %u. Locked %u. Page tables %u.\n",
            (ULONG)(ULONG_PTR)Process->VadRoot.Root, Process->NumberOfVads,
            Process->CommitCharge - Process->CommittedPageTables, Process->Vm.LockedPages,
            Process->PageTables);
    MiPrint("    QuotaPoolUsage[PagedPool]         %u\n", Process->QuotaUsage[PsPagedPool]);
    MiPrint("    QuotaPoolUsage[NonPagedPool]      %u\n", Process->QuotaUsage[PsNonPagedPool]);
    MiPrint("    Working Set Sizes (now,min,max)  (%u, %u%s, %u%s)\n", Process->Vm.WorkingSetSize,
            Process->Vm.MinimumWorkingSetSize, Process->Vm.MinimumWorkingSetHard ? " hard" : "",
            Process->Vm.MaximumWorkingSetSize, Process->Vm.MaximumWorkingSetHard ? " hard" : "");
    MiPrint("    PeakWorkingSetSize                %u\n", Process->Vm.PeakWorkingSetSize);
    MiPrint("    VirtualSize                       %u Kb\n", (ULONG)Process->VirtualSize / 1024);
    MiPrint("    PeakVirtualSize                   %u Kb\n",
            (ULONG)Process->PeakVirtualSize / 1024);
    MiPrint("    PageFaultCount                    %u\n", Process->Vm.PageFaultCount);
    MiPrint("    MemoryPriority                    %u\n", Process->Vm.MemoryPriority);
    MiPrint("    CommitCharge                      %u\n", Process->CommitCharge);
}

void MiPrintProcess(const EPROCESS *Process, ULONG_PTR Flags)
{
    ULONG SessionId = PsGetProcessSessionId((PEPROCESS)(ULONG_PTR)Process);

    MiPrint("PROCESS %08X  ", (ULONG)(ULONG_PTR)Process);
    if (SessionId == MM_NO_SESSION) {
        MiPrint("SessionId: none  ");
    } else {
        MiPrint("SessionId: %u  ", SessionId);
    }
    MiPrint("Cid: %04x%s\n", (ULONG)(ULONG_PTR)Process->UniqueProcessId,
            Process->VmDeleted ? "  (ended)" : "");
    MiPrint("    DirBase: %08x  ObjectTable: %08X  HandleCount: %3u.  Threads inside: %u\n",
            (ULONG)Process->Pcb.DirectoryTableBase[0], (ULONG)(ULONG_PTR)Process->ObjectTable,
            Process->ObjectTable->HandleCount, Process->Pcb.ThreadsInside);
    MiPrint("    Image: %s\n", Process->ImageFileName);
    if (Flags & 1) {
        MipPrintFigures(Process);
    }
    if (Flags & 6) {
        KiDumpProcessThreads(KiConsoleSink, NULL, &Process->Pcb, (Flags & 2) != 0);
    }
    MiPrint("\n");
}

static void MipPrintAll(ULONG_PTR Flags)
{
    PLIST_ENTRY Entry;

    ExAcquireFastMutex(&PspActiveProcessMutex);
    for (Entry = PsActiveProcessHead.Flink; Entry != &PsActiveProcessHead; Entry = Entry->Flink) {
        MiPrintProcess(CONTAINING_RECORD(Entry, EPROCESS, ActiveProcessLinks), Flags);
    }
    ExReleaseFastMutex(&PspActiveProcessMutex);
}

/* => Whether -1 stood there: what WinDbg calls the current process. */
static BOOLEAN MipTakeCurrent(const char **Arguments)
{
    const char *Text = *Arguments;
    BOOLEAN Current = strncmp(Text, "-1", 2) == 0 && (Text[2] == 0 || Text[2] == ' ');

    *Arguments += Current ? 2 : 0;
    return Current;
}

void MiCommandProcess(const char *Arguments)
{
    BOOLEAN Current = MipTakeCurrent(&Arguments);
    BOOLEAN Mine = Current || Arguments[0] == 0;
    ULONG_PTR Address = 0;
    ULONG_PTR Flags;

    if (!MiCommandNeedsProcesses() || (!Current && !MiTakeOptional(&Arguments, 0, &Address)) ||
        !MiTakeOptional(&Arguments, Address == 0 && !Mine ? 0 : 1, &Flags)) {
        return;
    }
    if (Mine) {
        MiPrintProcess(PsGetCurrentProcess(), Flags);
    } else if (Address == 0) {
        MipPrintAll(Flags);
    } else if (MiFindProcess(Address) != NULL) {
        MiPrintProcess((PEPROCESS)Address, Flags);
    }
}

/* ---- .process ---- */

void MiLookHome(void)
{
    if (MipImplicit != NULL && MipThread == KeGetCurrentThread()) {
        KeUnstackDetachProcess(&MipHome);
        PsDereferenceProcess(MipImplicit);
    }
    MipImplicit = NULL;
}

static void MipLookAt(PEPROCESS Process)
{
    PsReferenceProcess(Process);
    KeStackAttachProcess(&Process->Pcb, &MipHome);
    MipThread = KeGetCurrentThread();
    MipImplicit = Process;
}

void MiRunInSystemProcess(void (*Routine)(void))
{
    PEPROCESS Process = PsGetCurrentProcess() == MipImplicit ? MipImplicit : NULL;

    if (Process != NULL) {
        PsReferenceProcess(Process);
        MiLookHome();
    }
    Routine();
    if (Process != NULL) {
        if (!Process->VmDeleted) {
            MipLookAt(Process);
        }
        PsDereferenceProcess(Process);
    }
}

void MiCommandImplicitProcess(const char *Arguments)
{
    BOOLEAN Ask = Arguments[0] == 0;
    ULONG_PTR Address;
    PEPROCESS Process = NULL;

    if (!MiCommandNeedsProcesses() || !MiTakeOptional(&Arguments, 0, &Address)) {
        return;
    }
    if (Address != 0) {
        Process = MiFindProcess(Address);
        if (Process == NULL) {
            return;
        }
    }
    if (!Ask) {
        MiLookHome();
    }
    if (Process != NULL) {
        MipLookAt(Process);
    }
    MiPrint("Implicit process is %s%08X\n", Ask ? "" : "now ",
            (ULONG)(ULONG_PTR)PsGetCurrentProcess());
}

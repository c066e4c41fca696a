/* SPDX-License-Identifier: MIT */
/*
 * process.c - in whose address space a thread runs.
 *
 * A thread belongs to a process for good and runs in its address space, or in another one that it
 * has attached to.  Which one is ApcState.Process; whoever becomes the running thread brings it
 * along (KiSwapThread).  The system half is the same everywhere, so that stacks, interrupts and
 * DPCs do not care.
 *
 * Locking: KiDispatcherLock, under which CR3 and the running thread's ApcState.Process change
 * together (S7 of schedule.c).
 */
#include "mm/ke/process.h"

#include "arch/mmu.h"
#include "mm/ke/dispatcher.h"

PKPROCESS KiSystemProcess;

void KiSwapProcess(PKPROCESS Process)
{
    PFN_NUMBER Directory;

    if (Process == NULL) {
        return;
    }
    Directory = (PFN_NUMBER)(Process->DirectoryTableBase[0] >> PAGE_SHIFT);
    if (Directory != KiCurrentDirectoryFrame()) {
        KiSwapAddressSpace(Directory);
    }
}

void KiEnterProcess(PKPROCESS Process)
{
    if (Process != NULL) {
        Process->ThreadsInside++;
    }
}

/* The running thread goes on in another process. */
static void KipMove(PKTHREAD Thread, PKPROCESS Process) NT_HOLDS(KiDispatcherLock)
{
    PKPROCESS Old = Thread->ApcState.Process;

    if (Old == Process) {
        return;
    }
    MI_ASSERT(Old != NULL && Old->ThreadsInside != 0);
    Old->ThreadsInside--;
    Process->ThreadsInside++;
    Thread->ApcState.Process = Process;
    KiSwapProcess(Process);
}

void KiLeaveProcess(PKTHREAD Thread)
{
    PKPROCESS Process = Thread->ApcState.Process;

    if (Process != NULL) {
        KipMove(Thread, KiSystemProcess);
        KiSystemProcess->ThreadsInside--;
    }
}

static void KipCheckAttach(PKPROCESS Process, KIRQL Irql)
{
    if (Irql > APC_LEVEL || Process == NULL || KiSystemProcess == NULL) {
        KeBugCheckEx(INVALID_PROCESS_ATTACH_ATTEMPT, (ULONG_PTR)Process,
                     (ULONG_PTR)KiCurrentThread->ApcState.Process, 0, Irql >= DISPATCH_LEVEL);
    }
}

void NTAPI KeStackAttachProcess(PRKPROCESS Process, PRKAPC_STATE ApcState)
{
    KIRQL OldIrql;

    KipCheckAttach(Process, KeGetCurrentIrql());
    OldIrql = KiLockDispatcher();
    ApcState->Process = KiCurrentThread->ApcState.Process;
    KipMove(KiCurrentThread, Process);
    KiUnlockDispatcher(OldIrql);
}

void NTAPI KeUnstackDetachProcess(PRKAPC_STATE ApcState)
{
    KIRQL OldIrql;

    KipCheckAttach(ApcState->Process, KeGetCurrentIrql());
    OldIrql = KiLockDispatcher();
    KipMove(KiCurrentThread, ApcState->Process);
    KiUnlockDispatcher(OldIrql);
}

PKPROCESS KeGetCurrentProcess(void)
{
    return KiCurrentThread == NULL ? NULL : KiCurrentThread->ApcState.Process;
}

void KeInitializeProcess(PKPROCESS Process)
{
    KiInitializeHeader(&Process->Header, ProcessObject, sizeof(*Process), 0);
    Process->ThreadsInside = 0;
}

void KeSignalProcess(PKPROCESS Process)
{
    KIRQL OldIrql = KiLockDispatcher();

    Process->Header.SignalState = 1;
    KiWaitTest(&Process->Header, IO_NO_INCREMENT);
    KiUnlockDispatcher(OldIrql);
}

void KeInitializeProcesses(PKPROCESS System)
{
    KIRQL OldIrql = KiLockDispatcher();
    PLIST_ENTRY Entry;

    MI_ASSERT(KiSystemProcess == NULL);
    MI_ASSERT(System->DirectoryTableBase[0] == KiCurrentDirectoryFrame() << PAGE_SHIFT);
    KiSystemProcess = System;
    for (Entry = KiThreadList.Flink; Entry != &KiThreadList; Entry = Entry->Flink) {
        PKTHREAD Thread = CONTAINING_RECORD(Entry, KTHREAD, ThreadListEntry);

        Thread->Process = System;
        Thread->ApcState.Process = System;
        KiEnterProcess(System);
    }
    KiUnlockDispatcher(OldIrql);
}

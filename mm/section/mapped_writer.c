/* SPDX-License-Identifier: MIT */
/*
 * mapped_writer.c - the thread that writes modified pages of files, and when it does.
 *
 *     woken by      when                                     writes until
 *     mm/pfn        their list reaches its threshold         a quarter of the threshold is left
 *     others        they need memory, or wait for it         the same; memory low: none is left
 *     time          the list was not empty for 30 seconds,   none is left
 *                   or for one while memory is low
 *
 * It is not the modified page writer: a file's pages go by their file system, and whoever waits for
 * that must not keep pages from a paging file, which may be what the file system waits for.
 *
 * Pages that cannot be written go behind the others, which come first: it goes on past some of
 * them.  When it has met with many it waits, twice as long each time up to 8 seconds.
 *
 * Locking: MiPfnLock for lists and pages; one thread writes at a time (MipWriterLock).
 */
#include "mm/section/mapped_writer.h"

#include "arch/mmu.h"
#include "mi_assert.h"
#include "mm/pfn/memory_events.h"
#include "mm/pfn/pfn_database.h"
#include "mm/pfn/pfn_list.h"
#include "mm/section/file_write.h"
#include "mm/space/prototype_pte.h"
#include "ps.h"

#define MIP_SECOND          10000000ll /* in units of 100 ns */
#define MIP_LIFE            30u        /* seconds that a page may stay modified */
#define MIP_FIRST_WAIT      (MIP_SECOND / 8)
#define MIP_LONGEST_WAIT    (8 * MIP_SECOND)
#define MIP_MOST_FAILURES   16u /* writes, before it waits */
#define MIP_THRESHOLD_PART  32u /* of RAM */
#define MIP_WRITER_PRIORITY 17

static KGUARDED_MUTEX MipWriterLock;
static MI_FILE_WRITE MipWrite; /* under MipWriterLock */
static KEVENT MipWake;         /* synchronization: the thread takes it */
static KEVENT MipStop;         /* notification: the thread ends */
static KEVENT MipStopped;      /* notification: it has, or was never started */

void MiWakeMappedWriter(void)
{
    (void)KeSetEvent(&MipWake, IO_NO_INCREMENT, FALSE);
}

void MiInitializeMappedWriter(void)
{
    ULONG Threshold;
    KIRQL OldIrql;

    KeInitializeGuardedMutex(&MipWriterLock);
    KeInitializeEvent(&MipWake, SynchronizationEvent, FALSE);
    KeInitializeEvent(&MipStop, NotificationEvent, FALSE);
    KeInitializeEvent(&MipStopped, NotificationEvent, TRUE);
    MiInitializeFileWriting();
    OldIrql = MiLockPfn();
    Threshold = MiPhysicalPages / MIP_THRESHOLD_PART;
    MiSetModifiedThreshold(MiModifiedMapped,
                           Threshold > MI_FILE_WRITE_PAGES ? Threshold : MI_FILE_WRITE_PAGES,
                           MiWakeMappedWriter);
    MiUnlockPfn(OldIrql);
}

/* ---- one write ---- */

static BOOLEAN MipIsListed(PMMPTE Proto) NT_HOLDS(MiPfnLock)
{
    return MiIsFilePageDirty(Proto) &&
           MI_PFN(MiReadPte(Proto).Hard.PageFrameNumber)->u3.e1.PageLocation == ModifiedPageList;
}

/* The pages that lie together with Proto's and are on the list, too; those before it first. */
static ULONG MipGather(PMMPTE Proto, MMPTE Original) NT_HOLDS(MiPfnLock)
{
    PMMPTE Start;
    PMMPTE End;
    PMMPTE First = Proto;
    PMMPTE Last = Proto + 1;

    MiFindFileRun(Original, Proto, &Start, &End);
    if (End <= Proto) {
        End = Proto + 1; /* it is behind the end of the segment */
    }
    while (First > Start && Proto - First < (LONG)MI_FILE_WRITE_PAGES / 2 &&
           MipIsListed(First - 1)) {
        First--;
    }
    while (Last < End && Last - First < (LONG)MI_FILE_WRITE_PAGES && MipIsListed(Last)) {
        Last++;
    }
    return MiTakeFilePages(&MipWrite, First, Last, MI_FILE_WRITE_PAGES);
}

/* => The pages are MipWrite's.  0: there is none. */
static ULONG MipTakeFirst(void) NT_NOT_HOLDING(MiPfnLock)
{
    KIRQL OldIrql = MiLockPfn();
    PFN_NUMBER Frame = MiMappedModifiedList.Flink;
    ULONG Taken = 0;

    if (Frame != MI_NO_FRAME) {
        Taken = MipGather(MI_PFN(Frame)->PteAddress, MI_PFN(Frame)->OriginalPte);
        MI_ASSERT(Taken != 0); /* a page on a list has no reference */
    }
    MiUnlockPfn(OldIrql);
    return Taken;
}

NTSTATUS MiWriteMappedPages(void)
{
    NTSTATUS Status = STATUS_NO_MORE_ENTRIES;

    KeAcquireGuardedMutex(&MipWriterLock);
    if (MipTakeFirst() != 0) {
        Status = MiWriteFilePages(&MipWrite); /* whose pages keep their area */
    }
    KeReleaseGuardedMutex(&MipWriterLock);
    return Status;
}

static ULONG MipListed(void)
{
    KIRQL OldIrql = MiLockPfn();
    ULONG Pages = MiMappedModifiedList.Total;

    MiUnlockPfn(OldIrql);
    return Pages;
}

/* As many writes as there are pages: those that fail come back to the list. */
NTSTATUS MiFlushMappedPages(void)
{
    NTSTATUS First = STATUS_SUCCESS;
    ULONG Writes = MipListed();
    NTSTATUS Status = STATUS_SUCCESS;

    for (; Writes != 0 && Status != STATUS_NO_MORE_ENTRIES; Writes--) {
        Status = MiWriteMappedPages();
        if (Status != STATUS_NO_MORE_ENTRIES && NT_SUCCESS(First)) {
            First = Status;
        }
    }
    return First;
}

static BOOLEAN MipGoesOn(ULONG Pages)
{
    return KeReadStateEvent(&MipStop) == 0 &&
           MipListed() > (MiMemoryConditionHolds(MiLowMemory) ? 0 : Pages);
}

/* => The last failure; none is tried twice, unless others came meanwhile. */
static NTSTATUS MipWriteDownTo(ULONG Pages)
{
    NTSTATUS Failure = STATUS_SUCCESS;
    ULONG Left = MipListed();

    Left = Left < MIP_MOST_FAILURES ? Left : MIP_MOST_FAILURES;
    while (Left != 0 && MipGoesOn(Pages)) {
        NTSTATUS Status = MiWriteMappedPages();

        if (Status == STATUS_NO_MORE_ENTRIES) {
            break;
        }
        if (!NT_SUCCESS(Status)) {
            Failure = Status;
            Left--;
        }
    }
    return Failure;
}

/* ---- the thread ---- */

/* => FALSE: it has to end. */
static BOOLEAN MipWait(PKEVENT Object, LONGLONG Time, NTSTATUS *Status)
{
    LARGE_INTEGER Timeout = {.QuadPart = -Time};
    PVOID Objects[2] = {&MipStop, Object};

    *Status = KeWaitForMultipleObjects(Object != NULL ? 2 : 1, Objects, WaitAny, WrPageOut,
                                       KernelMode, FALSE, &Timeout, NULL);
    return *Status != STATUS_WAIT_0;
}

static NTSTATUS MipServe(NTSTATUS Woken, PULONG Seconds)
{
    if (MipListed() == 0) {
        *Seconds = 0;
        return STATUS_SUCCESS;
    }
    if (Woken != STATUS_TIMEOUT) {
        return MipWriteDownTo(MiQueryModifiedThreshold(MiModifiedMapped) / 4);
    }
    if (++*Seconds < MIP_LIFE && !MiMemoryConditionHolds(MiLowMemory)) {
        return STATUS_SUCCESS;
    }
    *Seconds = 0;
    return MipWriteDownTo(0);
}

static void NTAPI MipWriterThread(PVOID Context)
{
    LONGLONG BackOff = MIP_FIRST_WAIT;
    ULONG Seconds = 0;
    NTSTATUS Woken;

    (void)Context;
    while (MipWait(&MipWake, MIP_SECOND, &Woken)) {
        NTSTATUS Status = MipServe(Woken, &Seconds);

        if (NT_SUCCESS(Status)) {
            BackOff = MIP_FIRST_WAIT;
            continue;
        }
        if (!MipWait(NULL, BackOff, &Woken)) {
            break;
        }
        BackOff = 2 * BackOff < MIP_LONGEST_WAIT ? 2 * BackOff : MIP_LONGEST_WAIT;
        MiWakeMappedWriter(); /* what it was woken for is still to be done */
    }
    (void)KeSetEvent(&MipStopped, IO_NO_INCREMENT, FALSE);
}

NTSTATUS MiStartMappedWriter(void)
{
    NTSTATUS Status;

    KeClearEvent(&MipStopped);
    Status = PsStartSystemThread(MipWriterThread, NULL, MIP_WRITER_PRIORITY, "mapped pages");
    if (!NT_SUCCESS(Status)) {
        (void)KeSetEvent(&MipStopped, IO_NO_INCREMENT, FALSE);
    }
    return Status;
}

void MiStopMappedWriter(void)
{
    (void)KeSetEvent(&MipStop, IO_NO_INCREMENT, FALSE);
    (void)KeWaitForSingleObject(&MipStopped, Executive, KernelMode, FALSE, NULL);
}

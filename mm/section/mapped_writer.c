/* SPDX-License-Identifier: MIT */
/*
 * mapped_writer.c - the mapped page writer: what it writes when its thread (writer_thread.h of
 * mm/paging) says so.
 *
 * It is not the modified page writer: a file's pages go by their file system, and whoever waits for
 * that must not keep pages from a paging file, which may be what the file system waits for.
 *
 * Pages that cannot be written go behind the others, which come first: it goes on past some of
 * them.  When it has met with many it waits; who waits for memory, or has flushed a file himself,
 * ends that: the disk may be well again.
 *
 * Locking: MiPfnLock for lists and pages; one thread writes at a time (MipWriterLock).
 */
#include "mm/section/mapped_writer.h"

#include "arch/mmu.h"
#include "mi_assert.h"
#include "mm/paging/writer_thread.h"
#include "mm/pfn/pfn_database.h"
#include "mm/pfn/pfn_list.h"
#include "mm/section/file_write.h"
#include "mm/space/prototype_pte.h"

#define MIP_LIFE          30u /* seconds that a page may stay modified */
#define MIP_MOST_FAILURES 16u /* writes, before it waits */

static NTSTATUS MipWriteDownTo(ULONG Pages);
static BOOLEAN MipBackOff(NTSTATUS Status, LONGLONG Time);

static MI_WRITER MipWriter = {
    .Name = "mapped pages",
    .Kind = MiModifiedMapped,
    .LeastThreshold = MI_FILE_WRITE_PAGES,
    .Life = MIP_LIFE,
    .Wake = MiWakeMappedWriter,
    .WriteDownTo = MipWriteDownTo,
    .BackOff = MipBackOff,
};
static KGUARDED_MUTEX MipWriterLock;
static MI_FILE_WRITE MipWrite; /* under MipWriterLock */
static KEVENT MipRetry;        /* synchronization: it is to try again now */

void MiWakeMappedWriter(void)
{
    MiWakeWriter(&MipWriter);
}

void MiRetryMappedWriter(void)
{
    (void)KeSetEvent(&MipRetry, IO_NO_INCREMENT, FALSE);
}

void MiInitializeMappedWriter(void)
{
    KeInitializeGuardedMutex(&MipWriterLock);
    KeInitializeEvent(&MipRetry, SynchronizationEvent, FALSE);
    MiInitializeFileWriting();
    MiInitializeWriter(&MipWriter);
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

/* As many writes as there are pages: those that fail come back to the list. */
NTSTATUS MiFlushMappedPages(void)
{
    NTSTATUS First = STATUS_SUCCESS;
    ULONG Writes = MiCountModified(&MipWriter);
    NTSTATUS Status = STATUS_SUCCESS;

    for (; Writes != 0 && Status != STATUS_NO_MORE_ENTRIES; Writes--) {
        Status = MiWriteMappedPages();
        if (Status != STATUS_NO_MORE_ENTRIES && NT_SUCCESS(First)) {
            First = Status;
        }
    }
    return First;
}

/* => The last failure; none is tried twice, unless others came meanwhile. */
static NTSTATUS MipWriteDownTo(ULONG Pages)
{
    NTSTATUS Failure = STATUS_SUCCESS;
    ULONG Left = MiCountModified(&MipWriter);

    Left = Left < MIP_MOST_FAILURES ? Left : MIP_MOST_FAILURES;
    while (Left != 0 && MiWriterGoesOn(&MipWriter, Pages)) {
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

static BOOLEAN MipBackOff(NTSTATUS Status, LONGLONG Time)
{
    NTSTATUS Woken;

    (void)Status;
    return MiWaitForWriter(&MipWriter, &MipRetry, Time, &Woken);
}

NTSTATUS MiStartMappedWriter(void)
{
    return MiStartWriter(&MipWriter);
}

void MiStopMappedWriter(void)
{
    MiStopWriter(&MipWriter);
}

/* SPDX-License-Identifier: MIT */
/*
 * modified_writer.c - the modified page writer: what it writes when its thread (writer_thread.h)
 * says so, also when memory is wanted.
 *
 * When nothing can be written, because the disk fails or no slot is free, it waits; a slot that
 * becomes free ends the wait for one.
 *
 * Locking: MipWriterLock around each write, so that there is one at a time; under it the disk is
 * waited for, and no working set's mutex is taken.
 */
#include "mm/paging/modified_writer.h"

#include "mm/paging/writer_thread.h"

#define MIP_LIFE 3u /* seconds that a page may stay modified */

static NTSTATUS MipWriteDownTo(ULONG Pages);
static BOOLEAN MipBackOff(NTSTATUS Status, LONGLONG Time);

static MI_WRITER MipWriter = {
    .Name = "modified pages",
    .Kind = MiModifiedPrivate,
    .LeastThreshold = MI_MODIFIED_WRITE_PAGES,
    .Life = MIP_LIFE,
    .Wake = MiWakeModifiedWriter,
    .WriteDownTo = MipWriteDownTo,
    .BackOff = MipBackOff,
};
static KGUARDED_MUTEX MipWriterLock;
static KEVENT MipSlots; /* synchronization: there are slots again */

void MiWakeModifiedWriter(void)
{
    MiWakeWriter(&MipWriter);
}

void MiInitializeModifiedWriter(void)
{
    KeInitializeGuardedMutex(&MipWriterLock);
    KeInitializeEvent(&MipSlots, SynchronizationEvent, FALSE);
    MiInitializePageWriting();
    MiInitializeWriter(&MipWriter);
}

/* ---- writing ---- */

/* One write; slots are reclaimed where there are none. */
static NTSTATUS MipWriteOnce(void)
{
    NTSTATUS Status;

    KeAcquireGuardedMutex(&MipWriterLock);
    Status = MiWriteModifiedPages();
    if (Status == STATUS_DISK_FULL) {
        MiWriterFigures.NoSlots++;
        MiRequestSlots();
        if (MiReclaimSlots(MI_MODIFIED_WRITE_PAGES) != 0) {
            Status = MiWriteModifiedPages();
        }
    }
    KeReleaseGuardedMutex(&MipWriterLock);
    return Status;
}

NTSTATUS MiFlushModifiedPages(void)
{
    NTSTATUS Status;

    do {
        Status = MipWriteOnce();
    } while (Status == STATUS_SUCCESS);
    return Status == STATUS_NO_MORE_ENTRIES ? STATUS_SUCCESS : Status;
}

/* => STATUS_SUCCESS, or why not. */
static NTSTATUS MipWriteDownTo(ULONG Pages)
{
    NTSTATUS Status = STATUS_SUCCESS;

    while (Status == STATUS_SUCCESS && MiWriterGoesOn(&MipWriter, Pages)) {
        Status = MipWriteOnce();
    }
    return Status == STATUS_NO_MORE_ENTRIES ? STATUS_SUCCESS : Status;
}

/* ---- the thread ---- */

static BOOLEAN MipBackOff(NTSTATUS Status, LONGLONG Time)
{
    NTSTATUS Woken;
    BOOLEAN GoesOn;

    MiWriterFigures.BackOffs++;
    if (Status != STATUS_DISK_FULL) {
        return MiWaitForWriter(&MipWriter, NULL, Time, &Woken);
    }
    KeClearEvent(&MipSlots);
    MiAwaitSlots(&MipSlots);
    GoesOn = MiWaitForWriter(&MipWriter, &MipSlots, Time, &Woken);
    MiAwaitSlots(NULL);
    return GoesOn;
}

NTSTATUS MiStartModifiedWriter(void)
{
    return MiStartWriter(&MipWriter);
}

void MiStopModifiedWriter(void)
{
    MiStopWriter(&MipWriter);
}

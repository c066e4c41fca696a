/* SPDX-License-Identifier: MIT */
/*
 * modified_writer.c - the thread that writes modified pages, and when it does.
 *
 *     woken by      when                                     writes until
 *     mm/pfn        the modified list reaches its threshold  a quarter of the threshold is left
 *     others        they need memory, or wait for it         the same; memory low: none is left
 *     time          the list was not empty for 3 seconds,    none is left
 *                   or for one while memory is low
 *
 * When nothing can be written, because the disk fails or no slot is free, it waits, twice as long
 * each time up to 8 seconds, whoever wakes it: a disk that fails everything costs no processor.  A
 * slot that becomes free ends the wait for one.
 *
 * Locking: MipWriterLock around each write, so that there is one at a time; under it the disk is
 * waited for, and no working set's mutex is taken.
 */
#include "mm/paging/modified_writer.h"

#include "mm/pfn/memory_events.h"
#include "mm/pfn/pfn_database.h"
#include "mm/pfn/pfn_list.h"
#include "ps.h"

#define MIP_SECOND         10000000ll /* in units of 100 ns */
#define MIP_LIFE           3u         /* seconds that a page may stay modified */
#define MIP_FIRST_WAIT     (MIP_SECOND / 8)
#define MIP_LONGEST_WAIT   (8 * MIP_SECOND)
#define MIP_THRESHOLD_PART 32u /* of RAM */

static KGUARDED_MUTEX MipWriterLock;
static KEVENT MipWake;    /* synchronization: the thread takes it */
static KEVENT MipSlots;   /* synchronization: there are slots again */
static KEVENT MipStop;    /* notification: the thread ends */
static KEVENT MipStopped; /* notification: it has, or was never started */

void MiWakeModifiedWriter(void)
{
    (void)KeSetEvent(&MipWake, IO_NO_INCREMENT, FALSE);
}

void MiInitializeModifiedWriter(void)
{
    ULONG Threshold;
    KIRQL OldIrql;

    KeInitializeGuardedMutex(&MipWriterLock);
    KeInitializeEvent(&MipWake, SynchronizationEvent, FALSE);
    KeInitializeEvent(&MipSlots, SynchronizationEvent, FALSE);
    KeInitializeEvent(&MipStop, NotificationEvent, FALSE);
    KeInitializeEvent(&MipStopped, NotificationEvent, TRUE);
    MiInitializePageWriting();
    OldIrql = MiLockPfn();
    Threshold = MiPhysicalPages / MIP_THRESHOLD_PART;
    MiSetModifiedThreshold(MiModifiedPrivate,
                           Threshold > MI_MODIFIED_WRITE_PAGES ? Threshold
                                                               : MI_MODIFIED_WRITE_PAGES,
                           MiWakeModifiedWriter);
    MiUnlockPfn(OldIrql);
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

static ULONG MipModifiedPages(void)
{
    KIRQL OldIrql = MiLockPfn();
    ULONG Pages = MiModifiedList.Total;

    MiUnlockPfn(OldIrql);
    return Pages;
}

/* => STATUS_SUCCESS, or why not. */
static NTSTATUS MipWriteDownTo(ULONG Pages)
{
    NTSTATUS Status = STATUS_SUCCESS;

    while (Status == STATUS_SUCCESS && KeReadStateEvent(&MipStop) == 0 &&
           MipModifiedPages() > (MiMemoryConditionHolds(MiLowMemory) ? 0 : Pages)) {
        Status = MipWriteOnce();
    }
    return Status == STATUS_NO_MORE_ENTRIES ? STATUS_SUCCESS : Status;
}

/* ---- the thread ---- */

/* => FALSE: it has to end.  Wait for Object (NULL: nobody) or the time. */
static BOOLEAN MipWait(PKEVENT Object, LONGLONG Time, NTSTATUS *Status)
{
    LARGE_INTEGER Timeout = {.QuadPart = -Time};
    PVOID Objects[2] = {&MipStop, Object};

    *Status = KeWaitForMultipleObjects(Object != NULL ? 2 : 1, Objects, WaitAny, WrPageOut,
                                       KernelMode, FALSE, &Timeout, NULL);
    return *Status != STATUS_WAIT_0;
}

/* What a wake or a second asks for.  => As MipWriteDownTo. */
static NTSTATUS MipServe(NTSTATUS Woken, PULONG Seconds)
{
    if (MipModifiedPages() == 0) {
        *Seconds = 0;
        return STATUS_SUCCESS;
    }
    if (Woken != STATUS_TIMEOUT) {
        return MipWriteDownTo(MiQueryModifiedThreshold(MiModifiedPrivate) / 4);
    }
    if (++*Seconds < MIP_LIFE && !MiMemoryConditionHolds(MiLowMemory)) {
        return STATUS_SUCCESS;
    }
    *Seconds = 0;
    return MipWriteDownTo(0);
}

/* Nothing could be written, for the reason Status.  => FALSE: it has to end. */
static BOOLEAN MipBackOff(NTSTATUS Status, LONGLONG *Time)
{
    NTSTATUS Woken;
    BOOLEAN GoesOn;

    MiWriterFigures.BackOffs++;
    if (Status != STATUS_DISK_FULL) {
        GoesOn = MipWait(NULL, *Time, &Woken);
    } else {
        KeClearEvent(&MipSlots);
        MiAwaitSlots(&MipSlots);
        GoesOn = MipWait(&MipSlots, *Time, &Woken);
        MiAwaitSlots(NULL);
    }
    *Time = 2 * *Time < MIP_LONGEST_WAIT ? 2 * *Time : MIP_LONGEST_WAIT;
    return GoesOn;
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
        if (!MipBackOff(Status, &BackOff)) {
            break;
        }
        MiWakeModifiedWriter(); /* what it was woken for is still to be done */
    }
    (void)KeSetEvent(&MipStopped, IO_NO_INCREMENT, FALSE);
}

NTSTATUS MiStartModifiedWriter(void)
{
    NTSTATUS Status;

    KeClearEvent(&MipStopped);
    Status = PsStartSystemThread(MipWriterThread, NULL, MI_WRITER_PRIORITY, "modified pages");
    if (!NT_SUCCESS(Status)) {
        (void)KeSetEvent(&MipStopped, IO_NO_INCREMENT, FALSE);
    }
    return Status;
}

void MiStopModifiedWriter(void)
{
    (void)KeSetEvent(&MipStop, IO_NO_INCREMENT, FALSE);
    (void)KeWaitForSingleObject(&MipStopped, Executive, KernelMode, FALSE, NULL);
}

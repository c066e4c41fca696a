/* SPDX-License-Identifier: MIT */
/*
 * writer_thread.c - the thread of a page writer: it waits to be woken, writes, and where it cannot
 * it waits, twice as long each time up to 8 seconds, whoever wakes it, but for what its BackOff
 * listens to: a disk that fails everything costs no processor.
 *
 * Locking: none; MiPfnLock for the threshold.
 */
#include "mm/paging/writer_thread.h"

#include "mm/paging/modified_writer.h"
#include "mm/pfn/memory_events.h"
#include "mm/pfn/pfn_database.h"
#include "ps.h"

#define MIP_SECOND         10000000ll /* in units of 100 ns */
#define MIP_FIRST_WAIT     (MIP_SECOND / 8)
#define MIP_LONGEST_WAIT   (8 * MIP_SECOND)
#define MIP_THRESHOLD_PART 32u /* of RAM */

void MiWakeWriter(PMI_WRITER Writer)
{
    (void)KeSetEvent(&Writer->Awake, IO_NO_INCREMENT, FALSE);
}

ULONG MiCountModified(const MI_WRITER *Writer)
{
    KIRQL OldIrql = MiLockPfn();
    ULONG Pages =
        Writer->Kind == MiModifiedMapped ? MiMappedModifiedList.Total : MiModifiedList.Total;

    MiUnlockPfn(OldIrql);
    return Pages;
}

BOOLEAN MiWriterGoesOn(PMI_WRITER Writer, ULONG Pages)
{
    return KeReadStateEvent(&Writer->Stop) == 0 &&
           MiCountModified(Writer) > (MiMemoryConditionHolds(MiLowMemory) ? 0 : Pages);
}

void MiInitializeWriter(PMI_WRITER Writer)
{
    ULONG Threshold;
    KIRQL OldIrql;

    KeInitializeEvent(&Writer->Awake, SynchronizationEvent, FALSE);
    KeInitializeEvent(&Writer->Stop, NotificationEvent, FALSE);
    KeInitializeEvent(&Writer->Stopped, NotificationEvent, TRUE);
    OldIrql = MiLockPfn();
    Threshold = MiPhysicalPages / MIP_THRESHOLD_PART;
    MiSetModifiedThreshold(Writer->Kind,
                           Threshold > Writer->LeastThreshold ? Threshold : Writer->LeastThreshold,
                           Writer->Wake);
    MiUnlockPfn(OldIrql);
}

BOOLEAN MiWaitForWriter(PMI_WRITER Writer, PKEVENT Object, LONGLONG Time, NTSTATUS *Status)
{
    LARGE_INTEGER Timeout = {.QuadPart = -Time};
    PVOID Objects[2] = {&Writer->Stop, Object};

    *Status = KeWaitForMultipleObjects(Object != NULL ? 2 : 1, Objects, WaitAny, WrPageOut,
                                       KernelMode, FALSE, &Timeout, NULL);
    return *Status != STATUS_WAIT_0;
}

/* What a wake or a second asks for.  => As WriteDownTo. */
static NTSTATUS MipServe(PMI_WRITER Writer, NTSTATUS Woken, PULONG Seconds)
{
    if (MiCountModified(Writer) == 0) {
        *Seconds = 0;
        return STATUS_SUCCESS;
    }
    if (Woken != STATUS_TIMEOUT) {
        return Writer->WriteDownTo(MiQueryModifiedThreshold(Writer->Kind) / 4);
    }
    if (++*Seconds < Writer->Life && !MiMemoryConditionHolds(MiLowMemory)) {
        return STATUS_SUCCESS;
    }
    *Seconds = 0;
    return Writer->WriteDownTo(0);
}

static void NTAPI MipWriterThread(PVOID Context)
{
    PMI_WRITER Writer = Context;
    LONGLONG Time = MIP_FIRST_WAIT;
    ULONG Seconds = 0;
    NTSTATUS Woken;

    while (MiWaitForWriter(Writer, &Writer->Awake, MIP_SECOND, &Woken)) {
        NTSTATUS Status = MipServe(Writer, Woken, &Seconds);

        if (NT_SUCCESS(Status)) {
            Time = MIP_FIRST_WAIT;
            continue;
        }
        if (!Writer->BackOff(Status, Time)) {
            break;
        }
        Time = 2 * Time < MIP_LONGEST_WAIT ? 2 * Time : MIP_LONGEST_WAIT;
        MiWakeWriter(Writer); /* what it was woken for is still to be done */
    }
    (void)KeSetEvent(&Writer->Stopped, IO_NO_INCREMENT, FALSE);
}

NTSTATUS MiStartWriter(PMI_WRITER Writer)
{
    NTSTATUS Status;

    KeClearEvent(&Writer->Stopped);
    Status = PsStartSystemThread(MipWriterThread, Writer, MI_WRITER_PRIORITY, Writer->Name);
    if (!NT_SUCCESS(Status)) {
        (void)KeSetEvent(&Writer->Stopped, IO_NO_INCREMENT, FALSE);
    }
    return Status;
}

void MiStopWriter(PMI_WRITER Writer)
{
    (void)KeSetEvent(&Writer->Stop, IO_NO_INCREMENT, FALSE);
    (void)KeWaitForSingleObject(&Writer->Stopped, Executive, KernelMode, FALSE, NULL);
}

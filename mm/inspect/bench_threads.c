/* SPDX-License-Identifier: MIT */
/*
 * bench_threads.c - what a switch between two threads costs.
 *
 * The partner is of our priority, so that setting its event makes it ready and no more; our wait
 * switches to it, and its wait back to us.
 */
#include "bench.h"

#include "mi_assert.h"
#include "mm/ke/thread.h"

static KTHREAD MipPartner;
static KEVENT MipPing;
static KEVENT MipPong;
static volatile BOOLEAN MipPartnerEnds;

static void NTAPI MipAnswer(PVOID Context)
{
    (void)Context;
    while (!MipPartnerEnds) {
        KeWaitForSingleObject(&MipPing, Executive, KernelMode, FALSE, NULL);
        KeSetEvent(&MipPong, IO_NO_INCREMENT, FALSE);
    }
}

static void MipGoThereAndBack(PVOID Context)
{
    (void)Context;
    KeSetEvent(&MipPing, IO_NO_INCREMENT, FALSE);
    KeWaitForSingleObject(&MipPong, Executive, KernelMode, FALSE, NULL);
}

void MiMeasureThreadSwitch(PVOID StackBase, SIZE_T StackBytes, PMI_BENCH_FIGURES Figures)
{
    const KTHREAD_START Start = {.Routine = MipAnswer,
                                 .Priority = KeQueryPriorityThread(KeGetCurrentThread()),
                                 .StackBase = StackBase,
                                 .StackBytes = StackBytes,
                                 .Name = "bench"};
    NTSTATUS Status;

    KeInitializeEvent(&MipPing, SynchronizationEvent, FALSE);
    KeInitializeEvent(&MipPong, SynchronizationEvent, FALSE);
    MipPartnerEnds = FALSE;
    Status = KeCreateSystemThread(&MipPartner, &Start);
    MI_ASSERT(NT_SUCCESS(Status));
    MiMeasure(MipGoThereAndBack, NULL, Figures);
    MiDivideFigures(Figures, 2);
    MipPartnerEnds = TRUE;
    MipGoThereAndBack(NULL);
    KeWaitForSingleObject(&MipPartner, Executive, KernelMode, FALSE, NULL);
}

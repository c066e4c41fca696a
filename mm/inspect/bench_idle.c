/* SPDX-License-Identifier: MIT */
/*
 * bench_idle.c - the counter without the time in which everybody waits.
 *
 * A thread that runs only when nothing else does reads the counter over and over; what its steps
 * take is idle time.  A step that is longer than the shortest was interrupted: what is beyond the
 * shortest was somebody's work.
 */
#include "mm/inspect/bench_idle.h"

#include "arch/cpu.h"
#include "mi_assert.h"
#include "ps.h"

#define MIP_LOWEST_PRIORITY 1   /* above the zero-page thread's, which would stop it */
#define MIP_INTERRUPT       64u /* cycles: a longer step was not the loop's alone */

typedef struct _MIP_IDLE {
    volatile ULONG64 Cycles; /* of the loop's own */
    volatile BOOLEAN Stop;
    KEVENT Ended;
} MIP_IDLE, *PMIP_IDLE;

static MIP_IDLE MipIdle;

static void NTAPI MipWatch(PVOID Context)
{
    PMIP_IDLE Idle = Context;
    ULONG64 Last = KeReadCycleCounter();
    ULONG Quiet = 0xFFFFFFFFu;

    while (!Idle->Stop) {
        ULONG64 Now = KeReadCycleCounter();
        ULONG Step = (ULONG)(Now - Last);

        Last = Now;
        Quiet = Step < Quiet ? Step : Quiet;
        Idle->Cycles += Step > Quiet + MIP_INTERRUPT ? Quiet : Step;
    }
    KeSetEvent(&Idle->Ended, IO_NO_INCREMENT, FALSE);
}

ULONG64 MiBusyCycles(void)
{
    ULONG64 Idle = MipIdle.Cycles;

    return KeReadCycleCounter() - Idle;
}

NTSTATUS MiStartIdleWatch(void)
{
    MipIdle.Cycles = 0;
    MipIdle.Stop = FALSE;
    KeInitializeEvent(&MipIdle.Ended, NotificationEvent, FALSE);
    return PsStartSystemThread(MipWatch, &MipIdle, MIP_LOWEST_PRIORITY, "idle time");
}

void MiStopIdleWatch(void)
{
    NTSTATUS Status;

    MipIdle.Stop = TRUE;
    Status = KeWaitForSingleObject(&MipIdle.Ended, Executive, KernelMode, FALSE, NULL);
    MI_ASSERT(Status == STATUS_SUCCESS);
}

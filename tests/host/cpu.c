/* SPDX-License-Identifier: MIT */
/*
 * cpu.c - IRQL, interrupts and time: include/arch/cpu.h for a Linux process.
 *
 * Time is virtual.  It moves when somebody reads the cycle counter, stalls, or idles, and never by
 * itself, so that a run repeats exactly.  Code of the core is interrupted only where it calls the
 * machine: raising, lowering IRQL, enabling interrupts, reading time, idling.
 *
 * Invariants:
 *   C1  Pending[0, PendingCount) are the interrupts that were raised and not delivered, in the
 *       order of raising
 *   C2  outside of this file none of them is due, above IRQL, with interrupts on
 */
#include "nt/bugcodes.h"
#include "tests/host/machine_i.h"

#include <string.h>

#define PENDING_LIMIT         64u
#define STALL_LIMIT           1000000u
#define CYCLES_OF_MICROSECOND (HOST_CYCLE_FREQUENCY / 1000000u)
#define CYCLES_OF_TICK        (KI_CLOCK_INCREMENT * (CYCLES_OF_MICROSECOND / 10))

/* As many as use up a quantum (KI_QUANTUM). */
#define HOST_PREEMPTION_TICKS 2u

typedef struct _HOST_PENDING {
    ULONG64 Due; /* in cycles */
    HOST_INTERRUPT *Routine;
    PVOID Context;
    KIRQL Irql;
} HOST_PENDING, *PHOST_PENDING;

KIRQL KiCurrentIrql;
static BOOLEAN InterruptsEnabled;
static ULONG64 Cycles;
static HOST_PENDING Pending[PENDING_LIMIT];
static ULONG PendingCount;
static void (*DispatchRoutine)(void);
static BOOLEAN DispatchRequested;
static BOOLEAN ClockRuns;
static KI_BEFORE_RAISE *RaiseRoutine;

void HostpCpuReset(void)
{
    KiCurrentIrql = PASSIVE_LEVEL;
    InterruptsEnabled = TRUE;
    HostpExceptionList = EXCEPTION_CHAIN_END;
    Cycles = 0;
    PendingCount = 0;
    DispatchRequested = FALSE;
    ClockRuns = FALSE;
    RaiseRoutine = NULL;
}

HOST_CPU_STATE HostpCpuState(void)
{
    return (HOST_CPU_STATE){KiCurrentIrql, InterruptsEnabled, HostpExceptionList};
}

void HostpSetCpuState(HOST_CPU_STATE State)
{
    KiCurrentIrql = State.Irql;
    InterruptsEnabled = State.InterruptsEnabled;
    HostpExceptionList = State.ExceptionList;
}

/* ---- interrupts ---- */

/* The highest of those due; of equals the one raised first.  => NULL: none may be delivered. */
static PHOST_PENDING FindDeliverable(void)
{
    PHOST_PENDING Best = NULL;
    ULONG Index;

    for (Index = 0; Index < PendingCount && InterruptsEnabled; Index++) {
        PHOST_PENDING Each = &Pending[Index];

        if (Each->Due <= Cycles && Each->Irql > KiCurrentIrql &&
            (Best == NULL || Each->Irql > Best->Irql)) {
            Best = Each;
        }
    }
    return Best;
}

static HOST_PENDING RemovePending(PHOST_PENDING Interrupt)
{
    HOST_PENDING Copy = *Interrupt;
    ULONG Index = (ULONG)(Interrupt - Pending);

    PendingCount--;
    memmove(Interrupt, Interrupt + 1, (PendingCount - Index) * sizeof(*Interrupt));
    return Copy;
}

static void Deliver(HOST_PENDING Interrupt)
{
    KIRQL OldIrql = KiCurrentIrql;

    KiCurrentIrql = Interrupt.Irql;
    HostpCounters.Interrupts++;
    HostTrace(HostTraceInterrupt, Interrupt.Irql);
    Interrupt.Routine(Interrupt.Context);
    HostpRequire(KiCurrentIrql == Interrupt.Irql, KiCurrentIrql);
    KiCurrentIrql = OldIrql;
}

static BOOLEAN IsDispatchDue(void)
{
    return DispatchRequested && InterruptsEnabled && KiCurrentIrql < DISPATCH_LEVEL;
}

/* May switch to another thread's stack, and come back later. */
static void DeliverDispatch(void)
{
    KIRQL OldIrql = KiCurrentIrql;

    DispatchRequested = FALSE;
    KiCurrentIrql = DISPATCH_LEVEL;
    DispatchRoutine();
    HostpRequire(KiCurrentIrql == DISPATCH_LEVEL, KiCurrentIrql);
    KiCurrentIrql = OldIrql;
}

static void DeliverInterrupts(void)
{
    PHOST_PENDING Found;

    while ((Found = FindDeliverable()) != NULL || IsDispatchDue()) {
        if (IsDispatchDue() && (Found == NULL || Found->Irql <= DISPATCH_LEVEL)) {
            DeliverDispatch();
        } else {
            Deliver(RemovePending(Found));
        }
    }
}

void KiRequestDispatchInterrupt(void)
{
    DispatchRequested = TRUE;
    DeliverInterrupts();
}

void KiConnectDispatchInterrupt(void (*Routine)(void))
{
    DispatchRoutine = Routine;
}

void HostRaiseInterruptAt(ULONG64 Due, KIRQL Level, HOST_INTERRUPT *Routine, PVOID Context)
{
    HostpRequire(Level > PASSIVE_LEVEL && Level <= HIGH_LEVEL, Level);
    HostpRequire(PendingCount < PENDING_LIMIT, PendingCount);
    Pending[PendingCount++] = (HOST_PENDING){Due, Routine, Context, Level};
    DeliverInterrupts();
}

void HostRaiseInterrupt(KIRQL Level, HOST_INTERRUPT *Routine, PVOID Context)
{
    HostRaiseInterruptAt(0, Level, Routine, Context);
}

KIRQL NTAPI KeGetCurrentIrql(void)
{
    return KiCurrentIrql;
}

static void RequireIrql(BOOLEAN Holds, ULONG Code, KIRQL NewIrql, PVOID Caller)
{
    if (!Holds) {
        KeBugCheckEx(Code, KiCurrentIrql, NewIrql, 0, (ULONG_PTR)Caller);
    }
}

void KiSetRaiseRoutine(KI_BEFORE_RAISE *Routine)
{
    RaiseRoutine = Routine;
}

static KIRQL Raise(KIRQL NewIrql)
{
    KIRQL OldIrql = KiCurrentIrql;

    if (RaiseRoutine != NULL && OldIrql < DISPATCH_LEVEL && NewIrql >= DISPATCH_LEVEL) {
        RaiseRoutine();
    }
    KiCurrentIrql = NewIrql;
    if (NewIrql >= DISPATCH_LEVEL) {
        HostpTlbDropPageable();
    }
    return OldIrql;
}

KIRQL FASTCALL KfRaiseIrql(KIRQL NewIrql)
{
    RequireIrql(NewIrql >= KiCurrentIrql, IRQL_NOT_GREATER_OR_EQUAL, NewIrql,
                __builtin_return_address(0));
    RequireIrql(NewIrql <= HIGH_LEVEL, IRQL_NOT_LESS_OR_EQUAL, NewIrql,
                __builtin_return_address(0));
    return Raise(NewIrql);
}

KIRQL NTAPI KeRaiseIrqlToDpcLevel(void)
{
    RequireIrql(KiCurrentIrql <= DISPATCH_LEVEL, IRQL_NOT_GREATER_OR_EQUAL, DISPATCH_LEVEL,
                __builtin_return_address(0));
    return Raise(DISPATCH_LEVEL);
}

void FASTCALL KfLowerIrql(KIRQL NewIrql)
{
    RequireIrql(NewIrql <= KiCurrentIrql, IRQL_NOT_LESS_OR_EQUAL, NewIrql,
                __builtin_return_address(0));
    KiCurrentIrql = NewIrql;
    if (ClockRuns && InterruptsEnabled && KiCurrentIrql < DISPATCH_LEVEL &&
        HostpIsTimeToPreempt()) {
        HostpAdvanceClock(HOST_PREEMPTION_TICKS * CYCLES_OF_TICK);
    }
    DeliverInterrupts();
}

void FASTCALL KiLowerIrqlFromDpcLevel(KIRQL OldIrql)
{
    HostpRequire(KiCurrentIrql == DISPATCH_LEVEL, KiCurrentIrql);
    KfLowerIrql(OldIrql);
}

BOOLEAN KeDisableInterrupts(void)
{
    BOOLEAN WasEnabled = InterruptsEnabled;

    InterruptsEnabled = FALSE;
    return WasEnabled;
}

void KeRestoreInterrupts(BOOLEAN WasEnabled)
{
    InterruptsEnabled = WasEnabled;
    DeliverInterrupts();
}

/* ---- time ---- */

void HostpAdvanceClock(ULONG64 By)
{
    Cycles += By;
    DeliverInterrupts();
}

static void TickClock(PVOID Context)
{
    ULONG64 *Due = Context;

    *Due += CYCLES_OF_TICK;
    HostRaiseInterruptAt(*Due, CLOCK2_LEVEL, TickClock, Due);
    KiClockTick(KI_CLOCK_INCREMENT);
}

void HostStartClock(void)
{
    static ULONG64 Due; /* of the next tick */

    HostpRequire(!ClockRuns, 0);
    ClockRuns = TRUE;
    Due = Cycles + CYCLES_OF_TICK;
    HostRaiseInterruptAt(Due, CLOCK2_LEVEL, TickClock, &Due);
}

ULONG64 HostCycles(void)
{
    return Cycles;
}

ULONG64 KeReadCycleCounter(void)
{
    HostpAdvanceClock(HOST_CYCLES_A_READ);
    return Cycles;
}

ULONG64 KeQueryCycleFrequency(void)
{
    return HOST_CYCLE_FREQUENCY;
}

void NTAPI KeStallExecutionProcessor(ULONG Microseconds)
{
    HostpRequire(Microseconds <= STALL_LIMIT, Microseconds);
    HostpAdvanceClock((ULONG64)Microseconds * CYCLES_OF_MICROSECOND);
}

/* The first that IRQL lets through.  => NULL: nothing will ever wake the processor. */
static const HOST_PENDING *FindNextWake(void)
{
    const HOST_PENDING *Next = NULL;
    ULONG Index;

    for (Index = 0; Index < PendingCount; Index++) {
        if (Pending[Index].Irql > KiCurrentIrql &&
            (Next == NULL || Pending[Index].Due < Next->Due)) {
            Next = &Pending[Index];
        }
    }
    return Next;
}

void KiIdleProcessor(void)
{
    const HOST_PENDING *Next = FindNextWake();

    HostpRequire(KiCurrentIrql <= DISPATCH_LEVEL, KiCurrentIrql);
    if (Next == NULL || !InterruptsEnabled) {
        KeBugCheckEx(HOST_BUGCHECK_DEADLOCK, KiCurrentIrql, InterruptsEnabled, PendingCount,
                     HostCurrentThread());
    }
    HostpAdvanceClock(Next->Due > Cycles ? Next->Due - Cycles : 0);
}

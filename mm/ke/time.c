/* SPDX-License-Identifier: MIT */
/*
 * time.c - the three times that the clock interrupt moves, and what else it starts.
 *
 *     interrupt time   100 ns since KeInitializeThreads; timers count in it
 *     system time      100 ns since 1601; interrupt time plus a constant
 *     tick count       clock interrupts
 *
 * A 64-bit time is written in three stores, High2Time, LowPart, High1Time, and read in the opposite
 * order until both halves agree: a reader that was interrupted notices.
 *
 * The clock only sets flags and asks for the dispatch interrupt; the work is done there.
 */
#include "mm/ke/dispatcher.h"

volatile KSYSTEM_TIME KeTickCount;
static volatile KSYSTEM_TIME KipInterruptTime;
static volatile KSYSTEM_TIME KipSystemTime;

static ULONGLONG ReadTime(const volatile KSYSTEM_TIME *Time)
{
    LONG High;
    ULONG Low;

    do {
        High = Time->High1Time;
        Low = Time->LowPart;
    } while (High != Time->High2Time);
    return (ULONGLONG)(ULONG)High << 32 | Low;
}

static void WriteTime(volatile KSYSTEM_TIME *Time, ULONGLONG Value)
{
    Time->High2Time = (LONG)(Value >> 32);
    Time->LowPart = (ULONG)Value;
    Time->High1Time = (LONG)(Value >> 32);
}

/* Was a hand of the timer table passed whose list is not empty? */
static BOOLEAN TimerMayBeDue(ULONGLONG Before, ULONGLONG Now)
{
    ULONG Hand = (ULONG)(Before >> KI_TIMER_HAND_SHIFT);
    ULONG Last = (ULONG)(Now >> KI_TIMER_HAND_SHIFT);

    if (Last - Hand >= KI_TIMER_HANDS) {
        return TRUE;
    }
    for (; Hand != Last + 1; Hand++) {
        ULONG Index = Hand % KI_TIMER_HANDS;

        if (KiTimerHands[Index / 32] & (1u << (Index % 32))) {
            return TRUE;
        }
    }
    return FALSE;
}

void KiClockTick(ULONG Interval)
{
    ULONGLONG Before = ReadTime(&KipInterruptTime);
    PKTHREAD Thread = KiCurrentThread;

    WriteTime(&KipInterruptTime, Before + Interval);
    WriteTime(&KipSystemTime, ReadTime(&KipSystemTime) + Interval);
    WriteTime(&KeTickCount, ReadTime(&KeTickCount) + 1);
    if (Thread == NULL) {
        return;
    }
    if (TimerMayBeDue(Before, Before + Interval)) {
        KiTimersDue = TRUE;
    }
    if (Thread != &KiIdleThread) {
        /* Already used up: a higher thread came first, and the end of the quantum was its. */
        Thread->Quantum -= Thread->Quantum > 0 ? KI_QUANTUM_OF_TICK : 0;
        KiQuantumEnd |= Thread->Quantum <= 0;
    }
    if (KiTimersDue || KiQuantumEnd || KiDpcDepth != 0) {
        KiRequestDispatchInterrupt();
    }
}

void KiInitializeTime(void)
{
    WriteTime(&KipInterruptTime, 0);
    WriteTime(&KipSystemTime, 0);
    WriteTime(&KeTickCount, 0);
}

LONGLONG KiQuerySystemTime(void)
{
    return (LONGLONG)ReadTime(&KipSystemTime);
}

void KeInitializeSystemTime(LONGLONG SystemTime)
{
    KIRQL OldIrql = KfRaiseIrql(HIGH_LEVEL);

    WriteTime(&KipSystemTime, (ULONGLONG)SystemTime);
    KfLowerIrql(OldIrql);
}

void NTAPI KeQuerySystemTime(PLARGE_INTEGER CurrentTime)
{
    CurrentTime->QuadPart = KiQuerySystemTime();
}

ULONGLONG NTAPI KeQueryInterruptTime(void)
{
    return ReadTime(&KipInterruptTime);
}

void NTAPI KeQueryTickCount(PLARGE_INTEGER CurrentCount)
{
    CurrentCount->QuadPart = (LONGLONG)ReadTime(&KeTickCount);
}

ULONG NTAPI KeQueryTimeIncrement(void)
{
    return KI_CLOCK_INCREMENT;
}

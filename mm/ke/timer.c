/* SPDX-License-Identifier: MIT */
/*
 * timer.c - timers, in a table that is hashed by the time at which they are due.
 *
 * The table is a clock face of KI_TIMER_HANDS lists; a timer is in the list of the hand that points
 * to its due time, this round or a later one.  The clock interrupt looks at the bits of the hands
 * that it passes and, when one is set, asks for the dispatch interrupt, which looks at the lists.
 *
 * Invariants (KiVerifyThreads):
 *   R1  a timer is in the list of its DueTime's hand exactly when Header.Inserted is set
 *   R2  a list is sorted by DueTime
 *   R3  bit n of KiTimerHands is set exactly when list n is not empty
 *
 * Locking: KiDispatcherLock.  The clock reads KiTimerHands and sets KiTimersDue without it.
 */
#include "mm/ke/dispatcher.h"

#define TICKS_OF_MILLISECOND 10000 /* 100 ns each */

LIST_ENTRY KiTimerTable[KI_TIMER_HANDS];
volatile ULONG KiTimerHands[KI_TIMER_HANDS / 32];
volatile BOOLEAN KiTimersDue;
static ULONGLONG KipExpired NT_GUARDED_BY(KiDispatcherLock); /* looked at up to this time */

static ULONG HandOf(ULONGLONG Time)
{
    return (ULONG)(Time >> KI_TIMER_HAND_SHIFT) % KI_TIMER_HANDS;
}

static PKTIMER TimerOf(PLIST_ENTRY Entry)
{
    return CONTAINING_RECORD(Entry, KTIMER, TimerListEntry);
}

/* => Timer->DueTime is set. */
static void Link(PKTIMER Timer) NT_HOLDS(KiDispatcherLock)
{
    ULONG Hand = HandOf(Timer->DueTime.QuadPart);
    PLIST_ENTRY After = KiTimerTable[Hand].Blink;

    while (After != &KiTimerTable[Hand] &&
           TimerOf(After)->DueTime.QuadPart > Timer->DueTime.QuadPart) {
        After = After->Blink;
    }
    InsertHeadList(After, &Timer->TimerListEntry); /* R2 */
    KiTimerHands[Hand / 32] |= 1u << (Hand % 32);  /* R3 */
    Timer->Header.Inserted = TRUE;
}

void KiRemoveTimer(PKTIMER Timer)
{
    ULONG Hand = HandOf(Timer->DueTime.QuadPart);

    Timer->Header.Inserted = FALSE;
    if (RemoveEntryList(&Timer->TimerListEntry)) {
        KiTimerHands[Hand / 32] &= ~(1u << (Hand % 32)); /* R3 */
    }
}

BOOLEAN KiInsertTimer(PKTIMER Timer, LONGLONG DueTime)
{
    ULONGLONG Now = KeQueryInterruptTime();
    LONGLONG Left = DueTime < 0 ? -DueTime : DueTime - KiQuerySystemTime();

    if (Left <= 0) {
        return FALSE;
    }
    Timer->Header.Absolute = DueTime >= 0;
    Timer->DueTime.QuadPart = Now + (ULONGLONG)Left;
    Link(Timer);
    return TRUE;
}

/* ---- expiry ---- */

/* => The timer is not in the table. */
static void Expire(PKTIMER Timer) NT_HOLDS(KiDispatcherLock)
{
    ULONGLONG Now = KeQueryInterruptTime();

    KeCounters.TimersExpired++;
    if (Timer->Period != 0) {
        ULONGLONG Period = (ULONGLONG)Timer->Period * TICKS_OF_MILLISECOND;

        /* without drift, unless whole periods were missed */
        Timer->DueTime.QuadPart += Period;
        if (Timer->DueTime.QuadPart <= Now) {
            Timer->DueTime.QuadPart = Now + Period;
        }
        Link(Timer);
    }
    if (Timer->Dpc != NULL) {
        KeInsertQueueDpc(Timer->Dpc, NULL, NULL);
    }
    Timer->Header.SignalState = 1;
    KiWaitTest(&Timer->Header, IO_NO_INCREMENT);
}

void KiExpireTimers(void)
{
    ULONGLONG Now;
    ULONG Hand;
    ULONG Count;

    KiTimersDue = FALSE; /* before the time is read: a tick from now on sets it again */
    Now = KeQueryInterruptTime();
    Hand = (ULONG)(KipExpired >> KI_TIMER_HAND_SHIFT);
    Count = (ULONG)((Now >> KI_TIMER_HAND_SHIFT) - (KipExpired >> KI_TIMER_HAND_SHIFT)) + 1;
    KipExpired = Now;
    if (Count > KI_TIMER_HANDS) {
        Count = KI_TIMER_HANDS;
    }
    for (; Count != 0; Count--, Hand++) {
        PLIST_ENTRY List = &KiTimerTable[Hand % KI_TIMER_HANDS];

        while (!IsListEmpty(List) && TimerOf(List->Flink)->DueTime.QuadPart <= Now) {
            PKTIMER Timer = TimerOf(List->Flink);

            KiRemoveTimer(Timer);
            Expire(Timer);
        }
    }
}

/* ---- the documented calls ---- */

void NTAPI KeInitializeTimer(PKTIMER Timer)
{
    KeInitializeTimerEx(Timer, NotificationTimer);
}

void NTAPI KeInitializeTimerEx(PKTIMER Timer, TIMER_TYPE Type)
{
    KiInitializeHeader(&Timer->Header, (UCHAR)(TimerNotificationObject + Type), sizeof(*Timer), 0);
    Timer->DueTime.QuadPart = 0;
    Timer->TimerListEntry = (LIST_ENTRY){NULL, NULL};
    Timer->Dpc = NULL;
    Timer->Period = 0;
}

BOOLEAN NTAPI KeSetTimer(PKTIMER Timer, LARGE_INTEGER DueTime, PKDPC Dpc)
{
    return KeSetTimerEx(Timer, DueTime, 0, Dpc);
}

BOOLEAN NTAPI KeSetTimerEx(PKTIMER Timer, LARGE_INTEGER DueTime, LONG Period, PKDPC Dpc)
{
    KIRQL OldIrql;
    BOOLEAN WasSet;

    MI_ASSERT(Period >= 0);
    OldIrql = KiLockDispatcher();
    WasSet = Timer->Header.Inserted;
    if (WasSet) {
        KiRemoveTimer(Timer);
    }
    Timer->Header.SignalState = 0;
    Timer->Dpc = Dpc;
    Timer->Period = (ULONG)Period;
    if (!KiInsertTimer(Timer, DueTime.QuadPart)) {
        Timer->DueTime.QuadPart = KeQueryInterruptTime();
        Expire(Timer);
    }
    KiUnlockDispatcher(OldIrql);
    return WasSet;
}

BOOLEAN NTAPI KeCancelTimer(PKTIMER Timer)
{
    KIRQL OldIrql = KiLockDispatcher();
    BOOLEAN WasSet = Timer->Header.Inserted;

    if (WasSet) {
        KiRemoveTimer(Timer);
    }
    KiUnlockDispatcher(OldIrql);
    return WasSet;
}

BOOLEAN NTAPI KeReadStateTimer(PKTIMER Timer)
{
    return Timer->Header.SignalState != 0;
}

void KiInitializeTimers(void) NT_NO_LOCK_ANALYSIS
{
    ULONG Hand;

    for (Hand = 0; Hand < KI_TIMER_HANDS; Hand++) {
        InitializeListHead(&KiTimerTable[Hand]);
        KiTimerHands[Hand / 32] = 0;
    }
    KiTimersDue = FALSE;
    KipExpired = KeQueryInterruptTime();
}

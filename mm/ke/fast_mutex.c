/* SPDX-License-Identifier: MIT */
/*
 * fast_mutex.c - fast mutexes and guarded mutexes: one atomic step when nobody else wants them.
 *
 * Both are a count and a synchronization object.  The count is 1 when free; each who wants the
 * mutex takes 1, and whoever finds it taken waits.  Release gives 1 back and, when somebody waits,
 * signals the object: it hands the mutex over, so that it is never free in between.
 *
 * They differ in what keeps APCs away from the owner: APC_LEVEL or a guarded region.
 *
 * Invariant F1: Owner is who has it, NULL while it is free or handed over.  Recursion, and release
 * by another thread, are found with it.
 */
#include "mm/ke/dispatcher.h"

static BOOLEAN TakeCount(volatile LONG *Count)
{
    return __atomic_sub_fetch(Count, 1, __ATOMIC_ACQUIRE) == 0;
}

static BOOLEAN TryCount(volatile LONG *Count)
{
    LONG Free = 1;

    return __atomic_compare_exchange_n(Count, &Free, 0, FALSE, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* => Returns whether somebody waits. */
static BOOLEAN GiveCount(volatile LONG *Count)
{
    return __atomic_add_fetch(Count, 1, __ATOMIC_RELEASE) <= 0;
}

static void WaitForHandOver(PVOID Object, PULONG Contention, KWAIT_REASON Reason)
{
    __atomic_fetch_add(Contention, 1, __ATOMIC_RELAXED);
    KeWaitForSingleObject(Object, Reason, KernelMode, FALSE, NULL);
}

/* ---- fast mutexes ---- */

/* Inline: each page fault takes one, and gives it back. */
static inline void AcquireFast(PFAST_MUTEX FastMutex)
{
    MI_ASSERT(FastMutex->Owner != KiCurrentThread); /* F1 */
    if (!TakeCount(&FastMutex->Count)) {
        WaitForHandOver(&FastMutex->Event, &FastMutex->Contention, WrFastMutex);
    }
    FastMutex->Owner = KiCurrentThread;
}

static inline void ReleaseFast(PFAST_MUTEX FastMutex)
{
    MI_ASSERT(FastMutex->Owner == KiCurrentThread); /* F1 */
    FastMutex->Owner = NULL;
    if (GiveCount(&FastMutex->Count)) {
        KeSetEvent(&FastMutex->Event, EVENT_INCREMENT, FALSE);
    }
}

void FASTCALL ExAcquireFastMutexUnsafe(PFAST_MUTEX FastMutex)
{
    AcquireFast(FastMutex);
}

void FASTCALL ExReleaseFastMutexUnsafe(PFAST_MUTEX FastMutex)
{
    ReleaseFast(FastMutex);
}

void FASTCALL ExAcquireFastMutex(PFAST_MUTEX FastMutex)
{
    KIRQL OldIrql = KfRaiseIrql(APC_LEVEL);

    AcquireFast(FastMutex);
    FastMutex->OldIrql = OldIrql;
}

void FASTCALL ExReleaseFastMutex(PFAST_MUTEX FastMutex)
{
    KIRQL OldIrql = (KIRQL)FastMutex->OldIrql; /* the next owner overwrites it */

    ReleaseFast(FastMutex);
    KfLowerIrql(OldIrql);
}

BOOLEAN FASTCALL ExTryToAcquireFastMutex(PFAST_MUTEX FastMutex)
{
    KIRQL OldIrql = KfRaiseIrql(APC_LEVEL);

    if (!TryCount(&FastMutex->Count)) {
        KfLowerIrql(OldIrql);
        return FALSE;
    }
    FastMutex->Owner = KiCurrentThread;
    FastMutex->OldIrql = OldIrql;
    return TRUE;
}

/* ---- guarded mutexes ---- */

void FASTCALL KeInitializeGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    *Mutex = (KGUARDED_MUTEX){.Count = 1};
    KiInitializeHeader(&Mutex->Gate.Header, GateObject, sizeof(Mutex->Gate), 0);
}

static void SignalGate(PKGATE Gate)
{
    KIRQL OldIrql = KiLockDispatcher();

    Gate->Header.SignalState = 1;
    KiWaitTest(&Gate->Header, IO_NO_INCREMENT);
    KiUnlockDispatcher(OldIrql);
}

static void RequireGuard(void)
{
    MI_ASSERT(KiCurrentThread->SpecialApcDisable < 0 || KeGetCurrentIrql() == APC_LEVEL);
}

void FASTCALL KeAcquireGuardedMutexUnsafe(PKGUARDED_MUTEX Mutex)
{
    RequireGuard();
    MI_ASSERT(Mutex->Owner != KiCurrentThread); /* F1 */
    if (!TakeCount(&Mutex->Count)) {
        WaitForHandOver(&Mutex->Gate, &Mutex->Contention, WrGuardedMutex);
    }
    Mutex->Owner = KiCurrentThread;
}

void FASTCALL KeReleaseGuardedMutexUnsafe(PKGUARDED_MUTEX Mutex)
{
    RequireGuard();
    MI_ASSERT(Mutex->Owner == KiCurrentThread); /* F1 */
    Mutex->Owner = NULL;
    if (GiveCount(&Mutex->Count)) {
        SignalGate(&Mutex->Gate);
    }
}

void FASTCALL KeAcquireGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    KeEnterGuardedRegion();
    KeAcquireGuardedMutexUnsafe(Mutex);
    Mutex->SpecialApcDisable = KiCurrentThread->SpecialApcDisable;
}

void FASTCALL KeReleaseGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    MI_ASSERT(Mutex->SpecialApcDisable == KiCurrentThread->SpecialApcDisable);
    KeReleaseGuardedMutexUnsafe(Mutex);
    KeLeaveGuardedRegion();
}

BOOLEAN FASTCALL KeTryToAcquireGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    KeEnterGuardedRegion();
    if (!TryCount(&Mutex->Count)) {
        KeLeaveGuardedRegion();
        return FALSE;
    }
    Mutex->Owner = KiCurrentThread;
    Mutex->SpecialApcDisable = KiCurrentThread->SpecialApcDisable;
    return TRUE;
}

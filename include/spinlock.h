/* SPDX-License-Identifier: MIT */
/*
 * spinlock.h - NT's executive spin lock.
 *
 * One processor runs today, so holding a lock means being at DISPATCH_LEVEL or above; the word
 * still records that the lock is taken, and every misuse is a bug check.
 */
#ifndef SPINLOCK_H
#define SPINLOCK_H

#include "arch/cpu.h"
#include "nt/annotations.h"
#include "nt/types.h"

/* As documented: one pointer-sized word, 0 = free.  Otherwise who took it: a code address. */
typedef ULONG_PTR NT_CAPABILITY("spin lock") KSPIN_LOCK, *PKSPIN_LOCK;

void NTAPI KeInitializeSpinLock(PKSPIN_LOCK SpinLock);

/*
 * What every lock does with its word, at DISPATCH_LEVEL; inline for the locks whose instructions
 * count.  The two that end in a bug check are out of line.  Caller is who gets the blame: a code
 * address; 0 in KiGiveSpinLock: the place itself.
 */
NT_NORETURN void KiSpinLockIsTaken(PKSPIN_LOCK SpinLock, ULONG_PTR Caller);
NT_NORETURN void KiSpinLockIsFree(PKSPIN_LOCK SpinLock, ULONG_PTR Caller);

/* The host bench learns the order in which locks are taken, and fails a test that breaks it. */
#if defined(HYPERSPACE_HOST)
void KiNoteLockTaken(PKSPIN_LOCK SpinLock);
void KiNoteLockGiven(PKSPIN_LOCK SpinLock);
#else
#define KiNoteLockTaken(SpinLock) ((void)0)
#define KiNoteLockGiven(SpinLock) ((void)0)
#endif

static inline void KiTakeSpinLock(PKSPIN_LOCK SpinLock, ULONG_PTR Caller)
{
    if (*SpinLock != 0) {
        KiSpinLockIsTaken(SpinLock, Caller);
    }
    *SpinLock = Caller;
    KiNoteLockTaken(SpinLock);
}

static inline void KiGiveSpinLock(PKSPIN_LOCK SpinLock, ULONG_PTR Caller)
{
    if (*SpinLock == 0) {
        KiSpinLockIsFree(SpinLock, Caller);
    }
    *SpinLock = 0;
    KiNoteLockGiven(SpinLock);
}

/*
 * Raise to DISPATCH_LEVEL and take the lock.
 *
 * => IRQL <= DISPATCH_LEVEL.
 * => Returns the old IRQL.  SPIN_LOCK_ALREADY_OWNED (0x0F) when this processor holds it.
 */
KIRQL FASTCALL KfAcquireSpinLock(PKSPIN_LOCK SpinLock) NT_ACQUIRES(*SpinLock);

/* => The lock is held, else SPIN_LOCK_NOT_OWNED (0x10).  Lowers to NewIrql. */
void FASTCALL KfReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql) NT_RELEASES(*SpinLock);

/* The same for code that is at DISPATCH_LEVEL already and stays there. */
void FASTCALL KefAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock) NT_ACQUIRES(*SpinLock);
void FASTCALL KefReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock) NT_RELEASES(*SpinLock);

/* ---- the older names ---- */

void NTAPI KeAcquireSpinLock(PKSPIN_LOCK SpinLock, PKIRQL OldIrql) NT_ACQUIRES(*SpinLock);
void NTAPI KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql) NT_RELEASES(*SpinLock);
void NTAPI KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock) NT_ACQUIRES(*SpinLock);
void NTAPI KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock) NT_RELEASES(*SpinLock);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * spinlock.c - the executive spin lock of one processor.
 *
 * A lock that is taken twice, released when free, or taken above DISPATCH_LEVEL would hang or
 * corrupt a machine with several processors.  Here each is found at once:
 *
 *     0x0F SPIN_LOCK_ALREADY_OWNED   P1 the lock, P2 who holds it, P3 who wants it
 *     0x10 SPIN_LOCK_NOT_OWNED       P1 the lock, P2 0, P3 who released it
 */
#include "spinlock.h"

#include "nt/bugcodes.h"

#define KIP_CALLER() ((ULONG_PTR)__builtin_return_address(0))

void NTAPI KeInitializeSpinLock(PKSPIN_LOCK SpinLock)
{
    *SpinLock = 0;
}

void KiSpinLockIsTaken(PKSPIN_LOCK SpinLock, ULONG_PTR Caller)
{
    KeBugCheckEx(SPIN_LOCK_ALREADY_OWNED, (ULONG_PTR)SpinLock, *SpinLock, Caller, 0);
}

void KiSpinLockIsFree(PKSPIN_LOCK SpinLock, ULONG_PTR Caller)
{
    KeBugCheckEx(SPIN_LOCK_NOT_OWNED, (ULONG_PTR)SpinLock, 0, Caller != 0 ? Caller : KIP_CALLER(),
                 0);
}

KIRQL FASTCALL KfAcquireSpinLock(PKSPIN_LOCK SpinLock) NT_NO_LOCK_ANALYSIS
{
    KIRQL Old = KfRaiseIrql(DISPATCH_LEVEL);

    KiTakeSpinLock(SpinLock, KIP_CALLER());
    return Old;
}

void FASTCALL KfReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql) NT_NO_LOCK_ANALYSIS
{
    KiGiveSpinLock(SpinLock, KIP_CALLER());
    KfLowerIrql(NewIrql);
}

void FASTCALL KefAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock) NT_NO_LOCK_ANALYSIS
{
    if (KeGetCurrentIrql() < DISPATCH_LEVEL) {
        KeBugCheckEx(IRQL_NOT_LESS_OR_EQUAL, (ULONG_PTR)SpinLock, DISPATCH_LEVEL, 0, KIP_CALLER());
    }
    KiTakeSpinLock(SpinLock, KIP_CALLER());
}

void FASTCALL KefReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock) NT_NO_LOCK_ANALYSIS
{
    KiGiveSpinLock(SpinLock, KIP_CALLER());
}

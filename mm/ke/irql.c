/* SPDX-License-Identifier: MIT */
/*
 * irql.c - the older forms of the calls on IRQL and spin locks, which HAL.dll and ntoskrnl.exe
 * export as functions: what they return goes through a pointer.
 */
#include "ke.h"
#include "spinlock.h"

void NTAPI KeRaiseIrql(KIRQL NewIrql, PKIRQL OldIrql)
{
    *OldIrql = KfRaiseIrql(NewIrql);
}

void NTAPI KeLowerIrql(KIRQL NewIrql)
{
    KfLowerIrql(NewIrql);
}

void NTAPI KeAcquireSpinLock(PKSPIN_LOCK SpinLock, PKIRQL OldIrql) NT_NO_LOCK_ANALYSIS
{
    *OldIrql = KfAcquireSpinLock(SpinLock);
}

void NTAPI KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql) NT_NO_LOCK_ANALYSIS
{
    KfReleaseSpinLock(SpinLock, NewIrql);
}

void NTAPI KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock) NT_NO_LOCK_ANALYSIS
{
    KefAcquireSpinLockAtDpcLevel(SpinLock);
}

void NTAPI KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock) NT_NO_LOCK_ANALYSIS
{
    KefReleaseSpinLockFromDpcLevel(SpinLock);
}

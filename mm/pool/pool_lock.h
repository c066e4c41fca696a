/* SPDX-License-Identifier: MIT */
/*
 * pool_lock.h - the pools' spin locks, inline: each allocation of a page takes two.
 */
#ifndef MM_POOL_LOCK_H
#define MM_POOL_LOCK_H

#include "spinlock.h"

/* As KfAcquireSpinLock.  => IRQL <= DISPATCH_LEVEL; paths that may be called higher check first. */
static inline KIRQL MiAcquirePoolLock(PKSPIN_LOCK Lock) NT_ACQUIRES(*Lock) NT_NO_LOCK_ANALYSIS
{
    KIRQL OldIrql = KeRaiseIrqlToDpcLevel();

    KiTakeSpinLock(Lock, (ULONG_PTR)__builtin_return_address(0));
    return OldIrql;
}

/* As KfReleaseSpinLock. */
static inline void MiReleasePoolLock(PKSPIN_LOCK Lock, KIRQL OldIrql)
    NT_RELEASES(*Lock) NT_NO_LOCK_ANALYSIS
{
    KiGiveSpinLock(Lock, 0);
    KiLowerIrqlFromDpcLevel(OldIrql);
}

#endif

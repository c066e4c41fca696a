/* SPDX-License-Identifier: MIT */
/*
 * resource_free.h - the short ways of an ERESOURCE, for who is at DISPATCH_LEVEL already and does
 * not wait.
 *
 *     free                                          taken, shared or exclusive
 *     one owner, who has it once; nobody waits      free
 *     a shared owner in OwnerThreads[1] alone       another one in OwnerTable[1]
 *     one of these two, who has it once; nobody     he is gone
 *     waits
 *
 * The first two are inline: of most resources nobody else wants anything meanwhile.  The others are
 * those of a file that is read while its next pages are brought.  Everything else is resource.c's,
 * whose invariants these keep.
 *
 * Locking: the resource's lock.
 */
#ifndef MM_KE_RESOURCE_FREE_H
#define MM_KE_RESOURCE_FREE_H

#include "mi_assert.h"
#include "mm/ke/dispatcher.h"
#include "resource.h"

static inline BOOLEAN ExpHasWaiters(const ERESOURCE *Resource)
{
    return ((ULONG_PTR)Resource->SharedWaiters | (ULONG_PTR)Resource->ExclusiveWaiters) != 0;
}

/*
 * Take it while nobody has it, hence nobody waits: E3.
 *
 * => OldIrql: the IRQL that the caller goes back to; normal kernel APCs are disabled there.
 * => FALSE: somebody has it; nothing changed.
 */
static inline BOOLEAN ExpTakeFreeResource(PERESOURCE Resource, BOOLEAN Exclusive, KIRQL OldIrql)
{
    const OWNER_ENTRY Owner = {(ERESOURCE_THREAD)KiCurrentThread, {1}};
    BOOLEAN Free;

    MI_ASSERT(KiCurrentThread->KernelApcDisable < 0 || KiCurrentThread->SpecialApcDisable < 0 ||
              OldIrql >= APC_LEVEL);
    KiTakeSpinLock(&Resource->SpinLock, (ULONG_PTR)&Resource->SpinLock);
    Free = Resource->ActiveCount == 0;
    if (Free) {
        Resource->ActiveCount = 1;
        if (Exclusive) {
            Resource->OwnerThreads[0] = Owner;
            Resource->Flag |= ResourceOwnedExclusive; /* E2 */
        } else {
            Resource->OwnerThreads[1] = Owner;
        }
    }
    KiGiveSpinLock(&Resource->SpinLock, 0);
    return Free;
}

/* Nobody's entry has the count 0.  => Thread has it once, by this entry. */
static inline BOOLEAN ExpIsOnce(const OWNER_ENTRY *Entry, ERESOURCE_THREAD Thread)
{
    return Entry->OwnerThread == Thread && Entry->OwnerCount == 1;
}

/* Thread has it alone, once, and nobody waits: it is free then.  => FALSE: nothing changed. */
static inline BOOLEAN ExpGiveFreeResource(PERESOURCE Resource, ERESOURCE_THREAD Thread)
{
    BOOLEAN Alone;

    KiTakeSpinLock(&Resource->SpinLock, (ULONG_PTR)&Resource->SpinLock);
    Alone = Resource->ActiveCount == 1 && !ExpHasWaiters(Resource);
    if (Alone && ExpIsOnce(&Resource->OwnerThreads[1], Thread)) {
        Resource->OwnerThreads[1] = (OWNER_ENTRY){0};
        Resource->ActiveCount = 0;
    } else if (Alone && ExpIsOnce(&Resource->OwnerThreads[0], Thread)) {
        Resource->OwnerThreads[0] = (OWNER_ENTRY){0};
        Resource->ActiveCount = 0;
        Resource->Flag &= (USHORT)~ResourceOwnedExclusive; /* E2 */
    } else {
        Alone = FALSE;
    }
    KiGiveSpinLock(&Resource->SpinLock, 0);
    return Alone;
}

/*
 * Take it shared beside its only owner, who has it shared and is another thread; nobody waits.
 *
 * => Normal kernel APCs are disabled.  FALSE: it is not so, or there is no table of owners yet;
 *    nothing changed.
 */
BOOLEAN FASTCALL ExpTakeSecondShare(PERESOURCE Resource);

/* A shared owner who has it once goes, and nobody waits.  => FALSE: it is not so. */
BOOLEAN FASTCALL ExpGiveSecondShare(PERESOURCE Resource, ERESOURCE_THREAD Thread);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * resource_free.c - the short ways of an ERESOURCE: nobody has it, and nobody else will meanwhile.
 *
 *     free                                          taken, shared or exclusive
 *     one owner, who has it once; nobody waits      free
 *
 * Everything else is resource.c's, whose invariants these keep.
 *
 * Locking: the resource's lock.
 */
#include "resource.h"

#include "mi_assert.h"
#include "mm/ke/dispatcher.h"

/* Nobody has it, hence nobody waits: E3.  => FALSE: somebody has it, nothing changed. */
static inline BOOLEAN TakeFree(PERESOURCE Resource, ERESOURCE_THREAD Thread, BOOLEAN Exclusive)
{
    if (Resource->ActiveCount != 0) {
        return FALSE;
    }
    Resource->OwnerThreads[!Exclusive].OwnerThread = Thread;
    Resource->OwnerThreads[!Exclusive].OwnerCount = 1;
    Resource->ActiveCount = 1;
    if (Exclusive) {
        Resource->Flag |= ResourceOwnedExclusive; /* E2 */
    }
    return TRUE;
}

static inline BOOLEAN HasWaiters(const ERESOURCE *Resource)
{
    return ((ULONG_PTR)Resource->SharedWaiters | (ULONG_PTR)Resource->ExclusiveWaiters) != 0;
}

/* Thread has it alone, once, and nobody waits: it is free now.  => FALSE: nothing changed. */
static inline BOOLEAN GiveFree(PERESOURCE Resource, ERESOURCE_THREAD Thread)
{
    POWNER_ENTRY Entry = &Resource->OwnerThreads[1];

    if (Thread == 0 || Resource->ActiveCount != 1 || HasWaiters(Resource)) {
        return FALSE;
    }
    if (Entry->OwnerThread != Thread) {
        Entry = &Resource->OwnerThreads[0];
    }
    if (Entry->OwnerThread != Thread || Entry->OwnerCount != 1) {
        return FALSE;
    }
    Entry->OwnerThread = 0;
    Resource->ActiveCount = 0;
    Resource->Flag &= (USHORT)~ResourceOwnedExclusive;
    return TRUE;
}

BOOLEAN FASTCALL ExpTakeFreeResource(PERESOURCE Resource, BOOLEAN Exclusive, KIRQL OldIrql)
{
    BOOLEAN Taken;

    MI_ASSERT(KiCurrentThread->KernelApcDisable < 0 || KiCurrentThread->SpecialApcDisable < 0 ||
              OldIrql >= APC_LEVEL);
    KiTakeSpinLock(&Resource->SpinLock, (ULONG_PTR)&Resource->SpinLock);
    Taken = TakeFree(Resource, (ERESOURCE_THREAD)KiCurrentThread, Exclusive);
    KiGiveSpinLock(&Resource->SpinLock, 0);
    return Taken;
}

BOOLEAN FASTCALL ExpGiveFreeResource(PERESOURCE Resource, ERESOURCE_THREAD Thread)
{
    BOOLEAN Given;

    KiTakeSpinLock(&Resource->SpinLock, (ULONG_PTR)&Resource->SpinLock);
    Given = GiveFree(Resource, Thread);
    KiGiveSpinLock(&Resource->SpinLock, 0);
    return Given;
}

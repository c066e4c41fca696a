/* SPDX-License-Identifier: MIT */
/*
 * resource_free.c - a resource that two threads have shared, in short: resource_free.h.
 *
 * Locking: the resource's lock.
 */
#include "mm/ke/resource_free.h"

/* => Its only owner has it shared in OwnerThreads[1], is not Thread, and nobody waits. */
static inline BOOLEAN HasOtherShare(const ERESOURCE *Resource, ERESOURCE_THREAD Thread)
{
    ERESOURCE_THREAD Owner = Resource->OwnerThreads[1].OwnerThread;

    return Owner != 0 && Owner != Thread && Resource->ActiveCount == 1 && !ExpHasWaiters(Resource);
}

BOOLEAN FASTCALL ExpTakeSecondShare(PERESOURCE Resource)
{
    ERESOURCE_THREAD Thread = (ERESOURCE_THREAD)KiCurrentThread;
    BOOLEAN Taken;

    KiTakeSpinLock(&Resource->SpinLock, (ULONG_PTR)&Resource->SpinLock);
    Taken = Resource->OwnerTable != NULL && HasOtherShare(Resource, Thread);
    if (Taken) {
        POWNER_ENTRY Entry = &Resource->OwnerTable[1];

        MI_ASSERT(Entry->OwnerThread == 0); /* E1: the only owner is elsewhere */
        Entry->OwnerThread = Thread;
        Entry->OwnerCount = 1;
        Resource->ActiveCount = 2;
    }
    KiGiveSpinLock(&Resource->SpinLock, 0);
    return Taken;
}

/* The entry of a shared owner's that the short ways know.  => NULL: he has none of them. */
static inline POWNER_ENTRY ShortEntry(PERESOURCE Resource, ERESOURCE_THREAD Thread)
{
    if (Resource->OwnerTable != NULL && Resource->OwnerTable[1].OwnerThread == Thread) {
        return &Resource->OwnerTable[1];
    }
    return Resource->OwnerThreads[1].OwnerThread == Thread ? &Resource->OwnerThreads[1] : NULL;
}

BOOLEAN FASTCALL ExpGiveSecondShare(PERESOURCE Resource, ERESOURCE_THREAD Thread)
{
    POWNER_ENTRY Entry;
    BOOLEAN Given;

    KiTakeSpinLock(&Resource->SpinLock, (ULONG_PTR)&Resource->SpinLock);
    Entry = ExpHasWaiters(Resource) ? NULL : ShortEntry(Resource, Thread);
    Given = Entry != NULL && ExpIsOnce(Entry, Thread);
    if (Given) {
        *Entry = (OWNER_ENTRY){0};
        Resource->ActiveCount--;
    }
    KiGiveSpinLock(&Resource->SpinLock, 0);
    return Given;
}

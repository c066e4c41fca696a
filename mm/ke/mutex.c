/* SPDX-License-Identifier: MIT */
/*
 * mutex.c - mutants and mutexes: owned by a thread, which may take them again.
 *
 * Invariants (KiVerifyThreads):
 *   M1  SignalState is 1 exactly when OwnerThread is NULL; otherwise it is 1 less the number of
 *       times that the owner has it
 *   M2  an owned mutant is in its owner's MutantListHead, and in no other list
 *
 * Locking: KiDispatcherLock.
 */
#include "mm/ke/dispatcher.h"

#define MUTANT_LIMIT INT32_MIN /* the documented MINLONG */

static void Initialize(PRKMUTANT Mutant, UCHAR ApcDisable)
{
    KiInitializeHeader(&Mutant->Header, MutantObject, sizeof(*Mutant), 1);
    Mutant->MutantListEntry = (LIST_ENTRY){NULL, NULL};
    Mutant->OwnerThread = NULL;
    Mutant->Abandoned = FALSE;
    Mutant->ApcDisable = ApcDisable;
}

void NTAPI KeInitializeMutex(PRKMUTEX Mutex, ULONG Level)
{
    (void)Level; /* reserved, as documented */
    Initialize(Mutex, 1);
}

void NTAPI KeInitializeMutant(PRKMUTANT Mutant, BOOLEAN InitialOwner)
{
    KIRQL OldIrql;

    Initialize(Mutant, 0);
    if (InitialOwner) {
        OldIrql = KiLockDispatcher();
        KiTakeMutant(Mutant, KiCurrentThread);
        KiUnlockDispatcher(OldIrql);
    }
}

BOOLEAN KiTakeMutant(PKMUTANT Mutant, PKTHREAD Thread)
{
    BOOLEAN WasAbandoned = Mutant->Abandoned;

    if (Mutant->Header.SignalState == MUTANT_LIMIT) {
        KiRaiseStatus(STATUS_MUTANT_LIMIT_EXCEEDED, (ULONG_PTR)__builtin_return_address(0), Mutant);
    }
    Mutant->Header.SignalState--;
    if (Mutant->Header.SignalState == 0) {
        Mutant->OwnerThread = Thread; /* M1, M2 */
        InsertTailList(&Thread->MutantListHead, &Mutant->MutantListEntry);
        Thread->KernelApcDisable -= Mutant->ApcDisable;
        Mutant->Abandoned = FALSE;
    }
    return WasAbandoned;
}

static void Free(PKMUTANT Mutant, KPRIORITY Increment) NT_HOLDS(KiDispatcherLock)
{
    PKTHREAD Owner = Mutant->OwnerThread;

    RemoveEntryList(&Mutant->MutantListEntry);
    Owner->KernelApcDisable += Mutant->ApcDisable;
    Mutant->OwnerThread = NULL;
    Mutant->Header.SignalState = 1; /* M1, M2 */
    KiWaitTest(&Mutant->Header, Increment);
}

void KiAbandonMutants(PKTHREAD Thread)
{
    while (!IsListEmpty(&Thread->MutantListHead)) {
        PKMUTANT Mutant = CONTAINING_RECORD(Thread->MutantListHead.Flink, KMUTANT, MutantListEntry);

        if (Mutant->ApcDisable != 0) {
            KeBugCheckEx(THREAD_TERMINATE_HELD_MUTEX, (ULONG_PTR)Thread, (ULONG_PTR)Mutant, 0, 0);
        }
        Mutant->Abandoned = TRUE;
        Free(Mutant, MUTANT_INCREMENT);
    }
}

static LONG Release(PKMUTANT Mutant, KPRIORITY Increment, BOOLEAN Wait, ULONG_PTR Caller)
{
    KIRQL OldIrql = KiLockDispatcher();
    LONG OldState = Mutant->Header.SignalState;

    if (Mutant->OwnerThread != KiCurrentThread) {
        KiUnlockDispatcher(OldIrql);
        KiRaiseStatus(Mutant->Abandoned ? STATUS_ABANDONED : STATUS_MUTANT_NOT_OWNED, Caller,
                      Mutant);
    }
    if (OldState == 0) {
        Free(Mutant, Increment);
    } else {
        Mutant->Header.SignalState = OldState + 1;
    }
    KiUnlockOrKeepForWait(OldIrql, Wait);
    return OldState;
}

LONG NTAPI KeReleaseMutex(PRKMUTEX Mutex, BOOLEAN Wait)
{
    return Release(Mutex, MUTANT_INCREMENT, Wait, (ULONG_PTR)__builtin_return_address(0));
}

LONG NTAPI KeReleaseMutant(PRKMUTANT Mutant, KPRIORITY Increment, BOOLEAN Abandoned, BOOLEAN Wait)
{
    MI_ASSERT(!Abandoned); /* only the end of a thread abandons */
    return Release(Mutant, Increment, Wait, (ULONG_PTR)__builtin_return_address(0));
}

LONG NTAPI KeReadStateMutex(PRKMUTEX Mutex)
{
    return Mutex->Header.SignalState;
}

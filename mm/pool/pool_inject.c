/* SPDX-License-Identifier: MIT */
/*
 * pool_inject.c - the n-th allocation fails, so that tests can walk every failure path.
 */
#include "mm/pool/pool_inject.h"

#include "mm/pool/pool_front.h"

static ULONG MipFailureIn; /* (A) allocations until the failure; 0: none is pending */

void MiFailPoolAllocation(ULONG Nth)
{
    __atomic_store_n(&MipFailureIn, Nth, __ATOMIC_RELAXED);
    MiSetPoolFrontEnd(MiFrontEndOffForInjection, Nth != 0);
}

BOOLEAN MiPoolFailureHappened(void)
{
    return __atomic_load_n(&MipFailureIn, __ATOMIC_RELAXED) == 0;
}

BOOLEAN MiPoolAllocationFails(void)
{
    if (MiPoolFailureHappened()) {
        return FALSE;
    }
    if (__atomic_sub_fetch(&MipFailureIn, 1, __ATOMIC_RELAXED) != 0) {
        return FALSE;
    }
    MiSetPoolFrontEnd(MiFrontEndOffForInjection, FALSE);
    return TRUE;
}

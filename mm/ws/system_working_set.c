/* SPDX-License-Identifier: MIT */
/*
 * system_working_set.c - the working set of what is pageable in the system half.
 *
 * Its list is at C0C00000, where a debugger's user looks for it, in page tables that all address
 * spaces share: whoever runs sees it.  It never goes.
 */
#include "mm/ws/wsle.h"

#include "arch/mmu.h"
#include "mm/sysva/system_pages.h"
#include "rtl.h"

MMSUPPORT MiSystemCacheWorkingSet;
FAST_MUTEX MiSystemWorkingSetMutex;

#define MIP_LIST ((PMMWSL)(ULONG_PTR)MI_SYSTEM_WORKING_SET_LIST_VA)

static const MI_LIST_PLACES MipPlaces = {MI_SYSTEM_WSLE_START, MI_SYSTEM_WSLE_END,
                                         MI_SYSTEM_WSLE_HASH_START, MI_SYSTEM_WSLE_HASH_END};

NT_C_ASSERT(MI_SYSTEM_WSLE_START == MI_SYSTEM_WORKING_SET_LIST_VA + PAGE_SIZE);

NTSTATUS MiInitializeSystemWorkingSet(void)
{
    PMMSUPPORT WorkingSet = &MiSystemCacheWorkingSet;
    NTSTATUS Status = MiCreateSystemPageTables(MI_SYSTEM_WORKING_SET_LIST_VA, PAGE_SIZE);

    memset(WorkingSet, 0, sizeof(*WorkingSet));
    if (NT_SUCCESS(Status)) { /* the list, and its first entries */
        Status = MiCreateSystemPages(MiGetPteAddress(MI_SYSTEM_WORKING_SET_LIST_VA), 2,
                                     MiMakeKernelTemplate(MiKernelReadWrite, MiCached));
    }
    if (NT_SUCCESS(Status)) {
        ExInitializeFastMutex(&MiSystemWorkingSetMutex);
        memset(MIP_LIST, 0, PAGE_SIZE);
        MiInitializeWorkingSetList(MIP_LIST, (PMMWSLE)(ULONG_PTR)MI_SYSTEM_WSLE_START, &MipPlaces);
        MiInitializeWorkingSet(WorkingSet, MIP_LIST, &MiSystemWorkingSetMutex, NULL);
        WorkingSet->SystemSpace = TRUE;
    }
    return Status;
}

void MiVerifySystemWorkingSet(void)
{
    ExAcquireFastMutex(&MiSystemWorkingSetMutex);
    MiVerifyWorkingSet(&MiSystemCacheWorkingSet);
    ExReleaseFastMutex(&MiSystemWorkingSetMutex);
}

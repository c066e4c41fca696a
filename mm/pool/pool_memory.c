/* SPDX-License-Identifier: MIT */
/*
 * pool_memory.c - memory behind the pools' pages.
 *
 * A page of nonpaged pool has its frame from commit to decommit.  What a page of paged pool has,
 * and when, stands in paged_page.c.
 */
#include "mm/pool/pool_memory.h"

#include "arch/mmu.h"
#include "mm/pfn/commit.h"
#include "mm/pool/paged_page.h"
#include "mm/sysva/system_pages.h"

/* ---- nonpaged ---- */

NTSTATUS MiCommitNonPagedPool(ULONG_PTR Va, ULONG Pages)
{
    NTSTATUS Status = MiCreateSystemPageTables(Va, Pages << PAGE_SHIFT);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    return MiCreateSystemPages(MiGetPteAddress(Va), Pages,
                               MiMakeKernelTemplate(MiKernelReadWrite, MiCached));
}

void MiDecommitNonPagedPool(ULONG_PTR Va, ULONG Pages)
{
    MiDeleteSystemPages(MiGetPteAddress(Va), Pages);
}

/* ---- paged ---- */

NTSTATUS MiCommitPagedPool(ULONG_PTR Va, ULONG Pages)
{
    PMMPTE First = MiGetPteAddress(Va);
    NTSTATUS Status;
    ULONG i;

    if (!MiChargeCommitment(Pages)) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = MiCreateSystemPageTables(Va, Pages << PAGE_SHIFT);
    if (!NT_SUCCESS(Status)) {
        MiReturnCommitment(Pages);
        return Status;
    }
    for (i = 0; i < Pages; i++) {
        MiCreatePagedPage(First + i);
    }
    return STATUS_SUCCESS;
}

void MiDecommitPagedPool(ULONG_PTR Va, ULONG Pages)
{
    PMMPTE First = MiGetPteAddress(Va);
    ULONG i;

    ExAcquireFastMutex(MiSystemWorkingSetOf(Va)->Mutex);
    for (i = 0; i < Pages; i++) {
        MiDeletePagedPage(First + i);
    }
    ExReleaseFastMutex(MiSystemWorkingSetOf(Va)->Mutex);
    MiReturnCommitment(Pages);
}

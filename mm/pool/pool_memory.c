/* SPDX-License-Identifier: MIT */
/*
 * pool_memory.c - memory behind the pools' pages.
 *
 * A page of paged pool, by its PTE:
 *
 *     zero          free: an access is a bug
 *     demand zero   allocated, never touched
 *     valid         allocated; its frame is Active and knows the PTE
 *
 * The PTE of an allocated page is its owner's, except that any thread may fault on it: the step
 * from demand zero to valid is made under MiPfnLock, by whoever comes first.
 */
#include "mm/pool/pool_memory.h"

#include "arch/mmu.h"
#include "mi_assert.h"
#include "mm/pfn/commit.h"
#include "mm/pfn/frame.h"
#include "mm/pfn/page_color.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/sysva/pte_kind.h"
#include "mm/sysva/system_pages.h"

ULONG MiResidentPagedPool;
ULONG MiPeakResidentPagedPool;

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
        MI_ASSERT(MiReadPte(First + i).Long == 0);
        MiWritePte(First + i, MiMakeDemandZeroPte());
    }
    return STATUS_SUCCESS;
}

static void MipCountResident(void)
{
    ULONG Now = __atomic_add_fetch(&MiResidentPagedPool, 1, __ATOMIC_RELAXED);
    ULONG Peak = __atomic_load_n(&MiPeakResidentPagedPool, __ATOMIC_RELAXED);

    while (Peak < Now && !__atomic_compare_exchange_n(&MiPeakResidentPagedPool, &Peak, Now, FALSE,
                                                      __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
        continue;
    }
}

/* Flushed before the frame can be anybody else's. */
static void MipDeletePagedPage(PMMPTE Pte)
{
    KIRQL OldIrql = MiLockPfn();
    MMPTE Old = MiReadPte(Pte);
    PFN_NUMBER Frame = Old.Hard.PageFrameNumber;

    MI_ASSERT(Old.Hard.Valid || MiPteKind(Old) == MiPteDemandZero);
    MiWritePte(Pte, MiMakeZeroPte());
    if (Old.Hard.Valid) {
        KeFlushSingleTb(MiGetVaMappedByPte(Pte));
        MI_ASSERT(MI_PFN(Frame)->PteAddress == Pte);
        MiClearFramePte(Frame);
        MiDecrementShareCount(Frame);
    }
    MiUnlockPfn(OldIrql);
    if (Old.Hard.Valid) {
        __atomic_sub_fetch(&MiResidentPagedPool, 1, __ATOMIC_RELAXED);
    }
}

void MiDecommitPagedPool(ULONG_PTR Va, ULONG Pages)
{
    PMMPTE First = MiGetPteAddress(Va);
    ULONG i;

    for (i = 0; i < Pages; i++) {
        MipDeletePagedPage(First + i);
    }
    MiReturnCommitment(Pages);
}

NTSTATUS MiMakeDemandZeroPage(ULONG_PTR Va)
{
    PMMPTE Pte = MiGetPteAddress(Va);
    MMPTE Template = MiMakeKernelTemplate(MiKernelReadWrite, MiCached);
    PFN_NUMBER Frame;
    BOOLEAN Wanted;
    KIRQL OldIrql;
    NTSTATUS Status = MiAllocateFrame(MiFrameZeroed, MiNextPageColor(), &Frame);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    OldIrql = MiLockPfn();
    /* Made by another thread meanwhile, or freed: then the access faults again, and is a bug. */
    Wanted = MiPteKind(MiReadPte(Pte)) == MiPteDemandZero;
    if (Wanted) {
        MiSetFramePte(Frame, Pte, MiMakeDemandZeroPte(), MiTableFrame(Pte));
        MI_PFN(Frame)->u3.e1.CacheAttribute = MiCached;
        MiWritePte(Pte, MiMakeValidKernelPte(Template, Frame));
    }
    MiUnlockPfn(OldIrql);
    if (Wanted) {
        MipCountResident();
    } else {
        MiFreeFrame(Frame);
    }
    return STATUS_SUCCESS;
}

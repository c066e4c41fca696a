/* SPDX-License-Identifier: MIT */
/*
 * stack_pages.c - the table of stack_pages.h, where each change is made.
 *
 * A stack is written whenever it is used: its pages always leave as modified, and give their slot
 * back when they are resident again.
 *
 * Locking: MiPfnLock; the PTEs are the swapper's while the stack is not resident.
 */
#include "mm/sysva/stack_pages.h"

#include "arch/mmu.h"
#include "mi_assert.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/sysva/system_ptes.h"

ULONG MiOutswappedStackPages;

PMMPTE MiFirstStackPte(PVOID Base)
{
    return MiGetPteAddress((ULONG_PTR)Base - MI_KERNEL_STACK_BYTES);
}

BOOLEAN MiIsPagedStack(PVOID Base, SIZE_T Bytes)
{
    return Bytes == MI_KERNEL_STACK_BYTES && BYTE_OFFSET(Base) == 0 &&
           MiIsSystemPte(MiFirstStackPte(Base));
}

/* => FALSE: the page has to stay. */
static BOOLEAN MipOutswapPage(PMMPTE Pte)
{
    KIRQL OldIrql = MiLockPfn();
    MMPTE Old = MiReadPte(Pte);
    PFN_NUMBER Frame = Old.Hard.PageFrameNumber;
    BOOLEAN Goes = Old.Hard.Valid && MI_PFN(Frame)->u3.e2.ReferenceCount == 1;

    if (Goes) {
        MI_ASSERT(MI_PFN(Frame)->PteAddress == Pte && MI_PFN(Frame)->u2.ShareCount == 1);
        MiWritePte(Pte, MiMakeTransitionPte(Frame, MM_READWRITE));
        KeFlushSingleTb(MiGetVaMappedByPte(Pte));
        MiSetFrameModified(Frame, TRUE);
        MI_PFN(Frame)->OriginalPte = MiMakeSoftwarePte(MM_READWRITE);
        MiDecrementShareCount(Frame);
        MiOutswappedStackPages++;
    }
    MiUnlockPfn(OldIrql);
    return Goes;
}

ULONG MiOutswapStack(PVOID Base)
{
    PMMPTE First = MiFirstStackPte(Base);
    ULONG Left = 0;
    ULONG i;

    for (i = 0; i < MI_KERNEL_STACK_PAGES; i++) {
        Left += MipOutswapPage(First + i);
    }
    return Left;
}

MI_PTE_KIND MiRestoreStackPage(PMMPTE Pte)
{
    const MMPTE Template = MiMakeKernelTemplate(MiKernelReadWrite, MiCached);
    KIRQL OldIrql = MiLockPfn();
    MMPTE Old = MiReadPte(Pte);
    PFN_NUMBER Frame = Old.Hard.PageFrameNumber;

    if (MiPteKind(Old) == MiPteTransition && NT_SUCCESS(MiIncrementShareCount(Frame))) {
        MI_PFN(Frame)->u3.e1.CacheAttribute = (USHORT)MiPteCacheAttribute(Template);
        Old = MiMakeValidKernelPte(Template, Frame);
        MiWritePte(Pte, Old);
        MiSetFrameModified(Frame, TRUE); /* its thread is about to write it */
        MiOutswappedStackPages--;
    }
    MiUnlockPfn(OldIrql);
    return MiPteKind(Old);
}

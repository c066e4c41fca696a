/* SPDX-License-Identifier: MIT */
/*
 * system_pages.c - frames under system addresses.
 *
 * A new page table is cleared through the self-map, where it appears as soon as its directory entry
 * is valid; all of that under MiPfnLock.
 *
 * Locking: MiPfnLock for the frames' entries.  The PTEs are their owner's.
 */
#include "mm/sysva/system_pages.h"

#include "mi_assert.h"
#include "mm/pfn/commit.h"
#include "mm/pfn/frame.h"
#include "mm/pfn/page_color.h"
#include "mm/pfn/pfn_reference.h"
#include "rtl.h"
#include "user_half.h"

ULONG MiSystemPageTables;
static MI_SYSTEM_PDE_ADDED *MipPdeAdded; /* called under MiPfnLock */
static PFN_NUMBER MipSystemDirectory;    /* with MipPdeAdded */

void MiSetSystemPdeRoutine(MI_SYSTEM_PDE_ADDED *Routine, PFN_NUMBER Directory)
{
    MipPdeAdded = Routine;
    MipSystemDirectory = Directory;
}

/* ---- charges ---- */

NTSTATUS MiChargeSystemPages(ULONG Pages)
{
    if (!MiChargeCommitment(Pages)) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (!MiChargeResidentAvailable(Pages)) {
        MiReturnCommitment(Pages);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    return STATUS_SUCCESS;
}

void MiReturnSystemPages(ULONG Pages)
{
    MiReturnResidentAvailable(Pages);
    MiReturnCommitment(Pages);
}

/* ---- frames and their PTEs ---- */

static void MipTie(PFN_NUMBER Frame, PMMPTE Pte)
{
    KIRQL OldIrql = MiLockPfn();

    MiSetFramePte(Frame, Pte, MiMakeZeroPte(), MiTableFrame(Pte));
    MiUnlockPfn(OldIrql);
}

static NTSTATUS MipCreatePage(PMMPTE Pte, MMPTE Template)
{
    PFN_NUMBER Frame;
    NTSTATUS Status = MiAllocateFrame(MiFrameAny, MiNextPageColor(), &Frame);

    if (NT_SUCCESS(Status)) {
        MI_ASSERT(MiReadPte(Pte).Long == 0);
        MipTie(Frame, Pte);
        MI_PFN(Frame)->u3.e1.CacheAttribute = (USHORT)MiPteCacheAttribute(Template);
        MiWritePte(Pte, MiMakeValidKernelPte(Template, Frame));
    }
    return Status;
}

/* Flushed before the frame can be anybody else's. */
static void MipDeletePage(PMMPTE Pte)
{
    MMPTE Old = MiReadPte(Pte);
    PFN_NUMBER Frame = Old.Hard.PageFrameNumber;
    KIRQL OldIrql;

    MI_ASSERT(Old.Hard.Valid);
    MiWritePte(Pte, MiMakeZeroPte());
    KeFlushSingleTb(MiGetVaMappedByPte(Pte));
    OldIrql = MiLockPfn();
    MI_ASSERT(MI_PFN(Frame)->PteAddress == Pte);
    MI_PFN(Frame)->u3.e1.CacheAttribute = MiCacheUnknown;
    MiClearFramePte(Frame);
    MiDecrementShareCount(Frame);
    MiUnlockPfn(OldIrql);
}

void MiDeleteSystemPages(PMMPTE First, ULONG Count)
{
    ULONG i;

    for (i = 0; i < Count; i++) {
        MipDeletePage(First + i);
    }
    MiReturnSystemPages(Count);
}

NTSTATUS MiCreateSystemPages(PMMPTE First, ULONG Count, MMPTE Template)
{
    NTSTATUS Status = MiChargeSystemPages(Count);
    ULONG Made;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    for (Made = 0; Made < Count; Made++) {
        Status = MipCreatePage(First + Made, Template);
        if (!NT_SUCCESS(Status)) {
            goto DeletePages;
        }
    }
    return STATUS_SUCCESS;

DeletePages:
    MiDeleteSystemPages(First, Made);
    MiReturnSystemPages(Count - Made);
    return Status;
}

NTSTATUS MiInsertSystemPages(PMMPTE First, ULONG Count, MMPTE Template, PFN_NUMBER Frame)
{
    NTSTATUS Status = MiChargeSystemPages(Count);
    ULONG i;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    for (i = 0; i < Count; i++) {
        MI_ASSERT(MiReadPte(First + i).Long == 0);
        MipTie(Frame + i, First + i);
        MI_PFN(Frame + i)->u3.e1.CacheAttribute = (USHORT)MiPteCacheAttribute(Template);
        MiWritePte(First + i, MiMakeValidKernelPte(Template, Frame + i));
    }
    return STATUS_SUCCESS;
}

/* ---- page tables ---- */

/*
 * The directory entry is judged, and the table cleared, under the lock: two threads may want the
 * same table, and neither may see it before it is clear.
 *
 * => Returns FALSE, with Frame still the caller's, when there is a table already.
 */
static BOOLEAN MipInsertPageTable(ULONG_PTR Va, PFN_NUMBER Frame)
{
    PMMPTE Pde = MiGetPdeAddress(Va);
    KIRQL OldIrql = MiLockPfn();
    BOOLEAN Wanted = !MiReadPte(Pde).Hard.Valid;

    if (Wanted) {
        MiSetFramePte(Frame, Pde, MiMakeZeroPte(),
                      MipPdeAdded != NULL ? MipSystemDirectory : MiTableFrame(Pde));
        MiWritePte(Pde, MiMakeKernelPde(Frame));
        __atomic_add_fetch(&MiSystemPageTables, 1, __ATOMIC_RELAXED);
        memset(PAGE_ALIGN(MiGetPteAddress(Va)), 0, PAGE_SIZE);
        if (MipPdeAdded != NULL) {
            MipPdeAdded(Va, MiMakeKernelPde(Frame));
        }
    }
    MiUnlockPfn(OldIrql);
    return Wanted;
}

static NTSTATUS MipCreatePageTable(ULONG_PTR Va)
{
    PFN_NUMBER Frame;
    NTSTATUS Status = MiChargeSystemPages(1);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MiAllocateFrame(MiFrameAny, MiNextPageColor(), &Frame);
    if (!NT_SUCCESS(Status)) {
        MiReturnSystemPages(1);
        return Status;
    }
    if (!MipInsertPageTable(Va, Frame)) {
        MiFreeFrame(Frame);
        MiReturnSystemPages(1);
    }
    return STATUS_SUCCESS;
}

NTSTATUS MiCreateSystemPageTables(ULONG_PTR Start, ULONG Bytes)
{
    ULONG Tables = (ULONG)((ROUND_DOWN(Start + (Bytes - 1), MM_LARGE_PAGE) -
                            ROUND_DOWN(Start, MM_LARGE_PAGE)) /
                               MM_LARGE_PAGE +
                           1);
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG i;

    MI_ASSERT(Bytes != 0 && Start >= MM_SYSTEM_RANGE_START && Start + (Bytes - 1) >= Start);
    for (i = 0; i < Tables && NT_SUCCESS(Status); i++) {
        ULONG_PTR Va = Start + i * MM_LARGE_PAGE;

        if (!MiReadPte(MiGetPdeAddress(Va)).Hard.Valid) {
            Status = MipCreatePageTable(Va);
        }
    }
    return Status;
}

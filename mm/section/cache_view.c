/* SPDX-License-Identifier: MIT */
/*
 * cache_view.c - what the system cache does with its views: cache_view.h.
 *
 * A view that the caller uses stays, and with it its section: only its pages come and go.
 */
#include "mm/section/cache_view.h"

#include "arch/cpu.h"
#include "arch/mmu.h"
#include "mi_assert.h"
#include "mm/pfn/frame.h"
#include "mm/pfn/page_color.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/section/cache_calls.h"
#include "mm/section/system_view.h"
#include "mm/space/clone_table.h"
#include "mm/space/prototype_pte.h"
#include "mm/sysva/pte_kind.h"
#include "mm/sysva/system_pages.h"
#include "mm/sysva/system_ptes.h"

/* ---- mapping ---- */

NTSTATUS MmMapViewInSystemCache(PSECTION Section, PVOID Base, LARGE_INTEGER Offset, ULONG Bytes)
{
    PSEGMENT Segment = Section->Segment;
    PCONTROL_AREA Area = Segment->ControlArea;
    ULONG64 FirstPage = (ULONG64)Offset.QuadPart >> PAGE_SHIFT;
    ULONG Pages = Bytes >> PAGE_SHIFT;
    NTSTATUS Status;

    MI_ASSERT((ULONG_PTR)Base % MM_CACHE_VIEW_BYTES == 0 && Bytes == MM_CACHE_VIEW_BYTES &&
              !MiIsInRegion(MiRegionSystemViews, (ULONG_PTR)Base));
    if (FirstPage + Pages > Segment->TotalNumberOfPtes) {
        return STATUS_INVALID_VIEW_SIZE;
    }
    Status = MiCreateSystemPageTables((ULONG_PTR)Base, Bytes);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    MiReferenceSystemView(Area, TRUE);
    ExAcquireFastMutex(&MiSystemWorkingSetMutex);
    MiMapSystemPages((MI_SYSTEM_VIEW){.ControlArea = Area, .FirstPage = (ULONG)FirstPage},
                     (ULONG_PTR)Base, Pages);
    ExReleaseFastMutex(&MiSystemWorkingSetMutex);
    return STATUS_SUCCESS;
}

void MmUnmapViewInSystemCache(PVOID Base, ULONG Bytes)
{
    ULONG_PTR Va = (ULONG_PTR)Base;
    PCONTROL_AREA Area;

    ExAcquireFastMutex(&MiSystemWorkingSetMutex);
    Area = MiFindSystemView(Va)->ControlArea;
    MiUnmapSystemPages(Va, Bytes);
    ExReleaseFastMutex(&MiSystemWorkingSetMutex);
    MiDereferenceSystemView(Area, TRUE);
}

/* ---- what is in memory ---- */

/* What it says may change the next moment; that it is said without a fault is the point. */
static BOOLEAN MipHasPage(MMPTE Entry)
{
    BOOLEAN Has = Entry.Hard.Valid;
    PMMPTE Proto;

    if (MiPteKind(Entry) != MiPtePrototype) {
        return Has;
    }
    Proto = (PMMPTE)MiPrototypeAddress(Entry);
    if (MiTryPinPrototype(Proto)) {
        Entry = MiReadPte(Proto);
        Has = Entry.Hard.Valid || (MiPteKind(Entry) == MiPteTransition &&
                                   !MI_PFN(Entry.Hard.PageFrameNumber)->u3.e1.ReadInProgress);
        MiUnpinPrototype(Proto);
    }
    return Has;
}

static BOOLEAN __attribute__((noinline)) FASTCALL MipHasPages(PVOID Va, ULONG Bytes)
{
    PMMPTE Pte = MiGetPteAddress((ULONG_PTR)Va);
    ULONG Pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(Va, Bytes);

    for (; Pages != 0; Pages--, Pte++) {
        MMPTE Entry = MiReadPte(Pte);

        if (!Entry.Hard.Valid && !MipHasPage(Entry)) {
            return FALSE;
        }
    }
    return TRUE;
}

/* Most ask for one page, and it is valid. */
BOOLEAN FASTCALL MmIsRangeResident(PVOID Va, ULONG Bytes)
{
    if (BYTE_OFFSET(Va) + Bytes <= PAGE_SIZE &&
        MiReadPte(MiGetPteAddress((ULONG_PTR)Va)).Hard.Valid) {
        return TRUE;
    }
    return MipHasPages(Va, Bytes);
}

/* ---- pages that are not read ---- */

/* Buffer may fault: no lock is held, and the frame is nobody's yet. */
static NTSTATUS MipFill(PFN_NUMBER Frame, const void *Buffer)
{
    PMMPTE Window = MiReserveSystemPtes(1);
    ULONG_PTR Va;
    NTSTATUS Status;

    if (Window == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Va = MiGetVaMappedByPte(Window);
    MiWritePte(Window,
               MiMakeValidKernelPte(MiMakeKernelTemplate(MiKernelReadWrite, MiCached), Frame));
    Status = KiGuardedCopy((PVOID)Va, Buffer, PAGE_SIZE);
    MiWritePte(Window, MiMakeZeroPte());
    KeFlushSingleTb(Va);
    MiReleaseSystemPtes(Window, 1);
    return Status;
}

/* Who reads the page was quicker, or cannot begin. */
static NTSTATUS MipInsert(ULONG_PTR Va, PFN_NUMBER Frame)
{
    PMMPTE Proto = MiSystemViewPrototype(Va);
    NTSTATUS Status;

    MiPinPrototype(Proto);
    ExAcquireFastMutex(&MiSystemWorkingSetMutex);
    ExAcquireFastMutex(&MiCloneReadMutex);
    Status = MiInsertSystemViewPage(MiGetPteAddress(Va), Proto, Frame, TRUE);
    if (NT_SUCCESS(Status)) {
        MiSystemViewCounters.CopiedToCache++;
    }
    ExReleaseFastMutex(&MiCloneReadMutex);
    ExReleaseFastMutex(&MiSystemWorkingSetMutex);
    MiUnpinPrototype(Proto);
    return Status;
}

NTSTATUS MmCopyToCachedPage(PVOID Va, const void *Buffer)
{
    PFN_NUMBER Frame;
    NTSTATUS Status;

    if (MmIsRangeResident(Va, PAGE_SIZE)) {
        return STATUS_ALREADY_COMMITTED;
    }
    Status = MiAllocateFrame(MiFrameAny, MiNextPageColor(), &Frame);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MipFill(Frame, Buffer);
    if (NT_SUCCESS(Status)) {
        Status = MipInsert((ULONG_PTR)Va, Frame);
    }
    if (!NT_SUCCESS(Status)) {
        MiFreeFrame(Frame);
    }
    return Status;
}

/* ---- what was written ---- */

BOOLEAN MmSetAddressRangeModified(PVOID Va, SIZE_T Bytes)
{
    PMMPTE Pte = MiGetPteAddress((ULONG_PTR)Va);
    ULONG Pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(Va, Bytes);
    KIRQL OldIrql = MiLockPfn();
    ULONG Taken = 0;
    ULONG i;

    for (i = 0; i < Pages; i++) {
        Taken += MiMoveSystemPageDirty(Pte + i);
    }
    MiSystemViewCounters.NotedModified += Taken;
    MiUnlockPfn(OldIrql);
    return Taken != 0;
}

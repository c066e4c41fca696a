/* SPDX-License-Identifier: MIT */
/*
 * system_fault.c - what a fault in paged pool, in a pageable section of an image, or in a view of a
 * section, is: the one place that tells the kinds apart.
 *
 *     the PTE                    kind
 *     zero                       violation: nothing is allocated there
 *     valid                      spurious: another thread was quicker
 *     demand zero                a zeroed frame
 *     transition                 its frame has the contents; being read: it collides
 *     a slot of a paging file    it is read
 *     prototype                  a view's page: system_view.c
 *
 * In session space the same holds for the pages of the session that runs, in its working set.
 *
 * Locking: the working set's mutex is taken here.  No fault waits for memory or for a read under
 * it (fault_read.h).
 */
#include "mm/fault/system_fault.h"

#include "arch/mmu.h"
#include "mm/pfn/frame.h"
#include "mm/pfn/page_color.h"
#include "mm/pool/paged_page.h"
#include "mm/pool/pool_pages.h"
#include "mm/pool/system_image.h"
#include "mm/section/system_view.h"
#include "mm/sysva/pte_kind.h"
#include "nt/bugcodes.h"

#define MIP_FAULT_UNDER_LOCK 0x41287u /* subcodes of 0x1A */
#define MIP_UNKNOWN_PTE      0x41284u

BOOLEAN MiIsPageableSystemVa(ULONG_PTR Va)
{
    BOOLEAN Found = MiIsSystemViewVa(Va) || MiPoolTypeAt((PVOID)Va) == PagedPool;

    if (MiIsSessionVa(Va)) {
        return MiCurrentSession() != NULL &&
               (MiIsInSessionPart(MiSessionPool, Va) || MiIsInSessionPart(MiSessionViews, Va));
    }
    if (Found || MiSystemImages == 0) {
        return Found;
    }
    if (MiSystemWorkingSetMutex.Owner == KeGetCurrentThread()) {
        return MiIsPageableImageVa(Va);
    }
    ExAcquireFastMutex(&MiSystemWorkingSetMutex);
    Found = MiIsPageableImageVa(Va);
    ExReleaseFastMutex(&MiSystemWorkingSetMutex);
    return Found;
}

static NTSTATUS MipDemandZero(const MI_SYSTEM_FAULT *Found)
{
    NTSTATUS Status = MiReserveWsle(Found->WorkingSet);
    PFN_NUMBER Frame;

    if (NT_SUCCESS(Status)) {
        Status = MiAllocateFrame(MiFrameZeroed, MiNextPageColor(), &Frame);
    }
    if (NT_SUCCESS(Status)) {
        MiInsertPagedPage(Found->Pte, Frame);
        MiFaultCounters.DemandZero++;
    }
    return Status;
}

/* A frame that is referenced too often to take one more is as good as none. */
static NTSTATUS MipTransition(PMI_SYSTEM_FAULT Found)
{
    if (MiJoinFaultRead(&Found->Read, Found->Pte)) {
        return STATUS_SUCCESS;
    }
    if (!NT_SUCCESS(MiReserveWsle(Found->WorkingSet)) ||
        !NT_SUCCESS(MiRestorePagedPage(Found->Pte))) {
        return STATUS_NO_MEMORY;
    }
    MiFaultCounters.Transition += Found->Read.Held == MI_NO_FRAME;
    return STATUS_SUCCESS;
}

static NTSTATUS MipDispatch(const MM_FAULT *Fault, PMI_SYSTEM_FAULT Found)
{
    switch (MiPteKind(Found->Entry)) {
    case MiPteZero:
        return STATUS_ACCESS_VIOLATION;
    case MiPteValid:
        KeFlushSingleTb(Fault->Va);
        MiFaultCounters.Spurious++;
        return STATUS_SUCCESS;
    case MiPteDemandZero:
        return MipDemandZero(Found);
    case MiPteTransition:
        return MipTransition(Found);
    case MiPtePagefile:
        return MiBeginFaultRead(&Found->Read, Found->Pte, Found->Read.MostPages);
    case MiPtePrototype:
        return MiSystemView(Found);
    case MiPteLarge:
    case MiPteSubsection:
    case MiPteList:
        break; /* no such page is made */
    }
    KeBugCheckEx(MEMORY_MANAGEMENT, MIP_UNKNOWN_PTE, Fault->Va, Found->Entry.Long, 0);
}

static NTSTATUS MipTryOnce(const MM_FAULT *Fault, PMI_SYSTEM_FAULT Found)
{
    NTSTATUS Status;

    ExAcquireFastMutex(Found->WorkingSet->Mutex);
    Found->Entry = MiReadPte(Found->Pte);
    Status = MipDispatch(Fault, Found);
    ExReleaseFastMutex(Found->WorkingSet->Mutex);
    return MiEndFaultTry(&Found->Read, Status);
}

NTSTATUS MiSystemFault(const MM_FAULT *Fault, PMI_SYSTEM_FAULT Found)
{
    PMMSUPPORT WorkingSet = MiSystemWorkingSetOf(Fault->Va);
    NTSTATUS Status;

    if (WorkingSet->Mutex->Owner == KeGetCurrentThread()) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MIP_FAULT_UNDER_LOCK, Fault->Va, Fault->Eip, 0);
    }
    *Found = (MI_SYSTEM_FAULT){
        .WorkingSet = WorkingSet, .Pte = MiGetPteAddress(Fault->Va), .Read = MiMakeFaultRead()};
    __atomic_add_fetch(&WorkingSet->PageFaultCount, 1, __ATOMIC_RELAXED);
    do {
        Status = MipTryOnce(Fault, Found);
    } while (Status == STATUS_RETRY);
    return Status;
}

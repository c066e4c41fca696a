/* SPDX-License-Identifier: MIT */
/*
 * system_fault.c - what a fault in paged pool is: the one place that tells the kinds apart.
 *
 *     the PTE           kind
 *     zero              violation: nothing is allocated there
 *     valid             spurious: another thread was quicker
 *     demand zero       a zeroed frame
 *     transition        its frame still has the contents
 *
 * Locking: MiSystemWorkingSetMutex is taken here; no fault waits for memory under it.
 */
#include "mm/fault/system_fault.h"

#include "arch/mmu.h"
#include "mm/pfn/frame.h"
#include "mm/pfn/page_color.h"
#include "mm/pool/paged_page.h"
#include "mm/pool/pool_pages.h"
#include "mm/sysva/pte_kind.h"
#include "nt/bugcodes.h"

#define MIP_FAULT_UNDER_LOCK 0x41287u /* subcodes of 0x1A */
#define MIP_UNKNOWN_PTE      0x41284u

BOOLEAN MiIsPageableSystemVa(ULONG_PTR Va)
{
    return MiPoolTypeAt((PVOID)Va) == PagedPool;
}

static NTSTATUS MipDemandZero(PMMPTE Pte)
{
    PFN_NUMBER Frame;
    NTSTATUS Status = MiReserveWsle(&MiSystemCacheWorkingSet);

    if (NT_SUCCESS(Status)) {
        Status = MiAllocateFrame(MiFrameZeroed, MiNextPageColor(), &Frame);
    }
    if (NT_SUCCESS(Status)) {
        MiInsertPagedPage(Pte, Frame);
        MiFaultCounters.DemandZero++;
    }
    return Status;
}

/* A frame that is referenced too often to take one more is as good as none. */
static NTSTATUS MipTransition(PMMPTE Pte)
{
    if (!NT_SUCCESS(MiReserveWsle(&MiSystemCacheWorkingSet)) ||
        !NT_SUCCESS(MiRestorePagedPage(Pte))) {
        return STATUS_NO_MEMORY;
    }
    MiFaultCounters.Transition++;
    return STATUS_SUCCESS;
}

static NTSTATUS MipDispatch(const MM_FAULT *Fault)
{
    PMMPTE Pte = MiGetPteAddress(Fault->Va);
    MMPTE Entry = MiReadPte(Pte);

    switch (MiPteKind(Entry)) {
    case MiPteZero:
        return STATUS_ACCESS_VIOLATION;
    case MiPteValid:
        KeFlushSingleTb(Fault->Va);
        MiFaultCounters.Spurious++;
        return STATUS_SUCCESS;
    case MiPteDemandZero:
        return MipDemandZero(Pte);
    case MiPteTransition:
        return MipTransition(Pte);
    case MiPtePagefile:
    case MiPteLarge:
    case MiPtePrototype:
    case MiPteList:
        break; /* no such page is made */
    }
    KeBugCheckEx(MEMORY_MANAGEMENT, MIP_UNKNOWN_PTE, Fault->Va, Entry.Long, 0);
}

NTSTATUS MiSystemFault(const MM_FAULT *Fault)
{
    NTSTATUS Status;

    if (MiSystemWorkingSetMutex.Owner == KeGetCurrentThread()) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MIP_FAULT_UNDER_LOCK, Fault->Va, Fault->Eip, 0);
    }
    ExAcquireFastMutex(&MiSystemWorkingSetMutex);
    MiSystemCacheWorkingSet.PageFaultCount++;
    Status = MipDispatch(Fault);
    ExReleaseFastMutex(&MiSystemWorkingSetMutex);
    return Status;
}

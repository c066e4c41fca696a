/* SPDX-License-Identifier: MIT */
/*
 * system_view.c - an access to a page of a section that a view in the system half shows, and that
 * is not in the working set: the system's, or in session space the session's.
 *
 * As view.c, which see, but that nothing is copied, and that the PTE itself says where the
 * prototype PTE is.  The prototype PTE's own page belongs to the system's working set, mostly under
 * the same mutex: so it is pinned before anything is looked at, and where it is out, it is brought
 * in without the mutex.  Mostly it is there, and so is the page's frame: then one step is enough,
 * and pages behind that are in memory, too, come along.
 *
 * Who touches a view keeps it mapped meanwhile.
 */
#include "mm/fault/system_fault.h"

#include "arch/mmu.h"
#include "mm/pfn/frame.h"
#include "mm/pfn/memory_events.h"
#include "mm/pfn/page_color.h"
#include "mm/section/cache_view.h"
#include "mm/section/system_view.h"
#include "mm/space/clone_table.h"
#include "mm/space/prototype_pte.h"
#include "mm/sysva/pte_kind.h"
#include "nt/bugcodes.h"

#define MIP_UNKNOWN_PTE 0x41284u /* subcode of 0x1A */
#define MIP_AROUND      16u      /* pages: 64 KB */
#define MIP_UNIT_BYTES  0x10000u /* of MiRegionSystemViews: a view begins at a multiple of it */

static NTSTATUS MipDemandZero(PMI_SYSTEM_FAULT Found, PMMPTE Proto)
{
    PFN_NUMBER Frame;
    NTSTATUS Status;

    if (!MiIsSystemViewCommitted(MiGetVaMappedByPte(Found->Pte))) {
        return STATUS_ACCESS_VIOLATION;
    }
    Status = MiAllocateFrame(MiFrameZeroed, MiNextPageColor(), &Frame);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MiInsertSystemViewPage(Found->Pte, Proto, Frame, FALSE);
    if (NT_SUCCESS(Status)) {
        MiFaultCounters.DemandZero++;
        return STATUS_SUCCESS;
    }
    MiFreeFrame(Frame);
    return Status == STATUS_ALREADY_COMMITTED ? STATUS_SUCCESS : Status;
}

/*
 * Of a file as many pages as a read may have, where the view has the page before mapped: who has
 * that goes through the file, or reads it ahead.  Not again for a read of several that failed.
 */
static ULONG MipMostOfFile(const MI_SYSTEM_FAULT *Found)
{
    ULONG_PTR Va = MiGetVaMappedByPte(Found->Pte);
    ULONG Unit = MiIsInRegion(MiRegionSystemViews, Va) ? MIP_UNIT_BYTES : MM_CACHE_VIEW_BYTES;

    return Found->Read.MostPages > 1 && Va % Unit != 0 && MiReadPte(Found->Pte - 1).Hard.Valid
               ? MI_IN_PAGE_PAGES
               : Found->Read.MostPages;
}

/* Neighbours come along from a file: in a paging file they may be another section's. */
static NTSTATUS MipRead(PMI_SYSTEM_FAULT Found, PMMPTE Proto)
{
    NTSTATUS Status = STATUS_SUCCESS;
    MI_PTE_KIND Kind;

    ExAcquireFastMutex(&MiCloneReadMutex);
    Kind = MiPrototypePteKind(MiReadPte(Proto));
    if (Kind == MiPtePagefile || Kind == MiPteSubsection) { /* else another was quicker */
        Status = MiBeginFaultRead(&Found->Read, Proto,
                                  Kind == MiPteSubsection ? MipMostOfFile(Found) : 1);
    }
    ExReleaseFastMutex(&MiCloneReadMutex);
    return Status;
}

static NTSTATUS MipShare(PMI_SYSTEM_FAULT Found, PMMPTE Proto)
{
    MiFaultCounters.Prototype += Found->Read.Held == MI_NO_FRAME; /* else it was read for this */
    return NT_SUCCESS(MiMapSystemViewPage(Found->Pte, Proto)) ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

/* => The prototype PTE is pinned. */
static NTSTATUS MipDispatch(PMI_SYSTEM_FAULT Found, PMMPTE Proto)
{
    MMPTE Entry = MiReadPte(Proto);

    switch (MiPrototypePteKind(Entry)) {
    case MiPteValid:
        return MipShare(Found, Proto);
    case MiPteTransition:
        return MiJoinFaultRead(&Found->Read, Proto) ? STATUS_SUCCESS : MipShare(Found, Proto);
    case MiPtePagefile:
    case MiPteSubsection:
        return MipRead(Found, Proto);
    case MiPteDemandZero:
        return MipDemandZero(Found, Proto);
    case MiPteZero:
    case MiPteLarge:
    case MiPtePrototype:
    case MiPteList:
        break; /* no segment has one */
    }
    KeBugCheckEx(MEMORY_MANAGEMENT, MIP_UNKNOWN_PTE, MiGetVaMappedByPte(Found->Pte), Entry.Long,
                 (ULONG_PTR)Proto);
}

/* ---- pages that are in memory ---- */

/*
 * How many pages from this one on, up to the next 64 KB of addresses, may be mapped at once.  1:
 * where memory is not ample a page that is not asked for is one too many.
 */
static ULONG MipPagesBehind(const MI_SYSTEM_FAULT *Found, const MMPTE *Proto)
{
    ULONG_PTR Va = MiGetVaMappedByPte(Found->Pte);
    ULONG Pages = MIP_AROUND - (ULONG)(Va >> PAGE_SHIFT) % MIP_AROUND;
    ULONG InPage = (PAGE_SIZE - (ULONG)BYTE_OFFSET(Proto)) / (ULONG)sizeof(MMPTE);

    Pages = Pages < InPage ? Pages : InPage;
    if (Pages == 1 || !MiGlanceAtMemory(MiMemoryAmple)) {
        return 1;
    }
    Pages = MiCountSpareWsles(Found->WorkingSet, Pages);
    return Pages == 0 ? 1 : Pages; /* the maximum was passed, for one page */
}

/* => STATUS_NOT_FOUND: there is more to do. */
static NTSTATUS MipMapResident(PMI_SYSTEM_FAULT Found, PMMPTE Proto)
{
    ULONG Behind;
    NTSTATUS Status;

    if (!NT_SUCCESS(MiReserveSharedWsle(Found->WorkingSet))) {
        return STATUS_NOT_FOUND;
    }
    Status = MiMapResidentSystemPages(Found->Pte, Proto, MipPagesBehind(Found, Proto), &Behind);
    if (NT_SUCCESS(Status)) {
        MiFaultCounters.Prototype += Found->Read.Held == MI_NO_FRAME; /* else it was read for it */
        MiFaultCounters.Around += Behind;
    }
    return Status;
}

NTSTATUS MiSystemView(PMI_SYSTEM_FAULT Found)
{
    PMMPTE Proto = (PMMPTE)MiPrototypeAddress(Found->Entry);
    ULONG_PTR Va = MiGetVaMappedByPte(Found->Pte);
    NTSTATUS Status = MipMapResident(Found, Proto);

    if (Status != STATUS_NOT_FOUND) {
        return NT_SUCCESS(Status) ? STATUS_SUCCESS : STATUS_NO_MEMORY;
    }
    if (!MiTryPinPrototype(Proto)) {
        MiLeaveForPrototype(&Found->Read, MiFindSystemView(Va)->ControlArea, Proto);
        return STATUS_SUCCESS;
    }
    Status = MipDispatch(Found, Proto);
    MiUnpinPrototype(Proto);
    return Status;
}

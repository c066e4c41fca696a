/* SPDX-License-Identifier: MIT */
/*
 * verify.c - MiVerifyAll: each subsystem's own verify, and what two of them must agree about.
 *
 *   V1  an Active frame that names a PTE of the system half is what that PTE maps; one on standby
 *       or modified, or in transition, is what that PTE remembers
 *   V2  RAM that a valid system PTE maps is held: it is on no list
 *   V3  commitment is the sum of what was charged to it: pages that a PTE or a directory entry of
 *       the system half owns (those that are pageable apart), pages that paged pool handed out,
 *       touched or not, pageable pages of images, resident or not, those of
 *       MmAllocatePagesForMdl, pages of kernel stacks that are not resident, and what processes and
 *       sections and sessions are charged for; it is within its limit
 *
 * A violation of V1 or V2 is bug check 0x1A, 403: PTE and PFN are out of step (P2 the PTE's
 * address, P3 its contents, P4 the frame).  One that the audit of the page tables finds is 0x1A,
 * 411: a PTE is corrupt (P2 the address that it maps, P3 how many there are).
 */
#include "mm/inspect/verify_parts.h"

#include "audit.h"
#include "mi_assert.h"
#include "mm.h"
#include "mm/balance/swapper.h"
#include "mm/cc/cc_verify.h"
#include "mm/ke/thread.h"
#include "mm/ob/ob_verify.h"
#include "mm/paging/in_page.h"
#include "mm/paging/slots.h"
#include "mm/pfn/pfn_inspect.h"
#include "mm/pool/paged_page.h"
#include "mm/pool/pool.h"
#include "mm/pool/pool_pages.h"
#include "mm/pool/system_image.h"
#include "mm/section/system_view.h"
#include "mm/session/session.h"
#include "mm/space/space_verify.h"
#include "mm/sysva/hyperspace.h"
#include "mm/sysva/kernel_stack.h"
#include "mm/sysva/layout.h"
#include "mm/sysva/mdl.h"
#include "mm/sysva/pte_kind.h"
#include "mm/sysva/stack_pages.h"
#include "mm/sysva/system_pte_state.h"
#include "mm/ws/expansion.h"
#include "mm/ws/wsle.h"
#include "nt/bugcodes.h"
#include "resource.h"
#include "user_half.h"

#define MIP_OUT_OF_STEP 0x403u
#define MIP_CORRUPT_PTE 0x411u

static NT_NORETURN void MipOutOfStep(PMMPTE At, MMPTE Pte, PFN_NUMBER Frame)
{
    KeBugCheckEx(MEMORY_MANAGEMENT, MIP_OUT_OF_STEP, (ULONG_PTR)At, Pte.Long, Frame);
}

/* The PTE lies in a page table of the system half: it is the same in every address space. */
static BOOLEAN MipIsSystemHalf(const MMPTE *At)
{
    return At >= MiGetPteAddress(MM_SYSTEM_RANGE_START) && At <= MiGetPteAddress(0xFFFFFFFFu);
}

/* In a page table, or its directory entry, that each address space or session has for itself. */
static BOOLEAN MipIsProcessPrivate(const MMPTE *At)
{
    return At < MiGetPteAddress(MM_SYSTEM_RANGE_START) ||
           (At >= MiGetPteAddress(MI_HYPERSPACE_START) &&
            At < MiGetPteAddress(MI_HYPERSPACE_START + MM_LARGE_PAGE)) ||
           (At >= MiGetPdeAddress(0) && At < MiGetPdeAddress(MM_SYSTEM_RANGE_START)) ||
           At == MiGetPdeAddress(PTE_BASE) || At == MiGetPdeAddress(MI_HYPERSPACE_START) ||
           MiIsSessionPde(At) || /* session_verify.c looks at both */
           (At >= MiGetPteAddress(MiLayout.Region[MiRegionSession].Start) &&
            MiIsSessionVa(MiGetVaMappedByPte((PMMPTE)(ULONG_PTR)At)));
}

/* V1 for one frame.  => Returns whether a PTE of the system half owns it. */
static BOOLEAN MipVerifyOwner(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    const MMPFN *Pfn = MI_PFN(Frame);
    PMMPTE At = Pfn->PteAddress;
    BOOLEAN Maps;
    MMPTE Pte = {.Long = 0};

    if (!MiIsRamFrame(Frame) || Pfn->u3.e1.PrototypePte || !MipIsSystemHalf(At) ||
        (PsInitialSystemProcess != NULL && MipIsProcessPrivate(At))) {
        return FALSE;
    }
    if (!MmIsAddressValid(At)) {
        MipOutOfStep(At, Pte, Frame);
    }
    Pte = MiReadPte(At);
    Maps = Pte.Hard.Valid && Pte.Hard.PageFrameNumber == Frame;
    if (Maps != (Pfn->u3.e1.PageLocation == ActiveAndValid) ||
        (!Maps && (MiPteKind(Pte) != MiPteTransition || Pte.Hard.PageFrameNumber != Frame))) {
        MipOutOfStep(At, Pte, Frame);
    }
    return Maps;
}

/* Charged when it was handed out, not when it was touched. */
static BOOLEAN MipIsPagedPool(const MMPTE *At)
{
    const MI_POOL_REGION *Region = MiPoolRegion(MiPaged);
    ULONG_PTR Offset = MiGetVaMappedByPte((PMMPTE)(ULONG_PTR)At) - Region->Base;

    return Region->Pages != 0 && Offset >> PAGE_SHIFT < Region->Pages;
}

static void MipAddRun(PVOID Context, ULONG_PTR Va, ULONG Pages)
{
    PULONG Sum = Context;

    (void)Va;
    *Sum += Pages;
}

void MiVerifyFrameOwners(void)
{
    KIRQL OldIrql = MiLockPfn();
    ULONG Charged = MiAllocatedMdlPages;
    PFN_NUMBER Frame;

    for (Frame = 0; Frame <= MiHighestFrame; Frame++) {
        Charged += MipVerifyOwner(Frame) && !MipIsPagedPool(MI_PFN(Frame)->PteAddress) &&
                   !MiIsPageableImageVa(MiGetVaMappedByPte(MI_PFN(Frame)->PteAddress));
    }
    Charged += MiOutswappedStackPages;
    MiVisitPagedRuns(MipAddRun, &Charged);
    MiUnlockPfn(OldIrql);
    Charged += MiSharedCommit;
    if (MiPoolRegion(MiPaged)->Pages != 0) {
        Charged += MiPoolRegion(MiPaged)->UsedPages;
    }
    if (PsInitialSystemProcess != NULL) {
        Charged += MiCountProcessCharges() + MiCountSessionCharges();
    }
    MI_ASSERT(MiCommit.Committed == Charged); /* V3 */
    MI_ASSERT(MiCommit.Committed <= MiCommit.Limit && MiCommit.Committed <= MiCommit.Peak);
}

void MiVerifySystemMappings(void)
{
    KIRQL OldIrql = MiLockSystemPtes();
    KIRQL PfnIrql = MiLockPfn();
    ULONG Index;

    for (Index = 0; Index < MiSystemPtes.Total; Index++) {
        PMMPTE At = MiSystemPtes.Base + Index;
        MMPTE Pte = MiReadPte(At);
        PFN_NUMBER Frame = Pte.Hard.PageFrameNumber;

        if (Pte.Hard.Valid && MiIsRamFrame(Frame) && MI_PFN(Frame)->u3.e2.ReferenceCount == 0) {
            MipOutOfStep(At, Pte, Frame); /* V2 */
        }
    }
    MiUnlockPfn(PfnIrql);
    MiUnlockSystemPtes(OldIrql);
}

/* ---- what there is ---- */

static BOOLEAN MipHasFrames(void)
{
    return MiPfnDatabase != NULL;
}

static BOOLEAN MipHasSystemPtes(void)
{
    MI_SYSTEM_PTE_COUNTERS Counters;

    MiQuerySystemPtes(&Counters);
    return Counters.Total != 0;
}

static BOOLEAN MipHasBoth(void)
{
    return MipHasFrames() && MipHasSystemPtes();
}

static BOOLEAN MipHasPools(void)
{
    return MiPoolTags[0].Tag == MI_POOL_TAG_OVERFLOW;
}

static BOOLEAN MipHasThreads(void)
{
    return KeGetCurrentThread() != NULL;
}

static BOOLEAN MipHasStackSwap(void)
{
    return MipHasThreads() && MipHasBoth();
}

static BOOLEAN MipHasPoolsOverFrames(void)
{
    return MipHasFrames() && MipHasPools();
}

/* Above APC_LEVEL nobody can attach to another address space. */
static BOOLEAN MipHasProcesses(void)
{
    return PsInitialSystemProcess != NULL && KeGetCurrentIrql() <= APC_LEVEL;
}

static BOOLEAN MipHasSessions(void)
{
    return MipHasProcesses() && MiSessions.Flink != NULL &&
           MiSessionMutex.Owner != KeGetCurrentThread();
}

/* Verify waits for the mutex, and so does whoever holds it already. */
static BOOLEAN MipHasSystemWorkingSet(void)
{
    return MipHasSystemPtes() && MmIsAddressValid((PVOID)MI_SYSTEM_WORKING_SET_LIST_VA) &&
           KeGetCurrentThread() != NULL && KeGetCurrentIrql() <= APC_LEVEL &&
           MiSystemWorkingSetMutex.Owner != KeGetCurrentThread();
}

static BOOLEAN MipHasPagedPages(void)
{
    return MipHasPools() && MipHasSystemWorkingSet();
}

static void MipVerifyPagedPages(void)
{
    const MI_POOL_REGION *Region = MiPoolRegion(MiPaged);
    ULONG Valid;

    ExAcquireFastMutex(&MiSystemWorkingSetMutex);
    Valid = MiVerifyPagedPages(MiGetPteAddress(Region->Base), Region->Pages, MM_READWRITE);
    MI_ASSERT(Valid == MiResidentPagedPool);
    MI_ASSERT(Valid + MiResidentSystemCode + MiSystemViewCounters.Resident ==
              MiSystemCacheWorkingSet.WorkingSetSize); /* G1 */
    MiVerifySystemViews();
    ExReleaseFastMutex(&MiSystemWorkingSetMutex);
}

static BOOLEAN MipHasLayout(void)
{
    return MiLayout.Region[MiRegionKernel].Bytes != 0;
}

static void MipVerifyLayout(void)
{
    MiVerifyLayout(&MiLayout);
}

/* Without ranges, which only their owners know: A1, A3, A7 and A8 of audit.h. */
static void MipVerifyPageTables(void)
{
    MI_AUDIT_RESULT Result = {.Violations = 0};

    MiAuditPageTables(NULL, 0, &Result);
    if (Result.Violations != 0) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MIP_CORRUPT_PTE, Result.FirstVa, Result.Violations, 0);
    }
}

const MI_VERIFY_PART MiVerifyParts[] = {
    {"page tables (audit)", MipHasSystemPtes, MipVerifyPageTables},
    {"layout", MipHasLayout, MipVerifyLayout},
    {"threads", MipHasThreads, KiVerifyThreads},
    {"resources", MipHasThreads, ExpVerifyResources},
    {"page lists", MipHasFrames, MiVerifyPageLists},
    {"system PTEs", MipHasSystemPtes, MiVerifySystemPtes},
    {"kernel stacks", MipHasSystemPtes, MiVerifyKernelStacks},
    {"kernel stacks that are not resident", MipHasStackSwap, MiVerifyStackSwap},
    {"pools", MipHasPools, MiVerifyPool},
    {"system working set", MipHasSystemWorkingSet, MiVerifySystemWorkingSet},
    {"paged pool's pages, views in the system half", MipHasPagedPages, MipVerifyPagedPages},
    {"pageable sections of images", MipHasPagedPages, MiVerifySystemImages},
    {"working sets that can be trimmed", MipHasProcesses, MiVerifyExpansion},
    {"paging files, their slots and who owns them", MipHasPoolsOverFrames, MiVerifyPagingFiles},
    {"objects, handles, names", ObpCanVerify, ObpVerifyResident},
    {"address spaces", MipHasProcesses, MiVerifyAddressSpaces}, /* which bring page tables in */
    {"sessions", MipHasSessions, MiVerifySessions},
    {"pages that are being read", MipHasProcesses, MiVerifyInPage},
    {"system cache", CcIsRunning, CciVerifyCache},
    {"frames and the PTEs that own them, commitment", MipHasFrames, MiVerifyFrameOwners},
    {"system PTEs and the frames that they map", MipHasBoth, MiVerifySystemMappings},
    {NULL, NULL, NULL},
};

void MiVerifyAll(void)
{
    const MI_VERIFY_PART *Part;

    for (Part = MiVerifyParts; Part->Name != NULL; Part++) {
        if (Part->Exists()) {
            Part->Verify();
        }
    }
}

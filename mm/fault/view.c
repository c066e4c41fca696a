/* SPDX-License-Identifier: MIT */
/*
 * view.c - an access to a page of a view that is not in this working set, and a write to one that
 * is copied then.
 *
 *     the prototype PTE      what happens
 *     its page is out        the page is brought in without the lock, and stays for the next look
 *     valid                  others have the page mapped: its frame is mapped here, too
 *     in transition          its frame has the contents: the same; being read: the fault collides
 *     a slot, a subsection   the page is read, as the prototype PTE's
 *     a protection           a zeroed frame, for everybody
 *
 * Pages behind the one that was touched that are in memory, too, come along.
 *
 * A page that is copied when it is written to is mapped first: then the write faults again.  One
 * that has to be relocated is copied at once, and never mapped (moved_page.c).
 *
 * While a fault waits without the lock the view may go: a reference keeps the segment.
 */
#include "mm/fault/user_fault.h"
#include "mm/pfn/frame.h"
#include "mm/pfn/memory_events.h"
#include "mm/pfn/page_color.h"
#include "mm/section/section.h"
#include "mm/space/clone_table.h"
#include "mm/space/user_page.h"
#include "mm/sysva/mdl.h"
#include "mm/ws/wsle.h"
#include "nt/bugcodes.h"

#define MIP_AROUND 16u /* pages: 64 KB */

/* ---- prototype PTEs that are out ---- */

static void MipLetGo(PMI_FAULT_READ Read)
{
    PCONTROL_AREA Area = Read->ControlArea;

    Read->ControlArea = NULL;
    MiDereferenceControlArea(Area);
}

/* => Pinned, or why not. */
static NTSTATUS MipBring(PMMPTE Proto)
{
    NTSTATUS Status = STATUS_SUCCESS;

    __atomic_add_fetch(&MiBringingPages, 1, __ATOMIC_RELAXED);
    while (NT_SUCCESS(Status) && !MiTryPinPrototype(Proto)) {
        Status = MiMakeResident((ULONG_PTR)Proto, FALSE);
    }
    __atomic_sub_fetch(&MiBringingPages, 1, __ATOMIC_RELAXED);
    return Status;
}

static NTSTATUS MipBringPrototype(PMI_FAULT_READ Read)
{
    NTSTATUS Status = MipBring(Read->Prototype);

    if (NT_SUCCESS(Status)) {
        Read->Pinned = TRUE;
        return STATUS_RETRY;
    }
    MipLetGo(Read);
    Read->Status = Status;
    return Status == STATUS_IN_PAGE_ERROR ? STATUS_IN_PAGE_ERROR : STATUS_NO_MEMORY;
}

void MiReleaseFaultPin(PMMPTE Prototype, PCONTROL_AREA Area)
{
    MiUnpinPrototype(Prototype);
    MiDereferenceControlArea(Area);
}

void MiLeaveForPrototype(PMI_FAULT_READ Read, PCONTROL_AREA Area, PMMPTE Proto)
{
    if (Read->Pinned) {
        return; /* another view came here meanwhile: the access will fault again */
    }
    MiReferenceControlArea(Area);
    Read->ControlArea = Area;
    Read->Prototype = Proto;
    Read->Rest = MipBringPrototype;
}

/* ---- the kinds ---- */

static NTSTATUS MipMove(PMI_USER_FAULT Fault, PMMPTE Pte, PMMPTE Proto)
{
    PFN_NUMBER Frame;
    NTSTATUS Status = MiAllocateFrame(MiFrameZeroed, MiNextPageColor(), &Frame);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MiInsertMovedPage(Fault->Process, Fault->Vad, Pte, Proto, Fault->Protection, Frame);
    if (!NT_SUCCESS(Status)) {
        MiFreeFrame(Frame);
        return Status == STATUS_RETRY ? STATUS_SUCCESS : STATUS_NO_MEMORY;
    }
    MiFaultCounters.CopyOnWrite++;
    return STATUS_SUCCESS;
}

static NTSTATUS MipDemandZero(PMI_USER_FAULT Fault, PMMPTE Pte, PMMPTE Proto)
{
    PFN_NUMBER Frame;
    NTSTATUS Status;

    if (MiIsMovedPage(Fault->Vad, Fault->Va)) {
        return MipMove(Fault, Pte, Proto);
    }
    Status = MiAllocateFrame(MiFrameZeroed, MiNextPageColor(), &Frame);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MiInsertViewPage(Fault->Process, Pte, Proto, Fault->Protection, Frame);
    if (!NT_SUCCESS(Status)) {
        MiFreeFrame(Frame);
        return Status == STATUS_RETRY ? STATUS_SUCCESS : STATUS_NO_MEMORY;
    }
    MiFaultCounters.DemandZero++;
    return STATUS_SUCCESS;
}

/* Only a fault makes a frame for a prototype PTE: its slot stays while the mutex is held. */
static NTSTATUS MipRead(PMI_USER_FAULT Fault, PMMPTE Proto)
{
    NTSTATUS Status = STATUS_SUCCESS;

    ExAcquireFastMutex(&MiCloneReadMutex);
    switch (MiPrototypePteKind(MiReadPte(Proto))) {
    case MiPtePagefile:
        Status = MiBeginFaultRead(&Fault->Read, Proto, 1);
        break;
    case MiPteSubsection:
        Status = MiBeginFaultRead(&Fault->Read, Proto, Fault->Read.MostPages);
        break;
    default:
        break; /* another thread was quicker */
    }
    ExReleaseFastMutex(&MiCloneReadMutex);
    return Status;
}

static NTSTATUS MipShare(PMI_USER_FAULT Fault, PMMPTE Pte, PMMPTE Proto)
{
    if (MiIsMovedPage(Fault->Vad, Fault->Va)) {
        return MipMove(Fault, Pte, Proto);
    }
    MiFaultCounters.Prototype += Fault->Read.Held == MI_NO_FRAME; /* else it was read for this */
    return NT_SUCCESS(MiMapViewPage(Fault->Process, Pte, Proto, Fault->Protection))
               ? STATUS_SUCCESS
               : STATUS_NO_MEMORY;
}

/* => The prototype PTE is pinned, the page table is there. */
static NTSTATUS MipDispatch(PMI_USER_FAULT Fault, PMMPTE Pte, PMMPTE Proto)
{
    MMPTE Found = MiReadPte(Proto);

    switch (MiPrototypePteKind(Found)) {
    case MiPteValid:
        return MipShare(Fault, Pte, Proto);
    case MiPteTransition:
        return MiUserCollided(Fault, Proto) ? STATUS_SUCCESS : MipShare(Fault, Pte, Proto);
    case MiPtePagefile:
    case MiPteSubsection:
        return MipRead(Fault, Proto);
    case MiPteDemandZero:
        return MipDemandZero(Fault, Pte, Proto);
    case MiPteZero:
    case MiPteLarge:
    case MiPtePrototype:
    case MiPteList:
        break; /* no segment has one */
    }
    KeBugCheckEx(MEMORY_MANAGEMENT, 0x41284, Fault->Va, Found.Long, (ULONG_PTR)Proto);
}

/* ---- pages that are in memory ---- */

static ULONG MipLeast(ULONG A, ULONG B)
{
    return A < B ? A : B;
}

/* => Of an image's pages from this one on, up to Pages, those that have its protection. */
static ULONG MipAlike(const MI_USER_FAULT *Fault, ULONG Pages)
{
    ULONG Alike = 1;

    while (Alike < Pages) {
        ULONG_PTR Va = Fault->Va + ((ULONG_PTR)Alike << PAGE_SHIFT);

        if (MiViewPageProtection(Fault->Vad, Va, MiMakeZeroPte()) != Fault->Protection ||
            MiIsMovedPage(Fault->Vad, Va)) {
            break;
        }
        Alike++;
    }
    return Alike;
}

/* => Pages of the view's protection that nobody touched may be no memory. */
static BOOLEAN MipIsPartlyThere(const MMVAD *Vad)
{
    return !Vad->u.VadFlags.ImageMap && !MiIsPlainView(Vad);
}

/*
 * How many pages from this one on, up to the next 64 KB of addresses, are the same to a fault: they
 * have the view's protection, and their prototype PTEs lie in one page.  1: where memory is not
 * ample a page that is not asked for is one too many.
 */
static ULONG MipPagesBehind(const MI_USER_FAULT *Fault, const MMPTE *Proto)
{
    const MMVAD_VIEW *View = MiViewOf(Fault->Vad);
    ULONG Vpn = (ULONG)(Fault->Va >> PAGE_SHIFT);
    ULONG Pages = MIP_AROUND - Vpn % MIP_AROUND;

    Pages = MipLeast(Pages, Fault->Vad->EndingVpn - Vpn + 1);
    if (Pages == 1 || Fault->Pte.Long != 0 || MipIsPartlyThere(Fault->Vad) ||
        Proto < View->FirstPrototypePte || Proto > View->LastContiguousPte ||
        !MiGlanceAtMemory(MiMemoryAmple)) {
        return 1;
    }
    Pages = MipLeast(Pages, (ULONG)(View->LastContiguousPte - Proto) + 1);
    Pages = MipLeast(Pages, (PAGE_SIZE - (ULONG)BYTE_OFFSET(Proto)) / (ULONG)sizeof(MMPTE));
    if (Fault->Vad->u.VadFlags.ImageMap) {
        Pages = MipAlike(Fault, Pages);
    }
    return Pages == 1 ? 1 : MiCountSpareWsles(&Fault->Process->Vm, Pages);
}

/* => STATUS_NOT_FOUND: there is more to do. */
static NTSTATUS MipMapResident(const MI_USER_FAULT *Fault, PMMPTE Proto)
{
    MI_VIEW_RUN Run = {.Protection = Fault->Protection, .Image = Fault->Vad->u.VadFlags.ImageMap};
    ULONG Behind;
    NTSTATUS Status;

    if (!MiHasPageTable(Fault->Va) || !NT_SUCCESS(MiReserveSharedWsle(&Fault->Process->Vm))) {
        return STATUS_NOT_FOUND;
    }
    Run.Most = MipPagesBehind(Fault, Proto);
    Run.Most = Run.Most == 0 ? 1 : Run.Most; /* the maximum was passed, for one page */
    Status = MiMapResidentPages(Fault->Process, MiGetPteAddress(Fault->Va), Proto, &Run, &Behind);
    if (NT_SUCCESS(Status)) {
        MiFaultCounters.Prototype +=
            Fault->Read.Held == MI_NO_FRAME; /* else it was read for this */
        MiFaultCounters.Around += Behind;
    }
    return Status;
}

NTSTATUS MiUserView(PMI_USER_FAULT Fault)
{
    PMMPTE Proto = MiViewPrototype(Fault->Vad, Fault->Va);
    NTSTATUS Status =
        MiIsMovedPage(Fault->Vad, Fault->Va) ? STATUS_NOT_FOUND : MipMapResident(Fault, Proto);

    if (Status != STATUS_NOT_FOUND) {
        return NT_SUCCESS(Status) ? STATUS_SUCCESS : STATUS_NO_MEMORY;
    }
    if (!MiTryPinPrototype(Proto)) {
        MiLeaveForPrototype(&Fault->Read, MiViewOf(Fault->Vad)->ControlArea, Proto);
        return STATUS_SUCCESS;
    }
    Status = MiMakePageTable(Fault->Process, Fault->Va);
    if (NT_SUCCESS(Status)) {
        Status = MipDispatch(Fault, MiGetPteAddress(Fault->Va), Proto);
        MiDeleteEmptyPageTables(Fault->Process, Fault->Va, Fault->Va);
    }
    MiUnpinPrototype(Proto);
    return Status;
}

NTSTATUS MiUserViewCopy(const MI_USER_FAULT *Fault)
{
    PFN_NUMBER Frame;
    NTSTATUS Status = MiAllocateFrame(MiFrameAny, MiNextPageColor(), &Frame);

    if (NT_SUCCESS(Status)) {
        MiCopyViewPage(Fault->Process, MiGetPteAddress(Fault->Va), Fault->Protection, Frame);
        MiFaultCounters.CopyOnWrite++;
    }
    return Status;
}

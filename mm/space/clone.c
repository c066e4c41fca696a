/* SPDX-License-Identifier: MIT */
/*
 * clone.c - MmCloneProcessAddressSpace.
 *
 *     1  blocks for the parent's private pages are reserved
 *     2  the child gets descriptors, with their charges, and page tables
 *     3  for each page table: the parent's pages become shared ones, and a row of 1,024 PTEs for
 *        the child is made; then the row is stored in the child
 *
 * Page tables are seen by the one who runs, so that a row is made attached to the parent and stored
 * attached to the child.  The child's PTEs name the shared pages; none is valid: it has no working
 * set before it touches something.
 *
 * A page that is locked, or that a device may be writing to, stays the parent's, and the child gets
 * a copy at once: the parent's page must not move when one of them writes.
 *
 * What fails is undone: the child is emptied, and so the parent alone has its pages, and takes them
 * back.
 *
 * Locking: the parent's AddressCreationLock throughout, and under it the child's, for which nobody
 * else waits: nobody can find the child.  Its page tables are not trimmed meanwhile.
 */
#include "mm/space/clone.h"

#include "ex.h"
#include "mi_assert.h"
#include "mm/pfn/frame.h"
#include "mm/pfn/page_color.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/space/address_space.h"
#include "mm/space/shared_page.h"
#include "mm/space/working_set_size.h"
#include "mm/sysva/hyperspace.h"
#include "mm/sysva/system_pages.h"

#define MIP_TABLE_WORDS (MI_MOST_USER_PAGE_TABLES / 32)

typedef struct _MIP_CLONE {
    PEPROCESS Parent;
    PEPROCESS Child;
    PMMPTE Row;                    /* the child's PTEs of one page table */
    ULONG Tables[MIP_TABLE_WORDS]; /* bits: page tables that the parent has */
    ULONG Blocks;                  /* that were reserved and not taken */
} MIP_CLONE, *PMIP_CLONE;

static BOOLEAN MipHasTable(const MIP_CLONE *Clone, ULONG Table)
{
    return Clone->Tables[Table / 32] >> Table % 32 & 1;
}

static ULONG_PTR MipTableVa(ULONG Table)
{
    return (ULONG_PTR)Table << PDI_SHIFT;
}

/* A private page that has contents. */
static BOOLEAN MipIsPrivate(MMPTE Pte)
{
    MI_PTE_KIND Kind = MiPteKind(Pte);

    return (Kind == MiPteValid && !MiIsPhysicalPte(Pte) && !MiIsSharedPte(Pte) &&
            !MiIsViewPte(Pte)) ||
           Kind == MiPteTransition || Kind == MiPtePagefile;
}

/* ---- prepare ---- */

static void MipCountTable(PMIP_CLONE Clone, ULONG Table)
{
    PMMPTE Pte = MiGetPteAddress(MipTableVa(Table));
    ULONG i;

    Clone->Tables[Table / 32] |= 1u << Table % 32;
    for (i = 0; i < PTE_PER_PAGE; i++) {
        Clone->Blocks += MipIsPrivate(MiReadPte(Pte + i));
    }
}

/* => Attached to the parent. */
static NTSTATUS MipReserve(PMIP_CLONE Clone)
{
    ULONG Table;
    NTSTATUS Status;

    for (Table = 0; Table < MI_USER_PAGE_TABLES; Table++) {
        if (MiHasPageTable(MipTableVa(Table))) {
            MipCountTable(Clone, Table);
        }
    }
    Status = MiReserveCloneBlocks(Clone->Blocks);
    if (!NT_SUCCESS(Status)) {
        Clone->Blocks = 0;
    }
    return Status;
}

/* => Whether the child has what the descriptor says. */
static BOOLEAN MipIsInherited(const MMVAD *Vad)
{
    return !MiIsView(Vad) || Vad->u.VadFlags.Inherit;
}

/* The child's view is of the same part of the section. */
static void MipCloneView(PEPROCESS Child, PMMVAD New, const MMVAD *Vad)
{
    MMVAD Core = *New;
    PMMVAD_VIEW View = (PMMVAD_VIEW)(PVOID)New;

    *View = *MiViewOf(Vad);
    View->Core = Core;
    View->Process = Child;
    MiReferenceView(View);
}

static NTSTATUS MipCloneVad(PEPROCESS Child, const MMVAD *Vad)
{
    ULONG Commit = Vad->u.VadFlags.CommitCharge;
    NTSTATUS Status = MiChargeProcessCommit(Child, Commit);
    PMMVAD New;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MiCreateVad(Child, MiVadStart(Vad), MiVadPages(Vad), Vad->u.VadFlags, &New);
    if (!NT_SUCCESS(Status)) {
        MiReturnProcessCommit(Child, Commit);
    } else if (MiIsView(Vad)) {
        MipCloneView(Child, New, Vad);
    }
    return Status;
}

/* The minimum working set is a promise, which is made for each process. */
static NTSTATUS MipInheritLimits(const MIP_CLONE *Clone)
{
    const MMSUPPORT *From = &Clone->Parent->Vm;
    PMMSUPPORT To = &Clone->Child->Vm;

    memcpy(Clone->Child->QuotaLimit, Clone->Parent->QuotaLimit, sizeof(Clone->Child->QuotaLimit));
    To->MinimumWorkingSetHard = From->MinimumWorkingSetHard;
    To->MaximumWorkingSetHard = From->MaximumWorkingSetHard;
    return MiAdjustWorkingSetSize(To, (SIZE_T)From->MinimumWorkingSetSize << PAGE_SHIFT,
                                  (SIZE_T)From->MaximumWorkingSetSize << PAGE_SHIFT, TRUE, 0);
}

/* => Attached to the child. */
static NTSTATUS MipMakeRoom(const MIP_CLONE *Clone)
{
    NTSTATUS Status = MipInheritLimits(Clone);
    PMMVAD Vad = MiVadOf(RtlAvlFirstNode(&Clone->Parent->VadRoot));
    ULONG Table;

    while (Vad != NULL && NT_SUCCESS(Status)) {
        if (MipIsInherited(Vad)) {
            Status = MipCloneVad(Clone->Child, Vad);
        }
        Vad = MiNextVad(Vad);
    }
    for (Table = 0; Table < MI_USER_PAGE_TABLES && NT_SUCCESS(Status); Table++) {
        if (MipHasTable(Clone, Table) && MiIsPageTableCommitted(Table)) {
            Status = MiMakePageTable(Clone->Child, MipTableVa(Table));
        }
    }
    return Status;
}

/* ---- pages ---- */

/* Neither its PTE nor paging alone holds the frame. */
static BOOLEAN MipMustStay(PFN_NUMBER Frame)
{
    const MMPFN *Pfn = MI_PFN(Frame);
    ULONG Own = (Pfn->u3.e1.PageLocation == ActiveAndValid) + Pfn->u3.e1.WriteInProgress;

    return !Pfn->u3.e1.ReadInProgress &&
           (Pfn->u3.e1.LockCharged || Pfn->u3.e2.ReferenceCount > Own);
}

/* => *Row: a transition PTE, whose frame does not know it yet; or zero. */
static NTSTATUS MipCopyNow(PFN_NUMBER Frame, ULONG Protection, PMMPTE Row)
{
    PFN_NUMBER New;
    NTSTATUS Status = MiAllocateFrame(MiFrameAny, MiNextPageColor(), &New);
    KIRQL OldIrql;

    if (NT_SUCCESS(Status)) {
        MiCopyFrame(New, Frame);
        *Row = MiMakeTransitionPte(New, Protection);
    }
    OldIrql = MiLockPfn();
    MiDereferenceFrame(Frame);
    MiUnlockPfn(OldIrql);
    return Status;
}

static NTSTATUS MipSharePage(PMIP_CLONE Clone, PMMVAD Vad, PMMPTE Pte, PMMPTE Row)
{
    KIRQL OldIrql = MiLockPfn();
    MMPTE Old = MiReadPte(Pte);
    PFN_NUMBER Frame = Old.Hard.PageFrameNumber;
    BOOLEAN Private = MipIsPrivate(Old);
    NTSTATUS Status = STATUS_SUCCESS;
    BOOLEAN Stays = Private && MiPteKind(Old) != MiPtePagefile && MipMustStay(Frame);

    if (Stays) {
        Status = MiReferenceFrame(Frame);
    } else if (Private) {
        (void)MiBeginSharing(Vad, Pte);
        Clone->Blocks--;
        *Row = MiReferenceSharedPage(MiReadPte(Pte));
    } else if (MiIsSharedPte(Old)) {
        *Row = MiReferenceSharedPage(Old);
    } else if (MiIsViewPte(Old)) {
        *Row = MiCloneViewPte(Vad, MiGetVaMappedByPte(Pte), Old);
    } else {
        *Row = Old; /* a protection, or decommitted */
    }
    MiUnlockPfn(OldIrql);
    return Stays && NT_SUCCESS(Status) ? MipCopyNow(Frame, MiUserPteProtection(Old), Row) : Status;
}

/* => Attached to the parent.  On failure the row is right as far as it goes. */
static NTSTATUS MipMakeRow(PMIP_CLONE Clone, ULONG Table)
{
    PMMPTE Pte = MiGetPteAddress(MipTableVa(Table));
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG i;

    memset(Clone->Row, 0, PAGE_SIZE);
    for (i = 0; i < PTE_PER_PAGE && NT_SUCCESS(Status); i++) {
        /* a physical view's pages come when the child touches them */
        if (MiReadPte(Pte + i).Long != 0 && !MiIsPhysicalPte(MiReadPte(Pte + i))) {
            PMMVAD Vad = MiFindVad(Clone->Parent, Table * PTE_PER_PAGE + i);

            MI_ASSERT(Vad != NULL);
            MiCleanUserPage(Vad, Pte + i); /* also where the page stays: MipCopyWatchBits */
            if (MipIsInherited(Vad)) {
                Status = MipSharePage(Clone, Vad, Pte + i, Clone->Row + i);
            }
        }
    }
    return Status;
}

/* The frame of a page that was copied goes to the modified list. */
static void MipTieCopy(PMMPTE Pte, MMPTE New)
{
    PFN_NUMBER Frame = New.Hard.PageFrameNumber;
    KIRQL OldIrql = MiLockPfn();

    MiSetFramePte(Frame, Pte, MiMakeSoftwarePte(MiSoftwareProtection(New)), MiTableFrame(Pte));
    MiSetFrameModified(Frame, TRUE);
    MiDecrementShareCount(Frame);
    MiUnlockPfn(OldIrql);
}

/* => Attached to the child. */
static void MipStoreRow(const MIP_CLONE *Clone, ULONG Table)
{
    PMMPTE Pte = MiGetPteAddress(MipTableVa(Table));
    ULONG i;

    for (i = 0; i < PTE_PER_PAGE; i++) {
        if (Clone->Row[i].Long != 0) {
            if (MiPteKind(Clone->Row[i]) == MiPteTransition) {
                MipTieCopy(Pte + i, Clone->Row[i]);
            }
            MiStoreUserPte(Pte + i, MiMakeZeroPte(), Clone->Row[i]);
        }
    }
    /* what the parent has there may not be inherited */
    MiDeleteEmptyPageTables(Clone->Child, MipTableVa(Table), MipTableVa(Table));
}

static NTSTATUS MipClonePages(PMIP_CLONE Clone)
{
    NTSTATUS Status = STATUS_SUCCESS;
    KAPC_STATE ApcState;
    ULONG Table;

    for (Table = 0; Table < MI_USER_PAGE_TABLES && NT_SUCCESS(Status); Table++) {
        if (MipHasTable(Clone, Table)) {
            Status = MipMakeRow(Clone, Table);
            KeStackAttachProcess(&Clone->Child->Pcb, &ApcState);
            MipStoreRow(Clone, Table);
            KeUnstackDetachProcess(&ApcState);
        }
    }
    return Status;
}

/* => The parent's pages are not Dirty any more: its bits say all. */
static void MipCopyWatchBits(const MIP_CLONE *Clone)
{
    PMMVAD Vad = MiVadOf(RtlAvlFirstNode(&Clone->Parent->VadRoot));

    while (Vad != NULL) {
        if (Vad->WatchBits != NULL) {
            memcpy(MiFindVad(Clone->Child, Vad->StartingVpn)->WatchBits, Vad->WatchBits,
                   (MiVadPages(Vad) + 31) / 32 * sizeof(ULONG));
        }
        Vad = MiNextVad(Vad);
    }
}

/* ---- undo ---- */

/* => The child has none of its pages any more. */
static void MipTakeBackPages(const MIP_CLONE *Clone)
{
    ULONG Table;
    ULONG i;

    for (Table = 0; Table < MI_USER_PAGE_TABLES; Table++) {
        PMMPTE Pte = MiGetPteAddress(MipTableVa(Table));

        for (i = 0; i < PTE_PER_PAGE && MipHasTable(Clone, Table); i++) {
            if (MiIsSharedPte(MiReadPte(Pte + i))) {
                (void)MiTakeBackUserPage(Pte + i);
            }
        }
    }
}

/* ---- the whole ---- */

/* => Attached to the parent, under both locks. */
static NTSTATUS MipClone(PMIP_CLONE Clone)
{
    KAPC_STATE ApcState;
    NTSTATUS Status = MipReserve(Clone);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    KeStackAttachProcess(&Clone->Child->Pcb, &ApcState);
    Status = MipMakeRoom(Clone);
    KeUnstackDetachProcess(&ApcState);
    if (NT_SUCCESS(Status)) {
        Status = MipClonePages(Clone);
    }
    MiReturnCloneBlocks(Clone->Blocks);
    if (NT_SUCCESS(Status)) {
        MipCopyWatchBits(Clone);
    } else {
        KeStackAttachProcess(&Clone->Child->Pcb, &ApcState);
        MiCleanProcessAddressSpace(Clone->Child);
        KeUnstackDetachProcess(&ApcState);
        MipTakeBackPages(Clone);
        MiTrimCloneTable();
    }
    return Status;
}

NTSTATUS MmCloneProcessAddressSpace(PEPROCESS Parent, PEPROCESS Child)
{
    MIP_CLONE Clone = {.Parent = Parent, .Child = Child};
    KAPC_STATE ApcState;
    NTSTATUS Status;

    Clone.Row = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, MI_CLONE_TAG);
    if (Clone.Row == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    KeStackAttachProcess(&Parent->Pcb, &ApcState);
    MiLockAddressSpace(Parent);
    (void)MiBringPageTables(Parent, 0, Parent->HighestUserAddress); /* nothing was looked at yet */
    MiLockAddressSpace(Child);
    Status = Parent->VmDeleted ? STATUS_PROCESS_IS_TERMINATING : MipClone(&Clone);
    MiUnlockAddressSpace(Child);
    MiUnlockAddressSpace(Parent);
    KeUnstackDetachProcess(&ApcState);
    MiDeleteUnusedSegments(); /* a view that was undone may have been the last one */
    ExFreePoolWithTag(Clone.Row, MI_CLONE_TAG);
    return Status;
}

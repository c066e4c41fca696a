/* SPDX-License-Identifier: MIT */
/*
 * shared_page.c - pages that cloned address spaces share: the other half of user_page.c.
 *
 * Such a page has a block (clone_table.h), whose prototype PTE says where its contents are.
 *
 *     state       the process' PTE                                       the block's page
 *     mapped      valid, not writable; CopyOnWrite if a write may copy   has a frame, Active
 *     named       prototype: the block's number and a protection         anything
 *
 * Writing makes a copy, and the copy is private.  So does any access to a page whose protection
 * is not the block's: a change of protection concerns one process alone.  Who is the last to have
 * the page takes it back as it is: there is no copy, and no block any more.
 *
 * Invariants (MiVerifyAddressSpaces):
 *   U4  a mapped page has the protection of its block, is not Dirty and not locked; its page table
 *       has a share for it, as for a private page
 *   U5  CloneRefCount is the number of PTEs that map or name the block's page, ShareCount the
 *       number of those that map it
 *   U6  the contents of a shared page do not change
 *
 * Locking: AddressCreationLock; MiPfnLock for frames and blocks, which others use too.
 */
#include "mm/space/shared_page.h"

#include "mi_assert.h"
#include "mm/pfn/pfn_list.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/sysva/hyperspace.h"
#include "mm/sysva/system_pages.h"
#include "mm/ws/wsle.h"

/* ---- blocks ---- */

static void MipSetOriginalProtection(PFN_NUMBER Frame, ULONG Protection) NT_HOLDS(MiPfnLock)
{
    PMMPFN Pfn = MI_PFN(Frame);

    Pfn->OriginalPte = MiChangeSoftwareProtection(Pfn->OriginalPte, Protection);
}

/* The frame, in whatever state, is remembered by the block, or by the process' PTE again. */
static void MipGiveFrame(PFN_NUMBER Frame, PMMPTE Pte, BOOLEAN Prototype) NT_HOLDS(MiPfnLock)
{
    MiMoveFramePte(Frame, Pte, MiTableFrame(Pte));
    MI_PFN(Frame)->u3.e1.PrototypePte = Prototype != FALSE;
}

/* Nobody has the page any more. */
static void MipDeleteBlock(ULONG Index) NT_HOLDS(MiPfnLock)
{
    MMPTE Proto = MiCloneBlock(Index)->ProtoPte;

    MI_ASSERT(!Proto.Hard.Valid);
    if (MiPteKind(Proto) == MiPteTransition) {
        MI_PFN(Proto.Hard.PageFrameNumber)->u3.e1.PrototypePte = 0;
        MiDeleteTransitionFrame(Proto.Hard.PageFrameNumber);
    } else {
        MiReleasePteSlot(Proto);
    }
    MiFreeCloneBlock(Index);
}

static void MipDropReference(ULONG Index) NT_HOLDS(MiPfnLock)
{
    PMMCLONE_BLOCK Block = MiCloneBlock(Index);

    MI_ASSERT(Block->CloneRefCount != 0);
    MiNotePrototypeChange();
    if (--Block->CloneRefCount == 0) {
        MipDeleteBlock(Index);
    }
}

/* ---- frames ---- */

/* The PTE, which has another value now, mapped the page.  Flushed before the frame is reused. */
static void MipUnmap(PEPROCESS Process, PMMPTE Pte, MMPTE Old) NT_HOLDS(MiPfnLock)
{
    KeFlushSingleTb(MiGetVaMappedByPte(Pte));
    MiRemoveWsle(&Process->Vm, MiGetVaMappedByPte(Pte), Old.Hard.PageFrameNumber);
    MiLeaveFrame(Old.Hard.PageFrameNumber);
    MiDecrementShareCount(MiTableFrame(Pte));
}

/* ---- sharing begins ---- */

/* A guard page is shared as what it will be when it was touched. */
static ULONG MipBlockProtection(ULONG Protection)
{
    return MiIsGuard(Protection) ? Protection & ~MM_GUARD_PAGE : Protection;
}

static void MipShareValid(PMMVAD Vad, PMMPTE Pte, MMPTE Old, PMMCLONE_BLOCK Block)
    NT_HOLDS(MiPfnLock)
{
    NTSTATUS Status;

    MiWritePte(Pte, MiMakeCopyOnWritePte(Old));
    KeFlushSingleTb(MiGetVaMappedByPte(Pte));
    MiCaptureDirty(Vad, Pte, Old);
    Block->ProtoPte = MiMakeUserPte(Old.Hard.PageFrameNumber, FALSE, MiCached);
    MipGiveFrame(Old.Hard.PageFrameNumber, &Block->ProtoPte, TRUE);
    Status = MiIncrementShareCount(MiTableFrame(Pte)); /* U4 */
    MI_ASSERT(NT_SUCCESS(Status));                     /* it is Active */
}

ULONG MiBeginSharing(PMMVAD Vad, PMMPTE Pte)
{
    ULONG Index = MiTakeCloneBlock();
    PMMCLONE_BLOCK Block = MiCloneBlock(Index);
    MMPTE Old = MiReadPte(Pte);
    ULONG Protection;

    MiNotePrototypeChange();
    if (Old.Hard.Valid) {
        MipShareValid(Vad, Pte, Old, Block);
        return Index;
    }
    Protection = MiSoftwareProtection(Old);
    Block->ProtoPte = MiChangeSoftwareProtection(Old, MipBlockProtection(Protection));
    if (MiPteKind(Old) == MiPteTransition) {
        MipGiveFrame(Old.Hard.PageFrameNumber, &Block->ProtoPte, TRUE);
        MipSetOriginalProtection(Old.Hard.PageFrameNumber, MipBlockProtection(Protection));
    }
    MiWritePte(Pte, MiMakeClonePte(Index, Protection));
    return Index;
}

MMPTE MiReferenceSharedPage(MMPTE Pte)
{
    ULONG Index = MiSharedIndex(Pte);

    MiCloneBlock(Index)->CloneRefCount++;
    MiNotePrototypeChange();
    return MiMakeClonePte(Index, MiUserPteProtection(Pte));
}

/* ---- and ends ---- */

static void MipTakeBack(PMMPTE Pte, MMPTE Old, ULONG Index) NT_HOLDS(MiPfnLock)
{
    PMMCLONE_BLOCK Block = MiCloneBlock(Index);
    MMPTE New = Old;

    if (Old.Hard.Valid) {
        New.Hard.Write = Old.Hard.CopyOnWrite;
        New.Hard.CopyOnWrite = 0;
        MipGiveFrame(Old.Hard.PageFrameNumber, Pte, FALSE);
        MiDecrementShareCount(MiTableFrame(Pte)); /* U4: the frame's own is there now */
    } else {
        MI_ASSERT(!Block->ProtoPte.Hard.Valid);
        New = MiChangeSoftwareProtection(Block->ProtoPte, MiCloneProtection(Old));
        if (MiPteKind(New) == MiPteTransition) {
            MipGiveFrame(New.Hard.PageFrameNumber, Pte, FALSE);
            MipSetOriginalProtection(New.Hard.PageFrameNumber, MiCloneProtection(Old));
        }
    }
    MiWritePte(Pte, New);
    KeFlushSingleTb(MiGetVaMappedByPte(Pte));
    Block->CloneRefCount = 0;
    MiNotePrototypeChange();
    MiFreeCloneBlock(Index);
}

/* A hint, but 1 is true: only who has the page can give it to another one. */
static ULONG MipGlanceAtOwners(PMMPTE Pte) NT_NO_LOCK_ANALYSIS
{
    return __atomic_load_n(&MiCloneBlock(MiSharedIndex(MiReadPte(Pte)))->CloneRefCount,
                           __ATOMIC_RELAXED);
}

BOOLEAN MiTakeBackUserPage(PMMPTE Pte)
{
    KIRQL OldIrql;
    MMPTE Old;

    if (MipGlanceAtOwners(Pte) != 1) {
        return FALSE;
    }
    OldIrql = MiLockPfn();
    Old = MiReadPte(Pte);
    MipTakeBack(Pte, Old, MiSharedIndex(Old));
    MiUnlockPfn(OldIrql);
    return TRUE;
}

void MiDeleteSharedPage(PEPROCESS Process, PMMPTE Pte, MMPTE Old)
{
    ULONG Index = MiSharedIndex(Old);

    if (Old.Hard.Valid) {
        MipUnmap(Process, Pte, Old);
    }
    MipDropReference(Index);
}

/* ---- accesses ---- */

MI_SHARED_STATE MiQuerySharedPage(PMMPTE Pte)
{
    KIRQL OldIrql = MiLockPfn();
    MMPTE Named = MiReadPte(Pte);
    PMMCLONE_BLOCK Block = MiCloneBlock(MiCloneIndex(Named));
    MI_SHARED_STATE State = {
        .Proto = &Block->ProtoPte,
        .Kind = MiPteKind(Block->ProtoPte),
        .Copy = MiIsCloneToCopy(Named) ||
                MiCloneProtection(Named) != MiUserPteProtection(Block->ProtoPte),
        .Alone = Block->CloneRefCount == 1,
    };

    MiUnlockPfn(OldIrql);
    return State;
}

void MiMarkSharedFrame(PMMPTE Proto)
{
    KIRQL OldIrql = MiLockPfn();
    MMPTE Pte = MiReadPte(Proto);

    if (MiPteKind(Pte) == MiPteTransition) {
        MI_PFN(Pte.Hard.PageFrameNumber)->u3.e1.PrototypePte = 1;
    }
    MiUnlockPfn(OldIrql);
}

NTSTATUS MiMapSharedPage(PEPROCESS Process, PMMPTE Pte)
{
    MMPTE Named = MiReadPte(Pte);
    MMPTE New;
    NTSTATUS Status = MiReserveSharedWsle(&Process->Vm);
    PFN_NUMBER Frame;
    KIRQL OldIrql;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    OldIrql = MiLockPfn();
    Status = MiShareFrame(&MiCloneBlock(MiCloneIndex(Named))->ProtoPte, &Frame);
    if (NT_SUCCESS(Status)) {
        Status = MiIncrementShareCount(MiTableFrame(Pte)); /* U4 */
        MI_ASSERT(NT_SUCCESS(Status));
        New = MiMakeCopyOnWritePte(MiMakeUserPagePte(Frame, MiCloneProtection(Named)));
        MI_PFN(Frame)->u3.e1.CacheAttribute = (USHORT)MiPteCacheAttribute(New);
        MiWritePte(Pte, New);
        MiInsertWsle(&Process->Vm, MiGetVaMappedByPte(Pte), Frame);
    }
    MiUnlockPfn(OldIrql);
    return Status == STATUS_NOT_FOUND ? STATUS_SUCCESS : Status;
}

/* The copy's frame takes the place of a page that was mapped, with its table's share: U4. */
static void MipReplaceMapped(PEPROCESS Process, PMMPTE Pte, MMPTE Original, PFN_NUMBER Frame,
                             PFN_NUMBER Source) NT_HOLDS(MiPfnLock)
{
    MiReplaceFramePte(Frame, Pte, Original, MiTableFrame(Pte));
    KeFlushSingleTb(MiGetVaMappedByPte(Pte));
    MiReplaceWsle(&Process->Vm, MiGetVaMappedByPte(Pte), Source, Frame);
}

/* => The copy is made: its frame takes the page's place. */
static void MipReplace(PEPROCESS Process, PMMPTE Pte, ULONG Protection, PFN_NUMBER Frame,
                       PFN_NUMBER Source) NT_HOLDS(MiPfnLock)
{
    MMPTE Original = MiMakeSoftwarePte(Protection);
    MMPTE Old = MiReadPte(Pte);
    ULONG Index = MiSharedIndex(Old);
    MMPTE New = MiMakeUserPagePte(Frame, Protection);

    MiWritePte(Pte, New);
    if (Old.Hard.Valid) {
        MipReplaceMapped(Process, Pte, Original, Frame, Source);
    } else {
        MiSetFramePte(Frame, Pte, Original, MiTableFrame(Pte));
        MiInsertWsle(&Process->Vm, MiGetVaMappedByPte(Pte), Frame);
    }
    MI_PFN(Frame)->u3.e1.Modified = 1; /* U3; it has no slot yet */
    MI_PFN(Frame)->u3.e1.CacheAttribute = (USHORT)MiPteCacheAttribute(New);
    MiLeaveFrame(Source);
    MipDropReference(Index);
}

/* U6: nobody writes the source meanwhile; the share that the PTE has, or one taken, keeps it. */
NTSTATUS MiCopySharedPage(PEPROCESS Process, PMMPTE Pte, ULONG Protection, PFN_NUMBER Frame)
{
    MMPTE Old = MiReadPte(Pte);
    PFN_NUMBER Source = Old.Hard.PageFrameNumber;
    NTSTATUS Status = STATUS_SUCCESS;
    KIRQL OldIrql;

    if (!Old.Hard.Valid) {
        Status = MiReserveWsle(&Process->Vm); /* else the old entry is free for the new page */
    }
    if (NT_SUCCESS(Status) && !Old.Hard.Valid) {
        OldIrql = MiLockPfn();
        Status = MiShareFrame(&MiCloneBlock(MiCloneIndex(Old))->ProtoPte, &Source);
        MiUnlockPfn(OldIrql);
    }
    if (!NT_SUCCESS(Status)) {
        return Status == STATUS_NOT_FOUND ? STATUS_RETRY : Status;
    }
    MiCopyFrame(Frame, Source);
    OldIrql = MiLockPfn();
    MipReplace(Process, Pte, Protection, Frame, Source);
    MiUnlockPfn(OldIrql);
    return STATUS_SUCCESS;
}

BOOLEAN MiForgetZeroPage(PMMPTE Pte)
{
    KIRQL OldIrql = MiLockPfn();
    MMPTE Old = MiReadPte(Pte);
    BOOLEAN Zero = MiPteKind(MiCloneBlock(MiCloneIndex(Old))->ProtoPte) == MiPteDemandZero;

    if (Zero) {
        MiWritePte(Pte, MiMakeSoftwarePte(MiCloneProtection(Old)));
        MipDropReference(MiCloneIndex(Old));
    }
    MiUnlockPfn(OldIrql);
    return Zero;
}

/* ---- rights ---- */

void MiProtectSharedPage(PEPROCESS Process, PMMPTE Pte, MMPTE Old, ULONG Protection)
{
    MMPTE New = MiMakeClonePte(MiSharedIndex(Old), Protection);

    if (!Old.Hard.Valid) {
        New.Long |= Old.Long & MI_PTE_CLONE_COPY;
        MiWritePte(Pte, New);
    } else if (MiUserPteProtection(Old) != Protection) {
        MiWritePte(Pte, New);
        MipUnmap(Process, Pte, Old);
    }
}

/* The last one to trim it puts the frame on standby or on the modified list. */
void MiTrimSharedPage(PEPROCESS Process, PMMPTE Pte, MMPTE Old)
{
    MI_PFN(Old.Hard.PageFrameNumber)->u4.Priority = Process->Vm.MemoryPriority;
    MiWritePte(Pte, MiMakeClonePte(MiSharedIndex(Old), MiUserPteProtection(Old)));
    MipUnmap(Process, Pte, Old);
}

void MiUnshareUserPage(PEPROCESS Process, PMMPTE Pte)
{
    MMPTE Old = MiReadPte(Pte);
    MMPTE New;
    KIRQL OldIrql;

    if (!MiIsSharedPte(Old) || MiTakeBackUserPage(Pte)) {
        return;
    }
    OldIrql = MiLockPfn();
    New = MiMakeClonePte(MiSharedIndex(Old), MiUserPteProtection(Old));
    New.Long |= MI_PTE_CLONE_COPY;
    MiWritePte(Pte, New);
    if (Old.Hard.Valid) {
        MipUnmap(Process, Pte, Old);
    }
    MiUnlockPfn(OldIrql);
}

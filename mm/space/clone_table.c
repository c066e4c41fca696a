/* SPDX-License-Identifier: MIT */
/*
 * clone_table.c - the blocks behind pages that address spaces share: taken, freed, checked.
 *
 * Blocks live in pages of nonpaged pool, each found by its place in MiClonePages, so that a PTE
 * names a block by a number.  They are not in paged pool, as prototype PTEs of sections will be:
 * mm/pfn writes them when a frame is reused, under MiPfnLock, and nothing may fault there.
 *
 *     ProtoPte       the page's frame
 *     valid          Active; ShareCount PTEs of processes are valid, at least one
 *     transition     on standby or modified, or held by I/O alone
 *     a slot         none: the page is in a paging file
 *     a protection   none: the page is zeroes
 *
 * Invariants (MiVerifyCloneTable):
 *   T1  a page's Used and free blocks are all of its blocks; pages with free blocks are in the list
 *   T2  a frame that ProtoPte names knows that PTE, with PrototypePte and its page of blocks
 *   T3  CloneRefCount is the number of PTEs that name or map the page (space_verify.c); it is not
 *       less than the frame's ShareCount
 *
 * Locking: MiPfnLock.  Pages come and go without it.
 */
#include "mm/space/clone_table.h"

#include "ex.h"
#include "mi_assert.h"
#include "mm/sysva/pte_kind.h"
#include "mm/sysva/system_pages.h"
#include "nt/bugcodes.h"
#include "rtl.h"

#define MIP_PAGE_BLOCKS (MI_CLONE_BLOCKS - 1)
#define MIP_OUT_OF_STEP 0x403u

FAST_MUTEX MiCloneReadMutex;
PMI_CLONE_PAGE MiClonePages[MI_CLONE_PAGES];

static ULONG MipPages NT_GUARDED_BY(MiPfnLock);
static ULONG MipUsed NT_GUARDED_BY(MiPfnLock);     /* blocks */
static ULONG MipReserved NT_GUARDED_BY(MiPfnLock); /* free ones that are promised */
static ULONG MipFirstPage NT_GUARDED_BY(MiPfnLock);

void MiForgetCloneTable(void) NT_NO_LOCK_ANALYSIS
{
    ExInitializeFastMutex(&MiCloneReadMutex);
    memset(MiClonePages, 0, sizeof(MiClonePages));
    MipPages = 0;
    MipUsed = 0;
    MipReserved = 0;
    MipFirstPage = MI_NO_CLONE_PAGE;
}

static PMMCLONE_BLOCK MipBlocks(PMI_CLONE_PAGE Page)
{
    return (PMMCLONE_BLOCK)(PVOID)Page;
}

/* ---- pages ---- */

static void MipFillPage(PMI_CLONE_PAGE Page)
{
    PMMCLONE_BLOCK Blocks = MipBlocks(Page);
    ULONG i;

    for (i = 1; i < MI_CLONE_BLOCKS; i++) {
        Blocks[i] = (MMCLONE_BLOCK){.ProtoPte.Long = i + 1 < MI_CLONE_BLOCKS ? i + 1 : 0};
    }
    Page->Used = 0;
    Page->FirstFree = 1;
}

static void MipLinkPage(PMI_CLONE_PAGE Page) NT_HOLDS(MiPfnLock)
{
    Page->NextPage = (USHORT)MipFirstPage;
    MipFirstPage = Page->Number;
}

/* => FALSE: there is no number for it. */
static BOOLEAN MipInsertPage(PMI_CLONE_PAGE Page) NT_HOLDS(MiPfnLock)
{
    ULONG Number = 0;

    while (Number < MI_CLONE_PAGES && MiClonePages[Number] != NULL) {
        Number++;
    }
    if (Number == MI_CLONE_PAGES) {
        return FALSE;
    }
    Page->Number = (USHORT)Number;
    MiClonePages[Number] = Page;
    MipPages++;
    MipLinkPage(Page);
    return TRUE;
}

static NTSTATUS MipAddPage(void)
{
    PMI_CLONE_PAGE Page = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, MI_CLONE_TAG);
    KIRQL OldIrql;
    BOOLEAN Inserted;

    if (Page == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    MipFillPage(Page);
    OldIrql = MiLockPfn();
    Inserted = MipInsertPage(Page);
    MiUnlockPfn(OldIrql);
    if (!Inserted) {
        ExFreePoolWithTag(Page, MI_CLONE_TAG);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    return STATUS_SUCCESS;
}

static ULONG MipSpare(void) NT_HOLDS(MiPfnLock)
{
    return MipPages * MIP_PAGE_BLOCKS - MipUsed - MipReserved;
}

/* => A page that is not needed, out of the table; NULL: there is none. */
static PMI_CLONE_PAGE MipRemovePage(void) NT_HOLDS(MiPfnLock)
{
    ULONG Number = MipFirstPage;
    PMI_CLONE_PAGE Before = NULL;

    if (MipSpare() < MIP_PAGE_BLOCKS) {
        return NULL;
    }
    while (Number != MI_NO_CLONE_PAGE && MiClonePages[Number]->Used != 0) {
        Before = MiClonePages[Number];
        Number = Before->NextPage;
    }
    if (Number == MI_NO_CLONE_PAGE) {
        return NULL;
    }
    if (Before == NULL) {
        MipFirstPage = MiClonePages[Number]->NextPage;
    } else {
        Before->NextPage = MiClonePages[Number]->NextPage;
    }
    Before = MiClonePages[Number];
    MiClonePages[Number] = NULL;
    MipPages--;
    return Before;
}

void MiTrimCloneTable(void)
{
    PMI_CLONE_PAGE Page;

    do {
        KIRQL OldIrql = MiLockPfn();

        Page = MipRemovePage();
        MiUnlockPfn(OldIrql);
        if (Page != NULL) {
            ExFreePoolWithTag(Page, MI_CLONE_TAG);
        }
    } while (Page != NULL);
}

/* ---- blocks ---- */

static BOOLEAN MipTryReserve(ULONG Count)
{
    KIRQL OldIrql = MiLockPfn();
    BOOLEAN Enough = MipSpare() >= Count;

    if (Enough) {
        MipReserved += Count;
    }
    MiUnlockPfn(OldIrql);
    return Enough;
}

NTSTATUS MiReserveCloneBlocks(ULONG Count)
{
    while (!MipTryReserve(Count)) {
        NTSTATUS Status = MipAddPage();

        if (!NT_SUCCESS(Status)) {
            MiTrimCloneTable();
            return Status;
        }
    }
    return STATUS_SUCCESS;
}

void MiReturnCloneBlocks(ULONG Count)
{
    KIRQL OldIrql = MiLockPfn();

    MI_ASSERT(MipReserved >= Count);
    MipReserved -= Count;
    MiUnlockPfn(OldIrql);
}

ULONG MiTakeCloneBlock(void)
{
    PMI_CLONE_PAGE Page;
    PMMCLONE_BLOCK Block;
    ULONG Slot;

    MI_ASSERT(MipReserved != 0 && MipFirstPage != MI_NO_CLONE_PAGE);
    Page = MiClonePages[MipFirstPage];
    Slot = Page->FirstFree;
    Block = MipBlocks(Page) + Slot;
    MI_ASSERT(Slot != 0 && Block->CloneRefCount == 0);
    Page->FirstFree = (USHORT)Block->ProtoPte.Long;
    Page->Used++;
    if (Page->FirstFree == 0) {
        MipFirstPage = Page->NextPage;
    }
    Block->CloneRefCount = 1;
    MipReserved--;
    MipUsed++;
    return Page->Number * MI_CLONE_BLOCKS + Slot;
}

void MiFreeCloneBlock(ULONG Index)
{
    PMI_CLONE_PAGE Page = MiClonePages[Index / MI_CLONE_BLOCKS];
    PMMCLONE_BLOCK Block = MiCloneBlock(Index);

    MI_ASSERT(Block->CloneRefCount == 0 && Page->Used != 0);
    if (Page->FirstFree == 0) {
        MipLinkPage(Page);
    }
    Block->ProtoPte.Long = Page->FirstFree;
    Page->FirstFree = (USHORT)(Index % MI_CLONE_BLOCKS);
    Page->Used--;
    MipUsed--;
}

ULONG MiCountCloneBlocks(PULONG Bytes)
{
    KIRQL OldIrql = MiLockPfn();
    ULONG Blocks = MipUsed;

    *Bytes = MipPages * PAGE_SIZE;
    MiUnlockPfn(OldIrql);
    return Blocks;
}

/* ---- verify ---- */

static void MipRequire(BOOLEAN Holds, const MMCLONE_BLOCK *Block, PFN_NUMBER Frame)
{
    if (!Holds) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MIP_OUT_OF_STEP, (ULONG_PTR)Block, Block->ProtoPte.Long,
                     Frame);
    }
}

/* T2, T3.  => Returns how many PTEs of processes are valid. */
static ULONG MipVerifyFrame(PMMCLONE_BLOCK Block, PFN_NUMBER Frame, BOOLEAN Valid)
    NT_HOLDS(MiPfnLock)
{
    const MMPFN *Pfn = MI_PFN(Frame);

    MipRequire(MiIsRamFrame(Frame) && Pfn->PteAddress == &Block->ProtoPte &&
                   Pfn->u3.e1.PrototypePte && !Pfn->u3.e1.LockCharged &&
                   Pfn->u4.PteFrame == MiTableFrame(&Block->ProtoPte) &&
                   (Pfn->u3.e1.PageLocation == ActiveAndValid) == Valid,
               Block, Frame);
    MipRequire(!Valid || Block->CloneRefCount >= Pfn->u2.ShareCount, Block, Frame);
    return Valid ? Pfn->u2.ShareCount : 0;
}

static ULONG MipVerifyBlock(PMMCLONE_BLOCK Block) NT_HOLDS(MiPfnLock)
{
    MMPTE Pte = Block->ProtoPte;

    switch (MiPteKind(Pte)) {
    case MiPteValid:
        return MipVerifyFrame(Block, Pte.Hard.PageFrameNumber, TRUE);
    case MiPteTransition:
        return MipVerifyFrame(Block, Pte.Hard.PageFrameNumber, FALSE);
    case MiPtePagefile:
    case MiPteDemandZero:
        return 0;
    case MiPteZero:
    case MiPteLarge:
    case MiPtePrototype:
    case MiPteSubsection:
    case MiPteList:
        break;
    }
    MipRequire(FALSE, Block, 0);
    return 0;
}

/* T1 for one page: the free blocks are marked by their count, and as many as the chain has. */
static void MipVerifyPage(PMI_CLONE_PAGE Page, PMI_CLONE_SUMS Sums) NT_HOLDS(MiPfnLock)
{
    PMMCLONE_BLOCK Blocks = MipBlocks(Page);
    ULONG Slot = Page->FirstFree;
    ULONG Free = 0;
    ULONG Used = 0;

    while (Slot != 0 && Free < MI_CLONE_BLOCKS) {
        MI_ASSERT(Slot < MI_CLONE_BLOCKS && Blocks[Slot].CloneRefCount == 0);
        Slot = Blocks[Slot].ProtoPte.Long;
        Free++;
    }
    for (Slot = 1; Slot < MI_CLONE_BLOCKS; Slot++) {
        ULONG Hash = MiCloneHash(Page->Number * MI_CLONE_BLOCKS + Slot);

        if (Blocks[Slot].CloneRefCount != 0) {
            Sums->ValidHash += Hash * MipVerifyBlock(&Blocks[Slot]);
            Sums->ReferenceHash += Hash * Blocks[Slot].CloneRefCount;
            Sums->References += Blocks[Slot].CloneRefCount;
            Used++;
        }
    }
    MI_ASSERT(Used == Page->Used && Used + Free == MIP_PAGE_BLOCKS);
}

void MiVerifyCloneTable(PMI_CLONE_SUMS Sums)
{
    KIRQL OldIrql = MiLockPfn();
    ULONG Pages = 0;
    ULONG Used = 0;
    ULONG WithRoom = 0;
    ULONG Number;

    for (Number = 0; Number < MI_CLONE_PAGES; Number++) {
        if (MiClonePages[Number] != NULL) {
            MI_ASSERT(MiClonePages[Number]->Number == Number);
            MipVerifyPage(MiClonePages[Number], Sums);
            Used += MiClonePages[Number]->Used;
            WithRoom += MiClonePages[Number]->FirstFree != 0;
            Pages++;
        }
    }
    for (Number = MipFirstPage; Number != MI_NO_CLONE_PAGE;
         Number = MiClonePages[Number]->NextPage) {
        MI_ASSERT(WithRoom != 0);
        WithRoom--;
    }
    MI_ASSERT(WithRoom == 0 && Pages == MipPages && Used == MipUsed);
    MI_ASSERT(MipReserved <= Pages * MIP_PAGE_BLOCKS - Used);
    MiUnlockPfn(OldIrql);
}

/* SPDX-License-Identifier: MIT */
/*
 * slots_verify.c - S1 to S3 of slots.c, and
 *
 *   S4  each taken slot that is not bad has exactly one owner: a PTE, a directory entry of a page
 *       table that is out, an OriginalPte, or the write that is under way
 *   S5  the largest commit limit is above the limit by what the files may grow
 *
 * S4 without memory: both sides are counted, and a hash of each slot is added up.  An owner too
 * many and one too few would have to have the same hash.
 *
 * PTEs are found in the page tables that are resident: those of user halves are frames that a
 * directory entry owns, those of paged pool, images and kernel stacks are where they always are.
 * What the tables of user halves that are out name was added up when they left (MiTablesOut);
 * what prototype PTEs of sections name, when they began to (MiPrototypeSlots).
 *
 * Other system PTEs are not looked at: what is not valid there is its owner's, and may look like a
 * slot (reserved_mapping.c).
 *
 * Locking: MiPfnLock, for all of it; under it the dispatcher's, for the threads' stacks.
 */
#include "mi_assert.h"
#include "mm/ke/dispatcher.h"
#include "mm/ke/thread.h"
#include "mm/paging/modified_writer.h"
#include "mm/pfn/commit.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/pool/pool_pages.h"
#include "mm/pool/system_image.h"
#include "mm/space/address_space.h"
#include "mm/space/clone_table.h"
#include "mm/space/page_table.h"
#include "mm/space/prototype_pte.h"
#include "mm/sysva/hyperspace.h"
#include "mm/sysva/session_space.h"
#include "mm/sysva/pte_kind.h"
#include "mm/sysva/layout.h"
#include "mm/sysva/stack_pages.h"
#include "user_half.h"

typedef struct _MIP_SUM {
    ULONG Slots;
    ULONG64 Hashes;
} MIP_SUM, *PMIP_SUM;

static void MipAdd(PMIP_SUM Sum, ULONG File, ULONG Slot)
{
    Sum->Slots++;
    Sum->Hashes += MiSlotHash(File, Slot);
}

/* One that names a slot: it has to be there, taken and good. */
static void MipAddOwner(PMIP_SUM Sum, MMPTE Software) NT_HOLDS(MiPfnLock)
{
    ULONG File = MiPteFile(Software);
    ULONG Slot = MiPteSlot(Software);

    MI_ASSERT(File < MmNumberOfPagingFiles && Slot < MmPagingFile[File]->Size);
    MI_ASSERT(MiIsSlotTaken(File, Slot));
    MI_ASSERT(!RtlTestBit(&MmPagingFile[File]->BadSlots, Slot));
    MipAdd(Sum, File, Slot);
}

static void MipAddTable(PMIP_SUM Sum, const MMPTE *Table, ULONG Count) NT_HOLDS(MiPfnLock)
{
    ULONG i;

    for (i = 0; i < Count; i++) {
        MMPTE Pte = MiReadPte((PMMPTE)(ULONG_PTR)&Table[i]);

        if (MiPteKind(Pte) == MiPtePagefile) {
            MipAddOwner(Sum, Pte);
        }
    }
}

/* => Whether the frame is a resident page table of a user half, or of session space. */
static BOOLEAN MipIsOwnTable(const MMPFN *Pfn)
{
    return (MiIsUserPde(Pfn->PteAddress) || MiIsSessionPde(Pfn->PteAddress)) &&
           Pfn->u3.e1.PageLocation == ActiveAndValid;
}

/* The tables themselves. */
static BOOLEAN MipAddDirectory(PEPROCESS Process, const MMPTE *Directory, PVOID Context)
    NT_HOLDS(MiPfnLock)
{
    (void)Process;
    MipAddTable(Context, Directory, MI_USER_PAGE_TABLES);
    return TRUE;
}

static void MipAddFrame(PMIP_SUM Sum, PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    const MMPFN *Pfn = MI_PFN(Frame);
    KIRQL OldIrql;
    PMMPTE Table;

    if (!MiIsRamFrame(Frame) || Pfn->PteAddress == NULL || Pfn->u4.AweAllocation) {
        return;
    }
    if (MiPteHasSlot(Pfn->OriginalPte)) {
        MipAddOwner(Sum, Pfn->OriginalPte);
    }
    if (MipIsOwnTable(Pfn)) {
        Table = MiMapFrameInHyperspace(Frame, &OldIrql);
        MipAddTable(Sum, Table, PAGE_SIZE / sizeof(MMPTE));
        MiUnmapFrameInHyperspace(Table, OldIrql);
    }
}

static void MipAddPagedPool(PMIP_SUM Sum) NT_HOLDS(MiPfnLock)
{
    const MI_POOL_REGION *Region = MiPoolRegion(MiPaged);
    ULONG Page;

    for (Page = 0; Page < Region->Pages; Page++) {
        ULONG_PTR Va = Region->Base + Page * PAGE_SIZE;

        if (MiReadPte(MiGetPdeAddress(Va)).Hard.Valid) {
            MipAddTable(Sum, MiGetPteAddress(Va), 1);
        }
    }
}

static void MipAddRun(PVOID Context, ULONG_PTR Va, ULONG Pages) NT_HOLDS(MiPfnLock)
{
    MipAddTable(Context, MiGetPteAddress(Va), Pages);
}

static void MipAddImages(PMIP_SUM Sum) NT_HOLDS(MiPfnLock)
{
    MiVisitPagedRuns(MipAddRun, Sum);
}

/* Prototype PTEs of pages that processes share. */
static void MipAddClones(PMIP_SUM Sum) NT_HOLDS(MiPfnLock)
{
    ULONG Index;

    for (Index = 0; Index < MI_CLONE_INDEXES; Index++) {
        if (MiClonePages[Index / MI_CLONE_BLOCKS] == NULL) {
            Index += MI_CLONE_BLOCKS - 1; /* none of that page's */
        } else if (Index % MI_CLONE_BLOCKS != 0 && MiCloneBlock(Index)->CloneRefCount != 0) {
            MipAddTable(Sum, &MiCloneBlock(Index)->ProtoPte, 1);
        }
    }
}

static void MipAddStacks(PMIP_SUM Sum) NT_HOLDS(MiPfnLock)
{
    KIRQL OldIrql = KiLockDispatcher();
    PLIST_ENTRY Entry;

    for (Entry = KiThreadList.Flink; Entry != &KiThreadList; Entry = Entry->Flink) {
        const KTHREAD *Thread = CONTAINING_RECORD(Entry, KTHREAD, ThreadListEntry);

        if (MiIsPagedStack(Thread->StackBase, Thread->StackBytes)) {
            MipAddTable(Sum, MiFirstStackPte(Thread->StackBase), MI_KERNEL_STACK_PAGES);
        }
    }
    KiUnlockDispatcher(OldIrql);
}

static void MipAddOwners(PMIP_SUM Sum) NT_HOLDS(MiPfnLock)
{
    MI_SLOTS Writing = MiQuerySlotsInWriting();
    PFN_NUMBER Frame;
    ULONG i;

    for (i = 0; i < Writing.Count; i++) {
        MipAddOwner(Sum, MiMakePagefilePte(Writing.File, Writing.First + i, 0));
    }
    for (Frame = 0; Frame <= MiHighestFrame; Frame++) {
        MipAddFrame(Sum, Frame);
    }
    Sum->Slots += MiTablesOut.Slots;
    Sum->Hashes += MiTablesOut.Hashes;
    Sum->Slots += MiPrototypeSlots.Slots;
    Sum->Hashes += MiPrototypeSlots.Hashes;
    MiWalkDirectoriesLocked(MipAddDirectory, Sum);
    MipAddPagedPool(Sum);
    MipAddImages(Sum);
    MipAddStacks(Sum);
    MipAddClones(Sum);
}

/* S1 to S3 of one file; its taken slots are added. */
static void MipVerifyFile(const MMPAGING_FILE *File, PMIP_SUM Taken) NT_HOLDS(MiPfnLock)
{
    ULONG Size = (ULONG)File->Size;
    ULONG Used = 0;
    ULONG Bad = 0;
    ULONG Slot;

    MI_ASSERT(RtlTestBit(&File->Bitmap, 0) && !RtlTestBit(&File->BadSlots, 0)); /* S2 */
    for (Slot = 1; Slot < Size; Slot++) {
        if (RtlTestBit(&File->BadSlots, Slot)) {
            MI_ASSERT(RtlTestBit(&File->Bitmap, Slot)); /* S3 */
            Bad++;
        } else if (RtlTestBit(&File->Bitmap, Slot)) {
            MipAdd(Taken, File->PageFileNumber, Slot);
            Used++;
        }
    }
    MI_ASSERT(Bad == File->BadSpace && File->Unbacked <= Bad); /* S3 */
    MI_ASSERT(Used == File->CurrentUsage && Used <= File->PeakUsage);
    MI_ASSERT(RtlNumberOfClearBits(&File->Bitmap) == File->FreeSpace); /* S1, S2 */
    MI_ASSERT(File->FreeSpace + Used + Bad == Size - 1);
}

void MiVerifyPagingFiles(void)
{
    MIP_SUM Owned = {0};
    MIP_SUM Taken = {0};
    ULONG Room = 0;
    KIRQL OldIrql;
    ULONG i;

    if (MmNumberOfPagingFiles == 0) { /* then slots are a test's own */
        return;
    }
    OldIrql = MiLockPfn();
    for (i = 0; i < MmNumberOfPagingFiles; i++) {
        MI_ASSERT(MmPagingFile[i]->PageFileNumber == i);
        MipVerifyFile(MmPagingFile[i], &Taken);
        Room += (ULONG)MiGrowthRoom(MmPagingFile[i]);
    }
    MI_ASSERT(MiCommit.MaximumLimit - MiCommit.Limit == Room); /* S5 */
    MipAddOwners(&Owned);
    MiUnlockPfn(OldIrql);
    MI_ASSERT(Owned.Slots == Taken.Slots && Owned.Hashes == Taken.Hashes); /* S4 */
}

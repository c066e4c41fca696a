/* SPDX-License-Identifier: MIT */
/*
 * wsle.c - lists of entries: memory for them, the free chain, locks.
 *
 *     an entry   Valid  found by                      in the free chain
 *     free         0                                  yes
 *     direct       1    its frame's u1.WsIndex        no
 *     hashed       1    the hash table                no
 *
 * A frame names one entry at most: that of the first working set which the page was in.  Entries of
 * the others are hashed, and stay so when they are the last.
 *
 * Entries have memory a page at a time, which stays until the list goes.  Where there is none to be
 * had, a page of the working set makes room for the next: so no fault waits for a list to grow.
 *
 * Invariants (MiVerifyWorkingSet):
 *   W1  WorkingSetSize entries are valid, none above LastEntry; the others up to
 *       LastInitializedWsle are in the free chain, once
 *   W2  a valid entry's page has a valid PTE; a direct entry is named by its frame, a hashed one is
 *       found by the hash table; each is one of both
 *   W3  LockedPages entries are locked
 *
 * Locking: the working set's mutex.
 */
#include "mm/ws/wsle.h"

#include "arch/mmu.h"
#include "mm/pfn/frame.h"
#include "mm/pfn/memory_events.h"
#include "mm/pfn/page_color.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/sysva/system_pages.h"
#include "mm/ws/list_memory.h"
#include "nt/bugcodes.h"

#define MIP_CORRUPT_LIST 0x41284u /* subcodes of 0x1A */
#define MIP_FREE_LIST    0x5003u

ULONG MiFailWsleReservation;

const MI_LIST_PLACES MiProcessListPlaces = {MI_WSLE_START, MI_WSLE_END, MI_WSLE_HASH_START,
                                            MI_WSLE_HASH_END};

void MiBadWsle(const MMWSL *List, ULONG Index)
{
    ULONG Long = Index <= List->LastInitializedWsle ? List->Wsle[Index].Long : 0;

    KeBugCheckEx(MEMORY_MANAGEMENT, Index == List->FirstFree ? MIP_FREE_LIST : MIP_CORRUPT_LIST,
                 (ULONG_PTR)List->Wsle + (ULONG_PTR)Index * sizeof(MMWSLE), Long, Index);
}

/* ---- making and freeing ---- */

/* A page of free entries, First the index of the first, in front of the chain Next. */
static void MipChain(PMMWSLE Page, ULONG First, ULONG Next)
{
    ULONG i;

    for (i = 0; i < MI_WSLES_PER_PAGE - 1; i++) {
        Page[i].Long = (First + i + 1) << MI_WSLE_NEXT_SHIFT;
    }
    Page[i].Long = Next << MI_WSLE_NEXT_SHIFT;
}

void MiInitializeWorkingSetList(PMMWSL List, PMMWSLE FirstPage, const MI_LIST_PLACES *Places)
{
    MipChain(FirstPage, 0, MI_NO_WSLE);
    List->FirstFree = 0;
    List->Wsle = (PMMWSLE)Places->Entries;
    List->LastInitializedWsle = MI_WSLES_PER_PAGE - 1;
    List->HighestPermittedWsle =
        (ULONG)((Places->EntriesEnd - Places->Entries) / sizeof(MMWSLE)) - 1;
    List->HashTable = (PMMWSLE_HASH)Places->Hash;
    List->HighestPermittedHash = (ULONG)((Places->HashEnd - Places->Hash) / sizeof(MMWSLE_HASH));
}

void MiInitializeWorkingSet(PMMSUPPORT WorkingSet, PMMWSL List, PFAST_MUTEX Mutex,
                            MI_TRIM_PAGE *TrimPage)
{
    WorkingSet->VmWorkingSetList = List;
    WorkingSet->Mutex = Mutex;
    WorkingSet->TrimPage = TrimPage;
    WorkingSet->MaximumWorkingSetSize = MI_NO_MAXIMUM;
    WorkingSet->MemoryPriority = MI_DEFAULT_PRIORITY;
}

NTSTATUS MiMakeListPage(PMMSUPPORT WorkingSet, PVOID Va)
{
    PMMPTE Pte = MiGetPteAddress((ULONG_PTR)Va);
    PFN_NUMBER Frame;
    KIRQL OldIrql;

    if (!NT_SUCCESS(MiChargeSystemPages(1))) {
        return STATUS_NO_MEMORY;
    }
    if (!NT_SUCCESS(MiAllocateFrame(MiFrameZeroed, MiNextPageColor(), &Frame))) {
        MiReturnSystemPages(1);
        return STATUS_NO_MEMORY;
    }
    OldIrql = MiLockPfn();
    MiSetFramePte(Frame, Pte, MiMakeZeroPte(), MiTableFrame(Pte));
    MiUnlockPfn(OldIrql);
    MiWritePte(Pte, MiMakeWindowPte(Frame));
    WorkingSet->ListPages++;
    return STATUS_SUCCESS;
}

static void MipFreePages(PMMSUPPORT WorkingSet, ULONG_PTR Start, ULONG_PTR End)
{
    ULONG_PTR Va;

    for (Va = Start; Va < End; Va += PAGE_SIZE) {
        MiDeleteSystemPages(MiGetPteAddress(Va), 1);
        WorkingSet->ListPages--;
    }
}

void MiFreeWorkingSetList(PMMSUPPORT WorkingSet)
{
    PMMWSL List = WorkingSet->VmWorkingSetList;

    MI_ASSERT(WorkingSet->WorkingSetSize == 0 && List->NonDirectCount == 0);
    MipFreePages(WorkingSet, (ULONG_PTR)(List->Wsle + MI_WSLES_PER_PAGE),
                 (ULONG_PTR)(List->Wsle + List->LastInitializedWsle + 1));
    MipFreePages(WorkingSet, (ULONG_PTR)List->HashTable,
                 (ULONG_PTR)(List->HashTable + List->HashTableSize));
    MI_ASSERT(WorkingSet->ListPages == 0);
    MipChain(List->Wsle, 0, MI_NO_WSLE);
    List->FirstFree = 0;
    List->LastEntry = 0;
    List->LastInitializedWsle = MI_WSLES_PER_PAGE - 1;
    List->HashTableSize = 0;
}

/* ---- reserving ---- */

/* => FirstFree is MI_NO_WSLE. */
static NTSTATUS MipGrow(PMMSUPPORT WorkingSet)
{
    PMMWSL List = WorkingSet->VmWorkingSetList;
    ULONG First = List->LastInitializedWsle + 1;
    NTSTATUS Status = STATUS_NO_MEMORY;

    if (First <= List->HighestPermittedWsle) {
        Status = MiMakeListPage(WorkingSet, List->Wsle + First);
    }
    if (NT_SUCCESS(Status)) {
        MipChain(List->Wsle + First, First, MI_NO_WSLE);
        List->LastInitializedWsle += MI_WSLES_PER_PAGE;
        List->FirstFree = First;
    }
    return Status;
}

BOOLEAN MiInjectWsleFailure(void)
{
    return MiFailWsleReservation != 0 && --MiFailWsleReservation == 0;
}

ULONG MiTrimPages(PMMSUPPORT WorkingSet, ULONG Pages)
{
    ULONG Left;

    WorkingSet->TablesStay = TRUE;
    Left = MiTrimWorkingSet(WorkingSet, Pages, 0);
    WorkingSet->TablesStay = FALSE;
    return Left;
}

/* => How many pages have to go before New come: none, when memory is ample. */
static ULONG MipExcess(const MMSUPPORT *WorkingSet, ULONG New)
{
    ULONG Size = WorkingSet->WorkingSetSize + New;

    if (Size <= WorkingSet->MaximumWorkingSetSize ||
        (!WorkingSet->MaximumWorkingSetHard && MiGlanceAtMemory(MiMemoryAmple))) {
        return 0;
    }
    return Size - WorkingSet->MaximumWorkingSetSize;
}

/*
 * A working set at its maximum gives a page for the new one.  One that page tables have brought
 * above it gives as many more.  Fewer pages are locked than the maximum has room for: if there is
 * none to give, it is full of page tables, and the one page may come.
 */
static void MipStayWithinMaximum(PMMSUPPORT WorkingSet)
{
    ULONG Excess = MipExcess(WorkingSet, 1);

    if (Excess != 0) {
        (void)MiTrimPages(WorkingSet, Excess);
    }
}

void MiMakeRoomForTable(PMMSUPPORT WorkingSet)
{
    ULONG Excess = MipExcess(WorkingSet, 2);

    if (Excess != 0) {
        (void)MiTrimWorkingSet(WorkingSet, Excess, 0);
    }
}

NTSTATUS MiReserveWsleSlowly(PMMSUPPORT WorkingSet)
{
    if (MiInjectWsleFailure()) {
        return STATUS_NO_MEMORY;
    }
    MipStayWithinMaximum(WorkingSet);
    if (WorkingSet->VmWorkingSetList->FirstFree != MI_NO_WSLE || NT_SUCCESS(MipGrow(WorkingSet)) ||
        MiTrimPages(WorkingSet, 1) != 0) {
        return STATUS_SUCCESS;
    }
    return STATUS_NO_MEMORY;
}

NTSTATUS MiReserveTableWsle(PMMSUPPORT WorkingSet)
{
    if (MiInjectWsleFailure()) {
        return STATUS_NO_MEMORY;
    }
    if (WorkingSet->VmWorkingSetList->FirstFree != MI_NO_WSLE || NT_SUCCESS(MipGrow(WorkingSet)) ||
        MiTrimPages(WorkingSet, 1) != 0) {
        return STATUS_SUCCESS;
    }
    return STATUS_NO_MEMORY;
}

/* ---- what an entry says ---- */

/* => In the working set. */
static PMMWSLE MipEntryOf(const MMSUPPORT *WorkingSet, ULONG_PTR Va, PFN_NUMBER Frame)
{
    ULONG Index = MiFindWsle(WorkingSet, Va, Frame);

    if (Index == MI_NO_WSLE) {
        MiBadWsle(WorkingSet->VmWorkingSetList, Index);
    }
    return WorkingSet->VmWorkingSetList->Wsle + Index;
}

void MiSetWsleProtection(PMMSUPPORT WorkingSet, ULONG_PTR Va, PFN_NUMBER Frame, ULONG Protection)
{
    PMMWSLE Entry = MipEntryOf(WorkingSet, Va, Frame);

    Entry->Long &= ~MI_WSLE_PROTECTION;
    Entry->Long |= Protection << MI_WSLE_PROTECTION_SHIFT;
}

ULONG MiQueryWsleProtection(const MMSUPPORT *WorkingSet, ULONG_PTR Va, PFN_NUMBER Frame)
{
    return (MipEntryOf(WorkingSet, Va, Frame)->Long & MI_WSLE_PROTECTION) >>
           MI_WSLE_PROTECTION_SHIFT;
}

BOOLEAN MiLockWsle(PMMSUPPORT WorkingSet, ULONG_PTR Va, PFN_NUMBER Frame, ULONG Locks)
{
    PMMWSLE Entry = MipEntryOf(WorkingSet, Va, Frame);
    BOOLEAN Before = (Entry->Long & MI_WSLE_LOCKED) != 0;

    MI_ASSERT(Locks != 0 && (Locks & ~MI_WSLE_LOCKED) == 0);
    Entry->Long |= Locks;
    WorkingSet->LockedPages += !Before;
    return Before;
}

BOOLEAN MiUnlockWsle(PMMSUPPORT WorkingSet, ULONG_PTR Va, PFN_NUMBER Frame, ULONG Locks)
{
    PMMWSLE Entry = MipEntryOf(WorkingSet, Va, Frame);
    BOOLEAN Before = (Entry->Long & MI_WSLE_LOCKED) != 0;
    BOOLEAN After;

    MI_ASSERT(Locks != 0 && (Locks & ~MI_WSLE_LOCKED) == 0);
    Entry->Long &= ~Locks;
    After = (Entry->Long & MI_WSLE_LOCKED) != 0;
    WorkingSet->LockedPages -= Before && !After;
    return After;
}

ULONG MiQueryWsleLocks(const MMSUPPORT *WorkingSet, ULONG_PTR Va, PFN_NUMBER Frame)
{
    ULONG Index = MiFindWsle(WorkingSet, Va, Frame);

    return Index == MI_NO_WSLE ? 0
                               : WorkingSet->VmWorkingSetList->Wsle[Index].Long & MI_WSLE_LOCKED;
}

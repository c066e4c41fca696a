/* SPDX-License-Identifier: MIT */
/*
 * page_table_paging.c - page tables of a user half leave memory, and come back.
 *
 * A page table is a page of its process' working set.  Its directory entry is its PTE:
 *
 *     state        directory entry      its frame
 *     none         zero                 none
 *     resident     valid                Active, in the working set
 *     transition   transition           on standby or modified, or being written or read
 *     paged out    a slot               none
 *
 * It can leave when no entry is valid or in transition, that is, when no frame has a share of its
 * frame: then nobody but its process, under the lock, writes to it.  What the entries name (slots,
 * pages that processes share, protections) goes out with them.
 *
 * Invariants (MiVerifyProcess, MiVerifyPagingFiles):
 *   P1  a table that is out has entries (UsedPageTableEntries), none of them valid or in transition
 *   P2  a table on standby was not written since it was put into its slot.  Writes through the
 *       self-map set Dirty in the directory entry, which is the table's PTE there.  Who writes
 *       otherwise (mm/pfn, when it gives a frame away) does that to entries in transition, which
 *       the self-map made so
 *   P3  MiTablesOut is what the entries of the tables that are out name
 *
 * Locking: AddressCreationLock; MiPfnLock for frames, and for each change of a directory entry.
 */
#include "mi_assert.h"
#include "mm/space/page_table.h"
#include "mm/sysva/pte_kind.h"
#include "mm/sysva/system_pages.h"
#include "mm/ws/wsle.h"

MI_TABLES_OUT MiTablesOut;
MI_PAGE_TABLE_COUNTERS MiPageTableCounters;

/* The table's entries, which are Table's at this moment, are added to P3 or taken off. */
static void MipAccount(ULONG_PTR Table, BOOLEAN Out) NT_HOLDS(MiPfnLock)
{
    PMMPTE Pte = (PMMPTE)Table;
    ULONG Slots = 0;
    ULONG64 Hashes = 0;
    ULONG i;

    for (i = 0; i < PTE_PER_PAGE; i++) {
        MMPTE Entry = MiReadPte(Pte + i);

        MI_ASSERT(!Entry.Hard.Valid && MiPteKind(Entry) != MiPteTransition); /* P1 */
        if (MiPteKind(Entry) == MiPtePagefile) {
            Slots++;
            Hashes += MiSlotHash(MiPteFile(Entry), MiPteSlot(Entry));
        }
    }
    MiTablesOut.Tables += Out ? 1u : -1u;
    MiTablesOut.Slots += Out ? Slots : 0 - Slots;
    MiTablesOut.Hashes += Out ? Hashes : 0 - Hashes;
}

static BOOLEAN MipMayGo(PEPROCESS Process, ULONG_PTR Table, PFN_NUMBER Frame) NT_HOLDS(MiPfnLock)
{
    const MMPFN *Pfn = MI_PFN(Frame);

    return Pfn->u2.ShareCount == 1 && Pfn->u3.e2.ReferenceCount == 1 && !Process->Vm.TablesStay &&
           MmWorkingSetList->UsedPageTableEntries[(Table - PTE_BASE) >> PAGE_SHIFT] != 0;
}

/* Accounting reads the table through the self-map: the flush comes behind it. */
BOOLEAN MiTrimPageTable(PEPROCESS Process, ULONG_PTR Table)
{
    PMMPTE Pde = MiGetPteAddress(Table);
    KIRQL OldIrql = MiLockPfn();
    PFN_NUMBER Frame = MiReadPte(Pde).Hard.PageFrameNumber;
    BOOLEAN Goes = MipMayGo(Process, Table, Frame);

    MI_ASSERT(MiReadPte(Pde).Hard.Valid);
    if (Goes) {
        MipAccount(Table, TRUE);
        if (MiReadPte(Pde).Hard.Dirty) {
            MiSetFrameModified(Frame, TRUE); /* P2 */
        }
        MiWritePte(Pde, MiMakeTransitionPte(Frame, MM_READWRITE));
        KeFlushSingleTb(Table);
        MiRemoveWsle(&Process->Vm, Table, Frame);
        MI_PFN(Frame)->u4.Priority = Process->Vm.MemoryPriority;
        MiDecrementShareCount(Frame);
        MiPageTableCounters.Trimmed++;
    }
    MiUnlockPfn(OldIrql);
    return Goes;
}

NTSTATUS MiRestorePageTable(PEPROCESS Process, PMMPTE Pde)
{
    NTSTATUS Status = MiReserveTableWsle(&Process->Vm);
    PFN_NUMBER Frame;
    KIRQL OldIrql;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    OldIrql = MiLockPfn();
    Frame = MiReadPte(Pde).Hard.PageFrameNumber;
    if (MiPteKind(MiReadPte(Pde)) == MiPteTransition) { /* else it was reused meanwhile */
        MI_ASSERT(!MI_PFN(Frame)->u3.e1.ReadInProgress);
        Status = MiIncrementShareCount(Frame);
        if (NT_SUCCESS(Status)) {
            MiWritePte(Pde, MiMakeUserPde(Frame));
            MiInsertWsle(&Process->Vm, MiGetVaMappedByPte(Pde), Frame);
            MipAccount(MiGetVaMappedByPte(Pde), FALSE);
            MiPageTableCounters.Restored++;
        }
    }
    MiUnlockPfn(OldIrql);
    return Status;
}

/* => STATUS_NO_MEMORY; then some are in, and stay while the lock is held. */
static NTSTATUS MipBringAll(PEPROCESS Process, ULONG First, ULONG Last)
{
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG Table;

    for (Table = First; Table <= Last && NT_SUCCESS(Status); Table++) {
        if (MiIsPageTableOut((ULONG_PTR)Table << PDI_SHIFT)) {
            Status = MiReadPageTable(Process, MiGetPdeAddress((ULONG_PTR)Table << PDI_SHIFT));
        }
    }
    return Status;
}

BOOLEAN MiBringPageTables(PEPROCESS Process, ULONG_PTR Start, ULONG_PTR End)
{
    BOOLEAN Kept = TRUE;

    while (!NT_SUCCESS(MipBringAll(Process, MiTableIndex(Start), MiTableIndex(End)))) {
        Kept = FALSE;
        MiUnlockAddressSpace(Process);
        MiWaitForPageTableMemory();
        MiLockAddressSpace(Process);
    }
    return Kept;
}

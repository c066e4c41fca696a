/* SPDX-License-Identifier: MIT */
/*
 * page_table.c - making, counting and deleting page tables.
 *
 * How they are paged is page_table_paging.c.
 *
 * Invariants (MiVerifyProcess):
 *   G1  UsedPageTableEntries is the number of entries that are not zero; a table without any is
 *       there only while somebody under the lock is about to store one
 *   G2  a resident table's frame is Active, knows its directory entry, and has one share for that
 *       and one for each frame that an entry maps or remembers; the table is in the working set
 *   G3  a table, resident or out, is committed; the directory has a share for each that has a frame
 *
 * Locking: AddressCreationLock; MiPfnLock for the frames.
 */
#include "mm/space/page_table.h"

#include "mi_assert.h"
#include "mm/pfn/frame.h"
#include "mm/pfn/page_color.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/sysva/system_pages.h"
#include "mm/ws/wsle.h"
#include "nt/bugcodes.h"

#define MIP_PAGE_TABLE_COUNT 0x41790u /* subcode of 0x1A: P2 the directory entry, P3 the count */

static ULONG_PTR MipVaOf(ULONG Table)
{
    return (ULONG_PTR)Table << PDI_SHIFT;
}

/* ---- commitment ---- */

static void MipMark(ULONG First, ULONG Last, BOOLEAN Committed)
{
    ULONG Table;

    for (Table = First; Table <= Last; Table++) {
        PULONG Word = &MmWorkingSetList->CommittedPageTables[Table / 32];

        *Word = Committed ? *Word | 1u << Table % 32 : *Word & ~(1u << Table % 32);
    }
}

NTSTATUS MiCommitPageTables(PEPROCESS Process, ULONG_PTR Start, ULONG_PTR End)
{
    ULONG New = 0;
    ULONG Table;
    NTSTATUS Status;

    for (Table = MiTableIndex(Start); Table <= MiTableIndex(End); Table++) {
        New += !MiIsPageTableCommitted(Table);
    }
    if (New == 0) {
        return STATUS_SUCCESS;
    }
    Status = MiChargeProcessCommit(Process, New);
    if (NT_SUCCESS(Status)) {
        Process->CommittedPageTables += New;
        MipMark(MiTableIndex(Start), MiTableIndex(End), TRUE);
    }
    return Status;
}

void MiDecommitPageTables(PEPROCESS Process, ULONG First, ULONG Last)
{
    ULONG Table;

    for (Table = First; Table <= Last; Table++) {
        MI_ASSERT(MiIsPageTableCommitted(Table) && !MiHasPageTable(MipVaOf(Table)));
    }
    MipMark(First, Last, FALSE);
    Process->CommittedPageTables -= Last - First + 1;
    MiReturnProcessCommit(Process, Last - First + 1);
}

/* ---- tables ---- */

NTSTATUS MiMakePageTable(PEPROCESS Process, ULONG_PTR Va)
{
    PMMPTE Pde = MiGetPdeAddress(Va);
    PFN_NUMBER Frame;
    NTSTATUS Status;
    KIRQL OldIrql;

    if (MiReadPte(Pde).Hard.Valid) {
        return STATUS_SUCCESS;
    }
    if (MiReadPte(Pde).Long != 0) {
        return MiReadPageTable(Process, Pde);
    }
    MI_ASSERT(MiIsPageTableCommitted(MiTableIndex(Va)));
    Status = MiReserveTableWsle(&Process->Vm);
    if (NT_SUCCESS(Status)) {
        Status = MiAllocateFrame(MiFrameZeroed, MiNextPageColor(), &Frame);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    OldIrql = MiLockPfn();
    MiSetFramePte(Frame, Pde, MiMakeDemandZeroPte(), MiTableFrame(Pde));
    MiUnlockPfn(OldIrql);
    MiWritePte(Pde, MiMakeUserPde(Frame));
    MiInsertWsle(&Process->Vm, MiGetVaMappedByPte(Pde), Frame);
    Process->PageTables++;
    MiPageTableCounters.Made++;
    return STATUS_SUCCESS;
}

/* G2: then only its directory entry holds it. */
static void MipDeletePageTable(PEPROCESS Process, ULONG Table)
{
    PMMPTE Pde = MiGetPdeAddress(MipVaOf(Table));
    PFN_NUMBER Frame = MiReadPte(Pde).Hard.PageFrameNumber;
    KIRQL OldIrql;

    MI_ASSERT(MiIsPageTableResident(MipVaOf(Table))); /* G1: one that is out has entries */
    OldIrql = MiLockPfn();                            /* under which others look at PTEs */
    MiRemoveWsle(&Process->Vm, MiGetVaMappedByPte(Pde), Frame);
    MiWritePte(Pde, MiMakeZeroPte());
    KeFlushSingleTb(MiGetVaMappedByPte(Pde));
    if (MI_PFN(Frame)->u2.ShareCount != 1) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MIP_PAGE_TABLE_COUNT, (ULONG_PTR)Pde,
                     MI_PFN(Frame)->u2.ShareCount, Frame);
    }
    MiDeleteFramePage(Frame);
    MiUnlockPfn(OldIrql);
    Process->PageTables--;
    MiPageTableCounters.Deleted++;
}

void MiDeleteEmptyPageTables(PEPROCESS Process, ULONG_PTR Start, ULONG_PTR End)
{
    ULONG Table;

    for (Table = MiTableIndex(Start); Table <= MiTableIndex(End); Table++) {
        if (MmWorkingSetList->UsedPageTableEntries[Table] == 0 && MiHasPageTable(MipVaOf(Table))) {
            MipDeletePageTable(Process, Table);
        }
    }
}

NTSTATUS MiMakePageTables(PEPROCESS Process, ULONG_PTR Start, ULONG_PTR End)
{
    ULONG Table;

    for (Table = MiTableIndex(Start); Table <= MiTableIndex(End); Table++) {
        NTSTATUS Status = MiMakePageTable(Process, MipVaOf(Table));

        if (!NT_SUCCESS(Status)) {
            MiDeleteEmptyPageTables(Process, Start, End); /* G1 holds again */
            return Status;
        }
    }
    return STATUS_SUCCESS;
}

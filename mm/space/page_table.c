/* SPDX-License-Identifier: MIT */
/*
 * page_table.c - making, counting and deleting page tables.
 *
 * Invariants (MiVerifyProcess):
 *   G1  UsedPageTableEntries is the number of entries that are not zero; a table without any is
 *       there only while somebody under the lock is about to store one
 *   G2  a table's frame is Active, knows its directory entry, and has one share for that and one
 *       for each frame that an entry maps or remembers
 *   G3  a table that is there is committed; the directory has a share for each
 *
 * Locking: AddressCreationLock; MiPfnLock for the frames.
 */
#include "mm/space/page_table.h"

#include "mi_assert.h"
#include "mm/pfn/frame.h"
#include "mm/pfn/page_color.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/sysva/system_pages.h"
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
    MI_ASSERT(MiIsPageTableCommitted(MiTableIndex(Va)));
    Status = MiAllocateFrame(MiFrameZeroed, MiNextPageColor(), &Frame);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    OldIrql = MiLockPfn();
    MiSetFramePte(Frame, Pde, MiMakeZeroPte(), MiTableFrame(Pde));
    MiUnlockPfn(OldIrql);
    MiWritePte(Pde, MiMakeUserPde(Frame));
    Process->PageTables++;
    return STATUS_SUCCESS;
}

BOOLEAN MiBringPageTables(PEPROCESS Process, ULONG_PTR Start, ULONG_PTR End)
{
    ULONG Table;

    (void)Process;
    for (Table = MiTableIndex(Start); Table <= MiTableIndex(End); Table++) {
        MI_ASSERT(!MiIsPageTableOut(MipVaOf(Table)));
    }
    return TRUE;
}

/* G2: then only its directory entry holds it. */
static void MipDeletePageTable(PEPROCESS Process, ULONG Table)
{
    PMMPTE Pde = MiGetPdeAddress(MipVaOf(Table));
    PFN_NUMBER Frame = MiReadPte(Pde).Hard.PageFrameNumber;
    KIRQL OldIrql;

    OldIrql = MiLockPfn(); /* under which others look at PTEs */
    MiWritePte(Pde, MiMakeZeroPte());
    KeFlushSingleTb((ULONG_PTR)MiGetPteAddress(MipVaOf(Table)));
    if (MI_PFN(Frame)->u2.ShareCount != 1) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MIP_PAGE_TABLE_COUNT, (ULONG_PTR)Pde,
                     MI_PFN(Frame)->u2.ShareCount, Frame);
    }
    MiClearFramePte(Frame);
    MiDecrementShareCount(Frame);
    MiUnlockPfn(OldIrql);
    Process->PageTables--;
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

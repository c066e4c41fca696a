/* SPDX-License-Identifier: MIT */
/*
 * virtual_free.c - NtFreeVirtualMemory: decommitting and releasing.
 *
 * In a descriptor whose pages are committed by themselves (MemCommit) a decommitted page needs a
 * PTE that says so, hence a page table, which may not be had.  Decommitting all of it needs none:
 * then nothing is committed by itself any more.
 */
#include "mm/space/virtual_free.h"

#include "mm/space/user_page.h"
#include "mm/space/user_range.h"

/* The pages from Va up to the one of Last, which lie in one page table. */
static void MipDecommitOfTable(PEPROCESS Process, PMMVAD Vad, ULONG_PTR Va, ULONG_PTR Last,
                               MMPTE New)
{
    PMMPTE Pte = MiGetPteAddress(Va);
    PMMPTE LastPte = MiGetPteAddress(Last);

    for (; Pte <= LastPte; Pte++) {
        if (MiReadPte(Pte).Long != New.Long) {
            MiDeleteUserPage(Process, Vad, Pte, New);
        }
    }
}

/* => Where New is not zero, all page tables are there. */
static void MipDecommitPages(PEPROCESS Process, PMMVAD Vad, const MI_USER_RANGE *Range, MMPTE New)
{
    ULONG_PTR Va = Range->Start;
    ULONG_PTR Last;

    do {
        Last = Va | (MM_LARGE_PAGE - 1);
        Last = Last < Range->End ? Last : Range->End;
        if (MiHasPageTable(Va)) {
            MipDecommitOfTable(Process, Vad, Va, Last, New);
        }
        Va = Last + 1;
    } while (Last != Range->End);
    MiDeleteEmptyPageTables(Process, Range->Start, Range->End);
}

static NTSTATUS MipDecommit(PEPROCESS Process, PMMVAD Vad, const MI_USER_RANGE *Range)
{
    BOOLEAN Whole = MiIsWholeVad(Vad, Range);
    ULONG Count = MiCountCommittedPages(Vad, Range);
    MMPTE New = MiMakeZeroPte();

    if (Vad->u.VadFlags.MemCommit && !Whole) {
        NTSTATUS Status = MiMakePageTables(Process, Range->Start, Range->End);

        if (!NT_SUCCESS(Status)) {
            return Status;
        }
        New = MiMakeSoftwarePte(MM_DECOMMIT);
    }
    MipDecommitPages(Process, Vad, Range, New);
    if (Whole) {
        Vad->u.VadFlags.MemCommit = 0;
    }
    Vad->u.VadFlags.CommitCharge -= Count;
    MiReturnProcessCommit(Process, Count);
    return STATUS_SUCCESS;
}

void MiReleaseVad(PEPROCESS Process, PMMVAD Vad)
{
    const MI_USER_RANGE Range = {MiVadStart(Vad),
                                 ((ULONG_PTR)Vad->EndingVpn << PAGE_SHIFT) | (PAGE_SIZE - 1)};

    MipDecommitPages(Process, Vad, &Range, MiMakeZeroPte());
    MiReturnProcessCommit(Process, Vad->u.VadFlags.CommitCharge);
    Vad->u.VadFlags.CommitCharge = 0;
    if (MiIsView(Vad)) {
        MiReleaseView((PMMVAD_VIEW)(PVOID)Vad);
    }
    MiDeleteVad(Process, Vad);
}

/* => *Range is what is meant; its descriptor holds all of it. */
static NTSTATUS MipFindRange(PEPROCESS Process, SIZE_T Bytes, PMI_USER_RANGE Range, PMMVAD *Found)
{
    PMMVAD Vad = MiFindVad(Process, (ULONG)(Range->Start >> PAGE_SHIFT));

    if (Vad == NULL) {
        return STATUS_MEMORY_NOT_ALLOCATED;
    }
    if (Bytes == 0) {
        if (Range->Start != MiVadStart(Vad)) {
            return STATUS_FREE_VM_NOT_AT_BASE;
        }
        Range->End = ((ULONG_PTR)Vad->EndingVpn << PAGE_SHIFT) | (PAGE_SIZE - 1);
    }
    *Found = Vad;
    return Range->End >> PAGE_SHIFT > Vad->EndingVpn ? STATUS_UNABLE_TO_FREE_VM : STATUS_SUCCESS;
}

static NTSTATUS MipFree(PEPROCESS Process, SIZE_T Bytes, ULONG FreeType, PMI_USER_RANGE Range)
{
    PMMVAD Vad;
    NTSTATUS Status;

    do {
        Status = MipFindRange(Process, Bytes, Range, &Vad);
        if (!NT_SUCCESS(Status)) {
            return Status;
        }
    } while (!MiBringPageTables(Process, Range->Start, Range->End));
    if (MiIsView(Vad)) {
        return STATUS_UNABLE_TO_DELETE_SECTION;
    }
    if (FreeType == MEM_DECOMMIT) {
        return MipDecommit(Process, Vad, Range);
    }
    if (!MiIsWholeVad(Vad, Range)) {
        return STATUS_UNABLE_TO_FREE_VM;
    }
    MiReleaseVad(Process, Vad);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI NtFreeVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress, PSIZE_T RegionSize,
                                   ULONG FreeType)
{
    MI_USER_RANGE Range;
    MI_TARGET Target;
    NTSTATUS Status;

    if (FreeType != MEM_DECOMMIT && FreeType != MEM_RELEASE) {
        return STATUS_INVALID_PARAMETER_4;
    }
    Status = MiMakeUserRange(*BaseAddress, *RegionSize, STATUS_INVALID_PARAMETER_2,
                             STATUS_INVALID_PARAMETER_3, &Range);
    if (NT_SUCCESS(Status)) {
        Status = MiEnterTarget(ProcessHandle, PROCESS_VM_OPERATION, &Target);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MipFree(Target.Process, *RegionSize, FreeType, &Range);
    MiLeaveTarget(&Target);
    if (NT_SUCCESS(Status)) {
        *BaseAddress = (PVOID)Range.Start;
        *RegionSize = MiRangeBytes(&Range);
    }
    return Status;
}

/* SPDX-License-Identifier: MIT */
/*
 * virtual_protect.c - NtProtectVirtualMemory.
 *
 * All pages are looked at, and their page tables made, before the first one changes.  A page that
 * is to be copied when it is written to is charged for: that may have to wait for a paging file.
 */
#include "mm/pfn/commit_growth.h"
#include "mm/space/user_page.h"
#include "mm/space/user_range.h"
#include "mm/space/view_range.h"

/* => On failure no page table is left that has no entries. */
static NTSTATUS MipCharge(PEPROCESS Process, PMMVAD Vad, const MI_USER_RANGE *Range,
                          ULONG Protection)
{
    NTSTATUS Status = MiChargeViewCopies(Process, Vad, Range, Protection);

    if (!NT_SUCCESS(Status)) {
        MiDeleteEmptyPageTables(Process, Range->Start, Range->End);
    }
    return Status;
}

static NTSTATUS MipProtect(PEPROCESS Process, const MI_USER_RANGE *Range, ULONG Protection,
                           PULONG OldProtect)
{
    PMMVAD Vad = MiFindVadWithTables(Process, Range);
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG_PTR Va;

    if (Vad == NULL) {
        return STATUS_CONFLICTING_ADDRESSES;
    }
    if (MiIsView(Vad)) {
        Status = MiMakeViewProtection(Vad, &Protection);
    } else if (MiIsCopyOnWrite(Protection)) {
        Status = STATUS_INVALID_PAGE_PROTECTION;
    }
    if (NT_SUCCESS(Status) && MiCountCommittedPages(Vad, Range) != MiRangePages(Range)) {
        Status = STATUS_NOT_COMMITTED;
    }
    if (NT_SUCCESS(Status)) {
        Status = MiMakePageTables(Process, Range->Start, Range->End);
    }
    if (NT_SUCCESS(Status) && MiIsView(Vad)) {
        Status = MipCharge(Process, Vad, Range, Protection);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    *OldProtect = MiProtectOf(MiQueryPageProtection(Vad, Range->Start));
    for (Va = Range->Start; Va < Range->End; Va += PAGE_SIZE) {
        MiProtectUserPage(Process, Vad, MiGetPteAddress(Va), Protection);
    }
    return STATUS_SUCCESS;
}

/* => STATUS_COMMITMENT_LIMIT: *Limit is what it should be. */
static NTSTATUS MipProtectTarget(HANDLE ProcessHandle, const MI_USER_RANGE *Range, ULONG Protection,
                                 PULONG OldProtect, PULONG Limit)
{
    MI_TARGET Target;
    NTSTATUS Status = MiEnterTarget(ProcessHandle, PROCESS_VM_OPERATION, &Target);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MipProtect(Target.Process, Range, Protection, OldProtect);
    *Limit = Target.Process->CommitLimitNeeded;
    MiLeaveTarget(&Target);
    return Status;
}

NTSTATUS NTAPI NtProtectVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress, PSIZE_T RegionSize,
                                      ULONG NewProtect, PULONG OldProtect)
{
    ULONG Protection = MiMakeProtection(NewProtect);
    ULONG Old = 0;
    ULONG Limit = 0;
    MI_USER_RANGE Range;
    NTSTATUS Status;
    ULONG Rises;

    if (Protection == MI_NO_PROTECTION) {
        return STATUS_INVALID_PAGE_PROTECTION;
    }
    Status = MiMakeUserRange(*BaseAddress, *RegionSize, STATUS_INVALID_PARAMETER_2,
                             STATUS_INVALID_PARAMETER_3, &Range);
    if (NT_SUCCESS(Status) && *RegionSize == 0) {
        Status = STATUS_INVALID_PARAMETER_3;
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    do {
        Rises = MiQueryCommitRises();
        Status = MipProtectTarget(ProcessHandle, &Range, Protection, &Old, &Limit);
    } while (Status == STATUS_COMMITMENT_LIMIT && MiWaitForCommitment(Limit, Rises));
    if (NT_SUCCESS(Status)) {
        *BaseAddress = (PVOID)Range.Start;
        *RegionSize = MiRangeBytes(&Range);
        *OldProtect = Old;
    }
    return Status;
}

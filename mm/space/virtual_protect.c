/* SPDX-License-Identifier: MIT */
/*
 * virtual_protect.c - NtProtectVirtualMemory.
 *
 * All pages are looked at, and their page tables made, before the first one changes.
 */
#include "mm/space/user_page.h"
#include "mm/space/user_range.h"

static NTSTATUS MipProtect(PEPROCESS Process, const MI_USER_RANGE *Range, ULONG Protection,
                           PULONG OldProtect)
{
    PMMVAD Vad = MiFindVadWithTables(Process, Range);
    ULONG_PTR Va;
    NTSTATUS Status;

    if (Vad == NULL) {
        return STATUS_CONFLICTING_ADDRESSES;
    }
    if (MiCountCommittedPages(Vad, Range) != MiRangePages(Range)) {
        return STATUS_NOT_COMMITTED;
    }
    Status = MiMakePageTables(Process, Range->Start, Range->End);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    *OldProtect = MiProtectOf(MiQueryPageProtection(Vad, Range->Start));
    for (Va = Range->Start; Va < Range->End; Va += PAGE_SIZE) {
        MiProtectUserPage(Process, Vad, MiGetPteAddress(Va), Protection);
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI NtProtectVirtualMemory(HANDLE ProcessHandle, PVOID *BaseAddress, PSIZE_T RegionSize,
                                      ULONG NewProtect, PULONG OldProtect)
{
    ULONG Protection = MiMakeProtection(NewProtect);
    ULONG Old = 0;
    MI_USER_RANGE Range;
    MI_TARGET Target;
    NTSTATUS Status;

    if (Protection == MI_NO_PROTECTION ||
        (NewProtect & (PAGE_WRITECOPY | PAGE_EXECUTE_WRITECOPY)) != 0) {
        return STATUS_INVALID_PAGE_PROTECTION;
    }
    Status = MiMakeUserRange(*BaseAddress, *RegionSize, STATUS_INVALID_PARAMETER_2,
                             STATUS_INVALID_PARAMETER_3, &Range);
    if (NT_SUCCESS(Status) && *RegionSize == 0) {
        Status = STATUS_INVALID_PARAMETER_3;
    }
    if (NT_SUCCESS(Status)) {
        Status = MiEnterTarget(ProcessHandle, &Target);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MipProtect(Target.Process, &Range, Protection, &Old);
    MiLeaveTarget(&Target);
    if (NT_SUCCESS(Status)) {
        *BaseAddress = (PVOID)Range.Start;
        *RegionSize = MiRangeBytes(&Range);
        *OldProtect = Old;
    }
    return Status;
}

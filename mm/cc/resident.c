/* SPDX-License-Identifier: MIT */
/*
 * resident.c - pages of a view that are needed in memory, read or made.
 *
 * Locking: none; the view is in use.
 */
#include "mm/cc/copy.h"

#include "arch/cpu.h"

const UCHAR CciZeroPage[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

NTSTATUS CciBringIn(PUCHAR Va, ULONG Length, BOOLEAN Wait)
{
    NTSTATUS Status = STATUS_SUCCESS;
    PUCHAR Page;
    UCHAR Byte;

    if (CciCalls->MmIsRangeResident(Va, Length)) {
        return STATUS_SUCCESS;
    }
    if (!Wait) {
        return STATUS_CANT_WAIT;
    }
    for (Page = PAGE_ALIGN(Va); NT_SUCCESS(Status) && Page < Va + Length; Page += PAGE_SIZE) {
        Status = KiGuardedCopy(&Byte, Page, sizeof(Byte));
    }
    return Status;
}

NTSTATUS CciMakeWholePages(PUCHAR Va, ULONG Length)
{
    PUCHAR Page = (PUCHAR)ROUND_UP((ULONG_PTR)Va, (ULONG_PTR)PAGE_SIZE);
    NTSTATUS Status = STATUS_SUCCESS;

    for (; NT_SUCCESS(Status) && Page + PAGE_SIZE <= Va + Length; Page += PAGE_SIZE) {
        Status = CciCalls->MmCopyToCachedPage(Page, CciZeroPage);
        Status = Status == STATUS_ALREADY_COMMITTED ? STATUS_SUCCESS : Status;
    }
    return Status;
}

NTSTATUS CciMakeEmptyPages(const SHARED_CACHE_MAP *Map, LONGLONG Offset, PUCHAR Va, ULONG Length)
{
    LONGLONG Valid = Map->ValidDataGoal - Offset;

    if (Valid >= (LONGLONG)Length) {
        return STATUS_SUCCESS;
    }
    Valid = Valid < 0 ? 0 : Valid;
    return CciMakeWholePages(Va + Valid, Length - (ULONG)Valid);
}

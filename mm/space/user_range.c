/* SPDX-License-Identifier: MIT */
/*
 * user_range.c - ranges of pages: their bounds, and how much of one is committed.
 */
#include "mm/space/user_range.h"

#include "mm/space/user_page.h"

NTSTATUS MiMakeUserRange(const void *Base, SIZE_T Bytes, NTSTATUS BadBase, NTSTATUS BadSize,
                         PMI_USER_RANGE Range)
{
    ULONG_PTR Va = (ULONG_PTR)Base;

    if (Va > MM_HIGHEST_USER_ADDRESS) {
        return BadBase;
    }
    if (Bytes > MM_HIGHEST_USER_ADDRESS - Va + 1) {
        return BadSize;
    }
    Range->Start = ROUND_DOWN(Va, (ULONG_PTR)PAGE_SIZE);
    Range->End = (Va + (Bytes == 0 ? 0 : Bytes - 1)) | (PAGE_SIZE - 1);
    return STATUS_SUCCESS;
}

PMMVAD MiFindVadWithTables(PEPROCESS Process, const MI_USER_RANGE *Range)
{
    PMMVAD Vad;

    do {
        Vad = MiFindVadOfRange(Process, Range);
    } while (Vad != NULL && !MiBringPageTables(Process, Range->Start, Range->End));
    return Vad;
}

/* The section says it, not the descriptor. */
static ULONG MipCountCommittedOfView(const MMVAD *Vad, const MI_USER_RANGE *Range)
{
    ULONG Count = 0;
    ULONG_PTR Va;

    if (MiIsPlainView(Vad)) {
        return MiRangePages(Range);
    }
    for (Va = Range->Start; Va < Range->End; Va += PAGE_SIZE) {
        Count += MiQueryPageProtection(Vad, Va) != MI_NO_PROTECTION;
    }
    return Count;
}

ULONG MiCountCommittedPages(const MMVAD *Vad, const MI_USER_RANGE *Range)
{
    ULONG_PTR Va = Range->Start;
    ULONG Count = 0;

    if (MiIsView(Vad)) {
        return MipCountCommittedOfView(Vad, Range);
    }
    if (Vad->u.VadFlags.CommitCharge == 0) {
        return 0;
    }
    if (Vad->u.VadFlags.CommitCharge == MiVadPages(Vad)) {
        return MiRangePages(Range);
    }
    while (Va <= Range->End) {
        ULONG_PTR Next = MiSkipMissingTable(Va);

        if (Next == Va) {
            Count += MiQueryPageProtection(Vad, Va) != MI_NO_PROTECTION;
            Next += PAGE_SIZE;
        } else if (Vad->u.VadFlags.MemCommit) {
            Count += (ULONG)(((Next <= Range->End ? Next : Range->End + 1) - Va) >> PAGE_SHIFT);
        }
        Va = Next;
    }
    return Count;
}

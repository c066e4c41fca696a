/* SPDX-License-Identifier: MIT */
/*
 * user_range.h - whole pages of the user half, as services are asked about them.
 */
#ifndef MM_SPACE_USER_RANGE_H
#define MM_SPACE_USER_RANGE_H

#include "mm/space/page_table.h"
#include "mm/space/vad.h"

typedef struct _MI_USER_RANGE {
    ULONG_PTR Start; /* of the first page */
    ULONG_PTR End;   /* the last page's last byte */
} MI_USER_RANGE, *PMI_USER_RANGE;

/*
 * The pages that [Base, Base + Bytes) touches.
 *
 * => BadBase: Base is above the user half.  BadSize: the range leads out of it.  Bytes may be 0.
 */
NT_MUST_CHECK NTSTATUS MiMakeUserRange(const void *Base, SIZE_T Bytes, NTSTATUS BadBase,
                                       NTSTATUS BadSize, PMI_USER_RANGE Range);

static inline ULONG MiRangePages(const MI_USER_RANGE *Range)
{
    return (ULONG)((Range->End - Range->Start) >> PAGE_SHIFT) + 1;
}

static inline SIZE_T MiRangeBytes(const MI_USER_RANGE *Range)
{
    return Range->End - Range->Start + 1;
}

/* => The descriptor that holds all of the range; NULL: none. */
static inline PMMVAD MiFindVadOfRange(PEPROCESS Process, const MI_USER_RANGE *Range)
{
    PMMVAD Vad = MiFindVad(Process, (ULONG)(Range->Start >> PAGE_SHIFT));

    return Vad != NULL && Range->End >> PAGE_SHIFT <= Vad->EndingVpn ? Vad : NULL;
}

/* The same, and the range's page tables are not out.  => The lock may be let go of for a while. */
PMMVAD MiFindVadWithTables(PEPROCESS Process, const MI_USER_RANGE *Range);

static inline BOOLEAN MiIsWholeVad(const MMVAD *Vad, const MI_USER_RANGE *Range)
{
    return Range->Start == MiVadStart(Vad) && Range->End >> PAGE_SHIFT == Vad->EndingVpn;
}

/* => Va; or, when it has no page table, where the next one's 4 MB begin.  Below 4 GB. */
static inline ULONG_PTR MiSkipMissingTable(ULONG_PTR Va)
{
    return MiHasPageTable(Va) ? Va : ROUND_DOWN(Va, MM_LARGE_PAGE) + MM_LARGE_PAGE;
}

/* Pages of the range, which lies in Vad, that are committed.  => Its page tables are not out. */
ULONG MiCountCommittedPages(const MMVAD *Vad, const MI_USER_RANGE *Range);

#endif

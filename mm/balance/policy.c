/* SPDX-License-Identifier: MIT */
/*
 * policy.c - the figures behind trimming and writing, each with where it comes from.
 *
 *     available       what happens
 *     below pressure  working sets give pages until available and modified reach ample
 *     below ample     they give none, but do not grow past their maximum; full writes of modified
 *                     pages go out
 *     ample or more   nothing, but for modified pages that become many
 *
 * Pressure and ample are those of mm/pfn/memory_events.h: 256 and 768 pages with 64 MB.
 */
#include "mm/balance/policy.h"

/* A full write of the modified page writer. */
#define MIP_WRITE_PAGES 64u

/* Documented for Windows 7: below this many free pages, when modified pages are more than a 16th
 * of the available ones or 64 MB.  A machine that is smaller than those counts a quarter of RAM. */
#define MIP_WRITE_FREE_PAGES 20000u
#define MIP_WRITE_RAM_SHARE  4u
#define MIP_WRITE_SHARE      16u
#define MIP_WRITE_MOST       ((64u << 20) / PAGE_SIZE)

/* Of one working set at most a quarter goes in the last pass, whose victims are chosen by nothing
 * but their place: the rest of the need is shared by the others, or comes back a moment later with
 * fresher ages. */
#define MIP_LAST_PASS_SHARE 4u

/* At 8 seconds a round a page is MI_OLDEST after 24 to 32 seconds without an access. */
#define MIP_AGE_SHARE       8u
#define MIP_AGE_SHARE_SHORT 2u

/* ---- memory ---- */

static ULONG MipLeast(ULONG A, ULONG B)
{
    return A < B ? A : B;
}

BOOLEAN MiIsMemoryShort(const MI_MEMORY_FIGURES *Memory)
{
    return Memory->Waiters != 0 || Memory->AvailablePages < MiPressurePages(Memory->PhysicalPages);
}

/* A modified page counts when there is a slot for it: else it will never be available. */
ULONG MiPagesWanted(const MI_MEMORY_FIGURES *Memory)
{
    ULONG Goal = MiAmplePages(Memory->PhysicalPages);
    ULONG Coming = MipLeast(Memory->ModifiedPages, Memory->FreeSlots) + Memory->MappedPages;
    ULONG Have = Memory->AvailablePages + Coming;

    return MiIsMemoryShort(Memory) && Have < Goal ? Goal - Have : 0;
}

/* => Of so many modified pages. */
static BOOLEAN MipShouldWrite(const MI_MEMORY_FIGURES *Memory, ULONG Pages)
{
    ULONG Low = MipLeast(MIP_WRITE_FREE_PAGES, Memory->PhysicalPages / MIP_WRITE_RAM_SHARE);
    ULONG Many = MipLeast(Memory->AvailablePages / MIP_WRITE_SHARE, MIP_WRITE_MOST);

    if (Pages == 0) {
        return FALSE;
    }
    if (MiIsMemoryShort(Memory)) {
        return TRUE;
    }
    if (Memory->AvailablePages < MiAmplePages(Memory->PhysicalPages)) {
        return Pages >= MIP_WRITE_PAGES;
    }
    return Memory->FreePages < Low && Pages > Many;
}

BOOLEAN MiShouldWrite(const MI_MEMORY_FIGURES *Memory)
{
    return Memory->PagingFiles != 0 && MipShouldWrite(Memory, Memory->ModifiedPages);
}

BOOLEAN MiShouldWriteMapped(const MI_MEMORY_FIGURES *Memory)
{
    return MipShouldWrite(Memory, Memory->MappedPages);
}

/* ---- working sets ---- */

/* => How many pages stay whatever happens. */
static ULONG MipFloor(const MMSUPPORT *WorkingSet, ULONG Pass)
{
    ULONG Locked = WorkingSet->LockedPages;
    ULONG Minimum = WorkingSet->MinimumWorkingSetSize;

    if (Pass == MI_LAST_PASS && !WorkingSet->MinimumWorkingSetHard) {
        return Locked;
    }
    return Minimum > Locked ? Minimum : Locked;
}

static ULONG MipExcess(const MMSUPPORT *WorkingSet, ULONG Pass)
{
    ULONG Floor = MipFloor(WorkingSet, Pass);

    return WorkingSet->WorkingSetSize > Floor ? WorkingSet->WorkingSetSize - Floor : 0;
}

ULONG MiTrimShare(const MMSUPPORT *WorkingSet, ULONG Pass, ULONG Wanted)
{
    ULONG Share = MipLeast(MipExcess(WorkingSet, Pass), Wanted);
    ULONG Most = WorkingSet->WorkingSetSize / MIP_LAST_PASS_SHARE;

    if (Pass != MI_LAST_PASS) {
        return Share;
    }
    return MipLeast(Share, Most < MIP_WRITE_PAGES ? MIP_WRITE_PAGES : Most);
}

/* => 0 for a gain of 2^31, 31 for one of 1. */
static ULONG MipOrderOfGain(ULONG Gain)
{
    return (ULONG)__builtin_clz(Gain);
}

/* Beyond its maximum; beyond its minimum; below. */
static ULONG MipClass(const MMSUPPORT *WorkingSet)
{
    if (WorkingSet->WorkingSetSize > WorkingSet->MaximumWorkingSetSize) {
        return 0;
    }
    return WorkingSet->WorkingSetSize > WorkingSet->MinimumWorkingSetSize ? 1 : 2;
}

/* Background before foreground, then by class, then who has most to give. */
ULONG MiTrimRank(const MMSUPPORT *WorkingSet, ULONG Pass)
{
    ULONG Gain = MipExcess(WorkingSet, Pass);

    if (Pass != MI_LAST_PASS) {
        Gain = MipLeast(Gain, WorkingSet->EstimatedAvailable);
    }
    if (Gain == 0) {
        return MI_NOT_NOW;
    }
    return (WorkingSet->MemoryPriority >= MI_FOREGROUND_PRIORITY ? 3 * 32 : 0) +
           MipClass(WorkingSet) * 32 + MipOrderOfGain(Gain);
}

/* ---- ageing ---- */

ULONG MiEntriesToAge(ULONG WorkingSetSize, BOOLEAN Short)
{
    return WorkingSetSize / (Short ? MIP_AGE_SHARE_SHORT : MIP_AGE_SHARE) + 1;
}

ULONG MiNextEstimate(ULONG Old, ULONG Looked, ULONG Unused, ULONG Size)
{
    ULONG Stays = MipLeast(Old, Size);

    if (Looked >= Size) {
        return MipLeast(Unused, Size);
    }
    if (Looked != 0) {
        Stays -= Stays / (Size / Looked);
    }
    return MipLeast(Stays + Unused, Size);
}

ULONG MiClaim(const MMSUPPORT *WorkingSet)
{
    return MipLeast(WorkingSet->EstimatedAvailable, MipExcess(WorkingSet, 0));
}

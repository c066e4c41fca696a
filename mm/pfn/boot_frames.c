/* SPDX-License-Identifier: MIT */
/*
 * boot_frames.c - handing out memory from the loader's map, from the top down.
 *
 * Low memory is what some devices need, so boot eats from the high end.  What was taken is a short
 * list of ranges; the runs themselves are never changed.
 *
 * Invariants:
 *   B1  the ranges in Taken are disjoint, and all their frames lie in LoaderFree runs
 *
 * Locking: none; one processor boots.
 */
#include "mm/pfn/boot_frames.h"

#include "mi_assert.h"

#define MI_FRAMES_BELOW_4GB 0x100000u

MI_BOOT_FRAMES MiBootFrames;

void MiInitializeBootFrames(const LOADER_MEMORY_RUN *Runs, ULONG Count)
{
    MiBootFrames.Runs = Runs;
    MiBootFrames.RunCount = Count;
    MiBootFrames.TakenCount = 0;
}

BOOLEAN MiClipLoaderRun(const LOADER_MEMORY_RUN *Run, PMI_BOOT_RANGE Range)
{
    uint64_t Room;

    if (Run->BasePage >= MI_FRAMES_BELOW_4GB || Run->PageCount == 0) {
        return FALSE;
    }
    Room = MI_FRAMES_BELOW_4GB - Run->BasePage;
    Range->First = (PFN_NUMBER)Run->BasePage;
    Range->Pages = (ULONG)(Run->PageCount < Room ? Run->PageCount : Room);
    return TRUE;
}

/* => Returns the taken range that overlaps [First, First + Pages), or NULL. */
static const MI_BOOT_RANGE *MipFindTaken(PFN_NUMBER First, ULONG Pages)
{
    ULONG Index;

    for (Index = 0; Index < MiBootFrames.TakenCount; Index++) {
        const MI_BOOT_RANGE *Taken = &MiBootFrames.Taken[Index];

        if (First < Taken->First + Taken->Pages && Taken->First < First + Pages) {
            return Taken;
        }
    }
    return NULL;
}

BOOLEAN MiIsBootFrame(PFN_NUMBER Frame)
{
    return MipFindTaken(Frame, 1) != NULL;
}

/* => Returns the highest aligned place in Free that nobody took; MI_NO_FRAME: none. */
static PFN_NUMBER MipFindPlace(const MI_BOOT_RANGE *Free, ULONG Pages, ULONG AlignPages)
{
    PFN_NUMBER End = Free->First + Free->Pages;
    const MI_BOOT_RANGE *Taken;
    PFN_NUMBER First;

    do {
        if (End < Pages) {
            return MI_NO_FRAME;
        }
        First = ROUND_DOWN(End - Pages, AlignPages);
        if (First < Free->First || First == 0) {
            return MI_NO_FRAME;
        }
        Taken = MipFindTaken(First, Pages);
        End = Taken == NULL ? End : Taken->First;
    } while (Taken != NULL);
    return First;
}

static PFN_NUMBER MipFindHighestPlace(ULONG Pages, ULONG AlignPages)
{
    PFN_NUMBER Highest = MI_NO_FRAME;
    ULONG Index;

    for (Index = 0; Index < MiBootFrames.RunCount; Index++) {
        const LOADER_MEMORY_RUN *Run = &MiBootFrames.Runs[Index];
        MI_BOOT_RANGE Free;
        PFN_NUMBER First;

        if (Run->Type != LoaderFree || !MiClipLoaderRun(Run, &Free)) {
            continue;
        }
        First = MipFindPlace(&Free, Pages, AlignPages);
        if (First != MI_NO_FRAME && (Highest == MI_NO_FRAME || First > Highest)) {
            Highest = First;
        }
    }
    return Highest;
}

static void MipRememberTaken(PFN_NUMBER First, ULONG Pages)
{
    ULONG Index;

    for (Index = 0; Index < MiBootFrames.TakenCount; Index++) {
        if (MiBootFrames.Taken[Index].First == First + Pages) {
            MiBootFrames.Taken[Index].First = First;
            MiBootFrames.Taken[Index].Pages += Pages;
            return;
        }
    }
    MI_ASSERT(MiBootFrames.TakenCount < MI_BOOT_RANGES);
    MiBootFrames.Taken[MiBootFrames.TakenCount].First = First;
    MiBootFrames.Taken[MiBootFrames.TakenCount].Pages = Pages;
    MiBootFrames.TakenCount++;
}

PFN_NUMBER MiTakeBootFrames(ULONG Pages, ULONG AlignPages)
{
    PFN_NUMBER First;

    MI_ASSERT(MiBootFrames.Runs != NULL && Pages != 0);
    MI_ASSERT(AlignPages != 0 && (AlignPages & (AlignPages - 1)) == 0);
    First = MipFindHighestPlace(Pages, AlignPages);
    if (First != MI_NO_FRAME) {
        MipRememberTaken(First, Pages);
    }
    return First;
}

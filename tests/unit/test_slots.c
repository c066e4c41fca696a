/* SPDX-License-Identifier: MIT */
/*
 * test_slots.c - mm/paging/slots.c: taking runs, giving back, bad slots, growth, several files.
 */
#include "mm/paging/slots.h"

#include "mm/pfn/commit.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/sysva/pte_make.h"
#include "nt/bugcodes.h"
#include "tests/unit/paging_world.h"

#include <stdlib.h>

#define PAGES(Mb) ((Mb)*MI_PAGES_IN_MB)

static void Release(MI_SLOTS Run)
{
    KIRQL OldIrql = MiLockPfn();

    MiReleaseSlots(Run.File, Run.First, Run.Count);
    MiUnlockPfn(OldIrql);
}

static void Retire(MI_SLOTS Run)
{
    KIRQL OldIrql = MiLockPfn();

    MiRetireSlots(Run.File, Run.First, Run.Count);
    MiUnlockPfn(OldIrql);
}

static MI_SLOTS Part(MI_SLOTS Run, ULONG First, ULONG Count)
{
    return (MI_SLOTS){Run.File, Run.First + First, Count};
}

static void CheckCounts(ULONG File, ULONG Free, ULONG Used, ULONG Bad)
{
    CHECK_EQUAL(Free, MmPagingFile[File]->FreeSpace);
    CHECK_EQUAL(Used, MmPagingFile[File]->CurrentUsage);
    CHECK_EQUAL(Bad, MmPagingFile[File]->BadSpace);
}

TEST(Slots_are_taken_one_run_behind_the_other_from_1_on)
{
    MI_SLOTS One;
    MI_SLOTS Two;

    PagingWorldStartWith(0, 1, 1);
    One = MiAllocateSlots(64);
    Two = MiAllocateSlots(10);
    CHECK_EQUAL(1, One.First);
    CHECK_EQUAL(64, One.Count);
    CHECK_EQUAL(65, Two.First);
    CHECK_EQUAL(10, Two.Count);
    CheckCounts(0, 255 - 74, 74, 0);
    Release(One);
    Release(Two);
    CheckCounts(0, 255, 0, 0);
    CHECK_EQUAL(74, MmPagingFile[0]->PeakUsage);
    PagingWorldFinish();
}

TEST(All_slots_but_0_can_be_taken_and_then_there_is_none)
{
    MI_SLOTS Runs[8];
    ULONG Taken = 0;
    ULONG Count = 0;

    PagingWorldStartWith(0, 1, 2);
    do {
        Runs[Count] = MiAllocateSlots(64);
        Taken += Runs[Count].Count;
    } while (Runs[Count++].Count != 0);
    CHECK_EQUAL(255, Taken);
    CHECK_EQUAL(63, Runs[3].Count); /* what was left */
    CheckCounts(0, 0, 255, 0);
    while (Count-- != 0) {
        if (Runs[Count].Count != 0) {
            Release(Runs[Count]);
        }
    }
    CHECK_EQUAL(0, MiAllocateSlots(0).Count);
    PagingWorldFinish();
}

TEST(The_longest_run_is_taken_where_none_is_long_enough)
{
    MI_SLOTS All;
    MI_SLOTS Run;

    PagingWorldStartWith(0, 1, 1);
    All = MiAllocateSlots(255);
    CHECK_EQUAL(255, All.Count);
    Release(Part(All, 10, 3));
    Release(Part(All, 50, 7));
    Release(Part(All, 100, 5));
    Run = MiAllocateSlots(64);
    CHECK_EQUAL(51, Run.First);
    CHECK_EQUAL(7, Run.Count);
    Release(Part(All, 0, 10));
    Release(Run);
    Release(Part(All, 13, 37));
    Release(Part(All, 57, 43));
    Release(Part(All, 105, 150));
    PagingWorldFinish();
}

TEST(A_run_of_the_right_length_is_preferred_to_a_nearer_short_one)
{
    MI_SLOTS All;
    MI_SLOTS Run;

    PagingWorldStartWith(0, 1, 1);
    All = MiAllocateSlots(255);
    Release(Part(All, 10, 3));
    Release(Part(All, 60, 16));
    Run = MiAllocateSlots(16);
    CHECK_EQUAL(61, Run.First);
    CHECK_EQUAL(16, Run.Count);
    Release(All.Count == 255 ? Part(All, 0, 10) : All);
    Release(Part(All, 13, 242));
    PagingWorldFinish();
}

TEST(A_released_slot_is_found_again_after_the_rest_of_the_file)
{
    MI_SLOTS First;
    MI_SLOTS Run;

    PagingWorldStartWith(0, 1, 1);
    First = MiAllocateSlots(20);
    Release(First);
    Run = MiAllocateSlots(20);
    CHECK_EQUAL(21, Run.First); /* next fit: the disk moves on */
    Release(Run);
    PagingWorldFinish();
}

TEST(A_slot_that_a_PTE_names_is_released_through_the_PTE)
{
    MI_SLOTS Run;
    KIRQL OldIrql;

    PagingWorldStartWith(0, 1, 1);
    Run = MiAllocateSlots(2);
    OldIrql = MiLockPfn();
    MiReleasePteSlot(MiMakePagefilePte(Run.File, Run.First + 1, MM_READWRITE));
    CHECK(MiIsSlotTaken(0, Run.First));
    CHECK(!MiIsSlotTaken(0, Run.First + 1));
    MiUnlockPfn(OldIrql);
    Release(Part(Run, 0, 1));
    PagingWorldFinish();
}

static void ReleaseAgain(void *Run)
{
    Release(*(PMI_SLOTS)Run);
}

TEST(A_slot_released_twice_is_an_assertion)
{
    MI_SLOTS Run;

    PagingWorldStartWith(0, 1, 1);
    Run = MiAllocateSlots(2);
    Release(Run);
    HostExpectBugCheck(MEMORY_MANAGEMENT, ReleaseAgain, &Run);
    MiForgetPagingFiles();
    HostMachineDelete();
    HostDiskDelete(&IoDisk);
}

TEST(Bad_slots_are_never_taken_again)
{
    MI_SLOTS Bad;
    ULONG Total = 0;
    MI_SLOTS Runs[300];
    ULONG Count = 0;

    PagingWorldStartWith(0, 1, 1);
    Bad = MiAllocateSlots(3);
    Retire(Bad);
    CheckCounts(0, 252, 0, 3);
    while ((Runs[Count] = MiAllocateSlots(7)).Count != 0) {
        CHECK(Runs[Count].First >= Bad.First + 3);
        Total += Runs[Count++].Count;
    }
    CHECK_EQUAL(252, Total);
    while (Count-- != 0) {
        Release(Runs[Count]);
    }
    CheckCounts(0, 252, 0, 3);
    PagingWorldFinish();
}

TEST(The_file_with_most_free_slots_is_written_to)
{
    MI_SLOTS Run[3];
    ULONG i;

    PagingWorldStart(0);
    CHECK_EQUAL(STATUS_SUCCESS, PagingWorldCreate("C:\\one.sys", 1, 1));
    CHECK_EQUAL(STATUS_SUCCESS, PagingWorldCreate("C:\\two.sys", 2, 2));
    Run[0] = MiAllocateSlots(300);
    Run[1] = MiAllocateSlots(8);
    Run[2] = MiAllocateSlots(8);
    CHECK_EQUAL(1, Run[0].File);
    CHECK_EQUAL(0, Run[1].File);
    CHECK_EQUAL(0, Run[2].File);
    for (i = 0; i < 3; i++) {
        Release(Run[i]);
    }
    PagingWorldFinish();
}

TEST(Paging_files_raise_the_commit_limit_and_closed_ones_lower_it)
{
    ULONG Limit;

    PagingWorldStart(0);
    Limit = MiCommit.Limit;
    CHECK_EQUAL(STATUS_SUCCESS, PagingWorldCreate("C:\\one.sys", 1, 1));
    CHECK_EQUAL(Limit + PAGES(1) - 1, MiCommit.Limit);
    CHECK_EQUAL(STATUS_SUCCESS, PagingWorldCreate("C:\\two.sys", 2, 3));
    CHECK_EQUAL(Limit + PAGES(3) - 2, MiCommit.Limit);
    MiClosePagingFiles();
    CHECK_EQUAL(Limit, MiCommit.Limit);
    PagingWorldFinish();
}

TEST(More_slots_follow_the_others_and_keep_their_checksums)
{
    PMMPAGING_FILE File;
    MI_SLOTS All;
    MI_SLOTS More;

    PagingWorldStartWith(0, 1, 6);
    File = MmPagingFile[0];
    All = MiAllocateSlots(255);
    MiSetSlotChecksum(0, 255, 77);
    CHECK_EQUAL(STATUS_SUCCESS, MiPrepareMoreSlots(File, PAGES(5)));
    CHECK_EQUAL(0, MiAllocateSlots(1).Count); /* not before they are there */
    MiAddSlots(File, PAGES(5));
    CheckCounts(0, PAGES(4), 255, 0);
    More = MiAllocateSlots(64);
    CHECK_EQUAL(256, More.First);
    CHECK_EQUAL(77, MiSlotChecksum(0, 255));
    MiSetSlotChecksum(0, PAGES(5) - 1, 78);
    CHECK_EQUAL(78, MiSlotChecksum(0, PAGES(5) - 1));
    Release(All);
    Release(More);
    PagingWorldFinish();
}

/* Random takes, releases and bad slots against an array. */
TEST(Slots_behave_like_a_naive_model)
{
    static UCHAR Model[PAGES(3)]; /* 0 free, 1 taken, 2 bad */
    ULONG Used = 0;
    ULONG Bad = 0;
    ULONG Step;
    ULONG i;

    PagingWorldStartWith(0, 3, 3);
    memset(Model, 0, sizeof(Model));
    srand(7);
    for (Step = 0; Step < 20000; Step++) {
        ULONG Slot = 1 + (ULONG)rand() % (PAGES(3) - 1);
        MI_SLOTS Run = {0};

        if (rand() % 40 == 0) {
            Run = MiAllocateSlots(1 + (ULONG)rand() % 64);
            CHECK((Run.Count != 0) == (Used + Bad != PAGES(3) - 1));
            for (i = 0; i < Run.Count; i++) {
                CHECK_EQUAL(0, Model[Run.First + i]);
                Model[Run.First + i] = 1;
            }
            Used += Run.Count;
        } else if (Model[Slot] == 1) {
            BOOLEAN Fails = rand() % 100 == 0;

            Run = (MI_SLOTS){0, Slot, 1};
            if (Fails) {
                Retire(Run);
            } else {
                Release(Run);
            }
            Model[Slot] = Fails ? 2 : 0;
            Bad += Fails;
            Used--;
        }
        CheckCounts(0, PAGES(3) - 1 - Used - Bad, Used, Bad);
    }
    CHECK(Bad > 20 && Used > 20);
    for (i = 1; i < PAGES(3); i++) {
        if (Model[i] == 1) {
            Release((MI_SLOTS){0, i, 1});
        }
    }
    PagingWorldFinish();
}

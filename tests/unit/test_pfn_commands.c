/* SPDX-License-Identifier: MIT */
/*
 * test_pfn_commands.c - !pfn and !memusage: the lists add up to the physical pages.
 */
#include "mm/pfn/pfn_database.h"
#include "tests/unit/command_bench.h"
#include <string.h>
#include "tests/unit/pfn_machine.h"

static const char *const Lists[] = {
    "Zeroed: ",          "Free: ", "Standby: ", " Modified: ", "Active/Valid: ", "Transition: ",
    "ModifiedNoWrite: ", "Bad: ",  "Unknown: "};

/* => Returns TOTAL, which is the sum of the other lines. */
static ULONG CheckSum(const char *Shown)
{
    ULONG Sum = 0;
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Lists); i++) {
        Sum += NumberBehind(Shown, Lists[i]);
    }
    CHECK_EQUAL(Sum, NumberBehind(Shown, "TOTAL: "));
    return Sum;
}

/* Frames in every state but bad. */
static void Populate(void)
{
    PFN_NUMBER Frame;

    PfnTakeStandby(3);
    PfnTakeStandby(5);
    Frame = PfnTake();
    PfnSetPte(Frame, MI_PTE_FRAME_NONE);
    PfnSetModified(Frame);
    PfnUnshare(Frame);
    Frame = PfnTake();
    PfnSetPte(Frame, MI_PTE_FRAME_NONE);
    PfnSetModified(Frame);
    PfnSetNoWrite(Frame, TRUE);
    PfnUnshare(Frame);
    Frame = PfnTake();
    PfnSetPte(Frame, MI_PTE_FRAME_NONE);
    PfnReference(Frame);
    PfnUnshare(Frame);
    PfnTake();
}

TEST(Memusage_lists_add_up_to_the_physical_pages)
{
    const char *Shown;

    PfnStart(64);
    Populate();
    Shown = Command("!memusage");
    CHECK_EQUAL(MiPhysicalPages, CheckSum(Shown));
    CHECK_EQUAL(63, NumberBehind(Shown, "TOTAL: "));
    CHECK_EQUAL(2, NumberBehind(Shown, "Standby: "));
    CHECK_EQUAL(1, NumberBehind(Shown, " Modified: "));
    CHECK_EQUAL(1, NumberBehind(Shown, "ModifiedNoWrite: "));
    CHECK_EQUAL(1, NumberBehind(Shown, "Transition: "));
    CHECK_EQUAL(0, NumberBehind(Shown, "Unknown: "));
    CHECK_SHOWS("Standby by priority 0-7: 0 0 0 1 0 1 0 0  repurposed: 0\n", Shown);
    PfnFinish();
}

TEST(Memusage_counts_what_it_finds_not_what_the_lists_say)
{
    PFN_NUMBER Frame;

    PfnStart(64);
    Frame = PfnTakeStandby(5);
    MI_PFN(Frame)->u3.e2.ReferenceCount = 1; /* held, and on a list */
    CHECK_EQUAL(63, CheckSum(Command("!memusage")));
    CHECK_EQUAL(1, NumberBehind(Command("!memusage"), "Unknown: "));
    CHECK_EQUAL(0, NumberBehind(Command("!memusage"), "Standby: "));
    MI_PFN(Frame)->u3.e2.ReferenceCount = 0;
    PfnFinish();
}

TEST(Memusage_flags_choose_what_is_shown)
{
    PfnStart(64);
    Populate();
    CHECK(strstr(Command("!memusage 8"), "by priority") == NULL);
    CHECK_EQUAL(1, LineCount(Command("!memusage 1")));
    CHECK_EQUAL(1, NumberBehind(Command("!memusage 2"), "ModifiedNoWrite: "));
    CHECK_SHOWS("Flags are", Command("!memusage 10"));
    PfnFinish();
}

TEST(Pfn_shows_state_and_flags_of_a_frame)
{
    PFN_NUMBER Frame;

    PfnStart(64);
    Frame = PfnTake();
    PfnSetPte(Frame, MI_PTE_FRAME_NONE);
    PfnSetModified(Frame);
    CHECK_SHOWS("Active  M", Command("!pfn %x", Frame));
    CHECK_SHOWS("share count 00000001", Command("!pfn %x", Frame));
    CHECK_SHOWS("reference count 0001", Command("!pfn %x", Frame));
    PfnUnshare(Frame);
    CHECK_SHOWS("Modified  M", Command("!pfn %x", Frame));
    CHECK_SHOWS("is above the highest, 0000003f", Command("!pfn 40"));
    CHECK_SHOWS("is above the highest", Command("!pfn ffffffff"));
    CHECK_SHOWS("Which frame?", Command("!pfn"));
    PfnFinish();
}

TEST(Pfn_commands_say_that_there_is_no_database_yet)
{
    HostMachineCreate(16, TestSeed());
    CHECK_TEXT("There is no page-frame database yet.\n", Command("!pfn 1"));
    CHECK_TEXT("There is no page-frame database yet.\n", Command("!memusage"));
    CHECK_TEXT("There is no page-frame database yet.\n", Command("!vm"));
    CHECK_TEXT("There are no system PTEs yet.\n", Command("!sysptes"));
    CHECK_TEXT("There are no pools yet.\n", Command("!poolused"));
    HostMachineDelete();
}

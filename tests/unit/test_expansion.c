/* SPDX-License-Identifier: MIT */
/*
 * test_expansion.c - the list of working sets: order, passes, and owners that go.
 */
#include "mm/ws/expansion.h"

#include "mm/space/process.h"
#include "tests/unit/mm_world.h"

#define SETS 4u

static MMSUPPORT Sets[SETS];

static void Start(void)
{
    ULONG i;

    HostMachineCreate(16, TestSeed());
    HostStartClock();
    MiInitializeExpansion();
    for (i = 0; i < SETS; i++) {
        Sets[i] = (MMSUPPORT){.WorkingSetSize = 10 * (i + 1)};
        MiInsertExpansion(&Sets[i]);
    }
}

static ULONG LargestFirst(const MMSUPPORT *Set, PVOID Context)
{
    (void)Context;
    return 100 - Set->WorkingSetSize;
}

static ULONG AllAlike(const MMSUPPORT *Set, PVOID Context)
{
    return Set == Context ? MI_NOT_NOW : 0;
}

static PMMSUPPORT Turn(ULONG Pass, MI_RANK_WORKING_SET *Rank, PVOID Context)
{
    PMMSUPPORT Set = MiTakeWorkingSet(Pass, Rank, Context);

    if (Set != NULL) {
        CHECK(Set->BeingTrimmed);
        MiVerifyExpansion();
        MiReleaseWorkingSet(Set);
    }
    return Set;
}

TEST(TakeWorkingSet_follows_the_rank_and_takes_each_once_a_pass)
{
    ULONG Pass;
    ULONG i;

    Start();
    Pass = MiBeginExpansionPass();
    for (i = SETS; i-- != 0;) {
        CHECK(Turn(Pass, LargestFirst, NULL) == &Sets[i]);
    }
    CHECK(Turn(Pass, LargestFirst, NULL) == NULL);
    CHECK(Turn(MiBeginExpansionPass(), LargestFirst, NULL) == &Sets[SETS - 1]);
    HostMachineDelete();
}

TEST(TakeWorkingSet_of_equals_takes_who_had_no_turn_for_longest_and_leaves_who_is_refused)
{
    ULONG i;

    Start();
    CHECK(Turn(MiBeginExpansionPass(), AllAlike, &Sets[0]) == &Sets[1]);
    CHECK(Turn(MiBeginExpansionPass(), AllAlike, &Sets[0]) == &Sets[2]);
    CHECK(Turn(MiBeginExpansionPass(), AllAlike, NULL) == &Sets[0]);
    CHECK(Turn(MiBeginExpansionPass(), AllAlike, NULL) == &Sets[3]);
    CHECK_EQUAL(SETS, MiCountWorkingSets(&i));
    CHECK_EQUAL(100, i);
    HostMachineDelete();
}

static BOOLEAN Gone;

static void Remove(PVOID Context)
{
    MiRemoveExpansion(Context);
    Gone = TRUE;
}

TEST(RemoveExpansion_waits_until_the_trim_is_over)
{
    LARGE_INTEGER Moment = {.QuadPart = -1000000};
    PMMSUPPORT Set;

    Start();
    Gone = FALSE;
    Set = MiTakeWorkingSet(MiBeginExpansionPass(), LargestFirst, NULL);
    HostThreadCreate(Remove, Set);
    KeDelayExecutionThread(KernelMode, FALSE, &Moment);
    CHECK(!Gone);
    MiVerifyExpansion();
    MiReleaseWorkingSet(Set);
    HostRunThreads();
    CHECK(Gone);
    CHECK(Set->WorkingSetExpansionLinks.Flink == NULL);
    CHECK(Turn(MiBeginExpansionPass(), LargestFirst, NULL) == &Sets[SETS - 2]);
    HostMachineDelete();
}

static void InsertTwice(PVOID Context)
{
    MiInsertExpansion(Context);
}

TEST(InsertExpansion_notices_a_working_set_that_is_there_already)
{
    Start();
    HostExpectBugCheck(0x1A, InsertTwice, &Sets[1]);
    HostMachineDelete();
}

static void LeaveEvent(PVOID Context)
{
    KEVENT Event;

    (void)Context;
    Sets[2].TrimEnded = &Event;
    MiVerifyExpansion();
}

TEST(VerifyExpansion_finds_who_waits_for_no_trim)
{
    Start();
    HostExpectBugCheck(0x1A, LeaveEvent, NULL);
    HostMachineDelete();
}

static ULONG OnlyOne(const MMSUPPORT *Set, PVOID Context)
{
    return Set == Context ? 0 : MI_NOT_NOW;
}

TEST(Processes_are_in_the_list_from_their_creation_to_their_deletion)
{
    PEPROCESS Process;
    ULONG Pages;
    ULONG Before;

    MmWorldStart(1024);
    Before = MiCountWorkingSets(&Pages);
    CHECK(Before >= 1); /* the system process' */
    CHECK_EQUAL(STATUS_SUCCESS, PsCreateProcess("test", &Process));
    CHECK_EQUAL(Before + 1, MiCountWorkingSets(&Pages));
    CHECK(Turn(MiBeginExpansionPass(), OnlyOne, &Process->Vm) == &Process->Vm);
    PsTerminateProcess(Process);
    PsDereferenceProcess(Process);
    CHECK_EQUAL(Before, MiCountWorkingSets(&Pages));
    MmWorldFinish();
}

/* SPDX-License-Identifier: MIT */
/*
 * test_pfn_commit_growth.c - mm/pfn/commit_growth.c: who waits for a higher limit, and how long.
 */
#include "mm/pfn/commit_growth.h"
#include "tests/unit/mm_world.h"

#define MOST 8u

/* A thread that was refused. */
typedef struct _WAITER {
    ULONG Limit;
    ULONG Rises;
    BOOLEAN Answered;
    BOOLEAN Again; /* it should try again */
} WAITER;

static WAITER Waiters[MOST];
static PKEVENT Due;

static void Wait(PVOID Context)
{
    WAITER *Waiter = Context;

    Waiter->Again = MiWaitForCommitment(Waiter->Limit, Waiter->Rises);
    Waiter->Answered = TRUE;
}

static void Sleep(LONG Milliseconds)
{
    LARGE_INTEGER Time = {.QuadPart = -10000LL * Milliseconds};

    KeDelayExecutionThread(KernelMode, FALSE, &Time);
}

static void StartWaiter(ULONG Number, ULONG Pages)
{
    Waiters[Number] = (WAITER){.Limit = MiLimitFor(Pages), .Rises = MiQueryCommitRises()};
    HostThreadCreate(Wait, &Waiters[Number]);
    Sleep(1);
}

/* A machine whose limit may rise by 1000 pages, and nothing is left to charge. */
static ULONG Left;

static void Start(void)
{
    MmWorldStart(1024);
    HostStartClock();
    Due = MiOpenCommitGrowth();
    MiRaiseCommitMaximum(1000);
    Left = MiCommit.Limit - MiCommit.Committed - MI_COMMIT_RESERVE;
    CHECK(MiChargeCommitment(Left));
}

static void Finish(void)
{
    MiCloseCommitGrowth();
    MiReturnCommitment(Left);
    HostMachineDelete();
}

static BOOLEAN IsDue(void)
{
    LARGE_INTEGER Now = {.QuadPart = 0};

    return KeWaitForSingleObject(Due, Executive, KernelMode, FALSE, &Now) == STATUS_SUCCESS;
}

TEST(Commitment_keeps_a_reserve_of_a_limit_that_may_rise_for_who_raises_it)
{
    Start();
    CHECK(!MiChargeCommitment(1));
    MiSetCommitGrower(KeGetCurrentThread());
    CHECK(MiChargeCommitment(MI_COMMIT_RESERVE));
    CHECK(!MiChargeCommitment(1));
    MiReturnCommitment(MI_COMMIT_RESERVE);
    MiSetCommitGrower(NULL);
    CHECK(!MiChargeCommitment(1));
    MiLowerCommitMaximum(1000); /* it will not rise: nothing is kept back */
    CHECK(MiChargeCommitment(MI_COMMIT_RESERVE));
    MiReturnCommitment(MI_COMMIT_RESERVE);
    Finish();
}

TEST(Commitment_that_was_refused_is_wanted_where_the_largest_limit_allows_it)
{
    Start();
    CHECK(!MiChargeCommitment(2000));
    CHECK_EQUAL(0, MiCommit.Wanted);
    CHECK(!MiChargeCommitment(40));
    CHECK(!MiChargeCommitment(30));
    CHECK_EQUAL(40, MiCommit.Wanted);
    Finish();
}

TEST(Threads_that_are_refused_wait_for_the_round_and_try_again)
{
    MI_COMMIT_ROUND Round;

    Start();
    CHECK(!MiChargeCommitment(70));
    StartWaiter(0, 50);
    StartWaiter(1, 60);
    CHECK(!Waiters[0].Answered && !Waiters[1].Answered && IsDue());
    MiBeginCommitRound(&Round);
    CHECK_EQUAL(70, Round.Pages);
    CHECK_EQUAL(MiLimitFor(60), Round.Limit);
    CHECK_EQUAL(0, MiCommit.Wanted);
    StartWaiter(2, 20); /* too late for this round */
    MiGrowCommitLimit(100);
    MiEndCommitRound(&Round, TRUE);
    Sleep(1);
    CHECK(Waiters[0].Again && Waiters[1].Again && !Waiters[2].Answered && IsDue());
    MiBeginCommitRound(&Round);
    CHECK_EQUAL(0, Round.Pages);
    CHECK_EQUAL(MiLimitFor(20), Round.Limit);
    MiEndCommitRound(&Round, TRUE); /* the other round's did for it too */
    Sleep(1);
    CHECK(Waiters[2].Again);
    Finish();
}

TEST(Thread_that_is_refused_after_the_limit_rose_does_not_wait)
{
    ULONG Rises;

    Start();
    Rises = MiQueryCommitRises();
    MiGrowCommitLimit(10);
    CHECK(MiWaitForCommitment(MiLimitFor(500), Rises));
    CHECK(!IsDue());
    Finish();
}

TEST(Thread_that_wants_more_than_the_largest_limit_does_not_wait)
{
    Start();
    CHECK(!MiWaitForCommitment(MiLimitFor(2000), MiQueryCommitRises()));
    CHECK(!IsDue());
    Finish();
}

TEST(Thread_at_dispatch_level_does_not_wait)
{
    KIRQL OldIrql;

    Start();
    OldIrql = KfRaiseIrql(DISPATCH_LEVEL);
    CHECK(!MiWaitForCommitment(MiLimitFor(20), MiQueryCommitRises()));
    KfLowerIrql(OldIrql);
    CHECK(!IsDue());
    Finish();
}

TEST(Round_that_fails_gives_the_reserve_to_all_and_is_not_repeated_without_a_waiter)
{
    MI_COMMIT_ROUND Round;

    Start();
    StartWaiter(0, 200);
    CHECK(IsDue());
    MiBeginCommitRound(&Round);
    MiEndCommitRound(&Round, FALSE);
    Sleep(1);
    CHECK(Waiters[0].Answered && Waiters[0].Again); /* the reserve might do */
    CHECK(!MiChargeCommitment(MI_COMMIT_RESERVE + 1));
    CHECK(MiChargeCommitment(MI_COMMIT_RESERVE));
    MiReturnCommitment(MI_COMMIT_RESERVE);
    MiCheckCommitment();
    MiRequestCommitRound();
    CHECK(!IsDue());
    StartWaiter(1, 200);
    CHECK(IsDue());
    MiBeginCommitRound(&Round);
    MiEndCommitRound(&Round, FALSE);
    Sleep(1);
    CHECK(Waiters[1].Answered && !Waiters[1].Again);
    MiBeginCommitRound(&Round);
    MiEndCommitRound(&Round, TRUE); /* it works again */
    CHECK(!MiChargeCommitment(1));
    MiCheckCommitment();
    CHECK(IsDue());
    Finish();
}

TEST(Round_is_due_when_more_than_nine_tenths_are_committed)
{
    ULONG Limit;

    Start();
    MiReturnCommitment(Left);
    Limit = MiCommit.Limit;
    Left = 9 * Limit / 10 - MiCommit.Committed;
    CHECK(MiChargeCommitment(Left));
    CHECK(!MiIsCommitmentTight(MiCommit.Committed, Limit));
    CHECK(MiIsCommitmentTight(MiCommit.Committed + 2, Limit));
    MiCheckCommitment();
    CHECK(!IsDue());
    CHECK(MiChargeCommitment(2));
    Left += 2;
    MiCheckCommitment();
    CHECK(IsDue());
    MiLowerCommitMaximum(1000);
    MiCheckCommitment(); /* no use */
    CHECK(!IsDue());
    Finish();
}

TEST(Nobody_waits_when_nobody_does_rounds)
{
    MI_COMMIT_ROUND Round;

    Start();
    StartWaiter(0, 200);
    CHECK(!Waiters[0].Answered);
    MiCloseCommitGrowth();
    Sleep(1);
    CHECK(Waiters[0].Answered);
    CHECK(!MiWaitForCommitment(MiLimitFor(200), MiQueryCommitRises()));
    MiBeginCommitRound(&Round);
    CHECK(IsListEmpty(&Round.Waiters));
    MiEndCommitRound(&Round, FALSE);
    Finish();
}

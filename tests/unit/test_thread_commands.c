/* SPDX-License-Identifier: MIT */
/*
 * test_thread_commands.c - !thread, !ready, !running, !stacks.
 */
#include "tests/unit/command_bench.h"
#include <string.h>
#include "tests/unit/ke_bench.h"

static KEVENT Event;

static PKTHREAD StartWithWaiter(void)
{
    static BENCH_WAITER Waiter;
    PKTHREAD Thread;

    BenchStart();
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    Waiter = (BENCH_WAITER){.Object = &Event, .Letter = 'a'};
    Thread = BenchThread(9, BenchWaiter, &Waiter);
    return Thread;
}

static void Finish(void)
{
    KeSetEvent(&Event, 0, FALSE);
    BenchEnd();
}

TEST(Thread_shows_what_a_thread_waits_for)
{
    PKTHREAD Waiter = StartWithWaiter();
    const char *Shown = Command("!thread %x", (ULONG)(ULONG_PTR)Waiter);

    CHECK_SHOWS("WAIT host\n", Shown);
    CHECK_SHOWS("WAIT: (Executive) KernelMode Non-Alertable\n", Shown);
    CHECK_SHOWS("  NotificationEvent\n", Shown);
    Finish();
}

TEST(Thread_without_an_address_is_the_running_one)
{
    StartWithWaiter();
    CHECK_SHOWS("RUNNING first\n", Command("!thread"));
    CHECK_SHOWS("RUNNING first\n", Command("!thread -1"));
    Finish();
}

TEST(Thread_reads_nothing_at_an_address_that_is_no_thread)
{
    PKTHREAD Waiter = StartWithWaiter();

    CHECK_SHOWS("is not the address of a thread", Command("!thread deadbeef"));
    CHECK_SHOWS("is not the address of a thread",
                Command("!thread %x", (ULONG)(ULONG_PTR)Waiter + 4));
    Finish();
}

TEST(Ready_and_running_list_the_threads_in_that_state)
{
    StartWithWaiter();
    BenchThread(5, BenchWaiter, &(BENCH_WAITER){.Object = &Event, .Letter = 'b'});
    CHECK_SHOWS("Pri  5/ 5", Command("!ready"));
    CHECK(strstr(Command("!ready"), "RUNNING") == NULL);
    CHECK(strstr(Command("!ready"), "WAIT") == NULL);
    CHECK_SHOWS("RUNNING first\n", Command("!running"));
    CHECK_EQUAL(1, LineCount(Command("!running")));
    Finish();
}

TEST(Stacks_filters_by_name_and_grows_with_the_detail)
{
    const char *Shown;

    StartWithWaiter();
    Shown = Command("!stacks");
    CHECK_SHOWS("Blocked     Executive NotificationEvent ", Shown);
    CHECK_SHOWS("Running      [first]\n", Shown);
    CHECK_EQUAL(4, LineCount(Shown)); /* heading, first, idle, the waiter */
    CHECK_SHOWS("WAIT: (Executive)", Command("!stacks 1"));
    CHECK_SHOWS("    Start ", Command("!stacks 2"));
    Shown = Command("!stacks 0 host");
    CHECK_EQUAL(2, LineCount(Shown));
    CHECK_SHOWS("[host]", Shown);
    CHECK_SHOWS("The detail is", Command("!stacks 3"));
    Finish();
}

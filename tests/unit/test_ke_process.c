/* SPDX-License-Identifier: MIT */
/*
 * test_ke_process.c - attaching, and what a thread switch does to the address space.
 */
#include "mm/ke/thread.h"
#include "tests/unit/space_world.h"

#define RW PAGE_READWRITE

TEST(Attach_nests_and_detach_returns_to_where_one_came_from)
{
    PEPROCESS First;
    PEPROCESS Second;
    KAPC_STATE Outer;
    KAPC_STATE Inner;

    SpaceStart();
    First = SpaceCurrent();
    Second = SpaceProcess();
    KeStackAttachProcess(&Second->Pcb, &Outer);
    CHECK(SpaceCurrent() == Second);
    KeStackAttachProcess(&Second->Pcb, &Inner); /* already there */
    CHECK(SpaceCurrent() == Second);
    KeUnstackDetachProcess(&Inner);
    CHECK(SpaceCurrent() == Second);
    KeStackAttachProcess(&PsInitialSystemProcess->Pcb, &Inner);
    CHECK(SpaceCurrent() == PsInitialSystemProcess);
    KeUnstackDetachProcess(&Inner);
    KeUnstackDetachProcess(&Outer);
    CHECK(SpaceCurrent() == First);
    SpaceFinish();
}

static void AttachNow(PVOID Context)
{
    KAPC_STATE State;

    (void)Context;
    KeRaiseIrqlToDpcLevel();
    KeStackAttachProcess(&PsInitialSystemProcess->Pcb, &State);
}

TEST(Attach_at_DISPATCH_LEVEL_is_bug_check_05)
{
    SpaceStart();
    HostExpectBugCheck(INVALID_PROCESS_ATTACH_ATTEMPT, AttachNow, NULL);
    SpaceFinish();
}

/* ---- threads in several address spaces ---- */

#define THREADS    3u
#define PREEMPTION 7u
#define ROUNDS     200u

static PEPROCESS Homes[THREADS];
static ULONG Wrong;
static ULONG Busy; /* threads within a service or a fault */
static ULONG Verified;

static void RunInside(PVOID Context)
{
    ULONG Mine = (ULONG)(ULONG_PTR)Context;
    KAPC_STATE State;
    ULONG_PTR Va;
    ULONG i;

    KeStackAttachProcess(&Homes[Mine]->Pcb, &State);
    Busy++;
    Va = SpaceAllocate(0x100000, KB64, MEM_COMMIT | MEM_RESERVE, RW);
    Busy--;
    for (i = 0; i < ROUNDS; i++) {
        ULONG_PTR At = Va + i % 16 * PAGE_SIZE;

        Busy++;
        SpaceWrite(At, Mine << 16 | i);
        Busy--;
        HostYield();
        Busy++;
        Wrong += SpaceRead(At) != (Mine << 16 | i);
        Busy--;
        Wrong += KiCurrentDirectoryFrame() << PAGE_SHIFT != Homes[Mine]->Pcb.DirectoryTableBase[0];
        if (i % 10 == 0 && Busy == 0) { /* pools are verified without their locks */
            HostSetPreemption(0);
            MiVerifyAll();
            Verified++;
            HostSetPreemption(PREEMPTION);
        }
    }
    KeUnstackDetachProcess(&State);
}

TEST(Switch_brings_each_thread_its_own_address_space)
{
    ULONG i;

    SpaceStart();
    HostStartClock();
    HostSetPreemption(PREEMPTION);
    Wrong = 0;
    Busy = 0;
    Verified = 0;
    for (i = 0; i < THREADS; i++) {
        Busy++; /* threads run already while this one makes the next process */
        Homes[i] = SpaceProcess();
        Busy--;
        HostThreadCreate(RunInside, (PVOID)(ULONG_PTR)i);
    }
    HostRunThreads();
    CHECK_EQUAL(0, Wrong);
    CHECK(Verified != 0);
    CHECK_EQUAL(0, Homes[0]->Pcb.ThreadsInside);
    SpaceFinish();
}

static void LeaveAttached(PVOID Context)
{
    KAPC_STATE State;

    KeStackAttachProcess(Context, &State);
}

TEST(Thread_that_ends_inside_a_process_leaves_it)
{
    PEPROCESS Process;

    SpaceStart();
    Process = SpaceProcess();
    HostThreadCreate(LeaveAttached, &Process->Pcb);
    HostRunThreads();
    CHECK_EQUAL(0, Process->Pcb.ThreadsInside);
    SpaceFinish();
}

static ULONG Flushes;

static void YieldABit(PVOID Context)
{
    (void)Context;
    HostYield();
}

TEST(Switch_within_one_address_space_does_not_flush)
{
    ULONG Fills;

    SpaceStart();
    SpaceEnter(PsInitialSystemProcess);
    SpaceWrite(SpaceAllocate(0, KB64, MEM_COMMIT, RW), 1);
    Fills = HostCounters()->EntireFlush;
    HostThreadCreate(YieldABit, NULL);
    HostThreadCreate(YieldABit, NULL);
    HostRunThreads();
    Flushes = HostCounters()->EntireFlush - Fills;
    CHECK_EQUAL(0, Flushes);
    SpaceFree(MM_LOWEST_USER_ADDRESS, 0, MEM_RELEASE);
    SpaceFinish();
}

/* SPDX-License-Identifier: MIT */
/*
 * test_schedule.c - threads of the simulated machine interleave as the seed says, and again so.
 */
#include "nt/bugcodes.h"
#include "tests/host/machine.h"
#include "tests/unit/test.h"

#include <sanitizer/asan_interface.h>
#include <string.h>

#define VA      0xD0000000u
#define THREADS 4u
#define STEPS   20u

static ULONG Steps[THREADS + 1];

/* Counts its steps; what it keeps on its stack must be there after each switch. */
static void Walk(PVOID Context)
{
    volatile ULONG Local[64];
    ULONG Self = (ULONG)(ULONG_PTR)Context;
    ULONG Step;

    for (Step = 0; Step < STEPS; Step++) {
        Local[Step] = Self * 1000 + Step;
        CHECK_EQUAL(Self, HostCurrentThread());
        CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
        Steps[Self]++;
        *(volatile ULONG *)(VA + Step * PAGE_SIZE) = Self;
        HostYield();
    }
    for (Step = 0; Step < STEPS; Step++) {
        CHECK_EQUAL(Self * 1000 + Step, Local[Step]);
    }
}

/* => Returns the hash of a whole run. */
static ULONG64 RunWalkers(ULONG64 Seed)
{
    ULONG64 Hash;
    ULONG Thread;

    HostMachineCreate(256, Seed);
    HostSetFaultHandler(HostDemandZero);
    memset(Steps, 0, sizeof(Steps));
    for (Thread = 1; Thread <= THREADS; Thread++) {
        CHECK_EQUAL(Thread, HostThreadCreate(Walk, (PVOID)(ULONG_PTR)Thread));
    }
    HostRunThreads();
    for (Thread = 1; Thread <= THREADS; Thread++) {
        CHECK_EQUAL(STEPS, Steps[Thread]);
    }
    CHECK_EQUAL(0, HostCurrentThread());
    Hash = HostTraceHash();
    HostMachineDelete();
    return Hash;
}

TEST(Schedule_repeats_exactly_with_the_same_seed)
{
    ULONG64 Seed;

    for (Seed = TestSeed(); Seed < TestSeed() + 20; Seed++) {
        ULONG64 Hash = RunWalkers(Seed);

        CHECK_EQUAL(Hash, RunWalkers(Seed));
        CHECK_EQUAL(Hash, RunWalkers(Seed));
    }
}

TEST(Schedule_differs_with_every_other_seed)
{
    ULONG64 Hashes[50];
    ULONG Run;
    ULONG Other;

    for (Run = 0; Run < RTL_NUMBER_OF(Hashes); Run++) {
        Hashes[Run] = RunWalkers(TestSeed() + 2 * Run);
        for (Other = 0; Other < Run; Other++) {
            CHECK(Hashes[Other] != Hashes[Run]);
        }
    }
}

TEST(Trace_depends_on_events_values_and_their_order)
{
    ULONG64 Forward;
    ULONG64 Empty;

    HostMachineCreate(16, 1);
    Empty = HostTraceHash();
    HostTrace(1, 2);
    HostTrace(3, 4);
    Forward = HostTraceHash();
    CHECK(Forward != Empty);
    HostMachineCreate(16, 1);
    CHECK_EQUAL(Empty, HostTraceHash());
    HostTrace(3, 4);
    HostTrace(1, 2);
    CHECK(Forward != HostTraceHash());
    HostMachineDelete();
}

static void CreateAnother(PVOID Context)
{
    Steps[0]++;
    if (Context != NULL) {
        HostThreadCreate(CreateAnother, NULL);
    }
}

TEST(Schedule_runs_threads_that_threads_created)
{
    HostMachineCreate(16, TestSeed());
    Steps[0] = 0;
    HostThreadCreate(CreateAnother, (PVOID)1);
    HostRunThreads();
    CHECK_EQUAL(2, Steps[0]);
    HostRunThreads(); /* none is left */
    CHECK_EQUAL(2, Steps[0]);
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    HostMachineDelete();
}

/* ---- waiting inside the page-fault handler, as for a page-in ---- */

static ULONG InFault;
static ULONG MostInFault;

static BOOLEAN SlowDemandZero(ULONG_PTR Va, ULONG ErrorCode)
{
    InFault++;
    if (InFault > MostInFault) {
        MostInFault = InFault;
    }
    HostYield();
    HostYield();
    InFault--;
    return HostDemandZero(Va, ErrorCode);
}

static void TouchOwnPages(PVOID Context)
{
    ULONG_PTR Start = VA + (ULONG_PTR)Context * STEPS * PAGE_SIZE;
    ULONG Step;

    for (Step = 0; Step < STEPS; Step++) {
        *(volatile ULONG *)(Start + Step * PAGE_SIZE) = (ULONG)Start + Step;
    }
    for (Step = 0; Step < STEPS; Step++) {
        CHECK_EQUAL((ULONG)Start + Step, *(volatile ULONG *)(Start + Step * PAGE_SIZE));
    }
}

TEST(Schedule_lets_a_fault_handler_wait_while_others_fault)
{
    ULONG Thread;

    HostMachineCreate(256, TestSeed());
    HostSetFaultHandler(SlowDemandZero);
    InFault = MostInFault = 0;
    for (Thread = 1; Thread <= THREADS; Thread++) {
        HostThreadCreate(TouchOwnPages, (PVOID)(ULONG_PTR)Thread);
    }
    HostRunThreads();
    CHECK_EQUAL(THREADS * STEPS, HostCounters()->Faults);
    CHECK_EQUAL(THREADS, MostInFault);
    HostMachineDelete();
}

/* ---- misuse ---- */

static void YieldOutside(PVOID Context)
{
    (void)Context;
    HostYield();
}

static void YieldAtDispatch(PVOID Context)
{
    (void)Context;
    KfRaiseIrql(DISPATCH_LEVEL);
    HostYield();
    KfLowerIrql(PASSIVE_LEVEL);
}

static void EndAtDispatch(PVOID Context)
{
    (void)Context;
    KfRaiseIrql(DISPATCH_LEVEL);
}

static void RunOne(PVOID Routine)
{
    HostThreadCreate((KSTART *)Routine, NULL);
    HostRunThreads();
}

/* Needs all of this stack: ASan stops it where dead frames were not forgotten. */
static void __attribute__((noinline)) FillStack(void)
{
    volatile UCHAR Local[8 * PAGE_SIZE];

    memset((PVOID)Local, 1, sizeof(Local));
    CHECK_EQUAL(1, Local[PAGE_SIZE]);
}

TEST(Schedule_misuse_is_caught)
{
    HostMachineCreate(16, TestSeed());
    HostExpectBugCheck(HOST_BUGCHECK_CONTRACT, YieldOutside, NULL);
    HostExpectBugCheck(HOST_BUGCHECK_CONTRACT, RunOne, (PVOID)YieldAtDispatch);
    FillStack();
    HostMachineCreate(16, TestSeed());
    HostExpectBugCheck(IRQL_NOT_LESS_OR_EQUAL, RunOne, (PVOID)EndAtDispatch);
    HostMachineDelete();
}

static void CatchInThread(PVOID Context)
{
    HostExpectBugCheck(HOST_BUGCHECK_PAGE_FAULT, Context, (PVOID)VA);
    Steps[0]++;
}

static void TouchVa(PVOID Context)
{
    HostYield();
    *(volatile ULONG *)Context = 1;
}

TEST(Schedule_goes_on_after_a_bug_check_that_a_thread_caught)
{
    HostMachineCreate(16, TestSeed());
    Steps[0] = 0;
    HostThreadCreate(CatchInThread, (PVOID)TouchVa);
    HostRunThreads();
    CHECK_EQUAL(1, Steps[0]);
    HostMachineDelete();
}

static PUCHAR EndedFrame;

static void RecordFrame(PVOID Context)
{
    (void)Context;
    EndedFrame = __builtin_frame_address(0);
}

/* The frames that switched away for the last time are below or near RecordFrame's. */
TEST(Schedule_deletes_stacks_and_what_ASan_knew_of_them)
{
    HostMachineCreate(16, TestSeed());
    HostThreadCreate(RecordFrame, NULL);
    HostRunThreads();
    CHECK(__asan_region_is_poisoned(EndedFrame - PAGE_SIZE, PAGE_SIZE) != NULL);
    HostMachineDelete();
    CHECK(__asan_region_is_poisoned(EndedFrame - PAGE_SIZE, PAGE_SIZE) == NULL);
}

TEST(Schedule_deletes_what_ASan_knew_of_stacks_in_the_machines_memory)
{
    PUCHAR Bottom = (PUCHAR)(ULONG_PTR)VA;
    ULONG i;

    HostMachineCreate(16, TestSeed());
    for (i = 0; i < 4; i++) {
        HostMapPage(HOST_DIRECTORY_FRAME, VA + i * PAGE_SIZE, HostAllocateFrame(), 3);
    }
    (void)KiInitializeStack(Bottom + 4 * PAGE_SIZE, 4 * PAGE_SIZE, RecordFrame, NULL);
    __asan_poison_memory_region(Bottom + PAGE_SIZE,
                                64); /* as a thread that never ended leaves it */
    HostMachineDelete();
    CHECK(__asan_region_is_poisoned(Bottom, 4 * PAGE_SIZE) == NULL);
}

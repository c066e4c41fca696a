/* SPDX-License-Identifier: MIT */
/*
 * test_cpu.c - IRQL, interrupts, virtual time, bug checks and console of the simulated machine.
 */
#include "nt/bugcodes.h"
#include "tests/host/machine.h"
#include "tests/unit/test.h"

#include <string.h>

#define DEVICE_LEVEL  10
#define ORDER_LIMIT   16u

#define CONSOLE_BYTES 0x10000u

static KIRQL Order[ORDER_LIMIT];
static ULONG OrderCount;

static void Start(void)
{
    HostMachineCreate(16, TestSeed());
    OrderCount = 0;
}

static void RecordIrql(PVOID Context)
{
    CHECK_EQUAL((ULONG_PTR)Context, KeGetCurrentIrql());
    CHECK(OrderCount < ORDER_LIMIT);
    Order[OrderCount++] = KeGetCurrentIrql();
}

static void Raise(KIRQL Irql)
{
    HostRaiseInterrupt(Irql, RecordIrql, (PVOID)(ULONG_PTR)Irql);
}

static void CheckOrder(const KIRQL *Expected, ULONG Count)
{
    CHECK_EQUAL(Count, OrderCount);
    CHECK_EQUAL(0, memcmp(Expected, Order, Count));
}

/* ---- IRQL ---- */

TEST(Interrupts_wait_for_IRQL_and_arrive_highest_first)
{
    static const KIRQL AfterDispatch[] = {CLOCK2_LEVEL, DEVICE_LEVEL};
    static const KIRQL AfterPassive[] = {CLOCK2_LEVEL, DEVICE_LEVEL, DISPATCH_LEVEL, APC_LEVEL};
    KIRQL OldIrql;

    Start();
    OldIrql = KfRaiseIrql(HIGH_LEVEL);
    CHECK_EQUAL(PASSIVE_LEVEL, OldIrql);
    Raise(APC_LEVEL);
    Raise(DEVICE_LEVEL);
    Raise(DISPATCH_LEVEL);
    Raise(CLOCK2_LEVEL);
    CHECK_EQUAL(0, OrderCount);
    KfLowerIrql(DISPATCH_LEVEL);
    CheckOrder(AfterDispatch, RTL_NUMBER_OF(AfterDispatch));
    CHECK_EQUAL(DISPATCH_LEVEL, KeGetCurrentIrql());
    KfLowerIrql(PASSIVE_LEVEL);
    CheckOrder(AfterPassive, RTL_NUMBER_OF(AfterPassive));
    CHECK_EQUAL(4, HostCounters()->Interrupts);
    HostMachineDelete();
}

static void RecordNumber(PVOID Context)
{
    CHECK(OrderCount < ORDER_LIMIT);
    Order[OrderCount++] = (KIRQL)(ULONG_PTR)Context;
}

TEST(Interrupts_of_one_IRQL_arrive_in_the_order_of_raising)
{
    static const KIRQL Expected[] = {1, 2, 3};
    ULONG_PTR Number;

    Start();
    KfRaiseIrql(DEVICE_LEVEL);
    for (Number = 1; Number <= 3; Number++) {
        HostRaiseInterrupt(DEVICE_LEVEL, RecordNumber, (PVOID)Number);
    }
    KfLowerIrql(PASSIVE_LEVEL);
    CheckOrder(Expected, RTL_NUMBER_OF(Expected));
    HostMachineDelete();
}

static void RaiseBoth(PVOID Context)
{
    RecordIrql(Context);
    Raise(CLOCK2_LEVEL);
    Raise(DEVICE_LEVEL);
    CHECK_EQUAL(2, OrderCount);
}

TEST(Interrupts_of_higher_IRQL_interrupt_those_of_lower)
{
    static const KIRQL Expected[] = {DEVICE_LEVEL, CLOCK2_LEVEL, DEVICE_LEVEL};

    Start();
    HostRaiseInterrupt(DEVICE_LEVEL, RaiseBoth, (PVOID)DEVICE_LEVEL);
    CheckOrder(Expected, RTL_NUMBER_OF(Expected));
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    HostMachineDelete();
}

TEST(Interrupts_wait_while_they_are_disabled)
{
    BOOLEAN Outer;

    Start();
    Outer = KeDisableInterrupts();
    CHECK(Outer);
    CHECK(!KeDisableInterrupts());
    Raise(DEVICE_LEVEL);
    KfRaiseIrql(HIGH_LEVEL);
    KfLowerIrql(PASSIVE_LEVEL);
    KeRestoreInterrupts(FALSE);
    CHECK_EQUAL(0, OrderCount);
    KeRestoreInterrupts(Outer);
    CHECK_EQUAL(1, OrderCount);
    HostMachineDelete();
}

static void RaiseBelow(PVOID Context)
{
    KfRaiseIrql((KIRQL)(ULONG_PTR)Context);
}

static void LowerAbove(PVOID Context)
{
    KfLowerIrql((KIRQL)(ULONG_PTR)Context);
}

static void CheckIrqlStop(ULONG Code, KSTART *Routine, KIRQL NewIrql)
{
    HOST_BUGCHECK BugCheck;

    CHECK(HostCatchBugCheck(Routine, (PVOID)(ULONG_PTR)NewIrql, &BugCheck));
    CHECK_EQUAL(Code, BugCheck.Code);
    CHECK_EQUAL(DISPATCH_LEVEL, BugCheck.Parameter[0]);
    CHECK_EQUAL(NewIrql, BugCheck.Parameter[1]);
    CHECK_EQUAL(0, BugCheck.Parameter[2]);
    CHECK(BugCheck.Parameter[3] != 0);
    CHECK_EQUAL(DISPATCH_LEVEL, KeGetCurrentIrql());
}

TEST(Irql_raised_to_a_lower_level_is_bug_check_09)
{
    Start();
    KfRaiseIrql(DISPATCH_LEVEL);
    CheckIrqlStop(IRQL_NOT_GREATER_OR_EQUAL, RaiseBelow, APC_LEVEL);
    CheckIrqlStop(IRQL_NOT_GREATER_OR_EQUAL, RaiseBelow, PASSIVE_LEVEL);
    HostMachineDelete();
}

TEST(Irql_lowered_to_a_higher_level_or_raised_above_all_is_bug_check_0A)
{
    Start();
    KfRaiseIrql(DISPATCH_LEVEL);
    CheckIrqlStop(IRQL_NOT_LESS_OR_EQUAL, LowerAbove, DEVICE_LEVEL);
    CheckIrqlStop(IRQL_NOT_LESS_OR_EQUAL, RaiseBelow, HIGH_LEVEL + 1);
    HostMachineDelete();
}

static void RaiseToDpcLevel(PVOID Context)
{
    (void)Context;
    KeRaiseIrqlToDpcLevel();
}

TEST(Irql_raised_to_DPC_level_returns_the_old_one_and_never_falls)
{
    Start();
    CHECK_EQUAL(PASSIVE_LEVEL, KeRaiseIrqlToDpcLevel());
    CHECK_EQUAL(DISPATCH_LEVEL, KeGetCurrentIrql());
    CHECK_EQUAL(DISPATCH_LEVEL, KeRaiseIrqlToDpcLevel());
    KfRaiseIrql(DEVICE_LEVEL);
    HostExpectBugCheck(IRQL_NOT_GREATER_OR_EQUAL, RaiseToDpcLevel, NULL);
    HostMachineDelete();
}

static void ForgetToLower(PVOID Context)
{
    (void)Context;
    KfRaiseIrql(HIGH_LEVEL);
}

static void RaiseForgetful(PVOID Context)
{
    HostRaiseInterrupt(DEVICE_LEVEL, ForgetToLower, Context);
}

TEST(Interrupt_routine_that_leaves_at_another_IRQL_is_caught)
{
    Start();
    HostExpectBugCheck(HOST_BUGCHECK_CONTRACT, RaiseForgetful, NULL);
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    HostMachineDelete();
}

/* ---- time ---- */

TEST(Clock_moves_by_a_fixed_amount_with_each_reading_and_by_stalls)
{
    Start();
    CHECK_EQUAL(0, HostCycles());
    CHECK_EQUAL(HOST_CYCLES_A_READ, KeReadCycleCounter());
    CHECK_EQUAL(2 * HOST_CYCLES_A_READ, KeReadCycleCounter());
    KeStallExecutionProcessor(3);
    CHECK_EQUAL(2 * HOST_CYCLES_A_READ + 3 * (KeQueryCycleFrequency() / 1000000), HostCycles());
    HostMachineDelete();
}

TEST(Timer_fires_when_the_clock_has_passed_it)
{
    Start();
    HostRaiseInterruptAt(5000, CLOCK2_LEVEL, RecordIrql, (PVOID)CLOCK2_LEVEL);
    KeStallExecutionProcessor(4);
    CHECK_EQUAL(0, OrderCount);
    KeStallExecutionProcessor(1);
    CHECK_EQUAL(1, OrderCount);
    HostMachineDelete();
}

TEST(Idle_jumps_to_the_next_interrupt_that_IRQL_lets_through)
{
    static const KIRQL Expected[] = {DEVICE_LEVEL};

    Start();
    KfRaiseIrql(DISPATCH_LEVEL);
    Raise(DISPATCH_LEVEL);
    HostRaiseInterruptAt(900000, CLOCK2_LEVEL, RecordIrql, (PVOID)CLOCK2_LEVEL);
    HostRaiseInterruptAt(700000, DEVICE_LEVEL, RecordIrql, (PVOID)DEVICE_LEVEL);
    KiIdleProcessor();
    CheckOrder(Expected, RTL_NUMBER_OF(Expected));
    CHECK_EQUAL(700000, HostCycles());
    HostMachineDelete();
}

static void Idle(PVOID Context)
{
    (void)Context;
    KiIdleProcessor();
}

TEST(Idle_with_nothing_to_come_is_a_diagnosed_deadlock)
{
    Start();
    HostExpectBugCheck(HOST_BUGCHECK_DEADLOCK, Idle, NULL);
    KfRaiseIrql(DISPATCH_LEVEL);
    Raise(APC_LEVEL);
    HostExpectBugCheck(HOST_BUGCHECK_DEADLOCK, Idle, NULL);
    KeDisableInterrupts();
    Raise(DEVICE_LEVEL);
    HostExpectBugCheck(HOST_BUGCHECK_DEADLOCK, Idle, NULL);
    HostMachineDelete();
}

/* ---- bug checks ---- */

static void StopTheMachine(PVOID Context)
{
    KfRaiseIrql(HIGH_LEVEL);
    KeDisableInterrupts();
    KeBugCheckEx(0x4E, 1, 2, 3, (ULONG_PTR)Context);
}

static void ReturnNormally(PVOID Context)
{
    *(ULONG *)Context = 1;
}

TEST(BugCheck_is_caught_with_its_parameters_and_restores_IRQL)
{
    HOST_BUGCHECK BugCheck;
    ULONG Ran = 0;

    Start();
    KfRaiseIrql(APC_LEVEL);
    CHECK(HostCatchBugCheck(StopTheMachine, (PVOID)4, &BugCheck));
    CHECK_EQUAL(0x4E, BugCheck.Code);
    CHECK_EQUAL(1, BugCheck.Parameter[0]);
    CHECK_EQUAL(2, BugCheck.Parameter[1]);
    CHECK_EQUAL(3, BugCheck.Parameter[2]);
    CHECK_EQUAL(4, BugCheck.Parameter[3]);
    CHECK_EQUAL(APC_LEVEL, KeGetCurrentIrql());
    CHECK(KeDisableInterrupts());
    CHECK(!HostCatchBugCheck(ReturnNormally, &Ran, &BugCheck));
    CHECK_EQUAL(1, Ran);
    HostMachineDelete();
}

static void CatchInside(PVOID Context)
{
    HostExpectBugCheck(0x4E, StopTheMachine, Context);
    KeBugCheckEx(0x1A, 0, 0, 0, 0);
}

TEST(BugCheck_goes_to_the_innermost_catch)
{
    Start();
    HostExpectBugCheck(0x1A, CatchInside, NULL);
    HostMachineDelete();
}

/* ---- console ---- */

TEST(Console_keeps_what_was_written_and_gives_what_was_typed)
{
    ULONG Index;

    Start();
    KiConsoleWrite("Hyperspace!", 10);
    CHECK_TEXT("Hyperspace", HostConsoleText());
    HostConsoleClear();
    CHECK_TEXT("", HostConsoleText());
    for (Index = 0; Index <= 2 * CONSOLE_BYTES / 10; Index++) { /* a little past the second half */
        KiConsoleWrite("0123456789", 10);
    }
    CHECK_EQUAL(CONSOLE_BYTES, strlen(HostConsoleText()));
    CHECK_TEXT("56789", HostConsoleText() + CONSOLE_BYTES - 5);
    CHECK_EQUAL(-1, KiConsoleRead());
    HostConsoleType("a\xFF");
    CHECK_EQUAL('a', KiConsoleRead());
    CHECK_EQUAL(0xFF, KiConsoleRead());
    CHECK_EQUAL(-1, KiConsoleRead());
    HostMachineDelete();
}

/* SPDX-License-Identifier: MIT */
/*
 * test_trap.c - page faults of the simulated machine: what the handler sees, where it runs, and
 * how those end that nobody can resolve.
 */
#include "tests/host/machine.h"
#include "tests/unit/test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define VA          0xD0000000u
#define STACK_TOP   0xD8000000u
#define COPY_BYTES  (16 * PAGE_SIZE + 100)
#define BUSY_ROUNDS 50

static void Start(HOST_FAULT_HANDLER *Handler)
{
    HostMachineCreate(4096, TestSeed());
    HostSetFaultHandler(Handler);
}

static void ReadByte(PVOID Va)
{
    (void)*(volatile UCHAR *)Va;
}

static void WriteByte(PVOID Va)
{
    *(volatile UCHAR *)Va = 1;
}

/* ---- how they end ---- */

TEST(Trap_without_a_handler_is_bug_check_50_with_address_and_access)
{
    HOST_BUGCHECK BugCheck;

    Start(NULL);
    CHECK(HostCatchBugCheck(WriteByte, (PVOID)(VA + 3), &BugCheck));
    CHECK_EQUAL(HOST_BUGCHECK_PAGE_FAULT, BugCheck.Code);
    CHECK_EQUAL(VA + 3, BugCheck.Parameter[0]);
    CHECK_EQUAL(1, BugCheck.Parameter[1]);
    CHECK(HostCatchBugCheck(ReadByte, (PVOID)(VA + 3), &BugCheck));
    CHECK_EQUAL(0, BugCheck.Parameter[1]);
    HostMachineDelete();
}

TEST(Trap_at_a_null_pointer_reaches_the_machine)
{
    HOST_BUGCHECK BugCheck;

    Start(NULL);
    CHECK(HostCatchBugCheck(ReadByte, (PVOID)0x10, &BugCheck));
    CHECK_EQUAL(HOST_BUGCHECK_PAGE_FAULT, BugCheck.Code);
    CHECK_EQUAL(0x10, BugCheck.Parameter[0]);
    HostMachineDelete();
}

static BOOLEAN DoNothing(ULONG_PTR Va, ULONG ErrorCode)
{
    (void)Va;
    (void)ErrorCode;
    return TRUE;
}

TEST(Trap_that_is_never_resolved_is_diagnosed)
{
    Start(DoNothing);
    HostExpectBugCheck(HOST_BUGCHECK_NO_PROGRESS, ReadByte, (PVOID)VA);
    HostMachineDelete();
}

/* => Returns the signal that ended Act in a child process; its words are not shown. */
static int SignalOf(KSTART *Act, PVOID Context)
{
    int Status = 0;
    pid_t Child = fork();

    if (Child == 0) {
        close(STDERR_FILENO);
        Act(Context);
        _exit(0);
    }
    CHECK_EQUAL(Child, waitpid(Child, &Status, 0));
    return WIFSIGNALED(Status) ? WTERMSIG(Status) : 0;
}

TEST(Trap_outside_of_the_machine_ends_the_program)
{
    Start(HostDemandZero);
    CHECK_EQUAL(SIGABRT, SignalOf(WriteByte, (PVOID)0xF8000000));
    WriteByte((PVOID)VA);
    HostMachineDelete();
    CHECK_EQUAL(SIGABRT, SignalOf(WriteByte, (PVOID)VA));
}

/* ---- where the handler runs ---- */

static UCHAR Busy[512];

#define DIRECTION_FLAG 0x400u

/* Demand zero, with every register in use. */
static BOOLEAN BusyDemandZero(ULONG_PTR Va, ULONG ErrorCode)
{
    ULONG Flags;
    ULONG Round;

    __asm__ volatile("pushfl\n"
                     "popl %0\n"
                     : "=r"(Flags));
    CHECK_EQUAL(0, Flags & DIRECTION_FLAG); /* the ABI: C code finds it clear */
    for (Round = 0; Round < BUSY_ROUNDS; Round++) {
        memset(Busy, (int)Round, sizeof(Busy));
        memmove(Busy + 1, Busy, sizeof(Busy) - 1);
    }
    return HostDemandZero(Va, ErrorCode);
}

/* libc copies with vector registers, which hold data when the next page faults. */
TEST(Trap_in_the_middle_of_a_copy_keeps_the_registers)
{
    PUCHAR From = malloc(COPY_BYTES);
    ULONG Index;

    Start(BusyDemandZero);
    HostSetTlbSize(HOST_TLB_MINIMUM);
    for (Index = 0; Index < COPY_BYTES; Index++) {
        From[Index] = (UCHAR)(Index * 7 + Index / 256);
    }
    memcpy((PVOID)(VA + 33), From, COPY_BYTES);
    memmove((PVOID)(VA + 33 + 1000), (PVOID)(VA + 33), COPY_BYTES);
    CHECK_EQUAL(0, memcmp((PVOID)(VA + 33 + 1000), From, COPY_BYTES));
    free(From);
    HostMachineDelete();
}

/* The direction flag and the carry of the interrupted code must come back, too. */
TEST(Trap_keeps_the_flags)
{
    UCHAR Carry = 0;
    ULONG_PTR Edi = VA + 8 * PAGE_SIZE + 3;

    Start(BusyDemandZero);
    __asm__ volatile("std\n"
                     "stc\n"
                     "movl $0x6000, %%ecx\n"
                     "movb $0x5A, %%al\n"
                     "rep stosb\n"
                     "setc %0\n"
                     "cld\n"
                     : "=q"(Carry), "+D"(Edi)
                     :
                     : "eax", "ecx", "memory", "cc");
    CHECK_EQUAL(1, Carry);
    CHECK_EQUAL(VA + 8 * PAGE_SIZE + 3 - 0x6000, Edi);
    CHECK_EQUAL(0x5A, *(volatile UCHAR *)(Edi + 1));
    HostMachineDelete();
}

static BOOLEAN InHandler;

/* Mapping Va costs a fault on another page: the handler may fault itself. */
static BOOLEAN NestedDemandZero(ULONG_PTR Va, ULONG ErrorCode)
{
    if (!InHandler) {
        InHandler = TRUE;
        WriteByte((PVOID)(VA + 64 * PAGE_SIZE));
        InHandler = FALSE;
    }
    return HostDemandZero(Va, ErrorCode);
}

TEST(Trap_handler_may_fault)
{
    InHandler = FALSE;
    Start(NestedDemandZero);
    WriteByte((PVOID)VA);
    CHECK_EQUAL(2, HostCounters()->Faults);
    CHECK_EQUAL(1, *(volatile UCHAR *)(VA + 64 * PAGE_SIZE));
    HostMachineDelete();
}

/* ---- stacks in the machine's memory ---- */

static PVOID MainPointer;
static PVOID OtherPointer;
static ULONG Depth;

static void ReturnToMain(PVOID Context)
{
    volatile UCHAR Local[600];

    memset((PVOID)Local, 0x11, sizeof(Local));
    CHECK((ULONG_PTR)Local < STACK_TOP && (ULONG_PTR)Local > STACK_TOP - HOST_STACK_BYTES);
    WriteByte(Context);
    KiSwapStack(&OtherPointer, MainPointer);
}

/* Takes the place of ReturnToMain's frames, which never ended. */
static void FillStack(PVOID Context)
{
    volatile UCHAR Local[4 * PAGE_SIZE];

    memset((PVOID)Local, 0x22, sizeof(Local));
    WriteByte(Context);
    KiSwapStack(&OtherPointer, MainPointer);
}

static void RunOnMachineStack(PVOID Context)
{
    KIRQL OldIrql = KfRaiseIrql(DISPATCH_LEVEL);

    OtherPointer = KiInitializeStack((PVOID)STACK_TOP, HOST_STACK_BYTES, Context, (PVOID)VA);
    KiSwapStack(&MainPointer, OtherPointer);
    KfLowerIrql(OldIrql);
}

static void MapStack(ULONG Pages)
{
    ULONG Page;

    for (Page = 1; Page <= Pages; Page++) {
        HostMapPage(HOST_DIRECTORY_FRAME, STACK_TOP - Page * PAGE_SIZE, HostAllocateFrame(),
                    MM_PTE_BITS_VALID | MM_PTE_BITS_WRITE);
    }
}

TEST(Trap_finds_the_thread_on_a_stack_behind_page_tables)
{
    Start(HostDemandZero);
    MapStack(16);
    KeFlushEntireTb();
    RunOnMachineStack(ReturnToMain);
    RunOnMachineStack(FillStack);
    CHECK_EQUAL(1, *(volatile UCHAR *)VA);
    CHECK_EQUAL(1, HostCounters()->Faults);
    HostMachineDelete();
}

static ULONG __attribute__((noinline)) Descend(ULONG Level)
{
    volatile UCHAR Local[1024];

    if (Level == STACK_TOP / sizeof(Local)) {
        return 0; /* never that deep */
    }
    Local[Level % sizeof(Local)] = (UCHAR)Level;
    Depth++;
    return Descend(Level + 1) + Local[Level % sizeof(Local)];
}

static void Overflow(PVOID Context)
{
    (void)Context;
    Depth = Descend(0);
}

TEST(Trap_on_a_stack_that_overflowed_is_a_double_fault)
{
    HOST_BUGCHECK BugCheck;

    Start(HostDemandZero);
    MapStack(16);
    Depth = 0;
    CHECK(HostCatchBugCheck(RunOnMachineStack, Overflow, &BugCheck));
    CHECK_EQUAL(HOST_BUGCHECK_TRAP, BugCheck.Code);
    CHECK_EQUAL(8, BugCheck.Parameter[0]);
    CHECK_EQUAL(STACK_TOP - 17 * PAGE_SIZE, ROUND_DOWN(BugCheck.Parameter[1], PAGE_SIZE));
    CHECK(Depth > 10);
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    HostMachineDelete();
}

static void RunThreads(PVOID Context)
{
    (void)Context;
    HostRunThreads();
}

TEST(Trap_on_a_host_thread_that_overflowed_is_a_double_fault)
{
    Start(HostDemandZero);
    HostThreadCreate(Overflow, NULL);
    HostExpectBugCheck(HOST_BUGCHECK_TRAP, RunThreads, NULL);
    HostMachineDelete();
}

/* SPDX-License-Identifier: MIT */
/*
 * test_swapper.c - threads on kernel stacks that leave memory while they wait.
 */
#include "mm/balance/swapper.h"

#include "mm.h"
#include "mm/balance/balance_set.h"
#include "mm/paging/modified_writer.h"
#include "mm/pfn/pfn_list.h"
#include "mm/sysva/stack_pages.h"
#include "nt/bugcodes.h"
#include "tests/unit/mm_world.h"
#include "tests/unit/paged_world.h"
#include "tests/unit/paging_world.h"

#include <string.h>

#define FRAMES 4096u

static KEVENT Go;
static KPROCESSOR_MODE Mode;
static ULONG Finished;
static ULONG Right;
static PKTHREAD Waiter;

static void Sleep(LONG Milliseconds)
{
    LARGE_INTEGER Time = {.QuadPart = -10000LL * Milliseconds};

    KeDelayExecutionThread(KernelMode, FALSE, &Time);
}

/* What lies on its stack must be the same after the wait. */
static void NTAPI Wait(PVOID Context)
{
    volatile ULONG Words[64];
    ULONG Wrong = 0;
    ULONG i;

    (void)Context;
    for (i = 0; i < 64; i++) {
        Words[i] = i * 0x01010101u;
    }
    Waiter = KeGetCurrentThread();
    KeWaitForSingleObject(&Go, UserRequest, Mode, FALSE, NULL);
    for (i = 0; i < 64; i++) {
        Wrong += Words[i] != i * 0x01010101u;
    }
    Finished++;
    Right += Wrong == 0;
}

static void Swapper(PVOID Context)
{
    KeSwapProcessOrStack(Context);
}

/* => The machine runs. */
static void StartThreads(KPROCESSOR_MODE WaitMode, ULONG Threads)
{
    KeInitializeEvent(&Go, NotificationEvent, FALSE);
    MiSwapCounters = (MI_SWAP_COUNTERS){0};
    Mode = WaitMode;
    Finished = 0;
    Right = 0;
    KeSetPriorityThread(HostKernelThread(HostThreadCreate(Swapper, NULL)), MI_SWAPPER_PRIORITY);
    while (Threads-- != 0) {
        CHECK_EQUAL(STATUS_SUCCESS, PsStartSystemThread(Wait, NULL, 9, "waiter"));
    }
    Sleep(50);
}

static void Start(KPROCESSOR_MODE WaitMode, ULONG Threads)
{
    MmWorldStart(FRAMES);
    HostStartClock();
    StartThreads(WaitMode, Threads);
}

static void EndThreads(ULONG Threads)
{
    KeSetEvent(&Go, IO_NO_INCREMENT, FALSE);
    Sleep(200);
    CHECK_EQUAL(Threads, Finished);
    CHECK_EQUAL(Threads, Right);
    CHECK_EQUAL(0, MiOutswappedStackPages);
}

static void Finish(ULONG Threads)
{
    EndThreads(Threads);
    MmWorldFinish();
}

static void Look(void)
{
    MiWakeSwapper();
    Sleep(50);
}

TEST(Swapper_takes_a_stack_after_15_seconds_and_brings_it_before_the_thread_runs)
{
    MmWorldNextUnforced(); /* a trim makes other modified pages */
    Start(UserMode, 1);
    Sleep(14000);
    Look();
    CHECK_EQUAL(0, MiSwapCounters.Outswaps);
    Sleep(1500);
    Look();
    CHECK_EQUAL(1, MiSwapCounters.Outswaps);
    CHECK_EQUAL(MI_KERNEL_STACK_PAGES, MiOutswappedStackPages);
    CHECK_EQUAL(MI_KERNEL_STACK_PAGES, MiPageCounts[ModifiedPageList]);
    CHECK(!Waiter->KernelStackResident);
    CHECK(!MmIsAddressValid((PUCHAR)Waiter->StackBase - 1));
    MiVerifyStackSwap();
    KeSetEvent(&Go, IO_NO_INCREMENT, FALSE);
    Sleep(50);
    CHECK_EQUAL(1, MiSwapCounters.Inswaps);
    CHECK_EQUAL(0, MiSwapCounters.Reads);
    Finish(1);
}

TEST(Swapper_takes_all_that_wait_and_brings_them_all)
{
    Start(UserMode, 6);
    Sleep(16000);
    Look();
    CHECK_EQUAL(6, MiSwapCounters.Outswaps);
    MiVerifyStackSwap();
    Finish(6);
    CHECK_EQUAL(6, MiSwapCounters.Inswaps);
}

TEST(Swapper_leaves_stacks_of_waits_in_kernel_mode)
{
    Start(KernelMode, 2);
    Sleep(16000);
    Look();
    CHECK_EQUAL(0, MiSwapCounters.Outswaps);
    Finish(2);
}

/* A waiting thread whose stack is in the paging file, and nowhere else. */
static void PageOutAStack(void)
{
    PMMPTE First;
    ULONG i;

    PagingWorldStartWith(0, 4, 4);
    StartThreads(UserMode, 1);
    Sleep(16000);
    Look();
    CHECK_EQUAL(1, MiSwapCounters.Outswaps);
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    (void)MiReuseStandbyFrames();
    First = MiFirstStackPte(Waiter->StackBase);
    for (i = 0; i < MI_KERNEL_STACK_PAGES; i++) {
        CHECK_EQUAL(MiPtePagefile, MiPteKind(MiReadPte(First + i)));
    }
    MiVerifyAll();
}

TEST(Swapper_reads_a_stack_back_that_was_written_and_reused)
{
    PageOutAStack();
    EndThreads(1);
    CHECK_EQUAL(1, MiSwapCounters.Inswaps);
    CHECK(MiSwapCounters.Reads != 0);
    PagingWorldFinish();
}

TEST(Swapper_waits_for_memory_and_for_blocks_and_goes_on)
{
    PageOutAStack();
    MiFailFrameAllocation = 1;
    MiFailInPageBlock = 2;
    KeSetEvent(&Go, IO_NO_INCREMENT, FALSE);
    Sleep(2500);
    CHECK_EQUAL(0, MiFailFrameAllocation);
    EndThreads(1);
    PagingWorldFinish();
}

static void WakeAfterDamage(PVOID Context)
{
    (void)Context;
    PagedPlace((ULONG_PTR)Waiter->StackBase - PAGE_SIZE)[5] ^= 1; /* the checksum tells */
    KeSetEvent(&Go, IO_NO_INCREMENT, FALSE);
    Sleep(1000);
}

TEST(Swapper_stops_with_77_when_a_stack_cannot_be_read)
{
    PageOutAStack();
    HostExpectBugCheck(KERNEL_STACK_INPAGE_ERROR, WakeAfterDamage, NULL);
    HostMachineDelete();
    HostDiskDelete(&IoDisk);
}

static void MiscountStacks(PVOID Context)
{
    (void)Context;
    MiOutswappedStackPages++;
    MiVerifyStackSwap();
}

TEST(VerifyStackSwap_finds_pages_that_nobody_is_missing)
{
    Start(UserMode, 1);
    HostExpectBugCheck(MEMORY_MANAGEMENT, MiscountStacks, NULL);
    HostMachineDelete();
}

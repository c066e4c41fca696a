/* SPDX-License-Identifier: MIT */
/*
 * test_kernel_stack.c - kernel stacks: their pages, their guard, those that are kept.
 */
#include "mm/sysva/kernel_stack.h"

#include "mm/pfn/frame.h"
#include "nt/bugcodes.h"
#include "tests/unit/sysva_machine.h"

#include <string.h>

TEST(CreateKernelStack_gives_12_KB_above_a_page_that_faults)
{
    PUCHAR Base;

    SysvaStart(256, 256);
    Base = MiCreateKernelStack();
    CHECK(Base != NULL);
    CHECK_EQUAL(0, BYTE_OFFSET(Base));
    memset(Base - MI_KERNEL_STACK_BYTES, 0xCC, MI_KERNEL_STACK_BYTES);
    CHECK(!MmIsAddressValid(Base - MI_KERNEL_STACK_BYTES - 1));
    CHECK(!MmIsAddressValid(Base - MI_KERNEL_STACK_BYTES - PAGE_SIZE));
    MiDeleteKernelStack(Base);
    SysvaFinish();
}

static void Overflow(PVOID Base)
{
    ((volatile UCHAR *)Base)[-(LONG)MI_KERNEL_STACK_BYTES - 1] = 0;
}

TEST(KernelStack_guard_stays_when_the_stack_is_used_again)
{
    PUCHAR First;
    PUCHAR Again;

    SysvaStart(256, 256);
    First = MiCreateKernelStack();
    MiDeleteKernelStack(First);
    Again = MiCreateKernelStack();
    CHECK(First == Again);
    HostExpectBugCheck(PAGE_FAULT_IN_NONPAGED_AREA, Overflow, Again);
    MiDeleteKernelStack(Again);
    SysvaFinish();
}

TEST(DeleteKernelStack_keeps_a_few_and_frees_the_rest)
{
    MI_KERNEL_STACK_COUNTERS Counters;
    PVOID Bases[MI_CACHED_STACKS + 3];
    ULONG i;

    SysvaStart(256, 256);
    for (i = 0; i < RTL_NUMBER_OF(Bases); i++) {
        Bases[i] = MiCreateKernelStack();
        CHECK(Bases[i] != NULL);
    }
    MiQueryKernelStacks(&Counters);
    CHECK_EQUAL(RTL_NUMBER_OF(Bases), Counters.InUse);
    CHECK_EQUAL(0, Counters.Cached);
    for (i = 0; i < RTL_NUMBER_OF(Bases); i++) {
        MiDeleteKernelStack(Bases[i]);
    }
    MiQueryKernelStacks(&Counters);
    CHECK_EQUAL(0, Counters.InUse);
    CHECK_EQUAL(MI_CACHED_STACKS, Counters.Cached);
    CHECK_EQUAL(RTL_NUMBER_OF(Bases), Counters.Peak);
    CHECK_EQUAL(MI_CACHED_STACKS * 3, MiTrimKernelStacks());
    CHECK_EQUAL(0, MiTrimKernelStacks());
    SysvaFinish();
}

TEST(CreateKernelStack_fails_cleanly_at_each_step)
{
    ULONG n;

    SysvaStart(256, 256);
    MiFailSystemPteReservation = 1;
    CHECK(MiCreateKernelStack() == NULL);
    for (n = 1; n <= MI_KERNEL_STACK_PAGES; n++) {
        MiFailFrameAllocation = n;
        CHECK(MiCreateKernelStack() == NULL);
        SysvaCheckBalance();
    }
    MiFailFrameAllocation = n;
    MiDeleteKernelStack(MiCreateKernelStack());
    CHECK_EQUAL(1, MiFailFrameAllocation);
    SysvaFinish();
}

TEST(CreateKernelStack_ends_with_memory_and_not_before)
{
    ULONG Made = 0;
    PVOID Last = NULL;
    PVOID *Base;

    SysvaStart(128, 1024);
    while ((Base = MiCreateKernelStack()) != NULL) {
        Base[-1] = Last;
        Last = Base;
        Made++;
    }
    CHECK(Made >= 20);
    while (Last != NULL) {
        Base = Last;
        Last = Base[-1];
        MiDeleteKernelStack(Base);
    }
    SysvaFinish();
}

static void DeleteTwice(PVOID Base)
{
    MiDeleteKernelStack(Base);
    MiDeleteKernelStack(Base);
}

TEST(DeleteKernelStack_notices_a_stack_that_is_kept_already)
{
    SysvaStart(256, 256);
    HostExpectBugCheck(MEMORY_MANAGEMENT, DeleteTwice, MiCreateKernelStack());
    HostMachineDelete();
}

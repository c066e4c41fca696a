/* SPDX-License-Identifier: MIT */
/*
 * test_stack_pages.c - the pages of a stack leave, and come back as they were.
 */
#include "mm/sysva/stack_pages.h"

#include "mm/inspect/verify_parts.h"
#include "mm/pfn/pfn_inspect.h"
#include "mm/pfn/pfn_reference.h"
#include "tests/unit/sysva_machine.h"

#include <string.h>

static PUCHAR Stack;

static void Start(void)
{
    SysvaStart(256, 256);
    Stack = MiCreateKernelStack();
    CHECK(Stack != NULL);
    memset(Stack - MI_KERNEL_STACK_BYTES, 0x5A, MI_KERNEL_STACK_BYTES);
}

static void Finish(void)
{
    MiDeleteKernelStack(Stack);
    SysvaFinish();
}

static ULONG Modified(void)
{
    MI_PFN_COUNTERS Counters;

    MiQueryPfnCounters(&Counters);
    return Counters.States[ModifiedPageList];
}

static void Restore(void)
{
    PMMPTE First = MiFirstStackPte(Stack);
    ULONG i;

    for (i = 0; i < MI_KERNEL_STACK_PAGES; i++) {
        CHECK_EQUAL(MiPteValid, MiRestoreStackPage(First + i));
    }
    CHECK_EQUAL(0, MiOutswappedStackPages);
}

TEST(IsPagedStack_knows_stacks_of_CreateKernelStack)
{
    Start();
    CHECK(MiIsPagedStack(Stack, MI_KERNEL_STACK_BYTES));
    CHECK(!MiIsPagedStack(Stack, MI_KERNEL_STACK_BYTES - PAGE_SIZE));
    CHECK(!MiIsPagedStack(Stack - 16, MI_KERNEL_STACK_BYTES));
    CHECK(!MiIsPagedStack((PVOID)0x98004000u, MI_KERNEL_STACK_BYTES));
    Finish();
}

TEST(OutswapStack_puts_all_pages_on_the_modified_list_and_restoring_brings_their_contents)
{
    ULONG i;

    Start();
    CHECK_EQUAL(MI_KERNEL_STACK_PAGES, MiOutswapStack(Stack));
    CHECK_EQUAL(MI_KERNEL_STACK_PAGES, MiOutswappedStackPages);
    CHECK_EQUAL(MI_KERNEL_STACK_PAGES, Modified());
    for (i = 0; i < MI_KERNEL_STACK_PAGES; i++) {
        CHECK_EQUAL(MiPteTransition, MiPteKind(MiReadPte(MiFirstStackPte(Stack) + i)));
        CHECK(!MmIsAddressValid(Stack - (i + 1) * PAGE_SIZE));
    }
    MiVerifyPageLists();
    MiVerifySystemPtes();
    MiVerifyFrameOwners(); /* still charged */
    Restore();
    CHECK_EQUAL(0, Modified());
    for (i = 1; i <= MI_KERNEL_STACK_BYTES; i++) {
        CHECK_EQUAL(0x5A, Stack[-(LONG)i]);
    }
    Finish();
}

TEST(OutswapStack_leaves_pages_that_are_locked_for_IO)
{
    PFN_NUMBER Frame;
    KIRQL OldIrql;

    Start();
    Frame = MiReadPte(MiFirstStackPte(Stack) + 1).Hard.PageFrameNumber;
    OldIrql = MiLockPfn();
    CHECK_EQUAL(STATUS_SUCCESS, MiReferenceFrame(Frame));
    MiUnlockPfn(OldIrql);
    CHECK_EQUAL(MI_KERNEL_STACK_PAGES - 1, MiOutswapStack(Stack));
    CHECK_EQUAL(0x5A, Stack[-(LONG)MI_KERNEL_STACK_BYTES + PAGE_SIZE]);
    OldIrql = MiLockPfn();
    MiDereferenceFrame(Frame);
    MiUnlockPfn(OldIrql);
    Restore();
    Finish();
}

static ULONG Released;

static void Release(MMPTE Pte)
{
    CHECK_EQUAL(77, MiPteSlot(Pte));
    Released++;
}

/* Written, reused, and read back by hand: what the paging path does. */
TEST(RestoreStackPage_says_what_has_to_be_read_and_a_new_outswap_frees_the_slot)
{
    PMMPTE First;
    PFN_NUMBER Frame;

    Start();
    MiSetReleaseSlotRoutine(Release);
    Released = 0;
    First = MiFirstStackPte(Stack);
    MiOutswapStack(Stack);
    Frame = MiReadPte(First).Hard.PageFrameNumber;
    MiWritePte(First, MiMakePagefilePte(0, 77, MM_READWRITE));
    CHECK_EQUAL(MiPtePagefile, MiRestoreStackPage(First));
    CHECK_EQUAL(MI_KERNEL_STACK_PAGES, MiOutswappedStackPages);
    MiWritePte(First, MiMakeTransitionPte(Frame, MM_READWRITE));
    Restore();
    MI_PFN(Frame)->OriginalPte = MiMakePagefilePte(0, 77, MM_READWRITE);
    MiOutswapStack(Stack);
    CHECK_EQUAL(1, Released);
    CHECK_EQUAL(MiMakeSoftwarePte(MM_READWRITE).Long, MI_PFN(Frame)->OriginalPte.Long);
    Restore();
    Finish();
    MiSetReleaseSlotRoutine(NULL);
}

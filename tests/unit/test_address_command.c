/* SPDX-License-Identifier: MIT */
/*
 * test_address_command.c - !address: regions, and what is known about the page.
 */
#include "mm/ke/thread.h"
#include "mm/sysva/layout.h"
#include "tests/unit/command_bench.h"
#include <string.h>
#include "tests/unit/pool_world.h"

TEST(Address_without_an_argument_prints_the_map)
{
    const char *Shown;

    PopulatedStart();
    Shown = Command("!address");
    CHECK_SHOWS("C0000000 - C03FFFFF       4 MB  page tables\n", Shown);
    CHECK_SHOWS("FFC00000 - FFFFFFFF       4 MB  HAL\n", Shown);
    PopulatedFinish();
}

TEST(Address_names_the_region)
{
    PopulatedStart();
    CHECK_SHOWS("  C0000000 - C03FFFFF  00400000\n    Usage       page tables\n",
                Command("!address c0200550"));
    CHECK_SHOWS("Usage       HAL\n", Command("!address ffffffff"));
    CHECK_SHOWS("Usage       kernel\n", Command("!address 80000000"));
    CHECK_SHOWS("is in no region", Command("!address a3000000"));
    CHECK_SHOWS("last 64 KB", Command("!address 7fffffff"));
    CHECK_SHOWS("there are none yet", Command("!address -summary"));
    PopulatedFinish();
}

TEST(Address_tells_whose_page_it_is)
{
    PVOID Block;

    PopulatedStart();
    Block = ExAllocatePoolWithTag(PagedPool, 2 * PAGE_SIZE, TAG_A);
    CHECK_SHOWS(
        "not mapped: demand zero\n    first page of a run in paged pool; try !pool E1000000\n",
        Command("!address e1000000"));
    *(volatile UCHAR *)Block = 1;
    CHECK_SHOWS("mapped to frame ", Command("!address e1000000"));
    CHECK_SHOWS("later page of a run in paged pool", Command("!address e1001000"));
    CHECK_SHOWS("free page of nonpaged pool", Command("!address %x", ExpansionStart()));
    CHECK_SHOWS(
        "its system PTE is free",
        Command("!address %x", (ULONG)MiLayout.Region[MiRegionSystemPtes].Start + 0x300000));
    ExFreePoolWithTag(Block, TAG_A);
    PopulatedFinish();
}

static void Nothing(PVOID Context)
{
    (void)Context;
}

TEST(Address_finds_the_thread_that_a_stack_belongs_to)
{
    KI_THREAD_STACK Stack;
    PKTHREAD Thread;

    PopulatedStart();
    Thread = HostKernelThread(HostThreadCreate(Nothing, NULL));
    CHECK(KiFindStackOwner((ULONG_PTR)Thread->StackBase - 1, &Stack));
    CHECK_EQUAL((ULONG_PTR)Thread, (ULONG_PTR)Stack.Thread);
    CHECK_EQUAL((ULONG_PTR)Thread->StackBase - Thread->StackBytes, Stack.Lowest);
    CHECK(KiFindStackOwner(Stack.Lowest, &Stack));
    CHECK(!KiFindStackOwner(Stack.Lowest - 1, &Stack));
    CHECK(!KiFindStackOwner(Stack.Base, &Stack));
    HostRunThreads();
    PopulatedFinish();
}

TEST(FindRegion_knows_nothing_before_there_is_a_layout)
{
    MiLayout = (MI_LAYOUT){.MaximumNonPagedPoolBytes = 0};
    CHECK_EQUAL(MiRegions, MiFindRegion(0xC0000000));
    CHECK_EQUAL(MiRegions, MiFindRegion(0));
}

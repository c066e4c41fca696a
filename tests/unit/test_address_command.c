/* SPDX-License-Identifier: MIT */
/*
 * test_address_command.c - !address: regions, and what is known about the page.
 */
#include "mm/ke/thread.h"
#include "mm/section/section.h"
#include "mm/sysva/layout.h"
#include "tests/unit/command_bench.h"
#include "tests/unit/image_world.h"
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
    CHECK_SHOWS("Usage Summary", Command("!address -summary"));
    PopulatedFinish();
}

TEST(Address_tells_whose_page_it_is)
{
    PVOID Block;

    PopulatedStart();
    Block = ExAllocatePoolWithTag(PagedPool, 2 * PAGE_SIZE, TAG_A);
    CHECK_SHOWS(Text("not mapped: demand zero\n    first page of a run in paged pool; try !pool "
                     "%08X\n",
                     Number(Block)),
                Command("!address %x", Number(Block)));
    *(volatile UCHAR *)Block = 1;
    CHECK_SHOWS("mapped to frame ", Command("!address %x", Number(Block)));
    CHECK_SHOWS("later page of a run in paged pool",
                Command("!address %x", Number(Block) + PAGE_SIZE));
    CHECK_SHOWS("free page of nonpaged pool", Command("!address %x", ExpansionStart()));
    CHECK_SHOWS(
        "its system PTE is free",
        Command("!address %x", (ULONG)MiLayout.Region[MiRegionSystemPtes].Start + 0x300000));
    ExFreePoolWithTag(Block, TAG_A);
    PopulatedFinish();
}

TEST(Address_tells_which_section_a_view_in_the_system_half_shows)
{
    LARGE_INTEGER Size = {.QuadPart = 20 * PAGE_SIZE};
    SIZE_T Bytes = 0;
    PVOID Section;
    PVOID View;

    PopulatedStart();
    CHECK_EQUAL(STATUS_SUCCESS, MmCreateSection(&Section, SECTION_ALL_ACCESS, NULL, &Size,
                                                PAGE_READWRITE, SEC_COMMIT, NULL, NULL));
    CHECK_EQUAL(STATUS_SUCCESS, MmMapViewInSystemSpace(Section, &View, &Bytes));
    CHECK_SHOWS(Text("not mapped: prototype\n    page 11 of a section; try !ca %08X 1\n",
                     Number(((PSECTION)Section)->Segment->ControlArea)),
                Command("!address %x", Number(View) + 0x11000));
    CHECK_SHOWS("views of sections:        0 (        0 Kb)  1 views, and 0 of the system cache",
                Command("!vm 1"));
    CHECK_EQUAL(STATUS_SUCCESS, MmUnmapViewInSystemSpace(View));
    CHECK_SHOWS("no section is mapped there", Command("!address %x", Number(View)));
    ObDereferenceObject(Section);
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

TEST(Address_tells_views_of_images_from_private_memory)
{
    HANDLE File;
    PSECTION Section;
    PUCHAR View;

    ImageWorldStart();
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    View = ImageWorldMap(Section, NULL, STATUS_SUCCESS);
    CHECK_SHOWS("Type:                   01000000  MEM_IMAGE\n",
                Command("!address %x", Number(View)));
    FileSectionUnmap(View);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}

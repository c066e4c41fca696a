/* SPDX-License-Identifier: MIT */
/*
 * test_translate_commands.c - !vtop in the running and in another address space, !searchpte.
 */
#include "mm/pfn/frame.h"
#include "mm/sysva/hyperspace.h"
#include "mm/sysva/pte_make.h"
#include "tests/unit/command_bench.h"
#include "tests/unit/pool_world.h"
#include "tests/unit/sysva_machine.h"

#define VA 0x80123ABCu

static PFN_NUMBER Take(void)
{
    PFN_NUMBER Frame = MI_NO_FRAME;

    CHECK_EQUAL(STATUS_SUCCESS, MiAllocateFrame(MiFrameZeroed, 0, &Frame));
    return Frame;
}

/* A directory of its own whose VA is mapped to Frame.  => Returns the directory's frame. */
static PFN_NUMBER MakeDirectory(PFN_NUMBER Frame)
{
    PFN_NUMBER Directory = Take();
    PFN_NUMBER Table = Take();

    ((PMMPTE)HostFrame(Directory))[VA >> PDI_SHIFT] = MiMakeKernelPde(Table);
    ((PMMPTE)HostFrame(Table))[VA >> PTI_SHIFT & (PTE_PER_PAGE - 1)] = MiMakeWindowPte(Frame);
    return Directory;
}

TEST(Vtop_translates_in_the_running_address_space)
{
    PopulatedStart();
    HostMapPage(HOST_DIRECTORY_FRAME, VA, 0x155, 3);
    CHECK_TEXT("Pdi 200 Pti 123\n80123ABC 00155ABC pfn(00155)\n", Command("!vtop 0 80123abc"));
    CHECK_TEXT("Pdi 200 Pti 123\n80123ABC 00155ABC pfn(00155)\n", Command("!vtop 1 80123abc"));
    CHECK_TEXT("Pdi 200 Pti 123\n80123ABC 00155ABC pfn(00155)\n", Command("!vtop 1000 80123abc"));
    CHECK_TEXT("Pdi 200 Pti 124\n80124ABC PTE: not valid\n", Command("!vtop 0 80124abc"));
    CHECK_TEXT("Pdi 3ff Pti 3ff\nFFFFFFFF PDE: not valid\n", Command("!vtop 0 ffffffff"));
    HostMachineDelete();
}

TEST(Vtop_translates_inside_large_pages)
{
    PopulatedStart();
    HostFindPde(HOST_DIRECTORY_FRAME, 0x80400000)->Long = 0x004001E3;
    CHECK_TEXT("Pdi 201 Pti 12\n80412345 00412345 pfn(00412) large page\n",
               Command("!vtop 0 80412345"));
    HostMachineDelete();
}

TEST(Vtop_reads_another_directory_through_a_window)
{
    PFN_NUMBER Directory;

    PopulatedStart();
    Directory = MakeDirectory(0x155);
    CHECK_TEXT("Pdi 200 Pti 123\n80123ABC 00155ABC pfn(00155)\n",
               Command("!vtop %x 80123abc", Directory));
    CHECK_TEXT("Pdi 200 Pti 123\n80123ABC 00155ABC pfn(00155)\n",
               Command("!vtop %x 80123abc", Directory << PAGE_SHIFT));
    CHECK_SHOWS("PTE: not valid", Command("!vtop %x 80122abc", Directory));
    CHECK_SHOWS("PDE: not valid", Command("!vtop %x 90122abc", Directory));
    HostMachineDelete();
}

TEST(Vtop_reads_no_frame_that_is_not_RAM)
{
    PFN_NUMBER Directory;

    PopulatedStart();
    CHECK_TEXT("Frame 12345 cannot be read.\n", Command("!vtop 12345 80123abc"));
    Directory = MakeDirectory(0x155);
    ((PMMPTE)HostFrame(Directory))[VA >> PDI_SHIFT] = MiMakeKernelPde(0xFFFFF);
    CHECK_TEXT("Frame fffff cannot be read.\n", Command("!vtop %x 80123abc", Directory));
    CHECK_SHOWS("Which address?", Command("!vtop"));
    CHECK_SHOWS("Which address?", Command("!vtop 0"));
    HostMachineDelete();
}

TEST(Ptov_lists_what_an_address_space_maps)
{
    PFN_NUMBER Directory;

    PopulatedStart();
    Directory = MakeDirectory(0x155);
    ((PMMPTE)HostFrame(Directory))[0x201].Long = 0x004001E3;
    CHECK_TEXT(Text("X86PtoV: pagedir %08x, physical and virtual addresses\n"
                    "00155000 80123000\n00400000 80400000  large page\n",
                    Directory << PAGE_SHIFT),
               Command("!ptov %x", Directory << PAGE_SHIFT));
    HostMapPage(HOST_DIRECTORY_FRAME, 0x40000000, 0x355, 1);
    CHECK_SHOWS("pagedir 00001000, physical and virtual addresses\n00355000 40000000\n",
                Command("!ptov"));
    CHECK_SHOWS("Frame 12345 cannot be read.\n", Command("!ptov 12345"));
    HostMachineDelete();
}

TEST(SearchPte_finds_every_mapping_of_a_frame)
{
    const char *Shown;

    PopulatedStart();
    HostMapPage(HOST_DIRECTORY_FRAME, VA, 0x355, 3);
    HostMapPage(HOST_DIRECTORY_FRAME, 0x40000000, 0x355, 1);
    HostMapPage(HOST_DIRECTORY_FRAME, 0x40001000, 0x355, 0x880); /* transition */
    Shown = Command("!searchpte 355");
    CHECK_SHOWS("PTE at C020048C contains 00355003  va 80123000  -------KWEV\n", Shown);
    CHECK_SHOWS("va 40000000  -------KREV\n", Shown);
    CHECK_SHOWS("va 40001000  transition\n", Shown);
    CHECK_SHOWS("\n3 found\n", Shown);
    CHECK_SHOWS("\n0 found\n", Command("!searchpte ffffffff"));
    CHECK_SHOWS("Which frame?", Command("!searchpte"));
    HostMachineDelete();
}

TEST(SearchPte_finds_frames_inside_large_pages)
{
    PopulatedStart();
    HostFindPde(HOST_DIRECTORY_FRAME, 0x90000000)->Long = 0x10C001E3;
    CHECK_SHOWS("PDE at C0300900 contains 10C001E3  va 90012000  -GLDA--KWEV\n",
                Command("!searchpte 10c12"));
    CHECK_SHOWS("\n0 found\n", Command("!searchpte 11000"));
    HostMachineDelete();
}

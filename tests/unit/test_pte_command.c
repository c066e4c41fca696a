/* SPDX-License-Identifier: MIT */
/*
 * test_pte_command.c - !pte and !pte2va, with the examples that the debugger's reference publishes.
 */
#include "mm/sysva/pte_make.h"
#include "mm/sysva/system_ptes.h"
#include "tests/unit/command_bench.h"

#define FRAMES      512u
#define TABLE_FRAME 0x3Bu

static void Start(void)
{
    HostMachineCreate(FRAMES, TestSeed());
}

/* Va's entries become exactly these; the PDE names a frame of the machine. */
static void Plant(ULONG_PTR Va, ULONG Pde, ULONG Pte)
{
    HostFindPde(HOST_DIRECTORY_FRAME, Va)->Long = Pde;
    ((PMMPTE)HostFrame(Pde >> PAGE_SHIFT))[Va >> PTI_SHIFT & (PTE_PER_PAGE - 1)].Long = Pte;
}

/* learn.microsoft.com, "!pte", the example; E is shown since there is no no-execute. */
TEST(Pte_reproduces_the_published_example)
{
    Start();
    Plant(0x801544F4, 0x0003B163, 0x00154121);
    CHECK_TEXT("801544F4  - PDE at C0300800        PTE at C0200550\n"
               "          contains 0003B163      contains 00154121\n"
               "        pfn 3b    -G-DA--KWEV  pfn 154   -G--A--KREV\n",
               Command("!pte 801544f4"));
    HostMachineDelete();
}

TEST(Pte_computes_the_published_entry_addresses)
{
    Start();
    CHECK_SHOWS("0012F980  - PDE at C0300000        PTE at C00004BC\n", Command("!pte 12f980"));
    CHECK_SHOWS("FFFFFFFF  - PDE at C0300FFC        PTE at C03FFFFC\n", Command("!pte ffffffff"));
    CHECK_SHOWS("contains 00000000\nnot valid\n", Command("!pte 12f980"));
    HostMachineDelete();
}

TEST(Pte_of_an_entrys_address_shows_what_it_maps)
{
    Start();
    Plant(0x801544F4, 0x0003B163, 0x00154121);
    CHECK_SHOWS("80154000  - PDE at C0300800        PTE at C0200550\n", Command("!pte c0200550"));
    CHECK_SHOWS("pfn 154   -G--A--KREV\n", Command("!pte 0xc0200552"));
    CHECK_TEXT("PDE at C0300800\ncontains 0003B163\npfn 3b    -G-DA--KWEV\n",
               Command("!pte c0300800"));
    HostMachineDelete();
}

TEST(Pte_with_1_shows_the_entry_at_that_very_address)
{
    Start();
    Plant(0x801544F4, 0x0003B163, 0x00154121);
    Plant(0x80200000, 0x0003B163, 0x0003C163); /* a page with entries that map nothing */
    ((PMMPTE)HostFrame(0x3C))[4].Long = 0x00000082;
    CHECK_TEXT("PTE at C0200550\ncontains 00154121\npfn 154   -G--A--KREV\n",
               Command("!pte c0200550 1"));
    CHECK_TEXT("PTE at 80200010\ncontains 00000082\nnot valid: demand zero\n"
               " Protect: 4 - ReadWrite\n",
               Command("!pte 80200010 1"));
    CHECK_TEXT("There is no entry at 80300000.\n", Command("!pte 80300000 1"));
    CHECK_TEXT("There is no entry at 80200011.\n", Command("!pte 80200011 1"));
    HostMachineDelete();
}

TEST(Pte_names_the_kinds_of_entries_that_are_not_valid)
{
    Start();
    Plant(0x80000000, 0x0003B163, 0x00154880);
    CHECK_SHOWS("not valid: transition\n Transition: 154\n Protect: 4 - ReadWrite\n",
                Command("!pte 80000000"));
    Plant(0x80000000, 0x0003B163, 0x12345022);
    CHECK_SHOWS("not valid: pagefile\n PageFile: 1\n Offset: 12345\n Protect: 1 - ReadOnly\n",
                Command("!pte 80000000"));
    Plant(0x80000000, 0x0003B163, 0x00000402);
    CHECK_SHOWS("not valid: prototype\n Proto: E1000004\n", Command("!pte 80000000"));
    Plant(0x80000000, 0x0003B163, 0);
    CHECK_SHOWS("contains 00000000\n        pfn 3b    -G-DA--KWEV  not valid\n",
                Command("!pte 80000000"));
    Plant(0x80000000, 0x0003B163, 0x80);
    HostFindPde(HOST_DIRECTORY_FRAME, 0x80000000)->Long = 0x80;
    CHECK_SHOWS("contains 00000080\nnot valid: demand zero\n", Command("!pte 80000000"));
    HostMachineDelete();
}

TEST(Pte_of_a_large_page_names_the_frame_inside)
{
    const char *Shown;

    Start();
    HostFindPde(HOST_DIRECTORY_FRAME, 0x80400000)->Long = 0x004001E3;
    Shown = Command("!pte 80412345");
    CHECK_SHOWS("contains 004001E3\n", Shown);
    CHECK_SHOWS("LARGE PAGE pfn 400   -GLDA--KWEV\n", Shown);
    CHECK_SHOWS("of which this address is pfn 412\n", Shown);
    HostMachineDelete();
}

TEST(Pte_range_shows_what_is_not_zero_and_skips_missing_tables)
{
    Start();
    Plant(0x80000000, 0x0003B163, 0x0003C163);
    Plant(0x80003000, 0x0003B163, 0x80);
    HostFindPde(HOST_DIRECTORY_FRAME, 0xA0000000)->Long = 0x004001E3;
    CHECK_TEXT("80000000  PTE at C0200000 contains 0003C163  pfn 3c    -G-DA--KWEV\n"
               "80003000  PTE at C020000C contains 00000080  demand zero\n"
               "A0000000  PDE at C0300A00 contains 004001E3  pfn 400   -GLDA--KWEV  LARGE PAGE\n"
               "3 entries are not zero\n",
               Command("!pte 80000000 bfffffff"));
    CHECK_TEXT("80003000  PTE at C020000C contains 00000080  demand zero\n1 entries are not zero\n",
               Command("!pte 80003ffc 80003fff"));
    CHECK_TEXT("0 entries are not zero\n", Command("!pte fffff000 ffffffff"));
    HostMachineDelete();
}

TEST(Pte_range_stops_after_a_screenful_and_says_how_to_go_on)
{
    ULONG Index;
    const char *Shown;

    Start();
    for (Index = 0; Index < PTE_PER_PAGE; Index++) {
        Plant(0x80000000 + Index * PAGE_SIZE, 0x0003B163, 0x80);
        Plant(0x80400000 + Index * PAGE_SIZE, 0x0003C163, 0x80);
    }
    Shown = Command("!pte 80000000 80ffffff");
    CHECK_SHOWS("1024 entries are not zero\nThere may be more: !pte 80400000 80FFFFFF\n", Shown);
    CHECK_EQUAL(1026, LineCount(Shown));
    HostMachineDelete();
}

TEST(Pte_of_a_free_run_of_system_PTEs_is_a_list)
{
    PMMPTE First;

    PopulatedStart();
    First = MiReserveSystemPtes(4);
    MiReleaseSystemPtes(First, 4);
    CHECK_SHOWS("free system PTE", Command("!pte %x", (ULONG)(ULONG_PTR)First));
    PopulatedFinish();
}

TEST(Pte_refuses_what_makes_no_sense)
{
    Start();
    CHECK_SHOWS("Which address?", Command("!pte"));
    CHECK_SHOWS("The range ends before it begins.\n", Command("!pte 80000000 70000000"));
    CHECK(Command("!pte zebra")[0] != 0);
    HostMachineDelete();
}

TEST(Pte2va_undoes_the_formula)
{
    Start();
    CHECK_TEXT("80154000\n", Command("!pte2va c0200550"));
    CHECK_TEXT("FFFFF000\n", Command("!pte2va c03ffffc"));
    CHECK_TEXT("C0200000\n", Command("!pte2va c0300800"));
    CHECK_SHOWS("is not in the page tables", Command("!pte2va 80000000"));
    CHECK_SHOWS("Which PTE?", Command("!pte2va"));
    HostMachineDelete();
}

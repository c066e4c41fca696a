/* SPDX-License-Identifier: MIT */
/*
 * test_vm_command.c - !vm and !sysptes: the sums that users check by hand.
 */
#include "disk/volume/boot_volume_i.h"
#include "mm/balance/balance_set.h"
#include "mm/balance/swapper.h"
#include "mm/fault/fault.h"
#include "mm/paging/modified_writer.h"
#include "mm/space/page_table.h"
#include "mm/paging/paging_file.h"
#include "mm/sysva/kernel_stack.h"
#include "mm/sysva/layout.h"
#include "tests/unit/command_bench.h"
#include <string.h>
#include "tests/unit/pool_world.h"
#include "tests/unit/sysva_machine.h"

TEST(Vm_available_is_zeroed_plus_free_plus_standby)
{
    const char *Shown;
    PVOID Stack;

    PopulatedStart();
    Stack = MiCreateKernelStack();
    Shown = Command("!vm");
    CHECK_EQUAL(NumberBehind(Shown, "zeroed ") + NumberBehind(Shown, "+ free ") +
                    NumberBehind(Shown, "standby "),
                NumberBehind(Shown, "Available Pages:"));
    CHECK_EQUAL(SysvaBalance().Available, NumberBehind(Shown, "Available Pages:"));
    CHECK_EQUAL(SysvaBalance().Committed, NumberBehind(Shown, "Committed pages:"));
    CHECK_EQUAL(SysvaBalance().FreePtes, NumberBehind(Shown, "Free System PTEs:"));
    CHECK_EQUAL(NumberBehind(Command("!memusage"), "TOTAL: "),
                NumberBehind(Command("!vm"), "Physical Memory:"));
    MiDeleteKernelStack(Stack);
    PopulatedFinish();
}

TEST(Vm_shows_each_paging_file_with_its_sizes)
{
    MMPAGING_FILE File = {.Size = 512,
                          .MinimumSize = 256,
                          .MaximumSize = 1024,
                          .FreeSpace = 511,
                          .PageFileName = "C:\\pagefile.sys"};

    PopulatedStart();
    DiskForgetBootVolume();
    MiForgetPagingFiles();
    CHECK_SHOWS("  Page File: none\n", Command("!vm"));
    MmPagingFile[0] = &File;
    MmNumberOfPagingFiles = 1;
    CHECK_SHOWS("  Page File: C:\\pagefile.sys\n"
                "    Current:      2048 Kb  Free Space:      2044 Kb\n"
                "    Minimum:      1024 Kb  Maximum:         4096 Kb\n",
                Command("!vm"));
    MiForgetPagingFiles();
    PopulatedFinish();
}

TEST(Vm_shows_how_far_the_commit_limit_may_rise_and_what_growth_did)
{
    const char *Shown;

    PopulatedStart();
    MiRaiseCommitMaximum(777);
    MiGrowthFigures = (MI_GROWTH_FIGURES){.Extensions = 3, .Pages = 1024, .Failures = 2};
    Shown = Command("!vm");
    CHECK_EQUAL(MiCommit.Limit, NumberBehind(Shown, "Commit limit:"));
    CHECK_EQUAL(MiCommit.Limit + 777, NumberBehind(Shown, "may rise to "));
    CHECK_SHOWS("Page files grew: 3 times, by 1024 pages; failed to 2 times\n", Shown);
    MiLowerCommitMaximum(777);
    MiGrowthFigures = (MI_GROWTH_FIGURES){0};
    PopulatedFinish();
}

TEST(Vm_shows_what_became_of_page_faults)
{
    const char *Shown;

    PopulatedStart();
    MiFaultCounters.Collided = 12;
    MiFaultCounters.PagingFileReads = 34;
    MiFaultCounters.PagesRead = 56;
    Shown = Command("!vm");
    CHECK_EQUAL(12, NumberBehind(Shown, "collided "));
    CHECK_EQUAL(34, NumberBehind(Shown, "Page reads: "));
    CHECK_SHOWS("34 of 56 pages; 0 waited", Shown);
    MiFaultCounters = (MI_FAULT_COUNTERS){0};
    PopulatedFinish();
}

TEST(Vm_shows_how_page_tables_come_and_go)
{
    MI_WRITER_FIGURES Saved = MiWriterFigures;

    PopulatedStart();
    MiPageTableCounters =
        (MI_PAGE_TABLE_COUNTERS){.Made = 9, .Trimmed = 8, .Restored = 7, .Reads = 5};
    MiWriterFigures = (MI_WRITER_FIGURES){.TablesWritten = 6};
    CHECK_SHOWS("Page tables: 9 made, 8 trimmed, 6 written, 7 back, of them 5 read",
                Command("!vm"));
    MiPageTableCounters = (MI_PAGE_TABLE_COUNTERS){0};
    MiWriterFigures = Saved;
    PopulatedFinish();
}

TEST(Vm_shows_what_was_written_and_only_then_what_failed)
{
    MI_WRITER_FIGURES Saved = MiWriterFigures;

    PopulatedStart();
    MiWriterFigures =
        (MI_WRITER_FIGURES){.Writes = 3, .PagesWritten = 70, .PagesDropped = 5, .Reclaimed = 2};
    CHECK_SHOWS("Page writes: 3 of 75 pages, 5 of them for nothing; 2 slots taken back",
                Command("!vm"));
    CHECK(strstr(Command("!vm"), "writes failed") == NULL);
    MiWriterFigures.FailedWrites = 4;
    MiWriterFigures.BadSlots = 6;
    MiWriterFigures.LastStatus = STATUS_IO_DEVICE_ERROR;
    CHECK_SHOWS("4 page writes failed (c0000185), 6 slots are bad, 0 times none was free",
                Command("!vm"));
    MiWriterFigures = Saved;
    PopulatedFinish();
}

TEST(Vm_shows_what_the_balance_set_manager_did)
{
    MI_BALANCE_COUNTERS Saved = MiBalanceCounters;

    PopulatedStart();
    MiBalanceCounters =
        (MI_BALANCE_COUNTERS){.Seconds = 9, .Alarms = 4, .Trims = 5, .Passes = 6, .Trimmed = 77};
    CHECK_SHOWS("Balance set: 9 seconds, 4 alarms; 77 pages left in 5 rounds, 6 passes",
                Command("!vm"));
    MiBalanceCounters = Saved;
    PopulatedFinish();
}

TEST(Vm_paged_pools_add_up_to_the_usage)
{
    PVOID Blocks[40];
    const char *Shown;
    ULONG i;

    PopulatedStart();
    for (i = 0; i < RTL_NUMBER_OF(Blocks); i++) {
        Blocks[i] = ExAllocatePoolWithTag(PagedPool, i % 5 == 0 ? 5000 : 700, TAG_A);
        CHECK(Blocks[i] != NULL);
    }
    Shown = Command("!vm");
    CHECK_EQUAL(NumberBehind(Shown, "PagedPool 0 Usage:") +
                    NumberBehind(Shown, "PagedPool 1 Usage:") +
                    NumberBehind(Shown, "PagedPool 2 Usage:"),
                NumberBehind(Shown, "  PagedPool Usage:"));
    CHECK_EQUAL(MiLayout.Region[MiRegionPagedPool].Bytes >> PAGE_SHIFT,
                NumberBehind(Shown, "PagedPool Maximum:"));
    CHECK_EQUAL(MiLayout.MaximumNonPagedPoolBytes >> PAGE_SHIFT,
                NumberBehind(Shown, "NonPagedPool Max:"));
    for (i = 0; i < RTL_NUMBER_OF(Blocks); i++) {
        ExFreePoolWithTag(Blocks[i], TAG_A);
    }
    PopulatedFinish();
}

TEST(Vm_flags_add_stacks_and_the_map)
{
    PopulatedStart();
    CHECK(strstr(Command("!vm 1"), "Kernel stacks") == NULL);
    CHECK_SHOWS("Kernel stacks: 0 in use", Command("!vm 2"));
    MiSwapCounters = (MI_SWAP_COUNTERS){.Outswaps = 8, .Inswaps = 7, .Reads = 2};
    CHECK_SHOWS("Taken out 8 times, back 7 times; 2 pages were read", Command("!vm 2"));
    MiSwapCounters = (MI_SWAP_COUNTERS){0};
    CHECK_SHOWS("C0000000 - C03FFFFF", Command("!vm 21"));
    CHECK_SHOWS("No log of page writes, no owners' stacks", Command("!vm 8"));
    CHECK(strstr(Command("!vm 8"), "Session") == NULL);
    CHECK_SHOWS("Terminal Server Memory Usage By Session: there are no sessions", Command("!vm 4"));
    CHECK(strstr(Command("!vm 4"), "page writes, no") == NULL);
    CHECK_SHOWS("Flags:", Command("!vm 40"));
    PopulatedFinish();
}

TEST(Sysptes_totals_agree_with_the_counters)
{
    MI_SYSTEM_PTE_COUNTERS Counters;
    PMMPTE First;
    const char *Shown;

    PopulatedStart();
    First = MiReserveSystemPtes(40);
    MiQuerySystemPtes(&Counters);
    CHECK(strstr(Command("!sysptes"), "number free") == NULL);
    Shown = Command("!sysptes");
    CHECK_EQUAL(Counters.Total, NumberBehind(Shown, "Total System Ptes "));
    CHECK_EQUAL(Counters.Free, NumberBehind(Shown, "total free: "));
    CHECK_EQUAL(Counters.Reserved, NumberBehind(Shown, "reserved: "));
    CHECK_SHOWS("number free", Command("!sysptes 1"));
    CHECK_SHOWS("Nonpaged pool expansion: ", Command("!sysptes 8"));
    CHECK_SHOWS("not recorded yet", Command("!sysptes 4"));
    CHECK_SHOWS("Flags:", Command("!sysptes 2"));
    MiReleaseSystemPtes(First, 40);
    PopulatedFinish();
}

/* SPDX-License-Identifier: MIT */
/*
 * test_pool_commands.c - !pool, !poolval, !poolfind and !lookaside.
 */
#include "mm/pool/pool_block.h"
#include "tests/unit/command_bench.h"
#include <string.h>
#include "tests/unit/pool_world.h"
#include "tests/unit/mm_world.h"

TEST(Pool_stars_the_block_that_holds_the_address)
{
    PVOID First;
    PVOID Second;
    ULONG Va;

    PopulatedStart();
    Va = FreshPage();
    First = Allocate(NonPagedPool, 0x30, TAG_A);
    Second = Allocate(NonPagedPool, 0x10, TAG_B | PROTECTED_POOL);
    CHECK_TEXT(Text("Pool page %08x region is Nonpaged pool\n"
                    " %08x size   38 previous size    0  (Allocated)  OneA\n"
                    "*%08x size   18 previous size   38  (Allocated)  OneB (Protected)\n"
                    " %08x size  fb0 previous size   18  (Free     )\n",
                    Va + 0x40, Va, Va + 0x38, Va + 0x50),
               Command("!pool %x", Number(Second)));
    CHECK_SHOWS(Text("*%08x", Va), Command("!pool %x", Number(First)));
    CHECK_TEXT(Text("Pool page %08x region is Nonpaged pool\n"
                    "*%08x size   18 previous size   38  (Allocated)\n",
                    Va + 0x40, Va + 0x38),
               Command("!pool %x 80000002", Number(Second)));
    ExFreePoolWithTag(First, TAG_A);
    ExFreePoolWithTag(Second, TAG_B | PROTECTED_POOL);
    PopulatedFinish();
}

TEST(Pool_flag_1_shows_the_first_words)
{
    PULONG Block;

    PopulatedStart();
    Block = Allocate(NonPagedPool, 0x30, TAG_A);
    Block[0] = 0x12345678;
    Block[3] = 0x9ABCDEF0;
    CHECK_SHOWS("OneA\n     12345678 ", Command("!pool %x 1", Number(Block)));
    CHECK_SHOWS(" 9abcdef0\n", Command("!pool %x 1", Number(Block)));
    ExFreePoolWithTag(Block, TAG_A);
    PopulatedFinish();
}

TEST(Pool_touches_no_page_that_is_not_resident)
{
    PVOID Big;
    PVOID Small;
    ULONG Filled;

    PopulatedStart();
    Big = Allocate(PagedPool, 3 * PAGE_SIZE - 5, TAG_A);
    Filled = HostCounters()->Faults;
    CHECK_SHOWS(Text("*%x size 3000 is a large allocation of 2ffb bytes  OneA\n", Number(Big)),
                Command("!pool %x", Number(Big) + 2 * PAGE_SIZE));
    CHECK_SHOWS("is a free page\n", Command("!pool %x", Number(Big) + 3 * PAGE_SIZE));
    CHECK_SHOWS("is in no pool\n", Command("!pool d0000000"));
    CHECK_SHOWS("is in no pool\n", Command("!pool ffffffff"));
    CHECK_EQUAL(Filled, HostCounters()->Faults);
    Small = Allocate(PagedPool, 16, TAG_B);
    CHECK_SHOWS("region is Paged pool\n", Command("!pool %x", Number(Small)));
    CHECK_SHOWS("OneB", Command("!pool %x", Number(Small)));
    ExFreePoolWithTag(Big, TAG_A);
    ExFreePoolWithTag(Small, TAG_B);
    PopulatedFinish();
}

TEST(Pool_without_an_address_shows_both_pools)
{
    static const char Line[] = "nonpaged                 ";
    unsigned Blocks;
    PVOID Block;

    PopulatedStart();
    Blocks = NumberBehind(Command("!pool"), Line);
    Block = Allocate(NonPagedPool, 0x30, TAG_A);
    CHECK_SHOWS(Text("nonpaged pool, initial   %08X - ", NonPagedStart()), Command("!pool"));
    CHECK(NumberBehind(Command("!pool"), " pages, ") != 0); /* used */
    CHECK_EQUAL(Blocks + 1, NumberBehind(Command("!pool"), Line));
    CHECK_SHOWS(" bytes in use; ", Command("!pool"));
    CHECK_SHOWS("Flags:", Command("!pool 0 4"));
    ExFreePoolWithTag(Block, TAG_A);
    PopulatedFinish();
}

/* ---- !poolval ---- */

TEST(Poolval_finds_a_sound_page_valid)
{
    PVOID Block;
    ULONG Va;

    PopulatedStart();
    Va = FreshPage();
    Block = Allocate(NonPagedPool, 0x30, TAG_A);
    CHECK_TEXT(Text("Pool page %08X [nonpaged]: validating\nPool page %08X is VALID\n", Va, Va),
               Command("!poolval %x", Number(Block)));
    CHECK_SHOWS(Text("%08X free list: flink", Va + 0x38), Command("!poolval %x 1", Number(Block)));
    CHECK_SHOWS(Text("%08X size   38 previous size    0  allocated\n", Va),
                Command("!poolval %x 2", Number(Block)));
    CHECK_SHOWS("+004 PoolTag: 41656e4f  OneA\n", Command("!poolval %x 3", Number(Block)));
    ExFreePoolWithTag(Block, TAG_A);
    PopulatedFinish();
}

TEST(Poolval_names_the_header_that_is_inconsistent)
{
    PVOID First;
    PVOID Second;
    PPOOL_HEADER Header;

    PopulatedStart();
    First = Allocate(NonPagedPool, 0x30, TAG_A);
    Second = Allocate(NonPagedPool, 0x30, TAG_A);
    Header = MiPoolHeaderOf(Second);
    Header->PreviousSize += 1;
    CHECK_SHOWS("is inconsistent", Command("!poolval %x", Number(First)));
    CHECK_SHOWS(Text("disagrees with header %08X", Number(Header)),
                Command("!poolval %x", Number(First)));
    CHECK_SHOWS("INVALID", Command("!poolval %x", Number(First)));
    CHECK_SHOWS("is not a valid pool header", Command("!pool %x", Number(First)));
    Header->PreviousSize -= 1;
    ExFreePoolWithTag(First, TAG_A);
    ExFreePoolWithTag(Second, TAG_A);
    PopulatedFinish();
}

TEST(Poolval_follows_the_links_of_free_blocks)
{
    PVOID Block;
    PLIST_ENTRY Entry;
    LIST_ENTRY Saved;
    ULONG Va;

    PopulatedStart();
    Va = FreshPage();
    Block = Allocate(NonPagedPool, 0x30, TAG_A);
    Entry = MiPoolListEntry((PPOOL_HEADER)(Va + 0x38));
    Saved = *Entry;
    Entry->Flink = (PLIST_ENTRY)0xDEADBEE0;
    CHECK_SHOWS(Text("%08X free list: flink DEADBEE0", Va + 0x38),
                Command("!poolval %x", Number(Block)));
    CHECK_SHOWS("do not point back: bug check 19, 3\n", Command("!poolval %x", Number(Block)));
    CHECK_SHOWS("is INVALID\n", Command("!poolval %x", Number(Block)));
    Entry->Flink = Entry;
    CHECK_SHOWS("is INVALID\n", Command("!poolval %x", Number(Block)));
    *Entry = Saved;
    ExFreePoolWithTag(Block, TAG_A);
    PopulatedFinish();
}

TEST(Poolval_says_what_has_no_headers)
{
    PVOID Big;

    PopulatedStart();
    Big = Allocate(PagedPool, 2 * PAGE_SIZE, TAG_A);
    CHECK_SHOWS("a large block, which has no header", Command("!poolval %x", Number(Big)));
    CHECK_SHOWS("a large block, which has no header", Command("!poolval %x", Number(Big) + 0x1234));
    CHECK_SHOWS("a free page", Command("!poolval e1010000"));
    CHECK_SHOWS("in no pool", Command("!poolval 0"));
    CHECK_SHOWS("Which page?", Command("!poolval"));
    ExFreePoolWithTag(Big, TAG_A);
    PopulatedFinish();
}

/* ---- !poolfind ---- */

TEST(Poolfind_lists_large_blocks_first)
{
    PVOID Small;
    PVOID Big;
    PVOID Other;
    const char *Found;

    PopulatedStart();
    Small = Allocate(NonPagedPool, 0x30, TAG_A);
    Big = Allocate(NonPagedPool, 2 * PAGE_SIZE, TAG_A);
    Other = Allocate(NonPagedPool, 0x30, TAG_B);
    Found = Command("!poolfind OneA");
    CHECK_SHOWS(Text("%08X size   2000  OneA\nSearching NonPaged pool (%08X : ", Number(Big),
                     NonPagedStart()),
                Found);
    CHECK_SHOWS(Text("\n%08X size     38  OneA\n", Number(Small) - 8), Found);
    CHECK_SHOWS("2 blocks, 8248 bytes; 0 pages are not resident\n", Found);
    CHECK_SHOWS("2 blocks, 8248 bytes", Command("!poolfind 0x41656E4F"));
    CHECK_SHOWS("3 blocks, ", Command("!poolfind On?? 0"));
    CHECK_SHOWS(Text("\n%08X size     38  OneB\n", Number(Other) - 8), Command("!poolfind *"));
    CHECK_SHOWS("0 blocks, 0 bytes", Command("!poolfind onea"));
    CHECK_SHOWS("0 blocks, 0 bytes", Command("!poolfind OneA 1"));
    ExFreePoolWithTag(Small, TAG_A);
    ExFreePoolWithTag(Big, TAG_A);
    ExFreePoolWithTag(Other, TAG_B);
    PopulatedFinish();
}

TEST(Poolfind_leaves_freed_blocks_out)
{
    PVOID Block;

    MmWorldNextUnforced();
    PopulatedStart();
    Block = Allocate(PagedPool, 0x30, TAG_A);
    CHECK_SHOWS("1 blocks, 56 bytes", Command("!poolfind OneA 1"));
    ExFreePoolWithTag(Block, TAG_A); /* waits in the front end */
    CHECK_SHOWS("0 blocks, 0 bytes", Command("!poolfind OneA 1"));
    PopulatedFinish();
}

TEST(Poolfind_refuses_what_makes_no_sense)
{
    PopulatedStart();
    CHECK_SHOWS("Which tag?", Command("!poolfind"));
    CHECK_SHOWS("A tag has four characters", Command("!poolfind Overlong"));
    CHECK_SHOWS("Session pool cannot be searched", Command("!poolfind OneA 4"));
    CHECK_SHOWS("The type is", Command("!poolfind OneA 3"));
    PopulatedFinish();
}

/* ---- !lookaside ---- */

TEST(Lookaside_shows_misses_and_the_hit_rate)
{
    NPAGED_LOOKASIDE_LIST Nonpaged;
    PAGED_LOOKASIDE_LIST Paged;
    const char *Lists;
    ULONG i;

    PopulatedStart();
    CHECK_SHOWS("is no look-aside list", Command("!lookaside 80000000"));
    ExInitializeNPagedLookasideList(&Nonpaged, NULL, NULL, 0, 40, TAG_A, 0);
    ExInitializePagedLookasideList(&Paged, NULL, NULL, 0, 24, TAG_B, 0);
    for (i = 0; i < 4; i++) {
        ExFreeToNPagedLookasideList(&Nonpaged, ExAllocateFromNPagedLookasideList(&Nonpaged));
    }
    Lists = Command("!lookaside");
    CHECK_SHOWS("\"OneA\"\n    Type     =     0000 NonPagedPool\n", Lists);
    CHECK_SHOWS("\"OneB\"\n    Type     =     0001 PagedPool\n", Lists);
    CHECK_SHOWS("AllocateMisses =        1", Lists);
    CHECK_SHOWS("TotalAllocates =        4", Lists);
    CHECK_SHOWS("Hit Rate       =      75%", Lists);
    CHECK(strstr(Command("!lookaside %x", Number(&Nonpaged.L)), "OneB") == NULL);
    ExDeleteNPagedLookasideList(&Nonpaged);
    ExDeletePagedLookasideList(&Paged);
    PopulatedFinish();
}

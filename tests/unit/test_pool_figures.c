/* SPDX-License-Identifier: MIT */
/*
 * test_pool_figures.c - the figures add up, and the lines of the report say them.
 */
#include "mm/pool/pool_front.h"
#include "tests/unit/pool_world.h"
#include "tests/unit/test.h"

#include <string.h>

static char Text[1024];

static void Collect(PVOID Context, const char *Piece, SIZE_T Bytes)
{
    SIZE_T Length = strlen(Text);

    (void)Context;
    CHECK(Length + Bytes < sizeof(Text));
    memcpy(Text + Length, Piece, Bytes);
    Text[Length + Bytes] = 0;
}

static const char *Describe(void)
{
    memset(Text, 0, sizeof(Text));
    MiDescribePoolOverhead(Collect, NULL);
    return Text;
}

static const char *FirstLine(void)
{
    Describe();
    strchr(Text, '\n')[1] = 0;
    return Text;
}

TEST(PoolFigures_account_for_every_byte_of_the_pages)
{
    MI_POOL_FIGURES Figures;
    PVOID Small[3];
    PVOID Big;

    PoolWorldCreate(&PoolWorldPlain);
    Small[0] = ExAllocatePoolWithTag(NonPagedPool, 100, TAG_A); /* 112 with its header */
    Small[1] = ExAllocatePoolWithTag(NonPagedPool, 500, TAG_A); /* 512 */
    Small[2] = ExAllocatePoolWithTag(NonPagedPool, 40, TAG_A);  /* 48, then in the front end */
    Big = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE + 96, TAG_B);
    ExFreePool(Small[2]);
    MiQueryPoolFigures(NonPagedPool, &Figures);
    CHECK_EQUAL(3, Figures.UsedPages);
    CHECK_EQUAL(1, Figures.BlockPages);
    CHECK_EQUAL(3, Figures.InUseBlocks);
    CHECK_EQUAL(1, Figures.BigBlocks);
    CHECK_EQUAL(2, Figures.BigPages);
    CHECK_EQUAL(PAGE_SIZE - 96, Figures.BigUnusedBytes);
    CHECK_EQUAL(48, Figures.FrontBytes);
    CHECK_EQUAL(PAGE_SIZE - 112 - 512 - 48, Figures.FreeBytes);
    CHECK_EQUAL(112 + 512 + 2 * PAGE_SIZE, Figures.InUseBytes);
    CHECK_EQUAL(1, MiQueryPoolPagesOf(NonPagedPool, 0));
    CHECK_TEXT("# nonpaged pool: 3 pages, 3 blocks; overhead 7488 of 12288 bytes:\n", FirstLine());
    CHECK(strstr(Describe(),
                 "#   headers 16, free in pages 3424, kept for reuse 48, ends of big blocks "
                 "4000\n") != NULL);
    ExFreePool(Small[0]);
    ExFreePool(Small[1]);
    ExFreePool(Big);
    PoolWorldCheckEmpty();
    HostMachineDelete();
}

TEST(PoolFigures_count_what_is_kept_for_reuse)
{
    MI_POOL_FIGURES Figures;

    PoolWorldCreate(&PoolWorldPlain);
    ExFreePool(ExAllocatePoolWithTag(NonPagedPool, 2000, TAG_A)); /* leaves a spare page */
    ExFreePool(ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, TAG_A));
    MiQueryPoolFigures(NonPagedPool, &Figures);
    CHECK_EQUAL(1, Figures.SparePages);
    CHECK_EQUAL(1, Figures.FrontPages);
    CHECK_EQUAL(2, Figures.UsedPages);
    CHECK_EQUAL(0, Figures.InUseBytes);
    CHECK(strstr(Describe(), "kept for reuse 8192") != NULL);
    MiTrimPools();
    CHECK(strstr(Describe(), "nonpaged pool: 0 pages, 0 blocks; overhead 0 of 0 bytes") != NULL);
    PoolWorldCheckEmpty();
    HostMachineDelete();
}

TEST(PoolFigures_count_tables_and_maps)
{
    ULONG Without;

    PoolWorldCreate(&PoolWorldPlain);
    Without = MiQueryPoolTableBytes();
    CHECK(Without > sizeof(MiPoolFront) + sizeof(MiPoolTags));
    PoolWorldAddSpecialPool(POOL_SPECIAL_PAGES);
    CHECK_EQUAL(Without + 32 * sizeof(MI_SPECIAL_SLOT), MiQueryPoolTableBytes());
    CHECK(strstr(Describe(), "pool tables: ") != NULL);
    HostMachineDelete();
}

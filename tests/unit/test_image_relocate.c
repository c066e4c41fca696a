/* SPDX-License-Identifier: MIT */
/*
 * test_image_relocate.c - relocation page by page; directories of every wrong kind are refused.
 */
#include "mm/section/image_relocate.h"
#include "seed_elf.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

#define PAGES       4u
#define IMAGE_BYTES (PAGES * PAGE_SIZE)
#define HIGH        IMAGE_REL_BASED_HIGH
#define LOW         IMAGE_REL_BASED_LOW
#define HIGHLOW     IMAGE_REL_BASED_HIGHLOW
#define HIGHADJ     IMAGE_REL_BASED_HIGHADJ

static UCHAR Directory[0x4000];
static ULONG DirectoryBytes;
static ULONG BlockStart;
static UCHAR Image[IMAGE_BYTES];
static void *Memory;
static MI_RELOCATIONS Relocations;

static void Begin(void)
{
    ULONG Index;

    DirectoryBytes = 0;
    for (Index = 0; Index < IMAGE_BYTES; Index++) {
        Image[Index] = (UCHAR)(Index * 31 + Index / 256);
    }
}

static void Put(ULONG Bytes, ULONG Value)
{
    SeedPut(Directory, DirectoryBytes, Bytes, Value);
    DirectoryBytes += Bytes;
}

static void Block(ULONG Rva)
{
    BlockStart = DirectoryBytes;
    Put(4, Rva);
    Put(4, 8);
}

static void Entry(ULONG Type, ULONG Offset)
{
    Put(2, Type << 12 | Offset);
    SeedPut(Directory, BlockStart + 4, 4, DirectoryBytes - BlockStart);
}

/* The directory is where an array ends; so is the index. */
static NTSTATUS Build(void)
{
    UCHAR *Copy = malloc(DirectoryBytes != 0 ? DirectoryBytes : 1);
    SIZE_T Bytes = 0;
    NTSTATUS Status;

    memcpy(Copy, Directory, DirectoryBytes);
    Status = MiMeasureRelocations(Copy, DirectoryBytes, IMAGE_BYTES, &Bytes);
    if (NT_SUCCESS(Status)) {
        CHECK(Bytes <= 4 + 12 * PAGES + DirectoryBytes);
        free(Memory);
        Memory = malloc(Bytes);
        Status = MiBuildRelocations(Copy, DirectoryBytes, IMAGE_BYTES, Memory, &Relocations);
    }
    free(Copy);
    return Status;
}

/* Relocate Image's pages in the order of Order's digits. */
static void Relocate(ULONG Delta, const char *Order)
{
    UCHAR Original[IMAGE_BYTES];
    ULONG Page;

    memcpy(Original, Image, sizeof(Image));
    for (Page = MiNextStraddle(&Relocations, 0); Page < PAGES;
         Page = MiNextStraddle(&Relocations, Page)) {
        MiSetStraddle(&Relocations, Page, Original + Page * PAGE_SIZE - MI_STRADDLE_BYTES);
    }
    for (; *Order != 0; Order++) {
        Page = (ULONG)(*Order - '0');
        MiRelocatePage(&Relocations, Page, Delta, Image + Page * PAGE_SIZE);
    }
}

static ULONG Read(ULONG Rva, ULONG Bytes)
{
    ULONG Value = 0;

    memcpy(&Value, Image + Rva, Bytes);
    return Value;
}

TEST(RelocatePage_knows_all_types)
{
    Begin();
    Block(0x1000);
    Entry(IMAGE_REL_BASED_ABSOLUTE, 0x123);
    Entry(HIGHLOW, 0x10);
    Entry(HIGH, 0x20);
    Entry(LOW, 0x30);
    Entry(HIGHADJ, 0x40);
    Entry(9, 0x000); /* the low half: 9000, so the high half is one too large */
    Entry(HIGHADJ, 0x50);
    Entry(0, 0x7FF); /* 07FF: it is not */
    CHECK_EQUAL(STATUS_SUCCESS, Build());
    SeedPut(Image, 0x1010, 4, 0x00401234);
    SeedPut(Image, 0x1020, 2, 0x0040);
    SeedPut(Image, 0x1030, 2, 0x1234);
    SeedPut(Image, 0x1040, 2, 0x0041);
    SeedPut(Image, 0x1050, 2, 0x0040);
    Relocate(0x00127FFF, "0123");
    CHECK_EQUAL(0x00401234 + 0x00127FFF, Read(0x1010, 4));
    CHECK_EQUAL(0x0052, Read(0x1020, 2));
    CHECK_EQUAL(0x9233, Read(0x1030, 2));
    /* 00409000 moves to 00530FFF: 0053; 004007FF to 005287FE: rounded 0053 */
    CHECK_EQUAL(0x0053, Read(0x1040, 2));
    CHECK_EQUAL(0x0053, Read(0x1050, 2));
}

TEST(RelocatePage_changes_nothing_else)
{
    UCHAR Before[IMAGE_BYTES];
    ULONG Index;

    Begin();
    Block(0x2000);
    Entry(HIGHLOW, 0x80);
    CHECK_EQUAL(STATUS_SUCCESS, Build());
    memcpy(Before, Image, sizeof(Image));
    Relocate(0x11111111, "0123");
    for (Index = 0; Index < IMAGE_BYTES; Index++) {
        CHECK((Before[Index] == Image[Index]) == (Index < 0x2080 || Index > 0x2083));
    }
    for (Index = 0; Index < PAGES; Index++) {
        CHECK_EQUAL(Index == 2, MiPageHasRelocations(&Relocations, Index));
    }
}

/* A word over a border: Back bytes in the first page; carries run through all of it. */
static void CheckStraddle(ULONG Type, ULONG Bytes, ULONG Back, const char *Order)
{
    ULONG Rva = 0x2000 - Back;
    ULONG Value = 0xFFFFFFFF >> (32 - 8 * Bytes);

    Begin();
    Block(0x1000);
    Entry(Type, 0x1000 - Back);
    if (Type == HIGHADJ) {
        Put(2, 0x7FFF);
        SeedPut(Directory, BlockStart + 4, 4, DirectoryBytes - BlockStart);
    }
    CHECK_EQUAL(STATUS_SUCCESS, Build());
    CHECK(MiPageHasRelocations(&Relocations, 1) && MiPageHasRelocations(&Relocations, 2));
    CHECK_EQUAL(2, MiNextStraddle(&Relocations, 0));
    SeedPut(Image, Rva, Bytes, Value);
    Relocate(0x00010001, Order);
    Value += Type == HIGHLOW ? 0x00010001 : Type == HIGHADJ ? 2 : 1;
    CHECK_EQUAL(Value & 0xFFFFFFFF >> (32 - 8 * Bytes), Read(Rva, Bytes));
}

TEST(RelocatePage_gets_words_over_a_border_right_in_any_order)
{
    static const char *const Orders[] = {"0123", "3210", "2031"};
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(Orders); Index++) {
        CheckStraddle(HIGHLOW, 4, 1, Orders[Index]);
        CheckStraddle(HIGHLOW, 4, 2, Orders[Index]);
        CheckStraddle(HIGHLOW, 4, 3, Orders[Index]);
        CheckStraddle(HIGH, 2, 1, Orders[Index]);
        CheckStraddle(LOW, 2, 1, Orders[Index]);
        CheckStraddle(HIGHADJ, 2, 1, Orders[Index]);
    }
}

TEST(NextStraddle_names_each_border_once)
{
    static const UCHAR Before[MI_STRADDLE_BYTES];

    Begin();
    Block(0x2000);
    Entry(HIGHLOW, 0xFFF);
    Block(0);
    Entry(HIGHLOW, 0xFFD);
    Entry(HIGHLOW, 0x100);
    CHECK_EQUAL(STATUS_SUCCESS, Build());
    CHECK_EQUAL(1, MiNextStraddle(&Relocations, 0));
    MiSetStraddle(&Relocations, 1, Before);
    CHECK_EQUAL(3, MiNextStraddle(&Relocations, 0));
    MiSetStraddle(&Relocations, 3, Before);
    CHECK_EQUAL(PAGES, MiNextStraddle(&Relocations, 0));
}

TEST(BuildRelocations_takes_blocks_in_any_order_and_place)
{
    Begin();
    Block(0x3000);
    Entry(HIGHLOW, 0);
    Block(0x0FF0); /* leads into page 1 */
    Entry(HIGHLOW, 0x20);
    Entry(HIGHLOW, 0x00);
    Block(0x1001); /* the same page */
    Entry(HIGHLOW, 0x03);
    Block(0x3000);
    Entry(HIGHLOW, 0x10);
    CHECK_EQUAL(STATUS_SUCCESS, Build());
    memset(Image, 0, sizeof(Image));
    Relocate(0x00ABCDEF, "0123");
    CHECK_EQUAL(0x00ABCDEF, Read(0x3000, 4));
    CHECK_EQUAL(0x00ABCDEF, Read(0x1010, 4));
    CHECK_EQUAL(0x00ABCDEF, Read(0x0FF0, 4));
    CHECK_EQUAL(0x00ABCDEF, Read(0x1004, 4));
    CHECK_EQUAL(0x00ABCDEF, Read(0x3010, 4));
}

TEST(BuildRelocations_reaches_the_last_byte)
{
    Begin();
    Block(0x3000);
    Entry(HIGHLOW, 0xFFC);
    CHECK_EQUAL(STATUS_SUCCESS, Build());
    SeedPut(Image, 0x3FFC, 4, 0xFFFFFFFF);
    Relocate(2, "3");
    CHECK_EQUAL(1, Read(0x3FFC, 4));
    CHECK_EQUAL(PAGES, MiNextStraddle(&Relocations, 0));
}

TEST(BuildRelocations_takes_empty_directories)
{
    ULONG Page;

    Begin();
    CHECK_EQUAL(STATUS_SUCCESS, Build());
    for (Page = 0; Page < PAGES; Page++) {
        CHECK(!MiPageHasRelocations(&Relocations, Page));
    }
    Begin();
    Block(0x1000); /* no entries */
    Block(0x7FFFF000);
    Entry(IMAGE_REL_BASED_ABSOLUTE, 0);
    Put(4, 0); /* the end; what follows does not count */
    Put(4, 0);
    Put(4, 0xFFFFFFFF);
    Put(4, 0xFFFFFFFF);
    CHECK_EQUAL(STATUS_SUCCESS, Build());
    CHECK_EQUAL(PAGES, MiNextStraddle(&Relocations, 0));
}

static void CheckOneEntryRefused(ULONG Rva, ULONG Type, ULONG Offset)
{
    Begin();
    Block(Rva);
    Entry(Type, Offset);
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, Build());
}

TEST(MeasureRelocations_refuses_words_outside_the_image)
{
    CheckOneEntryRefused(0x3000, HIGHLOW, 0xFFD);
    CheckOneEntryRefused(0x3000, HIGH, 0xFFF);
    CheckOneEntryRefused(0x4000, HIGHLOW, 0);
    CheckOneEntryRefused(0xFFFFFFFF, HIGHLOW, 1);
    CheckOneEntryRefused(0xFFFFF000, HIGHLOW, 0xFFF);
}

TEST(MeasureRelocations_refuses_types_that_the_processor_has_not)
{
    ULONG Type;

    for (Type = IMAGE_REL_BASED_HIGHADJ + 1; Type < 16; Type++) {
        CheckOneEntryRefused(0x1000, Type, 0);
    }
    CheckOneEntryRefused(0x1000, HIGHADJ, 0); /* without its low half */
}

TEST(MeasureRelocations_refuses_blocks_of_a_wrong_length)
{
    static const ULONG Lengths[] = {0, 1, 4, 7, 9, 11, 14, 0x7FFFFFFE, 0xFFFFFFFE, 0xFFFFFFFF};
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(Lengths); Index++) {
        Begin();
        Block(0x1000);
        Entry(HIGHLOW, 0);
        Entry(IMAGE_REL_BASED_ABSOLUTE, 0);
        SeedPut(Directory, 4, 4, Lengths[Index]);
        CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, Build());
    }
    Begin();
    Block(0x1000);
    Put(4, 0); /* half a block behind it */
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, Build());
}

static NTSTATUS BuildTwo(ULONG TypeA, ULONG RvaA, ULONG TypeB, ULONG RvaB)
{
    Begin();
    Block(RvaA);
    Entry(TypeA, 0);
    Block(RvaB);
    Entry(TypeB, 0);
    return Build();
}

TEST(BuildRelocations_refuses_words_that_share_a_byte)
{
    ULONG Rva;

    for (Rva = 0x1FFA; Rva <= 0x2006; Rva++) {
        BOOLEAN Apart = Rva + 4 <= 0x2000 || Rva >= 0x2004;

        CHECK_EQUAL(Apart ? STATUS_SUCCESS : STATUS_INVALID_IMAGE_FORMAT,
                    BuildTwo(HIGHLOW, 0x2000, HIGHLOW, Rva));
        CHECK_EQUAL(Apart ? STATUS_SUCCESS : STATUS_INVALID_IMAGE_FORMAT,
                    BuildTwo(HIGHLOW, Rva, HIGHLOW, 0x2000));
    }
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, BuildTwo(HIGHLOW, 0x1FFE, LOW, 0x2001));
    CHECK_EQUAL(STATUS_SUCCESS, BuildTwo(HIGHLOW, 0x1FFE, LOW, 0x2002));
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, BuildTwo(HIGHLOW, 0x1FFE, HIGHLOW, 0x1FFF));
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, BuildTwo(LOW, 0x1FFF, LOW, 0x1FFF));
}

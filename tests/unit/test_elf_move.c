/* SPDX-License-Identifier: MIT */
/*
 * test_elf_move.c - the seed image moves as a whole; each way of breaking its relocations is
 * refused before a byte has changed.
 */
#include "efi/elf_move.h"

#include "seed_elf.h"
#include "test.h"

#include <string.h>

#define DELTA 0x50000000u

static UCHAR File[SEED_MOVABLE_BYTES];
static UCHAR Linked[SEED_ELF_PAGES * PAGE_SIZE];
static UCHAR Target[SEED_ELF_PAGES * PAGE_SIZE];
static BL_ELF_IMAGE Image;

/* Moves a copy of the first Bytes that ends where an array ends. */
static NTSTATUS Move(SIZE_T Bytes, const char **Reason)
{
    static UCHAR Room[SEED_MOVABLE_BYTES];
    UCHAR *Copy = Room + SEED_MOVABLE_BYTES - Bytes;

    memcpy(Copy, File, Bytes);
    CHECK_EQUAL(STATUS_SUCCESS,
                BlCheckElf(Copy, Bytes, SEED_ELF_BASE, SEED_ELF_END, &Image, Reason));
    BlCopyElf(Copy, &Image, Linked);
    memcpy(Target, Linked, sizeof(Target));
    return BlMoveElf(Copy, Bytes, DELTA, Target, &Image, Reason);
}

static ULONG Word(const UCHAR *From, ULONG Offset)
{
    ULONG Value;

    memcpy(&Value, From + Offset, sizeof(Value));
    return Value;
}

static void CheckRefusedAt(SIZE_T Bytes, const char *Expected)
{
    const char *Reason = "accepted";
    NTSTATUS Status = Move(Bytes, &Reason);

    CHECK_TEXT(Expected, Reason);
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, Status);
    CHECK_EQUAL(0, memcmp(Linked, Target, sizeof(Target)));
    CHECK_EQUAL(SEED_ELF_BASE, Image.BaseVa);
}

static void CheckRefused(ULONG Offset, ULONG Bytes, ULONG Value, const char *Expected)
{
    SeedMovableElf(File);
    SeedPut(File, Offset, Bytes, Value);
    CheckRefusedAt(SEED_MOVABLE_BYTES, Expected);
}

#define SECTION(Index, Word)    (SEED_MOVABLE_SECTIONS + 40 * (Index) + 4 * (Word))
#define RELOCATION(Index, Word) (SEED_MOVABLE_RELOCATIONS + 8 * (Index) + 4 * (Word))

TEST(MoveElf_adds_to_addresses_and_to_nothing_else)
{
    const char *Reason = "accepted";
    ULONG Offset;

    SeedMovableElf(File);
    CHECK_EQUAL(STATUS_SUCCESS, Move(SEED_MOVABLE_BYTES, &Reason));
    for (Offset = 0; Offset < sizeof(Target); Offset += 4) {
        ULONG Added = Offset == 4 || Offset == 0x3004 ? DELTA : 0;

        CHECK_EQUAL(Word(Linked, Offset) + Added, Word(Target, Offset));
    }
}

TEST(MoveElf_moves_the_description_of_the_image)
{
    const char *Reason = "accepted";

    SeedMovableElf(File);
    CHECK_EQUAL(STATUS_SUCCESS, Move(SEED_MOVABLE_BYTES, &Reason));
    CHECK_EQUAL(SEED_ELF_BASE + DELTA, Image.BaseVa);
    CHECK_EQUAL(SEED_ELF_BASE + DELTA + 0x10, Image.EntryVa);
    CHECK_EQUAL(SEED_ELF_BASE + DELTA + 0x3000, Image.Segments[2].Va);
    CHECK_EQUAL(SEED_ELF_PAGES, Image.Pages);
    CHECK(BlElfPageIsWritable(&Image, 3) && !BlElfPageIsWritable(&Image, 0));
}

TEST(MoveElf_refuses_an_image_without_relocations)
{
    SeedMovableElf(File);
    SeedPut(File, 48, 2, 0); /* no sections at all */
    CheckRefusedAt(SEED_MOVABLE_BYTES, "it was linked without relocations");
    CheckRefused(SECTION(4, 1), 4, 1, "it was linked without relocations");
    CheckRefused(SECTION(4, 7), 4, 5, "it was linked without relocations"); /* debug ones only */
}

TEST(MoveElf_refuses_tables_that_lead_out_of_the_file)
{
    CheckRefused(46, 2, 64, "its section headers have an unknown size");
    CheckRefused(32, 4, 0xFFFFFFFF,
                 "it is truncated: its section headers end behind the end of the file");
    SeedMovableElf(File);
    CheckRefusedAt(SEED_MOVABLE_BYTES - 1,
                   "it is truncated: its section headers end behind the end of the file");
    CheckRefused(SECTION(4, 4), 4, 0xFFFFFFF0,
                 "it is truncated: its relocations or symbols end behind the end of the file");
    CheckRefused(SECTION(3, 5), 4, 0xFFFFFFF0,
                 "it is truncated: its relocations or symbols end behind the end of the file");
    CheckRefused(SECTION(4, 5), 4, 7, "its relocations or symbols have an unknown size");
    CheckRefused(SECTION(4, 9), 4, 12, "its relocations or symbols have an unknown size");
    CheckRefused(SECTION(3, 9), 4, 24, "its relocations or symbols have an unknown size");
}

TEST(MoveElf_refuses_numbers_of_what_is_not_there)
{
    CheckRefused(SECTION(4, 7), 4, 7, "its relocations name a section that it does not have");
    CheckRefused(SECTION(4, 6), 4, 7, "its relocations name a section that it does not have");
    CheckRefused(SECTION(4, 6), 4, 1, "its relocations have no symbols");
    CheckRefused(RELOCATION(0, 1), 4, 4u << 8 | 1,
                 "a relocation names a symbol that it does not have");
}

TEST(MoveElf_refuses_relocations_that_it_does_not_know)
{
    CheckRefused(RELOCATION(1, 1), 4, 1u << 8 | 10, "it has a relocation of an unknown type");
    CheckRefused(RELOCATION(1, 1), 4, 2u << 8 | 2, "it measures a distance to a fixed address");
    CheckRefused(RELOCATION(1, 1), 4, 2u << 8 | 4, "it measures a distance to a fixed address");
    CheckRefused(SECTION(4, 1), 4, 4, "its relocations are of a kind that the i386 does not use");
}

TEST(MoveElf_refuses_to_write_outside_of_what_came_from_the_file)
{
    static const ULONG Bad[] = {0,
                                SEED_ELF_BASE - 1,
                                SEED_ELF_BASE + 0x3D,
                                SEED_ELF_BASE + 0x2000,
                                SEED_ELF_BASE + 0x3005,
                                0xFFFFFFFF};
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Bad); i++) {
        CheckRefused(RELOCATION(4, 0), 4, Bad[i], "a relocation lies outside of its segments");
    }
}

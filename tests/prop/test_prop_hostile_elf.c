/* SPDX-License-Identifier: MIT */
/*
 * test_prop_hostile_elf.c - broken copies of the seed image are refused, or are safe to load.
 */
#include "efi/elf.h"
#include "tests/unit/seed_elf.h"
#include "tests/unit/test.h"

#include <string.h>

#define RANGE_BYTES (SEED_ELF_END - SEED_ELF_BASE)

/* Numbers that stand at the edges of the checks. */
static ULONG EdgeNumber(uint64_t *State)
{
    static const ULONG Edges[] = {0,          1,          2,      3,          7,          0x1000,
                                  0x7FFFFFFF, 0x80000000, 0x158,  0xFFFFFFFF, 0xFFFFF000, 52,
                                  0x2000,     0x8000,     0x7FFF, 0x3000};
    ULONG Edge = Edges[TestRandom(State) % RTL_NUMBER_OF(Edges)];

    switch (TestRandom(State) % 4) {
    case 0:
        return SEED_ELF_BASE + Edge;
    case 1:
        return TestRandom(State);
    default:
        return Edge;
    }
}

/* Break one to four fields of the headers; most other bytes do not matter. */
static void Break(uint64_t *State, UCHAR *File)
{
    ULONG Changes = 1 + TestRandom(State) % 4;

    while (Changes-- != 0) {
        ULONG Field = TestRandom(State) % (SEED_ELF_PROGRAM(SEED_ELF_PROGRAMS) / 4);

        if (TestRandom(State) % 4 == 0) {
            File[4 * Field + TestRandom(State) % 4] ^= 1u << TestRandom(State) % 8;
        } else {
            SeedPut(File, 4 * Field, 4, EdgeNumber(State));
        }
    }
}

static void CheckSegment(const BL_ELF_IMAGE *Image, ULONG Index, SIZE_T Bytes)
{
    const BL_ELF_SEGMENT *Segment = &Image->Segments[Index];

    CHECK(Segment->FileBytes <= Bytes && Segment->FileOffset <= Bytes - Segment->FileBytes);
    CHECK(Segment->MemoryBytes != 0 && Segment->MemoryBytes >= Segment->FileBytes);
    CHECK(Segment->MemoryBytes <= RANGE_BYTES);
    CHECK(Segment->Va >= SEED_ELF_BASE && Segment->Va <= SEED_ELF_END - Segment->MemoryBytes);
    CHECK_EQUAL(0, Segment->Va % PAGE_SIZE);
    CHECK(!(Segment->Write && Segment->Execute));
    if (Index != 0) {
        CHECK(Segment->Va > (Segment[-1].Va + Segment[-1].MemoryBytes - 1) / PAGE_SIZE * PAGE_SIZE);
    }
}

static void CheckImage(const UCHAR *File, SIZE_T Bytes, const BL_ELF_IMAGE *Image)
{
    static UCHAR Expected[RANGE_BYTES];
    static UCHAR Pages[RANGE_BYTES];
    UCHAR *Target = Pages + RANGE_BYTES - Image->Pages * PAGE_SIZE; /* ends where the array ends */
    ULONG Index;

    CHECK(Image->SegmentCount != 0 && Image->SegmentCount <= BL_ELF_SEGMENTS);
    CHECK_EQUAL(Image->BaseVa, Image->Segments[0].Va);
    memset(Expected, 0, Image->Pages * PAGE_SIZE);
    for (Index = 0; Index < Image->SegmentCount; Index++) {
        CheckSegment(Image, Index, Bytes);
        memcpy(Expected + (Image->Segments[Index].Va - Image->BaseVa),
               File + Image->Segments[Index].FileOffset, Image->Segments[Index].FileBytes);
    }
    memset(Target, 0xCC, Image->Pages * PAGE_SIZE);
    BlCopyElf(File, Image, Target);
    CHECK_EQUAL(0, memcmp(Expected, Target, Image->Pages * PAGE_SIZE));
}

TEST(Hostile_kernel_images_are_refused_or_safe_to_load)
{
    uint64_t State = TestSeed();
    uint64_t Rounds = TestRounds(100000);
    uint64_t Accepted = 0;
    uint64_t Total = Rounds;

    while (Rounds-- != 0) {
        SIZE_T Bytes = SEED_ELF_BYTES;
        static UCHAR Seed[SEED_ELF_BYTES];
        const char *Reason = NULL;
        BL_ELF_IMAGE Image;
        UCHAR *File;

        SeedElf(Seed);
        Break(&State, Seed);
        if (TestRandom(&State) % 16 == 0) {
            Bytes = TestRandom(&State) % SEED_ELF_BYTES;
        }
        File = Seed + SEED_ELF_BYTES - Bytes; /* the sanitizer watches what follows the array */
        memmove(File, Seed, Bytes);
        if (BlCheckElf(File, Bytes, SEED_ELF_BASE, SEED_ELF_END, &Image, &Reason) ==
            STATUS_SUCCESS) {
            CHECK(Image.Pages != 0 && Image.Pages <= RANGE_BYTES / PAGE_SIZE);
            CheckImage(File, Bytes, &Image);
            Accepted++;
        } else {
            CHECK(Reason != NULL && Reason[0] != 0);
        }
    }
    CHECK(Accepted > Total / 100 && Accepted < Total); /* both ways were really taken */
}

/* SPDX-License-Identifier: MIT */
/*
 * test_elf.c - the seed image is accepted; each way of breaking it is refused for its own reason.
 */
#include "efi/elf.h"
#include "seed_elf.h"
#include "test.h"

#include <string.h>

static UCHAR File[SEED_ELF_BYTES];
static BL_ELF_IMAGE Image;

/* Checks a copy that ends where an array ends, so that the sanitizer sees a read behind it. */
static NTSTATUS CheckBytes(SIZE_T Bytes, const char **Reason)
{
    static UCHAR Room[SEED_ELF_BYTES];
    UCHAR *Copy = Room + SEED_ELF_BYTES - Bytes;

    memcpy(Copy, File, Bytes);
    return BlCheckElf(Copy, Bytes, SEED_ELF_BASE, SEED_ELF_END, &Image, Reason);
}

static void CheckAccepted(void)
{
    const char *Reason = "accepted";
    NTSTATUS Status = CheckBytes(SEED_ELF_BYTES, &Reason);

    CHECK_TEXT("accepted", Reason);
    CHECK_EQUAL(STATUS_SUCCESS, Status);
}

static void CheckRefused(const char *Expected)
{
    const char *Reason = "accepted";
    NTSTATUS Status;

    memset(&Image, 0xCC, sizeof(Image));
    Status = CheckBytes(SEED_ELF_BYTES, &Reason);
    CHECK_TEXT(Expected, Reason);
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, Status);
    CHECK_EQUAL(0xCCCCCCCCu, Image.EntryVa);
}

/* The seed with one field changed. */
static void Change(ULONG Offset, ULONG Bytes, ULONG Value)
{
    SeedElf(File);
    SeedPut(File, Offset, Bytes, Value);
}

static void ChangeProgram(ULONG Index, ULONG Field, ULONG Value)
{
    Change(SEED_ELF_PROGRAM(Index) + Field, 4, Value);
}

TEST(CheckElf_describes_a_valid_image)
{
    SeedElf(File);
    CheckAccepted();
    CHECK_EQUAL(SEED_ELF_BASE + 0x10, Image.EntryVa);
    CHECK_EQUAL(SEED_ELF_BASE, Image.BaseVa);
    CHECK_EQUAL(SEED_ELF_PAGES, Image.Pages);
    CHECK_EQUAL(3, Image.SegmentCount);
    CHECK_EQUAL(SEED_ELF_BASE + 0x3000, Image.Segments[2].Va);
    CHECK_EQUAL(0x150, Image.Segments[2].FileOffset);
    CHECK_EQUAL(8, Image.Segments[2].FileBytes);
    CHECK_EQUAL(0x1800, Image.Segments[2].MemoryBytes);
    CHECK(Image.Segments[0].Execute && !Image.Segments[0].Write);
    CHECK(!Image.Segments[1].Execute && !Image.Segments[1].Write);
    CHECK(!Image.Segments[2].Execute && Image.Segments[2].Write);
}

TEST(CheckElf_refuses_other_kinds_of_files)
{
    Change(0, 1, 'M');
    CheckRefused("it is not an ELF file");
    Change(3, 1, 'f');
    CheckRefused("it is not an ELF file");
    Change(4, 1, 2);
    CheckRefused("it is not a 32-bit ELF file");
    Change(5, 1, 2);
    CheckRefused("it is not little-endian");
    Change(6, 1, 0);
    CheckRefused("its ELF version is not 1");
    Change(20, 4, 2);
    CheckRefused("its ELF version is not 1");
    Change(16, 2, 3);
    CheckRefused("it is not an executable (ET_EXEC)");
    Change(18, 2, 62);
    CheckRefused("it is not for the i386");
}

TEST(CheckElf_refuses_unknown_header_sizes)
{
    Change(40, 2, 64);
    CheckRefused("its headers have an unknown size");
    Change(42, 2, 56);
    CheckRefused("its headers have an unknown size");
}

TEST(CheckElf_refuses_a_program_header_table_outside_the_file)
{
    Change(44, 2, 0);
    CheckRefused("it has no program headers");
    Change(44, 2, 33);
    CheckRefused("it has more than 32 program headers");
    Change(28, 4, 51);
    CheckRefused("its program headers overlap the file header");
    Change(28, 4, SEED_ELF_BYTES - 4 * 32 + 1);
    CheckRefused("it is truncated: its program headers end behind the end of the file");
    Change(28, 4, 0xFFFFFFE0);
    CheckRefused("it is truncated: its program headers end behind the end of the file");
}

TEST(CheckElf_refuses_every_truncation_of_a_valid_file)
{
    const char *Reason;
    SIZE_T Bytes;

    SeedElf(File);
    for (Bytes = 0; Bytes < SEED_ELF_BYTES; Bytes++) {
        CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, CheckBytes(Bytes, &Reason));
        CHECK_TEXT(Bytes < 52                    ? "it is too short for an ELF file"
                   : Bytes < SEED_ELF_PROGRAM(4) ? "it is truncated: its program headers end "
                                                   "behind the end of the file"
                                                 : "it is truncated: a segment ends behind the "
                                                   "end of the file",
                   Reason);
    }
}

TEST(CheckElf_refuses_a_segment_whose_file_range_wraps)
{
    ChangeProgram(SEED_ELF_DATA, SEED_ELF_FILE_OFFSET, 0xFFFFFFF8);
    CheckRefused("it is truncated: a segment ends behind the end of the file");
    ChangeProgram(SEED_ELF_DATA, SEED_ELF_FILE_BYTES, 9);
    CheckRefused("it is truncated: a segment ends behind the end of the file");
}

TEST(CheckElf_refuses_a_segment_that_is_empty_or_longer_in_the_file)
{
    ChangeProgram(SEED_ELF_CONSTANTS, SEED_ELF_MEMORY_BYTES, 0);
    CheckRefused("a segment is empty");
    ChangeProgram(SEED_ELF_CONSTANTS, SEED_ELF_MEMORY_BYTES, 0xF);
    CheckRefused("a segment is longer in the file than in memory");
}

TEST(CheckElf_refuses_a_segment_off_a_page_boundary)
{
    ChangeProgram(SEED_ELF_CONSTANTS, SEED_ELF_VA, SEED_ELF_BASE + 0x1001);
    CheckRefused("a segment does not start on a page boundary");
    ChangeProgram(SEED_ELF_CONSTANTS, SEED_ELF_VA, SEED_ELF_BASE + 0x1800);
    CheckRefused("a segment does not start on a page boundary");
}

TEST(CheckElf_refuses_a_segment_outside_the_permitted_addresses)
{
    static const char Outside[] = "a segment lies outside the kernel's address range";

    ChangeProgram(SEED_ELF_TEXT, SEED_ELF_VA, SEED_ELF_BASE - 0x1000);
    CheckRefused(Outside);
    ChangeProgram(SEED_ELF_DATA, SEED_ELF_VA, SEED_ELF_END - 0x1000);
    CheckRefused(Outside);
    ChangeProgram(SEED_ELF_DATA, SEED_ELF_MEMORY_BYTES, SEED_ELF_END - SEED_ELF_BASE - 0x3000 + 1);
    CheckRefused(Outside);
    ChangeProgram(SEED_ELF_DATA, SEED_ELF_MEMORY_BYTES, 0xFFFFFFFF);
    CheckRefused(Outside);
}

TEST(CheckElf_accepts_a_segment_that_ends_where_the_range_ends)
{
    ChangeProgram(SEED_ELF_DATA, SEED_ELF_MEMORY_BYTES, SEED_ELF_END - SEED_ELF_BASE - 0x3000);
    CheckAccepted();
    CHECK_EQUAL(8, Image.Pages);
}

TEST(CheckElf_refuses_segments_that_descend_or_share_a_page)
{
    static const char Order[] = "its segments are not in ascending order, or share a page";

    ChangeProgram(SEED_ELF_CONSTANTS, SEED_ELF_VA, SEED_ELF_BASE);
    CheckRefused(Order);
    ChangeProgram(SEED_ELF_DATA, SEED_ELF_VA, SEED_ELF_BASE);
    CheckRefused(Order);
    ChangeProgram(SEED_ELF_TEXT, SEED_ELF_MEMORY_BYTES, 0x1001);
    CheckRefused(Order);
    ChangeProgram(SEED_ELF_TEXT, SEED_ELF_MEMORY_BYTES, 0x1000);
    CheckAccepted();
}

TEST(CheckElf_refuses_a_segment_that_is_writable_and_executable)
{
    ChangeProgram(SEED_ELF_DATA, SEED_ELF_FLAGS, 7);
    CheckRefused("a segment is both writable and executable");
    ChangeProgram(SEED_ELF_DATA, SEED_ELF_FLAGS, 3);
    CheckRefused("a segment is both writable and executable");
}

TEST(CheckElf_wants_the_entry_in_an_executable_segment)
{
    static const char Entry[] = "its entry point is not in an executable segment";

    Change(24, 4, SEED_ELF_BASE + 0x1000);
    CheckRefused(Entry);
    Change(24, 4, SEED_ELF_BASE + 0x40);
    CheckRefused(Entry);
    Change(24, 4, SEED_ELF_BASE - 1);
    CheckRefused(Entry);
    Change(24, 4, 0);
    CheckRefused(Entry);
    Change(24, 4, SEED_ELF_BASE + 0x3F);
    CheckAccepted();
    Change(24, 4, SEED_ELF_BASE);
    CheckAccepted();
}

TEST(CheckElf_refuses_what_needs_a_dynamic_linker_or_thread_storage)
{
    ChangeProgram(SEED_ELF_NOTE, SEED_ELF_TYPE, 2);
    CheckRefused("it needs a dynamic linker");
    ChangeProgram(SEED_ELF_NOTE, SEED_ELF_TYPE, 3);
    CheckRefused("it needs a dynamic linker");
    ChangeProgram(SEED_ELF_NOTE, SEED_ELF_TYPE, 7);
    CheckRefused("it uses thread-local storage");
}

TEST(CheckElf_ignores_headers_that_load_nothing)
{
    ChangeProgram(SEED_ELF_NOTE, SEED_ELF_TYPE, 0x6474E551); /* PT_GNU_STACK */
    CheckAccepted();
    ChangeProgram(SEED_ELF_NOTE, SEED_ELF_FILE_OFFSET, 0xFFFFFFFF);
    CheckAccepted();
}

TEST(CheckElf_wants_one_to_eight_segments)
{
    UCHAR Big[0x300] = {0};
    const char *Reason = "accepted";
    ULONG Index;

    Change(44, 2, 1);
    SeedPut(File, SEED_ELF_PROGRAM(0), 4, 4);
    CheckRefused("it has no segment to load");

    SeedElf(File);
    memcpy(Big, File, SEED_ELF_PROGRAM(1));
    for (Index = 1; Index < 9; Index++) {
        memcpy(Big + SEED_ELF_PROGRAM(Index), Big + SEED_ELF_PROGRAM(0), 32);
        SeedPut(Big, SEED_ELF_PROGRAM(Index) + SEED_ELF_VA, 4, SEED_ELF_BASE + 0x1000 * Index);
    }
    SeedPut(Big, 44, 2, 8);
    CHECK_EQUAL(STATUS_SUCCESS, BlCheckElf(Big, sizeof(Big), SEED_ELF_BASE, SEED_ELF_END + 0x1000,
                                           &Image, &Reason));
    CHECK_EQUAL(8, Image.SegmentCount);
    SeedPut(Big, 44, 2, 9);
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, BlCheckElf(Big, sizeof(Big), SEED_ELF_BASE,
                                                        SEED_ELF_END + 0x1000, &Image, &Reason));
    CHECK_TEXT("it has more than 8 segments", Reason);
}

TEST(CopyElf_writes_every_byte_of_every_page)
{
    static UCHAR Target[SEED_ELF_PAGES * PAGE_SIZE];
    ULONG Offset;

    SeedElf(File);
    CheckAccepted();
    memset(Target, 0xCC, sizeof(Target));
    BlCopyElf(File, &Image, Target);
    for (Offset = 0; Offset < sizeof(Target); Offset++) {
        UCHAR Expected = 0;

        if (Offset < 0x40) {
            Expected = File[0x100 + Offset];
        } else if (Offset >= 0x1000 && Offset < 0x1010) {
            Expected = File[0x140 + Offset - 0x1000];
        } else if (Offset >= 0x3000 && Offset < 0x3008) {
            Expected = File[0x150 + Offset - 0x3000];
        }
        CHECK_EQUAL(Expected, Target[Offset]);
    }
}

TEST(ElfPageIsWritable_for_pages_of_writable_segments_only)
{
    SeedElf(File);
    CheckAccepted();
    CHECK(!BlElfPageIsWritable(&Image, 0));
    CHECK(!BlElfPageIsWritable(&Image, 1));
    CHECK(!BlElfPageIsWritable(&Image, 2));
    CHECK(BlElfPageIsWritable(&Image, 3));
    CHECK(BlElfPageIsWritable(&Image, 4));
    CHECK(!BlElfPageIsWritable(&Image, 5));
    CHECK(!BlElfPageIsWritable(&Image, 0xFFFFFFFF));
}

TEST(ElfPageIsWritable_looks_at_the_first_segment_too)
{
    SeedElf(File);
    SeedPut(File, SEED_ELF_PROGRAM(SEED_ELF_TEXT) + SEED_ELF_FLAGS, 4, 6);
    SeedPut(File, SEED_ELF_PROGRAM(SEED_ELF_CONSTANTS) + SEED_ELF_FLAGS, 4, 5);
    SeedPut(File, 24, 4, SEED_ELF_BASE + 0x1000);
    CheckAccepted();
    CHECK(BlElfPageIsWritable(&Image, 0));
    CHECK(!BlElfPageIsWritable(&Image, 1));
}

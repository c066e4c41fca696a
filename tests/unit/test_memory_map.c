/* SPDX-License-Identifier: MIT */
/*
 * test_memory_map.c - firmware maps and run lists as pictures (run_picture.h).
 *
 * In the pictures of firmware maps a line is a descriptor and a letter its EFI type; 'l' is
 * loader data, 'r' reserved, '?' a number that no specification knows.
 */
#include "efi/memory_map.h"
#include "run_picture.h"
#include "test.h"

#include <string.h>

#define CAPACITY 32

/* EFI_MEMORY_DESCRIPTOR with the 8 bytes that OVMF appends. */
typedef struct _DESCRIPTOR {
    ULONG Type;
    ULONG Pad;
    ULONG64 PhysicalStart;
    ULONG64 VirtualStart;
    ULONG64 NumberOfPages;
    ULONG64 Attribute;
    ULONG64 Appended;
} DESCRIPTOR;

static LOADER_MEMORY_RUN Runs[CAPACITY];
static ULONG Count;

static ULONG EfiType(char Letter)
{
    static const char Letters[] = "rl.etPPFBANI";
    const char *Found = strchr(Letters, Letter);

    return Found != NULL ? (ULONG)(Found - Letters) : 0x80000001u;
}

static DESCRIPTOR Descriptor(char Letter, ULONG64 Page, ULONG64 Pages)
{
    DESCRIPTOR New = {EfiType(Letter), 0xCCCCCCCCu, Page << PAGE_SHIFT, 0,
                      Pages,           0xF,         0xDDDDDDDDDDDDDDDDu};

    return New;
}

/* One line of a picture: dots, then the descriptor's pages. */
static DESCRIPTOR DescriptorOfLine(const char *Line, ULONG64 FirstPage)
{
    SIZE_T Dots = strspn(Line, ".");

    return Descriptor(Line[Dots], FirstPage + Dots, strlen(Line + Dots));
}

static NTSTATUS Build(const DESCRIPTOR *Map, ULONG Descriptors)
{
    return BlBuildMemoryRuns(Map, Descriptors * sizeof(*Map), sizeof(*Map), Runs, CAPACITY, &Count);
}

static void CheckRuns(const char *Expected, ULONG64 FirstPage)
{
    char Picture[PICTURE_PAGES + 1];

    CHECK(BlVerifyMemoryRuns(Runs, Count));
    DrawRuns(Picture, FirstPage, Runs, Count);
    CHECK_TEXT(Expected, Picture);
}

static void CheckMapAt(ULONG64 FirstPage, const char *Expected, const char *const *Lines)
{
    DESCRIPTOR Map[CAPACITY];
    ULONG Descriptors = 0;

    while (Lines[Descriptors] != NULL) {
        Map[Descriptors] = DescriptorOfLine(Lines[Descriptors], FirstPage);
        Descriptors++;
    }
    CHECK_EQUAL(STATUS_SUCCESS, Build(Map, Descriptors));
    CheckRuns(Expected, FirstPage);
}

#define CHECK_MAP(Expected, ...) CheckMapAt(0, Expected, (const char *const[]){__VA_ARGS__, NULL})
#define CHECK_MAP_AT(FirstPage, Expected, ...)                                                     \
    CheckMapAt(FirstPage, Expected, (const char *const[]){__VA_ARGS__, NULL})

/* Make Runs what a picture shows. */
static void SetRuns(const char *Picture)
{
    SIZE_T Page;

    Count = 0;
    memset(Runs, 0xCC, sizeof(Runs));
    for (Page = 0; Picture[Page] != 0; Page++) {
        if (Picture[Page] == '.') {
            continue;
        }
        if (Page != 0 && Picture[Page] == Picture[Page - 1]) {
            Runs[Count - 1].PageCount++;
            continue;
        }
        Runs[Count].BasePage = Page;
        Runs[Count].PageCount = 1;
        Runs[Count].Type = PictureType(Picture[Page]);
        Runs[Count].Reserved = 0;
        Count++;
    }
    CHECK(BlVerifyMemoryRuns(Runs, Count));
}

TEST(BuildMemoryRuns_translates_every_EFI_type)
{
    CHECK_MAP("PtttttPPFBANI", "r", ".l", "..l", "...e", "....t", ".....t", "......P", ".......P",
              "........F", ".........B", "..........A", "...........N", "............I");
}

TEST(BuildMemoryRuns_takes_loader_code_ports_and_PAL_code_for_what_they_are)
{
    DESCRIPTOR Map[] = {Descriptor('r', 0, 1), Descriptor('r', 1, 1), Descriptor('r', 2, 1),
                        Descriptor('r', 3, 1)};

    Map[0].Type = 1;  /* EfiLoaderCode */
    Map[1].Type = 12; /* EfiMemoryMappedIOPortSpace */
    Map[2].Type = 13; /* EfiPalCode */
    Map[3].Type = 14; /* EfiPersistentMemory */
    CHECK_EQUAL(STATUS_SUCCESS, Build(Map, 4));
    CheckRuns("tIPP", 0);
}

TEST(BuildMemoryRuns_never_touches_memory_of_an_unknown_type)
{
    CHECK_MAP("FFPPFF", "FF", "..??", "....FF");
}

TEST(BuildMemoryRuns_sorts_and_merges)
{
    CHECK_MAP("FFFFttFF", "......FF", "....tt", "FF", "..FF");
    CHECK_EQUAL(3, Count);
}

TEST(BuildMemoryRuns_leaves_gaps_as_gaps)
{
    CHECK_MAP("FF...FF", "FF", ".....FF");
    CHECK_EQUAL(2, Count);
}

TEST(BuildMemoryRuns_gives_overlaps_to_the_most_restrictive_type)
{
    CHECK_MAP("FttttF", "FFFFFF", ".tttt");
    CHECK_MAP("FtAAtF", "..AA", "FFFFFF", ".tttt");
    CHECK_MAP("FANPIBIPNAF", "FFFFFFFFFFF", ".AAAAAAAAA", "..NNNNNNN", "...PPPPP", "....III",
              ".....B");
    CHECK_MAP("BBIIPPNNAAttFF", "BB", "IIII", "PPPPPP", "NNNNNNNN", "AAAAAAAAAA", "tttttttttttt",
              "FFFFFFFFFFFFFF");
}

TEST(BuildMemoryRuns_takes_RAM_that_runtime_services_need_as_permanent)
{
    DESCRIPTOR Map[] = {Descriptor('F', 0, 4), Descriptor('F', 4, 2)};

    Map[1].Attribute |= (ULONG64)1 << 63; /* EFI_MEMORY_RUNTIME */
    CHECK_EQUAL(STATUS_SUCCESS, Build(Map, 2));
    CheckRuns("FFFFPP", 0);
}

TEST(BuildMemoryRuns_ignores_descriptors_without_pages)
{
    DESCRIPTOR Map[] = {Descriptor('F', 0, 4), Descriptor('B', 2, 0), Descriptor('P', 9, 0)};

    Map[2].PhysicalStart += 8;
    CHECK_EQUAL(STATUS_SUCCESS, Build(Map, 3));
    CheckRuns("FFFF", 0);
}

TEST(BuildMemoryRuns_shrinks_unaligned_RAM_and_grows_unaligned_firmware)
{
    DESCRIPTOR Map[] = {Descriptor('F', 0, 3), Descriptor('P', 4, 2), Descriptor('F', 8, 1)};

    Map[0].PhysicalStart += 0x10; /* byte 10 to 3010: whole pages 1 and 2 */
    Map[1].PhysicalStart += 0xFFF;
    Map[2].PhysicalStart += 1; /* no whole page at all */
    CHECK_EQUAL(STATUS_SUCCESS, Build(Map, 3));
    CheckRuns(".FF.PPP", 0);
}

TEST(BuildMemoryRuns_splits_RAM_at_4_GB)
{
    CHECK_MAP_AT(BL_HIGH_PAGE - 4, "FFtthhhh", "FFFFFF", "..tttttt");
    CHECK_EQUAL(3, Count);
    CHECK_EQUAL(4, BlCountPages(Runs, Count, LoaderUnusableHigh));
}

TEST(BuildMemoryRuns_keeps_other_types_above_4_GB)
{
    CHECK_MAP_AT(BL_HIGH_PAGE - 2, "IIIIhAPB", "IIII", "....F", ".....A", "......P", ".......B");
    CHECK_EQUAL(5, Count);
}

TEST(BuildMemoryRuns_cuts_a_wrapping_range_and_ignores_wrapping_RAM)
{
    DESCRIPTOR Map[] = {Descriptor('P', BL_END_PAGE - 3, 9), Descriptor('F', BL_END_PAGE - 8, 9),
                        Descriptor('F', 2, ~(ULONG64)0), Descriptor('I', 1, ~(ULONG64)0)};

    CHECK_EQUAL(STATUS_SUCCESS, Build(Map, 3));
    CHECK_EQUAL(1, Count);
    CheckRuns("PPP", BL_END_PAGE - 3);
    CHECK_EQUAL(STATUS_SUCCESS, Build(Map, 4));
    CHECK_EQUAL(1, Count);
    CHECK_EQUAL(1, Runs[0].BasePage);
    CHECK_EQUAL(BL_END_PAGE - 1, Runs[0].PageCount);
}

TEST(BuildMemoryRuns_cuts_an_unaligned_range_at_the_end_of_the_address_space)
{
    DESCRIPTOR Map[] = {Descriptor('P', BL_END_PAGE - 1, 1), Descriptor('F', BL_END_PAGE - 2, 2)};

    Map[0].PhysicalStart += 0xFFF;
    Map[1].PhysicalStart += 0xFFF;
    CHECK_EQUAL(STATUS_SUCCESS, Build(Map, 2));
    CHECK_EQUAL(1, Count);
    CheckRuns(".P", BL_END_PAGE - 2);
}

TEST(BuildMemoryRuns_honours_any_stride_and_alignment)
{
    DESCRIPTOR Source[] = {Descriptor('F', 0, 2), Descriptor('P', 3, 1)};
    UCHAR Map[1 + 2 * 61];
    SIZE_T Stride;

    for (Stride = 40; Stride <= 61; Stride++) {
        memset(Map, 0xEE, sizeof(Map));
        memcpy(Map + 1, &Source[0], 40);
        memcpy(Map + 1 + Stride, &Source[1], 40);
        CHECK_EQUAL(STATUS_SUCCESS,
                    BlBuildMemoryRuns(Map + 1, 2 * Stride, Stride, Runs, CAPACITY, &Count));
        CheckRuns("FF.P", 0);
    }
}

TEST(BuildMemoryRuns_refuses_a_malformed_map)
{
    DESCRIPTOR Map[] = {Descriptor('F', 0, 2), Descriptor('P', 3, 1)};

    Count = 77;
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, BlBuildMemoryRuns(Map, 0, 48, Runs, CAPACITY, &Count));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, BlBuildMemoryRuns(Map, 78, 39, Runs, CAPACITY, &Count));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, BlBuildMemoryRuns(Map, 0, 0, Runs, CAPACITY, &Count));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, BlBuildMemoryRuns(Map, 95, 48, Runs, CAPACITY, &Count));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, BlBuildMemoryRuns(Map, 47, 48, Runs, CAPACITY, &Count));
    CHECK_EQUAL(77, Count);
}

TEST(BuildMemoryRuns_needs_room_for_the_merged_runs_only)
{
    DESCRIPTOR Map[] = {Descriptor('F', 0, 1), Descriptor('F', 2, 1), Descriptor('F', 1, 1),
                        Descriptor('P', 3, 1)};

    CHECK_EQUAL(STATUS_SUCCESS, BlBuildMemoryRuns(Map, sizeof(Map), sizeof(*Map), Runs, 2, &Count));
    CheckRuns("FFFP", 0);
    Count = 77;
    CHECK_EQUAL(STATUS_BUFFER_TOO_SMALL,
                BlBuildMemoryRuns(Map, sizeof(Map), sizeof(*Map), Runs, 1, &Count));
    CHECK_EQUAL(77, Count);
}

TEST(ClaimRange_splits_the_run_that_it_claims_from)
{
    SetRuns("FFFFFFFF");
    CHECK_EQUAL(STATUS_SUCCESS, BlClaimRange(Runs, CAPACITY, &Count, 2, 3, LoaderSystemCode));
    CheckRuns("FFKKKFFF", 0);
    CHECK_EQUAL(3, Count);
}

TEST(ClaimRange_claims_across_free_and_temporary_runs_and_merges)
{
    SetRuns("PFFttFFDD");
    CHECK_EQUAL(STATUS_SUCCESS, BlClaimRange(Runs, CAPACITY, &Count, 1, 6, LoaderBootData));
    CheckRuns("PDDDDDDDD", 0);
    CHECK_EQUAL(2, Count);
}

TEST(ClaimRange_can_give_temporary_memory_back)
{
    SetRuns("FFttFF");
    CHECK_EQUAL(STATUS_SUCCESS, BlClaimRange(Runs, CAPACITY, &Count, 2, 2, LoaderFree));
    CheckRuns("FFFFFF", 0);
    CHECK_EQUAL(1, Count);
}

static void CheckClaimIsRefused(NTSTATUS Expected, ULONG64 BasePage, ULONG64 Pages, ULONG Type)
{
    CHECK_EQUAL(Expected, BlClaimRange(Runs, CAPACITY, &Count, BasePage, Pages, Type));
    CheckRuns("FFFPtt.FF", 0);
}

TEST(ClaimRange_refuses_what_is_not_all_RAM_and_changes_nothing)
{
    SetRuns("FFFPtt.FF");
    CheckClaimIsRefused(STATUS_CONFLICTING_ADDRESSES, 2, 2, LoaderBootData);
    CheckClaimIsRefused(STATUS_CONFLICTING_ADDRESSES, 3, 1, LoaderBootData);
    CheckClaimIsRefused(STATUS_CONFLICTING_ADDRESSES, 5, 2, LoaderBootData);
    CheckClaimIsRefused(STATUS_CONFLICTING_ADDRESSES, 6, 1, LoaderBootData);
    CheckClaimIsRefused(STATUS_CONFLICTING_ADDRESSES, 7, 3, LoaderBootData);
    CheckClaimIsRefused(STATUS_CONFLICTING_ADDRESSES, 100, 1, LoaderBootData);
    CheckClaimIsRefused(STATUS_CONFLICTING_ADDRESSES, 0, ~(ULONG64)0, LoaderBootData);
    CheckClaimIsRefused(STATUS_CONFLICTING_ADDRESSES, ~(ULONG64)0, 2, LoaderBootData);
    CheckClaimIsRefused(STATUS_INVALID_PARAMETER, 0, 0, LoaderBootData);
    CheckClaimIsRefused(STATUS_INVALID_PARAMETER, 0, 1, LOADER_MEMORY_TYPES);
}

TEST(ClaimRange_wants_room_for_two_more_runs)
{
    SetRuns("FFFF");
    CHECK_EQUAL(STATUS_BUFFER_TOO_SMALL, BlClaimRange(Runs, 2, &Count, 1, 1, LoaderBootData));
    CheckRuns("FFFF", 0);
    CHECK_EQUAL(STATUS_SUCCESS, BlClaimRange(Runs, 3, &Count, 1, 1, LoaderBootData));
    CheckRuns("FDFF", 0);
}

/* Runs in units of 1 MB, so that /MAXMEM and /BURNMEMORY can be drawn. */
static void SetMegabytes(const char *Picture)
{
    ULONG Index;

    SetRuns(Picture);
    for (Index = 0; Index < Count; Index++) {
        Runs[Index].BasePage *= 256;
        Runs[Index].PageCount *= 256;
    }
}

static void CheckMegabytes(const char *Expected)
{
    LOADER_MEMORY_RUN Scaled[CAPACITY];
    char Picture[PICTURE_PAGES + 1];
    ULONG Index;

    CHECK(BlVerifyMemoryRuns(Runs, Count));
    for (Index = 0; Index < Count; Index++) {
        CHECK_EQUAL(0, Runs[Index].BasePage % 256);
        CHECK_EQUAL(0, Runs[Index].PageCount % 256);
        Scaled[Index] = Runs[Index];
        Scaled[Index].BasePage /= 256;
        Scaled[Index].PageCount /= 256;
    }
    DrawRuns(Picture, 0, Scaled, Count);
    CHECK_TEXT(Expected, Picture);
}

TEST(LimitMemory_without_limits_changes_nothing)
{
    SetMegabytes("FFPttF");
    CHECK_EQUAL(STATUS_SUCCESS, BlLimitMemory(Runs, CAPACITY, &Count, 0, 0));
    CheckMegabytes("FFPttF");
}

TEST(LimitMemory_MAXMEM_goes_by_address_and_ignores_holes)
{
    SetMegabytes("FF..tttFFPNFFKF");
    CHECK_EQUAL(STATUS_SUCCESS, BlLimitMemory(Runs, CAPACITY, &Count, 6, 0));
    CheckMegabytes("FF..ttxxxPNxxKx");
}

TEST(LimitMemory_MAXMEM_beyond_all_RAM_changes_nothing)
{
    SetMegabytes("FFPF");
    CHECK_EQUAL(STATUS_SUCCESS, BlLimitMemory(Runs, CAPACITY, &Count, 0xFFFFFFFF, 0));
    CheckMegabytes("FFPF");
}

TEST(LimitMemory_BURNMEMORY_counts_RAM_from_the_top_down)
{
    SetMegabytes("FFFF..ttPFDF");
    CHECK_EQUAL(STATUS_SUCCESS, BlLimitMemory(Runs, CAPACITY, &Count, 0, 3));
    CheckMegabytes("FFFF..txPxDx");
    CHECK_EQUAL(STATUS_SUCCESS, BlLimitMemory(Runs, CAPACITY, &Count, 0, 3));
    CheckMegabytes("FFxx..xxPxDx");
}

TEST(LimitMemory_BURNMEMORY_takes_all_when_there_is_less)
{
    SetMegabytes("FFPtt");
    CHECK_EQUAL(STATUS_SUCCESS, BlLimitMemory(Runs, CAPACITY, &Count, 0, 0xFFFFFFFF));
    CheckMegabytes("xxPxx");
}

TEST(LimitMemory_burns_below_what_MAXMEM_left)
{
    SetMegabytes("FFFFFFFF");
    CHECK_EQUAL(STATUS_SUCCESS, BlLimitMemory(Runs, CAPACITY, &Count, 5, 2));
    CheckMegabytes("FFFxxxxx");
    CHECK_EQUAL(2, Count);
}

TEST(LimitMemory_does_not_count_RAM_above_4_GB)
{
    DESCRIPTOR Map[] = {Descriptor('F', 0, 512), Descriptor('F', BL_HIGH_PAGE, 1024)};

    CHECK_EQUAL(STATUS_SUCCESS, Build(Map, 2));
    CHECK_EQUAL(STATUS_SUCCESS, BlLimitMemory(Runs, CAPACITY, &Count, 0, 1));
    CHECK_EQUAL(256, BlCountPages(Runs, Count, LoaderFree));
    CHECK_EQUAL(256, BlCountPages(Runs, Count, LoaderMaxMemory));
    CHECK_EQUAL(1024, BlCountPages(Runs, Count, LoaderUnusableHigh));
}

TEST(LimitMemory_wants_room_for_two_more_runs)
{
    SetMegabytes("FFFFFF");
    CHECK_EQUAL(STATUS_BUFFER_TOO_SMALL, BlLimitMemory(Runs, 2, &Count, 4, 1));
    CheckMegabytes("FFFFFF");
    CHECK_EQUAL(STATUS_SUCCESS, BlLimitMemory(Runs, 3, &Count, 4, 1));
    CheckMegabytes("FFFxxx");
}

/* The runs' letters at the pages where something changes. */
static void CheckLow(const char *Expected)
{
    static const ULONG Pages[] = {0, 1, 0x9E, 0x9F, 0xA0, 0xFF, 0x100};
    char Found[RTL_NUMBER_OF(Pages) + 1] = {0};
    ULONG Page;
    ULONG Index;

    CHECK(BlVerifyMemoryRuns(Runs, Count));
    for (Page = 0; Page < RTL_NUMBER_OF(Pages); Page++) {
        Found[Page] = '.';
        for (Index = 0; Index < Count; Index++) {
            if (Pages[Page] - Runs[Index].BasePage < Runs[Index].PageCount) {
                Found[Page] = PictureLetter(Runs[Index].Type);
            }
        }
    }
    CHECK_TEXT(Expected, Found);
}

TEST(ReserveLowMemory_withholds_frame_0_and_what_lies_from_9F000_to_1_MB)
{
    Count = 1;
    Runs[0] = (LOADER_MEMORY_RUN){0, 0x200, LoaderFree, 0};
    CHECK_EQUAL(STATUS_SUCCESS, BlReserveLowMemory(Runs, CAPACITY, &Count));
    CheckLow("PFFPPPF");
    CHECK_EQUAL(0x200 - 1 - 0x61, BlCountPages(Runs, Count, LoaderFree));
    CHECK_EQUAL(STATUS_SUCCESS, BlReserveLowMemory(Runs, CAPACITY, &Count));
    CheckLow("PFFPPPF");
}

TEST(ReserveLowMemory_leaves_holes_and_what_is_no_RAM)
{
    Count = 3;
    Runs[0] = (LOADER_MEMORY_RUN){0, 0xA0, LoaderFirmwareTemporary, 0};
    Runs[1] = (LOADER_MEMORY_RUN){0xA0, 0x20, LoaderMappedIo, 0};
    Runs[2] = (LOADER_MEMORY_RUN){0x100, 0x10, LoaderFree, 0};
    CHECK_EQUAL(STATUS_SUCCESS, BlReserveLowMemory(Runs, CAPACITY, &Count));
    CheckLow("PttPI.F");
    Count = 1;
    Runs[0] = (LOADER_MEMORY_RUN){0, 0x100, LoaderBootData, 0}; /* the loader's own */
    CHECK_EQUAL(STATUS_SUCCESS, BlReserveLowMemory(Runs, CAPACITY, &Count));
    CheckLow("DDDDDD.");
}

TEST(ReserveLowMemory_wants_room_for_four_more_runs)
{
    Count = 1;
    Runs[0] = (LOADER_MEMORY_RUN){0, 0x200, LoaderFree, 0};
    CHECK_EQUAL(STATUS_BUFFER_TOO_SMALL, BlReserveLowMemory(Runs, 4, &Count));
    CheckLow("FFFFFFF");
    CHECK_EQUAL(STATUS_SUCCESS, BlReserveLowMemory(Runs, 5, &Count));
    CHECK_EQUAL(4, Count);
}

TEST(VerifyMemoryRuns_finds_each_broken_invariant)
{
    LOADER_MEMORY_RUN Good[3] = {
        {0, 4, LoaderFree, 0}, {4, 2, LoaderBad, 0}, {8, 1, LoaderFree, 0}};
    LOADER_MEMORY_RUN Broken[3];

    CHECK(BlVerifyMemoryRuns(Good, 3));
    CHECK(BlVerifyMemoryRuns(Good, 0));
#define CHECK_BROKEN(Change)                                                                       \
    (memcpy(Broken, Good, sizeof(Good)), Change, CHECK(!BlVerifyMemoryRuns(Broken, 3)))
    CHECK_BROKEN(Broken[0].PageCount = 0);
    CHECK_BROKEN(Broken[2].PageCount = BL_END_PAGE - 7);
    CHECK_BROKEN(Broken[2].BasePage = BL_END_PAGE);
    CHECK_BROKEN(Broken[0].PageCount = 5);
    CHECK_BROKEN(Broken[1].BasePage = 9);
    CHECK_BROKEN(Broken[1].Type = LoaderFree);
    CHECK_BROKEN(Broken[1].Type = LOADER_MEMORY_TYPES);
    CHECK_BROKEN(Broken[1].Reserved = 1);
    CHECK_BROKEN(Broken[2].BasePage = BL_HIGH_PAGE);
    CHECK_BROKEN(Broken[2].PageCount = BL_HIGH_PAGE);
#undef CHECK_BROKEN
}

/* SPDX-License-Identifier: MIT */
/*
 * test_bitmap.c - mm/rtl/bitmap.c, in pictures: '#' is a set bit, '.' a clear one, bit 0 first.
 *
 * The buffer ends at a fence (B1), and each test chooses what the last word holds behind the map,
 * so that reading it would show (B2).
 */
#include "tests/unit/hazard.h"
#include "tests/unit/test.h"
#include "rtl.h"

#include <string.h>

#define MAX_BITS 256u

static RTL_BITMAP Map;

/* Make Map a fenced bitmap of Size bits in which every word reads Fill. */
static void MakeMap(ULONG Size, int Fill)
{
    SIZE_T Bytes = (Size + 31) / 32 * sizeof(ULONG);
    PULONG Buffer = TestFencedBytes(Bytes);

    memset(Buffer, Fill, Bytes);
    RtlInitializeBitMap(&Map, Buffer, Size);
}

/* Make Map what Picture shows, with Fill in the bits behind it. */
static void Draw(const char *Picture, int Fill)
{
    ULONG Bit;

    MakeMap(strlen(Picture), Fill);
    for (Bit = 0; Bit < Map.SizeOfBitMap; Bit++) {
        ULONG Mask = 1u << Bit % 32;

        Map.Buffer[Bit / 32] &= ~Mask;
        Map.Buffer[Bit / 32] |= Picture[Bit] == '#' ? Mask : 0;
    }
}

static const char *Seen(void)
{
    static char Picture[MAX_BITS + 1];
    ULONG Bit;

    for (Bit = 0; Bit < Map.SizeOfBitMap; Bit++) {
        Picture[Bit] = RtlTestBit(&Map, Bit) ? '#' : '.';
    }
    Picture[Bit] = 0;
    return Picture;
}

/* ---- writing ---- */

TEST(InitializeBitMap_records_buffer_and_size_and_leaves_the_bits)
{
    ULONG Words[2] = {0x80000001, 0x2};

    RtlInitializeBitMap(&Map, Words, 40);
    CHECK_EQUAL(40, Map.SizeOfBitMap);
    CHECK(Map.Buffer == Words);
    CHECK_TEXT("#..............................#.#......", Seen());
}

TEST(SetBits_sets_exactly_the_range)
{
    Draw("........", 0);
    RtlSetBits(&Map, 2, 3);
    CHECK_TEXT("..###...", Seen());
    RtlSetBits(&Map, 7, 1);
    CHECK_TEXT("..###..#", Seen());
    RtlSetBits(&Map, 0, 8);
    CHECK_TEXT("########", Seen());
}

TEST(ClearBits_clears_exactly_the_range)
{
    Draw("########", 0);
    RtlClearBits(&Map, 2, 3);
    CHECK_TEXT("##...###", Seen());
    RtlClearBits(&Map, 0, 8);
    CHECK_TEXT("........", Seen());
}

TEST(SetBits_and_ClearBits_cross_words)
{
    MakeMap(128, 0);
    RtlSetBits(&Map, 30, 70);
    CHECK_EQUAL(0xC0000000, Map.Buffer[0]);
    CHECK_EQUAL(0xFFFFFFFF, Map.Buffer[1]);
    CHECK_EQUAL(0xFFFFFFFF, Map.Buffer[2]);
    CHECK_EQUAL(0x0000000F, Map.Buffer[3]);
    RtlClearBits(&Map, 32, 64);
    CHECK_EQUAL(0xC0000000, Map.Buffer[0]);
    CHECK_EQUAL(0, Map.Buffer[1]);
    CHECK_EQUAL(0, Map.Buffer[2]);
    CHECK_EQUAL(0x0000000F, Map.Buffer[3]);
}

TEST(SetBits_leaves_the_bits_behind_the_map_alone)
{
    MakeMap(36, 0);
    RtlSetBits(&Map, 0, 36);
    CHECK_EQUAL(0xF, Map.Buffer[1]);
    MakeMap(36, 0xFF);
    RtlClearBits(&Map, 0, 36);
    CHECK_EQUAL(0xFFFFFFF0, Map.Buffer[1]);
}

TEST(SetBits_of_no_bits_changes_nothing_even_at_the_end)
{
    Draw("..#.", 0);
    RtlSetBits(&Map, 0, 0);
    RtlSetBits(&Map, 4, 0);
    RtlClearBits(&Map, 2, 0);
    CHECK_TEXT("..#.", Seen());
}

TEST(SetAllBits_and_ClearAllBits_write_whole_words)
{
    MakeMap(36, 0x5A);
    RtlSetAllBits(&Map);
    CHECK_EQUAL(0xFFFFFFFF, Map.Buffer[0]);
    CHECK_EQUAL(0xFFFFFFFF, Map.Buffer[1]);
    RtlClearAllBits(&Map);
    CHECK_EQUAL(0, Map.Buffer[0]);
    CHECK_EQUAL(0, Map.Buffer[1]);
}

static void SetOneTooMany(PVOID Context)
{
    RtlSetBits(&Map, 30, *(PULONG)Context);
}

static void TestOneTooFar(PVOID Context)
{
    RtlTestBit(&Map, *(PULONG)Context);
}

TEST(Bits_outside_the_map_stop_the_machine)
{
    ULONG Fits = 6;
    ULONG TooMany = 7;
    ULONG Wraps = 0xFFFFFFFF;
    ULONG Last = 35;
    ULONG TooFar = 36;

    MakeMap(36, 0);
    CHECK(!TestTraps(SetOneTooMany, &Fits));
    CHECK(TestTraps(SetOneTooMany, &TooMany));
    CHECK(TestTraps(SetOneTooMany, &Wraps));
    CHECK(!TestTraps(TestOneTooFar, &Last));
    CHECK(TestTraps(TestOneTooFar, &TooFar));
}

/* ---- reading ---- */

TEST(AreBitsSet_is_true_only_for_a_range_all_set)
{
    Draw(".####.", 0xFF);
    CHECK(RtlAreBitsSet(&Map, 1, 4));
    CHECK(RtlAreBitsSet(&Map, 2, 1));
    CHECK(!RtlAreBitsSet(&Map, 0, 2));
    CHECK(!RtlAreBitsSet(&Map, 4, 2));
}

TEST(AreBitsClear_is_true_only_for_a_range_all_clear)
{
    Draw("#....#", 0);
    CHECK(RtlAreBitsClear(&Map, 1, 4));
    CHECK(RtlAreBitsClear(&Map, 2, 1));
    CHECK(!RtlAreBitsClear(&Map, 0, 2));
    CHECK(!RtlAreBitsClear(&Map, 4, 2));
}

TEST(AreBitsSet_and_Clear_are_false_for_no_bits_and_outside_the_map)
{
    MakeMap(40, 0xFF);
    CHECK(RtlAreBitsSet(&Map, 0, 40));
    CHECK(!RtlAreBitsSet(&Map, 0, 41));
    CHECK(!RtlAreBitsSet(&Map, 39, 2));
    CHECK(!RtlAreBitsSet(&Map, 40, 1));
    CHECK(!RtlAreBitsSet(&Map, 4, 0xFFFFFFFF));
    CHECK(!RtlAreBitsSet(&Map, 4, 0));
    MakeMap(40, 0);
    CHECK(RtlAreBitsClear(&Map, 0, 40));
    CHECK(!RtlAreBitsClear(&Map, 0, 41));
    CHECK(!RtlAreBitsClear(&Map, 4, 0xFFFFFFFF));
    CHECK(!RtlAreBitsClear(&Map, 4, 0));
}

TEST(NumberOfSetBits_counts_the_map_and_not_what_lies_behind)
{
    Draw("#.##....#", 0xFF);
    CHECK_EQUAL(4, RtlNumberOfSetBits(&Map));
    CHECK_EQUAL(5, RtlNumberOfClearBits(&Map));
    MakeMap(96, 0xFF);
    CHECK_EQUAL(96, RtlNumberOfSetBits(&Map));
    CHECK_EQUAL(0, RtlNumberOfClearBits(&Map));
    MakeMap(0, 0);
    CHECK_EQUAL(0, RtlNumberOfSetBits(&Map));
    CHECK_EQUAL(0, RtlNumberOfClearBits(&Map));
}

/* ---- searching ---- */

TEST(FindClearBits_takes_the_first_run_long_enough)
{
    Draw("#.#..#...#....", 0);
    CHECK_EQUAL(1, RtlFindClearBits(&Map, 1, 0));
    CHECK_EQUAL(3, RtlFindClearBits(&Map, 2, 0));
    CHECK_EQUAL(6, RtlFindClearBits(&Map, 3, 0));
    CHECK_EQUAL(10, RtlFindClearBits(&Map, 4, 0));
    CHECK_EQUAL(RTL_NO_BIT, RtlFindClearBits(&Map, 5, 0));
}

TEST(FindSetBits_takes_the_first_run_long_enough)
{
    Draw(".#.##.###.####", 0xFF);
    CHECK_EQUAL(1, RtlFindSetBits(&Map, 1, 0));
    CHECK_EQUAL(3, RtlFindSetBits(&Map, 2, 0));
    CHECK_EQUAL(6, RtlFindSetBits(&Map, 3, 0));
    CHECK_EQUAL(10, RtlFindSetBits(&Map, 4, 0));
    CHECK_EQUAL(RTL_NO_BIT, RtlFindSetBits(&Map, 5, 0));
}

TEST(FindClearBits_begins_at_the_hint_inside_a_run)
{
    Draw("......#......", 0);
    CHECK_EQUAL(2, RtlFindClearBits(&Map, 3, 2));
    CHECK_EQUAL(3, RtlFindClearBits(&Map, 3, 3));
    CHECK_EQUAL(7, RtlFindClearBits(&Map, 3, 4));
    CHECK_EQUAL(12, RtlFindClearBits(&Map, 1, 12));
}

TEST(FindClearBits_looks_before_the_hint_when_nothing_follows)
{
    Draw(".....#####", 0);
    CHECK_EQUAL(0, RtlFindClearBits(&Map, 2, 4));
    CHECK_EQUAL(0, RtlFindClearBits(&Map, 2, 9));
}

TEST(FindClearBits_finds_a_run_that_the_hint_cuts)
{
    Draw("##.....###", 0);
    CHECK_EQUAL(2, RtlFindClearBits(&Map, 5, 3));
    CHECK_EQUAL(2, RtlFindClearBits(&Map, 5, 6));
    CHECK_EQUAL(2, RtlFindClearBits(&Map, 5, 7));
}

TEST(FindClearBits_does_not_wrap_around_the_end)
{
    Draw("..######..", 0);
    CHECK_EQUAL(RTL_NO_BIT, RtlFindClearBits(&Map, 3, 8));
}

TEST(FindClearBits_takes_a_hint_outside_the_map_as_0)
{
    Draw("#.....", 0);
    CHECK_EQUAL(1, RtlFindClearBits(&Map, 2, 6));
    CHECK_EQUAL(1, RtlFindClearBits(&Map, 2, 0xFFFFFFFF));
}

TEST(FindClearBits_of_no_bits_returns_the_hint_rounded_down_to_a_byte)
{
    MakeMap(40, 0xFF);
    CHECK_EQUAL(0, RtlFindClearBits(&Map, 0, 7));
    CHECK_EQUAL(16, RtlFindClearBits(&Map, 0, 17));
    CHECK_EQUAL(32, RtlFindSetBits(&Map, 0, 39));
    CHECK_EQUAL(0, RtlFindClearBits(&Map, 0, 40));
    MakeMap(0, 0);
    CHECK_EQUAL(0, RtlFindClearBits(&Map, 0, 0));
}

TEST(FindClearBits_finds_the_whole_map_and_no_more)
{
    MakeMap(70, 0);
    CHECK_EQUAL(0, RtlFindClearBits(&Map, 70, 0));
    CHECK_EQUAL(0, RtlFindClearBits(&Map, 70, 69));
    CHECK_EQUAL(RTL_NO_BIT, RtlFindClearBits(&Map, 71, 0));
    CHECK_EQUAL(RTL_NO_BIT, RtlFindClearBits(&Map, 0xFFFFFFFF, 0));
    CHECK_EQUAL(RTL_NO_BIT, RtlFindSetBits(&Map, 1, 0));
    MakeMap(0, 0);
    CHECK_EQUAL(RTL_NO_BIT, RtlFindClearBits(&Map, 1, 0));
}

TEST(FindClearBits_finds_runs_that_cross_words)
{
    MakeMap(160, 0xFF);
    RtlClearBits(&Map, 31, 66);
    CHECK_EQUAL(31, RtlFindClearBits(&Map, 66, 0));
    CHECK_EQUAL(31, RtlFindClearBits(&Map, 66, 97));
    CHECK_EQUAL(RTL_NO_BIT, RtlFindClearBits(&Map, 67, 0));
    CHECK_EQUAL(64, RtlFindClearBits(&Map, 33, 64));
}

TEST(FindClearBits_ignores_what_lies_behind_the_map)
{
    Draw("####..", 0);
    CHECK_EQUAL(RTL_NO_BIT, RtlFindClearBits(&Map, 3, 0));
    Draw("....##", 0xFF);
    CHECK_EQUAL(RTL_NO_BIT, RtlFindSetBits(&Map, 3, 0));
}

TEST(FindClearBitsAndSet_sets_what_it_found)
{
    Draw("#..#....", 0);
    CHECK_EQUAL(4, RtlFindClearBitsAndSet(&Map, 3, 0));
    CHECK_TEXT("#..####.", Seen());
    CHECK_EQUAL(RTL_NO_BIT, RtlFindClearBitsAndSet(&Map, 3, 0));
    CHECK_TEXT("#..####.", Seen());
}

TEST(FindSetBitsAndClear_clears_what_it_found)
{
    Draw(".##.####", 0);
    CHECK_EQUAL(4, RtlFindSetBitsAndClear(&Map, 3, 0));
    CHECK_TEXT(".##....#", Seen());
    CHECK_EQUAL(RTL_NO_BIT, RtlFindSetBitsAndClear(&Map, 3, 0));
    CHECK_TEXT(".##....#", Seen());
}

TEST(FindClearBitsAndSet_of_no_bits_changes_nothing)
{
    Draw("..........#.", 0);
    CHECK_EQUAL(8, RtlFindClearBitsAndSet(&Map, 0, 9));
    CHECK_EQUAL(8, RtlFindSetBitsAndClear(&Map, 0, 10));
    CHECK_TEXT("..........#.", Seen());
}

TEST(FindNextForwardRunClear_returns_runs_in_order)
{
    ULONG Start = 99;

    Draw("..###.#...", 0);
    CHECK_EQUAL(2, RtlFindNextForwardRunClear(&Map, 0, &Start));
    CHECK_EQUAL(0, Start);
    CHECK_EQUAL(1, RtlFindNextForwardRunClear(&Map, 2, &Start));
    CHECK_EQUAL(5, Start);
    CHECK_EQUAL(3, RtlFindNextForwardRunClear(&Map, 6, &Start));
    CHECK_EQUAL(7, Start);
}

TEST(FindNextForwardRunClear_begins_inside_a_run)
{
    ULONG Start = 99;

    Draw("......#", 0);
    CHECK_EQUAL(2, RtlFindNextForwardRunClear(&Map, 4, &Start));
    CHECK_EQUAL(4, Start);
}

TEST(FindNextForwardRunClear_returns_0_and_leaves_Start_when_none_follows)
{
    ULONG Start = 99;

    Draw("...###", 0);
    CHECK_EQUAL(0, RtlFindNextForwardRunClear(&Map, 3, &Start));
    CHECK_EQUAL(0, RtlFindNextForwardRunClear(&Map, 6, &Start));
    CHECK_EQUAL(0, RtlFindNextForwardRunClear(&Map, 0xFFFFFFFF, &Start));
    CHECK_EQUAL(99, Start);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_edit_commands.c - eb, ew, ed change what may be changed; s finds what is there.
 */
#include "tests/unit/monitor_bench.h"

#include <string.h>

static ULONG ReadLong(ULONG_PTR Va)
{
    ULONG Value = 0;

    CHECK_EQUAL(4, MiReadVirtual(Va, &Value, 4));
    return Value;
}

TEST(Enter_writes_values_of_each_size)
{
    MonitorStart();
    CHECK_TEXT("", MonitorAnswer("eb 80900000 12 0n52"));
    CHECK_EQUAL(0x3412, ReadLong(MONITOR_DATA));
    CHECK_TEXT("", MonitorAnswer("ew 80900004 1234 ffff"));
    CHECK_EQUAL(0xFFFF1234, ReadLong(MONITOR_DATA + 4));
    CHECK_TEXT("", MonitorAnswer("ed 80900ffe 12345678 KiStart -1"));
    CHECK_EQUAL(0x12345678, ReadLong(MONITOR_DATA + 0xFFE));
    CHECK_EQUAL(MONITOR_KERNEL, ReadLong(MONITOR_DATA + 0x1002));
    CHECK_EQUAL(0xFFFFFFFF, ReadLong(MONITOR_DATA + 0x1006));
}

TEST(Enter_refuses_what_may_not_be_written_and_writes_nothing)
{
    MonitorStart();
    CHECK_TEXT("80800000 is read-only; nothing was written.\n", MonitorRefusal("eb 80800000 90"));
    CHECK_EQUAL(0x03020100, ReadLong(MONITOR_KERNEL));
    CHECK_TEXT("00000000 is not mapped; nothing was written.\n", MonitorRefusal("ed 0 1"));
    CHECK_TEXT("80902000 is not mapped; nothing was written.\n",
               MonitorRefusal("ed 80901ff8 1 2 3"));
    CHECK_EQUAL(0, ReadLong(MONITOR_DATA + 0x1FF8));
}

TEST(Enter_refuses_values_that_make_no_sense_before_writing)
{
    MonitorStart();
    CHECK_TEXT("100 does not fit into 8 bits.\n", MonitorRefusal("eb 80900000 1 100"));
    CHECK_TEXT("10000 does not fit into 16 bits.\n", MonitorRefusal("ew 80900000 1 10000"));
    CHECK_TEXT("\"zz\", character 1: there is no symbol called \"zz\".\n",
               MonitorRefusal("ed 80900000 1 zz"));
    CHECK_EQUAL(0, ReadLong(MONITOR_DATA));
    CHECK_TEXT("The values are missing.\n", MonitorRefusal("ed 80900000"));
    CHECK_TEXT("The address is missing.\n", MonitorRefusal("ed"));
    CHECK_TEXT("There are more values than the 16 that one command takes.\n",
               MonitorRefusal("ed 80900000 1 2 3 4 5 6 7 8 9 a b c d e f 10 11"));
}

TEST(Search_finds_bytes_words_longs_and_text)
{
    ULONG_PTR Obstacle;

    MonitorStart();
    CHECK(MiWriteVirtual(MONITOR_DATA + 0x234, "needle", 6, &Obstacle));
    CHECK(MiWriteVirtual(MONITOR_DATA + 0xFFE, "n\0e\0", 4, &Obstacle));
    CHECK(strncmp(MonitorAnswer("s 80900000 L2000 6e 65 65"), "80900234  6e 65 65 64 6c 65 00",
                  30) == 0);
    CHECK(strncmp(MonitorAnswer("s -a 80900000 L2000 \"needle\""), "80900234  6e 65 65", 18) == 0);
    CHECK(strncmp(MonitorAnswer("s -u 80900000 80901fff \"ne\""), "80900ffe  6e 00 65", 18) == 0);
    CHECK_TEXT("80900234  656e 6465 656c 0000 0000 0000 0000 0000\n",
               MonitorAnswer("s -w 80900000 L800 656e 6465"));
    CHECK(strncmp(MonitorAnswer("s -d 80900000 L200 6465656e"), "80900234  6465656e 0000656c",
                  27) == 0);
    CHECK_TEXT("", MonitorAnswer("s -d 80900002 L200 6465656e"));
}

TEST(Search_finds_every_match_and_none_outside_of_the_range)
{
    const char *Text;
    ULONG Lines = 0;

    MonitorStart();
    for (Text = MonitorAnswer("s 80800000 L1000 41 42"); *Text != 0; Text++) {
        Lines += *Text == '\n';
    }
    CHECK_EQUAL(16, Lines);
    CHECK_TEXT("", MonitorAnswer("s 80800000 L41 41 42"));
    CHECK_TEXT("", MonitorAnswer("s 80800042 80800140 41"));
    CHECK(*MonitorAnswer("s 807ff000 L2000 0 1") != 0);
    CHECK_TEXT("", MonitorAnswer("s 0 L10000 0"));
}

TEST(Search_refuses_what_makes_no_sense)
{
    MonitorStart();
    CHECK_TEXT("-z is not one of -b -w -d -a -u.\n", MonitorRefusal("s -z 0 L1 1"));
    CHECK_TEXT("The range to search is missing.\n", MonitorRefusal("s"));
    CHECK_TEXT("The range has no end; give Ln for n objects, or the last address.\n",
               MonitorRefusal("s 80800000"));
    CHECK_TEXT("The values are missing.\n", MonitorRefusal("s 80800000 L10"));
    CHECK_TEXT("The text to look for stands in quotation marks: s -a <range> \"text\".\n",
               MonitorRefusal("s -a 80800000 L10 text"));
    CHECK_TEXT("The text to look for stands in quotation marks: s -a <range> \"text\".\n",
               MonitorRefusal("s -a 80800000 L10 \"\""));
    CHECK_TEXT("The text has more than 32 characters.\n",
               MonitorRefusal("s -u 80800000 L10 \"123456789012345678901234567890123\""));
}

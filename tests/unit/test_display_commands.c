/* SPDX-License-Identifier: MIT */
/*
 * test_display_commands.c - the layouts of d*, holes in the map, ranges.
 */
#include "tests/unit/monitor_bench.h"

#include <stdio.h>
#include <string.h>

TEST(Display_bytes_as_WinDbg_does)
{
    MonitorStart();
    CHECK_TEXT("80800030  30 31 32 33 34 35 36 37-38 39 3a 3b 3c 3d 3e 3f  0123456789:;<=>?\n"
               "80800040  40 41 42 43                                      @ABC\n",
               MonitorAnswer("db 80800030 L14"));
    CHECK_TEXT("8080007c  7c 7d 7e 7f 80 81 82 83-84                       |}~......\n",
               MonitorAnswer("db 8080007c 80800084"));
}

TEST(Display_words_longs_and_quads)
{
    MonitorStart();
    CHECK_TEXT("80800000  0100 0302 0504 0706 0908 0b0a 0d0c 0f0e\n80800010  1110\n",
               MonitorAnswer("dw 80800000 L9"));
    CHECK_TEXT("80800000  03020100 07060504 0b0a0908 0f0e0d0c\n80800010  13121110\n",
               MonitorAnswer("dd 80800000 L5"));
    CHECK_TEXT("80800000  03020100 07060504 0b0a0908 0f0e0d0c\n80800010  13121110\n",
               MonitorAnswer("dp 80800000 L5"));
    CHECK_TEXT("80800030  33323130 37363534 3b3a3938 3f3e3d3c  0123456789:;<=>?\n"
               "80800040  43424140                             @ABC\n",
               MonitorAnswer("dc 80800030 L5"));
    CHECK_TEXT("80800000  07060504`03020100 0f0e0d0c`0b0a0908\n80800010  17161514`13121110\n",
               MonitorAnswer("dq 80800000 L3"));
}

TEST(Display_128_bytes_without_a_length_and_goes_on_behind_them)
{
    char First[1024];

    MonitorStart();
    snprintf(First, sizeof(First), "%s", MonitorAnswer("db 80800000"));
    CHECK_EQUAL(8 * 76, strlen(First));
    CHECK(strncmp(MonitorAnswer("d"), "80800080  80 81", 15) == 0);
    CHECK(strncmp(MonitorAnswer("dd"), "80800100  03020100", 18) == 0);
    CHECK(strncmp(MonitorAnswer("d 80800000 L1"), "80800000  03020100\n", 19) == 0);
    CHECK(strncmp(MonitorAnswer("d"), "80800004  07060504", 18) == 0);
}

TEST(Display_question_marks_where_nothing_is_mapped)
{
    MonitorStart();
    CHECK_TEXT("00000000  ?? ?? ?? ?? ?? ?? ?? ??"
               "-?? ?? ?? ?? ?? ?? ?? ??  ????????????????\n",
               MonitorAnswer("db 0 L10"));
    CHECK_TEXT("80801ff8  fbfaf9f8 fffefdfc ???????? ????????\n", MonitorAnswer("dd 80801ff8 L4"));
}

TEST(Display_the_part_of_an_object_that_can_be_read)
{
    MonitorStart();
    CHECK_TEXT("80801ffe  ????fffe ????????\n", MonitorAnswer("dd 80801ffe L2"));
    CHECK_TEXT("807ffffe  0100????\n", MonitorAnswer("dd 807ffffe L1"));
    CHECK_TEXT("807ffffc  03020100`????????\n", MonitorAnswer("dq 807ffffc L1"));
}

TEST(Display_ends_where_the_address_space_does)
{
    MonitorStart();
    CHECK_TEXT("fffffff8  ?? ?? ?? ?? ?? ?? ?? ??                          ????????\n",
               MonitorAnswer("db fffffff8"));
    CHECK(strncmp(MonitorAnswer("d"), "00000000  ??", 12) == 0);
}

TEST(Display_strings)
{
    static const char Text[] = "abcdefghijklmnopqrstuvwxyz0123456789\x07!";
    static const USHORT Wide[] = {'W', 'i', 'd', 'e', 0x263A, 0};
    ULONG_PTR Obstacle;

    MonitorStart();
    CHECK(MiWriteVirtual(MONITOR_DATA, Text, sizeof(Text), &Obstacle));
    CHECK(MiWriteVirtual(MONITOR_DATA + 0x100, Wide, sizeof(Wide), &Obstacle));
    CHECK(MiWriteVirtual(MONITOR_DATA + 0x1FFC, "last", 4, &Obstacle));
    CHECK_TEXT("80900000  \"abcdefghijklmnopqrstuvwxyz012345\"\n80900020  \"6789.!\"\n",
               MonitorAnswer("da 80900000"));
    CHECK_TEXT("80900000  \"abc\"\n", MonitorAnswer("da 80900000 L3"));
    CHECK_TEXT("80900100  \"Wide.\"\n", MonitorAnswer("du 80900100"));
    CHECK_TEXT("80900200  \"\"\n", MonitorAnswer("da 80900200"));
    CHECK_TEXT("80901ffc  \"last???\"\n", MonitorAnswer("da 80901ffc"));
    CHECK_TEXT("00000000  \"???\"\n", MonitorAnswer("du 0"));
}

TEST(Display_physical_memory)
{
    MonitorStart();
    CHECK(strncmp(MonitorAnswer("!db 64030 L4"), "00064030  30 31 32 33 ", 22) == 0);
    CHECK_TEXT("00064000  03020100 07060504\n", MonitorAnswer("!dd 64000 L2"));
    CHECK_TEXT("00064030  33323130                             0123\n",
               MonitorAnswer("!dc 64030 L1"));
    CHECK_TEXT("f0000000  ????????\n", MonitorAnswer("!dd f0000000 L1"));
    CHECK_TEXT("00064000  03020100\n", MonitorAnswer("!dd 64000 L1"));
    CHECK(strncmp(MonitorAnswer("d"), "00064004  07060504", 18) == 0);
}

TEST(Display_refuses_ranges_that_make_no_sense)
{
    MonitorStart();
    CHECK_TEXT("The range ends at 80800000, before its start at 80800001.\n",
               MonitorRefusal("db 80800001 80800000"));
    CHECK_TEXT("The range is empty.\n", MonitorRefusal("db 80800000 L0"));
    CHECK_TEXT("The range has more than 100000 bytes.\n", MonitorRefusal("db 0 L100001"));
    CHECK_TEXT("The range has more than 100000 bytes.\n", MonitorRefusal("dd 0 Lffffffff"));
    CHECK_TEXT("The range has more than 100000 bytes.\n", MonitorRefusal("dq 0 ffffffff"));
    CHECK_TEXT("A number must follow the L.\n", MonitorRefusal("db 80800000 L "));
    CHECK_TEXT("\"zzz\", character 1: there is no symbol called \"zzz\".\n",
               MonitorRefusal("db zzz"));
    CHECK_TEXT("\"7\" is more than this command takes.\n", MonitorRefusal("db 0 L4 7"));
    CHECK_TEXT("\"1+zz\", character 3: there is no symbol called \"zz\".\n",
               MonitorRefusal("db 0 1+zz"));
}

TEST(Display_takes_lengths_in_either_case_and_expressions)
{
    MonitorStart();
    CHECK_TEXT("80800000  03020100\n", MonitorAnswer("dd KiStart l1"));
    CHECK_TEXT("80800000  03020100\n", MonitorAnswer("dd nt!KiStart L(2-1)"));
    CHECK_TEXT("80800000  03020100\n", MonitorAnswer("dd   KiStart   L 1 "));
    CHECK_TEXT("80800004  07060504\n", MonitorAnswer("dd (KiStart + 4) 80800004"));
}

/* SPDX-License-Identifier: MIT */
/*
 * test_symbol_commands.c - k, x, ln, lm, ? and .formats.
 */
#include "tests/unit/monitor_bench.h"

#include <string.h>

/* A frame at Va in the data pages: the caller's EBP, the address to return to. */
static void PutFrame(ULONG_PTR Va, ULONG Ebp, ULONG ReturnAddress)
{
    ULONG Frame[2] = {Ebp, ReturnAddress};
    ULONG_PTR Obstacle;

    CHECK(MiWriteVirtual(Va, Frame, sizeof(Frame), &Obstacle));
}

static void StartWithStack(void)
{
    MonitorStart();
    PutFrame(MONITOR_DATA + 0xF10, MONITOR_DATA + 0xF40, MONITOR_KERNEL + 0x40);
    PutFrame(MONITOR_DATA + 0xF40, MONITOR_DATA + 0xF80, 0x12345678);
    PutFrame(MONITOR_DATA + 0xF80, 0, MONITOR_KERNEL + 0x1805);
}

TEST(Stack_shows_frames_with_the_names_of_what_calls)
{
    StartWithStack();
    CHECK_TEXT("ChildEBP RetAddr\n"
               "80900f10 80800040 nt!KeBugCheckEx+0x5\n"
               "80900f40 12345678 nt!KeBugCheckEx+0x20\n"
               "80900f80 80801805 0x12345678\n",
               MonitorAnswer("k"));
    CHECK_TEXT("ChildEBP RetAddr\n80900f10 80800040 nt!KeBugCheckEx+0x5\n", MonitorAnswer("k 1"));
    CHECK_TEXT("From 1 to 40 frames are shown.\n", MonitorRefusal("k 0"));
    CHECK_TEXT("From 1 to 40 frames are shown.\n", MonitorRefusal("k 41"));
}

TEST(Stack_starts_where_it_is_told)
{
    StartWithStack();
    CHECK_TEXT("ChildEBP RetAddr\n80900f80 80801805 nt!KiStart+0x1\n",
               MonitorAnswer("k = 80900f80 80900f70 80800001"));
    CHECK_TEXT("ChildEBP RetAddr\n80900f80 80801805 0x0\n", MonitorAnswer("k =80900f80"));
}

TEST(Stack_that_is_damaged_ends)
{
    StartWithStack();
    CHECK_TEXT("There is no frame at 00000000.\n", MonitorRefusal("k = 0"));
    CHECK_TEXT("There is no frame at 80901ffc.\n", MonitorRefusal("k = 80901ffc"));
    CHECK_TEXT("There is no frame at 80900f11.\n", MonitorRefusal("k = 80900f11"));
    PutFrame(MONITOR_DATA + 0xF40, MONITOR_DATA + 0xF10, MONITOR_KERNEL);
    CHECK_TEXT("ChildEBP RetAddr\n"
               "80900f10 80800040 nt!KeBugCheckEx+0x5\n"
               "80900f40 80800000 nt!KeBugCheckEx+0x20\n",
               MonitorAnswer("k"));
}

TEST(Examine_lists_symbols_like_a_pattern)
{
    MonitorStart();
    CHECK_TEXT("80800000 nt!KiStart\n80800100 nt!KiEntries\n", MonitorAnswer("x Ki*"));
    CHECK_TEXT("80800000 nt!KiStart\n80800100 nt!KiEntries\n", MonitorAnswer("x nt!ki*"));
    CHECK_TEXT("80800040 nt!MipAlias\n", MonitorAnswer("x *!*a??as"));
    CHECK_TEXT("80800020 nt!KeBugCheckEx\n", MonitorAnswer("x kebugcheckex"));
    CHECK_TEXT("80800020 nt!KeBugCheckEx\n", MonitorAnswer("x *e*e*x"));
    CHECK_TEXT("No symbol is like \"Ki\".\n", MonitorRefusal("x Ki"));
    CHECK_TEXT("No symbol is like \"KiStart?\".\n", MonitorRefusal("x KiStart?"));
    CHECK_TEXT("\"foo\" is not a module; there is nt.\n", MonitorRefusal("x foo!*"));
    CHECK(strncmp(MonitorRefusal("x"), "The pattern is missing", 22) == 0);
}

TEST(Nearest_names_the_symbols_around_an_address)
{
    MonitorStart();
    CHECK_TEXT("(80800000)   nt!KiStart   |  (80800020)   nt!KeBugCheckEx\n"
               "Exact matches:\n    nt!KiStart\n",
               MonitorAnswer("ln 80800000"));
    CHECK_TEXT("(80800023)   nt!KeBugCheckEx+0x3   |  (80800040)   nt!MipShort\n",
               MonitorAnswer("ln KeBugCheckEx+3"));
    CHECK_TEXT("(80801801)   nt!Recurse.isra.0+0x1\n", MonitorAnswer("ln 80801801"));
    CHECK_TEXT("00000000 lies in no module; lm lists them.\n", MonitorRefusal("ln 0"));
    CHECK_TEXT("80810000 lies in no module; lm lists them.\n", MonitorRefusal("ln 80810000"));
    CHECK(strncmp(MonitorAnswer("ln"), "(80800025)   nt!KeBugCheckEx+0x5", 32) == 0);
}

TEST(Modules_are_the_kernel)
{
    MonitorStart();
    CHECK_TEXT("start    end        module name\n"
               "80800000 80810000   nt         (6 symbols of hyperspace.sym)\n",
               MonitorAnswer("lm"));
    CHECK_TEXT("\"x\" is more than this command takes.\n", MonitorRefusal("lm x"));
}

TEST(Evaluate_shows_decimal_and_hexadecimal)
{
    MonitorStart();
    CHECK_TEXT("Evaluate expression: 18 = 00000012\n", MonitorAnswer("? 10 + 2"));
    CHECK_TEXT("Evaluate expression: -1 = ffffffff\n", MonitorAnswer("? -1"));
    CHECK_TEXT("Evaluate expression: -2147483648 = 80000000\n", MonitorAnswer("?80000000"));
    CHECK_TEXT("The expression is missing.\n", MonitorRefusal("?"));
    CHECK_TEXT("\"1 +\", character 4: a number or a name is missing at the end.\n",
               MonitorRefusal("? 1 +"));
}

TEST(Formats_shows_the_documented_example)
{
    MonitorStart();
    CHECK_TEXT("Evaluate expression:\n"
               "  Hex:     1c407e62\n"
               "  Decimal: 473988706\n"
               "  Octal:   03420077142\n"
               "  Binary:  00011100 01000000 01111110 01100010\n"
               "  Chars:   .@~b\n",
               MonitorAnswer(".formats 1c407e62"));
    CHECK(strstr(MonitorAnswer(".formats -1"), "Octal:   37777777777\n") != NULL);
}

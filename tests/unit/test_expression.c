/* SPDX-License-Identifier: MIT */
/*
 * test_expression.c - what expressions are worth, and what is said of those that are none.
 */
#include "mm/inspect/expression.h"
#include "tests/unit/monitor_bench.h"

#include <string.h>

static void CheckValue(ULONG_PTR Expected, const char *Text)
{
    MI_EXPRESSION_ERROR Error = {0};
    const char *At = Text;
    ULONG_PTR Value = 0xDEADBEEF;

    if (!NT_SUCCESS(MiEvaluateExpression(&At, MiEndAtEnd, &Value, &Error))) {
        TestFail(__FILE__, __LINE__, "\"%s\": %s", Text, Error.What);
    }
    if (Value != Expected || *At != 0) {
        TestFail(__FILE__, __LINE__, "\"%s\" is %#lx, not %#lx; left over: \"%s\"", Text,
                 (unsigned long)Value, (unsigned long)Expected, At);
    }
}

/* => Where is the character, counted from 0, at which it goes wrong. */
static void CheckError(const char *Expected, ULONG Where, const char *Text)
{
    MI_EXPRESSION_ERROR Error = {0};
    const char *At = Text;
    ULONG_PTR Value = 0xDEADBEEF;

    CHECK_EQUAL(STATUS_INVALID_PARAMETER, MiEvaluateExpression(&At, MiEndAtEnd, &Value, &Error));
    CHECK_TEXT(Expected, Error.What);
    CHECK_EQUAL(Where, Error.Where - Text);
    CHECK(At == Text && Value == 0xDEADBEEF);
}

TEST(Expression_numbers_are_hexadecimal_unless_they_say_otherwise)
{
    MonitorStart();
    CheckValue(0x10, "10");
    CheckValue(0x80801234, "80801234");
    CheckValue(0xFFFFFFFF, "ffffffff");
    CheckValue(0xABCDEF, "AbCdEf");
    CheckValue(0x1F, "0x1F");
    CheckValue(0x1F, "0X1f");
    CheckValue(31, "0n31");
    CheckValue(31, "0t37");
    CheckValue(5, "0y101");
    CheckValue(0x1F, "1fh");
    CheckValue(0x80800000, "00000000`80800000");
    CheckValue(0, "0");
}

TEST(Expression_numbers_have_32_bits)
{
    MonitorStart();
    CheckError("the number has more than 32 bits", 0, "100000000");
    CheckError("the number has more than 32 bits", 2, "1+ffffffffffffffffffffffff");
    CheckValue(4294967295u, "0n4294967295");
    CheckError("the number has more than 32 bits", 0, "0n4294967296");
}

TEST(Expression_operators_bind_as_in_C)
{
    MonitorStart();
    CheckValue(7, "1+2*3");
    CheckValue(9, "(1+2)*3");
    CheckValue(1, "7-4-2");
    CheckValue(2, "0n17/4/2");
    CheckValue(3, "7%4");
    CheckValue((ULONG_PTR)-1, "-1");
    CheckValue(1, "--1");
    CheckValue((ULONG_PTR)-8, "~7");
    CheckValue(3, "+3");
    CheckValue(0x1000, "1<<c");
    CheckValue(0x80000, "80000000>>c");
    CheckValue(0, "1<<20");
    CheckValue(0, "1>>ffffffff");
    CheckValue(1, "1 < 2 == 2 >= 2");
    CheckValue(0, "1 > 2");
    CheckValue(1, "-1 > 1");
    CheckValue(1, "10 >> 4 == 2 >> 1");
    CheckValue(2, "2 & 3 != 1 | 2");
    CheckValue(1, "1<=1");
    CheckValue(0x16, "10|2^4&ff");
    CheckValue(6, "2*-1+8");
    CheckValue(0xFFFFF000, "-1000");
    CheckValue(3, " 1 + ( 2 * 1 ) ");
    CheckValue(0, "1+ffffffff");
}

TEST(Expression_knows_symbols_in_any_case)
{
    MonitorStart();
    CheckValue(MONITOR_KERNEL + 0x20, "KeBugCheckEx");
    CheckValue(MONITOR_KERNEL + 0x20, "nt!KeBugCheckEx");
    CheckValue(MONITOR_KERNEL + 0x20, "NT!kebugcheckex");
    CheckValue(MONITOR_KERNEL + 0x24, "KeBugCheckEx+4");
    CheckValue(MONITOR_KERNEL + 0x1800, "Recurse.isra.0");
    CheckError("there is no symbol called \"zzz\"", 0, "zzz");
    CheckError("there is no symbol called \"zzz\"", 5, "1+nt!zzz");
    CheckError("there is no symbol called \"foo!KiStart\"", 0, "foo!KiStart");
    CheckError("there is no symbol called \"eax\"", 3, "nt!eax");
}

TEST(Expression_prefers_the_name_that_is_typed_exactly)
{
    static const HOST_SYMBOL Symbols[] = {{0x80800000, "kithing"}, {0x80800010, "KiThing"}};

    MonitorStart();
    HostSetSymbols(Symbols, 2);
    CheckValue(0x80800010, "KiThing");
    CheckValue(0x80800000, "kithing");
    CheckValue(0x80800000, "KITHING");
}

TEST(Expression_knows_registers)
{
    MonitorStart();
    MiRegisters = HostRegisters;
    CheckValue(0x11111111, "@eax");
    CheckValue(0x11111112, "@EAX+1");
    CheckValue(MONITOR_KERNEL + 0x25, "@$ip");
    CheckValue(MONITOR_DATA + 0xF10, "ebp");
    CheckValue(8, "@cs");
    CheckError("there is no register called \"zax\"", 1, "@zax");
    CheckError("there is no register called \"\"", 1, "@");
}

TEST(Expression_reads_memory)
{
    MonitorStart();
    CheckValue(0x03020100, "poi(80800000)");
    CheckValue(0x07060504, "poi(KiStart + 4)");
    CheckValue(0x04030201, "dwo(80800001)");
    CheckValue(0x0100, "wo(80800000)");
    CheckValue(0x1F, "by(8080001f)");
    CheckError("memory at 00000000 cannot be read", 0, "poi(0)");
    CheckError("memory at 80902000 cannot be read", 2, "1+by(80902000)");
    CheckError("memory at 80901ffe cannot be read", 0, "poi(80901ffe)");
    CheckError("memory at ffffffff cannot be read", 0, "poi(ffffffff)");
}

TEST(Expression_says_what_is_wrong_and_where)
{
    MonitorStart();
    CheckError("a number or a name is missing at the end", 0, "");
    CheckError("a number or a name is missing at the end", 2, "1+");
    CheckError("a number or a name should stand here", 2, "1+*2");
    CheckError("this parenthesis is never closed", 1, "-(1+2");
    CheckError("this parenthesis is never closed", 3, "poi(1");
    CheckError("this does not belong to an expression", 1, "1)");
    CheckError("this does not belong to an expression", 2, "1 2");
    CheckError("this does not belong to an expression", 1, "1=2");
    CheckError("the divisor is 0", 1, "1/0");
    CheckError("the divisor is 0", 1, "1%(1-1)");
    CheckError("there is no symbol called \"0n\"", 0, "0n");
    CheckError("there is no symbol called \"0n9a\"", 0, "0n9a");
    CheckError("there is no symbol called \"0y2\"", 0, "0y2");
}

TEST(Expression_nests_no_deeper_than_the_stack_allows)
{
    char Text[2000];

    MonitorStart();
    memset(Text, '(', sizeof(Text));
    Text[sizeof(Text) - 1] = 0;
    CheckError("this is nested too deeply", 16, Text);
    memset(Text, '-', sizeof(Text) - 1);
    CheckError("this is nested too deeply", 31, Text);
    memset(Text, 0, sizeof(Text));
    while (strlen(Text) < 200) {
        strcat(Text, "1|1^1&1==1<1<<1+1*(");
    }
    CheckError("this is nested too deeply", 59, Text);
    CheckValue(1, "(((((((((((((((1)))))))))))))))");
    CheckValue(0x29,
               "1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1");
}

TEST(Expression_of_a_name_too_long_to_be_one)
{
    char Text[300];
    MI_EXPRESSION_ERROR Error;
    const char *At = Text;
    ULONG_PTR Value;

    MonitorStart();
    memset(Text, 'z', sizeof(Text));
    Text[sizeof(Text) - 1] = 0;
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, MiEvaluateExpression(&At, MiEndAtEnd, &Value, &Error));
    CHECK_EQUAL(MI_EXPRESSION_ERROR_BYTES - 1, strlen(Error.What));
    Text[0] = '@';
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, MiEvaluateExpression(&At, MiEndAtEnd, &Value, &Error));
}

TEST(Expression_as_an_argument_ends_at_a_blank)
{
    MI_EXPRESSION_ERROR Error;
    const char *At = "80800000+(1 + 1) L10";
    ULONG_PTR Value;

    MonitorStart();
    CHECK_EQUAL(STATUS_SUCCESS, MiEvaluateExpression(&At, MiEndAtBlank, &Value, &Error));
    CHECK_EQUAL(0x80800002, Value);
    CHECK_TEXT(" L10", At);
    At = "1+ 1";
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, MiEvaluateExpression(&At, MiEndAtBlank, &Value, &Error));
    CHECK_TEXT("a number or a name should stand here", Error.What);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_prop_print.c - RtlFormat against the host's snprintf, over random formats and arguments.
 *
 * Only what ISO C defines is drawn: no '#' with d, no '0' with s.  Our own additions (%p, I64,
 * "(null)", unknown conversions) are in test_print.c.
 */
#include "tests/unit/hazard.h"
#include "tests/unit/test.h"
#include "rtl.h"

#include <stdio.h>
#include <string.h>

#define MAX_OUTPUT 256u

static uint64_t State;

static ULONG Below(ULONG Limit)
{
    return TestRandom(&State) % Limit;
}

/* What both printers are given; the star's arguments come before the value. */
typedef struct _DRAWN {
    char Format[64];
    char Length[3]; /* "", hh, h, l, ll, z or t */
    ULONG Stars;    /* how many of width and precision are stars */
    int Star[2];    /* their arguments */
} DRAWN, *PDRAWN;

/* Buffers of all sizes, so that the cut falls everywhere. */
static void Compare(const DRAWN *Drawn, const char *Format, ...)
{
    char Expected[MAX_OUTPUT];
    SIZE_T Bytes = Below(4) == 0 ? 1 + Below(40) : MAX_OUTPUT;
    char *Actual = TestFencedBytes(Bytes);
    va_list Arguments;
    NTSTATUS Status;
    int Total;

    va_start(Arguments, Format);
    Total = vsnprintf(Expected, Bytes, Format, Arguments);
    va_end(Arguments);
    CHECK(Total >= 0 && (ULONG)Total < MAX_OUTPUT);
    va_start(Arguments, Format);
    Status = RtlStringCbVPrintfA(Actual, Bytes, Format, Arguments);
    va_end(Arguments);
    if ((Status == STATUS_SUCCESS) != ((SIZE_T)Total < Bytes) || strcmp(Expected, Actual) != 0) {
        TestFail(__FILE__, __LINE__, "\"%s\" with %u stars %d %d: expected \"%s\", found \"%s\"",
                 Drawn->Format, Drawn->Stars, Drawn->Star[0], Drawn->Star[1], Expected, Actual);
    }
}

/* Hand the stars' arguments and the value to Compare. */
#define COMPARE(Drawn, Value)                                                                      \
    ((Drawn)->Stars == 0 ? Compare(Drawn, (Drawn)->Format, Value)                                  \
     : (Drawn)->Stars == 1                                                                         \
         ? Compare(Drawn, (Drawn)->Format, (Drawn)->Star[0], Value)                                \
         : Compare(Drawn, (Drawn)->Format, (Drawn)->Star[0], (Drawn)->Star[1], Value))

/* ---- drawing ---- */

static void Append(PDRAWN Drawn, const char *Text)
{
    strcat(Drawn->Format, Text);
}

static void AppendCount(PDRAWN Drawn, int Least)
{
    int Count = (int)Below(40);
    char Digits[4];

    if (Below(3) == 0) {
        Append(Drawn, "*");
        Drawn->Star[Drawn->Stars++] = Below(4) == 0 ? -Count : Count;
    } else if (Count >= Least) {
        snprintf(Digits, sizeof(Digits), "%d", Count);
        Append(Drawn, Digits);
    }
}

static void DrawLiteral(PDRAWN Drawn)
{
    static const char *const Literals[] = {"", "", "a", "pages ", "%%", "100%% of "};

    Append(Drawn, Literals[Below(RTL_NUMBER_OF(Literals))]);
}

/* Draw a format with one conversion, whose letter is Letter and whose flags come from Flags. */
static void DrawFormat(PDRAWN Drawn, const char *Flags, char Letter)
{
    char Text[2] = {0};
    ULONG Times;

    memset(Drawn, 0, offsetof(DRAWN, Length));
    Drawn->Stars = 0;
    DrawLiteral(Drawn);
    Append(Drawn, "%");
    for (Times = Below(4); Times != 0 && *Flags != 0; Times--) {
        Text[0] = Flags[Below(strlen(Flags))];
        Append(Drawn, Text);
    }
    if (Below(2) == 0) {
        AppendCount(Drawn, 1); /* a width of 0 would be the flag 0 */
    }
    if (Letter != 'c' && Below(2) == 0) {
        Append(Drawn, ".");
        AppendCount(Drawn, 0);
    }
    Append(Drawn, Drawn->Length);
    Text[0] = Letter;
    Append(Drawn, Text);
    DrawLiteral(Drawn);
}

/* A number of any magnitude, the edges of all lengths among them. */
static ULONG64 DrawValue(void)
{
    static const ULONG64 Edges[] = {
        0,          1,           9,          10,
        0x7F,       0x80,        0xFF,       0x7FFF,
        0x8000,     0xFFFF,      0x7FFFFFFF, 0x80000000,
        0xFFFFFFFF, 0x100000000, INT64_MAX,  (ULONG64)INT64_MAX + 1,
        UINT64_MAX,
    };
    ULONG64 Value = (ULONG64)TestRandom(&State) << 32 | TestRandom(&State);

    if (Below(3) == 0) {
        return Edges[Below(RTL_NUMBER_OF(Edges))];
    }
    return Value >> Below(64);
}

static void TryNumber(void)
{
    static const char *const Lengths[] = {"", "hh", "h", "l", "ll", "z", "t"};
    static const struct {
        const char *Flags;
        char Letter;
    } Numbers[] = {
        {"-+ 0", 'd'}, {"-+ 0", 'i'}, {"-0", 'u'}, {"-#0", 'x'}, {"-#0", 'X'},
    };
    ULONG Choice = Below(RTL_NUMBER_OF(Numbers));
    ULONG64 Value = DrawValue();
    DRAWN Drawn;

    strcpy(Drawn.Length, Lengths[Below(RTL_NUMBER_OF(Lengths))]);
    DrawFormat(&Drawn, Numbers[Choice].Flags, Numbers[Choice].Letter);
    if (strcmp(Drawn.Length, "ll") == 0) {
        COMPARE(&Drawn, (unsigned long long)Value);
    } else if (Drawn.Length[0] == 'l') {
        COMPARE(&Drawn, (unsigned long)Value);
    } else if (Drawn.Length[0] == 'z' || Drawn.Length[0] == 't') {
        COMPARE(&Drawn, (size_t)Value);
    } else {
        COMPARE(&Drawn, (unsigned)Value);
    }
}

static void TryText(void)
{
    char Text[40];
    ULONG Bytes = Below(sizeof(Text));
    DRAWN Drawn = {0};
    ULONG Index;

    for (Index = 0; Index < Bytes; Index++) {
        Text[Index] = (char)(1 + Below(255));
    }
    Text[Bytes] = 0;
    DrawFormat(&Drawn, "-", 's');
    COMPARE(&Drawn, Text);
}

static void TryCharacter(void)
{
    DRAWN Drawn = {0};

    DrawFormat(&Drawn, "-", 'c');
    COMPARE(&Drawn, (int)(1 + Below(255)));
}

TEST(Format_agrees_with_snprintf)
{
    uint64_t Rounds;

    State = TestSeed();
    for (Rounds = TestRounds(600000); Rounds != 0; Rounds--) {
        switch (Below(8)) {
        case 0:
            TryCharacter();
            break;
        case 1:
            TryText();
            break;
        default:
            TryNumber();
        }
    }
}

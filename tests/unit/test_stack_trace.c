/* SPDX-License-Identifier: MIT */
/*
 * test_stack_trace.c - traces over code and stacks made by hand.
 *
 *     CODE + 000  Outer    push %ebp; mov %esp, %ebp; ...; call of Inner at 0x10, *%eax at 0x20
 *     CODE + 040  Inner    push %ebp; mov %esp, %ebp; ...; ret at 0x4F
 *     CODE + 080  Leaf     no frame; called directly by Outer at 0x30
 *     CODE + 0C0  Late     test; je; push %ebp; mov %esp, %ebp at 0xC4
 *     CODE + 100  KiTrapCommon
 */
#include "arch/x86/stack_trace.h"
#include "arch/x86/symbols.h"
#include "arch/x86/trap.h"
#include "tests/unit/test.h"

#include <string.h>

#define CODE        0x80800000u
#define CODE_BYTES  0x180u
#define STACK       0x80900000u
#define STACK_WORDS 128u
#define LIMIT       8u
#define JUNK        0x12345678u

#define OUTER       (CODE + 0x00)
#define INNER       (CODE + 0x40)
#define LEAF        (CODE + 0x80)
#define LATE        (CODE + 0xC0)
#define TRAP        (CODE + 0x100)
#define AFTER_INNER (OUTER + 0x15) /* where Outer's calls return to */
#define AFTER_ANY   (OUTER + 0x22)
#define AFTER_LEAF  (OUTER + 0x35)

static const char Symbols[] = "80800000 T Outer\n80800040 T Inner\n80800080 t Leaf\n"
                              "808000c0 t Late\n80800100 t KiTrapCommon\n80800180 T Behind\n";

static UCHAR Code[CODE_BYTES];
static ULONG Stack[STACK_WORDS];
static KI_STACK_FRAME Frames[LIMIT];

static BOOLEAN ReadMade(ULONG Va, PVOID Buffer, ULONG Bytes)
{
    if (Va >= CODE && Va + Bytes <= CODE + sizeof(Code)) {
        memcpy(Buffer, Code + (Va - CODE), Bytes);
    } else if (Va >= STACK && Va + Bytes <= STACK + sizeof(Stack)) {
        memcpy(Buffer, (UCHAR *)Stack + (Va - STACK), Bytes);
    } else {
        return FALSE;
    }
    return TRUE;
}

static void PutCall(ULONG From, ULONG To)
{
    LONG Distance = (LONG)(To - (From + 5));

    Code[From - CODE] = 0xE8;
    memcpy(Code + (From - CODE) + 1, &Distance, sizeof(Distance));
}

static void PutPrologue(ULONG Va)
{
    memcpy(Code + (Va - CODE), "\x55\x89\xE5", 3);
}

static PULONG Word(ULONG Va)
{
    return &Stack[(Va - STACK) / sizeof(ULONG)];
}

/* A frame of Outer at Ebp, returning to nobody. */
static void PutOuterFrame(ULONG Ebp)
{
    *Word(Ebp) = 0;
    *Word(Ebp + 4) = 0;
}

static void Arrange(void)
{
    ULONG i;

    memset(Code, 0x90, sizeof(Code));
    for (i = 0; i < STACK_WORDS; i++) {
        Stack[i] = JUNK;
    }
    PutPrologue(OUTER);
    PutCall(OUTER + 0x10, INNER);
    memcpy(Code + 0x20, "\xFF\xD0", 2); /* call *%eax */
    PutCall(OUTER + 0x30, LEAF);
    PutPrologue(INNER);
    Code[INNER + 0xF - CODE] = 0xC3;
    memcpy(Code + (LATE - CODE), "\x85\xC0\x74\x10\x55\x89\xE5", 7);
    KiInitializeSymbols(Symbols, strlen(Symbols), 0);
    PutOuterFrame(STACK + 0x100);
}

static ULONG Trace(ULONG Eip, ULONG Esp, ULONG Ebp, BOOLEAN InCall)
{
    const KI_STACK_STATE State = {Eip, Esp, Ebp, InCall};

    memset(Frames, 0, sizeof(Frames));
    return KiTraceStack(&State, ReadMade, Frames, LIMIT);
}

static void CheckFrame(ULONG Number, ULONG ChildEbp, ULONG RetAddr, ULONG Eip)
{
    CHECK_EQUAL(ChildEbp, Frames[Number].ChildEbp);
    CHECK_EQUAL(RetAddr, Frames[Number].RetAddr);
    CHECK_EQUAL(Eip, Frames[Number].Eip);
}

TEST(TraceStack_follows_the_chain_of_frames)
{
    Arrange();
    *Word(STACK + 0x40) = STACK + 0x100;
    *Word(STACK + 0x44) = AFTER_INNER;
    CHECK_EQUAL(2, Trace(INNER + 8, STACK + 0x20, STACK + 0x40, FALSE));
    CheckFrame(0, STACK + 0x40, AFTER_INNER, INNER + 8);
    CheckFrame(1, STACK + 0x100, 0, AFTER_INNER);
    CHECK(!Frames[0].InCall && Frames[1].InCall);
}

TEST(TraceStack_finds_the_caller_in_a_prologue_and_at_the_return)
{
    Arrange();
    *Word(STACK + 0x40) = AFTER_INNER;
    CHECK_EQUAL(2, Trace(INNER, STACK + 0x40, STACK + 0x100, FALSE));
    CheckFrame(0, STACK + 0x3C, AFTER_INNER, INNER);
    CheckFrame(1, STACK + 0x100, 0, AFTER_INNER);
    CHECK_EQUAL(2, Trace(INNER + 1, STACK + 0x3C, STACK + 0x100, FALSE));
    CheckFrame(0, STACK + 0x3C, AFTER_INNER, INNER + 1);
    CHECK_EQUAL(2, Trace(INNER + 0xF, STACK + 0x40, STACK + 0x100, FALSE));
    CheckFrame(0, STACK + 0x3C, AFTER_INNER, INNER + 0xF);
}

TEST(TraceStack_finds_the_caller_of_a_function_without_a_frame)
{
    Arrange();
    *Word(STACK + 0x40) = AFTER_LEAF;
    CHECK_EQUAL(2, Trace(LEAF + 4, STACK + 0x30, STACK + 0x100, FALSE));
    CheckFrame(0, STACK + 0x3C, AFTER_LEAF, LEAF + 4);
    CheckFrame(1, STACK + 0x100, 0, AFTER_LEAF);
    *Word(STACK + 0x38) = AFTER_ANY; /* a call through a pointer may have been this one */
    CHECK_EQUAL(2, Trace(LEAF + 4, STACK + 0x30, STACK + 0x100, FALSE));
    CheckFrame(0, STACK + 0x34, AFTER_ANY, LEAF + 4);
}

TEST(TraceStack_takes_no_call_of_another_function_for_this_ones)
{
    Arrange();
    *Word(STACK + 0x34) = AFTER_INNER; /* left behind by an earlier call */
    *Word(STACK + 0x38) = LEAF + 4;    /* in code, but behind no call */
    *Word(STACK + 0x40) = AFTER_LEAF;
    CHECK_EQUAL(2, Trace(LEAF + 4, STACK + 0x30, STACK + 0x100, FALSE));
    CheckFrame(0, STACK + 0x3C, AFTER_LEAF, LEAF + 4);
    *Word(STACK + 0x40) = JUNK; /* nothing found: the chain of frames is what remains */
    CHECK_EQUAL(1, Trace(LEAF + 4, STACK + 0x30, STACK + 0x100, FALSE));
    CheckFrame(0, STACK + 0x100, 0, LEAF + 4);
}

TEST(TraceStack_stays_below_the_callers_frame)
{
    Arrange();
    PutOuterFrame(STACK + 0x40);
    *Word(STACK + 0x48) = AFTER_LEAF;
    CHECK_EQUAL(1, Trace(LEAF + 4, STACK + 0x30, STACK + 0x40, FALSE));
    CheckFrame(0, STACK + 0x40, 0, LEAF + 4);
}

TEST(TraceStack_knows_a_prologue_behind_an_early_test)
{
    Arrange();
    *Word(STACK + 0x30) = AFTER_ANY; /* stale, inside Late's frame */
    *Word(STACK + 0x40) = STACK + 0x100;
    *Word(STACK + 0x44) = AFTER_ANY;
    CHECK_EQUAL(2, Trace(LATE + 0x10, STACK + 0x28, STACK + 0x40, FALSE));
    CheckFrame(0, STACK + 0x40, AFTER_ANY, LATE + 0x10);
    *Word(STACK + 0x44) = AFTER_ANY;
    CHECK_EQUAL(2, Trace(LATE + 2, STACK + 0x44, STACK + 0x100, FALSE));
    CheckFrame(0, STACK + 0x40, AFTER_ANY, LATE + 2);
}

TEST(TraceStack_knows_every_form_of_a_call_through_a_pointer)
{
    static const struct {
        const char *Text;
        ULONG Bytes;
    } Calls[] = {
        {"\xFF\xD2", 2},                     /* *%edx */
        {"\xFF\x13", 2},                     /* *(%ebx) */
        {"\xFF\x14\x98", 3},                 /* *(%eax,%ebx,4) */
        {"\xFF\x53\x08", 3},                 /* *8(%ebx) */
        {"\xFF\x54\x24\x08", 4},             /* *8(%esp) */
        {"\xFF\x15\x00\x10\x80\x80", 6},     /* *0x80801000 */
        {"\xFF\x93\x00\x01\x00\x00", 6},     /* *0x100(%ebx) */
        {"\xFF\x14\x9D\x00\x10\x80\x80", 7}, /* *0x80801000(,%ebx,4) */
        {"\xFF\x94\x98\x00\x01\x00\x00", 7}, /* *0x100(%eax,%ebx,4) */
    };
    ULONG i;

    for (i = 0; i < sizeof(Calls) / sizeof(Calls[0]); i++) {
        Arrange();
        memset(Code + 0x10, 0x90, 0x28);
        memcpy(Code + 0x20, Calls[i].Text, Calls[i].Bytes);
        *Word(STACK + 0x40) = OUTER + 0x20 + Calls[i].Bytes;
        CHECK_EQUAL(2, Trace(LEAF + 4, STACK + 0x40, STACK + 0x100, FALSE));
        Code[0x20 + 1] ^= 0x20; /* /6 is no call */
        CHECK_EQUAL(1, Trace(LEAF + 4, STACK + 0x40, STACK + 0x100, FALSE));
    }
}

TEST(TraceStack_searches_downwards_from_EBP_when_ESP_is_lost)
{
    Arrange();
    *Word(STACK + 0xF0) = AFTER_ANY;
    CHECK_EQUAL(2, Trace(LEAF + 4, 0x10000, STACK + 0x100, FALSE));
    CheckFrame(0, STACK + 0xEC, AFTER_ANY, LEAF + 4);
    CheckFrame(1, STACK + 0x100, 0, AFTER_ANY);
}

TEST(TraceStack_crosses_a_trap_into_a_function_without_a_frame)
{
    KTRAP_FRAME Trap = {
        .DbgEbp = STACK + 0x100, .DbgEip = LEAF, .Ebp = STACK + 0x100, .Eip = LEAF, .SegCs = 8};

    Arrange();
    memcpy(Word(STACK + 0x40), &Trap, offsetof(KTRAP_FRAME, HardwareEsp));
    *Word(STACK + 0x40 + offsetof(KTRAP_FRAME, HardwareEsp)) = AFTER_LEAF;
    *Word(STACK + 0x20) = STACK + 0x40;
    *Word(STACK + 0x24) = TRAP + 0x20;
    CHECK_EQUAL(4, Trace(AFTER_ANY, STACK + 0x10, STACK + 0x20, TRUE));
    CheckFrame(0, STACK + 0x20, TRAP + 0x20, AFTER_ANY);
    CheckFrame(1, STACK + 0x40, LEAF, TRAP + 0x20);
    CheckFrame(2, STACK + 0x40 + offsetof(KTRAP_FRAME, HardwareEsp) - 4, AFTER_LEAF, LEAF);
    CheckFrame(3, STACK + 0x100, 0, AFTER_LEAF);
    CHECK(!Frames[2].InCall && Frames[3].InCall);
}

TEST(TraceStack_ends_where_a_trap_came_from_ring_3)
{
    KTRAP_FRAME Trap = {.DbgEbp = STACK + 0x100, .DbgEip = LEAF, .Eip = LEAF, .SegCs = 0x1B};

    Arrange();
    memcpy(Word(STACK + 0x40), &Trap, offsetof(KTRAP_FRAME, HardwareEsp));
    CHECK_EQUAL(1, Trace(TRAP + 0x20, STACK + 0x30, STACK + 0x40, TRUE));
}

TEST(TraceStack_ends_at_a_chain_that_breaks_or_circles)
{
    Arrange();
    *Word(STACK + 0x40) = STACK + 0x40;
    *Word(STACK + 0x44) = AFTER_INNER;
    CHECK_EQUAL(1, Trace(AFTER_INNER, STACK + 0x20, STACK + 0x40, TRUE));
    *Word(STACK + 0x40) = 0x70000000;
    CHECK_EQUAL(1, Trace(AFTER_INNER, STACK + 0x20, STACK + 0x40, TRUE));
    *Word(STACK + 0x40) = STACK + 0x81; /* not aligned */
    CHECK_EQUAL(1, Trace(AFTER_INNER, STACK + 0x20, STACK + 0x40, TRUE));
    CHECK_EQUAL(0, Trace(AFTER_INNER, STACK + 0x20, 0, TRUE));
    CHECK_EQUAL(0, Trace(AFTER_INNER, STACK + 0x20, 0x70000000, TRUE));
}

TEST(TraceStack_fills_no_more_than_the_limit)
{
    const KI_STACK_STATE State = {AFTER_INNER, STACK, STACK, TRUE};
    ULONG i;

    Arrange();
    for (i = 0; i < 20; i++) {
        *Word(STACK + 8 * i) = STACK + 8 * (i + 1);
        *Word(STACK + 8 * i + 4) = AFTER_INNER;
    }
    memset(Frames, 0, sizeof(Frames));
    CHECK_EQUAL(3, KiTraceStack(&State, ReadMade, Frames, 3));
    CHECK_EQUAL(0, Frames[3].Eip);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_prop_bitmap.c - RTL_BITMAP against an array of booleans, searched bit by bit.
 *
 * A map of a random size, against the fence and with noise behind its end, goes through a series of
 * random calls; each result and, after each change, every bit is compared with the model's.
 */
#include "tests/unit/hazard.h"
#include "tests/unit/test.h"
#include "rtl.h"

#include <string.h>

#define MAX_BITS      300u /* more than nine words: several whole ones inside a run */
#define CALLS_PER_MAP 60u
#define MAPS_A_SEED   8000u
#define SEEDS         4u

typedef struct _MODEL {
    ULONG Size;              /* in bits */
    BOOLEAN Value[MAX_BITS]; /* of each bit */
} MODEL, *PMODEL;

static uint64_t State;

static ULONG Below(ULONG Limit)
{
    return TestRandom(&State) % Limit;
}

/* A number of bits: mostly small, now and then up to a little above the map's size. */
static ULONG AnyCount(ULONG Size)
{
    return Below(4) == 0 ? Below(Size + 3) : Below(12);
}

/* ---- the model: written to be seen to be right ---- */

static BOOLEAN ModelIsRun(const MODEL *Model, ULONG Start, ULONG Count, BOOLEAN Value)
{
    ULONG Bit;

    if (Start > Model->Size || Count > Model->Size - Start) {
        return FALSE;
    }
    for (Bit = Start; Bit < Start + Count; Bit++) {
        if (Model->Value[Bit] != Value) {
            return FALSE;
        }
    }
    return TRUE;
}

static ULONG ModelFind(const MODEL *Model, ULONG Count, ULONG Hint, BOOLEAN Value)
{
    ULONG Tried;

    Hint = Hint < Model->Size ? Hint : 0;
    if (Count == 0) {
        return Hint - Hint % 8;
    }
    for (Tried = 0; Tried < Model->Size; Tried++) {
        ULONG Start = (Hint + Tried) % Model->Size;

        if (ModelIsRun(Model, Start, Count, Value)) {
            return Start;
        }
    }
    return RTL_NO_BIT;
}

static void ModelWrite(PMODEL Model, ULONG Start, ULONG Count, BOOLEAN Value)
{
    memset(Model->Value + Start, Value, Count);
}

static ULONG ModelCount(const MODEL *Model)
{
    ULONG Total = 0;
    ULONG Bit;

    for (Bit = 0; Bit < Model->Size; Bit++) {
        Total += Model->Value[Bit];
    }
    return Total;
}

/* ---- the comparison ---- */

static void CheckSameBits(const RTL_BITMAP *Map, const MODEL *Model)
{
    ULONG Bit;

    for (Bit = 0; Bit < Model->Size; Bit++) {
        CHECK_EQUAL(Model->Value[Bit], RtlTestBit(Map, Bit));
    }
    CHECK_EQUAL(ModelCount(Model), RtlNumberOfSetBits(Map));
    CHECK_EQUAL(Model->Size - ModelCount(Model), RtlNumberOfClearBits(Map));
}

static void TryWrite(PRTL_BITMAP Map, PMODEL Model)
{
    ULONG Start = Below(Model->Size + 1);
    ULONG Count = Below(Model->Size - Start + 1);

    if (Below(2) == 0) {
        RtlSetBits(Map, Start, Count);
        ModelWrite(Model, Start, Count, TRUE);
    } else {
        RtlClearBits(Map, Start, Count);
        ModelWrite(Model, Start, Count, FALSE);
    }
    CheckSameBits(Map, Model);
}

/* A few single bits, so that runs of all lengths come about. */
static void TrySprinkle(PRTL_BITMAP Map, PMODEL Model)
{
    ULONG Times;

    for (Times = Below(20); Times != 0 && Model->Size != 0; Times--) {
        ULONG Bit = Below(Model->Size);

        if (Below(2) == 0) {
            RtlSetBits(Map, Bit, 1);
            ModelWrite(Model, Bit, 1, TRUE);
        } else {
            RtlClearBits(Map, Bit, 1);
            ModelWrite(Model, Bit, 1, FALSE);
        }
    }
    CheckSameBits(Map, Model);
}

static void TryAll(PRTL_BITMAP Map, PMODEL Model)
{
    BOOLEAN Value = Below(2) == 0;

    if (Value) {
        RtlSetAllBits(Map);
    } else {
        RtlClearAllBits(Map);
    }
    ModelWrite(Model, 0, Model->Size, Value);
    CheckSameBits(Map, Model);
}

static void TryFind(PRTL_BITMAP Map, PMODEL Model)
{
    ULONG Count = AnyCount(Model->Size);
    ULONG Hint = Below(Model->Size + 3);

    CHECK_EQUAL(ModelFind(Model, Count, Hint, FALSE), RtlFindClearBits(Map, Count, Hint));
    CHECK_EQUAL(ModelFind(Model, Count, Hint, TRUE), RtlFindSetBits(Map, Count, Hint));
}

static void TryFindAndChange(PRTL_BITMAP Map, PMODEL Model)
{
    ULONG Count = AnyCount(Model->Size);
    ULONG Hint = Below(Model->Size + 3);
    BOOLEAN Value = Below(2) == 0;
    ULONG Expected = ModelFind(Model, Count, Hint, Value);

    if (Value) {
        CHECK_EQUAL(Expected, RtlFindSetBitsAndClear(Map, Count, Hint));
    } else {
        CHECK_EQUAL(Expected, RtlFindClearBitsAndSet(Map, Count, Hint));
    }
    if (Expected != RTL_NO_BIT) {
        ModelWrite(Model, Expected, Count, !Value);
    }
    CheckSameBits(Map, Model);
}

static void TryAreBits(PRTL_BITMAP Map, PMODEL Model)
{
    ULONG Start = Below(Model->Size + 3);
    ULONG Count = AnyCount(Model->Size);

    CHECK_EQUAL(Count != 0 && ModelIsRun(Model, Start, Count, TRUE),
                RtlAreBitsSet(Map, Start, Count));
    CHECK_EQUAL(Count != 0 && ModelIsRun(Model, Start, Count, FALSE),
                RtlAreBitsClear(Map, Start, Count));
}

static void TryNextRun(PRTL_BITMAP Map, PMODEL Model)
{
    ULONG From = Below(Model->Size + 3);
    ULONG First = From;
    ULONG Length = 0;
    ULONG Start = RTL_NO_BIT;

    while (First < Model->Size && Model->Value[First]) {
        First++;
    }
    while (First + Length < Model->Size && !Model->Value[First + Length]) {
        Length++;
    }
    CHECK_EQUAL(Length, RtlFindNextForwardRunClear(Map, From, &Start));
    CHECK_EQUAL(Length == 0 ? RTL_NO_BIT : First, Start);
}

static void TryMap(void)
{
    static void (*const Calls[])(PRTL_BITMAP, PMODEL) = {
        TryWrite, TrySprinkle, TryFind, TryFind, TryFindAndChange, TryAreBits, TryNextRun, TryAll,
    };
    MODEL Model = {0};
    SIZE_T Words;
    PULONG Buffer;
    RTL_BITMAP Map;
    ULONG Index;

    /* Often a multiple of a word: there the end of the map is the fence itself. */
    Model.Size = Below(3) == 0 ? Below(MAX_BITS / 32) * 32 : Below(MAX_BITS);
    Words = (Model.Size + 31) / 32;
    Buffer = TestFencedBytes(Words * sizeof(ULONG));
    for (Index = 0; Index < Words; Index++) {
        Buffer[Index] = TestRandom(&State);
    }
    for (Index = 0; Index < Model.Size; Index++) {
        Model.Value[Index] = Buffer[Index / 32] >> Index % 32 & 1;
    }
    RtlInitializeBitMap(&Map, Buffer, Model.Size);
    CheckSameBits(&Map, &Model);
    for (Index = 0; Index < CALLS_PER_MAP; Index++) {
        Calls[Below(RTL_NUMBER_OF(Calls))](&Map, &Model);
    }
}

TEST(Bitmap_agrees_with_an_array_of_booleans)
{
    uint64_t Maps = TestRounds(MAPS_A_SEED);
    uint64_t Number;
    uint64_t Map;

    for (Number = 0; Number < SEEDS; Number++) {
        State = TestSeedNumber(Number);
        for (Map = 0; Map < Maps; Map++) {
            TryMap();
        }
    }
    TestCountOperations(SEEDS * Maps * CALLS_PER_MAP, SEEDS);
}

/* All maps of 12 bits, all counts and hints: small enough to leave nothing to chance. */
TEST(Bitmap_searches_agree_on_every_small_map)
{
    MODEL Model = {12, {0}};
    PULONG Buffer = TestFencedBytes(sizeof(ULONG));
    RTL_BITMAP Map;
    ULONG Bits;
    ULONG Bit;
    ULONG Case;

    RtlInitializeBitMap(&Map, Buffer, Model.Size);
    for (Bits = 0; Bits < 1u << 12; Bits++) {
        *Buffer = Bits | (Bits & 1 ? 0xFFFFF000 : 0);
        for (Bit = 0; Bit < 12; Bit++) {
            Model.Value[Bit] = Bits >> Bit & 1;
        }
        for (Case = 0; Case < 14 * 14; Case++) {
            ULONG Count = Case / 14;
            ULONG Hint = Case % 14;

            CHECK_EQUAL(ModelFind(&Model, Count, Hint, FALSE), RtlFindClearBits(&Map, Count, Hint));
            CHECK_EQUAL(ModelFind(&Model, Count, Hint, TRUE), RtlFindSetBits(&Map, Count, Hint));
        }
    }
}

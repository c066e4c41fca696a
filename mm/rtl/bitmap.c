/* SPDX-License-Identifier: MIT */
/*
 * bitmap.c - RTL_BITMAP: setting, counting and finding runs of bits, a word at a time.
 *
 * One body serves set and clear bits: Flip is XORed onto each word that is read, so that a bit that
 * is looked for always reads 1 (0 looks for set bits, all ones for clear bits).
 *
 * A run of Count bits is found as Boyer and Moore find a text.  The window of Count bits at a
 * candidate start is searched backwards; the first wrong bit met is the last one of the window, and
 * no run that contains it fits, so the next candidate lies behind it:
 *
 *     looking for 5 clear bits        ..#.#.......
 *                                     [..#.#]          wrong bit at 4
 *                                          [.....]     found at 5
 *
 * Long runs skip most of the bitmap unread, and no word is read more than a few times.
 *
 * Invariants:
 *   B1  a search reads only words that hold a bit of the map
 *   B2  bits of the last word behind SizeOfBitMap never change a result
 *   B3  a bit number is below RTL_NO_BIT, since SizeOfBitMap is at most RTL_NO_BIT
 *
 * Locking: the caller's.
 */
#include "rtl.h"

#define RTL_WORD_BITS      32u /* of a ULONG */

#define RTL_LOOK_FOR_SET   0u
#define RTL_LOOK_FOR_CLEAR 0xFFFFFFFFu

NT_C_ASSERT(RTL_WORD_BITS == sizeof(ULONG) * 8);

/* => TRUE when the bits lie in the bitmap; written so that Start + Count may pass 2^32. */
static BOOLEAN RtlpIsRange(const RTL_BITMAP *Header, ULONG Start, ULONG Count)
{
    return Start <= Header->SizeOfBitMap && Count <= Header->SizeOfBitMap - Start;
}

/* => Returns the first matching bit of [From, End), or End. */
static ULONG RtlpFindForward(const RTL_BITMAP *Header, ULONG From, ULONG End, ULONG Flip)
{
    ULONG Index = From / RTL_WORD_BITS;
    ULONG Word;
    ULONG Bit;

    if (From >= End) {
        return End;
    }
    Word = (Header->Buffer[Index] ^ Flip) & (0xFFFFFFFFu << From % RTL_WORD_BITS);
    while (Word == 0) {
        if (Index == (End - 1) / RTL_WORD_BITS) {
            return End;
        }
        Index++;
        Word = Header->Buffer[Index] ^ Flip;
    }
    Bit = Index * RTL_WORD_BITS + (ULONG)__builtin_ctz(Word);
    return Bit < End ? Bit : End;
}

/* => Returns the last matching bit of [From, End), which is not empty, or RTL_NO_BIT. */
static ULONG RtlpFindBackward(const RTL_BITMAP *Header, ULONG From, ULONG End, ULONG Flip)
{
    ULONG Last = End - 1;
    ULONG Index = Last / RTL_WORD_BITS;
    ULONG Word = (Header->Buffer[Index] ^ Flip) &
                 (0xFFFFFFFFu >> (RTL_WORD_BITS - 1 - Last % RTL_WORD_BITS));
    ULONG Bit;

    while (Word == 0) {
        if (Index == From / RTL_WORD_BITS) {
            return RTL_NO_BIT;
        }
        Index--;
        Word = Header->Buffer[Index] ^ Flip;
    }
    Bit = Index * RTL_WORD_BITS + (RTL_WORD_BITS - 1 - (ULONG)__builtin_clz(Word));
    return Bit >= From ? Bit : RTL_NO_BIT;
}

/* => Returns the first run of Count (above 0) matching bits inside [From, End), or RTL_NO_BIT. */
static ULONG RtlpFindRun(const RTL_BITMAP *Header, ULONG From, ULONG End, ULONG Count, ULONG Flip)
{
    ULONG Start = From;

    for (;;) {
        ULONG Wrong;

        Start = RtlpFindForward(Header, Start, End, Flip);
        if (End - Start < Count) {
            return RTL_NO_BIT;
        }
        Wrong = RtlpFindBackward(Header, Start, Start + Count, ~Flip);
        if (Wrong == RTL_NO_BIT) {
            return Start;
        }
        Start = Wrong + 1;
    }
}

static ULONG RtlpFindBits(const RTL_BITMAP *Header, ULONG Count, ULONG Hint, ULONG Flip)
{
    ULONG Size = Header->SizeOfBitMap;
    ULONG Start;

    if (Hint >= Size) {
        Hint = 0;
    }
    if (Count == 0) {
        return ROUND_DOWN(Hint, 8u);
    }
    Start = RtlpFindRun(Header, Hint, Size, Count, Flip);
    if (Start == RTL_NO_BIT && Hint != 0) {
        /* What is left are runs that begin before Hint: they end before Hint + Count - 1. */
        ULONG End = Count - 1 < Size - Hint ? Hint + Count - 1 : Size;

        Start = RtlpFindRun(Header, 0, End, Count, Flip);
    }
    return Start;
}

/* Make the bits equal those of Pattern, which is 0 or all ones. */
static void RtlpWriteBits(PRTL_BITMAP Header, ULONG Start, ULONG Count, ULONG Pattern)
{
    if (Count != 0 && !RtlpIsRange(Header, Start, Count)) {
        __builtin_trap();
    }
    while (Count != 0) {
        ULONG Shift = Start % RTL_WORD_BITS;
        ULONG Taken = Count < RTL_WORD_BITS - Shift ? Count : RTL_WORD_BITS - Shift;
        ULONG Last = Shift + Taken - 1;
        ULONG Mask = (0xFFFFFFFFu << Shift) & (0xFFFFFFFFu >> (RTL_WORD_BITS - 1 - Last));
        PULONG Word = &Header->Buffer[Start / RTL_WORD_BITS];

        *Word = (*Word & ~Mask) | (Pattern & Mask);
        Start += Taken;
        Count -= Taken;
    }
}

void NTAPI RtlInitializeBitMap(PRTL_BITMAP Header, PULONG Buffer, ULONG SizeOfBitMap)
{
    Header->SizeOfBitMap = SizeOfBitMap;
    Header->Buffer = Buffer;
}

/* => Returns the size of the buffer: whole words. */
static SIZE_T RtlpBufferBytes(const RTL_BITMAP *Header)
{
    ULONG Size = Header->SizeOfBitMap;

    return (Size / RTL_WORD_BITS + (Size % RTL_WORD_BITS != 0)) * sizeof(ULONG);
}

void NTAPI RtlClearAllBits(PRTL_BITMAP Header)
{
    memset(Header->Buffer, 0, RtlpBufferBytes(Header));
}

void NTAPI RtlSetAllBits(PRTL_BITMAP Header)
{
    memset(Header->Buffer, 0xFF, RtlpBufferBytes(Header));
}

BOOLEAN NTAPI RtlTestBit(const RTL_BITMAP *Header, ULONG Bit)
{
    if (Bit >= Header->SizeOfBitMap) {
        __builtin_trap();
    }
    return Header->Buffer[Bit / RTL_WORD_BITS] >> Bit % RTL_WORD_BITS & 1;
}

void NTAPI RtlSetBits(PRTL_BITMAP Header, ULONG Start, ULONG Count)
{
    RtlpWriteBits(Header, Start, Count, 0xFFFFFFFFu);
}

void NTAPI RtlClearBits(PRTL_BITMAP Header, ULONG Start, ULONG Count)
{
    RtlpWriteBits(Header, Start, Count, 0);
}

/* => TRUE when the range is not empty, in the bitmap, and without a bit that Flip looks for. */
static BOOLEAN RtlpIsRangeWithout(const RTL_BITMAP *Header, ULONG Start, ULONG Count, ULONG Flip)
{
    return Count != 0 && RtlpIsRange(Header, Start, Count) &&
           RtlpFindForward(Header, Start, Start + Count, Flip) == Start + Count;
}

BOOLEAN NTAPI RtlAreBitsSet(const RTL_BITMAP *Header, ULONG Start, ULONG Count)
{
    return RtlpIsRangeWithout(Header, Start, Count, RTL_LOOK_FOR_CLEAR);
}

BOOLEAN NTAPI RtlAreBitsClear(const RTL_BITMAP *Header, ULONG Start, ULONG Count)
{
    return RtlpIsRangeWithout(Header, Start, Count, RTL_LOOK_FOR_SET);
}

/*
 * Count the ones of a word: neighbours are added pairwise, in fields of 2, 4 and 8 bits; the
 * multiplication then gathers the four bytes in the highest one.
 */
static ULONG RtlpCountOnes(ULONG Word)
{
    Word = Word - (Word >> 1 & 0x55555555u);
    Word = (Word & 0x33333333u) + (Word >> 2 & 0x33333333u);
    Word = (Word + (Word >> 4)) & 0x0F0F0F0Fu;
    return Word * 0x01010101u >> 24;
}

ULONG NTAPI RtlNumberOfSetBits(const RTL_BITMAP *Header)
{
    ULONG Whole = Header->SizeOfBitMap / RTL_WORD_BITS;
    ULONG Rest = Header->SizeOfBitMap % RTL_WORD_BITS;
    ULONG Total = 0;
    ULONG Index;

    for (Index = 0; Index < Whole; Index++) {
        Total += RtlpCountOnes(Header->Buffer[Index]);
    }
    if (Rest != 0) {
        Total += RtlpCountOnes(Header->Buffer[Whole] << (RTL_WORD_BITS - Rest));
    }
    return Total;
}

ULONG NTAPI RtlNumberOfClearBits(const RTL_BITMAP *Header)
{
    return Header->SizeOfBitMap - RtlNumberOfSetBits(Header);
}

ULONG NTAPI RtlFindClearBits(const RTL_BITMAP *Header, ULONG Count, ULONG Hint)
{
    return RtlpFindBits(Header, Count, Hint, RTL_LOOK_FOR_CLEAR);
}

ULONG NTAPI RtlFindSetBits(const RTL_BITMAP *Header, ULONG Count, ULONG Hint)
{
    return RtlpFindBits(Header, Count, Hint, RTL_LOOK_FOR_SET);
}

ULONG NTAPI RtlFindClearBitsAndSet(PRTL_BITMAP Header, ULONG Count, ULONG Hint)
{
    ULONG Start = RtlFindClearBits(Header, Count, Hint);

    if (Start != RTL_NO_BIT) {
        RtlSetBits(Header, Start, Count);
    }
    return Start;
}

ULONG NTAPI RtlFindSetBitsAndClear(PRTL_BITMAP Header, ULONG Count, ULONG Hint)
{
    ULONG Start = RtlFindSetBits(Header, Count, Hint);

    if (Start != RTL_NO_BIT) {
        RtlClearBits(Header, Start, Count);
    }
    return Start;
}

ULONG NTAPI RtlFindNextForwardRunClear(const RTL_BITMAP *Header, ULONG From, PULONG Start)
{
    ULONG Size = Header->SizeOfBitMap;
    ULONG First = RtlpFindForward(Header, From, Size, RTL_LOOK_FOR_CLEAR);

    if (First == Size) {
        return 0;
    }
    *Start = First;
    return RtlpFindForward(Header, First, Size, RTL_LOOK_FOR_SET) - First;
}

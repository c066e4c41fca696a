/* SPDX-License-Identifier: MIT */
/*
 * rtl.h - the run-time library of the core: strings, formatted print, bitmaps, balanced trees.
 *
 * Nothing here allocates, waits or knows the machine.  Unless a line says otherwise: any IRQL, the
 * caller's locks.
 */
#ifndef RTL_H
#define RTL_H

#include "nt/status.h"
#include "nt/types.h"
#include "nt/unicode.h"

/* ---- memory and strings: as in ISO C; the compiler itself emits calls to the first four ---- */

void *memcpy(void *To, const void *From, SIZE_T Bytes);
void *memmove(void *To, const void *From, SIZE_T Bytes);
void *memset(void *To, int Value, SIZE_T Bytes);
int memcmp(const void *A, const void *B, SIZE_T Bytes);
SIZE_T strlen(const char *Text);
int strcmp(const char *A, const char *B);
int strncmp(const char *A, const char *B, SIZE_T Bytes);

/* Compare up to Bytes or both ends, without regard to ASCII case.  => Returns < 0, 0 or > 0. */
int RtlCompareText(const char *A, const char *B, SIZE_T Bytes);

/* Case counts.  => Returns the first occurrence of Needle (of an empty one: Haystack), or NULL. */
const char *RtlFindText(const char *Haystack, const char *Needle);

/*
 * Read an unsigned number: decimal, or hexadecimal after 0x (or 0X).
 *
 * => *Text points at the first digit; on success it is moved behind the last one.  Nothing from End
 *    on is read.
 * => STATUS_INVALID_PARAMETER: no digit, or none behind 0x.  STATUS_INTEGER_OVERFLOW: above 64
 *    bits.  Then *Text and *Value are left alone.
 */
NT_MUST_CHECK NTSTATUS RtlParseNumber(const char **Text, const char *End, ULONG64 *Value);

/* ---- UTF-16 and UTF-8: as documented for ntifs.h ---- */

/* Describe a text that ends in zero; NULL: the empty one.  => Up to 32766 units. */
void NTAPI RtlInitUnicodeString(PUNICODE_STRING Destination, PCWSTR Source);

/* ASCII, Latin-1, Greek and Cyrillic: those whose two cases lie side by side. */
WCHAR NTAPI RtlUpcaseUnicodeChar(WCHAR SourceCharacter);

BOOLEAN NTAPI RtlEqualUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                    BOOLEAN CaseInSensitive);

/*
 * Convert between encodings; no zero is added.  Destination NULL: only count.
 *
 * => *ActualBytes is how many were, or would be, written.
 * => STATUS_SOME_NOT_MAPPED: what is not well formed became U+FFFD.  STATUS_BUFFER_TOO_SMALL: as
 *    many whole characters as fit were written.
 */
NTSTATUS NTAPI RtlUTF8ToUnicodeN(PWCHAR Destination, ULONG MaximumBytes, PULONG ActualBytes,
                                 const char *Source, ULONG SourceBytes);
NTSTATUS NTAPI RtlUnicodeToUTF8N(char *Destination, ULONG MaximumBytes, PULONG ActualBytes,
                                 PCWSTR Source, ULONG SourceBytes);

/* ---- dates ---- */

/* As documented. */
typedef struct _TIME_FIELDS {
    SHORT Year;         /* 1601 - 30827 */
    SHORT Month;        /* 1 - 12 */
    SHORT Day;          /* 1 - 31 */
    SHORT Hour;         /* 0 - 23 */
    SHORT Minute;       /* 0 - 59 */
    SHORT Second;       /* 0 - 59 */
    SHORT Milliseconds; /* 0 - 999 */
    SHORT Weekday;      /* 0: Sunday; ignored on the way to a time */
} TIME_FIELDS, *PTIME_FIELDS;

/* Time in 100 ns since 1 January 1601.  => FALSE, *Time unchanged: there is no such date. */
BOOLEAN NTAPI RtlTimeFieldsToTime(PTIME_FIELDS TimeFields, PLARGE_INTEGER Time);

/* => Time is not negative, and below year 30828. */
void NTAPI RtlTimeToTimeFields(PLARGE_INTEGER Time, PTIME_FIELDS TimeFields);

/* ---- images ---- */

struct _IMAGE_NT_HEADERS;

/*
 * The NT headers (nt/image.h) of an image in memory, a driver's own for example.
 *
 * => Base can be read, as far as the headers say: who doubts it looks first.  NULL: no image begins
 *    there, or its NT headers are not aligned to 4.
 */
struct _IMAGE_NT_HEADERS *NTAPI RtlImageNtHeader(PVOID Base);

/* ---- formatted print ---- */

/* Receives each piece of the output.  Text does not end in zero; Bytes is not 0. */
typedef void RTL_PRINT_SINK(PVOID Context, const char *Text, SIZE_T Bytes);

/*
 * Format as printf does, to a sink.
 *
 * Conversions: % c s d i u x X p, flags - + space # 0, width and precision (numbers or *), lengths
 * hh h l ll z t and I64.  %p prints eight (or sixteen) upper-case digits without 0x.  "%s" prints
 * "(null)" for NULL and reads no more than its precision.  No floating point, no wide text; %n is
 * refused: an unknown conversion is printed as it stands and takes no argument (its stars do).
 *
 * => Returns the number of bytes that went to the sink.
 */
SIZE_T RtlFormat(RTL_PRINT_SINK *Sink, PVOID Context, const char *Format, ...) NT_PRINTF(3, 4);
SIZE_T RtlFormatV(RTL_PRINT_SINK *Sink, PVOID Context, const char *Format, va_list Arguments)
    NT_PRINTF(3, 0);

/* Lines broken between words on their way to another sink. */
#define RTL_FOLD_WORD_BYTES 64

typedef struct _RTL_FOLD {
    RTL_PRINT_SINK *Sink;
    PVOID Context;
    ULONG Columns;  /* in a line, unless a single word is longer */
    ULONG Indent;   /* blanks before what continues a line; below Columns */
    ULONG Column;   /* where the line that was passed on ends */
    ULONG Blanks;   /* those before Word, not passed on yet */
    BOOLEAN InWord; /* Word goes on with one whose beginning was passed on */
    ULONG WordBytes;
    char Word[RTL_FOLD_WORD_BYTES]; /* not passed on yet */
} RTL_FOLD;

/* => Fold can be the Context of RtlFoldSink; Sink will get its text. */
void RtlInitializeFold(RTL_FOLD *Fold, RTL_PRINT_SINK *Sink, PVOID Context, ULONG Columns,
                       ULONG Indent);

/* An RTL_PRINT_SINK.  => Context is an RTL_FOLD; Text is a piece of a line, without its newline. */
void RtlFoldSink(PVOID Context, const char *Text, SIZE_T Bytes);

/* Pass on what waits.  => No newline is added.  Fold is to be initialized before its next line. */
void RtlEndFold(RTL_FOLD *Fold);

/*
 * Format into a buffer, always zero terminated.  As documented for ntstrsafe.h.
 *
 * => STATUS_BUFFER_OVERFLOW: the text was cut to fit.  STATUS_INVALID_PARAMETER: Bytes is 0, or
 *    above 2147483647 (NTSTRSAFE_MAX_CCH); then Buffer is left alone.
 */
NTSTATUS RtlStringCbPrintfA(char *Buffer, SIZE_T Bytes, const char *Format, ...) NT_PRINTF(3, 4);
NTSTATUS RtlStringCbVPrintfA(char *Buffer, SIZE_T Bytes, const char *Format, va_list Arguments)
    NT_PRINTF(3, 0);

/* ---- bitmaps: documented at learn.microsoft.com/windows-hardware/drivers/ddi/wdm ---- */

typedef struct _RTL_BITMAP {
    ULONG SizeOfBitMap; /* in bits */
    PULONG Buffer;      /* whole ULONGs; bit n is bit n % 32 of word n / 32 */
} RTL_BITMAP, *PRTL_BITMAP;

#define RTL_NO_BIT 0xFFFFFFFFu /* the documented failure value of the searches */

void NTAPI RtlInitializeBitMap(PRTL_BITMAP Header, PULONG Buffer, ULONG SizeOfBitMap);

/*
 * These write all of the buffer's ULONGs.  Nothing else writes the bits of the last one that lie
 * behind SizeOfBitMap, and no result depends on them.
 */
void NTAPI RtlClearAllBits(PRTL_BITMAP Header);
void NTAPI RtlSetAllBits(PRTL_BITMAP Header);

/* Bits outside the bitmap are a broken invariant: the machine stops.  A Count of 0 does nothing. */
BOOLEAN NTAPI RtlTestBit(const RTL_BITMAP *Header, ULONG Bit);
void NTAPI RtlSetBits(PRTL_BITMAP Header, ULONG Start, ULONG Count);
void NTAPI RtlClearBits(PRTL_BITMAP Header, ULONG Start, ULONG Count);

/* => Returns FALSE also when Count is 0 or a bit of the range lies outside the bitmap. */
BOOLEAN NTAPI RtlAreBitsSet(const RTL_BITMAP *Header, ULONG Start, ULONG Count);
BOOLEAN NTAPI RtlAreBitsClear(const RTL_BITMAP *Header, ULONG Start, ULONG Count);
ULONG NTAPI RtlNumberOfSetBits(const RTL_BITMAP *Header);
ULONG NTAPI RtlNumberOfClearBits(const RTL_BITMAP *Header);

/*
 * Find Count clear (set) bits in a row: the first run that begins at or after Hint, or else the
 * first one in the bitmap.  Runs do not wrap around the end.  AndSet and AndClear then change it.
 *
 * => A Hint outside the bitmap counts as 0.
 * => Returns the first bit's number; RTL_NO_BIT when there is no such run.
 * => Count is 0: returns Hint rounded down to a multiple of 8 (a byte), and changes nothing.
 */
ULONG NTAPI RtlFindClearBits(const RTL_BITMAP *Header, ULONG Count, ULONG Hint);
ULONG NTAPI RtlFindSetBits(const RTL_BITMAP *Header, ULONG Count, ULONG Hint);
ULONG NTAPI RtlFindClearBitsAndSet(PRTL_BITMAP Header, ULONG Count, ULONG Hint);
ULONG NTAPI RtlFindSetBitsAndClear(PRTL_BITMAP Header, ULONG Count, ULONG Hint);

/*
 * The first run of clear bits at or after From; a run that covers From begins there.
 *
 * => Returns its length, its first bit in *Start; 0 when there is none, and *Start is left alone.
 */
ULONG NTAPI RtlFindNextForwardRunClear(const RTL_BITMAP *Header, ULONG From, PULONG Start);

/* ---- AVL trees: intrusive, so that inserting cannot fail ---- */

typedef struct _RTL_BALANCED_NODE {
    struct _RTL_BALANCED_NODE *Left;
    struct _RTL_BALANCED_NODE *Right;
    struct _RTL_BALANCED_NODE *Parent; /* NULL: the root */
    LONG Balance;                      /* height(Right) - height(Left): -1, 0 or 1 */
} RTL_BALANCED_NODE, *PRTL_BALANCED_NODE;

typedef struct _RTL_AVL_TREE {
    PRTL_BALANCED_NODE Root; /* NULL: empty */
} RTL_AVL_TREE, *PRTL_AVL_TREE;

/*
 * Link Node as the child of Parent and rebalance.
 *
 * => Parent is the node at which the caller's descent ended (NULL: the tree is empty), Right which
 *    side; that side is empty, or the machine stops.
 */
void NTAPI RtlAvlInsertNodeEx(PRTL_AVL_TREE Tree, PRTL_BALANCED_NODE Parent, BOOLEAN Right,
                              PRTL_BALANCED_NODE Node);

/* => Node is in Tree, or the machine stops.  Its fields are then the caller's again. */
void NTAPI RtlAvlRemoveNode(PRTL_AVL_TREE Tree, PRTL_BALANCED_NODE Node);

/* Walks in order.  => NULL: empty, or past the end. */
PRTL_BALANCED_NODE NTAPI RtlAvlFirstNode(const RTL_AVL_TREE *Tree);
PRTL_BALANCED_NODE NTAPI RtlAvlLastNode(const RTL_AVL_TREE *Tree);
PRTL_BALANCED_NODE NTAPI RtlAvlNextNode(const RTL_BALANCED_NODE *Node);
PRTL_BALANCED_NODE NTAPI RtlAvlPreviousNode(const RTL_BALANCED_NODE *Node);

/* => TRUE when links and balances hold (T1-T3 in avl.c); *Count is then the number of nodes. */
NT_MUST_CHECK BOOLEAN NTAPI RtlAvlVerify(const RTL_AVL_TREE *Tree, PULONG Count);

#endif

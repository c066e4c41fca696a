/* SPDX-License-Identifier: MIT */
/*
 * print.c - printf's formatting, handed piece by piece to a sink.
 *
 * A format is a row of literal runs and conversions.  A literal run goes to the sink in one call,
 * straight out of the format.  A conversion is first read into an RTL_FIELD, which says what the
 * format asks for; then its argument becomes a body, and the field is laid out as
 *
 *     spaces | prefix | zeros | body | spaces
 *
 * where the prefix is a sign or 0x, and at most one of the two runs of spaces is not empty.
 * Nothing is collected: the only buffer holds the digits of one number.
 *
 * The arguments live in RTL_PRINT, which is passed by pointer: a va_list that is itself a parameter
 * is an array on x64 and a value on x86, so only there would a callee's va_arg be lost.
 *
 * The file is compiled three times: into the kernel and into the 32-bit and 64-bit loaders.
 */
#include "rtl.h"

#define RTL_NO_PRECISION (-1)
#define RTL_MAX_FIELD    0x7FFFFFFF /* what an int can ask for; longer numbers count as this */
#define RTL_MAX_DIGITS   20         /* 2^64 - 1 is 18446744073709551615 */

/* The largest buffer that ntstrsafe.h documents (NTSTRSAFE_MAX_CCH). */
#define RTL_MAX_BUFFER_BYTES 2147483647u

typedef struct _RTL_PRINT {
    RTL_PRINT_SINK *Sink; /* where the output goes */
    PVOID Context;        /* the sink's own */
    SIZE_T Total;         /* bytes sent so far */
    va_list Arguments;    /* those not yet consumed */
} RTL_PRINT, *PRTL_PRINT;

typedef struct _RTL_FIELD {
    BOOLEAN Left;        /* '-': spaces come last */
    BOOLEAN Plus;        /* '+': a number not below zero gets a plus */
    BOOLEAN Space;       /* ' ': it gets a space */
    BOOLEAN Alternate;   /* '#': 0x in front of hexadecimal */
    BOOLEAN Zero;        /* '0': fill the width with zeros */
    UCHAR ArgumentBytes; /* from hh, h, l, ll, z, t, I64; 0: no length given, an int */
    UCHAR PrefixBytes;   /* of Prefix in use */
    CHAR Prefix[2];      /* a sign, or 0x */
    ULONG Width;         /* least bytes of the whole field */
    LONG Precision;      /* least digits of a number, most bytes of a text; or RTL_NO_PRECISION */
    SIZE_T Zeros;        /* between prefix and body */
} RTL_FIELD, *PRTL_FIELD;

static void RtlpPut(PRTL_PRINT Print, const char *Text, SIZE_T Bytes)
{
    if (Bytes != 0) {
        Print->Sink(Print->Context, Text, Bytes);
        Print->Total += Bytes;
    }
}

/* Send Count times the byte of which Run is a run; most fields need one call. */
static void RtlpPad(PRTL_PRINT Print, const char Run[16], SIZE_T Count)
{
    for (; Count > 16; Count -= 16) {
        RtlpPut(Print, Run, 16);
    }
    RtlpPut(Print, Run, Count);
}

/* Lay the field out around Body. */
static void RtlpPutField(PRTL_PRINT Print, const RTL_FIELD *Field, const char *Body, SIZE_T Bytes)
{
    static const char Spaces[] = "                ";
    static const char Zeros[] = "0000000000000000";
    SIZE_T Used = Field->PrefixBytes + Field->Zeros + Bytes;
    SIZE_T Padding = Field->Width > Used ? Field->Width - Used : 0;

    RtlpPad(Print, Spaces, Field->Left ? 0 : Padding);
    RtlpPut(Print, Field->Prefix, Field->PrefixBytes);
    RtlpPad(Print, Zeros, Field->Zeros);
    RtlpPut(Print, Body, Bytes);
    RtlpPad(Print, Spaces, Field->Left ? Padding : 0);
}

/* ---- conversions ---- */

/* Write Value's decimal digits so that they end before End.  => Returns the first one. */
static char *RtlpWriteDecimal(char *End, ULONG64 Value)
{
    ULONG Low;

    /* A 64-bit division is a call on a 32-bit machine: made only while it is needed. */
    for (; Value > 0xFFFFFFFF; Value /= 10) {
        *--End = (char)('0' + Value % 10);
    }
    for (Low = (ULONG)Value; Low != 0; Low /= 10) {
        *--End = (char)('0' + Low % 10);
    }
    return End;
}

static char *RtlpWriteHexadecimal(char *End, ULONG64 Value, const char *Letters)
{
    for (; Value != 0; Value >>= 4) {
        *--End = Letters[Value & 0xF];
    }
    return End;
}

/* Print the digits from First to End, which are none for the value 0. */
static void RtlpPutNumber(PRTL_PRINT Print, PRTL_FIELD Field, const char *First, const char *End)
{
    SIZE_T Bytes = (SIZE_T)(End - First);
    SIZE_T Least = 1;

    if (Field->Precision != RTL_NO_PRECISION) {
        Least = (SIZE_T)Field->Precision;
    } else if (Field->Zero && !Field->Left && Field->Width > Field->PrefixBytes) {
        Least = Field->Width - Field->PrefixBytes;
    }
    Field->Zeros = Least > Bytes ? Least - Bytes : 0;
    RtlpPutField(Print, Field, First, Bytes);
}

/* => Returns the next argument, an integer of the field's length; Signed: extended by its sign. */
static ULONG64 RtlpNextInteger(PRTL_PRINT Print, const RTL_FIELD *Field, BOOLEAN Signed)
{
    ULONG Value;

    if (Field->ArgumentBytes == sizeof(ULONG64)) {
        return va_arg(Print->Arguments, ULONG64);
    }
    Value = va_arg(Print->Arguments, ULONG);
    switch (Field->ArgumentBytes) {
    case sizeof(UCHAR):
        return Signed ? (ULONG64)(signed char)Value : (UCHAR)Value;
    case sizeof(USHORT):
        return Signed ? (ULONG64)(SHORT)Value : (USHORT)Value;
    default:
        return Signed ? (ULONG64)(LONG)Value : Value;
    }
}

static void RtlpSetPrefix(PRTL_FIELD Field, char First, char Second)
{
    Field->Prefix[0] = First;
    Field->Prefix[1] = Second;
    Field->PrefixBytes = Second == 0 ? 1 : 2;
}

static void RtlpPrintSigned(PRTL_PRINT Print, PRTL_FIELD Field)
{
    char Digits[RTL_MAX_DIGITS];
    char *End = Digits + RTL_MAX_DIGITS;
    ULONG64 Value = RtlpNextInteger(Print, Field, TRUE);

    if ((LONG64)Value < 0) {
        RtlpSetPrefix(Field, '-', 0);
        Value = 0 - Value;
    } else if (Field->Plus) {
        RtlpSetPrefix(Field, '+', 0);
    } else if (Field->Space) {
        RtlpSetPrefix(Field, ' ', 0);
    }
    RtlpPutNumber(Print, Field, RtlpWriteDecimal(End, Value), End);
}

static void RtlpPrintUnsigned(PRTL_PRINT Print, PRTL_FIELD Field)
{
    char Digits[RTL_MAX_DIGITS];
    char *End = Digits + RTL_MAX_DIGITS;
    ULONG64 Value = RtlpNextInteger(Print, Field, FALSE);

    RtlpPutNumber(Print, Field, RtlpWriteDecimal(End, Value), End);
}

/* X is the conversion's own letter: its case is that of the digits and of the prefix. */
static void RtlpPrintHexadecimal(PRTL_PRINT Print, PRTL_FIELD Field, ULONG64 Value, char X)
{
    char Digits[RTL_MAX_DIGITS];
    char *End = Digits + RTL_MAX_DIGITS;
    const char *Letters = X == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";

    if (Field->Alternate && Value != 0) {
        RtlpSetPrefix(Field, '0', X);
    }
    RtlpPutNumber(Print, Field, RtlpWriteHexadecimal(End, Value, Letters), End);
}

static void RtlpPrintPointer(PRTL_PRINT Print, PRTL_FIELD Field)
{
    ULONG_PTR Value = (ULONG_PTR)va_arg(Print->Arguments, PVOID);

    Field->Precision = 2 * sizeof(PVOID); /* two digits a byte */
    Field->Alternate = FALSE;
    RtlpPrintHexadecimal(Print, Field, Value, 'X');
}

static void RtlpPrintText(PRTL_PRINT Print, const RTL_FIELD *Field)
{
    const char *Text = va_arg(Print->Arguments, const char *);
    SIZE_T Bytes = 0;

    if (Text == NULL) {
        Text = "(null)";
    }
    if (Field->Precision == RTL_NO_PRECISION) {
        Bytes = strlen(Text);
    } else {
        /* Text need not end in zero: nothing behind the precision is read. */
        while (Bytes < (SIZE_T)Field->Precision && Text[Bytes] != 0) {
            Bytes++;
        }
    }
    RtlpPutField(Print, Field, Text, Bytes);
}

static void RtlpPrintCharacter(PRTL_PRINT Print, const RTL_FIELD *Field)
{
    char Character = (char)va_arg(Print->Arguments, int);

    RtlpPutField(Print, Field, &Character, 1);
}

/* => Returns FALSE, with nothing printed or consumed, when there is no such conversion. */
static BOOLEAN RtlpPrintConversion(PRTL_PRINT Print, PRTL_FIELD Field, char Conversion)
{
    switch (Conversion) {
    case 'd':
    case 'i':
        RtlpPrintSigned(Print, Field);
        return TRUE;
    case 'u':
        RtlpPrintUnsigned(Print, Field);
        return TRUE;
    case 'x':
    case 'X':
        RtlpPrintHexadecimal(Print, Field, RtlpNextInteger(Print, Field, FALSE), Conversion);
        return TRUE;
    }
    if (Field->ArgumentBytes != 0) {
        return FALSE; /* a wide character or text */
    }
    switch (Conversion) {
    case 'p':
        RtlpPrintPointer(Print, Field);
        return TRUE;
    case 's':
        RtlpPrintText(Print, Field);
        return TRUE;
    case 'c':
        RtlpPrintCharacter(Print, Field);
        return TRUE;
    case '%':
        RtlpPut(Print, "%", 1);
        return TRUE;
    default:
        return FALSE;
    }
}

/* ---- reading the format: each step takes what it knows and returns what follows ---- */

static const char *RtlpReadFlags(const char *Format, PRTL_FIELD Field)
{
    for (;; Format++) {
        switch (*Format) {
        case '-':
            Field->Left = TRUE;
            break;
        case '+':
            Field->Plus = TRUE;
            break;
        case ' ':
            Field->Space = TRUE;
            break;
        case '#':
            Field->Alternate = TRUE;
            break;
        case '0':
            Field->Zero = TRUE;
            break;
        default:
            return Format;
        }
    }
}

/* Read a width or a precision: digits (none: 0), or a star for the next argument. */
static const char *RtlpReadCount(PRTL_PRINT Print, const char *Format, LONG *Count)
{
    LONG Value = 0;

    if (*Format == '*') {
        *Count = va_arg(Print->Arguments, int);
        return Format + 1;
    }
    for (; *Format >= '0' && *Format <= '9'; Format++) {
        LONG Digit = *Format - '0';

        Value = Value > (RTL_MAX_FIELD - Digit) / 10 ? RTL_MAX_FIELD : Value * 10 + Digit;
    }
    *Count = Value;
    return Format;
}

static const char *RtlpReadWidth(PRTL_PRINT Print, const char *Format, PRTL_FIELD Field)
{
    LONG Width;

    Format = RtlpReadCount(Print, Format, &Width);
    Field->Width = (ULONG)Width;
    if (Width < 0) {
        /* As ISO C has it: the flag '-' and then the width. */
        Field->Left = TRUE;
        Field->Width = 0 - Field->Width;
    }
    return Format;
}

static const char *RtlpReadPrecision(PRTL_PRINT Print, const char *Format, PRTL_FIELD Field)
{
    Field->Precision = RTL_NO_PRECISION;
    if (*Format == '.') {
        Format = RtlpReadCount(Print, Format + 1, &Field->Precision);
        if (Field->Precision < 0) {
            Field->Precision = RTL_NO_PRECISION;
        }
    }
    return Format;
}

static const char *RtlpReadLength(const char *Format, PRTL_FIELD Field)
{
    static const struct {
        char Name[4];
        UCHAR NameBytes;
        UCHAR ArgumentBytes;
    } Lengths[] = {
        {"hh", 2, sizeof(UCHAR)}, /* before h, of which it is a longer form */
        {"h", 1, sizeof(USHORT)}, {"ll", 2, sizeof(LONG64)},   {"l", 1, sizeof(long)},
        {"z", 1, sizeof(SIZE_T)}, {"t", 1, sizeof(ptrdiff_t)}, {"I64", 3, sizeof(LONG64)},
    };
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(Lengths); Index++) {
        if (strncmp(Format, Lengths[Index].Name, Lengths[Index].NameBytes) == 0) {
            Field->ArgumentBytes = Lengths[Index].ArgumentBytes;
            return Format + Lengths[Index].NameBytes;
        }
    }
    return Format;
}

/* Print the conversion at Start, which is a '%'.  => Returns what follows it. */
static const char *RtlpPrintField(PRTL_PRINT Print, const char *Start)
{
    RTL_FIELD Field = {0};
    const char *Format = Start + 1;

    Format = RtlpReadFlags(Format, &Field);
    Format = RtlpReadWidth(Print, Format, &Field);
    Format = RtlpReadPrecision(Print, Format, &Field);
    Format = RtlpReadLength(Format, &Field);
    if (RtlpPrintConversion(Print, &Field, *Format)) {
        return Format + 1;
    }
    if (*Format != 0) {
        Format++;
    }
    RtlpPut(Print, Start, (SIZE_T)(Format - Start));
    return Format;
}

SIZE_T RtlFormatV(RTL_PRINT_SINK *Sink, PVOID Context, const char *Format, va_list Arguments)
{
    RTL_PRINT Print;
    const char *End;

    Print.Sink = Sink;
    Print.Context = Context;
    Print.Total = 0;
    va_copy(Print.Arguments, Arguments);
    while (*Format != 0) {
        for (End = Format; *End != 0 && *End != '%'; End++) {
        }
        RtlpPut(&Print, Format, (SIZE_T)(End - Format));
        Format = *End == 0 ? End : RtlpPrintField(&Print, End);
    }
    va_end(Print.Arguments);
    return Print.Total;
}

SIZE_T RtlFormat(RTL_PRINT_SINK *Sink, PVOID Context, const char *Format, ...)
{
    va_list Arguments;
    SIZE_T Total;

    va_start(Arguments, Format);
    Total = RtlFormatV(Sink, Context, Format, Arguments);
    va_end(Arguments);
    return Total;
}

/* ---- into a buffer ---- */

typedef struct _RTL_PRINT_BUFFER {
    char *Next;  /* where the next byte goes */
    SIZE_T Left; /* bytes free there, the final zero's place not counted */
} RTL_PRINT_BUFFER, *PRTL_PRINT_BUFFER;

static void RtlpBufferSink(PVOID Context, const char *Text, SIZE_T Bytes)
{
    PRTL_PRINT_BUFFER Buffer = Context;

    if (Bytes > Buffer->Left) {
        Bytes = Buffer->Left;
    }
    memcpy(Buffer->Next, Text, Bytes);
    Buffer->Next += Bytes;
    Buffer->Left -= Bytes;
}

NTSTATUS RtlStringCbVPrintfA(char *Buffer, SIZE_T Bytes, const char *Format, va_list Arguments)
{
    RTL_PRINT_BUFFER Target = {Buffer, Bytes - 1};
    SIZE_T Total;

    if (Bytes == 0 || Bytes > RTL_MAX_BUFFER_BYTES) {
        return STATUS_INVALID_PARAMETER;
    }
    Total = RtlFormatV(RtlpBufferSink, &Target, Format, Arguments);
    *Target.Next = 0;
    return Total < Bytes ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}

NTSTATUS RtlStringCbPrintfA(char *Buffer, SIZE_T Bytes, const char *Format, ...)
{
    va_list Arguments;
    NTSTATUS Status;

    va_start(Arguments, Format);
    Status = RtlStringCbVPrintfA(Buffer, Bytes, Format, Arguments);
    va_end(Arguments);
    return Status;
}

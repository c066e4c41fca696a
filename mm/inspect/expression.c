/* SPDX-License-Identifier: MIT */
/*
 * expression.c - MASM-like expressions, by precedence climbing.
 *
 *     binary(level)   operand { operator of that level or above, binary(its level + 1) }
 *     operand         [-~+] operand | ( binary(0) ) | function ( binary(0) ) | number | name
 *
 * Nesting is bounded, because the stack is: MIP_DEEPEST calls, of 180 bytes at most, take less than
 * half of a kernel stack.  The first error wins and is remembered
 * with its place; what follows it is parsed no more.
 */
#include "mm/inspect/expression.h"

#include "arch/debug.h"
#include "mm/inspect/command.h"
#include "mm/inspect/debugger.h"
#include "rtl.h"

#define MIP_DEEPEST    32u /* of MipParseBinary and MipParseOperand together */
#define MIP_NAME_BYTES KD_SYMBOL_BYTES

typedef struct _MIP_PARSER {
    const char *At;
    MI_EXPRESSION_END End;
    ULONG Parentheses; /* open ones: within them blanks are nothing */
    ULONG Depth;       /* of the recursion */
    BOOLEAN Failed;
    PMI_EXPRESSION_ERROR Error;
} MIP_PARSER, *PMIP_PARSER;

static ULONG_PTR MipParseBinary(PMIP_PARSER Parser, ULONG Level);

/* => Returns 0, so that it can stand where a value is wanted. */
static NT_PRINTF(3, 4) ULONG_PTR
    MipError(PMIP_PARSER Parser, const char *Where, const char *Format, ...)
{
    va_list Arguments;

    if (!Parser->Failed) {
        Parser->Failed = TRUE;
        Parser->Error->Where = Where;
        va_start(Arguments, Format);
        (void)RtlStringCbVPrintfA(Parser->Error->What, sizeof(Parser->Error->What), Format,
                                  Arguments);
        va_end(Arguments);
    }
    return 0;
}

static void MipSkipBlanks(PMIP_PARSER Parser)
{
    if (Parser->Parentheses != 0 || Parser->End == MiEndAtEnd) {
        while (*Parser->At == ' ') {
            Parser->At++;
        }
    }
}

/* ---- words ---- */

static BOOLEAN MipIsDigit(char Character)
{
    return Character >= '0' && Character <= '9';
}

static BOOLEAN MipIsWord(char Character)
{
    return MipIsDigit(Character) || (Character >= 'a' && Character <= 'z') ||
           (Character >= 'A' && Character <= 'Z') || Character == '_' || Character == '.' ||
           Character == '$' || Character == '!' || Character == '`';
}

static ULONG MipDigitValue(char Character)
{
    if (MipIsDigit(Character)) {
        return (ULONG)(Character - '0');
    }
    if (Character >= 'a' && Character <= 'f') {
        return (ULONG)(Character - 'a' + 10);
    }
    return Character >= 'A' && Character <= 'F' ? (ULONG)(Character - 'A' + 10) : 16;
}

/* Take the digits from Text to End.  => FALSE: one is none of Base, or there is none at all. */
static BOOLEAN MipDigits(const char *Text, const char *End, ULONG Base, PULONG64 Value)
{
    BOOLEAN Any = FALSE;

    *Value = 0;
    for (; Text != End; Text++) {
        if (*Text == '`') { /* separates the halves of 64 bits */
            continue;
        }
        if (MipDigitValue(*Text) >= Base) {
            return FALSE;
        }
        Any = TRUE;
        if (*Value <= 0xFFFFFFFFu) { /* more is too much already */
            *Value = *Value * Base + MipDigitValue(*Text);
        }
    }
    return Any;
}

/* => FALSE: the word is no number. */
static BOOLEAN MipWordIsNumber(const char *Word, const char *End, PULONG64 Value)
{
    static const struct {
        char Letter;
        UCHAR Base;
    } Prefixes[] = {{'x', 16}, {'n', 10}, {'t', 8}, {'y', 2}};
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Prefixes); i++) {
        if (End - Word > 2 && Word[0] == '0' && (Word[1] | 0x20) == Prefixes[i].Letter) {
            return MipDigits(Word + 2, End, Prefixes[i].Base, Value);
        }
    }
    if (MipDigits(Word, End, 16, Value)) {
        return TRUE;
    }
    return End - Word > 1 && (End[-1] | 0x20) == 'h' && MipDigits(Word, End - 1, 16, Value);
}

/* ---- names ---- */

BOOLEAN MiFindSymbolAddress(const char *Name, PULONG_PTR Address)
{
    char Symbol[KD_SYMBOL_BYTES];
    SIZE_T Position = 0;
    ULONG_PTR Found;
    BOOLEAN Alike = FALSE;

    while (KdNextSymbol(&Position, Symbol, &Found)) {
        if (strcmp(Symbol, Name) == 0) {
            *Address = Found;
            return TRUE;
        }
        if (!Alike && RtlCompareText(Symbol, Name, KD_SYMBOL_BYTES) == 0) {
            *Address = Found;
            Alike = TRUE;
        }
    }
    return Alike;
}

BOOLEAN MiFindRegister(const char *Name, PULONG_PTR Value)
{
    static const struct {
        const char *Name;
        ULONG Offset;
    } Registers[] = {
        {"eax", FIELD_OFFSET(KD_REGISTERS, Eax)}, {"ebx", FIELD_OFFSET(KD_REGISTERS, Ebx)},
        {"ecx", FIELD_OFFSET(KD_REGISTERS, Ecx)}, {"edx", FIELD_OFFSET(KD_REGISTERS, Edx)},
        {"esi", FIELD_OFFSET(KD_REGISTERS, Esi)}, {"edi", FIELD_OFFSET(KD_REGISTERS, Edi)},
        {"eip", FIELD_OFFSET(KD_REGISTERS, Eip)}, {"esp", FIELD_OFFSET(KD_REGISTERS, Esp)},
        {"ebp", FIELD_OFFSET(KD_REGISTERS, Ebp)}, {"efl", FIELD_OFFSET(KD_REGISTERS, EFlags)},
        {"cs", FIELD_OFFSET(KD_REGISTERS, Cs)},   {"ss", FIELD_OFFSET(KD_REGISTERS, Ss)},
        {"ds", FIELD_OFFSET(KD_REGISTERS, Ds)},   {"es", FIELD_OFFSET(KD_REGISTERS, Es)},
        {"fs", FIELD_OFFSET(KD_REGISTERS, Fs)},   {"gs", FIELD_OFFSET(KD_REGISTERS, Gs)},
        {"cr0", FIELD_OFFSET(KD_REGISTERS, Cr0)}, {"cr2", FIELD_OFFSET(KD_REGISTERS, Cr2)},
        {"cr3", FIELD_OFFSET(KD_REGISTERS, Cr3)}, {"cr4", FIELD_OFFSET(KD_REGISTERS, Cr4)},
        {"$ip", FIELD_OFFSET(KD_REGISTERS, Eip)}, {"$csp", FIELD_OFFSET(KD_REGISTERS, Esp)},
    };
    ULONG Long;
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Registers); i++) {
        if (RtlCompareText(Name, Registers[i].Name, MIP_NAME_BYTES) == 0) {
            memcpy(&Long, (const UCHAR *)&MiRegisters + Registers[i].Offset, sizeof(Long));
            *Value = Long;
            return TRUE;
        }
    }
    return FALSE;
}

/* ---- operands ---- */

/* ( expression ) at the parser's place, which holds the parenthesis. */
static ULONG_PTR MipParseParentheses(PMIP_PARSER Parser)
{
    const char *Opened = Parser->At++;
    ULONG_PTR Value;

    Parser->Parentheses++;
    Value = MipParseBinary(Parser, 0);
    MipSkipBlanks(Parser);
    if (*Parser->At != ')') {
        return MipError(Parser, Opened, "this parenthesis is never closed");
    }
    Parser->Parentheses--;
    Parser->At++;
    return Value;
}

/* => Returns the bytes that the function called Name reads; 0: it is no function. */
static ULONG MipFunctionBytes(const char *Name)
{
    static const struct {
        const char *Name;
        ULONG Bytes;
    } Functions[] = {{"by", 1}, {"wo", 2}, {"dwo", 4}, {"poi", sizeof(ULONG_PTR)}};
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Functions); i++) {
        if (RtlCompareText(Name, Functions[i].Name, MIP_NAME_BYTES) == 0) {
            return Functions[i].Bytes;
        }
    }
    return 0;
}

/* The parser stands behind the function's name, which began at Word. */
static ULONG_PTR MipParseFunction(PMIP_PARSER Parser, const char *Word, ULONG Bytes)
{
    ULONG_PTR Address = MipParseParentheses(Parser);
    ULONG_PTR Value = 0;

    if (!Parser->Failed && MiReadVirtual(Address, &Value, Bytes) != Bytes) {
        return MipError(Parser, Word, "memory at %08lx cannot be read", (unsigned long)Address);
    }
    return Value;
}

/* The word from Word to End is a name. */
static ULONG_PTR MipResolve(PMIP_PARSER Parser, const char *Word, const char *End)
{
    char Name[MIP_NAME_BYTES];
    BOOLEAN Module = End - Word > 3 && RtlCompareText(Word, "nt!", 3) == 0;
    ULONG_PTR Value;
    SIZE_T Length;

    Word += Module ? 3 : 0;
    Length = (SIZE_T)(End - Word);
    if (Length < sizeof(Name)) {
        memcpy(Name, Word, Length);
        Name[Length] = 0;
        if (!Module && *End == '(' && MipFunctionBytes(Name) != 0) {
            return MipParseFunction(Parser, Word, MipFunctionBytes(Name));
        }
        if (MiFindSymbolAddress(Name, &Value) || (!Module && MiFindRegister(Name, &Value))) {
            return Value;
        }
    }
    return MipError(Parser, Word, "there is no symbol called \"%.*s\"", (int)Length, Word);
}

static ULONG_PTR MipParseRegister(PMIP_PARSER Parser)
{
    const char *Word = ++Parser->At;
    char Name[MIP_NAME_BYTES];
    ULONG_PTR Value;
    SIZE_T Length;

    while (MipIsWord(*Parser->At)) {
        Parser->At++;
    }
    Length = (SIZE_T)(Parser->At - Word);
    if (Length < sizeof(Name)) {
        memcpy(Name, Word, Length);
        Name[Length] = 0;
        if (MiFindRegister(Name, &Value)) {
            return Value;
        }
    }
    return MipError(Parser, Word, "there is no register called \"%.*s\"", (int)Length, Word);
}

static ULONG_PTR MipParseWord(PMIP_PARSER Parser)
{
    const char *Word = Parser->At;
    ULONG64 Number;

    while (MipIsWord(*Parser->At)) {
        Parser->At++;
    }
    if (Parser->At == Word) {
        return MipError(Parser, Word,
                        *Word == 0 ? "a number or a name is missing at the end"
                                   : "a number or a name should stand here");
    }
    if (!MipWordIsNumber(Word, Parser->At, &Number)) {
        return MipResolve(Parser, Word, Parser->At);
    }
    if (Number > (ULONG_PTR)-1) {
        return MipError(Parser, Word, "the number has more than %u bits",
                        (unsigned)sizeof(ULONG_PTR) * 8);
    }
    return (ULONG_PTR)Number;
}

static ULONG_PTR MipParseOperand(PMIP_PARSER Parser)
{
    ULONG_PTR Value;

    MipSkipBlanks(Parser);
    if (Parser->Depth >= MIP_DEEPEST) {
        return MipError(Parser, Parser->At, "this is nested too deeply");
    }
    Parser->Depth++;
    switch (*Parser->At) {
    case '-':
        Parser->At++;
        Value = -MipParseOperand(Parser);
        break;
    case '~':
        Parser->At++;
        Value = ~MipParseOperand(Parser);
        break;
    case '+':
        Parser->At++;
        Value = MipParseOperand(Parser);
        break;
    case '(':
        Value = MipParseParentheses(Parser);
        break;
    case '@':
        Value = MipParseRegister(Parser);
        break;
    default:
        Value = MipParseWord(Parser);
        break;
    }
    Parser->Depth--;
    return Value;
}

/* ---- operators ---- */

typedef enum _MIP_OPERATION {
    MipOr,
    MipXor,
    MipAnd,
    MipEqual,
    MipNotEqual,
    MipLess,
    MipLessOrEqual,
    MipGreater,
    MipGreaterOrEqual,
    MipShiftLeft,
    MipShiftRight,
    MipAdd,
    MipSubtract,
    MipMultiply,
    MipDivide,
    MipRemainder
} MIP_OPERATION;

typedef struct _MIP_OPERATOR {
    const char *Text;
    UCHAR Level; /* how tightly it binds, 1 loosest */
    UCHAR Operation;
} MIP_OPERATOR;

/* Of two that begin alike the longer stands first. */
static const MIP_OPERATOR MipOperators[] = {
    {"==", 4, MipEqual},      {"!=", 4, MipNotEqual},    {"<<", 6, MipShiftLeft},
    {">>", 6, MipShiftRight}, {"<=", 5, MipLessOrEqual}, {">=", 5, MipGreaterOrEqual},
    {"<", 5, MipLess},        {">", 5, MipGreater},      {"|", 1, MipOr},
    {"^", 2, MipXor},         {"&", 3, MipAnd},          {"+", 7, MipAdd},
    {"-", 7, MipSubtract},    {"*", 8, MipMultiply},     {"/", 8, MipDivide},
    {"%", 8, MipRemainder},
};

/* => NULL: no operator stands at Text. */
static const MIP_OPERATOR *MipFindOperator(const char *Text)
{
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(MipOperators); i++) {
        if (strncmp(Text, MipOperators[i].Text, strlen(MipOperators[i].Text)) == 0) {
            return &MipOperators[i];
        }
    }
    return NULL;
}

/* A shift by the width and more leaves nothing.  => The divisor is not 0. */
static ULONG_PTR MipCompute(MIP_OPERATION Operation, ULONG_PTR Left, ULONG_PTR Right)
{
    switch (Operation) {
    case MipOr:
        return Left | Right;
    case MipXor:
        return Left ^ Right;
    case MipAnd:
        return Left & Right;
    case MipEqual:
        return Left == Right;
    case MipNotEqual:
        return Left != Right;
    case MipLess:
        return Left < Right;
    case MipLessOrEqual:
        return Left <= Right;
    case MipGreater:
        return Left > Right;
    case MipGreaterOrEqual:
        return Left >= Right;
    case MipShiftLeft:
        return Right < sizeof(Left) * 8 ? Left << Right : 0;
    case MipShiftRight:
        return Right < sizeof(Left) * 8 ? Left >> Right : 0;
    case MipAdd:
        return Left + Right;
    case MipSubtract:
        return Left - Right;
    case MipMultiply:
        return Left * Right;
    case MipDivide:
        return Left / Right;
    case MipRemainder:
        return Left % Right;
    }
    return 0;
}

static ULONG_PTR MipParseBinary(PMIP_PARSER Parser, ULONG Level)
{
    ULONG_PTR Left;

    Parser->Depth++;
    Left = MipParseOperand(Parser);
    for (;;) {
        const MIP_OPERATOR *Operator;
        const char *Place;
        ULONG_PTR Right;

        MipSkipBlanks(Parser);
        Place = Parser->At;
        Operator = MipFindOperator(Place);
        if (Parser->Failed || Operator == NULL || Operator->Level < Level) {
            Parser->Depth--;
            return Left;
        }
        Parser->At += strlen(Operator->Text);
        Right = MipParseBinary(Parser, Operator->Level + 1);
        if (Right == 0 && Operator->Level == 8 && Operator->Operation != MipMultiply) {
            (void)MipError(Parser, Place, "the divisor is 0");
            Right = 1; /* the error stands; the loop ends with it */
        }
        Left = MipCompute(Operator->Operation, Left, Right);
    }
}

NTSTATUS MiEvaluateExpression(const char **Text, MI_EXPRESSION_END End, PULONG_PTR Value,
                              PMI_EXPRESSION_ERROR Error)
{
    MIP_PARSER Parser = {.At = *Text, .End = End, .Error = Error};
    ULONG_PTR Result = MipParseBinary(&Parser, 0);

    if (!Parser.Failed && *Parser.At != 0 && (*Parser.At != ' ' || End == MiEndAtEnd)) {
        (void)MipError(&Parser, Parser.At, "this does not belong to an expression");
    }
    if (Parser.Failed) {
        return STATUS_INVALID_PARAMETER;
    }
    *Text = Parser.At;
    *Value = Result;
    return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/*
 * expression.h - the expressions in which addresses and numbers are given.
 */
#ifndef MM_INSPECT_EXPRESSION_H
#define MM_INSPECT_EXPRESSION_H

#include "nt/status.h"
#include "nt/types.h"

#define MI_EXPRESSION_ERROR_BYTES 96

typedef struct _MI_EXPRESSION_ERROR {
    const char *Where;                    /* the character of the text that made no sense */
    char What[MI_EXPRESSION_ERROR_BYTES]; /* a sentence without its full stop */
} MI_EXPRESSION_ERROR, *PMI_EXPRESSION_ERROR;

/* Whether a blank outside of parentheses ends the expression. */
typedef enum _MI_EXPRESSION_END {
    MiEndAtBlank, /* "80801000 L10" is the expression 80801000 */
    MiEndAtEnd    /* "1 + 1" is 2; what follows the expression is an error */
} MI_EXPRESSION_END;

/*
 * Evaluate the expression at *Text and move *Text behind it.
 *
 * As WinDbg's MASM evaluator, of which this is the part that addresses need:
 *
 *     80801000  0x1f  0n31  0t37  0y101  1fh   numbers, hexadecimal unless they say otherwise
 *     nt!KeBugCheckEx  KeBugCheckEx            the kernel's symbols, in any case
 *     @eax  @eip  @cr3 ...                     registers; without @ if no symbol has the name
 *     - ~ + * / % + - << >> < > <= >= == != & ^ |   as in C, without signs
 *     ( )  by(a) wo(a) dwo(a) poi(a)           what memory holds at a
 *
 * => *Text stands on the expression's first character.
 * => STATUS_INVALID_PARAMETER: *Error says what and where; *Text and *Value are left alone.
 */
NT_MUST_CHECK NTSTATUS MiEvaluateExpression(const char **Text, MI_EXPRESSION_END End,
                                            PULONG_PTR Value, PMI_EXPRESSION_ERROR Error);

/* => Returns the address of the symbol called Name, in any case; FALSE: there is none. */
BOOLEAN MiFindSymbolAddress(const char *Name, PULONG_PTR Address);

/* => FALSE: no register is called Name, without its @. */
BOOLEAN MiFindRegister(const char *Name, PULONG_PTR Value);

#endif

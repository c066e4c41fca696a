/* SPDX-License-Identifier: MIT */
/*
 * unicode.h - UNICODE_STRING, NT's counted string of UTF-16 units.
 *
 * Literals are written u"\\Device\\Harddisk0": 16 bits a unit on every compiler.
 */
#ifndef NT_UNICODE_H
#define NT_UNICODE_H

#include "nt/types.h"

typedef const WCHAR *PCWSTR;

typedef struct _UNICODE_STRING {
    USHORT Length;        /* in bytes, without a zero behind */
    USHORT MaximumLength; /* of Buffer, in bytes */
    PWCHAR Buffer;        /* need not end in zero */
} UNICODE_STRING, *PUNICODE_STRING;

typedef const UNICODE_STRING *PCUNICODE_STRING;

#if defined(__i386__)
NT_C_ASSERT(sizeof(UNICODE_STRING) == 8 && offsetof(UNICODE_STRING, Buffer) == 4);
#endif

/* A variable that describes the literal. */
#define NT_CONSTANT_STRING(Literal)                                                                \
    {                                                                                              \
        .Length = sizeof(Literal) - sizeof(WCHAR), .MaximumLength = sizeof(Literal),               \
        .Buffer = (PWCHAR)(ULONG_PTR)(Literal)                                                     \
    }

#endif

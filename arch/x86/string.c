/* SPDX-License-Identifier: MIT */
/*
 * string.c - the C library's memory and string calls, for the kernel and for both loaders.
 *
 * The compiler itself emits calls to memcpy, memmove, memset and memcmp.  Copies and fills use the
 * string instructions: one instruction a word is the least that the machine offers without SSE.
 * On the host the C library has all of these, so this file is not part of the host bench.
 */
#include "rtl.h"

/* Keeps a loop from being recognised and turned into a call to the function that it implements. */
#define HALP_NOT_A_PATTERN() __asm__ volatile("")

void *memcpy(void *To, const void *From, SIZE_T Bytes)
{
    void *Target = To;
    SIZE_T Words = Bytes / 4;
    SIZE_T Rest = Bytes % 4;

    __asm__ volatile("rep movsl" : "+D"(To), "+S"(From), "+c"(Words) : : "memory");
    __asm__ volatile("rep movsb" : "+D"(To), "+S"(From), "+c"(Rest) : : "memory");
    return Target;
}

void *memmove(void *To, const void *From, SIZE_T Bytes)
{
    PUCHAR Target = To;
    const UCHAR *Source = From;

    if ((ULONG_PTR)Target - (ULONG_PTR)Source >= Bytes) {
        return memcpy(To, From, Bytes); /* the target's start is outside the source */
    }
    while (Bytes != 0) {
        Bytes--;
        HALP_NOT_A_PATTERN();
        Target[Bytes] = Source[Bytes];
    }
    return To;
}

void *memset(void *To, int Value, SIZE_T Bytes)
{
    void *Target = To;
    SIZE_T Words = Bytes / 4;
    SIZE_T Rest = Bytes % 4;
    ULONG Pattern = (UCHAR)Value * 0x01010101u;

    __asm__ volatile("rep stosl" : "+D"(To), "+c"(Words) : "a"(Pattern) : "memory");
    __asm__ volatile("rep stosb" : "+D"(To), "+c"(Rest) : "a"(Pattern) : "memory");
    return Target;
}

int memcmp(const void *A, const void *B, SIZE_T Bytes)
{
    const UCHAR *Left = A;
    const UCHAR *Right = B;
    SIZE_T i;

    for (i = 0; i < Bytes; i++) {
        if (Left[i] != Right[i]) {
            return Left[i] - Right[i];
        }
    }
    return 0;
}

SIZE_T strlen(const char *Text)
{
    SIZE_T Bytes = 0;

    while (Text[Bytes] != 0) {
        Bytes++;
        HALP_NOT_A_PATTERN();
    }
    return Bytes;
}

int strncmp(const char *A, const char *B, SIZE_T Bytes)
{
    SIZE_T i;

    for (i = 0; i < Bytes; i++) {
        if (A[i] != B[i] || A[i] == 0) {
            return (UCHAR)A[i] - (UCHAR)B[i];
        }
    }
    return 0;
}

int strcmp(const char *A, const char *B)
{
    return strncmp(A, B, (SIZE_T)-1);
}

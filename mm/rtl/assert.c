/* SPDX-License-Identifier: MIT */
/*
 * assert.c - where a failed assertion ends.
 */
#include "mi_assert.h"

#include "arch/cpu.h"
#include "nt/bugcodes.h"
#include "rtl.h"

static void MipSink(PVOID Context, const char *Text, SIZE_T Bytes)
{
    (void)Context;
    KiConsoleWrite(Text, Bytes);
}

void MiAssertionFailed(const char *Condition, const char *File, ULONG Line)
{
    RtlFormat(MipSink, NULL, "*** Assertion failed: %s\n***   %s, line %u\n", Condition, File,
              Line);
    KeBugCheckEx(MEMORY_MANAGEMENT, MI_ASSERTION, Line, (ULONG_PTR)__builtin_return_address(0), 0);
}

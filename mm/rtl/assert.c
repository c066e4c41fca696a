/* SPDX-License-Identifier: MIT */
/*
 * assert.c - where a failed assertion ends.
 */
#include "mi_assert.h"

#include "arch/cpu.h"
#include "nt/bugcodes.h"
#include "report.h"

void MiAssertionFailed(const char *Condition, const char *File, ULONG Line)
{
    KiPrint("*** Assertion failed: %s\n***   %s, line %u\n", Condition, File, Line);
    KeBugCheckEx(MEMORY_MANAGEMENT, MI_ASSERTION, Line, (ULONG_PTR)__builtin_return_address(0), 0);
}

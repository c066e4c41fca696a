/* SPDX-License-Identifier: MIT */
/*
 * console_print.c - formatted text on the console, for every layer.
 */
#include "arch/cpu.h"
#include "report.h"
#include "rtl.h"

void KiConsoleSink(PVOID Context, const char *Text, SIZE_T Bytes)
{
    (void)Context;
    KiConsoleWrite(Text, Bytes);
}

void KiPrint(const char *Format, ...)
{
    va_list Arguments;

    va_start(Arguments, Format);
    RtlFormatV(KiConsoleSink, NULL, Format, Arguments);
    va_end(Arguments);
}

/* SPDX-License-Identifier: MIT */
/*
 * report.c - the core's report lines on the host: printed to the simulated console; one that is
 * "not ok" fails the test, but for HostFailedLines of them.
 */
#include "report.h"

#include "rtl.h"
#include "tests/host/machine_i.h"
#include "tests/unit/test.h"

ULONG HostFailedLines;

static ULONG Lines;

BOOLEAN KiReport(BOOLEAN Passed, const char *Format, ...)
{
    char Line[256];
    va_list Arguments;

    va_start(Arguments, Format);
    (void)RtlStringCbVPrintfA(Line, sizeof(Line), Format, Arguments);
    va_end(Arguments);
    KiPrint("%s %u - %s\n", Passed ? "ok" : "not ok", ++Lines, Line);
    if (!Passed && HostFailedLines != 0) {
        HostFailedLines--;
    } else if (!Passed) {
        TestFail(__FILE__, __LINE__, "%s", Line);
    }
    return Passed;
}

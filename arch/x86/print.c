/* SPDX-License-Identifier: MIT */
/*
 * print.c - the numbered lines of the boot's report, and their verdict.
 */
#include "arch/x86/print.h"

#include "arch/cpu.h"
#include "rtl.h"

static ULONG KipPassed;
static ULONG KipFailed;
static ULONG KipJudged; /* stops that the last verdict was about */

BOOLEAN KiReport(BOOLEAN Passed, const char *Format, ...)
{
    va_list Arguments;

    if (Passed) {
        KipPassed++;
    } else {
        KipFailed++;
    }
    KiPrint("%s %u - ", Passed ? "ok" : "not ok", KipPassed + KipFailed);
    va_start(Arguments, Format);
    RtlFormatV(KiConsoleSink, NULL, Format, Arguments);
    va_end(Arguments);
    KiPrint("\n");
    return Passed;
}

BOOLEAN KiReportVerdict(void)
{
    if (KipPassed + KipFailed != KipJudged) {
        KipJudged = KipPassed + KipFailed;
        KiPrint("1..%u\n%u passed, %u failed\n", KipJudged, KipPassed, KipFailed);
    }
    return KipFailed == 0 && KipPassed != 0;
}

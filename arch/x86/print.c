/* SPDX-License-Identifier: MIT */
/*
 * print.c - the numbered lines of the boot's report, and their verdict.
 */
#include "arch/x86/print.h"

#include "arch/cpu.h"
#include "rtl.h"

/*
 * As wide as the narrowest usual screen, 800 x 600, shows; what a line continues with stands under
 * the text of "ok 10 - ".  tests/boot/hyperspace_qemu.py puts lines together again.
 */
#define KIP_REPORT_COLUMNS 100
#define KIP_REPORT_INDENT  8

static ULONG KipPassed;
static ULONG KipFailed;
static ULONG KipJudged; /* stops that the last verdict was about */

BOOLEAN KiReport(BOOLEAN Passed, const char *Format, ...)
{
    RTL_FOLD Fold;
    va_list Arguments;

    if (Passed) {
        KipPassed++;
    } else {
        KipFailed++;
    }
    RtlInitializeFold(&Fold, KiConsoleSink, NULL, KIP_REPORT_COLUMNS, KIP_REPORT_INDENT);
    RtlFormat(RtlFoldSink, &Fold, "%s %u - ", Passed ? "ok" : "not ok", KipPassed + KipFailed);
    va_start(Arguments, Format);
    RtlFormatV(RtlFoldSink, &Fold, Format, Arguments);
    va_end(Arguments);
    RtlEndFold(&Fold);
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

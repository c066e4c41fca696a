/* SPDX-License-Identifier: MIT */
/*
 * print.h - formatted text on the console, and the numbered lines of the boot's report.
 */
#ifndef X86_PRINT_H
#define X86_PRINT_H

#include "nt/types.h"

void KiPrint(const char *Format, ...) NT_PRINTF(1, 2);

/*
 * One stop of the report: "ok N - ..." or "not ok N - ...", numbered from 1 and counted.
 *
 * => Returns Passed.
 */
BOOLEAN KiReport(BOOLEAN Passed, const char *Format, ...) NT_PRINTF(2, 3);

/*
 * Print "N passed, N failed".
 *
 * => Returns whether none failed and at least one passed.  Prints nothing when no stop was reported
 *    since the last verdict, and returns what that was.
 */
BOOLEAN KiReportVerdict(void);

#endif

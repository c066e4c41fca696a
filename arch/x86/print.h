/* SPDX-License-Identifier: MIT */
/*
 * print.h - the verdict on the boot's report; its lines are in report.h.
 */
#ifndef X86_PRINT_H
#define X86_PRINT_H

#include "nt/types.h"
#include "report.h"

/*
 * Print "N passed, N failed".
 *
 * => Returns whether none failed and at least one passed.  Prints nothing when no stop was reported
 *    since the last verdict, and returns what that was.
 */
BOOLEAN KiReportVerdict(void);

#endif

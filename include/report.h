/* SPDX-License-Identifier: MIT */
/*
 * report.h - formatted text on the console, and the numbered lines of the boot's report.
 *
 * KiReport is implemented by the machine, and by the host bench, where a line that is "not ok"
 * fails the test; the others are in mm/rtl/console_print.c.
 */
#ifndef REPORT_H
#define REPORT_H

#include "nt/types.h"

/* => Any IRQL. */
void KiPrint(const char *Format, ...) NT_PRINTF(1, 2);

/* The console as an RTL_PRINT_SINK; Context is not used.  => Any IRQL. */
void KiConsoleSink(PVOID Context, const char *Text, SIZE_T Bytes);

/*
 * One stop of the report: "ok N - ..." or "not ok N - ...", numbered from 1 and counted.  The
 * machine breaks a line of more than 100 columns between words, and indents what continues it by 8.
 *
 * => PASSIVE_LEVEL.  Format gives one line, without a newline.
 * => Returns Passed.
 */
BOOLEAN KiReport(BOOLEAN Passed, const char *Format, ...) NT_PRINTF(2, 3);

#endif

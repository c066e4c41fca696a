/* SPDX-License-Identifier: MIT */
/*
 * command_bench.h - running the monitor's commands and looking at what they print.
 */
#ifndef TESTS_UNIT_COMMAND_BENCH_H
#define TESTS_UNIT_COMMAND_BENCH_H

#include "ex.h"
#include "mm/inspect/command.h"
#include "tests/host/machine.h"
#include "tests/unit/test.h"

/*
 * Run a line, "!pte 801544f4"; the format is printf's.
 *
 * => The command exists, prints something, and no line is longer than 100 columns, or the test
 *    fails.  Returns what it printed; the next call overwrites it.
 */
const char *Command(const char *Format, ...) __attribute__((format(printf, 1, 2)));

/* The test fails unless Text contains Part. */
#define CHECK_SHOWS(Part, Text) CheckShows(__FILE__, __LINE__, Part, Text)
void CheckShows(const char *File, int Line, const char *Part, const char *Text);

/* The decimal number behind Word in Text.  => The test fails when there is none. */
unsigned NumberBehind(const char *Text, const char *Word);

/* How many lines Text has. */
unsigned LineCount(const char *Text);

/* Text as printf formats it, for expectations.  => The next call but three overwrites it. */
const char *Text(const char *Format, ...) __attribute__((format(printf, 1, 2)));

/* ---- a machine with everything: mm_world.h, with 16 MB ---- */

void PopulatedStart(void);

/* MiVerifyAll, then power off. */
void PopulatedFinish(void);

/* Where the regions of its layout begin. */
ULONG NonPagedStart(void);

/*
 * Fill what is left of nonpaged pool's pages until PopulatedFinish.
 *
 * => Returns the page from which the next small blocks come.
 */
ULONG FreshPage(void);
ULONG ExpansionStart(void);
ULONG PagedStart(void);

/* An address as a number. */
ULONG Number(const volatile void *Address);

/* => Succeeds, or the test fails. */
PVOID Allocate(POOL_TYPE Type, SIZE_T Bytes, ULONG Tag);

#endif

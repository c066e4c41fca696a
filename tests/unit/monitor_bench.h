/* SPDX-License-Identifier: MIT */
/*
 * monitor_bench.h - a machine to look at with the monitor's commands.
 *
 *     80800000  the kernel: two read-only pages that hold 00 01 02 ... FF 00 01 ...
 *     80900000  data: two writable pages, zeroed; nothing behind them
 *     80A00000  a device: one page that is not cached, the same bytes as the kernel
 *     80C00000  a large page, writable
 *     C0000000  the page tables, through the self-map
 */
#ifndef TESTS_UNIT_MONITOR_BENCH_H
#define TESTS_UNIT_MONITOR_BENCH_H

#include "mm/inspect/debugger.h"
#include "tests/host/debug.h"
#include "tests/host/machine.h"
#include "tests/unit/test.h"

#define MONITOR_KERNEL       0x80800000u
#define MONITOR_DATA         0x80900000u
#define MONITOR_DEVICE       0x80A00000u
#define MONITOR_LARGE        0x80C00000u
#define MONITOR_FRAMES       2048u
#define MONITOR_KERNEL_FRAME 100u /* its first frame, so that physical addresses are known */

void MonitorStart(void);

/* Carry out a line.  => Returns what it printed. */
const char *MonitorSays(const char *Line);

/* The same for a line that does as asked, and one that does not. */
const char *MonitorAnswer(const char *Line);
const char *MonitorRefusal(const char *Line);

/* Run the monitor on what is typed, until it wants more.  => Returns what it printed. */
const char *MonitorTyped(const char *Keys);

#endif

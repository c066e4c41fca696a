/* SPDX-License-Identifier: MIT */
/*
 * hazard.h - watching code at its limits: a page that must not be touched, a process that may trap.
 */
#ifndef HAZARD_H
#define HAZARD_H

#include <stddef.h>

#define TEST_FENCED_BYTES 0x10000u /* usable in front of the fence: more than any test needs */

/*
 * Bytes of memory that end at an inaccessible page: the first access behind them ends the program.
 *
 * => The contents are those of the call before: all calls share the same TEST_FENCED_BYTES.
 */
void *TestFencedBytes(size_t Bytes);

/* => Returns 1 when Act(Context), run in a child process, stops the machine with a trap. */
int TestTraps(void (*Act)(void *Context), void *Context);

#endif

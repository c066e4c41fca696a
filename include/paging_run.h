/* SPDX-License-Identifier: MIT */
/*
 * paging_run.h - more memory than there is, used hard and checked: the word "paging" of /RUN.
 */
#ifndef PAGING_RUN_H
#define PAGING_RUN_H

#include "nt/types.h"

/*
 * Processes commit private memory, a thread in each touches it in many orders, changes it, and
 * compares every page with what it has to hold; print lines of the report, and "# paging:" lines
 * with the real counters before and after.
 *
 * Options, each after a colon of its own: a number of MB (512), of processes (4), a seed (1); and
 * in any place
 *
 *     pool      beside them a thread fills and checks as much paged pool as there may be
 *     nonpaged  nonpaged pool is exhausted while they work
 *     errors    accesses may end with STATUS_IN_PAGE_ERROR; they are counted, and what can be read
 *               still has to be right
 *     soakN     again and again for N seconds, each time with the next seed; after each round a
 *               line of what is in use, which must not drift
 *     refused   the memory cannot be committed: it has to be refused at once with
 *               STATUS_COMMITMENT_LIMIT, and nothing may be left of the try
 *
 * => PASSIVE_LEVEL.  Everything that is taken is given back.
 */
void MiRunPaging(PCSTR Options);

#endif

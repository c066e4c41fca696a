/* SPDX-License-Identifier: MIT */
/*
 * paged_world.h - a process whose pages are in a paging file on a simulated disk.
 *
 * PagedBegin makes a machine, a paging file of 4 MB and a process, and attaches to it.  The
 * services of space_world.h (SpaceAllocate and so on) work on it.  PagedEnd ends the process, and
 * checks that its frames, slots, charges and blocks are back.
 */
#ifndef TESTS_UNIT_PAGED_WORLD_H
#define TESTS_UNIT_PAGED_WORLD_H

#include "mm/inspect/page_out.h"
#include "mm/paging/in_page.h"
#include "tests/unit/io_world.h"
#include "tests/unit/space_world.h"

/* => Seed as HostDiskCreate: 0 is a disk that completes at once. */
void PagedBegin(ULONG64 Seed);
void PagedEnd(void);

PEPROCESS PagedProcess(void);

/* The process is over: PagedEnd does not end it. */
void PagedEndProcess(void);

/* Reserve and commit Pages, writable; the first word of each is PagedWord. */
ULONG_PTR PagedAllocate(ULONG Pages);
ULONG PagedWord(ULONG_PTR Va);

/* Whether the page has the contents of PagedAllocate. */
BOOLEAN PagedIsWhole(ULONG_PTR Va);

/*
 * Take valid pages, of the process or of paged pool, away, write them to consecutive slots, and
 * reuse their frames.
 */
void PagedOut(ULONG_PTR Va, ULONG Pages);

/* The same, but the frames stay on standby. */
void PagedToStandby(ULONG_PTR Va, ULONG Pages);

/*
 * Take the pages of [Va, Va + Bytes) out, whatever they are and however many, and then their page
 * tables: to the lists, or with their frames reused.
 */
void PagedTablesToLists(ULONG_PTR Va, SIZE_T Bytes);
void PagedTablesOut(ULONG_PTR Va, SIZE_T Bytes);

/* => Va's directory entry. */
MMPTE PagedPde(ULONG_PTR Va);

MMPTE PagedPte(ULONG_PTR Va);
MI_PTE_KIND PagedKind(ULONG_PTR Va);

/* Where on the disk's medium the page is.  => It is paged out. */
PUCHAR PagedPlace(ULONG_PTR Va);

/* The Nth of what a fault needs fails: 0 a frame, 1 a block to read into, 2 a WSLE, 3 the read. */
void PagedArm(ULONG What, ULONG Nth);

/* Take every frame that is available, but Left; and give them back. */
void PagedTakeFrames(ULONG Left);
void PagedGiveFrames(void);

#endif

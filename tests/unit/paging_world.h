/* SPDX-License-Identifier: MIT */
/*
 * paging_world.h - a machine with a paging file on a simulated disk.
 */
#ifndef TESTS_UNIT_PAGING_WORLD_H
#define TESTS_UNIT_PAGING_WORLD_H

#include "mm/paging/paging_file.h"
#include "tests/unit/io_world.h"

/* IoWorldStart with an 8 MB volume and no paging file. */
void PagingWorldStart(ULONG64 Seed);

/* MiCreatePagingFile, in MB. */
NTSTATUS PagingWorldCreate(const char *Name, ULONG MinimumMb, ULONG MaximumMb);

/* Both of them: "C:\\pagefile.sys". */
void PagingWorldStartWith(ULONG64 Seed, ULONG MinimumMb, ULONG MaximumMb);

/*
 * Read back what is in the files of paged pool and of pageable code, and give the slots of all
 * valid pages back: the files are about to go.
 */
void PagingWorldEmptyFiles(void);

/* Close the files, verify everything. */
void PagingWorldFinish(void);

/* Run in a new process, and end it. */
void PagingWorldEnter(void);
void PagingWorldLeave(void);

/* Pages of the process, the n-th with First + n in each word. */
ULONG_PTR PagingWorldPages(ULONG Pages, ULONG First);

/* Take their right away and give it back: they are in transition, those written on modified. */
void PagingWorldTrim(ULONG_PTR Va, ULONG Pages);

/* => What the PTE of a page in transition has as its frame. */
PFN_NUMBER PagingWorldFrame(ULONG_PTR Va);

/* => The page is on standby, with a slot that has its contents on the disk, and their sum. */
BOOLEAN PagingWorldIsStored(ULONG_PTR Va);

#endif

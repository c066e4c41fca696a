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

/* Close the files, verify everything. */
void PagingWorldFinish(void);

#endif

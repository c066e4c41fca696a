/* SPDX-License-Identifier: MIT */
/*
 * sector_skip.h - pages of a file that begin inside a sector.
 *
 * Parts of an image begin at multiples of 512 bytes, and page requests at sectors, which may be of
 * 4,096.  Such pages are read from where the sector begins on, into one frame more than there are
 * pages, and then moved down to where they belong.
 *
 *     sectors      |------------|------------|------------|
 *     the file          |-- page 0 --|-- page 1 --|
 *     read         |- frame 0 --|- frame 1 --|- frame 2 --|
 *                   Skip
 */
#ifndef MM_PAGING_SECTOR_SKIP_H
#define MM_PAGING_SECTOR_SKIP_H

#include "io.h"
#include "mm/pfn/pfn.h"

/* => How many bytes before Offset its sector begins; below PAGE_SIZE.  Any IRQL. */
ULONG MiFindSectorSkip(PFILE_OBJECT File, const LARGE_INTEGER *Offset);

/* Move contents of Pages + 1 frames down by Skip bytes.  => Nobody else uses them. */
void MiMovePagesDown(const PFN_NUMBER *Frames, ULONG Pages, ULONG Skip);

#endif

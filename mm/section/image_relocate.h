/* SPDX-License-Identifier: MIT */
/*
 * image_relocate.h - moving an image to another base, one page at a time, in any order.
 *
 * An image's pages are read when they are touched, and each is relocated then: from the file's
 * contents, without looking at other pages.  So the relocations are sorted by page once, into an
 * index that its owner provides memory for; the directory is not needed after that.
 *
 *     MiMeasureRelocations   how much memory: checks the directory
 *     MiBuildRelocations     the index
 *     MiNextStraddle,        for each page into which a relocated word of the page before it
 *     MiSetStraddle          leads: the last bytes of that page, as the file has them
 *     MiRelocatePage         for each page, whenever it is read
 *
 * Memory: 4 bytes, 12 bytes a page, and not more than the directory's size.
 */
#ifndef MM_SECTION_IMAGE_RELOCATE_H
#define MM_SECTION_IMAGE_RELOCATE_H

#include "nt/image.h"
#include "nt/status.h"

#define MI_STRADDLE_BYTES 3 /* of a word of four that may stand in the page before */

/* A word that begins in the page before; with Type 0 there is none. */
typedef struct _MI_STRADDLE {
    UCHAR Type;                      /* IMAGE_REL_BASED_* */
    UCHAR Back;                      /* how many of its bytes are in the page before */
    USHORT Low;                      /* of HIGHADJ: the value's low half */
    UCHAR Before[MI_STRADDLE_BYTES]; /* the page before ends so */
    BOOLEAN Known;                   /* Before is filled in */
} MI_STRADDLE, *PMI_STRADDLE;

/*
 * The index.  Entries are as in the directory's blocks: type << 12 | offset in the page, HIGHADJ
 * with a second one; those of page n are First[n] up to First[n + 1].
 */
typedef struct _MI_RELOCATIONS {
    ULONG Pages;
    PULONG First;
    PMI_STRADDLE Straddles; /* one a page */
    PUSHORT Entries;
} MI_RELOCATIONS, *PMI_RELOCATIONS;

/*
 * Check a relocation directory and say how much memory its index needs.
 *
 * => ImageBytes is a multiple of PAGE_SIZE, not 0; DirectoryBytes is below 2 GB.  Any alignment of
 *    Directory.
 * => STATUS_INVALID_IMAGE_FORMAT: a block that is too short, odd, or longer than what is left; a
 *    type that the i386 has not; HIGHADJ without its second entry; a word that leaves the image.
 */
NT_MUST_CHECK NTSTATUS MiMeasureRelocations(const void *Directory, ULONG DirectoryBytes,
                                            ULONG ImageBytes, SIZE_T *IndexBytes);

/*
 * Build the index in Memory.
 *
 * => MiMeasureRelocations liked the same directory, which has not changed since; Memory is aligned
 *    to 4 and as long as it said.
 * => STATUS_INVALID_IMAGE_FORMAT: a byte belongs to two relocations, so that the result would
 *    depend on their order.
 */
NT_MUST_CHECK NTSTATUS MiBuildRelocations(const void *Directory, ULONG DirectoryBytes,
                                          ULONG ImageBytes, PVOID Memory,
                                          PMI_RELOCATIONS Relocations);

/* => Returns the first page from Page on that needs MiSetStraddle, or Relocations->Pages. */
ULONG MiNextStraddle(const MI_RELOCATIONS *Relocations, ULONG Page);

/* Before: the last bytes of page Page - 1, not relocated. */
void MiSetStraddle(PMI_RELOCATIONS Relocations, ULONG Page, const UCHAR Before[MI_STRADDLE_BYTES]);

/* => Returns FALSE: MiRelocatePage would not change the page. */
BOOLEAN MiPageHasRelocations(const MI_RELOCATIONS *Relocations, ULONG Page);

/*
 * Relocate a page whose contents are as in the file, by Delta: new base less preferred base.
 *
 * => Each page that MiNextStraddle names has been set.
 */
void MiRelocatePage(const MI_RELOCATIONS *Relocations, ULONG Page, ULONG Delta,
                    UCHAR Contents[PAGE_SIZE]);

#endif

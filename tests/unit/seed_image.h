/* SPDX-License-Identifier: MIT */
/*
 * seed_image.h - a small valid PE image, for tests to break.
 *
 *     part      file           pages  protection
 *     headers   0000 - 0400    0      READONLY
 *     .text     0400 - 0800    1      EXECUTE_READ; the entry is 1010
 *     .rdata    0800 - 0C00    2      READONLY: exports at 2000, imports at 2200
 *     .data     0C00 - 0E00    3 - 4  WRITECOPY: 1800 bytes, most of them zero
 *     .shared   0E00 - 1000    5      READWRITE, shared
 *     .reloc    1000 - 1200    6      READONLY
 *
 * Exports of SEED.dll, ordinals from 5 on: 5 alpha at 1010, 6 nothing, 7 gamma, a forwarder to
 * OTHER.#12, 8 beta at 3004.  Imports: first, hint 3, and ordinal 9 of ONE.dll; second of TWO.dll.
 * Relocated: 1010 HIGHLOW, 1FFE HIGHLOW (crosses a border), 3020 HIGH, 3024 LOW, 3028 HIGHADJ,
 * 4FFF LOW (crosses a border).
 */
#ifndef SEED_IMAGE_H
#define SEED_IMAGE_H

#include "nt/types.h"

#define SEED_IMAGE_BYTES  0x1200u
#define SEED_IMAGE_PAGES  7
#define SEED_IMAGE_BASE   0x00400000u

#define SEED_IMAGE_NT     0x80u
#define SEED_IMAGE_FILE   (SEED_IMAGE_NT + 4)  /* IMAGE_FILE_HEADER */
#define SEED_IMAGE_HEADER (SEED_IMAGE_NT + 24) /* IMAGE_OPTIONAL_HEADER32 */
#define SEED_IMAGE_TABLE  (SEED_IMAGE_HEADER + 224)
#define SEED_IMAGE_COUNT  5 /* sections */

/* Where in the file section Index has its header. */
#define SEED_IMAGE_SECTION(Index) (SEED_IMAGE_TABLE + 40 * (Index))
#define SEED_IMAGE_TEXT           0
#define SEED_IMAGE_RDATA          1
#define SEED_IMAGE_DATA           2
#define SEED_IMAGE_SHARED         3
#define SEED_IMAGE_RELOC          4

/* Where in the file data directory Index stands. */
#define SEED_IMAGE_DIRECTORY(Index) (SEED_IMAGE_HEADER + 96 + 8 * (Index))

/* Where in the file the tables are. */
#define SEED_IMAGE_EXPORTS      0x800u
#define SEED_IMAGE_IMPORTS      0xA00u
#define SEED_IMAGE_RELOCS       0x1000u
#define SEED_IMAGE_RELOCS_BYTES 0x2Cu

void SeedImage(UCHAR File[SEED_IMAGE_BYTES]);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * image_oracle.h - any bytes as an image: what mm/section promises of it, said in another way.
 *
 * The oracle reads the file by offsets, maps it section by section, and relocates the whole of
 * it at once; what image_headers.c and image_relocate.c make of it part by part and page by page
 * must be the same.  Exports and imports are walked to their ends.
 */
#ifndef IMAGE_ORACLE_H
#define IMAGE_ORACLE_H

#include "nt/types.h"

/* How far the last file came. */
typedef struct _IMAGE_ORACLE {
    BOOLEAN Described;
    BOOLEAN Mapped; /* images of up to 64 KB are */
    BOOLEAN Relocated;
    ULONG Exports; /* names found by search */
    ULONG Imports;
} IMAGE_ORACLE;

/* => Returns NULL, or the promise that was broken. */
const char *ImageOracle(const void *File, SIZE_T Bytes, IMAGE_ORACLE *Oracle);

/* Break one to four of the seed's numbers that matter; Random gives any number. */
void ImageBreak(UCHAR *File, SIZE_T Bytes, uint32_t (*Random)(uint64_t *), uint64_t *State);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * elf.h - the kernel image: a checked view of an ELF32 i386 executable.
 *
 * BlCheckElf believes nothing in the file; what it returns can be used without a further check.
 */
#ifndef EFI_ELF_H
#define EFI_ELF_H

#include "nt/status.h"
#include "nt/types.h"

#define BL_ELF_SEGMENTS 8

/* One PT_LOAD segment. */
typedef struct _BL_ELF_SEGMENT {
    ULONG Va;          /* page aligned */
    ULONG FileOffset;  /* FileOffset + FileBytes lies inside the file */
    ULONG FileBytes;   /* copied from the file; may be 0 */
    ULONG MemoryBytes; /* never 0, never below FileBytes; the rest is zero */
    BOOLEAN Write;     /* never together with Execute */
    BOOLEAN Execute;
} BL_ELF_SEGMENT, *PBL_ELF_SEGMENT;

typedef struct _BL_ELF_IMAGE {
    ULONG EntryVa;                            /* inside an executable segment */
    ULONG BaseVa;                             /* of the first segment */
    ULONG Pages;                              /* from BaseVa to the end of the last segment */
    ULONG SegmentCount;                       /* never 0 */
    BL_ELF_SEGMENT Segments[BL_ELF_SEGMENTS]; /* ascending; no two share a page */
} BL_ELF_IMAGE, *PBL_ELF_IMAGE;

/*
 * Check a little-endian ELF32 i386 ET_EXEC file and describe its segments.
 *
 * => All segments lie in [LowestVa, EndVa), both page aligned.
 * => STATUS_INVALID_IMAGE_FORMAT: *Reason is a static text that ends a message such as
 *    "hyperspace.elf is not a kernel: it is not a 32-bit ELF file".  *Image is left alone.
 */
NT_MUST_CHECK NTSTATUS BlCheckElf(const void *File, SIZE_T Bytes, ULONG LowestVa, ULONG EndVa,
                                  BL_ELF_IMAGE *Image, const char **Reason);

/*
 * Lay out the image: segments from the file, everything else zero.
 *
 * => BlCheckElf made *Image from this very File.
 * => Target has Image->Pages pages and stands for Image->BaseVa; every byte is written.
 */
void BlCopyElf(const void *File, const BL_ELF_IMAGE *Image, void *Target);

/* => TRUE when page number Page of the image (0 = BaseVa) belongs to a writable segment. */
BOOLEAN BlElfPageIsWritable(const BL_ELF_IMAGE *Image, ULONG Page);

#endif

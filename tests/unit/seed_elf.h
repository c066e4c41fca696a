/* SPDX-License-Identifier: MIT */
/*
 * seed_elf.h - a small valid kernel image, for tests to break.
 *
 *     segment   file           addresses              flags
 *     text      0x100 - 0x140  base + 0000 .. + 0040  R X   the entry is base + 0010
 *     constants 0x140 - 0x150  base + 1000 .. + 1010  R
 *     data      0x150 - 0x158  base + 3000 .. + 4800  RW    the rest is zero
 *
 * Page 2 belongs to nobody.  A note stands between the segments.
 */
#ifndef SEED_ELF_H
#define SEED_ELF_H

#include "nt/types.h"

#define SEED_ELF_BYTES 0x158
#define SEED_ELF_BASE  0x80800000u
#define SEED_ELF_END   0x80808000u
#define SEED_ELF_PAGES 5

/* Where its program headers start, and which is which. */
#define SEED_ELF_PROGRAM(Index) (52 + 32 * (Index))
#define SEED_ELF_TEXT           0
#define SEED_ELF_NOTE           1
#define SEED_ELF_CONSTANTS      2
#define SEED_ELF_DATA           3
#define SEED_ELF_PROGRAMS       4

/* Offsets in a program header. */
#define SEED_ELF_TYPE         0
#define SEED_ELF_FILE_OFFSET  4
#define SEED_ELF_VA           8
#define SEED_ELF_FILE_BYTES   16
#define SEED_ELF_MEMORY_BYTES 20
#define SEED_ELF_FLAGS        24

void SeedElf(UCHAR File[SEED_ELF_BYTES]);

/*
 * The same with what --emit-relocs leaves, so that it can be moved.  Sections: 0 none, 1 text,
 * 2 data, 3 symbols, 4 relocations of text, 5 debug information, 6 its relocations.
 *
 *     symbol     0 none, 1 at base, 2 the number FFDFF024, 3 weak and missing
 *     relocation 0 R_386_32   1  base + 0004
 *                1 R_386_PC32 1  base + 0008
 *                2 R_386_32   2  base + 000C
 *                3 R_386_32   3  base + 0010
 *                4 R_386_32   1  base + 3004, the last word of data that the file has
 */
#define SEED_MOVABLE_SYMBOLS     SEED_ELF_BYTES
#define SEED_MOVABLE_RELOCATIONS (SEED_MOVABLE_SYMBOLS + 4 * 16)
#define SEED_MOVABLE_SECTIONS    (SEED_MOVABLE_RELOCATIONS + 5 * 8)
#define SEED_MOVABLE_BYTES       (SEED_MOVABLE_SECTIONS + 7 * 40)
void SeedMovableElf(UCHAR File[SEED_MOVABLE_BYTES]);

/* Little-endian stores, at any alignment. */
void SeedPut(UCHAR *File, ULONG Offset, ULONG Bytes, ULONG64 Value);

#endif

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

/* Little-endian stores, at any alignment. */
void SeedPut(UCHAR *File, ULONG Offset, ULONG Bytes, ULONG64 Value);

#endif

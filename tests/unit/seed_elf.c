/* SPDX-License-Identifier: MIT */
/*
 * seed_elf.c - writes the image that seed_elf.h draws.
 */
#include "seed_elf.h"

#include <string.h>

void SeedPut(UCHAR *File, ULONG Offset, ULONG Bytes, ULONG64 Value)
{
    for (; Bytes != 0; Bytes--, Offset++, Value >>= 8) {
        File[Offset] = (UCHAR)Value;
    }
}

static void PutProgram(UCHAR *File, ULONG Index, const ULONG Fields[8])
{
    ULONG Field;

    for (Field = 0; Field < 8; Field++) {
        SeedPut(File, SEED_ELF_PROGRAM(Index) + 4 * Field, 4, Fields[Field]);
    }
}

void SeedElf(UCHAR File[SEED_ELF_BYTES])
{
    static const UCHAR Ident[] = {0x7F, 'E', 'L', 'F', 1, 1, 1};
    static const ULONG Programs[SEED_ELF_PROGRAMS][8] = {
        {1, 0x100, SEED_ELF_BASE, SEED_ELF_BASE, 0x40, 0x40, 5, 0x1000},
        {4, 0x140, 0, 0, 0x10, 0x10, 4, 4},
        {1, 0x140, SEED_ELF_BASE + 0x1000, SEED_ELF_BASE + 0x1000, 0x10, 0x10, 4, 0x1000},
        {1, 0x150, SEED_ELF_BASE + 0x3000, SEED_ELF_BASE + 0x3000, 8, 0x1800, 6, 0x1000},
    };
    ULONG Index;

    memset(File, 0, SEED_ELF_BYTES);
    memcpy(File, Ident, sizeof(Ident));
    SeedPut(File, 16, 2, 2);                    /* ET_EXEC */
    SeedPut(File, 18, 2, 3);                    /* EM_386 */
    SeedPut(File, 20, 4, 1);                    /* version */
    SeedPut(File, 24, 4, SEED_ELF_BASE + 0x10); /* entry */
    SeedPut(File, 28, 4, 52);                   /* program headers */
    SeedPut(File, 40, 2, 52);                   /* bytes of this header */
    SeedPut(File, 42, 2, 32);                   /* bytes of a program header */
    SeedPut(File, 44, 2, SEED_ELF_PROGRAMS);
    for (Index = 0; Index < SEED_ELF_PROGRAMS; Index++) {
        PutProgram(File, Index, Programs[Index]);
    }
    for (Index = 0x100; Index < SEED_ELF_BYTES; Index++) {
        File[Index] = (UCHAR)Index | 1; /* never 0, so that copied bytes show */
    }
}

static void PutWords(UCHAR *File, ULONG Offset, const ULONG *Words, ULONG Count)
{
    ULONG i;

    for (i = 0; i < Count; i++) {
        SeedPut(File, Offset + 4 * i, 4, Words[i]);
    }
}

void SeedMovableElf(UCHAR File[SEED_MOVABLE_BYTES])
{
    static const ULONG Symbols[4][4] = {
        {0, 0, 0, 0},
        {0, SEED_ELF_BASE, 0, 1u << 16},
        {0, 0xFFDFF024, 0, 0xFFF1u << 16},
        {0, 0, 0, 0x20},
    };
    static const ULONG Relocations[5][2] = {
        {SEED_ELF_BASE + 4, 1u << 8 | 1},      {SEED_ELF_BASE + 8, 1u << 8 | 2},
        {SEED_ELF_BASE + 12, 2u << 8 | 1},     {SEED_ELF_BASE + 16, 3u << 8 | 1},
        {SEED_ELF_BASE + 0x3004, 1u << 8 | 1},
    };
    static const ULONG Sections[7][10] = {
        {0},
        {0, 1, 6, SEED_ELF_BASE, 0x100, 0x40, 0, 0, 16, 0},
        {0, 1, 3, SEED_ELF_BASE + 0x3000, 0x150, 8, 0, 0, 4, 0},
        {0, 2, 0, 0, SEED_MOVABLE_SYMBOLS, sizeof(Symbols), 0, 0, 4, 16},
        {0, 9, 0, 0, SEED_MOVABLE_RELOCATIONS, sizeof(Relocations), 3, 1, 4, 8},
        {0, 1, 0, 0, 0x100, 0x40, 0, 0, 1, 0},
        {0, 9, 0, 0, 0, 0xFFFFFFF8, 3, 5, 4, 8}, /* not looked at */
    };

    SeedElf(File);
    SeedPut(File, 32, 4, SEED_MOVABLE_SECTIONS);
    SeedPut(File, 46, 2, 40);
    SeedPut(File, 48, 2, 7);
    PutWords(File, SEED_MOVABLE_SYMBOLS, Symbols[0], sizeof(Symbols) / 4);
    PutWords(File, SEED_MOVABLE_RELOCATIONS, Relocations[0], sizeof(Relocations) / 4);
    PutWords(File, SEED_MOVABLE_SECTIONS, Sections[0], sizeof(Sections) / 4);
}

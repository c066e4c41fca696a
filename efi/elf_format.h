/* SPDX-License-Identifier: MIT */
/*
 * elf_format.h - the ELF32 file format, as far as a kernel needs it.
 */
#ifndef EFI_ELF_FORMAT_H
#define EFI_ELF_FORMAT_H

#include "nt/types.h"

/* The file format: System V ABI, chapters 4 and 5, and its i386 supplement. */
typedef struct _BLP_ELF_HEADER {
    UCHAR Ident[16];
    USHORT Type;
    USHORT Machine;
    ULONG Version;
    ULONG Entry;
    ULONG ProgramOffset; /* of the program header table, in the file */
    ULONG SectionOffset;
    ULONG Flags;
    USHORT HeaderBytes;
    USHORT ProgramBytes; /* of one program header */
    USHORT ProgramCount;
    USHORT SectionBytes;
    USHORT SectionCount;
    USHORT SectionNames;
} BLP_ELF_HEADER;

typedef struct _BLP_ELF_PROGRAM {
    ULONG Type;
    ULONG FileOffset;
    ULONG Va;
    ULONG Physical;
    ULONG FileBytes;
    ULONG MemoryBytes;
    ULONG Flags;
    ULONG Alignment;
} BLP_ELF_PROGRAM;

typedef struct _BLP_ELF_SECTION {
    ULONG Name;
    ULONG Type;
    ULONG Flags;
    ULONG Va;
    ULONG FileOffset;
    ULONG Bytes;
    ULONG Link; /* of relocations: the section of their symbols */
    ULONG Info; /* of relocations: the section that they are in */
    ULONG Alignment;
    ULONG EntryBytes;
} BLP_ELF_SECTION;

typedef struct _BLP_ELF_SYMBOL {
    ULONG Name;
    ULONG Value;
    ULONG Bytes;
    UCHAR Info;
    UCHAR Other;
    USHORT Section;
} BLP_ELF_SYMBOL;

typedef struct _BLP_ELF_RELOCATION {
    ULONG Va;
    ULONG Info; /* type in the low 8 bits, above it the symbol's number */
} BLP_ELF_RELOCATION;

NT_C_ASSERT(sizeof(BLP_ELF_HEADER) == 52);
NT_C_ASSERT(sizeof(BLP_ELF_PROGRAM) == 32);
NT_C_ASSERT(sizeof(BLP_ELF_SECTION) == 40);
NT_C_ASSERT(sizeof(BLP_ELF_SYMBOL) == 16);
NT_C_ASSERT(sizeof(BLP_ELF_RELOCATION) == 8);

#define ELF_CLASS_32        1 /* Ident[4] */
#define ELF_DATA_LITTLE     1 /* Ident[5] */
#define ELF_VERSION         1 /* Ident[6] and Version */
#define ELF_TYPE_EXECUTED   2 /* ET_EXEC */
#define ELF_MACHINE_386     3 /* EM_386 */
#define ELF_PROGRAM_LOAD    1 /* PT_LOAD */
#define ELF_PROGRAM_DYNAMIC 2 /* PT_DYNAMIC */
#define ELF_PROGRAM_INTERP  3 /* PT_INTERP */
#define ELF_PROGRAM_TLS     7 /* PT_TLS */
#define ELF_FLAG_EXECUTE    1 /* PF_X */
#define ELF_FLAG_WRITE      2 /* PF_W */
#define ELF_SECTION_SYMBOLS 2 /* SHT_SYMTAB */
#define ELF_SECTION_RELA    4 /* SHT_RELA */
#define ELF_SECTION_REL     9 /* SHT_REL */
#define ELF_SECTION_ALLOC   2 /* SHF_ALLOC */
#define ELF_UNDEFINED       0 /* BLP_ELF_SYMBOL.Section */
#define ELF_ABSOLUTE        0xFFF1
#define ELF_R_386_NONE      0
#define ELF_R_386_32        1 /* an address */
#define ELF_R_386_PC32      2 /* a distance */
#define ELF_R_386_PLT32     4 /* the same, of a call */

#endif

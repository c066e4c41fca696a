/* SPDX-License-Identifier: MIT */
/*
 * seed_image.c - writes the image that seed_image.h draws.
 */
#include "seed_image.h"

#include "nt/image.h"
#include "seed_elf.h"

#include <string.h>

/* A structure of the headers. */
static void PutBytes(UCHAR *File, ULONG Offset, const void *From, SIZE_T Bytes)
{
    memcpy(File + Offset, From, Bytes);
}

static void PutText(UCHAR *File, ULONG Offset, const char *Text)
{
    PutBytes(File, Offset, Text, strlen(Text) + 1);
}

static void PutHeaders(UCHAR *File)
{
    IMAGE_DOS_HEADER Dos = {.e_magic = IMAGE_DOS_SIGNATURE, .e_lfanew = SEED_IMAGE_NT};
    IMAGE_NT_HEADERS32 Nt = {
        .Signature = IMAGE_NT_SIGNATURE,
        .FileHeader = {.Machine = IMAGE_FILE_MACHINE_I386,
                       .NumberOfSections = SEED_IMAGE_COUNT,
                       .TimeDateStamp = 0x11223344,
                       .SizeOfOptionalHeader = sizeof(IMAGE_OPTIONAL_HEADER32),
                       .Characteristics = IMAGE_FILE_EXECUTABLE_IMAGE | IMAGE_FILE_32BIT_MACHINE},
        .OptionalHeader = {.Magic = IMAGE_NT_OPTIONAL_HDR32_MAGIC,
                           .SizeOfCode = 0x400,
                           .AddressOfEntryPoint = 0x1010,
                           .BaseOfCode = 0x1000,
                           .BaseOfData = 0x2000,
                           .ImageBase = SEED_IMAGE_BASE,
                           .SectionAlignment = PAGE_SIZE,
                           .FileAlignment = 0x200,
                           .MajorSubsystemVersion = 5,
                           .MinorSubsystemVersion = 2,
                           .SizeOfImage = SEED_IMAGE_PAGES * PAGE_SIZE,
                           .SizeOfHeaders = 0x400,
                           .CheckSum = 0x55667788,
                           .Subsystem = IMAGE_SUBSYSTEM_WINDOWS_CUI,
                           .DllCharacteristics = IMAGE_DLLCHARACTERISTICS_NX_COMPAT,
                           .SizeOfStackReserve = 0x200000,
                           .SizeOfStackCommit = 0x1000,
                           .SizeOfHeapReserve = 0x100000,
                           .SizeOfHeapCommit = 0x2000,
                           .LoaderFlags = 0x99,
                           .NumberOfRvaAndSizes = IMAGE_NUMBEROF_DIRECTORY_ENTRIES}};

    Nt.OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_EXPORT].VirtualAddress = 0x2000;
    Nt.OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_EXPORT].Size = 0x100;
    Nt.OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT].VirtualAddress = 0x2200;
    Nt.OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT].Size = 0x3C;
    Nt.OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_BASERELOC].VirtualAddress = 0x6000;
    Nt.OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_BASERELOC].Size = SEED_IMAGE_RELOCS_BYTES;
    PutBytes(File, 0, &Dos, sizeof(Dos));
    PutBytes(File, SEED_IMAGE_NT, &Nt, sizeof(Nt));
}

static void PutSection(UCHAR *File, ULONG Index, const char *Name, ULONG Bytes, ULONG Rva,
                       ULONG RawBytes, ULONG Raw, ULONG Characteristics)
{
    IMAGE_SECTION_HEADER Section = {.Misc = {.VirtualSize = Bytes},
                                    .VirtualAddress = Rva,
                                    .SizeOfRawData = RawBytes,
                                    .PointerToRawData = Raw,
                                    .Characteristics = Characteristics};

    strncpy((char *)Section.Name, Name, sizeof(Section.Name) - 1);
    PutBytes(File, SEED_IMAGE_SECTION(Index), &Section, sizeof(Section));
}

static void PutSections(UCHAR *File)
{
    ULONG Read = IMAGE_SCN_MEM_READ | IMAGE_SCN_CNT_INITIALIZED_DATA;

    PutSection(File, SEED_IMAGE_TEXT, ".text", 0x234, 0x1000, 0x400, 0x400,
               IMAGE_SCN_CNT_CODE | IMAGE_SCN_MEM_EXECUTE | IMAGE_SCN_MEM_READ);
    PutSection(File, SEED_IMAGE_RDATA, ".rdata", 0x400, 0x2000, 0x400, 0x800, Read);
    PutSection(File, SEED_IMAGE_DATA, ".data", 0x1800, 0x3000, 0x200, 0xC00,
               Read | IMAGE_SCN_MEM_WRITE);
    PutSection(File, SEED_IMAGE_SHARED, ".shared", 0x10, 0x5000, 0x200, 0xE00,
               Read | IMAGE_SCN_MEM_WRITE | IMAGE_SCN_MEM_SHARED);
    PutSection(File, SEED_IMAGE_RELOC, ".reloc", SEED_IMAGE_RELOCS_BYTES, 0x6000, 0x200, 0x1000,
               Read | IMAGE_SCN_MEM_DISCARDABLE);
}

static void PutExports(UCHAR *File)
{
    IMAGE_EXPORT_DIRECTORY Exports = {.Name = 0x2080,
                                      .Base = 5,
                                      .NumberOfFunctions = 4,
                                      .NumberOfNames = 3,
                                      .AddressOfFunctions = 0x2028,
                                      .AddressOfNames = 0x2038,
                                      .AddressOfNameOrdinals = 0x2044};
    static const ULONG Functions[] = {0x1010, 0, 0x20A8, 0x3004};
    static const ULONG Names[] = {0x2090, 0x2096, 0x209B};
    static const USHORT Indices[] = {0, 3, 2};

    PutBytes(File, SEED_IMAGE_EXPORTS, &Exports, sizeof(Exports));
    PutBytes(File, SEED_IMAGE_EXPORTS + 0x28, Functions, sizeof(Functions));
    PutBytes(File, SEED_IMAGE_EXPORTS + 0x38, Names, sizeof(Names));
    PutBytes(File, SEED_IMAGE_EXPORTS + 0x44, Indices, sizeof(Indices));
    PutText(File, SEED_IMAGE_EXPORTS + 0x80, "SEED.dll");
    PutText(File, SEED_IMAGE_EXPORTS + 0x90, "alpha");
    PutText(File, SEED_IMAGE_EXPORTS + 0x96, "beta");
    PutText(File, SEED_IMAGE_EXPORTS + 0x9B, "gamma");
    PutText(File, SEED_IMAGE_EXPORTS + 0xA8, "OTHER.#12");
}

static void PutImports(UCHAR *File)
{
    static const IMAGE_IMPORT_DESCRIPTOR Descriptors[] = {
        {.OriginalFirstThunk = 0x2240, .Name = 0x2280, .FirstThunk = 0x3100},
        {.Name = 0x2288, .FirstThunk = 0x3110},
        {.Name = 0},
    };
    static const ULONG Lookups[] = {0x2290, IMAGE_ORDINAL_FLAG32 | 9, 0};
    static const ULONG Slots[] = {0x22A0, 0};

    PutBytes(File, SEED_IMAGE_IMPORTS, Descriptors, sizeof(Descriptors));
    PutBytes(File, SEED_IMAGE_IMPORTS + 0x40, Lookups, sizeof(Lookups));
    PutBytes(File, 0xC00 + 0x100, Lookups, sizeof(Lookups));
    PutBytes(File, 0xC00 + 0x110, Slots, sizeof(Slots));
    PutText(File, SEED_IMAGE_IMPORTS + 0x80, "ONE.dll");
    PutText(File, SEED_IMAGE_IMPORTS + 0x88, "TWO.dll");
    SeedPut(File, SEED_IMAGE_IMPORTS + 0x90, 2, 3);
    PutText(File, SEED_IMAGE_IMPORTS + 0x92, "first");
    PutText(File, SEED_IMAGE_IMPORTS + 0xA2, "second");
}

static USHORT Entry(ULONG Type, ULONG Offset)
{
    return (USHORT)(Type << 12 | Offset);
}

static void PutRelocations(UCHAR *File)
{
    const USHORT Data[] = {Entry(IMAGE_REL_BASED_HIGH, 0x20), Entry(IMAGE_REL_BASED_LOW, 0x24),
                           Entry(IMAGE_REL_BASED_HIGHADJ, 0x28), 0x9000};
    const USHORT Tail[] = {Entry(IMAGE_REL_BASED_LOW, 0xFFF), 0};
    const USHORT Text[] = {Entry(IMAGE_REL_BASED_HIGHLOW, 0x10),
                           Entry(IMAGE_REL_BASED_HIGHLOW, 0xFFE), 0, 0};
    const IMAGE_BASE_RELOCATION Blocks[] = {
        {0x3000, sizeof(IMAGE_BASE_RELOCATION) + sizeof(Data)},
        {0x4000, sizeof(IMAGE_BASE_RELOCATION) + sizeof(Tail)},
        {0x1000, sizeof(IMAGE_BASE_RELOCATION) + sizeof(Text)},
    };

    PutBytes(File, SEED_IMAGE_RELOCS, &Blocks[0], 8);
    PutBytes(File, SEED_IMAGE_RELOCS + 8, Data, sizeof(Data));
    PutBytes(File, SEED_IMAGE_RELOCS + 0x10, &Blocks[1], 8);
    PutBytes(File, SEED_IMAGE_RELOCS + 0x18, Tail, sizeof(Tail));
    PutBytes(File, SEED_IMAGE_RELOCS + 0x1C, &Blocks[2], 8);
    PutBytes(File, SEED_IMAGE_RELOCS + 0x24, Text, sizeof(Text));
}

void SeedImage(UCHAR File[SEED_IMAGE_BYTES])
{
    ULONG Index;

    memset(File, 0, SEED_IMAGE_BYTES);
    for (Index = 0x400; Index < SEED_IMAGE_BYTES; Index++) {
        File[Index] = Index < 0x800 || (Index >= 0xC00 && Index < 0x1000) ? (UCHAR)(Index * 7) : 0;
    }
    PutHeaders(File);
    PutSections(File);
    PutExports(File);
    PutImports(File);
    PutRelocations(File);
}

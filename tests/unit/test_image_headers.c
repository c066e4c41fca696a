/* SPDX-License-Identifier: MIT */
/*
 * test_image_headers.c - the seed image is described field by field; each way of breaking it has
 * its status.
 */
#include "mm/section/image_headers.h"
#include "mm/space/protection.h"
#include "seed_elf.h"
#include "seed_image.h"
#include "test.h"
#include "vm.h"

#include <stdlib.h>
#include <string.h>

#define ROOM (2 * MI_IMAGE_HEADER_BYTES)

/* Fields of the optional header, and of a section header. */
#define OPTIONAL(Field)   (SEED_IMAGE_HEADER + (ULONG)offsetof(IMAGE_OPTIONAL_HEADER32, Field))
#define FILE_FIELD(Field) (SEED_IMAGE_FILE + (ULONG)offsetof(IMAGE_FILE_HEADER, Field))
#define SECTION(Index, Field)                                                                      \
    (SEED_IMAGE_SECTION(SEED_IMAGE_##Index) + (ULONG)offsetof(IMAGE_SECTION_HEADER, Field))

static UCHAR File[ROOM];
static UCHAR *Header; /* of the last image: as many bytes as were promised, no more */
static MI_IMAGE Image;

static void Begin(void)
{
    memset(File, 0, sizeof(File));
    SeedImage(File);
}

static NTSTATUS Describe(ULONG64 FileBytes)
{
    SIZE_T Bytes = FileBytes < MI_IMAGE_HEADER_BYTES ? (SIZE_T)FileBytes : MI_IMAGE_HEADER_BYTES;
    NTSTATUS Status;

    free(Header);
    Header = malloc(Bytes != 0 ? Bytes : 1);
    memcpy(Header, File, Bytes);
    memset(&Image, 0xCC, sizeof(Image));
    Status = MiDescribeImage(Header, Bytes, FileBytes, &Image);
    CHECK_EQUAL(NT_SUCCESS(Status), Image.ImageBytes != 0xCCCCCCCC);
    return Status;
}

/* The seed with one number changed. */
static NTSTATUS DescribeChanged(ULONG Offset, ULONG Bytes, ULONG Value)
{
    Begin();
    SeedPut(File, Offset, Bytes, Value);
    return Describe(SEED_IMAGE_BYTES);
}

static void CheckPart(ULONG Index, const char *Name, ULONG FirstPage, ULONG Pages, ULONG FileOffset,
                      ULONG FileBytes, ULONG Protect)
{
    MI_IMAGE_PART Part;

    MiDescribeImagePart(Header, &Image, Index, &Part);
    CHECK_TEXT(Name, Part.Name);
    CHECK_EQUAL(FirstPage, Part.FirstPage);
    CHECK_EQUAL(Pages, Part.Pages);
    CHECK_EQUAL(FileOffset, Part.FileOffset);
    CHECK_EQUAL(FileBytes, Part.FileBytes);
    CHECK_EQUAL(Protect, MiProtectOf(Part.Protection));
    CHECK_EQUAL(FileOffset % PAGE_SIZE == 0, Part.FilePages);
}

/* ---- what is accepted ---- */

TEST(DescribeImage_tells_all_numbers_of_the_seed)
{
    Begin();
    CHECK_EQUAL(STATUS_SUCCESS, Describe(SEED_IMAGE_BYTES));
    CHECK_EQUAL(SEED_IMAGE_BYTES, Image.FileBytes);
    CHECK_EQUAL(SEED_IMAGE_BASE, Image.ImageBase);
    CHECK_EQUAL(SEED_IMAGE_PAGES * PAGE_SIZE, Image.ImageBytes);
    CHECK_EQUAL(0x400, Image.HeaderBytes);
    CHECK_EQUAL(SEED_IMAGE_NT, Image.NtHeaders);
    CHECK_EQUAL(SEED_IMAGE_TABLE, Image.SectionTable);
    CHECK_EQUAL(SEED_IMAGE_COUNT, Image.SectionCount);
    CHECK_EQUAL(SEED_IMAGE_COUNT + 1, Image.PartCount);
    CHECK_EQUAL(PAGE_SIZE, Image.SectionAlignment);
    CHECK_EQUAL(0x200, Image.FileAlignment);
    CHECK_EQUAL(0x1010, Image.EntryPoint);
    CHECK_EQUAL(0x11223344, Image.TimeDateStamp);
    CHECK_EQUAL(0x55667788, Image.CheckSum);
    CHECK_EQUAL(0x200000, Image.StackReserveBytes);
    CHECK_EQUAL(0x1000, Image.StackCommitBytes);
    CHECK_EQUAL(0x100000, Image.HeapReserveBytes);
    CHECK_EQUAL(0x2000, Image.HeapCommitBytes);
    CHECK_EQUAL(IMAGE_SUBSYSTEM_WINDOWS_CUI, Image.Subsystem);
    CHECK_EQUAL(5, Image.SubsystemMajorVersion);
    CHECK_EQUAL(2, Image.SubsystemMinorVersion);
    CHECK_EQUAL(IMAGE_DLLCHARACTERISTICS_NX_COMPAT, Image.DllCharacteristics);
    CHECK_EQUAL(IMAGE_FILE_EXECUTABLE_IMAGE | IMAGE_FILE_32BIT_MACHINE, Image.Characteristics);
    CHECK_EQUAL(IMAGE_FILE_MACHINE_I386, Image.Machine);
    CHECK(Image.ContainsCode && Image.Relocatable && !Image.OnePart);
    CHECK_EQUAL(0, Image.BadDirectories);
    CHECK_EQUAL(0x2200, Image.Directories[IMAGE_DIRECTORY_ENTRY_IMPORT].VirtualAddress);
    CHECK_EQUAL(0x3C, Image.Directories[IMAGE_DIRECTORY_ENTRY_IMPORT].Size);
}

TEST(DescribeImagePart_gives_each_section_its_pages_and_protection)
{
    MI_IMAGE_PART Part;

    Begin();
    CHECK_EQUAL(STATUS_SUCCESS, Describe(SEED_IMAGE_BYTES));
    CheckPart(0, "", 0, 1, 0, 0x400, PAGE_READONLY);
    CheckPart(1, ".text", 1, 1, 0x400, 0x400, PAGE_EXECUTE_READ);
    CheckPart(2, ".rdata", 2, 1, 0x800, 0x400, PAGE_READONLY);
    CheckPart(3, ".data", 3, 2, 0xC00, 0x200, PAGE_WRITECOPY);
    CheckPart(4, ".shared", 5, 1, 0xE00, 0x200, PAGE_READWRITE);
    CheckPart(5, ".reloc", 6, 1, 0x1000, 0x200, PAGE_READONLY);
    MiDescribeImagePart(Header, &Image, 4, &Part);
    CHECK(Part.Shared);
    MiDescribeImagePart(Header, &Image, 3, &Part);
    CHECK(!Part.Shared);
}

TEST(DescribeImagePart_knows_every_protection)
{
    static const struct {
        ULONG Characteristics;
        ULONG Protect;
    } Cases[] = {
        {0, PAGE_NOACCESS},
        {IMAGE_SCN_MEM_READ, PAGE_READONLY},
        {IMAGE_SCN_MEM_EXECUTE, PAGE_EXECUTE},
        {IMAGE_SCN_MEM_EXECUTE | IMAGE_SCN_MEM_READ, PAGE_EXECUTE_READ},
        {IMAGE_SCN_MEM_WRITE, PAGE_WRITECOPY},
        {IMAGE_SCN_MEM_WRITE | IMAGE_SCN_MEM_READ, PAGE_WRITECOPY},
        {IMAGE_SCN_MEM_WRITE | IMAGE_SCN_MEM_EXECUTE, PAGE_EXECUTE_WRITECOPY},
        {IMAGE_SCN_MEM_WRITE | IMAGE_SCN_MEM_EXECUTE | IMAGE_SCN_MEM_READ, PAGE_EXECUTE_WRITECOPY},
    };
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(Cases); Index++) {
        ULONG Characteristics = Cases[Index].Characteristics;
        ULONG Shared = Cases[Index].Protect;

        CHECK_EQUAL(STATUS_SUCCESS,
                    DescribeChanged(SECTION(SHARED, Characteristics), 4, Characteristics));
        CheckPart(4, ".shared", 5, 1, 0xE00, 0x200, Cases[Index].Protect);
        Shared = Shared == PAGE_WRITECOPY           ? PAGE_READWRITE
                 : Shared == PAGE_EXECUTE_WRITECOPY ? PAGE_EXECUTE_READWRITE
                                                    : Shared;
        CHECK_EQUAL(STATUS_SUCCESS, DescribeChanged(SECTION(SHARED, Characteristics), 4,
                                                    Characteristics | IMAGE_SCN_MEM_SHARED));
        CheckPart(4, ".shared", 5, 1, 0xE00, 0x200, Shared);
    }
}

TEST(DescribeImagePart_takes_the_raw_size_where_there_is_no_virtual_one)
{
    CHECK_EQUAL(STATUS_SUCCESS, DescribeChanged(SECTION(TEXT, Misc), 4, 0));
    CheckPart(1, ".text", 1, 1, 0x400, 0x400, PAGE_EXECUTE_READ);
}

TEST(DescribeImagePart_maps_no_more_of_the_file_than_there_are_pages)
{
    Begin();
    SeedPut(File, SECTION(RELOC, SizeOfRawData), 4, 0x2000);
    CHECK_EQUAL(STATUS_SUCCESS, Describe(0x3000));
    CheckPart(5, ".reloc", 6, 1, 0x1000, 0x1000, PAGE_READONLY);
}

TEST(DescribeImagePart_sees_no_data_without_a_place)
{
    CHECK_EQUAL(STATUS_SUCCESS, DescribeChanged(SECTION(DATA, PointerToRawData), 4, 0));
    CheckPart(3, ".data", 3, 2, 0, 0, PAGE_WRITECOPY);
}

TEST(DescribeImage_takes_an_empty_section)
{
    Begin();
    SeedPut(File, SECTION(RELOC, Misc), 4, 0);
    SeedPut(File, SECTION(RELOC, SizeOfRawData), 4, 0);
    CHECK_EQUAL(STATUS_SUCCESS, Describe(SEED_IMAGE_BYTES));
    CheckPart(5, ".reloc", 6, 0, 0, 0, PAGE_READONLY);
}

/* All alignments 20; the file is 1200 bytes, the image two pages. */
static void BeginOnePart(void)
{
    ULONG Index;

    Begin();
    SeedPut(File, OPTIONAL(SectionAlignment), 4, 0x20);
    SeedPut(File, OPTIONAL(FileAlignment), 4, 0x20);
    SeedPut(File, OPTIONAL(SizeOfImage), 4, 0x1200);
    for (Index = 0; Index < SEED_IMAGE_COUNT; Index++) {
        ULONG Section = SEED_IMAGE_SECTION(Index);

        memcpy(File + Section + 12, File + Section + 20, 4); /* VirtualAddress */
        SeedPut(File, Section + 8, 4, 0);
    }
}

TEST(DescribeImage_maps_small_alignments_as_one_part)
{
    BeginOnePart();
    CHECK_EQUAL(STATUS_SUCCESS, Describe(SEED_IMAGE_BYTES));
    CHECK(Image.OnePart && Image.ContainsCode);
    CHECK_EQUAL(1, Image.PartCount);
    CHECK_EQUAL(SEED_IMAGE_COUNT, Image.SectionCount);
    CHECK_EQUAL(2 * PAGE_SIZE, Image.ImageBytes);
    CheckPart(0, "", 0, 2, 0, SEED_IMAGE_BYTES, PAGE_EXECUTE_WRITECOPY);
    CHECK_EQUAL(STATUS_SUCCESS, Describe(3 * PAGE_SIZE)); /* a tail behind the image */
    CheckPart(0, "", 0, 2, 0, 2 * PAGE_SIZE, PAGE_EXECUTE_WRITECOPY);
}

TEST(DescribeImage_wants_small_alignments_alike_and_data_in_place)
{
    BeginOnePart();
    SeedPut(File, OPTIONAL(FileAlignment), 4, 0x10);
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, Describe(SEED_IMAGE_BYTES));
    BeginOnePart();
    SeedPut(File, SECTION(DATA, PointerToRawData), 4, 0xC20);
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, Describe(SEED_IMAGE_BYTES));
    BeginOnePart();
    SeedPut(File, SECTION(TEXT, Misc), 4, 0x401); /* into .rdata */
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, Describe(SEED_IMAGE_BYTES));
    BeginOnePart();
    SeedPut(File, SECTION(RELOC, Misc), 4, 0x1001); /* out of the image */
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, Describe(SEED_IMAGE_BYTES));
}

TEST(DescribeImage_says_that_other_machines_images_are_valid)
{
    CHECK_EQUAL(STATUS_IMAGE_MACHINE_TYPE_MISMATCH,
                DescribeChanged(FILE_FIELD(Machine), 2, IMAGE_FILE_MACHINE_ARM));
    CHECK_EQUAL(IMAGE_FILE_MACHINE_ARM, Image.Machine);
    CHECK_EQUAL(SEED_IMAGE_COUNT + 1, Image.PartCount);
}

TEST(DescribeImage_keeps_directories_inside_the_image)
{
    ULONG Place = SEED_IMAGE_DIRECTORY(IMAGE_DIRECTORY_ENTRY_DEBUG);

    Begin();
    SeedPut(File, Place, 4, 0x6FFF);
    SeedPut(File, Place + 4, 4, 1);
    CHECK_EQUAL(STATUS_SUCCESS, Describe(SEED_IMAGE_BYTES));
    CHECK_EQUAL(0x6FFF, Image.Directories[IMAGE_DIRECTORY_ENTRY_DEBUG].VirtualAddress);
    CHECK_EQUAL(0, Image.BadDirectories);
    SeedPut(File, Place + 4, 4, 2);
    CHECK_EQUAL(STATUS_SUCCESS, Describe(SEED_IMAGE_BYTES));
    CHECK_EQUAL(1 << IMAGE_DIRECTORY_ENTRY_DEBUG, Image.BadDirectories);
    CHECK_EQUAL(0, Image.Directories[IMAGE_DIRECTORY_ENTRY_DEBUG].Size);
    SeedPut(File, Place + 4, 4, 0xFFFFFFFF); /* the sum wraps in 32 bits */
    CHECK_EQUAL(STATUS_SUCCESS, Describe(SEED_IMAGE_BYTES));
    CHECK_EQUAL(1 << IMAGE_DIRECTORY_ENTRY_DEBUG, Image.BadDirectories);
}

TEST(DescribeImage_judges_certificates_by_the_file)
{
    ULONG Place = SEED_IMAGE_DIRECTORY(IMAGE_DIRECTORY_ENTRY_SECURITY);

    Begin();
    SeedPut(File, Place, 4, 0x1100);
    SeedPut(File, Place + 4, 4, 0x100);
    CHECK_EQUAL(STATUS_SUCCESS, Describe(SEED_IMAGE_BYTES));
    CHECK_EQUAL(0x100, Image.Directories[IMAGE_DIRECTORY_ENTRY_SECURITY].Size);
    SeedPut(File, Place + 4, 4, 0x101);
    CHECK_EQUAL(STATUS_SUCCESS, Describe(SEED_IMAGE_BYTES));
    CHECK_EQUAL(1 << IMAGE_DIRECTORY_ENTRY_SECURITY, Image.BadDirectories);
}

TEST(DescribeImage_counts_only_directories_that_are_there)
{
    CHECK_EQUAL(STATUS_SUCCESS, DescribeChanged(OPTIONAL(NumberOfRvaAndSizes), 4, 1));
    CHECK_EQUAL(0x100, Image.Directories[IMAGE_DIRECTORY_ENTRY_EXPORT].Size);
    CHECK_EQUAL(0, Image.Directories[IMAGE_DIRECTORY_ENTRY_IMPORT].Size);
    CHECK_EQUAL(STATUS_SUCCESS, DescribeChanged(OPTIONAL(NumberOfRvaAndSizes), 4, 0xFFFFFFFF));
    CHECK_EQUAL(0x3C, Image.Directories[IMAGE_DIRECTORY_ENTRY_IMPORT].Size);
}

TEST(DescribeImage_knows_what_may_be_moved)
{
    ULONG Place = SEED_IMAGE_DIRECTORY(IMAGE_DIRECTORY_ENTRY_BASERELOC);

    CHECK_EQUAL(STATUS_SUCCESS,
                DescribeChanged(FILE_FIELD(Characteristics), 2,
                                IMAGE_FILE_EXECUTABLE_IMAGE | IMAGE_FILE_RELOCS_STRIPPED));
    CHECK(!Image.Relocatable);
    CHECK_EQUAL(STATUS_SUCCESS, DescribeChanged(Place, 4, 0)); /* nothing needs to be changed */
    CHECK(Image.Relocatable);
    CHECK_EQUAL(STATUS_SUCCESS, DescribeChanged(Place, 4, 0x7000));
    CHECK(!Image.Relocatable);
}

TEST(DescribeImage_takes_as_many_sections_as_documented)
{
    ULONG Index;

    Begin();
    SeedPut(File, FILE_FIELD(NumberOfSections), 2, MI_IMAGE_SECTIONS);
    SeedPut(File, OPTIONAL(SizeOfHeaders), 4, 0x1200);
    SeedPut(File, OPTIONAL(SizeOfImage), 4, (MI_IMAGE_SECTIONS + 2) * PAGE_SIZE);
    memset(File + SEED_IMAGE_TABLE, 0, MI_IMAGE_SECTIONS * sizeof(IMAGE_SECTION_HEADER));
    for (Index = 0; Index <= MI_IMAGE_SECTIONS; Index++) {
        SeedPut(File, SEED_IMAGE_SECTION(Index) + 8, 4, 1);
        SeedPut(File, SEED_IMAGE_SECTION(Index) + 12, 4, (Index + 2) * PAGE_SIZE);
    }
    CHECK_EQUAL(STATUS_SUCCESS, Describe(ROOM));
    CHECK_EQUAL(MI_IMAGE_SECTIONS + 1, Image.PartCount);
    CheckPart(MI_IMAGE_SECTIONS, "", MI_IMAGE_SECTIONS + 1, 1, 0, 0, PAGE_NOACCESS);
    SeedPut(File, FILE_FIELD(NumberOfSections), 2, MI_IMAGE_SECTIONS + 1);
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, Describe(ROOM));
}

/* The seed's NT headers and sections, moved to Place; the rest stays. */
static void MoveHeaders(ULONG Place)
{
    Begin();
    memmove(File + Place, File + SEED_IMAGE_NT,
            SEED_IMAGE_SECTION(SEED_IMAGE_COUNT) - SEED_IMAGE_NT);
    SeedPut(File, 60, 4, Place);
    SeedPut(File, Place + 24 + offsetof(IMAGE_OPTIONAL_HEADER32, SizeOfHeaders), 4, ROOM);
    SeedPut(File, Place + 24 + offsetof(IMAGE_OPTIONAL_HEADER32, SizeOfImage), 4, ROOM);
    SeedPut(File, Place + 4 + offsetof(IMAGE_FILE_HEADER, NumberOfSections), 2, 0);
}

TEST(DescribeImage_finds_headers_in_two_pages_and_not_behind)
{
    ULONG Last = MI_IMAGE_HEADER_BYTES - sizeof(IMAGE_NT_HEADERS32);

    MoveHeaders(Last);
    CHECK_EQUAL(STATUS_SUCCESS, Describe(ROOM));
    CHECK_EQUAL(1, Image.PartCount);
    CheckPart(0, "", 0, ROOM / PAGE_SIZE, 0, ROOM, PAGE_READONLY);
    MoveHeaders(Last + 4);
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, Describe(ROOM));
    MoveHeaders(MI_IMAGE_HEADER_BYTES);
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, Describe(ROOM));
    MoveHeaders(SEED_IMAGE_NT + 2); /* not aligned */
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, Describe(ROOM));
}

/* ---- other formats ---- */

TEST(DescribeImage_tells_formats_apart)
{
    CHECK_EQUAL(STATUS_INVALID_IMAGE_NOT_MZ, DescribeChanged(0, 2, 0x4D5A));
    CHECK_EQUAL(STATUS_INVALID_IMAGE_NOT_MZ, Describe(0));
    Begin();
    CHECK_EQUAL(STATUS_INVALID_IMAGE_NOT_MZ, Describe(63));
    CHECK_EQUAL(STATUS_INVALID_IMAGE_PROTECT, Describe(64));
    CHECK_EQUAL(STATUS_INVALID_IMAGE_PROTECT, DescribeChanged(60, 4, 0));
    CHECK_EQUAL(STATUS_INVALID_IMAGE_PROTECT, DescribeChanged(60, 4, SEED_IMAGE_BYTES - 1));
    CHECK_EQUAL(STATUS_INVALID_IMAGE_PROTECT, DescribeChanged(60, 4, SEED_IMAGE_BYTES - 2));
    CHECK_EQUAL(STATUS_INVALID_IMAGE_PROTECT, DescribeChanged(60, 4, 0xFFFFFFFC));
    CHECK_EQUAL(STATUS_INVALID_IMAGE_PROTECT, DescribeChanged(SEED_IMAGE_NT, 4, 0x01004550));
    CHECK_EQUAL(STATUS_INVALID_IMAGE_LE_FORMAT,
                DescribeChanged(SEED_IMAGE_NT, 2, IMAGE_OS2_SIGNATURE_LE));
    CHECK_EQUAL(STATUS_INVALID_IMAGE_WIN_64,
                DescribeChanged(OPTIONAL(Magic), 2, IMAGE_NT_OPTIONAL_HDR64_MAGIC));
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT,
                DescribeChanged(OPTIONAL(Magic), 2, IMAGE_ROM_OPTIONAL_HDR_MAGIC));
}

TEST(DescribeImage_tells_16_bit_images_apart)
{
    ULONG System;

    for (System = 0; System < 6; System++) {
        Begin();
        SeedPut(File, SEED_IMAGE_NT, 2, IMAGE_OS2_SIGNATURE);
        SeedPut(File, SEED_IMAGE_NT + 0x36, 1, System);
        CHECK_EQUAL(System == 2 || System == 4 ? STATUS_INVALID_IMAGE_WIN_16
                                               : STATUS_INVALID_IMAGE_NE_FORMAT,
                    Describe(SEED_IMAGE_BYTES));
    }
    Begin();
    SeedPut(File, 60, 4, SEED_IMAGE_BYTES - 2); /* nothing of it but its name */
    SeedPut(File, SEED_IMAGE_BYTES - 2, 2, IMAGE_OS2_SIGNATURE);
    CHECK_EQUAL(STATUS_INVALID_IMAGE_NE_FORMAT, Describe(SEED_IMAGE_BYTES));
}

/* ---- what is refused ---- */

TEST(DescribeImage_refuses_each_wrong_number)
{
    static const struct {
        ULONG Offset;
        ULONG Bytes;
        ULONG Value;
    } Cases[] = {
        {FILE_FIELD(Characteristics), 2, IMAGE_FILE_32BIT_MACHINE},
        {FILE_FIELD(NumberOfSections), 2, SEED_IMAGE_COUNT + 1},
        {FILE_FIELD(NumberOfSections), 2, 0xFFFF},
        {FILE_FIELD(SizeOfOptionalHeader), 2, 0},
        {FILE_FIELD(SizeOfOptionalHeader), 2, 95},
        {FILE_FIELD(SizeOfOptionalHeader), 2, 223},
        {FILE_FIELD(SizeOfOptionalHeader), 2, 0xFFFF},
        {OPTIONAL(ImageBase), 4, SEED_IMAGE_BASE + 0x8000},
        {OPTIONAL(SectionAlignment), 4, 0},
        {OPTIONAL(SectionAlignment), 4, 0x800},
        {OPTIONAL(SectionAlignment), 4, 0x1001},
        {OPTIONAL(SectionAlignment), 4, 0x3000},
        {OPTIONAL(SectionAlignment), 4, 0x80000000},
        {OPTIONAL(FileAlignment), 4, 0},
        {OPTIONAL(FileAlignment), 4, 0x100},
        {OPTIONAL(FileAlignment), 4, 0x300},
        {OPTIONAL(FileAlignment), 4, 0x2000},
        {OPTIONAL(SizeOfImage), 4, 0},
        {OPTIONAL(SizeOfImage), 4, 0x6000},
        {OPTIONAL(SizeOfImage), 4, 0xFFFFFFFF},
        {OPTIONAL(SizeOfHeaders), 4, 0},
        {OPTIONAL(SizeOfHeaders), 4, SEED_IMAGE_SECTION(SEED_IMAGE_COUNT) - 1},
        {OPTIONAL(SizeOfHeaders), 4, 0x1001},
        {OPTIONAL(SizeOfHeaders), 4, 0xFFFFFFFF},
        {OPTIONAL(AddressOfEntryPoint), 4, 0x7000},
        {OPTIONAL(AddressOfEntryPoint), 4, 0xFFFFFFFF},
        {SECTION(TEXT, VirtualAddress), 4, 0},
        {SECTION(TEXT, VirtualAddress), 4, 0x2000},
        {SECTION(RDATA, VirtualAddress), 4, 0x1000},
        {SECTION(RDATA, VirtualAddress), 4, 0x2200},
        {SECTION(RDATA, VirtualAddress), 4, 0xFFFFF000},
        {SECTION(TEXT, Misc), 4, 0x1001},
        {SECTION(DATA, Misc), 4, 0xFFFFFFFF},
        {SECTION(DATA, Misc), 4, 0x1000},
        {SECTION(RELOC, Misc), 4, 0x1001},
        {SECTION(RELOC, Misc), 4, 0xFFFFFFFF},
        {SECTION(RELOC, SizeOfRawData), 4, 0x201},
        {SECTION(RELOC, SizeOfRawData), 4, 0xFFFFFFFF},
        {SECTION(RELOC, PointerToRawData), 4, 0x1001},
        {SECTION(RELOC, PointerToRawData), 4, 0x1200},
        {SECTION(RELOC, PointerToRawData), 4, 0xFFFFFE00},
        {SECTION(TEXT, PointerToRawData), 4, 0x410},
    };
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(Cases); Index++) {
        TestSetStep(Index + 1);
        CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT,
                    DescribeChanged(Cases[Index].Offset, Cases[Index].Bytes, Cases[Index].Value));
    }
    TestSetStep(0);
}

/* An image of nothing but headers. */
static NTSTATUS DescribeHeaders(ULONG HeaderBytes, ULONG ImageBytes, ULONG Alignment)
{
    Begin();
    SeedPut(File, FILE_FIELD(NumberOfSections), 2, 0);
    SeedPut(File, OPTIONAL(AddressOfEntryPoint), 4, 0);
    SeedPut(File, OPTIONAL(SizeOfHeaders), 4, HeaderBytes);
    SeedPut(File, OPTIONAL(SizeOfImage), 4, ImageBytes);
    SeedPut(File, OPTIONAL(SectionAlignment), 4, Alignment);
    SeedPut(File, OPTIONAL(FileAlignment), 4, Alignment);
    return Describe(SEED_IMAGE_BYTES);
}

TEST(DescribeImage_wants_all_headers_in_the_file_and_in_the_image)
{
    CHECK_EQUAL(STATUS_SUCCESS, DescribeHeaders(SEED_IMAGE_BYTES, 0x1001, PAGE_SIZE));
    CHECK(!Image.ContainsCode);
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT,
                DescribeHeaders(SEED_IMAGE_BYTES + 1, 0x1001, PAGE_SIZE));
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, DescribeHeaders(0x1001, 0x1000, PAGE_SIZE));
}

TEST(DescribeImage_takes_file_alignments_up_to_64_KB)
{
    CHECK_EQUAL(STATUS_SUCCESS, DescribeHeaders(0x400, 0x1000, 0x10000));
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, DescribeHeaders(0x400, 0x1000, 0x20000));
}

TEST(DescribeImage_takes_numbers_at_the_edge)
{
    static const struct {
        ULONG Offset;
        ULONG Bytes;
        ULONG Value;
    } Cases[] = {
        {OPTIONAL(ImageBase), 4, 0},
        {OPTIONAL(ImageBase), 4, 0xFFFF0000},
        {OPTIONAL(FileAlignment), 4, 0x1000},
        {OPTIONAL(SizeOfImage), 4, 0x6001},
        {OPTIONAL(SizeOfImage), 4, 0xFFFFF000},
        {OPTIONAL(SizeOfHeaders), 4, SEED_IMAGE_SECTION(SEED_IMAGE_COUNT)},
        {OPTIONAL(SizeOfHeaders), 4, 0x1000},
        {OPTIONAL(AddressOfEntryPoint), 4, 0},
        {OPTIONAL(AddressOfEntryPoint), 4, 0x6FFF},
        {SECTION(TEXT, Misc), 4, 1},
        {SECTION(TEXT, Misc), 4, 0x1000},
        {SECTION(DATA, Misc), 4, 0x2000},
        {SECTION(RELOC, Misc), 4, 0x1000},
    };
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(Cases); Index++) {
        TestSetStep(Index + 1);
        CHECK_EQUAL(STATUS_SUCCESS,
                    DescribeChanged(Cases[Index].Offset, Cases[Index].Bytes, Cases[Index].Value));
    }
    TestSetStep(0);
}

/* ---- NtQuerySection ---- */

TEST(FillImageInformation_gives_the_documented_fields)
{
    SECTION_IMAGE_INFORMATION Information;

    Begin();
    CHECK_EQUAL(STATUS_SUCCESS, Describe(SEED_IMAGE_BYTES));
    memset(&Information, 0xCC, sizeof(Information));
    MiFillImageInformation(&Image, &Information);
    CHECK_EQUAL(SEED_IMAGE_BASE + 0x1010, (ULONG_PTR)Information.TransferAddress);
    CHECK_EQUAL(0, Information.ZeroBits);
    CHECK_EQUAL(0x200000, Information.MaximumStackSize);
    CHECK_EQUAL(0x1000, Information.CommittedStackSize);
    CHECK_EQUAL(IMAGE_SUBSYSTEM_WINDOWS_CUI, Information.SubSystemType);
    CHECK_EQUAL(5u << 16 | 2, Information.SubSystemVersion);
    CHECK_EQUAL(Image.Characteristics, Information.ImageCharacteristics);
    CHECK_EQUAL(IMAGE_DLLCHARACTERISTICS_NX_COMPAT, Information.DllCharacteristics);
    CHECK_EQUAL(IMAGE_FILE_MACHINE_I386, Information.Machine);
    CHECK_EQUAL(TRUE, Information.ImageContainsCode);
    CHECK_EQUAL(0x99, Information.LoaderFlags);
    CHECK_EQUAL(SEED_IMAGE_BYTES, Information.ImageFileSize);
    CHECK_EQUAL(0, Information.Reserved[0]);
    CHECK_EQUAL(STATUS_SUCCESS, DescribeChanged(OPTIONAL(AddressOfEntryPoint), 4, 0));
    MiFillImageInformation(&Image, &Information);
    CHECK(Information.TransferAddress == NULL);
}

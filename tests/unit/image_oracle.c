/* SPDX-License-Identifier: MIT */
/*
 * image_oracle.c - the promises of image_oracle.h.
 */
#include "image_oracle.h"

#include "mm/section/image_exports.h"
#include "mm/section/image_headers.h"
#include "mm/section/image_imports.h"
#include "mm/section/image_relocate.h"
#include "mm/space/protection.h"
#include "seed_elf.h"
#include "seed_image.h"

#include <stdlib.h>
#include <string.h>

#define LARGEST_MAPPED 0x10000u
#define DELTA          0x12340000u

/* A promise: its words are the answer when it does not hold. */
#define PROMISE(Condition)                                                                         \
    if (!(Condition)) {                                                                            \
        return #Condition;                                                                         \
    }

typedef struct _BENCH {
    const UCHAR *File;
    SIZE_T Bytes;
    UCHAR *Header; /* what MiDescribeImage saw: exactly as long as promised */
    MI_IMAGE Image;
    UCHAR *Parts; /* mapped part by part */
    UCHAR *Plain; /* mapped by the plain loop */
    MI_RELOCATIONS Relocations;
    void *Index;
    IMAGE_ORACLE *Oracle;
} BENCH;

static ULONG Read(const UCHAR *From, ULONG64 Offset, ULONG Bytes)
{
    ULONG Value = 0;

    while (Bytes-- != 0) {
        Value = Value << 8 | From[Offset + Bytes];
    }
    return Value;
}

/* ---- headers ---- */

static BOOLEAN IsDocumented(NTSTATUS Status)
{
    return Status == STATUS_INVALID_IMAGE_NOT_MZ || Status == STATUS_INVALID_IMAGE_PROTECT ||
           Status == STATUS_INVALID_IMAGE_NE_FORMAT || Status == STATUS_INVALID_IMAGE_WIN_16 ||
           Status == STATUS_INVALID_IMAGE_LE_FORMAT || Status == STATUS_INVALID_IMAGE_WIN_64 ||
           Status == STATUS_INVALID_IMAGE_FORMAT;
}

static const char *CheckStatus(const BENCH *Bench, NTSTATUS Status)
{
    BOOLEAN IsMz = Bench->Bytes >= 64 && Bench->File[0] == 'M' && Bench->File[1] == 'Z';

    PROMISE(IsMz == (Status != STATUS_INVALID_IMAGE_NOT_MZ));
    if (!NT_SUCCESS(Status)) {
        const UCHAR *Image = (const UCHAR *)&Bench->Image;
        SIZE_T Index;

        PROMISE(IsDocumented(Status));
        for (Index = 0; Index < sizeof(Bench->Image); Index++) {
            PROMISE(Image[Index] == 0xCC);
        }
        return NULL;
    }
    PROMISE(memcmp(Bench->File + Bench->Image.NtHeaders, "PE\0", 4) == 0);
    PROMISE(Read(Bench->File, 60, 4) == Bench->Image.NtHeaders);
    PROMISE((Status == STATUS_SUCCESS) ==
            (Read(Bench->File, Bench->Image.NtHeaders + 4, 2) == 0x14C));
    PROMISE(Status == STATUS_SUCCESS || Status == STATUS_IMAGE_MACHINE_TYPE_MISMATCH);
    return NULL;
}

static const char *CheckNumbers(const BENCH *Bench)
{
    const MI_IMAGE *Image = &Bench->Image;
    ULONG Index;

    PROMISE(Image->ImageBytes != 0 && Image->ImageBytes % PAGE_SIZE == 0);
    PROMISE(Image->ImageBase % 0x10000 == 0);
    PROMISE(Image->EntryPoint < Image->ImageBytes);
    PROMISE(Image->HeaderBytes <= Bench->Bytes && Image->HeaderBytes <= Image->ImageBytes);
    PROMISE(Image->SectionCount <= 96);
    PROMISE(Image->SectionTable >= Image->NtHeaders + 24 + 96);
    PROMISE(Image->SectionTable + 40 * Image->SectionCount <= Image->HeaderBytes);
    PROMISE(Image->PartCount == (Image->OnePart ? 1 : Image->SectionCount + 1));
    PROMISE(Image->OnePart == (Image->SectionAlignment < PAGE_SIZE));
    for (Index = 0; Index < 16; Index++) {
        ULONG64 End =
            (ULONG64)Image->Directories[Index].VirtualAddress + Image->Directories[Index].Size;

        PROMISE(End <= (Index == 4 ? Bench->Bytes : Image->ImageBytes));
        PROMISE((Image->BadDirectories & 1u << Index) == 0 || End == 0);
    }
    return NULL;
}

static const char *CheckParts(const BENCH *Bench)
{
    ULONG64 Behind = 0;
    ULONG Index;

    for (Index = 0; Index < Bench->Image.PartCount; Index++) {
        MI_IMAGE_PART Part;

        MiDescribeImagePart(Bench->Header, &Bench->Image, Index, &Part);
        PROMISE(Part.FirstPage >= Behind);
        Behind = (ULONG64)Part.FirstPage + Part.Pages;
        PROMISE(Behind <= Bench->Image.ImageBytes / PAGE_SIZE);
        PROMISE((ULONG64)Part.FileOffset + Part.FileBytes <= Bench->Bytes);
        PROMISE(Part.FileBytes <= (ULONG64)Part.Pages * PAGE_SIZE);
        PROMISE(Part.FilePages == (Part.FileOffset % PAGE_SIZE == 0));
        PROMISE(Part.Protection <= MM_ACCESS_MASK || Part.Protection == MM_NOACCESS);
        PROMISE(Part.Protection != 0);
        PROMISE(!Part.Shared || Part.Protection == 4 || Part.Protection == 6);
        PROMISE((Index == 0) == (Part.FirstPage == 0) || Part.Pages == 0);
    }
    return NULL;
}

/* ---- mapping ---- */

/* One section: bytes of the file as far as they go, for as many pages as there are. */
static void MapPlainSection(BENCH *Bench, const UCHAR *Header)
{
    ULONG Virtual = Read(Header, 8, 4);
    ULONG Raw = Read(Header, 16, 4);
    ULONG Offset = Read(Header, 20, 4);
    ULONG Room = BYTES_TO_PAGES(Virtual != 0 ? Virtual : Raw) * PAGE_SIZE;

    if (Offset != 0 && Raw != 0) {
        memcpy(Bench->Plain + Read(Header, 12, 4), Bench->File + Offset, Raw < Room ? Raw : Room);
    }
}

static void MapPlain(BENCH *Bench)
{
    ULONG Index;

    if (Bench->Image.OnePart) {
        memcpy(Bench->Plain, Bench->File,
               Bench->Bytes < Bench->Image.ImageBytes ? Bench->Bytes : Bench->Image.ImageBytes);
        return;
    }
    memcpy(Bench->Plain, Bench->File, Bench->Image.HeaderBytes);
    for (Index = 0; Index < Bench->Image.SectionCount; Index++) {
        MapPlainSection(Bench, Bench->File + Bench->Image.SectionTable + 40 * Index);
    }
}

static void MapParts(BENCH *Bench)
{
    ULONG Index;

    for (Index = 0; Index < Bench->Image.PartCount; Index++) {
        MI_IMAGE_PART Part;

        MiDescribeImagePart(Bench->Header, &Bench->Image, Index, &Part);
        if (Part.FileBytes != 0) {
            memcpy(Bench->Parts + Part.FirstPage * PAGE_SIZE, Bench->File + Part.FileOffset,
                   Part.FileBytes);
        }
    }
}

/* ---- relocation ---- */

static const ULONG WordBytes[] = {0, 2, 2, 4, 2};

/*
 * Relocate all of Plain, or only look whether it can be; Used says which bytes are changed.
 *
 * => Returns FALSE: the directory is wrong.
 */
static BOOLEAN RelocatePlain(BENCH *Bench, UCHAR *Used, BOOLEAN Apply)
{
    IMAGE_DATA_DIRECTORY Directory = Bench->Image.Directories[5];
    const UCHAR *Block = Bench->Parts + Directory.VirtualAddress;
    ULONG Left = Directory.Size;

    while (Left >= 8 && (Read(Block, 0, 4) != 0 || Read(Block, 4, 4) != 0)) {
        ULONG Size = Read(Block, 4, 4);
        ULONG At;

        if (Size < 8 || Size > Left || Size % 2 != 0) {
            return FALSE;
        }
        for (At = 8; At < Size; At += 2) {
            ULONG Type = Read(Block, At, 2) >> 12;
            ULONG64 Rva = (ULONG64)Read(Block, 0, 4) + (Read(Block, At, 2) & 0xFFF);
            ULONG Low = 0;
            ULONG Index;
            ULONG Value;

            if (Type == 0) {
                continue;
            }
            if (Type > 4 || Rva + WordBytes[Type] > Bench->Image.ImageBytes) {
                return FALSE;
            }
            if (Type == 4) {
                At += 2;
                if (At >= Size) {
                    return FALSE;
                }
                Low = Read(Block, At, 2);
            }
            for (Index = 0; Index < WordBytes[Type]; Index++) {
                if (Used[Rva + Index] != 0 && !Apply) {
                    return FALSE;
                }
                Used[Rva + Index] = 1;
            }
            if (!Apply) {
                continue;
            }
            Value = Read(Bench->Plain, Rva, WordBytes[Type]);
            Value = Type == 1   ? Value + DELTA / 0x10000
                    : Type == 2 ? Value + DELTA % 0x10000
                    : Type == 3 ? Value + DELTA
                                : (Value * 0x10000 + (Low ^ 0x8000) + DELTA) / 0x10000;
            SeedPut(Bench->Plain, (ULONG)Rva, WordBytes[Type], Value);
        }
        Left -= Size;
        Block += Size;
    }
    return Left == 0 || Left >= 8;
}

/* => Returns what MiBuildRelocations said; *Memory is to be freed. */
static NTSTATUS BuildIndex(BENCH *Bench)
{
    IMAGE_DATA_DIRECTORY Directory = Bench->Image.Directories[5];
    UCHAR *Copy = malloc(Directory.Size);
    SIZE_T IndexBytes = 0;
    NTSTATUS Status;

    memcpy(Copy, Bench->Parts + Directory.VirtualAddress, Directory.Size);
    Status = MiMeasureRelocations(Copy, Directory.Size, Bench->Image.ImageBytes, &IndexBytes);
    if (NT_SUCCESS(Status)) {
        Bench->Index = malloc(IndexBytes);
        Status = MiBuildRelocations(Copy, Directory.Size, Bench->Image.ImageBytes, Bench->Index,
                                    &Bench->Relocations);
    }
    free(Copy);
    return Status;
}

/* => Relocates Parts, the last page first: the order does not matter. */
static const char *RelocateParts(BENCH *Bench)
{
    PMI_RELOCATIONS Index = &Bench->Relocations;
    ULONG Pages = Bench->Image.ImageBytes / PAGE_SIZE;
    ULONG Page;

    for (Page = MiNextStraddle(Index, 0); Page < Pages; Page = MiNextStraddle(Index, Page)) {
        MiSetStraddle(Index, Page, Bench->Parts + Page * PAGE_SIZE - MI_STRADDLE_BYTES);
    }
    for (Page = Pages; Page-- != 0;) {
        UCHAR *Contents = malloc(PAGE_SIZE);

        memcpy(Contents, Bench->Parts + Page * PAGE_SIZE, PAGE_SIZE);
        MiRelocatePage(Index, Page, DELTA, Contents);
        PROMISE(MiPageHasRelocations(Index, Page) ||
                memcmp(Contents, Bench->Parts + Page * PAGE_SIZE, PAGE_SIZE) == 0);
        memcpy(Bench->Parts + Page * PAGE_SIZE, Contents, PAGE_SIZE);
        free(Contents);
    }
    return NULL;
}

static const char *CheckRelocation(BENCH *Bench)
{
    UCHAR *Used = calloc(Bench->Image.ImageBytes, 1);
    BOOLEAN Good = RelocatePlain(Bench, Used, FALSE);
    NTSTATUS Status = BuildIndex(Bench);

    if (Good) {
        (void)RelocatePlain(Bench, Used, TRUE);
    }
    free(Used);
    PROMISE(Good == (Status == STATUS_SUCCESS));
    PROMISE(Good || Status == STATUS_INVALID_IMAGE_FORMAT);
    if (Good) {
        const char *Broken = RelocateParts(Bench);

        PROMISE(Broken == NULL);
        PROMISE(memcmp(Bench->Parts, Bench->Plain, Bench->Image.ImageBytes) == 0);
        Bench->Oracle->Relocated = TRUE;
    }
    return NULL;
}

/* ---- exports and imports ---- */

static const char *CheckExport(const BENCH *Bench, const MI_EXPORT *Export)
{
    MI_FORWARDER Forwarder;

    PROMISE(Export->Rva < Bench->Image.ImageBytes);
    PROMISE((Export->Forwarder != NULL) == (Export->Rva == 0));
    if (Export->Forwarder != NULL && NT_SUCCESS(MiSplitForwarder(Export->Forwarder, &Forwarder))) {
        PROMISE(Forwarder.DllBytes != 0 && Forwarder.Dll[Forwarder.DllBytes] == '.');
        PROMISE((Forwarder.Name == NULL) == (Forwarder.Dll[Forwarder.DllBytes + 1] == '#'));
        PROMISE(Forwarder.Ordinal <= 0xFFFF);
    }
    return NULL;
}

static const char *CheckExports(const BENCH *Bench, const MI_IMAGE_VIEW *View)
{
    MI_EXPORTS Exports;
    MI_EXPORT Export = {0};
    MI_EXPORT Again = {0};
    ULONG Index;

    if (!NT_SUCCESS(MiOpenExports(View, &Bench->Image.Directories[0], &Exports))) {
        return NULL;
    }
    for (Index = 0; Index < Exports.NameCount && Index < 64; Index++) {
        const char *Name = NULL;
        const char *Broken;

        if (!NT_SUCCESS(MiReadExportName(&Exports, Index, &Name, &Export))) {
            continue;
        }
        Broken = CheckExport(Bench, &Export);
        PROMISE(Broken == NULL);
        PROMISE(NT_SUCCESS(MiFindExportByName(&Exports, Name, (USHORT)Index, &Again)));
        PROMISE(Again.Ordinal == Export.Ordinal && Again.Rva == Export.Rva);
        if (NT_SUCCESS(MiFindExportByName(&Exports, Name, 0xFFFF, &Again))) {
            Bench->Oracle->Exports++;
        }
        /* ordinals that pass 2^32 name nothing */
        PROMISE(Export.Ordinal < Exports.OrdinalBase ||
                NT_SUCCESS(MiFindExportByOrdinal(&Exports, Export.Ordinal, &Again)));
    }
    return NULL;
}

static const char *CheckImports(const BENCH *Bench, const MI_IMAGE_VIEW *View)
{
    MI_IMPORTS Imports;
    MI_IMPORTED_DLL Dll;
    MI_IMPORT Import;
    ULONG Steps = 0;

    MiOpenImports(View, &Bench->Image.Directories[1], &Imports);
    while (Steps < 1000 && NT_SUCCESS(MiNextImportedDll(&Imports, &Dll))) {
        PROMISE(strlen(Dll.Name) <= MI_IMAGE_NAME_BYTES);
        while (Steps++ < 1000 && NT_SUCCESS(MiNextImport(&Dll, &Import))) {
            PROMISE((ULONG64)Import.Slot + 4 <= View->Bytes);
            PROMISE(Import.Name == NULL || strlen(Import.Name) <= MI_IMAGE_NAME_BYTES);
            Bench->Oracle->Imports++;
        }
    }
    return NULL;
}

/* ---- all of it ---- */

static const char *CheckMapped(BENCH *Bench)
{
    MI_IMAGE_VIEW View = {.Base = Bench->Parts, .Bytes = Bench->Image.ImageBytes};
    const char *Broken;

    MapPlain(Bench);
    MapParts(Bench);
    PROMISE(memcmp(Bench->Plain, Bench->Parts, Bench->Image.ImageBytes) == 0);
    Bench->Oracle->Mapped = TRUE;
    Broken = CheckExports(Bench, &View);
    if (Broken == NULL) {
        Broken = CheckImports(Bench, &View);
    }
    if (Broken == NULL && Bench->Image.Directories[5].Size != 0) {
        Broken = CheckRelocation(Bench);
    }
    return Broken;
}

static const char *CheckDescribed(BENCH *Bench)
{
    const char *Broken = CheckNumbers(Bench);

    if (Broken == NULL) {
        Broken = CheckParts(Bench);
    }
    if (Broken == NULL && Bench->Image.ImageBytes <= LARGEST_MAPPED) {
        Bench->Parts = calloc(Bench->Image.ImageBytes, 1);
        Bench->Plain = calloc(Bench->Image.ImageBytes, 1);
        Broken = CheckMapped(Bench);
        free(Bench->Parts);
        free(Bench->Plain);
        free(Bench->Index);
    }
    return Broken;
}

const char *ImageOracle(const void *File, SIZE_T Bytes, IMAGE_ORACLE *Oracle)
{
    SIZE_T HeaderBytes = Bytes < MI_IMAGE_HEADER_BYTES ? Bytes : MI_IMAGE_HEADER_BYTES;
    BENCH Bench = {.File = File, .Bytes = Bytes, .Oracle = Oracle};
    const char *Broken;
    NTSTATUS Status;

    memset(Oracle, 0, sizeof(*Oracle));
    memset(&Bench.Image, 0xCC, sizeof(Bench.Image));
    Bench.Header = malloc(HeaderBytes != 0 ? HeaderBytes : 1);
    if (HeaderBytes != 0) {
        memcpy(Bench.Header, File, HeaderBytes);
    }
    Status = MiDescribeImage(Bench.Header, HeaderBytes, Bytes, &Bench.Image);
    Broken = CheckStatus(&Bench, Status);
    if (Broken == NULL && NT_SUCCESS(Status)) {
        Oracle->Described = TRUE;
        Broken = CheckDescribed(&Bench);
    }
    free(Bench.Header);
    return Broken;
}

/* ---- breaking ---- */

/* Numbers that stand at the edges of the checks. */
static ULONG EdgeNumber(uint32_t (*Random)(uint64_t *), uint64_t *State)
{
    static const ULONG Edges[] = {0,          1,      2,          3,          4,      8,
                                  0x200,      0x400,  0x1000,     0x1010,     0x1200, 0x2000,
                                  0x6000,     0x7000, 0x10000,    0x7FFFFFFF, 0xFFF,  0x80000000,
                                  0xFFFFF000, 0x20,   0xFFFFFFFF, 0x3000FFF0, 0x2FFF, 0x8664};

    return Random(State) % 8 == 0 ? Random(State) : Edges[Random(State) % RTL_NUMBER_OF(Edges)];
}

/* A number that means something: of the headers mostly, or of the tables. */
static ULONG Field(uint32_t (*Random)(uint64_t *), uint64_t *State)
{
    switch (Random(State) % 8) {
    case 0:
        return SEED_IMAGE_EXPORTS + Random(State) % 0xB0;
    case 1:
        return SEED_IMAGE_IMPORTS + Random(State) % 0xB0;
    case 2:
    case 3:
        return SEED_IMAGE_RELOCS + Random(State) % SEED_IMAGE_RELOCS_BYTES;
    case 4:
        return Random(State) % 0x40;
    default:
        return SEED_IMAGE_NT +
               Random(State) % (SEED_IMAGE_SECTION(SEED_IMAGE_COUNT) - SEED_IMAGE_NT);
    }
}

void ImageBreak(UCHAR *File, SIZE_T Bytes, uint32_t (*Random)(uint64_t *), uint64_t *State)
{
    ULONG Changes = 1 + Random(State) % 4;

    while (Changes-- != 0) {
        ULONG Place = Field(Random, State);

        if (Place + 4 > Bytes) {
            continue;
        }
        if (Random(State) % 2 == 0) {
            File[Place] ^= 1u << Random(State) % 8;
        } else {
            SeedPut(File, Place & ~1u, Random(State) % 2 == 0 ? 2 : 4, EdgeNumber(Random, State));
        }
    }
}

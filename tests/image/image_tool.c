/* SPDX-License-Identifier: MIT */
/*
 * image_tool.c - what mm/section makes of a PE file, as text; image.py compares.
 *
 *     image_tool FILE [BASE OUTPUT]
 *
 * Lines of words separated by tabs, numbers in hexadecimal; the first is "status XXXXXXXX".  With
 * BASE the image is mapped part by part, relocated page by page to BASE and written to OUTPUT.
 */
#include "arch/cpu.h"
#include "mm/section/image_checksum.h"
#include "mm/section/image_exports.h"
#include "mm/section/image_headers.h"
#include "mm/section/image_imports.h"
#include "mm/section/image_relocate.h"
#include "mm/space/protection.h"
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static UCHAR *File;
static ULONG FileBytes;
static MI_IMAGE Image;
static MI_IMAGE_VIEW View; /* the image in memory */

/* ---- what assertions need ---- */

NT_NORETURN void NTAPI KeBugCheckEx(ULONG Code, ULONG_PTR A, ULONG_PTR B, ULONG_PTR C, ULONG_PTR D)
{
    (void)B;
    (void)C;
    (void)D;
    fprintf(stderr, "image_tool: bug check %X (%lX)\n", (unsigned)Code, (unsigned long)A);
    abort();
}

void KiConsoleWrite(const char *Text, SIZE_T Bytes)
{
    fwrite(Text, 1, Bytes, stderr);
}

/* ---- the description ---- */

static void ReadFile(const char *Path)
{
    FILE *Input = fopen(Path, "rb");
    long Bytes;

    if (Input == NULL || fseek(Input, 0, SEEK_END) != 0 || (Bytes = ftell(Input)) < 0) {
        perror(Path);
        exit(2);
    }
    rewind(Input);
    FileBytes = (ULONG)Bytes;
    File = malloc(FileBytes + 1);
    if (fread(File, 1, FileBytes, Input) != FileBytes) {
        perror(Path);
        exit(2);
    }
    fclose(Input);
}

static void PrintNumbers(void)
{
    SECTION_IMAGE_INFORMATION Information;

    MiFillImageInformation(&Image, &Information);
    printf("base\t%X\nbytes\t%X\nheaders\t%X\n", Image.ImageBase, Image.ImageBytes,
           Image.HeaderBytes);
    printf("section alignment\t%X\nfile alignment\t%X\n", Image.SectionAlignment,
           Image.FileAlignment);
    printf("entry\t%lX\n", (unsigned long)(ULONG_PTR)Information.TransferAddress);
    printf("stack\t%lX\t%lX\n", (unsigned long)Information.MaximumStackSize,
           (unsigned long)Information.CommittedStackSize);
    printf("heap\t%X\t%X\n", Image.HeapReserveBytes, Image.HeapCommitBytes);
    printf("subsystem\t%X\t%X\t%X\n", Information.SubSystemType, Information.SubSystemMajorVersion,
           Information.SubSystemMinorVersion);
    printf("machine\t%X\ncharacteristics\t%X\ndll characteristics\t%X\n", Information.Machine,
           Information.ImageCharacteristics, Information.DllCharacteristics);
    printf("time\t%X\ncode\t%X\nrelocatable\t%X\none part\t%X\n", Image.TimeDateStamp,
           Information.ImageContainsCode, Image.Relocatable, Image.OnePart);
    printf("file\t%X\n", Information.ImageFileSize);
}

static void PrintDirectories(void)
{
    ULONG Index;

    for (Index = 0; Index < IMAGE_NUMBEROF_DIRECTORY_ENTRIES; Index++) {
        if (Image.Directories[Index].Size != 0) {
            printf("directory\t%X\t%X\t%X\n", Index, Image.Directories[Index].VirtualAddress,
                   Image.Directories[Index].Size);
        }
    }
    printf("bad directories\t%X\n", Image.BadDirectories);
}

static void PrintParts(void)
{
    ULONG Index;

    for (Index = 0; Index < Image.PartCount; Index++) {
        MI_IMAGE_PART Part;

        MiDescribeImagePart(File, &Image, Index, &Part);
        printf("part\t%s\t%X\t%X\t%X\t%X\t%X\t%X\t%X\n", Part.Name, Part.FirstPage, Part.Pages,
               Part.FileOffset, Part.FileBytes, MiProtectOf(Part.Protection), Part.Shared,
               Part.FilePages);
        if (Part.FileBytes != 0) {
            memcpy((UCHAR *)View.Base + Part.FirstPage * PAGE_SIZE, File + Part.FileOffset,
                   Part.FileBytes);
        }
    }
}

/* In pieces of a page, as a file is read. */
static void PrintChecksum(void)
{
    USHORT Sum = 0;
    ULONG Done;

    for (Done = 0; Done < FileBytes; Done += PAGE_SIZE) {
        ULONG Left = FileBytes - Done;

        Sum = MiAddToImageChecksum(Sum, File + Done, Left < PAGE_SIZE ? Left : PAGE_SIZE);
    }
    printf("checksum\t%X\t%X\n", Image.CheckSum,
           MiFinishImageChecksum(Sum, Image.CheckSum, FileBytes));
}

/* ---- tables ---- */

static void PrintExports(void)
{
    MI_EXPORTS Exports;
    MI_EXPORT Export;
    MI_EXPORT Found;
    ULONG Index;

    if (!NT_SUCCESS(
            MiOpenExports(&View, &Image.Directories[IMAGE_DIRECTORY_ENTRY_EXPORT], &Exports))) {
        return;
    }
    printf("exports\t%s\t%X\t%X\t%X\n", Exports.Name, Exports.OrdinalBase, Exports.FunctionCount,
           Exports.NameCount);
    for (Index = 0; Index < Exports.FunctionCount; Index++) {
        if (NT_SUCCESS(MiFindExportByOrdinal(&Exports, Exports.OrdinalBase + Index, &Export))) {
            printf("function\t%X\t%X\t%s\n", Export.Ordinal, Export.Rva,
                   Export.Forwarder != NULL ? Export.Forwarder : "");
        }
    }
    for (Index = 0; Index < Exports.NameCount; Index++) {
        const char *Name;

        if (!NT_SUCCESS(MiReadExportName(&Exports, Index, &Name, &Export)) ||
            !NT_SUCCESS(MiFindExportByName(&Exports, Name, 0xFFFF, &Found)) ||
            Found.Ordinal != Export.Ordinal) {
            printf("name\t%X\tlost\n", Index);
        } else {
            printf("name\t%X\t%s\n", Export.Ordinal, Name);
        }
    }
}

static void PrintImports(void)
{
    MI_IMPORTS Imports;
    MI_IMPORTED_DLL Dll;
    MI_IMPORT Import;
    NTSTATUS Status;

    MiOpenImports(&View, &Image.Directories[IMAGE_DIRECTORY_ENTRY_IMPORT], &Imports);
    while ((Status = MiNextImportedDll(&Imports, &Dll)) == STATUS_SUCCESS) {
        while ((Status = MiNextImport(&Dll, &Import)) == STATUS_SUCCESS) {
            if (Import.Name != NULL) {
                printf("import\t%s\t%X\t%s\t%X\n", Dll.Name, Import.Slot, Import.Name, Import.Hint);
            } else {
                printf("import\t%s\t%X\t#%X\t0\n", Dll.Name, Import.Slot, Import.Ordinal);
            }
        }
        printf("imported\t%s\t%X\n", Dll.Name, Status);
    }
    printf("imports\t%X\n", Status);
}

/* ---- relocation ---- */

/* => Returns what was said of the relocations; success: the view is relocated. */
static NTSTATUS Relocate(ULONG Delta)
{
    IMAGE_DATA_DIRECTORY Directory = Image.Directories[IMAGE_DIRECTORY_ENTRY_BASERELOC];
    MI_RELOCATIONS Relocations;
    UCHAR *Base = (UCHAR *)View.Base;
    SIZE_T Bytes = 0;
    void *Copy = malloc(Directory.Size + 1);
    void *Memory = NULL;
    NTSTATUS Status;
    ULONG Page;

    memcpy(Copy, Base + Directory.VirtualAddress, Directory.Size);
    Status = MiMeasureRelocations(Copy, Directory.Size, Image.ImageBytes, &Bytes);
    if (NT_SUCCESS(Status)) {
        Memory = malloc(Bytes);
        Status = MiBuildRelocations(Copy, Directory.Size, Image.ImageBytes, Memory, &Relocations);
    }
    if (NT_SUCCESS(Status)) {
        for (Page = MiNextStraddle(&Relocations, 0); Page < Relocations.Pages;
             Page = MiNextStraddle(&Relocations, Page)) {
            MiSetStraddle(&Relocations, Page, Base + Page * PAGE_SIZE - MI_STRADDLE_BYTES);
        }
        for (Page = 0; Page < Relocations.Pages; Page++) {
            MiRelocatePage(&Relocations, Page, Delta, Base + Page * PAGE_SIZE);
        }
    }
    free(Memory);
    free(Copy);
    return Status;
}

static void WriteMoved(const char *To, const char *Path)
{
    NTSTATUS Status = Relocate((ULONG)strtoul(To, NULL, 16) - Image.ImageBase);
    FILE *Output = fopen(Path, "wb");

    printf("moved\t%X\n", Status);
    if (Output == NULL || fwrite(View.Base, 1, View.Bytes, Output) != View.Bytes ||
        fclose(Output) != 0) {
        perror(Path);
        exit(2);
    }
}

int main(int Count, char **Arguments)
{
    NTSTATUS Status;

    if (Count != 2 && Count != 4) {
        fprintf(stderr, "image_tool FILE [BASE OUTPUT]\n");
        return 2;
    }
    ReadFile(Arguments[1]);
    Status = MiDescribeImage(File, FileBytes, FileBytes, &Image);
    printf("status\t%X\n", Status);
    if (NT_SUCCESS(Status)) {
        View.Bytes = Image.ImageBytes;
        View.Base = calloc(View.Bytes, 1);
        PrintNumbers();
        PrintDirectories();
        PrintParts();
        PrintChecksum();
        PrintExports();
        PrintImports();
        if (Count == 4) {
            WriteMoved(Arguments[2], Arguments[3]);
        }
        free((void *)View.Base);
    }
    free(File);
    return 0;
}

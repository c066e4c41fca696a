/* SPDX-License-Identifier: MIT */
/*
 * image_world.c - see image_world.h.
 */
#include "tests/unit/image_world.h"

#include "mm/ob/object.h"
#include "mm/paging/modified_writer.h"
#include "mm/space/page_table.h"
#include "tests/unit/paging_world.h"

#include <stdlib.h>
#include <string.h>

UCHAR ImageFile[0x10000];
ULONG ImageFileBytes;

static void MakeSeed(void)
{
    memset(ImageFile, 0, sizeof(ImageFile));
    SeedImage(ImageFile);
    ImageFileBytes = SEED_IMAGE_BYTES;
}

void ImageWorldStartOn(const SEED_FAT *Fat)
{
    FileSectionStartOn(Fat);
    MakeSeed();
}

void ImageWorldStart(void)
{
    ImageWorldStartOn(&IoWorldFat12);
}

void ImageWorldStartPaging(void)
{
    ImageWorldStartOn(&IoWorldFat16);
    MiForgetPagingFiles();
    CHECK_EQUAL(STATUS_SUCCESS, PagingWorldCreate("C:\\pagefile.sys", 1, 2));
}

void ImageWorldFinishPaging(void)
{
    MiVerifyAll();
    MiReleaseFiles(NULL);
    NtWorldEndProcesses();
    PagingWorldEmptyFiles();
    MiClosePagingFiles();
    NtWorldFinish();
}

/* What was let go of under a file system's locks is not closed at once. */
void ImageWorldFinish(void)
{
    ObpDeleteDeferred();
    FileSectionFinish();
}

HANDLE ImageWorldFile(void)
{
    HANDLE File = NtWorldOpen(IMAGE_WORLD_PATH, IO_ALL_ACCESS & ~FILE_APPEND_DATA,
                              FILE_OVERWRITE_IF, FILE_NON_DIRECTORY_FILE);

    memcpy(IoBuffer, ImageFile, ImageFileBytes);
    if (ImageFileBytes != 0) {
        CHECK_EQUAL(STATUS_SUCCESS, IoWriteFile(NtWorldFile(File), 0, IoBuffer, ImageFileBytes));
    }
    NtWorldClose(File);
    return NtWorldOpen(IMAGE_WORLD_PATH, FILE_GENERIC_READ | FILE_EXECUTE, FILE_OPEN,
                       FILE_NON_DIRECTORY_FILE);
}

NTSTATUS ImageWorldTryOpen(HANDLE File, PSECTION *Section)
{
    PVOID Made = NULL;
    NTSTATUS Status =
        MmCreateSection(&Made, SECTION_ALL_ACCESS, NULL, NULL, PAGE_EXECUTE, SEC_IMAGE, File, NULL);

    CHECK(NT_SUCCESS(Status) == (Made != NULL));
    *Section = Made;
    return Status;
}

PSECTION ImageWorldOpen(HANDLE File)
{
    PSECTION Section = NULL;

    CHECK_EQUAL(STATUS_SUCCESS, ImageWorldTryOpen(File, &Section));
    return Section;
}

NTSTATUS ImageWorldTryMap(PSECTION Section, PVOID *Base)
{
    SIZE_T Bytes = 0;

    return MmMapViewOfSection(Section, PsGetCurrentProcess(), Base, 0, 0, NULL, &Bytes, ViewShare,
                              0, PAGE_READWRITE);
}

PUCHAR ImageWorldMap(PSECTION Section, PVOID Base, NTSTATUS Expect)
{
    CHECK_EQUAL(Expect, ImageWorldTryMap(Section, &Base));
    return Base;
}

/* ---- contents ---- */

static void Relocate(const MI_IMAGE *Image, ULONG Delta, UCHAR *Contents)
{
    const IMAGE_DATA_DIRECTORY *At = &Image->Directories[IMAGE_DIRECTORY_ENTRY_BASERELOC];
    UCHAR *Plain = malloc(Image->ImageBytes);
    MI_RELOCATIONS Relocations;
    SIZE_T Bytes;
    void *Memory;
    ULONG Page;

    memcpy(Plain, Contents, Image->ImageBytes);
    CHECK_EQUAL(STATUS_SUCCESS, MiMeasureRelocations(Plain + At->VirtualAddress, At->Size,
                                                     Image->ImageBytes, &Bytes));
    Memory = malloc(Bytes);
    CHECK_EQUAL(STATUS_SUCCESS, MiBuildRelocations(Plain + At->VirtualAddress, At->Size,
                                                   Image->ImageBytes, Memory, &Relocations));
    for (Page = MiNextStraddle(&Relocations, 0); Page < Relocations.Pages;
         Page = MiNextStraddle(&Relocations, Page)) {
        MiSetStraddle(&Relocations, Page, Plain + Page * PAGE_SIZE - MI_STRADDLE_BYTES);
    }
    for (Page = 0; Page < Relocations.Pages; Page++) {
        MiRelocatePage(&Relocations, Page, Delta, Contents + Page * PAGE_SIZE);
    }
    free(Memory);
    free(Plain);
}

void ImageWorldContents(ULONG Delta, UCHAR *Contents)
{
    MI_IMAGE_PART Part;
    MI_IMAGE Image;
    ULONG i;

    CHECK(NT_SUCCESS(MiDescribeImage(ImageFile, sizeof(ImageFile), ImageFileBytes, &Image)));
    memset(Contents, 0, Image.ImageBytes);
    for (i = 0; i < Image.PartCount; i++) {
        MiDescribeImagePart(ImageFile, &Image, i, &Part);
        memcpy(Contents + Part.FirstPage * PAGE_SIZE, ImageFile + Part.FileOffset, Part.FileBytes);
    }
    if (Delta != 0) {
        Relocate(&Image, Delta, Contents);
    }
}

BOOLEAN ImageWorldHolds(const UCHAR *View, const UCHAR *Contents)
{
    UCHAR Page[PAGE_SIZE];
    ULONG i;

    for (i = 0; i < SEED_IMAGE_PAGES; i++) {
        CHECK_EQUAL(STATUS_SUCCESS, MmCopyFromUser(Page, View + i * PAGE_SIZE, PAGE_SIZE, NULL));
        if (memcmp(Page, Contents + i * PAGE_SIZE, PAGE_SIZE) != 0) {
            return FALSE;
        }
    }
    return TRUE;
}

/* ---- pages ---- */

MEMORY_BASIC_INFORMATION ImageWorldQuery(const UCHAR *Va)
{
    MEMORY_BASIC_INFORMATION Information = {.BaseAddress = NULL};

    CHECK_EQUAL(STATUS_SUCCESS, NtQueryVirtualMemory(NtCurrentProcess(), (PVOID)(ULONG_PTR)Va,
                                                     MemoryBasicInformation, &Information,
                                                     sizeof(Information), NULL));
    return Information;
}

void ImageWorldCheckRegion(ULONG Rva, ULONG Pages, ULONG State, ULONG Protect)
{
    MEMORY_BASIC_INFORMATION Found = ImageWorldQuery(((PUCHAR)SEED_IMAGE_BASE) + Rva);

    CHECK(Found.BaseAddress == ((PUCHAR)SEED_IMAGE_BASE) + Rva &&
          Found.AllocationBase == ((PUCHAR)SEED_IMAGE_BASE));
    CHECK_EQUAL(PAGE_EXECUTE_WRITECOPY, Found.AllocationProtect);
    CHECK_EQUAL(MEM_IMAGE, Found.Type);
    CHECK_EQUAL(Pages * PAGE_SIZE, Found.RegionSize);
    CHECK_EQUAL(State, Found.State);
    CHECK_EQUAL(Protect, Found.Protect);
}

NTSTATUS ImageWorldProtect(PUCHAR Va, ULONG Protect)
{
    PVOID Base = Va;
    SIZE_T Bytes = 1;
    ULONG Old;

    return NtProtectVirtualMemory(NtCurrentProcess(), &Base, &Bytes, Protect, &Old);
}

PFN_NUMBER ImageWorldFrame(const UCHAR *Va)
{
    MMPTE Pte = {.Long = 0};

    if (MiHasPageTable((ULONG_PTR)Va)) {
        Pte = MiReadPte(MiGetPteAddress((ULONG_PTR)Va));
    }
    return Pte.Hard.Valid ? Pte.Hard.PageFrameNumber : MI_NO_FRAME;
}

void ImageWorldPageOut(void)
{
    FileSectionTrim();
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    FileSectionPageOut();
}

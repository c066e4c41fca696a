/* SPDX-License-Identifier: MIT */
/*
 * test_image_pages.c - pages of images in processes: shared ones, copies, and their protections
 * (mm/space/view_page.c, mm/fault/view.c, mm/section/image_segment.c together).
 */
#include "tests/unit/image_world.h"

#include <string.h>

#define BASE ((PUCHAR)SEED_IMAGE_BASE)

static UCHAR Contents[SEED_IMAGE_PAGES * PAGE_SIZE];

/* One page of the disk's file, whatever there is in memory. */
static BOOLEAN FileIsAsWritten(HANDLE File)
{
    ULONG Done = 0;

    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(NtWorldFile(File), 0, IoBuffer, ImageFileBytes, &Done));
    return Done == ImageFileBytes && memcmp(IoBuffer, ImageFile, ImageFileBytes) == 0;
}

/* ---- pages that processes share, and that they do not ---- */

TEST(ImagePages_two_processes_have_one_copy_of_clean_pages)
{
    PFN_NUMBER Frames[SEED_IMAGE_PAGES];
    HANDLE File;
    PSECTION Section;
    ULONG i;

    ImageWorldStart();
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    ImageWorldContents(0, Contents);
    CHECK(ImageWorldMap(Section, NULL, STATUS_SUCCESS) == BASE);
    CHECK(ImageWorldHolds(BASE, Contents));
    for (i = 0; i < SEED_IMAGE_PAGES; i++) {
        Frames[i] = ImageWorldFrame(BASE + i * PAGE_SIZE);
        CHECK(Frames[i] != MI_NO_FRAME);
    }
    NtWorldEnter(1);
    CHECK(ImageWorldMap(Section, NULL, STATUS_SUCCESS) == BASE);
    CHECK(ImageWorldHolds(BASE, Contents));
    for (i = 0; i < SEED_IMAGE_PAGES; i++) {
        CHECK_EQUAL(Frames[i], ImageWorldFrame(BASE + i * PAGE_SIZE));
    }
    MiVerifyAll();
    FileSectionUnmap(BASE);
    NtWorldEnter(0);
    FileSectionUnmap(BASE);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}

TEST(ImagePages_what_a_process_writes_is_its_own_and_comes_back)
{
    HANDLE File;
    PSECTION Section;

    ImageWorldStartPaging();
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    ImageWorldContents(0, Contents);
    (void)ImageWorldMap(Section, NULL, STATUS_SUCCESS);
    FileSectionWrite(BASE + 0x3004, 0xA1); /* .data, of the file */
    FileSectionWrite(BASE + 0x4004, 0xA2); /* .data, zeroes */
    NtWorldEnter(1);
    (void)ImageWorldMap(Section, NULL, STATUS_SUCCESS);
    CHECK(ImageWorldHolds(BASE, Contents));
    ImageWorldPageOut();
    CHECK(ImageWorldHolds(BASE, Contents));
    NtWorldEnter(0);
    ImageWorldPageOut();
    MiVerifyAll();
    CHECK_EQUAL(0xA1, FileSectionRead(BASE + 0x3004));
    CHECK_EQUAL(0xA2, FileSectionRead(BASE + 0x4004));
    Contents[0x3004] = 0xA1;
    Contents[0x4004] = 0xA2;
    CHECK(ImageWorldHolds(BASE, Contents));
    CHECK(FileIsAsWritten(File));
    FileSectionUnmap(BASE);
    NtWorldEnter(1);
    FileSectionUnmap(BASE);
    NtWorldEnter(0);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinishPaging();
}

TEST(ImagePages_a_shared_section_is_seen_by_all_and_goes_to_the_paging_file)
{
    HANDLE File;
    PSECTION Section;

    ImageWorldStartPaging();
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    CHECK_EQUAL(1, Section->Segment->NumberOfCommittedPages);
    (void)ImageWorldMap(Section, NULL, STATUS_SUCCESS);
    NtWorldEnter(1);
    (void)ImageWorldMap(Section, NULL, STATUS_SUCCESS);
    CHECK_EQUAL(ImageFile[0xE03], FileSectionRead(BASE + 0x5003)); /* read only, so far */
    MiVerifyAll();
    NtWorldEnter(0);
    FileSectionWrite(BASE + 0x5003, 0xB5);
    NtWorldEnter(1);
    CHECK_EQUAL(0xB5, FileSectionRead(BASE + 0x5003));
    ImageWorldPageOut();
    NtWorldEnter(0);
    ImageWorldPageOut();
    MiVerifyAll();
    CHECK_EQUAL(0xB5, FileSectionRead(BASE + 0x5003));
    CHECK_EQUAL(ImageFile[0xE04], FileSectionRead(BASE + 0x5004));
    CHECK(FileIsAsWritten(File));
    (void)FileSectionRead(BASE); /* a page of the file that is in memory */
    FileSectionUnmap(BASE);
    NtWorldEnter(1);
    FileSectionUnmap(BASE);
    NtWorldEnter(0);
    ObDereferenceObject(Section);
    Section = ImageWorldOpen(File); /* the program is started anew */
    (void)ImageWorldMap(Section, NULL, STATUS_SUCCESS);
    CHECK_EQUAL(ImageFile[0xE03], FileSectionRead(BASE + 0x5003));
    FileSectionUnmap(BASE);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinishPaging();
}

/* ---- protections ---- */

TEST(ImagePages_each_part_has_its_protection)
{
    HANDLE File;
    PSECTION Section;
    UCHAR Byte = 1;

    ImageWorldStart();
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    (void)ImageWorldMap(Section, NULL, STATUS_SUCCESS);
    ImageWorldCheckRegion(0x0000, 1, MEM_COMMIT, PAGE_READONLY);
    ImageWorldCheckRegion(0x1000, 1, MEM_COMMIT, PAGE_EXECUTE_READ);
    ImageWorldCheckRegion(0x2000, 1, MEM_COMMIT, PAGE_READONLY);
    ImageWorldCheckRegion(0x3000, 2, MEM_COMMIT, PAGE_WRITECOPY);
    ImageWorldCheckRegion(0x5000, 1, MEM_COMMIT, PAGE_READWRITE);
    ImageWorldCheckRegion(0x6000, 1, MEM_COMMIT, PAGE_READONLY);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, MmCopyToUser(BASE, &Byte, 1, NULL));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, MmCopyToUser(BASE + 0x1000, &Byte, 1, NULL));
    FileSectionWrite(BASE + 0x4000, 9); /* a page that was copied is a private one */
    ImageWorldCheckRegion(0x3000, 1, MEM_COMMIT, PAGE_WRITECOPY);
    ImageWorldCheckRegion(0x4000, 2, MEM_COMMIT, PAGE_READWRITE);
    FileSectionUnmap(BASE);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}

TEST(ImagePages_who_asks_to_write_to_a_page_gets_a_copy)
{
    HANDLE File;
    PSECTION Section;
    SIZE_T Charge;

    ImageWorldStartPaging();
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    ImageWorldContents(0, Contents);
    (void)ImageWorldMap(Section, NULL, STATUS_SUCCESS);
    CHECK(ImageWorldHolds(BASE, Contents));
    Charge = PsGetCurrentProcess()->CommitCharge;
    CHECK_EQUAL(STATUS_SUCCESS, ImageWorldProtect(BASE + 0x1000, PAGE_EXECUTE_READWRITE));
    ImageWorldCheckRegion(0x1000, 1, MEM_COMMIT, PAGE_EXECUTE_WRITECOPY);
    CHECK_EQUAL(Charge + 1, PsGetCurrentProcess()->CommitCharge);
    CHECK_EQUAL(STATUS_SUCCESS, ImageWorldProtect(BASE + 0x5000, PAGE_READWRITE));
    ImageWorldCheckRegion(0x5000, 1, MEM_COMMIT, PAGE_READWRITE);
    MiVerifyAll();
    FileSectionWrite(BASE + 0x1004, 0xCC); /* a breakpoint */
    CHECK_EQUAL(STATUS_SUCCESS, ImageWorldProtect(BASE + 0x1000, PAGE_EXECUTE_READ));
    ImageWorldCheckRegion(0x1000, 1, MEM_COMMIT, PAGE_EXECUTE_READ);
    ImageWorldPageOut();
    CHECK_EQUAL(0xCC, FileSectionRead(BASE + 0x1004));
    NtWorldEnter(1);
    (void)ImageWorldMap(Section, NULL, STATUS_SUCCESS);
    CHECK(ImageWorldHolds(BASE, Contents));
    FileSectionUnmap(BASE);
    NtWorldEnter(0);
    FileSectionUnmap(BASE);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    CHECK(PsGetCurrentProcess()->CommitCharge < Charge);
    ImageWorldFinishPaging();
}

TEST(ImagePages_pages_behind_a_part_are_not_committed)
{
    const IMAGE_SECTION_HEADER *Text =
        (const IMAGE_SECTION_HEADER *)(const void *)(ImageFile + SEED_IMAGE_SECTION(0));
    HANDLE File;
    PSECTION Section;
    UCHAR Byte;

    ImageWorldStart();
    CHECK_EQUAL(0x1000, Text->VirtualAddress);
    /* two pages more than the sections have */
    ((IMAGE_NT_HEADERS32 *)(void *)(ImageFile + SEED_IMAGE_NT))->OptionalHeader.SizeOfImage =
        (SEED_IMAGE_PAGES + 2) * PAGE_SIZE;
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    CHECK_EQUAL(SEED_IMAGE_PAGES + 2, Section->Segment->TotalNumberOfPtes);
    (void)ImageWorldMap(Section, NULL, STATUS_SUCCESS);
    ImageWorldCheckRegion(0x6000, 1, MEM_COMMIT, PAGE_READONLY);
    ImageWorldCheckRegion(0x7000, 2, MEM_RESERVE, 0);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, MmCopyFromUser(&Byte, BASE + 0x7000, 1, NULL));
    CHECK_EQUAL(STATUS_NOT_COMMITTED, ImageWorldProtect(BASE + 0x7000, PAGE_READONLY));
    MiVerifyAll();
    FileSectionUnmap(BASE);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}

/* ---- clones ---- */

TEST(ImagePages_a_clone_has_the_views_and_what_was_written)
{
    PUCHAR Elsewhere = (PUCHAR)0x12340000u;
    PEPROCESS Clone = NULL;
    KAPC_STATE ApcState;
    HANDLE File;
    PSECTION Section;

    ImageWorldStart();
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    (void)ImageWorldMap(Section, NULL, STATUS_SUCCESS);
    (void)ImageWorldMap(Section, Elsewhere, STATUS_IMAGE_NOT_AT_BASE);
    FileSectionWrite(BASE + 0x3004, 0xA1);
    (void)FileSectionRead(Elsewhere + 0x1000); /* of these two the clone has the parent's copy, */
    FileSectionWrite(Elsewhere + 0x3004, 0xA2);
    CHECK_EQUAL(STATUS_SUCCESS, PsCloneProcess("clone", PsGetCurrentProcess(), &Clone));
    KeStackAttachProcess(&Clone->Pcb, &ApcState);
    ImageWorldContents(0, Contents);
    Contents[0x3004] = 0xA1;
    CHECK(ImageWorldHolds(BASE, Contents));
    ImageWorldContents((ULONG)(Elsewhere - BASE), Contents); /* the others it relocates itself */
    Contents[0x3004] = 0xA2;
    CHECK(ImageWorldHolds(Elsewhere, Contents));
    FileSectionWrite(Elsewhere + 0x3004, 0xA3);
    MiVerifyAll();
    KeUnstackDetachProcess(&ApcState);
    CHECK(ImageWorldHolds(Elsewhere, Contents));
    PsTerminateProcess(Clone);
    PsDereferenceProcess(Clone);
    FileSectionUnmap(Elsewhere);
    FileSectionUnmap(BASE);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}

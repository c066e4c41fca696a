/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/section/image_move.c, and of map_view.c where it finds images a place: images that
 * are not at their preferred base.
 */
#include "mm/pool/pool_inject.h"
#include "tests/unit/image_world.h"

#define BASE      ((PUCHAR)SEED_IMAGE_BASE)
#define ELSEWHERE ((PUCHAR)0x12340000u)
#define DELTA     ((ULONG)(ELSEWHERE - BASE))

static UCHAR Contents[SEED_IMAGE_PAGES * PAGE_SIZE];

static IMAGE_NT_HEADERS32 *Headers(void)
{
    return (IMAGE_NT_HEADERS32 *)(void *)(ImageFile + SEED_IMAGE_NT);
}

TEST(ImageMove_is_what_the_relocations_make_of_the_file)
{
    HANDLE File;
    PSECTION Section;

    ImageWorldStartPaging();
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    CHECK(!MiCanMoveImage(Section->Segment->ControlArea));
    (void)ImageWorldMap(Section, ELSEWHERE, STATUS_IMAGE_NOT_AT_BASE);
    CHECK(MiCanMoveImage(Section->Segment->ControlArea));
    ImageWorldContents(DELTA, Contents);
    CHECK(ImageWorldHolds(ELSEWHERE, Contents));
    MiVerifyAll();
    ImageWorldPageOut();
    CHECK(ImageWorldHolds(ELSEWHERE, Contents));
    MiVerifyAll();
    FileSectionUnmap(ELSEWHERE);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinishPaging();
}

TEST(ImageMove_copies_only_pages_with_relocations)
{
    static const BOOLEAN Moved[SEED_IMAGE_PAGES] = {FALSE, TRUE, TRUE, TRUE, TRUE, TRUE, FALSE};
    PFN_NUMBER Frames[SEED_IMAGE_PAGES];
    HANDLE File;
    PSECTION Section;
    ULONG i;

    ImageWorldStart();
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    ImageWorldContents(0, Contents);
    (void)ImageWorldMap(Section, NULL, STATUS_SUCCESS);
    CHECK(ImageWorldHolds(BASE, Contents));
    for (i = 0; i < SEED_IMAGE_PAGES; i++) {
        Frames[i] = ImageWorldFrame(BASE + i * PAGE_SIZE);
    }
    NtWorldEnter(1);
    (void)ImageWorldMap(Section, ELSEWHERE, STATUS_IMAGE_NOT_AT_BASE);
    ImageWorldContents(DELTA, Contents);
    CHECK(ImageWorldHolds(ELSEWHERE, Contents));
    for (i = 0; i < SEED_IMAGE_PAGES; i++) {
        CHECK_EQUAL(Moved[i], ImageWorldFrame(ELSEWHERE + i * PAGE_SIZE) != Frames[i]);
    }
    MiVerifyAll();
    FileSectionUnmap(ELSEWHERE);
    NtWorldEnter(0);
    ImageWorldContents(0, Contents);
    CHECK(ImageWorldHolds(BASE, Contents));
    FileSectionUnmap(BASE);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}

TEST(ImageMove_pages_that_come_along_are_not_those_with_relocations)
{
    IMAGE_SECTION_HEADER *Text =
        (IMAGE_SECTION_HEADER *)(void *)(ImageFile + SEED_IMAGE_SECTION(SEED_IMAGE_TEXT));
    HANDLE File;
    PSECTION Section;

    ImageWorldStart();
    Text->Characteristics = IMAGE_SCN_MEM_READ; /* as the headers before it */
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    (void)ImageWorldMap(Section, NULL, STATUS_SUCCESS);
    ImageWorldContents(0, Contents);
    CHECK(ImageWorldHolds(BASE, Contents));
    (void)ImageWorldMap(Section, ELSEWHERE, STATUS_IMAGE_NOT_AT_BASE);
    (void)FileSectionRead(ELSEWHERE + 0x6000); /* there is a page table: else none comes along */
    (void)FileSectionRead(ELSEWHERE);
    CHECK_EQUAL(MI_NO_FRAME, ImageWorldFrame(ELSEWHERE + 0x1000));
    ImageWorldContents(DELTA, Contents);
    CHECK(ImageWorldHolds(ELSEWHERE, Contents));
    NtWorldEnter(1);
    (void)ImageWorldMap(Section, NULL, STATUS_SUCCESS);
    (void)FileSectionRead(BASE + 0x6000);
    (void)FileSectionRead(BASE); /* at the base they may, up to another protection */
    CHECK(ImageWorldFrame(BASE + 0x2000) != MI_NO_FRAME);
    CHECK_EQUAL(MI_NO_FRAME, ImageWorldFrame(BASE + 0x3000));
    MiVerifyAll();
    FileSectionUnmap(BASE);
    NtWorldEnter(0);
    FileSectionUnmap(ELSEWHERE);
    FileSectionUnmap(BASE);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}

TEST(ImageMove_charges_for_copies_when_the_view_is_made)
{
    SIZE_T Before;
    SIZE_T Tables;
    HANDLE File;
    PSECTION Section;

    ImageWorldStart();
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    Before = PsGetCurrentProcess()->CommitCharge;
    Tables = PsGetCurrentProcess()->CommittedPageTables;
    (void)ImageWorldMap(Section, ELSEWHERE, STATUS_IMAGE_NOT_AT_BASE);
    Tables = PsGetCurrentProcess()->CommittedPageTables - Tables;
    CHECK_EQUAL(Before + Tables + 5, PsGetCurrentProcess()->CommitCharge); /* 1000 to 5FFF */
    CHECK_EQUAL(5, MiCountImageCharge(Section->Segment->ControlArea, 0, SEED_IMAGE_PAGES, DELTA));
    CHECK_EQUAL(2, MiCountImageCharge(Section->Segment->ControlArea, 0, SEED_IMAGE_PAGES, 0));
    FileSectionWrite(ELSEWHERE + 0x3800, 1);
    CHECK_EQUAL(STATUS_SUCCESS, ImageWorldProtect(ELSEWHERE + 0x1000, PAGE_READWRITE));
    CHECK_EQUAL(STATUS_SUCCESS, ImageWorldProtect(ELSEWHERE + 0x4000, PAGE_READONLY));
    CHECK_EQUAL(Before + Tables + 5, PsGetCurrentProcess()->CommitCharge);
    MiVerifyAll();
    FileSectionWrite(ELSEWHERE + 0x1800, 2);
    FileSectionUnmap(ELSEWHERE);
    CHECK_EQUAL(Before, PsGetCurrentProcess()->CommitCharge);
    PsGetCurrentProcess()->QuotaLimit[PsPageFile] = Before + Tables + 4;
    {
        PVOID Base = ELSEWHERE;

        CHECK_EQUAL(STATUS_PAGEFILE_QUOTA, ImageWorldTryMap(Section, &Base));
    }
    PsGetCurrentProcess()->QuotaLimit[PsPageFile] = MI_NO_LIMIT;
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}

TEST(ImageMove_looks_for_another_place_when_the_base_is_taken)
{
    HANDLE File;
    PSECTION Section;
    PUCHAR View;

    ImageWorldStart();
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    CHECK(ImageWorldMap(Section, NULL, STATUS_SUCCESS) == BASE);
    View = ImageWorldMap(Section, NULL, STATUS_IMAGE_NOT_AT_BASE);
    CHECK(View != BASE && View != NULL);
    ImageWorldContents((ULONG)(View - BASE), Contents);
    CHECK(ImageWorldHolds(View, Contents));
    ImageWorldContents(0, Contents);
    CHECK(ImageWorldHolds(BASE, Contents));
    MiVerifyAll();
    FileSectionUnmap(View);
    FileSectionUnmap(BASE);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}

TEST(ImageMove_refuses_images_that_say_no)
{
    PVOID Base = ELSEWHERE;
    HANDLE File;
    PSECTION Section;

    ImageWorldStart();
    Headers()->FileHeader.Characteristics |= IMAGE_FILE_RELOCS_STRIPPED;
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    CHECK_EQUAL(STATUS_CONFLICTING_ADDRESSES, ImageWorldTryMap(Section, &Base));
    CHECK(Base == ELSEWHERE);
    CHECK(ImageWorldMap(Section, NULL, STATUS_SUCCESS) == BASE);
    Base = NULL;
    CHECK_EQUAL(STATUS_CONFLICTING_ADDRESSES, ImageWorldTryMap(Section, &Base));
    FileSectionUnmap(BASE);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}

TEST(ImageMove_refuses_wrong_relocations_and_leaves_nothing)
{
    PVOID Base = ELSEWHERE;
    HANDLE File;
    PSECTION Section;

    ImageWorldStart();
    ImageFile[SEED_IMAGE_RELOCS + 4] = 7; /* a block shorter than its header */
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    CHECK_EQUAL(STATUS_INVALID_IMAGE_FORMAT, ImageWorldTryMap(Section, &Base));
    CHECK(!MiCanMoveImage(Section->Segment->ControlArea));
    CHECK(ImageWorldMap(Section, NULL, STATUS_SUCCESS) == BASE);
    MiVerifyAll();
    FileSectionUnmap(BASE);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}

TEST(ImageMove_without_relocations_changes_nothing)
{
    HANDLE File;
    PSECTION Section;

    ImageWorldStart();
    Headers()->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_BASERELOC].Size = 0;
    Headers()->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_BASERELOC].VirtualAddress = 0;
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    (void)ImageWorldMap(Section, ELSEWHERE, STATUS_IMAGE_NOT_AT_BASE);
    ImageWorldContents(0, Contents);
    CHECK(ImageWorldHolds(ELSEWHERE, Contents));
    CHECK(Section->Segment->Image->Index == NULL);
    FileSectionUnmap(ELSEWHERE);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}

TEST(ImageMove_fails_whole_when_pool_or_the_disk_does)
{
    PVOID Base = ELSEWHERE;
    ULONG Failures = 0;
    NTSTATUS Status;
    PSECTION Section;
    BOOLEAN Happened;
    HANDLE File;
    ULONG Nth = 0;

    ImageWorldStart();
    File = ImageWorldFile();
    do {
        Nth++;
        Section = ImageWorldOpen(File);
        MiFailPoolAllocation(Nth);
        Status = ImageWorldTryMap(Section, &Base);
        Happened = MiPoolFailureHappened();
        MiFailPoolAllocation(0);
        CHECK(NT_SUCCESS(Status) || (Happened && Base == ELSEWHERE));
        Failures += !NT_SUCCESS(Status);
        MiVerifyAll();
        if (NT_SUCCESS(Status)) {
            FileSectionUnmap(Base);
        }
        ObDereferenceObject(Section);
        MiReleaseFiles(NULL);
    } while (Happened);
    CHECK(Failures > 3); /* some of: the directory, pages, the index, the view */
    Section = ImageWorldOpen(File);
    IoDisk.FailAt[DiskRead] = 1;
    CHECK(!NT_SUCCESS(ImageWorldTryMap(Section, &Base)));
    CHECK_EQUAL(0, IoDisk.FailAt[DiskRead]);
    MiVerifyAll();
    (void)ImageWorldMap(Section, ELSEWHERE, STATUS_IMAGE_NOT_AT_BASE);
    ImageWorldContents(DELTA, Contents);
    CHECK(ImageWorldHolds(ELSEWHERE, Contents));
    FileSectionUnmap(ELSEWHERE);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}

TEST(ImageMove_a_part_of_the_image_is_where_the_whole_would_have_it)
{
    LARGE_INTEGER Offset = {.QuadPart = 0x10000};
    IMAGE_SECTION_HEADER *Data =
        (IMAGE_SECTION_HEADER *)(void *)(ImageFile + SEED_IMAGE_SECTION(SEED_IMAGE_DATA));
    SIZE_T Bytes = 0;
    PVOID Base = NULL;
    HANDLE File;
    PSECTION Section;

    ImageWorldStart();
    Headers()->FileHeader.NumberOfSections = SEED_IMAGE_SHARED; /* .data is the last */
    Data->Misc.VirtualSize = 0x20000;
    Headers()->OptionalHeader.SizeOfImage = 0x23000;
    File = ImageWorldFile();
    Section = ImageWorldOpen(File);
    CHECK_EQUAL(STATUS_SUCCESS, MmMapViewOfSection(Section, PsGetCurrentProcess(), &Base, 0, 0,
                                                   &Offset, &Bytes, ViewShare, 0, PAGE_READONLY));
    CHECK(Base == BASE + 0x10000);
    CHECK_EQUAL(0x13000, Bytes);
    FileSectionWrite((PUCHAR)Base + 5, 1);
    CHECK_EQUAL(1, FileSectionRead((PUCHAR)Base + 5));
    MiVerifyAll();
    FileSectionUnmap(Base);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    ImageWorldFinish();
}

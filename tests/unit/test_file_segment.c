/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/section/file_segment.c: segments of files, and views of them.
 */
#include "mm/fault/fault.h"
#include "mm/inspect/page_out.h"
#include "mm/pfn/pfn_list.h"
#include "mm/section/mapped_writer.h"
#include "tests/unit/file_section_world.h"
#include "vm.h"

TEST(FileSegment_is_the_file_and_what_lies_behind_its_end_is_zero)
{
    HANDLE File;
    PSECTION Section;
    PUCHAR View;
    ULONG i;

    FileSectionStart();
    File = FileSectionMakeFile(u"\\??\\C:\\A.BIN", 3 * PAGE_SIZE + 100, 7);
    Section = FileSectionOpen(File, 0, PAGE_READWRITE);
    CHECK_EQUAL(3 * PAGE_SIZE + 100, Section->SizeOfSection);
    CHECK_EQUAL(4, Section->Segment->TotalNumberOfPtes);
    View = FileSectionMap(Section, PAGE_READWRITE);
    for (i = 0; i < 3 * PAGE_SIZE + 100; i++) {
        if (FileSectionRead(View + i) != IoWorldByte(i, 7)) {
            CHECK_EQUAL(i, 0);
        }
    }
    for (; i < 4 * PAGE_SIZE; i++) {
        CHECK_EQUAL(0, FileSectionRead(View + i));
    }
    MiVerifyAll();
    CHECK_EQUAL(4, Section->Segment->ControlArea->NumberOfPfnReferences);
    FileSectionUnmap(View);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    FileSectionFinish();
}

/* ---- writing ---- */

/* => The pages of files on the list of those that go to a paging file. */
static ULONG FilePagesOnPagingList(void)
{
    KIRQL OldIrql = MiLockPfn();
    PFN_NUMBER Frame = MiModifiedList.Flink;
    ULONG Pages = 0;

    for (; Frame != MI_NO_FRAME; Frame = MI_PFN(Frame)->u1.Flink) {
        Pages += MiIsFilePage(MI_PFN(Frame));
    }
    MiUnlockPfn(OldIrql);
    return Pages;
}

TEST(FileSegment_a_write_reaches_the_file_by_the_mapped_page_writer)
{
    HANDLE File;
    PSECTION Section;
    PUCHAR View;

    FileSectionStart();
    File = FileSectionMakeFile(u"\\??\\C:\\A.BIN", 5 * PAGE_SIZE, 7);
    Section = FileSectionOpen(File, 0, PAGE_READWRITE);
    View = FileSectionMap(Section, PAGE_READWRITE);
    FileSectionWrite(View + PAGE_SIZE + 5, 0xA5);
    FileSectionWrite(View + 4 * PAGE_SIZE, 0x5A);
    FileSectionTrim();
    CHECK_EQUAL(0, FilePagesOnPagingList());
    CHECK_EQUAL(2, MiMappedModifiedList.Total);
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushMappedPages());
    CHECK_EQUAL(0, MiMappedModifiedList.Total);
    CHECK_EQUAL(0xA5, FileSectionByBytes(File, PAGE_SIZE + 5));
    CHECK_EQUAL(0x5A, FileSectionByBytes(File, 4 * PAGE_SIZE));
    CHECK_EQUAL(IoWorldByte(PAGE_SIZE + 4, 7), FileSectionByBytes(File, PAGE_SIZE + 4));
    (void)MiReuseStandbyFrames();
    CHECK_EQUAL(0, Section->Segment->ControlArea->NumberOfPfnReferences);
    CHECK_EQUAL(0xA5, FileSectionRead(View + PAGE_SIZE + 5));
    FileSectionUnmap(View);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    FileSectionFinish();
}

TEST(FileSegment_two_processes_and_two_sections_see_one_page)
{
    HANDLE File;
    PSECTION First;
    PSECTION Second;
    PUCHAR A;
    PUCHAR B;

    FileSectionStart();
    File = FileSectionMakeFile(u"\\??\\C:\\A.BIN", 2 * PAGE_SIZE, 1);
    First = FileSectionOpen(File, 0, PAGE_READWRITE);
    Second = FileSectionOpen(File, PAGE_SIZE, PAGE_READONLY);
    CHECK(First->Segment == Second->Segment);
    A = FileSectionMap(First, PAGE_READWRITE);
    FileSectionWrite(A + 9, 0x99);
    NtWorldEnter(1);
    B = FileSectionMap(Second, PAGE_READONLY);
    CHECK_EQUAL(0x99, FileSectionRead(B + 9));
    MiVerifyAll();
    FileSectionUnmap(B);
    NtWorldEnter(0);
    FileSectionUnmap(A);
    ObDereferenceObject(Second);
    ObDereferenceObject(First);
    NtWorldClose(File);
    FileSectionFinish();
}

TEST(FileSegment_a_copy_does_not_reach_the_file)
{
    HANDLE File;
    PSECTION Section;
    PUCHAR View;

    FileSectionStart();
    File = FileSectionMakeFile(u"\\??\\C:\\A.BIN", PAGE_SIZE, 1);
    Section = FileSectionOpen(File, 0, PAGE_READONLY);
    View = FileSectionMap(Section, PAGE_WRITECOPY);
    FileSectionWrite(View + 3, 0xEE);
    CHECK_EQUAL(0xEE, FileSectionRead(View + 3));
    FileSectionTrim();
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushMappedPages());
    CHECK_EQUAL(IoWorldByte(3, 1), FileSectionByBytes(File, 3));
    CHECK_EQUAL(0xEE, FileSectionRead(View + 3));
    FileSectionUnmap(View);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    FileSectionFinish();
}

/* ---- what stays when nobody uses it ---- */

TEST(FileSegment_is_found_again_with_its_pages_on_standby)
{
    ULONG Reads;
    HANDLE File;
    PSECTION Section;
    PUCHAR View;

    FileSectionStart();
    File = FileSectionMakeFile(u"\\??\\C:\\A.BIN", 4 * PAGE_SIZE, 1);
    Section = FileSectionOpen(File, 0, PAGE_READONLY);
    View = FileSectionMap(Section, PAGE_READONLY);
    CHECK_EQUAL(IoWorldByte(0, 1), FileSectionRead(View));
    FileSectionUnmap(View);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    MiVerifyAll();
    Reads = MiFaultCounters.MappedFileReads;
    File = NtWorldOpen(u"\\??\\C:\\A.BIN", FILE_GENERIC_READ, FILE_OPEN, 0);
    Section = FileSectionOpen(File, 0, PAGE_READONLY);
    View = FileSectionMap(Section, PAGE_READONLY);
    CHECK_EQUAL(IoWorldByte(3 * PAGE_SIZE, 1), FileSectionRead(View + 3 * PAGE_SIZE));
    CHECK_EQUAL(Reads, MiFaultCounters.MappedFileReads);
    FileSectionUnmap(View);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    FileSectionFinish();
}

TEST(FileSegment_lets_go_of_the_file_when_its_last_frame_is_reused)
{
    HANDLE File;
    PSECTION Section;
    PUCHAR View;

    FileSectionStart();
    File = FileSectionMakeFile(u"\\??\\C:\\A.BIN", 2 * PAGE_SIZE, 1);
    Section = FileSectionOpen(File, 0, PAGE_READWRITE);
    View = FileSectionMap(Section, PAGE_READWRITE);
    FileSectionWrite(View, 0x11);
    FileSectionUnmap(View);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    CHECK_EQUAL(1, NtWorldFiles());
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushMappedPages());
    (void)MiReuseStandbyFrames();
    MiDeleteUnusedSegments();
    CHECK_EQUAL(0, NtWorldFiles());
    FileSectionFinish();
}

/* ---- growing ---- */

TEST(FileSegment_grows_and_views_of_before_see_what_is_new)
{
    HANDLE File;
    PSECTION Section;
    PSECTION Longer;
    PUCHAR View;
    PUCHAR All;
    ULONG Page;

    FileSectionStart();
    File = FileSectionMakeFile(u"\\??\\C:\\A.BIN", 3 * PAGE_SIZE, 1);
    Section = FileSectionOpen(File, 0, PAGE_READWRITE);
    View = FileSectionMap(Section, PAGE_READWRITE);
    Longer = FileSectionOpen(File, 80 * PAGE_SIZE, PAGE_READWRITE);
    CHECK(Longer->Segment == Section->Segment);
    CHECK_EQUAL(80 * PAGE_SIZE, NtWorldSize(File));
    CHECK_EQUAL(2, Section->Segment->ControlArea->NumberOfSubsections);
    CHECK_EQUAL(80u * PAGE_SIZE, Section->Segment->SizeOfSegment);
    All = FileSectionMap(Longer, PAGE_READWRITE);
    for (Page = 0; Page < 80; Page++) {
        FileSectionWrite(All + Page * PAGE_SIZE, (UCHAR)(Page + 100));
    }
    CHECK_EQUAL(102, FileSectionRead(View + 2 * PAGE_SIZE));
    MiVerifyAll();
    FileSectionPageOut();
    for (Page = 0; Page < 80; Page++) {
        CHECK_EQUAL(Page + 100, FileSectionRead(All + Page * PAGE_SIZE));
        CHECK_EQUAL((UCHAR)(Page + 100), FileSectionByBytes(File, Page * PAGE_SIZE));
    }
    FileSectionUnmap(All);
    FileSectionUnmap(View);
    ObDereferenceObject(Longer);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    FileSectionFinish();
}

/* ---- failures ---- */

TEST(FileSegment_a_page_that_cannot_be_read_is_an_in_page_error_and_can_be_later)
{
    HANDLE File;
    PSECTION Section;
    PUCHAR View;
    UCHAR Value;

    FileSectionStart();
    File = FileSectionMakeFile(u"\\??\\C:\\A.BIN", 4 * PAGE_SIZE, 1);
    Section = FileSectionOpen(File, 0, PAGE_READWRITE);
    View = FileSectionMap(Section, PAGE_READWRITE);
    IoDisk.FailFrom = 1;
    CHECK_EQUAL(STATUS_IN_PAGE_ERROR, MmCopyFromUser(&Value, View, 1, NULL));
    MiVerifyAll();
    CHECK_EQUAL(0, Section->Segment->ControlArea->NumberOfPfnReferences);
    IoDisk.FailFrom = 0;
    CHECK_EQUAL(IoWorldByte(0, 1), FileSectionRead(View));
    FileSectionUnmap(View);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    FileSectionFinish();
}

TEST(FileSegment_a_page_that_cannot_be_written_stays_modified)
{
    HANDLE File;
    PSECTION Section;
    PUCHAR View;

    FileSectionStart();
    File = FileSectionMakeFile(u"\\??\\C:\\A.BIN", 4 * PAGE_SIZE, 1);
    Section = FileSectionOpen(File, 0, PAGE_READWRITE);
    View = FileSectionMap(Section, PAGE_READWRITE);
    FileSectionWrite(View, 0x77);
    FileSectionTrim();
    IoDisk.FailFrom = 1;
    CHECK(!NT_SUCCESS(MiFlushMappedPages()));
    CHECK_EQUAL(1, MiMappedModifiedList.Total);
    MiVerifyAll();
    IoDisk.FailFrom = 0;
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushMappedPages());
    CHECK_EQUAL(0x77, FileSectionByBytes(File, 0));
    FileSectionUnmap(View);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    FileSectionFinish();
}

/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/section/create_section.c: arguments, charges, what failures leave.
 */
#include "mm/pfn/commit.h"
#include "mm/pool/pool_inject.h"
#include "mm/pool/pool_pages.h"
#include "tests/unit/file_section_world.h"
#include "tests/unit/section_world.h"

#define MB (1024 * 1024)

TEST(CreateSection_refuses_each_wrong_argument_with_its_documented_status)
{
    SpaceStart();
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_4, SectionTryMake(0, SEC_COMMIT, PAGE_READWRITE));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_4, SectionTryMake(-1, SEC_COMMIT, PAGE_READWRITE));
    CHECK_EQUAL(STATUS_SECTION_TOO_BIG,
                SectionTryMake((1ll << 40) + 1, SEC_RESERVE, PAGE_READWRITE));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_6, SectionTryMake(1, 0, PAGE_READWRITE));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_6, SectionTryMake(1, SEC_NOCACHE, PAGE_READWRITE));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_6,
                SectionTryMake(1, SEC_COMMIT | SEC_RESERVE, PAGE_READWRITE));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_6, SectionTryMake(1, SEC_COMMIT | 1, PAGE_READWRITE));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_6,
                SectionTryMake(1, SEC_IMAGE | SEC_NOCACHE, PAGE_READONLY));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_6,
                SectionTryMake(4 * MB, SEC_COMMIT | SEC_LARGE_PAGES, PAGE_READWRITE));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_6,
                SectionTryMake(4 * MB, SEC_LARGE_PAGES, PAGE_READWRITE));
    CHECK_EQUAL(STATUS_INVALID_FILE_FOR_SECTION, SectionTryMake(1, SEC_IMAGE, PAGE_READONLY));
    SpaceFinish();
}

TEST(CreateSection_refuses_protections_that_no_section_has)
{
    static const ULONG Wrong[] = {0,
                                  PAGE_NOACCESS,
                                  PAGE_READWRITE | PAGE_READONLY,
                                  PAGE_READWRITE | PAGE_GUARD,
                                  PAGE_READWRITE | PAGE_NOCACHE,
                                  PAGE_READWRITE | PAGE_WRITECOMBINE};
    static const ULONG Right[] = {PAGE_READONLY,          PAGE_READWRITE,
                                  PAGE_WRITECOPY,         PAGE_EXECUTE_READ,
                                  PAGE_EXECUTE_READWRITE, PAGE_EXECUTE_WRITECOPY};
    ULONG i;

    SpaceStart();
    for (i = 0; i < RTL_NUMBER_OF(Wrong); i++) {
        CHECK_EQUAL(STATUS_INVALID_PAGE_PROTECTION, SectionTryMake(1, SEC_COMMIT, Wrong[i]));
    }
    for (i = 0; i < RTL_NUMBER_OF(Right); i++) {
        CHECK_EQUAL(STATUS_SUCCESS, SectionTryMake(1, SEC_COMMIT, Right[i]));
    }
    SpaceFinish();
}

TEST(CreateSection_charges_a_committed_section_at_once_and_a_reserved_one_not)
{
    PSECTION Section;
    ULONG Before;

    SpaceStart();
    Before = MiCommit.Committed;
    Section = SectionMake(300, SEC_RESERVE, PAGE_READWRITE);
    CHECK(MiCommit.Committed - Before < 4); /* a page of paged pool, perhaps */
    CHECK_EQUAL(0, Section->Segment->NumberOfCommittedPages);
    ObDereferenceObject(Section);
    Before = MiCommit.Committed;
    Section = SectionMake(300, SEC_COMMIT, PAGE_READWRITE);
    CHECK(MiCommit.Committed - Before >= 300 && MiCommit.Committed - Before < 304);
    CHECK_EQUAL(300, MiSharedCommit);
    MiVerifyAll();
    ObDereferenceObject(Section);
    CHECK_EQUAL(0, MiSharedCommit);
    SpaceFinish();
}

TEST(CreateSection_refuses_more_than_the_commit_limit)
{
    SpaceStart();
    CHECK_EQUAL(STATUS_COMMITMENT_LIMIT, SectionTryMake(256 * MB, SEC_COMMIT, PAGE_READWRITE));
    CHECK_EQUAL(STATUS_SUCCESS, SectionTryMake(256 * MB, SEC_RESERVE, PAGE_READWRITE));
    MiVerifyAll();
    SpaceFinish();
}

TEST(CreateSection_keeps_a_segment_while_an_object_or_a_view_is_left)
{
    PSECTION Section;
    ULONG_PTR Va;

    SpaceStart();
    Section = SectionMake(16, SEC_COMMIT, PAGE_READWRITE);
    ObReferenceObject(Section);
    ObDereferenceObject(Section);
    Va = SectionMap(Section, PAGE_READWRITE);
    SpaceWrite(Va, 77);
    ObDereferenceObject(Section);
    MiVerifyAll();
    CHECK_EQUAL(77, SpaceRead(Va));
    CHECK_EQUAL(16, MiSharedCommit);
    SectionUnmap(Va);
    CHECK_EQUAL(0, MiSharedCommit);
    SpaceFinish();
}

TEST(CreateSection_leaves_nothing_when_an_allocation_fails)
{
    ULONG Nth;
    ULONG Failed = 0;

    SpaceStart();
    for (Nth = 1; Nth < 8; Nth++) {
        NTSTATUS Status;

        MiFailPoolAllocation(Nth);
        Status = SectionTryMake(64 * 1024, Nth % 2 != 0 ? SEC_COMMIT : SEC_RESERVE, PAGE_READWRITE);
        CHECK(NT_SUCCESS(Status) || MiPoolFailureHappened());
        MiFailPoolAllocation(0);
        CHECK(NT_SUCCESS(Status) || Status == STATUS_INSUFFICIENT_RESOURCES);
        Failed += !NT_SUCCESS(Status);
        CHECK_EQUAL(0, MiSharedCommit);
        MiVerifyAll();
    }
    CHECK(Failed >= 3); /* the object, the control area, the prototype PTEs */
    SpaceFinish();
}

TEST(CreateSection_takes_no_memory_for_what_paged_pool_has_no_room_for)
{
    ULONG Most;
    ULONG Free;
    PSEGMENT Segment;
    ULONG Limit;

    SpaceStart();
    Most = MiPoolRegion(MiPaged)->Pages;
    Free = Most - MiPoolRegion(MiPaged)->UsedPages;
    MiFailPoolAllocation(1);
    CHECK_EQUAL(STATUS_SECTION_TOO_BIG,
                MiCreatePagingFileSegment((Most + 1) * PTE_PER_PAGE, MM_READWRITE, SEC_RESERVE,
                                          &Segment, &Limit));
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES,
                MiCreatePagingFileSegment((Free + 1) * PTE_PER_PAGE, MM_READWRITE, SEC_RESERVE,
                                          &Segment, &Limit));
    CHECK(!MiPoolFailureHappened()); /* nothing was asked for */
    MiFailPoolAllocation(0);
    CHECK_EQUAL(STATUS_SECTION_TOO_BIG, SectionTryMake(1ll << 40, SEC_RESERVE, PAGE_READWRITE));
    CHECK_EQUAL(STATUS_SECTION_TOO_BIG, SectionTryMake(1ll << 40, SEC_COMMIT, PAGE_READWRITE));
    MiVerifyAll();
    SpaceFinish();
}

/* ---- of files ---- */

TEST(CreateSection_of_a_file_refuses_each_wrong_combination)
{
    PSECTION Section;
    HANDLE Empty;
    HANDLE Directory;
    HANDLE File;
    HANDLE Reader;

    FileSectionStart();
    Empty = FileSectionMakeFile(u"\\??\\C:\\EMPTY.BIN", 0, 1);
    File = FileSectionMakeFile(u"\\??\\C:\\A.BIN", 100, 1);
    Reader = NtWorldOpen(u"\\??\\C:\\A.BIN", FILE_GENERIC_READ, FILE_OPEN, 0);
    Directory = NtWorldOpen(u"\\??\\C:\\D", IO_ALL_ACCESS, FILE_CREATE, FILE_DIRECTORY_FILE);
    CHECK_EQUAL(STATUS_MAPPED_FILE_SIZE_ZERO,
                FileSectionTryOpen(Empty, 0, PAGE_READWRITE, &Section));
    CHECK_EQUAL(STATUS_SECTION_TOO_BIG, FileSectionTryOpen(File, 101, PAGE_READONLY, &Section));
    CHECK_EQUAL(STATUS_SECTION_TOO_BIG, FileSectionTryOpen(File, 101, PAGE_WRITECOPY, &Section));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_4, FileSectionTryOpen(File, -1, PAGE_READONLY, &Section));
    (void)KeSetPreviousMode(UserMode);
    CHECK_EQUAL(STATUS_ACCESS_DENIED, FileSectionTryOpen(Reader, 0, PAGE_READWRITE, &Section));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, FileSectionTryOpen(Reader, 0, PAGE_EXECUTE, &Section));
    (void)KeSetPreviousMode(KernelMode);
    CHECK_EQUAL(STATUS_INVALID_FILE_FOR_SECTION,
                FileSectionTryOpen(Directory, 0, PAGE_READONLY, &Section));
    CHECK_EQUAL(STATUS_INVALID_HANDLE,
                FileSectionTryOpen((HANDLE)(ULONG_PTR)0x1234, 0, PAGE_READONLY, &Section));
    CHECK_EQUAL(STATUS_SUCCESS, FileSectionTryOpen(Reader, 0, PAGE_READONLY, &Section));
    CHECK_EQUAL(100, Section->SizeOfSection);
    ObDereferenceObject(Section);
    CHECK_EQUAL(STATUS_SUCCESS, FileSectionTryOpen(Empty, 5000, PAGE_READWRITE, &Section));
    CHECK_EQUAL(5000, NtWorldSize(Empty));
    ObDereferenceObject(Section);
    NtWorldClose(Reader);
    NtWorldClose(Directory);
    NtWorldClose(Empty);
    NtWorldClose(File);
    FileSectionFinish();
}

TEST(CreateSection_of_a_file_leaves_nothing_when_an_allocation_fails)
{
    ULONG Failures = 0;
    PSECTION Section;
    HANDLE File;
    ULONG n;

    FileSectionStart();
    File = FileSectionMakeFile(u"\\??\\C:\\A.BIN", 3 * PAGE_SIZE, 1);
    for (n = 1; n < 12; n++) {
        NTSTATUS Status;

        MiFailPoolAllocation(n);
        Status = FileSectionTryOpen(File, 0, PAGE_READWRITE, &Section);
        CHECK(NT_SUCCESS(Status) || MiPoolFailureHappened());
        MiFailPoolAllocation(0);
        MiVerifyAll();
        if (NT_SUCCESS(Status)) {
            ObDereferenceObject(Section);
            continue;
        }
        CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, Status);
        CHECK_EQUAL(0, (ULONG_PTR)NtWorldFile(File)->SectionObjectPointer->DataSectionObject);
        Failures++;
    }
    CHECK(Failures >= 3); /* the object, the control area, the prototype PTEs */
    NtWorldClose(File);
    FileSectionFinish();
}

/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/section/cache_calls.c: a file through the calls that the system cache makes, beside
 * processes that map it and reads without a cache.
 */
#include "mm/section/cache_calls.h"

#include "mm.h"
#include "mm/fault/fault.h"
#include "mm/inspect/page_out.h"
#include "mm/section/mapped_writer.h"
#include "mm/section/system_view.h"
#include "tests/unit/file_section_world.h"
#include "vm.h"

#define BYTES (4 * PAGE_SIZE + 100)
#define VIEW  MM_CACHE_VIEW_BYTES
#define IS    (&MiCacheViewCalls)

static HANDLE File;
static PSECTION Section; /* the cache's */
static PUCHAR Base;      /* its first view */

static UCHAR Read(const UCHAR *Va)
{
    UCHAR Value = 0;

    CHECK_EQUAL(STATUS_SUCCESS, KiGuardedCopy(&Value, Va, 1));
    return Value;
}

static void Write(PUCHAR Va, UCHAR Value)
{
    CHECK_EQUAL(STATUS_SUCCESS, KiGuardedCopy(Va, &Value, 1));
}

static MMPTE PteOf(const UCHAR *Va)
{
    return MiReadPte(MiGetPteAddress((ULONG_PTR)Va));
}

static PCONTROL_AREA Area(void)
{
    return Section->Segment->ControlArea;
}

static PSECTION Create(ULONG Bytes)
{
    LARGE_INTEGER Size = {.QuadPart = Bytes};
    PSECTION Made = NULL;

    CHECK_EQUAL(STATUS_SUCCESS, IS->MmCreateSection(NtWorldFile(File), &Size, &Made));
    return Made;
}

static PUCHAR Map(ULONG Number)
{
    PUCHAR Va = (PUCHAR)MiLayout.Region[MiRegionSystemCache].Start + Number * VIEW;
    LARGE_INTEGER Offset = {.QuadPart = Number * VIEW};

    CHECK_EQUAL(STATUS_SUCCESS, IS->MmMapViewInSystemCache(Section, Va, Offset, VIEW));
    return Va;
}

static void Begin(void)
{
    FileSectionStart();
    File = FileSectionMakeFile(u"\\??\\C:\\A.BIN", BYTES, 7);
    Section = Create(VIEW);
    Base = Map(0);
}

static void End(void)
{
    IS->MmUnmapViewInSystemCache(Base, VIEW);
    IS->ObDereferenceObject(Section);
    NtWorldClose(File);
    FileSectionFinish();
}

/* All pages are written, and no frame of the file is left that is not mapped. */
static void PageOut(void)
{
    CHECK(MmTrimAllSystemPageableMemory(FALSE));
    FileSectionPageOut();
}

static NTSTATUS Flush(ULONG Offset, ULONG Bytes)
{
    LARGE_INTEGER Start = {.QuadPart = Offset};
    IO_STATUS_BLOCK Done;

    (void)IS->MmSetAddressRangeModified(Base + Offset, Bytes);
    return IS->MmFlushSection(NtWorldFile(File)->SectionObjectPointer, &Start, Bytes, &Done);
}

TEST(CacheCalls_view_shows_the_file_and_zeroes_behind_its_end)
{
    MI_FAULT_COUNTERS Before;
    ULONG i;

    Begin();
    CHECK_EQUAL(0, Area()->NumberOfUserReferences);
    CHECK_EQUAL(1, Area()->NumberOfSystemCacheViews);
    CHECK_EQUAL(0, Area()->NumberOfPfnReferences); /* no page was touched */
    Before = MiFaultCounters;
    for (i = 0; i < BYTES; i++) {
        if (Read(Base + i) != IoWorldByte(i, 7)) {
            CHECK_EQUAL(i, 0);
        }
    }
    CHECK(MiFaultCounters.MappedFileReads - Before.MappedFileReads < 5); /* neighbours came too */
    for (; i < 8 * PAGE_SIZE; i++) {
        CHECK_EQUAL(0, Read(Base + i));
    }
    CHECK(IS->MmIsRangeResident(Base, 5 * PAGE_SIZE));
    MiVerifyAll();
    PageOut();
    CHECK(!IS->MmIsRangeResident(Base, PAGE_SIZE));
    CHECK_EQUAL(IoWorldByte(3 * PAGE_SIZE, 7), Read(Base + 3 * PAGE_SIZE));
    MiVerifyAll();
    End();
}

TEST(CacheCalls_what_is_written_is_seen_by_processes_and_after_a_flush_in_the_file)
{
    PSECTION Users;
    PUCHAR User;

    Begin();
    Users = FileSectionOpen(File, 0, PAGE_READWRITE);
    User = FileSectionMap(Users, PAGE_READWRITE);
    Write(Base + PAGE_SIZE + 3, 0xA1);
    CHECK_EQUAL(0xA1, FileSectionRead(User + PAGE_SIZE + 3));
    FileSectionWrite(User + 2 * PAGE_SIZE, 0xB2);
    CHECK_EQUAL(0xB2, Read(Base + 2 * PAGE_SIZE));
    CHECK_EQUAL(STATUS_SUCCESS, Flush(PAGE_SIZE, PAGE_SIZE));
    CHECK_EQUAL(0xA1, FileSectionByBytes(File, PAGE_SIZE + 3));
    Write(Base + PAGE_SIZE + 3, 0xA3); /* the page stayed mapped: it is dirty anew */
    CHECK_EQUAL(STATUS_SUCCESS, Flush(0, BYTES));
    CHECK_EQUAL(0xA3, FileSectionByBytes(File, PAGE_SIZE + 3));
    MiVerifyAll();
    FileSectionUnmap(User);
    ObDereferenceObject(Users);
    End();
}

TEST(CacheCalls_flush_writes_what_a_driver_modified_in_a_view_of_its_own)
{
    PSECTION Drivers;
    SIZE_T Bytes = 0;
    PUCHAR View;

    MmWorldNextUnforced(); /* which pages are valid is the point, here and below */
    Begin();
    Drivers = FileSectionOpen(File, 0, PAGE_READWRITE);
    CHECK_EQUAL(STATUS_SUCCESS, MmMapViewInSystemSpace(Drivers, (PVOID *)&View, &Bytes));
    CHECK_EQUAL(5 * PAGE_SIZE, Bytes);
    Write(View + 3, 0xD1);
    Write(View + 3 * PAGE_SIZE + 7, 0xD2);
    CHECK_EQUAL(STATUS_SUCCESS, Flush(3 * PAGE_SIZE, PAGE_SIZE)); /* and not the first page */
    CHECK(!PteOf(View + 3 * PAGE_SIZE).Hard.Dirty && PteOf(View).Hard.Dirty);
    CHECK_EQUAL(STATUS_SUCCESS, Flush(0, BYTES));
    CHECK(!PteOf(View).Hard.Dirty);
    CHECK_EQUAL(0xD1, FileSectionByBytes(File, 3));
    CHECK_EQUAL(0xD2, FileSectionByBytes(File, 3 * PAGE_SIZE + 7));
    MiVerifyAll();
    CHECK_EQUAL(STATUS_SUCCESS, MmUnmapViewInSystemSpace(View));
    ObDereferenceObject(Drivers);
    End();
}

TEST(CacheCalls_a_page_that_is_replaced_whole_is_not_read)
{
    static UCHAR Bytes[PAGE_SIZE];
    ULONG Reads;

    Begin();
    memset(Bytes, 0x5C, sizeof(Bytes));
    Reads = MiFaultCounters.MappedFileReads;
    CHECK_EQUAL(STATUS_SUCCESS, IS->MmCopyToCachedPage(Base + 2 * PAGE_SIZE, Bytes));
    CHECK_EQUAL(STATUS_ALREADY_COMMITTED, IS->MmCopyToCachedPage(Base + 2 * PAGE_SIZE, Bytes));
    CHECK_EQUAL(Reads, MiFaultCounters.MappedFileReads);
    CHECK_EQUAL(1, Area()->NumberOfPfnReferences);
    CHECK_EQUAL(0x5C, Read(Base + 3 * PAGE_SIZE - 1));
    MiVerifyAll();
    PageOut();
    CHECK_EQUAL(0, Area()->NumberOfPfnReferences);
    CHECK_EQUAL(0x5C, FileSectionByBytes(File, 2 * PAGE_SIZE));
    CHECK_EQUAL(0x5C, Read(Base + 2 * PAGE_SIZE));
    End();
}

TEST(CacheCalls_extension_gives_views_behind_the_old_end)
{
    LARGE_INTEGER Size = {.QuadPart = 3 * VIEW};
    PUCHAR Second;

    Begin();
    CHECK_EQUAL(STATUS_SUCCESS, IS->MmExtendSection(Section, &Size));
    CHECK_EQUAL(3 * VIEW, Section->SizeOfSection);
    CHECK_EQUAL(2, Area()->NumberOfSubsections);
    Second = Map(1);
    CHECK_EQUAL(0, Read(Second + 5)); /* the file itself is as long as before */
    CHECK_EQUAL(IoWorldByte(5, 7), Read(Base + 5));
    MiVerifyAll();
    IS->MmUnmapViewInSystemCache(Second, VIEW);
    Size.QuadPart = VIEW;
    CHECK_EQUAL(STATUS_SUCCESS, IS->MmExtendSection(Section, &Size));
    CHECK_EQUAL(3 * VIEW, Section->SizeOfSection);
    End();
}

TEST(CacheCalls_purge_needs_the_views_gone)
{
    PSECTION_OBJECT_POINTERS Pointers;

    MmWorldNextUnforced();
    Begin();
    Pointers = NtWorldFile(File)->SectionObjectPointer;
    Write(Base, 1);
    CHECK(!IS->MmPurgeSection(Pointers, NULL, 0));
    IS->MmUnmapViewInSystemCache(Base, VIEW);
    CHECK(IS->MmPurgeSection(Pointers, NULL, 0));
    CHECK_EQUAL(0, Area()->NumberOfPfnReferences);
    Base = Map(0);
    CHECK_EQUAL(IoWorldByte(0, 7), Read(Base)); /* what was written is forgotten */
    End();
}

TEST(CacheCalls_view_keeps_the_pages_of_a_section_that_was)
{
    Begin();
    IS->ObDereferenceObject(Section);
    Write(Base + 7, 0x77);
    IS->MmUnmapViewInSystemCache(Base, VIEW);
    MiVerifyAll();
    Section = Create(VIEW); /* which finds them */
    Base = Map(0);
    CHECK(IS->MmIsRangeResident(Base, PAGE_SIZE));
    CHECK_EQUAL(0x77, Read(Base + 7));
    End();
}

TEST(CacheCalls_failed_read_of_the_file_ends_a_guarded_access)
{
    static const UCHAR Bytes[PAGE_SIZE];
    UCHAR Value;

    Begin();
    CHECK_EQUAL(STATUS_SUCCESS, IS->MmCopyToCachedPage(Base + PAGE_SIZE, Bytes));
    IoDisk.FailAt[DiskRead] = 1; /* the first page has no neighbour to be read with */
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, KiGuardedCopy(&Value, Base, 1));
    MiVerifyAll();
    CHECK_EQUAL(IoWorldByte(0, 7), Read(Base));
    End();
}

/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/section/file_flush.c: pages that stay mapped are written, pages that nobody maps are
 * forgotten.
 */
#include "fsrtl.h"
#include "mm/pfn/pfn_list.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/section/file_write.h"
#include "tests/unit/file_section_world.h"
#include "vm.h"

#define PAGES 24u

static HANDLE File;
static PSECTION Section;
static PUCHAR View;
static PSECTION_OBJECT_POINTERS Pointers;

static void Begin(ULONG Protect)
{
    FileSectionStart();
    File = FileSectionMakeFile(u"\\??\\C:\\A.BIN", PAGES * PAGE_SIZE, 3);
    Section = FileSectionOpen(File, 0, PAGE_READWRITE);
    View = FileSectionMap(Section, Protect);
    Pointers = NtWorldFile(File)->SectionObjectPointer;
}

static void End(void)
{
    if (View != NULL) {
        FileSectionUnmap(View);
    }
    ObDereferenceObject(Section);
    NtWorldClose(File);
    FileSectionFinish();
}

static ULONG Written(void)
{
    return MiFileWriteFigures.Pages;
}

static NTSTATUS Flush(ULONG Page, ULONG Pages)
{
    LARGE_INTEGER Offset = {.QuadPart = (LONGLONG)Page * PAGE_SIZE};
    IO_STATUS_BLOCK Status;

    return MmFlushSection(Pointers, Pages == 0 ? NULL : &Offset, Pages * PAGE_SIZE, &Status);
}

static BOOLEAN Purge(ULONG Page, ULONG Pages)
{
    LARGE_INTEGER Offset = {.QuadPart = (LONGLONG)Page * PAGE_SIZE};

    return MmPurgeSection(Pointers, &Offset, Pages * PAGE_SIZE);
}

/* The sector on the disk that holds a byte of the file, without any look at memory. */
static UCHAR OnDisk(UCHAR Value)
{
    ULONG i;

    for (i = 0; i < 1000 * 512; i += 512) {
        if (IoDisk.Image[i] == Value && IoDisk.Image[i + 1] == Value) {
            return Value;
        }
    }
    return (UCHAR)~Value;
}

static void Mark(ULONG Page, UCHAR Value)
{
    FileSectionWrite(View + Page * PAGE_SIZE, Value);
    FileSectionWrite(View + Page * PAGE_SIZE + 1, Value);
}

TEST(FileFlush_writes_what_a_process_has_mapped_and_only_that)
{
    ULONG Before;

    Begin(PAGE_READWRITE);
    Mark(1, 0xF1);
    Mark(20, 0xF2);
    Before = Written();
    CHECK_EQUAL(STATUS_SUCCESS, Flush(0, 8));
    CHECK_EQUAL(Before + 1, Written());
    CHECK_EQUAL(0xF1, OnDisk(0xF1));
    CHECK(OnDisk(0xF2) != 0xF2);
    CHECK_EQUAL(STATUS_SUCCESS, Flush(0, 0));
    CHECK_EQUAL(Before + 2, Written());
    CHECK_EQUAL(0xF2, OnDisk(0xF2));
    MiVerifyAll();
    CHECK_EQUAL(STATUS_SUCCESS, Flush(0, 0)); /* there is nothing left to write */
    CHECK_EQUAL(Before + 2, Written());
    Mark(1, 0xF3); /* the PTE says so again */
    CHECK_EQUAL(STATUS_SUCCESS, Flush(0, 0));
    CHECK_EQUAL(Before + 3, Written());
    CHECK_EQUAL(0xF3, OnDisk(0xF3));
    End();
}

TEST(FileFlush_asks_the_views_of_processes_that_do_not_run)
{
    PUCHAR Other;

    Begin(PAGE_READWRITE);
    NtWorldEnter(1);
    Other = FileSectionMap(Section, PAGE_READWRITE);
    FileSectionWrite(Other + 5 * PAGE_SIZE, 0xF4);
    FileSectionWrite(Other + 5 * PAGE_SIZE + 1, 0xF4);
    NtWorldEnter(0);
    CHECK_EQUAL(STATUS_SUCCESS, Flush(0, 0));
    CHECK_EQUAL(0xF4, OnDisk(0xF4));
    NtWorldEnter(1);
    FileSectionWrite(Other + 5 * PAGE_SIZE, 0xF5);
    FileSectionWrite(Other + 5 * PAGE_SIZE + 1, 0xF5);
    NtWorldEnter(0);
    CHECK_EQUAL(STATUS_SUCCESS, Flush(4, 3));
    CHECK_EQUAL(0xF5, OnDisk(0xF5));
    NtWorldEnter(1);
    FileSectionUnmap(Other);
    NtWorldEnter(0);
    End();
}

TEST(FileFlush_gathers_neighbours_into_one_write)
{
    ULONG Writes;
    ULONG Page;

    Begin(PAGE_READWRITE);
    for (Page = 0; Page < PAGES; Page++) {
        Mark(Page, (UCHAR)Page);
    }
    Writes = MiFileWriteFigures.Writes;
    CHECK_EQUAL(STATUS_SUCCESS, Flush(0, 0));
    CHECK_EQUAL(Writes + 2, MiFileWriteFigures.Writes); /* 16 and 8 pages */
    End();
}

TEST(FileFlush_that_fails_says_so_and_can_be_repeated)
{
    Begin(PAGE_READWRITE);
    Mark(2, 0xF6);
    Mark(3, 0xF7);
    IoDisk.FailAt[DiskWrite] = 1; /* the write of both; then each is tried */
    CHECK_EQUAL(STATUS_SUCCESS, Flush(0, 0));
    CHECK_EQUAL(0xF7, OnDisk(0xF7));
    Mark(2, 0xF8);
    IoDisk.FailFrom = 1;
    CHECK(!NT_SUCCESS(Flush(0, 0)));
    MiVerifyAll();
    IoDisk.FailFrom = 0;
    CHECK(OnDisk(0xF8) != 0xF8);
    CHECK_EQUAL(STATUS_SUCCESS, Flush(0, 0));
    CHECK_EQUAL(0xF8, OnDisk(0xF8));
    End();
}

TEST(FileFlush_says_so_when_a_page_has_too_many_references)
{
    PFN_NUMBER Frame;
    ULONG Count = 0;
    KIRQL OldIrql;

    Begin(PAGE_READWRITE);
    Mark(2, 0xF9);
    OldIrql = MiLockPfn();
    Frame = MiReadPte(MiGetPteAddress((ULONG_PTR)View + 2 * PAGE_SIZE)).Hard.PageFrameNumber;
    while (NT_SUCCESS(MiReferenceFrame(Frame))) {
        Count++;
    }
    MiUnlockPfn(OldIrql);
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, Flush(0, 0));
    OldIrql = MiLockPfn();
    while (Count-- != 0) {
        MiDereferenceFrame(Frame);
    }
    MiUnlockPfn(OldIrql);
    CHECK_EQUAL(STATUS_SUCCESS, Flush(0, 0));
    CHECK_EQUAL(0xF9, OnDisk(0xF9));
    End();
}

TEST(FileFlush_a_purge_forgets_what_nobody_maps)
{
    Begin(PAGE_READWRITE);
    CHECK_EQUAL(IoWorldByte(2 * PAGE_SIZE, 3), FileSectionRead(View + 2 * PAGE_SIZE));
    CHECK(!Purge(0, 4)); /* the process has it */
    FileSectionTrim();
    CHECK(Purge(0, 0));
    CHECK(Pointers->DataSectionObject != NULL);
    CHECK_EQUAL(0, ((PCONTROL_AREA)Pointers->DataSectionObject)->NumberOfPfnReferences);
    CHECK_EQUAL(IoWorldByte(2 * PAGE_SIZE, 3), FileSectionRead(View + 2 * PAGE_SIZE));
    MiVerifyAll();
    End();
}

TEST(FileFlush_a_purge_keeps_what_a_user_wrote_since_the_flush)
{
    Begin(PAGE_READWRITE);
    Mark(2, 0xF1);
    CHECK_EQUAL(STATUS_SUCCESS, Flush(0, 0));
    Mark(2, 0xF9);
    FileSectionTrim(); /* nobody has it mapped now */
    CHECK(!Purge(0, 4));
    CHECK_EQUAL(0xF9, FileSectionRead(View + 2 * PAGE_SIZE));
    CHECK_EQUAL(STATUS_SUCCESS, Flush(0, 0));
    CHECK_EQUAL(0xF9, OnDisk(0xF9));
    FileSectionTrim();
    CHECK(Purge(0, 4)); /* it is clean */
    MiVerifyAll();
    End();
}

TEST(FileFlush_a_purge_forgets_writes_that_no_user_can_see)
{
    Begin(PAGE_READWRITE);
    ObReferenceObject(NtWorldFile(File));
    Mark(2, 0xF9);
    FileSectionUnmap(View);
    CHECK(!Purge(0, 4)); /* there is a section object */
    ObDereferenceObject(Section);
    CHECK_EQUAL(1, MiMappedModifiedList.Total);
    CHECK(Purge(0, 0));
    CHECK_EQUAL(0, MiMappedModifiedList.Total);
    View = NULL;
    ObDereferenceObject(NtWorldFile(File));
    Section = FileSectionOpen(File, 0, PAGE_READWRITE);
    End();
}

TEST(FileFlush_a_file_is_not_cut_below_a_users_section)
{
    LARGE_INTEGER Size = {.QuadPart = PAGES * PAGE_SIZE - 1};

    Begin(PAGE_READWRITE);
    CHECK(MmCanFileBeTruncated(Pointers, &Size));
    Size.QuadPart = (PAGES - 1) * PAGE_SIZE;
    CHECK(!MmCanFileBeTruncated(Pointers, &Size));
    CHECK(!MmCanFileBeTruncated(Pointers, NULL));
    FileSectionUnmap(View);
    View = NULL;
    CHECK(!MmCanFileBeTruncated(Pointers, &Size));
    ObDereferenceObject(Section);
    CHECK(MmCanFileBeTruncated(Pointers, &Size));
    Section = FileSectionOpen(File, 0, PAGE_READWRITE);
    End();
}

TEST(FileFlush_a_file_that_nobody_maps_is_let_go_of)
{
    Begin(PAGE_READWRITE);
    Mark(0, 0xFA);
    CHECK(!MmForceSectionClosed(Pointers, TRUE));
    FileSectionUnmap(View);
    View = NULL;
    CHECK(!MmForceSectionClosed(Pointers, TRUE)); /* there is a section object */
    ObDereferenceObject(Section);
    CHECK(MmForceSectionClosed(Pointers, TRUE));
    CHECK_EQUAL(0xFA, OnDisk(0xFA));
    CHECK_EQUAL(0, (ULONG_PTR)Pointers->DataSectionObject);
    Section = FileSectionOpen(File, 0, PAGE_READWRITE);
    End();
}

/* ---- NtFlushVirtualMemory ---- */

static NTSTATUS FlushView(ULONG_PTR Va, SIZE_T Bytes)
{
    PVOID Base = (PVOID)Va;

    return NtFlushVirtualMemory(NtCurrentProcess(), &Base, &Bytes, &Iosb);
}

TEST(FileFlush_of_virtual_memory_writes_a_part_of_a_view)
{
    PVOID Base;
    SIZE_T Bytes = 1;

    Begin(PAGE_READWRITE);
    Mark(2, 0xFB);
    Mark(3, 0xFC);
    Base = View + 2 * PAGE_SIZE + 7;
    CHECK_EQUAL(STATUS_SUCCESS, NtFlushVirtualMemory(NtCurrentProcess(), &Base, &Bytes, &Iosb));
    CHECK_EQUAL(PAGE_SIZE, Bytes);
    CHECK_EQUAL((ULONG_PTR)View + 2 * PAGE_SIZE, (ULONG_PTR)Base);
    CHECK_EQUAL(0xFB, OnDisk(0xFB));
    CHECK(OnDisk(0xFC) != 0xFC);
    CHECK_EQUAL(STATUS_SUCCESS, FlushView((ULONG_PTR)View, 0));
    CHECK_EQUAL(0xFC, OnDisk(0xFC));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_2, FlushView(0x80000000u, 0));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_3, FlushView((ULONG_PTR)View, 0x80000000u));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_3, FlushView((ULONG_PTR)View, (PAGES + 1) * PAGE_SIZE));
    CHECK_EQUAL(STATUS_NOT_MAPPED_VIEW, FlushView(0x70000000u, 1));
    CHECK_EQUAL(STATUS_NOT_MAPPED_DATA, FlushView((ULONG_PTR)NtUser, 1));
    End();
}

/* ---- NtExtendSection ---- */

TEST(FileFlush_a_section_that_is_extended_makes_its_file_longer)
{
    LARGE_INTEGER Size = {.QuadPart = (PAGES + 9) * PAGE_SIZE + 11};
    HANDLE Handle = NULL;

    Begin(PAGE_READWRITE);
    CHECK_EQUAL(STATUS_SUCCESS, NtCreateSection(&Handle, SECTION_ALL_ACCESS, NULL, NULL,
                                                PAGE_READWRITE, SEC_COMMIT, File));
    CHECK_EQUAL(STATUS_SUCCESS, NtExtendSection(Handle, &Size));
    CHECK_EQUAL((PAGES + 9) * PAGE_SIZE + 11, NtWorldSize(File));
    Size.QuadPart = 1;
    CHECK_EQUAL(STATUS_SUCCESS, NtExtendSection(Handle, &Size));
    CHECK_EQUAL((PAGES + 9) * PAGE_SIZE + 11, Size.QuadPart);
    NtWorldClose(Handle);
    CHECK_EQUAL(STATUS_SUCCESS, NtCreateSection(&Handle, SECTION_ALL_ACCESS, NULL, NULL,
                                                PAGE_READONLY, SEC_COMMIT, File));
    Size.QuadPart = (PAGES + 90) * PAGE_SIZE;
    CHECK_EQUAL(STATUS_SECTION_NOT_EXTENDED, NtExtendSection(Handle, &Size));
    NtWorldClose(Handle);
    End();
}

/* ---- MEM_RESERVE: views that are longer than the section ---- */

#define LONG_PAGES (PAGES + 40u)

static ULONG StateOf(const UCHAR *Va)
{
    MEMORY_BASIC_INFORMATION Page;

    CHECK_EQUAL(STATUS_SUCCESS,
                NtQueryVirtualMemory(NtCurrentProcess(), (PVOID)(ULONG_PTR)Va,
                                     MemoryBasicInformation, &Page, sizeof(Page), NULL));
    return Page.State;
}

static NTSTATUS ReserveFrom(PVOID Of, ULONG Page, ULONG Type, ULONG Protect, PUCHAR *Va)
{
    LARGE_INTEGER Offset = {.QuadPart = (LONGLONG)Page * PAGE_SIZE};
    SIZE_T Bytes = LONG_PAGES * PAGE_SIZE;
    PVOID Base = NULL;
    NTSTATUS Status = MmMapViewOfSection(Of, PsGetCurrentProcess(), &Base, 0, 0, &Offset, &Bytes,
                                         ViewShare, Type, Protect);

    *Va = Base;
    return Status;
}

static NTSTATUS Reserve(PVOID Of, ULONG Type, ULONG Protect, PUCHAR *Va)
{
    return ReserveFrom(Of, 0, Type, Protect, Va);
}

static void Lengthen(ULONG Pages)
{
    LARGE_INTEGER Size = {.QuadPart = (LONGLONG)Pages * PAGE_SIZE - 5};
    HANDLE Handle;

    CHECK_EQUAL(STATUS_SUCCESS, NtCreateSection(&Handle, SECTION_ALL_ACCESS, NULL, NULL,
                                                PAGE_READWRITE, SEC_COMMIT, File));
    CHECK_EQUAL(STATUS_SUCCESS, NtExtendSection(Handle, &Size));
    NtWorldClose(Handle);
}

TEST(MapView_that_is_reserved_becomes_memory_as_the_section_is_extended)
{
    PUCHAR Long;
    UCHAR Byte = 0;

    Begin(PAGE_READWRITE);
    CHECK_EQUAL(STATUS_INVALID_VIEW_SIZE, Reserve(Section, 0, PAGE_READWRITE, &Long));
    CHECK_EQUAL(STATUS_SUCCESS, Reserve(Section, MEM_RESERVE, PAGE_READWRITE, &Long));
    FileSectionWrite(Long + (PAGES - 1) * PAGE_SIZE, 0x31);
    CHECK_EQUAL(0x31, FileSectionRead(View + (PAGES - 1) * PAGE_SIZE));
    CHECK_EQUAL(MEM_COMMIT, StateOf(Long + (PAGES - 1) * PAGE_SIZE));
    CHECK_EQUAL(MEM_RESERVE, StateOf(Long + PAGES * PAGE_SIZE));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, MmCopyToUser(Long + PAGES * PAGE_SIZE, &Byte, 1, NULL));
    MiVerifyAll();
    Lengthen(PAGES + 8);
    CHECK_EQUAL(MEM_COMMIT, StateOf(Long + (PAGES + 7) * PAGE_SIZE));
    CHECK_EQUAL(MEM_RESERVE, StateOf(Long + (PAGES + 8) * PAGE_SIZE));
    FileSectionWrite(Long + (PAGES + 7) * PAGE_SIZE, 0x32);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION,
                MmCopyFromUser(&Byte, Long + (PAGES + 8) * PAGE_SIZE, 1, NULL));
    CHECK_EQUAL(0x32, FileSectionByBytes(File, (PAGES + 7) * PAGE_SIZE));
    Lengthen(LONG_PAGES + 10);
    FileSectionWrite(Long + (LONG_PAGES - 1) * PAGE_SIZE, 0x33);
    FileSectionPageOut();
    MiVerifyAll();
    CHECK_EQUAL(0x33, FileSectionRead(Long + (LONG_PAGES - 1) * PAGE_SIZE));
    CHECK_EQUAL(0x33, FileSectionByBytes(File, (LONG_PAGES - 1) * PAGE_SIZE));
    FileSectionUnmap(Long);
    End();
}

/* A segment may be longer than the section: it is the cache's, too, or another section's. */
TEST(MapView_that_is_reserved_ends_where_its_section_does)
{
    PSECTION Longer;
    PUCHAR Other;
    PUCHAR Long;
    PVOID Base;
    SIZE_T Bytes = 0;
    ULONG Before;
    UCHAR Byte;

    Begin(PAGE_READWRITE);
    Longer = FileSectionOpen(File, LONG_PAGES * PAGE_SIZE, PAGE_READWRITE);
    CHECK_EQUAL(STATUS_SUCCESS, Reserve(Section, MEM_RESERVE, PAGE_READWRITE, &Long));
    (void)FileSectionRead(Long + (PAGES - 1) * PAGE_SIZE); /* its neighbours come along */
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, MmCopyFromUser(&Byte, Long + PAGES * PAGE_SIZE, 1, NULL));
    CHECK_EQUAL(STATUS_SECTION_NOT_EXTENDED,
                (Base = Long + PAGES * PAGE_SIZE, Bytes = PAGE_SIZE,
                 NtAllocateVirtualMemory(NtCurrentProcess(), &Base, 0, &Bytes, MEM_COMMIT,
                                         PAGE_READWRITE)));
    Other = FileSectionMap(Longer, PAGE_READWRITE);
    FileSectionWrite(Other + (PAGES + 1) * PAGE_SIZE, 0x36); /* stays modified */
    FileSectionWrite(Long, 0x35);
    Before = Written();
    Base = Long;
    Bytes = 0; /* all of the view, also what is not there */
    CHECK_EQUAL(STATUS_SUCCESS, NtFlushVirtualMemory(NtCurrentProcess(), &Base, &Bytes, &Iosb));
    CHECK_EQUAL(Before + 1, Written());
    Base = Long + (PAGES + 1) * PAGE_SIZE;
    Bytes = PAGE_SIZE;
    CHECK_EQUAL(STATUS_SUCCESS, NtFlushVirtualMemory(NtCurrentProcess(), &Base, &Bytes, &Iosb));
    CHECK_EQUAL(Before + 1, Written());
    MiVerifyAll();
    FileSectionUnmap(Other);
    FileSectionUnmap(Long);
    ObDereferenceObject(Longer);
    End();
}

TEST(MapView_that_is_reserved_counts_from_where_it_begins)
{
    LARGE_INTEGER Size = {.QuadPart = 2 * PAGE_SIZE};
    HANDLE Shorter;
    PUCHAR Long;

    Begin(PAGE_READWRITE);
    CHECK_EQUAL(STATUS_SUCCESS, NtCreateSection(&Shorter, SECTION_ALL_ACCESS, NULL, &Size,
                                                PAGE_READWRITE, SEC_COMMIT, File));
    CHECK_EQUAL(STATUS_SUCCESS, ReserveFrom(Section, 16, MEM_RESERVE, PAGE_READWRITE, &Long));
    CHECK_EQUAL(MEM_COMMIT, StateOf(Long + (PAGES - 17) * PAGE_SIZE));
    CHECK_EQUAL(MEM_RESERVE, StateOf(Long + (PAGES - 16) * PAGE_SIZE));
    Lengthen(PAGES + 8);
    CHECK_EQUAL(MEM_COMMIT, StateOf(Long + (PAGES - 9) * PAGE_SIZE));
    CHECK_EQUAL(MEM_RESERVE, StateOf(Long + (PAGES - 8) * PAGE_SIZE));
    for (Size.QuadPart = 4 * PAGE_SIZE; Size.QuadPart <= 20 * PAGE_SIZE;
         Size.QuadPart += 16 * PAGE_SIZE) { /* ends before the view, then in it */
        CHECK_EQUAL(STATUS_SUCCESS, NtExtendSection(Shorter, &Size));
        CHECK_EQUAL(MEM_COMMIT, StateOf(Long + (PAGES - 9) * PAGE_SIZE));
        CHECK_EQUAL(MEM_RESERVE, StateOf(Long + (PAGES - 8) * PAGE_SIZE));
    }
    MiVerifyAll();
    FileSectionUnmap(Long);
    NtWorldClose(Shorter);
    End();
}

TEST(MapView_with_MEM_RESERVE_is_for_shared_writable_views_of_a_files_data)
{
    PSECTION Paging = NULL;
    PSECTION Based = NULL;
    LARGE_INTEGER Size = {.QuadPart = PAGE_SIZE};
    PUCHAR Long;

    Begin(PAGE_READWRITE);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_9, Reserve(Section, MEM_RESERVE, PAGE_READONLY, &Long));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_9, Reserve(Section, MEM_RESERVE, PAGE_WRITECOPY, &Long));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_9,
                Reserve(Section, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE, &Long));
    CHECK_EQUAL(STATUS_SUCCESS, MmCreateSection((PVOID *)&Paging, SECTION_ALL_ACCESS, NULL, &Size,
                                                PAGE_READWRITE, SEC_COMMIT, NULL, NULL));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_9, Reserve(Paging, MEM_RESERVE, PAGE_READWRITE, &Long));
    ObDereferenceObject(Paging);
    CHECK_EQUAL(STATUS_SUCCESS,
                MmCreateSection((PVOID *)&Based, SECTION_ALL_ACCESS, NULL, NULL, PAGE_READWRITE,
                                SEC_COMMIT | SEC_BASED, File, NULL));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER_9, Reserve(Based, MEM_RESERVE, PAGE_READWRITE, &Long));
    ObDereferenceObject(Based);
    End();
}

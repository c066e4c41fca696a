/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/section/mapped_writer.c: what wakes the writer, when it stops, how it waits while
 * nothing can be written.
 */
#include "disk/fat/fsd_i.h"
#include "fsrtl.h"
#include "mm/fault/fault.h"
#include "mm/pfn/memory_events.h"
#include "mm/pfn/pfn_list.h"
#include "mm/section/file_write.h"
#include "mm/section/mapped_writer.h"
#include "tests/unit/file_section_world.h"

#define SECOND 10000000ll

static HANDLE File;
static PSECTION Section;
static PUCHAR View;

static void Begin(void)
{
    MmWorldNextUnforced();
    FileSectionStart();
    CHECK_EQUAL(STATUS_SUCCESS, MiStartMappedWriter());
    File = FileSectionMakeFile(u"\\??\\C:\\A.BIN", 1, 1);
    Section = FileSectionOpen(File, 100 * PAGE_SIZE, PAGE_READWRITE);
    View = FileSectionMap(Section, PAGE_READWRITE);
}

static void End(void)
{
    MiStopMappedWriter();
    FileSectionUnmap(View);
    ObDereferenceObject(Section);
    NtWorldClose(File);
    FileSectionFinish();
}

static void Sleep(LONGLONG Time)
{
    LARGE_INTEGER Interval = {.QuadPart = -Time};

    KeDelayExecutionThread(KernelMode, FALSE, &Interval);
}

static void Modify(ULONG First, ULONG Pages)
{
    ULONG i;

    for (i = First; i < First + Pages; i++) {
        FileSectionWrite(View + i * PAGE_SIZE, (UCHAR)i);
    }
    FileSectionTrim();
}

TEST(The_mapped_writer_leaves_pages_alone_for_half_a_minute)
{
    Begin();
    Modify(0, 3);
    Sleep(20 * SECOND);
    CHECK_EQUAL(3, MiMappedModifiedList.Total);
    Sleep(12 * SECOND);
    CHECK_EQUAL(0, MiMappedModifiedList.Total);
    CHECK_EQUAL(1, MiFileWriteFigures.Writes);
    CHECK_EQUAL(3, MiFileWriteFigures.Pages);
    End();
}

TEST(The_mapped_writer_starts_when_its_list_is_long_and_leaves_a_part)
{
    ULONG Threshold;

    Begin();
    Threshold = 20;
    MiSetModifiedThreshold(MiModifiedMapped, Threshold, MiWakeMappedWriter);
    Modify(0, 19);
    Sleep(SECOND / 10);
    CHECK_EQUAL(19, MiMappedModifiedList.Total);
    Modify(50, 1);
    Sleep(SECOND / 10);
    CHECK(MiMappedModifiedList.Total <= 5);
    End();
}

TEST(The_mapped_writer_writes_all_when_memory_is_low)
{
    Begin();
    Modify(7, 2);
    MiSetMemoryThresholds(4000, 4090);
    CHECK(MiMemoryConditionHolds(MiLowMemory));
    MiWakeMappedWriter();
    Sleep(SECOND / 10);
    CHECK_EQUAL(0, MiMappedModifiedList.Total);
    End();
}

TEST(The_mapped_writer_waits_longer_and_longer_for_a_disk_that_fails)
{
    ULONG Writes;

    Begin();
    Modify(0, 1);
    MiSetMemoryThresholds(4000, 4090);
    IoDisk.FailFrom = 1;
    MiWakeMappedWriter();
    Sleep(16 * SECOND);
    Writes = MiFileWriteFigures.FailedWrites;
    CHECK(Writes >= 4 && Writes < 12);
    CHECK_EQUAL(1, MiMappedModifiedList.Total);
    IoDisk.FailFrom = 0;
    Sleep(9 * SECOND);
    CHECK_EQUAL(0, MiMappedModifiedList.Total);
    End();
}

/* => It waits for eight seconds from now on, and the disk is well again. */
static void FailForLong(void)
{
    Modify(0, 1);
    MiSetMemoryThresholds(4000, 4090);
    IoDisk.FailFrom = 1;
    MiWakeMappedWriter();
    Sleep(16 * SECOND);
    CHECK_EQUAL(1, MiMappedModifiedList.Total);
    IoDisk.FailFrom = 0;
    MiWakeMappedWriter();
    Sleep(SECOND);
    CHECK_EQUAL(1, MiMappedModifiedList.Total); /* whoever wakes it */
}

TEST(The_mapped_writer_tries_again_when_a_flush_was_written)
{
    const PSECTION_OBJECT_POINTERS *Pointers;
    LARGE_INTEGER Offset = {.QuadPart = 50 * PAGE_SIZE};
    IO_STATUS_BLOCK Done;

    Begin();
    Pointers = &NtWorldFile(File)->SectionObjectPointer;
    FailForLong();
    CHECK_EQUAL(STATUS_SUCCESS, MmFlushSection(*Pointers, &Offset, PAGE_SIZE, &Done));
    Sleep(SECOND);
    CHECK_EQUAL(1, MiMappedModifiedList.Total); /* there was nothing to write */
    FileSectionWrite(View + 50 * PAGE_SIZE, 50);
    CHECK_EQUAL(STATUS_SUCCESS, MmFlushSection(*Pointers, &Offset, PAGE_SIZE, &Done));
    Sleep(SECOND / 10);
    CHECK_EQUAL(0, MiMappedModifiedList.Total);
    End();
}

TEST(The_mapped_writer_does_not_try_again_when_a_flush_failed)
{
    ULONG Failed;
    LARGE_INTEGER Offset = {.QuadPart = 50 * PAGE_SIZE};
    IO_STATUS_BLOCK Done;

    Begin();
    FailForLong();
    FileSectionWrite(View + 50 * PAGE_SIZE, 50);
    Failed = MiFileWriteFigures.FailedWrites;
    IoDisk.FailFrom = 1;
    CHECK(!NT_SUCCESS(
        MmFlushSection(NtWorldFile(File)->SectionObjectPointer, &Offset, PAGE_SIZE, &Done)));
    Sleep(SECOND / 10);
    CHECK_EQUAL(Failed + 1, MiFileWriteFigures.FailedWrites); /* the flush's alone */
    IoDisk.FailFrom = 0;
    End();
}

TEST(The_mapped_writer_tries_again_for_who_waits_for_memory)
{
    MM_STOP Stop;

    Begin();
    FailForLong();
    CHECK(MiWaitForMemory(&Stop));
    Sleep(SECOND / 10);
    CHECK_EQUAL(0, MiMappedModifiedList.Total);
    End();
}

/* What can be written does not wait for each page in turn that cannot. */
TEST(The_mapped_writer_goes_past_pages_that_cannot_be_written)
{
    HANDLE Bad = NULL;
    PSECTION BadSection;
    PUCHAR BadView;
    PFAT_FCB Fcb;
    ULONG i;

    Begin();
    Bad = FileSectionMakeFile(u"\\??\\C:\\B.BIN", 1, 1);
    BadSection = FileSectionOpen(Bad, 20 * PAGE_SIZE, PAGE_READWRITE);
    BadView = FileSectionMap(BadSection, PAGE_READWRITE);
    Fcb = NtWorldFile(Bad)->FsContext;
    for (i = 0; i < 20; i += 2) {
        FileSectionWrite(BadView + i * PAGE_SIZE, 1);
    }
    FileSectionTrim();
    Modify(0, 20);
    CHECK_EQUAL(30, MiMappedModifiedList.Total);
    FatPermitPages(Fcb, STATUS_IO_DEVICE_ERROR);
    MiSetMemoryThresholds(4000, 4090);
    MiWakeMappedWriter();
    Sleep(3 * SECOND);
    CHECK_EQUAL(10, MiMappedModifiedList.Total);
    CHECK_EQUAL(20, MiFileWriteFigures.Pages);
    CHECK(MiFileWriteFigures.FailedWrites < 200); /* it waits, too */
    FatPermitPages(Fcb, STATUS_SUCCESS);
    FileSectionUnmap(BadView);
    ObDereferenceObject(BadSection);
    NtWorldClose(Bad);
    End();
}

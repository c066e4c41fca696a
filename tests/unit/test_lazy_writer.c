/* SPDX-License-Identifier: MIT */
/*
 * test_lazy_writer.c - a round writes its share, of every file in turn, and never loses anything.
 */
#include "tests/unit/cc_world.h"

#include <string.h>

#define MB 0x100000u

/* Dirtied counts as produced; a round without anything new takes an eighth. */
static void ForgetWhatIsNew(void)
{
    ULONG Threshold = CcTotalDirtyPages;

    CcWorldRefuses = TRUE;
    (void)CciLazyWriteRound();
    CcWorldRefuses = FALSE;
    CHECK_EQUAL(Threshold, CcTotalDirtyPages);
}

TEST(A_round_writes_an_eighth_of_what_is_dirty)
{
    CC_WORLD_FILE *File;

    CcWorldStart();
    File = CcWorldOpen(0, MB);
    CHECK_EQUAL(0, CciLazyWriteRound());
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, 0, MB, 0x11));
    ForgetWhatIsNew();
    CHECK_EQUAL(32, CciLazyWriteRound());
    CHECK(CcWorldDiskIs(File, 0, 32 * PAGE_SIZE, 0x11));
    CHECK_EQUAL(28, CciLazyWriteRound());
    CHECK(CcWorldDiskIs(File, 0, 60 * PAGE_SIZE, 0x11));
    MiVerifyAll();
    while (CcTotalDirtyPages != 0) {
        CHECK(CciLazyWriteRound() >= (CcTotalDirtyPages == 0 ? 0 : 8));
    }
    CHECK(CcWorldDiskIs(File, 0, MB, 0x11));
    CcWorldClose(File, 0);
    CcWorldFinish();
}

TEST(A_round_keeps_up_with_what_becomes_dirty)
{
    CC_WORLD_FILE *File;

    CcWorldStart();
    File = CcWorldOpen(0, MB);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, 0, MB / 2, 0x11));
    ForgetWhatIsNew();
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, MB / 2, 100 * PAGE_SIZE, 0x11));
    CHECK_EQUAL(100, CciLazyWriteRound());
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CcWorldClose(File, 0);
    CcWorldFinish();
}

TEST(Files_take_turns_and_a_file_goes_on_where_it_was_left)
{
    CC_WORLD_FILE *A;
    CC_WORLD_FILE *B;

    CcWorldStart();
    A = CcWorldOpen(0, MB);
    B = CcWorldOpen(1, MB);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(A, 0, 32 * PAGE_SIZE, 0x11));
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(B, 0, 32 * PAGE_SIZE, 0x22));
    ForgetWhatIsNew();
    CHECK_EQUAL(8, CciLazyWriteRound());
    CHECK_EQUAL(8, CciLazyWriteRound());
    CHECK(CcWorldDiskIs(A, 0, 8 * PAGE_SIZE, 0x11));
    CHECK(CcWorldDiskIs(B, 0, 8 * PAGE_SIZE, 0x22));
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(A));
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(B));
    CcWorldClose(A, 0);
    CcWorldClose(B, 0);
    CcWorldFinish();
}

TEST(Temporary_files_and_those_without_write_behind_are_left_alone_until_they_are_closed)
{
    CC_WORLD_FILE *A;
    CC_WORLD_FILE *B;

    CcWorldStart();
    A = CcWorldOpen(0, MB);
    B = CcWorldOpen(1, MB);
    A->Object[0]->Flags |= FO_TEMPORARY_FILE;
    CcSetAdditionalCacheAttributes(B->Object[0], FALSE, TRUE);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(A, 0, 1, 0x11));
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(B, 0, 1, 0x22));
    CHECK_EQUAL(0, CciLazyWriteRound());
    CcWorldClose(A, 0);
    CHECK_EQUAL(1, CciLazyWriteRound());
    CHECK_EQUAL(0x11, A->Disk[0]);
    CcWorldClose(B, 0);
    CHECK_EQUAL(1, CciLazyWriteRound());
    CHECK_EQUAL(0x22, B->Disk[0]);
    CcWorldFinish();
}

TEST(A_delayed_write_that_fails_says_so_and_is_tried_again)
{
    static WCHAR Name[] = {'\\', 'd', 'a', 't', 'a'};
    CC_WORLD_FILE *File;

    CcWorldStart();
    File = CcWorldOpen(0, MB);
    File->Object[0]->FileName = (UNICODE_STRING){sizeof(Name), sizeof(Name), Name};
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, 2 * PAGE_SIZE, PAGE_SIZE, 0x11));
    HostConsoleClear();
    CcWorldFail[CcWorldFlush] = (CC_WORLD_FAILURE){1, 2};
    CHECK_EQUAL(0, CciLazyWriteRound());
    CHECK(strstr(HostConsoleText(), "Delayed write failed: \\data, offset 2000, status C0000185") !=
          NULL);
    CHECK_EQUAL(1, CcTotalDirtyPages);
    HostConsoleClear();
    CHECK_EQUAL(0, CciLazyWriteRound());
    CHECK_TEXT("", HostConsoleText()); /* once is enough */
    CHECK_EQUAL(1, CciLazyWriteRound());
    CHECK(strstr(HostConsoleText(), "succeeded again: \\data") != NULL);
    CHECK(CcWorldDiskIs(File, 2 * PAGE_SIZE, PAGE_SIZE, 0x11));
    CcWorldClose(File, 0);
    CcWorldFinish();
}

TEST(A_place_that_cannot_be_written_does_not_keep_the_rest_of_the_file)
{
    CC_WORLD_FILE *File;
    ULONG i;

    CcWorldStart();
    File = CcWorldOpen(0, MB);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, 0, 1, 0x11));
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, MB - 1, 1, 0x11));
    CcWorldFail[CcWorldFlush] = (CC_WORLD_FAILURE){1, 1};
    (void)CciLazyWriteRound();
    CHECK_EQUAL(2, CcTotalDirtyPages);
    CcWorldFail[CcWorldFlush] = (CC_WORLD_FAILURE){2, 1}; /* the first page comes second now */
    (void)CciLazyWriteRound();
    CHECK_EQUAL(1, CcTotalDirtyPages);
    CHECK_EQUAL(0x11, File->Disk[MB - 1]);
    for (i = 0; i < 3 && CcTotalDirtyPages != 0; i++) {
        (void)CciLazyWriteRound();
    }
    CHECK_EQUAL(0x11, File->Disk[0]);
    CcWorldClose(File, 0);
    CcWorldFinish();
}

static void Sleep(ULONG Milliseconds)
{
    LARGE_INTEGER Interval = {.QuadPart = -(LONGLONG)Milliseconds * 10000};

    KeDelayExecutionThread(KernelMode, FALSE, &Interval);
}

TEST(The_lazy_writers_thread_works_each_second_and_when_asked)
{
    CC_WORLD_FILE *File;

    CcWorldStartThreads();
    File = CcWorldOpen(0, MB);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, 0, 1, 0x11));
    Sleep(500);
    CHECK_EQUAL(CcWorldByte(0), File->Disk[0]);
    Sleep(700);
    CHECK_EQUAL(0x11, File->Disk[0]);
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, 0, 1, 0x22));
    CHECK_EQUAL(STATUS_SUCCESS, CcWaitForCurrentLazyWriterActivity());
    CHECK_EQUAL(0x22, File->Disk[0]);
    CcWorldClose(File, 0);
    CcWorldFinish();
}

TEST(The_lazy_writer_that_was_stopped_writes_nothing_and_holds_nobody_back)
{
    CC_WORLD_FILE *File;

    CcWorldStartThreads();
    File = CcWorldOpen(0, MB);
    CcStopLazyWriter();
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFill(File, 0, 40 * PAGE_SIZE, 0x11));
    CcSetDirtyPageThreshold(File->Object[0], 4);
    CHECK(CcCanIWrite(File->Object[0], MB, TRUE, FALSE));
    Sleep(3000);
    CHECK_EQUAL(CcWorldByte(0), File->Disk[0]);
    CHECK_EQUAL(STATUS_SUCCESS, CcWaitForCurrentLazyWriterActivity()); /* there is none */
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(File));
    CHECK_EQUAL(0x11, File->Disk[0]);
    CcStopLazyWriter();
    CcWorldClose(File, 0);
    CcWorldFinish();
}

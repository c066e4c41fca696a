/* SPDX-License-Identifier: MIT */
/*
 * test_fat_fsd_times.c - which times and attributes a file has when it was changed, by whom and
 * how: disk/fat/fsd_information.c, fsd_valid.c, fsd_file.c.
 */
#include "disk/fat/fsd_i.h"
#include "mm/cc/dirty.h"
#include "mm/cc/lazy_writer.h"
#include "tests/unit/file_cache_world.h"

#include <string.h>

static PFILE_OBJECT File;

static void Start(void)
{
    FcWorldStart(&IoWorldFat16, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", TRUE, &File));
}

static void Finish(void)
{
    IoCloseFile(File);
    FcWorldFinish();
}

static void Write(ULONG Offset, ULONG Bytes, UCHAR Value)
{
    memset(IoBuffer, Value, Bytes);
    CHECK_EQUAL(STATUS_SUCCESS, IoWriteFile(File, Offset, IoBuffer, Bytes));
}

static ULONG SizeOf(PFILE_OBJECT Object)
{
    ULONG64 Bytes = 0;

    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileSize(Object, &Bytes));
    return (ULONG)Bytes;
}

static void WriteAllLazily(void)
{
    while (CcTotalDirtyPages != 0) {
        CHECK(CciLazyWriteRound() != 0);
    }
}

static const LARGE_INTEGER OldTime = {.QuadPart = 125000000000000000ll};

static LONGLONG WriteTime(void)
{
    FILE_BASIC_INFORMATION Basic = {.FileAttributes = 0};
    ULONG Returned;

    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileInformation(File, FileBasicInformation, sizeof(Basic),
                                                       &Basic, &Returned));
    return Basic.LastWriteTime.QuadPart;
}

static void SetOldTime(void)
{
    FILE_BASIC_INFORMATION Basic = {.LastWriteTime = OldTime};

    CHECK_EQUAL(STATUS_SUCCESS,
                IoSetInformation(File, FileBasicInformation, sizeof(Basic), &Basic));
}

TEST(File_that_a_view_wrote_to_has_the_time_at_which_its_pages_were_written)
{
    Start();
    Write(0, 5000, 0x11);
    CHECK_EQUAL(STATUS_SUCCESS, IoFlushFile(File));
    SetOldTime();
    CHECK_EQUAL(STATUS_SUCCESS, IoFlushFile(File));
    IoCloseFile(File);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", TRUE, &File));
    CHECK(WriteTime() == OldTime.QuadPart);
    FcWorldMap(File);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldPoke(File, 100, 0x22));
    CHECK(WriteTime() == OldTime.QuadPart);
    FcWorldTrim();
    CHECK(WriteTime() != OldTime.QuadPart);
    FcWorldUnmap(File);
    SetOldTime();
    IoCloseFile(File);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", TRUE, &File));
    CHECK(WriteTime() == OldTime.QuadPart);
    Finish();
}

TEST(Time_that_the_user_set_stays_when_what_a_view_wrote_before_is_written)
{
    Start();
    Write(0, 5000, 0x11);
    CHECK_EQUAL(STATUS_SUCCESS, IoFlushFile(File));
    FcWorldMap(File);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldPoke(File, 100, 0x22));
    SetOldTime();
    FcWorldTrim();
    CHECK(WriteTime() == OldTime.QuadPart);
    FcWorldUnmap(File);
    Finish();
}

TEST(Time_that_the_user_set_stays_when_the_cache_is_written)
{
    Start();
    Write(0, 5000, 0x11);
    SetOldTime();
    IoCloseFile(File);
    WriteAllLazily();
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", TRUE, &File));
    CHECK(WriteTime() == OldTime.QuadPart);
    Write(0, 10, 0x22);
    IoCloseFile(File);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", TRUE, &File));
    CHECK(WriteTime() != OldTime.QuadPart);
    Finish();
}

/* => The file has clusters, none of which it needs, and an old time; two openings, one's is 0. */
static PFILE_OBJECT EmptyWithClusters(void)
{
    PFILE_OBJECT Other;

    Start();
    Write(0, 100, 0x11);
    Write(100, 5000, 0x22);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", TRUE, &Other));
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, 0));
    SetOldTime();
    return Other;
}

TEST(Clusters_that_a_file_gives_back_change_no_time)
{
    PFILE_OBJECT Other = EmptyWithClusters();
    PFAT_FCB Fcb = File->FsContext;

    CHECK(Fcb->File.Clusters != 0);
    IoCloseFile(File);
    IoCloseFile(Other);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", TRUE, &File));
    CHECK_EQUAL(0, ((PFAT_FCB)File->FsContext)->File.Clusters);
    CHECK(WriteTime() == OldTime.QuadPart);
    Finish();
}

TEST(Size_that_was_set_in_memory_is_told_by_the_time_when_its_opening_is_closed)
{
    PFILE_OBJECT Other = EmptyWithClusters();

    CHECK_EQUAL(STATUS_SUCCESS, IoWriteFile(Other, 0, IoBuffer, 100));
    SetOldTime();
    IoCloseFile(Other);
    CHECK(WriteTime() != OldTime.QuadPart);
    SetOldTime();
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, 50));
    IoCloseFile(File);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", TRUE, &File));
    CHECK(WriteTime() != OldTime.QuadPart);
    Finish();
}

TEST(Overwriting_an_empty_file_gives_it_a_new_time)
{
    Start();
    SetOldTime();
    IoCloseFile(File);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\file", FILE_OPEN, 0, &File));
    CHECK(WriteTime() == OldTime.QuadPart);
    IoCloseFile(File);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\file", FILE_OVERWRITE, 0, &File));
    CHECK(WriteTime() != OldTime.QuadPart);
    Finish();
}

/* ---- times that are left alone: -1 ---- */

static FILE_BASIC_INFORMATION Basic(void)
{
    FILE_BASIC_INFORMATION Found = {.FileAttributes = 0};
    ULONG Returned;

    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileInformation(File, FileBasicInformation, sizeof(Found),
                                                       &Found, &Returned));
    return Found;
}

static void SetTimes(LONGLONG Write, LONGLONG Access, ULONG Attributes)
{
    FILE_BASIC_INFORMATION Set = {.LastWriteTime.QuadPart = Write,
                                  .LastAccessTime.QuadPart = Access,
                                  .FileAttributes = Attributes};

    CHECK_EQUAL(STATUS_SUCCESS, IoSetInformation(File, FileBasicInformation, sizeof(Set), &Set));
}

/* Each way to change a file. */
static void ChangeInWay(ULONG Way)
{
    ULONG Size = SizeOf(File);

    switch (Way) {
    case 0:
        Write(0, 512, 0x22);
        break;
    case 1:
        Write(Size, 20 * 512, 0x33);
        break;
    case 2:
        Write(Size + 0x20000, 512, 0x44);
        break;
    case 3:
        CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, 0));
        Write(0, 512, 0x55);
        break;
    default:
        CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, Size - 512));
        Write(0, 512, 0x66);
        break;
    }
}

static LONGLONG FirstDayOf(LONGLONG Time)
{
    const LONGLONG Day = 864000000000ll;

    return Time - Time % Day;
}

/* What the file says when it was changed by an opening that had set these; old before. */
static FILE_BASIC_INFORMATION AfterChange(ULONG Way, LONGLONG KeptWrite, LONGLONG KeptAccess)
{
    BOOLEAN Cached = Way % 2 == 0;

    IoCloseFile(File);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", Cached, &File));
    Write(0, 20 * 512, 0x11);
    SetTimes(OldTime.QuadPart, OldTime.QuadPart, FILE_ATTRIBUTE_NORMAL);
    IoCloseFile(File);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", Cached, &File));
    SetTimes(KeptWrite, KeptAccess, 0);
    CHECK_EQUAL(FILE_ATTRIBUTE_NORMAL, Basic().FileAttributes);
    ChangeInWay(Way / 2);
    IoCloseFile(File);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", Cached, &File));
    return Basic();
}

TEST(Times_that_a_writer_leaves_alone_stay_and_the_archive_attribute_comes)
{
    const LONGLONG OldDay = FirstDayOf(OldTime.QuadPart);
    ULONG Kept;
    ULONG Way;

    Start();
    for (Way = 0; Way < 10; Way++) {
        for (Kept = 0; Kept < 4; Kept++) {
            FILE_BASIC_INFORMATION After = AfterChange(Way, Kept & 1 ? -1 : 0, Kept & 2 ? -1 : 0);

            CHECK_EQUAL(FILE_ATTRIBUTE_ARCHIVE, After.FileAttributes);
            CHECK_EQUAL((Kept & 1) != 0, After.LastWriteTime.QuadPart == OldTime.QuadPart);
            CHECK_EQUAL((Kept & 2) != 0, After.LastAccessTime.QuadPart == OldDay);
        }
    }
    Finish();
}

TEST(Times_that_are_left_alone_stay_when_the_file_has_to_be_found_again)
{
    Start();
    IoCloseFile(File);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", FALSE, &File));
    Write(0, 512, 0x11);
    SetTimes(OldTime.QuadPart, 0, 0);
    SetTimes(-1, 0, 0);
    ((PFAT_FCB)File->FsContext)->Lost = TRUE;
    Write(0, 512, 0x22);
    CHECK(!((PFAT_FCB)File->FsContext)->Lost);
    CHECK(WriteTime() == OldTime.QuadPart);
    Finish();
}

TEST(Time_that_one_opening_leaves_alone_tells_of_another_one)
{
    PFILE_OBJECT Other;

    Start();
    Write(0, 5000, 0x11);
    SetTimes(OldTime.QuadPart, 0, 0);
    SetTimes(-1, -1, 0);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", TRUE, &Other));
    CHECK_EQUAL(STATUS_SUCCESS, IoWriteFile(Other, 0, IoBuffer, 10));
    Write(0, 10, 0x22);
    CHECK(WriteTime() == OldTime.QuadPart);
    IoCloseFile(Other);
    CHECK(WriteTime() != OldTime.QuadPart);
    SetTimes(OldTime.QuadPart, 0, 0); /* and by this one again */
    Write(0, 10, 0x33);
    IoCloseFile(File);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", TRUE, &File));
    CHECK(WriteTime() != OldTime.QuadPart);
    Finish();
}

/* Another opening's changes are told, also those that are no request on the file. */
TEST(Times_that_one_opening_leaves_alone_are_new_when_another_one_empties_the_file)
{
    ULONG Cached;

    Start();
    for (Cached = 0; Cached < 2; Cached++) {
        PFILE_OBJECT Other;

        IoCloseFile(File);
        CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", Cached != 0, &File));
        SetTimes(OldTime.QuadPart, 0, 0);
        SetTimes(-1, -1, 0);
        Write(0, 512, 0x11);
        Write(512, 20 * 512, 0x22); /* it grows */
        CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\file", FILE_OVERWRITE, 0, &Other));
        IoCloseFile(Other);
        CHECK(WriteTime() != OldTime.QuadPart);
    }
    Finish();
}

TEST(Size_that_stays_or_cannot_be_set_changes_no_time)
{
    Start();
    Write(0, 5000, 0x11);
    SetOldTime();
    CHECK_EQUAL(STATUS_SUCCESS, IoSetFileSize(File, 5000));
    CHECK_EQUAL(STATUS_DISK_FULL, IoSetFileSize(File, 0x40000000));
    IoCloseFile(File);
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", TRUE, &File));
    CHECK_EQUAL(5000, SizeOf(File));
    CHECK(WriteTime() == OldTime.QuadPart);
    Finish();
}

TEST(Time_that_is_set_after_a_write_leaves_the_archive_attribute)
{
    ULONG Cached;

    Start();
    for (Cached = 0; Cached < 2; Cached++) {
        IoCloseFile(File);
        CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", Cached != 0, &File));
        Write(0, 1024, 0x11);
        SetTimes(OldTime.QuadPart, 0, FILE_ATTRIBUTE_NORMAL);
        Write(0, 512, 0x22);
        SetTimes(OldTime.QuadPart, 0, 0);
        IoCloseFile(File);
        CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", TRUE, &File));
        CHECK_EQUAL(FILE_ATTRIBUTE_ARCHIVE, Basic().FileAttributes);
        CHECK(WriteTime() == OldTime.QuadPart);
    }
    Finish();
}

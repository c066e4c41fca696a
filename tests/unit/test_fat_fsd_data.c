/* SPDX-License-Identifier: MIT */
/*
 * test_fat_fsd_data.c - reading and writing through requests, whatever offset, length and memory.
 */
#include "disk/fat/fsd_i.h"
#include "tests/unit/io_world.h"

#include <string.h>

static PFILE_OBJECT File;

static void Start(void)
{
    IoWorldStart(&IoWorldFat16, TestSeed());
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\f", FILE_CREATE, FILE_NON_DIRECTORY_FILE, &File));
}

static void Finish(void)
{
    IoCloseFile(File);
    IoWorldFinish();
}

TEST(FatFsd_reads_end_where_the_file_ends)
{
    ULONG Done = 0;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldWrite(File, 0, "0123456789", 10));
    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(File, 3, IoBuffer, 4, &Done));
    CHECK_EQUAL(4, Done);
    CHECK(memcmp(IoBuffer, "3456", 4) == 0);
    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(File, 8, IoBuffer, 100, &Done));
    CHECK_EQUAL(2, Done);
    CHECK_EQUAL(STATUS_END_OF_FILE, IoReadFile(File, 10, IoBuffer, 1, &Done));
    CHECK_EQUAL(STATUS_END_OF_FILE, IoReadFile(File, 0x100000003ull, IoBuffer, 1, &Done));
    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(File, 10, IoBuffer, 0, &Done));
    CHECK_EQUAL(0, Done);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, IoReadFile(File, (ULONG64)-7, IoBuffer, 1, &Done));
    Finish();
}

TEST(FatFsd_writes_behind_the_end_fill_with_zeros)
{
    ULONG Done = 0;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldWrite(File, 5000, "x", 1));
    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(File, 0, IoBuffer, 6000, &Done));
    CHECK_EQUAL(5001, Done);
    CHECK(IoBuffer[0] == 0 && IoBuffer[4999] == 0 && IoBuffer[5000] == 'x');
    Finish();
}

TEST(FatFsd_writes_go_to_the_end_or_the_position_when_asked)
{
    FILE_POSITION_INFORMATION Position;
    ULONG Returned;
    ULONG Done = 0;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldWrite(File, (ULONG64)-1, "abc", 3));
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldWrite(File, (ULONG64)-1, "def", 3));
    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(File, 0, IoBuffer, 2, &Done));
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldWrite(File, (ULONG64)-2, "X", 1)); /* behind what was read */
    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileInformation(File, FilePositionInformation,
                                                       sizeof(Position), &Position, &Returned));
    CHECK_EQUAL(3, Position.CurrentByteOffset.QuadPart);
    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(File, 0, IoBuffer, 100, &Done));
    CHECK_EQUAL(6, Done);
    CHECK(memcmp(IoBuffer, "abXdef", 6) == 0);
    Finish();
}

TEST(FatFsd_writes_beyond_4_GB_are_refused)
{
    ULONG64 Bytes = 1;

    Start();
    CHECK_EQUAL(STATUS_DISK_FULL, IoWorldWrite(File, 0xFFFFFFFFull, "x", 1));
    CHECK_EQUAL(STATUS_DISK_FULL, IoWorldWrite(File, 0x100000000ull, "x", 1));
    CHECK_EQUAL(STATUS_DISK_FULL, IoSetFileSize(File, 0x100000000ull));
    CHECK_EQUAL(STATUS_DISK_FULL, IoSetFileSize(File, 0xFFFFFFFFull));
    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileSize(File, &Bytes));
    CHECK_EQUAL(0, Bytes);
    Finish();
}

TEST(FatFsd_buffers_may_be_paged_and_begin_anywhere)
{
    PUCHAR Paged;
    ULONG Index;
    ULONG Done = 0;

    Start();
    Paged = ExAllocatePoolWithTag(PagedPool, 20000, IO_WORLD_TAG);
    CHECK(Paged != NULL);
    for (Index = 0; Index < 20000; Index++) {
        Paged[Index] = IoWorldByte(Index, 4);
    }
    CHECK_EQUAL(STATUS_SUCCESS, IoWriteFile(File, 3, Paged + 1, 15001));
    memset(Paged, 0, 20000);
    CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(File, 3, Paged + 4095, 15001, &Done));
    CHECK_EQUAL(15001, Done);
    for (Index = 0; Index < 15001; Index++) {
        CHECK_EQUAL(IoWorldByte(Index + 1, 4), Paged[4095 + Index]);
    }
    CHECK_EQUAL(0, Paged[4094]);
    ExFreePoolWithTag(Paged, IO_WORLD_TAG);
    Finish();
}

TEST(FatFsd_data_of_a_directory_is_refused)
{
    PFILE_OBJECT Root;
    ULONG Done;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\", FILE_OPEN, 0, &Root));
    CHECK_EQUAL(STATUS_INVALID_DEVICE_REQUEST, IoReadFile(Root, 0, IoBuffer, 1, &Done));
    CHECK_EQUAL(STATUS_INVALID_DEVICE_REQUEST, IoWriteFile(Root, 0, IoBuffer, 1));
    CHECK_EQUAL(STATUS_INVALID_DEVICE_REQUEST, IoSetFileSize(Root, 0));
    IoCloseFile(Root);
    Finish();
}

TEST(FatFsd_data_needs_the_access_it_was_opened_with)
{
    FILE_DISPOSITION_INFORMATION Delete = {.DeleteFile = TRUE};
    PFILE_OBJECT Reader;
    PFILE_OBJECT Writer;
    ULONG Done;

    Start();
    IoWorldPut("\\g", 10, 1);
    CHECK_EQUAL(STATUS_SUCCESS, IoOpenFile(IoVolume, "\\g", FILE_READ_DATA, FILE_OPEN, 0, &Reader));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, IoWriteFile(Reader, 0, IoBuffer, 1));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, IoSetFileSize(Reader, 0));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, IoRenameFile(Reader, "\\h", FALSE));
    CHECK_EQUAL(STATUS_ACCESS_DENIED,
                IoSetInformation(Reader, FileDispositionInformation, sizeof(Delete), &Delete));
    IoCloseFile(Reader);
    CHECK_EQUAL(STATUS_SUCCESS,
                IoOpenFile(IoVolume, "\\g", FILE_WRITE_DATA, FILE_OPEN, 0, &Writer));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, IoReadFile(Writer, 0, IoBuffer, 1, &Done));
    IoCloseFile(Writer);
    Finish();
}

TEST(FatFsd_full_disk_leaves_the_file_as_it_was)
{
    ULONG64 Free = 0;
    ULONG64 All = 0;
    ULONG64 After = 1;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldWrite(File, 0, "abc", 3));
    CHECK_EQUAL(STATUS_SUCCESS, IoQueryVolumeSize(IoVolume, &All, &Free));
    CHECK_EQUAL(8400 * 1024, All);
    CHECK_EQUAL(8399 * 1024, Free);
    CHECK_EQUAL(STATUS_DISK_FULL, IoWriteFile(File, Free + 1024, IoBuffer, 1));
    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileSize(File, &After));
    CHECK_EQUAL(3, After);
    CHECK_EQUAL(STATUS_SUCCESS, IoQueryVolumeSize(IoVolume, &All, &After));
    CHECK_EQUAL(Free, After);
    Finish();
}

TEST(FatFsd_flush_and_shutdown_leave_a_clean_volume)
{
    PFAT_VOLUME Mounted;
    FAT_FIGURES Figures;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldWrite(File, 0, "abc", 3));
    CHECK_EQUAL(STATUS_SUCCESS, FatMount(&IoDisk.Device, &Mounted)); /* as another would see it */
    CHECK_EQUAL(STATUS_SUCCESS, FatQueryVolume(Mounted, &Figures));
    CHECK(Figures.WasDirty);
    FatDismount(Mounted);
    CHECK_EQUAL(STATUS_SUCCESS, IoFlushFile(File));
    CHECK_EQUAL(STATUS_SUCCESS, FatMount(&IoDisk.Device, &Mounted));
    CHECK_EQUAL(STATUS_SUCCESS, FatQueryVolume(Mounted, &Figures));
    CHECK(!Figures.WasDirty);
    FatDismount(Mounted);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldWrite(File, 0, "abd", 3));
    CHECK_EQUAL(STATUS_SUCCESS, IoShutdownSystem());
    CHECK_EQUAL(STATUS_SUCCESS, FatMount(&IoDisk.Device, &Mounted));
    CHECK_EQUAL(STATUS_SUCCESS, FatQueryVolume(Mounted, &Figures));
    CHECK(!Figures.WasDirty);
    FatDismount(Mounted);
    Finish();
}

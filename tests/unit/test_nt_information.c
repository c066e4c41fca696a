/* SPDX-License-Identifier: MIT */
/*
 * test_nt_information.c - NtQueryInformationFile, NtSetInformationFile, volumes.
 */
#include "tests/unit/nt_world.h"

#include <string.h>

#define FILE_PATH u"\\??\\C:\\dir\\file"
#define ALL       (FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE)

static HANDLE Handle;

static void Start(void)
{
    NtWorldStart();
    NtWorldClose(NtWorldOpen(u"\\??\\C:\\dir", ALL, FILE_CREATE, FILE_DIRECTORY_FILE));
    Handle = NtWorldOpen(FILE_PATH, ALL, FILE_CREATE, FILE_WRITE_THROUGH);
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldWrite(Handle, -1, "hello", 5));
}

static void Finish(void)
{
    NtWorldClose(Handle);
    NtWorldFinish();
}

static NTSTATUS Query(FILE_INFORMATION_CLASS Class, ULONG Length)
{
    memset(IoBuffer, 0xEE, 4096);
    return NtQueryInformationFile(Handle, &Iosb, IoBuffer, Length, Class);
}

static NTSTATUS Set(FILE_INFORMATION_CLASS Class, const void *Information, ULONG Length)
{
    memcpy(IoBuffer, Information, Length);
    return NtSetInformationFile(Handle, &Iosb, IoBuffer, Length, Class);
}

TEST(NtQueryInformationFile_wants_each_class_as_long_as_it_is)
{
    static const struct {
        FILE_INFORMATION_CLASS Class;
        ULONG Bytes;
    } Rows[] = {
        {FileBasicInformation, 0x28},     {FileStandardInformation, 0x18},
        {FileInternalInformation, 8},     {FileEaInformation, 4},
        {FileAccessInformation, 4},       {FilePositionInformation, 8},
        {FileModeInformation, 4},         {FileAlignmentInformation, 4},
        {FileNetworkOpenInformation, 56},
    };
    ULONG Index;

    Start();
    for (Index = 0; Index < RTL_NUMBER_OF(Rows); Index++) {
        CHECK_EQUAL(STATUS_INFO_LENGTH_MISMATCH, Query(Rows[Index].Class, Rows[Index].Bytes - 1));
        CHECK_EQUAL(STATUS_SUCCESS, Query(Rows[Index].Class, Rows[Index].Bytes + 20));
        CHECK_EQUAL(Rows[Index].Bytes, Iosb.Information);
        CHECK_EQUAL(0xEE, IoBuffer[Rows[Index].Bytes]);
    }
    CHECK_EQUAL(STATUS_INVALID_INFO_CLASS, Query(FileRenameInformation, 1000));
    CHECK_EQUAL(STATUS_INVALID_INFO_CLASS, Query((FILE_INFORMATION_CLASS)0, 1000));
    CHECK_EQUAL(STATUS_INVALID_INFO_CLASS, Query((FILE_INFORMATION_CLASS)1000, 1000));
    Finish();
}

TEST(NtQueryInformationFile_answers_what_the_file_object_knows)
{
    Start();
    CHECK_EQUAL(STATUS_SUCCESS, Query(FileAccessInformation, 4));
    CHECK_EQUAL(ALL, ((PFILE_ACCESS_INFORMATION)IoBuffer)->AccessFlags);
    CHECK_EQUAL(STATUS_SUCCESS, Query(FileModeInformation, 4));
    CHECK_EQUAL(FILE_WRITE_THROUGH | FILE_SYNCHRONOUS_IO_NONALERT,
                ((PFILE_MODE_INFORMATION)IoBuffer)->Mode);
    CHECK_EQUAL(STATUS_SUCCESS, Query(FileAlignmentInformation, 4));
    CHECK_EQUAL(511, ((PFILE_ALIGNMENT_INFORMATION)IoBuffer)->AlignmentRequirement);
    CHECK_EQUAL(5, NtWorldPosition(Handle));
    Finish();
}

TEST(NtQueryInformationFile_gives_as_much_of_a_name_as_fits)
{
    PFILE_NAME_INFORMATION Name;

    Start();
    Name = (PFILE_NAME_INFORMATION)(PVOID)IoBuffer;
    CHECK_EQUAL(STATUS_SUCCESS, Query(FileNameInformation, 100));
    CHECK_EQUAL(18, Name->FileNameLength);
    CHECK_EQUAL(22, Iosb.Information);
    CHECK(memcmp(Name->FileName, u"\\dir\\file", 18) == 0);
    CHECK_EQUAL(STATUS_BUFFER_OVERFLOW, Query(FileNameInformation, 12));
    CHECK_EQUAL(12, Iosb.Information);
    CHECK_EQUAL(STATUS_BUFFER_OVERFLOW, Iosb.Status);
    CHECK_EQUAL(18, Name->FileNameLength);
    CHECK(memcmp(Name->FileName, u"\\dir", 8) == 0 && IoBuffer[12] == 0xEE);
    CHECK_EQUAL(STATUS_INFO_LENGTH_MISMATCH, Query(FileNameInformation, 7));
    Finish();
}

TEST(NtQueryInformationFile_gives_all_at_once)
{
    PFILE_ALL_INFORMATION All;

    Start();
    All = (PFILE_ALL_INFORMATION)(PVOID)IoBuffer;
    CHECK_EQUAL(STATUS_SUCCESS, Query(FileAllInformation, 200));
    CHECK_EQUAL(0x60 + 4 + 18, Iosb.Information);
    CHECK_EQUAL(FILE_ATTRIBUTE_ARCHIVE, All->BasicInformation.FileAttributes);
    CHECK_EQUAL(5, All->StandardInformation.EndOfFile.QuadPart);
    CHECK(All->InternalInformation.IndexNumber.QuadPart != 0);
    CHECK_EQUAL(0, All->EaInformation.EaSize);
    CHECK_EQUAL(ALL, All->AccessInformation.AccessFlags);
    CHECK_EQUAL(5, All->PositionInformation.CurrentByteOffset.QuadPart);
    CHECK_EQUAL(FILE_WRITE_THROUGH | FILE_SYNCHRONOUS_IO_NONALERT, All->ModeInformation.Mode);
    CHECK_EQUAL(511, All->AlignmentInformation.AlignmentRequirement);
    CHECK(memcmp(All->NameInformation.FileName, u"\\dir\\file", 18) == 0);
    CHECK_EQUAL(STATUS_BUFFER_OVERFLOW, Query(FileAllInformation, 0x68));
    CHECK_EQUAL(0x68, Iosb.Information);
    CHECK_EQUAL(STATUS_INFO_LENGTH_MISMATCH, Query(FileAllInformation, 0x67));
    Finish();
}

/* ---- set ---- */

TEST(NtSetInformationFile_moves_the_position_and_the_end)
{
    LARGE_INTEGER Number = {.QuadPart = 2};

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, Set(FilePositionInformation, &Number, 8));
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Handle, -1, 2));
    CHECK(memcmp(IoBuffer, "ll", 2) == 0);
    Number.QuadPart = -1;
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Set(FilePositionInformation, &Number, 8));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Set(FileEndOfFileInformation, &Number, 8));
    CHECK_EQUAL(STATUS_INFO_LENGTH_MISMATCH, Set(FileEndOfFileInformation, &Number, 7));
    Number.QuadPart = 3;
    CHECK_EQUAL(STATUS_SUCCESS, Set(FileEndOfFileInformation, &Number, 8));
    CHECK_EQUAL(3, NtWorldSize(Handle));
    Number.QuadPart = 1;
    CHECK_EQUAL(STATUS_SUCCESS, Set(FileAllocationInformation, &Number, 8));
    CHECK_EQUAL(1, NtWorldSize(Handle));
    CHECK_EQUAL(STATUS_INVALID_INFO_CLASS, Set(FileStandardInformation, &Number, 8));
    Finish();
}

TEST(NtSetInformationFile_sets_modes_that_go_together)
{
    static const struct {
        ULONG Mode;
        NTSTATUS Status;
    } Rows[] = {
        {FILE_SYNCHRONOUS_IO_ALERT | FILE_SEQUENTIAL_ONLY, STATUS_SUCCESS},
        {FILE_SYNCHRONOUS_IO_NONALERT, STATUS_SUCCESS},
        {FILE_SEQUENTIAL_ONLY, STATUS_INVALID_PARAMETER}, /* it is synchronous */
        {FILE_SYNCHRONOUS_IO_NONALERT | FILE_SYNCHRONOUS_IO_ALERT, STATUS_INVALID_PARAMETER},
        {FILE_SYNCHRONOUS_IO_NONALERT | FILE_NO_INTERMEDIATE_BUFFERING, STATUS_INVALID_PARAMETER},
    };
    ULONG Mode = FILE_WRITE_THROUGH | FILE_SYNCHRONOUS_IO_NONALERT;
    ULONG Index;

    Start();
    for (Index = 0; Index < RTL_NUMBER_OF(Rows); Index++) {
        CHECK_EQUAL(Rows[Index].Status, Set(FileModeInformation, &Rows[Index].Mode, 4));
        Mode = NT_SUCCESS(Rows[Index].Status) ? Rows[Index].Mode : Mode;
        CHECK_EQUAL(STATUS_SUCCESS, Query(FileModeInformation, 4));
        CHECK_EQUAL(Mode, ((PFILE_MODE_INFORMATION)IoBuffer)->Mode);
    }
    Finish();
}

TEST(NtSetInformationFile_deletes_and_sets_times_and_attributes)
{
    FILE_BASIC_INFORMATION Basic = {.FileAttributes = FILE_ATTRIBUTE_READONLY};
    HANDLE Other = NULL;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, Set(FileBasicInformation, &Basic, sizeof(Basic)));
    CHECK_EQUAL(STATUS_CANNOT_DELETE, NtWorldDispose(Handle, TRUE));
    Basic.FileAttributes = FILE_ATTRIBUTE_NORMAL;
    CHECK_EQUAL(STATUS_SUCCESS, Set(FileBasicInformation, &Basic, sizeof(Basic)));
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldDispose(Handle, TRUE));
    CHECK_EQUAL(STATUS_DELETE_PENDING,
                NtWorldTryOpen(FILE_PATH, FILE_READ_DATA, FILE_OPEN, 0, &Other));
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldDispose(Handle, FALSE));
    Other = NtWorldOpen(FILE_PATH, FILE_READ_DATA, FILE_OPEN, 0);
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldDispose(Handle, TRUE));
    NtWorldClose(Handle);
    NtWorldClose(Other);
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND,
                NtWorldTryOpen(FILE_PATH, FILE_READ_DATA, FILE_OPEN, 0, &Other));
    NtWorldFinish();
}

/* ---- rights ---- */

TEST(UserMode_needs_the_right_that_each_class_names)
{
    static const struct {
        FILE_INFORMATION_CLASS Class;
        ACCESS_MASK Query; /* 0: none */
        ACCESS_MASK Set;
    } Rows[] = {
        {FileBasicInformation, FILE_READ_ATTRIBUTES, FILE_WRITE_ATTRIBUTES},
        {FileStandardInformation, 0, 0},
        {FileNetworkOpenInformation, FILE_READ_ATTRIBUTES, 0},
        {FileAllInformation, FILE_READ_ATTRIBUTES, 0},
        {FilePositionInformation, FILE_READ_DATA, FILE_READ_DATA},
        {FileEndOfFileInformation, 0, FILE_WRITE_DATA},
        {FileDispositionInformation, 0, DELETE},
        {FileRenameInformation, 0, DELETE},
    };
    const ACCESS_MASK Every =
        FILE_READ_DATA | FILE_WRITE_DATA | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | DELETE;
    ULONG Index;

    Start();
    NtWorldClose(Handle);
    KeSetPreviousMode(UserMode);
    for (Index = 0; Index < RTL_NUMBER_OF(Rows); Index++) {
        ACCESS_MASK Both = FILE_READ_DATA | FILE_WRITE_DATA;
        ACCESS_MASK Without = Rows[Index].Query & FILE_READ_DATA ? Both : Rows[Index].Query;

        memset(NtUser, 0, 200);
        if (Rows[Index].Query != 0) {
            Handle = NtWorldOpen(FILE_PATH, Every & ~Without, FILE_OPEN, 0);
            CHECK_EQUAL(STATUS_ACCESS_DENIED,
                        NtQueryInformationFile(Handle, &Iosb, NtUser, 200, Rows[Index].Class));
            NtWorldClose(Handle);
            Handle = NtWorldOpen(FILE_PATH, Rows[Index].Query, FILE_OPEN, 0);
            CHECK_EQUAL(STATUS_SUCCESS,
                        NtQueryInformationFile(Handle, &Iosb, NtUser, 200, Rows[Index].Class));
            NtWorldClose(Handle);
        }
        if (Rows[Index].Set != 0) {
            Without = Rows[Index].Set & FILE_READ_DATA ? Both : Rows[Index].Set;
            Handle = NtWorldOpen(FILE_PATH, Every & ~Without, FILE_OPEN, 0);
            CHECK_EQUAL(STATUS_ACCESS_DENIED,
                        NtSetInformationFile(Handle, &Iosb, NtUser, 200, Rows[Index].Class));
            NtWorldClose(Handle);
        }
    }
    Handle = NtWorldOpen(FILE_PATH, SYNCHRONIZE, FILE_OPEN, 0);
    CHECK_EQUAL(STATUS_SUCCESS,
                NtQueryInformationFile(Handle, &Iosb, NtUser, 200, FileStandardInformation));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION,
                NtQueryInformationFile(Handle, &Iosb, IoBuffer, 200, FileStandardInformation));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION,
                NtSetInformationFile(Handle, &Iosb, IoBuffer, 200, FileModeInformation));
    KeSetPreviousMode(KernelMode);
    Finish();
}

/* ---- volumes ---- */

TEST(NtQueryVolumeInformationFile_describes_the_volume)
{
    PFILE_FS_FULL_SIZE_INFORMATION Full;
    PFILE_FS_DEVICE_INFORMATION Device;
    PFILE_FS_ATTRIBUTE_INFORMATION Kind;

    Start();
    Full = (PFILE_FS_FULL_SIZE_INFORMATION)(PVOID)IoBuffer;
    Device = (PFILE_FS_DEVICE_INFORMATION)(PVOID)IoBuffer;
    Kind = (PFILE_FS_ATTRIBUTE_INFORMATION)(PVOID)IoBuffer;
    CHECK_EQUAL(STATUS_SUCCESS, NtQueryVolumeInformationFile(Handle, &Iosb, IoBuffer, 100,
                                                             FileFsFullSizeInformation));
    CHECK_EQUAL(1000, Full->TotalAllocationUnits.QuadPart);
    CHECK_EQUAL(512, Full->BytesPerSector);
    CHECK_EQUAL(STATUS_SUCCESS,
                NtQueryVolumeInformationFile(Handle, &Iosb, IoBuffer, 8, FileFsDeviceInformation));
    CHECK_EQUAL(FILE_DEVICE_DISK, Device->DeviceType);
    CHECK(Device->Characteristics & FILE_DEVICE_IS_MOUNTED);
    CHECK_EQUAL(STATUS_SUCCESS, NtQueryVolumeInformationFile(Handle, &Iosb, IoBuffer, 100,
                                                             FileFsAttributeInformation));
    CHECK(Iosb.Information == 18 && memcmp(Kind->FileSystemName, u"FAT", 6) == 0);
    CHECK_EQUAL(
        STATUS_INFO_LENGTH_MISMATCH,
        NtQueryVolumeInformationFile(Handle, &Iosb, IoBuffer, 0x1F, FileFsFullSizeInformation));
    CHECK_EQUAL(
        STATUS_INVALID_INFO_CLASS,
        NtQueryVolumeInformationFile(Handle, &Iosb, IoBuffer, 100, FileFsControlInformation));
    Finish();
}

/* SPDX-License-Identifier: MIT */
/*
 * test_nt_rename.c - FileRenameInformation: new names, relative and full.
 */
#include "tests/unit/nt_world.h"

#include <string.h>

#define ALL (FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE)

static HANDLE Handle;

static void Start(void)
{
    NtWorldStart();
    NtWorldClose(NtWorldOpen(u"\\??\\C:\\dir", ALL, FILE_CREATE, FILE_DIRECTORY_FILE));
    Handle = NtWorldOpen(u"\\??\\C:\\file", ALL, FILE_CREATE, 0);
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldWrite(Handle, -1, "hello", 5));
}

static void Finish(void)
{
    NtWorldClose(Handle);
    NtWorldFinish();
}

/* => Whether there is a file of five bytes. */
static BOOLEAN IsThere(PCWSTR Path)
{
    HANDLE Found = NULL;
    BOOLEAN Whole;

    if (!NT_SUCCESS(NtWorldTryOpen(Path, FILE_READ_DATA, FILE_OPEN, 0, &Found))) {
        return FALSE;
    }
    Whole = NtWorldSize(Found) == 5;
    NtWorldClose(Found);
    return Whole;
}

TEST(NtSetInformationFile_renames_in_the_directory_by_name_alone)
{
    Start();
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRename(Handle, NULL, u"other", FALSE));
    CHECK(IsThere(u"\\??\\C:\\other") && !IsThere(u"\\??\\C:\\file"));
    CHECK_EQUAL(STATUS_OBJECT_NAME_INVALID, NtWorldRename(Handle, NULL, u"dir\\x", FALSE));
    CHECK_EQUAL(STATUS_OBJECT_NAME_INVALID, NtWorldRename(Handle, NULL, u"dir/x", FALSE));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, NtWorldRename(Handle, NULL, u"", FALSE));
    CHECK(IsThere(u"\\??\\C:\\other"));
    Finish();
}

TEST(NtSetInformationFile_renames_to_a_full_name_or_below_a_directory)
{
    HANDLE Root;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRename(Handle, NULL, u"\\??\\C:\\dir\\a", FALSE));
    CHECK(IsThere(u"\\??\\C:\\dir\\a") && !IsThere(u"\\??\\C:\\file"));
    Root = NtWorldOpen(u"\\??\\C:\\", FILE_LIST_DIRECTORY, FILE_OPEN, FILE_DIRECTORY_FILE);
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRename(Handle, Root, u"dir\\b", FALSE));
    CHECK(IsThere(u"\\??\\C:\\dir\\b") && !IsThere(u"\\??\\C:\\dir\\a"));
    CHECK_EQUAL(STATUS_OBJECT_PATH_NOT_FOUND, NtWorldRename(Handle, Root, u"none\\b", FALSE));
    CHECK_EQUAL(STATUS_OBJECT_PATH_SYNTAX_BAD, NtWorldRename(Handle, Root, u"\\b", FALSE));
    CHECK_EQUAL(2, NtWorldHandles());
    NtWorldClose(Root);
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldWrite(Handle, 0, "HELLO", 5)); /* the same file */
    Finish();
}

TEST(NtSetInformationFile_replaces_only_when_told_to)
{
    Start();
    NtWorldClose(NtWorldOpen(u"\\??\\C:\\dir\\a", ALL, FILE_CREATE, 0));
    CHECK_EQUAL(STATUS_OBJECT_NAME_COLLISION,
                NtWorldRename(Handle, NULL, u"\\??\\C:\\dir\\a", FALSE));
    CHECK(IsThere(u"\\??\\C:\\file"));
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRename(Handle, NULL, u"\\??\\C:\\dir\\a", TRUE));
    CHECK(IsThere(u"\\??\\C:\\dir\\a"));
    Finish();
}

TEST(NtSetInformationFile_replaces_a_file_that_is_closed_but_not_gone)
{
    HANDLE Other;
    PFILE_OBJECT Closed;

    Start();
    Other = NtWorldOpen(u"\\??\\C:\\dir\\a", ALL, FILE_CREATE, 0);
    Closed = NtWorldFile(Other);
    ObReferenceObject(Closed);
    CHECK_EQUAL(STATUS_ACCESS_DENIED, NtWorldRename(Handle, NULL, u"\\??\\C:\\dir\\a", TRUE));
    NtWorldClose(Other);
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRename(Handle, NULL, u"\\??\\C:\\dir\\a", TRUE));
    CHECK(IsThere(u"\\??\\C:\\dir\\a") && !IsThere(u"\\??\\C:\\file"));
    ObDereferenceObject(Closed);
    CHECK(IsThere(u"\\??\\C:\\dir\\a"));
    Finish();
}

TEST(NtSetInformationFile_renames_on_one_volume)
{
    UNICODE_STRING Link = NT_CONSTANT_STRING(u"\\??\\D:");
    UNICODE_STRING Device = NT_CONSTANT_STRING(u"\\Device\\Second");
    PDEVICE_OBJECT Second = NULL;
    HOST_DISK Disk;

    Start();
    HostDiskCreate(&Disk, 512, SeedFatSectors(&IoWorldFat12), 0);
    SeedFat(&IoWorldFat12, Disk.Image);
    CHECK_EQUAL(STATUS_SUCCESS, IoMountVolume(&Disk.Device, "\\Device\\Second", &Second));
    CHECK_EQUAL(STATUS_SUCCESS, IoCreateSymbolicLink(&Link, &Device));
    CHECK_EQUAL(STATUS_NOT_SAME_DEVICE, NtWorldRename(Handle, NULL, u"\\??\\D:\\file", FALSE));
    CHECK(IsThere(u"\\??\\C:\\file"));
    CHECK_EQUAL(STATUS_SUCCESS, IoDeleteSymbolicLink(&Link));
    CHECK_EQUAL(STATUS_OBJECT_NAME_NOT_FOUND, IoDeleteSymbolicLink(&Link));
    CHECK_EQUAL(STATUS_SUCCESS, IoDismountVolume(Second));
    HostDiskDelete(&Disk);
    Finish();
}

TEST(NtSetInformationFile_refuses_names_that_are_longer_than_what_was_given)
{
    FILE_RENAME_INFORMATION Rename = {.FileNameLength = 100};

    Start();
    CHECK_EQUAL(
        STATUS_INVALID_PARAMETER,
        NtSetInformationFile(Handle, &Iosb, &Rename, sizeof(Rename), FileRenameInformation));
    Rename.FileNameLength = 3;
    CHECK_EQUAL(
        STATUS_INVALID_PARAMETER,
        NtSetInformationFile(Handle, &Iosb, &Rename, sizeof(Rename), FileRenameInformation));
    CHECK_EQUAL(
        STATUS_INFO_LENGTH_MISMATCH,
        NtSetInformationFile(Handle, &Iosb, &Rename, sizeof(Rename) - 1, FileRenameInformation));
    Finish();
}

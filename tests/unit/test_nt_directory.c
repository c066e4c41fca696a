/* SPDX-License-Identifier: MIT */
/*
 * test_nt_directory.c - NtQueryDirectoryFile.
 */
#include "rtl.h"
#include "tests/unit/nt_world.h"

#include <string.h>

#define ALL (FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE)

static HANDLE Root;

static void Start(void)
{
    NtWorldStart();
    NtWorldClose(NtWorldOpen(u"\\??\\C:\\one.txt", ALL, FILE_CREATE, 0));
    NtWorldClose(NtWorldOpen(u"\\??\\C:\\two.txt", ALL, FILE_CREATE, 0));
    NtWorldClose(NtWorldOpen(u"\\??\\C:\\three", ALL, FILE_CREATE, FILE_DIRECTORY_FILE));
    Root = NtWorldOpen(u"\\??\\C:\\", FILE_LIST_DIRECTORY, FILE_OPEN, FILE_DIRECTORY_FILE);
}

static void Finish(void)
{
    NtWorldClose(Root);
    NtWorldFinish();
}

static NTSTATUS List(PVOID Buffer, ULONG Length, BOOLEAN Single, PCWSTR Pattern, BOOLEAN Restart)
{
    UNICODE_STRING Name;

    RtlInitUnicodeString(&Name, Pattern);
    return NtQueryDirectoryFile(Root, NULL, NULL, NULL, &Iosb, Buffer, Length, FileNamesInformation,
                                Single, Pattern != NULL ? &Name : NULL, Restart);
}

static BOOLEAN First(PUCHAR Buffer, PCWSTR Name)
{
    PFILE_NAMES_INFORMATION Entry = (PFILE_NAMES_INFORMATION)(PVOID)Buffer;
    UNICODE_STRING Wide;

    RtlInitUnicodeString(&Wide, Name);
    return Entry->FileNameLength == Wide.Length && memcmp(Entry->FileName, Name, Wide.Length) == 0;
}

TEST(NtQueryDirectoryFile_lists_entries_one_by_one_or_all)
{
    PFILE_NAMES_INFORMATION Entry;

    Start();
    Entry = (PFILE_NAMES_INFORMATION)(PVOID)IoBuffer;
    CHECK_EQUAL(STATUS_SUCCESS, List(IoBuffer, 100, TRUE, NULL, FALSE));
    CHECK(First(IoBuffer, u"one.txt") && Entry->NextEntryOffset == 0);
    CHECK_EQUAL(STATUS_SUCCESS, List(IoBuffer, 1000, FALSE, NULL, FALSE));
    CHECK(First(IoBuffer, u"two.txt"));
    CHECK(Entry->NextEntryOffset != 0 && First(IoBuffer + Entry->NextEntryOffset, u"three"));
    CHECK_EQUAL(STATUS_NO_MORE_FILES, List(IoBuffer, 1000, FALSE, NULL, FALSE));
    CHECK_EQUAL(STATUS_SUCCESS, List(IoBuffer, 1000, TRUE, NULL, TRUE));
    CHECK(First(IoBuffer, u"one.txt"));
    Finish();
}

TEST(NtQueryDirectoryFile_keeps_the_pattern_of_the_first_call)
{
    Start();
    CHECK_EQUAL(STATUS_SUCCESS, List(IoBuffer, 1000, TRUE, u"t*", FALSE));
    CHECK(First(IoBuffer, u"two.txt"));
    CHECK_EQUAL(STATUS_SUCCESS, List(IoBuffer, 1000, TRUE, u"one*", FALSE));
    CHECK(First(IoBuffer, u"three"));
    CHECK_EQUAL(STATUS_NO_MORE_FILES, List(IoBuffer, 1000, TRUE, NULL, FALSE));
    NtWorldClose(Root);
    Root = NtWorldOpen(u"\\??\\C:\\", FILE_LIST_DIRECTORY, FILE_OPEN, FILE_DIRECTORY_FILE);
    CHECK_EQUAL(STATUS_NO_SUCH_FILE, List(IoBuffer, 1000, TRUE, u"none", FALSE));
    Finish();
}

TEST(NtQueryDirectoryFile_refuses_lengths_classes_and_files)
{
    Start();
    CHECK_EQUAL(STATUS_INFO_LENGTH_MISMATCH,
                List(IoBuffer, sizeof(FILE_NAMES_INFORMATION) - 1, FALSE, NULL, FALSE));
    CHECK_EQUAL(STATUS_BUFFER_OVERFLOW,
                List(IoBuffer, sizeof(FILE_NAMES_INFORMATION), FALSE, NULL, FALSE));
    CHECK_EQUAL(STATUS_INVALID_INFO_CLASS,
                NtQueryDirectoryFile(Root, NULL, NULL, NULL, &Iosb, IoBuffer, 1000,
                                     FileBasicInformation, FALSE, NULL, FALSE));
    NtWorldClose(Root);
    Root = NtWorldOpen(u"\\??\\C:\\one.txt", ALL, FILE_OPEN, 0);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, List(IoBuffer, 1000, FALSE, NULL, FALSE));
    Finish();
}

TEST(UserMode_lists_into_its_own_memory_with_the_right_to)
{
    Start();
    KeSetPreviousMode(UserMode);
    CHECK_EQUAL(STATUS_SUCCESS, List(NtUser, 1000, TRUE, NULL, FALSE));
    CHECK(First(NtUser, u"one.txt"));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, List(IoBuffer, 1000, TRUE, NULL, FALSE));
    NtWorldClose(Root);
    Root = NtWorldOpen(u"\\??\\C:\\", FILE_READ_ATTRIBUTES, FILE_OPEN, FILE_DIRECTORY_FILE);
    CHECK_EQUAL(STATUS_ACCESS_DENIED, List(NtUser, 1000, TRUE, NULL, FALSE));
    KeSetPreviousMode(KernelMode);
    Finish();
}

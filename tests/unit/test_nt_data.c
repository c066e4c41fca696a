/* SPDX-License-Identifier: MIT */
/*
 * test_nt_data.c - NtReadFile, NtWriteFile, NtFlushBuffersFile.
 */
#include "events.h"
#include "fast_io.h"
#include "mm/ob/object.h"
#include "tests/unit/file_section_world.h"
#include "vm.h"

#include <string.h>

#define FILE_PATH u"\\??\\C:\\file"
#define ALL       (FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE)

TEST(NtReadFile_goes_on_where_a_synchronous_file_was_left)
{
    LARGE_INTEGER Here = {.LowPart = FILE_USE_FILE_POINTER_POSITION, .HighPart = -1};
    HANDLE Handle;

    NtWorldStart();
    Handle = NtWorldOpen(FILE_PATH, ALL, FILE_CREATE, 0);
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldWrite(Handle, -1, "abcdef", 6));
    CHECK_EQUAL(6, Iosb.Information);
    CHECK_EQUAL(6, NtWorldPosition(Handle));
    CHECK_EQUAL(STATUS_END_OF_FILE, NtWorldRead(Handle, -1, 4));
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Handle, 1, 2));
    CHECK(Iosb.Information == 2 && memcmp(IoBuffer, "bc", 2) == 0);
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Handle, -1, 2));
    CHECK(Iosb.Information == 2 && memcmp(IoBuffer, "de", 2) == 0);
    CHECK_EQUAL(STATUS_SUCCESS,
                NtReadFile(Handle, NULL, NULL, NULL, &Iosb, IoBuffer, 10, &Here, NULL));
    CHECK(Iosb.Information == 1 && IoBuffer[0] == 'f');
    CHECK_EQUAL(6, NtWorldPosition(Handle));
    NtWorldClose(Handle);
    NtWorldFinish();
}

TEST(NtReadFile_needs_a_position_where_the_file_has_none)
{
    NT_OPEN Open = {.Path = FILE_PATH, .Access = ALL, .Disposition = FILE_CREATE};
    HANDLE Handle = NULL;

    NtWorldStart();
    Open.Asynchronous = TRUE;
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldTry(&Open, &Handle));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, NtWorldWrite(Handle, -1, "abc", 3));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, NtWorldRead(Handle, -1, 3));
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldWrite(Handle, 0, "abc", 3));
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Handle, 2, 3));
    CHECK(Iosb.Information == 1 && IoBuffer[0] == 'c');
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, NtWorldRead(Handle, -5, 3));
    NtWorldClose(Handle);
    NtWorldFinish();
}

TEST(NtWriteFile_writes_to_the_end)
{
    LARGE_INTEGER End = {.LowPart = FILE_WRITE_TO_END_OF_FILE, .HighPart = -1};
    HANDLE Handle;

    NtWorldStart();
    Handle = NtWorldOpen(FILE_PATH, ALL, FILE_CREATE, 0);
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldWrite(Handle, 0, "abc", 3));
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Handle, 0, 1));
    CHECK_EQUAL(STATUS_SUCCESS,
                NtWriteFile(Handle, NULL, NULL, NULL, &Iosb, IoBuffer, 1, &End, NULL));
    CHECK_EQUAL(4, NtWorldSize(Handle));
    CHECK_EQUAL(4, NtWorldPosition(Handle));
    NtWorldClose(Handle);
    Handle = NtWorldOpen(FILE_PATH, FILE_APPEND_DATA, FILE_OPEN, 0);
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldWrite(Handle, 0, "de", 2)); /* at the end all the same */
    NtWorldClose(Handle);
    Handle = NtWorldOpen(FILE_PATH, ALL, FILE_OPEN, 0);
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Handle, 0, 10));
    CHECK(Iosb.Information == 6 && memcmp(IoBuffer, "abcade", 6) == 0);
    NtWorldClose(Handle);
    NtWorldFinish();
}

TEST(NtReadFile_without_buffering_takes_whole_sectors_at_their_places)
{
    HANDLE Handle;

    NtWorldStart();
    Handle = NtWorldOpen(FILE_PATH, FILE_READ_DATA | FILE_WRITE_DATA, FILE_CREATE,
                         FILE_NO_INTERMEDIATE_BUFFERING);
    CHECK(((ULONG_PTR)IoBuffer & 0x1FF) == 0);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, NtWorldWrite(Handle, 0, "abc", 3));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, NtWorldWrite(Handle, 3, IoBuffer, 512));
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldWrite(Handle, 512, IoBuffer, 512));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, NtReadFile(Handle, NULL, NULL, NULL, &Iosb, IoBuffer + 4,
                                                     512, &(LARGE_INTEGER){.QuadPart = 0}, NULL));
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Handle, 0, 1024));
    CHECK_EQUAL(1024, Iosb.Information);
    NtWorldClose(Handle);
    NtWorldFinish();
}

TEST(NtReadFile_has_no_APCs)
{
    HANDLE Handle;

    NtWorldStart();
    Handle = NtWorldOpen(FILE_PATH, ALL, FILE_CREATE, 0);
    CHECK_EQUAL(STATUS_NOT_SUPPORTED, NtReadFile(Handle, NULL, (PIO_APC_ROUTINE)(ULONG_PTR)1, NULL,
                                                 &Iosb, IoBuffer, 1, NULL, NULL));
    NtWorldClose(Handle);
    NtWorldFinish();
}

static NTSTATUS WriteWith(HANDLE Handle, HANDLE Event)
{
    return NtWriteFile(Handle, Event, NULL, NULL, &Iosb, IoBuffer, 3, NULL, NULL);
}

TEST(NtWriteFile_sets_the_event_when_it_is_done)
{
    HANDLE Handle;
    HANDLE Event = NULL;
    LONG State = 0;
    ULONG Events;
    ULONG Objects;

    NtWorldStart();
    Events = ExEventObjectType->TotalNumberOfHandles;
    Objects = ExEventObjectType->TotalNumberOfObjects;
    Handle = NtWorldOpen(FILE_PATH, ALL, FILE_CREATE, 0);
    CHECK_EQUAL(STATUS_SUCCESS,
                NtCreateEvent(&Event, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE));
    CHECK_EQUAL(STATUS_SUCCESS, WriteWith(Handle, Event));
    CHECK_EQUAL(STATUS_SUCCESS, NtResetEvent(Event, &State));
    CHECK_EQUAL(1, State);
    CHECK_EQUAL(STATUS_SUCCESS, NtSetEvent(Event, NULL));
    CHECK_EQUAL(STATUS_END_OF_FILE, /* reset, and not set again */
                NtReadFile(Handle, Event, NULL, NULL, &Iosb, IoBuffer, 1, NULL, NULL));
    CHECK_EQUAL(STATUS_SUCCESS, NtResetEvent(Event, &State));
    CHECK_EQUAL(0, State);
    CHECK_EQUAL(STATUS_OBJECT_TYPE_MISMATCH, WriteWith(Handle, Handle));
    CHECK_EQUAL(STATUS_INVALID_HANDLE, WriteWith(Handle, (HANDLE)0x7770));
    CHECK_EQUAL(3, NtWorldSize(Handle)); /* those wrote nothing */
    CHECK_EQUAL(1, ExEventObjectType->TotalNumberOfHandles - Events);
    NtWorldClose(Event);
    CHECK_EQUAL(Objects, ExEventObjectType->TotalNumberOfObjects);
    NtWorldClose(Handle);
    NtWorldFinish();
}

TEST(A_service_leaves_the_files_event_set_and_its_last_status)
{
    PFILE_OBJECT File;
    HANDLE Handle;

    NtWorldStart();
    Handle = NtWorldOpen(FILE_PATH, ALL, FILE_CREATE, 0);
    File = NtWorldFile(Handle);
    CHECK_EQUAL(0, KeReadStateEvent(&File->Event));
    CHECK_EQUAL(STATUS_END_OF_FILE, NtWorldRead(Handle, 0, 1));
    CHECK_EQUAL(1, KeReadStateEvent(&File->Event));
    CHECK_EQUAL(STATUS_END_OF_FILE, File->FinalStatus);
    CHECK_EQUAL(0, File->Busy);
    NtWorldClose(Handle);
    NtWorldFinish();
}

/* ---- UserMode ---- */

TEST(UserMode_reads_and_writes_its_own_memory_only)
{
    HANDLE Handle;

    NtWorldStart();
    KeSetPreviousMode(UserMode);
    Handle = NtWorldOpen(FILE_PATH, ALL, FILE_CREATE, 0);
    memset(NtUser, 0x5A, 10000);
    CHECK_EQUAL(STATUS_SUCCESS,
                NtWriteFile(Handle, NULL, NULL, NULL, &Iosb, NtUser + 3, 9000, NULL, NULL));
    memset(NtUser, 0, 10000);
    CHECK_EQUAL(STATUS_SUCCESS, NtReadFile(Handle, NULL, NULL, NULL, &Iosb, NtUser + 5, 9500,
                                           &(LARGE_INTEGER){.QuadPart = 0}, NULL));
    CHECK_EQUAL(9000, Iosb.Information);
    CHECK(NtUser[4] == 0 && NtUser[5] == 0x5A && NtUser[9004] == 0x5A && NtUser[9005] == 0);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, NtWorldRead(Handle, 0, 100)); /* the system's memory */
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION,
                NtReadFile(Handle, NULL, NULL, NULL, &Iosb, NtUser + NT_WORLD_BYTES - 4, 100,
                           &(LARGE_INTEGER){.QuadPart = 0}, NULL));
    NtWorldClose(Handle);
    KeSetPreviousMode(KernelMode);
    NtWorldFinish();
}

static void GuardBuffer(void)
{
    SIZE_T Bytes = PAGE_SIZE;
    PVOID Base = NtUser;
    ULONG Old;

    CHECK_EQUAL(STATUS_SUCCESS, NtProtectVirtualMemory(NtCurrentProcess(), &Base, &Bytes,
                                                       PAGE_READWRITE | PAGE_GUARD, &Old));
}

static NTSTATUS TransferGuarded(HANDLE Handle, BOOLEAN Writes)
{
    LARGE_INTEGER Start = {.QuadPart = 0};

    return Writes ? NtWriteFile(Handle, NULL, NULL, NULL, &Iosb, NtUser, 100, &Start, NULL)
                  : NtReadFile(Handle, NULL, NULL, NULL, &Iosb, NtUser, 100, &Start, NULL);
}

/* The first of them come by a request, the others without one. */
TEST(A_guard_page_in_the_buffer_ends_a_transfer_and_is_none_any_more)
{
    HANDLE Handle;
    ULONG Index;

    FileSectionStartCached();
    KeSetPreviousMode(UserMode);
    Handle = NtWorldOpen(FILE_PATH, ALL, FILE_CREATE, 0);
    for (Index = 0; Index < 6; Index++) {
        GuardBuffer();
        CHECK_EQUAL(STATUS_GUARD_PAGE_VIOLATION, TransferGuarded(Handle, Index % 2 == 0));
        CHECK_EQUAL(STATUS_SUCCESS, TransferGuarded(Handle, Index % 2 == 0));
        CHECK_EQUAL(100, Iosb.Information);
    }
    CHECK(FsRtlFastCounters.FastWrites != 0);
    NtWorldClose(Handle);
    KeSetPreviousMode(KernelMode);
    FileSectionFinishCached();
}

TEST(UserMode_needs_the_rights_of_each_service)
{
    LARGE_INTEGER Start = {.QuadPart = 0};
    HANDLE Read;
    HANDLE Append;

    NtWorldStart();
    KeSetPreviousMode(UserMode);
    Append = NtWorldOpen(FILE_PATH, FILE_APPEND_DATA, FILE_CREATE, 0);
    Read = NtWorldOpen(FILE_PATH, FILE_READ_DATA, FILE_OPEN, 0);
    CHECK_EQUAL(STATUS_SUCCESS,
                NtWriteFile(Append, NULL, NULL, NULL, &Iosb, NtUser, 4, &Start, NULL));
    CHECK_EQUAL(STATUS_ACCESS_DENIED,
                NtReadFile(Append, NULL, NULL, NULL, &Iosb, NtUser, 4, &Start, NULL));
    CHECK_EQUAL(STATUS_ACCESS_DENIED,
                NtWriteFile(Read, NULL, NULL, NULL, &Iosb, NtUser, 4, &Start, NULL));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, NtFlushBuffersFile(Read, &Iosb));
    CHECK_EQUAL(STATUS_SUCCESS, NtFlushBuffersFile(Append, &Iosb));
    CHECK_EQUAL(STATUS_SUCCESS, NtReadFile(Read, NULL, NULL, NULL, &Iosb, NtUser, 4, &Start, NULL));
    CHECK_EQUAL(4, Iosb.Information);
    NtWorldClose(Read);
    NtWorldClose(Append);
    KeSetPreviousMode(KernelMode);
    NtWorldFinish();
}

TEST(Services_refuse_what_is_no_file)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(u"\\Device");
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Directory = NULL;

    NtWorldStart();
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    CHECK_EQUAL(STATUS_SUCCESS, NtOpenDirectoryObject(&Directory, DIRECTORY_QUERY, &Attributes));
    CHECK_EQUAL(STATUS_OBJECT_TYPE_MISMATCH, NtWorldRead(Directory, 0, 1));
    CHECK_EQUAL(STATUS_OBJECT_TYPE_MISMATCH, NtWorldWrite(Directory, 0, "a", 1));
    CHECK_EQUAL(STATUS_OBJECT_TYPE_MISMATCH, NtFlushBuffersFile(Directory, &Iosb));
    CHECK_EQUAL(STATUS_OBJECT_TYPE_MISMATCH, NtWorldDispose(Directory, TRUE));
    CHECK_EQUAL(STATUS_OBJECT_TYPE_MISMATCH,
                NtQueryInformationFile(Directory, &Iosb, IoBuffer, 100, FileBasicInformation));
    CHECK_EQUAL(
        STATUS_OBJECT_TYPE_MISMATCH,
        NtQueryVolumeInformationFile(Directory, &Iosb, IoBuffer, 100, FileFsSizeInformation));
    CHECK_EQUAL(STATUS_OBJECT_TYPE_MISMATCH,
                NtQueryDirectoryFile(Directory, NULL, NULL, NULL, &Iosb, IoBuffer, 1000,
                                     FileNamesInformation, FALSE, NULL, FALSE));
    CHECK_EQUAL(STATUS_OBJECT_TYPE_MISMATCH,
                NtFsControlFile(Directory, NULL, NULL, NULL, &Iosb, 0, NULL, 0, NULL, 0));
    CHECK_EQUAL(STATUS_INVALID_HANDLE, NtWorldRead((HANDLE)0x7770, 0, 1));
    NtWorldClose(Directory);
    NtWorldFinish();
}

TEST(A_transfer_of_no_bytes_leaves_the_position_alone)
{
    ULONG Direct;

    for (Direct = 0; Direct < 2; Direct++) {
        HANDLE Handle;

        NtWorldStart();
        Handle = NtWorldOpen(u"\\??\\C:\\file", FILE_READ_DATA | FILE_WRITE_DATA, FILE_CREATE,
                             Direct ? FILE_NO_INTERMEDIATE_BUFFERING : 0);
        CHECK_EQUAL(STATUS_SUCCESS, NtWorldWrite(Handle, 1024, IoBuffer, 0)); /* by a request */
        CHECK_EQUAL(0, NtWorldPosition(Handle));
        CHECK_EQUAL(0, NtWorldSize(Handle));
        memset(IoBuffer, 0x11, 512);
        CHECK_EQUAL(STATUS_SUCCESS, NtWorldWrite(Handle, -1, IoBuffer, 512));
        CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Handle, 0, 0));
        CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Handle, 1024, 0));
        CHECK_EQUAL(512, NtWorldPosition(Handle));
        CHECK_EQUAL(STATUS_SUCCESS, NtWorldWrite(Handle, 0, IoBuffer, 0));
        CHECK_EQUAL(0, Iosb.Information);
        CHECK_EQUAL(STATUS_SUCCESS, NtWorldWrite(Handle, 1024, IoBuffer, 0));
        CHECK_EQUAL(512, NtWorldPosition(Handle));
        CHECK_EQUAL(512, NtWorldSize(Handle));
        NtWorldClose(Handle);
        NtWorldFinish();
    }
}

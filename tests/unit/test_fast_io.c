/* SPDX-License-Identifier: MIT */
/*
 * test_fast_io.c - mm/io/fast_io.c, and what disk/fat/fsd_fast.c says of it: reads and writes
 * without requests.
 */
#include "fast_io.h"

#include "cc.h"
#include "disk/fat/fsd_i.h"
#include "events.h"
#include "mm.h"
#include "mm/cc/dirty.h"
#include "mm/inspect/page_out.h"
#include "mm/ke/thread.h"
#include "mm/section/cache_calls.h"
#include "mm/section/mapped_writer.h"
#include "tests/unit/nt_world.h"
#include "vm.h"

#include <string.h>

#define FILE_PATH u"\\??\\C:\\file"
#define ALL       (FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE)
#define BYTES     10000u

static KTHREAD ReadAhead;
static UCHAR ReadAheadStack[HOST_STACK_BYTES] NT_ALIGNED(16);
static HANDLE Handle;
static PFILE_OBJECT File;
static FSRTL_FAST_COUNTERS Before;

static UCHAR ByteAt(ULONG Offset)
{
    return (UCHAR)(Offset * 7 + Offset / 256);
}

/* What the counters say since the last look. */
static BOOLEAN Counted(ULONG Waits, ULONG NoWaits, ULONG Misses, ULONG NotPossible)
{
    FSRTL_FAST_COUNTERS Now = FsRtlFastCounters;
    BOOLEAN Same = Now.CcFastReadWait - Before.CcFastReadWait == Waits &&
                   Now.CcFastReadNoWait - Before.CcFastReadNoWait == NoWaits &&
                   Now.CcFastReadResourceMiss - Before.CcFastReadResourceMiss == Misses &&
                   Now.CcFastReadNotPossible - Before.CcFastReadNotPossible == NotPossible;

    Before = Now;
    return Same;
}

/* A file of BYTES, open and cached. */
static void Start(void)
{
    ULONG i;

    MmWorldNextUnforced();
    NtWorldStartOn(&IoWorldFat16);
    CHECK_EQUAL(STATUS_SUCCESS, CcInitializeCacheManager(&MiCacheViewCalls, 4096));
    CHECK_EQUAL(STATUS_SUCCESS,
                KeCreateWorkerThread(&ReadAhead, DelayedWorkQueue,
                                     ReadAheadStack + HOST_STACK_BYTES, HOST_STACK_BYTES));
    Handle = NtWorldOpen(FILE_PATH, ALL, FILE_CREATE, 0);
    File = NtWorldFile(Handle);
    for (i = 0; i < BYTES; i++) {
        IoBuffer[i] = ByteAt(i);
    }
    CHECK_EQUAL(STATUS_SUCCESS, NtWriteFile(Handle, NULL, NULL, NULL, &Iosb, IoBuffer, BYTES,
                                            &(LARGE_INTEGER){.QuadPart = 0}, NULL));
    CHECK(File->PrivateCacheMap != NULL);
    memset(IoBuffer, 0, BYTES);
    Before = FsRtlFastCounters;
}

/* The file is deleted, so that nothing keeps its pages. */
static void Finish(void)
{
    CHECK_EQUAL(0, KeGetCurrentThread()->KernelApcDisable); /* each critical region was left */
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldDispose(Handle, TRUE));
    NtWorldClose(Handle);
    NtWorldFinish();
}

static BOOLEAN Holds(const UCHAR *Buffer, ULONG Offset, ULONG Length)
{
    ULONG i = 0;

    while (i < Length && Buffer[i] == ByteAt(Offset + i)) {
        i++;
    }
    return i == Length;
}

static BOOLEAN Fast(ULONG Offset, ULONG Length, BOOLEAN Wait, PIO_STATUS_BLOCK Result)
{
    LARGE_INTEGER Start = {.QuadPart = Offset};

    return FsRtlCopyRead(File, &Start, Length, Wait, 0, IoBuffer, Result,
                         IoGetRelatedDeviceObject(File));
}

/* Its pages are on the disk and not in memory. */
static void Forget(void)
{
    BOOLEAN Trimmed;

    CHECK_EQUAL(STATUS_SUCCESS, NtFlushBuffersFile(Handle, &Iosb));
    Trimmed = MmTrimAllSystemPageableMemory(FALSE);
    CHECK(Trimmed);
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushMappedPages());
    (void)MiReuseStandbyFrames();
}

TEST(NtReadFile_of_a_cached_file_makes_no_request)
{
    Start();
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Handle, 100, 5000));
    CHECK(Counted(1, 0, 0, 0));
    CHECK_EQUAL(5000, Iosb.Information);
    CHECK(Holds(IoBuffer, 100, 5000));
    CHECK_EQUAL(5100, NtWorldPosition(Handle));
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Handle, -1, 100));
    CHECK(Counted(1, 0, 0, 0) && Holds(IoBuffer, 5100, 100));
    CHECK_EQUAL(5200, NtWorldPosition(Handle));
    CHECK_EQUAL(0, File->Busy);
    Finish();
}

TEST(Fast_read_leaves_the_files_event_alone_and_sets_the_callers)
{
    HANDLE Event = NULL;
    LONG State = 0;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS,
                NtCreateEvent(&Event, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE));
    KeClearEvent(&File->Event);
    File->FinalStatus = 0x1234;
    CHECK_EQUAL(STATUS_SUCCESS, NtReadFile(Handle, Event, NULL, NULL, &Iosb, IoBuffer, 10,
                                           &(LARGE_INTEGER){.QuadPart = 0}, NULL));
    CHECK(Counted(1, 0, 0, 0));
    CHECK_EQUAL(0, KeReadStateEvent(&File->Event));
    CHECK_EQUAL(0x1234, File->FinalStatus);
    CHECK_EQUAL(STATUS_SUCCESS, NtResetEvent(Event, &State));
    CHECK_EQUAL(1, State);
    CHECK_EQUAL(STATUS_END_OF_FILE, NtReadFile(Handle, Event, NULL, NULL, &Iosb, IoBuffer, 10,
                                               &(LARGE_INTEGER){.QuadPart = BYTES}, NULL));
    CHECK_EQUAL(STATUS_SUCCESS, NtResetEvent(Event, &State));
    CHECK_EQUAL(0, State); /* as for any error */
    CHECK(Counted(1, 0, 0, 0));
    NtWorldClose(Event);
    Finish();
}

TEST(Fast_read_ends_where_the_file_does)
{
    IO_STATUS_BLOCK Result = {.Status = STATUS_PENDING, .Information = 1};

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Handle, BYTES - 10, 100));
    CHECK_EQUAL(10, Iosb.Information);
    CHECK(Holds(IoBuffer, BYTES - 10, 10) && IoBuffer[10] == 0);
    CHECK_EQUAL(BYTES, NtWorldPosition(Handle));
    CHECK_EQUAL(STATUS_END_OF_FILE, NtWorldRead(Handle, -1, 1));
    CHECK_EQUAL(STATUS_END_OF_FILE, NtWorldRead(Handle, BYTES + 1, 1));
    CHECK(Counted(3, 0, 0, 0));
    CHECK_EQUAL(BYTES, NtWorldPosition(Handle));
    CHECK(Fast(BYTES, 1, TRUE, &Result));
    CHECK_EQUAL(STATUS_END_OF_FILE, Result.Status);
    CHECK_EQUAL(0, Result.Information);
    Result.Information = 1;
    CHECK(Fast(BYTES + 5, 0, TRUE, &Result)); /* nothing can always be read */
    CHECK(Result.Status == STATUS_SUCCESS && Result.Information == 0);
    CHECK(Counted(1, 0, 0, 0));
    Finish();
}

TEST(Files_that_are_not_cached_or_not_synchronous_are_read_by_requests)
{
    NT_OPEN Open = {.Path = FILE_PATH, .Access = ALL, .Disposition = FILE_OPEN};
    HANDLE Direct;
    HANDLE Fresh;
    HANDLE Other = NULL;

    Start();
    Direct = NtWorldOpen(FILE_PATH, FILE_READ_DATA, FILE_OPEN, FILE_NO_INTERMEDIATE_BUFFERING);
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Direct, 0, 512));
    CHECK(Holds(IoBuffer, 0, 512));
    NtWorldClose(Direct);
    Fresh = NtWorldOpen(FILE_PATH, ALL, FILE_OPEN, 0);
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Fresh, 0, 10)); /* begins to cache */
    CHECK(Counted(0, 0, 0, 0));
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Fresh, 0, 10));
    CHECK(Counted(1, 0, 0, 0));
    NtWorldClose(Fresh);
    Open.Asynchronous = TRUE;
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldTry(&Open, &Other));
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Other, 0, 10));
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Other, 0, 10));
    CHECK(Counted(0, 0, 0, 0));
    NtWorldClose(Other);
    Finish();
}

TEST(Fast_read_is_not_possible_where_the_file_needs_more)
{
    IO_STATUS_BLOCK Result;
    PFAT_FCB Fcb;

    Start();
    Fcb = File->FsContext;
    Fcb->File.Stale = TRUE;
    CHECK(!Fast(0, 10, TRUE, &Result));
    CHECK(Counted(1, 0, 0, 1));
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Handle, 0, 10)); /* the request finds it again */
    CHECK(Counted(1, 0, 0, 1) && !Fcb->File.Stale && Holds(IoBuffer, 0, 10));
    Fcb->Lost = TRUE;
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Handle, 0, 10)); /* by its name */
    CHECK(Counted(1, 0, 0, 1) && !Fcb->Lost && Holds(IoBuffer, 0, 10));
    Fcb->Deleted = TRUE;
    CHECK(!Fast(0, 10, TRUE, &Result));
    CHECK_EQUAL(STATUS_FILE_CLOSED, NtWorldRead(Handle, 0, 10));
    CHECK(Counted(2, 0, 0, 2));
    Fcb->Deleted = FALSE;
    File->Flags |= FO_NO_INTERMEDIATE_BUFFERING;
    CHECK(!Fast(0, 10, TRUE, &Result));
    File->Flags &= ~FO_NO_INTERMEDIATE_BUFFERING;
    Fcb->Header.IsFastIoPossible = FastIoIsNotPossible;
    CHECK(!Fast(0, 10, TRUE, &Result));
    CHECK(Counted(2, 0, 0, 2));
    Fcb->Header.IsFastIoPossible = FastIoIsPossible;
    CHECK(Fast(0, 10, TRUE, &Result));
    CHECK(Counted(1, 0, 0, 0));
    Fcb->Header.IsFastIoPossible = FastIoIsQuestionable;
    Finish();
}

TEST(Fast_read_of_a_file_object_that_was_cleaned_up_is_not_possible)
{
    IO_STATUS_BLOCK Result;

    Start();
    ObReferenceObject(File);
    NtWorldClose(Handle);
    CHECK(!Fast(0, 10, TRUE, &Result));
    CHECK(Counted(1, 0, 0, 1));
    ObDereferenceObject(File);
    Handle = NtWorldOpen(FILE_PATH, ALL, FILE_OPEN, 0);
    Finish();
}

static KEVENT Has;
static KEVENT Release;

static void HoldResource(PVOID Context)
{
    PERESOURCE Resource = ((PFAT_FCB)File->FsContext)->Header.Resource;

    KeEnterCriticalRegion();
    if (*(const BOOLEAN *)Context) {
        CHECK(ExAcquireResourceExclusiveLite(Resource, TRUE));
    } else {
        CHECK(ExAcquireResourceSharedLite(Resource, TRUE));
    }
    KeSetEvent(&Has, 0, FALSE);
    KeWaitForSingleObject(&Release, Executive, KernelMode, FALSE, NULL);
    ExReleaseResourceLite(Resource);
    KeLeaveCriticalRegion();
}

/* Another thread has the file's resource until Release is set. */
static void LetAnotherHold(BOOLEAN Exclusive)
{
    KeInitializeEvent(&Has, NotificationEvent, FALSE);
    KeInitializeEvent(&Release, NotificationEvent, FALSE);
    HostThreadCreate(HoldResource, &Exclusive);
    KeWaitForSingleObject(&Has, Executive, KernelMode, FALSE, NULL);
}

TEST(Fast_read_waits_for_the_files_resource_only_if_it_may)
{
    IO_STATUS_BLOCK Result;

    Start();
    LetAnotherHold(TRUE);
    CHECK(!Fast(0, 10, FALSE, &Result));
    CHECK(Counted(0, 1, 1, 0));
    KeSetEvent(&Release, 0, FALSE);
    CHECK(Fast(0, 10, TRUE, &Result));
    CHECK(Result.Status == STATUS_SUCCESS && Result.Information == 10);
    CHECK(Counted(1, 0, 0, 0) && Holds(IoBuffer, 0, 10));
    Finish();
}

TEST(Fast_read_reads_the_disk_only_if_it_may_wait)
{
    IO_STATUS_BLOCK Result;

    Start();
    CHECK(Fast(0, 100, FALSE, &Result) && Holds(IoBuffer, 0, 100));
    CHECK(Counted(0, 1, 0, 0));
    Forget();
    CHECK(!Fast(0, 100, FALSE, &Result));
    CHECK(Counted(0, 1, 0, 0));
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Handle, 0, BYTES));
    CHECK(Counted(1, 0, 0, 0) && Holds(IoBuffer, 0, BYTES));
    Finish();
}

TEST(Fast_read_that_fails_comes_again_as_a_request_which_says_why)
{
    LONGLONG Position;

    Start();
    Forget();
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Handle, BYTES - 5, 1));
    Forget();
    Position = NtWorldPosition(Handle);
    KeClearEvent(&File->Event);
    IoDisk.FailOneIn[DiskRead] = 1;
    IoDisk.MayFail = 1000;
    CHECK(!NT_SUCCESS(NtWorldRead(Handle, 0, BYTES)));
    IoDisk.FailOneIn[DiskRead] = 0;
    IoDisk.MayFail = 0;
    CHECK_EQUAL(1, KeReadStateEvent(&File->Event));
    CHECK(!NT_SUCCESS(File->FinalStatus));
    CHECK_EQUAL(Position, NtWorldPosition(Handle));
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Handle, 0, BYTES));
    CHECK(Holds(IoBuffer, 0, BYTES));
    Finish();
}

TEST(Fast_read_of_a_user_writes_to_the_users_memory_only)
{
    LARGE_INTEGER Begin = {.QuadPart = 0};
    PVOID Base;
    SIZE_T Bytes = PAGE_SIZE;
    ULONG Old;

    Start();
    KeSetPreviousMode(UserMode);
    CHECK_EQUAL(STATUS_SUCCESS,
                NtReadFile(Handle, NULL, NULL, NULL, &Iosb, NtUser + 3, 9000, &Begin, NULL));
    CHECK(Counted(1, 0, 0, 0) && Iosb.Information == 9000 && Holds(NtUser + 3, 0, 9000));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, NtWorldRead(Handle, 0, 100));
    CHECK(Counted(0, 0, 0, 0)); /* the system's memory is not even tried */
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION,
                NtReadFile(Handle, NULL, NULL, NULL, &Iosb, NtUser + NT_WORLD_BYTES - 4, 100,
                           &Begin, NULL));
    Base = NtUser;
    CHECK_EQUAL(STATUS_SUCCESS,
                NtProtectVirtualMemory(NtCurrentProcess(), &Base, &Bytes, PAGE_READONLY, &Old));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION,
                NtReadFile(Handle, NULL, NULL, NULL, &Iosb, NtUser, 100, &Begin, NULL));
    CHECK(Counted(2, 0, 0, 0));
    KeSetPreviousMode(KernelMode);
    Finish();
}

/* ---- writes ---- */

static BOOLEAN FastWrite(LONGLONG Offset, ULONG Length, BOOLEAN Wait, PIO_STATUS_BLOCK Result)
{
    LARGE_INTEGER Start = {.QuadPart = Offset};

    return FsRtlCopyWrite(File, &Start, Length, Wait, 0, IoBuffer, Result,
                          IoGetRelatedDeviceObject(File));
}

/* What the counters say since the last look. */
static BOOLEAN CountedWrites(ULONG Done, ULONG NotPossible)
{
    FSRTL_FAST_COUNTERS Now = FsRtlFastCounters;
    BOOLEAN Same = Now.FastWrites - Before.FastWrites == Done &&
                   Now.FastWriteNotPossible - Before.FastWriteNotPossible == NotPossible;

    Before = Now;
    return Same;
}

TEST(NtWriteFile_inside_a_cached_file_makes_no_request)
{
    Start();
    File->Flags &= ~FO_FILE_MODIFIED;
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldWrite(Handle, 5000, "hello", 5));
    CHECK(CountedWrites(1, 0) && Iosb.Information == 5);
    CHECK(File->Flags & FO_FILE_MODIFIED);
    CHECK_EQUAL(5005, NtWorldPosition(Handle));
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldWrite(Handle, -1, "!", 1));
    CHECK(CountedWrites(1, 0));
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Handle, 4999, 8));
    CHECK(memcmp(IoBuffer + 1, "hello!", 6) == 0 && Holds(IoBuffer, 4999, 1));
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldWrite(Handle, BYTES - 1, "x", 1)); /* up to the end */
    CHECK(CountedWrites(1, 0));
    Forget();
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Handle, 5000, 6));
    CHECK(memcmp(IoBuffer, "hello!", 6) == 0);
    Finish();
}

TEST(Fast_write_that_would_make_the_file_longer_is_a_request)
{
    LARGE_INTEGER End = {.LowPart = FILE_WRITE_TO_END_OF_FILE, .HighPart = -1};
    IO_STATUS_BLOCK Result;
    HANDLE Fresh;
    PFAT_CCB Ccb;

    Start();
    Ccb = File->FsContext2;
    Ccb->Modified = FALSE;
    CHECK(!FastWrite(BYTES - 1, 2, TRUE, &Result) && !FastWrite(BYTES, 1, TRUE, &Result));
    CHECK(!FastWrite(-1, 1, TRUE, &Result) && !FastWrite(0, BYTES + 1, TRUE, &Result));
    CHECK(CountedWrites(0, 4));
    CHECK(!Ccb->Modified); /* the file system was not even asked */
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldWrite(Handle, BYTES - 1, "xyz", 3));
    CHECK(CountedWrites(0, 1));
    CHECK_EQUAL(BYTES + 2, NtWorldSize(Handle));
    CHECK_EQUAL(STATUS_SUCCESS,
                NtWriteFile(Handle, NULL, NULL, NULL, &Iosb, IoBuffer, 1, &End, NULL));
    CHECK(CountedWrites(0, 0)); /* is not even tried */
    CHECK_EQUAL(BYTES + 3, NtWorldSize(Handle));
    CHECK(FastWrite(BYTES + 100, 0, TRUE, &Result)); /* nothing can always be written */
    CHECK(Result.Status == STATUS_SUCCESS && Result.Information == 0);
    Fresh = NtWorldOpen(FILE_PATH, ALL, FILE_OPEN, 0);
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldWrite(Fresh, BYTES + 100, IoBuffer, 0));
    CHECK_EQUAL(0, NtWorldPosition(Fresh)); /* nor does the request do anything */
    CHECK_EQUAL(BYTES + 3, NtWorldSize(Fresh));
    NtWorldClose(Fresh);
    Finish();
}

TEST(Fast_write_is_not_possible_where_the_file_needs_more)
{
    IO_STATUS_BLOCK Result;
    PFAT_FCB Fcb;

    Start();
    Fcb = File->FsContext;
    Fcb->File.Stale = TRUE;
    CHECK(!FastWrite(0, 10, TRUE, &Result));
    Fcb->File.Stale = FALSE;
    Fcb->Lost = TRUE;
    CHECK(!FastWrite(0, 10, TRUE, &Result));
    Fcb->Lost = FALSE;
    Fcb->Paging = TRUE;
    CHECK(!FastWrite(0, 10, TRUE, &Result));
    Fcb->Paging = FALSE;
    FatPermitPages(Fcb, STATUS_ACCESS_DENIED);
    CHECK(!FastWrite(0, 10, TRUE, &Result));
    FatPermitPages(Fcb, STATUS_SUCCESS);
    File->Flags |= FO_WRITE_THROUGH;
    CHECK(!FastWrite(0, 10, TRUE, &Result));
    File->Flags &= ~FO_WRITE_THROUGH;
    File->Flags |= FO_NO_INTERMEDIATE_BUFFERING;
    CHECK(!FastWrite(0, 10, TRUE, &Result));
    File->Flags &= ~FO_NO_INTERMEDIATE_BUFFERING;
    CHECK(CountedWrites(0, 6));
    CcSetSystemDirtyPageThreshold(1);
    CHECK(!FastWrite(0, 10, TRUE, &Result)); /* too much is dirty: the request waits */
    CcSetSystemDirtyPageThreshold(CcTotalDirtyPages + 1);
    CHECK(!FastWrite(0, 5000, TRUE, &Result)); /* or would be */
    CHECK(FastWrite(0, 10, TRUE, &Result));
    CcSetSystemDirtyPageThreshold(4096);
    CHECK(CountedWrites(1, 2));
    Finish();
}

TEST(Fast_write_waits_only_if_it_may)
{
    IO_STATUS_BLOCK Result;

    Start();
    LetAnotherHold(TRUE);
    CHECK(!FastWrite(0, 10, FALSE, &Result));
    KeSetEvent(&Release, 0, FALSE);
    CHECK(FastWrite(0, 10, TRUE, &Result));
    LetAnotherHold(FALSE);
    CHECK(Fast(0, 10, FALSE, &Result));       /* who reads is let in beside who reads */
    CHECK(!FastWrite(0, 10, FALSE, &Result)); /* and who writes is not */
    KeSetEvent(&Release, 0, FALSE);
    CHECK(FastWrite(0, 10, TRUE, &Result));
    Forget();
    CHECK(!FastWrite(0, 10, FALSE, &Result)); /* a part of a page, which is on the disk */
    CHECK(FastWrite(0, 10, TRUE, &Result) && Result.Information == 10);
    CHECK(CountedWrites(3, 3));
    Finish();
}

TEST(Fast_write_tells_the_time_when_the_file_is_closed)
{
    FILE_BASIC_INFORMATION Basic = {.LastWriteTime.QuadPart = 125000000000000000ll};
    HANDLE Other;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS,
                NtSetInformationFile(Handle, &Iosb, &Basic, sizeof(Basic), FileBasicInformation));
    Other = NtWorldOpen(FILE_PATH, ALL, FILE_OPEN, 0);
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldRead(Other, 0, 1)); /* begins to cache */
    Before = FsRtlFastCounters;
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldWrite(Other, 0, "x", 1));
    CHECK(CountedWrites(1, 0));
    NtWorldClose(Other);
    CHECK_EQUAL(STATUS_SUCCESS,
                NtQueryInformationFile(Handle, &Iosb, &Basic, sizeof(Basic), FileBasicInformation));
    CHECK(Basic.LastWriteTime.QuadPart != 125000000000000000ll);
    Finish();
}

/* The time of a page that only views have changed is the file's, whoever left it alone. */
TEST(Fast_write_is_not_taken_for_a_views_when_its_page_is_written)
{
    FILE_BASIC_INFORMATION Basic = {.LastWriteTime.QuadPart = 125000000000000000ll};

    Start();
    CHECK_EQUAL(STATUS_SUCCESS,
                NtSetInformationFile(Handle, &Iosb, &Basic, sizeof(Basic), FileBasicInformation));
    Basic.LastWriteTime.QuadPart = -1;
    CHECK_EQUAL(STATUS_SUCCESS,
                NtSetInformationFile(Handle, &Iosb, &Basic, sizeof(Basic), FileBasicInformation));
    CHECK_EQUAL(STATUS_SUCCESS, NtFlushBuffersFile(Handle, &Iosb));
    Before = FsRtlFastCounters;
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldWrite(Handle, 0, "x", 1));
    CHECK(CountedWrites(1, 0));
    CHECK_EQUAL(STATUS_SUCCESS, NtFlushBuffersFile(Handle, &Iosb));
    CHECK_EQUAL(STATUS_SUCCESS,
                NtQueryInformationFile(Handle, &Iosb, &Basic, sizeof(Basic), FileBasicInformation));
    CHECK_EQUAL(125000000000000000ll, Basic.LastWriteTime.QuadPart);
    Finish();
}

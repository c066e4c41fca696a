/* SPDX-License-Identifier: MIT */
/*
 * test_fat_fsd_fast.c - disk/fat/fsd_fast.c: what is asked of a file without a request.
 */
#include "disk/fat/fsd_i.h"
#include "fast_io.h"
#include "mm/ke/thread.h"
#include "tests/unit/nt_world.h"

#include <string.h>

#define FILE_PATH u"\\??\\C:\\file"
#define ALL       (FILE_GENERIC_READ | FILE_GENERIC_WRITE | DELETE)
#define BYTES     10000u

static HANDLE Handle;
static PFILE_OBJECT File;
static PFAT_FCB Fcb;

static void Start(void)
{
    MmWorldNextUnforced();
    NtWorldStartOn(&IoWorldFat16);
    Handle = NtWorldOpen(FILE_PATH, ALL, FILE_CREATE, 0);
    File = NtWorldFile(Handle);
    Fcb = File->FsContext;
    memset(IoBuffer, 0x11, BYTES);
    CHECK_EQUAL(STATUS_SUCCESS, NtWriteFile(Handle, NULL, NULL, NULL, &Iosb, IoBuffer, BYTES,
                                            &(LARGE_INTEGER){.QuadPart = 0}, NULL));
}

static void Finish(void)
{
    NtWorldClose(Handle);
    NtWorldFinish();
}

static BOOLEAN AskBasic(BOOLEAN Wait, PFILE_BASIC_INFORMATION Basic, PIO_STATUS_BLOCK Result)
{
    return FatFastIo.FastIoQueryBasicInfo(File, Wait, Basic, Result,
                                          IoGetRelatedDeviceObject(File));
}

static BOOLEAN AskStandard(BOOLEAN Wait, PFILE_STANDARD_INFORMATION Standard,
                           PIO_STATUS_BLOCK Result)
{
    return FatFastIo.FastIoQueryStandardInfo(File, Wait, Standard, Result,
                                             IoGetRelatedDeviceObject(File));
}

/* => Whether both are answered, or neither, and nothing is held then. */
static BOOLEAN Answers(BOOLEAN Wait)
{
    FILE_STANDARD_INFORMATION Standard;
    FILE_BASIC_INFORMATION Basic;
    IO_STATUS_BLOCK Result;
    BOOLEAN Answered = AskBasic(Wait, &Basic, &Result);

    CHECK_EQUAL(Answered, AskStandard(Wait, &Standard, &Result));
    CHECK_EQUAL(0, ExIsResourceAcquiredSharedLite(Fcb->Header.Resource));
    CHECK_EQUAL(0, KeGetCurrentThread()->KernelApcDisable);
    return Answered;
}

TEST(Fast_queries_say_what_requests_do)
{
    FILE_STANDARD_INFORMATION Standard[2] = {{.NumberOfLinks = 7}, {.NumberOfLinks = 0}};
    FILE_BASIC_INFORMATION Basic[2] = {{.FileAttributes = 7}, {.FileAttributes = 0}};
    IO_STATUS_BLOCK Result;
    ULONG Bytes;

    Start();
    CHECK(AskBasic(TRUE, &Basic[0], &Result));
    CHECK(Result.Status == STATUS_SUCCESS && Result.Information == sizeof(Basic[0]));
    CHECK(AskStandard(FALSE, &Standard[0], &Result));
    CHECK(Result.Status == STATUS_SUCCESS && Result.Information == sizeof(Standard[0]));
    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileInformation(File, FileBasicInformation, sizeof(Basic[1]),
                                                       &Basic[1], &Bytes));
    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileInformation(File, FileStandardInformation,
                                                       sizeof(Standard[1]), &Standard[1], &Bytes));
    CHECK(memcmp(&Basic[0], &Basic[1], sizeof(Basic[0])) == 0);
    CHECK(memcmp(&Standard[0], &Standard[1], sizeof(Standard[0])) == 0);
    CHECK_EQUAL(BYTES, Standard[0].EndOfFile.QuadPart);
    Finish();
}

TEST(Fast_queries_of_a_file_that_is_not_in_order_are_requests)
{
    Start();
    CHECK(Answers(TRUE));
    Fcb->Deleted = TRUE;
    CHECK(!Answers(TRUE));
    Fcb->Deleted = FALSE;
    Fcb->Lost = TRUE;
    CHECK(!Answers(TRUE));
    Fcb->Lost = FALSE;
    Fcb->File.Stale = TRUE;
    CHECK(!Answers(TRUE));
    Fcb->File.Stale = FALSE;
    ObReferenceObject(File);
    NtWorldClose(Handle);
    CHECK(!Answers(TRUE)); /* it was cleaned up */
    ObDereferenceObject(File);
    Handle = NtWorldOpen(FILE_PATH, ALL, FILE_OPEN, 0);
    Finish();
}

TEST(Fast_queries_of_a_file_object_that_was_closed_are_refused)
{
    static FILE_OBJECT Closed; /* FsContext is NULL, as after IRP_MJ_CLOSE */
    FILE_STANDARD_INFORMATION Standard;
    IO_STATUS_BLOCK Result;

    Start();
    CHECK(!FatFastIo.FastIoQueryStandardInfo(&Closed, TRUE, &Standard, &Result,
                                             IoGetRelatedDeviceObject(File)));
    Finish();
}

static KEVENT Has;
static KEVENT Release;

static void HoldResource(PVOID Context)
{
    (void)Context;
    KeEnterCriticalRegion();
    CHECK(ExAcquireResourceExclusiveLite(Fcb->Header.Resource, TRUE));
    KeSetEvent(&Has, 0, FALSE);
    KeWaitForSingleObject(&Release, Executive, KernelMode, FALSE, NULL);
    ExReleaseResourceLite(Fcb->Header.Resource);
    KeLeaveCriticalRegion();
}

static void HoldMutex(PVOID Context)
{
    (void)Context;
    ExAcquireFastMutex(&Fcb->Vcb->Mutex);
    KeSetEvent(&Has, 0, FALSE);
    KeWaitForSingleObject(&Release, Executive, KernelMode, FALSE, NULL);
    ExReleaseFastMutex(&Fcb->Vcb->Mutex);
}

TEST(Fast_queries_wait_for_the_resource_and_the_mutex_only_if_they_may)
{
    KSTART *const Holds[] = {HoldResource, HoldMutex};
    ULONG i;

    Start();
    for (i = 0; i < RTL_NUMBER_OF(Holds); i++) {
        KeInitializeEvent(&Has, NotificationEvent, FALSE);
        KeInitializeEvent(&Release, NotificationEvent, FALSE);
        HostThreadCreate(Holds[i], NULL);
        KeWaitForSingleObject(&Has, Executive, KernelMode, FALSE, NULL);
        CHECK(!Answers(FALSE));
        KeSetEvent(&Release, 0, FALSE);
        CHECK(Answers(TRUE));
    }
    Finish();
}

/* ---- by the service ---- */

static PDRIVER_DISPATCH Dispatch;
static ULONG Queries;

static NTSTATUS NTAPI CountQuery(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    Queries++;
    return Dispatch(DeviceObject, Irp);
}

/* => How many requests a query of the class makes. */
static ULONG RequestsFor(HANDLE Of, FILE_INFORMATION_CLASS Class)
{
    FILE_ALL_INFORMATION Found;
    ULONG Sent = Queries;
    ULONG Bytes = Class == FileBasicInformation      ? sizeof(Found.BasicInformation)
                  : Class == FileStandardInformation ? sizeof(Found.StandardInformation)
                                                     : sizeof(Found.InternalInformation);

    CHECK_EQUAL(STATUS_SUCCESS, NtQueryInformationFile(Of, &Iosb, &Found, Bytes, Class));
    CHECK_EQUAL(Bytes, Iosb.Information);
    return Queries - Sent;
}

TEST(NtQueryInformationFile_of_a_synchronous_file_makes_no_request)
{
    NT_OPEN Open = {
        .Path = FILE_PATH, .Access = ALL, .Disposition = FILE_OPEN, .Asynchronous = TRUE};
    PDRIVER_OBJECT Driver;
    HANDLE Other = NULL;

    Start();
    CHECK_EQUAL(STATUS_SUCCESS, NtWorldTry(&Open, &Other));
    Driver = IoGetRelatedDeviceObject(File)->DriverObject;
    Dispatch = Driver->MajorFunction[IRP_MJ_QUERY_INFORMATION];
    Driver->MajorFunction[IRP_MJ_QUERY_INFORMATION] = CountQuery;
    CHECK_EQUAL(0, RequestsFor(Handle, FileBasicInformation));
    CHECK_EQUAL(0, RequestsFor(Handle, FileStandardInformation));
    CHECK_EQUAL(1, RequestsFor(Handle, FileInternalInformation));
    CHECK_EQUAL(1, RequestsFor(Other, FileBasicInformation));
    CHECK_EQUAL(1, RequestsFor(Other, FileStandardInformation));
    Fcb->Pages.Viewed = TRUE;
    CHECK_EQUAL(1, RequestsFor(Handle, FileBasicInformation)); /* which tells the time */
    CHECK(!Fcb->Pages.Viewed);
    CHECK_EQUAL(0, RequestsFor(Handle, FileBasicInformation));
    Driver->MajorFunction[IRP_MJ_QUERY_INFORMATION] = Dispatch;
    NtWorldClose(Other);
    Finish();
}

/* SPDX-License-Identifier: MIT */
/*
 * test_fat_fsd_paging.c - the paging path: pages go by pinned runs, with nothing but the reserve.
 */
#include "disk/fat/fsd_i.h"
#include "mm/io/io_i.h"
#include "mm/pool/pool_inject.h"
#include "tests/unit/io_world.h"
#include "tests/unit/page_request.h"

#include <stdio.h>
#include <string.h>

#define FILE_BYTES 0x40000u
#define MOST       24u

static PAGE_IO Pages[MOST];
static ULONG Calls[MOST];
static PFILE_OBJECT PagingFile;

static void StartRead(PAGE_IO *P, ULONG64 Offset)
{
    PageIoStart(P, PagingFile, Offset, FALSE);
}

static void StartWrite(PAGE_IO *P, ULONG64 Offset)
{
    PageIoStart(P, PagingFile, Offset, TRUE);
}

static NTSTATUS ReadPages(PAGE_IO *P, ULONG64 Offset)
{
    StartRead(P, Offset);
    return PageIoWait(P);
}

static NTSTATUS WritePages(PAGE_IO *P, ULONG64 Offset)
{
    StartWrite(P, Offset);
    return PageIoWait(P);
}

#define SMALL_FILES 110u
#define SMALL_BYTES 4096u

/* Fill the small volume with files and delete every other: what is left has no room in a row. */
static void Scatter(void)
{
    PFILE_OBJECT Folder;
    char Name[32];
    ULONG Index;

    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\d", FILE_CREATE, FILE_DIRECTORY_FILE, &Folder));
    IoCloseFile(Folder);
    for (Index = 0; Index < SMALL_FILES; Index++) {
        snprintf(Name, sizeof(Name), "\\d\\f%u", (unsigned)Index);
        IoWorldPut(Name, SMALL_BYTES, (UCHAR)Index);
    }
    for (Index = 0; Index < SMALL_FILES; Index += 2) {
        snprintf(Name, sizeof(Name), "\\d\\f%u", (unsigned)Index);
        CHECK_EQUAL(STATUS_SUCCESS, IoDeleteFile(IoVolume, Name));
    }
}

static void Start(const SEED_FAT *Fat, ULONG64 Seed)
{
    IoWorldStart(Fat, Seed);
    CHECK_EQUAL(STATUS_SUCCESS,
                IoOpenPagingFile(IoVolume, "\\pagefile.sys", FILE_BYTES, &PagingFile));
}

static void Finish(void)
{
    IoCloseFile(PagingFile);
    IoWorldFinish();
}

TEST(FatFsd_paging_file_is_as_long_as_asked_and_keeps_its_pages)
{
    ULONG64 Bytes = 0;
    PAGE_IO *P = &Pages[0];

    Start(&IoWorldFat16, TestSeed());
    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileSize(PagingFile, &Bytes));
    CHECK_EQUAL(FILE_BYTES, Bytes);
    PageIoCreate(P, 2, 0x5A);
    CHECK_EQUAL(STATUS_SUCCESS, WritePages(P, 3 * PAGE_SIZE));
    CHECK_EQUAL(2 * PAGE_SIZE, P->Iosb.Information);
    memset(P->Buffer, 0, 2 * PAGE_SIZE);
    CHECK_EQUAL(STATUS_SUCCESS, ReadPages(P, 3 * PAGE_SIZE));
    CHECK(P->Buffer[0] == 0x5A && P->Buffer[2 * PAGE_SIZE - 1] == 0x5A);
    memset(P->Buffer, 0, 2 * PAGE_SIZE); /* and the file's data is the same by another way */
    {
        ULONG Done;

        CHECK_EQUAL(STATUS_SUCCESS,
                    IoReadFile(PagingFile, 3 * PAGE_SIZE, IoBuffer, 2 * PAGE_SIZE, &Done));
        CHECK(IoBuffer[0] == 0x5A && IoBuffer[2 * PAGE_SIZE - 1] == 0x5A);
    }
    PageIoDelete(P);
    Finish();
}

TEST(FatFsd_paging_file_opens_again_and_grows_but_keeps_a_longer_size)
{
    ULONG64 Bytes = 0;

    Start(&IoWorldFat16, 0);
    IoCloseFile(PagingFile);
    CHECK_EQUAL(STATUS_SUCCESS,
                IoOpenPagingFile(IoVolume, "\\pagefile.sys", 2 * FILE_BYTES, &PagingFile));
    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileSize(PagingFile, &Bytes));
    CHECK_EQUAL(2 * FILE_BYTES, Bytes);
    IoCloseFile(PagingFile);
    CHECK_EQUAL(STATUS_SUCCESS, IoOpenPagingFile(IoVolume, "\\pagefile.sys", 0, &PagingFile));
    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileSize(PagingFile, &Bytes));
    CHECK_EQUAL(2 * FILE_BYTES, Bytes);
    Finish();
}

TEST(FatFsd_paging_file_is_pinned)
{
    const IO_OPEN Overwrite = {
        .Path = "\\pagefile.sys",
        .DesiredAccess = FILE_READ_ATTRIBUTES,
        .Disposition = FILE_OVERWRITE,
        .ShareAccess = IO_SHARE_ALL,
        .FileAttributes = FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM,
    };
    PFILE_OBJECT Other;

    Start(&IoWorldFat16, 0);
    CHECK_EQUAL(STATUS_SHARING_VIOLATION, IoWorldOpen("\\PAGEFILE.SYS", FILE_OPEN, 0, &Other));
    CHECK_EQUAL(STATUS_SHARING_VIOLATION, IoOpenFileEx(IoVolume, &Overwrite, &Other));
    CHECK_EQUAL(STATUS_SHARING_VIOLATION, IoOpenPagingFile(IoVolume, "\\pagefile.sys", 0, &Other));
    CHECK_EQUAL(STATUS_SHARING_VIOLATION, IoDeleteFile(IoVolume, "\\pagefile.sys"));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, IoSetFileSize(PagingFile, 0));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, IoSetFileSize(PagingFile, 2 * FILE_BYTES));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, IoRenameFile(PagingFile, "\\other", FALSE));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, IoWriteFile(PagingFile, FILE_BYTES, IoBuffer, 1));
    CHECK_EQUAL(STATUS_ACCESS_DENIED, IoDismountVolume(IoVolume));
    Finish();
}

TEST(FatFsd_page_requests_outside_the_file_or_off_a_sector_are_refused)
{
    PAGE_IO *P = &Pages[0];

    Start(&IoWorldFat16, 0);
    PageIoCreate(P, 2, 1);
    CHECK_EQUAL(STATUS_END_OF_FILE, ReadPages(P, FILE_BYTES));
    CHECK_EQUAL(STATUS_END_OF_FILE, WritePages(P, FILE_BYTES - PAGE_SIZE));
    CHECK_EQUAL(STATUS_END_OF_FILE, ReadPages(P, 0x100000000ull));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, ReadPages(P, 100));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, ReadPages(P, (ULONG64)-4096));
    CHECK_EQUAL(0, P->Iosb.Information);
    PageIoDelete(P);
    Finish();
}

/* A scattered file: one request is many disk requests. */
TEST(FatFsd_pages_of_a_scattered_file_come_from_where_they_went)
{
    PFAT_FCB Fcb;
    PAGE_IO *P = &Pages[0];
    ULONG Index;

    IoWorldStart(&IoWorldFat12, TestSeed());
    Scatter();
    CHECK_EQUAL(STATUS_SUCCESS,
                IoOpenPagingFile(IoVolume, "\\pagefile.sys", 30 * PAGE_SIZE, &PagingFile));
    Fcb = PagingFile->FsContext;
    CHECK(Fcb->Pages.Map.Runs->Count > 16); /* more than the first list has room for */
    PageIoCreate(P, 30, 0);
    for (Index = 0; Index < 30 * PAGE_SIZE; Index++) {
        P->Buffer[Index] = IoWorldByte(Index, 9);
    }
    CHECK_EQUAL(STATUS_SUCCESS, WritePages(P, 0));
    memset(P->Buffer, 0, 30 * PAGE_SIZE);
    CHECK_EQUAL(STATUS_SUCCESS, ReadPages(P, 0));
    for (Index = 0; Index < 30 * PAGE_SIZE; Index++) {
        CHECK_EQUAL(IoWorldByte(Index, 9), P->Buffer[Index]);
    }
    PageIoDelete(P);
    CHECK(IoWorldHolds("\\d\\f1", SMALL_BYTES, 1)); /* the neighbours are whole */
    CHECK(IoWorldHolds("\\d\\f39", SMALL_BYTES, 39));
    Finish();
}

/* ---- without pool ---- */

static ULONG64 AllocationsTried;

/* Every pool allocation from now on fails, and is counted. */
static void NoPool(void)
{
    MiFailPoolAllocation(1);
}

static BOOLEAN NobodyAsked(void)
{
    BOOLEAN Asked = MiPoolFailureHappened();

    MiFailPoolAllocation(0);
    AllocationsTried += Asked;
    return !Asked;
}

TEST(FatFsd_paging_asks_for_no_pool)
{
    ULONG Index;

    Start(&IoWorldFat16, TestSeed());
    for (Index = 0; Index < MOST; Index++) {
        PageIoCreate(&Pages[Index], 2, (UCHAR)Index);
    }
    NoPool();
    for (Index = 0; Index < MOST; Index++) { /* more than there are requests */
        StartWrite(&Pages[Index], Index * 2 * PAGE_SIZE);
    }
    for (Index = 0; Index < MOST; Index++) {
        CHECK_EQUAL(STATUS_SUCCESS, PageIoWait(&Pages[Index]));
        memset(Pages[Index].Buffer, 0xEE, 2 * PAGE_SIZE);
    }
    for (Index = 0; Index < MOST; Index++) {
        StartRead(&Pages[Index], Index * 2 * PAGE_SIZE);
    }
    for (Index = 0; Index < MOST; Index++) {
        CHECK_EQUAL(STATUS_SUCCESS, PageIoWait(&Pages[Index]));
        CHECK_EQUAL(Index, Pages[Index].Buffer[0]);
        CHECK_EQUAL(Index, Pages[Index].Buffer[2 * PAGE_SIZE - 1]);
    }
    CHECK(NobodyAsked());
    CHECK(IopFileOf(PagingFile)->Reserve->Exhausted != 0);
    for (Index = 0; Index < MOST; Index++) {
        PageIoDelete(&Pages[Index]);
    }
    Finish();
}

/* ---- without the volume's lock ---- */

typedef struct _HELD {
    PFAST_MUTEX Mutex;
    KEVENT Held;
    KEVENT Release;
} HELD;

static void HoldMutex(PVOID Context)
{
    LARGE_INTEGER Minute = {.QuadPart = -600000000}; /* whoever needs the mutex gets it then */
    HELD *Held = Context;

    ExAcquireFastMutex(Held->Mutex);
    KeSetEvent(&Held->Held, 0, FALSE);
    KeWaitForSingleObject(&Held->Release, Executive, KernelMode, FALSE, &Minute);
    ExReleaseFastMutex(Held->Mutex);
}

TEST(FatFsd_paging_goes_on_while_somebody_has_the_volumes_mutex)
{
    PFAT_VCB Vcb;
    PKTHREAD Holder;
    HELD Held;

    Start(&IoWorldFat16, TestSeed());
    Vcb = IoVolume->Vpb->DeviceObject->DeviceExtension;
    Held.Mutex = &Vcb->Mutex;
    KeInitializeEvent(&Held.Held, NotificationEvent, FALSE);
    KeInitializeEvent(&Held.Release, NotificationEvent, FALSE);
    Holder = HostKernelThread(HostThreadCreate(HoldMutex, &Held));
    KeWaitForSingleObject(&Held.Held, Executive, KernelMode, FALSE, NULL);
    PageIoCreate(&Pages[0], 1, 7);
    CHECK_EQUAL(STATUS_SUCCESS, WritePages(&Pages[0], 0));
    CHECK_EQUAL(STATUS_SUCCESS, ReadPages(&Pages[0], 0));
    CHECK(Vcb->Mutex.Owner == Holder);
    KeSetEvent(&Held.Release, 0, FALSE);
    KeWaitForSingleObject(Holder, Executive, KernelMode, FALSE, NULL);
    PageIoDelete(&Pages[0]);
    Finish();
}

/* ---- asynchronous writes ---- */

static void NTAPI PagesWritten(PVOID Context, PIO_STATUS_BLOCK Iosb, ULONG Reserved)
{
    PAGE_IO *P = Context;

    CHECK_EQUAL(0, Reserved);
    CHECK(Iosb == &P->Iosb);
    CHECK(KeGetCurrentIrql() <= DISPATCH_LEVEL);
    Calls[P - Pages]++;
    KeSetEvent(&P->Done, 0, FALSE);
}

TEST(FatFsd_asynchronous_page_writes_call_their_routine_once_each)
{
    LARGE_INTEGER Offset;
    ULONG Index;

    Start(&IoWorldFat16, TestSeed());
    for (Index = 0; Index < MOST; Index++) {
        PageIoCreate(&Pages[Index], 1, (UCHAR)(Index + 1));
        Calls[Index] = 0;
        Offset.QuadPart = Index * PAGE_SIZE;
        (void)IoAsynchronousPageWrite(PagingFile, Pages[Index].Mdl, &Offset, PagesWritten,
                                      &Pages[Index], &Pages[Index].Iosb);
    }
    for (Index = 0; Index < MOST; Index++) {
        CHECK_EQUAL(STATUS_SUCCESS, PageIoWait(&Pages[Index]));
        CHECK_EQUAL(1, Calls[Index]);
        CHECK_EQUAL(PAGE_SIZE, Pages[Index].Iosb.Information);
        CHECK_EQUAL(STATUS_SUCCESS, ReadPages(&Pages[Index], Index * PAGE_SIZE));
        CHECK_EQUAL(Index + 1, Pages[Index].Buffer[17]);
        PageIoDelete(&Pages[Index]);
    }
    Finish();
}

/* ---- failing disks: every n-th request of a scattered transfer (R4) ---- */

static ULONG FailEach(DISK_OPERATION Operation, PAGE_IO *P, BOOLEAN Reads)
{
    ULONG Nth = 0;
    NTSTATUS Status;

    do {
        Nth++;
        IoDisk.FailAt[Operation] = Nth;
        Status = Reads ? ReadPages(P, 0) : WritePages(P, 0);
        CHECK(Status == STATUS_SUCCESS || Status == STATUS_IO_DEVICE_ERROR);
        CHECK_EQUAL(NT_SUCCESS(Status) ? P->Mdl->ByteCount : 0, P->Iosb.Information);
    } while (Status != STATUS_SUCCESS);
    IoDisk.FailAt[Operation] = 0;
    return Nth - 1;
}

TEST(FatFsd_page_request_fails_as_a_whole_when_a_part_fails)
{
    PAGE_IO *P = &Pages[0];
    ULONG Failed = 0;
    ULONG Writes;
    ULONG Reads;
    ULONG Runs;
    ULONG Latency;

    for (Latency = 0; Latency < 2; Latency++) {
        IoWorldStart(&IoWorldFat12, Latency == 0 ? 0 : TestSeed());
        Scatter();
        CHECK_EQUAL(STATUS_SUCCESS,
                    IoOpenPagingFile(IoVolume, "\\pagefile.sys", 30 * PAGE_SIZE, &PagingFile));
        Runs = ((PFAT_FCB)PagingFile->FsContext)->Pages.Map.Runs->Count;
        PageIoCreate(P, 30, 3);
        Writes = FailEach(DiskWrite, P, FALSE);
        Reads = FailEach(DiskRead, P, TRUE);
        CHECK(Writes >= Runs && Reads >= Runs);
        Failed += Writes + Reads;
        CHECK_EQUAL(3, P->Buffer[30 * PAGE_SIZE - 1]);
        PageIoDelete(P);
        Finish();
    }
    CHECK(Failed > 20);
    printf("# figure R4 %u 0\n", (unsigned)Failed);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_disk.c - requests: what is refused, what is counted, and the call that waits.
 */
#include "disk/volume/partition.h"
#include "ex.h"
#include "ke.h"
#include "tests/host/disk.h"
#include "tests/unit/mm_world.h"

#include <string.h>

#define SECTORS 2048u
#define TAG     0x6B736944u /* 'Disk' */

static HOST_DISK Disk;
static PUCHAR Buffer; /* of 1024 sectors of 512 */

static void Start(ULONG SectorBytes, ULONG64 Seed)
{
    MmWorldStart(2048);
    HostDiskCreate(&Disk, SectorBytes, SECTORS, Seed);
    Buffer = ExAllocatePoolWithTag(NonPagedPool, 1024 * 512, TAG);
    CHECK(Buffer != NULL);
}

static void Finish(void)
{
    ExFreePoolWithTag(Buffer, TAG);
    HostDiskDelete(&Disk);
    MmWorldFinish();
}

static void Fill(PUCHAR At, ULONG Bytes)
{
    while (Bytes-- != 0) {
        At[Bytes] = (UCHAR)(Bytes * 7 + Bytes / 256);
    }
}

static void Ignore(PDISK_REQUEST Request)
{
    (void)Request;
}

static void WriteAndReadBack(ULONG SectorBytes, ULONG64 Seed)
{
    const ULONG Bytes = 512 * 1024;
    const ULONG Sectors = Bytes / SectorBytes - 1; /* many requests, the last one short */
    ULONG Index;

    Start(SectorBytes, Seed);
    Fill(Buffer, Bytes);
    CHECK_EQUAL(STATUS_SUCCESS, DiskTransfer(&Disk.Device, DiskWrite, 5, Sectors, Buffer));
    for (Index = 0; Index < Sectors * SectorBytes; Index++) {
        CHECK_EQUAL(Buffer[Index], Disk.Image[5 * SectorBytes + Index]);
    }
    CHECK_EQUAL(0, Disk.Image[5 * SectorBytes - 1] | Disk.Image[(5 + Sectors) * SectorBytes]);
    memset(Buffer, 0, Bytes);
    CHECK_EQUAL(STATUS_SUCCESS, DiskTransfer(&Disk.Device, DiskRead, 5, Sectors, Buffer));
    CHECK(memcmp(Buffer, Disk.Image + 5 * SectorBytes, Sectors * SectorBytes) == 0);
    CHECK_EQUAL(STATUS_SUCCESS, DiskTransfer(&Disk.Device, DiskFlush, 0, 0, NULL));
    CHECK_EQUAL(Bytes / 65536, Disk.Device.RequestCounts[DiskWrite]);
    CHECK_EQUAL(Bytes / 65536, Disk.Device.RequestCounts[DiskRead]);
    CHECK_EQUAL(1, Disk.Device.RequestCounts[DiskFlush]);
    CHECK_EQUAL(0, Disk.Device.Failures);
    Finish();
}

TEST(DiskTransfer_moves_what_one_request_cannot)
{
    WriteAndReadBack(512, 0);
    WriteAndReadBack(4096, 0);
}

TEST(DiskTransfer_waits_for_a_completion_that_comes_later)
{
    WriteAndReadBack(512, TestSeed());
    WriteAndReadBack(4096, TestSeed());
}

TEST(DiskTransfer_takes_buffers_that_begin_anywhere_in_a_page)
{
    Start(512, 0);
    Fill(Buffer + 3, 9 * 512);
    CHECK_EQUAL(STATUS_SUCCESS, DiskTransfer(&Disk.Device, DiskWrite, 0, 9, Buffer + 3));
    CHECK(memcmp(Buffer + 3, Disk.Image, 9 * 512) == 0);
    Finish();
}

TEST(DiskTransfer_reads_to_where_no_controller_could_in_many_requests)
{
    const ULONG Bytes = 300 * 512;
    ULONG Index;

    Start(512, TestSeed());
    Fill(Disk.Image, Bytes);
    memset(Buffer, 0xEE, Bytes + 2);
    CHECK_EQUAL(STATUS_SUCCESS, DiskTransfer(&Disk.Device, DiskRead, 0, 300, Buffer + 1));
    CHECK(memcmp(Buffer + 1, Disk.Image, Bytes) == 0);
    CHECK_EQUAL(0xEE, Buffer[0]);
    CHECK_EQUAL(0xEE, Buffer[Bytes + 1]);
    CHECK_EQUAL(3, Disk.Device.RequestCounts[DiskRead]);
    for (Index = 1; Index <= 3; Index++) { /* a read that fails: nothing behind it is read */
        Disk.FailAt[DiskRead] = Index;
        CHECK_EQUAL(STATUS_IO_DEVICE_ERROR,
                    DiskTransfer(&Disk.Device, DiskRead, 0, 300, Buffer + 2 + Index % 2));
    }
    Finish();
}

TEST(DiskSubmit_refuses_memory_that_controllers_cannot_address)
{
    DISK_REQUEST Request = {.Operation = DiskRead, .Sectors = 1};
    ULONG Index;

    Start(512, 0);
    for (Index = 0; Index < 8; Index++) {
        PMDL Mdl = IoAllocateMdl(Buffer + Index, 1024, FALSE, FALSE, NULL);

        MmBuildMdlForNonPagedPool(Mdl);
        Request.Mdl = Mdl;
        Request.Offset = Index % 2 != 0 ? 0 : 4;
        Request.Completion = Ignore;
        DiskSubmit(&Disk.Device, &Request);
        CHECK_EQUAL(Index % 4 == 0 ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER, Request.Status);
        IoFreeMdl(Mdl);
    }
    Finish();
}

TEST(DiskTransfer_refuses_sectors_beyond_the_end)
{
    Start(512, 0);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, DiskTransfer(&Disk.Device, DiskRead, SECTORS, 1, Buffer));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                DiskTransfer(&Disk.Device, DiskRead, SECTORS - 1, 2, Buffer));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                DiskTransfer(&Disk.Device, DiskRead, (ULONG64)-1, 2, Buffer));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, DiskTransfer(&Disk.Device, DiskRead, 0, 0, Buffer));
    CHECK_EQUAL(STATUS_SUCCESS, DiskTransfer(&Disk.Device, DiskRead, SECTORS - 1, 1, Buffer));
    CHECK_EQUAL(1, Disk.Device.RequestCounts[DiskRead]);
    Finish();
}

TEST(DiskTransfer_stops_at_the_first_request_that_fails)
{
    Start(512, 0);
    Disk.FailAt[DiskWrite] = 2;
    Fill(Buffer, 512 * 512);
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, DiskTransfer(&Disk.Device, DiskWrite, 0, 512, Buffer));
    CHECK_EQUAL(2, Disk.Device.RequestCounts[DiskWrite]);
    CHECK_EQUAL(1, Disk.Device.Failures);
    CHECK(memcmp(Disk.Image, Buffer, 65536) == 0);
    CHECK_EQUAL(0, Disk.Image[65536 + 1]);
    Disk.FailAt[DiskFlush] = 1;
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, DiskTransfer(&Disk.Device, DiskFlush, 0, 0, NULL));
    Finish();
}

TEST(DiskTransfer_does_not_write_to_a_read_only_disk)
{
    Start(512, 0);
    Disk.Device.ReadOnly = TRUE;
    CHECK_EQUAL(STATUS_MEDIA_WRITE_PROTECTED, DiskTransfer(&Disk.Device, DiskWrite, 0, 1, Buffer));
    CHECK_EQUAL(0, Disk.Logged);
    CHECK_EQUAL(1, Disk.Device.Failures);
    Finish();
}

/* ---- DiskSubmit itself ---- */

static ULONG Completions;

static void Completed(PDISK_REQUEST Request)
{
    (void)Request;
    Completions++;
}

static NTSTATUS Submit(DISK_REQUEST Request)
{
    Completions = 0;
    Request.Completion = Completed;
    DiskSubmit(&Disk.Device, &Request);
    CHECK_EQUAL(1, Completions);
    CHECK(Request.Completion == Completed);
    return Request.Status;
}

TEST(DiskSubmit_checks_each_field_of_a_request)
{
    DISK_REQUEST Good = {.Operation = DiskWrite, .Sector = 1, .Sectors = 8};
    DISK_REQUEST Request;

    Start(512, 0);
    Good.Mdl = IoAllocateMdl(Buffer, 4096, FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(Good.Mdl);
    CHECK_EQUAL(STATUS_SUCCESS, Submit(Good));
    Request = Good, Request.Sectors = 9; /* longer than the MDL */
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Submit(Request));
    Request = Good, Request.Offset = 1;
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Submit(Request));
    Request = Good, Request.Offset = 0xFFFFFFFF;
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Submit(Request));
    Request = Good, Request.Sectors = 0;
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Submit(Request));
    Request = Good, Request.Sectors = Disk.Device.MaximumSectors + 1;
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Submit(Request));
    Request = Good, Request.Mdl = NULL;
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Submit(Request));
    Request = Good, Request.Operation = (DISK_OPERATION)3;
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Submit(Request));
    Request = Good, Request.Operation = DiskFlush;
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Submit(Request));
    CHECK_EQUAL(1, Disk.Logged);
    CHECK_EQUAL(8, Disk.Device.Failures);
    IoFreeMdl(Good.Mdl);
    Finish();
}

#define IN_FLIGHT 20u

static void WaitFor(ULONG Count)
{
    LARGE_INTEGER Tick = {.QuadPart = -10000};

    while (Completions < Count) {
        CHECK_EQUAL(STATUS_SUCCESS, KeDelayExecutionThread(KernelMode, FALSE, &Tick));
    }
}

TEST(DiskSubmit_completes_many_requests_in_flight_once_each)
{
    static DISK_REQUEST Requests[IN_FLIGHT];
    PMDL Mdl;
    ULONG Index;

    Start(512, TestSeed());
    HostStartClock();
    Fill(Buffer, IN_FLIGHT * 512);
    Mdl = IoAllocateMdl(Buffer, IN_FLIGHT * 512, FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(Mdl);
    Completions = 0;
    for (Index = 0; Index < IN_FLIGHT; Index++) {
        Requests[Index] = (DISK_REQUEST){.Operation = DiskWrite,
                                         .Sector = Index,
                                         .Sectors = 1,
                                         .Mdl = Mdl,
                                         .Offset = Index * 512,
                                         .Completion = Completed};
        DiskSubmit(&Disk.Device, &Requests[Index]);
    }
    WaitFor(IN_FLIGHT);
    CHECK_EQUAL(IN_FLIGHT, Completions);
    CHECK(memcmp(Disk.Image, Buffer, IN_FLIGHT * 512) == 0);
    IoFreeMdl(Mdl);
    Finish();
}

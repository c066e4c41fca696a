/* SPDX-License-Identifier: MIT */
/*
 * test_io_disk_device.c - the disk driver's device and the queue that cuts requests.
 */
#include "mm/io/io_i.h"
#include "tests/unit/io_world.h"

#include <string.h>

#define SECTORS 2000u

static HOST_DISK Disk;
static PDEVICE_OBJECT Device;

static void Start(ULONG SectorBytes, ULONG64 Seed)
{
    IoWorldPowerOn();
    HostDiskCreate(&Disk, SectorBytes, SECTORS, Seed);
    CHECK_EQUAL(STATUS_SUCCESS, IopCreateDiskDevice(&Disk.Device, "\\Device\\Disk", &Device));
}

static void Finish(void)
{
    IopDeleteDiskDevice(Device);
    HostDiskDelete(&Disk);
    IoWorldPowerOff();
}

static NTSTATUS Transfer(ULONG Major, ULONG64 Offset, ULONG Length, PULONG_PTR Information)
{
    LARGE_INTEGER From = {.QuadPart = (LONGLONG)Offset};
    IO_STATUS_BLOCK Iosb;
    KEVENT Done;
    PIRP Irp;

    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    Irp = IoBuildSynchronousFsdRequest(Major, Device, IoBuffer, Length, &From, &Done, &Iosb);
    CHECK(Irp != NULL);
    (void)IoCallDriver(Device, Irp);
    KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    *Information = Iosb.Information;
    return Iosb.Status;
}

static NTSTATUS Control(ULONG Code, PVOID Output, ULONG Length, PULONG_PTR Information)
{
    IO_STATUS_BLOCK Iosb;
    KEVENT Done;
    PIRP Irp;

    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    Irp = IoBuildDeviceIoControlRequest(Code, Device, NULL, 0, Output, Length, FALSE, &Done, &Iosb);
    CHECK(Irp != NULL);
    (void)IoCallDriver(Device, Irp);
    CHECK_EQUAL(1, KeReadStateEvent(&Done));
    *Information = Iosb.Information;
    return Iosb.Status;
}

TEST(IoDisk_moves_more_than_one_request_may_have)
{
    ULONG_PTR Information;
    ULONG Index;

    Start(512, TestSeed());
    Disk.Device.MaximumSectors = 7;
    for (Index = 0; Index < 100 * 512; Index++) {
        Disk.Image[3 * 512 + Index] = IoWorldByte(Index, 5);
    }
    CHECK_EQUAL(STATUS_SUCCESS, Transfer(IRP_MJ_READ, 3 * 512, 100 * 512, &Information));
    CHECK_EQUAL(100 * 512, Information);
    CHECK(memcmp(IoBuffer, Disk.Image + 3 * 512, 100 * 512) == 0);
    CHECK_EQUAL(15, Disk.Device.RequestCounts[DiskRead]);
    memset(IoBuffer, 0x99, 10 * 512);
    CHECK_EQUAL(STATUS_SUCCESS, Transfer(IRP_MJ_WRITE, 0, 10 * 512, &Information));
    CHECK(Disk.Image[0] == 0x99 && Disk.Image[10 * 512 - 1] == 0x99 && Disk.Image[5120] != 0x99);
    CHECK_EQUAL(STATUS_SUCCESS, Transfer(IRP_MJ_FLUSH_BUFFERS, 0, 0, &Information));
    CHECK_EQUAL(1, Disk.Device.RequestCounts[DiskFlush]);
    Finish();
}

TEST(IoDisk_refuses_what_is_no_whole_sectors_inside)
{
    ULONG_PTR Information = 1;

    Start(4096, 0);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Transfer(IRP_MJ_READ, 512, 4096, &Information));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Transfer(IRP_MJ_READ, 0, 512, &Information));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                Transfer(IRP_MJ_READ, (SECTORS - 1) * 4096, 8192, &Information));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER,
                Transfer(IRP_MJ_READ, (ULONG64)-4096, 4096, &Information));
    CHECK_EQUAL(0, Information);
    CHECK_EQUAL(STATUS_SUCCESS, Transfer(IRP_MJ_READ, (SECTORS - 1) * 4096, 4096, &Information));
    CHECK_EQUAL(STATUS_SUCCESS, Transfer(IRP_MJ_READ, SECTORS * 4096, 0, &Information));
    Disk.Device.ReadOnly = TRUE;
    CHECK_EQUAL(STATUS_MEDIA_WRITE_PROTECTED, Transfer(IRP_MJ_WRITE, 0, 4096, &Information));
    CHECK_EQUAL(1, Disk.Device.RequestCounts[DiskRead]);
    Finish();
}

TEST(IoDisk_answers_the_documented_controls)
{
    GET_LENGTH_INFORMATION Length;
    DISK_GEOMETRY Geometry;
    ULONG_PTR Information;

    Start(512, 0);
    CHECK_EQUAL(STATUS_SUCCESS,
                Control(IOCTL_DISK_GET_DRIVE_GEOMETRY, &Geometry, sizeof(Geometry), &Information));
    CHECK_EQUAL(24, Information);
    CHECK(Geometry.BytesPerSector == 512 && Geometry.MediaType == FixedMedia);
    CHECK_EQUAL(STATUS_SUCCESS,
                Control(IOCTL_DISK_GET_LENGTH_INFO, &Length, sizeof(Length), &Information));
    CHECK_EQUAL(SECTORS * 512, Length.Length.QuadPart);
    CHECK_EQUAL(STATUS_SUCCESS, Control(IOCTL_DISK_CHECK_VERIFY, NULL, 0, &Information));
    CHECK_EQUAL(STATUS_SUCCESS, Control(IOCTL_STORAGE_CHECK_VERIFY, NULL, 0, &Information));
    CHECK_EQUAL(STATUS_SUCCESS, Control(IOCTL_DISK_IS_WRITABLE, NULL, 0, &Information));
    Disk.Device.ReadOnly = TRUE;
    CHECK_EQUAL(STATUS_MEDIA_WRITE_PROTECTED,
                Control(IOCTL_DISK_IS_WRITABLE, NULL, 0, &Information));
    CHECK_EQUAL(STATUS_BUFFER_TOO_SMALL,
                Control(IOCTL_DISK_GET_LENGTH_INFO, &Length, 7, &Information));
    CHECK_EQUAL(STATUS_INVALID_DEVICE_REQUEST, Control(0x70004, NULL, 0, &Information));
    CHECK(IoGetDiskDevice(Device) == &Disk.Device);
    Finish();
}

/* ---- the queue ---- */

#define PARTS 64u

static ULONG Nesting;
static ULONG Deepest;
static PDISK_REQUEST Held[PARTS];
static ULONG HeldCount;

static void SubmitAtOnce(PDISK_DEVICE Target, PDISK_REQUEST Request)
{
    (void)Target;
    Nesting++;
    Deepest = Nesting > Deepest ? Nesting : Deepest;
    Request->Status = STATUS_SUCCESS;
    Request->Completion(Request);
    Nesting--;
}

static void SubmitNever(PDISK_DEVICE Target, PDISK_REQUEST Request)
{
    (void)Target;
    CHECK(HeldCount < PARTS);
    Held[HeldCount++] = Request;
}

static PIRP MakeRequest(PMDL Mdl, ULONG Length, PKEVENT Done, PIO_STATUS_BLOCK Iosb)
{
    PIRP Irp = IoAllocateIrp(1, FALSE);

    CHECK(Irp != NULL);
    KeInitializeEvent(Done, NotificationEvent, FALSE);
    Irp->Flags = IRP_PAGING_IO;
    Irp->MdlAddress = Mdl;
    Irp->UserEvent = Done;
    Irp->UserIosb = Iosb;
    IoSetNextIrpStackLocation(Irp);
    IoGetCurrentIrpStackLocation(Irp)->MajorFunction = IRP_MJ_READ;
    IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length = Length;
    return Irp;
}

static PIO_RUN_MAP WholeDisk(void)
{
    static IO_RUN_MAP Map;
    static union {
        IO_RUNS Runs;
        UCHAR Room[sizeof(IO_RUNS) + sizeof(IO_RUN)];
    } Whole;

    Whole.Runs.Count = 1;
    Whole.Runs.Run[0] = (IO_RUN){0, 0, SECTORS};
    Map.Runs = &Whole.Runs;
    return &Map;
}

TEST(IoQueueDiskRequest_does_not_nest_when_parts_complete_at_once)
{
    DISK_DEVICE Quick = {
        .SectorBytes = 512, .Sectors = SECTORS, .MaximumSectors = 1, .Submit = SubmitAtOnce};
    PIO_DISK_QUEUE Queue;
    IO_STATUS_BLOCK Iosb;
    KEVENT Done;
    PMDL Mdl;

    IoWorldPowerOn();
    Nesting = Deepest = 0;
    CHECK_EQUAL(STATUS_SUCCESS, IoCreateDiskQueue(&Quick, 2, &Queue));
    Mdl = IoAllocateMdl(IoBuffer, PARTS * 512, FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(Mdl);
    CHECK_EQUAL(
        STATUS_PENDING,
        IoQueueDiskRequest(Queue, MakeRequest(Mdl, PARTS * 512, &Done, &Iosb), WholeDisk()));
    CHECK_EQUAL(1, KeReadStateEvent(&Done));
    CHECK_EQUAL(PARTS * 512, Iosb.Information);
    CHECK_EQUAL(PARTS, Quick.RequestCounts[DiskRead]);
    CHECK_EQUAL(1, Deepest);
    IoFreeMdl(Mdl);
    IoDeleteDiskQueue(Queue);
    IoWorldPowerOff();
}

/* Three requests of four parts, five units: the line moves as units come back, in order. */
TEST(IoQueueDiskRequest_keeps_its_order_when_units_run_out)
{
    DISK_DEVICE Slow = {
        .SectorBytes = 512, .Sectors = SECTORS, .MaximumSectors = 1, .Submit = SubmitNever};
    PIO_DISK_QUEUE Queue;
    IO_STATUS_BLOCK Iosb[3];
    KEVENT Done[3];
    PMDL Mdl;
    ULONG Index;

    IoWorldPowerOn();
    HeldCount = 0;
    CHECK_EQUAL(STATUS_SUCCESS, IoCreateDiskQueue(&Slow, 5, &Queue));
    Mdl = IoAllocateMdl(IoBuffer, 4 * 512, FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(Mdl);
    for (Index = 0; Index < 3; Index++) {
        PIRP Irp = MakeRequest(Mdl, 4 * 512, &Done[Index], &Iosb[Index]);

        IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.ByteOffset.QuadPart = Index * 100 * 512;
        CHECK_EQUAL(STATUS_PENDING, IoQueueDiskRequest(Queue, Irp, WholeDisk()));
    }
    CHECK_EQUAL(5, HeldCount);
    for (Index = 0; Index < 12; Index++) { /* each completion lets one more part go */
        CHECK_EQUAL(Index / 4 * 100 + Index % 4, Held[Index]->Sector);
        CHECK_EQUAL(Index % 4 * 512, Held[Index]->Offset);
        Held[Index]->Status = Index == 5 ? STATUS_IO_TIMEOUT : STATUS_SUCCESS;
        Held[Index]->Completion(Held[Index]);
        CHECK_EQUAL(Index >= 3, KeReadStateEvent(&Done[0]));
    }
    CHECK_EQUAL(12, HeldCount);
    CHECK(KeReadStateEvent(&Done[1]) == 1 && KeReadStateEvent(&Done[2]) == 1);
    CHECK(Iosb[0].Status == STATUS_SUCCESS && Iosb[0].Information == 2048);
    CHECK(Iosb[1].Status == STATUS_IO_TIMEOUT && Iosb[1].Information == 0);
    CHECK(Iosb[2].Status == STATUS_SUCCESS);
    IoFreeMdl(Mdl);
    IoDeleteDiskQueue(Queue);
    IoWorldPowerOff();
}

/* What has not been submitted when a part fails never is. */
TEST(IoQueueDiskRequest_gives_up_the_rest_of_a_request_that_failed)
{
    DISK_DEVICE Slow = {
        .SectorBytes = 512, .Sectors = SECTORS, .MaximumSectors = 1, .Submit = SubmitNever};
    PIO_DISK_QUEUE Queue;
    IO_STATUS_BLOCK Iosb;
    KEVENT Done;
    PMDL Mdl;

    IoWorldPowerOn();
    HeldCount = 0;
    CHECK_EQUAL(STATUS_SUCCESS, IoCreateDiskQueue(&Slow, 2, &Queue));
    Mdl = IoAllocateMdl(IoBuffer, 8 * 512, FALSE, FALSE, NULL);
    MmBuildMdlForNonPagedPool(Mdl);
    (void)IoQueueDiskRequest(Queue, MakeRequest(Mdl, 8 * 512, &Done, &Iosb), WholeDisk());
    Held[1]->Status = STATUS_NO_SUCH_DEVICE;
    Held[1]->Completion(Held[1]);
    CHECK_EQUAL(0, KeReadStateEvent(&Done)); /* the other part is still the device's */
    Held[0]->Status = STATUS_SUCCESS;
    Held[0]->Completion(Held[0]);
    CHECK_EQUAL(1, KeReadStateEvent(&Done));
    CHECK_EQUAL(2, HeldCount);
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, Iosb.Status);
    IoFreeMdl(Mdl);
    IoDeleteDiskQueue(Queue);
    IoWorldPowerOff();
}

/* SPDX-License-Identifier: MIT */
/*
 * test_inject_io.c - every n-th pool allocation (R3) and every n-th disk request (R4) of scenarios
 * of the I/O manager and the FAT driver fails.
 *
 * A scenario begins on a mounted volume with a few files and ends with everything closed.  It says
 * whether it did all that it wanted, and stops at the first failure.  Whatever failed: afterwards
 * the pool is as full as before, the volume mounts, files that the scenario does not touch are
 * whole, and what it touches is what it was before or after a step of it.
 */
#include "mm/pool/pool_inject.h"
#include "io_services.h"
#include "mm/ob/object.h"
#include "tests/unit/io_world.h"
#include "verify.h"

#include <stdio.h>
#include <string.h>

#define KEPT_BYTES 3000u
#define MOST       1500u /* failures of one scenario */

/* ---- steps ---- */

static NTSTATUS Write(PFILE_OBJECT File, ULONG Offset, ULONG Bytes, UCHAR Fill)
{
    memset(IoBuffer, Fill, Bytes);
    return IoWriteFile(File, Offset, IoBuffer, Bytes);
}

/* ---- scenarios ---- */

static BOOLEAN CreateAndWrite(void)
{
    PFILE_OBJECT File;
    NTSTATUS Status = IoWorldOpen("\\a new file", FILE_CREATE, 0, &File);

    if (!NT_SUCCESS(Status)) {
        return FALSE;
    }
    Status = Write(File, 0, 5000, 0x11);
    IoCloseFile(File);
    return NT_SUCCESS(Status);
}

static BOOLEAN GrowAndRead(void)
{
    PFILE_OBJECT File;
    ULONG Done = 0;
    NTSTATUS Status = IoWorldOpen("\\work", FILE_OPEN, 0, &File);

    if (!NT_SUCCESS(Status)) {
        return FALSE;
    }
    Status = Write(File, 10000, 700, 0x22);
    if (NT_SUCCESS(Status)) {
        Status = IoReadFile(File, 9990, IoBuffer, 2000, &Done);
        if (NT_SUCCESS(Status)) {
            CHECK_EQUAL(710, Done);
            CHECK(IoBuffer[9] == 0 && IoBuffer[10] == 0x22 && IoBuffer[709] == 0x22);
        }
    }
    IoCloseFile(File);
    return NT_SUCCESS(Status);
}

static BOOLEAN ReadOnly(void)
{
    PFILE_OBJECT File;
    ULONG Done = 0;
    NTSTATUS Status = IoOpenFile(IoVolume, "\\kept", FILE_READ_DATA, FILE_OPEN, 0, &File);

    if (!NT_SUCCESS(Status)) {
        return FALSE;
    }
    Status = IoReadFile(File, 1, IoBuffer, KEPT_BYTES, &Done);
    if (NT_SUCCESS(Status)) {
        CHECK_EQUAL(KEPT_BYTES - 1, Done);
        CHECK_EQUAL(IoWorldByte(1, 7), IoBuffer[0]);
    }
    IoCloseFile(File);
    return NT_SUCCESS(Status);
}

static BOOLEAN CutAndFlush(void)
{
    PFILE_OBJECT File;
    NTSTATUS Status = IoWorldOpen("\\work", FILE_OPEN, 0, &File);

    if (!NT_SUCCESS(Status)) {
        return FALSE;
    }
    Status = IoSetFileSize(File, 100);
    if (NT_SUCCESS(Status)) {
        Status = IoFlushFile(File);
    }
    IoCloseFile(File);
    return NT_SUCCESS(Status);
}

static BOOLEAN RenameIntoDirectory(void)
{
    PFILE_OBJECT File;
    NTSTATUS Status = IoWorldOpen("\\work", FILE_OPEN, 0, &File);

    if (!NT_SUCCESS(Status)) {
        return FALSE;
    }
    Status = IoRenameFile(File, "\\dir\\a new name", FALSE);
    if (NT_SUCCESS(Status)) {
        Status = Write(File, 0, 600, 0x33); /* through its new entry */
    }
    IoCloseFile(File);
    return NT_SUCCESS(Status);
}

static BOOLEAN DeleteFile(void)
{
    return NT_SUCCESS(IoDeleteFile(IoVolume, "\\work"));
}

static BOOLEAN MakeDirectoryAndList(void)
{
    IO_DIRECTORY_ENTRY Entry;
    PFILE_OBJECT Directory;
    ULONG Entries = 0;
    NTSTATUS Status =
        IoWorldOpen("\\dir\\a new directory", FILE_CREATE, FILE_DIRECTORY_FILE, &Directory);

    if (!NT_SUCCESS(Status)) {
        return FALSE;
    }
    IoCloseFile(Directory);
    Status = IoWorldOpen("\\dir", FILE_OPEN, FILE_DIRECTORY_FILE, &Directory);
    if (!NT_SUCCESS(Status)) {
        return FALSE;
    }
    while (NT_SUCCESS(Status = IoNextDirectoryEntry(Directory, FALSE, &Entry))) {
        Entries++;
    }
    IoCloseFile(Directory);
    if (Status == STATUS_NO_MORE_FILES) {
        CHECK_EQUAL(1, Entries);
    }
    return Status == STATUS_NO_MORE_FILES;
}

static BOOLEAN QueryAndSet(void)
{
    FILE_BASIC_INFORMATION Basic;
    PFILE_OBJECT File;
    ULONG64 Bytes;
    ULONG64 Free;
    ULONG Returned;
    NTSTATUS Status = IoWorldOpen("\\work", FILE_OPEN, 0, &File);

    if (!NT_SUCCESS(Status)) {
        return FALSE;
    }
    Status = IoQueryFileInformation(File, FileBasicInformation, sizeof(Basic), &Basic, &Returned);
    if (NT_SUCCESS(Status)) {
        Basic.FileAttributes = FILE_ATTRIBUTE_HIDDEN;
        Status = IoSetInformation(File, FileBasicInformation, sizeof(Basic), &Basic);
    }
    if (NT_SUCCESS(Status)) {
        Status = IoQueryVolumeSize(IoVolume, &Bytes, &Free);
    }
    IoCloseFile(File);
    return NT_SUCCESS(Status);
}

static BOOLEAN PagingFile(void)
{
    PUCHAR Buffer = IoBuffer + IO_WORLD_BYTES / 2; /* page aligned: a large block */
    UCHAR Memory[sizeof(MDL) + 8 * sizeof(PFN_NUMBER)] NT_ALIGNED(8);
    LARGE_INTEGER Offset = {.QuadPart = PAGE_SIZE};
    PMDL Mdl = (PMDL)Memory;
    IO_STATUS_BLOCK Iosb;
    PFILE_OBJECT File;
    KEVENT Done;
    NTSTATUS Status = IoOpenPagingFile(IoVolume, "\\pagefile.sys", 16 * PAGE_SIZE, &File);

    if (!NT_SUCCESS(Status)) {
        return FALSE;
    }
    MmInitializeMdl(Mdl, Buffer, 4 * PAGE_SIZE);
    MmBuildMdlForNonPagedPool(Mdl);
    memset(Buffer, 0x44, 4 * PAGE_SIZE);
    KeInitializeEvent(&Done, SynchronizationEvent, FALSE);
    (void)IoSynchronousPageWrite(File, Mdl, &Offset, &Done, &Iosb);
    KeWaitForSingleObject(&Done, WrPageOut, KernelMode, FALSE, NULL);
    if (NT_SUCCESS(Iosb.Status)) {
        memset(Buffer, 0, 4 * PAGE_SIZE);
        (void)IoPageRead(File, Mdl, &Offset, &Done, &Iosb);
        KeWaitForSingleObject(&Done, WrPageIn, KernelMode, FALSE, NULL);
    }
    if (NT_SUCCESS(Iosb.Status)) {
        CHECK(Buffer[0] == 0x44 && Buffer[4 * PAGE_SIZE - 1] == 0x44);
    }
    IoCloseFile(File);
    return NT_SUCCESS(Iosb.Status);
}

/* ---- services on handles ---- */

static NTSTATUS RenameByHandle(HANDLE Handle)
{
    static const WCHAR Name[] = u"\\Device\\HarddiskVolume1\\dir\\moved";
    UCHAR Memory[sizeof(FILE_RENAME_INFORMATION) + sizeof(Name)] NT_ALIGNED(8);
    PFILE_RENAME_INFORMATION Rename = (PFILE_RENAME_INFORMATION)(PVOID)Memory;
    IO_STATUS_BLOCK Iosb;

    memset(Memory, 0, sizeof(Memory));
    Rename->FileNameLength = sizeof(Name) - sizeof(WCHAR);
    memcpy(Rename->FileName, Name, sizeof(Name));
    return NtSetInformationFile(Handle, &Iosb, Rename, sizeof(Memory), FileRenameInformation);
}

static NTSTATUS UseHandle(HANDLE Handle)
{
    LARGE_INTEGER Start = {.QuadPart = 1900};
    IO_STATUS_BLOCK Iosb;
    NTSTATUS Status = NtWriteFile(Handle, NULL, NULL, NULL, &Iosb, IoBuffer, 3000, &Start, NULL);

    if (NT_SUCCESS(Status)) {
        Status = NtReadFile(Handle, NULL, NULL, NULL, &Iosb, IoBuffer, 3000, &Start, NULL);
    }
    if (NT_SUCCESS(Status)) {
        Status = NtFlushBuffersFile(Handle, &Iosb);
    }
    if (NT_SUCCESS(Status)) {
        Status = NtQueryInformationFile(Handle, &Iosb, IoBuffer, 200, FileAllInformation);
    }
    return NT_SUCCESS(Status) ? RenameByHandle(Handle) : Status;
}

static BOOLEAN Services(void)
{
    UNICODE_STRING Work = NT_CONSTANT_STRING(u"\\Device\\HarddiskVolume1\\work");
    UNICODE_STRING Moved = NT_CONSTANT_STRING(u"\\Device\\HarddiskVolume1\\dir\\moved");
    FILE_BASIC_INFORMATION Basic;
    OBJECT_ATTRIBUTES Attributes;
    IO_STATUS_BLOCK Iosb;
    HANDLE Handle = NULL;
    NTSTATUS Status;

    InitializeObjectAttributes(&Attributes, &Work, OBJ_CASE_INSENSITIVE, NULL, NULL);
    Status = NtOpenFile(&Handle, IO_ALL_ACCESS, &Attributes, &Iosb, IO_SHARE_ALL,
                        FILE_SYNCHRONOUS_IO_NONALERT);
    if (!NT_SUCCESS(Status)) {
        return FALSE;
    }
    Status = UseHandle(Handle);
    CHECK_EQUAL(STATUS_SUCCESS, NtClose(Handle));
    Attributes.ObjectName = &Moved;
    if (NT_SUCCESS(Status)) {
        Status = NtQueryAttributesFile(&Attributes, &Basic);
    }
    return NT_SUCCESS(Status) && NT_SUCCESS(NtDeleteFile(&Attributes));
}

static BOOLEAN MountAnother(void)
{
    PDEVICE_OBJECT Second;
    NTSTATUS Status = IoMountVolume(&IoDisk.Device, "\\Device\\HarddiskVolume2", &Second);

    if (!NT_SUCCESS(Status)) {
        return FALSE;
    }
    return NT_SUCCESS(IoDismountVolume(Second));
}

static BOOLEAN DiskControl(void)
{
    DISK_GEOMETRY Geometry;
    IO_STATUS_BLOCK Iosb;
    KEVENT Done;
    PIRP Irp;

    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    Irp = IoBuildDeviceIoControlRequest(IOCTL_DISK_GET_DRIVE_GEOMETRY, IoVolume, NULL, 0, &Geometry,
                                        sizeof(Geometry), FALSE, &Done, &Iosb);
    if (Irp == NULL) {
        return FALSE;
    }
    (void)IoCallDriver(IoVolume, Irp);
    KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    return NT_SUCCESS(Iosb.Status) && Geometry.BytesPerSector == 512;
}

static BOOLEAN RawTransfer(void)
{
    LARGE_INTEGER Offset = {.QuadPart = 0};
    IO_STATUS_BLOCK Iosb;
    KEVENT Done;
    PIRP Irp;

    KeInitializeEvent(&Done, NotificationEvent, FALSE);
    Irp =
        IoBuildSynchronousFsdRequest(IRP_MJ_READ, IoVolume, IoBuffer, 4096, &Offset, &Done, &Iosb);
    if (Irp == NULL) {
        return FALSE;
    }
    (void)IoCallDriver(IoVolume, Irp);
    KeWaitForSingleObject(&Done, Executive, KernelMode, FALSE, NULL);
    return NT_SUCCESS(Iosb.Status) && IoBuffer[510] == 0x55;
}

typedef struct _SCENARIO {
    const char *Name;
    BOOLEAN (*Run)(void);
    BOOLEAN Recovers; /* one failure may go unnoticed: what it hit is tried again */
} SCENARIO;

static const SCENARIO Scenarios[] = {
    {"create and write", CreateAndWrite, FALSE},
    {"grow and read", GrowAndRead, FALSE},
    {"read", ReadOnly, FALSE},
    {"cut and flush", CutAndFlush, FALSE},
    {"rename", RenameIntoDirectory, TRUE},
    {"delete", DeleteFile, FALSE},
    {"make and list a directory", MakeDirectoryAndList, FALSE},
    {"query and set", QueryAndSet, FALSE},
    {"paging file", PagingFile, FALSE},
    {"services", Services, TRUE},
    {"mount", MountAnother, FALSE},
    {"disk control", DiskControl, FALSE},
    {"raw read", RawTransfer, FALSE},
};

/* ---- the world before and after ---- */

static void Start(ULONG64 Seed)
{
    PFILE_OBJECT Directory;

    IoWorldStart(&IoWorldFat12, Seed);
    IoWorldPut("\\kept", KEPT_BYTES, 7);
    IoWorldPut("\\work", 2000, 8);
    CHECK_EQUAL(STATUS_SUCCESS, IoWorldOpen("\\dir", FILE_CREATE, FILE_DIRECTORY_FILE, &Directory));
    IoCloseFile(Directory);
}

static ULONG Dismounted; /* pool in use while the volume is not mounted */

static ULONG RemountAndMeasure(void)
{
    ULONG Bytes;

    CHECK_EQUAL(STATUS_SUCCESS, IoDismountVolume(IoVolume));
    Bytes = IoWorldPoolBytes();
    CHECK_EQUAL(STATUS_SUCCESS,
                IoMountVolume(&IoDisk.Device, "\\Device\\HarddiskVolume1", &IoVolume));
    return Bytes;
}

/* The volume is usable, what nobody touched is whole, and no file, handle or memory is lost. */
static void CheckVolume(const SCENARIO *Scenario, ULONG Nth)
{
    ULONG Bytes;

    CHECK_EQUAL(0, IoFileObjectType->TotalNumberOfObjects);
    CHECK_EQUAL(0, IoFileObjectType->TotalNumberOfHandles);
    CHECK_EQUAL(0, IoVolume->ReferenceCount);
    if (!IoWorldHolds("\\kept", KEPT_BYTES, 7)) {
        TestFail(__FILE__, __LINE__, "%s, failure %u: another file is damaged", Scenario->Name,
                 (unsigned)Nth);
    }
    Bytes = RemountAndMeasure();
    if (Bytes != Dismounted) {
        TestFail(__FILE__, __LINE__, "%s, failure %u: %d bytes of pool", Scenario->Name,
                 (unsigned)Nth, (int)(Bytes - Dismounted));
    }
    CHECK(IoWorldHolds("\\kept", KEPT_BYTES, 7));
    IoWorldPut("\\after", 700, 9);
    CHECK(IoWorldHolds("\\after", 700, 9));
    MiVerifyAll();
}

/* => Returns whether the failure happened. */
static BOOLEAN Judge(const SCENARIO *Scenario, ULONG Nth, BOOLEAN Succeeded, BOOLEAN Happened,
                     BOOLEAN Recovers)
{
    if (Succeeded != !Happened && !(Succeeded && Recovers)) {
        TestFail(__FILE__, __LINE__, "%s, failure %u: %s", Scenario->Name, (unsigned)Nth,
                 Succeeded ? "it says success" : "it fails without a failure");
    }
    CheckVolume(Scenario, Nth);
    IoWorldFinish();
    return Happened;
}

/* ---- R3: pool ---- */

static BOOLEAN FailPool(const SCENARIO *Scenario, ULONG Nth)
{
    BOOLEAN Succeeded;
    BOOLEAN Happened;

    Start(0);
    Dismounted = RemountAndMeasure();
    MiFailPoolAllocation(Nth);
    Succeeded = Scenario->Run();
    Happened = MiPoolFailureHappened();
    MiFailPoolAllocation(0);
    return Judge(Scenario, Nth, Succeeded, Happened, TRUE); /* closing has a reserve */
}

TEST(Inject_nth_pool_allocation_of_a_request_fails_and_nothing_is_lost)
{
    ULONG Failures = 0;
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(Scenarios); Index++) {
        ULONG Nth = 1;

        while (FailPool(&Scenarios[Index], Nth)) {
            CHECK(Nth < MOST);
            Nth++;
        }
        CHECK(Nth > 1);
        Failures += Nth - 1;
    }
    printf("# figure R3 %u 0\n", (unsigned)Failures);
    CHECK(Failures > 60);
}

/* ---- R4: disk ---- */

#define DISK_DIES 3u /* no operation: the n-th request and all behind it fail */

static BOOLEAN FailDisk(const SCENARIO *Scenario, ULONG Operation, ULONG Nth, ULONG64 Seed)
{
    BOOLEAN Succeeded;
    BOOLEAN Happened;

    Start(Seed);
    Dismounted = RemountAndMeasure();
    if (Operation == DISK_DIES) {
        IoDisk.FailFrom = Nth;
    } else {
        IoDisk.FailAt[Operation] = Nth;
    }
    Succeeded = Scenario->Run();
    Happened =
        Operation == DISK_DIES ? IoDisk.FailFrom == 1 && !Succeeded : IoDisk.FailAt[Operation] == 0;
    IoDisk.FailFrom = 0;
    memset(IoDisk.FailAt, 0, sizeof(IoDisk.FailAt));
    return Judge(Scenario, Nth, Succeeded, Happened, Scenario->Recovers);
}

/* => At least Least of the requests were there to fail. */
static void SweepDisk(ULONG Operation, ULONG64 Seed, ULONG Least)
{
    ULONG Failures = 0;
    ULONG Index;

    for (Index = 0; Index < RTL_NUMBER_OF(Scenarios); Index++) {
        ULONG Nth = 1;

        while (FailDisk(&Scenarios[Index], Operation, Nth, Seed)) {
            CHECK(Nth < MOST);
            Nth++;
        }
        Failures += Nth - 1;
    }
    printf("# figure R4 %u 0\n", (unsigned)Failures);
    CHECK(Failures >= Least);
}

TEST(Inject_nth_disk_read_of_a_request_fails_and_is_told)
{
    SweepDisk(DiskRead, 0, 6); /* few: FAT and root come in a block each, and stay */
}

TEST(Inject_nth_disk_write_of_a_request_fails_and_is_told)
{
    SweepDisk(DiskWrite, TestSeed(), 20);
}

TEST(Inject_nth_disk_flush_of_a_request_fails_and_is_told)
{
    SweepDisk(DiskFlush, 0, 20);
}

TEST(Inject_disk_dies_at_the_nth_request_and_it_is_told)
{
    SweepDisk(DISK_DIES, TestSeed(), 20);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_nt_control.c - NtDeviceIoControlFile, NtFsControlFile.
 */
#include "tests/unit/nt_world.h"

#include <string.h>

static NTSTATUS Geometry(HANDLE Handle, PVOID Buffer, ULONG Bytes)
{
    return NtDeviceIoControlFile(Handle, NULL, NULL, NULL, &Iosb, IOCTL_DISK_GET_DRIVE_GEOMETRY,
                                 NULL, 0, Buffer, Bytes);
}

TEST(NtDeviceIoControlFile_asks_the_disk)
{
    PDISK_GEOMETRY Found;
    HANDLE Handle;

    NtWorldStart();
    Found = (PDISK_GEOMETRY)(PVOID)IoBuffer;
    Handle = NtWorldOpen(u"\\??\\C:", FILE_READ_ATTRIBUTES, FILE_OPEN, 0);
    memset(IoBuffer, 0xEE, 100);
    CHECK_EQUAL(STATUS_SUCCESS, Geometry(Handle, IoBuffer, 50));
    CHECK_EQUAL(sizeof(DISK_GEOMETRY), Iosb.Information);
    CHECK(Found->BytesPerSector == 512 && IoBuffer[sizeof(*Found)] == 0xEE);
    CHECK_EQUAL(STATUS_BUFFER_TOO_SMALL, Geometry(Handle, IoBuffer, 4));
    CHECK_EQUAL(STATUS_SUCCESS, NtDeviceIoControlFile(Handle, NULL, NULL, NULL, &Iosb,
                                                      IOCTL_DISK_CHECK_VERIFY, NULL, 0, NULL, 0));
    CHECK_EQUAL(STATUS_INVALID_DEVICE_REQUEST,
                NtFsControlFile(Handle, NULL, NULL, NULL, &Iosb, FSCTL_QUERY_PAGING_RUNS, NULL, 0,
                                IoBuffer, 100));
    NtWorldClose(Handle);
    NtWorldFinish();
}

TEST(UserMode_needs_the_access_that_the_code_names)
{
    HANDLE Handle;

    NtWorldStart();
    KeSetPreviousMode(UserMode);
    Handle = NtWorldOpen(u"\\??\\C:", FILE_READ_ATTRIBUTES, FILE_OPEN, 0);
    CHECK_EQUAL(STATUS_SUCCESS, Geometry(Handle, NtUser, 50));
    CHECK_EQUAL(512, ((PDISK_GEOMETRY)(PVOID)NtUser)->BytesPerSector);
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, Geometry(Handle, IoBuffer, 50));
    CHECK_EQUAL(STATUS_ACCESS_DENIED,
                NtDeviceIoControlFile(Handle, NULL, NULL, NULL, &Iosb, IOCTL_DISK_GET_LENGTH_INFO,
                                      NULL, 0, NtUser, 50));
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, Geometry(Handle, NtUser, 0x100001));
    CHECK_EQUAL(
        STATUS_NOT_SUPPORTED,
        NtDeviceIoControlFile(Handle, NULL, NULL, NULL, &Iosb,
                              CTL_CODE(FILE_DEVICE_DISK, 1u, METHOD_OUT_DIRECT, FILE_ANY_ACCESS),
                              NULL, 0, NtUser, 50));
    NtWorldClose(Handle);
    KeSetPreviousMode(KernelMode);
    NtWorldFinish();
}

TEST(NtFsControlFile_asks_the_file_system)
{
    HANDLE Handle;

    NtWorldStart();
    Handle = NtWorldOpen(u"\\??\\C:\\file", FILE_READ_DATA, FILE_CREATE, 0);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, /* it is no paging file */
                NtFsControlFile(Handle, NULL, NULL, NULL, &Iosb, FSCTL_QUERY_PAGING_RUNS, NULL, 0,
                                IoBuffer, sizeof(FILE_PAGING_RUNS)));
    NtWorldClose(Handle);
    NtWorldFinish();
}

/* SPDX-License-Identifier: MIT */
/*
 * io_world.c - see io_world.h.
 */
#include "tests/unit/io_world.h"

#include "mm/pool/pool.h"
#include "mm/sysva/kernel_stack.h"

#include <string.h>

const SEED_FAT IoWorldFat12 = {512, 1, 1000};
const SEED_FAT IoWorldFat16 = {512, 2, 8400};
const SEED_FAT IoWorldLarge = {4096, 1, 4200};

HOST_DISK IoDisk;
PDEVICE_OBJECT IoVolume;
PUCHAR IoBuffer;

void IoWorldPowerOn(void)
{
    MmWorldStart(4096);
    HostStartClock();
    CHECK_EQUAL(STATUS_SUCCESS, IoInitializeSystem());
    IoBuffer = ExAllocatePoolWithTag(NonPagedPool, IO_WORLD_BYTES, IO_WORLD_TAG);
    CHECK(IoBuffer != NULL);
}

void IoWorldPowerOff(void)
{
    ExFreePoolWithTag(IoBuffer, IO_WORLD_TAG);
    MmWorldFinish();
}

void IoWorldStart(const SEED_FAT *Fat, ULONG64 Seed)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(u"\\FileSystem\\Fastfat");

    IoWorldPowerOn();
    HostDiskCreate(&IoDisk, Fat->SectorBytes, SeedFatSectors(Fat), Seed);
    SeedFat(Fat, IoDisk.Image);
    CHECK_EQUAL(STATUS_SUCCESS, IoCreateDriver(&Name, FatDriverEntry));
    CHECK_EQUAL(STATUS_SUCCESS,
                IoMountVolume(&IoDisk.Device, "\\Device\\HarddiskVolume1", &IoVolume));
}

void IoWorldRemount(void)
{
    CHECK_EQUAL(STATUS_SUCCESS, IoDismountVolume(IoVolume));
    CHECK_EQUAL(STATUS_SUCCESS,
                IoMountVolume(&IoDisk.Device, "\\Device\\HarddiskVolume1", &IoVolume));
}

void IoWorldFinish(void)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(u"\\FileSystem\\Fastfat");
    PDRIVER_OBJECT Driver = IoFindDriver(&Name);

    CHECK_EQUAL(STATUS_SUCCESS, IoDismountVolume(IoVolume));
    CHECK(Driver != NULL);
    Driver->DriverUnload(Driver);
    IoDeleteDriver(Driver);
    HostDiskDelete(&IoDisk);
    IoWorldPowerOff();
}

NTSTATUS IoWorldOpen(PCSTR Path, ULONG Disposition, ULONG Options, PFILE_OBJECT *File)
{
    const IO_OPEN Open = {
        .Path = Path,
        .DesiredAccess = IO_ALL_ACCESS,
        .Disposition = Disposition,
        .Options = Options,
        .ShareAccess = IO_SHARE_ALL,
        .FileAttributes = FILE_ATTRIBUTE_NORMAL,
    };

    return IoOpenFileEx(IoVolume, &Open, File);
}

UCHAR IoWorldByte(ULONG Index, UCHAR First)
{
    return (UCHAR)(First + Index + Index / 256);
}

static void Fill(ULONG Bytes, UCHAR First)
{
    ULONG Index;

    for (Index = 0; Index < Bytes; Index++) {
        IoBuffer[Index] = IoWorldByte(Index, First);
    }
}

void IoWorldPut(PCSTR Path, ULONG Bytes, UCHAR First)
{
    PFILE_OBJECT File;

    Fill(Bytes, First);
    CHECK_EQUAL(STATUS_SUCCESS,
                IoWorldOpen(Path, FILE_OVERWRITE_IF, FILE_NON_DIRECTORY_FILE, &File));
    CHECK_EQUAL(STATUS_SUCCESS, IoWriteFile(File, 0, IoBuffer, Bytes));
    IoCloseFile(File);
}

BOOLEAN IoWorldHolds(PCSTR Path, ULONG Bytes, UCHAR First)
{
    PFILE_OBJECT File;
    ULONG64 Size = 0;
    ULONG Index = 0;
    ULONG Done = 0;

    if (!NT_SUCCESS(IoWorldOpen(Path, FILE_OPEN, 0, &File))) {
        return FALSE;
    }
    memset(IoBuffer, 0xEE, IO_WORLD_BYTES);
    CHECK_EQUAL(STATUS_SUCCESS, IoQueryFileSize(File, &Size));
    if (Bytes != 0) {
        CHECK_EQUAL(STATUS_SUCCESS, IoReadFile(File, 0, IoBuffer, IO_WORLD_BYTES, &Done));
    }
    IoCloseFile(File);
    while (Index < Bytes && IoBuffer[Index] == IoWorldByte(Index, First)) {
        Index++;
    }
    return Size == Bytes && Done == Bytes && Index == Bytes;
}

ULONG IoWorldPoolBytes(void)
{
    MI_POOL_FIGURES Figures;

    MiTrimKernelStacks();
    MiTrimPools();
    MiQueryPoolFigures(NonPagedPool, &Figures);
    return (ULONG)Figures.InUseBytes;
}

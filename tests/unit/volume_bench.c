/* SPDX-License-Identifier: MIT */
/*
 * volume_bench.c - see volume_bench.h.
 */
#include "tests/unit/volume_bench.h"

#include "disk/driver/drivers.h"

#include <stdio.h>
#include <string.h>

HOST_DISK BenchDisks[VOLUME_BENCH_DISKS];
LOADER_BOOT_PARTITION BenchBoot;
static ULONG Count;

void VolumeBenchStart(void)
{
    VolumeBenchStartWith(2048);
}

void VolumeBenchStartWith(ULONG Frames)
{
    MmWorldStart(Frames);
    DriverForgetDisks();
    DiskForgetBootVolume();
    HostConsoleClear();
    Count = 0;
    BenchBoot = (LOADER_BOOT_PARTITION){
        .StartBlock = 512,
        .BlockCount = 512,
        .BlockBytes = 512,
        .Style = LoaderPartitionGpt,
        .Number = 3,
        .VolumeSerial = VOLUME_BENCH_SERIAL,
    };
    memset(BenchBoot.Guid, 0x33, sizeof(BenchBoot.Guid));
}

SEED_DISK VolumeBenchAddDisk(void)
{
    static char Names[VOLUME_BENCH_DISKS][16];
    PHOST_DISK Disk = &BenchDisks[Count];

    HostDiskCreate(Disk, 512, SEED_DISK_SECTORS, 0);
    snprintf(Names[Count], sizeof(Names[Count]), "simulated%u", (unsigned)Count);
    Disk->Device.Name = Names[Count++];
    DriverAddDisk(&Disk->Device);
    return (SEED_DISK){Disk->Image, 512};
}

void VolumeBenchPutSerial(SEED_DISK Disk, ULONG Sector, ULONG Serial)
{
    PUCHAR At = Disk.Image + (SIZE_T)Sector * Disk.SectorBytes;

    SeedPut32(At + 67, Serial);
    At[510] = 0x55;
    At[511] = 0xAA;
}

void VolumeBenchFinish(void)
{
    DiskForgetBootVolume();
    DriverForgetDisks();
    while (Count != 0) {
        Count--;
        CHECK_EQUAL(0, BenchDisks[Count].Logged);
        HostDiskDelete(&BenchDisks[Count]);
    }
    MmWorldFinish();
}

BOOLEAN VolumeBenchSaid(const char *Text)
{
    return strstr(HostConsoleText(), Text) != NULL;
}

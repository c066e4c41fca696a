/* SPDX-License-Identifier: MIT */
/*
 * plain_disk.c - see plain_disk.h.
 */
#include "tests/disk/plain_disk.h"

#include "disk/volume/partition.h"
#include "ex.h"
#include "ke.h"
#include "spinlock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEW_YEAR_2026 134116992000000000ll /* 100 ns since 1601 */

LONG PlainPoolBlocks;

void PlainDiskInitialize(PPLAIN_DISK Disk, PUCHAR Image, ULONG SectorBytes, ULONG64 Sectors)
{
    memset(Disk, 0, sizeof(*Disk));
    Disk->Device.Name = "plain";
    Disk->Device.SectorBytes = SectorBytes;
    Disk->Device.Sectors = Sectors;
    Disk->Device.MaximumSectors = 256;
    Disk->Device.Driver = Disk;
    Disk->Image = Image;
    Disk->PowerLeft = PLAIN_DISK_ALWAYS;
}

static void Write(PPLAIN_DISK Disk, PUCHAR To, const void *From, ULONG Sectors)
{
    if (Sectors > Disk->PowerLeft) {
        Sectors = Disk->PowerLeft;
    }
    if (Disk->PowerLeft != PLAIN_DISK_ALWAYS) {
        Disk->PowerLeft -= Sectors;
    }
    memcpy(To, From, (size_t)Sectors * Disk->Device.SectorBytes);
}

NTSTATUS DiskTransfer(PDISK_DEVICE Device, DISK_OPERATION Operation, ULONG64 Sector, ULONG Sectors,
                      PVOID Buffer)
{
    PPLAIN_DISK Disk = Device->Driver;
    PUCHAR At = Disk->Image + Sector * Device->SectorBytes;

    if (Disk->FailFrom != 0 && --Disk->FailFrom == 0) {
        Disk->FailFrom = 1;
        return STATUS_IO_DEVICE_ERROR;
    }
    if (Operation == DiskFlush) {
        return STATUS_SUCCESS;
    }
    if (Sectors == 0 || Sector >= Device->Sectors || Sectors > Device->Sectors - Sector) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Operation == DiskRead) {
        Disk->Reads++;
        memcpy(Buffer, At, (size_t)Sectors * Device->SectorBytes);
    } else {
        if (Device->Writes != NULL) {
            DiskVerifyWrite(Device, Sector, Sectors);
        }
        Disk->Writes++;
        Disk->SectorsWritten += Sectors;
        if (Sector + Sectors > Disk->HighestWritten) {
            Disk->HighestWritten = Sector + Sectors;
        }
        Write(Disk, At, Buffer, Sectors);
    }
    return STATUS_SUCCESS;
}

PVOID NTAPI ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    (void)PoolType;
    (void)Tag;
    PlainPoolBlocks++;
    return malloc(NumberOfBytes);
}

void NTAPI ExFreePoolWithTag(PVOID P, ULONG Tag)
{
    (void)Tag;
    PlainPoolBlocks--;
    free(P);
}

/* One thread and no interrupts: there is nobody to lock out. */
void NTAPI KeInitializeSpinLock(PKSPIN_LOCK SpinLock)
{
    *SpinLock = 0;
}

KIRQL FASTCALL KfAcquireSpinLock(PKSPIN_LOCK SpinLock) NT_NO_LOCK_ANALYSIS
{
    *SpinLock = 1;
    return 0;
}

void FASTCALL KfReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql) NT_NO_LOCK_ANALYSIS
{
    (void)NewIrql;
    *SpinLock = 0;
}

void NTAPI KeQuerySystemTime(PLARGE_INTEGER CurrentTime)
{
    CurrentTime->QuadPart = NEW_YEAR_2026;
}

/* ---- failed assertions ---- */

void KiConsoleWrite(const char *Text, SIZE_T Bytes)
{
    fwrite(Text, 1, Bytes, stderr);
}

void NTAPI KeBugCheckEx(ULONG Code, ULONG_PTR Parameter1, ULONG_PTR Parameter2,
                        ULONG_PTR Parameter3, ULONG_PTR Parameter4)
{
    fprintf(stderr, "bug check %x %lx %lx %lx %lx\n", Code, (unsigned long)Parameter1,
            (unsigned long)Parameter2, (unsigned long)Parameter3, (unsigned long)Parameter4);
    abort();
}

/* SPDX-License-Identifier: MIT */
/*
 * usb_bench.c - a started machine with a USB host, and devices to plug into it.
 */
#include "tests/unit/usb_bench.h"

#include "disk/driver/drivers.h"

#include <stdlib.h>
#include <string.h>

#define PATTERN_BYTES 0x10000u

USB_MOCK Mock;

void UsbBenchStart(void)
{
    DiskBenchStart();
    HostConsoleClear();
    UsbMockCreate(&Mock);
}

PDISK_DEVICE UsbBenchDisk(PDISK_DEVICE After)
{
    return DiskNextDevice(After);
}

PDISK_DEVICE UsbBenchStartHost(void)
{
    CHECK_EQUAL(STATUS_SUCCESS, UsbStartHost(&Mock.Host));
    return DiskNextDevice(NULL);
}

void UsbBenchFinish(void)
{
    UsbBenchSleep(50);
    UsbMockVerify(&Mock);
    DriverForgetDisks();
    DiskBenchFinish();
}

void UsbBenchSleep(ULONG Milliseconds)
{
    LARGE_INTEGER Interval = {.QuadPart = -(LONGLONG)Milliseconds * 10000};

    KeDelayExecutionThread(KernelMode, FALSE, &Interval);
}

BOOLEAN UsbBenchSaid(const char *Text)
{
    return strstr(HostConsoleText(), Text) != NULL;
}

NTSTATUS UsbBenchRoundTrip(PDISK_DEVICE Disk, ULONG64 Sector, ULONG Sectors)
{
    static UCHAR Out[PATTERN_BYTES];
    static UCHAR In[PATTERN_BYTES];
    static uint64_t Random = 1;
    ULONG Bytes = Sectors * Disk->SectorBytes;
    NTSTATUS Status;
    ULONG i;

    CHECK(Bytes <= PATTERN_BYTES);
    for (i = 0; i < Bytes; i++) {
        Out[i] = (UCHAR)TestRandom(&Random);
        In[i] = (UCHAR)~Out[i];
    }
    Status = DiskBenchTransfer(Disk, DiskWrite, Sector, Sectors, Out);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = DiskBenchTransfer(Disk, DiskRead, Sector, Sectors, In);
    CHECK(!NT_SUCCESS(Status) || memcmp(In, Out, Bytes) == 0);
    return Status;
}

/* SPDX-License-Identifier: MIT */
/*
 * disk_bench.c - a started machine with a clock, and requests to its disks.
 */
#include "tests/unit/disk_bench.h"

#include "disk/driver/drivers.h"
#include "ex.h"
#include "tests/host/device.h"
#include "tests/unit/mm_world.h"

#include <string.h>

#define TAG          0x74736554u /* 'Test' */
#define BUFFER_SHIFT 0x200u      /* buffers begin within a page */

void DiskBenchStart(void)
{
    MmWorldStart(DISK_BENCH_FRAMES);
    HostStartClock();
    DeviceReset();
    DriverForgetDisks();
}

void DiskBenchFinish(void)
{
    MmWorldFinish();
    DeviceReset();
}

static void Completed(PDISK_REQUEST Request)
{
    BENCH_REQUEST *Bench = Request->Context;

    CHECK(KeGetCurrentIrql() <= DISPATCH_LEVEL);
    Bench->Completions++;
    KeSetEvent(&Bench->Done, IO_DISK_INCREMENT, FALSE);
}

void DiskBenchSubmit(PDISK_DEVICE Disk, BENCH_REQUEST *Request, DISK_OPERATION Operation,
                     ULONG64 Sector, ULONG Sectors)
{
    ULONG Bytes = Sectors * Disk->SectorBytes;

    memset(&Request->Request, 0xA5, sizeof(Request->Request)); /* the driver's fields are garbage */
    Request->Completions = 0;
    if (Request->Buffer == NULL && Bytes != 0) {
        Request->Buffer = ExAllocatePoolWithTag(NonPagedPool, Bytes + BUFFER_SHIFT, TAG);
        CHECK(Request->Buffer != NULL);
    }
    if (Bytes != 0) {
        Request->Mdl = IoAllocateMdl(Request->Buffer, Bytes + BUFFER_SHIFT, FALSE, FALSE, NULL);
        CHECK(Request->Mdl != NULL);
        MmBuildMdlForNonPagedPool(Request->Mdl);
    }
    KeInitializeEvent(&Request->Done, NotificationEvent, FALSE);
    Request->Request.Operation = Operation;
    Request->Request.Sector = Sector;
    Request->Request.Sectors = Sectors;
    Request->Request.Mdl = Bytes != 0 ? Request->Mdl : NULL;
    Request->Request.Offset = Bytes != 0 ? BUFFER_SHIFT : 0;
    Request->Request.Completion = Completed;
    Request->Request.Context = Request;
    Disk->Submit(Disk, &Request->Request);
}

NTSTATUS DiskBenchWait(BENCH_REQUEST *Request)
{
    CHECK_EQUAL(STATUS_SUCCESS,
                KeWaitForSingleObject(&Request->Done, Executive, KernelMode, FALSE, NULL));
    CHECK_EQUAL(1, Request->Completions);
    return Request->Request.Status;
}

void DiskBenchFree(BENCH_REQUEST *Request)
{
    if (Request->Buffer != NULL) {
        IoFreeMdl(Request->Mdl);
        ExFreePoolWithTag(Request->Buffer, TAG);
    }
    memset(Request, 0, sizeof(*Request));
}

NTSTATUS DiskBenchTransfer(PDISK_DEVICE Disk, DISK_OPERATION Operation, ULONG64 Sector,
                           ULONG Sectors, PVOID Buffer)
{
    ULONG Bytes = Sectors * Disk->SectorBytes;
    BENCH_REQUEST Request = {0};
    NTSTATUS Status;

    if (Operation != DiskFlush) {
        Request.Buffer = ExAllocatePoolWithTag(NonPagedPool, Bytes + BUFFER_SHIFT, TAG);
        CHECK(Request.Buffer != NULL);
        memset(Request.Buffer, 0, Bytes + BUFFER_SHIFT);
        if (Operation == DiskWrite) {
            memcpy(Request.Buffer + BUFFER_SHIFT, Buffer, Bytes);
        }
    }
    DiskBenchSubmit(Disk, &Request, Operation, Sector, Sectors);
    Status = DiskBenchWait(&Request);
    if (Operation == DiskRead) {
        memcpy(Buffer, Request.Buffer + BUFFER_SHIFT, Bytes);
    }
    DiskBenchFree(&Request);
    return Status;
}

/* SPDX-License-Identifier: MIT */
/*
 * bench_disk.c - what one read costs the processor, from the request to its completion routine.
 *
 * The time in which the disk works is not counted: the counter is read over and over, and only the
 * two steps from one reading to the next during which the interrupt came are taken, beside what
 * submitting took.  The loop itself adds two of its rounds.
 */
#include "disk/driver/channel.h"
#include "disk/driver/drivers.h"
#include "ex.h"
#include "rtl.h"

#define DRIVERP_TAG           0x686E6244u /* 'Dbnh' */
#define DRIVERP_LIMIT_SECONDS 5u          /* that a read may take */

typedef struct _DRIVERP_BENCH {
    PDISK_DEVICE Disk;
    ULONG Samples[MI_BENCH_SAMPLES];
    DISK_REQUEST Request;
    volatile BOOLEAN Done;
    PMDL Mdl;
    PUCHAR Buffer;
} DRIVERP_BENCH, *PDRIVERP_BENCH;

static void DriverpMeasured(PDISK_REQUEST Request)
{
    PDRIVERP_BENCH Bench = Request->Context;

    Bench->Done = TRUE;
}

/* => FALSE: the read has not come back, and Bench is not to be freed. */
static BOOLEAN DriverpMeasureOnce(PDRIVERP_BENCH Bench, ULONG Sectors, PULONG Cycles)
{
    ULONG64 Limit = KeQueryCycleFrequency() * DRIVERP_LIMIT_SECONDS;
    ULONG64 Start;
    ULONG64 Submitted;
    ULONG64 Last;
    ULONG64 Before;
    ULONG64 Now;
    BOOLEAN Seen;

    Bench->Done = FALSE;
    Bench->Request = (DISK_REQUEST){
        .Operation = DiskRead,
        .Sectors = Sectors,
        .Mdl = Bench->Mdl,
        .Completion = DriverpMeasured,
        .Context = Bench,
    };
    Start = KeReadCycleCounter();
    Bench->Disk->Submit(Bench->Disk, &Bench->Request);
    Submitted = Last = Now = KeReadCycleCounter();
    do {
        Before = Last;
        Last = Now;
        Seen = Bench->Done;
        Now = KeReadCycleCounter();
    } while (!Seen && Now - Submitted < Limit);
    *Cycles = (ULONG)(Submitted - Start + Now - Before);
    return Seen;
}

static NTSTATUS DriverpMeasure(PDRIVERP_BENCH Bench, ULONG Bytes, PMI_BENCH_FIGURES Figures)
{
    ULONG Sectors = Bytes / Bench->Disk->SectorBytes;
    ULONG Discarded = 0;
    ULONG i;

    for (i = 0; i < MI_BENCH_WARM_UP + MI_BENCH_SAMPLES; i++) {
        PULONG Sample = i < MI_BENCH_WARM_UP ? &Discarded : &Bench->Samples[i - MI_BENCH_WARM_UP];

        if (!DriverpMeasureOnce(Bench, Sectors, Sample)) {
            return STATUS_IO_TIMEOUT;
        }
        if (!NT_SUCCESS(Bench->Request.Status)) {
            return Bench->Request.Status;
        }
    }
    MiSummarizeSamples(Bench->Samples, MI_BENCH_SAMPLES, Figures);
    return STATUS_SUCCESS;
}

static void DriverpFreeBench(PDRIVERP_BENCH Bench)
{
    if (Bench->Mdl != NULL) {
        IoFreeMdl(Bench->Mdl);
    }
    if (Bench->Buffer != NULL) {
        ExFreePoolWithTag(Bench->Buffer, DRIVERP_TAG);
    }
    ExFreePoolWithTag(Bench, DRIVERP_TAG);
}

NTSTATUS DiskMeasureRead(ULONG Bytes, PMI_BENCH_FIGURES Figures)
{
    PDISK_DEVICE Disk = DiskNextDevice(NULL);
    NTSTATUS Status = STATUS_INSUFFICIENT_RESOURCES;
    PDRIVERP_BENCH Bench;

    if (Disk == NULL || Bytes / Disk->SectorBytes > Disk->MaximumSectors ||
        Bytes / Disk->SectorBytes > Disk->Sectors) {
        return STATUS_NO_SUCH_DEVICE;
    }
    Bench = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Bench), DRIVERP_TAG);
    if (Bench == NULL) {
        return Status;
    }
    memset(Bench, 0, sizeof(*Bench));
    Bench->Disk = Disk;
    Bench->Buffer = ExAllocatePoolWithTag(NonPagedPool, Bytes, DRIVERP_TAG);
    Bench->Mdl = IoAllocateMdl(Bench->Buffer, Bytes, FALSE, FALSE, NULL);
    if (Bench->Buffer != NULL && Bench->Mdl != NULL) {
        MmBuildMdlForNonPagedPool(Bench->Mdl);
        Status = DriverpMeasure(Bench, Bytes, Figures);
    }
    if (Status != STATUS_IO_TIMEOUT) { /* else the disk may still write to it */
        DriverpFreeBench(Bench);
    }
    return Status;
}

/* SPDX-License-Identifier: MIT */
/*
 * bench_disk.c - what a read costs the processor, from the request to its completion routine.
 *
 * The time in which the disk works is not counted: the processor reads its counter over and over,
 * and what a step of that loop takes beyond a quiet one is an interrupt's work.  Together with what
 * submitting took this is the cost, divided by the reads that were under way together.
 */
#include "arch/cpu.h"
#include "disk_drivers.h"
#include "ex.h"
#include "rtl.h"

#define DISKP_TAG              0x686E6244u /* 'Dbnh' */
#define DISKP_LIMIT_SECONDS    5u          /* that a read may take */
#define DISKP_INTERRUPT_CYCLES 64u         /* the least that one takes; counting takes less */
#define DISKP_QUIET_CYCLES     10000u      /* to find out what the loop itself takes */

typedef struct _DISKP_BENCH {
    PDISK_DEVICE Disk;
    ULONG Depth;         /* reads at once */
    ULONG Sectors;       /* of each */
    ULONG Quiet;         /* cycles of a step in which nothing happens */
    volatile ULONG Left; /* reads under way */
    ULONG Samples[MI_BENCH_SAMPLES];
    DISK_REQUEST Requests[DISK_BENCH_DEPTH];
    PMDL Mdls[DISK_BENCH_DEPTH];
    PUCHAR Buffer; /* of all reads */
} DISKP_BENCH, *PDISKP_BENCH;

static void DiskpMeasured(PDISK_REQUEST Request)
{
    PDISKP_BENCH Bench = Request->Context;

    Bench->Left--;
}

/*
 * Read the counter over and over, until no read is under way or Limit cycles have passed.
 *
 * => Returns the cycles that were not the loop's own; *Shortest is what its shortest step took.
 */
static ULONG DiskpWatch(PDISKP_BENCH Bench, ULONG64 Limit, PULONG Shortest)
{
    ULONG64 Start = KeReadCycleCounter();
    ULONG64 Now = Start;
    ULONG Least = 0xFFFFFFFFu;
    ULONG Busy = 0;
    BOOLEAN Seen;

    do {
        ULONG64 Last = Now;
        ULONG Step;

        Seen = Bench->Left == 0;
        Now = KeReadCycleCounter();
        Step = (ULONG)(Now - Last);
        Least = Step < Least ? Step : Least;
        Busy += Step > Bench->Quiet + DISKP_INTERRUPT_CYCLES ? Step - Bench->Quiet : 0;
    } while (!Seen && Now - Start < Limit);
    *Shortest = Least;
    return Busy;
}

/* => Returns the cycles that went into submitting. */
static ULONG DiskpSubmitAll(PDISKP_BENCH Bench)
{
    ULONG64 Start;
    ULONG i;

    Bench->Left = Bench->Depth;
    for (i = 0; i < Bench->Depth; i++) {
        Bench->Requests[i] = (DISK_REQUEST){
            .Operation = DiskRead,
            .Sector = (ULONG64)i * Bench->Sectors,
            .Sectors = Bench->Sectors,
            .Mdl = Bench->Mdls[i],
            .Completion = DiskpMeasured,
            .Context = Bench,
        };
    }
    Start = KeReadCycleCounter();
    for (i = 0; i < Bench->Depth; i++) {
        DiskSubmit(Bench->Disk, &Bench->Requests[i]);
    }
    return (ULONG)(KeReadCycleCounter() - Start);
}

/* => FALSE: a read has not come back, and Bench is not to be freed. */
static BOOLEAN DiskpMeasureOnce(PDISKP_BENCH Bench, PULONG Cycles)
{
    ULONG Busy = DiskpSubmitAll(Bench);
    ULONG Shortest;

    Busy += DiskpWatch(Bench, KeQueryCycleFrequency() * DISKP_LIMIT_SECONDS, &Shortest);
    *Cycles = Busy / Bench->Depth;
    return Bench->Left == 0;
}

static NTSTATUS DiskpMeasure(PDISKP_BENCH Bench, PMI_BENCH_FIGURES Figures)
{
    ULONG Discarded = 0;
    ULONG i;
    ULONG j;

    Bench->Left = 1; /* nothing is under way: the loop alone */
    (void)DiskpWatch(Bench, DISKP_QUIET_CYCLES, &Bench->Quiet);
    for (i = 0; i < MI_BENCH_WARM_UP + MI_BENCH_SAMPLES; i++) {
        PULONG Sample = i < MI_BENCH_WARM_UP ? &Discarded : &Bench->Samples[i - MI_BENCH_WARM_UP];

        if (!DiskpMeasureOnce(Bench, Sample)) {
            return STATUS_IO_TIMEOUT;
        }
        for (j = 0; j < Bench->Depth; j++) {
            if (!NT_SUCCESS(Bench->Requests[j].Status)) {
                return Bench->Requests[j].Status;
            }
        }
    }
    MiSummarizeSamples(Bench->Samples, MI_BENCH_SAMPLES, Figures);
    return STATUS_SUCCESS;
}

static void DiskpFreeBench(PDISKP_BENCH Bench)
{
    ULONG i;

    for (i = 0; i < Bench->Depth; i++) {
        if (Bench->Mdls[i] != NULL) {
            IoFreeMdl(Bench->Mdls[i]);
        }
    }
    if (Bench->Buffer != NULL) {
        ExFreePoolWithTag(Bench->Buffer, DISKP_TAG);
    }
    ExFreePoolWithTag(Bench, DISKP_TAG);
}

/* => NULL: no memory. */
static PDISKP_BENCH DiskpCreateBench(PDISK_DEVICE Disk, ULONG Bytes, ULONG Depth)
{
    PDISKP_BENCH Bench = ExAllocatePoolWithTag(NonPagedPool, sizeof(*Bench), DISKP_TAG);
    ULONG i;

    if (Bench == NULL) {
        return NULL;
    }
    memset(Bench, 0, sizeof(*Bench));
    Bench->Disk = Disk;
    Bench->Depth = Depth;
    Bench->Sectors = Bytes / Disk->SectorBytes;
    Bench->Buffer = ExAllocatePoolWithTag(NonPagedPool, Bytes * Depth, DISKP_TAG);
    for (i = 0; i < Depth && Bench->Buffer != NULL; i++) {
        Bench->Mdls[i] = IoAllocateMdl(Bench->Buffer + i * Bytes, Bytes, FALSE, FALSE, NULL);
        if (Bench->Mdls[i] == NULL) {
            break;
        }
        MmBuildMdlForNonPagedPool(Bench->Mdls[i]);
    }
    if (i < Depth) {
        DiskpFreeBench(Bench);
        return NULL;
    }
    return Bench;
}

NTSTATUS DiskMeasureRead(PDISK_DEVICE Disk, ULONG Bytes, ULONG Depth, PMI_BENCH_FIGURES Figures)
{
    PDISKP_BENCH Bench;
    NTSTATUS Status;

    if (Disk == NULL || Bytes / Disk->SectorBytes > Disk->MaximumSectors ||
        (ULONG64)Bytes / Disk->SectorBytes * Depth > Disk->Sectors) {
        return STATUS_NO_SUCH_DEVICE;
    }
    Bench = DiskpCreateBench(Disk, Bytes, Depth);
    if (Bench == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = DiskpMeasure(Bench, Figures);
    if (Bench->Left == 0) { /* else the disk may still write to it */
        DiskpFreeBench(Bench);
    }
    return Status;
}

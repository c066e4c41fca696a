/* SPDX-License-Identifier: MIT */
/*
 * bench.c - the benchmark rows of the machine layer.
 *
 *     bench <row> <median> <mean> <p99> <max> <samples>
 */
#include "bench.h"

#include "arch/cpu.h"
#include "arch/x86/apic.h"
#include "arch/x86/console.h"
#include "arch/x86/irql.h"
#include "arch/x86/kernel.h"
#include "arch/x86/print.h"
#include "arch/x86/serial.h"
#include "arch/x86/stacks.h"
#include "arch/x86/time.h"
#include "disk_drivers.h"
#include "rtl.h"

#define KIP_LINE_CHARACTERS 80

static char KipLine[KIP_LINE_CHARACTERS + 1];
static ULONG KipLineNumber;
static volatile ULONG KipEmptyInterrupts;
static ULONG KipRows;
static UCHAR KipPartnerStack[KERNEL_STACK_BYTES] NT_ALIGNED(16);

static void KipPrintRow(const char *Row, const MI_BENCH_FIGURES *F)
{
    KiPrint("bench %s %u %u %u %u %u\n", Row, F->Median, F->Mean, F->Percentile99, F->Maximum,
            F->Samples);
    KipRows++;
}

static void KipMeasureRow(const char *Row, MI_BENCH_OPERATION *Operation)
{
    MI_BENCH_FIGURES Figures;

    MiMeasure(Operation, NULL, &Figures);
    KipPrintRow(Row, &Figures);
}

static void KipEmptyInterrupt(PKTRAP_FRAME Frame)
{
    (void)Frame;
    KipEmptyInterrupts++;
}

/*
 * By INT: through the same gate, the same code and the same acknowledgement as from the APIC, but
 * without the instructions that would ask the APIC for it.
 */
static void KipTakeInterrupt(PVOID Context)
{
    (void)Context;
    __asm__ volatile("int %0" : : "i"(KI_VECTOR_BENCH) : "memory");
}

static void KipWriteSerialLine(PVOID Context)
{
    (void)Context;
    HalWriteSerial(KipLine, sizeof(KipLine));
}

/* 80 characters that were not there before, placed and drawn; scrolling redraws more lines. */
static void KipWriteScreenLine(PVOID Context)
{
    (void)Context;
    memset(KipLine, 'A' + (int)(KipLineNumber++ % 26), KIP_LINE_CHARACTERS);
    HalWriteScreen("\r", 1);
    HalWriteScreen(KipLine, KIP_LINE_CHARACTERS);
    HalFlushConsole();
}

/* The worst of four sizes. */
static NTSTATUS KipMeasurePoolPair(PMI_BENCH_FIGURES Worst)
{
    static const SIZE_T Sizes[] = {16, 64, 256, 512};
    MI_BENCH_FIGURES Figures;
    NTSTATUS Status = STATUS_SUCCESS;
    ULONG i;

    Worst->Median = 0;
    for (i = 0; i < RTL_NUMBER_OF(Sizes) && NT_SUCCESS(Status); i++) {
        Status = MiMeasurePoolPair(Sizes[i], &Figures);
        if (NT_SUCCESS(Status) && Figures.Median >= Worst->Median) {
            *Worst = Figures;
        }
    }
    return Status;
}

static void KipMeasurePools(void)
{
    static const struct {
        const char *Row;
        NTSTATUS (*Measure)(PMI_BENCH_FIGURES Figures);
    } Rows[] = {
        {"pool.pair.small", KipMeasurePoolPair},
        {"pool.lookaside", MiMeasurePoolLookaside},
        {"pool.random", MiMeasurePoolRandom},
        {"pool.page", MiMeasurePoolPage},
    };
    MI_BENCH_FIGURES Figures;
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Rows); i++) {
        if (NT_SUCCESS(Rows[i].Measure(&Figures))) {
            KipPrintRow(Rows[i].Row, &Figures);
        }
    }
}

static void KipMeasureMemory(void)
{
    static const struct {
        const char *Row;
        void (*Measure)(PMI_BENCH_FIGURES Figures);
    } Rows[] = {
        {"pfn.frame", MiMeasureFrame},
        {"syspte.map1", MiMeasureSystemPte},
        {"stack.pair", MiMeasureStack},
    };
    MI_BENCH_FIGURES Figures;
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Rows); i++) {
        Rows[i].Measure(&Figures);
        KipPrintRow(Rows[i].Row, &Figures);
    }
    MiMeasureMdlLock(1, &Figures);
    KipPrintRow("mdl.lock1", &Figures);
    MiMeasureMdlLock(16, &Figures);
    KipPrintRow("mdl.lock16", &Figures);
}

/* "disk.read4k" on virtio; on other buses, and with many reads at once, with words behind it. */
static void KipPrintDiskRow(const char *Row, PDISK_DEVICE Disk, ULONG Depth,
                            const MI_BENCH_FIGURES *Figures)
{
    char Name[KIP_LINE_CHARACTERS];
    int Bus = 0;

    while (Disk->Name[Bus] >= 'a' && Disk->Name[Bus] <= 'z') {
        Bus++;
    }
    if (strncmp(Disk->Name, "virtio", 6) == 0) {
        Bus = 0;
    }
    (void)RtlStringCbPrintfA(Name, sizeof(Name), "%s%s%.*s%s", Row, Bus != 0 ? "." : "", Bus,
                             Disk->Name, Depth == 1 ? "" : ".q8");
    KipPrintRow(Name, Figures);
}

static void KipMeasureDisk(void)
{
    static const struct {
        const char *Row;
        ULONG Bytes;
        ULONG Depth;
    } Rows[] = {
        {"disk.read4k", 4096, 1},
        {"disk.read64k", 65536, 1},
        {"disk.read4k", 4096, DISK_BENCH_DEPTH},
        {"disk.read64k", 65536, DISK_BENCH_DEPTH},
    };
    PDISK_DEVICE Disk = DiskNextDevice(NULL);
    MI_BENCH_FIGURES Figures;
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Rows); i++) {
        if (NT_SUCCESS(DiskMeasureRead(Disk, Rows[i].Bytes, Rows[i].Depth, &Figures))) {
            KipPrintDiskRow(Rows[i].Row, Disk, Rows[i].Depth, &Figures);
        }
    }
}

void KiRunDiskBenchmarks(void)
{
    ULONG Before = KipRows;

    HalStopTimer();
    KipMeasureDisk();
    HalStartTimer(KI_VECTOR_CLOCK, HalClocks.ClockInterval);
    KiReport(KipRows - Before == 4, "bench: %u rows of the first disk", KipRows - Before);
}

/* => Wanted is how many rows there have to be. */
static void KipRunGroup(const char *What, ULONG (*Measure)(MI_BENCH_PRINT *), ULONG Wanted)
{
    MI_BENCH_FIGURES Figures;
    ULONG Rows;

    HalStopTimer();
    MiCalibrateBench(&Figures);
    Rows = Measure(KipPrintRow);
    HalStartTimer(KI_VECTOR_CLOCK, HalClocks.ClockInterval);
    KiReport(Rows == Wanted, "bench: %u rows of %s", Rows, What);
}

void KiRunPagingBenchmarks(void)
{
    KipRunGroup("paging files", MiMeasurePaging, 3);
}

void KiRunSetBenchmarks(void)
{
    KipRunGroup("working sets", MiMeasureWorkingSets, 6);
}

static ULONG KipMeasureFiles(MI_BENCH_PRINT *Print)
{
    return MiMeasureSections(Print) + MiMeasureSystemViews(Print) + MiMeasureCache(Print);
}

void KiRunFileBenchmarks(void)
{
    KipRunGroup("files", KipMeasureFiles, 10);
}

void KiRunBenchmarks(ULONG64 PromptTsc)
{
    MI_BENCH_FIGURES Figures;
    ULONG Boot = (ULONG)(PromptTsc - KiLoaderBlock->EntryTsc);

    HalStopTimer();
    memset(KipLine, '#', KIP_LINE_CHARACTERS);
    KipLine[KIP_LINE_CHARACTERS] = '\n';
    MiCalibrateBench(&Figures);
    KipPrintRow("calibration", &Figures);
    KiConnectInterrupt(KI_VECTOR_BENCH, DISPATCH_LEVEL + 1, KipEmptyInterrupt);
    KipMeasureRow("irq.empty", KipTakeInterrupt);
    MiMeasureThreadSwitch(KipPartnerStack + sizeof(KipPartnerStack), sizeof(KipPartnerStack),
                          &Figures);
    KipPrintRow("thread.switch", &Figures);
    KipMeasurePools();
    KipMeasureMemory();
    (void)MiMeasureAddressSpaces(KipPrintRow);
    (void)MiMeasureSoftFaults(KipPrintRow);
    KipMeasureDisk();
    KipMeasureRow("console.line.serial", KipWriteSerialLine);
    if (HalConsoleHasScreen()) {
        KipMeasureRow("console.line.framebuffer", KipWriteScreenLine);
    }
    MiSummarizeSamples(&Boot, 1, &Figures);
    KipPrintRow("boot.total", &Figures);
    HalStartTimer(KI_VECTOR_CLOCK, HalClocks.ClockInterval);
    KiReport(KipEmptyInterrupts == MI_BENCH_WARM_UP + MI_BENCH_SAMPLES && KipRows >= 14,
             "bench: %u rows; %u empty interrupts ran", KipRows, KipEmptyInterrupts);
}

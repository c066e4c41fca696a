/* SPDX-License-Identifier: MIT */
/*
 * bench.h - measuring one operation in cycles, and printing it as a row.
 *
 * Under QEMU's -icount shift=0 a cycle is one guest instruction.
 */
#ifndef BENCH_H
#define BENCH_H

#include "nt/status.h"
#include "nt/types.h"

#define MI_BENCH_SAMPLES 1000
#define MI_BENCH_WARM_UP 100

typedef struct _MI_BENCH_FIGURES {
    ULONG Median;
    ULONG Mean;
    ULONG Percentile99;
    ULONG Maximum;
    ULONG Samples;
} MI_BENCH_FIGURES, *PMI_BENCH_FIGURES;

typedef void MI_BENCH_OPERATION(PVOID Context);

/* => Samples[0..Count), in any order; sorts them.  Count >= 1. */
void MiSummarizeSamples(PULONG Samples, ULONG Count, PMI_BENCH_FIGURES Figures);

/*
 * Run Operation MI_BENCH_WARM_UP + MI_BENCH_SAMPLES times, measuring each of the latter; what an
 * empty measurement costs (MiCalibrateBench) is subtracted.
 *
 * => The clock is stopped, so that no other interrupt falls into a sample.  One measurement at a
 *    time.
 */
void MiMeasure(MI_BENCH_OPERATION *Operation, PVOID Context, PMI_BENCH_FIGURES Figures);

/*
 * Measure one switch between two threads of one priority: one sets an event that the other waits
 * for, and waits itself.  Half of what the way there and back takes.
 *
 * => As MiMeasure.  The partner runs on the stack of StackBytes that ends at StackBase, and has
 *    ended on return.
 */
void MiMeasureThreadSwitch(PVOID StackBase, SIZE_T StackBytes, PMI_BENCH_FIGURES Figures);

/*
 * Measure the pools.  Page is a page of nonpaged pool; Random frees one of 1,000 blocks of 16 to
 * 1,024 bytes, chosen at random, and allocates another, after 20,000 such steps.
 *
 * => As MiMeasure; PASSIVE_LEVEL.  All is given back, but for what the pools keep.
 * => STATUS_INSUFFICIENT_RESOURCES: nonpaged pool has not enough for it; *Figures is not written.
 */
NT_MUST_CHECK NTSTATUS MiMeasurePoolPair(SIZE_T Bytes, PMI_BENCH_FIGURES Figures);
NT_MUST_CHECK NTSTATUS MiMeasurePoolPage(PMI_BENCH_FIGURES Figures);
NT_MUST_CHECK NTSTATUS MiMeasurePoolLookaside(PMI_BENCH_FIGURES Figures);
NT_MUST_CHECK NTSTATUS MiMeasurePoolRandom(PMI_BENCH_FIGURES Figures);

/*
 * Measure one operation of the memory manager:
 *
 *     Frame      a frame from the lists and back, not zeroed
 *     SystemPte  map one frame through system PTEs and unmap
 *     MdlLock    probe and lock Pages resident pages, and unlock
 *     Stack      a kernel stack that was kept, and back
 *
 * => As MiMeasure; PASSIVE_LEVEL, after MmInitSystem.  There is memory for it, or the machine
 *    stops.
 */
void MiMeasureFrame(PMI_BENCH_FIGURES Figures);
void MiMeasureSystemPte(PMI_BENCH_FIGURES Figures);
void MiMeasureMdlLock(ULONG Pages, PMI_BENCH_FIGURES Figures);
void MiMeasureStack(PMI_BENCH_FIGURES Figures);

/* As MiMeasure; Prepare(Context) runs before each sample and is not measured. */
void MiMeasurePrepared(MI_BENCH_OPERATION *Prepare, MI_BENCH_OPERATION *Operation, PVOID Context,
                       PMI_BENCH_FIGURES Figures);

/* What several operations, or the way there and back, took together is divided. */
void MiDivideFigures(PMI_BENCH_FIGURES Figures, ULONG By);

/* What a part, measured by itself, takes does not count. */
void MiSubtractFigures(PMI_BENCH_FIGURES Figures, ULONG By);

typedef void MI_BENCH_PRINT(const char *Row, const MI_BENCH_FIGURES *Figures);

/*
 * Measure the virtual memory services and faults in a process of their own:
 *
 *     fault.zero            touch a committed page whose page table is there; a frame that is zero
 *                           already is there too, so that clearing is not counted
 *     va.reserve64k         reserve and commit 64 KB by one call, and release it, untouched
 *     va.reserve64k.<n>     the same between n reservations: 30,000 of the 32,764 that 2 GB have
 *                           room for; not even 3 GB have any for 100,000
 *     va.protect1           protect one resident page
 *     va.decommit           each of 64 touched pages that are decommitted at once
 *     space.switch          attach to another address space, or detach
 *
 * => As MiMeasure; PASSIVE_LEVEL.  Returns the rows printed: fewer when there is no memory.
 */
ULONG MiMeasureAddressSpaces(MI_BENCH_PRINT *Print);

/*
 * Measure views in the system half, of a section over the paging files whose pages are in memory:
 *
 *     section.view64k.system  map and unmap 64 KB, untouched
 *     section.soft.system     touch the last page of such a view
 *     section.cluster.system  each page of such a view, touched in order
 *     cc.view256k             map and unmap a view of the system cache, untouched
 *
 * => As MiMeasureSections.
 */
ULONG MiMeasureSystemViews(MI_BENCH_PRINT *Print);

/*
 * Measure what takes pages away and brings them back:
 *
 *     fault.transition      a page on standby or a modified one, whichever is worse
 *     page.copy             copy a page, no fault
 *     fault.cow             write to a page that another process has, too; without page.copy
 *     fault.transition.<n>  fault.transition in a working set of n pages
 *     ws.trim.<n>           each page of a trim of 64, in such a working set
 *     paging.out            each page of an 8 MB run, from its working set until it is on disk
 *     fault.hard.seq        each page of such a run, read back in order
 *     fault.hard.random     a page of 32 MB, in any order
 *
 * The last three need a paging file; time in which everybody waits for the disk does not count.
 *
 * => As MiMeasure; PASSIVE_LEVEL.  Returns the rows printed: fewer when there is no memory.
 */
ULONG MiMeasureSoftFaults(MI_BENCH_PRINT *Print);
ULONG MiMeasureWorkingSets(MI_BENCH_PRINT *Print);
ULONG MiMeasurePaging(MI_BENCH_PRINT *Print);

/*
 * Measure views of a file on C: whose pages are in memory, in a process that ends afterwards:
 *
 *     section.soft     the first access to the only page of a view
 *     section.cluster  each page of a view of 64, touched in order
 *     section.view64k  map and unmap a view of 64 KB, untouched
 *
 * => As MiMeasure; PASSIVE_LEVEL.  Returns the rows printed: none without a volume or memory.
 */
ULONG MiMeasureSections(MI_BENCH_PRINT *Print);

/*
 * Measure the system cache, with a file on C:
 *
 *     cc.read4k      CcCopyRead of the pages of 256 KB in order, all in memory; without page.copy
 *     cc.pin         CcPinRead and CcUnpinData of such a page
 *     cc.sequential  each page of 4 MB that NtReadFile reads in order, none in memory; time in
 *                    which everybody waits for the disk does not count
 *
 * => As MiMeasureSections.
 */
ULONG MiMeasureCache(MI_BENCH_PRINT *Print);

/* Measure nothing, and subtract its median from then on.  => Returns the figures before that. */
void MiCalibrateBench(PMI_BENCH_FIGURES Figures);

#endif

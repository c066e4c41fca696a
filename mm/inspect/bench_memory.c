/* SPDX-License-Identifier: MIT */
/*
 * bench_memory.c - what page frames, system PTEs, MDLs and kernel stacks cost.
 *
 * Each operation takes something and gives it back, so that the next one finds what this one found.
 */
#include "arch/cpu.h"
#include "bench.h"
#include "mi_assert.h"
#include "mm.h"
#include "mm/pfn/frame.h"
#include "mm/sysva/kernel_stack.h"
#include "mm/sysva/pte_make.h"
#include "mm/sysva/system_ptes.h"

static void MipTakeFrame(PVOID Context)
{
    PFN_NUMBER Frame;
    NTSTATUS Status = MiAllocateFrame(MiFrameAny, 0, &Frame);

    (void)Context;
    MI_ASSERT(NT_SUCCESS(Status));
    MiFreeFrame(Frame);
}

void MiMeasureFrame(PMI_BENCH_FIGURES Figures)
{
    MiMeasure(MipTakeFrame, NULL, Figures);
}

/* What vm_map_ram does for one page: addresses, PTE, and both away again. */
static void MipMapFrame(PVOID Context)
{
    const PFN_NUMBER *Frame = Context;
    PMMPTE Pte = MiReserveSystemPtes(1);

    MI_ASSERT(Pte != NULL);
    MiWritePte(Pte,
               MiMakeValidKernelPte(MiMakeKernelTemplate(MiKernelReadWrite, MiCached), *Frame));
    MiReleaseSystemPtes(Pte, 1);
}

void MiMeasureSystemPte(PMI_BENCH_FIGURES Figures)
{
    PFN_NUMBER Frame;
    NTSTATUS Status = MiAllocateFrame(MiFrameAny, 0, &Frame);

    MI_ASSERT(NT_SUCCESS(Status));
    MiMeasure(MipMapFrame, &Frame, Figures);
    MiFlushSystemPtes(); /* before the frame is anybody else's */
    MiFreeFrame(Frame);
}

static void MipLockPages(PVOID Context)
{
    PMDL Mdl = Context;

    MmProbeAndLockPages(Mdl, KernelMode, IoWriteAccess);
    MmUnlockPages(Mdl);
}

void MiMeasureMdlLock(ULONG Pages, PMI_BENCH_FIGURES Figures)
{
    const PHYSICAL_ADDRESS Limit = {.QuadPart = -1};
    PVOID Buffer = MmAllocateContiguousMemory(Pages * PAGE_SIZE, Limit);
    PMDL Mdl = IoAllocateMdl(Buffer, Pages * PAGE_SIZE, FALSE, FALSE, NULL);

    MI_ASSERT(Buffer != NULL && Mdl != NULL);
    MiMeasure(MipLockPages, Mdl, Figures);
    IoFreeMdl(Mdl);
    MmFreeContiguousMemory(Buffer);
}

static void MipTakeStack(PVOID Context)
{
    PVOID Stack = MiCreateKernelStack();

    (void)Context;
    MI_ASSERT(Stack != NULL);
    MiDeleteKernelStack(Stack);
}

void MiMeasureStack(PMI_BENCH_FIGURES Figures)
{
    MiMeasure(MipTakeStack, NULL, Figures);
}

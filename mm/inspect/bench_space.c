/* SPDX-License-Identifier: MIT */
/*
 * bench_space.c - what address spaces, the virtual memory services and their faults cost.
 *
 * All of it in a process that ends afterwards.  Memory is touched by KiGuardedTouch, whose own
 * instructions count.
 */
#include "arch/cpu.h"
#include "bench.h"
#include "mi_assert.h"
#include "mm/pfn/zero_pages.h"
#include "mm/space/process.h"

#define MIP_UNIT  MM_ALLOCATION_GRANULARITY
#define MIP_PAGES 64u /* of a bulk decommit */

/* A block of committed pages, and what is done to it. */
typedef struct _MIP_BLOCK {
    ULONG_PTR Va;
    ULONG Bytes;
    BOOLEAN ReadOnly; /* the next protection */
} MIP_BLOCK, *PMIP_BLOCK;

/* => 0: there is no memory for it. */
static ULONG_PTR MipAllocate(ULONG_PTR Base, SIZE_T Bytes, ULONG Type)
{
    PVOID Va = (PVOID)Base;

    return NT_SUCCESS(
               NtAllocateVirtualMemory(NtCurrentProcess(), &Va, 0, &Bytes, Type, PAGE_READWRITE))
               ? (ULONG_PTR)Va
               : 0;
}

static void MipFree(ULONG_PTR Base, SIZE_T Bytes, ULONG Type)
{
    PVOID Va = (PVOID)Base;
    NTSTATUS Status = NtFreeVirtualMemory(NtCurrentProcess(), &Va, &Bytes, Type);

    MI_ASSERT(NT_SUCCESS(Status));
}

static void MipTouch(ULONG_PTR Va, ULONG Bytes)
{
    ULONG Done;

    for (Done = 0; Done < Bytes; Done += PAGE_SIZE) {
        NTSTATUS Status = KiGuardedTouch((PVOID)(Va + Done));

        MI_ASSERT(NT_SUCCESS(Status));
    }
}

/* ---- operations ---- */

static void MipReserve(PVOID Context)
{
    ULONG_PTR Va = MipAllocate(0, MIP_UNIT, MEM_RESERVE | MEM_COMMIT);

    (void)Context;
    MI_ASSERT(Va != 0);
    MipFree(Va, 0, MEM_RELEASE);
}

static void MipProtect(PVOID Context)
{
    PMIP_BLOCK Block = Context;
    PVOID Va = (PVOID)Block->Va;
    SIZE_T Bytes = PAGE_SIZE;
    ULONG Old;
    NTSTATUS Status;

    Block->ReadOnly = !Block->ReadOnly;
    Status = NtProtectVirtualMemory(NtCurrentProcess(), &Va, &Bytes,
                                    Block->ReadOnly ? PAGE_READONLY : PAGE_READWRITE, &Old);
    MI_ASSERT(NT_SUCCESS(Status));
}

static void MipRecommit(PVOID Context)
{
    PMIP_BLOCK Block = Context;
    ULONG_PTR Va = MipAllocate(Block->Va, Block->Bytes, MEM_COMMIT);

    MI_ASSERT(Va == Block->Va);
    MipTouch(Va, Block->Bytes);
}

static void MipDecommit(PVOID Context)
{
    const MIP_BLOCK *Block = Context;

    MipFree(Block->Va, Block->Bytes, MEM_DECOMMIT);
}

/*
 * The page, every other time the next one, is committed and untouched; its neighbours keep the
 * table, and a zeroed frame waits.
 */
static void MipMakeUntouched(PVOID Context)
{
    PMIP_BLOCK Block = Context;

    ULONG_PTR Va;

    Block->Va ^= PAGE_SIZE;
    MipDecommit(Block);
    Va = MipAllocate(Block->Va, Block->Bytes, MEM_COMMIT);
    MI_ASSERT(Va == Block->Va);
    while (MiZeroFreePages(64) != 0) {
        continue;
    }
}

static void MipFault(PVOID Context)
{
    const MIP_BLOCK *Block = Context;

    MipTouch(Block->Va, PAGE_SIZE);
}

static void MipSwitch(PVOID Context)
{
    KAPC_STATE ApcState;

    (void)Context;
    KeStackAttachProcess(&PsInitialSystemProcess->Pcb, &ApcState);
    KeUnstackDetachProcess(&ApcState);
}

/* ---- rows ---- */

static ULONG MipPrint(MI_BENCH_PRINT *Print, const char *Row, PMI_BENCH_FIGURES Figures, ULONG By)
{
    MiDivideFigures(Figures, By);
    Print(Row, Figures);
    return 1;
}

static ULONG MipMeasureServices(MI_BENCH_PRINT *Print)
{
    ULONG_PTR Base = MipAllocate(0, 2 * MIP_PAGES * PAGE_SIZE, MEM_RESERVE);
    MIP_BLOCK Block = {.Va = Base, .Bytes = PAGE_SIZE};
    MI_BENCH_FIGURES Figures;
    ULONG Rows = 0;

    if (Base == 0 || MipAllocate(Base, (MIP_PAGES + 1) * PAGE_SIZE, MEM_COMMIT) != Base) {
        return 0;
    }
    MipTouch(Base, (MIP_PAGES + 1) * PAGE_SIZE);
    MiMeasure(MipReserve, NULL, &Figures);
    Rows += MipPrint(Print, "va.reserve64k", &Figures, 1);
    MiMeasure(MipProtect, &Block, &Figures);
    Rows += MipPrint(Print, "va.protect1", &Figures, 1);
    MiMeasurePrepared(MipMakeUntouched, MipFault, &Block, &Figures);
    Rows += MipPrint(Print, "fault.zero", &Figures, 1);
    Block = (MIP_BLOCK){.Va = Base, .Bytes = MIP_PAGES * PAGE_SIZE};
    MiMeasurePrepared(MipRecommit, MipDecommit, &Block, &Figures);
    Rows += MipPrint(Print, "va.decommit", &Figures, MIP_PAGES);
    MiMeasure(MipSwitch, NULL, &Figures);
    Rows += MipPrint(Print, "space.switch", &Figures, 2);
    MipFree(Base, 0, MEM_RELEASE);
    return Rows;
}

/* => Returns how many there are: fewer than Count when memory ends. */
static ULONG MipReserveMany(ULONG Made, ULONG Count)
{
    while (Made < Count && MipAllocate((Made + 1) * MIP_UNIT, MIP_UNIT, MEM_RESERVE) != 0) {
        Made++;
    }
    return Made;
}

/* The gap in the middle is where the reservation that is measured goes. */
static ULONG MipMeasureScale(MI_BENCH_PRINT *Print)
{
    static const struct {
        const char *Row;
        ULONG Vads;
    } Sizes[] = {
        {"va.reserve64k.1000", 1000},
        {"va.reserve64k.10000", 10000},
        {"va.reserve64k.30000", 30000}, /* 32,764 fill the user half */
    };
    MI_BENCH_FIGURES Figures;
    ULONG Made = 0;
    ULONG Rows = 0;
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Sizes); i++) {
        ULONG_PTR Middle = (Sizes[i].Vads / 2 + 1) * MIP_UNIT;

        Made = MipReserveMany(Made, Sizes[i].Vads);
        if (Made != Sizes[i].Vads) {
            break;
        }
        MipFree(Middle, 0, MEM_RELEASE);
        MiMeasure(MipReserve, NULL, &Figures);
        Rows += MipPrint(Print, Sizes[i].Row, &Figures, 1);
        if (MipAllocate(Middle, MIP_UNIT, MEM_RESERVE) != Middle) {
            break;
        }
    }
    return Rows;
}

ULONG MiMeasureAddressSpaces(MI_BENCH_PRINT *Print)
{
    PEPROCESS Process;
    KAPC_STATE ApcState;
    ULONG Rows;

    if (!NT_SUCCESS(PsCreateProcess("bench", &Process))) {
        return 0;
    }
    KeStackAttachProcess(&Process->Pcb, &ApcState);
    Rows = MipMeasureServices(Print);
    Rows += MipMeasureScale(Print);
    KeUnstackDetachProcess(&ApcState);
    PsTerminateProcess(Process);
    PsDereferenceProcess(Process);
    return Rows;
}

/* SPDX-License-Identifier: MIT */
/*
 * bench_faults.c - what faults on pages that are still in memory cost, soft ones and copies, and
 * taking pages away, in working sets of all sizes.
 */
#include "mm/inspect/bench_faults.h"

#include "arch/cpu.h"
#include "ex.h"
#include "mi_assert.h"
#include "mm/space/process.h"
#include "mm/ws/wsle.h"
#include "rtl.h"

#define MIP_TAG     0x6E65424Du /* 'MBen' */
#define MIP_TRIMMED 64u         /* pages of one trim */
#define MIP_COPIED  (MI_BENCH_WARM_UP + MI_BENCH_SAMPLES)

/* ---- memory ---- */

ULONG_PTR MiAllocateForBench(ULONG Pages)
{
    PVOID Va = NULL;
    SIZE_T Bytes = Pages * PAGE_SIZE;

    return NT_SUCCESS(NtAllocateVirtualMemory(NtCurrentProcess(), &Va, 0, &Bytes,
                                              MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE))
               ? (ULONG_PTR)Va
               : 0;
}

void MiFreeAfterBench(ULONG_PTR Base)
{
    PVOID Va = (PVOID)Base;
    SIZE_T Bytes = 0;
    NTSTATUS Status = NtFreeVirtualMemory(NtCurrentProcess(), &Va, &Bytes, MEM_RELEASE);

    MI_ASSERT(NT_SUCCESS(Status));
}

void MiTouchForBench(ULONG_PTR Va)
{
    NTSTATUS Status = KiGuardedTouch((PVOID)Va);

    MI_ASSERT(NT_SUCCESS(Status));
}

void MiWriteForBench(ULONG_PTR Va)
{
    NTSTATUS Status = MmCopyToUser((PVOID)Va, &Va, sizeof(Va), NULL);

    MI_ASSERT(NT_SUCCESS(Status));
}

void MiTouchAllForBench(ULONG_PTR Base, ULONG Pages)
{
    ULONG i;

    for (i = 0; i < Pages; i++) {
        MiTouchForBench(Base + i * PAGE_SIZE);
    }
}

ULONG MiMeasureInProcess(ULONG (*Measure)(MI_BENCH_PRINT *), MI_BENCH_PRINT *Print)
{
    PEPROCESS Process;
    KAPC_STATE ApcState;
    ULONG Rows;

    if (!NT_SUCCESS(PsCreateProcess("bench", &Process))) {
        return 0;
    }
    KeStackAttachProcess(&Process->Pcb, &ApcState);
    Rows = Measure(Print);
    KeUnstackDetachProcess(&ApcState);
    PsTerminateProcess(Process);
    PsDereferenceProcess(Process);
    return Rows;
}

/* ---- soft faults ---- */

typedef struct _MIP_SET {
    ULONG_PTR Base;
    ULONG Pages;
    ULONG Next;
    BOOLEAN Modified; /* the page that faults */
} MIP_SET, *PMIP_SET;

static void MipProtect(ULONG_PTR Page, ULONG Protect)
{
    PVOID Va = (PVOID)Page;
    SIZE_T Bytes = PAGE_SIZE;
    ULONG Old;
    NTSTATUS Status = NtProtectVirtualMemory(NtCurrentProcess(), &Va, &Bytes, Protect, &Old);

    MI_ASSERT(NT_SUCCESS(Status));
}

/* Taking all access away sends the page to a list, as a trim does; then it may be faulted back. */
static void MipSendToList(PVOID Context)
{
    PMIP_SET Set = Context;
    ULONG_PTR Va;

    Set->Next = (Set->Next + 1) % Set->Pages;
    Va = Set->Base + Set->Next * PAGE_SIZE;
    if (Set->Modified) {
        MiWriteForBench(Va);
    }
    MipProtect(Va, PAGE_NOACCESS);
    MipProtect(Va, PAGE_READWRITE);
}

static void MipFaultBack(PVOID Context)
{
    const MIP_SET *Set = Context;

    MiTouchForBench(Set->Base + Set->Next * PAGE_SIZE);
}

/* The worse of a page on standby and a modified one, in a working set of Pages pages. */
static void MipMeasureTransition(PMIP_SET Set, PMI_BENCH_FIGURES Worst)
{
    MI_BENCH_FIGURES Figures;

    Set->Modified = FALSE;
    MiMeasurePrepared(MipSendToList, MipFaultBack, Set, Worst);
    Set->Modified = TRUE;
    MiMeasurePrepared(MipSendToList, MipFaultBack, Set, &Figures);
    *Worst = Figures.Median > Worst->Median ? Figures : *Worst;
}

/* A set that has lost half of its pages gets them all back. */
static void MipKeepFull(PVOID Context)
{
    const MIP_SET *Set = Context;

    if (PsGetCurrentProcess()->Vm.WorkingSetSize < Set->Pages / 2 + MIP_TRIMMED) {
        MiTouchAllForBench(Set->Base, Set->Pages);
    }
}

static void MipTrim(PVOID Context)
{
    PEPROCESS Process = PsGetCurrentProcess();

    (void)Context;
    MiLockAddressSpace(Process);
    (void)MiTrimWorkingSet(&Process->Vm, MIP_TRIMMED, 0);
    MiUnlockAddressSpace(Process);
}

static ULONG MipMeasureSet(MI_BENCH_PRINT *Print, const char *Fault, const char *Trim, ULONG Pages)
{
    MIP_SET Set = {.Base = MiAllocateForBench(Pages), .Pages = Pages};
    MI_BENCH_FIGURES Figures;

    if (Set.Base == 0) {
        return 0;
    }
    MiTouchAllForBench(Set.Base, Pages);
    MipMeasureTransition(&Set, &Figures);
    Print(Fault, &Figures);
    MiMeasurePrepared(MipKeepFull, MipTrim, &Set, &Figures);
    MiDivideFigures(&Figures, MIP_TRIMMED);
    Print(Trim, &Figures);
    MiFreeAfterBench(Set.Base);
    return 2;
}

static ULONG MipMeasureSmallSet(MI_BENCH_PRINT *Print)
{
    MIP_SET Set = {.Base = MiAllocateForBench(2), .Pages = 2};
    MI_BENCH_FIGURES Figures;

    if (Set.Base == 0) {
        return 0;
    }
    MiTouchAllForBench(Set.Base, Set.Pages);
    MipMeasureTransition(&Set, &Figures);
    Print("fault.transition", &Figures);
    MiFreeAfterBench(Set.Base);
    return 1;
}

/* ---- copy-on-write ---- */

static void MipCopyPage(PVOID Context)
{
    PUCHAR Pages = Context;

    memcpy(Pages, Pages + PAGE_SIZE, PAGE_SIZE);
}

/* What copying a page costs by itself.  => FALSE: no memory. */
BOOLEAN MiMeasurePageCopy(PMI_BENCH_FIGURES Figures)
{
    PVOID Pages = ExAllocatePoolWithTag(NonPagedPool, 2 * PAGE_SIZE, MIP_TAG);

    if (Pages == NULL) {
        return FALSE;
    }
    MiMeasure(MipCopyPage, Pages, Figures);
    ExFreePoolWithTag(Pages, MIP_TAG);
    return TRUE;
}

static void MipWriteNext(PVOID Context)
{
    PMIP_SET Set = Context;

    MiTouchForBench(Set->Base + Set->Next++ * PAGE_SIZE);
}

/* Each page is written once: another process has it, too. */
static ULONG MipMeasureShared(MI_BENCH_PRINT *Print, PMIP_SET Set)
{
    MI_BENCH_FIGURES Copy;
    MI_BENCH_FIGURES Figures;

    if (!MiMeasurePageCopy(&Copy)) {
        return 0;
    }
    Print("page.copy", &Copy);
    MiMeasure(MipWriteNext, Set, &Figures);
    MiSubtractFigures(&Figures, Copy.Median);
    Print("fault.cow", &Figures);
    return 2;
}

static ULONG MipMeasureCopyOnWrite(MI_BENCH_PRINT *Print)
{
    MIP_SET Set = {.Base = MiAllocateForBench(MIP_COPIED), .Pages = MIP_COPIED};
    PEPROCESS Child;
    ULONG Rows = 0;

    if (Set.Base == 0) {
        return 0;
    }
    MiTouchAllForBench(Set.Base, Set.Pages);
    if (NT_SUCCESS(PsCloneProcess("bench", PsGetCurrentProcess(), &Child))) {
        Rows = MipMeasureShared(Print, &Set);
        PsTerminateProcess(Child);
        PsDereferenceProcess(Child);
    }
    MiFreeAfterBench(Set.Base);
    return Rows;
}

/* ---- sizes ---- */

static ULONG MipMeasureSizes(MI_BENCH_PRINT *Print)
{
    static const struct {
        const char *Fault;
        const char *Trim;
        ULONG Pages;
    } Sizes[] = {
        {"fault.transition.1000", "ws.trim.1000", 1000},
        {"fault.transition.10000", "ws.trim.10000", 10000},
        {"fault.transition.100000", "ws.trim.100000", 100000},
    };
    ULONG Rows = 0;
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Sizes); i++) {
        Rows += MipMeasureSet(Print, Sizes[i].Fault, Sizes[i].Trim, Sizes[i].Pages);
    }
    return Rows;
}

ULONG MiMeasureSoftFaults(MI_BENCH_PRINT *Print)
{
    ULONG Rows = MiMeasureInProcess(MipMeasureSmallSet, Print);

    return Rows + MiMeasureInProcess(MipMeasureCopyOnWrite, Print);
}

ULONG MiMeasureWorkingSets(MI_BENCH_PRINT *Print)
{
    return MiMeasureInProcess(MipMeasureSizes, Print);
}

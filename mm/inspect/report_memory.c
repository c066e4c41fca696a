/* SPDX-License-Identifier: MIT */
/*
 * report_memory.c - the memory manager's lines of the boot's report: each part is used, and what
 * it says of itself is compared with what happened.
 *
 * Everything that is taken is given back; the last line compares the balances.
 */
#include "ex.h"
#include "mm.h"
#include "mm/fault/fault.h"
#include "mm/inspect/report_objects.h"
#include "mm/inspect/report_space.h"
#include "mm/pfn/frame.h"
#include "mm/pfn/pfn_database.h"
#include "mm/pfn/pfn_inspect.h"
#include "mm/pfn/zero_pages.h"
#include "mm/pool/pool.h"
#include "mm/pool/paged_page.h"
#include "mm/sysva/hyperspace.h"
#include "mm/sysva/kernel_stack.h"
#include "mm/sysva/layout.h"
#include "mm/sysva/system_pages.h"
#include "mm/sysva/system_ptes.h"
#include "mm/ws/wsle.h"
#include "report.h"
#include "verify.h"

#define MIP_TAG 0x74736554u /* 'Test' */

/* Words that no other memory holds by chance, different at each index and for each Salt. */
static ULONG MipPattern(ULONG Index, ULONG Salt)
{
    return (Index + 1) * 0x9E3779B1u ^ Salt;
}

static void MipFill(PULONG Words, ULONG Count, ULONG Salt)
{
    ULONG i;

    for (i = 0; i < Count; i++) {
        Words[i] = MipPattern(i, Salt);
    }
}

/* => Returns the number of words that are not as MipFill left them. */
static ULONG MipCountWrong(const ULONG *Words, ULONG Count, ULONG Salt)
{
    ULONG Wrong = 0;
    ULONG i;

    for (i = 0; i < Count; i++) {
        Wrong += Words[i] != MipPattern(i, Salt);
    }
    return Wrong;
}

/* => Returns the number of words that are not 0. */
static ULONG MipCountNotZero(const ULONG *Words, ULONG Count)
{
    ULONG Wrong = 0;
    ULONG i;

    for (i = 0; i < Count; i++) {
        Wrong += Words[i] != 0;
    }
    return Wrong;
}

/* ---- page frames ---- */

static void MipReportFrames(void)
{
    MI_PFN_COUNTERS C;
    ULONG Sum = 0;
    ULONG i;

    MiQueryPfnCounters(&C);
    for (i = 0; i < MI_PAGE_STATES; i++) {
        Sum += C.States[i];
    }
    KiReport(Sum == C.PhysicalPages && C.PhysicalPages != 0 &&
                 C.AvailablePages ==
                     C.States[ZeroedPageList] + C.States[FreePageList] + C.States[StandbyPageList],
             "page frames: %u known, %u zeroed, %u free, %u standby, %u active, %u bad; "
             "%u bytes each",
             C.PhysicalPages, C.States[ZeroedPageList], C.States[FreePageList],
             C.States[StandbyPageList], C.States[ActiveAndValid], C.States[BadPageList],
             (ULONG)sizeof(MMPFN));
}

#define MIP_FRAMES 16u

/* Frames are written through hyperspace; zeroed ones must be zero, and none is handed out twice. */
static void MipReportAllocation(void)
{
    PFN_NUMBER Frames[MIP_FRAMES];
    ULONG Taken = 0;
    ULONG Wrong = 0;
    ULONG i;

    while (Taken < MIP_FRAMES &&
           NT_SUCCESS(MiAllocateFrame(MiFrameZeroed, Taken, &Frames[Taken]))) {
        KIRQL OldIrql;
        PULONG Words = MiMapFrameInHyperspace(Frames[Taken], &OldIrql);

        Wrong += MipCountNotZero(Words, PAGE_SIZE / sizeof(ULONG));
        MipFill(Words, PAGE_SIZE / sizeof(ULONG), Frames[Taken]);
        MiUnmapFrameInHyperspace(Words, OldIrql);
        Taken++;
    }
    for (i = 0; i < Taken; i++) {
        KIRQL OldIrql;
        PULONG Words = MiMapFrameInHyperspace(Frames[i], &OldIrql);

        Wrong += MipCountWrong(Words, PAGE_SIZE / sizeof(ULONG), Frames[i]);
        MiUnmapFrameInHyperspace(Words, OldIrql);
        MiFreeFrame(Frames[i]);
    }
    KiReport(Taken == MIP_FRAMES && Wrong == 0,
             "frames: %u taken zeroed, written through hyperspace and read back, %u words wrong",
             Taken, Wrong);
}

static void MipReportZeroing(void)
{
    MI_PFN_COUNTERS Before;
    MI_PFN_COUNTERS After;
    LARGE_INTEGER Interval = {.QuadPart = -1}; /* until the next tick */
    ULONG Waits = 0;

    MiQueryPfnCounters(&Before);
    do {
        KeDelayExecutionThread(KernelMode, FALSE, &Interval);
        MiQueryPfnCounters(&After);
        Waits++;
    } while (After.States[ZeroedPageList] <= Before.States[ZeroedPageList] &&
             After.States[FreePageList] != 0 && Waits < 100);
    KiReport(After.States[ZeroedPageList] > Before.States[ZeroedPageList] ||
                 After.States[FreePageList] == 0,
             "zero-page thread: %u pages zeroed while this thread slept, %u are still free",
             After.States[ZeroedPageList] - Before.States[ZeroedPageList],
             After.States[FreePageList]);
}

/* ---- system address space ---- */

static void MipReportSystemPtes(void)
{
    const MMPTE Template = MiMakeKernelTemplate(MiKernelReadWrite, MiCached);
    PMMPTE First = MiReserveSystemPtes(3);
    PFN_NUMBER Frame = MI_NO_FRAME;
    MI_SYSTEM_PTE_COUNTERS C;
    ULONG Wrong = 1;

    /* One frame at both ends of the run: what is written here is read there. */
    if (First != NULL && NT_SUCCESS(MiAllocateFrame(MiFrameAny, 0, &Frame))) {
        PULONG Here = (PULONG)MiGetVaMappedByPte(First);
        PULONG There = (PULONG)MiGetVaMappedByPte(First + 2);

        MiWritePte(First, MiMakeValidKernelPte(Template, Frame));
        MiWritePte(First + 2, MiMakeValidKernelPte(Template, Frame));
        MipFill(Here, PAGE_SIZE / sizeof(ULONG), Frame);
        Wrong = MipCountWrong(There, PAGE_SIZE / sizeof(ULONG), Frame);
    }
    if (First != NULL) {
        MiReleaseSystemPtes(First, 3);
        MiFlushSystemPtes();
    }
    if (Frame != MI_NO_FRAME) {
        MiFreeFrame(Frame);
    }
    MiQuerySystemPtes(&C);
    KiReport(Wrong == 0 && C.Free + C.Reserved + C.Slack == C.Total,
             "system PTEs: %u free of %u, one frame at two addresses, reservations %u, "
             "flushes %u",
             C.Free, C.Total, C.Reservations, C.Flushes);
}

#define MIP_STACKS 12u

static void MipReportStacks(void)
{
    PVOID Stacks[MIP_STACKS];
    MI_KERNEL_STACK_COUNTERS C;
    ULONG Made = 0;
    ULONG Guards = 0;
    ULONG Mapped = 0;
    ULONG i;

    while (Made < MIP_STACKS && (Stacks[Made] = MiCreateKernelStack()) != NULL) {
        PUCHAR Base = Stacks[Made];

        Guards += !MmIsAddressValid(Base - MI_KERNEL_STACK_BYTES - 1);
        for (i = 1; i <= MI_KERNEL_STACK_PAGES; i++) {
            Mapped += MmIsAddressValid(Base - i * PAGE_SIZE);
        }
        Made++;
    }
    for (i = 0; i < Made; i++) {
        MiDeleteKernelStack(Stacks[i]);
    }
    MiQueryKernelStacks(&C);
    KiReport(Made == MIP_STACKS && Guards == Made && Mapped == Made * MI_KERNEL_STACK_PAGES,
             "kernel stacks: %u made, %u guard pages, %u pages; %u in use, %u kept, peak %u", Made,
             Guards, Mapped, C.InUse, C.Cached, C.Peak);
}

#define MIP_MDL_BYTES (3 * PAGE_SIZE)

/* A buffer in pool, locked, mapped a second time, written there and read here. */
static void MipReportMdl(POOL_TYPE Type, const char *Name)
{
    PULONG Buffer = ExAllocatePoolWithTag(Type, MIP_MDL_BYTES, MIP_TAG);
    PMDL Mdl = Buffer == NULL ? NULL : IoAllocateMdl(Buffer, MIP_MDL_BYTES, FALSE, FALSE, NULL);
    PULONG Second = NULL;
    ULONG Wrong = 1;
    ULONG Flags = 0;

    if (Mdl != NULL) {
        MmProbeAndLockPages(Mdl, KernelMode, IoWriteAccess);
        Second = MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, FALSE,
                                              NormalPagePriority);
        Flags = (USHORT)Mdl->MdlFlags;
    }
    if (Second != NULL) {
        MipFill(Second, MIP_MDL_BYTES / sizeof(ULONG), (ULONG)(ULONG_PTR)Mdl);
        Wrong = MipCountWrong(Buffer, MIP_MDL_BYTES / sizeof(ULONG), (ULONG)(ULONG_PTR)Mdl);
    }
    KiReport(Second != NULL && Second != Buffer && Wrong == 0,
             "MDL: %u bytes of %s at %08lx locked and mapped at %08lx, flags %04x, %u words wrong",
             MIP_MDL_BYTES, Name, (unsigned long)(ULONG_PTR)Buffer,
             (unsigned long)(ULONG_PTR)Second, Flags, Wrong);
    if (Mdl != NULL) {
        MmUnlockPages(Mdl);
        IoFreeMdl(Mdl);
    }
    if (Buffer != NULL) {
        ExFreePoolWithTag(Buffer, MIP_TAG);
    }
}

static void MipReportContiguous(void)
{
    const PHYSICAL_ADDRESS Limit = {.QuadPart = 0xFFFFFF}; /* what ISA devices reach */
    const ULONG Pages = 8;
    PUCHAR Va = MmAllocateContiguousMemory(Pages * PAGE_SIZE, Limit);
    ULONG64 First = Va == NULL ? 0 : (ULONG64)MmGetPhysicalAddress(Va).QuadPart;
    ULONG Right = 0;
    ULONG i;

    for (i = 0; Va != NULL && i < Pages; i++) {
        Right +=
            (ULONG64)MmGetPhysicalAddress(Va + i * PAGE_SIZE).QuadPart == First + i * PAGE_SIZE;
    }
    KiReport(Right == Pages && First + Pages * PAGE_SIZE - 1 <= (ULONG64)Limit.QuadPart,
             "contiguous memory: %u pages from %08llx on, below 16 MB", Right,
             (unsigned long long)First);
    if (Va != NULL) {
        MmFreeContiguousMemory(Va);
    }
}

/* ---- pools ---- */

#define MIP_BLOCKS 128u

/* Blocks of all small sizes and some large ones, filled, half of them freed and taken again. */
static void MipReportPool(POOL_TYPE Type, const char *Name)
{
    static PULONG Blocks[MIP_BLOCKS];
    MI_POOL_FIGURES Before;
    MI_POOL_FIGURES Full;
    MI_POOL_FIGURES After;
    ULONG Wrong = 0;
    ULONG Round;
    ULONG i;

    MiTrimPools();
    MiQueryPoolFigures(Type, &Before);
    for (Round = 0; Round < 2; Round++) {
        for (i = Round; i < MIP_BLOCKS; i += 1 + Round) {
            Blocks[i] = ExAllocatePoolWithTag(Type, 40 * (i + 1), MIP_TAG);
            if (Blocks[i] != NULL) {
                MipFill(Blocks[i], 10 * (i + 1), i);
            }
        }
        for (i = !Round; i < MIP_BLOCKS; i += 2 - Round) {
            Wrong += Blocks[i] == NULL || MipCountWrong(Blocks[i], 10 * (i + 1), i) != 0;
            if (Round == 0 && Blocks[i] != NULL) {
                ExFreePoolWithTag(Blocks[i], MIP_TAG);
            }
        }
    }
    MiQueryPoolFigures(Type, &Full);
    for (i = 0; i < MIP_BLOCKS; i++) {
        if (Blocks[i] != NULL) {
            ExFreePoolWithTag(Blocks[i], MIP_TAG);
        }
    }
    MiTrimPools();
    MiQueryPoolFigures(Type, &After);
    KiReport(Wrong == 0 && After.InUseBytes == Before.InUseBytes &&
                 After.InUseBlocks == Before.InUseBlocks,
             "%s pool: %u blocks, %u bytes in use then, %u now; %u of %u pages, peak %u", Name,
             MIP_BLOCKS, Full.InUseBytes, After.InUseBytes, After.UsedPages, After.MaximumPages,
             After.PeakPages);
}

#define MIP_UNTOUCHED 32u

/* A page fault changes a counter behind the compiler's back. */
static ULONG MipRead(const ULONG *Counter)
{
    return *(const volatile ULONG *)Counter;
}

/* Paged pool costs no frame before it is touched. */
static void MipReportDemandZero(void)
{
    ULONG Faults = MipRead(&MiFaultCounters.DemandZero);
    ULONG Resident = MipRead(&MiResidentPagedPool);
    PULONG Words = ExAllocatePoolWithTag(PagedPool, MIP_UNTOUCHED * PAGE_SIZE, MIP_TAG);
    ULONG Early = MipRead(&MiResidentPagedPool) - Resident;
    ULONG Wrong = 0;
    ULONG i;

    for (i = 0; Words != NULL && i < MIP_UNTOUCHED; i += 2) {
        Wrong += MipCountNotZero(Words + i * (PAGE_SIZE / sizeof(ULONG)),
                                 PAGE_SIZE / sizeof(ULONG)) != 0;
    }
    Faults = MipRead(&MiFaultCounters.DemandZero) - Faults;
    Resident = MipRead(&MiResidentPagedPool) - Resident;
    KiReport(Words != NULL && Wrong == 0 && Early == 0 && Resident == MIP_UNTOUCHED / 2 &&
                 Faults == MIP_UNTOUCHED / 2,
             "page faults: of %u new pages of paged pool %u were resident; every other one read: "
             "%u demand-zero faults, %u pages resident, all zero",
             MIP_UNTOUCHED, Early, Faults, Resident);
    if (Words != NULL) {
        ExFreePoolWithTag(Words, MIP_TAG);
    }
}

/* ---- together ---- */

typedef struct _MIP_BALANCE {
    ULONG Available; /* with page tables made since the start, which stay, and pageable pages */
    ULONG Committed;
    ULONG ResidentAvailable;
    ULONG FreePtes;
    ULONG PoolBytes;
} MIP_BALANCE;

/*
 * A page of paged pool may leave the working set meanwhile, and be modified until it is written.
 * The zero-page thread may have been interrupted with a frame in its hand; it does not go on while
 * this is counted.
 */
static MIP_BALANCE MipTakeBalance(void)
{
    MI_SYSTEM_PTE_COUNTERS Ptes;
    MI_POOL_FIGURES NonPaged;
    MI_POOL_FIGURES Paged;
    MI_PFN_COUNTERS Frames;

    MiTrimKernelStacks();
    MiTrimPools();
    MiQueryPoolFigures(NonPagedPool, &NonPaged);
    MiQueryPoolFigures(PagedPool, &Paged);
    MiQuerySystemPtes(&Ptes);
    MiQueryPfnCounters(&Frames);
    return (MIP_BALANCE){Frames.AvailablePages + Frames.States[ModifiedPageList] +
                             MiFramesBeingZeroed + MiSystemPageTables +
                             MiSystemCacheWorkingSet.WorkingSetSize,
                         Frames.Commit.Committed - MiSystemPageTables,
                         Frames.Commit.ResidentAvailable + MiSystemPageTables, Ptes.Free,
                         NonPaged.InUseBytes + Paged.InUseBytes};
}

static void MipReportBalance(const MIP_BALANCE *Before)
{
    MIP_BALANCE After = MipTakeBalance();

    KiReport(memcmp(Before, &After, sizeof(After)) == 0,
             "balance: %d frames, %d pages of commitment, %d system PTEs, %d bytes of pool missing",
             (LONG)(Before->Available - After.Available),
             (LONG)(After.Committed - Before->Committed), (LONG)(Before->FreePtes - After.FreePtes),
             (LONG)(After.PoolBytes - Before->PoolBytes));
}

void MiReportMemory(void)
{
    MIP_BALANCE Before;

    MipReportFrames();
    MipReportZeroing();
    Before = MipTakeBalance();
    MipReportAllocation();
    MipReportSystemPtes();
    MipReportStacks();
    MipReportPool(NonPagedPool, "nonpaged");
    MipReportPool(PagedPool, "paged");
    MipReportDemandZero();
    MipReportMdl(NonPagedPool, "nonpaged pool");
    MipReportMdl(PagedPool, "paged pool");
    MipReportContiguous();
    MiReportAddressSpaces();
    MiReportObjects();
    MiDescribePoolOverhead(KiConsoleSink, NULL);
    MiVerifyAll();
    MipReportBalance(&Before);
}

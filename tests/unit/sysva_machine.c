/* SPDX-License-Identifier: MIT */
/*
 * sysva_machine.c - frames 0 and 1 are the machine's (frame 1 is its directory), the rest is free.
 */
#include "tests/unit/sysva_machine.h"

#include "mm/paging/paging_file.h"
#include "mm/pfn/frame.h"
#include "mm/pool/pool.h"
#include "mm/pool/pool_pages.h"
#include "mm/pool/system_image.h"
#include "mm/sysva/hyperspace.h"
#include "mm/sysva/kernel_stack.h"
#include "mm/sysva/mdl.h"
#include "mm/sysva/system_pages.h"
#include "tests/unit/pfn_machine.h"
#include "verify.h"

#define POOL_START 0x98000000u
#define POOL_PAGES 20u /* the longest MDL needs 16 */

static SYSVA_BALANCE Before;
static LOADER_MEMORY_RUN Runs[2];

SYSVA_BALANCE SysvaBalance(void)
{
    MI_SYSTEM_PTE_COUNTERS Ptes;
    MI_PFN_COUNTERS Frames;
    MI_POOL_FIGURES Pool;
    SYSVA_BALANCE Balance;

    MiQuerySystemPtes(&Ptes);
    MiQueryPfnCounters(&Frames);
    Balance.Available = Frames.AvailablePages;
    Balance.Committed = Frames.Commit.Committed;
    Balance.ResidentAvailable = Frames.Commit.ResidentAvailable;
    Balance.FreePtes = Ptes.Free;
    Balance.LockedPages = MiLockedPages;
    MiQueryPoolFigures(NonPagedPool, &Pool);
    Balance.PoolBytes = Pool.InUseBytes;
    return Balance;
}

/* A nonpaged pool of a few pages, with the highest frames, for MDLs. */
static void StartPool(void)
{
    static ULONG Bits[MI_POOL_REGION_BYTES(POOL_PAGES) / sizeof(ULONG)];
    const MI_POOL_RANGE Ranges[MiPoolPartCount] = {{POOL_START, POOL_PAGES, Bits, NULL, NULL}};
    MMPTE Template = MiMakeKernelTemplate(MiKernelReadWrite, MiCached);
    PFN_NUMBER First = 0;

    CHECK_EQUAL(STATUS_SUCCESS, MiCreateSystemPageTables(POOL_START, POOL_PAGES * PAGE_SIZE));
    CHECK_EQUAL(STATUS_SUCCESS,
                MiAllocateContiguousFrames(POOL_PAGES, 0, MiHighestFrame, 0, &First));
    CHECK_EQUAL(STATUS_SUCCESS,
                MiInsertSystemPages(MiGetPteAddress(POOL_START), POOL_PAGES, Template, First));
    MiInitializePoolPages(Ranges, FALSE);
    MiInitializePools(FALSE);
}

void SysvaStart(ULONG Frames, ULONG Ptes)
{
    Runs[0] = (LOADER_MEMORY_RUN){HOST_DIRECTORY_FRAME, 1, LoaderPageTables, 0};
    Runs[1] =
        (LOADER_MEMORY_RUN){HOST_FIRST_FREE_FRAME, Frames - HOST_FIRST_FREE_FRAME, LoaderFree, 0};
    PfnPowerOn(Frames, PFN_RUNS(Runs));
    PfnBuildDatabase();
    MiZeroFrameRoutine = MiZeroFrame;
    MiInitializePteMaking(TRUE, TRUE);
    MiFailSystemPteReservation = 0;
    MiFlushSystemPtesAtOnce = FALSE;
    MiLockedPages = 0;
    MiBringingPages = 0;
    MiForgetPagingFiles();
    MiInitializeSystemImages(TRUE);
    MiSetMakeResidentRoutine(NULL);
    CHECK_EQUAL(STATUS_SUCCESS, MiCreateHyperspace());
    CHECK_EQUAL(STATUS_SUCCESS, MiCreateSystemPtes(SYSVA_PTES_START, Ptes));
    MiInitializeKernelStacks();
    StartPool();
    Before = SysvaBalance();
}

void SysvaCheckBalance(void)
{
    SYSVA_BALANCE After;
    ULONG_PTR Stale;

    MiTrimKernelStacks();
    MiVerifyAll();
    After = SysvaBalance();
    CHECK_EQUAL(Before.Available, After.Available);
    CHECK_EQUAL(Before.Committed, After.Committed);
    CHECK_EQUAL(Before.ResidentAvailable, After.ResidentAvailable);
    CHECK_EQUAL(Before.FreePtes, After.FreePtes);
    CHECK_EQUAL(Before.LockedPages, After.LockedPages);
    CHECK_EQUAL(Before.PoolBytes, After.PoolBytes);
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    MiFlushSystemPtes();
    CHECK(!HostFindStaleTranslation(&Stale));
}

void SysvaFinish(void)
{
    SysvaCheckBalance();
    HostMachineDelete();
}

void SysvaForgetLocks(void)
{
    KeInitializeSpinLock(&MiPfnLock);
    KeInitializeSpinLock(&MiSystemPteLock);
    KeInitializeSpinLock(&MiKernelStackLock);
}

static void CheckParameter(ULONG_PTR Expected, ULONG_PTR Actual)
{
    if (Expected != SYSVA_ANY) {
        CHECK_EQUAL(Expected, Actual);
    }
}

void SysvaExpectBugCheck(ULONG Code, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3, ULONG_PTR P4,
                         KSTART *Act, PVOID Context)
{
    HOST_BUGCHECK BugCheck;

    CHECK(HostCatchBugCheck(Act, Context, &BugCheck));
    CHECK_EQUAL(Code, BugCheck.Code);
    CheckParameter(P1, BugCheck.Parameter[0]);
    CheckParameter(P2, BugCheck.Parameter[1]);
    CheckParameter(P3, BugCheck.Parameter[2]);
    CheckParameter(P4, BugCheck.Parameter[3]);
    SysvaForgetLocks();
}

PHYSICAL_ADDRESS SysvaPhysical(ULONG64 Address)
{
    PHYSICAL_ADDRESS Physical = {.QuadPart = (LONGLONG)Address};

    return Physical;
}

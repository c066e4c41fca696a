/* SPDX-License-Identifier: MIT */
/*
 * pfn_machine.c - what the tests of mm/pfn share.
 */
#include "tests/unit/pfn_machine.h"
#include "mm/cc/cache_map.h"

#include "nt/bugcodes.h"
#include "verify.h"

#include <stdlib.h>
#include <string.h>

ULONG PfnRestoredCount;
PFN_NUMBER PfnRestored[64];

static void *Database;
static LOADER_MEMORY_RUN OneRun;

/* Past all page tables: mm/sysva's MiZeroFrame has its own tests. */
static void ZeroFrame(PFN_NUMBER Frame)
{
    CHECK(KeGetCurrentIrql() < DISPATCH_LEVEL); /* the lock is free: the caller's IRQL */
    memset(HostFrame(Frame), 0, PAGE_SIZE);
}

/* MiPfnLock is held here: no lock analysis on a callback. */
static void Restore(PFN_NUMBER Frame)
{
    CHECK_EQUAL(DISPATCH_LEVEL, KeGetCurrentIrql());
    CHECK_EQUAL((ULONG_PTR)PfnPteOf(Frame), (ULONG_PTR)MI_PFN(Frame)->PteAddress);
    CHECK_EQUAL(Frame << PAGE_SHIFT | MM_PTE_BITS_PROTOTYPE, MI_PFN(Frame)->OriginalPte.Long);
    PfnRestored[PfnRestoredCount % RTL_NUMBER_OF(PfnRestored)] = Frame;
    PfnRestoredCount++;
}

void PfnPowerOn(ULONG Frames, const LOADER_MEMORY_RUN *Runs, ULONG Count)
{
    HostMachineCreate(Frames, TestSeed());
    CciCalls = NULL; /* a machine before had a cache */
    MiSetPageColors(0);
    MiFailFrameAllocation = 0;
    MiInitializeBootFrames(Runs, Count);
}

void PfnBuildDatabase(void)
{
    free(Database);
    Database = calloc(1, MiPfnDatabaseBytes());
    CHECK(Database != NULL);
    MiInitializePfnDatabase(Database);
    MiSetRestorePteRoutine(Restore);
    MiZeroFrameRoutine = ZeroFrame;
    PfnRestoredCount = 0;
    MiVerifyPageLists();
}

void PfnStart(ULONG Frames)
{
    OneRun = (LOADER_MEMORY_RUN){1, Frames - 1, LoaderFree, 0};
    PfnPowerOn(Frames, &OneRun, 1);
    PfnBuildDatabase();
}

void PfnFinish(void)
{
    MiVerifyAll();
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    HostMachineDelete();
}

MMLISTS PfnState(PFN_NUMBER Frame)
{
    return (MMLISTS)MI_PFN(Frame)->u3.e1.PageLocation;
}

PFN_NUMBER PfnTake(void)
{
    PFN_NUMBER Frame = MI_NO_FRAME;

    CHECK_EQUAL(STATUS_SUCCESS, MiAllocateFrame(MiFrameAny, 0, &Frame));
    return Frame;
}

PMMPTE PfnPteOf(PFN_NUMBER Frame)
{
    return MiGetPteAddress(Frame * PAGE_SIZE);
}

void PfnReference(PFN_NUMBER Frame)
{
    KIRQL OldIrql = MiLockPfn();
    NTSTATUS Status = MiReferenceFrame(Frame);

    MiUnlockPfn(OldIrql);
    CHECK_EQUAL(STATUS_SUCCESS, Status);
}

void PfnDereference(PFN_NUMBER Frame)
{
    KIRQL OldIrql = MiLockPfn();

    MiDereferenceFrame(Frame);
    MiUnlockPfn(OldIrql);
}

void PfnShare(PFN_NUMBER Frame)
{
    KIRQL OldIrql = MiLockPfn();
    NTSTATUS Status = MiIncrementShareCount(Frame);

    MiUnlockPfn(OldIrql);
    CHECK_EQUAL(STATUS_SUCCESS, Status);
}

void PfnUnshare(PFN_NUMBER Frame)
{
    KIRQL OldIrql = MiLockPfn();

    MiDecrementShareCount(Frame);
    MiUnlockPfn(OldIrql);
}

void PfnSetPte(PFN_NUMBER Frame, PFN_NUMBER PteFrame)
{
    KIRQL OldIrql = MiLockPfn();
    MMPTE Original = {.Long = Frame << PAGE_SHIFT | MM_PTE_BITS_PROTOTYPE}; /* a page of a file */

    MiSetFramePte(Frame, PfnPteOf(Frame), Original, PteFrame);
    MiUnlockPfn(OldIrql);
}

void PfnClearPte(PFN_NUMBER Frame)
{
    KIRQL OldIrql = MiLockPfn();

    MiClearFramePte(Frame);
    MiUnlockPfn(OldIrql);
}

void PfnSetModified(PFN_NUMBER Frame)
{
    KIRQL OldIrql = MiLockPfn();

    MiSetFrameModified(Frame, TRUE);
    MiUnlockPfn(OldIrql);
}

void PfnSetNoWrite(PFN_NUMBER Frame, BOOLEAN NoWrite)
{
    KIRQL OldIrql = MiLockPfn();

    MiSetNoWrite(Frame, NoWrite);
    MiUnlockPfn(OldIrql);
}

PFN_NUMBER PfnTakeStandby(ULONG Priority)
{
    PFN_NUMBER Frame = PfnTake();

    MI_PFN(Frame)->u4.Priority = Priority;
    PfnSetPte(Frame, MI_PTE_FRAME_NONE);
    PfnUnshare(Frame);
    CHECK_EQUAL(StandbyPageList, PfnState(Frame));
    return Frame;
}

void PfnExpectCorrupt(ULONG Parameter1, ULONG Parameter2, ULONG Parameter3, ULONG Parameter4,
                      KSTART *Act, PVOID Context)
{
    HOST_BUGCHECK BugCheck;

    CHECK(HostCatchBugCheck(Act, Context, &BugCheck));
    CHECK_EQUAL(PFN_LIST_CORRUPT, BugCheck.Code);
    CHECK_EQUAL(Parameter1, BugCheck.Parameter[0]);
    CHECK_EQUAL(Parameter2, BugCheck.Parameter[1]);
    CHECK_EQUAL(Parameter3, BugCheck.Parameter[2]);
    CHECK_EQUAL(Parameter4, BugCheck.Parameter[3]);
    KeInitializeSpinLock(&MiPfnLock);
}

/* SPDX-License-Identifier: MIT */
/*
 * pfn_database.c - from the loader's runs to entries, and what is added later.
 *
 *     loader type            entry
 *     Free                   free; Active when boot took it
 *     kept until released    Active, PteFrame = MI_PTE_FRAME_LOADER, LoaderType
 *     Bad                    bad
 *     anything else          not RAM, LoaderType
 *     no run                 not RAM, MI_ABSENT_FRAME
 *
 * Locking: MiPfnLock, though nobody else runs at boot.
 */
#include "mm/pfn/pfn_database.h"

#include "mm/pfn/boot_frames.h"
#include "mm/pfn/commit.h"
#include "mm/pfn/frame.h"
#include "mm/pfn/memory_events.h"
#include "mm/pfn/pfn_list.h"

ULONG MiPhysicalPages;
MI_ZERO_FRAME *MiZeroFrameRoutine;

typedef enum _MI_RUN_KIND {
    MiRunFree,
    MiRunKept, /* RAM that MiReleaseLoaderMemory may free */
    MiRunBad,
    MiRunNotRam
} MI_RUN_KIND;

static MI_RUN_KIND MipRunKind(ULONG Type)
{
    switch ((LOADER_MEMORY_TYPE)Type) {
    case LoaderFree:
        return MiRunFree;
    case LoaderFirmwareTemporary:
    case LoaderAcpiReclaim:
    case LoaderSystemCode:
    case LoaderBootData:
    case LoaderPageTables:
        return MiRunKept;
    case LoaderBad:
        return MiRunBad;
    case LoaderFirmwarePermanent:
    case LoaderAcpiNvs:
    case LoaderMappedIo:
    case LoaderUnusableHigh:
    case LoaderMaxMemory:
        break;
    }
    return MiRunNotRam;
}

BOOLEAN MiIsLoaderRam(ULONG Type)
{
    MI_RUN_KIND Kind = MipRunKind(Type);

    return Kind == MiRunFree || Kind == MiRunKept;
}

ULONG MiPfnDatabaseBytes(void)
{
    ULONG Index;

    MiHighestFrame = 0;
    for (Index = 0; Index < MiBootFrames.RunCount; Index++) {
        const LOADER_MEMORY_RUN *Run = &MiBootFrames.Runs[Index];
        MI_BOOT_RANGE Range;

        if (MipRunKind(Run->Type) != MiRunNotRam && MiClipLoaderRun(Run, &Range) &&
            Range.First + Range.Pages - 1 > MiHighestFrame) {
            MiHighestFrame = Range.First + Range.Pages - 1;
        }
    }
    return (MiHighestFrame + 1) * (ULONG)sizeof(MMPFN);
}

static void MipDescribeNotRam(PFN_NUMBER Frame, ULONG LoaderType)
{
    PMMPFN Pfn = MI_PFN(Frame);

    Pfn->u1.LoaderType = LoaderType;
    Pfn->u3.Long = (ULONG)ActiveAndValid << MI_PFN_LOCATION_SHIFT; /* L6: without a reference */
    Pfn->u4.EntireFrame = MI_PTE_FRAME_NOT_RAM;
}

static void MipDescribeFrame(PFN_NUMBER Frame, ULONG Type) NT_HOLDS(MiPfnLock)
{
    PMMPFN Pfn = MI_PFN(Frame);

    MI_ASSERT(Pfn->u1.LoaderType == MI_ABSENT_FRAME && !MiIsRamFrame(Frame)); /* disjoint */
    switch (MipRunKind(Type)) {
    case MiRunFree:
        MiInsertNewFrame(Frame, Frame == 0 || MiIsBootFrame(Frame) ? ActiveAndValid : FreePageList);
        break;
    case MiRunKept:
        MiInsertNewFrame(Frame, ActiveAndValid);
        if (Frame != 0) {
            Pfn->u1.LoaderType = Type;
            Pfn->u4.PteFrame = MI_PTE_FRAME_LOADER;
        }
        break;
    case MiRunBad:
        MiInsertNewFrame(Frame, BadPageList);
        break;
    case MiRunNotRam:
        Pfn->u1.LoaderType = Type;
        break;
    }
}

static void MipDescribeRun(const LOADER_MEMORY_RUN *Run) NT_HOLDS(MiPfnLock)
{
    MI_BOOT_RANGE Range;
    PFN_NUMBER Frame;

    if (!MiClipLoaderRun(Run, &Range)) {
        return;
    }
    for (Frame = Range.First; Frame < Range.First + Range.Pages && Frame <= MiHighestFrame;
         Frame++) {
        MipDescribeFrame(Frame, Run->Type);
    }
}

void MiInitializePfnDatabase(void *Database)
{
    PFN_NUMBER Frame;
    KIRQL OldIrql;
    ULONG Index;

    MI_ASSERT(MiBootFrames.Runs != NULL && MiHighestFrame != 0);
    KeInitializeSpinLock(&MiPfnLock);
    OldIrql = MiLockPfn();
    MiPfnDatabase = Database;
    MiZeroFrameRoutine = MiZeroFrame;
    MiPhysicalPages = 0;
    MiInitializePageLists();
    MiInitializeMemoryWatch();
    for (Frame = 0; Frame <= MiHighestFrame; Frame++) {
        MipDescribeNotRam(Frame, MI_ABSENT_FRAME);
    }
    for (Index = 0; Index < MiBootFrames.RunCount; Index++) {
        MipDescribeRun(&MiBootFrames.Runs[Index]);
    }
    MiBootFrames.Runs = NULL;
    MiInitializeCommit(MiAvailablePages);
    MiUnlockPfn(OldIrql);
    MiSetMemoryThresholds(0, 0);
}

/* New free pages are new promises that can be kept. */
static void MipAddBacking(ULONG Pages)
{
    MiRaiseCommitLimit(Pages);
    MiReturnResidentAvailable(Pages);
}

ULONG MiReleaseLoaderMemory(LOADER_MEMORY_TYPE Type)
{
    PFN_NUMBER Frame;
    ULONG Pages = 0;

    for (Frame = 1; Frame <= MiHighestFrame; Frame++) {
        const MMPFN *Pfn = MI_PFN(Frame);

        if (Pfn->u4.PteFrame == MI_PTE_FRAME_LOADER && Pfn->u1.LoaderType == (ULONG)Type) {
            MiFreeFrame(Frame);
            Pages++;
        }
    }
    MipAddBacking(Pages);
    return Pages;
}

void MiTakeLoaderFrame(PFN_NUMBER Frame)
{
    PMMPFN Pfn = MI_PFN(Frame);

    MI_ASSERT(Pfn->u4.PteFrame == MI_PTE_FRAME_LOADER && Pfn->u2.ShareCount == 1);
    MI_ASSERT(Pfn->PteAddress == NULL && Pfn->u3.e2.ReferenceCount == 1);
    Pfn->u4.EntireFrame = MI_PFN_NO_PTE;
    MipAddBacking(1);
}

/* => Returns whether all frames are holes of the loader's map. */
static BOOLEAN MipIsAbsent(PFN_NUMBER First, ULONG Pages)
{
    PFN_NUMBER Frame;

    for (Frame = First; Frame < First + Pages; Frame++) {
        if (MiIsRamFrame(Frame) || MI_PFN(Frame)->u1.LoaderType != MI_ABSENT_FRAME) {
            return FALSE;
        }
    }
    return TRUE;
}

NTSTATUS MiAddPhysicalMemory(PFN_NUMBER First, ULONG Pages)
{
    PFN_NUMBER Frame;
    BOOLEAN Absent;
    KIRQL OldIrql;

    if (Pages == 0 || Pages - 1 > MI_NO_FRAME - First) {
        return STATUS_INVALID_PARAMETER;
    }
    if (First + (Pages - 1) > MiHighestFrame) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    OldIrql = MiLockPfn();
    Absent = First != 0 && MipIsAbsent(First, Pages);
    for (Frame = First; Absent && Frame < First + Pages; Frame++) {
        MiInsertNewFrame(Frame, FreePageList);
    }
    MiUnlockPfn(OldIrql);
    if (!Absent) {
        return STATUS_CONFLICTING_ADDRESSES;
    }
    MipAddBacking(Pages);
    return STATUS_SUCCESS;
}

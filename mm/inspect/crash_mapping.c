/* SPDX-License-Identifier: MIT */
/*
 * crash_mapping.c - what goes wrong with frames, PTEs and MDLs.
 */
#include "mm/inspect/crash_memory.h"

#include "ex.h"
#include "mm.h"
#include "mm/pfn/frame.h"
#include "mm/pfn/pfn_list.h"
#include "mm/sysva/pte_make.h"
#include "mm/sysva/system_pages.h"
#include "mm/sysva/system_ptes.h"
#include "nt/bugcodes.h"

#define MIP_TAG 0x68737243u /* 'Crsh' */

static void MipFreeFrameTwice(void)
{
    PFN_NUMBER Frame;

    if (NT_SUCCESS(MiAllocateFrame(MiFrameAny, 0, &Frame))) {
        MiFreeFrame(Frame);
        MiExpectStop(PFN_LIST_CORRUPT, 0x99, Frame, FreePageList, 0);
        MiFreeFrame(Frame);
    }
}

static void MipFreeFrameThatIsNone(void)
{
    MiExpectStop(PFN_LIST_CORRUPT, 2, MiHighestFrame + 1, MiHighestFrame, MI_ANY_PARAMETER);
    MiFreeFrame(MiHighestFrame + 1);
}

static void MipWriteToReadOnlyPage(void)
{
    const MMPTE Template = MiMakeKernelTemplate(MiKernelReadOnly, MiCached);
    PMMPTE Pte = MiReserveSystemPtes(1);

    if (Pte != NULL && NT_SUCCESS(MiCreateSystemPages(Pte, 1, Template))) {
        const ULONG_PTR Va = MiGetVaMappedByPte(Pte);

        MiExpectStop(ATTEMPTED_WRITE_TO_READONLY_MEMORY, Va, MiReadPte(Pte).Long, 0, 0);
        *(volatile ULONG *)Va = 1;
    }
}

/* => An MDL for a page of pool; never freed: the machine is about to stop. */
static PMDL MipMakeMdl(void)
{
    PVOID Page = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, MIP_TAG);

    return IoAllocateMdl(Page, PAGE_SIZE, FALSE, FALSE, NULL);
}

static void MipMap(PMDL Mdl, ULONG BugCheckOnFailure)
{
    MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, BugCheckOnFailure,
                                 HighPagePriority);
}

static void MipMapUnlockedMdl(void)
{
    PMDL Mdl = MipMakeMdl();

    MiExpectStop(MEMORY_MANAGEMENT, 0x1233, (ULONG_PTR)Mdl, (USHORT)Mdl->MdlFlags, 0);
    MipMap(Mdl, FALSE);
}

static void MipMapMdlTwice(void)
{
    PMDL Mdl = MipMakeMdl();

    MmProbeAndLockPages(Mdl, KernelMode, IoWriteAccess);
    MipMap(Mdl, FALSE);
    MiExpectStop(MEMORY_MANAGEMENT, 0x61946, (ULONG_PTR)Mdl, (USHORT)Mdl->MdlFlags, 0);
    MipMap(Mdl, FALSE);
}

static void MipUnmapWhatIsNotMapped(void)
{
    PMDL Mdl = MipMakeMdl();

    MmProbeAndLockPages(Mdl, KernelMode, IoWriteAccess);
    MiExpectStop(SYSTEM_PTE_MISUSE, 6, (ULONG_PTR)Mdl, 0xF8000000, 0);
    MmUnmapLockedPages((PVOID)(ULONG_PTR)0xF8000000, Mdl);
}

static void MipUnlockWhatIsNotLocked(void)
{
    PMDL Mdl = MipMakeMdl();

    MiExpectStop(PROCESS_HAS_LOCKED_PAGES, 1, (ULONG_PTR)Mdl, 1, 0);
    MmUnlockPages(Mdl);
}

static void MipReleaseTwice(void)
{
    PMMPTE First = MiReserveSystemPtes(64); /* no size class: it goes back to the map at once */

    MiReleaseSystemPtes(First, 64);
    MiExpectStop(SYSTEM_PTE_MISUSE, 0x302, (ULONG_PTR)First, 64, (ULONG_PTR)First);
    MiReleaseSystemPtes(First, 64);
}

static void MipReleaseInPart(void)
{
    PMMPTE First = MiReserveSystemPtes(8);

    MiExpectStop(SYSTEM_PTE_MISUSE, 0x303, (ULONG_PTR)First, 5, 8);
    MiReleaseSystemPtes(First, 5);
}

static void MipMapWithoutPtes(void)
{
    PMDL Mdl = MipMakeMdl();
    MI_SYSTEM_PTE_COUNTERS Counters;

    MmProbeAndLockPages(Mdl, KernelMode, IoWriteAccess);
    while (MiReserveSystemPtes(256) != NULL) {
        continue;
    }
    while (MiReserveSystemPtes(1) != NULL) {
        continue;
    }
    MiQuerySystemPtes(&Counters);
    MiExpectStop(NO_MORE_SYSTEM_PTES, 0, 1, Counters.Free, Counters.Total);
    MipMap(Mdl, TRUE);
}

static void MipFreeContiguousTwice(void)
{
    const PHYSICAL_ADDRESS Limit = {.QuadPart = -1};
    PVOID Va = MmAllocateContiguousMemory(PAGE_SIZE, Limit);

    MmFreeContiguousMemory(Va);
    MiExpectStop(BAD_POOL_CALLER, 0x60, (ULONG_PTR)Va, 0, 0);
    MmFreeContiguousMemory(Va);
}

const MI_CRASH MiMappingCrashes[] = {
    {"frame-double-free", MipFreeFrameTwice},
    {"frame-bad", MipFreeFrameThatIsNone},
    {"frame-readonly", MipWriteToReadOnlyPage},
    {"mdl-unlocked", MipMapUnlockedMdl},
    {"mdl-twice", MipMapMdlTwice},
    {"mdl-unmap", MipUnmapWhatIsNotMapped},
    {"mdl-unlock", MipUnlockWhatIsNotLocked},
    {"pte-double-release", MipReleaseTwice},
    {"pte-partial", MipReleaseInPart},
    {"pte-none", MipMapWithoutPtes},
    {"contiguous-twice", MipFreeContiguousTwice},
    {NULL, NULL},
};

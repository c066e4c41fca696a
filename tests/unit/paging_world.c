/* SPDX-License-Identifier: MIT */
/*
 * paging_world.c - see paging_world.h.
 */
#include "tests/unit/paging_world.h"

#include "arch/mmu.h"
#include "mm/paging/modified_writer.h"
#include "mm/paging/slots.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/pool/pool_pages.h"
#include "mm/pool/system_image.h"
#include "mm/pool/trim_system.h"
#include "mm/space/page_table.h"
#include "mm/sysva/pte_kind.h"
#include "tests/unit/space_world.h"

#include <string.h>

static PEPROCESS Process;
static KAPC_STATE Home;

void PagingWorldStart(ULONG64 Seed)
{
    IoWorldStart(&IoWorldFat16, Seed);
    MiForgetPagingFiles();
}

NTSTATUS PagingWorldCreate(const char *Name, ULONG MinimumMb, ULONG MaximumMb)
{
    MI_PAGING_FILE_SETTING Setting = {.MinimumPages = MinimumMb * MI_PAGES_IN_MB,
                                      .MaximumPages = MaximumMb * MI_PAGES_IN_MB};

    strncpy(Setting.Name, Name, MI_PAGING_NAME_BYTES - 1);
    return MiCreatePagingFile(IoVolume, &Setting);
}

void PagingWorldStartWith(ULONG64 Seed, ULONG MinimumMb, ULONG MaximumMb)
{
    PagingWorldStart(Seed);
    CHECK_EQUAL(STATUS_SUCCESS, PagingWorldCreate("C:\\pagefile.sys", MinimumMb, MaximumMb));
}

static void TouchRun(ULONG_PTR Va, ULONG Pages)
{
    ULONG Page;

    for (Page = 0; Page < Pages; Page++) {
        ULONG_PTR At = Va + Page * PAGE_SIZE;
        MMPTE Pte = {.Long = 0};

        if (MiReadPte(MiGetPdeAddress(At)).Hard.Valid) {
            Pte = MiReadPte(MiGetPteAddress(At));
        }
        if (MiPteKind(Pte) == MiPteTransition || MiPteKind(Pte) == MiPtePagefile) {
            (void)*(volatile UCHAR *)At;
        }
    }
}

void PagingWorldEmptyFiles(void)
{
    MI_IMAGE_FIGURES Code;

    MiSetForcedTrims(FALSE);
    MiQuerySystemImages(&Code);
    TouchRun(MM_WORLD_CODE, Code.PagedPages);
    TouchRun(MiPoolRegion(MiPaged)->Base, MiPoolRegion(MiPaged)->Pages);
    (void)MiReclaimSlots(MiHighestFrame);
}

void PagingWorldFinish(void)
{
    PagingWorldEmptyFiles();
    MiClosePagingFiles();
    IoWorldFinish();
}

void PagingWorldEnter(void)
{
    CHECK_EQUAL(STATUS_SUCCESS, PsCreateProcess("paging", &Process));
    KeStackAttachProcess(&Process->Pcb, &Home);
}

void PagingWorldLeave(void)
{
    MiVerifyAll();
    KeUnstackDetachProcess(&Home);
    PsTerminateProcess(Process);
    PsDereferenceProcess(Process);
}

ULONG_PTR PagingWorldPages(ULONG Pages, ULONG First)
{
    ULONG_PTR Va = SpaceAllocate(0, Pages * PAGE_SIZE, MEM_COMMIT, PAGE_READWRITE);
    ULONG Page;
    ULONG Word;

    for (Page = 0; Page < Pages; Page++) {
        for (Word = 0; Word < PAGE_SIZE; Word += 256) {
            SpaceWrite(Va + Page * PAGE_SIZE + Word, First + Page);
        }
    }
    return Va;
}

void PagingWorldTrim(ULONG_PTR Va, ULONG Pages)
{
    SpaceProtect(Va, Pages * PAGE_SIZE, PAGE_NOACCESS);
    SpaceProtect(Va, Pages * PAGE_SIZE, PAGE_READWRITE);
}

PFN_NUMBER PagingWorldFrame(ULONG_PTR Va)
{
    MMPTE Pte = MiReadPte(MiGetPteAddress(Va));

    CHECK_EQUAL(MiPteTransition, MiPteKind(Pte));
    return Pte.Hard.PageFrameNumber;
}

BOOLEAN PagingWorldIsStored(ULONG_PTR Va)
{
    PFN_NUMBER Frame = PagingWorldFrame(Va);
    MMPTE Original = MI_PFN(Frame)->OriginalPte;
    const MMPAGING_FILE *File = MmPagingFile[MiPteFile(Original)];

    if (MI_PFN(Frame)->u3.e1.PageLocation != StandbyPageList || !MiPteHasSlot(Original) ||
        MiSlotChecksum(MiPteFile(Original), MiPteSlot(Original)) != MiPageChecksum(Frame)) {
        return FALSE;
    }
    CHECK_EQUAL(1, File->Runs);
    return memcmp(HostFrame(Frame),
                  IoDisk.Image + File->FirstSector * IoDisk.Device.SectorBytes +
                      (SIZE_T)MiPteSlot(Original) * PAGE_SIZE,
                  PAGE_SIZE) == 0;
}

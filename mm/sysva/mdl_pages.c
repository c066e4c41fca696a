/* SPDX-License-Identifier: MIT */
/*
 * mdl_pages.c - pages without an address: MmAllocatePagesForMdl.
 *
 * Such an MDL is known by PAGES_LOCKED with StartVa NULL.  Its frames are charged to commitment and
 * resident available; they are Active without a PTE.
 *
 * Locking: the MDL is its owner's.
 */
#include "mm/pfn/frame.h"
#include "mm/sysva/mdl.h"
#include "mm/sysva/system_pages.h"
#include "mm/sysva/system_ptes.h"

#define MIP_4GB (1ull << 32)

ULONG MiAllocatedMdlPages;

typedef struct _MIP_SEARCH {
    ULONG64 Low; /* bytes, inclusive */
    ULONG64 High;
    ULONG64 Skip;
} MIP_SEARCH;

/* => Returns how many of Pages were found in one range. */
static ULONG MipTakeRange(const MIP_SEARCH *Range, ULONG Pages, PPFN_NUMBER Frames)
{
    ULONG64 First = (Range->Low + (PAGE_SIZE - 1)) >> PAGE_SHIFT;
    ULONG64 Last = Range->High < MIP_4GB ? Range->High : MIP_4GB - 1;
    ULONG64 End = (Last + 1) >> PAGE_SHIFT; /* whole pages */
    ULONG Taken = 0;

    if (First >= End ||
        !NT_SUCCESS(MiAllocateFramesInRange(MiFrameZeroed, (PFN_NUMBER)First, (PFN_NUMBER)End - 1,
                                            Pages, Frames, &Taken))) {
        return 0;
    }
    return Taken;
}

static ULONG MipTakeFrames(MIP_SEARCH Search, ULONG Pages, PPFN_NUMBER Frames)
{
    ULONG Taken = MipTakeRange(&Search, Pages, Frames);

    while (Taken < Pages && Search.Skip != 0 && Search.Low + Search.Skip < MIP_4GB &&
           Search.Skip < MIP_4GB) {
        Search.Low += Search.Skip;
        Search.High += Search.Skip;
        Taken += MipTakeRange(&Search, Pages - Taken, Frames + Taken);
    }
    return Taken;
}

PMDL NTAPI MmAllocatePagesForMdl(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress,
                                 PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes)
{
    MIP_SEARCH Search = {(ULONG64)LowAddress.QuadPart, (ULONG64)HighAddress.QuadPart,
                         (ULONG64)SkipBytes.QuadPart};
    ULONG Pages = (ULONG)BYTES_TO_PAGES(TotalBytes);
    ULONG Taken;
    PMDL Mdl;

    if (Pages == 0 || Search.Low >= MIP_4GB || Search.High < Search.Low ||
        Pages > MI_MAXIMUM_MDL_PAGES || !NT_SUCCESS(MiChargeSystemPages(Pages))) {
        return NULL;
    }
    Mdl = IoAllocateMdl(NULL, Pages * PAGE_SIZE, FALSE, FALSE, NULL);
    if (Mdl == NULL) {
        goto ReturnCharge;
    }
    Taken = MipTakeFrames(Search, Pages, MmGetMdlPfnArray(Mdl));
    if (Taken == 0) {
        goto FreeMdl;
    }
    MiReturnSystemPages(Pages - Taken);
    Mdl->ByteCount = Taken < Pages ? Taken * PAGE_SIZE : (ULONG)TotalBytes;
    Mdl->Process = NULL;
    Mdl->MdlFlags |= MDL_PAGES_LOCKED;
    __atomic_add_fetch(&MiAllocatedMdlPages, Taken, __ATOMIC_RELAXED);
    return Mdl;

FreeMdl:
    IoFreeMdl(Mdl);
ReturnCharge:
    MiReturnSystemPages(Pages);
    return NULL;
}

void NTAPI MmFreePagesFromMdl(PMDL Mdl)
{
    const PFN_NUMBER *Frames = MmGetMdlPfnArray(Mdl);
    ULONG Pages = MiMdlPages(Mdl);
    ULONG i;

    if ((Mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL)) !=
            MDL_PAGES_LOCKED ||
        Mdl->StartVa != NULL) {
        MiFlawedMdl(Mdl);
    }
    MiFlushSystemPtes();
    for (i = 0; i < Pages; i++) {
        MI_PFN(Frames[i])->u3.e1.CacheAttribute = MiCacheUnknown;
        MiFreeFrame(Frames[i]);
    }
    Mdl->MdlFlags &= ~MDL_PAGES_LOCKED;
    __atomic_sub_fetch(&MiAllocatedMdlPages, Pages, __ATOMIC_RELAXED);
    MiReturnSystemPages(Pages);
}

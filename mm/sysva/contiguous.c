/* SPDX-License-Identifier: MIT */
/*
 * contiguous.c - nonpaged memory that devices can use as it is: contiguous, or not cached.
 *
 * A block is a run of system PTEs over pages of its own; the run remembers how long it is.
 *
 * Locking: none of its own.
 */
#include "mi_assert.h"
#include "mm.h"
#include "mm/pfn/frame.h"
#include "mm/sysva/mdl.h"
#include "mm/sysva/system_pages.h"
#include "mm/sysva/system_ptes.h"
#include "nt/bugcodes.h"

#define MIP_FREE_CONTIGUOUS 0x60u /* 0xC2 subcode, documented */
#define MIP_4GB             (1ull << 32)

/* => Returns the frame that holds the last byte at or below Address, below 4 GB. */
static PFN_NUMBER MipLastFrame(PHYSICAL_ADDRESS Address)
{
    ULONG64 Last = (ULONG64)Address.QuadPart;

    return (PFN_NUMBER)((Last < MIP_4GB ? Last : MIP_4GB - 1) >> PAGE_SHIFT);
}

static PVOID MipMapContiguous(PFN_NUMBER Frame, ULONG Pages, MI_CACHE_ATTRIBUTE Attribute)
{
    PMMPTE First = MiReserveSystemPtes(Pages);
    NTSTATUS Status;

    if (First == NULL) {
        return NULL;
    }
    Status = MiInsertSystemPages(First, Pages, MiMakeKernelTemplate(MiKernelReadWrite, Attribute),
                                 Frame);
    if (!NT_SUCCESS(Status)) {
        MiReleaseSystemPtes(First, Pages);
        return NULL;
    }
    return (PVOID)MiGetVaMappedByPte(First);
}

PVOID NTAPI MmAllocateContiguousMemorySpecifyCache(SIZE_T NumberOfBytes,
                                                   PHYSICAL_ADDRESS LowestAcceptableAddress,
                                                   PHYSICAL_ADDRESS HighestAcceptableAddress,
                                                   PHYSICAL_ADDRESS BoundaryAddressMultiple,
                                                   MEMORY_CACHING_TYPE CacheType)
{
    ULONG64 Boundary = (ULONG64)BoundaryAddressMultiple.QuadPart;
    ULONG64 Lowest = (ULONG64)LowestAcceptableAddress.QuadPart + (PAGE_SIZE - 1);
    MI_CACHE_ATTRIBUTE Attribute = MiCacheAttributeOf(CacheType);
    ULONG Pages = (ULONG)BYTES_TO_PAGES(NumberOfBytes);
    PFN_NUMBER Frame;
    PVOID Va;

    if (Pages == 0 || Attribute == MiCacheUnknown || Lowest >= MIP_4GB ||
        Boundary % PAGE_SIZE != 0 ||
        !NT_SUCCESS(MiAllocateContiguousFrames(
            Pages, (PFN_NUMBER)(Lowest >> PAGE_SHIFT), MipLastFrame(HighestAcceptableAddress),
            Boundary < MIP_4GB ? (ULONG)(Boundary >> PAGE_SHIFT) : 0, &Frame))) {
        return NULL;
    }
    Va = MipMapContiguous(Frame, Pages, Attribute);
    if (Va == NULL) {
        MiFreeContiguousFrames(Frame, Pages);
    }
    return Va;
}

PVOID NTAPI MmAllocateContiguousMemory(SIZE_T NumberOfBytes,
                                       PHYSICAL_ADDRESS HighestAcceptableAddress)
{
    PHYSICAL_ADDRESS Zero = {.QuadPart = 0};

    return MmAllocateContiguousMemorySpecifyCache(NumberOfBytes, Zero, HighestAcceptableAddress,
                                                  Zero, MmCached);
}

/* => Returns the pages of the block at Va; 0: it is none. */
static ULONG MipBlockPages(PVOID Va)
{
    PMMPTE First = MiGetPteAddress((ULONG_PTR)Va);
    ULONG Pages = BYTE_OFFSET(Va) == 0 ? MiSystemPteRunLength(First) : 0;
    MMPTE Pte;

    if (Pages == 0) {
        return 0;
    }
    Pte = MiReadPte(First); /* a stack begins with a guard, a mapping has frames of others */
    if (!Pte.Hard.Valid || !MiIsRamFrame(Pte.Hard.PageFrameNumber) ||
        MI_PFN(Pte.Hard.PageFrameNumber)->PteAddress != First) {
        return 0;
    }
    return Pages;
}

static void MipFreeBlock(PVOID Va, ULONG Pages)
{
    PMMPTE First = MiGetPteAddress((ULONG_PTR)Va);

    MiDeleteSystemPages(First, Pages);
    MiReleaseSystemPtes(First, Pages);
}

void NTAPI MmFreeContiguousMemory(PVOID BaseAddress)
{
    ULONG Pages = MipBlockPages(BaseAddress);

    if (Pages == 0) {
        KeBugCheckEx(BAD_POOL_CALLER, MIP_FREE_CONTIGUOUS, (ULONG_PTR)BaseAddress, 0, 0);
    }
    MipFreeBlock(BaseAddress, Pages);
}

void NTAPI MmFreeContiguousMemorySpecifyCache(PVOID BaseAddress, SIZE_T NumberOfBytes,
                                              MEMORY_CACHING_TYPE CacheType)
{
    ULONG Pages = MipBlockPages(BaseAddress);

    (void)CacheType;
    if (Pages == 0 || Pages != BYTES_TO_PAGES(NumberOfBytes)) {
        KeBugCheckEx(BAD_POOL_CALLER, MIP_FREE_CONTIGUOUS, (ULONG_PTR)BaseAddress, NumberOfBytes,
                     Pages);
    }
    MipFreeBlock(BaseAddress, Pages);
}

PVOID NTAPI MmAllocateNonCachedMemory(SIZE_T NumberOfBytes)
{
    ULONG Pages = (ULONG)BYTES_TO_PAGES(NumberOfBytes);
    PMMPTE First = Pages != 0 ? MiReserveSystemPtes(Pages) : NULL;
    NTSTATUS Status;

    if (First == NULL) {
        return NULL;
    }
    Status =
        MiCreateSystemPages(First, Pages, MiMakeKernelTemplate(MiKernelReadWrite, MiNonCached));
    if (!NT_SUCCESS(Status)) {
        MiReleaseSystemPtes(First, Pages);
        return NULL;
    }
    return (PVOID)MiGetVaMappedByPte(First);
}

void NTAPI MmFreeNonCachedMemory(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
    MmFreeContiguousMemorySpecifyCache(BaseAddress, NumberOfBytes, MmNonCached);
}

/* SPDX-License-Identifier: MIT */
/*
 * memory.c - pages from the firmware.
 *
 * Every allocation is remembered: it is given back when the start fails, and is claimed by its type
 * in the memory runs when it succeeds.
 */
#include "efi/firmware.h"

PVOID BlAllocatePages(ULONG Pages, ULONG Type, BOOLEAN Code)
{
    EFI_PHYSICAL_ADDRESS Base = BL_HIGHEST_ADDRESS;
    BL_ALLOCATION *Slot = &BlContext.Allocations[BlContext.AllocationCount];
    EFI_STATUS Status;

    if (BlContext.AllocationCount == BL_MAX_ALLOCATIONS) {
        BlFail("the loader made more than %d allocations", BL_MAX_ALLOCATIONS);
        return NULL;
    }
    Status = BlContext.Boot->AllocatePages(AllocateMaxAddress, Code ? EfiLoaderCode : EfiLoaderData,
                                           Pages, &Base);
    if (EFI_ERROR(Status)) {
        BlFail("too little memory: the firmware has no %u KB below 2 GB (status %llx)", Pages * 4,
               (unsigned long long)Status);
        return NULL;
    }
    Slot->Base = Base;
    Slot->Pages = Pages;
    Slot->Type = Type;
    BlContext.AllocationCount++;
    return memset((PVOID)(UINTN)Base, 0, (SIZE_T)Pages * PAGE_SIZE);
}

void BlReleasePages(void)
{
    ULONG i;

    for (i = 0; i < BlContext.AllocationCount; i++) {
        BlContext.Boot->FreePages(BlContext.Allocations[i].Base, BlContext.Allocations[i].Pages);
    }
    BlContext.AllocationCount = 0;
}

void BlReleaseLastPages(void)
{
    const BL_ALLOCATION *Last = &BlContext.Allocations[--BlContext.AllocationCount];

    BlContext.Boot->FreePages(Last->Base, Last->Pages);
}

BOOLEAN BlHaveKilobytes(ULONG Kilobytes)
{
    const UINTN Pages = BYTES_TO_PAGES((UINTN)Kilobytes * 1024);
    EFI_PHYSICAL_ADDRESS Base = BL_HIGHEST_ADDRESS;

    if (EFI_ERROR(BlContext.Boot->AllocatePages(AllocateMaxAddress, EfiLoaderData, Pages, &Base))) {
        return FALSE;
    }
    BlContext.Boot->FreePages(Base, Pages);
    return TRUE;
}

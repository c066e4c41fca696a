/* SPDX-License-Identifier: MIT */
/*
 * address.c - what an address of the running address space is mapped to.
 *
 * Locking: none; the answer is as old as the caller's hold on the mapping.
 */
#include "mm/sysva/address.h"

MMPTE MiReadLargeMapping(ULONG_PTR Va, MMPTE Pde)
{
    MMPTE Pte = Pde;

    Pte.Hard.LargePage = 0;
    Pte.Hard.PageFrameNumber =
        (Pde.Large.FrameLow << (PDI_SHIFT - PTI_SHIFT)) | ((ULONG)(Va >> PTI_SHIFT) % PTE_PER_PAGE);
    return Pte;
}

BOOLEAN NTAPI MmIsAddressValid(PVOID VirtualAddress)
{
    return MiReadMapping((ULONG_PTR)VirtualAddress).Hard.Valid;
}

/* A large page may lie above 4 GB (PSE-36): FrameHigh is not part of a PFN_NUMBER. */
PHYSICAL_ADDRESS NTAPI MmGetPhysicalAddress(PVOID VirtualAddress)
{
    ULONG_PTR Va = (ULONG_PTR)VirtualAddress;
    MMPTE Mapping = MiReadMapping(Va);
    PHYSICAL_ADDRESS Physical = {.QuadPart = 0};

    if (Mapping.Hard.Valid) {
        Physical.QuadPart =
            ((LONGLONG)Mapping.Hard.PageFrameNumber << PAGE_SHIFT) + BYTE_OFFSET(VirtualAddress);
        if (MiReadPte(MiGetPdeAddress(Va)).Hard.LargePage) {
            Physical.HighPart = (LONG)MiReadPte(MiGetPdeAddress(Va)).Large.FrameHigh;
        }
    }
    return Physical;
}

/* SPDX-License-Identifier: MIT */
/*
 * io_space.c - device registers under system PTEs.
 *
 * Locking: none of its own.
 */
#include "mm/sysva/mdl.h"
#include "mm/sysva/system_ptes.h"
#include "nt/bugcodes.h"

#define MIP_UNMAP_IO_SPACE 0x400u /* 0xDA subcode */
#define MIP_4GB            (1ull << 32)

/* RAM may be mapped only while somebody has it. */
static void MipCheckFrame(PFN_NUMBER Frame)
{
    if (MiIsRamFrame(Frame) && MI_PFN(Frame)->u3.e2.ReferenceCount == 0) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MI_MAPPING_UNLOCKED_PAGES, Frame, 0, 0);
    }
}

PVOID NTAPI MmMapIoSpace(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes,
                         MEMORY_CACHING_TYPE CacheType)
{
    ULONG64 Start = (ULONG64)PhysicalAddress.QuadPart;
    ULONG Offset = BYTE_OFFSET(PhysicalAddress.LowPart);
    ULONG Pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(Offset, (ULONG64)NumberOfBytes);
    PFN_NUMBER Frame = PhysicalAddress.LowPart >> PAGE_SHIFT;
    PMMPTE First;
    ULONG i;

    if (NumberOfBytes == 0 || Start >= MIP_4GB || NumberOfBytes > MIP_4GB - Start ||
        MiCacheAttributeOf(CacheType) == MiCacheUnknown) {
        return NULL;
    }
    for (i = 0; i < Pages; i++) {
        MipCheckFrame(Frame + i);
    }
    First = MiReserveSystemPtes(Pages);
    if (First == NULL) {
        return NULL;
    }
    for (i = 0; i < Pages; i++) {
        PFN_NUMBER Number = Frame + i;

        MiMapMdlFrames(First + i, &Number, 1, CacheType);
    }
    return (PUCHAR)MiGetVaMappedByPte(First) + Offset;
}

void NTAPI MmUnmapIoSpace(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
    PMMPTE First = MiGetPteAddress((ULONG_PTR)BaseAddress);
    ULONG Pages = ADDRESS_AND_SIZE_TO_SPAN_PAGES(BaseAddress, (ULONG64)NumberOfBytes);

    if (Pages == 0 || MiSystemPteRunLength(First) != Pages || !MiReadPte(First).Hard.Valid) {
        KeBugCheckEx(SYSTEM_PTE_MISUSE, MIP_UNMAP_IO_SPACE, (ULONG_PTR)BaseAddress, NumberOfBytes,
                     0);
    }
    MiReleaseSystemPtes(First, Pages);
}

/* SPDX-License-Identifier: MIT */
/*
 * reserved_mapping.c - addresses reserved in advance, so that mapping cannot fail.
 *
 * A reservation is a run of system PTEs whose first two hold the number of the others and the
 * driver's tag; the address that the driver gets is the third's.  Neither is valid as a PTE: the
 * tag's bit 0 is kept beside the number.
 *
 * The pages are mapped and unmapped many times at the same address, so each unmap flushes it.
 *
 * Locking: the MDL and the reservation are their owners'.
 */
#include "mm/sysva/mdl.h"
#include "mm/sysva/system_ptes.h"
#include "nt/bugcodes.h"

#define MIP_HEADER 2u /* PTEs in front of those that map */

/* 0xDA subcodes of these calls. */
#define MIP_ALLOCATE_NOTHING 0x100u
#define MIP_FREE_FOREIGN     0x101u
#define MIP_FREE_TAG         0x102u
#define MIP_FREE_MAPPED      0x103u
#define MIP_MAP_FOREIGN      0x104u
#define MIP_MAP_TAG          0x105u
#define MIP_MAP_MAPPED       0x106u
#define MIP_UNMAP_FOREIGN    0x107u
#define MIP_UNMAP_TAG        0x108u
#define MIP_UNMAP_NOT_MAPPED 0x109u

typedef union _MMPTE_RESERVATION {
    struct {
        ULONG Valid : 1;  /* 0 */
        ULONG TagLow : 1; /* bit 0 of the tag */
        ULONG Spare : 10;
        ULONG Count : 20; /* PTEs behind the header */
    } Number;
    struct {
        ULONG Valid : 1; /* 0 */
        ULONG TagHigh : 31;
    } Tag;
    MMPTE Pte;
} MMPTE_RESERVATION;

NT_C_ASSERT(sizeof(MMPTE_RESERVATION) == sizeof(MMPTE));

typedef struct _MIP_RESERVATION {
    PMMPTE Header;
    ULONG Count;
    ULONG Tag;
} MIP_RESERVATION;

PVOID NTAPI MmAllocateMappingAddress(SIZE_T NumberOfBytes, ULONG PoolTag)
{
    ULONG Pages = (ULONG)BYTES_TO_PAGES(NumberOfBytes);
    MMPTE_RESERVATION Number = {.Pte = {.Long = 0}};
    MMPTE_RESERVATION Tag = {.Pte = {.Long = 0}};
    PMMPTE Header;

    if (NumberOfBytes == 0 || PoolTag == 0) {
        KeBugCheckEx(SYSTEM_PTE_MISUSE, MIP_ALLOCATE_NOTHING, 0, NumberOfBytes, PoolTag);
    }
    Header = MiReserveSystemPtes(Pages + MIP_HEADER);
    if (Header == NULL) {
        return NULL;
    }
    Number.Number.Count = Pages;
    Number.Number.TagLow = PoolTag & 1;
    Tag.Tag.TagHigh = PoolTag >> 1;
    MiWritePte(Header, Number.Pte);
    MiWritePte(Header + 1, Tag.Pte);
    return (PVOID)MiGetVaMappedByPte(Header + MIP_HEADER);
}

/* => Stops the machine with Foreign or WrongTag when Va is no such reservation. */
static MIP_RESERVATION MipFindReservation(PVOID Va, ULONG PoolTag, ULONG Foreign, ULONG WrongTag)
{
    PMMPTE Header = MiGetPteAddress((ULONG_PTR)Va) - MIP_HEADER;
    MIP_RESERVATION Reservation = {.Header = Header};
    ULONG Length = BYTE_OFFSET(Va) == 0 ? MiSystemPteRunLength(Header) : 0;
    MMPTE_RESERVATION Number;
    MMPTE_RESERVATION Tag;

    if (Length <= MIP_HEADER) {
        KeBugCheckEx(SYSTEM_PTE_MISUSE, Foreign, (ULONG_PTR)Va, PoolTag, 0);
    }
    Number.Pte = MiReadPte(Header);
    Tag.Pte = MiReadPte(Header + 1);
    if (Number.Number.Valid || Tag.Tag.Valid || Number.Number.Count != Length - MIP_HEADER) {
        KeBugCheckEx(SYSTEM_PTE_MISUSE, Foreign, (ULONG_PTR)Va, PoolTag, 0);
    }
    Reservation.Count = Number.Number.Count;
    Reservation.Tag = (ULONG)Tag.Tag.TagHigh << 1 | Number.Number.TagLow;
    if (Reservation.Tag != PoolTag) {
        KeBugCheckEx(SYSTEM_PTE_MISUSE, WrongTag, (ULONG_PTR)Va, PoolTag, Reservation.Tag);
    }
    return Reservation;
}

/* Nothing is mapped there, else bug check Code. */
static void MipCheckEmpty(const MIP_RESERVATION *Reservation, PVOID Va, ULONG Code)
{
    PMMPTE First = Reservation->Header + MIP_HEADER;
    ULONG i;

    for (i = 0; i < Reservation->Count; i++) {
        if (MiReadPte(First + i).Long != 0) {
            KeBugCheckEx(SYSTEM_PTE_MISUSE, Code, (ULONG_PTR)Va, MiGetVaMappedByPte(First + i), 0);
        }
    }
}

void NTAPI MmFreeMappingAddress(PVOID BaseAddress, ULONG PoolTag)
{
    MIP_RESERVATION Reservation =
        MipFindReservation(BaseAddress, PoolTag, MIP_FREE_FOREIGN, MIP_FREE_TAG);

    MipCheckEmpty(&Reservation, BaseAddress, MIP_FREE_MAPPED);
    MiReleaseSystemPtes(Reservation.Header, Reservation.Count + MIP_HEADER);
}

PVOID NTAPI MmMapLockedPagesWithReservedMapping(PVOID MappingAddress, ULONG PoolTag, PMDL Mdl,
                                                MEMORY_CACHING_TYPE CacheType)
{
    MIP_RESERVATION Reservation =
        MipFindReservation(MappingAddress, PoolTag, MIP_MAP_FOREIGN, MIP_MAP_TAG);
    ULONG Pages = MiMdlPages(Mdl);

    MiCheckMappableMdl(Mdl);
    MipCheckEmpty(&Reservation, MappingAddress, MIP_MAP_MAPPED);
    if (Pages > Reservation.Count || MiCacheAttributeOf(CacheType) == MiCacheUnknown) {
        return NULL;
    }
    MiMapMdlFrames(Reservation.Header + MIP_HEADER, MmGetMdlPfnArray(Mdl), Pages, CacheType);
    return MiNoteMdlMapping(Mdl, Reservation.Header + MIP_HEADER);
}

void NTAPI MmUnmapReservedMapping(PVOID BaseAddress, ULONG PoolTag, PMDL Mdl)
{
    PVOID Start = PAGE_ALIGN(BaseAddress);
    MIP_RESERVATION Reservation =
        MipFindReservation(Start, PoolTag, MIP_UNMAP_FOREIGN, MIP_UNMAP_TAG);
    PMMPTE First = Reservation.Header + MIP_HEADER;
    ULONG Pages = MiMdlPages(Mdl);
    ULONG i;

    if (!(Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) || PAGE_ALIGN(Mdl->MappedSystemVa) != Start ||
        Pages > Reservation.Count) {
        KeBugCheckEx(SYSTEM_PTE_MISUSE, MIP_UNMAP_NOT_MAPPED, (ULONG_PTR)BaseAddress,
                     (ULONG_PTR)Mdl, 0);
    }
    for (i = 0; i < Pages; i++) {
        MiWritePte(First + i, MiMakeZeroPte());
        KeFlushSingleTb(MiGetVaMappedByPte(First + i));
    }
    MiForgetMdlMapping(Mdl);
}

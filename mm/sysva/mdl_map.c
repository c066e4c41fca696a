/* SPDX-License-Identifier: MIT */
/*
 * mdl_map.c - mapping what an MDL describes into system space.
 *
 * Invariant: MDL_MAPPED_TO_SYSTEM_VA without MDL_PARENT_MAPPED_SYSTEM_VA means that MappedSystemVa
 * is in a mapping of the MDL's own, as many pages long as it describes.
 *
 * Locking: the MDL and the reservation are their owners'.
 */
#include "mm/sysva/mdl.h"

#include "mm/sysva/address.h"
#include "mm/sysva/system_ptes.h"
#include "nt/bugcodes.h"

/* 0xDA subcodes of MmUnmapLockedPages, documented. */
#define MIP_FRAME_CHANGED 4u
#define MIP_VA_CHANGED    5u
#define MIP_NOT_MAPPED    6u

/* ---- what all mappings share ---- */

MI_CACHE_ATTRIBUTE MiCacheAttributeOf(MEMORY_CACHING_TYPE CacheType)
{
    if (CacheType == MmCached) {
        return MiCached;
    }
    if (CacheType == MmNonCached) {
        return MiNonCached;
    }
    return CacheType == MmWriteCombined ? MiWriteCombined : MiCacheUnknown;
}

/* RAM that has an attribute keeps it; RAM that a PTE maps without saying so is cached. */
MI_CACHE_ATTRIBUTE MiResolveCacheType(PFN_NUMBER Frame, MEMORY_CACHING_TYPE CacheType)
{
    MI_CACHE_ATTRIBUTE Wanted = MiCacheAttributeOf(CacheType);
    PMMPFN Pfn;

    if (Wanted == MiCacheUnknown || !MiIsRamFrame(Frame)) {
        return Wanted;
    }
    Pfn = MI_PFN(Frame);
    if (Pfn->u3.e1.CacheAttribute != MiCacheUnknown) {
        return (MI_CACHE_ATTRIBUTE)Pfn->u3.e1.CacheAttribute;
    }
    return Pfn->PteAddress != NULL || Pfn->u4.PteFrame != MI_PTE_FRAME_NONE ? MiCached : Wanted;
}

/* Frames that nobody had mapped get the attribute of their first mapping. */
static void MipNoteAttribute(PFN_NUMBER Frame, MI_CACHE_ATTRIBUTE Attribute)
{
    if (MiIsRamFrame(Frame) && MI_PFN(Frame)->u3.e1.CacheAttribute == MiCacheUnknown) {
        KIRQL OldIrql = MiLockPfn();

        MI_PFN(Frame)->u3.e1.CacheAttribute = (USHORT)Attribute & 3u;
        MiUnlockPfn(OldIrql);
    }
}

void MiMapMdlFrames(PMMPTE First, const PFN_NUMBER *Frames, ULONG Count,
                    MEMORY_CACHING_TYPE CacheType)
{
    ULONG i;

    for (i = 0; i < Count; i++) {
        MI_CACHE_ATTRIBUTE Attribute = MiResolveCacheType(Frames[i], CacheType);

        MipNoteAttribute(Frames[i], Attribute);
        MiWritePte(First + i, MiMakeValidKernelPte(
                                  MiMakeKernelTemplate(MiKernelReadWrite, Attribute), Frames[i]));
    }
}

void MiCheckMappableMdl(const MDL *Mdl)
{
    if (!(Mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL))) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MI_MAPPING_UNLOCKED_PAGES, (ULONG_PTR)Mdl,
                     (USHORT)Mdl->MdlFlags, 0);
    }
    if (Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) {
        MiFlawedMdl(Mdl);
    }
}

PVOID MiNoteMdlMapping(PMDL Mdl, PMMPTE First)
{
    Mdl->MappedSystemVa = (PUCHAR)MiGetVaMappedByPte(First) + Mdl->ByteOffset;
    Mdl->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
    if (Mdl->MdlFlags & MDL_PARTIAL) {
        Mdl->MdlFlags |= MDL_PARTIAL_HAS_BEEN_MAPPED;
    }
    return Mdl->MappedSystemVa;
}

void MiForgetMdlMapping(PMDL Mdl)
{
    Mdl->MdlFlags &= ~(MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED);
    if (Mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL) {
        Mdl->MappedSystemVa = MmGetMdlVirtualAddress(Mdl);
    }
}

/* ---- fresh system PTEs ---- */

static PVOID MipMap(PMDL Mdl, MEMORY_CACHING_TYPE CacheType, ULONG Priority)
{
    ULONG Pages = MiMdlPages(Mdl);
    PMMPTE First;

    MiCheckMappableMdl(Mdl);
    if (MiCacheAttributeOf(CacheType) == MiCacheUnknown || Pages == 0 ||
        (Priority < HighPagePriority && !MiSystemPtesAllow(Pages, Priority))) {
        return NULL;
    }
    First = MiReserveSystemPtes(Pages);
    if (First == NULL) {
        return NULL;
    }
    MiMapMdlFrames(First, MmGetMdlPfnArray(Mdl), Pages, CacheType);
    return MiNoteMdlMapping(Mdl, First);
}

static NT_NORETURN void MipNoMorePtes(ULONG Pages)
{
    MI_SYSTEM_PTE_COUNTERS Counters;

    MiQuerySystemPtes(&Counters);
    KeBugCheckEx(NO_MORE_SYSTEM_PTES, 0, Pages, Counters.Free, Counters.Total);
}

PVOID NTAPI MmMapLockedPagesSpecifyCache(PMDL Mdl, KPROCESSOR_MODE AccessMode,
                                         MEMORY_CACHING_TYPE CacheType, PVOID BaseAddress,
                                         ULONG BugCheckOnFailure, MM_PAGE_PRIORITY Priority)
{
    PVOID Va;

    if (AccessMode != KernelMode) {
        MiRaiseUnhandled(STATUS_NOT_SUPPORTED, BaseAddress);
    }
    Va = MipMap(Mdl, CacheType, (ULONG)Priority);
    if (Va == NULL && BugCheckOnFailure) {
        MipNoMorePtes(MiMdlPages(Mdl));
    }
    return Va;
}

PVOID NTAPI MmMapLockedPages(PMDL Mdl, KPROCESSOR_MODE AccessMode)
{
    return MmMapLockedPagesSpecifyCache(Mdl, AccessMode, MmCached, NULL,
                                        !(Mdl->MdlFlags & MDL_MAPPING_CAN_FAIL), HighPagePriority);
}

static void MipCheckMapping(const MDL *Mdl, PVOID BaseAddress)
{
    PFN_NUMBER First = MmGetMdlPfnArray(Mdl)[0];
    PFN_NUMBER Mapped;

    if ((Mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_PARENT_MAPPED_SYSTEM_VA)) !=
        MDL_MAPPED_TO_SYSTEM_VA) {
        KeBugCheckEx(SYSTEM_PTE_MISUSE, MIP_NOT_MAPPED, (ULONG_PTR)Mdl, (ULONG_PTR)BaseAddress, 0);
    }
    if (BaseAddress != Mdl->MappedSystemVa) {
        KeBugCheckEx(SYSTEM_PTE_MISUSE, MIP_VA_CHANGED, (ULONG_PTR)Mdl,
                     (ULONG_PTR)Mdl->MappedSystemVa, (ULONG_PTR)BaseAddress);
    }
    Mapped = MiReadMapping((ULONG_PTR)BaseAddress).Hard.PageFrameNumber;
    if (Mapped != First) {
        KeBugCheckEx(SYSTEM_PTE_MISUSE, MIP_FRAME_CHANGED, (ULONG_PTR)Mdl, First, Mapped);
    }
}

void NTAPI MmUnmapLockedPages(PVOID BaseAddress, PMDL Mdl)
{
    MipCheckMapping(Mdl, BaseAddress);
    MiReleaseSystemPtes(MiGetPteAddress((ULONG_PTR)BaseAddress), MiMdlPages(Mdl));
    MiForgetMdlMapping(Mdl);
}

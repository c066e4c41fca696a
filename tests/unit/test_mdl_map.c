/* SPDX-License-Identifier: MIT */
/*
 * test_mdl_map.c - mapping MDLs, at fresh addresses and at reserved ones.
 */
#include "arch/mmu.h"
#include "mm/sysva/mdl.h"
#include "nt/bugcodes.h"
#include "tests/unit/sysva_machine.h"

#include <string.h>

#define TAG 0x31746553u /* 'Set1' */

static PMDL Mdl;
static PUCHAR Other;

static void Start(ULONG Pages)
{
    ULONG i;

    SysvaStart(512, 1024);
    Mdl = MmAllocatePagesForMdl(SysvaPhysical(0), SysvaPhysical(0xFFFFFFFF), SysvaPhysical(0),
                                Pages * PAGE_SIZE);
    CHECK(Mdl != NULL);
    CHECK_EQUAL(Pages * PAGE_SIZE, Mdl->ByteCount);
    for (i = 0; i < Pages; i++) {
        CHECK_EQUAL(0, *(ULONG *)HostFrame(MmGetMdlPfnArray(Mdl)[i]));
        *(ULONG *)HostFrame(MmGetMdlPfnArray(Mdl)[i]) = i + 1;
    }
}

static void Finish(void)
{
    MmFreePagesFromMdl(Mdl);
    IoFreeMdl(Mdl);
    SysvaFinish();
}

static MMPTE PteOf(PVOID Va)
{
    return MiReadPte(MiGetPteAddress((ULONG_PTR)Va));
}

TEST(MapLockedPages_shows_the_frames_in_their_order)
{
    PUCHAR Va;
    ULONG i;

    Start(30);
    Va = MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
    CHECK(Va != NULL && Va == Mdl->MappedSystemVa);
    CHECK(Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA);
    for (i = 0; i < 30; i++) {
        CHECK_EQUAL(i + 1, *(volatile ULONG *)(Va + i * PAGE_SIZE));
    }
    CHECK(MmGetSystemAddressForMdlSafe(Mdl, LowPagePriority) == Va);
    MmUnmapLockedPages(Va, Mdl);
    CHECK_EQUAL(MDL_PAGES_LOCKED, Mdl->MdlFlags);
    MiFlushSystemPtes();
    CHECK(!MmIsAddressValid(Va));
    Finish();
}

TEST(MapLockedPages_keeps_the_attribute_of_the_first_mapping)
{
    PVOID Va;

    Start(1);
    Va = MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmNonCached, NULL, FALSE, HighPagePriority);
    CHECK(PteOf(Va).Hard.CacheDisable && PteOf(Va).Hard.WriteThrough);
    MmUnmapLockedPages(Va, Mdl);
    Va = MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, FALSE, HighPagePriority);
    CHECK(PteOf(Va).Hard.CacheDisable);
    MmUnmapLockedPages(Va, Mdl);
    CHECK(MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmMaximumCacheType, NULL, FALSE,
                                       HighPagePriority) == NULL);
    Finish();
}

TEST(MapLockedPages_uses_write_combining_where_asked)
{
    PVOID Va;

    Start(1);
    Va = MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmWriteCombined, NULL, FALSE, 32);
    CHECK(!PteOf(Va).Hard.CacheDisable && PteOf(Va).Hard.WriteThrough);
    MmUnmapLockedPages(Va, Mdl);
    Finish();
}

static void MapOrDie(PVOID Context)
{
    (void)Context;
    MmMapLockedPages(Mdl, KernelMode);
}

static void MapForUser(PVOID Context)
{
    (void)Context;
    MmMapLockedPages(Mdl, UserMode);
}

static void Unmap(PVOID Va)
{
    MmUnmapLockedPages(Va, Mdl);
}

TEST(MapLockedPages_without_ptes_is_NULL_or_bug_check_3F)
{
    Start(3);
    MiFailSystemPteReservation = 1;
    CHECK(MmGetSystemAddressForMdlSafe(Mdl, HighPagePriority) == NULL);
    CHECK_EQUAL(MDL_PAGES_LOCKED, Mdl->MdlFlags);
    MiFailSystemPteReservation = 1;
    SysvaExpectBugCheck(NO_MORE_SYSTEM_PTES, 0, 3, SYSVA_ANY, 1023, MapOrDie, NULL);
    Mdl->MdlFlags |= MDL_MAPPING_CAN_FAIL;
    MiFailSystemPteReservation = 1;
    CHECK(MmMapLockedPages(Mdl, KernelMode) == NULL);
    Mdl->MdlFlags &= ~MDL_MAPPING_CAN_FAIL;
    SysvaExpectBugCheck(KMODE_EXCEPTION_NOT_HANDLED, (ULONG)STATUS_NOT_SUPPORTED, 0, 0, 0,
                        MapForUser, NULL);
    Finish();
}

TEST(UnmapLockedPages_refuses_another_mapping)
{
    PFN_NUMBER First;
    PUCHAR Va;

    Start(2);
    First = MmGetMdlPfnArray(Mdl)[0];
    SysvaExpectBugCheck(SYSTEM_PTE_MISUSE, 6, (ULONG_PTR)Mdl, SYSVA_ANY, 0, Unmap, Mdl);
    Va = MmMapLockedPages(Mdl, KernelMode);
    SysvaExpectBugCheck(SYSTEM_PTE_MISUSE, 5, (ULONG_PTR)Mdl, (ULONG_PTR)Va, (ULONG_PTR)Va + 4,
                        Unmap, Va + 4);
    MmGetMdlPfnArray(Mdl)[0] = 1;
    SysvaExpectBugCheck(SYSTEM_PTE_MISUSE, 4, (ULONG_PTR)Mdl, 1, First, Unmap, Va);
    MmGetMdlPfnArray(Mdl)[0] = First;
    SysvaExpectBugCheck(MEMORY_MANAGEMENT, 0x61946, (ULONG_PTR)Mdl, SYSVA_ANY, 0, MapOrDie, NULL);
    MmUnmapLockedPages(Va, Mdl);
    Mdl->MdlFlags = 0;
    SysvaExpectBugCheck(MEMORY_MANAGEMENT, 0x1233, (ULONG_PTR)Mdl, 0, 0, MapOrDie, NULL);
    Mdl->MdlFlags = MDL_PAGES_LOCKED;
    Finish();
}

/* ---- reserved mappings ---- */

static void FreeAddress(PVOID Va)
{
    MmFreeMappingAddress(Va, TAG);
}

static void FreeWithWrongTag(PVOID Va)
{
    MmFreeMappingAddress(Va, TAG + 1);
}

static void MapThere(PVOID Va)
{
    MmMapLockedPagesWithReservedMapping(Va, TAG, Mdl, MmCached);
}

static void MapWithWrongTag(PVOID Va)
{
    MmMapLockedPagesWithReservedMapping(Va, TAG + 1, Mdl, MmCached);
}

static void UnmapThere(PVOID Va)
{
    MmUnmapReservedMapping(Va, TAG, Mdl);
}

static void UnmapWithWrongTag(PVOID Va)
{
    MmUnmapReservedMapping(Va, TAG + 1, Mdl);
}

static void AllocateNothing(PVOID Context)
{
    (void)Context;
    MmAllocateMappingAddress(0, TAG);
}

static void ExpectMisuse(ULONG Code, PVOID Va, KSTART *Act)
{
    SysvaExpectBugCheck(SYSTEM_PTE_MISUSE, Code, (ULONG_PTR)Va, SYSVA_ANY, SYSVA_ANY, Act, Va);
}

TEST(MapLockedPagesWithReservedMapping_maps_there_again_and_again)
{
    PUCHAR Place;
    ULONG i;

    Start(3);
    Place = MmAllocateMappingAddress(3 * PAGE_SIZE, TAG);
    CHECK(Place != NULL);
    for (i = 0; i < 5; i++) {
        ULONG_PTR Stale;

        CHECK(MmMapLockedPagesWithReservedMapping(Place, TAG, Mdl, MmCached) == Place);
        CHECK_EQUAL(3, *(volatile ULONG *)(Place + 2 * PAGE_SIZE));
        MmUnmapReservedMapping(Place, TAG, Mdl);
        CHECK_EQUAL(MDL_PAGES_LOCKED, Mdl->MdlFlags);
        CHECK(!HostFindStaleTranslation(&Stale));
    }
    MmFreeMappingAddress(Place, TAG);
    Place = MmAllocateMappingAddress(2 * PAGE_SIZE, TAG + 1);
    CHECK(MmMapLockedPagesWithReservedMapping(Place, TAG + 1, Mdl, MmCached) == NULL);
    MmFreeMappingAddress(Place, TAG + 1);
    Finish();
}

TEST(Reserved_mapping_misuse_has_a_subcode_each)
{
    Start(3);
    Other = MmAllocateMappingAddress(3 * PAGE_SIZE, TAG);
    SysvaExpectBugCheck(SYSTEM_PTE_MISUSE, 0x100, 0, 0, TAG, AllocateNothing, NULL);
    ExpectMisuse(0x101, Other + PAGE_SIZE, FreeAddress);
    ExpectMisuse(0x101, Other + 1, FreeAddress);
    ExpectMisuse(0x102, Other, FreeWithWrongTag);
    ExpectMisuse(0x104, Other + PAGE_SIZE, MapThere);
    ExpectMisuse(0x105, Other, MapWithWrongTag);
    ExpectMisuse(0x109, Other, UnmapThere);
    MapThere(Other);
    ExpectMisuse(0x103, Other, FreeAddress);
    ExpectMisuse(0x107, Other + PAGE_SIZE, UnmapThere);
    ExpectMisuse(0x108, Other, UnmapWithWrongTag);
    UnmapThere(Other);
    *(ULONG *)MiGetPteAddress((ULONG_PTR)Other) = 4;
    ExpectMisuse(0x106, Other, MapThere);
    *(ULONG *)MiGetPteAddress((ULONG_PTR)Other) = 0;
    FreeAddress(Other);
    ExpectMisuse(0x101, Other, FreeAddress);
    Finish();
}

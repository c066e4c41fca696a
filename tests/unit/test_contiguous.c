/* SPDX-License-Identifier: MIT */
/*
 * test_contiguous.c - contiguous and noncached memory, I/O space, pages for MDLs, addresses.
 */
#include "arch/mmu.h"
#include "mm/pfn/frame.h"
#include "mm/sysva/kernel_stack.h"
#include "mm/sysva/mdl.h"
#include "nt/bugcodes.h"
#include "tests/unit/sysva_machine.h"

#include <string.h>

#define ANY_ADDRESS SysvaPhysical(0xFFFFFFFF)
#define ZERO        SysvaPhysical(0)
#define DEVICE      0xFE000000u /* behind the machine's RAM */

static ULONG64 PhysicalOf(PVOID Va)
{
    return (ULONG64)MmGetPhysicalAddress(Va).QuadPart;
}

TEST(AllocateContiguousMemory_is_contiguous_and_in_its_range)
{
    PUCHAR Va;
    ULONG i;

    SysvaStart(512, 1024);
    Va = MmAllocateContiguousMemorySpecifyCache(7 * PAGE_SIZE + 1, SysvaPhysical(0x20001),
                                                SysvaPhysical(0x7FFFF), SysvaPhysical(0x10000),
                                                MmCached);
    CHECK(Va != NULL);
    for (i = 0; i < 8; i++) {
        CHECK_EQUAL(PhysicalOf(Va) + i * PAGE_SIZE, PhysicalOf(Va + i * PAGE_SIZE));
        Va[i * PAGE_SIZE] = 1;
    }
    CHECK(PhysicalOf(Va) >= 0x21000 && PhysicalOf(Va) + 8 * PAGE_SIZE <= 0x80000);
    CHECK_EQUAL(PhysicalOf(Va) >> 16, (PhysicalOf(Va) + 8 * PAGE_SIZE - 1) >> 16);
    CHECK_EQUAL(PhysicalOf(Va) + 5, PhysicalOf(Va + 5));
    MmFreeContiguousMemory(Va);
    SysvaFinish();
}

TEST(AllocateContiguousMemory_takes_the_highest_addresses_and_leaves_the_low_ones)
{
    const PHYSICAL_ADDRESS Low = SysvaPhysical(0x7FFFF);
    PVOID Blocks[256];
    ULONG Count = 0;
    ULONG64 Before = ~0ull;
    PVOID Va;

    SysvaStart(512, 1024);
    /* whoever has no limit gets one block below the other, and the low ones last */
    while (Count < RTL_NUMBER_OF(Blocks) &&
           (Va = MmAllocateContiguousMemory(2 * PAGE_SIZE, ANY_ADDRESS)) != NULL &&
           PhysicalOf(Va) >= 0x80000) {
        CHECK(PhysicalOf(Va) < Before);
        Before = PhysicalOf(Va);
        Blocks[Count++] = Va;
    }
    CHECK(Count > 100);
    MmFreeContiguousMemory(Va);
    Va = MmAllocateContiguousMemory(16 * PAGE_SIZE, Low); /* low memory is still whole */
    CHECK(Va != NULL && PhysicalOf(Va) + 16 * PAGE_SIZE <= 0x80000);
    MmFreeContiguousMemory(Va);
    while (Count != 0) {
        MmFreeContiguousMemory(Blocks[--Count]);
    }
    SysvaFinish();
}

TEST(AllocateContiguousMemory_refuses_parameters_without_sense)
{
    SysvaStart(512, 1024);
    CHECK(MmAllocateContiguousMemory(0, ANY_ADDRESS) == NULL);
    CHECK(MmAllocateContiguousMemory(PAGE_SIZE, SysvaPhysical(0xFFF)) == NULL);
    CHECK(MmAllocateContiguousMemory(513 * PAGE_SIZE, ANY_ADDRESS) == NULL);
    CHECK(MmAllocateContiguousMemorySpecifyCache(1, SysvaPhysical(0x100000000ull), ANY_ADDRESS,
                                                 ZERO, MmCached) == NULL);
    CHECK(MmAllocateContiguousMemorySpecifyCache(1, ZERO, ANY_ADDRESS, SysvaPhysical(0x3000),
                                                 MmCached) == NULL);
    CHECK(MmAllocateContiguousMemorySpecifyCache(1, ZERO, ANY_ADDRESS, SysvaPhysical(0x800),
                                                 MmCached) == NULL);
    CHECK(MmAllocateContiguousMemorySpecifyCache(1, ZERO, ANY_ADDRESS, ZERO, MmNotMapped) == NULL);
    SysvaFinish();
}

static void FreeContiguous(PVOID Va)
{
    MmFreeContiguousMemory(Va);
}

static void FreeTwoPages(PVOID Va)
{
    MmFreeNonCachedMemory(Va, 2 * PAGE_SIZE);
}

static void ExpectBadFree(KSTART *Act, PVOID Va)
{
    SysvaExpectBugCheck(BAD_POOL_CALLER, 0x60, (ULONG_PTR)Va, SYSVA_ANY, SYSVA_ANY, Act, Va);
}

TEST(FreeContiguousMemory_refuses_what_is_no_such_block)
{
    PUCHAR Va;
    PUCHAR Stack;

    SysvaStart(512, 1024);
    Va = MmAllocateNonCachedMemory(3 * PAGE_SIZE);
    CHECK(MiReadPte(MiGetPteAddress((ULONG_PTR)Va)).Hard.CacheDisable);
    Stack = MiCreateKernelStack();
    ExpectBadFree(FreeContiguous, Va + 1);
    ExpectBadFree(FreeContiguous, Va + PAGE_SIZE);
    ExpectBadFree(FreeContiguous, (PVOID)0x90000000);
    ExpectBadFree(FreeContiguous, Stack - 4 * PAGE_SIZE);
    ExpectBadFree(FreeTwoPages, Va);
    MmFreeNonCachedMemory(Va, 3 * PAGE_SIZE);
    ExpectBadFree(FreeContiguous, Va);
    MiDeleteKernelStack(Stack);
    SysvaFinish();
}

static void MapFreeRam(PVOID Context)
{
    MmMapIoSpace(SysvaPhysical((ULONG_PTR)Context), 1, MmNonCached);
}

static void UnmapTwoPages(PVOID Va)
{
    MmUnmapIoSpace(Va, 2 * PAGE_SIZE);
}

TEST(MapIoSpace_maps_registers_as_asked)
{
    PUCHAR Va;
    MMPTE Pte;

    SysvaStart(512, 1024);
    Va = MmMapIoSpace(SysvaPhysical(DEVICE + 0xFF0), 0x20, MmNonCached);
    CHECK(Va != NULL);
    CHECK_EQUAL(DEVICE + 0xFF0, PhysicalOf(Va));
    CHECK_EQUAL(DEVICE + 0x1000, PhysicalOf(Va + 0x10));
    Pte = MiReadPte(MiGetPteAddress((ULONG_PTR)Va));
    CHECK(Pte.Hard.CacheDisable && Pte.Hard.WriteThrough && Pte.Hard.Write && !Pte.Hard.Owner);
    SysvaExpectBugCheck(SYSTEM_PTE_MISUSE, 0x400, (ULONG_PTR)Va, 2 * PAGE_SIZE, 0, UnmapTwoPages,
                        Va);
    MmUnmapIoSpace(Va, 0x20);
    SysvaFinish();
}

TEST(MapIoSpace_refuses_what_it_cannot_map)
{
    SysvaStart(512, 1024);
    CHECK(MmMapIoSpace(SysvaPhysical(DEVICE), 0, MmNonCached) == NULL);
    CHECK(MmMapIoSpace(SysvaPhysical(0x100000000ull), 1, MmNonCached) == NULL);
    CHECK(MmMapIoSpace(SysvaPhysical(0xFFFFFFFF), 2, MmNonCached) == NULL);
    CHECK(MmMapIoSpace(SysvaPhysical(DEVICE), 1, MmNotMapped) == NULL);
    CHECK(MmMapIoSpace(SysvaPhysical(DEVICE), 1024 * PAGE_SIZE, MmNonCached) == NULL);
    SysvaExpectBugCheck(MEMORY_MANAGEMENT, 0x1233, 3, SYSVA_ANY, SYSVA_ANY, MapFreeRam,
                        (PVOID)0x3000);
    SysvaFinish();
}

TEST(AllocatePagesForMdl_searches_range_after_range)
{
    const PFN_NUMBER *Frames;
    ULONG i;
    PMDL Mdl;

    SysvaStart(512, 1024);
    Mdl = MmAllocatePagesForMdl(SysvaPhysical(0x10000), SysvaPhysical(0x13FFF),
                                SysvaPhysical(0x40000), 10 * PAGE_SIZE);
    CHECK_EQUAL(10 * PAGE_SIZE, Mdl->ByteCount);
    CHECK(Mdl->StartVa == NULL && Mdl->MdlFlags == MDL_PAGES_LOCKED);
    Frames = MmGetMdlPfnArray(Mdl);
    for (i = 0; i < 10; i++) {
        CHECK_EQUAL(0x10, Frames[i] & 0x3C); /* 4 pages at 10000, 50000, 90000 */
        CHECK(Frames[i] < 0x94);
    }
    MmFreePagesFromMdl(Mdl);
    IoFreeMdl(Mdl);
    Mdl =
        MmAllocatePagesForMdl(SysvaPhysical(0x10000), SysvaPhysical(0x13FFF), ZERO, 10 * PAGE_SIZE);
    CHECK_EQUAL(4 * PAGE_SIZE, Mdl->ByteCount);
    MmFreePagesFromMdl(Mdl);
    IoFreeMdl(Mdl);
    CHECK(MmAllocatePagesForMdl(SysvaPhysical(0x10001), SysvaPhysical(0x11FFE), ZERO, 1) == NULL);
    CHECK(MmAllocatePagesForMdl(ZERO, ANY_ADDRESS, ZERO, 0) == NULL);
    SysvaFinish();
}

static void FreePages(PVOID Mdl)
{
    MmFreePagesFromMdl(Mdl);
}

TEST(FreePagesFromMdl_refuses_other_mdls)
{
    PMDL Mdl;

    SysvaStart(512, 1024);
    Mdl = MmAllocatePagesForMdl(ZERO, ANY_ADDRESS, ZERO, PAGE_SIZE);
    MmMapLockedPages(Mdl, KernelMode);
    SysvaExpectBugCheck(MEMORY_MANAGEMENT, 0x61946, (ULONG_PTR)Mdl, SYSVA_ANY, 0, FreePages, Mdl);
    MmUnmapLockedPages(Mdl->MappedSystemVa, Mdl);
    MmFreePagesFromMdl(Mdl);
    SysvaExpectBugCheck(MEMORY_MANAGEMENT, 0x61946, (ULONG_PTR)Mdl, SYSVA_ANY, 0, FreePages, Mdl);
    IoFreeMdl(Mdl);
    SysvaFinish();
}

typedef LONGLONG NTAPI RETURNS_IN_REGISTERS(PVOID Va);

TEST(GetPhysicalAddress_returns_as_drivers_expect_it)
{
    RETURNS_IN_REGISTERS *AsDriver = (RETURNS_IN_REGISTERS *)(PVOID)MmGetPhysicalAddress;
    PUCHAR Va;

    SysvaStart(512, 1024);
    Va = MmAllocateNonCachedMemory(PAGE_SIZE);
    CHECK_EQUAL(PhysicalOf(Va) + 9, AsDriver(Va + 9));
    CHECK_EQUAL(0, AsDriver((PVOID)0x90000000));
    CHECK(!MmIsAddressValid(NULL));
    MmFreeNonCachedMemory(Va, PAGE_SIZE);
    SysvaFinish();
}

TEST(GetPhysicalAddress_sees_through_a_large_page)
{
    MMPTE Pde = {.Long = MM_PTE_BITS_VALID | MM_PTE_BITS_WRITE | MM_PTE_BITS_LARGE};

    SysvaStart(512, 1024);
    Pde.Large.FrameLow = 3;
    Pde.Large.FrameHigh = 2;
    MiWritePte(MiGetPdeAddress(0xDC000000), Pde);
    CHECK_EQUAL(0x200C12345ull, PhysicalOf((PVOID)0xDC012345));
    CHECK(MmIsAddressValid((PVOID)0xDC012345));
    MiWritePte(MiGetPdeAddress(0xDC000000), MiMakeZeroPte());
    SysvaFinish();
}

/* ---- every n-th allocation fails ---- */

/* => Returns whether all went well; everything is given back either way. */
static BOOLEAN Scenario(void)
{
    PUCHAR Contiguous = MmAllocateContiguousMemory(3 * PAGE_SIZE, ANY_ADDRESS);
    PUCHAR NonCached = MmAllocateNonCachedMemory(2 * PAGE_SIZE);
    PMDL Pages = MmAllocatePagesForMdl(ZERO, ANY_ADDRESS, ZERO, 5 * PAGE_SIZE);
    PVOID Stack = MiCreateKernelStack();
    PVOID Registers = MmMapIoSpace(SysvaPhysical(DEVICE), PAGE_SIZE, MmNonCached);
    PVOID Mapped = Pages == NULL ? NULL : MmGetSystemAddressForMdlSafe(Pages, HighPagePriority);
    BOOLEAN All = Contiguous && NonCached && Pages && Stack && Registers && Mapped;

    if (Mapped != NULL) {
        *(volatile ULONG *)Mapped = 1;
        MmUnmapLockedPages(Mapped, Pages);
    }
    if (Registers != NULL) {
        MmUnmapIoSpace(Registers, PAGE_SIZE);
    }
    if (Stack != NULL) {
        MiDeleteKernelStack(Stack);
    }
    if (Pages != NULL) {
        MmFreePagesFromMdl(Pages);
        IoFreeMdl(Pages);
    }
    if (NonCached != NULL) {
        MmFreeNonCachedMemory(NonCached, 2 * PAGE_SIZE);
    }
    if (Contiguous != NULL) {
        MmFreeContiguousMemory(Contiguous);
    }
    return All;
}

static void Sweep(ULONG *Counter)
{
    BOOLEAN Done = FALSE;
    ULONG n;

    for (n = 1; !Done; n++) {
        BOOLEAN All;

        *Counter = n;
        All = Scenario();
        Done = *Counter != 0;
        CHECK_EQUAL(Done, All);
        *Counter = 0;
        SysvaCheckBalance();
    }
    CHECK(n > 5);
}

TEST(Every_nth_failure_leaves_nothing_behind)
{
    SysvaStart(512, 1024);
    Sweep(&MiFailFrameAllocation);
    Sweep(&MiFailSystemPteReservation);
    SysvaFinish();
}

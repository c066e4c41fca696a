/* SPDX-License-Identifier: MIT */
/*
 * test_mdl_memory.c - MDLs in nonpaged pool: at DISPATCH_LEVEL, freed as documented, and refused.
 */
#include "mm/pool/pool_block.h"
#include "mm/pool/pool.h"
#include "mm/sysva/mdl.h"
#include "nt/bugcodes.h"
#include "tests/unit/sysva_machine.h"

#define MDL_TAG 0x206C644Du /* 'Mdl ' */

static const MI_POOL_USE *Use(void)
{
    return &MiFindPoolTag(MDL_TAG)->Use[NonPagedPool];
}

static PMDL AllocatePages(void)
{
    return MmAllocatePagesForMdl(SysvaPhysical(0), SysvaPhysical(0xFFFFFFFF), SysvaPhysical(0),
                                 5 * PAGE_SIZE);
}

TEST(IoAllocateMdl_works_at_DISPATCH_LEVEL)
{
    PMDL Mdl;
    KIRQL Old;

    SysvaStart(512, 1024);
    Old = KfRaiseIrql(DISPATCH_LEVEL);
    Mdl = IoAllocateMdl((PVOID)0x80000000, 3 * PAGE_SIZE, FALSE, FALSE, NULL);
    CHECK(Mdl != NULL);
    CHECK_EQUAL(1, Use()->Allocs);
    CHECK_EQUAL(sizeof(POOL_HEADER) + 28 + 3 * 4, Use()->Bytes);
    IoFreeMdl(Mdl);
    KfLowerIrql(Old);
    CHECK_EQUAL(1, Use()->Frees);
    SysvaFinish();
}

TEST(IoAllocateMdl_takes_the_longest_MDL)
{
    PMDL Mdl;

    SysvaStart(512, 1024);
    Mdl = IoAllocateMdl((PVOID)0x80000000, 16376 * PAGE_SIZE, FALSE, FALSE, NULL);
    CHECK(Mdl != NULL);
    CHECK_EQUAL(16 * PAGE_SIZE, Use()->Bytes);
    IoFreeMdl(Mdl);
    SysvaFinish();
}

TEST(MDL_with_pages_is_freed_by_ExFreePool)
{
    PMDL Mdl;

    SysvaStart(512, 1024);
    Mdl = AllocatePages();
    CHECK(Mdl != NULL);
    MmFreePagesFromMdl(Mdl);
    ExFreePool(Mdl);
    CHECK_EQUAL(0, Use()->Bytes);
    SysvaFinish();
}

TEST(MDLs_that_get_no_pool_are_refused_and_nothing_is_lost)
{
    SysvaStart(512, 1024);
    MiFailPoolAllocation(1);
    CHECK(IoAllocateMdl((PVOID)0x80000000, PAGE_SIZE, FALSE, FALSE, NULL) == NULL);
    MiFailPoolAllocation(1);
    CHECK(AllocatePages() == NULL);
    CHECK(MiPoolFailureHappened());
    SysvaFinish();
}

static void FreeTwice(PVOID Mdl)
{
    IoFreeMdl(Mdl);
}

TEST(Second_IoFreeMdl_is_C2_6)
{
    PMDL Mdl;

    SysvaStart(512, 1024);
    Mdl = IoAllocateMdl((PVOID)0x80000000, PAGE_SIZE, FALSE, FALSE, NULL);
    IoFreeMdl(Mdl);
    SysvaExpectBugCheck(BAD_POOL_CALLER, 0x6, 0, SYSVA_ANY, SYSVA_ANY, FreeTwice, Mdl);
    SysvaFinish();
}

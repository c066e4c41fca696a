/* SPDX-License-Identifier: MIT */
/*
 * test_user_page.c - PTEs of the user half, page tables, and what verify finds.
 */
#include "tests/unit/space_world.h"

#define RW PAGE_READWRITE

TEST(User_page_is_mapped_for_the_user_and_known_to_its_frame)
{
    ULONG_PTR Va;
    MMPTE Pte;
    PMMPFN Pfn;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
    SpaceWrite(Va, 1);
    Pte = MiReadPte(MiGetPteAddress(Va));
    Pfn = MI_PFN(Pte.Hard.PageFrameNumber);
    CHECK(Pte.Hard.Owner && Pte.Hard.Write && !Pte.Hard.Global);
    CHECK(MiReadPte(MiGetPdeAddress(Va)).Hard.Owner);
    CHECK(Pfn->PteAddress == MiGetPteAddress(Va));
    CHECK_EQUAL(MiReadPte(MiGetPdeAddress(Va)).Hard.PageFrameNumber, Pfn->u4.PteFrame);
    CHECK_EQUAL(MM_READWRITE << 5, Pfn->OriginalPte.Long);
    SpaceFinish();
}

TEST(User_page_caches_as_its_protection_says)
{
    ULONG_PTR Va;
    MMPTE Pte;

    SpaceStart();
    Va = SpaceAllocate(0, KB64, MEM_COMMIT, RW | PAGE_NOCACHE);
    SpaceWrite(Va, 1);
    Pte = MiReadPte(MiGetPteAddress(Va));
    CHECK(Pte.Hard.CacheDisable && Pte.Hard.WriteThrough);
    SpaceProtect(Va, 1, RW | PAGE_WRITECOMBINE);
    Pte = MiReadPte(MiGetPteAddress(Va));
    CHECK(!Pte.Hard.CacheDisable && Pte.Hard.WriteThrough);
    SpaceProtect(Va, 1, RW);
    CHECK(!MiReadPte(MiGetPteAddress(Va)).Hard.WriteThrough);
    SpaceFinish();
}

TEST(Page_table_goes_with_its_last_entry)
{
    SpaceStart();
    SpaceAllocate(0x400000, 0x400000, MEM_RESERVE, RW);
    SpaceAllocate(0x400000, 0x1000, MEM_COMMIT, RW);
    SpaceAllocate(0x7FF000, 0x1000, MEM_COMMIT, RW);
    CHECK_EQUAL(1, SpaceCurrent()->PageTables);
    CHECK_EQUAL(2, MmWorkingSetList->UsedPageTableEntries[1]);
    SpaceFree(0x400000, 0x1000, MEM_DECOMMIT);
    CHECK_EQUAL(1, MmWorkingSetList->UsedPageTableEntries[1]);
    SpaceFree(0x7FF000, 0x1000, MEM_DECOMMIT);
    CHECK_EQUAL(0, SpaceCurrent()->PageTables);
    CHECK(!MiHasPageTable(0x400000));
    SpaceFinish();
}

/* ---- damage that MiVerifyAll finds ---- */

static ULONG_PTR DamageVa;

static void Verify(PVOID Damage)
{
    ((void (*)(void))Damage)();
    MiVerifyAll();
}

static void DamageOwner(void)
{
    MiGetPteAddress(DamageVa)->Hard.Owner = 0;
}

static void DamageRight(void)
{
    MiGetPteAddress(DamageVa)->Hard.Write = 0;
    MiGetPteAddress(DamageVa)->Hard.Dirty = 0;
}

static void DamageCount(void)
{
    MmWorkingSetList->UsedPageTableEntries[0]++;
}

static void DamageCommit(void)
{
    SpaceCurrent()->CommitCharge++;
}

static void DamageTree(void)
{
    MiFindVad(SpaceCurrent(), (ULONG)(DamageVa >> PAGE_SHIFT))->EndingVpn++;
}

static void DamageShare(void)
{
    MI_PFN(MiReadPte(MiGetPdeAddress(DamageVa)).Hard.PageFrameNumber)->u2.ShareCount++;
}

static void DamageBits(void)
{
    RtlSetBits(&SpaceCurrent()->VadBitMap, 1000, 1);
}

static void DamageTables(void)
{
    MmWorkingSetList->CommittedPageTables[3] |= 1;
}

TEST(Verify_finds_each_kind_of_damage_to_an_address_space)
{
    static void (*const Damages[])(void) = {DamageOwner, DamageRight, DamageCount, DamageCommit,
                                            DamageTree,  DamageShare, DamageBits,  DamageTables};
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Damages); i++) {
        HOST_BUGCHECK Stop;

        SpaceStart();
        DamageVa = SpaceAllocate(0, KB64, MEM_COMMIT, RW);
        SpaceWrite(DamageVa, 1);
        MiVerifyAll();
        if (!HostCatchBugCheck(Verify, (PVOID)Damages[i], &Stop)) {
            TestFail(__FILE__, __LINE__, "damage %u was not found", (unsigned)i);
        }
        HostMachineDelete();
    }
}

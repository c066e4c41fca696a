/* SPDX-License-Identifier: MIT */
/*
 * test_pte_kind.c - telling the kinds of page-table entries apart, and their letters.
 */
#include "mm/sysva/layout.h"
#include "mm/sysva/pte_kind.h"
#include "tests/unit/test.h"

static MMPTE Pte(ULONG Long)
{
    MMPTE Value = {.Long = Long};

    return Value;
}

TEST(PteKind_tells_the_documented_formats_apart)
{
    CHECK_EQUAL(MiPteZero, MiPteKind(Pte(0)));
    CHECK_EQUAL(MiPteValid, MiPteKind(Pte(0x00154121)));
    CHECK_EQUAL(MiPteValid, MiPteKind(Pte(0xFFFFFFFF)));
    CHECK_EQUAL(MiPteDemandZero, MiPteKind(Pte(0x80)));
    CHECK_EQUAL(MiPtePagefile, MiPteKind(Pte(0x12345082)));
    CHECK_EQUAL(MiPteTransition, MiPteKind(Pte(0x00154880)));
    CHECK_EQUAL(MiPtePrototype, MiPteKind(Pte(0x00154480)));
    CHECK_EQUAL(MiPtePrototype, MiPteKind(Pte(0x00154C80))); /* bit 11 belongs to its address */
}

TEST(PdeKind_knows_large_pages_where_PteKind_sees_an_attribute)
{
    CHECK_EQUAL(MiPteLarge, MiPdeKind(Pte(0x004001E3)));
    CHECK_EQUAL(MiPteValid, MiPteKind(Pte(0x004001E3)));
    CHECK_EQUAL(MiPteValid, MiPdeKind(Pte(0x0003B163)));
    CHECK_EQUAL(MiPteDemandZero, MiPdeKind(Pte(0x80))); /* bit 7 without Valid is a protection */
}

TEST(SystemPteKind_reads_free_runs_as_lists)
{
    MMPTE List = MiMakeListPte(0x123, 7);

    CHECK_EQUAL(MiPteList, MiSystemPteKind(List));
    CHECK_EQUAL(MiPteTransition, MiPteKind(List)); /* the same bits elsewhere */
    CHECK_EQUAL(MiPteZero, MiSystemPteKind(Pte(0)));
    CHECK_EQUAL(MiPteValid, MiSystemPteKind(Pte(0x00154121)));
}

TEST(ViewPte_takes_the_formats_apart)
{
    MI_PTE_VIEW Pagefile = MiViewPte(Pte(0x1234508A));
    MI_PTE_VIEW Transition = MiViewPte(Pte(0x001548C6));

    CHECK_EQUAL(5, Pagefile.Soft.PageFileLow);
    CHECK_EQUAL(4, Pagefile.Soft.Protection);
    CHECK_EQUAL(0x12345, Pagefile.Soft.PageFileHigh);
    CHECK_EQUAL(0x154, Transition.Trans.PageFrameNumber);
    CHECK_EQUAL(6, Transition.Trans.Protection);
    CHECK_EQUAL(1, Transition.Trans.Write);
    CHECK_EQUAL(1, Transition.Trans.Owner);
}

TEST(SubsectionAddress_reaches_both_parts_of_nonpaged_pool)
{
    MI_LAYOUT Before = MiLayout;
    PVOID First = (PVOID)(ULONG_PTR)0x81200000u;
    PVOID Last = (PVOID)(ULONG_PTR)(0xF7BE0000u + 0x07FFFFF8u);

    MiLayout.Region[MiRegionInitialPool] = (MI_RANGE){.Start = 0x81200000u, .Bytes = 0x08000000u};
    MiLayout.Region[MiRegionPoolExpansion] = (MI_RANGE){.Start = 0xF7BE0000u, .Bytes = 0x08000000u};
    CHECK_EQUAL(0x80000480, MiMakeSubsectionPte(First, 4).Long | 0x80);
    CHECK_EQUAL((ULONG_PTR)First, (ULONG_PTR)MiSubsectionAddress(MiMakeSubsectionPte(First, 31)));
    CHECK_EQUAL((ULONG_PTR)Last, (ULONG_PTR)MiSubsectionAddress(MiMakeSubsectionPte(Last, 1)));
    CHECK_EQUAL(1, MiSoftwareProtection(MiMakeSubsectionPte(Last, 1)));
    CHECK_EQUAL(MiPteSubsection, MiPrototypePteKind(MiMakeSubsectionPte(First, 4)));
    CHECK(MiCanNameSubsection(First) && MiCanNameSubsection(Last));
    CHECK(!MiCanNameSubsection((PUCHAR)First + 4) && !MiCanNameSubsection((PUCHAR)First - 8));
    MiLayout = Before;
}

TEST(PrototypeAddress_counts_PTEs_from_the_start_of_paged_pool)
{
    CHECK_EQUAL(0xE1000000, MiPrototypeAddress(Pte(0x400)));
    CHECK_EQUAL(0xE1000004, MiPrototypeAddress(Pte(0x402)));
    CHECK_EQUAL(0xE10001FC, MiPrototypeAddress(Pte(0x4FE)));
    CHECK_EQUAL(0xE1000200, MiPrototypeAddress(Pte(0xC00)));
}

TEST(PteLetters_have_the_debuggers_order)
{
    CHECK_TEXT("-G-DA--KWEV", MiPteLetters(Pte(0x0003B163), MiPteValid).Text);
    CHECK_TEXT("-G--A--KREV", MiPteLetters(Pte(0x00154121), MiPteValid).Text);
    CHECK_TEXT("CGLDANTUWEV", MiPteLetters(Pte(0x000003FF), MiPteLarge).Text);
    CHECK_TEXT("-------KREV", MiPteLetters(Pte(0x00000001), MiPteValid).Text);
    CHECK_TEXT("-------KREV", MiPteLetters(Pte(0x00000081), MiPteValid).Text);
}

TEST(ProtectionName_names_the_modifier_bits)
{
    CHECK_TEXT("ReadWrite", MiProtectionName(4));
    CHECK_TEXT("ReadWrite Guard", MiProtectionName(0x14));
    CHECK_TEXT("ReadOnly NoCache", MiProtectionName(9));
    CHECK_TEXT("ExecuteRead WriteCombine", MiProtectionName(0x1B));
    CHECK_TEXT("NoAccess", MiProtectionName(0x18));
    CHECK_TEXT("ExecuteWriteCopy", MiProtectionName(7));
}

TEST(ClonePte_is_a_prototype_PTE_with_a_number_and_a_protection)
{
    MMPTE Clone = MiMakeClonePte(0x123456, 0x14);
    MI_PTE_VIEW View = MiViewPte(Clone);

    CHECK_EQUAL(MiPtePrototype, MiPteKind(Clone));
    CHECK_EQUAL(0x123456, MiCloneIndex(Clone));
    CHECK_EQUAL(0x14, MiCloneProtection(Clone));
    CHECK(View.Proto.WhichPool && !View.Proto.ReadOnly && !MiIsCloneToCopy(Clone));
    CHECK_EQUAL(0x123456, View.Clone.Index);
    CHECK_EQUAL(0x14, View.Clone.Protection);
    Clone.Long |= MI_PTE_CLONE_COPY;
    CHECK(MiIsCloneToCopy(Clone) && MiViewPte(Clone).Clone.Copy);
}

TEST(PrototypePte_names_an_address_of_paged_pool)
{
    PMMPTE Proto = (PMMPTE)(ULONG_PTR)0xE1234568u;
    MMPTE Named = MiMakePrototypePte(Proto);

    CHECK_EQUAL(MiPtePrototype, MiPteKind(Named));
    CHECK_EQUAL(0xE1234568, MiPrototypeAddress(Named));
    CHECK(!MiViewPte(Named).Proto.WhichPool && !MiIsLookupPte(Named));
    CHECK_EQUAL(0x400, MiMakePrototypePte((PMMPTE)(ULONG_PTR)0xE1000000u).Long);
}

TEST(LookupPte_has_a_protection_and_no_address)
{
    MMPTE Lookup = MiMakeLookupPte(0x14);

    CHECK_EQUAL(MiPtePrototype, MiPteKind(Lookup));
    CHECK(MiIsLookupPte(Lookup) && !MiViewPte(Lookup).Proto.WhichPool);
    CHECK_EQUAL(0x14, MiLookupProtection(Lookup));
    CHECK(!MiIsLookupPte(MiMakeClonePte(MI_CLONE_INDEXES - 1, 0x1F)));
}

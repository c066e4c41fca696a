/* SPDX-License-Identifier: MIT */
/*
 * test_tlb.c - the simulated machine uses what it has cached until it is told to forget it.
 */
#include "tests/host/machine.h"
#include "tests/unit/paging.h"
#include "tests/unit/test.h"

#define VALID MM_PTE_BITS_VALID
#define WRITE MM_PTE_BITS_WRITE

TEST(Tlb_uses_a_stale_translation_until_the_flush)
{
    PFN_NUMBER Old;
    PFN_NUMBER New;
    ULONG_PTR Stale = 0;

    PagingStart();
    Old = PagingMap(PAGING_VA, VALID | WRITE);
    *PagingWordOf(Old) = 1;
    CHECK_EQUAL(1, PagingRead(PAGING_VA));
    CHECK(!HostFindStaleTranslation(&Stale));
    New = PagingMap(PAGING_VA, VALID | WRITE);
    *PagingWordOf(New) = 2;
    CHECK_EQUAL(1, PagingRead(PAGING_VA));
    CHECK(HostFindStaleTranslation(&Stale));
    CHECK_EQUAL(PAGING_VA, Stale);
    KeFlushSingleTb(PAGING_VA + 0x123);
    CHECK(!HostFindStaleTranslation(&Stale));
    CHECK_EQUAL(2, PagingRead(PAGING_VA));
    HostMachineDelete();
}

TEST(Tlb_cleared_dirty_bit_is_set_again_only_after_a_flush)
{
    PMMPTE Pte;

    PagingStart();
    PagingMap(PAGING_VA, VALID | WRITE);
    PagingWrite(PAGING_VA, 1);
    Pte = HostFindPte(HOST_DIRECTORY_FRAME, PAGING_VA);
    Pte->Hard.Dirty = 0;
    PagingWrite(PAGING_VA, 2);
    CHECK_EQUAL(0, Pte->Hard.Dirty);
    KeFlushSingleTb(PAGING_VA);
    PagingWrite(PAGING_VA, 3);
    CHECK_EQUAL(1, Pte->Hard.Dirty);
    HostMachineDelete();
}

TEST(Tlb_narrowed_right_is_stale_for_every_right)
{
    ULONG_PTR Stale;
    PMMPTE Pte;

    PagingStart();
    PagingMap(PAGING_VA, VALID | WRITE);
    PagingWrite(PAGING_VA, 1);
    Pte = HostFindPte(HOST_DIRECTORY_FRAME, PAGING_VA);
    Pte->Hard.Write = 0;
    CHECK(HostFindStaleTranslation(&Stale));
    Pte->Hard.Write = 1;
    Pte->Hard.Dirty = 0;
    CHECK(HostFindStaleTranslation(&Stale));
    Pte->Hard.Dirty = 1;
    Pte->Hard.Accessed = 0;
    CHECK(HostFindStaleTranslation(&Stale));
    Pte->Hard.Accessed = 1;
    CHECK(!HostFindStaleTranslation(&Stale));
    Pte->Hard.PageFrameNumber++;
    CHECK(HostFindStaleTranslation(&Stale));
    HostMachineDelete();
}

TEST(Tlb_user_right_that_was_withdrawn_is_stale)
{
    ULONG_PTR Stale;

    PagingStart();
    PagingWrite(HOST_MIDDLE_START, 1);
    CHECK(!HostFindStaleTranslation(&Stale));
    HostFindPte(HOST_DIRECTORY_FRAME, HOST_MIDDLE_START)->Hard.Owner = 0;
    CHECK(HostFindStaleTranslation(&Stale));
    CHECK_EQUAL(HOST_MIDDLE_START, Stale);
    HostMachineDelete();
}

TEST(Tlb_page_fault_drops_the_stale_translation)
{
    ULONG_PTR Stale;

    PagingStart();
    PagingMap(PAGING_VA, VALID);
    PagingRead(PAGING_VA);
    HostFindPte(HOST_DIRECTORY_FRAME, PAGING_VA)->Hard.Valid = 0;
    CHECK_EQUAL(0, PagingRead(PAGING_VA)); /* still cached */
    HostSetFaultHandler(NULL);
    HostExpectBugCheck(HOST_BUGCHECK_PAGE_FAULT, PagingWriteOnce, (PVOID)PAGING_VA);
    CHECK(!HostFindStaleTranslation(&Stale));
    HostExpectBugCheck(HOST_BUGCHECK_PAGE_FAULT, PagingReadOnce, (PVOID)PAGING_VA);
    HostMachineDelete();
}

TEST(Tlb_flush_of_one_address_drops_the_whole_large_page)
{
    ULONG_PTR Stale;

    PagingStart();
    PagingMapLarge(0);
    PagingRead(PAGING_VA);
    PagingRead(PAGING_VA + MM_LARGE_PAGE - PAGE_SIZE);
    HostFindPde(HOST_DIRECTORY_FRAME, PAGING_VA)->Long = 0;
    CHECK(HostFindStaleTranslation(&Stale));
    KeFlushSingleTb(PAGING_VA + 7 * PAGE_SIZE);
    CHECK(!HostFindStaleTranslation(&Stale));
    HostVerifyTlb();
    HostMachineDelete();
}

/* Writes and reads 100 pages with room for 16. */
static void Thrash(ULONG64 Seed)
{
    ULONG Page;

    HostMachineCreate(256, Seed);
    HostSetFaultHandler(HostDemandZero);
    HostSetTlbSize(HOST_TLB_MINIMUM);
    for (Page = 0; Page < 100; Page++) {
        PagingWrite(PAGING_VA + Page * PAGE_SIZE, Page);
    }
    for (Page = 100; Page-- > 0;) {
        CHECK_EQUAL(Page, PagingRead(PAGING_VA + Page * PAGE_SIZE));
    }
    HostVerifyTlb();
}

TEST(Tlb_small_TLB_evicts_and_loses_nothing)
{
    Thrash(TestSeed());
    CHECK_EQUAL(100, HostCounters()->Faults);
    CHECK_EQUAL(HostCounters()->Fills, HostCounters()->Evictions + HOST_TLB_MINIMUM);
    CHECK(HostCounters()->Evictions >= 2 * (100 - HOST_TLB_MINIMUM));
    HostMachineDelete();
}

/* More than Linux keeps frames at (region.c): each page finds its own, kept or mapped anew. */
TEST(Tlb_thousands_of_pages_find_their_frames_after_each_flush)
{
    const ULONG Pages = 9000;
    ULONG Round;
    ULONG Page;

    HostMachineCreate(Pages + 100, TestSeed());
    HostSetFaultHandler(HostDemandZero);
    for (Round = 0; Round < 2; Round++) {
        for (Page = 0; Page < Pages; Page++) {
            CHECK_EQUAL(Round == 0 ? 0 : Page, PagingRead(PAGING_VA + Page * PAGE_SIZE));
            PagingWrite(PAGING_VA + Page * PAGE_SIZE, Page);
        }
        HostSetTlbSize(HOST_TLB_MAXIMUM);
    }
    for (Page = 0; Page < Pages; Page++) {
        CHECK_EQUAL(Page, PagingRead(PAGING_VA + Page * PAGE_SIZE));
    }
    CHECK_EQUAL(Pages, HostCounters()->Faults);
    HostVerifyTlb();
    HostMachineDelete();
}

TEST(Tlb_evictions_are_the_seeds_choice)
{
    ULONG Differences = 0;
    ULONG Seed;

    for (Seed = 2; Seed <= 20; Seed += 2) {
        ULONG Evictions;

        Thrash(Seed);
        Evictions = HostCounters()->Evictions;
        Thrash(Seed);
        CHECK_EQUAL(Evictions, HostCounters()->Evictions);
        Thrash(Seed + 100);
        Differences += Evictions != HostCounters()->Evictions;
    }
    CHECK(Differences > 0);
    HostMachineDelete();
}

TEST(Tlb_page_that_becomes_dirty_keeps_its_place_in_the_TLB)
{
    ULONG Page;

    PagingStart();
    HostSetTlbSize(HOST_TLB_MINIMUM);
    for (Page = 0; Page < HOST_TLB_MINIMUM; Page++) {
        PagingRead(PAGING_VA + Page * PAGE_SIZE);
        PagingWrite(PAGING_VA + Page * PAGE_SIZE, 1);
    }
    CHECK_EQUAL(2 * HOST_TLB_MINIMUM, HostCounters()->Fills);
    CHECK_EQUAL(0, HostCounters()->Evictions);
    HostVerifyTlb();
    HostMachineDelete();
}

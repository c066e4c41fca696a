/* SPDX-License-Identifier: MIT */
/*
 * test_vad.c - descriptors: finding them, and room for more.
 */
#include "tests/unit/space_world.h"

#define RW PAGE_READWRITE

TEST(Vad_is_found_by_each_of_its_pages_and_by_no_other)
{
    PMMVAD Vad;

    SpaceStart();
    SpaceAllocate(0x100000, KB64, MEM_RESERVE, RW);
    SpaceAllocate(0x200000, 0x3000, MEM_RESERVE, RW);
    Vad = MiFindVad(SpaceCurrent(), 0x200);
    CHECK(Vad != NULL && Vad->StartingVpn == 0x200 && Vad->EndingVpn == 0x202);
    CHECK(MiFindVad(SpaceCurrent(), 0x202) == Vad);
    CHECK(MiFindVad(SpaceCurrent(), 0x203) == NULL);
    CHECK(MiFindVad(SpaceCurrent(), 0x1FF) == NULL);
    CHECK(MiFindVadFrom(SpaceCurrent(), 0x110) == Vad);
    CHECK(MiFindVadFrom(SpaceCurrent(), 0x203) == NULL);
    CHECK(MiPreviousVad(Vad) == MiFindVad(SpaceCurrent(), 0x10F));
    SpaceFinish();
}

TEST(Vad_search_from_the_top_passes_places_that_are_too_small)
{
    SpaceStart();
    SpaceAllocate(MM_SHARED_USER_DATA_VA - 2 * KB64, KB64, MEM_RESERVE, RW); /* a hole above it */
    CHECK_EQUAL(MM_SHARED_USER_DATA_VA - 4 * KB64,
                SpaceAllocate(0, 2 * KB64, MEM_RESERVE | MEM_TOP_DOWN, RW));
    CHECK_EQUAL(MM_SHARED_USER_DATA_VA - KB64,
                SpaceAllocate(0, KB64, MEM_RESERVE | MEM_TOP_DOWN, RW));
    CHECK_EQUAL(MM_SHARED_USER_DATA_VA - 5 * KB64,
                SpaceAllocate(0, KB64, MEM_RESERVE | MEM_TOP_DOWN, RW));
    SpaceFinish();
}

TEST(Vads_can_take_the_whole_user_half_but_for_its_ends)
{
    SpaceStart();
    CHECK_EQUAL(MM_LOWEST_USER_ADDRESS,
                SpaceAllocate(0, MM_SHARED_USER_DATA_VA - MM_LOWEST_USER_ADDRESS, MEM_RESERVE, RW));
    CHECK_EQUAL(512, SpaceCurrent()->CommitCharge);
    CHECK_EQUAL(STATUS_NO_MEMORY, SpaceTryAllocate(0, 1, MEM_RESERVE, RW));
    CHECK_EQUAL(STATUS_NO_MEMORY, SpaceTryAllocate(0, 1, MEM_RESERVE | MEM_TOP_DOWN, RW));
    SpaceFinish();
}

TEST(Vads_by_the_thousand_stay_balanced_and_are_all_found)
{
    const ULONG Count = 3000;
    ULONG Nodes;
    ULONG i;

    SpaceStart();
    for (i = 0; i < Count; i++) {
        CHECK_EQUAL((i + 1) * KB64, SpaceAllocate(0, 1, MEM_RESERVE, RW));
    }
    CHECK(RtlAvlVerify(&SpaceCurrent()->VadRoot, &Nodes));
    CHECK_EQUAL(Count, Nodes);
    for (i = 0; i < Count; i += 2) {
        SpaceFree((i + 1) * KB64, 0, MEM_RELEASE);
    }
    MiVerifyAll();
    CHECK_EQUAL(KB64, SpaceAllocate(0, 1, MEM_RESERVE, RW));
    CHECK_EQUAL((Count + 1) * KB64, SpaceAllocate(0, 2 * KB64, MEM_RESERVE, RW));
    SpaceFinish();
}

TEST(Vad_creation_undoes_its_charges_when_the_last_one_fails)
{
    ULONG Pool;

    SpaceStart();
    Pool = SpaceCurrent()->QuotaUsage[PsNonPagedPool];
    SpaceCurrent()->QuotaLimit[PsPageFile] = 16;
    CHECK_EQUAL(STATUS_PAGEFILE_QUOTA, SpaceTryAllocate(0, KB64, MEM_COMMIT, RW)); /* + a table */
    CHECK_EQUAL(Pool, SpaceCurrent()->QuotaUsage[PsNonPagedPool]);
    CHECK_EQUAL(0, SpaceCurrent()->CommitCharge);
    SpaceFinish();
}

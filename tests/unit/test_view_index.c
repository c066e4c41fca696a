/* SPDX-License-Identifier: MIT */
/*
 * test_view_index.c - slots are found where they were made, and cost nothing where there are none.
 */
#include "mm/pool/pool_inject.h"
#include "tests/unit/cc_world.h"

#include <string.h>

static SHARED_CACHE_MAP Map;
static VACB Views[3];

static KIRQL Start(LONGLONG SectionSize)
{
    CcWorldStart();
    memset(&Map, 0, sizeof(Map));
    Map.SectionSize = SectionSize;
    return CciLock();
}

static void Finish(KIRQL OldIrql) NT_NO_LOCK_ANALYSIS
{
    CciDeleteIndex(&Map);
    CciUnlock(OldIrql);
    CcWorldFinish();
}

static NTSTATUS Set(ULONG64 Number, PVACB Vacb, ULONG64 Dirty) NT_NO_LOCK_ANALYSIS
{
    PCC_SLOT Slot = CciMakeSlot(&Map, Number);

    if (Slot == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Slot->Vacb = Vacb;
    Slot->Dirty = Dirty;
    CciSlotChanged(&Map, Number);
    return STATUS_SUCCESS;
}

static ULONG64 Next(CC_INDEX_BIT Bit, ULONG64 Number) NT_NO_LOCK_ANALYSIS
{
    return CciNextSlot(&Map, Bit, &Number) ? Number : ~0ull;
}

TEST(A_file_of_1_MB_needs_no_index)
{
    KIRQL OldIrql = Start(0x100000);

    CHECK_EQUAL(4, CciIndexSlots(0));
    CHECK_EQUAL(STATUS_SUCCESS, CciGrowIndex(&Map, 4));
    CHECK_EQUAL(0, Map.Levels);
    CHECK_EQUAL(STATUS_SUCCESS, Set(3, &Views[0], 0));
    CHECK(CciFindSlot(&Map, 3)->Vacb == &Views[0]);
    CHECK(CciFindSlot(&Map, 4) == NULL);
    CHECK_EQUAL(3, Next(CcSlotUsed, 0));
    CHECK_EQUAL(~0ull, Next(CcSlotDirty, 0));
    CciVerifyIndex(&Map);
    CHECK_EQUAL(STATUS_SUCCESS, Set(3, NULL, 0));
    Finish(OldIrql);
}

TEST(An_index_grows_by_levels_and_keeps_its_slots)
{
    KIRQL OldIrql = Start((LONGLONG)1 << 40);

    CHECK_EQUAL(STATUS_SUCCESS, Set(1, &Views[0], 0));
    CHECK_EQUAL(STATUS_SUCCESS, Set(2, NULL, 5));
    CHECK_EQUAL(STATUS_SUCCESS, CciGrowIndex(&Map, 5));
    CHECK_EQUAL(1, Map.Levels);
    CHECK_EQUAL(STATUS_SUCCESS, CciGrowIndex(&Map, 129));
    CHECK_EQUAL(2, Map.Levels);
    CHECK_EQUAL(STATUS_SUCCESS, CciGrowIndex(&Map, 1ull << 22));
    CHECK_EQUAL(4, Map.Levels);
    CHECK_EQUAL(STATUS_SUCCESS, Set((1ull << 22) - 1, &Views[1], 0));
    CHECK(CciFindSlot(&Map, 1)->Vacb == &Views[0]);
    CHECK_EQUAL(5, CciFindSlot(&Map, 2)->Dirty);
    CHECK(CciFindSlot(&Map, 1000) == NULL);
    CHECK_EQUAL(1, Next(CcSlotUsed, 0));
    CHECK_EQUAL((1ull << 22) - 1, Next(CcSlotUsed, 3));
    CHECK_EQUAL(2, Next(CcSlotDirty, 0));
    CHECK_EQUAL(~0ull, Next(CcSlotDirty, 3));
    CciVerifyIndex(&Map);
    CHECK_EQUAL(STATUS_SUCCESS, Set(1, NULL, 0));
    CHECK_EQUAL(STATUS_SUCCESS, Set(2, NULL, 0));
    CHECK_EQUAL(STATUS_SUCCESS, Set((1ull << 22) - 1, NULL, 0));
    CHECK(Map.Index == NULL);
    Finish(OldIrql);
}

TEST(An_empty_index_grows_without_memory)
{
    KIRQL OldIrql = Start((LONGLONG)1 << 40);

    MiFailPoolAllocation(1);
    CHECK_EQUAL(STATUS_SUCCESS, CciGrowIndex(&Map, 1ull << 22));
    CHECK(!MiPoolFailureHappened());
    MiFailPoolAllocation(0);
    Finish(OldIrql);
}

TEST(A_slot_that_gets_no_memory_leaves_nothing_behind)
{
    KIRQL OldIrql = Start((LONGLONG)1 << 40);
    ULONG Nth;

    CHECK_EQUAL(STATUS_SUCCESS, CciGrowIndex(&Map, 1ull << 22));
    for (Nth = 1; Nth <= 4; Nth++) {
        MiFailPoolAllocation(Nth);
        CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, Set(77777, &Views[0], 0));
        CHECK(MiPoolFailureHappened());
        CHECK(Map.Index == NULL);
    }
    CHECK_EQUAL(STATUS_SUCCESS, Set(77777, &Views[0], 0));
    MiFailPoolAllocation(1);
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, CciGrowIndex(&Map, 1ull << 29));
    CHECK_EQUAL(4, Map.Levels);
    CHECK(CciFindSlot(&Map, 77777)->Vacb == &Views[0]);
    CHECK_EQUAL(STATUS_SUCCESS, Set(77777, NULL, 0));
    Finish(OldIrql);
}

TEST(The_index_agrees_with_an_array_of_slots)
{
    static ULONG64 Model[600];
    KIRQL OldIrql = Start(600ll << VACB_OFFSET_SHIFT);
    ULONG64 Random = TestSeed();
    ULONG Round;
    ULONG i;

    memset(Model, 0, sizeof(Model));
    CHECK_EQUAL(STATUS_SUCCESS, CciGrowIndex(&Map, 600));
    for (Round = 0; Round < 3000; Round++) {
        ULONG Number = TestRandom(&Random) % 600;
        ULONG64 Wanted = Number;

        Model[Number] = TestRandom(&Random) % 4 == 0 ? 1ull << (Round % 64) : 0;
        CHECK_EQUAL(STATUS_SUCCESS, Set(Number, NULL, Model[Number]));
        Wanted = TestRandom(&Random) % 600;
        for (i = (ULONG)Wanted; i < 600 && Model[i] == 0; i++) {
            continue;
        }
        CHECK_EQUAL(i == 600 ? ~0ull : i, Next(CcSlotDirty, Wanted));
        CHECK_EQUAL(i == 600 ? ~0ull : i, Next(CcSlotUsed, Wanted));
    }
    CciVerifyIndex(&Map);
    for (i = 0; i < 600; i++) {
        CHECK_EQUAL(STATUS_SUCCESS, Set(i, NULL, 0));
    }
    Finish(OldIrql);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_lookaside.c - look-aside lists: what they keep, what they ask the pool for, what they count.
 */
#include "mm/pool/lookaside.h"
#include "tests/unit/pool_world.h"
#include "tests/unit/test.h"

#define DEPTH 32u /* entries that a list keeps */

static NPAGED_LOOKASIDE_LIST List;

static void Start(SIZE_T Size)
{
    PoolWorldCreate(&PoolWorldPlain);
    ExInitializeNPagedLookasideList(&List, NULL, NULL, 0, Size, TAG_A, 0);
}

static void Finish(void)
{
    ExDeleteNPagedLookasideList(&List);
    PoolWorldCheckEmpty();
    HostMachineDelete();
}

TEST(Lookaside_gives_the_entry_that_was_freed_last)
{
    PVOID Entry[3];
    ULONG Index;

    Start(64);
    for (Index = 0; Index < 3; Index++) {
        Entry[Index] = ExAllocateFromNPagedLookasideList(&List);
        CHECK(Entry[Index] != NULL);
    }
    for (Index = 0; Index < 3; Index++) {
        ExFreeToNPagedLookasideList(&List, Entry[Index]);
    }
    CHECK(ExAllocateFromNPagedLookasideList(&List) == Entry[0]); /* in front of the list */
    CHECK(ExAllocateFromNPagedLookasideList(&List) == Entry[2]);
    CHECK(ExAllocateFromNPagedLookasideList(&List) == Entry[1]);
    CHECK_EQUAL(6, List.L.TotalAllocates);
    CHECK_EQUAL(3, List.L.AllocateMisses);
    CHECK_EQUAL(3, List.L.TotalFrees);
    CHECK_EQUAL(0, List.L.FreeMisses);
    for (Index = 0; Index < 3; Index++) {
        ExFreeToNPagedLookasideList(&List, Entry[Index]);
    }
    Finish();
}

TEST(Lookaside_keeps_its_depth_and_frees_the_rest)
{
    PVOID Entry[DEPTH + 4];
    ULONG Index;

    Start(64);
    for (Index = 0; Index < RTL_NUMBER_OF(Entry); Index++) {
        Entry[Index] = ExAllocateFromNPagedLookasideList(&List);
    }
    for (Index = 0; Index < RTL_NUMBER_OF(Entry); Index++) {
        ExFreeToNPagedLookasideList(&List, Entry[Index]);
    }
    CHECK_EQUAL(DEPTH, ExQueryDepthSList(&List.L.ListHead));
    CHECK_EQUAL(3, List.L.FreeMisses);
    CHECK_EQUAL(DEPTH + 1, MiFindPoolTag(TAG_A)->Use[NonPagedPool].Allocs -
                               MiFindPoolTag(TAG_A)->Use[NonPagedPool].Frees);
    PoolWorldVerify();
    Finish();
}

/* Allocate Count entries, and free them. */
static void Use(ULONG Count)
{
    PVOID Entry[300];
    ULONG Index;

    CHECK(Count <= RTL_NUMBER_OF(Entry));
    for (Index = 0; Index < Count; Index++) {
        Entry[Index] = ExAllocateFromNPagedLookasideList(&List);
    }
    for (Index = 0; Index < Count; Index++) {
        ExFreeToNPagedLookasideList(&List, Entry[Index]);
    }
}

TEST(Lookaside_depth_grows_by_what_went_to_the_pool_and_came_back)
{
    ULONG Second;

    Start(64);
    Use(DEPTH + 11); /* one more waits in front of the list */
    ExAdjustLookasideDepth();
    CHECK_EQUAL(DEPTH + 10, List.L.Depth);
    Use(DEPTH + 11);
    ExAdjustLookasideDepth();
    Use(DEPTH + 11); /* all of them were kept, and come from there */
    ExAdjustLookasideDepth();
    CHECK_EQUAL(DEPTH + 10, List.L.Depth);
    for (Second = 0; Second < 3; Second++) {
        Use(300);
        ExAdjustLookasideDepth();
    }
    CHECK_EQUAL(List.L.MaximumDepth, List.L.Depth);
    Finish();
}

TEST(Lookaside_depth_stays_for_entries_that_stay_allocated)
{
    PVOID Entry[DEPTH + 20];
    ULONG Index;

    Start(64);
    for (Index = 0; Index < RTL_NUMBER_OF(Entry); Index++) {
        Entry[Index] = ExAllocateFromNPagedLookasideList(&List);
    }
    ExAdjustLookasideDepth(); /* all of them came from the pool: a longer list had not helped */
    CHECK_EQUAL(DEPTH, List.L.Depth);
    for (Index = 0; Index < RTL_NUMBER_OF(Entry); Index++) {
        ExFreeToNPagedLookasideList(&List, Entry[Index]);
    }
    Finish();
}

TEST(Lookaside_depth_halves_in_each_second_without_use_down_to_four)
{
    static const ULONG Depths[] = {DEPTH, 16, 8, 4, 4, 4};
    ULONG Second;

    Start(64);
    Use(DEPTH);
    for (Second = 0; Second < RTL_NUMBER_OF(Depths); Second++) {
        ExAdjustLookasideDepth();
        CHECK_EQUAL(Depths[Second], List.L.Depth);
    }
    CHECK_EQUAL(DEPTH - 1, ExQueryDepthSList(&List.L.ListHead)); /* what is there stays there */
    Use(DEPTH);
    CHECK_EQUAL(4, ExQueryDepthSList(&List.L.ListHead));
    ExAdjustLookasideDepth();
    CHECK_EQUAL(4, List.L.Depth); /* none had to be fetched */
    PoolWorldVerify();
    Finish();
}

TEST(Lookaside_entries_hold_at_least_a_list_entry)
{
    PVOID Entry;

    Start(1);
    CHECK_EQUAL(sizeof(SLIST_ENTRY), List.L.Size);
    Entry = ExAllocateFromNPagedLookasideList(&List);
    ExFreeToNPagedLookasideList(&List, Entry);
    Finish();
}

/* ---- routines of the owner's ---- */

static ULONG Asked;
static UCHAR Memory[64] NT_ALIGNED(8);

static PVOID NTAPI AllocateOwn(POOL_TYPE PoolType, SIZE_T Bytes, ULONG Tag)
{
    CHECK_EQUAL(PagedPool, PoolType);
    CHECK_EQUAL(48, Bytes);
    CHECK_EQUAL(TAG_B, Tag);
    Asked++;
    return Memory;
}

static void NTAPI FreeOwn(PVOID Buffer)
{
    CHECK(Buffer == Memory);
    Asked--;
}

TEST(Lookaside_uses_its_owner_s_routines)
{
    PAGED_LOOKASIDE_LIST Own;

    Asked = 0;
    PoolWorldCreate(&PoolWorldPlain);
    ExInitializePagedLookasideList(&Own, AllocateOwn, FreeOwn, 0, 48, TAG_B, 0);
    CHECK(ExAllocateFromPagedLookasideList(&Own) == Memory);
    CHECK_EQUAL(1, Asked);
    ExFreeToPagedLookasideList(&Own, Memory);
    CHECK_EQUAL(1, Asked);
    ExDeletePagedLookasideList(&Own);
    CHECK_EQUAL(0, Asked);
    HostMachineDelete();
}

TEST(Lookaside_that_cannot_allocate_gives_NULL)
{
    Start(64);
    MiFailPoolAllocation(1);
    CHECK(ExAllocateFromNPagedLookasideList(&List) == NULL);
    CHECK_EQUAL(1, List.L.AllocateMisses);
    Finish();
}

static void Count(PVOID Context, const GENERAL_LOOKASIDE *Lookaside)
{
    *(PULONG)Context += Lookaside == &List.L ? 1 : 0;
}

TEST(Lookaside_lists_can_be_walked_until_they_are_deleted)
{
    ULONG Found = 0;

    Start(64);
    MiForEachLookaside(NonPagedPool, Count, &Found);
    CHECK_EQUAL(1, Found);
    MiForEachLookaside(PagedPool, Count, &Found);
    CHECK_EQUAL(1, Found);
    Finish();
    MiForEachLookaside(NonPagedPool, Count, &Found);
    CHECK_EQUAL(1, Found);
}

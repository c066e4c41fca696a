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

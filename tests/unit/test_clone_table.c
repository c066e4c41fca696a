/* SPDX-License-Identifier: MIT */
/*
 * test_clone_table.c - blocks: taken, freed, numbered, and given back to the pool.
 */
#include "mm/pool/pool_inject.h"
#include "mm/space/clone_table.h"
#include "tests/unit/space_world.h"

#define A_PAGE (MI_CLONE_BLOCKS - 1)

static ULONG Take(void)
{
    KIRQL OldIrql = MiLockPfn();
    ULONG Index = MiTakeCloneBlock();

    MiCloneBlock(Index)->ProtoPte = MiMakeSoftwarePte(MM_READWRITE);
    MiUnlockPfn(OldIrql);
    return Index;
}

static void Free(ULONG Index)
{
    KIRQL OldIrql = MiLockPfn();

    MiCloneBlock(Index)->CloneRefCount = 0;
    MiFreeCloneBlock(Index);
    MiUnlockPfn(OldIrql);
}

static ULONG Verify(void)
{
    MI_CLONE_SUMS Sums = {0};

    MiVerifyCloneTable(&Sums);
    return Sums.References;
}

TEST(CloneTable_finds_a_block_by_its_number_and_the_number_by_its_PTE)
{
    ULONG Index[A_PAGE + 1];
    ULONG Bytes;
    ULONG i;

    SpaceStart();
    CHECK_EQUAL(STATUS_SUCCESS, MiReserveCloneBlocks(A_PAGE + 1));
    for (i = 0; i <= A_PAGE; i++) {
        Index[i] = Take();
        CHECK_EQUAL(Index[i], MiCloneIndexOf(&MiCloneBlock(Index[i])->ProtoPte));
        CHECK_EQUAL(1, MiCloneBlock(Index[i])->CloneRefCount);
        CHECK(Index[i] % MI_CLONE_BLOCKS != 0); /* the header's place */
    }
    CHECK(Index[0] / MI_CLONE_BLOCKS != Index[A_PAGE] / MI_CLONE_BLOCKS);
    CHECK_EQUAL(A_PAGE + 1, Verify());
    CHECK_EQUAL(A_PAGE + 1, MiCountCloneBlocks(&Bytes));
    CHECK_EQUAL(2 * PAGE_SIZE, Bytes);
    for (i = 0; i <= A_PAGE; i++) {
        Free(Index[i]);
    }
    CHECK_EQUAL(0, Verify());
    MiTrimCloneTable();
    CHECK_EQUAL(0, MiCountCloneBlocks(&Bytes));
    CHECK_EQUAL(0, Bytes);
    SpaceFinish();
}

TEST(CloneTable_keeps_what_is_reserved_and_uses_freed_blocks_again)
{
    ULONG Index;
    ULONG Bytes;

    SpaceStart();
    CHECK_EQUAL(STATUS_SUCCESS, MiReserveCloneBlocks(2));
    MiTrimCloneTable(); /* takes nothing away that was promised */
    (void)MiCountCloneBlocks(&Bytes);
    CHECK_EQUAL(PAGE_SIZE, Bytes);
    Index = Take();
    Free(Index);
    CHECK_EQUAL(Index, Take());
    Free(Index);
    MiTrimCloneTable();
    (void)MiCountCloneBlocks(&Bytes);
    CHECK_EQUAL(0, Bytes);
    SpaceFinish();
}

TEST(CloneTable_refuses_what_it_has_no_memory_for_and_keeps_nothing)
{
    ULONG Bytes;

    SpaceStart();
    MiFailPoolAllocation(3);
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, MiReserveCloneBlocks(2 * A_PAGE));
    MiFailPoolAllocation(0);
    CHECK_EQUAL(0, MiCountCloneBlocks(&Bytes));
    CHECK_EQUAL(0, Bytes);
    CHECK_EQUAL(0, Verify());
    SpaceFinish();
}

static void VerifyAll(PVOID Context)
{
    (void)Context;
    MiVerifyAll();
}

TEST(CloneTable_verify_finds_a_block_that_no_PTE_names)
{
    HOST_BUGCHECK Stop;

    SpaceStart();
    CHECK_EQUAL(STATUS_SUCCESS, MiReserveCloneBlocks(1));
    (void)Take();
    CHECK(HostCatchBugCheck(VerifyAll, NULL, &Stop)); /* U5 */
    HostMachineDelete();
}

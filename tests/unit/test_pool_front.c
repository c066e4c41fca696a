/* SPDX-License-Identifier: MIT */
/*
 * test_pool_front.c - what the front end and the pools keep, and that it can be had back.
 */
#include "mm/pool/pool_block.h"
#include "mm/pool/pool_front.h"
#include "tests/unit/pool_world.h"
#include "tests/unit/test.h"

static PVOID Blocks[2 * MI_FRONT_SLOTS];

static void AllocateAndFree(ULONG Count, ULONG Bytes)
{
    ULONG Index;

    for (Index = 0; Index < Count; Index++) {
        Blocks[Index] = ExAllocatePoolWithTag(NonPagedPool, Bytes, TAG_A);
    }
    for (Index = 0; Index < Count; Index++) {
        ExFreePool(Blocks[Index]);
    }
}

TEST(FrontEnd_keeps_eight_blocks_of_a_size)
{
    ULONG Units;

    PoolWorldCreate(&PoolWorldPlain);
    AllocateAndFree(RTL_NUMBER_OF(Blocks), 64);
    CHECK_EQUAL(MI_FRONT_SLOTS, MiCountFrontEnd(NonPagedPool, &Units));
    CHECK_EQUAL(MI_FRONT_SLOTS * 9, Units);
    AllocateAndFree(MI_FRONT_SLOTS, 64); /* from there, and back */
    CHECK_EQUAL(MI_FRONT_SLOTS, MiCountFrontEnd(NonPagedPool, &Units));
    PoolWorldVerify();
    PoolWorldCheckEmpty();
    HostMachineDelete();
}

TEST(FrontEnd_keeps_blocks_up_to_1024_bytes)
{
    ULONG Units;

    PoolWorldCreate(&PoolWorldPlain);
    AllocateAndFree(1, 1024);
    CHECK_EQUAL(1, MiCountFrontEnd(NonPagedPool, &Units));
    AllocateAndFree(1, 1025);
    CHECK_EQUAL(1, MiCountFrontEnd(NonPagedPool, &Units));
    PoolWorldCheckEmpty();
    HostMachineDelete();
}

TEST(FrontEnd_that_is_off_keeps_nothing)
{
    ULONG Units;

    PoolWorldCreate(&PoolWorldPlain);
    MiSetPoolFrontEnd(MiFrontEndOffForInjection, TRUE);
    AllocateAndFree(4, 64);
    AllocateAndFree(1, PAGE_SIZE);
    CHECK_EQUAL(0, MiCountFrontEnd(NonPagedPool, &Units));
    CHECK(MiPoolFront.Pages[0] == NULL);
    CHECK(MiFindPool(NonPagedPool, 0)->Spare == NULL);
    MiSetPoolFrontEnd(MiFrontEndOffForInjection, FALSE);
    PoolWorldCheckEmpty();
    HostMachineDelete();
}

TEST(Flush_gives_blocks_pages_and_spare_pages_back)
{
    PoolWorldCreate(&PoolWorldPlain);
    AllocateAndFree(2, 64);
    AllocateAndFree(1, PAGE_SIZE);
    AllocateAndFree(1, 4000); /* another page, which becomes the spare one */
    CHECK(MiFindPool(NonPagedPool, 0)->Spare != NULL);
    CHECK_EQUAL(4, MiFlushPoolFrontEnd(NonPagedPool));
    CHECK_EQUAL(0, MiFlushPoolFrontEnd(NonPagedPool));
    CHECK_EQUAL(0, MiFlushPoolFrontEnd(PagedPool));
    PoolWorldCheckEmpty();
    HostMachineDelete();
}

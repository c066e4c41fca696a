/* SPDX-License-Identifier: MIT */
/*
 * test_prop_pool.c - the pools against an array of blocks.
 *
 * Random allocations and frees of all kinds; each block's contents are stamped when it is made and
 * checked when it goes, so that two blocks that overlap, or one that moves, show.  The model also
 * counts for each tag.  MiVerifyPool runs often, and in the end all must be as in the beginning.
 */
#include "tests/unit/pool_world.h"
#include "tests/unit/test.h"

#define MODEL_BLOCKS 700u
#define TAGS         5u

typedef struct _MODEL_BLOCK {
    PUCHAR Data; /* NULL: not in use */
    ULONG Bytes;
    ULONG Tag;
    ULONG Stamp;
    UCHAR BaseType;
} MODEL_BLOCK;

typedef struct _MODEL_TAG {
    ULONG Allocs;
    ULONG Frees;
} MODEL_TAG;

static MODEL_BLOCK Model[MODEL_BLOCKS];
static MODEL_TAG ModelTags[TAGS][2];
static ULONG ModelInUse;
static ULONG ModelRefused;
static uint64_t State;

static ULONG Below(ULONG Limit)
{
    return TestRandom(&State) % Limit;
}

static ULONG TagOf(ULONG Number)
{
    return 0x30706F50u + (Number << 24); /* 'Pop0' and on */
}

/* ---- contents: the stamp in the first and the last word or byte, and one in between ---- */

static void Stamp(const MODEL_BLOCK *Block)
{
    ULONG Offset;

    for (Offset = 0; Offset < Block->Bytes; Offset += Block->Bytes / 8 + 1) {
        Block->Data[Offset] = (UCHAR)(Block->Stamp + Offset);
    }
    if (Block->Bytes != 0) {
        Block->Data[Block->Bytes - 1] = (UCHAR)Block->Stamp;
    }
}

static void CheckStamp(const MODEL_BLOCK *Block)
{
    ULONG Offset;

    for (Offset = 0; Offset + 1 < Block->Bytes; Offset += Block->Bytes / 8 + 1) {
        CHECK_EQUAL((UCHAR)(Block->Stamp + Offset), Block->Data[Offset]);
    }
    if (Block->Bytes != 0) {
        CHECK_EQUAL((UCHAR)Block->Stamp, Block->Data[Block->Bytes - 1]);
    }
}

/* ---- operations ---- */

static ULONG RandomBytes(void)
{
    switch (Below(8)) {
    case 0:
        return Below(PAGE_SIZE + 64);
    case 1:
        return Below(4) == 0 ? Below(5 * PAGE_SIZE) : 0xFE0 + Below(0x40);
    case 2:
        return Below(2048);
    default:
        return Below(300);
    }
}

static void CheckPlace(const MODEL_BLOCK *Block, POOL_TYPE Type)
{
    ULONG_PTR Va = (ULONG_PTR)Block->Data;
    BOOLEAN QuotaCharged;

    CHECK_EQUAL(Block->BaseType == PagedPool, Va >= POOL_PAGED_VA && Va < POOL_SPECIAL_VA);
    if (Block->Bytes > 0xFF0) {
        CHECK_EQUAL(0, BYTE_OFFSET(Va));
    } else {
        CHECK_EQUAL(0, Va % ((Type & 4) != 0 ? 64 : 8));
        CHECK(BYTE_OFFSET(Va) + Block->Bytes <= PAGE_SIZE);
    }
    CHECK(ExQueryPoolBlockSize(Block->Data, &QuotaCharged) >= Block->Bytes);
}

static void Allocate(MODEL_BLOCK *Block)
{
    ULONG Number = Below(TAGS);
    POOL_TYPE Type = (POOL_TYPE)(Below(2) | (Below(16) == 0 ? 4 : 0));

    Block->Bytes = RandomBytes();
    Block->BaseType = (UCHAR)(Type & 1);
    Block->Tag = TagOf(Number);
    Block->Stamp = TestRandom(&State);
    Block->Data = ExAllocatePoolWithTag(Type, Block->Bytes, Block->Tag);
    if (Block->Data == NULL) {
        ModelRefused++;
        return;
    }
    ModelTags[Number][Block->BaseType].Allocs++;
    ModelInUse++;
    CheckPlace(Block, Type);
    Stamp(Block);
}

static void Free(MODEL_BLOCK *Block)
{
    CheckStamp(Block);
    if (Below(2) == 0) {
        ExFreePool(Block->Data);
    } else {
        ExFreePoolWithTag(Block->Data, Block->Tag);
    }
    ModelTags[(Block->Tag >> 24) - '0'][Block->BaseType].Frees++;
    ModelInUse--;
    Block->Data = NULL;
}

static void CheckTags(void)
{
    ULONG Number;
    ULONG Type;

    for (Number = 0; Number < TAGS; Number++) {
        for (Type = 0; Type < 2; Type++) {
            const MI_POOL_USE *Use = &MiFindPoolTag(TagOf(Number))->Use[Type];

            CHECK_EQUAL(ModelTags[Number][Type].Allocs, Use->Allocs);
            CHECK_EQUAL(ModelTags[Number][Type].Frees, Use->Frees);
        }
    }
}

static void FreeAll(void)
{
    ULONG Index;

    for (Index = 0; Index < MODEL_BLOCKS; Index++) {
        if (Model[Index].Data != NULL) {
            Free(&Model[Index]);
        }
    }
}

/* Live blocks at most: between few, where the pools empty, and many, where they run out. */
static void RunOperations(uint64_t Rounds, ULONG VerifyEvery)
{
    ULONG Live = MODEL_BLOCKS;
    uint64_t Round;

    for (Round = 0; Round < Rounds; Round++) {
        MODEL_BLOCK *Block = &Model[Below(Live)];

        if (Block->Data != NULL) {
            Free(Block);
        } else {
            Allocate(Block);
        }
        if (Round % VerifyEvery == 0) {
            PoolWorldVerify();
            CheckTags();
            Live = 1 + Below(MODEL_BLOCKS);
        }
    }
    FreeAll();
    CHECK_EQUAL(0, ModelInUse);
    CheckTags();
    PoolWorldCheckEmpty();
}

static void StartModel(const POOL_WORLD *World, uint64_t Seed)
{
    State = Seed;
    memset(Model, 0, sizeof(Model));
    memset(ModelTags, 0, sizeof(ModelTags));
    ModelInUse = 0;
    ModelRefused = 0;
    PoolWorldCreate(World);
}

TEST(Pools_agree_with_an_array_of_blocks)
{
    static const POOL_WORLD World = {40, 60, 120, FALSE, FALSE};
    ULONG Run;

    for (Run = 0; Run < 4; Run++) {
        StartModel(&World, TestSeed() + Run);
        RunOperations(TestRounds(300000), 2000);
        CHECK(ModelRefused != 0); /* running out was met too */
        HostMachineDelete();
    }
}

TEST(Poisoned_and_protected_pools_agree_with_an_array_of_blocks)
{
    static const POOL_WORLD World = {100, 20, 60, TRUE, TRUE};

    StartModel(&World, TestSeed());
    RunOperations(TestRounds(60000), 1000);
    HostMachineDelete();
}

/* ---- every n-th allocation fails ---- */

/* => Returns FALSE when everything succeeded. */
static BOOLEAN RunScenario(ULONG Nth)
{
    static const ULONG Sizes[] = {16, 100, 0xFF0, 0xFF1, 40, 3 * PAGE_SIZE, 500, 0, 1000, 4032};
    PVOID Blocks[RTL_NUMBER_OF(Sizes) * 2];
    ULONG Failures = 0;
    ULONG Index;

    MiFailPoolAllocation(Nth);
    for (Index = 0; Index < RTL_NUMBER_OF(Blocks); Index++) {
        Blocks[Index] = ExAllocatePoolWithTag((POOL_TYPE)(Index % 2 | (Index % 5 == 0 ? 4 : 0)),
                                              Sizes[Index / 2], TAG_A);
        Failures += Blocks[Index] == NULL;
    }
    CHECK(Failures <= 1);
    CHECK(MiPoolFailureHappened() || Failures == 0);
    PoolWorldVerify();
    for (Index = 0; Index < RTL_NUMBER_OF(Blocks); Index++) {
        if (Blocks[Index] != NULL) {
            ExFreePoolWithTag(Blocks[Index], TAG_A);
        }
    }
    return MiPoolFailureHappened();
}

TEST(Pool_survives_the_failure_of_each_allocation)
{
    ULONG Nth = 1;

    PoolWorldCreate(&PoolWorldPlain);
    while (RunScenario(Nth)) {
        MiFailPoolAllocation(0);
        PoolWorldCheckEmpty();
        Nth++;
    }
    MiFailPoolAllocation(0);
    PoolWorldCheckEmpty();
    CHECK(Nth > 20); /* 20 blocks, and the pages behind them */
    HostMachineDelete();
}

/* The big blocks' table cannot grow: it goes on until it is full, then big requests get NULL. */
TEST(Pool_refuses_big_blocks_when_their_table_is_full)
{
    static const POOL_WORLD World = {300, 0, 0, FALSE, FALSE};
    static PVOID Blocks[300];
    ULONG Count = 0;

    PoolWorldCreate(&World);
    while ((Blocks[Count] = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE, TAG_A)) != NULL) {
        Count++;
        if (Count >= 191) {          /* with one more it is three quarters full */
            MiFailPoolAllocation(3); /* its request, its page, then the table's pages */
        }
    }
    MiFailPoolAllocation(0);
    CHECK_EQUAL(255, Count);
    PoolWorldVerify();
    while (Count-- != 0) {
        ExFreePool(Blocks[Count]);
    }
    PoolWorldCheckEmpty();
    HostMachineDelete();
}

TEST(Pool_grows_the_table_of_big_blocks)
{
    static const POOL_WORLD World = {1000, 0, 0, FALSE, FALSE};
    static PVOID Blocks[900];
    ULONG Index;

    PoolWorldCreate(&World);
    for (Index = 0; Index < RTL_NUMBER_OF(Blocks); Index++) {
        Blocks[Index] = ExAllocatePoolWithTag(NonPagedPool, PAGE_SIZE - 4, TAG_A);
        CHECK(Blocks[Index] != NULL);
    }
    PoolWorldVerify();
    CHECK_EQUAL(2048 * 16, MiFindPoolTag(0x74426D4Du)->Use[NonPagedPool].Bytes);
    for (Index = 0; Index < RTL_NUMBER_OF(Blocks); Index++) {
        ExFreePoolWithTag(Blocks[Index], TAG_A);
    }
    PoolWorldCheckEmpty();
    HostMachineDelete();
}

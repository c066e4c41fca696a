/* SPDX-License-Identifier: MIT */
/*
 * test_prop_pool.c - the pools against an array of blocks.
 *
 * Random allocations and frees of all kinds; each block's contents are stamped when it is made and
 * checked when it goes, so that two blocks that overlap, or one that moves, show.  The model also
 * counts for each tag.  MiVerifyPool runs often, and in the end all must be as in the beginning.
 * test_prop_pool_inject.c fails every n-th allocation.
 */
#include "mm/pool/pool_block.h"
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
static ULONG ModelSpecial; /* blocks that were in special pool */
static ULONG FailOneIn;    /* allocations fail by chance; 0: none */
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

static BOOLEAN IsSpecial(PVOID P)
{
    return (ULONG_PTR)P - POOL_SPECIAL_VA < POOL_SPECIAL_PAGES * PAGE_SIZE;
}

/* => A block on a page of its own: at one end of it. */
static void CheckSpecialPlace(const MODEL_BLOCK *Block, POOL_TYPE Type)
{
    ULONG Align = (Type & 4) != 0 ? 64 : 8;
    ULONG Offset = BYTE_OFFSET(Block->Data);
    BOOLEAN QuotaCharged;

    CHECK(Offset == 0 ||
          Offset == PAGE_SIZE - ROUND_UP(Block->Bytes != 0 ? Block->Bytes : 1, Align));
    CHECK_EQUAL(Block->Bytes, ExQueryPoolBlockSize(Block->Data, &QuotaCharged));
    ModelSpecial++;
}

static void CheckPlace(const MODEL_BLOCK *Block, POOL_TYPE Type)
{
    ULONG_PTR Va = (ULONG_PTR)Block->Data;
    BOOLEAN QuotaCharged;

    if (IsSpecial(Block->Data)) {
        CheckSpecialPlace(Block, Type);
        return;
    }
    CHECK_EQUAL(Block->BaseType == PagedPool, Va >= POOL_PAGED_VA && Va < POOL_SPECIAL_VA);
    if (Block->Bytes > 0xFF0) {
        CHECK_EQUAL(0, BYTE_OFFSET(Va));
    } else {
        CHECK_EQUAL(0, Va % ((Type & 4) != 0 ? 64 : 8));
        CHECK(BYTE_OFFSET(Va) + Block->Bytes <= PAGE_SIZE);
    }
    CHECK(ExQueryPoolBlockSize(Block->Data, &QuotaCharged) >= Block->Bytes);
}

static PVOID AllocateSomehow(POOL_TYPE Type, ULONG Bytes, ULONG Tag)
{
    static const EX_POOL_PRIORITY Priorities[] = {
        LowPoolPriority, LowPoolPrioritySpecialPoolOverrun, NormalPoolPriority, HighPoolPriority,
        HighPoolPrioritySpecialPoolUnderrun};

    switch (Below(8)) {
    case 0:
        return ExAllocatePoolWithTagPriority(Type, Bytes, Tag,
                                             Priorities[Below(RTL_NUMBER_OF(Priorities))]);
    case 1:
        return ExAllocatePoolWithQuotaTag((POOL_TYPE)(Type | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE),
                                          Bytes, Tag);
    default:
        return ExAllocatePoolWithTag(Type, Bytes, Tag);
    }
}

static void Allocate(MODEL_BLOCK *Block)
{
    ULONG Number = Below(TAGS);
    POOL_TYPE Type = (POOL_TYPE)(Below(2) | (Below(16) == 0 ? 4 : 0));

    Block->Bytes = RandomBytes();
    Block->BaseType = (UCHAR)(Type & 1);
    Block->Tag = TagOf(Number);
    Block->Stamp = TestRandom(&State);
    if (FailOneIn != 0 && Below(FailOneIn) == 0) {
        MiFailPoolAllocation(1);
    }
    Block->Data = AllocateSomehow(Type, Block->Bytes, Block->Tag);
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
            PoolWorldTrimPaged();
        }
    }
    MiFailPoolAllocation(0);
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
    ModelSpecial = 0;
    FailOneIn = 0;
    PoolWorldCreate(World);
}

TEST(Pools_agree_with_an_array_of_blocks)
{
    static const POOL_WORLD World = {40, 60, 120, FALSE, FALSE};
    ULONG Run;

    for (Run = 0; Run < 10; Run++) {
        MiSetNumberOfPagedPools(1 + Run % MI_MOST_PAGED_POOLS);
        StartModel(&World, TestSeed() + Run);
        RunOperations(TestRounds(180000), 2500);
        CHECK(ModelRefused != 0); /* running out was met too */
        HostMachineDelete();
    }
    MiSetNumberOfPagedPools(MI_USUAL_PAGED_POOLS);
    TestCountOperations(10 * TestRounds(180000), 10);
}

TEST(Poisoned_and_protected_pools_agree_with_an_array_of_blocks)
{
    static const POOL_WORLD World = {100, 20, 60, TRUE, TRUE};
    ULONG Run;

    for (Run = 0; Run < 2; Run++) {
        StartModel(&World, TestSeed() + Run);
        RunOperations(TestRounds(60000), 1000);
        HostMachineDelete();
    }
    TestCountOperations(2 * TestRounds(60000), 2);
}

TEST(Pools_with_special_pool_agree_with_an_array_of_blocks)
{
    static const POOL_WORLD World = {60, 60, 120, FALSE, FALSE};
    static const ULONG Selections[] = {0x30706F50u /* 'Pop0' */, 0x2A, 0x3F706F50u /* 'Pop?' */, 0};
    ULONG Run;

    for (Run = 0; Run < RTL_NUMBER_OF(Selections); Run++) {
        StartModel(&World, TestSeed() + Run);
        PoolWorldAddSpecialPool(POOL_SPECIAL_PAGES);
        MiSelectSpecialPool(Selections[Run], Run % 2 == 0);
        RunOperations(TestRounds(40000), 1000);
        CHECK(ModelSpecial > 100);
        HostMachineDelete();
    }
    TestCountOperations(RTL_NUMBER_OF(Selections) * TestRounds(40000), RTL_NUMBER_OF(Selections));
}

/* Low resources, as Driver Verifier makes them. */
TEST(Pools_that_fail_by_chance_agree_with_an_array_of_blocks)
{
    static const POOL_WORLD World = {200, 60, 300, FALSE, FALSE};
    ULONG Run;

    for (Run = 0; Run < 2; Run++) {
        StartModel(&World, TestSeed() + Run);
        FailOneIn = 17; /* six in a hundred */
        RunOperations(TestRounds(60000), 1500);
        CHECK(ModelRefused > TestRounds(60000) / 100);
        HostMachineDelete();
    }
    TestCountOperations(2 * TestRounds(60000), 2);
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

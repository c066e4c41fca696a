/* SPDX-License-Identifier: MIT */
/*
 * test_prop_pool_inject.c - the n-th allocation fails, for all n, in each of many scenarios.
 *
 * A scenario is a script of allocations and frees that its number decides, in a world of one of
 * several kinds.  It runs again and again, with the first, the second, ... of the blocks and runs
 * of pages that the pools ask for refused, until nothing is left to refuse.  Afterwards each time:
 * at most one request failed, all other blocks hold what was written, everything verifies, and when
 * all is freed nothing is missing.
 */
#include "mm/pool/pool_block.h"
#include "tests/unit/pool_world.h"
#include "tests/unit/test.h"

#include <stdio.h>

#define SCENARIOS 120u
#define STEPS     14u
#define MOST_N    200u

/* What is refused: something that the pools ask of themselves, or memory for pages. */
typedef enum _REFUSAL {
    RefuseAllocation,
    RefuseCommit
} REFUSAL;

typedef struct _HELD {
    PUCHAR Data; /* NULL: refused, or freed by the script */
    ULONG Bytes;
    UCHAR Stamp;
} HELD;

typedef struct _OUTCOME {
    ULONG Refused;
    ULONG Held;
} OUTCOME;

static HELD Blocks[STEPS];
static NPAGED_LOOKASIDE_LIST Lookaside;
static uint64_t State;

static ULONG Below(ULONG Limit)
{
    return TestRandom(&State) % Limit;
}

/* ---- worlds ---- */

static void StartWorld(ULONG Scenario)
{
    const POOL_WORLD World = {24, 24, 40, Scenario % 6 == 1, Scenario % 6 == 2};

    MiSetNumberOfPagedPools(1 + Scenario % MI_MOST_PAGED_POOLS);
    PoolWorldCreate(&World);
    if (Scenario % 6 >= 4) {
        PoolWorldAddSpecialPool(POOL_SPECIAL_PAGES / 4);
        MiSelectSpecialPool(Scenario % 6 == 4 ? 0x2A : TAG_B, Scenario % 4 != 0);
    }
    ExInitializeNPagedLookasideList(&Lookaside, NULL, NULL, 0, 200, TAG_B, 0);
}

static void FinishWorld(void)
{
    ExDeleteNPagedLookasideList(&Lookaside);
    PoolWorldCheckEmpty();
    HostMachineDelete();
    MiSetNumberOfPagedPools(MI_USUAL_PAGED_POOLS);
}

/* ---- the script ---- */

static ULONG DrawBytes(void)
{
    switch (Below(6)) {
    case 0:
        return 1 + Below(4 * PAGE_SIZE);
    case 1:
        return 0xFC0 + Below(0x48);
    case 2:
        return 1 + Below(0xFF0);
    default:
        return 1 + Below(300);
    }
}

static PVOID Ask(ULONG Bytes)
{
    POOL_TYPE Type = (POOL_TYPE)(Below(2) | (Below(5) == 0 ? 4 : 0));
    ULONG Tag = Below(2) == 0 ? TAG_A : TAG_B;

    switch (Below(5)) {
    case 0:
        return ExAllocatePoolWithTagPriority(Type, Bytes, Tag, HighPoolPrioritySpecialPoolUnderrun);
    case 1:
        return ExAllocatePoolWithQuotaTag((POOL_TYPE)(Type | POOL_QUOTA_FAIL_INSTEAD_OF_RAISE),
                                          Bytes, Tag);
    default:
        return ExAllocatePoolWithTag(Type, Bytes, Tag);
    }
}

static void CheckAndFree(HELD *Block)
{
    CHECK_EQUAL(Block->Stamp, Block->Data[0]);
    CHECK_EQUAL(Block->Stamp, Block->Data[Block->Bytes - 1]);
    ExFreePool(Block->Data);
    Block->Data = NULL;
}

/* A block from the list, used and given back: a miss asks the pool. */
static ULONG UseLookaside(void)
{
    PVOID Entry = ExAllocateFromNPagedLookasideList(&Lookaside);

    if (Entry == NULL) {
        return 1;
    }
    memset(Entry, 0x77, 200);
    ExFreeToNPagedLookasideList(&Lookaside, Entry);
    return 0;
}

/* What the script does does not depend on what was refused. */
static OUTCOME RunScript(ULONG Scenario)
{
    OUTCOME Outcome = {0, 0};
    ULONG Step;

    State = TestSeed() + Scenario;
    for (Step = 0; Step < STEPS; Step++) {
        HELD *Block = &Blocks[Step];
        HELD *Old = &Blocks[Below(Step + 1)];

        *Block = (HELD){.Bytes = DrawBytes(), .Stamp = (UCHAR)(Scenario + Step)};
        Block->Data = Ask(Block->Bytes);
        if (Block->Data != NULL) {
            Block->Data[0] = Block->Stamp;
            Block->Data[Block->Bytes - 1] = Block->Stamp;
        }
        Outcome.Refused += Block->Data == NULL;
        if (Below(3) == 0 && Old->Data != NULL) {
            CheckAndFree(Old);
        }
        if (Below(4) == 0) {
            Outcome.Refused += UseLookaside();
        }
    }
    for (Step = 0; Step < STEPS; Step++) {
        Outcome.Held += Blocks[Step].Data != NULL;
    }
    return Outcome;
}

static void Refuse(REFUSAL What, ULONG Nth)
{
    if (What == RefuseCommit) {
        PoolFailCommit = Nth;
    } else {
        MiFailPoolAllocation(Nth);
    }
}

/* => Returns FALSE when there was no n-th one. */
static BOOLEAN RunWithFailure(ULONG Scenario, REFUSAL What, ULONG Nth)
{
    const MI_POOL_USE *A = MiFindPoolTag(TAG_A)->Use;
    const MI_POOL_USE *B = MiFindPoolTag(TAG_B)->Use;
    OUTCOME Outcome;
    BOOLEAN Happened;
    ULONG Step;
    ULONG InUse;

    ExDeleteNPagedLookasideList(&Lookaside); /* each run begins with an empty one */
    ExInitializeNPagedLookasideList(&Lookaside, NULL, NULL, 0, 200, TAG_B, 0);
    MiTrimPools();
    Refuse(What, Nth);
    Outcome = RunScript(Scenario);
    Happened = MiPoolFailureHappened() && PoolFailCommit == 0;
    Refuse(What, 0);
    CHECK(Outcome.Refused <= (ULONG)Happened);
    InUse = A[0].Allocs - A[0].Frees + A[1].Allocs - A[1].Frees + B[0].Allocs - B[0].Frees +
            B[1].Allocs - B[1].Frees;
    CHECK(InUse - Outcome.Held <= 1); /* the list may keep an entry */
    PoolWorldVerify();
    for (Step = 0; Step < STEPS; Step++) {
        if (Blocks[Step].Data != NULL) {
            CheckAndFree(&Blocks[Step]);
        }
    }
    return Happened;
}

/* => Returns how many failures there were. */
static ULONG Sweep(ULONG Scenario, REFUSAL What)
{
    ULONG Nth = 1;

    StartWorld(Scenario);
    while (RunWithFailure(Scenario, What, Nth)) {
        Nth++;
        CHECK(Nth < MOST_N);
    }
    FinishWorld();
    return Nth - 1;
}

/* For figures.json: each failure was survived, and each run was balanced at its end. */
static void PrintFigures(ULONG Failures)
{
    printf("# figure R3 %u 0\n# figure R12 %u 0\n", (unsigned)Failures,
           (unsigned)(Failures + SCENARIOS));
}

TEST(Pools_survive_the_failure_of_each_allocation_in_each_scenario)
{
    ULONG Failures = 0;
    ULONG Scenario;

    for (Scenario = 0; Scenario < SCENARIOS; Scenario++) {
        ULONG Found = Sweep(Scenario, RefuseAllocation);

        CHECK(Found >= STEPS); /* each request was refused once */
        Failures += Found;
    }
    PrintFigures(Failures);
}

TEST(Pools_survive_the_failure_of_each_commit_in_each_scenario)
{
    ULONG Failures = 0;
    ULONG Scenario;

    for (Scenario = 0; Scenario < SCENARIOS; Scenario++) {
        Failures += Sweep(Scenario, RefuseCommit);
    }
    CHECK(Failures > SCENARIOS);
    PrintFigures(Failures);
}

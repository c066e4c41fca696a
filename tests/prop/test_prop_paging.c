/* SPDX-License-Identifier: MIT */
/*
 * test_prop_paging.c - the life of pages on little memory: R1.
 *
 * A world has some hundred free frames, a paging file on a simulated disk that is slow, and in some
 * worlds fails and tears, the system's own threads, and workers that share three processes
 * (paging_model.c) and paged pool.  Which of them runs, when requests complete, and which fail, the
 * seed decides.  Contents are compared at each access; every few operations the workers stop,
 * everything is verified, and no translation is stale.
 *
 *     world 0   sound disk, paged pool
 *           1   the same, very slow
 *           2   requests fail, writes are torn; no paged pool, as an error there
 *               is a bug check
 *           3   sound, few frames
 *           4   sound, the paging file is small at first: charges wait until it grows
 */
#include "ex.h"
#include "mm/paging/modified_writer.h"
#include "mm/pfn/commit.h"
#include "mm/pfn/page_color.h"
#include "mm/pfn/pfn_inspect.h"
#include "tests/prop/paging_model.h"
#include "tests/unit/paging_world.h"

#include <stdio.h>
#include <string.h>

#define WORLDS      48u
#define OPERATIONS  21000u /* of a world */
#define KINDS       5u
#define VERIFY      512u /* operations between two stops */
#define FILE_MB     7u
#define LEAST_MB    1u /* of a file that grows */
#define WORKERS     4u
#define POOL_BLOCKS 24u
#define POOL_PAGES  6u
#define POOL_TAG    0x6C646F4Du /* 'Modl' */
#define ROOM_PAGES  96u         /* with fewer available somebody loses some */
#define ROOM_MS     2
#define HOARD       4096u
#define PREEMPT     24u /* one in so many chances */

typedef struct _POOL_BLOCK {
    PULONG Va;
    ULONG Pages;
    ULONG Version;
    BOOLEAN Held;
} POOL_BLOCK;

typedef struct _WORKER {
    MODEL_WORKER Model;
    KSEMAPHORE Go;
    KEVENT Stopped;
} WORKER;

static WORKER Workers[WORKERS];
static POOL_BLOCK Pool[POOL_BLOCKS];
static uint64_t RoomSeed;
static BOOLEAN WithPool;
static BOOLEAN Ending;
static ULONG Target; /* of ModelCounts.Operations: there the workers stop */
static PFN_NUMBER Hoard[HOARD];
static ULONG Hoarded;
static ULONG Lowered; /* commit limit */
static ULONG Grown;   /* times that a file became longer */

/* ---- paged pool ---- */

static void UsePool(PMODEL_WORKER Worker)
{
    ULONG Number = TestRandom(&Worker->Seed) % POOL_BLOCKS;
    POOL_BLOCK *Block = &Pool[Number];
    ULONG Action = TestRandom(&Worker->Seed) % 8;
    ULONG Page;

    if (Block->Held) {
        return;
    }
    Block->Held = TRUE;
    ModelCounts.Operations++;
    if (Block->Va == NULL) {
        Block->Pages = 1 + TestRandom(&Worker->Seed) % POOL_PAGES;
        Block->Va = ExAllocatePoolWithTag(PagedPool, Block->Pages * PAGE_SIZE, POOL_TAG);
        Action = 1; /* its contents are anything */
    } else if (Action == 0) {
        ExFreePoolWithTag(Block->Va, POOL_TAG);
        Block->Va = NULL;
    }
    for (Page = 0; Page < Block->Pages && Block->Va != NULL; Page++) {
        PULONG Words = Block->Va + Page * (PAGE_SIZE / sizeof(ULONG));

        if (Action > 3) {
            CHECK(ModelHolds(Words, Number * POOL_PAGES + Page, Block->Version));
        } else {
            ModelFill(Words, Number * POOL_PAGES + Page, Block->Version + 1);
        }
    }
    Block->Version += Block->Va != NULL && Action <= 3;
    Block->Held = FALSE;
}

static void ComparePool(void)
{
    ULONG i;
    ULONG Page;

    for (i = 0; i < POOL_BLOCKS; i++) {
        for (Page = 0; Page < Pool[i].Pages && Pool[i].Va != NULL; Page++) {
            CHECK(ModelHolds(Pool[i].Va + Page * (PAGE_SIZE / sizeof(ULONG)), i * POOL_PAGES + Page,
                             Pool[i].Version));
        }
        if (Pool[i].Va != NULL) {
            ExFreePoolWithTag(Pool[i].Va, POOL_TAG);
        }
    }
    memset(Pool, 0, sizeof(Pool));
}

/* ---- workers: they run between two stops ---- */

static void Wait(PVOID Object)
{
    CHECK_EQUAL(STATUS_SUCCESS, KeWaitForSingleObject(Object, Executive, KernelMode, FALSE, NULL));
}

static void Work(PVOID Context)
{
    WORKER *Worker = Context;

    for (;;) {
        Wait(&Worker->Go);
        if (Ending) {
            return;
        }
        while (ModelCounts.Operations < Target) {
            TestSetStep(ModelCounts.Operations);
            if (WithPool && TestRandom(&Worker->Model.Seed) % 6 == 0) {
                UsePool(&Worker->Model);
            } else {
                ModelStep(&Worker->Model);
            }
        }
        KeSetEvent(&Worker->Stopped, IO_NO_INCREMENT, FALSE);
    }
}

/* Somebody has to make room while all others wait for it. */
static void MakeRoom(PVOID Context)
{
    LARGE_INTEGER Interval = {.QuadPart = -10000 * ROOM_MS};
    uint64_t *Chance = Context;
    MI_PFN_COUNTERS Counters;

    while (!Ending) {
        KeDelayExecutionThread(KernelMode, FALSE, &Interval);
        MiQueryPfnCounters(&Counters);
        if (Counters.AvailablePages < ROOM_PAGES) {
            ModelTrim(TestRandom(Chance) % MODEL_PROCESSES, ROOM_PAGES / 2);
            MiWakeModifiedWriter();
        }
    }
}

static void LetThemWork(ULONG Operations)
{
    ULONG i;

    Target = ModelCounts.Operations + Operations;
    for (i = 0; i < WORKERS; i++) {
        KeReleaseSemaphore(&Workers[i].Go, IO_NO_INCREMENT, 1, FALSE);
    }
    for (i = 0; i < WORKERS; i++) {
        Wait(&Workers[i].Stopped);
    }
}

static void StartWorkers(uint64_t Seed)
{
    ULONG i;

    Ending = FALSE;
    for (i = 0; i < WORKERS; i++) {
        KeInitializeSemaphore(&Workers[i].Go, 0, 1);
        KeInitializeEvent(&Workers[i].Stopped, SynchronizationEvent, FALSE);
        Workers[i].Model.Seed = (Seed ^ (UINT64_C(0x9E3779B97F4A7C15) * (i + 1))) | 1;
        HostThreadCreate(Work, &Workers[i]);
    }
    RoomSeed = Seed | 1;
    HostThreadCreate(MakeRoom, &RoomSeed);
}

static void EndWorkers(void)
{
    ULONG i;

    Ending = TRUE;
    for (i = 0; i < WORKERS; i++) {
        KeReleaseSemaphore(&Workers[i].Go, IO_NO_INCREMENT, 1, FALSE);
    }
    HostRunThreads();
}

/* ---- the world ---- */

/* Take frames until no more than Left are available. */
static void TakeFrames(ULONG Left)
{
    MI_PFN_COUNTERS Counters;

    MiQueryPfnCounters(&Counters);
    for (Hoarded = 0; Counters.AvailablePages > Left + Hoarded && Hoarded < HOARD; Hoarded++) {
        CHECK_EQUAL(STATUS_SUCCESS,
                    MiAllocateFrame(MiFrameAny, MiNextPageColor(), &Hoard[Hoarded]));
    }
}

static void GiveFramesBack(void)
{
    while (Hoarded != 0) {
        MiFreeFrame(Hoard[--Hoarded]);
    }
}

static void StartWorld(ULONG Kind, uint64_t Seed)
{
    if (Kind == 2) {
        MmWorldNextUnforced(); /* nor may any other page of paged pool be read there */
    }
    PagingWorldStartWith(Seed | 1, Kind == 4 ? LEAST_MB : FILE_MB, FILE_MB);
    CHECK_EQUAL(STATUS_SUCCESS, MiStartModifiedWriter());
    CHECK_EQUAL(STATUS_SUCCESS, MiStartFileGrowth());
    IoDisk.LongestWait = Kind == 1 ? 20000 : 500;
    ModelErrors = Kind == 2;
    WithPool = !ModelErrors;
    if (ModelErrors) {
        IoDisk.FailOneIn[DiskRead] = 40;
        IoDisk.FailOneIn[DiskWrite] = 60;
        IoDisk.MayFail = 40;
        IoDisk.Tear = TRUE;
        IoDisk.Scramble = TRUE;
    }
    ModelStart();
    TakeFrames(Kind == 3 ? 220 : 380);
    Lowered = Kind == 4 ? MiLowerCommitLimit(Hoarded) : 0; /* those back nothing */
    HostSetPreemption(PREEMPT);
    StartWorkers(Seed);
}

static void Verify(void)
{
    ULONG_PTR Stale;

    MiVerifyAll();
    CHECK(!HostFindStaleTranslation(&Stale));
}

static void FinishWorld(void)
{
    HostSetPreemption(0);
    memset(IoDisk.FailOneIn, 0, sizeof(IoDisk.FailOneIn));
    ModelErrors = FALSE; /* what could not be read then can be read now */
    ModelCompareAll(&Workers[0].Model);
    ComparePool();
    EndWorkers();
    ModelFinish();
    MiRaiseCommitLimit(Lowered);
    GiveFramesBack();
    Verify();
    ModelCounts.TablesOut += MiPageTableCounters.Reused;
    ModelCounts.TablesIn += MiPageTableCounters.Reads;
    MiStopModifiedWriter();
    MiStopFileGrowth();
    Grown += MiGrowthFigures.Extensions;
    PagingWorldFinish();
}

static void RunWorld(ULONG Number)
{
    uint64_t Seed = TestSeedNumber(Number);
    ULONG Done;

    TestUseSeed(Seed);
    ModelCounts.Operations = 0;
    StartWorld((ULONG)(Seed >> 32) % KINDS, Seed);
    for (Done = 0; Done < OPERATIONS; Done = ModelCounts.Operations) {
        LetThemWork(VERIFY);
        Verify();
    }
    FinishWorld();
}

TEST(Prop_paging_keeps_every_page_of_several_processes_on_little_memory)
{
    ULONG Worlds = (ULONG)TestRounds(WORLDS);
    uint64_t Operations = 0;
    ULONG Number;

    memset(&ModelCounts, 0, sizeof(ModelCounts));
    Grown = 0;
    for (Number = 0; Number < Worlds; Number++) {
        RunWorld(Number);
        Operations += ModelCounts.Operations;
    }
    printf("# %u succeeded, %u short of memory, %u in-page errors, %u processes ended\n",
           (unsigned)ModelCounts.Succeeded, (unsigned)ModelCounts.Short,
           (unsigned)ModelCounts.InPage, (unsigned)ModelCounts.Processes);
    printf("# files became longer %u times\n", (unsigned)Grown);
    CHECK(Grown != 0 || Worlds < WORLDS);
    printf("# %u page tables out, %u read\n", (unsigned)ModelCounts.TablesOut,
           (unsigned)ModelCounts.TablesIn);
    CHECK(ModelCounts.TablesOut != 0 && ModelCounts.TablesIn != 0);
    printf("# figure R1 %llu 0\n", (unsigned long long)Operations);
    TestCountOperations(Operations, Worlds);
}

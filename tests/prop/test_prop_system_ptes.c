/* SPDX-License-Identifier: MIT */
/*
 * test_prop_system_ptes.c - random reservations, mappings and releases against an array of owners.
 *
 * The model has one cell a PTE.  A reservation must succeed exactly when the model has a gap of the
 * run's size class, and must not overlap anything.  Each run that is touched maps frames that hold
 * their own number, so that a translation left from an earlier owner is seen as a wrong number.
 */
#include "mm/pfn/frame.h"
#include "mm/sysva/pte_make.h"
#include "tests/unit/sysva_machine.h"

#include <string.h>

#define PTES   512u
#define RUNS   96u
#define FRAMES 16u
#define SEEDS  4u

typedef struct _MODEL_RUN {
    PMMPTE First; /* NULL: not reserved */
    ULONG Count;
    ULONG Size; /* with slack */
} MODEL_RUN;

static MODEL_RUN Runs[RUNS];
static UCHAR Owned[PTES];
static PFN_NUMBER Frames[FRAMES];
static uint64_t Random;

static ULONG Choose(ULONG Limit)
{
    return TestRandom(&Random) % Limit;
}

static ULONG SizeOf(ULONG Count)
{
    static const ULONG Sizes[] = {1, 2, 4, 8, 9, 23};
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Sizes); i++) {
        if (Count <= Sizes[i]) {
            return Sizes[i];
        }
    }
    return Count;
}

static BOOLEAN ModelHasGap(ULONG Size)
{
    ULONG Length = 0;
    ULONG i;

    for (i = 0; i < PTES; i++) {
        Length = Owned[i] ? 0 : Length + 1;
        if (Length == Size) {
            return TRUE;
        }
    }
    return FALSE;
}

static ULONG IndexOf(PMMPTE Pte)
{
    return (ULONG)(Pte - MiGetPteAddress(SYSVA_PTES_START));
}

static void SetOwned(const MODEL_RUN *Run, UCHAR Value)
{
    ULONG Index = IndexOf(Run->First);
    ULONG i;

    CHECK(Index + Run->Size <= PTES);
    for (i = 0; i < Run->Size; i++) {
        CHECK_EQUAL(!Value, Owned[Index + i]);
        Owned[Index + i] = Value;
    }
}

static ULONG ChooseCount(void)
{
    switch (Choose(8)) {
    case 0:
        return 24 + Choose(60);
    case 1:
    case 2:
        return 1 + Choose(23);
    default:
        return 1 + Choose(3);
    }
}

static void Reserve(MODEL_RUN *Run)
{
    Run->Count = ChooseCount();
    Run->Size = SizeOf(Run->Count);
    Run->First = MiReserveSystemPtes(Run->Count);
    CHECK_EQUAL(ModelHasGap(Run->Size), Run->First != NULL);
    if (Run->First != NULL) {
        SetOwned(Run, 1);
    }
}

static void MapAndTouch(const MODEL_RUN *Run)
{
    MMPTE Template = MiMakeKernelTemplate(MiKernelReadWrite, MiCached);
    ULONG i = Choose(Run->Count);
    PMMPTE Pte = Run->First + i;
    MMPTE Old = MiReadPte(Pte);

    if (!Old.Hard.Valid) {
        CHECK_EQUAL(0, Old.Long);
        Old = MiMakeValidKernelPte(Template, Frames[Choose(FRAMES)]);
        MiWritePte(Pte, Old);
    }
    CHECK_EQUAL(Old.Hard.PageFrameNumber, *(volatile ULONG *)MiGetVaMappedByPte(Pte));
}

static void Release(MODEL_RUN *Run)
{
    MiReleaseSystemPtes(Run->First, Run->Count);
    SetOwned(Run, 0);
    Run->First = NULL;
}

static void Step(void)
{
    MODEL_RUN *Run = &Runs[Choose(RUNS)];

    if (Run->First == NULL) {
        Reserve(Run);
    } else if (Choose(4) == 0) {
        MapAndTouch(Run);
    } else {
        Release(Run);
    }
}

/* A translation that the tables no longer grant may only be at an address that is free. */
static void CheckStale(void)
{
    ULONG_PTR Va;

    MiVerifySystemPtes();
    if (HostFindStaleTranslation(&Va)) {
        CHECK(MiIsFreeSystemVa(Va));
    }
}

static void Start(uint64_t Seed)
{
    ULONG i;

    Random = Seed;
    SysvaStart(256, PTES);
    memset(Runs, 0, sizeof(Runs));
    memset(Owned, 0, sizeof(Owned));
    Owned[0] = 1; /* the bitmaps' page */
    for (i = 0; i < FRAMES; i++) {
        CHECK_EQUAL(STATUS_SUCCESS, MiAllocateFrame(MiFrameAny, i, &Frames[i]));
        *(ULONG *)HostFrame(Frames[i]) = Frames[i];
    }
}

static void Finish(void)
{
    ULONG i;

    for (i = 0; i < RUNS; i++) {
        if (Runs[i].First != NULL) {
            Release(&Runs[i]);
        }
    }
    for (i = 0; i < FRAMES; i++) {
        MiFreeFrame(Frames[i]);
    }
    HostVerifyTlb();
    SysvaFinish();
}

TEST(SystemPtes_agree_with_an_array_of_owners)
{
    uint64_t Rounds = TestRounds(300000);
    uint64_t Seed;

    for (Seed = 0; Seed < SEEDS; Seed++) {
        uint64_t i;

        Start(TestSeedNumber(Seed));
        for (i = 0; i < Rounds; i++) {
            Step();
            if (i % 4096 == 0) {
                CheckStale();
            }
        }
        Finish();
    }
    TestCountOperations(SEEDS * Rounds, SEEDS);
}

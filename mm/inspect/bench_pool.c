/* SPDX-License-Identifier: MIT */
/*
 * bench_pool.c - what allocations of pool cost.
 *
 * Whatever the measured steps draw from chance is drawn before, so that only the pools' own work is
 * in the figures.
 */
#include "bench.h"

#include "ex.h"
#include "mi_assert.h"

#define MI_BENCH_TAG       0x68636E42u /* 'Bnch' */
#define MI_LIVE_BLOCKS     1000u
#define MI_SMALLEST_RANDOM 16u
#define MI_LARGEST_RANDOM  1024u
#define MI_SETTLING_STEPS  20000u /* until the front end holds what it will hold */
#define MI_LOOKASIDE_BYTES 64u

/* ---- pairs ---- */

static void MipPair(PVOID Context)
{
    SIZE_T Bytes = *(SIZE_T *)Context;

    ExFreePoolWithTag(ExAllocatePoolWithTag(NonPagedPool, Bytes, MI_BENCH_TAG), MI_BENCH_TAG);
}

NTSTATUS MiMeasurePoolPair(SIZE_T Bytes, PMI_BENCH_FIGURES Figures)
{
    PVOID First = ExAllocatePoolWithTag(NonPagedPool, Bytes, MI_BENCH_TAG);

    if (First == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    ExFreePoolWithTag(First, MI_BENCH_TAG); /* and the pairs find that one */
    MiMeasure(MipPair, &Bytes, Figures);
    return STATUS_SUCCESS;
}

NTSTATUS MiMeasurePoolPage(PMI_BENCH_FIGURES Figures)
{
    return MiMeasurePoolPair(PAGE_SIZE, Figures);
}

/* ---- look-aside lists ---- */

static void MipLookasidePair(PVOID Context)
{
    PNPAGED_LOOKASIDE_LIST List = Context;

    ExFreeToNPagedLookasideList(List, ExAllocateFromNPagedLookasideList(List));
}

NTSTATUS MiMeasurePoolLookaside(PMI_BENCH_FIGURES Figures)
{
    static NPAGED_LOOKASIDE_LIST List;
    NTSTATUS Status = STATUS_INSUFFICIENT_RESOURCES;
    PVOID First;

    ExInitializeNPagedLookasideList(&List, NULL, NULL, 0, MI_LOOKASIDE_BYTES, MI_BENCH_TAG, 0);
    First = ExAllocateFromNPagedLookasideList(&List);
    if (First != NULL) {
        ExFreeToNPagedLookasideList(&List, First);
        MiMeasure(MipLookasidePair, &List, Figures);
        Status = STATUS_SUCCESS;
    }
    ExDeleteNPagedLookasideList(&List);
    return Status;
}

/* ---- random sizes, random order ---- */

typedef struct _MIP_STEP {
    USHORT Index; /* of the block that goes */
    USHORT Bytes; /* of the one that comes */
} MIP_STEP;

typedef struct _MIP_RANDOM {
    PVOID Live[MI_LIVE_BLOCKS];
    MIP_STEP Steps[MI_BENCH_WARM_UP + MI_BENCH_SAMPLES];
    ULONG Next;
    ULONG Seed;
} MIP_RANDOM, *PMIP_RANDOM;

static MIP_RANDOM MipRandom;

/* A linear congruential generator; its low bits repeat soon. */
static ULONG MipBelow(PMIP_RANDOM Random, ULONG Limit)
{
    Random->Seed = Random->Seed * 1664525u + 1013904223u;
    return (Random->Seed >> 8) % Limit;
}

static MIP_STEP MipDrawStep(PMIP_RANDOM Random)
{
    MIP_STEP Step;

    Step.Index = (USHORT)MipBelow(Random, MI_LIVE_BLOCKS);
    Step.Bytes =
        (USHORT)(MI_SMALLEST_RANDOM + MipBelow(Random, MI_LARGEST_RANDOM - MI_SMALLEST_RANDOM + 1));
    return Step;
}

/* => Returns FALSE when the block that came is none. */
static BOOLEAN MipReplace(PMIP_RANDOM Random, MIP_STEP Step)
{
    ExFreePoolWithTag(Random->Live[Step.Index], MI_BENCH_TAG);
    Random->Live[Step.Index] = ExAllocatePoolWithTag(NonPagedPool, Step.Bytes, MI_BENCH_TAG);
    return Random->Live[Step.Index] != NULL;
}

static void MipRandomStep(PVOID Context)
{
    PMIP_RANDOM Random = Context;
    BOOLEAN Replaced = MipReplace(Random, Random->Steps[Random->Next++]);

    MI_ASSERT(Replaced);
}

static void MipFreeLive(PMIP_RANDOM Random)
{
    ULONG Index;

    for (Index = 0; Index < MI_LIVE_BLOCKS; Index++) {
        if (Random->Live[Index] != NULL) {
            ExFreePoolWithTag(Random->Live[Index], MI_BENCH_TAG);
            Random->Live[Index] = NULL;
        }
    }
}

/* => Returns FALSE when the pool ran out; what there is, is in Live. */
static BOOLEAN MipSettle(PMIP_RANDOM Random)
{
    ULONG Index;

    for (Index = 0; Index < MI_LIVE_BLOCKS; Index++) {
        Random->Live[Index] =
            ExAllocatePoolWithTag(NonPagedPool, MipDrawStep(Random).Bytes, MI_BENCH_TAG);
        if (Random->Live[Index] == NULL) {
            return FALSE;
        }
    }
    for (Index = 0; Index < MI_SETTLING_STEPS; Index++) {
        if (!MipReplace(Random, MipDrawStep(Random))) {
            return FALSE;
        }
    }
    for (Index = 0; Index < RTL_NUMBER_OF(Random->Steps); Index++) {
        Random->Steps[Index] = MipDrawStep(Random);
    }
    return TRUE;
}

NTSTATUS MiMeasurePoolRandom(PMI_BENCH_FIGURES Figures)
{
    PMIP_RANDOM Random = &MipRandom;
    NTSTATUS Status = STATUS_INSUFFICIENT_RESOURCES;

    Random->Next = 0;
    Random->Seed = 1;
    if (MipSettle(Random)) {
        MiMeasure(MipRandomStep, Random, Figures);
        Status = STATUS_SUCCESS;
    }
    MipFreeLive(Random);
    return Status;
}

/* SPDX-License-Identifier: MIT */
/*
 * pool_bench.c - the pools beside malloc: instructions for one operation, on the host.
 *
 * The pools' own objects with the kernel's code generation, over plain memory and machine.c.  The
 * patterns are those of the rows pool.* of `make bench`, which measures the same in the booted
 * kernel.
 */
#include "ex.h"
#include "tests/bench/plain_pool.h"
#include "tests/bench/steps.h"
#include "tests/bench/trace.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#define TAG  0x68636E42u /* 'Bnch' */
#define LIVE 1000u

/* ---- the two allocators ---- */

/* What malloc has from the system. */
static size_t MallocBytes(void)
{
    struct mallinfo2 Info = mallinfo2();

    return Info.arena + Info.hblkhd;
}

static const ALLOCATOR Allocators[] = {{"pool", PlainPoolAllocate, PlainPoolFree, PlainPoolBytes},
                                       {"malloc", malloc, free, MallocBytes}};

/* ---- the patterns ---- */

static size_t PairBytes;
static void *Live[LIVE];
static const ALLOCATOR *Current;
static unsigned Seed = 1;

static unsigned Random(void)
{
    Seed = Seed * 1664525u + 1013904223u;
    return Seed >> 8;
}

static void PoolPair(void *Context)
{
    (void)Context;
    ExFreePoolWithTag(ExAllocatePoolWithTag(NonPagedPool, PairBytes, TAG), TAG);
}

static void MallocPair(void *Context)
{
    (void)Context;
    free(malloc(PairBytes));
}

static void RandomPair(void *Context)
{
    unsigned Index = Random() % LIVE;

    (void)Context;
    Current->Free(Live[Index]);
    Live[Index] = Current->Allocate(16 + Random() % 1009);
}

static void RandomNothing(void *Context)
{
    unsigned Index = Random() % LIVE;

    (void)Context;
    Live[Index] = (void *)(size_t)(16 + Random() % 1009);
}

static NPAGED_LOOKASIDE_LIST Lookaside;

static void LookasidePair(void *Context)
{
    (void)Context;
    ExFreeToNPagedLookasideList(&Lookaside, ExAllocateFromNPagedLookasideList(&Lookaside));
}

static void MeasurePairs(void)
{
    static const size_t Sizes[] = {16, 64, 256, 512, 1024, 2048, 4080, 4096};
    unsigned Index;

    printf("%-16s %8s %8s\n", "pair of", "pool", "malloc");
    for (Index = 0; Index < RTL_NUMBER_OF(Sizes); Index++) {
        PairBytes = Sizes[Index];
        printf("%10zu bytes %8u %8u\n", PairBytes, StepsCount(PoolPair, NULL, 10, 16),
               StepsCount(MallocPair, NULL, 10, 16));
    }
}

static void MeasureRandom(void)
{
    unsigned Empty = StepsCount(RandomNothing, NULL, 10, 400);
    unsigned Which;
    unsigned Index;

    for (Which = 0; Which < RTL_NUMBER_OF(Allocators); Which++) {
        Current = &Allocators[Which];
        for (Index = 0; Index < LIVE; Index++) {
            Live[Index] = Current->Allocate(16 + Random() % 1009);
        }
        printf("random, %s: %u\n", Current->Name, StepsCount(RandomPair, NULL, 20000, 400) - Empty);
    }
}

/* Time of each step, and the bytes that the allocator takes for each that was asked for. */
static void MeasureTraces(void)
{
    unsigned Trace;
    unsigned Which;

    printf("%-20s %-8s %10s %11s %12s %8s\n", "trace", "", "ns a step", "live bytes", "taken bytes",
           "ratio");
    for (Trace = 0; Trace < TraceCount; Trace++) {
        for (Which = 0; Which < RTL_NUMBER_OF(Allocators); Which++) {
            TRACE_RESULT Result = TraceRun((TRACE)Trace, &Allocators[Which]);

            printf("%-20s %-8s %10.1f %11zu %12zu %8.2f\n", TraceName((TRACE)Trace),
                   Allocators[Which].Name, Result.Nanoseconds, Result.LiveBytes, Result.TakenBytes,
                   (double)Result.TakenBytes / (double)Result.LiveBytes);
        }
    }
}

int main(void)
{
    PlainPoolStart();
    MeasureTraces();
    MeasurePairs();
    MeasureRandom();
    ExInitializeNPagedLookasideList(&Lookaside, NULL, NULL, 0, 64, TAG, 0);
    printf("look-aside: %u\n", StepsCount(LookasidePair, NULL, 10, 16));
    return 0;
}

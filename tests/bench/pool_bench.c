/* SPDX-License-Identifier: MIT */
/*
 * pool_bench.c - the pools beside malloc: instructions for one operation, on the host.
 *
 * The pools' own objects with the kernel's code generation, over plain memory and machine.c.  The
 * patterns are those of the rows pool.* of `make bench`, which measures the same in the booted
 * kernel.
 */
#include "mm/pool/pool.h"
#include "mm/pool/pool_pages.h"
#include "tests/bench/steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define POOL_BASE  0x90000000u
#define POOL_PAGES 4096u
#define TAG        0x68636E42u /* 'Bnch' */
#define LIVE       1000u

static void StartPools(void)
{
    static ULONG Bits[MI_POOL_REGION_BYTES(POOL_PAGES) / sizeof(ULONG)];
    MI_POOL_RANGE Ranges[MiPoolPartCount] = {{POOL_BASE, POOL_PAGES, Bits, NULL, NULL}};

    if (mmap((void *)POOL_BASE, POOL_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)POOL_BASE) {
        perror("mmap");
        exit(1);
    }
    MiInitializePoolPages(Ranges, FALSE);
    MiInitializePools(FALSE);
}

/* ---- the two allocators ---- */

typedef struct _ALLOCATOR {
    const char *Name;
    void *(*Allocate)(size_t Bytes);
    void (*Free)(void *P);
} ALLOCATOR;

/* Small enough to be inlined away from the figures: the operations below call these directly. */
static void *PoolAllocate(size_t Bytes)
{
    return ExAllocatePoolWithTag(NonPagedPool, Bytes, TAG);
}

static void PoolFree(void *P)
{
    ExFreePoolWithTag(P, TAG);
}

static const ALLOCATOR Allocators[] = {{"pool", PoolAllocate, PoolFree}, {"malloc", malloc, free}};

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

int main(void)
{
    StartPools();
    MeasurePairs();
    MeasureRandom();
    ExInitializeNPagedLookasideList(&Lookaside, NULL, NULL, 0, 64, TAG, 0);
    printf("look-aside: %u\n", StepsCount(LookasidePair, NULL, 10, 16));
    return 0;
}

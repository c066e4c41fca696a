/* SPDX-License-Identifier: MIT */
/*
 * test_prop_system_view_threads.c - several threads at views of one section, in the system half and
 * in a process, on a slow disk, while another thread takes all pages away.
 */
#include "mm.h"
#include "mm/paging/modified_writer.h"
#include "mm/section/cache_view.h"
#include "tests/unit/system_view_world.h"

#include <stdio.h>
#include <string.h>

#define PAGES    MM_CACHE_VIEW_PAGES
#define THREADS  4u
#define ACCESSES 300u

static ULONG PageOuts;
static ULONG Words[PAGES]; /* what the first word of a page is; page n is thread n % THREADS' own */
static uint64_t Seeds[THREADS];
static PSECTION Shared;
static ULONG_PTR Places[3]; /* where all see it: of the cache, of the system, of the process */
static ULONG Running;

static void Worker(PVOID Context)
{
    LARGE_INTEGER Pause = {.QuadPart = -10000}; /* 1 ms */
    ULONG Index = (ULONG)(ULONG_PTR)Context;
    KAPC_STATE Before;
    ULONG i;

    KeStackAttachProcess(&PagedProcess()->Pcb, &Before);
    for (i = 0; i < ACCESSES; i++) {
        ULONG Page = TestRandom(&Seeds[Index]) % (MM_CACHE_VIEW_PAGES / THREADS) * THREADS + Index;
        ULONG_PTR Va = Places[TestRandom(&Seeds[Index]) % 3] + Page * PAGE_SIZE;

        CHECK_EQUAL(Words[Page], ViewRead(Va));
        if (TestRandom(&Seeds[Index]) % 2 == 0) {
            Words[Page] = (ULONG)TestRandom(&Seeds[Index]);
            ViewWrite(Va, Words[Page]);
        }
        if (i % 8 == 0) {
            (void)KeDelayExecutionThread(KernelMode, FALSE, &Pause);
        }
    }
    KeUnstackDetachProcess(&Before);
    Running--;
}

static void Trimmer(PVOID Context)
{
    LARGE_INTEGER Pause = {.QuadPart = -20000}; /* 2 ms */
    KAPC_STATE Before;

    (void)Context;
    KeStackAttachProcess(&PagedProcess()->Pcb, &Before);
    while (Running != 0) {
        (void)MmTrimAllSystemPageableMemory(FALSE);
        SectionTrim();
        CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
        (void)MiReuseStandbyFrames();
        PageOuts++;
        (void)KeDelayExecutionThread(KernelMode, FALSE, &Pause);
    }
    KeUnstackDetachProcess(&Before);
}

TEST(System_views_serve_several_threads_while_pages_go)
{
    ULONG i;

    TestUseSeed(TestSeedNumber(0));
    PagedBegin(TestSeed() | 1);
    Shared = SectionMake(PAGES, SEC_COMMIT, PAGE_READWRITE);
    Places[0] = CacheViewMap(Shared, 1, 0);
    Places[1] = SystemViewMap(Shared);
    Places[2] = SectionMap(Shared, PAGE_READWRITE);
    memset(Words, 0, sizeof(Words));
    PageOuts = 0;
    Running = THREADS;
    for (i = 0; i < THREADS; i++) {
        Seeds[i] = TestSeed() + i;
        HostThreadCreate(Worker, (PVOID)(ULONG_PTR)i);
    }
    HostThreadCreate(Trimmer, NULL);
    HostRunThreads();
    CHECK_EQUAL(0, Running);
    MiVerifyAll();
    CacheViewUnmap(Places[0]);
    SystemViewUnmap(Places[1]);
    SectionUnmap(Places[2]);
    ObDereferenceObject(Shared);
    printf("# all paged out %u times under %u accesses of each thread\n", PageOuts, ACCESSES);
    CHECK(PageOuts > 3);
    PagedEnd();
}

/* SPDX-License-Identifier: MIT */
/*
 * test_collided.c - several faults on one page, on a slow disk: one read; and pages that change
 * while they are read.
 */
#include "mm/paging/slots.h"
#include "tests/unit/paged_world.h"

#define THREADS 6u
#define PAGES   8u

static ULONG_PTR Base;
static NTSTATUS Results[THREADS];
static ULONG Values[THREADS];

/* A thread of the process, which touches a page. */
static void Reader(PVOID Context)
{
    ULONG Index = (ULONG)(ULONG_PTR)Context;
    KAPC_STATE Home;

    KeStackAttachProcess(&PagedProcess()->Pcb, &Home);
    Results[Index] = SpaceTryRead(Base, &Values[Index]);
    KeUnstackDetachProcess(&Home);
}

static void StartReaders(void)
{
    ULONG i;

    for (i = 0; i < THREADS; i++) {
        Results[i] = STATUS_PENDING;
        Values[i] = 0;
        HostThreadCreate(Reader, (PVOID)(ULONG_PTR)i);
    }
}

TEST(Collided_faults_wait_for_the_one_read)
{
    MI_FAULT_COUNTERS Before;
    ULONG i;

    PagedBegin(TestSeed() | 1);
    Base = PagedAllocate(PAGES);
    PagedOut(Base, PAGES);
    Before = MiFaultCounters;
    StartReaders();
    HostRunThreads();
    for (i = 0; i < THREADS; i++) {
        CHECK_EQUAL(STATUS_SUCCESS, Results[i]);
        CHECK_EQUAL(PagedWord(Base), Values[i]);
    }
    CHECK_EQUAL(Before.PagingFileReads + 1, MiFaultCounters.PagingFileReads);
    CHECK_EQUAL(Before.Collided + THREADS - 1, MiFaultCounters.Collided);
    CHECK_EQUAL(1, MiInPageCounters.PeakInUse);
    MiVerifyAll();
    PagedEnd();
}

TEST(Collided_faults_fail_together_and_later_ones_read_again)
{
    MI_FAULT_COUNTERS Before;
    ULONG i;

    PagedBegin(TestSeed() | 1);
    Base = PagedAllocate(1);
    PagedOut(Base, 1);
    Before = MiFaultCounters;
    IoDisk.FailAt[DiskRead] = 1;
    StartReaders();
    HostRunThreads();
    for (i = 0; i < THREADS; i++) {
        CHECK_EQUAL(STATUS_IN_PAGE_ERROR, Results[i]);
    }
    CHECK_EQUAL(Before.PagingFileReads + 1, MiFaultCounters.PagingFileReads);
    CHECK_EQUAL(Before.InPageErrors + THREADS, MiFaultCounters.InPageErrors);
    MiVerifyAll();
    CHECK(PagedIsWhole(Base));
    PagedEnd();
}

TEST(Collided_faults_go_on_when_the_read_of_several_pages_fails)
{
    ULONG i;

    PagedBegin(TestSeed() | 1);
    Base = PagedAllocate(PAGES);
    PagedOut(Base, PAGES);
    CHECK(PagedIsWhole(Base)); /* so that the next one is read with its neighbours */
    Base += PAGE_SIZE;
    IoDisk.FailAt[DiskRead] = 1;
    StartReaders();
    HostRunThreads();
    for (i = 0; i < THREADS; i++) {
        CHECK_EQUAL(STATUS_SUCCESS, Results[i]);
        CHECK_EQUAL(PagedWord(Base), Values[i]);
    }
    PagedEnd();
}

/* ---- what changes while a page is read ---- */

typedef void CHANGE(void);

static void Change(PVOID Routine)
{
    KAPC_STATE Home;

    KeStackAttachProcess(&PagedProcess()->Pcb, &Home);
    ((CHANGE *)Routine)();
    KeUnstackDetachProcess(&Home);
}

static void Decommit(void)
{
    SpaceFree(Base, PAGE_SIZE, MEM_DECOMMIT);
}

static void Release(void)
{
    SpaceFree(Base, 0, MEM_RELEASE);
}

static void Recommit(void)
{
    SpaceFree(Base, PAGE_SIZE, MEM_DECOMMIT);
    SpaceAllocate(Base, PAGE_SIZE, MEM_COMMIT, PAGE_READWRITE);
}

static void Protect(void)
{
    SpaceProtect(Base, PAGES * PAGE_SIZE, PAGE_NOACCESS);
}

static void MakeReadOnly(void)
{
    SpaceProtect(Base, PAGES * PAGE_SIZE, PAGE_READONLY);
}

static void Guard(void)
{
    SpaceProtect(Base, PAGE_SIZE, PAGE_READWRITE | PAGE_GUARD);
}

static void Reset(void)
{
    PVOID Va = (PVOID)Base;
    SIZE_T Bytes = PAGES * PAGE_SIZE;

    CHECK_EQUAL(STATUS_SUCCESS, NtAllocateVirtualMemory(NtCurrentProcess(), &Va, 0, &Bytes,
                                                        MEM_RESET, PAGE_READWRITE));
}

static void EndProcess(void)
{
    PagedEndProcess();
}

/* A change with what a reader may see of it: before it, or after it. */
typedef struct _CASE {
    CHANGE *Routine;
    NTSTATUS After;
    BOOLEAN Zero; /* the page may read as zeroes */
} CASE;

static const CASE Cases[] = {
    {Decommit, STATUS_ACCESS_VIOLATION, FALSE},
    {Release, STATUS_ACCESS_VIOLATION, FALSE},
    {Recommit, STATUS_SUCCESS, TRUE},
    {Protect, STATUS_ACCESS_VIOLATION, FALSE},
    {MakeReadOnly, STATUS_SUCCESS, FALSE},
    {Guard, STATUS_GUARD_PAGE_VIOLATION, FALSE},
    {Reset, STATUS_SUCCESS, TRUE},
    {EndProcess, STATUS_ACCESS_VIOLATION, FALSE},
};

static void RunCase(const CASE *Case, ULONG64 Seed, BOOLEAN Fail)
{
    ULONG i;

    PagedBegin(Seed);
    Base = PagedAllocate(PAGES);
    PagedOut(Base, PAGES);
    IoDisk.FailFrom = Fail;
    StartReaders();
    HostThreadCreate(Change, (PVOID)Case->Routine);
    HostRunThreads();
    IoDisk.FailFrom = 0;
    for (i = 0; i < THREADS; i++) {
        CHECK(Results[i] == STATUS_SUCCESS || Results[i] == Case->After ||
              (Fail && Results[i] == STATUS_IN_PAGE_ERROR));
        CHECK(Results[i] != STATUS_SUCCESS || Values[i] == PagedWord(Base) ||
              (Case->Zero && Values[i] == 0));
    }
    MiVerifyAll();
    PagedEnd();
}

TEST(Pages_may_change_in_any_way_while_they_are_read)
{
    ULONG Case;
    ULONG Seed;

    for (Case = 0; Case < RTL_NUMBER_OF(Cases); Case++) {
        for (Seed = 1; Seed <= 6; Seed++) {
            RunCase(&Cases[Case], TestSeed() + Seed, Seed % 3 == 0);
        }
    }
}

/* ---- more reads than blocks ---- */

#define MANY 60u

static ULONG Whole;

static void ReadOwn(PVOID Context)
{
    KAPC_STATE Home;

    KeStackAttachProcess(&PagedProcess()->Pcb, &Home);
    Whole += PagedIsWhole(Base + (ULONG_PTR)Context * 2 * PAGE_SIZE);
    KeUnstackDetachProcess(&Home);
}

TEST(Faults_wait_for_a_block_when_all_are_in_use)
{
    ULONG_PTR i;

    PagedBegin(TestSeed() | 1);
    Base = PagedAllocate(2 * MANY);
    for (i = 0; i < MANY; i++) {
        PagedOut(Base + 2 * i * PAGE_SIZE, 1); /* nobody's neighbour */
    }
    Whole = 0;
    for (i = 0; i < MANY; i++) {
        HostThreadCreate(ReadOwn, (PVOID)i);
    }
    HostRunThreads();
    CHECK_EQUAL(MANY, Whole);
    CHECK_EQUAL(MI_IN_PAGE_BLOCKS, MiInPageCounters.PeakInUse);
    CHECK(MiInPageCounters.Waits != 0);
    CHECK_EQUAL(MANY, MiInPageCounters.Reads);
    PagedEnd();
}

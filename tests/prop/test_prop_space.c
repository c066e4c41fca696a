/* SPDX-License-Identifier: MIT */
/*
 * test_prop_space.c - random use of several address spaces, against an array of pages.
 *
 * The model knows of each page of an arena: its allocation, whether it is committed, its
 * protection, its first word.  It has no descriptors, page tables or frames.  After each operation
 * the statuses must be equal; what is read and asked shows the rest.  Now and then a frame or a
 * block of pool cannot be had: then nothing may have changed.
 */
#include "mm/inspect/page_out.h"
#include "mm/pool/pool_inject.h"
#include "tests/unit/space_world.h"

#include <stdio.h>
#include <string.h>

#define PROCESSES  3u
#define ARENA      0x200000u /* crosses from one page table into the next at 400000 */
#define PAGES      1024u
#define MOST_PAGES 80u
#define VERIFY     64u

typedef struct _PAGE {
    ULONG Allocation; /* number; 0: free */
    ULONG Protect;    /* 0: reserved */
    ULONG Word;
    ULONG Base; /* of its allocation, and how long that is */
    ULONG Pages;
    ULONG First; /* protection at the reservation */
} PAGE, *PPAGE;

static PAGE Model[PROCESSES][PAGES];
static PEPROCESS Processes[PROCESSES];
static PPAGE Now; /* the running process' pages */
static ULONG LastAllocation;
static uint64_t Seed;
static ULONG Injected;
static ULONG Reused;    /* standby frames */
static ULONG Succeeded; /* services */
static ULONG Accesses;  /* that went through */

static const ULONG Protects[] = {PAGE_READWRITE,
                                 PAGE_READWRITE,
                                 PAGE_READONLY,
                                 PAGE_NOACCESS,
                                 PAGE_READWRITE | PAGE_GUARD,
                                 PAGE_EXECUTE_READWRITE};

static ULONG Random(ULONG Below)
{
    return TestRandom(&Seed) % Below;
}

static ULONG_PTR VaOf(ULONG Page)
{
    return ARENA + Page * PAGE_SIZE;
}

static ULONG RandomProtect(void)
{
    return Protects[Random(RTL_NUMBER_OF(Protects))];
}

/* ---- what an operation must say ---- */

/* Memory that could not be had: the model stays as it is. */
static BOOLEAN IsShort(NTSTATUS Status)
{
    return Status == STATUS_NO_MEMORY || Status == STATUS_INSUFFICIENT_RESOURCES ||
           Status == STATUS_COMMITMENT_LIMIT;
}

/* => TRUE: the operation has happened. */
static BOOLEAN Agree(const char *What, ULONG Page, ULONG Pages, NTSTATUS Expected, NTSTATUS Status)
{
    if (IsShort(Status) && NT_SUCCESS(Expected)) {
        Injected++;
        return FALSE;
    }
    if (Status != Expected) {
        TestFail(__FILE__, __LINE__, "%s of %u pages at page %u: %08x instead of %08x", What,
                 (unsigned)Pages, (unsigned)Page, (unsigned)Status, (unsigned)Expected);
    }
    Succeeded += NT_SUCCESS(Status);
    return NT_SUCCESS(Status);
}

static BOOLEAN IsOneAllocation(ULONG Page, ULONG Pages)
{
    ULONG i;

    for (i = Page; i < Page + Pages; i++) {
        if (Now[i].Allocation == 0 || Now[i].Allocation != Now[Page].Allocation) {
            return FALSE;
        }
    }
    return TRUE;
}

static BOOLEAN IsFree(ULONG Page, ULONG Pages)
{
    ULONG i;

    for (i = Page; i < Page + Pages && Now[i].Allocation == 0; i++) {
        continue;
    }
    return i == Page + Pages;
}

static BOOLEAN IsCommitted(ULONG Page, ULONG Pages)
{
    ULONG i;

    for (i = Page; i < Page + Pages && Now[i].Protect != 0; i++) {
        continue;
    }
    return i == Page + Pages;
}

/* ---- operations ---- */

static void Reserve(ULONG Page, ULONG Pages, ULONG Protect)
{
    BOOLEAN Commit = Random(2) == 0;
    ULONG Start = Page & ~15u;
    ULONG i;

    if (!Agree("reserve", Start, Pages,
               IsFree(Start, Pages) ? STATUS_SUCCESS : STATUS_CONFLICTING_ADDRESSES,
               SpaceTryAllocate(VaOf(Start), Pages * PAGE_SIZE,
                                MEM_RESERVE | (Commit ? MEM_COMMIT : 0), Protect))) {
        return;
    }
    LastAllocation++;
    for (i = Start; i < Start + Pages; i++) {
        Now[i] = (PAGE){LastAllocation, Commit ? Protect : 0, 0, Start, Pages, Protect};
    }
}

static void Commit(ULONG Page, ULONG Pages, ULONG Protect)
{
    ULONG i;

    if (!Agree("commit", Page, Pages,
               IsOneAllocation(Page, Pages) ? STATUS_SUCCESS : STATUS_CONFLICTING_ADDRESSES,
               SpaceTryAllocate(VaOf(Page), Pages * PAGE_SIZE, MEM_COMMIT, Protect))) {
        return;
    }
    for (i = Page; i < Page + Pages; i++) {
        Now[i].Word = Now[i].Protect == 0 ? 0 : Now[i].Word;
        Now[i].Protect = Protect;
    }
}

static void Decommit(ULONG Page, ULONG Pages, ULONG Protect)
{
    NTSTATUS Expected = STATUS_SUCCESS;
    ULONG i;

    (void)Protect;
    if (Now[Page].Allocation == 0) {
        Expected = STATUS_MEMORY_NOT_ALLOCATED;
    } else if (!IsOneAllocation(Page, Pages)) {
        Expected = STATUS_UNABLE_TO_FREE_VM;
    }
    if (Agree("decommit", Page, Pages, Expected,
              SpaceTryFree(VaOf(Page), Pages * PAGE_SIZE, MEM_DECOMMIT))) {
        for (i = Page; i < Page + Pages; i++) {
            Now[i].Protect = 0;
        }
    }
}

static void Release(ULONG Page, ULONG Pages, ULONG Protect)
{
    NTSTATUS Expected = STATUS_SUCCESS;
    PAGE Old;

    (void)Protect;
    if (Random(4) != 0 && Now[Page].Allocation != 0) {
        Page = Now[Page].Base;
    }
    Old = Now[Page];
    if (Old.Allocation == 0) {
        Expected = STATUS_MEMORY_NOT_ALLOCATED;
    } else if (Old.Base != Page) {
        Expected = STATUS_FREE_VM_NOT_AT_BASE;
    }
    if (Agree("release", Page, Pages, Expected, SpaceTryFree(VaOf(Page), 0, MEM_RELEASE))) {
        memset(&Now[Page], 0, Old.Pages * sizeof(PAGE));
    }
}

static void Protect(ULONG Page, ULONG Pages, ULONG New)
{
    NTSTATUS Expected = STATUS_SUCCESS;
    PVOID Va = (PVOID)VaOf(Page);
    SIZE_T Bytes = Pages * PAGE_SIZE;
    ULONG Old = 0;
    ULONG i;

    if (!IsOneAllocation(Page, Pages)) {
        Expected = STATUS_CONFLICTING_ADDRESSES;
    } else if (!IsCommitted(Page, Pages)) {
        Expected = STATUS_NOT_COMMITTED;
    }
    if (Agree("protect", Page, Pages, Expected,
              NtProtectVirtualMemory(NtCurrentProcess(), &Va, &Bytes, New, &Old))) {
        CHECK_EQUAL(Now[Page].Protect, Old);
        for (i = Page; i < Page + Pages; i++) {
            Now[i].Protect = New;
        }
    }
}

static NTSTATUS ExpectedAccess(const PAGE *Page, BOOLEAN Write)
{
    if (Page->Protect == 0 || Page->Protect == PAGE_NOACCESS) {
        return STATUS_ACCESS_VIOLATION;
    }
    if ((Page->Protect & PAGE_GUARD) != 0) {
        return STATUS_GUARD_PAGE_VIOLATION;
    }
    return Write && Page->Protect == PAGE_READONLY ? STATUS_ACCESS_VIOLATION : STATUS_SUCCESS;
}

/* The alarm comes once: when it came, and not before. */
static void NoteAccess(PPAGE Page, NTSTATUS Status)
{
    if (Status == STATUS_GUARD_PAGE_VIOLATION) {
        Page->Protect &= ~PAGE_GUARD;
    }
}

static void Touch(ULONG Page, ULONG Pages, ULONG Protect)
{
    ULONG i;

    (void)Protect;
    for (i = Page; i < Page + Pages; i++) {
        BOOLEAN Write = Random(2) == 0;
        NTSTATUS Expected = ExpectedAccess(&Now[i], Write);
        ULONG Value = (ULONG)TestRandom(&Seed);
        NTSTATUS Status = Write ? SpaceTryWrite(VaOf(i), Value) : SpaceTryRead(VaOf(i), &Value);

        CHECK_EQUAL(Expected, Status);
        NoteAccess(&Now[i], Status);
        Accesses += NT_SUCCESS(Status);
        if (NT_SUCCESS(Status) && Write) {
            Now[i].Word = Value;
        } else if (NT_SUCCESS(Status)) {
            CHECK_EQUAL(Now[i].Word, Value);
        }
    }
}

static void Query(ULONG Page, ULONG Pages, ULONG Protect)
{
    MEMORY_BASIC_INFORMATION M = SpaceQuery(VaOf(Page));
    const PAGE *P = &Now[Page];
    ULONG End = Page;

    (void)Pages;
    (void)Protect;
    if (P->Allocation == 0) {
        CHECK_EQUAL(MEM_FREE, M.State);
        CHECK(IsFree(Page, PAGES - Page) ||
              !IsFree(Page, (ULONG)(M.RegionSize / PAGE_SIZE) + 1)); /* ends where it must */
        CHECK(IsFree(Page, M.RegionSize / PAGE_SIZE < PAGES - Page
                               ? (ULONG)(M.RegionSize / PAGE_SIZE)
                               : PAGES - Page));
        return;
    }
    while (End < P->Base + P->Pages && Now[End].Protect == P->Protect) {
        End++;
    }
    CHECK_EQUAL(P->Protect == 0 ? MEM_RESERVE : MEM_COMMIT, M.State);
    CHECK_EQUAL(P->Protect, M.Protect);
    CHECK_EQUAL(P->First, M.AllocationProtect);
    CHECK_EQUAL(VaOf(P->Base), (ULONG_PTR)M.AllocationBase);
    CHECK_EQUAL((End - Page) * PAGE_SIZE, M.RegionSize);
}

static void Enter(ULONG Page, ULONG Pages, ULONG Protect)
{
    ULONG Next = Random(PROCESSES);

    (void)Page;
    (void)Pages;
    (void)Protect;
    SpaceEnter(Processes[Next]);
    Now = Model[Next];
}

static void Reset(ULONG Page, ULONG Pages, ULONG Protect)
{
    (void)Protect;
    Agree("reset", Page, Pages,
          IsOneAllocation(Page, Pages) ? STATUS_SUCCESS : STATUS_CONFLICTING_ADDRESSES,
          SpaceTryAllocate(VaOf(Page), Pages * PAGE_SIZE, MEM_RESET, PAGE_NOACCESS));
}

typedef void OPERATION(ULONG Page, ULONG Pages, ULONG Protect);

/* MEM_RESET while nothing trims pages: contents stay unless the page loses its PTE. */
static OPERATION *const Operations[] = {Reserve,  Reserve, Reserve, Commit,  Commit, Commit,
                                        Decommit, Protect, Protect, Protect, Touch,  Touch,
                                        Touch,    Touch,   Query,   Enter};

/* Mostly within one allocation, so that most operations do something. */
static void Choose(PULONG Page, PULONG Pages)
{
    ULONG Most = PAGES;
    ULONG Tries;

    *Page = Random(PAGES - 16);
    for (Tries = 0; Tries < 8 && Now[*Page].Allocation == 0; Tries++) {
        *Page = Random(PAGES - 16);
    }
    if (Now[*Page].Allocation != 0 && Random(8) != 0) {
        Most = Now[*Page].Base + Now[*Page].Pages;
    }
    Most = Most - *Page < MOST_PAGES ? Most - *Page : MOST_PAGES;
    *Pages = 1 + Random(Random(3) == 0 ? Most : Most < 4 ? Most : 4);
}

static void Step(void)
{
    OPERATION *Operation = Operations[Random(RTL_NUMBER_OF(Operations))];
    ULONG Page;
    ULONG Pages;

    Choose(&Page, &Pages);
    if (Operation == Reserve) {
        Page = Random(PAGES - 16);
        Pages = 1 + Random(PAGES - Page < MOST_PAGES ? PAGES - Page : MOST_PAGES);
    }
    if (Random(24) == 0) {
        Operation = Release;
    }
    if (Random(4) == 0) {
        MiFailFrameAllocation = 1 + Random(3);
    }
    if (Random(4) == 0) {
        MiFailPoolAllocation(1 + Random(2));
    }
    Operation(Page, Pages, RandomProtect());
    MiFailFrameAllocation = 0;
    MiFailPoolAllocation(0);
}

TEST(Prop_space_behaves_as_an_array_of_pages)
{
    const ULONG Steps = (ULONG)TestRounds(40000);
    ULONG i;

    Seed = TestSeed() | 1;
    memset(Model, 0, sizeof(Model));
    LastAllocation = 0;
    Injected = 0;
    Reused = 0;
    Succeeded = 0;
    Accesses = 0;
    SpaceStart();
    HostStartClock();
    Processes[0] = SpaceCurrent();
    Now = Model[0];
    for (i = 1; i < PROCESSES; i++) {
        Processes[i] = SpaceProcess();
    }
    for (i = 0; i < Steps; i++) {
        Step();
        if (i % 16 == 0) {
            Reused += MiReuseStandbyFrames();
        }
        if (i % VERIFY == 0) {
            ULONG_PTR Stale;

            MiVerifyAll();
            CHECK(!HostFindStaleTranslation(&Stale));
        }
    }
    printf("# %u services succeeded, %u accesses, %u failures injected, %u frames reused\n",
           (unsigned)Succeeded, (unsigned)Accesses, (unsigned)Injected, (unsigned)Reused);
    CHECK(Injected > Steps / 500 && Reused > Steps / 100 && Succeeded > Steps / 4 &&
          Accesses > Steps / 4);
    TestCountOperations(Steps, 1);
    SpaceFinish();
}

/* The same with MEM_RESET in between: then only statuses and accounts are compared. */
TEST(Prop_space_stays_sound_when_contents_are_given_up)
{
    const ULONG Steps = (ULONG)TestRounds(5000);
    ULONG i;

    Seed = TestSeedNumber(1) | 1;
    memset(Model, 0, sizeof(Model));
    SpaceStart();
    HostStartClock();
    Processes[0] = SpaceCurrent();
    Now = Model[0];
    for (i = 0; i < Steps; i++) {
        static OPERATION *const Some[] = {Reserve, Commit, Decommit, Release, Protect, Reset};
        ULONG Page = Random(PAGES - 16);

        Some[Random(RTL_NUMBER_OF(Some))](Page, 1 + Random(16), RandomProtect());
        NoteAccess(&Now[Page], SpaceTryWrite(VaOf(Page), i));
        if (i % VERIFY == 0) {
            MiVerifyAll();
        }
    }
    TestCountOperations(Steps, 1);
    SpaceFinish();
}

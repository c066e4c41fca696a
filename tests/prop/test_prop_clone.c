/* SPDX-License-Identifier: MIT */
/*
 * test_prop_clone.c - processes that clone each other at random, against arrays of pages.
 *
 * The model copies a whole array when a process is cloned: it knows nothing of sharing.  Frames on
 * standby are reused in between, and now and then a frame or a block of pool cannot be had.
 */
#include "mm/inspect/page_out.h"
#include "mm/pool/pool_inject.h"
#include "mm/space/clone_table.h"
#include "tests/unit/space_world.h"

#include <stdio.h>
#include <string.h>

#define PROCESSES 5u
#define ARENA     0x3E0000u /* crosses from one page table into the next at 400000 */
#define PAGES     96u
#define LAST_WORD (PAGE_SIZE - sizeof(ULONG))
#define VERIFY    32u

typedef struct _PAGE {
    ULONG Protect; /* 0: reserved */
    ULONG First;   /* its first word, and its last */
    ULONG Last;
} PAGE, *PPAGE;

static PAGE Model[PROCESSES][PAGES];
static PEPROCESS Processes[PROCESSES];
static ULONG Now; /* who runs */
static uint64_t Seed;
static ULONG Clones;
static ULONG Refused; /* clones */
static ULONG Reused;  /* standby frames */

static const ULONG Protects[] = {PAGE_READWRITE,
                                 PAGE_READWRITE,
                                 PAGE_READWRITE,
                                 PAGE_READONLY,
                                 PAGE_EXECUTE_READWRITE,
                                 PAGE_NOACCESS,
                                 PAGE_READWRITE | PAGE_GUARD};

static ULONG Random(ULONG Below)
{
    return TestRandom(&Seed) % Below;
}

static ULONG_PTR VaOf(ULONG Page)
{
    return ARENA + Page * PAGE_SIZE;
}

static BOOLEAN IsShort(NTSTATUS Status)
{
    return Status == STATUS_NO_MEMORY || Status == STATUS_INSUFFICIENT_RESOURCES ||
           Status == STATUS_COMMITMENT_LIMIT;
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

/* ---- operations ---- */

static void Write(ULONG Page)
{
    PPAGE P = &Model[Now][Page];
    BOOLEAN AtEnd = Random(2) == 0;
    ULONG Value = (ULONG)TestRandom(&Seed);
    NTSTATUS Expected = ExpectedAccess(P, TRUE);
    NTSTATUS Status = SpaceTryWrite(VaOf(Page) + (AtEnd ? LAST_WORD : 0), Value);

    CHECK_EQUAL(Expected, Status);
    NoteAccess(P, Status);
    if (NT_SUCCESS(Expected)) {
        *(AtEnd ? &P->Last : &P->First) = Value;
    }
}

static void Read(ULONG Page)
{
    PPAGE P = &Model[Now][Page];
    ULONG Value = 0;
    NTSTATUS Expected = ExpectedAccess(P, FALSE);
    NTSTATUS Status = SpaceTryRead(VaOf(Page), &Value);

    CHECK_EQUAL(Expected, Status);
    NoteAccess(P, Status);
    if (NT_SUCCESS(Expected)) {
        CHECK_EQUAL(P->First, Value);
        CHECK_EQUAL(P->Last, SpaceRead(VaOf(Page) + LAST_WORD));
    }
}

static void Query(ULONG Page)
{
    const PAGE *P = &Model[Now][Page];
    MEMORY_BASIC_INFORMATION M = SpaceQuery(VaOf(Page));

    CHECK_EQUAL(P->Protect == 0 ? MEM_RESERVE : MEM_COMMIT, M.State);
    CHECK_EQUAL(P->Protect, M.Protect);
}

static void Protect(ULONG Page)
{
    PPAGE P = &Model[Now][Page];
    ULONG New = Protects[Random(RTL_NUMBER_OF(Protects))];
    NTSTATUS Status = SpaceTryProtect(VaOf(Page), PAGE_SIZE, New);

    if (!IsShort(Status)) {
        CHECK_EQUAL(P->Protect == 0 ? STATUS_NOT_COMMITTED : STATUS_SUCCESS, Status);
        P->Protect = P->Protect == 0 ? 0 : New;
    }
}

static void Commit(ULONG Page)
{
    PPAGE P = &Model[Now][Page];
    ULONG New = Protects[Random(RTL_NUMBER_OF(Protects))];
    NTSTATUS Status = SpaceTryAllocate(VaOf(Page), PAGE_SIZE, MEM_COMMIT, New);

    if (!IsShort(Status)) {
        CHECK_EQUAL(STATUS_SUCCESS, Status);
        if (P->Protect == 0) {
            *P = (PAGE){0};
        }
        P->Protect = New;
    }
}

static void Decommit(ULONG Page)
{
    NTSTATUS Status = SpaceTryFree(VaOf(Page), PAGE_SIZE, MEM_DECOMMIT);

    if (!IsShort(Status)) {
        CHECK_EQUAL(STATUS_SUCCESS, Status);
        Model[Now][Page].Protect = 0;
    }
}

/* Locking a page makes it the process' own, whatever it was. */
static void Lock(ULONG Page)
{
    PVOID Va = (PVOID)VaOf(Page);
    SIZE_T Bytes = PAGE_SIZE;
    NTSTATUS Expected = ExpectedAccess(&Model[Now][Page], FALSE);
    NTSTATUS Status = NtLockVirtualMemory(NtCurrentProcess(), &Va, &Bytes, MAP_PROCESS);

    NoteAccess(&Model[Now][Page], Status);
    if (IsShort(Status) || Status == STATUS_WORKING_SET_QUOTA) {
        return;
    }
    CHECK(Status == Expected || Status == STATUS_WAS_LOCKED);
    if (Random(2) == 0 && NT_SUCCESS(Status)) {
        CHECK_EQUAL(STATUS_SUCCESS,
                    NtUnlockVirtualMemory(NtCurrentProcess(), &Va, &Bytes, MAP_PROCESS));
    }
}

static void Enter(ULONG Page)
{
    (void)Page;
    Now = Random(PROCESSES);
    SpaceEnter(Processes[Now]);
}

/* Another process ends; a clone of this one takes its place. */
static void Clone(ULONG Page)
{
    ULONG Other = (Now + 1 + Random(PROCESSES - 1)) % PROCESSES;
    PEPROCESS New;
    NTSTATUS Status = PsCloneProcess("clone", Processes[Now], &New);

    (void)Page;
    if (!NT_SUCCESS(Status)) {
        CHECK(IsShort(Status));
        Refused++;
        return;
    }
    PsTerminateProcess(Processes[Other]);
    PsDereferenceProcess(Processes[Other]);
    Processes[Other] = New;
    memcpy(Model[Other], Model[Now], sizeof(Model[Now]));
    Clones++;
}

/* As when memory is short. */
static void Reuse(ULONG Page)
{
    (void)Page;
    Reused += MiReuseStandbyFrames();
}

typedef void OPERATION(ULONG Page);

static OPERATION *const Operations[] = {Write,  Write,    Write, Write,   Read,  Read,
                                        Read,   Read,     Query, Protect, Lock,  Protect,
                                        Commit, Decommit, Enter, Enter,   Enter, Reuse};

static void Step(void)
{
    OPERATION *Operation = Random(24) == 0 ? Clone : Operations[Random(RTL_NUMBER_OF(Operations))];

    if (Random(6) == 0) {
        MiFailFrameAllocation = 1 + Random(3);
    }
    if (Random(6) == 0) {
        MiFailPoolAllocation(1 + Random(3));
    }
    Operation(Random(PAGES));
    MiFailFrameAllocation = 0;
    MiFailPoolAllocation(0);
}

static void MakeFamily(void)
{
    ULONG i;

    memset(Model, 0, sizeof(Model));
    SpaceAllocate(ARENA, PAGES * PAGE_SIZE, MEM_RESERVE, PAGE_READWRITE);
    SpaceAllocate(ARENA, PAGES / 2 * PAGE_SIZE, MEM_COMMIT, PAGE_READWRITE);
    for (i = 0; i < PAGES / 2; i++) {
        Model[0][i].Protect = PAGE_READWRITE;
    }
    for (i = 0; i < PROCESSES; i++) {
        CHECK_EQUAL(STATUS_SUCCESS, PsCloneProcess("clone", SpaceCurrent(), &Processes[i]));
        memcpy(Model[i], Model[0], sizeof(Model[0]));
    }
    Now = 0;
    SpaceEnter(Processes[0]);
}

static void EndFamily(void)
{
    ULONG Bytes;
    ULONG i;

    SpaceEnter(PsInitialSystemProcess);
    for (i = 0; i < PROCESSES; i++) {
        PsTerminateProcess(Processes[i]);
        PsDereferenceProcess(Processes[i]);
    }
    CHECK_EQUAL(0, MiCountCloneBlocks(&Bytes));
    CHECK_EQUAL(0, Bytes);
}

TEST(Prop_clones_behave_as_copies)
{
    const ULONG Steps = (ULONG)TestRounds(40000);
    ULONG Copies = MiFaultCounters.CopyOnWrite;
    ULONG Maps = MiFaultCounters.Prototype;
    ULONG Kept = MiFaultCounters.TakenBack;
    ULONG i;

    Seed = TestSeed() | 1;
    Clones = 0;
    Refused = 0;
    Reused = 0;
    SpaceStart();
    HostStartClock();
    MakeFamily();
    for (i = 0; i < Steps; i++) {
        Step();
        if (i % VERIFY == 0) {
            ULONG_PTR Stale;

            MiVerifyAll();
            CHECK(!HostFindStaleTranslation(&Stale));
        }
    }
    Copies = MiFaultCounters.CopyOnWrite - Copies;
    Maps = MiFaultCounters.Prototype - Maps;
    Kept = MiFaultCounters.TakenBack - Kept;
    printf("# %u clones, %u refused; %u pages copied, %u mapped, %u taken back, %u reused\n",
           (unsigned)Clones, (unsigned)Refused, (unsigned)Copies, (unsigned)Maps, (unsigned)Kept,
           (unsigned)Reused);
    CHECK(Clones > Steps / 100 && Refused > Steps / 1000 && Copies > Steps / 100 &&
          Maps > Steps / 100 && Kept > Steps / 1000 && Reused != 0);
    TestCountOperations(Steps, 1);
    EndFamily();
    SpaceFinish();
}

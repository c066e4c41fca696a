/* SPDX-License-Identifier: MIT */
/*
 * test_inject_memory.c - every n-th allocation fails (figure R3), on a machine that was started
 * whole.
 *
 * A scenario takes something of the memory manager, uses it, and gives it back; it says whether it
 * got what it wanted.  It is run with the first, second, ... request of one kind failing, until no
 * request is left to fail:
 *
 *     frame     MiAllocateFrame and its kin
 *     PTE       system PTEs
 *     pool      blocks and pages of both pools
 *     commit    the n-th page of commitment and all behind it
 *
 * After each run everything verifies and every counter is what it was.  At the end the same with
 * failures by chance: 6 % of all requests.
 */
#include "ex.h"
#include "mm.h"
#include "mm/fault/fault.h"
#include "mm/pfn/commit.h"
#include "mm/pfn/frame.h"
#include "mm/pfn/pfn_inspect.h"
#include "mm/pool/pool.h"
#include "mm/pool/paged_page.h"
#include "mm/space/process.h"
#include "mm/sysva/kernel_stack.h"
#include "mm/sysva/mdl.h"
#include "mm/sysva/system_pages.h"
#include "mm/sysva/system_ptes.h"
#include "tests/unit/mm_world.h"
#include "verify.h"

#include <stdio.h>
#include <string.h>

#define FRAMES 2048u
#define TAG    0x656A6E49u /* 'Inje' */

static const PHYSICAL_ADDRESS Nothing = {.QuadPart = 0};
static const PHYSICAL_ADDRESS Everything = {.QuadPart = -1};

/* ---- scenarios: TRUE when all was there ---- */

static BOOLEAN Block(POOL_TYPE Type, ULONG Bytes)
{
    PUCHAR P = ExAllocatePoolWithTag(Type, Bytes, TAG);

    if (P == NULL) {
        return FALSE;
    }
    memset(P, 0x5A, Bytes);
    CHECK(P[0] == 0x5A && P[Bytes - 1] == 0x5A);
    ExFreePoolWithTag(P, TAG);
    return TRUE;
}

static BOOLEAN NonPagedBlock(ULONG Bytes)
{
    return Block(NonPagedPool, Bytes);
}

static BOOLEAN PagedBlock(ULONG Bytes)
{
    return Block(PagedPool, Bytes);
}

static BOOLEAN ManyBlocks(ULONG Bytes)
{
    PVOID P[12];
    ULONG Taken = 0;
    ULONG i;

    while (Taken < RTL_NUMBER_OF(P) &&
           (P[Taken] = ExAllocatePoolWithTag((POOL_TYPE)(Taken % 2), Bytes, TAG)) != NULL) {
        Taken++;
    }
    for (i = 0; i < Taken; i++) {
        ExFreePoolWithTag(P[i], TAG);
    }
    return Taken == RTL_NUMBER_OF(P);
}

static BOOLEAN Lookaside(ULONG Bytes)
{
    NPAGED_LOOKASIDE_LIST List;
    PVOID P[3];
    ULONG Got = 0;
    ULONG i;

    ExInitializeNPagedLookasideList(&List, NULL, NULL, 0, Bytes, TAG, 0);
    for (i = 0; i < RTL_NUMBER_OF(P); i++) {
        P[i] = ExAllocateFromNPagedLookasideList(&List);
        Got += P[i] != NULL;
    }
    for (i = 0; i < RTL_NUMBER_OF(P); i++) {
        if (P[i] != NULL) {
            ExFreeToNPagedLookasideList(&List, P[i]);
        }
    }
    ExDeleteNPagedLookasideList(&List);
    return Got == RTL_NUMBER_OF(P);
}

static BOOLEAN Stacks(ULONG Count)
{
    PVOID Stack[16];
    ULONG Made = 0;
    ULONG i;

    while (Made < Count && (Stack[Made] = MiCreateKernelStack()) != NULL) {
        memset((PUCHAR)Stack[Made] - MI_KERNEL_STACK_BYTES, 1, MI_KERNEL_STACK_BYTES);
        Made++;
    }
    for (i = 0; i < Made; i++) {
        MiDeleteKernelStack(Stack[i]);
    }
    return Made == Count;
}

/* Lock Pages of a buffer and map them a second time. */
static BOOLEAN LockAndMap(POOL_TYPE Type, ULONG Pages)
{
    PUCHAR Buffer = ExAllocatePoolWithTag(Type, Pages * PAGE_SIZE, TAG);
    PMDL Mdl = Buffer == NULL ? NULL : IoAllocateMdl(Buffer, Pages * PAGE_SIZE, FALSE, FALSE, NULL);
    PUCHAR Second = NULL;

    if (Mdl != NULL) {
        MmProbeAndLockPages(Mdl, KernelMode, IoWriteAccess);
        Second =
            MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, FALSE, HighPagePriority);
        if (Second != NULL) {
            Second[Pages * PAGE_SIZE - 1] = 0x77;
            CHECK_EQUAL(0x77, Buffer[Pages * PAGE_SIZE - 1]);
        }
        MmUnlockPages(Mdl);
        IoFreeMdl(Mdl);
    }
    if (Buffer != NULL) {
        ExFreePoolWithTag(Buffer, TAG);
    }
    return Second != NULL;
}

static BOOLEAN MdlOfNonPaged(ULONG Pages)
{
    return LockAndMap(NonPagedPool, Pages);
}

static BOOLEAN MdlOfPaged(ULONG Pages)
{
    return LockAndMap(PagedPool, Pages);
}

static BOOLEAN PagesForMdl(ULONG Pages)
{
    PMDL Mdl = MmAllocatePagesForMdl(Nothing, Everything, Nothing, Pages * PAGE_SIZE);
    PUCHAR Va = NULL;
    BOOLEAN All = FALSE;

    if (Mdl == NULL) {
        return FALSE;
    }
    All = Mdl->ByteCount == Pages * PAGE_SIZE;
    Va = MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, NULL, FALSE, HighPagePriority);
    if (Va != NULL) {
        CHECK_EQUAL(0, Va[Mdl->ByteCount - 1]);
        MmUnmapLockedPages(Va, Mdl);
    }
    MmFreePagesFromMdl(Mdl);
    IoFreeMdl(Mdl);
    return All && Va != NULL;
}

static BOOLEAN Contiguous(ULONG Pages)
{
    PVOID Va = MmAllocateContiguousMemory(Pages * PAGE_SIZE, Everything);

    if (Va == NULL) {
        return FALSE;
    }
    memset(Va, 1, Pages * PAGE_SIZE);
    MmFreeContiguousMemory(Va);
    return TRUE;
}

static BOOLEAN NonCached(ULONG Pages)
{
    PVOID Va = MmAllocateNonCachedMemory(Pages * PAGE_SIZE);

    if (Va == NULL) {
        return FALSE;
    }
    memset(Va, 1, Pages * PAGE_SIZE);
    MmFreeNonCachedMemory(Va, Pages * PAGE_SIZE);
    return TRUE;
}

static BOOLEAN Reserved(ULONG Pages)
{
    PVOID Va = MmAllocateMappingAddress(Pages * PAGE_SIZE, TAG);
    PMDL Mdl =
        Va == NULL ? NULL : MmAllocatePagesForMdl(Nothing, Everything, Nothing, Pages * PAGE_SIZE);
    BOOLEAN All = FALSE;

    if (Mdl != NULL) {
        All = Mdl->ByteCount == Pages * PAGE_SIZE;
        CHECK(MmMapLockedPagesWithReservedMapping(Va, TAG, Mdl, MmCached) == Va);
        MmUnmapReservedMapping(Va, TAG, Mdl);
        MmFreePagesFromMdl(Mdl);
        IoFreeMdl(Mdl);
    }
    if (Va != NULL) {
        MmFreeMappingAddress(Va, TAG);
    }
    return All;
}

static BOOLEAN IoSpace(ULONG Pages)
{
    const PHYSICAL_ADDRESS Device = {.QuadPart = 0xFEC00000};
    PVOID Va = MmMapIoSpace(Device, Pages * PAGE_SIZE, MmNonCached);

    if (Va == NULL) {
        return FALSE;
    }
    CHECK_EQUAL(0xFEC00000u, MmGetPhysicalAddress(Va).LowPart);
    MmUnmapIoSpace(Va, Pages * PAGE_SIZE);
    return TRUE;
}

static BOOLEAN SystemPages(ULONG Pages)
{
    PMMPTE First = MiReserveSystemPtes(Pages);
    BOOLEAN Made;

    if (First == NULL) {
        return FALSE;
    }
    Made = NT_SUCCESS(
        MiCreateSystemPages(First, Pages, MiMakeKernelTemplate(MiKernelReadWrite, MiCached)));
    if (Made) {
        MiDeleteSystemPages(First, Pages);
    }
    MiReleaseSystemPtes(First, Pages);
    return Made;
}

/* A process that reserves, commits, touches, protects and frees, page by page and all at once. */
static BOOLEAN UseMemory(ULONG_PTR Va, ULONG Pages)
{
    PVOID Base = (PVOID)Va;
    SIZE_T Bytes = Pages * PAGE_SIZE;
    PVOID Half = (PVOID)(Va + Pages / 2 * PAGE_SIZE);
    SIZE_T Rest = PAGE_SIZE;
    ULONG Old;

    if (!NT_SUCCESS(NtAllocateVirtualMemory(NtCurrentProcess(), &Base, 0, &Bytes, MEM_COMMIT,
                                            PAGE_READONLY)) ||
        !NT_SUCCESS(
            NtProtectVirtualMemory(NtCurrentProcess(), &Base, &Bytes, PAGE_READWRITE, &Old)) ||
        !NT_SUCCESS(MmProbeForWrite(Base, Bytes, 1))) {
        return FALSE;
    }
    memset(Base, 0x5A, Bytes);
    return NT_SUCCESS(NtFreeVirtualMemory(NtCurrentProcess(), &Half, &Rest, MEM_DECOMMIT)) &&
           NT_SUCCESS(NtAllocateVirtualMemory(NtCurrentProcess(), &Half, 0, &Rest, MEM_COMMIT,
                                              PAGE_READWRITE)) &&
           *(volatile UCHAR *)Half == 0;
}

static BOOLEAN AddressSpace(ULONG Pages)
{
    PEPROCESS Process;
    KAPC_STATE State;
    PVOID Va = NULL;
    SIZE_T Bytes = Pages * PAGE_SIZE;
    BOOLEAN Done;

    if (!NT_SUCCESS(PsCreateProcess("inject", &Process))) {
        return FALSE;
    }
    KeStackAttachProcess(&Process->Pcb, &State);
    Done = NT_SUCCESS(NtAllocateVirtualMemory(NtCurrentProcess(), &Va, 0, &Bytes,
                                              MEM_RESERVE | MEM_WRITE_WATCH, PAGE_READWRITE)) &&
           UseMemory((ULONG_PTR)Va, Pages);
    KeUnstackDetachProcess(&State);
    PsTerminateProcess(Process);
    PsDereferenceProcess(Process);
    return Done;
}

/* In Process: a directory, a link to it, Count handles through the link, and then a clone. */
static BOOLEAN UseObjects(PEPROCESS Process, ULONG Count)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(u"\\BaseNamedObjects\\Inject");
    UNICODE_STRING LinkName = NT_CONSTANT_STRING(u"\\??\\Inject");
    OBJECT_ATTRIBUTES Attributes = {sizeof(Attributes), NULL, &Name, OBJ_INHERIT, NULL, NULL};
    PEPROCESS Clone;
    HANDLE Handle;
    BOOLEAN Done;

    Done = NT_SUCCESS(NtCreateDirectoryObject(&Handle, DIRECTORY_ALL_ACCESS, &Attributes));
    InitializeObjectAttributes(&Attributes, &LinkName, OBJ_INHERIT, NULL, NULL);
    Done = Done && NT_SUCCESS(NtCreateSymbolicLinkObject(&Handle, 0, &Attributes, &Name));
    while (Done && Count-- != 0) {
        Done = NT_SUCCESS(NtOpenDirectoryObject(&Handle, 0, &Attributes));
    }
    Done = Done && NT_SUCCESS(PsCloneProcess("inject", Process, &Clone));
    if (Done) {
        PsTerminateProcess(Clone);
        PsDereferenceProcess(Clone);
    }
    return Done;
}

static BOOLEAN ObjectsAndHandles(ULONG Count)
{
    PEPROCESS Process;
    KAPC_STATE State;
    BOOLEAN Done;

    if (!NT_SUCCESS(PsCreateProcess("inject", &Process))) {
        return FALSE;
    }
    KeStackAttachProcess(&Process->Pcb, &State);
    Done = UseObjects(Process, Count);
    KeUnstackDetachProcess(&State);
    PsTerminateProcess(Process); /* closes all handles */
    PsDereferenceProcess(Process);
    return Done;
}

/* ---- the table: a routine and what it is called with ---- */

typedef struct _SCENARIO {
    const char *Name;
    BOOLEAN (*Run)(ULONG Argument);
    ULONG Arguments[14]; /* 0 ends them */
} SCENARIO;

static const SCENARIO Scenarios[] = {
    {"nonpaged",
     NonPagedBlock,
     {1, 16, 40, 200, 1000, 2000, 4000, 4080, 4096, 5000, 20000, 70000, 400000}},
    {"paged",
     PagedBlock,
     {1, 16, 40, 200, 1000, 2000, 4000, 4080, 4096, 5000, 20000, 70000, 400000}},
    {"many blocks", ManyBlocks, {8, 100, 500, 1500, 3000, 4090, 4096, 9000}},
    {"look-aside", Lookaside, {8, 64, 500, 4000, 4096, 10000}},
    {"stacks", Stacks, {1, 2, 9, 16}},
    {"MDL nonpaged", MdlOfNonPaged, {1, 2, 3, 4, 8, 9, 16, 23, 24, 60}},
    {"MDL paged", MdlOfPaged, {1, 2, 3, 4, 8, 9, 16, 23, 24, 60}},
    {"pages for MDL", PagesForMdl, {1, 2, 3, 4, 7, 8, 9, 16, 23, 24, 60, 100}},
    {"contiguous", Contiguous, {1, 2, 3, 4, 8, 9, 16, 23, 24, 60}},
    {"noncached", NonCached, {1, 2, 3, 8, 16, 40}},
    {"reserved", Reserved, {1, 2, 3, 5, 8, 13, 20, 40}},
    {"I/O space", IoSpace, {1, 2, 4, 8, 9, 23, 100}},
    {"address space", AddressSpace, {1, 2, 5, 16, 17, 60}},
    {"objects", ObjectsAndHandles, {1, 3}},
    {"system pages", SystemPages, {1, 2, 4, 8, 9, 23, 24, 64}},
};

/* ---- balance ---- */

typedef struct _BALANCE {
    ULONG Available;
    ULONG Committed;
    ULONG Resident;
    ULONG FreePtes;
    ULONG NonPagedBytes;
    ULONG PagedBytes;
    ULONG PagedResident;
    ULONG Stacks;
    ULONG Locked;
} BALANCE;

/* Page tables and the big blocks' table stay once they were made. */
static BALANCE TakeBalance(void)
{
    MI_KERNEL_STACK_COUNTERS Stack;
    MI_SYSTEM_PTE_COUNTERS Ptes;
    MI_POOL_FIGURES NonPaged;
    MI_POOL_FIGURES Paged;
    MI_PFN_COUNTERS Frames;

    MiTrimKernelStacks();
    MiTrimPools();
    MiQueryKernelStacks(&Stack);
    MiQuerySystemPtes(&Ptes);
    MiQueryPfnCounters(&Frames);
    MiQueryPoolFigures(NonPagedPool, &NonPaged);
    MiQueryPoolFigures(PagedPool, &Paged);
    return (BALANCE){
        .Available = Frames.AvailablePages + MiSystemPageTables,
        .Committed = Frames.Commit.Committed - MiSystemPageTables,
        .Resident = Frames.Commit.ResidentAvailable + MiSystemPageTables,
        .FreePtes = Ptes.Free,
        .NonPagedBytes = NonPaged.InUseBytes,
        .PagedBytes = Paged.InUseBytes,
        .PagedResident = MiResidentPagedPool,
        .Stacks = Stack.InUse,
        .Locked = MiLockedPages,
    };
}

static ULONG Balances; /* compared since the test began */

static void CheckBalance(const BALANCE *Before, const SCENARIO *Scenario, ULONG Argument, ULONG Nth)
{
    const BALANCE After = TakeBalance();

    MiVerifyAll();
    Balances++;
    if (memcmp(Before, &After, sizeof(After)) != 0) {
        TestFail(__FILE__, __LINE__,
                 "%s %u, failure %u: frames %d, commitment %d, resident %d, PTEs %d, nonpaged %d, "
                 "paged %d, paged pages %d, stacks %d, locked %d",
                 Scenario->Name, (unsigned)Argument, (unsigned)Nth,
                 (int)(After.Available - Before->Available),
                 (int)(After.Committed - Before->Committed),
                 (int)(After.Resident - Before->Resident), (int)(After.FreePtes - Before->FreePtes),
                 (int)(After.NonPagedBytes - Before->NonPagedBytes),
                 (int)(After.PagedBytes - Before->PagedBytes),
                 (int)(After.PagedResident - Before->PagedResident),
                 (int)(After.Stacks - Before->Stacks), (int)(After.Locked - Before->Locked));
    }
}

/* ---- kinds of failure: Set arms the n-th, Clear disarms and says whether it has happened ---- */

typedef struct _FAILURE {
    const char *Name;
    void (*Set)(ULONG Nth);
    BOOLEAN (*Clear)(void);
} FAILURE;

static void SetFrame(ULONG Nth)
{
    MiFailFrameAllocation = Nth;
}

static BOOLEAN ClearFrame(void)
{
    BOOLEAN Happened = MiFailFrameAllocation == 0;

    MiFailFrameAllocation = 0;
    return Happened;
}

static void SetPte(ULONG Nth)
{
    MiFailSystemPteReservation = Nth;
}

static BOOLEAN ClearPte(void)
{
    BOOLEAN Happened = MiFailSystemPteReservation == 0;

    MiFailSystemPteReservation = 0;
    return Happened;
}

static BOOLEAN ClearPool(void)
{
    BOOLEAN Happened = MiPoolFailureHappened();

    MiFailPoolAllocation(0);
    return Happened;
}

static ULONG SavedLimit;
static ULONG RefusedBefore;

static void SetCommit(ULONG Nth)
{
    SavedLimit = MiCommit.Limit;
    RefusedBefore = MiCommit.Refused;
    MiCommit.Limit = MiCommit.Committed + (Nth - 1);
}

static BOOLEAN ClearCommit(void)
{
    MiCommit.Limit = SavedLimit;
    return MiCommit.Refused != RefusedBefore;
}

static const FAILURE Failures[] = {
    {"frame", SetFrame, ClearFrame},
    {"PTE", SetPte, ClearPte},
    {"pool", MiFailPoolAllocation, ClearPool},
    {"commit", SetCommit, ClearCommit},
};

#define MOST_FAILURES 600u

/* => Returns the number of failures that happened. */
static ULONG Sweep(const SCENARIO *Scenario, ULONG Argument, const FAILURE *Failure)
{
    const BALANCE Before = TakeBalance();
    BOOLEAN Happened = TRUE;
    ULONG Nth;

    for (Nth = 1; Happened && Nth < MOST_FAILURES; Nth++) {
        BOOLEAN Succeeded;

        Failure->Set(Nth);
        Succeeded = Scenario->Run(Argument);
        Happened = Failure->Clear();
        if (!Happened && !Succeeded) {
            TestFail(__FILE__, __LINE__, "%s %u fails without a %s failure", Scenario->Name,
                     (unsigned)Argument, Failure->Name);
        }
        CheckBalance(&Before, Scenario, Argument, Nth);
    }
    CHECK(!Happened);
    return Nth - 2;
}

static void SweepAll(const FAILURE *Failure)
{
    ULONG Runs = 0;
    ULONG Happened = 0;
    ULONG s;
    ULONG a;

    Balances = 0;
    MmWorldStart(FRAMES);
    HostStartClock();
    for (s = 0; s < RTL_NUMBER_OF(Scenarios); s++) {
        for (a = 0; a < RTL_NUMBER_OF(Scenarios[s].Arguments) && Scenarios[s].Arguments[a] != 0;
             a++) {
            CHECK(Scenarios[s].Run(Scenarios[s].Arguments[a])); /* page tables are there then */
            Happened += Sweep(&Scenarios[s], Scenarios[s].Arguments[a], Failure);
            Runs++;
        }
    }
    printf("# %s: %u scenarios, %u failures injected\n", Failure->Name, (unsigned)Runs,
           (unsigned)Happened);
    printf("# figure R3 %u 0\n# figure R12 %u 0\n", (unsigned)Happened, (unsigned)Balances);
    CHECK(Runs >= 100);
    CHECK(Happened >= Runs / 2);
    MmWorldFinish();
}

TEST(Inject_nth_frame_fails_and_nothing_is_lost)
{
    SweepAll(&Failures[0]);
}

TEST(Inject_nth_system_PTE_fails_and_nothing_is_lost)
{
    SweepAll(&Failures[1]);
}

TEST(Inject_nth_pool_allocation_fails_and_nothing_is_lost)
{
    SweepAll(&Failures[2]);
}

TEST(Inject_commitment_ends_at_the_nth_page_and_nothing_is_lost)
{
    SweepAll(&Failures[3]);
}

/* Failures by chance: all kinds armed at once, each soon, again and again. */
TEST(Inject_6_percent_of_all_requests_fail_and_nothing_is_lost)
{
    const ULONG Rounds = (ULONG)TestRounds(3000);
    uint64_t Random = TestSeed() | 1;
    ULONG Failed = 0;
    BALANCE Before;
    ULONG i;

    MmWorldStart(FRAMES);
    HostStartClock();
    for (i = 0; i < RTL_NUMBER_OF(Scenarios); i++) {
        CHECK(Scenarios[i].Run(Scenarios[i].Arguments[2]));
    }
    Before = TakeBalance();
    for (i = 0; i < Rounds; i++) {
        const SCENARIO *Scenario;
        ULONG Argument;

        Scenario = &Scenarios[TestRandom(&Random) % RTL_NUMBER_OF(Scenarios)];
        Argument = Scenario->Arguments[TestRandom(&Random) % 3];
        SetFrame(1 + TestRandom(&Random) % 32);
        SetPte(1 + TestRandom(&Random) % 32);
        MiFailPoolAllocation(1 + TestRandom(&Random) % 32);
        Failed += !Scenario->Run(Argument);
        ClearFrame();
        ClearPte();
        ClearPool();
        if (i % 64 == 0) {
            CheckBalance(&Before, Scenario, Argument, i);
        }
    }
    CHECK(Failed > Rounds / 50);
    MmWorldFinish();
}

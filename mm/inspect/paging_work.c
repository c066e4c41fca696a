/* SPDX-License-Identifier: MIT */
/*
 * paging_work.c - one thread of the paging run: touches its process' pages in many orders, and
 * knows of each what it has to hold.
 *
 *     state of a page    reading gives                 by
 *     version 0          zeroes                        commit
 *     version n          what was stamped              a write
 *     MIP_RESET          that, or zeroes from then on  MEM_RESET
 *     MIP_READ_ONLY      as without it; a write is     NtProtectVirtualMemory
 *                        STATUS_ACCESS_VIOLATION
 *     MIP_DECOMMITTED    STATUS_ACCESS_VIOLATION       MEM_DECOMMIT
 *     MIP_UNKNOWN        anything                      a write that failed half way
 *
 * The user half is touched by MmCopyFromUser and MmCopyToUser alone, as SMAP wants it; every word
 * of a page is compared at each touch.
 *
 * Locking: none; a worker has its process for itself.
 */
#include "mm/inspect/paging_work.h"

#include "arch/cpu.h"
#include "ex.h"
#include "mi_assert.h"
#include "mm/space/process.h"
#include "report.h"
#include "rtl.h"

#define MIP_VERSION        0x0FFFu
#define MIP_UNKNOWN        0x1000u
#define MIP_READ_ONLY      0x2000u
#define MIP_RESET          0x4000u
#define MIP_DECOMMITTED    0x8000u

#define MIP_SERVICE_EVERY  64u /* touches */
#define MIP_SERVICE_PAGES  32u
#define MIP_LOCKED_PAGES   8u /* far below the minimum working set */
#define MIP_WRONG_TO_PRINT 8u

ULONG MiNextWorkNumber(PULONG State, ULONG Limit)
{
    ULONG x = *State;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    *State = x;
    return x % Limit;
}

void MiCountTouch(PMI_WORK_RESULT Result, ULONG64 Start, BOOLEAN Write)
{
    ULONG64 Cycles = KeReadCycleCounter() - Start;

    Result->Longest = Cycles > Result->Longest ? Cycles : Result->Longest;
    Result->Touches++;
    Result->Writes += Write;
}

static ULONG MipRandom(PMI_PAGING_WORK Work, ULONG Limit)
{
    return MiNextWorkNumber(&Work->Random, Limit);
}

static ULONG_PTR MipVa(const MI_PAGING_WORK *Work, ULONG Page)
{
    return Work->Blocks[Page / MI_WORK_BLOCK_PAGES] + Page % MI_WORK_BLOCK_PAGES * PAGE_SIZE;
}

static MI_STAMP MipStamp(const MI_PAGING_WORK *Work, ULONG Page)
{
    return (MI_STAMP){MipVa(Work, Page), Work->States[Page] & MIP_VERSION, Work->Seed};
}

/* ---- statuses ---- */

/* => Whether the call did what it had to. */
static BOOLEAN MipJudge(PMI_PAGING_WORK Work, NTSTATUS Status, NTSTATUS Expected)
{
    PMI_WORK_RESULT Result = &Work->Result;

    if (Status == Expected) {
        return TRUE;
    }
    if (Status == STATUS_IN_PAGE_ERROR && Work->Errors) {
        Result->InPageErrors++;
    } else if (Status == STATUS_NO_MEMORY || Status == STATUS_INSUFFICIENT_RESOURCES ||
               Status == STATUS_WORKING_SET_QUOTA || Status == STATUS_COMMITMENT_LIMIT) {
        Result->Refused++;
    } else if (Result->Unexpected++ < MIP_WRONG_TO_PRINT) {
        KiPrint("# paging: process %u: status %08x instead of %08x\n",
                (ULONG)(ULONG_PTR)PsGetProcessId(Work->Process), (ULONG)Status, (ULONG)Expected);
    }
    return FALSE;
}

static NTSTATUS MipAllocate(ULONG_PTR *Base, SIZE_T Bytes, ULONG Type)
{
    PVOID Va = (PVOID)*Base;
    NTSTATUS Status =
        NtAllocateVirtualMemory(NtCurrentProcess(), &Va, 0, &Bytes, Type, PAGE_READWRITE);

    *Base = NT_SUCCESS(Status) ? (ULONG_PTR)Va : *Base;
    return Status;
}

static NTSTATUS MipProtect(ULONG_PTR Base, ULONG Pages, ULONG Protect)
{
    PVOID Va = (PVOID)Base;
    SIZE_T Bytes = Pages * PAGE_SIZE;
    ULONG Old;

    return NtProtectVirtualMemory(NtCurrentProcess(), &Va, &Bytes, Protect, &Old);
}

/* ---- one page ---- */

/* The page lies in Copy: is it what it has to be? */
static void MipCompare(PMI_PAGING_WORK Work, ULONG Page)
{
    const MI_STAMP Zero = {MipVa(Work, Page), 0, Work->Seed};
    PUSHORT State = &Work->States[Page];

    if ((*State & MIP_UNKNOWN) != 0 || MiIsPageStamped(Work->Copy, MipStamp(Work, Page))) {
        return;
    }
    if ((*State & MIP_RESET) != 0 && MiIsPageStamped(Work->Copy, Zero)) {
        *State &= (USHORT) ~(MIP_RESET | MIP_VERSION);
        return;
    }
    if (Work->Result.Wrong++ < MIP_WRONG_TO_PRINT) {
        MiDescribeWrongPage("paging", Work->Copy, MipStamp(Work, Page));
    }
}

static void MipRead(PMI_PAGING_WORK Work, ULONG Page)
{
    BOOLEAN Gone = (Work->States[Page] & MIP_DECOMMITTED) != 0;
    ULONG64 Start = KeReadCycleCounter();
    NTSTATUS Status = MmCopyFromUser(Work->Copy, (PVOID)MipVa(Work, Page), PAGE_SIZE, NULL);

    MiCountTouch(&Work->Result, Start, FALSE);
    if (MipJudge(Work, Status, Gone ? STATUS_ACCESS_VIOLATION : STATUS_SUCCESS) && !Gone) {
        MipCompare(Work, Page);
    }
}

/* => FALSE: the page cannot be written. */
static BOOLEAN MipMakeWritable(PMI_PAGING_WORK Work, ULONG Page)
{
    PUSHORT State = &Work->States[Page];
    ULONG_PTR Va = MipVa(Work, Page);

    if ((*State & MIP_DECOMMITTED) != 0) {
        if (!MipJudge(Work, MipAllocate(&Va, PAGE_SIZE, MEM_COMMIT), STATUS_SUCCESS)) {
            return FALSE;
        }
        *State = 0;
    }
    if ((*State & MIP_READ_ONLY) != 0) {
        (void)MipJudge(Work, MmCopyToUser((PVOID)Va, &Work->Seed, sizeof(ULONG), NULL),
                       STATUS_ACCESS_VIOLATION);
        if (!MipJudge(Work, MipProtect(Va, 1, PAGE_READWRITE), STATUS_SUCCESS)) {
            return FALSE;
        }
        *State &= (USHORT)~MIP_READ_ONLY;
    }
    return TRUE;
}

/* It is read and compared, then written as the next version. */
static void MipWrite(PMI_PAGING_WORK Work, ULONG Page)
{
    PUSHORT State = &Work->States[Page];
    USHORT Version;
    ULONG64 Start;

    if (!MipMakeWritable(Work, Page)) {
        return;
    }
    MipRead(Work, Page);
    Version = (USHORT)((*State & MIP_VERSION) % MIP_VERSION + 1);
    *State = (USHORT)(Version | MIP_UNKNOWN);
    MiStampPage(Work->Copy, MipStamp(Work, Page));
    Start = KeReadCycleCounter();
    if (MipJudge(Work, MmCopyToUser((PVOID)MipVa(Work, Page), Work->Copy, PAGE_SIZE, NULL),
                 STATUS_SUCCESS)) {
        *State = Version;
    } else {
        Work->Result.GivenUp++;
    }
    MiCountTouch(&Work->Result, Start, TRUE);
}

/* ---- services in between ---- */

/* A run of committed pages in one block, none of them locked.  => 0: there is none here. */
static ULONG MipChooseRun(PMI_PAGING_WORK Work, PULONG First)
{
    ULONG Most = 1 + MipRandom(Work, MIP_SERVICE_PAGES);
    ULONG Page = MipRandom(Work, Work->Pages);
    ULONG Count = 0;

    *First = Page;
    while (Count < Most && Page < Work->Pages && (Work->States[Page] & MIP_DECOMMITTED) == 0 &&
           Page / MI_WORK_BLOCK_PAGES == *First / MI_WORK_BLOCK_PAGES &&
           !(Page >= Work->LockedPage && Page < Work->LockedPage + Work->LockedPages)) {
        Page++;
        Count++;
    }
    return Count;
}

static void MipSetStates(PMI_PAGING_WORK Work, ULONG First, ULONG Count, USHORT Keep, USHORT Add)
{
    ULONG i;

    for (i = First; i < First + Count; i++) {
        Work->States[i] = (USHORT)((Work->States[i] & Keep) | Add);
    }
}

static void MipDecommitRun(PMI_PAGING_WORK Work, ULONG First, ULONG Count)
{
    PVOID Va = (PVOID)MipVa(Work, First);
    SIZE_T Bytes = Count * PAGE_SIZE;

    if (MipJudge(Work, NtFreeVirtualMemory(NtCurrentProcess(), &Va, &Bytes, MEM_DECOMMIT),
                 STATUS_SUCCESS)) {
        MipSetStates(Work, First, Count, 0, MIP_DECOMMITTED);
        Work->Result.Services++;
    }
}

static void MipProtectRun(PMI_PAGING_WORK Work, ULONG First, ULONG Count)
{
    if (MipJudge(Work, MipProtect(MipVa(Work, First), Count, PAGE_READONLY), STATUS_SUCCESS)) {
        MipSetStates(Work, First, Count, 0xFFFF, MIP_READ_ONLY);
        Work->Result.Services++;
    }
}

static void MipResetRun(PMI_PAGING_WORK Work, ULONG First, ULONG Count)
{
    ULONG_PTR Va = MipVa(Work, First);

    MipSetStates(Work, First, Count, 0xFFFF, MIP_RESET);
    Work->Result.Services +=
        MipJudge(Work, MipAllocate(&Va, Count * PAGE_SIZE, MEM_RESET), STATUS_SUCCESS);
}

/* One run at a time is locked; the next turn unlocks it. */
static void MipLockRun(PMI_PAGING_WORK Work, ULONG First, ULONG Count)
{
    PVOID Va = (PVOID)MipVa(Work, Work->LockedPage);
    SIZE_T Bytes = Work->LockedPages * PAGE_SIZE;

    if (Work->LockedPages != 0) {
        if (MipJudge(Work, NtUnlockVirtualMemory(NtCurrentProcess(), &Va, &Bytes, MAP_PROCESS),
                     STATUS_SUCCESS)) {
            Work->Result.Services++;
        }
        Work->LockedPages = 0;
        return;
    }
    Count = Count < MIP_LOCKED_PAGES ? Count : MIP_LOCKED_PAGES;
    Va = (PVOID)MipVa(Work, First);
    Bytes = Count * PAGE_SIZE;
    if (MipJudge(Work, NtLockVirtualMemory(NtCurrentProcess(), &Va, &Bytes, MAP_PROCESS),
                 STATUS_SUCCESS)) {
        Work->LockedPage = First;
        Work->LockedPages = Count;
        Work->Result.Services++;
    }
}

/* What is said of the run's first page is true of it. */
static void MipQueryRun(PMI_PAGING_WORK Work, ULONG First, ULONG Count)
{
    BOOLEAN ReadOnly = (Work->States[First] & MIP_READ_ONLY) != 0;
    MEMORY_BASIC_INFORMATION Information;
    NTSTATUS Status =
        NtQueryVirtualMemory(NtCurrentProcess(), (PVOID)MipVa(Work, First), MemoryBasicInformation,
                             &Information, sizeof(Information), NULL);

    (void)Count;
    if (MipJudge(Work, Status, STATUS_SUCCESS)) {
        Work->Result.Services++;
        Work->Result.Wrong += Information.State != MEM_COMMIT ||
                              Information.Protect != (ReadOnly ? PAGE_READONLY : PAGE_READWRITE);
    }
}

static void MipCallService(PMI_PAGING_WORK Work)
{
    static void (*const Services[])(PMI_PAGING_WORK, ULONG, ULONG) = {
        MipDecommitRun, MipProtectRun, MipResetRun, MipLockRun, MipQueryRun};
    ULONG First;
    ULONG Count = MipChooseRun(Work, &First);

    if (Count != 0) {
        Services[MipRandom(Work, RTL_NUMBER_OF(Services))](Work, First, Count);
    }
}

/* ---- orders of touching ---- */

static ULONG MipSequential(PMI_PAGING_WORK Work, ULONG Turn)
{
    return Turn % Work->Pages;
}

static ULONG MipStrided(PMI_PAGING_WORK Work, ULONG Turn)
{
    return (ULONG)((ULONG64)Turn * 257 % Work->Pages);
}

static ULONG MipAnywhere(PMI_PAGING_WORK Work, ULONG Turn)
{
    (void)Turn;
    return MipRandom(Work, Work->Pages);
}

/* Nine of ten touches go to a sixteenth of the pages. */
static ULONG MipHotAndCold(PMI_PAGING_WORK Work, ULONG Turn)
{
    (void)Turn;
    return MipRandom(Work, MipRandom(Work, 10) != 0 ? Work->Pages / 16 + 1 : Work->Pages);
}

typedef struct _MIP_PHASE {
    ULONG (*Order)(PMI_PAGING_WORK Work, ULONG Turn);
    ULONG Quarters;   /* touches, in quarters of the pages */
    ULONG WriteOneIn; /* touches; 0: none */
    BOOLEAN Services;
} MIP_PHASE;

static const MIP_PHASE MipPhases[] = {
    {MipSequential, 4, 1, FALSE}, {MipSequential, 4, 0, FALSE}, {MipStrided, 1, 2, TRUE},
    {MipAnywhere, 1, 2, TRUE},    {MipHotAndCold, 2, 3, TRUE},  {MipSequential, 4, 0, FALSE},
};

static void MipDoPhase(PMI_PAGING_WORK Work, const MIP_PHASE *Phase)
{
    ULONG Turns = Work->Pages / 4 * Phase->Quarters;
    ULONG Turn;

    Turns = Phase->Quarters == 4 ? Work->Pages : Turns;
    for (Turn = 0; Turn < Turns; Turn++) {
        ULONG Page = Phase->Order(Work, Turn);

        if (Phase->Services && Turn % MIP_SERVICE_EVERY == 0) {
            MipCallService(Work);
        }
        if (Phase->WriteOneIn != 0 && MipRandom(Work, Phase->WriteOneIn) == 0) {
            MipWrite(Work, Page);
        } else {
            MipRead(Work, Page);
        }
    }
}

void NTAPI MiDoPagingWork(PVOID Context)
{
    PMI_PAGING_WORK Work = Context;
    KAPC_STATE ApcState;
    ULONG i;

    KeStackAttachProcess(&Work->Process->Pcb, &ApcState);
    for (i = 0; i < RTL_NUMBER_OF(MipPhases); i++) {
        MipDoPhase(Work, &MipPhases[i]);
    }
    KeUnstackDetachProcess(&ApcState);
    KeSetEvent(&Work->Done, IO_NO_INCREMENT, FALSE);
}

/* ---- before and after ---- */

static NTSTATUS MipCommitAll(PMI_PAGING_WORK Work)
{
    NTSTATUS Status = STATUS_SUCCESS;
    KAPC_STATE ApcState;
    ULONG Page;

    KeStackAttachProcess(&Work->Process->Pcb, &ApcState);
    for (Page = 0; Page < Work->Pages && NT_SUCCESS(Status); Page += MI_WORK_BLOCK_PAGES) {
        ULONG Left = Work->Pages - Page;

        Left = Left < MI_WORK_BLOCK_PAGES ? Left : MI_WORK_BLOCK_PAGES;
        Status = MipAllocate(&Work->Blocks[Page / MI_WORK_BLOCK_PAGES], Left * PAGE_SIZE,
                             MEM_RESERVE | MEM_COMMIT);
    }
    KeUnstackDetachProcess(&ApcState);
    return Status;
}

NTSTATUS MiCreatePagingWork(ULONG Pages, ULONG Seed, BOOLEAN Errors, PMI_PAGING_WORK *Created)
{
    const SIZE_T Bytes = sizeof(MI_PAGING_WORK) + PAGE_SIZE + Pages * sizeof(USHORT);
    PMI_PAGING_WORK Work = ExAllocatePoolWithTag(NonPagedPool, Bytes, MI_PAGING_RUN_TAG);
    NTSTATUS Status;

    MI_ASSERT(Pages != 0 && Pages <= MI_WORK_MOST_PAGES);
    *Created = NULL;
    if (Work == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Work, 0, Bytes);
    Work->Pages = Pages;
    Work->Seed = Seed;
    Work->Errors = Errors;
    Work->Random = Seed | 1;
    Work->Copy = (PULONG)(PVOID)(Work + 1);
    Work->States = (PUSHORT)(PVOID)((PUCHAR)Work->Copy + PAGE_SIZE);
    KeInitializeEvent(&Work->Done, NotificationEvent, FALSE);
    Status = PsCreateProcess("paging", &Work->Process);
    if (!NT_SUCCESS(Status)) {
        goto FreeWork;
    }
    Status = MipCommitAll(Work);
    if (!NT_SUCCESS(Status)) {
        goto EndProcess;
    }
    *Created = Work;
    return STATUS_SUCCESS;

EndProcess:
    PsTerminateProcess(Work->Process);
    PsDereferenceProcess(Work->Process);
FreeWork:
    ExFreePoolWithTag(Work, MI_PAGING_RUN_TAG);
    return Status;
}

void MiDeletePagingWork(PMI_PAGING_WORK Work)
{
    PsTerminateProcess(Work->Process);
    PsDereferenceProcess(Work->Process);
    ExFreePoolWithTag(Work, MI_PAGING_RUN_TAG);
}

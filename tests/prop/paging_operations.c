/* SPDX-License-Identifier: MIT */
/*
 * paging_operations.c - the operations: each on the real pages, then on the model's, or
 * on neither.
 */
#include "tests/prop/paging_model_i.h"

#include "mm/inspect/page_out.h"
#include "mm/paging/modified_writer.h"
#include "mm/ws/wsle.h"

#define MOST_LOCKED 16u /* in a process: the default minimum has room for them */

static ULONG LastAllocation;
static ULONG LastVersion;

static const ULONG Protects[] = {PAGE_READWRITE,        PAGE_READWRITE, PAGE_READWRITE,
                                 PAGE_READONLY,         PAGE_NOACCESS,  PAGE_READWRITE | PAGE_GUARD,
                                 PAGE_EXECUTE_READWRITE};

/* ---- what an operation must say ---- */

static BOOLEAN IsShort(NTSTATUS Status)
{
    return Status == STATUS_NO_MEMORY || Status == STATUS_INSUFFICIENT_RESOURCES ||
           Status == STATUS_COMMITMENT_LIMIT || Status == STATUS_WORKING_SET_QUOTA;
}

BOOLEAN ModelAgree(const RANGE *Range, const char *What, NTSTATUS Expected, NTSTATUS Status)
{
    ModelCounts.Operations++;
    if (IsShort(Status) && NT_SUCCESS(Expected)) {
        ModelCounts.Short++;
        return FALSE;
    }
    if (Status == STATUS_IN_PAGE_ERROR && ModelErrors) {
        ModelCounts.InPage++;
        return FALSE;
    }
    if (Status != Expected) {
        TestFail(__FILE__, __LINE__, "%s of %u pages at page %u of process %u: %08x, not %08x",
                 What, (unsigned)Range->Count, (unsigned)Range->First,
                 (unsigned)Range->Worker->Process, (unsigned)Status, (unsigned)Expected);
    }
    ModelCounts.Succeeded += NT_SUCCESS(Status);
    return NT_SUCCESS(Status);
}

static BOOLEAN IsOneAllocation(const RANGE *Range)
{
    ULONG i;

    for (i = Range->First; i < Range->First + Range->Count; i++) {
        if (Range->Pages[i].Allocation == 0 ||
            Range->Pages[i].Allocation != Range->Pages[Range->First].Allocation) {
            return FALSE;
        }
    }
    return TRUE;
}

static BOOLEAN IsFree(const RANGE *Range)
{
    ULONG i = Range->First;

    while (i < Range->First + Range->Count && Range->Pages[i].Allocation == 0) {
        i++;
    }
    return i == Range->First + Range->Count;
}

static BOOLEAN IsCommitted(const RANGE *Range)
{
    ULONG i = Range->First;

    while (i < Range->First + Range->Count && Range->Pages[i].Protect != 0) {
        i++;
    }
    return i == Range->First + Range->Count;
}

static BOOLEAN IsAccessible(ULONG Protect)
{
    return Protect != 0 && Protect != PAGE_NOACCESS && (Protect & PAGE_GUARD) == 0;
}

static ULONG RandomProtect(const RANGE *Range)
{
    return Protects[ModelRandom(Range->Worker, RTL_NUMBER_OF(Protects))];
}

/* ---- operations: each holds its range alone ---- */

void ModelReserve(const RANGE *Range)
{
    BOOLEAN Commit = ModelRandom(Range->Worker, 4) != 0;
    BOOLEAN Watched = ModelRandom(Range->Worker, 4) == 0;
    ULONG Protect = RandomProtect(Range);
    ULONG i;

    if (!ModelAgree(Range, "reserve", IsFree(Range) ? STATUS_SUCCESS : STATUS_CONFLICTING_ADDRESSES,
                    SpaceTryAllocate(ModelVa(Range->First), Range->Count * PAGE_SIZE,
                                     MEM_RESERVE | (Commit ? MEM_COMMIT : 0) |
                                         (Watched ? MEM_WRITE_WATCH : 0),
                                     Protect))) {
        return;
    }
    LastAllocation++;
    for (i = Range->First; i < Range->First + Range->Count; i++) {
        Range->Pages[i] = (PAGE){.Allocation = LastAllocation,
                                 .Protect = Commit ? Protect : 0,
                                 .Base = Range->First,
                                 .Pages = Range->Count,
                                 .Watched = Watched,
                                 .Users = WRITER};
    }
}

static void SetProtect(PPAGE Page, ULONG Protect)
{
    Page->Protect = Protect;
    Page->Locked = Page->Locked && IsAccessible(Protect);
}

static void Commit(const RANGE *Range)
{
    ULONG Protect = RandomProtect(Range);
    ULONG i;

    if (!ModelAgree(Range, "commit",
                    IsOneAllocation(Range) ? STATUS_SUCCESS : STATUS_CONFLICTING_ADDRESSES,
                    SpaceTryAllocate(ModelVa(Range->First), Range->Count * PAGE_SIZE, MEM_COMMIT,
                                     Protect))) {
        return;
    }
    for (i = Range->First; i < Range->First + Range->Count; i++) {
        PPAGE Page = &Range->Pages[i];

        Page->Version = Page->Protect == 0 ? 0 : Page->Version;
        Page->Reset = Page->Protect != 0 && Page->Reset;
        SetProtect(Page, Protect);
    }
}

static void Decommit(const RANGE *Range)
{
    NTSTATUS Expected = STATUS_SUCCESS;
    ULONG i;

    if (Range->Pages[Range->First].Allocation == 0) {
        Expected = STATUS_MEMORY_NOT_ALLOCATED;
    } else if (!IsOneAllocation(Range)) {
        Expected = STATUS_UNABLE_TO_FREE_VM;
    }
    if (ModelAgree(Range, "decommit", Expected,
                   SpaceTryFree(ModelVa(Range->First), Range->Count * PAGE_SIZE, MEM_DECOMMIT))) {
        for (i = Range->First; i < Range->First + Range->Count; i++) {
            SetProtect(&Range->Pages[i], 0);
        }
    }
}

void ModelRelease(const RANGE *Range)
{
    ULONG i;

    if (ModelAgree(Range, "release", STATUS_SUCCESS,
                   SpaceTryFree(ModelVa(Range->First), 0, MEM_RELEASE))) {
        for (i = Range->First; i < Range->First + Range->Count; i++) {
            Range->Pages[i] = (PAGE){.Users = WRITER};
        }
    }
}

static void Protect(const RANGE *Range)
{
    NTSTATUS Expected = STATUS_SUCCESS;
    ULONG New = RandomProtect(Range);
    PVOID Va = (PVOID)ModelVa(Range->First);
    SIZE_T Bytes = Range->Count * PAGE_SIZE;
    ULONG Old = 0;
    ULONG i;

    if (!IsOneAllocation(Range)) {
        Expected = STATUS_CONFLICTING_ADDRESSES;
    } else if (!IsCommitted(Range)) {
        Expected = STATUS_NOT_COMMITTED;
    }
    if (ModelAgree(Range, "protect", Expected,
                   NtProtectVirtualMemory(NtCurrentProcess(), &Va, &Bytes, New, &Old))) {
        CHECK_EQUAL(Range->Pages[Range->First].Protect, Old);
        for (i = Range->First; i < Range->First + Range->Count; i++) {
            SetProtect(&Range->Pages[i], New);
        }
    }
}

static void Reset(const RANGE *Range)
{
    ULONG i;

    for (i = Range->First; i < Range->First + Range->Count; i++) { /* even if it fails half way */
        Range->Pages[i].Reset = TRUE;
    }
    ModelAgree(Range, "reset",
               IsOneAllocation(Range) ? STATUS_SUCCESS : STATUS_CONFLICTING_ADDRESSES,
               SpaceTryAllocate(ModelVa(Range->First), Range->Count * PAGE_SIZE, MEM_RESET,
                                PAGE_NOACCESS));
}

static void Query(const RANGE *Range)
{
    const PAGE *Page = &Range->Pages[Range->First];
    MEMORY_BASIC_INFORMATION Information;

    if (!ModelAgree(Range, "query", STATUS_SUCCESS,
                    NtQueryVirtualMemory(NtCurrentProcess(), (PVOID)ModelVa(Range->First),
                                         MemoryBasicInformation, &Information, sizeof(Information),
                                         NULL))) {
        return;
    }
    if (Page->Allocation == 0) {
        CHECK_EQUAL(MEM_FREE, Information.State);
        return;
    }
    CHECK_EQUAL(Page->Protect == 0 ? MEM_RESERVE : MEM_COMMIT, Information.State);
    CHECK_EQUAL(Page->Protect, Information.Protect);
    CHECK_EQUAL(ModelVa(Page->Base), (ULONG_PTR)Information.AllocationBase);
}

/* ---- locks ---- */

static ULONG CountLocked(const PAGE *Pages, ULONG Count)
{
    ULONG Locked = 0;
    ULONG i;

    for (i = 0; i < Count; i++) {
        Locked += Pages[i].Locked;
    }
    return Locked;
}

void ModelLock(const RANGE *Range)
{
    PVOID Va = (PVOID)ModelVa(Range->First);
    SIZE_T Bytes = Range->Count * PAGE_SIZE;
    ULONG Locked = CountLocked(Range->Pages + Range->First, Range->Count);
    ULONG i;

    for (i = Range->First; i < Range->First + Range->Count; i++) {
        if (!IsAccessible(Range->Pages[i].Protect)) {
            return; /* test_virtual_lock.c has these */
        }
    }
    if (CountLocked(Range->Pages, MODEL_PAGES) + Range->Count > MOST_LOCKED) {
        return;
    }
    if (ModelAgree(Range, "lock", Locked != 0 ? STATUS_WAS_LOCKED : STATUS_SUCCESS,
                   NtLockVirtualMemory(NtCurrentProcess(), &Va, &Bytes, MAP_PROCESS))) {
        for (i = Range->First; i < Range->First + Range->Count; i++) {
            Range->Pages[i].Locked = TRUE;
        }
    }
}

static void Unlock(const RANGE *Range)
{
    PVOID Va = (PVOID)ModelVa(Range->First);
    SIZE_T Bytes = Range->Count * PAGE_SIZE;
    BOOLEAN All = CountLocked(Range->Pages + Range->First, Range->Count) == Range->Count;
    ULONG i;

    if (!IsOneAllocation(Range) || !IsCommitted(Range)) {
        return;
    }
    if (ModelAgree(Range, "unlock", All ? STATUS_SUCCESS : STATUS_NOT_LOCKED,
                   NtUnlockVirtualMemory(NtCurrentProcess(), &Va, &Bytes, MAP_PROCESS))) {
        for (i = Range->First; i < Range->First + Range->Count; i++) {
            Range->Pages[i].Locked = FALSE;
        }
    }
}

/* ---- write watches ---- */

static void Watch(const RANGE *Range)
{
    BOOLEAN ResetThem = ModelRandom(Range->Worker, 2) == 0;
    BOOLEAN Watched = IsOneAllocation(Range) && Range->Pages[Range->First].Watched;
    PVOID Addresses[MODEL_PAGES];
    SIZE_T Entries = RTL_NUMBER_OF(Addresses);
    SIZE_T Found = 0;
    ULONG Granularity;
    ULONG i;

    if (!ModelAgree(Range, "write watch", Watched ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER_3,
                    NtGetWriteWatch(NtCurrentProcess(), ResetThem ? WRITE_WATCH_FLAG_RESET : 0,
                                    (PVOID)ModelVa(Range->First), Range->Count * PAGE_SIZE,
                                    Addresses, &Entries, &Granularity))) {
        return;
    }
    for (i = Range->First; i < Range->First + Range->Count; i++) {
        if (Range->Pages[i].Written) {
            CHECK(Found < Entries);
            CHECK_EQUAL(ModelVa(i), (ULONG_PTR)Addresses[Found]);
            Found++;
            Range->Pages[i].Written = !ResetThem;
        }
    }
    CHECK_EQUAL(Found, Entries);
}

/* ---- accesses ---- */

static NTSTATUS ExpectedAccess(PPAGE Page, BOOLEAN Write)
{
    if (Page->Protect == 0 || Page->Protect == PAGE_NOACCESS) {
        return STATUS_ACCESS_VIOLATION;
    }
    if ((Page->Protect & PAGE_GUARD) != 0) {
        return STATUS_GUARD_PAGE_VIOLATION;
    }
    return Write && Page->Protect == PAGE_READONLY ? STATUS_ACCESS_VIOLATION : STATUS_SUCCESS;
}

/*
 * ModelAgree on the access to one page.  The alarm of a guard page goes with its exception and not
 * otherwise: where the page table cannot be read the access never came as far as the page.
 */
static BOOLEAN AgreeOnAccess(const RANGE *Range, ULONG Number, const char *What, NTSTATUS Expected,
                             NTSTATUS Status)
{
    const RANGE Page = {Range->Worker, Range->Pages, Number, 1};

    if (ModelAgree(&Page, What, Expected, Status)) {
        return TRUE;
    }
    if (Status == STATUS_GUARD_PAGE_VIOLATION) {
        Range->Pages[Number].Protect &= ~PAGE_GUARD;
    }
    return FALSE;
}

static void CheckPage(const RANGE *Range, ULONG Number)
{
    PPAGE Page = &Range->Pages[Number];
    PULONG Words = Range->Worker->Words;

    if (ModelHolds(Words, Number, Page->Version)) {
        return;
    }
    if (Page->Reset && ModelHolds(Words, Number, 0)) {
        Page->Version = 0;
        return;
    }
    TestFail(__FILE__, __LINE__, "page %u of process %u is not version %u: %08x %08x %08x %08x",
             (unsigned)Number, (unsigned)Range->Worker->Process, (unsigned)Page->Version,
             (unsigned)Words[Page->Version % SECTOR_WORDS], (unsigned)Words[0], (unsigned)Words[1],
             (unsigned)Words[2]);
}

static void ReadPage(const RANGE *Range, ULONG Number)
{
    NTSTATUS Expected = ExpectedAccess(&Range->Pages[Number], FALSE);
    NTSTATUS Status = MmCopyFromUser(Range->Worker->Words, (PVOID)ModelVa(Number), PAGE_SIZE, NULL);

    if (AgreeOnAccess(Range, Number, "read", Expected, Status)) {
        CheckPage(Range, Number);
    }
}

static void WritePage(const RANGE *Range, ULONG Number)
{
    PPAGE Page = &Range->Pages[Number];
    NTSTATUS Expected = ExpectedAccess(Page, TRUE);
    ULONG Version = ++LastVersion;
    NTSTATUS Status;

    ModelFill(Range->Worker->Words, Number, Version);
    Status = MmCopyToUser((PVOID)ModelVa(Number), Range->Worker->Words, PAGE_SIZE, NULL);
    if (AgreeOnAccess(Range, Number, "write", Expected, Status)) {
        Page->Version = Version;
        Page->Reset = FALSE;
        Page->Written = Page->Watched;
    }
}

static void Access(const RANGE *Range, void (*One)(const RANGE *Range, ULONG Number))
{
    ULONG i;

    for (i = Range->First; i < Range->First + Range->Count; i++) {
        One(Range, i);
    }
}

static void Write(const RANGE *Range)
{
    Access(Range, WritePage);
}

void ModelRead(const RANGE *Range)
{
    Access(Range, ReadPage);
}

/* ---- working sets: contents stay ---- */

static void Empty(const RANGE *Range)
{
    PEPROCESS Process = PsGetCurrentProcess();

    (void)Range;
    ModelCounts.Operations++;
    MiLockAddressSpace(Process);
    (void)MiTrimWorkingSet(&Process->Vm, Process->Vm.WorkingSetSize, 0);
    MiUnlockAddressSpace(Process);
}

static void Trim(const RANGE *Range)
{
    PEPROCESS Process = PsGetCurrentProcess();

    ModelCounts.Operations++;
    MiLockAddressSpace(Process);
    (void)MiTrimWorkingSet(&Process->Vm, Range->Count, ModelRandom(Range->Worker, 3));
    MiUnlockAddressSpace(Process);
}

static void Age(const RANGE *Range)
{
    PEPROCESS Process = PsGetCurrentProcess();

    ModelCounts.Operations++;
    MiLockAddressSpace(Process);
    (void)MiAgeWorkingSet(&Process->Vm, Range->Count);
    MiUnlockAddressSpace(Process);
}

/* What it says is the disk's affair, which may fail. */
static void Flush(const RANGE *Range)
{
    NTSTATUS Status = MiFlushModifiedPages();

    (void)Range;
    ModelCounts.Operations++;
    CHECK(NT_SUCCESS(Status) || ModelErrors || Status == STATUS_DISK_FULL);
}

/* All pages, and then the page tables: to the lists, or as far as the file. */
static void SendAway(const RANGE *Range)
{
    ULONG Rounds = ModelRandom(Range->Worker, 8) == 0 ? 1 + ModelRandom(Range->Worker, 2) : 0;

    Empty(Range);
    for (; Rounds != 0; Rounds--) {
        Flush(Range);
        (void)MiReuseStandbyFrames();
        Empty(Range);
    }
}

static OPERATION *const Operations[] = {
    ModelReserve, ModelReserve, Commit,    Commit,    Decommit,  Protect,   Protect,   Reset,
    Query,        ModelLock,    Unlock,    Watch,     Empty,     Trim,      Trim,      Age,
    Flush,        Write,        Write,     Write,     Write,     Write,     ModelRead, ModelRead,
    ModelRead,    ModelRead,    ModelRead, ModelRead, ModelRead, ModelRead, ModelRead, SendAway};

OPERATION *ModelChooseOperation(PMODEL_WORKER Worker)
{
    return Operations[ModelRandom(Worker, RTL_NUMBER_OF(Operations))];
}

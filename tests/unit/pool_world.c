/* SPDX-License-Identifier: MIT */
/*
 * pool_world.c - see pool_world.h.
 */
#include "tests/unit/pool_world.h"

#include "mm/cc/cache_map.h"
#include "nt/bugcodes.h"
#include "tests/unit/test.h"
#include "verify.h"

#define VALID_WRITABLE 3u /* MMPTE: Valid, Write */
#define FRAMES         4096u

const POOL_WORLD PoolWorldPlain = {32, 32, 32, FALSE, FALSE};

ULONG PoolCommittedPages;
ULONG PoolCommitLimit;
ULONG PoolFailCommit;
static ULONG InitialPages;
static PFN_NUMBER FreeFrames[FRAMES];
static ULONG FreeFrameCount;
ULONG PoolPagedFaults;
static ULONG PagedPages;
static UCHAR Charged[POOL_MOST_PAGES];      /* of paged pool */
static PFN_NUMBER Trimmed[POOL_MOST_PAGES]; /* the frame of a page that was taken away, or 0 */
static void (*PagedFaultRoutine)(void);
static ULONG Bits[MiPoolPartCount][MI_POOL_REGION_BYTES(POOL_MOST_PAGES) / sizeof(ULONG)];

static ULONG SpecialBits[MI_SPECIAL_POOL_BYTES(POOL_SPECIAL_PAGES) / sizeof(ULONG)];

/* ---- frames ---- */

static PFN_NUMBER TakeFrame(void)
{
    PFN_NUMBER Frame;

    if (FreeFrameCount == 0) {
        return HostAllocateFrame();
    }
    Frame = FreeFrames[--FreeFrameCount];
    memset(HostFrame(Frame), 0, PAGE_SIZE);
    return Frame;
}

static void MapPage(ULONG_PTR Va)
{
    HostMapPage(HOST_DIRECTORY_FRAME, Va, TakeFrame(), VALID_WRITABLE);
}

/* A page that was never touched has no table entry or an empty one. */
static void UnmapPage(ULONG_PTR Va)
{
    PMMPTE Pte = HostFindPte(HOST_DIRECTORY_FRAME, Va);

    if (Pte != NULL && (Pte->Long & 1) != 0) {
        CHECK(FreeFrameCount < FRAMES);
        FreeFrames[FreeFrameCount++] = Pte->Long >> PAGE_SHIFT;
        Pte->Long = 0;
        KeFlushSingleTb(Va);
    }
}

/* ---- callbacks ---- */

static NTSTATUS Charge(ULONG Pages)
{
    if (PoolFailCommit != 0 && --PoolFailCommit == 0) {
        return STATUS_NO_MEMORY;
    }
    if (Pages > PoolCommitLimit - PoolCommittedPages) {
        return STATUS_NO_MEMORY;
    }
    PoolCommittedPages += Pages;
    return STATUS_SUCCESS;
}

NTSTATUS PoolMapPages(ULONG_PTR Va, ULONG Pages)
{
    NTSTATUS Status = Charge(Pages);

    for (; NT_SUCCESS(Status) && Pages != 0; Pages--, Va += PAGE_SIZE) {
        MapPage(Va);
    }
    return Status;
}

void PoolUnmapPages(ULONG_PTR Va, ULONG Pages)
{
    PoolCommittedPages -= Pages;
    for (; Pages != 0; Pages--, Va += PAGE_SIZE) {
        UnmapPage(Va);
    }
}

static NTSTATUS ChargePaged(ULONG_PTR Va, ULONG Pages)
{
    NTSTATUS Status = Charge(Pages);

    if (NT_SUCCESS(Status)) {
        memset(Charged + ((Va - POOL_PAGED_VA) >> PAGE_SHIFT), 1, Pages);
    }
    return Status;
}

static void DischargePaged(ULONG_PTR Va, ULONG Pages)
{
    ULONG First = (ULONG)((Va - POOL_PAGED_VA) >> PAGE_SHIFT);
    ULONG Page;

    memset(Charged + First, 0, Pages);
    for (Page = First; Page < First + Pages; Page++) {
        if (Trimmed[Page] != 0) {
            FreeFrames[FreeFrameCount++] = Trimmed[Page];
            Trimmed[Page] = 0;
        }
    }
    PoolUnmapPages(Va, Pages);
}

void PoolWorldTrimPaged(void)
{
    ULONG Page;

    for (Page = 0; Page < PagedPages; Page++) {
        PMMPTE Pte = NULL;

        if (Charged[Page] && Trimmed[Page] == 0) {
            Pte = HostFindPte(HOST_DIRECTORY_FRAME, POOL_PAGED_VA + Page * PAGE_SIZE);
        }
        if (Pte != NULL && (Pte->Long & 1) != 0) {
            Trimmed[Page] = Pte->Long >> PAGE_SHIFT;
            Pte->Long = 0;
            KeFlushSingleTb(POOL_PAGED_VA + Page * PAGE_SIZE);
        }
    }
}

void PoolSetPagedFaultRoutine(void (*Routine)(void))
{
    PagedFaultRoutine = Routine;
}

/* Unless somebody else did while the fault waited. */
static void BringIn(ULONG_PTR Page)
{
    ULONG_PTR Va = POOL_PAGED_VA + Page * PAGE_SIZE;
    PMMPTE Pte = HostFindPte(HOST_DIRECTORY_FRAME, Va);

    if (Trimmed[Page] != 0) {
        HostMapPage(HOST_DIRECTORY_FRAME, Va, Trimmed[Page], VALID_WRITABLE);
        Trimmed[Page] = 0;
    } else if (Charged[Page] && (Pte == NULL || (Pte->Long & 1) == 0)) {
        MapPage(Va);
    }
}

static BOOLEAN DemandZeroPaged(ULONG_PTR Va, ULONG ErrorCode)
{
    ULONG_PTR Page = (Va - POOL_PAGED_VA) >> PAGE_SHIFT;

    (void)ErrorCode;
    if (Va < POOL_PAGED_VA || Page >= POOL_MOST_PAGES || !Charged[Page]) {
        return FALSE;
    }
    if (KeGetCurrentIrql() > APC_LEVEL) {
        KeBugCheckEx(IRQL_NOT_LESS_OR_EQUAL, Va, KeGetCurrentIrql(), 0, 0);
    }
    PoolPagedFaults++;
    if (PagedFaultRoutine != NULL) {
        PagedFaultRoutine();
    }
    BringIn(Page);
    return TRUE;
}

/* ---- the world ---- */

void PoolWorldCreate(const POOL_WORLD *World)
{
    MI_POOL_RANGE Ranges[MiPoolPartCount] = {
        {POOL_INITIAL_VA, World->InitialPages, Bits[0], PoolMapPages, PoolUnmapPages},
        {POOL_EXPANSION_VA, World->ExpansionPages, Bits[1], PoolMapPages, PoolUnmapPages},
        {POOL_PAGED_VA, World->PagedPages, Bits[2], ChargePaged, DischargePaged},
    };

    HostMachineCreate(FRAMES, TestSeed());
    CciCalls = NULL; /* a machine before had a cache */
    HostSetFaultHandler(DemandZeroPaged);
    FreeFrameCount = 0;
    PoolCommittedPages = 0;
    PoolCommitLimit = FRAMES;
    PoolFailCommit = 0;
    InitialPages = World->Protect ? 0 : World->InitialPages;
    memset(Charged, 0, sizeof(Charged));
    memset(Trimmed, 0, sizeof(Trimmed));
    PagedPages = World->PagedPages;
    PagedFaultRoutine = NULL;
    PoolPagedFaults = 0;
    CHECK(NT_SUCCESS(PoolMapPages(POOL_INITIAL_VA, World->InitialPages)));
    MiInitializePoolPages(Ranges, World->Protect);
    MiInitializePools(World->Poison);
}

void PoolWorldAddSpecialPool(ULONG Pages)
{
    MI_POOL_RANGE Range = {POOL_SPECIAL_VA, Pages, SpecialBits, PoolMapPages, PoolUnmapPages};

    CHECK(Pages <= POOL_SPECIAL_PAGES);
    MiInitializeSpecialPool(&Range);
    MiSelectSpecialPool(0, TRUE);
}

void PoolWorldVerify(void)
{
    ULONG_PTR Va = 0;

    MiVerifyAll();
    CHECK(!HostFindStaleTranslation(&Va));
}

/* The big blocks' table may have moved into pages of its own. */
#define TABLE_TAG 0x74426D4Du /* 'MmBt' */

void PoolWorldCheckEmpty(void)
{
    MI_POOL_FIGURES Figures;
    ULONG Table;

    MiTrimPools();
    PoolWorldVerify();
    Table = (ULONG)MiFindPoolTag(TABLE_TAG)->Use[NonPagedPool].Bytes;
    MiQueryPoolFigures(NonPagedPool, &Figures);
    CHECK_EQUAL(Table, Figures.InUseBytes);
    CHECK_EQUAL(Table / PAGE_SIZE, Figures.UsedPages);
    MiQueryPoolFigures(PagedPool, &Figures);
    CHECK_EQUAL(0, Figures.InUseBytes);
    CHECK_EQUAL(0, Figures.InUseBlocks);
    CHECK_EQUAL(0, Figures.UsedPages);
    CHECK(PoolCommittedPages >= InitialPages);
    CHECK(PoolCommittedPages - InitialPages <= Table / PAGE_SIZE);
}

/* ---- bug checks ---- */

void PoolExpectStop(POOL_STOP Stop, KSTART *Routine, PVOID Context)
{
    HOST_BUGCHECK BugCheck;
    ULONG Index;

    if (!HostCatchBugCheck(Routine, Context, &BugCheck)) {
        TestFail(__FILE__, __LINE__, "expected bug check %x/%lx, there was none",
                 (unsigned)Stop.Code, (unsigned long)Stop.Parameter[0]);
    }
    CHECK_EQUAL(Stop.Code, BugCheck.Code);
    for (Index = 0; Index < 4; Index++) {
        if (Stop.Parameter[Index] != POOL_ANY) {
            CHECK_EQUAL(Stop.Parameter[Index], BugCheck.Parameter[Index]);
        }
    }
}

typedef struct _CALL {
    PVOID P;
    POOL_TYPE Type;
    SIZE_T Bytes;
    ULONG Tag;
} CALL;

static void DoFree(PVOID Context)
{
    const CALL *Call = Context;

    ExFreePoolWithTag(Call->P, Call->Tag);
}

static void DoAllocate(PVOID Context)
{
    const CALL *Call = Context;

    ExAllocatePoolWithTag(Call->Type, Call->Bytes, Call->Tag);
}

void PoolExpectFreeStops(POOL_STOP Stop, PVOID P, ULONG Tag)
{
    PoolExpectStop(Stop, DoFree, &(CALL){.P = P, .Tag = Tag});
}

void PoolExpectAllocateStops(POOL_STOP Stop, POOL_TYPE Type, SIZE_T Bytes, ULONG Tag)
{
    PoolExpectStop(Stop, DoAllocate, &(CALL){.Type = Type, .Bytes = Bytes, .Tag = Tag});
}

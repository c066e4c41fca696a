/* SPDX-License-Identifier: MIT */
/*
 * test_prop_pfn.c - the page frames against an array of plain words.
 *
 * Random owners take frames, map and unmap them, start and end I/O, let pages go dirty, delete
 * them, and give them back.  The model keeps for each frame where it must be and who holds it, and
 * for each standby frame when it came.  Every few hundred operations all entries are compared and
 * MiVerifyPageLists runs; every zeroed page that is handed out is looked at.
 */
#include "tests/unit/pfn_machine.h"

#include "mm/pfn/commit.h"

#include <string.h>

#define FRAMES       384u
#define SEEDS        4u
#define OPERATIONS   800000u
#define VERIFY_EVERY 509u
#define TURN         3000u

typedef struct _MODEL {
    MMLISTS State;
    ULONG Shares;
    ULONG References; /* of I/O: without the one for all shares */
    BOOLEAN Pte;
    BOOLEAN Modified;
    BOOLEAN NoWrite;
    ULONG Priority;
    ULONG64 Since; /* standby: the operation that put it there */
} MODEL, *PMODEL;

static MODEL Model[FRAMES];
static ULONG Longest[MI_PAGE_STATES]; /* so many frames of a state were met at once */
static ULONG64 Now;
static uint64_t Random;

static ULONG Below(ULONG Bound)
{
    return TestRandom(&Random) % Bound;
}

/* ---- what the model says ---- */

static ULONG Count(MMLISTS State)
{
    PFN_NUMBER Frame;
    ULONG Found = 0;

    for (Frame = 1; Frame < FRAMES; Frame++) {
        Found += Model[Frame].State == State;
    }
    return Found;
}

static ULONG Available(void)
{
    return Count(ZeroedPageList) + Count(FreePageList) + Count(StandbyPageList);
}

/* => Returns the standby frame that must be reused next. */
static PFN_NUMBER Oldest(void)
{
    PFN_NUMBER Best = MI_NO_FRAME;
    PFN_NUMBER Frame;

    for (Frame = 1; Frame < FRAMES; Frame++) {
        const MODEL *Page = &Model[Frame];

        if (Page->State == StandbyPageList &&
            (Best == MI_NO_FRAME || Page->Priority < Model[Best].Priority ||
             (Page->Priority == Model[Best].Priority && Page->Since < Model[Best].Since))) {
            Best = Frame;
        }
    }
    return Best;
}

static void ModelTake(PFN_NUMBER Frame)
{
    Model[Frame] = (MODEL){.State = ActiveAndValid, .Shares = 1, .Priority = MI_DEFAULT_PRIORITY};
}

static void ModelRelease(PFN_NUMBER Frame)
{
    PMODEL Page = &Model[Frame];

    if (Page->Shares + Page->References != 0) {
        Page->State = Page->Shares != 0 ? ActiveAndValid : TransitionPage;
    } else if (!Page->Pte) {
        *Page = (MODEL){.State = FreePageList};
    } else if (Page->Modified) {
        Page->State = Page->NoWrite ? ModifiedNoWritePageList : ModifiedPageList;
    } else {
        Page->State = StandbyPageList;
        Page->Since = Now;
    }
}

/* ---- comparing ---- */

static void CheckFrame(PFN_NUMBER Frame)
{
    const MODEL *Page = &Model[Frame];
    const MMPFN *Pfn = MI_PFN(Frame);
    BOOLEAN Held = Page->State == ActiveAndValid || Page->State == TransitionPage;

    CHECK_EQUAL(Page->State, Pfn->u3.e1.PageLocation);
    CHECK_EQUAL(Page->References + (Page->Shares != 0), Pfn->u3.e2.ReferenceCount);
    CHECK_EQUAL(Page->Pte, Pfn->PteAddress != NULL);
    CHECK_EQUAL(Page->Modified, Pfn->u3.e1.Modified);
    if (Held) {
        CHECK_EQUAL(Page->Shares, Pfn->u2.ShareCount);
    }
}

static void CheckAll(void)
{
    PFN_NUMBER Frame;
    ULONG State;

    MiVerifyPageLists();
    for (Frame = 1; Frame < FRAMES; Frame++) {
        CheckFrame(Frame);
    }
    CHECK_EQUAL(Available(), MiAvailablePages);
    for (State = ZeroedPageList; State < MI_PAGE_STATES; State++) {
        ULONG Frames = Count((MMLISTS)State);

        Longest[State] = Frames > Longest[State] ? Frames : Longest[State];
    }
}

static void CheckZero(PFN_NUMBER Frame)
{
    static const UCHAR Zero[PAGE_SIZE];

    CHECK(memcmp(HostFrame(Frame), Zero, PAGE_SIZE) == 0);
}

/* ---- operations ---- */

static void Allocate(void)
{
    MI_FRAME_WANTED Wanted = Below(2) ? MiFrameAny : MiFrameZeroed;
    BOOLEAN Fails = Below(50) == 0;
    PFN_NUMBER Standby = Oldest();
    PFN_NUMBER Frame = MI_NO_FRAME;
    NTSTATUS Status;

    MiFailFrameAllocation = Fails;
    Status = MiAllocateFrame(Wanted, Below(1000), &Frame);
    MiFailFrameAllocation = 0;
    if (Fails || Available() == 0) {
        CHECK_EQUAL(STATUS_NO_MEMORY, Status);
        CHECK_EQUAL(MI_NO_FRAME, Frame);
        return;
    }
    CHECK_EQUAL(STATUS_SUCCESS, Status);
    CHECK(Frame > 0 && Frame < FRAMES);
    if (Count(ZeroedPageList) + Count(FreePageList) == 0) {
        CHECK_EQUAL(Standby, Frame);
    } else {
        CHECK(Model[Frame].State ==
              (Wanted == MiFrameAny ? (Count(FreePageList) ? FreePageList : ZeroedPageList)
                                    : (Count(ZeroedPageList) ? ZeroedPageList : FreePageList)));
    }
    if (Wanted == MiFrameZeroed) {
        CheckZero(Frame);
    }
    ModelTake(Frame);
    *(PULONG)HostFrame(Frame) = Frame; /* used */
}

static void AllocateContiguous(void)
{
    ULONG Pages = 1 + Below(6);
    PFN_NUMBER Lowest = Below(FRAMES);
    PFN_NUMBER Highest = Lowest + Below(FRAMES);
    PFN_NUMBER First = MI_NO_FRAME;
    ULONG Boundary = Below(2) ? 0 : 8;
    PFN_NUMBER Try;
    ULONG Page = 0;

    /* The model's answer: the highest start for which every page can be had. */
    for (Try = FRAMES - Pages; Try >= Lowest && Try != 0; Try--) {
        for (Page = 0; Page < Pages && Model[Try + Page].State <= StandbyPageList; Page++) {
            continue;
        }
        if (Page == Pages && Try + Pages - 1 <= Highest &&
            (Boundary == 0 || Try % Boundary + Pages <= Boundary)) {
            break;
        }
        Page = 0;
    }
    if (Page != Pages || Try < Lowest) {
        CHECK_EQUAL(STATUS_NO_MEMORY,
                    MiAllocateContiguousFrames(Pages, Lowest, Highest, Boundary, &First));
        return;
    }
    CHECK_EQUAL(STATUS_SUCCESS,
                MiAllocateContiguousFrames(Pages, Lowest, Highest, Boundary, &First));
    CHECK_EQUAL(Try, First);
    for (Page = 0; Page < Pages; Page++) {
        ModelTake(First + Page);
    }
}

static void AllocateInRange(void)
{
    PFN_NUMBER Frames[8];
    PFN_NUMBER Lowest = Below(FRAMES);
    PFN_NUMBER Highest = Lowest + Below(64);
    ULONG Pages = 1 + Below(RTL_NUMBER_OF(Frames));
    ULONG Allocated = 0;
    ULONG Possible = 0;
    PFN_NUMBER Frame;
    NTSTATUS Status;
    ULONG Index;

    for (Frame = Lowest ? Lowest : 1; Frame <= Highest && Frame < FRAMES; Frame++) {
        Possible += Model[Frame].State <= StandbyPageList;
    }
    Status = MiAllocateFramesInRange(MiFrameZeroed, Lowest, Highest, Pages, Frames, &Allocated);
    CHECK_EQUAL(Possible == 0 ? STATUS_NO_MEMORY : STATUS_SUCCESS, Status);
    CHECK_EQUAL(Possible < Pages ? Possible : Pages, Allocated);
    for (Index = 0; Index < Allocated; Index++) {
        CHECK(Frames[Index] >= Lowest && Frames[Index] <= Highest);
        CHECK(Model[Frames[Index]].State <= StandbyPageList); /* and not twice */
        CheckZero(Frames[Index]);
        ModelTake(Frames[Index]);
        *(PULONG)HostFrame(Frames[Index]) = 1;
    }
}

static void Zero(void)
{
    ULONG Free = Count(FreePageList);
    ULONG Most = Below(4);
    PFN_NUMBER Frame;

    CHECK_EQUAL(Free < Most ? Free : Most, MiZeroFreePages(Most));
    for (Frame = 1; Frame < FRAMES; Frame++) {
        if (Model[Frame].State == FreePageList && PfnState(Frame) == ZeroedPageList) {
            CheckZero(Frame);
            Model[Frame].State = ZeroedPageList;
        }
    }
    CHECK_EQUAL(Free - (Free < Most ? Free : Most), Count(FreePageList));
}

/* One more share: also the soft fault. */
static void Share(PFN_NUMBER Frame)
{
    if (Model[Frame].State >= StandbyPageList && Model[Frame].State != BadPageList) {
        PfnShare(Frame);
        Model[Frame].Shares++;
        ModelRelease(Frame);
    }
}

static void Unshare(PFN_NUMBER Frame)
{
    if (Model[Frame].Shares != 0) {
        PfnUnshare(Frame);
        Model[Frame].Shares--;
        ModelRelease(Frame);
    }
}

static void StartIo(PFN_NUMBER Frame)
{
    if (Model[Frame].State >= StandbyPageList && Model[Frame].State != BadPageList) {
        PfnReference(Frame);
        Model[Frame].References++;
        ModelRelease(Frame);
    }
}

static void EndIo(PFN_NUMBER Frame)
{
    if (Model[Frame].References != 0) {
        if (Model[Frame].Modified && Below(2)) { /* it was a write, and succeeded */
            MI_PFN(Frame)->u3.e1.Modified = 0;
            Model[Frame].Modified = FALSE;
        }
        PfnDereference(Frame);
        Model[Frame].References--;
        ModelRelease(Frame);
    }
}

/* Give a frame a PTE or take it away; make it dirty; choose its priority. */
static void Change(PFN_NUMBER Frame)
{
    PMODEL Page = &Model[Frame];

    if (Page->State != ActiveAndValid && Page->State != TransitionPage) {
        return;
    }
    if (!Page->Pte && Page->State == ActiveAndValid) {
        PfnSetPte(Frame, MI_PTE_FRAME_NONE);
        Page->Pte = TRUE;
        Page->Priority = Below(MI_PRIORITIES);
        MI_PFN(Frame)->u4.Priority = Page->Priority;
    } else if (Page->Pte && Below(4) == 0) {
        PfnClearPte(Frame);
        Page->Pte = FALSE;
    } else if (!Page->Modified) {
        PfnSetModified(Frame);
        Page->Modified = TRUE;
    }
}

static void NoWrite(PFN_NUMBER Frame)
{
    PMODEL Page = &Model[Frame];

    if (Page->State > FreePageList && Page->Pte && Page->Modified) {
        Page->NoWrite = !Page->NoWrite;
        PfnSetNoWrite(Frame, Page->NoWrite);
        ModelRelease(Frame);
    }
}

static void Free(PFN_NUMBER Frame)
{
    if (Model[Frame].Shares == 1 && Model[Frame].References == 0) {
        MiFreeFrame(Frame);
        Model[Frame] = (MODEL){.State = FreePageList};
    }
}

/* Owners let go, a writer cleans: what fills the lists again. */
static void Relax(PFN_NUMBER Frame)
{
    if (Model[Frame].State == ModifiedPageList) {
        StartIo(Frame);
    }
    EndIo(Frame);
    if (Below(4) == 0) {
        Free(Frame);
    }
    Unshare(Frame);
}

/* Need and plenty take turns, so that every list is met long, short and empty. */
static void Step(void)
{
    PFN_NUMBER Frame = 1 + Below(FRAMES - 1);

    if (Now / TURN % 2 != 0 && Below(4) != 0) {
        Relax(Frame);
        return;
    }
    switch (Below(32)) {
    case 0:
        AllocateContiguous();
        break;
    case 1:
        AllocateInRange();
        break;
    case 2:
    case 3:
        Zero();
        break;
    case 4:
        NoWrite(Frame);
        break;
    case 5:
    case 6:
    case 7:
        Share(Frame);
        break;
    case 8:
    case 9:
        StartIo(Frame);
        break;
    case 10:
    case 11:
    case 12:
        EndIo(Frame);
        break;
    case 13:
    case 14:
        Free(Frame);
        break;
    case 15:
    case 16:
    case 17:
    case 18:
    case 19:
    case 20:
        Allocate();
        break;
    case 21:
    case 22:
    case 23:
    case 24:
    case 25:
        Change(Frame);
        break;
    default:
        Unshare(Frame);
        break;
    }
}

/* Give everything back: then nothing is held, and nothing leaked. */
static void Finish(void)
{
    PFN_NUMBER Frame;

    for (Frame = 1; Frame < FRAMES; Frame++) {
        if (Model[Frame].State > FreePageList) {
            Share(Frame);
            if (Model[Frame].Pte) {
                PfnClearPte(Frame);
                Model[Frame].Pte = FALSE;
            }
        }
        while (Model[Frame].References != 0) {
            EndIo(Frame);
        }
        while (Model[Frame].Shares != 0) {
            Unshare(Frame);
        }
    }
    CheckAll();
    CHECK_EQUAL(FRAMES - 1, MiPageCounts[FreePageList] + MiPageCounts[ZeroedPageList]);
    CHECK_EQUAL(FRAMES - 1, MiCommit.Limit);
    PfnFinish();
}

static void RunSeed(uint64_t Seed, ULONG Colors)
{
    static const LOADER_MEMORY_RUN Run = {1, FRAMES - 1, LoaderFree, 0};
    PFN_NUMBER Frame;
    ULONG64 End = Now + TestRounds(OPERATIONS);

    Random = Seed;
    PfnPowerOn(FRAMES, &Run, 1);
    MiSetPageColors(Colors);
    PfnBuildDatabase();
    MiSetMemoryThresholds(40, 150);
    memset(Model, 0, sizeof(Model));
    for (Frame = 1; Frame < FRAMES; Frame++) {
        Model[Frame].State = FreePageList;
    }
    for (; Now < End; Now++) {
        Step();
        if (Now % VERIFY_EVERY == 0) {
            CheckAll();
        }
    }
    Finish();
}

TEST(Random_owners_of_frames_agree_with_an_array_of_states)
{
    ULONG Index;

    Now = 1;
    memset(Longest, 0, sizeof(Longest));
    for (Index = 0; Index < SEEDS; Index++) {
        RunSeed(TestSeedNumber(Index), 1u << (Index * 2));
    }
    CHECK(Longest[ZeroedPageList] > 20 && Longest[FreePageList] > 20);
    CHECK(Longest[StandbyPageList] > 20 && Longest[ModifiedPageList] > 20);
    CHECK(Longest[ModifiedNoWritePageList] > 5 && Longest[TransitionPage] > 20);
    TestCountOperations(Now - 1, SEEDS);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_prop_session.c - sessions that come and go, allocate, free, map, write and are trimmed at
 * random, against arrays of bytes.
 *
 * The model has for each session its blocks and views with what was written to them.  All sessions
 * use the same addresses.  Pages go to the paging file in between; now and then a frame, a block of
 * pool or commitment cannot be had.
 */
#include "ex.h"
#include "mm/paging/modified_writer.h"
#include "mm/pfn/frame.h"
#include "mm/pool/pool_inject.h"
#include "mm_section.h"
#include "tests/unit/session_world.h"
#include "verify.h"

#include <stdio.h>
#include <string.h>

#define MOST       4u
#define BLOCKS     12u
#define VIEWS      3u
#define VIEW_PAGES 20u
#define TAG        0x706F7250u
#define VERIFY     64u

typedef struct _MODEL_BLOCK {
    PUCHAR At; /* NULL: none */
    SIZE_T Bytes;
    UCHAR First; /* its first byte, and its last */
    UCHAR Last;
} MODEL_BLOCK;

typedef struct _MODEL_VIEW {
    ULONG_PTR At; /* 0: none */
    ULONG Section;
} MODEL_VIEW;

typedef struct _MODEL_SESSION {
    PEPROCESS Process; /* NULL: there is no such session */
    ULONG Id;
    MODEL_BLOCK Block[BLOCKS];
    MODEL_VIEW View[VIEWS];
} MODEL_SESSION;

static MODEL_SESSION Sessions[MOST];
static PSECTION Sections[VIEWS];
static ULONG Words[VIEWS][VIEW_PAGES]; /* what the first word of each page of a section is */
static ULONG Now;                      /* MOST: in no session */
static KAPC_STATE Home;
static uint64_t Seed;

static struct {
    ULONG Sessions;
    ULONG Blocks;
    ULONG Views;
    ULONG Refused;
    ULONG PageOuts;
} Count;

static ULONG Random(ULONG Below)
{
    return TestRandom(&Seed) % Below;
}

static void Enter(ULONG Session)
{
    if (Now != MOST) {
        KeUnstackDetachProcess(&Home);
    }
    Now = Session;
    if (Session != MOST) {
        KeStackAttachProcess(&Sessions[Session].Process->Pcb, &Home);
    }
}

static void Refuse(void)
{
    if (Random(8) == 0) {
        MiFailFrameAllocation = Random(3) == 0 ? 1 + Random(8) : 0;
        MiFailPoolAllocation(Random(3) == 0 ? 1 + Random(6) : 0);
    }
}

static void Permit(void)
{
    MiFailFrameAllocation = 0;
    MiFailPoolAllocation(0);
}

/* ---- sessions ---- */

static void Create(ULONG Which)
{
    MODEL_SESSION *Session = &Sessions[Which];
    ULONG Id = 0;
    NTSTATUS Status;

    Enter(MOST);
    Refuse();
    Status = MmSessionCreate(&Id);
    if (NT_SUCCESS(Status)) {
        Status = PsCreateSessionProcess("member", 0, Id, &Session->Process);
        if (!NT_SUCCESS(Status)) {
            CHECK_EQUAL(STATUS_SUCCESS, MmSessionDelete(Id));
        }
    }
    Permit();
    if (!NT_SUCCESS(Status)) {
        Session->Process = NULL;
        Count.Refused++;
        return;
    }
    Session->Id = Id;
    Count.Sessions++;
    Enter(Which);
}

static void Free(MODEL_BLOCK *Block)
{
    CHECK(Block->Bytes == 0 ||
          (Block->At[0] == Block->First && Block->At[Block->Bytes - 1] == Block->Last));
    ExFreePoolWithTag(Block->At, TAG);
    Block->At = NULL;
}

static void Unmap(MODEL_VIEW *View)
{
    CHECK_EQUAL(STATUS_SUCCESS, MmUnmapViewInSessionSpace((PVOID)View->At));
    View->At = 0;
}

static void Delete(ULONG Which)
{
    MODEL_SESSION *Session = &Sessions[Which];
    ULONG i;

    Enter(Which);
    for (i = 0; i < BLOCKS; i++) {
        if (Session->Block[i].At != NULL) {
            Free(&Session->Block[i]);
        }
    }
    for (i = 0; i < VIEWS; i++) {
        if (Session->View[i].At != 0) {
            Unmap(&Session->View[i]);
        }
    }
    Enter(MOST);
    CHECK_EQUAL(STATUS_SUCCESS, MmSessionDelete(Session->Id));
    PsTerminateProcess(Session->Process);
    PsDereferenceProcess(Session->Process);
    Session->Process = NULL;
}

/* ---- pool ---- */

static void Write(MODEL_BLOCK *Block)
{
    Block->First = (UCHAR)Random(256);
    Block->Last = Block->Bytes > 1 ? (UCHAR)Random(256) : Block->First;
    if (Block->Bytes != 0) {
        Block->At[0] = Block->First;
        Block->At[Block->Bytes - 1] = Block->Last;
    }
}

static void UseBlock(MODEL_BLOCK *Block)
{
    if (Block->At == NULL) {
        Block->Bytes = Random(4) == 0 ? Random(40000) : Random(2000);
        Refuse();
        Block->At = ExAllocatePoolWithTag(PagedPoolSession, Block->Bytes, TAG);
        Permit();
        if (Block->At == NULL) {
            Count.Refused++;
            return;
        }
        Count.Blocks++;
        Write(Block);
    } else if (Random(2) == 0) {
        Free(Block);
    } else {
        CHECK(Block->Bytes == 0 ||
              (Block->At[0] == Block->First && Block->At[Block->Bytes - 1] == Block->Last));
        Write(Block);
    }
}

/* ---- views ---- */

static void Map(MODEL_VIEW *View)
{
    PVOID Base = NULL;
    SIZE_T Bytes = 0;
    NTSTATUS Status;

    View->Section = Random(VIEWS);
    Refuse();
    Status = MmMapViewInSessionSpace(Sections[View->Section], &Base, &Bytes);
    Permit();
    if (NT_SUCCESS(Status)) {
        View->At = (ULONG_PTR)Base;
        Count.Views++;
    } else {
        CHECK_EQUAL(STATUS_NO_MEMORY, Status);
        Count.Refused++;
    }
}

static void UseView(MODEL_VIEW *View)
{
    ULONG Page = Random(VIEW_PAGES);

    if (View->At == 0) {
        Map(View);
    } else if (Random(6) == 0) {
        Unmap(View);
    } else {
        CHECK_EQUAL(Words[View->Section][Page], ViewRead(View->At + Page * PAGE_SIZE));
        Words[View->Section][Page] = TestRandom(&Seed);
        ViewWrite(View->At + Page * PAGE_SIZE, Words[View->Section][Page]);
    }
}

/* ---- all of it ---- */

static void PageOut(void)
{
    SessionTrim();
    if (Random(4) == 0) {
        Count.PageOuts++;
        SessionPageOut();
    }
}

static void Step(void)
{
    ULONG Which = Random(MOST);
    MODEL_SESSION *Session = &Sessions[Which];
    ULONG What = Random(40);

    if (Session->Process == NULL) {
        Create(Which);
        return;
    }
    Enter(Which);
    if (What == 0) {
        Delete(Which);
    } else if (What < 3) {
        PageOut();
    } else if (What < 24) {
        UseBlock(&Session->Block[Random(BLOCKS)]);
    } else {
        UseView(&Session->View[Random(VIEWS)]);
    }
}

static void Play(uint64_t Steps)
{
    uint64_t i;

    memset(Sessions, 0, sizeof(Sessions));
    memset(Words, 0, sizeof(Words));
    Now = MOST;
    PagedBegin(0);
    for (i = 0; i < VIEWS; i++) {
        Sections[i] = SectionMake(VIEW_PAGES, SEC_COMMIT, PAGE_READWRITE);
    }
    for (i = 0; i < Steps; i++) {
        Step();
        if (i % VERIFY == 0) {
            MiVerifyAll();
        }
    }
    for (i = 0; i < MOST; i++) {
        if (Sessions[i].Process != NULL) {
            Delete((ULONG)i);
        }
    }
    Enter(MOST);
    for (i = 0; i < VIEWS; i++) {
        ObDereferenceObject(Sections[i]);
    }
    PagedEnd();
}

TEST(Sessions_agree_with_arrays_of_bytes)
{
    const uint64_t Steps = TestRounds(2000);
    uint64_t i;

    for (i = 0; i < 2; i++) {
        TestUseSeed(TestSeedNumber(i));
        Seed = TestSeed();
        Play(Steps);
    }
    TestCountOperations(2 * Steps, 2);
    printf("# %u sessions, %u blocks, %u views, %u refused, %u times all paged out\n",
           Count.Sessions, Count.Blocks, Count.Views, Count.Refused, Count.PageOuts);
    CHECK(Count.Sessions > 4 && Count.Blocks > Steps / 20 && Count.Views > 10 &&
          Count.Refused > Steps / 200 && Count.PageOuts > 4);
}

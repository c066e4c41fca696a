/* SPDX-License-Identifier: MIT */
/*
 * test_prop_ws.c - random use of a working-set list, against an array of pages.
 *
 * The pages stay valid in their PTEs; only the list changes, by its own calls.  The model knows of
 * each page: whether it is in, its age, whether it was accessed, its locks.  A third of the frames
 * have a second share and name another entry, so that the hash table is used.
 */
#include "tests/unit/space_world.h"

#include "mm/ws/wsle.h"

#include <string.h>

#define PAGES  2600u /* three pages of entries */
#define VERIFY 512u

typedef struct _PAGE {
    BOOLEAN In;
    BOOLEAN Accessed;
    BOOLEAN Shared;
    ULONG Age;
    ULONG Locks;
} PAGE;

static PAGE Model[PAGES];
static ULONG_PTR Base;
static PMMSUPPORT Set;
static uint64_t Seed;
static ULONG Failed; /* reservations */

static ULONG Random(ULONG Below)
{
    return TestRandom(&Seed) % Below;
}

static ULONG_PTR VaOf(ULONG Page)
{
    return Base + Page * PAGE_SIZE;
}

static PFN_NUMBER FrameOf(ULONG Page)
{
    return MiReadPte(MiGetPteAddress(VaOf(Page))).Hard.PageFrameNumber;
}

/* The page tables' entries are not the model's: Start takes them out, Finish puts them back. */
static void MoveTables(BOOLEAN In)
{
    ULONG_PTR Va;

    for (Va = ROUND_DOWN(Base, MM_LARGE_PAGE); Va < VaOf(PAGES); Va += MM_LARGE_PAGE) {
        PFN_NUMBER Frame = MiReadPte(MiGetPdeAddress(Va)).Hard.PageFrameNumber;

        if (In) {
            CHECK_EQUAL(STATUS_SUCCESS, MiReserveSharedWsle(Set));
            MiInsertWsle(Set, MiTableVa(Va), Frame);
        } else {
            MiRemoveWsle(Set, MiTableVa(Va), Frame);
        }
    }
}

/* The owner's part of a trim, without the PTE. */
static BOOLEAN TrimPage(PMMSUPPORT WorkingSet, ULONG_PTR Va)
{
    ULONG Page = (ULONG)(Va - Base) / PAGE_SIZE;

    CHECK(Model[Page].In && Model[Page].Locks == 0);
    MiRemoveWsle(WorkingSet, Va, FrameOf(Page));
    Model[Page].In = FALSE;
    return TRUE;
}

static void Access(ULONG Page, BOOLEAN Accessed)
{
    MMPTE Pte = MiReadPte(MiGetPteAddress(VaOf(Page)));

    Pte.Hard.Accessed = Accessed;
    MiWritePte(MiGetPteAddress(VaOf(Page)), Pte);
    KeFlushSingleTb(VaOf(Page));
    Model[Page].Accessed = Accessed;
}

/* ---- operations ---- */

static void Insert(ULONG Page)
{
    NTSTATUS Status;

    MiFailWsleReservation = Random(50) == 0;
    Status = Model[Page].Shared ? MiReserveSharedWsle(Set) : MiReserveWsle(Set);
    MiFailWsleReservation = 0;
    if (!NT_SUCCESS(Status)) {
        CHECK_EQUAL(STATUS_NO_MEMORY, Status);
        Failed++;
        return;
    }
    MiInsertWsle(Set, VaOf(Page), FrameOf(Page));
    if (Model[Page].Shared) {
        MI_PFN(FrameOf(Page))->u1.WsIndex = Random(PAGES);
    }
    Model[Page] =
        (PAGE){.In = TRUE, .Accessed = Model[Page].Accessed, .Shared = Model[Page].Shared};
}

static void Remove(ULONG Page)
{
    MiRemoveWsle(Set, VaOf(Page), FrameOf(Page));
    Model[Page].In = FALSE;
    Model[Page].Locks = 0;
}

static void ChangeLock(ULONG Page)
{
    ULONG Locks = 2u + 2u * Random(3); /* one, the other, both */

    if (Random(2) == 0) {
        CHECK_EQUAL(Model[Page].Locks != 0, MiLockWsle(Set, VaOf(Page), FrameOf(Page), Locks));
        Model[Page].Locks |= Locks;
    } else {
        Model[Page].Locks &= ~Locks;
        CHECK_EQUAL(Model[Page].Locks != 0, MiUnlockWsle(Set, VaOf(Page), FrameOf(Page), Locks));
    }
}

static void Trim(void)
{
    ULONG LeastAge = Random(MI_OLDEST + 1);
    ULONG Most = 1 + Random(40);
    ULONG MayGo = 0;
    ULONG i;

    for (i = 0; i < PAGES; i++) {
        MayGo += Model[i].In && Model[i].Locks == 0 && Model[i].Age >= LeastAge &&
                 (LeastAge == 0 || !Model[i].Accessed);
    }
    CHECK_EQUAL(MayGo < Most ? MayGo : Most, MiTrimWorkingSet(Set, Most, LeastAge));
}

/* A whole turn, in several calls: each page once. */
static void AgeAll(void)
{
    ULONG Left = Set->VmWorkingSetList->LastEntry + 1;
    ULONG Expected = 0;
    ULONG Unused = 0;
    ULONG i;

    for (i = 0; i < PAGES; i++) {
        Expected += Model[i].In && !Model[i].Accessed;
        if (Model[i].In) {
            Model[i].Age = Model[i].Accessed ? 0 : Model[i].Age + (Model[i].Age < MI_OLDEST);
            Model[i].Accessed = FALSE;
        }
    }
    while (Left != 0) {
        ULONG Entries = 1 + Random(Left);

        Unused += MiAgeWorkingSet(Set, Entries);
        Left -= Entries;
    }
    CHECK_EQUAL(Expected, Unused);
}

/* ---- what must be so ---- */

static void Compare(void)
{
    ULONG Count = 0;
    ULONG i;

    for (i = 0; i < PAGES; i++) {
        ULONG Index = MiFindWsle(Set, VaOf(i), FrameOf(i));

        CHECK_EQUAL(Model[i].In, Index != MI_NO_WSLE);
        if (Model[i].In) {
            MMWSLE Entry = Set->VmWorkingSetList->Wsle[Index];

            CHECK_EQUAL(Model[i].Age, Entry.e1.Age);
            CHECK_EQUAL(Model[i].Locks, MiQueryWsleLocks(Set, VaOf(i), FrameOf(i)));
            CHECK_EQUAL(Model[i].Shared, Entry.e1.Hashed);
            Count++;
        }
        CHECK_EQUAL(Model[i].Accessed, MiReadPte(MiGetPteAddress(VaOf(i))).Hard.Accessed);
    }
    CHECK_EQUAL(Count, Set->WorkingSetSize);
    MiVerifyWorkingSet(Set);
}

static void Operate(ULONG What)
{
    ULONG Page = Random(PAGES);

    if (What < 2) {
        Trim();
    } else if (What < 3) {
        AgeAll();
    } else if (What < 12) {
        Access(Page, Random(2) == 0);
    } else if (What < 22 && Model[Page].In) {
        ChangeLock(Page);
    } else if (Model[Page].In) {
        Remove(Page);
    } else {
        Insert(Page);
    }
}

static void Start(void)
{
    ULONG i;

    SpaceStart();
    Set = &SpaceCurrent()->Vm;
    Set->MaximumWorkingSetSize = MI_NO_MAXIMUM;
    memset(Model, 0, sizeof(Model));
    Base = SpaceAllocate(0, PAGES * PAGE_SIZE, MEM_COMMIT, PAGE_READWRITE);
    for (i = 0; i < PAGES; i++) {
        SpaceWrite(VaOf(i), i);
        MiRemoveWsle(Set, VaOf(i), FrameOf(i));
        Model[i].Accessed = TRUE;
        Model[i].Shared = i % 3 == 0;
        MI_PFN(FrameOf(i))->u2.ShareCount += Model[i].Shared;
    }
    MoveTables(FALSE);
    Set->TrimPage = TrimPage;
}

static void Finish(void)
{
    ULONG i;

    Set->TrimPage = MiTrimUserPage;
    for (i = 0; i < PAGES; i++) {
        if (Model[i].In) {
            MiRemoveWsle(Set, VaOf(i), FrameOf(i));
        }
        MI_PFN(FrameOf(i))->u2.ShareCount = 1;
    }
    for (i = 0; i < PAGES; i++) {
        CHECK_EQUAL(STATUS_SUCCESS, MiReserveWsle(Set));
        MiInsertWsle(Set, VaOf(i), FrameOf(i));
    }
    MoveTables(TRUE);
    SpaceFinish();
}

TEST(Random_use_of_a_working_set_agrees_with_an_array_of_pages)
{
    const ULONG Rounds = (ULONG)TestRounds(40000);
    ULONG i;

    Seed = TestSeed() | 1;
    Failed = 0;
    Start();
    for (i = 0; i < Rounds; i++) {
        Operate(i < PAGES ? 50 : Random(100));
        if (i % VERIFY == 0) {
            Compare();
        }
    }
    Compare();
    CHECK(Failed > Rounds / 500);
    CHECK(Set->VmWorkingSetList->HashTableSize != 0);
    Finish();
    TestCountOperations(Rounds, 1);
}

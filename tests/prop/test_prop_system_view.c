/* SPDX-License-Identifier: MIT */
/*
 * test_prop_system_view.c - views of sections in the system half and in processes, mapped, read,
 * written and unmapped at random, against arrays of pages.
 *
 * A section of the model is an array, and a view a window of it.  Working sets are trimmed, pages
 * go to the paging file, and the prototype PTEs after them; now and then a frame, a block of pool,
 * a working-set entry or an address cannot be had, or a read fails.
 */
#include "mm/fault/fault.h"
#include "mm/paging/modified_writer.h"
#include "mm/pool/pool_inject.h"
#include "mm/section/cache_calls.h"
#include "mm/section/cache_view.h"
#include "mm/sysva/system_ptes.h"
#include "tests/unit/system_view_world.h"

#include "mm.h"

#include <stdio.h>
#include <string.h>

#define PROCESSES 2u
#define SECTIONS  3u
#define CACHE     3u /* the first system views are the cache's */
#define SYSTEM    7u
#define PAGES     (2 * MM_CACHE_VIEW_PAGES)
#define LAST_WORD (PAGE_SIZE - sizeof(ULONG))
#define VERIFY    64u

typedef struct _PAGE {
    ULONG First; /* its first word, and its last */
    ULONG Last;
} PAGE, *PPAGE;

typedef struct _MODEL_SECTION {
    PSECTION Object; /* NULL: let go of */
    ULONG Views;
    BOOLEAN Reserve;
    BOOLEAN Committed[PAGES];
    PAGE Page[PAGES];
} MODEL_SECTION, *PMODEL_SECTION;

typedef struct _MODEL_VIEW {
    PMODEL_SECTION Section; /* NULL: no view */
    ULONG_PTR Va;
    ULONG First; /* page of the section */
    ULONG Pages;
} MODEL_VIEW, *PMODEL_VIEW;

static MODEL_SECTION Sections[SECTIONS];
static MODEL_VIEW System[SYSTEM];
static MODEL_VIEW User[PROCESSES][SECTIONS];
static PEPROCESS Processes[PROCESSES];
static ULONG Now; /* who runs */
static KAPC_STATE Home;
static BOOLEAN Armed; /* one read is to fail */
static uint64_t Seed;

static struct {
    ULONG Maps;
    ULONG Writes;
    ULONG Copies;
    ULONG PageOuts;
    ULONG Failed;
    ULONG Refused;
} Count;

static ULONG Random(ULONG Below)
{
    return TestRandom(&Seed) % Below;
}

static BOOLEAN IsShort(NTSTATUS Status)
{
    BOOLEAN Short = Status == STATUS_NO_MEMORY || Status == STATUS_INSUFFICIENT_RESOURCES ||
                    Status == STATUS_COMMITMENT_LIMIT;

    Count.Refused += Short;
    return Short;
}

/* ---- sections ---- */

static void CreateSection(PMODEL_SECTION Section)
{
    LARGE_INTEGER Size = {.QuadPart = (LONGLONG)PAGES * PAGE_SIZE};
    BOOLEAN Reserve = Random(3) == 0;
    PVOID Object;
    NTSTATUS Status;

    if (Section->Object != NULL || Section->Views != 0) {
        return;
    }
    Status = MmCreateSection(&Object, 0, NULL, &Size, PAGE_READWRITE,
                             Reserve ? SEC_RESERVE : SEC_COMMIT, NULL, NULL);
    if (!IsShort(Status)) {
        CHECK_EQUAL(STATUS_SUCCESS, Status);
        memset(Section, 0, sizeof(*Section));
        memset(Section->Committed, !Reserve, sizeof(Section->Committed));
        Section->Reserve = Reserve;
        Section->Object = Object;
    }
}

static void CommitPages(PMODEL_SECTION Section)
{
    ULONG First = Random(PAGES);
    ULONG Pages = 1 + Random(PAGES - First);
    ULONG Limit;

    if (Section->Object != NULL && Section->Reserve) {
        NTSTATUS Status = MiCommitSegment(Section->Object->Segment, First, Pages, &Limit);

        if (!IsShort(Status)) {
            CHECK_EQUAL(STATUS_SUCCESS, Status);
            memset(Section->Committed + First, TRUE, Pages);
        }
    }
}

static void DropSection(PMODEL_SECTION Section)
{
    if (Section->Object != NULL) {
        ObDereferenceObject(Section->Object);
        Section->Object = NULL;
    }
}

/* ---- views ---- */

static NTSTATUS MapCache(ULONG Index, PMODEL_VIEW View)
{
    LARGE_INTEGER Offset = {.QuadPart = (LONGLONG)View->First * PAGE_SIZE};

    View->Va = MiLayout.Region[MiRegionSystemCache].Start + Index * MM_CACHE_VIEW_BYTES;
    View->Pages = MM_CACHE_VIEW_PAGES;
    return MmMapViewInSystemCache(View->Section->Object, (PVOID)View->Va, Offset,
                                  MM_CACHE_VIEW_BYTES);
}

static NTSTATUS MapSystem(PMODEL_VIEW View)
{
    SIZE_T Bytes = Random(2) == 0 ? 0 : (1 + Random(PAGES)) * PAGE_SIZE;
    PVOID Base = NULL;
    NTSTATUS Status = MmMapViewInSystemSpace(View->Section->Object, &Base, &Bytes);

    View->Va = (ULONG_PTR)Base;
    View->First = 0;
    View->Pages = (ULONG)(Bytes >> PAGE_SHIFT);
    return Status;
}

static NTSTATUS MapUser(PMODEL_VIEW View)
{
    SECTION_VIEW Wanted = {.Offset = (LONGLONG)View->First * PAGE_SIZE};
    NTSTATUS Status = SectionMapAs(View->Section->Object, &Wanted);

    View->Va = Wanted.Base;
    View->Pages = PAGES - View->First;
    return Status;
}

/* => Index: of System; or SYSTEM: a process' */
static void Map(ULONG Index, PMODEL_VIEW View, PMODEL_SECTION Section)
{
    NTSTATUS Status;

    if (Section->Object == NULL) {
        return;
    }
    *View = (MODEL_VIEW){.Section = Section, .First = Random(2) * MM_CACHE_VIEW_PAGES};
    if (Index == SYSTEM) {
        Status = MapUser(View);
    } else {
        Status = Index < CACHE ? MapCache(Index, View) : MapSystem(View);
    }
    if (IsShort(Status)) {
        View->Section = NULL;
        return;
    }
    CHECK_EQUAL(STATUS_SUCCESS, Status);
    Section->Views++;
    Count.Maps++;
}

static void Unmap(ULONG Index, PMODEL_VIEW View)
{
    if (View->Section == NULL) {
        return;
    }
    if (Index == SYSTEM) {
        SectionUnmap(View->Va);
    } else if (Index < CACHE) {
        CacheViewUnmap(View->Va);
    } else {
        SystemViewUnmap(View->Va);
    }
    View->Section->Views--;
    View->Section = NULL;
}

/* ---- pages ---- */

static PPAGE PageOf(const MODEL_VIEW *View, ULONG Page)
{
    return &View->Section->Page[View->First + Page];
}

/* => Whether the access went through.  A read may fail, if one was made to. */
static BOOLEAN Judge(const MODEL_VIEW *View, ULONG Page, NTSTATUS Status)
{
    if ((Status == STATUS_IN_PAGE_ERROR || Status == STATUS_IO_DEVICE_ERROR) &&
        IoDisk.FailAt[DiskRead] == 0 && Armed) {
        Armed = FALSE;
        Count.Failed++;
        return FALSE;
    }
    if (!View->Section->Committed[View->First + Page]) {
        CHECK_EQUAL(STATUS_ACCESS_VIOLATION, Status);
        return FALSE;
    }
    CHECK_EQUAL(STATUS_SUCCESS, Status);
    return TRUE;
}

static void Write(const MODEL_VIEW *View, ULONG Page)
{
    BOOLEAN AtEnd = Random(2) == 0;
    ULONG Value = (ULONG)TestRandom(&Seed);

    if (Judge(View, Page,
              ViewTryWrite(View->Va + Page * PAGE_SIZE + (AtEnd ? LAST_WORD : 0), Value))) {
        *(AtEnd ? &PageOf(View, Page)->Last : &PageOf(View, Page)->First) = Value;
        Count.Writes++;
    }
}

static void Read(const MODEL_VIEW *View, ULONG Page)
{
    ULONG_PTR Va = View->Va + Page * PAGE_SIZE;
    ULONG Value = 0;

    if (Judge(View, Page, ViewTryRead(Va, &Value))) {
        CHECK_EQUAL(PageOf(View, Page)->First, Value);
        if (Judge(View, Page, ViewTryRead(Va + LAST_WORD, &Value))) {
            CHECK_EQUAL(PageOf(View, Page)->Last, Value);
        }
    }
}

/* A whole page, if it is not in memory, whatever it was. */
static void Copy(const MODEL_VIEW *View, ULONG Page)
{
    static ULONG Words[PAGE_SIZE / sizeof(ULONG)];
    PAGE New = {(ULONG)TestRandom(&Seed), (ULONG)TestRandom(&Seed)};
    PVOID Va = (PVOID)(View->Va + Page * PAGE_SIZE);
    NTSTATUS Status;

    if (!View->Section->Committed[View->First + Page]) {
        return; /* no file has such pages */
    }
    IoDisk.FailAt[DiskRead] = 0; /* its page of prototype PTEs may be paged pool's */
    Words[0] = New.First;
    Words[LAST_WORD / sizeof(ULONG)] = New.Last;
    Status = MmCopyToCachedPage(Va, Words);
    if (!IsShort(Status) && Status != STATUS_ALREADY_COMMITTED) {
        CHECK_EQUAL(STATUS_SUCCESS, Status);
        *PageOf(View, Page) = New;
        Count.Copies++;
    }
}

static void Use(ULONG Index, PMODEL_VIEW View)
{
    ULONG Page;

    if (View->Section == NULL) {
        Map(Index, View, &Sections[Random(SECTIONS)]);
        return;
    }
    Page = Random(View->Pages);
    switch (Random(8)) {
    case 0:
        if (Index < CACHE) {
            Copy(View, Page);
        }
        break;
    case 1:
        if (Index < SYSTEM) {
            (void)MmSetAddressRangeModified((PVOID)View->Va, View->Pages * PAGE_SIZE);
            (void)MmIsRangeResident((PVOID)View->Va, View->Pages * PAGE_SIZE);
        }
        break;
    case 2:
    case 3:
    case 4:
        Read(View, Page);
        break;
    default:
        Write(View, Page);
        break;
    }
}

/* ---- memory becomes short ---- */

static void PageOut(void)
{
    if (Random(3) != 0) {
        SystemViewTrim();
    }
    if (Random(3) != 0) {
        SectionTrim();
    }
    if (Random(2) == 0) {
        CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
        (void)MiReuseStandbyFrames();
    }
    if (Random(4) == 0) { /* and the prototype PTEs */
        SystemViewPageOut();
        Count.PageOuts++;
    }
}

static void Arm(void)
{
    ULONG Nth = 1 + Random(4);

    switch (Random(16)) {
    case 0:
        MiFailFrameAllocation = Nth;
        break;
    case 1:
        MiFailWsleReservation = Nth;
        break;
    case 2:
        MiFailInPageBlock = Nth;
        break;
    case 3:
        MiFailPoolAllocation(Nth);
        break;
    case 4:
        MiFailSystemPteReservation = 1;
        break;
    default:
        break;
    }
}

static void Disarm(void)
{
    MiFailFrameAllocation = 0;
    MiFailWsleReservation = 0;
    MiFailInPageBlock = 0;
    MiFailPoolAllocation(0);
    MiFailSystemPteReservation = 0;
    IoDisk.FailAt[DiskRead] = 0;
    Armed = FALSE;
}

/* ---- the walk ---- */

static void Enter(ULONG Process)
{
    KeUnstackDetachProcess(&Home);
    Now = Process;
    KeStackAttachProcess(&Processes[Now]->Pcb, &Home);
}

/* What a section is made of may be out: only views are used while a read may fail. */
static void UseView(void)
{
    ULONG Index = Random(SYSTEM + 1);
    PMODEL_VIEW View = Index < SYSTEM ? &System[Index] : &User[Now][Random(SECTIONS)];

    if (View->Section != NULL && Random(8) == 0) {
        IoDisk.FailAt[DiskRead] = 1;
        Armed = TRUE;
    }
    Use(Index, View);
}

static void Step(void)
{
    ULONG Index;

    Arm();
    switch (Random(40)) {
    case 0:
        CreateSection(&Sections[Random(SECTIONS)]);
        break;
    case 1:
        if (Random(3) == 0) {
            DropSection(&Sections[Random(SECTIONS)]);
        }
        break;
    case 2:
        Index = Random(SYSTEM);
        Unmap(Index, &System[Index]);
        break;
    case 3:
        Unmap(SYSTEM, &User[Now][Random(SECTIONS)]);
        break;
    case 4:
        CommitPages(&Sections[Random(SECTIONS)]);
        break;
    case 5:
    case 6:
        Disarm();
        PageOut();
        break;
    case 7:
        Enter(Random(PROCESSES));
        break;
    default:
        UseView();
        break;
    }
    Disarm();
}

static void ReadView(const MODEL_VIEW *View)
{
    ULONG Page;

    for (Page = 0; View->Section != NULL && Page < View->Pages; Page++) {
        Read(View, Page);
    }
}

static void ReadEverything(void)
{
    ULONG i;
    ULONG j;

    for (i = 0; i < SYSTEM; i++) {
        ReadView(&System[i]);
    }
    for (i = 0; i < PROCESSES; i++) {
        Enter(i);
        for (j = 0; j < SECTIONS; j++) {
            ReadView(&User[i][j]);
        }
    }
}

static void Begin(void)
{
    ULONG i;

    memset(Sections, 0, sizeof(Sections));
    memset(System, 0, sizeof(System));
    memset(User, 0, sizeof(User));
    PagedBegin(0);
    for (i = 0; i < PROCESSES; i++) {
        CHECK_EQUAL(STATUS_SUCCESS, PsCreateProcess("user", &Processes[i]));
    }
    Now = 0;
    KeStackAttachProcess(&Processes[0]->Pcb, &Home);
}

static void Finish(void)
{
    ULONG i;

    for (i = 0; i < SECTIONS; i++) {
        DropSection(&Sections[i]);
    }
    for (i = 0; i < SYSTEM; i++) {
        Unmap(i, &System[i]);
    }
    KeUnstackDetachProcess(&Home);
    for (i = 0; i < PROCESSES; i++) {
        PsTerminateProcess(Processes[i]);
        PsDereferenceProcess(Processes[i]);
    }
    CHECK_EQUAL(0, MiSharedCommit);
    CHECK_EQUAL(0, MiSystemViewCounters.Resident);
    PagedEnd();
}

static void Walk(uint64_t Steps)
{
    uint64_t i;

    for (i = 0; i < Steps; i++) {
        TestSetStep(i);
        Step();
        if (i % VERIFY == 0) {
            ULONG_PTR Stale;

            MiVerifyAll();
            CHECK(!HostFindStaleTranslation(&Stale));
        }
    }
    ReadEverything();
    MiVerifyAll();
}

TEST(System_views_and_views_of_processes_agree_with_arrays_of_pages)
{
    const uint64_t Steps = TestRounds(4000);
    uint64_t i;

    for (i = 0; i < 3; i++) {
        TestUseSeed(TestSeedNumber(i));
        Seed = TestSeed();
        Begin();
        Walk(Steps);
        Finish();
    }
    TestCountOperations(3 * Steps, 3);
    printf(
        "# %u views mapped, %u writes, %u pages copied, %u times all paged out, %u reads failed, "
        "%u refused\n",
        Count.Maps, Count.Writes, Count.Copies, Count.PageOuts, Count.Failed, Count.Refused);
    CHECK(Count.Maps > 50 && Count.Writes > Steps / 8 && Count.Copies > 20 && Count.PageOuts > 20 &&
          Count.Failed > 10);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_prop_section.c - processes that map, write, protect, clone and unmap views of sections at
 * random, against arrays of pages.
 *
 * A section of the model is an array; a view is a window of it, with an array of its own for pages
 * that were copied.  Pages go to the paging file in between, and the prototype PTEs after them; now
 * and then a frame, a block of pool or a working-set entry cannot be had.
 */
#include "mm/fault/fault.h"
#include "mm/paging/modified_writer.h"
#include "mm/pool/pool_inject.h"
#include "mm/space/prototype_pte.h"
#include "mm/ws/wsle.h"
#include "tests/unit/section_world.h"

#include "mm.h"

#include <stdio.h>
#include <string.h>

#define PROCESSES 4u
#define SECTIONS  3u
#define VIEWS     4u
#define PAGES     48u
#define UNIT      (KB64 / PAGE_SIZE)
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
    ULONG First;            /* page of the section */
    ULONG Pages;
    ULONG Granted;
    BOOLEAN Inherit;
    ULONG Protect[PAGES];
    BOOLEAN Copied[PAGES];
    PAGE Copy[PAGES];
} MODEL_VIEW, *PMODEL_VIEW;

typedef struct _MODEL_PROCESS {
    PEPROCESS Process; /* NULL: none */
    MODEL_VIEW View[VIEWS];
} MODEL_PROCESS;

static MODEL_SECTION Sections[SECTIONS];
static MODEL_PROCESS Processes[PROCESSES];
static ULONG Now; /* who runs */
static KAPC_STATE Home;
static uint64_t Seed;

static struct {
    ULONG Maps;
    ULONG Clones;
    ULONG Copies;
    ULONG Refused;
    ULONG PageOuts;
} Count;

static const ULONG Protects[] = {PAGE_READONLY,  PAGE_READWRITE,
                                 PAGE_READWRITE, PAGE_WRITECOPY,
                                 PAGE_NOACCESS,  PAGE_READWRITE | PAGE_GUARD,
                                 PAGE_WRITECOPY, PAGE_WRITECOPY | PAGE_GUARD};

static ULONG Random(ULONG Below)
{
    return TestRandom(&Seed) % Below;
}

static BOOLEAN IsShort(NTSTATUS Status)
{
    Count.Refused += !NT_SUCCESS(Status);
    return Status == STATUS_NO_MEMORY || Status == STATUS_INSUFFICIENT_RESOURCES ||
           Status == STATUS_COMMITMENT_LIMIT;
}

/* ---- who, where ---- */

static void Enter(ULONG Process)
{
    KeUnstackDetachProcess(&Home);
    Now = Process;
    KeStackAttachProcess(&Processes[Now].Process->Pcb, &Home);
}

/* The n-th view lies at the same place in each process; the page tables are several ones. */
static ULONG_PTR VaOf(ULONG View, ULONG Page)
{
    return 0x01000000u + View * 0x003F0000u + Page * PAGE_SIZE;
}

static PMODEL_VIEW ViewOf(ULONG View)
{
    return &Processes[Now].View[View];
}

/* => Where the page's contents are; NULL: not committed. */
static PPAGE PageOf(PMODEL_VIEW View, ULONG Page)
{
    PMODEL_SECTION Section = View->Section;

    if (View->Copied[Page]) {
        return &View->Copy[Page];
    }
    return Section->Committed[View->First + Page] ? &Section->Page[View->First + Page] : NULL;
}

/* ---- sections ---- */

static void CreateSection(PMODEL_SECTION Section)
{
    LARGE_INTEGER Size = {.QuadPart = (LONGLONG)PAGES * PAGE_SIZE - Random(PAGE_SIZE)};
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

static void DropSection(PMODEL_SECTION Section)
{
    if (Section->Object != NULL) {
        ObDereferenceObject(Section->Object);
        Section->Object = NULL;
    }
}

/* ---- views ---- */

static void Map(ULONG Index, PMODEL_SECTION Section)
{
    static const ULONG Granted[] = {PAGE_READWRITE, PAGE_READWRITE, PAGE_READONLY, PAGE_WRITECOPY};
    PMODEL_VIEW View = ViewOf(Index);
    SECTION_VIEW Wanted = {.Base = VaOf(Index, 0),
                           .Offset = (LONGLONG)Random(PAGES / UNIT) * KB64,
                           .Protect = Granted[Random(RTL_NUMBER_OF(Granted))],
                           .Inherit = 1 + Random(2)};
    NTSTATUS Status;
    ULONG Page;

    if (View->Section != NULL || Section->Object == NULL) {
        return;
    }
    Status = SectionMapAs(Section->Object, &Wanted);
    if (IsShort(Status)) {
        return;
    }
    CHECK_EQUAL(STATUS_SUCCESS, Status);
    memset(View, 0, sizeof(*View));
    View->Section = Section;
    View->First = (ULONG)(Wanted.Offset / PAGE_SIZE);
    View->Pages = PAGES - View->First;
    View->Granted = Wanted.Protect;
    View->Inherit = Wanted.Inherit == ViewShare;
    for (Page = 0; Page < View->Pages; Page++) {
        View->Protect[Page] = Wanted.Protect;
    }
    Section->Views++;
    Count.Maps++;
}

static void ForgetView(PMODEL_VIEW View)
{
    if (View->Section != NULL) {
        View->Section->Views--;
        View->Section = NULL;
    }
}

static void Unmap(ULONG Index)
{
    NTSTATUS Status =
        MmUnmapViewOfSection(Processes[Now].Process, (PVOID)(VaOf(Index, Random(PAGES))));

    if (ViewOf(Index)->Section != NULL && Status == STATUS_NOT_MAPPED_VIEW) {
        Status = MmUnmapViewOfSection(Processes[Now].Process, (PVOID)VaOf(Index, 0));
    }
    CHECK_EQUAL(ViewOf(Index)->Section == NULL ? STATUS_NOT_MAPPED_VIEW : STATUS_SUCCESS, Status);
    ForgetView(ViewOf(Index));
}

/* ---- pages ---- */

static NTSTATUS ExpectedAccess(PMODEL_VIEW View, ULONG Page, BOOLEAN Write)
{
    ULONG Protect = View->Protect[Page];

    if (PageOf(View, Page) == NULL || Protect == PAGE_NOACCESS) {
        return STATUS_ACCESS_VIOLATION;
    }
    if ((Protect & PAGE_GUARD) != 0) {
        return STATUS_GUARD_PAGE_VIOLATION;
    }
    return Write && Protect == PAGE_READONLY ? STATUS_ACCESS_VIOLATION : STATUS_SUCCESS;
}

/* The alarm comes once: when it came, and not before. */
static void NoteAccess(PMODEL_VIEW View, ULONG Page, NTSTATUS Status)
{
    if (Status == STATUS_GUARD_PAGE_VIOLATION) {
        View->Protect[Page] &= ~PAGE_GUARD;
    }
}

static void Write(ULONG Index, ULONG Page)
{
    PMODEL_VIEW View = ViewOf(Index);
    BOOLEAN AtEnd = Random(2) == 0;
    ULONG Value = (ULONG)TestRandom(&Seed);
    NTSTATUS Expected = ExpectedAccess(View, Page, TRUE);
    NTSTATUS Status = SpaceTryWrite(VaOf(Index, Page) + (AtEnd ? LAST_WORD : 0), Value);

    CHECK_EQUAL(Expected, Status);
    NoteAccess(View, Page, Status);
    if (!NT_SUCCESS(Expected)) {
        return;
    }
    if (View->Protect[Page] == PAGE_WRITECOPY) {
        View->Copy[Page] = *PageOf(View, Page);
        View->Copied[Page] = TRUE;
        View->Protect[Page] = PAGE_READWRITE;
        Count.Copies++;
    }
    *(AtEnd ? &PageOf(View, Page)->Last : &PageOf(View, Page)->First) = Value;
}

static void Read(ULONG Index, ULONG Page)
{
    PMODEL_VIEW View = ViewOf(Index);
    NTSTATUS Expected = ExpectedAccess(View, Page, FALSE);
    ULONG Value = 0;
    NTSTATUS Status = SpaceTryRead(VaOf(Index, Page), &Value);

    CHECK_EQUAL(Expected, Status);
    NoteAccess(View, Page, Status);
    if (NT_SUCCESS(Expected)) {
        CHECK_EQUAL(PageOf(View, Page)->First, Value);
        CHECK_EQUAL(PageOf(View, Page)->Last, SpaceRead(VaOf(Index, Page) + LAST_WORD));
    }
}

static void Query(ULONG Index, ULONG Page)
{
    PMODEL_VIEW View = ViewOf(Index);
    MEMORY_BASIC_INFORMATION M = SpaceQuery(VaOf(Index, Page));
    BOOLEAN Committed = PageOf(View, Page) != NULL;

    CHECK_EQUAL(MEM_MAPPED, M.Type);
    CHECK_EQUAL(Committed ? MEM_COMMIT : MEM_RESERVE, M.State);
    CHECK_EQUAL(Committed ? View->Protect[Page] : 0, M.Protect);
    CHECK_EQUAL(View->Granted, M.AllocationProtect);
}

static void Protect(ULONG Index, ULONG Page)
{
    PMODEL_VIEW View = ViewOf(Index);
    ULONG New = Protects[Random(RTL_NUMBER_OF(Protects))];
    BOOLEAN Allowed = View->Granted == PAGE_READWRITE || (New & PAGE_READWRITE) == 0;
    NTSTATUS Status = SpaceTryProtect(VaOf(Index, Page), PAGE_SIZE, New);

    if (IsShort(Status)) {
        return;
    }
    if (!Allowed || PageOf(View, Page) == NULL) {
        CHECK_EQUAL(Allowed ? STATUS_NOT_COMMITTED : STATUS_SECTION_PROTECTION, Status);
        return;
    }
    CHECK_EQUAL(STATUS_SUCCESS, Status);
    if (View->Copied[Page] && (New & PAGE_WRITECOPY) != 0) {
        New ^= PAGE_WRITECOPY | PAGE_READWRITE;
    }
    View->Protect[Page] = New;
}

static void Commit(ULONG Index, ULONG Page)
{
    PMODEL_VIEW View = ViewOf(Index);
    ULONG Pages = 1 + Random(4);
    NTSTATUS Status;
    ULONG i;

    Pages = Pages < View->Pages - Page ? Pages : View->Pages - Page;
    Status = SpaceTryAllocate(VaOf(Index, Page), Pages * PAGE_SIZE, MEM_COMMIT, PAGE_READONLY);
    if (IsShort(Status)) {
        return;
    }
    CHECK_EQUAL(View->Section->Reserve ? STATUS_SUCCESS : STATUS_ALREADY_COMMITTED, Status);
    for (i = Page; i < Page + Pages && View->Section->Reserve; i++) {
        View->Section->Committed[View->First + i] = TRUE;
        View->Protect[i] = PAGE_READONLY;
    }
}

/* ---- processes ---- */

static void Clone(ULONG Child)
{
    PEPROCESS Process;
    NTSTATUS Status;
    ULONG i;

    if (Processes[Child].Process != NULL) {
        return;
    }
    Status = PsCloneProcess("clone", Processes[Now].Process, &Process);
    if (IsShort(Status)) {
        return;
    }
    CHECK_EQUAL(STATUS_SUCCESS, Status);
    Processes[Child] = Processes[Now];
    Processes[Child].Process = Process;
    for (i = 0; i < VIEWS; i++) {
        PMODEL_VIEW View = &Processes[Child].View[i];

        if (View->Section != NULL && View->Inherit) {
            View->Section->Views++;
        } else {
            View->Section = NULL;
        }
    }
    Count.Clones++;
}

static void End(ULONG Index)
{
    ULONG i;

    if (Index == Now || Processes[Index].Process == NULL) {
        return;
    }
    PsTerminateProcess(Processes[Index].Process);
    PsDereferenceProcess(Processes[Index].Process);
    Processes[Index].Process = NULL;
    for (i = 0; i < VIEWS; i++) {
        ForgetView(&Processes[Index].View[i]);
    }
}

/* ---- memory becomes short ---- */

static void PageOut(void)
{
    SectionTrim();
    if (Random(2) == 0) {
        return;
    }
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    if (Random(2) == 0) {
        (void)MiReuseStandbyFrames();
        Count.PageOuts++;
    }
    if (Random(2) == 0) { /* and the prototype PTEs */
        CHECK(MmTrimAllSystemPageableMemory(FALSE));
        CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
        (void)MiReuseStandbyFrames();
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
}

/* ---- the walk ---- */

static void UseView(ULONG Index)
{
    ULONG Page;

    if (ViewOf(Index)->Section == NULL) {
        Map(Index, &Sections[Random(SECTIONS)]);
        return;
    }
    Page = Random(ViewOf(Index)->Pages);
    switch (Random(8)) {
    case 0:
        Query(Index, Page);
        break;
    case 1:
        Protect(Index, Page);
        break;
    case 2:
        Commit(Index, Page);
        break;
    case 3:
    case 4:
        Read(Index, Page);
        break;
    default:
        Write(Index, Page);
        break;
    }
}

static void Step(void)
{
    ULONG Other = Random(PROCESSES);

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
        Unmap(Random(VIEWS));
        break;
    case 3:
        Clone(Other);
        break;
    case 4:
        End(Other);
        break;
    case 5:
    case 6:
        Disarm();
        PageOut();
        break;
    case 7:
    case 8:
    case 9:
        if (Processes[Other].Process != NULL) {
            Enter(Other);
        }
        break;
    default:
        UseView(Random(VIEWS));
        break;
    }
    Disarm();
}

static void ReadEverything(void)
{
    ULONG Process;
    ULONG Index;
    ULONG Page;

    for (Process = 0; Process < PROCESSES; Process++) {
        if (Processes[Process].Process == NULL) {
            continue;
        }
        Enter(Process);
        for (Index = 0; Index < VIEWS; Index++) {
            for (Page = 0; ViewOf(Index)->Section != NULL && Page < ViewOf(Index)->Pages; Page++) {
                Read(Index, Page);
                Query(Index, Page);
            }
        }
    }
}

static void Begin(void)
{
    memset(Sections, 0, sizeof(Sections));
    memset(Processes, 0, sizeof(Processes));
    PagedBegin(0);
    CHECK_EQUAL(STATUS_SUCCESS, PsCreateProcess("first", &Processes[0].Process));
    Now = 0;
    KeStackAttachProcess(&Processes[0].Process->Pcb, &Home);
}

static void Finish(void)
{
    ULONG i;

    KeUnstackDetachProcess(&Home);
    Now = PROCESSES;
    for (i = 0; i < SECTIONS; i++) {
        DropSection(&Sections[i]);
    }
    for (i = 0; i < PROCESSES; i++) {
        End(i);
    }
    CHECK_EQUAL(0, MiSharedCommit);
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

TEST(Section_views_agree_with_arrays_of_pages)
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
    printf("# %u views mapped, %u clones, %u pages copied, %u times all paged out, %u refused\n",
           Count.Maps, Count.Clones, Count.Copies, Count.PageOuts, Count.Refused);
    CHECK(Count.Maps > 50 && Count.Clones > 5 && Count.Copies > 50 && Count.PageOuts > 20);
}

/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/fault/view.c: pages of views that are in the paging file, prototype PTEs that are
 * out, what happens when something on the way fails.
 */
#include "mm/fault/user_fault.h"
#include "mm/paging/modified_writer.h"
#include "mm/pool/pool_pages.h"
#include "mm/space/prototype_pte.h"
#include "mm/sysva/pte_kind.h"
#include "mm/sysva/system_pages.h"
#include "tests/unit/mm_world.h"
#include "tests/unit/section_world.h"

#include "mm.h"

#include <string.h>

#define PAGES 24u

static PSECTION Section;
static ULONG_PTR Va;

static ULONG WordOf(ULONG Page)
{
    return Page * 0x01010101u + 7;
}

static void Begin(ULONG64 Seed)
{
    ULONG Page;

    PagedBegin(Seed);
    Section = SectionMake(PAGES, SEC_COMMIT, PAGE_READWRITE);
    Va = SectionMap(Section, PAGE_READWRITE);
    for (Page = 0; Page < PAGES; Page++) {
        SpaceWrite(Va + Page * PAGE_SIZE, WordOf(Page));
    }
}

static void End(void)
{
    SectionUnmap(Va);
    ObDereferenceObject(Section);
    PagedEnd();
}

static void CheckContents(void)
{
    ULONG Page;

    for (Page = 0; Page < PAGES; Page++) {
        CHECK_EQUAL(WordOf(Page), SpaceRead(Va + Page * PAGE_SIZE));
    }
}

/* => Whether the page of prototype PTEs is in memory, looking at it aside. */
static BOOLEAN ArePrototypesThere(void)
{
    return MiReadPte(MiGetPteAddress((ULONG_PTR)Section->Segment->PrototypePte)).Hard.Valid;
}

static void PrototypesOut(void)
{
    SectionPageOut();
    CHECK(MmTrimAllSystemPageableMemory(FALSE));
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    (void)MiReuseStandbyFrames();
    CHECK(!ArePrototypesThere());
}

TEST(View_fault_reads_a_page_that_is_in_the_paging_file)
{
    MI_FAULT_COUNTERS Before;

    Begin(0);
    SectionPageOut();
    CHECK_EQUAL(MiPtePagefile, MiPteKind(SectionPrototype(Section, 3)));
    CHECK(MiPrototypeSlots.Slots >= PAGES);
    MiVerifyAll();
    Before = MiFaultCounters;
    CHECK_EQUAL(WordOf(3), SpaceRead(Va + 3 * PAGE_SIZE));
    CHECK(MiFaultCounters.PagingFileReads > Before.PagingFileReads);
    CHECK_EQUAL(PAGES - 1, MiPrototypeSlots.Slots);
    CheckContents();
    MiVerifyAll();
    End();
}

TEST(View_fault_brings_in_prototype_PTEs_that_are_out)
{
    Begin(0);
    PrototypesOut();
    MiVerifyPagingFiles();
    CheckContents();
    CHECK(ArePrototypesThere());
    MiVerifyAll();
    End();
}

TEST(View_fault_comes_to_an_end_when_memory_is_short)
{
    ULONG Page;

    Begin(0);
    for (Page = 0; Page < 4; Page++) {
        PrototypesOut();
        PagedTakeFrames(8);
        CHECK_EQUAL(WordOf(Page), SpaceRead(Va + Page * PAGE_SIZE));
        PagedGiveFrames();
    }
    CheckContents();
    End();
}

TEST(View_page_of_prototype_PTEs_stays_while_one_has_a_frame)
{
    Begin(0);
    PrototypesOut();
    (void)SpaceRead(Va);
    CHECK(MmTrimAllSystemPageableMemory(FALSE));
    CHECK(ArePrototypesThere());
    SectionTrim(); /* in transition is as good as valid */
    CHECK(MmTrimAllSystemPageableMemory(FALSE));
    CHECK(ArePrototypesThere());
    MiVerifyAll();
    End();
}

TEST(View_whose_prototype_PTEs_are_out_is_unmapped_and_deleted)
{
    Begin(0);
    PrototypesOut();
    CHECK_EQUAL(PAGES, MiPrototypeSlots.Slots);
    SectionUnmap(Va);
    ObDereferenceObject(Section);
    CHECK_EQUAL(0, MiPrototypeSlots.Slots);
    MiVerifyAll();
    PagedEnd();
}

TEST(View_contents_that_come_back_wrong_are_an_in_page_error_for_all_who_touch_them)
{
    const MMPAGING_FILE *File;
    ULONG Value;
    ULONG Slot;
    PUCHAR Byte;

    Begin(0);
    SectionPageOut();
    File = MmPagingFile[MiPteFile(SectionPrototype(Section, 5))];
    Slot = MiPteSlot(SectionPrototype(Section, 5));
    Byte = IoDisk.Image + File->FirstSector * IoDisk.Device.SectorBytes + (SIZE_T)Slot * PAGE_SIZE;
    *Byte ^= 1;
    CHECK_EQUAL(STATUS_IN_PAGE_ERROR, SpaceTryRead(Va + 5 * PAGE_SIZE, &Value));
    CHECK(strstr(HostConsoleText(), "the page of prototype PTE 0xe1") != NULL);
    CHECK_EQUAL(MiPtePagefile, MiPteKind(SectionPrototype(Section, 5)));
    MiVerifyAll();
    CHECK_EQUAL(STATUS_IN_PAGE_ERROR, SpaceTryRead(Va + 5 * PAGE_SIZE, &Value));
    *Byte ^= 1;
    CheckContents();
    End();
}

TEST(View_fault_survives_each_single_failure_on_its_way)
{
    ULONG What;
    ULONG Nth;

    Begin(0);
    for (What = 0; What < 4; What++) {
        for (Nth = 1; Nth < 6; Nth++) {
            NTSTATUS Status;
            ULONG Value = 0;

            SectionPageOut();
            PagedArm(What, Nth);
            Status = SpaceTryRead(Va + Nth * PAGE_SIZE, &Value);
            PagedArm(What, 0);
            CHECK(Status == STATUS_SUCCESS || (What == 3 && Status == STATUS_IN_PAGE_ERROR));
            CHECK(!NT_SUCCESS(Status) || Value == WordOf(Nth));
            MiVerifyAll();
        }
    }
    CheckContents();
    End();
}

TEST(View_first_touch_survives_each_single_failure_on_its_way)
{
    PSECTION Fresh;
    ULONG_PTR At;
    ULONG What;
    ULONG Nth;

    Begin(0);
    Fresh = SectionMake(16, SEC_COMMIT, PAGE_READWRITE);
    At = SectionMap(Fresh, PAGE_WRITECOPY);
    for (What = 0; What < 3; What++) {
        for (Nth = 1; Nth < 5; Nth++) {
            ULONG_PTR Page = At + (What * 5 + Nth) * PAGE_SIZE;

            PagedArm(What, Nth);
            SpaceWrite(Page, Nth); /* touched, and copied */
            PagedArm(What, 0);
            CHECK_EQUAL(Nth, SpaceRead(Page));
            MiVerifyAll();
        }
    }
    SectionUnmap(At);
    ObDereferenceObject(Fresh);
    End();
}

/* ---- several processes ---- */

#define READERS 4u

static PEPROCESS Readers[READERS];
static NTSTATUS Results[READERS];
static ULONG Values[READERS];

static void Reader(PVOID Context)
{
    ULONG Index = (ULONG)(ULONG_PTR)Context;
    KAPC_STATE Home;

    KeStackAttachProcess(&Readers[Index]->Pcb, &Home);
    Results[Index] = SpaceTryRead(Va + 2 * PAGE_SIZE, &Values[Index]);
    KeUnstackDetachProcess(&Home);
}

/* The first word is each one's, all of them have the view at one place. */
static void CreateReaders(void)
{
    ULONG i;

    for (i = 0; i < READERS; i++) {
        PVOID Base = (PVOID)Va;
        SIZE_T Bytes = 0;

        CHECK_EQUAL(STATUS_SUCCESS, PsCreateProcess("reader", &Readers[i]));
        CHECK_EQUAL(STATUS_SUCCESS, MmMapViewOfSection(Section, Readers[i], &Base, 0, 0, NULL,
                                                       &Bytes, ViewShare, 0, PAGE_READWRITE));
        Values[i] = 0;
        Results[i] = STATUS_PENDING;
    }
}

static void EndReaders(void)
{
    ULONG i;

    for (i = 0; i < READERS; i++) {
        PsTerminateProcess(Readers[i]);
        PsDereferenceProcess(Readers[i]);
    }
}

static void RunReaders(NTSTATUS Status)
{
    ULONG i;

    for (i = 0; i < READERS; i++) {
        HostThreadCreate(Reader, (PVOID)(ULONG_PTR)i);
    }
    HostRunThreads();
    for (i = 0; i < READERS; i++) {
        CHECK_EQUAL(Status, Results[i]);
        CHECK(!NT_SUCCESS(Status) || Values[i] == WordOf(2));
    }
}

TEST(View_page_that_several_processes_want_is_read_once)
{
    MI_FAULT_COUNTERS Before;

    Begin(TestSeed() | 1);
    CreateReaders();
    SectionPageOut();
    (void)SpaceRead(Va); /* the prototype PTEs are in memory */
    Before = MiFaultCounters;
    RunReaders(STATUS_SUCCESS);
    CHECK_EQUAL(Before.PagingFileReads + 1, MiFaultCounters.PagingFileReads);
    CHECK_EQUAL(Before.Collided + READERS - 1, MiFaultCounters.Collided);
    MiVerifyAll();
    EndReaders();
    End();
}

TEST(View_page_that_several_processes_want_fails_for_all_of_them)
{
    Begin(TestSeed() | 1);
    CreateReaders();
    SectionPageOut();
    (void)SpaceRead(Va);
    IoDisk.FailAt[DiskRead] = 1;
    RunReaders(STATUS_IN_PAGE_ERROR);
    MiVerifyAll();
    RunReaders(STATUS_SUCCESS);
    EndReaders();
    End();
}

TEST(View_prototype_PTEs_that_several_processes_want_come_once_for_all)
{
    Begin(TestSeed() | 1);
    CreateReaders();
    PrototypesOut();
    RunReaders(STATUS_SUCCESS);
    MiVerifyAll();
    EndReaders();
    End();
}

/* One process ends, with the last reference, while another one waits for its page. */
static void Remover(PVOID Context)
{
    (void)Context;
    PsTerminateProcess(Readers[1]);
    ObDereferenceObject(Section);
    CHECK_EQUAL(STATUS_SUCCESS, MmUnmapViewOfSection(Readers[0], (PVOID)Va));
}

TEST(View_that_is_unmapped_under_a_fault_that_waits_is_a_violation)
{
    ULONG i;

    Begin(TestSeed() | 1);
    CreateReaders();
    for (i = 2; i < READERS; i++) {
        PsTerminateProcess(Readers[i]);
        PsDereferenceProcess(Readers[i]);
    }
    PrototypesOut();
    SectionUnmap(Va);
    HostThreadCreate(Reader, (PVOID)0);
    HostThreadCreate(Remover, NULL);
    HostRunThreads();
    CHECK(Results[0] == STATUS_ACCESS_VIOLATION ||
          (Results[0] == STATUS_SUCCESS && Values[0] == WordOf(2)));
    CHECK_EQUAL(0, MiSharedCommit);
    MiVerifyAll();
    PsTerminateProcess(Readers[0]);
    PsDereferenceProcess(Readers[0]);
    PsDereferenceProcess(Readers[1]);
    PagedEnd();
}

/* ---- step by step ---- */

static ULONG PageShares(void)
{
    return MI_PFN(MiTableFrame(Section->Segment->PrototypePte))->u2.ShareCount;
}

/* One look at a fault on the page, and what remains to be done then. */
static NTSTATUS LookOnce(PMI_USER_FAULT Fault)
{
    NTSTATUS Status;

    MiLockAddressSpace(Fault->Process);
    Fault->Vad = MiFindVad(Fault->Process, (ULONG)(Fault->Va >> PAGE_SHIFT));
    Fault->Protection = MM_READWRITE;
    Status = MiUserView(Fault);
    MiUnlockAddressSpace(Fault->Process);
    return MiEndFaultTry(&Fault->Read, Status);
}

static void Evict(void)
{
    (void)MmTrimAllSystemPageableMemory(FALSE);
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    (void)MiReuseStandbyFrames();
}

TEST(View_fault_keeps_prototype_PTEs_until_it_has_looked_at_them)
{
    MI_USER_FAULT Fault = {.Read = MiMakeFaultRead()};
    ULONG References;

    Begin(0);
    Fault.Process = PagedProcess();
    Fault.Va = Va + 2 * PAGE_SIZE;
    PrototypesOut();
    References = Section->Segment->ControlArea->NumberOfSectionReferences;
    CHECK_EQUAL(STATUS_RETRY, LookOnce(&Fault)); /* brings them */
    CHECK(Fault.Read.Pinned);
    Evict();
    CHECK(ArePrototypesThere());
    CHECK_EQUAL(References + 1, Section->Segment->ControlArea->NumberOfSectionReferences);
    CHECK_EQUAL(STATUS_RETRY, LookOnce(&Fault)); /* reads the page */
    CHECK(!Fault.Read.Pinned && Fault.Read.Held != MI_NO_FRAME);
    CHECK_EQUAL(2, PageShares()); /* its own, and that of the page that is there */
    CHECK_EQUAL(References, Section->Segment->ControlArea->NumberOfSectionReferences);
    Evict();
    CHECK_EQUAL(STATUS_SUCCESS, LookOnce(&Fault)); /* maps it */
    CHECK_EQUAL(MI_NO_FRAME, Fault.Read.Held);
    CHECK_EQUAL(WordOf(2), SpaceRead(Fault.Va));
    MiVerifyAll();
    End();
}

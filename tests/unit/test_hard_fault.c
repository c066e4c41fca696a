/* SPDX-License-Identifier: MIT */
/*
 * test_hard_fault.c - pages that come back from the paging file: whole or not at all.
 */
#include "mm/fault/fault_read.h"
#include "mm/paging/modified_writer.h"
#include "mm/paging/slots.h"
#include "mm/space/prototype_pte.h"
#include "mm/sysva/system_pages.h"
#include "tests/unit/section_world.h"

#include <stdio.h>
#include <string.h>

#define RW PAGE_READWRITE

static BOOLEAN AreWhole(ULONG_PTR Va, ULONG Pages)
{
    ULONG i;

    for (i = 0; i < Pages; i++) {
        if (!PagedIsWhole(Va + i * PAGE_SIZE)) {
            return FALSE;
        }
    }
    return TRUE;
}

TEST(Hard_fault_brings_a_page_back_with_its_contents)
{
    MI_FAULT_COUNTERS Before;
    ULONG_PTR Va;
    ULONG Used;

    PagedBegin(0);
    Va = PagedAllocate(1);
    PagedOut(Va, 1);
    Used = MmPagingFile[0]->CurrentUsage;
    Before = MiFaultCounters;
    CHECK(PagedIsWhole(Va));
    CHECK_EQUAL(MiPteValid, PagedKind(Va));
    CHECK_EQUAL(Before.PagingFileReads + 1, MiFaultCounters.PagingFileReads);
    CHECK_EQUAL(Before.PagesRead + 1, MiFaultCounters.PagesRead);
    CHECK_EQUAL(Before.Transition, MiFaultCounters.Transition);
    CHECK_EQUAL(Before.InPageErrors, MiFaultCounters.InPageErrors);
    CHECK_EQUAL(Used, MmPagingFile[0]->CurrentUsage); /* it is clean: the slot is still its own */
    MiVerifyAll();
    PagedEnd();
}

TEST(Hard_fault_reads_the_neighbours_whose_slots_are_neighbours_too)
{
    MI_FAULT_COUNTERS Before;
    ULONG_PTR Va;
    ULONG i;

    PagedBegin(0);
    Va = PagedAllocate(20);
    PagedOut(Va, 20);
    CHECK(PagedIsWhole(Va + 3 * PAGE_SIZE));
    Before = MiFaultCounters;
    CHECK(PagedIsWhole(Va + 4 * PAGE_SIZE)); /* 4 to 11 */
    CHECK_EQUAL(Before.PagesRead + 8, MiFaultCounters.PagesRead);
    for (i = 0; i < 20; i++) {
        MI_PTE_KIND Kind = i < 3 || i > 11 ? MiPtePagefile : MiPteTransition;

        CHECK_EQUAL(i == 3 || i == 4 ? MiPteValid : Kind, PagedKind(Va + i * PAGE_SIZE));
    }
    CHECK(AreWhole(Va + 4 * PAGE_SIZE, 8)); /* softly */
    CHECK_EQUAL(Before.Transition + 7, MiFaultCounters.Transition);
    CHECK_EQUAL(Before.PagingFileReads + 1, MiFaultCounters.PagingFileReads);
    CHECK(PagedIsWhole(Va + 19 * PAGE_SIZE));
    Before = MiFaultCounters;
    CHECK(PagedIsWhole(Va + 18 * PAGE_SIZE)); /* 12 to 18: backwards */
    CHECK_EQUAL(Before.PagesRead + 7, MiFaultCounters.PagesRead);
    CHECK_EQUAL(MiPteTransition, PagedKind(Va + 12 * PAGE_SIZE));
    CHECK(AreWhole(Va, 20));
    MiVerifyAll();
    PagedEnd();
}

TEST(Hard_fault_reads_one_page_for_who_jumps_about)
{
    ULONG_PTR Va;
    ULONG Pages;
    ULONG i;

    PagedBegin(0);
    Va = PagedAllocate(20);
    PagedOut(Va, 20);
    for (i = 1; i < 20; i += 3) {
        Pages = MiFaultCounters.PagesRead;
        CHECK(PagedIsWhole(Va + i * PAGE_SIZE));
        CHECK_EQUAL(Pages + 1, MiFaultCounters.PagesRead);
        CHECK_EQUAL(MiPtePagefile, PagedKind(Va + (i - 1) * PAGE_SIZE));
    }
    CHECK(AreWhole(Va, 20));
    PagedEnd();
}

TEST(Hard_fault_looks_for_neighbours_in_memory_in_its_page_table_only)
{
    ULONG Pages;

    PagedBegin(0);
    SpaceAllocate(0x3F0000, 0x20000, MEM_COMMIT | MEM_RESERVE, RW);
    SpaceWrite(0x3FE000, 1);
    SpaceWrite(0x3FF000, 2);
    SpaceWrite(0x400000, 3);
    SpaceWrite(0x401000, 4);
    PagedOut(0x3FE000, 4);
    CHECK_EQUAL(3, SpaceRead(0x400000));
    Pages = MiFaultCounters.PagesRead;
    CHECK_EQUAL(2, SpaceRead(0x3FF000)); /* 0x400000 is in memory, but elsewhere */
    CHECK_EQUAL(Pages + 1, MiFaultCounters.PagesRead);
    PagedOut(0x400000, 1);
    Pages = MiFaultCounters.PagesRead;
    CHECK_EQUAL(3, SpaceRead(0x400000)); /* and the other way round */
    CHECK_EQUAL(Pages + 1, MiFaultCounters.PagesRead);
    PagedEnd();
}

TEST(Hard_fault_reads_no_neighbour_of_another_page_table_or_slot)
{
    ULONG_PTR Va;
    ULONG Pages;

    PagedBegin(0);
    Va = SpaceAllocate(0x3F0000, 0x20000, MEM_COMMIT | MEM_RESERVE, RW);
    SpaceWrite(0x3FF000, 1);
    SpaceWrite(0x400000, 2);
    PagedOut(0x3FF000, 2);
    Pages = MiFaultCounters.PagesRead;
    CHECK_EQUAL(1, SpaceRead(0x3FF000));
    CHECK_EQUAL(Pages + 1, MiFaultCounters.PagesRead);
    SpaceWrite(Va, 3);
    SpaceWrite(Va + PAGE_SIZE, 4);
    PagedOut(Va + PAGE_SIZE, 1); /* slots the other way round */
    PagedOut(Va, 1);
    CHECK_EQUAL(3, SpaceRead(Va));
    CHECK_EQUAL(Pages + 2, MiFaultCounters.PagesRead);
    CHECK_EQUAL(MiPtePagefile, PagedKind(Va + PAGE_SIZE));
    PagedEnd();
}

TEST(Hard_fault_keeps_the_protection)
{
    ULONG_PTR Va;
    ULONG Value;

    PagedBegin(0);
    Va = PagedAllocate(3);
    SpaceProtect(Va, 1, PAGE_READONLY);
    PagedOut(Va, 3);
    SpaceProtect(Va + PAGE_SIZE, 1, PAGE_NOACCESS);
    SpaceProtect(Va + 2 * PAGE_SIZE, 1, RW | PAGE_GUARD);
    CHECK(PagedIsWhole(Va));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryWrite(Va, 1));
    CHECK_EQUAL(STATUS_ACCESS_VIOLATION, SpaceTryRead(Va + PAGE_SIZE, &Value));
    CHECK_EQUAL(STATUS_GUARD_PAGE_VIOLATION, SpaceTryRead(Va + 2 * PAGE_SIZE, &Value));
    SpaceProtect(Va + PAGE_SIZE, 1, RW);
    CHECK(AreWhole(Va, 3));
    MiVerifyAll();
    PagedEnd();
}

TEST(Hard_fault_for_a_write_makes_the_slot_stale_when_the_page_is_taken_away)
{
    ULONG_PTR Va;
    ULONG Free;

    PagedBegin(0);
    Va = PagedAllocate(1);
    PagedOut(Va, 1);
    Free = MmPagingFile[0]->FreeSpace;
    SpaceWrite(Va, 77);
    SpaceProtect(Va, 1, PAGE_NOACCESS); /* Dirty moves to the frame */
    CHECK_EQUAL(Free + 1, MmPagingFile[0]->FreeSpace);
    SpaceProtect(Va, 1, RW);
    CHECK_EQUAL(77, SpaceRead(Va));
    PagedOut(Va, 1);
    CHECK_EQUAL(77, SpaceRead(Va));
    PagedEnd();
}

/* ---- pages that do not come back ---- */

TEST(Hard_fault_that_the_disk_fails_is_an_in_page_error_once)
{
    MI_FAULT_COUNTERS Before;
    ULONG_PTR Va;
    ULONG Value;
    MMPTE Pte;

    PagedBegin(0);
    Va = PagedAllocate(1);
    PagedOut(Va, 1);
    Pte = PagedPte(Va);
    Before = MiFaultCounters;
    IoDisk.FailAt[DiskRead] = 1;
    CHECK_EQUAL(STATUS_IN_PAGE_ERROR, SpaceTryRead(Va, &Value));
    CHECK_EQUAL(Before.InPageErrors + 1, MiFaultCounters.InPageErrors);
    CHECK_EQUAL(Pte.Long, PagedPte(Va).Long);
    CHECK_EQUAL(1, MiInPageCounters.Failed);
    MiVerifyAll();
    CHECK(PagedIsWhole(Va));
    PagedEnd();
}

TEST(Hard_fault_whose_neighbours_fail_reads_the_page_alone)
{
    ULONG_PTR Va;
    ULONG Errors;

    PagedBegin(0);
    Va = PagedAllocate(8);
    PagedOut(Va, 8);
    CHECK(PagedIsWhole(Va));
    Errors = MiFaultCounters.InPageErrors;
    IoDisk.FailAt[DiskRead] = 1;
    IoDisk.Scramble = TRUE;
    CHECK(PagedIsWhole(Va + PAGE_SIZE));
    CHECK_EQUAL(MiPtePagefile, PagedKind(Va + 2 * PAGE_SIZE));
    CHECK_EQUAL(Errors, MiFaultCounters.InPageErrors);
    MiVerifyAll();
    CHECK(AreWhole(Va, 8));
    PagedEnd();
}

TEST(Hard_fault_never_gives_a_page_with_another_checksum)
{
    ULONG_PTR Va;
    PUCHAR Place;
    ULONG Value;

    PagedBegin(0);
    Va = PagedAllocate(8);
    PagedOut(Va, 8);
    Place = PagedPlace(Va + 3 * PAGE_SIZE);
    Place[100] ^= 1;
    CHECK(PagedIsWhole(Va));
    CHECK(PagedIsWhole(Va + PAGE_SIZE)); /* 1 to 7 were read; one was not good */
    CHECK_EQUAL(MiPtePagefile, PagedKind(Va + 3 * PAGE_SIZE));
    CHECK_EQUAL(MiPteTransition, PagedKind(Va + 4 * PAGE_SIZE));
    CHECK_EQUAL(STATUS_IN_PAGE_ERROR, SpaceTryRead(Va + 3 * PAGE_SIZE, &Value));
    CHECK_EQUAL(STATUS_IN_PAGE_ERROR, SpaceTryWrite(Va + 3 * PAGE_SIZE, 1));
    CHECK_EQUAL(3, MiInPageCounters.WrongChecksums);
    Place[100] ^= 1;
    CHECK(AreWhole(Va, 8));
    PagedEnd();
}

TEST(Hard_fault_never_gives_a_torn_page)
{
    ULONG_PTR Va;
    PUCHAR Place;
    ULONG Value;

    PagedBegin(0);
    Va = PagedAllocate(1);
    PagedOut(Va, 1);
    Place = PagedPlace(Va);
    memset(Place + PAGE_SIZE / 2, 0, PAGE_SIZE / 2); /* the first half reached the disk */
    CHECK_EQUAL(STATUS_IN_PAGE_ERROR, SpaceTryRead(Va, &Value));
    CHECK_EQUAL(MiPtePagefile, PagedKind(Va));
    SpaceFree(Va, PAGE_SIZE, MEM_DECOMMIT);
    SpaceAllocate(Va, PAGE_SIZE, MEM_COMMIT, RW);
    CHECK_EQUAL(0, SpaceRead(Va));
    PagedEnd();
}

static void ReadWord(PVOID Va)
{
    (void)*(volatile ULONG *)Va;
}

TEST(Hard_fault_of_the_kernel_without_protection_stops_with_7A)
{
    HOST_BUGCHECK Stop;
    ULONG_PTR Va;
    MMPTE Pte;

    PagedBegin(0);
    Va = PagedAllocate(1);
    PagedOut(Va, 1);
    Pte = PagedPte(Va);
    IoDisk.FailAt[DiskRead] = 1;
    CHECK(HostCatchBugCheck(ReadWord, (PVOID)(Va + 12), &Stop));
    CHECK_EQUAL(KERNEL_DATA_INPAGE_ERROR, Stop.Code);
    CHECK_EQUAL((ULONG_PTR)MiGetPteAddress(Va), Stop.Parameter[0]);
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, (NTSTATUS)Stop.Parameter[1]);
    CHECK_EQUAL(Pte.Long, Stop.Parameter[2]);
    CHECK_EQUAL(Va + 12, Stop.Parameter[3]);
    CHECK(PagedIsWhole(Va));
    PagedEnd();
}

/* ---- what may fail while a page is read ---- */

/* Each: the n-th fails, or all from there on. */
static void Arm(ULONG What, ULONG Nth)
{
    MiFailFrameAllocation = What == 0 ? Nth : 0;
    MiFailInPageBlock = What == 1 ? Nth : 0;
    IoDisk.FailAt[DiskRead] = What == 2 ? Nth : 0;
    IoDisk.FailFrom = What == 3 ? Nth : 0;
}

TEST(Hard_fault_survives_each_single_failure_on_its_way)
{
    ULONG What;
    ULONG Nth;

    for (What = 0; What < 4; What++) {
        for (Nth = 1; Nth <= 10; Nth++) {
            NTSTATUS Status;
            ULONG_PTR Va;
            ULONG Value = 0;

            PagedBegin(0);
            Va = PagedAllocate(9);
            PagedOut(Va, 9);
            CHECK(PagedIsWhole(Va)); /* so that the next one is read with its neighbours */
            Va += PAGE_SIZE;
            Arm(What, Nth);
            Status = SpaceTryRead(Va, &Value);
            CHECK(Status == STATUS_SUCCESS || (What == 3 && Status == STATUS_IN_PAGE_ERROR));
            CHECK(Status != STATUS_SUCCESS || Value == PagedWord(Va));
            Arm(0, 0);
            MiVerifyAll();
            CHECK(AreWhole(Va, 8));
            PagedEnd();
        }
    }
}

static void GiveFrames(PVOID Context)
{
    LARGE_INTEGER Delay = {.QuadPart = -10000000};

    (void)Context;
    KeDelayExecutionThread(KernelMode, FALSE, &Delay);
    PagedGiveFrames();
}

TEST(Hard_fault_reads_one_page_while_memory_is_low_and_waits_when_there_is_none)
{
    ULONG_PTR Va;
    ULONG Pages;
    ULONG Waits;

    PagedBegin(0);
    Va = PagedAllocate(16);
    PagedOut(Va, 16);
    PagedTakeFrames(2);
    Pages = MiFaultCounters.PagesRead;
    CHECK(PagedIsWhole(Va));
    CHECK_EQUAL(Pages + 1, MiFaultCounters.PagesRead);
    CHECK(PagedIsWhole(Va + PAGE_SIZE));
    Waits = MiFaultCounters.MemoryWaits;
    HostThreadCreate(GiveFrames, NULL);
    CHECK(PagedIsWhole(Va + 8 * PAGE_SIZE));
    CHECK(MiFaultCounters.MemoryWaits > Waits);
    HostRunThreads();
    PagedEnd();
}

/* ---- pages that go out and come back, again and again ---- */

#define OWNERS    4u
#define OWN_PAGES 12u
#define STEPS     150u

static ULONG_PTR Shared;
static ULONG Expected[OWNERS * OWN_PAGES];
static ULONG Running;
static ULONG Failures;
static ULONG64 Random;

/* Once or twice, as a read may fail; a page that came is the one that was written. */
static void ReadBack(ULONG Page)
{
    ULONG Value = 0;
    ULONG Tries = 0;
    NTSTATUS Status;

    do {
        Status = SpaceTryRead(Shared + Page * PAGE_SIZE, &Value);
        Failures += Status == STATUS_IN_PAGE_ERROR;
    } while (Status == STATUS_IN_PAGE_ERROR && ++Tries < 20);
    CHECK_EQUAL(STATUS_SUCCESS, Status);
    CHECK_EQUAL(Expected[Page], Value);
}

/* The disk gets on only while nobody runs. */
static void Pause(void)
{
    LARGE_INTEGER Delay = {.QuadPart = -(LONGLONG)(TestRandom(&Random) % 3) * 1000};

    KeDelayExecutionThread(KernelMode, FALSE, &Delay);
}

/* Every OWNERS-th page is its own: neighbours are others'. */
static void Owner(PVOID Context)
{
    KAPC_STATE Home;
    ULONG Step;

    KeStackAttachProcess(&PagedProcess()->Pcb, &Home);
    for (Step = 0; Step < STEPS; Step++) {
        ULONG Page = TestRandom(&Random) % OWN_PAGES * OWNERS + (ULONG)(ULONG_PTR)Context;
        ULONG_PTR Va = Shared + Page * PAGE_SIZE;

        ReadBack(Page);
        Pause();
        switch (TestRandom(&Random) % 3) {
        case 0:
            if (NT_SUCCESS(SpaceTryWrite(Va, Step * 7 + Page))) {
                Expected[Page] = Step * 7 + Page;
            }
            break;
        default:
            SpaceProtect(Va, 1, PAGE_NOACCESS);
            SpaceProtect(Va, 1, RW);
            break;
        }
    }
    Running--;
    KeUnstackDetachProcess(&Home);
}

static void Pager(PVOID Context)
{
    ULONG Round = 0;

    (void)Context;
    while (Running != 0) {
        CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
        (void)MiReuseStandbyFrames();
        if (++Round % 16 == 0) {
            IoDisk.FailAt[DiskRead] = 2;
        }
        MiVerifyAll();
        Pause();
    }
}

TEST(Hard_faults_of_several_threads_find_what_each_has_written)
{
    ULONG Reads = MiFaultCounters.PagingFileReads;
    ULONG_PTR i;

    MmWorldNextUnforced(); /* a page of paged pool whose read fails would stop the machine */
    PagedBegin(TestSeed() | 1);
    Random = TestSeed();
    Failures = 0;
    Running = OWNERS;
    Shared = PagedAllocate(OWNERS * OWN_PAGES);
    for (i = 0; i < OWNERS * OWN_PAGES; i++) {
        Expected[i] = PagedWord(Shared + i * PAGE_SIZE);
    }
    for (i = 0; i < OWNERS; i++) {
        HostThreadCreate(Owner, (PVOID)i);
    }
    HostThreadCreate(Pager, NULL);
    HostRunThreads();
    IoDisk.FailAt[DiskRead] = 0;
    printf("# %u reads, %u failed accesses\n", (unsigned)(MiFaultCounters.PagingFileReads - Reads),
           (unsigned)Failures);
    CHECK(MiFaultCounters.PagingFileReads > Reads + 50);
    for (i = 0; i < OWNERS * OWN_PAGES; i++) {
        ReadBack((ULONG)i);
    }
    PagedEnd();
}

/* ---- the pin of a page of prototype PTEs, and the segment ---- */

static PSECTION Section;
static ULONG_PTR View;
static ULONG SharesInRest;
static ULONG SegmentsInRest;

static ULONG CountSegments(void)
{
    KIRQL OldIrql = MiLockPfn();
    PLIST_ENTRY Link;
    ULONG Count = 0;

    for (Link = MiControlAreas.Flink; Link != &MiControlAreas; Link = Link->Flink) {
        Count++;
    }
    MiUnlockPfn(OldIrql);
    return Count;
}

/* What a read does that was begun: meanwhile everybody else lets go of the section. */
static NTSTATUS RestOfARead(PMI_FAULT_READ Read)
{
    CHECK(!Read->Pinned); /* the next look may pin anew */
    SectionUnmap(View);
    ObDereferenceObject(Section);
    SegmentsInRest = CountSegments();
    SharesInRest = MI_PFN(MiTableFrame(Read->Prototype))->u2.ShareCount;
    return STATUS_RETRY;
}

TEST(Hard_fault_keeps_the_pin_and_the_segment_until_the_rest_is_done)
{
    MI_FAULT_READ Read = MiMakeFaultRead();
    ULONG Before;

    PagedBegin(0);
    Before = CountSegments(); /* physical memory's is always there */
    Section = SectionMake(2048, SEC_COMMIT, PAGE_READWRITE);
    View = SectionMap(Section, PAGE_READWRITE);
    CHECK_EQUAL(Before + 1, CountSegments());
    Read.Prototype = Section->Segment->PrototypePte;
    Read.ControlArea = Section->Segment->ControlArea;
    Read.Rest = RestOfARead;
    MiReferenceControlArea(Read.ControlArea);
    MiPinPrototype(Read.Prototype);
    Read.Pinned = TRUE;
    CHECK_EQUAL(STATUS_RETRY, MiEndFaultTry(&Read, STATUS_SUCCESS));
    CHECK_EQUAL(Before + 1, SegmentsInRest);
    CHECK_EQUAL(2, SharesInRest); /* its own, and the pin */
    CHECK_EQUAL(Before, CountSegments());
    CHECK_EQUAL(0, MiSharedCommit);
    MiVerifyAll();
    PagedEnd();
}

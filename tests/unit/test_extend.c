/* SPDX-License-Identifier: MIT */
/*
 * test_extend.c - mm/paging/extend.c: charges that make a paging file longer, together and alone;
 * full volumes, failing disks and allocations.
 */
#include "ex.h"
#include "mm/paging/modified_writer.h"
#include "mm/paging/slot_memory.h"
#include "mm/pfn/commit_growth.h"
#include "mm/pool/pool_inject.h"
#include "mm_machine.h"
#include "tests/unit/paging_world.h"
#include "tests/unit/section_world.h"

#include <string.h>

#define PAGES(Mb) ((Mb)*MI_PAGES_IN_MB)
#define LARGE_VOLUME                                                                               \
    {                                                                                              \
        512, 8, 16000                                                                              \
    } /* 62 MB */
#define BOUND 100u

static const SEED_FAT Large = LARGE_VOLUME;

static void Begin(const SEED_FAT *Fat, ULONG64 Seed, ULONG LeastMb, ULONG MostMb)
{
    IoWorldStart(Fat, Seed);
    MiForgetPagingFiles();
    CHECK_EQUAL(STATUS_SUCCESS, PagingWorldCreate("C:\\pagefile.sys", LeastMb, MostMb));
}

static void Start(const SEED_FAT *Fat, ULONG64 Seed, ULONG LeastMb, ULONG MostMb)
{
    Begin(Fat, Seed, LeastMb, MostMb);
    CHECK_EQUAL(STATUS_SUCCESS, MiStartFileGrowth());
    PagingWorldEnter();
}

static void Finish(void)
{
    PagingWorldLeave();
    MiStopFileGrowth();
    PagingWorldFinish();
}

static void Sleep(LONG Milliseconds)
{
    LARGE_INTEGER Time = {.QuadPart = -10000LL * Milliseconds};

    KeDelayExecutionThread(KernelMode, FALSE, &Time);
}

/* Pages that can be charged now, and those that a longer file allows besides. */
static ULONG Left(void)
{
    return MiCommit.Limit - MiCommit.Committed;
}

static ULONG MostLeft(void)
{
    return MiCommit.MaximumLimit - MiCommit.Committed;
}

static NTSTATUS Commit(ULONG Pages)
{
    return SpaceTryAllocate(0, Pages * PAGE_SIZE, MEM_COMMIT, PAGE_READWRITE);
}

/* ---- one file ---- */

TEST(Extending_a_paging_file_adds_slots_sectors_and_commit)
{
    PMMPAGING_FILE File;
    ULONG Limit;

    Begin(&Large, TestSeed(), 2, 12);
    File = MmPagingFile[0];
    Limit = MiCommit.Limit;
    CHECK_EQUAL(Limit + PAGES(10), MiCommit.MaximumLimit);
    CHECK_EQUAL(STATUS_SUCCESS, MiExtendPagingFile(File, PAGES(3)));
    CHECK_EQUAL(PAGES(5), File->Size);
    CHECK_EQUAL(PAGES(5) - 1, File->FreeSpace);
    CHECK_EQUAL(1, File->Runs);
    CHECK_EQUAL(MiChecksumPages(PAGES(5)), File->ChecksumPages);
    CHECK_EQUAL(Limit + PAGES(3), MiCommit.Limit);
    CHECK_EQUAL(Limit + PAGES(10), MiCommit.MaximumLimit);
    CHECK_EQUAL(STATUS_SUCCESS, MiExtendPagingFile(File, PAGES(7)));
    CHECK_EQUAL(MiCommit.MaximumLimit, MiCommit.Limit);
    MiVerifyPagingFiles();
    PagingWorldFinish(); /* commit is back, too */
    CHECK(MiCommit.Limit < Limit && MiCommit.Limit == MiCommit.MaximumLimit);
}

/* Pages in the new part, with the old part full. */
TEST(Pages_go_to_the_new_part_and_come_back)
{
    ULONG Count = PAGES(2);
    ULONG_PTR Va;
    ULONG i;

    Begin(&Large, TestSeed(), 1, 12);
    PagingWorldEnter();
    CHECK_EQUAL(STATUS_SUCCESS, MiExtendPagingFile(MmPagingFile[0], PAGES(4)));
    Va = PagingWorldPages(Count, 1000);
    PagingWorldTrim(Va, Count);
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    for (i = 0; i < Count; i++) {
        CHECK(PagingWorldIsStored(Va + i * PAGE_SIZE));
        CHECK_EQUAL(1000 + i, SpaceRead(Va + i * PAGE_SIZE));
    }
    PagingWorldLeave();
    PagingWorldFinish();
}

/* ---- charges ---- */

TEST(Charge_beyond_the_limit_makes_the_file_longer_and_succeeds)
{
    ULONG Limit;
    ULONG Want;

    Start(&Large, TestSeed(), 2, 40);
    Limit = MiCommit.Limit;
    Want = Left() + 1000;
    CHECK_EQUAL(STATUS_SUCCESS, Commit(Want));
    CHECK(MiCommit.Limit >= Limit + 1000);
    CHECK(!MiIsCommitmentTight(MiCommit.Committed, MiCommit.Limit)); /* and a tenth is left */
    CHECK_EQUAL(0, MmPagingFile[0]->Size % MI_PAGES_IN_MB);
    CHECK_EQUAL(1, MiGrowthFigures.Extensions);
    CHECK_EQUAL(MmPagingFile[0]->Size - PAGES(2), MiGrowthFigures.Pages);
    CHECK_EQUAL(0, MiCommit.Wanted); /* nobody asks twice */
    Finish();
}

TEST(Charge_up_to_the_largest_limit_succeeds_and_one_page_more_does_not)
{
    ULONG Most;

    Start(&Large, TestSeed(), 2, 20);
    Most = MostLeft() - 64; /* page tables, and what growing takes */
    CHECK_EQUAL(STATUS_COMMITMENT_LIMIT, Commit(Most + 65));
    CHECK_EQUAL(PAGES(2), MmPagingFile[0]->Size); /* it would not have helped */
    CHECK_EQUAL(STATUS_SUCCESS, Commit(Most));
    CHECK_EQUAL(PAGES(20), MmPagingFile[0]->Size);
    for (Most = 0; MiChargeCommitment(1); Most++) {
        continue; /* nothing is kept back */
    }
    CHECK_EQUAL(MiCommit.Limit, MiCommit.Committed);
    CHECK_EQUAL(STATUS_COMMITMENT_LIMIT, Commit(1));
    MiReturnCommitment(Most);
    Finish();
}

/* The pages alone fit. */
TEST(Charge_whose_page_tables_are_beyond_the_limit_makes_the_file_longer)
{
    ULONG Pages;

    Start(&Large, TestSeed(), 2, 40);
    Pages = Left() - MI_COMMIT_RESERVE;
    CHECK_EQUAL(STATUS_SUCCESS, Commit(Pages));
    CHECK(MmPagingFile[0]->Size > PAGES(2));
    Finish();
}

TEST(Process_waits_for_a_longer_file_to_have_its_directory)
{
    PEPROCESS Process = NULL;
    ULONG Taken;

    Start(&Large, TestSeed(), 2, 40);
    Taken = Left() - MI_COMMIT_RESERVE - 2;
    CHECK(MiChargeCommitment(Taken));
    CHECK_EQUAL(STATUS_SUCCESS, PsCreateProcess("waits", &Process));
    CHECK(MmPagingFile[0]->Size > PAGES(2));
    PsTerminateProcess(Process);
    PsDereferenceProcess(Process);
    MiReturnCommitment(Taken);
    Finish();
}

TEST(File_that_cannot_grow_refuses_at_once)
{
    Start(&Large, TestSeed(), 2, 2);
    CHECK_EQUAL(STATUS_COMMITMENT_LIMIT, Commit(Left() + 1));
    CHECK_EQUAL(0, MiGrowthFigures.Rounds);
    CHECK_EQUAL(STATUS_SUCCESS, Commit(Left() - 10));
    Finish();
}

TEST(Second_file_grows_when_the_first_has_its_largest_size)
{
    Start(&Large, TestSeed(), 1, 3);
    CHECK_EQUAL(STATUS_SUCCESS, PagingWorldCreate("C:\\second.sys", 1, 30));
    CHECK_EQUAL(STATUS_SUCCESS, Commit(Left() + PAGES(10)));
    CHECK_EQUAL(PAGES(3), MmPagingFile[0]->Size);
    CHECK(MmPagingFile[1]->Size >= PAGES(9));
    CHECK_EQUAL(2, MiGrowthFigures.Extensions);
    Finish();
}

TEST(Clone_beyond_the_limit_makes_the_file_longer)
{
    PEPROCESS Clone;

    Start(&Large, TestSeed(), 2, 50);
    CHECK_EQUAL(STATUS_SUCCESS, Commit(Left() / 3));
    CHECK_EQUAL(STATUS_SUCCESS, Commit(Left() - 200));
    CHECK_EQUAL(STATUS_SUCCESS, PsCloneProcess("clone", PsGetCurrentProcess(), &Clone));
    CHECK(MmPagingFile[0]->Size > PAGES(2));
    PsTerminateProcess(Clone);
    PsDereferenceProcess(Clone);
    Finish();
}

TEST(Protection_that_is_charged_beyond_the_limit_makes_the_file_longer)
{
    PSECTION Section;
    ULONG_PTR Va;

    Start(&Large, TestSeed(), 2, 50);
    Section = SectionMake(PAGES(4), SEC_RESERVE, PAGE_READWRITE);
    Va = SectionMap(Section, PAGE_READONLY);
    CHECK_EQUAL(Va, SpaceAllocate(Va, PAGES(1) * PAGE_SIZE, MEM_COMMIT, PAGE_READONLY));
    CHECK_EQUAL(STATUS_SUCCESS, Commit(Left() - MI_COMMIT_RESERVE - 100));
    CHECK_EQUAL(PAGE_READONLY, SpaceProtect(Va, PAGES(1) * PAGE_SIZE, PAGE_WRITECOPY));
    CHECK(MmPagingFile[0]->Size > PAGES(2));
    SectionUnmap(Va);
    ObDereferenceObject(Section);
    Finish();
}

/* ---- together ---- */

#define THREADS 5u

static NTSTATUS Results[THREADS];
static ULONG Ended;

static void CommitInAThread(PVOID Context)
{
    NTSTATUS *Result = Context;
    KAPC_STATE Home;
    PEPROCESS Process;

    CHECK_EQUAL(STATUS_SUCCESS, PsCreateProcess("thread", &Process));
    KeStackAttachProcess(&Process->Pcb, &Home);
    *Result = Commit(PAGES(3));
    KeUnstackDetachProcess(&Home);
    PsTerminateProcess(Process);
    PsDereferenceProcess(Process);
    Ended++;
}

TEST(Charges_that_are_refused_together_share_extensions)
{
    ULONG i;

    Start(&Large, TestSeed(), 2, 50);
    HostSetPreemption(5);
    CHECK_EQUAL(STATUS_SUCCESS, Commit(Left() - MI_COMMIT_RESERVE - 300));
    Ended = 0;
    for (i = 0; i < THREADS; i++) {
        HostThreadCreate(CommitInAThread, &Results[i]);
    }
    while (Ended < THREADS) {
        Sleep(10);
    }
    HostSetPreemption(0);
    for (i = 0; i < THREADS; i++) {
        CHECK_EQUAL(STATUS_SUCCESS, Results[i]);
    }
    CHECK(MiGrowthFigures.Extensions >= 1 && MiGrowthFigures.Extensions <= THREADS);
    Finish();
}

/* ---- ahead of time, and for slots ---- */

TEST(File_grows_ahead_of_time_when_nine_tenths_are_committed)
{
    ULONG Limit;

    Start(&Large, TestSeed(), 2, 40);
    Limit = MiCommit.Limit;
    CHECK_EQUAL(STATUS_SUCCESS, Commit(Left() / 2));
    MiCheckCommitment();
    Sleep(500);
    CHECK_EQUAL(Limit, MiCommit.Limit);
    CHECK_EQUAL(STATUS_SUCCESS, Commit(Left() - Limit / 20));
    CHECK_EQUAL(Limit, MiCommit.Limit); /* nobody had to wait */
    MiCheckCommitment();
    Sleep(500);
    CHECK(MiCommit.Limit > Limit && !MiIsCommitmentTight(MiCommit.Committed, MiCommit.Limit));
    Finish();
}

TEST(File_grows_for_a_charge_that_could_not_wait)
{
    Start(&Large, TestSeed(), 2, 40);
    CHECK_EQUAL(STATUS_SUCCESS, Commit(Left() - MI_COMMIT_RESERVE - 100));
    CHECK(!MiChargeCommitment(500));
    CHECK_EQUAL(500, MiCommit.Wanted);
    MiCheckCommitment();
    Sleep(500);
    CHECK(MiChargeCommitment(500));
    MiReturnCommitment(500);
    Finish();
}

TEST(File_grows_by_a_megabyte_when_the_writer_finds_no_slot)
{
    ULONG_PTR Va;

    Start(&Large, TestSeed(), 1, 8);
    Va = PagingWorldPages(PAGES(1) + 50, 7);
    PagingWorldTrim(Va, PAGES(1) + 50);
    CHECK_EQUAL(STATUS_DISK_FULL, MiFlushModifiedPages()); /* not this time: it does not wait */
    CHECK_EQUAL(1, MiWriterFigures.NoSlots);
    Sleep(500);
    CHECK_EQUAL(PAGES(2), MmPagingFile[0]->Size);
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    CHECK(PagingWorldIsStored(Va + (PAGES(1) + 20) * PAGE_SIZE));
    Finish();
}

/* ---- what cannot be had ---- */

TEST(Full_volume_refuses_the_charge_and_serves_a_smaller_one)
{
    ULONG Reads;

    Start(&IoWorldFat16, TestSeed(), 2, 64); /* 8 MB */
    CHECK_EQUAL(STATUS_COMMITMENT_LIMIT, Commit(Left() + PAGES(20)));
    CHECK_EQUAL(PAGES(2), MmPagingFile[0]->Size);
    CHECK_EQUAL(STATUS_DISK_FULL, MmPagingFile[0]->GrowthStatus);
    CHECK(!MmPagingFile[0]->CannotGrow);
    Reads = MiGrowthFigures.Rounds;
    MiCheckCommitment();
    Sleep(100);
    CHECK_EQUAL(Reads, MiGrowthFigures.Rounds); /* not each second */
    CHECK_EQUAL(STATUS_SUCCESS, Commit(Left() + PAGES(2)));
    CHECK(MmPagingFile[0]->Size >= PAGES(4));
    CHECK_EQUAL(STATUS_SUCCESS, MmPagingFile[0]->GrowthStatus);
    Finish();
}

TEST(Full_volume_gives_what_is_needed_where_it_has_not_the_tenth_besides)
{
    Start(&IoWorldFat16, TestSeed(), 2, 64);
    CHECK_EQUAL(STATUS_SUCCESS, Commit(Left() + PAGES(5) - MI_COMMIT_RESERVE - 20));
    CHECK_EQUAL(PAGES(7), MmPagingFile[0]->Size); /* of 8, and 2 would be the tenth */
    Finish();
}

/* Requests fail from the n-th on: the charge fails or not, the file never grows again. */
TEST(Failing_disk_refuses_the_charge_and_ends_growth)
{
    ULONG Request = 0;
    NTSTATUS Status;
    ULONG Size;

    do {
        Start(&Large, 0, 2, 40);
        IoDisk.FailFrom = ++Request;
        Status = Commit(Left() + 100);
        IoDisk.FailFrom = 0;
        CHECK(NT_SUCCESS(Status) || Status == STATUS_COMMITMENT_LIMIT);
        CHECK_EQUAL(!NT_SUCCESS(Status), MmPagingFile[0]->CannotGrow);
        Size = (ULONG)MmPagingFile[0]->Size;
        CHECK_EQUAL(!NT_SUCCESS(Status), Size == PAGES(2));
        if (!NT_SUCCESS(Status)) {
            CHECK_EQUAL(MiCommit.Limit, MiCommit.MaximumLimit);
            CHECK_EQUAL(STATUS_COMMITMENT_LIMIT, Commit(Left() + 100));
            CHECK_EQUAL(STATUS_SUCCESS, Commit(Left() - 10)); /* nothing is kept back */
        }
        MiVerifyPagingFiles();
        Finish();
    } while (!NT_SUCCESS(Status) && Request < BOUND);
    CHECK(Request > 10 && Request < BOUND);
}

/* Nothing else allocates: what is tried again works. */
TEST(Each_failing_allocation_is_tried_again)
{
    BOOLEAN Happened;
    ULONG Nth = 0;

    do {
        ULONG Limit;

        Start(&Large, 0, 2, 40);
        Limit = MiCommit.Limit;
        CHECK(!MiChargeCommitment(Left() + 100)); /* one that does not wait */
        MiFailPoolAllocation(++Nth);
        MiCheckCommitment();
        Sleep(500);
        Happened = MiPoolFailureHappened();
        MiFailPoolAllocation(0);
        CHECK(MiCommit.Limit > Limit);
        CHECK_EQUAL(STATUS_SUCCESS, MmPagingFile[0]->GrowthStatus);
        MiVerifyPagingFiles();
        Finish();
    } while (Happened && Nth < BOUND);
    CHECK(Nth > 4 && Nth < BOUND);
}

TEST(Growth_ends_with_the_machine_and_lets_nobody_wait_then)
{
    Start(&Large, TestSeed(), 2, 40);
    CHECK_EQUAL(STATUS_SUCCESS, Commit(Left() - MI_COMMIT_RESERVE - 100));
    HostThreadCreate(CommitInAThread, &Results[0]);
    MmShutdownPaging();
    Sleep(100);
    CHECK_EQUAL(STATUS_COMMITMENT_LIMIT, Results[0]);
    CHECK_EQUAL(STATUS_COMMITMENT_LIMIT, Commit(Left() + 1));
    CHECK_EQUAL(PAGES(2), MmPagingFile[0]->Size);
    PagingWorldLeave();
    PagingWorldFinish();
}

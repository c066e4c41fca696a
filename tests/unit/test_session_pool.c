/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/pool/session_pool.c and of faults on a session's paged pool: blocks of all sizes,
 * what is refused, what a wrong free is, and the way to the paging file and back.
 */
#include "ex.h"
#include "mm/balance/balance_set.h"
#include "mm/fault/fault.h"
#include "mm/paging/paging_file.h"
#include "mm/pool/pool.h"
#include "nt/bugcodes.h"
#include "tests/unit/session_world.h"
#include "verify.h"

#include <string.h>

#define TAG   0x73736553u
#define PAGES 16u

static void Scrap(void)
{
    HostMachineDelete();
    HostDiskDelete(&IoDisk);
    MiForgetPagingFiles();
}

TEST(SessionPool_has_blocks_of_all_sizes)
{
    static const SIZE_T Bytes[] = {0, 8, 100, 1024, 4080, 4081, 4096, 10000, 60000};
    PUCHAR Block[RTL_NUMBER_OF(Bytes)];
    BOOLEAN Quota;
    ULONG i;

    SessionBegin(0);
    for (i = 0; i < RTL_NUMBER_OF(Bytes); i++) {
        Block[i] = SessionAllocate(Bytes[i]);
        memset(Block[i], (int)i, Bytes[i]);
        CHECK(ExQueryPoolBlockSize(Block[i], &Quota) >= Bytes[i]);
    }
    MiVerifyAll();
    for (i = 0; i < RTL_NUMBER_OF(Bytes); i++) {
        CHECK(Bytes[i] == 0 || (Block[i][0] == i && Block[i][Bytes[i] - 1] == i));
        ExFreePoolWithTag(Block[i], i % 2 == 0 ? TAG : 0);
        MiVerifyAll();
    }
    SessionFinish();
}

TEST(SessionPool_cache_aligned_blocks_are)
{
    PVOID Block;

    SessionBegin(0);
    CHECK(SessionAllocate(8) != NULL);
    Block = ExAllocatePoolWithTag(PagedPoolCacheAlignedSession, 100, TAG);
    CHECK(Block != NULL && (ULONG_PTR)Block % 64 == 0);
    CHECK(MiIsInSessionPart(MiSessionPool, (ULONG_PTR)Block));
    ExFreePool(Block);
    ExFreePool((PVOID)(MiSessionRange(MiSessionPool).Start + 8));
    SessionFinish();
}

TEST(SessionPool_nonpaged_type_is_nonpaged_pool)
{
    PVOID Block;

    SessionBegin(0);
    Block = ExAllocatePoolWithTag(NonPagedPoolSession, 100, TAG);
    CHECK(Block != NULL && !MiIsSessionVa((ULONG_PTR)Block));
    SessionEnter(1);
    ExFreePoolWithTag(Block, TAG);
    SessionFinish();
}

TEST(SessionPool_has_nothing_for_a_thread_without_a_session)
{
    SessionBegin(0);
    SessionEnter(SESSIONS);
    CHECK(ExAllocatePoolWithTag(PagedPoolSession, 8, TAG) == NULL);
    CHECK(ExAllocatePoolWithTag(PagedPoolSession, 8192, TAG) == NULL);
    SessionFinish();
}

TEST(SessionPool_that_is_used_up_says_so)
{
    PVOID Blocks[4];
    ULONG i;

    SessionBegin(0);
    for (i = 0; i < 4; i++) {
        Blocks[i] = SessionAllocate(1024 * 1024);
    }
    CHECK(ExAllocatePoolWithTag(PagedPoolSession, 8, TAG) == NULL);
    CHECK(ExAllocatePoolWithTag(PagedPoolSession, 8192, TAG) == NULL);
    CHECK_EQUAL(1024, SessionSpace(0)->CommittedPages);
    SessionEnter(1);
    ExFreePool(SessionAllocate(8)); /* the other one has its own */
    SessionEnter(0);
    for (i = 0; i < 4; i++) {
        ExFreePool(Blocks[i]);
    }
    CHECK_EQUAL(0, SessionSpace(0)->CommittedPages);
    SessionFinish();
}

/* More tags than the table has entries share the last one. */
TEST(SessionPool_counts_tags_that_have_no_entry_together)
{
    PVOID Blocks[100];
    MI_SESSION_POOL_FIGURES Figures;
    ULONG i;

    SessionBegin(0);
    for (i = 0; i < RTL_NUMBER_OF(Blocks); i++) {
        Blocks[i] = ExAllocatePoolWithTag(PagedPoolSession, 8, 0x41414141u + i);
        CHECK(Blocks[i] != NULL);
    }
    MiQuerySessionPool(SessionSpace(0)->Pool, &Figures);
    CHECK_EQUAL(100, Figures.Allocations);
    CHECK_EQUAL(100 * 16, Figures.Bytes);
    CHECK_EQUAL(37, SessionSpace(0)->Pool->Tags[MI_SESSION_TAGS - 1].Use.Allocs);
    MiVerifyAll();
    for (i = 0; i < RTL_NUMBER_OF(Blocks); i++) {
        ExFreePoolWithTag(Blocks[i], 0x41414141u + i);
    }
    SessionFinish();
}

/* ---- wrong frees ---- */

static void Free(PVOID Block)
{
    ExFreePoolWithTag(Block, TAG);
}

static void ExpectBadCaller(ULONG Subcode, PVOID Block)
{
    HOST_BUGCHECK Stop;

    CHECK(HostCatchBugCheck(Free, Block, &Stop));
    CHECK_EQUAL(BAD_POOL_CALLER, Stop.Code);
    CHECK_EQUAL(Subcode, Stop.Parameter[0]);
    Scrap();
}

TEST(SessionPool_block_of_another_tag_is_bug_check_C2_A)
{
    SessionBegin(0);
    ExpectBadCaller(0xA, ExAllocatePoolWithTag(PagedPoolSession, 8, TAG + 1));
}

TEST(SessionPool_big_block_of_another_tag_is_bug_check_C2_A)
{
    SessionBegin(0);
    ExpectBadCaller(0xA, ExAllocatePoolWithTag(PagedPoolSession, 8192, TAG + 1));
}

TEST(SessionPool_page_that_is_free_is_bug_check_C2_50)
{
    PVOID Big;

    SessionBegin(0);
    Big = SessionAllocate(2 * PAGE_SIZE);
    ExFreePool(Big);
    ExpectBadCaller(0x50, Big);
}

TEST(SessionPool_block_freed_without_a_session_was_never_pool)
{
    PVOID Big;

    SessionBegin(0);
    Big = SessionAllocate(2 * PAGE_SIZE);
    SessionEnter(SESSIONS);
    ExpectBadCaller(0x43, Big);
}

TEST(SessionPool_middle_of_a_block_is_bug_check_C2_41286)
{
    PUCHAR Big;

    SessionBegin(0);
    Big = SessionAllocate(2 * PAGE_SIZE);
    ExpectBadCaller(0x41286, Big + PAGE_SIZE);
}

/* ---- pages ---- */

static PULONG Word(PVOID Block, ULONG Page)
{
    return (PULONG)Block + Page * PTE_PER_PAGE;
}

TEST(SessionPool_goes_to_the_paging_file_and_comes_back)
{
    PVOID Block[SESSIONS];
    ULONG Session;
    ULONG Page;

    SessionBegin(0);
    for (Session = 0; Session < SESSIONS; Session++) {
        SessionEnter(Session);
        Block[Session] = SessionAllocate(PAGES * PAGE_SIZE);
        for (Page = 0; Page < PAGES; Page++) {
            *Word(Block[Session], Page) = Session * 1000 + Page;
        }
        CHECK_EQUAL(PAGES, SessionSpace(Session)->ResidentPool);
        CHECK(!PagedPte((ULONG_PTR)Block[Session]).Hard.Global);
    }
    for (Session = 0; Session < SESSIONS; Session++) {
        SessionEnter(Session);
        SessionTrim();
        CHECK_EQUAL(0, SessionSpace(Session)->ResidentPool);
        CHECK_EQUAL(MiPteTransition, PagedKind((ULONG_PTR)Block[Session]));
        MiVerifyAll();
        SessionPageOut();
        CHECK_EQUAL(MiPtePagefile, PagedKind((ULONG_PTR)Block[Session]));
    }
    MiVerifyAll();
    for (Session = 0; Session < SESSIONS; Session++) {
        SessionEnter(Session);
        for (Page = 0; Page < PAGES; Page++) {
            CHECK_EQUAL(Session * 1000 + Page, *Word(Block[Session], Page));
        }
        MiVerifyAll();
        ExFreePoolWithTag(Block[Session], TAG);
    }
    SessionFinish();
}

/* Freed while out, and while in transition: slots and frames are back (SessionFinish). */
TEST(SessionPool_is_freed_wherever_its_pages_are)
{
    PVOID Out;
    PVOID Transition;

    SessionBegin(0);
    Out = SessionAllocate(PAGES * PAGE_SIZE);
    memset(Out, 1, PAGES * PAGE_SIZE);
    SessionPageOut();
    Transition = SessionAllocate(PAGES * PAGE_SIZE);
    memset(Transition, 2, PAGES * PAGE_SIZE);
    SessionTrim();
    ExFreePool(Transition);
    ExFreePool(Out);
    MiVerifyAll();
    SessionFinish();
}

TEST(SessionPool_faults_fail_one_by_one_and_succeed_in_the_end)
{
    ULONG What;
    PVOID Block;

    MmWorldNextUnforced(); /* which faults there are is the point */
    SessionBegin(0);
    Block = SessionAllocate(PAGE_SIZE + 8);
    for (What = 0; What < 3; What++) {
        *Word(Block, 0) = 77 + What;
        SessionPageOut();
        PagedArm(What, 1);
        CHECK_EQUAL(77 + What, *Word(Block, 0)); /* the access is tried again */
        PagedArm(0, 0);
        MiVerifyAll();
    }
    ExFreePool(Block);
    SessionFinish();
}

TEST(SessionPool_ages_and_is_trimmed_when_memory_is_short)
{
    PVOID Block;
    ULONG Page;
    ULONG i;

    MmWorldNextUnforced();
    SessionBegin(0);
    Block = SessionAllocate(4 * PAGES * PAGE_SIZE);
    for (Page = 0; Page < 4 * PAGES; Page++) {
        *Word(Block, Page) = Page;
    }
    SessionEnter(SESSIONS);
    (void)MmWorkingSetManager(TRUE); /* takes the Accessed bits */
    for (i = 0; i < 64; i++) {
        (void)MmWorkingSetManager(TRUE);
    }
    SessionEnter(0);
    CHECK_EQUAL(4 * PAGES, SessionSpace(0)->ResidentPool); /* old, and nobody wants them */
    CHECK(SessionSpace(0)->WorkingSet->EstimatedAvailable != 0);
    PagedTakeFrames(16);
    (void)MmWorkingSetManager(FALSE);
    PagedGiveFrames();
    CHECK(SessionSpace(0)->ResidentPool < 4 * PAGES);
    MiVerifyAll();
    for (Page = 0; Page < 4 * PAGES; Page++) {
        CHECK_EQUAL(Page, *Word(Block, Page));
    }
    ExFreePool(Block);
    SessionFinish();
}

static void Touch(PVOID Block)
{
    (void)*(volatile ULONG *)Block;
}

TEST(SessionPool_page_that_cannot_be_read_is_bug_check_7A)
{
    HOST_BUGCHECK Stop;
    PVOID Block;

    MmWorldNextUnforced();
    SessionBegin(0);
    Block = SessionAllocate(PAGE_SIZE + 8);
    *Word(Block, 0) = 1;
    SessionPageOut();
    PagedArm(3, 1);
    CHECK(HostCatchBugCheck(Touch, Block, &Stop));
    CHECK_EQUAL(KERNEL_DATA_INPAGE_ERROR, Stop.Code);
    CHECK_EQUAL((ULONG_PTR)MiGetPteAddress((ULONG_PTR)Block), Stop.Parameter[0]);
    CHECK_EQUAL((ULONG_PTR)Block, Stop.Parameter[3]);
    Scrap();
}

/* SPDX-License-Identifier: MIT */
/*
 * test_paged_page.c - a page of paged pool through its states, and freed in each of them.
 *
 * What a paging file would do (a slot for what is written, and its release) is done here, so that
 * each state can be had when it is wanted.
 */
#include "mm/pool/paged_page.h"

#include "ex.h"
#include "mm.h"
#include "mm/fault/fault.h"
#include "mm/pfn/pfn_inspect.h"
#include "mm/pfn/pfn_list.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/pool/pool.h"
#include "mm/sysva/layout.h"
#include "mm/sysva/pte_kind.h"
#include "nt/bugcodes.h"
#include "tests/unit/mm_world.h"
#include "verify.h"

#define FRAMES 4096u
#define TAG    0x74736554u
#define SLOT   77u

static ULONG Released;  /* slots */
static ULONG LastSlot;  /* that was released */
static PUCHAR Page;     /* a block of one page */
static ULONG Available; /* pages, before the block was touched */
static ULONG Committed; /* pages, before it was allocated */

static void Release(MMPTE Software)
{
    Released++;
    LastSlot = MiPteSlot(Software);
}

static MI_PFN_COUNTERS Counters(void)
{
    MI_PFN_COUNTERS Now;

    MiQueryPfnCounters(&Now);
    return Now;
}

/* A page that nobody touched yet.  The pool's page tables are there. */
static void Start(void)
{
    MmWorldStart(FRAMES);
    Released = 0;
    MiSetReleaseSlotRoutine(Release);
    ExFreePoolWithTag(ExAllocatePoolWithTag(PagedPool, PAGE_SIZE, TAG), TAG);
    Committed = Counters().Commit.Committed;
    Page = ExAllocatePoolWithTag(PagedPool, PAGE_SIZE, TAG);
    Available = Counters().AvailablePages;
}

static void Finish(void)
{
    MmWorldFinish();
}

static MMPTE Entry(void)
{
    return MiReadPte(MiGetPteAddress((ULONG_PTR)Page));
}

/* Valid pages of paged pool besides: whoever else has blocks there. */
static ULONG Others(void)
{
    ULONG_PTR Va = MiLayout.Region[MiRegionPagedPool].Start;
    ULONG_PTR End = Va + MiLayout.Region[MiRegionPagedPool].Bytes;
    ULONG Count = 0;

    for (; Va < End; Va += PAGE_SIZE) {
        Count += Va != (ULONG_PTR)Page && MmIsAddressValid((PVOID)Va);
    }
    return Count;
}

static PFN_NUMBER Frame(void)
{
    return Entry().Hard.PageFrameNumber;
}

static MMLISTS Place(PFN_NUMBER Number)
{
    return (MMLISTS)MI_PFN(Number)->u3.e1.PageLocation;
}

static void Write(UCHAR Value)
{
    *(volatile UCHAR *)Page = Value;
}

static UCHAR Read(void)
{
    return *(volatile UCHAR *)Page;
}

static void Trim(void)
{
    CHECK(MmTrimAllSystemPageableMemory(FALSE));
    CHECK_EQUAL(MiPteTransition, MiPteKind(Entry()));
    CHECK_EQUAL(Others(), MiSystemCacheWorkingSet.WorkingSetSize);
    CHECK_EQUAL(Others(), MiResidentPagedPool);
    MiVerifyAll();
}

/* What the writer does, in two steps. */
static PFN_NUMBER BeginWrite(void)
{
    PFN_NUMBER Number = Frame();
    KIRQL OldIrql = MiLockPfn();

    CHECK_EQUAL(ModifiedPageList, Place(Number));
    CHECK_EQUAL(STATUS_SUCCESS, MiReferenceFrame(Number));
    MI_PFN(Number)->u3.e1.Modified = 0;
    MI_PFN(Number)->u3.e1.WriteInProgress = 1;
    MiUnlockPfn(OldIrql);
    return Number;
}

static void EndWrite(PFN_NUMBER Number)
{
    KIRQL OldIrql = MiLockPfn();
    PMMPFN Pfn = MI_PFN(Number);

    Pfn->u3.e1.WriteInProgress = 0;
    if (Pfn->PteAddress != NULL && !Pfn->u3.e1.Modified) {
        Pfn->OriginalPte = MiMakePagefilePte(0, SLOT, MM_READWRITE);
    }
    MiDereferenceFrame(Number);
    MiUnlockPfn(OldIrql);
}

static void WriteOut(void)
{
    EndWrite(BeginWrite());
    CHECK_EQUAL(StandbyPageList, Place(Frame()));
    MiVerifyAll();
}

/* Take the frame of every page on standby. */
static void Reuse(void)
{
    CHECK(MmTrimAllSystemPageableMemory(TRUE));
    MiVerifyAll();
}

/* The block is freed: nothing is left of it. */
static void FreeAndCheck(ULONG Slots)
{
    ExFreePoolWithTag(Page, TAG);
    MiTrimPools();
    CHECK_EQUAL(MiPteZero, MiPteKind(Entry()));
    CHECK_EQUAL(Others(), MiResidentPagedPool);
    CHECK_EQUAL(Others(), MiSystemCacheWorkingSet.WorkingSetSize);
    CHECK_EQUAL(Committed, Counters().Commit.Committed);
    CHECK_EQUAL(Available, Counters().AvailablePages);
    CHECK_EQUAL(Slots, Released);
    Finish();
}

/* ---- changes of state ---- */

TEST(Paged_page_that_was_only_read_goes_to_standby_and_comes_back_with_its_frame)
{
    ULONG Soft;
    PFN_NUMBER Old;

    Start();
    CHECK_EQUAL(MiPteDemandZero, MiPteKind(Entry()));
    CHECK_EQUAL(0, Read());
    Old = Frame();
    CHECK_EQUAL(Others() + 1, MiSystemCacheWorkingSet.WorkingSetSize);
    Trim();
    CHECK_EQUAL(StandbyPageList, Place(Old));
    Soft = MiFaultCounters.Transition;
    CHECK_EQUAL(0, Read());
    CHECK_EQUAL(Soft + 1, MiFaultCounters.Transition);
    CHECK_EQUAL(Old, Frame());
    CHECK_EQUAL(Others() + 1, MiResidentPagedPool);
    FreeAndCheck(0);
}

TEST(Paged_page_that_was_written_to_goes_to_the_modified_list)
{
    Start();
    Write(7);
    Trim();
    CHECK_EQUAL(ModifiedPageList, Place(Frame()));
    CHECK_EQUAL(7, Read());
    Trim();
    CHECK_EQUAL(ModifiedPageList, Place(Frame())); /* it is still in no slot */
    FreeAndCheck(0);
}

TEST(Paged_page_that_was_never_written_to_is_made_again_when_its_frame_is_reused)
{
    Start();
    CHECK_EQUAL(0, Read());
    Trim();
    Reuse();
    CHECK_EQUAL(MiPteDemandZero, MiPteKind(Entry()));
    CHECK_EQUAL(Available, Counters().AvailablePages);
    CHECK_EQUAL(0, Read());
    FreeAndCheck(0);
}

TEST(Paged_page_in_its_slot_is_paged_out_when_its_frame_is_reused)
{
    Start();
    Write(7);
    Trim();
    WriteOut();
    Reuse();
    CHECK_EQUAL(MiPtePagefile, MiPteKind(Entry()));
    CHECK_EQUAL(SLOT, MiPteSlot(Entry()));
    CHECK_EQUAL(MM_READWRITE, MiSoftwareProtection(Entry()));
    CHECK_EQUAL(Available, Counters().AvailablePages);
    FreeAndCheck(1);
    CHECK_EQUAL(SLOT, LastSlot);
}

TEST(Paged_page_keeps_its_slot_until_it_is_written_to_again)
{
    Start();
    Write(7);
    Trim();
    WriteOut();
    CHECK_EQUAL(7, Read());
    Trim();
    CHECK_EQUAL(StandbyPageList, Place(Frame()));
    CHECK_EQUAL(0, Released);
    Write(8);
    Trim();
    CHECK_EQUAL(ModifiedPageList, Place(Frame()));
    CHECK_EQUAL(1, Released);
    CHECK_EQUAL(8, Read());
    FreeAndCheck(1);
}

TEST(Paged_page_comes_back_while_it_is_written_and_can_be_trimmed_again)
{
    PFN_NUMBER Number;

    Start();
    Write(7);
    Trim();
    Number = BeginWrite();
    CHECK_EQUAL(7, Read());
    CHECK_EQUAL(Number, Frame());
    Trim();
    CHECK_EQUAL(TransitionPage, Place(Number));
    EndWrite(Number);
    CHECK_EQUAL(StandbyPageList, Place(Number));
    FreeAndCheck(1);
}

TEST(Paged_page_that_is_locked_for_io_stays)
{
    PMDL Mdl;

    Start();
    Write(7);
    Mdl = IoAllocateMdl(Page, PAGE_SIZE, FALSE, FALSE, NULL);
    MmProbeAndLockPages(Mdl, KernelMode, IoWriteAccess);
    CHECK(MmTrimAllSystemPageableMemory(FALSE));
    CHECK(Entry().Hard.Valid);
    CHECK_EQUAL(Others() + 1, MiSystemCacheWorkingSet.WorkingSetSize);
    MmUnlockPages(Mdl);
    IoFreeMdl(Mdl);
    Trim();
    FreeAndCheck(0);
}

/* ---- freed in each state ---- */

TEST(Paged_page_freed_untouched_or_valid_leaves_nothing)
{
    Start();
    FreeAndCheck(0);
    Start();
    Write(7);
    FreeAndCheck(0);
}

TEST(Paged_page_freed_on_a_list_leaves_nothing)
{
    Start();
    (void)Read();
    Trim();
    FreeAndCheck(0);
    Start();
    Write(7);
    Trim();
    FreeAndCheck(0);
    Start();
    Write(7);
    Trim();
    WriteOut();
    FreeAndCheck(1);
}

TEST(Paged_page_freed_while_it_is_written_is_free_when_the_write_ends)
{
    PFN_NUMBER Number;

    Start();
    Write(7);
    Trim();
    Number = BeginWrite();
    ExFreePoolWithTag(Page, TAG);
    CHECK_EQUAL(TransitionPage, Place(Number));
    CHECK(MI_PFN(Number)->PteAddress == NULL);
    MiVerifyAll();
    EndWrite(Number);
    CHECK_EQUAL(FreePageList, Place(Number));
    CHECK_EQUAL(0, Released);
    CHECK_EQUAL(Available, Counters().AvailablePages);
    Finish();
}

TEST(Paged_page_freed_valid_while_it_is_written_is_free_when_the_write_ends)
{
    PFN_NUMBER Number;

    Start();
    Write(7);
    Trim();
    Number = BeginWrite();
    Write(8);
    ExFreePoolWithTag(Page, TAG);
    EndWrite(Number);
    CHECK_EQUAL(FreePageList, Place(Number));
    CHECK_EQUAL(Available, Counters().AvailablePages);
    Finish();
}

/* ---- what is wrong is found ---- */

static void VerifyAll(PVOID Context)
{
    (void)Context;
    MiVerifyAll();
}

TEST(Verify_finds_a_frame_in_transition_that_its_pte_does_not_remember)
{
    Start();
    Write(7);
    Trim();
    MiWritePte(MiGetPteAddress((ULONG_PTR)Page), MiMakeDemandZeroPte());
    HostExpectBugCheck(MEMORY_MANAGEMENT, VerifyAll, NULL);
    HostMachineDelete();
}

TEST(Verify_finds_a_page_of_paged_pool_outside_the_working_set)
{
    Start();
    Write(7);
    MiRemoveWsle(&MiSystemCacheWorkingSet, (ULONG_PTR)Page, Frame());
    HostExpectBugCheck(MEMORY_MANAGEMENT, VerifyAll, NULL);
    HostMachineDelete();
}

/* SPDX-License-Identifier: MIT */
/*
 * test_in_page.c - reads of pages, step by step, as whoever owns the pages makes them.
 */
#include "mm/paging/in_page.h"
#include "mm/paging/paging_file.h"

#include "mm/pfn/pfn_reference.h"
#include "mm/section/section.h"
#include "mm/space/clone_table.h"
#include "mm/space/prototype_pte.h"
#include "tests/unit/file_cache_world.h"
#include "tests/unit/paged_world.h"

static void Dereference(PFN_NUMBER Frame)
{
    KIRQL OldIrql = MiLockPfn();

    MiDereferenceFrame(Frame);
    MiUnlockPfn(OldIrql);
}

static PMI_IN_PAGE Begin(ULONG_PTR Va, ULONG Most)
{
    PMI_IN_PAGE Block = NULL;

    MiLockAddressSpace(PagedProcess());
    CHECK_EQUAL(STATUS_SUCCESS, MiBeginInPage(MiGetPteAddress(Va), Most, &Block));
    MiUnlockAddressSpace(PagedProcess());
    return Block;
}

TEST(In_page_makes_frames_that_are_being_read)
{
    PMI_IN_PAGE Block;
    PFN_NUMBER Frame;
    ULONG_PTR Va;
    PMMPFN Pfn;
    MMPTE Old;

    PagedBegin(0);
    Va = PagedAllocate(3);
    PagedOut(Va, 3);
    Old = PagedPte(Va + PAGE_SIZE);
    Block = Begin(Va + PAGE_SIZE, 8);
    CHECK_EQUAL(3, Block->Pages);
    CHECK_EQUAL(1, Block->Wanted);
    CHECK_EQUAL(MiPteTransition, PagedKind(Va + PAGE_SIZE));
    Pfn = MI_PFN(PagedPte(Va + PAGE_SIZE).Hard.PageFrameNumber);
    CHECK(Pfn->u3.e1.ReadInProgress && Pfn->u1.Event == &Block->Done);
    CHECK_EQUAL(TransitionPage, Pfn->u3.e1.PageLocation);
    CHECK_EQUAL(1, Pfn->u3.e2.ReferenceCount);
    CHECK_EQUAL(Old.Long, Pfn->OriginalPte.Long);
    MiVerifyAll();
    CHECK_EQUAL(STATUS_SUCCESS, MiFinishInPage(Block, &Frame));
    CHECK(Pfn == MI_PFN(Frame));
    CHECK(!Pfn->u3.e1.ReadInProgress);
    CHECK_EQUAL(StandbyPageList, MI_PFN(PagedPte(Va).Hard.PageFrameNumber)->u3.e1.PageLocation);
    CHECK_EQUAL(0, MiInPageCounters.InUse);
    Dereference(Frame);
    CHECK_EQUAL(StandbyPageList, Pfn->u3.e1.PageLocation);
    CHECK(PagedIsWhole(Va + PAGE_SIZE));
    PagedEnd();
}

TEST(In_page_takes_as_many_pages_as_it_may_and_has_frames_for)
{
    PMI_IN_PAGE Block;
    PFN_NUMBER Frame;
    ULONG_PTR Va;

    PagedBegin(0);
    Va = PagedAllocate(8);
    PagedOut(Va, 8);
    MiFailFrameAllocation = 4; /* three frames */
    Block = Begin(Va + 6 * PAGE_SIZE, 8);
    MiFailFrameAllocation = 0;
    CHECK_EQUAL(3, Block->Pages);
    CHECK_EQUAL(1, Block->Wanted); /* 5, 6, 7 */
    CHECK_EQUAL(STATUS_SUCCESS, MiFinishInPage(Block, &Frame));
    Dereference(Frame);
    Block = Begin(Va, 1);
    CHECK_EQUAL(1, Block->Pages);
    CHECK_EQUAL(STATUS_SUCCESS, MiFinishInPage(Block, &Frame));
    Dereference(Frame);
    PagedEnd();
}

TEST(In_page_without_a_frame_or_a_block_changes_nothing)
{
    PMI_IN_PAGE Block;
    ULONG_PTR Va;
    MMPTE Pte;
    ULONG Available;

    PagedBegin(0);
    Va = PagedAllocate(1);
    PagedOut(Va, 1);
    Pte = PagedPte(Va);
    Available = MiAvailablePages;
    MiLockAddressSpace(PagedProcess());
    MiFailFrameAllocation = 1;
    CHECK_EQUAL(STATUS_NO_MEMORY, MiBeginInPage(MiGetPteAddress(Va), 8, &Block));
    MiFailInPageBlock = 1;
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES, MiBeginInPage(MiGetPteAddress(Va), 8, &Block));
    MiUnlockAddressSpace(PagedProcess());
    CHECK_EQUAL(Pte.Long, PagedPte(Va).Long);
    CHECK_EQUAL(Available, MiAvailablePages);
    CHECK_EQUAL(0, MiInPageCounters.Reads);
    PagedEnd();
}

/* While no block is free nobody may be told that one is. */
TEST(In_page_has_its_blocks_and_no_more)
{
    PMI_IN_PAGE Begun[MI_IN_PAGE_BLOCKS];
    PMI_IN_PAGE None;
    PFN_NUMBER Frame;
    ULONG_PTR Va;
    ULONG i;

    PagedBegin(0);
    Va = PagedAllocate(MI_IN_PAGE_BLOCKS + 1);
    PagedOut(Va, MI_IN_PAGE_BLOCKS + 1);
    for (i = 0; i < MI_IN_PAGE_BLOCKS; i++) {
        Begun[i] = Begin(Va + i * PAGE_SIZE, 1);
    }
    MiVerifyInPage();
    CHECK_EQUAL(MI_IN_PAGE_BLOCKS, MiInPageCounters.InUse);
    MiLockAddressSpace(PagedProcess());
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES,
                MiBeginInPage(MiGetPteAddress(Va + MI_IN_PAGE_BLOCKS * PAGE_SIZE), 1, &None));
    MiUnlockAddressSpace(PagedProcess());
    for (i = 0; i < MI_IN_PAGE_BLOCKS; i++) {
        CHECK_EQUAL(STATUS_SUCCESS, MiFinishInPage(Begun[i], &Frame));
        Dereference(Frame);
        MiVerifyInPage();
    }
    MiWaitForInPage(); /* returns at once */
    for (i = 0; i <= MI_IN_PAGE_BLOCKS; i++) {
        CHECK(PagedIsWhole(Va + i * PAGE_SIZE));
    }
    PagedEnd();
}

TEST(In_page_of_a_page_that_is_deleted_meanwhile_frees_its_frame)
{
    PMI_IN_PAGE Block;
    PFN_NUMBER Frame;
    ULONG_PTR Va;
    ULONG Fails;

    for (Fails = 0; Fails < 2; Fails++) {
        PagedBegin(0);
        Va = PagedAllocate(1);
        PagedOut(Va, 1);
        Block = Begin(Va, 8);
        SpaceFree(Va, 0, MEM_RELEASE);
        CHECK_EQUAL(0, PagedProcess()->PageTables);
        MiVerifyAll();
        IoDisk.FailAt[DiskRead] = Fails;
        CHECK_EQUAL(STATUS_SUCCESS, MiFinishInPage(Block, &Frame));
        CHECK(MI_PFN(Frame)->PteAddress == NULL);
        CHECK_EQUAL(0, MiInPageCounters.Failed);
        Dereference(Frame);
        CHECK_EQUAL(FreePageList, MI_PFN(Frame)->u3.e1.PageLocation);
        PagedEnd();
    }
}

TEST(In_page_that_fails_gives_the_protection_of_now_back)
{
    PMI_IN_PAGE Block;
    PFN_NUMBER Frame;
    ULONG_PTR Va;
    MMPTE Pte;

    PagedBegin(0);
    Va = PagedAllocate(1);
    PagedOut(Va, 1);
    Pte = PagedPte(Va);
    Block = Begin(Va, 8);
    SpaceProtect(Va, 1, PAGE_READONLY);
    IoDisk.FailAt[DiskRead] = 1;
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, MiFinishInPage(Block, &Frame));
    CHECK_EQUAL(MiPteSlot(Pte), MiPteSlot(PagedPte(Va)));
    CHECK_EQUAL(MiPtePagefile, PagedKind(Va));
    CHECK(MiSoftwareProtection(Pte) != MiSoftwareProtection(PagedPte(Va)));
    MiVerifyAll();
    CHECK(PagedIsWhole(Va));
    PagedEnd();
}

TEST(In_page_of_several_pages_that_fails_says_so)
{
    PMI_IN_PAGE Block;
    PFN_NUMBER Frame;
    ULONG_PTR Va;
    KIRQL OldIrql;

    PagedBegin(0);
    Va = PagedAllocate(2);
    PagedOut(Va, 2);
    Block = Begin(Va, 8);
    OldIrql = MiLockPfn();
    CHECK(MiJoinInPage(PagedPte(Va).Hard.PageFrameNumber) == Block);
    MiUnlockPfn(OldIrql);
    Frame = PagedPte(Va).Hard.PageFrameNumber;
    IoDisk.FailAt[DiskRead] = 1;
    CHECK_EQUAL(STATUS_RETRY, MiFinishInPage(Block, &Frame));
    CHECK_EQUAL(1, MiInPageCounters.InUse); /* whoever waits still needs it */
    CHECK_EQUAL(STATUS_SUCCESS, MiWaitInPage(Block, Frame));
    CHECK_EQUAL(0, MiInPageCounters.InUse);
    CHECK_EQUAL(MiPtePagefile, PagedKind(Va));
    PagedEnd();
}

/* ---- damage that verify finds ---- */

static PMI_IN_PAGE Damaged;

static void Verify(PVOID Damage)
{
    ((void (*)(void))Damage)();
    MiVerifyInPage();
}

static void DamageEvent(void)
{
    MI_PFN(Damaged->Frames[0])->u1.Event = &Damaged->Transferred;
}

static void DamageFlag(void)
{
    MI_PFN(Damaged->Frames[0])->u3.e1.ReadInProgress = 0;
}

static void DamageOther(void)
{
    MI_PFN(HOST_DIRECTORY_FRAME)->u3.e1.ReadInProgress = 1;
}

static void DamageReferences(void)
{
    Damaged->References = 0;
}

static void DamageCount(void)
{
    MiInPageCounters.InUse--;
}

TEST(In_page_verify_finds_each_kind_of_damage)
{
    static void (*const Damages[])(void) = {DamageEvent, DamageFlag, DamageOther, DamageReferences,
                                            DamageCount};
    HOST_BUGCHECK Stop;
    ULONG_PTR Va;
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Damages); i++) {
        PagedBegin(0);
        Va = PagedAllocate(1);
        PagedOut(Va, 1);
        Damaged = Begin(Va, 1);
        MiVerifyInPage();
        if (!HostCatchBugCheck(Verify, (PVOID)Damages[i], &Stop)) {
            TestFail(__FILE__, __LINE__, "damage %u was not found", (unsigned)i);
        }
        HostMachineDelete();
        HostDiskDelete(&IoDisk);
        MiForgetPagingFiles();
    }
}

/* ---- of a file ---- */

TEST(In_page_keeps_a_files_neighbours_until_they_are_given_back)
{
    PFN_NUMBER Frame = MI_NO_FRAME;
    PMI_IN_PAGE Kept = NULL;
    PMI_IN_PAGE Block;
    PFILE_OBJECT File;
    KIRQL OldIrql;
    PMMPTE Proto;
    ULONG i;

    FcWorldStart(&IoWorldFat16, TestSeed());
    CHECK_EQUAL(STATUS_SUCCESS, FcWorldOpen("\\file", TRUE, &File));
    CHECK_EQUAL(STATUS_SUCCESS, IoWriteFile(File, 0, IoBuffer, 3 * PAGE_SIZE));
    CHECK_EQUAL(STATUS_SUCCESS, IoFlushFile(File));
    FcWorldTrim();
    Proto = MiSectionPrototype(File->SectionObjectPointer->DataSectionObject, 1);
    MiPinPrototype(Proto);
    ExAcquireFastMutex(&MiCloneReadMutex);
    CHECK_EQUAL(STATUS_SUCCESS, MiBeginInPage(Proto, 3, &Block));
    ExReleaseFastMutex(&MiCloneReadMutex);
    MiUnpinPrototype(Proto);
    CHECK_EQUAL(3, Block->Pages);
    CHECK_EQUAL(STATUS_SUCCESS, MiFinishInPageAndKeep(Block, &Frame, &Kept));
    CHECK(Kept == Block && Frame == Block->Frames[Block->Wanted]);
    for (i = 0; i < 3; i++) {
        CHECK_EQUAL(TransitionPage, MI_PFN(Block->Frames[i])->u3.e1.PageLocation);
        CHECK_EQUAL(1, MI_PFN(Block->Frames[i])->u3.e2.ReferenceCount);
    }
    CHECK_EQUAL(1, MiInPageCounters.InUse);
    MiVerifyAll();
    Dereference(Frame);
    OldIrql = MiLockPfn();
    MiReleaseInPage(Kept);
    MiUnlockPfn(OldIrql);
    CHECK_EQUAL(0, MiInPageCounters.InUse);
    for (i = 0; i < 3; i++) {
        CHECK_EQUAL(StandbyPageList, MI_PFN(Block->Frames[i])->u3.e1.PageLocation);
    }
    IoCloseFile(File);
    FcWorldFinish();
}

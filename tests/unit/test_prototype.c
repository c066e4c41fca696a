/* SPDX-License-Identifier: MIT */
/*
 * test_prototype.c - faults on pages whose PTE names a prototype PTE.
 */
#include "mm/space/shared_page.h"
#include "mm/ws/wsle.h"
#include "tests/unit/paged_world.h"

TEST(Prototype_fault_maps_the_frame_that_another_process_has)
{
    PEPROCESS Parent;
    PEPROCESS Child;
    PFN_NUMBER Frame;
    ULONG Maps;
    ULONG_PTR Va;

    SpaceStart();
    Parent = SpaceCurrent();
    Va = SpaceAllocate(0, PAGE_SIZE, MEM_COMMIT, PAGE_READWRITE);
    SpaceWrite(Va, 1);
    Frame = MiReadPte(MiGetPteAddress(Va)).Hard.PageFrameNumber;
    Child = SpaceClone(Parent);
    SpaceEnter(Child);
    Maps = MiFaultCounters.Prototype;
    MiFailWsleReservation = 1; /* the first try finds no room, and is made again */
    CHECK_EQUAL(1, SpaceRead(Va));
    CHECK_EQUAL(Maps + 2, MiFaultCounters.Prototype);
    CHECK_EQUAL(Frame, MiReadPte(MiGetPteAddress(Va)).Hard.PageFrameNumber);
    CHECK_EQUAL(2, Child->Vm.WorkingSetSize); /* with the page table */
    MiVerifyAll();
    SpaceFinish();
}

/* => A clone that PagedEnd knows nothing of. */
static PEPROCESS CloneOf(PEPROCESS Parent)
{
    PEPROCESS Child;

    CHECK_EQUAL(STATUS_SUCCESS, PsCloneProcess("clone", Parent, &Child));
    return Child;
}

static void End(PEPROCESS Process)
{
    PsTerminateProcess(Process);
    PsDereferenceProcess(Process);
}

TEST(Prototype_fault_reads_a_page_that_was_paged_out_once_for_all)
{
    KAPC_STATE ApcState;
    PEPROCESS Child;
    ULONG_PTR Va;
    ULONG Reads;

    PagedBegin(0);
    Va = PagedAllocate(3);
    PagedOut(Va, 3);
    Child = CloneOf(PagedProcess());
    CHECK_EQUAL(MiPtePrototype, PagedKind(Va));
    MiVerifyAll();
    Reads = MiFaultCounters.PagingFileReads;
    KeStackAttachProcess(&Child->Pcb, &ApcState);
    CHECK(PagedIsWhole(Va));
    SpaceWrite(Va + PAGE_SIZE, 0x99); /* read, and copied */
    CHECK_EQUAL(Reads + 2, MiFaultCounters.PagingFileReads);
    MiVerifyAll();
    KeUnstackDetachProcess(&ApcState);
    CHECK(PagedIsWhole(Va)); /* the frame is there by now */
    CHECK_EQUAL(PagedWord(Va + PAGE_SIZE), SpaceRead(Va + PAGE_SIZE));
    CHECK_EQUAL(Reads + 2, MiFaultCounters.PagingFileReads);
    End(Child);
    CHECK(PagedIsWhole(Va + 2 * PAGE_SIZE)); /* taken back, and read as any page */
    CHECK_EQUAL(Reads + 3, MiFaultCounters.PagingFileReads);
    MiVerifyAll();
    PagedEnd();
}

TEST(Prototype_page_in_the_file_gives_its_slot_back_with_the_last_process)
{
    PEPROCESS Child;
    ULONG_PTR Va;

    PagedBegin(0);
    Va = PagedAllocate(2);
    PagedOut(Va, 2);
    Child = CloneOf(PagedProcess());
    SpaceFree(Va, 0, MEM_RELEASE); /* the child alone has them now */
    MiVerifyAll();
    End(Child);
    PagedEnd(); /* all slots are free */
}

TEST(Prototype_fault_that_finds_no_block_or_frame_is_made_again)
{
    PEPROCESS Child;
    ULONG_PTR Va;

    PagedBegin(0);
    Va = PagedAllocate(2);
    PagedOut(Va, 2);
    Child = CloneOf(PagedProcess());
    MiFailInPageBlock = 1;
    CHECK(PagedIsWhole(Va));
    MiFailFrameAllocation = 1;
    CHECK(PagedIsWhole(Va + PAGE_SIZE));
    CHECK_EQUAL(0, MiFailInPageBlock);
    CHECK_EQUAL(0, MiFailFrameAllocation);
    MiVerifyAll();
    End(Child);
    PagedEnd();
}

TEST(Prototype_page_that_comes_back_different_is_an_in_page_error_in_both)
{
    KAPC_STATE ApcState;
    PEPROCESS Child;
    ULONG Value;
    ULONG_PTR Va;

    PagedBegin(0);
    Va = PagedAllocate(1);
    PagedOut(Va, 1);
    *PagedPlace(Va) ^= 1;
    Child = CloneOf(PagedProcess());
    CHECK_EQUAL(STATUS_IN_PAGE_ERROR, SpaceTryRead(Va, &Value));
    KeStackAttachProcess(&Child->Pcb, &ApcState);
    CHECK_EQUAL(STATUS_IN_PAGE_ERROR, SpaceTryRead(Va, &Value));
    KeUnstackDetachProcess(&ApcState);
    MiVerifyAll();
    End(Child);
    PagedEnd();
}

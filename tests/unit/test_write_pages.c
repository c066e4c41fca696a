/* SPDX-License-Identifier: MIT */
/*
 * test_write_pages.c - mm/paging/write_pages.c: pages in slots; used, changed, reset and deleted
 * while they are written; writes that fail once, now and then, always.
 */
#include "mm/paging/modified_writer.h"
#include "mm/pfn/pfn_list.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/sysva/pte_kind.h"
#include "ps.h"
#include "tests/unit/paging_world.h"
#include "tests/unit/space_world.h"

#define FILE_SLOTS (2 * MI_PAGES_IN_MB - 1)

static void Start(ULONG64 Seed)
{
    MmWorldNextUnforced();
    PagingWorldStartWith(Seed, 2, 2);
    PagingWorldEnter();
}

static void CheckSlots(ULONG Used, ULONG Bad)
{
    CHECK_EQUAL(Used, MmPagingFile[0]->CurrentUsage);
    CHECK_EQUAL(Bad, MmPagingFile[0]->BadSpace);
    CHECK_EQUAL(FILE_SLOTS - Used - Bad, MmPagingFile[0]->FreeSpace);
}

/* R12: what the process had is back. */
static void Finish(ULONG Bad)
{
    PagingWorldLeave();
    CheckSlots(0, Bad);
    CHECK_EQUAL(0, MiModifiedList.Total);
    PagingWorldFinish();
}

static void CheckContents(ULONG_PTR Va, ULONG Pages, ULONG First)
{
    ULONG Page;

    for (Page = 0; Page < Pages; Page++) {
        CHECK_EQUAL(First + Page, SpaceRead(Va + Page * PAGE_SIZE));
        CHECK_EQUAL(First + Page, SpaceRead(Va + Page * PAGE_SIZE + PAGE_SIZE - 256));
    }
}

/* ---- pages go to slots ---- */

TEST(Modified_pages_are_written_and_become_standby_pages_with_a_slot)
{
    ULONG_PTR Va;
    ULONG Page;

    Start(1);
    Va = PagingWorldPages(10, 100);
    PagingWorldTrim(Va, 10);
    CHECK_EQUAL(10, MiModifiedList.Total);
    CHECK_EQUAL(STATUS_SUCCESS, MiWriteModifiedPages());
    CHECK_EQUAL(0, MiModifiedList.Total);
    CHECK_EQUAL(STATUS_NO_MORE_ENTRIES, MiWriteModifiedPages());
    for (Page = 0; Page < 10; Page++) {
        CHECK(PagingWorldIsStored(Va + Page * PAGE_SIZE));
    }
    CheckSlots(10, 0);
    CHECK_EQUAL(1, MiWriterFigures.Writes);
    CHECK_EQUAL(10, MiWriterFigures.PagesWritten);
    CheckContents(Va, 10, 100);
    CheckSlots(10, 0); /* read only: the slots stay good */
    Finish(0);
}

TEST(Pages_that_lie_together_get_slots_that_lie_together)
{
    ULONG_PTR Va;
    ULONG Page;

    Start(1);
    Va = PagingWorldPages(8, 0);
    for (Page = 8; Page != 0; Page--) { /* trimmed in the other order */
        PagingWorldTrim(Va + (Page - 1) * PAGE_SIZE, 1);
    }
    CHECK_EQUAL(STATUS_SUCCESS, MiWriteModifiedPages());
    for (Page = 0; Page < 8; Page++) {
        CHECK_EQUAL(Page + 1,
                    MiPteSlot(MI_PFN(PagingWorldFrame(Va + Page * PAGE_SIZE))->OriginalPte));
    }
    Finish(0);
}

TEST(A_write_has_64_pages_at_most_and_those_of_low_priority_go_first)
{
    ULONG_PTR Va;
    ULONG Page;
    ULONG Stored = 0;

    Start(1);
    Va = PagingWorldPages(100, 7);
    PagingWorldTrim(Va, 90);
    PsGetCurrentProcess()->Vm.MemoryPriority = 1;
    PagingWorldTrim(Va + 90 * PAGE_SIZE, 10);
    CHECK_EQUAL(STATUS_SUCCESS, MiWriteModifiedPages());
    CHECK_EQUAL(36, MiModifiedList.Total);
    for (Page = 0; Page < 100; Page++) {
        BOOLEAN Written =
            MI_PFN(PagingWorldFrame(Va + Page * PAGE_SIZE))->u3.e1.PageLocation == StandbyPageList;

        CHECK_EQUAL(Page < 54 || Page >= 90, Written);
        Stored += Written;
    }
    CHECK_EQUAL(64, Stored);
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    CheckSlots(100, 0);
    CheckContents(Va, 100, 7);
    Finish(0);
}

TEST(A_page_that_is_written_again_gives_its_slot_back)
{
    ULONG_PTR Va;

    Start(1);
    Va = PagingWorldPages(3, 5);
    PagingWorldTrim(Va, 3);
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    SpaceWrite(Va, 55);
    PagingWorldTrim(Va, 3);
    CheckSlots(2, 0);
    CHECK_EQUAL(1, MiModifiedList.Total);
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    CheckSlots(3, 0);
    CHECK(PagingWorldIsStored(Va));
    CHECK_EQUAL(55, SpaceRead(Va));
    Finish(0);
}

TEST(Nothing_is_written_while_no_slot_is_free_and_pages_in_use_give_theirs)
{
    ULONG_PTR Va;
    ULONG_PTR More;

    Start(1);
    Va = PagingWorldPages(FILE_SLOTS, 0);
    PagingWorldTrim(Va, FILE_SLOTS);
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    CheckSlots(FILE_SLOTS, 0);
    More = PagingWorldPages(4, 9000);
    PagingWorldTrim(More, 4);
    CHECK_EQUAL(STATUS_DISK_FULL, MiFlushModifiedPages());
    CHECK_EQUAL(4, MiModifiedList.Total);
    CHECK_EQUAL(1, MiWriterFigures.NoSlots);
    CheckContents(Va, 30, 0); /* in use again, with slots that they can do without */
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    CHECK_EQUAL(30, MiWriterFigures.Reclaimed);
    CheckSlots(FILE_SLOTS - 26, 0);
    CHECK(PagingWorldIsStored(More));
    CheckContents(Va, FILE_SLOTS, 0);
    CheckContents(More, 4, 9000);
    Finish(0);
}

/* ---- owners that do not wait ---- */

static KEVENT Written;
static NTSTATUS WriteStatus;

static void NTAPI Writer(PVOID Context)
{
    (void)Context;
    WriteStatus = MiWriteModifiedPages();
    KeSetEvent(&Written, 0, FALSE);
}

/* A write is under way when this returns: the writer has the higher priority, and waits. */
static void BeginWrite(void)
{
    KeInitializeEvent(&Written, NotificationEvent, FALSE);
    CHECK_EQUAL(STATUS_SUCCESS, PsStartSystemThread(Writer, NULL, 17, "writer"));
    CHECK_EQUAL(0, KeReadStateEvent(&Written));
    CHECK_EQUAL(0, MiModifiedList.Total);
}

static void EndWrite(NTSTATUS Expected)
{
    KeWaitForSingleObject(&Written, Executive, KernelMode, FALSE, NULL);
    CHECK_EQUAL(Expected, WriteStatus);
}

/* One page, trimmed, on its way to the disk. */
static ULONG_PTR StartPageInFlight(void)
{
    ULONG_PTR Va;

    Start(3);
    Va = PagingWorldPages(4, 40);
    PagingWorldTrim(Va, 4);
    BeginWrite();
    CHECK(MI_PFN(PagingWorldFrame(Va))->u3.e1.WriteInProgress);
    return Va;
}

TEST(A_page_read_while_it_is_written_keeps_the_slot)
{
    ULONG_PTR Va = StartPageInFlight();

    CHECK_EQUAL(40, SpaceRead(Va));
    EndWrite(STATUS_SUCCESS);
    CheckSlots(4, 0);
    PagingWorldTrim(Va, 1);
    CHECK(PagingWorldIsStored(Va));
    CheckContents(Va, 4, 40);
    Finish(0);
}

TEST(A_page_changed_while_it_is_written_is_written_again)
{
    ULONG_PTR Va = StartPageInFlight();

    SpaceWrite(Va + 2048, 99);
    EndWrite(STATUS_SUCCESS);
    PagingWorldTrim(Va, 1);
    CheckSlots(3, 0);
    CHECK_EQUAL(1, MiModifiedList.Total);
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    CHECK(PagingWorldIsStored(Va));
    CHECK_EQUAL(99, SpaceRead(Va + 2048));
    Finish(0);
}

TEST(A_page_changed_and_trimmed_while_it_is_written_goes_back_to_the_list)
{
    ULONG_PTR Va = StartPageInFlight();

    SpaceWrite(Va, 98);
    PagingWorldTrim(Va, 1);
    CHECK_EQUAL(0, MiModifiedList.Total); /* the writer holds it */
    EndWrite(STATUS_SUCCESS);
    CHECK_EQUAL(1, MiModifiedList.Total);
    CheckSlots(3, 0);
    CHECK_EQUAL(1, MiWriterFigures.PagesDropped);
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    CHECK(PagingWorldIsStored(Va));
    Finish(0);
}

TEST(A_page_deleted_while_it_is_written_frees_its_slot_and_its_frame)
{
    ULONG_PTR Va = StartPageInFlight();
    PFN_NUMBER Frame = PagingWorldFrame(Va);

    SpaceFree(Va, PAGE_SIZE, MEM_DECOMMIT);
    CHECK_EQUAL(TransitionPage, MI_PFN(Frame)->u3.e1.PageLocation);
    EndWrite(STATUS_SUCCESS);
    CHECK_EQUAL(FreePageList, MI_PFN(Frame)->u3.e1.PageLocation);
    CheckSlots(3, 0);
    Finish(0);
}

TEST(A_page_in_use_again_and_deleted_while_it_is_written_is_freed)
{
    ULONG_PTR Va = StartPageInFlight();
    PFN_NUMBER Frame = PagingWorldFrame(Va);

    SpaceWrite(Va, 4);
    SpaceFree(Va, PAGE_SIZE, MEM_DECOMMIT);
    EndWrite(STATUS_SUCCESS);
    CHECK_EQUAL(FreePageList, MI_PFN(Frame)->u3.e1.PageLocation);
    CheckSlots(3, 0);
    Finish(0);
}

TEST(A_process_that_ends_while_its_pages_are_written_leaves_nothing)
{
    (void)StartPageInFlight();
    PagingWorldLeave();
    EndWrite(STATUS_SUCCESS);
    CheckSlots(0, 0);
    CHECK_EQUAL(4, MiWriterFigures.PagesDropped);
    PagingWorldFinish();
}

TEST(A_page_changed_and_reset_while_it_is_written_has_no_slot_with_a_mixture)
{
    ULONG_PTR Va = StartPageInFlight();

    SpaceWrite(Va + 2048, 97);
    SpaceAllocate(Va, PAGE_SIZE, MEM_RESET, PAGE_READWRITE);
    EndWrite(STATUS_SUCCESS);
    PagingWorldTrim(Va, 1);
    CheckSlots(3, 0);
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    CHECK(PagingWorldIsStored(Va));
    CHECK_EQUAL(97, SpaceRead(Va + 2048));
    Finish(0);
}

/* ---- writes that fail ---- */

TEST(A_write_that_fails_once_is_done_page_by_page)
{
    ULONG_PTR Va;
    ULONG Page;

    Start(1);
    Va = PagingWorldPages(6, 60);
    PagingWorldTrim(Va, 6);
    IoDisk.FailAt[DiskWrite] = 1;
    CHECK_EQUAL(STATUS_SUCCESS, MiWriteModifiedPages());
    for (Page = 0; Page < 6; Page++) {
        CHECK(PagingWorldIsStored(Va + Page * PAGE_SIZE));
    }
    CheckSlots(6, 0);
    CHECK_EQUAL(1, MiWriterFigures.FailedWrites);
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, MiWriterFigures.LastStatus);
    Finish(0);
}

static void (*Submit)(PDISK_DEVICE Device, PDISK_REQUEST Request);
static ULONG64 BadSector;

/* One sector of the medium is broken. */
static void SubmitWithBadSector(PDISK_DEVICE Device, PDISK_REQUEST Request)
{
    BOOLEAN Hit = Request->Operation == DiskWrite && Request->Sector <= BadSector &&
                  Request->Sector + Request->Sectors > BadSector;

    IoDisk.FailFrom = Hit ? 1 : 0;
    Submit(Device, Request);
    IoDisk.FailFrom = 0;
}

TEST(A_bad_sector_costs_its_slot_and_the_page_is_written_elsewhere)
{
    ULONG_PTR Va;
    ULONG Page;
    ULONG Limit;

    Start(0);
    Limit = MiCommit.Limit;
    Submit = IoDisk.Device.Submit;
    IoDisk.Device.Submit = SubmitWithBadSector;
    BadSector = MmPagingFile[0]->FirstSector + 3 * 8 + 5; /* in slot 3 */
    Va = PagingWorldPages(6, 60);
    PagingWorldTrim(Va, 6);
    CHECK_EQUAL(STATUS_SUCCESS, MiWriteModifiedPages());
    CHECK_EQUAL(1, MiModifiedList.Total);
    CheckSlots(5, 1);
    CHECK_EQUAL(Limit - 1, MiCommit.Limit);
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    for (Page = 0; Page < 6; Page++) {
        CHECK(PagingWorldIsStored(Va + Page * PAGE_SIZE));
        CHECK(MiPteSlot(MI_PFN(PagingWorldFrame(Va + Page * PAGE_SIZE))->OriginalPte) != 3);
    }
    CheckSlots(6, 1);
    IoDisk.Device.Submit = Submit;
    CheckContents(Va, 6, 60);
    Finish(1);
}

TEST(A_disk_that_fails_everything_costs_one_slot_a_write_and_keeps_the_pages)
{
    ULONG_PTR Va;

    Start(1);
    Va = PagingWorldPages(40, 3);
    PagingWorldTrim(Va, 40);
    IoDisk.FailFrom = 1;
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, MiFlushModifiedPages());
    CHECK_EQUAL(40, MiModifiedList.Total);
    CheckSlots(0, 1);
    CHECK_EQUAL(5, MiWriterFigures.FailedWrites);
    CHECK_EQUAL(40, MiWriterFigures.FailedPages);
    IoDisk.FailFrom = 0;
    CHECK_EQUAL(STATUS_SUCCESS, MiFlushModifiedPages());
    CheckSlots(40, 1);
    CheckContents(Va, 40, 3);
    Finish(1);
}

TEST(Writes_of_which_each_nth_fails_end_with_every_page_in_a_slot)
{
    ULONG Nth;

    for (Nth = 2; Nth < 9; Nth++) {
        ULONG_PTR Va;
        ULONG Rounds = 0;
        NTSTATUS Status;
        ULONG Page;

        Start(Nth);
        Va = PagingWorldPages(200, Nth);
        PagingWorldTrim(Va, 200);
        while (MiModifiedList.Total != 0 && Rounds++ < 100) {
            IoDisk.FailAt[DiskWrite] = Nth;
            Status = MiWriteModifiedPages();
            CHECK(Status == STATUS_SUCCESS || Status == STATUS_IO_DEVICE_ERROR);
        }
        IoDisk.FailAt[DiskWrite] = 0;
        CHECK_EQUAL(0, MiModifiedList.Total);
        for (Page = 0; Page < 200; Page++) {
            CHECK(PagingWorldIsStored(Va + Page * PAGE_SIZE));
        }
        CheckContents(Va, 200, Nth);
        Finish(MmPagingFile[0]->BadSpace);
    }
}

TEST(A_page_deleted_while_its_write_fails_is_freed)
{
    ULONG_PTR Va = StartPageInFlight();

    IoDisk.FailFrom = 1;
    SpaceFree(Va, 4 * PAGE_SIZE, MEM_DECOMMIT);
    EndWrite(STATUS_IO_DEVICE_ERROR);
    IoDisk.FailFrom = 0;
    CheckSlots(0, 1);
    Finish(1);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_page_out.c - a process' pages go to the paging file on purpose, and the report says so.
 */
#include "mm/inspect/page_out.h"

#include "ex.h"
#include "mm.h"
#include "mm/paging/modified_writer.h"
#include "mm/pool/system_image.h"
#include "rtl.h"
#include "tests/unit/paging_world.h"
#include "tests/unit/space_world.h"

#define PAGES 40u

TEST(PageOut_leaves_no_page_in_memory_and_everything_in_the_file)
{
    ULONG_PTR Va;
    ULONG Reads;
    ULONG Reused;
    ULONG i;

    MmWorldNextUnforced();
    PagingWorldStartWith(1, 4, 4);
    PagingWorldEnter();
    Va = PagingWorldPages(PAGES, 7);
    CHECK_EQUAL(STATUS_SUCCESS, MiPageOutProcess(&Reused));
    CHECK(Reused >= PAGES);
    CHECK_EQUAL(1, PsGetCurrentProcess()->Vm.WorkingSetSize); /* the page table */
    Reads = MiFaultCounters.PagesRead;
    for (i = 0; i < PAGES; i++) {
        CHECK_EQUAL(7 + i, SpaceRead(Va + i * PAGE_SIZE + 256));
    }
    CHECK_EQUAL(PAGES, MiFaultCounters.PagesRead - Reads);
    PagingWorldLeave();
    PagingWorldFinish();
}

/* ---- without nonpaged pool ---- */

typedef struct _HOARD {
    struct _HOARD *Next;
} HOARD;

/* All that there is, down to the smallest block. */
static HOARD *TakeNonPagedPool(void)
{
    HOARD *First = NULL;
    SIZE_T Bytes;

    for (Bytes = 64 * PAGE_SIZE; Bytes >= sizeof(HOARD); Bytes /= 2) {
        HOARD *Block;

        while ((Block = ExAllocatePoolWithTag(NonPagedPool, Bytes, IO_WORLD_TAG)) != NULL) {
            Block->Next = First;
            First = Block;
        }
    }
    return First;
}

static void GiveBack(HOARD *First)
{
    while (First != NULL) {
        HOARD *Next = First->Next;

        ExFreePoolWithTag(First, IO_WORLD_TAG);
        First = Next;
    }
}

TEST(PageOut_and_back_need_no_nonpaged_pool)
{
    volatile UCHAR *Paged;
    ULONG Reads;
    ULONG Reused;
    ULONG_PTR Va;
    HOARD *Hoard;
    ULONG Round;
    ULONG i;

    MmWorldNextUnforced();
    PagingWorldStartWith(1, 4, 4);
    PagingWorldEnter();
    Va = PagingWorldPages(PAGES, 7);
    Paged = ExAllocatePoolWithTag(PagedPool, PAGE_SIZE, IO_WORLD_TAG);
    *Paged = 99;
    Hoard = TakeNonPagedPool();
    Reads = MiFaultCounters.PagesRead;
    for (Round = 0; Round < 3; Round++) {
        CHECK(ExAllocatePoolWithTag(NonPagedPool, sizeof(HOARD), IO_WORLD_TAG) == NULL);
        CHECK(MmTrimAllSystemPageableMemory(FALSE));
        CHECK_EQUAL(STATUS_SUCCESS, MiPageOutProcess(&Reused));
        for (i = 0; i < PAGES; i++) {
            CHECK_EQUAL(7 + i + Round, SpaceRead(Va + i * PAGE_SIZE + 256));
            SpaceWrite(Va + i * PAGE_SIZE + 256, 8 + i + Round);
        }
        CHECK_EQUAL(99, *Paged);
    }
    CHECK(MiFaultCounters.PagesRead >= Reads + 3 * (PAGES + 1)); /* paged pool had more pages */
    GiveBack(Hoard);
    ExFreePoolWithTag((PVOID)Paged, IO_WORLD_TAG);
    PagingWorldLeave();
    PagingWorldFinish();
}

/* ---- what goes wrong ---- */

TEST(PageOut_says_what_the_disk_says)
{
    ULONG Reused;

    MmWorldNextUnforced();
    PagingWorldStartWith(0, 4, 4);
    PagingWorldEnter();
    (void)PagingWorldPages(PAGES, 7);
    IoDisk.FailFrom = 1;
    CHECK(!NT_SUCCESS(MiPageOutProcess(&Reused)));
    CHECK_EQUAL(0, Reused);
    IoDisk.FailFrom = 0;
    PagingWorldLeave();
    PagingWorldFinish();
}

TEST(The_report_shows_pages_that_go_to_the_paging_file_and_come_back)
{
    MmWorldNextUnforced();
    PagingWorldStartWith(1, 4, 4);
    HostConsoleClear();
    MiReportPaging();
    CHECK(RtlFindText(HostConsoleText(), "257 pages written to the paging file") != NULL);
    CHECK(RtlFindText(HostConsoleText(),
                      ": 0 wrong; of these page tables: 1 written, 1 read; status 0") != NULL);
    PagingWorldFinish();
}

TEST(The_report_says_that_without_a_paging_file_nothing_goes_out)
{
    PagingWorldStart(1);
    HostConsoleClear();
    MiReportPaging();
    CHECK(RtlFindText(HostConsoleText(), "# paging files: none") != NULL);
    PagingWorldFinish();
}

TEST(The_report_keeps_the_kernels_code_in_memory_when_the_disk_is_gone)
{
    MI_IMAGE_FIGURES Figures;

    MmWorldNextUnforced();
    MmWorldNextPageableCode(3);
    PagingWorldStartWith(1, 4, 4);
    HostConsoleClear();
    MiReportPaging(); /* the code has places in the file from now on */
    IoDisk.FailFrom = 1;
    HostFailedLines = 1;
    MiReportPaging();
    CHECK_EQUAL(0, HostFailedLines);
    IoDisk.FailFrom = 0;
    CHECK(RtlFindText(HostConsoleText(), "# pageable code: stays where it is") != NULL);
    MiQuerySystemImages(&Figures);
    CHECK_EQUAL(3, Figures.ResidentPages);
    PagingWorldFinish();
}

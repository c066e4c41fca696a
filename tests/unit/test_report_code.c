/* SPDX-License-Identifier: MIT */
/*
 * test_report_code.c - the kernel's own pageable code: from the loader into the working set, to the
 * paging file and back.
 */
#include "mm/inspect/report_code.h"

#include "arch/mmu.h"
#include "mm/paging/modified_writer.h"
#include "mm/pfn/commit.h"
#include "mm/pfn/pfn_inspect.h"
#include "mm/pool/system_image.h"
#include "mm/sysva/pte_kind.h"
#include "tests/unit/paging_world.h"
#include "verify.h"

#include <string.h>

#define PAGES 5u

static MI_IMAGE_FIGURES Figures(void)
{
    MI_IMAGE_FIGURES Now;

    MiQuerySystemImages(&Now);
    return Now;
}

static ULONG CommitLimit(ULONG Pages)
{
    ULONG Limit;

    MmWorldNextPageableCode(Pages);
    MmWorldStart(4096);
    CHECK_EQUAL(Pages, Figures().PagedPages);
    Limit = MiCommit.Limit - MiCommit.Committed;
    MmWorldFinish();
    return Limit;
}

TEST(Kernel_code_that_is_pageable_is_memory_that_can_be_promised_to_nobody_else)
{
    CHECK_EQUAL(CommitLimit(1),
                CommitLimit(PAGES) + PAGES - 1); /* fewer frames are free, that is all */
}

TEST(Report_shows_code_that_goes_to_the_paging_file_and_comes_back)
{
    MmWorldNextPageableCode(PAGES);
    MmWorldNextUnforced();
    PagingWorldStartWith(0, 4, 4);
    CHECK_EQUAL(PAGES, Figures().ResidentPages);
    CHECK(!MiReadPte(MiGetPteAddress(MM_WORLD_CODE)).Hard.Write);
    MiReportPageableCode();
    CHECK_EQUAL(PAGES, Figures().ResidentPages);
    CHECK(strstr(HostConsoleText(),
                 "pageable code: 5 pages of the kernel at 80801000, 0 "
                 "resident once they were trimmed; 5 faults brought them back, 5 "
                 "pages read") != NULL);
    CHECK(strstr(HostConsoleText(), "pageable code: locked twice 5 of 5 pages stay, once 5, "
                                    "not any more 0") != NULL);
    CHECK(strstr(HostConsoleText(), "not ok") == NULL);
    MiVerifyAll();
    CHECK_EQUAL(MM_WORLD_CODE + 4 * PAGE_SIZE, *(const ULONG *)(MM_WORLD_CODE + 4 * PAGE_SIZE));
    CHECK(!MiReadPte(MiGetPteAddress(MM_WORLD_CODE + 4 * PAGE_SIZE)).Hard.Write);
    PagingWorldFinish();
}

TEST(Report_of_code_without_a_paging_file_has_soft_faults)
{
    MmWorldNextPageableCode(PAGES);
    MmWorldNextUnforced();
    MmWorldStart(4096);
    MiReportPageableCode();
    CHECK(strstr(HostConsoleText(), "5 faults brought them back, 0 pages read") != NULL);
    CHECK(strstr(HostConsoleText(), "not ok") == NULL);
    MmWorldFinish();
}

TEST(Report_says_that_no_code_is_pageable)
{
    const MM_VALUE Resident = {"DisablePagingExecutive", 1};

    MmWorldNextPageableCode(PAGES);
    MmWorldStartWith(4096, &Resident, 1);
    MiReportPageableCode();
    CHECK(strstr(HostConsoleText(), "# pageable code: none; the kernel is resident") != NULL);
    CHECK_EQUAL(MiPteValid, MiPteKind(MiReadPte(MiGetPteAddress(MM_WORLD_CODE))));
    MmWorldFinish();
}

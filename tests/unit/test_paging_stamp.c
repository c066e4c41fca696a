/* SPDX-License-Identifier: MIT */
/*
 * test_paging_stamp.c - a stamped page is told from every other.
 */
#include "mm/inspect/paging_stamp.h"

#include "rtl.h"
#include "tests/host/machine.h"
#include "tests/unit/mm_world.h"

#include <string.h>

static ULONG Page[MI_STAMP_WORDS];
static const MI_STAMP Right = {0x12345000, 7, 99};

TEST(A_stamped_page_is_the_one_that_was_meant_and_no_other)
{
    static const MI_STAMP Others[] = {
        {0x12346000, 7, 99}, {0x12345000, 6, 99}, {0x12345000, 7, 98}, {0x12345000, 0, 99}};
    ULONG i;

    MiStampPage(Page, Right);
    CHECK(MiIsPageStamped(Page, Right));
    for (i = 0; i < RTL_NUMBER_OF(Others); i++) {
        CHECK(!MiIsPageStamped(Page, Others[i]));
    }
}

TEST(Every_changed_bit_of_a_stamped_page_is_found)
{
    ULONG Bit;

    MiStampPage(Page, Right);
    for (Bit = 0; Bit < PAGE_SIZE * 8; Bit++) {
        Page[Bit / 32] ^= 1u << Bit % 32;
        CHECK(!MiIsPageStamped(Page, Right));
        Page[Bit / 32] ^= 1u << Bit % 32;
    }
    CHECK(MiIsPageStamped(Page, Right));
}

TEST(Version_0_of_a_page_is_zeroes_to_the_last_word)
{
    const MI_STAMP Zero = {0x12345000, 0, 99};

    memset(Page, 0, sizeof(Page));
    CHECK(MiIsPageStamped(Page, Zero));
    CHECK(!MiIsPageStamped(Page, Right));
    Page[MI_STAMP_WORDS - 1] = 1;
    CHECK(!MiIsPageStamped(Page, Zero));
}

TEST(A_wrong_page_is_named)
{
    const MI_STAMP Other = {0x22222000, 3, 5};

    MmWorldStart(1024);
    HostConsoleClear();
    MiStampPage(Page, Other);
    MiDescribeWrongPage("run", Page, Right);
    CHECK(RtlFindText(HostConsoleText(), "page 12345000 version 7 of seed 00000063 is wrong: found "
                                         "22222000 version 3 of seed 00000005") != NULL);
    CHECK(RtlFindText(HostConsoleText(), "a whole page") != NULL);
    Page[9]++;
    MiDescribeWrongPage("run", Page, Right);
    CHECK(RtlFindText(HostConsoleText(), "or a torn one") != NULL);
    memset(Page, 0, sizeof(Page));
    MiDescribeWrongPage("run", Page, Right);
    CHECK(RtlFindText(HostConsoleText(), ": zeroes") != NULL);
    MmWorldFinish();
}

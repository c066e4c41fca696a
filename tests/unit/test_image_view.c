/* SPDX-License-Identifier: MIT */
/*
 * test_image_view.c - nothing outside a view is read.
 */
#include "mm/section/image_view.h"
#include "test.h"

#include <stdlib.h>
#include <string.h>

TEST(ImageView_judges_ranges_without_wrapping)
{
    MI_IMAGE_VIEW View = {.Base = NULL, .Bytes = 100};

    CHECK(MiIsInView(&View, 0, 100, 1));
    CHECK(!MiIsInView(&View, 1, 100, 1));
    CHECK(MiIsInView(&View, 100, 0, 4));
    CHECK(!MiIsInView(&View, 101, 0, 4));
    CHECK(MiIsInView(&View, 96, 1, 4));
    CHECK(!MiIsInView(&View, 97, 1, 4));
    CHECK(!MiIsInView(&View, 0, 0x40000000, 4));
    CHECK(!MiIsInView(&View, 0xFFFFFFFF, 1, 1));
    CHECK(!MiIsInView(&View, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFF));
}

TEST(ImageView_reads_numbers_at_odd_places)
{
    static const UCHAR Bytes[] = {0x11, 0x22, 0x33, 0x44, 0x55};
    MI_IMAGE_VIEW View = {.Base = Bytes, .Bytes = sizeof(Bytes)};

    CHECK_EQUAL(0x55443322, MiReadViewLong(&View, 1));
    CHECK_EQUAL(0x5544, MiReadViewShort(&View, 3));
}

TEST(ImageView_reads_names_that_end_inside)
{
    UCHAR *Bytes = malloc(MI_IMAGE_NAME_BYTES + 2);
    MI_IMAGE_VIEW View = {.Base = Bytes, .Bytes = MI_IMAGE_NAME_BYTES + 2};

    memset(Bytes, 'a', MI_IMAGE_NAME_BYTES + 2);
    CHECK(MiReadViewName(&View, 0) == NULL);
    CHECK(MiReadViewName(&View, MI_IMAGE_NAME_BYTES + 1) == NULL);
    CHECK(MiReadViewName(&View, MI_IMAGE_NAME_BYTES + 2) == NULL);
    CHECK(MiReadViewName(&View, 0xFFFFFFFF) == NULL);
    Bytes[MI_IMAGE_NAME_BYTES + 1] = 0;
    CHECK(MiReadViewName(&View, 0) == NULL); /* one too long */
    CHECK(MiReadViewName(&View, 1) == (char *)Bytes + 1);
    CHECK_TEXT("", MiReadViewName(&View, MI_IMAGE_NAME_BYTES + 1));
    free(Bytes);
}

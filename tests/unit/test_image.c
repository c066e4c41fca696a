/* SPDX-License-Identifier: MIT */
/*
 * Tests of mm/rtl/image.c: RtlImageNtHeader.
 */
#include "nt/image.h"
#include "rtl.h"
#include "tests/unit/seed_image.h"
#include "tests/unit/test.h"

static ULONG Image[SEED_IMAGE_BYTES / sizeof(ULONG)];

TEST(ImageNtHeader_is_where_the_MZ_header_says)
{
    SeedImage((PUCHAR)Image);
    CHECK(RtlImageNtHeader(Image) == (PVOID)((PUCHAR)Image + SEED_IMAGE_NT));
    CHECK_EQUAL(IMAGE_FILE_MACHINE_I386, RtlImageNtHeader(Image)->FileHeader.Machine);
}

TEST(ImageNtHeader_of_what_is_no_image_is_none)
{
    static const LONG Wrong[] = {-4, (LONG)0x80000000, 0x10000000, SEED_IMAGE_NT + 2,
                                 SEED_IMAGE_NT + 4};
    PIMAGE_DOS_HEADER Dos = (PIMAGE_DOS_HEADER)(PVOID)Image;
    ULONG i;

    CHECK(RtlImageNtHeader(NULL) == NULL);
    CHECK(RtlImageNtHeader((PVOID)(LONG_PTR)-1) == NULL);
    for (i = 0; i < RTL_NUMBER_OF(Wrong); i++) {
        SeedImage((PUCHAR)Image);
        Dos->e_lfanew = Wrong[i];
        CHECK(RtlImageNtHeader(Image) == NULL);
    }
    SeedImage((PUCHAR)Image);
    Dos->e_magic++;
    CHECK(RtlImageNtHeader(Image) == NULL);
}

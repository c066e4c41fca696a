/* SPDX-License-Identifier: MIT */
/*
 * test_image_checksum.c - sums computed by hand.  tests/image compares those of linked files.
 */
#include "mm/section/image_checksum.h"
#include "test.h"

#include <string.h>

TEST(ImageChecksum_adds_words_and_the_length)
{
    static const UCHAR File[] = {'M', 'Z', 0x02, 0x01};

    CHECK_EQUAL(0x5A4D + 0x0102, MiAddToImageChecksum(0, File, 4));
    CHECK_EQUAL(0x5A4D + 0x0102 + 4, MiFinishImageChecksum(0x5A4D + 0x0102, 0, 4));
}

TEST(ImageChecksum_carries_around_the_end)
{
    static const UCHAR File[] = {0xFF, 0xFF, 0x02, 0x00, 0xFE, 0xFF};

    CHECK_EQUAL(2, MiAddToImageChecksum(0, File, 4));
    CHECK_EQUAL(1, MiAddToImageChecksum(0, File, sizeof(File)));
}

TEST(ImageChecksum_takes_a_last_odd_byte_for_a_low_half)
{
    static const UCHAR File[] = {'M', 'Z', 0x80};

    CHECK_EQUAL(0x5A4D + 0x80, MiAddToImageChecksum(0, File, 3));
}

TEST(ImageChecksum_does_not_depend_on_pieces)
{
    UCHAR File[256];
    USHORT Whole;
    ULONG Cut;

    for (Cut = 0; Cut < sizeof(File); Cut++) {
        File[Cut] = (UCHAR)(Cut * 151 + 7);
    }
    Whole = MiAddToImageChecksum(0, File, sizeof(File));
    for (Cut = 0; Cut <= sizeof(File); Cut += 2) {
        USHORT Sum = MiAddToImageChecksum(0, File, Cut);

        CHECK_EQUAL(Whole, MiAddToImageChecksum(Sum, File + Cut, sizeof(File) - Cut));
    }
}

TEST(ImageChecksum_leaves_its_own_field_out)
{
    static const ULONG Fields[] = {0, 1, 0xFFFF, 0x10000, 0x12345678, 0xFFFFFFFF, 0xFFFE0001};
    UCHAR File[16] = {'M', 'Z', 0x10, 0x20, 0xFF, 0xEE};
    ULONG Expected = MiFinishImageChecksum(MiAddToImageChecksum(0, File, 16), 0, 16);
    ULONG Index;

    for (Index = 0; Index < sizeof(Fields) / sizeof(Fields[0]); Index++) {
        memcpy(File + 8, &Fields[Index], 4);
        CHECK_EQUAL(Expected,
                    MiFinishImageChecksum(MiAddToImageChecksum(0, File, 16), Fields[Index], 16));
    }
}

TEST(ImageChecksum_of_words_that_add_up_to_FFFF_is_not_0)
{
    UCHAR File[12] = {'M', 'Z', 0xB2, 0xA5}; /* 5A4D + A5B2 = FFFF */
    ULONG Field = 0xFFFF + sizeof(File);

    CHECK_EQUAL(Field, MiFinishImageChecksum(MiAddToImageChecksum(0, File, 12), 0, 12));
    memcpy(File + 8, &Field, 4);
    CHECK_EQUAL(Field, MiFinishImageChecksum(MiAddToImageChecksum(0, File, 12), Field, 12));
}

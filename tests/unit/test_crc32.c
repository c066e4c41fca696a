/* SPDX-License-Identifier: MIT */
/*
 * test_crc32.c - the published check value, and a checksum made in pieces.
 */
#include "disk/volume/partition.h"
#include "tests/unit/test.h"

TEST(Crc32_of_the_check_string_is_CBF43926)
{
    CHECK_EQUAL(0xCBF43926, DiskCrc32(0, "123456789", 9));
    CHECK_EQUAL(0, DiskCrc32(0, "", 0));
}

TEST(Crc32_goes_on_where_it_stopped)
{
    CHECK_EQUAL(0xCBF43926, DiskCrc32(DiskCrc32(0, "1234", 4), "56789", 5));
}

/* SPDX-License-Identifier: MIT */
/*
 * test_firmware_time.c - the firmware's clock: zones, and clocks that lost their battery.
 */
#include "efi/firmware_time.h"
#include "tests/unit/test.h"

#define MINUTE 600000000ull

static ULONG64 SystemTime(TIME_FIELDS Fields, LONG Zone)
{
    return BlSystemTime(&Fields, Zone);
}

static const TIME_FIELDS Noon = {2026, 1, 1, 12, 0, 0, 0, 0};

TEST(SystemTime_is_UTC_when_the_zone_is_zero_or_unknown)
{
    /* Unix time 1767268800 */
    CHECK_EQUAL(116444736000000000ull + 17672688000000000ull, SystemTime(Noon, 0));
    CHECK_EQUAL(SystemTime(Noon, 0), SystemTime(Noon, BL_ZONE_UNKNOWN));
}

TEST(SystemTime_adds_the_zone)
{
    CHECK_EQUAL(SystemTime(Noon, 0) - 60 * MINUTE, SystemTime(Noon, -60));
    CHECK_EQUAL(SystemTime(Noon, 0) + 1440 * MINUTE, SystemTime(Noon, 1440));
    CHECK_EQUAL(0, SystemTime(Noon, 1441));
    CHECK_EQUAL(0, SystemTime(Noon, -1441));
}

TEST(SystemTime_of_a_clock_without_a_date_is_not_known)
{
    CHECK_EQUAL(0, SystemTime((TIME_FIELDS){1999, 12, 31, 23, 59, 59, 0, 0}, 0));
    CHECK(SystemTime((TIME_FIELDS){2000, 1, 1, 0, 0, 0, 0, 0}, 0) != 0);
    CHECK_EQUAL(0, SystemTime((TIME_FIELDS){2026, 2, 30, 0, 0, 0, 0, 0}, 0));
    CHECK_EQUAL(0, SystemTime((TIME_FIELDS){0}, 0));
}

/* SPDX-License-Identifier: MIT */
/*
 * test_user_half.c - the three addresses at the border.
 */
#include "tests/host/machine.h"
#include "tests/unit/test.h"
#include "user_half.h"

TEST(UserHalf_ends_64_KB_below_2_GB)
{
    HostMachineCreate(4, TestSeed());
    CHECK_EQUAL(0x80000000, (ULONG_PTR)MmSystemRangeStart);
    CHECK_EQUAL(0x7FFEFFFF, (ULONG_PTR)MmHighestUserAddress);
    CHECK_EQUAL(0x7FFF0000, MmUserProbeAddress);
    HostMachineDelete();
}

TEST(UserHalf_ends_64_KB_below_the_border_that_was_set)
{
    HostMachineCreate(4, TestSeed());
    MiSetSystemRangeStart(0xC0000000);
    CHECK_EQUAL(0xC0000000, MM_SYSTEM_RANGE_START);
    CHECK_EQUAL(0xBFFEFFFF, MM_HIGHEST_USER_ADDRESS);
    CHECK_EQUAL(0xBFFF0000, MM_USER_PROBE_ADDRESS);
    MiSetSystemRangeStart(0xA0400000);
    CHECK_EQUAL(0xA03EFFFF, MM_HIGHEST_USER_ADDRESS);
    HostMachineDelete();
}

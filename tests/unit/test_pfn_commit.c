/* SPDX-License-Identifier: MIT */
/*
 * test_pfn_commit.c - no promise passes the limit, and what is returned can be promised again.
 */
#include "mm/pfn/commit.h"
#include "nt/bugcodes.h"
#include "tests/host/machine.h"
#include "tests/unit/test.h"

TEST(Commitment_is_charged_up_to_the_limit_and_not_beyond)
{
    MiInitializeCommit(100);
    CHECK(MiChargeCommitment(60));
    CHECK(!MiChargeCommitment(41));
    CHECK(MiChargeCommitment(40));
    CHECK(!MiChargeCommitment(1));
    CHECK(MiChargeCommitment(0));
    CHECK_EQUAL(100, MiCommit.Committed);
    CHECK_EQUAL(2, MiCommit.Refused);
}

TEST(Commitment_of_4_billion_pages_does_not_wrap)
{
    MiInitializeCommit(100);
    CHECK(MiChargeCommitment(50));
    CHECK(!MiChargeCommitment(0xFFFFFFFF));
    CHECK(!MiChargeCommitment(0xFFFFFFCF)); /* 50 + this is 1 modulo 2^32 */
    CHECK_EQUAL(50, MiCommit.Committed);
}

TEST(Commitment_remembers_its_peak)
{
    MiInitializeCommit(100);
    CHECK(MiChargeCommitment(70));
    MiReturnCommitment(50);
    CHECK(MiChargeCommitment(30));
    CHECK_EQUAL(50, MiCommit.Committed);
    CHECK_EQUAL(70, MiCommit.Peak);
}

TEST(Commitment_limit_grows_with_a_paging_file)
{
    MiInitializeCommit(10);
    CHECK(!MiChargeCommitment(15));
    MiRaiseCommitLimit(5);
    CHECK(MiChargeCommitment(15));
    CHECK_EQUAL(15, MiCommit.Limit);
}

TEST(Commitment_limit_falls_as_far_as_nothing_is_promised)
{
    MiInitializeCommit(10);
    CHECK(MiChargeCommitment(4));
    CHECK_EQUAL(5, MiLowerCommitLimit(5));
    CHECK_EQUAL(5, MiCommit.Limit);
    CHECK_EQUAL(1, MiLowerCommitLimit(5));
    CHECK_EQUAL(0, MiLowerCommitLimit(5));
    CHECK_EQUAL(4, MiCommit.Limit);
    CHECK_EQUAL(4, MiCommit.Committed);
    CHECK(!MiChargeCommitment(1));
    MiReturnCommitment(4);
    CHECK(MiChargeCommitment(4));
}

TEST(Commitment_limit_may_rise_up_to_the_largest)
{
    MiInitializeCommit(10);
    MiRaiseCommitMaximum(20);
    CHECK(MiChargeCommitment(10));
    CHECK(!MiChargeCommitment(1));
    CHECK_EQUAL(1, MiCommit.Wanted);
    CHECK(!MiChargeCommitment(21));
    CHECK_EQUAL(1, MiCommit.Wanted);
    CHECK(!MiChargeCommitment(20));
    CHECK_EQUAL(20, MiCommit.Wanted);
    MiGrowCommitLimit(15);
    CHECK_EQUAL(25, MiCommit.Limit);
    CHECK_EQUAL(30, MiCommit.MaximumLimit);
    CHECK(MiChargeCommitment(15));
    MiReturnCommitment(15);
    CHECK_EQUAL(15, MiLowerCommitLimit(20)); /* both */
    CHECK_EQUAL(10, MiCommit.Limit);
    CHECK_EQUAL(15, MiCommit.MaximumLimit);
    MiLowerCommitMaximum(5);
    CHECK_EQUAL(10, MiCommit.MaximumLimit);
}

static void GrowTooFar(PVOID Context)
{
    (void)Context;
    MiGrowCommitLimit(21);
}

static void LowerTooFar(PVOID Context)
{
    (void)Context;
    MiLowerCommitMaximum(21);
}

TEST(Commitment_limit_above_the_largest_stops_the_machine)
{
    HostMachineCreate(4, TestSeed());
    MiInitializeCommit(10);
    MiRaiseCommitMaximum(20);
    HostExpectBugCheck(MEMORY_MANAGEMENT, GrowTooFar, NULL);
    MiInitializeCommit(10);
    MiRaiseCommitMaximum(20);
    HostExpectBugCheck(MEMORY_MANAGEMENT, LowerTooFar, NULL);
    HostMachineDelete();
}

TEST(ResidentAvailable_keeps_the_fluid_pages_back)
{
    MiInitializeCommit(100);
    CHECK(!MiChargeResidentAvailable(69));
    CHECK(MiChargeResidentAvailable(68));
    CHECK_EQUAL(0, MiCommit.ResidentAvailable);
    MiReturnResidentAvailable(68);
    CHECK_EQUAL(68, MiCommit.ResidentAvailable);
    MiInitializeCommit(10);
    CHECK(!MiChargeResidentAvailable(1));
}

static void ReturnTooMuch(PVOID Context)
{
    (void)Context;
    MiReturnCommitment(11);
}

TEST(Commitment_returned_too_often_stops_the_machine)
{
    HostMachineCreate(4, TestSeed());
    MiInitializeCommit(100);
    CHECK(MiChargeCommitment(10));
    HostExpectBugCheck(MEMORY_MANAGEMENT, ReturnTooMuch, NULL);
    HostMachineDelete();
}

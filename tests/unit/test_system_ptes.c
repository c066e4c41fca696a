/* SPDX-License-Identifier: MIT */
/*
 * test_system_ptes.c - runs of system PTEs: which are handed out, what a release refuses, and when
 * the TLB is flushed.
 */
#include "arch/mmu.h"
#include "mm/pfn/frame.h"
#include "mm/sysva/pte_make.h"
#include "nt/bugcodes.h"
#include "tests/unit/sysva_machine.h"

#include <string.h>

typedef struct _RUN {
    PMMPTE First;
    ULONG Count;
} RUN;

static void Release(PVOID Context)
{
    RUN *Run = Context;

    MiReleaseSystemPtes(Run->First, Run->Count);
}

static void ReserveNothing(PVOID Context)
{
    (void)Context;
    MiReserveSystemPtes(0);
}

static void ExpectMisuse(ULONG Code, PMMPTE First, ULONG Count, ULONG_PTR P4)
{
    RUN Run = {First, Count};

    SysvaExpectBugCheck(SYSTEM_PTE_MISUSE, Code, (ULONG_PTR)First, Count, P4, Release, &Run);
}

static void Map(PMMPTE Pte, PFN_NUMBER Frame)
{
    MiWritePte(Pte, MiMakeValidKernelPte(MiMakeKernelTemplate(MiKernelReadWrite, MiCached), Frame));
}

static volatile ULONG *At(PMMPTE Pte)
{
    return (volatile ULONG *)MiGetVaMappedByPte(Pte);
}

TEST(ReserveSystemPtes_returns_zero_ptes_inside_the_range)
{
    ULONG Count;

    SysvaStart(256, 2048);
    for (Count = 1; Count <= 40; Count++) {
        PMMPTE First = MiReserveSystemPtes(Count);
        ULONG i;

        CHECK(First != NULL);
        CHECK(MiGetVaMappedByPte(First) >= SYSVA_PTES_START);
        CHECK(MiGetVaMappedByPte(First + Count - 1) < SYSVA_PTES_START + 2048 * PAGE_SIZE);
        CHECK_EQUAL(Count, MiSystemPteRunLength(First));
        for (i = 0; i < Count; i++) {
            CHECK_EQUAL(0, MiReadPte(First + i).Long);
        }
        MiVerifySystemPtes();
        MiReleaseSystemPtes(First, Count);
        MiVerifySystemPtes();
        CHECK_EQUAL(0, MiSystemPteRunLength(First));
    }
    SysvaFinish();
}

TEST(ReserveSystemPtes_counts_slack_up_to_the_class)
{
    MI_SYSTEM_PTE_COUNTERS Counters;
    PMMPTE Three;
    PMMPTE Ten;

    SysvaStart(256, 2048);
    Three = MiReserveSystemPtes(3);
    Ten = MiReserveSystemPtes(10);
    MiQuerySystemPtes(&Counters);
    CHECK_EQUAL(13, Counters.Reserved);
    CHECK_EQUAL(1 + 13, Counters.Slack);
    CHECK_EQUAL(Counters.Total - 27, Counters.Free);
    CHECK_EQUAL(2, Counters.Reservations);
    MiReleaseSystemPtes(Three, 3);
    MiReleaseSystemPtes(Ten, 10);
    SysvaFinish();
}

TEST(ReserveSystemPtes_gives_everything_before_it_says_no)
{
    MI_SYSTEM_PTE_COUNTERS Counters;
    PMMPTE All;
    ULONG i;

    SysvaStart(256, 1024);
    for (i = 1; i <= 30; i++) { /* leaves runs on every queue */
        MiReleaseSystemPtes(MiReserveSystemPtes(i), i);
    }
    MiQuerySystemPtes(&Counters);
    All = MiReserveSystemPtes(Counters.Total);
    CHECK(All != NULL);
    CHECK_EQUAL(0, (ULONG_PTR)MiReserveSystemPtes(1));
    CHECK_EQUAL(0, (ULONG_PTR)MiReserveSystemPtes(100));
    MiQuerySystemPtes(&Counters);
    CHECK_EQUAL(0, Counters.Free);
    CHECK_EQUAL(0, Counters.LowestFree);
    CHECK_EQUAL(2, Counters.Refusals);
    MiReleaseSystemPtes(All, Counters.Total);
    SysvaFinish();
}

TEST(ReserveSystemPtes_joins_neighbours_that_were_released_apart)
{
    MI_SYSTEM_PTE_COUNTERS Counters;
    PMMPTE Single[1024];
    PMMPTE All;
    ULONG i;

    SysvaStart(256, 1024);
    MiQuerySystemPtes(&Counters);
    for (i = 0; i < Counters.Total; i++) {
        Single[i] = MiReserveSystemPtes(1);
        CHECK(Single[i] != NULL);
    }
    for (i = 0; i < Counters.Total; i++) {
        MiReleaseSystemPtes(Single[i], 1);
    }
    All = MiReserveSystemPtes(Counters.Total);
    CHECK(All != NULL);
    MiReleaseSystemPtes(All, Counters.Total);
    SysvaFinish();
}

TEST(ReleaseSystemPtes_flushes_once_for_many)
{
    MI_SYSTEM_PTE_COUNTERS Counters;
    PFN_NUMBER Frame;
    ULONG i;

    SysvaStart(256, 2048);
    CHECK_EQUAL(STATUS_SUCCESS, MiAllocateFrame(MiFrameAny, 0, &Frame));
    for (i = 0; i < 10000; i++) {
        PMMPTE Pte = MiReserveSystemPtes(1);

        Map(Pte, Frame);
        *At(Pte) = i;
        MiReleaseSystemPtes(Pte, 1);
    }
    MiQuerySystemPtes(&Counters);
    CHECK(Counters.Flushes >= 1);
    CHECK(Counters.Flushes <= 10000 / 256);
    MiFreeFrame(Frame);
    SysvaFinish();
}

TEST(ReserveSystemPtes_never_hands_out_an_address_with_an_old_translation)
{
    PFN_NUMBER Frames[2];
    ULONG i;

    SysvaStart(256, 64);
    CHECK_EQUAL(STATUS_SUCCESS, MiAllocateFrame(MiFrameAny, 0, &Frames[0]));
    CHECK_EQUAL(STATUS_SUCCESS, MiAllocateFrame(MiFrameAny, 0, &Frames[1]));
    *(ULONG *)HostFrame(Frames[0]) = 0;
    *(ULONG *)HostFrame(Frames[1]) = 1;
    for (i = 0; i < 3000; i++) {
        ULONG Count = i % 3 == 0 ? 30 : 1 + i % 2;
        PMMPTE Pte = MiReserveSystemPtes(Count);

        CHECK(Pte != NULL);
        Map(Pte, Frames[i % 2]);
        Map(Pte + Count - 1, Frames[i % 2]);
        CHECK_EQUAL(i % 2, *At(Pte));
        CHECK_EQUAL(i % 2, *At(Pte + Count - 1));
        MiReleaseSystemPtes(Pte, Count);
    }
    MiFreeFrame(Frames[0]);
    MiFreeFrame(Frames[1]);
    SysvaFinish();
}

static void Touch(PVOID Va)
{
    *(volatile ULONG *)Va = 1;
}

TEST(FlushSystemPtesAtOnce_makes_a_stale_access_fault)
{
    PFN_NUMBER Frame;
    PMMPTE Pte;
    PVOID Va;

    SysvaStart(256, 64);
    CHECK_EQUAL(STATUS_SUCCESS, MiAllocateFrame(MiFrameAny, 0, &Frame));
    MiFlushSystemPtesAtOnce = TRUE;
    Pte = MiReserveSystemPtes(1);
    Va = (PVOID)MiGetVaMappedByPte(Pte);
    Map(Pte, Frame);
    Touch(Va);
    MiReleaseSystemPtes(Pte, 1);
    CHECK(MiIsFreeSystemVa((ULONG_PTR)Va));
    SysvaExpectBugCheck(PAGE_FAULT_IN_NONPAGED_AREA, (ULONG_PTR)Va, SYSVA_ANY, SYSVA_ANY, SYSVA_ANY,
                        Touch, Va);
    MiFreeFrame(Frame);
    SysvaFinish();
}

TEST(ReleaseSystemPtes_refuses_what_was_not_reserved_so)
{
    PMMPTE Run;
    PMMPTE Next;

    SysvaStart(256, 1024);
    Run = MiReserveSystemPtes(40);
    Next = MiReserveSystemPtes(40);
    CHECK_EQUAL((ULONG_PTR)(Run + 40), (ULONG_PTR)Next);
    ExpectMisuse(0x300, Run, 0, 0);
    ExpectMisuse(0x301, MiGetPteAddress(SYSVA_PTES_START) - 1, 1, 0);
    ExpectMisuse(0x301, Run, 1024, 0);
    ExpectMisuse(0x302, Next + 40, 1, (ULONG_PTR)(Next + 40));
    ExpectMisuse(0x302, Next, 41, (ULONG_PTR)(Next + 40));
    ExpectMisuse(0x303, Run, 39, 40);
    ExpectMisuse(0x303, Run, 1, 40);
    ExpectMisuse(0x303, Run, 41, 40);
    ExpectMisuse(0x303, Run + 1, 39, 0);
    ExpectMisuse(0x303, Run, 80, 40);
    MiReleaseSystemPtes(Run, 40);
    ExpectMisuse(0x302, Run, 40, (ULONG_PTR)Run);
    MiReleaseSystemPtes(Next, 40);
    SysvaExpectBugCheck(SYSTEM_PTE_MISUSE, 0x200, 0, 0, 0, ReserveNothing, NULL);
    SysvaFinish();
}

TEST(ReleaseSystemPtes_tells_three_from_four)
{
    PMMPTE Run;

    SysvaStart(256, 1024);
    Run = MiReserveSystemPtes(3); /* one PTE of slack behind it */
    ExpectMisuse(0x302, Run, 4, (ULONG_PTR)(Run + 3));
    ExpectMisuse(0x303, Run, 2, 3);
    MiReleaseSystemPtes(Run, 3);
    SysvaFinish();
}

TEST(ReserveSystemPtes_fails_when_the_test_asks)
{
    PMMPTE First;

    SysvaStart(256, 1024);
    MiFailSystemPteReservation = 2;
    First = MiReserveSystemPtes(5);
    CHECK(First != NULL);
    CHECK_EQUAL(0, (ULONG_PTR)MiReserveSystemPtes(5));
    CHECK_EQUAL(0, MiFailSystemPteReservation);
    MiReleaseSystemPtes(First, 5);
    SysvaFinish();
}

TEST(SystemPtesAllow_keeps_some_for_those_who_must_not_fail)
{
    MI_SYSTEM_PTE_COUNTERS Counters;
    PMMPTE Most;

    SysvaStart(256, 1024);
    MiQuerySystemPtes(&Counters);
    Most = MiReserveSystemPtes(Counters.Total - 40);
    CHECK(!MiSystemPtesAllow(1, LowPagePriority));
    CHECK(MiSystemPtesAllow(24, NormalPagePriority));
    CHECK(!MiSystemPtesAllow(25, NormalPagePriority));
    CHECK(MiSystemPtesAllow(40, HighPagePriority));
    CHECK(!MiSystemPtesAllow(41, HighPagePriority));
    MiReleaseSystemPtes(Most, Counters.Total - 40);
    CHECK(MiSystemPtesAllow(1, LowPagePriority));
    SysvaFinish();
}

TEST(CreateSystemPtes_fails_cleanly_for_want_of_frames)
{
    /* What was made stays: first table; second table; then the page of the bitmaps. */
    static const ULONG Failing[] = {1, 2, 2};
    ULONG i;

    SysvaStart(256, 64);
    for (i = 0; i < RTL_NUMBER_OF(Failing); i++) {
        MiFailFrameAllocation = Failing[i];
        CHECK_EQUAL(STATUS_NO_MEMORY, MiCreateSystemPtes(0xD8000000, 2048));
        CHECK_EQUAL(0, MiFailFrameAllocation);
    }
    CHECK_EQUAL(STATUS_SUCCESS, MiCreateSystemPtes(0xD8000000, 2048));
    MiVerifyPageLists();
    HostMachineDelete();
}

static char Text[4096];
static ULONG TextBytes;

static void Sink(PVOID Context, const char *Piece, SIZE_T Bytes)
{
    (void)Context;
    CHECK(TextBytes + Bytes < sizeof(Text));
    memcpy(Text + TextBytes, Piece, Bytes);
    TextBytes += (ULONG)Bytes;
    Text[TextBytes] = 0;
}

TEST(DumpSystemPtes_prints_totals_queues_and_runs)
{
    PMMPTE First;

    SysvaStart(256, 1024);
    First = MiReserveSystemPtes(1);
    TextBytes = 0;
    MiDumpSystemPtes(Sink, NULL, TRUE);
    CHECK(strstr(Text, "  Total System Ptes 1023\n") != NULL);
    CHECK(strstr(Text, "     SysPtes list of size 1 has 31 free\n") != NULL);
    CHECK(strstr(Text, "     SysPtes list of size 23 has 0 free\n") != NULL);
    CHECK(strstr(Text, "    free ptes: C0340084   number free: 991\n") != NULL);
    CHECK(strstr(Text, "  free blocks: 1   total free: 1022   largest free block: 991\n") != NULL);
    MiReleaseSystemPtes(First, 1);
    SysvaFinish();
}

static void Verify(PVOID Context)
{
    (void)Context;
    MiVerifySystemPtes();
}

TEST(VerifySystemPtes_finds_a_valid_pte_that_nobody_reserved)
{
    PMMPTE Free;

    SysvaStart(256, 1024);
    Free = MiGetPteAddress(SYSVA_PTES_START + 1000 * PAGE_SIZE);
    Map(Free, 5);
    SysvaExpectBugCheck(MEMORY_MANAGEMENT, SYSVA_ANY, SYSVA_ANY, SYSVA_ANY, SYSVA_ANY, Verify,
                        NULL);
    MiWritePte(Free, MiMakeZeroPte());
    SysvaFinish();
}

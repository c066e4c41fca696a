/* SPDX-License-Identifier: MIT */
/*
 * test_hyperspace.c - windows onto single frames.
 */
#include "mm/sysva/hyperspace.h"

#include "mm/pfn/frame.h"
#include "nt/bugcodes.h"
#include "tests/unit/sysva_machine.h"

#include <string.h>

static PFN_NUMBER Take(void)
{
    PFN_NUMBER Frame = 0;

    CHECK_EQUAL(STATUS_SUCCESS, MiAllocateFrame(MiFrameAny, 0, &Frame));
    return Frame;
}

TEST(MapFrameInHyperspace_shows_the_frame_at_dispatch_level)
{
    PFN_NUMBER Frame;
    KIRQL OldIrql;
    ULONG *Va;

    SysvaStart(256, 64);
    Frame = Take();
    Va = MiMapFrameInHyperspace(Frame, &OldIrql);
    CHECK_EQUAL(MI_HYPERSPACE_START, (ULONG_PTR)Va);
    CHECK_EQUAL(PASSIVE_LEVEL, OldIrql);
    CHECK_EQUAL(DISPATCH_LEVEL, KeGetCurrentIrql());
    *Va = 77;
    CHECK_EQUAL(77, *(ULONG *)HostFrame(Frame));
    MiUnmapFrameInHyperspace(Va, OldIrql);
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    MiFreeFrame(Frame);
    SysvaFinish();
}

TEST(MapFrameInHyperspace_never_shows_the_frame_before)
{
    PFN_NUMBER Frames[3];
    ULONG i;

    SysvaStart(256, 64);
    for (i = 0; i < 3; i++) {
        Frames[i] = Take();
        *(ULONG *)HostFrame(Frames[i]) = Frames[i];
    }
    for (i = 0; i < 100; i++) {
        ULONG_PTR Stale;
        KIRQL OldIrql;
        ULONG *Va = MiMapFrameInHyperspace(Frames[i % 3], &OldIrql);

        CHECK_EQUAL(Frames[i % 3], *(volatile ULONG *)Va);
        MiUnmapFrameInHyperspace(Va, OldIrql);
        CHECK(!HostFindStaleTranslation(&Stale));
    }
    for (i = 0; i < 3; i++) {
        MiFreeFrame(Frames[i]);
    }
    SysvaFinish();
}

TEST(ZeroFrame_and_CopyFrame_reach_every_byte)
{
    PFN_NUMBER From;
    PFN_NUMBER To;

    SysvaStart(256, 64);
    From = Take();
    To = Take();
    memset(HostFrame(From), 0xA5, PAGE_SIZE);
    memset(HostFrame(To), 0x11, PAGE_SIZE);
    MiCopyFrame(To, From);
    CHECK_EQUAL(0, memcmp(HostFrame(To), HostFrame(From), PAGE_SIZE));
    MiZeroFrame(To);
    memset(HostFrame(From), 0, PAGE_SIZE);
    CHECK_EQUAL(0, memcmp(HostFrame(To), HostFrame(From), PAGE_SIZE));
    MiFreeFrame(From);
    MiFreeFrame(To);
    SysvaFinish();
}

static void CloseInWrongOrder(PVOID Context)
{
    KIRQL First;
    KIRQL Second;
    PVOID Outer = MiMapFrameInHyperspace(2, &First);

    (void)Context;
    MiMapFrameInHyperspace(3, &Second);
    MiUnmapFrameInHyperspace(Outer, First);
}

static void OpenTooMany(PVOID Context)
{
    KIRQL OldIrql;
    ULONG i;

    (void)Context;
    for (i = 0; i <= MI_HYPERSPACE_WINDOWS; i++) {
        MiMapFrameInHyperspace(2, &OldIrql);
    }
}

TEST(UnmapFrameInHyperspace_closes_the_window_opened_last)
{
    SysvaStart(256, 64);
    HostExpectBugCheck(MEMORY_MANAGEMENT, CloseInWrongOrder, NULL);
    SysvaStart(256, 64);
    HostExpectBugCheck(MEMORY_MANAGEMENT, OpenTooMany, NULL);
    HostMachineDelete();
}

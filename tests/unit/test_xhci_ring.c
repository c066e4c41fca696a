/* SPDX-License-Identifier: MIT */
/*
 * test_xhci_ring.c - rings of TRBs: cycles, chains, the link, room.
 */
#include "tests/unit/disk_bench.h"
#include "tests/unit/xhci_bench.h"

#define LAST (XHCI_RING_TRBS - 1)

static XHCI_RING Ring;

static void Arrange(void)
{
    DiskBenchStart();
    CHECK_EQUAL(STATUS_SUCCESS, XhciCreateRing(&Ring));
}

static void Finish(void)
{
    XhciDeleteRing(&Ring);
    CHECK(Ring.Trbs == NULL);
    DiskBenchFinish();
}

/* One chain of Count TRBs. */
static void Put(ULONG Count)
{
    const XHCI_TRB Trb = {.Low = 0x1000,
                          .Control = XhciTrbNormal << XHCI_TRB_TYPE_SHIFT | XHCI_TRB_CHAIN};
    const XHCI_TRB Final = {.Low = 0x2000, .Control = XhciTrbNormal << XHCI_TRB_TYPE_SHIFT};

    while (Count-- != 0) {
        (void)XhciPut(&Ring, Count != 0 ? &Trb : &Final);
    }
    XhciCommit(&Ring);
}

TEST(Xhci_ring_ends_in_a_link_to_its_beginning)
{
    Arrange();
    CHECK_EQUAL(Ring.Physical, Ring.Trbs[LAST].Low);
    CHECK_EQUAL(6u << 10 | 2, Ring.Trbs[LAST].Control);
    CHECK_EQUAL(0, Ring.Physical % PAGE_SIZE);
    CHECK(XhciRoom(&Ring) >= 64);
    Finish();
}

TEST(Xhci_ring_shows_a_chain_only_when_all_of_it_stands_there)
{
    const XHCI_TRB Trb = {.Control = XHCI_TRB_CHAIN | XHCI_TRB_CYCLE};

    Arrange();
    CHECK_EQUAL(0, XhciPut(&Ring, &Trb));
    CHECK_EQUAL(1, XhciPut(&Ring, &Trb));
    CHECK_EQUAL(2, XhciPut(&Ring, &Trb));
    CHECK_EQUAL(0, Ring.Trbs[0].Control & 1);
    CHECK_EQUAL(1, Ring.Trbs[1].Control & 1);
    CHECK_EQUAL(1, Ring.Trbs[2].Control & 1);
    XhciCommit(&Ring);
    CHECK_EQUAL(1, Ring.Trbs[0].Control & 1);
    CHECK_EQUAL(0, Ring.Trbs[3].Control & 1);
    Finish();
}

TEST(Xhci_ring_takes_its_link_into_a_chain_and_changes_its_cycle)
{
    Arrange();
    Put(LAST - 1);
    CHECK_EQUAL(0, XhciRoom(&Ring));
    XhciFreeTrbs(&Ring, LAST - 1);
    Put(3); /* at the last place, and the first two */
    CHECK_EQUAL(2, Ring.Enqueue);
    CHECK_EQUAL(0, Ring.Cycle);
    CHECK_EQUAL(0x11, Ring.Trbs[LAST].Control & 0x11); /* in the chain, of the first round */
    CHECK_EQUAL(1, Ring.Trbs[LAST - 1].Control & 1);
    CHECK_EQUAL(0, Ring.Trbs[0].Control & 1); /* of the second */
    CHECK_EQUAL(0, Ring.Trbs[1].Control & 1);
    CHECK_EQUAL(1, Ring.Trbs[2].Control & 1); /* still of the first */
    CHECK_EQUAL(2, XhciDistance(LAST - 1, 1));
    CHECK_EQUAL(0, XhciDistance(5, 5));
    Finish();
}

TEST(Xhci_ring_finds_only_what_is_in_it)
{
    XHCI_TRB Event = {0};
    ULONG Index = 77;

    Arrange();
    Event.Low = Ring.Physical + 16 * 9;
    CHECK(XhciFindTrb(&Ring, &Event, &Index) && Index == 9);
    Event.High = 1;
    CHECK(!XhciFindTrb(&Ring, &Event, &Index));
    Event.High = 0;
    Event.Low = Ring.Physical + 16 * LAST; /* the link */
    CHECK(!XhciFindTrb(&Ring, &Event, &Index));
    Event.Low = Ring.Physical + 8;
    CHECK(!XhciFindTrb(&Ring, &Event, &Index));
    Event.Low = Ring.Physical - 16;
    CHECK(!XhciFindTrb(&Ring, &Event, &Index));
    CHECK_EQUAL(9, Index);
    Finish();
}

static void PutTooMuch(PVOID Context)
{
    (void)Context;
    Put(LAST);
}

TEST(Xhci_ring_that_is_full_takes_no_more)
{
    Arrange();
    HostExpectBugCheck(0x1A, PutTooMuch, NULL);
    DiskBenchFinish();
}

TEST(Xhci_ring_is_as_new_after_a_reset)
{
    Arrange();
    Put(100);
    XhciResetRing(&Ring);
    CHECK_EQUAL(0, Ring.Trbs[0].Control);
    CHECK_EQUAL(0, Ring.Enqueue);
    CHECK_EQUAL(LAST - 1, XhciRoom(&Ring));
    Put(1);
    CHECK_EQUAL(1, Ring.Trbs[0].Control & 1);
    Finish();
}

/* SPDX-License-Identifier: MIT */
/*
 * test_xhci_transfer.c - transfers move what they should, and end once whatever the device and
 * the controller say.
 */
#include "tests/unit/xhci_bench.h"

#include <string.h>

#define PORT 3u
#define MANY 24u

static XHCI_BENCH_TRANSFER One, Two;
static XHCI_BENCH_TRANSFER Several[MANY];

static void Finish(void)
{
    XhciBenchFree(&One);
    XhciBenchFree(&Two);
    XhciRemoveDevice(&XhciBenchDevice);
    XhciBenchFinish();
}

/* Write Bytes, read them back.  => Both were whole. */
static void RoundTrip(ULONG Offset, ULONG Bytes)
{
    ULONG i;

    XhciBenchSubmit(&One, XHCI_BENCH_OUT, Offset, 1, 1000); /* allocates the buffer */
    CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&One));
    for (i = 0; i < XHCI_BENCH_BYTES; i++) {
        One.Buffer[i] = (UCHAR)(i * 7 + Bytes);
    }
    XhciBenchSubmit(&One, XHCI_BENCH_OUT, Offset, Bytes, 1000);
    CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&One));
    CHECK_EQUAL(Bytes, One.Transfer.Done);
    XhciBenchSubmit(&Two, XHCI_BENCH_IN, Offset, Bytes, 1000);
    CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&Two));
    CHECK_EQUAL(Bytes, Two.Transfer.Done);
    CHECK_EQUAL(0, memcmp(One.Buffer + Offset, Two.Buffer + Offset, Bytes));
    CHECK(Offset == 0 || Two.Buffer[Offset - 1] == 0);
    CHECK_EQUAL(0, Two.Buffer[Offset + Bytes]);
    memset(Two.Buffer, 0, XHCI_BENCH_BYTES);
}

TEST(Bulk_transfers_move_1_byte_to_64_KB_from_anywhere)
{
    static const ULONG Sizes[] = {1, 31, 512, 513, 4095, 4096, 4097, 8192, 0xFFFF, 0x10000};
    static const ULONG Offsets[] = {0, 1, 511, 0x200, 4095};
    ULONG Versions;
    ULONG i;
    ULONG j;

    for (Versions = 0; Versions < 2; Versions++) {
        XhciBenchStart();
        XhciBenchFinish();
        XhciBenchStartStick(Versions == 0 ? PORT : 5);
        XhciBenchController->Version = XhciBenchMock.Version = Versions == 0 ? 0x100 : 0x96;
        for (i = 0; i < RTL_NUMBER_OF(Sizes); i++) {
            for (j = 0; j < RTL_NUMBER_OF(Offsets); j++) {
                RoundTrip(Offsets[j], Sizes[i]);
            }
        }
        CHECK_EQUAL(0, XhciBenchController->Violations);
        Finish();
    }
}

/* ---- pages that lie apart ---- */

#define APART_PAGES 17u

typedef struct _APART {
    PUCHAR Memory; /* every second page is the buffer's */
    struct {
        MDL Mdl;
        PFN_NUMBER Frames[APART_PAGES];
    } Pages;
} APART;

static PUCHAR At(const APART *Apart, ULONG Offset)
{
    return Apart->Memory + 2 * (Offset - Offset % PAGE_SIZE) + Offset % PAGE_SIZE;
}

static void CreateApart(APART *Apart)
{
    const PHYSICAL_ADDRESS Highest = {.QuadPart = 0xFFFFFFFF};
    ULONG i;

    Apart->Memory = MmAllocateContiguousMemory(2 * APART_PAGES * PAGE_SIZE, Highest);
    CHECK(Apart->Memory != NULL);
    memset(Apart->Memory, 0xEE, 2 * APART_PAGES * PAGE_SIZE);
    MmInitializeMdl(&Apart->Pages.Mdl, NULL, APART_PAGES * PAGE_SIZE);
    for (i = 0; i < APART_PAGES; i++) {
        Apart->Pages.Frames[i] =
            MmGetPhysicalAddress(At(Apart, i * PAGE_SIZE)).LowPart >> PAGE_SHIFT;
    }
}

static void MoveApart(XHCI_BENCH_TRANSFER *Bench, const APART *Apart, UCHAR Endpoint, ULONG Offset,
                      ULONG Bytes)
{
    PMDL Mdl = Bench->Mdl;

    Bench->Mdl = (PMDL)&Apart->Pages.Mdl;
    XhciBenchSubmit(Bench, Endpoint, Offset, Bytes, 1000);
    Bench->Mdl = Mdl;
    CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(Bench));
    CHECK_EQUAL(Bytes, Bench->Transfer.Done);
}

static void RoundTripApart(APART *Out, APART *In, ULONG Offset, ULONG Bytes)
{
    ULONG i;

    for (i = 0; i < Bytes; i++) {
        *At(Out, Offset + i) = (UCHAR)(i * 11 + Bytes);
        *At(In, Offset + i) = 0;
    }
    MoveApart(&One, Out, XHCI_BENCH_OUT, Offset, Bytes);
    MoveApart(&Two, In, XHCI_BENCH_IN, Offset, Bytes);
    for (i = 0; i < Bytes; i++) {
        CHECK_EQUAL((UCHAR)(i * 11 + Bytes), *At(In, Offset + i));
    }
    for (i = 0; i < APART_PAGES * PAGE_SIZE; i += PAGE_SIZE) {
        CHECK_EQUAL(0xEE, At(In, i)[PAGE_SIZE]); /* what lies between them */
    }
}

TEST(Bulk_transfers_move_pages_that_lie_apart)
{
    static const ULONG Sizes[] = {700, 4097, 5000, 9999, 0x10000};
    static const ULONG Offsets[] = {0, 0x200, 4095};
    static APART Out, In;
    ULONG i;

    XhciBenchStartStick(PORT);
    XhciBenchSubmit(&One, XHCI_BENCH_OUT, 0, 1, 1000); /* allocates the benches' own buffers */
    CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&One));
    XhciBenchSubmit(&Two, XHCI_BENCH_OUT, 0, 1, 1000);
    CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&Two));
    CreateApart(&Out);
    CreateApart(&In);
    for (i = 0; i < RTL_NUMBER_OF(Sizes) * RTL_NUMBER_OF(Offsets); i++) {
        RoundTripApart(&Out, &In, Offsets[i % RTL_NUMBER_OF(Offsets)],
                       Sizes[i / RTL_NUMBER_OF(Offsets)]);
    }
    MmFreeContiguousMemory(Out.Memory);
    MmFreeContiguousMemory(In.Memory);
    CHECK_EQUAL(0, XhciBenchController->Violations);
    Finish();
}

TEST(Bulk_transfer_without_data_is_an_empty_packet)
{
    XhciBenchStartStick(PORT);
    XhciBenchSubmit(&One, XHCI_BENCH_OUT, 0, 0, 1000);
    CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&One));
    CHECK_EQUAL(0, One.Transfer.Done);
    CHECK_EQUAL(1, XhciBenchMock.Transfers);
    Finish();
}

TEST(Short_packet_anywhere_ends_a_transfer_with_what_was_moved)
{
    static const LONG Short[] = {1, 13, 4095, 4096, 4097, 20000};
    ULONG i;

    XhciBenchStartStick(PORT);
    for (i = 0; i < RTL_NUMBER_OF(Short); i++) {
        XhciBenchInSays = Short[i];
        XhciBenchSubmit(&One, XHCI_BENCH_IN, 100, 30000, 1000);
        CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&One));
        CHECK_EQUAL(Short[i], One.Transfer.Done);
    }
    Finish();
}

TEST(Several_transfers_on_an_endpoint_end_in_order)
{
    ULONG Round;
    ULONG i;

    XhciBenchStartStick(PORT);
    for (Round = 0; Round < 8; Round++) { /* around the ring */
        for (i = 0; i < MANY; i++) {
            XhciBenchSubmit(&Several[i], XHCI_BENCH_OUT, 0x123, 0x10000, 1000);
        }
        for (i = 0; i < MANY; i++) {
            CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&Several[i]));
            CHECK_EQUAL(0x10000, Several[i].Transfer.Done);
        }
    }
    CHECK(XhciBenchMock.MostAtOnce >= 4); /* those that had no room waited */
    CHECK_EQUAL(8 * MANY, XhciBenchMock.Transfers);
    CHECK_EQUAL(0, XhciBenchController->Violations);
    for (i = 0; i < MANY; i++) {
        XhciBenchFree(&Several[i]);
    }
    Finish();
}

TEST(Control_transfers_go_in_all_directions)
{
    XhciBenchStartStick(PORT);
    XhciBenchSubmitControl(&One, 0x00, 9, 1, 0); /* no data */
    CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&One));
    CHECK_EQUAL(0, One.Transfer.Done);
    memset(One.Buffer, 0x3C, 300);
    XhciBenchSubmitControl(&One, 0x21, 9, 0, 300); /* to the device */
    CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&One));
    CHECK_EQUAL(300, One.Transfer.Done);
    XhciBenchSubmitControl(&Two, 0xA1, 1, 0, 300); /* and back */
    CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&Two));
    CHECK_EQUAL(0, memcmp(One.Buffer, Two.Buffer, 300));
    XhciBenchSubmitControl(&Two, 0x80, 6, 0x0200, 255); /* shorter than asked for */
    CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&Two));
    CHECK_EQUAL(18, Two.Transfer.Done);
    CHECK_EQUAL(0, XhciBenchController->Violations);
    Finish();
}

TEST(Control_transfers_go_around_their_ring)
{
    ULONG i;

    XhciBenchStartStick(PORT);
    for (i = 0; i < 300; i++) {
        XhciBenchSubmitControl(&One, 0x80, 6, (USHORT)i, 18);
        CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&One));
        CHECK_EQUAL((UCHAR)(i + 17), One.Buffer[17]);
    }
    CHECK_EQUAL(0, XhciBenchController->Violations);
    Finish();
}

TEST(Interrupt_transfer_waits_for_ever_and_ends_when_there_is_something)
{
    XhciBenchStartStick(PORT);
    XhciBenchSubmit(&One, XHCI_BENCH_KEYS, 0, 8, 0);
    XhciBenchSleep(20000);
    CHECK_EQUAL(0, One.Completions);
    XhciBenchKey = 0x1C;
    XhciMockWake(&XhciBenchMock);
    CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&One));
    CHECK_EQUAL(8, One.Transfer.Done);
    CHECK_EQUAL(0x1C, One.Buffer[7]);
    Finish();
}

TEST(Submit_refuses_what_cannot_be)
{
    XhciBenchStartStick(PORT);
    XhciBenchSubmit(&One, 0x85, 0, 8, 0); /* no such endpoint */
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, XhciBenchWait(&One));
    XhciBenchSubmit(&One, 0x80, 0, 8, 0);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, XhciBenchWait(&One));
    XhciBenchSubmit(&One, 0x71, 0, 8, 0);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, XhciBenchWait(&One));
    XhciBenchSubmit(&One, XHCI_BENCH_OUT, 0, 0x10001, 0);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, XhciBenchWait(&One));
    XhciBenchSubmit(&One, XHCI_BENCH_OUT, XHCI_BENCH_BYTES - 5, 6, 0); /* behind the MDL's end */
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, XhciBenchWait(&One));
    XhciBenchSubmit(&One, XHCI_BENCH_OUT, XHCI_BENCH_BYTES + 1, 1, 0);
    CHECK_EQUAL(STATUS_INVALID_PARAMETER, XhciBenchWait(&One));
    CHECK_EQUAL(0, XhciBenchMock.Transfers);
    Finish();
}

/* ---- devices that fail ---- */

/* Everything works again. */
static void Recover(UCHAR Endpoint)
{
    XhciBenchInSays = XhciBenchControlSays = 0;
    CHECK_EQUAL(STATUS_SUCCESS, XhciResetEndpoint(&XhciBenchDevice, Endpoint));
    if (Endpoint == 0) {
        XhciBenchSubmitControl(&Two, 0x80, 6, 0, 18);
    } else {
        XhciBenchSubmit(&Two, Endpoint, 0, 1, 1000);
    }
    CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&Two));
}

TEST(Failures_have_their_status_and_the_endpoint_works_after_a_reset)
{
    static const struct {
        LONG Says;
        NTSTATUS Status;
    } Kinds[] = {{XHCI_MOCK_STALL, STATUS_DEVICE_PROTOCOL_ERROR},
                 {XHCI_MOCK_ERROR, STATUS_IO_DEVICE_ERROR},
                 {XHCI_MOCK_BABBLE, STATUS_DATA_OVERRUN}};
    ULONG i;

    XhciBenchStartStick(PORT);
    XhciBenchSubmit(&One, XHCI_BENCH_OUT, 0, 64, 1000);
    CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&One));
    for (i = 0; i < RTL_NUMBER_OF(Kinds); i++) {
        XhciBenchInSays = XhciBenchControlSays = Kinds[i].Says;
        XhciBenchSubmit(&One, XHCI_BENCH_IN, 0, 64, 1000);
        CHECK_EQUAL(Kinds[i].Status, XhciBenchWait(&One));
        CHECK_EQUAL(0, One.Transfer.Done);
        XhciBenchSubmit(&One, XHCI_BENCH_IN, 0, 64, 1000);
        CHECK_EQUAL(STATUS_CANCELLED, XhciBenchWait(&One)); /* not before it is reset */
        Recover(XHCI_BENCH_IN);
        XhciBenchControlSays = Kinds[i].Says;
        XhciBenchSubmitControl(&One, 0x80, 6, 0, 18);
        CHECK_EQUAL(Kinds[i].Status, XhciBenchWait(&One));
        Recover(0);
    }
    CHECK_EQUAL(0, XhciBenchController->Violations);
    Finish();
}

TEST(Transfers_behind_one_that_fails_are_cancelled)
{
    ULONG i;

    XhciBenchStartStick(PORT);
    XhciBenchInSays = XHCI_MOCK_STALL;
    for (i = 0; i < MANY; i++) {
        XhciBenchSubmit(&Several[i], XHCI_BENCH_IN, 1, 0x10000, 1000);
    }
    CHECK_EQUAL(STATUS_DEVICE_PROTOCOL_ERROR, XhciBenchWait(&Several[0]));
    for (i = 1; i < MANY; i++) {
        CHECK_EQUAL(STATUS_CANCELLED, XhciBenchWait(&Several[i]));
    }
    XhciBenchSubmit(&One, XHCI_BENCH_OUT, 0, 1, 1000); /* the other endpoint works */
    CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&One));
    Recover(XHCI_BENCH_IN);
    for (i = 0; i < MANY; i++) {
        XhciBenchFree(&Several[i]);
    }
    Finish();
}

/* ---- controllers that lie ---- */

TEST(Transfer_ends_once_whatever_else_the_controller_says)
{
    static const XHCI_MOCK_ANSWER Answers[] = {XhciMockTwice,       XhciMockWrongPointer,
                                               XhciMockWildPointer, XhciMockWrongSlot,
                                               XhciMockWrongCycle,  XhciMockNoInterrupt};
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Answers); i++) {
        XhciBenchStartStick(PORT);
        XhciBenchMock.TransferAnswer = Answers[i];
        XhciBenchMock.TransferMisbehaves = 2;
        XhciBenchSubmit(&One, XHCI_BENCH_OUT, 0, 600, 1000);
        CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&One));
        CHECK_EQUAL(600, One.Transfer.Done);
        XhciBenchSubmitControl(&Two, 0x80, 6, 0, 40);
        CHECK_EQUAL(STATUS_SUCCESS, XhciBenchWait(&Two));
        CHECK_EQUAL(18, Two.Transfer.Done);
        XhciBenchSleep(300);
        CHECK_EQUAL(1, One.Completions);
        CHECK_EQUAL(1, Two.Completions);
        CHECK_EQUAL(Answers[i] != XhciMockWrongCycle && Answers[i] != XhciMockNoInterrupt ? 3 : 0,
                    XhciBenchController->Violations);
        Finish();
    }
}

TEST(Transfer_that_counts_more_bytes_than_there_were_fails)
{
    XhciBenchStartStick(PORT);
    XhciBenchMock.TransferAnswer = XhciMockTooLong;
    XhciBenchMock.TransferMisbehaves = 1;
    XhciBenchSubmit(&One, XHCI_BENCH_OUT, 0, 600, 1000);
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, XhciBenchWait(&One));
    CHECK_EQUAL(0, One.Transfer.Done);
    CHECK_EQUAL(1, XhciBenchController->Violations);
    Recover(XHCI_BENCH_OUT);
    XhciBenchMock.TransferMisbehaves = 1;
    XhciBenchSubmitControl(&One, 0x80, 6, 0, 40);
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, XhciBenchWait(&One));
    Recover(0);
    Finish();
}

TEST(Control_transfer_whose_data_nobody_told_of_fails)
{
    ULONG Event[4] = {0, 0, 1u << 24, 0};

    XhciBenchStartStick(PORT);
    XhciBenchMock.TransferAnswer = XhciMockSilent;
    XhciBenchMock.TransferMisbehaves = 1;
    XhciBenchSubmitControl(&One, 0x80, 6, 0, 40);
    XhciBenchSleep(20);
    Event[0] = (ULONG)XhciMockRingPlace(&XhciBenchMock, XhciBenchStick.Slot, 1, 3); /* status */
    Event[3] = XhciBenchStick.Slot << 24 | 1u << 16 | 32u << 10;
    CHECK(XhciMockEvent(&XhciBenchMock, Event));
    CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, XhciBenchWait(&One));
    XhciBenchMock.TransferMisbehaves = 0;
    Recover(0);
    Finish();
}

TEST(Transfer_that_ends_with_a_code_of_no_meaning_fails)
{
    static const ULONG Codes[] = {0, 5, 200, 255};
    ULONG i;

    XhciBenchStartStick(PORT);
    for (i = 0; i < RTL_NUMBER_OF(Codes); i++) {
        XhciBenchMock.TransferAnswer = XhciMockCode;
        XhciBenchMock.TransferMisbehaves = 1;
        XhciBenchMock.Code = Codes[i];
        XhciBenchSubmit(&One, XHCI_BENCH_OUT, 0, 600, 1000);
        CHECK_EQUAL(STATUS_IO_DEVICE_ERROR, XhciBenchWait(&One));
        Recover(XHCI_BENCH_OUT);
    }
    Finish();
}

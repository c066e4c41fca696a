/* SPDX-License-Identifier: MIT */
/*
 * test_pci_resources.c - address ranges, capabilities and messages of made-up PCI functions.
 */
#include "pci.h"
#include "tests/host/device.h"
#include "tests/host/machine.h"
#include "tests/unit/test.h"

#include <string.h>

static const HAL_PCI_FUNCTION Where = {1, 3, 2};
static PCI_MOCK *Mock;
static ULONG Interrupts;

static void Arrange(void)
{
    HostMachineCreate(16, TestSeed());
    DeviceReset();
    PciMockAdd(1, 3, 0, 0x12348086, 0x060000)->Space[PCI_HEADER_TYPE] = 0x80;
    Mock = PciMockAdd(1, 3, 2, 0x56788086, 0x010601);
    Interrupts = 0;
}

static void Finish(void)
{
    HostMachineDelete();
    DeviceReset();
}

static void Interrupt(PVOID Context)
{
    CHECK(Context == &Interrupts);
    CHECK_EQUAL(DEVICE_LEVEL, KeGetCurrentIrql());
    Interrupts++;
}

TEST(QueryRange_finds_base_and_size_of_32_and_64_bits)
{
    PCI_RANGE Range;

    Arrange();
    PciMockRange(Mock, 0, 0xC1010000, 0x1000, FALSE);
    PciMockRange(Mock, 2, 0xE000004000, 0x4000, TRUE);
    PciMockRange(Mock, 4, 0x800000000, 1ull << 33, TRUE);
    CHECK_EQUAL(STATUS_SUCCESS, PciQueryRange(Where, 0, &Range));
    CHECK(Range.Base == 0xC1010000 && Range.Bytes == 0x1000 && !Range.Io);
    CHECK_EQUAL(STATUS_SUCCESS, PciQueryRange(Where, 2, &Range));
    CHECK(Range.Base == 0xE000004000 && Range.Bytes == 0x4000 && !Range.Io);
    CHECK_EQUAL(STATUS_SUCCESS, PciQueryRange(Where, 4, &Range));
    CHECK(Range.Base == 0x800000000 && Range.Bytes == 1ull << 33);
    CHECK_EQUAL(0xC1010000, PciMockLong(Mock, PCI_BASE_ADDRESS));
    CHECK_EQUAL(0xE000004000 >> 32, PciMockLong(Mock, PCI_BASE_ADDRESS + 12));
    CHECK_EQUAL(0, Mock->SizedWhileOn);
    CHECK_EQUAL(PCI_COMMAND_MEMORY, Mock->Space[PCI_COMMAND]);
    Finish();
}

TEST(QueryRange_finds_ports)
{
    PCI_RANGE Range;

    Arrange();
    PciMockSetLong(Mock, PCI_BASE_ADDRESS, 0x6041);
    Mock->RangeMasks[0] = 0xFFE0; /* 16 bits are decoded */
    CHECK_EQUAL(STATUS_SUCCESS, PciQueryRange(Where, 0, &Range));
    CHECK(Range.Base == 0x6040 && Range.Bytes == 0x20 && Range.Io);
    Finish();
}

TEST(QueryRange_refuses_what_is_absent_unassigned_or_half)
{
    PCI_RANGE Range = {.Base = 1};

    Arrange();
    PciMockRange(Mock, 0, 0xE000004000, 0x4000, TRUE);
    PciMockRange(Mock, 2, 0, 0x1000, FALSE);
    PciMockSetLong(Mock, PCI_BASE_ADDRESS + 20, 0xC0000004); /* 64 bits in the last register */
    CHECK_EQUAL(STATUS_NOT_FOUND, PciQueryRange(Where, 1, &Range));
    CHECK_EQUAL(STATUS_NOT_FOUND, PciQueryRange(Where, 2, &Range));
    CHECK_EQUAL(STATUS_NOT_FOUND, PciQueryRange(Where, 3, &Range));
    CHECK_EQUAL(STATUS_NOT_FOUND, PciQueryRange(Where, 4, &Range));
    CHECK_EQUAL(STATUS_NOT_FOUND, PciQueryRange(Where, 5, &Range));
    CHECK_EQUAL(STATUS_NOT_FOUND, PciQueryRange(Where, 6, &Range));
    CHECK_EQUAL(1, Range.Base);
    Finish();
}

TEST(FindCapability_walks_the_list)
{
    ULONG First;
    ULONG Second;

    Arrange();
    CHECK_EQUAL(0, PciFindCapability(Where, PCI_CAP_VENDOR, 0));
    First = PciMockCapability(Mock, PCI_CAP_VENDOR, 16);
    PciMockCapability(Mock, PCI_CAP_MSI, 16);
    Second = PciMockCapability(Mock, PCI_CAP_VENDOR, 16);
    CHECK_EQUAL(First, PciFindCapability(Where, PCI_CAP_VENDOR, 0));
    CHECK_EQUAL(Second, PciFindCapability(Where, PCI_CAP_VENDOR, First));
    CHECK_EQUAL(0, PciFindCapability(Where, PCI_CAP_VENDOR, Second));
    Finish();
}

TEST(FindCapability_comes_back_from_a_list_that_runs_in_a_circle_or_into_the_header)
{
    ULONG First;

    Arrange();
    First = PciMockCapability(Mock, PCI_CAP_MSI, 16);
    Mock->Space[First + 1] = (UCHAR)First;
    CHECK_EQUAL(0, PciFindCapability(Where, PCI_CAP_VENDOR, 0));
    Mock->Space[First + 1] = 0x10;
    CHECK_EQUAL(0, PciFindCapability(Where, PCI_CAP_VENDOR, 0));
    Finish();
}

TEST(ConnectMessage_uses_MSI_X_first_and_interrupts)
{
    PCI_MESSAGE Message = {0};

    Arrange();
    PciMockCapability(Mock, PCI_CAP_MSI, 16);
    PciMockMsix(Mock, 5, 0x90000000);
    CHECK_EQUAL(STATUS_SUCCESS, PciConnectMessage(Where, Interrupt, &Interrupts, &Message));
    CHECK(Message.Extended);
    PciMockInterrupt(Mock);
    CHECK_EQUAL(1, Interrupts);
    PciDisconnectMessage(Where, &Message);
    PciMockInterrupt(Mock);
    CHECK_EQUAL(1, Interrupts);
    CHECK_EQUAL(0, RegistersMapped());
    CHECK_EQUAL(0, MessagesConnected());
    Finish();
}

static void TryMsi(USHORT Control)
{
    PCI_MESSAGE Message = {0};
    ULONG Capability;

    Arrange();
    Capability = PciMockCapability(Mock, PCI_CAP_MSI, 24);
    PciMockSetLong(Mock, Capability, PciMockLong(Mock, Capability) | (ULONG)Control << 16);
    if (Control & 0x100) {
        PciMockSetLong(Mock, Capability + (Control & 0x80 ? 16 : 12), 0xFF); /* all are masked */
    }
    CHECK_EQUAL(STATUS_SUCCESS, PciConnectMessage(Where, Interrupt, &Interrupts, &Message));
    CHECK(!Message.Extended);
    CHECK_EQUAL(1, Mock->Space[Capability + 2] & 0x71); /* enabled, with one message */
    PciMockInterrupt(Mock);
    CHECK_EQUAL(1, Interrupts);
    PciDisconnectMessage(Where, &Message);
    PciMockInterrupt(Mock);
    CHECK_EQUAL(1, Interrupts);
    CHECK_EQUAL(0, MessagesConnected());
    Finish();
}

TEST(ConnectMessage_uses_MSI_of_32_and_64_bits)
{
    TryMsi(0x00);
    TryMsi(0x80);
    TryMsi(0x80 | 0x30 | 0x06); /* firmware left eight messages on */
}

TEST(ConnectMessage_takes_away_the_mask_that_firmware_left)
{
    TryMsi(0x100);
    TryMsi(0x180);
}

TEST(ConnectMessage_without_messages_is_not_supported)
{
    PCI_MESSAGE Message = {0};

    Arrange();
    CHECK_EQUAL(STATUS_NOT_SUPPORTED, PciConnectMessage(Where, Interrupt, &Interrupts, &Message));
    CHECK_EQUAL(0, Message.Capability);
    PciDisconnectMessage(Where, &Message); /* nothing to do */
    Finish();
}

TEST(ConnectMessage_does_not_believe_a_table_outside_of_its_range)
{
    PCI_MESSAGE Message = {0};
    ULONG Capability;

    Arrange();
    Capability = PciMockMsix(Mock, 5, 0x90000000);
    PciMockSetLong(Mock, Capability + 4, 0x1000 | 5);
    CHECK_EQUAL(STATUS_NOT_SUPPORTED, PciConnectMessage(Where, Interrupt, &Interrupts, &Message));
    CHECK_EQUAL(0, MessagesConnected());
    Finish();
}

TEST(ConnectMessage_without_a_vector_gives_its_table_back)
{
    PCI_MESSAGE Message = {0};

    Arrange();
    PciMockMsix(Mock, 5, 0x90000000);
    MessagesFail(1);
    CHECK_EQUAL(STATUS_INSUFFICIENT_RESOURCES,
                PciConnectMessage(Where, Interrupt, &Interrupts, &Message));
    CHECK_EQUAL(0, RegistersMapped());
    Finish();
}

TEST(TakeFunction_keeps_StopBusMasters_from_it_until_it_is_released)
{
    HAL_BUS_MASTERS Masters;

    Arrange();
    CHECK_EQUAL(STATUS_SUCCESS, PciTakeFunction(Where));
    CHECK_EQUAL(STATUS_SUCCESS, PciTakeFunction(Where)); /* one entry */
    CHECK_EQUAL(0, Mock->Space[PCI_COMMAND] & PCI_COMMAND_MASTER);
    CHECK_EQUAL(STATUS_SUCCESS, PciEnableMaster(Where));
    Masters = HalStopBusMasters();
    CHECK_EQUAL(1, Masters.Driven);
    CHECK_EQUAL(0, Masters.Stopped);
    CHECK_EQUAL(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, Mock->Space[PCI_COMMAND]);
    PciReleaseFunction(Where);
    CHECK_EQUAL(0, Mock->Space[PCI_COMMAND] & PCI_COMMAND_MASTER);
    Mock->Space[PCI_COMMAND] |= PCI_COMMAND_MASTER;
    Masters = HalStopBusMasters();
    CHECK_EQUAL(0, Masters.Driven);
    CHECK_EQUAL(1, Masters.Stopped);
    Finish();
}

TEST(TakeFunction_refuses_what_is_gone)
{
    Arrange();
    Mock->Gone = TRUE;
    CHECK_EQUAL(STATUS_NO_SUCH_DEVICE, PciTakeFunction(Where));
    Finish();
}

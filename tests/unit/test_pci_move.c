/* SPDX-License-Identifier: MIT */
/*
 * test_pci_move.c - registers out of reach are given addresses that nobody has, or stay.
 *
 * A mapping of addresses that nobody claimed fails: they are out of reach.
 */
#include "arch/port.h"
#include "pci.h"
#include "tests/host/device.h"
#include "tests/host/machine.h"
#include "tests/unit/test.h"

#include <string.h>

#define FAR     0x20000000000ull /* 2 TB */
#define BYTES   0x4000u
#define SCREEN  0xC0000000u
#define BESIDE  0xC1000000u /* the first place behind the screen */
#define COMMAND (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)

static const HAL_PCI_FUNCTION Where = {0, 4, 0};
static PCI_MOCK *Mock;
static ULONG Answer;

static ULONG Read(void *Device, ULONG Offset, ULONG Width)
{
    (void)Offset;
    CHECK_EQUAL(4, Width);
    return *(const ULONG *)Device;
}

static void Write(void *Device, ULONG Offset, ULONG Width, ULONG Value)
{
    (void)Offset;
    (void)Width;
    *(ULONG *)Device = Value;
}

static void Claim(ULONG64 Place)
{
    RegistersClaim(Place, BYTES, Read, Write, &Answer);
}

/* A display of 16 MB on bus 0, and a controller out of reach. */
static void ArrangeOnBus(ULONG Bus)
{
    HostMachineCreate(16, TestSeed());
    HostConsoleClear();
    DeviceReset();
    AddressesFree(0xC0000000, 0xFEC00000);
    Answer = 0x00010400;
    PciMockRange(PciMockAdd(0, 2, 0, 0x11111234, 0x030000), 0, SCREEN, 0x1000000, FALSE);
    Mock = PciMockAdd(Bus, 4, 0, 0x00101B36, 0x010802);
    PciMockRange(Mock, 0, FAR, BYTES, TRUE);
    Mock->Space[PCI_COMMAND] = COMMAND;
}

static void Arrange(void)
{
    ArrangeOnBus(0);
}

static ULONG64 Base(const PCI_MOCK *F)
{
    return (ULONG64)PciMockLong(F, PCI_BASE_ADDRESS + 4) << 32 |
           (PciMockLong(F, PCI_BASE_ADDRESS) & ~0xFu);
}

static void Finish(void)
{
    CHECK_EQUAL(0, Mock->SizedWhileOn); /* decoding was off whenever an address was written */
    CHECK_EQUAL(0, RegistersMapped());
    HostMachineDelete();
    DeviceReset();
}

static void ExpectMovedTo(ULONG64 Place)
{
    volatile ULONG *Registers = PciMapRegisters(Where, 0, 0x10, 0x100);

    CHECK(Registers != NULL);
    CHECK_EQUAL(0x00010400, READ_REGISTER_ULONG(Registers));
    CHECK_EQUAL(Place, Base(Mock));
    CHECK_EQUAL(COMMAND, Mock->Space[PCI_COMMAND]);
    CHECK_EQUAL(4, PciMockLong(Mock, PCI_BASE_ADDRESS) & 0xF);
    CHECK(strstr(HostConsoleText(), "00:04.0: registers moved to ") != NULL);
    HalUnmapRegisters((PVOID)Registers, 0x100);
    Finish();
}

static void ExpectStays(USHORT Command)
{
    CHECK(PciMapRegisters(Where, 0, 0, 0x100) == NULL);
    CHECK(FAR == (Base(Mock) & FAR));
    CHECK_EQUAL(Command, Mock->Space[PCI_COMMAND]);
    CHECK_TEXT("", HostConsoleText());
    Finish();
}

TEST(MapRegisters_leaves_what_it_reaches_where_it_is)
{
    PVOID Registers;

    Arrange();
    Claim(FAR);
    Registers = PciMapRegisters(Where, 0, 0, BYTES);
    CHECK(Registers != NULL && Base(Mock) == FAR);
    CHECK_TEXT("", HostConsoleText());
    HalUnmapRegisters(Registers, BYTES);
    CHECK(PciMapRegisters(Where, 0, 1, BYTES) == NULL); /* beyond its end */
    CHECK(PciMapRegisters(Where, 0, BYTES + 1, 0) == NULL);
    CHECK(PciMapRegisters(Where, 2, 0, 1) == NULL);
    Finish();
}

TEST(MapRegisters_moves_what_is_out_of_reach_beside_a_range_of_bus_0)
{
    Arrange();
    Claim(BESIDE);
    ExpectMovedTo(BESIDE);
}

TEST(MapRegisters_finds_what_it_moved_again)
{
    PVOID First;
    PVOID Second;

    Arrange();
    Claim(BESIDE);
    First = PciMapRegisters(Where, 0, 0, 0x100);
    HostConsoleClear();
    Second = PciMapRegisters(Where, 0, 0x2000, 0x10);
    CHECK(First != NULL && (PUCHAR)Second == (PUCHAR)First + 0x2000);
    CHECK_TEXT("", HostConsoleText());
    HalUnmapRegisters(First, 0x100);
    HalUnmapRegisters(Second, 0x10);
    Finish();
}

TEST(MapRegisters_moves_two_controllers_to_two_places)
{
    const HAL_PCI_FUNCTION Other = {0, 5, 0};
    PCI_MOCK *Second;
    PVOID Registers[2];

    Arrange();
    Second = PciMockAdd(0, 5, 0, 0x000D1B36, 0x0C0330);
    PciMockRange(Second, 0, FAR + BYTES, BYTES, TRUE);
    Claim(BESIDE);
    Claim(BESIDE + BYTES);
    Registers[0] = PciMapRegisters(Where, 0, 0, BYTES);
    Registers[1] = PciMapRegisters(Other, 0, 0, BYTES);
    CHECK(Registers[0] != NULL && Registers[1] != NULL);
    CHECK_EQUAL(BESIDE, Base(Mock));
    CHECK_EQUAL(BESIDE + BYTES, Base(Second));
    CHECK_EQUAL(0, Second->SizedWhileOn);
    HalUnmapRegisters(Registers[0], BYTES);
    HalUnmapRegisters(Registers[1], BYTES);
    Finish();
}

TEST(MapRegisters_gives_no_address_that_a_function_or_a_ROM_has)
{
    Arrange();
    PciMockRange(PciMockAdd(1, 0, 0, 0x22221234, 0x020000), 0, BESIDE, 0x4000, FALSE);
    PciMockRange(PciMockAdd(0, 3, 0, 0x29228086, 0x010601), 5, BESIDE + 0x4000, 0x1000, FALSE);
    PciMockSetLong(PciMockAdd(0, 6, 0, 0x44441234, 0x020000), 0x30, 0xC1008001); /* 32 KB */
    Claim(BESIDE + 0x10000);
    ExpectMovedTo(BESIDE + 0x10000);
}

TEST(MapRegisters_gives_no_address_that_a_bridge_passes_on)
{
    PCI_MOCK *Bridge;

    Arrange();
    Bridge = PciMockAdd(0, 28, 0, 0x33331234, 0x060400);
    Bridge->Space[PCI_HEADER_TYPE] = 1;
    PciMockRange(Bridge, 0, 0xC1500000, 0x4000, FALSE);
    PciMockSetLong(Bridge, 0x18, 0x00010100);
    PciMockSetLong(Bridge, 0x20, 0xC120C110); /* C1100000 - C12FFFFF */
    PciMockSetLong(Bridge, 0x24, 0xC141C131); /* C1300000 - C14FFFFF, of 64 bits */
    AddressesFree(0xC1100000, 0xC1504000);    /* as far as the machine knows */
    Claim(0xC12FC000);
    Claim(0xC14FC000);
    ExpectStays(COMMAND);
}

TEST(MapRegisters_goes_below_a_range_when_above_is_not_free)
{
    Arrange();
    PciMockRange(PciMockAdd(0, 31, 0, 0x29228086, 0x010601), 5, 0xC8010000, 0x1000, FALSE);
    AddressesFree(0xC8000000, 0xC8011000);
    Claim(0xC800C000);
    ExpectMovedTo(0xC800C000);
}

TEST(MapRegisters_stays_near_what_firmware_gave_out)
{
    Arrange();
    AddressesFree(0xD0000000, 0xFEC00000); /* 256 MB further */
    PciMockRange(PciMockAdd(0, 3, 0, 0x11111234, 0x030000), 0, 0xC8000000, 0x8000000, FALSE);
    ExpectStays(COMMAND);
}

TEST(MapRegisters_moves_nothing_when_no_address_is_free)
{
    Arrange();
    AddressesFree(0, 0);
    ExpectStays(COMMAND);
}

TEST(MapRegisters_moves_nothing_when_a_bridge_s_windows_are_not_known)
{
    Arrange();
    PciMockAdd(0, 9, 0, 0x55551234, 0x060700)->Space[PCI_HEADER_TYPE] = 2;
    Claim(BESIDE);
    ExpectStays(COMMAND);
}

TEST(MapRegisters_puts_the_address_back_when_nobody_answers_or_nothing_maps_the_new_one)
{
    Arrange();
    Claim(BESIDE);
    Answer = 0xFFFFFFFF;
    ExpectStays(COMMAND);
    Arrange();
    ExpectStays(COMMAND); /* nobody claimed it */
}

TEST(MapRegisters_puts_the_address_back_when_the_function_does_not_take_the_new_one)
{
    Arrange();
    Claim(BESIDE);
    Mock->RangeMasks[1] &= ~(ULONG)(FAR >> 32); /* a bit that cannot be cleared */
    ExpectStays(COMMAND);
}

TEST(MapRegisters_leaves_ranges_behind_bridges_and_large_ones)
{
    const HAL_PCI_FUNCTION Behind = {1, 4, 0};

    ArrangeOnBus(1);
    Claim(BESIDE);
    CHECK(PciMapRegisters(Behind, 0, 0, 0x100) == NULL);
    CHECK_EQUAL(FAR, Base(Mock));
    Finish();
    Arrange();
    PciMockRange(Mock, 0, FAR, 0x800000, TRUE);
    Claim(BESIDE);
    ExpectStays(COMMAND);
}

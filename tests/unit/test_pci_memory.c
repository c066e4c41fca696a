/* SPDX-License-Identifier: MIT */
/*
 * test_pci_memory.c - configuration space in memory: which buses are mapped, and what it is worth.
 */
#include "pci.h"
#include "tests/host/device.h"
#include "tests/unit/test.h"

#define BASE     0xB0000000ull
#define BUS      0x100000u
#define BRIDGE   0x060400u
#define EXTENDED 0x100u

static const HAL_PCI_FUNCTION Disk = {3, 5, 1};
static const HAL_PCI_FUNCTION Absent = {3, 6, 0};
static ULONG Visits;

static void Count(HAL_PCI_FUNCTION F, PVOID Context)
{
    (void)F;
    (void)Context;
    Visits++;
}

static ULONG CountFunctions(void)
{
    Visits = 0;
    PciEnumerate(Count, NULL);
    return Visits;
}

/* Bus 0 with a bridge to bus 3, and a function with two functions there. */
static PCI_MOCK *Arrange(void)
{
    PCI_MOCK *Bridge;
    PCI_MOCK *First;
    PCI_MOCK *Second;

    DeviceReset();
    PciMockAdd(0, 0, 0, 0x11118086, 0x060000);
    Bridge = PciMockAdd(0, 2, 0, 0x22228086, BRIDGE);
    Bridge->Space[PCI_HEADER_TYPE] = 1;
    Bridge->Space[0x19] = 3;
    First = PciMockAdd(3, 5, 0, 0x33338086, 0x010601);
    First->Space[PCI_HEADER_TYPE] = 0x80;
    Second = PciMockAdd(3, 5, 1, 0x44448086, 0x010802);
    PciMockSetLong(Second, EXTENDED, 0x00010001);
    return Second;
}

TEST(PciMapBuses_maps_the_buses_that_have_functions)
{
    PCI_MOCK *Mock = Arrange();
    const ULONG *First = PciMockMemory(0, BASE);
    const ULONG *Third = PciMockMemory(3, BASE + 3 * BUS);
    ULONG Before;

    CHECK_EQUAL(0xFFFFFFFF, PciReadLong(Disk, EXTENDED)); /* beyond the ports */
    CHECK_EQUAL(2, PciMapBuses(BASE, 0, 0xFF));
    CHECK_EQUAL(2, RegistersMapped());
    CHECK(*First != 0);
    Before = *Third;
    CHECK_EQUAL(0x44448086, PciReadLong(Disk, PCI_VENDOR_ID));
    CHECK_EQUAL(0x4444, PciReadWord(Disk, PCI_DEVICE_ID));
    CHECK_EQUAL(0x44, PciReadByte(Disk, PCI_DEVICE_ID));
    PciWriteWord(Disk, PCI_COMMAND, PCI_COMMAND_MASTER);
    CHECK_EQUAL(PCI_COMMAND_MASTER, Mock->Space[PCI_COMMAND]);
    CHECK_EQUAL(0x00010001, PciReadLong(Disk, EXTENDED));
    PciWriteLong(Disk, EXTENDED + 4, 0x12345678);
    CHECK_EQUAL(0x12345678, PciMockLong(Mock, EXTENDED + 4));
    CHECK_EQUAL(0xFFFFFFFF, PciReadLong(Absent, PCI_VENDOR_ID));
    CHECK_EQUAL(Before + 7, *Third);
    CHECK_EQUAL(4, CountFunctions());
    PciUnmapBuses();
    CHECK_EQUAL(0, RegistersMapped());
    CHECK_EQUAL(0x44448086, PciReadLong(Disk, PCI_VENDOR_ID));
    DeviceReset();
}

TEST(PciMapBuses_follows_bridges_where_there_are_no_ports)
{
    Arrange();
    PciMockMemory(0, BASE);
    PciMockMemory(3, BASE + 3 * BUS);
    PciMockNoPorts();
    CHECK_EQUAL(0, CountFunctions());
    CHECK_EQUAL(2, PciMapBuses(BASE, 0, 0xFF));
    CHECK_EQUAL(4, CountFunctions());
    CHECK_EQUAL(0x44448086, PciReadLong(Disk, PCI_VENDOR_ID));
    PciUnmapBuses();
    CHECK_EQUAL(0, CountFunctions());
    DeviceReset();
}

TEST(PciMapBuses_keeps_to_the_ports_where_the_memory_shows_somebody_else)
{
    Arrange();
    PciMockMemory(7, BASE); /* nobody is on bus 7 */
    PciMockMemory(3, BASE + 3 * BUS);
    CHECK_EQUAL(1, PciMapBuses(BASE, 0, 0xFF));
    CHECK_EQUAL(1, RegistersMapped());
    CHECK_EQUAL(4, CountFunctions());
    PciUnmapBuses();
    DeviceReset();
}

TEST(PciMapBuses_maps_nothing_where_nobody_answers)
{
    Arrange();
    PciMockMemory(7, BASE);
    PciMockNoPorts();
    CHECK_EQUAL(0, PciMapBuses(BASE, 0, 0xFF));
    CHECK_EQUAL(0, RegistersMapped());
    DeviceReset();
}

TEST(PciMapBuses_keeps_to_the_buses_that_it_is_told)
{
    Arrange();
    PciMockMemory(3, BASE);
    CHECK_EQUAL(1, PciMapBuses(BASE, 3, 3));
    CHECK_EQUAL(0x00010001, PciReadLong(Disk, EXTENDED));
    PciUnmapBuses();
    DeviceReset();
}

TEST(PciMapBuses_refuses_ranges_that_make_no_sense_or_lie_above_4_GB)
{
    Arrange();
    PciMockMemory(0, BASE);
    CHECK_EQUAL(0, PciMapBuses(0, 0, 0xFF));
    CHECK_EQUAL(0, PciMapBuses(BASE, 5, 4));
    CHECK_EQUAL(0, PciMapBuses(BASE, 0, 0x100));
    CHECK_EQUAL(0, PciMapBuses(0xE000000000ull, 0, 0xFF));
    CHECK_EQUAL(0, PciMapBuses(0xF8000000, 0, 0xFF));
    CHECK_EQUAL(0, PciMapBuses(0xFFFFFFFFFFF00000ull, 0, 0));
    DeviceReset();
}

TEST(PciMapBuses_out_of_reach_keeps_to_the_ports)
{
    Arrange();
    PciMockMemory(0, BASE);
    RegistersOutOfReach(TRUE);
    CHECK_EQUAL(0, PciMapBuses(BASE, 0, 0xFF));
    CHECK_EQUAL(4, CountFunctions());
    DeviceReset();
}

/* SPDX-License-Identifier: MIT */
/*
 * test_pci.c - stopping bus masters in a made-up configuration space.
 */
#include "pci.h"
#include "tests/host/ports.h"
#include "tests/unit/test.h"

#include <string.h>

#define FUNCTION_LIMIT 16u
#define HEADER_BYTES   64u

#define ADDRESS_PORT   0xCF8
#define MULTIPLE       0x80
#define MASTER_ON      0x0007 /* I/O, memory, bus master */
#define STATUS_BITS    0x02B0

enum {
    ClassStorage = 0x01,
    ClassDisplay = 0x03,
    ClassBridge = 0x06,
    ClassSerialBus = 0x0C
};

typedef struct _FUNCTION {
    ULONG Address;    /* bus << 16 | device << 11 | function << 8 */
    BOOLEAN Stubborn; /* its command does not change */
    UCHAR Space[HEADER_BYTES];
} FUNCTION;

static FUNCTION Functions[FUNCTION_LIMIT];
static ULONG FunctionCount;
static ULONG Address;
static ULONG StatusWrites;
static BOOLEAN NoMechanism;

static FUNCTION *Selected(void)
{
    ULONG i;

    for (i = 0; i < FunctionCount; i++) {
        if ((Address & 0x80000000) != 0 && (Address & 0x00FFFF00) == Functions[i].Address) {
            return &Functions[i];
        }
    }
    return NULL;
}

static ULONG Read(void *Device, USHORT Offset, ULONG Width)
{
    FUNCTION *F = Selected();
    ULONG Register = (Address & 0xFC) + Offset - 4;
    ULONG Value = 0xFFFFFFFF;

    (void)Device;
    if (Offset < 4) {
        return NoMechanism ? 0xFFFFFFFF : Address;
    }
    CHECK(Offset % Width == 0);
    if (F != NULL && Register + Width <= HEADER_BYTES) {
        Value = 0;
        memcpy(&Value, F->Space + Register, Width);
    }
    return Value;
}

static void Write(void *Device, USHORT Offset, ULONG Width, ULONG Value)
{
    FUNCTION *F = Selected();
    ULONG Register = (Address & 0xFC) + Offset - 4;

    (void)Device;
    if (Offset < 4) {
        CHECK(Offset == 0 && Width == 4);
        Address = Value;
        return;
    }
    CHECK(F != NULL); /* nothing is written to who is not there */
    CHECK_EQUAL(PCI_COMMAND, Register);
    StatusWrites += Width > 2;
    if (!F->Stubborn) {
        memcpy(F->Space + Register, &Value, Width);
    }
}

static void Arrange(void)
{
    UCHAR i;

    PortsReset();
    PortsClaim(ADDRESS_PORT, 8, Read, Write, NULL);
    FunctionCount = StatusWrites = Address = 0;
    NoMechanism = FALSE;
    memset(Functions, 0, sizeof(Functions));
    for (i = 0; i < 32; i++) {
        PciReleaseFunction((HAL_PCI_FUNCTION){0, i, 0}); /* another test's driver may have it */
    }
}

static FUNCTION *Add(ULONG Bus, ULONG Device, ULONG Number, UCHAR Class, UCHAR Header)
{
    FUNCTION *F = &Functions[FunctionCount++];

    CHECK(FunctionCount <= FUNCTION_LIMIT);
    F->Address = Bus << 16 | Device << 11 | Number << 8;
    memcpy(F->Space + PCI_VENDOR_ID, "\x36\x1B", 2);
    memcpy(F->Space + PCI_COMMAND, &(USHORT){MASTER_ON}, 2);
    memcpy(F->Space + PCI_COMMAND + 2, &(USHORT){STATUS_BITS}, 2);
    F->Space[PCI_CLASS_REVISION + 3] = Class;
    F->Space[PCI_HEADER_TYPE] = Header;
    return F;
}

static USHORT Command(const FUNCTION *F)
{
    USHORT Value;

    memcpy(&Value, F->Space + PCI_COMMAND, sizeof(Value));
    return Value;
}

TEST(StopBusMasters_clears_that_bit_and_no_other)
{
    FUNCTION *Disk;
    HAL_BUS_MASTERS Result;

    Arrange();
    Disk = Add(0, 31, 0, ClassStorage, 0);
    Result = HalStopBusMasters();
    CHECK(Result.Present);
    CHECK_EQUAL(1, Result.Functions);
    CHECK_EQUAL(1, Result.Stopped);
    CHECK_EQUAL(0, Result.Refused);
    CHECK_EQUAL(MASTER_ON & ~PCI_COMMAND_MASTER, Command(Disk));
    CHECK_EQUAL(0, StatusWrites); /* status bits are cleared by writing ones */
    CHECK_EQUAL(0, HalStopBusMasters().Stopped);
}

TEST(StopBusMasters_looks_at_every_function_of_a_device_that_has_several)
{
    FUNCTION *First;
    FUNCTION *Third;
    FUNCTION *Last;

    Arrange();
    First = Add(0, 29, 0, ClassSerialBus, MULTIPLE);
    Third = Add(0, 29, 2, ClassSerialBus, 0); /* 1 is missing: gaps are allowed */
    Last = Add(0, 29, 7, ClassSerialBus, 0);
    CHECK_EQUAL(3, HalStopBusMasters().Stopped);
    CHECK(!((Command(First) | Command(Third) | Command(Last)) & PCI_COMMAND_MASTER));
}

TEST(StopBusMasters_takes_no_echo_of_a_device_with_one_function_for_others)
{
    FUNCTION *Echo;
    HAL_BUS_MASTERS Result;

    Arrange();
    Add(0, 5, 0, ClassStorage, 0);
    Echo = Add(0, 5, 3, ClassStorage, 0); /* decodes only the device number */
    Result = HalStopBusMasters();
    CHECK_EQUAL(1, Result.Functions);
    CHECK_EQUAL(MASTER_ON, Command(Echo));
}

TEST(StopBusMasters_leaves_bridges_and_screens)
{
    FUNCTION *Host;
    FUNCTION *Port;
    FUNCTION *CardBus;
    FUNCTION *Screen;
    HAL_BUS_MASTERS Result;

    Arrange();
    Host = Add(0, 0, 0, ClassBridge, 0);
    Port = Add(0, 28, 0, ClassBridge, 1);
    CardBus = Add(0, 30, 0, ClassBridge, 2);
    Screen = Add(0, 1, 0, ClassDisplay, 0);
    Result = HalStopBusMasters();
    CHECK_EQUAL(4, Result.Functions);
    CHECK_EQUAL(3, Result.Bridges);
    CHECK_EQUAL(1, Result.Displays);
    CHECK_EQUAL(0, Result.Stopped);
    CHECK_EQUAL(MASTER_ON, Command(Host) & Command(Port) & Command(CardBus) & Command(Screen));
}

TEST(StopBusMasters_reaches_buses_behind_bridges_and_the_last_one)
{
    Arrange();
    Add(0, 28, 0, ClassBridge, 1);
    Add(3, 0, 0, ClassSerialBus, 0);
    Add(255, 31, 0, ClassStorage, 0);
    CHECK_EQUAL(2, HalStopBusMasters().Stopped);
}

TEST(StopBusMasters_names_who_refuses)
{
    HAL_BUS_MASTERS Result;

    Arrange();
    Add(0, 3, 0, ClassStorage, 0);
    Add(2, 7, 0, ClassStorage, MULTIPLE);
    Add(2, 7, 1, ClassStorage, 0)->Stubborn = TRUE;
    Result = HalStopBusMasters();
    CHECK_EQUAL(2, Result.Stopped);
    CHECK_EQUAL(1, Result.Refused);
    CHECK_EQUAL(2, Result.LastRefused.Bus);
    CHECK_EQUAL(7, Result.LastRefused.Device);
    CHECK_EQUAL(1, Result.LastRefused.Function);
}

TEST(StopBusMasters_leaves_devices_alone_that_have_no_such_right)
{
    FUNCTION *Quiet;

    Arrange();
    Quiet = Add(0, 3, 0, ClassStorage, 0);
    Quiet->Space[PCI_COMMAND] = 0x03;
    Quiet->Stubborn = TRUE; /* would be counted as refusing */
    CHECK_EQUAL(0, HalStopBusMasters().Stopped + HalStopBusMasters().Refused);
}

TEST(StopBusMasters_does_nothing_without_the_mechanism)
{
    HAL_BUS_MASTERS Result;
    ULONG Before;

    Arrange();
    Add(0, 3, 0, ClassStorage, 0);
    NoMechanism = TRUE;
    Before = PortsAccesses();
    Result = HalStopBusMasters();
    CHECK(!Result.Present);
    CHECK_EQUAL(0, Result.Functions);
    CHECK_EQUAL(MASTER_ON, Command(&Functions[0]));
    CHECK(PortsAccesses() - Before < 10);
    PortsReset();
    CHECK(!HalStopBusMasters().Present); /* no such ports at all */
}

/* SPDX-License-Identifier: MIT */
/*
 * ports.c - the table of scripted devices behind the I/O ports of include/arch/port.h.
 */
#include "tests/host/ports.h"
#include "arch/port.h"
#include "tests/unit/test.h"

#define PORTS_MAXIMUM_DEVICES 16

typedef struct _PORT_DEVICE {
    USHORT First;
    USHORT Count;
    PORT_READ *Read;
    PORT_WRITE *Write;
    void *Device;
} PORT_DEVICE;

static PORT_DEVICE Devices[PORTS_MAXIMUM_DEVICES];
static ULONG DeviceCount;
static ULONG Accesses;

void PortsReset(void)
{
    DeviceCount = 0;
    Accesses = 0;
}

ULONG PortsAccesses(void)
{
    return Accesses;
}

static PORT_DEVICE *FindDevice(USHORT Port)
{
    ULONG Index;

    for (Index = 0; Index < DeviceCount; Index++) {
        if (Port >= Devices[Index].First && Port - Devices[Index].First < Devices[Index].Count) {
            return &Devices[Index];
        }
    }
    return NULL;
}

void PortsClaim(USHORT First, USHORT Count, PORT_READ *Read, PORT_WRITE *Write, void *Device)
{
    ULONG Port;

    CHECK(DeviceCount < PORTS_MAXIMUM_DEVICES);
    for (Port = First; Port < (ULONG)First + Count; Port++) {
        CHECK(FindDevice((USHORT)Port) == NULL);
    }
    Devices[DeviceCount++] = (PORT_DEVICE){First, Count, Read, Write, Device};
}

static ULONG ReadPort(USHORT Port, ULONG Width)
{
    const PORT_DEVICE *Found = FindDevice(Port);
    ULONG Value = 0xFFFFFFFFu;

    Accesses++;
    if (Found != NULL) {
        Value = Found->Read(Found->Device, (USHORT)(Port - Found->First), Width);
    }
    return Value;
}

static void WritePort(USHORT Port, ULONG Width, ULONG Value)
{
    const PORT_DEVICE *Found = FindDevice(Port);

    Accesses++;
    if (Found != NULL) {
        Found->Write(Found->Device, (USHORT)(Port - Found->First), Width, Value);
    }
}

UCHAR READ_PORT_UCHAR(USHORT Port)
{
    return (UCHAR)ReadPort(Port, 1);
}

USHORT READ_PORT_USHORT(USHORT Port)
{
    return (USHORT)ReadPort(Port, 2);
}

ULONG READ_PORT_ULONG(USHORT Port)
{
    return ReadPort(Port, 4);
}

void WRITE_PORT_UCHAR(USHORT Port, UCHAR Value)
{
    WritePort(Port, 1, Value);
}

void WRITE_PORT_USHORT(USHORT Port, USHORT Value)
{
    WritePort(Port, 2, Value);
}

void WRITE_PORT_ULONG(USHORT Port, ULONG Value)
{
    WritePort(Port, 4, Value);
}

/* SPDX-License-Identifier: MIT */
/*
 * pci_mock.c - PCI functions behind ports CF8/CFC or in memory, and what they do as bus masters.
 */
#include "tests/host/pci_mock.h"

#include "pci.h"
#include "tests/host/device.h"
#include "tests/host/machine.h"
#include "tests/host/ports.h"
#include "tests/unit/test.h"

#include <string.h>

#define ADDRESS_PORT     0xCF8
#define ENABLE           0x80000000u
#define FIRST_CAPABILITY 0x40u
#define CAPABILITY_BYTES 24u
#define TABLE_BYTES      0x1000u
#define MEMORY_BUSES     4u

typedef struct _MEMORY_BUS {
    ULONG Bus;
    ULONG Accesses;
} MEMORY_BUS;

static PCI_MOCK Functions[PCI_MOCK_FUNCTIONS];
static ULONG FunctionCount;
static ULONG Address;
static MEMORY_BUS Memory[MEMORY_BUSES];
static ULONG MemoryCount;
static BOOLEAN NoPorts;

ULONG PciMockLong(const PCI_MOCK *Mock, ULONG Offset)
{
    ULONG Value;

    memcpy(&Value, Mock->Space + Offset, sizeof(Value));
    return Value;
}

void PciMockSetLong(PCI_MOCK *Mock, ULONG Offset, ULONG Value)
{
    memcpy(Mock->Space + Offset, &Value, sizeof(Value));
}

static PCI_MOCK *Find(ULONG Where)
{
    ULONG i;

    for (i = 0; i < FunctionCount; i++) {
        if (Where == Functions[i].Address && !Functions[i].Gone) {
            return &Functions[i];
        }
    }
    return NULL;
}

static PCI_MOCK *Selected(void)
{
    return (Address & ENABLE) ? Find(Address & 0x00FFFF00) : NULL;
}

static ULONG ReadFunction(const PCI_MOCK *F, ULONG Register, ULONG Width)
{
    ULONG Value = 0;

    CHECK(Register % Width == 0 && Register + Width <= PCI_MOCK_BYTES);
    if (F == NULL) {
        return 0xFFFFFFFFu >> (32 - 8 * Width);
    }
    memcpy(&Value, F->Space + Register, Width);
    return Value;
}

static ULONG ReadConfiguration(void *Device, USHORT Offset, ULONG Width)
{
    (void)Device;
    if (NoPorts) {
        return 0xFFFFFFFFu >> (32 - 8 * Width);
    }
    return Offset < 4 ? Address : ReadFunction(Selected(), (Address & 0xFC) + Offset - 4, Width);
}

static void WriteRange(PCI_MOCK *F, ULONG Index, ULONG Value)
{
    ULONG Mask = F->RangeMasks[Index];
    ULONG Old = PciMockLong(F, PCI_BASE_ADDRESS + 4 * Index);

    F->SizedWhileOn += (F->Space[PCI_COMMAND] & (PCI_COMMAND_MEMORY | PCI_COMMAND_IO)) != 0;
    PciMockSetLong(F, PCI_BASE_ADDRESS + 4 * Index, (Value & Mask) | (Old & ~Mask));
}

static void WriteFunction(PCI_MOCK *F, ULONG Register, ULONG Width, ULONG Value)
{
    if (Register >= PCI_BASE_ADDRESS && Register < PCI_BASE_ADDRESS + 24) {
        CHECK_EQUAL(4, Width);
        WriteRange(F, (Register - PCI_BASE_ADDRESS) / 4, Value);
        return;
    }
    CHECK(Register == PCI_COMMAND || Register >= FIRST_CAPABILITY);
    if (Register == PCI_COMMAND && F->NoMaster) {
        Value &= ~PCI_COMMAND_MASTER;
    }
    memcpy(F->Space + Register, &Value, Width);
}

static void WriteConfiguration(void *Device, USHORT Offset, ULONG Width, ULONG Value)
{
    PCI_MOCK *F = Selected();

    (void)Device;
    if (Offset < 4) {
        CHECK(Offset == 0 && Width == 4);
        Address = Value;
    } else if (F != NULL && !NoPorts) {
        WriteFunction(F, (Address & 0xFC) + Offset - 4, Width, Value);
    }
}

/* ---- in memory: 4 KB a function ---- */

static ULONG ReadMemory(void *Device, ULONG Offset, ULONG Width)
{
    MEMORY_BUS *Bus = Device;

    Bus->Accesses++;
    return ReadFunction(Find(Bus->Bus << 16 | Offset >> 12 << 8), Offset % 4096, Width);
}

static void WriteMemory(void *Device, ULONG Offset, ULONG Width, ULONG Value)
{
    MEMORY_BUS *Bus = Device;
    PCI_MOCK *F = Find(Bus->Bus << 16 | Offset >> 12 << 8);

    Bus->Accesses++;
    if (F != NULL) {
        WriteFunction(F, Offset % 4096, Width, Value);
    }
}

const ULONG *PciMockMemory(ULONG Bus, ULONG64 Base)
{
    MEMORY_BUS *New = &Memory[MemoryCount++];

    CHECK(MemoryCount <= MEMORY_BUSES);
    *New = (MEMORY_BUS){Bus, 0};
    RegistersClaim(Base, 0x100000, ReadMemory, WriteMemory, New);
    return &New->Accesses;
}

void PciMockNoPorts(void)
{
    NoPorts = TRUE;
}

void PciMockReset(void)
{
    FunctionCount = Address = MemoryCount = 0;
    NoPorts = FALSE;
    memset(Functions, 0, sizeof(Functions));
    PortsClaim(ADDRESS_PORT, 8, ReadConfiguration, WriteConfiguration, NULL);
}

PCI_MOCK *PciMockAdd(ULONG Bus, ULONG Device, ULONG Function, ULONG Id, ULONG Class)
{
    PCI_MOCK *F = &Functions[FunctionCount++];

    CHECK(FunctionCount <= PCI_MOCK_FUNCTIONS);
    F->Address = Bus << 16 | Device << 11 | Function << 8;
    PciMockSetLong(F, PCI_VENDOR_ID, Id);
    PciMockSetLong(F, PCI_CLASS_REVISION, Class << 8);
    F->Space[PCI_COMMAND] = PCI_COMMAND_MEMORY;
    return F;
}

void PciMockRange(PCI_MOCK *Mock, ULONG Index, ULONG64 Base, ULONG64 Bytes, BOOLEAN Wide)
{
    ULONG64 Mask = ~(Bytes - 1);

    Mock->RangeMasks[Index] = (ULONG)Mask;
    PciMockSetLong(Mock, PCI_BASE_ADDRESS + 4 * Index, (ULONG)Base | (Wide ? 4 : 0));
    if (Wide) {
        Mock->RangeMasks[Index + 1] = (ULONG)(Mask >> 32);
        PciMockSetLong(Mock, PCI_BASE_ADDRESS + 4 * Index + 4, (ULONG)(Base >> 32));
    }
}

ULONG PciMockCapability(PCI_MOCK *Mock, UCHAR Id, ULONG Bytes)
{
    ULONG Offset = FIRST_CAPABILITY;

    if (Mock->LastCapability == 0) {
        Mock->Space[PCI_CAPABILITIES] = (UCHAR)Offset;
        Mock->Space[PCI_STATUS] |= PCI_STATUS_CAPS;
    } else {
        Offset = Mock->LastCapability + CAPABILITY_BYTES;
        Mock->Space[Mock->LastCapability + 1] = (UCHAR)Offset;
    }
    CHECK(Bytes <= CAPABILITY_BYTES && Offset + Bytes <= 256);
    Mock->Space[Offset] = Id;
    Mock->LastCapability = Offset;
    return Offset;
}

/* ---- interrupts ---- */

static ULONG ReadTable(void *Device, ULONG Offset, ULONG Width)
{
    const PCI_MOCK *F = Device;

    CHECK(Width == 4 && Offset < sizeof(F->MessageTable));
    return F->MessageTable[Offset / 4];
}

static void WriteTable(void *Device, ULONG Offset, ULONG Width, ULONG Value)
{
    PCI_MOCK *F = Device;

    CHECK(Width == 4 && Offset < sizeof(F->MessageTable));
    F->MessageTable[Offset / 4] = Value;
}

ULONG PciMockMsix(PCI_MOCK *Mock, ULONG Index, ULONG64 Base)
{
    ULONG Offset = PciMockCapability(Mock, PCI_CAP_MSIX, 12);

    PciMockRange(Mock, Index, Base, TABLE_BYTES, FALSE);
    RegistersClaim(Base, TABLE_BYTES, ReadTable, WriteTable, Mock);
    PciMockSetLong(Mock, Offset + 4, Index);
    Mock->MessageTable[3] = 1; /* masked */
    return Offset;
}

static ULONG FindCapability(const PCI_MOCK *Mock, UCHAR Id)
{
    ULONG Offset = Mock->Space[PCI_CAPABILITIES];

    while (Offset != 0 && Mock->Space[Offset] != Id) {
        Offset = Mock->Space[Offset + 1];
    }
    return Offset;
}

void PciMockInterrupt(PCI_MOCK *Mock)
{
    ULONG Msix = FindCapability(Mock, PCI_CAP_MSIX);
    ULONG Msi = FindCapability(Mock, PCI_CAP_MSI);

    if (Mock->Gone) {
        return;
    }
    if (Msix != 0 && (Mock->Space[Msix + 3] & 0xC0) == 0x80 && !(Mock->MessageTable[3] & 1)) {
        MessageSend((ULONG64)Mock->MessageTable[1] << 32 | Mock->MessageTable[0],
                    Mock->MessageTable[2]);
    } else if (Msi != 0 && (Mock->Space[Msi + 2] & 1)) {
        BOOLEAN Wide = (Mock->Space[Msi + 2] & 0x80) != 0;
        ULONG64 High = Wide ? PciMockLong(Mock, Msi + 8) : 0;

        if ((Mock->Space[Msi + 3] & 1) && (PciMockLong(Mock, Msi + (Wide ? 16 : 12)) & 1)) {
            return; /* masked */
        }

        MessageSend(High << 32 | PciMockLong(Mock, Msi + 4),
                    PciMockLong(Mock, Msi + (Wide ? 12 : 8)) & 0xFFFF);
    }
}

/* ---- memory ---- */

static PUCHAR FindMemory(const PCI_MOCK *Mock, ULONG64 Physical, ULONG *Bytes)
{
    ULONG Left = PAGE_SIZE - (ULONG)(Physical % PAGE_SIZE);

    CHECK(Mock->Space[PCI_COMMAND] & PCI_COMMAND_MASTER);
    CHECK(Physical < 1ull << 32);
    *Bytes = *Bytes < Left ? *Bytes : Left;
    return (PUCHAR)HostFrame((PFN_NUMBER)(Physical >> PAGE_SHIFT)) + Physical % PAGE_SIZE;
}

void PciMockRead(const PCI_MOCK *Mock, ULONG64 Physical, void *Buffer, ULONG Bytes)
{
    PUCHAR To = Buffer;

    while (Bytes != 0) {
        ULONG Now = Bytes;

        memcpy(To, FindMemory(Mock, Physical, &Now), Now);
        Physical += Now;
        To += Now;
        Bytes -= Now;
    }
}

void PciMockWrite(const PCI_MOCK *Mock, ULONG64 Physical, const void *Buffer, ULONG Bytes)
{
    const UCHAR *From = Buffer;

    while (Bytes != 0) {
        ULONG Now = Bytes;
        PUCHAR To = FindMemory(Mock, Physical, &Now);

        memcpy(To, From, Now);
        Physical += Now;
        From += Now;
        Bytes -= Now;
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * device.c - registers in memory space and interrupts by message, for drivers on the host.
 *
 * A mapping of registers is an address in a window that nobody dereferences: READ_REGISTER_* and
 * WRITE_REGISTER_* find the device behind it.  Other addresses are memory.
 */
#include "tests/host/device.h"

#include "arch/port.h"
#include "mm.h"
#include "tests/host/machine.h"
#include "tests/host/pci_mock.h"
#include "tests/host/ports.h"
#include "tests/unit/test.h"

#include <string.h>

#define CLAIMS          16u
#define WINDOW_BYTES    0x100000u
#define MESSAGES        8u
#define FIRST_VECTOR    0x70u
#define MESSAGE_ADDRESS 0xFEE00000u

typedef struct _CLAIM {
    ULONG64 Physical;
    ULONG Bytes;
    REGISTER_READ *Read;
    REGISTER_WRITE *Write;
    void *Device;
} CLAIM;

typedef struct _MESSAGE {
    HAL_INTERRUPT_ROUTINE *Routine;
    PVOID Context;
} MESSAGE;

static CLAIM Claims[CLAIMS];
static ULONG ClaimCount;
static UCHAR Window[CLAIMS][WINDOW_BYTES];
static ULONG Mapped;
static BOOLEAN OutOfReach;
static ULONG64 FreeFirst;
static ULONG64 FreeEnd;
static MESSAGE Messages[MESSAGES];
static ULONG FailMessage;

void DeviceReset(void)
{
    PortsReset();
    ClaimCount = Mapped = FailMessage = 0;
    OutOfReach = FALSE;
    FreeFirst = FreeEnd = 0;
    memset(Messages, 0, sizeof(Messages));
    PciMockReset();
}

/* ---- registers ---- */

void RegistersClaim(ULONG64 Physical, ULONG Bytes, REGISTER_READ *Read, REGISTER_WRITE *Write,
                    void *Device)
{
    ULONG i;

    CHECK(ClaimCount < CLAIMS && Bytes <= WINDOW_BYTES);
    for (i = 0; i < ClaimCount; i++) {
        CHECK(Physical + Bytes <= Claims[i].Physical ||
              Claims[i].Physical + Claims[i].Bytes <= Physical);
    }
    Claims[ClaimCount++] = (CLAIM){Physical, Bytes, Read, Write, Device};
}

void RegistersOutOfReach(BOOLEAN Out)
{
    OutOfReach = Out;
}

void AddressesFree(ULONG64 First, ULONG64 End)
{
    FreeFirst = First;
    FreeEnd = End;
}

BOOLEAN HalIsAddressFree(ULONG64 Physical, ULONG Bytes)
{
    return Physical >= FreeFirst && Physical + Bytes <= FreeEnd;
}

ULONG RegistersMapped(void)
{
    return Mapped;
}

PVOID HalMapRegisters(ULONG64 Physical, ULONG Bytes)
{
    ULONG i;

    for (i = 0; i < ClaimCount && !OutOfReach; i++) {
        if (Physical >= Claims[i].Physical && Physical - Claims[i].Physical < Claims[i].Bytes) {
            CHECK(Physical + Bytes <= Claims[i].Physical + Claims[i].Bytes);
            Mapped++;
            return &Window[i][Physical - Claims[i].Physical];
        }
    }
    return NULL;
}

void HalUnmapRegisters(PVOID Registers, ULONG Bytes)
{
    CHECK(Mapped != 0 && Bytes != 0);
    CHECK((PUCHAR)Registers >= Window[0] && (PUCHAR)Registers < Window[CLAIMS - 1] + WINDOW_BYTES);
    Mapped--;
}

/* => NULL: the address is memory. */
static const CLAIM *FindClaim(const volatile void *Register, ULONG *Offset)
{
    ULONG_PTR Distance = (ULONG_PTR)Register - (ULONG_PTR)Window;
    const CLAIM *Claim;

    if (Distance >= sizeof(Window)) {
        return NULL;
    }
    Claim = &Claims[Distance / WINDOW_BYTES];
    *Offset = (ULONG)(Distance % WINDOW_BYTES);
    CHECK(Claim < &Claims[ClaimCount] && *Offset < Claim->Bytes);
    return Claim;
}

static ULONG ReadRegister(const volatile void *Register, ULONG Width)
{
    ULONG Offset;
    const CLAIM *Claim = FindClaim(Register, &Offset);
    ULONG Value = 0;

    CHECK((ULONG_PTR)Register % Width == 0);
    if (Claim != NULL) {
        return Claim->Read(Claim->Device, Offset, Width);
    }
    memcpy(&Value, (const void *)Register, Width);
    return Value;
}

static void WriteRegister(volatile void *Register, ULONG Width, ULONG Value)
{
    ULONG Offset;
    const CLAIM *Claim = FindClaim(Register, &Offset);

    CHECK((ULONG_PTR)Register % Width == 0);
    if (Claim != NULL) {
        Claim->Write(Claim->Device, Offset, Width, Value);
    } else {
        memcpy((void *)Register, &Value, Width);
    }
}

UCHAR READ_REGISTER_UCHAR(volatile UCHAR *Register)
{
    return (UCHAR)ReadRegister(Register, 1);
}

USHORT READ_REGISTER_USHORT(volatile USHORT *Register)
{
    return (USHORT)ReadRegister(Register, 2);
}

ULONG READ_REGISTER_ULONG(volatile ULONG *Register)
{
    return ReadRegister(Register, 4);
}

void WRITE_REGISTER_UCHAR(volatile UCHAR *Register, UCHAR Value)
{
    WriteRegister(Register, 1, Value);
}

void WRITE_REGISTER_USHORT(volatile USHORT *Register, USHORT Value)
{
    WriteRegister(Register, 2, Value);
}

void WRITE_REGISTER_ULONG(volatile ULONG *Register, ULONG Value)
{
    WriteRegister(Register, 4, Value);
}

/* ---- interrupts ---- */

void MessagesFail(ULONG Nth)
{
    FailMessage = Nth;
}

ULONG MessagesConnected(void)
{
    ULONG Count = 0;
    ULONG i;

    for (i = 0; i < MESSAGES; i++) {
        Count += Messages[i].Routine != NULL;
    }
    return Count;
}

NTSTATUS HalConnectMessage(HAL_INTERRUPT_ROUTINE *Routine, PVOID Context, PHAL_INTERRUPT_LINE Line)
{
    ULONG i;

    for (i = 0; i < MESSAGES && Messages[i].Routine != NULL; i++) {
    }
    if (i == MESSAGES || (FailMessage != 0 && --FailMessage == 0)) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Messages[i] = (MESSAGE){Routine, Context};
    *Line = (HAL_INTERRUPT_LINE){MESSAGE_ADDRESS, FIRST_VECTOR + i, FIRST_VECTOR + i};
    return STATUS_SUCCESS;
}

void HalDisconnectMessage(PHAL_INTERRUPT_LINE Line)
{
    CHECK(Line->Vector >= FIRST_VECTOR && Line->Vector < FIRST_VECTOR + MESSAGES);
    Messages[Line->Vector - FIRST_VECTOR].Routine = NULL;
    Line->Vector = 0;
}

static void RunMessage(PVOID Context)
{
    const MESSAGE *Message = Context;

    if (Message->Routine != NULL) {
        Message->Routine(Message->Context);
    }
}

void MessageSend(ULONG64 Address, ULONG Data)
{
    CHECK_EQUAL(MESSAGE_ADDRESS, Address);
    CHECK(Data >= FIRST_VECTOR && Data < FIRST_VECTOR + MESSAGES);
    HostRaiseInterrupt(DEVICE_LEVEL, RunMessage, &Messages[Data - FIRST_VECTOR]);
}

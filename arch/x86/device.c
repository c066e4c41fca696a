/* SPDX-License-Identifier: MIT */
/*
 * device.c - devices' registers and the interrupts that they send as messages.
 *
 * A message is a write to the local APIC's address range: the address names the processor, the
 * data the vector (Intel SDM volume 3A, 11.11).  A vector's handler gets no argument of its own,
 * so each of the few vectors has a routine that knows its slot.
 *
 * Locking: PASSIVE_LEVEL, one driver starts at a time.  A slot's Context is written before its
 * Routine, and the device is told of the vector after both.
 */
#include "arch/interrupt.h"

#include "arch/x86/acpi.h"
#include "arch/x86/apic.h"
#include "arch/x86/irql.h"
#include "arch/x86/kernel.h"
#include "arch/x86/mmu.h"
#include "arch/x86/trap.h"
#include "mm.h"

#define KIP_MESSAGE_ADDRESS  0xFEE00000u
#define KIP_MESSAGE_ID_SHIFT 12
#define KIP_MESSAGE_ID_LIMIT 0xFFu /* 255 means all processors */
#define KIP_MESSAGES         8u
#define KIP_4GB              (1ull << 32)
#define KIP_LAST_PLACE       0xFEC00000u /* from here on: APICs, timers, the firmware itself */
#define KIP_HPET_BYTES       0x400u
#define KIP_ECAM_BUS_SHIFT   20

typedef struct _KIP_MESSAGE_SLOT {
    HAL_INTERRUPT_ROUTINE *volatile Routine; /* NULL: free */
    PVOID volatile Context;
} KIP_MESSAGE_SLOT;

static KIP_MESSAGE_SLOT KipSlots[KIP_MESSAGES];

/* A message may be on its way while its device is let go. */
static void KipRunSlot(const KIP_MESSAGE_SLOT *Slot)
{
    HAL_INTERRUPT_ROUTINE *Routine = Slot->Routine;

    if (Routine != NULL) {
        Routine(Slot->Context);
    }
}

#define KIP_SLOT_ROUTINE(Number)                                                                   \
    static void KipRunSlot##Number(PKTRAP_FRAME Frame)                                             \
    {                                                                                              \
        (void)Frame;                                                                               \
        KipRunSlot(&KipSlots[Number]);                                                             \
    }

KIP_SLOT_ROUTINE(0)
KIP_SLOT_ROUTINE(1)
KIP_SLOT_ROUTINE(2)
KIP_SLOT_ROUTINE(3)
KIP_SLOT_ROUTINE(4)
KIP_SLOT_ROUTINE(5)
KIP_SLOT_ROUTINE(6)
KIP_SLOT_ROUTINE(7)

static KI_INTERRUPT_ROUTINE *const KipSlotRoutines[KIP_MESSAGES] = {
    KipRunSlot0, KipRunSlot1, KipRunSlot2, KipRunSlot3,
    KipRunSlot4, KipRunSlot5, KipRunSlot6, KipRunSlot7,
};

NTSTATUS HalConnectMessage(HAL_INTERRUPT_ROUTINE *Routine, PVOID Context, PHAL_INTERRUPT_LINE Line)
{
    ULONG Processor = HalApicIdentifier();
    ULONG i;

    if (Processor >= KIP_MESSAGE_ID_LIMIT) {
        return STATUS_NOT_SUPPORTED; /* reached only through interrupt remapping */
    }
    for (i = 0; i < KIP_MESSAGES && KipSlots[i].Routine != NULL; i++) {
    }
    if (i == KIP_MESSAGES) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    KipSlots[i].Context = Context;
    KipSlots[i].Routine = Routine;
    Line->Vector = KI_VECTOR_MESSAGE + i;
    Line->Address = KIP_MESSAGE_ADDRESS | Processor << KIP_MESSAGE_ID_SHIFT;
    Line->Data = Line->Vector; /* fixed delivery, edge triggered */
    KiConnectInterrupt(Line->Vector, DEVICE_LEVEL, KipSlotRoutines[i]);
    return STATUS_SUCCESS;
}

void HalDisconnectMessage(PHAL_INTERRUPT_LINE Line)
{
    if (Line->Vector != 0) {
        KipSlots[Line->Vector - KI_VECTOR_MESSAGE].Routine = NULL;
        Line->Vector = 0;
    }
}

PVOID HalMapRegisters(ULONG64 Physical, ULONG Bytes)
{
    PHYSICAL_ADDRESS Address = {.QuadPart = (LONGLONG)Physical};

    if (Bytes == 0 || Physical + Bytes < Physical) {
        return NULL;
    }
    if (Physical + Bytes <= KIP_4GB) {
        return MmMapIoSpace(Address, Bytes, MmNonCached);
    }
    return HalMapHighPhysical(Physical, Bytes);
}

void HalUnmapRegisters(PVOID Registers, ULONG Bytes)
{
    if (!HalIsHighMapping(Registers)) {
        MmUnmapIoSpace(Registers, Bytes);
    }
}

/* ---- addresses that nobody has ---- */

static BOOLEAN KipMeet(ULONG64 First, ULONG64 Bytes, ULONG64 OtherFirst, ULONG64 OtherBytes)
{
    return First < OtherFirst + OtherBytes && OtherFirst < First + Bytes;
}

/* What a run without memory has is its own; what memory has, everything below it too. */
static BOOLEAN KipIsRunClear(const LOADER_MEMORY_RUN *Run, ULONG64 Physical, ULONG Bytes)
{
    ULONG64 First = Run->BasePage << PAGE_SHIFT;
    ULONG64 RunBytes = Run->PageCount << PAGE_SHIFT;

    if (Run->Type != LoaderMappedIo && Run->Type != LoaderFirmwarePermanent && First < KIP_4GB &&
        Physical < First) {
        return FALSE;
    }
    return !KipMeet(Physical, Bytes, First, RunBytes);
}

BOOLEAN HalIsAddressFree(ULONG64 Physical, ULONG Bytes)
{
    const LOADER_MEMORY_RUN *Runs = (const LOADER_MEMORY_RUN *)KiLoaderBlock->MemoryRunsVa;
    const LOADER_FRAMEBUFFER *Screen = &KiLoaderBlock->Framebuffer;
    ULONG i;

    for (i = 0; i < KiLoaderBlock->MemoryRunCount; i++) {
        if (!KipIsRunClear(&Runs[i], Physical, Bytes)) {
            return FALSE;
        }
    }
    for (i = 0; i < HalAcpi.IoApicCount; i++) {
        if (KipMeet(Physical, Bytes, HalAcpi.IoApics[i].Physical, PAGE_SIZE)) {
            return FALSE;
        }
    }
    return Physical + Bytes <= KIP_LAST_PLACE &&
           !KipMeet(Physical, Bytes, HalAcpi.LocalApicPhysical, PAGE_SIZE) &&
           !KipMeet(Physical, Bytes, HalAcpi.HpetPhysical, KIP_HPET_BYTES) &&
           !KipMeet(Physical, Bytes, HalAcpi.EcamPhysical,
                    (HalAcpi.EcamLastBus + 1ull) << KIP_ECAM_BUS_SHIFT) &&
           !KipMeet(Physical, Bytes, Screen->Physical, Screen->Bytes);
}

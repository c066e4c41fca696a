/* SPDX-License-Identifier: MIT */
/*
 * xhci.c - an xHCI controller: taking it from the firmware, bringing it up, letting it go.
 *
 * Order: all controllers are taken from the firmware before the first is touched otherwise, since
 * firmware that drives one of them may trap accesses to another.  Then each is halted and reset;
 * only after that may it access memory, which is all its own by then.  It gets what it reads and
 * writes, its interrupt, and runs before the core is told of it.
 *
 * Registers are read and written 32 bits at a time, those of 64 bits as two, the low half first.
 * The one exception is the byte by which the operating system claims the controller: its
 * neighbour is the firmware's.
 *
 * Locking: PASSIVE_LEVEL, one controller starts at a time.
 */
#include "disk/driver/xhci.h"

#include "arch/port.h"
#include "ex.h"
#include "rtl.h"

#define XHCIP_RANGE          0u
#define XHCIP_LEAST_BYTES    0x500u
#define XHCIP_MOST_BYTES     0x100000u /* of registers: more is not used */

#define XHCIP_WAIT           1000u  /* us */
#define XHCIP_FIRMWARE_TRIES 1000u  /* 1 s */
#define XHCIP_HALT_TRIES     100u   /* 100 ms: 16 are allowed (5.4.1.1) */
#define XHCIP_RESET_TRIES    10000u /* 10 s: some load firmware of their own */

#define XHCIP_PAGE_4K        1u  /* in XhciPageSize */
#define XHCIP_MODERATION     160 /* 40 us between interrupts, in units of 250 ns */
#define XHCIP_EXTENDED_MOST  256u

/* The legacy capability (7.1): its first word, and the second, of interrupts to the firmware. */
#define XHCIP_FIRMWARE_OWNS 0x00010000u
#define XHCIP_SYSTEM_BYTE   3u
#define XHCIP_LEGACY_KEEP   0x000E1FEEu /* reserved */
#define XHCIP_LEGACY_CLEAR  0xE0000000u /* written ones clear */

/* ---- registers ---- */

ULONG XhciRead(volatile UCHAR *Base, ULONG Offset)
{
    return READ_REGISTER_ULONG((volatile ULONG *)(Base + Offset));
}

void XhciWrite(volatile UCHAR *Base, ULONG Offset, ULONG Value)
{
    WRITE_REGISTER_ULONG((volatile ULONG *)(Base + Offset), Value);
}

void XhciWriteLong(volatile UCHAR *Base, ULONG Offset, ULONG Value)
{
    XhciWrite(Base, Offset, Value);
    XhciWrite(Base, Offset + 4, 0);
}

/* Wait until the bits of Mask are Value.  => FALSE: not after Tries * XHCIP_WAIT us. */
static BOOLEAN XhcipWait(volatile UCHAR *Base, ULONG Offset, ULONG Mask, ULONG Value, ULONG Tries)
{
    for (; Tries != 0; Tries--) {
        if ((XhciRead(Base, Offset) & Mask) == Value) {
            return TRUE;
        }
        KeStallExecutionProcessor(XHCIP_WAIT);
    }
    return FALSE;
}

ULONG XhciFindExtended(volatile UCHAR *Registers, ULONG Bytes, ULONG Id, ULONG Nth)
{
    ULONG Step = XhciRead(Registers, XhciCapability1) >> XHCI_CAPABILITY_EXTENDED;
    ULONG Offset = 0;
    ULONG Left;

    for (Left = XHCIP_EXTENDED_MOST; Left != 0 && Step != 0; Left--) {
        ULONG Word;

        Offset += 4 * Step;
        if (Offset + 8 > Bytes) {
            return 0;
        }
        Word = XhciRead(Registers, Offset);
        if ((Word & 0xFF) == Id && Nth-- == 0) {
            return Offset;
        }
        Step = Word >> 8 & 0xFF;
    }
    return 0;
}

PVOID XhciAllocate(ULONG Bytes, PULONG Physical)
{
    const PHYSICAL_ADDRESS Highest = {.QuadPart = 0xFFFFFFFF};
    PVOID Memory = MmAllocateContiguousMemory(Bytes, Highest);

    if (Memory != NULL) {
        memset(Memory, 0, Bytes);
        *Physical = MmGetPhysicalAddress(Memory).LowPart;
    }
    return Memory;
}

/* => On failure nothing is mapped. */
static NTSTATUS XhcipMap(HAL_PCI_FUNCTION F, volatile UCHAR **Registers, PULONG Bytes)
{
    PCI_RANGE Range;

    if (!NT_SUCCESS(PciQueryRange(F, XHCIP_RANGE, &Range)) || Range.Io ||
        Range.Bytes < XHCIP_LEAST_BYTES) {
        return STATUS_NOT_SUPPORTED;
    }
    *Bytes = Range.Bytes < XHCIP_MOST_BYTES ? (ULONG)Range.Bytes : XHCIP_MOST_BYTES;
    *Registers = PciMapRegisters(F, XHCIP_RANGE, 0, *Bytes);
    return *Registers != NULL ? STATUS_SUCCESS : STATUS_DEVICE_UNREACHABLE;
}

/* ---- the firmware ---- */

/* It is ours afterwards, whether the firmware agreed in time or not, and causes no more SMIs. */
static void XhcipHandOff(volatile UCHAR *Registers, ULONG Bytes)
{
    ULONG Legacy = XhciFindExtended(Registers, Bytes, XHCI_EXTENDED_LEGACY, 0);
    ULONG Control;

    if (Legacy == 0) {
        return;
    }
    WRITE_REGISTER_UCHAR(Registers + Legacy + XHCIP_SYSTEM_BYTE, 1);
    (void)XhcipWait(Registers, Legacy, XHCIP_FIRMWARE_OWNS, 0, XHCIP_FIRMWARE_TRIES);
    Control = XhciRead(Registers, Legacy + 4) & XHCIP_LEGACY_KEEP;
    XhciWrite(Registers, Legacy + 4, Control | XHCIP_LEGACY_CLEAR);
}

void XhciTakeFromFirmware(HAL_PCI_FUNCTION F)
{
    volatile UCHAR *Registers;
    ULONG Bytes;

    if (!NT_SUCCESS(PciTakeFunction(F))) {
        return; /* XhciAddDevice will say so */
    }
    if (NT_SUCCESS(XhcipMap(F, &Registers, &Bytes))) {
        XhcipHandOff(Registers, Bytes);
        HalUnmapRegisters((PVOID)Registers, Bytes);
    }
}

/* ---- halting, resetting, learning what it is ---- */

static NTSTATUS XhcipReset(const XHCI_CONTROLLER *Controller)
{
    volatile UCHAR *Base = Controller->Operational;

    if (!XhcipWait(Base, XhciStatus, XHCI_STATUS_NOT_READY, 0, XHCIP_RESET_TRIES)) {
        return STATUS_IO_TIMEOUT; /* it may not even be written to (5.4.2) */
    }
    XhciWrite(Base, XhciCommand, 0);
    if (!XhcipWait(Base, XhciStatus, XHCI_STATUS_HALTED, XHCI_STATUS_HALTED, XHCIP_HALT_TRIES)) {
        return STATUS_IO_TIMEOUT;
    }
    XhciWrite(Base, XhciCommand, XHCI_COMMAND_RESET);
    KeStallExecutionProcessor(XHCIP_WAIT); /* some do not answer at once */
    if (!XhcipWait(Base, XhciCommand, XHCI_COMMAND_RESET, 0, XHCIP_RESET_TRIES) ||
        !XhcipWait(Base, XhciStatus, XHCI_STATUS_NOT_READY, 0, XHCIP_RESET_TRIES)) {
        return STATUS_IO_TIMEOUT;
    }
    return STATUS_SUCCESS;
}

/* => STATUS_NOT_SUPPORTED: its figures make no sense, or registers are out of reach. */
static NTSTATUS XhcipReadStructure(PXHCI_CONTROLLER Controller)
{
    volatile UCHAR *Base = Controller->Registers;
    ULONG First = XhciRead(Base, XhciCapLength);
    ULONG Structure = XhciRead(Base, XhciStructural1);
    ULONG Doorbells = XhciRead(Base, XhciDoorbellOffset) & ~3u;
    ULONG Runtime = XhciRead(Base, XhciRuntimeOffset) & ~0x1Fu;
    ULONG Length = First & 0xFF;
    BOOLEAN Wide = (XhciRead(Base, XhciCapability1) & XHCI_CAPABILITY_CSZ) != 0;

    Controller->Version = First >> 16;
    Controller->Slots = Structure & 0xFF;
    Controller->Host.Ports = Structure >> 24;
    Controller->ContextBytes = Wide ? 64 : 32;
    if (First == 0xFFFFFFFFu || Length < XhciCapabilityBytes || Length % 4 != 0 ||
        Controller->Slots == 0 || Controller->Host.Ports == 0 ||
        Length + XhciPorts + Controller->Host.Ports * XhciPortBytes > Controller->Bytes ||
        Doorbells > Controller->Bytes - 4 * (XHCI_SLOTS + 1) ||
        Runtime > Controller->Bytes - XhciRuntimeBytes) {
        return STATUS_NOT_SUPPORTED;
    }
    Controller->Operational = Base + Length;
    Controller->Doorbells = Base + Doorbells;
    Controller->Runtime = Base + Runtime;
    return STATUS_SUCCESS;
}

/* ---- what it reads and writes ---- */

/* How many pages it wants for itself (5.3.4): the high five bits stand below the low five. */
static ULONG XhcipScratchpads(const XHCI_CONTROLLER *Controller)
{
    ULONG Structure = XhciRead(Controller->Registers, XhciStructural2);

    return (Structure >> 21 & 0x1F) << 5 | (Structure >> 27 & 0x1F);
}

/* The pages are zeroed; the first entry of the slots' table leads to theirs (6.1). */
static NTSTATUS XhcipAddScratchpads(PXHCI_CONTROLLER Controller)
{
    const PHYSICAL_ADDRESS Lowest = {.QuadPart = 0};
    const PHYSICAL_ADDRESS Highest = {.QuadPart = 0xFFFFFFFF};
    ULONG Count = XhcipScratchpads(Controller);
    const PFN_NUMBER *Frames;
    ULONG Physical;
    ULONG i;

    if (Count == 0) {
        return STATUS_SUCCESS;
    }
    Controller->Scratchpads = MmAllocatePagesForMdl(Lowest, Highest, Lowest, Count * PAGE_SIZE);
    Controller->ScratchpadTable = XhciAllocate(Count * (ULONG)sizeof(ULONG64), &Physical);
    if (Controller->Scratchpads == NULL || Controller->ScratchpadTable == NULL ||
        MmGetMdlByteCount(Controller->Scratchpads) < Count * PAGE_SIZE) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Frames = MmGetMdlPfnArray(Controller->Scratchpads);
    for (i = 0; i < Count; i++) {
        ((ULONG64 *)Controller->ScratchpadTable)[i] = (ULONG64)Frames[i] << PAGE_SHIFT;
    }
    *(ULONG64 *)Controller->Memory = Physical;
    return STATUS_SUCCESS;
}

static NTSTATUS XhcipAllocate(PXHCI_CONTROLLER Controller)
{
    ULONG *Segment;

    if (!(XhciRead(Controller->Operational, XhciPageSize) & XHCIP_PAGE_4K)) {
        return STATUS_NOT_SUPPORTED;
    }
    Controller->Memory = XhciAllocate(XHCI_MEMORY_BYTES, &Controller->Physical);
    if (Controller->Memory == NULL || !NT_SUCCESS(XhciCreateRing(&Controller->CommandRing))) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Controller->Events = (volatile XHCI_TRB *)(Controller->Memory + XHCI_MEMORY_EVENTS);
    Controller->EventCycle = XHCI_TRB_CYCLE;
    Segment = (ULONG *)(Controller->Memory + XHCI_MEMORY_SEGMENT);
    Segment[0] = Controller->Physical + XHCI_MEMORY_EVENTS;
    Segment[2] = XHCI_RING_TRBS;
    return XhcipAddScratchpads(Controller);
}

/* => The controller cannot access memory any more. */
static void XhcipFree(PXHCI_CONTROLLER Controller)
{
    if (Controller->Scratchpads != NULL) {
        MmFreePagesFromMdl(Controller->Scratchpads);
        ExFreePool(Controller->Scratchpads);
    }
    if (Controller->ScratchpadTable != NULL) {
        MmFreeContiguousMemory(Controller->ScratchpadTable);
    }
    XhciDeleteRing(&Controller->CommandRing);
    if (Controller->Memory != NULL) {
        MmFreeContiguousMemory(Controller->Memory);
    }
}

/* ---- running ---- */

static void XhcipTellMemory(const XHCI_CONTROLLER *Controller)
{
    XhciWrite(Controller->Operational, XhciConfigure, Controller->Slots);
    XhciWriteLong(Controller->Operational, XhciContexts, Controller->Physical);
    XhciWriteLong(Controller->Operational, XhciCommandRing,
                  Controller->CommandRing.Physical | XHCI_RING_CYCLE);
    XhciWrite(Controller->Runtime, XhciSegments, 1);
    XhciWriteLong(Controller->Runtime, XhciDequeue, Controller->Physical + XHCI_MEMORY_EVENTS);
    XhciWriteLong(Controller->Runtime, XhciSegmentTable, /* the last: it is read at once */
                  Controller->Physical + XHCI_MEMORY_SEGMENT);
    XhciWrite(Controller->Runtime, XhciModeration, XHCIP_MODERATION);
    XhciWrite(Controller->Runtime, XhciInterrupter,
              XHCI_INTERRUPTER_PENDING | XHCI_INTERRUPTER_ENABLE);
}

/* => PciConnectMessage succeeded. */
static NTSTATUS XhcipRun(PXHCI_CONTROLLER Controller)
{
    volatile UCHAR *Base = Controller->Operational;

    XhcipTellMemory(Controller);
    XhciWrite(Base, XhciCommand, XHCI_COMMAND_RUN | XHCI_COMMAND_INTERRUPT | XHCI_COMMAND_ERRORS);
    if (!XhcipWait(Base, XhciStatus, XHCI_STATUS_HALTED, 0, XHCIP_HALT_TRIES)) {
        return STATUS_IO_TIMEOUT;
    }
    XhciPowerPorts(Controller);
    return STATUS_SUCCESS;
}

static PXHCI_CONTROLLER XhcipCreate(HAL_PCI_FUNCTION F, ULONG Number)
{
    static const USB_HOST_OPERATIONS Operations = {
        .ReadPort = XhciReadPort,
        .ResetPort = XhciResetPort,
        .AddDevice = XhciAddUsbDevice,
        .SetControlPacket = XhciSetControlPacket,
        .OpenEndpoints = XhciOpenEndpoints,
        .DescribeHub = XhciDescribeHub,
        .Submit = XhciSubmit,
        .ResetEndpoint = XhciResetEndpoint,
        .RemoveDevice = XhciRemoveDevice,
    };
    PXHCI_CONTROLLER Controller =
        ExAllocatePoolWithTag(NonPagedPool, sizeof(*Controller), XHCI_TAG);

    if (Controller == NULL) {
        return NULL;
    }
    memset(Controller, 0, sizeof(*Controller));
    Controller->F = F;
    Controller->Host.Name = Controller->Name;
    Controller->Host.Operations = &Operations;
    (void)RtlStringCbPrintfA(Controller->Name, sizeof(Controller->Name), "xhci%u", Number);
    KeInitializeSpinLock(&Controller->Lock);
    InitializeListHead(&Controller->Commands);
    InitializeListHead(&Controller->Finished);
    KeInitializeTimer(&Controller->Timer);
    KeInitializeDpc(&Controller->TimerDpc, XhciTimerDpc, Controller);
    KeInitializeDpc(&Controller->InterruptDpc, XhciInterruptDpc, Controller);
    return Controller;
}

void XhciDeleteController(PXHCI_CONTROLLER Controller)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Controller->Lock);

    Controller->Host.Gone = TRUE; /* nothing sets the timer any more */
    KfReleaseSpinLock(&Controller->Lock, OldIrql);
    if (Controller->Operational != NULL) {
        XhciWrite(Controller->Operational, XhciCommand, 0);
    }
    PciReleaseFunction(Controller->F);
    PciDisconnectMessage(Controller->F, &Controller->Message);
    (void)KeCancelTimer(&Controller->Timer);
    KeFlushQueuedDpcs();
    XhcipFree(Controller);
    if (Controller->Registers != NULL) {
        HalUnmapRegisters((PVOID)Controller->Registers, Controller->Bytes);
    }
    ExFreePoolWithTag(Controller, XHCI_TAG);
}

/* From the reset on. */
static NTSTATUS XhcipStart(PXHCI_CONTROLLER Controller)
{
    NTSTATUS Status = XhcipReset(Controller);

    if (NT_SUCCESS(Status)) {
        XhciReadProtocols(Controller);
        Status = XhcipAllocate(Controller);
    }
    if (NT_SUCCESS(Status)) {
        Status = PciEnableMaster(Controller->F);
    }
    if (NT_SUCCESS(Status)) {
        Status = PciConnectMessage(Controller->F, XhciInterruptRoutine, Controller,
                                   &Controller->Message);
    }
    return NT_SUCCESS(Status) ? XhcipRun(Controller) : Status;
}

NTSTATUS XhciCreateController(HAL_PCI_FUNCTION F, ULONG Number, PXHCI_CONTROLLER *Result)
{
    PXHCI_CONTROLLER Controller = XhcipCreate(F, Number);
    NTSTATUS Status;

    if (Controller == NULL) {
        PciReleaseFunction(F);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = PciTakeFunction(F);
    if (NT_SUCCESS(Status)) {
        Status = XhcipMap(F, &Controller->Registers, &Controller->Bytes);
    }
    if (NT_SUCCESS(Status)) {
        Status = XhcipReadStructure(Controller);
    }
    if (NT_SUCCESS(Status)) {
        Status = XhcipStart(Controller);
    }
    if (!NT_SUCCESS(Status)) {
        XhciDeleteController(Controller);
        return Status;
    }
    *Result = Controller;
    return STATUS_SUCCESS;
}

NTSTATUS XhciAddDevice(HAL_PCI_FUNCTION F, ULONG Number)
{
    PXHCI_CONTROLLER Controller;
    NTSTATUS Status = XhciCreateController(F, Number, &Controller);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Controller->Announced = TRUE;
    Status = UsbStartHost(&Controller->Host);
    if (!NT_SUCCESS(Status)) {
        XhciDeleteController(Controller);
    }
    return Status;
}

/* SPDX-License-Identifier: MIT */
/*
 * ahci.c - an AHCI controller: taking it over from the firmware, and its interrupt.
 *
 * Only ports that are implemented are touched.  The controller as a whole is not reset: each port
 * is stopped and started on its own.
 *
 * Locking: one interrupt for all ports, at DEVICE_LEVEL; what it saw goes to each port by an
 * atomic word.
 */
#include "disk/driver/ahci.h"

#include "arch/port.h"
#include "ex.h"
#include "rtl.h"

#define AHCIP_RANGE               5u
#define AHCIP_LEAST_BYTES         0x180u  /* one port */
#define AHCIP_MOST_BYTES          0x1100u /* 32 ports */

#define AHCIP_SLOTS(Capabilities) (((Capabilities) >> 8 & 0x1Fu) + 1)
#define AHCIP_CAN_QUEUE           0x40000000u /* in AhciCapabilities */
#define AHCIP_CAN_HAND_OFF        0x01u       /* in AhciCapabilities2 */
#define AHCIP_FIRMWARE_OWNS       0x01u       /* in AhciHandOff, as the next */
#define AHCIP_SYSTEM_OWNS         0x02u
#define AHCIP_FIRMWARE_BUSY       0x10u
#define AHCIP_HAND_OFF_WAIT       1000u /* us */
#define AHCIP_HAND_OFF_TRIES      25u   /* the firmware has 25 ms to say that it is busy ... */
#define AHCIP_BUSY_TRIES          2000u /* ... and 2 s when it is */

#define AHCIP_ROUNDS              8u /* of an interrupt that keeps coming */

static ULONG AhcipRead(const AHCI_CONTROLLER *Controller, ULONG Offset)
{
    return READ_REGISTER_ULONG((volatile ULONG *)(Controller->Registers + Offset));
}

static void AhcipWrite(const AHCI_CONTROLLER *Controller, ULONG Offset, ULONG Value)
{
    WRITE_REGISTER_ULONG((volatile ULONG *)(Controller->Registers + Offset), Value);
}

/* The controller is ours afterwards, whether the firmware agreed in time or not. */
static void AhcipHandOff(const AHCI_CONTROLLER *Controller)
{
    ULONG Tries;

    if (!(AhcipRead(Controller, AhciCapabilities2) & AHCIP_CAN_HAND_OFF)) {
        return;
    }
    AhcipWrite(Controller, AhciHandOff, AhcipRead(Controller, AhciHandOff) | AHCIP_SYSTEM_OWNS);
    for (Tries = 0; Tries < AHCIP_BUSY_TRIES; Tries++) {
        ULONG State = AhcipRead(Controller, AhciHandOff);

        if (!(State & AHCIP_FIRMWARE_OWNS) ||
            (Tries >= AHCIP_HAND_OFF_TRIES && !(State & AHCIP_FIRMWARE_BUSY))) {
            return;
        }
        KeStallExecutionProcessor(AHCIP_HAND_OFF_WAIT);
    }
}

/* The ports' bits are cleared before the controller's: it sends a message when one appears. */
static void AhcipInterrupt(PVOID Context)
{
    PAHCI_CONTROLLER Controller = Context;
    ULONG Rounds;
    ULONG i;

    for (Rounds = AHCIP_ROUNDS; Rounds != 0; Rounds--) {
        ULONG Waiting = AhcipRead(Controller, AhciInterrupts);

        if (Waiting == 0 || Waiting == 0xFFFFFFFFu) {
            return; /* all seen, or nobody is there */
        }
        for (i = 0; i < AHCI_PORTS; i++) {
            if ((Waiting & (1u << i)) != 0 && Controller->Ports[i] != NULL) {
                AhciPortInterrupt(Controller->Ports[i]);
            }
        }
        AhcipWrite(Controller, AhciInterrupts, Waiting);
    }
}

static NTSTATUS AhcipMap(PAHCI_CONTROLLER Controller)
{
    PCI_RANGE Range;

    if (!NT_SUCCESS(PciQueryRange(Controller->F, AHCIP_RANGE, &Range)) || Range.Io ||
        Range.Bytes < AHCIP_LEAST_BYTES) {
        return STATUS_NOT_SUPPORTED;
    }
    Controller->Bytes = Range.Bytes < AHCIP_MOST_BYTES ? (ULONG)Range.Bytes : AHCIP_MOST_BYTES;
    Controller->Registers = PciMapRegisters(Controller->F, AHCIP_RANGE, 0, Controller->Bytes);
    return Controller->Registers != NULL ? STATUS_SUCCESS : STATUS_DEVICE_UNREACHABLE;
}

static BOOLEAN AhcipHasPort(const AHCI_CONTROLLER *Controller, ULONG Index)
{
    return (AhcipRead(Controller, AhciImplemented) & (1u << Index)) != 0 &&
           AhciPorts + (Index + 1) * AhciPortBytes <= Controller->Bytes;
}

/* Firmware's buffers are somebody else's memory by now: no port may write to them. */
static BOOLEAN AhcipSilence(PAHCI_CONTROLLER Controller)
{
    BOOLEAN Silent = TRUE;
    ULONG i;

    for (i = 0; i < AHCI_PORTS; i++) {
        if (AhcipHasPort(Controller, i) && !AhciSilencePort(Controller, i)) {
            Silent = FALSE;
        }
    }
    return Silent;
}

/* => Returns how many ports have disks. */
static ULONG AhcipFindDisks(PAHCI_CONTROLLER Controller, ULONG Number)
{
    ULONG Capabilities;
    ULONG Found = 0;
    ULONG i;

    AhcipWrite(Controller, AhciControl, AHCI_CONTROL_ENABLE); /* before any other register */
    AhcipHandOff(Controller);
    AhcipWrite(Controller, AhciControl, AHCI_CONTROL_ENABLE);
    Capabilities = AhcipRead(Controller, AhciCapabilities);
    Controller->QueueSlots = Capabilities & AHCIP_CAN_QUEUE ? AHCIP_SLOTS(Capabilities) : 0;
    if (!AhcipSilence(Controller) || !NT_SUCCESS(PciEnableMaster(Controller->F))) {
        return 0;
    }
    for (i = 0; i < AHCI_PORTS; i++) {
        if (AhcipHasPort(Controller, i)) {
            Found += NT_SUCCESS(AhciCreatePort(Controller, i, Number, &Controller->Ports[i]));
        }
    }
    return Found;
}

static void AhcipStart(PAHCI_CONTROLLER Controller)
{
    ULONG i;

    AhcipWrite(Controller, AhciInterrupts, 0xFFFFFFFFu);
    for (i = 0; i < AHCI_PORTS; i++) {
        if (Controller->Ports[i] != NULL) {
            AhciEnablePort(Controller->Ports[i]);
            DriverAddDisk(&Controller->Ports[i]->Channel.Device);
        }
    }
    AhcipWrite(Controller, AhciControl, AHCI_CONTROL_ENABLE | AHCI_CONTROL_INTERRUPT);
}

static void AhcipDelete(PAHCI_CONTROLLER Controller)
{
    ULONG i;

    for (i = 0; i < AHCI_PORTS; i++) {
        if (Controller->Ports[i] != NULL) {
            AhciDeletePort(Controller->Ports[i]);
        }
    }
    PciReleaseFunction(Controller->F);
    if (Controller->Registers != NULL) {
        HalUnmapRegisters((PVOID)Controller->Registers, Controller->Bytes);
    }
    ExFreePoolWithTag(Controller, AHCI_TAG);
}

NTSTATUS AhciAddDevice(HAL_PCI_FUNCTION F, ULONG Number)
{
    PAHCI_CONTROLLER Controller =
        ExAllocatePoolWithTag(NonPagedPool, sizeof(*Controller), AHCI_TAG);
    NTSTATUS Status;

    if (Controller == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Controller, 0, sizeof(*Controller));
    Controller->F = F;
    Status = PciTakeFunction(F);
    if (NT_SUCCESS(Status)) {
        Status = AhcipMap(Controller);
    }
    if (NT_SUCCESS(Status) && AhcipFindDisks(Controller, Number) == 0) {
        Status = STATUS_NO_SUCH_DEVICE;
    }
    if (NT_SUCCESS(Status)) {
        Status = PciConnectMessage(F, AhcipInterrupt, Controller, &Controller->Message);
    }
    if (!NT_SUCCESS(Status)) {
        AhcipDelete(Controller);
        return Status;
    }
    AhcipStart(Controller);
    return STATUS_SUCCESS;
}

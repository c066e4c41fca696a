/* SPDX-License-Identifier: MIT */
/*
 * xhci_port.c - the root's ports: protocols, speeds, power, changes, resets.
 *
 * A port's register mixes bits that are kept with bits that do something when a one is written:
 * the changes are cleared, and the enabled port is disabled.  Every write is made of what is to be
 * kept (XHCI_PORT_KEEP) and what is to be done.
 *
 * While any change bit is set the port tells of no other (4.19.2), so all are cleared at once; what
 * a reset waits for is remembered in Changes.  A port that is being reset tells the core nothing:
 * who resets it looks at it afterwards.
 *
 * Locking: the controller's; registers are read without it.
 */
#include "disk/driver/xhci.h"

#include "rtl.h"

/* What the core is told of. */
#define PORTP_TOLD                                                                                 \
    (XHCI_PORT_CHANGE_CSC | XHCI_PORT_CHANGE_PEC | XHCI_PORT_CHANGE_OCC | XHCI_PORT_CHANGE_PLC)

#define PORTP_POLL_MS     10
#define PORTP_RESET_TRIES 80u /* 800 ms: ten times what a reset may take */
#define PORTP_RECOVER_MS  10  /* after a reset (USB 2.0, 7.1.7.5) */
#define PORTP_POWER_MS    20  /* until the ports' power is good (5.4.8) */
#define PORTP_MS          10000

/* The words of a supported-protocol capability (7.2). */
enum {
    ProtocolRevision = 0x00, /* high byte: major */
    ProtocolPorts = 0x08,    /* first, count, ..., number of speeds from bit 28 */
    ProtocolSlotType = 0x0C,
    ProtocolSpeeds = 0x10
};

/* A speed's word (7.2.1). */
#define PORTP_SPEED_ID(Word)       ((Word)&0xF)
#define PORTP_SPEED_EXPONENT(Word) ((Word) >> 4 & 3) /* of 1000 */
#define PORTP_SPEED_MANTISSA(Word) ((Word) >> 16)

static ULONG PortpRead(const XHCI_CONTROLLER *Controller, ULONG Port)
{
    return XhciRead(Controller->Operational, XhciPorts + (Port - 1) * XhciPortBytes);
}

/* Do what Bits say, and change nothing else. */
static void PortpWrite(const XHCI_CONTROLLER *Controller, ULONG Port, ULONG Bits)
{
    ULONG Value = PortpRead(Controller, Port) & XHCI_PORT_KEEP;

    XhciWrite(Controller->Operational, XhciPorts + (Port - 1) * XhciPortBytes, Value | Bits);
}

static void PortpDelay(LONG Milliseconds)
{
    LARGE_INTEGER Interval = {.QuadPart = -(LONGLONG)Milliseconds * PORTP_MS};

    (void)KeDelayExecutionThread(KernelMode, FALSE, &Interval);
}

/* ---- the start ---- */

static void PortpReadProtocol(PXHCI_CONTROLLER Controller, ULONG Offset)
{
    ULONG Ports = XhciRead(Controller->Registers, Offset + ProtocolPorts);
    ULONG First = Ports & 0xFF;
    ULONG Count = Ports >> 8 & 0xFF;
    ULONG Speeds = Ports >> 28;
    ULONG Port;

    if (First == 0 || Offset + ProtocolSpeeds + 4 * Speeds > Controller->Bytes) {
        return;
    }
    for (Port = First; Port < First + Count && Port <= Controller->Host.Ports; Port++) {
        PXHCI_PORT To = &Controller->Ports[Port - 1];

        To->Major = (UCHAR)(XhciRead(Controller->Registers, Offset + ProtocolRevision) >> 24);
        To->SlotType = XhciRead(Controller->Registers, Offset + ProtocolSlotType) & 0x1F;
        To->SpeedCount = (UCHAR)Speeds;
        To->SpeedTable = Offset + ProtocolSpeeds;
    }
}

void XhciReadProtocols(PXHCI_CONTROLLER Controller)
{
    ULONG Nth;

    for (Nth = 0; Nth < XHCI_PORTS; Nth++) { /* each has a port at least */
        ULONG Offset = XhciFindExtended(Controller, XHCI_EXTENDED_PROTOCOL, Nth);

        if (Offset == 0 || Offset + ProtocolSpeeds > Controller->Bytes) {
            return;
        }
        PortpReadProtocol(Controller, Offset);
    }
}

void XhciPowerPorts(PXHCI_CONTROLLER Controller)
{
    BOOLEAN Switched = FALSE;
    ULONG Port;

    for (Port = 1; Port <= Controller->Host.Ports; Port++) {
        if (!(PortpRead(Controller, Port) & XHCI_PORT_POWER)) {
            PortpWrite(Controller, Port, XHCI_PORT_POWER);
            Switched = TRUE;
        }
    }
    if (Switched) {
        PortpDelay(PORTP_POWER_MS);
    }
}

/* ---- speeds ---- */

ULONG XhciReadSpeedId(PXHCI_CONTROLLER Controller, ULONG Port)
{
    return PortpRead(Controller, Port) >> XHCI_PORT_SPEED_SHIFT & XHCI_PORT_SPEED_MASK;
}

static USB_SPEED PortpSpeedOfWord(ULONG Word)
{
    ULONG64 Rate = PORTP_SPEED_MANTISSA(Word);
    ULONG Left;

    for (Left = PORTP_SPEED_EXPONENT(Word); Left != 0; Left--) {
        Rate *= 1000;
    }
    if (Rate >= 5000000000ull) {
        return UsbSpeedSuper;
    }
    if (Rate >= 480000000u) {
        return UsbSpeedHigh;
    }
    return Rate >= 12000000u ? UsbSpeedFull : UsbSpeedLow;
}

USB_SPEED XhciSpeedOfId(const XHCI_CONTROLLER *Controller, ULONG Port, ULONG Id)
{
    const XHCI_PORT *P = &Controller->Ports[Port - 1];
    ULONG i;

    for (i = 0; i < P->SpeedCount; i++) {
        ULONG Word = XhciRead(Controller->Registers, P->SpeedTable + 4 * i);

        if (PORTP_SPEED_ID(Word) == Id) {
            return PortpSpeedOfWord(Word);
        }
    }
    return Id < UsbSpeedSuper ? (USB_SPEED)Id : UsbSpeedSuper; /* faster ones too */
}

NTSTATUS XhciReadPort(PUSB_HOST Host, ULONG Port, USB_PORT_STATUS *Status)
{
    PXHCI_CONTROLLER Controller = CONTAINING_RECORD(Host, XHCI_CONTROLLER, Host);
    ULONG Value;

    if (Port == 0 || Port > Host->Ports) {
        return STATUS_INVALID_PARAMETER;
    }
    Value = PortpRead(Controller, Port);
    if (Host->Gone || Value == 0xFFFFFFFFu) {
        return STATUS_NO_SUCH_DEVICE;
    }
    Status->Connected = (Value & XHCI_PORT_CONNECTED) != 0;
    Status->Enabled = (Value & XHCI_PORT_ENABLED) != 0;
    Status->Speed = Status->Enabled
                        ? XhciSpeedOfId(Controller, Port, XhciReadSpeedId(Controller, Port))
                        : UsbSpeedNone;
    return STATUS_SUCCESS;
}

/* ---- changes ---- */

/* Clear what has changed.  => Returns it. */
static ULONG PortpTakeChanges(PXHCI_CONTROLLER Controller, ULONG Port) NT_HOLDS(Controller->Lock)
{
    PXHCI_PORT P = &Controller->Ports[Port - 1];
    ULONG Value = PortpRead(Controller, Port);
    ULONG Changes = Value & XHCI_PORT_CHANGES;

    if (Value == 0xFFFFFFFFu) {
        return 0;
    }
    if (Changes != 0) {
        PortpWrite(Controller, Port, Changes);
        P->Changes |= Changes;
    }
    return Changes;
}

BOOLEAN XhciPortEvent(PXHCI_CONTROLLER Controller, const XHCI_TRB *Event)
{
    ULONG Port = Event->Low >> 24;

    if (Port == 0 || Port > Controller->Host.Ports) {
        return FALSE;
    }
    if ((PortpTakeChanges(Controller, Port) & PORTP_TOLD) != 0 &&
        !Controller->Ports[Port - 1].Resetting) {
        Controller->Notices[Port / 32] |= 1u << Port % 32;
    }
    return TRUE;
}

/* ---- resets ---- */

/* => Returns the port's register; changes are cleared and remembered. */
static ULONG PortpLook(PXHCI_CONTROLLER Controller, ULONG Port)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Controller->Lock);
    ULONG Value;

    (void)PortpTakeChanges(Controller, Port);
    Value = PortpRead(Controller, Port);
    XhciUnlock(Controller, OldIrql);
    return Value;
}

/*
 * Reset the port and wait until that is over.
 *
 * => Returns STATUS_SUCCESS when it is, however it ended.
 */
static NTSTATUS PortpReset(PXHCI_CONTROLLER Controller, ULONG Port, ULONG How)
{
    PXHCI_PORT P = &Controller->Ports[Port - 1];
    ULONG Left;

    (void)PortpLook(Controller, Port);
    P->Changes = 0;
    PortpWrite(Controller, Port, How);
    for (Left = PORTP_RESET_TRIES; Left != 0; Left--) {
        PortpDelay(PORTP_POLL_MS);
        if (PortpLook(Controller, Port) == 0xFFFFFFFFu) {
            return STATUS_NO_SUCH_DEVICE;
        }
        if ((P->Changes & XHCI_PORT_CHANGE_PRC) != 0) {
            return STATUS_SUCCESS;
        }
    }
    return STATUS_IO_TIMEOUT;
}

/* A link of SuperSpeed that only a warm reset brings back (4.19.1.2.4). */
static BOOLEAN PortpHangs(const XHCI_CONTROLLER *Controller, ULONG Port)
{
    ULONG Value = PortpRead(Controller, Port);
    ULONG Link = Value >> XHCI_PORT_LINK_SHIFT & XHCI_PORT_LINK_MASK;

    return Controller->Ports[Port - 1].Major == 3 && !(Value & XHCI_PORT_ENABLED) &&
           (Link == XHCI_LINK_INACTIVE || Link == XHCI_LINK_POLLING ||
            Link == XHCI_LINK_COMPLIANCE);
}

static NTSTATUS PortpResetUntilEnabled(PXHCI_CONTROLLER Controller, ULONG Port)
{
    BOOLEAN Warm = PortpHangs(Controller, Port);
    NTSTATUS Status;
    ULONG Value;

    if (Controller->Ports[Port - 1].Major != 3 &&
        !(PortpRead(Controller, Port) & XHCI_PORT_CONNECTED)) {
        return STATUS_NO_SUCH_DEVICE; /* such a reset would not end */
    }
    Status = PortpReset(Controller, Port, Warm ? XHCI_PORT_WARM_RESET : XHCI_PORT_RESET);
    if (Status != STATUS_NO_SUCH_DEVICE && !Warm && PortpHangs(Controller, Port)) {
        Status = PortpReset(Controller, Port, XHCI_PORT_WARM_RESET);
    }
    PortpDelay(PORTP_RECOVER_MS);
    Value = PortpLook(Controller, Port);
    if (Value == 0xFFFFFFFFu || !(Value & XHCI_PORT_CONNECTED)) {
        return STATUS_NO_SUCH_DEVICE;
    }
    if (NT_SUCCESS(Status) && !(Value & XHCI_PORT_ENABLED)) {
        return STATUS_IO_DEVICE_ERROR;
    }
    return Status;
}

NTSTATUS XhciResetPort(PUSB_HOST Host, ULONG Port)
{
    PXHCI_CONTROLLER Controller = CONTAINING_RECORD(Host, XHCI_CONTROLLER, Host);
    NTSTATUS Status;

    if (Port == 0 || Port > Host->Ports) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Host->Gone) {
        return STATUS_NO_SUCH_DEVICE;
    }
    Controller->Ports[Port - 1].Resetting = TRUE;
    Status = PortpResetUntilEnabled(Controller, Port);
    Controller->Ports[Port - 1].Resetting = FALSE;
    return Status;
}

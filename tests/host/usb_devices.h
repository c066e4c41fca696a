/* SPDX-License-Identifier: MIT */
/*
 * usb_devices.h - virtual USB devices for the mock host: a stick, a hub, a keyboard.
 */
#ifndef TESTS_HOST_USB_DEVICES_H
#define TESTS_HOST_USB_DEVICES_H

#include "tests/host/usb_mock.h"

/* ---- a stick: bulk-only transport, SCSI ---- */

#define USB_STICK_BYTES (512u * 1024u)
#define USB_STICK_IN    0x81u
#define USB_STICK_OUT   0x02u
#define USB_STICK_ANY   0x100u /* no operation code: all commands */

/* What goes wrong with a command. */
typedef enum _USB_STICK_FAULT {
    StickNone,
    StickStallCommand, /* the command block */
    StickStallData,    /* and status 1 */
    StickStallShort,   /* half of the data, then a stall, and residue */
    StickStallStatus,  /* once, before the status */
    StickShort,        /* half of the data and residue, status 0 */
    StickResidue,      /* all the data, and residue */
    StickHugeResidue,  /* more than there was data */
    StickWrongTag,
    StickWrongSignature,
    StickShortStatus,
    StickLongStatus,
    StickPhaseError,
    StickBadStatus,  /* 0x55 */
    StickSilentData, /* nothing, until time is up */
    StickSilentStatus,
    StickBabble,      /* more data than asked for */
    StickTransaction, /* an error on the wire */
    StickRefuse,      /* status 1, and Sense */
    StickVanish,      /* it is pulled out */
    StickFaults
} USB_STICK_FAULT;

typedef enum _USB_STICK_STEP {
    StickWantsCommand,
    StickWantsData,
    StickSendsData,
    StickSendsStatus
} USB_STICK_STEP;

typedef struct _USB_STICK {
    USB_MOCK_DEVICE Device;

    /* set by the test */
    USB_STICK_FAULT Fault;
    ULONG FaultOn;        /* operation code, or USB_STICK_ANY */
    ULONG FaultTimes;     /* so many commands */
    UCHAR Sense[3];       /* key, code, qualifier: for StickRefuse and attention */
    ULONG Attention;      /* so many commands are refused with Sense, from now on */
    ULONG ResetAttention; /* what Attention becomes by a class reset */
    ULONG SectorBytes;
    ULONG64 Sectors;
    ULONG MaximumLun; /* 0xFF: stalls */
    ULONG MediumLun;  /* the unit with a medium; others are empty */
    UCHAR Type;       /* of INQUIRY */
    BOOLEAN Protected;
    BOOLEAN NoCache;      /* SYNCHRONIZE CACHE is no command */
    ULONG FailClassReset; /* so many stall */

    /* found by the test */
    ULONG Commands[256]; /* by operation code */
    ULONG ClassResets;
    ULONG LunRequests;
    UCHAR Medium[USB_STICK_BYTES];

    /* its own */
    USB_STICK_STEP Step;
    UCHAR Cdb[16];
    ULONG Tag;
    ULONG Bytes; /* that the command block speaks of */
    ULONG Residue;
    UCHAR Lun;
    UCHAR Status;
    UCHAR Pending[3];        /* sense */
    USB_STICK_FAULT Current; /* of this command */
    BOOLEAN StatusStalled;
    UCHAR Answer[256];
    ULONG AnswerBytes;
} USB_STICK;

/* => High speed, 1024 sectors of 512 bytes, without faults. */
void UsbStickCreate(USB_STICK *Stick);

/* ---- a hub ---- */

typedef struct _USB_MOCK_HUB {
    USB_MOCK_DEVICE Device;

    /* set by the test */
    ULONG Ports;
    BOOLEAN AlwaysNews; /* its status-change endpoint answers all the time */
    ULONG FailStatus;   /* so many transfers of it stall */

    /* found by the test */
    ULONG Power;    /* bit n: port n */
    ULONG Depth;    /* of SET_HUB_DEPTH; 0xFF: none */
    ULONG Disabled; /* CLEAR_FEATURE(PORT_ENABLE): nobody may */
    USHORT Status[16];
    USHORT Changes[16];
} USB_MOCK_HUB;

/* => Four ports. */
void UsbMockHubCreate(USB_MOCK_HUB *Hub, USB_SPEED Speed);
void UsbMockHubPlug(USB_MOCK_HUB *Hub, ULONG Port, USB_MOCK_DEVICE *Device);
void UsbMockHubUnplug(USB_MOCK_HUB *Hub, ULONG Port);

/* ---- a keyboard, with a second interface that is none ---- */

#define USB_KEYBOARD_REPORTS 32u

typedef struct _USB_MOCK_KEYBOARD {
    USB_MOCK_DEVICE Device;

    /* set by the test */
    BOOLEAN NoIdle;     /* SET_IDLE stalls */
    BOOLEAN NoProtocol; /* SET_PROTOCOL stalls */
    ULONG StallReports; /* so many transfers stall */
    ULONG ReportBytes;

    /* found by the test */
    ULONG Protocol; /* 1 (reports) until SET_PROTOCOL */
    ULONG Idles;

    /* its own */
    UCHAR Reports[USB_KEYBOARD_REPORTS][8];
    ULONG Count;
} USB_MOCK_KEYBOARD;

void UsbMockKeyboardCreate(USB_MOCK_KEYBOARD *Keyboard);

/* Send a report: modifiers, and keys up to six, 0 where there is none. */
void UsbMockKeyboardSend(USB_MOCK_KEYBOARD *Keyboard, UCHAR Modifiers, const UCHAR Keys[6]);

#endif

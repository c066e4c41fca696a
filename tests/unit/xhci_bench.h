/* SPDX-License-Identifier: MIT */
/*
 * xhci_bench.h - an xHCI driver over the mock, without a core: the test is the host's thread.
 */
#ifndef TESTS_UNIT_XHCI_BENCH_H
#define TESTS_UNIT_XHCI_BENCH_H

#include "disk/driver/xhci.h"
#include "tests/host/xhci_mock.h"
#include "tests/unit/mm_world.h"

#define XHCI_BENCH_BYTES 0x11000u /* of a transfer's buffer: 64 KB from anywhere in a page */
#define XHCI_BENCH_IN    0x81u    /* the bulk endpoints of XhciBenchDevice */
#define XHCI_BENCH_OUT   0x02u
#define XHCI_BENCH_KEYS  0x83u /* its interrupt endpoint */

typedef struct _XHCI_BENCH_TRANSFER {
    USB_TRANSFER Transfer;
    KEVENT Done;
    ULONG Completions;
    PUCHAR Buffer; /* nonpaged pool, XHCI_BENCH_BYTES */
    PMDL Mdl;
} XHCI_BENCH_TRANSFER;

/* The controller's mock, and the driver once XhciBenchCreate ran. */
extern XHCI_MOCK XhciBenchMock;
extern PXHCI_CONTROLLER XhciBenchController;

/*
 * A stick that answers control requests of its own, echoes what OUT got at IN, and has keys that
 * are silent until XhciBenchKey is not 0.
 */
extern XHCI_MOCK_DEVICE XhciBenchStick;
extern LONG XhciBenchInSays;      /* not 0: what the IN endpoint returns */
extern LONG XhciBenchControlSays; /* not 0: what endpoint 0 returns */
extern UCHAR XhciBenchKey;

/* A machine with the mock.  => XhciBenchMock can be changed. */
void XhciBenchStart(void);

/* The driver has it. */
void XhciBenchCreate(void);

/* Both, and a stick at Port that has a slot, an address and its endpoints. */
void XhciBenchStartStick(ULONG Port);

/* The driver lets it go; nothing may be mapped, connected or allocated that was not before. */
void XhciBenchFinish(void);

/* The root device at Port.  => It was plugged in, and Device is new. */
void XhciBenchDescribe(PUSB_DEVICE Device, ULONG Port, USB_SPEED Speed);
extern USB_DEVICE XhciBenchDevice;
NTSTATUS XhciBenchOpen(void);

/* A transfer of Bytes that begin Offset bytes into the buffer's page. */
void XhciBenchSubmit(XHCI_BENCH_TRANSFER *Bench, UCHAR Endpoint, ULONG Offset, ULONG Bytes,
                     ULONG LimitMs);
void XhciBenchSubmitControl(XHCI_BENCH_TRANSFER *Bench, UCHAR RequestType, UCHAR Request,
                            USHORT Value, ULONG Bytes);

/* Wait until it ends, which must be once.  => Returns its status. */
NTSTATUS XhciBenchWait(XHCI_BENCH_TRANSFER *Bench);
void XhciBenchFree(XHCI_BENCH_TRANSFER *Bench);

/* Let Milliseconds go by. */
void XhciBenchSleep(ULONG Milliseconds);

#endif

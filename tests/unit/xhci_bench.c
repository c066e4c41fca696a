/* SPDX-License-Identifier: MIT */
/*
 * xhci_bench.c - an xHCI driver over the mock, without a core.
 */
#include "tests/unit/xhci_bench.h"

#include "ex.h"
#include "mm/pfn/pfn_inspect.h"
#include "mm/pool/pool.h"
#include "mm/sysva/system_pages.h"
#include "rtl.h"
#include "tests/unit/disk_bench.h"

#include <string.h>

#define TAG 0x74736554u /* 'Test' */

XHCI_MOCK XhciBenchMock;
PXHCI_CONTROLLER XhciBenchController;
USB_DEVICE XhciBenchDevice;
LONG XhciBenchInSays;
LONG XhciBenchControlSays;
UCHAR XhciBenchKey;

static UCHAR Echo[0x10000];
static ULONG EchoBytes;
static MI_POOL_FIGURES PoolBefore;
static ULONG PagesBefore;

/* ---- the stick ---- */

static LONG StickControl(XHCI_MOCK_DEVICE *Device, const USB_SETUP *Setup, PUCHAR Data)
{
    ULONG i;

    (void)Device;
    if (XhciBenchControlSays != 0) {
        return XhciBenchControlSays;
    }
    if ((Setup->RequestType & 0x80) == 0) {
        memcpy(Echo, Data, Setup->Length);
        EchoBytes = Setup->Length;
        return Setup->Length;
    }
    if (Setup->Request == 6) { /* a descriptor shorter than what is asked for */
        for (i = 0; i < Setup->Length && i < 18; i++) {
            Data[i] = (UCHAR)(i + Setup->Value);
        }
        return (LONG)i;
    }
    memcpy(Data, Echo, Setup->Length);
    return Setup->Length;
}

static LONG StickTransfer(XHCI_MOCK_DEVICE *Device, UCHAR Endpoint, PUCHAR Data, ULONG Bytes)
{
    (void)Device;
    if (Endpoint == XHCI_BENCH_OUT) {
        memcpy(Echo, Data, Bytes);
        EchoBytes = Bytes;
        return (LONG)Bytes;
    }
    if (Endpoint == XHCI_BENCH_KEYS) {
        if (XhciBenchKey == 0) {
            return XHCI_MOCK_NAK;
        }
        memset(Data, XhciBenchKey, Bytes);
        XhciBenchKey = 0;
        return (LONG)Bytes;
    }
    if (XhciBenchInSays != 0) {
        return XhciBenchInSays;
    }
    Bytes = Bytes < EchoBytes ? Bytes : EchoBytes;
    memcpy(Data, Echo, Bytes);
    return (LONG)Bytes;
}

XHCI_MOCK_DEVICE XhciBenchStick = {
    .Speed = UsbSpeedHigh, .Control = StickControl, .Transfer = StickTransfer};

/* ---- the machine ---- */

static ULONG Pages(void)
{
    MI_PFN_COUNTERS Frames;

    MiQueryPfnCounters(&Frames);
    return (ULONG)Frames.AvailablePages + MiSystemPageTables;
}

void XhciBenchStart(void)
{
    DiskBenchStart();
    XhciMockAttach(&XhciBenchMock);
    XhciBenchStick.Speed = UsbSpeedHigh;
    XhciBenchStick.AddressErrors = 0;
    XhciBenchInSays = XhciBenchControlSays = 0;
    XhciBenchKey = 0;
    EchoBytes = 0;
    XhciBenchController = NULL;
    MiTrimPools();
    MiQueryPoolFigures(NonPagedPool, &PoolBefore);
    PagesBefore = Pages();
}

void XhciBenchCreate(void)
{
    CHECK_EQUAL(STATUS_SUCCESS, XhciCreateController(XhciMockFunction, 0, &XhciBenchController));
}

void XhciBenchFinish(void)
{
    MI_POOL_FIGURES Pool;

    if (XhciBenchController != NULL) {
        CHECK_EQUAL(0, XhciBenchController->Transfers);
        XhciDeleteController(XhciBenchController);
    }
    CHECK_EQUAL(0, RegistersMapped());
    CHECK_EQUAL(0, MessagesConnected());
    CHECK(XhciBenchMock.Pci->Gone || !(XhciBenchMock.Pci->Space[PCI_COMMAND] & PCI_COMMAND_MASTER));
    MiTrimPools();
    MiQueryPoolFigures(NonPagedPool, &Pool);
    CHECK_EQUAL(PoolBefore.InUseBytes, Pool.InUseBytes);
    CHECK_EQUAL(PagesBefore, Pages());
    DiskBenchFinish();
}

void XhciBenchDescribe(PUSB_DEVICE Device, ULONG Port, USB_SPEED Speed)
{
    memset(Device, 0, sizeof(*Device));
    Device->Host = &XhciBenchController->Host;
    Device->RootPort = Port;
    Device->Speed = Speed;
}

NTSTATUS XhciBenchOpen(void)
{
    USHORT Packet = XhciBenchDevice.Speed == UsbSpeedSuper  ? 1024
                    : XhciBenchDevice.Speed == UsbSpeedHigh ? 512
                                                            : 64;
    const USB_ENDPOINT Endpoints[] = {{XHCI_BENCH_IN, UsbBulk, Packet, 0, 0},
                                      {XHCI_BENCH_OUT, UsbBulk, Packet, 0, 0},
                                      {XHCI_BENCH_KEYS, UsbInterrupt, 8, 4, 0}};

    return XhciOpenEndpoints(&XhciBenchDevice, Endpoints, RTL_NUMBER_OF(Endpoints));
}

void XhciBenchStartStick(ULONG Port)
{
    USB_PORT_STATUS Status;

    XhciBenchStart();
    XhciBenchStick.Speed = Port > XHCI_MOCK_USB2 ? UsbSpeedSuper : UsbSpeedHigh;
    XhciMockPlug(&XhciBenchMock, Port, 0, &XhciBenchStick);
    XhciBenchCreate();
    CHECK_EQUAL(STATUS_SUCCESS, XhciResetPort(&XhciBenchController->Host, Port));
    CHECK_EQUAL(STATUS_SUCCESS, XhciReadPort(&XhciBenchController->Host, Port, &Status));
    CHECK(Status.Connected && Status.Enabled);
    XhciBenchDescribe(&XhciBenchDevice, Port, Status.Speed);
    CHECK_EQUAL(STATUS_SUCCESS, XhciAddUsbDevice(&XhciBenchDevice));
    CHECK_EQUAL(STATUS_SUCCESS, XhciBenchOpen());
}

/* ---- transfers ---- */

static void Completed(PUSB_TRANSFER Transfer)
{
    XHCI_BENCH_TRANSFER *Bench = Transfer->Context;

    CHECK(KeGetCurrentIrql() <= DISPATCH_LEVEL);
    CHECK_EQUAL(0, XhciBenchController->Lock);
    Bench->Completions++;
    KeSetEvent(&Bench->Done, IO_NO_INCREMENT, FALSE);
}

static void Prepare(XHCI_BENCH_TRANSFER *Bench)
{
    memset(&Bench->Transfer, 0xA5, sizeof(Bench->Transfer)); /* the driver's fields are garbage */
    if (Bench->Buffer == NULL) {
        Bench->Buffer = ExAllocatePoolWithTag(NonPagedPool, XHCI_BENCH_BYTES, TAG);
        CHECK(Bench->Buffer != NULL);
        memset(Bench->Buffer, 0, XHCI_BENCH_BYTES);
        Bench->Mdl = IoAllocateMdl(Bench->Buffer, XHCI_BENCH_BYTES, FALSE, FALSE, NULL);
        CHECK(Bench->Mdl != NULL);
        MmBuildMdlForNonPagedPool(Bench->Mdl);
    }
    Bench->Completions = 0;
    KeInitializeEvent(&Bench->Done, NotificationEvent, FALSE);
    Bench->Transfer.Device = &XhciBenchDevice;
    Bench->Transfer.Completion = Completed;
    Bench->Transfer.Context = Bench;
}

void XhciBenchSubmit(XHCI_BENCH_TRANSFER *Bench, UCHAR Endpoint, ULONG Offset, ULONG Bytes,
                     ULONG LimitMs)
{
    Prepare(Bench);
    Bench->Transfer.Endpoint = Endpoint;
    Bench->Transfer.Mdl = Bytes != 0 ? Bench->Mdl : NULL;
    Bench->Transfer.Offset = Offset;
    Bench->Transfer.Bytes = Bytes;
    Bench->Transfer.LimitMs = LimitMs;
    XhciSubmit(&Bench->Transfer);
}

void XhciBenchSubmitControl(XHCI_BENCH_TRANSFER *Bench, UCHAR RequestType, UCHAR Request,
                            USHORT Value, ULONG Bytes)
{
    Prepare(Bench);
    Bench->Transfer.Endpoint = 0;
    Bench->Transfer.Setup = (USB_SETUP){RequestType, Request, Value, 0, (USHORT)Bytes};
    Bench->Transfer.Mdl = Bytes != 0 ? Bench->Mdl : NULL;
    Bench->Transfer.Offset = 0;
    Bench->Transfer.Bytes = Bytes;
    Bench->Transfer.LimitMs = 1000;
    XhciSubmit(&Bench->Transfer);
}

NTSTATUS XhciBenchWait(XHCI_BENCH_TRANSFER *Bench)
{
    LARGE_INTEGER Limit = {.QuadPart = -(LONGLONG)60 * 10000000};

    CHECK_EQUAL(STATUS_SUCCESS,
                KeWaitForSingleObject(&Bench->Done, Executive, KernelMode, FALSE, &Limit));
    CHECK_EQUAL(1, Bench->Completions);
    return Bench->Transfer.Status;
}

void XhciBenchFree(XHCI_BENCH_TRANSFER *Bench)
{
    if (Bench->Buffer != NULL) {
        CHECK_EQUAL(1, Bench->Completions);
        IoFreeMdl(Bench->Mdl);
        ExFreePoolWithTag(Bench->Buffer, TAG);
    }
    memset(Bench, 0, sizeof(*Bench));
}

void XhciBenchSleep(ULONG Milliseconds)
{
    LARGE_INTEGER Interval = {.QuadPart = -(LONGLONG)Milliseconds * 10000};

    (void)KeDelayExecutionThread(KernelMode, FALSE, &Interval);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_io_irp.c - requests: allocation, the way down and up, completion routines, cancelling.
 *
 * A stack of three devices of one driver, whose dispatch routine does what the test's plan says.
 */
#include "mm/io/io_i.h"
#include "nt/bugcodes.h"
#include "tests/unit/io_world.h"

#include <string.h>

#define DEVICES 3

/* What the dispatch routine of each device does, and what happened. */
typedef struct _LAYER {
    BOOLEAN Completes; /* with Status; else it passes the request down */
    BOOLEAN Pends;     /* keeps it instead */
    BOOLEAN Skips;     /* passes its own location down */
    BOOLEAN TakesBack; /* its completion routine returns STATUS_MORE_PROCESSING_REQUIRED */
    BOOLEAN MarksUp;   /* its completion routine carries the pending mark up */
    ULONG Dispatched;
    ULONG Completed;
    BOOLEAN SawPending;
    PDEVICE_OBJECT SawDevice;
} LAYER;

static PDRIVER_OBJECT Driver;
static PDEVICE_OBJECT Device[DEVICES]; /* bottom first */
static LAYER Layer[DEVICES];
static NTSTATUS FinalStatus;
static PIRP Kept;

static ULONG IndexOf(PDEVICE_OBJECT Object)
{
    ULONG Index = 0;

    while (Device[Index] != Object) {
        Index++;
    }
    return Index;
}

static NTSTATUS NTAPI Completed(PDEVICE_OBJECT Object, PIRP Irp, PVOID Context)
{
    LAYER *Mine = Context;

    Mine->Completed++;
    Mine->SawPending = Irp->PendingReturned;
    Mine->SawDevice = Object;
    if (Mine->MarksUp && Irp->PendingReturned && Object != NULL) {
        IoMarkIrpPending(Irp);
    }
    return Mine->TakesBack ? STATUS_MORE_PROCESSING_REQUIRED : STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS NTAPI Dispatch(PDEVICE_OBJECT Object, PIRP Irp)
{
    ULONG Index = IndexOf(Object);
    LAYER *Mine = &Layer[Index];

    Mine->Dispatched++;
    CHECK(IoGetCurrentIrpStackLocation(Irp)->DeviceObject == Object);
    CHECK_EQUAL(IRP_MJ_READ, IoGetCurrentIrpStackLocation(Irp)->MajorFunction);
    if (Mine->Completes) {
        Irp->IoStatus.Status = FinalStatus;
        Irp->IoStatus.Information = 77;
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return FinalStatus;
    }
    if (Mine->Pends) {
        IoMarkIrpPending(Irp);
        Kept = Irp;
        return STATUS_PENDING;
    }
    if (Mine->Skips) {
        IoSkipCurrentIrpStackLocation(Irp);
    } else {
        IoCopyCurrentIrpStackLocationToNext(Irp);
        IoSetCompletionRoutine(Irp, Completed, Mine, TRUE, TRUE, TRUE);
    }
    return IoCallDriver(Device[Index - 1], Irp);
}

static NTSTATUS NTAPI Entry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    CHECK(RegistryPath == NULL);
    Driver = DriverObject;
    DriverObject->MajorFunction[IRP_MJ_READ] = Dispatch;
    return STATUS_SUCCESS;
}

static void Start(void)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(u"\\Driver\\Layers");
    ULONG Index;

    IoWorldPowerOn();
    memset(Layer, 0, sizeof(Layer));
    FinalStatus = STATUS_SUCCESS;
    CHECK_EQUAL(STATUS_SUCCESS, IoCreateDriver(&Name, Entry));
    for (Index = 0; Index < DEVICES; Index++) {
        CHECK_EQUAL(STATUS_SUCCESS,
                    IoCreateDevice(Driver, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device[Index]));
        if (Index != 0) {
            CHECK(IoAttachDeviceToDeviceStack(Device[Index], Device[0]) == Device[Index - 1]);
        }
    }
    CHECK_EQUAL(DEVICES, Device[DEVICES - 1]->StackSize);
}

static void Finish(void)
{
    ULONG Index;

    for (Index = DEVICES; Index-- > 0;) {
        if (Index != 0) {
            IoDetachDevice(Device[Index - 1]);
        }
        IoDeleteDevice(Device[Index]);
    }
    IoDeleteDriver(Driver);
    IoWorldPowerOff();
}

static PIRP MakeRead(CCHAR StackSize)
{
    PIRP Irp = IoAllocateIrp(StackSize, FALSE);

    CHECK(Irp != NULL);
    IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_READ;
    return Irp;
}

/* A request whose end the test sees: by its event and status block. */
typedef struct _WATCH {
    KEVENT Event;
    IO_STATUS_BLOCK Iosb;
} WATCH;

static PIRP MakeWatched(WATCH *Watch)
{
    PIRP Irp = MakeRead(DEVICES);

    KeInitializeEvent(&Watch->Event, NotificationEvent, FALSE);
    Watch->Iosb = (IO_STATUS_BLOCK){.Status = STATUS_PENDING};
    Irp->UserEvent = &Watch->Event;
    Irp->UserIosb = &Watch->Iosb;
    return Irp;
}

/* ---- memory ---- */

TEST(IoIrp_begins_zeroed_with_its_maker)
{
    PIRP Irp;

    Start();
    Irp = IoAllocateIrp(5, FALSE);
    CHECK_EQUAL(IO_TYPE_IRP, Irp->Type);
    CHECK_EQUAL(0x70 + 5 * 0x24, Irp->Size);
    CHECK_EQUAL(5, Irp->StackCount);
    CHECK_EQUAL(6, Irp->CurrentLocation);
    CHECK((PUCHAR)IoGetCurrentIrpStackLocation(Irp) == (PUCHAR)Irp + Irp->Size);
    CHECK((PUCHAR)IoGetNextIrpStackLocation(Irp) == (PUCHAR)Irp + Irp->Size - 0x24);
    CHECK_EQUAL(0, Irp->IoStatus.Status);
    IoFreeIrp(Irp);
    Finish();
}

TEST(IoReuseIrp_makes_it_new_with_a_status)
{
    PIRP Irp;

    Start();
    Irp = MakeRead(2);
    Irp->AllocationFlags = IRP_ALLOCATED_FIXED_SIZE;
    IoSetNextIrpStackLocation(Irp);
    Irp->Cancel = TRUE;
    IoReuseIrp(Irp, STATUS_CANCELLED);
    CHECK_EQUAL(3, Irp->CurrentLocation);
    CHECK_EQUAL(STATUS_CANCELLED, Irp->IoStatus.Status);
    CHECK_EQUAL(FALSE, Irp->Cancel);
    CHECK_EQUAL(0, IoGetNextIrpStackLocation(Irp)->MajorFunction);
    CHECK_EQUAL(IRP_ALLOCATED_FIXED_SIZE, Irp->AllocationFlags);
    Irp->AllocationFlags = 0;
    IoFreeIrp(Irp);
    Finish();
}

/* ---- down and up ---- */

TEST(IoCompleteRequest_calls_each_layers_routine_from_the_bottom_up)
{
    WATCH Watch;

    Start();
    Layer[0].Completes = TRUE;
    CHECK_EQUAL(STATUS_SUCCESS, IoCallDriver(Device[2], MakeWatched(&Watch)));
    CHECK_EQUAL(1, Layer[1].Completed);
    CHECK_EQUAL(1, Layer[2].Completed);
    CHECK(Layer[1].SawDevice == Device[1] && Layer[2].SawDevice == Device[2]);
    CHECK(!Layer[1].SawPending && !Layer[2].SawPending);
    CHECK_EQUAL(1, KeReadStateEvent(&Watch.Event));
    CHECK_EQUAL(STATUS_SUCCESS, Watch.Iosb.Status);
    CHECK_EQUAL(77, Watch.Iosb.Information);
    Finish();
}

TEST(IoCompleteRequest_passes_over_a_layer_that_skipped_its_location)
{
    WATCH Watch;

    Start();
    Layer[0].Completes = TRUE;
    Layer[1].Skips = TRUE;
    CHECK_EQUAL(STATUS_SUCCESS, IoCallDriver(Device[2], MakeWatched(&Watch)));
    CHECK_EQUAL(0, Layer[1].Completed);
    CHECK_EQUAL(1, Layer[2].Completed);
    CHECK_EQUAL(77, Watch.Iosb.Information);
    Finish();
}

TEST(IoCompleteRequest_carries_the_pending_mark_up)
{
    WATCH Watch;

    Start();
    Layer[0].Pends = TRUE;
    Layer[1].Skips = TRUE; /* the mark is in the location that both share */
    CHECK_EQUAL(STATUS_PENDING, IoCallDriver(Device[2], MakeWatched(&Watch)));
    CHECK_EQUAL(0, KeReadStateEvent(&Watch.Event));
    Kept->IoStatus.Status = STATUS_END_OF_FILE;
    IoCompleteRequest(Kept, IO_NO_INCREMENT);
    CHECK(Layer[2].SawPending);
    CHECK_EQUAL(1, KeReadStateEvent(&Watch.Event));
    CHECK_EQUAL(STATUS_END_OF_FILE, Watch.Iosb.Status);
    Finish();
}

TEST(IoCompleteRequest_marks_for_a_layer_without_a_routine)
{
    WATCH Watch;
    PIRP Irp;

    Start();
    Irp = MakeWatched(&Watch);
    IoSetNextIrpStackLocation(Irp); /* layer 2, with a routine in the location below */
    IoGetCurrentIrpStackLocation(Irp)->DeviceObject = Device[2];
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, Completed, &Layer[2], TRUE, TRUE, TRUE);
    IoSetNextIrpStackLocation(Irp); /* layer 1, with none */
    IoGetCurrentIrpStackLocation(Irp)->DeviceObject = Device[1];
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetNextIrpStackLocation(Irp);
    IoMarkIrpPending(Irp);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    CHECK(Layer[2].SawPending);
    Finish();
}

TEST(IoCompleteRequest_stops_where_a_routine_takes_the_request_back)
{
    WATCH Watch;
    PIRP Irp;

    Start();
    Layer[0].Completes = TRUE;
    Layer[1].TakesBack = TRUE;
    Irp = MakeWatched(&Watch);
    IoCallDriver(Device[2], Irp);
    CHECK_EQUAL(1, Layer[1].Completed);
    CHECK_EQUAL(0, Layer[2].Completed);
    CHECK_EQUAL(0, KeReadStateEvent(&Watch.Event));
    CHECK(IoGetCurrentIrpStackLocation(Irp)->DeviceObject == Device[1]);
    IoCompleteRequest(Irp, IO_NO_INCREMENT); /* layer 1 goes on */
    CHECK_EQUAL(1, Layer[2].Completed);
    CHECK_EQUAL(1, KeReadStateEvent(&Watch.Event));
    Finish();
}

/* ---- which outcomes ---- */

static ULONG CallsFor(NTSTATUS Status, BOOLEAN Cancel, UCHAR Which)
{
    PIRP Irp = MakeRead(1);
    LAYER Maker = {.TakesBack = TRUE};

    IoSetCompletionRoutine(Irp, Completed, &Maker, (Which & 1) != 0, (Which & 2) != 0,
                           (Which & 4) != 0);
    FinalStatus = Status;
    Irp->Cancel = Cancel;
    IoCallDriver(Device[0], Irp);
    if (Maker.Completed != 0) {
        CHECK(Maker.SawDevice == NULL);
        IoFreeIrp(Irp);
    }
    return Maker.Completed;
}

TEST(IoSetCompletionRoutine_is_called_for_the_outcomes_named)
{
    Start();
    Layer[0].Completes = TRUE;
    CHECK_EQUAL(1, CallsFor(STATUS_SUCCESS, FALSE, 1));
    CHECK_EQUAL(0, CallsFor(STATUS_SUCCESS, FALSE, 2));
    CHECK_EQUAL(0, CallsFor(STATUS_SUCCESS, FALSE, 4));
    CHECK_EQUAL(0, CallsFor(STATUS_END_OF_FILE, FALSE, 1));
    CHECK_EQUAL(1, CallsFor(STATUS_END_OF_FILE, FALSE, 2));
    CHECK_EQUAL(1, CallsFor(STATUS_BUFFER_OVERFLOW, FALSE, 2));
    CHECK_EQUAL(1, CallsFor(STATUS_CANCELLED, TRUE, 4));
    CHECK_EQUAL(1, CallsFor(STATUS_SUCCESS, TRUE, 4));
    CHECK_EQUAL(0, CallsFor(STATUS_SUCCESS, FALSE, 0));
    Finish();
}

/* ---- parts ---- */

TEST(IoMakeAssociatedIrp_completes_its_master_with_the_last_part)
{
    WATCH Watch;
    PIRP Part[3];
    PIRP Master;
    ULONG Index;

    Start();
    Master = MakeWatched(&Watch);
    IoSetNextIrpStackLocation(Master);
    Master->AssociatedIrp.IrpCount = 3;
    Master->IoStatus.Information = 5;
    Layer[0].Completes = TRUE;
    for (Index = 0; Index < 3; Index++) {
        Part[Index] = IoMakeAssociatedIrp(Master, 1);
        IoGetNextIrpStackLocation(Part[Index])->MajorFunction = IRP_MJ_READ;
    }
    for (Index = 0; Index < 3; Index++) {
        CHECK_EQUAL(0, KeReadStateEvent(&Watch.Event));
        IoCallDriver(Device[0], Part[Index]);
    }
    CHECK_EQUAL(1, KeReadStateEvent(&Watch.Event));
    CHECK_EQUAL(5, Watch.Iosb.Information);
    Finish();
}

/* ---- misuse ---- */

static void CallTooDeep(PVOID Context)
{
    IoCallDriver(Device[2], Context); /* three devices, two locations */
}

TEST(IoCallDriver_without_a_location_left_is_bug_check_35)
{
    PIRP Irp;

    Start();
    Layer[0].Completes = TRUE;
    Irp = MakeRead(2);
    HostExpectBugCheck(NO_MORE_IRP_STACK_LOCATIONS, CallTooDeep, Irp);
    HostMachineDelete();
}

static void CompleteAgain(PVOID Context)
{
    IoCompleteRequest((PIRP)Context, IO_NO_INCREMENT);
}

TEST(IoCompleteRequest_of_a_request_that_is_complete_is_bug_check_44)
{
    PIRP Irp;

    Start();
    Irp = MakeRead(1);
    Irp->CurrentLocation = (CCHAR)(Irp->StackCount + 2); /* as it is when its maker is told */
    HostExpectBugCheck(MULTIPLE_IRP_COMPLETE_REQUESTS, CompleteAgain, Irp);
    HostMachineDelete();
}

static void FreeAgain(PVOID Context)
{
    IoFreeIrp(Context);
}

TEST(IoFreeIrp_of_what_is_no_request_is_bug_check_44)
{
    IRP Gone = {.Type = 0};

    Start();
    HostExpectBugCheck(MULTIPLE_IRP_COMPLETE_REQUESTS, FreeAgain, &Gone);
    HostMachineDelete();
}

/* ---- cancelling ---- */

static ULONG Cancelled;

static void NTAPI CancelKept(PDEVICE_OBJECT Object, PIRP Irp)
{
    CHECK(Object == Device[0]);
    CHECK(Irp == Kept);
    CHECK_EQUAL(DISPATCH_LEVEL, KeGetCurrentIrql());
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    Cancelled++;
    Irp->IoStatus.Status = STATUS_CANCELLED;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

TEST(IoCancelIrp_calls_the_routine_once_and_only_when_there_is_one)
{
    WATCH Watch;
    PIRP Irp;

    Start();
    Cancelled = 0;
    Layer[0].Pends = TRUE;
    Irp = MakeWatched(&Watch);
    IoCallDriver(Device[2], Irp);
    CHECK_EQUAL(FALSE, IoCancelIrp(Irp));
    CHECK(Irp->Cancel);
    CHECK(IoSetCancelRoutine(Irp, CancelKept) == NULL);
    CHECK(IoSetCancelRoutine(Irp, NULL) == CancelKept);
    CHECK_EQUAL(FALSE, IoCancelIrp(Irp));
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    IoSetCancelRoutine(Irp, CancelKept);
    CHECK_EQUAL(TRUE, IoCancelIrp(Irp));
    CHECK_EQUAL(1, Cancelled);
    CHECK_EQUAL(PASSIVE_LEVEL, KeGetCurrentIrql());
    CHECK_EQUAL(STATUS_CANCELLED, Watch.Iosb.Status);
    Finish();
}

/* SPDX-License-Identifier: MIT */
/*
 * disk_queue.c - requests for sectors, cut into disk requests that were made in advance.
 *
 * A request is cut where a run ends and where the disk takes no more at once.  It waits at its
 * place in line until its last part is submitted; parts of it and of those before it are under way
 * at the same time, at most as many as the queue has disk requests (units).  A unit that comes back
 * goes to the head of the line: without any memory there is always progress, in the order of
 * arrival.
 *
 *     of a request in the queue, DriverContext is
 *     [0]  sectors that were submitted; all of them, too, when a part has failed
 *     [1]  parts under way
 *     [2]  its status: the first failure
 *     [3]  its map: the runs are read under the lock, as they may be replaced
 *
 * Invariants:
 *   Q1  units are either free or under way for one request
 *   Q2  a request is in Waiting exactly while [0] is less than its sectors, or (to flush) before
 *       its only part is submitted
 *   Q3  Waiting is empty, no unit is free, or somebody is submitting
 *
 * Locking: the queue's lock; disk requests are submitted and requests completed without it.
 */
#include "mm/io/io_i.h"

typedef struct _IOP_UNIT {
    DISK_REQUEST Request;
    PIO_DISK_QUEUE Queue; /* (I) */
    PIRP Irp;             /* (Q) whom it is under way for */
    LIST_ENTRY Link;      /* (Q) in Free */
} IOP_UNIT, *PIOP_UNIT;

/* (Q) its Lock, (I) fixed. */
struct _IO_DISK_QUEUE {
    PDISK_DEVICE Device; /* (I) */
    KSPIN_LOCK Lock;
    LIST_ENTRY Waiting; /* (Q) of IRP.Tail.Overlay.ListEntry, oldest first */
    LIST_ENTRY Free;    /* (Q) of IOP_UNIT.Link */
    ULONG Units;        /* (I) */
    ULONG Busy;         /* (Q) units under way */
    BOOLEAN Submitting; /* (Q) somebody is in IopSubmitParts */
    IOP_UNIT Unit[];
};

#define IOP_ISSUED(Irp) (*(ULONG_PTR *)&(Irp)->Tail.Overlay.DriverContext[0])
#define IOP_PARTS(Irp)  (*(ULONG_PTR *)&(Irp)->Tail.Overlay.DriverContext[1])
#define IOP_STATUS(Irp) (*(LONG_PTR *)&(Irp)->Tail.Overlay.DriverContext[2])
#define IOP_MAP(Irp)    ((PIO_RUN_MAP)(Irp)->Tail.Overlay.DriverContext[3])

NTSTATUS IoCreateDiskQueue(PDISK_DEVICE Device, ULONG Requests, PIO_DISK_QUEUE *Created)
{
    SIZE_T Bytes = sizeof(IO_DISK_QUEUE) + Requests * sizeof(IOP_UNIT);
    PIO_DISK_QUEUE Queue = ExAllocatePoolWithTag(NonPagedPool, Bytes, IOP_DEVICE_TAG);
    ULONG Index;

    MI_ASSERT(Requests != 0);
    if (Queue == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memset(Queue, 0, Bytes);
    Queue->Device = Device;
    Queue->Units = Requests;
    KeInitializeSpinLock(&Queue->Lock);
    InitializeListHead(&Queue->Waiting);
    InitializeListHead(&Queue->Free);
    for (Index = 0; Index < Requests; Index++) {
        Queue->Unit[Index].Queue = Queue;
        InsertTailList(&Queue->Free, &Queue->Unit[Index].Link);
    }
    *Created = Queue;
    return STATUS_SUCCESS;
}

void IoDeleteDiskQueue(PIO_DISK_QUEUE Queue)
{
    MI_ASSERT(IsListEmpty(&Queue->Waiting) && Queue->Busy == 0);
    ExFreePoolWithTag(Queue, IOP_DEVICE_TAG);
}

/* ---- one part ---- */

/* The run that holds Position.  => There is one. */
static const IO_RUN *IopFindRun(const IO_RUNS *Runs, ULONG64 Position)
{
    ULONG Low = 0;
    ULONG High = Runs->Count;

    while (High - Low > 1) {
        ULONG Middle = Low + (High - Low) / 2;

        if (Runs->Run[Middle].Position <= Position) {
            Low = Middle;
        } else {
            High = Middle;
        }
    }
    MI_ASSERT(Low < Runs->Count && Position - Runs->Run[Low].Position < Runs->Run[Low].Sectors);
    return &Runs->Run[Low];
}

static ULONG IopSectorsOf(PIO_DISK_QUEUE Queue, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);

    return Stack->MajorFunction == IRP_MJ_FLUSH_BUFFERS
               ? 0
               : Stack->Parameters.Read.Length / Queue->Device->SectorBytes;
}

/* The next part of a request.  => Not to flush. */
static void IopCutPart(PIO_DISK_QUEUE Queue, PIRP Irp, PDISK_REQUEST Request)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG SectorBytes = Queue->Device->SectorBytes;
    ULONG Issued = (ULONG)IOP_ISSUED(Irp);
    ULONG64 Position = (ULONG64)Stack->Parameters.Read.ByteOffset.QuadPart / SectorBytes + Issued;
    const IO_RUN *Run = IopFindRun(IOP_MAP(Irp)->Runs, Position);
    ULONG64 InRun = Run->Sectors - (Position - Run->Position);
    ULONG Sectors = IopSectorsOf(Queue, Irp) - Issued;

    Sectors = Sectors < Queue->Device->MaximumSectors ? Sectors : Queue->Device->MaximumSectors;
    Sectors = Sectors < InRun ? Sectors : (ULONG)InRun;
    Request->Operation = Stack->MajorFunction == IRP_MJ_READ ? DiskRead : DiskWrite;
    Request->Sector = Run->Sector + (Position - Run->Position);
    Request->Sectors = Sectors;
    Request->Mdl = Irp->MdlAddress;
    Request->Offset = Issued * SectorBytes;
    IOP_ISSUED(Irp) += Sectors;
}

static DISK_COMPLETION IopPartDone;

/* Take a unit for the request at the head of the line.  => Both are there; the lock is held. */
static PDISK_REQUEST IopTakePart(PIO_DISK_QUEUE Queue)
{
    PIRP Irp = CONTAINING_RECORD(Queue->Waiting.Flink, IRP, Tail.Overlay.ListEntry);
    PIOP_UNIT Unit = CONTAINING_RECORD(RemoveHeadList(&Queue->Free), IOP_UNIT, Link);
    PDISK_REQUEST Request = &Unit->Request;
    ULONG Sectors = IopSectorsOf(Queue, Irp);

    memset(Request, 0, sizeof(*Request));
    Request->Completion = IopPartDone;
    Request->Context = Unit;
    if (Sectors == 0) {
        Request->Operation = DiskFlush;
    } else {
        IopCutPart(Queue, Irp, Request);
    }
    Unit->Irp = Irp;
    Queue->Busy++;
    IOP_PARTS(Irp)++;
    if (IOP_ISSUED(Irp) == Sectors) {
        RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
    }
    return Request;
}

/* Submit what can be submitted.  A part that completes at once comes back here: it finds
   Submitting set and leaves its unit to the loop.  Nobody else submits meanwhile: so that no other
   thread comes in between, IRQL stays up. */
static void IopSubmitParts(PIO_DISK_QUEUE Queue)
{
    KIRQL OldIrql = KeRaiseIrqlToDpcLevel();

    KefAcquireSpinLockAtDpcLevel(&Queue->Lock);
    if (!Queue->Submitting) {
        Queue->Submitting = TRUE;
        while (!IsListEmpty(&Queue->Waiting) && !IsListEmpty(&Queue->Free)) {
            PDISK_REQUEST Request = IopTakePart(Queue);

            KefReleaseSpinLockFromDpcLevel(&Queue->Lock);
            DiskSubmit(Queue->Device, Request);
            KefAcquireSpinLockAtDpcLevel(&Queue->Lock);
        }
        Queue->Submitting = FALSE;
    }
    KefReleaseSpinLockFromDpcLevel(&Queue->Lock);
    KfLowerIrql(OldIrql);
}

/* ---- the end of a part, and of a request ---- */

/* => The lock is held.  Returns whether the request is done: nobody else touches it any more. */
static BOOLEAN IopEndPart(PIOP_UNIT Unit)
{
    PIO_DISK_QUEUE Queue = Unit->Queue;
    PIRP Irp = Unit->Irp;
    ULONG Sectors = IopSectorsOf(Queue, Irp);

    if (!NT_SUCCESS(Unit->Request.Status) && NT_SUCCESS((NTSTATUS)IOP_STATUS(Irp))) {
        IOP_STATUS(Irp) = Unit->Request.Status;
        if (IOP_ISSUED(Irp) != Sectors) {
            RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
            IOP_ISSUED(Irp) = Sectors;
        }
    }
    Unit->Irp = NULL;
    InsertTailList(&Queue->Free, &Unit->Link);
    Queue->Busy--;
    IOP_PARTS(Irp)--;
    return IOP_PARTS(Irp) == 0 && IOP_ISSUED(Irp) == Sectors;
}

static void IopPartDone(PDISK_REQUEST Request)
{
    PIOP_UNIT Unit = Request->Context;
    PIO_DISK_QUEUE Queue = Unit->Queue;
    PIRP Irp = Unit->Irp;
    BOOLEAN Done;
    KIRQL OldIrql;

    OldIrql = KfAcquireSpinLock(&Queue->Lock);
    Done = IopEndPart(Unit);
    KfReleaseSpinLock(&Queue->Lock, OldIrql);
    IopSubmitParts(Queue);
    if (Done) {
        NTSTATUS Status = (NTSTATUS)IOP_STATUS(Irp);
        PIO_RUN_MAP Map = IOP_MAP(Irp);

        Irp->IoStatus.Status = Status;
        Irp->IoStatus.Information =
            NT_SUCCESS(Status) ? IopSectorsOf(Queue, Irp) * Queue->Device->SectorBytes : 0;
        if (Map->Done != NULL) {
            Map->Done(Map, Irp);
        }
        IoCompleteRequest(Irp, IO_DISK_INCREMENT);
    }
}

NTSTATUS IoQueueDiskRequest(PIO_DISK_QUEUE Queue, PIRP Irp, PIO_RUN_MAP Map)
{
    KIRQL OldIrql;

    IoMarkIrpPending(Irp);
    Irp->Tail.Overlay.DriverContext[0] = NULL;
    Irp->Tail.Overlay.DriverContext[1] = NULL;
    Irp->Tail.Overlay.DriverContext[2] = NULL;
    Irp->Tail.Overlay.DriverContext[3] = Map;
    OldIrql = KfAcquireSpinLock(&Queue->Lock);
    InsertTailList(&Queue->Waiting, &Irp->Tail.Overlay.ListEntry);
    KfReleaseSpinLock(&Queue->Lock, OldIrql);
    IopSubmitParts(Queue);
    return STATUS_PENDING;
}

/* ---- runs that change ---- */

PIO_RUNS IoReplaceRuns(PIO_DISK_QUEUE Queue, PIO_RUN_MAP Map, PIO_RUNS New)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Queue->Lock);
    PIO_RUNS Old = Map->Runs;

    Map->Runs = New;
    KfReleaseSpinLock(&Queue->Lock, OldIrql);
    return Old;
}

void IoLengthenRuns(PIO_DISK_QUEUE Queue, PIO_RUN_MAP Map, ULONG64 Sectors)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Queue->Lock);

    MI_ASSERT(Map->Runs->Count != 0);
    Map->Runs->Run[Map->Runs->Count - 1].Sectors += Sectors;
    KfReleaseSpinLock(&Queue->Lock, OldIrql);
}

void IoCutRuns(PIO_DISK_QUEUE Queue, PIO_RUN_MAP Map, ULONG64 Sectors)
{
    KIRQL OldIrql = KfAcquireSpinLock(&Queue->Lock);
    PIO_RUNS Runs = Map->Runs;

    while (Runs->Count != 0 && Runs->Run[Runs->Count - 1].Position >= Sectors) {
        Runs->Count--;
    }
    if (Runs->Count != 0) {
        PIO_RUN Last = &Runs->Run[Runs->Count - 1];

        Last->Sectors =
            Last->Sectors < Sectors - Last->Position ? Last->Sectors : Sectors - Last->Position;
    }
    KfReleaseSpinLock(&Queue->Lock, OldIrql);
}

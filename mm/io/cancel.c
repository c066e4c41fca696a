/* SPDX-License-Identifier: MIT */
/*
 * cancel.c - asking for a request to end early.
 *
 * Who takes the cancel routine out of the request, by an exchange, decides about it: IoCancelIrp
 * calls it, a driver that gets it back carries the request out.
 *
 * Locking: the cancel spin lock, which the routine releases.
 */
#include "mm/io/io_i.h"

static KSPIN_LOCK IopCancelLock;

void NTAPI IoAcquireCancelSpinLock(PKIRQL Irql) NT_NO_LOCK_ANALYSIS
{
    *Irql = KfAcquireSpinLock(&IopCancelLock);
}

void NTAPI IoReleaseCancelSpinLock(KIRQL Irql) NT_NO_LOCK_ANALYSIS
{
    KfReleaseSpinLock(&IopCancelLock, Irql);
}

BOOLEAN NTAPI IoCancelIrp(PIRP Irp)
{
    PDRIVER_CANCEL Routine;
    KIRQL OldIrql;

    MI_ASSERT(Irp->Type == IO_TYPE_IRP);
    IoAcquireCancelSpinLock(&OldIrql);
    Irp->Cancel = TRUE;
    Routine = IoSetCancelRoutine(Irp, NULL);
    if (Routine == NULL) {
        IoReleaseCancelSpinLock(OldIrql);
        return FALSE;
    }
    Irp->CancelIrql = OldIrql;
    Routine(IoGetCurrentIrpStackLocation(Irp)->DeviceObject, Irp);
    return TRUE;
}

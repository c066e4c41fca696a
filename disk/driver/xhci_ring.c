/* SPDX-License-Identifier: MIT */
/*
 * xhci_ring.c - rings of TRBs that the controller reads: commands, and each endpoint's transfers.
 *
 * A ring is one page: XHCI_RING_TRBS - 1 TRBs, then one that links back to the first.  A TRB is
 * the controller's once its cycle bit is the one that the controller expects, which changes with
 * each round.  A chain becomes valid as a whole: its first TRB gets its cycle bit last.
 *
 * Invariants:
 *   R1  the oldest of the Used TRBs stands Used places before Enqueue, the link not counted
 *   R2  Used is at most XHCI_RING_TRBS - 2: Enqueue never reaches the oldest from behind
 *   R3  outside of a chain that is being written, the TRB at Enqueue is not valid
 *
 * Locking: the controller's.
 */
#include "disk/driver/xhci.h"

#include "mi_assert.h"
#include "rtl.h"

#define RINGP_LAST (XHCI_RING_TRBS - 1) /* the link */

NTSTATUS XhciCreateRing(PXHCI_RING Ring)
{
    Ring->Trbs = XhciAllocate(PAGE_SIZE, &Ring->Physical);
    if (Ring->Trbs == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    XhciResetRing(Ring);
    return STATUS_SUCCESS;
}

void XhciDeleteRing(PXHCI_RING Ring)
{
    if (Ring->Trbs != NULL) {
        MmFreeContiguousMemory((PVOID)Ring->Trbs);
        Ring->Trbs = NULL;
    }
}

void XhciResetRing(PXHCI_RING Ring)
{
    volatile XHCI_TRB *Link = &Ring->Trbs[RINGP_LAST];

    memset((PVOID)Ring->Trbs, 0, PAGE_SIZE);
    Link->Low = Ring->Physical;
    Link->Control = XhciTrbLink << XHCI_TRB_TYPE_SHIFT | XHCI_TRB_TOGGLE;
    Ring->Enqueue = 0;
    Ring->Cycle = XHCI_TRB_CYCLE;
    Ring->Used = 0;
    Ring->Writing = FALSE;
}

ULONG XhciRoom(const XHCI_RING *Ring)
{
    return RINGP_LAST - 1 - Ring->Used;
}

/* The link takes part in the chain, and is valid with the TRB before it. */
static void RingpWrap(PXHCI_RING Ring, ULONG Chain)
{
    volatile XHCI_TRB *Link = &Ring->Trbs[RINGP_LAST];

    Link->Control = XhciTrbLink << XHCI_TRB_TYPE_SHIFT | XHCI_TRB_TOGGLE | Chain | Ring->Cycle;
    Ring->Enqueue = 0;
    Ring->Cycle ^= XHCI_TRB_CYCLE;
}

ULONG XhciPut(PXHCI_RING Ring, const XHCI_TRB *Trb)
{
    ULONG Index = Ring->Enqueue;
    volatile XHCI_TRB *To = &Ring->Trbs[Index];
    ULONG Cycle = Ring->Cycle;

    MI_ASSERT(XhciRoom(Ring) != 0); /* R2 */
    if (!Ring->Writing) {
        Ring->Writing = TRUE;
        Ring->First = Index;
        Cycle ^= XHCI_TRB_CYCLE; /* not valid before XhciCommit */
    }
    To->Low = Trb->Low;
    To->High = Trb->High;
    To->Status = Trb->Status;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    To->Control = (Trb->Control & ~XHCI_TRB_CYCLE) | Cycle;
    Ring->Used++;
    Ring->Enqueue++;
    if (Ring->Enqueue == RINGP_LAST) {
        RingpWrap(Ring, Trb->Control & XHCI_TRB_CHAIN);
    }
    return Index;
}

void XhciCommit(PXHCI_RING Ring)
{
    MI_ASSERT(Ring->Writing);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the chain before the bit that shows it */
    Ring->Trbs[Ring->First].Control ^= XHCI_TRB_CYCLE;
    Ring->Writing = FALSE;
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* and that before the doorbell */
}

void XhciFreeTrbs(PXHCI_RING Ring, ULONG Count)
{
    MI_ASSERT(Count <= Ring->Used); /* R1 */
    Ring->Used -= Count;
}

BOOLEAN XhciFindTrb(const XHCI_RING *Ring, const XHCI_TRB *Event, PULONG Index)
{
    ULONG Offset = Event->Low - Ring->Physical;

    if (Event->High != 0 || Offset >= RINGP_LAST * sizeof(XHCI_TRB) ||
        Offset % sizeof(XHCI_TRB) != 0) {
        return FALSE;
    }
    *Index = Offset / (ULONG)sizeof(XHCI_TRB);
    return TRUE;
}

ULONG XhciDistance(ULONG First, ULONG Index)
{
    return Index >= First ? Index - First : Index + RINGP_LAST - First;
}

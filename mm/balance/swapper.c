/* SPDX-License-Identifier: MIT */
/*
 * swapper.c - the thread that takes kernel stacks out of memory and brings them back.
 *
 * It is the only one that changes the PTEs of a stack that is not resident.  Threads come before
 * room: whoever needs his stack has it before another one leaves.  A stack that cannot be read back
 * is the end: nobody could go on, nor be told.
 *
 * Locking: none of its own.  Its own stack never leaves: it waits in KernelMode.
 */
#include "mm/balance/swapper.h"

#include "arch/mmu.h"
#include "mi_assert.h"
#include "mm/balance/balance_set.h"
#include "mm/fault/fault.h"
#include "mm/paging/in_page.h"
#include "mm/pfn/pfn_database.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/sysva/stack_pages.h"
#include "nt/bugcodes.h"

#define MIP_UNITS_OF_SECOND 10000000u

MI_SWAP_COUNTERS MiSwapCounters;
static volatile BOOLEAN MipLookWanted; /* (A) */

void MiWakeSwapper(void)
{
    __atomic_store_n(&MipLookWanted, TRUE, __ATOMIC_RELEASE);
    KeSetEvent(&KiSwapEvent, IO_NO_INCREMENT, FALSE);
}

/* ---- in ---- */

static void MipWaitForMemory(void)
{
    MM_STOP Stop;

    if (!MiWaitForMemory(&Stop)) {
        KeBugCheckEx(Stop.Code, Stop.Parameter[0], Stop.Parameter[1], Stop.Parameter[2],
                     Stop.Parameter[3]);
    }
}

/* Read the page of Pte, and up to Most - 1 neighbours.  => As MiFinishInPage. */
static NTSTATUS MipRead(PMMPTE Pte, ULONG Most)
{
    PMI_IN_PAGE Block;
    PFN_NUMBER Frame;
    NTSTATUS Status = MiBeginInPage(Pte, Most, &Block);
    KIRQL OldIrql;

    if (Status == STATUS_NO_MEMORY) {
        MipWaitForMemory();
        return STATUS_RETRY;
    }
    if (!NT_SUCCESS(Status)) {
        MiWaitForInPage();
        return STATUS_RETRY;
    }
    Status = MiFinishInPage(Block, &Frame);
    if (NT_SUCCESS(Status)) {
        MI_PTE_KIND Kind = MiRestoreStackPage(Pte);

        MI_ASSERT(Kind == MiPteValid); /* the reference kept the frame */
        MiSwapCounters.Reads++;
        OldIrql = MiLockPfn();
        MiDereferenceFrame(Frame);
        MiUnlockPfn(OldIrql);
    }
    return Status;
}

static void MipReadStackPage(PMMPTE Pte)
{
    MMPTE Lost = MiReadPte(Pte);
    ULONG Most = MI_KERNEL_STACK_PAGES;
    NTSTATUS Status;

    while ((Status = MipRead(Pte, Most)) == STATUS_RETRY) {
        Most = 1;
    }
    if (!NT_SUCCESS(Status)) {
        KeBugCheckEx(KERNEL_STACK_INPAGE_ERROR, (ULONG)Status, (ULONG)Status, MiPteFile(Lost),
                     MiPteSlot(Lost) * PAGE_SIZE);
    }
}

static void MipInswapPage(PMMPTE Pte)
{
    LARGE_INTEGER Tick = {.QuadPart = -100000};
    MI_PTE_KIND Kind;

    while ((Kind = MiRestoreStackPage(Pte)) != MiPteValid) {
        if (Kind == MiPtePagefile) {
            MipReadStackPage(Pte);
        } else {
            KeDelayExecutionThread(KernelMode, FALSE, &Tick); /* referenced too often */
        }
    }
}

static void MipInswap(PKTHREAD Thread)
{
    PMMPTE First = MiFirstStackPte(Thread->StackBase);
    ULONG i;

    for (i = 0; i < MI_KERNEL_STACK_PAGES; i++) {
        MipInswapPage(First + i);
    }
    MiSwapCounters.Inswaps++;
    KiEndInswap(Thread);
}

/* ---- out ---- */

static BOOLEAN MipCanLeave(const KTHREAD *Thread)
{
    return MiIsPagedStack(Thread->StackBase, Thread->StackBytes);
}

static ULONG MipTicksToWait(void)
{
    MI_MEMORY_FIGURES Memory;
    ULONG Seconds;

    MiQueryMemoryFigures(&Memory);
    Seconds = Memory.PhysicalPages < MI_SMALL_MACHINE_PAGES ? MI_OUTSWAP_SECONDS_SMALL
                                                            : MI_OUTSWAP_SECONDS;
    return Seconds * (MIP_UNITS_OF_SECOND / KeQueryTimeIncrement());
}

/* => FALSE: nobody has waited for long enough. */
static BOOLEAN MipOutswapOne(ULONG Ticks)
{
    PKTHREAD Thread = KiTakeOutswapThread(Ticks, MipCanLeave);

    if (Thread == NULL) {
        return FALSE;
    }
    (void)MiOutswapStack(Thread->StackBase);
    MiSwapCounters.Outswaps++;
    return TRUE;
}

void MiSwapStacks(void)
{
    BOOLEAN Look = __atomic_exchange_n(&MipLookWanted, FALSE, __ATOMIC_ACQUIRE);
    ULONG Ticks = MipTicksToWait();
    PKTHREAD Thread;

    do {
        while ((Thread = KiFindInswapThread()) != NULL) {
            MipInswap(Thread);
        }
    } while (Look && MipOutswapOne(Ticks));
}

void NTAPI KeSwapProcessOrStack(PVOID Context)
{
    (void)Context;
    for (;;) {
        KeWaitForSingleObject(&KiSwapEvent, Executive, KernelMode, FALSE, NULL);
        MiSwapStacks();
    }
}

/* ---- verify ---- */

static void MipVerifyStack(const KTHREAD *Thread, PVOID Context) NT_HOLDS(MiPfnLock)
{
    PMMPTE First = MiFirstStackPte(Thread->StackBase);
    ULONG i;

    MI_ASSERT(MipCanLeave(Thread));
    for (i = 0; i < MI_KERNEL_STACK_PAGES; i++) {
        MMPTE Pte = MiReadPte(First + i);

        switch (MiPteKind(Pte)) {
        case MiPteValid:
            continue;
        case MiPteTransition:
            MI_ASSERT(MI_PFN(Pte.Hard.PageFrameNumber)->PteAddress == First + i);
            break;
        case MiPtePagefile:
            break;
        case MiPteZero:
        case MiPteLarge:
        case MiPteDemandZero:
        case MiPtePrototype:
        case MiPteSubsection:
        case MiPteList:
            MI_ASSERT(FALSE);
        }
        ++*(PULONG)Context;
    }
}

void MiVerifyStackSwap(void)
{
    ULONG Away = 0;
    KIRQL OldIrql = MiLockPfn();

    KiForEachOutswapped(MipVerifyStack, &Away);
    MI_ASSERT(Away == MiOutswappedStackPages);
    MiUnlockPfn(OldIrql);
}

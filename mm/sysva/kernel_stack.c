/* SPDX-License-Identifier: MIT */
/*
 * kernel_stack.c - kernel stacks, and a few kept ready.
 *
 * A kept stack stays mapped, charged and guarded; the word below its Base points at the next one's
 * Base.  It is handed out again last in, first out: its top is likely still in the cache.
 *
 * Invariant: MipStacks.Cached stacks hang on MipStacks.First, at most MI_CACHED_STACKS.
 *
 * Locking: MiKernelStackLock for the list and the counters; nothing is called under it.
 */
#include "mm/sysva/kernel_stack.h"

#include "mi_assert.h"
#include "mm/sysva/stack_pages.h"
#include "mm/sysva/system_pages.h"
#include "mm/sysva/system_ptes.h"

#define MIP_RUN (MI_KERNEL_STACK_PAGES + 1) /* with the guard, its first page */

KSPIN_LOCK MiKernelStackLock;

static struct {
    PVOID *First; /* Base of the stack that was kept last; NULL: none */
    ULONG Cached;
    ULONG InUse;
    ULONG Peak;
} MipStacks NT_GUARDED_BY(MiKernelStackLock);

void MiInitializeKernelStacks(void)
{
    KIRQL OldIrql;

    KeInitializeSpinLock(&MiKernelStackLock);
    OldIrql = KfAcquireSpinLock(&MiKernelStackLock);
    MipStacks.First = NULL;
    MipStacks.Cached = 0;
    MipStacks.InUse = 0;
    MipStacks.Peak = 0;
    KfReleaseSpinLock(&MiKernelStackLock, OldIrql);
    OldIrql = MiLockPfn();
    MiOutswappedStackPages = 0;
    MiUnlockPfn(OldIrql);
}

static inline KIRQL MipLockStacks(void) NT_ACQUIRES(MiKernelStackLock) NT_NO_LOCK_ANALYSIS
{
    KIRQL OldIrql = KeRaiseIrqlToDpcLevel();

    KiTakeSpinLock(&MiKernelStackLock, (ULONG_PTR)&MiKernelStackLock);
    return OldIrql;
}

static inline void MipUnlockStacks(KIRQL OldIrql) NT_RELEASES(MiKernelStackLock) NT_NO_LOCK_ANALYSIS
{
    KiGiveSpinLock(&MiKernelStackLock, 0);
    KiLowerIrqlFromDpcLevel(OldIrql);
}

/* The guard's PTE. */
static PMMPTE MipRunOfStack(PVOID Base)
{
    return MiGetPteAddress((ULONG_PTR)Base - MIP_RUN * PAGE_SIZE);
}

static PVOID MipBuildStack(void)
{
    PMMPTE Run = MiReserveSystemPtes(MIP_RUN);
    NTSTATUS Status;

    if (Run == NULL) {
        return NULL;
    }
    Status = MiCreateSystemPages(Run + 1, MI_KERNEL_STACK_PAGES,
                                 MiMakeKernelTemplate(MiKernelReadWrite, MiCached));
    if (!NT_SUCCESS(Status)) {
        MiReleaseSystemPtes(Run, MIP_RUN);
        return NULL;
    }
    return (PVOID)(MiGetVaMappedByPte(Run) + MIP_RUN * PAGE_SIZE);
}

static void MipDestroyStack(PVOID Base)
{
    PMMPTE Run = MipRunOfStack(Base);

    MiDeleteSystemPages(Run + 1, MI_KERNEL_STACK_PAGES);
    MiReleaseSystemPtes(Run, MIP_RUN);
}

static inline void MipCountStack(void) NT_HOLDS(MiKernelStackLock)
{
    MipStacks.InUse++;
    if (MipStacks.InUse > MipStacks.Peak) {
        MipStacks.Peak = MipStacks.InUse;
    }
}

static __attribute__((noinline)) PVOID MipCreateNewStack(void) NT_NOT_HOLDING(MiKernelStackLock)
{
    PVOID Base = MipBuildStack();
    KIRQL OldIrql;

    if (Base != NULL) {
        OldIrql = MipLockStacks();
        MipCountStack();
        MipUnlockStacks(OldIrql);
    }
    return Base;
}

PVOID MiCreateKernelStack(void)
{
    KIRQL OldIrql = MipLockStacks();
    PVOID *Base = MipStacks.First;

    if (Base != NULL) {
        MipStacks.First = Base[-1];
        MipStacks.Cached--;
        MipCountStack();
    }
    MipUnlockStacks(OldIrql);
    return Base != NULL ? Base : MipCreateNewStack();
}

void MiDeleteKernelStack(PVOID Base)
{
    PMMPTE Run = MipRunOfStack(Base);
    PVOID *Link = Base;
    BOOLEAN Keep;
    KIRQL OldIrql;

    MI_ASSERT(BYTE_OFFSET(Base) == 0 && !MiReadPte(Run).Hard.Valid &&
              MiReadPte(Run + 1).Hard.Valid);
    OldIrql = MipLockStacks();
    MI_ASSERT(MipStacks.InUse != 0 && MipStacks.First != Link);
    Keep = MipStacks.Cached < MI_CACHED_STACKS;
    MipStacks.InUse--;
    if (Keep) {
        Link[-1] = MipStacks.First;
        MipStacks.First = Link;
        MipStacks.Cached++;
    }
    MipUnlockStacks(OldIrql);
    if (!Keep) {
        MipDestroyStack(Base);
    }
}

ULONG MiTrimKernelStacks(void)
{
    KIRQL OldIrql = MipLockStacks();
    PVOID *Base = MipStacks.First;
    ULONG Pages = 0;

    MipStacks.First = NULL;
    MipStacks.Cached = 0;
    MipUnlockStacks(OldIrql);
    while (Base != NULL) {
        PVOID *Next = Base[-1];

        MipDestroyStack(Base);
        Pages += MI_KERNEL_STACK_PAGES;
        Base = Next;
    }
    return Pages;
}

void MiQueryKernelStacks(PMI_KERNEL_STACK_COUNTERS Counters)
{
    KIRQL OldIrql = MipLockStacks();

    Counters->InUse = MipStacks.InUse;
    Counters->Cached = MipStacks.Cached;
    Counters->Peak = MipStacks.Peak;
    MipUnlockStacks(OldIrql);
}

/* Copied first: nothing is called under the lock.  Nobody takes a stack meanwhile. */
void MiVerifyKernelStacks(void)
{
    PVOID *Kept[MI_CACHED_STACKS];
    ULONG Count = 0;
    KIRQL OldIrql = MipLockStacks();
    PVOID *Base;
    ULONG i;

    for (Base = MipStacks.First; Base != NULL; Base = Base[-1]) {
        MI_ASSERT(Count < MI_CACHED_STACKS);
        Kept[Count++] = Base;
    }
    MI_ASSERT(Count == MipStacks.Cached && MipStacks.InUse <= MipStacks.Peak);
    MipUnlockStacks(OldIrql);
    for (i = 0; i < Count; i++) {
        PMMPTE Run = MipRunOfStack(Kept[i]);
        ULONG Page;

        MI_ASSERT(MiSystemPteRunLength(Run) == MIP_RUN && !MiReadPte(Run).Hard.Valid);
        for (Page = 1; Page < MIP_RUN; Page++) {
            MI_ASSERT(MiReadPte(Run + Page).Hard.Valid);
        }
    }
}

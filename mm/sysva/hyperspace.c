/* SPDX-License-Identifier: MIT */
/*
 * hyperspace.c - windows onto single frames.
 *
 * The windows are the first pages of hyperspace; MipOpenWindows of them are in use, lowest first.
 *
 * Invariant: PTE n of hyperspace is valid exactly when n < MipOpenWindows, and a closed window has
 * no translation, so that a frame is never reachable here after its window was closed.
 *
 * Locking: none.  A window is open at DISPATCH_LEVEL, so nothing else runs on this processor; a
 * second processor gets windows of its own.
 */
#include "mm/sysva/hyperspace.h"

#include "mi_assert.h"
#include "mm/pfn/frame.h"
#include "mm/sysva/pte_make.h"
#include "mm/sysva/system_pages.h"
#include "rtl.h"

static ULONG MipOpenWindows;

NTSTATUS MiCreateHyperspace(void)
{
    MipOpenWindows = 0;
    return MiCreateSystemPageTables(MI_HYPERSPACE_START, PAGE_SIZE);
}

/* => DISPATCH_LEVEL. */
static inline PVOID MipOpen(PFN_NUMBER Frame)
{
    ULONG_PTR Va = MI_HYPERSPACE_START + MipOpenWindows * PAGE_SIZE;

    MI_ASSERT(MipOpenWindows < MI_HYPERSPACE_WINDOWS);
    MipOpenWindows++;
    MI_ASSERT(MiReadPte(MiGetPteAddress(Va)).Long == 0);
    MiWritePte(MiGetPteAddress(Va), MiMakeWindowPte(Frame));
    return (PVOID)Va;
}

static inline void MipClose(PVOID Va)
{
    MI_ASSERT(MipOpenWindows != 0 &&
              (ULONG_PTR)Va == MI_HYPERSPACE_START + (MipOpenWindows - 1) * PAGE_SIZE);
    MipOpenWindows--;
    MiWritePte(MiGetPteAddress((ULONG_PTR)Va), MiMakeZeroPte());
    KeFlushSingleTb((ULONG_PTR)Va);
}

PVOID MiMapFrameInHyperspace(PFN_NUMBER Frame, PKIRQL OldIrql)
{
    *OldIrql = KeRaiseIrqlToDpcLevel();
    return MipOpen(Frame);
}

void MiUnmapFrameInHyperspace(PVOID Va, KIRQL OldIrql)
{
    MipClose(Va);
    KfLowerIrql(OldIrql);
}

void MiZeroFrame(PFN_NUMBER Frame)
{
    KIRQL OldIrql;
    PVOID Va = MiMapFrameInHyperspace(Frame, &OldIrql);

    memset(Va, 0, PAGE_SIZE);
    MiUnmapFrameInHyperspace(Va, OldIrql);
}

void MiCopyFrame(PFN_NUMBER To, PFN_NUMBER From)
{
    KIRQL OldIrql = KeRaiseIrqlToDpcLevel();
    PVOID Target = MipOpen(To);
    PVOID Source = MipOpen(From);

    memcpy(Target, Source, PAGE_SIZE);
    MipClose(Source);
    MipClose(Target);
    KiLowerIrqlFromDpcLevel(OldIrql);
}

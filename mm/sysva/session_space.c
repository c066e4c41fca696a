/* SPDX-License-Identifier: MIT */
/*
 * session_space.c - the page tables of session space, and who refers to a session.
 *
 * A page table, once made, stays until the session ends, so that a directory entry copied from
 * PageTables is never wrong; an entry that is missing costs one fault.  A table counts as one of
 * the leader's directory, which is there as long as the session.
 *
 * Invariants (mm/session/session_verify.c):
 *   Z1  in a directory, each of the region's entries is zero or that of PageTables; zero in a
 *       process without a session
 *   Z2  a table's frame names its directory entry's address and the leader's directory; it has a
 *       share for each frame under it, and one of its own
 *
 * Locking: MiPfnLock for PageTables; reading an entry needs none, since it is written once.
 */
#include "mm/sysva/session_space.h"

#include "mi_assert.h"
#include "mm/pfn/frame.h"
#include "mm/pfn/page_color.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/sysva/system_pages.h"

ULONG MiSessionTablesFilled;

MI_RANGE MiSessionRange(MI_SESSION_PART Part)
{
    const MI_RANGE *Region = &MiLayout.Region[MiRegionSession];
    MI_RANGE Range = {Region->Start, MiLayout.SessionPoolBytes};

    if (Part == MiSessionPool) {
        return Range;
    }
    Range = (MI_RANGE){Range.Start + Range.Bytes, MiLayout.SessionViewBytes};
    if (Part == MiSessionViews) {
        return Range;
    }
    Range = (MI_RANGE){Range.Start + Range.Bytes, MI_SESSION_STRUCTURES_BYTES};
    if (Part == MiSessionImages) {
        Range.Start += Range.Bytes;
        Range.Bytes = (ULONG)(Region->Start + Region->Bytes - Range.Start);
    }
    return Range;
}

BOOLEAN MiIsSessionPde(const MMPTE *Pte)
{
    ULONG_PTR Offset = (ULONG_PTR)Pte - PDE_BASE;

    return Offset < PAGE_SIZE &&
           MiSessionTableIndex((ULONG)(Offset / sizeof(MMPTE))) < MI_SESSION_TABLES;
}

/* ---- page tables ---- */

static ULONG_PTR MipTableVa(ULONG Index)
{
    return MiLayout.Region[MiRegionSession].Start + ((ULONG_PTR)Index << PDI_SHIFT);
}

/* => What the PTEs at Va map; Va itself, when none lie there. */
static ULONG_PTR MipMeant(ULONG_PTR Va)
{
    return Va - PTE_BASE <= PTE_TOP - PTE_BASE ? MiGetVaMappedByPte((PMMPTE)Va) : Va;
}

static BOOLEAN MipFill(const MM_SESSION_SPACE *Session, ULONG Index)
{
    PMMPTE Pde = MiGetPdeAddress(MipTableVa(Index));

    if (MiReadPte(Pde).Hard.Valid || !MiReadPte(&Session->PageTables[Index]).Hard.Valid) {
        return FALSE;
    }
    MiWritePte(Pde, MiReadPte(&Session->PageTables[Index]));
    __atomic_add_fetch(&MiSessionTablesFilled, 1, __ATOMIC_RELAXED);
    return TRUE;
}

BOOLEAN MiFillSessionTable(ULONG_PTR Va)
{
    ULONG_PTR Meant = MipMeant(Va);
    const MM_SESSION_SPACE *Session;

    if (!MiIsSessionVa(Meant)) {
        return FALSE;
    }
    Session = MiCurrentSession();
    return Session != NULL && MipFill(Session, MiSessionTableIndex((ULONG)(Meant >> PDI_SHIFT)));
}

void MiFillSessionTables(void)
{
    ULONG Index;

    for (Index = 0; Index < MI_SESSION_TABLES; Index++) {
        (void)MipFill(MiCurrentSession(), Index);
    }
}

/* => FALSE, with Frame still the caller's: there is a table already. */
static BOOLEAN MipInsertTable(PMM_SESSION_SPACE Session, ULONG Index, PFN_NUMBER Frame)
{
    PMMPTE Pde = MiGetPdeAddress(MipTableVa(Index));
    KIRQL OldIrql = MiLockPfn();
    BOOLEAN Wanted = !MiReadPte(&Session->PageTables[Index]).Hard.Valid;

    if (Wanted) {
        MiSetFramePte(Frame, Pde, MiMakeZeroPte(), Session->Directory); /* Z2 */
        MiWritePte(&Session->PageTables[Index], MiMakeKernelPde(Frame));
        __atomic_add_fetch(&Session->NonPageablePages, 1, __ATOMIC_RELAXED);
    }
    MiUnlockPfn(OldIrql);
    return Wanted;
}

static NTSTATUS MipCreateTable(PMM_SESSION_SPACE Session, ULONG Index)
{
    PFN_NUMBER Frame;
    NTSTATUS Status = MiChargeSystemPages(1);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MiAllocateFrame(MiFrameZeroed, MiNextPageColor(), &Frame);
    if (!NT_SUCCESS(Status)) {
        MiReturnSystemPages(1);
        return Status;
    }
    if (!MipInsertTable(Session, Index, Frame)) {
        MiFreeFrame(Frame);
        MiReturnSystemPages(1);
    }
    return STATUS_SUCCESS;
}

NTSTATUS MiCreateSessionPageTables(PMM_SESSION_SPACE Session, ULONG_PTR Start, ULONG Bytes)
{
    ULONG Index = MiSessionTableIndex((ULONG)(Start >> PDI_SHIFT));
    ULONG Last = MiSessionTableIndex((ULONG)((Start + (Bytes - 1)) >> PDI_SHIFT));
    NTSTATUS Status = STATUS_SUCCESS;

    MI_ASSERT(Session == MiCurrentSession() && Bytes != 0 && Last < MI_SESSION_TABLES);
    for (; Index <= Last && NT_SUCCESS(Status); Index++) {
        if (!MiReadPte(&Session->PageTables[Index]).Hard.Valid) {
            Status = MipCreateTable(Session, Index);
        }
        (void)MipFill(Session, Index);
    }
    return Status;
}

static void MipDeleteTable(PMM_SESSION_SPACE Session, ULONG Index)
{
    ULONG_PTR Va = MipTableVa(Index);
    PFN_NUMBER Frame = MiReadPte(&Session->PageTables[Index]).Hard.PageFrameNumber;
    KIRQL OldIrql;

    MiWritePte(MiGetPdeAddress(Va), MiMakeZeroPte());
    KeFlushSingleTb((ULONG_PTR)MiGetPteAddress(Va));
    OldIrql = MiLockPfn();
    MI_ASSERT(MI_PFN(Frame)->u2.ShareCount == 1); /* nothing is left under it */
    MiWritePte(&Session->PageTables[Index], MiMakeZeroPte());
    MiClearFramePte(Frame);
    MiDecrementShareCount(Frame);
    MiUnlockPfn(OldIrql);
    __atomic_sub_fetch(&Session->NonPageablePages, 1, __ATOMIC_RELAXED);
    MiReturnSystemPages(1);
}

void MiDeleteSessionPageTables(PMM_SESSION_SPACE Session)
{
    ULONG Index;

    MI_ASSERT(KeGetCurrentProcess() == Session->Leader);
    for (Index = 0; Index < MI_SESSION_TABLES; Index++) {
        if (MiReadPte(&Session->PageTables[Index]).Hard.Valid) {
            MipDeleteTable(Session, Index);
        }
    }
}

/* ---- references ---- */

BOOLEAN MiTryReferenceSession(PMM_SESSION_SPACE Session)
{
    ULONG Count = Session->ReferenceCount;

    while (Count != 0) {
        if (__atomic_compare_exchange_n(&Session->ReferenceCount, &Count, Count + 1, FALSE,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            return TRUE;
        }
    }
    return FALSE;
}

void MiReferenceSession(PMM_SESSION_SPACE Session)
{
    if (Session != NULL) {
        MI_ASSERT(Session->ReferenceCount != 0);
        __atomic_add_fetch(&Session->ReferenceCount, 1, __ATOMIC_RELAXED);
    }
}

void MiDereferenceSession(PMM_SESSION_SPACE Session)
{
    if (Session != NULL && __atomic_sub_fetch(&Session->ReferenceCount, 1, __ATOMIC_ACQ_REL) == 0) {
        Session->End(Session);
    }
}

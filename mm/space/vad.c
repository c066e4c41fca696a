/* SPDX-License-Identifier: MIT */
/*
 * vad.c - the tree of descriptors, and where there is room for another.
 *
 * Invariants (MiVerifyProcess):
 *   D1  descriptors begin at multiples of 64 KB, lie between MM_LOWEST_USER_ADDRESS and the
 *       process' HighestUserAddress, do not touch KUSER_SHARED_DATA's 64 KB, do not overlap, and
 *       stand in the tree by address
 *   D2  bit n of VadBitMap is set exactly when a descriptor has a page of the n-th 64 KB, or nobody
 *       may have it
 *   D3  a page table is committed (MMWSL) exactly when a descriptor has a page in its 4 MB, so that
 *       no fault fails for want of commitment
 *
 * A place is searched in the bitmap: all of it is 4 KB (6 KB with /3GB), so that the cost has a
 * bound that does not depend on the number of descriptors.
 *
 * Locking: AddressCreationLock; attached to the process.
 */
#include "mm/space/vad.h"

#include "ex.h"
#include "mi_assert.h"
#include "mm/space/page_table.h"

#define MIP_UNIT_PAGES (MM_ALLOCATION_GRANULARITY >> PAGE_SHIFT)
#define MIP_WORD_BITS  32u

static ULONG MipUnit(ULONG Vpn)
{
    return Vpn / MIP_UNIT_PAGES;
}

/* ---- finding ---- */

PMMVAD MiSearchVad(PEPROCESS Process, ULONG Vpn)
{
    PMMVAD Vad = MiVadOf(Process->VadRoot.Root);

    while (Vad != NULL && (Vpn < Vad->StartingVpn || Vpn > Vad->EndingVpn)) {
        Vad = MiVadOf(Vpn < Vad->StartingVpn ? Vad->Node.Left : Vad->Node.Right);
    }
    if (Vad != NULL) {
        Process->VadHint = Vad;
    }
    return Vad;
}

PMMVAD MiFindVadFrom(PEPROCESS Process, ULONG Vpn)
{
    PMMVAD Vad = MiVadOf(Process->VadRoot.Root);
    PMMVAD Best = NULL;

    while (Vad != NULL) {
        if (Vad->EndingVpn >= Vpn) {
            Best = Vad;
            Vad = MiVadOf(Vad->Node.Left);
        } else {
            Vad = MiVadOf(Vad->Node.Right);
        }
    }
    return Best;
}

/* ---- room ---- */

/* => The first bit at or below Bit that is set (or clear); RTL_NO_BIT: none. */
static ULONG MipFindBackward(const RTL_BITMAP *Map, ULONG Bit, BOOLEAN Set)
{
    ULONG Flip = Set ? 0 : 0xFFFFFFFFu;
    ULONG Index = Bit / MIP_WORD_BITS;
    ULONG Word = (Map->Buffer[Index] ^ Flip) & (0xFFFFFFFFu >> (31 - Bit % MIP_WORD_BITS));

    while (Word == 0) {
        if (Index == 0) {
            return RTL_NO_BIT;
        }
        Index--;
        Word = Map->Buffer[Index] ^ Flip;
    }
    return Index * MIP_WORD_BITS + 31 - (ULONG)__builtin_clz(Word);
}

/* => The first of Units clear bits below End, the highest ones; RTL_NO_BIT: none. */
static ULONG MipFindHighest(const RTL_BITMAP *Map, ULONG Units, ULONG End)
{
    ULONG Top = End == 0 ? RTL_NO_BIT : MipFindBackward(Map, End - 1, FALSE);

    while (Top != RTL_NO_BIT) {
        ULONG Below = MipFindBackward(Map, Top, TRUE); /* bit 0 is never free: there is one */

        if (Top - Below >= Units) {
            return Top - Units + 1;
        }
        Top = MipFindBackward(Map, Below, FALSE);
    }
    return RTL_NO_BIT;
}

NTSTATUS MiFindFreeRange(PEPROCESS Process, ULONG Pages, ULONG_PTR End, BOOLEAN TopDown,
                         PULONG_PTR Va)
{
    ULONG Units = (Pages + MIP_UNIT_PAGES - 1) / MIP_UNIT_PAGES;
    ULONG Limit = (ULONG)(End / MM_ALLOCATION_GRANULARITY);
    ULONG Unit;

    Limit = Limit < Process->VadBitMap.SizeOfBitMap ? Limit : Process->VadBitMap.SizeOfBitMap;
    Unit = TopDown ? MipFindHighest(&Process->VadBitMap, Units, Limit)
                   : RtlFindClearBits(&Process->VadBitMap, Units, Process->VadBitMapHint);
    if (Unit == RTL_NO_BIT || Unit >= Limit || Units > Limit - Unit) {
        return STATUS_NO_MEMORY;
    }
    if (Units == 1 && !TopDown) {
        Process->VadBitMapHint = Unit; /* every bit below is set: this was the first clear one */
    }
    *Va = (ULONG_PTR)Unit * MM_ALLOCATION_GRANULARITY;
    return STATUS_SUCCESS;
}

/* ---- linking ---- */

static void MipInsert(PEPROCESS Process, PMMVAD Vad)
{
    PRTL_BALANCED_NODE Parent = NULL;
    PRTL_BALANCED_NODE Node = Process->VadRoot.Root;
    BOOLEAN Right = FALSE;

    while (Node != NULL) {
        Parent = Node;
        Right = Vad->StartingVpn > MiVadOf(Node)->EndingVpn;
        MI_ASSERT(Right || Vad->EndingVpn < MiVadOf(Node)->StartingVpn); /* D1 */
        Node = Right ? Node->Right : Node->Left;
    }
    RtlAvlInsertNodeEx(&Process->VadRoot, Parent, Right, &Vad->Node);
    Process->NumberOfVads++;
    Process->VadHint = Vad; /* its first page is often touched next */
}

/* As RtlSetBits and RtlClearBits: most descriptors have a single unit. */
static void MipWriteUnits(PRTL_BITMAP Map, ULONG First, ULONG Count, BOOLEAN Used)
{
    if (Count == 1) {
        ULONG Bit = 1u << First % MIP_WORD_BITS;
        PULONG Word = Map->Buffer + First / MIP_WORD_BITS;

        MI_ASSERT(First < Map->SizeOfBitMap);
        *Word = Used ? *Word | Bit : *Word & ~Bit;
    } else if (Used) {
        RtlSetBits(Map, First, Count);
    } else {
        RtlClearBits(Map, First, Count);
    }
}

/* D2, and the hint: the lowest clear bit is at or above it. */
static void MipMarkUnits(PEPROCESS Process, const MMVAD *Vad, BOOLEAN Used)
{
    ULONG First = MipUnit(Vad->StartingVpn);
    ULONG Count = MipUnit(Vad->EndingVpn) - First + 1;

    MipWriteUnits(&Process->VadBitMap, First, Count, Used);
    if (!Used) {
        if (First < Process->VadBitMapHint) {
            Process->VadBitMapHint = First;
        }
        return;
    }
    if (First == Process->VadBitMapHint) {
        Process->VadBitMapHint = First + Count;
    }
}

static ULONG MipWatchBytes(ULONG Pages)
{
    return (Pages + MIP_WORD_BITS - 1) / MIP_WORD_BITS * (ULONG)sizeof(ULONG);
}

static ULONG MipVadBytes(const MMVAD *Vad)
{
    if (MiIsView(Vad)) {
        return (ULONG)sizeof(MMVAD_VIEW);
    }
    return (ULONG)sizeof(MMVAD) + (Vad->WatchBits != NULL ? MipWatchBytes(MiVadPages(Vad)) : 0);
}

static void MipFreeVad(PMMVAD Vad)
{
    if (Vad->WatchBits != NULL) {
        ExFreePoolWithTag(Vad->WatchBits, MI_WATCH_TAG);
    }
    ExFreePoolWithTag(Vad, MI_VAD_TAG);
}

/* => NULL: no nonpaged pool. */
static PMMVAD MipAllocateVad(ULONG_PTR Va, ULONG Pages, MMVAD_FLAGS Flags)
{
    ULONG Bytes = Flags.PrivateMemory ? (ULONG)sizeof(MMVAD) : (ULONG)sizeof(MMVAD_VIEW);
    PMMVAD Vad = ExAllocatePoolWithTag(NonPagedPool, Bytes, MI_VAD_TAG);

    if (Vad == NULL) {
        return NULL;
    }
    memset(Vad, 0, Bytes);
    Vad->StartingVpn = (ULONG)(Va >> PAGE_SHIFT);
    Vad->EndingVpn = Vad->StartingVpn + (Pages - 1);
    Vad->u.VadFlags = Flags;
    Vad->WatchBits = NULL;
    if (Flags.WriteWatch) {
        Vad->WatchBits = ExAllocatePoolWithTag(NonPagedPool, MipWatchBytes(Pages), MI_WATCH_TAG);
        if (Vad->WatchBits == NULL) {
            MipFreeVad(Vad);
            return NULL;
        }
        memset(Vad->WatchBits, 0, MipWatchBytes(Pages));
    }
    return Vad;
}

NTSTATUS MiCreateVad(PEPROCESS Process, ULONG_PTR Va, ULONG Pages, MMVAD_FLAGS Flags, PMMVAD *New)
{
    PMMVAD Vad = MipAllocateVad(Va, Pages, Flags);
    NTSTATUS Status;

    if (Vad == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Status = MiChargeProcessPool(Process, PsNonPagedPool, MipVadBytes(Vad));
    if (!NT_SUCCESS(Status)) {
        goto FreeVad;
    }
    Status = MiCommitPageTables(Process, Va, Va + ((ULONG_PTR)Pages << PAGE_SHIFT) - 1);
    if (!NT_SUCCESS(Status)) {
        goto ReturnPool;
    }
    MipInsert(Process, Vad);
    MipMarkUnits(Process, Vad, TRUE);
    Process->VirtualSize += (SIZE_T)Pages << PAGE_SHIFT;
    if (Process->PeakVirtualSize < Process->VirtualSize) {
        Process->PeakVirtualSize = Process->VirtualSize;
    }
    *New = Vad;
    return STATUS_SUCCESS;

ReturnPool:
    MiReturnProcessPool(Process, PsNonPagedPool, MipVadBytes(Vad));
FreeVad:
    MipFreeVad(Vad);
    return Status;
}

/* The page tables that no neighbour has pages in are not needed any more: D3. */
static void MipReturnPageTables(PEPROCESS Process, const MMVAD *Vad)
{
    PMMVAD Before = MiPreviousVad(Vad);
    PMMVAD Behind = MiNextVad(Vad);
    ULONG First = MiTableIndex(MiVadStart(Vad));
    ULONG Last = Vad->EndingVpn / PTE_PER_PAGE;

    if (Before != NULL && Before->EndingVpn / PTE_PER_PAGE == First) {
        First++;
    }
    if (Behind != NULL && Behind->StartingVpn / PTE_PER_PAGE == Last) {
        Last--;
    }
    if ((LONG)(Last - First) >= 0) {
        MiDecommitPageTables(Process, First, Last);
    }
}

void MiDeleteVad(PEPROCESS Process, PMMVAD Vad)
{
    MI_ASSERT(Vad->u.VadFlags.CommitCharge == 0);
    MipReturnPageTables(Process, Vad);
    MipMarkUnits(Process, Vad, FALSE);
    RtlAvlRemoveNode(&Process->VadRoot, &Vad->Node);
    Process->NumberOfVads--;
    Process->VadHint = NULL;
    Process->VirtualSize -= (SIZE_T)MiVadPages(Vad) << PAGE_SHIFT;
    MiReturnProcessPool(Process, PsNonPagedPool, MipVadBytes(Vad));
    MipFreeVad(Vad);
}

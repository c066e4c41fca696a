/* SPDX-License-Identifier: MIT */
/*
 * physical_view.c - pages of views of \Device\PhysicalMemory.
 *
 *     state        its PTE
 *     untouched    zero, or no page table
 *     mapped       valid, with the bit of MiIsPhysicalPte
 *
 * The view says which frame a page shows.  The PTE has no share of it: it may belong to anybody, or
 * to nobody, or be no RAM at all, and whoever owns it may free it: what is seen then is what it is
 * used for next.  So such a page is in no working set, is never trimmed and is not charged for;
 * only its page table knows of it.
 *
 * Two mappings of a frame have to be cached in the same way.  RAM is mapped as its owner has it
 * (u3.e1.CacheAttribute), whatever the view was asked for; free RAM is cached.  What is no RAM are
 * registers: not cached, or write-combined where the view asks for that.
 *
 * Invariants (MiVerifyAddressSpaces):
 *   Y1  a mapped page shows the frame that its view says, and grants the view's protection; what is
 *       no RAM is not cached
 *   Y2  a mapped page's table has a share for it
 *
 * Locking: AddressCreationLock; MiPfnLock for the table's share.
 */
#include "mm/space/physical_view.h"

#include "arch/mmu.h"
#include "mi_assert.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/space/page_table.h"
#include "mm/sysva/system_pages.h"

PFN_NUMBER MiPhysicalViewFrame(const MMVAD *Vad, const MMPTE *Pte)
{
    ULONG Vpn = (ULONG)(MiGetVaMappedByPte((PMMPTE)(ULONG_PTR)Pte) >> PAGE_SHIFT);

    return MiViewOf(Vad)->FirstPage + (Vpn - Vad->StartingVpn);
}

static MI_CACHE_ATTRIBUTE MipAttribute(PFN_NUMBER Frame, ULONG Protection)
{
    MI_CACHE_ATTRIBUTE Attribute;

    if (!MiIsRamFrame(Frame)) {
        return (Protection & MI_CACHE_MASK) == MM_WRITECOMBINE ? MiWriteCombined : MiNonCached;
    }
    Attribute = (MI_CACHE_ATTRIBUTE)MI_PFN(Frame)->u3.e1.CacheAttribute;
    return Attribute == MiCacheUnknown ? MiCached : Attribute;
}

void MiMapPhysicalPage(const MMVAD *Vad, PMMPTE Pte)
{
    PFN_NUMBER Frame = MiPhysicalViewFrame(Vad, Pte);
    ULONG Protection = Vad->u.VadFlags.Protection;
    KIRQL OldIrql = MiLockPfn();
    MMPTE New =
        MiMakeUserPte(Frame, MiIsWritable(Protection), MipAttribute(Frame, Protection)); /* Y1 */

    MI_ASSERT(MiReadPte(Pte).Long == 0);
    MI_PFN(MiTableFrame(Pte))->u2.ShareCount++; /* Y2: it is Active */
    MiStoreUserPte(Pte, MiMakeZeroPte(), MiMakePhysicalPte(New));
    MiUnlockPfn(OldIrql);
}

void MiUnmapPhysicalPage(PMMPTE Pte)
{
    KeFlushSingleTb(MiGetVaMappedByPte(Pte));
    MiDecrementShareCount(MiTableFrame(Pte)); /* Y2 */
}

BOOLEAN MiIsPhysicalPteRight(const MMVAD *Vad, PMMPTE Pte)
{
    MMPTE Entry = MiReadPte(Pte);
    PFN_NUMBER Frame = MiPhysicalViewFrame(Vad, Pte);

    return Entry.Hard.PageFrameNumber == Frame && Entry.Hard.Owner && !Entry.Hard.Global &&
           !Entry.Hard.CopyOnWrite &&
           Entry.Hard.Write == MiIsWritable(Vad->u.VadFlags.Protection) &&
           (MiIsRamFrame(Frame) || MiPteCacheAttribute(Entry) != MiCached);
}

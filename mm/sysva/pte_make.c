/* SPDX-License-Identifier: MIT */
/*
 * pte_make.c - composing page-table entries.
 *
 * Cache attributes as bits (Intel SDM volume 3, 11.12.3): none set is write-back; CacheDisable with
 * WriteThrough is uncached whatever the MTRRs say; WriteThrough alone is entry 1 of the PAT, which
 * the boot programs as write-combining, as NT does.
 *
 * Accessed and Dirty are set in advance where nobody ages or writes the pages: the processor then
 * need not write to the page table.
 */
#include "mm/sysva/pte_make.h"

MMPTE MiKernelTemplates[2][4];
MMPTE MiUserTemplates[2][4];

static MMPTE MipMakeValid(void)
{
    MMPTE Pte = {.Long = MM_PTE_BITS_VALID | MM_PTE_BITS_WRITE | MM_PTE_BITS_ACCESSED |
                         MM_PTE_BITS_DIRTY};

    return Pte;
}

/* Caching is the same as for system addresses; the other bits are the user's. */
static MMPTE MipMakeUser(MMPTE Pte, BOOLEAN Write)
{
    Pte.Hard.Global = 0;
    Pte.Hard.Dirty = 0;
    Pte.Hard.Write = Write;
    Pte.Hard.Owner = 1;
    return Pte;
}

void MiInitializePteMaking(BOOLEAN GlobalPages, BOOLEAN WriteCombining)
{
    MMPTE Cached = MipMakeValid();
    MMPTE NonCached;
    ULONG i;

    Cached.Hard.Global = GlobalPages;
    NonCached = Cached;
    NonCached.Hard.CacheDisable = 1;
    NonCached.Hard.WriteThrough = 1;
    MiKernelTemplates[MiKernelReadWrite][MiCacheUnknown] = Cached;
    MiKernelTemplates[MiKernelReadWrite][MiCached] = Cached;
    MiKernelTemplates[MiKernelReadWrite][MiNonCached] = NonCached;
    MiKernelTemplates[MiKernelReadWrite][MiWriteCombined] = WriteCombining ? Cached : NonCached;
    if (WriteCombining) {
        MiKernelTemplates[MiKernelReadWrite][MiWriteCombined].Hard.WriteThrough = 1;
    }
    for (i = 0; i < RTL_NUMBER_OF(MiKernelTemplates[0]); i++) {
        MMPTE ReadOnly = MiKernelTemplates[MiKernelReadWrite][i];

        ReadOnly.Hard.Write = 0;
        ReadOnly.Hard.Dirty = 0;
        MiKernelTemplates[MiKernelReadOnly][i] = ReadOnly;
        MiUserTemplates[FALSE][i] = MipMakeUser(ReadOnly, FALSE);
        MiUserTemplates[TRUE][i] = MipMakeUser(ReadOnly, TRUE);
    }
}

MMPTE MiMakeKernelPde(PFN_NUMBER Frame)
{
    MMPTE Pde = MipMakeValid();

    Pde.Hard.Dirty = 0; /* the processor ignores it in a directory entry */
    Pde.Hard.PageFrameNumber = Frame;
    return Pde;
}

MMPTE MiMakeWindowPte(PFN_NUMBER Frame)
{
    MMPTE Pte = MipMakeValid();

    Pte.Hard.PageFrameNumber = Frame;
    return Pte;
}

MMPTE MiMakeUserPde(PFN_NUMBER Frame)
{
    MMPTE Pde = MiMakeKernelPde(Frame);

    Pde.Hard.Owner = 1;
    return Pde;
}

MMPTE MiMakePageablePte(PFN_NUMBER Frame, ULONG Protection)
{
    MI_KERNEL_ACCESS Access = Protection == MM_READWRITE ? MiKernelReadWrite : MiKernelReadOnly;
    MMPTE Pte = MiMakeValidKernelPte(MiKernelTemplates[Access][MiCached], Frame);

    Pte.Hard.Dirty = 0;
    return Pte;
}

MMPTE MiMakeSystemViewPte(PFN_NUMBER Frame, MI_CACHE_ATTRIBUTE Attribute)
{
    MMPTE Pte = MiMakeValidKernelPte(MiKernelTemplates[MiKernelReadWrite][Attribute], Frame);

    Pte.Hard.Dirty = 0;
    return Pte;
}

MMPTE MiMakeTransitionPte(PFN_NUMBER Frame, ULONG Protection)
{
    MMPTE Pte = MiMakeSoftwarePte(Protection);

    Pte.Hard.Reserved = 1;
    Pte.Hard.PageFrameNumber = Frame;
    return Pte;
}

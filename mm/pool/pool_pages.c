/* SPDX-License-Identifier: MIT */
/*
 * pool_pages.c - the parts of nonpaged and paged pool as regions.
 *
 * A request goes to the initial nonpaged part first: its pages have memory already.  Runs never
 * cross from one part into another, even where two lie side by side.
 */
#include "mm/pool/pool_pages.h"

#include "mi_assert.h"
#include "mm/pool/pool_inject.h"
#include "mm/pool/session_pool.h"
#include "nt/bugcodes.h"

static MI_POOL_REGION MipRegions[MiPoolPartCount];

void MiInitializePoolPages(const MI_POOL_RANGE *Ranges, BOOLEAN ProtectNonPagedPool)
{
    ULONG Part;

    for (Part = 0; Part < MiPoolPartCount; Part++) {
        PMI_POOL_REGION Region = &MipRegions[Part];
        const MI_POOL_RANGE *Range = &Ranges[Part];

        MiInitializePoolRegion(Region, Range->Base, Range->Pages,
                               Part == MiNonPagedInitial && !ProtectNonPagedPool, Range->Bits);
        Region->Commit = Range->Commit;
        Region->Decommit = Range->Decommit;
    }
    if (ProtectNonPagedPool && Ranges[MiNonPagedInitial].Pages != 0) {
        Ranges[MiNonPagedInitial].Decommit(Ranges[MiNonPagedInitial].Base,
                                           Ranges[MiNonPagedInitial].Pages);
    }
}

PMI_POOL_REGION MiPoolRegion(MI_POOL_PART Part)
{
    MI_ASSERT(Part < MiPoolPartCount);
    return &MipRegions[Part];
}

PVOID MiAllocatePoolPages(POOL_TYPE BaseType, ULONG PoolIndex, ULONG Pages)
{
    PVOID Va = NULL;

    (void)PoolIndex; /* all pools of a type share their parts */
    if (MiPoolAllocationFails()) {
        return NULL;
    }
    if (BaseType == PagedPool) {
        return MiAllocateRegionPages(&MipRegions[MiPaged], Pages);
    }
    if (BaseType == MI_SESSION_PAGED_POOL) {
        return MiAllocateRegionPages(&MiCurrentSessionPool()->Region, Pages);
    }
    if (MipRegions[MiNonPagedInitial].Pages != 0) {
        Va = MiAllocateRegionPages(&MipRegions[MiNonPagedInitial], Pages);
    }
    if (Va == NULL && MipRegions[MiNonPagedExpansion].Pages != 0) {
        Va = MiAllocateRegionPages(&MipRegions[MiNonPagedExpansion], Pages);
    }
    return Va;
}

/* => NULL: Va is in no pool. */
static PMI_POOL_REGION MipFindRegion(PVOID Va)
{
    PMI_SESSION_POOL Session;
    ULONG Part;

    for (Part = 0; Part < MiPoolPartCount; Part++) {
        PMI_POOL_REGION Region = &MipRegions[Part];

        if (((ULONG_PTR)Va - Region->Base) >> PAGE_SHIFT < Region->Pages) {
            return Region;
        }
    }
    Session = MiSessionPoolOf((ULONG_PTR)Va);
    return Session != NULL ? &Session->Region : NULL;
}

void MiFreePoolPages(PVOID Va, ULONG Pages)
{
    PMI_POOL_REGION Region = MipFindRegion(Va);

    MI_ASSERT(Region != NULL);
    MiFreeRegionPages(Region, (ULONG_PTR)Va, Pages);
}

POOL_TYPE MiPoolTypeAt(PVOID Va)
{
    const MI_POOL_REGION *Region = MipFindRegion(Va);
    BOOLEAN Nonpaged = Region == NULL || Region == &MipRegions[MiNonPagedInitial] ||
                       Region == &MipRegions[MiNonPagedExpansion];

    return Nonpaged ? NonPagedPool : PagedPool;
}

MI_POOL_PLACE MiQueryPoolPlace(PVOID Va, POOL_TYPE *BaseType)
{
    PMI_POOL_REGION Region = MipFindRegion(Va);

    if (Region == NULL) {
        return MiPoolPlaceOutside;
    }
    *BaseType = MiPoolTypeAt(Va);
    return MiQueryRegionPlace(Region, (ULONG_PTR)Va);
}

static void MipAddPages(PMI_POOL_PAGES Sum, const MI_POOL_REGION *Region)
{
    Sum->MaximumPages += Region->Pages;
    Sum->UsedPages += Region->UsedPages;
    Sum->PeakPages += Region->PeakPages;
}

void MiQueryPoolPages(POOL_TYPE BaseType, PMI_POOL_PAGES Pages)
{
    memset(Pages, 0, sizeof(*Pages));
    if (BaseType == PagedPool) {
        MipAddPages(Pages, &MipRegions[MiPaged]);
    } else {
        MipAddPages(Pages, &MipRegions[MiNonPagedInitial]);
        MipAddPages(Pages, &MipRegions[MiNonPagedExpansion]);
    }
}

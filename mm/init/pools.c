/* SPDX-License-Identifier: MIT */
/*
 * pools.c - the pools' ranges, as the layout gives them.
 *
 * The maps of pages in use lie under system PTEs: the pools cannot hold what describes them.
 */
#include "mm/init/init.h"

#include "arch/mmu.h"
#include "mm/pool/paged_page.h"
#include "mm/pool/pool.h"
#include "mm/pool/pool_memory.h"
#include "mm/pool/pool_pages.h"
#include "mm/pool/special_pool.h"
#include "mm/sysva/layout.h"
#include "mm/sysva/system_pages.h"
#include "mm/sysva/system_ptes.h"
#include "report.h"

/* Memory that is never given back.  => NULL: none. */
static PVOID MipMapForGood(SIZE_T Bytes)
{
    ULONG Pages = (ULONG)BYTES_TO_PAGES(Bytes);
    PMMPTE First = MiReserveSystemPtes(Pages);

    if (First == NULL) {
        return NULL;
    }
    if (!NT_SUCCESS(
            MiCreateSystemPages(First, Pages, MiMakeKernelTemplate(MiKernelReadWrite, MiCached)))) {
        MiReleaseSystemPtes(First, Pages);
        return NULL;
    }
    return (PVOID)MiGetVaMappedByPte(First);
}

static NTSTATUS MipDescribePart(MI_REGION Region, MI_COMMIT_PAGES *Commit,
                                MI_DECOMMIT_PAGES *Decommit, MI_POOL_RANGE *Range)
{
    const MI_RANGE *Place = &MiLayout.Region[Region];

    Range->Base = Place->Start;
    Range->Pages = Place->Bytes >> PAGE_SHIFT;
    Range->Commit = Commit;
    Range->Decommit = Decommit;
    Range->Bits = MipMapForGood(MI_POOL_REGION_BYTES(Range->Pages));
    return Range->Bits == NULL ? STATUS_NO_MEMORY : STATUS_SUCCESS;
}

/* Of the system PTEs, and of pages that one special pool can number. */
#define MI_SPECIAL_SHARE   4u
#define MI_SPECIAL_MAXIMUM 16384u

BOOLEAN MiCreateSpecialPool(void)
{
    MI_POOL_RANGE Range = {.Commit = MiCommitNonPagedPool, .Decommit = MiDecommitNonPagedPool};
    MI_SYSTEM_PTE_COUNTERS Ptes;
    PMMPTE First;

    MiQuerySystemPtes(&Ptes);
    Range.Pages = Ptes.Free / MI_SPECIAL_SHARE;
    Range.Pages = Range.Pages < MI_SPECIAL_MAXIMUM ? Range.Pages : MI_SPECIAL_MAXIMUM;
    First = MiReserveSystemPtes(Range.Pages);
    if (First == NULL) {
        return FALSE;
    }
    Range.Bits = MipMapForGood(MI_SPECIAL_POOL_BYTES(Range.Pages));
    if (Range.Bits == NULL) {
        MiReleaseSystemPtes(First, Range.Pages);
        return FALSE;
    }
    Range.Base = MiGetVaMappedByPte(First);
    MiInitializeSpecialPool(&Range);
    return TRUE;
}

/* Special pool costs the pools' quick ways: it is there only for those who ask. */
static void MipSelectSpecialPool(const MM_BOOT *Boot)
{
    ULONG Tag = MiBootValue(Boot, "PoolTag");

    if (Tag == 0) {
        return;
    }
    if (!MiCreateSpecialPool()) {
        KiPrint("system.reg: PoolTag asks for special pool, and there is no memory for it.\n");
        return;
    }
    MiSelectSpecialPool(Tag, MiBootValue(Boot, "PoolTagOverruns") != 0);
    KiPrint("Special pool is on: PoolTag %08x, PoolTagOverruns %u\n", Tag,
            MiBootValue(Boot, "PoolTagOverruns"));
}

NTSTATUS MiCreatePools(const MM_BOOT *Boot)
{
    MI_POOL_RANGE Ranges[MiPoolPartCount];
    const MI_RANGE *Initial = &MiLayout.Region[MiRegionInitialPool];
    NTSTATUS Status = MiCommitNonPagedPool(Initial->Start, Initial->Bytes >> PAGE_SHIFT);

    if (NT_SUCCESS(Status)) {
        Status = MipDescribePart(MiRegionInitialPool, MiCommitNonPagedPool, MiDecommitNonPagedPool,
                                 &Ranges[MiNonPagedInitial]);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipDescribePart(MiRegionPoolExpansion, MiCommitNonPagedPool,
                                 MiDecommitNonPagedPool, &Ranges[MiNonPagedExpansion]);
    }
    if (NT_SUCCESS(Status)) {
        Status = MipDescribePart(MiRegionPagedPool, MiCommitPagedPool, MiDecommitPagedPool,
                                 &Ranges[MiPaged]);
    }
    if (NT_SUCCESS(Status)) {
        MiInitializePagedPages();
        MiInitializePoolPages(Ranges, MiBootValue(Boot, "ProtectNonPagedPool") != 0);
        MiInitializePools(MiBootValue(Boot, "PoisonFreedPool") != 0);
        MipSelectSpecialPool(Boot);
    }
    return Status;
}

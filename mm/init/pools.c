/* SPDX-License-Identifier: MIT */
/*
 * pools.c - the pools' ranges, as the layout gives them.
 *
 * The maps of pages in use lie under system PTEs: the pools cannot hold what describes them.
 */
#include "mm/init/init.h"

#include "arch/mmu.h"
#include "mm/pool/pool.h"
#include "mm/pool/pool_memory.h"
#include "mm/pool/pool_pages.h"
#include "mm/sysva/layout.h"
#include "mm/sysva/system_pages.h"
#include "mm/sysva/system_ptes.h"

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
        MiInitializePoolPages(Ranges, MiBootValue(Boot, "ProtectNonPagedPool") != 0);
        MiInitializePools(MiBootValue(Boot, "PoisonPool") != 0);
    }
    return Status;
}

/* SPDX-License-Identifier: MIT */
/*
 * system_cache.c - the system cache begins: views over its part of the system half, and the thread
 * that writes what is dirty.
 *
 *     SystemCacheDirtyPageThreshold   writers wait beyond so many MB that are dirty
 *     LargeSystemCache                besides more views (mm/sysva/layout.c): when memory is short
 *                                     processes in the background give pages before the cache does
 */
#include "cc.h"
#include "mm/balance/policy.h"
#include "mm/cc/dirty.h"
#include "mm/cc/vacb.h"
#include "mm/init/init.h"
#include "mm/section/cache_view.h"
#include "mm/ws/wsle.h"
#include "report.h"

#define MIP_PAGES_IN_MB (0x100000u >> PAGE_SHIFT)

/* MB of system.reg; 0: half of the RAM, as the cache manager decides. */
static void MipSetThreshold(ULONG Megabytes, ULONG RamPages)
{
    if (Megabytes != 0) {
        CcSetSystemDirtyPageThreshold(
            Megabytes < RamPages / MIP_PAGES_IN_MB ? Megabytes * MIP_PAGES_IN_MB : RamPages);
    }
}

/* The working set that the cache's pages are in is trimmed as a process' in the foreground. */
static void MipPreferCache(void)
{
    ExAcquireFastMutex(&MiSystemWorkingSetMutex);
    MiSystemCacheWorkingSet.MemoryPriority = MI_FOREGROUND_PRIORITY;
    ExReleaseFastMutex(&MiSystemWorkingSetMutex);
}

/* mm/section's; where it is not linked nothing is cached. */
extern const MM_CACHE_VIEW_CALLS MiCacheViewCalls NT_WEAK;

void MmStartSystemCache(void)
{
    if (&MiCacheViewCalls != NULL) {
        MiStartSystemCache(MiBootBlock(), &MiCacheViewCalls);
    }
}

void MiStartSystemCache(const MM_BOOT *Boot, const struct _MM_CACHE_VIEW_CALLS *Calls)
{
    ULONG RamPages = MmPhysicalPages();

    if (!NT_SUCCESS(CcInitializeCacheManager(Calls, RamPages))) {
        MiInstallMoreMemory(MM_BOOT_CACHE);
    }
    MipSetThreshold(MiBootValue(Boot, "SystemCacheDirtyPageThreshold"), RamPages);
    if (MiBootValue(Boot, "LargeSystemCache") != 0) {
        MipPreferCache();
    }
    if (!NT_SUCCESS(CcStartLazyWriter())) {
        MiInstallMoreMemory(MM_BOOT_CACHE);
    }
    KiPrint("Cache      %u views of %u KB; writers wait beyond %u dirty pages\n",
            CcViewCounters.Total, VACB_MAPPING_GRANULARITY / 1024, CcDirtyPageThreshold);
}

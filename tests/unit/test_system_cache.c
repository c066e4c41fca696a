/* SPDX-License-Identifier: MIT */
/*
 * test_system_cache.c - the cache begins as system.reg wants it.
 */
#include "cc.h"
#include "mm/cc/dirty.h"
#include "mm/cc/vacb.h"
#include "mm/balance/policy.h"
#include "mm/init/init.h"
#include "mm/section/cache_view.h"
#include "mm/ws/wsle.h"
#include "tests/unit/mm_world.h"

#include <string.h>

#define FRAMES 4096u

static const MM_CACHE_VIEW_CALLS Calls; /* nothing is cached here */

/* => The threshold that Megabytes in system.reg make. */
static ULONG ThresholdOf(ULONG Megabytes)
{
    const MM_VALUE Value = {"SystemCacheDirtyPageThreshold", Megabytes};
    ULONG Pages;

    MmWorldStartWith(FRAMES, &Value, 1);
    HostStartClock();
    CHECK(!CcIsRunning());
    CHECK(strstr(HostConsoleText(), "no effect") == NULL);
    MiStartSystemCache(MmWorldBoot(), &Calls);
    CHECK(CcIsRunning());
    CHECK(strstr(HostConsoleText(), "views of 256 KB; writers wait beyond ") != NULL);
    Pages = CcDirtyPageThreshold;
    CcStopLazyWriter(); /* there is one */
    MmWorldFinish();
    return Pages;
}

TEST(The_system_cache_begins_with_the_threshold_of_system_reg)
{
    ULONG Ram;

    MmWorldStart(FRAMES);
    Ram = MmPhysicalPages();
    MmWorldFinish();
    CHECK_EQUAL(Ram / 2, ThresholdOf(0));
    CHECK_EQUAL(3 * 256, ThresholdOf(3));
    CHECK_EQUAL(Ram, ThresholdOf(0xFFFFFFFF)); /* never more than there is */
}

static ULONG RankWith(ULONG Large)
{
    const MM_VALUE Value = {"LargeSystemCache", Large};
    ULONG Rank;

    MmWorldStartWith(FRAMES, &Value, 1);
    HostStartClock();
    MiStartSystemCache(MmWorldBoot(), &Calls);
    MiSystemCacheWorkingSet.WorkingSetSize += 100; /* as if it had pages to give */
    Rank = MiTrimRank(&MiSystemCacheWorkingSet, MI_LAST_PASS);
    MiSystemCacheWorkingSet.WorkingSetSize -= 100;
    CcStopLazyWriter();
    MmWorldFinish();
    return Rank;
}

TEST(LargeSystemCache_has_the_caches_pages_leave_later)
{
    CHECK(RankWith(1) != MI_NOT_NOW);
    CHECK(RankWith(1) > RankWith(0));
}

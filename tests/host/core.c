/* SPDX-License-Identifier: MIT */
/*
 * core.c - after power-on no subsystem of the core exists, whatever an earlier machine had started.
 *
 * So MiVerifyAll, and the monitor's commands, see what this machine has.  No lock analysis: nobody
 * else runs.
 */
#include "tests/host/machine_i.h"

#include "mm/pfn/pfn.h"
#include "mm/pool/pool_pages.h"
#include "mm/pool/pool_tag.h"
#include "mm/space/process.h"
#include "ob.h"
#include "mm/sysva/layout.h"
#include "mm/sysva/mdl.h"
#include "mm/sysva/system_pte_state.h"
#include "user_half.h"

#include <string.h>

static void ForgetSystemPtes(void) NT_NO_LOCK_ANALYSIS
{
    memset(&MiSystemPtes, 0, sizeof(MiSystemPtes));
    KeInitializeSpinLock(&MiSystemPteLock);
}

void HostpForgetCore(void)
{
    static ULONG NoBits;
    const MI_POOL_RANGE None = {.Bits = &NoBits};
    const MI_POOL_RANGE NoPools[MiPoolPartCount] = {None, None, None};

    MiPfnDatabase = NULL;
    MiHighestFrame = 0;
    ForgetSystemPtes();
    MiAllocatedMdlPages = 0;
    memset(MiPoolTags, 0, sizeof(MiPoolTags));
    MiInitializePoolPages(NoPools, FALSE);
    memset(&MiLayout, 0, sizeof(MiLayout));
    MiForgetProcesses();
    ObForgetObjects();
    MiSetSystemRangeStart(MI_USUAL_RANGE_START);
}

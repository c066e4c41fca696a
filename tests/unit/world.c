/* SPDX-License-Identifier: MIT */
/*
 * world.c - see world.h.  No lock analysis: nobody else runs.
 */
#include "tests/unit/world.h"

#include "mm/pfn/pfn.h"
#include "mm/pool/pool_tag.h"
#include "mm/sysva/layout.h"
#include "mm/sysva/system_pte_state.h"

#include <string.h>

static void ForgetSystemPtes(void) NT_NO_LOCK_ANALYSIS
{
    memset(&MiSystemPtes, 0, sizeof(MiSystemPtes));
    KeInitializeSpinLock(&MiSystemPteLock);
}

void WorldForget(void)
{
    MiPfnDatabase = NULL;
    MiHighestFrame = 0;
    ForgetSystemPtes();
    memset(MiPoolTags, 0, sizeof(MiPoolTags));
    memset(&MiLayout, 0, sizeof(MiLayout));
}

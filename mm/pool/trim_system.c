/* SPDX-License-Identifier: MIT */
/*
 * trim_system.c - taking all pageable system memory away at once.
 *
 * Pageable are the valid pages of paged pool that no I/O has locked, and those of the pageable
 * sections of images that nobody has locked.
 *
 * A trim before a raise of IRQL runs on behalf of whoever raises it, below DISPATCH_LEVEL.  It
 * takes spin locks itself, and it must not wait: so a raise within it, or while the mutex is taken,
 * comes without a trim and is counted.  So does one while pages are brought in to be locked, which
 * would never end otherwise.
 *
 * Locking: MiSystemWorkingSetMutex, tried for; MiPfnLock.
 */
#include "mm/pool/trim_system.h"

#include "arch/cpu.h"
#include "mm.h"
#include "mm/pfn/pfn_list.h"
#include "mm/pool/paged_page.h"
#include "mm/sysva/mdl.h"

#define MIP_PURGED_AT_ONCE 64u /* frames, under one hold of the lock */

MI_FORCED_TRIMS MiForcedTrims;
static BOOLEAN MipForcing; /* a trim before a raise is under way */

/* => Returns whether the mutex was free; *Pages: how many were trimmed. */
static BOOLEAN MipTrim(PULONG Pages)
{
    if (!ExTryToAcquireFastMutex(&MiSystemWorkingSetMutex)) {
        return FALSE;
    }
    *Pages = MiSystemCacheWorkingSet.WorkingSetSize;
    if (*Pages != 0) {
        (void)MiTrimWorkingSet(&MiSystemCacheWorkingSet, *Pages, 0);
    }
    *Pages -= MiSystemCacheWorkingSet.WorkingSetSize;
    ExReleaseFastMutex(&MiSystemWorkingSetMutex);
    return TRUE;
}

/* ---- on request ---- */

/* => Returns FALSE when no page is on standby any more. */
static BOOLEAN MipPurgeSome(void)
{
    KIRQL OldIrql = MiLockPfn();
    PFN_NUMBER Frame = MI_NO_FRAME;
    ULONG i;

    for (i = 0; i < MIP_PURGED_AT_ONCE; i++) {
        Frame = MiRemoveStandbyFrame();
        if (Frame == MI_NO_FRAME) {
            break;
        }
        MiInsertFreeFrame(FreePageList, Frame);
    }
    MiUnlockPfn(OldIrql);
    return Frame != MI_NO_FRAME;
}

BOOLEAN NTAPI MmTrimAllSystemPageableMemory(BOOLEAN PurgeTransition)
{
    ULONG Pages;

    if (KeGetCurrentIrql() > APC_LEVEL || !MipTrim(&Pages)) {
        return FALSE;
    }
    while (PurgeTransition && MipPurgeSome()) {
        continue;
    }
    return TRUE;
}

/* ---- before each raise of IRQL ---- */

static BOOLEAN MipAreInterruptsOn(void)
{
    BOOLEAN Enabled = KeDisableInterrupts();

    KeRestoreInterrupts(Enabled);
    return Enabled;
}

static void MipBeforeRaise(void)
{
    ULONG Pages;

    MiForcedTrims.Raises++;
    if (!MipAreInterruptsOn()) {
        MiForcedTrims.Interrupts++;
        return;
    }
    if (MipForcing || MiBringingPages != 0) {
        MiForcedTrims.Busy++;
        return;
    }
    MipForcing = TRUE;
    if (MipTrim(&Pages)) {
        MiForcedTrims.Trims++;
        MiForcedTrims.Pages += Pages;
    } else {
        MiForcedTrims.Busy++;
    }
    MipForcing = FALSE;
}

void MiSetForcedTrims(BOOLEAN On)
{
    KiSetRaiseRoutine(NULL);
    MiForcedTrims = (MI_FORCED_TRIMS){.Raises = 0};
    MipForcing = FALSE;
    KiSetRaiseRoutine(On ? MipBeforeRaise : NULL);
}

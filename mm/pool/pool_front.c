/* SPDX-License-Identifier: MIT */
/*
 * pool_front.c - switching the front end, emptying it, counting what waits there.
 */
#include "mm/pool/pool_front.h"

#include "arch/mmu.h"
#include "mi_assert.h"
#include "mm/pool/pool_big.h"
#include "mm/pool/pool_free.h"
#include "mm/pool/pool_pages.h"
#include "rtl.h"
#include "user_half.h"

MI_POOL_FRONT MiPoolFront;
static ULONG MipOffReasons; /* (A) MI_FRONT_END_OFF bits */

static void MipApplyReasons(void)
{
    BOOLEAN Off = __atomic_load_n(&MipOffReasons, __ATOMIC_RELAXED) != 0;

    MiPoolFront.Sizes = Off ? 0 : MI_FRONT_SIZES;
    MiPoolFront.Lowest = Off ? ~(ULONG_PTR)0 : MM_SYSTEM_RANGE_START;
}

void MiInitializePoolFrontEnd(void)
{
    memset(&MiPoolFront, 0, sizeof(MiPoolFront));
    MiPoolFront.PagedBase = MiPoolRegion(MiPaged)->Base;
    MiPoolFront.PagedBytes = MiPoolRegion(MiPaged)->Pages * PAGE_SIZE;
    MipOffReasons = 0;
    MipApplyReasons();
}

void MiSetPoolFrontEnd(MI_FRONT_END_OFF Reason, BOOLEAN Off)
{
    if (Off) {
        __atomic_fetch_or(&MipOffReasons, Reason, __ATOMIC_RELAXED);
    } else {
        __atomic_fetch_and(&MipOffReasons, ~(ULONG)Reason, __ATOMIC_RELAXED);
    }
    MipApplyReasons();
}

static ULONG MipFlushPages(void)
{
    MI_BIG_BLOCK Block;
    PVOID Page;
    ULONG Pages = 0;

    while ((Page = MiTakeFromSlots(MiPoolFront.Pages, 1)) != NULL) {
        MI_ASSERT(MiRemoveBigBlock(Page, &Block));
        MiFreePoolPages(Page, 1);
        Pages++;
    }
    return Pages;
}

ULONG MiFlushPoolFrontEnd(POOL_TYPE BaseType)
{
    PVOID Block;
    ULONG Blocks = BaseType == NonPagedPool ? MipFlushPages() : 0;
    ULONG Size;

    for (Size = 0; Size < MI_FRONT_SIZES; Size++) {
        while ((Block = MiTakeFromFrontEnd(BaseType, Size)) != NULL) {
            MiFreePoolBlock(MiPoolHeaderOf(Block));
            Blocks++;
        }
    }
    return Blocks + MiFreeSparePages(BaseType);
}

ULONG MiCountFrontEnd(POOL_TYPE BaseType, PULONG Units)
{
    ULONG Blocks = 0;
    ULONG Size;
    ULONG Slot;

    *Units = 0;
    for (Size = 0; Size < MI_FRONT_SIZES; Size++) {
        for (Slot = 0; Slot < MI_FRONT_SLOTS; Slot++) {
            if (MiPoolFront.Slots[BaseType][Slot][Size] != NULL) {
                Blocks++;
                *Units += Size + MI_MINIMUM_UNITS;
            }
        }
    }
    return Blocks;
}

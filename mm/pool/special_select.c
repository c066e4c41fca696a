/* SPDX-License-Identifier: MIT */
/*
 * special_select.c - which requests get special pool: PoolTag and PoolTagOverruns of system.reg.
 *
 *     PoolTag           means                        example
 *     0                 nobody
 *     2A                everybody
 *     below 1000        a size class                 10: 1 to 8 bytes, 18: 9 to 16, ...
 *     else              a tag, with ? and *          'File', 'Fi*', 'F?le'
 */
#include "mm/pool/special_slot.h"

#define MI_EVERY_TAG 0x2Au /* '*' */

/* EX_POOL_PRIORITY's low bits. */
#define MI_PRIORITY_SPECIAL  8u
#define MI_PRIORITY_UNDERRUN 1u

static ULONG MipPoolTag;          /* (I) */
static BOOLEAN MipCatchUnderruns; /* (I) */

void MiSelectSpecialPool(ULONG PoolTag, BOOLEAN Overruns)
{
    MipPoolTag = PoolTag;
    MipCatchUnderruns = !Overruns;
}

static BOOLEAN MipTagMatches(ULONG Pattern, ULONG Tag)
{
    for (; Pattern != 0 || Tag != 0; Pattern >>= 8, Tag >>= 8) {
        UCHAR Wanted = (UCHAR)Pattern;

        if (Wanted == '*') {
            return TRUE;
        }
        if (Wanted != (UCHAR)Tag && (Wanted != '?' || (UCHAR)Tag == 0)) {
            return FALSE;
        }
    }
    return TRUE;
}

/* A size class is a block with its header: 10 holds 8 bytes. */
static ULONG MipSizeClass(SIZE_T Bytes)
{
    return ROUND_UP(Bytes != 0 ? (ULONG)Bytes : 1u, 8u) + 8;
}

MI_SPECIAL_PLACE MiPlaceInSpecialPool(SIZE_T Bytes, ULONG Tag)
{
    BOOLEAN Selected;

    if (MiSpecialRange.Slots == 0 || MipPoolTag == 0 || Bytes > MI_LARGEST_SPECIAL) {
        return MiSpecialNowhere;
    }
    if (MipPoolTag == MI_EVERY_TAG) {
        Selected = TRUE;
    } else if (MipPoolTag < PAGE_SIZE) {
        Selected = MipSizeClass(Bytes) == ROUND_UP(MipPoolTag, 8u);
    } else {
        Selected = MipTagMatches(MipPoolTag, Tag & ~PROTECTED_POOL);
    }
    if (!Selected) {
        return MiSpecialNowhere;
    }
    return MipCatchUnderruns ? MiSpecialUnderrun : MiSpecialOverrun;
}

MI_SPECIAL_PLACE MiPlaceOfPriority(ULONG Priority)
{
    if (MiSpecialRange.Slots == 0 || (Priority & MI_PRIORITY_SPECIAL) == 0) {
        return MiSpecialNowhere;
    }
    return (Priority & MI_PRIORITY_UNDERRUN) != 0 ? MiSpecialUnderrun : MiSpecialOverrun;
}

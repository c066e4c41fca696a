/* SPDX-License-Identifier: MIT */
/*
 * special_slot.h - what the files of special pool share: its range, and what a page must hold.
 */
#ifndef MM_POOL_SPECIAL_SLOT_H
#define MM_POOL_SPECIAL_SLOT_H

#include "mm/pool/special_pool.h"

typedef enum _MI_SPECIAL_STATE {
    MiSpecialUnused, /* never was anything else */
    MiSpecialComing,
    MiSpecialInUse,
    MiSpecialLeaving,
    MiSpecialFreed
} MI_SPECIAL_STATE;

#define MI_NO_SLOT 0xFFFFu

/* 0xC1, P4. */
#define MI_SPECIAL_NOT_ALLOCATED        0x20
#define MI_SPECIAL_BAD_ADDRESS          0x21
#define MI_SPECIAL_BAD_UNDERRUN_ADDRESS 0x22
#define MI_SPECIAL_DAMAGED_NEARBY       0x23
#define MI_SPECIAL_DAMAGED_BEHIND       0x24
#define MI_SPECIAL_IRQL_TO_ALLOCATE     0x30
#define MI_SPECIAL_IRQL_TO_FREE         0x31
#define MI_SPECIAL_ONE_BIT              0x32

/* What a page begins with, or with underruns ends with: for those who read dumps. */
typedef struct _MI_SPECIAL_HEADER {
    USHORT Bytes;
    UCHAR Pattern;
    UCHAR Mark; /* MI_SPECIAL_MARK */
    ULONG Tag;
} MI_SPECIAL_HEADER, *PMI_SPECIAL_HEADER;

NT_C_ASSERT(sizeof(MI_SPECIAL_HEADER) == 8);

#define MI_SPECIAL_MARK    0x5Fu
#define MI_LARGEST_SPECIAL (PAGE_SIZE - (ULONG)sizeof(MI_SPECIAL_HEADER))

/* (I) all. */
typedef struct _MI_SPECIAL_RANGE {
    ULONG_PTR Base; /* the first guard page */
    ULONG Slots;    /* 0: there is no special pool */
    PMI_SPECIAL_SLOT Slot;
    MI_COMMIT_PAGES *Commit;
    MI_DECOMMIT_PAGES *Decommit;
} MI_SPECIAL_RANGE;

extern MI_SPECIAL_RANGE MiSpecialRange;

static inline ULONG_PTR MiSpecialPage(ULONG Index)
{
    return MiSpecialRange.Base + (((ULONG_PTR)Index * 2 + 1) << PAGE_SHIFT);
}

/* => MI_NO_SLOT: P is on a guard page, or not in special pool. */
ULONG MiSpecialSlotOf(PVOID P);

/* Write header and pattern: all of the page but the block. */
void MiFillSpecialPage(const MI_SPECIAL_SLOT *Slot, PUCHAR Page);

/*
 * => 0: the page holds what it was filled with.  Else the cause as 0xC1 has it; *Damage is the
 *    first damaged byte's address.
 */
ULONG MiFindSpecialDamage(const MI_SPECIAL_SLOT *Slot, const UCHAR *Page, PULONG_PTR Damage);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * pool_front.h - the front end: a few blocks of each small size, taken and given without a lock.
 *
 * Each size has MI_FRONT_SLOTS slots.  Taking swaps a slot with NULL, giving stores into an empty
 * one by compare-and-exchange: no links, so a block's memory is not touched before it is owned, a
 * preempted caller blocks nobody, and any IRQL will do.  One set of slots serves today's one
 * processor; with several each gets its own.
 *
 * Invariants:
 *   F1  a slot holds NULL or the address of a block's data; that block has the
 *       slot's size and type and MI_BLOCK_IN_USE clear, and is not free
 *   F2  a page in a slot is a nonpaged run of one page that the table of big blocks calls waiting
 *   F3  nothing is given while the front end is off; MiFlushPoolFrontEnd then empties it for good
 */
#ifndef MM_POOL_FRONT_H
#define MM_POOL_FRONT_H

#include "mm/pool/pool_block.h"

#define MI_FRONT_SLOTS 8u
#define MI_FRONT_SIZES 128u /* up to 1024 bytes of data */

/* A size's number: blocks of MI_MINIMUM_UNITS are 0.  Zero bytes give a number beyond all. */
#define MI_FRONT_SIZE_OF_BYTES(Bytes) (((ULONG)(Bytes)-1) / MI_POOL_UNIT)
#define MI_FRONT_SIZE_OF_UNITS(Units) ((ULONG)(Units)-MI_MINIMUM_UNITS)

NT_C_ASSERT(MI_FRONT_SIZE_OF_BYTES(8) == 0 && MI_FRONT_SIZE_OF_BYTES(9) == 1);
NT_C_ASSERT(MI_FRONT_SIZE_OF_BYTES(0) >= MI_FRONT_SIZES);
NT_C_ASSERT(MI_FRONT_SIZE_OF_BYTES(1024) == MI_FRONT_SIZES - 1);

typedef struct _MI_POOL_FRONT {
    /* (A) by base type and size.  First, so that a size is an index into it without more ado. */
    PVOID Slots[2][MI_FRONT_SLOTS][MI_FRONT_SIZES];
    PVOID Pages[MI_FRONT_SLOTS]; /* (A) nonpaged big blocks of one page */
    ULONG Sizes;         /* (A) sizes from here on go behind the front end; 0: all of them do */
    ULONG_PTR Lowest;    /* (A) what lies below may not be given; that is all while it is off */
    ULONG_PTR PagedBase; /* (I) paged pool's range: not to be touched at DISPATCH_LEVEL */
    ULONG PagedBytes;    /* (I) */
} MI_POOL_FRONT, *PMI_POOL_FRONT;

extern MI_POOL_FRONT MiPoolFront;

/* => Returns the address of a block's data, now the caller's; NULL: none is in this slot. */
static inline PVOID MiTakeFromSlot(PVOID *Slot)
{
    return __atomic_exchange_n(Slot, NULL, __ATOMIC_ACQUIRE);
}

/* => Returns FALSE when the slot is full. */
static inline BOOLEAN MiGiveToSlot(PVOID *Slot, PVOID Block)
{
    PVOID Empty = NULL;

    return __atomic_compare_exchange_n(Slot, &Empty, Block, FALSE, __ATOMIC_RELEASE,
                                       __ATOMIC_RELAXED);
}

/*
 * Slots[0] is the first of MI_FRONT_SLOTS slots that are Stride, a constant, apart; these two look
 * at the others.
 */
static inline PVOID MiTakeFromOtherSlots(PVOID *Slots, ULONG Stride)
{
    PVOID Block;
    ULONG Slot;

    for (Slot = Stride; Slot < MI_FRONT_SLOTS * Stride; Slot += Stride) {
        if (__atomic_load_n(&Slots[Slot], __ATOMIC_RELAXED) != NULL) {
            Block = MiTakeFromSlot(&Slots[Slot]);
            if (Block != NULL) {
                return Block;
            }
        }
    }
    return NULL;
}

static inline BOOLEAN MiGiveToOtherSlots(PVOID *Slots, ULONG Stride, PVOID Block)
{
    ULONG Slot;

    for (Slot = Stride; Slot < MI_FRONT_SLOTS * Stride; Slot += Stride) {
        if (__atomic_load_n(&Slots[Slot], __ATOMIC_RELAXED) == NULL &&
            MiGiveToSlot(&Slots[Slot], Block)) {
            return TRUE;
        }
    }
    return FALSE;
}

static inline PVOID MiTakeFromSlots(PVOID *Slots, ULONG Stride)
{
    PVOID Block = MiTakeFromSlot(Slots);

    return Block != NULL ? Block : MiTakeFromOtherSlots(Slots, Stride);
}

static inline BOOLEAN MiGiveToSlots(PVOID *Slots, ULONG Stride, PVOID Block)
{
    return MiGiveToSlot(Slots, Block) || MiGiveToOtherSlots(Slots, Stride, Block);
}

/* => Size is a size's number, below MI_FRONT_SIZES. */
static inline PVOID MiTakeFromFrontEnd(POOL_TYPE BaseType, ULONG Size)
{
    return MiTakeFromSlots(&MiPoolFront.Slots[BaseType][0][Size], MI_FRONT_SIZES);
}

static inline BOOLEAN MiGiveToFrontEnd(POOL_TYPE BaseType, ULONG Size, PVOID Block)
{
    return MiGiveToSlots(&MiPoolFront.Slots[BaseType][0][Size], MI_FRONT_SIZES, Block);
}

/* Who wants every request to take the long way. */
typedef enum _MI_FRONT_END_OFF {
    MiFrontEndOffForInjection = 1,
    MiFrontEndOffForPoison = 2,
    MiFrontEndOffForSpecialPool = 4,
    MiFrontEndOffForProtection = 8
} MI_FRONT_END_OFF;

/*
 * => The front end is empty and, without reasons against it, on.  MiInitializePoolPages was called.
 */
void MiInitializePoolFrontEnd(void);

/* Switching it off does not empty it. */
void MiSetPoolFrontEnd(MI_FRONT_END_OFF Reason, BOOLEAN Off);

/*
 * Give what waits there back to the pools, and their spare pages to the regions.
 *
 * => BaseType's IRQL.  Returns the number of blocks and pages.
 */
ULONG MiFlushPoolFrontEnd(POOL_TYPE BaseType);

/* Small blocks that wait, and their units. */
ULONG MiCountFrontEnd(POOL_TYPE BaseType, PULONG Units);

#endif

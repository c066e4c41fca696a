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
    ULONG Sizes;      /* (A) sizes from here on go behind the front end; 0: all of them do */
    ULONG_PTR Lowest; /* (A) only what lies above may be given; that is nothing while it is off */
    ULONG_PTR PagedBase; /* (I) paged pool's range: not to be touched at DISPATCH_LEVEL */
    ULONG PagedBytes;    /* (I) */
    PVOID Slots[2][MI_FRONT_SIZES][MI_FRONT_SLOTS]; /* (A) by base type and size */
    PVOID Pages[MI_FRONT_SLOTS];                    /* (A) nonpaged big blocks of one page */
} MI_POOL_FRONT, *PMI_POOL_FRONT;

extern MI_POOL_FRONT MiPoolFront;

/* The slots behind the first.  => As the two calls below. */
PVOID FASTCALL MiTakeFromOtherSlots(PVOID *Slots);
BOOLEAN FASTCALL MiGiveToOtherSlots(PVOID *Slots, PVOID Block);

/* => Returns the address of a block's data, now the caller's; NULL: none waits. */
static inline PVOID MiTakeFromSlots(PVOID *Slots)
{
    PVOID Block = __atomic_exchange_n(&Slots[0], NULL, __ATOMIC_ACQUIRE);

    return __builtin_expect(Block != NULL, 1) ? Block : MiTakeFromOtherSlots(Slots);
}

/* => Returns FALSE when all slots are full. */
static inline BOOLEAN MiGiveToSlots(PVOID *Slots, PVOID Block)
{
    PVOID Empty = NULL;

    return __builtin_expect(__atomic_compare_exchange_n(&Slots[0], &Empty, Block, FALSE,
                                                        __ATOMIC_RELEASE, __ATOMIC_RELAXED),
                            1) ||
           MiGiveToOtherSlots(Slots, Block);
}

/* => Size is a size's number, below MI_FRONT_SIZES. */
static inline PVOID MiTakeFromFrontEnd(POOL_TYPE BaseType, ULONG Size)
{
    return MiTakeFromSlots(MiPoolFront.Slots[BaseType][Size]);
}

static inline BOOLEAN MiGiveToFrontEnd(POOL_TYPE BaseType, ULONG Size, PVOID Block)
{
    return MiGiveToSlots(MiPoolFront.Slots[BaseType][Size], Block);
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

/* Give what waits there back to the pools.  => BaseType's IRQL.  Returns the number of blocks. */
ULONG MiFlushPoolFrontEnd(POOL_TYPE BaseType);

/* Small blocks that wait, and their units. */
ULONG MiCountFrontEnd(POOL_TYPE BaseType, PULONG Units);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * view_index.h - from an offset in a file to its slot.
 *
 * A slot's number is its offset / VACB_MAPPING_GRANULARITY.  A slot that was never made is empty:
 * no view, nothing dirty.
 */
#ifndef MM_CC_VIEW_INDEX_H
#define MM_CC_VIEW_INDEX_H

#include "mm/cc/cache_map.h"

/* => Numbers that an index of so many levels reaches; at most 2^49. */
ULONG64 CciIndexSlots(ULONG Levels);

/*
 * Make the index reach Slots numbers.  => STATUS_INSUFFICIENT_RESOURCES: as before.  It never
 * becomes smaller.
 */
NT_MUST_CHECK NTSTATUS CciGrowIndex(PSHARED_CACHE_MAP Map, ULONG64 Slots) NT_HOLDS(CcMasterLock);

/* => NULL: empty. */
PCC_SLOT CciFindSlot(PSHARED_CACHE_MAP Map, ULONG64 Number) NT_HOLDS(CcMasterLock);

/*
 * The slot, made if need be.  It is to be used at once, or CciSlotChanged called.
 *
 * => Number is within reach.  NULL: no pool.
 */
PCC_SLOT CciMakeSlot(PSHARED_CACHE_MAP Map, ULONG64 Number) NT_HOLDS(CcMasterLock);

/* The slot's contents changed.  => An empty one may be gone now. */
void CciSlotChanged(PSHARED_CACHE_MAP Map, ULONG64 Number) NT_HOLDS(CcMasterLock);

/* The first slot from *Number on with Bit.  => FALSE: there is none. */
BOOLEAN CciNextSlot(PSHARED_CACHE_MAP Map, CC_INDEX_BIT Bit, PULONG64 Number)
    NT_HOLDS(CcMasterLock);

/* Free the index.  => No slot is used. */
void CciDeleteIndex(PSHARED_CACHE_MAP Map) NT_HOLDS(CcMasterLock);

/* Check I1 to I4 of view_index.c. */
void CciVerifyIndex(PSHARED_CACHE_MAP Map) NT_HOLDS(CcMasterLock);

#endif

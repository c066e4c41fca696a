/* SPDX-License-Identifier: MIT */
/*
 * cc_verify.h - is everything true that mm/cc says of itself?
 */
#ifndef MM_CC_CC_VERIFY_H
#define MM_CC_CC_VERIFY_H

#include "mm/cc/cache_map.h"

/*
 * Check the invariants of vacb.c, view_index.c, cache_map.c and bcb.c; a violation stops the
 * machine.
 *
 * => IRQL <= DISPATCH_LEVEL, without the lock.
 */
void CciVerifyCache(void) NT_NOT_HOLDING(CcMasterLock);

#endif

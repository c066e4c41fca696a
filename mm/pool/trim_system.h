/* SPDX-License-Identifier: MIT */
/*
 * trim_system.h - taking all pageable system memory away, on request or before each raise of IRQL.
 */
#ifndef MM_POOL_TRIM_SYSTEM_H
#define MM_POOL_TRIM_SYSTEM_H

#include "nt/types.h"

/* Bit of VerifyDriverLevel in system.reg, as documented: force IRQL checking. */
#define MI_VERIFY_FORCE_IRQL 0x2u

typedef struct _MI_FORCED_TRIMS {
    ULONG Raises;     /* of IRQL to DISPATCH_LEVEL or above, since it was switched on */
    ULONG Trims;      /* ... that came after a trim */
    ULONG Busy;       /* ... within a trim, under the mutex, or while an MDL waits for pages */
    ULONG Interrupts; /* ... with interrupts off: nothing can be trimmed there */
    ULONG Pages;      /* that were taken away */
} MI_FORCED_TRIMS, *PMI_FORCED_TRIMS;

extern MI_FORCED_TRIMS MiForcedTrims; /* for reading */

/*
 * From now on trim all pageable system memory whenever IRQL is about to rise to DISPATCH_LEVEL or
 * above, as taking a spin lock does: whoever touches such memory there is found (bug check 0x0A),
 * however recently it was touched.  FALSE: no more.
 *
 * => PASSIVE_LEVEL, after MmInitSystem's steps.
 */
void MiSetForcedTrims(BOOLEAN On);

#endif

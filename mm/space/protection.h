/* SPDX-License-Identifier: MIT */
/*
 * protection.h - PAGE_* and the five bits of protection that descriptors and PTEs keep.
 *
 * The code is an access (0-7, the names of MiProtectionName), 8 for not cached, 16 for a guard
 * page, both for write-combined.  The access 0 is none at all, and then the other bits say:
 *
 *     24   committed, no access
 *     16   decommitted: in a descriptor whose other pages are committed (MemCommit)
 */
#ifndef MM_SPACE_PROTECTION_H
#define MM_SPACE_PROTECTION_H

#include "nt/types.h"

#define MM_ACCESS_MASK   7u
#define MM_WRITE_BIT     4u /* of the access: ReadWrite, WriteCopy and the executable ones */
#define MM_NOCACHE       8u
#define MM_GUARD_PAGE    16u
#define MM_WRITECOMBINE  24u
#define MM_NOACCESS      24u
#define MM_DECOMMIT      16u
#define MI_CACHE_MASK    24u
#define MI_NO_PROTECTION 0xFFu /* no code: the page is not committed */

/* => MI_NO_PROTECTION: Protect makes no sense. */
ULONG MiMakeProtection(ULONG Protect);

/* PAGE_* of a code.  => Not MM_DECOMMIT. */
ULONG MiProtectOf(ULONG Protection);

/* A guard page proper: access, the guard bit, and not write-combined. */
static inline BOOLEAN MiIsGuard(ULONG Protection)
{
    return (Protection & MI_CACHE_MASK) == MM_GUARD_PAGE && (Protection & MM_ACCESS_MASK) != 0;
}

/* Pages that no PTE makes valid: any access to them is a fault. */
static inline BOOLEAN MiIsInaccessible(ULONG Protection)
{
    return (Protection & MM_ACCESS_MASK) == 0 || MiIsGuard(Protection);
}

/* Writes succeed; to a copy-on-write page, once it was copied. */
static inline BOOLEAN MiIsWritable(ULONG Protection)
{
    return (Protection & MM_WRITE_BIT) != 0;
}

/* Of a page that is shared: who writes to it gets a copy. */
static inline BOOLEAN MiIsCopyOnWrite(ULONG Protection)
{
    return (Protection & 5u) == 5u;
}

/* => Whether who was granted one protection may have the other: all that it allows, and no more. */
BOOLEAN MiIsProtectionCompatible(ULONG Granted, ULONG Wanted);

/* What such a page has when it is a private one. */
static inline ULONG MiPrivateProtection(ULONG Protection)
{
    return MiIsCopyOnWrite(Protection) ? Protection - 1 : Protection;
}

#endif

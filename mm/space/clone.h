/* SPDX-License-Identifier: MIT */
/*
 * clone.h - an address space that is a copy of another one.
 */
#ifndef MM_SPACE_CLONE_H
#define MM_SPACE_CLONE_H

#include "mm/space/process.h"

/*
 * Give Child what Parent has: reservations, protections, commitment, limits, contents.  Pages with
 * contents are shared by both until one of them writes.  Child's working set stays empty.
 *
 * => PASSIVE_LEVEL.  Child's user half is empty, and nobody else can find it.
 * => STATUS_PROCESS_IS_TERMINATING: Parent was ended.  STATUS_PAGEFILE_QUOTA,
 *    STATUS_QUOTA_EXCEEDED, STATUS_COMMITMENT_LIMIT, STATUS_WORKING_SET_QUOTA,
 *    STATUS_INSUFFICIENT_RESOURCES, STATUS_NO_MEMORY.  Then Child's user half is empty again, and
 *    Parent as it was.
 */
NT_MUST_CHECK NTSTATUS MmCloneProcessAddressSpace(PEPROCESS Parent, PEPROCESS Child);

#endif

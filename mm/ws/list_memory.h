/* SPDX-License-Identifier: MIT */
/*
 * list_memory.h - what the files of mm/ws share and nobody else needs.
 */
#ifndef MM_WS_LIST_MEMORY_H
#define MM_WS_LIST_MEMORY_H

#include "mm/ws/wsle.h"

/* Put a zeroed frame under Va, a page of a list.  => STATUS_NO_MEMORY: nothing changed. */
NT_MUST_CHECK NTSTATUS MiMakeListPage(PMMSUPPORT WorkingSet, PVOID Va);

/*
 * Take up to Pages pages out of the working set for one that comes.  No page table: whoever
 * reserves has looked at some, or has made them for a range.
 *
 * => Returns how many left.
 */
ULONG MiTrimPages(PMMSUPPORT WorkingSet, ULONG Pages);

/* Count MiFailWsleReservation down.  => Whether this reservation is to fail. */
NT_MUST_CHECK BOOLEAN MiInjectWsleFailure(void);

/* Check W4 of wsle_hash.c; Hashed entries were counted. */
void MiVerifyWsleHash(const MMWSL *List, ULONG Hashed);

#endif

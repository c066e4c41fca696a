/* SPDX-License-Identifier: MIT */
/*
 * commit.h - promises: nothing is promised that cannot be backed.
 *
 * Commitment counts pages that must have a place in RAM or a paging file one day; the limit is both
 * together.  Resident available counts frames that nobody may insist on: what would be available
 * if every process were trimmed to its minimum.  Neither names particular frames.
 *
 * Any IRQL, any locks: the counters are atomic.
 */
#ifndef MM_PFN_COMMIT_H
#define MM_PFN_COMMIT_H

#include "nt/types.h"

typedef struct _MI_COMMIT {
    ULONG Committed;         /* (A) pages */
    ULONG Limit;             /* (A) Committed <= Limit, always */
    ULONG Peak;              /* (A) the highest Committed so far */
    ULONG Refused;           /* (A) charges that were refused */
    ULONG ResidentAvailable; /* (A) pages */
} MI_COMMIT, *PMI_COMMIT;

extern MI_COMMIT MiCommit; /* for reading; written by the calls below */

/* Frames that cannot be promised to anyone: the paging path must always find some to go on. */
#define MI_FLUID_PAGES 32

/* => Pages of RAM are there and nothing is promised. */
void MiInitializeCommit(ULONG Pages);

/* => Returns FALSE, and charges nothing, when the limit would be passed. */
NT_MUST_CHECK BOOLEAN MiChargeCommitment(ULONG Pages);

/* => Pages were charged. */
void MiReturnCommitment(ULONG Pages);

/* Memory was added, or a paging file created or extended. */
void MiRaiseCommitLimit(ULONG Pages);

/* What backed Pages is gone.  => Returns how many less are promised now; the rest was charged. */
NT_MUST_CHECK ULONG MiLowerCommitLimit(ULONG Pages);

/* => Returns FALSE, and charges nothing, when fewer than Pages are left. */
NT_MUST_CHECK BOOLEAN MiChargeResidentAvailable(ULONG Pages);

/* => Pages were charged, or are new. */
void MiReturnResidentAvailable(ULONG Pages);

#endif

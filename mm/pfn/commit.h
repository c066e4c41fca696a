/* SPDX-License-Identifier: MIT */
/*
 * commit.h - promises: nothing is promised that cannot be backed.
 *
 * Commitment counts pages that must have a place in RAM or a paging file one day; the limit is both
 * together.  Paging files that can become longer make a second limit, which the first one may rise
 * to: commit_growth.h.  Resident available counts frames that nobody may insist on: what would be
 * available if every process were trimmed to its minimum.  Neither names particular frames.
 *
 * Any IRQL, any locks: the counters are atomic.
 */
#ifndef MM_PFN_COMMIT_H
#define MM_PFN_COMMIT_H

#include "nt/types.h"

typedef struct _MI_COMMIT {
    ULONG Committed;         /* (A) pages */
    ULONG Limit;             /* (A) Committed <= Limit, always: NT's MmTotalCommitLimit */
    ULONG MaximumLimit;      /* (A) what it may become: NT's MmTotalCommitLimitMaximum */
    ULONG Reserve;           /* (A) of a Limit that may rise: for the thread that raises it */
    ULONG Peak;              /* (A) the highest Committed so far */
    ULONG Refused;           /* (A) charges that were refused */
    ULONG Wanted;            /* (A) the largest of them that MaximumLimit allows; commit_growth.c */
    ULONG Rises;             /* (A) times that there came to be more to charge */
    ULONG ResidentAvailable; /* (A) pages */
} MI_COMMIT, *PMI_COMMIT;

extern MI_COMMIT MiCommit; /* for reading; written by the calls below */

/* Frames that cannot be promised to anyone: the paging path must always find some to go on. */
#define MI_FLUID_PAGES 32

/*
 * What a paging file's growth takes: pages of checksums for as much as it grows at once (16), lists
 * of its pieces on the disk (40), requests.
 */
#define MI_COMMIT_RESERVE 96

/* => Pages of RAM are there and nothing is promised. */
void MiInitializeCommit(ULONG Pages);

/* => Returns FALSE, and charges nothing, when the limit would be passed. */
NT_MUST_CHECK BOOLEAN MiChargeCommitment(ULONG Pages);

/* => Pages were charged. */
void MiReturnCommitment(ULONG Pages);

/* Memory was added, or a paging file created: both limits rise. */
void MiRaiseCommitLimit(ULONG Pages);

/* Paging files can become longer by so many slots more, or less than was thought. */
void MiRaiseCommitMaximum(ULONG Pages);
void MiLowerCommitMaximum(ULONG Pages);

/* One has become longer: Limit rises.  => It is one of those that MiRaiseCommitMaximum meant. */
void MiGrowCommitLimit(ULONG Pages);

/* Thread may charge the reserve; NULL: nobody.  => ke.h's PKTHREAD. */
void MiSetCommitGrower(const void *Thread);

/* What is kept of a Limit that may rise: MI_COMMIT_RESERVE, or 0 when it is of no use. */
void MiSetCommitReserve(ULONG Pages);

/*
 * What backed Pages is gone: both limits fall.
 *
 * => Returns how many less are promised now; the rest was charged.
 */
NT_MUST_CHECK ULONG MiLowerCommitLimit(ULONG Pages);

/* => Returns FALSE, and charges nothing, when fewer than Pages are left. */
NT_MUST_CHECK BOOLEAN MiChargeResidentAvailable(ULONG Pages);

/* => Pages were charged, or are new. */
void MiReturnResidentAvailable(ULONG Pages);

#endif

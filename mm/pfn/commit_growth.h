/* SPDX-License-Identifier: MIT */
/*
 * commit_growth.h - charges that wait for the commit limit to rise, and who raises it.
 *
 * A charge is refused at once.  Who may wait asks for a higher limit then, and charges again:
 *
 *     do {
 *         Rises = MiQueryCommitRises();
 *         Charged = ... MiChargeCommitment(Pages) ..., under locks; refused: Limit =
 *                   MiLimitFor(Pages), before anything is given back
 *     } while (!Charged && MiWaitForCommitment(Limit, Rises));      without any lock
 *
 * Those who wait, and those who could not (MiCommit.Wanted), are served in rounds by one thread.
 */
#ifndef MM_PFN_COMMIT_GROWTH_H
#define MM_PFN_COMMIT_GROWTH_H

#include "ke.h"
#include "mm/pfn/commit.h"

/* => Once a machine.  Nobody raises the limit yet. */
void MiInitializeCommitGrowth(void);

/* ---- who was refused ---- */

static inline ULONG MiQueryCommitRises(void)
{
    return __atomic_load_n(&MiCommit.Rises, __ATOMIC_ACQUIRE);
}

/* => The limit that a charge of Pages would need now. */
static inline ULONG MiLimitFor(ULONG Pages)
{
    return __atomic_load_n(&MiCommit.Committed, __ATOMIC_RELAXED) + Pages;
}

/*
 * A charge that needs Limit was refused after Rises was read: have the limit raised, and wait.
 *
 * => No lock is held, no working set's mutex above all; waits at IRQL <= APC_LEVEL.  Not the thread
 *    that raises it.
 * => Returns whether there came to be more to charge: another try is worth it.  FALSE: no paging
 *    file can become long enough.
 */
BOOLEAN MiWaitForCommitment(ULONG Limit, ULONG Rises);

/*
 * MiChargeCommitment, again and again until no higher limit can be had.
 *
 * => As MiWaitForCommitment.  FALSE: nothing was charged.
 */
NT_MUST_CHECK BOOLEAN MiChargeCommitmentPatiently(ULONG Pages);

/*
 * Have the limit raised ahead of time, or for those who could not wait, if need be: more than nine
 * tenths of it are committed, as documented.
 *
 * => IRQL <= DISPATCH_LEVEL.  Called each second.
 */
void MiCheckCommitment(void);

/* => Whether so much is more than nine tenths of Limit. */
static inline BOOLEAN MiIsCommitmentTight(ULONG Committed, ULONG Limit)
{
    return 10 * (ULONG64)Committed > 9 * (ULONG64)Limit;
}

/* ---- the one thread that raises it: mm/paging/extend.c ---- */

/* Whom a round serves. */
typedef struct _MI_COMMIT_ROUND {
    LIST_ENTRY Waiters;
    ULONG Limit; /* the largest that they need */
    ULONG Pages; /* the largest charge that was refused since the last round; 0: none was */
} MI_COMMIT_ROUND, *PMI_COMMIT_ROUND;

/* From now on threads may wait.  => The event that says when a round is due. */
PKEVENT MiOpenCommitGrowth(void);

/* Nobody waits any more.  => No round is under way. */
void MiCloseCommitGrowth(void);

/* => The running thread may charge the reserve until the round's end. */
void MiBeginCommitRound(PMI_COMMIT_ROUND Round);

/* => Done: what was wanted is there.  Otherwise nothing is kept in reserve until it is again. */
void MiEndCommitRound(PMI_COMMIT_ROUND Round, BOOLEAN Done);

/* Something else needs a round.  => IRQL <= DISPATCH_LEVEL.  Not after one that failed. */
void MiRequestCommitRound(void);

#endif

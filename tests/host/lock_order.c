/* SPDX-License-Identifier: MIT */
/*
 * lock_order.c - the order in which spin locks are taken, learned and held to (figure R13).
 *
 * Whoever takes lock B while it holds A says that A comes before B.  Should anybody, in the same
 * test, ever take them the other way round, two processors could wait for each other for ever: the
 * test fails at that moment, whether or not they would have met.  Orders that follow from others
 * (A before B before C) count too.
 *
 * A lock is known by its address; the machine's power-on forgets all of them.
 */
#include "tests/host/machine_i.h"

#include "spinlock.h"
#include "tests/unit/test.h"

#include <string.h>

#define LOCKS 64u /* more than that in one test: the rest is not watched */
#define HELD  16u

static PKSPIN_LOCK Locks[LOCKS];
static ULONG LockCount;
static BOOLEAN Before[LOCKS][LOCKS]; /* [a][b]: a was held when b was taken; transitively closed */
static ULONG Held[HELD];             /* numbers of the locks that are taken, oldest first */
static ULONG HeldCount;
static ULONG Taken;

void HostpLockOrderReset(void)
{
    LockCount = 0;
    HeldCount = 0;
    memset(Before, 0, sizeof(Before));
}

void HostpForgetHeldLocks(void)
{
    HeldCount = 0;
}

ULONG HostLocksTaken(void)
{
    return Taken;
}

/* => LOCKS: there is no room to watch it. */
static ULONG NumberOf(PKSPIN_LOCK Lock)
{
    ULONG i;

    for (i = 0; i < LockCount; i++) {
        if (Locks[i] == Lock) {
            return i;
        }
    }
    if (LockCount == LOCKS) {
        return LOCKS;
    }
    Locks[LockCount] = Lock;
    return LockCount++;
}

/* A before B: then all that are before A are before all that are behind B. */
static void Learn(ULONG A, ULONG B)
{
    ULONG i;
    ULONG j;

    for (i = 0; i < LockCount; i++) {
        for (j = 0; j < LockCount; j++) {
            Before[i][j] |= (i == A || Before[i][A]) && (j == B || Before[B][j]);
        }
    }
}

BOOLEAN HostIsLockOrderBroken(const ULONG_PTR *First, const ULONG_PTR *Second)
{
    ULONG A = NumberOf((PKSPIN_LOCK)First);
    ULONG B = NumberOf((PKSPIN_LOCK)Second);

    return A < LOCKS && B < LOCKS && Before[B][A];
}

void KiNoteLockTaken(PKSPIN_LOCK Lock)
{
    ULONG Number = NumberOf(Lock);
    ULONG i;

    Taken++;
    if (Number == LOCKS) {
        return;
    }
    for (i = 0; i < HeldCount; i++) {
        if (Before[Number][Held[i]]) {
            TestFail(__FILE__, __LINE__, "lock %p was taken under %p, and once the other way round",
                     (void *)Lock, (void *)Locks[Held[i]]);
        }
        if (!Before[Held[i]][Number]) {
            Learn(Held[i], Number);
        }
    }
    if (HeldCount < HELD) {
        Held[HeldCount++] = Number;
    }
}

void KiNoteLockGiven(PKSPIN_LOCK Lock)
{
    ULONG i;

    for (i = HeldCount; i-- > 0;) {
        if (Locks[Held[i]] == Lock) {
            memmove(&Held[i], &Held[i + 1], (HeldCount - i - 1) * sizeof(Held[0]));
            HeldCount--;
            return;
        }
    }
}

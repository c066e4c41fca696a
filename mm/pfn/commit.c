/* SPDX-License-Identifier: MIT */
/*
 * commit.c - charging promises against what can back them.
 *
 * Each charge is one atomic step from a value that allows it to the value after it, so that two
 * processors cannot both take the last page.
 *
 * Invariants:
 *   C1  Committed <= Limit, and Committed <= Peak
 */
#include "mm/pfn/commit.h"

#include "mi_assert.h"

MI_COMMIT MiCommit;

void MiInitializeCommit(ULONG Pages)
{
    MiCommit.Committed = 0;
    MiCommit.Limit = Pages;
    MiCommit.Peak = 0;
    MiCommit.Refused = 0;
    MiCommit.ResidentAvailable = Pages > MI_FLUID_PAGES ? Pages - MI_FLUID_PAGES : 0;
}

static ULONG MipRead(const ULONG *Counter)
{
    return __atomic_load_n(Counter, __ATOMIC_RELAXED);
}

/* => Returns FALSE when *Counter is no longer *Old, which is then its new value. */
static BOOLEAN MipReplace(PULONG Counter, PULONG Old, ULONG New)
{
    return __atomic_compare_exchange_n(Counter, Old, New, FALSE, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

static BOOLEAN MipRefuse(void)
{
    __atomic_add_fetch(&MiCommit.Refused, 1, __ATOMIC_RELAXED);
    return FALSE;
}

BOOLEAN MiChargeCommitment(ULONG Pages)
{
    ULONG Old = MipRead(&MiCommit.Committed);
    ULONG Peak = MipRead(&MiCommit.Peak);

    do {
        ULONG Limit = MipRead(&MiCommit.Limit);

        if (Limit < Old || Pages > Limit - Old) { /* below it only while it is lowered */
            return MipRefuse();
        }
    } while (!MipReplace(&MiCommit.Committed, &Old, Old + Pages));
    while (Peak < Old + Pages && !MipReplace(&MiCommit.Peak, &Peak, Old + Pages)) {
        continue;
    }
    return TRUE;
}

void MiReturnCommitment(ULONG Pages)
{
    ULONG Old = __atomic_fetch_sub(&MiCommit.Committed, Pages, __ATOMIC_ACQ_REL);

    MI_ASSERT(Old >= Pages);
}

void MiRaiseCommitLimit(ULONG Pages)
{
    ULONG New = __atomic_add_fetch(&MiCommit.Limit, Pages, __ATOMIC_ACQ_REL);

    MI_ASSERT(New >= Pages);
}

/* Charge what is to go: nobody else can take it then.  C1 fails for the moment in between. */
ULONG MiLowerCommitLimit(ULONG Pages)
{
    ULONG Old = MipRead(&MiCommit.Committed);
    ULONG Room;

    do {
        ULONG Limit = MipRead(&MiCommit.Limit);

        Room = Limit > Old ? Limit - Old : 0;
        Room = Room < Pages ? Room : Pages;
    } while (!MipReplace(&MiCommit.Committed, &Old, Old + Room));
    __atomic_fetch_sub(&MiCommit.Limit, Room, __ATOMIC_ACQ_REL);
    MiReturnCommitment(Room);
    return Room;
}

BOOLEAN MiChargeResidentAvailable(ULONG Pages)
{
    ULONG Old = MipRead(&MiCommit.ResidentAvailable);

    do {
        if (Pages > Old) {
            return MipRefuse();
        }
    } while (!MipReplace(&MiCommit.ResidentAvailable, &Old, Old - Pages));
    return TRUE;
}

void MiReturnResidentAvailable(ULONG Pages)
{
    ULONG New = __atomic_add_fetch(&MiCommit.ResidentAvailable, Pages, __ATOMIC_ACQ_REL);

    MI_ASSERT(New >= Pages);
}

/* SPDX-License-Identifier: MIT */
/*
 * commit.c - charging promises against what can back them.
 *
 * Each charge is one atomic step from a value that allows it to the value after it, so that two
 * processors cannot both take the last page.
 *
 * Invariants:
 *   C1  Committed <= Limit, and Committed <= Peak
 *   C2  Limit <= MaximumLimit
 */
#include "mm/pfn/commit.h"

#include "ke.h"
#include "mi_assert.h"

MI_COMMIT MiCommit;
static const void *MipGrower; /* (A) may charge the reserve */

void MiInitializeCommit(ULONG Pages)
{
    MiCommit = (MI_COMMIT){
        .Limit = Pages,
        .MaximumLimit = Pages,
        .ResidentAvailable = Pages > MI_FLUID_PAGES ? Pages - MI_FLUID_PAGES : 0,
    };
    MipGrower = NULL;
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

/* *Counter becomes Least, unless it is more. */
static void MipRaiseTo(PULONG Counter, ULONG Least)
{
    ULONG Old = MipRead(Counter);

    while (Old < Least && !MipReplace(Counter, &Old, Least)) {
        continue;
    }
}

/* => Limit less what is kept of it from the running thread. */
static ULONG MipLimit(void)
{
    ULONG Limit = MipRead(&MiCommit.Limit);
    ULONG Reserve = MipRead(&MiCommit.Reserve);

    if (Reserve == 0 || Limit >= MipRead(&MiCommit.MaximumLimit) ||
        __atomic_load_n(&MipGrower, __ATOMIC_RELAXED) == KeGetCurrentThread()) {
        return Limit;
    }
    return Limit > Reserve ? Limit - Reserve : 0;
}

static BOOLEAN MipRefuse(void)
{
    __atomic_add_fetch(&MiCommit.Refused, 1, __ATOMIC_RELAXED);
    return FALSE;
}

static BOOLEAN MipRefuseCharge(ULONG Pages, ULONG Committed)
{
    ULONG Maximum = MipRead(&MiCommit.MaximumLimit);

    if (Committed <= Maximum && Pages <= Maximum - Committed) {
        MipRaiseTo(&MiCommit.Wanted, Pages);
    }
    return MipRefuse();
}

BOOLEAN MiChargeCommitment(ULONG Pages)
{
    ULONG Old = MipRead(&MiCommit.Committed);

    do {
        ULONG Limit = MipLimit();

        if (Limit < Old || Pages > Limit - Old) { /* below it also while it is lowered */
            return MipRefuseCharge(Pages, Old);
        }
    } while (!MipReplace(&MiCommit.Committed, &Old, Old + Pages));
    MipRaiseTo(&MiCommit.Peak, Old + Pages);
    return TRUE;
}

void MiReturnCommitment(ULONG Pages)
{
    ULONG Old = __atomic_fetch_sub(&MiCommit.Committed, Pages, __ATOMIC_ACQ_REL);

    MI_ASSERT(Old >= Pages);
}

void MiRaiseCommitLimit(ULONG Pages)
{
    MiRaiseCommitMaximum(Pages);
    MiGrowCommitLimit(Pages);
}

void MiRaiseCommitMaximum(ULONG Pages)
{
    ULONG New = __atomic_add_fetch(&MiCommit.MaximumLimit, Pages, __ATOMIC_ACQ_REL);

    MI_ASSERT(New >= Pages);
}

void MiLowerCommitMaximum(ULONG Pages)
{
    ULONG Old = __atomic_fetch_sub(&MiCommit.MaximumLimit, Pages, __ATOMIC_ACQ_REL);

    MI_ASSERT(Old >= Pages && Old - Pages >= MipRead(&MiCommit.Limit)); /* C2 */
}

void MiGrowCommitLimit(ULONG Pages)
{
    ULONG New = __atomic_add_fetch(&MiCommit.Limit, Pages, __ATOMIC_ACQ_REL);

    MI_ASSERT(New >= Pages && New <= MipRead(&MiCommit.MaximumLimit)); /* C2 */
    __atomic_add_fetch(&MiCommit.Rises, 1, __ATOMIC_ACQ_REL);
}

void MiSetCommitGrower(const void *Thread)
{
    __atomic_store_n(&MipGrower, Thread, __ATOMIC_RELAXED);
}

void MiSetCommitReserve(ULONG Pages)
{
    ULONG Old = __atomic_exchange_n(&MiCommit.Reserve, Pages, __ATOMIC_ACQ_REL);

    if (Pages < Old) {
        __atomic_add_fetch(&MiCommit.Rises, 1, __ATOMIC_ACQ_REL);
    }
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
    MiLowerCommitMaximum(Room);
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

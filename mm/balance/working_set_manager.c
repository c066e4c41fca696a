/* SPDX-License-Identifier: MIT */
/*
 * working_set_manager.c - one round over all working sets: age, trim, have modified pages written.
 *
 * Each working set is taken off its owner's hands (expansion.h), attached to, and locked if nobody
 * has the mutex; else it is passed by.  A round makes up to MI_TRIM_PASSES passes, and stops in the
 * middle of one when enough has left.  After a round in which pages were wanted ages are refreshed
 * faster, so that the next one can tell pages apart again.
 *
 * Locking: a working set's mutex, one at a time.  Takes no memory, touches nothing pageable.
 */
#include "mm/balance/balance_set.h"

#include "mm/fault/fault.h"
#include "mm/paging/modified_writer.h"
#include "mm/pfn/pfn_database.h"
#include "mm/pfn/pfn_list.h"
#include "mm/section/mapped_writer.h"
#include "mm/session/session.h"
#include "mm/space/process.h"
#include "mm/ws/wsle.h"

MI_BALANCE_COUNTERS MiBalanceCounters;

void MiQueryMemoryFigures(PMI_MEMORY_FIGURES Memory)
{
    KIRQL OldIrql = MiLockPfn();
    ULONG i;

    *Memory = (MI_MEMORY_FIGURES){
        .PhysicalPages = MiPhysicalPages,
        .AvailablePages = MiAvailablePages,
        .FreePages = MiPageCounts[ZeroedPageList] + MiPageCounts[FreePageList],
        .ModifiedPages = MiModifiedList.Total,
        .MappedPages = MiMappedModifiedList.Total,
        .PagingFiles = MmNumberOfPagingFiles,
        .Waiters = MiMemoryWaiters,
    };
    for (i = 0; i < MmNumberOfPagingFiles; i++) {
        const MMPAGING_FILE *File = MmPagingFile[i];

        Memory->FreeSlots += File->FreeSpace + MiGrowthRoom(File);
    }
    MiUnlockPfn(OldIrql);
}

/* ---- one working set ---- */

/* Attached to, locked. */
typedef struct _MIP_VISIT {
    PMMSUPPORT Set;
    KAPC_STATE ApcState;
} MIP_VISIT;

/* Where its pages are seen. */
static PKPROCESS MipProcessOf(PMMSUPPORT Set)
{
    return Set->SessionSpace ? CONTAINING_RECORD(Set, MI_SESSION, Vm)->Space.Leader
                             : &CONTAINING_RECORD(Set, EPROCESS, Vm)->Pcb;
}

/* => FALSE: somebody has the mutex, and nothing is to be left. */
static BOOLEAN MipEnter(MIP_VISIT *Visit, PMMSUPPORT Set) NT_NO_LOCK_ANALYSIS
{
    Visit->Set = Set;
    if (!Set->SystemSpace) {
        KeStackAttachProcess(MipProcessOf(Set), &Visit->ApcState);
    }
    if (ExTryToAcquireFastMutex(Set->Mutex)) {
        return TRUE;
    }
    MiBalanceCounters.Busy++;
    if (!Set->SystemSpace) {
        KeUnstackDetachProcess(&Visit->ApcState);
    }
    return FALSE;
}

static void MipLeave(MIP_VISIT *Visit) NT_NO_LOCK_ANALYSIS
{
    ExReleaseFastMutex(Visit->Set->Mutex);
    if (!Visit->Set->SystemSpace) {
        KeUnstackDetachProcess(&Visit->ApcState);
    }
}

/* ---- ageing ---- */

static void MipAge(PMMSUPPORT Set, BOOLEAN Short)
{
    ULONG Entries = MiEntriesToAge(Set->WorkingSetSize, Short);
    ULONG Unused = MiAgeWorkingSet(Set, Entries);

    Set->EstimatedAvailable =
        MiNextEstimate(Set->EstimatedAvailable, Entries, Unused, Set->WorkingSetSize);
    Set->Claim = MiClaim(Set);
    Set->GrowthSinceLastEstimate = 0;
    MiBalanceCounters.Aged += Entries;
}

static ULONG MipHasPages(const MMSUPPORT *Set, PVOID Context)
{
    (void)Context;
    return Set->WorkingSetSize != 0 ? 0 : MI_NOT_NOW;
}

static void MipAgeAll(BOOLEAN Short)
{
    ULONG Pass = MiBeginExpansionPass();
    PMMSUPPORT Set;

    while ((Set = MiTakeWorkingSet(Pass, MipHasPages, NULL)) != NULL) {
        MIP_VISIT Visit;

        if (MipEnter(&Visit, Set)) {
            MipAge(Set, Short);
            MipLeave(&Visit);
        }
        MiReleaseWorkingSet(Set);
    }
}

/* ---- trimming ---- */

static ULONG MipRank(const MMSUPPORT *Set, PVOID Context)
{
    return MiTrimRank(Set, *(const ULONG *)Context);
}

/* => Returns how many pages left. */
static ULONG MipTrim(PMMSUPPORT Set, ULONG Pass, ULONG Wanted)
{
    ULONG Share = MiTrimShare(Set, Pass, Wanted);
    ULONG Left = MiTrimWorkingSet(Set, Share, MiAgeOfPass(Pass));

    Set->EstimatedAvailable -= Left < Set->EstimatedAvailable ? Left : Set->EstimatedAvailable;
    Set->Claim = MiClaim(Set);
    Set->LastTrimTime = KeQueryInterruptTime();
    MiBalanceCounters.Trimmed += Left;
    return Left;
}

/* => Returns how many pages left in all.  *Busy: somebody was passed by. */
static ULONG MipTrimPass(ULONG Pass, ULONG Wanted, PBOOLEAN Busy)
{
    ULONG Number = MiBeginExpansionPass();
    ULONG Left = 0;
    PMMSUPPORT Set;

    MiBalanceCounters.Passes++;
    MiBalanceCounters.LastPasses += Pass == MI_LAST_PASS;
    while (Left < Wanted && (Set = MiTakeWorkingSet(Number, MipRank, &Pass)) != NULL) {
        MIP_VISIT Visit;

        if (MipEnter(&Visit, Set)) {
            Left += MipTrim(Set, Pass, Wanted - Left);
            MipLeave(&Visit);
        } else {
            *Busy = TRUE;
        }
        MiReleaseWorkingSet(Set);
    }
    return Left;
}

/* => As MmWorkingSetManager. */
static BOOLEAN MipTrimAll(ULONG Wanted)
{
    BOOLEAN Busy = FALSE;
    ULONG Left = 0;
    ULONG Pass;

    for (Pass = 0; Pass < MI_TRIM_PASSES && Left < Wanted; Pass++) {
        Left += MipTrimPass(Pass, Wanted - Left, &Busy);
    }
    return Busy && Left < Wanted;
}

/* ---- the round ---- */

static void MipWakeWriter(void)
{
    MI_MEMORY_FIGURES Memory;

    MiQueryMemoryFigures(&Memory);
    if (MiShouldWrite(&Memory)) {
        MiBalanceCounters.Writes++;
        MiWakeModifiedWriter();
    }
    if (MiShouldWriteMapped(&Memory)) {
        MiBalanceCounters.MappedWrites++;
        MiWakeMappedWriter();
    }
}

BOOLEAN MmWorkingSetManager(BOOLEAN Second)
{
    ULONG LastPasses = MiBalanceCounters.LastPasses;
    MI_MEMORY_FIGURES Memory;
    BOOLEAN Again = FALSE;
    ULONG Wanted;

    if (Second) {
        MipAgeAll(FALSE);
    }
    MiQueryMemoryFigures(&Memory);
    Wanted = MiPagesWanted(&Memory);
    if (Wanted != 0) {
        MiBalanceCounters.Trims++;
        Again = MipTrimAll(Wanted);
    }
    MipWakeWriter();
    if (MiBalanceCounters.LastPasses != LastPasses) {
        MipAgeAll(TRUE); /* no page was old: find out which are not accessed until next time */
    }
    return Again;
}

/* ---- memory priority ---- */

NTSTATUS MmSetMemoryPriorityProcess(PEPROCESS Process, ULONG Priority)
{
    if (Priority >= MI_PRIORITIES) {
        return STATUS_INVALID_PARAMETER;
    }
    MiLockAddressSpace(Process);
    Process->Vm.MemoryPriority = (UCHAR)Priority;
    MiUnlockAddressSpace(Process);
    return STATUS_SUCCESS;
}

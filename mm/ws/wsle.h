/* SPDX-License-Identifier: MIT */
/*
 * wsle.h - the entries of a working-set list: one for each valid page of its owner.
 *
 * Everything here runs under the working set's mutex, in its address space.  IRQL <= APC_LEVEL for
 * what may need memory, <= DISPATCH_LEVEL for the rest: MiPfnLock may be held.
 *
 *     prepare   MiReserveWsle, which may fail
 *     commit    the frame gets its share, the PTE becomes valid, MiInsertWsle
 *     undo      MiRemoveWsle, the PTE stops being valid, the frame loses its share
 *     replace   MiReplaceWsle: the page gets another frame
 *
 * An entry is found in a few instructions: the frame names it (Direct), or, when the frame has
 * other owners too, the hash table does (wsle_hash.c).
 */
#ifndef MM_WS_WSLE_H
#define MM_WS_WSLE_H

#include "mi_assert.h"
#include "mm/sysva/session_space.h"
#include "mm/ws/working_set.h"

/*
 * Error injection (tests): the call that counts it down to 0 finds no entry and no memory for one.
 * 0: off.  Each MiReserveWsle, MiReserveSharedWsle and MiReserveTableWsle counts once.
 */
extern ULONG MiFailWsleReservation;

/* ---- the list ---- */

/* Where the entries and the hash table of a list have their addresses. */
typedef struct _MI_LIST_PLACES {
    ULONG_PTR Entries;
    ULONG_PTR EntriesEnd;
    ULONG_PTR Hash;
    ULONG_PTR HashEnd;
} MI_LIST_PLACES;

extern const MI_LIST_PLACES MiProcessListPlaces;

/*
 * Make an empty list, whose first page of entries is there.
 *
 * => List and FirstPage may be mapped elsewhere for now.  List is zero.
 */
void MiInitializeWorkingSetList(PMMWSL List, PMMWSLE FirstPage, const MI_LIST_PLACES *Places);

#define MI_NO_MAXIMUM 0xFFFFFFFFu

/* An empty working set without limits.  => WorkingSet is zero. */
void MiInitializeWorkingSet(PMMSUPPORT WorkingSet, PMMWSL List, PFAST_MUTEX Mutex,
                            MI_TRIM_PAGE *TrimPage);

/* Free all that the list has grown by.  => It has no entries, and gets none any more. */
void MiFreeWorkingSetList(PMMSUPPORT WorkingSet);

/*
 * Check W1 to W4 of wsle.c and wsle_hash.c.  Wrong: bug check 0x1A, 41284 (P2 the entry's address,
 * P3 its contents, P4 its index) or an assertion.
 */
void MiVerifyWorkingSet(const MMSUPPORT *WorkingSet);

/* ---- reserving ---- */

NT_MUST_CHECK NTSTATUS MiReserveWsleSlowly(PMMSUPPORT WorkingSet);

/*
 * See to it that the next MiInsertWsle finds a free entry.  Where there is no memory for one, a
 * page of the working set goes instead; so it does at the maximum, unless memory is ample and the
 * maximum not hard.  No page table goes: the caller may have looked at one.
 *
 * => MiPfnLock is not held.
 * => STATUS_NO_MEMORY: nothing changed.
 */
static inline NT_MUST_CHECK NTSTATUS MiReserveWsle(PMMSUPPORT WorkingSet)
{
    if (WorkingSet->VmWorkingSetList->FirstFree != MI_NO_WSLE &&
        WorkingSet->WorkingSetSize < WorkingSet->MaximumWorkingSetSize &&
        MiFailWsleReservation == 0) {
        return STATUS_SUCCESS;
    }
    return MiReserveWsleSlowly(WorkingSet);
}

NT_MUST_CHECK NTSTATUS MiReserveSharedWsleSlowly(PMMSUPPORT WorkingSet);

/* => Whether the hash table has all the entries that it may have: three quarters of its places. */
static inline BOOLEAN MiIsWsleHashFull(const MMWSL *List)
{
    return List->NonDirectCount >= List->HashTableSize / 4 * 3;
}

/* The same for a page whose frame may have other shares: it may need a place in the hash table. */
static inline NT_MUST_CHECK NTSTATUS MiReserveSharedWsle(PMMSUPPORT WorkingSet)
{
    const MMWSL *List = WorkingSet->VmWorkingSetList;

    if (List->FirstFree != MI_NO_WSLE &&
        WorkingSet->WorkingSetSize < WorkingSet->MaximumWorkingSetSize &&
        MiFailWsleReservation == 0 && !MiIsWsleHashFull(List)) {
        return STATUS_SUCCESS;
    }
    return MiReserveSharedWsleSlowly(WorkingSet);
}

/* => How many more such pages, up to Most, would find room at once: nothing is made for them. */
ULONG MiCountSpareWsles(const MMSUPPORT *WorkingSet, ULONG Most);

/*
 * The same for a page table.  It may pass the maximum: a service has all page tables of a range at
 * once.  The next page that comes sees to the maximum again, as far as pages can.
 */
NT_MUST_CHECK NTSTATUS MiReserveTableWsle(PMMSUPPORT WorkingSet);

/*
 * A page table and one of its pages are to come: what the maximum has no room for goes, page tables
 * as well.
 *
 * => The caller has looked at nothing so far.
 */
void MiMakeRoomForTable(PMMSUPPORT WorkingSet);

/* ---- finding ---- */

ULONG MiFindHashedWsle(const MMWSL *List, ULONG_PTR Va);

/*
 * => The index of Va's entry; MI_NO_WSLE: it has none.  Frame is what Va's PTE maps.
 *
 * What the frame names is right when it has Va's number: no working set has two entries of a page.
 */
static inline ULONG MiFindWsle(const MMSUPPORT *WorkingSet, ULONG_PTR Va, PFN_NUMBER Frame)
{
    const MMWSL *List = WorkingSet->VmWorkingSetList;
    ULONG Index = MI_PFN(Frame)->u1.WsIndex;

    if (Index <= List->LastEntry && ((List->Wsle[Index].Long ^ ((ULONG)Va | MI_WSLE_VALID)) &
                                     (MI_WSLE_VPN | MI_WSLE_VALID)) == 0) {
        return Index;
    }
    return MiFindHashedWsle(List, Va);
}

/* ---- inserting and removing ---- */

/* What the owner keeps in an entry, for pages whose frames have no room for it: five bits. */
#define MI_WSLE_PROTECTION_SHIFT 3
#define MI_WSLE_PROTECTION       0x0F8u

void MiHashWsle(PMMWSL List, ULONG Index);
void MiUnhashWsle(PMMWSL List, ULONG Index);
NT_NORETURN void MiBadWsle(const MMWSL *List, ULONG Index);

/*
 * The entry of a page that has become valid.  MiCountNewWsles follows, once for all pages that come
 * together, before the mutex is released.
 *
 * => As MiInsertProtectedWsle.
 */
static inline void MiTakeWsle(PMMWSL List, ULONG_PTR Va, PFN_NUMBER Frame, ULONG Protection)
{
    ULONG Index = List->FirstFree;
    PMMWSLE Entry;

    if (Index > List->LastInitializedWsle || (List->Wsle[Index].Long & MI_WSLE_VALID) != 0) {
        MiBadWsle(List, Index);
    }
    Entry = List->Wsle + Index;
    List->FirstFree = Entry->Long >> MI_WSLE_NEXT_SHIFT;
    Entry->Long = ((ULONG)Va & MI_WSLE_VPN) | MI_WSLE_VALID | MI_WSLE_DIRECT |
                  Protection << MI_WSLE_PROTECTION_SHIFT;
    if (MI_PFN(Frame)->u2.ShareCount == 1) {
        MI_PFN(Frame)->u1.WsIndex = Index;
    } else {
        MiHashWsle(List, Index);
    }
    if (List->LastEntry < Index) {
        List->LastEntry = Index;
    }
}

static inline void MiCountNewWsles(PMMSUPPORT WorkingSet, ULONG Count)
{
    WorkingSet->GrowthSinceLastEstimate += Count;
    WorkingSet->WorkingSetSize += Count;
    if (WorkingSet->PeakWorkingSetSize < WorkingSet->WorkingSetSize) {
        WorkingSet->PeakWorkingSetSize = WorkingSet->WorkingSetSize;
    }
}

/*
 * A page has become valid: it is part of the working set from now on.
 *
 * => After MiReserveWsle, or MiReserveSharedWsle where the frame may have other shares.
 * => Protection: MiSetWsleProtection; 0: none.
 */
static inline void MiInsertProtectedWsle(PMMSUPPORT WorkingSet, ULONG_PTR Va, PFN_NUMBER Frame,
                                         ULONG Protection)
{
    MiTakeWsle(WorkingSet->VmWorkingSetList, Va, Frame, Protection);
    MiCountNewWsles(WorkingSet, 1);
}

static inline void MiInsertWsle(PMMSUPPORT WorkingSet, ULONG_PTR Va, PFN_NUMBER Frame)
{
    MiInsertProtectedWsle(WorkingSet, Va, Frame, 0);
}

/* A page is about to stop being valid.  => Its frame still has the share; its locks are undone. */
static inline void MiRemoveWsle(PMMSUPPORT WorkingSet, ULONG_PTR Va, PFN_NUMBER Frame)
{
    PMMWSL List = WorkingSet->VmWorkingSetList;
    ULONG Index = MiFindWsle(WorkingSet, Va, Frame);
    PMMWSLE Entry;

    if (Index == MI_NO_WSLE) {
        MiBadWsle(List, Index);
    }
    Entry = List->Wsle + Index;
    if ((Entry->Long & (MI_WSLE_HASHED | MI_WSLE_LOCKED)) != 0) {
        WorkingSet->LockedPages -= (Entry->Long & MI_WSLE_LOCKED) != 0;
        if ((Entry->Long & MI_WSLE_HASHED) != 0) {
            MiUnhashWsle(List, Index);
        }
    }
    Entry->Long = List->FirstFree << MI_WSLE_NEXT_SHIFT;
    List->FirstFree = Index;
    if (Index == List->LastEntry && Index != 0) {
        List->LastEntry--;
    }
    WorkingSet->WorkingSetSize--;
}

/*
 * Va's page, which had Old, has New from now on, and was accessed; locks are undone.
 *
 * => New has one share, which is Va's.
 */
static inline void MiReplaceWsle(PMMSUPPORT WorkingSet, ULONG_PTR Va, PFN_NUMBER Old,
                                 PFN_NUMBER New)
{
    PMMWSL List = WorkingSet->VmWorkingSetList;
    ULONG Index = MiFindWsle(WorkingSet, Va, Old);
    PMMWSLE Entry;

    if (Index == MI_NO_WSLE) {
        MiBadWsle(List, Index);
    }
    Entry = List->Wsle + Index;
    WorkingSet->LockedPages -= (Entry->Long & MI_WSLE_LOCKED) != 0;
    if ((Entry->Long & MI_WSLE_HASHED) != 0) {
        MiUnhashWsle(List, Index);
    }
    Entry->Long = ((ULONG)Va & MI_WSLE_VPN) | MI_WSLE_VALID | MI_WSLE_DIRECT;
    MI_PFN(New)->u1.WsIndex = Index;
}

/* ---- protection ---- */

/* => Va is in the working set, with Frame. */
void MiSetWsleProtection(PMMSUPPORT WorkingSet, ULONG_PTR Va, PFN_NUMBER Frame, ULONG Protection);
ULONG MiQueryWsleProtection(const MMSUPPORT *WorkingSet, ULONG_PTR Va, PFN_NUMBER Frame);

/* ---- locking ---- */

#define MI_LOCK_IN_WORKING_SET 2u /* LockedInWs: MAP_PROCESS */
#define MI_LOCK_IN_MEMORY      4u /* LockedInMemory: MAP_SYSTEM */

/*
 * A page stays until it is unlocked, or removed.
 *
 * => Va is in the working set, with Frame.  Locks: one or both of the above.
 * => Returns whether the entry had a lock before (lock), has one now (unlock).
 */
BOOLEAN MiLockWsle(PMMSUPPORT WorkingSet, ULONG_PTR Va, PFN_NUMBER Frame, ULONG Locks);
BOOLEAN MiUnlockWsle(PMMSUPPORT WorkingSet, ULONG_PTR Va, PFN_NUMBER Frame, ULONG Locks);

/* => The locks of the page; 0: none, or not in the working set. */
ULONG MiQueryWsleLocks(const MMSUPPORT *WorkingSet, ULONG_PTR Va, PFN_NUMBER Frame);

/* ---- ageing and trimming: trim.c ---- */

/*
 * Take up to Pages pages out of the working set, from where the last trim stopped on; each entry is
 * looked at once.  Pages that are locked, of an Age below LeastAge, or, unless that is 0, accessed
 * since the last scan, stay.
 *
 * => Returns how many left.
 */
ULONG MiTrimWorkingSet(PMMSUPPORT WorkingSet, ULONG Pages, ULONG LeastAge);

/*
 * Look at the next Entries entries, from where the last scan stopped on, each once at most: a page
 * accessed since its last scan has age 0 from now on, the others are one scan older.
 *
 * => Returns how many of the pages seen had not been accessed.
 */
ULONG MiAgeWorkingSet(PMMSUPPORT WorkingSet, ULONG Entries);

/* ---- the system's: system_working_set.c ---- */

/* Paged pool, pageable code, and views of sections in the system half: the system cache's too. */
extern MMSUPPORT MiSystemCacheWorkingSet;
extern FAST_MUTEX MiSystemWorkingSetMutex;

/* Whose pages those at Va, in the system half, are.  => In session space a session runs. */
static inline PMMSUPPORT MiSystemWorkingSetOf(ULONG_PTR Va)
{
    return MiIsSessionVa(Va) ? MiCurrentSession()->WorkingSet : &MiSystemCacheWorkingSet;
}

#define MI_SYSTEM_WORKING_SET_LIST_VA 0xC0C00000u
#define MI_SYSTEM_WSLE_START          0xC0C01000u
#define MI_SYSTEM_WSLE_END            0xC0F00000u
#define MI_SYSTEM_WSLE_HASH_START     0xC0F00000u
#define MI_SYSTEM_WSLE_HASH_END       0xC1000000u

/*
 * Make the system's working set, empty.  Who owns its pages sets TrimPage.
 *
 * => Once a machine, after hyperspace.  STATUS_NO_MEMORY, STATUS_INSUFFICIENT_RESOURCES.
 */
NT_MUST_CHECK NTSTATUS MiInitializeSystemWorkingSet(void);

/* MiVerifyWorkingSet for it.  => IRQL <= APC_LEVEL. */
void MiVerifySystemWorkingSet(void);

#endif

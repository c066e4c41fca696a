/* SPDX-License-Identifier: MIT */
/*
 * user_page.h - one page of a user half: its states, and every legal change between them.
 *
 * Everything here runs under the process' AddressCreationLock, attached to the process, with the
 * page's table there.
 */
#ifndef MM_SPACE_USER_PAGE_H
#define MM_SPACE_USER_PAGE_H

#include "mi_assert.h"
#include "mm/pfn/pfn.h"
#include "mm/space/page_table.h"
#include "mm/space/vad.h"
#include "mm/space/view_page.h"
#include "mm/sysva/pte_kind.h"

/* => A page's protection; MI_NO_PROTECTION: it is not committed.  Its table is not out. */
ULONG MiQueryPageProtection(const MMVAD *Vad, ULONG_PTR Va);

/* The same of a PTE that is not zero, and not MiIsViewPte. */
static inline ULONG MiUserPteProtection(MMPTE Pte)
{
    if (Pte.Hard.Valid) {
        Pte = MI_PFN(Pte.Hard.PageFrameNumber)->OriginalPte; /* U1 */
    } else if (Pte.Hard.Prototype) {
        return MiCloneProtection(Pte);
    }
    return MiSoftwareProtection(Pte);
}

/* MiQueryPageProtection for who has Va's PTE already; zero: there is none. */
static inline ULONG MiPageProtection(const MMVAD *Vad, ULONG_PTR Va, MMPTE Pte)
{
    ULONG Protection;

    if (MiIsView(Vad)) {
        return Pte.Long == 0 && MiIsPlainView(Vad) ? Vad->u.VadFlags.Protection
                                                   : MiViewPageProtection(Vad, Va, Pte);
    }
    if (Pte.Long == 0) {
        return Vad->u.VadFlags.MemCommit ? Vad->u.VadFlags.Protection : MI_NO_PROTECTION;
    }
    Protection = MiUserPteProtection(Pte);
    return Protection == MM_DECOMMIT ? MI_NO_PROTECTION : Protection;
}

/* A valid PTE with the rights of Protection, which allows some access. */
static inline MMPTE MiMakeUserPagePte(PFN_NUMBER Frame, ULONG Protection)
{
    MI_CACHE_ATTRIBUTE Attribute = MiCached;

    MI_ASSERT(!MiIsInaccessible(Protection)); /* U2 */
    if ((Protection & MI_CACHE_MASK) != 0) {
        Attribute = (Protection & MI_CACHE_MASK) == MM_NOCACHE ? MiNonCached : MiWriteCombined;
    }
    return MiMakeUserPte(Frame, MiIsWritable(Protection), Attribute);
}

/*
 * Put the frame, which is the caller's and has the contents, under a committed page without one.
 *
 * => After MiReserveWsle.
 */
void MiInsertUserPage(PEPROCESS Process, PMMPTE Pte, ULONG Protection, PFN_NUMBER Frame);

/*
 * Make a page in transition valid again.
 *
 * => STATUS_SUCCESS also when it lost its frame meanwhile: the access will fault again.
 * => STATUS_RETRY: it is being read.  STATUS_INSUFFICIENT_RESOURCES: its frame is referenced too
 *    often.  STATUS_NO_MEMORY: the working set has no room.
 */
NT_MUST_CHECK NTSTATUS MiRestoreUserPage(PEPROCESS Process, PMMPTE Pte);

/* Whatever the page is, and its contents: gone.  New: zero, or MM_DECOMMIT. */
void MiDeleteUserPage(PEPROCESS Process, PMMVAD Vad, PMMPTE Pte, MMPTE New);

/* The TrimPage of a process' working set. */
MI_TRIM_PAGE MiTrimUserPage;

/*
 * Give a committed page another protection; its contents stay.  Copy-on-write is for pages of views
 * that are shared: one of the process' own becomes writable.
 */
void MiProtectUserPage(PEPROCESS Process, PMMVAD Vad, PMMPTE Pte, ULONG Protection);

/*
 * Its contents do not matter any more: it need not be written anywhere.  Nothing happens to a page
 * that others share.  => Committed.
 */
void MiResetUserPage(PMMVAD Vad, PMMPTE Pte);

/* Forget that it was written, but keep what was: the frame is modified. */
void MiCleanUserPage(PMMVAD Vad, PMMPTE Pte);

/*
 * A valid page is locked by NtLockVirtualMemory, and the reverse.
 *
 * => Locks: MI_LOCK_* (mm/ws/wsle.h).  Lock: for a page without one so far a page of resident
 *    available was charged; who undoes its last lock returns that.
 */
void MiLockUserPage(PEPROCESS Process, PMMPTE Pte, ULONG Locks);
void MiUnlockUserPage(PEPROCESS Process, PMMPTE Pte, ULONG Locks);

/* => The locks of a page; 0: none, or it is not valid.  Its table may be out. */
ULONG MiQueryUserPageLocks(PEPROCESS Process, ULONG_PTR Va);

/* For shared_page.c: Dirty goes from a PTE, which forgets it, to where it is kept (U3). */
void MiCaptureDirty(PMMVAD Vad, PMMPTE Pte, MMPTE Old) NT_HOLDS(MiPfnLock);

/* Of a page in transition, whose PTE is gone: off its list, free unless I/O has a reference. */
void MiDeleteTransitionFrame(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock);

/* Tie the restoring of PTEs (mm/pfn) to the page tables.  => Once a machine. */
void MiInitializeUserPages(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * mm_session.h - sessions: groups of processes that share a part of the system half, with paged
 * pool and views of its own.
 *
 * A process belongs to a session for good: that of its creator's process, or the one that
 * PsCreateSessionProcess names; a clone to its parent's.  Who attaches to a process sees its
 * session's contents; a process without a session has nothing there.
 */
#ifndef MM_SESSION_H
#define MM_SESSION_H

#include "nt/annotations.h"
#include "nt/status.h"
#include "nt/types.h"
#include "ps.h"

#define MM_NO_SESSION 0xFFFFFFFFu

/*
 * Make a session; the lowest number that is free is its SessionId.
 *
 * => PASSIVE_LEVEL.  STATUS_NO_MEMORY, STATUS_INSUFFICIENT_RESOURCES: nothing changed.
 */
NT_MUST_CHECK NTSTATUS MmSessionCreate(PULONG SessionId);

/*
 * The session takes no new processes from outside, and ends when its last process is deleted.  At
 * its end nothing may be left in it:
 *
 *     bug check 0xBA  P1 the session, P2 views that are mapped, P3 and P4 the table of views and
 *                     its bytes
 *     bug check 0xAB  P1 the session, P2 bytes of paged pool that are allocated, P3 of nonpaged
 *                     pool (0: that is not the session's), P4 allocations: of paged pool in the
 *                     lower half, of nonpaged pool in the upper
 *
 * => PASSIVE_LEVEL; the thread runs in no process of the session.
 * => STATUS_INVALID_PARAMETER: there is no such session, or it was deleted before.
 */
NT_MUST_CHECK NTSTATUS MmSessionDelete(ULONG SessionId);

/* PsCreateProcessEx for a process of that session.  => STATUS_INVALID_PARAMETER: as above. */
NT_MUST_CHECK NTSTATUS PsCreateSessionProcess(const char *Name, ULONG Flags, ULONG SessionId,
                                              PEPROCESS *Process);

/* => Any IRQL.  MM_NO_SESSION: none. */
ULONG NTAPI PsGetProcessSessionId(PEPROCESS Process);

/*
 * MmMapViewInSystemSpace and MmUnmapViewInSystemSpace (mm_section.h) for the session that runs,
 * which alone sees the view; there are SessionViewSize MB of system.reg for all of them.
 *
 * => As there.  STATUS_NOT_MAPPED_VIEW: no session runs.
 */
NT_MUST_CHECK NTSTATUS NTAPI MmMapViewInSessionSpace(PVOID Section, PVOID *MappedBase,
                                                     PSIZE_T ViewSize);
NT_MUST_CHECK NTSTATUS NTAPI MmUnmapViewInSessionSpace(PVOID MappedBase);

/*
 * Take all pageable memory of the session out of its working set, as MmTrimAllSystemPageableMemory
 * does for the system.
 *
 * => IRQL <= APC_LEVEL.  STATUS_INVALID_PARAMETER: as above.  STATUS_UNSUCCESSFUL: the working set
 *    is in use.
 */
NT_MUST_CHECK NTSTATUS MmTrimSessionMemory(ULONG SessionId);

#endif

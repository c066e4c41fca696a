/* SPDX-License-Identifier: MIT */
/*
 * session.h - a session, and all that it has.
 *
 * Letters: (L) MiSessionMutex, (I) fixed while it is in the list; those of the parts are theirs.
 */
#ifndef MM_SESSION_SESSION_H
#define MM_SESSION_SESSION_H

#include "mm/pool/session_pool.h"
#include "mm/section/system_view.h"
#include "mm/space/process.h"
#include "mm/sysva/session_space.h"
#include "mm/ws/wsle.h"
#include "mm_session.h"

/* A page of nonpaged pool, which the session sees at the start of its structures, too. */
typedef struct _MI_SESSION {
    MM_SESSION_SPACE Space; /* must be first */
    LIST_ENTRY Links;       /* (L) */
    BOOLEAN Deleted;        /* (L) MmSessionDelete was called */
    MMSUPPORT Vm;
    FAST_MUTEX WorkingSetMutex;
    MI_VIEW_SPACE Views;
    MI_SYSTEM_VIEW_COUNTERS ViewCounters;
} MI_SESSION, *PMI_SESSION;

NT_C_ASSERT(sizeof(MI_SESSION) <= PAGE_SIZE);

typedef struct _MI_SESSION_COUNTERS {
    ULONG Created; /* (L) */
    ULONG Ended;   /* (L) */
} MI_SESSION_COUNTERS;

extern LIST_ENTRY MiSessions; /* (L) by SessionId */
extern FAST_MUTEX MiSessionMutex;
extern MI_SESSION_COUNTERS MiSessionCounters;

/* There are no sessions.  => Once a machine, after MiInitializeProcesses. */
void MiInitializeSessions(void);

static inline PMI_SESSION MiSessionOf(PMM_SESSION_SPACE Space)
{
    return CONTAINING_RECORD(Space, MI_SESSION, Space);
}

/* => (L).  NULL: there is none. */
PMI_SESSION MiFindSession(ULONG SessionId);

/* ---- session_memory.c ---- */

/*
 * MM_SESSION_SPACE's second place and the working-set list, and their end.
 *
 * => The leader's address space runs.  On failure page tables may have been made.
 */
NT_MUST_CHECK NTSTATUS MiCreateSessionStructures(PMI_SESSION Session);
void MiDeleteSessionStructures(PMI_SESSION Session);

MI_COMMIT_PAGES MiCommitSessionPool;
MI_DECOMMIT_PAGES MiDecommitSessionPool;

/* ---- session_verify.c ---- */

/* Each session: Z1, Z2, its working set, pool, views and charges.  => IRQL <= APC_LEVEL. */
void MiVerifySessions(void);

/* What sessions are charged for, beside what their leaders' processes are. */
ULONG MiCountSessionCharges(void);

#endif

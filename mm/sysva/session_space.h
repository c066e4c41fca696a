/* SPDX-License-Identifier: MIT */
/*
 * session_space.h - the part of the system half that each session has for itself, and its page
 * tables.
 *
 *     MiRegionSession   paged pool         SessionPoolBytes
 *                       views              SessionViewBytes
 *                       MM_SESSION_SPACE   4 MB: this page, then the session's working-set list
 *                       images             the rest; no image is loaded there yet
 *
 * The directory entries of that region are the session's in every process that belongs to it, and
 * zero in all others.  A process gets them when it is made; those of page tables that come later
 * when it first touches them (MiFillSessionTable).
 *
 * What a session is made of, how it begins and ends is mm/session's; here stands what the layers
 * below need: they find their own part by the process that runs.
 *
 * Letters: (P) MiPfnLock, (S) the session's working-set mutex, (A) atomic, (I) fixed.
 */
#ifndef MM_SYSVA_SESSION_SPACE_H
#define MM_SYSVA_SESSION_SPACE_H

#include "arch/mmu.h"
#include "mm/ke/process.h"
#include "mm/pfn/pfn.h"
#include "mm/sysva/layout.h"
#include "nt/status.h"

#define MI_SESSION_TABLES           8u        /* the region has 32 MB */
#define MI_SESSION_STRUCTURES_BYTES 0x400000u /* MM_SESSION_SPACE and the working-set list */

typedef struct _MM_SESSION_SPACE MM_SESSION_SPACE, *PMM_SESSION_SPACE;

/* The session has lost its last reference.  => PASSIVE_LEVEL. */
typedef void MI_END_SESSION(PMM_SESSION_SPACE Session);

struct _MM_SESSION_SPACE {
    ULONG SessionId;                        /* (I) */
    volatile ULONG ReferenceCount;          /* (A) MmSessionCreate's, and each process' */
    PMM_SESSION_SPACE GlobalVirtualAddress; /* (I) where every process sees this */
    MI_END_SESSION *End;                    /* (I) */
    PKPROCESS Leader;                       /* (I) a process that has no threads of its own */
    PFN_NUMBER Directory;                   /* (I) its page directory: the tables' own table */
    MMPTE PageTables[MI_SESSION_TABLES];    /* (P) the directory entries; zero: no table */
    ULONG CommittedPages;                   /* (A) pages of paged pool, touched or not */
    ULONG NonPageablePages;                 /* (A) page tables, the list and its first entries */
    ULONG ResidentPool;                     /* (S) pages of paged pool that are valid */
    ULONG PeakResidentPool;                 /* (S) */
    struct _MMSUPPORT *WorkingSet;          /* (I) */
    struct _MI_SESSION_POOL *Pool;          /* (I) */
    struct _MI_VIEW_SPACE *Views;           /* (I) */
};

/* A page table was put into a directory that did not have it yet. */
extern ULONG MiSessionTablesFilled; /* (A) */

typedef enum _MI_SESSION_PART {
    MiSessionPool,
    MiSessionViews,
    MiSessionStructures,
    MiSessionImages
} MI_SESSION_PART;

MI_RANGE MiSessionRange(MI_SESSION_PART Part);

static inline BOOLEAN MiIsSessionVa(ULONG_PTR Va)
{
    return Va - MiLayout.Region[MiRegionSession].Start < MiLayout.Region[MiRegionSession].Bytes;
}

static inline BOOLEAN MiIsInSessionPart(MI_SESSION_PART Part, ULONG_PTR Va)
{
    const MI_RANGE Range = MiSessionRange(Part);

    return Va - Range.Start < Range.Bytes;
}

/* Of the address space that the thread runs in.  => NULL: it belongs to no session. */
static inline PMM_SESSION_SPACE MiCurrentSession(void)
{
    PKPROCESS Process = KeGetCurrentProcess();

    return Process != NULL ? Process->Session : NULL;
}

/* => A directory entry's place in PageTables; MI_SESSION_TABLES and more: not the session's. */
static inline ULONG MiSessionTableIndex(ULONG DirectoryIndex)
{
    return DirectoryIndex - (ULONG)(MiLayout.Region[MiRegionSession].Start >> PDI_SHIFT);
}

/* => Pte is the directory entry of a page table of session space. */
BOOLEAN MiIsSessionPde(const MMPTE *Pte);

/*
 * A fault at Va, in session space or in the self-map where its PTEs are, is over if the session has
 * a page table there that the running directory lacks.
 *
 * => Any IRQL, any locks.  Returns whether there was one.
 */
BOOLEAN MiFillSessionTable(ULONG_PTR Va);

/* => FALSE: MiFillSessionTable need not be asked. */
static inline BOOLEAN MiMayLackSessionTable(ULONG_PTR Va)
{
    return MiIsSessionVa(Va) || Va - PTE_BASE <= PTE_TOP - PTE_BASE;
}

/* The same for all of the session's page tables.  => The thread runs in a session. */
void MiFillSessionTables(void);

/*
 * Make the page tables for [Start, Start + Bytes) that the session lacks, and enter all in the
 * running directory.
 *
 * => IRQL <= APC_LEVEL.  Session is that of the running address space.
 * => STATUS_NO_MEMORY, STATUS_INSUFFICIENT_RESOURCES: tables made so far stay until it ends.
 */
NT_MUST_CHECK NTSTATUS MiCreateSessionPageTables(PMM_SESSION_SPACE Session, ULONG_PTR Start,
                                                 ULONG Bytes) NT_NOT_HOLDING(MiPfnLock);

/* Delete all of them.  => Their PTEs are zero; the leader's address space runs, the last one. */
void MiDeleteSessionPageTables(PMM_SESSION_SPACE Session) NT_NOT_HOLDING(MiPfnLock);

/* ---- references ---- */

/* => FALSE: it is ending. */
NT_MUST_CHECK BOOLEAN MiTryReferenceSession(PMM_SESSION_SPACE Session);

/* => The caller has a reference, or Session is NULL. */
void MiReferenceSession(PMM_SESSION_SPACE Session);

/* => PASSIVE_LEVEL; the thread runs in no process of the session.  NULL: nothing. */
void MiDereferenceSession(PMM_SESSION_SPACE Session);

#endif

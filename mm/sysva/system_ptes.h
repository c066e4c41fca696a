/* SPDX-License-Identifier: MIT */
/*
 * system_ptes.h - reserving and releasing runs of system PTEs: addresses to map anything at.
 *
 * Who reserved a run writes valid PTEs into it (pte_make.h) and needs no flush for that.  Releasing
 * makes them invalid; the translations are flushed before the addresses are reserved again, many
 * runs at once.  In between, an access to a released address is a bug that may go unnoticed, as it
 * may on NT: whoever frees the *frames* under a mapping flushes the address itself first
 * (system_pages.h does).  MiFlushSystemPtesAtOnce turns the delay off.
 *
 * IRQL <= DISPATCH_LEVEL for all; nothing here waits.
 */
#ifndef MM_SYSVA_SYSTEM_PTES_H
#define MM_SYSVA_SYSTEM_PTES_H

#include "arch/mmu.h"
#include "nt/annotations.h"
#include "nt/status.h"
#include "rtl.h"
#include "spinlock.h"

extern KSPIN_LOCK MiSystemPteLock;

/*
 * Build page tables for [Start, Start + Pages * PAGE_SIZE) and hand the PTEs over.  The first few
 * map the bitmaps that describe all of them.
 *
 * => Start is 4 MB aligned; 64 <= Pages < MI_PTE_LIST_END.  After the frames can be allocated.
 * => STATUS_NO_MEMORY: nothing changed but page tables that may have been made.
 */
NT_MUST_CHECK NTSTATUS MiCreateSystemPtes(ULONG_PTR Start, ULONG Pages)
    NT_NOT_HOLDING(MiSystemPteLock);

/*
 * Reserve Count PTEs in a row.
 *
 * => Count is not 0: bug check 0xDA, 200.
 * => Returns the first; all are zero, and no translation for their addresses exists.  NULL: there
 *    is no such run.
 */
PMMPTE MiReserveSystemPtes(ULONG Count) NT_NOT_HOLDING(MiSystemPteLock);

/*
 * Give a run back whole.  Its PTEs may be valid or not; they become invalid.
 *
 * => Bug check 0xDA, P1 below, P2 First, P3 Count:
 *        300  Count is 0
 *        301  not system PTEs
 *        302  not reserved: released twice, or never reserved; P4 the first such PTE
 *        303  not exactly a run that was reserved; P4 the length reserved at First, or 0
 */
void MiReleaseSystemPtes(PMMPTE First, ULONG Count) NT_NOT_HOLDING(MiSystemPteLock);

/* => Returns the length of the reserved run that begins at First; 0: none does. */
ULONG MiSystemPteRunLength(PMMPTE First) NT_NOT_HOLDING(MiSystemPteLock);

/* Flush now what waits for it. */
void MiFlushSystemPtes(void) NT_NOT_HOLDING(MiSystemPteLock);

/* => Returns whether Va's page is free: a translation of it may be stale, and nobody cares. */
BOOLEAN MiIsFreeSystemVa(ULONG_PTR Va) NT_NOT_HOLDING(MiSystemPteLock);

/* Flush each run when it is released: a stale access faults at once.  For finding bugs. */
extern BOOLEAN MiFlushSystemPtesAtOnce;

/* Error injection: the reservation that counts it down to 0 fails.  0: off. */
extern ULONG MiFailSystemPteReservation;

/* How much of the PTEs a request must leave to others, as MM_PAGE_PRIORITY documents. */
NT_MUST_CHECK BOOLEAN MiSystemPtesAllow(ULONG Count, ULONG PagePriority);

/* ---- looking ---- */

/* => Returns whether Pte is among the system PTEs, in whatever state.  Any address. */
BOOLEAN MiIsSystemPte(const MMPTE *Pte);

#define MI_SYSTEM_PTE_CLASSES 6 /* runs of 1, 2, 4, 8, 9 and 23, as !sysptes lists them */

typedef struct _MI_SYSTEM_PTE_COUNTERS {
    ULONG Total;                         /* PTEs that can be reserved; Free + Reserved + Slack */
    ULONG Free;                          /* wherever they are, flushed or not */
    ULONG Reserved;                      /* as asked for */
    ULONG Slack;                         /* between what was asked for and its size class */
    ULONG LowestFree;                    /* since boot */
    ULONG Listed[MI_SYSTEM_PTE_CLASSES]; /* free runs on the fast lists */
    ULONG Reservations;                  /* since boot, as the next three */
    ULONG Releases;
    ULONG Refusals;
    ULONG Flushes; /* of the whole TLB */
} MI_SYSTEM_PTE_COUNTERS, *PMI_SYSTEM_PTE_COUNTERS;

void MiQuerySystemPtes(PMI_SYSTEM_PTE_COUNTERS Counters) NT_NOT_HOLDING(MiSystemPteLock);

/* Check S1 to S6 of system_ptes.c.  => Stops the machine when one does not hold. */
void MiVerifySystemPtes(void) NT_NOT_HOLDING(MiSystemPteLock);

/* !sysptes: totals and fast lists; with Runs each free run too. */
void MiDumpSystemPtes(RTL_PRINT_SINK *Sink, PVOID Context, BOOLEAN Runs)
    NT_NOT_HOLDING(MiSystemPteLock);

#endif

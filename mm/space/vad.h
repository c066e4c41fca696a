/* SPDX-License-Identifier: MIT */
/*
 * vad.h - virtual address descriptors: what each range of the user half was reserved for.
 *
 * Everything here runs under the process' AddressCreationLock, attached to the process.
 */
#ifndef MM_SPACE_VAD_H
#define MM_SPACE_VAD_H

#include "mm/space/process.h"
#include "mm/space/protection.h"

#define MI_VAD_TAG       0x53646156u /* 'VadS', as on NT */
#define MI_WATCH_TAG     0x57646156u /* 'VadW': the bits of a write watch */

#define MI_MAXIMUM_PAGES 0x7FFFFu /* that CommitCharge can count: more than lie between two ends */

/* The documented flags. */
typedef struct _MMVAD_FLAGS {
    ULONG CommitCharge : 19; /* pages that are committed */
    ULONG MemCommit : 1;     /* a page whose PTE is zero is committed, with Protection */
    ULONG PrivateMemory : 1; /* 1 */
    ULONG WriteWatch : 1;    /* WatchBits is there */
    ULONG Spare : 5;
    ULONG Protection : 5; /* as it was reserved: a code of protection.h */
} MMVAD_FLAGS;

typedef struct _MMVAD {
    RTL_BALANCED_NODE Node; /* must be first */
    ULONG StartingVpn;      /* its first page; a multiple of 16 */
    ULONG EndingVpn;        /* its last page */
    union {
        ULONG LongFlags;
        MMVAD_FLAGS VadFlags;
    } u;
    PULONG WatchBits; /* a bit for each page that was written; or NULL */
} MMVAD, *PMMVAD;

NT_C_ASSERT(sizeof(MMVAD_FLAGS) == sizeof(ULONG));

static inline ULONG MiVadPages(const MMVAD *Vad)
{
    return Vad->EndingVpn - Vad->StartingVpn + 1;
}

static inline ULONG_PTR MiVadStart(const MMVAD *Vad)
{
    return (ULONG_PTR)Vad->StartingVpn << PAGE_SHIFT;
}

static inline PMMVAD MiVadOf(PRTL_BALANCED_NODE Node)
{
    return (PMMVAD)(PVOID)Node;
}

/* Does [Start, End] touch KUSER_SHARED_DATA's 64 KB?  Nobody may have them. */
static inline BOOLEAN MiTouchesSharedData(ULONG_PTR Start, ULONG_PTR End)
{
    return Start < MM_SHARED_USER_DATA_VA + MM_ALLOCATION_GRANULARITY &&
           End >= MM_SHARED_USER_DATA_VA;
}

/* => The VAD that holds the page; NULL: none. */
PMMVAD MiFindVad(PEPROCESS Process, ULONG Vpn);

/* => The first VAD that ends at or behind the page; NULL: none. */
PMMVAD MiFindVadFrom(PEPROCESS Process, ULONG Vpn);

static inline PMMVAD MiNextVad(const MMVAD *Vad)
{
    return MiVadOf(RtlAvlNextNode(&Vad->Node));
}

static inline PMMVAD MiPreviousVad(const MMVAD *Vad)
{
    return MiVadOf(RtlAvlPreviousNode(&Vad->Node));
}

/*
 * Find Pages free pages from a multiple of 64 KB on, below End; the lowest ones, or the highest.
 *
 * => STATUS_NO_MEMORY: there are none.
 */
NT_MUST_CHECK NTSTATUS MiFindFreeRange(PEPROCESS Process, ULONG Pages, ULONG_PTR End,
                                       BOOLEAN TopDown, PULONG_PTR Va);

/*
 * Make a descriptor and charge for it and for the page tables that its pages may need.
 *
 * => The range is free.
 * => STATUS_INSUFFICIENT_RESOURCES, STATUS_QUOTA_EXCEEDED, STATUS_PAGEFILE_QUOTA,
 *    STATUS_COMMITMENT_LIMIT: nothing changed.
 */
NT_MUST_CHECK NTSTATUS MiCreateVad(PEPROCESS Process, ULONG_PTR Va, ULONG Pages, MMVAD_FLAGS Flags,
                                   PMMVAD *Vad);

/* The reverse.  => Its pages have no PTEs and no charge any more. */
void MiDeleteVad(PEPROCESS Process, PMMVAD Vad);

/* A page was written, and the PTE that knows so is about to forget it. */
static inline void MiNoteWrite(PMMVAD Vad, ULONG Vpn)
{
    ULONG Page = Vpn - Vad->StartingVpn;

    if (Vad->WatchBits != NULL) {
        Vad->WatchBits[Page / 32] |= 1u << Page % 32;
    }
}

#endif

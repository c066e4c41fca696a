/* SPDX-License-Identifier: MIT */
/*
 * mdl.h - what the public calls on MDLs (include/mm.h) are made of.
 */
#ifndef MM_SYSVA_MDL_H
#define MM_SYSVA_MDL_H

#include "mm.h"
#include "mm/pfn/pfn.h"
#include "mm/sysva/pte_make.h"
#include "nt/annotations.h"

/* Size is 16 bits: the documented limit of PAGE_SIZE * (65535 - sizeof(MDL)) / 4 bytes. */
#define MI_MAXIMUM_MDL_PAGES ((65535u - sizeof(MDL)) / sizeof(PFN_NUMBER))

/* 0x1A subcodes, documented. */
#define MI_MAPPING_UNLOCKED_PAGES 0x1233u
#define MI_MDL_NOT_RESIDENT       0x1240u
#define MI_FLAWED_MDL             0x61946u

/* The pages that an MDL describes. */
static inline ULONG MiMdlPages(const MDL *Mdl)
{
    return ADDRESS_AND_SIZE_TO_SPAN_PAGES(Mdl->ByteOffset, Mdl->ByteCount);
}

/* Stop the machine: 0x1A, 61946, P2 the MDL, P3 its flags. */
NT_NORETURN void MiFlawedMdl(const MDL *Mdl);

/* Stop the machine as an exception without a handler does: 0x1E, P1 Status, P2 Address. */
NT_NORETURN void MiRaiseUnhandled(NTSTATUS Status, PVOID Address);

/* MmProbeAndLockPages with a status instead of an exception. */
NT_MUST_CHECK NTSTATUS MiProbeAndLockPages(PMDL Mdl, KPROCESSOR_MODE AccessMode,
                                           LOCK_OPERATION Operation) NT_NOT_HOLDING(MiPfnLock);

/* (A) Pages that MmAllocatePagesForMdl gave out: charged, and no PTE owns them. */
extern ULONG MiAllocatedMdlPages;

/* Pages that MDLs lock now, and have locked at most; a page locked twice counts twice. */
extern ULONG MiLockedPages NT_GUARDED_BY(MiPfnLock);
extern ULONG MiPeakLockedPages NT_GUARDED_BY(MiPfnLock);

/*
 * Bring a page of the system half in that is not there, as a page fault would.
 *
 * => IRQL <= APC_LEVEL, no locks.  STATUS_SUCCESS: try again.
 */
typedef NTSTATUS MI_MAKE_RESIDENT(ULONG_PTR Va, BOOLEAN Write);

/*
 * (A) Threads that bring pages in for an MDL just now: what comes must not go before it is locked,
 * so nothing is trimmed for a raise of IRQL meanwhile.
 */
extern ULONG MiBringingPages;

/* Registered by the layer that resolves page faults; until then a page not there is not there. */
void MiSetMakeResidentRoutine(MI_MAKE_RESIDENT *Routine);

/*
 * MDLs lock so many pages of Process more (or less).  Implemented by the layer of processes,
 * mm/space; weak, so that this one links without it.
 *
 * => IRQL <= DISPATCH_LEVEL.
 */
NT_WEAK void MiCountLockedPages(struct _EPROCESS *Process, LONG Pages);

/*
 * Memory for MDLs: nonpaged pool, which implements these two.
 *
 * => IRQL <= DISPATCH_LEVEL.  NULL: none.
 */
PVOID MiAllocateMdlMemory(SIZE_T Bytes);
void MiFreeMdlMemory(PVOID Memory);

/*
 * What a mapping of Frame that is asked for with CacheType gets.
 *
 * => Returns MiCacheUnknown when CacheType is none that can be mapped.
 */
MI_CACHE_ATTRIBUTE MiResolveCacheType(PFN_NUMBER Frame, MEMORY_CACHING_TYPE CacheType);

/* => CacheType as an attribute; MiCacheUnknown: not one that can be mapped. */
MI_CACHE_ATTRIBUTE MiCacheAttributeOf(MEMORY_CACHING_TYPE CacheType);

/* Write valid PTEs for Count frames of an MDL at First.  => The PTEs are zero and the caller's. */
void MiMapMdlFrames(PMMPTE First, const PFN_NUMBER *Frames, ULONG Count,
                    MEMORY_CACHING_TYPE CacheType);

/*
 * Remember that Mdl is mapped at the PTEs from First on, and forget it.  Nonpaged pool is at home
 * where it was allocated: without another mapping, MappedSystemVa is that address again.
 *
 * => MiNoteMdlMapping returns the buffer's address.
 */
PVOID MiNoteMdlMapping(PMDL Mdl, PMMPTE First);
void MiForgetMdlMapping(PMDL Mdl);

/* End the mapping that a driver has left, if it has, before a transfer's MDL is used again. */
static inline void MiEndMdlMapping(PMDL Mdl)
{
    if (Mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) {
        MmUnmapLockedPages(Mdl->MappedSystemVa, Mdl);
    }
}

/* An MDL that may be mapped, else bug check 0x1A: 1233 or 61946. */
void MiCheckMappableMdl(const MDL *Mdl);

#endif

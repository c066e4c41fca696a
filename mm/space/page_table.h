/* SPDX-License-Identifier: MIT */
/*
 * page_table.h - the page tables of a user half: made when an entry is needed, deleted with the
 * last one.
 *
 * Everything here runs under the process' AddressCreationLock, attached to the process: the tables
 * are seen through the self-map.
 *
 * A table is paged as any other page: it may be out.  Whoever is to look at entries has the tables
 * brought in first (MiBringPageTables); they stay until the lock is released.
 */
#ifndef MM_SPACE_PAGE_TABLE_H
#define MM_SPACE_PAGE_TABLE_H

#include "arch/mmu.h"
#include "mm/pfn/pfn_reference.h"
#include "mm/space/process.h"
#include "mm/sysva/pte_make.h"

#define MI_USER_PAGE_TABLES ((ULONG)(MM_SYSTEM_RANGE_START / MM_LARGE_PAGE))

/* => Whether Pte is a directory entry of the user half. */
static inline BOOLEAN MiIsUserPde(const MMPTE *Pte)
{
    return Pte >= MiGetPdeAddress(0) && Pte < MiGetPdeAddress(MM_SYSTEM_RANGE_START);
}

/* Where Va's page table is seen. */
static inline ULONG_PTR MiTableVa(ULONG_PTR Va)
{
    return MiGetVaMappedByPte(MiGetPdeAddress(Va));
}

static inline ULONG MiTableIndex(ULONG_PTR Va)
{
    return (ULONG)(Va >> PDI_SHIFT);
}

/* => Whether Va has a page table, in memory or out. */
static inline BOOLEAN MiHasPageTable(ULONG_PTR Va)
{
    return MiReadPte(MiGetPdeAddress(Va)).Long != 0;
}

/* => Whether Va's entry can be read now. */
static inline BOOLEAN MiIsPageTableResident(ULONG_PTR Va)
{
    return MiReadPte(MiGetPdeAddress(Va)).Hard.Valid;
}

/* => Va's page table has entries, and they cannot be read. */
static inline BOOLEAN MiIsPageTableOut(ULONG_PTR Va)
{
    MMPTE Pde = MiReadPte(MiGetPdeAddress(Va));

    return !Pde.Hard.Valid && Pde.Long != 0;
}

static inline BOOLEAN MiIsPageTableCommitted(ULONG Table)
{
    return MmWorkingSetList->CommittedPageTables[Table / 32] >> Table % 32 & 1;
}

/*
 * Store an entry and count it.  Says nothing to the TLB.
 *
 * => Old is what is there.
 */
static inline void MiStoreUserPte(PMMPTE Pte, MMPTE Old, MMPTE New)
{
    ULONG Table = (ULONG)((ULONG_PTR)Pte - PTE_BASE) >> PAGE_SHIFT;

    MmWorkingSetList->UsedPageTableEntries[Table] =
        (USHORT)(MmWorkingSetList->UsedPageTableEntries[Table] + (New.Long != 0) - (Old.Long != 0));
    MiWritePte(Pte, New);
}

/* Count PTEs of Pte's table that were zero are not any more: for who stores them itself. */
static inline void MiCountUserPtes(const MMPTE *Pte, ULONG Count)
{
    ULONG Table = (ULONG)((ULONG_PTR)Pte - PTE_BASE) >> PAGE_SHIFT;

    MmWorkingSetList->UsedPageTableEntries[Table] =
        (USHORT)(MmWorkingSetList->UsedPageTableEntries[Table] + Count);
}

/*
 * Charge for the page tables of [Start, End] that no descriptor has had so far.
 *
 * => STATUS_PAGEFILE_QUOTA, STATUS_COMMITMENT_LIMIT: nothing changed.
 */
NT_MUST_CHECK NTSTATUS MiCommitPageTables(PEPROCESS Process, ULONG_PTR Start, ULONG_PTR End);

/* => None of them is there any more. */
void MiDecommitPageTables(PEPROCESS Process, ULONG First, ULONG Last);

/*
 * Make Va's page table, when there is none; bring it in, when it is out.
 *
 * => It is committed.  STATUS_NO_MEMORY: no frame.  May wait for a read, under the lock; bug check
 *    as MiBringPageTables.
 */
NT_MUST_CHECK NTSTATUS MiMakePageTable(PEPROCESS Process, ULONG_PTR Va);

/* The same for all of [Start, End].  => On failure nothing is left that was not there. */
NT_MUST_CHECK NTSTATUS MiMakePageTables(PEPROCESS Process, ULONG_PTR Start, ULONG_PTR End);

/* ---- tables come and go: page_table_paging.c ---- */

/*
 * A trim meets the page table at Table, an address in the self-map.
 *
 * => FALSE: it has valid entries, or pages in transition, or somebody is about to use it: it stays.
 */
NT_MUST_CHECK BOOLEAN MiTrimPageTable(PEPROCESS Process, ULONG_PTR Table);

/*
 * Make a page table in transition, whose directory entry is Pde, valid again.  => It is not being
 * read.
 *
 * => As MiRestoreUserPage (user_page.h): success also when it lost its frame meanwhile.
 */
NT_MUST_CHECK NTSTATUS MiRestorePageTable(PEPROCESS Process, PMMPTE Pde);

/*
 * Bring in those of the page tables of [Start, End] that are out.  Waits for reads under the lock,
 * but for memory without it.
 *
 * => None is out.  Returns TRUE: the lock was held all the time.  FALSE: it was not, and what was
 *    looked at under it before may have changed.
 * => Bug check 0x7A: one cannot be read; P1 is 1, P2 why, P3 Process, P4 the table's address.
 */
BOOLEAN MiBringPageTables(PEPROCESS Process, ULONG_PTR Start, ULONG_PTR End);

/* Delete the page tables of [Start, End] that have no entries. */
void MiDeleteEmptyPageTables(PEPROCESS Process, ULONG_PTR Start, ULONG_PTR End);

/*
 * What the entries of page tables that are out name, so that MiVerifyPagingFiles can account for
 * every slot: added up when a table leaves, taken off when it is back.
 */
typedef struct _MI_TABLES_OUT {
    ULONG Tables;
    ULONG Slots;
    ULONG64 Hashes; /* of the slots, MiSlotHash */
} MI_TABLES_OUT;

extern MI_TABLES_OUT MiTablesOut NT_GUARDED_BY(MiPfnLock);

static inline ULONG64 MiSlotHash(ULONG File, ULONG Slot)
{
    ULONG64 Hash = ((ULONG64)File << 32 | Slot) * 0x9E3779B97F4A7C15ull;

    return Hash ^ Hash >> 29;
}

/* What has happened to page tables of user halves. */
typedef struct _MI_PAGE_TABLE_COUNTERS {
    ULONG Made;
    ULONG Deleted;
    ULONG Trimmed;  /* taken out of a working set */
    ULONG Restored; /* brought in: from the lists, or after a read */
    ULONG Reads;    /* begun from a paging file */
    ULONG Reused;   /* frames of theirs that somebody else got: the table was in the file only */
} MI_PAGE_TABLE_COUNTERS, *PMI_PAGE_TABLE_COUNTERS;

extern MI_PAGE_TABLE_COUNTERS MiPageTableCounters; /* about: each is changed under its own lock */

/* ---- implemented above: mm/fault/page_table_fault.c ---- */

/*
 * Bring the page table of Pde in, whatever it takes but memory.
 *
 * => Under the lock, which is held while it waits.
 * => STATUS_NO_MEMORY: as it says.  Bug check as MiBringPageTables.
 */
NT_WEAK NT_MUST_CHECK NTSTATUS MiReadPageTable(PEPROCESS Process, PMMPTE Pde)
    NT_NOT_HOLDING(MiPfnLock);

/* Wait for memory, or stop as a fault would that found none for so long.  => No lock. */
NT_WEAK void MiWaitForPageTableMemory(void) NT_NOT_HOLDING(MiPfnLock);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * pool_world.h - pools in the simulated machine: ranges, frames behind them, and page faults.
 *
 * Nonpaged pages are mapped when they are committed; paged ones are charged, and mapped by the
 * fault handler at the first touch.  A touch of anything else is bug check 0x50, so that stale
 * pointers show.
 */
#ifndef TESTS_UNIT_POOL_WORLD_H
#define TESTS_UNIT_POOL_WORLD_H

#include "mm/pool/pool.h"
#include "mm/pool/pool_pages.h"
#include "mm/pool/special_pool.h"
#include "tests/host/machine.h"

#define POOL_INITIAL_VA    0x81000000u
#define POOL_EXPANSION_VA  0xE8000000u
#define POOL_PAGED_VA      0xE1000000u
#define POOL_SPECIAL_VA    0xE4000000u
#define POOL_SPECIAL_PAGES 65u
#define POOL_MOST_PAGES    1024u /* of a part */

#define TAG_A              0x41656E4Fu /* 'OneA' */
#define TAG_B              0x42656E4Fu /* 'OneB' */

/* How large the parts are, and what is on. */
typedef struct _POOL_WORLD {
    ULONG InitialPages;
    ULONG ExpansionPages;
    ULONG PagedPages;
    BOOLEAN Poison;
    BOOLEAN Protect;
} POOL_WORLD;

/* 32 pages of each, nothing special. */
extern const POOL_WORLD PoolWorldPlain;

/* Power on a machine and start the pools in it. */
void PoolWorldCreate(const POOL_WORLD *World);

/* Start special pool of Pages in it.  Who gets it, MiSelectSpecialPool says: nobody at first. */
void PoolWorldAddSpecialPool(ULONG Pages);

/*
 * Take the memory of all paged-pool pages away, as the working-set manager will; the next touch of
 * each brings it back with its contents.  Touching paged pool at DISPATCH_LEVEL is bug check 0x0A.
 *
 * => Does not raise IRQL: KiSetRaiseRoutine(PoolWorldTrimPaged) leaves none wherever a spin lock
 *    is held.
 */
void PoolWorldTrimPaged(void);

/* How often a page of paged pool came by page fault. */
extern ULONG PoolPagedFaults;

/* From now on, run Routine at each of these faults, at the IRQL of the access; it may wait. */
void PoolSetPagedFaultRoutine(void (*Routine)(void));

/* MiVerifyAll, and that the TLB holds no stale translation. */
void PoolWorldVerify(void);

/* Trim, verify, then: nothing is in use, no page is taken but MmBt's, no frame is missing. */
void PoolWorldCheckEmpty(void);

/* Frames behind pool pages now; pages charged for paged pool and not yet touched count too. */
extern ULONG PoolCommittedPages;

/* What a bug check must say. */
typedef struct _POOL_STOP {
    ULONG Code;
    ULONG_PTR Parameter[4];
} POOL_STOP;

#define POOL_ANY 0xA5A5A5A5u /* a parameter that does not matter */

/* The call stops the machine with Stop. */
void PoolExpectStop(POOL_STOP Stop, KSTART *Routine, PVOID Context);
void PoolExpectFreeStops(POOL_STOP Stop, PVOID P, ULONG Tag);
void PoolExpectAllocateStops(POOL_STOP Stop, POOL_TYPE Type, SIZE_T Bytes, ULONG Tag);

/* The callbacks for regions that a test makes itself: commit maps, decommit unmaps. */
MI_COMMIT_PAGES PoolMapPages;
MI_DECOMMIT_PAGES PoolUnmapPages;

/* From now on, this many pages can be committed. */
extern ULONG PoolCommitLimit;

/* The n-th commit from now on is refused; 0: none, or it has happened. */
extern ULONG PoolFailCommit;

#endif

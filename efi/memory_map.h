/* SPDX-License-Identifier: MIT */
/*
 * memory_map.h - from the firmware's memory map to the kernel's memory runs.
 *
 * A run list is what LOADER_BLOCK.MemoryRunsVa points at.  BlVerifyMemoryRuns states its
 * invariants; every function here keeps them.
 */
#ifndef EFI_MEMORY_MAP_H
#define EFI_MEMORY_MAP_H

#include "loader.h"
#include "nt/status.h"
#include "nt/types.h"

/* The frame number of 4 GB: the first page that a kernel without PAE cannot map. */
#define BL_HIGH_PAGE ((ULONG64)0x100000)

/* One more than the highest frame number of a 64-bit physical address: 2^64 / 2^12. */
#define BL_END_PAGE ((ULONG64)1 << 52)

/*
 * Turn EFI memory descriptors into runs.
 *
 * A page that several descriptors claim gets the most restrictive of their types; pages that none
 * describes are in no run.  RAM at or above 4 GB becomes LoaderUnusableHigh.
 *
 * => Map holds MapBytes bytes, at any alignment, in any order; DescriptorBytes is the stride that
 *    GetMemoryMap told.
 * => STATUS_INVALID_PARAMETER: Map is empty, the stride is below 40 or does not divide MapBytes.
 *    STATUS_BUFFER_TOO_SMALL: the runs do not fit; 2 * (number of descriptors) always suffice.
 *    Then *Count is left alone and Runs may be overwritten.
 * => Descriptors without pages are ignored.  A descriptor that wraps around the end of the address
 *    space is cut there, or ignored if it claims to be RAM.  An unaligned one loses the pages that
 *    it covers in part if it is RAM, and keeps them if not.
 */
NT_MUST_CHECK NTSTATUS BlBuildMemoryRuns(const void *Map, SIZE_T MapBytes, SIZE_T DescriptorBytes,
                                         LOADER_MEMORY_RUN *Runs, ULONG Capacity, PULONG Count);

/*
 * Give exactly the pages [BasePage, BasePage + PageCount) the type Type.
 *
 * => STATUS_CONFLICTING_ADDRESSES: a page is neither LoaderFree nor LoaderFirmwareTemporary.
 *    STATUS_INVALID_PARAMETER: PageCount is 0, or Type is no LOADER_MEMORY_TYPE.
 *    STATUS_BUFFER_TOO_SMALL: there must be room for two more runs.
 *    Then the runs are unchanged.
 */
NT_MUST_CHECK NTSTATUS BlClaimRange(LOADER_MEMORY_RUN *Runs, ULONG Capacity, PULONG Count,
                                    ULONG64 BasePage, ULONG64 PageCount, ULONG Type);

/*
 * Apply /MAXMEM=MaxMemoryMb, then /BURNMEMORY=BurnMemoryMb; 0 means the switch was not given.
 *
 * /MAXMEM withholds the RAM whose physical address is MaxMemoryMb or higher; as documented for NT,
 * it does not account for holes.  /BURNMEMORY counts RAM, so holes do not matter: it withholds
 * BurnMemoryMb of it from the highest address down, or all when there is less.
 *
 * => RAM means LoaderFree and LoaderFirmwareTemporary here; withheld pages become LoaderMaxMemory.
 * => STATUS_BUFFER_TOO_SMALL: there must be room for two more runs; the runs are unchanged.
 */
NT_MUST_CHECK NTSTATUS BlLimitMemory(LOADER_MEMORY_RUN *Runs, ULONG Capacity, PULONG Count,
                                     ULONG MaxMemoryMb, ULONG BurnMemoryMb);

/*
 * Withhold the RAM below 1 MB that firmware uses whether it says so or not; the rest of it is as
 * good as any other, as on NT:
 *
 *     frame 0            real-mode interrupt vectors and BIOS data; a null pointer's page
 *     frame 9F           where the extended BIOS data area lies when nobody says where
 *     frames A0 to FF    video memory and ROMs
 *
 * => They become LoaderFirmwarePermanent where they are LoaderFree or LoaderFirmwareTemporary.
 * => STATUS_BUFFER_TOO_SMALL: there must be room for four more runs; the runs are unchanged.
 */
NT_MUST_CHECK NTSTATUS BlReserveLowMemory(LOADER_MEMORY_RUN *Runs, ULONG Capacity, PULONG Count);

/* => Returns the number of pages in runs of Type. */
ULONG64 BlCountPages(const LOADER_MEMORY_RUN *Runs, ULONG Count, ULONG Type);

/* => TRUE when the invariants M1-M5 of memory_map.c hold. */
NT_MUST_CHECK BOOLEAN BlVerifyMemoryRuns(const LOADER_MEMORY_RUN *Runs, ULONG Count);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * mmu.h - the kernel's first page tables: taking over the loader's, and early mappings.
 */
#ifndef X86_MMU_H
#define X86_MMU_H

#include "arch/mmu.h"
#include "loader.h"

/* The image's parts, from kernel.ld. */
extern UCHAR KiImageStart[], KiTextEnd[], KiPagedCodeStart[], KiPagedCodeEnd[], KiConstantsStart[],
    KiConstantsEnd[], KiProtectedEnd[], KiImageEnd[];

/*
 * Take the loader's tables over: drop the identity page, unmap the stacks' guards, map the PCR,
 * mark global pages, then turn on what the processor has of PGE, MCE, SMEP, SMAP, UMIP
 * and PAT.
 */
void KiInitializePageTables(const LOADER_BLOCK *Block);

/* Make [KiConstantsEnd, KiProtectedEnd) read-only: initialisation is over for it. */
void KiProtectInitializedData(void);

/*
 * Map device registers or firmware tables into the HAL's area (FFC00000).
 *
 * => Initialisation only; never unmapped.
 * => Returns NULL when Physical is not below 4 GB or the area is full.
 */
PVOID HalMapPhysical(ULONG64 Physical, ULONG Bytes);

/*
 * Copy physical memory, through a window that is mapped for the moment.
 *
 * => Returns FALSE when the range is not wholly below 4 GB.
 */
BOOLEAN HalCopyPhysical(PVOID Context, ULONG64 Physical, PVOID Buffer, ULONG Bytes);

/*
 * Map the framebuffer, write-combined (write-through where the processor has no PAT), ending below
 * FF800000.  Reaches memory above 4 GB through PSE-36.
 *
 * => Returns NULL, and *Reason says why, when it cannot be reached.
 */
volatile void *HalMapFramebuffer(const LOADER_FRAMEBUFFER *Screen, const char **Reason);

/* Bytes of addresses, up to FF800000, of the framebuffer and what HalMapHighPhysical may need. */
ULONG HalReservedBytes(void);

/*
 * Map device registers above 4 GB, not cached, in 4 MB pages through PSE-36; there is room for six.
 * A page is shared by all that lie in the same 4 MB.  Never unmapped.
 *
 * => PASSIVE_LEVEL, before there is a second address space.
 * => NULL: beyond 1 TB, across 4 MB, no room, or the processor has no PSE-36.
 */
PVOID HalMapHighPhysical(ULONG64 Physical, ULONG Bytes);

/* => Whether Va lies in such a mapping. */
BOOLEAN HalIsHighMapping(const volatile void *Va);

/* Take the framebuffer away from under the console, for /RUN=crash:screen. */
void HalUnmapFramebuffer(void);

/* What is turned on: CR4 as it is now; for the report. */
ULONG KiReadCr0(void);
ULONG KiReadCr3(void);
ULONG KiReadCr4(void);

/* One page of user-accessible memory at KI_PROBE_VA, for the negative probes; then it goes. */
#define KI_PROBE_VA 0x00010000u
void KiMapProbePage(BOOLEAN Map);

/* => The frame of a copy of the page directory in use, with a self-map of its own. */
PFN_NUMBER KiMakeProbeDirectory(void);

#endif

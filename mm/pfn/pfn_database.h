/* SPDX-License-Identifier: MIT */
/*
 * pfn_database.h - building the page-frame database, and giving it more memory later.
 */
#ifndef MM_PFN_PFN_DATABASE_H
#define MM_PFN_PFN_DATABASE_H

#include "loader.h"
#include "mm/pfn/pfn.h"
#include "nt/status.h"

extern ULONG MiPhysicalPages; /* (P) frames that are RAM and known here, in any state */

/* => Type is a LOADER_MEMORY_TYPE.  Returns whether such RAM is free, or may become so. */
BOOLEAN MiIsLoaderRam(ULONG Type);

/*
 * Find MiHighestFrame: the last frame of RAM below 4 GB that we have or may get later.
 *
 * => After MiInitializeBootFrames.  Returns the bytes that the database needs; the frames that it
 *    is mapped to usually come from MiTakeBootFrames.
 */
ULONG MiPfnDatabaseBytes(void);

/*
 * Build every entry from the loader's runs:
 *
 *     LoaderFree                         on the free list; what MiTakeBootFrames took: Active
 *     FirmwareTemporary, AcpiReclaim,
 *     SystemCode, BootData, PageTables   Active, until MiReleaseLoaderMemory
 *     Bad                                on the bad list
 *     everything else, and holes         not RAM
 *
 * Active means one share and one reference, no PTE.  Frame 0 stays Active for ever, so that a
 * zeroed frame number never names memory in use.  Sets the commit limit, resident available pages
 * and the memory thresholds to their defaults.
 *
 * => Database: MiPfnDatabaseBytes() mapped, zeroed bytes.  Once, PASSIVE_LEVEL.
 */
void MiInitializePfnDatabase(void *Database);

/*
 * Turn all memory of a loader's type into free frames, once nobody needs its contents any more.
 * Raises commit limit and resident available pages.
 *
 * => Type is one of those that are Active above, else nothing happens.  Nothing maps the frames.
 * => Returns the number of pages; a second call returns 0.
 */
ULONG MiReleaseLoaderMemory(LOADER_MEMORY_TYPE Type);

/*
 * A frame of the loader's that stays in use is from now on as one that was allocated (frame.h): its
 * contents may move to a paging file.  Raises commit limit and resident available pages by one.
 *
 * => It is Active since the start; the caller has charged commitment for it.
 */
void MiTakeLoaderFrame(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock);

/*
 * Memory that appears at run time becomes free frames: the core of MmAddPhysicalMemory.
 *
 * => STATUS_INVALID_PARAMETER: Pages is 0 or the range wraps.  STATUS_INSUFFICIENT_RESOURCES: the
 *    database has no entries for it.  STATUS_CONFLICTING_ADDRESSES: a frame is already known, or
 *    the loader's runs say that it is something else than a hole.  Then nothing changes.
 */
NT_MUST_CHECK NTSTATUS MiAddPhysicalMemory(PFN_NUMBER First, ULONG Pages);

#endif

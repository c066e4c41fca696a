/* SPDX-License-Identifier: MIT */
/*
 * image_world.h - images in the world of file_section_world.h.
 */
#ifndef TESTS_UNIT_IMAGE_WORLD_H
#define TESTS_UNIT_IMAGE_WORLD_H

#include "mm/section/image_segment.h"
#include "tests/unit/file_section_world.h"
#include "tests/unit/seed_image.h"

#define IMAGE_WORLD_PATH u"\\??\\C:\\SEED.EXE"

extern UCHAR ImageFile[0x10000]; /* what the next file holds: the seed, and what a test breaks */
extern ULONG ImageFileBytes;

/* => ImageFile is the seed. */
void ImageWorldStart(void);
void ImageWorldStartOn(const SEED_FAT *Fat);
void ImageWorldFinish(void);

/* The same with a paging file, so that pages can be out. */
void ImageWorldStartPaging(void);
void ImageWorldFinishPaging(void);

/* The file, written and closed; opened for reading and executing. */
HANDLE ImageWorldFile(void);

NTSTATUS ImageWorldTryOpen(HANDLE File, PSECTION *Section);
PSECTION ImageWorldOpen(HANDLE File);

/* All of it, in the running process.  Base NULL: anywhere. */
NTSTATUS ImageWorldTryMap(PSECTION Section, PVOID *Base);
/* => Expect is the status. */
PUCHAR ImageWorldMap(PSECTION Section, PVOID Base, NTSTATUS Expect);

/* What ImageFile is in memory, Delta from its preferred base, by the pure functions. */
void ImageWorldContents(ULONG Delta, UCHAR *Contents);

/* => All bytes that can be read are those. */
BOOLEAN ImageWorldHolds(const UCHAR *View, const UCHAR *Contents);

/* NtQueryVirtualMemory of the running process. */
MEMORY_BASIC_INFORMATION ImageWorldQuery(const UCHAR *Va);

/* What it says of the seed's view at its base, from page Rva on. */
void ImageWorldCheckRegion(ULONG Rva, ULONG Pages, ULONG State, ULONG Protect);

/* PAGE_* for a page, with the status alone. */
NTSTATUS ImageWorldProtect(PUCHAR Va, ULONG Protect);

/* => The frame that the running process has mapped; MI_NO_FRAME: none. */
PFN_NUMBER ImageWorldFrame(const UCHAR *Va);

/*
 * The running process' working set is emptied, all that is modified is written, wherever, and all
 * frames on standby are reused.  => ImageWorldStartPaging.
 */
void ImageWorldPageOut(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * file_section_world.h - the world of nt_world.h with sections of files.
 *
 * FileSectionFinish lets go of what sections keep of files that nobody uses.
 */
#ifndef TESTS_UNIT_FILE_SECTION_WORLD_H
#define TESTS_UNIT_FILE_SECTION_WORLD_H

#include "mm/section/section.h"
#include "verify.h"
#include "tests/unit/nt_world.h"

void FileSectionStart(void);
void FileSectionStartOn(const SEED_FAT *Fat);
void FileSectionFinish(void);

/* The same on a larger volume with the system cache, read-ahead and the lazy writer's thread. */
void FileSectionStartCached(void);
void FileSectionFinishCached(void);

/* A file of Bytes, written without sections: IoWorldByte counts from First.  It stays open. */
HANDLE FileSectionMakeFile(PCWSTR Path, ULONG Bytes, UCHAR First);

/* Bytes 0: as long as the file. */
NTSTATUS FileSectionTryOpen(HANDLE File, LONGLONG Bytes, ULONG Protect, PSECTION *Section);
PSECTION FileSectionOpen(HANDLE File, LONGLONG Bytes, ULONG Protect);

/* All of it, in the running process. */
PUCHAR FileSectionMap(PSECTION Section, ULONG Protect);
void FileSectionUnmap(PUCHAR View);

UCHAR FileSectionRead(const UCHAR *Va);
void FileSectionWrite(PUCHAR Va, UCHAR Value);

/* The working set of the running process is emptied. */
void FileSectionTrim(void);

/* That, and all that is modified is written, and all frames on standby are reused. */
void FileSectionPageOut(void);

/* One byte of the file, as a read without the cache finds it: pages are written first. */
UCHAR FileSectionByBytes(HANDLE File, ULONG Offset);

#endif

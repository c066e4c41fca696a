/* SPDX-License-Identifier: MIT */
/*
 * file_cache_world.h - io_world.h with the system cache: NtReadFile's way from the request to the
 * FAT driver, the cache, a page fault, and as a page request to the FAT driver again.
 *
 * Sections, faults and page requests are the real ones (MiCacheViewCalls).
 */
#ifndef TESTS_UNIT_FILE_CACHE_WORLD_H
#define TESTS_UNIT_FILE_CACHE_WORLD_H

#include "cc.h"
#include "tests/unit/io_world.h"

/* IoWorldStart, the cache, a thread for read-ahead; the lazy writer's rounds are the test's. */
void FcWorldStart(const SEED_FAT *Fat, ULONG64 Seed);
/* => All files are closed. */
void FcWorldFinish(void);

/* With FILE_NO_INTERMEDIATE_BUFFERING, or cached. */
NTSTATUS FcWorldOpen(PCSTR Path, BOOLEAN Cached, PFILE_OBJECT *File);

/* Take pages out of memory; those that were written to go to the disk, and stay if it refuses. */
void FcWorldTrim(void);

/* A user's view of the file: what it reads and writes.  => Map before, unmap after.  Until then no
   page of the file can be purged. */
void FcWorldMap(PFILE_OBJECT File);
NTSTATUS FcWorldPeek(PFILE_OBJECT File, ULONG Offset, PUCHAR Byte);
NTSTATUS FcWorldPoke(PFILE_OBJECT File, ULONG Offset, UCHAR Byte);
void FcWorldUnmap(PFILE_OBJECT File);

/* Pages that were read since the start. */
ULONG FcWorldPageReads(void);

#endif

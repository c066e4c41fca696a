/* SPDX-License-Identifier: MIT */
/*
 * cache_calls.h - the calls of cache_view.h that this folder implements; their contracts are there.
 */
#ifndef MM_SECTION_CACHE_CALLS_H
#define MM_SECTION_CACHE_CALLS_H

#include "mm/section/cache_view.h"
#include "mm/section/section.h"

NT_MUST_CHECK NTSTATUS MmMapViewInSystemCache(PSECTION Section, PVOID Base, LARGE_INTEGER Offset,
                                              ULONG Bytes);
void MmUnmapViewInSystemCache(PVOID Base, ULONG Bytes);
BOOLEAN FASTCALL MmIsRangeResident(PVOID Va, ULONG Bytes);
NT_MUST_CHECK NTSTATUS MmCopyToCachedPage(PVOID Va, const void *Buffer);
BOOLEAN MmSetAddressRangeModified(PVOID Va, SIZE_T Bytes);

/* For CcInitializeCacheManager. */
extern const MM_CACHE_VIEW_CALLS MiCacheViewCalls;

#endif

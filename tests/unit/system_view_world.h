/* SPDX-License-Identifier: MIT */
/*
 * system_view_world.h - views of a section in the system half, beside those of section_world.h.
 */
#ifndef TESTS_UNIT_SYSTEM_VIEW_WORLD_H
#define TESTS_UNIT_SYSTEM_VIEW_WORLD_H

#include "mm/section/system_view.h"
#include "tests/unit/section_world.h"

/* All of it, by MmMapViewInSystemSpace. */
ULONG_PTR SystemViewMap(PSECTION Section);
void SystemViewUnmap(ULONG_PTR Va);

/* The n-th view of the cache shows 64 pages from FirstPage on. */
ULONG_PTR CacheViewMap(PSECTION Section, ULONG View, ULONG FirstPage);
void CacheViewUnmap(ULONG_PTR Va);

/* One access to a word, in either half; and one that has to succeed. */
NTSTATUS ViewTryRead(ULONG_PTR Va, PULONG Value);
NTSTATUS ViewTryWrite(ULONG_PTR Va, ULONG Value);
ULONG ViewRead(ULONG_PTR Va);
void ViewWrite(ULONG_PTR Va, ULONG Value);

/* The system's working set is emptied. */
void SystemViewTrim(void);

/* That, the process', and all pages are written and lose their frames; the prototype PTEs, too. */
void SystemViewPageOut(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * section_world.h - sections and views of the running process; a status that is not expected fails
 * the test.
 */
#ifndef TESTS_UNIT_SECTION_WORLD_H
#define TESTS_UNIT_SECTION_WORLD_H

#include "mm/section/section.h"
#include "tests/unit/paged_world.h"
#include "tests/unit/space_world.h"

/* => Attributes and Protect as MmCreateSection. */
PSECTION SectionMake(ULONG Pages, ULONG Attributes, ULONG Protect);
NTSTATUS SectionTryMake(LONGLONG Bytes, ULONG Attributes, ULONG Protect);

/* All of it, anywhere; ViewShare. */
ULONG_PTR SectionMap(PSECTION Section, ULONG Protect);

/* The status alone; what was mapped is unmapped again. */
typedef struct _SECTION_VIEW {
    ULONG_PTR Base;
    ULONG_PTR ZeroBits;
    SIZE_T Commit;
    LONGLONG Offset;
    SIZE_T Bytes;
    ULONG Inherit; /* 0: ViewShare */
    ULONG Type;
    ULONG Protect; /* 0: PAGE_READWRITE */
} SECTION_VIEW;
NTSTATUS SectionTryMap(PSECTION Section, SECTION_VIEW View);

/* The same, and it stays; *View says what was mapped. */
NTSTATUS SectionMapAs(PSECTION Section, SECTION_VIEW *View);

void SectionUnmap(ULONG_PTR Va);

/* The working set of the running process is emptied. */
void SectionTrim(void);

/* That, and all that is modified is written, and all frames on standby are reused. */
void SectionPageOut(void);

/* => The prototype PTE of a page. */
MMPTE SectionPrototype(PSECTION Section, ULONG Page);

#endif

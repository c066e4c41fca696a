/* SPDX-License-Identifier: MIT */
/*
 * physical_world.h - \Device\PhysicalMemory, and views of it in the running process.
 */
#ifndef TESTS_UNIT_PHYSICAL_WORLD_H
#define TESTS_UNIT_PHYSICAL_WORLD_H

#include "tests/unit/section_world.h"

#define PHYSICAL_DEVICE 0xFEC00000u /* where no machine of the tests has RAM */

/* => The status of NtOpenSection; *Handle is set when it succeeds. */
NTSTATUS PhysicalTryOpen(ACCESS_MASK Access, PHANDLE Handle);
HANDLE PhysicalOpen(void);

/* What is mapped, and what was. */
typedef struct _PHYSICAL_VIEW {
    ULONG64 Offset;
    SIZE_T Bytes;
    ULONG Protect; /* 0: PAGE_READWRITE */
    ULONG Inherit; /* 0: ViewShare */
    ULONG_PTR Va;
} PHYSICAL_VIEW;

NTSTATUS PhysicalTryMap(HANDLE Section, PHYSICAL_VIEW *View);

/* => Where the byte at Address is seen, in a view of its page and what lies before. */
ULONG_PTR PhysicalMap(ULONG_PTR Address, ULONG Protect);

#endif

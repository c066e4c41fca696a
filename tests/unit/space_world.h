/* SPDX-License-Identifier: MIT */
/*
 * space_world.h - processes to try the virtual memory services on.
 *
 * SpaceStart makes a machine (mm_world.h) and attaches to a new process; SpaceFinish ends all
 * processes, and checks that what they had is back.
 */
#ifndef TESTS_UNIT_SPACE_WORLD_H
#define TESTS_UNIT_SPACE_WORLD_H

#include "mm/fault/fault.h"
#include "mm/pfn/commit.h"
#include "mm/pfn/frame.h"
#include "mm/pfn/pfn_list.h"
#include "mm/space/page_table.h"
#include "mm/space/user_page.h"
#include "nt/bugcodes.h"
#include "tests/unit/mm_world.h"
#include "verify.h"

#define SPACE_FRAMES 4096u
#define KB64         0x10000u

void SpaceStart(void);
void SpaceFinish(void);

/* Another process; SpaceFinish ends it. */
PEPROCESS SpaceProcess(void);

/* The same, a clone of Parent. */
PEPROCESS SpaceClone(PEPROCESS Parent);

/* Run in Process from now on; at the start that is the first one. */
void SpaceEnter(PEPROCESS Process);
PEPROCESS SpaceCurrent(void);

/* A handle of the running process to Process, with all access; it ends with the running one. */
HANDLE SpaceHandle(PEPROCESS Process);

/* The services on the running process; a status that is not expected fails the test. */
ULONG_PTR SpaceAllocate(ULONG_PTR Base, SIZE_T Bytes, ULONG Type, ULONG Protect);
void SpaceFree(ULONG_PTR Base, SIZE_T Bytes, ULONG Type);
ULONG SpaceProtect(ULONG_PTR Base, SIZE_T Bytes, ULONG Protect);
MEMORY_BASIC_INFORMATION SpaceQuery(ULONG_PTR Va);

/* The status alone. */
NTSTATUS SpaceTryAllocate(ULONG_PTR Base, SIZE_T Bytes, ULONG Type, ULONG Protect);
NTSTATUS SpaceTryFree(ULONG_PTR Base, SIZE_T Bytes, ULONG Type);
NTSTATUS SpaceTryProtect(ULONG_PTR Base, SIZE_T Bytes, ULONG Protect);

/* One access to a word, and what it leads to. */
NTSTATUS SpaceTryRead(ULONG_PTR Va, PULONG Value);
NTSTATUS SpaceTryWrite(ULONG_PTR Va, ULONG Value);
ULONG SpaceRead(ULONG_PTR Va);
void SpaceWrite(ULONG_PTR Va, ULONG Value);

#endif

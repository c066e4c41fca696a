/* SPDX-License-Identifier: MIT */
/*
 * crash_memory.h - what the parts of crash_*.c share.
 */
#ifndef MM_INSPECT_CRASH_MEMORY_H
#define MM_INSPECT_CRASH_MEMORY_H

#include "mm_machine.h"

/* Anything fits: an address in the code. */
#define MI_ANY_PARAMETER 0xA11A11A1u

typedef struct _MI_CRASH {
    const char *Name; /* NULL ends a table */
    void (*Routine)(void);
} MI_CRASH;

extern const MI_CRASH MiPoolCrashes[];
extern const MI_CRASH MiMappingCrashes[]; /* frames, PTEs, MDLs */
extern const MI_CRASH MiThreadCrashes[];

/* Say on the console what is to come, and remember it in MmExpectedStop. */
void MiExpectStop(ULONG Code, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3, ULONG_PTR P4);

#endif

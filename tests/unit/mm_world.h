/* SPDX-License-Identifier: MIT */
/*
 * mm_world.h - a simulated machine on which the whole memory manager was started, as at boot.
 */
#ifndef TESTS_UNIT_MM_WORLD_H
#define TESTS_UNIT_MM_WORLD_H

#include "mm_machine.h"
#include "tests/host/machine.h"
#include "tests/unit/test.h"

/* Power on with Frames frames, and no more: for MmInitSystem(MmWorldBoot()). */
void MmWorldPowerOn(ULONG Frames);
const MM_BOOT *MmWorldBoot(void);

/* Power on with Frames frames, start everything; page faults go to MmAccessFault. */
void MmWorldStart(ULONG Frames);

/* The same with values of system.reg, each a name and a number. */
typedef struct _MM_VALUE {
    const char *Name;
    ULONG Number;
} MM_VALUE;
void MmWorldStartWith(ULONG Frames, const MM_VALUE *Values, ULONG Count);

/* The next machine's system half begins at Start, and its kernel lies high, as with /3GB. */
void MmWorldNextRangeStart(ULONG_PTR Start);

/*
 * The next machine does not trim at each raise, even with HYPERSPACE_FORCE_IRQL: the test counts
 * pages that go out, of which pages of paged pool would be some.
 */
void MmWorldNextUnforced(void);

/*
 * The next machine's kernel has pageable code, which the loader brought: Pages read-only pages at
 * MM_WORLD_CODE, each word of which is its own address.
 */
#define MM_WORLD_CODE 0x80801000u
void MmWorldNextPageableCode(ULONG Pages);

/* What page faults do there: for those who put a handler in front of it. */
HOST_FAULT_HANDLER MmWorldFault;

/* Verify everything, delete the machine. */
void MmWorldFinish(void);

#endif

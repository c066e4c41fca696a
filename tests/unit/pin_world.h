/* SPDX-License-Identifier: MIT */
/*
 * pin_world.h - one file of cc_world.h, cached, whose ranges are pinned.
 */
#ifndef TESTS_UNIT_PIN_WORLD_H
#define TESTS_UNIT_PIN_WORLD_H

#include "mm/cc/bcb.h"
#include "tests/unit/cc_world.h"

extern CC_WORLD_FILE *PinFile;

/* The file has 1 MB; a critical region lasts until PinFinish. */
void PinStart(void);
void PinFinish(void);

/* CcPinRead.  => Where it lies; NULL: it would have had to wait. */
PUCHAR Pin(ULONG Offset, ULONG Bytes, ULONG Flags, PVOID *Bcb);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * pin_world.c - see pin_world.h.
 */
#include "tests/unit/pin_world.h"

CC_WORLD_FILE *PinFile;

void PinStart(void)
{
    CcWorldStart();
    PinFile = CcWorldOpen(0, 0x100000);
    KeEnterCriticalRegion();
}

void PinFinish(void)
{
    KeLeaveCriticalRegion();
    CHECK_EQUAL(STATUS_SUCCESS, CcWorldFlushAll(PinFile));
    CcWorldClose(PinFile, 0);
    CcWorldFinish();
}

PUCHAR Pin(ULONG Offset, ULONG Bytes, ULONG Flags, PVOID *Bcb)
{
    LARGE_INTEGER Start = {.QuadPart = Offset};
    PVOID Buffer = NULL;

    return CcPinRead(PinFile->Object[0], &Start, Bytes, Flags, Bcb, &Buffer) ? Buffer : NULL;
}

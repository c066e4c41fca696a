/* SPDX-License-Identifier: MIT */
/*
 * virtual_memory.c - reading and writing memory without a page fault.
 *
 * Page by page: ask the page tables, then touch.  Between the two nothing may change them, so both
 * happen at DISPATCH_LEVEL (one processor).  Memory that is not cached belongs to a device, whose
 * registers may answer only to aligned words: there a page is read in those.
 */
#include "arch/cpu.h"
#include "mm/inspect/debugger.h"
#include "mm/sysva/address.h"
#include "rtl.h"

/* => Bytes of a page from Va on, at most Wanted. */
static SIZE_T MipPagePart(ULONG_PTR Va, SIZE_T Wanted)
{
    SIZE_T Part = PAGE_SIZE - BYTE_OFFSET(Va);

    return Part < Wanted ? Part : Wanted;
}

static void MipReadDevice(PUCHAR To, ULONG_PTR Va, SIZE_T Bytes)
{
    ULONG_PTR Aligned = ROUND_DOWN(Va, (ULONG_PTR)sizeof(ULONG));
    ULONG Word = *(volatile ULONG *)Aligned;
    SIZE_T i;

    for (i = 0; i < Bytes; i++) {
        if (Va + i - Aligned == sizeof(ULONG)) {
            Aligned += sizeof(ULONG);
            Word = *(volatile ULONG *)Aligned;
        }
        To[i] = (UCHAR)(Word >> (Va + i - Aligned) * 8);
    }
}

/* The part lies in one page.  => FALSE: it is not valid. */
static BOOLEAN MipReadPart(PUCHAR To, ULONG_PTR Va, SIZE_T Bytes)
{
    KIRQL Old = KfRaiseIrql(DISPATCH_LEVEL);
    MMPTE Mapping = MiReadMapping(Va);

    if (Mapping.Hard.Valid && Mapping.Hard.CacheDisable) {
        MipReadDevice(To, Va, Bytes);
    } else if (Mapping.Hard.Valid) {
        memcpy(To, (const void *)Va, Bytes);
    }
    KfLowerIrql(Old);
    return Mapping.Hard.Valid;
}

SIZE_T MiReadVirtual(ULONG_PTR Va, PVOID Buffer, SIZE_T Bytes)
{
    SIZE_T Done = 0;

    while (Done < Bytes) {
        SIZE_T Part = MipPagePart(Va + Done, Bytes - Done);

        if (!MipReadPart((PUCHAR)Buffer + Done, Va + Done, Part)) {
            break;
        }
        Done += Part;
        if (Va + Done == 0) { /* the address space ends here */
            break;
        }
    }
    return Done;
}

/* => FALSE: *Obstacle is the first byte in the way. */
static BOOLEAN MipIsWritable(ULONG_PTR Va, SIZE_T Bytes, PULONG_PTR Obstacle)
{
    SIZE_T Done = 0;

    while (Done < Bytes) {
        MMPTE Mapping = MiReadMapping(Va + Done);

        if (!Mapping.Hard.Valid || !Mapping.Hard.Write || (Done != 0 && Va + Done < Va)) {
            *Obstacle = Va + Done;
            return FALSE;
        }
        Done += MipPagePart(Va + Done, Bytes - Done);
    }
    return TRUE;
}

/* Two pages at most: short enough to be looked at and written in one go. */
BOOLEAN MiWriteVirtual(ULONG_PTR Va, const void *Buffer, SIZE_T Bytes, PULONG_PTR Obstacle)
{
    KIRQL Old = KfRaiseIrql(DISPATCH_LEVEL);
    BOOLEAN Writable = MipIsWritable(Va, Bytes, Obstacle);

    if (Writable) {
        memcpy((PVOID)Va, Buffer, Bytes);
    }
    KfLowerIrql(Old);
    return Writable;
}

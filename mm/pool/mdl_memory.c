/* SPDX-License-Identifier: MIT */
/*
 * mdl_memory.c - MDLs live in nonpaged pool: what mm/sysva/mdl.h asks of the layer above it.
 *
 * So IoAllocateMdl works at DISPATCH_LEVEL, and an MDL from MmAllocatePagesForMdl can be freed with
 * ExFreePool, as documented.
 */
#include "ex.h"
#include "mm/sysva/mdl.h"

#define MI_MDL_TAG 0x206C644Du /* 'Mdl ' */

PVOID MiAllocateMdlMemory(SIZE_T Bytes)
{
    return ExAllocatePoolWithTag(NonPagedPool, Bytes, MI_MDL_TAG);
}

void MiFreeMdlMemory(PVOID Memory)
{
    ExFreePoolWithTag(Memory, MI_MDL_TAG);
}

/* SPDX-License-Identifier: MIT */
/*
 * physical_memory.c - MmAddPhysicalMemory: a range of bytes becomes a range of frames.
 */
#include "mm.h"
#include "mm/pfn/pfn_database.h"

#define MIP_4GB (1ull << 32)

static BOOLEAN MipIsPageRange(LONGLONG Start, LONGLONG Bytes)
{
    return Start >= 0 && Bytes > 0 && Start % PAGE_SIZE == 0 && Bytes % PAGE_SIZE == 0 &&
           Bytes <= INT64_MAX - Start;
}

NTSTATUS NTAPI MmAddPhysicalMemory(PPHYSICAL_ADDRESS StartAddress, PLARGE_INTEGER NumberOfBytes)
{
    LONGLONG Start = StartAddress->QuadPart;
    LONGLONG Bytes = NumberOfBytes->QuadPart;

    if (!MipIsPageRange(Start, Bytes)) {
        return STATUS_INVALID_PARAMETER;
    }
    if ((ULONG64)Start + (ULONG64)Bytes > MIP_4GB) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    return MiAddPhysicalMemory((PFN_NUMBER)(Start >> PAGE_SHIFT), (ULONG)(Bytes >> PAGE_SHIFT));
}

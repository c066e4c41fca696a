/* SPDX-License-Identifier: MIT */
/*
 * user_half.c - the border between the halves: one number, and the two that follow from it.
 */
#include "user_half.h"

#include "arch/pte_x86.h"
#include "mi_assert.h"

PVOID MmSystemRangeStart = (PVOID)MI_USUAL_RANGE_START;
PVOID MmHighestUserAddress = (PVOID)(MI_USUAL_RANGE_START - MI_NO_ACCESS_BYTES - 1);
ULONG MmUserProbeAddress = MI_USUAL_RANGE_START - MI_NO_ACCESS_BYTES;

void MiSetSystemRangeStart(ULONG_PTR Start)
{
    MI_ASSERT(Start >= MI_USUAL_RANGE_START && Start <= MI_HIGHEST_RANGE_START);
    MI_ASSERT(Start % MM_LARGE_PAGE == 0);
    MmSystemRangeStart = (PVOID)Start;
    MmUserProbeAddress = (ULONG)Start - MI_NO_ACCESS_BYTES;
    MmHighestUserAddress = (PVOID)(ULONG_PTR)(MmUserProbeAddress - 1);
}

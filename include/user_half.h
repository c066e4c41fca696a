/* SPDX-License-Identifier: MIT */
/*
 * user_half.h - where the user half of the address space ends, as ntddk.h declares it.
 *
 * 80000000, unless /3GB and /USERVA of boot.ini move it: then a process that is large-address-aware
 * (ps.h) has addresses up to MmHighestUserAddress, and any other still up to 7FFEFFFF.
 */
#ifndef USER_HALF_H
#define USER_HALF_H

#include "nt/types.h"

/* (I) Fixed before the first process. */
extern PVOID MmSystemRangeStart;   /* the system half begins */
extern PVOID MmHighestUserAddress; /* below the last 64 KB, which stay empty */
extern ULONG MmUserProbeAddress;   /* the first address that is not the user's */

#define MM_SYSTEM_RANGE_START         ((ULONG_PTR)MmSystemRangeStart)
#define MM_HIGHEST_USER_ADDRESS       ((ULONG_PTR)MmHighestUserAddress)
#define MM_USER_PROBE_ADDRESS         ((ULONG_PTR)MmUserProbeAddress)

#define MI_NO_ACCESS_BYTES            0x10000u    /* at either end of the user half */
#define MI_USUAL_RANGE_START          0x80000000u /* without /3GB */
#define MI_HIGHEST_RANGE_START        0xC0000000u /* /3GB without /USERVA */

#define MI_USUAL_HIGHEST_USER_ADDRESS (MI_USUAL_RANGE_START - MI_NO_ACCESS_BYTES - 1)

/*
 * Let the system half begin at Start.
 *
 * => Start is from MI_USUAL_RANGE_START to MI_HIGHEST_RANGE_START, a multiple of 4 MB.  No process
 *    was made.
 */
void MiSetSystemRangeStart(ULONG_PTR Start);

#endif

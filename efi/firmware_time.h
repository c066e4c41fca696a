/* SPDX-License-Identifier: MIT */
/*
 * firmware_time.h - what the firmware's clock says, as NT counts time.
 */
#ifndef EFI_FIRMWARE_TIME_H
#define EFI_FIRMWARE_TIME_H

#include "nt/types.h"
#include "rtl.h"

/* EFI_TIME's zone when the firmware does not know it: its clock is taken for UTC. */
#define BL_ZONE_UNKNOWN 0x07FF

/*
 * The system time, 100 ns since 1 January 1601 UTC, of a date in a zone of ZoneMinutes: UTC is the
 * date plus the zone (UEFI 2.10, 8.3, GetTime).
 *
 * => Returns 0 for what is no date, lies before 2000, or is in no zone: clocks without a battery.
 */
ULONG64 BlSystemTime(PTIME_FIELDS Local, LONG ZoneMinutes);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * firmware_time.c - the firmware's date, checked and converted.  **Pure**: host-tested.
 */
#include "efi/firmware_time.h"

#define BLP_ZONE_LIMIT      1440 /* minutes east or west, by the specification */
#define BLP_TICKS_OF_MINUTE 600000000ll
#define BLP_FIRST_YEAR      2000

ULONG64 BlSystemTime(PTIME_FIELDS Local, LONG ZoneMinutes)
{
    LARGE_INTEGER Time;

    if (ZoneMinutes == BL_ZONE_UNKNOWN) {
        ZoneMinutes = 0;
    }
    if (ZoneMinutes < -BLP_ZONE_LIMIT || ZoneMinutes > BLP_ZONE_LIMIT ||
        Local->Year < BLP_FIRST_YEAR || !RtlTimeFieldsToTime(Local, &Time)) {
        return 0;
    }
    return (ULONG64)(Time.QuadPart + ZoneMinutes * BLP_TICKS_OF_MINUTE);
}

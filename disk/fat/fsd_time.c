/* SPDX-License-Identifier: MIT */
/*
 * fsd_time.c - FAT's dates and NT's.
 *
 *     date  15-9 years from 1980   8-5 month   4-0 day
 *     time  15-11 hour   10-5 minute   4-0 seconds / 2; hundredths (0-199) on top
 *
 * FAT says no time zone; what it says is taken as the system's time.
 *
 * Pure; any IRQL.
 */
#include "disk/fat/fsd_i.h"

LARGE_INTEGER FatTimeOf(USHORT Date, USHORT Time, UCHAR Hundredths)
{
    LARGE_INTEGER Result = {.QuadPart = 0};
    TIME_FIELDS Fields = {
        .Year = (SHORT)(1980 + (Date >> 9)),
        .Month = (SHORT)(Date >> 5 & 15),
        .Day = (SHORT)(Date & 31),
        .Hour = (SHORT)(Time >> 11),
        .Minute = (SHORT)(Time >> 5 & 63),
        .Second = (SHORT)((Time & 31) * 2 + Hundredths / 100),
        .Milliseconds = (SHORT)(Hundredths % 100 * 10),
    };

    if (Hundredths >= 200 || !RtlTimeFieldsToTime(&Fields, &Result)) {
        Result.QuadPart = 0;
    }
    return Result;
}

BOOLEAN FatDosTimeOf(LARGE_INTEGER Time, PUSHORT DosDate, PUSHORT DosTime, PUCHAR Hundredths)
{
    TIME_FIELDS Fields;

    if (Time.QuadPart < 0) {
        return FALSE;
    }
    RtlTimeToTimeFields(&Time, &Fields);
    if (Fields.Year < 1980 || Fields.Year > 2107) {
        return FALSE;
    }
    *DosDate = (USHORT)((Fields.Year - 1980) << 9 | Fields.Month << 5 | Fields.Day);
    *DosTime = (USHORT)(Fields.Hour << 11 | Fields.Minute << 5 | Fields.Second / 2);
    *Hundredths = (UCHAR)(Fields.Second % 2 * 100 + Fields.Milliseconds / 10);
    return TRUE;
}

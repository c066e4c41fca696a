/* SPDX-License-Identifier: MIT */
/*
 * time_fields.c - dates, and 100 ns since 1 January 1601.
 *
 * Years are counted from 1 March, so that the leap day is the last of a year and every month's
 * first day is at (153 m + 2) / 5, m from 0 for March.  1601 begins a 400-year cycle of the
 * Gregorian calendar; counted from March it is the cycle that began on 1 March 1600, 306 days
 * earlier.
 */
#include "rtl.h"

#define RTLP_TICKS_OF_SECOND 10000000ll
#define RTLP_SECONDS_OF_DAY  86400
#define RTLP_DAYS_OF_CYCLE   146097u /* 400 years */
#define RTLP_FIRST_DAY       306u    /* 1 January 1601, counted from 1 March 1600 */
#define RTLP_FIRST_YEAR      1600
#define RTLP_LAST_YEAR       30827
#define RTLP_FIRST_WEEKDAY   1u /* 1 January 1601 was a Monday */

static BOOLEAN RtlpIsLeapYear(LONG Year)
{
    return Year % 4 == 0 && (Year % 100 != 0 || Year % 400 == 0);
}

static LONG RtlpDaysOfMonth(LONG Year, LONG Month)
{
    static const UCHAR Days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return Days[Month - 1] + (Month == 2 && RtlpIsLeapYear(Year));
}

static BOOLEAN RtlpIsDate(const TIME_FIELDS *F)
{
    return F->Year > RTLP_FIRST_YEAR && F->Year <= RTLP_LAST_YEAR && F->Month >= 1 &&
           F->Month <= 12 && F->Day >= 1 && F->Day <= RtlpDaysOfMonth(F->Year, F->Month) &&
           F->Hour >= 0 && F->Hour < 24 && F->Minute >= 0 && F->Minute < 60 && F->Second >= 0 &&
           F->Second < 60 && F->Milliseconds >= 0 && F->Milliseconds < 1000;
}

BOOLEAN NTAPI RtlTimeFieldsToTime(PTIME_FIELDS F, PLARGE_INTEGER Time)
{
    ULONG Month;
    ULONG Year;
    ULONG Day;
    ULONG Second;

    if (!RtlpIsDate(F)) {
        return FALSE;
    }
    Month = (ULONG)(F->Month + 9) % 12; /* from March */
    Year = (ULONG)(F->Year - RTLP_FIRST_YEAR) - (Month >= 10);
    Day = 365 * Year + Year / 4 - Year / 100 + Year / 400 + (153 * Month + 2) / 5 +
          (ULONG)(F->Day - 1) - RTLP_FIRST_DAY;
    Second = (ULONG)((F->Hour * 60 + F->Minute) * 60 + F->Second);
    Time->QuadPart = ((LONGLONG)Day * RTLP_SECONDS_OF_DAY + Second) * RTLP_TICKS_OF_SECOND +
                     F->Milliseconds * (RTLP_TICKS_OF_SECOND / 1000);
    return TRUE;
}

/* Day counts from 1 March 1600. */
static void RtlpFindDate(ULONG Day, PTIME_FIELDS F)
{
    ULONG Cycle = Day / RTLP_DAYS_OF_CYCLE;
    ULONG InCycle = Day % RTLP_DAYS_OF_CYCLE;
    /* the leap days that came before are taken off: after 4 years, but not after 100 */
    ULONG Year = (InCycle - InCycle / 1460 + InCycle / 36524 - InCycle / 146096) / 365;
    ULONG InYear = InCycle - (365 * Year + Year / 4 - Year / 100);
    ULONG Month = (5 * InYear + 2) / 153;

    F->Day = (SHORT)(InYear - (153 * Month + 2) / 5 + 1);
    F->Month = (SHORT)((Month + 2) % 12 + 1);
    F->Year = (SHORT)(RTLP_FIRST_YEAR + 400 * Cycle + Year + (Month >= 10));
}

void NTAPI RtlTimeToTimeFields(PLARGE_INTEGER Time, PTIME_FIELDS F)
{
    ULONG64 Milliseconds = (ULONG64)Time->QuadPart / (RTLP_TICKS_OF_SECOND / 1000);
    ULONG64 Seconds = Milliseconds / 1000;
    ULONG Day = (ULONG)(Seconds / RTLP_SECONDS_OF_DAY);
    ULONG InDay = (ULONG)(Seconds % RTLP_SECONDS_OF_DAY);

    RtlpFindDate(Day + RTLP_FIRST_DAY, F);
    F->Hour = (SHORT)(InDay / 3600);
    F->Minute = (SHORT)(InDay / 60 % 60);
    F->Second = (SHORT)(InDay % 60);
    F->Milliseconds = (SHORT)(Milliseconds % 1000);
    F->Weekday = (SHORT)((Day + RTLP_FIRST_WEEKDAY) % 7);
}

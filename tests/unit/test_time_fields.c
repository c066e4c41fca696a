/* SPDX-License-Identifier: MIT */
/*
 * test_time_fields.c - dates against the calendar, day by day and at its corners.
 */
#include "rtl.h"
#include "tests/unit/test.h"

#define TICKS_OF_DAY 864000000000ll
#define CYCLE_DAYS   146097

static LONGLONG TimeOf(TIME_FIELDS Fields)
{
    LARGE_INTEGER Time = {.QuadPart = -1};

    CHECK(RtlTimeFieldsToTime(&Fields, &Time));
    return Time.QuadPart;
}

static TIME_FIELDS FieldsOf(LONGLONG Ticks)
{
    LARGE_INTEGER Time = {.QuadPart = Ticks};
    TIME_FIELDS Fields;

    RtlTimeToTimeFields(&Time, &Fields);
    return Fields;
}

TEST(TimeFields_know_dates_that_are_published)
{
    CHECK_EQUAL(0, TimeOf((TIME_FIELDS){1601, 1, 1, 0, 0, 0, 0, 0}));
    /* the beginning of Unix time, as documented for FILETIME */
    CHECK_EQUAL(116444736000000000ll, TimeOf((TIME_FIELDS){1970, 1, 1, 0, 0, 0, 0, 0}));
    CHECK_EQUAL(116444736000000000ll + 951782399ll * 10000000 + 9990000,
                TimeOf((TIME_FIELDS){2000, 2, 28, 23, 59, 59, 999, 0}));
}

TEST(TimeFields_go_through_the_calendar_day_by_day)
{
    static const UCHAR Days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    SHORT Year = 1601;
    SHORT Month = 1;
    SHORT Day = 1;
    LONG Count;

    for (Count = 0; Count < CYCLE_DAYS + 500; Count++) {
        TIME_FIELDS F = FieldsOf(Count * TICKS_OF_DAY + TICKS_OF_DAY - 1);
        SHORT Leap = Year % 4 == 0 && (Year % 100 != 0 || Year % 400 == 0);

        CHECK(F.Year == Year && F.Month == Month && F.Day == Day);
        CHECK(F.Hour == 23 && F.Minute == 59 && F.Second == 59 && F.Milliseconds == 999);
        CHECK_EQUAL((Count + 1) % 7, F.Weekday);
        CHECK_EQUAL((Count + 1) * TICKS_OF_DAY - 10000, TimeOf(F));
        if (++Day > Days[Month - 1] + (Month == 2 && Leap)) {
            Day = 1;
            Month = Month % 12 + 1;
            Year += Month == 1;
        }
    }
}

TEST(TimeFields_reach_the_last_year)
{
    TIME_FIELDS Last = {30827, 12, 31, 23, 59, 59, 999, 5};
    TIME_FIELDS Found = FieldsOf(TimeOf(Last));

    CHECK(Found.Year == 30827 && Found.Month == 12 && Found.Day == 31);
    CHECK_EQUAL(999, Found.Milliseconds);
}

TEST(TimeFieldsToTime_refuses_what_is_no_date)
{
    static const TIME_FIELDS Wrong[] = {
        {1600, 12, 31, 0, 0, 0, 0, 0}, {30828, 1, 1, 0, 0, 0, 0, 0}, {-1, 1, 1, 0, 0, 0, 0, 0},
        {2026, 0, 1, 0, 0, 0, 0, 0},   {2026, 13, 1, 0, 0, 0, 0, 0}, {2026, 1, 0, 0, 0, 0, 0, 0},
        {2026, 1, 32, 0, 0, 0, 0, 0},  {2026, 2, 29, 0, 0, 0, 0, 0}, {1900, 2, 29, 0, 0, 0, 0, 0},
        {2026, 4, 31, 0, 0, 0, 0, 0},  {2026, 1, 1, 24, 0, 0, 0, 0}, {2026, 1, 1, -1, 0, 0, 0, 0},
        {2026, 1, 1, 0, 60, 0, 0, 0},  {2026, 1, 1, 0, 0, 60, 0, 0}, {2026, 1, 1, 0, 0, 0, 1000, 0},
        {2026, 1, 1, 0, 0, 0, -1, 0}};
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Wrong); i++) {
        TIME_FIELDS Fields = Wrong[i];
        LARGE_INTEGER Time = {.QuadPart = 77};

        CHECK(!RtlTimeFieldsToTime(&Fields, &Time));
        CHECK_EQUAL(77, Time.QuadPart);
    }
}

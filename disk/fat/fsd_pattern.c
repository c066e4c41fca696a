/* SPDX-License-Identifier: MIT */
/*
 * fsd_pattern.c - names and patterns of * and ?.
 *
 * NT's three DOS wildcards (<, > and ") are taken for *, ? and a dot: the names that they would
 * tell apart, by where the last dot is, are all listed.  Time is at most the lengths' product.
 *
 * Pure; any IRQL.
 */
#include "disk/fat/fsd_i.h"

static WCHAR FatpWild(WCHAR Unit)
{
    switch (Unit) {
    case u'<':
        return u'*';
    case u'>':
        return u'?';
    case u'"':
        return u'.';
    default:
        return FatUpcase(Unit);
    }
}

BOOLEAN FatMatchesPattern(const WCHAR *Pattern, ULONG PatternUnits, const WCHAR *Name, ULONG Units)
{
    ULONG At = 0;        /* in Name */
    ULONG In = 0;        /* in Pattern */
    ULONG Star = 0;      /* behind the last star, */
    ULONG StarAt = 0;    /* and what it has taken so far */
    BOOLEAN Any = FALSE; /* there was one */

    while (At < Units) {
        WCHAR Wanted = In < PatternUnits ? FatpWild(Pattern[In]) : 0;

        if (In < PatternUnits && Wanted == u'*') {
            Any = TRUE;
            Star = ++In;
            StarAt = At;
        } else if (In < PatternUnits && (Wanted == u'?' || Wanted == FatUpcase(Name[At]))) {
            In++;
            At++;
        } else if (Any) {
            In = Star;
            At = ++StarAt;
        } else {
            return FALSE;
        }
    }
    while (In < PatternUnits && FatpWild(Pattern[In]) == u'*') {
        In++;
    }
    return In == PatternUnits;
}

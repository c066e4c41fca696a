/* SPDX-License-Identifier: MIT */
/*
 * page_color.c - how many colours there are.
 */
#include "mm/pfn/page_color.h"

ULONG MiColorMask = MI_MAXIMUM_COLORS - 1;

static ULONG MipNextColor; /* a hint: a lost update costs nothing */

void MiSetPageColors(ULONG Colors)
{
    ULONG Power = MI_MAXIMUM_COLORS;

    while (Colors != 0 && Power > Colors) {
        Power /= 2;
    }
    MiColorMask = Power - 1;
}

ULONG MiPageColorsOfCache(ULONG Kilobytes)
{
    ULONG Colors = (Kilobytes == 0 ? 256 : Kilobytes) / (PAGE_SIZE / 1024);

    return Colors == 0 ? 1 : Colors;
}

ULONG MiNextPageColor(void)
{
    return MipNextColor++;
}

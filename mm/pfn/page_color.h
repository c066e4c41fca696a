/* SPDX-License-Identifier: MIT */
/*
 * page_color.h - frames of different colours do not compete for the same lines of a cache.
 *
 * A direct-mapped cache of n pages puts frames that are equal modulo n at the same place; so that
 * number is the frame's colour.  Neighbouring pages ask for neighbouring colours.
 */
#ifndef MM_PFN_PAGE_COLOR_H
#define MM_PFN_PAGE_COLOR_H

#include "nt/types.h"

#define MI_MAXIMUM_COLORS     64
#define MI_FRAME_COLOR(Frame) ((Frame)&MiColorMask)

extern ULONG MiColorMask; /* (I) the number of colours, a power of two, minus 1 */

/*
 * Set the number of colours: Colors rounded down to a power of two, 1 to MI_MAXIMUM_COLORS; 0: the
 * default, which is the maximum.  => Before MiInitializePfnDatabase.
 */
void MiSetPageColors(ULONG Colors);

/* The colours of a direct-mapped cache of Kilobytes (SecondLevelDataCache).  0: 256 Kilobytes. */
ULONG MiPageColorsOfCache(ULONG Kilobytes);

/* The colour to ask for when the address suggests none: each call the next.  => Any IRQL. */
ULONG MiNextPageColor(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * run_picture.h - memory maps as pictures, one letter a page, so that a test shows its ranges.
 *
 *     .  nobody    F  free           t  firmware, temporary   P  firmware, permanent
 *     A  ACPI      N  ACPI NVS       I  device registers      B  bad
 *     K  kernel    D  boot data      T  page tables           h  above 4 GB    x  withheld
 */
#ifndef RUN_PICTURE_H
#define RUN_PICTURE_H

#include "efi/memory_map.h"

#define PICTURE_PAGES 96

/* => Returns the LOADER_MEMORY_TYPE of a letter; LOADER_MEMORY_TYPES for '.'. */
ULONG PictureType(char Letter);

/* => Returns the letter of a LOADER_MEMORY_TYPE. */
char PictureLetter(ULONG Type);

/*
 * Draw the pages from FirstPage on.
 *
 * => Picture has PICTURE_PAGES + 1 bytes; gaps at its end are not drawn.
 */
void DrawRuns(char *Picture, ULONG64 FirstPage, const LOADER_MEMORY_RUN *Runs, ULONG Count);

#endif

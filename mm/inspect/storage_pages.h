/* SPDX-License-Identifier: MIT */
/*
 * storage_pages.h - the part of the storage run that moves pages.
 */
#ifndef MM_INSPECT_STORAGE_PAGES_H
#define MM_INSPECT_STORAGE_PAGES_H

#include "io.h"

/*
 * Write a file by bytes, read its pages into frames; write other pages from frames, read it by
 * bytes; cut it.  The file, in the root directory, is deleted.  Prints a line of the report.
 *
 * => PASSIVE_LEVEL.
 */
void MiRunStoragePages(PDEVICE_OBJECT Volume);

#endif

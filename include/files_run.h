/* SPDX-License-Identifier: MIT */
/*
 * files_run.h - a file larger than memory, cached, mapped and shared: the word "files" of /RUN.
 */
#ifndef FILES_RUN_H
#define FILES_RUN_H

#include "nt/types.h"

/*
 * Write \??\C:\files.dat through the cache, read it, share it by a named section between two
 * processes that change it through their views, copy pages on write, change it through the cache
 * again, read it past the cache, flush it.  Every page says which one it is, and is compared each
 * time.  The file stays, so that others can look at it.  Prints lines of the report, and "# files:"
 * lines with the real counters after each step.
 *
 * Options, each after a colon of its own: a number of MB (256; multiples of 4, at least 8), a seed
 * (1); and in any place
 *
 *     errors    calls may fail: they are made again until they succeed, and nothing may be lost
 *
 * => PASSIVE_LEVEL.
 */
void MiRunFiles(PCSTR Options);

#endif

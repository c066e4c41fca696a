/* SPDX-License-Identifier: MIT */
/*
 * storage_run.h - much work for a volume, judged: the word "storage" of /RUN.
 */
#ifndef STORAGE_RUN_H
#define STORAGE_RUN_H

#include "io.h"

/*
 * Write files of many sizes into \storage, read them back, change them, read them again; print
 * lines of the report.
 *
 * Options, each after a colon of its own: "errors", a number of MB to write (64), a seed (1).  With
 * "errors" operations may fail: the run passes when each failure came in bounded time with a status
 * that stands for one, and no file is wrong on which every operation succeeded.  The files on which
 * one failed are named ("# storage: doubtful N").
 *
 * => PASSIVE_LEVEL.  Volume: NULL makes a failed line.
 */
void MiRunStorage(PDEVICE_OBJECT Volume, PCSTR Options);

#endif

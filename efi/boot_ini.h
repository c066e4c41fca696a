/* SPDX-License-Identifier: MIT */
/*
 * boot_ini.h - boot.ini: the switches of the entry that is booted.
 */
#ifndef EFI_BOOT_INI_H
#define EFI_BOOT_INI_H

#include "complaint.h"
#include "loader.h"
#include "nt/types.h"

/* What holds without boot.ini: no limits, 115200 baud, an interactive start. */
void BlDefaultOptions(LOADER_OPTIONS *Options);

/*
 * Read the switches of the entry named by default=, or of the first entry.
 *
 * => Text is UTF-8 (with or without a byte order mark) or UTF-16 with one; Bytes 0 means that there
 *    is no file, which is no reason to complain.
 * => *Options is filled in any case.  What cannot be used is told to Complain, counted in
 *    Options->Warnings, and left at its default.
 */
void BlParseBootIni(const void *Text, SIZE_T Bytes, LOADER_OPTIONS *Options, BL_COMPLAINT *Complain,
                    PVOID Context);

#endif

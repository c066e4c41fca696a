/* SPDX-License-Identifier: MIT */
/*
 * report_files.h - the boot's report about files, beyond MiReportFiles.
 */
#ifndef MM_INSPECT_REPORT_FILES_H
#define MM_INSPECT_REPORT_FILES_H

#include "nt/status.h"

/*
 * Does Status, of the first writes of a file, say that the volume is full, or not to be changed?
 *
 * => Then that was said, after What: there is nothing to report.
 */
BOOLEAN MiReportCannotChange(PCSTR What, NTSTATUS Status);

/*
 * A file that two processes map.
 *
 * => PASSIVE_LEVEL.  There is a C: that can be written.  Everything that is taken is given back.
 */
void MiReportMappedFile(void);

/*
 * A file's way through the system cache.
 *
 * => As above.  A machine without a cache: that is said.
 */
void MiReportCachedFile(void);

#endif

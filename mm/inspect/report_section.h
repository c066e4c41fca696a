/* SPDX-License-Identifier: MIT */
/*
 * report_section.h - the boot's report about sections.
 */
#ifndef MM_INSPECT_REPORT_SECTION_H
#define MM_INSPECT_REPORT_SECTION_H

#include "nt/types.h"

/*
 * => PASSIVE_LEVEL.  Everything that is taken is given back.  PageOut: pages can be written to a
 *    paging file and read again.
 */
void MiReportSections(BOOLEAN PageOut);

#endif

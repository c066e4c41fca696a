/* SPDX-License-Identifier: MIT */
/*
 * report_space.h - the boot's report about address spaces.
 */
#ifndef MM_INSPECT_REPORT_SPACE_H
#define MM_INSPECT_REPORT_SPACE_H

/* => PASSIVE_LEVEL.  Everything that is taken is given back. */
void MiReportAddressSpaces(void);

#endif

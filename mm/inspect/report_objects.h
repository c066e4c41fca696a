/* SPDX-License-Identifier: MIT */
/*
 * report_objects.h - the boot's report about objects.
 */
#ifndef MM_INSPECT_REPORT_OBJECTS_H
#define MM_INSPECT_REPORT_OBJECTS_H

/* => PASSIVE_LEVEL, after processes.  Everything that is made goes. */
void MiReportObjects(void);

#endif

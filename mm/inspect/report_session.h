/* SPDX-License-Identifier: MIT */
/*
 * report_session.h - the boot's report about sessions.
 */
#ifndef MM_INSPECT_REPORT_SESSION_H
#define MM_INSPECT_REPORT_SESSION_H

#include "nt/types.h"

/*
 * => PASSIVE_LEVEL.  Everything that is taken is given back.  PageOut: pages can be written to a
 *    paging file and read again.
 */
void MiReportSessions(BOOLEAN PageOut);

#endif

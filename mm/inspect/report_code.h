/* SPDX-License-Identifier: MIT */
/*
 * report_code.h - the boot's report about pageable code.
 */
#ifndef MM_INSPECT_REPORT_CODE_H
#define MM_INSPECT_REPORT_CODE_H

/* => PASSIVE_LEVEL, after MmCreatePagingFiles.  Says so where nothing is pageable. */
void MiReportPageableCode(void);

#endif

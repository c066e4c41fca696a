/* SPDX-License-Identifier: MIT */
/*
 * bench_faults.h - what the rows of faults, paging and files share: a process' memory to touch.
 */
#ifndef MM_INSPECT_BENCH_FAULTS_H
#define MM_INSPECT_BENCH_FAULTS_H

#include "bench.h"

/* Reserve and commit pages of the running process, untouched.  => 0: no memory. */
ULONG_PTR MiAllocateForBench(ULONG Pages);
void MiFreeAfterBench(ULONG_PTR Base);

/* => Anything but success stops the machine. */
void MiTouchForBench(ULONG_PTR Va);
void MiTouchAllForBench(ULONG_PTR Base, ULONG Pages);
void MiWriteForBench(ULONG_PTR Va);

/* What copying a page takes, no fault.  => FALSE: there is no memory. */
BOOLEAN MiMeasurePageCopy(PMI_BENCH_FIGURES Figures);

/* Run Measure in a process of its own.  => Its rows; 0: there is no memory for a process. */
ULONG MiMeasureInProcess(ULONG (*Measure)(MI_BENCH_PRINT *), MI_BENCH_PRINT *Print);

#endif

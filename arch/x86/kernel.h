/* SPDX-License-Identifier: MIT */
/*
 * kernel.h - the parts of the kernel's start that kmain.c puts in order.
 */
#ifndef X86_KERNEL_H
#define X86_KERNEL_H

#include "loader.h"
#include "nt/types.h"

/* The block that we were entered with; valid until mm reclaims the boot window. */
extern const LOADER_BLOCK *KiLoaderBlock;

/* => Called by start.S, once. */
NT_NORETURN void KiSystemStartup(const LOADER_BLOCK *Block);

/* ---- describe.c: what the console says of the machine, in this order ---- */
void KiDescribeBuild(void);
void KiDescribeFirmware(void);
void KiDescribeProcessor(void);
void KiDescribeMemory(void);
void KiDescribeSwitch(void);
void KiDescribeDevices(void);

/* ---- report.c ---- */

/* The boot's report: a line for each thing that was shown. */
void KiRunReport(void);

/* ---- probes.c ---- */

/* The negative probes: each must fault, in the expected way.  Reports a line for each. */
void KiRunProbes(void);

/* ---- bench.c ---- */
void KiRunBenchmarks(ULONG64 PromptTsc);
void KiRunDiskBenchmarks(void);   /* the first disk's rows alone */
void KiRunPagingBenchmarks(void); /* those of paging files */
void KiRunSetBenchmarks(void);    /* those of large working sets */
void KiRunFileBenchmarks(void);   /* those of views of files and of their cache */

/* ---- crash.c ---- */

/* Provoke a bug check.  => Returns when Kind is not known. */
void KiCrash(const char *Kind);
extern const char KiCrashKinds[];

/* ---- run.c ---- */

/* Do what /RUN asks for, or the report and then the monitor. */
NT_NORETURN void KiRun(const char *List);

/* Print the verdict of all that ran, and end the run with it. */
NT_NORETURN void KiEndRun(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * run.c - what to do once the machine is up: the words of /RUN, in their order.
 *
 *     report        the boot's report
 *     bench         the benchmark rows
 *     bench:disk    those of the first disk
 *     bench:paging  those of paging files; bench:sets those of large working sets
 *     bench:files   those of views of files and of their cache
 *     storage       files written to the boot volume, read and changed (storage_run.h has options)
 *     paging        more memory than there is, used and checked (paging_run.h has options)
 *     files         a file larger than memory, cached and mapped (files_run.h has options)
 *     crash:<kind>  a bug check on purpose (crash.c)
 *     wait          print READY, then take the list from the console (a restored machine's start)
 *     script        the monitor's commands in monitor.txt on the disk
 *     example       two processes that stay, to be looked at (example.h)
 *     monitor       the monitor at once
 *     shutdown      print the verdict and end the machine with it
 *
 * Without /RUN: the report.  A list without an end goes on to the example and the monitor.
 */
#include "arch/cpu.h"
#include "arch/x86/kernel.h"
#include "arch/x86/power.h"
#include "arch/x86/print.h"
#include "example.h"
#include "files_run.h"
#include "mm_machine.h"
#include "monitor.h"
#include "paging_run.h"
#include "rtl.h"
#include "storage_run.h"
#include "system_volume.h"

#define KIP_LINE_BYTES LOADER_RUN_BYTES

static ULONG64 KipPromptTsc;

void KiEndRun(void)
{
    MiEndExample();
    IoShutdownVolumes();
    KiPrint("# %llu cycles since the loader's entry\n",
            (unsigned long long)(KeReadCycleCounter() - KiLoaderBlock->EntryTsc));
    HalEndRun(KiReportVerdict() ? HalRunPassed : HalRunFailed);
}

static void KipWait(void)
{
    char Line[KIP_LINE_BYTES];

    KiPrint("READY\n");
    MiReadConsoleLine(Line, sizeof(Line));
    KiRun(Line);
}

/* => Word is one of the list's, zero terminated. */
static void KipRunWord(const char *Word)
{
    if (strcmp(Word, "report") == 0) {
        KiRunReport();
    } else if (strcmp(Word, "bench") == 0) {
        KiRunBenchmarks(KipPromptTsc);
    } else if (strcmp(Word, "bench:disk") == 0) {
        KiRunDiskBenchmarks();
    } else if (strcmp(Word, "bench:paging") == 0) {
        KiRunPagingBenchmarks();
    } else if (strcmp(Word, "bench:sets") == 0) {
        KiRunSetBenchmarks();
    } else if (strcmp(Word, "bench:files") == 0) {
        KiRunFileBenchmarks();
    } else if (strcmp(Word, "storage") == 0 || strncmp(Word, "storage:", 8) == 0) {
        MiRunStorage(IoSystemVolume(), Word + 7);
    } else if (strcmp(Word, "paging") == 0 || strncmp(Word, "paging:", 7) == 0) {
        MiRunPaging(Word + 6);
    } else if (strcmp(Word, "files") == 0 || strncmp(Word, "files:", 6) == 0) {
        MiRunFiles(Word + 5);
    } else if (strcmp(Word, "example") == 0) {
        MiStartExample();
    } else if (strcmp(Word, "wait") == 0) {
        KipWait();
    } else if (strcmp(Word, "script") == 0) {
        (void)MiRunDiskScript();
        MiLookHome(); /* the words behind it begin where they always do */
    } else if (strcmp(Word, "monitor") == 0) {
        KiReportVerdict();
        MiRunMonitor();
    } else if (strcmp(Word, "shutdown") == 0) {
        KiEndRun();
    } else if (strncmp(Word, "crash:", 6) == 0) {
        KiCrash(Word + 6);
        KiReport(FALSE, "/RUN: crash:%s is not known; there are: %s %s", Word + 6, KiCrashKinds,
                 MmCrashKinds);
    } else {
        KiReport(FALSE, "/RUN: \"%s\" is not known", Word);
    }
}

/* Cut the next word off the list.  => Returns the rest. */
static const char *KipNextWord(const char *List, char Word[KIP_LINE_BYTES])
{
    SIZE_T Used = 0;

    while (*List != 0 && *List != ',' && Used + 1 < KIP_LINE_BYTES) {
        Word[Used++] = *List++;
    }
    Word[Used] = 0;
    return *List == ',' ? List + 1 : List;
}

void KiRun(const char *List)
{
    char Word[KIP_LINE_BYTES];

    if (KipPromptTsc == 0) {
        KipPromptTsc = KeReadCycleCounter();
    }
    if (List[0] == 0) {
        List = "report";
    }
    while (List[0] != 0) {
        List = KipNextWord(List, Word);
        KipRunWord(Word);
    }
    KiReportVerdict();
    MiStartExample();
    MiRunMonitor();
}

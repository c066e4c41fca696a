/* SPDX-License-Identifier: MIT */
/*
 * thread_commands.c - !thread, !ready, !running, !stacks.
 */
#include "mm/inspect/commands.h"

#include "mm/ke/thread.h"

/* => FALSE: a sentence was printed. */
static BOOLEAN MipHasThreads(void)
{
    if (KeGetCurrentThread() == NULL) {
        MiFail("There are no threads yet.");
        return FALSE;
    }
    return TRUE;
}

/* Without an address the running thread; -1 is what WinDbg calls that. */
void MiCommandThread(const char *Arguments)
{
    ULONG_PTR Thread = 0;

    if (!MipHasThreads() ||
        (strcmp(Arguments, "-1") != 0 && !MiTakeOptional(&Arguments, 0, &Thread))) {
        return;
    }
    if (Thread == 0) {
        Thread = (ULONG_PTR)KeGetCurrentThread();
    }
    if (!KiDumpThread(KiConsoleSink, NULL, (const void *)Thread)) {
        MiFail("%08X is not the address of a thread; !stacks lists them.", (ULONG)Thread);
    }
}

void MiCommandReady(const char *Arguments)
{
    (void)Arguments;
    if (MipHasThreads()) {
        KiDumpThreads(KiConsoleSink, NULL, KiReadyThreads);
    }
}

void MiCommandRunning(const char *Arguments)
{
    (void)Arguments;
    if (MipHasThreads()) {
        KiDumpThreads(KiConsoleSink, NULL, KiRunningThreads);
    }
}

void MiCommandStacks(const char *Arguments)
{
    ULONG_PTR Detail;

    if (!MipHasThreads() || !MiTakeOptional(&Arguments, 0, &Detail)) {
        return;
    }
    if (Detail > 2) {
        MiFail("The detail is 0 (a line each), 1 (with waits) or 2 (everything).");
        return;
    }
    KiDumpStacks(KiConsoleSink, NULL, (ULONG)Detail, Arguments);
}

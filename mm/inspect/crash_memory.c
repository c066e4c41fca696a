/* SPDX-License-Identifier: MIT */
/*
 * crash_memory.c - the core's bug checks, provoked on purpose.
 *
 * Each kind does the forbidden thing itself, after it has said which bug check that deserves: code
 * and parameters come from the documentation and from the addresses in play, so that the stop
 * screen can be compared with them.
 */
#include "mm/inspect/crash_memory.h"

#include "report.h"
#include "rtl.h"

const char MmCrashKinds[] =
    "paged-at-dispatch paged-by-driver paged-freed pool-double-free pool-double-free-page "
    "pool-wrong-tag pool-overrun pool-irql pool-free-irql pool-must-succeed pool-no-tag "
    "pool-user-address pool-never pool-misaligned pool-quota special-overrun special-underrun "
    "special-freed special-pattern special-double-free frame-double-free frame-bad frame-readonly "
    "mdl-unlocked mdl-twice mdl-unmap mdl-unlock pte-double-release pte-partial pte-none "
    "contiguous-twice kernel-stack lock-owned lock-free wait-at-dispatch delay-at-dispatch "
    "mutant-not-owned worker-twice worker-irql";

MM_STOP MmExpectedStop;

static void MipPrintParameter(ULONG_PTR Parameter)
{
    if (Parameter == MI_ANY_PARAMETER) {
        KiPrint("any");
    } else {
        KiPrint("0x%08lX", (unsigned long)Parameter);
    }
}

void MiExpectStop(ULONG Code, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3, ULONG_PTR P4)
{
    ULONG i;

    MmExpectedStop = (MM_STOP){.Code = Code, .Parameter = {P1, P2, P3, P4}};
    KiPrint("# expected: STOP 0x%08X (", Code);
    for (i = 0; i < 4; i++) {
        KiPrint("%s", i == 0 ? "" : ", ");
        MipPrintParameter(MmExpectedStop.Parameter[i]);
    }
    KiPrint(")\n");
}

void MmCrash(const char *Kind)
{
    const MI_CRASH *const Tables[] = {MiPoolCrashes, MiMappingCrashes, MiThreadCrashes};
    const MI_CRASH *Crash;
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Tables); i++) {
        for (Crash = Tables[i]; Crash->Name != NULL; Crash++) {
            if (strcmp(Kind, Crash->Name) == 0) {
                Crash->Routine();
            }
        }
    }
}

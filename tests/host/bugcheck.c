/* SPDX-License-Identifier: MIT */
/*
 * bugcheck.c - the last exit: KeBugCheckEx ends the test, unless the test asked for it.
 */
#include "tests/host/machine_i.h"
#include "tests/unit/test.h"

#include <sanitizer/common_interface_defs.h>
#include <setjmp.h>
#include <stdio.h>

/* Where a bug check goes on; on the stack of HostCatchBugCheck. */
typedef struct _HOST_CATCH {
    jmp_buf Escape;
    HOST_STACK Stack;
    HOST_CPU_STATE Cpu;
    HOST_BUGCHECK BugCheck;
    struct _HOST_CATCH *Outer;
} HOST_CATCH, *PHOST_CATCH;

static PHOST_CATCH CurrentCatch;

void HostpBugCheckReset(void)
{
    CurrentCatch = NULL;
}

static NT_NORETURN void ReportBugCheck(const HOST_BUGCHECK *BugCheck)
{
    __sanitizer_print_stack_trace();
    TestFail("tests/host", 0, "bug check 0x%08X (0x%08lX, 0x%08lX, 0x%08lX, 0x%08lX) at IRQL %u",
             (unsigned)BugCheck->Code, (unsigned long)BugCheck->Parameter[0],
             (unsigned long)BugCheck->Parameter[1], (unsigned long)BugCheck->Parameter[2],
             (unsigned long)BugCheck->Parameter[3], KeGetCurrentIrql());
}

NT_NORETURN void NTAPI KeBugCheckEx(ULONG Code, ULONG_PTR Parameter1, ULONG_PTR Parameter2,
                                    ULONG_PTR Parameter3, ULONG_PTR Parameter4)
{
    HOST_BUGCHECK BugCheck = {Code, {Parameter1, Parameter2, Parameter3, Parameter4}};

    HostSetUserMode(FALSE);
    if (CurrentCatch == NULL) {
        ReportBugCheck(&BugCheck);
    }
    CurrentCatch->BugCheck = BugCheck;
    longjmp(CurrentCatch->Escape, 1);
}

void HostpRequire(BOOLEAN Holds, ULONG_PTR Value)
{
    if (!Holds) {
        KeBugCheckEx(HOST_BUGCHECK_CONTRACT, (ULONG_PTR)__builtin_return_address(0), Value, 0, 0);
    }
}

BOOLEAN HostCatchBugCheck(KSTART *Routine, PVOID Context, PHOST_BUGCHECK BugCheck)
{
    HOST_CATCH Catch;
    volatile BOOLEAN Caught = FALSE; /* changes between setjmp and longjmp */

    Catch.Stack = HostpCurrentStack();
    Catch.Cpu = HostpCpuState();
    Catch.Outer = CurrentCatch;
    CurrentCatch = &Catch;
    if (setjmp(Catch.Escape) == 0) {
        Routine(Context);
    } else {
        Caught = TRUE;
        HostpLandOnStack(Catch.Stack);
        HostpSetCpuState(Catch.Cpu);
        HostpForgetHeldLocks();
        *BugCheck = Catch.BugCheck;
    }
    CurrentCatch = Catch.Outer;
    return Caught;
}

void HostExpectBugCheck(ULONG Code, KSTART *Routine, PVOID Context)
{
    HOST_BUGCHECK BugCheck;

    if (!HostCatchBugCheck(Routine, Context, &BugCheck)) {
        TestFail("tests/host", 0, "expected bug check 0x%08X, there was none", (unsigned)Code);
    }
    CHECK_EQUAL(Code, BugCheck.Code);
}

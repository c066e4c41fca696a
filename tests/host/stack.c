/* SPDX-License-Identifier: MIT */
/*
 * stack.c - switching stacks, and keeping ASan informed.
 *
 * A stack that is not running ends, at its saved pointer, in a HOST_SWITCH_FRAME.  The frame
 * carries the stack's extent, so no table of stacks is needed.  ASan wants the extent for its
 * reports and for cleaning up behind calls that do not return.
 */
#define _GNU_SOURCE

#include "tests/host/machine_i.h"

#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <string.h>

typedef struct _HOST_SWITCH_FRAME {
    HOST_STACK Stack;
    ULONG Edi;
    ULONG Esi;
    ULONG Ebx;
    ULONG Ebp;
    ULONG_PTR Eip;
    /* only on a stack that never ran: the call of its first routine */
    ULONG_PTR ReturnAddress;
    KSTART *Routine;
    PVOID Context;
} HOST_SWITCH_FRAME, *PHOST_SWITCH_FRAME;

/* As cpu.h's KiSwapStack; Stack is the extent of the stack that is being left. */
void HostpSwitchStack(PVOID *Save, PVOID Next, ULONG_PTR Bottom, ULONG_PTR Top);

__asm__(".text\n"
        ".globl HostpSwitchStack\n"
        ".type HostpSwitchStack, @function\n"
        "HostpSwitchStack:\n"
        "    movl 4(%esp), %eax\n"
        "    movl 8(%esp), %ecx\n"
        "    movl 12(%esp), %edx\n"
        "    pushl %ebp\n"
        "    pushl %ebx\n"
        "    pushl %esi\n"
        "    pushl %edi\n"
        "    pushl 32(%esp)\n" /* Top */
        "    pushl %edx\n"     /* Bottom */
        "    movl %esp, (%eax)\n"
        "    movl %ecx, %esp\n"
        "    addl $8, %esp\n"
        "    popl %edi\n"
        "    popl %esi\n"
        "    popl %ebx\n"
        "    popl %ebp\n"
        "    ret\n"
        ".size HostpSwitchStack, . - HostpSwitchStack\n");

static HOST_STACK FirstStack;
static HOST_STACK CurrentStack;
static HOST_STACK Simulated; /* from the lowest to the highest in the machine's own memory */
PVOID HostpExceptionList;

HOST_STACK HostpCurrentStack(void)
{
    return CurrentStack;
}

void HostpCleanStack(HOST_STACK Stack)
{
    ASAN_UNPOISON_MEMORY_REGION((PVOID)Stack.Bottom, Stack.Top - Stack.Bottom);
}

static void NoteStack(HOST_STACK Stack)
{
    if (!HostIsSimulated(Stack.Bottom, Stack.Top - Stack.Bottom)) {
        return;
    }
    if (Simulated.Top == 0 || Stack.Bottom < Simulated.Bottom) {
        Simulated.Bottom = Stack.Bottom;
    }
    if (Stack.Top > Simulated.Top) {
        Simulated.Top = Stack.Top;
    }
}

/* The next machine has other things at these addresses. */
void HostpForgetStacks(void)
{
    HostpCleanStack(Simulated);
    Simulated = (HOST_STACK){0, 0};
}

static void FindFirstStack(void)
{
    pthread_attr_t Attributes;
    PVOID Bottom;
    size_t Bytes;

    if (pthread_getattr_np(pthread_self(), &Attributes) != 0 ||
        pthread_attr_getstack(&Attributes, &Bottom, &Bytes) != 0) {
        HostpDie("cannot find the stack");
    }
    pthread_attr_destroy(&Attributes);
    FirstStack.Bottom = (ULONG_PTR)Bottom;
    FirstStack.Top = (ULONG_PTR)Bottom + Bytes;
    CurrentStack = FirstStack;
}

void HostpAdoptStack(HOST_STACK Stack)
{
    PVOID FakeStack;

    __sanitizer_start_switch_fiber(&FakeStack, (PVOID)Stack.Bottom, Stack.Top - Stack.Bottom);
    CurrentStack = Stack;
    __sanitizer_finish_switch_fiber(FakeStack, NULL, NULL);
}

/* Dead frames of this stack, below the caller's, are still marked. */
void HostpLandOnStack(HOST_STACK Stack)
{
    HOST_STACK Dead = Stack;

    if (CurrentStack.Top != Stack.Top) {
        HostpAdoptStack(Stack);
        Dead.Top = (ULONG_PTR)__builtin_frame_address(0);
        HostpCleanStack(Dead);
    }
}

void HostpLandOnFirstStack(void)
{
    if (FirstStack.Top == 0) {
        FindFirstStack();
    }
    HostpLandOnStack(FirstStack);
}

/* ---- include/arch/cpu.h ---- */

static void RunFirstRoutine(KSTART *Routine, PVOID Context)
{
    HostpExceptionList = EXCEPTION_CHAIN_END;
    __sanitizer_finish_switch_fiber(NULL, NULL, NULL);
    Routine(Context);
    HostpRequire(FALSE, (ULONG_PTR)Routine); /* it must never return */
}

PVOID KiInitializeStack(PVOID StackTop, SIZE_T StackBytes, KSTART *Routine, PVOID Context)
{
    ULONG_PTR Top = (ULONG_PTR)StackTop;
    PHOST_SWITCH_FRAME Frame;

    HostpRequire(Top % 16 == 0 && StackBytes >= sizeof(*Frame) + 16, Top);
    /* the ABI wants arguments on 16 bytes: two of them, and room for two more */
    Frame = (PHOST_SWITCH_FRAME)(Top - 16 - FIELD_OFFSET(HOST_SWITCH_FRAME, Routine));
    HostpCleanStack((HOST_STACK){Top - StackBytes, Top});
    NoteStack((HOST_STACK){Top - StackBytes, Top});
    memset(Frame, 0, sizeof(*Frame));
    Frame->Stack.Bottom = Top - StackBytes;
    Frame->Stack.Top = Top;
    Frame->Eip = (ULONG_PTR)RunFirstRoutine;
    Frame->Routine = Routine;
    Frame->Context = Context;
    return Frame;
}

void KiSwapStack(PVOID *Save, PVOID Next)
{
    HOST_STACK Mine = CurrentStack;
    HOST_STACK Other = ((PHOST_SWITCH_FRAME)Next)->Stack;
    PVOID List = HostpExceptionList;
    PVOID FakeStack;

    HostpRequire(KeGetCurrentIrql() == DISPATCH_LEVEL, KeGetCurrentIrql());
    HostpRequire(HostpCpuState().InterruptsEnabled, 0);
    HostpTraceSwitch();
    __sanitizer_start_switch_fiber(&FakeStack, (PVOID)Other.Bottom, Other.Top - Other.Bottom);
    CurrentStack = Other;
    HostpSwitchStack(Save, Next, Mine.Bottom, Mine.Top);
    __sanitizer_finish_switch_fiber(FakeStack, NULL, NULL);
    HostpExceptionList = List;
}

void NTAPI IoGetStackLimits(PULONG_PTR LowLimit, PULONG_PTR HighLimit)
{
    *LowLimit = CurrentStack.Bottom;
    *HighLimit = CurrentStack.Top;
}

PVOID KiExchangeExceptionList(PVOID List)
{
    PVOID Old = HostpExceptionList;

    HostpExceptionList = List;
    return Old;
}

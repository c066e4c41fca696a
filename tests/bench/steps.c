/* SPDX-License-Identifier: MIT */
/*
 * steps.c - the child stops itself with int3 in front of what is to be counted and behind it;
 * between the two its parent lets it do one instruction at a time.
 */
#define _GNU_SOURCE
#include "tests/bench/steps.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static void RunChild(STEPS_OPERATION *Operation, void *Context, unsigned Warm, unsigned Count)
{
    unsigned Index;

    ptrace(PTRACE_TRACEME, 0, 0, 0);
    for (Index = 0; Index < Warm; Index++) {
        Operation(Context);
    }
    __asm__ volatile("int3");
    for (Index = 0; Index < Count; Index++) {
        Operation(Context);
    }
    __asm__ volatile("int3");
    _exit(0);
}

static void WaitForStop(pid_t Child)
{
    int Status;

    if (waitpid(Child, &Status, 0) != Child || !WIFSTOPPED(Status) || WSTOPSIG(Status) != SIGTRAP) {
        fprintf(stderr, "the measured program died (status %#x)\n", (unsigned)Status);
        exit(1);
    }
}

/* The trap of int3, as opposed to that of a single step. */
static int StoppedByBreakpoint(pid_t Child)
{
    siginfo_t Info;

    ptrace(PTRACE_GETSIGINFO, Child, 0, &Info);
    return Info.si_code == SI_KERNEL;
}

static unsigned long CountSteps(STEPS_OPERATION *Operation, void *Context, unsigned Warm,
                                unsigned Count)
{
    unsigned long Steps = 0;
    pid_t Child = fork();

    if (Child == 0) {
        RunChild(Operation, Context, Warm, Count);
    }
    WaitForStop(Child);
    for (;;) {
        ptrace(PTRACE_SINGLESTEP, Child, 0, 0);
        WaitForStop(Child);
        if (StoppedByBreakpoint(Child)) {
            break;
        }
        Steps++;
    }
    ptrace(PTRACE_CONT, Child, 0, 0);
    waitpid(Child, NULL, 0);
    return Steps;
}

static void Nothing(void *Context)
{
    (void)Context;
}

unsigned StepsCount(STEPS_OPERATION *Operation, void *Context, unsigned Warm, unsigned Count)
{
    unsigned long Empty = CountSteps(Nothing, Context, 0, Count);
    unsigned long Full = CountSteps(Operation, Context, Warm, Count);

    return (unsigned)((Full - Empty + Count / 2) / Count);
}

/* SPDX-License-Identifier: MIT */
/*
 * trace.c - blocks that come and go, chosen by one generator, so that each allocator sees the same.
 *
 * Memory is taken in a process that the allocator has to itself: the trace runs in a child.
 */
#include "tests/bench/trace.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STEPS     2000000u
#define MOST_LIVE 10000u

static void *Live[MOST_LIVE];
static uint32_t Sizes[MOST_LIVE];
static uint32_t State;

static uint32_t Below(uint32_t Limit)
{
    State ^= State << 13;
    State ^= State >> 17;
    State ^= State << 5;
    return State % Limit;
}

const char *TraceName(TRACE Trace)
{
    static const char *const Names[TraceCount] = {"pairs of 64", "16-1024, 1,000 live",
                                                  "8-128, 10,000 live", "mixed, 1,000 live"};

    return Names[Trace];
}

static uint32_t LiveOf(TRACE Trace)
{
    static const uint32_t Counts[TraceCount] = {1, 1000, 10000, 1000};

    return Counts[Trace];
}

static uint32_t DrawSize(TRACE Trace)
{
    switch (Trace) {
    case TracePairs:
        return 64;
    case TraceRandom:
        return 16 + Below(1009);
    case TraceSmall:
        return 8 + Below(121);
    default:
        return 1 + (Below(10) == 0 ? Below(4 * 4096) : Below(10) == 0 ? Below(4096) : Below(400));
    }
}

static void Replace(TRACE Trace, const ALLOCATOR *Allocator, uint32_t Index)
{
    if (Live[Index] != NULL) {
        Allocator->Free(Live[Index]);
    }
    Sizes[Index] = DrawSize(Trace);
    Live[Index] = Allocator->Allocate(Sizes[Index]);
    if (Live[Index] == NULL) {
        fprintf(stderr, "%s ran out of memory\n", Allocator->Name);
        exit(1);
    }
    *(volatile char *)Live[Index] = 1;
}

static double Now(void)
{
    struct timespec Time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &Time);
    return (double)Time.tv_sec * 1e9 + (double)Time.tv_nsec;
}

static TRACE_RESULT Run(TRACE Trace, const ALLOCATOR *Allocator)
{
    TRACE_RESULT Result = {0};
    uint32_t Count = LiveOf(Trace);
    uint32_t Step;
    double Start;

    State = 0x9E3779B9u;
    for (Step = 0; Step < Count; Step++) {
        Replace(Trace, Allocator, Step);
    }
    Start = Now();
    for (Step = 0; Step < STEPS; Step++) {
        Replace(Trace, Allocator, Below(Count));
    }
    Result.Nanoseconds = (Now() - Start) / STEPS;
    for (Step = 0; Step < Count; Step++) {
        Result.LiveBytes += Sizes[Step];
    }
    Result.TakenBytes = Allocator->Bytes();
    return Result;
}

TRACE_RESULT TraceRun(TRACE Trace, const ALLOCATOR *Allocator)
{
    TRACE_RESULT Result = {0};
    int Pipe[2];
    int Status = 0;
    pid_t Child;

    fflush(stdout);
    if (pipe(Pipe) != 0 || (Child = fork()) < 0) {
        perror("trace");
        exit(1);
    }
    if (Child == 0) {
        Result = Run(Trace, Allocator);
        _exit(write(Pipe[1], &Result, sizeof(Result)) == sizeof(Result) ? 0 : 1);
    }
    close(Pipe[1]);
    if (read(Pipe[0], &Result, sizeof(Result)) != sizeof(Result) ||
        waitpid(Child, &Status, 0) != Child || Status != 0) {
        fprintf(stderr, "trace %s died\n", TraceName(Trace));
        exit(1);
    }
    close(Pipe[0]);
    return Result;
}

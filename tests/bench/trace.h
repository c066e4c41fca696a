/* SPDX-License-Identifier: MIT */
/*
 * trace.h - the same steps on any allocator: how long they take, and how much memory.
 */
#ifndef TESTS_BENCH_TRACE_H
#define TESTS_BENCH_TRACE_H

#include <stddef.h>

typedef struct _ALLOCATOR {
    const char *Name;
    void *(*Allocate)(size_t Bytes);
    void (*Free)(void *P);
    size_t (*Bytes)(void); /* that it has from the system */
} ALLOCATOR;

typedef enum _TRACE {
    TracePairs,  /* 64 bytes and back */
    TraceRandom, /* 16 to 1,024 bytes, 1,000 live, random order */
    TraceSmall,  /* 8 to 128 bytes, 10,000 live */
    TraceMixed,  /* 1 byte to four pages, mostly small, 1,000 live */
    TraceCount
} TRACE;

typedef struct _TRACE_RESULT {
    double Nanoseconds; /* for one free and one allocation */
    size_t LiveBytes;   /* asked for and not freed, at the end */
    size_t TakenBytes;  /* that the allocator has from the system then, its tables included */
} TRACE_RESULT;

const char *TraceName(TRACE Trace);

/* => Nothing is allocated when it returns. */
TRACE_RESULT TraceRun(TRACE Trace, const ALLOCATOR *Allocator);

#endif

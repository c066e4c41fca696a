/* SPDX-License-Identifier: MIT */
/*
 * plain_pool.h - the pool core as a library with malloc's calls: nonpaged pool over plain memory.
 */
#ifndef TESTS_BENCH_PLAIN_POOL_H
#define TESTS_BENCH_PLAIN_POOL_H

#include <stddef.h>

/* => Once, before the others.  Ends the program when the memory cannot be had. */
void PlainPoolStart(void);

/* => NULL: none. */
void *PlainPoolAllocate(size_t Bytes);

/* => P comes from PlainPoolAllocate. */
void PlainPoolFree(void *P);

/* The pages that the pool has taken, and its tables. */
size_t PlainPoolBytes(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * steps.h - counting the instructions of a call, exactly, by single-stepping a child process.
 */
#ifndef TESTS_BENCH_STEPS_H
#define TESTS_BENCH_STEPS_H

typedef void STEPS_OPERATION(void *Context);

/*
 * Run Operation(Context) Warm + Count times in a child process.
 *
 * => Returns the mean number of instructions of the last Count runs; what an empty operation costs
 *    is subtracted.  Ends the program when the child dies.
 */
unsigned StepsCount(STEPS_OPERATION *Operation, void *Context, unsigned Warm, unsigned Count);

#endif

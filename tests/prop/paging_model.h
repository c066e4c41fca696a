/* SPDX-License-Identifier: MIT */
/*
 * paging_model.h - address spaces as arrays of pages, and one random operation on the real ones.
 *
 * Several threads work on several processes.  Whoever uses a range of pages holds it in the model
 * first (many readers, or one writer), so that model and memory stay together whatever the schedule
 * does in between; two may read one page at once, which is how faults collide.
 */
#ifndef TESTS_PROP_PAGING_MODEL_H
#define TESTS_PROP_PAGING_MODEL_H

#include "tests/unit/space_world.h"

#define MODEL_PROCESSES 3u
#define MODEL_PAGES     768u
#define MODEL_ARENA     0x200000u /* crosses from one page table into the next at 400000 */

/* One thread's way through the run. */
typedef struct _MODEL_WORKER {
    uint64_t Seed;
    ULONG Process; /* whose pages Now are */
    ULONG Words[PAGE_SIZE / sizeof(ULONG)];
} MODEL_WORKER, *PMODEL_WORKER;

/* What happened, for the test to say and to insist on. */
typedef struct _MODEL_COUNTS {
    ULONG Operations; /* services and pages accessed */
    ULONG Succeeded;  /* of them */
    ULONG Short;      /* refused for want of memory */
    ULONG InPage;     /* ended by an in-page error */
    ULONG Processes;  /* ended and made anew */
    ULONG TablesOut;  /* page tables that lost their frames */
    ULONG TablesIn;   /* page tables read */
} MODEL_COUNTS;

extern MODEL_COUNTS ModelCounts;

/* In-page errors may come, as requests may fail. */
extern BOOLEAN ModelErrors;

/* Make the processes.  => The machine runs, and has no others. */
void ModelStart(void);

/* One operation, of many kinds, as the worker's seed chooses.  => In a host thread. */
void ModelStep(PMODEL_WORKER Worker);

/* Take pages away from a process, as the balance set manager does.  => In a thread. */
void ModelTrim(ULONG Number, ULONG Pages);

/* Compare every page, one process after the other; then end them.  => Nobody else works. */
void ModelCompareAll(PMODEL_WORKER Worker);
void ModelFinish(void);

/* Words that a page of whatever kind holds in its version: one for each sector, the rest zero. */
void ModelFill(PULONG Words, ULONG Page, ULONG Version);
BOOLEAN ModelHolds(const ULONG *Words, ULONG Page, ULONG Version);

#endif

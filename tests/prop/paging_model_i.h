/* SPDX-License-Identifier: MIT */
/*
 * paging_model_i.h - what the model and its operations share.
 */
#ifndef TESTS_PROP_PAGING_MODEL_I_H
#define TESTS_PROP_PAGING_MODEL_I_H

#include "tests/prop/paging_model.h"

#define SECTOR_WORDS 128u
#define WRITER       (-1)

typedef struct _PAGE {
    ULONG Allocation; /* number; 0: free */
    ULONG Protect;    /* 0: reserved */
    ULONG Version;    /* 0: zeroes */
    ULONG Base;       /* of its allocation, and how long that is */
    ULONG Pages;
    BOOLEAN Reset; /* zeroes will do */
    BOOLEAN Locked;
    BOOLEAN Watched; /* its allocation has a write watch */
    BOOLEAN Written; /* since that began */
    LONG Users;      /* readers, or WRITER */
} PAGE, *PPAGE;

/* The range that an operation has. */
typedef struct _RANGE {
    PMODEL_WORKER Worker;
    PPAGE Pages; /* the process' */
    ULONG First;
    ULONG Count;
} RANGE;

typedef void OPERATION(const RANGE *Range);

/* => TRUE: the operation has happened. */
BOOLEAN ModelAgree(const RANGE *Range, const char *What, NTSTATUS Expected, NTSTATUS Status);

/* An operation on committed, reserved, free or other pages; it holds its range alone. */
OPERATION *ModelChooseOperation(PMODEL_WORKER Worker);
OPERATION ModelReserve;
OPERATION ModelRelease; /* the range is a whole allocation */
OPERATION ModelLock;
OPERATION ModelRead; /* needs its range alone only when that has guard pages */

static inline ULONG ModelRandom(PMODEL_WORKER Worker, ULONG Below)
{
    return TestRandom(&Worker->Seed) % Below;
}

static inline ULONG_PTR ModelVa(ULONG Page)
{
    return MODEL_ARENA + Page * PAGE_SIZE;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * files_work.h - the two processes of the files run, and what each does with the file.
 */
#ifndef MM_INSPECT_FILES_WORK_H
#define MM_INSPECT_FILES_WORK_H

#include "ke.h"
#include "mm/inspect/paging_stamp.h"
#include "nt/status.h"
#include "ob.h"
#include "ps.h"

#define MI_FILES_TAG         0x6C694653u /* 'SFil' */
#define MI_FILES_SIDES       2u
#define MI_FILES_PIECE       0x10000u /* bytes of a call */
#define MI_FILES_VIEW_BYTES  0x400000u
#define MI_FILES_VIEW_PAGES  (MI_FILES_VIEW_BYTES / PAGE_SIZE)
#define MI_FILES_LEAST_PAGES (2 * MI_FILES_VIEW_PAGES)

/* What the whole file holds after a step; which pages the last two change follows from the seed. */
typedef enum _MI_FILES_STAGE {
    MiFilesWritten = 1, /* version 1 */
    MiFilesMapped,      /* some pages have version 2, from views */
    MiFilesRewritten    /* some have version 3, from NtWriteFile */
} MI_FILES_STAGE;

typedef struct _MI_FILES_WORK MI_FILES_WORK, *PMI_FILES_WORK;

/* Runs in the side's process. */
typedef NTSTATUS MI_FILES_STEP(PMI_FILES_WORK Work);
typedef MI_FILES_STEP *PMI_FILES_STEP;

struct _MI_FILES_WORK {
    PEPROCESS Process;
    ULONG Side; /* 0 or 1 */
    ULONG Pages;
    ULONG Seed;
    BOOLEAN Errors; /* calls may fail, and are made again */
    MI_FILES_STAGE Stage;
    HANDLE File;    /* or NULL */
    HANDLE Section; /* or NULL */
    PUCHAR Piece;   /* MI_FILES_PIECE bytes of paged pool */
    PMI_FILES_STEP Step;
    NTSTATUS Status; /* of the step */
    ULONG64 Checked; /* pages compared */
    ULONG64 Stamped; /* pages written */
    ULONG Wrong;     /* pages */
    ULONG Failures;  /* calls that failed */
    KEVENT Done;
};

/* => The version that a page has at that stage. */
ULONG MiFilesVersion(ULONG Seed, ULONG Page, MI_FILES_STAGE Stage);

/*
 * Make a side's process.  => PASSIVE_LEVEL.  Failure: *Work is NULL.
 * MiDeleteFilesWork: ends it, with all that it has; no thread works.
 */
NT_MUST_CHECK NTSTATUS MiCreateFilesWork(ULONG Side, ULONG Pages, ULONG Seed, BOOLEAN Errors,
                                         PMI_FILES_WORK *Work);
void MiDeleteFilesWork(PMI_FILES_WORK Work);

/* Do Step, then set Done.  => A PS_SYSTEM_ROUTINE; Context is the MI_FILES_WORK. */
void NTAPI MiDoFilesWork(PVOID Context);

/* The steps. */
MI_FILES_STEP MiFilesWrite;    /* create the file and write it */
MI_FILES_STEP MiFilesRead;     /* open it, if it is not, and read it in sequence */
MI_FILES_STEP MiFilesShare;    /* make the named section, or open it */
MI_FILES_STEP MiFilesMapWrite; /* write this side's pages through views */
MI_FILES_STEP MiFilesMapRead;  /* compare all pages through views */
MI_FILES_STEP MiFilesCopy;     /* copy pages on write, and see that nobody else does */
MI_FILES_STEP MiFilesRewrite;  /* change pages through the cache */
MI_FILES_STEP MiFilesUncached; /* compare all pages past the cache */
MI_FILES_STEP MiFilesFlush;    /* all of it is on the disk */
MI_FILES_STEP MiFilesClose;    /* this side's handles */

#endif

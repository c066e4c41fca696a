/* SPDX-License-Identifier: MIT */
/*
 * file_model.h - the model of test_prop_file_semantics.c: what two processes may see of files.
 *
 * The model: paths, each with a file or none; files, each a line of bytes, attributes, times that
 * are known, and whether it is to be deleted; openings, each of a process, with access, sharing and
 * a position, cached or not; views, each of a process, which outlive the opening that made them.
 * Services are UserMode's.  The model says each status, length, position and byte beforehand.
 *
 * What it leaves alone: a file with views does not lose its last handle when it is to be deleted,
 * and a file does not become read-only while it is to be deleted.  A rename may be refused since
 * the file that it would replace was closed, but waits for the worker that ends it: seldom.
 */
#ifndef TESTS_PROP_FILE_MODEL_H
#define TESTS_PROP_FILE_MODEL_H

#include "tests/unit/nt_world.h"

#define PATHS      6u
#define OPENINGS   10u
#define VIEWS      4u
#define MOST_BYTES 120000u
#define SECTOR     512u
#define NO_FILE    PATHS /* there are no more files than paths */
#define WRITES     (FILE_WRITE_DATA | FILE_APPEND_DATA)
#define HELD       (FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM)

typedef struct _MODEL_FILE {
    BOOLEAN Used;
    BOOLEAN DeletePending;
    ULONG Attributes; /* of HELD */
    ULONG Bytes;
    UCHAR Data[MOST_BYTES];
} MODEL_FILE;

typedef struct _OPENING {
    ULONG File; /* NO_FILE: not in use */
    ACCESS_MASK Access;
    ULONG Share;
    ULONG Options;
    ULONG Process;
    ULONG Position;
    HANDLE Handle;
} OPENING;

typedef struct _VIEW {
    ULONG File; /* NO_FILE: not in use */
    ULONG Process;
    BOOLEAN Writable;
    ULONG Bytes; /* whole pages */
    PUCHAR Base;
} VIEW;

extern const PCWSTR FmPaths[PATHS];
extern MODEL_FILE FmFiles[PATHS];
extern ULONG FmAt[PATHS]; /* the file of a path, or NO_FILE */
extern OPENING FmOpenings[OPENINGS];
extern VIEW FmViews[VIEWS];
extern uint64_t FmRandom;
extern PUCHAR FmUser[2]; /* by process: NT_WORLD_BYTES of memory */
extern ULONG FmNow;      /* the process */

/* Nothing is open, there are no files. */
void FmReset(void);

ULONG FmBelow(ULONG Limit);
void FmEnter(ULONG Process);

/* Whether files have an opening, a view. */
BOOLEAN FmIsOpen(ULONG File);
BOOLEAN FmIsMapped(ULONG File);

/* Zeroes at the end of the model's file, up to Bytes. */
void FmLengthen(MODEL_FILE *File, ULONG Bytes);

/* What User has is set. */
NT_MUST_CHECK NTSTATUS FmSet(const OPENING *O, ULONG Bytes, FILE_INFORMATION_CLASS Class);

/* Some opening of some file, by NtCreateFile; it may be refused. */
void FmOpen(OPENING *O);
void FmClose(OPENING *O);
void FmUnmap(VIEW *View);
void FmUnmapFile(ULONG File);

/* What NtSetInformationFile, NtQueryInformationFile and NtDeleteFile say of an opening. */
void FmDispose(OPENING *O);
void FmRename(OPENING *O);
extern ULONG FmReplaced; /* files that gave way to a rename */
extern ULONG FmRefused;  /* and those that did not, though nobody had them open */
void FmDeleteByName(void);
void FmSetAttributes(OPENING *O);
void FmSeeAttributes(OPENING *O);

#endif

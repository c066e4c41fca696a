/* SPDX-License-Identifier: MIT */
/*
 * file_model.h - the model of test_prop_file_semantics.c: what two processes may see of files.
 *
 * The model: paths, each with a file or none; files, each a line of bytes, attributes, times that
 * are known, and whether it is to be deleted; openings, each of a process, with access, sharing and
 * a position, cached or not; views, each of a process, which outlive the opening that made them.
 * Services are UserMode's.  The model says each status, length, position and byte beforehand.
 *
 * A file that is deleted while it has views stays theirs, without a path.
 *
 * Times: the model knows what a time was when it was last settled (all is closed, or somebody set
 * it), and since when it may have changed.  When a change must tell, it has to when all is closed.
 * An opening may leave a time alone (-1): what it does then never shows in that time, but in the
 * archive attribute as ever.
 *
 *     file_model.c        opening, closing, names, attributes
 *     file_model_times.c  times, and what directories list
 *     file_volume.c       the end: each path against the model; files for others to compare
 */
#ifndef TESTS_PROP_FILE_MODEL_H
#define TESTS_PROP_FILE_MODEL_H

#include "tests/unit/nt_world.h"

#define PATHS      6u
#define OPENINGS   10u
#define VIEWS      4u
#define MOST_BYTES 120000u
#define SECTOR     512u
#define FILES      (PATHS + VIEWS) /* there are no more: each has a path, or views */
#define NO_FILE    FILES
#define WRITES     (FILE_WRITE_DATA | FILE_APPEND_DATA)
#define HELD       (FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM)

typedef struct _MODEL_TIME {
    LONGLONG Settled; /* as FAT keeps it, which rounds down */
    LONGLONG Since;   /* it may have changed at this time or later; 0: it has not */
} MODEL_TIME;

typedef struct _MODEL_FILE {
    BOOLEAN Used;
    BOOLEAN Archive;
    BOOLEAN MayArchive;  /* something changed since: it may be set by now */
    BOOLEAN MustArchive; /* a handle wrote since: when all is closed it is set */
    BOOLEAN MustTell;    /* ... and the time of the last write tells */
    LONGLONG MadeFrom;   /* when it was made, or what its creation was set to, rounded */
    LONGLONG MadeTo;
    MODEL_TIME Write;
    MODEL_TIME Access;
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
    BOOLEAN Wrote;      /* since a time was set by it */
    BOOLEAN Sized;      /* the same: set another size, which the time may tell at once or later */
    BOOLEAN KeepsWrite; /* it set the time to -1 last */
    BOOLEAN KeepsAccess;
    HANDLE Handle;
    HANDLE Second; /* to the same file object, or NULL */
} OPENING;

typedef struct _VIEW {
    ULONG File; /* NO_FILE: not in use */
    ULONG Process;
    BOOLEAN Writable;
    ULONG Bytes; /* whole pages */
    PUCHAR Base;
} VIEW;

extern const PCWSTR FmPaths[PATHS];
extern MODEL_FILE FmFiles[FILES];
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
void FmDeleteByName(void);
void FmDuplicate(OPENING *O);

/* ---- file_model_times.c ---- */

/* The clock goes on for a while, now and then. */
void FmPassTime(void);
LONGLONG FmTime(void);

/* It is made, between From and now; it is emptied; it may be changed, or is (Must) by a handle: By,
   or NULL, nobody who leaves times alone. */
void FmNoteMade(MODEL_FILE *File, LONGLONG From);
void FmNoteChange(MODEL_FILE *File, BOOLEAN Must, const OPENING *By);

void FmSetAttributes(OPENING *O);
void FmSeeAttributes(OPENING *O);

/* All that one of the two directories lists is the model's, and all of that is listed. */
void FmList(void);

/* What is shown may be so. */
void FmCheckTimes(ULONG File, const FILE_BASIC_INFORMATION *Basic);
/* All is closed: what the times are now is settled. */
void FmSettle(ULONG File, const FILE_BASIC_INFORMATION *Basic);

/* ---- file_volume.c ---- */

/*
 * All is closed: each path leads to what the model has there.  Options as those of an opening.
 * Settle: the volume was mounted anew, nothing is to come that changes times.
 */
void FmCompare(ULONG Options, BOOLEAN Settle);

/*
 * The volume, which is dismounted, and the model's files as plain ones, with their times and
 * attributes, in a new folder of the one that HYPERSPACE_VOLUMES names; without that nothing.
 */
void FmSave(void);
BOOLEAN FmSaves(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * fsd_i.h - what the files of the file system driver share.
 *
 * Each file that is open has one FCB, however many file objects there are for it: FsContext.  Each
 * file object has a CCB: FsContext2.  Each volume has a VCB, the extension of its device object.
 *
 * Locking: (V) the volume's mutex, (I) fixed after creation, (G) FatpGlobalMutex, (Q) the lock of
 * the volume's queue of pages; (V,Q) either to read, both to write.
 */
#ifndef DISK_FAT_FSD_I_H
#define DISK_FAT_FSD_I_H

#include "disk/fat/fat_i.h"
#include "ex.h"
#include "io.h"
#include "mi_assert.h"

#define FAT_FSD_TAG         0x44734646u /* 'FFsD' */
#define FAT_PAGING_REQUESTS 32u         /* disk requests under way at once on a volume's files */

/* A volume that is mounted. */
typedef struct _FAT_VCB {
    FAST_MUTEX Mutex;      /* fat.h's calls: one thread at a time */
    LIST_ENTRY Link;       /* (G) among all volumes */
    PFAT_VOLUME Volume;    /* (V) */
    PDISK_DEVICE Disk;     /* (I) */
    PVPB Vpb;              /* (I) */
    PIO_DISK_QUEUE Paging; /* (I) */
    LIST_ENTRY Fcbs;       /* (V) of FAT_FCB.Link */
} FAT_VCB, *PFAT_VCB;

/* A file or directory that is open. */
typedef struct _FAT_FCB {
    SECTION_OBJECT_POINTERS Section; /* (I) what FILE_OBJECT.SectionObjectPointer points to */
    LIST_ENTRY Link;                 /* (V) in the VCB's */
    ULONG References;                /* (V) file objects that are not closed */
    ULONG Handles;                   /* (V) those that are not cleaned up */
    SHARE_ACCESS Share;              /* (V) theirs */
    FAT_FILE File;                   /* (V) */
    char *Path;                      /* (V) from the root, as it was opened or renamed */
    BOOLEAN DeletePending;           /* (V) gone when the last handle is */
    BOOLEAN Deleted;                 /* (V) gone: File is void */
    BOOLEAN Lost;                    /* (V) renamed, and not found again yet: File is void */
    PIO_RUNS Runs;                   /* (V,Q) of a paging file; else NULL */
    ULONG64 RunBytes; /* (V) that Runs are good for; paging reads it without a lock */
} FAT_FCB, *PFAT_FCB;

/* One opening of it. */
typedef struct _FAT_CCB {
    ULONG Position;         /* (V) of the enumeration */
    ULONG Dots;             /* (V) how many of "." and ".." it has given */
    BOOLEAN Started;        /* (V) it has given something, or failed to */
    BOOLEAN DeleteOnClose;  /* (I) */
    UNICODE_STRING Pattern; /* (V) upper case; Buffer NULL: everything */
} FAT_CCB, *PFAT_CCB;

/* A request that a handler has in hand. */
typedef struct _FAT_REQUEST {
    PFAT_VCB Vcb;
    PIRP Irp;
    PIO_STACK_LOCATION Stack;
    PFILE_OBJECT FileObject;
    PFAT_FCB Fcb;          /* NULL: create, or to the volume */
    PFAT_CCB Ccb;          /* as Fcb */
    PUCHAR Buffer;         /* the data, in system space; NULL: none */
    ULONG_PTR Information; /* the handler's result */
} FAT_REQUEST, *PFAT_REQUEST;

/* => The volume's mutex is held.  Returns the request's status; never STATUS_PENDING. */
typedef NTSTATUS FAT_HANDLER(PFAT_REQUEST Request);

FAT_HANDLER FatFsdCreate;                 /* fsd_create.c */
FAT_HANDLER FatFsdCleanup, FatFsdClose;   /* fsd_file.c */
FAT_HANDLER FatFsdRead, FatFsdWrite;      /* fsd_data.c */
FAT_HANDLER FatFsdFlush;                  /* fsd_data.c */
FAT_HANDLER FatFsdControl;                /* fsd_paging.c */
FAT_HANDLER FatFsdExtend;                 /* fsd_extend.c; Fcb->Runs is not NULL */
FAT_HANDLER FatFsdQueryInformation;       /* fsd_information.c */
FAT_HANDLER FatFsdSetInformation;         /* fsd_information.c */
FAT_HANDLER FatFsdRename;                 /* fsd_rename.c */
FAT_HANDLER FatFsdQueryVolumeInformation; /* fsd_volume.c */
FAT_HANDLER FatFsdQueryDirectory;         /* fsd_directory.c */

/* ---- fsd_file.c ---- */

/* => The open file whose entry File is, unless it is deleted; or NULL. */
PFAT_FCB FatFindFcb(PFAT_VCB Vcb, const FAT_FILE *File);

/* => A new one with a copy of Path, in no list; NULL: no pool. */
PFAT_FCB FatCreateFcb(const char *Path);
void FatDeleteFcb(PFAT_FCB Fcb);

/* Make File good: find it again after a rename.  => STATUS_FILE_CLOSED: it was deleted. */
NTSTATUS FatUseFcb(PFAT_VCB Vcb, PFAT_FCB Fcb);

/* The UTF-8 path of a file name, below a directory that is open (or NULL: from the root). */
NT_MUST_CHECK NTSTATUS FatMakePath(const FAT_FCB *Above, PCUNICODE_STRING Name, char **Path);

/* ---- fsd_paging.c ---- */

/* The runs of a file as it is now.  => *Made is the caller's, nonpaged pool. */
NT_MUST_CHECK NTSTATUS FatMakeRuns(PFAT_FILE File, PIO_RUNS *Made);

/* Resolve and pin.  => Fcb->File is open; the volume's mutex is held. */
NT_MUST_CHECK NTSTATUS FatPinRuns(PFAT_FCB Fcb);

/* => Fcb->Runs is not NULL.  No lock; the request is completed in any case. */
NTSTATUS FatPageIo(PFAT_VCB Vcb, PFAT_FCB Fcb, PIRP Irp);

/* ---- fsd_time.c ---- */

LARGE_INTEGER FatTimeOf(USHORT Date, USHORT Time, UCHAR Hundredths);
/* => FALSE: FAT has no such date. */
BOOLEAN FatDosTimeOf(LARGE_INTEGER Time, PUSHORT DosDate, PUSHORT DosTime, PUCHAR Hundredths);

/* ---- fsd_pattern.c ---- */

/* Does a name match a pattern of * and ?; both in any case? */
BOOLEAN FatMatchesPattern(const WCHAR *Pattern, ULONG PatternUnits, const WCHAR *Name, ULONG Units);

static inline BOOLEAN FatIsDirectory(const FAT_FCB *Fcb)
{
    return (Fcb->File.Attributes & FAT_ATTRIBUTE_DIRECTORY) != 0;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * fsd_i.h - what the files of the file system driver share.
 *
 * Each file that is open has one FCB, however many file objects there are for it: FsContext, which
 * begins with what the memory manager and the cache look at (fsrtl.h).  Each file object has a CCB:
 * FsContext2.  Each volume has a VCB, the extension of its device object.
 *
 * Locking: (V) the volume's mutex, (I) fixed after creation, (G) FatpGlobalMutex, (Q) the lock of
 * the volume's queue of pages, (P) the file's lock of page requests, (R) the file's Resource,
 * exclusive; (V,Q) either to read, both to write.  A file's resources are taken before the volume's
 * mutex.
 */
#ifndef DISK_FAT_FSD_I_H
#define DISK_FAT_FSD_I_H

#include "disk/fat/fat_i.h"
#include "ex.h"
#include "fsrtl.h"
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
    ULONG Orphans;         /* (V) of these, with Orphan; whoever reads 0 outside may be late */
} FAT_VCB, *PFAT_VCB;

/* A file's page requests: what they go by, and what keeps them from clusters that change. */
typedef struct _FAT_PAGES {
    IO_RUN_MAP Map;         /* (V,Q) its Runs; NULL: no opening was for data */
    ULONG Clusters;         /* (V) that Runs cover, from the file's first */
    ULONG Sure;             /* (V) of these, how many it has whatever became of the last change */
    BOOLEAN Writes;         /* (V) some opening is for writing */
    BOOLEAN Whole;          /* (I) a paging file: nothing is cut, what is not inside fails */
    KSPIN_LOCK Lock;        /* (P) */
    ULONG64 Bytes;          /* (P) where the file ends, for them; the runs cover it */
    ULONG64 Valid;          /* (P) all before this is on the disk, as far as pages tell */
    ULONG64 Reached;        /* (P) nothing behind this is: it is read as zeroes */
    BOOLEAN Copied;         /* (P) the cache has changed pages: who wrote one is not known */
    BOOLEAN Viewed;         /* (P) pages were written that views changed, at */
    LARGE_INTEGER ViewTime; /* (P) */
    NTSTATUS EndStatus;     /* (P) of what lies behind that */
    NTSTATUS WriteStatus;   /* (P) of all writes, unless STATUS_SUCCESS */
    BOOLEAN Written;        /* (P) there were writes that the sector cache does not know of */
    BOOLEAN Draining;       /* (P) somebody waits for Idle */
    ULONG UnderWay;         /* (P) */
    ULONG Reads;            /* (P) that were admitted, since the start */
    ULONG64 HeldFrom;       /* (P) those that touch these bytes go to Held; HeldTo 0: none */
    ULONG64 HeldTo;         /* (P) */
    LIST_ENTRY Held;        /* (P) of IRP.Tail.Overlay.ListEntry, oldest first */
    KEVENT Idle;            /* notification: UnderWay is 0 */
} FAT_PAGES, *PFAT_PAGES;

#define FAT_NODE_TYPE_FILE 0x0502 /* FSRTL_COMMON_FCB_HEADER.NodeTypeCode */

/* A file or directory that is open. */
typedef struct _FAT_FCB {
    FSRTL_COMMON_FCB_HEADER Header;  /* (V) besides its own rule; zero for a directory */
    SECTION_OBJECT_POINTERS Section; /* (I) what FILE_OBJECT.SectionObjectPointer points to */
    ERESOURCE Resource;              /* Header.Resource */
    ERESOURCE PagingIoResource;      /* Header.PagingIoResource */
    FAT_PAGES Pages;
    PFAT_VCB Vcb;          /* (I) */
    LIST_ENTRY Link;       /* (V) in the VCB's */
    ULONG References;      /* (V) file objects that are not closed, and who waits for a resource */
    ULONG Handles;         /* (V) those that are not cleaned up */
    SHARE_ACCESS Share;    /* (V) theirs */
    FAT_FILE File;         /* (V) */
    char *Path;            /* (V) from the root, as it was opened or renamed */
    char *OtherPath;       /* (V) while Lost: what it may be found under too; or NULL */
    BOOLEAN DeletePending; /* (V) gone when the last handle is */
    BOOLEAN Deleted;       /* (V) gone: File is void, unless Orphan */
    ULONG Orphan;          /* (V) Deleted, and its first cluster: views read it still; 0: none */
    BOOLEAN Lost;          /* (V) renamed, and not found again yet: File is what it was */
    BOOLEAN Paging;        /* (V) a paging file */
    BOOLEAN Temporary;     /* (V) made with FILE_ATTRIBUTE_TEMPORARY: lazily written, if at all */
    BOOLEAN Behind;        /* (R) pages behind the end may be in memory, with what was there */
    BOOLEAN Lags;          /* (V) set with (R): the file ends at Size, its entry does not say so */
    BOOLEAN Grown;         /* (V) by the cache since it was flushed: it will again */
    BOOLEAN Reserved;      /* (V) it may have clusters behind Size */
    ULONG Size;            /* (V) */
} FAT_FCB, *PFAT_FCB;

/* One opening of it. */
typedef struct _FAT_CCB {
    ULONG Position;         /* (V) of the enumeration */
    ULONG Dots;             /* (V) how many of "." and ".." it has given */
    BOOLEAN Started;        /* (V) it has given something, or failed to */
    BOOLEAN DeleteOnClose;  /* (I) */
    BOOLEAN Modified;       /* (R) changed in memory: its time does not tell yet */
    UCHAR Keeps;            /* (R) FAT_KEEP_*: times that the user wants it to leave alone */
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
    UCHAR Share;           /* fsd_request.c: how it has the file's resources */
    BOOLEAN Told;          /* the cache was told of a larger size, which it has to hear again */
    BOOLEAN LetGo;         /* Busy is closed, and the cache is to let go of it */
    PFAT_FCB Busy;         /* this file's resources are needed: begin anew with them */
    PFAT_FCB Held;         /* they are held; what was Busy, with its reference */
    LONGLONG HeldBytes;    /* its size before */
    ULONG64 Start;         /* of data */
    PUCHAR Buffer;         /* the data, in system space; NULL: none */
    ULONG_PTR Information; /* the handler's result */
} FAT_REQUEST, *PFAT_REQUEST;

/*
 * => The volume's mutex is held, and the file's resources as fsd_request.c says.  Returns the
 *    request's status; never STATUS_PENDING.  One that sets Busy has changed nothing.
 */
typedef NTSTATUS FAT_HANDLER(PFAT_REQUEST Request);

FAT_HANDLER FatFsdCreate;                 /* fsd_create.c */
FAT_HANDLER FatFsdCleanup, FatFsdClose;   /* fsd_file.c */
FAT_HANDLER FatFsdRead, FatFsdWrite;      /* fsd_data.c */
FAT_HANDLER FatFsdFlush;                  /* fsd_data.c */
FAT_HANDLER FatFsdControl;                /* fsd_paging.c */
FAT_HANDLER FatFsdExtend;                 /* fsd_extend.c; of a paging file */
FAT_HANDLER FatFsdQueryInformation;       /* fsd_information.c */
FAT_HANDLER FatFsdSetInformation;         /* fsd_information.c */
FAT_HANDLER FatFsdRename;                 /* fsd_rename.c */
FAT_HANDLER FatFsdQueryVolumeInformation; /* fsd_volume.c */
FAT_HANDLER FatFsdQueryDirectory;         /* fsd_directory.c */

/* ---- fsd_request.c ---- */

/* A request but for pages.  Retrying: a write that was pending.  => It is completed, or pending. */
NTSTATUS FatHandleRequest(PFAT_VCB Vcb, PIRP Irp, BOOLEAN Retrying);

/* ---- fsd_information.c ---- */

/*
 * What FatFsdQueryInformation says of FileBasicInformation or FileStandardInformation.
 *
 * => The volume's mutex is held; Request has Fcb, which is in order, and gets Information.
 */
NT_MUST_CHECK NTSTATUS FatQueryFast(PFAT_REQUEST Request, FILE_INFORMATION_CLASS Class,
                                    PVOID Buffer);

/* ---- fsd_fast.c ---- */

extern struct _FAST_IO_DISPATCH FatFastIo;

/* ---- fsd_data.c ---- */

#define FAT_MOST_BYTES 0xFFFFFFFFll /* of a FAT file */

/* The offset that a request means.  => FALSE: none that there is. */
BOOLEAN FatFindStart(const FAT_REQUEST *Request, ULONG64 *Start);

/* Where a synchronous file goes on. */
void FatMovePosition(PFAT_REQUEST Request, ULONG64 End);

/* => STATUS_DISK_FULL: no FAT file is so long.  STATUS_ACCESS_DENIED: no paging file becomes so. */
NT_MUST_CHECK NTSTATUS FatCheckWrite(const FAT_FCB *Fcb, ULONG64 Start, ULONG Length);

/* ---- fsd_copy.c ---- */

/* => Whether the request moves data by the cache. */
BOOLEAN FatIsCachedData(const FAT_REQUEST *Request);

/* => TRUE: a write that has to wait, and is pending; without locks. */
BOOLEAN FatDeferWrite(const FAT_REQUEST *Request, BOOLEAN Retrying);

/* Do it.  => Resource is held, nothing else; FatIsCachedData said yes. */
NT_MUST_CHECK NTSTATUS FatCachedData(PFAT_REQUEST Request);

/*
 * A write past the cache to pages that a user has mapped, and which cannot be forgotten for that:
 * it goes by those pages, and on to the disk.
 *
 * => As FatCachedData, Resource exclusive.  STATUS_USER_MAPPED_FILE: no cache manager runs.
 */
NT_MUST_CHECK NTSTATUS FatWriteMapped(PFAT_REQUEST Request);

/* ---- fsd_cache.c; Resource is held, as that says, and nothing else ---- */

/* The request's file object is cached from now on.  => Those of CcTryInitializeCacheMap. */
NT_MUST_CHECK NTSTATUS FatBeginCaching(PFAT_REQUEST Request);

/*
 * The file will be Bytes long, more than it is: so will its section, and what the cache has behind
 * the end is zero.
 *
 * => Request->Told: FatFinishCache follows, whether it becomes longer or not.
 */
NT_MUST_CHECK NTSTATUS FatPrepareGrowth(PFAT_REQUEST Request, LONGLONG Bytes);

/* What a request needs of the cache, before its handler. */
NT_MUST_CHECK NTSTATUS FatPrepareCache(PFAT_REQUEST Request);

/* The cache hears the file's size, which was Before (-1: it was told something else). */
void FatFinishCache(PFAT_FCB Fcb, LONGLONG Before);

/* Write what is changed of a file; when nobody has it open the cache and sections let go of it. */
NTSTATUS FatLetGo(PFAT_FCB Fcb);

/* Both for all files of a volume.  => No lock is held; the first failure. */
NT_MUST_CHECK NTSTATUS FatFlushFiles(PFAT_VCB Vcb);
NT_MUST_CHECK NTSTATUS FatLetGoFiles(PFAT_VCB Vcb);

/* Orphans that nobody has mapped any more give their clusters back.  => No lock is held. */
void FatLetGoOrphans(PFAT_VCB Vcb);

/* ---- fsd_valid.c ---- */

/*
 * The file is to end at Bytes, behind where it does; what is there is the cache's to say.
 *
 * => Its resources are exclusive, the mutex is held.  STATUS_DISK_FULL: nothing has changed.
 */
NT_MUST_CHECK NTSTATUS FatLengthen(PFAT_FCB Fcb, ULONG Bytes);

/* Its data behind what its entry says reaches the disk, then the entry says so.  => Resource is
   held, and nothing else.  Afterwards File.Bytes is where it ends. */
NT_MUST_CHECK NTSTATUS FatCatchUp(PFAT_FCB Fcb);

/* Everything of it is on the disk, its entry too, and it has no clusters too many.  => The same. */
NT_MUST_CHECK NTSTATUS FatFlushFile(PFAT_FCB Fcb);

/* The lazy writer has written something of it.  => The same. */
void FatFollowLazyWrite(PFAT_FCB Fcb);

/* For all below the mutex is held. */

/* Clusters behind its end are free again. */
NT_MUST_CHECK NTSTATUS FatReturnClusters(PFAT_FCB Fcb);

/* The same for all files.  => Whether there were any. */
BOOLEAN FatReturnAllClusters(PFAT_VCB Vcb);

/* => Whether the volume has a file whose entry is not what the file is. */
BOOLEAN FatIsBehind(const FAT_VCB *Vcb);

/* Its time tells of what views have written. */
NT_MUST_CHECK NTSTATUS FatTellTime(PFAT_FCB Fcb);

/* Nobody has it any more, nor any of its pages: all that can be is done. */
void FatEndLag(PFAT_FCB Fcb);

/* ---- fsd_file.c ---- */

/* Delete an open file.  => Its handles are gone, and what the cache had of it. */
NT_MUST_CHECK NTSTATUS FatDeleteOpenFile(PFAT_VCB Vcb, PFAT_FCB Fcb);

/* => The open file whose entry File is, unless it is deleted; or NULL. */
PFAT_FCB FatFindFcb(PFAT_VCB Vcb, const FAT_FILE *File);

/* => A new one with a copy of Path, in no list; NULL: no pool. */
PFAT_FCB FatCreateFcb(PFAT_VCB Vcb, const char *Path);
void FatDeleteFcb(PFAT_FCB Fcb);

/* One reference less; without any the FCB is gone. */
void FatDereferenceFcb(PFAT_FCB Fcb);

/* Make File good: find it again after a rename.  => STATUS_FILE_CLOSED: it was deleted. */
NTSTATUS FatUseFcb(PFAT_VCB Vcb, PFAT_FCB Fcb);

/* The UTF-8 path of a file name, below a directory that is open (or NULL: from the root). */
NT_MUST_CHECK NTSTATUS FatMakePath(const FAT_FCB *Above, PCUNICODE_STRING Name, char **Path);

/* ---- fsd_pages.c ---- */

void FatInitializePages(PFAT_PAGES Pages);

/*
 * Read or write pages: IRP_MJ_READ and WRITE with IRP_PAGING_IO.  No lock but a spin lock.
 *
 * => IRQL <= DISPATCH_LEVEL; the request is completed in any case.
 */
NTSTATUS FatPageIo(PFAT_FCB Fcb, PIRP Irp);

/*
 * Let those that touch bytes From to To - 1 wait from now on, and wait until none is under way.
 *
 * => The volume's mutex is held; none are held.  To 0: none will wait, it is the end of those under
 *    way alone.
 * => Nobody here waits for a page of the file before FatReleasePages.
 */
void FatHoldPages(PFAT_FCB Fcb, ULONG64 From, ULONG64 To);
void FatReleasePages(PFAT_FCB Fcb);

/* => Page reads that began so far: the same twice, and none did between. */
ULONG FatCountPageReads(PFAT_FCB Fcb);

/* Where the file ends for page requests to come, and what becomes of those behind. */
void FatEndPages(PFAT_FCB Fcb, ULONG64 Bytes, NTSTATUS EndStatus);

/* May they write?  => Status: STATUS_SUCCESS, or why not. */
void FatPermitPages(PFAT_FCB Fcb, NTSTATUS Status);

/* => STATUS_SUCCESS: they may write; or why not. */
NT_MUST_CHECK NTSTATUS FatPageStatus(PFAT_FCB Fcb);

/* All bytes to the end are on the disk, or, if Lags, what there was of them before. */
void FatKeepValid(PFAT_FCB Fcb, BOOLEAN Lags);

/* => How many bytes of the file are on the disk. */
ULONG FatValidBytes(PFAT_FCB Fcb);

/* From now on nobody can tell who changed pages (Copied), or views alone can have. */
void FatNoteCopied(PFAT_FCB Fcb, BOOLEAN Copied);

/* => TRUE, once: views changed pages, which were written at Time.  It did not serve: again. */
BOOLEAN FatTakeViewTime(PFAT_FCB Fcb, PLARGE_INTEGER Time);
void FatPutViewTimeBack(PFAT_FCB Fcb);

/* Pages may have been written: the sector cache forgets what it knew of them. */
void FatForgetWritten(PFAT_FCB Fcb);

/* ---- fsd_runs.c; the volume's mutex is held ---- */

/*
 * An opening for data: pages can be read from now on, and if Writes, written where the volume lets
 * a file be written.
 *
 * => Fcb->File is open, or empty and not made yet; it is no directory.
 */
NT_MUST_CHECK NTSTATUS FatMakePages(PFAT_FCB Fcb, BOOLEAN Writes);

/* The file is what it is now: header, runs and end follow.  => Cannot fail; what they lack comes
   with a later call, and until then pages behind it have the status of what failed. */
void FatKeepPages(PFAT_FCB Fcb);

/* The file will have Bytes or be gone: no page behind that is under way, and none will be.
   => FatKeepPages follows when the file stays longer. */
void FatCutPages(PFAT_FCB Fcb, ULONG Bytes, NTSTATUS EndStatus);

/* For FAT_FILE.Growing of an FCB's File. */
FAT_GROWING FatGrowPages;

/* Make it Bytes long, both ways.  => Its resources are exclusive; FatMayCut said yes. */
NT_MUST_CHECK NTSTATUS FatChangeSize(PFAT_FCB Fcb, ULONG Bytes);

/* ---- fsd_section.c; the file's resources are held as for the change ---- */

/* The calls that it makes, NULL where nobody has them; until a test puts its own here. */
typedef struct _FAT_SECTION_CALLS {
    BOOLEAN(NTAPI *FlushImageSection)(PSECTION_OBJECT_POINTERS Section, MMFLUSH_TYPE Type);
    BOOLEAN(NTAPI *CanFileBeTruncated)(PSECTION_OBJECT_POINTERS Section, PLARGE_INTEGER Size);
    void(NTAPI *FlushCache)(PSECTION_OBJECT_POINTERS Section, PLARGE_INTEGER Offset, ULONG Length,
                            PIO_STATUS_BLOCK Iosb);
    BOOLEAN(NTAPI *PurgeCacheSection)
    (PSECTION_OBJECT_POINTERS Section, PLARGE_INTEGER Offset, ULONG Length,
     BOOLEAN UninitializeCacheMaps);
    BOOLEAN(NTAPI *ForceSectionClosed)(PSECTION_OBJECT_POINTERS Section, BOOLEAN DelayClose);
} FAT_SECTION_CALLS;
extern FAT_SECTION_CALLS FatSectionCalls;

/* => STATUS_SHARING_VIOLATION, STATUS_CANNOT_DELETE, STATUS_USER_MAPPED_FILE. */
NT_MUST_CHECK NTSTATUS FatMayWrite(PFAT_FCB Fcb);
NT_MUST_CHECK NTSTATUS FatMayDelete(PFAT_FCB Fcb);
NT_MUST_CHECK NTSTATUS FatMayCut(PFAT_FCB Fcb, ULONG Bytes);

#define FAT_TO_THE_END 0x8000000000000000ull

/* Whether the cache or a section may have something of it. */
static inline BOOLEAN FatHasSection(const FAT_FCB *Fcb)
{
    return Fcb->Section.DataSectionObject != NULL || Fcb->Section.SharedCacheMap != NULL;
}

/* Changed pages that bytes From to To - 1 lie in reach the disk. */
NT_MUST_CHECK NTSTATUS FatFlushCached(PFAT_FCB Fcb, ULONG64 From, ULONG64 To);

/*
 * Pages From to To are forgotten, changed or not.
 *
 * => Both are multiples of PAGE_SIZE.  STATUS_USER_MAPPED_FILE: some are not; but what was changed
 *    of them is changed as before.
 */
NT_MUST_CHECK NTSTATUS FatPurgeCached(PFAT_FCB Fcb, ULONG64 From, ULONG64 To);

/* Sections that nobody uses are unmade. */
void FatForceClosed(PFAT_FCB Fcb);

/* ---- fsd_paging.c ---- */

/* The runs of a file as it is now.  => *Made is the caller's, nonpaged pool. */
NT_MUST_CHECK NTSTATUS FatMakeRuns(PFAT_FILE File, PIO_RUNS *Made);

/* A paging file is opened: resolve and pin.  => Fcb->File is open. */
NT_MUST_CHECK NTSTATUS FatPinRuns(PFAT_FCB Fcb);

/* ---- fsd_time.c ---- */

LARGE_INTEGER FatTimeOf(USHORT Date, USHORT Time, UCHAR Hundredths);
/* => FALSE: FAT has no such date. */
BOOLEAN FatDosTimeOf(LARGE_INTEGER Time, PUSHORT DosDate, PUSHORT DosTime, PUCHAR Hundredths);

/* ---- fsd_pattern.c ---- */

/* Does a name match a pattern of * and ?; both in any case? */
BOOLEAN FatMatchesPattern(const WCHAR *Pattern, ULONG PatternUnits, const WCHAR *Name, ULONG Units);

/* A read or write of the cache's pages themselves. */
static inline BOOLEAN FatIsByMdl(const IO_STACK_LOCATION *Stack)
{
    return (Stack->MajorFunction == IRP_MJ_READ || Stack->MajorFunction == IRP_MJ_WRITE) &&
           (Stack->MinorFunction & IRP_MN_MDL) != 0;
}

/* Where the file ends, whatever its entry says. */
static inline ULONG FatBytesOf(const FAT_FCB *Fcb)
{
    return Fcb->Lags ? Fcb->Size : Fcb->File.Bytes;
}

static inline BOOLEAN FatIsDirectory(const FAT_FCB *Fcb)
{
    return (Fcb->File.Attributes & FAT_ATTRIBUTE_DIRECTORY) != 0;
}

#endif

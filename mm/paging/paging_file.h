/* SPDX-License-Identifier: MIT */
/*
 * paging_file.h - the paging files: where pages go that memory has no room for.
 *
 * (I) fixed after the file was taken into use; (P) MiPfnLock, slots.c; (G) the thread that makes
 * files longer, extend.c.
 */
#ifndef MM_PAGING_PAGING_FILE_H
#define MM_PAGING_PAGING_FILE_H

#include "io.h"
#include "loader.h"
#include "mm/pfn/pfn.h"
#include "nt/annotations.h"
#include "rtl.h"

#define MAX_PAGE_FILES        16u
#define MI_PAGING_FILE_TAG    0x6650694Du /* 'MiPf' */
#define MI_PAGING_NAME_BYTES  128u        /* with the zero; documented limit of a name */
#define MI_PAGES_IN_MB        (0x100000u / PAGE_SIZE)
#define MI_LEAST_PAGING_PAGES MI_PAGES_IN_MB
#define MI_MOST_PAGING_PAGES  (4095u * MI_PAGES_IN_MB)
#define MI_MOST_PAGING_RUNS   4096u /* pieces on the disk */

/* A paging file in use; names of fields as documented for NT 5.2.  Sizes in pages. */
typedef struct _MMPAGING_FILE {
    PFN_NUMBER Size;         /* (P) now */
    PFN_NUMBER MaximumSize;  /* (I) it may grow to */
    PFN_NUMBER MinimumSize;  /* (I) */
    PFN_NUMBER FreeSpace;    /* (P) slots; 0 is never used: a PTE with it is a demand-zero one */
    PFN_NUMBER CurrentUsage; /* (P) slots that hold a page, or are being written */
    PFN_NUMBER PeakUsage;    /* (P) */
    PFN_NUMBER BadSpace;     /* (P) slots that could not be written */
    ULONG Unbacked;          /* (P) of them: the commit limit could not be lowered for them yet */
    ULONG Hint;              /* (P) where the next free slots are looked for */
    RTL_BITMAP Bitmap;       /* (P) a bit for each of MaximumSize slots, set: not free */
    RTL_BITMAP BadSlots;     /* (P) the same, set: bad */
    PULONG *Checksums;       /* (I) pages of checksums; what is in them is the slots' owners' */
    ULONG ChecksumPages;     /* (G) */
    PFILE_OBJECT File;       /* (I) open for good, its sectors known to the file system */
    ULONG PageFileNumber;    /* (I) its index */
    BOOLEAN BootPartition;   /* (I) it is on the boot volume */
    BOOLEAN CannotGrow;      /* (P) the disk failed when it should become longer */
    NTSTATUS GrowthStatus;   /* (G) of the last try to make it longer */
    ULONG Runs;              /* (G) pieces that it has on the disk */
    ULONG64 FirstSector;     /* (I) of the first of them, of the volume's */
    char PageFileName[MI_PAGING_NAME_BYTES]; /* (I) "C:\pagefile.sys", UTF-8 */
} MMPAGING_FILE, *PMMPAGING_FILE;

/* What the trial of a new paging file found. */
typedef struct _MI_PAGING_TRIAL {
    ULONG Slots;     /* written, read back and compared */
    ULONG Wrong;     /* of them */
    NTSTATUS Status; /* of the requests */
    ULONG Reads;     /* requests that reached the disk */
    ULONG Writes;
} MI_PAGING_TRIAL, *PMI_PAGING_TRIAL;

extern ULONG MmNumberOfPagingFiles;                    /* (I) */
extern PMMPAGING_FILE MmPagingFile[MAX_PAGE_FILES];    /* (I) */
extern MI_PAGING_TRIAL MiPagingTrials[MAX_PAGE_FILES]; /* (I) of each of them */

/* What a paging file is to be like. */
typedef struct _MI_PAGING_FILE_SETTING {
    char Name[MI_PAGING_NAME_BYTES]; /* "C:\pagefile.sys" */
    ULONG MinimumPages;              /* both 0: the system decides */
    ULONG MaximumPages;
} MI_PAGING_FILE_SETTING, *PMI_PAGING_FILE_SETTING;

/* => Setting's name from the volume's root on. */
static inline const char *MiPagingFilePath(const MI_PAGING_FILE_SETTING *Setting)
{
    return Setting->Name + 2;
}

/* ---- settings.c, size.c ---- */

/*
 * What PagingFiles of system.reg asks for.  A line that makes no sense is named and left out.
 *
 * => Returns how many of Settings there are, at most MAX_PAGE_FILES.  The value is absent: one.
 */
ULONG MiReadPagingSettings(const LOADER_REGISTRY_VALUE *Values, ULONG Count,
                           MI_PAGING_FILE_SETTING Settings[MAX_PAGE_FILES]);

/* What there is for a file whose size the system decides. */
typedef struct _MI_PAGING_ROOM {
    ULONG RamPages;
    ULONG FilePages; /* that the file has already */
    ULONG64 VolumeBytes;
    ULONG64 FreeBytes; /* besides those of the file */
} MI_PAGING_ROOM;

/*
 * RAM and a quarter, at most twice that, whole MB; but the volume keeps a reserve.
 *
 * => STATUS_DISK_FULL: not even MI_LEAST_PAGING_PAGES.
 */
NT_MUST_CHECK NTSTATUS MiSizePagingFile(const MI_PAGING_ROOM *Room, PULONG MinimumPages,
                                        PULONG MaximumPages);

/* ---- create_paging_file.c ---- */

/*
 * Make a paging file, or take one of before into use, with at least MinimumPages; try it.
 *
 * => PASSIVE_LEVEL.
 * => What is documented for NtCreatePagingFile: STATUS_TOO_MANY_PAGING_FILES;
 *    STATUS_OBJECT_NAME_INVALID; STATUS_INVALID_PARAMETER_2 (MinimumPages) and _3 (MaximumPages);
 *    STATUS_SHARING_VIOLATION: it is one already.  STATUS_DISK_FULL; what the file system and the
 *    disk say; STATUS_FILE_CORRUPT_ERROR: it is in more than MI_MOST_PAGING_RUNS pieces, or did not
 *    give back what was written.  Then the file is not used.
 */
NT_MUST_CHECK NTSTATUS MiCreatePagingFile(PDEVICE_OBJECT Volume,
                                          const MI_PAGING_FILE_SETTING *Setting);

/* The size of a file.  => PASSIVE_LEVEL.  STATUS_OBJECT_NAME_NOT_FOUND: there is none. */
NT_MUST_CHECK NTSTATUS MiQueryPagingFile(PDEVICE_OBJECT Volume, const char *Path, PULONG64 Bytes);

/*
 * Close all paging files and give back what they took, commit too.
 *
 * => PASSIVE_LEVEL.  No slot is in use; what is committed fits into RAM.
 */
void MiClosePagingFiles(void);

/* There are no paging files: for tests, where a new machine comes. */
void MiForgetPagingFiles(void);

/* ---- extend.c ---- */

/* => Slots that the file may still get. */
static inline PFN_NUMBER MiGrowthRoom(const MMPAGING_FILE *File) NT_HOLDS(MiPfnLock)
{
    return File->CannotGrow ? 0 : File->MaximumSize - File->Size;
}

/* What growth has done since the start; for reading. */
typedef struct _MI_GROWTH_FIGURES {
    ULONG Rounds;     /* times that somebody asked for it */
    ULONG Extensions; /* of a file */
    ULONG Pages;      /* that the files have more */
    ULONG Failures;   /* tries that failed */
} MI_GROWTH_FIGURES, *PMI_GROWTH_FIGURES;

extern MI_GROWTH_FIGURES MiGrowthFigures; /* written by the one thread */

/*
 * Make a file longer: its sectors, slots, and the commit limit.
 *
 * => PASSIVE_LEVEL, one caller at a time.  Pages is at most its MiGrowthRoom, whole MB.
 * => As IoExtendPagingFile, STATUS_INSUFFICIENT_RESOURCES: it is as it was.
 */
NT_MUST_CHECK NTSTATUS MiExtendPagingFile(PMMPAGING_FILE File, ULONG Pages);

/* No slot is free: files should become longer.  => IRQL <= DISPATCH_LEVEL; returns at once. */
void MiRequestSlots(void);

/* Start the thread that makes files longer.  => STATUS_INSUFFICIENT_RESOURCES. */
NT_MUST_CHECK NTSTATUS MiStartFileGrowth(void);

/* Its thread, if there is one, ends; waits for that.  => PASSIVE_LEVEL. */
void MiStopFileGrowth(void);

/* => Once a machine. */
void MiInitializeFileGrowth(void);

#define MI_GROWTH_PRIORITY 18 /* documented, of the thread that does this on NT */

/* ---- shutdown.c ---- */

/* What MmShutdownPaging does besides.  => Clear: ClearPageFileAtShutdown. */
void MiSetClearAtShutdown(BOOLEAN Clear);

/* ---- try_paging_file.c ---- */

/*
 * Write some slots, read them back, compare.  => PASSIVE_LEVEL; no slot is in use.
 */
void MiTryPagingFile(PDEVICE_OBJECT Volume, const MMPAGING_FILE *File, PMI_PAGING_TRIAL Trial);

#endif

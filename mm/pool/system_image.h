/* SPDX-License-Identifier: MIT */
/*
 * system_image.h - images in the system half: which of their sections are pageable, and which are
 * locked.
 *
 * An image is the kernel's, or a driver's once one is loaded: a range of system addresses with
 * sections.  Pageable are those whose name begins with PAGE, and .edata; a section whose name
 * begins with INIT goes when the image has been initialised.  The pages of a pageable section are
 * in the system's working set, as those of paged pool are (paged_page.h): trimmed they go to a
 * paging file, whatever file they came from, for relocation and initialisation have changed them.
 *
 * The calls for drivers are in mm.h: MmLockPagableCodeSection, MmPageEntireDriver, ...
 *
 * Letters: (M) MiSystemImageMutex, (W) the system working set's, (P) MiPfnLock, (I) fixed.
 */
#ifndef MM_POOL_SYSTEM_IMAGE_H
#define MM_POOL_SYSTEM_IMAGE_H

#include "ke.h"
#include "mm/pfn/pfn.h"
#include "nt/list.h"
#include "nt/types.h"

#define MI_SECTION_NAME_BYTES 8u

typedef struct _MI_IMAGE_SECTION {
    char Name[MI_SECTION_NAME_BYTES]; /* (I) as in the file: not always zero terminated */
    ULONG_PTR Start;                  /* (I) page aligned */
    ULONG Pages;                      /* (M) 0: it is gone */
    ULONG Protection;                 /* (I) MM_READWRITE, or one without a right to write */
    ULONG PagedPages;                 /* (M,W) both to write: its first pages are pageable */
    ULONG Locks;                      /* (M) calls that locked it */
    BOOLEAN Nonpaged;                 /* (M) it is to stay, locked or not */
    BOOLEAN Charged;                  /* (M) its paged pages to resident available: they stay */
} MI_IMAGE_SECTION, *PMI_IMAGE_SECTION;

typedef struct _MI_SYSTEM_IMAGE {
    LIST_ENTRY Links;           /* (M,W,P): all three to write, any to read */
    const char *Name;           /* (I) */
    ULONG_PTR Base;             /* (I) page aligned */
    ULONG Pages;                /* (I) */
    ULONG SectionCount;         /* (I) */
    PMI_IMAGE_SECTION Sections; /* (I) the owner's memory, nonpaged */
    BOOLEAN Loader;             /* (I) its frames are the loader's: the kernel */
} MI_SYSTEM_IMAGE, *PMI_SYSTEM_IMAGE;

/* Images that were inserted; (M,W,P) as their list. */
extern ULONG MiSystemImages;

/* PageExecutive: FALSE keeps all sections resident (DisablePagingExecutive).  => Once a machine. */
void MiInitializeSystemImages(BOOLEAN PageExecutive);

/*
 * The image is there from now on, and its pageable sections are pageable.  A section for which
 * there is no memory to describe it stays resident, wholly or in part.
 *
 * => PASSIVE_LEVEL.  Name, Base, Pages, Sections and their Name, Start, Pages, Protection are set,
 *    all else is zero.  Sections do not overlap, and lie in the image.  Their pages are valid, from
 *    MiCreateSystemPages; Loader: the loader's.  All stays until MiRemoveSystemImage.
 */
void MiInsertSystemImage(PMI_SYSTEM_IMAGE Image);

/* What INIT sections hold is not needed any more: their pages are gone.  => PASSIVE_LEVEL. */
void MiDiscardInitSections(PMI_SYSTEM_IMAGE Image);

/*
 * The image is not there any more, nor are the pages of its sections.
 *
 * => PASSIVE_LEVEL.  None of it runs.  Not the kernel's.
 * => Bug check 0x1A, 1010 (P2 the section): a section is locked.
 */
void MiRemoveSystemImage(PMI_SYSTEM_IMAGE Image);

/*
 * => Va lies in a page of an image that is pageable.  MiSystemWorkingSetMutex or MiPfnLock is held.
 */
BOOLEAN MiIsPageableImageVa(ULONG_PTR Va);

/*
 * => Va lies in an image that is not the kernel's: a driver's.  Any IRQL, no lock: for who is about
 *    to stop the machine.
 */
BOOLEAN MiIsDriverVa(ULONG_PTR Va) NT_NO_LOCK_ANALYSIS;

/* The pageable runs of pages, one call each.  => As above. */
typedef void MI_VISIT_PAGED_RUN(PVOID Context, ULONG_PTR Va, ULONG Pages);
void MiVisitPagedRuns(MI_VISIT_PAGED_RUN *Visit, PVOID Context);

typedef struct _MI_IMAGE_FIGURES {
    ULONG Images;
    ULONG PagedPages;    /* pageable, resident or not */
    ULONG LockedPages;   /* of these: they stay */
    ULONG ResidentPages; /* of these: valid now */
    ULONG Faults;        /* times that one became valid again */
} MI_IMAGE_FIGURES, *PMI_IMAGE_FIGURES;

/* => IRQL <= DISPATCH_LEVEL. */
void MiQuerySystemImages(PMI_IMAGE_FIGURES Figures) NT_NOT_HOLDING(MiPfnLock);

/* M1 to M3 of system_image.c.  => IRQL <= APC_LEVEL. */
void MiVerifySystemImages(void);

#endif

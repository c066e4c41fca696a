/* SPDX-License-Identifier: MIT */
/*
 * in_page.h - reading pages from a paging file or a file, whoever owns them.
 *
 *     under the owner's mutex   without it              under it again
 *     MiBeginInPage             MiFinishInPage          the page is in transition: make it valid,
 *                                                       then give the reference back
 *     MiJoinInPage              MiWaitInPage            fault again
 *
 * The owner is a process or the system: whoever's mutex covers the PTE.  Nothing here takes memory
 * from pool or waits for memory.
 *
 * Letters: (P) MiPfnLock, (R) the thread that reads, until Done is set, (I) fixed.
 */
#ifndef MM_PAGING_IN_PAGE_H
#define MM_PAGING_IN_PAGE_H

#include "io.h"
#include "mm/pfn/pfn.h"

#define MI_IN_PAGE_BLOCKS  32u
#define MI_IN_PAGE_MAPPED  0xFFFFFFFFu
#define MI_IN_PAGE_PAGES   16u /* that a block has room for */
#define MI_IN_PAGE_CLUSTER 8u  /* pages that one fault reads at most */

/* Pages that are being read, and those who wait for them. */
typedef struct _MI_IN_PAGE {
    LIST_ENTRY Link;      /* (P) free: in their list */
    KEVENT Done;          /* what became of the pages is decided; the frames' u1.Event */
    KEVENT Transferred;   /* (R) the I/O manager's */
    IO_STATUS_BLOCK Iosb; /* (R) */
    LARGE_INTEGER Offset; /* (R) in the file */
    ULONG64 FileBytes;    /* (R) that are of these pages; the rest is zero */
    ULONG References;     /* (P) the reader's, and one for each that waits; 0: free */
    PMMPTE First;         /* (R) of the first page */
    PFILE_OBJECT Object;  /* (R) that has them */
    ULONG File;           /* (R) number of the paging file; MI_IN_PAGE_MAPPED: of another file */
    ULONG Slot;           /* (R) of the first page, in a paging file */
    ULONG Pages;          /* (R) */
    ULONG Skip;           /* (R) bytes before the first page, which begins inside a sector; then
                                 there is a frame behind the last page's, too */
    ULONG Wanted;         /* (R) which of them faulted */
    ULONG Kept;           /* (R) bits: pages that MiReleaseInPage gives back */
    ULONG Failed;         /* (P) bits: pages that cannot be read ... */
    NTSTATUS Status;      /* (P) ... and why */
    ULONG Checksum[MI_IN_PAGE_PAGES]; /* (R) that they should have */
    MDL Mdl;                          /* (R) of the frames, which follow it */
    PFN_NUMBER Frames[MI_IN_PAGE_PAGES + 1];
} MI_IN_PAGE, *PMI_IN_PAGE;

NT_C_ASSERT(offsetof(MI_IN_PAGE, Frames) == offsetof(MI_IN_PAGE, Mdl) + sizeof(MDL));

typedef struct _MI_IN_PAGE_COUNTERS {
    ULONG Reads;          /* that were begun */
    ULONG Pages;          /* of them */
    ULONG Failed;         /* reads that the disk failed */
    ULONG WrongChecksums; /* pages that came back different */
    ULONG Waits;          /* for a block: all were in use */
    ULONG InUse;          /* blocks, now */
    ULONG PeakInUse;
} MI_IN_PAGE_COUNTERS, *PMI_IN_PAGE_COUNTERS;

extern MI_IN_PAGE_COUNTERS MiInPageCounters; /* (P) but WrongChecksums and Waits: about */

/* All blocks are free.  => Once a machine. */
void MiInitializeInPage(void);

/*
 * Take a block and frames for the page of Pte, and for up to Most - 1 others whose PTEs and whose
 * places are its neighbours, in one page table and one file, while memory is not low.  Their PTEs
 * are in transition then, the frames ReadInProgress.
 *
 * => Under the owner's mutex, in its address space.  *Pte is a MiPtePagefile, or a prototype PTE
 *    that is a MiPteSubsection.
 * => STATUS_NO_MEMORY: no frame, or no two where pages begin inside a sector.
 *    STATUS_INSUFFICIENT_RESOURCES: no block: MiWaitForInPage, without the mutex.  Nothing changed.
 */
NT_MUST_CHECK NTSTATUS MiBeginInPage(PMMPTE Pte, ULONG Most, PMI_IN_PAGE *Block)
    NT_NOT_HOLDING(MiPfnLock);

/*
 * Read, wait, compare, and let those who wait go on.  Pages that could not be read are in the file
 * again, as before; the neighbours that could are on standby.
 *
 * => No lock but, for a page table, that of its address space; IRQL <= APC_LEVEL; as many calls as
 *    of MiBeginInPage.  Block is not the caller's any more.
 * => STATUS_SUCCESS: *Frame has the contents of the page that faulted, and a reference for the
 *    caller; the page may have been deleted meanwhile, then the frame has no PTE.
 *    STATUS_RETRY: a read of several pages failed; the page alone may be readable.
 *    Another status: why the page cannot be read.
 */
NT_MUST_CHECK NTSTATUS MiFinishInPage(PMI_IN_PAGE Block, PPFN_NUMBER Frame)
    NT_NOT_HOLDING(MiPfnLock);

/*
 * The same; the neighbours that were read from a file, not a paging file, stay referenced, too, so
 * that they need not go through the lists where the caller maps them at once.
 *
 * => *Kept: for MiReleaseInPage, which comes before the caller waits for anything; or NULL.
 */
NT_MUST_CHECK NTSTATUS MiFinishInPageAndKeep(PMI_IN_PAGE Block, PPFN_NUMBER Frame,
                                             PMI_IN_PAGE *Kept) NT_NOT_HOLDING(MiPfnLock);
void MiReleaseInPage(PMI_IN_PAGE Kept) NT_HOLDS(MiPfnLock);

/* Wait until there may be a free block.  => As MiFinishInPage. */
void MiWaitForInPage(void) NT_NOT_HOLDING(MiPfnLock);

/* A fault on a page that is being read already.  => ReadInProgress.  MiWaitInPage comes next. */
PMI_IN_PAGE MiJoinInPage(PFN_NUMBER Frame) NT_HOLDS(MiPfnLock);

/*
 * Wait until it has been read.
 *
 * => As MiFinishInPage, and Frame is that of MiJoinInPage.
 * => STATUS_SUCCESS: fault again.  Another status: why it cannot be read.
 */
NT_MUST_CHECK NTSTATUS MiWaitInPage(PMI_IN_PAGE Block, PFN_NUMBER Frame) NT_NOT_HOLDING(MiPfnLock);

/* Check N1 and N2 of in_page.c.  => Stops when one does not hold.  After MiInitializeInPage. */
void MiVerifyInPage(void) NT_NOT_HOLDING(MiPfnLock);

/* Error injection: the MiBeginInPage that counts it down to 0 finds no free block.  0: off. */
extern ULONG MiFailInPageBlock;

#endif

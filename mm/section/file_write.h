/* SPDX-License-Identifier: MIT */
/*
 * file_write.h - one write of pages of a file: what a flush and the mapped page writer share.
 */
#ifndef MM_SECTION_FILE_WRITE_H
#define MM_SECTION_FILE_WRITE_H

#include "io.h"
#include "mm/section/section.h"

#define MI_FILE_WRITE_PAGES 16u /* of a write, at most: 64 KB, as on NT */

/* Pages that follow one another in a file, on their way to it. */
typedef struct _MI_FILE_WRITE {
    PCONTROL_AREA Area; /* its ModifiedWriteCount counts this */
    LARGE_INTEGER Offset;
    ULONG Pages;
    KEVENT Done;
    IO_STATUS_BLOCK Iosb;
    MDL Mdl; /* of the frames, which follow it */
    PFN_NUMBER Frames[MI_FILE_WRITE_PAGES];
} MI_FILE_WRITE, *PMI_FILE_WRITE;

NT_C_ASSERT(offsetof(MI_FILE_WRITE, Frames) == offsetof(MI_FILE_WRITE, Mdl) + sizeof(MDL));

typedef struct _MI_FILE_WRITE_FIGURES {
    ULONG Writes;       /* requests */
    ULONG Pages;        /* written */
    ULONG FailedWrites; /* requests */
    ULONG FailedPages;  /* that stayed modified */
    NTSTATUS LastStatus;
} MI_FILE_WRITE_FIGURES;

extern MI_FILE_WRITE_FIGURES MiFileWriteFigures; /* (P) */

/* => Once a machine. */
void MiInitializeFileWriting(void);

/* => Whether the frame of Proto's page, if it has one, is to be written and nobody writes it. */
BOOLEAN MiIsFilePageDirty(PMMPTE Proto) NT_HOLDS(MiPfnLock);

/*
 * Take the page of Proto and those that follow it, up to Most, while they are dirty and before End:
 * each is WriteInProgress, not modified, referenced.
 *
 * => MiIsFilePageDirty(Proto); its page of prototype PTEs is there; Most <= MI_FILE_WRITE_PAGES;
 *    Proto to End lie in one page and one subsection.
 * => Returns how many; 0: the page has too many references, it stays modified.
 */
ULONG MiTakeFilePages(PMI_FILE_WRITE Write, PMMPTE Proto, PMMPTE End, ULONG Most)
    NT_HOLDS(MiPfnLock);

/*
 * Write them.  Pages that could not be written are modified again; where several fail each is tried
 * alone.  Pages behind the end of the file, or of one that was deleted, count as written.
 *
 * => IRQL <= APC_LEVEL; no lock that a page request may need: none does.  Somebody keeps the area.
 */
NT_MUST_CHECK NTSTATUS MiWriteFilePages(PMI_FILE_WRITE Write) NT_NOT_HOLDING(MiPfnLock);

/* Wait until a write that is under way ends, any one.  => *OldIrql: MiPfnLock goes and comes. */
void MiWaitForFileWrite(PKIRQL OldIrql) NT_HOLDS(MiPfnLock);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * writer_thread.h - when modified pages are written: the thread of the modified page writer, and of
 * the mapped one (mm/section/mapped_writer.c).
 *
 *     woken by      when                                     writes until
 *     mm/pfn        their list reaches its threshold         a quarter of the threshold is left
 *     others        they need memory, or wait for it         the same
 *     time          the list was not empty for Life seconds, none is left
 *                   or for one while memory is low
 */
#ifndef MM_PAGING_WRITER_THREAD_H
#define MM_PAGING_WRITER_THREAD_H

#include "ke.h"
#include "mm/pfn/pfn_list.h"

typedef struct _MI_WRITER MI_WRITER, *PMI_WRITER;

struct _MI_WRITER {
    /* (I) whose they are, and what it does; set by who has the writer */
    const char *Name;
    MI_MODIFIED_KIND Kind;                /* the list */
    ULONG LeastThreshold;                 /* pages */
    ULONG Life;                           /* seconds that a page may stay modified */
    void (*Wake)(void);                   /* MiWakeWriter of this one */
    NTSTATUS (*WriteDownTo)(ULONG Pages); /* why it ended before, or success */
    /* wait after that, as MiWaitForWriter: FALSE: it has to end */
    BOOLEAN (*BackOff)(NTSTATUS Status, LONGLONG Time);

    /* the thread's own */
    KEVENT Awake;   /* synchronization: the thread takes it */
    KEVENT Stop;    /* notification: the thread ends */
    KEVENT Stopped; /* notification: it has, or was never started */
};

/* => Once a machine, before the first page is modified. */
void MiInitializeWriter(PMI_WRITER Writer) NT_NOT_HOLDING(MiPfnLock);

/* Start its thread.  => STATUS_INSUFFICIENT_RESOURCES. */
NT_MUST_CHECK NTSTATUS MiStartWriter(PMI_WRITER Writer);

/* The thread, if there is one, ends; waits for that.  => PASSIVE_LEVEL. */
void MiStopWriter(PMI_WRITER Writer);

/* => Any locks but the dispatcher's; IRQL <= DISPATCH_LEVEL. */
void MiWakeWriter(PMI_WRITER Writer);

/* How many pages the list has. */
ULONG MiCountModified(const MI_WRITER *Writer) NT_NOT_HOLDING(MiPfnLock);

/* => More than Pages are left, or any while memory is low; and nobody ends it.  For WriteDownTo. */
BOOLEAN MiWriterGoesOn(PMI_WRITER Writer, ULONG Pages) NT_NOT_HOLDING(MiPfnLock);

/*
 * Wait for Object (NULL: nothing), or Time in units of 100 ns.
 *
 * => The thread's.  FALSE: it has to end.  *Status: as KeWaitForMultipleObjects.
 */
BOOLEAN MiWaitForWriter(PMI_WRITER Writer, PKEVENT Object, LONGLONG Time, NTSTATUS *Status);

#endif

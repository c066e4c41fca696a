/* SPDX-License-Identifier: MIT */
/*
 * copy.h - what copying from and to views is made of.
 */
#ifndef MM_CC_COPY_H
#define MM_CC_COPY_H

#include "mm/cc/cache_map.h"
#include "user_half.h"

typedef struct _CC_COPY_COUNTERS {
    ULONG Reads;       /* CcCopyRead and its kin */
    ULONG ReadMisses;  /* of these, that met a page that was not in memory */
    ULONG ReadCannot;  /* that would have waited and must not */
    ULONG Writes;      /* CcCopyWrite and its kin */
    ULONG WholePages;  /* pages written without being read before */
    ULONG WriteCannot; /* that would have waited and must not */
    ULONG Faults;      /* copies that a fault ended */
} CC_COPY_COUNTERS;

extern CC_COPY_COUNTERS CcCopyCounters; /* lost updates cost a count */

/*
 * Copy between a view and a buffer.  No fault crosses a page of either, so that *Copied says what
 * was copied when one cannot be resolved.
 */
NT_MUST_CHECK NTSTATUS CciCopyGuarded(PVOID To, const void *From, ULONG Bytes, PULONG Copied);

/* => Whether Buffer, if it begins in the user half, ends there too. */
static inline BOOLEAN CciIsBuffer(const void *Buffer, ULONG Bytes)
{
    ULONG_PTR Va = (ULONG_PTR)Buffer;

    return Va >= MM_USER_PROBE_ADDRESS ? Va + Bytes >= Va : Bytes <= MM_USER_PROBE_ADDRESS - Va;
}

/* The range of a write.  => Whether it lies inside the file. */
BOOLEAN CciIsInFile(PSHARED_CACHE_MAP Map, LONGLONG Offset, LONGLONG Bytes);

/* What was written to the cache reaches so far. */
void CciNoteWritten(PSHARED_CACHE_MAP Map, LONGLONG End) NT_NOT_HOLDING(CcMasterLock);

/* CcZeroData of a file object that is not cached; as include/cc.h says. */
NT_MUST_CHECK NTSTATUS CciZeroOnDisk(PFILE_OBJECT FileObject, LONGLONG Start, LONGLONG End,
                                     BOOLEAN Wait) NT_NOT_HOLDING(CcMasterLock);

/* A page of zeroes. */
extern const UCHAR CciZeroPage[PAGE_SIZE];

/*
 * Read those pages of [Va, Va + Length) that are not in memory.
 *
 * => In a view that is in use.  STATUS_CANT_WAIT: without Wait; STATUS_IN_PAGE_ERROR and others.
 */
NT_MUST_CHECK NTSTATUS CciBringIn(PUCHAR Va, ULONG Length, BOOLEAN Wait);

/*
 * Whole pages of the range that are not in memory become zeroes, and are not read.
 *
 * => Zeroes are what the caller wants: a failure leaves some.
 */
NT_MUST_CHECK NTSTATUS CciMakeWholePages(PUCHAR Va, ULONG Length);

/*
 * The same for those that lie behind the file's valid data, where it has nothing but zeroes.
 *
 * => Va shows the file's byte at Offset.
 */
NT_MUST_CHECK NTSTATUS CciMakeEmptyPages(const SHARED_CACHE_MAP *Map, LONGLONG Offset, PUCHAR Va,
                                         ULONG Length);

#endif

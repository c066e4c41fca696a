/* SPDX-License-Identifier: MIT */
/*
 * slist.h - NT's singly linked list with a depth, changed without a lock.
 *
 * The header's eight bytes change in one interlocked operation.  ExpTakeSListEntry never reads an
 * entry that somebody else may have: it takes the whole chain, then puts back what follows the
 * first entry.  So no entry can vanish under it, and its memory may be freed at any moment.  The
 * price: while one caller holds the chain, others find the list empty.  That suits look-aside
 * lists, for which an empty list is only slower.
 */
#ifndef NT_SLIST_H
#define NT_SLIST_H

#include "nt/types.h"

typedef struct _SINGLE_LIST_ENTRY {
    struct _SINGLE_LIST_ENTRY *Next; /* NULL: the last one */
} SINGLE_LIST_ENTRY, *PSINGLE_LIST_ENTRY, SLIST_ENTRY, *PSLIST_ENTRY;

typedef union NT_ALIGNED(8) _SLIST_HEADER {
    ULONGLONG Alignment;
    struct {
        SLIST_ENTRY Next;
        USHORT Depth;    /* entries on the list, modulo 65536 */
        USHORT Sequence; /* counts changes */
    };
    struct {
        PSLIST_ENTRY First;
        ULONG DepthAndSequence; /* Depth in the low half */
    };
} SLIST_HEADER, *PSLIST_HEADER;

#define SLIST_ONE_PUSHED 0x00010001u /* Depth + 1, Sequence + 1 */

static inline void ExInitializeSListHead(PSLIST_HEADER Head)
{
    Head->Alignment = 0;
}

static inline USHORT ExQueryDepthSList(const SLIST_HEADER *Head)
{
    return Head->Depth;
}

/* => Returns TRUE when Head was Old and is now New. */
static inline BOOLEAN ExpSwapSListHead(PSLIST_HEADER Head, SLIST_HEADER Old, SLIST_HEADER New)
{
    return __sync_bool_compare_and_swap(&Head->Alignment, Old.Alignment, New.Alignment);
}

/* => Any IRQL at which Entry may be written. */
static inline void ExpPushSListEntry(PSLIST_HEADER Head, PSLIST_ENTRY Entry)
{
    SLIST_HEADER Old;
    SLIST_HEADER New;

    do {
        Old.First = Head->First;
        Old.DepthAndSequence = Head->DepthAndSequence;
        Entry->Next = Old.First;
        New.First = Entry;
        New.DepthAndSequence = Old.DepthAndSequence + SLIST_ONE_PUSHED;
    } while (!ExpSwapSListHead(Head, Old, New));
}

/* => Returns what the header was; its chain is the caller's now (First NULL: it was empty). */
static inline SLIST_HEADER ExpTakeSList(PSLIST_HEADER Head)
{
    SLIST_HEADER Old;
    SLIST_HEADER New;

    do {
        Old.First = Head->First;
        Old.DepthAndSequence = Head->DepthAndSequence;
        if (Old.First == NULL) {
            break;
        }
        New.First = NULL;
        New.DepthAndSequence = (Old.DepthAndSequence & 0xFFFF0000u) + 0x00010000u;
    } while (!ExpSwapSListHead(Head, Old, New));
    return Old;
}

/* Put a chain of Depth entries back.  => TRUE: done.  FALSE: the list is no longer empty. */
static inline BOOLEAN ExpReturnSList(PSLIST_HEADER Head, PSLIST_ENTRY First, USHORT Depth)
{
    SLIST_HEADER Old;
    SLIST_HEADER New;

    Old.First = NULL;
    Old.DepthAndSequence = Head->DepthAndSequence;
    New.First = First;
    New.DepthAndSequence = (Old.DepthAndSequence & 0xFFFF0000u) + 0x00010000u + Depth;
    return (Old.DepthAndSequence & 0xFFFFu) == 0 && ExpSwapSListHead(Head, Old, New);
}

#endif

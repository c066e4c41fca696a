/* SPDX-License-Identifier: MIT */
/*
 * list.h - LIST_ENTRY, NT's circular doubly linked list, and its documented inline calls.
 *
 * Invariant: for every entry E on a list, E.Flink->Blink == E and E.Blink->Flink == E.  Removal
 * checks it first: a list that was trampled on stops the machine where the damage is found.
 *
 * Locking: the caller's.
 */
#ifndef NT_LIST_H
#define NT_LIST_H

#include "nt/types.h"

typedef struct _LIST_ENTRY {
    struct _LIST_ENTRY *Flink; /* next entry, or the head */
    struct _LIST_ENTRY *Blink; /* previous entry, or the head */
} LIST_ENTRY, *PLIST_ENTRY;

static inline void InitializeListHead(PLIST_ENTRY Head)
{
    Head->Flink = Head->Blink = Head;
}

static inline BOOLEAN IsListEmpty(const LIST_ENTRY *Head)
{
    return Head->Flink == Head;
}

static inline void InsertHeadList(PLIST_ENTRY Head, PLIST_ENTRY Entry)
{
    PLIST_ENTRY First = Head->Flink;

    Entry->Flink = First;
    Entry->Blink = Head;
    First->Blink = Entry;
    Head->Flink = Entry;
}

static inline void InsertTailList(PLIST_ENTRY Head, PLIST_ENTRY Entry)
{
    PLIST_ENTRY Last = Head->Blink;

    Entry->Flink = Head;
    Entry->Blink = Last;
    Last->Flink = Entry;
    Head->Blink = Entry;
}

/* => Returns TRUE when the list became empty. */
static inline BOOLEAN RemoveEntryList(PLIST_ENTRY Entry)
{
    PLIST_ENTRY Next = Entry->Flink;
    PLIST_ENTRY Previous = Entry->Blink;

    if (Next->Blink != Entry || Previous->Flink != Entry) {
        __builtin_trap();
    }
    Previous->Flink = Next;
    Next->Blink = Previous;
    return Next == Previous;
}

static inline PLIST_ENTRY RemoveHeadList(PLIST_ENTRY Head)
{
    PLIST_ENTRY Entry = Head->Flink;

    RemoveEntryList(Entry);
    return Entry;
}

static inline PLIST_ENTRY RemoveTailList(PLIST_ENTRY Head)
{
    PLIST_ENTRY Entry = Head->Blink;

    RemoveEntryList(Entry);
    return Entry;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * directory.h - directory objects: names, in 37 chains by their hash.
 */
#ifndef MM_OB_DIRECTORY_H
#define MM_OB_DIRECTORY_H

#include "mm/ob/object.h"

#define OB_DIRECTORY_BUCKETS 37u         /* as on NT */
#define OB_TAG_ENTRY         0x6944624Fu /* 'ObDi', as on NT */

typedef struct _OBJECT_DIRECTORY_ENTRY {
    struct _OBJECT_DIRECTORY_ENTRY *ChainLink; /* (N) the next of the bucket */
    PVOID Object;                              /* (I) referenced; its name info has the name */
    ULONG HashValue;                           /* (I) of the name in upper case */
} OBJECT_DIRECTORY_ENTRY, *POBJECT_DIRECTORY_ENTRY;

typedef struct _OBJECT_DIRECTORY {
    POBJECT_DIRECTORY_ENTRY HashBuckets[OB_DIRECTORY_BUCKETS]; /* (N) newest first */
    ULONG NumberOfEntries;                                     /* (N) */
} OBJECT_DIRECTORY;

extern POBJECT_DIRECTORY ObpRootDirectoryObject; /* NULL: there is no namespace yet */

/* => The object, without a reference; NULL: there is none of that name. */
PVOID ObpFindInDirectory(const OBJECT_DIRECTORY *Directory, PCUNICODE_STRING Name,
                         BOOLEAN CaseInsensitive) NT_HOLDS(ObpNamespaceMutex);

/*
 * The object's name, which it has already, is in Directory from now on: both get a reference.
 *
 * => Entry is the caller's memory, tag OB_TAG_ENTRY, and the directory's from now on.
 */
void ObpInsertInDirectory(POBJECT_DIRECTORY Directory, POBJECT_DIRECTORY_ENTRY Entry, PVOID Object)
    NT_HOLDS(ObpNamespaceMutex);

/*
 * The reverse.  => Returns the entry, which the caller frees; it also dereferences *Directory and
 * the object, when it has let go of the mutex.
 */
POBJECT_DIRECTORY_ENTRY ObpRemoveFromDirectory(PVOID Object, POBJECT_DIRECTORY *Directory)
    NT_HOLDS(ObpNamespaceMutex);

/* Entry number Index, in no order that means anything.  => NULL: there are not so many. */
PVOID ObpEntryNumber(const OBJECT_DIRECTORY *Directory, ULONG Index) NT_HOLDS(ObpNamespaceMutex);

/* D1 to D3 of directory.c. */
void ObpVerifyDirectory(POBJECT_DIRECTORY Directory) NT_HOLDS(ObpNamespaceMutex);

#endif

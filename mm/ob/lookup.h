/* SPDX-License-Identifier: MIT */
/*
 * lookup.h - from a name to an object, or to the place for a new one.
 */
#ifndef MM_OB_LOOKUP_H
#define MM_OB_LOOKUP_H

#include "mm/ob/directory.h"

#define OB_MOST_REPARSES 32u

typedef struct _OB_LOOKUP {
    HANDLE RootDirectory; /* or NULL: the root of all */
    ULONG Attributes;
    POBJECT_TYPE Type;          /* of what is looked for; NULL: any */
    KPROCESSOR_MODE AccessMode; /* whose handle RootDirectory is */
    PVOID ParseContext;
    UNICODE_STRING Name; /* the path, in a buffer of its own, which a reparse replaces */

    PVOID Insert;                  /* in: give this object the name; NULL: open */
    POBJECT_DIRECTORY_ENTRY Entry; /* in: for that; NULL on return when it was used */

    /* out: what was found, referenced, its name held; or NULL: Insert has the name now */
    PVOID Object;
} OB_LOOKUP, *POB_LOOKUP;

/* A copy of Name for a lookup.  NULL: an empty one.  => STATUS_INSUFFICIENT_RESOURCES. */
NT_MUST_CHECK NTSTATUS ObpCopyName(PCUNICODE_STRING Name, PUNICODE_STRING Copy);
void ObpFreeName(PUNICODE_STRING Name);

/*
 * Follow the name.  The statuses are those of ObOpenObjectByName; with Insert also
 * STATUS_OBJECT_NAME_COLLISION, or STATUS_OBJECT_NAME_EXISTS (OBJ_OPENIF) with what is there.
 *
 * => When Insert got the name, Name's buffer is its name info's, with the last component alone,
 *    and its flag OB_FLAG_NEW_OBJECT is set.  Otherwise the caller frees Name.
 */
NT_MUST_CHECK NTSTATUS ObpLookupName(POB_LOOKUP Lookup);

#endif

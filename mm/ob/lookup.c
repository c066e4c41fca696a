/* SPDX-License-Identifier: MIT */
/*
 * lookup.c - following a path through directories, symbolic links and what else has a Parse.
 *
 *     at a            with more of the path     at its end
 *     directory       next component            found
 *     type with Parse it says where it leads    it says where it leads
 *     anything else   wrong type                found
 *
 * Each step holds ObpNamespaceMutex for one search in one directory; what it finds is referenced,
 * and its name held (ObpHoldName) until the next step is done, or its handle is made.  A search
 * that ends in an insertion is one step.
 */
#include "mm/ob/lookup.h"

#include "mi_assert.h"
#include "mm/ob/handle.h"
#include "rtl.h"

#define OB_SEPARATOR u'\\'

/* ---- names ---- */

NTSTATUS ObpCopyName(PCUNICODE_STRING Name, PUNICODE_STRING Copy)
{
    USHORT Length = Name == NULL ? 0 : Name->Length;

    *Copy = (UNICODE_STRING){.Length = 0};
    if (Length == 0) {
        return STATUS_SUCCESS;
    }
    Copy->Buffer = ExAllocatePoolWithTag(PagedPool, Length, OB_TAG_NAME);
    if (Copy->Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memcpy(Copy->Buffer, Name->Buffer, Length);
    Copy->Length = Length;
    Copy->MaximumLength = Length;
    return STATUS_SUCCESS;
}

void ObpFreeName(PUNICODE_STRING Name)
{
    if (Name->Buffer != NULL) {
        ExFreePoolWithTag(Name->Buffer, OB_TAG_NAME);
    }
    *Name = (UNICODE_STRING){.Length = 0};
}

NTSTATUS ObReplaceName(PUNICODE_STRING CompleteName, PCUNICODE_STRING Prefix, PCUNICODE_STRING Rest)
{
    ULONG Bytes = (ULONG)Prefix->Length + Rest->Length;
    PWCHAR Buffer;

    if (Bytes > 0xFFFE) {
        return STATUS_NAME_TOO_LONG;
    }
    Buffer = ExAllocatePoolWithTag(PagedPool, Bytes, OB_TAG_NAME);
    if (Buffer == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    memcpy(Buffer, Prefix->Buffer, Prefix->Length);
    if (Rest->Length != 0) {
        memcpy((PUCHAR)Buffer + Prefix->Length, Rest->Buffer, Rest->Length);
    }
    ObpFreeName(CompleteName);
    *CompleteName = (UNICODE_STRING){(USHORT)Bytes, (USHORT)Bytes, Buffer};
    return STATUS_SUCCESS;
}

/* Move Path's first component, without separators around it, to *Component. */
static void ObpSplit(PUNICODE_STRING Path, PUNICODE_STRING Component)
{
    USHORT Units = Path->Length / sizeof(WCHAR);
    PWCHAR From = Path->Buffer;
    USHORT Length = 0;

    if (Units != 0 && From[0] == OB_SEPARATOR) {
        From++;
        Units--;
    }
    while (Length < Units && From[Length] != OB_SEPARATOR) {
        Length++;
    }
    *Component =
        (UNICODE_STRING){(USHORT)(Length * sizeof(WCHAR)), (USHORT)(Length * sizeof(WCHAR)), From};
    Path->Buffer = From + Length;
    Path->Length = (USHORT)((Units - Length) * sizeof(WCHAR));
    Path->MaximumLength = Path->Length;
}

/* ---- one step ---- */

/* Insert has the name: from now on the buffer of the path, in which only Component is left. */
static void ObpTakeName(POB_LOOKUP Lookup, PCUNICODE_STRING Component) NT_HOLDS(ObpNamespaceMutex)
{
    POBJECT_HEADER Header = OBJECT_TO_OBJECT_HEADER(Lookup->Insert);
    POBJECT_HEADER_NAME_INFO NameInfo = ObpNameInfo(Header);

    MI_ASSERT(NameInfo != NULL && NameInfo->Name.Buffer == NULL);
    memmove(Lookup->Name.Buffer, Component->Buffer, Component->Length);
    NameInfo->Name = Lookup->Name;
    NameInfo->Name.Length = Component->Length;
    Lookup->Name = (UNICODE_STRING){.Length = 0};
    Header->Flags |= OB_FLAG_NEW_OBJECT;
}

/*
 * Look for Component, or insert there.
 * => *Object is referenced; NULL: the new object was inserted.
 */
static NTSTATUS ObpStep(POB_LOOKUP Lookup, POBJECT_DIRECTORY Directory, PUNICODE_STRING Component,
                        BOOLEAN Last, PVOID *Object)
{
    BOOLEAN AnyCase = (Lookup->Attributes & OBJ_CASE_INSENSITIVE) != 0;
    NTSTATUS Status = STATUS_SUCCESS;

    ObpAcquire(&ObpNamespaceMutex);
    *Object = ObpFindInDirectory(Directory, Component, AnyCase);
    if (*Object != NULL) {
        ObfReferenceObject(*Object);
        ObpHoldName(*Object);
    } else if (!Last) {
        Status = STATUS_OBJECT_PATH_NOT_FOUND;
    } else if (Lookup->Insert == NULL) {
        Status = STATUS_OBJECT_NAME_NOT_FOUND;
    } else {
        ObpTakeName(Lookup, Component);
        ObpInsertInDirectory(Directory, Lookup->Entry, Lookup->Insert);
        Lookup->Entry = NULL;
    }
    ObpRelease(&ObpNamespaceMutex);
    return Status;
}

/* ---- the way ---- */

/*
 * The name leads to Object, whose name is held.
 * => Its reference and the hold go to the caller of the lookup, or are gone.
 */
static NTSTATUS ObpArrive(POB_LOOKUP Lookup, PVOID Object)
{
    NTSTATUS Status = STATUS_SUCCESS;

    if (Lookup->Insert != NULL && (Lookup->Attributes & OBJ_OPENIF) == 0) {
        Status = STATUS_OBJECT_NAME_COLLISION;
    } else if (Lookup->Type != NULL && ObGetType(Object) != Lookup->Type) {
        Status = STATUS_OBJECT_TYPE_MISMATCH;
    } else if (Lookup->Insert != NULL) {
        Status = STATUS_OBJECT_NAME_EXISTS;
    }
    if (NT_SUCCESS(Status)) {
        Lookup->Object = Object;
    } else {
        ObpLeaveName(Object);
    }
    return Status;
}

/* Object is referenced, and was not found in a directory just now. */
static void ObpBeginHold(PVOID Object)
{
    ObpAcquire(&ObpNamespaceMutex);
    ObpHoldName(Object);
    ObpRelease(&ObpNamespaceMutex);
}

static NTSTATUS ObpParse(POB_LOOKUP Lookup, PVOID Current, PUNICODE_STRING Rest)
{
    PVOID Object = NULL;
    NTSTATUS Status = ObGetType(Current)->TypeInfo.Parse(Current, Lookup->Type, Lookup->AccessMode,
                                                         Lookup->Attributes, &Lookup->Name, Rest,
                                                         Lookup->ParseContext, &Object);

    if (NT_SUCCESS(Status) && Status != STATUS_REPARSE) { /* whatever else it says */
        MI_ASSERT(Object != NULL);
        ObpBeginHold(Object);
        ObpLeaveName(Current);
        return ObpArrive(Lookup, Object);
    }
    ObpLeaveName(Current);
    return Status;
}

static NTSTATUS ObpEnterDirectory(POB_LOOKUP Lookup, PVOID *Current, PUNICODE_STRING Rest)
{
    POBJECT_DIRECTORY Directory = *Current;
    UNICODE_STRING Component;
    NTSTATUS Status = STATUS_OBJECT_NAME_INVALID;

    *Current = NULL;
    ObpSplit(Rest, &Component);
    if (Component.Length != 0) {
        Status = ObpStep(Lookup, Directory, &Component, Rest->Length == 0, Current);
    }
    ObpLeaveName(Directory);
    return Status;
}

/* From Current on; its reference and hold are used up.  => STATUS_REPARSE: anew, another name. */
static NTSTATUS ObpWalk(POB_LOOKUP Lookup, PVOID Current, PUNICODE_STRING Rest)
{
    for (;;) {
        POBJECT_TYPE Type = ObGetType(Current);
        NTSTATUS Status;

        if (Type->TypeInfo.Parse != NULL) {
            return ObpParse(Lookup, Current, Rest);
        }
        if (Rest->Length == 0) {
            return ObpArrive(Lookup, Current);
        }
        if (Type != ObpDirectoryObjectType) {
            ObpLeaveName(Current);
            return STATUS_OBJECT_TYPE_MISMATCH;
        }
        Status = ObpEnterDirectory(Lookup, &Current, Rest);
        if (!NT_SUCCESS(Status) || Current == NULL) {
            return Status;
        }
    }
}

/* A path from the root of all. */
static NTSTATUS ObpWalkFromRoot(POB_LOOKUP Lookup)
{
    UNICODE_STRING Rest = Lookup->Name;

    if (Rest.Length == 0 || Rest.Buffer[0] != OB_SEPARATOR) {
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    }
    if (Rest.Length == sizeof(WCHAR)) {
        Rest.Length = 0;
    }
    ObfReferenceObject(ObpRootDirectoryObject);
    ObpBeginHold(ObpRootDirectoryObject);
    return ObpWalk(Lookup, ObpRootDirectoryObject, &Rest);
}

static NTSTATUS ObpWalkFromHandle(POB_LOOKUP Lookup)
{
    UNICODE_STRING Rest = Lookup->Name;
    PVOID Start = NULL;
    NTSTATUS Status;

    if (Rest.Length != 0 && Rest.Buffer[0] == OB_SEPARATOR) {
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    }
    Status =
        ObReferenceObjectByHandle(Lookup->RootDirectory, 0, NULL, Lookup->AccessMode, &Start, NULL);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    ObpBeginHold(Start);
    return ObpWalk(Lookup, Start, &Rest);
}

NTSTATUS ObpLookupName(POB_LOOKUP Lookup)
{
    NTSTATUS Status =
        Lookup->RootDirectory != NULL ? ObpWalkFromHandle(Lookup) : ObpWalkFromRoot(Lookup);
    ULONG Reparses;

    for (Reparses = 0; Status == STATUS_REPARSE; Reparses++) {
        if (Reparses == OB_MOST_REPARSES) {
            return STATUS_OBJECT_NAME_INVALID;
        }
        Status = ObpWalkFromRoot(Lookup);
    }
    return Status;
}

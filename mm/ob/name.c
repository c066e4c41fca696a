/* SPDX-License-Identifier: MIT */
/*
 * name.c - how long names stay, and what an object is called.
 *
 * A name in a directory is held by a handle, by OB_FLAG_PERMANENT, by OB_FLAG_NEW_OBJECT, or by
 * an opening that has found it and has no handle yet.  Whoever takes the last of them away looks
 * here.  A name that nothing of the kind has ever held (inserted without a handle) stays when an
 * opening leaves it: OB_NAME_UNUSED says that one would have gone.  The text itself stays until the
 * object goes.
 */
#include "mi_assert.h"
#include "mm/ob/directory.h"
#include "mm/ob/handle.h"
#include "rtl.h"

/* => The object's reference of the directory is the caller's. */
static POBJECT_DIRECTORY_ENTRY ObpTakeUnusedName(POBJECT_HEADER Header,
                                                 POBJECT_DIRECTORY *Directory)
    NT_HOLDS(ObpNamespaceMutex)
{
    POBJECT_HEADER_NAME_INFO NameInfo = ObpNameInfo(Header);

    if (NameInfo == NULL || NameInfo->Directory == NULL || Header->HandleCount != 0 ||
        (Header->Flags & (OB_FLAG_NEW_OBJECT | OB_FLAG_PERMANENT)) != 0) {
        return NULL;
    }
    if (NameInfo->QueryReferences != 0) {
        NameInfo->QueryReferences |= OB_NAME_UNUSED;
        return NULL;
    }
    return ObpRemoveFromDirectory(&Header->Body, Directory);
}

/* Entry: what ObpTakeUnusedName returned, which may be NULL. */
static void ObpFreeNameEntry(PVOID Object, POBJECT_DIRECTORY_ENTRY Entry,
                             POBJECT_DIRECTORY Directory)
{
    if (Entry != NULL) {
        ExFreePoolWithTag(Entry, OB_TAG_ENTRY);
        ObfDereferenceObject(Directory);
        ObfDereferenceObject(Object);
    }
}

static void ObpReleaseName(PVOID Object, UCHAR ClearFlags)
{
    POBJECT_HEADER Header = OBJECT_TO_OBJECT_HEADER(Object);
    POBJECT_DIRECTORY Directory = NULL;
    POBJECT_DIRECTORY_ENTRY Entry;

    ObpAcquire(&ObpNamespaceMutex);
    Header->Flags &= (UCHAR)~ClearFlags;
    Entry = ObpTakeUnusedName(Header, &Directory);
    ObpRelease(&ObpNamespaceMutex);
    ObpFreeNameEntry(Object, Entry, Directory);
}

/* ---- openings ---- */

void ObpHoldName(PVOID Object)
{
    POBJECT_HEADER_NAME_INFO NameInfo = ObpNameInfo(OBJECT_TO_OBJECT_HEADER(Object));

    if (NameInfo != NULL) {
        NameInfo->QueryReferences++;
    }
}

void ObpLetGoOfName(PVOID Object)
{
    POBJECT_HEADER Header = OBJECT_TO_OBJECT_HEADER(Object);
    POBJECT_HEADER_NAME_INFO NameInfo = ObpNameInfo(Header);
    POBJECT_DIRECTORY Directory = NULL;
    POBJECT_DIRECTORY_ENTRY Entry = NULL;

    if (NameInfo == NULL) {
        return;
    }
    ObpAcquire(&ObpNamespaceMutex);
    MI_ASSERT((NameInfo->QueryReferences & ~OB_NAME_UNUSED) != 0);
    NameInfo->QueryReferences--;
    if (NameInfo->QueryReferences == OB_NAME_UNUSED) {
        NameInfo->QueryReferences = 0;
        Entry = ObpTakeUnusedName(Header, &Directory); /* unless the opening has made a handle */
    }
    ObpRelease(&ObpNamespaceMutex);
    ObpFreeNameEntry(Object, Entry, Directory);
}

void ObpLeaveName(PVOID Object)
{
    ObpLetGoOfName(Object);
    ObfDereferenceObject(Object);
}

/* ---- handles and permanence ---- */

void ObpDeleteUnusedName(PVOID Object)
{
    ObpReleaseName(Object, 0);
}

void NTAPI ObMakeTemporaryObject(PVOID Object)
{
    ObpReleaseName(Object, OB_FLAG_PERMANENT);
}

NTSTATUS NTAPI NtMakeTemporaryObject(HANDLE Handle)
{
    PVOID Object = NULL;
    NTSTATUS Status =
        ObReferenceObjectByHandle(Handle, DELETE, NULL, ExGetPreviousMode(), &Object, NULL);

    if (NT_SUCCESS(Status)) {
        ObMakeTemporaryObject(Object);
        ObfDereferenceObject(Object);
    }
    return Status;
}

NTSTATUS NTAPI NtMakePermanentObject(HANDLE Handle)
{
    PVOID Object = NULL;
    NTSTATUS Status =
        ObReferenceObjectByHandle(Handle, 0, NULL, ExGetPreviousMode(), &Object, NULL);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    ObpAcquire(&ObpNamespaceMutex);
    if (ObpNameInfo(OBJECT_TO_OBJECT_HEADER(Object)) != NULL &&
        ObpNameInfo(OBJECT_TO_OBJECT_HEADER(Object))->Directory != NULL) {
        OBJECT_TO_OBJECT_HEADER(Object)->Flags |= OB_FLAG_PERMANENT;
    }
    ObpRelease(&ObpNamespaceMutex);
    ObfDereferenceObject(Object);
    return STATUS_SUCCESS;
}

/* ---- full names ---- */

/*
 * Write the name of Object in front of End, as far as it stays behind Start; with Start NULL only
 * count.  A directory that has no name any more is "...".
 *
 * => Returns its bytes, without a zero.
 */
static ULONG ObpWriteName(PVOID Object, PUCHAR Start, PUCHAR End) NT_HOLDS(ObpNamespaceMutex)
{
    static const WCHAR Lost[] = u"...";
    ULONG Bytes = 0;

    while (Object != ObpRootDirectoryObject) {
        POBJECT_HEADER_NAME_INFO NameInfo = ObpNameInfo(OBJECT_TO_OBJECT_HEADER(Object));
        const void *Text = Lost;
        ULONG Length = sizeof(Lost) - sizeof(WCHAR);

        if (NameInfo != NULL && NameInfo->Directory != NULL) {
            Text = NameInfo->Name.Buffer;
            Length = NameInfo->Name.Length;
        }
        Bytes += Length;
        if (Start != NULL) {
            memcpy(End - Bytes, Text, Length);
        }
        if (Text == Lost) {
            return Bytes;
        }
        Bytes += sizeof(WCHAR);
        if (Start != NULL) {
            *(PWCHAR)(PVOID)(End - Bytes) = u'\\';
        }
        Object = NameInfo->Directory;
    }
    return Bytes;
}

/* => 0: it has no name. */
static ULONG ObpNameBytes(PVOID Object) NT_HOLDS(ObpNamespaceMutex)
{
    POBJECT_HEADER_NAME_INFO NameInfo = ObpNameInfo(OBJECT_TO_OBJECT_HEADER(Object));

    if (Object == ObpRootDirectoryObject) {
        return sizeof(WCHAR);
    }
    return NameInfo == NULL || NameInfo->Directory == NULL ? 0 : ObpWriteName(Object, NULL, NULL);
}

static NTSTATUS ObpQueryName(PVOID Object, POBJECT_NAME_INFORMATION NameInfo, ULONG Length,
                             PULONG ReturnLength) NT_HOLDS(ObpNamespaceMutex)
{
    ULONG Bytes = ObpNameBytes(Object);
    ULONG Needed = sizeof(*NameInfo) + (Bytes == 0 ? 0 : Bytes + sizeof(WCHAR));
    PWCHAR Text = (PWCHAR)(PVOID)(NameInfo + 1);

    *ReturnLength = Needed;
    if (Bytes + sizeof(WCHAR) > 0xFFFE) {
        return STATUS_NAME_TOO_LONG;
    }
    if (Length < Needed) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    NameInfo->Name = (UNICODE_STRING){.Length = 0};
    if (Bytes != 0) {
        Text[0] = u'\\'; /* the root's */
        (void)(Object != ObpRootDirectoryObject &&
               ObpWriteName(Object, (PUCHAR)Text, (PUCHAR)Text + Bytes));
        Text[Bytes / sizeof(WCHAR)] = 0;
        NameInfo->Name = (UNICODE_STRING){(USHORT)Bytes, (USHORT)(Bytes + sizeof(WCHAR)), Text};
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI ObQueryNameString(PVOID Object, POBJECT_NAME_INFORMATION NameInfo, ULONG Length,
                                 PULONG ReturnLength)
{
    NTSTATUS Status;

    ObpAcquire(&ObpNamespaceMutex);
    Status = ObpQueryName(Object, NameInfo, Length, ReturnLength);
    ObpRelease(&ObpNamespaceMutex);
    return Status;
}

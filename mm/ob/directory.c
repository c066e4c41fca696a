/* SPDX-License-Identifier: MIT */
/*
 * directory.c - which object has which name in a directory.
 *
 * Names that differ in case alone have the same hash, so that one search serves both kinds of
 * comparison.
 *
 * Invariants (checked by ObpVerifyDirectory):
 *   D1  an entry is in the bucket of its hash, which is that of its object's name
 *   D2  the object's name info points back to the directory; no two names are equal
 *   D3  NumberOfEntries counts the entries
 *
 * An entry is a reference to its object and one to the directory: a directory with names in it
 * stays, even without a name of its own.
 *
 * Locking: ObpNamespaceMutex.
 */
#include "mm/ob/directory.h"

#include "mi_assert.h"
#include "mm/ob/types.h"
#include "rtl.h"

POBJECT_DIRECTORY ObpRootDirectoryObject;
POBJECT_TYPE ObpDirectoryObjectType;

static ULONG ObpHashName(PCUNICODE_STRING Name)
{
    ULONG Hash = 0;
    ULONG Index;

    for (Index = 0; Index < Name->Length / sizeof(WCHAR); Index++) {
        Hash = Hash * 37 + RtlUpcaseUnicodeChar(Name->Buffer[Index]);
    }
    return Hash;
}

static POBJECT_HEADER_NAME_INFO ObpNameOf(PVOID Object)
{
    return ObpNameInfo(OBJECT_TO_OBJECT_HEADER(Object));
}

PVOID ObpFindInDirectory(const OBJECT_DIRECTORY *Directory, PCUNICODE_STRING Name,
                         BOOLEAN CaseInsensitive)
{
    ULONG Hash = ObpHashName(Name);
    POBJECT_DIRECTORY_ENTRY Entry = Directory->HashBuckets[Hash % OB_DIRECTORY_BUCKETS];

    for (; Entry != NULL; Entry = Entry->ChainLink) {
        if (Entry->HashValue == Hash &&
            RtlEqualUnicodeString(Name, &ObpNameOf(Entry->Object)->Name, CaseInsensitive)) {
            return Entry->Object;
        }
    }
    return NULL;
}

void ObpInsertInDirectory(POBJECT_DIRECTORY Directory, POBJECT_DIRECTORY_ENTRY Entry, PVOID Object)
{
    POBJECT_HEADER_NAME_INFO NameInfo = ObpNameOf(Object);
    ULONG Hash = ObpHashName(&NameInfo->Name);
    POBJECT_DIRECTORY_ENTRY *Bucket = &Directory->HashBuckets[Hash % OB_DIRECTORY_BUCKETS];

    MI_ASSERT(NameInfo->Directory == NULL);
    *Entry = (OBJECT_DIRECTORY_ENTRY){.ChainLink = *Bucket, .Object = Object, .HashValue = Hash};
    *Bucket = Entry;
    Directory->NumberOfEntries++;
    NameInfo->Directory = Directory;
    ObfReferenceObject(Object);
    ObfReferenceObject(Directory);
}

POBJECT_DIRECTORY_ENTRY ObpRemoveFromDirectory(PVOID Object, POBJECT_DIRECTORY *Directory)
{
    POBJECT_HEADER_NAME_INFO NameInfo = ObpNameOf(Object);
    ULONG Hash = ObpHashName(&NameInfo->Name);
    POBJECT_DIRECTORY_ENTRY *Link = &NameInfo->Directory->HashBuckets[Hash % OB_DIRECTORY_BUCKETS];
    POBJECT_DIRECTORY_ENTRY Entry;

    while (*Link != NULL && (*Link)->Object != Object) {
        Link = &(*Link)->ChainLink;
    }
    Entry = *Link;
    MI_ASSERT(Entry != NULL && NameInfo->Directory->NumberOfEntries != 0);
    *Link = Entry->ChainLink;
    *Directory = NameInfo->Directory;
    (*Directory)->NumberOfEntries--;
    NameInfo->Directory = NULL;
    return Entry;
}

PVOID ObpEntryNumber(const OBJECT_DIRECTORY *Directory, ULONG Index)
{
    ULONG Bucket;

    for (Bucket = 0; Bucket < OB_DIRECTORY_BUCKETS; Bucket++) {
        POBJECT_DIRECTORY_ENTRY Entry = Directory->HashBuckets[Bucket];

        for (; Entry != NULL; Entry = Entry->ChainLink) {
            if (Index-- == 0) {
                return Entry->Object;
            }
        }
    }
    return NULL;
}

/* ---- the type ---- */

static void ObpDeleteDirectory(PVOID Object)
{
    POBJECT_DIRECTORY Directory = Object;

    MI_ASSERT(Directory->NumberOfEntries == 0);
}

NTSTATUS ObpCreateDirectoryType(void)
{
    static const OB_TYPE_DESCRIPTION Description = {
        .Name = u"Directory",
        .PoolType = PagedPool,
        .Tag = 0x65726944u, /* 'Dire', as on NT */
        .ValidAccessMask = DIRECTORY_ALL_ACCESS,
        .GenericMapping = {STANDARD_RIGHTS_READ | DIRECTORY_QUERY | DIRECTORY_TRAVERSE,
                           STANDARD_RIGHTS_WRITE | DIRECTORY_CREATE_OBJECT |
                               DIRECTORY_CREATE_SUBDIRECTORY,
                           STANDARD_RIGHTS_EXECUTE | DIRECTORY_QUERY | DIRECTORY_TRAVERSE,
                           DIRECTORY_ALL_ACCESS},
        .Delete = ObpDeleteDirectory,
    };

    return ObCreateType(&Description, &ObpDirectoryObjectType);
}

/* ---- verify ---- */

static void ObpVerifyEntry(POBJECT_DIRECTORY Directory, const OBJECT_DIRECTORY_ENTRY *Entry,
                           ULONG Bucket) NT_HOLDS(ObpNamespaceMutex)
{
    POBJECT_HEADER_NAME_INFO NameInfo = ObpNameOf(Entry->Object);

    MI_ASSERT(Entry->HashValue % OB_DIRECTORY_BUCKETS == Bucket);                      /* D1 */
    MI_ASSERT(NameInfo != NULL && NameInfo->Directory == Directory);                   /* D2 */
    MI_ASSERT(Entry->HashValue == ObpHashName(&NameInfo->Name));                       /* D1 */
    MI_ASSERT(ObpFindInDirectory(Directory, &NameInfo->Name, FALSE) == Entry->Object); /* D2 */
}

void ObpVerifyDirectory(POBJECT_DIRECTORY Directory)
{
    ULONG Count = 0;
    ULONG Bucket;

    for (Bucket = 0; Bucket < OB_DIRECTORY_BUCKETS; Bucket++) {
        const OBJECT_DIRECTORY_ENTRY *Entry = Directory->HashBuckets[Bucket];

        for (; Entry != NULL; Entry = Entry->ChainLink) {
            ObpVerifyEntry(Directory, Entry, Bucket);
            Count++;
        }
    }
    MI_ASSERT(Count == Directory->NumberOfEntries); /* D3 */
}

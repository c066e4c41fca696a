/* SPDX-License-Identifier: MIT */
/*
 * type.c - types of objects, which are objects of the type "Type" themselves.
 *
 * The first one is its own type.  Those that are made before there are directories get their names
 * when \ObjectTypes is there.
 *
 * Locking: ObpTypeMutex for the list of all types.
 */
#include "mm/ob/types.h"

#include "mi_assert.h"
#include "mm/ob/directory.h"
#include "rtl.h"

static const OB_TYPE_DESCRIPTION ObpTypeOfTypes = {
    .Name = u"Type",
    .PoolType = NonPagedPool,
    .Tag = 0x546A624Fu, /* 'ObjT', as on NT */
    .ValidAccessMask = STANDARD_RIGHTS_REQUIRED,
    .GenericMapping = {STANDARD_RIGHTS_READ, STANDARD_RIGHTS_WRITE, STANDARD_RIGHTS_EXECUTE,
                       STANDARD_RIGHTS_REQUIRED},
};

static void ObpDescribeType(POBJECT_TYPE Type, const OB_TYPE_DESCRIPTION *Description)
{
    InitializeListHead(&Type->TypeList);
    RtlInitUnicodeString(&Type->Name, Description->Name);
    Type->TypeInfo = *Description;
}

static void ObpListType(POBJECT_TYPE Type)
{
    ObpAcquire(&ObpTypeMutex);
    Type->Index = IsListEmpty(&ObpAllTypes)
                      ? 1
                      : CONTAINING_RECORD(ObpAllTypes.Blink, OBJECT_TYPE, AllTypes)->Index + 1;
    InsertTailList(&ObpAllTypes, &Type->AllTypes);
    ObpRelease(&ObpTypeMutex);
}

/* The object is made of a type that stands on the stack, and then becomes its own. */
NTSTATUS ObpCreateTypeType(void)
{
    OBJECT_TYPE First;
    POBJECT_TYPE Type;

    memset(&First, 0, sizeof(First));
    ObpDescribeType(&First, &ObpTypeOfTypes);
    Type = ObpAllocateObject(&First, sizeof(OBJECT_TYPE), TRUE, 0);
    if (Type == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    RemoveEntryList(&ObpCreatorInfo(OBJECT_TO_OBJECT_HEADER(Type))->TypeList);
    ObpDescribeType(Type, &ObpTypeOfTypes);
    InsertTailList(&Type->TypeList, &ObpCreatorInfo(OBJECT_TO_OBJECT_HEADER(Type))->TypeList);
    OBJECT_TO_OBJECT_HEADER(Type)->Type = Type;
    Type->TotalNumberOfObjects = 1;
    Type->HighWaterNumberOfObjects = 1;
    ObpTypeObjectType = Type;
    ObpListType(Type);
    return STATUS_SUCCESS;
}

/* ---- names ---- */

static POBJECT_DIRECTORY ObpTypesDirectory(void)
{
    UNICODE_STRING Name = NT_CONSTANT_STRING(u"ObjectTypes");
    POBJECT_DIRECTORY Directory = NULL;

    if (ObpRootDirectoryObject != NULL) {
        ObpAcquire(&ObpNamespaceMutex);
        Directory = ObpFindInDirectory(ObpRootDirectoryObject, &Name, FALSE);
        ObpRelease(&ObpNamespaceMutex);
    }
    return Directory;
}

/* => Directory, which is permanent, stays. */
static NTSTATUS ObpNameType(POBJECT_TYPE Type, POBJECT_DIRECTORY Directory)
{
    POBJECT_HEADER Header = OBJECT_TO_OBJECT_HEADER(Type);
    POBJECT_DIRECTORY_ENTRY Entry;
    PWCHAR Buffer = ExAllocatePoolWithTag(PagedPool, Type->Name.Length, OB_TAG_NAME);
    NTSTATUS Status = STATUS_INSUFFICIENT_RESOURCES;

    Entry = ExAllocatePoolWithTag(PagedPool, sizeof(*Entry), OB_TAG_ENTRY);
    if (Entry != NULL && Buffer != NULL) {
        memcpy(Buffer, Type->Name.Buffer, Type->Name.Length);
        ObpAcquire(&ObpNamespaceMutex);
        Status = STATUS_OBJECT_NAME_COLLISION;
        if (ObpFindInDirectory(Directory, &Type->Name, FALSE) == NULL) {
            ObpNameInfo(Header)->Name =
                (UNICODE_STRING){Type->Name.Length, Type->Name.Length, Buffer};
            Header->Flags |= OB_FLAG_PERMANENT;
            ObpInsertInDirectory(Directory, Entry, Type);
            Status = STATUS_SUCCESS;
        }
        ObpRelease(&ObpNamespaceMutex);
    }
    if (!NT_SUCCESS(Status) && Buffer != NULL) {
        ExFreePoolWithTag(Buffer, OB_TAG_NAME);
    }
    if (!NT_SUCCESS(Status) && Entry != NULL) {
        ExFreePoolWithTag(Entry, OB_TAG_ENTRY);
    }
    return Status;
}

NTSTATUS ObpNameTypes(void)
{
    POBJECT_DIRECTORY Directory = ObpTypesDirectory();
    NTSTATUS Status = STATUS_SUCCESS;
    PLIST_ENTRY Entry;

    for (Entry = ObpAllTypes.Flink; NT_SUCCESS(Status) && Entry != &ObpAllTypes;
         Entry = Entry->Flink) {
        Status = ObpNameType(CONTAINING_RECORD(Entry, OBJECT_TYPE, AllTypes), Directory);
    }
    return Status;
}

NTSTATUS ObCreateType(const OB_TYPE_DESCRIPTION *Description, POBJECT_TYPE *New)
{
    POBJECT_DIRECTORY Directory = ObpTypesDirectory();
    NTSTATUS Status = STATUS_SUCCESS;
    POBJECT_TYPE Type;

    MI_ASSERT(ObpTypeObjectType != NULL);
    Type = ObpAllocateObject(ObpTypeObjectType, sizeof(OBJECT_TYPE), TRUE, 0);
    if (Type == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    OBJECT_TO_OBJECT_HEADER(Type)->Flags |= OB_FLAG_KERNEL_OBJECT;
    ObpDescribeType(Type, Description);
    if (Directory != NULL) {
        Status = ObpNameType(Type, Directory);
    }
    if (!NT_SUCCESS(Status)) {
        ObfDereferenceObject(Type);
        return Status;
    }
    ObpListType(Type);
    *New = Type;
    return STATUS_SUCCESS;
}

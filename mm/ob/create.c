/* SPDX-License-Identifier: MIT */
/*
 * create.c - new objects: made, then given a name and a handle; and opening by name.
 *
 * An object is inserted in this order: its memory for a name is taken, the name is put into its
 * directory, a handle is made.  While that goes on, OB_FLAG_NEW_OBJECT holds the name: whoever
 * finds it meanwhile, opens it and closes it again, does not take the name away.  When it is over
 * and there is no handle after all, the name goes.
 */
#include "mi_assert.h"
#include "mm/ob/handle.h"
#include "mm/ob/lookup.h"
#include "rtl.h"

/* ---- ObCreateObject ---- */

static NTSTATUS ObpCaptureCreateInfo(POBJECT_HEADER Header, PCOBJECT_ATTRIBUTES Attributes,
                                     KPROCESSOR_MODE ProbeMode)
{
    POBJECT_CREATE_INFORMATION Info =
        ExAllocatePoolWithTag(NonPagedPool, sizeof(*Info), OB_TAG_CREATE);

    if (Info == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *Info = (OBJECT_CREATE_INFORMATION){.ProbeMode = ProbeMode};
    Header->ObjectCreateInfo = Info;
    if (Attributes != NULL) {
        Info->Attributes = Attributes->Attributes;
        Info->RootDirectory = Attributes->RootDirectory;
        if (ObpNameInfo(Header) != NULL) {
            return ObpCopyName(Attributes->ObjectName, &ObpNameInfo(Header)->Name);
        }
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI ObCreateObject(KPROCESSOR_MODE ProbeMode, POBJECT_TYPE ObjectType,
                              PCOBJECT_ATTRIBUTES ObjectAttributes, KPROCESSOR_MODE OwnershipMode,
                              PVOID ParseContext, ULONG ObjectBodySize, ULONG PagedPoolCharge,
                              ULONG NonPagedPoolCharge, PVOID *Object)
{
    ULONG Attributes = ObjectAttributes == NULL ? 0 : ObjectAttributes->Attributes;
    BOOLEAN Named = ObjectAttributes != NULL && ObjectAttributes->ObjectName != NULL &&
                    ObjectAttributes->ObjectName->Length != 0;
    NTSTATUS Status = ObpCheckAttributes(ObjectAttributes);
    POBJECT_HEADER Header;
    PVOID New;

    (void)OwnershipMode;
    (void)ParseContext;
    (void)PagedPoolCharge;
    (void)NonPagedPoolCharge;
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if ((Attributes & ObjectType->TypeInfo.InvalidAttributes) != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    New = ObpAllocateObject(ObjectType, ObjectBodySize, Named, Attributes);
    if (New == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    Header = OBJECT_TO_OBJECT_HEADER(New);
    Header->Flags |= ProbeMode == KernelMode ? OB_FLAG_KERNEL_OBJECT : 0;
    Status = ObpCaptureCreateInfo(Header, ObjectAttributes, ProbeMode);
    if (!NT_SUCCESS(Status)) {
        ObfDereferenceObject(New);
        return Status;
    }
    *Object = New;
    return STATUS_SUCCESS;
}

/* ---- ObInsertObject ---- */

/*
 * Put the object into its directory.
 * => *Found: what OBJ_OPENIF found instead, referenced, its name held.
 */
static NTSTATUS ObpInsertName(POBJECT_HEADER Header, PVOID *Found)
{
    POBJECT_CREATE_INFORMATION Info = Header->ObjectCreateInfo;
    POBJECT_HEADER_NAME_INFO NameInfo = ObpNameInfo(Header);
    OB_LOOKUP Lookup = {.RootDirectory = Info->RootDirectory,
                        .Attributes = Info->Attributes,
                        .Type = Header->Type,
                        .AccessMode = Info->ProbeMode,
                        .Name = NameInfo->Name,
                        .Insert = &Header->Body};
    NTSTATUS Status;

    Lookup.Entry = ExAllocatePoolWithTag(PagedPool, sizeof(*Lookup.Entry), OB_TAG_ENTRY);
    if (Lookup.Entry == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    NameInfo->Name = (UNICODE_STRING){.Length = 0}; /* its buffer is the lookup's */
    Status = ObpLookupName(&Lookup);
    if (Lookup.Entry != NULL) {
        ExFreePoolWithTag(Lookup.Entry, OB_TAG_ENTRY);
        ObpFreeName(&Lookup.Name);
    }
    if (NT_SUCCESS(Status)) {
        *Found = Lookup.Object;
    }
    return Status;
}

/* The insertion is over.  Permanent: the name stays without handles. */
static void ObpEndInsertion(POBJECT_HEADER Header, BOOLEAN Permanent)
{
    POBJECT_CREATE_INFORMATION Info = Header->ObjectCreateInfo;

    ObpAcquire(&ObpNamespaceMutex);
    Header->Flags &= (UCHAR)~OB_FLAG_NEW_OBJECT;
    Header->Flags |= Permanent ? OB_FLAG_PERMANENT : 0;
    Header->ObjectCreateInfo = NULL;
    ObpRelease(&ObpNamespaceMutex);
    ExFreePoolWithTag(Info, OB_TAG_CREATE);
}

static void ObpBias(PVOID Object, ULONG Bias, PVOID *NewObject)
{
    for (; Bias != 0; Bias--) {
        ObfReferenceObject(Object);
    }
    if (NewObject != NULL) {
        *NewObject = Object;
    }
}

/* OBJ_OPENIF: everything goes to Found; what the lookup has of it is used up. */
static NTSTATUS ObpOpenInstead(POBJECT_HEADER Header, PVOID Found, ACCESS_MASK Granted, ULONG Bias,
                               PVOID *NewObject, PHANDLE Handle)
{
    POBJECT_CREATE_INFORMATION Info = Header->ObjectCreateInfo;
    NTSTATUS Status = STATUS_SUCCESS;

    if (Handle != NULL) {
        ULONG Attributes = ObpHandleAttributes(Info->ProbeMode, Info->Attributes);

        Status = ObpCreateHandle(ObOpenHandle, Found, Granted, Attributes, NULL, Handle);
    }
    if (NT_SUCCESS(Status)) {
        ObpBias(Found, Bias, NewObject);
        Status = STATUS_OBJECT_NAME_EXISTS;
    }
    ObpLetGoOfName(Found);
    /* without a handle the lookup's reference is what the creator keeps */
    if (Handle != NULL || !NT_SUCCESS(Status)) {
        ObfDereferenceObject(Found);
    }
    ObfDereferenceObject(&Header->Body);
    return Status;
}

/* The object has its name, if any.  The creator's reference is used up, or kept. */
static NTSTATUS ObpInsertHandle(POBJECT_HEADER Header, ACCESS_MASK Granted, ULONG Bias,
                                PVOID *NewObject, PHANDLE Handle)
{
    POBJECT_CREATE_INFORMATION Info = Header->ObjectCreateInfo;
    BOOLEAN Permanent = ObpNameInfo(Header) != NULL && (Info->Attributes & OBJ_PERMANENT) != 0;
    PVOID Object = &Header->Body;
    NTSTATUS Status = STATUS_SUCCESS;

    if (Handle != NULL) {
        ULONG Attributes = ObpHandleAttributes(Info->ProbeMode, Info->Attributes);

        Status = ObpCreateHandle(ObCreateHandle, Object, Granted, Attributes, NULL, Handle);
    }
    if (NT_SUCCESS(Status)) {
        ObpBias(Object, Bias, NewObject);
    }
    ObpEndInsertion(Header, Permanent && NT_SUCCESS(Status));
    if (!NT_SUCCESS(Status) || Handle != NULL) {
        ObpDeleteUnusedName(Object); /* another thread may have closed the new handle already */
        ObfDereferenceObject(Object);
    }
    return Status;
}

NTSTATUS NTAPI ObInsertObject(PVOID Object, PACCESS_STATE PassedAccessState,
                              ACCESS_MASK DesiredAccess, ULONG ObjectPointerBias, PVOID *NewObject,
                              PHANDLE Handle)
{
    POBJECT_HEADER Header = OBJECT_TO_OBJECT_HEADER(Object);
    POBJECT_CREATE_INFORMATION Info = Header->ObjectCreateInfo;
    ACCESS_MASK Granted = 0;
    PVOID Found = NULL;
    NTSTATUS Status;

    (void)PassedAccessState;
    MI_ASSERT(Info != NULL);
    Status = ObpGrantAccess(Header->Type, DesiredAccess,
                            ObpAccessMode(Info->ProbeMode, Info->Attributes), &Granted);
    if (NT_SUCCESS(Status) && ObpNameInfo(Header) != NULL) {
        Status = ObpInsertName(Header, &Found);
    }
    if (!NT_SUCCESS(Status)) {
        ObfDereferenceObject(Object);
        return Status;
    }
    if (Found != NULL) {
        return ObpOpenInstead(Header, Found, Granted, ObjectPointerBias, NewObject, Handle);
    }
    return ObpInsertHandle(Header, Granted, ObjectPointerBias, NewObject, Handle);
}

/* ---- opening by name ---- */

/* => *Object is referenced, its name held. */
static NTSTATUS ObpOpenByName(PCUNICODE_STRING Name, HANDLE RootDirectory, ULONG Attributes,
                              POBJECT_TYPE Type, KPROCESSOR_MODE Mode, PVOID Context, PVOID *Object)
{
    OB_LOOKUP Lookup = {.RootDirectory = RootDirectory,
                        .Attributes = Attributes,
                        .Type = Type,
                        .AccessMode = Mode,
                        .ParseContext = Context};
    NTSTATUS Status = ObpCopyName(Name, &Lookup.Name);

    if (NT_SUCCESS(Status)) {
        Status = ObpLookupName(&Lookup);
        ObpFreeName(&Lookup.Name);
    }
    if (NT_SUCCESS(Status)) {
        *Object = Lookup.Object;
    }
    return Status;
}

NTSTATUS NTAPI ObReferenceObjectByName(PUNICODE_STRING ObjectName, ULONG Attributes,
                                       PACCESS_STATE PassedAccessState, ACCESS_MASK DesiredAccess,
                                       POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode,
                                       PVOID ParseContext, PVOID *Object)
{
    OBJECT_ATTRIBUTES Given;
    ACCESS_MASK Granted = 0;
    PVOID Found = NULL;
    NTSTATUS Status;

    (void)PassedAccessState;
    InitializeObjectAttributes(&Given, ObjectName, Attributes, NULL, NULL);
    Status = ObpCheckAttributes(&Given);
    if (NT_SUCCESS(Status)) {
        Status = ObpOpenByName(ObjectName, NULL, Attributes, ObjectType, AccessMode, ParseContext,
                               &Found);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ObpGrantAccess(ObGetType(Found), DesiredAccess, ObpAccessMode(AccessMode, Attributes),
                            &Granted);
    if (!NT_SUCCESS(Status)) {
        ObpLeaveName(Found);
        return Status;
    }
    ObpLetGoOfName(Found);
    *Object = Found;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI ObOpenObjectByName(PCOBJECT_ATTRIBUTES ObjectAttributes, POBJECT_TYPE ObjectType,
                                  KPROCESSOR_MODE AccessMode, PACCESS_STATE PassedAccessState,
                                  ACCESS_MASK DesiredAccess, PVOID ParseContext, PHANDLE Handle)
{
    PVOID Object = NULL;
    NTSTATUS Status = STATUS_INVALID_PARAMETER;

    if (ObjectAttributes != NULL) {
        Status = ObpCheckAttributes(ObjectAttributes);
    }
    if (NT_SUCCESS(Status)) {
        Status = ObpOpenByName(ObjectAttributes->ObjectName, ObjectAttributes->RootDirectory,
                               ObjectAttributes->Attributes, ObjectType, AccessMode, ParseContext,
                               &Object);
    }
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ObOpenObjectByPointer(Object, ObjectAttributes->Attributes, PassedAccessState,
                                   DesiredAccess, ObGetType(Object), AccessMode, Handle);
    ObpLeaveName(Object);
    return Status;
}

/* SPDX-License-Identifier: MIT */
/*
 * symbolic_link.c - symbolic link objects: a name that stands for another.
 *
 * A path that leads to a link, or through it, goes on from the root with the link's target in place
 * of all that led to it.  The link itself is what those find who ask for a symbolic link, or with
 * OBJ_OPENLINK.
 */
#include "mm/ob/lookup.h"
#include "mm/ob/types.h"

#include "rtl.h"

typedef struct _OBJECT_SYMBOLIC_LINK {
    LARGE_INTEGER CreationTime; /* (I) */
    UNICODE_STRING LinkTarget;  /* (I) in paged pool */
} OBJECT_SYMBOLIC_LINK, *POBJECT_SYMBOLIC_LINK;

POBJECT_TYPE ObpSymbolicLinkObjectType;

static void ObpDeleteSymbolicLink(PVOID Object)
{
    POBJECT_SYMBOLIC_LINK Link = Object;

    ObpFreeName(&Link->LinkTarget);
}

static NTSTATUS ObpParseSymbolicLink(PVOID ParseObject, POBJECT_TYPE ObjectType,
                                     KPROCESSOR_MODE AccessMode, ULONG Attributes,
                                     PUNICODE_STRING CompleteName, PUNICODE_STRING RemainingName,
                                     PVOID Context, PVOID *Object)
{
    POBJECT_SYMBOLIC_LINK Link = ParseObject;
    NTSTATUS Status;

    (void)AccessMode;
    (void)Context;
    if (RemainingName->Length == 0 &&
        (ObjectType == ObpSymbolicLinkObjectType || (Attributes & OBJ_OPENLINK) != 0)) {
        ObfReferenceObject(Link);
        *Object = Link;
        return STATUS_SUCCESS;
    }
    Status = ObReplaceName(CompleteName, &Link->LinkTarget, RemainingName);
    return NT_SUCCESS(Status) ? STATUS_REPARSE : Status;
}

NTSTATUS ObpCreateSymbolicLinkType(void)
{
    static const OB_TYPE_DESCRIPTION Description = {
        .Name = u"SymbolicLink",
        .PoolType = PagedPool,
        .Tag = 0x626D7953u, /* 'Symb', as on NT */
        .ValidAccessMask = SYMBOLIC_LINK_ALL_ACCESS,
        .GenericMapping = {STANDARD_RIGHTS_READ | SYMBOLIC_LINK_QUERY, STANDARD_RIGHTS_WRITE,
                           STANDARD_RIGHTS_EXECUTE | SYMBOLIC_LINK_QUERY, SYMBOLIC_LINK_ALL_ACCESS},
        .Delete = ObpDeleteSymbolicLink,
        .Parse = ObpParseSymbolicLink,
    };

    return ObCreateType(&Description, &ObpSymbolicLinkObjectType);
}

UNICODE_STRING ObpLinkTarget(PVOID Object)
{
    POBJECT_SYMBOLIC_LINK Link = Object;

    return Link->LinkTarget;
}

/* ---- services ---- */

NTSTATUS NTAPI NtCreateSymbolicLinkObject(PHANDLE LinkHandle, ACCESS_MASK DesiredAccess,
                                          PCOBJECT_ATTRIBUTES ObjectAttributes,
                                          PUNICODE_STRING LinkTarget)
{
    POBJECT_SYMBOLIC_LINK Link;
    UNICODE_STRING Target;
    PVOID Object = NULL;
    NTSTATUS Status;

    if (LinkTarget->Length == 0 || LinkTarget->Length % sizeof(WCHAR) != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    Status = ObpCopyName(LinkTarget, &Target);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ObCreateObject(ExGetPreviousMode(), ObpSymbolicLinkObjectType, ObjectAttributes,
                            ExGetPreviousMode(), NULL, sizeof(OBJECT_SYMBOLIC_LINK), 0, 0, &Object);
    if (!NT_SUCCESS(Status)) {
        ObpFreeName(&Target);
        return Status;
    }
    Link = Object;
    Link->LinkTarget = Target;
    KeQuerySystemTime(&Link->CreationTime);
    return ObInsertObject(Link, NULL, DesiredAccess, 0, NULL, LinkHandle);
}

NTSTATUS NTAPI NtOpenSymbolicLinkObject(PHANDLE LinkHandle, ACCESS_MASK DesiredAccess,
                                        PCOBJECT_ATTRIBUTES ObjectAttributes)
{
    return ObOpenObjectByName(ObjectAttributes, ObpSymbolicLinkObjectType, ExGetPreviousMode(),
                              NULL, DesiredAccess, NULL, LinkHandle);
}

static NTSTATUS ObpReadTarget(const OBJECT_SYMBOLIC_LINK *Link, PUNICODE_STRING LinkTarget,
                              PULONG ReturnedLength)
{
    ULONG Needed = Link->LinkTarget.Length;

    if (ReturnedLength != NULL) {
        Needed += sizeof(WCHAR);
        *ReturnedLength = Needed;
    }
    if (LinkTarget->MaximumLength < Needed) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    memcpy(LinkTarget->Buffer, Link->LinkTarget.Buffer, Link->LinkTarget.Length);
    LinkTarget->Length = Link->LinkTarget.Length;
    if (ReturnedLength != NULL) {
        LinkTarget->Buffer[LinkTarget->Length / sizeof(WCHAR)] = 0;
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI NtQuerySymbolicLinkObject(HANDLE LinkHandle, PUNICODE_STRING LinkTarget,
                                         PULONG ReturnedLength)
{
    PVOID Link = NULL;
    NTSTATUS Status =
        ObReferenceObjectByHandle(LinkHandle, SYMBOLIC_LINK_QUERY, ObpSymbolicLinkObjectType,
                                  ExGetPreviousMode(), &Link, NULL);

    if (NT_SUCCESS(Status)) {
        Status = ObpReadTarget(Link, LinkTarget, ReturnedLength);
        ObfDereferenceObject(Link);
    }
    return Status;
}

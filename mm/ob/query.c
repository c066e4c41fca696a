/* SPDX-License-Identifier: MIT */
/*
 * query.c - NtQueryObject and NtSetInformationObject: what a handle and its object are.
 */
#include "mm/ob/handle.h"
#include "rtl.h"

static void ObpDescribeBasic(PVOID Object, const OBJECT_HANDLE_INFORMATION *Handle,
                             PPUBLIC_OBJECT_BASIC_INFORMATION To)
{
    POBJECT_HEADER Header = OBJECT_TO_OBJECT_HEADER(Object);

    *To = (PUBLIC_OBJECT_BASIC_INFORMATION){
        .Attributes = Handle->HandleAttributes,
        .GrantedAccess = Handle->GrantedAccess,
        .HandleCount = (ULONG)Header->HandleCount,
        .PointerCount = (ULONG)Header->PointerCount - 1, /* without this service's */
    };
    To->Attributes |= (Header->Flags & OB_FLAG_PERMANENT) != 0 ? OBJ_PERMANENT : 0;
    To->Attributes |= (Header->Flags & OB_FLAG_EXCLUSIVE) != 0 ? OBJ_EXCLUSIVE : 0;
}

static void ObpDescribeTypeName(POBJECT_TYPE Type, PPUBLIC_OBJECT_TYPE_INFORMATION To)
{
    PWCHAR Text = (PWCHAR)(PVOID)(To + 1);

    memset(To, 0, sizeof(*To));
    memcpy(Text, Type->Name.Buffer, Type->Name.Length);
    Text[Type->Name.Length / sizeof(WCHAR)] = 0;
    To->TypeName =
        (UNICODE_STRING){Type->Name.Length, (USHORT)(Type->Name.Length + sizeof(WCHAR)), Text};
}

/* => *Needed: how many bytes there are to say; 0: no such class. */
static NTSTATUS ObpQueryObject(PVOID Object, const OBJECT_HANDLE_INFORMATION *Handle,
                               OBJECT_INFORMATION_CLASS Class, PVOID Information, ULONG Length,
                               PULONG Needed)
{
    POBJECT_TYPE Type = ObGetType(Object);
    OBJECT_HANDLE_FLAG_INFORMATION Flags;

    switch (Class) {
    case ObjectBasicInformation:
        *Needed = sizeof(PUBLIC_OBJECT_BASIC_INFORMATION);
        if (Length != *Needed) {
            return STATUS_INFO_LENGTH_MISMATCH;
        }
        ObpDescribeBasic(Object, Handle, Information);
        return STATUS_SUCCESS;
    case ObjectNameInformation:
        return ObQueryNameString(Object, Information, Length, Needed);
    case ObjectTypeInformation:
        *Needed = sizeof(PUBLIC_OBJECT_TYPE_INFORMATION) + Type->Name.Length + sizeof(WCHAR);
        if (Length < *Needed) {
            return STATUS_INFO_LENGTH_MISMATCH;
        }
        ObpDescribeTypeName(Type, Information);
        return STATUS_SUCCESS;
    case ObjectHandleFlagInformation:
        *Needed = sizeof(Flags);
        if (Length != *Needed) {
            return STATUS_INFO_LENGTH_MISMATCH;
        }
        Flags.Inherit = (Handle->HandleAttributes & OBJ_INHERIT) != 0;
        Flags.ProtectFromClose = (Handle->HandleAttributes & OBJ_PROTECT_CLOSE) != 0;
        memcpy(Information, &Flags, sizeof(Flags));
        return STATUS_SUCCESS;
    }
    return STATUS_INVALID_INFO_CLASS;
}

NTSTATUS NTAPI NtQueryObject(HANDLE Handle, OBJECT_INFORMATION_CLASS Class, PVOID Information,
                             ULONG Length, PULONG ReturnLength)
{
    OBJECT_HANDLE_INFORMATION Described = {.HandleAttributes = 0};
    ULONG Needed = 0;
    PVOID Object = NULL;
    NTSTATUS Status =
        ObReferenceObjectByHandle(Handle, 0, NULL, ExGetPreviousMode(), &Object, &Described);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = ObpQueryObject(Object, &Described, Class, Information, Length, &Needed);
    ObfDereferenceObject(Object);
    if (ReturnLength != NULL && Needed != 0) {
        *ReturnLength = Needed;
    }
    return Status;
}

NTSTATUS NTAPI NtSetInformationObject(HANDLE Handle, OBJECT_INFORMATION_CLASS Class,
                                      PVOID Information, ULONG Length)
{
    OBJECT_HANDLE_FLAG_INFORMATION Flags;

    if (Class != ObjectHandleFlagInformation) {
        return STATUS_INVALID_INFO_CLASS;
    }
    if (Length != sizeof(Flags)) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    memcpy(&Flags, Information, sizeof(Flags));
    return ObpSetEntryFlags(Handle, ExGetPreviousMode(),
                            (Flags.Inherit ? OB_ENTRY_INHERIT : 0) |
                                (Flags.ProtectFromClose ? OB_ENTRY_PROTECTED : 0));
}

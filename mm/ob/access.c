/* SPDX-License-Identifier: MIT */
/*
 * access.c - what is asked for, and what is granted.
 *
 * Without security descriptors every right of the type can be had; so the checks that are left are
 * those of the masks themselves.
 */
#include "mm/ob/object.h"

static ACCESS_MASK ObpMapGeneric(ACCESS_MASK Access, const GENERIC_MAPPING *Mapping)
{
    ACCESS_MASK Mapped = Access & ~(GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL);

    Mapped |= (Access & GENERIC_READ) != 0 ? Mapping->GenericRead : 0;
    Mapped |= (Access & GENERIC_WRITE) != 0 ? Mapping->GenericWrite : 0;
    Mapped |= (Access & GENERIC_EXECUTE) != 0 ? Mapping->GenericExecute : 0;
    Mapped |= (Access & GENERIC_ALL) != 0 ? Mapping->GenericAll : 0;
    return Mapped;
}

NTSTATUS ObpGrantAccess(POBJECT_TYPE Type, ACCESS_MASK DesiredAccess, KPROCESSOR_MODE AccessMode,
                        PACCESS_MASK Granted)
{
    ACCESS_MASK Valid = Type->TypeInfo.ValidAccessMask;
    ACCESS_MASK Access = ObpMapGeneric(DesiredAccess, &Type->TypeInfo.GenericMapping);

    if ((Access & MAXIMUM_ALLOWED) != 0) {
        Access = (Access & ~MAXIMUM_ALLOWED) | Valid;
    }
    if (AccessMode == KernelMode) {
        *Granted = Access & (Valid | ACCESS_SYSTEM_SECURITY);
        return STATUS_SUCCESS;
    }
    if ((Access & ACCESS_SYSTEM_SECURITY) != 0) {
        return STATUS_PRIVILEGE_NOT_HELD;
    }
    if ((Access & ~Valid) != 0) {
        return STATUS_ACCESS_DENIED;
    }
    *Granted = Access;
    return STATUS_SUCCESS;
}

NTSTATUS ObpCheckAttributes(PCOBJECT_ATTRIBUTES Attributes)
{
    if (Attributes == NULL) {
        return STATUS_SUCCESS;
    }
    if (Attributes->Length != sizeof(*Attributes) ||
        (Attributes->Attributes & ~OBJ_VALID_ATTRIBUTES) != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Attributes->ObjectName != NULL && Attributes->ObjectName->Length % sizeof(WCHAR) != 0) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    return STATUS_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/*
 * duplicate.c - NtDuplicateObject: the same object under a handle of another process.
 */
#include "mm/ob/handle.h"
#include "ps.h"
#include "vm.h"

#define OB_DUPLICATE_OPTIONS                                                                       \
    (DUPLICATE_CLOSE_SOURCE | DUPLICATE_SAME_ACCESS | DUPLICATE_SAME_ATTRIBUTES)

typedef struct _OB_DUPLICATION {
    PEPROCESS Source;
    HANDLE SourceHandle;
    PEPROCESS Target; /* NULL: only close */
    PHANDLE TargetHandle;
    ACCESS_MASK DesiredAccess;
    ULONG HandleAttributes;
    ULONG Options;
    KPROCESSOR_MODE Mode;
} OB_DUPLICATION, *POB_DUPLICATION;

/* What the new handle is granted: not more than the source, for UserMode. */
static NTSTATUS ObpDuplicateAccess(const OB_DUPLICATION *Duplication, PVOID Object,
                                   ACCESS_MASK SourceAccess, PACCESS_MASK Granted)
{
    NTSTATUS Status;

    if ((Duplication->Options & DUPLICATE_SAME_ACCESS) != 0) {
        *Granted = SourceAccess;
        return STATUS_SUCCESS;
    }
    if ((Duplication->DesiredAccess & MAXIMUM_ALLOWED) != 0 && Duplication->Mode != KernelMode) {
        *Granted = SourceAccess;
        return STATUS_SUCCESS;
    }
    Status =
        ObpGrantAccess(ObGetType(Object), Duplication->DesiredAccess, Duplication->Mode, Granted);
    if (NT_SUCCESS(Status) && Duplication->Mode != KernelMode && (*Granted & ~SourceAccess) != 0) {
        return STATUS_ACCESS_DENIED;
    }
    return Status;
}

static NTSTATUS ObpDuplicate(const OB_DUPLICATION *Duplication)
{
    OBJECT_HANDLE_INFORMATION Source = {.HandleAttributes = 0};
    ULONG Attributes = Duplication->HandleAttributes;
    ACCESS_MASK Granted = 0;
    HANDLE Handle = NULL;
    PVOID Object = NULL;
    NTSTATUS Status = ObpReferenceByHandle(Duplication->Source, Duplication->SourceHandle, 0, NULL,
                                           Duplication->Mode, &Object, &Source);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if ((Duplication->Options & DUPLICATE_SAME_ATTRIBUTES) != 0) {
        Attributes = Source.HandleAttributes | (Attributes & OBJ_KERNEL_HANDLE);
    }
    Status = ObpDuplicateAccess(Duplication, Object, Source.GrantedAccess, &Granted);
    if (NT_SUCCESS(Status)) {
        Status = ObpCreateHandle(ObDuplicateHandle, Object, Granted, Attributes,
                                 Duplication->Target, &Handle);
    }
    ObfDereferenceObject(Object);
    if (NT_SUCCESS(Status) && Duplication->TargetHandle != NULL) {
        *Duplication->TargetHandle = Handle;
    }
    return Status;
}

/* Whatever became of the new handle, the source is closed. */
static NTSTATUS ObpDuplicateAndClose(const OB_DUPLICATION *Duplication)
{
    NTSTATUS Status = STATUS_SUCCESS;

    if (Duplication->Target != NULL) {
        Status = ObpDuplicate(Duplication);
    }
    if ((Duplication->Options & DUPLICATE_CLOSE_SOURCE) != 0) {
        NTSTATUS Closed =
            ObpCloseHandle(Duplication->Source, Duplication->SourceHandle, Duplication->Mode);

        if (Duplication->Target == NULL) {
            Status = Closed;
        }
    }
    return Status;
}

static NTSTATUS ObpReferenceProcess(HANDLE Handle, PEPROCESS *Process)
{
    PVOID Object = NULL;
    NTSTATUS Status = ObReferenceObjectByHandle(Handle, PROCESS_DUP_HANDLE, ObpProcessType,
                                                ExGetPreviousMode(), &Object, NULL);

    if (NT_SUCCESS(Status)) {
        *Process = Object;
    }
    return Status;
}

static BOOLEAN ObpMakesSense(HANDLE TargetProcessHandle, ULONG HandleAttributes, ULONG Options,
                             KPROCESSOR_MODE Mode)
{
    ULONG Valid = OBJ_INHERIT | OBJ_PROTECT_CLOSE | (Mode == KernelMode ? OBJ_KERNEL_HANDLE : 0);

    return (Options & ~OB_DUPLICATE_OPTIONS) == 0 && (HandleAttributes & ~Valid) == 0 &&
           (TargetProcessHandle != NULL || (Options & DUPLICATE_CLOSE_SOURCE) != 0);
}

NTSTATUS NTAPI NtDuplicateObject(HANDLE SourceProcessHandle, HANDLE SourceHandle,
                                 HANDLE TargetProcessHandle, PHANDLE TargetHandle,
                                 ACCESS_MASK DesiredAccess, ULONG HandleAttributes, ULONG Options)
{
    OB_DUPLICATION Duplication = {.SourceHandle = SourceHandle,
                                  .TargetHandle = TargetHandle,
                                  .DesiredAccess = DesiredAccess,
                                  .HandleAttributes = HandleAttributes,
                                  .Options = Options,
                                  .Mode = ExGetPreviousMode()};
    NTSTATUS TargetStatus = STATUS_SUCCESS;
    NTSTATUS Status;

    if (!ObpMakesSense(TargetProcessHandle, HandleAttributes, Options, Duplication.Mode)) {
        return STATUS_INVALID_PARAMETER;
    }
    Status = ObpReferenceProcess(SourceProcessHandle, &Duplication.Source);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    if (TargetProcessHandle != NULL) {
        TargetStatus = ObpReferenceProcess(TargetProcessHandle, &Duplication.Target);
    }
    Status = ObpDuplicateAndClose(&Duplication);
    if (Duplication.Target != NULL) {
        ObfDereferenceObject(Duplication.Target);
    }
    ObfDereferenceObject(Duplication.Source);
    return NT_SUCCESS(TargetStatus) ? Status : TargetStatus;
}

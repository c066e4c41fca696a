/* SPDX-License-Identifier: MIT */
/*
 * transition.c - an access to a page whose frame still has the contents: the soft fault.
 *
 * A frame that is referenced too often to take one more is as good as none: the access waits.
 */
#include "mm/fault/user_fault.h"
#include "mm/space/user_page.h"

NTSTATUS MiUserTransition(const MI_USER_FAULT *Fault)
{
    NTSTATUS Status = MiRestoreUserPage(Fault->Process, MiGetPteAddress(Fault->Va));

    if (!NT_SUCCESS(Status)) {
        return STATUS_NO_MEMORY;
    }
    MiFaultCounters.Transition++;
    return STATUS_SUCCESS;
}

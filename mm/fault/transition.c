/* SPDX-License-Identifier: MIT */
/*
 * transition.c - an access to a page whose frame still has the contents: the soft fault.
 *
 * Also while the page is being written: whoever writes has a reference of his own.  A frame that is
 * referenced too often to take one more is as good as none: the access waits.
 */
#include "mm/fault/user_fault.h"
#include "mm/pfn/pfn_list.h"
#include "mm/space/user_page.h"

NTSTATUS MiUserTransition(PMI_USER_FAULT Fault)
{
    NTSTATUS Status = MiRestoreUserPage(Fault->Process, MiGetPteAddress(Fault->Va));

    if (Status == STATUS_RETRY) {
        (void)MiUserCollided(Fault, MiGetPteAddress(Fault->Va)); /* or it has been read by now */
        return STATUS_SUCCESS;
    }
    if (!NT_SUCCESS(Status)) {
        return STATUS_NO_MEMORY;
    }
    MiFaultCounters.Transition +=
        Fault->Read.Held == MI_NO_FRAME; /* else it was read for this fault */
    return STATUS_SUCCESS;
}

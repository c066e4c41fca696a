/* SPDX-License-Identifier: MIT */
/*
 * guard_page.c - the first access to a guard page: it is an ordinary page from now on, and whoever
 * touched it hears of it.
 */
#include "mm/fault/user_fault.h"
#include "mm/space/user_page.h"

NTSTATUS MiUserGuardPage(const MI_USER_FAULT *Fault)
{
    NTSTATUS Status = MiMakePageTable(Fault->Process, Fault->Va);

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    MiProtectUserPage(Fault->Process, Fault->Vad, MiGetPteAddress(Fault->Va),
                      Fault->Protection & ~MM_GUARD_PAGE);
    MiFaultCounters.GuardPages++;
    return STATUS_GUARD_PAGE_VIOLATION;
}

/* SPDX-License-Identifier: MIT */
/*
 * demand_zero.c - the first access to a committed page of the user half: a zeroed frame.
 */
#include "mm/fault/user_fault.h"
#include "mm/pfn/frame.h"
#include "mm/pfn/page_color.h"
#include "mm/space/user_page.h"
#include "mm/ws/wsle.h"

NTSTATUS MiUserDemandZero(const MI_USER_FAULT *Fault)
{
    NTSTATUS Status = MiMakePageTable(Fault->Process, Fault->Va);
    PFN_NUMBER Frame;

    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MiReserveWsle(&Fault->Process->Vm);
    if (NT_SUCCESS(Status)) {
        Status = MiAllocateFrame(MiFrameZeroed, MiNextPageColor(), &Frame);
    }
    if (!NT_SUCCESS(Status)) {
        MiDeleteEmptyPageTables(Fault->Process, Fault->Va, Fault->Va);
        return Status;
    }
    MiInsertUserPage(Fault->Process, MiGetPteAddress(Fault->Va), Fault->Protection, Frame);
    MiFaultCounters.DemandZero++;
    return STATUS_SUCCESS;
}

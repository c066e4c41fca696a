/* SPDX-License-Identifier: MIT */
/*
 * copy_on_write.c - a write to a page that other address spaces have too: it becomes the writer's
 * own, by a copy, or, when the others are gone, as it is.
 *
 * The copy is whole before the PTE changes, and the page's old frame is flushed from the TLB before
 * it is given back: nobody sees half a copy.
 */
#include "mm/fault/user_fault.h"
#include "mm/pfn/frame.h"
#include "mm/pfn/page_color.h"
#include "mm/space/shared_page.h"

NTSTATUS MiUserCopyOnWrite(const MI_USER_FAULT *Fault)
{
    PMMPTE Pte = MiGetPteAddress(Fault->Va);
    PFN_NUMBER Frame;
    NTSTATUS Status;

    if (MiTakeBackUserPage(Pte)) {
        MiFaultCounters.TakenBack++;
        return STATUS_SUCCESS;
    }
    Status = MiAllocateFrame(MiFrameAny, MiNextPageColor(), &Frame);
    if (!NT_SUCCESS(Status)) {
        return Status;
    }
    Status = MiCopySharedPage(Fault->Process, Pte, Fault->Protection, Frame);
    if (!NT_SUCCESS(Status)) {
        MiFreeFrame(Frame);
        return Status == STATUS_RETRY ? STATUS_SUCCESS : STATUS_NO_MEMORY;
    }
    MiFaultCounters.CopyOnWrite++;
    return STATUS_SUCCESS;
}

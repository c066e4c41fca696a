/* SPDX-License-Identifier: MIT */
/*
 * page_out.c - see page_out.h.
 */
#include "mm/inspect/page_out.h"

#include "mm/paging/modified_writer.h"
#include "mm/pfn/frame.h"
#include "mm/pfn/pfn_list.h"
#include "mm/space/process.h"
#include "mm/ws/wsle.h"

ULONG MiReuseStandbyFrames(void)
{
    ULONG Reused = 0;
    PFN_NUMBER Frame;

    for (;;) {
        KIRQL OldIrql = MiLockPfn();

        Frame = MiRemoveStandbyFrame();
        MiUnlockPfn(OldIrql);
        if (Frame == MI_NO_FRAME) {
            return Reused;
        }
        MiFreeFrame(Frame);
        Reused++;
    }
}

NTSTATUS MiWriteProcess(void)
{
    PEPROCESS Process = PsGetCurrentProcess();

    MiLockAddressSpace(Process);
    (void)MiTrimWorkingSet(&Process->Vm, Process->Vm.WorkingSetSize, 0);
    MiUnlockAddressSpace(Process);
    return MiFlushModifiedPages();
}

NTSTATUS MiPageOutProcess(PULONG Reused)
{
    NTSTATUS Status = MiWriteProcess();

    *Reused = NT_SUCCESS(Status) ? MiReuseStandbyFrames() : 0;
    return Status;
}

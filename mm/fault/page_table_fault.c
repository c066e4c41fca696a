/* SPDX-License-Identifier: MIT */
/*
 * page_table_fault.c - a page table of the user half is out: it is brought in.
 *
 *     the directory entry        kind
 *     in transition              softly; being read: it collides
 *     a slot of a paging file    it is read, alone
 *
 * A fault does that as for any page: it waits without the lock, and then looks at the page.  The
 * kernel, when a service or the end of a process needs the table, waits under the lock: nobody who
 * reads a page table needs the lock to finish, nor does anybody to free a block.  It never waits
 * for memory there.
 *
 * Who looks at entries without the lock, at low IRQL, may find that their table has left meanwhile:
 * a fault on the table itself, which is resolved the same way.  Under the lock it is a bug.
 *
 * A fault on a table that cannot be read fails, as on a page.  The kernel cannot go on without:
 * what the entries name could be neither found nor freed.  It tries MIP_TRIES times, and stops.
 */
#include "mm/fault/user_fault.h"
#include "mm/space/page_table.h"
#include "mm/sysva/pte_kind.h"
#include "mm/ws/wsle.h"
#include "nt/bugcodes.h"

#define MIP_TRIES            4u
#define MIP_PAGE_TABLE_FAULT 1u /* P1 of 0x7A: P3 is the process */

/* => STATUS_RETRY: it is resident.  STATUS_SUCCESS: Read has a Rest, or all has to be tried again.
 *    STATUS_NO_MEMORY. */
static NTSTATUS MipLook(PEPROCESS Process, PMMPTE Pde, PMI_FAULT_READ Read)
{
    NTSTATUS Status;

    if (MiPteKind(MiReadPte(Pde)) == MiPtePagefile) {
        MiPageTableCounters.Reads++;
        return MiBeginFaultRead(Read, Pde, 1);
    }
    if (MiJoinFaultRead(Read, Pde)) {
        return STATUS_SUCCESS;
    }
    Status = MiRestorePageTable(Process, Pde);
    return NT_SUCCESS(Status) ? STATUS_RETRY : STATUS_NO_MEMORY;
}

NTSTATUS MiUserPageTable(PMI_USER_FAULT Fault)
{
    PMMPTE Pde = MiGetPdeAddress(Fault->Va);

    MiMakeRoomForTable(&Fault->Process->Vm);
    Fault->Pte = MiReadPte(Pde);
    return MipLook(Fault->Process, Pde, &Fault->Read);
}

NTSTATUS MiPageTableFault(const MM_FAULT *Fault, PMI_USER_FAULT Found)
{
    PEPROCESS Process = PsGetCurrentProcess();
    NTSTATUS Status = STATUS_RETRY;

    if (Process->AddressCreationLock.Owner == KeGetCurrentThread()) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MI_FAULT_UNDER_LOCK, Fault->Va, Fault->Eip, 0);
    }
    *Found = (MI_USER_FAULT){.Process = Process, .TableOut = TRUE, .Read = MiMakeFaultRead()};
    Found->Va = MiGetVaMappedByPte((PMMPTE)ROUND_DOWN(Fault->Va, (ULONG_PTR)PAGE_SIZE));
    while (Status == STATUS_RETRY) {
        MiLockAddressSpace(Process);
        Status = MiIsPageTableOut(Found->Va) ? MiUserPageTable(Found) : STATUS_SUCCESS;
        MiUnlockAddressSpace(Process);
        Status = MiEndFaultTry(&Found->Read, Status);
    }
    return Status;
}

NTSTATUS MiReadPageTable(PEPROCESS Process, PMMPTE Pde)
{
    MI_FAULT_READ Read = MiMakeFaultRead();
    ULONG Failures = 0;

    while (!MiReadPte(Pde).Hard.Valid) {
        NTSTATUS Status = MiEndFaultTry(&Read, MipLook(Process, Pde, &Read));

        if (Status == STATUS_NO_MEMORY) {
            return STATUS_NO_MEMORY;
        }
        if (Status == STATUS_IN_PAGE_ERROR && ++Failures == MIP_TRIES) {
            KeBugCheckEx(KERNEL_DATA_INPAGE_ERROR, MIP_PAGE_TABLE_FAULT, (ULONG_PTR)Read.Status,
                         (ULONG_PTR)Process, MiGetVaMappedByPte(Pde));
        }
    }
    return STATUS_SUCCESS;
}

void MiWaitForPageTableMemory(void)
{
    MM_STOP Stop;

    if (!MiWaitForMemory(&Stop)) {
        KeBugCheckEx(Stop.Code, Stop.Parameter[0], Stop.Parameter[1], Stop.Parameter[2],
                     Stop.Parameter[3]);
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * user_fault.c - what a fault in the user half is: the one place that tells the kinds apart.
 *
 *     found                                         kind
 *     nothing is committed, or no access             violation
 *     a guard page                                   MiUserGuardPage
 *     a write where only reading is allowed          violation
 *     a valid PTE, a write, and CopyOnWrite          MiUserCopyOnWrite; of a view: MiUserViewCopy
 *     a valid PTE                                    spurious: another thread was quicker
 *     a PTE that names a shared page                 MiUserPrototype; of a view: MiUserView
 *     a PTE in transition                            MiUserTransition; being read: it collides
 *     a slot of a paging file                        it is read
 *     a zero PTE, or a protection                    MiUserDemandZero; of a view: MiUserView; of a
 *                                                    view of physical memory: its frame is mapped
 *
 * Before all that: a page table that is out is brought in, as a page whose PTE is the directory
 * entry would be (MiUserPageTable).  A page that has no page table is one whose PTE is zero.
 * Executing is allowed wherever reading is: without PAE the processor cannot tell.
 *
 * The lock is not held while a page is read or waited for (fault_read.h).
 */
#include "mm/fault/user_fault.h"

#include "mm/space/physical_view.h"
#include "mm/space/user_page.h"
#include "nt/bugcodes.h"

static void MipLookUp(PMI_USER_FAULT Found)
{
    Found->Vad = MiFindVad(Found->Process, (ULONG)(Found->Va >> PAGE_SHIFT));
    Found->Protection = MI_NO_PROTECTION;
    Found->Pte = MiMakeZeroPte();
    if (MiHasPageTable(Found->Va)) {
        Found->Pte = MiReadPte(MiGetPteAddress(Found->Va));
    }
    if (Found->Vad != NULL) {
        Found->Protection = MiPageProtection(Found->Vad, Found->Va, Found->Pte);
    }
}

/* A page of \Device\PhysicalMemory: its view says which frame. */
static NTSTATUS MipPhysical(const MI_USER_FAULT *Found)
{
    NTSTATUS Status = MiMakePageTable(Found->Process, Found->Va);

    if (NT_SUCCESS(Status)) {
        MiMapPhysicalPage(Found->Vad, MiGetPteAddress(Found->Va));
    }
    return Status;
}

/* A page of a view that has no PTE. */
static NTSTATUS MipUntouchedOfView(PMI_USER_FAULT Found)
{
    return MiIsPhysicalView(Found->Vad) ? MipPhysical(Found) : MiUserView(Found);
}

static NTSTATUS MipDispatch(PMI_USER_FAULT Found, BOOLEAN Write)
{
    if (Found->Protection == MI_NO_PROTECTION || Found->Protection == MM_NOACCESS) {
        return STATUS_ACCESS_VIOLATION;
    }
    if (MiIsGuard(Found->Protection)) {
        return MiUserGuardPage(Found);
    }
    if (Write && !MiIsWritable(Found->Protection)) {
        return STATUS_ACCESS_VIOLATION;
    }
    switch (MiPteKind(Found->Pte)) {
    case MiPteValid:
        if (Write && Found->Pte.Hard.CopyOnWrite) {
            return MiIsViewPte(Found->Pte) ? MiUserViewCopy(Found) : MiUserCopyOnWrite(Found);
        }
        KeFlushSingleTb(Found->Va);
        MiFaultCounters.Spurious++;
        return STATUS_SUCCESS;
    case MiPteTransition:
        return MiUserTransition(Found);
    case MiPtePrototype:
        return MiIsViewPte(Found->Pte) ? MiUserView(Found) : MiUserPrototype(Found, Write);
    case MiPtePagefile:
        return MiBeginFaultRead(&Found->Read, MiGetPteAddress(Found->Va), Found->Read.MostPages);
    case MiPteZero:
        return MiIsView(Found->Vad) ? MipUntouchedOfView(Found) : MiUserDemandZero(Found);
    case MiPteDemandZero:
        return MiUserDemandZero(Found);
    case MiPteLarge:
    case MiPteSubsection:
    case MiPteList:
        break; /* no such page is made yet */
    }
    KeBugCheckEx(MEMORY_MANAGEMENT, 0x41284, Found->Va, Found->Pte.Long, (ULONG_PTR)Found->Process);
}

static NTSTATUS MipTryOnce(PMI_USER_FAULT Found, BOOLEAN Write)
{
    NTSTATUS Status;

    MiLockAddressSpace(Found->Process);
    Found->TableOut = MiIsPageTableOut(Found->Va);
    if (Found->TableOut) {
        Status = MiUserPageTable(Found);
    } else {
        MipLookUp(Found);
        Status = MipDispatch(Found, Write);
    }
    MiUnlockAddressSpace(Found->Process);
    return MiEndFaultTry(&Found->Read, Status);
}

NTSTATUS MiUserFault(const MM_FAULT *Fault, PMI_USER_FAULT Found)
{
    PEPROCESS Process = PsGetCurrentProcess();
    NTSTATUS Status;

    if (Process == NULL || Fault->Damaged || Fault->Forbidden) {
        return STATUS_ACCESS_VIOLATION;
    }
    if (Process->AddressCreationLock.Owner == KeGetCurrentThread()) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MI_FAULT_UNDER_LOCK, Fault->Va, Fault->Eip, 0);
    }
    Found->Process = Process;
    Found->Va = ROUND_DOWN(Fault->Va, (ULONG_PTR)PAGE_SIZE);
    MiStartFaultRead(&Found->Read); /* what is not set here each look sets */
    __atomic_add_fetch(&Process->Vm.PageFaultCount, 1, __ATOMIC_RELAXED);
    do {
        Status = MipTryOnce(Found, Fault->Write);
    } while (Status == STATUS_RETRY);
    return Status;
}

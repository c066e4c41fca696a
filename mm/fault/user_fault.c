/* SPDX-License-Identifier: MIT */
/*
 * user_fault.c - what a fault in the user half is: the one place that tells the kinds apart.
 *
 *     found                                         kind
 *     nothing is committed, or no access             violation
 *     a guard page                                   MiUserGuardPage
 *     a write where only reading is allowed          violation
 *     a valid PTE                                    spurious: another thread was quicker
 *     a PTE in transition                            MiUserTransition
 *     a zero PTE, or a protection                    MiUserDemandZero
 *
 * A page whose page table is missing is one whose PTE is zero.  Executing is allowed wherever
 * reading is: without PAE the processor cannot tell.
 */
#include "mm/fault/user_fault.h"

#include "mm/space/user_page.h"
#include "nt/bugcodes.h"

#define MIP_FAULT_UNDER_LOCK 0x41287u /* subcode of 0x1A */

static MI_USER_FAULT MipLookUp(PEPROCESS Process, ULONG_PTR Va)
{
    MI_USER_FAULT Fault = {.Process = Process, .Va = Va, .Protection = MI_NO_PROTECTION};

    Fault.Vad = MiFindVad(Process, (ULONG)(Va >> PAGE_SHIFT));
    if (Fault.Vad != NULL) {
        Fault.Protection = MiQueryPageProtection(Fault.Vad, Va);
    }
    return Fault;
}

static NTSTATUS MipDispatch(const MI_USER_FAULT *Found, BOOLEAN Write)
{
    MMPTE Pte = MiMakeZeroPte();

    if (Found->Protection == MI_NO_PROTECTION || Found->Protection == MM_NOACCESS) {
        return STATUS_ACCESS_VIOLATION;
    }
    if (MiIsGuard(Found->Protection)) {
        return MiUserGuardPage(Found);
    }
    if (Write && !MiIsWritable(Found->Protection)) {
        return STATUS_ACCESS_VIOLATION;
    }
    if (MiHasPageTable(Found->Va)) {
        Pte = MiReadPte(MiGetPteAddress(Found->Va));
    }
    switch (MiPteKind(Pte)) {
    case MiPteValid:
        KeFlushSingleTb(Found->Va);
        MiFaultCounters.Spurious++;
        return STATUS_SUCCESS;
    case MiPteTransition:
        return MiUserTransition(Found);
    case MiPteZero:
    case MiPteDemandZero:
        return MiUserDemandZero(Found);
    case MiPteLarge:
    case MiPtePagefile:
    case MiPtePrototype:
    case MiPteList:
        break; /* no such page is made yet */
    }
    KeBugCheckEx(MEMORY_MANAGEMENT, 0x41284, Found->Va, Pte.Long, (ULONG_PTR)Found->Process);
}

NTSTATUS MiUserFault(const MM_FAULT *Fault)
{
    PEPROCESS Process = PsGetCurrentProcess();
    MI_USER_FAULT Found;
    NTSTATUS Status;

    if (Process == NULL || Fault->Damaged || Fault->Forbidden) {
        return STATUS_ACCESS_VIOLATION;
    }
    if (Process->AddressCreationLock.Owner == KeGetCurrentThread()) {
        KeBugCheckEx(MEMORY_MANAGEMENT, MIP_FAULT_UNDER_LOCK, Fault->Va, Fault->Eip, 0);
    }
    MiLockAddressSpace(Process);
    Process->Vm.PageFaultCount++;
    Found = MipLookUp(Process, ROUND_DOWN(Fault->Va, (ULONG_PTR)PAGE_SIZE));
    Status = MipDispatch(&Found, Fault->Write);
    MiUnlockAddressSpace(Process);
    return Status;
}

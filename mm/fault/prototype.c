/* SPDX-License-Identifier: MIT */
/*
 * prototype.c - an access to a page whose PTE names a prototype PTE: a shared page that is not in
 * this working set.
 *
 *     the prototype PTE    reading maps the frame; writing, or another protection, copies it
 *     valid                others have it mapped
 *     in transition        its frame has the contents; or it is being read: the fault collides
 *     a slot               it is read, alone, as the prototype PTE's page
 *     a protection         zeroes: there is nothing to share, the page is an untouched one again
 *
 * Who is the only one to have the page takes it back first; then it is as any private page.
 */
#include "mm/fault/user_fault.h"
#include "mm/space/shared_page.h"
#include "nt/bugcodes.h"

/*
 * Two processes may find the page in the file: one of them reads it.  Only a fault makes a frame
 * for a prototype PTE, so that its slot stays while the mutex is held.
 */
static NTSTATUS MipRead(PMI_USER_FAULT Fault, PMMPTE Proto)
{
    NTSTATUS Status = STATUS_SUCCESS;

    ExAcquireFastMutex(&MiCloneReadMutex);
    if (MiPteKind(MiReadPte(Proto)) == MiPtePagefile) {
        Status = MiBeginFaultRead(&Fault->Read, Proto, 1);
        MiMarkSharedFrame(Proto);
    }
    ExReleaseFastMutex(&MiCloneReadMutex);
    return Status;
}

/* => Others have the page, too. */
static NTSTATUS MipShare(PMI_USER_FAULT Fault, PMMPTE Pte, BOOLEAN Copy)
{
    if (Copy) {
        return MiUserCopyOnWrite(Fault);
    }
    MiFaultCounters.Prototype++;
    return NT_SUCCESS(MiMapSharedPage(Fault->Process, Pte)) ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

NTSTATUS MiUserPrototype(PMI_USER_FAULT Fault, BOOLEAN Write)
{
    PMMPTE Pte = MiGetPteAddress(Fault->Va);
    MI_SHARED_STATE State = MiQuerySharedPage(Pte);

    if (State.Alone) {
        (void)MiTakeBackUserPage(Pte);
        MiFaultCounters.TakenBack++;
        return STATUS_SUCCESS; /* and the access finds what it is now */
    }
    switch (State.Kind) {
    case MiPteValid:
        return MipShare(Fault, Pte, Write || State.Copy);
    case MiPteTransition:
        return MiUserCollided(Fault, State.Proto) ? STATUS_SUCCESS
                                                  : MipShare(Fault, Pte, Write || State.Copy);
    case MiPtePagefile:
        return MipRead(Fault, State.Proto);
    case MiPteDemandZero:
        (void)MiForgetZeroPage(Pte);
        return STATUS_SUCCESS;
    case MiPteZero:
    case MiPteLarge:
    case MiPtePrototype:
    case MiPteSubsection:
    case MiPteList:
        break; /* no block has one */
    }
    KeBugCheckEx(MEMORY_MANAGEMENT, 0x41284, Fault->Va, MiReadPte(Pte).Long,
                 (ULONG_PTR)Fault->Process);
}

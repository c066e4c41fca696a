/* SPDX-License-Identifier: MIT */
/*
 * access_fault.c - MmAccessFault: what is at the address, and whether the access may go on.
 *
 * Only the kernel runs, so that the questions are few.  In the system half: is the page there after
 * all (another thread made it), is it pageable memory (system_fault.c), or is it a bug.  In a view
 * of a section a failed read is no bug of who guards the access.
 * In the user half: what user_fault.c says; where it refuses, the status is that of the exception,
 * which KiGuardedCopy and KiGuardedTouch return and everybody else stops with.
 *
 * In session space the running directory may lack a page table that the session has: that is mended
 * first, at any IRQL, since what lies there may be resident.
 *
 * Nothing is locked here: a fault may wait for memory.
 */
#include "mm/fault/fault.h"

#include "arch/mmu.h"
#include "mm/fault/system_fault.h"
#include "mm/fault/user_fault.h"
#include "mm/pool/special_pool.h"
#include "mm/pool/system_image.h"
#include "mm/section/system_view.h"
#include "mm/space/page_table.h"
#include "mm/sysva/pte_kind.h"
#include "nt/bugcodes.h"
#include "user_half.h"

/* P4 of 0x50. */
#define MIP_FREE_PTE        0u
#define MIP_NO_PAGE_TABLE   2u
#define MIP_SESSION_ADDRESS 3u /* no session is there, or it has nothing at P1 */

MI_FAULT_COUNTERS MiFaultCounters;

/* ---- bugs ---- */

static BOOLEAN MipStop(MM_STOP *Stop, ULONG Code, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3,
                       ULONG_PTR P4)
{
    *Stop = (MM_STOP){.Code = Code, .Parameter = {P1, P2, P3, P4}};
    return FALSE;
}

/* The PTE that maps Va, or the directory entry when there is no page table. */
static MMPTE MipEntryOf(ULONG_PTR Va)
{
    MMPTE Pde = MiReadPte(MiGetPdeAddress(Va));

    return !Pde.Hard.Valid || Pde.Hard.LargePage ? Pde : MiReadPte(MiGetPteAddress(Va));
}

/* Whose instruction it was: the kernel's, or a driver's. */
static ULONG MipRaisedCode(const MM_FAULT *Fault)
{
    return MiIsDriverVa(Fault->Eip) ? DRIVER_IRQL_NOT_LESS_OR_EQUAL : IRQL_NOT_LESS_OR_EQUAL;
}

static ULONG MipWhyNowhere(ULONG_PTR Va)
{
    if (MiIsSessionVa(Va)) {
        return MIP_SESSION_ADDRESS;
    }
    return MiReadPte(MiGetPdeAddress(Va)).Hard.Valid ? MIP_FREE_PTE : MIP_NO_PAGE_TABLE;
}

static BOOLEAN MipNameTheBug(const MM_FAULT *Fault, MM_STOP *Stop)
{
    ULONG How = Fault->Write | (ULONG)Fault->Fetch << 3;
    MI_SPECIAL_BLOCK Block;
    ULONG Special = MiClassifySpecialPoolFault((PVOID)Fault->Va, &Block);

    /* Whatever the IRQL: that the memory was freed or ends there says more. */
    if (Special != 0) {
        return MipStop(Stop, Special, Fault->Va, Fault->Write, Fault->Eip, 0);
    }
    if (Fault->Irql >= DISPATCH_LEVEL) {
        return MipStop(Stop, MipRaisedCode(Fault), Fault->Va, Fault->Irql, How, Fault->Eip);
    }
    if (Fault->Write && Fault->Present) {
        return MipStop(Stop, ATTEMPTED_WRITE_TO_READONLY_MEMORY, Fault->Va,
                       MipEntryOf(Fault->Va).Long, 0, 0);
    }
    (void)MipStop(Stop, PAGE_FAULT_IN_NONPAGED_AREA, Fault->Va, Fault->Write, Fault->Eip,
                  MipWhyNowhere(Fault->Va));
    if (MiIsSessionVa(Fault->Va)) {
        Stop->Guarded = STATUS_ACCESS_VIOLATION; /* a probe of what may be another session's */
    }
    return FALSE;
}

/* ---- pages that can be made ---- */

BOOLEAN MiStopForInPageError(MM_STOP *Stop, ULONG_PTR Va, MMPTE Pte, NTSTATUS Status)
{
    MiFaultCounters.InPageErrors++;
    (void)MipStop(Stop, KERNEL_DATA_INPAGE_ERROR, (ULONG_PTR)MiGetPteAddress(Va), (ULONG)Status,
                  Pte.Long, Va);
    if (Va < MM_SYSTEM_RANGE_START) {
        Stop->Guarded = STATUS_IN_PAGE_ERROR;
    } else {
        Stop->Guarded = MiIsAnySystemViewVa(Va) ? Status : STATUS_SUCCESS; /* as a read returns */
    }
    return FALSE;
}

static BOOLEAN MipSystemFault(const MM_FAULT *Fault, MM_STOP *Stop)
{
    MI_SYSTEM_FAULT Found;
    NTSTATUS Status = MiSystemFault(Fault, &Found);

    if (Status == STATUS_SUCCESS) {
        return TRUE;
    }
    if (Status == STATUS_NO_MEMORY) {
        return MiWaitForMemory(Stop); /* then the access is simply tried again */
    }
    if (Status == STATUS_IN_PAGE_ERROR) {
        return MiStopForInPageError(Stop, Fault->Va, Found.Entry, Found.Read.Status);
    }
    (void)MipNameTheBug(Fault, Stop);
    if (MiPteKind(Found.Entry) == MiPtePrototype) {
        Stop->Guarded = Status; /* the page of a view is not committed */
    }
    return FALSE;
}

static BOOLEAN MipUserFault(const MM_FAULT *Fault, MM_STOP *Stop)
{
    MI_USER_FAULT Found;
    NTSTATUS Status = MiUserFault(Fault, &Found);

    if (Status == STATUS_SUCCESS) {
        return TRUE;
    }
    if (Status == STATUS_NO_MEMORY) {
        return MiWaitForMemory(Stop);
    }
    MiFaultCounters.Refused++;
    if (Status == STATUS_IN_PAGE_ERROR) {
        (void)MiStopForInPageError(Stop, Found.TableOut ? MiTableVa(Fault->Va) : Fault->Va,
                                   Found.Pte, Found.Read.Status);
        Stop->Guarded = STATUS_IN_PAGE_ERROR;
        return FALSE;
    }
    (void)MipStop(Stop, KMODE_EXCEPTION_NOT_HANDLED, (ULONG)Status, Fault->Eip, Fault->Write,
                  Fault->Va);
    Stop->Guarded = Status;
    return FALSE;
}

/* => Whether a page table of the user half lies there, in the self-map. */
static BOOLEAN MipIsUserTable(ULONG_PTR Va)
{
    return Va >= PTE_BASE && Va < (ULONG_PTR)MiGetPteAddress(MM_SYSTEM_RANGE_START);
}

static BOOLEAN MipPageTableFault(const MM_FAULT *Fault, MM_STOP *Stop)
{
    MI_USER_FAULT Found;
    NTSTATUS Status = MiPageTableFault(Fault, &Found);

    if (Status == STATUS_SUCCESS) {
        return TRUE;
    }
    return Status == STATUS_NO_MEMORY
               ? MiWaitForMemory(Stop)
               : MiStopForInPageError(Stop, MiTableVa(Found.Va), Found.Pte, Found.Read.Status);
}

/* => TRUE: Entry lets the access through: another thread was quicker, or the TLB was behind. */
static BOOLEAN MipIsSpurious(const MM_FAULT *Fault, MMPTE Entry)
{
    return Entry.Hard.Valid && !Fault->Damaged && (!Fault->Write || Entry.Hard.Write);
}

BOOLEAN MmAccessFault(const MM_FAULT *Fault, MM_STOP *Stop)
{
    MMPTE Entry;

    MiFaultCounters.Faults++;
    if (Fault->Va >= MM_SYSTEM_RANGE_START && MiMayLackSessionTable(Fault->Va) &&
        MiFillSessionTable(Fault->Va)) {
        return TRUE;
    }
    if (Fault->Irql >= DISPATCH_LEVEL) {
        return MipNameTheBug(Fault, Stop);
    }
    if (Fault->Va < MM_SYSTEM_RANGE_START) {
        return MipUserFault(Fault, Stop);
    }
    Entry = MipEntryOf(Fault->Va);
    if (MipIsSpurious(Fault, Entry)) {
        MiFaultCounters.Spurious++;
        return TRUE;
    }
    if (!Entry.Hard.Valid && Entry.Long != 0 && MiIsPageableSystemVa(Fault->Va)) {
        return MipSystemFault(Fault, Stop);
    }
    if (!Entry.Hard.Valid && Entry.Long != 0 && MipIsUserTable(Fault->Va)) {
        return MipPageTableFault(Fault, Stop);
    }
    return MipNameTheBug(Fault, Stop);
}

NTSTATUS MiMakeResident(ULONG_PTR Va, BOOLEAN Write)
{
    const MM_FAULT Fault = {.Va = Va, .Irql = KeGetCurrentIrql(), .Write = Write};
    MM_STOP Stop;

    if (MmAccessFault(&Fault, &Stop)) {
        return STATUS_SUCCESS;
    }
    if (Stop.Code == KERNEL_DATA_INPAGE_ERROR) {
        return STATUS_IN_PAGE_ERROR;
    }
    return Stop.Guarded != STATUS_SUCCESS ? Stop.Guarded : STATUS_ACCESS_VIOLATION;
}

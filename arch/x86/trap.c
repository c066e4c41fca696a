/* SPDX-License-Identifier: MIT */
/*
 * trap.c - exceptions: recorded for a guarded call, or the end of the machine.
 *
 * The kernel has no exception handlers yet, so an exception outside KiGuardedCall is a bug check:
 *
 *     page fault   at DISPATCH_LEVEL or above     0A IRQL_NOT_LESS_OR_EQUAL
 *                  a write to a read-only page    BE ATTEMPTED_WRITE_TO_READONLY_MEMORY
 *                  an address below 80000000      1E KMODE_EXCEPTION_NOT_HANDLED, access violation
 *                  another address                50 PAGE_FAULT_IN_NONPAGED_AREA
 *     breakpoint                                  1E, STATUS_BREAKPOINT
 *     machine check                               9C MACHINE_CHECK_EXCEPTION
 *     anything else                               7F UNEXPECTED_KERNEL_MODE_TRAP, its vector
 */
#include "arch/x86/trap.h"

#include "arch/cpuid.h"
#include "arch/mmu.h"
#include "arch/x86/bugcheck.h"
#include "arch/x86/pcr.h"
#include "nt/status.h"

#define KIP_SYSTEM_START  0x80000000u
#define STATUS_BREAKPOINT ((ULONG)0x80000003)

extern const UCHAR KiGuardedResume[]; /* trap.S */

static ULONG KipFaultAddress(void)
{
    ULONG Address;

    __asm__ volatile("mov %%cr2, %0" : "=r"(Address));
    return Address;
}

static ULONG64 KipReadMsr(ULONG Msr)
{
    ULONG Low;
    ULONG High;

    __asm__ volatile("rdmsr" : "=a"(Low), "=d"(High) : "c"(Msr));
    return (ULONG64)High << 32 | Low;
}

/*
 * The guard that is in force: the head of the running stack's exception list.
 * => NULL: there is none, or the list does not lead into this stack.
 */
static PKI_GUARD KipCurrentGuard(void)
{
    ULONG Head = (ULONG)KI_PCR->ExceptionList;

    if (Head % sizeof(ULONG) != 0 || Head < (ULONG)KI_PCR->StackLimit ||
        Head > (ULONG)KI_PCR->StackBase - sizeof(KI_GUARD)) {
        return NULL;
    }
    return ((PKI_GUARD)Head)->Handler == KiGuardedResume ? (PKI_GUARD)Head : NULL;
}

static void KipResumeGuarded(PKI_GUARD Guard, PKTRAP_FRAME Frame, ULONG Vector, ULONG Address)
{
    Guard->Fault->Happened = TRUE;
    Guard->Fault->Vector = Vector;
    Guard->Fault->ErrorCode = Frame->ErrCode;
    Guard->Fault->Address = Vector == KI_TRAP_PAGE_FAULT ? Address : 0;
    Guard->Fault->Eip = Frame->Eip;
    Frame->Eax = (ULONG)Guard;
    Frame->Eip = (ULONG)KiGuardedResume;
}

/* The PTE, or the directory entry when there is no page table, that maps Address. */
static ULONG KipPteContents(ULONG Address)
{
    MMPTE Pde = MiReadPte(MiGetPdeAddress(Address));

    if (!Pde.Hard.Valid || Pde.Hard.LargePage) {
        return Pde.Long;
    }
    return MiReadPte(MiGetPteAddress(Address)).Long;
}

static NT_NORETURN void KipPageFault(PKTRAP_FRAME Frame, ULONG Address)
{
    KIRQL Irql = KeGetCurrentIrql();
    BOOLEAN Write = (Frame->ErrCode & KI_FAULT_WRITE) != 0;
    BOOLEAN Fetch = (Frame->ErrCode & KI_FAULT_FETCH) != 0;

    if (Irql >= DISPATCH_LEVEL) {
        KiBugCheckFromTrap(IRQL_NOT_LESS_OR_EQUAL, Address, Irql, Write | (ULONG)Fetch << 3,
                           Frame->Eip, Frame);
    }
    if (Write && (Frame->ErrCode & KI_FAULT_PRESENT)) {
        KiBugCheckFromTrap(ATTEMPTED_WRITE_TO_READONLY_MEMORY, Address, KipPteContents(Address),
                           (ULONG)Frame, 0, Frame);
    }
    if (Address < KIP_SYSTEM_START) {
        KiBugCheckFromTrap(KMODE_EXCEPTION_NOT_HANDLED, (ULONG)STATUS_ACCESS_VIOLATION, Frame->Eip,
                           Write, Address, Frame);
    }
    KiBugCheckFromTrap(PAGE_FAULT_IN_NONPAGED_AREA, Address, Write, Frame->Eip, 0, Frame);
}

/* => Whether this is no INT 18.  A processor without MCA cannot tell: it is then taken for one. */
static BOOLEAN KipInMachineCheck(void)
{
    enum {
        InProgress = 4 /* MCG_STATUS.MCIP */
    };

    return (ArchCpuid(1, 0).Edx & CPUID_1_EDX_MCA) && (KipReadMsr(MSR_MCG_STATUS) & InProgress);
}

/* Parameters as documented: the bank, [NT: its record; here: the trap frame], its status. */
static NT_NORETURN void KipMachineCheck(PKTRAP_FRAME Frame)
{
    const ULONG64 Valid = 1ull << 63;
    ULONG Banks = 0;
    ULONG Bank;

    if (ArchCpuid(1, 0).Edx & CPUID_1_EDX_MCA) {
        Banks = (UCHAR)KipReadMsr(MSR_MCG_CAP);
    }
    for (Bank = 0; Bank < Banks; Bank++) {
        ULONG64 Status = KipReadMsr(MSR_MC0_STATUS + 4 * Bank);

        if (Status & Valid) {
            KiBugCheckFromTrap(MACHINE_CHECK_EXCEPTION, Bank, (ULONG)Frame, (ULONG)(Status >> 32),
                               (ULONG)Status, Frame);
        }
    }
    KiBugCheckFromTrap(MACHINE_CHECK_EXCEPTION, Banks, (ULONG)Frame, 0, 0, Frame);
}

void KiDispatchTrap(PKTRAP_FRAME Frame, ULONG Vector)
{
    ULONG Address = KipFaultAddress(); /* before another fault can change it */
    PKI_GUARD Guard = KipCurrentGuard();

    if (Vector == KI_TRAP_MACHINE_CHECK && (Guard == NULL || KipInMachineCheck())) {
        KipMachineCheck(Frame);
    }
    /* At a higher level it is no fault of the guarded routine, but of what interrupted it. */
    if (Guard != NULL && KeGetCurrentIrql() == Guard->Irql) {
        KipResumeGuarded(Guard, Frame, Vector, Address);
        return;
    }
    if (Vector == KI_TRAP_PAGE_FAULT) {
        KipPageFault(Frame, Address);
    }
    if (Vector == KI_TRAP_BREAKPOINT) {
        Frame->Eip--; /* NT reports the INT 3 itself, the processor what follows it */
        KiBugCheckFromTrap(KMODE_EXCEPTION_NOT_HANDLED, STATUS_BREAKPOINT, Frame->Eip, 0, 0, Frame);
    }
    KiBugCheckFromTrap(UNEXPECTED_KERNEL_MODE_TRAP, Vector, Frame->ErrCode, Frame->Eip, 0, Frame);
}

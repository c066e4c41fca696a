/* SPDX-License-Identifier: MIT */
/*
 * trap.c - exceptions: recorded for a guarded call, or the end of the machine.
 *
 * The kernel has no exception handlers yet, so an exception outside KiGuardedCall is a bug check:
 *
 *     page fault   what MmAccessFault says it is
 *     breakpoint                                  1E, STATUS_BREAKPOINT
 *     machine check                               9C MACHINE_CHECK_EXCEPTION
 *     anything else                               7F UNEXPECTED_KERNEL_MODE_TRAP, its vector
 */
#include "arch/x86/trap.h"

#include "arch/cpuid.h"
#include "arch/x86/bugcheck.h"
#include "arch/mmu.h"
#include "arch/x86/mmu.h"
#include "arch/x86/pcr.h"
#include "arch/x86/user_access.h"
#include "mm_machine.h"
#include "nt/status.h"

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

static void KipResumeGuarded(PKI_GUARD Guard, PKTRAP_FRAME Frame, ULONG Vector, ULONG Address,
                             const MM_STOP *Stop)
{
    Guard->Fault->Happened = TRUE;
    Guard->Fault->Vector = Vector;
    Guard->Fault->ErrorCode = Frame->ErrCode;
    Guard->Fault->Address = Vector == KI_TRAP_PAGE_FAULT ? Address : 0;
    Guard->Fault->Eip = Frame->Eip;
    Guard->Fault->Stop = *Stop;
    Frame->Eax = (ULONG)Guard;
    Frame->Eip = (ULONG)KiGuardedResume;
}

/* Under SMAP a supervisor's access to a page that is there: the flag that permits it was clear. */
static BOOLEAN KipIsForbidden(const KTRAP_FRAME *Frame)
{
    return (Frame->ErrCode & (KI_FAULT_PRESENT | KI_FAULT_USER)) == KI_FAULT_PRESENT &&
           (Frame->EFlags & KI_EFLAGS_AC) == 0 && (KiReadCr4() & CR4_SMAP) != 0;
}

/*
 * The memory manager may wait, and switch threads, so it runs with interrupts as they were.
 *
 * => FALSE: *Stop is the bug check that the access deserves.
 */
static BOOLEAN KipResolvePageFault(PKTRAP_FRAME Frame, ULONG Address, MM_STOP *Stop)
{
    const MM_FAULT Fault = {
        .Va = Address,
        .Eip = Frame->Eip,
        .Irql = KI_PCR->Irql,
        .Write = (Frame->ErrCode & KI_FAULT_WRITE) != 0,
        .Fetch = (Frame->ErrCode & KI_FAULT_FETCH) != 0,
        .Present = (Frame->ErrCode & KI_FAULT_PRESENT) != 0,
        .Damaged = (Frame->ErrCode & KI_FAULT_RESERVED) != 0,
        .Forbidden = KipIsForbidden(Frame),
    };
    BOOLEAN Resolved;

    if ((Frame->EFlags & KI_EFLAGS_IF) != 0) {
        __asm__ volatile("sti" : : : "memory");
    }
    Resolved = MmAccessFault(&Fault, Stop);
    __asm__ volatile("cli" : : : "memory");
    return Resolved;
}

static NT_NORETURN void KipStop(const MM_STOP *Stop, PKTRAP_FRAME Frame)
{
    KiBugCheckFromTrap(Stop->Code, Stop->Parameter[0], Stop->Parameter[1], Stop->Parameter[2],
                       Stop->Parameter[3], Frame);
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

/* What nobody resolved.  => Stop: of a page fault, what it deserves; else zero. */
static void __attribute__((noinline))
KipEndTrap(PKTRAP_FRAME Frame, ULONG Vector, ULONG Address, const MM_STOP *Stop)
{
    PKI_GUARD Guard = KipCurrentGuard();

    if (Vector == KI_TRAP_MACHINE_CHECK && (Guard == NULL || KipInMachineCheck())) {
        KipMachineCheck(Frame);
    }
    /* At a higher level it is no fault of the guarded routine, but of what interrupted it. */
    if (Guard != NULL && KeGetCurrentIrql() == Guard->Irql) {
        KipResumeGuarded(Guard, Frame, Vector, Address, Stop);
        return;
    }
    if (Vector == KI_TRAP_PAGE_FAULT) {
        KipStop(Stop, Frame);
    }
    if (Vector == KI_TRAP_BREAKPOINT) {
        Frame->Eip--; /* NT reports the INT 3 itself, the processor what follows it */
        KiBugCheckFromTrap(KMODE_EXCEPTION_NOT_HANDLED, STATUS_BREAKPOINT, Frame->Eip, 0, 0, Frame);
    }
    KiBugCheckFromTrap(UNEXPECTED_KERNEL_MODE_TRAP, Vector, Frame->ErrCode, Frame->Eip, 0, Frame);
}

/* The guard is looked for when it is needed: the exception list is the thread's own. */
void KiDispatchTrap(PKTRAP_FRAME Frame, ULONG Vector)
{
    ULONG Address = KipFaultAddress(); /* before another fault can change it */
    MM_STOP Stop;

    KiForbidUserAccess(); /* until the frame's flags are back */
    if (Vector != KI_TRAP_PAGE_FAULT) {
        Stop = (MM_STOP){0};
    } else if (KipResolvePageFault(Frame, Address, &Stop)) {
        return;
    }
    KipEndTrap(Frame, Vector, Address, &Stop);
}

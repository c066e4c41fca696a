/* SPDX-License-Identifier: MIT */
/*
 * bugcheck.c - the stop screen: code, name, parameters, registers, stack.
 *
 * It runs in any state: interrupts off, on any stack, perhaps in the middle of the console's own
 * code.  So it allocates nothing, takes no lock, and reads memory only after asking the page tables
 * whether it is there.  What it uses may be broken all the same, so each fault on the way makes it
 * expect less:
 *
 *     bug check    says                                         where
 *     first        everything                                   screen and serial port
 *     second       its code                                     screen and serial port
 *     third        its code, then everything about the first    serial port only
 *     later ones   nothing: an emulator's exit status, no more
 */
#include "arch/x86/bugcheck.h"

#include "arch/cpuid.h"
#include "arch/x86/console.h"
#include "arch/x86/mmu.h"
#include "arch/x86/power.h"
#include "arch/x86/print.h"
#include "arch/x86/stack_trace.h"
#include "rtl.h"

/* What is shown of the machine, wherever it was saved. */
typedef struct _KIP_STATE {
    ULONG Eax, Ebx, Ecx, Edx, Esi, Edi, Ebp, Esp, Eip, EFlags;
    ULONG Cs, Ds, Es, Fs, Gs, Ss;
    BOOLEAN InCall; /* Eip is where a call returns to, not an instruction that runs */
} KIP_STATE;

/* The stop that counts; those that follow are its consequences. */
static struct {
    ULONG Code;
    ULONG Parameters[4];
    KIP_STATE State;
} KipFirst;

static volatile ULONG KipDepth;

const char *KiBugCheckName(ULONG Code)
{
    static const struct {
        ULONG Code;
        const char *Name;
    } Names[] = {
        {IRQL_NOT_GREATER_OR_EQUAL, "IRQL_NOT_GREATER_OR_EQUAL"},
        {IRQL_NOT_LESS_OR_EQUAL, "IRQL_NOT_LESS_OR_EQUAL"},
        {MAXIMUM_WAIT_OBJECTS_EXCEEDED, "MAXIMUM_WAIT_OBJECTS_EXCEEDED"},
        {SPIN_LOCK_ALREADY_OWNED, "SPIN_LOCK_ALREADY_OWNED"},
        {SPIN_LOCK_NOT_OWNED, "SPIN_LOCK_NOT_OWNED"},
        {TRAP_CAUSE_UNKNOWN, "TRAP_CAUSE_UNKNOWN"},
        {REFERENCE_BY_POINTER, "REFERENCE_BY_POINTER"},
        {BAD_POOL_HEADER, "BAD_POOL_HEADER"},
        {MEMORY_MANAGEMENT, "MEMORY_MANAGEMENT"},
        {KMODE_EXCEPTION_NOT_HANDLED, "KMODE_EXCEPTION_NOT_HANDLED"},
        {FAT_FILE_SYSTEM, "FAT_FILE_SYSTEM"},
        {PHASE0_INITIALIZATION_FAILED, "PHASE0_INITIALIZATION_FAILED"},
        {NO_MORE_SYSTEM_PTES, "NO_MORE_SYSTEM_PTES"},
        {NO_PAGES_AVAILABLE, "NO_PAGES_AVAILABLE"},
        {PFN_LIST_CORRUPT, "PFN_LIST_CORRUPT"},
        {PAGE_FAULT_IN_NONPAGED_AREA, "PAGE_FAULT_IN_NONPAGED_AREA"},
        {PROCESS_HAS_LOCKED_PAGES, "PROCESS_HAS_LOCKED_PAGES"},
        {KERNEL_STACK_INPAGE_ERROR, "KERNEL_STACK_INPAGE_ERROR"},
        {KERNEL_DATA_INPAGE_ERROR, "KERNEL_DATA_INPAGE_ERROR"},
        {INSTALL_MORE_MEMORY, "INSTALL_MORE_MEMORY"},
        {UNEXPECTED_KERNEL_MODE_TRAP, "UNEXPECTED_KERNEL_MODE_TRAP"},
        {NMI_HARDWARE_FAILURE, "NMI_HARDWARE_FAILURE"},
        {INVALID_KERNEL_HANDLE, "INVALID_KERNEL_HANDLE"},
        {MACHINE_CHECK_EXCEPTION, "MACHINE_CHECK_EXCEPTION"},
        {SESSION_HAS_VALID_POOL_ON_EXIT, "SESSION_HAS_VALID_POOL_ON_EXIT"},
        {SESSION_HAS_VALID_VIEWS_ON_EXIT, "SESSION_HAS_VALID_VIEWS_ON_EXIT"},
        {ATTEMPTED_WRITE_TO_READONLY_MEMORY, "ATTEMPTED_WRITE_TO_READONLY_MEMORY"},
        {SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION, "SPECIAL_POOL_DETECTED_MEMORY_CORRUPTION"},
        {BAD_POOL_CALLER, "BAD_POOL_CALLER"},
        {DRIVER_CAUGHT_MODIFYING_FREED_POOL, "DRIVER_CAUGHT_MODIFYING_FREED_POOL"},
        {IRQL_UNEXPECTED_VALUE, "IRQL_UNEXPECTED_VALUE"},
        {PAGE_FAULT_IN_FREED_SPECIAL_POOL, "PAGE_FAULT_IN_FREED_SPECIAL_POOL"},
        {PAGE_FAULT_BEYOND_END_OF_ALLOCATION, "PAGE_FAULT_BEYOND_END_OF_ALLOCATION"},
        {DRIVER_IRQL_NOT_LESS_OR_EQUAL, "DRIVER_IRQL_NOT_LESS_OR_EQUAL"},
        {DRIVER_UNMAPPING_INVALID_VIEW, "DRIVER_UNMAPPING_INVALID_VIEW"},
        {SYSTEM_PTE_MISUSE, "SYSTEM_PTE_MISUSE"},
        {WORKER_THREAD_RETURNED_AT_BAD_IRQL, "WORKER_THREAD_RETURNED_AT_BAD_IRQL"},
        {MANUALLY_INITIATED_CRASH, "MANUALLY_INITIATED_CRASH"},
        {WORKER_INVALID, "WORKER_INVALID"},
        {THREAD_TERMINATE_HELD_MUTEX, "THREAD_TERMINATE_HELD_MUTEX"},
    };
    ULONG i;

    for (i = 0; i < RTL_NUMBER_OF(Names); i++) {
        if (Names[i].Code == Code) {
            return Names[i].Name;
        }
    }
    return "(unknown)";
}

static void KipPrintRegisters(const KIP_STATE *S)
{
    ULONG Cr2;

    __asm__ volatile("mov %%cr2, %0" : "=r"(Cr2));
    KiPrint("eax=%08x ebx=%08x ecx=%08x edx=%08x esi=%08x edi=%08x\n", S->Eax, S->Ebx, S->Ecx,
            S->Edx, S->Esi, S->Edi);
    KiPrint("eip=%08x esp=%08x ebp=%08x efl=%08x irql=%u\n", S->Eip, S->Esp, S->Ebp, S->EFlags,
            KI_PCR->Irql);
    KiPrint("cs=%04x ss=%04x ds=%04x es=%04x fs=%04x gs=%04x\n", S->Cs, S->Ss, S->Ds, S->Es, S->Fs,
            S->Gs);
    KiPrint("cr0=%08x cr2=%08x cr3=%08x cr4=%08x\n", KiReadCr0(), Cr2, KiReadCr3(), KiReadCr4());
}

static void KipPrintStop(void)
{
    const ULONG *Parameters = KipFirst.Parameters;
    const KI_STACK_STATE Trace = {KipFirst.State.Eip, KipFirst.State.Esp, KipFirst.State.Ebp,
                                  KipFirst.State.InCall};

    KiPrint("\n*** Hyperspace has stopped: going on could damage what is still right.\n\n");
    KiPrint("%s\n\n", KiBugCheckName(KipFirst.Code));
    KiPrint("*** STOP: 0x%08X (0x%08X, 0x%08X, 0x%08X, 0x%08X)\n\n", KipFirst.Code, Parameters[0],
            Parameters[1], Parameters[2], Parameters[3]);
    KipPrintRegisters(&KipFirst.State);
    KiPrintStackTrace(&Trace);
    KiPrint("\n");
}

/* Depth is 2 for the first fault in the stop itself. */
static void KipPrintNestedStop(ULONG Depth, ULONG Code)
{
    if (Depth > 3) {
        HalHalt(HalRunCrashed);
    }
    if (Depth == 3) {
        HalConsoleAbandonScreen();
    }
    KiPrint("\n*** STOP: 0x%08x while stopping\n", Code);
    if (Depth == 3) {
        KipPrintStop(); /* whatever the screen swallowed, the serial port shows it */
    }
}

static NT_NORETURN void KipStop(ULONG Code, const ULONG Parameters[4], const KIP_STATE *State)
{
    ULONG Depth;

    __asm__ volatile("cli");
    Depth = ++KipDepth;
    if (Depth == 1) {
        KipFirst.Code = Code;
        memcpy(KipFirst.Parameters, Parameters, sizeof(KipFirst.Parameters));
        KipFirst.State = *State;
        HalConsoleStopScreen();
        KipPrintStop();
    } else {
        KipPrintNestedStop(Depth, Code);
    }
    HalEndRun(HalRunCrashed);
}

void KiBugCheckFromTrap(ULONG Code, ULONG Parameter1, ULONG Parameter2, ULONG Parameter3,
                        ULONG Parameter4, const KTRAP_FRAME *Frame)
{
    const ULONG Parameters[4] = {Parameter1, Parameter2, Parameter3, Parameter4};
    /* A trap from ring 0 pushes no stack pointer: it stood behind EFlags. */
    BOOLEAN User = (Frame->SegCs & 3) != 0;
    KIP_STATE State = {
        .Eax = Frame->Eax,
        .Ebx = Frame->Ebx,
        .Ecx = Frame->Ecx,
        .Edx = Frame->Edx,
        .Esi = Frame->Esi,
        .Edi = Frame->Edi,
        .Ebp = Frame->Ebp,
        .Esp = User ? Frame->HardwareEsp : (ULONG)&Frame->HardwareEsp,
        .Eip = Frame->Eip,
        .EFlags = Frame->EFlags,
        .Cs = (USHORT)Frame->SegCs, /* processors push 16 bits and leave the upper 16 as found */
        .Ss = User ? (USHORT)Frame->HardwareSegSs : KGDT_R0_DATA,
        .Ds = (USHORT)Frame->SegDs,
        .Es = (USHORT)Frame->SegEs,
        .Fs = (USHORT)Frame->SegFs,
        .Gs = (USHORT)Frame->SegGs,
    };

    KipStop(Code, Parameters, &State);
}

void KiBugCheckFromTask(ULONG Code, ULONG Parameter1, ULONG Parameter2, const KTSS *T)
{
    const ULONG Parameters[4] = {Parameter1, Parameter2, 0, 0};
    KIP_STATE State = {
        .Eax = T->Eax,
        .Ebx = T->Ebx,
        .Ecx = T->Ecx,
        .Edx = T->Edx,
        .Esi = T->Esi,
        .Edi = T->Edi,
        .Ebp = T->Ebp,
        .Esp = T->Esp,
        .Eip = T->Eip,
        .EFlags = T->EFlags,
        .Cs = T->Cs,
        .Ss = T->Ss,
        .Ds = T->Ds,
        .Es = T->Es,
        .Fs = T->Fs,
        .Gs = T->Gs,
    };

    KipStop(Code, Parameters, &State);
}

/* EAX, ECX and EDX are lost in any call; EFlags may have changed on the way. */
void KiBugCheckFromCaller(const KI_CALLER *Caller)
{
    KIP_STATE State = {
        .Ebx = Caller->Ebx,
        .Esi = Caller->Esi,
        .Edi = Caller->Edi,
        .Ebp = Caller->Ebp,
        .Esp = (ULONG)&Caller->Code,
        .Eip = Caller->Eip,
        .InCall = TRUE,
        .Cs = KGDT_R0_CODE,
        .Ss = KGDT_R0_DATA,
        .Ds = KGDT_R3_DATA | 3,
        .Es = KGDT_R3_DATA | 3,
        .Fs = KGDT_R0_PCR,
    };

    __asm__ volatile("pushf; pop %0" : "=r"(State.EFlags));
    KipStop(Caller->Code, Caller->Parameters, &State);
}

/* SPDX-License-Identifier: MIT */
/*
 * trap.c - from a host SIGSEGV to a page fault of the machine.
 *
 * The signal runs on its own stack, so that the thread's stack may itself be memory behind page
 * tables.  There it does what the processor does without software: fill the TLB.  When that fails
 * it does what the processor does next: it pushes a trap frame on the thread's stack and goes to
 * an entry point.  So the page-fault handler runs outside of the signal, as ordinary code of the
 * thread, and may wait and switch stacks.
 *
 *     the access                         where the thread goes on
 *     grants what the tables grant       the same instruction
 *     page fault                         HandlePageFault, then the same instruction
 *     the tables name no memory          HandleMachineCheck
 *     the trap frame finds no stack      HandleDoubleFault, on EmergencyStack (as NT's task gate)
 *     not the machine's address          HandleWildAccess
 *
 * System calls of Linux do not fault this way: they return EFAULT for memory that is not mapped at
 * the moment.  Copy to host memory first.
 */
#define _GNU_SOURCE

#include "arch/cpuid.h"
#include "nt/status.h"
#include "tests/host/machine_i.h"

#include <errno.h>
#include <sanitizer/common_interface_defs.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define HOST_ERROR_WRITE      0x02u /* Linux passes the real processor's error code on */
#define HOST_ERROR_FETCH      0x10u
#define NO_PROGRESS_LIMIT     1000u /* the same fault, with nothing between */
#define STACK_OF_SIGNAL_BYTES 0x10000u

typedef void HOST_TRAP_ROUTINE(ULONG_PTR Va, ULONG ErrorCode);

/* What the processor would push; HostpTrapEntry knows the offsets. */
typedef struct _HOST_TRAP_FRAME {
    HOST_TRAP_ROUTINE *Routine; /* -12 from the frame pointer */
    ULONG Va;                   /* -8 */
    ULONG ErrorCode;            /* -4 */
    ULONG Ebp;                  /* 0: links the frame pointers, for stack traces */
    ULONG Eip;                  /* 4 */
    ULONG Eflags;               /* 8 */
} HOST_TRAP_FRAME, *PHOST_TRAP_FRAME;

NT_C_ASSERT(FIELD_OFFSET(HOST_TRAP_FRAME, Ebp) == 12);
NT_C_ASSERT(sizeof(HOST_TRAP_FRAME) == 24);

void HostpTrapEntry(void);

/*
 * Saves what a C function may change, the vector registers too (the access may stand in the middle
 * of libc's memcpy), and goes back to where the trap came from.  2688 bytes hold the state
 * components 0xE7: x87, SSE, AVX, AVX-512.
 */
__asm__(".text\n"
        ".globl HostpTrapEntry\n"
        ".type HostpTrapEntry, @function\n"
        "HostpTrapEntry:\n"
        "    .cfi_startproc\n" /* so that stack traces lead to the access */
        "    .cfi_signal_frame\n"
        "    .cfi_def_cfa %ebp, 8\n"
        "    .cfi_offset %ebp, -8\n"
        "    .cfi_offset %ebx, -36\n"
        "    pushl %eax\n"
        "    pushl %ecx\n"
        "    pushl %edx\n"
        "    pushl %ebx\n"
        "    cld\n"
        "    subl $2688, %esp\n"
        "    andl $-64, %esp\n"
        "    movl %esp, %ebx\n"
        "    xorl %eax, %eax\n"
        "    movl $16, %ecx\n"
        "1:  movl %eax, 508(%ebx,%ecx,4)\n" /* the header: XSAVE writes only a part of it */
        "    loop 1b\n"
        "    movl $0xE7, %eax\n"
        "    xorl %edx, %edx\n"
        "    xsave (%ebx)\n"
        "    subl $8, %esp\n"
        "    pushl -4(%ebp)\n"
        "    pushl -8(%ebp)\n"
        "    call *-12(%ebp)\n"
        "    movl $0xE7, %eax\n"
        "    xorl %edx, %edx\n"
        "    xrstor (%ebx)\n"
        "    movl -16(%ebp), %eax\n"
        "    movl -20(%ebp), %ecx\n"
        "    movl -24(%ebp), %edx\n"
        "    movl -28(%ebp), %ebx\n"
        "    pushl 8(%ebp)\n"
        "    popfl\n"
        "    movl %ebp, %esp\n"
        "    popl %ebp\n"
        "    ret $4\n"
        "    .cfi_endproc\n"
        ".size HostpTrapEntry, . - HostpTrapEntry\n");

static UCHAR SignalStack[STACK_OF_SIGNAL_BYTES] NT_ALIGNED(16);
static UCHAR EmergencyStack[STACK_OF_SIGNAL_BYTES] NT_ALIGNED(16);
static HOST_FAULT_HANDLER *FaultHandler;
static BOOLEAN SimulatedUserMode;
static ULONG_PTR LastFaultVa;
static ULONG LastFaultCode;
static ULONG LastFaultCount;

static HOST_STACK EmergencyExtent(void)
{
    ULONG_PTR Bottom = (ULONG_PTR)EmergencyStack;

    return (HOST_STACK){Bottom, Bottom + sizeof(EmergencyStack)};
}

/* ---- accesses that may fail ---- */

/* Where such an access goes on; in the stack's list of exception handlers. */
typedef struct _HOST_GUARD {
    PVOID Next;
    jmp_buf Escape;
    NTSTATUS Status;
} HOST_GUARD, *PHOST_GUARD;

/* => Returns when no such access runs on this stack. */
void HostEndGuardedAccess(NTSTATUS Status)
{
    PHOST_GUARD Guard = HostpExceptionList;

    if (Guard != EXCEPTION_CHAIN_END && Guard != NULL) {
        Guard->Status = Status;
        longjmp(Guard->Escape, 1);
    }
}

/* Both may be NULL: that is an address like any other. */
__attribute__((no_sanitize("undefined"))) NTSTATUS KiGuardedCopy(PVOID To, const void *From,
                                                                 SIZE_T Bytes)
{
    HOST_GUARD Guard;

    HostpRequire(KeGetCurrentIrql() < DISPATCH_LEVEL, KeGetCurrentIrql());
    Guard.Status = STATUS_SUCCESS;
    Guard.Next = KiExchangeExceptionList(&Guard);
    if (setjmp(Guard.Escape) == 0) {
        memcpy(To, From, Bytes);
    }
    KiExchangeExceptionList(Guard.Next);
    return Guard.Status;
}

NTSTATUS KiGuardedTouch(PVOID Va)
{
    HOST_GUARD Guard;

    HostpRequire(KeGetCurrentIrql() < DISPATCH_LEVEL, KeGetCurrentIrql());
    Guard.Status = STATUS_SUCCESS;
    Guard.Next = KiExchangeExceptionList(&Guard);
    if (setjmp(Guard.Escape) == 0) {
        __atomic_fetch_or((volatile UCHAR *)Va, 0, __ATOMIC_RELAXED);
    }
    KiExchangeExceptionList(Guard.Next);
    return Guard.Status;
}

/* ---- on the thread's stack ---- */

static void CheckProgress(ULONG_PTR Va, ULONG ErrorCode)
{
    if (Va != LastFaultVa || ErrorCode != LastFaultCode) {
        LastFaultVa = Va;
        LastFaultCode = ErrorCode;
        LastFaultCount = 0;
    }
    LastFaultCount++;
    if (LastFaultCount > NO_PROGRESS_LIMIT) {
        LastFaultCount = 0;
        KeBugCheckEx(HOST_BUGCHECK_NO_PROGRESS, Va, ErrorCode, NO_PROGRESS_LIMIT, 0);
    }
}

static void HandlePageFault(ULONG_PTR Va, ULONG ErrorCode)
{
    BOOLEAN WasUserMode = SimulatedUserMode;

    SimulatedUserMode = FALSE;
    HostpCounters.Faults++;
    HostTrace(HostTraceFault, (ULONG)Va);
    HostTrace(HostTraceFault, ErrorCode);
    CheckProgress(Va, ErrorCode);
    if (FaultHandler == NULL || !FaultHandler(Va, ErrorCode)) {
        HostEndGuardedAccess(STATUS_ACCESS_VIOLATION);
        KeBugCheckEx(HOST_BUGCHECK_PAGE_FAULT, Va, (ErrorCode & HOST_FAULT_WRITE) != 0, 0,
                     ErrorCode);
    }
    HostSetUserMode(WasUserMode);
}

/* At raised IRQL.  What is locked in memory may be touched; the rest counts as trimmed. */
static void HandlePageableAccess(ULONG_PTR Va, ULONG ErrorCode)
{
    if (HostpIsForbiddenNow(Va) || HostpFillTlb(Va, &ErrorCode) != HostWalkTranslated) {
        HandlePageFault(Va, ErrorCode);
    }
}

static void HandleMachineCheck(ULONG_PTR Va, ULONG ErrorCode)
{
    KeBugCheckEx(HOST_BUGCHECK_MACHINE_CHECK, Va, ErrorCode, 0, 0);
}

static void HandleDoubleFault(ULONG_PTR Va, ULONG ErrorCode)
{
    HostpAdoptStack(EmergencyExtent());
    KeBugCheckEx(HOST_BUGCHECK_TRAP, 8, Va, ErrorCode, 0);
}

static void HandleWildAccess(ULONG_PTR Va, ULONG ErrorCode)
{
    fprintf(stderr, "%s %08lx, which is not the simulated machine's\n",
            (ErrorCode & HOST_ERROR_FETCH) != 0   ? "instruction fetch from"
            : (ErrorCode & HOST_ERROR_WRITE) != 0 ? "write to"
                                                  : "read of",
            (unsigned long)Va);
    __sanitizer_print_stack_trace();
    fflush(NULL);
    abort();
}

/* ---- on the signal's stack ---- */

/* => Returns whether a trap frame can be stored at Frame without a fault. */
static BOOLEAN IsStackUsable(ULONG_PTR Frame)
{
    ULONG ErrorCode = HOST_FAULT_WRITE;
    HOST_STACK Stack = HostpCurrentStack();

    if (!HostpIsMachineAddress(Frame)) {
        return Frame >= Stack.Bottom && Frame < Stack.Top;
    }
    if (HostpFillTlb(Frame, &ErrorCode) != HostWalkTranslated) {
        return FALSE;
    }
    ErrorCode = HOST_FAULT_WRITE;
    return BYTE_OFFSET(Frame) + sizeof(HOST_TRAP_FRAME) <= PAGE_SIZE ||
           HostpFillTlb(Frame + sizeof(HOST_TRAP_FRAME), &ErrorCode) == HostWalkTranslated;
}

/* Makes the interrupted code go on in Routine, as if it had called it. */
static void EnterTrap(ucontext_t *Context, HOST_TRAP_ROUTINE *Routine, ULONG_PTR Va, ULONG Code)
{
    greg_t *Registers = Context->uc_mcontext.gregs;
    ULONG_PTR Esp = (ULONG_PTR)Registers[REG_ESP];
    PHOST_TRAP_FRAME Frame;

    if (!IsStackUsable(Esp - sizeof(*Frame))) {
        Routine = HandleDoubleFault;
        Esp = EmergencyExtent().Top;
    }
    Frame = (PHOST_TRAP_FRAME)((Esp & ~3u) - sizeof(*Frame));
    Frame->Routine = Routine;
    Frame->Va = (ULONG)Va;
    Frame->ErrorCode = Code;
    Frame->Ebp = (ULONG)Registers[REG_EBP];
    Frame->Eip = (ULONG)Registers[REG_EIP];
    Frame->Eflags = (ULONG)Registers[REG_EFL];
    Registers[REG_ESP] = (greg_t)Frame;
    Registers[REG_EBP] = (greg_t)&Frame->Ebp;
    Registers[REG_EIP] = (greg_t)HostpTrapEntry;
}

/* What the tables grant, unless this host cannot do it. */
static void OnSegmentationFault(int Signal, siginfo_t *Info, PVOID Opaque)
{
    ucontext_t *Context = Opaque;
    ULONG HostError = (ULONG)Context->uc_mcontext.gregs[REG_ERR];
    ULONG_PTR Va = (ULONG_PTR)Info->si_addr;
    ULONG ErrorCode = SimulatedUserMode ? HOST_FAULT_USER : 0;
    int SavedErrno = errno;

    (void)Signal;
    if (Info->si_code == SI_KERNEL || (HostError & HOST_ERROR_FETCH) != 0 ||
        !HostpIsMachineAddress(Va) || !HostpMachineIsOn()) {
        EnterTrap(Context, HandleWildAccess, Va, HostError);
        return;
    }
    if ((HostError & HOST_ERROR_WRITE) != 0) {
        ErrorCode |= HOST_FAULT_WRITE;
    }
    if (HostpIsPageableNow(Va)) {
        EnterTrap(Context, HandlePageableAccess, Va, ErrorCode);
        return;
    }
    switch (HostpFillTlb(Va, &ErrorCode)) {
    case HostWalkTranslated:
        break;
    case HostWalkFault:
        EnterTrap(Context, HandlePageFault, Va, ErrorCode);
        break;
    case HostWalkMachineCheck:
        EnterTrap(Context, HandleMachineCheck, Va, ErrorCode);
        break;
    }
    errno = SavedErrno;
}

/* ---- setting up ---- */

static void CheckProcessor(void)
{
    if ((ArchCpuid(1, 0).Ecx & CPUID_1_ECX_OSXSAVE) == 0) {
        errno = ENOSYS;
        HostpDie("needs a processor with XSAVE");
    }
}

static void InstallSignalHandler(void)
{
    stack_t Stack = {.ss_sp = SignalStack, .ss_size = sizeof(SignalStack)};
    struct sigaction Action = {.sa_sigaction = OnSegmentationFault,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK};

    sigfillset(&Action.sa_mask);
    if (sigaltstack(&Stack, NULL) != 0 || sigaction(SIGSEGV, &Action, NULL) != 0) {
        HostpDie("cannot handle segmentation faults");
    }
}

/* Before main, so that every wild access of the test program is reported, machine or not. */
__attribute__((constructor(102))) static void InstallTraps(void)
{
    HostpLandOnFirstStack();
    CheckProcessor();
    InstallSignalHandler();
}

void HostpTrapReset(void)
{
    HostpCleanStack(EmergencyExtent());
    FaultHandler = NULL;
    SimulatedUserMode = FALSE;
    LastFaultCount = 0;
}

void HostSetFaultHandler(HOST_FAULT_HANDLER *Handler)
{
    FaultHandler = Handler;
}

/* The host cannot check the privilege of a mapping, so the mapping goes. */
void HostSetUserMode(BOOLEAN NewMode)
{
    if (NewMode && !SimulatedUserMode) {
        HostpTlbDropAll(HostTlbNotOwner);
    }
    SimulatedUserMode = NewMode;
}

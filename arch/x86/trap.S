/* SPDX-License-Identifier: MIT */
/*
 * trap.S - the 256 ways into the kernel, the one way out, and stack switching.
 *
 * Each entry is 16 bytes: it pushes an error code where the processor did not, then the vector.
 * Vectors below 32 go to KiDispatchTrap, the others to KiDispatchInterrupt.  Both get a
 * KTRAP_FRAME; what they change in it takes effect on the way out.
 *
 * Double fault and NMI do not come here: they are task gates (descriptors.c).
 */
#include "arch/x86/trap.h"

#define DATA_SELECTOR 0x23              /* NT keeps the ring-3 data selector in DS and ES */
#define PCR_SELECTOR  0x30
#define PCR_EXCEPTION_LIST %fs:0
#define PCR_STACK_BASE     %fs:4
#define PCR_STACK_LIMIT    %fs:8
#define PCR_IRQL           %fs:0x24

/* The processor pushes an error code for vectors 8, 10-14, 17, 21, 29 and 30. */
        .macro  ENTRY Vector
        .balign KI_ENTRY_BYTES
        .if     \Vector == 8 || (\Vector >= 10 && \Vector <= 14) || \
                \Vector == 17 || \Vector == 21 || \Vector == 29 || \Vector == 30
        .else
        push    $0
        .endif
        push    $\Vector
        .if     \Vector < KI_TRAP_EXCEPTIONS
        jmp     KiTrapCommon
        .else
        jmp     KiInterruptCommon
        .endif
        .endm

        .text
        .balign KI_ENTRY_BYTES
        .globl  KiEntries
KiEntries:
        .altmacro
        .set    Number, 0
        .rept   256
        ENTRY   %Number
        .set    Number, Number + 1
        .endr
        .noaltmacro

/*
 * Stack on entry: vector, ErrCode, Eip, SegCs, EFlags.  The vector's slot becomes Ebp's; the vector
 * itself ends up in EDX, the frame in EAX and on the stack.
 */
        .macro  SAVE
        xchg    %ebp, (%esp)            /* vector to EBP, Ebp to its slot */
        push    %ebx
        push    %esi
        push    %edi
        push    %fs
        mov     $PCR_SELECTOR, %edi
        mov     %edi, %fs
        push    PCR_EXCEPTION_LIST
        push    $0                      /* PreviousPreviousMode: kernel */
        push    %eax
        push    %ecx
        push    %edx
        push    %ds
        push    %es
        push    %gs
        mov     $DATA_SELECTOR, %edi
        mov     %edi, %ds
        mov     %edi, %es
        sub     $KTRAP_FRAME_GS, %esp
        cld
        mov     %ebp, %edx
        mov     KTRAP_FRAME_ERR_CODE + 4(%esp), %eax
        mov     %eax, 4(%esp)           /* DbgEip */
        lea     KTRAP_FRAME_ERR_CODE - 4(%esp), %ebp
        mov     (%ebp), %eax
        mov     %eax, (%esp)            /* DbgEbp: with DbgEip a frame for the stack walk */
        mov     %esp, %ebp
        mov     %esp, %eax
        .endm

/* A C call with two arguments; EBP points at {DbgEbp, DbgEip}, so that stack traces cross traps. */
        .macro  DISPATCH Routine
        push    %edx
        push    %eax
        call    \Routine
        add     $8, %esp
        .endm

KiTrapCommon:
        SAVE
        DISPATCH KiDispatchTrap
        jmp     KiExit

KiInterruptCommon:
        SAVE
        DISPATCH KiDispatchInterrupt

        .globl  KiExit
KiExit:
        add     $KTRAP_FRAME_GS, %esp
        pop     %gs
        pop     %es
        pop     %ds
        pop     %edx
        pop     %ecx
        pop     %eax
        add     $8, %esp                /* PreviousPreviousMode, ExceptionList */
        pop     %fs
        pop     %edi
        pop     %esi
        pop     %ebx
        pop     %ebp
        add     $4, %esp                /* ErrCode */
        iret

/*
 * ULONG KiGuardedCall(KI_GUARDED *Routine, ULONG Argument, PKI_FAULT Fault)
 *
 * A KI_GUARD goes to the head of the stack's exception list for the time of the call.
 * KiDispatchTrap, when it finds one there and its IRQL still current, fills *Fault and resumes at
 * KiGuardedResume with the KI_GUARD in EAX.
 */
        .globl  KiGuardedCall, KiGuardedResume
KiGuardedCall:
        push    %ebp
        mov     %esp, %ebp
        push    %ebx
        push    %esi
        push    %edi
        mov     16(%ebp), %eax
        movb    $0, (%eax)              /* Fault->Happened */
        movzbl  PCR_IRQL, %ecx
        push    %ecx                    /* Irql */
        push    %eax                    /* Fault */
        push    $KiGuardedResume        /* Handler */
        push    PCR_EXCEPTION_LIST      /* Next */
        mov     %esp, PCR_EXCEPTION_LIST
        push    12(%ebp)
        call    *8(%ebp)
        add     $4, %esp
        jmp     KiGuardedReturn
KiGuardedResume:
        mov     %eax, %esp
        xor     %eax, %eax
KiGuardedReturn:
        pop     PCR_EXCEPTION_LIST
        add     $12, %esp
        pop     %edi
        pop     %esi
        pop     %ebx
        pop     %ebp
        ret

/*
 * void KeBugCheckEx(ULONG Code, ULONG_PTR Parameter1, ...)
 *
 * Registers must be saved before a compiler uses them.  The stack then is a KI_CALLER.
 */
        .globl  KeBugCheckEx
KeBugCheckEx:
        push    %ebp
        mov     %esp, %ebp
        push    %edi
        push    %esi
        push    %ebx
        push    %esp
        call    KiBugCheckFromCaller    /* does not return */
        ud2

/*
 * PVOID KiInitializeStack(PVOID StackTop, SIZE_T StackBytes, KSTART *Routine, PVOID Context)
 *
 * What it leaves is what KiSwapStack takes off.
 */
        .globl  KiInitializeStack
KiInitializeStack:
        push    %ebx
        mov     8(%esp), %eax
        mov     16(%esp), %ecx
        mov     20(%esp), %edx
        mov     %eax, %ebx
        mov     %edx, -12(%eax)         /* Routine's argument */
        movl    $0, -16(%eax)           /* Routine's return address: there is none */
        mov     %ecx, -20(%eax)         /* where KiSwapStack returns to */
        movl    $0, -24(%eax)           /* ebp: ends the stack trace */
        movl    $0, -28(%eax)           /* ebx */
        movl    $0, -32(%eax)           /* esi */
        movl    $0, -36(%eax)           /* edi */
        movl    $-1, -40(%eax)          /* ExceptionList: empty */
        mov     %ebx, -44(%eax)         /* StackBase */
        sub     12(%esp), %ebx
        mov     %ebx, -48(%eax)         /* StackLimit */
        sub     $48, %eax
        pop     %ebx
        ret

/* void KiSwapStack(PVOID *Save, PVOID Next) */
        .globl  KiSwapStack
KiSwapStack:
        mov     4(%esp), %eax
        mov     8(%esp), %edx
        push    %ebp
        push    %ebx
        push    %esi
        push    %edi
        push    PCR_EXCEPTION_LIST
        push    PCR_STACK_BASE
        push    PCR_STACK_LIMIT
        mov     %esp, (%eax)
        mov     %edx, %esp
        pop     PCR_STACK_LIMIT
        pop     PCR_STACK_BASE
        pop     PCR_EXCEPTION_LIST
        pop     %edi
        pop     %esi
        pop     %ebx
        pop     %ebp
        ret
        .section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: MIT */
/*
 * start.S - the kernel's first instructions, and its stacks.
 *
 * Entered from the loader's switch: 32-bit paging on the loader's tables, flat segments, interrupts
 * off, no stack, LOADER_BLOCK's address in EAX.
 *
 * Each stack is three pages (NT's 12 KB) above a guard page that the kernel unmaps: overflow is a
 * page fault that cannot be pushed, hence a double fault on a task of its own.
 */
#include "arch/x86/stacks.h"

        .section .text.start, "ax"
        .globl  KiStart
KiStart:
        mov     $KiBootStackTop, %esp
        xor     %ebp, %ebp              /* ends every stack trace */
        push    %ebp
        push    %ebp
        push    %ebp
        push    %eax
        push    %ebp
        jmp     KiSystemStartup

        .section .bss, "aw", @nobits
        .balign 4096
        .globl  KiBootStackGuard, KiBootStackTop
        .globl  KiDoubleFaultStackGuard, KiDoubleFaultStackTop
        .globl  KiNmiStackGuard, KiNmiStackTop
        .globl  KiIdleStackGuard, KiIdleStackTop
KiBootStackGuard:
        .skip   4096
        .skip   KERNEL_STACK_BYTES
KiBootStackTop:
KiDoubleFaultStackGuard:
        .skip   4096
        .skip   KERNEL_STACK_BYTES
KiDoubleFaultStackTop:
KiNmiStackGuard:
        .skip   4096
        .skip   KERNEL_STACK_BYTES
KiNmiStackTop:
KiIdleStackGuard:
        .skip   4096
        .skip   KERNEL_STACK_BYTES
KiIdleStackTop:
        .section .note.GNU-stack, "", @progbits
